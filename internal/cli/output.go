package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// clean removes control and format characters (escape sequences, direction marks) from a text that came from elsewhere, and
// makes line breaks spaces, so that it cannot act on the terminal or pass for another line.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n': // an error of several lines stays readable in one
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, text)
}

func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// column is one field of a table.
type column struct{ title, value string }

// printResult writes one created thing: a table of one row for people, or value as JSON.
func printResult(w io.Writer, asJSON bool, value any, row []column) error {
	if asJSON {
		return printJSON(w, value)
	}
	return printTable(w, [][]column{row})
}

// printTable writes rows that all have the same titles.
func printTable(w io.Writer, rows [][]column) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, row := range rows {
		titles, values := make([]string, len(row)), make([]string, len(row))
		for j, c := range row {
			titles[j], values[j] = c.title, clean(c.value)
			if values[j] == "" {
				values[j] = "-"
			}
		}
		if i == 0 {
			fmt.Fprintln(t, strings.Join(titles, "\t"))
		}
		fmt.Fprintln(t, strings.Join(values, "\t"))
	}
	return t.Flush()
}

// printJSON writes value indented. Characters that could act on a terminal are escaped, which changes nothing for a program
// that reads it.
func printJSON(w io.Writer, value any) error {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	var b strings.Builder
	for _, r := range string(body) {
		switch {
		case r == '\n' || !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('\n')
	_, err = io.WriteString(w, b.String())
	return err
}
