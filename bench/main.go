// Command bench measures what the ledger is for: durable allocations per second, against one transaction per request on
// the same driver and the same disk in the same minutes.
//
// A number of this program means nothing alone, its ratios do. Cells take turns, round by round, each in a fresh directory,
// and the medians of all rounds are printed. After each cell the books are checked: what the pools say is used must be what
// a recount of the seats finds and what the callers were told. Start at cells; cell.go measures, baseline.go and
// product.go are the two sides.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errBar says that a bar was missed; the table has told which.
var errBar = errors.New("at least one bar was missed")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		quick    = flags.Bool("quick", false, "one short round, to see that everything works; misses no bar")
		rounds   = flags.Int("rounds", 5, "rounds; medians are taken over them")
		duration = flags.Duration("d", time.Second, "how long each cell runs in each round")
		users    = flags.Int("users", 60_000, "people who are there before a cell begins; it ends early when all have been served")
		dir      = flags.String("dir", "bin", "directory for the databases; it must be on the disk to be measured, not in memory")
		markdown = flags.String("markdown", "", "write the table to this file as well")
		profile  = flags.String("cpuprofile", "", "write a CPU profile of the whole run to this file")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		*rounds, *duration, *users = 1, 200*time.Millisecond, 10_000
	}
	if *profile != "" {
		end, err := profileTo(*profile)
		if err != nil {
			return err
		}
		defer end()
	}
	debug.SetGCPercent(400) // as cmd/seatwright does; for the baseline as well
	if err := os.MkdirAll(*dir, 0o750); err != nil {
		return err
	}
	root, err := os.MkdirTemp(*dir, "bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()

	results, err := measureAll(ctx, cells(), plan{root: root, rounds: *rounds, duration: *duration, users: *users}, stderr)
	if err != nil {
		return err
	}
	table := report(results, *rounds, *duration)
	if _, err := io.WriteString(stdout, table); err != nil {
		return err
	}
	if *markdown != "" {
		if err := os.WriteFile(*markdown, []byte(table), 0o600); err != nil {
			return err
		}
	}
	if !*quick && missed(results) {
		return errBar
	}
	return nil
}

func profileTo(name string) (end func(), err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// cells lists what is measured. The first is the baseline of the rates; the second, in which the same callers wait for each
// other, is the baseline of the latencies. The bars are for the same work as the baseline does; the cells with idempotency
// keys, which the baseline has none of, show what a key costs.
func cells() []cell {
	const callers = 64
	bars := bar{must: 6, aim: 9, mustP99: 0.5, aimP99: 0.25}
	return []cell{
		{name: "one transaction per request, 1 caller", callers: 1, setup: openBaseline},
		{name: "one transaction per request, 64 callers in turn", callers: callers, setup: openBaseline},
		{name: "ledger, 10 organizations x 17 codes", callers: callers, bar: bars, setup: productOf(spread, false)},
		{name: "ledger, 10 organizations x 17 codes, with keys", callers: callers, setup: productOf(spread, true)},
		{name: "ledger, one hot pool", callers: callers, bar: bars, setup: productOf(hot, false)},
		{name: "ledger, one hot pool, with keys", callers: callers, setup: productOf(hot, true)},
	}
}
