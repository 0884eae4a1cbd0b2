package seatwright

import (
	"cmp"
	"slices"
	"time"
)

// SessionID names a session, unique within its organization. Products make it up.
type SessionID string

// Session is the use of a product by one person, from its start until its end or until it is not told to go on any more.
type Session struct {
	Organization OrganizationID
	ID           SessionID
	GlobalID     string // a UUID of ours
	User         UserID
	ClientType   string // the product, as it calls itself
	StartedAt    time.Time
	UpdatedAt    time.Time // the last time that the product told of it
}

// SessionLife is how long a session is kept that is not told of. It may be missing after that.
const SessionLife = 24 * time.Hour

// MaxSessions is how many sessions a person can have at once: another one takes the place of the one that was told of the longest ago.
const MaxSessions = 32

// makeRoomForSession takes away the oldest sessions of a person where they have as many as they can.
func (o *leaseSlice) makeRoomForSession(user UserID) {
	var own []Session
	for _, s := range o.sessions {
		if s.User == user {
			own = append(own, s)
		}
	}
	slices.SortFunc(own, func(a, b Session) int { return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.ID, b.ID)) })
	for _, s := range own[:max(0, len(own)-MaxSessions+1)] {
		o.removeSession(s.ID)
	}
}

// MaxClientType is the longest name of a product, in bytes.
const MaxClientType = 64

// OpenSession begins a session of a person, or tells that it goes on, and takes the leases that the rules of their groups offer. Of
// several ranked bundles the strongest free one is taken; a person who holds a weaker one changes to it. Each bundle without a rank is taken on its own. What
// was allocated to them directly they hold already.
//
// Errors, in this order: not_found/organization_not_found; not_found/not_found for a person who does not exist or is not active;
// conflict/duplicate for a session of somebody else; not_found/no_license, but not for those who hold something where the policy is to
// hold; forbidden/not_entitled where nothing that they are offered fits;
// exhausted/pool_exhausted and exhausted/quota_reached where nothing of it is free. On an error nothing has changed except the record
// of a refusal.
type OpenSession struct {
	Organization OrganizationID
	User         UserID
	Session      SessionID // empty: an interactive sign-in, which has no session
	GlobalID     string    `json:"-"` // of a new session
	ClientType   string
	Wanted       []LicenseUnit // that the bundles shall give, all of them; empty: any
}

// Opened is the answer of [OpenSession].
type Opened struct {
	Session  Session       `json:"session"`
	Codes    []ProductCode `json:"codes"`    // what the person holds now, in order
	Units    []LicenseUnit `json:"units"`    // what that gives, each once
	External bool          `json:"external"` // they hold an external license, which draws no unit
	Until    time.Time     `json:"until"`    // the first instant at which that may not be so any more; SessionLife from now at the latest
}

func (c OpenSession) Operation() string { return "session.open" }

func (c OpenSession) Touches() []Touch {
	t := Touch{
		Organization: c.Organization, Users: []UserID{c.User}, WholeUsers: []UserID{c.User}, GroupsOf: []UserID{c.User}, Rules: true,
		Denied: []Denied{deniedUser(c.User)},
	}
	if c.Session != "" {
		t.Sessions, t.SessionsOf = []SessionID{c.Session}, []UserID{c.User}
	}
	return []Touch{t}
}

func (c OpenSession) Weight() int { return 4 }

// Decide answers what the person holds now.
func (c OpenSession) Decide(s *Slice, origin Origin) (Opened, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Opened{}, err
	}
	if !o.users[c.User] {
		return Opened{}, MissingUser()
	}
	session, exists := o.sessions[c.Session]
	if exists && session.User != c.User {
		return Opened{}, NewError(KindConflict, ReasonDuplicate, "there is a session with this id already").In("sessionId")
	}
	if !o.licensed && (o.organization.OnShrink != HoldShrink || !o.holdsAnything(c.User)) {
		return Opened{}, s.denyLeases(o, origin, s.outOfForce(o, c), missingLicense())
	}
	if err := s.takeLeases(o, origin, c); err != nil {
		return Opened{}, err
	}
	if err := s.satisfy(o, origin, c.User); err != nil {
		return Opened{}, err
	}
	if c.Session != "" {
		if !exists {
			o.makeRoomForSession(c.User)
			session = Session{Organization: c.Organization, ID: c.Session, GlobalID: c.GlobalID, User: c.User, StartedAt: o.now}
		}
		session.ClientType, session.UpdatedAt = c.ClientType, o.now
		o.putSession(session)
	}
	return s.opened(o, c.User, session), nil
}

// holdsAnything reports that a person holds a unit of some pool, in force or not.
func (o *organizationSlice) holdsAnything(user UserID) bool {
	for code := range o.seats[user] {
		if _, held := o.seat(user, code); held {
			return true
		}
	}
	return false
}

// opened tells what a person holds that is in force.
func (s *Slice) opened(o *organizationSlice, user UserID, session Session) Opened {
	answer := Opened{Session: session, Codes: []ProductCode{}, Until: o.now.Add(SessionLife)}
	for _, code := range sortedKeys(o.seats[user]) { // a pool that is looked at may leave an event
		seat, held := o.seat(user, code)
		if u, shared := o.shared[seat.Lease.Unit]; shared && !seat.Direct && u.User != user && (session.ID != "" || u.busy(user, o.now)) {
			continue // another member uses it
		}
		if pool := s.pool(o, code); held && o.organization.Usable(pool) {
			answer.Codes = append(answer.Codes, code)
			answer.External = answer.External || seat.External()
			if pool.TotalUntil.Before(answer.Until) {
				answer.Until = pool.TotalUntil
			}
		}
	}
	answer.Units = s.catalogue.UnitsOf(answer.Codes)
	return answer
}

// offered is one bundle that a person may lease, from the rules that offer it in the order in which they are charged.
type offered struct {
	bundle Product
	groups []GroupID
}

// takeLeases takes what the rules offer to a person, and fails where they then hold nothing that gives what is wanted. What they were offered and did
// not get is recorded, also where they have something else.
func (s *Slice) takeLeases(o *organizationSlice, origin Origin, c OpenSession) error {
	user, wanted := c.User, c.Wanted
	var inUse, full []ProductCode
	var short []Shortage
	var lacking []Denial
	lack := func(code ProductCode, reason DenialReason, group GroupID) {
		if slices.ContainsFunc(lacking, func(d Denial) bool { return d.Code == code }) {
			return // a unit that they share, and their group offers others
		}
		d := s.lackOf(o, user, code, reason, group)
		lacking = append(lacking, d)
		switch reason {
		case DeniedInUse:
			inUse = append(inUse, code)
		case DeniedQuota:
			full = append(full, code)
		default:
			short = append(short, Shortage{Bundle: code, Requested: d.Requested, Available: d.Available})
		}
	}
	holds := false // whatever they are offered
	var orphans []Seat
	orphaned := 0                                    // the highest rank of these
	for _, code := range sortedKeys(o.seats[user]) { // a pool that is looked at may leave an event
		seat, held := o.seat(user, code)
		if !held || !seat.Direct && !seat.Lease.Orphan() || !s.gives(code, wanted) || !o.organization.Usable(s.pool(o, code)) {
			continue
		}
		if u, shared := o.shared[seat.Lease.Unit]; shared && !seat.Direct && u.busy(user, o.now) {
			lack(code, DeniedInUse, seat.Lease.Group)
			continue
		}
		if holds = true; !seat.Direct {
			orphans = append(orphans, seat)
			b, _ := s.catalogue.Bundle(code)
			orphaned = max(orphaned, b.Rank)
		}
	}
	offers := s.offersTo(o, user, wanted)
	if len(offers) == 0 && !holds {
		refusal := NewError(KindForbidden, ReasonNotEntitled, "neither an allocation nor a group gives this person a license that fits")
		if len(inUse) > 0 {
			refusal = unitInUse(inUse)
		}
		return s.denyLeases(o, origin, append(lacking, s.outOfForce(o, c)...), refusal)
	}
	for _, seat := range orphans {
		o.useLease(seat, nil)
		s.hold(o, seat.Lease.Unit, user, c.Session)
	}
	taken, ranked := holds, false
	for _, each := range offers {
		if each.bundle.Rank > 0 && ranked {
			break // ranked ones come last, strongest first, and one of them is enough
		}
		if _, has := o.seat(user, each.bundle.Code); each.bundle.Rank > 0 && each.bundle.Rank <= orphaned && !has {
			continue // what they keep is as strong
		}
		got, err := s.takeLease(o, origin, c, each)
		switch {
		case err != nil:
			return err
		case got:
			taken, ranked = true, ranked || each.bundle.Rank > 0
		default:
			lack(each.bundle.Code, s.whyNot(o, user, each.bundle.Code), each.groups[0])
		}
	}
	if ranked {
		if err := s.endWeaker(o, origin, user); err != nil {
			return err
		}
	}
	switch {
	case taken:
		return s.denyLeases(o, origin, lacking, nil)
	case len(inUse) > 0 && len(short)+len(full) == 0:
		return s.denyLeases(o, origin, lacking, unitInUse(inUse))
	case len(short) == 0:
		refusal := NewError(KindExhausted, ReasonQuotaReached, "as many members of the groups of this person hold %s as may", enumerate(full))
		return s.denyLeases(o, origin, lacking, refusal)
	}
	return s.refuse(o, origin, AllocationRefused{Users: 1, Shortages: short}, lacking)
}

// denyLeases records what one person asked for and did not get, and returns the refusal, if it is one.
func (s *Slice) denyLeases(o *organizationSlice, origin Origin, lacking []Denial, refusal *Error) error {
	if err := s.deny(o, origin, AllocationRefused{Users: 1}, lacking); err != nil {
		return err
	}
	if refusal == nil {
		return nil
	}
	return refusal
}

// lackOf is that a person is refused a lease.
func (s *Slice) lackOf(o *organizationSlice, user UserID, code ProductCode, reason DenialReason, group GroupID) Denial {
	return Denial{Denied: deniedUser(user), Code: code, Reason: reason, Group: group, Requested: 1, Available: s.pool(o, code).Available()}
}

// outOfForce lists what a person holds or is offered, and would give what is wanted if anything of it were in force.
func (s *Slice) outOfForce(o *organizationSlice, c OpenSession) []Denial {
	groups := map[ProductCode]GroupID{}
	for _, each := range s.offersTo(o, c.User, c.Wanted) {
		groups[each.bundle.Code] = each.groups[0]
	}
	for code := range o.seats[c.User] {
		if seat, held := o.seat(c.User, code); held && s.gives(code, c.Wanted) {
			groups[code] = seat.Lease.Group
		}
	}
	var lacking []Denial
	for _, code := range sortedKeys(groups) { // a pool that is looked at may leave an event
		if s.pool(o, code).Total == 0 {
			lacking = append(lacking, s.lackOf(o, c.User, code, DeniedNotInForce, groups[code]))
		}
	}
	return lacking
}

// whyNot says why a person could not lease a bundle.
func (s *Slice) whyNot(o *organizationSlice, user UserID, code ProductCode) DenialReason {
	switch pool := s.pool(o, code); {
	case o.sharing(user, code) && o.organization.Usable(pool):
		return DeniedInUse
	case pool.Available() > 0:
		return DeniedQuota
	default:
		return pool.denialReason()
	}
}

func unitInUse(codes []ProductCode) *Error {
	return NewError(KindExhausted, ReasonUnitInUse, "the shared unit of %s is in use by another member, and no other is free", enumerate(codes))
}

// gives reports that a bundle gives all that is wanted.
func (s *Slice) gives(code ProductCode, wanted []LicenseUnit) bool {
	b, known := s.catalogue.Bundle(code)
	for _, unit := range wanted {
		if !known || !slices.Contains(b.Units, unit) {
			return false
		}
	}
	return true
}

// offersTo lists what the groups of a person offer and gives what is wanted: bundles without a rank in the order of their codes, then the
// ranked ones, strongest first. Those with a direct record are offered nothing, unless the policy adds to it.
func (s *Slice) offersTo(o *organizationSlice, user UserID, wanted []LicenseUnit) []offered {
	if _, recorded := o.records[user]; recorded && o.organization.AllocationMode != AddToLeases {
		return nil
	}
	groups := []GroupID{Everyone.ID}
	if o.people[user].Role == RoleOrganizationAdministrator {
		groups = append(groups, Administrators.ID)
	}
	for ref, member := range o.memberships {
		if member == (Member{MemberUser, string(user)}) {
			groups = append(groups, ref.Group)
		}
	}
	var rules []GroupRule
	for _, group := range groups {
		if r, exists := o.rules[group]; exists {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, byCharge)
	byCode := map[ProductCode]*offered{}
	var all []*offered
	for _, r := range rules {
		for _, offer := range o.offersOf(r.Group) {
			bundle, known := s.catalogue.Bundle(offer.Code)
			if !known || !s.gives(offer.Code, wanted) {
				continue
			}
			if byCode[offer.Code] == nil {
				byCode[offer.Code] = &offered{bundle: bundle}
				all = append(all, byCode[offer.Code])
			}
			byCode[offer.Code].groups = append(byCode[offer.Code].groups, r.Group)
		}
	}
	list := make([]offered, len(all))
	for i, each := range all {
		list[i] = *each
	}
	slices.SortFunc(list, func(a, b offered) int {
		if a.bundle.Rank > 0 && b.bundle.Rank > 0 {
			return cmp.Or(cmp.Compare(b.bundle.Rank, a.bundle.Rank), cmp.Compare(a.bundle.Code, b.bundle.Code))
		}
		return cmp.Or(cmp.Compare(min(a.bundle.Rank, 1), min(b.bundle.Rank, 1)), cmp.Compare(a.bundle.Code, b.bundle.Code))
	})
	return list
}

// takeLease makes the person hold a bundle through one of the groups, and reports whether they do. One that is held already is used
// again; one that is held directly needs no lease.
func (s *Slice) takeLease(o *organizationSlice, origin Origin, c OpenSession, each offered) (bool, error) {
	user, code := c.User, each.bundle.Code
	seat, held := o.seat(user, code)
	pool := s.pool(o, code)
	switch {
	case held && seat.Direct:
		return o.organization.Usable(pool), nil
	case each.bundle.Multiuser && (!held || seat.Lease.Unit != 0):
		return s.takeShared(o, origin, c, each)
	case held && !o.organization.Usable(pool):
		return false, nil
	case held:
		o.useLease(seat, each.groups)
		return true, nil
	}
	if pool.Available() < 1 {
		return false, nil
	}
	for _, group := range each.groups {
		offer := o.offers[offerRef{group, code}]
		if offer.Full() {
			continue
		}
		seat = Seat{
			Organization: o.organization.ID, User: user, Code: code, Units: 1, CreatedAt: o.now,
			Lease: Lease{Group: group, Term: offer.Term, LeasedAt: o.now, LastInUse: o.now},
		}
		var moved unitMoves
		moved.add(code, o.changeSeat(seat))
		data := LeaseState{Code: code, Group: group, Term: offer.Term, Units: 1, Pools: s.moveUnits(o, moved)}
		return true, s.record(o, origin, EventLeaseAcquired, string(user), data)
	}
	return false, nil
}

// useLease notes that a lease is in use.
func (o *organizationSlice) useLease(seat Seat, groups []GroupID) {
	seat.Lease.LastInUse = o.now
	if slices.Contains(groups, seat.Lease.Group) {
		seat.Lease.OrphanAt = time.Time{} // back in the group
	}
	o.putSeat(seat)
}

// endWeaker ends the ranked leases of a person that the strongest one in force makes needless: it gives all that they give.
func (s *Slice) endWeaker(o *organizationSlice, origin Origin, user UserID) error {
	var strongest Product
	codes := o.leases(user)
	for _, code := range codes {
		if b, _ := s.catalogue.Bundle(code); b.Rank > strongest.Rank && o.organization.Usable(s.pool(o, code)) {
			strongest = b
		}
	}
	for _, code := range codes {
		if b, _ := s.catalogue.Bundle(code); b.Rank > 0 && b.Rank < strongest.Rank && s.gives(strongest.Code, b.Units) {
			if err := s.endLease(o, origin, user, code, LeaseReplaced); err != nil {
				return err
			}
		}
	}
	return nil
}

// CloseSession ends a session. The leases that its person holds go on, and the units that they share with others are free for these. Errors:
// not_found/organization_not_found; not_found/not_found for a session that does not exist or is of somebody else than User.
type CloseSession struct {
	Organization OrganizationID
	Session      SessionID
	User         UserID
}

func (c CloseSession) Operation() string { return "session.close" }

func (c CloseSession) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: []UserID{c.User}, Sessions: []SessionID{c.Session}}}
}

func (c CloseSession) Weight() int { return 1 }

// Decide answers the session as it was.
func (c CloseSession) Decide(s *Slice, _ Origin) (Session, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Session{}, err
	}
	session, exists := o.sessions[c.Session]
	if !exists || session.User != c.User {
		return Session{}, MissingSession()
	}
	o.removeSession(c.Session)
	o.letGo(c.User, c.Session)
	return session, nil
}

// MissingSession is the error of a session that does not exist, or is somebody else's.
func MissingSession() *Error {
	return NotFound(ReasonNotFound, "there is no such session")
}
