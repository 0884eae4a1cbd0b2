package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
	"time"

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
	var text [1 << 10]byte // most tokens fit: they are not copied to the heap for every request
	key := sha256.Sum256(append(text[:0], token...))
	if principal, known := p.cache.get(&key, now.UnixNano()); known {
		return principal, nil
	}
	generation := p.cache.generation.Load() // before anything is read, so that a change in between voids the result
	principal, end, err := p.verify(ctx, token, now)
	if err != nil {
		return seatwright.Principal{}, err
	}
	until := min(now.Add(cacheLife).UnixNano(), end.UnixNano())
	p.cache.put(&key, cacheEntry{principal: principal, from: now.UnixNano(), until: until, generation: generation})
	return principal, nil
}

// verify looks at a token that is not remembered, and tells when it ends.
func (p *Provider) verify(ctx context.Context, token string, now time.Time) (seatwright.Principal, time.Time, error) {
	if text, personal, ok := seatwright.ParseGrantText(token); ok && personal {
		return p.personal(ctx, text, now)
	}
	c, err := p.open(ctx, token, now)
	if err != nil {
		return seatwright.Principal{}, time.Time{}, err
	}
	principal, err := p.principal(ctx, c)
	return principal, time.Unix(c.Expires, 0).Add(leeway), err
}

// personal looks at a personal token. It may do what its scopes say, as far as its person may today.
func (p *Provider) personal(ctx context.Context, text seatwright.GrantText, now time.Time) (principal seatwright.Principal, end time.Time, err error) {
	g, err := p.shownGrant(ctx, text, true)
	if err != nil {
		return principal, end, err
	}
	if g.ID == "" || !g.InForce(now) || len(g.Scopes) == 0 {
		return principal, end, invalidToken()
	}
	person, err := p.directory.User(ctx, g.Organization, g.User)
	if err != nil {
		return principal, end, hidden(err)
	}
	if !person.Active || !samePassword(g, person) {
		return principal, end, invalidToken()
	}
	if now.Sub(g.UsedAt) >= usedPrecision {
		if err := p.grants.Use(ctx, g.Organization, g.ID); err != nil {
			p.log.WarnContext(ctx, "the use of a personal token is not noted", "token", string(g.ID), "error", err)
		}
	}
	return seatwright.Principal{
		Kind: seatwright.PrincipalUser, ID: string(person.ID), Organization: g.Organization, Role: person.Role, Scopes: g.Scopes,
	}, g.ExpiresAt, nil
}

// sameHash compares a stored hash with that of a secret; nothing fits the hash of none.
func sameHash(stored []byte, secret string) bool {
	return subtle.ConstantTimeCompare(stored, seatwright.HashOf(secret)) == 1
}

// samePassword reports whether the person still has the password that they had when the grant was given.
func samePassword(g seatwright.Grant, person seatwright.User) bool {
	return subtle.ConstantTimeCompare(g.PasswordMark, seatwright.MarkOf(person.PasswordHash)) == 1
}

// usedPrecision is how exactly the last use of a personal token is known.
const usedPrecision = time.Minute

// Forget makes every token be looked at anew. It is to be called after a change that takes access away.
func (p *Provider) Forget() { p.cache.generation.Add(1) }

// invalidToken is the answer to every token that is not accepted: which check failed is nobody's business.
func invalidToken() error {
	return seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidToken, "the token is not valid")
}

// open checks form, signature, type, audience and times.
func (p *Provider) open(ctx context.Context, token string, now time.Time) (claims, error) {
	var c claims
	if known, err := p.read(ctx, token, tokenType, &c); err != nil {
		return c, err
	} else if !known {
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
	grant, err := p.checkGrant(ctx, c)
	if err != nil {
		return principal, err
	}
	if c.Client != "" {
		application, err := p.directory.Application(ctx, c.Client)
		if err != nil {
			return principal, hidden(err)
		}
		if application.Organization != c.Organization || isAnother(c.ClientSince, application.CreatedAt) {
			return principal, invalidToken()
		}
		registered := application.Scopes
		if c.SubjectType == seatwright.PrincipalUser {
			registered = application.UserScopes
		}
		for word := range strings.FieldsSeq(c.Scope) {
			if scope := seatwright.Scope(word); implied(registered, scope) || c.Grant != "" && slices.Contains(seatwright.OpenIDScopes(), scope) {
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
	if !person.Active || isAnother(c.Since, person.CreatedAt) || c.Grant != "" && !samePassword(grant, person) || c.Mark != "" && c.Mark != markOf(person) {
		return principal, invalidToken()
	}
	principal.Role = person.Role
	return principal, nil
}

// isAnother reports whether a token names somebody who had the same id before. The instants are the database's: no node's clock
// takes part.
func isAnother(since int64, created time.Time) bool {
	return since != 0 && since != created.UnixMicro()
}

// checkGrant refuses a token whose family has ended, or that was taken back itself. It returns the grant, if there is one.
func (p *Provider) checkGrant(ctx context.Context, c claims) (seatwright.Grant, error) {
	id := c.Grant
	if id == "" {
		id = seatwright.GrantID(c.ID)
	}
	g, err := p.directory.Grant(ctx, c.Organization, id)
	switch {
	case seatwright.IsKind(err, seatwright.KindNotFound) && c.Grant == "":
		return g, nil // nobody has taken it back
	case err != nil:
		return g, hidden(err)
	case c.Grant == "" && !g.Revoked, c.Grant != "" && g.InForce(p.now()):
		return g, nil
	}
	return g, invalidToken()
}

// hidden turns not_found into the common answer; what the store could not find out is not the token's fault.
func hidden(err error) error {
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		return invalidToken()
	}
	return err
}
