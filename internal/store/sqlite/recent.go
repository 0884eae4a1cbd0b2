package sqlite

import (
	"time"

	"github.com/seatwright/seatwright"
)

// recent remembers, between batches, the few rows that nearly every batch reads again: organizations with the ends of their
// chains, and pools. The directory is locked, so nobody else writes, and what was written last is what is stored. Whatever
// fails empties it.
type recent map[seatwright.OrganizationID]*recentOrganization

type recentOrganization struct {
	organization seatwright.Organization
	number       int64
	head         seatwright.Head
	licensed     bool
	from, until  time.Time // licensed holds in between: until is the next start or expiry of a lot
	denied       bool      // there may be denials that are the latest; once there are some that is not looked at again
	pools        map[seatwright.ProductCode]seatwright.Pool
}

// maxRecent bounds the memory, in organizations; beyond it everything is forgotten at once.
const maxRecent = 10_000

// at returns what is remembered of an organization and true at now, or nil.
func (m recent) at(id seatwright.OrganizationID, now time.Time) *recentOrganization {
	if o := m[id]; o != nil && !now.Before(o.from) && now.Before(o.until) {
		return o
	}
	return nil
}

func (m recent) remember(o recentOrganization) *recentOrganization {
	o.pools = map[seatwright.ProductCode]seatwright.Pool{}
	m[o.organization.ID] = &o
	return &o
}

// committed follows the changes of a batch that is stored. Only here, between batches, is anything forgotten for want of room.
func (m recent) committed(c seatwright.Changes) {
	if len(m) > maxRecent {
		clear(m)
	}
	for _, o := range c.ChangedOrganizations {
		delete(m, o.ID)
	}
	for _, lots := range [...][]seatwright.Lot{c.Lots, c.ChangedLots, c.RemovedLots} {
		for _, l := range lots {
			delete(m, l.Organization) // when it is licensed has changed
		}
	}
	for _, h := range c.Heads {
		if o := m[h.Organization]; o != nil {
			o.head = h
		}
	}
	for _, d := range c.NewDenials {
		if o := m[d.Organization]; o != nil {
			o.denied = true
		}
	}
	for _, p := range c.Pools {
		if o := m[p.Organization]; o != nil {
			o.pools[p.Code] = p
		}
	}
}
