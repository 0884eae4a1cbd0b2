package seatwright

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// LotOrigin says where the units of a lot come from.
type LotOrigin string

// The origins of lots.
const (
	OriginPurchase LotOrigin = ""     // they were bought
	OriginHost     LotOrigin = "host" // the host distributes them: they count as used there
)

// hostLotPrefix begins the ids of what the host distributes. No purchase of an organization may have such an id.
const hostLotPrefix = "host-"

func hostLotID(code ProductCode) LotID { return LotID(hostLotPrefix + string(code)) }

// DistributeToOrganization gives an organization units of the host. Each listed code is one lot of the organization, with an absolute
// quantity; none removes it, and codes that are not listed stay as they are. The lot is in force for as long as the host has any
// license in force. Lowering needs nothing that is free; units beyond those that the organization has already have to be free at the host.
//
// Errors, in this order: not_found/organization_not_found, also for the host itself; not_found/no_license where the host has none
// in force (only where there are units); conflict/duplicate where a purchase of before has the id of the lot, and
// invalid/invalid_value where the pool would pass MaxQuantity; exhausted/pool_exhausted, also for a code that does not exist;
// conflict/below_use as the policy of the organization says. On an
// error nothing has changed except the record of the refusal, which is the host's.
// Source: docs/decisions/0028-distribution.md.
type DistributeToOrganization struct {
	Organization OrganizationID
	Products     []Quantity // 1 to MaxCodesPerCall, each code once
}

// DistributionSet is the data of the events about what the host distributes to an organization: its state after the change. Both
// chains have one.
type DistributionSet struct {
	Products []Distributed `json:"products"` // all that the organization has from the host, in the order of the codes
	Pools    []PoolState   `json:"pools"`    // the pools of the chain's own organization that the change touched, as they are now
}

// Distributed is what an organization has of one product from the host. Start and end are those of its lot, in the
// organization's chain alone.
type Distributed struct {
	Code     ProductCode `json:"code"`
	Quantity int64       `json:"quantity"`
	Start    time.Time   `json:"start,omitzero"`
	End      time.Time   `json:"end,omitzero"`
}

func (c DistributeToOrganization) Operation() string { return "distribution.set" }

func (c DistributeToOrganization) Touches() []Touch { return touchDistribution(c.Organization) }

// touchDistribution names the host first, whose command it is.
func touchDistribution(organization OrganizationID) []Touch {
	return []Touch{
		{Organization: HostID, AllLots: true, Denied: []Denied{{DeniedOrganization, string(organization)}}}, {Organization: organization, AllLots: true},
	}
}

func (c DistributeToOrganization) Weight() int { return max(1, len(c.Products)) }

// Decide answers all that the organization has now.
func (c DistributeToOrganization) Decide(s *Slice, origin Origin) (AccountLicense, error) {
	host, o, err := s.hostAnd(c.Organization)
	if err != nil {
		return AccountLicense{}, err
	}
	if wantsUnits(c.Products) && !host.licensed {
		return AccountLicense{}, NotFound(ReasonNoLicense, "the host has no license in force")
	}
	var short []Shortage
	for _, q := range c.Products {
		lot := o.hostLot(q.Code)
		if err := o.checkHostLot(q, lot.Quantity); err != nil {
			return AccountLicense{}, err
		}
		if needed, available, exists := s.needed(host, q, lot.Quantity); needed > available || !exists {
			short = append(short, Shortage{Bundle: q.Code, Requested: needed, Available: available})
		}
	}
	if len(short) > 0 {
		return AccountLicense{}, s.refuseAll(host, origin, AllocationRefused{To: string(c.Organization), Shortages: short})
	}
	wanted := map[ProductCode]int64{}
	for _, q := range c.Products {
		wanted[q.Code] = q.Units
	}
	if err := o.checkLess(wanted); err != nil {
		return AccountLicense{}, err
	}
	err = s.distribute(host, o, origin, wanted, EventDistributionSet)
	return o.accountLicense(), err
}

// hostAnd returns the host and another organization.
func (s *Slice) hostAnd(id OrganizationID) (host, o *organizationSlice, err error) {
	if host, err = s.organization(HostID); err != nil {
		return nil, nil, err
	}
	if id == HostID {
		return nil, nil, MissingOrganization()
	}
	o, err = s.organization(id)
	return host, o, err
}

// checkHostLot refuses a quantity with which the pool of the organization would be too large, and a lot whose id is in use.
func (o *organizationSlice) checkHostLot(q Quantity, had int64) error {
	sum := q.Units - had
	for code, lots := range o.lots {
		for _, l := range lots {
			if code == q.Code {
				sum += l.Quantity
			}
			if l.ID == hostLotID(q.Code) && l.Origin != OriginHost && q.Units > 0 {
				return NewError(KindConflict, ReasonDuplicate, "the organization has a purchase with the id %s", l.ID).In("productQuantities")
			}
		}
	}
	if sum > MaxQuantity {
		return Invalid(ReasonInvalidValue, "all that the organization has of %s may be %d units at most", q.Code, MaxQuantity).In("productQuantities")
	}
	return nil
}

// distribute sets the quantities of some codes, and the windows of their lots, with an event in each chain that something
// changes in.
func (s *Slice) distribute(host, o *organizationSlice, origin Origin, wanted map[ProductCode]int64, kind EventKind) error {
	from, until := coverage(host.lots, o.now)
	var moved unitMoves
	var changed []ProductCode
	for _, code := range sortedKeys(wanted) {
		before := o.hostLot(code)
		lot := before
		if lot.Quantity == 0 {
			lot = Lot{
				Organization: o.organization.ID, ID: hostLotID(code), Code: code, Start: o.now, End: o.now, Origin: OriginHost, CreatedAt: o.now,
			}
		}
		lot.Quantity = wanted[code]
		lot = lot.during(from, until, o.now)
		if lot.Quantity == before.Quantity && (lot.Quantity == 0 || lot.Start.Equal(before.Start) && lot.End.Equal(before.End)) {
			continue
		}
		moved.add(code, lot.Quantity-before.Quantity)
		changed = append(changed, code)
		if lot.Quantity > 0 {
			o.putLot(lot)
		} else {
			o.removeLot(lot)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	data := DistributionSet{Products: o.distributed(), Pools: o.refreshPools(changed)}
	o.license()
	if err := s.record(o, origin, kind, string(o.organization.ID), data); err != nil || len(moved) == 0 {
		return err
	}
	data.Pools = s.moveUnits(host, moved)
	data.Products = slices.Clone(data.Products)
	for i := range data.Products {
		data.Products[i].Start, data.Products[i].End = time.Time{}, time.Time{}
	}
	return s.record(host, origin, kind, string(o.organization.ID), data)
}

// coverage is the time, from now on, in which at least one of the lots is in force without a gap. Where none is now it is that
// after the next start; both are zero where none is to come.
func coverage(lots map[ProductCode][]Lot, now time.Time) (from, until time.Time) {
	next := time.Time{}
	until = now
	for grown := true; grown; {
		grown = false
		for _, all := range lots {
			for _, l := range all {
				if !l.Start.After(until) && l.Expiry().After(until) {
					until, grown = l.Expiry(), true
				}
				if l.Start.After(now) && (next.IsZero() || l.Start.Before(next)) {
					next = l.Start
				}
			}
		}
	}
	switch {
	case until.After(now):
		return now, until
	case next.IsZero():
		return next, next
	}
	return coverage(lots, next)
}

// during returns the lot with the window of a coverage: from its start on, or from the beginning of the coverage where that is
// still to come. One that is not covered any more has ended.
func (l Lot) during(from, until, now time.Time) Lot {
	switch {
	case until.IsZero():
		if l.End.After(now) {
			l.End = now
		}
	case from.After(now):
		l.Start, l.End = from, until
	default:
		if l.Start.After(now) {
			l.Start = now
		}
		l.End = until
	}
	if !l.End.After(l.Start) { // a lot that ends at the instant at which it was made
		l.Start = l.End.Add(-time.Microsecond)
	}
	return l
}

// AlignDistribution gives what the host distributes to an organization the windows that follow from the host's lots of now. It
// belongs behind every change of these, and to the end of each time in which any of them is in force: one that begins after a gap
// is known at the earliest when the time before it is over. Errors: not_found/organization_not_found.
type AlignDistribution struct {
	Organization OrganizationID
}

func (c AlignDistribution) Operation() string { return "distribution.align" }

func (c AlignDistribution) Touches() []Touch { return touchDistribution(c.Organization) }

func (c AlignDistribution) Weight() int { return 1 }

// Decide answers all that the organization has now. Where nothing differs it writes nothing.
func (c AlignDistribution) Decide(s *Slice, origin Origin) (AccountLicense, error) {
	host, o, err := s.hostAnd(c.Organization)
	if err != nil {
		return AccountLicense{}, err
	}
	wanted := map[ProductCode]int64{}
	for _, p := range o.distributed() {
		wanted[p.Code] = p.Quantity
	}
	err = s.distribute(host, o, origin, wanted, EventDistributionAligned)
	return o.accountLicense(), err
}

// RemoveOrganizationLicense takes back all that the host distributes to an organization. Whoever holds a seat keeps it: the pools
// are overallocated then. It works without a license in force. Errors: not_found/organization_not_found, also for the host itself;
// conflict/below_use as the policy of the organization says.
type RemoveOrganizationLicense struct {
	Organization OrganizationID
}

func (c RemoveOrganizationLicense) Operation() string { return "distribution.remove" }

func (c RemoveOrganizationLicense) Touches() []Touch { return touchDistribution(c.Organization) }

func (c RemoveOrganizationLicense) Weight() int { return 1 }

// Decide answers what the organization is left with.
func (c RemoveOrganizationLicense) Decide(s *Slice, origin Origin) (AccountLicense, error) {
	host, o, err := s.hostAnd(c.Organization)
	if err != nil {
		return AccountLicense{}, err
	}
	wanted := map[ProductCode]int64{}
	for _, p := range o.distributed() {
		wanted[p.Code] = 0
	}
	if err := o.checkLess(wanted); err != nil {
		return AccountLicense{}, err
	}
	err = s.distribute(host, o, origin, wanted, EventDistributionRemoved)
	return o.accountLicense(), err
}

// checkLess refuses to take units back as [organizationSlice.checkShrink] does.
func (o *organizationSlice) checkLess(wanted map[ProductCode]int64) error {
	var changed []Lot
	for code, units := range wanted {
		lot := o.hostLot(code)
		lot.Quantity = units
		changed = append(changed, lot)
	}
	return o.checkShrink(changed...)
}

// hostLot returns what the host distributes of a code; one without quantity: nothing.
func (o *organizationSlice) hostLot(code ProductCode) Lot {
	for _, l := range o.lots[code] {
		if l.Origin == OriginHost {
			return l
		}
	}
	return Lot{}
}

// distributed lists all that the host distributes to the organization, in the order of the codes.
func (o *organizationSlice) distributed() []Distributed {
	all := []Distributed{}
	for _, code := range sortedKeys(o.lots) {
		if l := o.hostLot(code); l.Quantity > 0 {
			all = append(all, Distributed{Code: code, Quantity: l.Quantity, Start: l.Start, End: l.End})
		}
	}
	return all
}

// refreshPools computes the totals of some codes again, after their lots have changed.
func (o *organizationSlice) refreshPools(codes []ProductCode) []PoolState {
	states := make([]PoolState, len(codes))
	for i, code := range codes {
		states[i] = o.settle(code).state()
	}
	return states
}

// lotRef names a lot of an organization.
type lotRef struct {
	code ProductCode
	id   LotID
}

// lotSlice is what commands have changed of lots. The lots themselves are with the pools.
type lotSlice struct {
	changedLots map[lotRef]bool // true: there was a row when the slice was loaded
}

// putLot stores a lot. All lots of its code have been loaded, if there are any. The pool has to be refreshed then.
func (o *organizationSlice) putLot(l Lot) {
	i, existed := o.noteLot(l)
	if existed {
		o.lots[l.Code][i] = l
		return
	}
	put(&o.lots, l.Code, append(o.lots[l.Code], l))
}

// removeLot takes a lot out, as putLot stores one.
func (o *organizationSlice) removeLot(l Lot) {
	if i, existed := o.noteLot(l); existed {
		o.lots[l.Code] = slices.Delete(o.lots[l.Code], i, i+1)
	}
}

func (o *organizationSlice) noteLot(l Lot) (place int, existed bool) {
	place = slices.IndexFunc(o.lots[l.Code], func(other Lot) bool { return other.ID == l.ID })
	if _, noted := o.changedLots[lotRef{l.Code, l.ID}]; !noted {
		put(&o.changedLots, lotRef{l.Code, l.ID}, place >= 0)
	}
	return place, place >= 0
}

func (c *Changes) addLots(id OrganizationID, o *organizationSlice) {
	refs := sortedKeysFunc(o.changedLots, func(a, b lotRef) int {
		return cmp.Or(cmp.Compare(a.code, b.code), strings.Compare(string(a.id), string(b.id)))
	})
	for _, ref := range refs {
		i := slices.IndexFunc(o.lots[ref.code], func(l Lot) bool { return l.ID == ref.id })
		switch existed := o.changedLots[ref]; {
		case i >= 0 && existed:
			c.ChangedLots = append(c.ChangedLots, o.lots[ref.code][i])
		case i >= 0:
			c.Lots = append(c.Lots, o.lots[ref.code][i])
		case existed:
			c.RemovedLots = append(c.RemovedLots, Lot{Organization: id, Code: ref.code, ID: ref.id})
		}
	}
}
