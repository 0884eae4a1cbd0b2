package directory

import (
	"context"
	"slices"

	"github.com/seatwright/seatwright"
)

// Memberships lists those of some groups that a person or robot account is in, without their members: built-in ones first, the
// others in the order of their ids. Robot accounts are in no built-in group. Groups that do not exist are left out; a member that
// does not is not_found/not_found.
func (n *Names) Memberships(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, member string, groups []string,
) ([]GroupWithMembers, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadDirectory); err != nil {
		return nil, err
	}
	if err := checkMany(groups, MaxNamesPerCall, "groupIds"); err != nil {
		return nil, err
	}
	ids, err := seatwright.DistinctIDs[seatwright.GroupID](groups, "groupIds")
	if err != nil {
		return nil, err
	}
	canonical, err := seatwright.CanonicalID(member)
	if err != nil {
		return nil, seatwright.MissingUser()
	}
	u, err := n.reader.User(ctx, organization.ID, seatwright.UserID(canonical))
	person := err == nil
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		_, err = n.reader.RobotAccount(ctx, organization.ID, seatwright.RobotAccountID(canonical))
	}
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		return nil, seatwright.MissingUser()
	}
	if err != nil {
		return nil, err
	}
	var in []GroupWithMembers
	for _, b := range seatwright.BuiltInGroups() {
		if person && inBuiltIn(b, u) && slices.ContainsFunc(ids, func(id seatwright.GroupID) bool { return isBuiltIn(b, id) }) {
			in = append(in, builtIn(organization, b))
		}
	}
	of, err := n.reader.GroupsOf(ctx, organization.ID, []string{canonical})
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id seatwright.GroupID) bool { return !slices.Contains(of[canonical], id) })
	stored, err := n.reader.FindGroups(ctx, organization.ID, ids, nil)
	for _, g := range stored {
		in = append(in, GroupWithMembers{Group: g})
	}
	return in, err
}

// inBuiltIn reports whether a person is in a built-in group.
func inBuiltIn(b seatwright.BuiltInGroup, u seatwright.User) bool {
	return b == seatwright.Everyone || u.Role == seatwright.RoleOrganizationAdministrator
}

func isBuiltIn(b seatwright.BuiltInGroup, id seatwright.GroupID) bool {
	found, is := seatwright.LookupBuiltInGroup(id)
	return is && found == b
}

// MaxGroupsPerCall is how many groups one call may load: each comes with up to MembersShown members.
const MaxGroupsPerCall = 100

// LoadGroups lists those of some groups that there are, in the order of the request. It asks for the right to write, as published.
func (n *Names) LoadGroups(
	ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, groups []string,
) ([]GroupWithMembers, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteGroups); err != nil {
		return nil, err
	}
	if err := checkMany(groups, MaxGroupsPerCall, ""); err != nil {
		return nil, err
	}
	ids, err := seatwright.DistinctIDs[seatwright.GroupID](groups, "")
	if err != nil {
		return nil, err
	}
	stored, err := n.reader.FindGroups(ctx, organization.ID, ids, nil)
	if err != nil {
		return nil, err
	}
	var all []GroupWithMembers
	for _, id := range ids {
		if b, is := seatwright.LookupBuiltInGroup(id); is {
			all = append(all, builtIn(organization, b))
			continue
		}
		i := slices.IndexFunc(stored, func(g seatwright.Group) bool { return g.ID == id })
		if i < 0 {
			continue
		}
		members, _, err := n.reader.Members(ctx, organization.ID, id, 0, MembersShown)
		if err != nil {
			return nil, err
		}
		all = append(all, GroupWithMembers{Group: stored[i], Members: members})
	}
	return all, nil
}

// CheckMembers lists those of some people and robot accounts who are in a group, in the order of the request. It asks for the right
// to write, as published. A group that does not exist is not_found/not_found.
func (n *Names) CheckMembers(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group string, members []string,
) ([]string, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteGroups); err != nil {
		return nil, err
	}
	if err := checkMany(members, MaxNamesPerCall, ""); err != nil {
		return nil, err
	}
	ids, err := seatwright.DistinctIDs[string](members, "")
	if err != nil {
		return nil, err
	}
	canonical, err := seatwright.CanonicalID(group)
	if err != nil {
		return nil, seatwright.MissingGroup()
	}
	in := map[string]bool{}
	if b, is := seatwright.LookupBuiltInGroup(seatwright.GroupID(canonical)); is {
		users := make([]seatwright.UserID, len(ids))
		for i, id := range ids {
			users[i] = seatwright.UserID(id)
		}
		people, err := n.reader.People(ctx, organization, users)
		if err != nil {
			return nil, err
		}
		for _, u := range people {
			in[string(u.ID)] = inBuiltIn(b, u)
		}
	} else {
		if _, err := n.reader.Group(ctx, organization, seatwright.GroupID(canonical)); err != nil {
			return nil, err
		}
		of, err := n.reader.GroupsOf(ctx, organization, ids)
		if err != nil {
			return nil, err
		}
		for id, groups := range of {
			in[id] = slices.Contains(groups, seatwright.GroupID(canonical))
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool { return !in[id] }), nil
}
