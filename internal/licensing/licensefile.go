package licensing

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/licensefile"
)

// Files are the use cases of signed license files. They are safe for concurrent use.
type Files struct {
	reader  seatwright.LicenseReader
	ledger  *ledger.Ledger
	issuers *licensefile.Issuers
	now     func() time.Time
}

// NewFiles makes the use cases over a reader and the ledger of the same store, for files of some issuers. The clock is for looking
// at files alone: whether one may be imported is decided by that of the store.
func NewFiles(reader seatwright.LicenseReader, ledger *ledger.Ledger, issuers *licensefile.Issuers, now func() time.Time) *Files {
	return &Files{reader: reader, ledger: ledger, issuers: issuers, now: now}
}

// ImportLicense enters the purchases of a license file for the account that it was made for, which has to be the organization. The
// same file once more changes nothing. Errors: those of licensefile.Issuers.Read and of seatwright.ImportLicense;
// invalid/foreign_license_file; invalid/impossible_license_file.
func (f *Files) ImportLicense(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, text string,
) (seatwright.LicenseFile, error) {
	if err := caller.Principal.Check(seatwright.PermissionImportLicenses); err != nil {
		return seatwright.LicenseFile{}, err
	}
	command, err := f.read(organization, text)
	if err != nil {
		return seatwright.LicenseFile{}, err
	}
	file, err := ledger.Submit(ctx, f.ledger, caller.Origin(), command)
	return aligned(ctx, f.reader, f.ledger, organization, file, err)
}

// CheckLicense says why a license file would be refused, without importing it, as far as that can be told from the file alone. An
// empty organization stands for whichever the file was made for.
func (f *Files) CheckLicense(_ context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, text string) error {
	if err := caller.Principal.Check(seatwright.PermissionImportLicenses); err != nil {
		return err
	}
	command, err := f.read(organization, text)
	if err != nil {
		return err
	}
	if !f.now().Before(command.ExpiresAt) {
		return seatwright.Invalid(seatwright.ReasonExpiredFile, "the license file could be imported until %s", command.ExpiresAt.Format(time.RFC3339)).In("file")
	}
	return nil
}

// read verifies a file and makes the command that imports it.
func (f *Files) read(organization seatwright.OrganizationID, text string) (seatwright.ImportLicense, error) {
	file, hash, err := f.issuers.Read(text)
	if err != nil {
		return seatwright.ImportLicense{}, err
	}
	if organization != "" && file.Audience != string(organization) {
		return seatwright.ImportLicense{}, seatwright.Invalid(seatwright.ReasonForeignFile,
			"the license file was made for the account %s, and this one is %s", file.Audience, organization).In("file")
	}
	command := seatwright.ImportLicense{
		Organization: organization, ID: seatwright.LicenseFileID(file.ID), Issuer: file.Issuer, Hash: hash, ExpiresAt: file.ExpiresAt,
	}
	if command.Lots, err = file.Purchases(); err != nil {
		return command, seatwright.Invalid(seatwright.ReasonImpossibleFile, "%s", seatwright.AsError(err).Detail).In("file")
	}
	return command, nil
}

// DeactivateLicense ends the purchases of a license file now; see seatwright.DeactivateLicense.
func (f *Files) DeactivateLicense(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LicenseFileID,
) (seatwright.LicenseFile, error) {
	if err := caller.Principal.Check(seatwright.PermissionImportLicenses); err != nil {
		return seatwright.LicenseFile{}, err
	}
	canonical, err := seatwright.CanonicalID(string(id))
	if err != nil {
		return seatwright.LicenseFile{}, err
	}
	command := seatwright.DeactivateLicense{Organization: organization, ID: seatwright.LicenseFileID(canonical)}
	file, err := ledger.Submit(ctx, f.ledger, caller.Origin(), command)
	return aligned(ctx, f.reader, f.ledger, organization, file, err)
}

// ActiveLicense finds a license file that was imported and is active. Errors: conflict/deactivated_license_file;
// invalid/no_online_activation for one that was not imported: there is no vendor who could be asked for it.
func (f *Files) ActiveLicense(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LicenseFileID,
) (seatwright.LicenseFile, error) {
	if err := caller.Principal.Check(seatwright.PermissionImportLicenses); err != nil {
		return seatwright.LicenseFile{}, err
	}
	canonical, err := seatwright.CanonicalID(string(id))
	if err != nil {
		return seatwright.LicenseFile{}, err
	}
	file, err := f.reader.LicenseFile(ctx, organization, seatwright.LicenseFileID(canonical))
	switch {
	case seatwright.IsKind(err, seatwright.KindNotFound):
		return file, seatwright.Invalid(seatwright.ReasonNoActivation,
			"the license %s was not entered here, and no vendor can be asked over the network: send the activation request to the vendor and enter the license file that comes back",
			canonical)
	case err == nil && !file.DeactivatedAt.IsZero():
		return file, seatwright.NewError(seatwright.KindConflict, seatwright.ReasonDeactivatedFile, "the license file %s was deactivated", canonical)
	}
	return file, err
}

// MaxLicenseFiles is how many license files are answered at once.
const MaxLicenseFiles = 1000

// LicenseFiles lists the license files that were imported into an organization, in the order of their ids: at most top of them, 1 to
// MaxLicenseFiles, behind an id.
func (f *Files) LicenseFiles(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, behind seatwright.LicenseFileID, top int,
) ([]seatwright.LicenseFile, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadPurchases); err != nil {
		return nil, err
	}
	if top < 1 || top > MaxLicenseFiles {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "top is 1 to %d", MaxLicenseFiles).In("top")
	}
	return f.reader.LicenseFiles(ctx, organization, behind, top)
}
