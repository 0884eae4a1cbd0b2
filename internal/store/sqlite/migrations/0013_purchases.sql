-- Signed license files and notices: which files were imported, and what was told of purchases that end and of pools that run low.
-- An operator notices nothing; older programs refuse this database.

-- +goose Up

-- lots is how many purchases the file has; deactivated_at is 0 where it was not.
CREATE TABLE license_files (
    organization   INTEGER NOT NULL REFERENCES organizations (number),
    id             TEXT NOT NULL,
    issuer         TEXT NOT NULL,
    sha256         BLOB NOT NULL CHECK (length(sha256) = 32),
    lots           INTEGER NOT NULL CHECK (lots > 0),
    imported_at    INTEGER NOT NULL,
    deactivated_at INTEGER NOT NULL,
    PRIMARY KEY (organization, id)
) WITHOUT ROWID;

-- ends_at is 0 for what is about a pool.
CREATE TABLE notices (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    sequence     INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('lot_ends', 'pool_used')),
    subject      TEXT NOT NULL,
    code         TEXT NOT NULL,
    threshold    INTEGER NOT NULL CHECK (threshold > 0),
    ends_at      INTEGER NOT NULL,
    used         INTEGER NOT NULL,
    total        INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    standing     INTEGER NOT NULL CHECK (standing IN (0, 1)),
    PRIMARY KEY (organization, sequence)
) WITHOUT ROWID;
-- One at most stands about the same thing.
CREATE UNIQUE INDEX notices_that_stand ON notices (organization, kind, subject) WHERE standing = 1;
-- The clock looks for those that end soon.
CREATE INDEX lots_by_end ON lots (ends_at);

UPDATE schema_compatibility SET oldest = 13;
