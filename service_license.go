package seatwright

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// ServiceType names a service that a tenant can have, in lower case.
type ServiceType string

// serviceTypes are all of them, in their order. The published list is not complete; these are the names that clients send.
var serviceTypes = []ServiceType{
	"actioncenter", "aicenter", "airflow", "apps", "automationhub", "automationops", "dataservice", "documentunderstanding", "insights",
	"integrationservice", "orchestrator", "processmining", "studioweb", "taskmining", "testmanager",
}

// ServiceTypes lists every type of service, in the order of their names.
func ServiceTypes() []ServiceType { return slices.Clone(serviceTypes) }

// ParseServiceType reads the name of a type of service, in any letter case. The error is invalid/invalid_value.
func ParseServiceType(text string) (ServiceType, error) {
	service := ServiceType(strings.ToLower(text))
	switch {
	case service == "":
		return "", Invalid(ReasonInvalidValue, "the type of the service is missing").In("serviceType")
	case !slices.Contains(serviceTypes, service):
		return "", Invalid(ReasonInvalidValue, "there is no such type of service; known are %s", strings.ReplaceAll(JoinWords(serviceTypes), " ", ", ")).In("serviceType")
	}
	return service, nil
}

// PoolScope is whose units a pool has: a tenant's service, or the organization itself where it is empty.
type PoolScope struct {
	Tenant  TenantID
	Service ServiceType
}

// String is the subject of events about a service: an id has no slash in it.
func (p PoolScope) String() string { return string(p.Tenant) + "/" + string(p.Service) }

// ServiceKey names the pool of a tenant's service within its organization.
type ServiceKey struct {
	PoolScope
	Code ProductCode
}

// ServicePool is what a tenant's service has of one product. Its units are drawn from the pool of the organization. One without
// units is not stored.
type ServicePool struct {
	Organization OrganizationID
	ServiceKey
	Quantity int64 // units that it was given: 0 to MaxQuantity
	Used     int64 // millionths that the service uses: the sum of its leases, and of what it has consumed in the period
	Drawn    int64 // units that the pool of the organization counts for it: Quantity, or Used where that is more and was free

	// Of a consumable of which anything was consumed: the time in which that counts. Zero: nothing was.
	PeriodStart, PeriodEnd time.Time

	// Carried is what of Used was consumed of purchases that go on after the period, in millionths: it is carried into the next.
	Carried int64
}

// InUse is what the service uses in whole units: one of which a part is used is used.
func (p ServicePool) InUse() int64 { return wholeUnits(p.Used) }

// Overallocated reports that the service was given fewer units than it uses, or uses more than there were.
func (p ServicePool) Overallocated() bool { return p.Used > p.Quantity*UnitParts }

func compareServices(a, b ServiceKey) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Code, b.Code))
}

// Quantity is a number of units of one product.
type Quantity struct {
	Code  ProductCode `json:"code"`
	Units int64       `json:"quantity"` // 0 to MaxQuantity
}

// Quantities reads quantities of products as they come in a request: each code once, in their order. Whether a code exists is decided
// later. The error names the field: invalid/too_many, invalid/malformed_id, invalid/invalid_value.
func Quantities(raw []Quantity, field string) ([]Quantity, error) {
	if len(raw) > MaxCodesPerCall {
		return nil, Invalid(ReasonTooMany, "at most %d codes in one call, not %d", MaxCodesPerCall, len(raw)).In(field)
	}
	products := make([]Quantity, len(raw))
	seen := map[ProductCode]bool{}
	for i, q := range raw {
		in := fmt.Sprintf("%s[%d].", field, i)
		code, err := CanonicalID(string(q.Code))
		if err != nil {
			return nil, AsError(err).In(in + "code")
		}
		q.Code = ProductCode(code)
		if seen[q.Code] {
			return nil, Invalid(ReasonInvalidValue, "%s is listed twice", q.Code).In(in + "code")
		}
		seen[q.Code] = true
		if q.Units < 0 || q.Units > MaxQuantity {
			return nil, Invalid(ReasonInvalidValue, "a quantity is 0 to %d", MaxQuantity).In(in + "quantity")
		}
		products[i] = q
	}
	return products, nil
}

func codesOf(products []Quantity) []ProductCode {
	codes := make([]ProductCode, len(products))
	for i, q := range products {
		codes[i] = q.Code
	}
	return codes
}

func wantsUnits(products []Quantity) bool {
	return slices.ContainsFunc(products, func(q Quantity) bool { return q.Units > 0 })
}

// AllocateToService gives a tenant's service units of the organization: the listed products are all that it has then, so a code
// that is not listed goes to zero. Quantities are absolute, and a repeat changes nothing. Lowering needs nothing that is free; units beyond those
// that the service has drawn already have to be free. What it uses beyond what it is given stays drawn from the organization.
//
// Errors, in this order: not_found/organization_not_found; not_found/no_license (only where there are units); not_found/not_found
// for the tenant; invalid/invalid_value for bundles, which people hold; exhausted/pool_exhausted, also for a code that does not
// exist. On an error nothing has changed except the record of the refusal, and leases of units that had ended and are given back before.
// Source: docs/decisions/0028-distribution.md.
type AllocateToService struct {
	Organization OrganizationID
	Tenant       TenantID
	Service      ServiceType
	Products     []Quantity // 0 to MaxCodesPerCall, each code once
}

// ServiceLicenseSet is the data of the events about the license of a tenant's service: its state after the change.
type ServiceLicenseSet struct {
	Tenant   TenantID    `json:"tenant"`
	Service  ServiceType `json:"service"`
	Products []Quantity  `json:"products"` // all that it has, in the order of the codes
	Pools    []PoolState `json:"pools"`    // the pools of the organization that the change drew from or gave back to, as they are now
}

// ServiceLicense is what a tenant's service has.
type ServiceLicense struct {
	PoolScope
	Products []ServicePool // in the order of their codes
	Account  AccountLicense
}

func (c AllocateToService) scope() PoolScope { return PoolScope{c.Tenant, c.Service} }

func (c AllocateToService) Operation() string { return "service_license.set" }

func (c AllocateToService) Touches() []Touch {
	return []Touch{{
		Organization: c.Organization, Codes: codesOf(c.Products), PastUnits: codesOf(c.Products), AllLots: true, Tenants: []TenantID{c.Tenant}, Services: []PoolScope{c.scope()},
	}}
}

func (c AllocateToService) Weight() int { return max(1, len(c.Products)) }

// Decide answers what the service has now.
func (c AllocateToService) Decide(s *Slice, origin Origin) (ServiceLicense, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return ServiceLicense{}, err
	}
	if wantsUnits(c.Products) && !o.licensed {
		return ServiceLicense{}, missingLicense()
	}
	if !s.isTaken(c.Organization, IDsOfTenants, string(c.Tenant)) {
		return ServiceLicense{}, MissingTenant()
	}
	for _, q := range c.Products {
		if _, bundle := s.catalogue.Bundle(q.Code); bundle {
			return ServiceLicense{}, Invalid(ReasonInvalidValue, "%s is a bundle that people hold: no service can be given any", q.Code).In("products")
		}
	}
	var short []Shortage
	for _, q := range c.Products {
		drawn := func() int64 { return o.services[ServiceKey{c.scope(), q.Code}].Drawn }
		needed, available, exists := s.needed(o, q, drawn())
		if needed > available && exists {
			if err := s.endUnits(o, q.Code); err != nil {
				return ServiceLicense{}, err
			}
			needed, available, exists = s.needed(o, q, drawn())
		}
		if needed > available || !exists {
			short = append(short, Shortage{Bundle: q.Code, Requested: needed, Available: available})
		}
	}
	if len(short) > 0 {
		return ServiceLicense{}, s.refuseAll(o, origin, AllocationRefused{To: c.scope().String(), Shortages: short})
	}
	if err := s.setService(o, origin, c.scope(), c.Products, EventServiceLicenseSet); err != nil {
		return ServiceLicense{}, err
	}
	return ServiceLicense{PoolScope: c.scope(), Products: o.servicePools(c.scope()), Account: o.accountLicense()}, nil
}

// needed says how many units of a product are asked for beyond those that are had, and how many are free. A code that does not
// exist has none.
func (s *Slice) needed(o *organizationSlice, q Quantity, had int64) (needed, available int64, exists bool) {
	if _, exists = s.catalogue.Product(q.Code); !exists {
		return q.Units, 0, false
	}
	return max(0, q.Units-had), s.pool(o, q.Code).Available(), true
}

// MissingTenant is the error of a tenant that does not exist.
func MissingTenant() *Error { return NotFound(ReasonNotFound, "there is no such tenant") }

// setService makes products all that a service has, records that, and does nothing at all where nothing differs. The units must
// have been found free.
func (s *Slice) setService(o *organizationSlice, origin Origin, scope PoolScope, products []Quantity, kind EventKind) error {
	wanted := map[ProductCode]int64{}
	for _, q := range products {
		wanted[q.Code] = q.Units
	}
	for _, p := range o.servicePools(scope) {
		if _, listed := wanted[p.Code]; !listed {
			wanted[p.Code] = 0
		}
	}
	var moved unitMoves
	changed := false
	for code, units := range wanted {
		key := ServiceKey{scope, code}
		p := o.services[key]
		if p.Quantity == units {
			continue
		}
		changed = true
		p.Organization, p.ServiceKey, p.Quantity = o.organization.ID, key, units
		drawn := p.drawing(s.pool(o, code).Available())
		if planted.Bug(planted.LoweredService) {
			drawn = units
		}
		if !planted.Bug(planted.FreeService) {
			moved.add(code, drawn-p.Drawn)
		}
		p.Drawn = drawn
		o.putService(p)
	}
	if !changed {
		return nil
	}
	data := ServiceLicenseSet{Tenant: scope.Tenant, Service: scope.Service, Products: []Quantity{}, Pools: s.moveUnits(o, moved)}
	for _, p := range o.servicePools(scope) {
		if p.Quantity > 0 {
			data.Products = append(data.Products, Quantity{p.Code, p.Quantity})
		}
	}
	return s.record(o, origin, kind, scope.String(), data)
}

// RemoveServices takes back all that a tenant's service has, or all of its services. It works without a license in force. Leases stay, and
// their units are the organization's then.
// Errors: not_found/organization_not_found, not_found/not_found for the tenant.
type RemoveServices struct {
	Organization OrganizationID
	Tenant       TenantID
	Service      ServiceType // empty: all
}

func (c RemoveServices) Operation() string { return "service_license.remove" }

func (c RemoveServices) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Tenants: []TenantID{c.Tenant}, Services: []PoolScope{{c.Tenant, c.Service}}}}
}

func (c RemoveServices) Weight() int { return 1 }

// Decide answers how many services had something. Each of them has an event.
func (c RemoveServices) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	if !s.isTaken(c.Organization, IDsOfTenants, string(c.Tenant)) {
		return 0, MissingTenant()
	}
	found := map[ServiceType]bool{}
	for key, p := range o.services {
		if key.Tenant == c.Tenant && (c.Service == "" || key.Service == c.Service) && p.Quantity > 0 {
			found[key.Service] = true
		}
	}
	for _, service := range sortedKeys(found) {
		if err := s.setService(o, origin, PoolScope{c.Tenant, service}, nil, EventServiceLicenseRemoved); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// serviceSlice is what a slice knows of the pools of services.
type serviceSlice struct {
	services        map[ServiceKey]ServicePool
	changedServices map[ServiceKey]bool // true: there was a row when the slice was loaded
}

// LoadService adds what a tenant's service has of one product.
func (s *Slice) LoadService(p ServicePool) { s.at(p.Organization).setServicePool(p) }

func (o *organizationSlice) setServicePool(p ServicePool) {
	put(&o.services, p.ServiceKey, p)
}

// putService stores a pool of a service, or removes one that has neither units nor any in use.
func (o *organizationSlice) putService(p ServicePool) {
	if _, noted := o.changedServices[p.ServiceKey]; !noted {
		_, existed := o.services[p.ServiceKey]
		put(&o.changedServices, p.ServiceKey, existed)
	}
	o.setServicePool(p)
	if p.Quantity == 0 && p.Used == 0 {
		delete(o.services, p.ServiceKey)
	}
}

// servicePools lists what a service has, in the order of the codes.
func (o *organizationSlice) servicePools(scope PoolScope) []ServicePool {
	var found []ServicePool
	for key, p := range o.services {
		if key.PoolScope == scope {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b ServicePool) int { return compareServices(a.ServiceKey, b.ServiceKey) })
	return found
}

func (c *Changes) addServices(id OrganizationID, o *organizationSlice) {
	for _, key := range sortedKeysFunc(o.changedServices, compareServices) {
		p, stays := o.services[key]
		switch {
		case stays:
			c.ServicePools = append(c.ServicePools, p)
		case o.changedServices[key]:
			c.RemovedServicePools = append(c.RemovedServicePools, ServicePool{Organization: id, ServiceKey: key})
		}
	}
}

// MissingServiceLicense is the answer for a service of a tenant that has been given nothing, whether there is such a tenant or not.
func MissingServiceLicense() *Error {
	return NotFound(ReasonNoServiceLicense, "the service has no license")
}
