package oauth

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/seatwright/seatwright"
)

const (
	tokenType = "at+jwt" // RFC 9068: tells access tokens from every other JWT that the same key signs
	audience  = "seatwright"
	tokenLife = time.Hour
	leeway    = 60 * time.Second // between the clocks of nodes
)

// claims is the content of an access token. Source: RFC 9068, and "prt_id" from the published API.
type claims struct {
	Issuer       string                    `json:"iss"`
	Subject      string                    `json:"sub"`
	SubjectType  seatwright.PrincipalKind  `json:"sub_type"` // user and client ids share no name space: RFC 9068 section 5
	Audience     string                    `json:"aud"`
	Expires      int64                     `json:"exp"` // seconds since 1970, as the next two
	IssuedAt     int64                     `json:"iat"`
	NotBefore    int64                     `json:"nbf"`
	ID           string                    `json:"jti"`
	Client       seatwright.ApplicationID  `json:"client_id,omitempty"` // empty: the authenticate login
	Scope        string                    `json:"scope,omitempty"`     // separated by spaces
	Organization seatwright.OrganizationID `json:"prt_id"`
	Grant        seatwright.GrantID        `json:"grant,omitempty"` // the authorization that the token came of
	Since        int64                     `json:"since,omitempty"` // when the subject was created, in microseconds: an id may be given again
	ClientSince  int64                     `json:"client_since,omitempty"`
	Mark         string                    `json:"mark,omitempty"` // of the password that the person had; empty: see Grant
	UserName     string                    `json:"preferred_username,omitempty"`
	Name         string                    `json:"name,omitempty"`
}

func applicationToken(a seatwright.Application, scopes []seatwright.Scope) claims {
	return claims{
		Subject: string(a.ID), SubjectType: seatwright.PrincipalApplication, Client: a.ID, Scope: seatwright.JoinWords(scopes), Organization: a.Organization,
		Since: a.CreatedAt.UnixMicro(), ClientSince: a.CreatedAt.UnixMicro(),
	}
}

func personToken(u seatwright.User) claims {
	return claims{
		Subject: string(u.ID), SubjectType: seatwright.PrincipalUser, Organization: u.Organization, UserName: u.UserName, Name: u.DisplayName,
		Since: u.CreatedAt.UnixMicro(),
	}
}

// passwordToken is the token of somebody who has just shown their password, and ends with it.
func (p *Provider) passwordToken(ctx context.Context, u seatwright.User) (claims, error) {
	stored, err := p.directory.User(ctx, u.Organization, u.ID) // with the form in which the password is stored
	if err != nil {
		return claims{}, hidden(err)
	}
	c := personToken(stored)
	c.Mark = markOf(stored)
	return c, nil
}

// markOf is the mark of a person's password as tokens have it.
func markOf(u seatwright.User) string { return hex.EncodeToString(seatwright.MarkOf(u.PasswordHash)) }

// mint adds issuer, audience, times and id to c and signs it with the newest key.
func (p *Provider) mint(issuer string, c claims) (string, error) {
	now := p.now()
	c.Issuer, c.Audience, c.ID = issuer, audience, seatwright.NewID()
	c.IssuedAt, c.NotBefore, c.Expires = now.Unix(), now.Unix(), now.Add(tokenLife).Unix()
	return p.sign(tokenType, c)
}

// sign makes a token of a type with the newest key.
func (p *Provider) sign(kind string, claims any) (string, error) {
	token, err := jwt.Signed(p.keys.current.Load().signers[kind]).Claims(claims).Serialize()
	if err != nil {
		return "", seatwright.Internal(fmt.Errorf("sign token: %w", err))
	}
	return token, nil
}

// entitlementsType is the type of signed answers about what a person is entitled to. Verify takes none that is called so.
const entitlementsType = "entitlements+jwt"

// SignEntitlements signs an answer with the newest key. It opens nothing.
func (p *Provider) SignEntitlements(claims any) (string, error) {
	return p.sign(entitlementsType, claims)
}

// idTokenType is the type of ID tokens. OpenID Connect has no other word for them; Verify takes none that is called so.
const (
	idTokenType = "JWT"
	idTokenLife = 5 * time.Minute
)

// idClaims is the content of an ID token. Source: OpenID Connect Core 1.0, section 2.
type idClaims struct {
	Issuer        string                    `json:"iss"`
	Subject       seatwright.UserID         `json:"sub"`
	Audience      seatwright.ApplicationID  `json:"aud"`
	Expires       int64                     `json:"exp"`
	IssuedAt      int64                     `json:"iat"`
	Authenticated int64                     `json:"auth_time,omitempty"`
	Nonce         string                    `json:"nonce,omitempty"`
	Organization  seatwright.OrganizationID `json:"prt_id"`
	profile
}

// profile is what the scopes profile and email tell of a person.
type profile struct {
	UserName  string `json:"preferred_username,omitempty"`
	Name      string `json:"name,omitempty"`
	FirstName string `json:"given_name,omitempty"`
	LastName  string `json:"family_name,omitempty"`
	Email     string `json:"email,omitempty"`
}

// profileOf tells of a person what the scopes allow.
func profileOf(u seatwright.User, scopes []seatwright.Scope) (p profile) {
	if slices.Contains(scopes, seatwright.ScopeProfile) {
		p.UserName, p.Name, p.FirstName, p.LastName = u.UserName, u.DisplayName, u.FirstName, u.LastName
	}
	if slices.Contains(scopes, seatwright.ScopeEmail) {
		p.Email = u.Email
	}
	return p
}

// idToken makes the ID token of a sign-in. nonce is empty when it is made by a refresh token.
func (p *Provider) idToken(issuer string, u seatwright.User, g seatwright.Grant, nonce string) (string, error) {
	now := p.now()
	return p.sign(idTokenType, idClaims{
		Issuer: issuer, Subject: u.ID, Audience: g.Application, Expires: now.Add(idTokenLife).Unix(), IssuedAt: now.Unix(),
		Authenticated: g.AuthenticatedAt.Unix(), Nonce: nonce, Organization: u.Organization, profile: profileOf(u, g.Scopes),
	})
}
