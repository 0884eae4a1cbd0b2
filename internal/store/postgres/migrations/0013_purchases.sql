-- Signed license files and notices: which files were imported, and what was told of purchases that end and of pools that run low.
-- An operator notices nothing; older programs refuse this database.

-- +goose Up

-- lots is how many purchases the file has; deactivated_at is 0 where it was not.
CREATE TABLE license_files (
    organization   integer NOT NULL REFERENCES organizations (number),
    id             text COLLATE "C" NOT NULL,
    issuer         text COLLATE "C" NOT NULL,
    sha256         bytea NOT NULL CHECK (length(sha256) = 32),
    lots           bigint NOT NULL CHECK (lots > 0),
    imported_at    bigint NOT NULL,
    deactivated_at bigint NOT NULL,
    PRIMARY KEY (organization, id)
);

-- ends_at is 0 for what is about a pool.
CREATE TABLE notices (
    organization integer NOT NULL REFERENCES organizations (number),
    sequence     bigint NOT NULL,
    kind         text COLLATE "C" NOT NULL CHECK (kind IN ('lot_ends', 'pool_used')),
    subject      text COLLATE "C" NOT NULL,
    code         text COLLATE "C" NOT NULL,
    threshold    bigint NOT NULL CHECK (threshold > 0),
    ends_at      bigint NOT NULL,
    used         bigint NOT NULL,
    total        bigint NOT NULL,
    at           bigint NOT NULL,
    standing     boolean NOT NULL,
    PRIMARY KEY (organization, sequence)
);
-- One at most stands about the same thing.
CREATE UNIQUE INDEX notices_that_stand ON notices (organization, kind, subject) WHERE standing;
-- The clock looks for those that end soon.
CREATE INDEX lots_by_end ON lots (ends_at);

UPDATE schema_compatibility SET oldest = 13;
