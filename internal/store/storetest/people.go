package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// People: what becomes of them after they were created, and how they are listed.

func to[T any](v T) *T { return &v }

// person makes one with everything that can be said of them.
func (f *fixture) person(org, id string) seatwright.UserRow {
	f.Helper()
	c := seatwright.CreateUser{User: seatwright.User{
		Organization: seatwright.OrganizationID(org), ID: seatwright.UserID(id), UserName: "Name-" + id, ExternalID: "x-" + id, Email: id + "@x",
		FirstName: "First " + id, LastName: "Last", DisplayName: "Display", Role: seatwright.RoleMember, BypassBasicAuth: true,
	}, UserNameKey: "name-" + id, PasswordHash: "hash"}
	made, err := decide(f, c)
	f.must(made, err)
	made.PasswordHash = "hash"
	return seatwright.UserRow{User: made, UserNameKey: c.UserNameKey}
}

func (f *fixture) wantUser(want seatwright.User) {
	f.Helper()
	got, err := f.store.User(ctx, want.Organization, want.ID)
	f.must(nil, err)
	if got != want {
		f.Fatalf("the person is\n%+v, want\n%+v", got, want)
	}
}

// Guards that a change is stored whole and leaves alone what was not named, and that a change of nothing leaves no trace.
func changesPeople(f *fixture) {
	f.organization("a", 0, 0)
	u := f.person("a", "u").User
	other := f.person("a", "v").User
	f.wantUser(u)
	f.clock.advance(time.Minute)
	update := seatwright.UpdateUser{Organization: "a", User: "u", FirstName: to("Ann"), Email: to(""), InvitationAccepted: to(true)}
	changed, err := decide(f, update)
	f.must(nil, err)
	u.FirstName, u.Email, u.InvitationAccepted, u.ModifiedAt = "Ann", "", true, f.clock.Now()
	f.wantUser(u)
	events := len(f.events("a"))
	f.clock.advance(time.Minute)
	again, err := decide(f, update)
	f.must(nil, err)
	if !changed || again || len(f.events("a")) != events {
		f.Errorf("changed is %t, again %t, with %d new events", changed, again, len(f.events("a"))-events)
	}
	f.wantUser(u)
	f.must(decide(f, seatwright.ChangePassword{Organization: "a", User: "u", OldHash: "hash", PasswordHash: "other"}))
	u.PasswordHash, u.ModifiedAt = "other", f.clock.Now()
	f.wantUser(u)
	f.wantUser(other)
	_, err = decide(f, seatwright.ChangePassword{Organization: "a", User: "u", OldHash: "hash", PasswordHash: "third"})
	f.wantReason(err, seatwright.ReasonWrongPassword)
	_, err = decide(f, seatwright.UpdateUser{Organization: "a", User: "nobody", FirstName: to("Ann")})
	f.wantReason(err, seatwright.ReasonNotFound)
}

// Guards the seats of people who are gone: they are free at once, and nobody holds anything while inactive.
func goneHoldNothing(f *fixture) {
	f.organization("a", 3, 2)
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-1", Active: to(false)}))
	f.wantPool("a", 1, 2)
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonInactiveUser)
	f.wantReason(f.allocate("a", nil, "u-1"), seatwright.ReasonInactiveUser)
	f.must(nil, f.allocate("a", attended, "u-3"))
	f.must(decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u-1", "u-2"}}))
	f.wantPool("a", 1, 2)
	for _, id := range []seatwright.UserID{"u-1", "u-2"} {
		_, err := f.store.User(ctx, "a", id)
		f.wantReason(err, seatwright.ReasonNotFound)
		f.wantReason(f.allocate("a", attended, id), seatwright.ReasonUnknownUser)
	}
	found, err := f.store.Allocations(ctx, "a", []seatwright.UserID{"u-1", "u-2", "u-3"})
	f.must(nil, err)
	if len(found) != 1 || found[0].User != "u-3" {
		f.Errorf("allocations are %+v", found)
	}
	_, err = decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u-3", "u-1"}})
	f.wantReason(err, seatwright.ReasonNotFound)
	f.wantPool("a", 1, 2)
}

// Guards names and numbers: whoever comes after somebody who is gone has their name and id, and nothing of what they held.
func namesOfTheGoneAreFree(f *fixture) {
	f.organization("a", 1, 2)
	f.person("a", "u")
	f.must(nil, f.allocate("a", attended, "u", "u-1"))
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-1", "u"}}))
	gone := seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u"}}
	f.must(decide(f, gone))
	f.wantMembers("a", "g", "user u-1")
	f.wantUser(f.person("a", "u").User)
	f.wantPool("a", 1, 2)

	// In one batch: the one who goes and the one who comes, with their name, another's id and the same.
	f.must(nil, f.allocate("a", attended, "u"))
	f.must(decide(f, seatwright.UpdateGroup{Organization: "a", ID: "g", Add: []string{"u"}}))
	fresh := seatwright.CreateUser{
		User: seatwright.User{Organization: "a", ID: "w", UserName: "name-u", ExternalID: "x-u", Role: seatwright.RoleMember}, UserNameKey: "name-u",
	}
	same := seatwright.CreateUser{User: seatwright.User{Organization: "a", ID: "u", UserName: "other", Role: seatwright.RoleMember}, UserNameKey: "other"}
	seats := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u", "w"}, Codes: attended}
	f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}}))
	f.clock.advance(time.Minute)
	touches := slices.Concat(gone.Touches(), fresh.Touches(), same.Touches(), seats.Touches())
	f.must(nil, f.store.Update(ctx, seatwright.LoadRequest{Touches: touches}, func(s *seatwright.Slice) error {
		_, err := gone.Decide(s, seatwright.Origin{})
		for _, c := range []seatwright.CreateUser{fresh, same} {
			if err == nil {
				_, err = c.Decide(s, seatwright.Origin{})
			}
		}
		if err == nil {
			_, err = seats.Decide(s, seatwright.Origin{})
		}
		return err
	}))
	f.wantPool("a", 2, 2)
	for id, name := range map[seatwright.UserID]string{"w": "name-u", "u": "other"} {
		u, err := f.store.User(ctx, "a", id)
		f.must(nil, err)
		if u.UserName != name || !u.CreatedAt.Equal(f.clock.Now()) || !u.ModifiedAt.IsZero() || u.BypassBasicAuth {
			f.Errorf("%s is %+v", id, u)
		}
	}
	found, err := f.store.Allocations(ctx, "a", seats.Users)
	f.must(nil, err)
	if len(found) != 2 || !slices.Equal(found[0].Codes, attended) || !slices.Equal(found[1].Codes, attended) {
		f.Errorf("they hold %+v", found)
	}
	f.wantMembers("a", "g", "user u-1")
}

// Guards an organization against the loss of everybody who may administer it, however many commands are in a batch.
func lastAdministratorStays(f *fixture) {
	f.organization("a", 1, 0)
	f.organization("b", 0, 0)
	for _, id := range []seatwright.UserID{"ann", "bob", "eve"} {
		for _, org := range []seatwright.OrganizationID{"a", "b"} {
			f.must(decide(f, seatwright.CreateUser{User: seatwright.User{Organization: org, ID: id, Role: seatwright.RoleOrganizationAdministrator}}))
		}
	}
	gone := func(users ...seatwright.UserID) seatwright.DeleteUsers {
		return seatwright.DeleteUsers{Organization: "a", Users: users}
	}
	_, err := decide(f, gone("ann", "u-1", "bob", "eve"))
	f.wantReason(err, seatwright.ReasonLastAdministrator)
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "eve", Active: to(false)}))
	refusals := together(f, gone("u-1"), gone("ann"), gone("bob"), gone("eve"))
	for i, refused := range []bool{false, false, true, false} {
		if (refusals[i] != nil) != refused || refused && !seatwright.IsReason(refusals[i], seatwright.ReasonLastAdministrator) {
			f.Errorf("command %d: %v", i, refusals[i])
		}
	}
	_, err = decide(f, seatwright.UpdateUser{Organization: "a", User: "bob", Active: to(false)})
	f.wantReason(err, seatwright.ReasonLastAdministrator)
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "bob", FirstName: to("Bob")}))
	if page := f.page("a", seatwright.UserQuery{Top: 10}); page.Total != 1 || page.Users[0].ID != "bob" {
		f.Errorf("left are %+v", page)
	}
}

// Guards that many are made or none, and that none of them can be somebody else.
func makesManyOrNone(f *fixture) {
	f.organization("a", 1, 0)
	create := func(users ...seatwright.CreateUser) error {
		for i := range users {
			users[i].User.Organization, users[i].User.Role = "a", seatwright.RoleMember
		}
		_, err := decide(f, seatwright.CreateUsers{Organization: "a", Users: users})
		return err
	}
	one := func(id seatwright.UserID, key, external string) seatwright.CreateUser {
		return seatwright.CreateUser{User: seatwright.User{ID: id, UserName: key, ExternalID: external}, UserNameKey: key}
	}
	events := len(f.events("a"))
	for name, users := range map[string][]seatwright.CreateUser{
		"an id that is there": {one("v", "", ""), one("u-1", "", "")}, "an id twice": {one("v", "", ""), one("v", "", "")},
		"a name twice": {one("v", "n", ""), one("w", "n", "")}, "an external id twice": {one("v", "", "x"), one("w", "", "x")},
	} {
		if err := create(users...); !seatwright.IsReason(err, seatwright.ReasonDuplicate) {
			f.Errorf("%s: %v", name, err)
		}
	}
	if page := f.page("a", seatwright.UserQuery{Top: 10}); page.Total != 1 || len(f.events("a")) != events {
		f.Errorf("refused, and there are %+v, %d events more", page, len(f.events("a"))-events)
	}
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g-1", Name: "Group 1"}))
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g-2", Name: "Group 2"}))
	into := func(u seatwright.CreateUser, groups ...seatwright.GroupID) seatwright.CreateUser {
		u.Groups = groups
		return u
	}
	f.wantReason(create(into(one("v", "", ""), "g-1"), into(one("w", "", ""), "g-9")), seatwright.ReasonNotFound)
	f.wantMembers("a", "g-1")
	f.must(nil, create(into(one("v", "n", "x"), "g-1", "g-2"), into(one("w", "x", "n"), "g-2"), one("z", "", "")))
	f.wantMembers("a", "g-1", "user v")
	f.wantMembers("a", "g-2", "user v", "user w")
	if page := f.page("a", seatwright.UserQuery{Top: 10}); page.Total != 4 {
		f.Errorf("there are %+v", page)
	}
}

func (f *fixture) page(org seatwright.OrganizationID, q seatwright.UserQuery) seatwright.UserPage {
	f.Helper()
	if q.Sort == "" {
		q.Sort = seatwright.SortUsersByID
	}
	page, err := f.store.Users(ctx, org, q)
	f.must(nil, err)
	return page
}

func listsPeople(f *fixture) {
	f.organization("a", 0, 0)
	f.organization("b", 3, 0)
	for i, u := range []seatwright.User{
		{ID: "u-1", UserName: "zoe", Email: "Z@example", FirstName: "Zoe", LastName: "Özil", DisplayName: "b"},
		{ID: "u-2", UserName: "Adam", Email: "a@example", FirstName: "adam", LastName: "ÖZTÜRK", DisplayName: "a"},
		{ID: "u-3", UserName: "carl_50%", Email: "C@elsewhere", FirstName: "Carl", LastName: "Meier", DisplayName: "A"},
		{ID: "U-4"},
	} {
		u.Organization, u.Role = "a", seatwright.RoleMember
		key := ""
		if u.UserName != "" {
			key = fmt.Sprint("key-", i)
		}
		f.must(decide(f, seatwright.CreateUser{User: u, UserNameKey: key, PasswordHash: "secret"}))
		f.clock.advance(time.Second)
	}
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-3", Active: to(false), InvitationAccepted: to(true)}))
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-1", Email: to("zz@example")}))
	f.must(decide(f, seatwright.AdmitSignIn{Organization: "a", User: "u-2"}))
	f.must(decide(f, seatwright.FinishSignIn{Organization: "a", User: "u-2", Result: seatwright.SignInSucceeded}))
	type ids = []seatwright.UserID
	for name, c := range map[string]struct {
		query seatwright.UserQuery
		total int64
		want  ids
	}{
		"by id":                   {seatwright.UserQuery{Top: 10}, 4, ids{"U-4", "u-1", "u-2", "u-3"}},
		"backwards":               {seatwright.UserQuery{Top: 10, Descending: true}, 4, ids{"u-3", "u-2", "u-1", "U-4"}},
		"a page":                  {seatwright.UserQuery{Skip: 1, Top: 2}, 4, ids{"u-1", "u-2"}},
		"behind the end":          {seatwright.UserQuery{Skip: 4, Top: 2}, 4, ids{}},
		"none":                    {seatwright.UserQuery{}, 4, ids{}},
		"by user name":            {seatwright.UserQuery{Top: 10, Sort: seatwright.SortUsersByUserName}, 4, ids{"U-4", "u-2", "u-3", "u-1"}},
		"by mail address":         {seatwright.UserQuery{Top: 2, Sort: seatwright.SortUsersByEmail, Descending: true}, 4, ids{"u-1", "u-3"}},
		"by first name":           {seatwright.UserQuery{Top: 10, Sort: seatwright.SortUsersByFirstName}, 4, ids{"U-4", "u-2", "u-3", "u-1"}},
		"by last name":            {seatwright.UserQuery{Top: 2, Sort: seatwright.SortUsersByLastName}, 4, ids{"U-4", "u-3"}},
		"equals by id":            {seatwright.UserQuery{Top: 10, Sort: seatwright.SortUsersByDisplayName, Descending: true}, 4, ids{"u-1", "u-2", "u-3", "U-4"}},
		"newest first":            {seatwright.UserQuery{Top: 2, Sort: seatwright.SortUsersByCreatedAt, Descending: true}, 4, ids{"U-4", "u-3"}},
		"last changed":            {seatwright.UserQuery{Top: 3, Sort: seatwright.SortUsersByModifiedAt}, 4, ids{"U-4", "u-2", "u-1"}},
		"last seen":               {seatwright.UserQuery{Top: 2, Sort: seatwright.SortUsersByLastSignIn, Descending: true}, 4, ids{"u-2", "U-4"}},
		"active last":             {seatwright.UserQuery{Top: 1, Sort: seatwright.SortUsersByActive}, 4, ids{"u-3"}},
		"invited last":            {seatwright.UserQuery{Top: 10, Sort: seatwright.SortUsersByInvitationAccepted}, 4, ids{"U-4", "u-1", "u-2", "u-3"}},
		"whoever came, and was":   {seatwright.UserQuery{Top: 2, Sort: seatwright.SortUsersByInvitationAccepted, Descending: true}, 4, ids{"u-2", "u-3"}},
		"part of a name":          {seatwright.UserQuery{Top: 10, Term: "AR"}, 1, ids{"u-3"}},
		"part of a mail":          {seatwright.UserQuery{Top: 1, Term: "@EX"}, 2, ids{"u-1"}},
		"no pattern":              {seatwright.UserQuery{Top: 10, Term: "_50%"}, 1, ids{"u-3"}},
		"not a pattern":           {seatwright.UserQuery{Top: 10, Term: "%"}, 1, ids{"u-3"}},
		"other letters":           {seatwright.UserQuery{Top: 10, Term: "öz"}, 2, ids{"u-1", "u-2"}},
		"all in capitals":         {seatwright.UserQuery{Top: 10, Term: "öztürk"}, 1, ids{"u-2"}},
		"nobody":                  {seatwright.UserQuery{Top: 10, Term: "nobody"}, 0, ids{}},
		"not across two texts":    {seatwright.UserQuery{Top: 10, Term: "carlmeier"}, 0, ids{}},
		"nor the id":              {seatwright.UserQuery{Top: 10, Term: "u-1"}, 0, ids{}},
		"quotes and backslash":    {seatwright.UserQuery{Top: 10, Term: `"\'`}, 0, ids{}},
		"a term and one too many": {seatwright.UserQuery{Top: 10, Skip: 1, Term: "öz", Sort: seatwright.SortUsersByEmail}, 2, ids{"u-1"}},
	} {
		page := f.page("a", c.query)
		got := ids{}
		for _, u := range page.Users {
			got = append(got, u.ID)
			if u.PasswordHash != "" || u.Organization != "a" {
				f.Errorf("%s: %+v", name, u)
			}
		}
		if page.Total != c.total || !slices.Equal(got, c.want) {
			f.Errorf("%s: %v of %d, want %v of %d", name, got, page.Total, c.want, c.total)
		}
	}
	if page := f.page("nowhere", seatwright.UserQuery{Top: 10}); page.Total != 0 || len(page.Users) > 0 {
		f.Errorf("of no organization: %+v", page)
	}
	whole, err := f.store.User(ctx, "a", "u-1")
	f.must(nil, err)
	whole.PasswordHash = ""
	if page := f.page("a", seatwright.UserQuery{Top: 1, Skip: 1}); page.Users[0] != whole {
		f.Errorf("listed as\n%+v, is\n%+v", page.Users[0], whole)
	}
}

// Guards AddToUsers: who has a direct record keeps it, everybody else is blocked, and all or none are added.
func addsToUsers(f *fixture) {
	f.organization("a", 4, 9)
	f.rule("a", seatwright.Everyone.ID, nil, "ATTUNU")
	f.must(f.lease("a", "u-2"))
	f.must(nil, f.allocate("a", attended, "u-1"))
	_, err := decide(f, seatwright.AddToUsers{Organization: "a", Users: []seatwright.UserID{"u-3", "ghost"}})
	f.wantReason(err, seatwright.ReasonUnknownUser)
	got, err := decide(f, seatwright.AddToUsers{Organization: "a", Users: []seatwright.UserID{"u-2", "u-1"}})
	f.must(nil, err)
	if fmt.Sprint(got) != "[{u-2 [] false} {u-1 [ATTUNU] false}]" {
		f.Errorf("added are %v", got)
	}
	head, err := f.store.Head(ctx, "a")
	f.must(nil, err)
	f.must(decide(f, seatwright.AddToUsers{Organization: "a", Users: []seatwright.UserID{"u-1", "u-2"}}))
	if again, err := f.store.Head(ctx, "a"); err != nil || again.Sequence != head.Sequence {
		f.Errorf("a repetition was recorded, %v", err)
	}
	f.wantHeld("a", "u-1", "ATTUNU direct")
	f.wantHeld("a", "u-2")
	records, err := f.store.Allocations(ctx, "a", []seatwright.UserID{"u-1", "u-2", "u-3", "u-4"})
	if err != nil || len(records) != 2 {
		f.Errorf("recorded are %+v, %v", records, err)
	}
	f.wantPool("a", 1, 9)
}
