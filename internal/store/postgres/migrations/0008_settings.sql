-- Settings of organizations and of their people. An operator notices nothing.

-- +goose Up

-- of_user is empty for a setting of the organization.
CREATE TABLE settings (
    organization integer NOT NULL REFERENCES organizations (number),
    of_user      text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    number       bigint NOT NULL CHECK (number > 0),
    value        text NOT NULL,
    modified_at  bigint NOT NULL,
    PRIMARY KEY (organization, of_user, key)
);
