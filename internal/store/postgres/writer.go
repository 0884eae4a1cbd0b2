package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// writer is a connection that writes, with what it has prepared and what it remembers. It is used by one Update at a time.
type writer struct {
	mu            sync.Mutex     // one Update at a time; guards what follows
	conn          *pgconn.PgConn // nil until it is needed, and after it broke
	prepared      []*pgconn.StatementDescription
	rowTypes      map[uint32]uint32 // the types of rows, which no two databases have alike, by those of arrays of them
	arrays        []*array          // reused by every trip
	recent        recent
	grantsSweptAt time.Time      // when ended grants were last cleared
	lookUp        time.Time      // until then keys are looked up, because one was repeated a moment ago
	warned        *pgconn.Notice // the last warning of the server in this trip
	failedAt      time.Time      // when connecting last failed
	failure       error
	doubtful      bool // the connection is new: a COMMIT of this node, or of its life before, may still wait for the standby
}

// background has no end: nothing interrupts a transaction but its own deadlines.
var background = context.Background()

// attempts is how often a batch is decided at most.
const attempts = 4

// Update implements seatwright.Store. The slice is read under the locks of its organizations, so it cannot change under the
// decision.
func (s *Store) Update(ctx context.Context, request seatwright.LoadRequest, decide func(*seatwright.Slice) error) error {
	w := s.writers[request.Lane%len(s.writers)]
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.closed.Load() {
		return closed()
	}
	if err := ctx.Err(); err != nil {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the request ended before it was its turn")
	}
	for attempt := 1; ; attempt++ {
		again, err := s.attempt(w, request, decide)
		if err == nil || !again || attempt == attempts {
			return err
		}
		<-time.After(time.Duration(rand.Int64N(int64(attempt) * int64(10*time.Millisecond)))) //nolint:gosec // G404: nodes that met shall not meet again
	}
}

// attempt runs a batch once. After an error, again says that nothing has changed and that another attempt may succeed.
func (s *Store) attempt(w *writer, request seatwright.LoadRequest, decide func(*seatwright.Slice) error) (again bool, err error) {
	old := w.conn != nil
	if err := s.connect(w); err != nil {
		return false, err
	}
	ended := false
	defer func() { // also after a panic of decide
		switch {
		case staleSession(err):
			w.drop() // the next one is prepared anew, and leads to a primary
		case !ended:
			w.rollback()
		}
	}()
	if err := w.checkStandby(); err != nil {
		return old && w.conn.IsClosed(), err
	}
	planted.Before(planted.StepBegin)
	b, err := w.load(request, s.clock, time.Now().Before(w.lookUp))
	if stateOf(err) == lockTimeout {
		return false, w.busy(request, err)
	}
	if err != nil {
		// A connection that was open already may have been dead for long.
		return worthAnother(err) || old && w.conn.IsClosed(), err
	}
	planted.After(planted.StepLoad)
	if err := decide(b.slice); err != nil {
		return false, err
	}
	changes := b.slice.Changes()
	if err := b.checkPeople(changes); err != nil {
		return false, err
	}
	if planted.Bug(planted.UnchangedIsNotCommitted) && changes.Empty() {
		return false, nil
	}
	if err := w.write(b, changes); err != nil {
		if keyIsKnown(err) {
			w.lookUp = time.Now().Add(lookUpTime)
		}
		return worthAnother(err), err
	}
	planted.After(planted.StepCommit)
	ended = true
	w.recent.committed(changes)
	s.notices.add(changes)
	return false, nil
}

// lockTimeout is the state of a statement that has waited for a lock for lockTime.
const lockTimeout = "55P03"

var tryHeads = newStatement(`SELECT organization FROM heads WHERE organization = ANY($1::int4[]) FOR UPDATE SKIP LOCKED`, oidInt4)

// busy finds out which organizations of a batch somebody else has locked, after a batch has waited for them in vain. Where none
// is locked any more, or the database does not answer, it returns the error as it is.
func (w *writer) busy(request seatwright.LoadRequest, err error) error {
	w.rollback()
	if w.conn == nil {
		return err
	}
	held := map[int32]seatwright.OrganizationID{}
	t := w.trip()
	columns := t.columns(tryHeads)
	for _, touch := range request.Touches {
		if number, known := w.recent.numbers[touch.Organization]; known && held[number] == "" {
			held[number] = touch.Organization
			columns[0].int4(number)
		}
	}
	t.send(beginTransaction, nil)
	t.send(tryHeads, columns)
	t.send(rollbackTransaction, nil)
	failed := errors.Join(t.flush(loadTime), t.done(), t.each(func(r row) { delete(held, int32(r.int(0))) }), t.done(), t.end())
	if failed != nil || len(held) == 0 {
		return err
	}
	return &seatwright.BusyError{Organizations: slices.Sorted(maps.Values(held)), Err: seatwright.AsError(err)}
}

// lookUpTime is how long keys are looked up before they are used, once one was met that has an answer already. Else a batch
// assumes that all its keys are new: the primary key refuses it where that is wrong, and it is decided again. Repeats are rare,
// and come in storms.
const lookUpTime = time.Second

// retryAfter is how long a database that could not be reached is not tried again, so that everybody who waits hears of it
// at once.
const retryAfter = 250 * time.Millisecond

// connect makes sure that the writer has a connection.
func (s *Store) connect(w *writer) error {
	if w.conn != nil && !w.conn.IsClosed() {
		return nil
	}
	w.drop()
	if time.Since(w.failedAt) < retryAfter {
		return w.failure
	}
	conn, err := dialWriter(background, s.pool.Config().ConnConfig, func(n *pgconn.Notice) { w.warned = n })
	if err == nil {
		w.conn, w.doubtful = conn, true
		err = w.prepare()
	}
	if err != nil {
		w.drop()
		w.failedAt, w.failure = time.Now(), err
	}
	return err
}

func (w *writer) prepare() error {
	t := w.trip()
	for _, s := range statements {
		t.pipeline.SendPrepare(s.name(), s.text, nil)
	}
	if err := t.flush(loadTime); err != nil {
		return err
	}
	w.prepared = w.prepared[:0]
	for _, s := range statements {
		result, err := t.pipeline.GetResults()
		if err != nil {
			return errors.Join(translate(err), t.end())
		}
		description, ok := result.(*pgconn.StatementDescription)
		if !ok {
			return seatwright.Internal(fmt.Errorf("the database answered out of turn with %T", result))
		}
		description.Name = s.name()
		w.prepared = append(w.prepared, description)
	}
	return errors.Join(t.end(), w.learnRowTypes())
}

var typesOfElements = newStatement(`SELECT oid, typelem FROM pg_type WHERE oid = ANY($1::oid[])`, oidOID)

func (w *writer) learnRowTypes() error {
	w.rowTypes = map[uint32]uint32{}
	t := w.trip()
	columns := t.columns(typesOfElements)
	for _, s := range statements {
		if s.rows != nil {
			for _, arrays := range w.prepared[s.number].ParamOIDs {
				columns[0].int4(int32(arrays))
			}
		}
	}
	t.send(typesOfElements, columns)
	return errors.Join(t.flush(loadTime), t.each(func(r row) { w.rowTypes[uint32(r.int(0))] = uint32(r.int(1)) }), t.end())
}

// drop gives the connection up, and with it all that was remembered: the next one may lead to another state.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	_ = w.conn.Conn().Close() // not in the orderly way, which could wait for a server that does not answer
	_ = w.conn.Close(background)
	w.conn, w.recent = nil, newRecent()
}

// rollback ends a transaction that is not to be kept.
func (w *writer) rollback() {
	if w.conn == nil || w.conn.IsClosed() {
		return
	}
	if w.conn.IsBusy() { // in the middle of a trip; what it says of the transaction is from before the trip
		w.drop()
		return
	}
	if w.conn.TxStatus() == 'I' {
		return
	}
	t := w.trip()
	t.send(rollbackTransaction, nil)
	if err := errors.Join(t.flush(loadTime), t.done(), t.end()); err != nil {
		w.drop()
	}
}

// stuckSessions are those that have waited for the standby for half of commitTime. Whoever sent COMMIT there has given up or will.
var stuckSessions = newStatement(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user
	AND wait_event = 'SyncRep' AND state_change < clock_timestamp() - interval '5 s'`)

// checkStandby refuses batches on a new connection while such sessions are there. The connection before may have been given up
// while its COMMIT waited for the standby, which it goes on doing: each batch would leave another session behind, and the server
// would run out of connections in minutes.
func (w *writer) checkStandby() error {
	if !w.doubtful {
		return nil
	}
	t, stuck := w.trip(), int64(0)
	t.send(stuckSessions, nil)
	if err := errors.Join(t.flush(loadTime), t.each(func(r row) { stuck = r.int(0) }), t.end()); err != nil {
		return err
	}
	if w.doubtful = stuck > 0; w.doubtful {
		return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "the database waits for its standby; nothing has changed")
	}
	return nil
}

var (
	beginTransaction    = newStatement(`BEGIN ISOLATION LEVEL READ COMMITTED`)
	commitTransaction   = newStatement(`COMMIT`)
	rollbackTransaction = newStatement(`ROLLBACK`)
)

// finish sends a trip that ends with COMMIT and reads the answers. An error with the reason outcome_unknown means that
// COMMIT may have been carried out; after every other error it was not.
func (w *writer) finish(t *trip, sent int) error {
	t.send(commitTransaction, nil)
	planted.Before(planted.StepCommit)
	if err := t.flush(commitTime); err != nil {
		return w.unknown(err)
	}
	for range sent {
		if err := t.done(); err != nil {
			if stateOf(err) == "" {
				return w.unknown(err)
			}
			return errors.Join(err, t.end()) // the server skips the rest, and COMMIT with it
		}
	}
	w.warned = nil
	err := t.done()
	switch state := stateOf(err); {
	case err == nil && w.warned != nil && !planted.Bug(planted.CancelledIsDone):
		// The wait for the standby was ended by somebody: stored here, perhaps nowhere else.
		return w.unknown(errors.New(w.warnedText()))
	case err == nil && t.tag.String() == "ROLLBACK":
		return seatwright.Internal(errors.New("the database rolled back what was to be committed"))
	case strings.HasPrefix(state, "23") || strings.HasPrefix(state, "40"):
		return errors.Join(err, t.end())
	case err != nil:
		if err = w.unknown(err); planted.Bug(planted.UnknownIsDone) {
			return nil
		}
		return err
	}
	if err := t.end(); err != nil {
		w.drop() // what was committed is; only the connection is not to be used again
	}
	return nil
}

func (w *writer) warnedText() string {
	if w.warned == nil {
		return ""
	}
	return fmt.Sprintf("%s %s", w.warned.Code, w.warned.Message)
}

// unknown is the error after a COMMIT that may have been carried out.
func (w *writer) unknown(cause error) error {
	w.drop()
	return seatwright.Unavailable(seatwright.ReasonOutcomeUnknown, cause, "whether the change is stored is not known")
}

func closed() error {
	return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "the database is closed")
}
