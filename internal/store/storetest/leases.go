package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
)

func (f *fixture) rule(org string, group seatwright.GroupID, quotas []seatwright.Quota, codes ...seatwright.ProductCode) {
	f.Helper()
	f.must(decide(f, seatwright.SetGroupRule{Organization: seatwright.OrganizationID(org), Group: group, Codes: codes, Quotas: quotas}))
}

func (f *fixture) lease(org string, user seatwright.UserID) ([]seatwright.ProductCode, error) {
	opened, err := decide(f, seatwright.OpenSession{Organization: seatwright.OrganizationID(org), User: user})
	return opened.Codes, err
}

// wantHeld compares what a person holds: code, +direct, and the group of a lease.
func (f *fixture) wantHeld(org string, user seatwright.UserID, want ...string) {
	f.Helper()
	seats, err := f.store.Seats(ctx, seatwright.OrganizationID(org), []seatwright.UserID{user})
	f.must(nil, err)
	var got []string
	var codes []seatwright.ProductCode
	for _, s := range seats {
		codes = append(codes, s.Code)
		text := string(s.Code)
		if s.Direct {
			text += " direct"
		}
		if s.Lease.Held() {
			text += " " + string(s.Lease.Group)
		}
		if s.Lease.Orphan() {
			text += " orphan"
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		f.Fatalf("%s holds %q, want %q", user, got, want)
	}
	held, err := f.store.HeldCodes(ctx, seatwright.OrganizationID(org), user, 1)
	f.must(nil, err)
	if len(held) == 1 && held[0].User == user && !slices.Equal(held[0].Codes, codes) || len(held) == 0 && len(codes) > 0 {
		f.Fatalf("%s holds %v, and among others %v", user, codes, held)
	}
}

// Guards the list of what people hold: in the order of their ids, each once, those without a seat too, nobody of another organization.
func heldCodesOfEverybody(f *fixture) {
	f.organization("a", 9, 9)
	f.organization("b", 9, 9)
	f.must(decide(f, seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-2", "u-4"}, Codes: attended}))
	all, err := f.store.HeldCodes(ctx, "a", "", 1000)
	f.must(nil, err)
	var ids []seatwright.UserID
	for i, person := range all {
		ids = append(ids, person.User)
		if holds := person.User == "u-2" || person.User == "u-4"; holds != slices.Equal(person.Codes, attended) {
			f.Errorf("%+v", all[i])
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != 9 {
		f.Errorf("people %v", ids)
	}
	some, err := f.store.HeldCodes(ctx, "a", "u-2", 2)
	f.must(nil, err)
	if len(some) != 2 || some[0].User != "u-2" || len(some[0].Codes) != 1 || some[1].User != "u-3" {
		f.Errorf("from u-2 on there are %+v", some)
	}
	if behind, err := f.store.HeldCodes(ctx, "a", "u-9x", 2); err != nil || len(behind) != 0 {
		f.Errorf("behind the last there are %+v (%v)", behind, err)
	}
}

func (f *fixture) wantOffer(org string, group seatwright.GroupID, leases, units int64) {
	f.Helper()
	rule, err := f.store.GroupRule(ctx, seatwright.OrganizationID(org), group)
	f.must(nil, err)
	if len(rule.Offers) != 1 || rule.Offers[0].Leases != leases || rule.Offers[0].Units != units {
		f.Fatalf("the rule of %s offers %+v, want one with %d leases of %d units", group, rule.Offers, leases, units)
	}
}

// Guards the life of a lease: taken at sign-in by members alone, first come first served, ended by its holder and by an administrator,
// and kept through an edit of the rule that still offers it.
func leasesLive(f *fixture) {
	f.organization("a", 4, 2)
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-1", "u-2", "u-3"}}))
	f.rule("a", "g", nil, "ATTUNU")
	f.wantPool("a", 0, 2)
	for _, user := range []seatwright.UserID{"u-1", "u-2", "u-1"} {
		codes, err := f.lease("a", user)
		f.must(nil, err)
		if !slices.Equal(codes, attended) {
			f.Fatalf("%s holds %v", user, codes)
		}
	}
	_, err := f.lease("a", "u-3")
	f.wantReason(err, seatwright.ReasonPoolExhausted)
	_, err = f.lease("a", "u-4")
	f.wantReason(err, seatwright.ReasonNotEntitled)
	f.wantPool("a", 2, 2)
	f.wantOffer("a", "g", 2, 2)
	f.wantHeld("a", "u-1", "ATTUNU g")

	f.must(decide(f, seatwright.RevokeLeases{Organization: "a", Group: "g", Users: []seatwright.UserID{"u-1", "u-3"}}))
	f.wantHeld("a", "u-1")
	f.must(f.lease("a", "u-3"))
	f.must(decide(f, seatwright.ReleaseLeases{Organization: "a", User: "u-2"}))
	f.must(f.lease("a", "u-1"))
	f.rule("a", "g", nil, "ATTUNU", "TSTNU")
	f.wantHeld("a", "u-1", "ATTUNU g")
	f.must(decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u-3"}}))
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-1", Active: to(false)}))
	f.wantPool("a", 0, 2)
	f.verifies()
}

// verifies compares everything that is stored with the events.
func (f *fixture) verifies() {
	f.Helper()
	for _, org := range []seatwright.OrganizationID{"a", "b"} {
		events, err := f.store.Events(ctx, org, 0, 1000)
		f.must(nil, err)
		replayed, err := seatwright.Replay(events)
		f.must(nil, err)
		units, err := f.store.SeatUnits(ctx, org)
		f.must(nil, err)
		for code, used := range replayed.Used() {
			if units[code] != used {
				f.Fatalf("%s: the seats have %d units of %s, by the events %d are used", org, units[code], code, used)
			}
		}
	}
}

// Guards that everything through an offer ends with it in one command, whoever holds it, and does not come back with the next offer of
// the same bundle.
func offersEnd(f *fixture) {
	f.organization("a", 3, 3)
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-1", "u-2", "u-3"}}))
	f.rule("a", "g", nil, "ATTUNU")
	for _, user := range []seatwright.UserID{"u-1", "u-2", "u-3"} {
		f.must(f.lease("a", user))
	}
	f.wantPool("a", 3, 3)
	f.rule("a", "g", nil)
	f.wantPool("a", 0, 3)
	f.wantHeld("a", "u-1")
	f.rule("a", "g", nil, "ATTUNU")
	f.wantHeld("a", "u-1")
	f.must(f.lease("a", "u-1"))
	f.must(nil, f.allocate("a", attended, "u-2")) // over what is left of the lease
	f.wantHeld("a", "u-1", "ATTUNU g")
	f.wantHeld("a", "u-2", "ATTUNU direct")
	f.wantPool("a", 2, 3)

	sweepable, err := f.store.SweepableLeases(ctx, 10)
	f.must(nil, err)
	if len(sweepable) != 1 || !slices.Equal(sweepable["a"], []seatwright.UserID{"u-3"}) {
		f.Fatalf("to be swept are %v, want u-3 alone", sweepable)
	}
	f.must(decide(f, seatwright.SweepLeases{Organization: "a", Users: sweepable["a"]}))
	sweepable, err = f.store.SweepableLeases(ctx, 10)
	f.must(nil, err)
	if len(sweepable) != 0 {
		f.Fatalf("still to be swept are %v", sweepable)
	}
	f.must(decide(f, seatwright.RemoveGroupRule{Organization: "a", Group: "g"}))
	f.wantPool("a", 1, 3)
	_, err = f.store.GroupRule(ctx, "a", "g")
	f.wantReason(err, seatwright.ReasonNotFound)
	f.rule("a", "g", nil, "ATTUNU")
	f.must(f.lease("a", "u-3"))
	f.must(decide(f, seatwright.DeleteGroups{Organization: "a", IDs: []seatwright.GroupID{"g"}}))
	f.wantPool("a", 1, 3)
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Again", Members: []string{"u-3"}}))
	_, err = f.store.GroupRule(ctx, "a", "g")
	f.wantReason(err, seatwright.ReasonNotFound)
	f.wantHeld("a", "u-3")
	f.verifies()
}

// Guards quotas: they bound the leases of their group, fall through to the next group, and are not set below what is taken.
func quotasHold(f *fixture) {
	f.organization("a", 4, 9)
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "First", Members: []string{"u-1", "u-2", "u-3", "u-4"}}))
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "h", Name: "Second", Members: []string{"u-3"}}))
	f.rule("a", "g", []seatwright.Quota{{Code: "ATTUNU", Limit: 2}}, "ATTUNU")
	f.clock.advance(time.Second)
	f.rule("a", "h", nil, "ATTUNU")
	for user, group := range map[seatwright.UserID]string{"u-1": "g", "u-2": "g"} {
		f.must(f.lease("a", user))
		f.wantHeld("a", user, "ATTUNU "+group)
	}
	f.must(f.lease("a", "u-3"))
	f.wantHeld("a", "u-3", "ATTUNU h")
	_, err := f.lease("a", "u-4")
	f.wantReason(err, seatwright.ReasonQuotaReached)
	_, err = decide(f, seatwright.SetGroupRule{Organization: "a", Group: "g", Codes: attended, Quotas: []seatwright.Quota{{Code: "ATTUNU", Limit: 1}}})
	f.wantReason(err, seatwright.ReasonQuotaBelowUse)
	f.must(decide(f, seatwright.SetGroupRule{Organization: "a", Group: "g", Codes: attended, KeepQuotas: true, Priority: to(int64(500))}))
	rule, err := f.store.GroupRule(ctx, "a", "g")
	f.must(nil, err)
	if rule.Offers[0].Quota != 2 || rule.Priority != 500 {
		f.Fatalf("the rule is %+v", rule)
	}
	f.must(decide(f, seatwright.ReleaseLeases{Organization: "a", User: "u-3"}))
	f.must(decide(f, seatwright.ReleaseLeases{Organization: "a", User: "u-1"}))
	f.must(f.lease("a", "u-3"))
	f.wantHeld("a", "u-3", "ATTUNU h") // its priority is the lower number now
	f.must(f.lease("a", "u-4"))
	f.wantHeld("a", "u-4", "ATTUNU g")
	f.wantPool("a", 3, 9)
	f.verifies()
}

// Guards what becomes of leases when their holders leave, under both policies, and that re-applying a rule ends orphans.
func leaversLeases(f *fixture) {
	f.organization("a", 2, 9)
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-1", "u-2"}}))
	f.rule("a", "g", nil, "ATTUNU")
	f.must(f.lease("a", "u-1"))
	f.must(f.lease("a", "u-2"))
	f.must(decide(f, seatwright.UpdateGroup{Organization: "a", ID: "g", Remove: []string{"u-1"}}))
	f.wantHeld("a", "u-1")
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", OnLeave: to(seatwright.OrphanOnLeave)}))
	f.clock.advance(time.Second)
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-2", Remove: []seatwright.GroupID{"g"}}))
	f.wantHeld("a", "u-2", "ATTUNU g orphan")
	f.wantPool("a", 1, 9)
	sweep := func() int {
		f.Helper()
		sweepable, err := f.store.SweepableLeases(ctx, 10)
		f.must(nil, err)
		ended := 0
		for org, users := range sweepable {
			n, err := decide(f, seatwright.SweepLeases{Organization: org, Users: users})
			f.must(nil, err)
			ended += n
		}
		return ended
	}
	if n := sweep(); n != 0 {
		f.Fatalf("%d leases were swept that go on", n)
	}
	f.clock.advance(time.Second)
	f.rule("a", "g", nil, "ATTUNU")
	if n := sweep(); n != 1 {
		f.Fatalf("%d orphans ended with the rule that was set again", n)
	}
	f.wantHeld("a", "u-2")
	f.must(decide(f, seatwright.UpdateGroup{Organization: "a", ID: "g", Add: []string{"u-1"}}))
	f.must(f.lease("a", "u-1"))
	f.clock.advance(89 * 24 * time.Hour)
	if n := sweep(); n != 0 {
		f.Fatalf("%d leases ended after 89 days", n)
	}
	f.must(f.lease("a", "u-1"))
	f.clock.advance(89 * 24 * time.Hour)
	if n := sweep(); n != 0 {
		f.Fatalf("%d leases ended although they were used", n)
	}
	f.clock.advance(24 * time.Hour)
	if n := sweep(); n != 1 {
		f.Fatalf("%d leases ended after 90 days without use", n)
	}
	f.wantPool("a", 0, 9)
	f.verifies()
}

// Guards both modes of a direct allocation to somebody who has a lease, and that two sources draw one unit.
func directBeatsInherited(f *fixture) {
	f.organization("a", 1, 3)
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: "a", ID: "lot-2", Code: "TSTNU", Quantity: 3, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
	f.rule("a", seatwright.Everyone.ID, nil, "ATTUNU", "TSTNU")
	f.must(f.lease("a", "u-1"))
	f.wantHeld("a", "u-1", "ATTUNU everyone", "TSTNU everyone")
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.wantHeld("a", "u-1", "ATTUNU direct")
	f.must(nil, f.allocate("a", nil, "u-1"))
	f.wantHeld("a", "u-1")
	_, err := f.lease("a", "u-1")
	f.wantReason(err, seatwright.ReasonNotEntitled)
	f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}}))

	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", AllocationMode: to(seatwright.AddToLeases)}))
	f.must(f.lease("a", "u-1"))
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.wantHeld("a", "u-1", "ATTUNU direct everyone", "TSTNU everyone")
	units, err := f.store.SeatUnits(ctx, "a")
	f.must(nil, err)
	if units["ATTUNU"] != 1 || units["TSTNU"] != 1 {
		f.Fatalf("two sources draw %v", units)
	}
	f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}}))
	f.wantHeld("a", "u-1", "ATTUNU everyone", "TSTNU everyone")
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.must(decide(f, seatwright.RemoveGroupRule{Organization: "a", Group: "Everyone"}))
	f.wantHeld("a", "u-1", "ATTUNU direct")
	f.verifies()
}

// Guards that the strongest free one of several ranked bundles is taken, that a stronger one takes the place of a weaker, and what is
// asked for by its units.
func strongestIsTaken(f *fixture) {
	f.organization("a", 3, 3)
	for i, code := range []seatwright.ProductCode{"RPADEVPRONU", "CTZDEVNU", "IDU"} {
		f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
			Organization: "a", ID: seatwright.LotID(fmt.Sprintf("more-%d", i)), Code: code, Quantity: 1, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
		}}))
	}
	f.rule("a", seatwright.Everyone.ID, nil, "ATTUNU", "CTZDEVNU", "RPADEVPRONU", "IDU")
	f.must(f.lease("a", "u-1"))
	f.wantHeld("a", "u-1", "IDU everyone", "RPADEVPRONU everyone")
	f.must(f.lease("a", "u-2"))
	f.wantHeld("a", "u-2", "CTZDEVNU everyone")
	f.must(f.lease("a", "u-3"))
	f.wantHeld("a", "u-3", "ATTUNU everyone")
	f.must(decide(f, seatwright.ReleaseLeases{Organization: "a", User: "u-1"}))
	f.must(f.lease("a", "u-3"))
	f.wantHeld("a", "u-3", "IDU everyone", "RPADEVPRONU everyone")
	_, err := decide(f, seatwright.OpenSession{Organization: "a", User: "u-1", Wanted: []seatwright.LicenseUnit{"STDPRO"}})
	f.wantReason(err, seatwright.ReasonPoolExhausted)
	_, err = decide(f, seatwright.OpenSession{Organization: "a", User: "u-1", Wanted: []seatwright.LicenseUnit{"NOTHING"}})
	f.wantReason(err, seatwright.ReasonNotEntitled)
	f.wantHeld("a", "u-1")
	opened, err := decide(f, seatwright.OpenSession{Organization: "a", User: "u-1", Wanted: []seatwright.LicenseUnit{"ATTR"}})
	f.must(nil, err)
	if !slices.Equal(opened.Codes, attended) || !slices.Equal(opened.Units, []seatwright.LicenseUnit{"ATTR", "APPS"}) {
		f.Fatalf("opened %+v", opened)
	}
	f.verifies()
}

// Guards sessions: the same id goes on, somebody else's is refused, an end is an end, and they go with their person.
func sessions(f *fixture) {
	f.organization("a", 2, 2)
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	open := func(user seatwright.UserID, global string) (seatwright.Session, error) {
		opened, err := decide(f, seatwright.OpenSession{Organization: "a", User: user, Session: "s", GlobalID: global, ClientType: "studio"})
		return opened.Session, err
	}
	first, err := open("u-1", "one")
	f.must(nil, err)
	f.clock.advance(time.Minute)
	second, err := open("u-1", "two")
	f.must(nil, err)
	if second.GlobalID != "one" || !second.StartedAt.Equal(first.StartedAt) || !second.UpdatedAt.After(first.UpdatedAt) {
		f.Fatalf("the session was %+v and is %+v", first, second)
	}
	stored, err := f.store.Session(ctx, "a", "s")
	f.must(nil, err)
	if stored != second {
		f.Fatalf("stored is %+v, answered %+v", stored, second)
	}
	_, err = open("u-2", "three")
	f.wantReason(err, seatwright.ReasonDuplicate)
	_, err = decide(f, seatwright.CloseSession{Organization: "a", Session: "s", User: "u-2"})
	f.wantReason(err, seatwright.ReasonNotFound)
	f.must(decide(f, seatwright.CloseSession{Organization: "a", Session: "s", User: "u-1"}))
	_, err = f.store.Session(ctx, "a", "s")
	f.wantReason(err, seatwright.ReasonNotFound)
	f.must(open("u-2", "four"))
	f.must(decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u-2"}}))
	_, err = f.store.Session(ctx, "a", "s")
	f.wantReason(err, seatwright.ReasonNotFound)
	if events := f.events("a"); events[len(events)-1].Kind != seatwright.EventUserDeleted {
		f.Fatalf("the last event is %s", events[len(events)-1].Kind)
	}
}

// Guards the last unit and the last place under a quota while members, an administrator and edits of the rule race for them.
func leasesRace(f *fixture) {
	const people, units, quota = 24, 10, 7
	f.organization("a", people, units)
	var members []string
	for i := range people {
		members = append(members, fmt.Sprintf("u-%d", i+1))
	}
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: members}))
	f.rule("a", "g", []seatwright.Quota{{Code: "ATTUNU", Limit: quota}}, "ATTUNU")
	var all sync.WaitGroup
	var taken atomic.Int64
	for i := range people {
		user := seatwright.UserID(members[i])
		all.Go(func() {
			var err error
			if i%4 == 0 {
				err = f.allocate("a", attended, user)
			} else {
				_, err = f.lease("a", user)
			}
			if err == nil {
				taken.Add(1)
			} else if !seatwright.IsKind(err, seatwright.KindExhausted) {
				f.Error(err)
			}
		})
	}
	all.Wait()
	f.wantPool("a", taken.Load(), units)
	rule, err := f.store.GroupRule(ctx, "a", "g")
	f.must(nil, err)
	if offer := rule.Offers[0]; offer.Leases > quota || taken.Load() > units {
		f.Fatalf("%d units of %d and %d leases of %d are taken", taken.Load(), units, offer.Leases, quota)
	}
	for i := range people {
		user := seatwright.UserID(members[i])
		all.Go(func() {
			if i == 0 {
				f.must(decide(f, seatwright.RemoveGroupRule{Organization: "a", Group: "g"}))
				return
			}
			_, err := f.lease("a", user)
			if err != nil && !seatwright.IsKind(err, seatwright.KindExhausted) && !seatwright.IsKind(err, seatwright.KindForbidden) {
				f.Error(err)
			}
		})
	}
	all.Wait()
	f.wantPool("a", int64(f.directSeats("a", members)), units)
	f.verifies()
}

func (f *fixture) directSeats(org string, members []string) int {
	f.Helper()
	users := make([]seatwright.UserID, len(members))
	for i, m := range members {
		users[i] = seatwright.UserID(m)
	}
	seats, err := f.store.Seats(ctx, seatwright.OrganizationID(org), users)
	f.must(nil, err)
	for _, s := range seats {
		if !s.Direct {
			f.Fatalf("%s holds %s through %s, whose rule is gone", s.User, s.Code, s.Lease.Group)
		}
	}
	return len(seats)
}

// Guards units that several share: three members draw one, a fourth another, one of them uses it at a time, and it comes free with the
// last of them.
func unitsAreShared(f *fixture) {
	f.organization("a", 5, 1)
	f.sells("a", "ACCU", 2)
	f.rule("a", seatwright.Everyone.ID, nil, "ACCU")
	used := func(want int64) {
		f.Helper()
		units, err := f.store.SeatUnits(ctx, "a")
		f.must(nil, err)
		if units["ACCU"] != want {
			f.Fatalf("%d units are drawn, want %d", units["ACCU"], want)
		}
		pools, err := f.store.Pools(ctx, "a")
		f.must(nil, err)
		for _, p := range pools {
			if p.Code == "ACCU" && p.Used != want {
				f.Fatalf("the pool is %+v, want %d used", p, want)
			}
		}
	}
	open := func(user seatwright.UserID) error {
		opened, err := decide(f, seatwright.OpenSession{Organization: "a", User: user, Session: "of-" + seatwright.SessionID(user), GlobalID: string(user)})
		if err == nil && !slices.Equal(opened.Codes, []seatwright.ProductCode{"ACCU"}) {
			f.Fatalf("%s opened %+v", user, opened)
		}
		return err
	}
	for _, user := range []seatwright.UserID{"u-1", "u-2", "u-3"} {
		f.must(decide(f, seatwright.OpenSession{Organization: "a", User: user}))
	}
	used(1)
	f.must(nil, open("u-1"))
	f.must(nil, open("u-1"))
	f.must(nil, open("u-2")) // the first unit is in use, so they change to another
	used(2)
	f.wantReason(open("u-3"), seatwright.ReasonUnitInUse)
	f.wantReason(open("u-4"), seatwright.ReasonPoolExhausted)
	f.must(decide(f, seatwright.CloseSession{Organization: "a", User: "u-1", Session: "of-u-1"}))
	f.must(nil, open("u-3"))
	f.clock.advance(seatwright.UnitHold - time.Microsecond)
	f.wantReason(open("u-4"), seatwright.ReasonPoolExhausted)
	f.clock.advance(time.Microsecond) // nobody has told of any session since
	f.must(nil, open("u-4"))
	used(2)
	f.must(decide(f, seatwright.ReleaseLeases{Organization: "a", User: "u-2"}))
	f.must(decide(f, seatwright.RevokeLeases{Organization: "a", Group: seatwright.Everyone.ID, Users: []seatwright.UserID{"u-1", "u-3"}}))
	used(1)
	_, err := decide(f, seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-4"}, Codes: []seatwright.ProductCode{"ACCU"}})
	f.must(nil, err)
	f.wantHeld("a", "u-4", "ACCU direct")
	used(1)
	f.must(decide(f, seatwright.OpenSession{Organization: "a", User: "u-5"}))
	used(2)
	// Ended and offered again in one batch: the units of before are gone.
	for _, refusal := range together(f,
		seatwright.SetGroupRule{Organization: "a", Group: seatwright.Everyone.ID},
		seatwright.SetGroupRule{Organization: "a", Group: seatwright.Everyone.ID, Codes: []seatwright.ProductCode{"ACCU"}},
	) {
		f.must(nil, refusal)
	}
	used(1)
	f.must(decide(f, seatwright.OpenSession{Organization: "a", User: "u-5"}))
	used(2)
	f.verifies()
}

// Guards that a person who comes back to their unit is never in their own way, that whoever gives a unit up leaves it free, and that the
// units of one bundle do not hide those of another.
func unitsComeFree(f *fixture) {
	const others = 40 // more than a session chooses from
	f.organization("a", others+3, 1)
	f.sells("a", "ACCU", others+1)
	f.sells("a", "ATTUCU", 1)
	f.rule("a", seatwright.Everyone.ID, nil, "ACCU", "ATTUCU")
	open := func(user seatwright.UserID, session seatwright.SessionID, wanted seatwright.LicenseUnit) error {
		_, err := decide(f, seatwright.OpenSession{Organization: "a", User: user, Session: session, GlobalID: string(session), Wanted: []seatwright.LicenseUnit{wanted}})
		return err
	}
	f.must(nil, open("u-1", "one", "ATTR"))
	f.must(nil, open("u-1", "two", "ATTR"))
	f.must(decide(f, seatwright.CloseSession{Organization: "a", User: "u-1", Session: "one"}))
	f.wantReason(open("u-2", "three", "ATTR"), seatwright.ReasonPoolExhausted)
	f.must(decide(f, seatwright.OpenSession{Organization: "a", User: "u-2", Wanted: []seatwright.LicenseUnit{"APPS"}}))
	f.must(decide(f, seatwright.CloseSession{Organization: "a", User: "u-1", Session: "two"}))
	f.must(nil, open("u-2", "three", "ATTR"))
	f.wantReason(open("u-1", "two", "ATTR"), seatwright.ReasonUnitInUse)
	f.must(decide(f, seatwright.ReleaseLeases{Organization: "a", User: "u-2"}))
	f.must(nil, open("u-1", "two", "ATTR"))
	for i := range others {
		user := seatwright.UserID(fmt.Sprintf("u-%d", i+3))
		_, err := decide(f, seatwright.OpenSession{Organization: "a", User: user, Session: seatwright.SessionID(user), GlobalID: "x", Wanted: []seatwright.LicenseUnit{"APPS"}})
		f.must(nil, err)
	}
	for i := range others {
		user := seatwright.UserID(fmt.Sprintf("u-%d", i+3))
		f.must(decide(f, seatwright.CloseSession{Organization: "a", User: user, Session: seatwright.SessionID(user)}))
	}
	f.clock.advance(seatwright.UnitHold)
	f.must(nil, open(seatwright.UserID(fmt.Sprintf("u-%d", others+3)), "last", "ATTR"))
	f.verifies()
}

// Guards that a bundle that is no longer in force is not what makes a weaker one needless, and that a person who keeps a lease is given
// no weaker one beside it.
func onlyWhatIsInForceCounts(f *fixture) {
	f.organization("a", 2, 2)
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: "a", ID: "short", Code: "CTZDEVNU", Quantity: 1, Start: f.clock.Now(), End: f.clock.Now().Add(time.Hour),
	}}))
	f.must(decide(f, seatwright.CreateGroup{Organization: "a", ID: "g", Name: "Group", Members: []string{"u-1"}}))
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", OnLeave: to(seatwright.OrphanOnLeave)}))
	f.rule("a", "g", nil, "CTZDEVNU")
	f.must(f.lease("a", "u-1"))
	f.wantHeld("a", "u-1", "CTZDEVNU g")
	f.rule("a", seatwright.Everyone.ID, nil, "ATTUNU")
	f.must(decide(f, seatwright.UpdateGroup{Organization: "a", ID: "g", Remove: []string{"u-1"}}))
	before := len(f.events("a"))
	f.must(f.lease("a", "u-1"))
	f.wantHeld("a", "u-1", "CTZDEVNU g orphan")
	if n := len(f.events("a")) - before; n != 0 {
		f.Fatalf("a sign-in of somebody who keeps what they have left %d events", n)
	}
	f.clock.advance(time.Hour)
	codes, err := f.lease("a", "u-1")
	f.must(nil, err)
	if !slices.Equal(codes, attended) {
		f.Fatalf("after their lease ran out they have %v", codes)
	}
	f.wantHeld("a", "u-1", "ATTUNU everyone", "CTZDEVNU g orphan")
	f.verifies()
}

// Guards that leases beside a direct allocation end when the organization goes back to having the allocation replace them.
func replacedLeasesAreSwept(f *fixture) {
	f.organization("a", 2, 3)
	f.sells("a", "TSTNU", 2)
	f.rule("a", seatwright.Everyone.ID, nil, "TSTNU")
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", AllocationMode: to(seatwright.AddToLeases)}))
	f.must(f.lease("a", "u-1"))
	f.must(f.lease("a", "u-2"))
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.wantHeld("a", "u-1", "ATTUNU direct", "TSTNU everyone")
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", AllocationMode: to(seatwright.ReplaceLeases)}))
	due, err := f.store.SweepableLeases(ctx, 10)
	f.must(nil, err)
	if !slices.Equal(due["a"], []seatwright.UserID{"u-1"}) {
		f.Fatalf("to be swept are %v", due)
	}
	f.must(decide(f, seatwright.SweepLeases{Organization: "a", Users: []seatwright.UserID{"u-1", "u-2"}}))
	f.wantHeld("a", "u-1", "ATTUNU direct")
	f.wantHeld("a", "u-2", "TSTNU everyone")
	f.verifies()
}

// Guards the bound of a person's sessions: one more takes the place of the oldest, and nobody else's.
func sessionsAreBounded(f *fixture) {
	f.organization("a", 2, 2)
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	open := func(user seatwright.UserID, n int) {
		id := seatwright.SessionID(fmt.Sprintf("%s-%d", user, n))
		_, err := decide(f, seatwright.OpenSession{Organization: "a", User: user, Session: id, GlobalID: string(id)})
		f.must(nil, err)
		f.clock.advance(time.Second)
	}
	open("u-2", 0)
	for n := range seatwright.MaxSessions {
		open("u-1", n)
	}
	open("u-1", 0) // told of again, so the oldest is the next
	open("u-1", seatwright.MaxSessions)
	_, err := f.store.Session(ctx, "a", "u-1-1")
	f.wantReason(err, seatwright.ReasonNotFound)
	for _, id := range []seatwright.SessionID{"u-1-0", "u-1-2", seatwright.SessionID(fmt.Sprintf("u-1-%d", seatwright.MaxSessions)), "u-2-0"} {
		f.must(f.store.Session(ctx, "a", id))
	}
}
