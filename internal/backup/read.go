package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/seatwright/seatwright"
)

// Reader reads a backup that has begun well.
type Reader struct {
	Header Header
	file   *bufio.Reader
	lines  *bufio.Reader
	sum    sum
	line   []byte
	rows   int64
	ended  bool
}

// NewReader reads the header and refuses what is no backup, or one that this program would not understand as a whole.
func NewReader(from io.Reader) (*Reader, error) {
	file := bufio.NewReaderSize(from, 1<<16)
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("this is not a backup: %w", err)
	}
	plain.Multistream(false)
	r := &Reader{file: file, lines: bufio.NewReaderSize(plain, 1<<16), sum: newSum()}
	if err := r.next(); err != nil {
		return nil, err
	}
	r.sum.Write(r.line)
	if err := json.Unmarshal(r.line, &r.Header); err != nil || r.Header.Format == "" {
		return nil, errors.New("this is not a backup: it does not begin with a header")
	}
	if r.Header.Format != format {
		return nil, fmt.Errorf("this is a %q of %s, and this program reads %q", r.Header.Format, r.Header.Program, format)
	}
	return r, nil
}

// Check refuses a backup of another schema than known. The release that wrote it can restore it, and this one migrate that.
func (r *Reader) Check(known int64) error {
	if r.Header.Schema != known {
		return fmt.Errorf("the backup has schema %d and was written by %s, this program knows schema %d: restore it with a release of its schema, then migrate",
			r.Header.Schema, r.Header.Program, known)
	}
	for name, columns := range newHeader(known, "", r.Header.Begun).Tables {
		if !slices.Equal(columns, r.Header.Tables[name]) {
			return fmt.Errorf("the backup has the columns %v of %s, this program %v", r.Header.Tables[name], name, columns)
		}
	}
	return nil
}

// damaged is why a backup is not believed.
func damaged(format string, args ...any) error {
	return fmt.Errorf("the backup is damaged or incomplete: "+format, args...)
}

// Rows is every row, each valid until the next, and then what is wrong with the backup, if anything: a backup is whole only
// when all its rows came without an error. It can be read once.
func (r *Reader) Rows() iter.Seq2[seatwright.Row, error] {
	return func(yield func(seatwright.Row, error) bool) {
		for {
			row, last, err := r.row()
			if err != nil {
				yield(seatwright.Row{}, err)
				return
			}
			if last {
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// row reads the next line. last says that it was the footer, and that everything is right.
func (r *Reader) row() (row seatwright.Row, last bool, err error) {
	if r.ended {
		return row, false, errors.New("a backup is read once")
	}
	if err := r.next(); err != nil {
		return row, false, err
	}
	if r.line[0] == '{' {
		r.ended = true
		return row, true, r.end()
	}
	r.sum.Write(r.line)
	r.rows++
	row, err = parseRow(r.line)
	if err != nil {
		return row, false, damaged("line %d: %w", r.rows+1, err)
	}
	return row, false, nil
}

// next reads one line. The end of the file is an error: there is always one more line than rows.
func (r *Reader) next() error {
	r.line = r.line[:0]
	for {
		part, err := r.lines.ReadSlice('\n')
		r.line = append(r.line, part...)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return damaged("it ends after %d rows: %w", r.rows, err)
		case len(r.line) > maxLine:
			return damaged("line %d is too long", r.rows+2)
		}
	}
}

// end compares the footer with what came before, and looks for the end of the file, where gzip has a checksum of its own.
func (r *Reader) end() error {
	var f footer
	if err := json.Unmarshal(r.line, &f); err != nil {
		return damaged("its last line: %w", err)
	}
	if sum := r.sum.text(); f.Rows != r.rows || f.SHA256 != sum {
		return damaged("it has %d rows with the hash %s, and says %d with %s", r.rows, sum, f.Rows, f.SHA256)
	}
	for _, rest := range [...]*bufio.Reader{r.lines, r.file} {
		if _, err := rest.ReadByte(); err == nil {
			return damaged("there is more behind its end")
		} else if !errors.Is(err, io.EOF) {
			return damaged("its end: %w", err)
		}
	}
	return nil
}

// parseRow reads the line of a row, as appendRow writes it.
func parseRow(line []byte) (row seatwright.Row, err error) {
	s := scanner{rest: line}
	s.expect(`["`)
	name := s.until('"')
	table, known := seatwright.LookupTable(string(name))
	if s.failed || !known || table.Secret {
		return row, fmt.Errorf("there is no table %.40q", name)
	}
	row = seatwright.Row{Table: table, Values: make([]any, len(table.Columns))}
	for i, c := range table.Columns {
		s.expect(`,`)
		if row.Values[i] = s.value(c.Kind); s.failed {
			return row, fmt.Errorf("%s.%s cannot be read", name, c.Name)
		}
	}
	if s.expect("]\n"); s.failed || len(s.rest) > 0 {
		return row, fmt.Errorf("more than %d values of %s", len(table.Columns), name)
	}
	return row, nil
}

// scanner reads a line from left to right. encoding/json would need most of the time of a restore to do the same.
type scanner struct {
	rest   []byte
	failed bool
}

func (s *scanner) expect(text string) {
	rest, ok := bytes.CutPrefix(s.rest, []byte(text))
	s.rest, s.failed = rest, s.failed || !ok
}

// skip reports whether text comes next, and steps over it.
func (s *scanner) skip(text string) bool {
	rest, ok := bytes.CutPrefix(s.rest, []byte(text))
	s.rest = rest
	return ok
}

// until returns what comes before the next c, and steps over both.
func (s *scanner) until(c byte) []byte {
	i := bytes.IndexByte(s.rest, c)
	if i < 0 {
		s.failed = true
		return nil
	}
	found := s.rest[:i]
	s.rest = s.rest[i+1:]
	return found
}

func (s *scanner) value(kind seatwright.ColumnKind) any {
	switch {
	case kind == seatwright.OptionalText && s.skip("null"):
		return nil
	case kind == seatwright.Text || kind == seatwright.OptionalText:
		return string(s.bytes())
	case kind == seatwright.Number:
		return s.number()
	case kind == seatwright.Flag:
		if s.skip("true") {
			return true
		}
		s.expect("false")
		return false
	}
	return s.bytes()
}

func (s *scanner) number() int64 {
	end := 0
	for end < len(s.rest) && (s.rest[end] == '-' || '0' <= s.rest[end] && s.rest[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(string(s.rest[:end]), 10, 64)
	s.rest, s.failed = s.rest[end:], s.failed || err != nil
	return n
}

// bytes reads a text, or bytes in base64. The result is never nil and never part of the line.
func (s *scanner) bytes() []byte {
	if s.skip(`{"base64":"`) {
		decoded, err := base64.StdEncoding.AppendDecode([]byte{}, s.until('"'))
		s.failed = s.failed || err != nil
		s.expect(`}`)
		return decoded
	}
	begin := s.rest
	s.expect(`"`)
	for escaped := false; ; {
		part := s.until('"')
		if s.failed {
			return nil
		}
		escaped = escaped || bytes.IndexByte(part, '\\') >= 0
		if backslashes := len(part) - len(bytes.TrimRight(part, `\`)); backslashes%2 == 1 {
			continue // the quote is one of the text
		}
		quoted := begin[:len(begin)-len(s.rest)]
		if !escaped {
			return append([]byte{}, quoted[1:len(quoted)-1]...)
		}
		var text string
		s.failed = json.Unmarshal(quoted, &text) != nil
		return []byte(text)
	}
}
