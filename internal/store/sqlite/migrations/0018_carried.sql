-- What services have consumed of purchases that go on after a period counts in the next one as well. An operator notices nothing; programs of
-- before would forget it at the end of the period and let more be consumed than was bought, so they refuse this database.

-- +goose Up

-- In millionths, as used, of which it is a part.
ALTER TABLE service_pools ADD COLUMN carried INTEGER NOT NULL DEFAULT 0
    CHECK (carried BETWEEN 0 AND used AND (period_end > 0 OR carried = 0));

UPDATE schema_compatibility SET oldest = 18;
