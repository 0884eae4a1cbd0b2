package oauth

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	provider "github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// trust is an identity provider that an organization trusts to say who somebody is, as its settings name it.
type trust struct {
	issuer   string // an https URL, as the provider spells it
	audience string // what its tokens have to be made for
	userName string // the claim that is the user name here
	email    string // and those that are taken over when somebody is created
	name     string
	creates  bool // people who are not known yet are created
}

// trusted reads the settings of an organization; ok is false where it trusts nobody.
func (p *Provider) trusted(ctx context.Context, organization seatwright.OrganizationID) (t trust, ok bool, err error) {
	said, err := p.settings(ctx, organization, seatwright.SettingsOfExternalProvider()...)
	if err != nil {
		return t, false, err
	}
	or := func(key seatwright.SettingKey, other string) string {
		if said[key] == "" {
			return other
		}
		return said[key]
	}
	t = trust{
		issuer: said[seatwright.SettingExternalIssuer], audience: said[seatwright.SettingExternalAudience],
		userName: or(seatwright.SettingExternalUserNameClaim, "preferred_username"), email: or(seatwright.SettingExternalEmailClaim, "email"),
		name: or(seatwright.SettingExternalNameClaim, "name"), creates: strings.EqualFold(said[seatwright.SettingExternalCreateUsers], "true"),
	}
	return t, strings.HasPrefix(t.issuer, "https://") && t.audience != "", nil
}

// settings reads settings of an organization; those that it does not have are left out.
func (p *Provider) settings(ctx context.Context, organization seatwright.OrganizationID, keys ...seatwright.SettingKey) (map[seatwright.SettingKey]string, error) {
	all, err := p.directory.Settings(ctx, organization, "", keys, len(keys))
	if err != nil {
		return nil, err
	}
	said := map[seatwright.SettingKey]string{}
	for _, s := range all {
		said[s.Key] = strings.TrimSpace(s.Value)
	}
	return said, nil
}

// switchedOff reports whether an organization has a setting that is "false".
func (p *Provider) switchedOff(ctx context.Context, organization seatwright.OrganizationID, key seatwright.SettingKey) (bool, error) {
	if organization == "" {
		return false, nil
	}
	said, err := p.settings(ctx, organization, key)
	return strings.EqualFold(said[key], "false"), err
}

// assertionGrant signs somebody in whom another provider vouches for: the assertion is a token of its own. Source: RFC 7523. Which of
// the checks failed is in the log.
func (s *server) assertionGrant(ctx context.Context, a seatwright.Application, granted []seatwright.Scope, assertion string) (seatwright.User, error) {
	if assertion == "" {
		return seatwright.User{}, protocolError(http.StatusBadRequest, codeInvalidRequest, "assertion is missing")
	}
	if len(granted) == 0 {
		return seatwright.User{}, protocolError(http.StatusBadRequest, codeInvalidScope, "the application is not registered for any scope")
	}
	t, ok, err := s.trusted(ctx, a.Organization)
	if err != nil {
		return seatwright.User{}, s.refusal(ctx, err)
	}
	if !ok {
		return seatwright.User{}, invalidGrant("the organization trusts no external identity provider")
	}
	claims, err := s.external.verify(ctx, t, assertion)
	if err != nil {
		s.log.WarnContext(ctx, "an assertion is not believed", "issuer", t.issuer, "organization", string(a.Organization), "error", err)
		return seatwright.User{}, invalidGrant("the assertion is not one of the organization's identity provider")
	}
	text := func(claim string) string {
		value, _ := claims.Claims[claim].(string)
		return value
	}
	attempt := tokenAttempt(ctx)
	attempt.Organization, attempt.Application, attempt.UserName = a.Organization, a.ID, text(t.userName)
	person, err := s.login.External(ctx, attempt, directory.ExternalPerson{
		ExternalID: claims.Subject, Email: text(t.email), DisplayName: text(t.name), Create: t.creates,
	})
	if err != nil {
		return seatwright.User{}, s.refusal(ctx, err)
	}
	return person, nil
}

// external asks other identity providers for their keys. It is safe for concurrent use.
type external struct {
	client *http.Client
	now    func() time.Time

	mu   sync.Mutex
	keys map[string]externalKeys // by issuer
}

type externalKeys struct {
	set   oidc.KeySet
	until time.Time
}

const (
	externalTime  = 5 * time.Second  // for one question
	externalLife  = 10 * time.Minute // how long it is remembered where a provider keeps its keys
	externalMost  = 100              // providers that are remembered
	externalBytes = 1 << 20
	externalSkew  = 5 * time.Second // the library takes assertions that end later than this, and were made this far ahead at most
)

func newExternal(c *http.Client, now func() time.Time) *external {
	if c == nil {
		c = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxIdleConns: 10, IdleConnTimeout: time.Minute,
		}}
	}
	limited := *c
	limited.Timeout = externalTime
	limited.Transport = bounded{limited.Transport}
	limited.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("an identity provider must not redirect")
	}
	return &external{client: &limited, now: now, keys: map[string]externalKeys{}}
}

// bounded asks by https alone and reads no more of an answer than externalBytes.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errors.New("an identity provider is asked by https alone")
	}
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, externalBytes)
	}
	return answer, err
}

// verify checks signature, issuer, audience and times of an assertion.
func (e *external) verify(ctx context.Context, t trust, assertion string) (*oidc.IDTokenClaims, error) {
	if len(assertion) > maxTokenBytes {
		return nil, errors.New("the assertion is too long")
	}
	keys, err := e.keysOf(ctx, t.issuer)
	if err != nil {
		return nil, err
	}
	verifier := rp.NewIDTokenVerifier(t.issuer, t.audience, keys, rp.WithNonce(nil), rp.WithIssuedAtOffset(externalSkew),
		rp.WithAZPVerifier(func(string) error { return nil }), rp.WithSupportedSigningAlgorithms("RS256", "RS384", "RS512", "PS256", "ES256", "ES384"))
	claims, err := rp.VerifyIDToken[*oidc.IDTokenClaims](ctx, assertion, verifier)
	if err == nil && claims.NotBefore.AsTime().After(e.now().Add(leeway)) { // the library leaves it, RFC 7523 section 3 does not
		return nil, errors.New("the assertion is not in force yet")
	}
	return claims, err
}

// keysOf finds out where an issuer keeps its keys.
func (e *external) keysOf(ctx context.Context, issuer string) (oidc.KeySet, error) {
	e.mu.Lock()
	known, ok := e.keys[issuer]
	e.mu.Unlock()
	if ok && e.now().Before(known.until) {
		return known.set, nil
	}
	found, err := provider.Discover(ctx, issuer, e.client)
	if err != nil {
		return nil, err
	}
	known = externalKeys{set: rp.NewRemoteKeySet(e.client, found.JwksURI), until: e.now().Add(externalLife)}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.keys) >= externalMost {
		clear(e.keys)
	}
	e.keys[issuer] = known
	return known.set, nil
}
