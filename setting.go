package seatwright

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// SettingKey names a setting, such as "Auth.Password.PasswordComplexity". Keys are compared exactly.
type SettingKey string

// Setting is one setting of an organization, or of one of its people. What a setting does not say is decided by whoever asks
// for it; a key that nobody asks for is kept all the same.
type Setting struct {
	Organization OrganizationID
	User         UserID // empty: of the organization
	Key          SettingKey
	Number       int64 // unique in the organization, from 1; it stays when the value changes
	Value        string
	ModifiedAt   time.Time
}

// WithoutSecret is the setting as it may be shown: a secret one has no value.
func (s Setting) WithoutSecret() Setting {
	if s.Key.Secret() {
		s.Value = ""
	}
	return s
}

// SettingRef names a setting within its organization.
type SettingRef struct {
	User UserID
	Key  SettingKey
}

// The bounds of settings.
const (
	MaxSettingsPerCall = 100
	MaxSettingValue    = 8 << 10 // bytes
)

// IsSettingKey reports whether a text can be a key. A key is the subject of events, which cannot be erased: there is no room in it
// for a name or an address.
func IsSettingKey(key string) bool {
	for i := range len(key) {
		if !idByte(key[i]) || key[i] == '@' || key[i] == '|' {
			return false
		}
	}
	return key != "" && len(key) <= MaxIDLength
}

// Secret reports that the value is for the server only: it is never shown again. The rules about passwords are none.
func (k SettingKey) Secret() bool {
	lower := strings.ToLower(string(k))
	if strings.HasPrefix(lower, "auth.password.") {
		return false
	}
	name := lower[strings.LastIndexByte(lower, '.')+1:]
	return slices.ContainsFunc([]string{"password", "secret", "token", "apikey", "connectionstring"}, func(word string) bool { return strings.Contains(name, word) })
}

// SettingChange is the data of EventSettingChanged. Values are left out: some are secret, and people must be erasable.
type SettingChange struct {
	User    UserID `json:"user,omitempty"`
	Removed bool   `json:"removed,omitempty"`
}

// NewSetting is one setting as it shall be.
type NewSetting struct {
	Key   SettingKey
	Value *string // nil: the setting is removed
}

// ChangeSettings sets and removes settings of an organization, or of one of its people: all of them or none. Errors:
// not_found/organization_not_found, not_found/not_found for a person who does not exist.
type ChangeSettings struct {
	Organization OrganizationID
	User         UserID       // empty: of the organization
	Settings     []NewSetting // no key twice
}

func (c ChangeSettings) Operation() string { return "settings.change" }

func (c ChangeSettings) Touches() []Touch {
	t := Touch{Organization: c.Organization}
	if c.User != "" {
		t.Users = []UserID{c.User}
	}
	for _, s := range c.Settings {
		t.Settings = append(t.Settings, SettingRef{c.User, s.Key})
	}
	return []Touch{t}
}

func (c ChangeSettings) Weight() int { return 1 + len(c.Settings) }

// Decide answers the settings as they are now, in the order of the command; removed ones are left out, and so are secret values:
// an answer is kept for a day with its idempotency key. What stays as it is writes nothing.
func (c ChangeSettings) Decide(s *Slice, origin Origin) ([]Setting, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return nil, err
	}
	if _, exists := o.users[c.User]; c.User != "" && !exists {
		return nil, MissingUser()
	}
	answer := make([]Setting, 0, len(c.Settings))
	for _, wanted := range c.Settings {
		ref := SettingRef{c.User, wanted.Key}
		now, exists := o.settings[ref]
		change := SettingChange{User: c.User}
		switch {
		case wanted.Value == nil && !exists:
			continue
		case wanted.Value == nil:
			o.removeSetting(ref)
			change.Removed = true
		case exists && now.Value == *wanted.Value:
			answer = append(answer, now.WithoutSecret())
			continue
		default:
			if !exists {
				now = Setting{Organization: c.Organization, User: c.User, Key: wanted.Key, Number: o.head.Sequence + 1} // of the event that makes it
			}
			now.Value, now.ModifiedAt = *wanted.Value, o.now
			o.putSetting(now)
			answer = append(answer, now.WithoutSecret())
		}
		if err := s.record(o, origin, EventSettingChanged, string(wanted.Key), change); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// settingSlice is what a slice knows of settings.
type settingSlice struct {
	settings        map[SettingRef]Setting
	changedSettings map[SettingRef]bool // true: there was a row when the slice was loaded
}

func (o *settingSlice) prepareSettings() *settingSlice {
	if o.settings == nil {
		*o = settingSlice{map[SettingRef]Setting{}, map[SettingRef]bool{}}
	}
	return o
}

// LoadSetting adds a setting.
func (s *Slice) LoadSetting(setting Setting) {
	s.at(setting.Organization).prepareSettings().settings[SettingRef{setting.User, setting.Key}] = setting
}

func (o *settingSlice) putSetting(s Setting) {
	ref := SettingRef{s.User, s.Key}
	note(o.prepareSettings().changedSettings, o.settings, ref)
	o.settings[ref] = s
}

func (o *settingSlice) removeSetting(ref SettingRef) {
	note(o.prepareSettings().changedSettings, o.settings, ref)
	delete(o.settings, ref)
}

// forgetSettings drops the settings that go with a person.
func (o *settingSlice) forgetSettings(user UserID) {
	maps.DeleteFunc(o.settings, func(ref SettingRef, _ Setting) bool { return ref.User == user })
	maps.DeleteFunc(o.changedSettings, func(ref SettingRef, _ bool) bool { return ref.User == user })
}

// addSettings lists what the batch changed of settings.
func (c *Changes) addSettings(id OrganizationID, o *organizationSlice) {
	refs := make([]SettingRef, 0, len(o.changedSettings))
	for ref := range o.changedSettings {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b SettingRef) int {
		return strings.Compare(string(a.User)+"\x00"+string(a.Key), string(b.User)+"\x00"+string(b.Key))
	})
	for _, ref := range refs {
		if s, stays := o.settings[ref]; stays {
			c.Settings = append(c.Settings, s)
		} else if o.changedSettings[ref] {
			c.RemovedSettings = append(c.RemovedSettings, Setting{Organization: id, User: ref.User, Key: ref.Key})
		}
	}
}

// The settings of an organization that say how its people sign in.
const (
	SettingPasswordGrant SettingKey = "Auth.PasswordGrant.IsEnabled" // "false": applications get no token for a user name and a password
	SettingROPC          SettingKey = "Auth.Ropc.IsEnabled"          // "false": nor does the authenticate login

	// The identity provider that the organization trusts. Without issuer and audience there is none.
	SettingExternalIssuer        SettingKey = "Auth.External.Issuer"        // an https URL
	SettingExternalAudience      SettingKey = "Auth.External.Audience"      // what its tokens have to be made for
	SettingExternalUserNameClaim SettingKey = "Auth.External.UserNameClaim" // the claim that is the user name; else preferred_username
	SettingExternalEmailClaim    SettingKey = "Auth.External.EmailClaim"    // else email
	SettingExternalNameClaim     SettingKey = "Auth.External.NameClaim"     // else name
	SettingExternalCreateUsers   SettingKey = "Auth.External.CreateUsers"   // "true": whoever is not known yet is created, as a member
)

// SettingsOfExternalProvider lists the settings that name the trusted identity provider.
func SettingsOfExternalProvider() []SettingKey {
	return []SettingKey{
		SettingExternalIssuer, SettingExternalAudience, SettingExternalUserNameClaim, SettingExternalEmailClaim, SettingExternalNameClaim,
		SettingExternalCreateUsers,
	}
}
