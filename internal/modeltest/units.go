package modeltest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/seatwright/seatwright"
)

// unitLease is units that a service uses, or has consumed where there is an end.
type unitLease struct {
	by      string // who made it
	parts   int64  // millionths
	renewed time.Time
	until   time.Time // of the period; zero: held
}

// goesOn reports that the lease counts at an instant, whatever was swept.
func (l unitLease) goesOn(now time.Time) bool {
	if !l.until.IsZero() {
		return now.Before(l.until)
	}
	return now.Before(l.renewed.Add(unitLeaseMinutes * time.Minute))
}

// known reports that the id stands for the lease at an instant: of a consumption also for a day after it counts no more.
func (l unitLease) known(now time.Time) bool {
	if !l.until.IsZero() {
		return now.Before(l.until.Add(24 * time.Hour))
	}
	return l.goesOn(now)
}

// unitLeaseMinutes is the policy of the organization: long enough that some leases are renewed between two steps of the clock.
const unitLeaseMinutes = 20 * 60

// unitCommands are the kinds of random commands about units that services use.
var unitCommands = []string{"use", "use", "use", "use", "use", "use", "use", "consume", "consume", "consume", "give units back", "sweep units"}

// UsedParts is how many millionths a service uses, with those of leases that have ended and were not swept.
func (m *Model) UsedParts(key seatwright.ServiceKey) (sum int64) {
	for ref, l := range m.InUse {
		if ref.ServiceKey == key && (l.until.IsZero() || l.until.Equal(m.Periods[key])) {
			sum += l.parts
		}
	}
	return sum + m.Brought[key]
}

// UsedPartsAt is UsedParts as it is told at an instant: without what has ended.
func (m *Model) UsedPartsAt(key seatwright.ServiceKey, now time.Time) (sum int64) {
	until, metered := m.Periods[key]
	switch over := metered && !now.Before(until); {
	case over && m.Total(key.Code, now) > 0:
		sum = m.Carried[key]
	case !over:
		sum = m.Brought[key]
	}
	for ref, l := range m.InUse {
		if ref.ServiceKey == key && l.goesOn(now) && (l.until.IsZero() || l.until.Equal(m.Periods[key])) {
			sum += l.parts
		}
	}
	return sum
}

// Drawn is how many units a service draws from its organization: what it was given, or what it uses where that is more.
func (m *Model) Drawn(key seatwright.ServiceKey) int64 {
	used := m.UsedParts(key)
	whole := used / 1_000_000
	if used%1_000_000 > 0 {
		whole++
	}
	return max(m.Services[key], whole)
}

// ServiceKeys lists the products of services that were given or use anything.
func (m *Model) ServiceKeys() []seatwright.ServiceKey {
	keys := map[seatwright.ServiceKey]bool{}
	for key := range m.Services {
		keys[key] = true
	}
	for ref := range m.InUse {
		if m.UsedParts(ref.ServiceKey) > 0 {
			keys[ref.ServiceKey] = true
		}
	}
	for key := range m.Brought {
		keys[key] = true
	}
	return slices.Collect(maps.Keys(keys))
}

// fits reports that a service can use so many more millionths.
func (m *Model) fits(ref seatwright.UnitLeaseRef, more int64, now time.Time) bool {
	if m.Used(ref.Code) > m.Total(ref.Code, now) {
		return false
	}
	after := m.Clone()
	after.InUse[seatwright.UnitLeaseRef{ServiceKey: ref.ServiceKey, ID: "more"}] = unitLease{parts: more}
	return after.Used(ref.Code) <= m.Total(ref.Code, now)
}

// sweepUnits forgets what has ended of a product: periods always, leases where that is asked for. What was consumed beyond what ended with a
// period goes on in the next one, as long as anything is in force.
func (m *Model) sweepUnits(code seatwright.ProductCode, now time.Time, leases bool) {
	for key, until := range m.Periods {
		if key.Code != code || now.Before(until) {
			continue
		}
		left := m.Carried[key]
		delete(m.Periods, key)
		delete(m.Brought, key)
		delete(m.Carried, key)
		if left > 0 && m.Total(code, now) > 0 {
			m.Brought[key], m.Periods[key] = left, m.lastEnd(code, now)
		}
	}
	for ref, l := range m.InUse {
		if leases && ref.Code == code && l.until.IsZero() && !l.goesOn(now) {
			delete(m.InUse, ref)
		}
	}
}

// applyUnits carries out a command about units, and reports whether it is one.
func (m *Model) applyUnits(command any, actor string, now time.Time) (seatwright.Reason, bool) {
	reason, known := seatwright.Reason(""), true
	switch c := command.(type) {
	case seatwright.AcquireUnits:
		reason = m.use(c, actor, now)
	case seatwright.ReleaseUnits:
		reason = m.release(c, actor, now)
	case seatwright.SweepUnits:
		for _, code := range c.Codes {
			m.sweepUnits(code, now, true)
		}
	default:
		known = false
	}
	for key := range m.Periods {
		if m.Services[key] == 0 && m.UsedParts(key) == 0 {
			delete(m.Periods, key) // nothing is known of a service that has and uses nothing
		}
	}
	return reason, known
}

func (m *Model) use(c seatwright.AcquireUnits, actor string, now time.Time) seatwright.Reason {
	ref := c.Lease
	switch {
	case !slices.Contains(Tenants, ref.Tenant) || !slices.Contains(slices.Concat(Codes, Products), ref.Code):
		return seatwright.ReasonNotFound
	case slices.Contains(Codes, ref.Code):
		return seatwright.ReasonInvalidValue
	}
	m.sweepUnits(ref.Code, now, false)
	consumable := ref.Code == Products[1]
	lease, exists := m.InUse[ref]
	exists = exists && lease.known(now)
	switch {
	case exists && lease.by != actor:
		return seatwright.ReasonAnothersLease
	case c.Etag != "":
		return seatwright.ReasonStaleEtag // random commands know none that fits
	case exists && consumable:
		return ""
	case !exists:
		delete(m.InUse, ref)
		lease = unitLease{by: actor}
	}
	parts := int64(1_000_000)
	if exists {
		parts = lease.parts
	}
	if c.Quantity != nil {
		parts = *c.Quantity
	}
	more := parts - lease.parts
	if (!exists || more > 0) && !m.licensed(now) {
		return seatwright.ReasonNoLicense
	}
	unsold := !exists && m.Total(ref.Code, now) == 0
	if more > 0 && !m.fits(ref, more, now) || unsold {
		m.sweepUnits(ref.Code, now, true)
		if more > 0 && !m.fits(ref, more, now) || unsold {
			return seatwright.ReasonUnitsExhausted
		}
	}
	lease.parts, lease.renewed = parts, now
	if consumable {
		if _, runs := m.Periods[ref.ServiceKey]; !runs {
			m.Periods[ref.ServiceKey] = m.lastEnd(ref.Code, now)
		}
		lease.until = m.Periods[ref.ServiceKey]
	}
	m.InUse[ref] = lease
	if consumable {
		m.carry(ref.ServiceKey, more, now)
	}
	return ""
}

// carry follows more that was consumed while some purchases end with the period of the service and others stay. What ends is used up first, as far
// as nobody else has drawn it; whatever was consumed beyond that, was consumed of what stays.
func (m *Model) carry(key seatwright.ServiceKey, more int64, now time.Time) {
	var ends, stays int64
	for _, l := range m.Lots {
		switch {
		case l.Code != key.Code || !l.InForce(now):
		case l.Expiry().After(m.Periods[key]):
			stays += l.Quantity * 1_000_000
		default:
			ends += l.Quantity * 1_000_000
		}
	}
	others := (m.Used(key.Code) - m.Drawn(key)) * 1_000_000
	beyond := m.UsedParts(key)
	if ends > others {
		beyond -= ends - others
	}
	if carried := min(beyond, m.Carried[key]+more, stays); carried > m.Carried[key] {
		m.Carried[key] = carried
	}
}

// mayBeCleared reports that a command names a consumption that counts no more, whose row was of no use at an instant. Where the clock has gone back
// since, a store may know the id or not.
func (m *Model) mayBeCleared(c Command, latest time.Time) bool {
	acquire, is := c.command.(seatwright.AcquireUnits)
	lease, exists := m.InUse[acquire.Lease]
	return is && exists && !lease.until.IsZero() && !lease.known(latest)
}

// lastEnd is when the last of the purchases in force ends.
func (m *Model) lastEnd(code seatwright.ProductCode, now time.Time) (end time.Time) {
	for _, l := range m.Lots {
		if l.Code == code && l.InForce(now) && l.Expiry().After(end) {
			end = l.Expiry()
		}
	}
	return end
}

func (m *Model) release(c seatwright.ReleaseUnits, actor string, now time.Time) seatwright.Reason {
	for _, ref := range c.Leases {
		if l, exists := m.InUse[ref]; exists && l.until.IsZero() && l.goesOn(now) && l.by != actor && !c.Anybodys {
			return seatwright.ReasonAnothersLease // random commands name one lease for each id
		}
	}
	for _, ref := range c.Leases {
		if l, exists := m.InUse[ref]; exists && l.until.IsZero() && l.goesOn(now) {
			delete(m.InUse, ref)
		}
	}
	return ""
}

// drawUnits makes a random command about units that services use: of a few services, ids and products, some of which there are not.
func (m *Model) drawUnits(t *rapid.T, kind string) Command {
	if kind == "sweep units" {
		return Of(seatwright.SweepUnits{Organization: m.Organization, Codes: Products})
	}
	ref := func(code seatwright.ProductCode) seatwright.UnitLeaseRef {
		return seatwright.UnitLeaseRef{ID: seatwright.UnitLeaseID(fmt.Sprint("l-", rapid.IntRange(1, 3).Draw(t, "lease"))), ServiceKey: seatwright.ServiceKey{Code: code, PoolScope: seatwright.PoolScope{
			Tenant: rapid.SampledFrom(append(slices.Repeat(Tenants, 4), "nowhere")).Draw(t, "tenant"), Service: "orchestrator",
		}}}
	}
	if kind == "give units back" {
		one := ref(rapid.SampledFrom(Products).Draw(t, "product"))
		return Of(seatwright.ReleaseUnits{
			Organization: m.Organization, IDs: []seatwright.UnitLeaseID{one.ID}, Leases: []seatwright.UnitLeaseRef{one}, Anybodys: rapid.IntRange(0, 2).Draw(t, "anybody's") == 0,
		})
	}
	c := seatwright.AcquireUnits{Organization: m.Organization, Lease: ref(rapid.SampledFrom(append(slices.Repeat(Products, 4), "ATTUNU", "NOSUCH")).Draw(t, "product"))}
	if kind == "consume" { // by the service whose period the furniture began
		c.Lease.PoolScope, c.Lease.Code = seatwright.PoolScope{Tenant: Tenants[0], Service: "orchestrator"}, Products[1]
	} else if len(m.InUse) > 0 && rapid.Bool().Draw(t, "one that is there") {
		there := slices.SortedFunc(maps.Keys(m.InUse),
			func(a, b seatwright.UnitLeaseRef) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		c.Lease = rapid.SampledFrom(there).Draw(t, "which")
	}
	if parts := rapid.SampledFrom([]int64{-1, 0, 1, 500_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000}).Draw(t, "millionths"); parts >= 0 {
		c.Quantity = &parts
	}
	if rapid.IntRange(0, 9).Draw(t, "etag") == 0 {
		c.Etag = "0"
	}
	return Of(c)
}
