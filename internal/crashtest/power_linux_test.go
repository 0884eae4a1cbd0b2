package crashtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faultdisk"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// The two ways in which a disk loses power.
var powerModes = []struct {
	name string
	keep func(*rand.Rand) *rand.Rand // what is kept of the unsynced pages: nothing, or by chance
}{
	{"EverythingUnsyncedIsLost", func(*rand.Rand) *rand.Rand { return nil }},
	{"ARandomHalfIsKept", func(r *rand.Rand) *rand.Rand { return r }},
}

// Promise: what is acknowledged survives the loss of power, also while the log is copied.
func TestR2PowerLossLosesNothing(t *testing.T) {
	needDisk(t, "R2")
	bins := bothLogs(t)
	cycles := faults.Count(t, 6, 200, 5000)
	for _, mode := range powerModes {
		t.Run(mode.name, func(t *testing.T) {
			p := newPowered(t, bins[0], shortLog)
			begin := time.Now()
			for i, bin := range bins {
				p.program.Bin = bin
				if err := p.run(t.Context(), cycles*(i+1)/len(bins), mode.keep(p.random)); err != nil {
					t.Fatalf("after %d losses of power: %v\nend of the server's log:\n%s", p.losses, err, p.log())
				}
			}
			faults.Report(t, "R2", "%s: %d losses of power in %s: %s; 0 lost, 0 oversold, every database whole",
				mode.name, p.losses, time.Since(begin).Round(time.Millisecond), &p.load.Stats)
		})
	}
}

// Promise: the test above can fail. With less than synchronous=FULL it has to.
func TestR7PowerLossFindsTooFewSyncs(t *testing.T) {
	needDisk(t, "R7")
	bin := crashtest.Build(t, "mutants")
	const cycles = 60
	for _, mode := range powerModes {
		for _, mutant := range []string{"synchronous-normal", "synchronous-off"} {
			t.Run(mode.name+"/"+mutant, func(t *testing.T) {
				p := newPowered(t, bin, "SEATWRIGHT_MUTANT="+mutant)
				err := p.run(t.Context(), cycles, mode.keep(p.random))
				var found *crashtest.Violation
				var damaged *damage
				if !errors.As(err, &found) && !errors.As(err, &damaged) {
					t.Fatalf("not found in %d losses of power: %s (error: %v)", p.losses, &p.load.Stats, err)
				}
				faults.Report(t, "R7", "%s, %s: found after %d losses of power", mutant, mode.name, p.losses)
				t.Log(err)
			})
		}
	}
}

func needDisk(t *testing.T, id string) {
	t.Helper()
	if missing := faultdisk.Missing(); missing != "" {
		faults.Missing(t, id, missing)
	}
}

// powered runs one server on a disk that loses power.
type powered struct {
	disk    *faultdisk.Disk
	program crashtest.Program
	random  *rand.Rand // of the schedule
	load    *crashtest.Load
	server  *crashtest.Process
	losses  int
}

// newPowered starts a server for the first time, sets it up and stops it in good order; the environment is for the lives
// after that.
func newPowered(t *testing.T, bin string, environment ...string) *powered {
	t.Helper()
	seed := faults.Seed(t)
	disk := faultdisk.New(t)
	p := &powered{
		disk: disk, program: crashtest.Program{Bin: bin, Args: []string{"--data", filepath.Join(disk.Path(), "data")}},
		random: faults.Random(seed, -1), load: crashtest.NewLoad(crashtest.NewFront(1), seed),
	}
	t.Cleanup(func() {
		if p.server != nil {
			p.server.Kill()
		}
	})
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	if err := prepare(t.Context(), p.load, p.server); err != nil {
		t.Fatal(err)
	}
	p.load.Front.Down(0)
	p.program.Env = environment
	if err := errors.Join(p.server.Stop(), p.start()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *powered) log() string {
	if p.server == nil {
		return ""
	}
	return p.server.Log()
}

func (p *powered) start() error {
	server, err := p.program.Start()
	if err != nil {
		return err
	}
	p.server = server
	p.load.Front.Up(0, server.URL)
	return nil
}

// run loses power until that has happened so many times.
func (p *powered) run(ctx context.Context, cycles int, keep *rand.Rand) error {
	for p.losses < cycles {
		err := p.load.Window(ctx, func(ctx context.Context) error {
			for range min(windowCycles, cycles-p.losses) {
				if err := p.cycle(ctx, keep); err != nil || ctx.Err() != nil {
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

// cycle lets the server live for a moment under load and cuts the power.
func (p *powered) cycle(ctx context.Context, keep *rand.Rand) error {
	liveUnderLoad(ctx, p.load, p.random)
	p.load.Front.Down(0)
	p.server.Kill()
	p.losses++
	if err := p.disk.Cut(keep); err != nil {
		return err
	}
	if err := p.intact(ctx); err != nil {
		return err
	}
	if err := p.start(); err != nil {
		return &damage{err.Error()}
	}
	return nil
}

// damage is a database that is not whole, or does not start.
type damage struct{ text string }

func (d *damage) Error() string { return d.text }

// intact looks at a copy of what the disk has.
func (p *powered) intact(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "seatwright-copy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := p.disk.CopyTo(dir); err != nil {
		return err
	}
	if err := integrity(ctx, filepath.Join(dir, "data", "seatwright.db")); err != nil {
		return err
	}
	if err := crashtest.Verify(ctx, sqlite.NewArchive(filepath.Join(dir, "data"))); err != nil {
		return &damage{err.Error()}
	}
	return nil
}

// integrity asks SQLite whether a database is whole.
func integrity(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, check := range []string{`PRAGMA integrity_check`, `SELECT 'foreign key of ' || "table" FROM pragma_foreign_key_check`} {
		rows, err := db.QueryContext(ctx, check)
		if err != nil {
			return &damage{fmt.Sprintf("%s: %v", check, err)}
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			if line != "ok" {
				return &damage{check + ": " + line}
			}
		}
		if err := rows.Err(); err != nil {
			return &damage{fmt.Sprintf("%s: %v", check, err)}
		}
	}
	return nil
}
