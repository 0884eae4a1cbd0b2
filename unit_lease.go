package seatwright

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// UnitParts is how many parts a unit has where services use units: what they use counts in millionths.
const UnitParts = 1_000_000

// MaxUsed is the most that a service can use of one product, in millionths. Only an overdraft comes near, and the sum over thousands of services is
// still a number.
const MaxUsed = MaxQuantity * UnitParts

// UnitLeaseID names a lease of units within its service and product. Callers make it up; of a consumable it names the event.
type UnitLeaseID string

// UnitLeaseRef names a lease of units within its organization.
type UnitLeaseRef struct {
	ServiceKey
	ID UnitLeaseID
}

func compareUnitLeases(a, b UnitLeaseRef) int {
	return cmp.Or(compareServices(a.ServiceKey, b.ServiceKey), cmp.Compare(a.ID, b.ID))
}

// UnitLease is units of one product that a tenant's service uses: of a robot or a service for as long as it is renewed; of a consumable
// it is one consumption, which counts until its period ends and is never given back.
// Source: docs/decisions/0031-consumption-leases.md.
type UnitLease struct {
	Organization OrganizationID
	UnitLeaseRef
	Quantity  int64     // in millionths, 0 to MaxQuantity units
	Version   int64     // number of the event that told its quantity last; what an etag says
	Owner     string    // who uses the units, as the caller calls them; at most MaxNameLength characters
	MadeBy    string    // an actor: nobody else renews or changes it
	CreatedAt time.Time // when it was acquired
	RenewedAt time.Time // when its maker last told that it goes on; never before CreatedAt
	PeriodEnd time.Time // of a consumption: the first instant at which it does not count any more; zero: the units are held
}

// KeepConsumptions is how long the id of a consumption is known after its period, in which it counts. After that it makes a new one, and
// the row may be missing.
const KeepConsumptions = 24 * time.Hour

// MissingUnitLease is the error of a lease of units that does not exist, or has ended.
func MissingUnitLease() *Error { return NotFound(ReasonNotFound, "there is no such lease") }

// Etag is what a caller sends back to change the lease only if nobody else has.
func (l UnitLease) Etag() string { return strconv.FormatInt(l.Version, 10) }

// Ends is the first instant at which the lease does not count any more unless it is renewed.
func (l UnitLease) Ends(p Policies) time.Time {
	if !l.PeriodEnd.IsZero() {
		return l.PeriodEnd
	}
	return l.RenewedAt.Add(time.Duration(p.UnitLeaseMinutes) * time.Minute)
}

// forgotten is the first instant at which the id of the lease makes a new one unless it is renewed.
func (l UnitLease) forgotten(p Policies) time.Time {
	if !l.PeriodEnd.IsZero() {
		return l.PeriodEnd.Add(KeepConsumptions)
	}
	return l.Ends(p)
}

// PartsOf reads a quantity as it comes in a request, to the nearest millionth. The error is invalid/invalid_value: less than nothing,
// or more than MaxQuantity.
func PartsOf(units float64) (int64, error) {
	if math.IsNaN(units) || units < 0 || units > MaxQuantity {
		return 0, Invalid(ReasonInvalidValue, "a quantity is 0 to %d", MaxQuantity).In("quantity")
	}
	return int64(math.Round(units * UnitParts)), nil
}

// Units is a number of millionths as callers read it.
func Units(parts int64) float64 { return float64(parts) / UnitParts }

// wholeUnits rounds millionths up: a unit of which a part is used is used.
func wholeUnits(parts int64) int64 { return (parts + UnitParts - 1) / UnitParts }

// wanted is how many units the service takes from its organization as long as there are any: what it was given, or what it uses
// where that is more.
func (p ServicePool) wanted() int64 {
	return max(p.Quantity, wholeUnits(p.Used))
}

// drawing is what the service draws of its organization, of which so many units are free. Only a consumable can be short of any.
func (p ServicePool) drawing(available int64) int64 {
	return min(p.wanted(), p.Drawn+available)
}

// At is the pool as it is at an instant, at which the purchases in force have this term, with their grace; it is zero where there are none.
// What was consumed in a period that is over counts no more, but for what is carried into the next.
func (p ServicePool) At(now, start, end time.Time) ServicePool {
	if !p.ended(now) {
		return p
	}
	return p.next(start, end)
}

// next is the pool in the period that follows, which is the term of the purchases in force. There is none, and nothing is carried, where
// these are none.
func (p ServicePool) next(start, end time.Time) ServicePool {
	p.Used, p.PeriodStart, p.PeriodEnd, p.Carried = p.Carried, start, end, 0
	if end.IsZero() {
		p.Used = 0
	}
	if p.Used == 0 {
		p.PeriodStart, p.PeriodEnd = time.Time{}, time.Time{}
	}
	return p
}

// carry is what the service carries into the next period after more was consumed, in millionths. Of the purchases in force, so many units
// end with the period and so many last beyond it; so many units are drawn by others. Those that end are used up first, as far as others leave
// them: what is consumed beyond is of those that last, up to all of them. Others may well have drawn of those that last, so several
// services together carry enough, and may carry more. An overdraft beyond everything is not carried.
func (p ServicePool) carry(more, ending, lasting, others int64) int64 {
	if lasting <= 0 {
		return p.Carried
	}
	beyond := p.Used - max(0, ending-others)*UnitParts
	return max(p.Carried, min(beyond, p.Carried+more, lasting*UnitParts))
}

// Settled is the pool as it is once what has ended by itself is given back, and how many units its organization has back then.
func (p ServicePool) Settled() (settled ServicePool, back int64) {
	back = max(0, p.Drawn-p.wanted())
	p.Drawn -= back
	return p, back
}

// ended reports that the period of what was consumed is over.
func (p ServicePool) ended(now time.Time) bool {
	return !p.PeriodEnd.IsZero() && !now.Before(p.PeriodEnd)
}

// AtOrganization is how much of what the service uses is beyond what it was given, in millionths.
func (p ServicePool) AtOrganization() int64 { return max(0, p.Used-p.Quantity*UnitParts) }

// UsageDay is how much of a product a tenant's service used on one day (UTC).
type UsageDay struct {
	Organization OrganizationID
	ServiceKey
	Day      int64 // days since 1970-01-01
	Peak     int64 // the most at a time, in millionths
	Last     int64 // at the end of the day
	Consumed int64 // of a consumable: what was recorded on the day
}

// DayOf numbers the day of an instant.
func DayOf(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / 86400)) }

// follow counts a change of what is used.
func (d UsageDay) follow(before, after int64, consumable bool) UsageDay {
	d.Peak, d.Last = max(d.Peak, before, after), after
	if consumable && after > before {
		d.Consumed += after - before
	}
	return d
}

// UnitsState is the data of the events about units that services use; the subject is the lease.
type UnitsState struct {
	Tenant    TenantID    `json:"tenant"`
	Service   ServiceType `json:"service"`
	Code      ProductCode `json:"code"`
	Quantity  int64       `json:"quantity"`           // of the lease now, in millionths; 0 where it has ended
	Used      int64       `json:"used"`               // by the service now, in millionths
	Start     time.Time   `json:"start,omitzero"`     // of the period in which a consumption counts, or which has ended
	End       time.Time   `json:"end,omitzero"`       // of that period
	Carried   *int64      `json:"carried,omitempty"`  // of a consumption: what of Used is carried into the next period, in millionths. nil: nothing was, by the rules of the time
	Overdraft bool        `json:"overdraft,omitzero"` // recorded whatever was free
	Pools     []PoolState `json:"pools"`              // the pool of the organization where it was drawn from or given back to
}

func (u UnitsState) key() ServiceKey { return ServiceKey{PoolScope{u.Tenant, u.Service}, u.Code} }

// AcquireUnits takes units of a product for a tenant's service under an id of the caller, or tells that they are still in use: a repeat
// is the same lease, renewed. Quantities are absolute. Units come from what the service was given, then from what its organization has
// left. A consumable is recorded once under its id, and a repeat changes nothing, also for KeepConsumptions after the period.
//
// Errors, in this order: not_found/organization_not_found; not_found/not_found for the tenant and for a product that does not exist;
// invalid/invalid_value for a bundle; forbidden/anothers_lease; conflict/stale_etag; not_found/no_license (only where more is taken);
// exhausted/units_exhausted. On an error nothing has changed except what ended before it, and the record of the refusal.
// Source: docs/decisions/0031-consumption-leases.md.
type AcquireUnits struct {
	Organization OrganizationID
	Lease        UnitLeaseRef
	Quantity     *int64  // in millionths, 0 to MaxQuantity units; nil: as it is, and one unit of what is new
	Owner        *string // nil: as it is
	Etag         string  // of the lease that is to be changed; empty: whatever it is
	Overdraft    bool    // a consumption is recorded whatever is free
}

// AcquiredUnits is the answer of [AcquireUnits].
type AcquiredUnits struct {
	Lease   UnitLease   `json:"lease"`
	Created bool        `json:"created"` // false: the lease was there already
	Service ServicePool `json:"service"`
}

// MaxPastUnits is how many leases that ended by themselves a store loads of one product, oldest first. More wait for the next batch.
const MaxPastUnits = 1000

func (c AcquireUnits) Operation() string { return "units.acquire" }

func (c AcquireUnits) Touches() []Touch {
	codes := []ProductCode{c.Lease.Code}
	return []Touch{{
		Organization: c.Organization, Codes: codes, UnitLeases: []UnitLeaseRef{c.Lease}, PastUnits: codes,
		Denied: []Denied{{DeniedService, c.Lease.PoolScope.String()}},
	}}
}

func (c AcquireUnits) Weight() int { return 1 }

// Decide answers the lease as it is now. A renewal has no event.
func (c AcquireUnits) Decide(s *Slice, origin Origin) (AcquiredUnits, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return AcquiredUnits{}, err
	}
	if !s.isTaken(c.Organization, IDsOfTenants, string(c.Lease.Tenant)) {
		return AcquiredUnits{}, MissingTenant()
	}
	product, err := s.catalogue.ServiceProduct(c.Lease.Code)
	if err != nil {
		return AcquiredUnits{}, err
	}
	if err := s.endPeriods(o, c.Lease.Code); err != nil {
		return AcquiredUnits{}, err
	}
	lease, exists := o.unitLease(c.Lease)
	switch {
	case exists && lease.MadeBy != origin.Actor:
		return AcquiredUnits{}, anothersLease(c.Lease.ID)
	case c.Etag != "" && (!exists || lease.Etag() != c.Etag):
		return AcquiredUnits{}, NewError(KindConflict, ReasonStaleEtag, "the lease is not as it was when its etag was told: read it again").In("etag")
	case exists && product.Kind == KindConsumable:
		return AcquiredUnits{Lease: lease, Service: o.service(c.Lease.ServiceKey)}, nil
	}
	quantity := int64(UnitParts)
	if exists {
		quantity = lease.Quantity
	}
	set(&quantity, c.Quantity)
	if !exists {
		if _, old := o.unitLeases[c.Lease]; old { // it ended by itself
			if err := s.endLeaseOfUnits(o, clockOrigin(), c.Lease, EventUnitsExpired); err != nil {
				return AcquiredUnits{}, err
			}
		}
		lease = UnitLease{Organization: c.Organization, UnitLeaseRef: c.Lease, MadeBy: origin.Actor, CreatedAt: o.now}
	}
	more := quantity - lease.Quantity
	if planted.Bug(planted.RepeatedUnits) {
		more = quantity
	}
	if (!exists || more > 0) && !o.licensed {
		return AcquiredUnits{}, missingLicense()
	}
	overdraft := product.Kind == KindConsumable && (c.Overdraft || o.organization.Overdraft == AllowOverdraft)
	if err := s.checkUnits(o, origin, c.Lease.ServiceKey, more, !exists, overdraft); err != nil {
		return AcquiredUnits{}, err
	}
	pool := o.service(c.Lease.ServiceKey)
	lease.RenewedAt = o.now
	set(&lease.Owner, c.Owner)
	if exists && more == 0 {
		o.putUnitLease(lease)
		return AcquiredUnits{Lease: lease, Service: pool}, nil
	}
	kind := EventUnitsAcquired
	data := UnitsState{Tenant: c.Lease.Tenant, Service: c.Lease.Service, Code: c.Lease.Code, Quantity: quantity}
	switch {
	case product.Kind == KindConsumable:
		if pool.PeriodEnd.IsZero() {
			pool.PeriodStart, pool.PeriodEnd = o.period(c.Lease.Code)
		}
		kind, lease.PeriodEnd = EventUnitsConsumed, pool.PeriodEnd
		data.Start, data.End, data.Overdraft = pool.PeriodStart, pool.PeriodEnd, overdraft
	case exists:
		kind = EventUnitsChanged
	}
	lease.Quantity = quantity
	pool, data.Pools = s.useUnits(o, pool, pool.Used+more)
	if data.Used = pool.Used; product.Kind == KindConsumable {
		pool = s.carryUnits(o, pool, more)
		data.Carried = &pool.Carried
	}
	if err := s.record(o, origin, kind, string(c.Lease.ID), data); err != nil {
		return AcquiredUnits{}, err
	}
	lease.Version = o.head.Sequence
	o.putUnitLease(lease)
	return AcquiredUnits{Lease: lease, Created: !exists, Service: pool}, nil
}

func clockOrigin() Origin { return Origin{Actor: SystemActor, Via: "clock"} }

func anothersLease(id UnitLeaseID) error {
	return NewError(KindForbidden, ReasonAnothersLease, "somebody else has made the lease %s", id).In("leaseIdentifier")
}

// checkUnits refuses to use more of a product than is free, and records that. Leases that ended by themselves are ended before, where
// there would not be enough with them. What is fresh, though it be of nothing, needs a purchase in force, and a consumption that may be overdrawn nothing else.
func (s *Slice) checkUnits(o *organizationSlice, origin Origin, key ServiceKey, more int64, fresh, overdraft bool) error {
	if more <= 0 && !(fresh && s.pool(o, key.Code).Total == 0) || more > 0 && s.unitsFree(o, key, more) {
		return nil
	}
	if err := s.endPast(o, key.Code); err != nil {
		return err
	}
	if more > 0 && s.unitsFree(o, key, more) {
		return nil
	}
	pool, service := s.pool(o, key.Code), o.services[key]
	if overdraft && pool.Total > 0 && service.Used+more <= MaxUsed {
		return nil
	}
	short := Shortage{Bundle: key.Code, Requested: wholeUnits(more), AtTenant: new(int64), AtOrganization: new(int64)}
	if !pool.Overallocated() {
		*short.AtTenant, *short.AtOrganization = max(0, service.Drawn*UnitParts-service.Used)/UnitParts, pool.Available()
	}
	short.Available = *short.AtTenant + *short.AtOrganization
	refusal := *AsError(s.refuseAll(o, origin, AllocationRefused{To: key.PoolScope.String(), Shortages: []Shortage{short}}))
	if refusal.Reason == ReasonPoolExhausted {
		refusal.Reason = ReasonUnitsExhausted
	}
	return &refusal
}

// unitsFree reports that a service can use so many more millionths: of what it has drawn, then of what its organization has left. In
// an overallocated pool nothing is free at either.
func (s *Slice) unitsFree(o *organizationSlice, key ServiceKey, more int64) bool {
	pool, service := s.pool(o, key.Code), o.services[key]
	service.Used += more
	return !pool.Overallocated() && service.wanted()-service.Drawn <= pool.Available()
}

// useUnits sets what a service uses, in millionths, and draws units from its organization or gives them back.
func (s *Slice) useUnits(o *organizationSlice, p ServicePool, used int64) (ServicePool, []PoolState) {
	o.followDay(p, used, !p.PeriodEnd.IsZero())
	p.Used = used
	var moved unitMoves
	drawn := p.drawing(s.pool(o, p.Code).Available())
	moved.add(p.Code, drawn-p.Drawn)
	p.Drawn = drawn
	o.putService(p)
	return p, s.moveUnits(o, moved)
}

// carryUnits notes what a service carries into the next period after it has consumed so many millionths more, which have been drawn.
func (s *Slice) carryUnits(o *organizationSlice, p ServicePool, more int64) ServicePool {
	pool, lasting := s.pool(o, p.Code), o.lasting(p)
	p.Carried = p.carry(more, pool.Total-lasting, lasting, pool.Used-p.Drawn)
	o.putService(p)
	return p
}

// lasting is how many units of the purchases in force go on after the period of a service.
func (o *organizationSlice) lasting(p ServicePool) int64 {
	if lots, loaded := o.lots[p.Code]; loaded {
		return lastingOf(lots, o.now, p.PeriodEnd)
	}
	if !o.terms[p.Code].end.After(p.PeriodEnd) {
		return 0 // it may have begun in this batch
	}
	return o.lastingUnits[p.ServiceKey]
}

// period is the time in which what is consumed of a product now counts: that of the purchases in force, with their grace.
func (o *organizationSlice) period(code ProductCode) (start, end time.Time) {
	if lots, loaded := o.lots[code]; loaded {
		return termOf(lots, o.now)
	}
	return o.terms[code].start, o.terms[code].end
}

// termOf is from when until when the lots in force count, with their grace. It is zero where none is.
func termOf(lots []Lot, now time.Time) (start, end time.Time) {
	for _, l := range lots {
		if !l.InForce(now) {
			continue
		}
		if start.IsZero() || l.Start.Before(start) {
			start = l.Start
		}
		if l.Expiry().After(end) {
			end = l.Expiry()
		}
	}
	return start, end
}

// lastingOf is how many units of the lots in force now count after an end as well.
func lastingOf(lots []Lot, now, end time.Time) (units int64) {
	for _, l := range lots {
		if l.InForce(now) && l.Expiry().After(end) {
			units += l.Quantity
		}
	}
	return units
}

// endPeriods begins anew what services have consumed of a product where the period of that is over, with what they carry.
func (s *Slice) endPeriods(o *organizationSlice, code ProductCode) error {
	for _, p := range o.poolsOf(code) {
		if !p.ended(o.now) {
			continue
		}
		data := UnitsState{Tenant: p.Tenant, Service: p.Service, Code: code, Start: p.PeriodStart, End: p.PeriodEnd}
		if planted.Bug(planted.ForgottenCarry) {
			p.Carried = 0
		}
		used := p.Used
		p = p.next(o.period(code))
		data.Used, p.Used = p.Used, used // as it was, so that the day counts the change
		_, data.Pools = s.useUnits(o, p, data.Used)
		if err := s.record(o, clockOrigin(), EventUnitsPeriodEnded, p.PoolScope.String(), data); err != nil {
			return err
		}
	}
	return nil
}

// endUnits ends what has ended by itself of a product, as far as it was loaded.
func (s *Slice) endUnits(o *organizationSlice, code ProductCode) error {
	if err := s.endPeriods(o, code); err != nil {
		return err
	}
	return s.endPast(o, code)
}

// endPast ends the loaded leases of a product that ended by themselves.
func (s *Slice) endPast(o *organizationSlice, code ProductCode) error {
	for _, ref := range o.pastLeases(code) {
		if err := s.endLeaseOfUnits(o, clockOrigin(), ref, EventUnitsExpired); err != nil {
			return err
		}
	}
	return nil
}

// endLeaseOfUnits gives back what a lease holds and forgets it. A consumption is forgotten alone.
func (s *Slice) endLeaseOfUnits(o *organizationSlice, origin Origin, ref UnitLeaseRef, kind EventKind) error {
	lease := o.unitLeases[ref]
	o.removeUnitLease(ref)
	if !lease.PeriodEnd.IsZero() {
		return nil
	}
	pool := o.service(ref.ServiceKey)
	data := UnitsState{Tenant: ref.Tenant, Service: ref.Service, Code: ref.Code}
	pool, data.Pools = s.useUnits(o, pool, pool.Used-lease.Quantity)
	data.Used = pool.Used
	return s.record(o, origin, kind, string(ref.ID), data)
}

// service is what a tenant's service has and uses of a product.
func (o *organizationSlice) service(key ServiceKey) ServicePool {
	p := o.services[key]
	p.Organization, p.ServiceKey = o.organization.ID, key
	return p
}

// poolsOf lists what was loaded of the services' pools of a product, in order.
func (o *organizationSlice) poolsOf(code ProductCode) []ServicePool {
	var found []ServicePool
	for key, p := range o.services {
		if key.Code == code {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b ServicePool) int { return compareServices(a.ServiceKey, b.ServiceKey) })
	return found
}
