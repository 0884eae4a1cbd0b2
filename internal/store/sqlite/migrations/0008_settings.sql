-- Settings of organizations and of their people. An operator notices nothing.

-- +goose Up

-- of_user is empty for a setting of the organization.
CREATE TABLE settings (
    organization INTEGER NOT NULL REFERENCES organizations (number),
    of_user      TEXT NOT NULL,
    key          TEXT NOT NULL,
    number       INTEGER NOT NULL CHECK (number > 0),
    value        TEXT NOT NULL,
    modified_at  INTEGER NOT NULL,
    PRIMARY KEY (organization, of_user, key)
) WITHOUT ROWID;
