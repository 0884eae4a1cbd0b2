package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seatwright/seatwright"
)

// A copier copies the log of changes into the database while the writer goes on with the next batches (a pass). What they add meanwhile is copied
// between two of them, while all who wait wait for that; then the log begins anew. SQLite would copy by itself after a COMMIT, but would not
// tell when the disk fails.
type copier struct {
	aside    *sql.DB  // copies beside the writer
	database *os.File // open for as long as a connection is: closing it drops their locks
	limits   logLimits
	pass     *pass // nil: none is under way
	begunAt  int64 // how long the log was when the last pass began; 0: it has begun anew since
	keptAt   int64 // how long it was when those who read from it were last waited for in vain; 0: it has begun anew since
}

// logLimits are lengths of the log, in pages.
type logLimits struct {
	copied  int64 // from which it is copied. Pages that many batches change are copied once, so longer is less work,
	rest    int64 // as many are copied while all wait,
	longest int64 // and here they wait for all of it. The reserve depends on it.

	// patience is how long the writer waits for those who read from a log that could begin anew, where it is shorter than longest. The longer
	// it is, the longer they are waited for: ten times as long at most.
	patience time.Duration
}

var usualLimits = logLimits{copied: 4000, rest: 400, longest: 6000, patience: 100 * time.Millisecond}

// pass copies what the log has at its beginning.
type pass struct {
	done chan struct{}
	err  error // once it is done
}

// tendLog sees to the log between two batches, under the lock of Update.
func (s *Store) tendLog() error {
	if err := s.endPass(false); err != nil {
		return err
	}
	log, copied, err := s.writer.logged()
	if err != nil {
		return err
	}
	c := &s.copier
	if log < max(c.begunAt, c.keptAt) { // it has begun anew
		c.begunAt, c.keptAt = 0, 0
	}
	left := log - copied
	switch {
	case left == 0 || log < c.limits.copied:
	case log >= c.limits.longest && c.patience(log) > 0, c.pass == nil && left <= c.limits.rest:
		err = s.emptyLog()
	case c.pass == nil && log-c.begunAt > c.limits.rest: // a reader may keep a pass from copying anything; the next shall not come with every batch
		c.begunAt = log
		s.beginPass()
	}
	return err
}

// emptyLog copies what is left of the log, under the lock of Update, so that the next batch begins it anew. Those who still read from it are waited for
// if it is time to.
func (s *Store) emptyLog() error {
	if err := s.endPass(true); err != nil {
		return err
	}
	log, _, err := s.writer.logged()
	if err != nil || log == 0 {
		return err
	}
	patience := s.copier.patience(log)
	if patience == 0 {
		return s.writer.exec(checkpoint)
	}
	anew, err := s.writer.beginLogAnew(patience)
	if err == nil && !anew {
		s.copier.keptAt = log
	}
	return err
}

// patience is how long the writer waits for those who read from a log of that length, so that it can begin anew. Beside somebody who reads for longer
// the log has to grow by half before they are waited for again.
func (c *copier) patience(log int64) time.Duration {
	if log < c.limits.copied || log-c.keptAt < c.keptAt/2 {
		return 0
	}
	return c.limits.patience * time.Duration(min(1+log/c.limits.longest, 10))
}

// beginPass copies beside the writer. A failed sync stops the store, also when no batch follows.
func (s *Store) beginPass() {
	p := &pass{done: make(chan struct{})}
	s.copier.pass = p
	go func() {
		p.err = s.copier.copy()
		close(p.done) // before the lock, whose holder may wait for it
		if isSyncFailure(p.err) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fail(p.err)
		}
	}()
}

// endPass forgets a pass that is done, or that it waits for. Its error is a failed sync: whatever else a pass failed by, the next may not.
func (s *Store) endPass(wait bool) error {
	p := s.copier.pass
	if p == nil {
		return nil
	}
	select {
	case <-p.done:
	default:
		if !wait {
			return nil
		}
		<-p.done
	}
	s.copier.pass = nil
	if isSyncFailure(p.err) {
		return p.err
	}
	return nil
}

// copy copies what is in the log and syncs it. SQLite syncs the database only where nothing has come to the log meanwhile, which is seldom
// true while there are batches: all that was copied beside the writer would be left for it to wait for.
func (c *copier) copy() error {
	if _, err := c.aside.ExecContext(background, checkpoint); err != nil {
		return translate(err)
	}
	if err := c.database.Sync(); err != nil {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, fmt.Errorf("%w: %w", errNotSynced, err), "the database does not answer")
	}
	return nil
}

// checkpoint is SQLite's word for copying the log, as far as that waits for nobody.
const checkpoint = `PRAGMA wal_checkpoint(PASSIVE)`

// logged returns how many pages the log has, and how many of them are copied.
func (w *writer) logged() (log, copied int64, err error) {
	err = w.each(func(r row) { log, copied = r.int(1), r.int(2) }, `PRAGMA wal_checkpoint(NOOP)`)
	return log, copied, err
}

// beginLogAnew copies the log and reports whether it begins anew: not while somebody reads from it who came before all was copied. They are
// waited for so long; who comes later reads from the database. Without the wait, readers who take turns would let the log grow for ever.
func (w *writer) beginLogAnew(patience time.Duration) (anew bool, err error) {
	// SQLite itself would look after 1, 2, 5, 10 milliseconds and so on. It takes the time when it compiles this, which it does each time.
	err = w.exec(`PRAGMA busy_timeout(1)`)
	for end := time.Now().Add(patience); err == nil; {
		err = w.each(func(r row) { anew = r.int(0) == 0 }, `PRAGMA wal_checkpoint(RESTART)`)
		if anew || !time.Now().Before(end) {
			break
		}
	}
	return anew, errors.Join(err, w.exec(`PRAGMA `+waitForLocks))
}

var errNotSynced = errors.New("the database could not be synced")
