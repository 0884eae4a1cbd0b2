package postgres

import (
	"bytes"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// recent remembers, between the batches of one writer, the few rows that nearly every batch reads again: organizations and
// pools. Other nodes write as well, so nothing is believed until the head of the organization has been locked and is found
// to be the one that was remembered: every change moves the head, but for the refresh of a stale pool, which every reader
// computes alike.
type recent struct {
	numbers       map[seatwright.OrganizationID]int32 // of organizations; they never change
	organizations map[int32]*recentOrganization
}

type recentOrganization struct {
	organization seatwright.Organization
	head         seatwright.Head
	licensed     bool
	from, until  time.Time // licensed holds in between: until is the next start or expiry of a lot
	pools        map[seatwright.ProductCode]seatwright.Pool
	shared       bool // another writer has been here since: load with the lock, do not wait for the mismatch
}

// maxRecent bounds the memory, in organizations; beyond it everything is forgotten at once.
const maxRecent = 10_000

func newRecent() recent {
	return recent{numbers: map[seatwright.OrganizationID]int32{}, organizations: map[int32]*recentOrganization{}}
}

// fits reports whether what is remembered is what is stored, now that the head is locked.
func (o *recentOrganization) fits(head seatwright.Head, now time.Time) bool {
	if planted.Bug(planted.TrustedMemory) && o != nil {
		return true
	}
	return o != nil && o.head.Sequence == head.Sequence && bytes.Equal(o.head.Hash, head.Hash) && !now.Before(o.from) && now.Before(o.until)
}

// committed follows the changes of a batch that is stored. Only here, between batches, is anything forgotten for want of room.
func (m recent) committed(c seatwright.Changes) {
	if len(m.organizations) > maxRecent {
		clear(m.organizations)
	}
	if len(m.numbers) > 10*maxRecent {
		clear(m.numbers)
	}
	for _, lots := range [...][]seatwright.Lot{c.Lots, c.ChangedLots, c.RemovedLots} {
		for _, l := range lots {
			delete(m.organizations, m.numbers[l.Organization]) // when it is licensed has changed
		}
	}
	for _, h := range c.Heads {
		if o := m.organizations[m.numbers[h.Organization]]; o != nil {
			o.head = h
		}
	}
	for _, p := range c.Pools {
		if o := m.organizations[m.numbers[p.Organization]]; o != nil {
			o.pools[p.Code] = p
		}
	}
}
