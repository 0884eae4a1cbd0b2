package lrm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// Activation enters and ends license files. The published routes are for licenses of a vendor who is asked over the network; here
// a license is a signed file, which is brought by hand, and its code the id of the file.
type Activation interface {
	ImportLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, text string) (seatwright.LicenseFile, error)
	CheckLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, text string) error
	ActiveLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LicenseFileID) (seatwright.LicenseFile, error)
	DeactivateLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LicenseFileID) (seatwright.LicenseFile, error)
}

// done is operationStatus 0. What could not be done is a problem document.
var done = wire.LicenseActivationResponse{OperationStatus: 0}

// ActivateHostLicenseOffline is PUT of a file for the host.
func (h handlers) ActivateHostLicenseOffline(
	ctx context.Context, request ActivateHostLicenseOfflineRequestObject,
) (ActivateHostLicenseOfflineResponseObject, error) {
	if err := checkHost(request.HostAccountID); err != nil {
		return nil, err
	}
	_, err := h.activation.ImportLicense(ctx, api.CallerOf(ctx), seatwright.HostID, request.Body.ActivationData)
	return ActivateHostLicenseOffline200JSONResponse(done), err
}

// ActivateAccountLicenseOffline is PUT of a file for an organization.
func (h handlers) ActivateAccountLicenseOffline(
	ctx context.Context, request ActivateAccountLicenseOfflineRequestObject,
) (ActivateAccountLicenseOfflineResponseObject, error) {
	_, err := h.activation.ImportLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.ActivationData)
	return ActivateAccountLicenseOffline200JSONResponse(done), err
}

// ValidateLicenseOffline is PUT of a file that is only looked at. A host administrator names no organization.
func (h handlers) ValidateLicenseOffline(ctx context.Context, request ValidateLicenseOfflineRequestObject) (ValidateLicenseOfflineResponseObject, error) {
	err := h.activation.CheckLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.ActivationData)
	return ValidateLicenseOffline200JSONResponse(done), err
}

// ActivateHostLicense is PUT of a code.
func (h handlers) ActivateHostLicense(ctx context.Context, request ActivateHostLicenseRequestObject) (ActivateHostLicenseResponseObject, error) {
	if err := checkHost(request.HostAccountID); err != nil {
		return nil, err
	}
	_, err := h.activation.ActiveLicense(ctx, api.CallerOf(ctx), seatwright.HostID, seatwright.LicenseFileID(request.LicenseCode))
	return ActivateHostLicense200JSONResponse(done), err
}

// ActivateAccountLicense is PUT of a code.
func (h handlers) ActivateAccountLicense(ctx context.Context, request ActivateAccountLicenseRequestObject) (ActivateAccountLicenseResponseObject, error) {
	_, err := h.activation.ActiveLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.LicenseFileID(request.LicenseCode))
	return ActivateAccountLicense200JSONResponse(done), err
}

// DeactivateHostLicense is DELETE of a code.
func (h handlers) DeactivateHostLicense(ctx context.Context, request DeactivateHostLicenseRequestObject) (DeactivateHostLicenseResponseObject, error) {
	if err := checkHost(request.HostAccountID); err != nil {
		return nil, err
	}
	_, err := h.activation.DeactivateLicense(ctx, api.CallerOf(ctx), seatwright.HostID, seatwright.LicenseFileID(request.LicenseCode))
	return DeactivateHostLicense200JSONResponse(done), err
}

// DeactivateAccountLicense is DELETE of a code.
func (h handlers) DeactivateAccountLicense(
	ctx context.Context, request DeactivateAccountLicenseRequestObject,
) (DeactivateAccountLicenseResponseObject, error) {
	_, err := h.activation.DeactivateLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.LicenseFileID(request.LicenseCode))
	return DeactivateAccountLicense200JSONResponse(done), err
}

// DeactivateHostLicenseOffline is DELETE of a code, with something to send to the vendor.
func (h handlers) DeactivateHostLicenseOffline(
	ctx context.Context, request DeactivateHostLicenseOfflineRequestObject,
) (DeactivateHostLicenseOfflineResponseObject, error) {
	if err := checkHost(request.HostAccountID); err != nil {
		return nil, err
	}
	answer, err := h.deactivateOffline(ctx, seatwright.HostID, request.LicenseCode)
	return DeactivateHostLicenseOffline200JSONResponse(answer), err
}

// DeactivateAccountLicenseOffline is DELETE of a code, with something to send to the vendor.
func (h handlers) DeactivateAccountLicenseOffline(
	ctx context.Context, request DeactivateAccountLicenseOfflineRequestObject,
) (DeactivateAccountLicenseOfflineResponseObject, error) {
	answer, err := h.deactivateOffline(ctx, api.OrganizationOf(ctx).ID, request.LicenseCode)
	return DeactivateAccountLicenseOffline200JSONResponse(answer), err
}

func (h handlers) deactivateOffline(ctx context.Context, organization seatwright.OrganizationID, code string) (wire.LicenseActivationRequest, error) {
	file, err := h.activation.DeactivateLicense(ctx, api.CallerOf(ctx), organization, seatwright.LicenseFileID(code))
	if err != nil {
		return wire.LicenseActivationRequest{}, err
	}
	return requestFor(vendorRequest{AccountID: string(organization), LicenseCode: string(file.ID), DeactivatedAt: file.DeactivatedAt})
}

// GetHostActivationRequest is GET.
func (h handlers) GetHostActivationRequest(
	_ context.Context, request GetHostActivationRequestRequestObject,
) (GetHostActivationRequestResponseObject, error) {
	if err := checkHost(request.HostAccountID); err != nil {
		return nil, err
	}
	answer, err := requestFor(vendorRequest{AccountID: string(seatwright.HostID), LicenseCode: request.Params.LicenseCode})
	return GetHostActivationRequest200JSONResponse(answer), err
}

// GetAccountActivationRequest is GET.
func (h handlers) GetAccountActivationRequest(
	ctx context.Context, request GetAccountActivationRequestRequestObject,
) (GetAccountActivationRequestResponseObject, error) {
	answer, err := requestFor(vendorRequest{AccountID: string(api.OrganizationOf(ctx).ID), LicenseCode: request.Params.LicenseCode})
	return GetAccountActivationRequest200JSONResponse(answer), err
}

// vendorRequest is what a vendor has to know: accountId is to be the audience of the file.
type vendorRequest struct {
	AccountID     string    `json:"accountId"`
	LicenseCode   string    `json:"licenseCode"`
	DeactivatedAt time.Time `json:"deactivatedAt,omitzero"`
}

func requestFor(r vendorRequest) (wire.LicenseActivationRequest, error) {
	if _, err := seatwright.CanonicalID(r.LicenseCode); err != nil {
		return wire.LicenseActivationRequest{}, seatwright.AsError(err).In("licenseCode")
	}
	text, err := json.Marshal(r)
	return wire.LicenseActivationRequest{ActivationRequest: base64.StdEncoding.EncodeToString(text)}, err
}
