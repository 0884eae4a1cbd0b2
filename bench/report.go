package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// report writes the results as a Markdown table, which is readable on a terminal as well.
func report(results []result, rounds int, d time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s/%s, %d CPUs, modernc.org/sqlite, WAL, synchronous=FULL; medians of %d rounds of %s a cell; every cell's books agreed.\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds, d)
	rows := [][]string{{"cell", "allocations/s", "ratio", "bar", "verdict", "p50", "p99", "p99 ratio", "bar", "verdict"}}
	for i := range results {
		r := &results[i]
		row := []string{r.name, fmt.Sprintf("%.0f", r.rate()), fmt.Sprintf("%.2fx", r.ratio), "", "", r.duration(func(s sample) time.Duration { return s.p50 }),
			r.duration(func(s sample) time.Duration { return s.p99 }), fmt.Sprintf("%.2f", r.p99), "", ""}
		if r.bar != (bar{}) {
			row[3], row[4] = fmt.Sprintf("must %gx, aim %gx", r.bar.must, r.bar.aim), verdict(r.ratio >= r.bar.must, r.ratio >= r.bar.aim)
			row[8], row[9] = fmt.Sprintf("must %g, aim %g", r.bar.mustP99, r.bar.aimP99), verdict(r.p99 <= r.bar.mustP99, r.p99 <= r.bar.aimP99)
		}
		rows = append(rows, row)
	}
	writeTable(&b, rows)
	b.WriteString("\nratio: against the first row; p99 ratio: against the second row; both taken in the same round.\n")
	return b.String()
}

func writeTable(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], len(text))
		}
	}
	for i, row := range rows {
		for j, text := range row {
			if j == 0 {
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
			if j == 0 {
				fmt.Fprintf(b, "| %s ", strings.Repeat("-", width))
			} else {
				fmt.Fprintf(b, "| %s: ", strings.Repeat("-", width-1))
			}
		}
		b.WriteString("|\n")
	}
}

func verdict(must, aim bool) string {
	switch {
	case aim:
		return "ok, aim reached"
	case must:
		return "ok"
	}
	return "FAIL"
}

// missed reports whether any cell is below what it must reach.
func missed(results []result) bool {
	for i := range results {
		if r := &results[i]; r.bar != (bar{}) && (r.ratio < r.bar.must || r.p99 > r.bar.mustP99) {
			return true
		}
	}
	return false
}

func (r *result) rate() float64 {
	rates := make([]float64, len(r.samples))
	for i, s := range r.samples {
		rates[i] = s.rate
	}
	return median(rates)
}

func (r *result) duration(of func(sample) time.Duration) string {
	values := make([]time.Duration, len(r.samples))
	for i, s := range r.samples {
		values[i] = of(s)
	}
	return median(values).Round(time.Microsecond).String()
}
