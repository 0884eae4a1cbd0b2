package sqlite

import (
	"database/sql/driver"
	"time"
)

// row is one row of an answer as the driver gives it: int64, string, []byte or nil. A column of another type than the one
// asked for is a mistake in a statement, and panics.
type row []driver.Value

func (r row) text(i int) string { return r[i].(string) }

func (r row) int(i int) int64 { return r[i].(int64) }

func (r row) flag(i int) bool { return r[i].(int64) == 1 }

func (r row) bytes(i int) []byte { return r[i].([]byte) }

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

// microsOrNever is what instantOrNever reads.
func microsOrNever(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func (r row) seconds(i int) time.Duration { return time.Duration(r.int(i)) * time.Second }
