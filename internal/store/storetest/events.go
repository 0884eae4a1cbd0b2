package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// history fills organization a with events of several kinds, actors and instants, and b with others.
func history(f *fixture) []seatwright.Event {
	f.actor = "host/h"
	f.organization("a", 4, 2)
	f.organization("b", 1, 5)
	for i, actor := range []string{"user/u-1", "user/u-2", "application/u-1", "user/U-1", "user/u-1"} {
		f.actor = actor
		f.clock.advance(time.Second)
		f.must(nil, f.allocate("a", attended, "u-1"))
		f.must(nil, f.allocate("b", attended, "u-1"))
		f.must(nil, f.allocate("a", nil, "u-1", "u-2"))
		f.wantReason(f.allocate("a", attended, "u-1", "u-2", "u-3"), seatwright.ReasonPoolExhausted)
		if i%2 == 0 {
			f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"u-1", "u-2"}}))
		}
	}
	return f.events("a")
}

// expected is what a query has to find, computed from all events.
func expected(all []seatwright.Event, q seatwright.EventQuery) seatwright.EventPage {
	var found []seatwright.Event
	for _, e := range all {
		if (q.Kinds == nil || slices.Contains(q.Kinds, e.Kind)) && (q.Actors == nil || slices.Contains(q.Actors, e.Actor)) &&
			(q.Subjects == nil || slices.Contains(q.Subjects, e.Subject)) && (q.From.IsZero() || !e.At.Before(q.From)) &&
			(q.To.IsZero() || e.At.Before(q.To)) && (q.Before == 0 || e.Sequence < q.Before) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(x, y seatwright.Event) int {
		if q.Newest {
			return cmp.Or(cmp.Compare(q.Ranks[x.Kind], q.Ranks[y.Kind]), cmp.Compare(y.Sequence, x.Sequence))
		}
		return cmp.Or(cmp.Compare(q.Ranks[x.Kind], q.Ranks[y.Kind]), cmp.Compare(x.Sequence, y.Sequence))
	})
	page := seatwright.EventPage{Total: int64(len(found))}
	page.Events = found[min(q.Skip, page.Total):min(q.Skip+int64(q.Top), page.Total)]
	return page
}

// Guards that every bound, filter, order and page finds what it says, alone and together, and nothing of another organization.
func searchesEvents(f *fixture) {
	all := history(f)
	first, last := all[0].At, all[len(all)-1].At
	middle := all[len(all)/2].At
	bounds := []seatwright.EventQuery{
		{}, {From: first}, {To: first}, {From: middle}, {To: middle}, {From: middle, To: middle}, {From: middle, To: middle.Add(time.Second)},
		{From: middle.Add(time.Nanosecond)}, {To: middle.Add(time.Nanosecond)}, {From: last}, {To: last}, {From: last.Add(time.Hour)},
		{To: last.Add(time.Hour)}, {From: last, To: first}, {From: time.Unix(-1e9, 0)}, {To: time.Unix(-1e9, 0)}, {Before: 1}, {Before: 9}, {Before: 1e12},
		{From: middle, Before: all[len(all)-1].Sequence},
	}
	filters := []seatwright.EventQuery{
		{}, {Kinds: []seatwright.EventKind{seatwright.EventAllocationSet, seatwright.EventAllocationRefused}}, {Kinds: []seatwright.EventKind{}},
		{Kinds: []seatwright.EventKind{"no.such_kind"}}, {Actors: []string{"user/u-1"}}, {Actors: []string{"user/U-1", "application/u-1"}}, {Actors: []string{}},
		{Actors: []string{"user/\x00", "user/\xff", "user/'; --", `user/"`}}, {Subjects: []string{"u-1", "lot-1"}}, {Subjects: []string{""}},
		{Actors: []string{"user/u-2"}, Subjects: []string{"u-1"}, Kinds: []seatwright.EventKind{seatwright.EventAllocationRemoved, seatwright.EventAllocationSet}},
		{Ranks: map[seatwright.EventKind]int{seatwright.EventAllocationSet: -2, seatwright.EventAllocationRefused: 1, seatwright.EventUserCreated: 1}},
	}
	pages := []struct {
		skip   int64
		top    int
		newest bool
	}{{0, 1000, false}, {0, 1000, true}, {0, 3, true}, {2, 3, false}, {3, 0, true}, {1<<31 - 1, 1000, true}}
	for _, q := range bounds {
		for _, filter := range filters {
			q.Kinds, q.Actors, q.Subjects, q.Ranks = filter.Kinds, filter.Actors, filter.Subjects, filter.Ranks
			for _, page := range pages {
				q.Skip, q.Top, q.Newest = page.skip, page.top, page.newest
				got, err := f.store.SearchEvents(ctx, "a", q)
				f.must(nil, err)
				if want := expected(all, q); got.Total != want.Total || outline(got.Events) != outline(want.Events) {
					f.Fatalf("%+v finds %d: %s, want %d: %s", q, got.Total, outline(got.Events), want.Total, outline(want.Events))
				}
			}
		}
	}
	search := seatwright.EventQuery{Actors: []string{"user/u-1"}, Top: 1000}
	counted, err := f.store.SearchEvents(ctx, "a", search)
	f.must(nil, err)
	search.WithoutTotal = true
	uncounted, err := f.store.SearchEvents(ctx, "a", search)
	f.must(nil, err)
	if outline(counted.Events) != outline(uncounted.Events) {
		f.Errorf("without the total %s, with it %s", outline(uncounted.Events), outline(counted.Events))
	}
	_, err = f.store.SearchEvents(ctx, "nowhere", seatwright.EventQuery{Top: 1})
	f.wantReason(err, seatwright.ReasonOrganizationNotFound)
	empty, err := f.store.SearchEvents(ctx, seatwright.HostID, seatwright.EventQuery{Top: 10, Subjects: []string{"u-1"}})
	if err != nil || empty.Total != 0 || len(empty.Events) > 0 {
		f.Errorf("the chain of the host has %+v, %v", empty, err)
	}
}

func outline(events []seatwright.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s/%d %s %s %s %x; ", e.Organization, e.Sequence, e.Kind, e.Actor, e.Subject, e.Hash[:4])
	}
	return b.String()
}

func findsPeople(f *fixture) {
	f.organization("a", 2, 0)
	f.organization("b", 4, 0)
	f.must(decide(f, seatwright.CreateUser{
		User:        seatwright.User{Organization: "a", ID: "Ann", UserName: "Ann", Email: "ann@example.org", Role: seatwright.RoleMember},
		UserNameKey: "ann", PasswordHash: "hash",
	}))
	found, err := f.store.People(ctx, "a", []seatwright.UserID{"u-2", "u-4", "Ann", "u-2", "ann", "\x00", ""})
	f.must(nil, err)
	if len(found) != 2 || found[0].ID != "Ann" || found[0].Email != "ann@example.org" || found[0].PasswordHash != "" || found[1].ID != "u-2" || found[1].Organization != "a" {
		f.Errorf("found %+v, want Ann and u-2 of a", found)
	}
	none, err := f.store.People(ctx, "nowhere", []seatwright.UserID{"u-1"})
	if err != nil || len(none) > 0 {
		f.Errorf("people of no organization: %+v, %v", none, err)
	}
}
