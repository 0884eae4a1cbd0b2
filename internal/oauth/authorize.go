package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// The errors of OpenID Connect Core 3.1.2.6 that this door answers.
const (
	codeAccessDenied        = "access_denied"
	codeLoginRequired       = "login_required"
	codeConsentRequired     = "consent_required"
	codeRequestNotSupported = "request_not_supported"
)

// VerifyAuthRequest finds the application, and compares the address to send people back to with those that are registered. The library
// compares it as well, but where it takes a scheme for one of the application's own, such as "HTTP", every port of this machine passes.
// An unknown application and an address of another one look alike, as on the login page.
func (s *server) VerifyAuthRequest(ctx context.Context, r *op.Request[oidc.AuthRequest]) (*op.ClientRequest[oidc.AuthRequest], error) {
	application, err := s.applicationAt(ctx, r.Data.ClientID, r.Data.RedirectURI)
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		return nil, protocolError(http.StatusBadRequest, codeInvalidRequest, noApplication)
	}
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	return &op.ClientRequest[oidc.AuthRequest]{Request: r, Client: &client{application: application}}, nil
}

// noApplication is the one answer to a request that nobody can be sent back from.
const noApplication = "client_id or redirect_uri is missing or names no application"

// redirected is an error that the client gets by way of the browser.
func redirected(code, description string) error {
	e := &oidc.Error{Description: description}
	setCode(&e.ErrorType, code)
	return e
}

// Authorize gives a code to a person who has signed in and, where the application asks for scopes of the API, has allowed it. Whoever
// has still to do one of them is sent to the login page, whose form comes back here with everything that the client has sent.
func (s *server) Authorize(ctx context.Context, r *op.ClientRequest[oidc.AuthRequest]) (*op.Redirect, error) {
	c, ok := r.Client.(*client)
	if !ok {
		return nil, s.refusal(ctx, errors.New("a client that VerifyAuthRequest has not returned"))
	}
	scopes, err := s.checkAuthorize(ctx, c.application, r.Data)
	if err != nil {
		return nil, err
	}
	asks := askedOf(scopes)
	now, err := s.session(ctx, r.Header, c.application.Organization)
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if now.person.ID != "" && (s.tooOld(now, r.Data) || slices.Contains(r.Data.Prompt, oidc.PromptSelectAccount)) {
		now = session{} // whatever the form has decided: the page has asked for a password
	}
	allowed := len(asks) == 0
	switch {
	case r.Form.Get("decision") == "deny":
		return nil, redirected(codeAccessDenied, "the person has not allowed it")
	case r.Form.Has("username") || r.Form.Has("password"):
		if now, err = s.signIn(ctx, c.application, r.Form.Get("username"), r.Form.Get("password")); err != nil {
			if again := refusedSignIn(err); again != "" {
				return s.toLogin(ctx, r, again), nil
			}
			return nil, s.refusal(ctx, err)
		}
		allowed = true // the button says so
	case r.Form.Get("decision") == "allow":
		allowed = true
	}
	if slices.Contains(r.Data.Prompt, oidc.PromptConsent) && r.Form.Get("decision") == "" && !r.Form.Has("username") {
		allowed = false
	}
	if slices.Contains(r.Data.Prompt, oidc.PromptNone) {
		switch {
		case now.person.ID == "":
			return nil, redirected(codeLoginRequired, "nobody has signed in")
		case !allowed:
			return nil, redirected(codeConsentRequired, "the person has to allow it")
		}
	}
	if now.person.ID == "" || !allowed {
		return s.toLogin(ctx, r, ""), nil
	}
	return s.authorize(ctx, c.application, r.Data, scopes, now)
}

// checkAuthorize checks what the library leaves, and returns the scopes, each once.
func (s *server) checkAuthorize(ctx context.Context, a seatwright.Application, r *oidc.AuthRequest) ([]seatwright.Scope, error) {
	switch {
	case r.RequestParam != "":
		return nil, redirected(codeRequestNotSupported, "request objects are not supported")
	case r.ResponseMode != "" && r.ResponseMode != "query":
		r.ResponseMode = "" // the answer goes the way that there is
		return nil, redirected(codeInvalidRequest, "the response mode is not supported")
	case r.CodeChallenge == "" && !a.Confidential:
		return nil, redirected(codeInvalidRequest, "a public client needs a code_challenge")
	case r.CodeChallenge != "" && r.CodeChallengeMethod != oidc.CodeChallengeMethodS256:
		return nil, redirected(codeInvalidRequest, "code_challenge_method has to be S256")
	case r.CodeChallenge != "" && len(r.CodeChallenge) != 43:
		return nil, redirected(codeInvalidRequest, "code_challenge is no SHA-256 in base64url")
	case len(r.Nonce) > maxParameter || len(r.State) > maxParameter:
		return nil, redirected(codeInvalidRequest, "a parameter is too long")
	}
	var scopes []seatwright.Scope
	for _, word := range r.Scopes {
		scope := seatwright.Scope(word)
		if word == "" || slices.Contains(scopes, scope) {
			continue
		}
		if !slices.Contains(seatwright.OpenIDScopes(), scope) && !grantable(a.UserScopes, scope) {
			return nil, redirected(codeInvalidScope, "the application is not registered for one of the scopes")
		}
		scopes = append(scopes, scope)
	}
	return scopes, s.checkTenancy(ctx, a, r.ACRValues)
}

// maxParameter is how long a text may be that is kept with the code, or sent back.
const maxParameter = 1000

// checkTenancy compares the organization that the client names, if it names one, with that of the application.
func (s *server) checkTenancy(ctx context.Context, a seatwright.Application, values []string) error {
	for _, value := range values {
		name, ok := strings.CutPrefix(value, "tenant:")
		if !ok {
			if name, ok = strings.CutPrefix(value, "tenantName:"); !ok {
				continue
			}
		}
		organization, err := s.directory.Organization(ctx, a.Organization)
		if err != nil {
			return s.refusal(ctx, err)
		}
		if !organization.IsCalled(name) {
			return redirected(codeAccessDenied, "the application is not of this organization")
		}
	}
	return nil
}

// askedOf are the scopes that a person has to allow: all but those of OpenID Connect.
func askedOf(scopes []seatwright.Scope) []seatwright.Scope {
	return slices.DeleteFunc(slices.Clone(scopes), func(s seatwright.Scope) bool { return slices.Contains(seatwright.OpenIDScopes(), s) })
}

// tooOld reports whether the client wants to know that the person has just shown their password.
func (s *server) tooOld(now session, r *oidc.AuthRequest) bool {
	return slices.Contains(r.Prompt, oidc.PromptLogin) ||
		r.MaxAge != nil && s.now().Sub(now.authenticated) > time.Duration(min(*r.MaxAge, 1<<30))*time.Second
}

// doorAuthorize is the door that sign-ins with a browser are recorded under.
const doorAuthorize = "authorize"

// signIn looks at a password, and makes the browser remember whose it is.
func (s *server) signIn(ctx context.Context, a seatwright.Application, userName, password string) (session, error) {
	attempt := tokenAttempt(ctx)
	attempt.Organization, attempt.Application, attempt.UserName, attempt.Password, attempt.Door = a.Organization, a.ID, userName, password, doorAuthorize
	person, err := s.login.Login(ctx, attempt)
	if err != nil {
		return session{}, err
	}
	if person, err = s.directory.User(ctx, a.Organization, person.ID); err != nil { // with the form in which the password is stored
		return session{}, err
	}
	now := session{person: person, authenticated: s.now()}
	return now, s.setSession(responseHeader(ctx), op.IssuerFromContext(ctx), now)
}

// The words by which the login page is told why it is shown again.
const (
	againWrong = "wrong" // password or name
	againLater = "later" // too many were wrong
)

// refusedSignIn is why the login page is shown again; empty: it is not.
func refusedSignIn(err error) string {
	switch {
	case seatwright.IsKind(err, seatwright.KindUnauthenticated):
		return againWrong
	case seatwright.IsKind(err, seatwright.KindRateLimited):
		return againLater
	}
	return ""
}

// toLogin sends the browser to the login page, with everything that the client has sent.
func (s *server) toLogin(ctx context.Context, r *op.ClientRequest[oidc.AuthRequest], again string) *op.Redirect {
	query := url.Values{}
	for _, name := range authorizeParameters {
		if r.Form.Has(name) {
			query.Set(name, r.Form.Get(name))
		}
	}
	if again != "" {
		query.Set("again", again)
	}
	return op.NewRedirect(op.IssuerFromContext(ctx) + pathLogin + "?" + query.Encode())
}

// authorizeParameters are what an authorization request may say; everything else is dropped on the way to the login page.
var authorizeParameters = []string{
	"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "response_mode", "prompt", "max_age", "login_hint", "acr_values",
	"code_challenge", "code_challenge_method", "ui_locales", "display",
}

// authorize stores the authorization and sends the browser back with a code.
func (s *server) authorize(ctx context.Context, a seatwright.Application, r *oidc.AuthRequest, scopes []seatwright.Scope, now session) (*op.Redirect, error) {
	code := seatwright.GrantText{Organization: a.Organization, ID: seatwright.GrantID(seatwright.NewID()), Secret: directory.NewSecret()}
	attempt := tokenAttempt(ctx)
	attempt.Door = doorAuthorize
	actor := seatwright.Principal{Kind: seatwright.PrincipalUser, ID: string(now.person.ID), Organization: now.person.Organization}.Actor()
	_, err := s.grants.Authorize(ctx, attempt.Origin(actor), seatwright.Grant{
		Organization: a.Organization, ID: code.ID, Kind: seatwright.GrantAuthorization, User: now.person.ID, Application: a.ID, Scopes: scopes,
		SecretHash: seatwright.HashOf(code.Secret), PasswordMark: seatwright.MarkOf(now.person.PasswordHash),
		ExpiresAt: s.now().Add(seatwright.CodeLife), RedirectURI: r.RedirectURI, Nonce: r.Nonce, Challenge: r.CodeChallenge,
		AuthenticatedAt: now.authenticated,
	})
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if err := s.leases.SignedIn(ctx, attempt.Origin(actor), a.Organization, now.person.ID); err != nil {
		s.logCause(ctx, seatwright.AsError(err)) // nobody is kept out by it: the product asks again
	}
	back, err := url.Parse(r.RedirectURI)
	if err != nil {
		return nil, s.refusal(ctx, seatwright.Internal(err))
	}
	query := back.Query()
	query.Set("code", code.String())
	query.Set("scope", seatwright.JoinWords(scopes))
	query.Set("iss", op.IssuerFromContext(ctx)) // RFC 9207
	if r.State != "" {
		query.Set("state", r.State)
	}
	back.RawQuery = query.Encode()
	return op.NewRedirect(back.String()), nil
}

// issued names the issuer in errors that a client gets by way of the browser, as RFC 9207 wants it in every answer: the library has no
// member for it.
type issued struct {
	http.ResponseWriter
	issuer string
}

func (w issued) WriteHeader(status int) {
	if back, err := url.Parse(w.Header().Get("Location")); err == nil && status == http.StatusFound {
		if query := back.Query(); query.Has("error") && !query.Has("iss") {
			query.Set("iss", w.issuer)
			back.RawQuery = query.Encode()
			w.Header().Set("Location", back.String())
		}
	}
	w.ResponseWriter.WriteHeader(status)
}
