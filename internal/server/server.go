// Package server is everything between the listener and the doors: the limits of the HTTP server, the middleware and its
// order, the reading of paths, and the checks before an operation. Start with [New]. It decides nothing about licenses.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	contract "github.com/seatwright/seatwright/api"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/api/audit"
	"github.com/seatwright/seatwright/internal/api/identity"
	"github.com/seatwright/seatwright/internal/api/lease"
	"github.com/seatwright/seatwright/internal/api/lrm"
	"github.com/seatwright/seatwright/internal/api/native"
	"github.com/seatwright/seatwright/internal/api/orchestrator"
	"github.com/seatwright/seatwright/internal/api/portal"
)

// Authenticator knows who a token belongs to. The error is unauthenticated/invalid_token where nobody is known.
type Authenticator interface {
	Verify(ctx context.Context, token string) (seatwright.Principal, error)
}

// Directory finds organizations, by id or name, and makes them and what is in them.
type Directory interface {
	Organization(ctx context.Context, ref string) (seatwright.Organization, error)
	native.Directory
}

// Licensing is the use cases of the doors.
type Licensing interface {
	lease.Licensing
	native.Licensing
}

// LicenseFiles is the use cases of signed license files.
type LicenseFiles interface {
	lrm.Activation
	native.Files
}

// Entitlements is the use cases of the question who may use what.
type Entitlements interface {
	lease.Entitlements
	native.Entitlements
}

// Identity is the OpenID provider and the published login. Its answers are its own, errors too.
type Identity interface {
	// Serve answers the request if rest is one of its paths, else it does nothing and returns false. prefix is the path up to
	// and including the identity segment as the client spelled it, rest what follows, in lower case.
	Serve(w http.ResponseWriter, r *http.Request, prefix, rest string) bool
	// Authenticate answers POST /api/account/authenticate and says no to other methods. pathOrganization may be empty.
	Authenticate(w http.ResponseWriter, r *http.Request, pathOrganization string)
}

// Config is what the front doors are connected to. Every field is needed, but for the rate.
type Config struct {
	Log           *slog.Logger
	Authenticator Authenticator
	Directory     Directory
	Identities    identity.UseCases
	Licensing     Licensing
	LicenseFiles  LicenseFiles
	Distribution  lrm.Licensing
	Entitlements  Entitlements
	Portal        portal.Licensing
	Orchestrator  orchestrator.Licensing
	Self          orchestrator.People
	Audit         audit.Log
	Identity      Identity
	Ready         func(context.Context) error // nil while requests can be served

	RequestsPerSecond int // of one principal; 0: any number
}

type server struct {
	log      *slog.Logger
	identity Identity
	ready    func(context.Context) error
	table    *table
}

// New returns the handler of all front doors. It is an error if the routes and the operations of the documents are not the
// same, because then somebody could get in without a permission.
func New(c Config) (http.Handler, error) {
	s := &server{log: c.Log, identity: c.Identity, ready: c.Ready}
	s.table = &table{fail: s.fail}
	operations, err := contract.Operations()
	if err != nil {
		return nil, err
	}
	g := &gate{
		table: s.table, operations: map[string]contract.Operation{}, registered: map[string]bool{},
		authenticator: c.Authenticator, directory: c.Directory, doorOf: s.doorOf,
		rates: newRates(c.RequestsPerSecond),
	}
	for _, op := range operations {
		g.operations[op.Pattern()] = op
	}
	lease.Register(g, s.doorOf(contract.AutomationSuite), c.Licensing, c.Entitlements)
	lrm.Register(g, s.doorOf(contract.AutomationSuite), c.Distribution, c.LicenseFiles)
	identity.Register(g, s.doorOf(contract.AutomationSuite), c.Identities)
	audit.Register(g, s.doorOf(contract.AutomationSuite), c.Audit)
	portal.Register(g, s.doorOf(contract.AutomationSuite), c.Portal, c.Identities.People, c.Identities.Names)
	orchestrator.Register(g, s.doorOf(contract.AutomationSuite), c.Orchestrator, c.Self)
	if err := native.Register(g, s.doorOf(contract.Native), c.Directory, c.Licensing, c.LicenseFiles, c.Entitlements); err != nil {
		return nil, err
	}
	if err := g.complete("identity"); err != nil {
		return nil, err
	}
	return inOrder(http.HandlerFunc(s.dispatch),
		requestID,
		s.panicGuard,
		s.accessLog,
		securityHeaders,
		limitBody,
		// Behind these: the path, then per operation the token, the organization, the permission and the idempotency key
		// (gate.go), then the body (internal/api), then the use case.
	), nil
}

// dispatch sends a request to its door. Nothing is redirected, and what is not known is a problem document.
func (s *server) dispatch(w http.ResponseWriter, r *http.Request) {
	segments, err := splitPath(r.URL.EscapedPath())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if asked, readiness := probe(segments); asked {
		s.health(w, r, readiness)
		return
	}
	at := locate(segments)
	exchange := api.ExchangeOf(r.Context())
	exchange.PathOrganization, exchange.PathTenant = at.organization, at.tenant
	switch {
	case at.door == "":
		at.rest = segments // no operation begins so
	case at.door == ".well-known" && !at.prefixed() && s.metadata(w, r, at):
		return
	case at.door == "identity_":
		exchange.Route = identityRoute
		if s.identity.Serve(w, r, joinPath(at.prefix), lower(restPath(at.rest))) {
			return
		}
		exchange.Route = ""
	case at.door == "api" && at.matches("account", "authenticate"):
		exchange.Route = "POST /api/account/authenticate"
		s.identity.Authenticate(w, r, at.organization)
		return
	case at.door == "api" && at.prefixed():
		at.door = "" // the native door is of the whole installation
	}
	s.table.serve(w, r, at.path())
}

// identityRoute is what the access log calls the routes of the OpenID provider, whatever their path holds.
const identityRoute = "identity"

// metadata answers RFC 8414, section 3: the well-known part stands before the path of the issuer.
func (s *server) metadata(w http.ResponseWriter, r *http.Request, at place) bool {
	if len(at.rest) < 2 || lower(at.rest[0]) != "oauth-authorization-server" {
		return false
	}
	issuer := locate(at.rest[1:])
	if issuer.door != "identity_" || len(issuer.rest) > 0 {
		return false
	}
	api.ExchangeOf(r.Context()).Route = identityRoute
	return s.identity.Serve(w, r, joinPath(issuer.prefix), "/.well-known/openid-configuration")
}

func restPath(rest []string) string {
	if len(rest) == 0 {
		return ""
	}
	return joinPath(rest)
}

func (s *server) doorOf(document string) api.Door {
	return api.Door{Compatible: document != contract.Native, Log: s.log}
}

// fail answers what goes wrong before a door is found: in the words of the native door only where its paths begin. Of a path that
// cannot be used only the beginning is looked at.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	document := contract.AutomationSuite
	segments, unusable := splitPath(r.URL.EscapedPath())
	if unusable != nil {
		segments = strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	}
	if len(segments) > 1 && lower(segments[0]) == "api" && lower(segments[1]) == "v1" {
		document = contract.Native
	}
	s.doorOf(document).Fail(w, r, err)
}
