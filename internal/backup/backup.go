// Package backup is the form of a backup: a gzip file of JSON lines, the same for every store. It begins with a header, has
// one line for each row in the order of seatwright.Archive, and ends with the count of the rows and a hash of everything before,
// so that a file that was cut or altered is noticed. Write and Read are its two halves; neither needs memory for more than a row.
//
// Signing keys are left out: whoever finds a backup cannot make tokens with it, and no token of the time before is accepted by
// what is restored from it.
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"github.com/seatwright/seatwright"
)

// format names the form. A reader refuses every other one.
const format = "seatwright backup 1"

// Header is the first line.
type Header struct {
	Format  string              `json:"format"`
	Schema  int64               `json:"schema"`  // the last migration of the database that the rows come from
	Program string              `json:"program"` // version of the program that wrote it, for people
	Begun   time.Time           `json:"begun"`   // before the moment of the rows, for people
	Tables  map[string][]string `json:"tables"`  // the columns of each table, in the order of the values in its lines
}

// footer is the last line.
type footer struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // of all lines before, in hexadecimal
}

// newHeader describes the rows of this program.
func newHeader(schema int64, program string, begun time.Time) Header {
	h := Header{Format: format, Schema: schema, Program: program, Begun: begun.UTC(), Tables: map[string][]string{}}
	for _, t := range seatwright.Tables() {
		if t.Secret {
			continue
		}
		for _, c := range t.Columns {
			h.Tables[t.Name] = append(h.Tables[t.Name], c.Name)
		}
	}
	return h
}

// sum is the running hash of lines.
type sum struct{ hash.Hash }

func newSum() sum { return sum{sha256.New()} }

func (s sum) text() string { return hex.EncodeToString(s.Sum(nil)) }

// maxLine is the longest line that is read: a stored answer of the largest call, as JSON in JSON, has some megabytes.
const maxLine = 64 << 20

func marshal(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write a backup: %w", err)
	}
	return append(line, '\n'), nil
}
