package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

// Guards that the log begins anew while batches come, never gets longer than it may by more than a batch, and that nothing is lost by copying it.
func TestTheLogIsCopiedBesideTheWriter(t *testing.T) {
	dir := t.TempDir()
	store := openWith(t, dir, logLimits{copied: 40, rest: 8, longest: 120, patience: 100})
	const keys = 600
	longest := store.copier.limits.longest
	passes, anew, before := 0, 0, int64(0) // anew: how often the log began anew without anybody waiting for a pass
	for i := range keys {
		if err := store.writeKey(t, i); err != nil {
			t.Fatal(err)
		}
		if pass := store.copier.pass; pass != nil {
			passes++
			if passes%2 == 0 { // the others are overtaken by batches
				<-pass.done
				if pass.err != nil {
					t.Fatal(pass.err)
				}
			}
		}
		log, copied, err := store.writer.logged()
		if err != nil {
			t.Fatal(err)
		}
		if log >= longest && (log != copied || before >= longest) {
			t.Fatalf("after %d batches the log has %d pages, %d of them copied; it had %d", i+1, log, copied, before)
		}
		if log < before && before < longest {
			anew++
		}
		before = log
	}
	if passes == 0 || anew < 5 {
		t.Errorf("a pass was under way after %d batches, and the log began anew %d times", passes, anew)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again := openWith(t, dir, usualLimits)
	stored, err := again.SigningKeys(t.Context())
	if err != nil || len(stored) != keys {
		t.Errorf("%d keys, %v: want %d", len(stored), err, keys)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// Guards that the log does not grow for ever while somebody always reads from it, each for a moment: it would fill the disk.
func TestTheLogBeginsAnewWhileReadersTakeTurns(t *testing.T) {
	store := openWith(t, t.TempDir(), logLimits{copied: 40, rest: 8, longest: 120, patience: 1000})
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		last := store.read(t)
		for {
			next := store.read(t) // before the last one ends
			if err := last.Rollback(); err != nil {
				ended <- err
				return
			}
			last = next
			select {
			case <-stop:
				ended <- last.Rollback()
				return
			default:
			}
		}
	}()
	longest := int64(0)
	for i := range 600 {
		if err := store.writeKey(t, i); err != nil {
			t.Fatal(err)
		}
		log, _, err := store.writer.logged()
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, log)
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if limit := 2 * store.copier.limits.longest; longest > limit {
		t.Errorf("the log got %d pages long, want %d at most", longest, limit)
	}
}

// Guards that somebody who reads for long stops nobody for long: they are waited for more seldom the longer the log is, and it begins
// anew when they are done.
func TestALongReadHoldsUpFewBatches(t *testing.T) {
	store := openWith(t, t.TempDir(), logLimits{copied: 40, rest: 8, longest: 120, patience: 1})
	reader := store.read(t)
	waits, kept := 0, int64(0)
	write := func(n int) (log int64) {
		t.Helper()
		for i := range n {
			if err := store.writeKey(t, 1000*n+i); err != nil {
				t.Fatal(err)
			}
			if pass := store.copier.pass; pass != nil {
				<-pass.done // so that no batch overtakes it
			}
			if store.copier.keptAt > kept {
				waits++
			}
			kept = store.copier.keptAt
		}
		log, _, err := store.writer.logged()
		if err != nil {
			t.Fatal(err)
		}
		return log
	}
	if log := write(300); log < 2000 || waits == 0 || waits > 12 {
		t.Errorf("beside a reader the log has %d pages, and batches waited %d times for it", log, waits)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if log := write(20); log > store.copier.limits.longest {
		t.Errorf("some batches after the reader was done the log has %d pages", log)
	}
}

// read begins to read what is in the log.
func (s *Store) read(t *testing.T) *sql.Tx {
	t.Helper()
	tx, err := s.reads.BeginTx(context.Background(), nil)
	if err == nil {
		err = tx.QueryRowContext(context.Background(), "SELECT count(*) FROM signing_keys").Scan(new(int))
	}
	if err != nil {
		t.Error(err)
	}
	return tx
}

// Guards that a disk which fails beside the writer ends the trust in it as well, though no batch follows.
func TestAFailedSyncBesideTheWriterStopsTheStore(t *testing.T) {
	var database *os.File
	t.Cleanup(func() { database.Close() }) // after the connections
	store := openWith(t, t.TempDir(), logLimits{copied: 30, rest: 2, longest: 1000, patience: 100})
	database = store.copier.database
	closed, err := os.Create(filepath.Join(t.TempDir(), "closed"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	store.copier.database = closed // syncing it fails
	for i := 0; store.copier.pass == nil; i++ {
		if err := store.writeKey(t, i); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-store.Failed():
	case <-time.After(10 * time.Second):
		t.Fatal("the failure was not told")
	}
	if err := store.writeKey(t, 1000); !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
		t.Errorf("a write after it: %v, want store_unavailable", err)
	}
}

func openWith(t *testing.T, dir string, limits logLimits) *Store {
	t.Helper()
	store, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	store.copier.limits = limits
	if err := update(t, store, seatwright.CreateHost{}); err != nil && !seatwright.IsKind(err, seatwright.KindConflict) {
		t.Fatal(err)
	}
	return store
}

// writeKey writes some pages.
func (s *Store) writeKey(t *testing.T, i int) error {
	t.Helper()
	return update(t, s, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: fmt.Sprintf("key %d", i), Sealed: make([]byte, 5000)}})
}

func update[A any](t *testing.T, store *Store, c seatwright.Command[A]) error {
	t.Helper()
	return store.Update(t.Context(), seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
		_, err := seatwright.Decide(s, seatwright.Origin{Actor: "test"}, c, nil)
		return err
	})
}
