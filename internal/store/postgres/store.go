// Package postgres keeps everything in one PostgreSQL database, which any number of nodes may share. The locked head of an
// organization is what keeps their batches apart.
//
// Only SQL lives here: what to change is decided in package seatwright, between load.go and write.go. Start at Open, then
// read Update in writer.go. The writers speak the protocol through pgconn: two round trips a batch, whatever its size.
package postgres

import (
	"context"
	"embed"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
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
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = readers
	}
	if _, err := migrate(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, translate(err)
	}
	s := &Store{clock: options.Clock, pool: pool, notices: startNotices(pool, options.Clock)}
	for i := range s.writers {
		s.writers[i] = &writer{recent: newRecent()}
	}
	return s, nil
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
