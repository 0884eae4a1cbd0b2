package postgres

import (
	"encoding/binary"
	"time"
)

// The object ids of the types that parameters have. They are the same in every PostgreSQL.
const (
	oidBool, oidBytea, oidInt8, oidInt4, oidText, oidOID, oidUUID = 16, 17, 20, 23, 25, 26, 2950
)

// array is one column of many rows in PostgreSQL's binary form of an array. All rows of a batch travel as such columns. They
// are written here, not by pgx: its encoders look at every element by reflection, which was a third of the time of a batch.
//
// An array of rows has all columns of a row in each element: PostgreSQL reads rows from one such array in a fifth of the time of as many
// arrays as there are columns.
type array struct {
	buf     []byte
	count   uint32
	columns []uint32 // of a row: their types; nil: the elements are no rows
	column  int      // of the row, is next
	begin   int      // of the row, in buf
}

const arrayHeader = 20

// reset makes the array empty, for elements of a type.
func (a *array) reset(element uint32) {
	if a.buf == nil {
		a.buf = make([]byte, arrayHeader, 4096)
	}
	a.buf, a.count, a.columns = a.buf[:arrayHeader], 0, nil
	binary.BigEndian.PutUint32(a.buf[0:], 1) // dimensions
	binary.BigEndian.PutUint32(a.buf[4:], 0) // no element is null, until one is
	binary.BigEndian.PutUint32(a.buf[8:], element)
	binary.BigEndian.PutUint32(a.buf[16:], 1) // the first index
}

// resetRows makes the array empty, for rows of a type. Their columns are written one after another.
func (a *array) resetRows(element uint32, columns []uint32) {
	a.reset(element)
	a.columns, a.column, a.begin = columns, 0, 0
}

// value is the array as a parameter. It is valid until the next reset.
func (a *array) value() []byte {
	a.endRow()
	binary.BigEndian.PutUint32(a.buf[12:], a.count)
	return a.buf
}

// length begins the next element, or the next column of a row; -1 is null.
func (a *array) length(n int) {
	switch {
	case a.columns == nil:
		a.count++
	case a.column == len(a.columns) || a.count == 0:
		a.endRow()
		a.count, a.column, a.begin = a.count+1, 0, len(a.buf)
		a.buf = binary.BigEndian.AppendUint32(a.buf, 0) // its length, when it is known
		a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(len(a.columns)))
	}
	if a.columns != nil {
		a.buf = binary.BigEndian.AppendUint32(a.buf, a.columns[a.column])
		a.column++
	}
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(n))
}

func (a *array) endRow() {
	if a.columns != nil && a.count > 0 {
		binary.BigEndian.PutUint32(a.buf[a.begin:], uint32(len(a.buf)-a.begin-4))
	}
}

func (a *array) text(s string) {
	a.length(len(s))
	a.buf = append(a.buf, s...)
}

// textOrNull writes the empty text as null.
func (a *array) textOrNull(s string) {
	if s == "" {
		if a.columns == nil {
			binary.BigEndian.PutUint32(a.buf[4:], 1)
		}
		a.length(-1)
		return
	}
	a.text(s)
}

func (a *array) bytes(b []byte) {
	a.length(len(b))
	a.buf = append(a.buf, b...)
}

func (a *array) int8(n int64) {
	a.length(8)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(n))
}

func (a *array) int4(n int32) {
	a.length(4)
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(n))
}

func (a *array) flag(b bool) {
	a.length(1)
	a.buf = append(a.buf, 0)
	if b {
		a.buf[len(a.buf)-1] = 1
	}
}

func (a *array) instant(t time.Time) { a.int8(t.UnixMicro()) }

// instantOrNever writes the zero time as 0.
func (a *array) instantOrNever(t time.Time) {
	if t.IsZero() {
		a.int8(0)
		return
	}
	a.instant(t)
}

// row is one row of an answer in binary form. It is valid until the next row is read. A column of another type than the one
// asked for is a mistake in a statement, and panics.
type row [][]byte

func (r row) text(i int) string { return string(r[i]) }

func (r row) int(i int) int64 {
	if len(r[i]) == 4 {
		return int64(int32(binary.BigEndian.Uint32(r[i])))
	}
	return int64(binary.BigEndian.Uint64(r[i]))
}

func (r row) flag(i int) bool { return r[i][0] == 1 }

func (r row) bytes(i int) []byte { return append(make([]byte, 0, len(r[i])), r[i]...) }

func (r row) null(i int) bool { return r[i] == nil }

// instant reads microseconds since 1970.
func (r row) instant(i int) time.Time { return time.UnixMicro(r.int(i)).UTC() }

// instantOrNever reads 0 as the zero time.
func (r row) instantOrNever(i int) time.Time {
	if r.int(i) == 0 {
		return time.Time{}
	}
	return r.instant(i)
}

func (r row) seconds(i int) time.Duration { return time.Duration(r.int(i)) * time.Second }
