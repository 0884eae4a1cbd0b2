package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// What the clock brings about: totals that change, and notices.

// sweep does what is due, as a server does it, and returns how much that was.
func (f *fixture) sweep() (done int) {
	f.Helper()
	stale, err := f.store.StalePools(ctx, seatwright.MaxSweep)
	f.must(nil, err)
	for _, pool := range stale {
		n, err := decide(f, seatwright.RefreshPools{Organization: pool.Organization, Codes: []seatwright.ProductCode{pool.Code}})
		f.must(nil, err)
		done += n
	}
	due, err := f.store.DueNotices(ctx, seatwright.MaxSweep)
	f.must(nil, err)
	byOrganization := map[seatwright.OrganizationID][]seatwright.DueNotice{}
	for _, d := range due {
		byOrganization[d.Organization] = append(byOrganization[d.Organization], d)
	}
	for id, due := range byOrganization {
		n, err := decide(f, seatwright.TellNotices{Organization: id, Due: due})
		f.must(nil, err)
		done += n
	}
	return done
}

// wantTold sweeps twice and compares what was told or ended since a mark, as "told THRESHOLD SUBJECT" and "ended SUBJECT".
func (f *fixture) wantTold(want ...string) {
	f.Helper()
	before := len(f.events("a"))
	f.sweep()
	if again := f.sweep(); again != 0 {
		f.Fatalf("a second sweep in the same moment did %d things", again)
	}
	var got []string
	for _, e := range f.events("a")[before:] {
		switch e.Kind {
		case seatwright.EventNoticeTold:
			notices, err := f.store.Notices(ctx, "a", seatwright.NoticeQuery{Before: e.Sequence + 1, Top: 1})
			f.must(nil, err)
			if len(notices) != 1 || notices[0].Sequence != e.Sequence || notices[0].Subject != e.Subject || !notices[0].At.Equal(e.At) {
				f.Fatalf("event %d of %s, and stored are %+v", e.Sequence, e.Subject, notices)
			}
			got = append(got, fmt.Sprintf("told %d %s", notices[0].Threshold, e.Subject))
		case seatwright.EventNoticeEnded:
			got = append(got, "ended "+e.Subject)
		case seatwright.EventPoolTotalChanged:
			got = append(got, "total")
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.Fatalf("%q, want %q", got, want)
	}
	if _, err := seatwright.Replay(f.events("a")); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) wantStanding(want ...string) {
	f.Helper()
	notices, err := f.store.Notices(ctx, "a", seatwright.NoticeQuery{Top: 100, Standing: true})
	f.must(nil, err)
	var got []string
	for _, n := range notices {
		got = append(got, fmt.Sprintf("%d %s", n.Threshold, n.Subject))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.Fatalf("%q stand, want %q", got, want)
	}
}

// Guards that a total changes by an event, once, whether the clock or an allocation comes first.
func totalsChangeByThemselves(f *fixture) {
	f.organization("a", 3, 2)
	f.buy("a", "lot-2", 1, time.Hour, 24*time.Hour)
	f.wantTold()
	f.clock.advance(time.Hour)
	f.wantTold("told 1 lot-2", "total")
	f.wantPool("a", 0, 3)
	f.clock.advance(24 * time.Hour)
	before := len(f.events("a"))
	f.must(nil, f.allocate("a", attended, "u-1"))
	if kinds := f.events("a")[before:]; len(kinds) != 2 || kinds[0].Kind != seatwright.EventPoolTotalChanged || kinds[0].Actor != seatwright.SystemActor {
		f.Fatalf("an allocation that came before the clock left %+v", kinds)
	}
	f.wantTold("ended lot-2")
	f.wantPool("a", 1, 2)

	// A clock that goes back changes nothing back, and one that stood still for long catches up.
	f.clock.advance(-48 * time.Hour)
	f.wantTold()
	f.clock.advance(48*time.Hour + 366*24*time.Hour)
	f.wantTold("told 100 ATTUNU", "total")
	f.wantPool("a", 1, 0)
	refreshed, err := decide(f, seatwright.RefreshPools{Organization: "a", Codes: []seatwright.ProductCode{"ATTUNU", "NONE"}})
	f.must(nil, err)
	if refreshed != 0 {
		f.Fatalf("%d pools were refreshed once more", refreshed)
	}
	_, err = decide(f, seatwright.RefreshPools{Organization: "none"})
	f.wantReason(err, seatwright.ReasonOrganizationNotFound)
}

func tellsOfEnds(f *fixture) {
	const day = 24 * time.Hour
	f.organization("a", 0, 2) // 365 days
	f.organization("b", 0, 2)
	f.wantTold()
	f.clock.advance(185*day - time.Microsecond)
	f.wantTold()
	f.clock.advance(time.Microsecond)
	f.wantTold("told 180 lot-1")
	f.clock.advance(-100 * day)
	f.wantTold()
	f.clock.advance(100*day + 90*day)
	f.wantTold("told 90 lot-1")
	f.clock.advance(80 * day) // ten days are left: of all that was passed the nearest is told
	f.wantTold("told 14 lot-1")
	f.wantStanding("14 lot-1")
	f.clock.advance(3 * day)
	f.wantTold("told 7 lot-1")
	f.change(seatwright.ChangeLot{ID: "lot-1", End: to(f.clock.Now().Add(60 * day))}) // renewed for two months
	f.wantTold("told 90 lot-1")
	f.change(seatwright.ChangeLot{ID: "lot-1", End: to(f.clock.Now().Add(365 * day)), Grace: to(day)})
	f.wantTold("ended lot-1")
	f.wantStanding()
	f.clock.advance(364*day + time.Hour)
	f.wantTold("told 1 lot-1")
	f.clock.advance(day - time.Hour)
	f.wantTold() // it counts for another day
	f.wantStanding("1 lot-1")
	f.clock.advance(day)
	f.wantTold("ended lot-1", "total")
	f.clock.advance(-3 * day)
	f.wantTold()
	f.clock.advance(3 * day)
	f.wantTold()

	f.buy("a", "lot-2", 1, 400*day, 10*day) // to come
	f.wantTold()
	f.buy("a", "lot-3", 1, 0, 10*day)
	f.wantTold("told 14 lot-3")
	f.must(decide(f, seatwright.RemoveLot{Organization: "a", ID: "lot-3"}))
	f.wantTold("ended lot-3")
	all, err := f.store.Notices(ctx, "a", seatwright.NoticeQuery{Top: 3})
	f.must(nil, err)
	if len(all) != 3 || all[0].Subject != "lot-3" || all[0].Standing || all[0].Code != "ATTUNU" || all[0].EndsAt.IsZero() || all[1].Threshold != 1 || all[2].Threshold != 90 {
		f.Fatalf("the newest three are %+v", all)
	}
	before, err := f.store.Notices(ctx, "a", seatwright.NoticeQuery{Top: 100, Before: all[2].Sequence})
	f.must(nil, err)
	if len(before) != 4 {
		f.Fatalf("before those are %+v", before)
	}
}

func tellsOfUse(f *fixture) {
	f.organization("a", 20, 20)
	hold := func(first, last int) {
		f.Helper()
		for i := first; i <= last; i++ {
			f.must(nil, f.allocate("a", attended, seatwright.UserID(fmt.Sprintf("u-%d", i))))
		}
	}
	release := func(first, last int) {
		f.Helper()
		for i := first; i <= last; i++ {
			f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{seatwright.UserID(fmt.Sprintf("u-%d", i))}}))
		}
	}
	hold(1, 14)
	f.wantTold()
	hold(15, 15)
	f.wantTold("told 75 ATTUNU")
	release(15, 15)
	f.wantTold()
	hold(15, 17)
	f.wantTold()
	hold(18, 20)
	f.wantTold("told 100 ATTUNU") // 90 was passed on the way
	release(15, 20)
	f.wantTold() // 70 percent are in use
	release(14, 14)
	f.wantTold("ended ATTUNU")
	hold(14, 18)
	f.wantTold("told 90 ATTUNU")
	f.wantStanding("90 ATTUNU")
	f.change(seatwright.ChangeLot{ID: "lot-1", Quantity: to(int64(1))})
	f.wantTold("told 100 ATTUNU")
	release(1, 18)
	f.wantTold("ended ATTUNU")
	f.wantStanding()
	notices, err := f.store.Notices(ctx, "a", seatwright.NoticeQuery{Top: 1})
	f.must(nil, err)
	if len(notices) != 1 || notices[0].Used != 18 || notices[0].Total != 1 || !notices[0].EndsAt.IsZero() {
		f.Fatalf("the newest is %+v", notices)
	}
}

// Guards nodes against each other, and a restart against what was told before it: what was asked for before somebody else did it is
// done once.
func tellsOnce(f *fixture) {
	f.organization("a", 1, 1)
	f.buy("a", "lot-2", 1, time.Minute, time.Hour)
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.clock.advance(time.Minute)
	f.sweep()
	f.clock.advance(time.Hour)
	stale, err := f.store.StalePools(ctx, 1)
	f.must(nil, err)
	due, err := f.store.DueNotices(ctx, 100)
	f.must(nil, err)
	refresh := seatwright.RefreshPools{Organization: "a", Codes: []seatwright.ProductCode{stale[0].Code}}
	tell := seatwright.TellNotices{Organization: "a", Due: append(due, seatwright.DueNotice{
		Organization: "a", NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticePoolUsed, Subject: "ATTUNU"}, Code: "ATTUNU",
	})}
	before := len(f.events("a"))
	for range 2 {
		f.must(decide(f, refresh))
		f.must(decide(f, tell))
	}
	for _, err := range append(together(f, tell, tell), together(f, refresh, refresh)...) {
		f.must(nil, err)
	}
	var kinds []string
	for _, e := range f.events("a")[before:] {
		kinds = append(kinds, string(e.Kind)+" "+e.Subject)
	}
	if got := strings.Join(kinds, ", "); got != "pool.total_changed , notice.ended lot-2, notice.told ATTUNU" {
		f.Fatalf("happened: %s", got)
	}

	// Told twice in one batch: the first does not stand.
	f.buy("a", "lot-3", 1, 0, 24*time.Hour)
	lot := seatwright.TellNotices{Organization: "a", Due: []seatwright.DueNotice{{
		Organization: "a", NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticeLotEnds, Subject: "lot-3"}, Code: "ATTUNU",
	}}}
	renew := seatwright.ChangeLot{Organization: "a", ID: "lot-3", End: to(f.clock.Now().AddDate(0, 0, 20))}
	f.must(nil, f.store.Update(ctx, seatwright.LoadRequest{Touches: slices.Concat(lot.Touches(), renew.Touches())}, func(s *seatwright.Slice) error {
		if _, err := seatwright.Decide(s, seatwright.Origin{}, lot, nil); err != nil {
			return err
		}
		if _, err := seatwright.Decide(s, seatwright.Origin{}, renew, nil); err != nil {
			return err
		}
		_, err := seatwright.Decide(s, seatwright.Origin{}, lot, nil)
		return err
	}))
	f.wantStanding("100 ATTUNU", "30 lot-3")
}
