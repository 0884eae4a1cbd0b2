package crashtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faultdisk"
	"github.com/seatwright/seatwright/internal/faults"
)

// ioFaults are the ways in which an operation of the disk goes wrong.
var ioFaults = []faultdisk.Fault{
	{Errno: syscall.EIO},
	{Errno: syscall.EIO, Sticky: true},
	{Errno: syscall.ENOSPC},
	{Errno: syscall.ENOSPC, Sticky: true},
	{}, // half a write
}

// faultPoints lists which operation is to fail in which way: every one with EIO and, in turn, in one of the other ways; in the
// short form some of these by chance, and in the full form at most so many; in the long form every one in every way.
func faultPoints(t *testing.T, random *rand.Rand, upTo, most int) []faultdisk.Fault {
	t.Helper()
	ways := faults.Count(t, 2, 2, len(ioFaults))
	var points []faultdisk.Fault
	for at := 1; at <= upTo; at++ {
		for way, f := range ioFaults {
			if way == 0 || (at+way)%(len(ioFaults)-1) < ways-1 {
				f.At = at
				points = append(points, f)
			}
		}
	}
	if short := faults.Count(t, 12, most, len(points)); short < len(points) {
		random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:short]
	}
	return points
}

// Promise: whichever operation of the disk fails, nothing acknowledged is lost and nothing is acknowledged that was not
// stored. A process that saw a sync fail ends, with a reason; every other one goes on when the disk does; and every start
// after that succeeds. Half of the faults are followed by a loss of power.
func TestR3EveryFailingOperationIsSurvived(t *testing.T) {
	needDisk(t, "R3")
	bins := bothLogs(t)
	p := newPowered(t, bins[0], shortLog)
	begin := time.Now()
	found := ioFindings{goesOn: 10 * time.Second}
	for _, fault := range faultPoints(t, p.random, faults.Count(t, 300, 300, 5000), 600) {
		p.program.Bin = bins[p.random.IntN(len(bins))]
		if err := p.survive(t.Context(), fault, &found); err != nil {
			t.Fatalf("%s: %v\nend of the server's log:\n%s", describe(fault), err, p.log())
		}
		found.points++
	}
	if err := p.intact(t.Context()); err != nil {
		t.Error(err)
	}
	faults.Report(t, "R3", "%d fault points in %s, %d of them hit, %d syncs failed and ended the process, %d starts failed and the next did not, %d losses of power, %d of them during the start after that: %s; 0 lost, 0 false acknowledgements",
		found.points, time.Since(begin).Round(time.Millisecond), found.hit, found.ended, found.starts, p.losses, found.cutStarts, &p.load.Stats)
}

// Promise: the test above can fail. A process that goes on after a failed sync, and a start that trusts the log of one that
// ended so, are found out.
func TestR7FailingSyncsFindTrust(t *testing.T) {
	needDisk(t, "R7")
	bin := crashtest.Build(t, "mutants")
	for _, mutant := range []string{"go-on-after-sync", "trust-the-log"} {
		t.Run(mutant, func(t *testing.T) {
			p := newPowered(t, bin, "SEATWRIGHT_MUTANT="+mutant)
			const tries = 100
			for try := range tries {
				err := p.survive(t.Context(), faultdisk.Fault{At: 60 + p.random.IntN(300), Sticky: true, Only: faultdisk.Sync, Errno: syscall.EIO}, &ioFindings{goesOn: time.Second, cutStart: true})
				if err != nil {
					t.Logf("found in try %d: %v", try+1, err)
					faults.Report(t, "R7", "%s: found after %d failed syncs", mutant, try+1)
					return
				}
			}
			t.Errorf("not found in %d tries", tries)
		})
	}
}

// Promise: a first start that a fault cuts short leaves nothing behind that a second cannot mend, and the password that was
// printed last is the one that counts.
func TestR3EveryFirstStartIsMended(t *testing.T) {
	needDisk(t, "R3")
	seed := faults.Seed(t)
	random := faults.Random(seed, -1)
	disk := faultdisk.New(t)
	program := crashtest.Program{Bin: crashtest.Build(t, ""), Args: []string{"--data", filepath.Join(disk.Path(), "data")}}
	begin := time.Now()
	// How many operations a start has is counted first.
	disk.Fail(faultdisk.Fault{})
	server, err := program.Start()
	if err != nil {
		t.Fatal(err)
	}
	err = signIn(t.Context(), server, seed, "")
	server.Kill()
	if err != nil {
		t.Fatal(err)
	}
	operations, _ := disk.Operations()
	failed := 0
	points := faultPoints(t, random, operations, 300) // each migration adds operations, and there is half an hour for everything
	for _, fault := range points {
		if err := disk.Erase(); err != nil {
			t.Fatal(err)
		}
		disk.Fail(fault)
		password := ""
		server, err := program.Start()
		if err == nil {
			select {
			case password = <-server.Password:
			case <-server.Done():
			case <-time.After(30 * time.Second):
				t.Errorf("%s: the server neither ends nor goes on", describe(fault))
			}
			server.Kill()
			select {
			case password = <-server.Password:
			default:
			}
		}
		if err != nil || password == "" {
			failed++
		}
		keep := random
		if random.IntN(2) == 0 {
			keep = nil
		}
		if random.IntN(2) == 0 {
			disk.Fail(faultdisk.Fault{})
		} else if err := disk.Cut(keep); err != nil {
			t.Fatal(err)
		}
		if server, err = program.Start(); err != nil {
			t.Fatalf("%s: the second start failed: %v", describe(fault), err)
		}
		// Where the first life stored the administrator no second password is printed. A sign-in is slow on purpose, so one in
		// four has to do.
		if random.IntN(4) > 0 {
			server.Kill()
			continue
		}
		if err := signIn(t.Context(), server, seed, password); err != nil {
			t.Errorf("%s: %v", describe(fault), err)
		}
		server.Kill()
		if t.Failed() {
			t.Fatalf("end of the server's log:\n%s", server.Log())
		}
	}
	faults.Report(t, "R3", "first start: %d fault points in %d operations, in %s; %d starts failed, every second one did not", len(points), operations,
		time.Since(begin).Round(time.Millisecond), failed)
}

type ioFindings struct {
	points, hit, ended, starts, cutStarts int

	// For planted bugs: how long a process may go on after a failed sync, and whether the power is lost during each start after
	// that and at no other moment.
	goesOn   time.Duration
	cutStart bool
}

func describe(f faultdisk.Fault) string {
	how := "half of a write"
	if f.Errno != 0 {
		how = f.Errno.Error()
	}
	if f.Sticky {
		how += ", again and again"
	}
	return fmt.Sprintf("operation %d (%s)", f.At, how)
}

// survive kills the server, starts it on a disk with a fault, under load, and sees to it that it is up again in the end.
func (p *powered) survive(ctx context.Context, fault faultdisk.Fault, found *ioFindings) error {
	p.load.Front.Down(0)
	p.server.Kill()
	p.disk.Fail(fault)
	switch err := p.start(); {
	case err == nil:
	case p.hit():
		found.starts++
		if err := p.recover(ctx, found); err != nil {
			return err
		}
		return p.load.Window(ctx, func(context.Context) error { return nil })
	default:
		return err
	}
	err := p.load.Window(ctx, func(ctx context.Context) error {
		err := within(ctx, 20*time.Second, "the fault is not met", func() bool { return p.hit() || p.ended() })
		if err != nil {
			return err
		}
		if !p.ended() && p.disk.FailedSyncs() == 0 { // let it go on for a moment with a disk that fails again and again
			answers := p.load.Stats.Operations.Load() + p.load.Stats.Unable.Load()
			err = within(ctx, 20*time.Second, "the server does not answer", func() bool {
				return p.load.Stats.Operations.Load()+p.load.Stats.Unable.Load() > answers+10 || p.ended() || p.disk.FailedSyncs() > 0
			})
			if err != nil {
				return err
			}
		}
		if p.disk.FailedSyncs() > 0 {
			if err := within(ctx, found.goesOn, "the server goes on after a failed sync", p.ended); err != nil {
				return err
			}
		}
		found.hit++
		if !p.ended() {
			p.disk.Heal()
			return nil
		}
		found.ended++
		if code, log := p.server.ExitCode(), p.server.Log(); code != 1 || !strings.Contains(log, "start again to recover") {
			return fmt.Errorf("the server ended by itself with exit code %d", code)
		}
		return p.recover(ctx, found)
	})
	return err
}

func (p *powered) hit() bool {
	_, failed := p.disk.Operations()
	return failed > 0
}

func (p *powered) ended() bool {
	select {
	case <-p.server.Done():
		return true
	default:
		return false
	}
}

// recover starts a server that has ended on a disk that works again; in half of the cases after a loss of power, and in half
// of them after a loss of power in the middle of a start.
func (p *powered) recover(ctx context.Context, found *ioFindings) error {
	p.load.Front.Down(0)
	p.disk.Fail(faultdisk.Fault{})
	if !found.cutStart && p.random.IntN(2) == 0 {
		if err := p.lose(ctx); err != nil {
			return err
		}
	}
	if found.cutStart || p.random.IntN(2) == 0 {
		found.cutStarts++
		// From some operation on there is no disk any more.
		p.disk.Fail(faultdisk.Fault{At: 1 + p.random.IntN(60), Sticky: true, Errno: syscall.EIO})
		if err := p.start(); err == nil {
			p.load.Front.Down(0)
			p.server.Kill()
		}
		if err := p.lose(ctx); err != nil {
			return err
		}
	}
	return p.start()
}

// lose loses power, with everything unsynced or a part of it.
func (p *powered) lose(ctx context.Context) error {
	p.losses++
	keep := p.random
	if p.random.IntN(2) == 0 {
		keep = nil
	}
	if err := p.disk.Cut(keep); err != nil {
		return err
	}
	return p.intact(ctx)
}
