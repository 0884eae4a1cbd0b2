-- The schema says from now on which programs may use it. An operator notices that a program which is older than the database
-- starts where the schema allows it, so that nodes can be upgraded one by one.

-- +goose Up

-- One row. oldest is the number of the last migration that a program must know at least. A migration that older programs
-- cannot live with raises it.
CREATE TABLE schema_compatibility (
    oldest bigint NOT NULL
);
INSERT INTO schema_compatibility (oldest) VALUES (1);

-- Backup and verification go through the applications of each organization.
CREATE INDEX applications_by_organization ON applications (organization);
