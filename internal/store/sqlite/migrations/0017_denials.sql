-- Who was refused units, how often, and when they got them after all. An operator notices nothing; older programs would not keep that, so they
-- refuse this database. What was refused before is in the events alone.

-- +goose Up

-- denied is the id of whoever was to have the units, empty once the person is deleted. satisfied_at is 0 where they never got them.
CREATE TABLE denials (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    number       INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('user', 'service', 'organization')),
    denied       TEXT NOT NULL,
    code         TEXT NOT NULL,
    reason       TEXT NOT NULL CHECK (reason IN ('pool_exhausted', 'pool_overallocated', 'not_in_force', 'quota_reached', 'unit_in_use')),
    group_id     TEXT NOT NULL,
    requested    INTEGER NOT NULL,
    available    INTEGER NOT NULL,
    first_at     INTEGER NOT NULL,
    last_at      INTEGER NOT NULL CHECK (last_at >= first_at),
    refusals     INTEGER NOT NULL CHECK (refusals > 0),
    satisfied_at INTEGER NOT NULL,
    latest       INTEGER NOT NULL CHECK (latest IN (0, 1)),
    PRIMARY KEY (organization, number),
    CHECK (latest = 0 OR satisfied_at = 0)
) WITHOUT ROWID;
-- The next refusal of the same is counted in this one; there is one at most.
CREATE UNIQUE INDEX denials_latest ON denials (organization, kind, denied, code) WHERE latest = 1;
-- What somebody was refused, and how often a product was.
CREATE INDEX denials_of_somebody ON denials (organization, denied, code, number);
CREATE INDEX denials_of_code ON denials (organization, code, number);

UPDATE schema_compatibility SET oldest = 17;
