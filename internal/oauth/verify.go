package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/seatwright/seatwright"
)

// maxTokenBytes is more than any token of ours can have.
const maxTokenBytes = 8 << 10

// Verify returns the principal that an access token belongs to: the token is ours and in force, the person exists and is
// active or the application exists, both in the organization of the token. Role and registered scopes are those of today.
// The scopes of the answer are shared and must not be changed. Under whatever issuer the token was made does not matter.
//
// A verified token is remembered for up to a minute, until [Provider.Forget]. So whoever loses access by a change that
// another node made keeps it here for a minute at most.
//
// Errors: unauthenticated/no_token for no token, unauthenticated/invalid_token for every token that is not accepted, the
// errors of the store where it could not be asked.
func (p *Provider) Verify(ctx context.Context, token string) (seatwright.Principal, error) {
	if token == "" {
		return seatwright.Principal{}, seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonNoToken, "a bearer token is needed")
	}
	if len(token) > maxTokenBytes {
		return seatwright.Principal{}, invalidToken()
	}
	now := p.now()
	key := sha256.Sum256([]byte(token))
	if principal, known := p.cache.get(&key, now.UnixNano()); known {
		return principal, nil
	}
	generation := p.cache.generation.Load() // before anything is read, so that a change in between voids the result
	c, err := p.open(ctx, token, now)
	if err != nil {
		return seatwright.Principal{}, err
	}
	principal, err := p.principal(ctx, c)
	if err != nil {
		return seatwright.Principal{}, err
	}
	until := min(now.Add(cacheLife).UnixNano(), time.Unix(c.Expires, 0).Add(leeway).UnixNano())
	p.cache.put(&key, cacheEntry{principal: principal, from: now.UnixNano(), until: until, generation: generation})
	return principal, nil
}

// Forget makes every token be looked at anew. It is to be called after a change that takes access away.
func (p *Provider) Forget() { p.cache.generation.Add(1) }

// invalidToken is the answer to every token that is not accepted: which check failed is nobody's business.
func invalidToken() error {
	return seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidToken, "the token is not valid")
}

// open checks form, signature, type, audience and times.
func (p *Provider) open(ctx context.Context, token string, now time.Time) (claims, error) {
	var c claims
	if !canonical(token) {
		return c, invalidToken()
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{algorithm})
	if err != nil || len(parsed.Headers) != 1 {
		return c, invalidToken()
	}
	header := parsed.Headers[0]
	if header.KeyID == "" || header.ExtraHeaders[jose.HeaderType] != tokenType {
		return c, invalidToken()
	}
	key, err := p.keys.public(ctx, header.KeyID)
	if err != nil {
		return c, err
	}
	if key == nil || parsed.Claims(key, &c) != nil {
		return c, invalidToken()
	}
	earliest, latest := now.Add(-leeway).Unix(), now.Add(leeway).Unix()
	if c.Audience != audience || c.Organization == "" || c.Subject == "" || c.Issuer == "" ||
		c.Expires <= earliest || c.NotBefore > latest || c.IssuedAt > latest || c.NotBefore == 0 || c.IssuedAt == 0 {
		return c, invalidToken()
	}
	return c, nil
}

// canonical reports whether every part is the one spelling of its bytes. The signature does not see the spelling: the
// decoder drops line breaks and the spare bits of the last character.
func canonical(token string) bool {
	if strings.ContainsAny(token, "\r\n") {
		return false
	}
	for part := range strings.SplitSeq(token, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return false
		}
	}
	return true
}

// principal looks the subject up, and the application through which a person came.
func (p *Provider) principal(ctx context.Context, c claims) (seatwright.Principal, error) {
	principal := seatwright.Principal{Kind: c.SubjectType, ID: c.Subject, Organization: c.Organization}
	if c.Client != "" {
		application, err := p.directory.Application(ctx, c.Client)
		if err != nil {
			return principal, hidden(err)
		}
		if application.Organization != c.Organization {
			return principal, invalidToken()
		}
		for word := range strings.FieldsSeq(c.Scope) {
			if scope := seatwright.Scope(word); implied(application.Scopes, scope) {
				principal.Scopes = append(principal.Scopes, scope)
			}
		}
	}
	switch {
	case c.SubjectType == seatwright.PrincipalApplication && c.Subject == string(c.Client):
		return principal, nil
	case c.SubjectType != seatwright.PrincipalUser:
		return principal, invalidToken()
	case c.Client != "" && len(principal.Scopes) == 0:
		return principal, invalidToken() // without any scope the role alone would decide
	}
	person, err := p.directory.User(ctx, c.Organization, seatwright.UserID(c.Subject))
	if err != nil {
		return principal, hidden(err)
	}
	if !person.Active {
		return principal, invalidToken()
	}
	principal.Role = person.Role
	return principal, nil
}

// hidden turns not_found into the common answer; what the store could not find out is not the token's fault.
func hidden(err error) error {
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		return invalidToken()
	}
	return err
}
