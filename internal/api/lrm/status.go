package lrm

import (
	"context"

	"github.com/seatwright/seatwright/internal/api"
)

// GetUserLicensingStatus is GET user-license/status.
func (h handlers) GetUserLicensingStatus(ctx context.Context, _ GetUserLicensingStatusRequestObject) (GetUserLicensingStatusResponseObject, error) {
	enabled, err := h.licensing.UserLicensing(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return GetUserLicensingStatus200JSONResponse{Enabled: enabled}, err
}

// SetUserLicensingStatus is PUT user-license/status.
func (h handlers) SetUserLicensingStatus(ctx context.Context, request SetUserLicensingStatusRequestObject) (SetUserLicensingStatusResponseObject, error) {
	enabled, err := h.licensing.SetUserLicensing(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Params.EnableUserLicensing)
	return SetUserLicensingStatus200JSONResponse{Enabled: enabled}, err
}
