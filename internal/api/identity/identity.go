// Package identity is the compatible door of the directory: who there is in an organization. Each handler decodes, calls a use
// case and encodes. Routes and types are generated from api/automation-suite.yaml, by its tag identity-directory. A file has the
// operations of one noun.
package identity

import (
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

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
