package seatwright

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Replayed is what the events of one organization say that is so, computed from nothing else.
type Replayed struct {
	organizations map[OrganizationID]settings // of the host's chain: all; else the organization itself
	users         map[UserID]*replayedUser
	pools         map[ProductCode]*replayedPool
	lots          map[LotID]LotCreated
	lotCreated    map[LotID]time.Time
	tenants       map[TenantID]time.Time
	applications  map[ApplicationID]replayedApplication
	signingKeys   map[string]time.Time
	groups        map[GroupID]*replayedGroup
	robots        map[RobotAccountID]*replayedAccount
	settings      map[SettingRef]replayedSetting
	rules         map[GroupID]*replayedRule
	shared        map[int64]*replayedShared // units that several hold, by number
	notices       *noticeHistory
	denials       *denialHistory
	licenseFiles  map[LicenseFileID]LicenseFile
	received      map[ProductCode]Lot                      // what the host distributes to the organization
	given         map[OrganizationID]map[ProductCode]int64 // of the host's chain: what it distributes to each
	services      map[ServiceKey]ServicePool               // what tenants' services have and use
	unitLeases    map[ServiceKey]map[UnitLeaseID]UnitLease
	usage         map[usageRef]UsageDay
}

// replayedSetting is which event made a setting, and when it was last changed.
type replayedSetting struct {
	number   int64
	modified time.Time
}

// replayedGroup is a group with everybody who is in it.
type replayedGroup struct {
	replayedAccount
	members map[string]MemberKind
}

// replayedAccount is when something was made and when it was last changed.
type replayedAccount struct{ created, modified time.Time }

type settings struct {
	Policies
	created time.Time
}

type replayedUser struct {
	UserState
	created  time.Time
	modified time.Time       // zero: never
	direct   *replayedRecord // nil: no direct record
	leases   map[ProductCode]replayedLease
	seen     bool // the stored person has been found; for verification
	seated   bool // the stored seats have been compared

	signedIn time.Time // for the last time; zero: never
	failures int64     // as the last event about it tells; some of them may have been under way, and more may be by now
	counted  bool      // the stored sign-ins have been found; for verification
}

// replayedRecord is a direct record with its seats.
type replayedRecord struct {
	codes    []ProductCode // sorted
	units    int64
	external bool
	changed  time.Time
	recorded bool // the stored record has been found; for verification
}

// replayedPool is a pool with everything that its total comes from.
type replayedPool struct {
	Pool
	lots    []Lot
	bought  bool      // there have been lots, at least
	changed time.Time // of the last event that tells its state
	seats   int64     // units of the stored seats and services; for verification
	seen    bool
}

type replayedApplication struct {
	ApplicationState
	created, modified time.Time
}

func newReplayed() Replayed {
	return Replayed{
		organizations: map[OrganizationID]settings{}, users: map[UserID]*replayedUser{}, pools: map[ProductCode]*replayedPool{},
		lots: map[LotID]LotCreated{}, lotCreated: map[LotID]time.Time{}, tenants: map[TenantID]time.Time{},
		applications: map[ApplicationID]replayedApplication{}, signingKeys: map[string]time.Time{},
		groups: map[GroupID]*replayedGroup{}, robots: map[RobotAccountID]*replayedAccount{},
		settings: map[SettingRef]replayedSetting{}, rules: map[GroupID]*replayedRule{}, shared: map[int64]*replayedShared{}, received: map[ProductCode]Lot{},
		notices: newNoticeHistory(), denials: newDenialHistory(), licenseFiles: map[LicenseFileID]LicenseFile{},
		given: map[OrganizationID]map[ProductCode]int64{}, services: map[ServiceKey]ServicePool{},
		unitLeases: map[ServiceKey]map[UnitLeaseID]UnitLease{}, usage: map[usageRef]UsageDay{},
	}
}

// Replay reads the events of one organization, from the first on, in order. The error names an event that cannot be read, or
// that does not follow from those before it. It does not check the chain; VerifyChain does.
func Replay(events []Event) (Replayed, error) {
	r := newReplayed()
	return r, r.Continue(events)
}

// Continue reads the events that follow.
func (r Replayed) Continue(events []Event) error {
	for _, e := range events {
		var first error
		r.apply(e, func(format string, args ...any) {
			if first == nil {
				first = fmt.Errorf("event %d: "+format, append([]any{e.Sequence}, args...)...)
			}
		})
		if first != nil {
			return first
		}
	}
	return nil
}

// Used sums the units that are drawn by code; codes of which none is drawn are left out.
func (r Replayed) Used() map[ProductCode]int64 {
	used := map[ProductCode]int64{}
	for code, pool := range r.pools {
		if pool.Used != 0 {
			used[code] = pool.Used
		}
	}
	return used
}

// apply reads one event and tells differs what of it does not follow from the events before, with all invariants of
// an allocation: no unit is drawn that was not bought, and used is the sum of what was drawn.
func (r Replayed) apply(e Event, differs func(format string, args ...any)) {
	if e.Version != 1 {
		differs("has version %d of %s, which this program does not know", e.Version, e.Kind)
		return
	}
	switch e.Kind {
	case EventOrganizationCreated:
		s := settings{DefaultPolicies(), e.At} // the first releases told two of them
		if readInto(e, &s.Policies, differs) {
			once(r.organizations, OrganizationID(e.Subject), s, differs)
		}
	case EventOrganizationUpdated:
		s, known := r.organizations[OrganizationID(e.Subject)]
		if !known {
			differs("changes the organization %s, which was not created", e.Subject)
		}
		if readInto(e, &s.Policies, differs) {
			r.organizations[OrganizationID(e.Subject)] = s
		}
	case EventTenantCreated:
		once(r.tenants, TenantID(e.Subject), e.At, differs)
	case EventUserCreated:
		if state, ok := read[UserState](e, differs); ok {
			once(r.users, UserID(e.Subject), &replayedUser{UserState: state, created: e.At}, differs)
		}
	case EventUserUpdated:
		if updated, ok := read[UserUpdated](e, differs); ok {
			r.update(e, updated, differs)
		}
	case EventUserPasswordChanged:
		if user := r.user(e, "changes the password of", differs); user != nil {
			user.modified, user.failures = e.At, 0
		}
	case EventUserDeleted:
		if user := r.user(e, "deletes", differs); user != nil && (user.direct != nil || r.leasing(user)) {
			differs("deletes %s, who still holds something", e.Subject)
		}
		delete(r.users, UserID(e.Subject))
		r.leaveAll(e.Subject, MemberUser)
		r.denials.forget(UserID(e.Subject))
		for ref := range r.settings {
			if ref.User == UserID(e.Subject) {
				delete(r.settings, ref)
			}
		}
	case EventApplicationCreated:
		if a, ok := read[replayedApplication](e, differs); ok {
			a.created, a.modified = e.At, e.At
			once(r.applications, ApplicationID(e.Subject), a, differs)
		}
	case EventApplicationUpdated:
		if a, ok := read[replayedApplication](e, differs); ok {
			before, exists := r.applications[ApplicationID(e.Subject)]
			if !exists {
				differs("changes the application %s, which does not exist", e.Subject)
			}
			a.created, a.modified = before.created, e.At
			r.applications[ApplicationID(e.Subject)] = a
		}
	case EventApplicationDeleted:
		if _, exists := r.applications[ApplicationID(e.Subject)]; !exists {
			differs("deletes the application %s, which does not exist", e.Subject)
		}
		delete(r.applications, ApplicationID(e.Subject))
	case EventGrantCreated, EventGrantRenewed, EventGrantDeleted, EventGrantRevoked:
		read[GrantState](e, differs)
	case EventSettingChanged:
		if change, ok := read[SettingChange](e, differs); ok {
			r.setting(e, change, differs)
		}
	case EventGroupCreated:
		if change, ok := read[GroupChange](e, differs); ok {
			g := &replayedGroup{replayedAccount{e.At, e.At}, map[string]MemberKind{}}
			once(r.groups, GroupID(e.Subject), g, differs)
			g.change(change, differs)
		}
	case EventGroupUpdated:
		if change, ok := read[GroupChange](e, differs); ok {
			if g := r.groups[GroupID(e.Subject)]; g != nil {
				g.modified = e.At
				g.change(change, differs)
			} else {
				differs("changes the group %s, which does not exist", e.Subject)
			}
		}
	case EventGroupDeleted:
		if _, exists := r.groups[GroupID(e.Subject)]; !exists {
			differs("deletes the group %s, which does not exist", e.Subject)
		}
		if r.rules[GroupID(e.Subject)] != nil {
			differs("deletes the group %s, which still has a rule", e.Subject)
		}
		delete(r.groups, GroupID(e.Subject))
	case EventGroupRuleSet:
		if set, ok := read[GroupRuleSet](e, differs); ok {
			r.setRule(e, set, differs)
		}
	case EventGroupRuleRemoved:
		if removed, ok := read[GroupRuleRemoved](e, differs); ok {
			r.removeRule(e, removed, differs)
		}
	case EventLeaseAcquired, EventLeaseReleased, EventLeaseRevoked, EventLeaseExpired, EventLeaseOrphaned:
		if lease, ok := read[LeaseState](e, differs); ok {
			r.lease(e, lease, differs)
		}
	case EventRobotCreated:
		once(r.robots, RobotAccountID(e.Subject), &replayedAccount{e.At, e.At}, differs)
	case EventRobotUpdated:
		if robot := r.robots[RobotAccountID(e.Subject)]; robot != nil {
			robot.modified = e.At
		} else {
			differs("changes the robot account %s, which does not exist", e.Subject)
		}
	case EventRobotDeleted:
		if _, exists := r.robots[RobotAccountID(e.Subject)]; !exists {
			differs("deletes the robot account %s, which does not exist", e.Subject)
		}
		delete(r.robots, RobotAccountID(e.Subject))
		r.leaveAll(e.Subject, MemberRobot)
	case EventSigningKeyCreated:
		once(r.signingKeys, e.Subject, e.At, differs)
	case EventLotCreated:
		if l, ok := read[LotCreated](e, differs); ok {
			r.buy(e, l, differs)
		}
	case EventLotChanged:
		if l, ok := read[LotCreated](e, differs); ok {
			r.changeLot(e, l, differs)
		}
	case EventLotRemoved:
		if l, ok := read[LotRemoved](e, differs); ok {
			r.removeLot(e, l, differs)
		}
	case EventLicenseImported:
		if l, ok := read[LicenseImported](e, differs); ok {
			hash, err := hex.DecodeString(l.SHA256)
			if err != nil {
				differs("has a SHA-256 that is none: %v", err)
			}
			once(r.licenseFiles, LicenseFileID(e.Subject), LicenseFile{Issuer: l.Issuer, Hash: hash, Lots: l.Lots, ImportedAt: e.At}, differs)
		}
	case EventLicenseDeactivated:
		file, imported := r.licenseFiles[LicenseFileID(e.Subject)]
		if !imported || !file.DeactivatedAt.IsZero() {
			differs("deactivates the license file %s, which is not imported or is deactivated already", e.Subject)
		}
		file.DeactivatedAt = e.At
		r.licenseFiles[LicenseFileID(e.Subject)] = file
	case EventPoolTotalChanged:
		if changed, ok := read[PoolsChanged](e, differs); ok {
			r.refresh(e, changed, differs)
		}
	case EventNoticeTold:
		if told, ok := read[NoticeTold](e, differs); ok {
			r.notices.tell(e, told, differs)
		}
	case EventNoticeEnded:
		if ended, ok := read[NoticeEnded](e, differs); ok {
			if _, stood := r.notices.end(NoticeRef{ended.Kind, e.Subject}); !stood {
				differs("ends the notice about %s, of which none stands", e.Subject)
			}
		}
	case EventDistributionSet, EventDistributionAligned, EventDistributionRemoved:
		if set, ok := read[DistributionSet](e, differs); ok && e.Organization == HostID {
			r.give(e, set, differs)
		} else if ok {
			r.receive(e, set, differs)
		}
	case EventServiceLicenseSet, EventServiceLicenseRemoved:
		if set, ok := read[ServiceLicenseSet](e, differs); ok {
			r.setService(e, set, differs)
		}
	case EventUnitsAcquired, EventUnitsChanged, EventUnitsReleased, EventUnitsRevoked, EventUnitsExpired, EventUnitsConsumed, EventUnitsPeriodEnded:
		if units, ok := read[UnitsState](e, differs); ok {
			r.units(e, units, differs)
		}
	case EventAllocationSet:
		if set, ok := read[AllocationSet](e, differs); ok {
			r.set(e, set, differs)
		}
	case EventAllocationRemoved:
		if set, ok := read[AllocationSet](e, differs); ok {
			r.remove(e, set, differs)
		}
	case EventUserSignedIn, EventUserSignInRefused:
		if signIn, ok := read[SignIn](e, differs); ok {
			r.signIn(e, signIn, differs)
		}
	case EventApplicationSignedIn, EventApplicationSignInRefused:
		read[SignIn](e, differs)
		if _, known := r.applications[ApplicationID(e.Subject)]; !known {
			differs("tells of a sign-in of the application %s, which was not created", e.Subject)
		}
	case EventAllocationRefused:
		if refused, ok := read[AllocationRefused](e, differs); ok {
			r.denials.refuse(e, refused, differs)
		}
	case EventDenialSatisfied:
		if satisfied, ok := read[DenialSatisfied](e, differs); ok {
			r.denials.satisfy(e, satisfied, differs)
		}
	default:
		differs("is of the kind %q, which this program does not know", e.Kind)
	}
}

func read[D any](e Event, differs func(format string, args ...any)) (data D, ok bool) {
	return data, readInto(e, &data, differs)
}

// readInto leaves what the data does not tell as it is.
func readInto[D any](e Event, data *D, differs func(format string, args ...any)) bool {
	if err := json.Unmarshal(e.Data, data); err != nil {
		differs("has data that cannot be read: %v", err)
		return false
	}
	return true
}

// once keeps what is created, which can be only once.
func once[K ~string, V any](all map[K]V, id K, value V, differs func(format string, args ...any)) {
	if _, twice := all[id]; twice {
		differs("creates %s a second time", id)
	}
	all[id] = value
}

func (r Replayed) setting(e Event, change SettingChange, differs func(format string, args ...any)) {
	ref := SettingRef{change.User, SettingKey(e.Subject)}
	setting, exists := r.settings[ref]
	if change.Removed {
		if !exists {
			differs("removes the setting %s, which does not exist", ref.Key)
		}
		delete(r.settings, ref)
		return
	}
	if !exists {
		setting.number = e.Sequence
	}
	setting.modified = e.At
	r.settings[ref] = setting
}

// change follows who comes and who goes.
func (g *replayedGroup) change(c GroupChange, differs func(format string, args ...any)) {
	for _, m := range c.Added {
		if _, twice := g.members[m.ID]; twice {
			differs("adds %s, who is in the group already", m.ID)
		}
		g.members[m.ID] = m.Kind
	}
	for _, m := range c.Removed {
		if g.members[m.ID] != m.Kind {
			differs("removes the %s %s, who is not in the group", m.Kind, m.ID)
		}
		delete(g.members, m.ID)
	}
}

// leaveAll takes a member that was deleted out of all groups.
func (r Replayed) leaveAll(id string, kind MemberKind) {
	for _, g := range r.groups {
		if g.members[id] == kind {
			delete(g.members, id)
		}
	}
}

func (r Replayed) buy(e Event, l LotCreated, differs func(format string, args ...any)) {
	id := LotID(e.Subject)
	once(r.lots, id, l, differs)
	r.lotCreated[id] = e.At
	pool := r.pool(l.Code)
	pool.lots = append(pool.lots, l.lot(id))
	r.settle(e, pool, l.Pool, differs)
}

func (l LotCreated) lot(id LotID) Lot {
	return Lot{ID: id, Code: l.Code, Quantity: l.Quantity, Start: l.Start, End: l.End, Grace: time.Duration(l.Grace) * time.Second}
}

func (r Replayed) changeLot(e Event, l LotCreated, differs func(format string, args ...any)) {
	id := LotID(e.Subject)
	pool := r.pool(l.Code)
	i := slices.IndexFunc(pool.lots, func(l Lot) bool { return l.ID == id && l.Origin == OriginPurchase })
	if i < 0 {
		differs("changes the purchase %s of %s, which does not exist", id, l.Code)
		return
	}
	r.lots[id], pool.lots[i] = l, l.lot(id)
	r.settle(e, pool, l.Pool, differs)
}

func (r Replayed) removeLot(e Event, l LotRemoved, differs func(format string, args ...any)) {
	id := LotID(e.Subject)
	pool := r.pool(l.Code)
	i := slices.IndexFunc(pool.lots, func(l Lot) bool { return l.ID == id && l.Origin == OriginPurchase })
	if i < 0 {
		differs("removes the purchase %s of %s, which does not exist", id, l.Code)
		return
	}
	pool.lots = slices.Delete(pool.lots, i, i+1)
	delete(r.lots, id)
	delete(r.lotCreated, id)
	r.settle(e, pool, l.Pool, differs)
}

// refresh brings the pools that the clock has changed to what their lots make.
func (r Replayed) refresh(e Event, changed PoolsChanged, differs func(format string, args ...any)) {
	codes := make([]ProductCode, len(changed.Pools))
	for i, state := range changed.Pools {
		codes[i] = state.Code
		pool := r.pool(state.Code)
		pool.Total, pool.TotalUntil = totalOf(pool.lots, e.At)
	}
	if len(codes) == 0 || !slices.IsSorted(codes) {
		differs("lists no pools, or not in their order")
	}
	r.comparePools(e, codes, changed.Pools, differs)
}

// settle brings a pool to what its lots make and compares it with what the event says.
func (r Replayed) settle(e Event, pool *replayedPool, told PoolState, differs func(format string, args ...any)) {
	pool.bought = true
	pool.Total, pool.TotalUntil = totalOf(pool.lots, e.At)
	r.comparePools(e, []ProductCode{pool.Code}, []PoolState{told}, differs)
}

// user finds the person whom an event changes.
func (r Replayed) user(e Event, verb string, differs func(format string, args ...any)) *replayedUser {
	user := r.users[UserID(e.Subject)]
	if user == nil {
		differs("%s %s, who does not exist", verb, e.Subject)
	}
	return user
}

func (r Replayed) update(e Event, updated UserUpdated, differs func(format string, args ...any)) {
	user := r.user(e, "updates", differs)
	if user == nil {
		return
	}
	if len(updated.Changed) == 0 {
		differs("changes nothing of %s", e.Subject)
	}
	if !updated.Active && (user.direct != nil || r.leasing(user)) {
		differs("makes %s inactive, who still holds something", e.Subject)
	}
	user.UserState, user.modified = updated.UserState, e.At
	if slices.Contains(updated.Changed, "password") {
		user.failures = 0
	}
}

func (r Replayed) set(e Event, set AllocationSet, differs func(format string, args ...any)) {
	user, known := r.users[UserID(e.Subject)]
	if !known {
		differs("allocates to %s, who was not created", e.Subject)
		user = &replayedUser{}
		r.users[UserID(e.Subject)] = user
	} else if !user.Active {
		differs("allocates to %s, who is not active", e.Subject)
	}
	if len(set.Codes) > 0 && set.Units != 1 && !(set.Units == 0 && set.External) {
		differs("gives %d units to a seat", set.Units)
	}
	if !slices.IsSorted(set.Codes) || len(slices.Compact(slices.Clone(set.Codes))) < len(set.Codes) {
		differs("lists codes out of order or twice")
	}
	fresh := &replayedRecord{codes: make([]ProductCode, len(set.Codes)), units: set.Units, external: set.External, changed: e.At}
	for i, code := range set.Codes {
		fresh.codes[i] = r.pool(code).Code // the one copy of its text
	}
	r.draw(e, user, fresh, set.Pools, differs)
}

func (r Replayed) remove(e Event, set AllocationSet, differs func(format string, args ...any)) {
	user, known := r.users[UserID(e.Subject)]
	if !known || user.direct == nil {
		differs("removes the allocation of %s, who had none", e.Subject)
		return
	}
	r.draw(e, user, nil, set.Pools, differs)
}

// draw replaces what the user holds and compares the pools with what the event says of them.
func (r Replayed) draw(e Event, user *replayedUser, fresh *replayedRecord, states []PoolState, differs func(format string, args ...any)) {
	var codes []ProductCode
	if user.direct != nil {
		codes = append(codes, user.direct.codes...)
	}
	if fresh != nil {
		codes = append(codes, fresh.codes...)
	}
	r.move(e, r.moves(user, codes, func() { user.direct = fresh }), states, differs)
}

// move draws units from pools, or gives them back where they are negative, and compares the pools with what the event says.
func (r Replayed) move(e Event, moved map[ProductCode]int64, states []PoolState, differs func(format string, args ...any)) {
	maps.DeleteFunc(moved, func(_ ProductCode, units int64) bool { return units == 0 })
	changed := sortedKeys(moved)
	for _, code := range changed {
		pool := r.pool(code)
		if pool.Stale(e.At) {
			pool.Total, pool.TotalUntil = totalOf(pool.lots, e.At)
		}
		pool.Used += moved[code]
		if moved[code] > 0 && pool.Used > pool.Total {
			differs("draws on pool %s beyond what was bought: %d of %d are used", code, pool.Used, pool.Total)
		}
	}
	r.comparePools(e, changed, states, differs)
}

// receive replaces what the organization has from the host.
func (r Replayed) receive(e Event, set DistributionSet, differs func(format string, args ...any)) {
	fresh, changed := map[ProductCode]Lot{}, map[ProductCode]bool{}
	for _, p := range set.Products {
		before, had := r.received[p.Code]
		lot := Lot{ID: hostLotID(p.Code), Code: p.Code, Quantity: p.Quantity, Start: p.Start, End: p.End, Origin: OriginHost, CreatedAt: e.At}
		if had {
			lot.CreatedAt = before.CreatedAt
		}
		fresh[p.Code] = lot
		changed[p.Code] = lot.Quantity != before.Quantity || !lot.Start.Equal(before.Start) || !lot.End.Equal(before.End)
	}
	for code := range r.received {
		if _, stays := fresh[code]; !stays {
			changed[code] = true
		}
	}
	maps.DeleteFunc(changed, func(_ ProductCode, differs bool) bool { return !differs })
	if len(changed) == 0 {
		differs("changes nothing of what the host distributes")
	}
	clear(r.received)
	for code := range changed {
		pool := r.pool(code)
		pool.lots = slices.DeleteFunc(pool.lots, func(l Lot) bool { return l.Origin == OriginHost })
		delete(r.lots, hostLotID(code))
		if lot, stays := fresh[code]; stays {
			pool.bought, pool.lots = true, append(pool.lots, lot)
			r.lots[lot.ID] = LotCreated{Code: code, Quantity: lot.Quantity, Start: lot.Start, End: lot.End}
			r.lotCreated[lot.ID] = lot.CreatedAt
		}
		pool.Total, pool.TotalUntil = totalOf(pool.lots, e.At)
	}
	maps.Copy(r.received, fresh)
	r.comparePools(e, sortedKeys(changed), set.Pools, differs)
}

// give replaces what the host distributes to an organization: it is drawn from the host's pools.
func (r Replayed) give(e Event, set DistributionSet, differs func(format string, args ...any)) {
	fresh, moved := map[ProductCode]int64{}, map[ProductCode]int64{}
	for _, p := range set.Products {
		fresh[p.Code] = p.Quantity
		moved[p.Code] += p.Quantity
	}
	for code, units := range r.given[OrganizationID(e.Subject)] {
		moved[code] -= units
	}
	r.given[OrganizationID(e.Subject)] = fresh
	r.move(e, moved, set.Pools, differs)
}

// comparePools compares the pools that an event changed with their states as it tells them.
func (r Replayed) comparePools(e Event, changed []ProductCode, states []PoolState, differs func(format string, args ...any)) {
	told := make([]ProductCode, len(states))
	for i, s := range states {
		told[i] = s.Code
	}
	if !slices.Equal(told, changed) {
		differs("tells of the pools %v, it changed %v", told, changed)
	}
	for _, s := range states {
		pool := r.pool(s.Code)
		pool.changed = e.At
		if pool.Used != s.Used || pool.Total != s.Total {
			differs("says that %d of %d units of %s are used; by the events it is %d of %d", s.Used, s.Total, s.Code, pool.Used, pool.Total)
		}
	}
}

// pool returns the pool of a code, an empty one where nothing was bought.
func (r Replayed) pool(code ProductCode) *replayedPool {
	p := r.pools[code]
	if p == nil {
		p = &replayedPool{Pool: Pool{Code: code}}
		r.pools[code] = p
	}
	return p
}
