package seatwright

import (
	"strings"
	"testing"
)

// Promise: the setting is read as the published API writes it, and what is no rule is refused where it is set.
func TestReadPasswordRules(t *testing.T) {
	for value, want := range map[string]PasswordRules{
		`{"hasSpecialCharacter":false,"hasLowercase":true,"hasUppercase":false,"hasDigit":true,"Length":"10"}`: {Length: 10, Lower: true, Digit: true},
		`{"hasSpecialCharacter":true,"hasUppercase":true,"Length":64}`:                                         {Length: 64, Special: true, Upper: true},
		`{}`: {},
	} {
		if got, err := ReadPasswordRules(value); err != nil || got != want {
			t.Errorf("%s: %+v, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "10", "[]", `{"Length":"65"}`, `{"Length":-1}`, `{"Length":"ten"}`, `{"Length":1.5}`, `{"hasDigit":"yes"}`} {
		if _, err := ReadPasswordRules(value); !IsReason(err, ReasonInvalidValue) {
			t.Errorf("%q: %v, want invalid_value", value, err)
		}
	}
}

// Promise: whoever sets a password is told which rule it breaks.
func TestPasswordRulesSayWhatIsMissing(t *testing.T) {
	all := PasswordRules{Length: 10, Lower: true, Upper: true, Digit: true, Special: true}
	for _, c := range []struct {
		rules    PasswordRules
		password string
		says     string // empty: it is taken
	}{
		{PasswordRules{}, "1234567", "at least 8 characters"},
		{PasswordRules{}, "", "at least 8 characters"},
		{PasswordRules{Length: 3}, "1234567", "at least 8 characters"},
		{PasswordRules{}, "12345678", ""},
		{PasswordRules{}, "пароль12", ""},
		{PasswordRules{}, "ééééééé", "at least 8 characters"},
		{PasswordRules{}, strings.Repeat("x", 256), ""},
		{PasswordRules{}, strings.Repeat("x", 257), "at most 256 bytes"},
		{PasswordRules{}, strings.Repeat("é", 129), "at most 256 bytes"},
		{PasswordRules{}, "12345678\xff", "UTF-8"},
		{PasswordRules{}, "Ann.Smith", "not the user name"},
		{PasswordRules{}, "ANN@example.ORG", "not the mail address"},
		{all, "aB3-aB3-a", "at least 10 characters"},
		{all, "aB3-aB3-aB", ""},
		{all, "AB3-AB3-AB", "a lower-case letter"},
		{all, "ab3-ab3-ab", "an upper-case letter"},
		{all, "aBc-aBc-aB", "a digit"},
		{all, "aB3daB3daB", "neither a letter nor a digit"},
		{all, "Éé3-Éé3-Éé", ""},
		{DefaultPasswordRules(), "correct horse battery staple", ""},
	} {
		err := AsError(c.rules.Check(c.password, "ann.smith", "ann@example.org"))
		switch {
		case err == nil && c.says == "":
		case err == nil || c.says == "" || !strings.Contains(err.Detail, c.says) || err.Field != "password" || err.Kind != KindInvalid:
			t.Errorf("%+v.Check(%.20q) = %v, want %q", c.rules, c.password, err, c.says)
		case len(c.password) > 3 && strings.Contains(err.Detail, c.password):
			t.Errorf("the password is told: %s", err.Detail)
		}
	}
	if err := DefaultPasswordRules().Check("somebody", "", ""); err != nil {
		t.Errorf("without a name: %v", err)
	}
}
