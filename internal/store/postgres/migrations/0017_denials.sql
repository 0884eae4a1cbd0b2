-- Who was refused units, how often, and when they got them after all. An operator notices nothing; older programs would not keep that, so they
-- refuse this database. What was refused before is in the events alone.

-- +goose Up

-- denied is the id of whoever was to have the units, empty once the person is deleted. satisfied_at is 0 where they never got them.
CREATE TABLE denials (
    organization integer NOT NULL REFERENCES organizations (number),
    number       bigint NOT NULL,
    kind         text COLLATE "C" NOT NULL CHECK (kind IN ('user', 'service', 'organization')),
    denied       text COLLATE "C" NOT NULL,
    code         text COLLATE "C" NOT NULL,
    reason       text COLLATE "C" NOT NULL CHECK (reason IN ('pool_exhausted', 'pool_overallocated', 'not_in_force', 'quota_reached', 'unit_in_use')),
    group_id     text COLLATE "C" NOT NULL,
    requested    bigint NOT NULL,
    available    bigint NOT NULL,
    first_at     bigint NOT NULL,
    last_at      bigint NOT NULL CHECK (last_at >= first_at),
    refusals     bigint NOT NULL CHECK (refusals > 0),
    satisfied_at bigint NOT NULL,
    latest       boolean NOT NULL,
    PRIMARY KEY (organization, number),
    CHECK (NOT latest OR satisfied_at = 0)
);
-- The next refusal of the same is counted in this one; there is one at most.
CREATE UNIQUE INDEX denials_latest ON denials (organization, kind, denied, code) WHERE latest;
-- What somebody was refused, and how often a product was.
CREATE INDEX denials_of_somebody ON denials (organization, denied, code, number);
CREATE INDEX denials_of_code ON denials (organization, code, number);

UPDATE schema_compatibility SET oldest = 17;
