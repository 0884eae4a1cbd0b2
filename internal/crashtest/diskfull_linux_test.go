package crashtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
)

// Promise: a full disk is told as 503 with a problem document, reads go on, people sign in, seats can be taken back, the process lives, the
// database stays whole, and writing goes on by itself within ten seconds of relief.
func TestR4FullDiskIsSurvived(t *testing.T) {
	needDisk(t, "R4")
	bins := bothLogs(t)
	p := newPowered(t, bins[0], shortLog)
	cycles := faults.Count(t, 2, 20, 200)
	begin := time.Now()
	var f filled
	for cycle := range cycles {
		// A new life begins a new log, so that the next change needs room.
		p.load.Front.Down(0)
		p.server.Kill()
		p.program.Bin = bins[p.random.IntN(len(bins))]
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
		fill := f.disk
		if cycle%4 == 1 {
			fill = f.fileSize
		}
		err := p.load.Window(t.Context(), func(ctx context.Context) error { return fill(ctx, p) })
		if err != nil {
			t.Fatalf("cycle %d: %v\nend of the server's log:\n%s", cycle, err, p.log())
		}
		copied := filepath.Join(t.TempDir(), "copy")
		if err := p.disk.CopyTo(copied); err != nil {
			t.Fatal(err)
		}
		checkStore(t, filepath.Join(copied, "data"))
		if err := p.intact(t.Context()); err != nil {
			t.Error(err)
		}
		os.RemoveAll(copied)
	}
	faults.Report(t, "R4", "%d fills of the disk, %d of them by the limit of a file's size, in %s: %d times told so, %d seats taken back on a full disk, back within %s of relief: %s; 0 lost, every database whole",
		cycles, f.limits, time.Since(begin).Round(time.Millisecond), f.told, f.returned, f.slowest.Round(time.Millisecond), &p.load.Stats)
}

// Promise: the test above can fail. Without a reserve that is kept for it, nobody can take a seat back.
func TestR7FullDiskFindsALostReserve(t *testing.T) {
	needDisk(t, "R7")
	const mutant = "kept-reserve"
	p := newPowered(t, crashtest.Build(t, "mutants"), "SEATWRIGHT_MUTANT="+mutant)
	var f filled
	err := p.load.Window(t.Context(), func(ctx context.Context) error { return f.disk(ctx, p) })
	if err == nil || !strings.Contains(err.Error(), "taking back on a full disk") {
		t.Fatalf("%s is not found: %v", mutant, err)
	}
	faults.Report(t, "R7", "%s: found at the first full disk: %v", mutant, err)
}

// filled counts what was met on a full disk.
type filled struct {
	limits, told, returned int
	slowest                time.Duration // from relief to the first change that is stored
}

// spare is a request about the person whom the load leaves alone.
func spare(ctx context.Context, p *powered, c *crashtest.Client, method string, codes []string) (status int, code string, err error) {
	body := map[string]any{"userIds": []string{crashtest.SparePerson}}
	if codes != nil {
		body["userBundleCodes"] = codes
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, "", err
	}
	status, answer, err := c.Once(ctx, method, p.server.URL+crashtest.LicensePath, seatwright.NewID(), encoded)
	if err != nil {
		return 0, "", err
	}
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(answer, &problem) // an answer that is no problem has no code
	return status, problem.Code, nil
}

// unexpected is the error of a request that failed, or was answered in another way than it has to be.
func unexpected(when string, status int, code string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	return fmt.Errorf("%s: %d %s", when, status, code)
}

// disk fills the disk to the last byte.
func (f *filled) disk(ctx context.Context, p *powered) error {
	c := p.load.Client()
	defer c.Close()
	if status, code, err := spare(ctx, p, c, http.MethodPut, []string{crashtest.SpareCode}); err != nil || status != 200 {
		return unexpected("before", status, code, err)
	}
	p.disk.Limit(p.disk.Size())
	defer p.disk.Limit(0)
	// The first to be refused may be anybody; then all are who want to draw.
	told := p.load.Stats.Unable.Load()
	if err := within(ctx, 20*time.Second, "nobody is told that the disk is full", func() bool { return p.load.Stats.Unable.Load() > told }); err != nil {
		return err
	}
	// Each of these writes, and there may be any number of them.
	const times = 100
	for range times / 2 {
		for _, give := range []struct {
			method string
			codes  []string
		}{{http.MethodPut, []string{}}, {http.MethodDelete, nil}} {
			if status, code, err := spare(ctx, p, c, give.method, give.codes); err != nil || status != 200 {
				return unexpected("taking back on a full disk", status, code, err)
			}
			f.returned++
		}
		status, code, err := spare(ctx, p, c, http.MethodPut, []string{crashtest.SpareCode})
		if err != nil || status != http.StatusServiceUnavailable || code != "store_unavailable" {
			return unexpected("allocating on a full disk", status, code, err)
		}
		f.told++
		if status, code, err := spare(ctx, p, c, http.MethodPost, nil); err != nil || status != 200 {
			return unexpected("reading on a full disk", status, code, err)
		}
	}
	// Whoever has to take seats back may not have a token yet.
	soon, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := crashtest.SignIn(soon, p.load.Front); err != nil {
		return fmt.Errorf("signing in on a full disk: %w", err)
	}
	p.disk.Limit(0)
	return f.relief(ctx, p, c)
}

// relief waits until changes are stored again.
func (f *filled) relief(ctx context.Context, p *powered, c *crashtest.Client) error {
	begin := time.Now()
	for {
		status, code, err := spare(ctx, p, c, http.MethodPut, []string{crashtest.SpareCode})
		took := time.Since(begin)
		switch {
		case err == nil && status == 200:
			f.slowest = max(f.slowest, took)
			return nil
		case err != nil || status != http.StatusServiceUnavailable:
			return unexpected("after relief", status, code, err)
		case took > 10*time.Second:
			return fmt.Errorf("still %d %s %s after relief", status, code, took)
		case p.ended():
			return fmt.Errorf("the server ended by itself with exit code %d", p.server.ExitCode())
		}
		<-time.After(10 * time.Millisecond)
	}
}

// fileSize lets no file grow, which SQLite does not call full: the outcome of what is under way may be unknown then.
func (f *filled) fileSize(ctx context.Context, p *powered) error {
	f.limits++
	c := p.load.Client()
	defer c.Close()
	lift, err := limitFileSize(p.server.PID(), 1<<10)
	if err != nil {
		return err
	}
	defer lift()
	told := p.load.Stats.Unable.Load()
	if err := within(ctx, 20*time.Second, "nobody is told that there is no room", func() bool { return p.load.Stats.Unable.Load() > told+10 }); err != nil {
		return err
	}
	if status, code, err := spare(ctx, p, c, http.MethodPost, nil); err != nil || status != 200 {
		return unexpected("reading where no file can grow", status, code, err)
	}
	f.told += int(p.load.Stats.Unable.Load() - told)
	lift()
	return f.relief(ctx, p, c)
}

// limitFileSize makes every write of a process beyond n bytes of a file fail, until the returned function is called.
func limitFileSize(pid int, n uint64) (lift func(), err error) {
	var before syscall.Rlimit
	set := func(to, old *syscall.Rlimit) error {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE,
			uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(old)), 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	}
	if err := set(nil, &before); err != nil {
		return nil, err
	}
	if err := set(&syscall.Rlimit{Cur: n, Max: before.Max}, nil); err != nil {
		return nil, err
	}
	return func() { _ = set(&before, nil) }, nil // the process may be gone
}
