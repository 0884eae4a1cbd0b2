package crashtest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/planted"
)

// Promise: a process may be killed or held up between any two steps of a batch, and nothing acknowledged is lost, nothing
// oversold and nothing done twice.
func TestR15StopsBetweenTheStepsOfABatchAreSurvived(t *testing.T) {
	h := newKiller(t, crashtest.Build(t, "mutants"))
	var points []string
	for _, step := range []string{
		planted.StepBegin, planted.StepLoad, planted.StepHead, planted.StepCounter, planted.StepInsert, planted.StepAudit, planted.StepKey,
		planted.StepCommit, planted.StepAnswer,
	} {
		for _, deed := range []string{"kill", "sleep"} {
			points = append(points, deed+" before-"+step, deed+" after-"+step)
		}
	}
	all := len(points)
	times := faults.Count(t, 1, 3, 20)
	if short := faults.Count(t, 8, all, all); short < all {
		h.random.Shuffle(all, func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:short]
	}
	if err := h.setUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for range times {
		for _, point := range points {
			h.load.Front.Down(0)
			h.server.Kill()
			h.program.Env = []string{fmt.Sprintf("SEATWRIGHT_FAILPOINT=%s %d", point, 1+h.random.IntN(20))}
			err := h.start()
			var ended *crashtest.StartError
			switch {
			case err == nil:
				err = h.load.Window(t.Context(), func(ctx context.Context) error { return h.pass(ctx, point) })
			case errors.As(err, &ended) && strings.Contains(ended.Log, "failpoint: kill"): // a start has a batch as well
				h.kills++
				h.program.Env = nil
				if err = h.start(); err == nil {
					err = h.load.Window(t.Context(), func(context.Context) error { return nil })
				}
			}
			if err != nil {
				t.Fatalf("%s: %v\nend of the server's log:\n%s", point, err, h.log())
			}
		}
	}
	h.load.Front.Down(0)
	h.server.Kill()
	checkStore(t, h.data)
	faults.Report(t, "R15", "SQLite: %d of %d points, each %d times, in %s: %s; 0 lost, 0 oversold", len(points), all, times,
		time.Since(begin).Round(time.Millisecond), &h.load.Stats)
}

// pass waits until the server has come to the point, and sees to it that one is up in the end.
func (h *killer) pass(ctx context.Context, point string) error {
	if strings.HasPrefix(point, "sleep") {
		answers := int64(0)
		return within(ctx, 30*time.Second, "the server does not come to the point, or not beyond it", func() bool {
			if answers == 0 && strings.Contains(h.server.Log(), "failpoint: "+point) {
				answers = h.load.Stats.Operations.Load() + 20
			}
			return answers > 0 && h.load.Stats.Operations.Load() > answers
		})
	}
	select {
	case <-h.server.Done():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(30 * time.Second):
		return fmt.Errorf("the server does not come to the point")
	}
	h.load.Front.Down(0)
	h.kills++
	h.program.Env = nil
	return h.start()
}

// Promise: a migration that is killed before any of its statements is taken up again by the next start.
func TestR12KilledMigrationsAreTakenUpAgain(t *testing.T) {
	seed := faults.Seed(t)
	bin := crashtest.Build(t, "mutants")
	begin := time.Now()
	// migrate starts on an empty directory, is killed at a boundary, and starts again.
	migrate := func(t *testing.T, boundary int) (killed bool) {
		t.Helper()
		data := filepath.Join(t.TempDir(), "data")
		program := crashtest.Program{Bin: bin, Args: []string{"--data", data}, Env: []string{fmt.Sprintf("SEATWRIGHT_FAILPOINT=kill before-migration %d", boundary)}}
		server, err := program.Start()
		if killed = err != nil; !killed {
			server.Kill()
			return false
		}
		var ended *crashtest.StartError
		if !errors.As(err, &ended) || !strings.Contains(ended.Log, "failpoint: kill") {
			t.Fatal(err)
		}
		program.Env = nil
		if server, err = program.Start(); err != nil {
			t.Fatalf("killed at boundary %d of the migrations, the next start fails: %v", boundary, err)
		}
		defer server.Kill()
		if err := signIn(t.Context(), server, seed, ""); err != nil {
			t.Fatalf("killed at boundary %d of the migrations: %v", boundary, err)
		}
		return true
	}
	boundaries := 0
	step := faults.Count(t, 5, 1, 1) // the short form leaves some out, others each time
	for at := 1 + int(seed)%step; migrate(t, at); at += step {
		boundaries++
	}
	if boundaries*step < 15 {
		t.Errorf("only %d boundaries were found: the test has tested next to nothing", boundaries)
	}
	faults.Report(t, "R12", "SQLite: killed at %d boundaries of the migrations, in %s; 0 stuck", boundaries, time.Since(begin).Round(time.Millisecond))
}
