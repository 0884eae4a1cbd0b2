-- Group rules, the leases that members take through them, sessions of products, and the policies of an organization. An operator
-- notices nothing; programs of before may not use the database any more, because they would not see leases.

-- +goose Up

ALTER TABLE organizations
    ADD COLUMN allocation_mode text NOT NULL DEFAULT 'replace' CHECK (allocation_mode IN ('replace', 'additive')),
    ADD COLUMN on_leave text NOT NULL DEFAULT 'release' CHECK (on_leave IN ('release', 'orphan')),
    ADD COLUMN inactive_days bigint NOT NULL DEFAULT 90 CHECK (inactive_days > 0),
    ADD COLUMN user_licensing boolean NOT NULL DEFAULT true;

-- A rule of a built-in group has no row in groups, so no foreign key leads there.
CREATE TABLE group_rules (
    organization integer NOT NULL REFERENCES organizations (number),
    group_id     text COLLATE "C" NOT NULL,
    priority     bigint NOT NULL,
    external     boolean NOT NULL,
    created_at   bigint NOT NULL,
    modified_at  bigint NOT NULL,
    applied_at   bigint NOT NULL,
    PRIMARY KEY (organization, group_id)
);

-- leases counts the present ones, units those of their units that nothing else holds.
CREATE TABLE group_offers (
    organization integer NOT NULL,
    group_id     text COLLATE "C" NOT NULL,
    code         text COLLATE "C" NOT NULL,
    term         bigint NOT NULL,
    quota        bigint NOT NULL CHECK (quota BETWEEN 0 AND 1000000000),
    leases       bigint NOT NULL,
    units        bigint NOT NULL,
    PRIMARY KEY (organization, group_id, code),
    FOREIGN KEY (organization, group_id) REFERENCES group_rules (organization, group_id),
    CHECK (quota = 0 AND leases >= 0 OR leases BETWEEN 0 AND quota),
    CHECK (units BETWEEN 0 AND leases)
) WITH (fillfactor = 50);

-- A unit of a multiuser bundle that up to three members of a group lease together. Its number is that of an event.
CREATE TABLE shared_units (
    organization integer NOT NULL REFERENCES organizations (number),
    number       bigint NOT NULL,
    group_id     text COLLATE "C" NOT NULL,
    code         text COLLATE "C" NOT NULL,
    term         bigint NOT NULL,
    members      bigint NOT NULL CHECK (members BETWEEN 1 AND 3),
    of_user      text COLLATE "C" NOT NULL,
    session      text COLLATE "C" NOT NULL,
    held_until   bigint NOT NULL,
    PRIMARY KEY (organization, number)
);
CREATE INDEX shared_units_with_room ON shared_units (organization, group_id, code, held_until) WHERE members < 3;

CREATE TABLE sessions (
    organization integer NOT NULL REFERENCES organizations (number),
    id           text COLLATE "C" NOT NULL,
    global_id    text COLLATE "C" NOT NULL,
    of_user      text COLLATE "C" NOT NULL,
    client_type  text NOT NULL,
    started_at   bigint NOT NULL,
    updated_at   bigint NOT NULL,
    PRIMARY KEY (organization, id)
);
CREATE INDEX sessions_by_user ON sessions (organization, of_user);
CREATE INDEX sessions_by_age ON sessions (updated_at);

-- A seat may be held through a group: these say which then, and are empty and 0 otherwise.
ALTER TABLE seats
    ADD COLUMN group_id text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN term bigint NOT NULL DEFAULT 0,
    ADD COLUMN leased_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN last_in_use bigint NOT NULL DEFAULT 0,
    ADD COLUMN orphan_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN unit bigint NOT NULL DEFAULT 0,
    ADD CHECK ((term = 0) = (group_id = ''));
CREATE INDEX seats_by_group ON seats (organization, group_id, user_id) WHERE group_id <> '';

UPDATE schema_compatibility SET oldest = 12;
