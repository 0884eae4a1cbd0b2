-- SQLite gets here the numbers of organizations that PostgreSQL has had from the first. Nothing changes; both count their
-- migrations alike.

-- +goose Up
SELECT 1;
