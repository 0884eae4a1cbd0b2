package seatwright

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// denialDay is a history of the organization "a" with the members ann, bob and cid of the group "g", in which all that is bought lasts a day.
type denialDay struct {
	*testing.T
	s *Slice
}

func newDenialDay(t *testing.T, bought ...Quantity) *denialDay {
	t.Helper()
	d := &denialDay{t, NewSlice(distributionDay)}
	d.must(CreateHost{}.Decide(d.s, Origin{}))
	d.must(CreateOrganization{ID: "a", Name: "a"}.Decide(d.s, Origin{}))
	for _, id := range []UserID{"ann", "bob", "cid"} {
		d.must(CreateUser{User: User{Organization: "a", ID: id, Role: RoleMember}}.Decide(d.s, Origin{}))
	}
	d.must(CreateTenant{Organization: "a", ID: "t", Name: "t"}.Decide(d.s, Origin{}))
	d.must(CreateGroup{Organization: "a", ID: "g", Name: "g", Members: []string{"ann", "bob", "cid"}}.Decide(d.s, Origin{}))
	for _, q := range append(bought, Quantity{"AIU", 1}) {
		d.buy("a", q.Code, q.Units)
	}
	return d
}

func (d *denialDay) must(_ any, err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *denialDay) buy(org OrganizationID, code ProductCode, units int64) {
	d.Helper()
	at := d.s.at(org).now
	id := LotID(fmt.Sprint(code, at.Unix()))
	d.must(CreateLot{Lot: Lot{Organization: org, ID: id, Code: code, Quantity: units, Start: at, End: at.AddDate(0, 0, 1)}}.Decide(d.s, Origin{}))
}

// later goes on with the same rows.
func (d *denialDay) later(by time.Duration) {
	d.s.now = d.s.now.Add(by)
	for _, o := range d.s.organizations {
		o.now = d.s.now
		o.licensed = slices.ContainsFunc(o.accountLicense().Lots, func(l Lot) bool { return l.InForce(o.now) })
	}
}

func (d *denialDay) rule(quotas []Quota, codes ...ProductCode) {
	d.Helper()
	d.must(SetGroupRule{Organization: "a", Group: "g", Codes: codes, Quotas: quotas}.Decide(d.s, Origin{}))
}

func (d *denialDay) signIn(user UserID, wanted ...LicenseUnit) error {
	_, err := OpenSession{Organization: "a", User: user, Wanted: wanted}.Decide(d.s, Origin{Actor: "user/" + string(user)})
	return err
}

func (d *denialDay) session(user UserID) error {
	id := SessionID("s-" + user)
	_, err := OpenSession{Organization: "a", User: user, Session: id, GlobalID: "g", ClientType: "test"}.Decide(d.s, Origin{Actor: "user/" + string(user)})
	return err
}

func (d *denialDay) allocate(codes []ProductCode, users ...UserID) error {
	_, err := AllocateToUsers{Organization: "a", Users: users, Codes: codes}.Decide(d.s, Origin{Actor: "user/admin"})
	return err
}

func (d *denialDay) want(err error, reason Reason) {
	d.Helper()
	if !IsReason(err, reason) {
		d.Fatalf("got %v, want %s", err, reason)
	}
}

// wantDenials compares all denials of the organization, in their order, and the events with them.
func (d *denialDay) wantDenials(org OrganizationID, want ...string) {
	d.Helper()
	var got []string
	for _, denial := range d.s.at(org).newDenials {
		text := fmt.Sprintf("%s %s %s free %d", denial.Code, denial.ID, denial.Reason, denial.Available)
		if denial.Group != "" {
			text += " in " + string(denial.Group)
		}
		if denial.Refusals > 1 {
			text += fmt.Sprintf(" %dx", denial.Refusals)
		}
		if !denial.SatisfiedAt.IsZero() {
			text += " satisfied"
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		d.Errorf("denials %q, want %q", got, want)
	}
	replayed, err := Replay(d.s.at(org).events)
	if err != nil {
		d.Fatal(err)
	}
	for _, denial := range d.s.at(org).newDenials {
		told := replayed.denials.told[denial.Number]
		told.Organization, told.Refusals, told.LastAt = org, denial.Refusals, denial.LastAt
		if told != denial {
			d.Errorf("the events tell %+v, the row is %+v", told, denial)
		}
	}
}

// Promise: whatever keeps somebody from a unit is on record as what it is, with how many units were free.
func TestEveryReasonIsRecorded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"AllocationFromAFullPool": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 2})
			d.must(nil, d.allocate([]ProductCode{"ATTUNU"}, "ann"))
			d.want(d.allocate([]ProductCode{"ATTUNU", "TSTNU"}, "ann", "bob", "cid"), ReasonPoolExhausted)
			d.wantDenials("a", "TSTNU ann not_in_force free 0", "ATTUNU bob pool_exhausted free 1", "TSTNU bob not_in_force free 0",
				"ATTUNU cid pool_exhausted free 1", "TSTNU cid not_in_force free 0")
		},
		"AllocationFromAPoolThatShrank": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 2})
			d.must(nil, d.allocate([]ProductCode{"ATTUNU"}, "ann", "bob"))
			one := int64(1)
			d.must(ChangeLot{Organization: "a", ID: LotID(fmt.Sprint("ATTUNU", distributionDay.Unix())), Quantity: &one}.Decide(d.s, Origin{}))
			d.want(d.allocate([]ProductCode{"ATTUNU"}, "cid"), ReasonPoolExhausted)
			d.wantDenials("a", "ATTUNU cid pool_overallocated free 0")
		},
		"AllocationOfWhatDoesNotExist": func(t *testing.T) {
			d := newDenialDay(t)
			d.want(d.allocate([]ProductCode{"MADE-UP", "UNATT"}, "ann"), ReasonPoolExhausted)
			d.wantDenials("a")
		},
		"SignInToAFullPool": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 1})
			d.rule(nil, "ATTUNU")
			d.must(nil, d.signIn("ann"))
			d.want(d.signIn("bob"), ReasonPoolExhausted)
			d.wantDenials("a", "ATTUNU bob pool_exhausted free 0 in g")
		},
		"SessionOverTheQuota": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 5})
			d.rule([]Quota{{"ATTUNU", 1}}, "ATTUNU")
			d.must(nil, d.session("ann"))
			d.want(d.session("bob"), ReasonQuotaReached)
			d.wantDenials("a", "ATTUNU bob quota_reached free 4 in g")
		},
		"AWeakerBundleInstead": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"RPADEVPRONU", 1}, Quantity{"ATTUNU", 5})
			d.rule(nil, "RPADEVPRONU", "CTZDEVNU", "ATTUNU", "IDU")
			d.must(nil, d.signIn("ann"))
			d.must(nil, d.signIn("bob"))
			d.wantDenials("a", "IDU ann not_in_force free 0 in g", "IDU bob not_in_force free 0 in g", "RPADEVPRONU bob pool_exhausted free 0 in g",
				"CTZDEVNU bob not_in_force free 0 in g")
		},
		"NoLicenseInForceAtAll": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 1}, Quantity{"TSTNU", 1})
			d.rule(nil, "ATTUNU")
			d.must(nil, d.signIn("ann"))
			d.must(nil, d.allocate([]ProductCode{"TSTNU"}, "bob"))
			d.later(25 * time.Hour)
			for _, user := range []UserID{"ann", "bob", "cid"} {
				d.want(d.session(user), ReasonNoLicense)
			}
			d.wantDenials("a", "ATTUNU ann not_in_force free 0 in g", "TSTNU bob not_in_force free 0", "ATTUNU cid not_in_force free 0 in g")
		},
		"WhatIsHeldIsNotInForce": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 1}, Quantity{"TSTNU", 1})
			d.rule(nil, "ATTUNU")
			d.must(nil, d.signIn("ann"))
			d.must(nil, d.allocate([]ProductCode{"TSTNU"}, "bob"))
			d.later(24 * time.Hour)
			d.buy("a", "AIU", 1)
			d.want(d.session("ann"), ReasonPoolExhausted)
			d.want(d.session("bob"), ReasonNotEntitled)
			d.wantDenials("a", "ATTUNU ann not_in_force free 0 in g", "TSTNU bob not_in_force free 0")
		},
		"ASharedUnitInUse": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ACCU", 1})
			d.rule(nil, "ACCU")
			d.must(nil, d.signIn("bob"))
			d.must(nil, d.session("ann"))
			d.want(d.session("bob"), ReasonUnitInUse)
			d.must(CloseSession{Organization: "a", Session: "s-ann", User: "ann"}.Decide(d.s, Origin{}))
			d.must(nil, d.session("bob"))
			d.wantDenials("a", "ACCU bob unit_in_use free 0 in g satisfied")
		},
		"NothingIsOffered": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 1})
			d.want(d.session("ann"), ReasonNotEntitled)
			d.wantDenials("a")
		},
		"NothingIsOfferedToTheBlocked": func(t *testing.T) {
			d := newDenialDay(t, Quantity{"ATTUNU", 1})
			d.rule(nil, "ATTUNU")
			d.must(nil, d.allocate(nil, "ann"))
			d.later(25 * time.Hour)
			d.want(d.session("ann"), ReasonNoLicense)
			d.wantDenials("a")
		},
		"AServiceThatAsksForTooMuch": func(t *testing.T) {
			d := newDenialDay(t)
			give := func(units int64) error {
				_, err := AllocateToService{Organization: "a", Tenant: "t", Service: "apps", Products: []Quantity{{"AIU", units}}}.Decide(d.s, Origin{})
				return err
			}
			d.want(give(2), ReasonPoolExhausted)
			d.want(give(3), ReasonPoolExhausted)
			d.wantDenials("a", "AIU t/apps pool_exhausted free 1 2x")
			d.must(nil, give(1))
			d.wantDenials("a", "AIU t/apps pool_exhausted free 1 2x")
		},
		"AnOrganizationThatAsksForTooMuch": func(t *testing.T) {
			d := newDenialDay(t)
			d.buy(HostID, "UNATT", 1)
			give := func(units int64) error {
				_, err := DistributeToOrganization{Organization: "a", Products: []Quantity{{"UNATT", units}}}.Decide(d.s, Origin{})
				return err
			}
			d.want(give(2), ReasonPoolExhausted)
			d.wantDenials(HostID, "UNATT a pool_exhausted free 1")
			d.wantDenials("a")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// Promise: who has it after all is told apart: by the bundle itself or by one that gives all of it, and by a purchase that lets what they hold count
// again, once they come back.
func TestDenialsAreSatisfied(t *testing.T) {
	t.Parallel()
	d := newDenialDay(t, Quantity{"ACNU", 1}, Quantity{"TSTNU", 1}, Quantity{"ATTUNU", 1})
	d.must(nil, d.allocate([]ProductCode{"ACNU"}, "cid"))
	d.must(nil, d.allocate([]ProductCode{"TSTNU"}, "bob"))
	d.want(d.allocate([]ProductCode{"ACNU"}, "ann", "bob"), ReasonPoolExhausted)
	d.want(d.allocate([]ProductCode{"TSTNU"}, "ann"), ReasonPoolExhausted)
	d.wantDenials("a", "ACNU ann pool_exhausted free 0", "ACNU bob pool_exhausted free 0", "TSTNU ann pool_exhausted free 0")
	d.must(nil, d.allocate([]ProductCode{"ATTUNU"}, "ann"))
	d.wantDenials("a", "ACNU ann pool_exhausted free 0 satisfied", "ACNU bob pool_exhausted free 0", "TSTNU ann pool_exhausted free 0")

	d.later(24 * time.Hour)
	d.buy("a", "AIU", 1)
	d.want(d.session("bob"), ReasonNotEntitled)
	d.later(time.Hour)
	d.buy("a", "TSTNU", 1)
	d.must(nil, d.session("bob"))
	d.must(nil, d.session("bob"))
	d.wantDenials("a", "ACNU ann pool_exhausted free 0 satisfied", "ACNU bob pool_exhausted free 0", "TSTNU ann pool_exhausted free 0",
		"TSTNU bob not_in_force free 0 satisfied")
}

// Promise: refusals of one code within an hour of the first are one denial; events tell of the first and of each power of ten.
func TestRefusalsWithinAnHourAreOneDenial(t *testing.T) {
	t.Parallel()
	d := newDenialDay(t)
	before := len(d.s.at("a").events)
	for range 120 {
		d.want(d.allocate([]ProductCode{"ATTUNU"}, "ann"), ReasonPoolExhausted)
		d.later(DenialSpan / 120)
	}
	d.wantDenials("a", "ATTUNU ann not_in_force free 0 120x")
	if n := len(d.s.at("a").events) - before; n != 3 {
		t.Errorf("%d events, want 3", n)
	}
	d.want(d.allocate([]ProductCode{"ATTUNU"}, "ann"), ReasonPoolExhausted)
	d.wantDenials("a", "ATTUNU ann not_in_force free 0 120x", "ATTUNU ann not_in_force free 0")
}

// Promise: in one batch too, whoever is deleted leaves what they were refused behind, and somebody new with the id begins anew.
func TestTheDeletedLeaveNewDenialsBehind(t *testing.T) {
	t.Parallel()
	d := newDenialDay(t)
	d.want(d.allocate([]ProductCode{"ATTUNU"}, "ann", "bob"), ReasonPoolExhausted)
	d.must(DeleteUsers{Organization: "a", Users: []UserID{"ann"}}.Decide(d.s, Origin{}))
	d.must(CreateUser{User: User{Organization: "a", ID: "ann", Role: RoleMember}}.Decide(d.s, Origin{}))
	d.want(d.allocate([]ProductCode{"ATTUNU"}, "ann", "bob"), ReasonPoolExhausted)
	d.wantDenials("a", "ATTUNU  not_in_force free 0", "ATTUNU bob not_in_force free 0 2x", "ATTUNU ann not_in_force free 0")
}

// Promise: a script that asks for one person after the other makes at most so many events and rows in a second; the rest is counted.
func TestDenialsOfOnePrincipalAreMetered(t *testing.T) {
	t.Parallel()
	d := newDenialDay(t)
	var users []UserID
	for i := range 50 {
		users = append(users, UserID(fmt.Sprint("u-", i)))
		d.must(CreateUser{User: User{Organization: "a", ID: users[i], Role: RoleMember}}.Decide(d.s, Origin{}))
	}
	for _, user := range users {
		d.want(d.allocate([]ProductCode{"ATTUNU"}, user), ReasonPoolExhausted)
	}
	if n := len(d.s.at("a").newDenials); n != RefusalsPerSecond {
		t.Errorf("%d denials, want %d", n, RefusalsPerSecond)
	}
	d.later(time.Second)
	d.must(CountRefusals{Organizations: []OrganizationID{"a"}}.Decide(d.s, Origin{}))
	events := d.s.at("a").events
	var last AllocationRefused
	d.must(nil, json.Unmarshal(events[len(events)-1].Data, &last))
	if last.Suppressed != int64(len(users)-RefusalsPerSecond) {
		t.Errorf("the last event tells %+v", last)
	}
	// One request for many is one record.
	d.later(time.Second)
	d.want(d.allocate([]ProductCode{"ATTUNU"}, users...), ReasonPoolExhausted)
	if n := len(d.s.at("a").newDenials); n != len(users) {
		t.Errorf("%d denials, want one for each of %d", n, len(users))
	}
	d.must(nil, func() error { _, err := Replay(d.s.at("a").events); return err }())
}

// Promise: one request makes a bounded number of denials, however many people and codes it lists.
func TestARequestMakesABoundedNumberOfDenials(t *testing.T) {
	t.Parallel()
	d := newDenialDay(t)
	users := make([]UserID, MaxUsersPerCall)
	for i := range users {
		users[i] = UserID(fmt.Sprint("u-", i))
		d.s.LoadUser(User{Organization: "a", ID: users[i], Active: true})
	}
	d.want(d.allocate([]ProductCode{"ATTUNU", "TSTNU", "IDU"}, users...), ReasonPoolExhausted)
	denials := d.s.at("a").newDenials
	if len(denials) != MaxDenialsPerEvent || denials[0].ref() != (denialRef{deniedUser("u-0"), "ATTUNU"}) || denials[999].ref() != (denialRef{deniedUser("u-333"), "ATTUNU"}) {
		t.Errorf("%d denials, from %+v on", len(denials), denials[0])
	}
}

// Promise: a history of denials that does not hang together is found.
func TestReplayFindsDenialsThatDoNotFollow(t *testing.T) {
	t.Parallel()
	type event struct {
		kind          EventKind
		subject, data string
	}
	first := event{EventAllocationRefused, "", `{"users":1,"denials":[{"user":"ann","code":"ATTUNU","reason":"pool_exhausted","requested":1,"available":0,"refusals":1}]}`}
	again := func(number, refusals int) event {
		return event{EventAllocationRefused, "", fmt.Sprintf(`{"users":1,"denials":[{"number":%d,"user":"ann","code":"ATTUNU","reason":"pool_exhausted","requested":1,"available":0,"refusals":%d}]}`, number, refusals)}
	}
	satisfied := event{EventDenialSatisfied, "ann", `{"codes":["ATTUNU"]}`}
	for name, c := range map[string]struct {
		events []event
		want   string
	}{
		"sound":              {[]event{first, again(5000, 10), again(5000, 100), satisfied, first, {EventUserDeleted, "ann", `{}`}, {EventUserCreated, "ann", `{"role":"member","active":true}`}, first}, ""},
		"begun twice":        {[]event{first, first}, "while another one goes on"},
		"begun with many":    {[]event{{first.kind, "", `{"users":1,"denials":[{"user":"ann","code":"ATTUNU","refusals":2}]}`}}, "with 2 refusals"},
		"counted wrongly":    {[]event{first, again(5000, 100)}, "tells of 100 refusals of denial 5000, after 1"},
		"of another number":  {[]event{first, again(5001, 10)}, "goes on with denial 5001"},
		"after its end":      {[]event{first, satisfied, again(5000, 10)}, "goes on with denial 5000"},
		"ended twice":        {[]event{first, satisfied, satisfied}, "of which there are none"},
		"of the deleted":     {[]event{first, {EventUserDeleted, "ann", `{}`}, satisfied}, "of which there are none"},
		"satisfied by error": {[]event{satisfied}, "ends denials of ATTUNU to ann, of which there are none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			for _, e := range c.events {
				h.add(e.kind, e.subject, e.data)
			}
			_, err := Replay(h.events)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Replay = %v, want %q", err, c.want)
			}
		})
	}
}
