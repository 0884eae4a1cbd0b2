package postgres

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seatwright/seatwright"
)

// statement is a prepared statement of the writers. Its first parameters are columns of rows: arrays of the given types.
// Parameters and results are in binary form.
type statement struct {
	text   string
	types  []uint32
	rows   [][]uint32 // instead of types: the parameters are arrays of rows, with columns of these types
	number int        // its place in statements
}

// statements are all that a writer prepares when it connects.
var statements []*statement

func newStatement(text string, types ...uint32) *statement {
	s := &statement{text: text, types: types, number: len(statements)}
	statements = append(statements, s)
	return s
}

// newRowStatement makes a statement whose parameters are arrays of rows.
func newRowStatement(text string, rows ...[]uint32) *statement {
	s := newStatement(text)
	s.rows = rows
	return s
}

func (s *statement) name() string { return fmt.Sprintf("s%d", s.number) }

// trip is one round trip of a writer: statements that are sent together and then answered in order.
type trip struct {
	writer   *writer
	pipeline *pgconn.Pipeline
	used     int // arrays of the writer that are in use
	tag      pgconn.CommandTag
}

var inBinary = []int16{1}

func (w *writer) trip() *trip {
	w.warned = nil
	return &trip{writer: w, pipeline: w.conn.StartPipeline(background)}
}

// columns returns empty arrays for the parameters of a statement. They are valid until the end of the trip.
func (t *trip) columns(s *statement) []*array {
	w := t.writer
	n := len(s.types) + len(s.rows)
	for len(w.arrays) < t.used+n {
		w.arrays = append(w.arrays, &array{})
	}
	columns := w.arrays[t.used : t.used+n]
	t.used += n
	for i, c := range columns {
		if s.rows != nil {
			c.resetRows(w.rowTypes[w.prepared[s.number].ParamOIDs[i]], s.rows[i])
		} else {
			c.reset(s.types[i])
		}
	}
	return columns
}

// send adds a statement to the trip, with its columns and whatever parameters come behind them.
func (t *trip) send(s *statement, columns []*array, more ...[]byte) {
	args := make([][]byte, 0, len(columns)+len(more))
	for _, c := range columns {
		args = append(args, c.value())
	}
	t.pipeline.SendQueryStatement(t.writer.prepared[s.number], append(args, more...), inBinary, inBinary)
}

// flush sends what was added. The answers have to come within d.
func (t *trip) flush(d time.Duration) error {
	if err := t.writer.conn.Conn().SetDeadline(time.Now().Add(d)); err != nil {
		return translate(err)
	}
	return translate(t.pipeline.Sync())
}

// each reads the answer to the next statement and calls scan on every row, which is valid only during the call.
func (t *trip) each(scan func(row)) error {
	result, err := t.pipeline.GetResults()
	if err != nil {
		return translate(err)
	}
	reader, ok := result.(*pgconn.ResultReader)
	if !ok {
		return seatwright.Internal(fmt.Errorf("the database answered out of turn with %T", result))
	}
	for reader.NextRow() {
		scan(reader.Values())
	}
	t.tag, err = reader.Close()
	return translate(err)
}

func (t *trip) done() error { return t.each(func(row) {}) }

// end reads what is left of the answers.
func (t *trip) end() error {
	err := t.pipeline.Close()
	var failure *pgconn.PgError
	if errors.As(err, &failure) && !t.writer.conn.IsClosed() {
		return nil // each has told it
	}
	return translate(err)
}
