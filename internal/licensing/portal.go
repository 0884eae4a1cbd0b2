package licensing

import (
	"context"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// What the pages of the portal show beyond what the license accountant tells. Source: docs/decisions/0032-the-portal.md.

// PoolUse is a pool with how many of its units are in use now, which is never more than are drawn.
type PoolUse struct {
	seatwright.Pool
	InUse int64
}

// PoolsInUse is Pools with what of them is in use.
func (l *Licensing) PoolsInUse(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]PoolUse, error) {
	pools, err := l.Pools(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	inUse, err := l.reader.UnitsInUse(ctx, organization)
	uses := make([]PoolUse, len(pools))
	for i, p := range pools {
		uses[i] = PoolUse{p, min(inUse[p.Code], p.Used)} // the two are not read at one instant
	}
	return uses, err
}

// AddToUsers puts people on the list of direct allocations. Errors: those of seatwright.AddToUsers and ledger.Submit, and
// forbidden/missing_permission.
func (l *Licensing) AddToUsers(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID,
) ([]seatwright.Allocation, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return nil, err
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.AddToUsers{Organization: organization, Users: users})
}

// Account is AccountLicense that is no error where an organization has nothing.
func (l *Licensing) Account(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (license seatwright.AccountLicense, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return license, err
	}
	return l.account(ctx, organization)
}

// ProductTerm is what there is of a product, and when it counts: as seatwright.AccountLicense.Term says of this product alone.
type ProductTerm struct {
	ProductAllocation
	Start, End time.Time // zero where nothing was ever bought
}

// Inventory is all that an organization has.
type Inventory struct {
	Status   seatwright.LicenseStatus
	Products []ProductTerm // of every kind, in the order of the codes
	Bundles  []PoolUse     // in the order of the codes
	Services []seatwright.ServiceType
}

// Inventory tells all that an organization has. Errors: forbidden/missing_permission.
func (l *Licensing) Inventory(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (all Inventory, err error) {
	license, err := l.Account(ctx, caller, organization)
	if err != nil {
		return all, err
	}
	all.Status = license.Status()
	products, err := l.Summary(ctx, caller, organization)
	if err != nil {
		return all, err
	}
	for _, p := range products {
		of := license
		of.Lots = slices.DeleteFunc(slices.Clone(license.Lots), func(lot seatwright.Lot) bool { return lot.Code != p.Product.Code })
		start, end, _ := of.Term()
		all.Products = append(all.Products, ProductTerm{p, start, end})
	}
	if all.Bundles, err = l.PoolsInUse(ctx, caller, organization); err != nil {
		return all, err
	}
	all.Services, err = l.ServicesWithUnits(ctx, caller, organization)
	return all, err
}

// TenantUnits is what the services of a tenant have together.
type TenantUnits struct {
	Tenant   seatwright.Tenant
	Services []seatwright.ServiceType // those that have anything, in order
	Units    map[seatwright.ProductCode]int64
}

// TenantUnits lists what each tenant of an organization has, in the order of their ids. Errors: forbidden/missing_permission.
func (l *Licensing) TenantUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]TenantUnits, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return nil, err
	}
	tenants, err := l.reader.Tenants(ctx, organization)
	if err != nil {
		return nil, err
	}
	pools, err := l.reader.ServicePools(ctx, organization)
	list := make([]TenantUnits, len(tenants))
	for i, t := range tenants {
		list[i] = TenantUnits{Tenant: t, Units: map[seatwright.ProductCode]int64{}}
		for _, p := range pools {
			if p.Tenant != t.ID || p.Quantity == 0 {
				continue // it uses units and was given none
			}
			list[i].Units[p.Code] += p.Quantity
			if !slices.Contains(list[i].Services, p.Service) {
				list[i].Services = append(list[i].Services, p.Service)
			}
		}
	}
	return list, err
}

// Tenants lists the tenants of an organization in the order of their ids, for whoever belongs to it.
func (l *Licensing) Tenants(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Tenant, error) {
	if err := caller.Principal.Check(seatwright.PermissionAnybody); err != nil {
		return nil, err
	}
	return l.reader.Tenants(ctx, organization)
}

// TenantCalled finds a tenant of an organization by its name or id, as a path spells it, for whoever belongs to the organization. Errors:
// not_found/not_found, also where nothing is spelled.
func (l *Licensing) TenantCalled(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ref string,
) (seatwright.Tenant, error) {
	tenants, err := l.Tenants(ctx, caller, organization)
	if err != nil {
		return seatwright.Tenant{}, err
	}
	for _, t := range tenants {
		if t.IsCalled(ref) {
			return t, nil
		}
	}
	return seatwright.Tenant{}, seatwright.MissingTenant()
}

// Holders lists a page of those who hold one of the codes of the query, from whatever source. Errors: forbidden/missing_permission.
func (l *Licensing) Holders(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.HolderQuery,
) (seatwright.SeatHolderPage, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return seatwright.SeatHolderPage{}, err
	}
	return l.reader.SeatHolders(ctx, organization, q)
}
