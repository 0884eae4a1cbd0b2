// Package licensing is the use cases of licenses: each method checks the permission, submits one command or asks one
// question, and answers. The rules themselves are in package seatwright.
package licensing

import (
	"context"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Reader is what the use cases ask.
type Reader interface {
	seatwright.DirectoryReader
	seatwright.GroupReader
	seatwright.LicenseReader
	seatwright.LeaseReader
	seatwright.NoticeReader
	seatwright.DenialReader
	seatwright.UnitReader
	People(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.User, error)
}

// Licensing answers and changes who holds what. It is safe for concurrent use.
type Licensing struct {
	reader    Reader
	ledger    *ledger.Ledger
	catalogue *seatwright.Catalogue
	now       func() time.Time
}

// New makes the use cases over a reader and the ledger of the same store, with the products that the ledger knows. The clock is for
// what is told to be good until an instant; it decides nothing.
func New(reader Reader, ledger *ledger.Ledger, catalogue *seatwright.Catalogue, now func() time.Time) *Licensing {
	return &Licensing{reader: reader, ledger: ledger, catalogue: catalogue, now: now}
}

// Allocate replaces the direct set of every listed user by codes, for all or for none, and answers one allocation per user
// in the order of the request. The lists come from seatwright.UserIDs and BundleCodes. Errors: those of
// seatwright.AllocateToUsers and ledger.Submit, and forbidden/missing_permission.
func (l *Licensing) Allocate(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
	users []seatwright.UserID, codes []seatwright.ProductCode, external bool,
) ([]seatwright.Allocation, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return nil, err
	}
	command := seatwright.AllocateToUsers{Organization: organization, Users: users, Codes: codes, External: external}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), command)
}

// Deallocate removes the direct record of every listed user. It works without a license in force.
func (l *Licensing) Deallocate(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID,
) (seatwright.Deallocation, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return seatwright.Deallocation{}, err
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.DeallocateUsers{Organization: organization, Users: users})
}

// Allocations lists the direct allocations of those of users that have one, in the order of the request.
func (l *Licensing) Allocations(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID,
) ([]seatwright.DirectHolder, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	found, err := l.reader.Allocations(ctx, organization, users)
	if err != nil {
		return nil, err
	}
	signIns, err := l.reader.LastSignIns(ctx, organization, users)
	if err != nil {
		return nil, err
	}
	byUser := make(map[seatwright.UserID]seatwright.DirectHolder, len(found))
	for _, a := range found {
		byUser[a.User] = seatwright.DirectHolder{UserAllocation: a, LastSignIn: signIns[a.User]}
	}
	ordered := make([]seatwright.DirectHolder, 0, len(found))
	for _, user := range users {
		if a, ok := byUser[user]; ok {
			ordered = append(ordered, a)
		}
	}
	return ordered, nil
}

// Pools lists the bundles that people can be given, with totals as of now, in the order of the codes.
func (l *Licensing) Pools(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Pool, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	return l.bundlePools(ctx, organization)
}

func (l *Licensing) bundlePools(ctx context.Context, organization seatwright.OrganizationID) ([]seatwright.Pool, error) {
	pools, err := l.reader.Pools(ctx, organization)
	return slices.DeleteFunc(pools, func(p seatwright.Pool) bool {
		product, known := l.catalogue.Product(p.Code)
		return known && product.Kind != seatwright.KindUser
	}), err
}
