package seatwright

import (
	"cmp"
	"maps"
)

// What a slice knows of groups, robot accounts and who is in which group.

type groupSlice struct {
	groups      map[GroupID]Group
	robots      map[RobotAccountID]RobotAccount
	memberships map[MembershipRef]Member

	changedGroups  map[GroupID]bool // true: there was a row when the slice was loaded
	changedRobots  map[RobotAccountID]bool
	changedMembers map[MembershipRef]bool
}

// prepare makes the maps, which most batches have no use for.
func (o *groupSlice) prepare() *groupSlice {
	if o.groups == nil {
		*o = groupSlice{
			map[GroupID]Group{}, map[RobotAccountID]RobotAccount{}, map[MembershipRef]Member{},
			map[GroupID]bool{}, map[RobotAccountID]bool{}, map[MembershipRef]bool{},
		}
	}
	return o
}

// LoadGroup adds a group.
func (s *Slice) LoadGroup(g Group) { s.at(g.Organization).prepare().groups[g.ID] = g }

// LoadRobotAccount adds a robot account.
func (s *Slice) LoadRobotAccount(r RobotAccount) { s.at(r.Organization).prepare().robots[r.ID] = r }

// LoadMembership adds a membership.
func (s *Slice) LoadMembership(m Membership) {
	s.at(m.Organization).prepare().memberships[MembershipRef{m.Group, m.Member.ID}] = m.Member
}

func (o *groupSlice) putGroup(g Group) {
	o.prepare()
	note(o.changedGroups, o.groups, g.ID)
	o.groups[g.ID] = g
}

// removeGroup takes a group out, and what is known of its memberships: the store deletes all there are.
func (o *groupSlice) removeGroup(id GroupID) {
	note(o.changedGroups, o.groups, id)
	delete(o.groups, id)
	maps.DeleteFunc(o.memberships, func(ref MembershipRef, _ Member) bool { return ref.Group == id })
	maps.DeleteFunc(o.changedMembers, func(ref MembershipRef, _ bool) bool { return ref.Group == id })
}

func (o *groupSlice) putRobot(r RobotAccount) {
	o.prepare()
	note(o.changedRobots, o.robots, r.ID)
	o.robots[r.ID] = r
}

func (o *groupSlice) removeRobot(id RobotAccountID) {
	note(o.changedRobots, o.robots, id)
	delete(o.robots, id)
	o.forgetMember(Member{MemberRobot, string(id)})
}

// forgetMember drops the memberships that go with a member. A person and a robot account may have the same id.
func (o *groupSlice) forgetMember(gone Member) {
	maps.DeleteFunc(o.memberships, func(ref MembershipRef, m Member) bool {
		if m == gone {
			delete(o.changedMembers, ref)
		}
		return m == gone
	})
}

// touchMemberships names the groups that a member is to join or leave, and its memberships of them.
func (t *Touch) touchMemberships(member string, lists ...[]GroupID) {
	for _, groups := range lists {
		for _, group := range groups {
			t.Groups = append(t.Groups, group)
			t.Memberships = append(t.Memberships, MembershipRef{group, member})
		}
	}
}

// join puts a member into a group, and reports whether it was not in it before.
func (o *groupSlice) join(group GroupID, m Member) bool {
	ref := MembershipRef{group, m.ID}
	if _, is := o.memberships[ref]; is {
		return false
	}
	note(o.changedMembers, o.memberships, ref)
	o.memberships[ref] = m
	return true
}

// leave takes a member out of a group, and returns it where it was in it before.
func (o *groupSlice) leave(group GroupID, id string) (Member, bool) {
	ref := MembershipRef{group, id}
	m, was := o.memberships[ref]
	if was {
		note(o.changedMembers, o.memberships, ref)
		delete(o.memberships, ref)
	}
	return m, was
}

// note remembers, at the first change of a row in a batch, whether it was there before.
func note[K comparable, V any](changed map[K]bool, rows map[K]V, key K) {
	if _, noted := changed[key]; !noted {
		_, changed[key] = rows[key]
	}
}

// addGroups lists what the batch changed of groups, robot accounts and memberships.
func (c *Changes) addGroups(id OrganizationID, o *organizationSlice) {
	for _, group := range sortedKeys(o.changedGroups) {
		g, stays := o.groups[group]
		switch existed := o.changedGroups[group]; {
		case stays && existed:
			c.Groups = append(c.Groups, g)
		case stays:
			c.NewGroups = append(c.NewGroups, g)
		case existed:
			c.RemovedGroups = append(c.RemovedGroups, Group{Organization: id, ID: group})
		}
	}
	for _, robot := range sortedKeys(o.changedRobots) {
		r, stays := o.robots[robot]
		switch existed := o.changedRobots[robot]; {
		case stays && existed:
			c.Robots = append(c.Robots, r)
		case stays:
			c.NewRobots = append(c.NewRobots, r)
		case existed:
			c.RemovedRobots = append(c.RemovedRobots, RobotAccount{Organization: id, ID: robot})
		}
	}
	for _, ref := range sortedKeysFunc(o.changedMembers, compareMembershipRefs) {
		m, stays := o.memberships[ref]
		switch existed := o.changedMembers[ref]; {
		case stays && !existed:
			c.NewMembers = append(c.NewMembers, Membership{id, ref.Group, m})
		case !stays && existed:
			c.RemovedMembers = append(c.RemovedMembers, Membership{id, ref.Group, Member{ID: ref.Member}})
		}
	}
}

func compareMembershipRefs(a, b MembershipRef) int {
	return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Member, b.Member))
}
