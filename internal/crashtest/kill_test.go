package crashtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/seatwright/seatwright/internal/cli" // what is built and killed: a change of it makes the cached result of this test stale
	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// shortLog makes a server copy its log every few batches, where it is built so that it can be told to. It has to live for minutes else.
const shortLog = "SEATWRIGHT_MUTANT=short-log"

// bothLogs builds the server twice: as users get it, and so that shortLog has an effect.
func bothLogs(t *testing.T) []string {
	t.Helper()
	return []string{crashtest.Build(t, ""), crashtest.Build(t, "mutants")}
}

func TestMain(m *testing.M) { os.Exit(crashtest.Main(m)) }

// Promise: a kill -9 at any moment, also while the log is copied, loses no acknowledged allocation and oversells no seat, and a request
// that is repeated with its key is carried out once.
func TestR1KilledServerLosesNothingAndOversellsNothing(t *testing.T) {
	cycles := faults.Count(t, 40, 500, 10_000)
	if testing.Short() {
		cycles = 10
	}
	bins := bothLogs(t)
	h := newKiller(t, bins[0], shortLog)
	h.load.Artifacts = t.ArtifactDir()
	begin := time.Now()
	err := h.setUp(t.Context())
	for i, bin := range bins {
		if err == nil {
			h.program.Bin = bin
			err = h.run(t.Context(), cycles*(i+1)/len(bins))
		}
	}
	if err != nil {
		t.Fatalf("%v\nafter %d kills: %s\nend of the server's log:\n%s", err, h.kills, &h.load.Stats, h.log())
	}
	if n := h.load.Stats.Unable.Load(); n > 0 {
		t.Errorf("the server answered %d times that it could not", n)
	}
	if cycles >= 10 && h.load.Stats.Retried.Load() == 0 {
		t.Error("no request was repeated through a kill: the test has tested nothing")
	}
	h.server.Kill()
	checkStore(t, h.data)
	faults.Report(t, "R1", "%d kills in %s, slowest start %s: %s; 0 lost, 0 oversold", h.kills, time.Since(begin).Round(time.Millisecond),
		h.slowest.Round(time.Millisecond), &h.load.Stats)
}

// Promise: the test above can fail. Each of these bugs is planted into a build of its own and has to be found, within so
// many kills or, where a slow machine gets less done between two of them, so many operations.
func TestR7HarnessFindsPlantedBugs(t *testing.T) {
	const kills, operations = 60, 10_000
	most := 0
	bin := crashtest.Build(t, "mutants")
	mutants := []string{"answer-before-commit", "limit-off-by-one", "partial-bulk", "no-key-record"}
	if faults.Count(t, 0, 1, 1) == 1 {
		mutants = append(mutants, "lease-revives", "quota-off-by-one", "rule-keeps-units", "free-service", "repeated-units")
	}
	for _, mutant := range mutants {
		t.Run(mutant, func(t *testing.T) {
			h := newKiller(t, bin, "SEATWRIGHT_MUTANT="+mutant)
			err := h.setUp(t.Context())
			for err == nil && (h.kills < kills || h.load.Stats.Operations.Load() < operations) {
				err = h.run(t.Context(), h.kills+windowCycles)
			}
			var found *crashtest.Violation
			if !errors.As(err, &found) {
				t.Fatalf("not found in %d kills: %s (error: %v)", h.kills, &h.load.Stats, err)
			}
			t.Logf("found after %d kills: %v", h.kills, found)
			most = max(most, h.kills)
		})
	}
	if !t.Failed() {
		faults.Report(t, "R7", "%d planted bugs, each found within %d kills", len(mutants), most)
	}
}

// killer runs one server through many lives.
type killer struct {
	data    string
	program crashtest.Program
	random  *rand.Rand // of the schedule
	load    *crashtest.Load
	server  *crashtest.Process
	kills   int
	slowest time.Duration // from the start of a process until it listens
}

func newKiller(t *testing.T, bin string, environment ...string) *killer {
	t.Helper()
	seed := faults.Seed(t)
	data := filepath.Join(t.TempDir(), "data")
	h := &killer{
		data: data, program: crashtest.Program{Bin: bin, Args: []string{"--data", data}, Env: environment},
		random: faults.Random(seed, -1), load: crashtest.NewLoad(crashtest.NewFront(1), seed),
	}
	t.Cleanup(func() {
		if h.server != nil {
			h.server.Kill()
		}
	})
	return h
}

func (h *killer) log() string {
	if h.server == nil {
		return ""
	}
	return h.server.Log()
}

func (h *killer) start() (err error) {
	begin := time.Now()
	if h.server, err = h.program.Start(); err != nil {
		return err
	}
	h.slowest = max(h.slowest, time.Since(begin))
	h.load.Front.Up(0, h.server.URL)
	return nil
}

// windowCycles is how many lives one history spans. Between histories the clients rest and the state is read.
const windowCycles = 5

// setUp lives a first life that sets up what the others need, without the environment.
func (h *killer) setUp(ctx context.Context) error {
	environment := h.program.Env
	h.program.Env = nil
	if err := h.start(); err != nil {
		return err
	}
	if err := prepare(ctx, h.load, h.server); err != nil {
		return err
	}
	h.load.Front.Down(0)
	h.server.Kill()
	h.program.Env = environment
	return h.start()
}

// run kills until that has happened so many times. The error is a *crashtest.Violation where the server has done wrong.
func (h *killer) run(ctx context.Context, cycles int) error {
	for h.kills < cycles {
		err := h.load.Window(ctx, func(ctx context.Context) error {
			for range min(windowCycles, cycles-h.kills) {
				if err := h.cycle(ctx); err != nil || ctx.Err() != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// prepare sets the load up on a server that lives for the first time.
func prepare(ctx context.Context, load *crashtest.Load, server *crashtest.Process) error {
	select {
	case password := <-server.Password:
		if err := load.Prepare(ctx, password); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		return nil
	case <-server.Done():
		return errors.New("the server ended before it printed a password")
	case <-time.After(30 * time.Second):
		return errors.New("the server printed no password of the first administrator")
	}
}

// liveUnderLoad lets a server live for a moment. One life in eight is counted from the start of the process, so that it can end
// before the first answer.
func liveUnderLoad(ctx context.Context, load *crashtest.Load, random *rand.Rand) {
	if random.IntN(8) > 0 {
		select {
		case <-load.Front.FirstAnswer(0):
		case <-ctx.Done():
		}
	}
	life := time.NewTimer(20*time.Millisecond + time.Duration(random.Int64N(int64(120*time.Millisecond))))
	select {
	case <-life.C:
	case <-ctx.Done():
	}
}

// cycle lets the server live for a moment under load, kills it, and starts it again.
func (h *killer) cycle(ctx context.Context) error {
	liveUnderLoad(ctx, h.load, h.random)
	h.load.Front.Down(0)
	h.server.Kill()
	h.kills++
	return h.start()
}

// checkStore verifies the database that the last kill left behind.
func checkStore(t *testing.T, data string) {
	t.Helper()
	if err := crashtest.Verify(t.Context(), sqlite.NewArchive(data)); err != nil {
		t.Error(err)
	}
}

// within waits until a condition holds.
func within(ctx context.Context, most time.Duration, otherwise string, holds func() bool) error {
	deadline := time.Now().Add(most)
	for !holds() {
		if time.Now().After(deadline) {
			return errors.New(otherwise)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// signIn signs the host's administrator in with the password that this life prints, or else the one that an earlier did.
func signIn(ctx context.Context, server *crashtest.Process, seed uint64, earlier string) error {
	front := crashtest.NewFront(1)
	front.Up(0, server.URL)
	client := crashtest.NewClient(front, "", &crashtest.NewLoad(front, seed).Stats)
	defer client.Close()
	tried := earlier == ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		select {
		case password := <-server.Password:
			return client.SignIn(ctx, "host", "admin", password)
		case <-server.Done():
			return errors.New("the server ended by itself")
		case <-time.After(20 * time.Millisecond):
			if !tried {
				tried = true
				if err := client.SignIn(ctx, "host", "admin", earlier); err == nil {
					return nil
				}
			}
		}
	}
	return errors.New("no password was printed, and an earlier one is not accepted")
}
