-- Applications may be public, have several secrets and addresses to send people back to, and ask for scopes in the name of
-- people; grants are what people and applications were let in by: authorization codes, refresh tokens, personal tokens.
-- An operator notices nothing; older programs refuse this database.

-- +goose Up

-- redirect_uris, scopes and user_scopes are separated by spaces; secrets is JSON.
ALTER TABLE applications ADD COLUMN confidential INTEGER NOT NULL DEFAULT 1 CHECK (confidential IN (0, 1));
ALTER TABLE applications ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '';
ALTER TABLE applications ADD COLUMN user_scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE applications ADD COLUMN secrets BLOB NOT NULL DEFAULT x'5b5d';
ALTER TABLE applications ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
UPDATE applications SET user_scopes = scopes, modified_at = created_at, secrets = CAST('[{"id":"first","hash":"' || lower(hex(secret_hash))
    || '","createdAt":"' || strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06dZ', created_at % 1000000) || '"}]' AS BLOB);
ALTER TABLE applications DROP COLUMN secret_hash;

-- of_user and application are empty where there is none.
CREATE TABLE grants (
    organization     INTEGER NOT NULL REFERENCES organizations (number),
    id               TEXT NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('authorization', 'personal', 'withdrawn')),
    of_user          TEXT NOT NULL,
    application      TEXT NOT NULL,
    scopes           TEXT NOT NULL,
    description      TEXT NOT NULL,
    number           INTEGER NOT NULL CHECK (number >= 0),
    secret_hash      BLOB NOT NULL CHECK (length(secret_hash) IN (0, 32)),
    password_mark    BLOB NOT NULL,
    revoked          INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    used_at          INTEGER NOT NULL,
    redirect_uri     TEXT NOT NULL,
    nonce            TEXT NOT NULL,
    challenge        TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    PRIMARY KEY (organization, id)
) WITHOUT ROWID;
-- Grants go with people and with applications, and are listed by person.
CREATE INDEX grants_of_users ON grants (organization, of_user);
CREATE INDEX grants_of_applications ON grants (organization, application);
-- Those that have ended are cleared by and by.
CREATE INDEX grants_by_end ON grants (expires_at) WHERE kind <> 'personal';

UPDATE schema_compatibility SET oldest = 10;
