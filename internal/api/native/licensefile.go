package native

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// Files imports and ends signed license files.
type Files interface {
	ImportLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, text string) (seatwright.LicenseFile, error)
	DeactivateLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LicenseFileID) (seatwright.LicenseFile, error)
	LicenseFiles(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, behind seatwright.LicenseFileID, top int) ([]seatwright.LicenseFile, error)
}

// ListLicenseFiles is GET /api/v1/organizations/{org}/license-files.
func (h handlers) ListLicenseFiles(ctx context.Context, request ListLicenseFilesRequestObject) (ListLicenseFilesResponseObject, error) {
	found, err := h.files.LicenseFiles(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.LicenseFileID(request.Params.Behind), topOf(request.Params.Top))
	if err != nil {
		return nil, err
	}
	answer := ListLicenseFiles200JSONResponse{LicenseFiles: make([]wire.LicenseFile, len(found))}
	for i, f := range found {
		answer.LicenseFiles[i] = licenseFileOf(f)
	}
	return answer, nil
}

// ImportLicenseFile is POST /api/v1/organizations/{org}/license-files.
func (h handlers) ImportLicenseFile(ctx context.Context, request ImportLicenseFileRequestObject) (ImportLicenseFileResponseObject, error) {
	f, err := h.files.ImportLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.File)
	if err != nil {
		return nil, err
	}
	return ImportLicenseFile200JSONResponse(licenseFileOf(f)), nil
}

// DeactivateLicenseFile is DELETE /api/v1/organizations/{org}/license-files/{file}.
func (h handlers) DeactivateLicenseFile(ctx context.Context, request DeactivateLicenseFileRequestObject) (DeactivateLicenseFileResponseObject, error) {
	f, err := h.files.DeactivateLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.LicenseFileID(request.File))
	if err != nil {
		return nil, err
	}
	return DeactivateLicenseFile200JSONResponse(licenseFileOf(f)), nil
}

func licenseFileOf(f seatwright.LicenseFile) wire.LicenseFile {
	out := wire.LicenseFile{ID: string(f.ID), Issuer: f.Issuer, ImportedAt: f.ImportedAt, Lots: make([]string, f.Lots)}
	for i, id := range f.LotIDs() {
		out.Lots[i] = string(id)
	}
	if !f.DeactivatedAt.IsZero() {
		out.DeactivatedAt = &f.DeactivatedAt
	}
	return out
}
