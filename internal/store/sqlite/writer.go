package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"modernc.org/sqlite"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// writer is the one connection that writes, with the statements that it has prepared. It speaks to the driver itself:
// database/sql in between costs a third of the time of a small statement, and pools nothing here.
type writer struct {
	conn            driver.Conn
	statements      map[string]statement
	args            []driver.NamedValue // reused by every statement
	recent          recent
	people          map[person]int64                    // the numbers of those whom the batch has loaded or made
	made            map[seatwright.OrganizationID]int64 // the numbers of the organizations that the batch has made
	sessionsSweptAt time.Time                           // when old sessions were
	sweptAt         time.Time                           // when expired idempotency keys were last cleared
	unitsSweptAt    time.Time                           // when consumptions that count no more were
	grantsSweptAt   time.Time                           // when ended grants were
	broken          bool                                // a transaction could not be ended: nothing more is written
}

// person is who a number stands for.
type person struct {
	organization seatwright.OrganizationID
	user         seatwright.UserID
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func newWriter(source string) (*writer, error) {
	conn, err := (&sqlite.Driver{}).Open(source)
	if err != nil {
		return nil, translate(err)
	}
	return &writer{
		conn: conn, statements: map[string]statement{}, recent: recent{}, people: map[person]int64{}, made: map[seatwright.OrganizationID]int64{},
	}, nil
}

func (w *writer) close() error {
	if w.conn == nil {
		return nil
	}
	var errs []error
	for _, s := range w.statements {
		errs = append(errs, s.Close())
	}
	errs = append(errs, w.conn.Close())
	w.conn, w.broken = nil, true
	return errors.Join(errs...)
}

// background has no end, so that the driver needs no watcher for each statement and nothing interrupts a transaction.
var background = context.Background()

func (w *writer) prepared(query string) (statement, error) {
	if s, ok := w.statements[query]; ok {
		return s, nil
	}
	prepared, err := w.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(statement)
	if !ok {
		return nil, errors.New("the driver has no statements with a context")
	}
	w.statements[query] = s
	return s, nil
}

// named numbers the arguments. They are int64, bool, string, []byte or nil.
func (w *writer) named(args []driver.Value) []driver.NamedValue {
	w.args = w.args[:0]
	for i, value := range args {
		w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return w.args
}

func (w *writer) exec(query string, args ...driver.Value) error {
	s, err := w.prepared(query)
	if err == nil {
		_, err = s.ExecContext(background, w.named(args))
	}
	return translate(err)
}

// add inserts one row and returns its number.
func (w *writer) add(insert string, args ...driver.Value) (number int64, err error) {
	s, err := w.prepared(insert)
	if err != nil {
		return 0, translate(err)
	}
	result, err := s.ExecContext(background, w.named(args))
	if err != nil {
		return 0, translate(err)
	}
	number, err = result.LastInsertId()
	return number, translate(err)
}

// each runs a query and calls scan on every row, which is valid only during the call.
func (w *writer) each(scan func(row), query string, args ...driver.Value) error {
	s, err := w.prepared(query)
	if err != nil {
		return translate(err)
	}
	rows, err := s.QueryContext(background, w.named(args))
	if err != nil {
		return translate(err)
	}
	r := make(row, len(rows.Columns()))
	for {
		if err = rows.Next(r); err != nil {
			break
		}
		scan(r)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return translate(errors.Join(err, rows.Close()))
}

// put stores a row that is mostly there already: update sets it, and insert, with the same arguments, makes it where it is
// missing.
func (w *writer) put(update, insert string, args ...driver.Value) error {
	s, err := w.prepared(update)
	if err != nil {
		return translate(err)
	}
	result, err := s.ExecContext(background, w.named(args))
	if err != nil {
		return translate(err)
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return translate(err)
	}
	return w.exec(insert, args...)
}

// Update implements seatwright.Store. The write lock is taken at the beginning, so the slice cannot change under the decision.
func (s *Store) Update(ctx context.Context, request seatwright.LoadRequest, decide func(*seatwright.Slice) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "the database is closed")
	}
	if s.stopped {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "the database is stopped by a failure of the disk")
	}
	if err := ctx.Err(); err != nil {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the request ended before it was its turn")
	}
	if !request.GivesBack && !s.reserve.regain() {
		return seatwright.StorageFull(nil)
	}
	err := s.write(request, decide)
	switch {
	case isSyncFailure(err):
		s.fail(err)
	case mayBeFull(err):
		s.reserve.giveUp()
	}
	return err
}

// write stores one batch, and sees to the log between two batches.
func (s *Store) write(request seatwright.LoadRequest, decide func(*seatwright.Slice) error) error {
	if s.writer.broken {
		if err := s.replaceWriter(); err != nil {
			return err
		}
	}
	if s.reserve.lost { // an emptied log is written from its beginning, and needs no more room
		if err := s.emptyLog(); isSyncFailure(err) {
			return err
		}
	}
	if err := s.writer.update(request, s.clock, decide); err != nil {
		return err
	}
	// The batch is stored, whatever comes of this. A log that could not be emptied for want of room is tried again later.
	if err := s.tendLog(); isSyncFailure(err) {
		s.fail(err)
	}
	return nil
}

func (w *writer) update(request seatwright.LoadRequest, clock func() time.Time, decide func(*seatwright.Slice) error) error {
	planted.Before(planted.StepBegin)
	if err := w.exec(`BEGIN IMMEDIATE`); err != nil { // begins and locks
		return err
	}
	planted.After(planted.StepBegin)
	clear(w.people)
	clear(w.made)
	committed := false
	defer func() { // also after a panic of decide
		if !committed {
			clear(w.recent)
			w.rollback()
		}
	}()
	planted.Before(planted.StepLoad)
	slice, err := w.load(request, clock()) // read under the lock, so that no two batches are decided at instants out of order
	if err != nil {
		return err
	}
	planted.After(planted.StepLoad)
	if err := decide(slice); err != nil {
		return err
	}
	changes := slice.Changes()
	if err := w.apply(changes); err != nil {
		return err
	}
	planted.Before(planted.StepCommit)
	if err := w.exec(`COMMIT`); isConstraint(err) || isFull(err) {
		return err // SQLite refused it: nothing is stored
	} else if err != nil {
		return seatwright.Unavailable(seatwright.ReasonOutcomeUnknown, err, "whether the change is stored is not known")
	}
	planted.After(planted.StepCommit)
	committed = true
	w.recent.committed(changes)
	return nil
}

// rollback ends a transaction that is not to be kept. SQLite ends one by itself when the disk is full or fails, and then this
// fails too: the connection is given up rather than guessed at.
func (w *writer) rollback() {
	if err := w.exec(`ROLLBACK`); err != nil {
		w.broken = true
	}
}

// replaceWriter takes a new connection in place of a broken one. Closing the old one ends whatever it had begun.
func (s *Store) replaceWriter() error {
	if err := s.writer.close(); err != nil {
		return translate(err)
	}
	fresh, err := newWriter(source(s.path, writeSettings))
	if err == nil {
		s.writer = fresh
	}
	return err
}
