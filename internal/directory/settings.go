package directory

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Settings is the use cases of settings and message templates. It is safe for concurrent use.
type Settings struct {
	reader Reader
	ledger *ledger.Ledger
}

// NewSettings makes the use cases over a reader and the ledger of the same store.
func NewSettings(reader Reader, ledger *ledger.Ledger) *Settings {
	return &Settings{reader: reader, ledger: ledger}
}

// maxSettingsShown is how many settings are shown at once, where no keys are named. A handful is what there is.
const maxSettingsShown = 500

// Settings lists the settings of an organization, or of one of its people where user is not empty: those of the given keys, or
// all where there are none. Secret ones come without their value.
func (s *Settings) Settings(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, user string, keys []string,
) ([]seatwright.Setting, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadSettings); err != nil {
		return nil, err
	}
	id, err := optionalUser(user)
	if err != nil {
		return nil, err
	}
	wanted, err := settingKeys(keys, "key")
	if err != nil {
		return nil, err
	}
	if id != "" {
		if _, err := s.reader.User(ctx, organization.ID, id); err != nil {
			return nil, err
		}
	}
	settings, err := s.reader.Settings(ctx, organization.ID, id, wanted, maxSettingsShown+1)
	if len(settings) > maxSettingsShown {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "there are more than %d settings: name the keys", maxSettingsShown).In("key")
	}
	for i, setting := range settings {
		settings[i] = setting.WithoutSecret()
	}
	return settings, err
}

// optionalUser reads the id of a person that may be left out.
func optionalUser(id string) (seatwright.UserID, error) {
	if id == "" {
		return "", nil
	}
	return userID(id)
}

// settingKeys reads a list of keys as it comes in a request.
func settingKeys(raw []string, field string) ([]seatwright.SettingKey, error) {
	if len(raw) > seatwright.MaxSettingsPerCall {
		return nil, tooManySettings(len(raw), field)
	}
	keys := make([]seatwright.SettingKey, len(raw))
	for i, key := range raw {
		if !seatwright.IsSettingKey(key) {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "a key is 1 to %d letters, digits and . _ : -", seatwright.MaxIDLength).In(field)
		}
		keys[i] = seatwright.SettingKey(key)
	}
	return keys, nil
}

func tooManySettings(n int, field string) error {
	return seatwright.Invalid(seatwright.ReasonTooMany, "at most %d settings in one call, not %d", seatwright.MaxSettingsPerCall, n).In(field)
}

// ChangeSettings sets settings of an organization, or of one of its people; those without a value are removed. It answers the
// settings as they are now, secret ones without their value.
func (s *Settings) ChangeSettings(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, user string, settings []seatwright.NewSetting,
) ([]seatwright.Setting, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteSettings); err != nil {
		return nil, err
	}
	id, err := optionalUser(user)
	if err != nil {
		return nil, err
	}
	if len(settings) == 0 {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "at least one setting is needed").In("settings")
	}
	if len(settings) > seatwright.MaxSettingsPerCall { // before they are compared with each other
		return nil, tooManySettings(len(settings), "settings")
	}
	var keys []string
	for _, setting := range settings {
		if slices.Contains(keys, string(setting.Key)) {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the setting %s is there twice", setting.Key).In("settings")
		}
		keys = append(keys, string(setting.Key))
		if setting.Value == nil {
			continue
		}
		if value := *setting.Value; len(value) > seatwright.MaxSettingValue || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "a value is text of at most %d bytes", seatwright.MaxSettingValue).In("settings")
		}
		if setting.Key == seatwright.SettingPasswordComplexity {
			if _, err := seatwright.ReadPasswordRules(*setting.Value); err != nil {
				return nil, seatwright.AsError(err).In("settings")
			}
		}
	}
	if _, err := settingKeys(keys, "settings"); err != nil {
		return nil, err
	}
	return ledger.Submit(ctx, s.ledger, caller.Origin(), seatwright.ChangeSettings{Organization: organization.ID, User: id, Settings: settings})
}

// passwordRules are what an organization asks of new passwords.
func passwordRules(ctx context.Context, reader seatwright.SettingReader, organization seatwright.OrganizationID) (seatwright.PasswordRules, error) {
	said, err := reader.Settings(ctx, organization, "", []seatwright.SettingKey{seatwright.SettingPasswordComplexity}, 1)
	if err != nil || len(said) == 0 {
		return seatwright.DefaultPasswordRules(), err
	}
	return seatwright.ReadPasswordRules(said[0].Value)
}

// MessageTemplate is the text of a message to people. Nothing is sent yet.
type MessageTemplate struct {
	ID    int64
	Name  string
	Value string
}

// templates are the messages that there are, with their texts where an organization has none of its own.
var templates = []MessageTemplate{
	{1, "UserInvitation", "Hello {{displayName}},\n\nyou have been invited to {{organization}}. Sign in at {{url}}.\n"},
	{2, "PasswordReset", "Hello {{displayName}},\n\nyour password for {{organization}} was reset. Sign in at {{url}}.\n"},
	{3, "LicenseExpiry", "Hello {{displayName}},\n\n{{quantity}} units of {{bundle}} of {{organization}} end on {{end}}.\n"},
}

// key is the setting that holds an organization's own text.
func (t MessageTemplate) key() seatwright.SettingKey {
	return seatwright.SettingKey("MessageTemplate." + t.Name)
}

// TemplateByName finds a template by name, without regard to letter case.
func (s *Settings) TemplateByName(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, name string,
) (MessageTemplate, error) {
	return s.template(ctx, caller, organization, func(t MessageTemplate) bool { return strings.EqualFold(t.Name, name) })
}

// Template finds a template by its number.
func (s *Settings) Template(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id int64,
) (MessageTemplate, error) {
	return s.template(ctx, caller, organization, func(t MessageTemplate) bool { return t.ID == id })
}

func (s *Settings) template(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, is func(MessageTemplate) bool,
) (MessageTemplate, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadTemplates); err != nil {
		return MessageTemplate{}, err
	}
	t, err := lookUpTemplate(is)
	if err != nil {
		return t, err
	}
	own, err := s.reader.Settings(ctx, organization.ID, "", []seatwright.SettingKey{t.key()}, 1)
	if len(own) > 0 && own[0].Value != "" {
		t.Value = own[0].Value
	}
	return t, err
}

func lookUpTemplate(is func(MessageTemplate) bool) (MessageTemplate, error) {
	i := slices.IndexFunc(templates, is)
	if i < 0 {
		return MessageTemplate{}, seatwright.NotFound(seatwright.ReasonNotFound, "there is no such message template")
	}
	return templates[i], nil
}

// ChangeTemplate gives a template another text; an empty one brings the first text back.
func (s *Settings) ChangeTemplate(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id int64, value string,
) (MessageTemplate, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteTemplates); err != nil {
		return MessageTemplate{}, err
	}
	t, err := lookUpTemplate(func(t MessageTemplate) bool { return t.ID == id })
	if err != nil {
		return t, err
	}
	if len(value) > seatwright.MaxSettingValue || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return t, seatwright.Invalid(seatwright.ReasonInvalidValue, "the text has at most %d bytes", seatwright.MaxSettingValue).In("value")
	}
	change := seatwright.NewSetting{Key: t.key()}
	if value != "" {
		change.Value, t.Value = &value, value
	}
	_, err = ledger.Submit(ctx, s.ledger, caller.Origin(), seatwright.ChangeSettings{Organization: organization.ID, Settings: []seatwright.NewSetting{change}})
	return t, err
}
