package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// bar is a line of the table of what has to be reached.
type bar struct {
	what, against string
	of, base      string // ids of cells; base empty: the figure itself counts
	figure        func(sample) float64
	must, aim     float64 // both zero: nothing is demanded yet
	less          bool    // less is better
	decides       bool    // a miss fails the run
	show          func(float64) string
}

func times(v float64) string    { return fmt.Sprintf("%.2fx", v) }
func fraction(v float64) string { return fmt.Sprintf("%.2f", v) }
func megabytes(v float64) string {
	return fmt.Sprintf("%.0f MB", v/(1<<20))
}
func seconds(v float64) string { return fmt.Sprintf("%.2f s", time.Duration(v).Seconds()) }

const mega = 1 << 20

// bars is the table of the bars, in the order of the design.
func bars() []bar {
	const p99Must, p99Aim = 0.5, 0.25
	p99Bar := func(what, of, base, against string) bar {
		return bar{what, against, of, base, p99, p99Must, p99Aim, true, true, fraction}
	}
	return []bar{
		{"allocate, SQLite, 10 organizations x 17 codes", "one transaction per request, 1 caller", "sqlite-spread", "sqlite-naive", rate, 6, 9, false, true, times},
		{"allocate, SQLite, one hot pool", "the same", "sqlite-hot", "sqlite-naive", rate, 6, 9, false, true, times},
		{"allocate over HTTP with token, SQLite", "the same", "sqlite-http", "sqlite-naive", rate, 3, 5, false, true, times},
		{"allocate, PostgreSQL, keys, 1000 organizations", "naive `SELECT … FOR UPDATE`, 1000 pools", "pg-spread", "pg-naive", rate, 5, 8, false, true, times},
		{"the same, 256 callers", "the same, 64 callers", "pg-spread-256", "pg-naive", rate, 0, 0, false, false, times},
		{"allocate, PostgreSQL, keys, one hot pool", "naive on the same", "pg-hot", "pg-naive-hot", rate, 20, 35, false, true, times},
		{"the same, two nodes", "naive on the same, two nodes", "pg-hot-2", "pg-naive-hot-2", rate, 25, 50, false, true, times},
		p99Bar("p99, SQLite, 10 organizations x 17 codes", "sqlite-spread", "sqlite-naive-64", "p99 of 64 callers in turn"),
		p99Bar("p99, SQLite, one hot pool", "sqlite-hot", "sqlite-naive-64", "the same"),
		p99Bar("p99 over HTTP, SQLite", "sqlite-http", "sqlite-naive-64", "the same"),
		p99Bar("p99, PostgreSQL, 1000 organizations", "pg-spread", "pg-naive", "naive p99"),
		p99Bar("p99, PostgreSQL, one hot pool", "pg-hot", "pg-naive-hot", "naive p99"),
		p99Bar("the same, two nodes", "pg-hot-2", "pg-naive-hot-2", "naive p99, two nodes"),
		{"allocate over HTTP with token, PostgreSQL, keys", "naive, without HTTP", "pg-http", "pg-naive", rate, 0, 0, false, false, times},
		{"no-op over HTTP with token, 64 connections", "bare net/http, constant answer", "me-http", "bare-get", rate, 0.4, 0.55, false, true, times},
		{"may this user use that, over HTTP with token, 1M users", "bare net/http, constant answer", "check-http", "bare-check", rate, 0.45, 0.6, false, true, times},
		{"growth, 1k → 1M users: p50 of that question", "itself", "check-http", "check-small", p50, 2.5, 1.8, true, true, times},
		{"memory, most, all 1M users in it, while 64 connections ask", "", "check-http", "", func(s sample) float64 { return float64(s.peak) }, 450 * mega, 300 * mega, true, true, megabytes},
		{"read one user's allocation over HTTP with token, 1M users", "bare net/http, constant answer", "read-http", "bare", rate, 0, 0, false, false, times},
		{"growth, 1k → 1M users with seats: allocate to others", "itself", "grown", "small", rate, 0.7, 0.85, false, false, fraction},
		{"growth, 1k → 1M users: p50 of a read in the store", "itself", "read-grown", "read-small", p50, 2.5, 1.8, true, false, times},
		{"memory, idle, 1M users on disk", "", "read-http", "", func(s sample) float64 { return float64(s.idle) }, 120 * mega, 60 * mega, true, false, megabytes},
		{"memory, most, while it is read by 64 connections", "", "read-http", "", func(s sample) float64 { return float64(s.peak) }, 450 * mega, 300 * mega, true, false, megabytes},
		{"memory, most, while 64 connections allocate", "", "grown-http", "", func(s sample) float64 { return float64(s.peak) }, 450 * mega, 300 * mega, true, false, megabytes},
		{"start to first answer, 1M users on disk", "", "read-http", "", func(s sample) float64 { return float64(s.start) }, 2e9, 0.5e9, true, false, seconds},
	}
}

// verdicts are the rows of the table of bars whose cells were measured, and whether one that decides was missed.
func verdicts(results []result) (rows [][]string, missed bool) {
	byID := map[string]*result{}
	for i := range results {
		byID[results[i].id] = &results[i]
	}
	rows = [][]string{{"what", "against", "measured", "must", "aim", "verdict"}}
	for _, b := range bars() {
		of, base := byID[b.of], byID[b.base]
		if of == nil || base == nil && b.base != "" {
			continue
		}
		value := of.value(b.figure)
		if base != nil {
			value = ratio(of, base, b.figure)
		}
		row := []string{b.what, b.against, b.show(value), "", "", "no bar yet"}
		if b.must != 0 {
			sign := "≥ "
			if b.less {
				sign = "≤ "
			}
			row[3], row[4], row[5] = sign+b.show(b.must), sign+b.show(b.aim), b.verdict(value)
			missed = missed || b.decides && !b.reached(value, b.must)
		}
		rows = append(rows, row)
	}
	return rows, missed
}

func (b bar) reached(value, goal float64) bool {
	if b.less {
		return value <= goal
	}
	return value >= goal
}

func (b bar) verdict(value float64) string {
	switch {
	case b.reached(value, b.aim):
		return "ok, aim reached"
	case b.reached(value, b.must):
		return "ok"
	}
	return "FAIL"
}

// report writes the results as Markdown tables, which are readable on a terminal as well.
func (b *bench) report(results []result, versions string) (text string, missed bool) {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s/%s, %d CPUs, modernc.org/sqlite (WAL, synchronous=FULL)%s; medians of %d rounds of %s a cell. The disk keeps a page in %s.\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), versions, b.rounds, b.duration, b.sync.Round(time.Microsecond))
	if others := disturbed(results); others > 0.1 {
		fmt.Fprintf(&out, "Other programs used %.0f %% of the processors: these figures are not to be trusted.\n\n", 100*others)
	}
	rows, missed := verdicts(results)
	writeTable(&out, rows)
	fmt.Fprintf(&out, "\nThe books (pools, recounted seats, events, acknowledged calls) were compared %d times: 0 oversold, 0 lost.\n\n", b.audited)
	rows = [][]string{{"cell", "calls/s", "p50", "p99", "node CPU", "server CPU", "PostgreSQL CPU", "calls a transaction"}}
	for i := range results {
		r := &results[i]
		cost := func(figure func(sample) time.Duration) string {
			v := time.Duration(r.value(func(s sample) float64 { return float64(figure(s)) }))
			if v == 0 {
				return ""
			}
			return micros(v)
		}
		batch := ""
		if v := r.value(func(s sample) float64 { return s.batch }); v > 0 {
			batch = fmt.Sprintf("%.1f", v)
		}
		rows = append(rows, []string{
			r.name, fmt.Sprintf("%.0f", r.value(rate)), time.Duration(r.value(p50)).Round(time.Microsecond).String(),
			time.Duration(r.value(p99)).Round(time.Microsecond).String(), cost(func(s sample) time.Duration { return s.nodeCPU }),
			cost(func(s sample) time.Duration { return s.serverCPU }), cost(func(s sample) time.Duration { return s.storageCPU }), batch,
		})
	}
	writeTable(&out, rows)
	out.WriteString("\nCPU is the time of all processors per call; a node is callers and ledger, or, in front of a server, what loads it.\n")
	return out.String(), missed
}

// disturbed is the median of how much of the machine others used while something was measured.
func disturbed(results []result) float64 {
	var others []float64
	for i := range results {
		for _, s := range results[i].samples {
			others = append(others, s.others)
		}
	}
	return median(others)
}

// The report stands between these lines of a document, whose other words are written by hand.
const (
	markBegin = "<!-- written by make bench: begin -->"
	markEnd   = "<!-- written by make bench: end -->"
)

// writeReport puts the report into a document in place of the last one.
func writeReport(name, report string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		text, err = []byte("# Performance\n\n"+markBegin+"\n"+markEnd+"\n"), nil
	}
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(text), markBegin)
	_, after, ended := strings.Cut(rest, markEnd)
	if !begun || !ended {
		return fmt.Errorf("%s has no lines %q and %q to write between", name, markBegin, markEnd)
	}
	return os.WriteFile(name, []byte(before+markBegin+"\n\n"+report+"\n"+markEnd+after), 0o644)
}

func writeTable(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], len([]rune(text)))
		}
	}
	// The figures are on the right, words on the left.
	words := func(column int) bool {
		return column == 0 || rows[0][column] == "against" || rows[0][column] == "verdict"
	}
	for i, row := range rows {
		for j, text := range row {
			if words(j) {
				fmt.Fprintf(b, "| %-*s ", widths[j], text)
			} else {
				fmt.Fprintf(b, "| %*s ", widths[j], text)
			}
		}
		b.WriteString("|\n")
		if i > 0 {
			continue
		}
		for j, width := range widths {
			if words(j) {
				fmt.Fprintf(b, "| %s ", strings.Repeat("-", width))
			} else {
				fmt.Fprintf(b, "| %s: ", strings.Repeat("-", width-1))
			}
		}
		b.WriteString("|\n")
	}
}
