package licensing

import (
	"context"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// NewSession is what a product says when a person begins to use it, or goes on.
type NewSession struct {
	ID         string
	ClientType string   // what the product calls itself: 1 to MaxClientType bytes
	Wanted     []string // the license units that it needs, at most MaxCodesPerCall; empty: any
}

// OpenSession begins a session of the caller, or tells that it goes on, and takes the leases that the rules of their groups offer.
// Errors: those of seatwright.OpenSession and ledger.Submit, forbidden/missing_permission for whoever is no person of the organization, and those
// of values that cannot be taken, with the field.
func (l *Licensing) OpenSession(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n NewSession,
) (seatwright.Opened, error) {
	user, err := person(caller, organization)
	if err != nil {
		return seatwright.Opened{}, err
	}
	id, err := seatwright.CanonicalID(n.ID)
	if err != nil {
		return seatwright.Opened{}, seatwright.AsError(err).In("sessionId")
	}
	if n.ClientType == "" || len(n.ClientType) > seatwright.MaxClientType {
		return seatwright.Opened{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "a client type has 1 to %d bytes", seatwright.MaxClientType).In("clientType")
	}
	if err := seatwright.CheckText("clientType", n.ClientType); err != nil {
		return seatwright.Opened{}, err
	}
	if len(n.Wanted) > seatwright.MaxCodesPerCall {
		return seatwright.Opened{}, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d units in one call, not %d", seatwright.MaxCodesPerCall, len(n.Wanted)).In("licenseUnits")
	}
	wanted, err := seatwright.DistinctIDs[seatwright.LicenseUnit](n.Wanted, "licenseUnits")
	if err != nil {
		return seatwright.Opened{}, err
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.OpenSession{
		Organization: organization, User: user, Session: seatwright.SessionID(id), GlobalID: seatwright.NewID(), ClientType: n.ClientType, Wanted: wanted,
	})
}

// CloseSession ends a session of the caller and answers it. What they hold goes on. Errors: those of seatwright.CloseSession and
// ledger.Submit, and forbidden/missing_permission for whoever is no person of the organization.
func (l *Licensing) CloseSession(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string,
) (seatwright.Session, error) {
	user, err := person(caller, organization)
	if err != nil {
		return seatwright.Session{}, err
	}
	return l.closeSession(ctx, caller, organization, user, id)
}

// CloseSessionOf ends a session of a person, as an administrator or a service. Errors: those of seatwright.CloseSession and ledger.Submit, and
// forbidden/missing_permission.
func (l *Licensing) CloseSessionOf(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID, id string,
) (seatwright.Session, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return seatwright.Session{}, err
	}
	return l.closeSession(ctx, caller, organization, user, id)
}

func (l *Licensing) closeSession(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID, raw string,
) (seatwright.Session, error) {
	id, err := seatwright.CanonicalID(raw)
	if err != nil {
		return seatwright.Session{}, seatwright.AsError(err).In("sessionId")
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.CloseSession{Organization: organization, Session: seatwright.SessionID(id), User: user})
}

// UserLicense is what a person may use now.
type UserLicense struct {
	User     seatwright.UserID
	Codes    []seatwright.ProductCode // of what they hold, those that are in force, in order
	Units    []seatwright.LicenseUnit // what these give, each once
	External bool                     // they hold an external license, which draws no unit
	At       time.Time                // when this was so
	Until    time.Time                // the first instant at which it may not be so any more
}

// UserLicense tells what a person may use now. It takes no lease. Errors: forbidden/missing_permission, and not_found/not_found for a
// person who does not exist.
func (l *Licensing) UserLicense(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID,
) (UserLicense, error) {
	seats, err := l.Seats(ctx, caller, organization, user)
	if err != nil {
		return UserLicense{}, err
	}
	pools, err := l.reader.Pools(ctx, organization)
	if err != nil {
		return UserLicense{}, err
	}
	answer := UserLicense{User: user, Codes: []seatwright.ProductCode{}, At: l.now().UTC()}
	byCode := make(map[seatwright.ProductCode]seatwright.Pool, len(pools))
	for _, p := range pools {
		byCode[p.Code] = p
	}
	var policies seatwright.Policies
	if slices.ContainsFunc(seats, func(s seatwright.Seat) bool { return byCode[s.Code].Total == 0 }) {
		o, err := l.reader.Organization(ctx, organization)
		if err != nil {
			return UserLicense{}, err
		}
		policies = o.Policies
	}
	for _, seat := range seats {
		pool := byCode[seat.Code]
		if !policies.Usable(pool) {
			continue // the purchase has ended
		}
		answer.Codes = append(answer.Codes, seat.Code)
		answer.External = answer.External || seat.External()
		if answer.Until.IsZero() || pool.TotalUntil.Before(answer.Until) {
			answer.Until = pool.TotalUntil
		}
	}
	answer.Units = l.catalogue.UnitsOf(answer.Codes)
	return answer, nil
}
