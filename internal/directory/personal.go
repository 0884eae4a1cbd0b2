package directory

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// TokenReader is what the use cases of personal tokens ask.
type TokenReader interface {
	seatwright.DirectoryReader
	seatwright.GrantReader
}

// PersonalTokens are what people make for scripts of their own. It is safe for concurrent use.
type PersonalTokens struct {
	reader TokenReader
	ledger *ledger.Ledger
	tokens Tokens
	now    func() time.Time
}

// NewPersonalTokens makes the use cases over a reader and the ledger of the same store.
func NewPersonalTokens(reader TokenReader, ledger *ledger.Ledger, tokens Tokens, now func() time.Time) *PersonalTokens {
	return &PersonalTokens{reader: reader, ledger: ledger, tokens: tokens, now: now}
}

// longestPersonalToken is how far the end of a token may lie ahead.
const longestPersonalToken = 366 * 24 * time.Hour

// owner is the person who asks, in their own organization: a host administrator, who may name any, is nobody's person elsewhere.
// Nobody makes tokens with a token that has scopes: it could give itself more than it has.
func (p *PersonalTokens) owner(caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.UserID, error) {
	if err := caller.Principal.Check(seatwright.PermissionOwnTokens); err != nil {
		return "", err
	}
	if caller.Principal.Organization != organization {
		return "", seatwright.MissingOrganization()
	}
	return seatwright.UserID(caller.Principal.ID), nil
}

// Create makes a token for the caller and answers its text, which is stored nowhere and cannot be shown again. It may do what its
// scopes say, as far as the person may. The call takes no idempotency key: its answer holds a secret. Errors:
// forbidden/missing_permission for applications and for tokens with scopes, invalid/invalid_value.
func (p *PersonalTokens) Create(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, description string, expires time.Time, scopes []seatwright.Scope,
) (seatwright.Grant, string, error) {
	user, err := p.owner(caller, organization)
	if err != nil {
		return seatwright.Grant{}, "", err
	}
	if err := p.check(description, expires, scopes); err != nil {
		return seatwright.Grant{}, "", err
	}
	there, err := p.reader.PersonalTokens(ctx, organization, user)
	if err != nil {
		return seatwright.Grant{}, "", err
	}
	text := seatwright.GrantText{Organization: organization, ID: seatwright.GrantID(seatwright.NewID()), Secret: NewSecret()}
	g, err := ledger.Submit(ctx, p.ledger, withoutKey(caller), seatwright.CreateGrant{Personal: len(there), Grant: seatwright.Grant{
		Organization: organization, ID: text.ID, Kind: seatwright.GrantPersonal, User: user, Scopes: scopes, Description: description,
		SecretHash: seatwright.HashOf(text.Secret), ExpiresAt: expires.UTC().Truncate(time.Microsecond),
	}})
	return g, text.Personal(), err
}

func (p *PersonalTokens) check(description string, expires time.Time, scopes []seatwright.Scope) error {
	if err := seatwright.CheckText("description", description); err != nil {
		return err
	}
	published := seatwright.PublishedScopes()
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s seatwright.Scope) bool { return !slices.Contains(published, s) }) {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "at least one published scope is needed, and no other").In("scopes")
	}
	return p.checkEnd(expires)
}

func (p *PersonalTokens) checkEnd(expires time.Time) error {
	if now := p.now(); !expires.After(now) || expires.After(now.Add(longestPersonalToken)) {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "the end has to lie ahead, at most a year").In("expiration")
	}
	return nil
}

// List lists the tokens of the caller, oldest first.
func (p *PersonalTokens) List(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Grant, error) {
	user, err := p.owner(caller, organization)
	if err != nil {
		return nil, err
	}
	return p.reader.PersonalTokens(ctx, organization, user)
}

// Get finds one of the caller's. Errors: not_found/not_found, for those of others too.
func (p *PersonalTokens) Get(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.GrantID,
) (seatwright.Grant, error) {
	user, err := p.owner(caller, organization)
	if err != nil {
		return seatwright.Grant{}, err
	}
	g, err := p.reader.Grant(ctx, organization, id)
	if err == nil && (g.Kind != seatwright.GrantPersonal || g.User != user) {
		err = seatwright.MissingGrant()
	}
	if err != nil {
		return seatwright.Grant{}, err
	}
	return g, nil
}

// Renew gives one of the caller's tokens another end and another text, which it answers; the old text ends at once. Errors:
// not_found/not_found, invalid/invalid_value.
func (p *PersonalTokens) Renew(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.GrantID, expires time.Time,
) (seatwright.Grant, string, error) {
	user, err := p.owner(caller, organization)
	if err != nil {
		return seatwright.Grant{}, "", err
	}
	if err := p.checkEnd(expires); err != nil {
		return seatwright.Grant{}, "", err
	}
	text := seatwright.GrantText{Organization: organization, ID: id, Secret: NewSecret()}
	caller.Key = ""
	g, err := takeAccess(ctx, p.ledger, p.tokens, caller, seatwright.RenewPersonalToken{
		Organization: organization, User: user, ID: id, ExpiresAt: expires, SecretHash: seatwright.HashOf(text.Secret),
	})
	return g, text.Personal(), err
}

// Delete ends one of the caller's tokens at once. Errors: not_found/not_found.
func (p *PersonalTokens) Delete(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.GrantID) error {
	user, err := p.owner(caller, organization)
	if err != nil {
		return err
	}
	_, err = takeAccess(ctx, p.ledger, p.tokens, caller, seatwright.DeletePersonalTokens{
		Organization: organization, User: user, IDs: []seatwright.GrantID{id},
	})
	return err
}

// DeleteOf ends all tokens of some people: an administrator takes back what they have given out. People who have none, or who are
// not there, are no error.
func (p *PersonalTokens) DeleteOf(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteUsers); err != nil {
		return err
	}
	var ids []seatwright.GrantID
	for _, user := range users {
		tokens, err := p.reader.PersonalTokens(ctx, organization, user)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			ids = append(ids, t.ID)
		}
	}
	slices.SortFunc(ids, func(a, b seatwright.GrantID) int { return strings.Compare(string(a), string(b)) })
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil
	}
	_, err := takeAccess(ctx, p.ledger, p.tokens, caller, seatwright.DeletePersonalTokens{Organization: organization, IDs: ids})
	return err
}
