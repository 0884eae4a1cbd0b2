-- Applications may be public, have several secrets and addresses to send people back to, and ask for scopes in the name of
-- people; grants are what people and applications were let in by: authorization codes, refresh tokens, personal tokens.
-- An operator notices nothing; older programs refuse this database.

-- +goose Up

-- redirect_uris, scopes and user_scopes are separated by spaces; secrets is JSON.
ALTER TABLE applications ADD COLUMN confidential boolean NOT NULL DEFAULT true;
ALTER TABLE applications ADD COLUMN redirect_uris text NOT NULL DEFAULT '';
ALTER TABLE applications ADD COLUMN user_scopes text NOT NULL DEFAULT '';
ALTER TABLE applications ADD COLUMN secrets bytea NOT NULL DEFAULT '[]';
ALTER TABLE applications ADD COLUMN modified_at bigint NOT NULL DEFAULT 0;
UPDATE applications SET user_scopes = scopes, modified_at = created_at, secrets = convert_to('[{"id":"first","hash":"' || encode(secret_hash, 'hex')
    || '","createdAt":"' || to_char(timestamp 'epoch' + created_at * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}]', 'UTF8');
ALTER TABLE applications DROP COLUMN secret_hash;

-- of_user and application are empty where there is none.
CREATE TABLE grants (
    organization     integer NOT NULL REFERENCES organizations (number),
    id               text COLLATE "C" NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('authorization', 'personal', 'withdrawn')),
    of_user          text COLLATE "C" NOT NULL,
    application      text COLLATE "C" NOT NULL,
    scopes           text NOT NULL,
    description      text NOT NULL,
    number           bigint NOT NULL CHECK (number >= 0),
    secret_hash      bytea NOT NULL CHECK (length(secret_hash) IN (0, 32)),
    password_mark    bytea NOT NULL,
    revoked          boolean NOT NULL,
    created_at       bigint NOT NULL,
    expires_at       bigint NOT NULL,
    used_at          bigint NOT NULL,
    redirect_uri     text NOT NULL,
    nonce            text NOT NULL,
    challenge        text NOT NULL,
    authenticated_at bigint NOT NULL,
    PRIMARY KEY (organization, id)
);
-- Grants go with people and with applications, and are listed by person.
CREATE INDEX grants_of_users ON grants (organization, of_user);
CREATE INDEX grants_of_applications ON grants (organization, application);
-- Those that have ended are cleared by and by.
CREATE INDEX grants_by_end ON grants (expires_at) WHERE kind <> 'personal';

UPDATE schema_compatibility SET oldest = 10;
