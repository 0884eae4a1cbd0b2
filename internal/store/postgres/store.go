// Package postgres keeps everything in one PostgreSQL database, which any number of nodes may share. The locked head of an
// organization is what keeps their batches apart.
//
// Only SQL lives here: what to change is decided in package seatwright, between load.go and write.go. Start at Open, then
// read Update in writer.go. The writers speak the protocol through pgconn: two round trips a batch, whatever its size.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/seatwright/seatwright"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are the settings of a store. The zero value is right for production.
type Options struct {
	Clock func() time.Time // nil: the database's clock, which all nodes share
}

// Store is a seatwright.Store on PostgreSQL.
type Store struct {
	clock   func() time.Time
	pool    *pgxpool.Pool // for questions
	writers [writers]*writer
	notices *notices
	closed  atomic.Bool
}

// The connections of one node.
const (
	writers = 2
	readers = 8 // unless the URL says pool_max_conns
)

// Open connects to the database that url names and migrates it. Several nodes may do so at once: one migrates, the others
// wait. It fails with unavailable/store_unavailable when the database does not answer. Errors do not repeat the URL.
func Open(ctx context.Context, url string, options Options) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if config.MaxConns < readers {
		config.MaxConns = readers
	}
	if err := migrate(ctx, config); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, translate(err)
	}
	s := &Store{clock: options.Clock, pool: pool, notices: startNotices(pool)}
	for i := range s.writers {
		s.writers[i] = &writer{recent: newRecent()}
	}
	return s, nil
}

func migrate(ctx context.Context, config *pgxpool.Config) (err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	connection := config.ConnConfig.Copy()
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(connection.RuntimeParams, limit) // a migration takes as long as it takes
	}
	db := stdlib.OpenDB(*connection)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database does not answer")
	}
	alone, err := lock.NewPostgresSessionLocker() // nodes that start at once take turns
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(alone))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if current > target {
		return fmt.Errorf("the database has schema %d, this program knows only %d: use a newer release", current, target)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// Writers implements seatwright.Store: while one waits for the disk, the other works.
func (s *Store) Writers() int { return writers }

// Close implements seatwright.Store.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	for _, w := range s.writers {
		w.mu.Lock()
		w.drop()
		w.mu.Unlock()
	}
	s.notices.stop()
	s.pool.Close()
	return nil
}
