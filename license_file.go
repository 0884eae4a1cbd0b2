package seatwright

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// LicenseFileID names a license file, unique within its organization.
type LicenseFileID string

// LicenseFile is a signed file whose purchases were entered, once.
type LicenseFile struct {
	Organization  OrganizationID
	ID            LicenseFileID
	Issuer        string // who has signed it
	Hash          []byte // SHA-256 of its text
	Lots          int64  // how many purchases it has
	ImportedAt    time.Time
	DeactivatedAt time.Time // when its purchases were ended; zero: they were not
}

// LotID is the id of the n-th purchase of the file, from 1.
func (f LicenseFile) LotID(n int64) LotID { return LotID(fmt.Sprintf("%s:%d", f.ID, n)) }

// LotIDs are the ids of all its purchases.
func (f LicenseFile) LotIDs() []LotID {
	ids := make([]LotID, f.Lots)
	for i := range ids {
		ids[i] = f.LotID(int64(i) + 1)
	}
	return ids
}

// LicenseImported is the data of an [EventLicenseImported]; its purchases have events of their own, which follow.
type LicenseImported struct {
	Issuer string `json:"issuer"`
	SHA256 string `json:"sha256"` // in hexadecimal
	Lots   int64  `json:"lots"`
}

type licenseFileSlice struct {
	licenseFiles map[LicenseFileID]LicenseFile
	changedFiles map[LicenseFileID]bool
}

// LoadLicenseFile adds a license file that was imported.
func (s *Slice) LoadLicenseFile(f LicenseFile) { put(&s.at(f.Organization).licenseFiles, f.ID, f) }

func (o *organizationSlice) putLicenseFile(f LicenseFile) {
	put(&o.licenseFiles, f.ID, f)
	put(&o.changedFiles, f.ID, true)
}

func (c *Changes) addLicenseFiles(o *organizationSlice) {
	for _, id := range sortedKeys(o.changedFiles) {
		c.LicenseFiles = append(c.LicenseFiles, o.licenseFiles[id])
	}
}

// ImportLicense enters all purchases of a license file whose signature was found good, or none. A file that was imported before
// changes nothing, whether it may still be imported or not. Errors: not_found/organization_not_found; conflict/another_license_file;
// conflict/deactivated_license_file; invalid/expired_license_file; invalid/impossible_license_file for an unknown product, for a
// purchase whose id is in use, and where [CreateLot] would be refused.
type ImportLicense struct {
	Organization OrganizationID
	ID           LicenseFileID
	Issuer       string
	Hash         []byte    // SHA-256 of its text
	ExpiresAt    time.Time // the first instant at which it can no longer be imported
	Lots         []Lot     // at least one; organization, id and CreatedAt are not part of them
}

func (c ImportLicense) file() LicenseFile {
	return LicenseFile{Organization: c.Organization, ID: c.ID, Issuer: c.Issuer, Hash: c.Hash, Lots: int64(len(c.Lots))}
}

func (c ImportLicense) Operation() string { return "license.import" }

func (c ImportLicense) Touches() []Touch {
	t := Touch{Organization: c.Organization, Lots: true, LicenseFiles: []LicenseFileID{c.ID}, LotIDs: c.file().LotIDs()}
	for _, lot := range c.Lots {
		t.Codes = append(t.Codes, lot.Code)
	}
	return []Touch{t}
}

func (c ImportLicense) Weight() int { return max(1, len(c.Lots)) }

// Decide answers the file as it is stored.
func (c ImportLicense) Decide(s *Slice, origin Origin) (LicenseFile, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return LicenseFile{}, err
	}
	if known, imported := o.licenseFiles[c.ID]; imported {
		switch {
		case string(known.Hash) != string(c.Hash):
			return LicenseFile{}, NewError(KindConflict, ReasonAnotherFile, "another license file of the id %s was imported", c.ID).In("file")
		case !known.DeactivatedAt.IsZero():
			return LicenseFile{}, NewError(KindConflict, ReasonDeactivatedFile, "the license file %s was deactivated", c.ID).In("file")
		}
		return known, nil
	}
	if !o.now.Before(c.ExpiresAt) {
		return LicenseFile{}, Invalid(ReasonExpiredFile, "the license file could be imported until %s", c.ExpiresAt.UTC().Format(time.RFC3339)).In("file")
	}
	lots, err := c.lots(s, o)
	if err != nil {
		return LicenseFile{}, Invalid(ReasonImpossibleFile, "%s", AsError(err).Detail).In("file")
	}
	file := c.file()
	file.ImportedAt = o.now
	o.putLicenseFile(file)
	data := LicenseImported{Issuer: file.Issuer, SHA256: hex.EncodeToString(file.Hash), Lots: file.Lots}
	if err := s.record(o, origin, EventLicenseImported, string(c.ID), data); err != nil {
		return LicenseFile{}, err
	}
	for _, lot := range lots {
		s.mark(c.Organization, IDsOfLots, string(lot.ID))
		if err := s.addLot(o, origin, lot); err != nil {
			return LicenseFile{}, err
		}
	}
	return file, nil
}

// lots makes the purchases and refuses the file where one of them cannot be entered behind the others.
func (c ImportLicense) lots(s *Slice, o *organizationSlice) ([]Lot, error) {
	file := c.file()
	if c.Organization != HostID && strings.HasPrefix(string(c.ID), hostLotPrefix) {
		return nil, Invalid(ReasonInvalidValue, "ids that begin with %s are those of what the host distributes", hostLotPrefix)
	}
	lots := make([]Lot, len(c.Lots))
	sums := map[ProductCode]int64{}
	for i, lot := range c.Lots {
		lot.Organization, lot.ID, lot.CreatedAt = c.Organization, file.LotID(int64(i)+1), o.now
		lot.cut()
		if _, known := s.catalogue.Product(lot.Code); !known {
			return nil, Invalid(ReasonInvalidValue, "there is no product %q", lot.Code)
		}
		if s.isTaken(c.Organization, IDsOfLots, string(lot.ID)) {
			return nil, NewError(KindConflict, ReasonDuplicate, "%q is already in use among the %s", lot.ID, IDsOfLots)
		}
		sums[lot.Code] += lot.Quantity
		whole := lot
		whole.Quantity = sums[lot.Code]
		if err := o.checkLot(whole, ""); err != nil {
			return nil, err
		}
		lots[i] = lot
	}
	return lots, nil
}

// DeactivateLicense ends the purchases of a license file now, without their grace; those that have not begun are taken back. It
// does so once. Errors: not_found/organization_not_found; not_found/not_found for a file that was not imported.
type DeactivateLicense struct {
	Organization OrganizationID
	ID           LicenseFileID
}

func (c DeactivateLicense) Operation() string { return "license.deactivate" }

func (c DeactivateLicense) Touches() []Touch {
	return []Touch{{Organization: c.Organization, AllLots: true, LicenseFiles: []LicenseFileID{c.ID}}}
}

func (c DeactivateLicense) Weight() int { return 1 }

// Decide answers the file as it is stored.
func (c DeactivateLicense) Decide(s *Slice, origin Origin) (LicenseFile, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return LicenseFile{}, err
	}
	file, imported := o.licenseFiles[c.ID]
	if !imported {
		return LicenseFile{}, MissingLicenseFile()
	}
	if !file.DeactivatedAt.IsZero() {
		return file, nil
	}
	file.DeactivatedAt = o.now
	o.putLicenseFile(file)
	if err := s.record(o, origin, EventLicenseDeactivated, string(c.ID), struct{}{}); err != nil {
		return LicenseFile{}, err
	}
	for _, id := range file.LotIDs() {
		lot, err := o.purchase(id)
		switch {
		case err != nil, !o.now.Before(lot.Expiry()): // it was taken back, or is over
			continue
		case !o.now.After(lot.Start):
			err = s.removeLot(o, origin, lot)
		default:
			if o.now.Before(lot.End) {
				lot.End = o.now
			}
			lot.Grace = 0
			err = s.changeLot(o, origin, lot)
		}
		if err != nil {
			return LicenseFile{}, err
		}
	}
	return file, nil
}

// MissingLicenseFile is the answer for a license file that was not imported, or not into this organization.
func MissingLicenseFile() *Error {
	return NotFound(ReasonNotFound, "there is no such license file")
}

// takeLicenseFile compares a stored license file with the events.
func (c *organizationCheck) takeLicenseFile(r Row) {
	stored := LicenseFile{ID: LicenseFileID(r.text(1)), Issuer: r.text(2), Hash: r.bytes(3), Lots: r.number(4), ImportedAt: instant(r.number(5))}
	if at := r.number(6); at != 0 {
		stored.DeactivatedAt = instant(at)
	}
	told, known := c.replayed.licenseFiles[stored.ID]
	delete(c.replayed.licenseFiles, stored.ID)
	if !known {
		c.differ("license file %s: no event imported it", stored.ID)
		return
	}
	if got, want := stored.summary(), told.summary(); got != want {
		c.differ("license file %s: stored as %s; by the events %s", stored.ID, got, want)
	}
}

func (f LicenseFile) summary() string {
	text := fmt.Sprintf("%d purchases of %s, SHA-256 %.4x…, imported at %s", f.Lots, f.Issuer, f.Hash, moment(f.ImportedAt))
	if !f.DeactivatedAt.IsZero() {
		text += ", deactivated at " + moment(f.DeactivatedAt)
	}
	return text
}
