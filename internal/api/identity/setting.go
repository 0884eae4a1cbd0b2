package identity

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// Settings is what the door needs done with settings and message templates.
type Settings interface {
	Settings(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, user string, keys []string) ([]seatwright.Setting, error)
	ChangeSettings(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, user string, settings []seatwright.NewSetting) ([]seatwright.Setting, error)
	TemplateByName(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, name string) (directory.MessageTemplate, error)
	Template(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id int64) (directory.MessageTemplate, error)
	ChangeTemplate(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id int64, value string) (directory.MessageTemplate, error)
}

// ListSettings is GET Setting.
func (h handlers) ListSettings(ctx context.Context, request ListSettingsRequestObject) (ListSettingsResponseObject, error) {
	if err := api.CheckOrganization(ctx, &request.Params.PartitionGlobalID); err != nil {
		return nil, err
	}
	settings, err := h.Settings.Settings(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.Params.UserID, request.Params.Key)
	if err != nil {
		return nil, err
	}
	return ListSettings200JSONResponse(settingsOf(settings)), nil
}

// ChangeSettings is PUT Setting.
func (h handlers) ChangeSettings(ctx context.Context, request ChangeSettingsRequestObject) (ChangeSettingsResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	wanted := make([]seatwright.NewSetting, len(request.Body.Settings))
	for i, s := range request.Body.Settings {
		wanted[i] = seatwright.NewSetting{Key: seatwright.SettingKey(s.Key), Value: s.Value}
	}
	settings, err := h.Settings.ChangeSettings(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), orEmpty(request.Body.UserID), wanted)
	if err != nil {
		return nil, err
	}
	return ChangeSettings200JSONResponse(settingsOf(settings)), nil
}

// DeleteSettings is DELETE Setting.
func (h handlers) DeleteSettings(ctx context.Context, request DeleteSettingsRequestObject) (DeleteSettingsResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	wanted := make([]seatwright.NewSetting, len(request.Body.Settings))
	for i, key := range request.Body.Settings {
		wanted[i] = seatwright.NewSetting{Key: seatwright.SettingKey(key)}
	}
	_, err := h.Settings.ChangeSettings(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), orEmpty(request.Body.UserID), wanted)
	return DeleteSettings204Response{}, err
}

// settingsOf are settings as the door shows them. A secret one has no value.
func settingsOf(settings []seatwright.Setting) []wire.SettingDto {
	answer := make([]wire.SettingDto, len(settings))
	for i, s := range settings {
		answer[i] = wire.SettingDto{
			ID: s.Number, Key: string(s.Key), PartitionGlobalID: string(s.Organization), UserID: api.OrNull(string(s.User)), Value: &s.Value,
		}
		if s.Key.Secret() {
			answer[i].Value = nil
		}
	}
	return answer
}

// GetMessageTemplateByName is GET MessageTemplate.
func (h handlers) GetMessageTemplateByName(
	ctx context.Context, request GetMessageTemplateByNameRequestObject,
) (GetMessageTemplateByNameResponseObject, error) {
	t, err := h.Settings.TemplateByName(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.Params.Name)
	if err != nil {
		return nil, err
	}
	return GetMessageTemplateByName200JSONResponse(wire.MessageTemplateDto(t)), nil
}

// GetMessageTemplate is GET MessageTemplate/{templateId}.
func (h handlers) GetMessageTemplate(ctx context.Context, request GetMessageTemplateRequestObject) (GetMessageTemplateResponseObject, error) {
	t, err := h.Settings.Template(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.TemplateID)
	if err != nil {
		return nil, err
	}
	return GetMessageTemplate200JSONResponse(wire.MessageTemplateDto(t)), nil
}

// UpdateMessageTemplate is PUT MessageTemplate/{templateId}.
func (h handlers) UpdateMessageTemplate(
	ctx context.Context, request UpdateMessageTemplateRequestObject,
) (UpdateMessageTemplateResponseObject, error) {
	if id := request.Body.ID; id != 0 && id != request.TemplateID {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the path names the template %d, the body %d", request.TemplateID, id).In("id")
	}
	if request.Body.Value == nil {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "a text is needed; an empty one brings the first text back").In("value")
	}
	t, err := h.Settings.ChangeTemplate(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.TemplateID, *request.Body.Value)
	if err != nil {
		return nil, err
	}
	return UpdateMessageTemplate200JSONResponse(wire.MessageTemplateDto(t)), nil
}
