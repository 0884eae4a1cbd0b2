-- What a person holds lies together: the direct record and the seats are rows of one table, side by side. An operator notices
-- that allocating to people who lie all over a large database is faster, and that the first start with this program copies
-- records and seats once: five seconds for a million people with a seat each, and 150 MB of room on the disk while it lasts.
-- Programs of before may not use the database any more.

-- +goose Up

-- A row with an empty code is the direct record of the person, all others are seats: whoever gets a seat mostly gets a record
-- too, on the same page. No foreign key leads to the person: the program looks, which is faster, and verification does. The
-- organization is that of the person.
CREATE TABLE holdings (
    user_number  INTEGER NOT NULL,
    code         TEXT NOT NULL,
    organization INTEGER NOT NULL,
    external     INTEGER CHECK (external IN (0, 1)) CHECK ((external IS NOT NULL) = (code = '')),
    units        INTEGER CHECK (units IN (0, 1)) CHECK ((units IS NOT NULL) = (code <> '')),
    direct       INTEGER CHECK (direct IN (0, 1)) CHECK ((direct IS NOT NULL) = (code <> '')),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER CHECK ((updated_at IS NOT NULL) = (code = '')),
    PRIMARY KEY (user_number, code)
) WITHOUT ROWID;
INSERT INTO holdings (user_number, code, organization, external, units, direct, created_at, updated_at)
    SELECT user_number, '', organization, external, NULL, NULL, created_at, updated_at FROM direct_records
    UNION ALL SELECT user_number, code, organization, NULL, units, direct, created_at, NULL FROM seats ORDER BY 1, 2;
DROP TABLE direct_records;
DROP TABLE seats;

-- Both can be read as if they were tables of their own.
CREATE VIEW direct_records (user_number, organization, external, created_at, updated_at) AS
    SELECT user_number, organization, external, created_at, updated_at FROM holdings WHERE code = '';
CREATE VIEW seats (user_number, code, organization, units, direct, created_at) AS
    SELECT user_number, code, organization, units, direct, created_at FROM holdings WHERE code > '';

-- Whether somebody is active is asked for every allocation. Few are not, so this is small, and a person who is made active does
-- not come into it.
CREATE INDEX users_who_are_inactive ON users (number) WHERE active = 0;

UPDATE schema_compatibility SET oldest = 9;
