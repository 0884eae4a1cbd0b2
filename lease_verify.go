package seatwright

import (
	"slices"
	"time"
)

// What the events say of rules and leases, and how it is compared with what is stored.

type replayedRule struct {
	priority          int64
	external          bool
	created, modified time.Time
	offers            map[ProductCode]*replayedOffer
	seen              bool // the stored rule has been found; for verification
}

type replayedOffer struct {
	term, quota   int64
	leases, units int64
	seen          bool
}

type replayedShared struct {
	group         GroupID
	code          ProductCode
	term, members int64
	seen          bool // the stored unit has been found; for verification
}

type replayedLease struct {
	group              GroupID
	term               int64
	unit               int64 // shared; 0: its own
	leasedAt, orphanAt time.Time
}

// offer returns the offer that a lease was taken from; nil: it has ended.
func (r Replayed) offer(code ProductCode, lease replayedLease) *replayedOffer {
	rule := r.rules[lease.group]
	if rule == nil || rule.offers[code] == nil || rule.offers[code].term != lease.term {
		return nil
	}
	return rule.offers[code]
}

// leasing reports that a person holds something through a group.
func (r Replayed) leasing(user *replayedUser) bool {
	for code, lease := range user.leases {
		if r.offer(code, lease) != nil {
			return true
		}
	}
	return false
}

// seat is what a person holds of a code by the events.
func (r Replayed) seat(user *replayedUser, code ProductCode) (seat Seat, held bool) {
	seat.Code = code
	if user.direct != nil && slices.Contains(user.direct.codes, code) {
		seat.Direct, seat.Units, held = true, user.direct.units, true
	}
	if lease, leased := user.leases[code]; leased && r.offer(code, lease) != nil {
		seat.Lease = Lease{Group: lease.group, Term: lease.term, Unit: lease.unit, LeasedAt: lease.leasedAt, OrphanAt: lease.orphanAt}
		if held = true; lease.unit == 0 {
			seat.Units = 1
		}
	}
	return seat, held
}

// seatsOf lists the codes that a person holds by the events, in order.
func (r Replayed) seatsOf(user *replayedUser) []ProductCode {
	var codes []ProductCode
	if user.direct != nil {
		codes = append(codes, user.direct.codes...)
	}
	for code, lease := range user.leases {
		if r.offer(code, lease) != nil && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// moves makes a change of what a person holds of some codes, keeps the counts of the offers, and returns the units that it draws.
func (r Replayed) moves(user *replayedUser, codes []ProductCode, change func()) map[ProductCode]int64 {
	moved := map[ProductCode]int64{}
	codes = slices.Compact(slices.Sorted(slices.Values(codes)))
	count := func(sign int64) {
		for _, code := range codes {
			seat, _ := r.seat(user, code)
			moved[code] += sign * seat.Units
			if lease, leased := user.leases[code]; leased {
				if offer := r.offer(code, lease); offer != nil {
					units := r.share(code, lease, sign)
					moved[code] += units
					offer.leases += sign
					offer.units += sign*seat.unitsOfLease() + units
				}
			}
		}
	}
	count(-1)
	change()
	count(1)
	return moved
}

// share adds somebody to the unit that a lease shares, or takes them away, and returns the units that this draws.
func (r Replayed) share(code ProductCode, lease replayedLease, sign int64) int64 {
	if lease.unit == 0 {
		return 0
	}
	u := r.shared[lease.unit]
	if u == nil {
		u = &replayedShared{group: lease.group, code: code, term: lease.term}
		r.shared[lease.unit] = u
	}
	u.members += sign
	switch {
	case sign > 0 && u.members == 1:
		return 1
	case sign < 0 && u.members == 0:
		delete(r.shared, lease.unit)
		return -1
	}
	return 0
}

func (r Replayed) lease(e Event, state LeaseState, differs func(format string, args ...any)) {
	user := r.user(e, "tells of a lease of", differs)
	if user == nil {
		return
	}
	if user.leases == nil {
		user.leases = map[ProductCode]replayedLease{}
	}
	code := r.pool(state.Code).Code
	present, held := user.leases[code]
	lease := replayedLease{group: state.Group, term: state.Term, unit: state.Unit, leasedAt: e.At}
	if held && r.offer(code, present) == nil {
		held = false
	}
	if e.Kind == EventLeaseAcquired {
		offer := r.offer(code, lease)
		switch {
		case !user.Active:
			differs("leases to %s, who is not active", e.Subject)
		case held:
			differs("leases %s to %s a second time", code, e.Subject)
		case offer == nil:
			differs("leases %s through the group %s, whose rule does not offer it", code, state.Group)
		case offer.quota > 0 && offer.leases >= offer.quota:
			differs("leases %s through the group %s beyond its quota of %d", code, state.Group, offer.quota)
		}
		switch u := r.shared[lease.unit]; {
		case lease.unit == 0, u == nil && lease.unit == e.Sequence:
		case u == nil:
			differs("shares the unit %d, which there is not", lease.unit)
		case u.group != lease.group || u.code != code || u.term != lease.term || u.members >= MaxSharers:
			differs("shares the unit %d, which %d members of the group %s have of %s in term %d", lease.unit, u.members, u.group, u.code, u.term)
		}
		r.move(e, r.moves(user, []ProductCode{code}, func() { user.leases[code] = lease }), state.Pools, differs)
		return
	}
	if !held || present.group != state.Group || present.term != state.Term {
		differs("tells of a lease of %s through the group %s that %s does not have", code, state.Group, e.Subject)
	}
	if e.Kind == EventLeaseOrphaned {
		present.orphanAt = e.At
		user.leases[code] = present
		return
	}
	r.move(e, r.moves(user, []ProductCode{code}, func() { delete(user.leases, code) }), state.Pools, differs)
	if seat, _ := r.seat(user, code); seat.Units != state.Units {
		differs("says that the seat %s of %s draws %d units after it; by the events it is %d", code, e.Subject, state.Units, seat.Units)
	}
}

func (r Replayed) setRule(e Event, set GroupRuleSet, differs func(format string, args ...any)) {
	group := GroupID(e.Subject)
	if _, builtIn := LookupBuiltInGroup(group); !builtIn && r.groups[group] == nil {
		differs("sets a rule of the group %s, which does not exist", group)
	}
	rule := r.rules[group]
	if rule == nil {
		rule = &replayedRule{created: e.At, offers: map[ProductCode]*replayedOffer{}}
		r.rules[group] = rule
	}
	rule.priority, rule.external, rule.modified = set.Priority, set.External, e.At
	r.endOffers(e, rule, set.Ended, set.Pools, differs)
	told := map[ProductCode]bool{}
	for _, state := range set.Offers {
		told[state.Code] = true
		offer := rule.offers[state.Code]
		switch {
		case offer == nil && state.Term != e.Sequence:
			differs("begins to offer %s with the term %d", state.Code, state.Term)
		case offer != nil && offer.term != state.Term:
			differs("gives %s the term %d, which had %d", state.Code, state.Term, offer.term)
		}
		if offer == nil {
			offer = &replayedOffer{}
			rule.offers[r.pool(state.Code).Code] = offer
		}
		if state.Quota > 0 && offer.leases > state.Quota {
			differs("sets a quota of %d for %s, of which %d are leased", state.Quota, state.Code, offer.leases)
		}
		offer.term, offer.quota = state.Term, state.Quota
	}
	for code := range rule.offers {
		if !told[code] {
			differs("does not tell what became of %s in the rule of %s", code, group)
		}
	}
}

func (r Replayed) removeRule(e Event, removed GroupRuleRemoved, differs func(format string, args ...any)) {
	rule := r.rules[GroupID(e.Subject)]
	if rule == nil {
		differs("removes the rule of the group %s, which has none", e.Subject)
		return
	}
	r.endOffers(e, rule, removed.Ended, removed.Pools, differs)
	if len(rule.offers) > 0 {
		differs("removes the rule of the group %s with %d offers of which it does not tell", e.Subject, len(rule.offers))
	}
	delete(r.rules, GroupID(e.Subject))
}

// endOffers ends offers with all their leases.
func (r Replayed) endOffers(e Event, rule *replayedRule, ended []OfferEnd, states []PoolState, differs func(format string, args ...any)) {
	moved := map[ProductCode]int64{}
	for _, end := range ended {
		offer := rule.offers[end.Code]
		if offer == nil {
			differs("ends the offer of %s, which there is not", end.Code)
			continue
		}
		if offer.leases != end.Leases || offer.units != end.Units {
			differs("ends %d leases of %s with %d units; by the events there are %d with %d", end.Leases, end.Code, end.Units, offer.leases, offer.units)
		}
		moved[end.Code] -= offer.units
		delete(rule.offers, end.Code)
		for number, u := range r.shared {
			if u.group == GroupID(e.Subject) && u.code == end.Code {
				delete(r.shared, number)
			}
		}
	}
	r.move(e, moved, states, differs)
}

func (c *organizationCheck) takeRule(row Row) {
	group := GroupID(row.text(1))
	rule := c.replayed.rules[group]
	if rule == nil {
		c.differ("rule of group %s: no event explains it", group)
		return
	}
	rule.seen = true
	created, modified, applied := instant(row.number(4)), instant(row.number(5)), instant(row.number(6))
	if rule.priority != row.number(2) || rule.external != row.flag(3) || !rule.created.Equal(created) || !rule.modified.Equal(modified) || applied.Before(modified) {
		c.differ("rule of group %s: stored with priority %d, external %t, from %s, changed at %s, applied at %s; by the events %d, %t, %s, %s", group,
			row.number(2), row.flag(3), moment(created), moment(modified), moment(applied), rule.priority, rule.external, moment(rule.created), moment(rule.modified))
	}
}

func (c *organizationCheck) takeOffer(row Row) {
	group, code := GroupID(row.text(1)), ProductCode(row.text(2))
	stored := replayedOffer{row.number(3), row.number(4), row.number(5), row.number(6), true}
	var told *replayedOffer
	if rule := c.replayed.rules[group]; rule != nil {
		told = rule.offers[code]
	}
	if told == nil {
		c.differ("offer of %s to group %s: no event explains it", code, group)
		return
	}
	told.seen = true
	if stored != *told {
		c.differ("offer of %s to group %s: stored with term %d, quota %d, %d leases and %d units; by the events %d, %d, %d and %d", code, group,
			stored.term, stored.quota, stored.leases, stored.units, told.term, told.quota, told.leases, told.units)
	}
}

func (c *organizationCheck) takeShared(row Row) {
	number, group, code := row.number(1), GroupID(row.text(2)), ProductCode(row.text(3))
	told := c.replayed.shared[number]
	if told == nil {
		c.differ("shared unit %d: no event explains it", number)
		return
	}
	told.seen = true
	c.replayed.pool(code).seats++
	if stored := (replayedShared{group, code, row.number(4), row.number(5), true}); stored != *told {
		c.differ("shared unit %d: stored for %d members of group %s with %s in term %d; by the events %d, %s, %s, %d", number,
			stored.members, group, code, stored.term, told.members, told.group, told.code, told.term)
	}
}

// endRules looks for rules and offers that the events tell of and no row had.
func (c *organizationCheck) endRules() {
	for _, number := range sortedKeys(c.replayed.shared) {
		if !c.replayed.shared[number].seen {
			c.differ("shared unit %d: by the events it exists, and it is missing", number)
		}
	}
	for _, group := range sortedKeys(c.replayed.rules) {
		rule := c.replayed.rules[group]
		if !rule.seen {
			c.differ("rule of group %s: by the events it exists, and it is missing", group)
		}
		for _, code := range sortedKeys(rule.offers) {
			if !rule.offers[code].seen {
				c.differ("offer of %s to group %s: by the events it exists, and it is missing", code, group)
			}
		}
	}
}

// takeSeat collects the seats of one person, which come one after the other. A lease that ended with its offer may still be stored.
func (c *organizationCheck) takeSeat(row Row) {
	seat := Seat{
		User: UserID(row.text(1)), Code: ProductCode(row.text(2)), Units: row.number(3), Direct: row.flag(4), CreatedAt: instant(row.number(5)),
		Lease: Lease{Group: GroupID(row.text(6)), Term: row.number(7), LeasedAt: instant(row.number(8)), LastInUse: instant(row.number(9)), OrphanAt: instant(row.number(10)), Unit: row.number(11)},
	}
	if seat.Lease.Held() && c.replayed.offer(seat.Code, replayedLease{group: seat.Lease.Group, term: seat.Lease.Term}) == nil {
		if seat.Lease = (Lease{}); !seat.Direct {
			return
		}
	}
	if len(c.seats) > 0 && c.seats[0].User != seat.User {
		c.endSeats()
	}
	c.seats = append(c.seats, seat)
	c.replayed.pool(seat.Code).seats += seat.Units
}

// endSeats compares the seats of one person with what the events say.
func (c *organizationCheck) endSeats() {
	if len(c.seats) == 0 {
		return
	}
	id := c.seats[0].User
	u := c.person("seats", id)
	u.seated = true
	codes := make([]ProductCode, len(c.seats))
	for i, seat := range c.seats {
		codes[i] = seat.Code
	}
	if told := c.replayed.seatsOf(u); !slices.Equal(codes, told) {
		c.differ("seats of user %s: stored are %v, by the events %v", id, codes, told)
	}
	for _, stored := range c.seats {
		told, held := c.replayed.seat(u, stored.Code)
		lease := u.leases[stored.Code]
		switch {
		case !stored.Direct && !stored.Lease.Held():
			c.differ("seat %s of user %s: it has no source", stored.Code, id)
		case !held: // told above
		case stored.Units != told.Units:
			c.differ("seat %s of user %s: it draws %d units, by the events %d", stored.Code, id, stored.Units, told.Units)
		case stored.Direct != told.Direct || stored.Lease.Group != told.Lease.Group || stored.Lease.Term != told.Lease.Term || stored.Lease.Unit != told.Lease.Unit:
			c.differ("seat %s of user %s: stored as direct %t and leased through %q in term %d, by the events %t, %q, %d", stored.Code, id,
				stored.Direct, stored.Lease.Group, stored.Lease.Term, told.Direct, told.Lease.Group, told.Lease.Term)
		case stored.Lease.Held() && (!stored.Lease.LeasedAt.Equal(lease.leasedAt) || stored.Lease.LastInUse.Before(lease.leasedAt)):
			c.differ("seat %s of user %s: stored as leased at %s and used at %s, by the events leased at %s", stored.Code, id,
				moment(stored.Lease.LeasedAt), moment(stored.Lease.LastInUse), moment(lease.leasedAt))
		case u.direct != nil && stored.Direct && !stored.Lease.Held() && stored.CreatedAt.After(u.direct.changed):
			c.differ("seat %s of user %s: made at %s, after the last event about it", stored.Code, id, moment(stored.CreatedAt))
		}
	}
	c.seats = c.seats[:0]
}
