-- People can be changed and removed. An operator notices that programs of before may not use the database any more: they would
-- allocate to people who are not active.

-- +goose Up

ALTER TABLE users ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0; -- 0: never
ALTER TABLE users ADD COLUMN bypass_basic_auth INTEGER NOT NULL DEFAULT 0 CHECK (bypass_basic_auth IN (0, 1));
ALTER TABLE users ADD COLUMN invitation_accepted INTEGER NOT NULL DEFAULT 0 CHECK (invitation_accepted IN (0, 1));

-- Whether anybody is left to administer an organization is asked before a person is removed.
CREATE INDEX users_who_administer ON users (organization) WHERE active = 1 AND role <> 'member';

UPDATE schema_compatibility SET oldest = 4;
