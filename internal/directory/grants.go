package directory

import (
	"context"
	"errors"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Grants stores what people and applications get in with. It is safe for concurrent use.
type Grants struct{ ledger *ledger.Ledger }

// NewGrants makes the use cases over a ledger.
func NewGrants(ledger *ledger.Ledger) *Grants { return &Grants{ledger} }

// Authorize stores an authorization: of whom, for which application, and with which code is all in it. Errors:
// unauthenticated/invalid_grant for a person who is not active or has another password by now, not_found/not_found.
func (g *Grants) Authorize(ctx context.Context, origin seatwright.Origin, grant seatwright.Grant) (seatwright.Grant, error) {
	return ledger.Submit(ctx, g.ledger, origin, seatwright.CreateGrant{Grant: grant})
}

// Exchange takes a code or refresh token in. The outcome is waited for in any case: a client that has left would not know whether
// it still has the old one. Errors: unauthenticated/invalid_grant.
func (g *Grants) Exchange(ctx context.Context, origin seatwright.Origin, c seatwright.ExchangeGrant) (seatwright.Exchange, error) {
	return ledger.Submit(context.WithoutCancel(ctx), g.ledger, origin, c)
}

// Revoke ends a grant, or a single access token.
func (g *Grants) Revoke(ctx context.Context, origin seatwright.Origin, grant seatwright.Grant) error {
	_, err := ledger.Submit(context.WithoutCancel(ctx), g.ledger, origin, seatwright.RevokeGrant{Grant: grant})
	return err
}

// Use notes that a personal token was used. Where there is no room to note it the token is good all the same.
func (g *Grants) Use(ctx context.Context, organization seatwright.OrganizationID, id seatwright.GrantID) error {
	_, err := ledger.Submit(ctx, g.ledger, seatwright.SystemCaller("token").Origin(), seatwright.UseGrant{Organization: organization, ID: id})
	if errors.Is(err, seatwright.ErrStorageFull) {
		return nil
	}
	return err
}
