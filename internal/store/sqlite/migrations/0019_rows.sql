-- PostgreSQL gets types for the rows that every batch writes. Nothing is to be done here, where there are none; the numbers of the two stores
-- go together, because a backup of one is restored into the other.

-- +goose Up

SELECT 1;
