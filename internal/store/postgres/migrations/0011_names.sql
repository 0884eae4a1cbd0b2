-- People are found by the beginning of their mail address and names. An operator notices that the first start with this program
-- takes some seconds for each million people, and that the database grows by what the names take. Nobody pays for what is not
-- known of people: those of whom there is an id alone are in none of these indexes.

-- +goose Up

CREATE INDEX users_by_email ON users (organization, lower(email COLLATE "C"), id) WHERE email <> '';
CREATE INDEX users_by_first_name ON users (organization, lower(first_name COLLATE "C"), id) WHERE first_name <> '';
CREATE INDEX users_by_last_name ON users (organization, lower(last_name COLLATE "C"), id) WHERE last_name <> '';
CREATE INDEX users_by_display_name ON users (organization, lower(display_name COLLATE "C"), id) WHERE display_name <> '';
