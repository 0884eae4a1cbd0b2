-- What a purchase that ends or is made smaller does to those who hold more than is left. An operator notices nothing; programs of
-- before would not do as it says, so they refuse this database.

-- +goose Up

ALTER TABLE organizations ADD COLUMN on_shrink TEXT NOT NULL DEFAULT 'allow' CHECK (on_shrink IN ('allow', 'hold', 'block'));

UPDATE schema_compatibility SET oldest = 15;
