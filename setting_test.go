package seatwright

import "testing"

// Promise: a secret value is in no answer of a change, new or unchanged, so that none is kept with an idempotency key; other values are
// answered, and the secret itself is kept.
func TestAnswersOfSettingsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const secret, open = SettingKey("Email.Smtp.Password"), SettingKey("Email.Smtp.Host")
	hidden, shown := "hunter2", "mail.example"
	s := staff()
	change := ChangeSettings{Organization: "o", Settings: []NewSetting{{Key: secret, Value: &hidden}, {Key: open, Value: &shown}}}
	for _, when := range []string{"new", "unchanged"} {
		answer, err := change.Decide(s, Origin{})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer) != 2 || answer[0].Key != secret || answer[0].Value != "" || answer[1].Value != shown {
			t.Errorf("%s: %+v", when, answer)
		}
		if kept := s.at("o").settings[SettingRef{Key: secret}].Value; kept != hidden {
			t.Errorf("%s: %q is kept", when, kept)
		}
	}
}
