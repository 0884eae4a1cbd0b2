package directory

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// NewApplication is what is said about an external application to be registered.
type NewApplication struct {
	ID     string // empty: a fresh UUID
	Name   string
	Scopes []seatwright.Scope // at least one published scope
	Secret string             // at least 32 characters from a random source; empty: a fresh one
}

const minSecretLength = 32

// NewSecret returns 52 letters and digits with 260 random bits: too many to guess, so a fast hash of it is safe to store.
func NewSecret() string { return rand.Text() + rand.Text() }

// CreateApplication registers a confidential application of an organization and answers its secret, which is stored nowhere
// and cannot be shown again. The call takes no idempotency key: its answer holds a secret. Host administrators only.
func (d *Directory) CreateApplication(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n NewApplication,
) (seatwright.Application, string, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return seatwright.Application{}, "", err
	}
	id, err := optionalID(n.ID)
	if err != nil {
		return seatwright.Application{}, "", err
	}
	if id == "" {
		id = seatwright.NewID()
	}
	if err := seatwright.CheckText("name", n.Name); err != nil {
		return seatwright.Application{}, "", err
	}
	published := seatwright.PublishedScopes()
	if len(n.Scopes) == 0 || slices.ContainsFunc(n.Scopes, func(s seatwright.Scope) bool { return !slices.Contains(published, s) }) {
		return seatwright.Application{}, "", seatwright.Invalid(seatwright.ReasonInvalidValue, "at least one published scope is needed, and no other").In("scopes")
	}
	secret := n.Secret
	if secret == "" {
		secret = NewSecret()
	}
	if len(secret) < minSecretLength {
		return seatwright.Application{}, "", seatwright.Invalid(seatwright.ReasonInvalidValue, "a secret has at least %d characters", minSecretLength).In("secret")
	}
	hash := sha256.Sum256([]byte(secret))
	origin := caller.Origin()
	origin.Key = ""
	app, err := ledger.Submit(ctx, d.ledger, origin, seatwright.CreateApplication{Application: seatwright.Application{
		Organization: organization, ID: seatwright.ApplicationID(id), Name: n.Name, SecretHash: hash[:], Scopes: n.Scopes,
	}})
	return app, secret, err
}

// AddSigningKey stores a key that signs access tokens from now on.
func (d *Directory) AddSigningKey(ctx context.Context, key seatwright.SigningKey) error {
	_, err := ledger.Submit(ctx, d.ledger, seatwright.SystemCaller("identity").Origin(), seatwright.CreateSigningKey{Key: key})
	return err
}

// CreateHost makes the host's own partition, once per installation; fresh says that it was made now.
func (d *Directory) CreateHost(ctx context.Context) (fresh bool, err error) {
	return ledger.Submit(ctx, d.ledger, seatwright.SystemCaller("start").Origin(), seatwright.CreateHost{})
}
