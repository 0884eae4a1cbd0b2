package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// denials lists what a query finds, one text each: code, who, refusals, and + where they got it after all.
func (f *fixture) denials(org string, q seatwright.DenialQuery) (found []string) {
	f.Helper()
	if q.Top == 0 {
		q.Top = 100
	}
	all, err := f.store.Denials(ctx, seatwright.OrganizationID(org), q)
	f.must(nil, err)
	for _, d := range all {
		text := fmt.Sprintf("%s %s %d", d.Code, d.ID, d.Refusals)
		if !d.SatisfiedAt.IsZero() {
			text += "+"
		}
		found = append(found, text)
	}
	return found
}

func (f *fixture) wantDenials(org string, q seatwright.DenialQuery, want ...string) {
	f.Helper()
	if got := f.denials(org, q); !slices.Equal(got, want) {
		f.Fatalf("%+v finds %q, want %q", q, got, want)
	}
}

func (f *fixture) refuse(org string, code seatwright.ProductCode, users ...seatwright.UserID) {
	f.Helper()
	f.wantReason(f.allocate(org, []seatwright.ProductCode{code}, users...), seatwright.ReasonPoolExhausted)
}

// Promise: a product that asks all the time fills neither the chain nor the table, and every refusal is counted: 1,000 refused sessions within
// an hour are one row with 1,000 refusals, and four events (1, 10, 100 and 1,000).
func stormOfRefusals(f *fixture) {
	f.organization("a", 1, 0)
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: "a", ID: "other", Code: "TSTNU", Quantity: 1, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
	f.rule("a", seatwright.Everyone.ID, nil, "ATTUNU")
	before := len(f.events("a"))
	begin := f.clock.Now()
	ask := func() {
		f.Helper()
		f.actor = "user/u-1"
		_, err := decide(f, seatwright.OpenSession{Organization: "a", User: "u-1", Session: "s", GlobalID: "g", ClientType: "robot"})
		f.wantReason(err, seatwright.ReasonPoolExhausted)
	}
	for range 1000 {
		ask()
		f.clock.advance(3 * time.Second)
	}
	f.wantDenials("a", seatwright.DenialQuery{}, "ATTUNU u-1 1000")
	var told []int64
	for _, e := range f.events("a")[before:] {
		var refused seatwright.AllocationRefused
		f.must(nil, json.Unmarshal(e.Data, &refused))
		if e.Kind != seatwright.EventAllocationRefused || len(refused.Denials) != 1 {
			f.Fatalf("event %d is %s with %s", e.Sequence, e.Kind, e.Data)
		}
		told = append(told, refused.Denials[0].Refusals)
	}
	if !slices.Equal(told, []int64{1, 10, 100, 1000}) {
		f.Errorf("events tell of %v refusals", told)
	}
	denials, err := f.store.Denials(ctx, "a", seatwright.DenialQuery{Top: 1})
	f.must(nil, err)
	want := seatwright.Denial{
		Organization: "a", Number: denials[0].Number, Denied: seatwright.Denied{Kind: seatwright.DeniedUser, ID: "u-1"}, Code: "ATTUNU",
		Reason: seatwright.DeniedNotInForce, Group: seatwright.Everyone.ID, Requested: 1, FirstAt: begin, LastAt: begin.Add(999 * 3 * time.Second),
		Refusals: 1000, Latest: true, Actor: "user/u-1",
	}
	if denials[0] != want {
		f.Errorf("the row is %+v, want %+v", denials[0], want)
	}

	f.clock.advance(begin.Add(time.Hour).Sub(f.clock.Now()) - time.Microsecond)
	ask()
	f.clock.advance(time.Microsecond)
	ask()
	f.wantDenials("a", seatwright.DenialQuery{}, "ATTUNU u-1 1", "ATTUNU u-1 1001")
}

// denied makes denials of two codes to three people over three hours: in order ATTUNU u-1 (refused twice), TSTNU u-2, ATTUNU u-2 and u-3, TSTNU u-1; then
// u-2 gets TSTNU.
func (f *fixture) denied(org string) (begin time.Time) {
	f.organization(org, 3, 1)
	f.must(nil, f.allocate(org, attended, "u-3"))
	f.must(nil, f.allocate(org, nil, "u-3"))
	f.person(org, "holder")
	f.must(nil, f.allocate(org, attended, "holder"))
	begin = f.clock.Now()
	f.refuse(org, "ATTUNU", "u-1")
	f.refuse(org, "ATTUNU", "u-1")
	f.clock.advance(time.Hour)
	f.refuse(org, "TSTNU", "u-2")
	f.refuse(org, "ATTUNU", "u-2", "u-3")
	f.clock.advance(time.Hour)
	f.refuse(org, "TSTNU", "u-1")
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: seatwright.OrganizationID(org), ID: "later", Code: "TSTNU", Quantity: 1, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
	f.must(nil, f.allocate(org, []seatwright.ProductCode{"TSTNU"}, "u-2"))
	return begin
}

func listsDenials(f *fixture) {
	begin := f.denied("a")
	f.denied("b")
	all := []string{"TSTNU u-1 1", "ATTUNU u-3 1", "ATTUNU u-2 1", "TSTNU u-2 1+", "ATTUNU u-1 2"}
	f.wantDenials("a", seatwright.DenialQuery{}, all...)
	f.wantDenials("a", seatwright.DenialQuery{Code: "ATTUNU"}, all[1], all[2], all[4])
	f.wantDenials("a", seatwright.DenialQuery{User: "u-1"}, all[0], all[4])
	f.wantDenials("a", seatwright.DenialQuery{User: "u-1", Code: "ATTUNU"}, all[4])
	f.wantDenials("a", seatwright.DenialQuery{User: "U-1"})
	f.wantDenials("a", seatwright.DenialQuery{Satisfied: to(true)}, all[3])
	f.wantDenials("a", seatwright.DenialQuery{Satisfied: to(false), User: "u-2"}, all[2])
	f.wantDenials("a", seatwright.DenialQuery{Since: begin.Add(time.Microsecond)}, all[:4]...)
	f.wantDenials("a", seatwright.DenialQuery{Since: begin}, all...)
	f.wantDenials("a", seatwright.DenialQuery{Until: begin.Add(time.Hour)}, all[4])
	f.wantDenials("a", seatwright.DenialQuery{Since: begin.Add(time.Hour), Until: begin.Add(time.Hour + time.Microsecond), Code: "ATTUNU"}, all[1:3]...)
	f.wantDenials("a", seatwright.DenialQuery{Since: begin.Add(3 * time.Hour)})
	f.wantDenials("nowhere", seatwright.DenialQuery{})

	page := seatwright.DenialQuery{Top: 2}
	var found []string
	for {
		denials, err := f.store.Denials(ctx, "a", page)
		f.must(nil, err)
		if len(denials) == 0 {
			break
		}
		found = append(found, f.denials("a", page)...)
		page.Before = denials[len(denials)-1].Number
	}
	if !slices.Equal(found, all) {
		f.Errorf("the pages have %q, want %q", found, all)
	}
}

func countsDenials(f *fixture) {
	begin := f.denied("a")
	f.denied("b")
	want := func(by seatwright.DenialSide, q seatwright.DenialQuery, want ...seatwright.DenialCount) {
		f.Helper()
		if q.Top == 0 {
			q.Top = 100
		}
		got, err := f.store.CountDenials(ctx, "a", by, q)
		f.must(nil, err)
		if !slices.Equal(got, want) {
			f.Errorf("by %s %+v: %+v, want %+v", by, q, got, want)
		}
	}
	code := func(id string, counts ...int64) seatwright.DenialCount {
		return seatwright.DenialCount{ID: id, Denials: counts[0], Refusals: counts[1], Denied: counts[2], Satisfied: counts[3]}
	}
	hour := func(hours int, counts ...int64) seatwright.DenialCount {
		c := code("", counts...)
		c.Hour = begin.Add(time.Duration(hours) * time.Hour)
		return c
	}
	want(seatwright.DenialsByCode, seatwright.DenialQuery{}, code("ATTUNU", 3, 4, 3, 0), code("TSTNU", 2, 2, 2, 1))
	want(seatwright.DenialsByUser, seatwright.DenialQuery{}, code("u-1", 2, 3, 1, 0), code("u-2", 2, 2, 1, 1), code("u-3", 1, 1, 1, 0))
	want(seatwright.DenialsByUser, seatwright.DenialQuery{Top: 1}, code("u-1", 2, 3, 1, 0))
	want(seatwright.DenialsByHour, seatwright.DenialQuery{}, hour(2, 1, 1, 1, 0), hour(1, 3, 3, 2, 1), hour(0, 1, 2, 1, 0))
	want(seatwright.DenialsByHour, seatwright.DenialQuery{Since: begin.Add(time.Minute), Code: "ATTUNU"}, hour(1, 2, 2, 2, 0))
	want(seatwright.DenialsByCode, seatwright.DenialQuery{User: "u-1", Satisfied: to(false)}, code("ATTUNU", 1, 2, 1, 0), code("TSTNU", 1, 1, 1, 0))
	want(seatwright.DenialsByCode, seatwright.DenialQuery{Until: begin})
}

// Promise: who got a unit later, or something that gives all that it gives, is told apart from who never did, however many times they had been refused;
// being refused again after that is another denial.
func denialsEnd(f *fixture) {
	f.organization("a", 3, 1)
	f.person("a", "holder")
	f.must(nil, f.allocate("a", attended, "holder"))
	for range 3 {
		f.refuse("a", "ATTUNU", "u-1", "u-2", "u-3")
		f.clock.advance(time.Hour)
	}
	f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"holder"}}))
	f.must(nil, f.allocate("a", attended, "u-1"))
	got := f.clock.Now()
	f.wantDenials("a", seatwright.DenialQuery{Satisfied: to(true)}, "ATTUNU u-1 1+", "ATTUNU u-1 1+", "ATTUNU u-1 1+")
	denials, err := f.store.Denials(ctx, "a", seatwright.DenialQuery{User: "u-1", Top: 1})
	f.must(nil, err)
	if !denials[0].SatisfiedAt.Equal(got) {
		f.Errorf("satisfied at %s, want %s", denials[0].SatisfiedAt, got)
	}

	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: "a", ID: "strong", Code: "RPADEVPRONU", Quantity: 1, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
	f.must(nil, f.allocate("a", []seatwright.ProductCode{"RPADEVPRONU"}, "u-2"))
	f.wantDenials("a", seatwright.DenialQuery{User: "u-2"}, "ATTUNU u-2 1+", "ATTUNU u-2 1+", "ATTUNU u-2 1+")
	f.wantDenials("a", seatwright.DenialQuery{User: "u-3", Satisfied: to(true)})

	f.must(nil, f.allocate("a", nil, "u-1"))
	f.must(nil, f.allocate("a", attended, "u-3"))
	f.refuse("a", "ATTUNU", "u-1")
	f.wantDenials("a", seatwright.DenialQuery{User: "u-1", Satisfied: to(false)}, "ATTUNU u-1 1")

	// In one batch: counted, ended, begun and ended again.
	f.must(nil, f.allocate("a", nil, "u-3"))
	full := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1", "u-3"}, Codes: attended}
	give := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}, Codes: attended}
	take := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}}
	together(f, full, give, take, full, give)
	f.wantDenials("a", seatwright.DenialQuery{User: "u-1"}, "ATTUNU u-1 1+", "ATTUNU u-1 2+", "ATTUNU u-1 1+", "ATTUNU u-1 1+", "ATTUNU u-1 1+")
	f.events("a")
}

// Promise: whoever is deleted is in no list any more, and what they were refused still counts. Somebody new with the id has nothing of it.
func deletedLeaveTheirDenials(f *fixture) {
	f.actor = "user/u-1"
	f.denied("a")
	actors := func() string {
		denials, err := f.store.Denials(ctx, "a", seatwright.DenialQuery{Top: 100})
		f.must(nil, err)
		var all []string
		for _, d := range denials {
			all = append(all, d.Actor)
		}
		return strings.Join(all, " ")
	}
	if got, want := actors(), strings.TrimSpace(strings.Repeat("user/u-1 ", 5)); got != want {
		f.Errorf("asked by %q, want %q", got, want)
	}
	f.must(decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u-1", "u-2"}}))
	f.wantDenials("a", seatwright.DenialQuery{User: "u-1"})
	f.wantDenials("a", seatwright.DenialQuery{}, "TSTNU  1", "ATTUNU u-3 1", "ATTUNU  1", "TSTNU  1+", "ATTUNU  2")
	if got := actors(); got != " user/u-1   " {
		f.Errorf("asked by %q, want it where the denied is not gone", got)
	}
	f.person("a", "u-1")
	f.refuse("a", "ATTUNU", "u-1")
	f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"holder"}}))
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.wantDenials("a", seatwright.DenialQuery{Code: "ATTUNU"}, "ATTUNU u-1 1+", "ATTUNU u-3 1", "ATTUNU  1", "ATTUNU  2")
	people, err := f.store.CountDenials(ctx, "a", seatwright.DenialsByUser, seatwright.DenialQuery{Top: 1})
	f.must(nil, err)
	if len(people) != 1 || people[0].ID != "" || people[0].Denials != 4 {
		f.Errorf("most often refused: %+v, want four denials of the deleted", people)
	}
}
