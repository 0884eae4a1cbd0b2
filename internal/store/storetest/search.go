package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
)

// named makes two organizations with the same people, groups and programs in both, so that nothing of the other one may be found.
func (f *fixture) named() {
	for _, org := range []seatwright.OrganizationID{"a", "b"} {
		f.organization(string(org), 2, 0) // two of whom nothing but the id is known
		for _, u := range []seatwright.User{
			{ID: "p-1", UserName: "ann", Email: "Ann@Example.org", FirstName: "Ann", LastName: "Özil", DisplayName: "Zoe's sister"},
			{ID: "p-2", UserName: "bob", Email: "shared@example.org", FirstName: "Annika", LastName: "Berg", DisplayName: "50%_off"},
			{ID: "p-3", UserName: "carl", Email: "SHARED@example.org", FirstName: "carl", LastName: "ANNEX", DisplayName: "ann"},
			{ID: "p-4", FirstName: "Bobby", DisplayName: "\ud7ff edge"},
		} {
			u.Organization, u.Role = org, seatwright.RoleMember
			f.must(decide(f, seatwright.CreateUser{User: u, UserNameKey: u.UserName, PasswordHash: "secret"}))
		}
		for i, name := range []string{"Buyers", "buy-side", "Zoo", "Übung"} {
			f.must(decide(f, seatwright.CreateGroup{Organization: org, ID: seatwright.GroupID(fmt.Sprint("g-", i)), Name: name}))
		}
		for _, id := range []string{"2", "1"} {
			f.must(decide(f, seatwright.CreateApplication{Application: seatwright.Application{
				Organization: org, ID: seatwright.ApplicationID(string(org) + id), Name: "Program", Confidential: true, Scopes: []seatwright.Scope{"PM.User", "PM.Group"},
			}}))
		}
	}
}

func ranges(prefixes ...string) (all []seatwright.TextRange) {
	for _, prefix := range prefixes {
		all = append(all, seatwright.StartingWith(prefix))
	}
	return all
}

// Guards the search for people: what begins with the text and nothing else, in one organization, the same answer on every store
// whatever is cut off.
func searchesPeople(f *fixture) {
	f.named()
	type ids = []seatwright.UserID
	for name, c := range map[string]struct {
		search seatwright.PeopleSearch
		want   ids
	}{
		"all of them once":          {seatwright.PeopleSearch{NameKeys: ranges("ann"), Texts: ranges("ann"), Most: 10}, ids{"p-1", "p-2", "p-3"}},
		"user names alone":          {seatwright.PeopleSearch{NameKeys: ranges("ann"), Most: 10}, ids{"p-1"}},
		"texts alone":               {seatwright.PeopleSearch{Texts: ranges("bob"), Most: 10}, ids{"p-4"}},
		"the beginning alone":       {seatwright.PeopleSearch{NameKeys: ranges("nn"), Texts: ranges("nn", "example"), Most: 10}, ids{}},
		"two spellings":             {seatwright.PeopleSearch{Texts: ranges(seatwright.Spellings("öz")...), Most: 10}, ids{"p-1"}},
		"no pattern":                {seatwright.PeopleSearch{Texts: ranges("50%_"), Most: 10}, ids{"p-2"}},
		"not a pattern":             {seatwright.PeopleSearch{NameKeys: ranges("%", "_"), Texts: ranges("%", "_", "5_"), Most: 10}, ids{}},
		"quotes":                    {seatwright.PeopleSearch{NameKeys: ranges(`'"\`), Texts: ranges("zoe's", `'"\`), Most: 10}, ids{"p-1"}},
		"beside the surrogates":     {seatwright.PeopleSearch{Texts: ranges("\ud7ff"), Most: 10}, ids{"p-4"}},
		"everybody with a name":     {seatwright.PeopleSearch{NameKeys: ranges(""), Texts: ranges(""), Most: 10}, ids{"p-1", "p-2", "p-3", "p-4"}},
		"the first of user names":   {seatwright.PeopleSearch{NameKeys: ranges(""), Most: 2}, ids{"p-1", "p-2"}},
		"the first of each text":    {seatwright.PeopleSearch{Texts: ranges("ann"), Most: 1}, ids{"p-1", "p-3"}},
		"the first of equal ones":   {seatwright.PeopleSearch{Texts: ranges("shared"), Most: 1}, ids{"p-2"}},
		"nobody":                    {seatwright.PeopleSearch{NameKeys: ranges("nobody"), Texts: ranges("nobody"), Most: 10}, ids{}},
		"nowhere":                   {seatwright.PeopleSearch{Most: 10}, ids{}},
		"what no database can hold": {seatwright.PeopleSearch{NameKeys: ranges("\x00"), Most: 10}, ids{}},
	} {
		found, err := f.store.SearchPeople(ctx, "a", c.search)
		f.must(nil, err)
		f.wantPeople(name, found, c.want...)
	}
	none, err := f.store.SearchPeople(ctx, "nowhere", seatwright.PeopleSearch{NameKeys: ranges(""), Texts: ranges(""), Most: 10})
	f.must(nil, err)
	f.wantPeople("of no organization", none)
}

func (f *fixture) wantPeople(name string, found []seatwright.User, want ...seatwright.UserID) {
	f.Helper()
	got := []seatwright.UserID{}
	for _, u := range found {
		got = append(got, u.ID)
		if u.PasswordHash != "" || u.Organization != "a" {
			f.Errorf("%s: %+v", name, u)
		}
	}
	if !slices.Equal(got, want) {
		f.Errorf("%s: %v, want %v", name, got, want)
	}
}

// Guards that one name is one person: a mail address that two have finds neither.
func findsPeopleByName(f *fixture) {
	f.named()
	found, err := f.store.PeopleByName(ctx, "a", []string{"carl", "ann", "carl", "Ann", "", "nobody", "\x00"})
	f.must(nil, err)
	f.wantPeople("by name", found, "p-1", "p-3")
	found, err = f.store.PeopleByMail(ctx, "a", []string{"shared@example.org", "ann@example.org", "ann@example.org", "Ann@Example.org", "", "ann", "\x00"})
	f.must(nil, err)
	f.wantPeople("by mail", found, "p-1")
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "p-3", Email: to("other@example.org")}))
	found, err = f.store.PeopleByMail(ctx, "a", []string{"shared@example.org", "other@example.org"})
	f.must(nil, err)
	f.wantPeople("each their own", found, "p-2", "p-3")
	f.must(decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"p-2"}}))
	found, err = f.store.PeopleByMail(ctx, "a", []string{"shared@example.org"})
	f.must(nil, err)
	f.wantPeople("nobody any more", found)
	found, err = f.store.PeopleByName(ctx, "nowhere", []string{"ann"})
	f.must(nil, err)
	f.wantPeople("of no organization", found)
}

// Guards how groups and programs are found, and that those of another organization are not.
func findsGroupsAndApplications(f *fixture) {
	f.named()
	groups := func(name string, found []seatwright.Group, err error, want ...string) {
		f.Helper()
		f.must(nil, err)
		var got []string
		for _, g := range found {
			got = append(got, g.Name)
			if stored, err := f.store.Group(ctx, "a", g.ID); err != nil || stored != g {
				f.Errorf("%s: %+v is stored as %+v, %v", name, g, stored, err)
			}
		}
		if !slices.Equal(got, want) {
			f.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for prefix, want := range map[string][]string{"buy": {"buy-side", "Buyers"}, "": {"buy-side", "Buyers", "Zoo", "Übung"}, "ü": {"Übung"}, "zoos": nil, "%": nil} {
		found, err := f.store.SearchGroups(ctx, "a", seatwright.StartingWith(prefix), 10)
		groups("beginning with "+prefix, found, err, want...)
	}
	found, err := f.store.SearchGroups(ctx, "a", seatwright.StartingWith(""), 1)
	groups("the first", found, err, "buy-side")
	found, err = f.store.FindGroups(ctx, "a", []seatwright.GroupID{"g-2", "G-2", "g-2", "\x00"}, []string{"buyers", "zoo", "Zoo"})
	groups("by id and name", found, err, "Buyers", "Zoo")
	found, err = f.store.FindGroups(ctx, "a", nil, nil)
	groups("by nothing", found, err)
	found, err = f.store.FindGroups(ctx, "nowhere", []seatwright.GroupID{"g-2"}, []string{"zoo"})
	groups("of no organization", found, err)

	programs, err := f.store.Applications(ctx, "b", 10)
	f.must(nil, err)
	var ids []string
	for _, a := range programs {
		ids = append(ids, string(a.ID))
		if stored, err := f.store.Application(ctx, a.ID); err != nil || fmt.Sprint(stored) != fmt.Sprint(a) || len(a.Scopes) != 2 {
			f.Errorf("%+v is stored as %+v, %v", a, stored, err)
		}
	}
	if got := strings.Join(ids, " "); got != "b1 b2" {
		f.Errorf("the programs of b are %s", got)
	}
	programs, err = f.store.Applications(ctx, "nowhere", 10)
	if err != nil || len(programs) > 0 {
		f.Errorf("programs of no organization: %+v, %v", programs, err)
	}
}
