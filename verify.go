package seatwright

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Verification compares everything that is stored with what the events say, and the events with each other. Give it every
// row of a dump, in its order, then call End. It remembers what the events of one organization say, not their texts, and of
// the installation little more than ids.
type Verification struct {
	report      func(sentence string)
	differences int
	rows        map[string]int64

	organizations map[OrganizationID]bool     // those with a row
	created       map[OrganizationID]settings // by the host's events
	signingKeys   map[string]time.Time        // those with a row
	keyEvents     map[string]time.Time
	given         map[OrganizationID]map[ProductCode]int64 // what the host distributes, by its events
	received      map[OrganizationID]map[ProductCode]int64 // by the lots of the organizations
	current       *organizationCheck
}

// NewVerification begins one. report is called with a sentence about each thing that differs.
func NewVerification(report func(sentence string)) *Verification {
	return &Verification{
		report: report, rows: map[string]int64{}, organizations: map[OrganizationID]bool{}, created: map[OrganizationID]settings{},
		signingKeys: map[string]time.Time{}, keyEvents: map[string]time.Time{}, received: map[OrganizationID]map[ProductCode]int64{},
	}
}

// organizationCheck is the organization whose rows are coming. Its events come first; then each row is held against them.
type organizationCheck struct {
	*Verification
	id       OrganizationID
	row      *settings
	head     *Head
	chain    Head // the end of the events so far
	replayed Replayed
	groups   map[GroupID]bool    // those with a row
	services map[ServiceKey]bool // likewise

	last  []byte // table and key of the row before
	spare []byte // the memory of the one before that
	seats []Seat // of the person whose seats are coming
}

// Row takes the next row.
func (v *Verification) Row(r Row) {
	v.rows[r.Table.Name]++
	if r.Table.Owner() == "" {
		v.signingKeys[r.text(0)] = instant(r.number(2))
		return
	}
	if id := r.Organization(); v.current == nil || v.current.id != id {
		v.endOrganization()
		v.current = &organizationCheck{
			Verification: v, id: id, chain: Head{Organization: id, Hash: NoHash()}, replayed: newReplayed(), groups: map[GroupID]bool{},
			services: map[ServiceKey]bool{},
		}
	}
	v.current.take(r)
}

// End finishes the verification and returns how many things differ.
func (v *Verification) End() int {
	v.endOrganization()
	if len(v.organizations) > 0 && !v.organizations[HostID] {
		v.differ("there is no host")
	}
	for _, id := range sortedKeys(v.created) {
		if !v.organizations[id] {
			v.differ("organization %s: the host created it, and it is missing", id)
		}
	}
	for _, id := range sortedKeys(v.organizations) {
		if _, known := v.created[id]; !known && v.organizations[HostID] {
			v.differ("organization %s: no event of the host created it", id)
		}
	}
	v.compareDistribution()
	// A key whose event is missing was put there by somebody who wanted to make tokens. An event without a key is no fault:
	// backups leave the keys out.
	for _, id := range sortedKeys(v.signingKeys) {
		if at, known := v.keyEvents[id]; !known || !at.Equal(v.signingKeys[id]) {
			v.differ("signing key %s: no event of the host created it at %s", id, moment(v.signingKeys[id]))
		}
	}
	return v.differences
}

// Summary says what was looked at.
func (v *Verification) Summary() string {
	return fmt.Sprintf("%d organizations, %d events, %d users, %d pools, %d direct records, %d seats",
		v.rows["organizations"], v.rows["events"], v.rows["users"], v.rows["pools"], v.rows["direct_records"], v.rows["seats"])
}

func (v *Verification) differ(format string, args ...any) {
	v.differences++
	v.report(fmt.Sprintf(format, args...))
}

func instant(microseconds int64) time.Time { return time.UnixMicro(microseconds).UTC() }

func moment(at time.Time) string { return at.Format(time.RFC3339Nano) }

// differ names the organization before the sentence.
func (c *organizationCheck) differ(format string, args ...any) {
	c.Verification.differ("organization %s: "+format, append([]any{c.id}, args...)...)
}

// take compares one row. The columns are those of the table of the same name in row.go.
func (c *organizationCheck) take(r Row) {
	c.once(r)
	switch r.Table.Name {
	case "organizations":
		c.takeOrganization(r)
	case "heads":
		c.head = &Head{Organization: c.id, Sequence: r.number(1), Hash: bytes.Clone(r.bytes(2)), At: instant(r.number(3))}
	case "events":
		c.takeEvent(Event{
			Organization: c.id, Sequence: r.number(1), At: instant(r.number(2)), Kind: EventKind(r.text(3)), Version: int(r.number(4)),
			Actor: r.text(5), Via: r.text(6), RequestID: r.text(7), Subject: r.text(8), Data: r.bytes(9), Prev: r.bytes(10), Hash: r.bytes(11),
		})
	case "tenants":
		c.takeTenant(TenantID(r.text(1)), r.text(2), r.text(3), instant(r.number(4)))
	case "users":
		state := UserState{Role: Role(r.text(9)), Active: r.flag(10), BypassBasicAuth: r.flag(14), InvitationAccepted: r.flag(15)}
		c.takeUser(UserID(r.text(1)), state, instant(r.number(12)), r.number(13))
	case "settings":
		c.takeSetting(SettingRef{UserID(r.text(1)), SettingKey(r.text(2))}, replayedSetting{r.number(3), instant(r.number(5))})
	case "groups":
		c.takeGroup(GroupID(r.text(1)), r.text(2), r.text(3), replayedAccount{instant(r.number(4)), instant(r.number(5))})
	case "robot_accounts":
		c.takeRobot(RobotAccountID(r.text(1)), r.text(2), r.text(3), replayedAccount{instant(r.number(5)), instant(r.number(6))})
	case "memberships":
		c.takeMembership(GroupID(r.text(1)), r.text(2), MemberKind(r.text(3)))
	case "applications":
		c.takeApplication(r)
	case "grants":
		c.takeGrant(r)
	case "group_rules":
		c.takeRule(r)
	case "group_offers":
		c.takeOffer(r)
	case "shared_units":
		c.takeShared(r)
	case "sessions":
		c.person("session", UserID(r.text(3)))
	case "sign_ins":
		c.takeSignIns(UserID(r.text(1)), instant(r.number(2)), r.number(3))
	case "lots":
		c.takeLot(r)
	case "license_files":
		c.takeLicenseFile(r)
	case "notices":
		c.takeNotice(r)
	case "denials":
		c.takeDenial(r)
	case "pools":
		c.takePool(Pool{Code: ProductCode(r.text(1)), Total: r.number(2), TotalUntil: instant(r.number(3)), Used: r.number(4), Ceiling: r.number(5)})
	case "service_pools":
		c.takeService(ServicePool{
			ServiceKey: r.service(), Quantity: r.number(4), Used: r.number(5), Drawn: r.number(6), PeriodStart: r.instantOrNever(7), PeriodEnd: r.instantOrNever(8),
			Carried: r.number(9),
		})
	case "unit_leases":
		c.takeUnitLease(UnitLease{
			UnitLeaseRef: UnitLeaseRef{r.service(), UnitLeaseID(r.text(4))}, Quantity: r.number(5), Version: r.number(6), MadeBy: r.text(8),
			CreatedAt: instant(r.number(9)), RenewedAt: instant(r.number(10)), PeriodEnd: r.instantOrNever(11),
		})
	case "usage_days":
		c.takeUsage(UsageDay{ServiceKey: r.service(), Day: r.number(4), Peak: r.number(5), Last: r.number(6), Consumed: r.number(7)})
	case "direct_records":
		c.takeRecord(UserID(r.text(1)), r.flag(2), instant(r.number(3)), instant(r.number(4)))
	case "seats":
		c.takeSeat(r)
	case "idempotency_keys":
		if len(r.bytes(4)) != len(c.chain.Hash) || !json.Valid(r.bytes(5)) {
			c.differ("the answer to idempotency key %q of %s cannot be read", r.text(2), r.text(1))
		}
	}
}

// once notices two rows with one key. They are neighbours, because rows come in the order of their keys.
func (c *organizationCheck) once(r Row) {
	key := append(c.spare[:0], r.Table.Name...)
	for i, column := range r.Table.Columns {
		if slices.Contains(r.Table.Key, column.Name) {
			key = fmt.Append(append(key, ' '), r.Values[i])
		}
	}
	if bytes.Equal(key, c.last) {
		c.differ("there are two rows of %s", key)
	}
	c.last, c.spare = key, c.last
}

func (c *organizationCheck) takeOrganization(r Row) {
	c.organizations[c.id] = true
	c.row = &settings{Policies{
		UnknownUsers: UnknownUsers(r.text(4)), ExternalLicenses: r.flag(5), AllocationMode: AllocationMode(r.text(7)), OnLeave: OnLeave(r.text(8)),
		InactiveDays: r.number(9), UserLicensing: r.flag(10), OnShrink: OnShrink(r.text(11)),
		UnitLeaseMinutes: r.number(12), Overdraft: Overdraft(r.text(13)),
	}, instant(r.number(6))}
	if r.text(2) != NameKey(r.text(1)) {
		c.differ("its name %s is looked up as %s", r.text(1), r.text(2))
	}
}

// takeEvent checks the chain and the history. After a difference it goes on from the event as it is stored, so that one
// damaged event is one difference.
func (c *organizationCheck) takeEvent(e Event) {
	if c.chain.Sequence+1 < e.Sequence {
		c.differ("events %d to %d are missing", c.chain.Sequence+1, e.Sequence-1)
		c.chain.Sequence, c.chain.Hash = e.Sequence-1, bytes.Clone(e.Prev)
	}
	if _, err := VerifyChain(c.chain, []Event{e}); err != nil {
		c.differ("%v", err)
	}
	c.chain.Sequence, c.chain.Hash, c.chain.At = e.Sequence, bytes.Clone(e.Hash), e.At
	c.replayed.apply(e, func(format string, args ...any) {
		c.differ("event %d: "+format, append([]any{e.Sequence}, args...)...)
	})
}

func (c *organizationCheck) takeTenant(id TenantID, name, key string, created time.Time) {
	at, known := c.replayed.tenants[id]
	if !known || !at.Equal(created) {
		c.differ("tenant %s: no event created it at %s", id, moment(created))
	}
	if key != NameKey(name) {
		c.differ("tenant %s: its name %s is looked up as %s", id, name, key)
	}
	delete(c.replayed.tenants, id)
}

// takeUser compares a person; modified is 0 where nothing was changed.
func (c *organizationCheck) takeUser(id UserID, state UserState, created time.Time, modified int64) {
	u := c.replayed.users[id]
	if u == nil {
		u = &replayedUser{}
		c.replayed.users[id] = u
	}
	u.seen = true
	told := int64(0)
	if !u.modified.IsZero() {
		told = u.modified.UnixMicro()
	}
	switch {
	case u.created.IsZero():
		c.differ("user %s: no event created them", id)
	case u.UserState != state || !u.created.Equal(created):
		c.differ("user %s: stored as %s, created at %s; by the events as %s, created at %s", id, state, moment(created), u.UserState, moment(u.created))
	case told != modified:
		c.differ("user %s: stored as changed at %s, by the events at %s", id, moment(instant(modified)), moment(instant(told)))
	}
}

func (c *organizationCheck) takeSetting(ref SettingRef, stored replayedSetting) {
	told, known := c.replayed.settings[ref]
	delete(c.replayed.settings, ref)
	if !known {
		c.differ("setting %s%s: no event explains it", ref.Key, ofUser(ref.User))
	} else if told.number != stored.number || !told.modified.Equal(stored.modified) {
		c.differ("setting %s%s: stored as number %d, changed at %s; by the events number %d, changed at %s", ref.Key, ofUser(ref.User),
			stored.number, moment(stored.modified), told.number, moment(told.modified))
	}
}

func ofUser(id UserID) string {
	if id == "" {
		return ""
	}
	return " of user " + string(id)
}

func (c *organizationCheck) takeGroup(id GroupID, name, key string, stored replayedAccount) {
	g := c.replayed.groups[id]
	if g == nil {
		c.differ("group %s: no event created it", id)
		return
	}
	c.compareAccount("group "+string(id), name, key, stored, g.replayedAccount)
	c.groups[id] = true
}

func (c *organizationCheck) takeRobot(id RobotAccountID, name, key string, stored replayedAccount) {
	told := c.replayed.robots[id]
	if told == nil {
		c.differ("robot account %s: no event created it", id)
		return
	}
	c.compareAccount("robot account "+string(id), name, key, stored, *told)
	delete(c.replayed.robots, id)
}

func (c *organizationCheck) compareAccount(what, name, key string, stored, told replayedAccount) {
	if !stored.created.Equal(told.created) || !stored.modified.Equal(told.modified) {
		c.differ("%s: stored as created at %s and changed at %s; by the events at %s and %s", what, moment(stored.created), moment(stored.modified),
			moment(told.created), moment(told.modified))
	}
	if key != NameKey(name) {
		c.differ("%s: its name %s is looked up as %s", what, name, key)
	}
}

// takeMembership takes what is found away from what the events say, so that the rest is missing.
func (c *organizationCheck) takeMembership(group GroupID, member string, kind MemberKind) {
	g := c.replayed.groups[group]
	if g == nil || g.members[member] != kind {
		c.differ("group %s: the %s %s is in it, and no event explains it", group, kind, member)
		return
	}
	delete(g.members, member)
}

func (c *organizationCheck) takeApplication(r Row) {
	id := ApplicationID(r.text(1))
	a, known := c.replayed.applications[id]
	delete(c.replayed.applications, id)
	if !known {
		c.differ("application %s: no event created it", id)
		return
	}
	var secrets []ApplicationSecret
	if err := json.Unmarshal(r.bytes(7), &secrets); err != nil {
		c.differ("application %s: its secrets cannot be read: %v", id, err)
	}
	stored := Application{
		Confidential: r.flag(3), RedirectURIs: strings.Fields(r.text(4)), Scopes: Words[Scope](r.text(5)), UserScopes: Words[Scope](r.text(6)),
		Secrets: secrets,
	}.State()
	if a.UserScopes == nil {
		a.UserScopes = a.Scopes
	}
	if a.Secrets == nil {
		a.Secrets = stored.Secrets
	}
	if got, told := fmt.Sprint(stored), fmt.Sprint(a.ApplicationState); got != told {
		c.differ("application %s: stored as %s, by the events %s", id, got, told)
	}
	if created, modified := instant(r.number(8)), instant(r.number(9)); !a.created.Equal(created) || !a.modified.Equal(modified) {
		c.differ("application %s: stored as created at %s and changed at %s, by the events at %s and %s",
			id, moment(created), moment(modified), moment(a.created), moment(a.modified))
	}
}

// takeGrant checks what can be told without events: most grants have none.
func (c *organizationCheck) takeGrant(r Row) {
	id, user := GrantID(r.text(1)), UserID(r.text(3))
	if _, known := c.replayed.users[user]; user != "" && !known {
		c.differ("grant %s: there is no such person: %s", id, user)
	}
}

func (c *organizationCheck) takeLot(r Row) {
	id := LotID(r.text(2))
	stored := LotCreated{
		Code: ProductCode(r.text(1)), Quantity: r.number(3), Start: instant(r.number(4)), End: instant(r.number(5)), Grace: r.number(6),
	}
	told, known := c.replayed.lots[id]
	delete(c.replayed.lots, id)
	c.takeOrigin(id, stored, LotOrigin(r.text(10)))
	if !known {
		c.differ("lot %s: no event created it", id)
		return
	}
	same := told.Code == stored.Code && told.Quantity == stored.Quantity && told.Start.Equal(stored.Start) && told.End.Equal(stored.End) &&
		told.Grace == stored.Grace && c.replayed.lotCreated[id].Equal(instant(r.number(9)))
	if expiry := stored.End.Add(time.Duration(stored.Grace) * time.Second); !same || !expiry.Equal(instant(r.number(7))) {
		c.differ("lot %s: stored as %d of %s from %s to %s, grace %d s, until %s; by the events %d of %s from %s to %s, grace %d s",
			id, stored.Quantity, stored.Code, moment(stored.Start), moment(stored.End), stored.Grace, moment(instant(r.number(7))),
			told.Quantity, told.Code, moment(told.Start), moment(told.End), told.Grace)
	}
}

// takePool compares a counter with the events. The clock may have refreshed its total after the last event about it, so the
// total has to be right for the time up to which the pool says that it holds.
func (c *organizationCheck) takePool(stored Pool) {
	pool := c.replayed.pool(stored.Code)
	pool.seen = true
	if !pool.bought {
		c.differ("pool %s: nothing of it was bought", stored.Code)
	}
	if stored.Used != pool.Used {
		c.differ("pool %s: %d units are stored as used, by the events %d are", stored.Code, stored.Used, pool.Used)
	}
	total, _ := totalOf(pool.lots, stored.TotalUntil.Add(-time.Microsecond))
	boundary := stored.TotalUntil.Equal(never)
	for _, l := range pool.lots {
		boundary = boundary || stored.TotalUntil.Equal(l.Start) || stored.TotalUntil.Equal(l.Expiry())
	}
	if stored.Total != total || !boundary || !stored.TotalUntil.After(pool.changed) {
		c.differ("pool %s: its total is stored as %d until %s; its lots make %d then", stored.Code, stored.Total, moment(stored.TotalUntil), total)
	}
	if stored.Ceiling != max(stored.Total, stored.Used) {
		c.differ("pool %s: its ceiling is %d, with a total of %d and %d used", stored.Code, stored.Ceiling, stored.Total, stored.Used)
	}
}

// takeOrigin compares whether the host distributes a lot, and remembers how much it does.
func (c *organizationCheck) takeOrigin(id LotID, stored LotCreated, origin LotOrigin) {
	told := OriginPurchase
	if lot, distributed := c.replayed.received[stored.Code]; distributed && lot.ID == id {
		told = OriginHost
	}
	if origin != told {
		c.differ("lot %s: its origin is stored as %q, by the events it is %q", id, origin, told)
	}
	if origin == OriginHost {
		if c.received[c.id] == nil {
			c.received[c.id] = map[ProductCode]int64{}
		}
		c.received[c.id][stored.Code] = stored.Quantity
	}
}

// givenOf sums what the host distributes of a code; of any other organization it is nothing.
func (c *organizationCheck) givenOf(code ProductCode) (units int64) {
	for _, given := range c.replayed.given {
		units += given[code]
	}
	return units
}

// compareDistribution compares what the host has given with what the organizations have got.
func (v *Verification) compareDistribution() {
	for _, id := range sortedKeys(v.organizations) {
		codes := maps.Clone(v.received[id])
		if codes == nil {
			codes = map[ProductCode]int64{}
		}
		maps.Copy(codes, v.given[id])
		for _, code := range sortedKeys(codes) {
			if given, received := v.given[id][code], v.received[id][code]; given != received {
				v.differ("organization %s: it has %d units of %s from the host, which by its events distributes %d", id, received, code, given)
			}
		}
	}
}

func (c *organizationCheck) takeRecord(id UserID, external bool, created, updated time.Time) {
	u := c.person("direct record", id)
	switch {
	case u.direct == nil:
		c.differ("direct record of user %s: no event explains it", id)
		return
	case u.direct.external != external || !u.direct.changed.Equal(updated) || created.After(updated):
		c.differ("direct record of user %s: stored as external %t, from %s to %s; by the events external %t, changed at %s",
			id, external, moment(created), moment(updated), u.direct.external, moment(u.direct.changed))
	}
	u.direct.recorded = true
}

// person finds who a row is about.
func (c *organizationCheck) person(what string, id UserID) *replayedUser {
	u := c.replayed.users[id]
	if u == nil {
		u = &replayedUser{}
		c.replayed.users[id] = u
	}
	if !u.seen {
		c.differ("%s of user %s: there is no such person", what, id)
	}
	return u
}

func (v *Verification) endOrganization() {
	if v.current != nil {
		v.current.end()
		v.current = nil
	}
}

// end looks for what the events tell of and no row had.
func (c *organizationCheck) end() {
	c.endSeats()
	c.endHead()
	for _, id := range sortedKeys(c.replayed.tenants) {
		c.differ("tenant %s: by the events it exists, and it is missing", id)
	}
	c.endRules()
	for _, id := range sortedKeys(c.replayed.groups) {
		if !c.groups[id] {
			c.differ("group %s: by the events it exists, and it is missing", id)
		}
		for _, member := range sortedKeys(c.replayed.groups[id].members) {
			c.differ("group %s: by the events %s is in it, and is missing", id, member)
		}
	}
	for ref := range c.replayed.settings {
		c.differ("setting %s%s: by the events it exists, and it is missing", ref.Key, ofUser(ref.User))
	}
	for _, id := range sortedKeys(c.replayed.robots) {
		c.differ("robot account %s: by the events it exists, and it is missing", id)
	}
	for _, id := range sortedKeys(c.replayed.applications) {
		c.differ("application %s: by the events it exists, and it is missing", id)
	}
	for _, id := range sortedKeys(c.replayed.lots) {
		c.differ("lot %s: by the events it exists, and it is missing", id)
	}
	for _, id := range sortedKeys(c.replayed.licenseFiles) {
		c.differ("license file %s: by the events it was imported, and it is missing", id)
	}
	for _, sequence := range sortedKeys(c.replayed.notices.told) {
		c.differ("notice %d: by the events it was told, and it is missing", sequence)
	}
	for _, number := range sortedKeys(c.replayed.denials.told) {
		c.differ("denial %d: by the events somebody was refused, and it is missing", number)
	}
	c.endUnits()
	var incomplete []UserID
	for id, u := range c.replayed.users {
		if !u.seen || u.missesSignIns() || u.direct != nil && !u.direct.recorded || !u.seated && len(c.replayed.seatsOf(u)) > 0 {
			incomplete = append(incomplete, id)
		}
	}
	slices.Sort(incomplete)
	for _, id := range incomplete {
		u := c.replayed.users[id]
		if !u.seen && !u.created.IsZero() {
			c.differ("user %s: by the events they exist, and they are missing", id)
		}
		if u.missesSignIns() {
			c.differ("sign-ins of user %s: by the events there were some, and they are missing", id)
		}
		if u.direct != nil && !u.direct.recorded {
			c.differ("direct record of user %s: by the events it exists, and it is missing", id)
		}
		if told := c.replayed.seatsOf(u); !u.seated && len(told) > 0 {
			c.differ("seats of user %s: stored are none, by the events %v", id, told)
		}
	}
	for _, code := range sortedKeys(c.replayed.pools) {
		switch pool := c.replayed.pools[code]; {
		case pool.seats+c.givenOf(code) != pool.Used:
			c.differ("pool %s: its seats and services have %d units, by the events %d are used", code, pool.seats+c.givenOf(code), pool.Used)
		case !pool.seen && pool.bought:
			c.differ("pool %s: by the events it exists, and it is missing", code)
		}
	}
	if c.id == HostID {
		c.created, c.keyEvents, c.given = c.replayed.organizations, c.replayed.signingKeys, c.replayed.given
	}
}

// endHead compares the organization and the end of its chain with the events.
func (c *organizationCheck) endHead() {
	told, known := c.replayed.organizations[c.id]
	switch {
	case c.row == nil:
		c.differ("there are rows of it, but it does not exist")
	case !known || !told.created.Equal(c.row.created) || told.Policies != c.row.Policies:
		c.differ("stored with %s, created at %s; by the events %s, %s", c.row.Policies, moment(c.row.created), told.Policies, moment(told.created))
	}
	switch {
	case c.head == nil:
		c.differ("the end of its chain is not stored")
	case c.head.Sequence != c.chain.Sequence || !bytes.Equal(c.head.Hash, c.chain.Hash) || !c.head.At.Equal(c.chain.At):
		c.differ("the head says that the chain ends with event %d at %s (hash %.4x…), it ends with event %d at %s (hash %.4x…)",
			c.head.Sequence, moment(c.head.At), c.head.Hash, c.chain.Sequence, moment(c.chain.At), c.chain.Hash)
	}
}
