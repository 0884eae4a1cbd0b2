package licensing

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// SignedIn takes the leases that the groups of a person offer, when they have signed in with a browser. That there is nothing for them is no
// error: they are in all the same. Errors: those of ledger.Submit.
func (l *Licensing) SignedIn(ctx context.Context, origin seatwright.Origin, organization seatwright.OrganizationID, user seatwright.UserID) error {
	_, err := ledger.Submit(ctx, l.ledger, origin, seatwright.OpenSession{Organization: organization, User: user})
	switch {
	case seatwright.IsKind(err, seatwright.KindForbidden), seatwright.IsKind(err, seatwright.KindExhausted), seatwright.IsKind(err, seatwright.KindNotFound):
		return nil
	}
	return err
}
