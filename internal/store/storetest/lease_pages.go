package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// Guards the lists of rules: one organization's alone, in a whole order, in pages with the number of all, with built-in groups.
func listsRules(f *fixture) {
	f.organization("a", 2, 9)
	f.organization("b", 1, 9)
	for id, name := range map[seatwright.GroupID]string{"g-1": "Zoo", "g-2": "buyers", "g-3": "Without a rule"} {
		f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: id, Name: name, Members: []string{"u-1", "u-2"}}))
	}
	f.must(decide(f, seatwright.CreateGroup{Organization: "b", ID: "g-2", Name: "Others"}))
	f.rule("b", "g-2", nil, "ACNU")
	page, err := f.store.GroupRules(ctx, "a", seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Top: 10})
	f.must(nil, err)
	if page.Total != 0 || len(page.Rules) != 0 {
		f.Fatalf("without rules: %+v", page)
	}
	f.rule("a", "g-1", []seatwright.Quota{{Code: "ATTUNU", Limit: 5}}, "TSTNU", "ATTUNU")
	f.rule("a", "g-2", nil)
	f.rule("a", seatwright.Everyone.ID, nil, "IDU")
	f.must(f.lease("a", "u-1"))

	for name, c := range map[string]struct {
		query seatwright.RuleQuery
		total int64
		want  string
	}{
		"all by name":        {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Top: 10}, 3, "buyers[] Everyone[IDU] Zoo[ATTUNU TSTNU]"},
		"all from the end":   {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Descending: true, Top: 10}, 3, "Zoo[ATTUNU TSTNU] Everyone[IDU] buyers[]"},
		"all by id":          {seatwright.RuleQuery{Sort: seatwright.SortRulesByID, Top: 10}, 3, "Everyone[IDU] Zoo[ATTUNU TSTNU] buyers[]"},
		"the second":         {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Skip: 1, Top: 1}, 3, "Everyone[IDU]"},
		"the number alone":   {seatwright.RuleQuery{Sort: seatwright.SortRulesByName}, 3, ""},
		"behind the last":    {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Skip: 3, Top: 10}, 3, ""},
		"by what they offer": {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Codes: []seatwright.ProductCode{"TSTNU", "PMD"}, Top: 10}, 1, "Zoo[ATTUNU TSTNU]"},
		"by one of two":      {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Codes: []seatwright.ProductCode{"TSTNU", "IDU"}, Top: 1}, 2, "Everyone[IDU]"},
		"by what nobody has": {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Codes: []seatwright.ProductCode{"ACNU"}, Top: 10}, 0, ""},
		"of some groups":     {seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Groups: []seatwright.GroupID{"g-2", "g-3", "g-9", "everyone"}, Top: 10}, 2, "buyers[] Everyone[IDU]"},
		"of some that offer it": {seatwright.RuleQuery{
			Sort: seatwright.SortRulesByName, Groups: []seatwright.GroupID{"g-1", "g-2"}, Codes: []seatwright.ProductCode{"ATTUNU", "IDU"}, Top: 10,
		}, 1, "Zoo[ATTUNU TSTNU]"},
	} {
		page, err := f.store.GroupRules(ctx, "a", c.query)
		f.must(nil, err)
		var got []string
		for _, r := range page.Rules {
			got = append(got, r.Name+fmt.Sprint(r.Codes()))
			alone, err := f.store.GroupRule(ctx, "a", r.Group)
			f.must(nil, err)
			if fmt.Sprint(alone) != fmt.Sprint(r.GroupRule) || !r.Exists() {
				f.Errorf("%s: the rule is %+v, alone %+v", name, r.GroupRule, alone)
			}
		}
		if strings.Join(got, " ") != c.want || page.Total != c.total {
			f.Errorf("%s: %q of %d, want %q of %d", name, got, page.Total, c.want, c.total)
		}
	}
	page, err = f.store.GroupRules(ctx, "nowhere", seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Top: 10})
	if err != nil || page.Total != 0 || len(page.Rules) != 0 {
		f.Errorf("of no organization: %+v, %v", page, err)
	}
	for org, want := range map[seatwright.OrganizationID][]seatwright.ProductCode{"a": {"ATTUNU", "IDU", "TSTNU"}, "b": {"ACNU"}, "nowhere": nil} {
		codes, err := f.store.OfferedCodes(ctx, org)
		f.must(nil, err)
		if !slices.Equal(codes, want) {
			f.Errorf("the rules of %s offer %v, want %v", org, codes, want)
		}
	}
}

// licensees makes four people with names, of whom three lease two bundles through a group, in turn.
func (f *fixture) licensees() {
	f.organization("a", 0, 9)
	f.organization("b", 0, 9)
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: "a", ID: "more", Code: "TSTNU", Quantity: 2, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
	for i, n := range []struct{ email, first, last, display string }{
		{"b@example.org", "Zoe", "Adams", "zoe"}, {"A@example.org", "abe", "Brown", ""}, {"c@example.org", "Ben", "brown", "Ben"}, {"", "", "", ""},
	} {
		id := seatwright.UserID(fmt.Sprint("u-", i+1))
		for _, org := range []seatwright.OrganizationID{"a", "b"} {
			f.must(decide(f, seatwright.CreateUser{User: seatwright.User{
				Organization: org, ID: id, Email: n.email, FirstName: n.first, LastName: n.last, DisplayName: n.display, Role: seatwright.RoleMember,
			}}))
		}
	}
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-1", "u-2", "u-3"}}))
	f.must(decide(f, seatwright.CreateGroup{Organization: "b", ID: "g", Name: "Group", Members: []string{"u-4"}}))
	f.rule("a", "g", nil, "ATTUNU", "TSTNU")
	f.rule("b", "g", nil, "ATTUNU")
	f.must(f.lease("b", "u-4"))
	for _, user := range []seatwright.UserID{"u-2", "u-3", "u-1"} {
		f.clock.advance(time.Minute)
		f.must(f.lease("a", user))
	}
}

// Guards the list of those who hold something through a group: present leases alone, each person once, in a whole order.
func listsLeaseHolders(f *fixture) {
	f.licensees()
	by := func(sort seatwright.HolderSort) seatwright.HolderQuery {
		return seatwright.HolderQuery{Sort: sort, Top: 10}
	}
	check := func(name string, group seatwright.GroupID, q seatwright.HolderQuery, total int64, want string) seatwright.LeaseHolderPage {
		f.Helper()
		page, err := f.store.GroupLeases(ctx, "a", group, q)
		f.must(nil, err)
		var got []string
		for _, h := range page.Holders {
			got = append(got, string(h.Person.ID)+fmt.Sprint(h.Codes))
		}
		if strings.Join(got, " ") != want || page.Total != total {
			f.Errorf("%s: %q of %d, want %q of %d", name, got, page.Total, want, total)
		}
		return page
	}
	check("by id", "g", by(seatwright.SortHoldersByID), 3, "u-1[ATTUNU] u-2[ATTUNU TSTNU] u-3[ATTUNU TSTNU]")
	check("by mail", "g", by(seatwright.SortHoldersByEmail), 3, "u-2[ATTUNU TSTNU] u-1[ATTUNU] u-3[ATTUNU TSTNU]")
	check("by first name", "g", by(seatwright.SortHoldersByFirstName), 3, "u-2[ATTUNU TSTNU] u-3[ATTUNU TSTNU] u-1[ATTUNU]")
	check("by last name", "g", by(seatwright.SortHoldersByLastName), 3, "u-1[ATTUNU] u-2[ATTUNU TSTNU] u-3[ATTUNU TSTNU]")
	check("by display name", "g", by(seatwright.SortHoldersByDisplayName), 3, "u-2[ATTUNU TSTNU] u-3[ATTUNU TSTNU] u-1[ATTUNU]")
	last := by(seatwright.SortHoldersByLastInUse)
	last.Descending, last.Top = true, 1
	page := check("last in use", "g", last, 3, "u-1[ATTUNU]")
	if h := page.Holders[0]; !h.LastInUse.Equal(f.clock.Now()) || h.Orphan || h.Person.Email != "b@example.org" || h.Person.LastName != "Adams" {
		f.Errorf("the last holder is %+v", h)
	}
	equal := by(seatwright.SortHoldersByLastName)
	equal.Descending = true
	check("equal ones by id", "g", equal, 3, "u-2[ATTUNU TSTNU] u-3[ATTUNU TSTNU] u-1[ATTUNU]")
	check("the second", "g", seatwright.HolderQuery{Sort: seatwright.SortHoldersByID, Skip: 1, Top: 1}, 3, "u-2[ATTUNU TSTNU]")
	check("the number alone", "g", seatwright.HolderQuery{Sort: seatwright.SortHoldersByID}, 3, "")
	check("by code", "g", seatwright.HolderQuery{Sort: seatwright.SortHoldersByID, Codes: []seatwright.ProductCode{"TSTNU"}, Top: 10}, 2, "u-2[ATTUNU TSTNU] u-3[ATTUNU TSTNU]")
	check("of no group", "h", by(seatwright.SortHoldersByID), 0, "")
	check("of no name", "", by(seatwright.SortHoldersByID), 0, "")

	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", OnLeave: to(seatwright.OrphanOnLeave)}))
	f.must(decide(f, seatwright.UpdateGroup{Organization: "a", ID: "g", Remove: []string{"u-3"}}))
	f.rule("a", "g", nil, "ATTUNU") // all leases of the other bundle have ended
	page = check("what has ended is not told", "g", by(seatwright.SortHoldersByID), 3, "u-1[ATTUNU] u-2[ATTUNU] u-3[ATTUNU]")
	if page.Holders[1].Orphan || !page.Holders[2].Orphan {
		f.Errorf("who is an orphan is told wrongly: %+v", page.Holders)
	}
	f.must(decide(f, seatwright.RemoveGroupRule{Organization: "a", Group: "g"}))
	check("without a rule", "g", by(seatwright.SortHoldersByID), 0, "")
}

// Guards the list of those who have a direct record, whatever it has, and of the codes that are held so.
func listsDirectHolders(f *fixture) {
	f.licensees()
	codes, err := f.store.DirectCodes(ctx, "a")
	if err != nil || len(codes) != 0 {
		f.Fatalf("held directly are %v, %v", codes, err)
	}
	f.must(nil, f.allocate("b", attended, "u-1"))
	f.must(nil, f.allocate("a", attended, "u-3", "u-4"))
	f.must(nil, f.allocate("a", []seatwright.ProductCode{"TSTNU", "ATTUNU"}, "u-2"))
	f.must(nil, f.allocate("a", nil, "u-1"))
	f.clock.advance(time.Minute)
	f.must(nil, f.signIn("u-3", seatwright.SignInSucceeded))
	check := func(name string, q seatwright.HolderQuery, total int64, want string) seatwright.DirectHolderPage {
		f.Helper()
		page, err := f.store.DirectHolders(ctx, "a", q)
		f.must(nil, err)
		var got []string
		for _, h := range page.Holders {
			got = append(got, string(h.User)+fmt.Sprint(h.Codes))
			if h.User != h.Person.ID || h.External {
				f.Errorf("%s: %+v", name, h)
			}
		}
		if strings.Join(got, " ") != want || page.Total != total {
			f.Errorf("%s: %q of %d, want %q of %d", name, got, page.Total, want, total)
		}
		return page
	}
	by := func(sort seatwright.HolderSort) seatwright.HolderQuery {
		return seatwright.HolderQuery{Sort: sort, Top: 10}
	}
	check("by id", by(seatwright.SortHoldersByID), 4, "u-1[] u-2[ATTUNU TSTNU] u-3[ATTUNU] u-4[ATTUNU]")
	check("by mail", by(seatwright.SortHoldersByEmail), 4, "u-4[ATTUNU] u-2[ATTUNU TSTNU] u-1[] u-3[ATTUNU]")
	last := by(seatwright.SortHoldersByLastInUse)
	last.Descending, last.Top = true, 2
	page := check("by sign-in", last, 4, "u-3[ATTUNU] u-1[]")
	if !page.Holders[0].LastSignIn.Equal(f.clock.Now()) || !page.Holders[1].LastSignIn.IsZero() {
		f.Errorf("the last sign-ins are %+v", page.Holders)
	}
	check("the third", seatwright.HolderQuery{Sort: seatwright.SortHoldersByID, Skip: 2, Top: 1}, 4, "u-3[ATTUNU]")
	check("by code", seatwright.HolderQuery{Sort: seatwright.SortHoldersByID, Codes: []seatwright.ProductCode{"TSTNU", "PMD"}, Top: 10}, 1, "u-2[ATTUNU TSTNU]")
	codes, err = f.store.DirectCodes(ctx, "a")
	if err != nil || !slices.Equal(codes, []seatwright.ProductCode{"ATTUNU", "TSTNU"}) {
		f.Errorf("held directly are %v, %v", codes, err)
	}
	nobody, err := f.store.DirectHolders(ctx, "nowhere", by(seatwright.SortHoldersByID))
	if err != nil || nobody.Total != 0 || len(nobody.Holders) != 0 {
		f.Errorf("of no organization: %+v, %v", nobody, err)
	}
}

// Guards the list of those who hold a code from whatever source, and what it says of them: leases that have ended are not told of.
func listsSeatHolders(f *fixture) {
	f.licensees()
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", ExternalLicenses: to(true)}))
	f.must(nil, f.allocate("a", attended, "u-4"))
	f.must(decide(f, seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-3"}, Codes: []seatwright.ProductCode{"CTZDEVNU"}, External: true}))
	f.must(nil, f.allocate("b", attended, "u-1"))
	f.clock.advance(time.Minute)
	f.must(nil, f.signIn("u-4", seatwright.SignInSucceeded))
	check := func(name string, q seatwright.HolderQuery, total int64, want string) seatwright.SeatHolderPage {
		f.Helper()
		page, err := f.store.SeatHolders(ctx, "a", q)
		f.must(nil, err)
		var got []string
		for _, h := range page.Holders {
			got = append(got, string(h.Person.ID)+fmt.Sprint(h.Codes))
			if h.External != (h.Person.ID == "u-3") {
				f.Errorf("%s: %+v", name, h)
			}
		}
		if strings.Join(got, " ") != want || page.Total != total {
			f.Errorf("%s: %q of %d, want %q of %d", name, got, page.Total, want, total)
		}
		return page
	}
	of := func(codes ...seatwright.ProductCode) seatwright.HolderQuery {
		return seatwright.HolderQuery{Codes: codes, Sort: seatwright.SortHoldersByID, Top: 10}
	}
	page := check("all", of(), 4, "u-1[ATTUNU] u-2[ATTUNU TSTNU] u-3[CTZDEVNU] u-4[ATTUNU]")
	if !page.Holders[3].LastUse.Equal(f.clock.Now()) || !page.Holders[0].LastUse.Equal(f.clock.Now().Add(-time.Minute)) || !page.Holders[2].LastUse.IsZero() {
		f.Errorf("the last uses are %+v", page.Holders)
	}
	check("of some codes, and of these alone", of("TSTNU", "CTZDEVNU"), 2, "u-2[TSTNU] u-3[CTZDEVNU]")
	check("of a code that nobody holds", of("PMD"), 0, "")
	check("the second", seatwright.HolderQuery{Codes: attended, Sort: seatwright.SortHoldersByID, Skip: 1, Top: 1}, 3, "u-2[ATTUNU]")
	check("the number alone", seatwright.HolderQuery{Codes: attended, Sort: seatwright.SortHoldersByID}, 3, "")
	last := of()
	last.Sort, last.Descending, last.Top = seatwright.SortHoldersByLastInUse, true, 2
	check("by use", last, 4, "u-4[ATTUNU] u-1[ATTUNU]")
	f.must(decide(f, seatwright.RemoveGroupRule{Organization: "a", Group: "g"}))
	check("without the rule", of(), 2, "u-3[CTZDEVNU] u-4[ATTUNU]")
	nobody, err := f.store.SeatHolders(ctx, "nowhere", of())
	if err != nil || nobody.Total != 0 || len(nobody.Holders) != 0 {
		f.Errorf("of no organization: %+v, %v", nobody, err)
	}
}

// Guards the count of the units in use: each once, whoever shares it and however many sessions there are; never more than are drawn.
func countsUnitsInUse(f *fixture) {
	f.organization("a", 6, 9)
	f.organization("b", 1, 9)
	for _, code := range []seatwright.ProductCode{"ACCU", "CTZDEVNU", "IDU"} {
		f.sells("a", code, 9)
	}
	f.rule("a", seatwright.Everyone.ID, nil, "ACCU")
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", ExternalLicenses: to(true)}))
	open := func(org seatwright.OrganizationID, user seatwright.UserID, session string) {
		f.Helper()
		f.must(decide(f, seatwright.OpenSession{Organization: org, User: user, Session: seatwright.SessionID(session), GlobalID: session, ClientType: "studio"}))
	}
	want := func(name string, want map[seatwright.ProductCode]int64) {
		f.Helper()
		units, err := f.store.UnitsInUse(ctx, "a")
		f.must(nil, err)
		if fmt.Sprint(units) != fmt.Sprint(want) {
			f.Errorf("%s: %v are in use, want %v", name, units, want)
		}
	}
	f.must(nil, f.allocate("a", []seatwright.ProductCode{"ATTUNU", "IDU"}, "u-4", "u-5"))
	f.must(decide(f, seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-6"}, Codes: []seatwright.ProductCode{"CTZDEVNU"}, External: true}))
	for _, user := range []seatwright.UserID{"u-1", "u-2", "u-3"} {
		f.must(f.lease("a", user)) // of one unit, by signing in
	}
	want("nobody has a session", nil)
	f.must(nil, f.allocate("b", attended, "u-1"))
	open("b", "u-1", "s-1")
	want("a session elsewhere", nil)
	open("a", "u-1", "s-1")
	want("a shared unit", map[seatwright.ProductCode]int64{"ACCU": 1})
	f.must(decide(f, seatwright.CloseSession{Organization: "a", User: "u-1", Session: "s-1"}))
	want("the session is closed", nil)
	open("a", "u-4", "s-4")
	open("a", "u-4", "s-4b")
	open("a", "u-5", "s-5")
	open("a", "u-6", "s-6") // who draws no unit
	want("two people", map[seatwright.ProductCode]int64{"ATTUNU": 2, "IDU": 2})
	f.clock.advance(seatwright.UnitHold)
	open("a", "u-1", "s-1")
	f.clock.advance(seatwright.UnitHold)
	open("a", "u-2", "s-2") // takes the same unit over
	want("two who share", map[seatwright.ProductCode]int64{"ACCU": 1, "ATTUNU": 2, "IDU": 2})
	f.must(nil, f.allocate("a", []seatwright.ProductCode{"ATTUNU"}, "u-5"))
	want("one holds less", map[seatwright.ProductCode]int64{"ACCU": 1, "ATTUNU": 2, "IDU": 1})
	f.rule("a", seatwright.Everyone.ID, nil)
	want("leases have ended", map[seatwright.ProductCode]int64{"ATTUNU": 2, "IDU": 1})
	f.clock.advance(seatwright.SessionLife - 2*seatwright.UnitHold - time.Microsecond)
	want("just told of", map[seatwright.ProductCode]int64{"ATTUNU": 2, "IDU": 1})
	f.clock.advance(time.Microsecond)
	want("not told of for long", nil)
}
