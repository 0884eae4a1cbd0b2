package oauth

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
)

// client shows an application to the library. Only its grants and its way of authentication matter: the rest is about
// flows with a browser, which are not served.
type client struct {
	application seatwright.Application
}

func (c *client) GetID() string                       { return string(c.application.ID) }
func (c *client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic } // post is accepted as well
func (c *client) GrantTypes() []oidc.GrantType        { return []oidc.GrantType{grantClientCredentials} }
func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (c *client) IsScopeAllowed(scope string) bool {
	return implied(c.application.Scopes, seatwright.Scope(scope))
}

func (c *client) RedirectURIs() []string               { return nil }
func (c *client) PostLogoutRedirectURIs() []string     { return nil }
func (c *client) ResponseTypes() []oidc.ResponseType   { return nil }
func (c *client) LoginURL(string) string               { return "" }
func (c *client) IDTokenLifetime() time.Duration       { return 0 }
func (c *client) DevMode() bool                        { return false }
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c *client) ClockSkew() time.Duration             { return 0 }
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
