package seatwright

import (
	"encoding/json"
	"fmt"
)

// Replayed is what the events of one organization say about its seats, computed from nothing else.
type Replayed struct {
	holdings map[UserID]AllocationSet
}

// Replay reads the events of one organization, from the first on, in order. The error names an event whose data cannot be
// read. It does not check the chain; VerifyChain does.
func Replay(events []Event) (Replayed, error) {
	r := Replayed{holdings: map[UserID]AllocationSet{}}
	return r, r.Continue(events)
}

// Continue reads the events that follow.
func (r Replayed) Continue(events []Event) error {
	for _, e := range events {
		switch e.Kind {
		case EventAllocationSet:
			var set AllocationSet
			if err := json.Unmarshal(e.Data, &set); err != nil {
				return fmt.Errorf("event %d: %w", e.Sequence, err)
			}
			r.holdings[UserID(e.Subject)] = set
		case EventAllocationRemoved:
			delete(r.holdings, UserID(e.Subject))
		}
	}
	return nil
}

// Used sums the units that are drawn by code; codes of which none is drawn are left out.
func (r Replayed) Used() map[BundleCode]int64 {
	used := map[BundleCode]int64{}
	for _, set := range r.holdings {
		for _, code := range set.Codes {
			if set.Units > 0 {
				used[code] += set.Units
			}
		}
	}
	return used
}
