package postgres

import (
	"context"
	"errors"

	"github.com/seatwright/seatwright"
)

// License files: what a batch loads and writes of them, and what readers ask.

// licenseFileColumns are what licenseFileOf reads, in its order.
const licenseFileColumns = `f.id, f.issuer, f.sha256, f.lots, f.imported_at, f.deactivated_at`

func licenseFileOf(organization seatwright.OrganizationID, r row) seatwright.LicenseFile {
	return seatwright.LicenseFile{
		Organization: organization, ID: seatwright.LicenseFileID(r.text(0)), Issuer: r.text(1), Hash: r.bytes(2), Lots: r.int(3), ImportedAt: r.instant(4),
		DeactivatedAt: r.instantOrNever(5),
	}
}

var (
	loadLicenseFiles = newStatement(`SELECT `+licenseFileColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN license_files f ON f.organization = w.organization AND f.id = w.id`, oidInt4, oidText)
	putLicenseFiles = newStatement(`INSERT INTO license_files (organization, id, issuer, sha256, lots, imported_at, deactivated_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::bytea[], $5::int8[], $6::int8[], $7::int8[])
		ON CONFLICT (organization, id) DO UPDATE SET deactivated_at = excluded.deactivated_at`,
		oidInt4, oidText, oidText, oidBytea, oidInt8, oidInt8, oidInt8)
)

// loadLicenseFiles reads the wanted license files, if there are any.
func (b *batch) loadLicenseFiles() error {
	var wanted []seatwright.LicenseFile
	for i := range b.places {
		p := &b.places[i]
		for _, id := range p.LicenseFiles {
			wanted = append(wanted, seatwright.LicenseFile{Organization: p.Organization, ID: id})
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	o.rows(loadLicenseFiles, len(wanted), func(i int, to []*array) {
		to[0].int4(o.number(wanted[i].Organization))
		to[1].text(string(wanted[i].ID))
	})
	if err := o.flush(loadTime); err != nil {
		return err
	}
	err := o.each(func(r row) { b.slice.LoadLicenseFile(licenseFileOf(wanted[r.int(6)-1].Organization, r)) })
	return errors.Join(err, o.end())
}

func (o *output) licenseFiles(c seatwright.Changes) {
	o.rows(putLicenseFiles, len(c.LicenseFiles), func(i int, to []*array) {
		f := &c.LicenseFiles[i]
		to[0].int4(o.number(f.Organization))
		to[1].text(string(f.ID))
		to[2].text(f.Issuer)
		to[3].bytes(f.Hash)
		to[4].int8(f.Lots)
		to[5].instant(f.ImportedAt)
		to[6].instantOrNever(f.DeactivatedAt)
	})
}

// LicenseFiles implements seatwright.LicenseReader.
func (s *Store) LicenseFiles(
	ctx context.Context, organization seatwright.OrganizationID, behind seatwright.LicenseFileID, most int,
) (files []seatwright.LicenseFile, err error) {
	err = s.each(ctx, func(r row) { files = append(files, licenseFileOf(organization, r)) }, `SELECT `+licenseFileColumns+`
		FROM license_files f WHERE f.organization = `+numberOf+` AND f.id > $2 ORDER BY f.id LIMIT $3`,
		string(organization), string(behind), int64(most))
	return files, err
}

// LicenseFile implements seatwright.LicenseReader.
func (s *Store) LicenseFile(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.LicenseFileID,
) (file seatwright.LicenseFile, err error) {
	err = s.one(ctx, seatwright.MissingLicenseFile(), func(r row) { file = licenseFileOf(organization, r) }, `SELECT `+licenseFileColumns+`
		FROM license_files f WHERE f.organization = `+numberOf+` AND f.id = $2`, string(organization), string(id))
	return file, err
}
