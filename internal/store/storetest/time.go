package storetest

import (
	"time"

	"github.com/seatwright/seatwright"
)

// Time: lots, chains and the clock.

func timeNeverRunsBackwards(f *fixture) {
	f.organization("a", 2, 10)
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.clock.advance(-time.Hour)
	f.must(nil, f.allocate("a", attended, "u-2"))
	events := f.events("a")
	last, before := events[len(events)-1], events[len(events)-2]
	if last.At.Before(before.At) {
		f.Errorf("%s comes after %s", last.At, before.At)
	}
}

func cutsInstants(f *fixture) {
	f.clock.advance(123456789 * time.Nanosecond)
	f.organization("a", 0, 0)
	org, err := f.store.Organization(ctx, "a")
	f.must(nil, err)
	if want := f.clock.Now().Truncate(time.Microsecond); !org.CreatedAt.Equal(want) || org.CreatedAt.Location() != time.UTC {
		f.Errorf("created at %s, want %s", org.CreatedAt, want)
	}
}

// Guards that totals follow the clock in decisions and in reads, without anybody calling in between.
func lotsStartAndEnd(f *fixture) {
	f.organization("a", 3, 0)
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonNoLicense)
	f.buy("a", "lot-1", 2, 0, 48*time.Hour)
	f.buy("a", "lot-2", 1, 24*time.Hour, 24*time.Hour)
	f.wantPool("a", 0, 2)
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	f.wantReason(f.allocate("a", attended, "u-3"), seatwright.ReasonPoolExhausted)
	f.clock.advance(24 * time.Hour)
	f.wantPool("a", 2, 3)
	f.must(nil, f.allocate("a", attended, "u-3"))
	f.clock.advance(24*time.Hour - time.Microsecond)
	f.must(nil, f.allocate("a", attended, "u-3"))
	f.clock.advance(time.Microsecond)
	f.wantPool("a", 3, 0)
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonNoLicense)
	f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}}))
	f.wantPool("a", 2, 0)
	f.buy("a", "lot-3", 1, 0, time.Hour)
	f.must(nil, f.allocate("a", attended, "u-2")) // what is held is kept, also while more is held than bought
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonPoolExhausted)
}

// Guards organizations against each other's clocks: one that wrote while the clock was wrong is alone with it.
func oneFutureHead(f *fixture) {
	f.organization("a", 1, 5)
	f.organization("b", 1, 0)
	f.buy("b", "short", 5, 0, time.Hour)
	f.clock.advance(24 * time.Hour)
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.clock.advance(-24 * time.Hour)
	commands := []seatwright.AllocateToUsers{
		{Organization: "a", Users: []seatwright.UserID{"u-1"}}, {Organization: "b", Users: []seatwright.UserID{"u-1"}, Codes: attended},
	}
	if refusals := together(f, commands...); refusals[1] != nil {
		f.Errorf("b, beside a whose last event is of tomorrow: %v", refusals[1])
	}
	head, err := f.store.Head(ctx, "b")
	f.must(nil, err)
	if !head.At.Equal(f.clock.Now()) {
		f.Errorf("the last event of b is at %s, the clock says %s", head.At, f.clock.Now())
	}
	f.events("a")
}
