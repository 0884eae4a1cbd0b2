package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	contract "github.com/seatwright/seatwright/api"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/planted"
)

// gate is the mux that the doors register their routes with. It lets in only operations of the documents and puts the
// checks that every operation has before its handler.
type gate struct {
	table         *table
	operations    map[string]contract.Operation // by pattern
	authenticator Authenticator
	directory     Directory
	doorOf        func(document string) api.Door
	rates         *rates
	registered    map[string]bool // by pattern
	errs          []error
}

// HandleFunc adds a route. A pattern that is no operation is kept as an error, for [New] to return: a route without a
// permission in the documents does not exist.
func (g *gate) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	op, known := g.operations[pattern]
	if !known {
		g.errs = append(g.errs, fmt.Errorf("route %q is in none of the documents", pattern))
		return
	}
	door := g.doorOf(op.Document)
	err := g.table.add(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := g.admit(r, op); err != nil {
			door.Fail(w, r, err)
			return
		}
		handler(w, r)
	})
	g.errs = append(g.errs, err)
	g.registered[pattern] = true
}

// ServeHTTP answers a request whose path is spelled as in the documents.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments, err := splitPath(r.URL.EscapedPath())
	if err != nil {
		g.table.fail(w, r, err)
		return
	}
	g.table.serve(w, r, segments)
}

// complete returns what went wrong while routes were registered, and an error for every operation that has no route.
// Those of the tag elsewhere are not served from the table.
func (g *gate) complete(elsewhere string) error {
	errs := g.errs
	for pattern, op := range g.operations {
		if op.Tag != elsewhere && !g.registered[pattern] {
			errs = append(errs, fmt.Errorf("operation %q has no route", pattern))
		}
	}
	return errors.Join(errs...)
}

// admit makes the checks that come before the shape of the body, in the published order: token, rate, organization, permission.
// What it learns goes into the exchange.
func (g *gate) admit(r *http.Request, op contract.Operation) error {
	exchange := api.ExchangeOf(r.Context())
	exchange.Route = r.Pattern
	if op.Public {
		return nil
	}
	token, err := bearerToken(r.Header)
	if err != nil {
		return err
	}
	principal, err := g.authenticator.Verify(r.Context(), token)
	if err != nil {
		return err
	}
	exchange.Caller = seatwright.Caller{Principal: principal, Via: op.Tag, RequestID: exchange.RequestID}
	if err := g.rates.admit(principal); err != nil {
		return err
	}
	exchange.Organization, err = g.organization(r.Context(), principal, op, organizationsNamed(r, op, exchange))
	if err != nil {
		return err
	}
	if err := principal.Check(op.Permission); err != nil {
		return err
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		exchange.Caller.Key, err = api.ReadIdempotencyKey(r)
	}
	return err
}

// bearerToken returns the token of the one Authorization header, whose scheme may be spelled in any letter case.
func bearerToken(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) > 1 {
		return "", seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidToken, "there is more than one Authorization header")
	}
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonNoToken, "an access token is needed, as Authorization: Bearer")
	}
	token = strings.Trim(token, " ")
	if token == "" || strings.ContainsAny(token, " ,") {
		return "", seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidToken, "the Authorization header has no single token")
	}
	return token, nil
}

// organizationsNamed lists how the path names the organization: before the door, and as the operation's own parameter.
func organizationsNamed(r *http.Request, op contract.Operation, exchange *api.Exchange) []string {
	var names []string
	for _, name := range [...]string{
		exchange.PathOrganization, r.PathValue("accountId"), r.PathValue("partitionGlobalId"), r.PathValue("org"), r.PathValue(op.OrganizationParameter),
	} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// organization resolves the names, which must all mean the organization of the token; without names it is that one. Host
// administrators may name any organization where the operation is for them. A foreign organization and a missing one are the same answer, so that
// nobody learns which organizations there are.
func (g *gate) organization(ctx context.Context, p seatwright.Principal, op contract.Operation, names []string) (seatwright.Organization, error) {
	ofHost := p.Kind == seatwright.PrincipalUser && p.Role == seatwright.RoleHostAdministrator &&
		slices.Contains(op.Permission.Roles, seatwright.RoleHostAdministrator)
	var organization seatwright.Organization
	if !ofHost {
		// Only the caller's own organization is looked up: how long a look-up takes tells whether there is something.
		own, err := g.directory.Organization(ctx, string(p.Organization))
		if err == nil && !slices.ContainsFunc(names, func(name string) bool { return !own.IsCalled(name) }) {
			return own, nil
		}
		if planted.Bug(planted.AnyOrganization) && len(names) > 0 {
			return g.directory.Organization(ctx, names[0])
		}
		if err != nil && !seatwright.IsKind(err, seatwright.KindNotFound) {
			return organization, err
		}
		return organization, seatwright.MissingOrganization()
	}
	for i, name := range names {
		found, err := g.directory.Organization(ctx, name)
		if err != nil {
			return seatwright.Organization{}, err
		}
		if i > 0 && found.ID != organization.ID {
			return seatwright.Organization{}, seatwright.MissingOrganization()
		}
		organization = found
	}
	return organization, nil
}
