package seatwright

import (
	"cmp"
	"time"
)

// MaxSharers is how many members of a group may share one unit of a multiuser bundle. Source: admin guide, "User license management".
const MaxSharers = 3

// SharedUnit is a unit of a multiuser bundle that members of a group lease together. One of them uses it at a time.
type SharedUnit struct {
	Organization OrganizationID
	Number       int64 // of the event with which it was drawn: unique in the organization
	Group        GroupID
	Code         ProductCode
	Term         int64     // of the offer
	Members      int64     // 1 to MaxSharers
	User         UserID    // who uses it; empty: nobody
	Session      SessionID // in which; the last one of theirs that was told of
	HeldUntil    time.Time // the first instant at which another of them may use it
}

// UnitHold is how long a session has a shared unit to itself after it was last told of.
const UnitHold = 30 * time.Minute

// busy reports that another person uses the unit.
func (u SharedUnit) busy(user UserID, now time.Time) bool {
	return u.User != "" && u.User != user && now.Before(u.HeldUntil)
}

// free makes the unit one that nobody uses.
func (u SharedUnit) free() SharedUnit {
	u.User, u.Session, u.HeldUntil = "", "", time.Time{}
	return u
}

// LoadSharedUnit adds a shared unit.
func (s *Slice) LoadSharedUnit(u SharedUnit) {
	s.at(u.Organization).prepareLeases().shared[u.Number] = u
}

// SharedUnits lists the numbers of the shared units of the seats that were loaded, so that a store can load them as well.
func (s *Slice) SharedUnits(organization OrganizationID) []int64 {
	numbers := map[int64]bool{}
	for _, seats := range s.at(organization).seats {
		for _, seat := range seats {
			if seat.Lease.Unit != 0 {
				numbers[seat.Lease.Unit] = true
			}
		}
	}
	return sortedKeys(numbers)
}

func (o *leaseSlice) putShared(u SharedUnit) {
	note(o.changedShared, o.shared, u.Number)
	o.shared[u.Number] = u
}

// share makes a lease a member of its shared unit, and returns the units that this draws: 1 for the first member.
func (o *organizationSlice) share(seat Seat) int64 {
	u, exists := o.shared[seat.Lease.Unit]
	if !exists {
		u = SharedUnit{Organization: seat.Organization, Number: seat.Lease.Unit, Group: seat.Lease.Group, Code: seat.Code, Term: seat.Lease.Term}
	}
	u.Members++
	o.putShared(u)
	if exists {
		return 0
	}
	return 1
}

// unshare ends that, and returns the units that come free: 1 with the last member.
func (o *organizationSlice) unshare(seat Seat) int64 {
	u := o.shared[seat.Lease.Unit]
	if u.User == seat.User {
		u = u.free()
	}
	if u.Members--; u.Members > 0 {
		o.putShared(u)
		return 0
	}
	note(o.changedShared, o.shared, u.Number)
	delete(o.shared, u.Number)
	return 1
}

// forgetShared drops the shared units of an offer that ends: the store deletes all there are.
func (o *leaseSlice) forgetShared(ref offerRef) {
	for number, u := range o.shared {
		if u.Group == ref.group && u.Code == ref.code {
			delete(o.shared, number)
			delete(o.changedShared, number)
		}
	}
}

// takeShared makes the person hold a multiuser bundle through one of the groups, and where a session asks for it, has them use
// the unit. A person whose unit is in use changes to another.
func (s *Slice) takeShared(o *organizationSlice, origin Origin, c OpenSession, each offered) (bool, error) {
	code := each.bundle.Code
	seat, held := o.seat(c.User, code)
	if pool := s.pool(o, code); held && !o.organization.Usable(pool) || !held && pool.Total < 1 {
		return false, nil
	}
	if held && !o.shared[seat.Lease.Unit].busy(c.User, o.now) {
		o.useLease(seat, each.groups)
		s.hold(o, seat.Lease.Unit, c.User, c.Session)
		return true, nil
	}
	for _, group := range each.groups {
		offer := o.offers[offerRef{group, code}]
		room := offer
		if held && seat.Lease.Group == group {
			room.Leases-- // their own place
		}
		if room.Full() {
			continue
		}
		number := o.roomIn(group, code, offer.Term, c.User)
		if number == 0 {
			if s.pool(o, code).Available() < 1 {
				continue
			}
			number = -1 // of the event
		}
		if held {
			if err := s.endLease(o, origin, c.User, code, LeaseReplaced); err != nil {
				return false, err
			}
		}
		if number < 0 {
			number = o.head.Sequence + 1
		}
		lease := Lease{Group: group, Term: offer.Term, Unit: number, LeasedAt: o.now, LastInUse: o.now}
		seat = Seat{Organization: o.organization.ID, User: c.User, Code: code, CreatedAt: o.now, Lease: lease}
		var moved unitMoves
		moved.add(code, o.changeSeat(seat))
		s.hold(o, number, c.User, c.Session)
		data := LeaseState{Code: code, Group: group, Term: offer.Term, Unit: number, Pools: s.moveUnits(o, moved)}
		return true, s.record(o, origin, EventLeaseAcquired, string(c.User), data)
	}
	return false, nil
}

// sharing reports that a person holds a code by a shared unit.
func (o *organizationSlice) sharing(user UserID, code ProductCode) bool {
	seat, held := o.seat(user, code)
	return held && seat.Lease.Unit != 0
}

// roomIn returns the unit of an offer that has room for one more and is not in use, the oldest first; 0: there is none.
func (o *organizationSlice) roomIn(group GroupID, code ProductCode, term int64, user UserID) int64 {
	for _, number := range sortedKeysFunc(o.shared, cmp.Compare) {
		u := o.shared[number]
		if u.Group == group && u.Code == code && u.Term == term && u.Members < MaxSharers && !u.busy(user, o.now) {
			return number
		}
	}
	return 0
}

// hold has a person use a shared unit in a session. A sign-in, which has no session, uses none.
func (s *Slice) hold(o *organizationSlice, number int64, user UserID, session SessionID) {
	if u, exists := o.shared[number]; exists && session != "" {
		u.User, u.Session, u.HeldUntil = user, session, o.now.Add(UnitHold)
		o.putShared(u)
	}
}

// letGo ends the use of the shared units of a person by a session.
func (o *organizationSlice) letGo(user UserID, session SessionID) {
	for _, seat := range o.seats[user] {
		if u, exists := o.shared[seat.Lease.Unit]; exists && u.User == user && u.Session == session {
			o.putShared(u.free())
		}
	}
}
