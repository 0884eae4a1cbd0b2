// Package sqlite keeps everything in one SQLite database in one directory. One process has the directory at a time; in it
// one connection writes and several read.
//
// Only SQL lives here: what to change is decided in package seatwright, between load.go and commit.go. Start at Open, then
// read Update.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are the settings of a store. The zero value is right for production.
type Options struct {
	Clock func() time.Time // nil: the wall clock
}

// Store is a seatwright.Store on SQLite.
type Store struct {
	clock func() time.Time
	lock  *flock.Flock
	path  string // of the database
	reads *sql.DB
	// Prepared questions by their text; each is compiled once for each connection, which would be a quarter of answering it.
	questions sync.Map
	preparing sync.Mutex // of one that is new

	mu      sync.Mutex // one Update at a time; guards what follows
	writer  *writer
	copier  copier
	reserve reserve
	failed  chan error // gets the failure that ends this process's trust in the disk, once
	stopped bool       // it has failed: nothing is written any more
	closed  atomic.Bool
}

// fileName is the database inside the data directory.
const fileName = "seatwright.db"

// Open opens the database in dir, making the directory and the database where they are missing, and migrates it. It fails
// with unavailable/store_unavailable when another process has the directory, and when the SQLite library is one that can
// corrupt a WAL.
func Open(ctx context.Context, dir string, options Options) (*Store, error) {
	s := &Store{clock: options.Clock, failed: make(chan error, 1), copier: copier{limits: usualLimits}}
	if s.clock == nil {
		s.clock = time.Now
	}
	if planted.Bug(planted.ShortLog) {
		s.copier.limits = logLimits{copied: 40, rest: 20, longest: 200, patience: usualLimits.patience}
	}
	if err := s.open(ctx, dir); err != nil {
		s.stopped = isSyncFailure(err)
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, dir string) error {
	if err := makeDirectory(dir); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock the data directory: %w", err)
	}
	if !locked {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "another process has the data directory %s", dir)
	}
	s.lock = lock

	path := filepath.Join(dir, fileName)
	s.path = path
	// SQLite gives its own files the mode of the database, and would make that readable to others.
	if s.copier.database, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	info, err := s.copier.database.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("others may read %s: chmod 600 it", path)
	}
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	if err := settle(path); err != nil {
		return err
	}
	reservePath := filepath.Join(dir, "reserve")
	err = prepare(ctx, path)
	if mayBeFull(err) && os.Truncate(reservePath, 0) == nil {
		err = prepare(ctx, path) // for what is read only, and for taking seats back, there is room now
	}
	if err != nil {
		return err
	}
	if s.writer, err = newWriter(source(path, writeSettings)); err != nil {
		return err
	}
	if s.reads, err = sql.Open("sqlite", source(path, readSettings)); err != nil {
		return translate(err)
	}
	s.reads.SetMaxOpenConns(readers)
	s.reads.SetMaxIdleConns(readers)
	if s.copier.aside, err = sql.Open("sqlite", source(path, writeSettings)); err != nil { // connects for its first pass
		return translate(err)
	}
	s.copier.aside.SetMaxOpenConns(1)
	// From here on a connection that reads is open, so that no other can be the last one and empty the log as it closes.
	if err := s.reads.PingContext(ctx); err != nil {
		return translate(err)
	}
	// The files are all there now. SQLite ignores it when their directory cannot be synced.
	if err := syncDirectory(dir); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	s.reserve = openReserve(reservePath)
	return nil
}

// prepare checks the library and brings the schema up to date.
func prepare(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", source(path, writeSettings))
	if err != nil {
		return translate(err)
	}
	db.SetMaxOpenConns(1)
	if err = checkLibrary(ctx, db); err == nil {
		_, err = migrate(ctx, db)
	}
	if err == nil { // closing would do it, and keep its errors to itself
		_, err = db.ExecContext(ctx, checkpoint)
		err = translate(err)
	}
	if isSyncFailure(err) {
		return err // and closing would try again
	}
	return errors.Join(err, db.Close())
}

// readers is the number of connections that read. More do not help: reads are served from the kernel's page cache.
const readers = 4

// waitForLocks is what every connection does: a checkpoint may hold a lock for a moment.
const waitForLocks = "busy_timeout(5000)"

// The settings that every connection has.
var (
	writeSettings = url.Values{"mode": {"rwc"}, "_pragma": {
		waitForLocks,
		"journal_mode(WAL)",            // readers and the writer do not wait for each other
		"synchronous(FULL)",            // what is acknowledged survives a power cut; NORMAL would lose it
		"foreign_keys(1)",              // off by default in SQLite
		"trusted_schema(0)",            // the file is data, not code
		"cell_size_check(1)",           // damage is noticed where it is read
		"temp_store(MEMORY)",           // no files outside the data directory
		"wal_autocheckpoint(0)",        // see copier
		"journal_size_limit(67108864)", // a burst does not leave a large WAL for ever
	}}
	readSettings = url.Values{"mode": {"ro"}, "_pragma": {waitForLocks, "query_only(1)", "trusted_schema(0)"}}
)

func source(path string, settings url.Values) string {
	if settings.Get("mode") == "rwc" { // planted bugs: the last pragma counts
		settings = url.Values{"mode": settings["mode"], "_pragma": slices.Clone(settings["_pragma"])}
		if planted.Bug(planted.SynchronousNormal) {
			settings.Add("_pragma", "synchronous(NORMAL)")
		}
		if planted.Bug(planted.SynchronousOff) {
			settings.Add("_pragma", "synchronous(OFF)")
		}
	}
	return "file:" + url.PathEscape(path) + "?" + settings.Encode()
}

// oldest is the first SQLite without the bug that corrupts a WAL when a checkpoint meets a write.
var oldest = [3]int{3, 51, 3}

func checkLibrary(ctx context.Context, db *sql.DB) error {
	var version string
	if err := db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return translate(err)
	}
	if !atLeast(version, oldest) {
		return fmt.Errorf("SQLite %s can corrupt a database; at least %d.%d.%d is needed", version, oldest[0], oldest[1], oldest[2])
	}
	return nil
}

func atLeast(version string, least [3]int) bool {
	parts := strings.Split(version, ".")
	for i, want := range least {
		if i >= len(parts) {
			return false
		}
		have, err := strconv.Atoi(parts[i])
		if err != nil || have != want {
			return err == nil && have > want
		}
	}
	return true
}

// Writers implements seatwright.Store: SQLite has one.
func (s *Store) Writers() int { return 1 }

// Failed gets an error when the disk could not keep what was written. What the system's memory has of the files and what is
// on the disk may differ from then on, so nothing more is written, and the process must end: the next start settles what is
// there. Syncing again in the same process would report a success that is none.
func (s *Store) Failed() <-chan error { return s.failed }

// fail is called under the lock of Update.
func (s *Store) fail(cause error) {
	if !s.stopped {
		s.stopped = true
		s.failed <- fmt.Errorf("the disk did not keep what was written to the database (%w); start again to recover", cause)
	}
}

// Close implements seatwright.Store. After a failure of the disk the connection that writes stays open: closing it would copy
// the log into the database.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	if s.writer != nil && s.writer.conn != nil && !s.stopped {
		if err := s.emptyLog(); isSyncFailure(err) {
			s.fail(err)
			errs = append(errs, err)
		}
	}
	if s.copier.aside != nil {
		_ = s.endPass(true) // its failure is told by itself
		errs = append(errs, s.copier.aside.Close())
	}
	if s.reads != nil {
		errs = append(errs, s.reads.Close())
	}
	if s.writer != nil && !s.stopped {
		errs = append(errs, s.writer.close())
	}
	if s.copier.database != nil && !s.stopped {
		errs = append(errs, s.copier.database.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}

// isConstraint reports that the schema refused a change.
func isConstraint(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// translate turns an error of the driver into one of the domain. It is the only place that knows SQLite's codes.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if isFull(err) {
		return seatwright.StorageFull(err)
	}
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		switch failure.Code() & 0xff { // the primary code of an extended one
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
			return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database does not answer")
		}
	}
	if errors.Is(err, sql.ErrConnDone) {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database is closed")
	}
	return seatwright.Internal(err)
}
