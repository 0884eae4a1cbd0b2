-- Sign-ins are counted: a person whose password is guessed is locked, whichever node is asked. An operator notices nothing;
-- programs that are older than this do not count.

-- +goose Up

-- Beside the events of the same sign-ins, so that a login reads one row. Instants are 0 for never.
CREATE TABLE sign_ins (
    user_number     INTEGER PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
    organization    INTEGER NOT NULL,
    last_at         INTEGER NOT NULL,
    failures        INTEGER NOT NULL CHECK (failures >= 0),
    failed_at       INTEGER NOT NULL,
    window_at       INTEGER NOT NULL,
    window_failures INTEGER NOT NULL CHECK (window_failures BETWEEN 0 AND failures)
);

-- The sign-ins of one person are listed.
CREATE INDEX events_of_sign_ins ON events (organization, subject, sequence) WHERE kind IN ('user.signed_in', 'user.sign_in_refused');
