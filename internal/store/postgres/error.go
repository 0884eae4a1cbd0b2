package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seatwright/seatwright"
)

// stateOf is the SQLSTATE of an error of the server, empty for every other error.
func stateOf(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

// translate turns an error of the driver or the server into one of the domain. It is the only place that knows SQLSTATEs
// which callers hear of. An error without a state comes from the connection.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var domain *seatwright.Error
	if errors.As(err, &domain) {
		return err
	}
	state := stateOf(err)
	switch {
	case state == "":
	case strings.HasPrefix(state, "08"), // connection
		strings.HasPrefix(state, "53"),                       // full disk, memory, connections
		strings.HasPrefix(state, "57"),                       // stopped, terminated, cancelled, timed out
		strings.HasPrefix(state, "58"),                       // the machine below
		strings.HasPrefix(state, "40"),                       // deadlock and the like, after the last retry
		state == lockTimeout,                                 // somebody else has the lock
		state == "25P03",                                     // the transaction was idle for too long
		state == "28000", state == "28P01", state == "3D000", // the login does not work any more
		staleSession(err):
	default:
		return seatwright.Internal(err)
	}
	return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database does not answer")
}

// staleSession reports that a session is of no use any more, and another one may be: a prepared statement or a type does not fit, because
// the schema has changed under it or something between us and the server has given us another session, or the server takes no writes
// any more.
func staleSession(err error) bool {
	switch state := stateOf(err); state {
	case "0A000", "26000", "25006", "42704", "42804":
		return true
	case "XX000": // of a type that was made anew, which PostgreSQL holds for damage
		return strings.Contains(err.Error(), "cache lookup failed for type")
	}
	return false
}

// worthAnother reports whether a batch that was rolled back for this error may succeed when it is decided again: it met
// another node's locks, another node has used an id of the whole installation first, or its connection was an old one.
func worthAnother(err error) bool {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) || seatwright.IsReason(err, seatwright.ReasonOutcomeUnknown) {
		return false
	}
	switch failure.Code {
	case "40001", "40P01":
		return true
	case "23505":
		return failure.TableName == "organizations" || failure.TableName == "applications" || keyIsKnown(err)
	}
	return staleSession(err)
}

// keyIsKnown reports that an idempotency key has an answer already.
func keyIsKnown(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.Code == "23505" && failure.TableName == "idempotency_keys"
}
