-- People can be changed and removed. An operator notices that programs of before may not use the database any more: they would
-- allocate to people who are not active.

-- +goose Up

ALTER TABLE users ADD COLUMN modified_at bigint NOT NULL DEFAULT 0; -- 0: never
ALTER TABLE users ADD COLUMN bypass_basic_auth boolean NOT NULL DEFAULT false;
ALTER TABLE users ADD COLUMN invitation_accepted boolean NOT NULL DEFAULT false;

-- Whether anybody is left to administer an organization is asked before a person is removed.
CREATE INDEX users_who_administer ON users (organization) WHERE active AND role <> 'member';

UPDATE schema_compatibility SET oldest = 4;
