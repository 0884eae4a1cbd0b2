-- Leases of units that tenants' services use, and what they consume. An operator notices nothing; programs of before would not know that
-- units of a service are in use, so they refuse this database.

-- +goose Up

ALTER TABLE organizations ADD COLUMN unit_lease_minutes INTEGER NOT NULL DEFAULT 60 CHECK (unit_lease_minutes BETWEEN 1 AND 527040);
ALTER TABLE organizations ADD COLUMN overdraft TEXT NOT NULL DEFAULT 'refuse' CHECK (overdraft IN ('refuse', 'allow'));

-- What services use counts in millionths from now on; nothing was used before. Drawn are the units that the pool of the organization counts
-- for the service. Only of a consumable, which has a period, may more be used.
ALTER TABLE service_pools ADD COLUMN drawn INTEGER NOT NULL DEFAULT 0 CHECK (drawn >= 0);
UPDATE service_pools SET drawn = quantity;
ALTER TABLE service_pools ADD COLUMN period_start INTEGER NOT NULL DEFAULT 0;
ALTER TABLE service_pools ADD COLUMN period_end INTEGER NOT NULL DEFAULT 0
    CHECK (drawn >= quantity AND (period_end > 0 OR used <= drawn * 1000000));
CREATE INDEX service_pools_by_period ON service_pools (organization, code, period_end) WHERE period_end > 0;

CREATE TABLE unit_leases (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    tenant_id    TEXT NOT NULL,
    service      TEXT NOT NULL,
    code         TEXT NOT NULL,
    id           TEXT NOT NULL,
    quantity     INTEGER NOT NULL CHECK (quantity BETWEEN 0 AND 1000000000000000), -- millionths
    version      INTEGER NOT NULL, -- number of the event that told the quantity
    owner        TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    renewed_at   INTEGER NOT NULL CHECK (renewed_at >= created_at),
    period_end   INTEGER NOT NULL, -- of a consumption; 0: the units are held
    PRIMARY KEY (organization, tenant_id, service, code, id),
    FOREIGN KEY (organization, tenant_id) REFERENCES tenants (organization, id)
) WITHOUT ROWID;
CREATE INDEX unit_leases_by_id ON unit_leases (organization, id);
-- Those that were not renewed for long are looked for by every lease of the same product.
CREATE INDEX unit_leases_by_age ON unit_leases (organization, code, renewed_at) WHERE period_end = 0;
CREATE INDEX unit_leases_by_period ON unit_leases (period_end) WHERE period_end > 0;

CREATE TABLE usage_days (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    tenant_id    TEXT NOT NULL,
    service      TEXT NOT NULL,
    code         TEXT NOT NULL,
    day          INTEGER NOT NULL, -- since 1970-01-01, UTC
    peak         INTEGER NOT NULL CHECK (peak >= 0), -- millionths, as the next two
    last         INTEGER NOT NULL CHECK (last >= 0),
    consumed     INTEGER NOT NULL CHECK (consumed >= 0),
    PRIMARY KEY (organization, tenant_id, service, code, day),
    FOREIGN KEY (organization, tenant_id) REFERENCES tenants (organization, id)
) WITHOUT ROWID;

UPDATE schema_compatibility SET oldest = 16;
