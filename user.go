package seatwright

import (
	"cmp"
	"slices"
	"strings"
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
	ModifiedAt   time.Time // of the last change of the person; zero: there was none

	// Two flags of the published API. They are kept and given back, and nothing here depends on them.
	BypassBasicAuth    bool
	InvitationAccepted bool // whoever has signed in counts as if they had
}

// CalledBy is the one name that stands for a person where a login is shown: the user name, else the mail address, else the id.
func (u User) CalledBy() string { return cmp.Or(u.UserName, u.Email, string(u.ID)) }

// UserRow is a person as they are stored, with the key under which their user name is unique.
type UserRow struct {
	User
	UserNameKey string // empty: they have no user name
}

// administrators is 1 for an active administrator, else 0.
func (u User) administrators() int64 {
	if u.Active && (u.Role == RoleOrganizationAdministrator || u.Role == RoleHostAdministrator) {
		return 1
	}
	return 0
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

// UserQuery asks for people of an organization.
type UserQuery struct {
	Term       string // part of the user name, the mail address or one of the names; empty: everybody. See Spellings
	Sort       UserSort
	Descending bool
	Skip       int64 // zero or more
	Top        int64 // 0 to MaxUsersPerPage
}

// MaxUsersPerPage is the most that one question answers.
const MaxUsersPerPage = 1000

// UserPage is the answer to a [UserQuery].
type UserPage struct {
	Total int64  // how many there are, on this page or not
	Users []User // without password hashes
}

// UserSort is what people are sorted by: texts without regard to the case of the letters A to Z, and people who are equal by id.
type UserSort string

// The orders of people.
const (
	SortUsersByID                 UserSort = "id"
	SortUsersByUserName           UserSort = "user_name"
	SortUsersByEmail              UserSort = "email"
	SortUsersByFirstName          UserSort = "first_name"
	SortUsersByLastName           UserSort = "last_name"
	SortUsersByDisplayName        UserSort = "display_name"
	SortUsersByCreatedAt          UserSort = "created_at"
	SortUsersByModifiedAt         UserSort = "modified_at"
	SortUsersByLastSignIn         UserSort = "last_sign_in" // those who never have come first
	SortUsersByActive             UserSort = "active"
	SortUsersByInvitationAccepted UserSort = "invitation_accepted" // or has signed in
)

// Spellings are those of the term; none for everybody.
func (q UserQuery) Spellings() []string {
	if q.Term == "" {
		return nil
	}
	return Spellings(q.Term)
}

// Spellings are the texts of which one has to be found in a person's. A store folds the letters A to Z alone, because databases do
// not agree on others: the term is looked for in lower case, in upper case and with a capital, so that "özil" finds "Özil".
func Spellings(term string) []string {
	if term == "" {
		return []string{""}
	}
	first, size := utf8.DecodeRuneInString(term)
	var all []string
	for _, spelled := range [...]string{
		term, strings.ToLower(term), strings.ToUpper(term), string(unicode.ToTitle(first)) + strings.ToLower(term[size:]),
	} {
		if spelled = FoldText(spelled); !slices.Contains(all, spelled) {
			all = append(all, spelled)
		}
	}
	return all
}

// FoldText puts the letters A to Z into lower case: as much as databases agree on.
func FoldText(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// SigningKey is a private key that signs access tokens. The newest one signs; older ones still verify.
type SigningKey struct {
	ID        string // the "kid" of a token header
	Sealed    []byte // PKCS #8, encrypted when the installation has a seal key
	CreatedAt time.Time
}
