package seatwright

import (
	"cmp"
	"slices"
	"time"
)

// AccountLicense is what an organization has been given, by purchases and by the host, at an instant.
type AccountLicense struct {
	Organization OrganizationID
	Lots         []Lot // in the order of codes and ids
	At           time.Time

	UserLicensing bool // the published switch of the organization; a store does not tell it
}

// LicenseStatus says whether anything is in force. The words are the published ones.
type LicenseStatus string

// The states of a license.
const (
	LicenseNone    LicenseStatus = "None"    // there are no lots, or none has begun
	LicenseActive  LicenseStatus = "Active"  // start ≤ now < end, for one lot at least
	LicenseInGrace LicenseStatus = "InGrace" // no lot is active, and one has not passed its grace
	LicenseExpired LicenseStatus = "Expired" // every lot that has begun is over
)

// Status is the state of the license at its instant.
func (a AccountLicense) Status() LicenseStatus {
	status := LicenseNone
	for _, l := range a.Lots {
		switch {
		case a.At.Before(l.Start):
		case a.At.Before(l.End):
			return LicenseActive
		case a.At.Before(l.Expiry()):
			status = LicenseInGrace
		case status == LicenseNone:
			status = LicenseExpired
		}
	}
	return status
}

// Term is the time in which the license counts: from the first start to the last end, and the grace after that, of the lots in
// force, or of all where none is. All are zero where there are no lots.
func (a AccountLicense) Term() (start, end time.Time, grace time.Duration) {
	lots := slices.DeleteFunc(slices.Clone(a.Lots), func(l Lot) bool { return !l.InForce(a.At) })
	if len(lots) == 0 {
		lots = a.Lots
	}
	for i, l := range lots {
		if i == 0 || l.Start.Before(start) {
			start = l.Start
		}
		if i == 0 || l.Expiry().After(end.Add(grace)) {
			end, grace = l.End, l.Grace
		}
	}
	return start, end, grace
}

// Products sums the units in force by code, in the order of the codes. A code of which nothing is in force has none.
func (a AccountLicense) Products() []Quantity {
	units := map[ProductCode]int64{}
	for _, l := range a.Lots {
		units[l.Code] += 0
		if l.InForce(a.At) {
			units[l.Code] += l.Quantity
		}
	}
	products := make([]Quantity, 0, len(units))
	for _, code := range sortedKeys(units) {
		products = append(products, Quantity{code, units[code]})
	}
	return products
}

// accountLicense is that of an organization whose lots have all been loaded.
func (o *organizationSlice) accountLicense() AccountLicense {
	a := AccountLicense{Organization: o.organization.ID, At: o.now, UserLicensing: o.organization.UserLicensing}
	for _, lots := range o.lots {
		a.Lots = append(a.Lots, lots...)
	}
	slices.SortFunc(a.Lots, func(a, b Lot) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.ID, b.ID)) })
	return a
}
