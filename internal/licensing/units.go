package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// LeaseName is how a request names a lease of units.
type LeaseName struct {
	ServiceName
	Product string
	ID      string
}

// ref reads the name. The errors are those of [ServiceName], with a service, and invalid/malformed_id.
func (n LeaseName) ref() (ref seatwright.UnitLeaseRef, err error) {
	if ref.ServiceKey, err = n.key(n.Product); err != nil {
		return ref, err
	}
	id, err := seatwright.CanonicalID(n.ID)
	if err != nil {
		return ref, seatwright.AsError(err).In("leaseIdentifier")
	}
	ref.ID = seatwright.UnitLeaseID(id)
	return ref, nil
}

// key names a product of a service.
func (n ServiceName) key(product string) (key seatwright.ServiceKey, err error) {
	if _, err := seatwright.ParseServiceType(n.Service); err != nil {
		return key, err
	}
	if key.PoolScope, err = n.scope(); err != nil {
		return key, err
	}
	code, err := seatwright.CanonicalID(product)
	if err != nil {
		return key, seatwright.AsError(err).In("productCode")
	}
	key.Code = seatwright.ProductCode(code)
	return key, nil
}

// UnitsWanted is what a service says when it takes units, or goes on using them.
type UnitsWanted struct {
	LeaseName
	Quantity  *float64 // nil: as it is, and one unit of what is new
	Owner     *string  // nil: as it is
	Etag      string
	Overdraft bool // a consumption is to be recorded whatever is free: for those who may change the policy
}

// AcquireUnits takes units for a tenant's service, or tells that they are still in use. Errors: those of seatwright.AcquireUnits and
// ledger.Submit, forbidden/missing_permission, and those of values that cannot be taken, with the field.
func (l *Licensing) AcquireUnits(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, w UnitsWanted,
) (acquired seatwright.AcquiredUnits, err error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return acquired, err
	}
	if w.Overdraft {
		if err := caller.Principal.Check(seatwright.PermissionManagePolicies); err != nil {
			return acquired, seatwright.AsError(err).In("disableEnforcement")
		}
	}
	c := seatwright.AcquireUnits{Organization: organization, Owner: w.Owner, Etag: w.Etag, Overdraft: w.Overdraft}
	if c.Lease, err = w.ref(); err != nil {
		return acquired, err
	}
	if w.Quantity != nil {
		parts, err := seatwright.PartsOf(*w.Quantity)
		if err != nil {
			return acquired, err
		}
		c.Quantity = &parts
	}
	if w.Owner != nil {
		if err := seatwright.CheckText("owner", *w.Owner); err != nil {
			return acquired, err
		}
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), c)
}

// ReleaseUnits gives back what the leases of some ids hold, wherever they are: those of the caller, or anybody's where an administrator asks.
// Errors: those of seatwright.ReleaseUnits and ledger.Submit, forbidden/missing_permission, invalid/too_many and invalid/malformed_id.
func (l *Licensing) ReleaseUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, raw []string) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return err
	}
	if len(raw) == 0 {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "at least one lease is needed").In("leaseIdentifiers")
	}
	if len(raw) > seatwright.MaxUsersPerCall {
		return seatwright.Invalid(seatwright.ReasonTooMany, "at most %d leases in one call, not %d", seatwright.MaxUsersPerCall, len(raw)).In("leaseIdentifiers")
	}
	ids, err := seatwright.DistinctIDs[seatwright.UnitLeaseID](raw, "leaseIdentifiers")
	if err != nil {
		return err
	}
	slices.Sort(ids)
	found, err := l.reader.UnitLeases(ctx, organization, seatwright.UnitLeaseQuery{IDs: ids, Most: leasesPerRelease + 1})
	if err != nil {
		return err
	}
	if len(found) > leasesPerRelease {
		return seatwright.Invalid(seatwright.ReasonTooMany, "there are more than %d leases of these ids: name fewer", leasesPerRelease).In("leaseIdentifiers")
	}
	_, err = ledger.Submit(ctx, l.ledger, caller.Origin(), release(caller, organization, ids, found))
	return err
}

// leasesPerRelease are how many leases one command ends.
const leasesPerRelease = 10_000

func release(
	caller seatwright.Caller, organization seatwright.OrganizationID, ids []seatwright.UnitLeaseID, found []seatwright.UnitLease,
) seatwright.ReleaseUnits {
	c := seatwright.ReleaseUnits{Organization: organization, IDs: ids, Anybodys: caller.Principal.Kind != seatwright.PrincipalApplication}
	for _, lease := range found {
		c.Leases = append(c.Leases, lease.UnitLeaseRef)
	}
	return c
}

// ReleaseAllUnits gives back all that the caller's leases of an organization hold, or everybody's where an administrator asks. More than
// leasesPerRelease end in several commands: the key is of the last. Errors: those of seatwright.ReleaseUnits and ledger.Submit, and
// forbidden/missing_permission.
func (l *Licensing) ReleaseAllUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return err
	}
	q := seatwright.UnitLeaseQuery{Most: leasesPerRelease}
	if caller.Principal.Kind == seatwright.PrincipalApplication {
		q.MadeBy = caller.Principal.Actor()
	}
	for {
		found, err := l.reader.UnitLeases(ctx, organization, q)
		if err != nil {
			return err
		}
		origin := caller.Origin()
		if len(found) == q.Most {
			origin.Key = ""
		}
		ended, err := ledger.Submit(ctx, l.ledger, origin, release(caller, organization, nil, found))
		if err != nil || len(found) < q.Most || ended == 0 { // what is there and does not end has ended already, by a clock that was put back since
			return err
		}
	}
}

// UnitUse is what a tenant's service uses of a product, and could use.
type UnitUse struct {
	seatwright.ServicePool
	Product seatwright.Product
	Pool    seatwright.Pool // of its organization
}

// Free is how much more the service can use, in millionths: of what it has drawn, and of what its organization has left. In a pool of
// which more is used than there is nothing is.
func (u UnitUse) Free() int64 {
	if u.Pool.Overallocated() {
		return 0
	}
	return max(0, (u.Drawn+u.Pool.Available())*seatwright.UnitParts-u.Used)
}

// Total is how much the service can use, in millionths: Used where nothing is left, less where there is an overdraft, and nothing where no
// purchase is in force.
func (u UnitUse) Total() int64 {
	switch {
	case u.Pool.Total == 0:
		return 0
	case u.Pool.Overallocated():
		return min(u.Used, u.Drawn*seatwright.UnitParts)
	}
	return (u.Drawn + u.Pool.Available()) * seatwright.UnitParts
}

// UnitLease tells a lease or a consumption that counts now, with what its service uses. Errors: forbidden/missing_permission, and
// not_found/not_found.
func (l *Licensing) UnitLease(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n LeaseName,
) (lease seatwright.UnitLease, use UnitUse, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return lease, use, err
	}
	ref, err := n.ref()
	if err != nil {
		return lease, use, err
	}
	if lease, err = l.reader.UnitLease(ctx, organization, ref); err != nil {
		return lease, use, err
	}
	uses, err := l.UnitUses(ctx, caller, organization)
	return lease, uses.Of(ref.ServiceKey), err
}

// UnitUses is what all services of an organization use.
type UnitUses struct {
	organization seatwright.OrganizationID
	catalogue    *seatwright.Catalogue
	pools        map[seatwright.ProductCode]seatwright.Pool
	All          []UnitUse // in the order of tenant, service and code: those who have or use anything
}

// Of is what one service uses of a product, nothing where it has nothing.
func (u UnitUses) Of(key seatwright.ServiceKey) UnitUse {
	i := slices.IndexFunc(u.All, func(use UnitUse) bool { return use.ServiceKey == key })
	if i >= 0 {
		return u.All[i]
	}
	return u.use(seatwright.ServicePool{Organization: u.organization, ServiceKey: key})
}

// Pool is what the organization has of a product.
func (u UnitUses) Pool(code seatwright.ProductCode) seatwright.Pool { return u.pools[code] }

func (u UnitUses) use(p seatwright.ServicePool) UnitUse {
	product, known := u.catalogue.Product(p.Code)
	if !known {
		product.Code = p.Code
	}
	return UnitUse{p, product, u.pools[p.Code]}
}

// Select lists the uses that a condition is true of.
func (u UnitUses) Select(is func(UnitUse) bool) []UnitUse {
	return slices.DeleteFunc(slices.Clone(u.All), func(use UnitUse) bool { return !is(use) })
}

// UnitUses tells what the services of an organization use. Errors: forbidden/missing_permission.
func (l *Licensing) UnitUses(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (UnitUses, error) {
	uses := UnitUses{organization: organization, catalogue: l.catalogue}
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return uses, err
	}
	pools, services, err := l.given(ctx, organization)
	uses.pools = pools
	for _, p := range services {
		uses.All = append(uses.All, uses.use(p))
	}
	return uses, err
}

// ServiceUnits is what a tenant's service uses of one product. Errors: forbidden/missing_permission, not_found/not_found for the tenant
// and for a product that does not exist, and those of names that cannot be.
func (l *Licensing) ServiceUnits(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at ServiceName, product string,
) (UnitUse, error) {
	uses, err := l.UnitUses(ctx, caller, organization)
	if err != nil {
		return UnitUse{}, err
	}
	key, err := at.key(product)
	if err != nil {
		return UnitUse{}, err
	}
	if _, err := l.service(ctx, organization, at); err != nil {
		return UnitUse{}, err
	}
	_, err = l.catalogue.ServiceProduct(key.Code)
	return uses.Of(key), err
}

// TenantUses lists what the services of a tenant use, those of names or all where there are none. Errors: as for ServiceUnits.
func (l *Licensing) TenantUses(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string, names []string,
) ([]UnitUse, error) {
	uses, err := l.UnitUses(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	found, err := l.tenant(ctx, organization, tenant)
	if err != nil {
		return nil, err
	}
	services := map[seatwright.ServiceType]bool{}
	for _, name := range names {
		service, err := seatwright.ParseServiceType(name)
		if err != nil {
			return nil, seatwright.AsError(err).In("serviceTypes")
		}
		services[service] = true
	}
	return uses.Select(func(u UnitUse) bool { return u.Tenant == found && (len(names) == 0 || services[u.Service]) }), nil
}

// UnitsAvailable is how many whole units of a product are free for the services of a type: those that the organization has left, and what these
// services of all tenants have and do not use. Errors: as for ServiceUnits.
func (l *Licensing) UnitsAvailable(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, service, product string,
) (int64, error) {
	uses, err := l.UnitUses(ctx, caller, organization)
	if err != nil {
		return 0, err
	}
	of, err := seatwright.ParseServiceType(service)
	if err != nil {
		return 0, err
	}
	code := seatwright.ProductCode(product)
	if _, err := l.catalogue.ServiceProduct(code); err != nil {
		return 0, err
	}
	pool := uses.Pool(code)
	if pool.Overallocated() {
		return 0, nil
	}
	free := pool.Available()
	for _, u := range uses.All {
		if u.Code == code && u.Service == of {
			free += max(0, u.Drawn*seatwright.UnitParts-u.Used) / seatwright.UnitParts
		}
	}
	return free, nil
}

// UnitState says whether a service can use units of a product. The numbers are published.
type UnitState int

// The states of a product for a service.
const (
	UnitsFree     UnitState = 0 // at least one unit is free
	UnitsTaken    UnitState = 1 // none is
	UnitsUnbought UnitState = 2 // the organization has no purchase of it in force, there is no such product, or it is a bundle
)

// UnitStates tells of each of some products whether a service could use a unit of it. Errors: as for ServiceUnits, but not for products that do
// not exist; invalid/too_many.
func (l *Licensing) UnitStates(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at ServiceName, products []string,
) ([]UnitState, error) {
	if len(products) > seatwright.MaxCodesPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d codes in one call, not %d", seatwright.MaxCodesPerCall, len(products)).In("productCodes")
	}
	uses, err := l.UnitUses(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	states := make([]UnitState, len(products))
	if _, err = l.service(ctx, organization, at); err != nil {
		return nil, err
	}
	for i, product := range products {
		key, err := at.key(product)
		if err != nil {
			return nil, seatwright.AsError(err).In(fmt.Sprintf("productCodes[%d]", i))
		}
		_, unusable := l.catalogue.ServiceProduct(key.Code)
		switch use := uses.Of(key); {
		case use.Pool.Total == 0 || unusable != nil:
			states[i] = UnitsUnbought
		case use.Free() < seatwright.UnitParts:
			states[i] = UnitsTaken
		}
	}
	return states, nil
}

// service finds a tenant's service, of which nothing need be stored.
func (l *Licensing) service(ctx context.Context, organization seatwright.OrganizationID, at ServiceName) (scope seatwright.PoolScope, err error) {
	if _, err := seatwright.ParseServiceType(at.Service); err != nil {
		return scope, err
	}
	if scope, err = at.scope(); err != nil {
		return scope, err
	}
	_, err = l.reader.Tenant(ctx, organization, scope.Tenant)
	return scope, err
}

// Scope names a service, and one of its products, or all of them where it is empty.
type Scope struct {
	ServiceName
	Product string
}

// ScopeUses tells what services use, in the order of the scopes. Errors: as for ServiceUnits, with the place of the scope; invalid/too_many.
func (l *Licensing) ScopeUses(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, scopes []Scope,
) ([][]UnitUse, error) {
	if len(scopes) > seatwright.MaxCodesPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d scopes in one call, not %d", seatwright.MaxCodesPerCall, len(scopes)).In("scopes")
	}
	uses, err := l.UnitUses(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	answer := make([][]UnitUse, len(scopes))
	for i, s := range scopes {
		at, err := l.service(ctx, organization, s.ServiceName)
		if err != nil {
			return nil, seatwright.AsError(err).In(fmt.Sprintf("scopes[%d]", i))
		}
		if s.Product == "" {
			answer[i] = uses.Select(func(u UnitUse) bool { return u.PoolScope == at })
			continue
		}
		key, err := s.key(s.Product)
		if err != nil {
			return nil, seatwright.AsError(err).In(fmt.Sprintf("scopes[%d]", i))
		}
		answer[i] = []UnitUse{uses.Of(key)}
	}
	return answer, nil
}
