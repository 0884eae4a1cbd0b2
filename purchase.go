package seatwright

import (
	"slices"
	"strings"
	"time"
)

// LotCreated is the data of an [EventLotCreated] and of an [EventLotChanged]: the purchase and its pool after the change.
type LotCreated struct {
	Code     ProductCode `json:"code"`
	Quantity int64       `json:"quantity"`
	Start    time.Time   `json:"start"`
	End      time.Time   `json:"end"`
	Grace    int64       `json:"graceSeconds"`
	Pool     PoolState   `json:"pool"`
}

// LotRemoved is the data of an [EventLotRemoved].
type LotRemoved struct {
	Code ProductCode `json:"code"`
	Pool PoolState   `json:"pool"` // without the purchase
}

// CreateLot enters a purchase. The units count from its start on. Errors: not_found/organization_not_found,
// conflict/duplicate for an id in use, invalid/invalid_value where the pool would pass MaxQuantity or the end is not after
// the start.
type CreateLot struct {
	Lot     Lot   // ID empty: FreshID is taken; Start zero: now; CreatedAt is not part of it
	FreshID LotID `json:"-"`
}

func (c CreateLot) id() LotID {
	if c.Lot.ID != "" {
		return c.Lot.ID
	}
	return c.FreshID
}

func (c CreateLot) Operation() string { return "lot.create" }

func (c CreateLot) Touches() []Touch {
	return []Touch{{Organization: c.Lot.Organization, Codes: []ProductCode{c.Lot.Code}, Lots: true, LotIDs: []LotID{c.id()}}}
}

func (c CreateLot) Weight() int { return 1 }

// Decide answers the lot as it was entered.
func (c CreateLot) Decide(s *Slice, origin Origin) (Lot, error) {
	o, err := s.organization(c.Lot.Organization)
	if err != nil {
		return Lot{}, err
	}
	lot := c.Lot
	lot.ID, lot.CreatedAt, lot.Origin = c.id(), o.now, OriginPurchase
	if lot.Start.IsZero() {
		lot.Start = o.now
	}
	lot.cut()
	if err := o.checkLot(lot, ""); err != nil {
		return Lot{}, err
	}
	if isFileLotID(lot.ID) {
		return Lot{}, Invalid(ReasonInvalidValue, "ids that end with a colon and a number are those of the purchases in license files").In("id")
	}
	if lot.Organization != HostID && strings.HasPrefix(string(lot.ID), hostLotPrefix) {
		return Lot{}, Invalid(ReasonInvalidValue, "ids that begin with %s are those of what the host distributes", hostLotPrefix).In("id")
	}
	if err := s.take(lot.Organization, IDsOfLots, string(lot.ID), "id"); err != nil {
		return Lot{}, err
	}
	return lot, s.addLot(o, origin, lot)
}

// isFileLotID reports that an id is like those that the purchases of a license file get.
func isFileLotID(id LotID) bool {
	i := strings.LastIndexByte(string(id), ':')
	if i < 0 || i == len(id)-1 {
		return false
	}
	return strings.Trim(string(id)[i+1:], "0123456789") == ""
}

// ChangeLot changes what is set and leaves the rest of a purchase as it is: a later end renews it, an earlier one ends it early.
// The total of its pool is right at once; people who hold more than that keep it. A change to what is there already is no
// change. Errors: not_found/organization_not_found; not_found/not_found; conflict/distributed_by_host
// for what is no purchase; invalid/invalid_value as for [CreateLot]; conflict/below_use as the policy says.
type ChangeLot struct {
	Organization OrganizationID
	ID           LotID
	Quantity     *int64         `json:",omitempty"`
	Start        *time.Time     `json:",omitempty"`
	End          *time.Time     `json:",omitempty"`
	Grace        *time.Duration `json:",omitempty"`
	Order        *string        `json:",omitempty"`
}

func (c ChangeLot) Operation() string { return "lot.change" }

func (c ChangeLot) Touches() []Touch {
	return []Touch{{Organization: c.Organization, AllLots: true}}
}

func (c ChangeLot) Weight() int { return 1 }

// Decide answers the purchase as it is then.
func (c ChangeLot) Decide(s *Slice, origin Origin) (Purchase, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Purchase{}, err
	}
	before, err := o.purchase(c.ID)
	if err != nil {
		return Purchase{}, err
	}
	lot := before
	set(&lot.Quantity, c.Quantity)
	set(&lot.Start, c.Start)
	set(&lot.End, c.End)
	set(&lot.Grace, c.Grace)
	set(&lot.Order, c.Order)
	lot.cut()
	if err := o.checkLot(lot, lot.ID); err != nil {
		return Purchase{}, err
	}
	if err := o.checkShrink(lot); err != nil {
		return Purchase{}, err
	}
	if lot.Quantity != before.Quantity || !lot.Start.Equal(before.Start) || !lot.End.Equal(before.End) || lot.Grace != before.Grace || lot.Order != before.Order {
		err = s.changeLot(o, origin, lot)
	}
	return Purchase{lot, lot.State(o.now)}, err
}

// RemoveLot takes back a purchase that was entered by mistake, as if it had never been. One that ends is changed instead: then it
// is still listed. Errors: not_found/organization_not_found; not_found/not_found; conflict/distributed_by_host; conflict/below_use as
// the policy says.
type RemoveLot struct {
	Organization OrganizationID
	ID           LotID
}

func (c RemoveLot) Operation() string { return "lot.remove" }

func (c RemoveLot) Touches() []Touch {
	return []Touch{{Organization: c.Organization, AllLots: true}}
}

func (c RemoveLot) Weight() int { return 1 }

// Decide answers the purchase as it was.
func (c RemoveLot) Decide(s *Slice, origin Origin) (Purchase, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Purchase{}, err
	}
	lot, err := o.purchase(c.ID)
	if err != nil {
		return Purchase{}, err
	}
	if err := o.checkShrink(lot.without()); err != nil {
		return Purchase{}, err
	}
	return Purchase{lot, lot.State(o.now)}, s.removeLot(o, origin, lot)
}

// without is the lot without its units.
func (l Lot) without() Lot {
	l.Quantity = 0
	return l
}

// checkShrink refuses lots that shall take the places of those of the same ids where a pool would have fewer units of lots in force than
// before, and fewer than are held of it, and the policy is to block that. An end that is still to come passes, and is not blocked when it
// comes.
func (o *organizationSlice) checkShrink(changed ...Lot) error {
	if o.organization.OnShrink != BlockShrink {
		return nil
	}
	lost := map[ProductCode]int64{}
	for _, lot := range changed {
		for _, old := range o.lots[lot.Code] {
			if old.ID == lot.ID && old.InForce(o.now) {
				lost[lot.Code] += old.Quantity
				if lot.InForce(o.now) {
					lost[lot.Code] -= lot.Quantity
				}
			}
		}
	}
	for _, code := range sortedKeys(lost) {
		total, _ := totalOf(o.lots[code], o.now)
		if used := o.storedPool(code).Used; lost[code] > 0 && total-lost[code] < used {
			return NewError(KindConflict, ReasonBelowUse, "%d of %s are held, and %d would be left", used, code, total-lost[code])
		}
	}
	return nil
}

// cut makes the instants those that are stored.
func (l *Lot) cut() {
	l.Start, l.End = l.Start.UTC().Truncate(time.Microsecond), l.End.UTC().Truncate(time.Microsecond)
}

// state is the part of a lot that is written into events. The order is not: it is free text.
func (l Lot) state(pool Pool) LotCreated {
	return LotCreated{Code: l.Code, Quantity: l.Quantity, Start: l.Start, End: l.End, Grace: int64(l.Grace / time.Second), Pool: pool.state()}
}

func (p Pool) state() PoolState { return PoolState{Code: p.Code, Used: p.Used, Total: p.Total} }

// purchase finds a lot that may be changed here: what the host distributes is not a purchase. The command has asked for all of them.
func (o *organizationSlice) purchase(id LotID) (Lot, error) {
	for _, lots := range o.lots {
		for _, lot := range lots {
			if lot.ID == id && lot.Origin != OriginPurchase {
				return Lot{}, NewError(KindConflict, ReasonDistributed, "the host distributes these units: change what it distributes")
			} else if lot.ID == id {
				return lot, nil
			}
		}
	}
	return Lot{}, MissingPurchase()
}

// checkLot refuses a lot that cannot be beside those of its code that are there, apart from the one that it takes the place of.
func (o *organizationSlice) checkLot(lot Lot, insteadOf LotID) error {
	if err := lot.CheckTerm(); err != nil {
		return err
	}
	sum := lot.Quantity
	for _, other := range o.lots[lot.Code] {
		if other.ID != insteadOf {
			sum += other.Quantity
		}
	}
	if sum > MaxQuantity {
		return Invalid(ReasonInvalidValue, "all purchases of %s together may have at most %d units", lot.Code, MaxQuantity).In("quantity")
	}
	return nil
}

// addLot enters a lot that was found possible and records it. All lots of its code are loaded.
func (s *Slice) addLot(o *organizationSlice, origin Origin, lot Lot) error {
	o.putLot(lot)
	o.licensed = o.licensed || lot.InForce(o.now)
	return s.record(o, origin, EventLotCreated, string(lot.ID), lot.state(o.settle(lot.Code)))
}

// changeLot puts a lot in the place of the one of the same id and records it. All lots of the organization are loaded.
func (s *Slice) changeLot(o *organizationSlice, origin Origin, lot Lot) error {
	o.putLot(lot)
	o.license()
	return s.record(o, origin, EventLotChanged, string(lot.ID), lot.state(o.settle(lot.Code)))
}

// removeLot takes a lot away and records it. All lots of the organization are loaded.
func (s *Slice) removeLot(o *organizationSlice, origin Origin, lot Lot) error {
	o.removeLot(lot)
	s.free(lot.Organization, IDsOfLots, string(lot.ID))
	o.license()
	pool := o.settle(lot.Code)
	return s.record(o, origin, EventLotRemoved, string(lot.ID), LotRemoved{Code: lot.Code, Pool: pool.state()})
}

// settle brings a pool to what its lots make now. It is the one place where a purchase can make a pool smaller than what is
// held of it: nobody is evicted then, and the pool gives out nothing until it fits again.
func (o *organizationSlice) settle(code ProductCode) Pool {
	pool := Pool{Organization: o.organization.ID, Code: code}
	if known := o.pools[code]; known != nil {
		pool = *known
	}
	pool = pool.Refreshed(o.lots[code], o.now)
	o.putPool(pool)
	return pool
}

// license looks again whether any lot is in force. All lots of the organization are loaded.
func (o *organizationSlice) license() {
	o.licensed = false
	for _, lots := range o.lots {
		o.licensed = o.licensed || slices.ContainsFunc(lots, func(l Lot) bool { return l.InForce(o.now) })
	}
}
