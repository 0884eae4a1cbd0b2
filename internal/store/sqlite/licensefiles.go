package sqlite

import (
	"context"

	"github.com/seatwright/seatwright"
)

// License files: what a batch loads and writes of them, and what readers ask.

// columnsOfLicenseFile are what licenseFileOf reads, in its order.
const columnsOfLicenseFile = `f.id, f.issuer, f.sha256, f.lots, f.imported_at, f.deactivated_at`

func licenseFileOf(organization seatwright.OrganizationID, r row) seatwright.LicenseFile {
	return seatwright.LicenseFile{
		Organization: organization, ID: seatwright.LicenseFileID(r.text(0)), Issuer: r.text(1), Hash: r.bytes(2), Lots: r.int(3), ImportedAt: r.instant(4),
		DeactivatedAt: r.instantOrNever(5),
	}
}

// loadLicenseFiles reads the wanted license files.
func (w *writer) loadLicenseFiles(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		for _, id := range t.LicenseFiles {
			err := w.each(func(r row) { slice.LoadLicenseFile(licenseFileOf(t.Organization, r)) }, `SELECT `+columnsOfLicenseFile+`
				FROM license_files f WHERE f.organization = ? AND f.id = ?`, known.number, string(id))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) putLicenseFiles(c seatwright.Changes) error {
	for _, f := range c.LicenseFiles {
		err := w.exec(`INSERT INTO license_files (organization, id, issuer, sha256, lots, imported_at, deactivated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (organization, id) DO UPDATE SET deactivated_at = excluded.deactivated_at`, w.numberOf(f.Organization), string(f.ID), f.Issuer,
			f.Hash, f.Lots, f.ImportedAt.UnixMicro(), microsOrNever(f.DeactivatedAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// LicenseFiles implements seatwright.LicenseReader.
func (s *Store) LicenseFiles(
	ctx context.Context, organization seatwright.OrganizationID, behind seatwright.LicenseFileID, most int,
) (files []seatwright.LicenseFile, err error) {
	err = s.each(ctx, func(r row) { files = append(files, licenseFileOf(organization, r)) }, `SELECT `+columnsOfLicenseFile+`
		FROM organizations o CROSS JOIN license_files f ON f.organization = o.number WHERE o.id = ? AND f.id > ? ORDER BY f.id LIMIT ?`,
		string(organization), string(behind), most)
	return files, err
}

// LicenseFile implements seatwright.LicenseReader.
func (s *Store) LicenseFile(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.LicenseFileID,
) (file seatwright.LicenseFile, err error) {
	err = s.one(ctx, seatwright.MissingLicenseFile(), func(r row) { file = licenseFileOf(organization, r) }, `SELECT `+columnsOfLicenseFile+`
		FROM organizations o CROSS JOIN license_files f ON f.organization = o.number WHERE o.id = ? AND f.id = ?`, string(organization), string(id))
	return file, err
}
