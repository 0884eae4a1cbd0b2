package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/seatwright/seatwright"
)

// Write writes a backup of everything in from. program is the version of this one. It returns the number of rows. After an
// error what has been written is no backup, and Read says so.
func Write(ctx context.Context, to io.Writer, from seatwright.Archive, program string, begun time.Time) (rows int64, err error) {
	schema, err := from.Schema(ctx)
	if err != nil {
		return 0, err
	}
	packed, err := gzip.NewWriterLevel(to, gzip.BestSpeed) // the disk is faster than the better levels, the file hardly larger
	if err != nil {
		return 0, err
	}
	w := writer{sum: newSum(), to: bufio.NewWriterSize(packed, 1<<16)}
	line, err := marshal(newHeader(schema.Version, program, begun))
	if err != nil {
		return 0, err
	}
	if err := w.write(line); err != nil {
		return 0, err
	}
	err = from.Dump(ctx, func(r seatwright.Row) error {
		if r.Table.Secret {
			return nil
		}
		w.rows++
		w.line = appendRow(w.line[:0], r)
		return w.write(w.line)
	})
	if err != nil {
		return 0, err
	}
	if line, err = marshal(footer{Rows: w.rows, SHA256: w.sum.text()}); err != nil {
		return 0, err
	}
	if err := w.write(line); err != nil {
		return 0, err
	}
	if err := w.to.Flush(); err != nil {
		return 0, fmt.Errorf("write a backup: %w", err)
	}
	if err := packed.Close(); err != nil {
		return 0, fmt.Errorf("write a backup: %w", err)
	}
	return w.rows, nil
}

type writer struct {
	to   *bufio.Writer
	sum  sum
	rows int64
	line []byte
}

func (w *writer) write(line []byte) error {
	w.sum.Write(line)
	if _, err := w.to.Write(line); err != nil {
		return fmt.Errorf("write a backup: %w", err)
	}
	return nil
}

// appendRow appends the line of a row: its table, then its values.
func appendRow(line []byte, r seatwright.Row) []byte {
	line = append(line, '[', '"')
	line = append(line, r.Table.Name...)
	line = append(line, '"')
	for i, c := range r.Table.Columns {
		line = append(line, ',')
		switch v := r.Values[i].(type) {
		case nil:
			line = append(line, "null"...)
		case string:
			line = appendText(line, v)
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case bool:
			line = strconv.AppendBool(line, v)
		case []byte:
			line = appendBytes(line, v, c.Kind)
		}
	}
	return append(line, ']', '\n')
}

// appendBytes writes JSON text as text, which people can read and gzip can press, and everything else as {"base64":"…"}.
func appendBytes(line, value []byte, kind seatwright.ColumnKind) []byte {
	if kind == seatwright.JSONBytes && utf8.Valid(value) {
		return appendText(line, string(value))
	}
	line = append(line, `{"base64":"`...)
	line = base64.StdEncoding.AppendEncode(line, value)
	return append(line, '"', '}')
}

// appendText quotes a text. Broken UTF-8, which no door lets in, would not survive JSON: it goes as bytes.
func appendText(line []byte, text string) []byte {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		line = append(line, '"')
		line = append(line, text...)
		return append(line, '"')
	}
	if !utf8.ValidString(text) {
		return appendBytes(line, []byte(text), seatwright.Bytes)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always marshals
	}
	return append(line, quoted...)
}
