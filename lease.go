package seatwright

import (
	"cmp"
	"slices"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// Lease is the source of a seat that a person took through the rule of a group. It ends by itself. The zero value is none.
type Lease struct {
	Group     GroupID   // whose rule offered the bundle
	Unit      int64     // of a multiuser bundle: the shared unit; 0: the lease has a unit of its own
	Term      int64     // of the offer that it was taken from: where the offer has another one, or is gone, the lease has ended
	LeasedAt  time.Time // when it was taken
	LastInUse time.Time // the last sign-in or session; never before LeasedAt
	OrphanAt  time.Time // when the person left the group, where the policy group.on_leave keeps the lease; zero: they are in it
}

// Held reports that there is a lease.
func (l Lease) Held() bool { return l.Group != "" }

// Orphan reports that its holder is not in the group any more.
func (l Lease) Orphan() bool { return !l.OrphanAt.IsZero() }

// unitsOfLease is how many units come free when nothing but the lease of the seat ends.
func (s Seat) unitsOfLease() int64 {
	if !s.Lease.Held() || s.Direct {
		return 0
	}
	return s.Units
}

// LeaseEnd says why a lease ended.
type LeaseEnd string

// The reasons why leases end.
const (
	LeaseReleased   LeaseEnd = "released"   // its holder gave it back
	LeaseReplaced   LeaseEnd = "replaced"   // its holder took a stronger bundle
	LeaseOverridden LeaseEnd = "overridden" // an administrator allocated to the person directly
	LeaseLeft       LeaseEnd = "left_group" // its holder is not in the group any more
	LeaseRevoked    LeaseEnd = "revoked"    // an administrator took it back
	LeaseUnused     LeaseEnd = "unused"     // it was not used for as long as the policy says
	LeaseReapplied  LeaseEnd = "reapplied"  // an orphan, when the rule of the group was set again
	LeaseInactive   LeaseEnd = "inactive"   // its holder was made inactive
	LeaseDeleted    LeaseEnd = "deleted"    // its holder was deleted
)

// kind is the kind of event that tells of the end.
func (e LeaseEnd) kind() EventKind {
	switch e {
	case LeaseRevoked:
		return EventLeaseRevoked
	case LeaseUnused:
		return EventLeaseExpired
	}
	return EventLeaseReleased
}

// LeaseState is the data of the events about one lease; the subject is the person.
type LeaseState struct {
	Code   ProductCode `json:"code"`
	Group  GroupID     `json:"group"`
	Term   int64       `json:"term"`
	Unit   int64       `json:"unit,omitempty"`   // shared unit of a lease that was acquired
	Reason LeaseEnd    `json:"reason,omitempty"` // of an end
	Units  int64       `json:"units"`            // that the seat draws now; 0 where it has ended
	Pools  []PoolState `json:"pools"`            // the pool where it was drawn from or given back to
}

// leaseSlice is what a slice knows of rules, and of sessions.
type leaseSlice struct {
	rules    map[GroupID]GroupRule // without their offers
	offers   map[offerRef]Offer
	sessions map[SessionID]Session
	shared   map[int64]SharedUnit // by number

	changedRules    map[GroupID]bool // true: there was a row when the slice was loaded
	changedOffers   map[offerRef]bool
	changedSessions map[SessionID]bool
	changedShared   map[int64]bool
	endedOffers     map[offerRef]bool // their shared units are to go, also where there is a new offer of the same bundle
}

type offerRef struct {
	group GroupID
	code  ProductCode
}

func (o *leaseSlice) prepareLeases() *leaseSlice {
	if o.rules == nil {
		*o = leaseSlice{
			map[GroupID]GroupRule{}, map[offerRef]Offer{}, map[SessionID]Session{}, map[int64]SharedUnit{},
			map[GroupID]bool{}, map[offerRef]bool{}, map[SessionID]bool{}, map[int64]bool{}, map[offerRef]bool{},
		}
	}
	return o
}

// LoadGroupRule adds a rule with its offers.
func (s *Slice) LoadGroupRule(r GroupRule) {
	o := s.at(r.Organization).prepareLeases()
	for _, offer := range r.Offers {
		o.offers[offerRef{r.Group, offer.Code}] = offer
	}
	r.Offers = nil
	o.rules[r.Group] = r
}

// LoadSession adds a session.
func (s *Slice) LoadSession(session Session) {
	s.at(session.Organization).prepareLeases().sessions[session.ID] = session
}

// RuleGroups lists the groups whose rules a decision may look at, so that a store can load them: the built-in ones too, where
// the touch asks for rules. Users, groups and memberships are loaded before.
func (s *Slice) RuleGroups(t *Touch) []GroupID {
	o, groups := s.at(t.Organization), map[GroupID]bool{}
	for _, seats := range o.seats {
		for _, seat := range seats {
			if seat.Lease.Held() {
				groups[seat.Lease.Group] = true
			}
		}
	}
	if t.Rules {
		for _, b := range BuiltInGroups() {
			groups[b.ID] = true
		}
		for _, id := range t.Groups {
			groups[id] = true
		}
		for ref := range o.memberships {
			groups[ref.Group] = true
		}
	}
	return sortedKeys(groups)
}

func (o *leaseSlice) putRule(r GroupRule) {
	o.prepareLeases()
	note(o.changedRules, o.rules, r.Group)
	o.rules[r.Group] = r
}

func (o *leaseSlice) removeRule(group GroupID) {
	note(o.changedRules, o.rules, group)
	delete(o.rules, group)
}

func (o *leaseSlice) putOffer(group GroupID, offer Offer) {
	ref := offerRef{group, offer.Code}
	note(o.changedOffers, o.offers, ref)
	o.offers[ref] = offer
}

func (o *leaseSlice) removeOffer(ref offerRef) {
	note(o.changedOffers, o.offers, ref)
	delete(o.offers, ref)
	o.endedOffers[ref] = true
	o.forgetShared(ref)
}

func (o *leaseSlice) putSession(s Session) {
	o.prepareLeases()
	note(o.changedSessions, o.sessions, s.ID)
	o.sessions[s.ID] = s
}

func (o *leaseSlice) removeSession(id SessionID) {
	note(o.changedSessions, o.sessions, id)
	delete(o.sessions, id)
}

// forgetSessions drops the sessions that go with a person.
func (o *leaseSlice) forgetSessions(user UserID) {
	for id, session := range o.sessions {
		if session.User == user {
			delete(o.sessions, id)
			delete(o.changedSessions, id)
		}
	}
}

// offersOf lists the offers of a rule in the order of their codes.
func (o *leaseSlice) offersOf(group GroupID) []Offer {
	var all []Offer
	for ref, offer := range o.offers {
		if ref.group == group {
			all = append(all, offer)
		}
	}
	slices.SortFunc(all, func(a, b Offer) int { return cmp.Compare(a.Code, b.Code) })
	return all
}

// ended reports that the rule has not offered the bundle all the time since a lease was taken.
func (o *leaseSlice) ended(code ProductCode, l Lease) bool {
	offer, offered := o.offers[offerRef{l.Group, code}]
	if planted.Bug(planted.LeaseRevives) {
		return !offered
	}
	return !offered || offer.Term != l.Term
}

// seat returns what a person holds of a code, without a lease that has ended. A seat that was nothing else is not held.
func (o *organizationSlice) seat(user UserID, code ProductCode) (seat Seat, held bool) {
	stored, held := o.seats[user][code]
	if held {
		seat = *stored
	}
	if held && seat.Lease.Held() && o.ended(code, seat.Lease) {
		seat.Lease, held = Lease{}, seat.Direct
		if !held {
			seat = Seat{}
		}
	}
	return seat, held
}

// changeSeat stores a seat, or its end where it has no source, and returns the units that this draws. It keeps the counts of the
// offers that leases were taken from; the caller moves the units of the pool.
func (o *organizationSlice) changeSeat(after Seat) (units int64) {
	before, _ := o.seat(after.User, after.Code)
	units = after.Units - before.Units
	if !after.Direct && !after.Lease.Held() {
		units = -before.Units
	}
	if before.Lease.Held() {
		offer := o.offers[offerRef{before.Lease.Group, after.Code}]
		offer.Leases--
		offer.Units -= before.unitsOfLease()
		if before.Lease.Unit != 0 && before.Lease.Unit != after.Lease.Unit {
			free := o.unshare(before)
			offer.Units, units = offer.Units-free, units-free
		}
		o.putOffer(before.Lease.Group, offer)
	}
	if after.Lease.Held() {
		offer := o.offers[offerRef{after.Lease.Group, after.Code}]
		offer.Leases++
		offer.Units += after.unitsOfLease()
		if after.Lease.Unit != 0 && before.Lease.Unit != after.Lease.Unit {
			drawn := o.share(after)
			offer.Units, units = offer.Units+drawn, units+drawn
		}
		o.putOffer(after.Lease.Group, offer)
	}
	if after.Direct || after.Lease.Held() {
		o.putSeat(after)
	} else {
		o.removeSeat(after.User, after.Code)
	}
	return units
}

// leases lists the bundles that a person holds through groups, in order.
func (o *organizationSlice) leases(user UserID) []ProductCode {
	var codes []ProductCode
	for code := range o.seats[user] {
		if seat, held := o.seat(user, code); held && seat.Lease.Held() {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// endLease ends the lease that a person has of a code, and records it. A seat that is held directly as well stays, and draws what it drew.
func (s *Slice) endLease(o *organizationSlice, origin Origin, user UserID, code ProductCode, why LeaseEnd) error {
	seat, _ := o.seat(user, code)
	return s.endLeaseOf(o, origin, seat, seat.Units, why)
}

// endLeaseOf ends the lease of a seat; direct is how many units a direct allocation of the same code draws without it.
func (s *Slice) endLeaseOf(o *organizationSlice, origin Origin, seat Seat, direct int64, why LeaseEnd) error {
	data := LeaseState{Code: seat.Code, Group: seat.Lease.Group, Term: seat.Lease.Term, Reason: why}
	seat.Lease = Lease{}
	if seat.Direct {
		seat.Units, data.Units = direct, direct
	}
	var moved unitMoves
	moved.add(seat.Code, o.changeSeat(seat))
	data.Pools = s.moveUnits(o, moved)
	return s.record(o, origin, why.kind(), string(seat.User), data)
}

// endLeases ends all leases of a person.
func (s *Slice) endLeases(o *organizationSlice, origin Origin, user UserID, why LeaseEnd) error {
	for _, code := range o.leases(user) {
		if err := s.endLease(o, origin, user, code, why); err != nil {
			return err
		}
	}
	return nil
}

// leaveGroup does with the leases that a person has through a group what the policy says about those who leave.
func (s *Slice) leaveGroup(o *organizationSlice, origin Origin, user UserID, group GroupID) error {
	for _, code := range o.leases(user) {
		seat, _ := o.seat(user, code)
		if seat.Lease.Group != group || seat.Lease.Orphan() || planted.Bug(planted.LeaverKeepsLease) {
			continue
		}
		if o.organization.OnLeave == OrphanOnLeave {
			seat.Lease.OrphanAt = o.now
			o.changeSeat(seat)
			data := LeaseState{Code: code, Group: group, Term: seat.Lease.Term, Units: seat.Units, Pools: []PoolState{}}
			if err := s.record(o, origin, EventLeaseOrphaned, string(user), data); err != nil {
				return err
			}
			continue
		}
		if err := s.endLease(o, origin, user, code, LeaseLeft); err != nil {
			return err
		}
	}
	return nil
}

// dropEnded forgets the leases of a person that ended when an offer did, and returns how many. Their units were given back then.
func (o *organizationSlice) dropEnded(user UserID) (dropped int) {
	for code, stored := range o.seats[user] {
		seat, held := o.seat(user, code)
		switch {
		case !held:
			o.removeSeat(user, code)
			dropped++
		case seat != *stored:
			o.putSeat(seat)
			dropped++
		}
	}
	return dropped
}

// RevokeLeases ends the leases that people have through a group; they may take others again. Who has none is left as they are.
// Errors: not_found/organization_not_found, not_found/not_found for a group or a person who does not exist.
type RevokeLeases struct {
	Organization OrganizationID
	Group        GroupID
	Users        []UserID // 1 to MaxUsersPerCall, each once
}

func (c RevokeLeases) Operation() string { return "leases.revoke" }

func (c RevokeLeases) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: c.Users, Groups: []GroupID{c.Group}}}
}

func (c RevokeLeases) Weight() int { return len(c.Users) }

// Decide answers how many leases ended.
func (c RevokeLeases) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	group, err := o.anyGroup(c.Group)
	if err != nil {
		return 0, err
	}
	for _, user := range c.Users {
		if _, known := o.users[user]; !known {
			return 0, MissingUser()
		}
	}
	ended := 0
	for _, user := range c.Users {
		for _, code := range o.leases(user) {
			if seat, _ := o.seat(user, code); seat.Lease.Group != group {
				continue
			}
			if err := s.endLease(o, origin, user, code, LeaseRevoked); err != nil {
				return 0, err
			}
			ended++
		}
	}
	return ended, nil
}

// ReleaseLeases gives back what a person holds through groups. What was allocated to them directly stays: it is an administrator's
// decision. Errors: not_found/organization_not_found, not_found/not_found for a person who does not exist.
type ReleaseLeases struct {
	Organization OrganizationID
	User         UserID
}

func (c ReleaseLeases) Operation() string { return "leases.release" }

func (c ReleaseLeases) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: []UserID{c.User}}}
}

func (c ReleaseLeases) Weight() int { return 1 }

// Decide answers the codes that were given back, in order.
func (c ReleaseLeases) Decide(s *Slice, origin Origin) ([]ProductCode, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return nil, err
	}
	if _, known := o.users[c.User]; !known {
		return nil, MissingUser()
	}
	codes := o.leases(c.User)
	return codes, s.endLeases(o, origin, c.User, LeaseReleased)
}

// SweepLeases ends those leases of people that were not used for as long as the policy says, the orphans of rules that were set
// again since, and those beside a direct record where the policy has not always been to replace them; it forgets what ended with an
// offer. Repeating it changes nothing. The only error is not_found/organization_not_found.
type SweepLeases struct {
	Organization OrganizationID
	Users        []UserID // 1 to MaxUsersPerCall, each once; those who are gone are passed over
}

func (c SweepLeases) Operation() string { return "leases.sweep" }

func (c SweepLeases) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: c.Users}}
}

func (c SweepLeases) Weight() int { return len(c.Users) }

// Decide answers how many leases ended or were forgotten.
func (c SweepLeases) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, user := range c.Users {
		dropped := o.dropEnded(user)
		ended += dropped
		for _, code := range o.leases(user) {
			seat, _ := o.seat(user, code)
			var why LeaseEnd
			switch _, recorded := o.records[user]; {
			case recorded && o.organization.AllocationMode == ReplaceLeases: // the policy was another one when they were allocated
				why = LeaseOverridden
			case !o.now.Before(seat.Lease.LastInUse.AddDate(0, 0, int(o.organization.InactiveDays))):
				why = LeaseUnused
			case seat.Lease.Orphan() && o.rules[seat.Lease.Group].AppliedAt.After(seat.Lease.OrphanAt):
				why = LeaseReapplied
			case planted.Bug(planted.SweepAnyway):
				why = LeaseUnused
			default:
				continue
			}
			if err := s.endLease(o, origin, user, code, why); err != nil {
				return ended, err
			}
			ended++
			if planted.Bug(planted.SweepTwice) {
				s.moveUnits(o, unitMoves{{code, -1}})
			}
		}
	}
	return ended, nil
}

// addLeases lists what the batch changed of rules and sessions.
func (c *Changes) addLeases(id OrganizationID, o *organizationSlice) {
	for _, group := range sortedKeys(o.changedRules) {
		if r, stays := o.rules[group]; stays {
			c.GroupRules = append(c.GroupRules, r)
		} else if o.changedRules[group] {
			c.RemovedGroupRules = append(c.RemovedGroupRules, GroupRule{Organization: id, Group: group})
		}
	}
	byRef := func(a, b offerRef) int { return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.code, b.code)) }
	for _, ref := range sortedKeysFunc(o.changedOffers, byRef) {
		if offer, stays := o.offers[ref]; stays {
			c.Offers = append(c.Offers, GroupOffer{id, ref.group, offer})
		} else if o.changedOffers[ref] {
			c.RemovedOffers = append(c.RemovedOffers, GroupOffer{id, ref.group, Offer{Code: ref.code}})
		}
	}
	for _, ref := range sortedKeysFunc(o.endedOffers, byRef) {
		c.EndedOffers = append(c.EndedOffers, GroupOffer{id, ref.group, Offer{Code: ref.code}})
	}
	for _, number := range sortedKeys(o.changedShared) {
		if u, stays := o.shared[number]; stays {
			c.SharedUnits = append(c.SharedUnits, u)
		} else if o.changedShared[number] {
			c.RemovedSharedUnits = append(c.RemovedSharedUnits, SharedUnit{Organization: id, Number: number})
		}
	}
	for _, session := range sortedKeys(o.changedSessions) {
		if s, stays := o.sessions[session]; stays {
			c.Sessions = append(c.Sessions, s)
		} else if o.changedSessions[session] {
			c.RemovedSessions = append(c.RemovedSessions, Session{Organization: id, ID: session})
		}
	}
}
