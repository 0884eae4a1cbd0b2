package directory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Groups is the use cases of groups and robot accounts. It is safe for concurrent use.
type Groups struct {
	reader seatwright.GroupReader
	ledger *ledger.Ledger
}

// NewGroups makes the use cases over a reader and the ledger of the same store.
func NewGroups(reader seatwright.GroupReader, ledger *ledger.Ledger) *Groups {
	return &Groups{reader: reader, ledger: ledger}
}

// MembersShown is how many members a group is shown with, at most; Members lists the others.
const MembersShown = 1000

// GroupWithMembers is a group with the first of its members. A built-in one has none here.
type GroupWithMembers struct {
	seatwright.Group
	BuiltIn bool
	Members []seatwright.GroupMember
}

func builtIn(organization seatwright.Organization, b seatwright.BuiltInGroup) GroupWithMembers {
	return GroupWithMembers{
		Group:   seatwright.Group{Organization: organization.ID, ID: b.ID, Name: b.Name, CreatedAt: organization.CreatedAt, ModifiedAt: organization.CreatedAt},
		BuiltIn: true,
	}
}

// Groups lists the built-in groups, then the others in the order of their names.
func (g *Groups) Groups(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization) ([]GroupWithMembers, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadGroups); err != nil {
		return nil, err
	}
	var all []GroupWithMembers
	for _, b := range seatwright.BuiltInGroups() {
		all = append(all, builtIn(organization, b))
	}
	groups, err := g.reader.Groups(ctx, organization.ID)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		members, _, err := g.reader.Members(ctx, organization.ID, group.ID, 0, MembersShown)
		if err != nil {
			return nil, err
		}
		all = append(all, GroupWithMembers{Group: group, Members: members})
	}
	return all, nil
}

// Group finds a group. An id that no group can have is not found either.
func (g *Groups) Group(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string) (GroupWithMembers, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadGroups); err != nil {
		return GroupWithMembers{}, err
	}
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return GroupWithMembers{}, seatwright.MissingGroup()
	}
	if b, is := seatwright.LookupBuiltInGroup(seatwright.GroupID(canonical)); is {
		return builtIn(organization, b), nil
	}
	group, err := g.reader.Group(ctx, organization.ID, seatwright.GroupID(canonical))
	if err != nil {
		return GroupWithMembers{}, err
	}
	return g.withMembers(ctx, group)
}

func (g *Groups) withMembers(ctx context.Context, group seatwright.Group) (GroupWithMembers, error) {
	members, _, err := g.reader.Members(ctx, group.Organization, group.ID, 0, MembersShown)
	return GroupWithMembers{Group: group, Members: members}, err
}

// Members lists a page of who is in a group, and how many there are.
func (g *Groups) Members(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string, skip, top int,
) ([]seatwright.GroupMember, int, error) {
	group, err := g.Group(ctx, caller, organization, id)
	if err != nil || group.BuiltIn {
		return nil, 0, err
	}
	return g.reader.Members(ctx, organization.ID, group.ID, skip, top)
}

// NewGroup is what is said about a group to be made.
type NewGroup struct {
	ID      string // empty: a fresh UUID
	Name    string
	Members []string // ids of people and robot accounts
}

// CreateGroup makes a group.
func (g *Groups) CreateGroup(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, n NewGroup,
) (GroupWithMembers, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteGroups); err != nil {
		return GroupWithMembers{}, err
	}
	id, err := optionalID(n.ID)
	if err != nil {
		return GroupWithMembers{}, err
	}
	if _, is := seatwright.LookupBuiltInGroup(seatwright.GroupID(id)); is {
		return GroupWithMembers{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "%q is the id of a built-in group", id).In("id")
	}
	if err := groupName(n.Name); err != nil {
		return GroupWithMembers{}, err
	}
	members, err := memberIDs(n.Members, "directoryUserMemberIDs")
	if err != nil {
		return GroupWithMembers{}, err
	}
	group, err := ledger.Submit(ctx, g.ledger, caller.Origin(), seatwright.CreateGroup{
		Organization: organization.ID, ID: seatwright.GroupID(id), FreshID: seatwright.GroupID(seatwright.NewID()), Name: n.Name, Members: members,
	})
	if err != nil {
		return GroupWithMembers{}, err
	}
	return g.withMembers(ctx, group)
}

// groupName refuses what no group or robot account can be called.
func groupName(name string) error {
	if strings.TrimSpace(name) == "" {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "a name is needed").In("name")
	}
	return seatwright.CheckText("name", name)
}

// memberIDs reads a list of members as it comes in a request: canonical, in order, duplicates dropped.
func memberIDs(raw []string, field string) ([]string, error) {
	if len(raw) > seatwright.MaxMembersPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d members in one call, not %d", seatwright.MaxMembersPerCall, len(raw)).In(field)
	}
	return seatwright.DistinctIDs[string](raw, field)
}

// GroupPatch is what is to change of a group.
type GroupPatch struct {
	Name        string // empty: as it is
	Add, Remove []string
}

// UpdateGroup changes a group.
func (g *Groups) UpdateGroup(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string, patch GroupPatch,
) (GroupWithMembers, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteGroups); err != nil {
		return GroupWithMembers{}, err
	}
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return GroupWithMembers{}, seatwright.MissingGroup()
	}
	if patch.Name != "" {
		if err := groupName(patch.Name); err != nil {
			return GroupWithMembers{}, err
		}
	}
	add, err := memberIDs(patch.Add, "directoryUserIDsToAdd")
	if err != nil {
		return GroupWithMembers{}, err
	}
	remove, err := memberIDs(patch.Remove, "directoryUserIDsToRemove")
	if err != nil {
		return GroupWithMembers{}, err
	}
	if i := slices.IndexFunc(add, func(id string) bool { return slices.Contains(remove, id) }); i >= 0 {
		return GroupWithMembers{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "%s is to be added and to be removed", add[i]).In("directoryUserIDsToRemove")
	}
	group, err := ledger.Submit(ctx, g.ledger, caller.Origin(), seatwright.UpdateGroup{
		Organization: organization.ID, ID: seatwright.GroupID(canonical), Name: patch.Name, Add: add, Remove: remove,
	})
	if err != nil {
		return GroupWithMembers{}, err
	}
	return g.withMembers(ctx, group)
}

// DeleteGroups deletes groups: all of them or none.
func (g *Groups) DeleteGroups(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, ids []string) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteGroups); err != nil {
		return err
	}
	groups, err := someIDs[seatwright.GroupID](ids, "groupIDs")
	if err != nil {
		return err
	}
	_, err = ledger.Submit(ctx, g.ledger, caller.Origin(), seatwright.DeleteGroups{Organization: organization.ID, IDs: groups})
	return err
}

// someIDs reads a list of ids of which there has to be one.
func someIDs[ID ~string](raw []string, field string) ([]ID, error) {
	if len(raw) == 0 {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "at least one id is needed").In(field)
	}
	if len(raw) > seatwright.MaxMembersPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d in one call, not %d", seatwright.MaxMembersPerCall, len(raw)).In(field)
	}
	return seatwright.DistinctIDs[ID](raw, field)
}

// RobotAccountInGroups is a robot account with the groups that it is in.
type RobotAccountInGroups struct {
	seatwright.RobotAccount
	Groups []seatwright.GroupID
}

// RobotQuery is a question for a page of robot accounts.
type RobotQuery struct {
	Search     string // a part of the name or display name, without regard to letter case; empty: all
	SortBy     string // name, displayName, creationTime or id, without regard to letter case; empty: name
	Descending bool
	Skip, Top  int
}

// RobotAccounts lists a page of robot accounts, and how many fit the search. There are few enough of them in an organization to
// be looked through in memory.
func (g *Groups) RobotAccounts(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, q RobotQuery,
) (page []RobotAccountInGroups, total int, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadRobots); err != nil {
		return nil, 0, err
	}
	compare, err := q.order()
	if err != nil {
		return nil, 0, err
	}
	robots, err := g.reader.RobotAccounts(ctx, organization.ID)
	if err != nil {
		return nil, 0, err
	}
	part := seatwright.NameKey(q.Search)
	robots = slices.DeleteFunc(robots, func(r seatwright.RobotAccount) bool {
		return !strings.Contains(seatwright.NameKey(r.Name), part) && !strings.Contains(seatwright.NameKey(r.DisplayName), part)
	})
	slices.SortStableFunc(robots, func(a, b seatwright.RobotAccount) int {
		if q.Descending {
			a, b = b, a
		}
		return compare(a, b)
	})
	total = len(robots)
	robots = robots[min(q.Skip, total):]
	page, err = g.inGroups(ctx, robots[:min(q.Top, len(robots))])
	return page, total, err
}

func (q RobotQuery) order() (func(a, b seatwright.RobotAccount) int, error) {
	switch strings.ToLower(q.SortBy) {
	case "", "name":
		return func(a, b seatwright.RobotAccount) int {
			return cmp.Compare(seatwright.NameKey(a.Name), seatwright.NameKey(b.Name))
		}, nil
	case "displayname":
		return func(a, b seatwright.RobotAccount) int {
			return cmp.Or(cmp.Compare(seatwright.NameKey(a.DisplayName), seatwright.NameKey(b.DisplayName)), cmp.Compare(a.ID, b.ID))
		}, nil
	case "creationtime":
		return func(a, b seatwright.RobotAccount) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		}, nil
	case "id":
		return func(a, b seatwright.RobotAccount) int { return cmp.Compare(a.ID, b.ID) }, nil
	}
	return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "sortBy is name, displayName, creationTime or id").In("sortBy")
}

func (g *Groups) inGroups(ctx context.Context, robots []seatwright.RobotAccount) ([]RobotAccountInGroups, error) {
	if len(robots) == 0 {
		return nil, nil
	}
	ids := make([]string, len(robots))
	for i, r := range robots {
		ids[i] = string(r.ID)
	}
	groups, err := g.reader.GroupsOf(ctx, robots[0].Organization, ids)
	found := make([]RobotAccountInGroups, len(robots))
	for i, r := range robots {
		found[i] = RobotAccountInGroups{r, groups[string(r.ID)]}
	}
	return found, err
}

func (g *Groups) oneInGroups(ctx context.Context, robot seatwright.RobotAccount, err error) (RobotAccountInGroups, error) {
	if err != nil {
		return RobotAccountInGroups{}, err
	}
	found, err := g.inGroups(ctx, []seatwright.RobotAccount{robot})
	if err != nil {
		return RobotAccountInGroups{}, err
	}
	return found[0], nil
}

// RobotAccount finds a robot account. An id that none can have is not found either.
func (g *Groups) RobotAccount(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string,
) (RobotAccountInGroups, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadRobots); err != nil {
		return RobotAccountInGroups{}, err
	}
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return RobotAccountInGroups{}, seatwright.MissingRobotAccount()
	}
	robot, err := g.reader.RobotAccount(ctx, organization.ID, seatwright.RobotAccountID(canonical))
	return g.oneInGroups(ctx, robot, err)
}

// NewRobotAccount is what is said about a robot account to be made.
type NewRobotAccount struct {
	ID          string // empty: a fresh UUID
	Name        string
	DisplayName string // empty: the name
	Groups      []string
}

// CreateRobotAccount makes a robot account.
func (g *Groups) CreateRobotAccount(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, n NewRobotAccount,
) (RobotAccountInGroups, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteRobots); err != nil {
		return RobotAccountInGroups{}, err
	}
	if err := groupName(n.Name); err != nil {
		return RobotAccountInGroups{}, err
	}
	if n.DisplayName == "" {
		n.DisplayName = n.Name
	}
	if err := seatwright.CheckText("displayName", n.DisplayName); err != nil {
		return RobotAccountInGroups{}, err
	}
	groups, err := groupIDs(n.Groups, "groupIDsToAdd")
	if err != nil {
		return RobotAccountInGroups{}, err
	}
	id, err := optionalID(n.ID)
	if err != nil {
		return RobotAccountInGroups{}, err
	}
	robot, err := ledger.Submit(ctx, g.ledger, caller.Origin(), seatwright.CreateRobotAccount{
		Organization: organization.ID, ID: seatwright.RobotAccountID(id), FreshID: seatwright.RobotAccountID(seatwright.NewID()), Name: n.Name, DisplayName: n.DisplayName, Groups: groups,
	})
	return g.oneInGroups(ctx, robot, err)
}

// groupIDs reads a list of groups as it comes in a request.
func groupIDs(raw []string, field string) ([]seatwright.GroupID, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	return someIDs[seatwright.GroupID](raw, field)
}

// RobotAccountPatch is what is to change of a robot account.
type RobotAccountPatch struct {
	DisplayName *string // nil: as it is
	Add, Remove []string
}

// UpdateRobotAccount changes a robot account.
func (g *Groups) UpdateRobotAccount(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string, patch RobotAccountPatch,
) (RobotAccountInGroups, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteRobots); err != nil {
		return RobotAccountInGroups{}, err
	}
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return RobotAccountInGroups{}, seatwright.MissingRobotAccount()
	}
	if patch.DisplayName != nil {
		if err := seatwright.CheckText("displayName", *patch.DisplayName); err != nil {
			return RobotAccountInGroups{}, err
		}
	}
	add, err := groupIDs(patch.Add, "groupIDsToAdd")
	if err != nil {
		return RobotAccountInGroups{}, err
	}
	remove, err := groupIDs(patch.Remove, "groupIDsToRemove")
	if err != nil {
		return RobotAccountInGroups{}, err
	}
	if i := slices.IndexFunc(add, func(id seatwright.GroupID) bool { return slices.Contains(remove, id) }); i >= 0 {
		return RobotAccountInGroups{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "%s is to be added and to be removed", add[i]).In("groupIDsToRemove")
	}
	robot, err := ledger.Submit(ctx, g.ledger, caller.Origin(), seatwright.UpdateRobotAccount{
		Organization: organization.ID, ID: seatwright.RobotAccountID(canonical), DisplayName: patch.DisplayName, Add: add, Remove: remove,
	})
	return g.oneInGroups(ctx, robot, err)
}

// DeleteRobotAccounts deletes robot accounts: all of them or none.
func (g *Groups) DeleteRobotAccounts(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, ids []string) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteRobots); err != nil {
		return err
	}
	robots, err := someIDs[seatwright.RobotAccountID](ids, "robotAccountIDs")
	if err != nil {
		return err
	}
	_, err = ledger.Submit(ctx, g.ledger, caller.Origin(), seatwright.DeleteRobotAccounts{Organization: organization.ID, IDs: robots})
	return err
}
