package modeltest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/seatwright/seatwright"
)

// The rules of groups and leases, as plainly as possible.

// Groups are what random commands are about; all of them exist from the beginning. Everybody is in the last one.
var Groups = []seatwright.GroupID{"g-1", "g-2", seatwright.Everyone.ID}

// Rule is what a group offers.
type Rule struct {
	Priority         int64
	Created, Applied time.Time
	Quotas           map[seatwright.ProductCode]int64 // of what it offers; 0: none
}

// Lease is what one person holds of one bundle through a group.
type Lease struct {
	Group           seatwright.GroupID
	Unit            int       // shared with others, from 1; 0: its own
	Used, LeftGroup time.Time // LeftGroup zero: they are in it
}

// leaseOf is a person's lease of a code.
type leaseOf struct {
	user seatwright.UserID
	code seatwright.ProductCode
}

// Leased lists what a person holds through groups, in order.
func (m *Model) Leased(user seatwright.UserID) (codes []seatwright.ProductCode) {
	for of := range m.Leases {
		if of.user == user {
			codes = append(codes, of.code)
		}
	}
	slices.Sort(codes)
	return codes
}

// Units is what a person draws of a code: two sources draw one unit.
func (m *Model) Units(user seatwright.UserID, code seatwright.ProductCode) (units int64) {
	if h := m.Holdings[user]; slices.Contains(h.Codes, code) {
		units = h.Units
	}
	if l, leased := m.Leases[leaseOf{user, code}]; leased && l.Unit == 0 {
		units = 1
	}
	return units
}

// sharers counts who shares each unit of a code.
func (m *Model) sharers(code seatwright.ProductCode) map[int]int {
	n := map[int]int{}
	for of, l := range m.Leases {
		if of.code == code && l.Unit != 0 {
			n[l.Unit]++
		}
	}
	return n
}

// roomIn is the oldest unit of a code that members of a group share and that has room for one more; 0: there is none.
func (m *Model) roomIn(group seatwright.GroupID, code seatwright.ProductCode) (oldest int) {
	n := m.sharers(code)
	for of, l := range m.Leases {
		if of.code == code && l.Group == group && l.Unit != 0 && n[l.Unit] < seatwright.MaxSharers && (oldest == 0 || l.Unit < oldest) {
			oldest = l.Unit
		}
	}
	return oldest
}

func (m *Model) endLeases(ends func(of leaseOf, l Lease) bool) {
	maps.DeleteFunc(m.Leases, ends)
}

func (m *Model) endAllOf(user seatwright.UserID) {
	m.endLeases(func(of leaseOf, _ Lease) bool { return of.user == user })
}

func (m *Model) leave(user seatwright.UserID, group seatwright.GroupID, now time.Time) {
	delete(m.Members[group], user)
	for of, l := range m.Leases {
		switch {
		case of.user != user || l.Group != group || !l.LeftGroup.IsZero():
		case m.Orphans:
			l.LeftGroup = now
			m.Leases[of] = l
		default:
			delete(m.Leases, of)
		}
	}
}

func (m *Model) taken(group seatwright.GroupID, code seatwright.ProductCode) (n int64) {
	for of, l := range m.Leases {
		if of.code == code && l.Group == group {
			n++
		}
	}
	return n
}

// SetRule returns the reason of a refusal, or "" after the change.
func (m *Model) SetRule(c seatwright.SetGroupRule, now time.Time) seatwright.Reason {
	if len(c.Codes) > 0 && !m.licensed(now) {
		return seatwright.ReasonNoLicense
	}
	for _, code := range c.Codes {
		if _, known := seatwright.PublishedCatalogue().Bundle(code); !known {
			return seatwright.ReasonInvalidValue
		}
	}
	for _, q := range c.Quotas {
		if !slices.Contains(c.Codes, q.Code) {
			return seatwright.ReasonInvalidValue
		}
	}
	for _, q := range c.Quotas {
		if q.Limit < m.taken(c.Group, q.Code) {
			return seatwright.ReasonQuotaBelowUse
		}
	}
	before, existed := m.Rules[c.Group]
	after := Rule{Priority: before.Priority, Created: before.Created, Applied: now, Quotas: map[seatwright.ProductCode]int64{}}
	if !existed {
		after.Priority, after.Created = seatwright.DefaultPriority, now
	}
	if c.Priority != nil {
		after.Priority = *c.Priority
	}
	for _, code := range c.Codes {
		after.Quotas[code] = 0
		if c.KeepQuotas {
			after.Quotas[code] = before.Quotas[code]
		}
	}
	for _, q := range c.Quotas {
		after.Quotas[q.Code] = q.Limit
	}
	m.Rules[c.Group] = after
	m.endLeases(func(of leaseOf, l Lease) bool { return l.Group == c.Group && !slices.Contains(c.Codes, of.code) })
	return ""
}

// SignIn returns the reason of a refusal, or "" after the change.
func (m *Model) SignIn(user seatwright.UserID, now time.Time) seatwright.Reason {
	if !m.People[user].Active {
		return seatwright.ReasonNotFound
	}
	held, decided := m.Holdings[user]
	if !m.licensed(now) && (m.Shrink != seatwright.HoldShrink || len(held.Codes)+len(m.Leased(user)) == 0) {
		return seatwright.ReasonNoLicense
	}
	holds := slices.ContainsFunc(held.Codes, func(code seatwright.ProductCode) bool { return m.usable(code, now) })
	orphaned := 0
	for of, l := range m.Leases {
		direct := slices.Contains(held.Codes, of.code)                                     // then it needs no lease, and does not use it
		if of.user == user && !direct && !l.LeftGroup.IsZero() && m.usable(of.code, now) { // an orphan goes on
			l.Used, holds, orphaned = now, true, max(orphaned, rank(of.code))
			m.Leases[of] = l
		}
	}
	var groups []seatwright.GroupID
	if !decided || m.Additive {
		groups = m.groupsOf(user)
	}
	offered := map[seatwright.ProductCode][]seatwright.GroupID{}
	for _, group := range groups {
		for code := range m.Rules[group].Quotas {
			offered[code] = append(offered[code], group)
		}
	}
	if len(offered) == 0 && !holds {
		return seatwright.ReasonNotEntitled
	}
	got, strongest, short := holds, 0, false
	for _, code := range slices.SortedFunc(maps.Keys(offered), weakLast) {
		_, leased := m.Leases[leaseOf{user, code}]
		has := leased || slices.Contains(held.Codes, code)
		if rank(code) > 0 && (strongest > 0 || rank(code) <= orphaned && !has) {
			continue
		}
		if m.lease(user, code, offered[code], now) {
			got, strongest = true, max(strongest, rank(code))
		} else if m.Total(code, now)-m.Used(code) < 1 {
			short = true
		}
	}
	if strongest > 0 {
		best := 0
		for _, code := range m.Leased(user) {
			if m.usable(code, now) {
				best = max(best, rank(code))
			}
		}
		m.endLeases(func(of leaseOf, _ Lease) bool { return of.user == user && rank(of.code) > 0 && rank(of.code) < best })
	}
	switch {
	case got:
		return ""
	case short:
		return seatwright.ReasonPoolExhausted
	}
	return seatwright.ReasonQuotaReached
}

// groupsOf lists the groups of a person that have a rule, as they are charged.
func (m *Model) groupsOf(user seatwright.UserID) (groups []seatwright.GroupID) {
	for group := range m.Rules {
		if group == seatwright.Everyone.ID || m.Members[group][user] {
			groups = append(groups, group)
		}
	}
	slices.SortFunc(groups, func(a, b seatwright.GroupID) int {
		left, right := m.Rules[a], m.Rules[b]
		return cmp.Or(cmp.Compare(left.Priority, right.Priority), left.Created.Compare(right.Created), cmp.Compare(a, b))
	})
	return groups
}

func (m *Model) lease(user seatwright.UserID, code seatwright.ProductCode, groups []seatwright.GroupID, now time.Time) bool {
	if slices.Contains(m.Holdings[user].Codes, code) {
		return m.usable(code, now)
	}
	of := leaseOf{user, code}
	if l, leased := m.Leases[of]; leased {
		if !m.usable(code, now) {
			return false
		}
		l.Used = now
		if slices.Contains(groups, l.Group) {
			l.LeftGroup = time.Time{}
		}
		m.Leases[of] = l
		return true
	}
	b, _ := seatwright.PublishedCatalogue().Bundle(code)
	for _, group := range groups {
		if quota := m.Rules[group].Quotas[code]; quota > 0 && m.taken(group, code) >= quota {
			continue
		}
		unit := 0
		if b.Multiuser {
			unit = m.roomIn(group, code)
		}
		if m.Total(code, now) == 0 || unit == 0 && m.Used(code) >= m.Total(code, now) {
			continue
		}
		if b.Multiuser && unit == 0 {
			m.units++
			unit = m.units
		}
		m.Leases[of] = Lease{Group: group, Unit: unit, Used: now}
		return true
	}
	return false
}

// usable reports that what is held of a code may be used.
func (m *Model) usable(code seatwright.ProductCode, now time.Time) bool {
	return m.Total(code, now) > 0 || m.Shrink == seatwright.HoldShrink
}

// decided reports that a person has a direct record.
func (m *Model) decided(user seatwright.UserID) bool {
	_, decided := m.Holdings[user]
	return decided
}

func rank(code seatwright.ProductCode) int {
	b, _ := seatwright.PublishedCatalogue().Bundle(code)
	return b.Rank
}

// weakLast puts bundles without a rank first, then the strongest of the others.
func weakLast(a, b seatwright.ProductCode) int {
	if rank(a) > 0 && rank(b) > 0 {
		return cmp.Compare(rank(b), rank(a))
	}
	return cmp.Or(cmp.Compare(min(rank(a), 1), min(rank(b), 1)), cmp.Compare(a, b))
}

// applyLeases carries out a command about groups and leases; ok is false for others.
func (m *Model) applyLeases(command any, now time.Time) (reason seatwright.Reason, ok bool) {
	switch c := command.(type) {
	case seatwright.SetGroupRule:
		return m.SetRule(c, now), true
	case seatwright.RemoveGroupRule:
		delete(m.Rules, c.Group)
		m.endLeases(func(_ leaseOf, l Lease) bool { return l.Group == c.Group })
	case seatwright.OpenSession:
		return m.SignIn(c.User, now), true
	case seatwright.RevokeLeases:
		for _, u := range c.Users {
			if _, known := m.People[u]; !known {
				return seatwright.ReasonNotFound, true
			}
		}
		m.endLeases(func(of leaseOf, l Lease) bool { return l.Group == c.Group && slices.Contains(c.Users, of.user) })
	case seatwright.ReleaseLeases:
		if _, known := m.People[c.User]; !known {
			return seatwright.ReasonNotFound, true
		}
		m.endAllOf(c.User)
	case seatwright.SweepLeases:
		m.endLeases(func(of leaseOf, l Lease) bool {
			return slices.Contains(c.Users, of.user) &&
				(m.decided(of.user) && !m.Additive || !now.Before(l.Used.AddDate(0, 0, int(m.InactiveDays))) || !l.LeftGroup.IsZero() && m.Rules[l.Group].Applied.After(l.LeftGroup))
		})
	case seatwright.UpdateGroup:
		for _, member := range c.Add {
			if _, known := m.People[seatwright.UserID(member)]; !known {
				return seatwright.ReasonUnknownMember, true
			}
		}
		for _, member := range c.Add {
			m.Members[c.ID][seatwright.UserID(member)] = true
		}
		for _, member := range c.Remove {
			if m.Members[c.ID][seatwright.UserID(member)] {
				m.leave(seatwright.UserID(member), c.ID, now)
			}
		}
	case seatwright.ChangePolicies:
		m.Additive, m.Orphans, m.InactiveDays = *c.AllocationMode == seatwright.AddToLeases, *c.OnLeave == seatwright.OrphanOnLeave, *c.InactiveDays
		m.Shrink = *c.OnShrink
	default:
		return "", false
	}
	return "", true
}

// leaseCommands are the names of what drawLeases draws.
var leaseCommands = []string{"rule", "rule", "unrule", "sign in", "sign in", "sign in", "sign in", "revoke", "release", "sweep", "join", "join", "leave", "policies"}

func (m *Model) drawLeases(t *rapid.T, name string, users []seatwright.UserID) Command {
	group := rapid.SampledFrom(Groups).Draw(t, "group")
	local := rapid.SampledFrom(Groups[:2]).Draw(t, "local group")
	switch name {
	case "rule":
		c := seatwright.SetGroupRule{Organization: m.Organization, Group: group, KeepQuotas: rapid.Bool().Draw(t, "keep quotas")}
		c.Codes = rapid.SliceOfNDistinct(rapid.SampledFrom(append(Codes, "UNATT")), 0, 3, rapid.ID[seatwright.ProductCode]).Draw(t, "codes")
		if !c.KeepQuotas && rapid.Bool().Draw(t, "quota") {
			c.Quotas = []seatwright.Quota{{Code: rapid.SampledFrom(Codes).Draw(t, "code"), Limit: rapid.Int64Range(1, 2).Draw(t, "limit")}}
		}
		if priority := rapid.Int64Range(0, 3).Draw(t, "priority"); priority > 0 {
			c.Priority = &priority
		}
		return Of(c)
	case "unrule":
		return Of(seatwright.RemoveGroupRule{Organization: m.Organization, Group: group})
	case "revoke":
		return Of(seatwright.RevokeLeases{Organization: m.Organization, Group: group, Users: users})
	case "release":
		return Of(seatwright.ReleaseLeases{Organization: m.Organization, User: users[0]})
	case "sweep":
		return Of(seatwright.SweepLeases{Organization: m.Organization, Users: users})
	case "join", "leave":
		var ids []string
		for _, u := range users {
			ids = append(ids, string(u))
		}
		if name == "join" {
			return Of(seatwright.UpdateGroup{Organization: m.Organization, ID: local, Add: ids})
		}
		return Of(seatwright.UpdateGroup{Organization: m.Organization, ID: local, Remove: ids})
	case "policies":
		c := seatwright.ChangePolicies{Organization: m.Organization}
		mode := rapid.SampledFrom([]seatwright.AllocationMode{seatwright.ReplaceLeases, seatwright.ReplaceLeases, seatwright.AddToLeases}).Draw(t, "mode")
		leave := rapid.SampledFrom([]seatwright.OnLeave{seatwright.ReleaseOnLeave, seatwright.OrphanOnLeave}).Draw(t, "on leave")
		shrink := rapid.SampledFrom([]seatwright.OnShrink{seatwright.AllowShrink, seatwright.HoldShrink, seatwright.BlockShrink}).Draw(t, "on shrink")
		days := rapid.Int64Range(1, 3).Draw(t, "days")
		c.AllocationMode, c.OnLeave, c.OnShrink, c.InactiveDays = &mode, &leave, &shrink, &days
		return Of(c)
	}
	return Of(seatwright.OpenSession{Organization: m.Organization, User: users[0]})
}
