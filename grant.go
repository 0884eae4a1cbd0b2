package seatwright

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// GrantID names a grant within its organization. It is part of the texts that the grant gives out, and of access tokens.
type GrantID string

// GrantKind says what a grant gives.
type GrantKind string

// The kinds of grant.
const (
	// A person lets an application act in their name: a code first, then refresh tokens, each of which replaces the one before.
	// All of them and the access tokens that came of them are one family, and end together.
	GrantAuthorization GrantKind = "authorization"
	// A person has made a token for scripts of their own.
	GrantPersonal GrantKind = "personal"
	// One access token that belongs to no other grant was taken back before its end. The id is that of the token.
	GrantWithdrawn GrantKind = "withdrawn"
)

// Grant is a lasting right to get in, which can be taken back; the word is that of OAuth 2.0, and nothing of licenses. Its secret is
// stored nowhere, only a hash.
type Grant struct {
	Organization OrganizationID
	ID           GrantID
	Kind         GrantKind
	User         UserID        // in whose name; empty for the withdrawn token of an application
	Application  ApplicationID // through which; empty for a personal token
	Scopes       []Scope       // OpenID Connect's own words included
	Description  string        // of a personal token
	Number       int64         // of an authorization: how many texts came before the one that may be shown next; 0: it is the code
	SecretHash   []byte        // SHA-256 of the secret in that text; empty: there is none to be shown any more
	PasswordMark []byte        // see MarkOf; the grant ends when the person gets another password
	Revoked      bool
	CreatedAt    time.Time
	ExpiresAt    time.Time
	UsedAt       time.Time // of a personal token, to the minute; zero: never

	// What the authorization request said, for the exchange of the code.
	RedirectURI     string
	Nonce           string
	Challenge       string    // PKCE, S256
	AuthenticatedAt time.Time // when the person showed their password
}

// The lives of what a grant gives out.
const (
	CodeLife    = 5 * time.Minute
	RefreshLife = 60 * 24 * time.Hour // from one use to the next
)

// MaxPersonalTokens is how many personal tokens one person may have, expired ones included.
const MaxPersonalTokens = 100

// MarkOf is a fingerprint of the stored form of a password, from which nobody learns anything about either.
func MarkOf(passwordHash string) []byte {
	sum := sha256.Sum256([]byte("seatwright password mark\x00" + passwordHash))
	return sum[:8]
}

// InForce reports whether access tokens of the grant are accepted.
func (g Grant) InForce(now time.Time) bool {
	return !g.Revoked && g.Kind != GrantWithdrawn && now.Before(g.ExpiresAt)
}

// GrantText is what somebody shows of a grant: a code, a refresh token or a personal token. It names the organization, so that it
// is looked for in one place.
type GrantText struct {
	Organization OrganizationID
	ID           GrantID
	Number       int64
	Secret       string // 52 letters and digits
}

// The first words of grant texts: what a text is can be seen by everybody, a scanner for leaked secrets included.
const (
	prefixPersonal = "swp_"
	prefixOther    = "swg_"
)

// String is the text as it is given out: letters, digits and ". _ -" only.
func (t GrantText) String() string {
	return prefixOther + t.rest()
}

// Personal is the text of a personal token.
func (t GrantText) Personal() string { return prefixPersonal + t.rest() }

func (t GrantText) rest() string {
	organization := base64.RawURLEncoding.EncodeToString([]byte(t.Organization))
	return organization + "." + string(t.ID) + "." + strconv.FormatInt(t.Number, 10) + "." + t.Secret
}

// ParseGrantText reads a text; ok is false for anything that is none. Whether there is such a grant is another matter.
func ParseGrantText(text string) (t GrantText, personal, ok bool) {
	rest, personal := strings.CutPrefix(text, prefixPersonal)
	if !personal {
		if rest, ok = strings.CutPrefix(text, prefixOther); !ok {
			return t, false, false
		}
	}
	parts := strings.Split(rest, ".")
	if len(text) > 1024 || len(parts) != 4 || parts[3] == "" {
		return t, personal, false
	}
	organization, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil {
		return t, personal, false
	}
	id, err := CanonicalID(string(organization))
	if err != nil || id != string(organization) {
		return t, personal, false
	}
	grant, err := CanonicalID(parts[1])
	if err != nil || grant != parts[1] {
		return t, personal, false
	}
	number, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || number < 0 || strconv.FormatInt(number, 10) != parts[2] {
		return t, personal, false
	}
	return GrantText{Organization: OrganizationID(id), ID: GrantID(grant), Number: number, Secret: parts[3]}, personal, true
}

// GrantState is the data of the events of grants.
type GrantState struct {
	Kind        GrantKind     `json:"kind"`
	User        UserID        `json:"user,omitempty"`
	Application ApplicationID `json:"application,omitempty"`
	Scopes      []Scope       `json:"scopes,omitempty"`
	ExpiresAt   *time.Time    `json:"expiresAt,omitempty"` // of a personal token
	Reused      bool          `json:"reused,omitempty"`    // it was revoked because a text was shown a second time
}

func (g Grant) state() GrantState {
	state := GrantState{Kind: g.Kind, User: g.User, Application: g.Application}
	state.Scopes = g.Scopes
	if g.Kind == GrantPersonal {
		state.ExpiresAt = &g.ExpiresAt
	}
	return state
}

// MissingGrant is the error about a grant that does not exist, or is somebody else's.
func MissingGrant() *Error { return NotFound(ReasonNotFound, "there is no such token") }

// refusedGrant is the one answer to a code or refresh token that does not count, whatever is wrong with it.
func refusedGrant() *Error {
	return NewError(KindUnauthenticated, ReasonInvalidGrant, "the code or refresh token is expired, used, revoked or not of this client")
}

// CreateGrant stores an authorization or a personal token.
// Errors: not_found/organization_not_found, not_found/not_found for a person who is not there, unauthenticated/invalid_grant for
// one who is not active or has another password by now, invalid/invalid_value for more than MaxPersonalTokens.
type CreateGrant struct {
	Grant    Grant // ExpiresAt is needed; CreatedAt is not part of it
	Personal int   `json:"-"` // how many personal tokens the person has, as read a moment ago
}

func (c CreateGrant) Operation() string { return "grant.create" }

func (c CreateGrant) Touches() []Touch {
	return []Touch{{Organization: c.Grant.Organization, Users: []UserID{c.Grant.User}, WholeUsers: []UserID{c.Grant.User}}}
}

func (c CreateGrant) Weight() int { return 1 }

// Decide answers the grant as it is stored.
func (c CreateGrant) Decide(s *Slice, origin Origin) (Grant, error) {
	o, err := s.organization(c.Grant.Organization)
	if err != nil {
		return Grant{}, err
	}
	person, exists := o.people[c.Grant.User]
	switch {
	case !exists:
		return Grant{}, MissingUser()
	case !person.Active:
		return Grant{}, refusedGrant()
	case c.Grant.Kind == GrantPersonal && c.Personal >= MaxPersonalTokens:
		return Grant{}, Invalid(ReasonInvalidValue, "a person has at most %d tokens: remove one", MaxPersonalTokens)
	}
	g := c.Grant
	g.CreatedAt, g.PasswordMark = o.now, MarkOf(person.PasswordHash)
	if len(c.Grant.PasswordMark) > 0 && subtle.ConstantTimeCompare(c.Grant.PasswordMark, g.PasswordMark) != 1 {
		return Grant{}, refusedGrant()
	}
	o.putGrant(g)
	return g, s.record(o, origin, EventGrantCreated, string(g.ID), g.state())
}

// ExchangeGrant shows the text of an authorization, and replaces it by the next one. Errors: not_found/organization_not_found,
// unauthenticated/invalid_grant where the text does not count. Bookkeeping, but for a reuse.
type ExchangeGrant struct {
	Organization OrganizationID
	ID           GrantID
	User         UserID        // of the grant, as it was read a moment ago
	Application  ApplicationID // which shows it
	Number       int64         // of the text
	SecretHash   []byte        // of the text
	NextHash     []byte        // of the next text; empty: there will be none
	AccessUntil  time.Time     // when the access token that comes of it ends
}

func (c ExchangeGrant) Operation() string { return "grant.exchange" }

func (c ExchangeGrant) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: []UserID{c.User}, WholeUsers: []UserID{c.User}, Grants: []GrantID{c.ID}}}
}

func (c ExchangeGrant) Weight() int { return 1 }

// Exchange is the answer to [ExchangeGrant].
type Exchange struct {
	Grant  Grant
	Person User
	Reused bool // the text had been shown before: whoever has it is not the only one, so the whole family has ended
}

// Decide answers the grant and the person, or that the text was shown before.
func (c ExchangeGrant) Decide(s *Slice, origin Origin) (Exchange, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Exchange{}, err
	}
	g, exists := o.grants[c.ID]
	person, known := o.people[c.User]
	if !exists || g.Kind != GrantAuthorization || g.Application != c.Application || g.User != c.User || g.Revoked || c.Number < 0 || c.Number > g.Number {
		return Exchange{}, refusedGrant()
	}
	if c.Number < g.Number {
		g.Revoked, g.SecretHash = true, nil
		o.putGrant(g)
		state := g.state()
		state.Reused = true
		return Exchange{Grant: g, Reused: true}, s.record(o, origin, EventGrantRevoked, string(g.ID), state)
	}
	switch {
	case !o.now.Before(g.ExpiresAt), len(g.SecretHash) == 0,
		subtle.ConstantTimeCompare(g.SecretHash, c.SecretHash) != 1,
		!known, !person.Active, subtle.ConstantTimeCompare(g.PasswordMark, MarkOf(person.PasswordHash)) != 1:
		return Exchange{}, refusedGrant()
	}
	g.Number, g.SecretHash, g.ExpiresAt = g.Number+1, c.NextHash, c.AccessUntil
	if len(c.NextHash) > 0 {
		g.ExpiresAt = o.now.Add(RefreshLife)
	}
	g.Challenge, g.RedirectURI = "", "" // they were for the code
	o.putGrant(g)
	return Exchange{Grant: g, Person: person.User}, nil
}

// RevokeGrant ends a grant: its texts, and the access tokens that came of it. One that is not stored yet is stored as withdrawn,
// which is how a single access token is taken back. Repeating it changes nothing. Errors: not_found/organization_not_found.
type RevokeGrant struct {
	Grant Grant // Organization, ID and, of a withdrawn token, User, Application and ExpiresAt
}

func (c RevokeGrant) Operation() string { return "grant.revoke" }

func (c RevokeGrant) Touches() []Touch {
	return []Touch{{Organization: c.Grant.Organization, Grants: []GrantID{c.Grant.ID}}}
}

func (c RevokeGrant) Weight() int { return 1 }

// Decide answers the grant as it is now.
func (c RevokeGrant) Decide(s *Slice, origin Origin) (Grant, error) {
	o, err := s.organization(c.Grant.Organization)
	if err != nil {
		return Grant{}, err
	}
	g, exists := o.grants[c.Grant.ID]
	if exists && g.Revoked {
		return g, nil
	}
	if !exists {
		g = c.Grant
		g.Kind, g.CreatedAt = GrantWithdrawn, o.now
	}
	g.Revoked, g.SecretHash = true, nil
	o.putGrant(g)
	return g, s.record(o, origin, EventGrantRevoked, string(g.ID), g.state())
}

// RenewPersonalToken gives a personal token another secret and another end. Errors: not_found/organization_not_found,
// not_found/not_found for a token that is not there or somebody else's, unauthenticated/invalid_grant for a person who is not active.
type RenewPersonalToken struct {
	Organization OrganizationID
	User         UserID
	ID           GrantID
	ExpiresAt    time.Time
	SecretHash   []byte `json:"-"`
}

func (c RenewPersonalToken) Operation() string { return "personal_token.renew" }

func (c RenewPersonalToken) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: []UserID{c.User}, WholeUsers: []UserID{c.User}, Grants: []GrantID{c.ID}}}
}

func (c RenewPersonalToken) Weight() int { return 1 }

// Decide answers the token as it is now.
func (c RenewPersonalToken) Decide(s *Slice, origin Origin) (Grant, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Grant{}, err
	}
	g, exists := o.grants[c.ID]
	person, known := o.people[c.User]
	if !exists || g.Kind != GrantPersonal || g.User != c.User {
		return Grant{}, MissingGrant()
	}
	if !known || !person.Active {
		return Grant{}, refusedGrant()
	}
	g.SecretHash, g.ExpiresAt, g.PasswordMark = c.SecretHash, c.ExpiresAt.UTC().Truncate(time.Microsecond), MarkOf(person.PasswordHash)
	o.putGrant(g)
	return g, s.record(o, origin, EventGrantRenewed, string(g.ID), g.state())
}

// DeletePersonalTokens removes personal tokens: all that are listed, or none where one is missing or somebody else's.
// Errors: not_found/organization_not_found, not_found/not_found.
type DeletePersonalTokens struct {
	Organization OrganizationID
	IDs          []GrantID // no id twice
	User         UserID    // whose they have to be; empty: anybody's
}

func (c DeletePersonalTokens) Operation() string { return "personal_token.delete" }

func (c DeletePersonalTokens) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Grants: c.IDs}}
}

func (c DeletePersonalTokens) Weight() int { return 1 + len(c.IDs) }

// Decide answers how many there were.
func (c DeletePersonalTokens) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	for _, id := range c.IDs {
		if g, exists := o.grants[id]; !exists || g.Kind != GrantPersonal || c.User != "" && g.User != c.User {
			return 0, MissingGrant()
		}
	}
	for _, id := range c.IDs {
		state := o.grants[id].state()
		o.removeGrant(id)
		if err := s.record(o, origin, EventGrantDeleted, string(id), state); err != nil {
			return 0, err
		}
	}
	return len(c.IDs), nil
}

// UseGrant notes that a personal token was used. Bookkeeping: it has no event. Errors: not_found/organization_not_found.
type UseGrant struct {
	Organization OrganizationID
	ID           GrantID
}

func (c UseGrant) Operation() string { return "grant.use" }

func (c UseGrant) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Grants: []GrantID{c.ID}}}
}

func (c UseGrant) Weight() int { return 1 }

// Decide answers nothing. A grant that has gone meanwhile is no error.
func (c UseGrant) Decide(s *Slice, _ Origin) (struct{}, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return struct{}{}, err
	}
	if g, exists := o.grants[c.ID]; exists {
		g.UsedAt = o.now
		o.putGrant(g)
	}
	return struct{}{}, nil
}

// grantSlice is what a slice knows of grants.
type grantSlice struct {
	grants        map[GrantID]Grant
	changedGrants map[GrantID]bool // true: there was a row when the slice was loaded
}

func (o *grantSlice) prepareGrants() *grantSlice {
	if o.grants == nil {
		*o = grantSlice{map[GrantID]Grant{}, map[GrantID]bool{}}
	}
	return o
}

// LoadGrant adds a grant.
func (s *Slice) LoadGrant(g Grant) { s.at(g.Organization).prepareGrants().grants[g.ID] = g }

func (o *grantSlice) putGrant(g Grant) {
	note(o.prepareGrants().changedGrants, o.grants, g.ID)
	o.grants[g.ID] = g
}

func (o *grantSlice) removeGrant(id GrantID) {
	note(o.prepareGrants().changedGrants, o.grants, id)
	delete(o.grants, id)
}

// forgetGrants drops the grants that go with a person or an application: the store deletes all there are.
func (o *grantSlice) forgetGrants(gone func(Grant) bool) {
	for id, g := range o.grants {
		if gone(g) {
			delete(o.grants, id)
			delete(o.changedGrants, id)
		}
	}
}

// addGrants lists what the batch changed of grants.
func (c *Changes) addGrants(id OrganizationID, o *organizationSlice) {
	for _, grant := range sortedKeys(o.changedGrants) {
		if g, stays := o.grants[grant]; stays {
			c.Grants = append(c.Grants, g)
		} else if o.changedGrants[grant] {
			c.RemovedGrants = append(c.RemovedGrants, Grant{Organization: id, ID: grant})
		}
	}
}
