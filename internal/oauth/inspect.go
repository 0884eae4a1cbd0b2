package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
)

// userInfo is what UserInfo answers. Source: OpenID Connect Core 1.0, section 5.3.
type userInfo struct {
	Subject      seatwright.UserID         `json:"sub"`
	Organization seatwright.OrganizationID `json:"prt_id"`
	profile
}

// UserInfo tells who somebody is who has signed in through an application, as far as their token's scopes allow.
func (s *server) UserInfo(ctx context.Context, r *op.Request[oidc.UserInfoRequest]) (*op.Response, error) {
	principal, err := s.Verify(ctx, r.Data.AccessToken)
	if seatwright.IsKind(err, seatwright.KindUnauthenticated) {
		responseHeader(ctx).Set("WWW-Authenticate", `Bearer realm="seatwright", error="invalid_token"`)
		return nil, protocolError(http.StatusUnauthorized, "invalid_token", "the token is not valid")
	}
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if principal.Kind != seatwright.PrincipalUser || !slices.Contains(principal.Scopes, seatwright.ScopeOpenID) {
		responseHeader(ctx).Set("WWW-Authenticate", `Bearer realm="seatwright", error="insufficient_scope", scope="openid"`)
		return nil, protocolError(http.StatusForbidden, "insufficient_scope", "this needs the scope openid")
	}
	person, err := s.directory.User(ctx, principal.Organization, seatwright.UserID(principal.ID))
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	return op.NewResponse(userInfo{Subject: person.ID, Organization: person.Organization, profile: profileOf(person, principal.Scopes)}), nil
}

// introspection is what Introspect answers. Source: RFC 7662, section 2.2. Of a token that is not in force it says nothing else.
type introspection struct {
	Active       bool                      `json:"active"`
	Scope        string                    `json:"scope,omitempty"`
	Client       seatwright.ApplicationID  `json:"client_id,omitempty"`
	UserName     string                    `json:"username,omitempty"`
	TokenType    string                    `json:"token_type,omitempty"`
	Expires      int64                     `json:"exp,omitempty"`
	IssuedAt     int64                     `json:"iat,omitempty"`
	NotBefore    int64                     `json:"nbf,omitempty"`
	Subject      string                    `json:"sub,omitempty"`
	Audience     string                    `json:"aud,omitempty"`
	Issuer       string                    `json:"iss,omitempty"`
	ID           string                    `json:"jti,omitempty"`
	Organization seatwright.OrganizationID `json:"prt_id,omitempty"`
}

// Introspect tells a confidential application what a token of its organization is good for now. Other organizations' tokens are to
// it as if they did not exist.
func (s *server) Introspect(ctx context.Context, r *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	verified, err := s.VerifyClient(ctx, &op.Request[op.ClientCredentials]{Header: r.Header, Form: r.Form, Data: r.Data.ClientCredentials})
	if err != nil {
		return nil, err
	}
	c, ok := verified.(*client)
	if !ok || !c.application.Confidential {
		return nil, invalidClient(responseHeader(ctx))
	}
	found, err := s.inspect(ctx, r.Data.Token)
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if found.Organization != c.application.Organization {
		found = introspection{}
	}
	return op.NewResponse(found), nil
}

// inspect finds out what a token is good for.
func (s *server) inspect(ctx context.Context, token string) (introspection, error) {
	now := s.now()
	if text, personal, ok := seatwright.ParseGrantText(token); ok {
		return s.inspectGrant(ctx, text, personal, now)
	}
	c, err := s.open(ctx, token, now)
	if err == nil {
		var principal seatwright.Principal
		if principal, err = s.principal(ctx, c); err == nil {
			return introspection{
				Active: true, Scope: seatwright.JoinWords(principal.Scopes), Client: c.Client, UserName: c.UserName, TokenType: oidc.BearerToken, Expires: c.Expires,
				IssuedAt: c.IssuedAt, NotBefore: c.NotBefore, Subject: c.Subject, Audience: c.Audience, Issuer: c.Issuer, ID: c.ID,
				Organization: c.Organization,
			}, nil
		}
	}
	if seatwright.IsKind(err, seatwright.KindUnauthenticated) {
		err = nil
	}
	return introspection{}, err
}

func (s *server) inspectGrant(ctx context.Context, text seatwright.GrantText, personal bool, now time.Time) (introspection, error) {
	g, err := s.shownGrant(ctx, text, personal)
	if err != nil || g.ID == "" || !g.InForce(now) {
		return introspection{}, err
	}
	person, err := s.directory.User(ctx, g.Organization, g.User)
	if seatwright.IsKind(err, seatwright.KindNotFound) || err == nil && (!person.Active || !samePassword(g, person)) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	return introspection{
		Active: true, Scope: seatwright.JoinWords(g.Scopes), Client: g.Application, UserName: person.UserName, Expires: g.ExpiresAt.Unix(), IssuedAt: g.CreatedAt.Unix(),
		Subject: string(g.User), ID: string(g.ID), Organization: g.Organization,
	}, nil
}

// shownGrant is the grant of a text that would be taken in, whoever shows it; one without an id where there is none.
func (p *Provider) shownGrant(ctx context.Context, text seatwright.GrantText, personal bool) (seatwright.Grant, error) {
	g, err := p.directory.Grant(ctx, text.Organization, text.ID)
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		return seatwright.Grant{}, nil
	}
	if err != nil {
		return seatwright.Grant{}, err
	}
	kind := seatwright.GrantAuthorization
	if personal {
		kind = seatwright.GrantPersonal
	}
	if g.Kind != kind || text.Number != g.Number || !sameHash(g.SecretHash, text.Secret) {
		return seatwright.Grant{}, nil
	}
	return g, nil
}

// Revocation ends what a client was given: with a refresh token or one of its access tokens the whole family, else the one token. What is
// no token of ours, or not in force, needs no ending. Source: RFC 7009.
func (s *server) Revocation(ctx context.Context, r *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	c, ok := r.Client.(*client)
	if !ok {
		return nil, s.refusal(ctx, errors.New("a client that VerifyClient has not returned"))
	}
	g, application, err := s.revocable(ctx, r.Data.Token)
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if g.ID == "" || g.Organization != c.application.Organization {
		return op.NewResponse(struct{}{}), nil
	}
	if application != c.application.ID {
		return nil, protocolError(http.StatusBadRequest, codeUnauthorizedClient, "the token is not of this client")
	}
	origin := tokenAttempt(ctx).Origin(seatwright.Principal{Kind: seatwright.PrincipalApplication, ID: string(c.application.ID)}.Actor())
	if err := s.grants.Revoke(ctx, origin, g); err != nil {
		return nil, s.refusal(ctx, err)
	}
	s.Forget()
	return op.NewResponse(struct{}{}), nil
}

// revocable is the grant that a token belongs to, or that stands for it once it is taken back, and the application that has it.
func (s *server) revocable(ctx context.Context, token string) (g seatwright.Grant, application seatwright.ApplicationID, err error) {
	if text, personal, ok := seatwright.ParseGrantText(token); ok {
		if personal { // its person removes it
			return g, "", nil
		}
		g, err = s.shownGrant(ctx, text, false)
		return g, g.Application, err
	}
	c, err := s.open(ctx, token, s.now())
	if seatwright.IsKind(err, seatwright.KindUnauthenticated) {
		return g, "", nil
	}
	if err != nil {
		return g, "", err
	}
	g = seatwright.Grant{
		Organization: c.Organization, ID: c.Grant, Application: c.Client, ExpiresAt: time.Unix(c.Expires, 0).Add(leeway).UTC(),
	}
	if g.ID == "" {
		g.ID = seatwright.GrantID(c.ID)
	}
	if c.SubjectType == seatwright.PrincipalUser {
		g.User = seatwright.UserID(c.Subject)
	}
	return g, c.Client, nil
}
