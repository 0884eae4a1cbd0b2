// Package identity is the compatible door of the directory: who there is in an organization. Each handler decodes, calls a use
// case and encodes. Routes and types are generated from api/automation-suite.yaml, by its tag identity-directory. A file has the
// operations of one noun.
package identity

import (
	"context"
	"math"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
)

// Register adds the routes of the door to mux. The handlers expect the caller and the organization in the context.
func Register(mux ServeMux, door api.Door, c UseCases) {
	HandlerWithOptions(NewStrictHandler(handlers{c}, door.Decode, door.Fail), StdHTTPServerOptions{
		BaseRouter: mux, ErrorHandlerFunc: door.FailParameter,
	})
}

// UseCases are what the door asks. All are needed.
type UseCases struct {
	People         People
	Groups         Groups
	Names          Names
	Settings       Settings
	SignIns        SignIns
	Applications   Applications
	PersonalTokens PersonalTokens
}

type handlers struct{ UseCases }

// sameOrganization refuses a body that names another organization than that of the request, as if there were no such one.
func sameOrganization(ctx context.Context, named *string) error {
	if named != nil && *named != "" && !api.OrganizationOf(ctx).IsCalled(*named) {
		return seatwright.MissingOrganization()
	}
	return nil
}

// pageOf reads what part of a list is asked for: the first ten where nothing is said, 1,000 at most.
func pageOf(skip int, top *int) (from, most int, err error) {
	most = 10
	if top != nil {
		most = *top
	}
	if skip < 0 || skip > math.MaxInt32 {
		return 0, 0, seatwright.Invalid(seatwright.ReasonInvalidValue, "skip is 0 to %d", math.MaxInt32).In("skip")
	}
	if most < 0 || most > 1000 {
		return 0, 0, seatwright.Invalid(seatwright.ReasonInvalidValue, "top is 0 to 1000").In("top")
	}
	return skip, most, nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
