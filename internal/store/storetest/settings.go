package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// Guards settings of organizations and of people: what is stored, that numbers stay, that nothing writes nothing, and that a
// person's go with them.
func keepsSettings(f *fixture) {
	f.organization("a", 2, 0)
	f.organization("b", 1, 0)
	change := func(org, user string, pairs ...string) ([]seatwright.Setting, error) {
		c := seatwright.ChangeSettings{Organization: seatwright.OrganizationID(org), User: seatwright.UserID(user)}
		for i := 0; i < len(pairs); i += 2 {
			setting := seatwright.NewSetting{Key: seatwright.SettingKey(pairs[i])}
			if pairs[i+1] != "nil" {
				setting.Value = &pairs[i+1]
			}
			c.Settings = append(c.Settings, setting)
		}
		f.clock.advance(time.Second)
		return decide(f, c)
	}
	want := func(org, user string, keys []seatwright.SettingKey, pairs ...string) {
		f.Helper()
		settings, err := f.store.Settings(ctx, seatwright.OrganizationID(org), seatwright.UserID(user), keys, 1000)
		f.must(nil, err)
		var got []string
		for _, s := range settings {
			if s.User != seatwright.UserID(user) || string(s.Organization) != org || s.Number == 0 || s.ModifiedAt.IsZero() {
				f.Fatalf("the setting is %+v", s)
			}
			got = append(got, string(s.Key), s.Value)
		}
		if !slices.Equal(got, pairs) {
			f.Fatalf("the settings of %s %s are %v, want %v", org, user, got, pairs)
		}
	}
	first, err := change("a", "", "Mail.Server", "one", "Auth.Length", "8")
	f.must(nil, err)
	f.must(change("a", "u-1", "Language", "de"))
	f.must(change("b", "", "Mail.Server", "other"))
	f.must(change("b", "u-1", "Language", "fr"))
	want("a", "", nil, "Auth.Length", "8", "Mail.Server", "one")
	want("a", "", []seatwright.SettingKey{"Mail.Server", "Mail.Port"}, "Mail.Server", "one")
	want("a", "u-1", nil, "Language", "de")
	want("b", "", nil, "Mail.Server", "other")
	want("none", "", nil)

	before := len(f.events("a"))
	second, err := change("a", "", "Mail.Server", "two", "Auth.Length", "8", "Gone", "nil")
	f.must(nil, err)
	if len(f.events("a")) != before+1 || len(second) != 2 || second[0].Number != first[0].Number || second[0].Value != "two" || second[1] != first[1] {
		f.Fatalf("%+v became %+v", first, second)
	}
	f.must(change("a", "", "Mail.Server", "nil"))
	want("a", "", nil, "Auth.Length", "8")
	again, err := change("a", "", "Mail.Server", "three")
	f.must(nil, err)
	if again[0].Number == first[0].Number {
		f.Fatal("a setting that was removed came back under its old number")
	}
	_, err = change("a", "u-9", "Language", "de")
	f.wantReason(err, seatwright.ReasonNotFound)
	_, err = change("none", "", "Language", "de")
	f.wantReason(err, seatwright.ReasonOrganizationNotFound)
	for _, e := range f.events("a") {
		if strings.Contains(string(e.Data), "three") {
			f.Fatalf("an event has a value: %s", e.Data)
		}
	}
	f.must(decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}}))
	want("a", "u-1", nil)
	want("b", "u-1", nil, "Language", "fr")
	_, err = seatwright.Replay(f.events("a"))
	f.must(nil, err)
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("Key.%03d", i), fmt.Sprint(i))
	}
	f.must(change("b", "", many...))
}
