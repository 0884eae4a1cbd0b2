// Package crashtest kills the real server again and again while clients allocate, and proves from the answers that the
// clients got that nothing acknowledged was lost and no seat was sold twice.
//
// Clients repeat every request with its idempotency key, through the faults, until it is answered. So every operation has an
// outcome, and porcupine can look for one order of all operations of a pool in which every answer is right. Start at
// TestKilledServerLosesNothingAndOversellsNothing; model_test.go is the specification, http_test.go the clients' side of
// the protocol, process_test.go the server's life.
package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seatwright/seatwright"
	_ "github.com/seatwright/seatwright/internal/cli" // what is built and killed: a change of it makes the cached result of this test stale
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// Promise: a kill -9 at any moment loses no acknowledged allocation and oversells no seat, and a request that is repeated
// with its key is carried out once.
func TestKilledServerLosesNothingAndOversellsNothing(t *testing.T) {
	cycles := 100
	if testing.Short() {
		cycles = 10
	}
	cycles = fromEnvironment(t, "SEATWRIGHT_CRASH_CYCLES", cycles)
	h := newHarness(t, buildServer(t, ""))
	begin := time.Now()
	err := h.run(cycles)
	t.Logf("%d kills in %s: %s", h.kills, time.Since(begin).Round(time.Millisecond), &h.stats)
	if err != nil {
		t.Fatalf("%v\nend of the server's log:\n%s", err, h.server.stderr)
	}
	if h.stats.unable.Load() > 0 {
		t.Errorf("the server answered %d times that it could not", h.stats.unable.Load())
	}
	if cycles >= 10 && h.stats.retried.Load() == 0 {
		t.Error("no request was repeated through a kill: the test has tested nothing")
	}
	h.server.kill()
	checkStore(t, h.data)
}

// Promise: the test above can fail. Each of these bugs is planted into a build of its own and has to be found.
func TestHarnessFindsPlantedBugs(t *testing.T) {
	const cycles = 60
	bin := buildServer(t, "mutants")
	for _, mutant := range []string{"answer-before-commit", "limit-off-by-one", "partial-bulk", "no-key-record"} {
		t.Run(mutant, func(t *testing.T) {
			h := newHarness(t, bin, "SEATWRIGHT_MUTANT="+mutant)
			h.artifacts = "" // the pictures of planted bugs are of no interest
			err := h.run(cycles)
			var found *violation
			if !errors.As(err, &found) {
				t.Fatalf("not found in %d kills: %s (error: %v)", h.kills, &h.stats, err)
			}
			t.Logf("found after %d kills: %v", h.kills, found)
		})
	}
}

// fromEnvironment reads a number that overrides the default.
func fromEnvironment(t *testing.T, name string, standard int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// stats counts what happened.
type stats struct {
	operations, refusals, retried, replayed, broken, unable atomic.Int64
	slowest                                                 time.Duration // from the start of a process until it listens
}

func (s *stats) String() string {
	return fmt.Sprintf("%d operations (%d refused), %d of them repeated through a fault, %d replays of an answered key, %d broken connections, slowest start %s",
		s.operations.Load(), s.refusals.Load(), s.retried.Load(), s.replayed.Load(), s.broken.Load(), s.slowest.Round(time.Millisecond))
}

// harness runs one server through many lives.
type harness struct {
	t           *testing.T
	bin, data   string
	environment []string
	artifacts   string // directory for pictures of violations
	seed        int
	random      *rand.Rand // of the schedule; clients have their own
	front       *front
	server      *process
	token       string
	stats       stats
	kills       int
	clients     int // so far; numbers the random streams
	begin       time.Time
	states      [len(codes)]state // at the last moment without load
}

func newHarness(t *testing.T, bin string, environment ...string) *harness {
	t.Helper()
	seed := fromEnvironment(t, "SEATWRIGHT_SEED", int(rand.Uint32()))
	t.Logf("seed %d (repeat its choices with SEATWRIGHT_SEED=%d)", seed, seed)
	h := &harness{
		t: t, bin: bin, data: filepath.Join(t.TempDir(), "data"), environment: environment, artifacts: t.ArtifactDir(), seed: seed, front: newFront(), begin: time.Now(),
	}
	h.random = h.stream(0)
	t.Cleanup(func() {
		if h.server != nil {
			h.server.kill()
		}
	})
	return h
}

func (h *harness) stream(n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(h.seed), uint64(n))) }

func (h *harness) start() {
	begin := time.Now()
	h.server = startServer(h.t, h.bin, h.data, h.environment...)
	h.stats.slowest = max(h.stats.slowest, time.Since(begin))
	h.front.open(h.server.url)
}

// windowCycles is how many lives one history spans. Between histories the clients rest and the state is read.
const windowCycles = 5

// run goes through that many kills. The error is a *violation where the server has done wrong.
func (h *harness) run(cycles int) error {
	ctx := h.t.Context()
	// The first life sets up what the others need; bugs are planted from the second on.
	h.server = startServer(h.t, h.bin, h.data)
	h.front.open(h.server.url)
	host := newCaller(h.front, "", &h.stats)
	defer host.http.CloseIdleConnections()
	select {
	case password := <-h.server.password:
		var err error
		if h.token, err = prepare(ctx, host, password); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	case <-time.After(startTime):
		return errors.New("the server printed no password of the first administrator")
	}
	h.front.close()
	h.server.kill()
	h.start()
	for h.kills < cycles {
		if err := h.window(ctx, min(windowCycles, cycles-h.kills)); err != nil {
			return err
		}
	}
	return nil
}

// window runs clients through some kills, lets them finish, reads the truth, and checks the history of each pool.
func (h *harness) window(ctx context.Context, cycles int) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	rest := make(chan struct{})
	var w window
	var clients sync.WaitGroup
	for range 8 + h.random.IntN(9) {
		h.clients++
		c := &worker{caller: newCaller(h.front, h.token, &h.stats), id: h.clients, random: h.stream(h.clients), window: &w, begin: h.begin}
		clients.Go(func() {
			defer c.http.CloseIdleConnections()
			if err := c.work(ctx, rest); err != nil {
				fail(err)
			}
		})
	}
	for range cycles {
		if ctx.Err() != nil {
			break
		}
		h.cycle(ctx)
	}
	close(rest)
	clients.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return h.check(ctx, &w)
}

// cycle lets the server live for a moment under load, kills it, and starts it again. One life in eight is counted from the
// start of the process, so that it can end before the first answer.
func (h *harness) cycle(ctx context.Context) {
	if h.random.IntN(8) > 0 {
		select {
		case <-h.front.firstAnswer():
		case <-ctx.Done():
		}
	}
	life := time.NewTimer(20*time.Millisecond + time.Duration(h.random.Int64N(int64(120*time.Millisecond))))
	select {
	case <-life.C:
	case <-ctx.Done():
	}
	h.front.close()
	h.server.kill()
	h.kills++
	h.start()
}

// check reads what is so now, and whether the history explains it.
func (h *harness) check(ctx context.Context, w *window) error {
	reader := &worker{caller: newCaller(h.front, h.token, &h.stats), window: w, begin: h.begin}
	defer reader.http.CloseIdleConnections()
	var totals []struct {
		Code      string `json:"code"`
		Allocated int    `json:"allocated"`
		Total     int    `json:"total"`
	}
	if err := reader.want(ctx, http.MethodGet, licensePath, nil, &totals); err != nil {
		return err
	}
	inUse := map[string]int{}
	for _, p := range totals {
		inUse[p.Code] = p.Allocated
		if p.Total != capacity || p.Allocated > p.Total {
			return violated("pool %s says %d of %d are allocated; %d were bought", p.Code, p.Allocated, p.Total, capacity)
		}
	}
	for pool, code := range codes {
		out, err := reader.record(ctx, pool, input{read, 1<<people - 1})
		if err != nil {
			return err
		}
		if n := out.records.holders(); n != inUse[code] || n > capacity {
			return violated("pool %s says that %d are allocated; %d people hold one, %d were bought", code, inUse[code], n, capacity)
		}
		file := ""
		if h.artifacts != "" {
			file = filepath.Join(h.artifacts, "history-"+code+".html")
		}
		if err := checkHistory(code, h.states[pool], w.history[pool], file); err != nil {
			return err
		}
		h.states[pool] = out.records
	}
	return nil
}

// window is what the clients of one window record.
type window struct {
	mu      sync.Mutex
	history [len(codes)][]porcupine.Operation
}

// full reports that a history is as long as can be checked.
func (w *window) full(pool int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.history[pool]) >= maxOperations-32 // what is under way still comes
}

// worker is one client.
type worker struct {
	*caller
	id     int
	random *rand.Rand
	window *window
	begin  time.Time
}

// work does one operation after the other until it is told to rest.
func (c *worker) work(ctx context.Context, rest <-chan struct{}) error {
	for {
		select {
		case <-rest:
			return nil
		case <-ctx.Done():
			return nil
		default:
		}
		pool := c.random.IntN(len(codes))
		if c.window.full(pool) {
			pool = c.other(pool)
		}
		if pool < 0 { // keep the server busy, so that the next life has a first answer
			var ignored []map[string]any
			if err := c.want(ctx, http.MethodGet, licensePath, nil, &ignored); err != nil {
				return err
			}
			continue
		}
		if err := c.next(ctx, pool); err != nil {
			return err
		}
	}
}

// other finds a pool whose history is not full, or -1.
func (c *worker) other(pool int) int {
	for range codes {
		if pool = (pool + 1) % len(codes); !c.window.full(pool) {
			return pool
		}
	}
	return -1
}

// next chooses an operation. Sometimes it plays a client that missed the answer, did something else, and then repeats the
// old request: that must change nothing and give the old answer.
func (c *worker) next(ctx context.Context, pool int) error {
	var who group
	for range 1 + c.random.IntN(3) {
		who |= 1 << c.random.IntN(people)
	}
	in := input{[...]verb{allocate, allocate, allocate, allocate, allocate, block, deallocate, deallocate, read, read}[c.random.IntN(10)], who}
	if in.verb == read || c.random.IntN(10) > 0 {
		_, err := c.record(ctx, pool, in)
		return err
	}
	key := seatwright.NewID()
	first, err := c.recordKey(ctx, pool, in, key)
	if err != nil {
		return err
	}
	opposite := input{deallocate, who}
	if in.verb == deallocate {
		opposite.verb = allocate
	}
	if _, err := c.record(ctx, pool, opposite); err != nil {
		return err
	}
	again, err := c.perform(ctx, pool, in, key)
	if err != nil {
		return err
	}
	c.stats.replayed.Add(1)
	if again != first {
		return violated("pool %s, %s: the answer was %q, repeated with the same key it is %q", codes[pool], in, first, again)
	}
	return nil
}

// record does one operation under a fresh key and writes it into the history.
func (c *worker) record(ctx context.Context, pool int, in input) (output, error) {
	return c.recordKey(ctx, pool, in, seatwright.NewID())
}

func (c *worker) recordKey(ctx context.Context, pool int, in input, key string) (output, error) {
	call := time.Since(c.begin)
	out, err := c.perform(ctx, pool, in, key)
	if err != nil {
		return out, err
	}
	c.stats.operations.Add(1)
	if out.refused {
		c.stats.refusals.Add(1)
	}
	c.window.mu.Lock()
	defer c.window.mu.Unlock()
	c.window.history[pool] = append(c.window.history[pool], porcupine.Operation{
		ClientId: c.id, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(c.begin)),
	})
	return out, nil
}

// checkStore opens the database that the last kill left behind: the pools must agree with a recount of the seats, and the
// events of both chains must follow each other without a gap.
func checkStore(t *testing.T, data string) {
	t.Helper()
	ctx := t.Context()
	store, err := sqlite.Open(ctx, data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	pools, err := store.Pools(ctx, organization)
	if err != nil {
		t.Fatal(err)
	}
	seats, err := store.SeatUnits(ctx, organization)
	if err != nil {
		t.Fatal(err)
	}
	for _, pool := range pools {
		if pool.Used != seats[pool.Code] || pool.Used > capacity {
			t.Errorf("pool %s says that %d units are used, its seats have %d, %d were bought", pool.Code, pool.Used, seats[pool.Code], capacity)
		}
	}
	for _, id := range []seatwright.OrganizationID{organization, seatwright.HostID} {
		head := seatwright.Head{Organization: id, Hash: seatwright.NoHash()}
		for {
			events, err := store.Events(ctx, id, head.Sequence, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) == 0 {
				break
			}
			if head, err = seatwright.VerifyChain(head, events); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
		}
		if stored, err := store.Head(ctx, id); err != nil || stored.Sequence != head.Sequence {
			t.Errorf("%s: the head says %d, the events end at %d (%v)", id, stored.Sequence, head.Sequence, err)
		}
	}
}
