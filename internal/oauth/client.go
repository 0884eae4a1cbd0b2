package oauth

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
)

// client shows an application to the library.
type client struct{ application seatwright.Application }

func (c *client) GetID() string { return string(c.application.ID) }

// AuthMethod says that a confidential application may use Basic; post is accepted as well.
func (c *client) AuthMethod() oidc.AuthMethod {
	if c.application.Confidential {
		return oidc.AuthMethodBasic
	}
	return oidc.AuthMethodNone
}

func (c *client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{grantClientCredentials, grantCode, grantRefresh}
}

// ApplicationType is native for all: only then may a registered address have a scheme of the application's own. That the address is
// one of those is seen to before.
func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeNative }

func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// IsScopeAllowed is always true: the library would drop the others silently, and Authorize refuses them.
func (c *client) IsScopeAllowed(string) bool { return true }

func (c *client) RedirectURIs() []string           { return c.application.RedirectURIs }
func (c *client) PostLogoutRedirectURIs() []string { return c.application.RedirectURIs }
func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c *client) LoginURL(string) string               { return "" }
func (c *client) IDTokenLifetime() time.Duration       { return idTokenLife }
func (c *client) DevMode() bool                        { return true } // http to this machine is allowed; no other http is registered
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c *client) ClockSkew() time.Duration             { return 0 }
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
