package seatwright

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// GroupID names a group, unique within its organization.
type GroupID string

// Group is a local group of an organization's directory: people and robot accounts, no groups. Who is in it are its
// memberships.
type Group struct {
	Organization OrganizationID
	ID           GroupID
	Name         string // unique in the organization, without regard to letter case
	CreatedAt    time.Time
	ModifiedAt   time.Time // the same until something of it, or who is in it, changes
}

// The groups that every organization has. Nothing of them is stored: who is in them follows from the people themselves.
var (
	// Administrators are the people with the role organization-administrator.
	Administrators = BuiltInGroup{ID: "administrators", Name: "Administrators"}
	// Everyone is everybody in the directory.
	Everyone = BuiltInGroup{ID: "everyone", Name: "Everyone"}
)

// BuiltInGroup is a group that follows from the people: it is not made, changed or deleted.
type BuiltInGroup struct {
	ID   GroupID
	Name string
}

// BuiltInGroups lists them in the order of their names.
func BuiltInGroups() []BuiltInGroup { return []BuiltInGroup{Administrators, Everyone} }

// LookupBuiltInGroup finds one by id, in any letter case.
func LookupBuiltInGroup(id GroupID) (BuiltInGroup, bool) {
	for _, g := range BuiltInGroups() {
		if strings.EqualFold(string(g.ID), string(id)) {
			return g, true
		}
	}
	return BuiltInGroup{}, false
}

// MemberKind says what a member of a group is.
type MemberKind string

// The kinds of member.
const (
	MemberUser  MemberKind = "user"
	MemberRobot MemberKind = "robot"
)

// Member is who is in a group.
type Member struct {
	Kind MemberKind `json:"kind"`
	ID   string     `json:"id"` // a UserID or a RobotAccountID
}

// Membership is one member of one group.
type Membership struct {
	Organization OrganizationID
	Group        GroupID
	Member       Member
}

// MembershipRef names a membership whatever its member is: ids of people and of robot accounts do not meet in one group.
type MembershipRef struct {
	Group  GroupID
	Member string
}

// MaxMembersPerCall is how many members one call may add to or take from groups.
const MaxMembersPerCall = 1000

// GroupChange is the data of EventGroupCreated and EventGroupUpdated. Members are in the order of their ids.
type GroupChange struct {
	Renamed bool     `json:"renamed,omitempty"`
	Added   []Member `json:"added,omitempty"`
	Removed []Member `json:"removed,omitempty"`
}

// CreateGroup makes a group with its first members. Errors: not_found/organization_not_found, conflict/duplicate for an id or
// name in use, invalid/nested_group and invalid/unknown_member for members.
type CreateGroup struct {
	Organization OrganizationID
	ID           GroupID // empty: FreshID is taken
	FreshID      GroupID `json:"-"`
	Name         string
	Members      []string // ids of people and robot accounts, without duplicates
}

func (c CreateGroup) id() GroupID {
	if c.ID != "" {
		return c.ID
	}
	return c.FreshID
}

func (c CreateGroup) Operation() string { return "group.create" }

func (c CreateGroup) Touches() []Touch {
	t := touchOfMembers(c.Organization, c.Members)
	t.Groups = append(t.Groups, c.id())
	t.GroupNameKeys = []string{NameKey(c.Name)}
	return []Touch{t}
}

// touchOfMembers names whatever the ids may be ids of.
func touchOfMembers(organization OrganizationID, ids []string) Touch {
	t := Touch{Organization: organization}
	for _, id := range ids {
		t.Users = append(t.Users, UserID(id))
		t.Robots = append(t.Robots, RobotAccountID(id))
		t.Groups = append(t.Groups, GroupID(id))
	}
	return t
}

func (c CreateGroup) Weight() int { return 1 + len(c.Members) }

// Decide answers the group as it was created.
func (c CreateGroup) Decide(s *Slice, origin Origin) (Group, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Group{}, err
	}
	// An id whose group was deleted a moment ago, in the same batch, is taken as well: its memberships are still stored.
	if _, exists := o.groups[c.id()]; exists || o.changedGroups[c.id()] {
		return Group{}, NewError(KindConflict, ReasonDuplicate, "there is a group with this id already").In("id")
	}
	added, err := o.members(c.Members, "directoryUserMemberIDs")
	if err != nil {
		return Group{}, err
	}
	if err := s.takeGroupName(c.Organization, c.Name); err != nil {
		return Group{}, err
	}
	g := Group{Organization: c.Organization, ID: c.id(), Name: c.Name, CreatedAt: o.now, ModifiedAt: o.now}
	o.putGroup(g)
	for _, m := range added {
		o.join(g.ID, m)
	}
	return g, s.record(o, origin, EventGroupCreated, string(g.ID), GroupChange{Added: added})
}

// takeGroupName marks the name of a group as in use.
func (s *Slice) takeGroupName(organization OrganizationID, name string) error {
	for _, b := range BuiltInGroups() {
		if NameKey(b.Name) == NameKey(name) {
			return NewError(KindConflict, ReasonDuplicate, "%q is the name of a built-in group", name).In("name")
		}
	}
	return s.take(organization, NamesOfGroups, NameKey(name), "name")
}

// members finds out what the ids are ids of.
func (o *organizationSlice) members(ids []string, field string) ([]Member, error) {
	found := make([]Member, 0, len(ids))
	for _, id := range ids {
		_, user := o.users[UserID(id)]
		_, group := o.groups[GroupID(id)]
		_, robot := o.robots[RobotAccountID(id)]
		if _, builtIn := LookupBuiltInGroup(GroupID(id)); builtIn {
			group = true
		}
		switch {
		case user:
			found = append(found, Member{MemberUser, id})
		case robot:
			found = append(found, Member{MemberRobot, id})
		case group:
			return nil, Invalid(ReasonNestedGroup, "%s is a group, and a group has no groups in it: add its members instead", id).In(field)
		default:
			return nil, Invalid(ReasonUnknownMember, "there is no user or robot account with the id %s", id).In(field)
		}
	}
	slices.SortFunc(found, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// UpdateGroup renames a group and changes who is in it. Adding who is in it, and removing who is not, changes nothing. Errors:
// not_found/not_found, conflict/built_in for a group that follows from the people, and those of CreateGroup.
type UpdateGroup struct {
	Organization OrganizationID
	ID           GroupID
	Name         string // empty: as it is
	Add, Remove  []string
}

func (c UpdateGroup) Operation() string { return "group.update" }

func (c UpdateGroup) Touches() []Touch {
	t := touchOfMembers(c.Organization, c.Add)
	t.Groups = append(t.Groups, c.ID)
	if c.Name != "" {
		t.GroupNameKeys = []string{NameKey(c.Name)}
	}
	for _, id := range c.Remove {
		t.Users = append(t.Users, UserID(id)) // with what they hold
	}
	for _, ids := range [][]string{c.Add, c.Remove} {
		for _, id := range ids {
			t.Memberships = append(t.Memberships, MembershipRef{c.ID, id})
		}
	}
	return []Touch{t}
}

func (c UpdateGroup) Weight() int { return 1 + len(c.Add) + len(c.Remove) }

// Decide answers the group as it is now. A change of nothing writes nothing.
func (c UpdateGroup) Decide(s *Slice, origin Origin) (Group, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Group{}, err
	}
	g, err := o.group(c.ID)
	if err != nil {
		return Group{}, err
	}
	add, err := o.members(c.Add, "directoryUserIDsToAdd")
	if err != nil {
		return Group{}, err
	}
	change := GroupChange{}
	if c.Name != "" && c.Name != g.Name {
		if NameKey(c.Name) != NameKey(g.Name) {
			if err := s.takeGroupName(c.Organization, c.Name); err != nil {
				return Group{}, err
			}
		}
		g.Name, change.Renamed = c.Name, true
	}
	for _, m := range add {
		if o.join(g.ID, m) {
			change.Added = append(change.Added, m)
		}
	}
	remove := slices.Clone(c.Remove)
	slices.Sort(remove)
	for _, id := range remove {
		if m, was := o.leave(g.ID, id); was {
			change.Removed = append(change.Removed, m)
			if err := s.left(o, origin, g.ID, m); err != nil {
				return Group{}, err
			}
		}
	}
	if !change.Renamed && len(change.Added)+len(change.Removed) == 0 {
		return g, nil
	}
	g.ModifiedAt = o.now
	o.putGroup(g)
	return g, s.record(o, origin, EventGroupUpdated, string(g.ID), change)
}

// group returns a stored group.
func (o *organizationSlice) group(id GroupID) (Group, error) {
	if b, builtIn := LookupBuiltInGroup(id); builtIn {
		return Group{}, NewError(KindConflict, ReasonBuiltIn, "the group %s is built in: it follows from the people", b.Name)
	}
	g, exists := o.groups[id]
	if !exists {
		return Group{}, MissingGroup()
	}
	return g, nil
}

// MissingGroup is the error of a group that does not exist.
func MissingGroup() *Error {
	return NotFound(ReasonNotFound, "there is no such group")
}

// existing refuses groups of which one does not exist or is built in.
func (o *organizationSlice) existing(groups []GroupID) error {
	for _, id := range groups {
		if _, err := o.group(id); err != nil {
			return AsError(err).In("groupIDsToAdd")
		}
	}
	return nil
}

// changeGroups puts a member into groups and takes it out of others, with an event of each group that this changes. The groups
// to add it to have been looked up before: see existing. The memberships in question are loaded.
func (s *Slice) changeGroups(o *organizationSlice, origin Origin, m Member, add, remove []GroupID) error {
	changes := map[GroupID]GroupChange{}
	for _, id := range add {
		if o.join(id, m) {
			changes[id] = GroupChange{Added: []Member{m}}
		}
	}
	for _, id := range remove {
		if left, was := o.leave(id, m.ID); was {
			changes[id] = GroupChange{Removed: []Member{left}}
			if err := s.left(o, origin, id, m); err != nil {
				return err
			}
		}
	}
	for _, id := range sortedKeys(changes) {
		g := o.groups[id]
		g.ModifiedAt = o.now
		o.putGroup(g)
		if err := s.record(o, origin, EventGroupUpdated, string(id), changes[id]); err != nil {
			return err
		}
	}
	return nil
}

// left does with what a member holds through a group what the policy says about those who leave it.
func (s *Slice) left(o *organizationSlice, origin Origin, group GroupID, m Member) error {
	if m.Kind != MemberUser {
		return nil
	}
	return s.leaveGroup(o, origin, UserID(m.ID), group)
}

// DeleteGroups deletes groups with all their memberships, rules and leases: all of them, or none where one does not exist. Errors:
// not_found/not_found, conflict/built_in.
type DeleteGroups struct {
	Organization OrganizationID
	IDs          []GroupID // without duplicates
}

func (c DeleteGroups) Operation() string { return "group.delete" }

func (c DeleteGroups) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Groups: c.IDs, Rules: true}}
}

func (c DeleteGroups) Weight() int { return 1 + len(c.IDs) }

// Decide answers how many groups were deleted.
func (c DeleteGroups) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	for _, id := range c.IDs {
		if _, err := o.group(id); err != nil {
			return 0, err
		}
	}
	for _, id := range c.IDs {
		if _, err := s.removeRule(o, origin, id); err != nil {
			return 0, err
		}
		o.removeGroup(id)
		if err := s.record(o, origin, EventGroupDeleted, string(id), struct{}{}); err != nil {
			return 0, err
		}
	}
	return len(c.IDs), nil
}
