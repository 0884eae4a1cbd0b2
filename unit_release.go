package seatwright

import (
	"cmp"
	"slices"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// ReleaseUnits gives back what leases hold. What is not there has ended already, and what was consumed stays so. An administrator may
// release what anybody has made; of others' leases that is a revocation.
//
// Errors: not_found/organization_not_found; forbidden/anothers_lease where somebody else has made all leases of one of the ids. Then
// nothing has changed.
type ReleaseUnits struct {
	Organization OrganizationID
	IDs          []UnitLeaseID  // 1 to MaxUsersPerCall, each once; empty: whatever is in Leases and may be released
	Leases       []UnitLeaseRef `json:"-"` // all that there were under these ids
	Anybodys     bool           // an administrator asks
}

func (c ReleaseUnits) Operation() string { return "units.release" }

func (c ReleaseUnits) Touches() []Touch {
	return []Touch{{Organization: c.Organization, UnitLeases: c.Leases}}
}

func (c ReleaseUnits) Weight() int { return max(1, len(c.Leases)) }

// Decide answers how many leases ended.
func (c ReleaseUnits) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	var own []UnitLeaseRef
	found := map[UnitLeaseID]bool{} // whether one of them may be released
	for _, ref := range c.Leases {
		lease, exists := o.unitLease(ref)
		if !exists || !lease.PeriodEnd.IsZero() {
			continue
		}
		may := c.Anybodys || lease.MadeBy == origin.Actor
		if may {
			own = append(own, ref)
		}
		found[ref.ID] = found[ref.ID] || may
	}
	for _, id := range c.IDs {
		if may, exists := found[id]; exists && !may {
			return 0, anothersLease(id)
		}
	}
	for _, ref := range own {
		kind := EventUnitsReleased
		if o.unitLeases[ref].MadeBy != origin.Actor {
			kind = EventUnitsRevoked
		}
		if err := s.endLeaseOfUnits(o, origin, ref, kind); err != nil {
			return 0, err
		}
	}
	return len(own), nil
}

// SweepUnits ends the leases of some products that were not renewed for as long as the policy says, and begins anew what services have
// consumed where the period is over. Repeating it changes nothing. The only error is not_found/organization_not_found.
type SweepUnits struct {
	Organization OrganizationID
	Codes        []ProductCode // at most MaxSweep
}

func (c SweepUnits) Operation() string { return "units.sweep" }

func (c SweepUnits) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Codes: c.Codes, PastUnits: c.Codes}}
}

func (c SweepUnits) Weight() int { return MaxPastUnits }

// Decide answers how many leases and periods ended.
func (c SweepUnits) Decide(s *Slice, _ Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	before := len(o.events)
	for _, code := range c.Codes {
		if err := s.endUnits(o, code); err != nil {
			return 0, err
		}
	}
	return len(o.events) - before, nil
}

// unitSlice is what a slice knows of leases of units. The pools of services are in serviceSlice.
type unitSlice struct {
	unitLeases        map[UnitLeaseRef]UnitLease
	changedUnitLeases map[UnitLeaseRef]bool // true: there was a row when the slice was loaded
	terms             map[ProductCode]term  // of the purchases in force
	lastingUnits      map[ServiceKey]int64  // of these, how many units go on after the stored period of the service
	usage             map[usageRef]UsageDay // what is to be counted on top of what is stored
}

type term struct{ start, end time.Time }

type usageRef struct {
	ServiceKey
	day int64
}

// LoadUnitLease adds a lease of units. The pool of its service is loaded as well.
func (s *Slice) LoadUnitLease(l UnitLease) { s.at(l.Organization).setUnitLease(l) }

// LoadTerm says from when until when the purchases of a product that are in force now count, with their grace, and how many of their units
// go on after the stored period of a service: 0 where it has none. It is not needed where no purchase is in force, or where the lots are loaded.
func (s *Slice) LoadTerm(organization OrganizationID, key ServiceKey, start, end time.Time, lasting int64) {
	o := s.at(organization)
	if o.terms == nil {
		o.terms, o.lastingUnits = map[ProductCode]term{}, map[ServiceKey]int64{}
	}
	o.terms[key.Code], o.lastingUnits[key] = term{start, end}, lasting
}

func (o *organizationSlice) setUnitLease(l UnitLease) {
	if o.unitLeases == nil {
		o.unitLeases = map[UnitLeaseRef]UnitLease{}
	}
	o.unitLeases[l.UnitLeaseRef] = l
}

// unitLease finds a lease that has not ended by itself, or a consumption whose id is known still.
func (o *organizationSlice) unitLease(ref UnitLeaseRef) (UnitLease, bool) {
	l, exists := o.unitLeases[ref]
	if exists && planted.Bug(planted.UnitsNeverEnd) {
		return l, true
	}
	return l, exists && o.now.Before(l.forgotten(o.organization.Policies))
}

// pastLeases lists the loaded leases of a product that have ended by themselves and hold units still, in order.
func (o *organizationSlice) pastLeases(code ProductCode) []UnitLeaseRef {
	var past []UnitLeaseRef
	for ref, l := range o.unitLeases {
		if _, holds := o.unitLease(ref); ref.Code == code && !holds && l.PeriodEnd.IsZero() {
			past = append(past, ref)
		}
	}
	slices.SortFunc(past, compareUnitLeases)
	return past
}

func (o *organizationSlice) putUnitLease(l UnitLease) {
	o.noteUnitLease(l.UnitLeaseRef)
	o.setUnitLease(l)
}

func (o *organizationSlice) removeUnitLease(ref UnitLeaseRef) {
	o.noteUnitLease(ref)
	delete(o.unitLeases, ref)
}

func (o *organizationSlice) noteUnitLease(ref UnitLeaseRef) {
	if o.changedUnitLeases == nil {
		o.changedUnitLeases = map[UnitLeaseRef]bool{}
	}
	note(o.changedUnitLeases, o.unitLeases, ref)
}

// followDay counts a change of what a service uses into the day.
func (o *organizationSlice) followDay(p ServicePool, used int64, consumable bool) {
	if o.usage == nil {
		o.usage = map[usageRef]UsageDay{}
	}
	ref := usageRef{p.ServiceKey, DayOf(o.now)}
	day := o.usage[ref]
	day.Organization, day.ServiceKey, day.Day = o.organization.ID, p.ServiceKey, ref.day
	o.usage[ref] = day.follow(p.Used, used, consumable)
}

func (c *Changes) addUnits(id OrganizationID, o *organizationSlice) {
	for _, ref := range sortedKeysFunc(o.changedUnitLeases, compareUnitLeases) {
		l, stays := o.unitLeases[ref]
		switch {
		case stays:
			c.UnitLeases = append(c.UnitLeases, l)
		case o.changedUnitLeases[ref]:
			c.RemovedUnitLeases = append(c.RemovedUnitLeases, UnitLease{Organization: id, UnitLeaseRef: ref})
		}
	}
	for _, ref := range sortedKeysFunc(o.usage, func(a, b usageRef) int {
		return cmp.Or(compareServices(a.ServiceKey, b.ServiceKey), cmp.Compare(a.day, b.day))
	}) {
		c.Usage = append(c.Usage, o.usage[ref])
	}
}
