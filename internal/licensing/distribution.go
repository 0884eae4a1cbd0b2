package licensing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Product tells what the catalogue knows about a code; of one that it does not know, the code alone.
func (l *Licensing) Product(code seatwright.ProductCode) seatwright.Product {
	product, known := l.catalogue.Product(code)
	if !known {
		product.Code = code
	}
	return product
}

// Distribute gives an organization units of the host. The list comes from seatwright.Quantities. Errors: those of seatwright.DistributeToOrganization and ledger.Submit, and
// forbidden/missing_permission.
func (l *Licensing) Distribute(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, products []seatwright.Quantity,
) (license seatwright.AccountLicense, err error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return license, err
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.DistributeToOrganization{Organization: organization, Products: products})
}

// TakeBack takes all back that the host distributes to an organization.
func (l *Licensing) TakeBack(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) error {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return err
	}
	_, err := ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.RemoveOrganizationLicense{Organization: organization})
	return err
}

// align gives what the host distributes the windows that follow from the host's lots of now, in every organization. It belongs behind every
// change of these lots, and to their starts and ends.
func align(ctx context.Context, reader seatwright.DistributionReader, to *ledger.Ledger) error {
	organizations, err := reader.Distributed(ctx)
	for _, id := range organizations {
		_, refusal := ledger.Submit(ctx, to, seatwright.SystemCaller("clock").Origin(), seatwright.AlignDistribution{Organization: id})
		if refusal != nil {
			err = errors.Join(err, fmt.Errorf("organization %s: %w", id, refusal))
		}
	}
	return err
}

// aligned follows a change of lots that went well: where they are the host's, what it distributes follows at once. Should that fail, the clock
// does it within its minute.
func aligned[A any](ctx context.Context, reader seatwright.DistributionReader, to *ledger.Ledger, organization seatwright.OrganizationID, answer A, err error) (A, error) {
	if err == nil && organization == seatwright.HostID {
		_ = align(ctx, reader, to)
	}
	return answer, err
}

// AccountLicense tells what an organization, or the host, has been given. Errors: not_found/no_license for nothing.
func (l *Licensing) AccountLicense(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (license seatwright.AccountLicense, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return license, err
	}
	return l.license(ctx, organization)
}

// account tells what an organization has been given, with its switch.
func (l *Licensing) account(ctx context.Context, organization seatwright.OrganizationID) (seatwright.AccountLicense, error) {
	found, err := l.reader.Organization(ctx, organization)
	if err != nil {
		return seatwright.AccountLicense{}, err
	}
	license, err := l.reader.AccountLicense(ctx, organization)
	license.UserLicensing = found.UserLicensing
	return license, err
}

func (l *Licensing) license(ctx context.Context, organization seatwright.OrganizationID) (seatwright.AccountLicense, error) {
	license, err := l.account(ctx, organization)
	if err == nil && len(license.Lots) == 0 {
		err = seatwright.NotFound(seatwright.ReasonNoLicense, "no account license is allocated to this organization")
	}
	return license, err
}

// HostProducts lists the pools of the host, with what an organization, or the host itself, has been given. Errors:
// not_found/no_license where the host has nothing.
func (l *Licensing) HostProducts(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (license seatwright.AccountLicense, pools []seatwright.Pool, err error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return license, nil, err
	}
	if pools, err = l.reader.Pools(ctx, seatwright.HostID); err != nil {
		return license, nil, err
	}
	if len(pools) == 0 {
		return license, nil, seatwright.NotFound(seatwright.ReasonNoLicense, "the host has no license")
	}
	license, err = l.account(ctx, organization)
	return license, pools, err
}

// AllocateToService makes products, which come from seatwright.Quantities, all that a tenant's service has. Errors: those of seatwright.AllocateToService and
// ledger.Submit, invalid/invalid_value for an unknown type of service, and forbidden/missing_permission.
func (l *Licensing) AllocateToService(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at ServiceName, products []seatwright.Quantity,
) (license seatwright.ServiceLicense, err error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteServices); err != nil {
		return license, err
	}
	scope, err := at.scope()
	if err != nil {
		return license, err
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.AllocateToService{
		Organization: organization, Tenant: scope.Tenant, Service: scope.Service, Products: products,
	})
}

// ServiceName is how a request names a tenant, by its id, and one of its services, or all where the service is empty.
type ServiceName struct {
	Tenant  string
	Service string
}

// scope reads the name. The errors are not_found/not_found for what cannot be an id, and that of seatwright.ParseServiceType.
func (n ServiceName) scope() (scope seatwright.PoolScope, err error) {
	tenant, err := seatwright.CanonicalID(n.Tenant)
	if err != nil {
		return scope, seatwright.MissingTenant()
	}
	scope.Tenant = seatwright.TenantID(tenant)
	if n.Service != "" {
		scope.Service, err = seatwright.ParseServiceType(n.Service)
	}
	return scope, err
}

// RemoveServices takes back all that a tenant's service has, or all of its services.
func (l *Licensing) RemoveServices(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at ServiceName) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteServices); err != nil {
		return err
	}
	scope, err := at.scope()
	if err != nil {
		return err
	}
	_, err = ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.RemoveServices{Organization: organization, Tenant: scope.Tenant, Service: scope.Service})
	return err
}

// ServiceLicenses lists every service of an organization that has anything, in the order of tenants and services.
func (l *Licensing) ServiceLicenses(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (licenses []seatwright.ServiceLicense, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return nil, err
	}
	pools, err := l.reader.ServicePools(ctx, organization)
	if err != nil {
		return nil, err
	}
	account, err := l.account(ctx, organization)
	for _, p := range pools {
		if p.Quantity == 0 {
			continue // it uses units and was given none
		}
		if len(licenses) == 0 || licenses[len(licenses)-1].PoolScope != p.PoolScope {
			licenses = append(licenses, seatwright.ServiceLicense{PoolScope: p.PoolScope, Account: account})
		}
		last := &licenses[len(licenses)-1]
		last.Products = append(last.Products, p)
	}
	return licenses, err
}

// ServiceLicense tells what a tenant's service has. Errors: not_found/no_service_license where that is nothing, whether there is
// such a tenant or not, and invalid/invalid_value for an unknown type of service.
func (l *Licensing) ServiceLicense(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at ServiceName,
) (license seatwright.ServiceLicense, err error) {
	licenses, err := l.ServiceLicenses(ctx, caller, organization)
	if err != nil {
		return license, err
	}
	scope, err := at.scope()
	if err != nil && !seatwright.IsKind(err, seatwright.KindNotFound) {
		return license, err
	}
	i := slices.IndexFunc(licenses, func(l seatwright.ServiceLicense) bool { return l.PoolScope == scope })
	if i < 0 {
		return license, seatwright.MissingServiceLicense()
	}
	return licenses[i], nil
}

// TenantLicense sums what all services of a tenant have, as one without a service. Errors: not_found/not_found.
func (l *Licensing) TenantLicense(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string,
) (license seatwright.ServiceLicense, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return license, err
	}
	found, err := l.tenant(ctx, organization, tenant)
	if err != nil {
		return license, err
	}
	license.Tenant = found
	if license.Account, err = l.account(ctx, organization); err != nil {
		return license, err
	}
	pools, err := l.reader.ServicePools(ctx, organization)
	for _, p := range pools {
		if p.Tenant != found || p.Quantity == 0 {
			continue
		}
		i, had := slices.BinarySearchFunc(license.Products, p.Code, func(have seatwright.ServicePool, code seatwright.ProductCode) int {
			return strings.Compare(string(have.Code), string(code))
		})
		if !had {
			license.Products = slices.Insert(license.Products, i, seatwright.ServicePool{
				Organization: organization, ServiceKey: seatwright.ServiceKey{PoolScope: license.PoolScope, Code: p.Code},
			})
		}
		license.Products[i].Quantity += p.Quantity
		license.Products[i].Used += p.Used
	}
	return license, err
}

// tenant finds a tenant by the text that names it.
func (l *Licensing) tenant(ctx context.Context, organization seatwright.OrganizationID, text string) (seatwright.TenantID, error) {
	at, err := ServiceName{Tenant: text}.scope()
	if err != nil {
		return "", err
	}
	tenant, err := l.reader.Tenant(ctx, organization, at.Tenant)
	return tenant.ID, err
}

// ServiceUse is what a service of a tenant has of one product, beside what all have.
type ServiceUse struct {
	seatwright.ServicePool
	Elsewhere int64 // units that services of other tenants have
	Pool      seatwright.Pool
}

// TenantServices lists for each of some services of a tenant what it has, by code: those of names, in the order of the request, or
// all that have or use anything where there are none. Errors: not_found/not_found for the tenant, invalid/invalid_value for a name.
func (l *Licensing) TenantServices(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string, names []string,
) (services []seatwright.ServiceType, uses map[seatwright.ServiceType][]ServiceUse, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return nil, nil, err
	}
	found, err := l.tenant(ctx, organization, tenant)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		service, err := seatwright.ParseServiceType(name)
		if err != nil {
			return nil, nil, seatwright.AsError(err).In("services")
		}
		if !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	pools, given, err := l.given(ctx, organization)
	if err != nil {
		return nil, nil, err
	}
	elsewhere := map[seatwright.ProductCode]int64{}
	for _, p := range given {
		if p.Tenant != found {
			elsewhere[p.Code] += p.Quantity
		}
	}
	uses = map[seatwright.ServiceType][]ServiceUse{}
	for _, p := range given {
		if p.Tenant != found {
			continue
		}
		if len(names) == 0 && !slices.Contains(services, p.Service) {
			services = append(services, p.Service)
		}
		uses[p.Service] = append(uses[p.Service], ServiceUse{p, elsewhere[p.Code], pools[p.Code]})
	}
	return services, uses, nil
}

// given reads the pools of an organization, by code, and those of its tenants' services. What has ended by itself and was not swept yet is
// given back in both, as whoever takes units finds it.
func (l *Licensing) given(
	ctx context.Context, organization seatwright.OrganizationID,
) (map[seatwright.ProductCode]seatwright.Pool, []seatwright.ServicePool, error) {
	list, err := l.reader.Pools(ctx, organization)
	if err != nil {
		return nil, nil, err
	}
	pools := map[seatwright.ProductCode]seatwright.Pool{}
	for _, p := range list {
		pools[p.Code] = p
	}
	services, err := l.reader.ServicePools(ctx, organization) // behind the pools: what is swept meanwhile is not given back twice
	for i, p := range services {
		settled, back := p.Settled()
		services[i] = settled
		if pool, exists := pools[p.Code]; exists {
			pool.Used = max(0, pool.Used-back)
			pools[p.Code] = pool
		}
	}
	return pools, services, err
}

// ProductAllocation is how much of a product there is and how much of that has been given on.
type ProductAllocation struct {
	Product   seatwright.Product
	Total     int64
	Allocated int64
}

// TenantAllocations lists what an organization has of every product that services can be given, in the order of the codes.
// Allocated is what they have.
func (l *Licensing) TenantAllocations(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (list []ProductAllocation, err error) {
	all, err := l.Summary(ctx, caller, organization)
	return slices.DeleteFunc(all, func(p ProductAllocation) bool { return p.Product.Kind == seatwright.KindUser }), err
}

// AccountAllocations is TenantAllocations of an organization that has anything. Errors: not_found/no_license.
func (l *Licensing) AccountAllocations(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) ([]ProductAllocation, error) {
	if _, err := l.AccountLicense(ctx, caller, organization); err != nil {
		return nil, err
	}
	return l.TenantAllocations(ctx, caller, organization)
}

// TenantShare lists what a tenant can have: the units that its services have, and as total these with all that are free. Errors:
// not_found/no_license, not_found/not_found for the tenant.
func (l *Licensing) TenantShare(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string,
) ([]ProductAllocation, error) {
	list, err := l.AccountAllocations(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	license, err := l.TenantLicense(ctx, caller, organization, tenant)
	if err != nil {
		return nil, err
	}
	own := map[seatwright.ProductCode]int64{}
	for _, p := range license.Products {
		own[p.Code] = p.Quantity
	}
	for i, p := range list {
		list[i].Total = own[p.Product.Code] + max(0, p.Total-p.Allocated)
		list[i].Allocated = own[p.Product.Code]
	}
	return list, nil
}

// ServicesWithUnits lists the types of service that an organization can give anything to: all of them while it has units of a product
// that is not for people.
func (l *Licensing) ServicesWithUnits(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) ([]seatwright.ServiceType, error) {
	list, err := l.TenantAllocations(ctx, caller, organization)
	if err != nil || !slices.ContainsFunc(list, func(p ProductAllocation) bool { return p.Total > 0 }) {
		return nil, err
	}
	return seatwright.ServiceTypes(), nil
}

// Summary lists every pool of an organization, of all kinds of product, in the order of the codes.
func (l *Licensing) Summary(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) ([]ProductAllocation, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return nil, err
	}
	pools, _, err := l.given(ctx, organization)
	if err != nil {
		return nil, err
	}
	list := make([]ProductAllocation, 0, len(pools))
	for _, code := range slices.Sorted(maps.Keys(pools)) {
		list = append(list, ProductAllocation{l.Product(code), pools[code].Total, pools[code].Used})
	}
	return list, nil
}
