package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/faults"
)

func (f *fixture) wantMembers(org string, group seatwright.GroupID, want ...string) {
	f.Helper()
	members, total, err := f.store.Members(ctx, seatwright.OrganizationID(org), group, 0, 1000)
	f.must(nil, err)
	var got []string
	for _, m := range members {
		got = append(got, string(m.Kind)+" "+m.ID)
	}
	if !slices.Equal(got, want) || total != len(want) {
		f.Fatalf("group %s has %v (%d in all), want %v", group, got, total, want)
	}
}

// Guards what is stored of groups and robot accounts, and that two organizations with the same ids do not meet.
func keepsGroups(f *fixture) {
	for _, org := range []string{"a", "b"} {
		f.organization(org, 3, 0)
	}
	f.must(decide(f, seatwright.CreateRobotAccount{Organization: "a", FreshID: "r-1", Name: "Night shift", DisplayName: "Night"}))
	f.must(decide(f, seatwright.CreateGroup{Organization: "b", ID: "g", Name: "Elsewhere", Members: []string{"u-1"}}))
	f.clock.advance(time.Second)
	made, err := decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Buyers", Members: []string{"u-2", "r-1", "u-1"}})
	f.must(nil, err)
	f.wantMembers("a", "g", "robot r-1", "user u-1", "user u-2")
	f.wantMembers("b", "g", "user u-1")

	f.clock.advance(time.Second)
	changed, err := decide(f, seatwright.UpdateGroup{
		Organization: "a", ID: "g", Name: "buyers", Add: []string{"u-3", "u-1"}, Remove: []string{"r-1", "u-7"},
	})
	f.must(nil, err)
	f.wantMembers("a", "g", "user u-1", "user u-2", "user u-3")
	stored, err := f.store.Group(ctx, "a", "g")
	f.must(nil, err)
	if stored != changed || !changed.CreatedAt.Equal(made.CreatedAt) || !changed.ModifiedAt.After(made.ModifiedAt) || stored.Name != "buyers" {
		f.Fatalf("the group is stored as %+v, was answered as %+v, made as %+v", stored, changed, made)
	}
	before := len(f.events("a"))
	f.must(decide(f, seatwright.UpdateGroup{Organization: "a", ID: "g", Name: "buyers", Add: []string{"u-3"}, Remove: []string{"r-1"}}))
	if after := len(f.events("a")); after != before {
		f.Fatalf("a change of nothing wrote %d events", after-before)
	}
	members, total, err := f.store.Members(ctx, "a", "g", 1, 1)
	f.must(nil, err)
	if total != 3 || len(members) != 1 || members[0].ID != "u-2" {
		f.Fatalf("the second of three members is %+v of %d", members, total)
	}

	display := "Late"
	f.must(decide(f, seatwright.UpdateRobotAccount{Organization: "a", ID: "r-1", DisplayName: &display, Add: []seatwright.GroupID{"g"}}))
	f.wantMembers("a", "g", "robot r-1", "user u-1", "user u-2", "user u-3")
	robot, err := f.store.RobotAccount(ctx, "a", "r-1")
	f.must(nil, err)
	if robot.DisplayName != "Late" || robot.Name != "Night shift" {
		f.Fatalf("the robot account is %+v", robot)
	}
	of, err := f.store.GroupsOf(ctx, "a", []string{"r-1", "u-1", "nobody"})
	f.must(nil, err)
	if len(of) != 2 || !slices.Equal(of["r-1"], []seatwright.GroupID{"g"}) || !slices.Equal(of["u-1"], []seatwright.GroupID{"g"}) {
		f.Fatalf("the groups are %v", of)
	}
	f.must(decide(f, seatwright.DeleteRobotAccounts{Organization: "a", IDs: []seatwright.RobotAccountID{"r-1"}}))
	f.wantMembers("a", "g", "user u-1", "user u-2", "user u-3")
	_, err = f.store.RobotAccount(ctx, "a", "r-1")
	f.wantReason(err, seatwright.ReasonNotFound)

	f.must(decide(f, seatwright.DeleteGroups{Organization: "a", IDs: []seatwright.GroupID{"g"}}))
	_, err = f.store.Group(ctx, "a", "g")
	f.wantReason(err, seatwright.ReasonNotFound)
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Buyers"}))
	f.wantMembers("a", "g")
	f.wantMembers("b", "g", "user u-1")
}

// Guards that a robot account which goes takes along what is its own: people may be provisioned with any id.
func twinsOfRobots(f *fixture) {
	f.must(decide(f, seatwright.CreateOrganization{ID: "a", Name: "a", UnknownUsers: seatwright.ProvisionUnknownUsers}))
	f.must(decide(f, seatwright.CreateRobotAccount{Organization: "a", ID: "twin", Name: "Robot"}))
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g-1", Name: "Group 1", Members: []string{"twin"}}))
	f.must(nil, f.allocate("a", nil, "twin"))
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g-2", Name: "Group 2", Members: []string{"twin"}}))
	f.wantMembers("a", "g-1", "robot twin")
	f.wantMembers("a", "g-2", "user twin")
	f.must(decide(f, seatwright.DeleteRobotAccounts{Organization: "a", IDs: []seatwright.RobotAccountID{"twin"}}))
	f.wantMembers("a", "g-1")
	f.wantMembers("a", "g-2", "user twin")
	_, err := seatwright.Replay(f.events("a"))
	f.must(nil, err)
}

// Guards names, ids and members that cannot be: nothing of a refused command is left, and the batch goes on.
func refusesGroups(f *fixture) {
	f.organization("a", 2, 0)
	f.must(decide(f, seatwright.CreateRobotAccount{Organization: "a", FreshID: "r-1", Name: "Robot"}))
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g-1", Name: "Group"}))
	for _, c := range []struct {
		command seatwright.Command[seatwright.Group]
		reason  seatwright.Reason
	}{
		{seatwright.CreateGroup{Organization: "a", ID: "g-1", Name: "Other"}, seatwright.ReasonDuplicate},
		{seatwright.CreateGroup{Organization: "a", ID: "g-2", Name: "GROUP"}, seatwright.ReasonDuplicate},
		{seatwright.CreateGroup{Organization: "a", ID: "g-2", Name: "everyone"}, seatwright.ReasonDuplicate},
		{seatwright.CreateGroup{Organization: "a", ID: "g-2", Name: "New", Members: []string{"u-1", "g-1"}}, seatwright.ReasonNestedGroup},
		{seatwright.CreateGroup{Organization: "a", ID: "g-2", Name: "New", Members: []string{"everyone"}}, seatwright.ReasonNestedGroup},
		{seatwright.CreateGroup{Organization: "a", ID: "g-2", Name: "New", Members: []string{"u-1", "nobody"}}, seatwright.ReasonUnknownMember},
		{seatwright.CreateGroup{Organization: "none", ID: "g-2", Name: "New"}, seatwright.ReasonOrganizationNotFound},
		{seatwright.UpdateGroup{Organization: "a", ID: "g-9", Name: "New"}, seatwright.ReasonNotFound},
		{seatwright.UpdateGroup{Organization: "a", ID: seatwright.Everyone.ID, Add: []string{"u-1"}}, seatwright.ReasonBuiltIn},
		{seatwright.UpdateGroup{Organization: "a", ID: "g-1", Name: "New", Add: []string{"u-9"}}, seatwright.ReasonUnknownMember},
	} {
		_, err := decide(f, c.command)
		if !seatwright.IsReason(err, c.reason) {
			f.Errorf("%+v: %v, want %s", c.command, err, c.reason)
		}
	}
	_, err := decide(f, seatwright.DeleteGroups{Organization: "a", IDs: []seatwright.GroupID{"g-1", "g-9"}})
	f.wantReason(err, seatwright.ReasonNotFound)
	_, err = decide(f, seatwright.CreateRobotAccount{Organization: "a", FreshID: "r-2", Name: "robot"})
	f.wantReason(err, seatwright.ReasonDuplicate)
	_, err = decide(f, seatwright.CreateRobotAccount{Organization: "a", FreshID: "r-2", Name: "New", Groups: []seatwright.GroupID{"g-9"}})
	f.wantReason(err, seatwright.ReasonNotFound)
	_, err = decide(f, seatwright.CreateRobotAccount{Organization: "a", ID: "u-1", Name: "New"})
	f.wantReason(err, seatwright.ReasonDuplicate)
	_, err = decide(f, seatwright.CreateUser{User: seatwright.User{Organization: "a", ID: "r-1", Role: seatwright.RoleMember}})
	f.wantReason(err, seatwright.ReasonDuplicate)
	_, err = decide(f, seatwright.UpdateRobotAccount{Organization: "a", ID: "r-9"})
	f.wantReason(err, seatwright.ReasonNotFound)

	groups, err := f.store.Groups(ctx, "a")
	f.must(nil, err)
	robots, err := f.store.RobotAccounts(ctx, "a")
	f.must(nil, err)
	if len(groups) != 1 || groups[0].Name != "Group" || len(robots) != 1 || robots[0].Name != "Robot" {
		f.Fatalf("after the refusals there are %+v and %+v", groups, robots)
	}
	f.wantMembers("a", "g-1")
}

// Guards that a group which goes and comes back in one batch does not keep its members.
func groupsInOneBatch(f *fixture) {
	f.organization("a", 2, 0)
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-1"}}))
	remove := seatwright.DeleteGroups{Organization: "a", IDs: []seatwright.GroupID{"g"}}
	again := seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-2"}}
	origin := seatwright.Origin{Actor: "test"}
	f.must(nil, f.store.Update(ctx, seatwright.LoadRequest{Touches: append(remove.Touches(), again.Touches()...)}, func(s *seatwright.Slice) error {
		f.must(seatwright.Decide(s, origin, remove, nil))
		_, err := seatwright.Decide(s, origin, again, nil)
		f.wantReason(err, seatwright.ReasonDuplicate)
		return nil
	}))
	f.must(decide(f, again))
	f.wantMembers("a", "g", "user u-2")
}

// Guards every path of commands about groups with random ones, held against a map.
func groupsFollowTheModel(f *fixture) {
	random := faults.Random(faults.Seed(f.T), 5)
	f.organization("a", 4, 0)
	model := map[string]map[string]bool{}
	robots := map[string]bool{}
	pick := func(prefix string, n int) string { return fmt.Sprintf("%s-%d", prefix, 1+random.IntN(n)) }
	someone := func() string {
		if random.IntN(3) == 0 {
			return pick("r", 3)
		}
		return pick("u", 4)
	}
	exists := func(id string) bool { return strings.HasPrefix(id, "u-") || robots[id] }
	for range 150 {
		group, member := pick("g", 3), someone()
		var err error
		switch random.IntN(6) {
		case 0:
			_, err = decide(f, seatwright.CreateGroup{Organization: "a", ID: seatwright.GroupID(group), Name: group, Members: []string{member}})
			if model[group] == nil && exists(member) {
				model[group] = map[string]bool{member: true}
				f.must(nil, err)
				err = nil
			}
		case 1:
			_, err = decide(f, seatwright.UpdateGroup{Organization: "a", ID: seatwright.GroupID(group), Add: []string{member}})
			if model[group] != nil && exists(member) {
				model[group][member] = true
				f.must(nil, err)
			}
		case 2:
			_, err = decide(f, seatwright.UpdateGroup{Organization: "a", ID: seatwright.GroupID(group), Remove: []string{member}})
			if model[group] != nil {
				delete(model[group], member)
				f.must(nil, err)
			}
		case 3:
			_, err = decide(f, seatwright.DeleteGroups{Organization: "a", IDs: []seatwright.GroupID{seatwright.GroupID(group)}})
			if model[group] != nil {
				delete(model, group)
				f.must(nil, err)
			}
		case 4:
			robot := pick("r", 3)
			if robots[robot] {
				f.must(decide(f, seatwright.DeleteRobotAccounts{Organization: "a", IDs: []seatwright.RobotAccountID{seatwright.RobotAccountID(robot)}}))
				delete(robots, robot)
				for _, members := range model {
					delete(members, robot)
				}
			} else {
				f.must(decide(f, seatwright.CreateRobotAccount{Organization: "a", FreshID: seatwright.RobotAccountID(robot), Name: robot}))
				robots[robot] = true
			}
		case 5:
			robot := pick("r", 3)
			_, err = decide(f, seatwright.UpdateRobotAccount{
				Organization: "a", ID: seatwright.RobotAccountID(robot), Add: []seatwright.GroupID{seatwright.GroupID(group)},
			})
			if robots[robot] && model[group] != nil {
				model[group][robot] = true
				f.must(nil, err)
			}
		}
		if err != nil && seatwright.IsKind(err, seatwright.KindInternal) {
			f.Fatal(err)
		}
		f.clock.advance(time.Second)
	}
	groups, err := f.store.Groups(ctx, "a")
	f.must(nil, err)
	if len(groups) != len(model) {
		f.Fatalf("there are the groups %+v, want %v", groups, model)
	}
	for group, members := range model {
		var want []string
		for _, id := range slices.Sorted(maps.Keys(members)) {
			kind := "user "
			if strings.HasPrefix(id, "r-") {
				kind = "robot "
			}
			want = append(want, kind+id)
		}
		f.wantMembers("a", seatwright.GroupID(group), want...)
	}
	f.events("a")
	_, err = seatwright.Replay(f.events("a"))
	f.must(nil, err)
}
