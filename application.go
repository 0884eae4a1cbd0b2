package seatwright

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Application is a program that acts in one organization: an OAuth client.
type Application struct {
	Organization OrganizationID
	ID           ApplicationID
	Name         string
	Confidential bool                // it can keep a secret; a public one has none and proves by PKCE that it is the same as before
	RedirectURIs []string            // where people may be sent back to, compared exactly; none: nobody signs in through it with a browser
	Scopes       []Scope             // what it may ask for itself
	UserScopes   []Scope             // what it may ask for in the name of people
	Secrets      []ApplicationSecret // oldest first
	CreatedAt    time.Time
	ModifiedAt   time.Time
}

// ApplicationSecret is one of the secrets that an application may prove itself with. Several are valid at once, so that a new
// one can be in use everywhere before the old one ends.
type ApplicationSecret struct {
	ID          string     `json:"id"`
	Description string     `json:"description,omitempty"`
	Hash        SecretHash `json:"hash"`
	CreatedAt   time.Time  `json:"createdAt"`
	ExpiresAt   time.Time  `json:"expiresAt,omitzero"` // zero: never
}

// SecretHash is the SHA-256 of a secret that has 256 random bits, and therefore needs no slow hash.
type SecretHash []byte

// HashOf is the hash of a secret.
func HashOf(secret string) SecretHash {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// MarshalText writes hexadecimal digits.
func (h SecretHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads what MarshalText writes.
func (h *SecretHash) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// MaxApplicationSecrets is how many secrets an application may have, expired ones included.
const MaxApplicationSecrets = 20

// ApplicationState is the part of an application that is written into events. Names and addresses are left out, so are secrets.
type ApplicationState struct {
	Scopes     []Scope  `json:"scopes"`
	UserScopes []Scope  `json:"userScopes"` // nil: from before there were any, when Scopes were those as well
	Public     bool     `json:"public,omitempty"`
	Redirects  int      `json:"redirects,omitempty"` // how many addresses people may be sent back to
	Secrets    []string `json:"secrets"`             // their ids; nil: from before they had any
}

// State is what an event tells of the application.
func (a Application) State() ApplicationState {
	state := ApplicationState{
		Scopes: append([]Scope{}, a.Scopes...), UserScopes: append([]Scope{}, a.UserScopes...), Public: !a.Confidential,
		Redirects: len(a.RedirectURIs), Secrets: []string{},
	}
	for _, secret := range a.Secrets {
		state.Secrets = append(state.Secrets, secret.ID)
	}
	return state
}

// WithoutSecrets is the application without the hashes of its secrets.
func (a Application) WithoutSecrets() Application {
	a.Secrets = slices.Clone(a.Secrets)
	for i := range a.Secrets {
		a.Secrets[i].Hash = nil
	}
	return a
}

// MissingApplication is the error about an application that does not exist, or not in this organization.
func MissingApplication() *Error { return NotFound(ReasonNotFound, "there is no such application") }

// CreateApplication registers an external application. Its secrets never pass through here, only their hashes.
// Errors: not_found/organization_not_found, conflict/duplicate for a client id in use.
type CreateApplication struct {
	Application Application // the instants are not part of it
}

func (c CreateApplication) Operation() string { return "application.create" }

func (c CreateApplication) Touches() []Touch {
	return []Touch{{Organization: c.Application.Organization, ApplicationIDs: []ApplicationID{c.Application.ID}}}
}

func (c CreateApplication) Weight() int { return 1 }

// Decide answers the application as it was registered.
func (c CreateApplication) Decide(s *Slice, origin Origin) (Application, error) {
	o, err := s.organization(c.Application.Organization)
	if err != nil {
		return Application{}, err
	}
	app := c.Application
	if err := s.take("", IDsOfApplications, string(app.ID), "id"); err != nil {
		return Application{}, err
	}
	app.CreatedAt, app.ModifiedAt = o.now, o.now
	app.Secrets = slices.Clone(app.Secrets)
	for i := range app.Secrets {
		app.Secrets[i].CreatedAt = o.now
	}
	o.putApplication(app)
	return app, s.record(o, origin, EventApplicationCreated, string(app.ID), app.State())
}

// ChangeApplication changes one application: what is nil stays as it is. Errors: not_found/organization_not_found,
// not_found/not_found for an application or secret that is not there, invalid/invalid_value for more than MaxApplicationSecrets.
type ChangeApplication struct {
	Organization OrganizationID
	ID           ApplicationID
	Name         *string
	RedirectURIs *[]string
	Scopes       *[]Scope
	UserScopes   *[]Scope
	AddSecret    *ApplicationSecret `json:"-"` // CreatedAt is not part of it
	RemoveSecret string             // an id; empty: none
}

func (c ChangeApplication) Operation() string { return "application.change" }

func (c ChangeApplication) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Applications: []ApplicationID{c.ID}}}
}

func (c ChangeApplication) Weight() int { return 1 }

// Decide answers the application as it is now.
func (c ChangeApplication) Decide(s *Slice, origin Origin) (Application, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Application{}, err
	}
	app, exists := o.applications[c.ID]
	if !exists {
		return Application{}, MissingApplication()
	}
	app.Secrets = slices.Clone(app.Secrets)
	if c.RemoveSecret != "" {
		before := len(app.Secrets)
		app.Secrets = slices.DeleteFunc(app.Secrets, func(secret ApplicationSecret) bool { return secret.ID == c.RemoveSecret })
		if len(app.Secrets) == before {
			return Application{}, NotFound(ReasonNotFound, "the application has no such secret")
		}
	}
	if c.AddSecret != nil {
		if len(app.Secrets) >= MaxApplicationSecrets {
			return Application{}, Invalid(ReasonInvalidValue, "an application has at most %d secrets: remove one", MaxApplicationSecrets)
		}
		secret := *c.AddSecret
		secret.CreatedAt = o.now
		app.Secrets = append(app.Secrets, secret)
	}
	set(&app.Name, c.Name)
	set(&app.RedirectURIs, c.RedirectURIs)
	set(&app.Scopes, c.Scopes)
	set(&app.UserScopes, c.UserScopes)
	app.ModifiedAt = o.now
	o.putApplication(app)
	return app, s.record(o, origin, EventApplicationUpdated, string(app.ID), app.State())
}

// set changes a value where there is a new one.
func set[V any](to *V, value *V) {
	if value != nil {
		*to = *value
	}
}

// DeleteApplications removes applications: all that are listed, or none where one is missing. Whatever was granted to them ends.
// Errors: not_found/organization_not_found, not_found/not_found.
type DeleteApplications struct {
	Organization OrganizationID
	IDs          []ApplicationID // no id twice
}

func (c DeleteApplications) Operation() string { return "application.delete" }

func (c DeleteApplications) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Applications: c.IDs}}
}

func (c DeleteApplications) Weight() int { return 1 + len(c.IDs) }

// Decide answers how many there were.
func (c DeleteApplications) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	for _, id := range c.IDs {
		if _, exists := o.applications[id]; !exists {
			return 0, MissingApplication()
		}
	}
	for _, id := range c.IDs {
		o.removeApplication(id)
		o.forgetGrants(func(g Grant) bool { return g.Application == id })
		s.free("", IDsOfApplications, string(id))
		if err := s.record(o, origin, EventApplicationDeleted, string(id), struct{}{}); err != nil {
			return 0, err
		}
	}
	return len(c.IDs), nil
}

// applicationSlice is what a slice knows of applications.
type applicationSlice struct {
	applications        map[ApplicationID]Application
	changedApplications map[ApplicationID]bool // true: there was a row when the slice was loaded
	goneApplications    map[ApplicationID]bool // those whose row is to go; another may have the id by now
}

func (o *applicationSlice) prepareApplications() *applicationSlice {
	if o.applications == nil {
		*o = applicationSlice{map[ApplicationID]Application{}, map[ApplicationID]bool{}, map[ApplicationID]bool{}}
	}
	return o
}

// LoadApplication adds an application.
func (s *Slice) LoadApplication(a Application) {
	s.at(a.Organization).prepareApplications().applications[a.ID] = a
}

func (o *applicationSlice) putApplication(a Application) {
	note(o.prepareApplications().changedApplications, o.applications, a.ID)
	o.applications[a.ID] = a
}

func (o *applicationSlice) removeApplication(id ApplicationID) {
	note(o.prepareApplications().changedApplications, o.applications, id)
	o.goneApplications[id] = o.changedApplications[id]
	delete(o.applications, id)
}

// addApplications lists what the batch changed of applications.
func (c *Changes) addApplications(id OrganizationID, o *organizationSlice) {
	for _, application := range sortedKeys(o.changedApplications) {
		a, stays := o.applications[application]
		existed, gone := o.changedApplications[application], o.goneApplications[application]
		if gone {
			c.RemovedApplications = append(c.RemovedApplications, Application{Organization: id, ID: application})
		}
		if stays && existed && !gone {
			c.Applications = append(c.Applications, a)
		} else if stays {
			c.NewApplications = append(c.NewApplications, a)
		}
	}
}

// Words parts a text at its spaces.
func Words[S ~string](text string) []S {
	var words []S
	for word := range strings.FieldsSeq(text) {
		words = append(words, S(word))
	}
	return words
}

// JoinWords joins words by spaces, as Words parts them.
func JoinWords[S ~string](words []S) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(word))
	}
	return b.String()
}
