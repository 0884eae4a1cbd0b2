package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
)

// server is what the library asks once it has routed and parsed a request. What it does not implement answers
// with a JSON error, and is not routed either.
type server struct {
	op.UnimplementedServer
	*Provider
}

func newLibrary(p *Provider) http.Handler {
	endpoints := op.Endpoints{
		Authorization: op.NewEndpoint(pathAuthorize),
		Token:         op.NewEndpoint(pathToken),
		Introspection: op.NewEndpoint(pathIntrospect),
		Userinfo:      op.NewEndpoint(pathUserInfo),
		Revocation:    op.NewEndpoint(pathRevoke),
		JwksURI:       op.NewEndpoint(pathKeys),
	}
	return op.RegisterServer(&server{Provider: p}, endpoints, op.WithServerCORSOptions(nil))
}

// Discovery answers the metadata of OpenID Connect Discovery 1.0 and RFC 8414. Only what answers properly is listed.
func (s *server) Discovery(ctx context.Context, _ *op.Request[struct{}]) (*op.Response, error) {
	issuer := op.IssuerFromContext(ctx)
	scopes := make([]string, 0, 32)
	for _, scope := range slices.Concat(seatwright.OpenIDScopes(), seatwright.PublishedScopes()) {
		scopes = append(scopes, string(scope))
	}
	// What the library's own type has no member for.
	type more struct {
		*oidc.DiscoveryConfiguration
		IssuerInAnswer bool `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	}
	methods := []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodNone}
	return op.NewResponse(more{IssuerInAnswer: true, DiscoveryConfiguration: &oidc.DiscoveryConfiguration{
		Issuer:                                    issuer,
		AuthorizationEndpoint:                     issuer + pathAuthorize,
		TokenEndpoint:                             issuer + pathToken,
		JwksURI:                                   issuer + pathKeys,
		UserinfoEndpoint:                          issuer + pathUserInfo,
		IntrospectionEndpoint:                     issuer + pathIntrospect,
		RevocationEndpoint:                        issuer + pathRevoke,
		EndSessionEndpoint:                        issuer + pathLogout,
		ResponseModesSupported:                    []string{"query"},
		ScopesSupported:                           scopes,
		ResponseTypesSupported:                    []string{string(oidc.ResponseTypeCode)},
		GrantTypesSupported:                       []oidc.GrantType{grantCode, grantRefresh, grantClientCredentials, grantPassword, grantAssertion},
		SubjectTypesSupported:                     []string{"public"},
		IDTokenSigningAlgValuesSupported:          []string{string(algorithm)},
		TokenEndpointAuthMethodsSupported:         methods,
		RevocationEndpointAuthMethodsSupported:    methods,
		IntrospectionEndpointAuthMethodsSupported: methods[:2],
		ACRValuesSupported:                        []string{},
		CodeChallengeMethodsSupported:             []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		ClaimsSupported: []string{
			"iss", "sub", "sub_type", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "prt_id", "auth_time", "nonce", "preferred_username", "name",
			"given_name", "family_name", "email",
		},
	}}), nil
}

// Keys answers the public keys, newest first.
func (s *server) Keys(context.Context, *op.Request[struct{}]) (*op.Response, error) {
	return op.NewResponse(s.keys.current.Load().published), nil
}

// VerifyClient finds the application and compares the secret. Whether the id or the secret is wrong is not told.
func (s *server) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	id, err := seatwright.CanonicalID(r.Data.ClientID)
	if err != nil || r.Data.ClientAssertion != "" {
		return nil, invalidClient(responseHeader(ctx))
	}
	application, err := s.directory.Application(ctx, seatwright.ApplicationID(id))
	if err != nil && !seatwright.IsKind(err, seatwright.KindNotFound) {
		return nil, s.refusal(ctx, err)
	}
	if !proves(application, r.Data.ClientSecret, s.now()) {
		if err := s.login.Application(ctx, tokenAttempt(ctx), application, seatwright.SignInWrongPassword); err != nil {
			return nil, s.refusal(ctx, err)
		}
		return nil, invalidClient(responseHeader(ctx))
	}
	return &client{application: application}, nil
}

// proves reports whether a secret is one of the application's that have not ended. A public application has none, and proves
// nothing: that it sends none, or an empty one, is all that can be asked for.
func proves(a seatwright.Application, secret string, now time.Time) bool {
	if a.ID != "" && !a.Confidential {
		return secret == ""
	}
	hash, right := seatwright.HashOf(secret), 0
	for _, s := range a.Secrets {
		if s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt) {
			right |= subtle.ConstantTimeCompare(hash, s.Hash)
		}
	}
	return right == 1
}

// tokenAnswer is the successful answer of the token endpoint, RFC 6749 5.1.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"` // seconds
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope,omitempty"`
}

// ClientCredentialsExchange issues a token to an application, or, where the form as sent says so, to a person whose password or
// assertion the application has.
func (s *server) ClientCredentialsExchange(ctx context.Context, r *op.ClientRequest[oidc.ClientCredentialsRequest]) (*op.Response, error) {
	c, ok := r.Client.(*client)
	if !ok {
		return nil, s.refusal(ctx, errors.New("a client that VerifyClient has not returned"))
	}
	grant, registered := r.PostForm.Get("grant_type"), c.application.Scopes
	if grant != grantClientCredentials {
		registered = c.application.UserScopes
	}
	granted, refused := grantScopes(registered, r.PostForm.Get("scope"))
	if refused != nil {
		return nil, refused
	}
	t := applicationToken(c.application, granted)
	if grant != grantClientCredentials {
		var person seatwright.User
		var err error
		if grant == grantPassword {
			person, err = s.passwordGrant(ctx, c.application, granted, r.PostForm.Get("username"), r.PostForm.Get("password"))
		} else {
			person, err = s.assertionGrant(ctx, c.application, granted, r.PostForm.Get("assertion"))
		}
		if err != nil {
			return nil, err
		}
		if t, err = s.passwordToken(ctx, person); err != nil {
			return nil, s.refusal(ctx, err)
		}
		t.Client, t.ClientSince, t.Scope = c.application.ID, c.application.CreatedAt.UnixMicro(), seatwright.JoinWords(granted)
	} else if err := s.login.Application(ctx, tokenAttempt(ctx), c.application, seatwright.SignInSucceeded); err != nil {
		return nil, s.refusal(ctx, err)
	}
	signed, err := s.mint(op.IssuerFromContext(ctx), t)
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	answer := tokenAnswer{AccessToken: signed, ExpiresIn: int(tokenLife.Seconds()), TokenType: oidc.BearerToken, Scope: seatwright.JoinWords(granted)}
	if asked := r.PostForm.Get("scope"); strings.Trim(asked, " ") != "" {
		answer.Scope = asked // oauthlib raises when the answer is spelled differently
	}
	return op.NewResponse(answer), nil
}

// passwordGrant logs a person of the application's organization in. Without any scope the token would be limited by the
// person's role alone, which is more than an application may ever ask for.
func (s *server) passwordGrant(ctx context.Context, a seatwright.Application, granted []seatwright.Scope, userName, password string) (seatwright.User, error) {
	if userName == "" || password == "" {
		return seatwright.User{}, protocolError(http.StatusBadRequest, codeInvalidRequest, "username or password is missing")
	}
	if len(granted) == 0 {
		return seatwright.User{}, protocolError(http.StatusBadRequest, codeInvalidScope, "the application is not registered for any scope")
	}
	off, err := s.switchedOff(ctx, a.Organization, seatwright.SettingPasswordGrant)
	if err != nil {
		return seatwright.User{}, s.refusal(ctx, err)
	}
	if off {
		return seatwright.User{}, protocolError(http.StatusBadRequest, codeUnauthorizedClient, "the organization has switched the password grant off")
	}
	attempt := tokenAttempt(ctx)
	attempt.Organization, attempt.Application, attempt.UserName, attempt.Password = a.Organization, a.ID, userName, password
	person, err := s.login.Login(ctx, attempt)
	if err != nil {
		return seatwright.User{}, s.refusal(ctx, err)
	}
	return person, nil
}

// grantScopes returns what a request for asked gives: everything registered where nothing is asked, else the asked scopes,
// each once, if all of them are published and registered or implied by a registered one.
func grantScopes(registered []seatwright.Scope, asked string) ([]seatwright.Scope, error) {
	var granted []seatwright.Scope
	for word := range strings.SplitSeq(asked, " ") {
		scope := seatwright.Scope(word)
		if word == "" || slices.Contains(granted, scope) {
			continue
		}
		if !grantable(registered, scope) {
			return nil, protocolError(http.StatusBadRequest, codeInvalidScope, "the application is not registered for one of the scopes")
		}
		granted = append(granted, scope)
	}
	if len(granted) == 0 {
		return registered, nil
	}
	return granted, nil
}

// grantable reports whether a scope is one that there is, and registered or implied by a registered one.
func grantable(registered []seatwright.Scope, scope seatwright.Scope) bool {
	known := slices.Contains(registered, scope) || slices.Contains(seatwright.PublishedScopes(), scope)
	return known && implied(registered, scope)
}

func implied(registered []seatwright.Scope, want seatwright.Scope) bool {
	return slices.ContainsFunc(registered, func(held seatwright.Scope) bool { return held.Implies(want) })
}
