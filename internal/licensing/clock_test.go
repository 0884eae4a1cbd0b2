package licensing_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// bench is a store with a clock of its own, and everything over it.
type bench struct {
	*testing.T
	mu    sync.Mutex
	now   time.Time
	store *sqlite.Store
	*ledger.Ledger
	*licensing.Licensing
	log *slog.Logger
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Clock: b.clock})
	b.must(err)
	b.store = store
	catalogue := seatwright.PublishedCatalogue()
	b.Ledger = ledger.New(store, catalogue, nil, b.log)
	t.Cleanup(func() {
		b.Ledger.Close()
		b.must(store.Close())
	})
	b.Licensing = licensing.New(store, b.Ledger, catalogue, b.clock)
	submit(b, seatwright.CreateHost{})
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

var system = seatwright.SystemCaller("test")

func submit[A any](b *bench, c seatwright.Command[A]) A {
	b.Helper()
	answer, err := ledger.Submit(b.Context(), b.Ledger, system.Origin(), c)
	b.must(err)
	return answer
}

func (b *bench) organization(id seatwright.OrganizationID, lots ...seatwright.Lot) {
	b.Helper()
	submit(b, seatwright.CreateOrganization{ID: id, Name: "name-" + string(id), UnknownUsers: seatwright.ProvisionUnknownUsers})
	for _, lot := range lots {
		lot.Organization = id
		_, err := b.CreateLot(b.Context(), system, lot)
		b.must(err)
	}
}

func (b *bench) count(id seatwright.OrganizationID, kind seatwright.EventKind) (n int) {
	b.Helper()
	for after := int64(0); ; {
		page, err := b.store.Events(b.Context(), id, after, 1000)
		b.must(err)
		if len(page) == 0 {
			return n
		}
		for _, e := range page {
			if after = e.Sequence; e.Kind == kind {
				n++
			}
		}
	}
}

// Promise: a tick does what is due in every organization, and a second one finds nothing to do.
func TestTheClockDoesWhatIsDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	end := b.clock().AddDate(0, 0, 100)
	for _, id := range []seatwright.OrganizationID{"a", "b"} {
		b.organization(id, seatwright.Lot{Code: "ATTUNU", Quantity: 4, End: end}, seatwright.Lot{Code: "TSTNU", Quantity: 4, End: end})
		_, err := b.Allocate(t.Context(), system, id, []seatwright.UserID{"u-1", "u-2", "u-3"}, []seatwright.ProductCode{"ATTUNU"}, false)
		b.must(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ticks, ended := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(ended)
		licensing.NewClock(b.store, b.Ledger, b.clock, b.log).Run(ctx, ticks)
	}()
	tick := func() {
		ticks <- time.Time{}
		ticks <- time.Time{} // is taken when the first one has been done
	}
	tick()
	b.advance(100 * 24 * time.Hour)
	tick()
	tick()
	stop()
	<-ended
	for _, id := range []seatwright.OrganizationID{"a", "b"} {
		for kind, want := range map[seatwright.EventKind]int{
			seatwright.EventPoolTotalChanged: 1, // both pools in one
			seatwright.EventNoticeTold:       4, // both lots at 180 days, 75 percent, 100 percent when nothing was left
			seatwright.EventNoticeEnded:      2,
		} {
			if n := b.count(id, kind); n != want {
				t.Errorf("%s: %d events %s, want %d", id, n, kind, want)
			}
		}
	}
}

// Promise: what is due is done once, however many clocks there are and however much is due.
func TestManyClocksDoThingsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const lots = seatwright.MaxSweep + 20
	end := b.clock().AddDate(0, 0, 30)
	b.organization("a")
	var waiting sync.WaitGroup
	for i := range lots {
		waiting.Go(func() {
			_, err := b.CreateLot(t.Context(), system, seatwright.Lot{Organization: "a", ID: seatwright.LotID(fmt.Sprint("lot-", i)), Code: "ATTUNU", Quantity: 1, End: end})
			if err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	for range 4 {
		waiting.Go(func() {
			if err := licensing.NewClock(b.store, b.Ledger, b.clock, b.log).Sweep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	if n := b.count("a", seatwright.EventNoticeTold); n != lots {
		t.Errorf("%d notices were told of %d purchases", n, lots)
	}
	notices, more, err := b.Notices(t.Context(), system, "a", seatwright.NoticeQuery{Top: lots - 1})
	if err != nil || !more || len(notices) != lots-1 {
		t.Errorf("%d notices and more: %t (%v)", len(notices), more, err)
	}
	_, more, err = b.Notices(t.Context(), system, "a", seatwright.NoticeQuery{Top: 1, Before: notices[len(notices)-1].Sequence})
	if err != nil || more {
		t.Errorf("there are more than %d notices (%v)", lots, err)
	}
}
