package api

import (
	"context"

	"github.com/seatwright/seatwright"
)

// Exchange is what becomes known about one request on its way in. The middleware fills it; handlers read it with
// [CallerOf] and [OrganizationOf]. It belongs to the goroutine of the request.
type Exchange struct {
	RequestID        string
	PathOrganization string                  // the organization before the door in the path, as it is spelled there; empty: none
	PathTenant       string                  // the tenant behind that, as it is spelled; empty: none. It is looked up by whoever needs it
	Route            string                  // the pattern that matched; empty: none did
	Caller           seatwright.Caller       // zero until the token is verified: such a caller may do nothing
	Organization     seatwright.Organization // zero where the operation is of none
}

type exchangeKey struct{}

// WithExchange returns a context that carries the exchange.
func WithExchange(ctx context.Context, e *Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// ExchangeOf returns the exchange of a request, or an empty one where the context has none.
func ExchangeOf(ctx context.Context) *Exchange {
	if e, ok := ctx.Value(exchangeKey{}).(*Exchange); ok {
		return e
	}
	return &Exchange{}
}

// CallerOf returns who asks.
func CallerOf(ctx context.Context) seatwright.Caller { return ExchangeOf(ctx).Caller }

// OrganizationOf returns the organization that the path and the token name.
func OrganizationOf(ctx context.Context) seatwright.Organization { return ExchangeOf(ctx).Organization }

// CheckOrganization refuses a body or a query that names another organization than that of the request, as if there were no such one.
// Nothing that names one is as it should be.
func CheckOrganization(ctx context.Context, named *string) error {
	if named != nil && *named != "" && !OrganizationOf(ctx).IsCalled(*named) {
		return seatwright.MissingOrganization()
	}
	return nil
}
