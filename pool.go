package seatwright

import (
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// Pool is what an organization can draw on: the units of one product.
type Pool struct {
	Organization OrganizationID
	Code         ProductCode
	Total        int64     // units of the lots in force, as of the last refresh
	TotalUntil   time.Time // Total holds before this instant: the next start or expiry of a lot
	Used         int64     // units that are drawn: the sum of the units of its seats, of what tenants' services have, and at the host of what it distributes
	Ceiling      int64     // the schema refuses Used above it, whatever a decision says
}

// Available is the number of units that can still be allocated: never below zero, even when the pool is overallocated.
func (p Pool) Available() int64 {
	if planted.Bug(planted.LimitOffByOne) {
		return max(0, p.Total+1-p.Used)
	}
	return max(0, p.Total-p.Used)
}

// Overallocated reports that the pool shrank below what is held. Nobody is evicted; nothing more is allocated.
func (p Pool) Overallocated() bool { return p.Used > p.Total }

// Stale reports that a lot has started or expired since Total was computed.
func (p Pool) Stale(now time.Time) bool { return !now.Before(p.TotalUntil) }

// Refreshed returns the pool with the total of its lots at now. It is the only place that may raise the ceiling, because
// only a purchase or the clock changes what may be held.
func (p Pool) Refreshed(lots []Lot, now time.Time) Pool {
	p.Total, p.TotalUntil = totalOf(lots, now)
	p.Ceiling = max(p.Total, p.Used)
	return p
}

// drawn returns the pool with n more units used (fewer if n is negative). The ceiling follows the use down but never up, so
// that a decision that oversells is refused by the schema.
func (p Pool) drawn(n int64) Pool {
	p.Used += n
	p.Ceiling = min(p.Ceiling, max(p.Total, p.Used))
	if planted.Bug(planted.LimitOffByOne) {
		p.Ceiling = p.Total + 1
	}
	return p
}
