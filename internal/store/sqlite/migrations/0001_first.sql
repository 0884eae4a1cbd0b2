-- Everything that the allocation of licenses to users needs. An operator notices nothing: the database is new.
--
-- Every table of an organization begins its key with the organization. Instants are microseconds since 1970, UTC.
-- Ids and codes are compared byte by byte (SQLite's default collation); the *_key columns hold folded names.

-- +goose Up

CREATE TABLE organizations (
    id                TEXT PRIMARY KEY,
    name              TEXT NOT NULL,
    name_key          TEXT NOT NULL UNIQUE,
    display_name      TEXT NOT NULL,
    unknown_users     TEXT NOT NULL CHECK (unknown_users IN ('refuse', 'provision')),
    external_licenses INTEGER NOT NULL CHECK (external_licenses IN (0, 1)),
    created_at        INTEGER NOT NULL
) WITHOUT ROWID;

-- A new name may not be another organization's id, in any letter case.
CREATE INDEX organizations_by_folded_id ON organizations (lower(id));

-- The end of each organization's chain of events.
CREATE TABLE heads (
    organization TEXT PRIMARY KEY REFERENCES organizations (id),
    sequence     INTEGER NOT NULL CHECK (sequence >= 0),
    hash         BLOB NOT NULL CHECK (length(hash) = 32),
    at           INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tenants (
    organization TEXT NOT NULL REFERENCES organizations (id),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    name_key     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, id),
    UNIQUE (organization, name_key)
) WITHOUT ROWID;
-- A login may name a tenant alone.
CREATE INDEX tenants_by_name ON tenants (name_key);

CREATE TABLE users (
    organization  TEXT NOT NULL REFERENCES organizations (id),
    id            TEXT NOT NULL,
    user_name     TEXT NOT NULL,
    user_name_key TEXT,
    external_id   TEXT,
    email         TEXT NOT NULL,
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    display_name  TEXT NOT NULL,
    role          TEXT NOT NULL,
    active        INTEGER NOT NULL CHECK (active IN (0, 1)),
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (organization, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX users_by_name ON users (organization, user_name_key) WHERE user_name_key IS NOT NULL;
CREATE UNIQUE INDEX users_by_external_id ON users (organization, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE applications (
    id           TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    name         TEXT NOT NULL,
    secret_hash  BLOB NOT NULL CHECK (length(secret_hash) = 32),
    scopes       TEXT NOT NULL, -- separated by spaces
    created_at   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE lots (
    organization  TEXT NOT NULL REFERENCES organizations (id),
    code          TEXT NOT NULL,
    id            TEXT NOT NULL,
    quantity      INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000000),
    starts_at     INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL CHECK (ends_at > starts_at),
    grace_seconds INTEGER NOT NULL CHECK (grace_seconds >= 0),
    expires_at    INTEGER NOT NULL CHECK (expires_at = ends_at + grace_seconds * 1000000),
    order_text    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (organization, code, id),
    UNIQUE (organization, id)
) WITHOUT ROWID;

-- used may pass total when a pool shrinks, but never ceiling, which only a purchase or the clock can raise.
CREATE TABLE pools (
    organization TEXT NOT NULL REFERENCES organizations (id),
    code         TEXT NOT NULL,
    total        INTEGER NOT NULL CHECK (total BETWEEN 0 AND 1000000000),
    total_until  INTEGER NOT NULL,
    used         INTEGER NOT NULL,
    ceiling      INTEGER NOT NULL,
    PRIMARY KEY (organization, code),
    CHECK (0 <= used AND used <= ceiling)
) WITHOUT ROWID;

CREATE TABLE direct_records (
    organization TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    external     INTEGER NOT NULL CHECK (external IN (0, 1)),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, user_id),
    FOREIGN KEY (organization, user_id) REFERENCES users (organization, id) DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;

CREATE TABLE seats (
    organization TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    code         TEXT NOT NULL,
    units        INTEGER NOT NULL CHECK (units IN (0, 1)),
    direct       INTEGER NOT NULL CHECK (direct IN (0, 1)),
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, user_id, code),
    FOREIGN KEY (organization, user_id) REFERENCES users (organization, id) DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;

-- With a rowid, so that events are appended to full pages whatever their organization; the index finds them.
CREATE TABLE events (
    organization TEXT NOT NULL,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    via          TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    subject      TEXT NOT NULL,
    data         BLOB NOT NULL,
    prev         BLOB NOT NULL,
    hash         BLOB NOT NULL,
    PRIMARY KEY (organization, sequence)
);

-- +goose StatementBegin
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
-- +goose StatementEnd

-- With a rowid, so that old answers are swept from the front without an index on their age.
CREATE TABLE idempotency_keys (
    organization TEXT NOT NULL REFERENCES organizations (id),
    principal    TEXT NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL, -- before the answer, which may be long: the sweep reads no further
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    PRIMARY KEY (organization, principal, key)
);
