package crashtest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/backup"
	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// Promise: a backup that is taken while clients write has everything that was acknowledged before it, has no difference
// where it is restored, in either store, with the same rows, and what is restored accepts no token of before.
func TestR11BackupsUnderLoadAreRestored(t *testing.T) {
	bin := crashtest.Build(t, "")
	count := faults.Count(t, 2, 20, 200)
	for _, source := range []string{"SQLite", "PostgreSQL"} {
		t.Run(source, func(t *testing.T) {
			seed := faults.Seed(t)
			b := backups{T: t, bin: bin, load: crashtest.NewLoad(crashtest.NewFront(1), seed)}
			if source == "SQLite" {
				data := filepath.Join(t.TempDir(), "data")
				b.database, b.archive = []string{"--data", data}, sqlite.NewArchive(data)
			} else {
				url := pgtest.Database(t)
				b.database, b.archive = []string{"--database-url", url}, postgres.NewArchive(url)
			}
			server := b.serve(b.database...)
			b.load.Front.Up(0, server.URL)
			if err := prepare(t.Context(), b.load, server); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			for n := range count {
				dir := filepath.Join(t.TempDir(), fmt.Sprint(n))
				err := os.Mkdir(dir, 0o700)
				if err == nil {
					err = b.load.Window(t.Context(), func(ctx context.Context) error { return b.back(ctx, n, dir) })
				}
				if err == nil {
					err = b.restore(t.Context(), dir)
				}
				if err != nil {
					t.Fatalf("backup %d: %v\nend of the server's log:\n%s", n, err, server.Log())
				}
			}
			faults.Report(t, "R11", "%s: %d backups under load, each restored into SQLite and PostgreSQL, in %s, %d rows in the last, %d events written during them: %s; "+
				"0 differences, 0 acknowledged missing, 0 old tokens accepted", source, count, time.Since(begin).Round(time.Millisecond), b.rows, b.during, &b.load.Stats)
			if b.during == 0 {
				t.Error("nothing was written while backups were taken: the test has tested nothing")
			}
		})
	}
}

// backups takes backups of one server under load.
type backups struct {
	*testing.T
	bin      string
	load     *crashtest.Load
	database []string // as flags
	archive  seatwright.Archive
	rows     int
	during   int64 // events that were written between the beginnings and the ends of backups
}

func (b *backups) serve(database ...string) *crashtest.Process {
	b.Helper()
	server, err := crashtest.Program{Bin: b.bin, Args: database}.Start()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Kill)
	return server
}

// run runs a command of the program that must succeed.
func (b *backups) run(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, b.bin, args...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("seatwright %v: %w\n%s", args, err, out)
	}
	return nil
}

// lastEvent is the end of the load's chain, now.
func (b *backups) lastEvent(ctx context.Context) (last int64, err error) {
	err = b.archive.Dump(ctx, func(r seatwright.Row) error {
		if r.Table.Name == "heads" && r.Organization() == crashtest.Organization {
			last = r.Values[1].(int64)
		}
		return nil
	})
	return last, err
}

// back takes one backup under load and looks into it.
func (b *backups) back(ctx context.Context, n int, dir string) error {
	client := crashtest.NewClient(b.load.Front, b.load.Token, &b.load.Stats)
	defer client.Close()
	key := fmt.Sprintf("before-backup-%d", n)
	const path = "/lease_/api/account/" + crashtest.Organization + "/user-license"
	status, answer, err := client.Send(ctx, http.MethodDelete, path, key, map[string]any{"userIds": []string{"nobody"}})
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("the last request before the backup: %d %s", status, answer)
	}
	before, err := b.lastEvent(ctx)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "backup.gz")
	if err := b.run(ctx, append([]string{"backup", "--output", file}, b.database...)...); err != nil {
		return err
	}
	after, err := b.lastEvent(ctx)
	if err != nil {
		return err
	}
	b.during += after - before
	return b.inspect(file, key, before, after)
}

// inspect reads a backup: the answer to the last request before it has to be there, and the chain up to a point between
// its beginning and its end.
func (b *backups) inspect(file, key string, before, after int64) error {
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	r, err := backup.NewReader(from)
	if err != nil {
		return err
	}
	b.rows = 0
	last, answered := int64(0), false
	for row, err := range r.Rows() {
		if err != nil {
			return err
		}
		b.rows++
		switch {
		case row.Organization() != crashtest.Organization:
		case row.Table.Name == "events":
			last = row.Values[1].(int64)
		case row.Table.Name == "idempotency_keys" && row.Values[2].(string) == key:
			answered = true
		}
	}
	if last < before || last > after || !answered {
		return fmt.Errorf("the backup ends with event %d; it was %d before it and %d behind it; the last answer before it is there: %t", last, before, after, answered)
	}
	return nil
}

// restore restores a backup into a directory, serves that and tries the old token; and carries it through PostgreSQL into
// another directory.
func (b *backups) restore(ctx context.Context, dir string) error {
	file := filepath.Join(dir, "backup.gz")
	restored, back, again := filepath.Join(dir, "restored"), filepath.Join(dir, "back"), filepath.Join(dir, "again.gz")
	url := pgtest.Database(b.T)
	last := filepath.Join(dir, "last.gz")
	for _, args := range [][]string{
		{"verify", "--input", file},
		{"restore", "--data", restored, "--input", file}, // verifies
		{"restore", "--database-url", url, "--input", file},
		{"backup", "--database-url", url, "--output", again},
		{"restore", "--data", back, "--input", again},
		{"backup", "--data", back, "--output", last},
	} {
		if err := b.run(ctx, args...); err != nil {
			return err
		}
	}
	if err := errors.Join(sameRows(file, again), sameRows(file, last)); err != nil {
		return err
	}
	for _, database := range [][]string{{"--data", restored}, {"--database-url", url}} {
		server := b.serve(database...)
		front := crashtest.NewFront(1)
		front.Up(0, server.URL)
		client := crashtest.NewClient(front, b.load.Token, &crashtest.Stats{})
		defer client.Close()
		status, answer, err := client.Send(ctx, http.MethodGet, "/lease_/api/account/"+crashtest.Organization+"/user-license", "", nil)
		if err != nil {
			return err
		}
		if status != http.StatusUnauthorized {
			return fmt.Errorf("a token of before on the restored server: %d %s, want 401", status, answer)
		}
		if _, err := crashtest.SignIn(ctx, front); err != nil {
			return fmt.Errorf("signing in to the restored server: %w", err)
		}
		server.Kill()
	}
	return os.RemoveAll(dir)
}

// sameRows compares two backups without their headers, which tell the time.
func sameRows(a, b string) error {
	first, err := lines(a)
	if err != nil {
		return err
	}
	second, err := lines(b)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(first, second, bytes.Equal) {
		return fmt.Errorf("%s and %s do not have the same rows", a, b)
	}
	return nil
}

func lines(name string) ([][]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		return nil, err
	}
	all := bytes.SplitAfter(text, []byte("\n"))
	return all[1 : len(all)-2], nil // without header, footer and what is behind the last line break
}
