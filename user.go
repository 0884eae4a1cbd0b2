package seatwright

import (
	"time"
	"unicode"
	"unicode/utf8"
)

// User is a person of an organization's directory, or of the host.
type User struct {
	Organization OrganizationID
	ID           UserID
	UserName     string // what they sign in with; empty for people who were provisioned by an allocation
	ExternalID   string // their key in a directory kept elsewhere, unique in the organization; empty: none
	Email        string
	FirstName    string
	LastName     string
	DisplayName  string
	Role         Role
	Active       bool
	PasswordHash string // PHC string; empty: no local password
	CreatedAt    time.Time
}

// MaxNameLength is the longest personal text field, in characters.
const MaxNameLength = 256

// CheckText refuses control characters, broken UTF-8 and more than [MaxNameLength] characters in a personal text field.
func CheckText(field, value string) error {
	if utf8.RuneCountInString(value) > MaxNameLength {
		return Invalid(ReasonInvalidValue, "at most %d characters", MaxNameLength).In(field)
	}
	for _, r := range value {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return Invalid(ReasonInvalidValue, "no control characters").In(field)
		}
	}
	return nil
}

// Application is a program with credentials of its own: an OAuth client of one organization.
type Application struct {
	Organization OrganizationID
	ID           ApplicationID
	Name         string
	SecretHash   []byte  // SHA-256 of the generated secret, which has 256 random bits and therefore needs no slow hash
	Scopes       []Scope // what it may ask for
	CreatedAt    time.Time
}

// SigningKey is a private key that signs access tokens. The newest one signs; older ones still verify.
type SigningKey struct {
	ID        string // the "kid" of a token header
	Sealed    []byte // PKCS #8, encrypted when the installation has a seal key
	CreatedAt time.Time
}
