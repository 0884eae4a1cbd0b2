-- Leases of units that tenants' services use, and what they consume. An operator notices nothing; programs of before would not know that
-- units of a service are in use, so they refuse this database.

-- +goose Up

ALTER TABLE organizations ADD COLUMN unit_lease_minutes bigint NOT NULL DEFAULT 60 CHECK (unit_lease_minutes BETWEEN 1 AND 527040);
ALTER TABLE organizations ADD COLUMN overdraft text NOT NULL DEFAULT 'refuse' CHECK (overdraft IN ('refuse', 'allow'));

-- What services use counts in millionths from now on; nothing was used before. Drawn are the units that the pool of the organization counts
-- for the service. Only of a consumable, which has a period, may more be used.
ALTER TABLE service_pools ADD COLUMN drawn bigint NOT NULL DEFAULT 0 CHECK (drawn >= 0);
UPDATE service_pools SET drawn = quantity;
ALTER TABLE service_pools ADD COLUMN period_start bigint NOT NULL DEFAULT 0;
ALTER TABLE service_pools ADD COLUMN period_end bigint NOT NULL DEFAULT 0;
ALTER TABLE service_pools ADD CHECK (drawn >= quantity AND (period_end > 0 OR used <= drawn * 1000000));
CREATE INDEX service_pools_by_period ON service_pools (organization, code, period_end) WHERE period_end > 0;

CREATE TABLE unit_leases (
    organization integer NOT NULL REFERENCES organizations (number),
    tenant_id    text COLLATE "C" NOT NULL,
    service      text COLLATE "C" NOT NULL,
    code         text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    quantity     bigint NOT NULL CHECK (quantity BETWEEN 0 AND 1000000000000000), -- millionths
    version      bigint NOT NULL, -- number of the event that told the quantity
    owner        text NOT NULL,
    made_by      text NOT NULL,
    created_at   bigint NOT NULL,
    renewed_at   bigint NOT NULL CHECK (renewed_at >= created_at),
    period_end   bigint NOT NULL, -- of a consumption; 0: the units are held
    PRIMARY KEY (organization, tenant_id, service, code, id),
    FOREIGN KEY (organization, tenant_id) REFERENCES tenants (organization, id)
);
CREATE INDEX unit_leases_by_id ON unit_leases (organization, id);
-- Those that were not renewed for long are looked for by every lease of the same product.
CREATE INDEX unit_leases_by_age ON unit_leases (organization, code, renewed_at) WHERE period_end = 0;
CREATE INDEX unit_leases_by_period ON unit_leases (period_end) WHERE period_end > 0;

CREATE TABLE usage_days (
    organization integer NOT NULL REFERENCES organizations (number),
    tenant_id    text COLLATE "C" NOT NULL,
    service      text COLLATE "C" NOT NULL,
    code         text COLLATE "C" NOT NULL,
    day          bigint NOT NULL, -- since 1970-01-01, UTC
    peak         bigint NOT NULL CHECK (peak >= 0), -- millionths, as the next two
    last         bigint NOT NULL CHECK (last >= 0),
    consumed     bigint NOT NULL CHECK (consumed >= 0),
    PRIMARY KEY (organization, tenant_id, service, code, day),
    FOREIGN KEY (organization, tenant_id) REFERENCES tenants (organization, id)
);

UPDATE schema_compatibility SET oldest = 16;
