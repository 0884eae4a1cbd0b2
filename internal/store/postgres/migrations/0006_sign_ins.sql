-- Sign-ins are counted: a person whose password is guessed is locked, whichever node is asked. An operator notices nothing;
-- programs that are older than this do not count.

-- +goose Up

-- Beside the events of the same sign-ins, so that a login reads one row. Instants are 0 for never.
CREATE TABLE sign_ins (
    organization    integer NOT NULL,
    user_id         text COLLATE "C" NOT NULL,
    last_at         bigint NOT NULL,
    failures        bigint NOT NULL CHECK (failures >= 0),
    failed_at       bigint NOT NULL,
    window_at       bigint NOT NULL,
    window_failures bigint NOT NULL CHECK (window_failures BETWEEN 0 AND failures),
    PRIMARY KEY (organization, user_id),
    FOREIGN KEY (organization, user_id) REFERENCES users (organization, id) ON DELETE CASCADE
);

-- The sign-ins of one person are listed.
CREATE INDEX events_of_sign_ins ON events (organization, subject, sequence) WHERE kind IN ('user.signed_in', 'user.sign_in_refused');
