package seatwright

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PasswordRules say what a new password must have. They mean what the setting Auth.Password.PasswordComplexity of the
// published API means; the zero value asks only for what every password has.
type PasswordRules struct {
	Length  int // at least so many characters; less than minPasswordLength counts as that
	Lower   bool
	Upper   bool
	Digit   bool
	Special bool // a character that is neither letter nor digit
}

// DefaultPasswordRules are those of an organization that has said nothing: length alone. NIST SP 800-63B advises against asking for
// kinds of characters.
func DefaultPasswordRules() PasswordRules { return PasswordRules{Length: minPasswordLength} }

// SettingPasswordComplexity is the setting of an organization that says what its new passwords must have, as a JSON text in the
// form that the published API shows: {"hasSpecialCharacter":false,"hasLowercase":true,"hasUppercase":false,"hasDigit":true,"Length":"10"}.
const SettingPasswordComplexity SettingKey = "Auth.Password.PasswordComplexity"

// ReadPasswordRules reads the value of SettingPasswordComplexity; what it does not say is not asked for. The error is
// invalid/invalid_value.
func ReadPasswordRules(value string) (PasswordRules, error) {
	var said struct {
		Special bool        `json:"hasSpecialCharacter"`
		Lower   bool        `json:"hasLowercase"`
		Upper   bool        `json:"hasUppercase"`
		Digit   bool        `json:"hasDigit"`
		Length  json.Number `json:"Length"` // a number, or a number in quotes
	}
	wrong := Invalid(ReasonInvalidValue, "the value of %s is a JSON text with the flags hasSpecialCharacter, hasLowercase, hasUppercase and hasDigit and "+
		"a Length of 0 to %d", SettingPasswordComplexity, maxRuledLength)
	if err := json.Unmarshal([]byte(value), &said); err != nil {
		return PasswordRules{}, wrong
	}
	rules := PasswordRules{Lower: said.Lower, Upper: said.Upper, Digit: said.Digit, Special: said.Special}
	if said.Length != "" {
		length, err := strconv.Atoi(said.Length.String())
		if err != nil || length < 0 || length > maxRuledLength {
			return PasswordRules{}, wrong
		}
		rules.Length = length
	}
	return rules, nil
}

// maxRuledLength is the most that can be asked for: a password of as many characters of any script still fits.
const maxRuledLength = 64

// The length that no rule can change.
const (
	minPasswordLength = 8   // characters
	maxPasswordBytes  = 256 // hashing costs the same for all of them
)

// Check refuses a password that breaks one of the rules, and says which: invalid/invalid_value in the field password. userName
// and mail are the person's, empty where they have none: a password may not be either, in whatever letter case.
func (r PasswordRules) Check(password, userName, mail string) error {
	broken := func(format string, args ...any) error {
		return Invalid(ReasonInvalidValue, format, args...).In("password")
	}
	has := func(is func(rune) bool) bool { return strings.IndexFunc(password, is) >= 0 }
	length := max(r.Length, minPasswordLength)
	switch {
	case !utf8.ValidString(password):
		return broken("a password is UTF-8 text")
	case utf8.RuneCountInString(password) < length:
		return broken("a password has at least %d characters", length)
	case len(password) > maxPasswordBytes:
		return broken("a password has at most %d bytes", maxPasswordBytes)
	case r.Lower && !has(unicode.IsLower):
		return broken("a password has a lower-case letter")
	case r.Upper && !has(unicode.IsUpper):
		return broken("a password has an upper-case letter")
	case r.Digit && !has(unicode.IsDigit):
		return broken("a password has a digit")
	case r.Special && !has(func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }):
		return broken("a password has a character that is neither a letter nor a digit")
	case userName != "" && strings.EqualFold(password, userName):
		return broken("a password is not the user name")
	case mail != "" && strings.EqualFold(password, mail):
		return broken("a password is not the mail address")
	}
	return nil
}
