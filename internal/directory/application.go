package directory

import (
	"context"
	"crypto/rand"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// NewApplication is what is said about an external application to be registered. A scope may be asked for by the application for
// itself, in the name of people, or both; at least one is needed.
type NewApplication struct {
	ID           string // empty: a fresh UUID
	Name         string // empty: the id
	Public       bool   // it has no secret, and asks in the name of people only
	RedirectURIs []string
	Scopes       []seatwright.Scope // for itself
	UserScopes   []seatwright.Scope // in the name of people
	Secret       string             // at least 32 characters from a random source; empty: a fresh one
}

const (
	minSecretLength = 32
	maxRedirectURIs = 20
	maxURILength    = 2000
	maxApplications = 1000 // that are listed
)

// NewSecret returns 52 letters and digits with 260 random bits: too many to guess, so a fast hash of it is safe to store.
func NewSecret() string { return rand.Text() + rand.Text() }

// Applications is the life of the external applications of an organization. It is safe for concurrent use.
type Applications struct {
	reader seatwright.DirectoryReader
	ledger *ledger.Ledger
	tokens Tokens
	now    func() time.Time
}

// NewApplications makes the use cases over a reader and the ledger of the same store.
func NewApplications(reader seatwright.DirectoryReader, ledger *ledger.Ledger, tokens Tokens, now func() time.Time) *Applications {
	return &Applications{reader: reader, ledger: ledger, tokens: tokens, now: now}
}

// Create registers an application of an organization and answers its secret, which is stored nowhere and cannot be
// shown again; a public one has none. The call takes no idempotency key: its answer holds a secret. Errors: invalid/invalid_value,
// conflict/duplicate for an id in use.
func (a *Applications) Create(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n NewApplication,
) (seatwright.Application, string, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageApplications); err != nil {
		return seatwright.Application{}, "", err
	}
	id, err := optionalID(n.ID)
	if err != nil {
		return seatwright.Application{}, "", err
	}
	if id == "" {
		id = seatwright.NewID()
	}
	if n.Name == "" {
		n.Name = id
	}
	app := seatwright.Application{
		Organization: organization, ID: seatwright.ApplicationID(id), Name: n.Name, Confidential: !n.Public, RedirectURIs: n.RedirectURIs,
		Scopes: n.Scopes, UserScopes: n.UserScopes,
	}
	if err := checkApplication(app); err != nil {
		return seatwright.Application{}, "", err
	}
	secret := ""
	if app.Confidential {
		secret = n.Secret
		if secret == "" {
			secret = NewSecret()
		}
		if len(secret) < minSecretLength {
			return seatwright.Application{}, "", seatwright.Invalid(seatwright.ReasonInvalidValue, "a secret has at least %d characters", minSecretLength).In("secret")
		}
		app.Secrets = []seatwright.ApplicationSecret{{ID: seatwright.NewID(), Hash: seatwright.HashOf(secret)}}
	}
	app, err = ledger.Submit(ctx, a.ledger, withoutKey(caller), seatwright.CreateApplication{Application: app})
	return app.WithoutSecrets(), secret, err
}

// withoutKey is the origin of a call whose answer holds a secret, which is not kept for a repetition.
func withoutKey(caller seatwright.Caller) seatwright.Origin {
	origin := caller.Origin()
	origin.Key = ""
	return origin
}

// checkApplication checks what is said about an application.
func checkApplication(a seatwright.Application) error {
	if a.Name == "" {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "a name is needed").In("name")
	}
	if err := seatwright.CheckText("name", a.Name); err != nil {
		return err
	}
	published := seatwright.PublishedScopes()
	for _, scope := range slices.Concat(a.Scopes, a.UserScopes) {
		if !slices.Contains(published, scope) && !slices.Contains(seatwright.OpenIDScopes(), scope) {
			return seatwright.Invalid(seatwright.ReasonInvalidValue, "%q is no published scope", scope).In("scopes")
		}
	}
	switch {
	case len(a.Scopes)+len(a.UserScopes) == 0:
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "at least one scope is needed").In("scopes")
	case !a.Confidential && len(a.Scopes) > 0:
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "a public application has user scopes only").In("scopes")
	case len(a.RedirectURIs) > maxRedirectURIs:
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "at most %d addresses", maxRedirectURIs).In("redirectUri")
	}
	for _, uri := range a.RedirectURIs {
		if !isRedirectURI(uri) {
			return seatwright.Invalid(seatwright.ReasonInvalidValue,
				"%.100q is no address to send people back to: https, http on this machine, or a scheme of the application's own with a dot in it; no fragment", uri).In("redirectUri")
		}
	}
	return nil
}

// isRedirectURI checks the form of an address. Source: RFC 8252 section 7, RFC 9700 section 2.1.
func isRedirectURI(uri string) bool {
	if uri == "" || len(uri) > maxURILength || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("#\\\"<>,", r) }) {
		return false
	}
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.Opaque != "" {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Hostname() != ""
	case "http":
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	return strings.Contains(u.Scheme, ".")
}

// List lists those of an organization in the order of their ids, without secrets, at most maxApplications of them.
func (a *Applications) List(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Application, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageApplications); err != nil {
		return nil, err
	}
	all, err := a.reader.Applications(ctx, organization, maxApplications)
	for i := range all {
		all[i] = all[i].WithoutSecrets()
	}
	return all, err
}

// Get finds one of an organization, without secrets. Errors: not_found/not_found, for those of others too.
func (a *Applications) Get(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.ApplicationID,
) (seatwright.Application, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageApplications); err != nil {
		return seatwright.Application{}, err
	}
	app, err := a.reader.Application(ctx, id)
	if err == nil && app.Organization != organization {
		err = seatwright.MissingApplication()
	}
	if err != nil {
		return seatwright.Application{}, err
	}
	return app.WithoutSecrets(), nil
}

// ApplicationChange is what shall be different about an application; nil leaves it as it is. Whether it is public never changes.
type ApplicationChange struct {
	Name         *string
	RedirectURIs *[]string
	Scopes       *[]seatwright.Scope
	UserScopes   *[]seatwright.Scope
}

// Update changes an application. Tokens that it has already keep no scope that it loses. Errors: not_found/not_found,
// invalid/invalid_value.
func (a *Applications) Update(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.ApplicationID, change ApplicationChange,
) (seatwright.Application, error) {
	app, err := a.Get(ctx, caller, organization, id)
	if err != nil {
		return seatwright.Application{}, err
	}
	if change.Name != nil {
		app.Name = *change.Name
	}
	if change.RedirectURIs != nil {
		app.RedirectURIs = *change.RedirectURIs
	}
	if change.Scopes != nil {
		app.Scopes = *change.Scopes
	}
	if change.UserScopes != nil {
		app.UserScopes = *change.UserScopes
	}
	if err := checkApplication(app); err != nil {
		return seatwright.Application{}, err
	}
	app, err = takeAccess(ctx, a.ledger, a.tokens, caller, seatwright.ChangeApplication{
		Organization: organization, ID: id, Name: change.Name, RedirectURIs: change.RedirectURIs, Scopes: change.Scopes, UserScopes: change.UserScopes,
	})
	return app.WithoutSecrets(), err
}

// Delete removes applications, and whatever was granted to them: all that are listed, or none where one is missing.
// Errors: not_found/not_found.
func (a *Applications) Delete(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ids []seatwright.ApplicationID,
) error {
	if err := caller.Principal.Check(seatwright.PermissionManageApplications); err != nil {
		return err
	}
	slices.Sort(ids)
	_, err := takeAccess(ctx, a.ledger, a.tokens, caller, seatwright.DeleteApplications{Organization: organization, IDs: slices.Compact(ids)})
	return err
}

// AddSecret gives an application another secret and answers it, which cannot be shown again. expires may be zero: never. Errors:
// not_found/not_found, invalid/invalid_value for a public application, an end that has passed, and too many secrets.
func (a *Applications) AddSecret(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.ApplicationID, description string, expires time.Time,
) (seatwright.ApplicationSecret, string, error) {
	app, err := a.Get(ctx, caller, organization, id)
	if err != nil {
		return seatwright.ApplicationSecret{}, "", err
	}
	if !app.Confidential {
		return seatwright.ApplicationSecret{}, "", seatwright.Invalid(seatwright.ReasonInvalidValue, "a public application has no secret")
	}
	if !expires.IsZero() && !expires.After(a.now()) {
		return seatwright.ApplicationSecret{}, "", seatwright.Invalid(seatwright.ReasonInvalidValue, "the end has passed").In("expiryTime")
	}
	if err := seatwright.CheckText("description", description); err != nil {
		return seatwright.ApplicationSecret{}, "", err
	}
	secret := NewSecret()
	added := seatwright.ApplicationSecret{ID: seatwright.NewID(), Description: description, Hash: seatwright.HashOf(secret)}
	if !expires.IsZero() {
		added.ExpiresAt = expires.UTC().Truncate(time.Microsecond)
	}
	app, err = ledger.Submit(ctx, a.ledger, withoutKey(caller), seatwright.ChangeApplication{Organization: organization, ID: id, AddSecret: &added})
	if err != nil {
		return seatwright.ApplicationSecret{}, "", err
	}
	app = app.WithoutSecrets()
	return app.Secrets[len(app.Secrets)-1], secret, nil
}

// RemoveSecret takes a secret from the application that has it. Errors: not_found/not_found.
func (a *Applications) RemoveSecret(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, secret string) error {
	if err := caller.Principal.Check(seatwright.PermissionManageApplications); err != nil {
		return err
	}
	all, err := a.reader.Applications(ctx, organization, maxApplications)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(app seatwright.Application) bool {
		return slices.ContainsFunc(app.Secrets, func(s seatwright.ApplicationSecret) bool { return s.ID == secret })
	})
	if i < 0 {
		return seatwright.NotFound(seatwright.ReasonNotFound, "there is no such secret")
	}
	_, err = ledger.Submit(ctx, a.ledger, caller.Origin(), seatwright.ChangeApplication{Organization: organization, ID: all[i].ID, RemoveSecret: secret})
	return err
}
