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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seatwright/seatwright"
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

	mu     sync.Mutex // one Update at a time; guards what follows
	writer *writer
	closed atomic.Bool
}

// fileName is the database inside the data directory.
const fileName = "seatwright.db"

// Open opens the database in dir, making the directory and the database where they are missing, and migrates it. It fails
// with unavailable/store_unavailable when another process has the directory, and when the SQLite library is one that can
// corrupt a WAL.
func Open(ctx context.Context, dir string, options Options) (*Store, error) {
	s := &Store{clock: options.Clock}
	if s.clock == nil {
		s.clock = time.Now
	}
	if err := s.open(ctx, dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
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
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("others may read %s: chmod 600 it", path)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	if err := prepare(ctx, path); err != nil {
		return err
	}
	if s.reads, err = sql.Open("sqlite", source(path, readSettings)); err != nil {
		return translate(err)
	}
	s.reads.SetMaxOpenConns(readers)
	s.reads.SetMaxIdleConns(readers)
	s.writer, err = newWriter(source(path, writeSettings))
	return err
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
	return errors.Join(err, db.Close())
}

// readers is the number of connections that read. More do not help: reads are served from the kernel's page cache.
const readers = 4

// The settings that every connection has.
var (
	writeSettings = url.Values{"mode": {"rwc"}, "_pragma": {
		"busy_timeout(5000)",           // a checkpoint may hold a lock for a moment
		"journal_mode(WAL)",            // readers and the writer do not wait for each other
		"synchronous(FULL)",            // what is acknowledged survives a power cut; NORMAL would lose it
		"foreign_keys(1)",              // off by default in SQLite
		"trusted_schema(0)",            // the file is data, not code
		"cell_size_check(1)",           // damage is noticed where it is read
		"temp_store(MEMORY)",           // no files outside the data directory
		"wal_autocheckpoint(4000)",     // pages that many batches change are copied into the database once, not every 1,000 frames
		"journal_size_limit(67108864)", // a burst does not leave a large WAL for ever
	}}
	readSettings = url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)"}}
)

func source(path string, settings url.Values) string {
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

// Close implements seatwright.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	if s.reads != nil {
		errs = append(errs, s.reads.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
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
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		switch failure.Code() & 0xff { // the primary code of an extended one
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
			return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database does not answer")
		}
	}
	if errors.Is(err, sql.ErrConnDone) {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database is closed")
	}
	return seatwright.Internal(err)
}
