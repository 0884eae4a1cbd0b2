package seatwright

import (
	"errors"
	"fmt"
	"time"
)

// Kind says whose turn it is after an error. The list is closed; every door maps it to its own statuses in one table.
type Kind string

// The kinds of error.
const (
	KindInvalid         Kind = "invalid"         // the request is malformed: change it
	KindUnauthenticated Kind = "unauthenticated" // who is asking is not known: get a token
	KindForbidden       Kind = "forbidden"       // known, and not allowed
	KindNotFound        Kind = "not_found"       // missing, or a secret whose existence may not be told
	KindConflict        Kind = "conflict"        // contradicts what is stored
	KindExhausted       Kind = "exhausted"       // not enough units are free
	KindRateLimited     Kind = "rate_limited"    // too often: wait
	KindUnavailable     Kind = "unavailable"     // we cannot do it now: retry with the same idempotency key
	KindInternal        Kind = "internal"        // our fault
)

// Reason is a stable code that programs can compare.
type Reason string

// The reasons, each with when it occurs and what the caller can do. A retry of the same request is safe after all of
// them; it helps only where the text says so.
const (
	ReasonMalformedID          Reason = "malformed_id"              // an id has a character or length that no id can have
	ReasonMalformedBody        Reason = "malformed_body"            // not strict JSON, a wrong type, or a required field is missing; the detail says where
	ReasonMalformedPath        Reason = "malformed_path"            // an encoded separator, a control character or a dot segment in the path
	ReasonMalformedKey         Reason = "malformed_idempotency_key" // present, but not 1 to 255 visible ASCII characters
	ReasonBodyTooLarge         Reason = "body_too_large"            // over 1 MiB
	ReasonMediaType            Reason = "unsupported_media_type"    // the body's type is not one of the listed JSON types
	ReasonMethodNotAllowed     Reason = "method_not_allowed"        // the path exists, the method does not
	ReasonRouteNotFound        Reason = "route_not_found"           // no operation has this path
	ReasonTooMany              Reason = "too_many"                  // more than 1,000 users or 100 codes in one call: split it; or a search through more than 1,000,000 events: narrow its time
	ReasonInvalidValue         Reason = "invalid_value"             // a field has a value outside its range; the detail says which
	ReasonUnknownUser          Reason = "unknown_user"              // a listed user id is not of this organization
	ReasonUnknownMember        Reason = "unknown_member"            // a listed member of a group is neither a user nor a robot account of this organization
	ReasonNestedGroup          Reason = "nested_group"              // a listed member of a group is a group itself
	ReasonInactiveUser         Reason = "inactive_user"             // a listed person is not active, and holds nothing until they are
	ReasonWrongPassword        Reason = "wrong_password"            // the old password is not the one of the person
	ReasonNotDeveloperBundle   Reason = "not_developer_bundle"      // an external license covers developer bundles only
	ReasonDistributed          Reason = "distributed_by_host"       // the units are no purchase: change what the host distributes
	ReasonMalformedFile        Reason = "malformed_license_file"    // the text is no license file, or one that says nothing that could be imported
	ReasonForgedFile           Reason = "forged_license_file"       // the license file is not what its issuer has signed: get it again
	ReasonUnknownIssuer        Reason = "unknown_issuer"            // the license file is signed by somebody whom the operator has not named
	ReasonForeignFile          Reason = "foreign_license_file"      // the license file was made for another account
	ReasonExpiredFile          Reason = "expired_license_file"      // the license file may not be imported any more: ask for a new one
	ReasonImpossibleFile       Reason = "impossible_license_file"   // a purchase of the license file cannot be entered; the detail says why
	ReasonAnotherFile          Reason = "another_license_file"      // another license file of the same id was imported
	ReasonNoActivation         Reason = "no_online_activation"      // no vendor can be asked over the network: enter the license file offline
	ReasonDeactivatedFile      Reason = "deactivated_license_file"  // the license file was imported and deactivated, and cannot be imported again
	ReasonNoToken              Reason = "no_token"                  // no bearer token was sent
	ReasonInvalidToken         Reason = "invalid_token"             // the token is expired, altered, foreign or not an access token
	ReasonInvalidGrant         Reason = "invalid_grant"             // a code or refresh token is expired, used, revoked or not of this client
	ReasonInvalidCredentials   Reason = "invalid_credentials"       // user, organization or password is wrong; which of them is not told
	ReasonTooManyFailures      Reason = "too_many_failures"         // too many passwords were wrong: wait as long as the answer says; the right one is not taken before
	ReasonTooManyRequests      Reason = "too_many_requests"         // more requests in a second than one caller may make: wait a moment
	ReasonMissingPermission    Reason = "missing_permission"        // neither the role nor a scope of the token allows this
	ReasonOrganizationNotFound Reason = "organization_not_found"    // no such organization, or one that the token is not of
	ReasonNotFound             Reason = "not_found"                 // a named thing other than an organization is missing
	ReasonNoLicense            Reason = "no_license"                // the organization has no purchase in force: buy or renew
	ReasonNoServiceLicense     Reason = "no_service_license"        // the service of the tenant has been given nothing: allocate something to it
	ReasonPoolExhausted        Reason = "pool_exhausted"            // fewer units are free than asked for; a later retry may succeed
	ReasonNotEntitled          Reason = "not_entitled"              // neither an allocation nor a group gives the person a license that fits: ask an administrator
	ReasonUnitsExhausted       Reason = "units_exhausted"           // neither the service nor its organization has as many units free as asked for; a later retry may succeed
	ReasonAnothersLease        Reason = "anothers_lease"            // somebody else has made the lease of units of this id: take another id
	ReasonStaleEtag            Reason = "stale_etag"                // the lease of units has changed since its etag was told, or is not there: read it again
	ReasonUnitInUse            Reason = "unit_in_use"               // a unit that several share is in use by another of them; a later retry may succeed
	ReasonQuotaReached         Reason = "quota_reached"             // as many members of the person's groups hold the bundle as the rules allow; a later retry may succeed
	ReasonBelowUse             Reason = "below_use"                 // the policy blocks a change that would leave fewer units than are held: take some back first
	ReasonQuotaBelowUse        Reason = "quota_below_use"           // more leases are taken than the quota would allow: revoke some first
	ReasonDuplicate            Reason = "duplicate"                 // an id or name is already taken
	ReasonBuiltIn              Reason = "built_in"                  // a built-in group is not changed by hand
	ReasonLastAdministrator    Reason = "last_administrator"        // nobody would be left to administer the organization: make another administrator first
	ReasonKeyReused            Reason = "idempotency_key_reused"    // the key belongs to another command: use a new one
	ReasonOverloaded           Reason = "overloaded"                // the queue is full: retry after a pause
	ReasonOutcomeUnknown       Reason = "outcome_unknown"           // the change may or may not be stored: retry with the same key to learn which
	ReasonStoreUnavailable     Reason = "store_unavailable"         // the database does not answer, nothing has changed: retry after a pause
	ReasonInternal             Reason = "internal"                  // a bug or damage; the operator finds the cause under the request id
)

// Shortage tells for one bundle how many units a refused allocation asked for beyond those already held, and how many
// were free at that moment, in whole units: what was asked for is rounded up, what was free down. Available is 0 for a code that does not exist.
type Shortage struct {
	Bundle    ProductCode `json:"bundle"`
	Requested int64       `json:"requested"`
	Available int64       `json:"available"`

	// Of units that a service wants to use, where they were free: at what the service was given, and at its organization.
	AtTenant       *int64 `json:"atTenant,omitempty"`
	AtOrganization *int64 `json:"atOrganization,omitempty"`
}

// Error is the only error type that crosses a package border on purpose. Everything but the cause may be shown to the
// caller. The zero value is not an error; make one with the functions below.
type Error struct {
	Kind       Kind          `json:"kind"`
	Reason     Reason        `json:"reason"`
	Detail     string        `json:"detail"`               // a sentence that is safe to show
	Field      string        `json:"field,omitempty"`      // the field of the request that is at fault, empty if none is
	Shortages  []Shortage    `json:"shortages,omitempty"`  // only with pool_exhausted, in the order of the request
	RetryAfter time.Duration `json:"retryAfter,omitempty"` // zero: no advice
	RequestID  string        `json:"requestId,omitempty"`  // set where the answer is a replay: the request that was first answered so
	cause      error         // never shown, only logged
}

func (e *Error) Error() string {
	s := string(e.Kind) + "/" + string(e.Reason) + ": " + e.Detail
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.cause }

// In returns a copy of e that names the field at fault.
func (e *Error) In(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// NewError makes an error of any kind. The detail is shown to callers: it names no person and holds no secret.
func NewError(kind Kind, reason Reason, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// Invalid makes an error of kind invalid.
func Invalid(reason Reason, format string, args ...any) *Error {
	return NewError(KindInvalid, reason, format, args...)
}

// NotFound makes an error of kind not_found.
func NotFound(reason Reason, format string, args ...any) *Error {
	return NewError(KindNotFound, reason, format, args...)
}

// Unavailable makes an error of kind unavailable with a cause that only the log sees and the advice to retry in a second.
func Unavailable(reason Reason, cause error, format string, args ...any) *Error {
	e := NewError(KindUnavailable, reason, format, args...)
	e.cause, e.RetryAfter = cause, time.Second
	return e
}

// Internal wraps a foreign error. Callers see a fixed sentence, the log sees the cause.
func Internal(cause error) *Error {
	e := NewError(KindInternal, ReasonInternal, "an internal error occurred")
	e.cause = cause
	return e
}

// AsError returns err as an *Error: itself or the first of its chain that is one, else wrapped by [Internal]. It returns
// nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Internal(err)
}

// IsKind reports whether err is of a kind. No error is of none.
func IsKind(err error, kind Kind) bool { return err != nil && AsError(err).Kind == kind }

// IsReason reports whether err has a reason.
func IsReason(err error, reason Reason) bool { return err != nil && AsError(err).Reason == reason }

// MissingOrganization is the answer for an organization that does not exist and for one that the caller may not see: the
// two must not be told apart, so both are made here.
func MissingOrganization() *Error {
	return NotFound(ReasonOrganizationNotFound, "there is no such organization")
}

// MissingPurchase is the answer for a purchase that does not exist, or not in this organization.
func MissingPurchase() *Error {
	return NotFound(ReasonNotFound, "there is no such purchase")
}

// MissingUser is the answer for a person who does not exist, or not in this organization.
func MissingUser() *Error {
	return NotFound(ReasonNotFound, "there is no such user")
}

// missingLicense is the answer of an organization that has no purchase in force.
func missingLicense() *Error {
	return NotFound(ReasonNoLicense, "no account license is allocated to this organization")
}
