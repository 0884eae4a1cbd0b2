-- Types for the rows that every batch writes, so that they travel as one array of each instead of one of each column. An operator notices
-- nothing; programs of before go on with this database.

-- +goose Up

CREATE TYPE head_row AS (organization integer, sequence bigint, hash bytea, at bigint);
CREATE TYPE pool_row AS (organization integer, code text, total bigint, total_until bigint, used bigint, ceiling bigint);
CREATE TYPE record_row AS (organization integer, user_id text, external boolean, created_at bigint, updated_at bigint);
CREATE TYPE seat_row AS (organization integer, user_id text, code text, units bigint, direct boolean, created_at bigint);
CREATE TYPE key_row AS (
    organization integer, digest uuid, created_at bigint, principal text, key text, fingerprint bytea, answer bytea
);
CREATE TYPE event_row AS (
    organization integer, sequence bigint, at bigint, version bigint, kind text, actor text, via text, request_id text, subject text,
    data bytea, prev bytea, hash bytea
);
