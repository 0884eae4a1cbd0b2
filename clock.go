package seatwright

import "slices"

// What the clock brings about without anybody calling: the server submits these commands from time to time, on each node. What
// one has done is nothing to do for the next.

// MaxSweep is how many pools and lots one command of the clock looks at.
const MaxSweep = 500

// PoolsChanged is the data of an [EventPoolTotalChanged]: the pools after it, in the order of their codes.
type PoolsChanged struct {
	Pools []PoolState `json:"pools"`
}

// RefreshPools brings pools to what their lots make now, where one of these has started or ended. A pool that is up to date stays
// as it is. Errors: not_found/organization_not_found.
type RefreshPools struct {
	Organization OrganizationID
	Codes        []ProductCode // at most MaxSweep
}

func (c RefreshPools) Operation() string { return "pools.refresh" }

func (c RefreshPools) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Codes: c.Codes}}
}

func (c RefreshPools) Weight() int { return max(1, len(c.Codes)) }

// Decide answers how many pools were refreshed.
func (c RefreshPools) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	return s.refresh(o, origin, c.Codes)
}

// refresh refreshes those of the pools that are stale and records the totals that have changed.
func (s *Slice) refresh(o *organizationSlice, origin Origin, codes []ProductCode) (refreshed int, err error) {
	var changed PoolsChanged
	for _, code := range slices.Compact(slices.Sorted(slices.Values(codes))) {
		before, known := o.pools[code]
		if !known || !before.Stale(o.now) {
			continue
		}
		lots, loaded := o.lots[code]
		if !loaded {
			panic("seatwright: the store loaded the stale pool " + string(code) + " without its lots")
		}
		pool := before.Refreshed(lots, o.now)
		o.putPool(pool)
		refreshed++
		changed.Pools = append(changed.Pools, pool.state()) // also where two purchases change places: without an event it would not be stored
	}
	if refreshed == 0 {
		return 0, nil
	}
	return refreshed, s.record(o, origin, EventPoolTotalChanged, "", changed)
}
