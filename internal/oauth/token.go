package oauth

import (
	"fmt"
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
	UserName     string                    `json:"preferred_username,omitempty"`
	Name         string                    `json:"name,omitempty"`
}

func applicationToken(a seatwright.Application, scopes []seatwright.Scope) claims {
	return claims{
		Subject: string(a.ID), SubjectType: seatwright.PrincipalApplication, Client: a.ID, Scope: join(scopes), Organization: a.Organization,
	}
}

func personToken(u seatwright.User) claims {
	return claims{
		Subject: string(u.ID), SubjectType: seatwright.PrincipalUser, Organization: u.Organization, UserName: u.UserName, Name: u.DisplayName,
	}
}

// mint adds issuer, audience, times and id to c and signs it with the newest key.
func (p *Provider) mint(issuer string, c claims) (string, error) {
	now := p.now()
	c.Issuer, c.Audience, c.ID = issuer, audience, seatwright.NewID()
	c.IssuedAt, c.NotBefore, c.Expires = now.Unix(), now.Unix(), now.Add(tokenLife).Unix()
	token, err := jwt.Signed(p.keys.current.Load().signer).Claims(c).Serialize()
	if err != nil {
		return "", seatwright.Internal(fmt.Errorf("sign token: %w", err))
	}
	return token, nil
}
