package entitlement_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/entitlement"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// node is a store with all that answers questions over it.
type node struct {
	*testing.T
	store  seatwright.Store
	ledger *ledger.Ledger
	memory *entitlement.Memory
	*entitlement.Entitlements
}

const organization = "songs"

var system = seatwright.SystemCaller("test")

// start puts a node together; where others change the database as well it follows them.
func start(t *testing.T, store seatwright.Store, bytes int64) *node {
	t.Helper()
	feed, _ := store.(seatwright.Feed)
	return startWith(t, store, feed, bytes)
}

func startWith(t *testing.T, store seatwright.Store, feed seatwright.Feed, bytes int64) *node {
	t.Helper()
	catalogue := seatwright.PublishedCatalogue()
	n := &node{T: t, store: store, memory: entitlement.NewMemory(store, feed, time.Now, bytes)}
	n.ledger = ledger.New(store, catalogue, n.memory.Committed, slog.New(slog.NewTextHandler(io.Discard, nil)))
	n.Entitlements = entitlement.New(n.memory, store, catalogue, nil)
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { n.memory.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		following.Wait()
		n.ledger.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func openPostgres(t *testing.T, database string) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), database, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func startSQLite(t *testing.T, bytes int64) *node {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, store, bytes)
}

func submit[A any](n *node, c seatwright.Command[A]) A {
	n.Helper()
	answer, err := ledger.Submit(n.Context(), n.ledger, system.Origin(), c)
	if err != nil {
		n.Fatal(err)
	}
	return answer
}

// furnish makes the organization with units for everybody.
func (n *node) furnish(people int) []seatwright.UserID {
	n.Helper()
	submit(n, seatwright.CreateHost{})
	submit(n, seatwright.CreateOrganization{ID: organization, Name: organization, UnknownUsers: seatwright.ProvisionUnknownUsers})
	submit(n, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: organization, ID: "lot", Code: "ATTUNU", Quantity: seatwright.MaxQuantity, End: time.Now().AddDate(1, 0, 0),
	}})
	ids := make([]seatwright.UserID, people)
	for i := range ids {
		ids[i] = seatwright.UserID(fmt.Sprintf("singer-%d", i))
	}
	for i := 0; i < people; i += seatwright.MaxUsersPerCall {
		submit(n, seatwright.AllocateToUsers{Organization: organization, Users: ids[i:min(people, i+seatwright.MaxUsersPerCall)], Codes: []seatwright.ProductCode{}})
	}
	return ids
}

// allocate gives a seat to a person, or takes it.
func (n *node) allocate(user seatwright.UserID, held bool) error {
	codes := []seatwright.ProductCode{}
	if held {
		codes = append(codes, "ATTUNU")
	}
	_, err := ledger.Submit(context.Background(), n.ledger, system.Origin(), seatwright.AllocateToUsers{
		Organization: organization, Users: []seatwright.UserID{user}, Codes: codes,
	})
	return err
}

// register is what one person holds: they are given the seat by odd changes, and it is taken by even ones.
type register struct {
	user         seatwright.UserID
	begun, acked atomic.Int64
}

// possible reports whether an answer fits one of the states from the change low to the change high.
func possible(entitled bool, low, high int64) bool { return high > low || entitled == (low%2 == 1) }

// contest changes seats and asks of them, as fast as it can, and fails the test where an answer fits none of the states that there were while
// it was asked for.
func contest(t *testing.T, n *node, people []seatwright.UserID, each int) (asked, changed int64) {
	t.Helper()
	registers := make([]*register, len(people))
	for i, user := range people {
		registers[i] = &register{user: user}
	}
	var askers, changers sync.WaitGroup
	var questions, stale atomic.Int64
	const atOnce = 50 // so that those who change get their turn
	wake := make(chan *register, len(people))
	ask := func(r *register) {
		low := r.acked.Load()
		entitled, _, err := n.Holds(context.Background(), system, organization, r.user, "ATTR", false)
		high := r.begun.Load()
		if err != nil {
			t.Error(err)
			return
		}
		questions.Add(1)
		if !possible(entitled, low, high) {
			stale.Add(1)
		}
	}
	for range 2 {
		askers.Go(func() {
			for r := range wake {
				for range atOnce {
					ask(r)
				}
			}
		})
	}
	tell := func(r *register) {
		select {
		case wake <- r:
		default: // they have enough to do
		}
	}
	for _, r := range registers {
		changers.Go(func() {
			for range each {
				change := r.begun.Add(1)
				tell(r)
				if err := n.allocate(r.user, change%2 == 1); err != nil {
					t.Error(err)
					return
				}
				r.acked.Store(change)
				tell(r)
				ask(r) // nobody else changes this person: there is one right answer
			}
		})
	}
	changers.Wait()
	close(wake)
	askers.Wait()
	if n := stale.Load(); n > 0 {
		t.Errorf("%d of %d answers fit no state that there was", n, questions.Load())
	}
	return questions.Load(), int64(len(people) * each)
}

// Promise: on SQLite an answer is exact: a seat that was taken back is never answered "yes" after that was acknowledged, and one that was given
// never "no".
func TestP8AnswersAreLinearizable(t *testing.T) {
	t.Parallel()
	n := startSQLite(t, 0)
	people := n.furnish(16)
	asked, changed := contest(t, n, people, faults.Count(t, 100, 4000, 100_000))
	faults.Report(t, "P8", "SQLite: %d questions while %d changes were made: each as of its time", asked, changed)
}

// Promise: where nodes share a PostgreSQL, the node that makes a change is exact, and another one is never older than MaxAge, though notices never
// come: it looks at the heads.
func TestP8AnswersOfOtherNodesAreBoundedlyOld(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartForTest(t, pgtest.Options{})
	database, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var nodes [2]*node
	for i := range nodes {
		nodes[i] = start(t, openPostgres(t, database), 0)
	}
	people := nodes[0].furnish(8)
	asked, changed := contest(t, nodes[0], people, faults.Count(t, 50, 1000, 20_000))
	heard := latest(t, nodes[0], nodes[1], people[0], faults.Count(t, 50, 1000, 20_000))

	// Nobody listens any more: the connections that do are ended as soon as they are there.
	deaf, hear := context.WithCancel(t.Context())
	defer hear()
	var cutting sync.WaitGroup
	var cut atomic.Int64
	cutting.Go(func() {
		for deaf.Err() == nil {
			n, err := cutListeners(deaf, cluster.URL("postgres"))
			if err != nil && deaf.Err() == nil {
				t.Error(err)
			}
			cut.Add(n)
		}
	})
	for cut.Load() == 0 && !t.Failed() {
		runtime.Gosched()
	}
	times := faults.Count(t, 5, 60, 2000)
	unheard := latest(t, nodes[0], nodes[1], people[0], times)
	hear()
	cutting.Wait()
	faults.Report(t, "P8", "PostgreSQL: %d questions to a node that made %d changes: each as of its time; another node answered rightly %s after a change at the latest, and cut off from notices %d times %s after one of %d",
		asked, changed, heard.Round(time.Millisecond), cut.Load(), unheard.Round(time.Millisecond), times)
}

// heldFeed is a feed whose news can be held up.
type heldFeed struct {
	seatwright.Feed
	gate  sync.RWMutex  // locked: nothing is heard
	looks chan struct{} // one for each time that the heads were looked at, as far as anybody takes them
}

func (f *heldFeed) Follow(ctx context.Context, heard func(seatwright.OrganizationID, int64)) {
	f.Feed.Follow(ctx, func(id seatwright.OrganizationID, sequence int64) {
		if id == "" { // asks Sequences, which waits
			heard(id, sequence)
			return
		}
		f.gate.RLock()
		defer f.gate.RUnlock()
		heard(id, sequence)
	})
}

func (f *heldFeed) Sequences(ctx context.Context, ids []seatwright.OrganizationID) (map[seatwright.OrganizationID]int64, string, error) {
	f.gate.RLock()
	defer f.gate.RUnlock()
	sequences, server, err := f.Feed.Sequences(ctx, ids)
	if err == nil {
		select {
		case f.looks <- struct{}{}:
		default:
		}
	}
	return sequences, server, err
}

// Promise: what a primary showed and its standby never had is answered no more once the standby has taken over, though as much was recorded there
// since and no event tells of the loss.
func TestP8AnswersForgetWhatAFailOverHasLost(t *testing.T) {
	t.Parallel()
	primary := pgtest.StartForTest(t, pgtest.Options{})
	database, err := primary.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	standby, err := primary.Standby(t.Context(), "standby")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Error(err)
		}
	})
	both := standby.Also(database)
	if err := primary.SetSynchronousStandby(t.Context(), "standby"); err != nil {
		t.Fatal(err)
	}
	before := start(t, openPostgres(t, database), 0)
	people := before.furnish(2)

	// A node asks for somebody who gets a seat that the standby never has. From then on its feed is held up until as much has happened anew.
	store := openPostgres(t, both)
	feed := &heldFeed{Feed: store, looks: make(chan struct{})}
	asks := startWith(t, store, feed, 0)
	answer := func(user seatwright.UserID) bool {
		entitled, _, err := asks.Holds(t.Context(), system, organization, user, "ATTR", false)
		if err != nil {
			t.Fatal(err)
		}
		return entitled
	}
	// The standby has everything so far, and nothing of what comes.
	if err := errors.Join(primary.SetSynchronousStandby(t.Context(), ""), primary.PauseSender(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := before.allocate(people[0], true); err != nil {
		t.Fatal(err)
	}
	for asks.memory.Size() == 0 { // until they are remembered
		<-feed.looks
		if !answer(people[0]) {
			t.Fatal("the seat is not seen before the primary dies")
		}
	}
	feed.gate.Lock()
	goOn := sync.OnceFunc(feed.gate.Unlock)
	defer goOn()
	if err := errors.Join(primary.Kill(), standby.Promote(t.Context())); err != nil {
		t.Fatal(err)
	}
	after := start(t, openPostgres(t, both), 0)
	if err := after.allocate(people[1], true); err != nil {
		t.Fatal(err)
	}
	goOn()
	for range 3 { // two look, at every beat and when they listen anew: one of them has come round, and taken into account what it saw
		<-feed.looks
	}
	if answer(people[0]) || !answer(people[1]) {
		t.Errorf("after the fail-over the lost seat is answered %t, the new one %t", answer(people[0]), answer(people[1]))
	}
}

// latest makes changes through one node and returns how long after one was acknowledged another node went on to answer what was before. More than
// MaxAge fails the test.
func latest(t *testing.T, changes, asks *node, user seatwright.UserID, times int) (longest time.Duration) {
	t.Helper()
	held, _, err := changes.Holds(t.Context(), system, organization, user, "ATTR", true)
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		held = !held
		if err := changes.allocate(user, held); err != nil {
			t.Fatal(err)
		}
		acknowledged := time.Now()
		for {
			begun := time.Since(acknowledged) // an answer is as of its beginning at least
			entitled, _, err := asks.Holds(t.Context(), system, organization, user, "ATTR", false)
			if err != nil {
				t.Fatal(err)
			}
			if entitled == held {
				break
			}
			longest = max(longest, begun)
			if begun > entitlement.MaxAge {
				t.Errorf("%s after a change was acknowledged another node still answers what was before", begun)
				return longest
			}
			runtime.Gosched()
		}
	}
	return longest
}

// cutListeners ends the connections that listen, and returns how many there were.
func cutListeners(ctx context.Context, url string) (n int64, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`).Scan(&n)
	return n, err
}

// Promise: what people hold takes no more memory than was said; whoever is forgotten is read again, and right.
func TestTheMemoryHasAnEnd(t *testing.T) {
	t.Parallel()
	const bytes = 1 << 20
	n := startSQLite(t, bytes)
	people := n.furnish(20_000)
	for range 2 {
		for _, user := range people {
			if _, _, err := n.Holds(t.Context(), system, organization, user, "ATTR", false); err != nil {
				t.Fatal(err)
			}
			if size := n.memory.Size(); size > bytes+1024 {
				t.Fatalf("%d bytes are taken, want %d at most", size, bytes)
			}
		}
	}
	if n.memory.Size() == 0 {
		t.Error("nothing is remembered")
	}
	if err := n.allocate(people[0], true); err != nil {
		t.Fatal(err)
	}
	if entitled, _, err := n.Holds(t.Context(), system, organization, people[0], "ATTR", false); !entitled || err != nil {
		t.Errorf("a person who was forgotten is answered %t (%v)", entitled, err)
	}
}

// Promise: a cache that does not hear of others any more is not believed: the database is asked, and where that does not answer nobody is told yes.
func TestAMemoryThatHearsNothingIsNotBelieved(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartForTest(t, pgtest.Options{})
	database, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var stores [2]*postgres.Store
	for i := range stores {
		stores[i] = openPostgres(t, database)
	}
	changes := start(t, stores[0], 0)
	people := changes.furnish(1)
	if err := changes.allocate(people[0], true); err != nil {
		t.Fatal(err)
	}
	// This one does not follow.
	memory := entitlement.NewMemory(stores[1], stores[1], time.Now, 0)
	t.Cleanup(func() { stores[1].Close() })
	asks := entitlement.New(memory, stores[1], seatwright.PublishedCatalogue(), nil)
	for _, held := range []bool{true, false, true} {
		if err := changes.allocate(people[0], held); err != nil {
			t.Fatal(err)
		}
		if entitled, _, err := asks.Holds(t.Context(), system, organization, people[0], "ATTR", false); entitled != held || err != nil {
			t.Errorf("answered %t (%v), want %t", entitled, err, held)
		}
	}
	if err := stores[1].Close(); err != nil {
		t.Fatal(err)
	}
	if entitled, _, err := asks.Holds(t.Context(), system, organization, people[0], "ATTR", false); entitled || !seatwright.IsKind(err, seatwright.KindUnavailable) {
		t.Errorf("without a database answered %t (%v)", entitled, err)
	}
}
