-- SQLite puts the direct records and the seats into one table here, where they lie side by side. Nothing changes; both count
-- their migrations alike.

-- +goose Up
SELECT 1;
