package nodetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/planted"
)

// Promise: a node may be killed or held up between any two steps of a batch: the other one goes on, nothing acknowledged is
// lost, nothing oversold, nothing done twice.
func TestR15ANodeStopsBetweenTheStepsOfABatch(t *testing.T) {
	seed := faults.Seed(t)
	random := faults.Random(seed, -1)
	database := pgtest.Database(t)
	n := startNodes(t, program(t, "mutants"), seed, database, database)
	var points []string
	for _, point := range []string{
		"before-" + planted.StepBegin, "after-" + planted.StepLock, "after-" + planted.StepLoad, "before-" + planted.StepInsert,
		"before-" + planted.StepCommit, "after-" + planted.StepCommit, "before-" + planted.StepAnswer, "after-" + planted.StepAnswer,
	} {
		points = append(points, "kill "+point, "sleep "+point)
	}
	all, times := len(points), cycles(t, 1, 3, 20)
	if short := cycles(t, 4, all, all); short < all {
		random.Shuffle(all, func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:short]
	}
	for range times {
		for _, point := range points {
			n.stop(1)
			n.env = []string{fmt.Sprintf("SEATWRIGHT_FAILPOINT=%s %d", point, 2+random.IntN(20))} // the first batch is of the start
			n.start(1, database)
			n.env = nil
			n.window(func(ctx context.Context) error {
				if err := n.reaches(ctx, 1, point); err != nil {
					return err
				}
				if strings.HasPrefix(point, "kill") {
					n.load.Front.Down(1)
					n.start(1, database)
				}
				return n.works(ctx)
			})
		}
	}
	n.verify(database)
	faults.Report(t, "R15", "PostgreSQL: %d of %d points, each %d times on one of two nodes: %s; 0 lost, 0 oversold", len(points), all, times, &n.load.Stats)
}

// reaches returns when a node has come to its point.
func (n *nodes) reaches(ctx context.Context, i int, point string) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		if strings.Contains(n.processes[i].Log(), "failpoint: "+point) {
			if strings.HasPrefix(point, "kill") {
				<-n.processes[i].Done()
			}
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("node %d does not come to the point %s", i, point)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// Promise: a migration that is killed before any of its statements is taken up again by the next start; and of nodes that
// start together on an empty database one migrates it, and all of them serve.
func TestR12KilledMigrationsAreTakenUpAgain(t *testing.T) {
	seed := faults.Seed(t)
	bin := program(t, "mutants")
	migrate := func(boundary int) (killed bool) {
		t.Helper()
		database := pgtest.Database(t)
		server := crashtest.Program{
			Bin: bin, Args: []string{"--database-url", database}, Env: []string{fmt.Sprintf("SEATWRIGHT_FAILPOINT=kill before-migration %d", boundary)},
		}
		process, err := server.Start()
		if killed = err != nil; !killed {
			process.Kill()
			return false
		}
		var ended *crashtest.StartError
		if !errors.As(err, &ended) || !strings.Contains(ended.Log, "failpoint: kill") {
			t.Fatal(err)
		}
		server.Env = nil
		if process, err = server.Start(); err != nil {
			t.Fatalf("killed at boundary %d of the migrations, the next start fails: %v", boundary, err)
		}
		process.Kill()
		verify(t, bin, database)
		return true
	}
	boundaries := 0
	step := cycles(t, 12, 1, 1) // the short form leaves some out, others each time
	for at := 1 + int(seed)%step; migrate(at); at += step {
		boundaries++
	}
	if boundaries*step < 15 {
		t.Errorf("only %d boundaries were found: the test has tested next to nothing", boundaries)
	}
	together := cycles(t, 1, 5, 20)
	for range together {
		startTogether(t, bin, 4)
	}
	faults.Report(t, "R12", "PostgreSQL: killed at %d boundaries of the migrations, 0 stuck; %d times four nodes started together, each migration applied once", boundaries, together)
}

func startTogether(t *testing.T, bin string, nodes int) {
	t.Helper()
	database := pgtest.Database(t)
	processes, errs := make([]*crashtest.Process, nodes), make([]error, nodes)
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			processes[i], errs[i] = crashtest.Program{Bin: bin, Args: []string{"--database-url", database}}.Start()
		})
	}
	wg.Wait()
	for _, p := range processes {
		if p != nil {
			defer p.Kill()
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var twice, administrators int
	err := administer(t.Context(), database, func(conn *pgx.Conn) error {
		// The first administrator is made behind the line that a start waits for.
		for deadline := time.Now().Add(30 * time.Second); administrators == 0 && time.Now().Before(deadline); {
			err := conn.QueryRow(t.Context(), `SELECT (SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version),
				(SELECT count(*) FROM users WHERE role = 'host-administrator')`).Scan(&twice, &administrators)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || twice != 0 || administrators != 1 {
		t.Errorf("%d migrations were applied twice, %d first administrators were made (%v)", twice, administrators, err)
	}
	for i, p := range processes {
		select {
		case <-p.Done():
			t.Errorf("node %d has ended:\n%s", i, p.Log())
		default:
		}
	}
}
