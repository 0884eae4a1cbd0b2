-- What the host distributes to organizations, and what organizations give to their tenants' services. An operator notices nothing;
-- programs of before can go on.

-- +goose Up

-- 'host': the units count as used at the host.
ALTER TABLE lots ADD COLUMN origin TEXT NOT NULL DEFAULT '' CHECK (origin IN ('', 'host'));
-- Few lots are the host's: they are looked for whenever its purchases change.
CREATE INDEX lots_of_the_host ON lots (organization) WHERE origin = 'host';

-- The units are drawn from the pool of the organization, so no lots are behind these.
CREATE TABLE service_pools (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    tenant_id    TEXT NOT NULL,
    service      TEXT NOT NULL,
    code         TEXT NOT NULL,
    quantity     INTEGER NOT NULL CHECK (quantity BETWEEN 0 AND 1000000000),
    used         INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (organization, tenant_id, service, code),
    FOREIGN KEY (organization, tenant_id) REFERENCES tenants (organization, id)
) WITHOUT ROWID;
