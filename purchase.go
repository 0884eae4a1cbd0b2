package seatwright

import "time"

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

// LotCreated is the data of an [EventLotCreated].
type LotCreated struct {
	Code     ProductCode `json:"code"`
	Quantity int64       `json:"quantity"`
	Start    time.Time   `json:"start"`
	End      time.Time   `json:"end"`
	Grace    int64       `json:"graceSeconds"`
	Pool     PoolState   `json:"pool"`
}

// Decide answers the lot as it was entered.
func (c CreateLot) Decide(s *Slice, origin Origin) (Lot, error) {
	o, err := s.organization(c.Lot.Organization)
	if err != nil {
		return Lot{}, err
	}
	lot := c.Lot
	lot.ID, lot.CreatedAt = c.id(), o.now
	if lot.Start.IsZero() {
		lot.Start = o.now
	}
	lot.Start, lot.End = lot.Start.UTC().Truncate(time.Microsecond), lot.End.UTC().Truncate(time.Microsecond) // as they are stored
	if !lot.End.After(lot.Start) {
		return Lot{}, Invalid(ReasonInvalidValue, "the end must come after the start").In("end")
	}
	sum := lot.Quantity
	for _, other := range o.lots[lot.Code] {
		sum += other.Quantity
	}
	if sum > MaxQuantity {
		return Lot{}, Invalid(ReasonInvalidValue, "all lots of %s together may have at most %d units", lot.Code, MaxQuantity).In("quantity")
	}
	if err := s.take(lot.Organization, IDsOfLots, string(lot.ID), "id"); err != nil {
		return Lot{}, err
	}
	pool, known := o.pools[lot.Code]
	if !known {
		pool = Pool{Organization: lot.Organization, Code: lot.Code}
	}
	o.lots[lot.Code] = append(o.lots[lot.Code], lot)
	o.newLots = append(o.newLots, lot)
	o.licensed = o.licensed || lot.InForce(o.now)
	pool = pool.Refreshed(o.lots[lot.Code], o.now)
	o.putPool(pool)
	return lot, s.record(o, origin, EventLotCreated, string(lot.ID), LotCreated{
		Code: lot.Code, Quantity: lot.Quantity, Start: lot.Start, End: lot.End, Grace: int64(lot.Grace / time.Second),
		Pool: PoolState{Code: pool.Code, Used: pool.Used, Total: pool.Total},
	})
}
