package licensing

import (
	"context"

	"github.com/seatwright/seatwright"
)

// MaxDenials is how many denials, or counts of them, are answered at once.
const MaxDenials = 1000

// Denials lists who was refused what, newest first: at most query.Top of them, which is 1 to MaxDenials. more reports that there are others before
// these. Errors: forbidden/missing_permission, not_found/organization_not_found for a host administrator who asks about an organization,
// invalid/invalid_value and invalid/malformed_id with the field.
func (l *Licensing) Denials(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, query seatwright.DenialQuery,
) (denials []seatwright.Denial, more bool, err error) {
	if query, err = readDenials(caller, organization, query); err != nil {
		return nil, false, err
	}
	query.Top++
	denials, err = l.reader.Denials(ctx, organization, query)
	if len(denials) == query.Top {
		return denials[:query.Top-1], true, err
	}
	return denials, false, err
}

// CountDenials counts the denials that a query finds, and answers at most query.Top counts, in the order of seatwright.DenialReader. Errors: those of
// Denials.
func (l *Licensing) CountDenials(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, by seatwright.DenialSide, query seatwright.DenialQuery,
) ([]seatwright.DenialCount, error) {
	query, err := readDenials(caller, organization, query)
	if err != nil {
		return nil, err
	}
	if by != seatwright.DenialsByCode && by != seatwright.DenialsByUser && by != seatwright.DenialsByHour {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "%s, %s or %s", seatwright.DenialsByCode, seatwright.DenialsByUser, seatwright.DenialsByHour).In("by")
	}
	return l.reader.CountDenials(ctx, organization, by, query)
}

// readDenials checks who asks, and the query, and returns it with its ids in the form in which they are stored.
func readDenials(caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.DenialQuery) (seatwright.DenialQuery, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadDenials); err != nil {
		return q, err
	}
	if caller.Principal.Organization != organization { // its people are its own: the host has its own denials alone
		return q, seatwright.MissingOrganization()
	}
	if q.Top < 1 || q.Top > MaxDenials {
		return q, seatwright.Invalid(seatwright.ReasonInvalidValue, "top is 1 to %d", MaxDenials).In("top")
	}
	if q.Before < 0 {
		return q, seatwright.Invalid(seatwright.ReasonInvalidValue, "before is the number of a denial").In("before")
	}
	if err := seatwright.CheckText("code", string(q.Code)); err != nil {
		return q, err
	}
	if q.User != "" {
		id, err := seatwright.CanonicalID(string(q.User))
		if err != nil {
			return q, seatwright.AsError(err).In("person")
		}
		q.User = seatwright.UserID(id)
	}
	return q, nil
}
