-- Groups, robot accounts, and who is in which group. An operator notices nothing.

-- +goose Up

CREATE TABLE groups (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    name_key     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    modified_at  INTEGER NOT NULL,
    PRIMARY KEY (organization, id),
    UNIQUE (organization, name_key)
) WITHOUT ROWID;

CREATE TABLE robot_accounts (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    name_key     TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    modified_at  INTEGER NOT NULL,
    PRIMARY KEY (organization, id),
    UNIQUE (organization, name_key)
) WITHOUT ROWID;

CREATE TABLE memberships (
    organization INTEGER NOT NULL,
    group_id     TEXT NOT NULL,
    member_id    TEXT NOT NULL,
    member_kind  TEXT NOT NULL CHECK (member_kind IN ('user', 'robot')),
    PRIMARY KEY (organization, group_id, member_id),
    FOREIGN KEY (organization, group_id) REFERENCES groups (organization, id)
) WITHOUT ROWID;
CREATE INDEX memberships_by_member ON memberships (organization, member_id);
