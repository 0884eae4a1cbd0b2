package sqlite

import (
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
	store := openWith(t, dir, logLimits{copied: 40, rest: 8, longest: 120, patience: 100 * time.Millisecond})
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
	store := openWith(t, t.TempDir(), logLimits{copied: 40, rest: 8, longest: 120, patience: 10 * time.Second})
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- store.readInTurns(stop) }()
	longest := int64(0)
	for i := range 600 {
		if err := store.writeKey(t, i); err != nil {
			t.Error(err)
			break
		}
		longest = max(longest, store.logLength(t))
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if limit := store.copier.limits.longest + 40; longest > limit {
		t.Errorf("the log got %d pages long, want %d at most", longest, limit)
	}
	var wait int64
	if err := store.writer.each(func(r row) { wait = r.int(0) }, `PRAGMA busy_timeout`); err != nil || wait != 5000 {
		t.Errorf("the writer waits %d ms for a lock, %v: want what it waited before", wait, err)
	}
}

// Guards that those who read for long stop nobody for long: they are waited for more seldom the longer the log is, and it begins anew when they are
// done, whatever comes then.
func TestLongReadsHoldUpFewBatches(t *testing.T) {
	for name, inTurns := range map[string]bool{"one": false, "always another": true} {
		t.Run(name, func(t *testing.T) {
			store := openWith(t, t.TempDir(), logLimits{copied: 40, rest: 40, longest: 120, patience: time.Millisecond})
			readers := []*sql.Tx{store.beginRead(t), store.beginRead(t)}
			waits, kept := 0, int64(0)
			for i := range 300 {
				if i%2 == 0 && inTurns {
					rollback(t, readers[0])
					readers = append(readers[1:], store.beginRead(t))
				}
				if err := store.writeKey(t, i); err != nil {
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
			if log := store.logLength(t); log < 2000 || waits == 0 || waits > 12 {
				t.Errorf("beside readers the log has %d pages, and batches waited %d times", log, waits)
			}
			for _, reader := range readers {
				rollback(t, reader)
			}
			store.beginPass()
			<-store.copier.pass.done
			large := seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "large", Sealed: make([]byte, 400_000)}}
			if err := update(t, store, large); err != nil {
				t.Fatal(err)
			}
			longest := int64(0)
			for i := range 100 {
				if err := store.writeKey(t, 1000+i); err != nil {
					t.Fatal(err)
				}
				longest = max(longest, store.logLength(t))
			}
			if limit := 3 * store.copier.limits.longest; longest > limit {
				t.Errorf("after the readers the log has %d pages, want %d at most", longest, limit)
			}
		})
	}
}

// readInTurns always reads from the log, each time for a moment.
func (s *Store) readInTurns(stop chan struct{}) error {
	last, err := s.tryRead()
	for err == nil {
		select {
		case <-stop:
			return last.Rollback()
		default:
		}
		var next *sql.Tx
		if next, err = s.tryRead(); err == nil { // before the last one ends
			err = last.Rollback()
		}
		last = next
	}
	return err
}

// tryRead begins to read what is in the log.
func (s *Store) tryRead() (*sql.Tx, error) {
	tx, err := s.reads.BeginTx(background, nil)
	if err != nil {
		return nil, err
	}
	return tx, tx.QueryRowContext(background, "SELECT count(*) FROM sqlite_schema").Scan(new(int))
}

func (s *Store) beginRead(t *testing.T) *sql.Tx {
	t.Helper()
	tx, err := s.tryRead()
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func rollback(t *testing.T, tx *sql.Tx) {
	t.Helper()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) logLength(t *testing.T) int64 {
	t.Helper()
	log, _, err := s.writer.logged()
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// Guards that a disk which fails beside the writer ends the trust in it as well, though no batch follows.
func TestAFailedSyncBesideTheWriterStopsTheStore(t *testing.T) {
	var database *os.File
	t.Cleanup(func() { database.Close() }) // after the connections
	store := openWith(t, t.TempDir(), logLimits{copied: 30, rest: 2, longest: 1000, patience: 100 * time.Millisecond})
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
