// Command bench measures what the ledger is for: durable allocations per second, against one transaction per request on
// the same database and the same disk in the same minutes; and how the server behaves when there is much in it.
//
// A number of this program means nothing alone, its ratios do. Cells take turns, round by round, each on a fresh copy of its
// data and in processes of its own, and the medians of all rounds are printed. After each cell the books are checked: what the
// pools say is used must be what a recount of the seats finds and what the callers were told. Start at cells, which lists
// what is measured, and bars, which says what it has to reach; cell.go measures, node.go makes the calls.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/pgtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errBar says that a bar was missed; the table has told which.
var errBar = errors.New("at least one bar was missed")

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	b := &bench{templates: map[string]*template{}, progress: stderr}
	var (
		quick    = flags.Bool("quick", false, "one short round, to see that everything works; misses no bar")
		grown    = flags.Int("grown", 1_000_000, "people of the cells about growth; fewer than a million miss no bar")
		only     = flags.String("only", "", "measure only cells whose id matches this regular expression, and what they are compared with")
		list     = flags.Bool("list", false, "list the cells and stop")
		dir      = flags.String("dir", "bin", "directory for the databases; it must be on the disk to be measured, not in memory")
		markdown = flags.String("markdown", "", "write the tables into this document as well")
		asNode   = flags.Bool("node", false, "for this program's own use")
		asBare   = flags.Bool("bare", false, "for this program's own use")
	)
	flags.IntVar(&b.rounds, "rounds", 5, "rounds; medians are taken over them")
	flags.DurationVar(&b.duration, "d", time.Second, "how long each cell is measured in each round, after it has run for as long")
	flags.IntVar(&b.users, "users", 150_000, "people who wait for an allocation when a cell begins; it ends early when all have been served")
	flags.StringVar(&b.program, "program", "bin/seatwright", "the server")
	flags.StringVar(&b.profiles, "cpuprofile", "", "write a CPU profile of each node of each cell into this directory")
	flags.BoolVar(&b.statements, "statements", false, "print what each statement and process of PostgreSQL has cost; this has a cost of its own")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case *asNode:
		return runNode(ctx, stdin, stdout)
	case *asBare:
		return runBare(ctx, stdout)
	}
	if *quick {
		b.rounds, b.duration, b.users, *grown = 1, 200*time.Millisecond, 40_000, 50_000
	}
	cells, err := choose(cells(*grown), *only)
	if err != nil {
		return err
	}
	if *list {
		for _, c := range cells {
			fmt.Fprintf(stdout, "%-16s %s\n", c.id, c.name)
		}
		return nil
	}
	for _, needed := range []string{*dir, b.profiles} {
		if needed != "" {
			if err := os.MkdirAll(needed, 0o755); err != nil {
				return err
			}
		}
	}
	if b.root, err = os.MkdirTemp(*dir, "bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.root)) }()
	versions, err := b.startPostgres(ctx, cells, *dir)
	if err != nil {
		return err
	}
	if b.cluster != nil {
		defer func() { err = errors.Join(err, b.cluster.Close()) }()
	}
	if b.sync, err = syncTime(b.root); err != nil {
		return err
	}
	results, err := b.measureAll(ctx, cells)
	if err != nil {
		return err
	}
	table, missed := b.report(results, versions)
	if _, err := io.WriteString(stdout, table); err != nil {
		return err
	}
	if *markdown != "" {
		if err := writeReport(*markdown, table); err != nil {
			return err
		}
	}
	if missed && !*quick && *grown >= 1_000_000 {
		return errBar
	}
	return nil
}

// startPostgres starts a cluster where a cell needs one, and tells what it is.
func (b *bench) startPostgres(ctx context.Context, cells []cell, dir string) (versions string, err error) {
	needed := false
	for _, c := range cells {
		needed = needed || c.on == onPostgres
	}
	if !needed {
		return "", nil
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	options := pgtest.Options{Dir: dir, Settings: []string{
		"checkpoint_timeout = 1h", // they are made between the cells
		"min_wal_size = 2GB",      // segments of the log at hand, as in a server that has run for a while
		"wal_keep_size = 0",       // which old ones become, unless they are kept
	}}
	if b.statements {
		options.Settings = append(options.Settings, "shared_preload_libraries = 'pg_stat_statements'")
	}
	if b.cluster, err = pgtest.Start(ctx, options); err != nil {
		return "", err
	}
	err = withPostgres(ctx, b.cluster.URL("postgres"), func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT split_part(version(), ' (', 1)").Scan(&versions)
	})
	if !strings.HasPrefix(b.cluster.Dir(), dir) {
		fmt.Fprintf(b.progress, "PostgreSQL is in %s: its user may not enter %s\n", b.cluster.Dir(), dir)
	}
	return ", " + versions + " (fsync=on, synchronous_commit=on)", err
}

// choose leaves out the cells that are not asked for; cells that they are compared with stay.
func choose(all []cell, only string) ([]cell, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, c := range all {
		wanted[c.id] = pattern.MatchString(c.id)
	}
	for _, b := range bars() {
		if pattern.MatchString(b.of) && b.base != "" {
			wanted[b.base] = true
		}
	}
	var chosen []cell
	for _, c := range all {
		if wanted[c.id] {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no cell is called %q", only)
	}
	return chosen, nil
}

// cells lists what is measured. Those on SQLite that have a bar have no idempotency keys, because the baseline has none; one
// beside them shows what a key costs. Those on PostgreSQL have keys.
func cells(grown int) []cell {
	const callers, more, small = 64, 256, 1000
	many := number(grown)
	return []cell{
		{id: "sqlite-naive", name: "SQLite, one transaction per request, 1 caller", engine: "sqlite-naive", on: onSQLite, shape: spread, callers: 1},
		{id: "sqlite-naive-64", name: "SQLite, one transaction per request, 64 callers in turn", engine: "sqlite-naive", on: onSQLite, shape: spread, callers: callers},
		{id: "sqlite-spread", name: "SQLite, ledger, 10 organizations x 17 codes", engine: "ledger", on: onSQLite, shape: spread, callers: callers},
		{id: "sqlite-spread-keys", name: "SQLite, ledger, 10 organizations x 17 codes, keys", engine: "ledger", on: onSQLite, shape: spread, keys: true, callers: callers},
		{id: "sqlite-hot", name: "SQLite, ledger, one hot pool", engine: "ledger", on: onSQLite, shape: hot, callers: callers},
		{id: "sqlite-hot-keys", name: "SQLite, ledger, one hot pool, keys", engine: "ledger", on: onSQLite, shape: hot, keys: true, callers: callers},
		{id: "sqlite-http", name: "SQLite, HTTP, 10 organizations x 17 codes", engine: "http", on: onSQLite, shape: spread, behind: true, callers: callers},
		{id: "pg-naive", name: "PostgreSQL, naive, 1000 pools", engine: "postgres-naive", on: onPostgres, shape: thousand, callers: callers},
		{id: "pg-spread", name: "PostgreSQL, ledger, 1000 organizations, keys", engine: "ledger", on: onPostgres, shape: thousand, keys: true, callers: callers},
		{id: "pg-spread-256", name: "PostgreSQL, ledger, 1000 organizations, keys, 256 callers", engine: "ledger", on: onPostgres, shape: thousand, keys: true, callers: more},
		{id: "pg-http", name: "PostgreSQL, HTTP, 1000 organizations, keys", engine: "http", on: onPostgres, shape: thousand, keys: true, behind: true, callers: callers},
		{id: "pg-naive-hot", name: "PostgreSQL, naive, one hot pool", engine: "postgres-naive", on: onPostgres, shape: hot, callers: callers},
		{id: "pg-hot", name: "PostgreSQL, ledger, one hot pool, keys", engine: "ledger", on: onPostgres, shape: hot, keys: true, callers: callers},
		{id: "pg-naive-hot-2", name: "PostgreSQL, naive, one hot pool, two nodes", engine: "postgres-naive", on: onPostgres, shape: hot, nodes: 2, callers: callers},
		{id: "pg-hot-2", name: "PostgreSQL, ledger, one hot pool, keys, two nodes", engine: "ledger", on: onPostgres, shape: hot, keys: true, nodes: 2, callers: callers},
		{id: "pg-spread-2", name: "PostgreSQL, ledger, 1000 organizations, keys, two nodes", engine: "ledger", on: onPostgres, shape: thousand, keys: true, nodes: 2, callers: callers},
		{id: "bare", name: "bare net/http, constant answer", engine: "bare", shape: spread, work: askSomebody, held: small, behind: true, callers: callers},
		{id: "bare-get", name: "bare net/http, constant answer to a GET", engine: "bare", shape: spread, work: askWho, held: small, behind: true, callers: callers},
		{id: "me-http", name: "HTTP, whose token it is", engine: "http", on: onSQLite, shape: spread, work: askWho, held: small, behind: true, callers: callers},
		{id: "bare-check", name: "bare net/http, constant answer to the question", engine: "bare", shape: spread, work: askMay, held: grown, behind: true, callers: callers},
		{id: "check-small", name: "HTTP, may this user use that, 1k users", engine: "http", on: onSQLite, shape: spread, work: askMay, held: small, behind: true, callers: callers},
		{id: "check-http", name: "HTTP, may this user use that, " + many + " users", engine: "http", on: onSQLite, shape: spread, work: askMay, held: grown, behind: true, callers: callers},
		{id: "read-http", name: "HTTP, read one user, " + many + " users", engine: "http", on: onSQLite, shape: spread, work: askSomebody, held: grown, behind: true, callers: callers},
		{id: "grown-http", name: "HTTP, allocate, " + many + " users", engine: "http", on: onSQLite, shape: spread, work: allocateWaiting, held: grown, behind: true, callers: callers},
		{id: "small", name: "SQLite, ledger, allocate, 1k users with seats", engine: "ledger", on: onSQLite, shape: spread, work: allocateWaiting, held: small, callers: callers},
		{id: "grown", name: "SQLite, ledger, allocate, " + many + " users with seats", engine: "ledger", on: onSQLite, shape: spread, work: allocateWaiting, held: grown, callers: callers},
		{id: "read-small", name: "SQLite, store, read one user, 1k users", engine: "reader", on: onSQLite, shape: spread, work: askSomebody, held: small, callers: 1},
		{id: "read-grown", name: "SQLite, store, read one user, " + many + " users", engine: "reader", on: onSQLite, shape: spread, work: askSomebody, held: grown, callers: 1},
	}
}

func number(n int) string {
	if n%1_000_000 == 0 {
		return fmt.Sprintf("%dM", n/1_000_000)
	}
	return fmt.Sprintf("%dk", n/1000)
}
