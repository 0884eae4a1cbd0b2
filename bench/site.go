package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/pgtest"
)

// bench is one run.
type bench struct {
	root       string
	program    string // seatwright
	rounds     int
	duration   time.Duration
	users      int // people of the cells that are not grown
	profiles   string
	statements bool
	sync       time.Duration // see syncTime
	progress   io.Writer

	cluster   *pgtest.Cluster // nil while no cell needs it
	templates map[string]*template
	audited   int // how often the books were compared
	cells     int // made so far, for names
}

// template is what all rounds of some cells begin with.
type template struct {
	place place
	books books // of the product
}

// people is how many tasks there are in a cell.
func (b *bench) people(c cell) int {
	if c.work.asks() {
		return c.held
	}
	return b.users
}

// open makes the data of a cell: a fresh copy of what all rounds begin with.
func (b *bench) open(ctx context.Context, c cell) (site, error) {
	if c.on == onNothing {
		return discard{}, nil
	}
	from, err := b.template(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.work.asks() {
		return &sharedSite{from, c}, nil
	}
	b.cells++
	s := &copySite{cell: c, before: from.books, cluster: b.cluster}
	if c.on == onSQLite {
		s.at.Dir = filepath.Join(b.root, fmt.Sprintf("cell-%d", b.cells))
		return s, copyDirectory(s.at.Dir, from.place.Dir)
	}
	name := fmt.Sprintf("cell_%d", b.cells)
	s.at.URL = b.cluster.URL(name)
	// The checkpoint comes before the copy: after it PostgreSQL would write every page that is touched for the first time as
	// a whole, which a server does in the seconds after a checkpoint and not in the minutes until the next.
	return s, b.administer(ctx, "CHECKPOINT", "CREATE DATABASE "+name+" TEMPLATE "+databaseOf(from.place))
}

// template makes what all rounds of cells with the same data begin with.
func (b *bench) template(ctx context.Context, c cell) (*template, error) {
	name := fmt.Sprintf("%s_%s_%d", strings.ToLower(string(c.on)), c.shape.Name, c.held)
	naive := strings.HasSuffix(c.engine, "-naive")
	if naive {
		name = strings.ToLower(string(c.on)) + "_naive"
	}
	if t := b.templates[name]; t != nil {
		return t, nil
	}
	begin := time.Now()
	t, err := b.makeTemplate(ctx, c, name, naive)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", name, err)
	}
	fmt.Fprintf(b.progress, "prepared %s in %s\n", name, time.Since(begin).Round(100*time.Millisecond))
	b.templates[name] = t
	return t, nil
}

func (b *bench) makeTemplate(ctx context.Context, c cell, name string, naive bool) (*template, error) {
	var at place
	if c.on == onSQLite {
		at.Dir = filepath.Join(b.root, name)
		if err := os.Mkdir(at.Dir, 0o700); err != nil {
			return nil, err
		}
	} else {
		at.URL = b.cluster.URL(name)
		if err := b.administer(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
			return nil, err
		}
	}
	t := &template{place: at}
	switch {
	case naive && c.on == onSQLite:
		return t, fillNaiveSQLite(ctx, at.Dir)
	case naive:
		return t, fillNaivePostgres(ctx, at.URL)
	}
	if err := fill(ctx, at, c.shape, c.held, b.users); err != nil {
		return nil, err
	}
	if c.held > 0 {
		if err := b.settle(ctx, c, at); err != nil {
			return nil, err
		}
	}
	var err error
	if t.books, err = readBooks(ctx, at, c.shape); err != nil || c.on == onSQLite {
		return t, err
	}
	// What autovacuum would have done by and by, so that it does not do it in a measured second.
	return t, withPostgres(ctx, at.URL, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "VACUUM (FREEZE, ANALYZE)")
		return err
	})
}

// settle lets a server start once on new data and do what a first start has to do.
func (b *bench) settle(ctx context.Context, c cell, at place) error {
	s, err := b.front(ctx, c, at)
	if err != nil {
		return err
	}
	return s.stop()
}

// front starts the server of a cell.
func (b *bench) front(ctx context.Context, c cell, at place) (*server, error) {
	if c.engine == "bare" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return startServer(ctx, nil, self, "-bare")
	}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--requests-per-second", "0"} // the load is one caller's
	if at.URL != "" {                                                                                         // in the environment: the command line is for everybody to see
		return startServer(ctx, []string{"SEATWRIGHT_DATABASE_URL=" + at.URL}, b.program, args...)
	}
	return startServer(ctx, nil, b.program, append(args, "--data", at.Dir)...)
}

func (b *bench) administer(ctx context.Context, statements ...string) error {
	return withPostgres(ctx, b.cluster.URL("postgres"), func(conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

func databaseOf(at place) string {
	u, err := url.Parse(at.URL)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// copySite is a copy that only one cell uses.
type copySite struct {
	cell    cell
	at      place
	before  books
	cluster *pgtest.Cluster
}

func (s *copySite) place() place { return s.at }

func (s *copySite) check(ctx context.Context, calls int) error {
	switch s.cell.engine {
	case "sqlite-naive":
		return checkNaiveSQLite(ctx, s.at.Dir, calls)
	case "postgres-naive":
		return checkNaivePostgres(ctx, s.at.URL, calls)
	}
	return checkBooks(ctx, s.at, s.cell, s.before, calls)
}

// checkBooks checks that since before each of so many calls has taken one seat and written one event.
func checkBooks(ctx context.Context, at place, c cell, before books, calls int) error {
	after, err := readBooks(ctx, at, c.shape)
	if err != nil {
		return err
	}
	if c.work.asks() {
		calls = 0
	}
	// What the server itself does is written into the chain of the host.
	seats, events := after.seats-before.seats, after.events-before.events
	if seats != int64(calls) || events != int64(calls) {
		return fmt.Errorf("%d allocations were answered, there are %d new seats and %d events", calls, seats, events)
	}
	return nil
}

func (s *copySite) close(ctx context.Context) error {
	if s.at.URL == "" {
		return os.RemoveAll(s.at.Dir)
	}
	ctx = context.WithoutCancel(ctx)
	return withPostgres(ctx, s.cluster.URL("postgres"), func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE "+databaseOf(s.at)+" WITH (FORCE)")
		return err
	})
}

// sharedSite is what all rounds begin with: a cell that changes nothing needs no copy.
type sharedSite struct {
	*template
	cell cell
}

func (s *sharedSite) place() place { return s.template.place }

func (s *sharedSite) check(ctx context.Context, calls int) error {
	return checkBooks(ctx, s.place(), s.cell, s.books, calls)
}

func (s *sharedSite) close(context.Context) error { return nil }

// copyDirectory copies the files of a closed store and flushes them, so that writing them back is not measured later.
func copyDirectory(to, from string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := copyFile(filepath.Join(to, entry.Name()), filepath.Join(from, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}
