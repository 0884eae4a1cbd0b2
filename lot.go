package seatwright

import (
	"math"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// MaxQuantity is the largest number of units of a lot, and of all lots of one pool together.
const MaxQuantity = 1_000_000_000

// Lot is one purchase of units of one product, or what the host distributes of it.
type Lot struct {
	Organization OrganizationID
	ID           LotID
	Code         ProductCode
	Quantity     int64         // 1 to MaxQuantity
	Start        time.Time     // the first instant at which the units count
	End          time.Time     // the end of the term; the units count until End + Grace
	Grace        time.Duration // whole seconds, zero or more
	Order        string        // the buyer's or seller's reference, free text
	Origin       LotOrigin
	CreatedAt    time.Time
}

// maxGrace bounds what a typing error can do.
const maxGrace = 10 * 365 * 24 * time.Hour

// CheckLotFields refuses values that no purchase can have, whatever its others are: invalid/invalid_value. Nil is not looked at.
func CheckLotFields(quantity *int64, start, end *time.Time, grace *time.Duration) error {
	invalid := func(field, format string, args ...any) error {
		return Invalid(ReasonInvalidValue, format, args...).In(field)
	}
	impossible := func(t *time.Time) bool { return t != nil && (t.UTC().Year() < 1970 || t.UTC().Year() > 9999) }
	switch {
	case quantity != nil && (*quantity < 1 || *quantity > MaxQuantity):
		return invalid("quantity", "a purchase has 1 to %d units", MaxQuantity)
	case impossible(start):
		return invalid("start", "the year of the start must be 1970 to 9999")
	case end != nil && end.IsZero():
		return invalid("end", "a purchase needs an end")
	case impossible(end):
		return invalid("end", "the year of the end must be 1970 to 9999")
	case grace != nil && (*grace < 0 || *grace > maxGrace || *grace%time.Second != 0):
		return invalid("graceSeconds", "the grace is 0 to %d whole seconds", int64(maxGrace/time.Second))
	}
	return nil
}

// CheckTerm refuses a term that is none, or is not over in the year 9999: invalid/invalid_value.
func (l Lot) CheckTerm() error {
	if !l.End.After(l.Start) {
		return Invalid(ReasonInvalidValue, "the end must come after the start").In("end")
	}
	if l.Expiry().Year() > 9999 {
		return Invalid(ReasonInvalidValue, "the end and the grace behind it must be over in the year 9999").In("graceSeconds")
	}
	return nil
}

// Expiry is the first instant at which the lot no longer counts.
func (l Lot) Expiry() time.Time { return l.End.Add(l.Grace) }

// InForce reports whether the lot counts at now: start ≤ now < end + grace.
func (l Lot) InForce(now time.Time) bool {
	if planted.Bug(planted.ExpiryCounts) {
		return !now.Before(l.Start) && !now.After(l.Expiry())
	}
	return !now.Before(l.Start) && now.Before(l.Expiry())
}

// LotState says where in its life a lot is.
type LotState string

// The states of a lot.
const (
	LotScheduled LotState = "scheduled" // its start is to come
	LotActive    LotState = "active"    // its term runs
	LotInGrace   LotState = "in_grace"  // its term is over, and its units still count
	LotExpired   LotState = "expired"   // its units count no longer
)

// State is where the lot is at now. Its units count while it is active or in grace.
func (l Lot) State(now time.Time) LotState {
	switch {
	case now.Before(l.Start):
		return LotScheduled
	case now.Before(l.End):
		return LotActive
	case l.InForce(now):
		return LotInGrace
	}
	return LotExpired
}

// Purchase is a lot as an answer, with its state at that moment.
type Purchase struct {
	Lot
	State LotState
}

// never stands for an instant that does not come; it is the latest one that every store can hold.
var never = time.UnixMicro(math.MaxInt64 / 2).UTC()

// totalOf sums the lots in force at now and says until when that sum holds: the next start or expiry of any of them.
func totalOf(lots []Lot, now time.Time) (total int64, until time.Time) {
	until = never
	for _, l := range lots {
		if l.InForce(now) {
			total += l.Quantity
		}
		for _, boundary := range [...]time.Time{l.Start, l.Expiry()} {
			if boundary.After(now) && boundary.Before(until) {
				until = boundary
			}
		}
	}
	return total, until
}
