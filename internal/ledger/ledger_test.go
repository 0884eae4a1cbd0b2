package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

var origin = seatwright.Origin{Actor: "ann", Via: "test", RequestID: "request"}

// door stands between the ledger and the store, so that a test can hold a batch back or make it fail.
type door struct {
	seatwright.Store
	mu      sync.Mutex
	before  func(seatwright.LoadRequest) error
	decided func() // between the decisions and the commit
}

func (d *door) Update(ctx context.Context, request seatwright.LoadRequest, decide func(*seatwright.Slice) error) error {
	d.mu.Lock()
	before, decided := d.before, d.decided
	d.mu.Unlock()
	if before != nil {
		if err := before(request); err != nil {
			return err
		}
	}
	return d.Store.Update(ctx, request, func(s *seatwright.Slice) error {
		err := decide(s)
		if decided != nil {
			decided()
		}
		return err
	})
}

func (d *door) set(before func(seatwright.LoadRequest) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = before
}

// setup opens a ledger with one organization "a", people u-0 … u-99 and units of ATTUNU.
func setup(t *testing.T, units int64) (*ledger.Ledger, *door) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &door{Store: store}
	l := ledger.New(d, seatwright.PublishedCatalogue(), nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	t.Cleanup(func() {
		l.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	submit(t, l, seatwright.CreateHost{})
	submit(t, l, seatwright.CreateOrganization{ID: "a", Name: "a", UnknownUsers: seatwright.RefuseUnknownUsers})
	submit(t, l, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "a", ID: "lot", Code: "ATTUNU", Quantity: units, End: time.Now().Add(time.Hour)}})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			submit(t, l, seatwright.CreateUser{User: seatwright.User{Organization: "a", ID: person(i), Role: seatwright.RoleMember}})
		})
	}
	wg.Wait()
	return l, d
}

func person(i int) seatwright.UserID { return seatwright.UserID(fmt.Sprintf("u-%d", i)) }

func submit[A any](t *testing.T, l *ledger.Ledger, c seatwright.Command[A]) A {
	t.Helper()
	answer, err := ledger.Submit(t.Context(), l, origin, c)
	if err != nil {
		t.Errorf("%s: %v", c.Operation(), err)
	}
	return answer
}

func allocate(i int) seatwright.AllocateToUsers {
	return seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{person(i)}, Codes: []seatwright.ProductCode{"ATTUNU"}}
}

func used(t *testing.T, store seatwright.Store) int64 {
	t.Helper()
	pools, err := store.Pools(t.Context(), "a")
	if err != nil || len(pools) != 1 {
		t.Fatalf("pools: %+v, %v", pools, err)
	}
	return pools[0].Used
}

// hold keeps the writer inside the next batch until the returned function is called; entered is closed when it is there.
func (d *door) hold() (entered chan struct{}, release func()) {
	entered, gate := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.set(func(seatwright.LoadRequest) error {
		once.Do(func() { close(entered) })
		<-gate
		return nil
	})
	return entered, func() { close(gate) }
}

// Promise: nobody is told of a change before it is committed. The commit is held back until everything stands still, so that
// an answer that comes early is there for certain.
func TestSubmitAnswersOnlyAfterTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := setup(t, 10)
		entered, commit := make(chan struct{}), make(chan struct{})
		d.mu.Lock()
		d.decided = func() { close(entered); <-commit }
		d.mu.Unlock()
		answered := make(chan error, 1)
		go func() {
			_, err := ledger.Submit(t.Context(), l, origin, allocate(1))
			answered <- err
		}()
		<-entered
		synctest.Wait()
		select {
		case err := <-answered:
			t.Errorf("answered %v before the commit", err)
			close(commit)
			return
		default:
		}
		close(commit)
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		if n := used(t, d); n != 1 {
			t.Errorf("%d used after the answer", n)
		}
	})
}

func TestWaitingCommandsShareOneBatch(t *testing.T) {
	l, d := setup(t, 100)
	entered, release := d.hold()
	var wg sync.WaitGroup
	wg.Go(func() { submit(t, l, allocate(0)) })
	<-entered
	for i := 1; i < 50; i++ {
		wg.Go(func() { submit(t, l, allocate(i)) })
	}
	for l.Waiting() < 49 {
		runtime.Gosched() // nothing tells when a goroutine has queued its command
	}
	var sizes []int
	d.set(func(request seatwright.LoadRequest) error {
		sizes = append(sizes, len(request.Touches))
		return nil
	})
	release()
	wg.Wait()
	if len(sizes) != 1 || sizes[0] != 49 {
		t.Errorf("batches of %v commands, want one of 49", sizes)
	}
}

func TestABatchIsBoundedByItsWeight(t *testing.T) {
	l, d := setup(t, 1)
	heavy := seatwright.DeallocateUsers{Organization: "a"}
	for i := range 9000 {
		heavy.Users = append(heavy.Users, seatwright.UserID(fmt.Sprint("nobody-", i)))
	}
	entered, release := d.hold()
	var wg sync.WaitGroup
	wg.Go(func() { submit(t, l, allocate(0)) })
	<-entered
	for range 5 {
		wg.Go(func() { submit(t, l, heavy) })
	}
	for l.Waiting() < 5 {
		runtime.Gosched()
	}
	largest := 0
	d.set(func(request seatwright.LoadRequest) error {
		largest = max(largest, len(request.Touches))
		return nil
	})
	release()
	wg.Wait()
	if largest != 2 {
		t.Errorf("a batch had %d commands of 9,000 pairs, want at most 2", largest)
	}
}

// poison is a command that panics while it is decided, after it has changed the slice.
type poison struct{ seatwright.AllocateToUsers }

func (p poison) Decide(s *seatwright.Slice, o seatwright.Origin) ([]seatwright.Allocation, error) {
	_, _ = p.AllocateToUsers.Decide(s, o)
	panic("planted")
}

func TestAPoisonedCommandFailsAlone(t *testing.T) {
	l, d := setup(t, 100)
	entered, release := d.hold()
	var wg sync.WaitGroup
	wg.Go(func() { submit(t, l, allocate(0)) })
	<-entered
	for i := 1; i < 20; i++ {
		wg.Go(func() { submit(t, l, allocate(i)) })
	}
	wg.Go(func() {
		if _, err := ledger.Submit(t.Context(), l, origin, poison{allocate(50)}); !seatwright.IsKind(err, seatwright.KindInternal) {
			t.Errorf("the poisoned command got %v", err)
		}
	})
	for l.Waiting() < 20 {
		runtime.Gosched()
	}
	d.set(nil)
	release()
	wg.Wait()
	if n := used(t, d); n != 20 {
		t.Errorf("%d used, want 20", n)
	}
}

func TestAnUnknownOutcomeIsNeverSuccess(t *testing.T) {
	l, d := setup(t, 10)
	d.set(func(seatwright.LoadRequest) error {
		return seatwright.Unavailable(seatwright.ReasonOutcomeUnknown, errors.New("the connection broke"), "not known")
	})
	if _, err := ledger.Submit(t.Context(), l, origin, allocate(1)); !seatwright.IsReason(err, seatwright.ReasonOutcomeUnknown) {
		t.Errorf("Submit = %v, want outcome_unknown", err)
	}
}

func TestACallerWhoLeavesWhileWaitingChangesNothing(t *testing.T) {
	l, d := setup(t, 10)
	entered, release := d.hold()
	var wg sync.WaitGroup
	wg.Go(func() { submit(t, l, allocate(0)) })
	<-entered
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := ledger.Submit(ctx, l, origin, allocate(1))
		left <- err
	}()
	for l.Waiting() < 1 {
		runtime.Gosched()
	}
	leave()
	if err := <-left; !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
		t.Errorf("Submit = %v, want store_unavailable", err)
	}
	d.set(nil)
	release()
	wg.Wait()
	submit(t, l, allocate(2)) // behind the one that was given up
	if n := used(t, d); n != 2 {
		t.Errorf("%d used, want 2", n)
	}
}

func TestTwinsWithOneKeyHaveOneEffectAndOneAnswer(t *testing.T) {
	l, d := setup(t, 10)
	keyed := origin
	keyed.Key = "key"
	c := seatwright.CreateUser{User: seatwright.User{Organization: "a", Role: seatwright.RoleMember}}
	ids := make([]seatwright.UserID, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			mine := c
			mine.FreshID = seatwright.UserID(seatwright.NewID()) // every attempt makes up another id
			user, err := ledger.Submit(t.Context(), l, keyed, mine)
			if err != nil {
				t.Error(err)
			}
			ids[i] = user.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("answers differ: %v", ids)
		}
	}
	if _, err := d.User(t.Context(), "a", ids[0]); err != nil {
		t.Error(err)
	}
}

// Guards that the count of a storm in the last second before a stop is not lost.
func TestCloseCountsTheLastRefusals(t *testing.T) {
	l, d := setup(t, 1)
	submit(t, l, allocate(0))
	const storm = 30
	for i := range storm {
		if _, err := ledger.Submit(t.Context(), l, origin, allocate(1+i)); !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
			t.Errorf("Submit = %v", err)
		}
	}
	l.Close()
	if _, told := refusals(t, d); told != storm {
		t.Errorf("%d refusals are on record, want %d", told, storm)
	}
}

func TestCloseEndsThoughTheStoreFails(t *testing.T) {
	l, d := setup(t, 1)
	submit(t, l, allocate(0))
	for i := range 30 { // more than are recorded in a second: the rest is still to be counted
		_, _ = ledger.Submit(t.Context(), l, origin, allocate(1+i))
	}
	d.set(func(seatwright.LoadRequest) error {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "the disk is full")
	})
	closed := make(chan struct{})
	go func() { l.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Fatal("Close does not end")
	}
}

func TestNobodyIsLeftWaitingByClose(*testing.T) {
	for range 50 {
		l := ledger.New(nothing{}, seatwright.PublishedCatalogue(), nil, slog.New(slog.DiscardHandler))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				var err error
				for err == nil { // until the ledger is closed
					_, err = ledger.Submit(context.Background(), l, origin, seatwright.CreateHost{})
				}
			})
		}
		l.Close()
		wg.Wait()
	}
}

// nothing is a store that is always empty and keeps nothing.
type nothing struct{ seatwright.Store }

func (nothing) Writers() int { return 1 }

func (nothing) Update(_ context.Context, _ seatwright.LoadRequest, decide func(*seatwright.Slice) error) error {
	return decide(seatwright.NewSlice(time.Now()))
}

// Guards the denial log against callers who invent codes: all of them share one window.
func TestInventedCodesDoNotFillTheDenialLog(t *testing.T) {
	l, d := setup(t, 1)
	begin := time.Now()
	for i := range 200 {
		c := allocate(1)
		c.Codes = []seatwright.ProductCode{seatwright.ProductCode(fmt.Sprint("INVENTED-", i))}
		if _, err := ledger.Submit(t.Context(), l, origin, c); !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
			t.Errorf("Submit = %v", err)
		}
	}
	seconds := int(time.Since(begin).Seconds()) + 2 // the storm may begin and end within a second
	if events, _ := refusals(t, d); events > seconds*(seatwright.RefusalsPerSecond+1) {
		t.Errorf("%d events in %d seconds", events, seconds)
	}
}

func TestCloseCommitsWhatWaitsAndRefusesWhatComes(t *testing.T) {
	l, d := setup(t, 100)
	entered, release := d.hold()
	var wg sync.WaitGroup
	wg.Go(func() { submit(t, l, allocate(0)) })
	<-entered
	for i := 1; i < 10; i++ {
		wg.Go(func() { submit(t, l, allocate(i)) })
	}
	for l.Waiting() < 9 {
		runtime.Gosched()
	}
	closed := make(chan struct{})
	go func() { l.Close(); close(closed) }()
	d.set(nil)
	release()
	<-closed
	wg.Wait()
	if n := used(t, d); n != 10 {
		t.Errorf("%d used, want 10", n)
	}
	if _, err := ledger.Submit(t.Context(), l, origin, allocate(11)); !seatwright.IsKind(err, seatwright.KindUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

// Guards the denial log: a storm of refusals writes a few events, and the count of the others is on record as well.
func TestRefusalsAreRecordedThenCounted(t *testing.T) {
	l, d := setup(t, 1)
	submit(t, l, allocate(0))
	const storm = 60
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range storm {
		wg.Go(func() {
			if _, err := ledger.Submit(t.Context(), l, origin, allocate(1+i)); !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
				t.Errorf("Submit = %v", err)
			}
		})
	}
	wg.Wait()
	seconds := int(time.Since(begin).Seconds()) + 2 // the storm may begin and end within a second
	deadline := time.Now().Add(time.Minute)
	for range time.Tick(20 * time.Millisecond) { // the writer tells the rest when the second of the storm is over
		events, told := refusals(t, d)
		if told == storm {
			if events > seconds*(seatwright.RefusalsPerSecond+1) {
				t.Errorf("%d events for %d refusals in %d seconds", events, storm, seconds)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events tell of %d refusals, want %d", events, told, storm)
		}
	}
}

func refusals(t *testing.T, d *door) (events int, told int64) {
	t.Helper()
	all, err := d.Events(t.Context(), "a", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind != seatwright.EventAllocationRefused {
			continue
		}
		var data seatwright.AllocationRefused
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		events++
		told += data.Suppressed
		if data.Users > 0 {
			told++
		}
	}
	return events, told
}

// Promise: where there is no room for anything else, seats can still be taken back, also when both are asked for at once.
func TestWhatGivesBackIsStoredWhereNothingElseCanBe(t *testing.T) {
	l, d := setup(t, 10)
	give := func(i int) seatwright.AllocateToUsers {
		return seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{person(i)}, Codes: []seatwright.ProductCode{"ATTUNU"}}
	}
	submit(t, l, give(0))
	submit(t, l, give(1))
	// A batch of the first command alone is held until the other three wait, so that they ride together.
	entered, hold := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.set(func(request seatwright.LoadRequest) error {
		once.Do(func() { close(entered) })
		<-hold
		if !request.GivesBack {
			return seatwright.StorageFull(nil)
		}
		return nil
	})
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i, do := range []func() error{
		func() error { _, err := ledger.Submit(t.Context(), l, origin, give(2)); return err },
		func() error { _, err := ledger.Submit(t.Context(), l, origin, give(3)); return err },
		func() error {
			_, err := ledger.Submit(t.Context(), l, origin, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{person(0)}})
			return err
		},
		func() error {
			_, err := ledger.Submit(t.Context(), l, origin, seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{person(1)}})
			return err
		},
	} {
		wg.Go(func() { errs[i] = do() })
		if i == 0 {
			<-entered
		}
	}
	for l.Waiting() < 3 {
		runtime.Gosched()
	}
	close(hold)
	wg.Wait()
	for i, err := range errs {
		if gives := i < 2; gives != seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) || !gives && err != nil {
			t.Errorf("command %d: %v", i, err)
		}
	}
	d.set(nil)
	pools, err := d.Pools(t.Context(), "a")
	if err != nil || len(pools) != 1 || pools[0].Used != 0 {
		t.Errorf("pools are %+v, %v: want all units back", pools, err)
	}
}

// Promise: a store that hangs piles nothing up. The queue is bounded, who comes then is refused at once and told when to come
// back, who leaves is let go, and afterwards everything works as before.
func TestAStoreThatHangsHoldsNobody(t *testing.T) {
	l, d := setup(t, 10)
	entered, release := d.hold()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	give := func(ctx context.Context, i int) error {
		_, err := ledger.Submit(ctx, l, origin, seatwright.AllocateToUsers{
			Organization: "a", Users: []seatwright.UserID{person(i)}, Codes: []seatwright.ProductCode{"ATTUNU"},
		})
		return err
	}
	var first, crowd sync.WaitGroup
	first.Go(func() { give(t.Context(), 0) })
	<-entered
	for range ledger.QueueLength {
		crowd.Go(func() {
			if err := give(ctx, 1); !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
				t.Errorf("a caller who left: %v, want store_unavailable: nothing has changed", err)
			}
		})
	}
	for l.Waiting() < ledger.QueueLength {
		runtime.Gosched()
	}
	if err := give(t.Context(), 2); !seatwright.IsReason(err, seatwright.ReasonOverloaded) || seatwright.AsError(err).RetryAfter == 0 {
		t.Errorf("one too many: %v, want overloaded and when to come back", err)
	}
	leave()
	crowd.Wait() // all of them, while the store still hangs
	release()
	first.Wait()
	for l.Waiting() > 0 { // the places of those who left are free when the writer has passed them over
		runtime.Gosched()
	}
	if err := give(t.Context(), 3); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	pools, err := d.Pools(t.Context(), "a")
	if err != nil || len(pools) != 1 || pools[0].Used != 2 {
		t.Errorf("pools are %+v, %v: want the first caller and the last to hold a seat", pools, err)
	}
}

// Guards organizations against each other's locks: one that somebody else holds is refused, and the others of its batch are not.
func TestABusyOrganizationIsAlone(t *testing.T) {
	l, d := setup(t, 100)
	submit(t, l, seatwright.CreateOrganization{ID: "b", Name: "b", UnknownUsers: seatwright.ProvisionUnknownUsers})
	submit(t, l, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "b", ID: "lot", Code: "ATTUNU", Quantity: 100, End: time.Now().Add(time.Hour)}})
	asked := 0
	d.set(func(request seatwright.LoadRequest) error {
		for _, touch := range request.Touches {
			if touch.Organization == "a" {
				asked++
				held := seatwright.AsError(seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "locked"))
				return &seatwright.BusyError{Organizations: []seatwright.OrganizationID{"a"}, Err: held}
			}
		}
		return nil
	})
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range 50 {
		for _, organization := range []seatwright.OrganizationID{"a", "b"} {
			wg.Go(func() {
				c := seatwright.AllocateToUsers{Organization: organization, Users: []seatwright.UserID{person(i)}, Codes: []seatwright.ProductCode{"ATTUNU"}}
				_, err := ledger.Submit(t.Context(), l, origin, c)
				if organization == "a" && !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) || organization == "b" && err != nil {
					t.Errorf("%s: %v", organization, err)
				}
			})
		}
	}
	wg.Wait()
	// It is asked again every half second. Nothing here takes longer, but on a busy machine.
	if took := time.Since(begin); asked == 0 || asked > 5+int(took/(500*time.Millisecond)) {
		t.Errorf("the store was asked %d times in %s for an organization that is held", asked, took)
	}
}
