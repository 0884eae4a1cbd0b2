package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/seatwright/seatwright"
)

// writer is the one connection that writes, with the statements that it has prepared.
type writer struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	sweptAt    time.Time // when expired idempotency keys were last cleared
	broken     bool      // a transaction could not be ended: nothing more is written
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, translate(err)
	}
	return &writer{conn: conn, statements: map[string]*sql.Stmt{}}, nil
}

func (w *writer) close() error {
	for _, statement := range w.statements {
		statement.Close() //nolint:errcheck // the connection is closed with it
	}
	return w.conn.Close()
}

// background has no end, so that the driver needs no watcher for each statement and nothing interrupts a transaction.
var background = context.Background()

func (w *writer) prepared(query string) (*sql.Stmt, error) {
	if statement, ok := w.statements[query]; ok {
		return statement, nil
	}
	statement, err := w.conn.PrepareContext(background, query)
	if err == nil {
		w.statements[query] = statement
	}
	return statement, err
}

func (w *writer) exec(query string, args ...any) error {
	statement, err := w.prepared(query)
	if err == nil {
		_, err = statement.ExecContext(background, args...)
	}
	return translate(err)
}

// each runs a query and calls scan on every row.
func (w *writer) each(scan func(*sql.Rows) error, query string, args ...any) error {
	statement, err := w.prepared(query)
	if err != nil {
		return translate(err)
	}
	rows, err := statement.QueryContext(background, args...)
	if err != nil {
		return translate(err)
	}
	return scanAll(rows, scan)
}

func scanAll(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			return translate(err)
		}
	}
	return translate(rows.Err())
}

// Update implements seatwright.Store. The write lock is taken at the beginning, so the slice cannot change under the decision.
func (s *Store) Update(ctx context.Context, request seatwright.LoadRequest, decide func(*seatwright.Slice) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.writer.broken {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "the database is closed")
	}
	if err := ctx.Err(); err != nil {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the request ended before it was its turn")
	}
	if err := s.writer.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	ended := false
	defer func() { // also after a panic of decide
		if !ended {
			s.writer.rollback()
		}
	}()
	slice, err := s.writer.load(request, s.clock())
	if err != nil {
		return err
	}
	if err := decide(slice); err != nil {
		return err
	}
	changes := slice.Changes()
	if changes.Empty() {
		return nil
	}
	if err := s.writer.apply(changes); err != nil {
		return err
	}
	if err := s.writer.exec(`COMMIT`); err != nil {
		return seatwright.Unavailable(seatwright.ReasonOutcomeUnknown, err, "whether the change is stored is not known")
	}
	ended = true
	return nil
}

// rollback ends a transaction that is not to be kept. Where even that fails, the connection is in an unknown state and is
// not used again.
func (w *writer) rollback() {
	if err := w.exec(`ROLLBACK`); err != nil {
		w.broken = true
	}
}
