-- Groups, robot accounts, and who is in which group. An operator notices nothing.

-- +goose Up

CREATE TABLE groups (
    organization integer NOT NULL REFERENCES organizations (number),
    id           text COLLATE "C" NOT NULL,
    name         text NOT NULL,
    name_key     text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    modified_at  bigint NOT NULL,
    PRIMARY KEY (organization, id),
    UNIQUE (organization, name_key)
);

CREATE TABLE robot_accounts (
    organization integer NOT NULL REFERENCES organizations (number),
    id           text COLLATE "C" NOT NULL,
    name         text NOT NULL,
    name_key     text COLLATE "C" NOT NULL,
    display_name text NOT NULL,
    created_at   bigint NOT NULL,
    modified_at  bigint NOT NULL,
    PRIMARY KEY (organization, id),
    UNIQUE (organization, name_key)
);

CREATE TABLE memberships (
    organization integer NOT NULL,
    group_id     text COLLATE "C" NOT NULL,
    member_id    text COLLATE "C" NOT NULL,
    member_kind  text NOT NULL CHECK (member_kind IN ('user', 'robot')),
    PRIMARY KEY (organization, group_id, member_id),
    FOREIGN KEY (organization, group_id) REFERENCES groups (organization, id)
);
CREATE INDEX memberships_by_member ON memberships (organization, member_id);
