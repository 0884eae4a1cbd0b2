-- Group rules, the leases that members take through them, sessions of products, and the policies of an organization. An operator
-- notices nothing; programs of before may not use the database any more, because they would not see leases.

-- +goose Up

ALTER TABLE organizations ADD COLUMN allocation_mode TEXT NOT NULL DEFAULT 'replace' CHECK (allocation_mode IN ('replace', 'additive'));
ALTER TABLE organizations ADD COLUMN on_leave TEXT NOT NULL DEFAULT 'release' CHECK (on_leave IN ('release', 'orphan'));
ALTER TABLE organizations ADD COLUMN inactive_days INTEGER NOT NULL DEFAULT 90 CHECK (inactive_days > 0);
ALTER TABLE organizations ADD COLUMN user_licensing INTEGER NOT NULL DEFAULT 1 CHECK (user_licensing IN (0, 1));

-- A rule of a built-in group has no row in groups, so no foreign key leads there.
CREATE TABLE group_rules (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    group_id     TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    external     INTEGER NOT NULL CHECK (external IN (0, 1)),
    created_at   INTEGER NOT NULL,
    modified_at  INTEGER NOT NULL,
    applied_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, group_id)
) WITHOUT ROWID;

-- leases counts the present ones, units those of their units that nothing else holds.
CREATE TABLE group_offers (
    organization INTEGER NOT NULL,
    group_id     TEXT NOT NULL,
    code         TEXT NOT NULL,
    term         INTEGER NOT NULL,
    quota        INTEGER NOT NULL CHECK (quota BETWEEN 0 AND 1000000000),
    leases       INTEGER NOT NULL CHECK (quota = 0 AND leases >= 0 OR leases BETWEEN 0 AND quota),
    units        INTEGER NOT NULL CHECK (units BETWEEN 0 AND leases),
    PRIMARY KEY (organization, group_id, code),
    FOREIGN KEY (organization, group_id) REFERENCES group_rules (organization, group_id)
) WITHOUT ROWID;

-- A unit of a multiuser bundle that up to three members of a group lease together. Its number is that of an event.
CREATE TABLE shared_units (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    number       INTEGER NOT NULL,
    group_id     TEXT NOT NULL,
    code         TEXT NOT NULL,
    term         INTEGER NOT NULL,
    members      INTEGER NOT NULL CHECK (members BETWEEN 1 AND 3),
    of_user      TEXT NOT NULL,
    session      TEXT NOT NULL,
    held_until   INTEGER NOT NULL,
    PRIMARY KEY (organization, number)
) WITHOUT ROWID;
CREATE INDEX shared_units_with_room ON shared_units (organization, group_id, code, held_until) WHERE members < 3;

CREATE TABLE sessions (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    id           TEXT NOT NULL,
    global_id    TEXT NOT NULL,
    of_user      TEXT NOT NULL,
    client_type  TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, id)
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (organization, of_user);
CREATE INDEX sessions_by_age ON sessions (updated_at);

-- A seat may be held through a group: it has these then.
ALTER TABLE holdings ADD COLUMN group_id TEXT CHECK (group_id IS NULL OR code <> '');
ALTER TABLE holdings ADD COLUMN term INTEGER CHECK ((term IS NULL) = (group_id IS NULL));
ALTER TABLE holdings ADD COLUMN leased_at INTEGER CHECK ((leased_at IS NULL) = (group_id IS NULL));
ALTER TABLE holdings ADD COLUMN last_in_use INTEGER CHECK ((last_in_use IS NULL) = (group_id IS NULL));
ALTER TABLE holdings ADD COLUMN orphan_at INTEGER CHECK ((orphan_at IS NULL) = (group_id IS NULL));
ALTER TABLE holdings ADD COLUMN unit INTEGER CHECK ((unit IS NULL) = (group_id IS NULL));
CREATE INDEX holdings_by_group ON holdings (organization, group_id) WHERE group_id IS NOT NULL;
DROP VIEW seats;
CREATE VIEW seats (user_number, code, organization, units, direct, created_at, group_id, term, leased_at, last_in_use, orphan_at, unit) AS
    SELECT user_number, code, organization, units, direct, created_at, coalesce(group_id, ''), coalesce(term, 0), coalesce(leased_at, 0),
        coalesce(last_in_use, 0), coalesce(orphan_at, 0), coalesce(unit, 0) FROM holdings WHERE code > '';

UPDATE schema_compatibility SET oldest = 12;
