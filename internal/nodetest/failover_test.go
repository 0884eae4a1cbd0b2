package nodetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// Promise: the death of the primary loses nothing that was acknowledged, when a synchronous standby takes over, and both
// nodes write again by themselves.
func TestR5FailoverToASynchronousStandbyLosesNothing(t *testing.T) {
	seed := faults.Seed(t)
	random := faults.Random(seed, -1)
	p := startPair(t, true)
	n := startNodes(t, program(t, ""), seed, p.url(), p.url())
	failovers := cycles(t, 1, 5, 100)
	var slowest time.Duration
	for i := range failovers {
		if i > 0 { // a new standby, whose address the nodes have to be told
			p.follow()
			for node := range n.processes {
				n.stop(node)
				n.start(node, p.url())
			}
		}
		n.window(func(ctx context.Context) error {
			if err := pause(ctx, time.Duration(200+random.IntN(400))*time.Millisecond); err != nil {
				return err
			}
			if err := p.failover(ctx); err != nil {
				return err
			}
			begin := time.Now()
			if err := n.works(ctx); err != nil {
				return err
			}
			slowest = max(slowest, time.Since(begin))
			return pause(ctx, 200*time.Millisecond)
		})
	}
	if slowest > 15*time.Second { // the aim is five; a busy machine may be slower
		t.Errorf("it took %s from the promotion to the next write", slowest)
	}
	n.verify(p.primary.URL(p.database))
	faults.Report(t, "R5", "%d failovers of two nodes to a synchronous standby, writes again within %s: %s; 0 lost, 0 oversold",
		failovers, slowest.Round(time.Millisecond), &n.load.Stats)
}

// Promise: the test above can fail. A standby that nobody waits for does not have what was acknowledged, and that is seen.
func TestR7AsynchronousStandbyIsFoundToLoseWhatWasAcknowledged(t *testing.T) {
	seed := faults.Seed(t)
	p := startPair(t, false)
	n := startNodes(t, program(t, ""), seed, p.url(), p.url())
	n.load.Artifacts = ""
	if err := n.works(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := n.load.Window(t.Context(), func(ctx context.Context) error {
		if err := p.primary.PauseSender(ctx); err != nil {
			return err
		}
		before := n.load.Stats.Operations.Load()
		for n.load.Stats.Operations.Load() < before+300 {
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
		if err := p.failover(ctx); err != nil {
			return err
		}
		return n.works(ctx)
	})
	var found *crashtest.Violation
	if !errors.As(err, &found) {
		t.Fatalf("what was acknowledged is lost, and nobody has noticed: %v; %s", err, &n.load.Stats)
	}
	what, _, _ := strings.Cut(found.Error(), "\n") // without the operations
	faults.Report(t, "R7", "an asynchronous standby is reported as a violation: %s", what)
}

// Promise: nobody is told of success before the standby has it, whatever cancels the wait: clients that leave, request
// time-outs, an administrator's cancel or termination.
func TestR14CancelledCommitsAreNeverAcknowledged(t *testing.T) {
	seed := faults.Seed(t)
	random := faults.Random(seed, -1)
	attempts := int64(cycles(t, 25, 200, 5000))
	var left, leftOut, cancelled, terminated, failovers int64
	bin := program(t, "")
	rounds := int64(cycles(t, 1, 5, 50))
	for failovers < rounds || left < attempts || cancelled == 0 || terminated == 0 {
		p := startPair(t, true)
		n := startNodes(t, bin, seed+uint64(failovers), p.url(), p.url())
		var hurry atomic.Bool
		n.load.Hurry = func() time.Duration {
			if hurry.Load() {
				return time.Duration(rand.Int64N(int64(50*time.Millisecond))) + time.Millisecond
			}
			return 20 * time.Second
		}
		n.window(func(ctx context.Context) error {
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return err
			}
			// What a cancelled COMMIT has written, readers see until the primary dies; nobody was told that it is done.
			err := n.load.Undone(func() error {
				// Nothing leaves the primary from now on: a standby whose receiver is stopped would still find in its socket what was sent.
				if err := p.primary.PauseSender(ctx); err != nil {
					return err
				}
				before := n.load.Stats.Broken.Load()
				hurry.Store(failovers%3 != 1) // else they wait, and would believe what they are told
				defer hurry.Store(false)
				c, k, err := endWaits(ctx, p.primary, random)
				left += n.load.Stats.Broken.Load() - before
				cancelled, terminated = cancelled+c, terminated+k
				if err != nil {
					return err
				}
				return p.failover(ctx)
			})
			if err != nil {
				return err
			}
			return n.works(ctx)
		})
		leftOut += n.load.Stats.LeftOut.Load()
		n.verify(p.primary.URL(p.database))
		for i := range n.processes {
			n.stop(i)
		}
		if err := p.primary.Close(); err != nil {
			t.Fatal(err)
		}
		failovers++
	}
	faults.Report(t, "R14", "%d clients left within 50 ms of a commit whose standby was paused, %d commits were cancelled, %d terminated, then %d failovers; %d reads in between count for nothing; 0 acknowledged and lost",
		left, cancelled, terminated, failovers, leftOut)
}

// endWaits cancels and terminates, for about a second, the sessions that wait for the standby in COMMIT, and tells how many.
func endWaits(ctx context.Context, primary *pgtest.Cluster, random *rand.Rand) (cancelled, terminated int64, err error) {
	err = administer(ctx, primary.URL("postgres"), func(conn *pgx.Conn) error {
		end := time.Now().Add(time.Duration(600+random.IntN(900)) * time.Millisecond)
		for i := 1; time.Now().Before(end); i++ {
			verb, count := "pg_cancel_backend", &cancelled
			if i%3 == 0 {
				verb, count = "pg_terminate_backend", &terminated
			}
			var hit int64
			err := conn.QueryRow(ctx, `SELECT count(*) FILTER (WHERE `+verb+`(pid)) FROM pg_stat_activity
				WHERE wait_event = 'SyncRep' AND pid <> pg_backend_pid()`).Scan(&hit)
			if err != nil {
				return err
			}
			*count += hit
			if err := pause(ctx, time.Duration(5+random.IntN(40))*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	return cancelled, terminated, err
}
