package seatwright

import (
	"maps"
	"time"
)

// What the events say of the units that services use, and how it is compared with what is stored.

// free is how many units of a pool are free at an instant by the events.
func (r Replayed) free(code ProductCode, at time.Time) int64 {
	pool := r.pool(code)
	if pool.Stale(at) {
		pool.Total, pool.TotalUntil = totalOf(pool.lots, at)
	}
	return pool.Available()
}

// setService replaces what a tenant's service was given.
func (r Replayed) setService(e Event, set ServiceLicenseSet, differs func(format string, args ...any)) {
	scope := PoolScope{set.Tenant, set.Service}
	if _, known := r.tenants[set.Tenant]; !known || e.Subject != scope.String() {
		differs("gives units to %s, of which no event tells", e.Subject)
	}
	given := map[ProductCode]int64{}
	for key := range r.services {
		if key.PoolScope == scope {
			given[key.Code] = 0
		}
	}
	for _, p := range set.Products {
		given[p.Code] = p.Units
	}
	moved := map[ProductCode]int64{}
	for code, units := range given {
		p := r.service(ServiceKey{scope, code})
		if p.Quantity == units {
			continue // it was left as it is, with what it draws for its use
		}
		p.Quantity = units
		drawn := p.drawing(r.free(code, e.At))
		moved[code] = drawn - p.Drawn
		if p.Drawn = drawn; drawn < units {
			differs("gives %d of %s to %s beyond what was bought: it has %d", units, code, scope, drawn)
		}
		r.putService(p)
	}
	r.move(e, moved, set.Pools, differs)
}

// service returns what a tenant's service has and uses of a product.
func (r Replayed) service(key ServiceKey) ServicePool {
	p := r.services[key]
	p.ServiceKey = key
	return p
}

func (r Replayed) putService(p ServicePool) {
	r.services[p.ServiceKey] = p
	if p.Quantity == 0 && p.Used == 0 {
		delete(r.services, p.ServiceKey)
	}
}

// units follows what happens to a lease of units, or to what a service has consumed.
func (r Replayed) units(e Event, u UnitsState, differs func(format string, args ...any)) {
	key, id := u.key(), UnitLeaseID(e.Subject)
	leases := r.unitLeases[key]
	if leases == nil {
		leases = map[UnitLeaseID]UnitLease{}
		r.unitLeases[key] = leases
	}
	if _, known := r.tenants[u.Tenant]; !known {
		differs("uses units for %s, of which no event tells", u.Tenant)
	}
	p, before := r.service(key), r.service(key).Used
	lease, exists := leases[id]
	more := u.Quantity - lease.Quantity
	switch e.Kind {
	case EventUnitsAcquired, EventUnitsConsumed:
		if exists && (lease.PeriodEnd.IsZero() || e.At.Before(lease.PeriodEnd)) {
			differs("takes the lease %s of %s for %s a second time", id, key.Code, key.PoolScope)
		}
		if !lease.PeriodEnd.IsZero() {
			more = u.Quantity
		}
		lease = UnitLease{MadeBy: e.Actor, CreatedAt: e.At, PeriodEnd: u.End}
	case EventUnitsChanged:
		if !exists || lease.MadeBy != e.Actor || !lease.PeriodEnd.IsZero() {
			differs("changes the lease %s of %s for %s, which %s has not made", id, key.Code, key.PoolScope, e.Actor)
		}
	case EventUnitsPeriodEnded:
		if p.PeriodEnd.IsZero() || e.At.Before(p.PeriodEnd) || e.Subject != key.PoolScope.String() {
			differs("ends a period of %s for %s, of which no event tells", key.Code, key.PoolScope)
		}
		maps.DeleteFunc(leases, func(_ UnitLeaseID, l UnitLease) bool { return l.PeriodEnd.Equal(p.PeriodEnd) })
		p = p.next(termOf(r.pool(key.Code).lots, e.At))
		more, p.Used = p.Used-before, before
	default:
		if !exists || !lease.PeriodEnd.IsZero() || e.Kind != EventUnitsExpired && (e.Kind == EventUnitsReleased) != (lease.MadeBy == e.Actor) {
			differs("ends the lease %s of %s for %s, which is not there or not that of %s", id, key.Code, key.PoolScope, e.Actor)
		}
		delete(leases, id)
	}
	if e.Kind == EventUnitsConsumed {
		if p.PeriodEnd.IsZero() {
			p.PeriodStart, p.PeriodEnd = u.Start, u.End
		}
		if !p.PeriodStart.Equal(u.Start) || !p.PeriodEnd.Equal(u.End) || !e.At.Before(u.End) {
			differs("consumes in a period from %s to %s, which is not that of %s", moment(u.Start), moment(u.End), key.PoolScope)
		}
	}
	if e.Kind == EventUnitsAcquired || e.Kind == EventUnitsChanged || e.Kind == EventUnitsConsumed {
		lease.Quantity, lease.Version = u.Quantity, e.Sequence
		leases[id] = lease
	}
	p.Used += more
	if p.Used != u.Used || p.Used < 0 {
		differs("says that %s uses %d millionths of %s; by the events it is %d", key.PoolScope, u.Used, key.Code, p.Used)
	}
	free, pool := r.free(key.Code, e.At), r.pool(key.Code)
	drawn := p.drawing(free)
	if more > 0 && !u.Overdraft && (p.wanted() > drawn || pool.Overallocated()) {
		differs("has %s use %d millionths of %s beyond the %d units that there are", key.PoolScope, p.Used, key.Code, drawn)
	}
	ref := usageRef{key, DayOf(e.At)}
	r.usage[ref] = r.usage[ref].follow(before, p.Used, e.Kind == EventUnitsConsumed)
	moved, others := map[ProductCode]int64{key.Code: drawn - p.Drawn}, pool.Used-p.Drawn
	p.Drawn = drawn
	if u.Carried != nil { // the first programs told none, and carried none
		total, _ := totalOf(pool.lots, e.At)
		lasting := lastingOf(pool.lots, e.At, p.PeriodEnd)
		if p.Carried = p.carry(more, total-lasting, lasting, others); p.Carried != *u.Carried {
			differs("says that %s carries %d millionths of %s into the next period; by the events it is %d", key.PoolScope, *u.Carried, key.Code, p.Carried)
		}
	}
	r.putService(p)
	r.move(e, moved, u.Pools, differs)
}

// takeService compares what a tenant's service has and uses.
func (c *organizationCheck) takeService(stored ServicePool) {
	key := stored.ServiceKey
	told, known := c.replayed.services[key]
	c.services[key] = true
	c.replayed.pool(key.Code).seats += stored.Drawn
	switch {
	case !known:
		c.differ("service %s: no event gave it %d of %s", key.PoolScope, stored.Quantity, key.Code)
	case told.Quantity != stored.Quantity || told.Used != stored.Used || told.Drawn != stored.Drawn || told.Carried != stored.Carried ||
		!told.PeriodStart.Equal(stored.PeriodStart) || !told.PeriodEnd.Equal(stored.PeriodEnd):
		c.differ("service %s: stored are %d of %s, %d drawn, %d millionths in use until %s, %d of them carried; by the events %d, %d drawn, %d in use until %s, %d carried",
			key.PoolScope, stored.Quantity, key.Code, stored.Drawn, stored.Used, moment(stored.PeriodEnd), stored.Carried, told.Quantity, told.Drawn, told.Used,
			moment(told.PeriodEnd), told.Carried)
	}
}

// takeUnitLease compares a lease of units. Of a consumption that does not count any more the events need not tell.
func (c *organizationCheck) takeUnitLease(stored UnitLease) {
	key := stored.ServiceKey
	told, known := c.replayed.unitLeases[key][stored.ID]
	delete(c.replayed.unitLeases[key], stored.ID)
	switch {
	case !known && !stored.PeriodEnd.IsZero() && !stored.PeriodEnd.Equal(c.replayed.services[key].PeriodEnd):
	case !known:
		c.differ("lease %s of %s for %s: no event tells of it", stored.ID, key.Code, key.PoolScope)
	case told.Quantity != stored.Quantity || told.Version != stored.Version || told.MadeBy != stored.MadeBy || !told.CreatedAt.Equal(stored.CreatedAt) ||
		!told.PeriodEnd.Equal(stored.PeriodEnd) || stored.RenewedAt.Before(stored.CreatedAt):
		c.differ("lease %s of %s for %s: stored with %d millionths, number %d, of %s, made at %s, renewed at %s; by the events %d, number %d, of %s, made at %s",
			stored.ID, key.Code, key.PoolScope, stored.Quantity, stored.Version, stored.MadeBy, moment(stored.CreatedAt), moment(stored.RenewedAt),
			told.Quantity, told.Version, told.MadeBy, moment(told.CreatedAt))
	}
}

// takeUsage compares what was used on a day.
func (c *organizationCheck) takeUsage(stored UsageDay) {
	ref := usageRef{stored.ServiceKey, stored.Day}
	told, known := c.replayed.usage[ref]
	delete(c.replayed.usage, ref)
	if !known || told.Peak != stored.Peak || told.Last != stored.Last || told.Consumed != stored.Consumed {
		c.differ("use of %s by %s on day %d: stored are peak %d, last %d, consumed %d; by the events %d, %d, %d", stored.Code, stored.PoolScope, stored.Day,
			stored.Peak, stored.Last, stored.Consumed, told.Peak, told.Last, told.Consumed)
	}
}

// endUnits looks for what the events tell of and no row had.
func (c *organizationCheck) endUnits() {
	for _, key := range sortedKeysFunc(c.replayed.services, compareServices) {
		if !c.services[key] {
			c.differ("service %s: by the events it has %d of %s, and they are missing", key.PoolScope, c.replayed.services[key].Quantity, key.Code)
		}
	}
	for _, key := range sortedKeysFunc(c.replayed.unitLeases, compareServices) {
		for _, id := range sortedKeys(c.replayed.unitLeases[key]) {
			// A consumption of nothing keeps no period, and may be cleared before the end that a later one has.
			lease := c.replayed.unitLeases[key][id]
			if end := lease.PeriodEnd; end.IsZero() || lease.Quantity > 0 && end.Equal(c.replayed.services[key].PeriodEnd) {
				c.differ("lease %s of %s for %s: by the events it exists, and it is missing", id, key.Code, key.PoolScope)
			}
		}
	}
	for _, ref := range sortedKeysFunc(c.replayed.usage, func(a, b usageRef) int { return compareServices(a.ServiceKey, b.ServiceKey) }) {
		c.differ("use of %s by %s on day %d: by the events there was some, and it is missing", ref.Code, ref.PoolScope, ref.day)
	}
}
