package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver of the product
)

// The baselines allocate as a plain server would: one durable transaction for each request. They do less than the product
// (no rules, no idempotency keys, no chain of events), so that a ratio to them is not flattering.

const (
	naiveOrganizations = 10
	naiveCodes         = 100
	naiveTotal         = 1_000_000_000
)

// naivePlace says in which pool the person with that number gets a unit, and what they are called.
func naivePlace(person int, s shape) (organization, code int, name string) {
	name = fmt.Sprintf("person-%012d", person)
	if s.Organizations == 1 {
		return 0, 0, name
	}
	return person / naiveCodes % naiveOrganizations, person % naiveCodes, name
}

var errNaiveExhausted = errors.New("the pool is exhausted")

// naiveSQLite has one connection, which its callers take turns on.
type naiveSQLite struct {
	shape shape
	turn  sync.Mutex // so that callers wait here and never see a busy database
	db    *sql.DB
	conn  *sql.Conn

	// All prepared, begin and commit included: the baseline shall lose by its commits, not by its parsing.
	begin, commit, rollback, pool, seat, use, log *sql.Stmt
}

const naiveSQLiteSchema = `
CREATE TABLE pool (
	organization INTEGER, code INTEGER, total INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND total),
	PRIMARY KEY (organization, code)
) WITHOUT ROWID;
CREATE TABLE seat (
	organization INTEGER, person TEXT, code INTEGER, created_at INTEGER NOT NULL, PRIMARY KEY (organization, person, code)
) WITHOUT ROWID;
CREATE INDEX seat_by_code ON seat (organization, code, person);
CREATE TABLE event (
	id INTEGER PRIMARY KEY, at INTEGER NOT NULL, organization INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL
);`

func openNaiveSQLite(ctx context.Context, dir string, s shape) (*naiveSQLite, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "naive.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &naiveSQLite{shape: s, db: db, conn: conn}, nil
}

// fillNaiveSQLite makes an empty database with its pools.
func fillNaiveSQLite(ctx context.Context, dir string) (err error) {
	b, err := openNaiveSQLite(ctx, dir, spread)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if _, err := b.conn.ExecContext(ctx, naiveSQLiteSchema); err != nil {
		return err
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	return b.transact(ctx, func() error {
		for organization := range naiveOrganizations {
			for code := range naiveCodes {
				const insert = `INSERT INTO pool (organization, code, total) VALUES (?, ?, ?)`
				if _, err := b.conn.ExecContext(ctx, insert, organization, code, naiveTotal); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (b *naiveSQLite) prepare(ctx context.Context) error {
	for text, into := range map[string]**sql.Stmt{
		`BEGIN IMMEDIATE`: &b.begin,
		`COMMIT`:          &b.commit,
		`ROLLBACK`:        &b.rollback,
		`SELECT total, used FROM pool WHERE organization = ? AND code = ?`:                                               &b.pool,
		`INSERT INTO seat (organization, person, code, created_at) VALUES (?, ?, ?, ?)`:                                  &b.seat,
		`UPDATE pool SET used = used + 1 WHERE organization = ? AND code = ?`:                                            &b.use,
		`INSERT INTO event (at, organization, actor, kind, subject) VALUES (?, ?, 'administrator', 'allocation.set', ?)`: &b.log,
	} {
		var err error
		if *into, err = b.conn.PrepareContext(ctx, text); err != nil { //nolint:sqlclosecheck // they end with their connection
			return err
		}
	}
	return nil
}

func (b *naiveSQLite) transact(ctx context.Context, work func() error) error {
	if _, err := b.begin.ExecContext(ctx); err != nil {
		return err
	}
	err := work()
	if err == nil {
		_, err = b.commit.ExecContext(ctx)
	}
	if err != nil {
		_, rollbackErr := b.rollback.ExecContext(ctx)
		return errors.Join(err, rollbackErr)
	}
	return nil
}

func (b *naiveSQLite) do(ctx context.Context, _, person int) error {
	organization, code, name := naivePlace(person, b.shape)
	b.turn.Lock()
	defer b.turn.Unlock()
	return b.transact(ctx, func() error {
		var total, used int64
		if err := b.pool.QueryRowContext(ctx, organization, code).Scan(&total, &used); err != nil {
			return err
		}
		if used >= total {
			return errNaiveExhausted
		}
		now := time.Now().UnixMicro()
		if _, err := b.seat.ExecContext(ctx, organization, name, code, now); err != nil {
			return err
		}
		if _, err := b.use.ExecContext(ctx, organization, code); err != nil {
			return err
		}
		_, err := b.log.ExecContext(ctx, now, organization, name)
		return err
	})
}

func (b *naiveSQLite) close() error { return errors.Join(b.conn.Close(), b.db.Close()) }

const naiveRecount = `SELECT
	(SELECT count(*) FROM pool p WHERE used <> (SELECT count(*) FROM seat s WHERE s.organization = p.organization AND s.code = p.code)),
	(SELECT count(*) FROM seat), (SELECT count(*) FROM event)`

func checkNaive(wrong, seats, events, allocated int) error {
	if wrong != 0 || seats != allocated || events != allocated {
		return fmt.Errorf("%d pools differ from their seats; %d allocations were answered, there are %d seats and %d events", wrong, allocated, seats, events)
	}
	return nil
}

func checkNaiveSQLite(ctx context.Context, dir string, allocated int) (err error) {
	b, err := openNaiveSQLite(ctx, dir, spread)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var wrong, seats, events int
	if err := b.conn.QueryRowContext(ctx, naiveRecount).Scan(&wrong, &seats, &events); err != nil {
		return err
	}
	return checkNaive(wrong, seats, events, allocated)
}

// naivePostgres locks the row of the pool; each caller has a connection of its own.
type naivePostgres struct {
	shape shape
	conns []*pgx.Conn
}

const naivePostgresSchema = `
CREATE TABLE pool (
	organization int, code int, total bigint NOT NULL, used bigint NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND total),
	PRIMARY KEY (organization, code)
) WITH (fillfactor = 50);
CREATE TABLE seat (
	organization int, person text, code int, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (organization, person, code)
);
CREATE INDEX seat_by_code ON seat (organization, code);
CREATE TABLE event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), organization int NOT NULL, actor text NOT NULL,
	kind text NOT NULL, subject text NOT NULL
);`

// fillNaivePostgres makes an empty database with its pools.
func fillNaivePostgres(ctx context.Context, url string) error {
	return withPostgres(ctx, url, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, naivePostgresSchema); err != nil {
			return err
		}
		const insert = `INSERT INTO pool SELECT o, c, $1 FROM generate_series(0, $2) o, generate_series(0, $3) c`
		if _, err := conn.Exec(ctx, insert, naiveTotal, naiveOrganizations-1, naiveCodes-1); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `VACUUM ANALYZE pool`)
		return err
	})
}

func openNaivePostgres(ctx context.Context, url string, s shape, callers int) (*naivePostgres, error) {
	b := &naivePostgres{shape: s}
	for range callers {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, errors.Join(err, b.close())
		}
		b.conns = append(b.conns, conn)
	}
	return b, nil
}

func (b *naivePostgres) do(ctx context.Context, caller, person int) error {
	organization, code, name := naivePlace(person, b.shape)
	return pgx.BeginFunc(ctx, b.conns[caller], func(tx pgx.Tx) error {
		var total, used int64
		const lock = `SELECT total, used FROM pool WHERE organization = $1 AND code = $2 FOR UPDATE`
		if err := tx.QueryRow(ctx, lock, organization, code).Scan(&total, &used); err != nil {
			return err
		}
		if used >= total {
			return errNaiveExhausted
		}
		for _, statement := range []struct {
			text string
			args []any
		}{
			{`INSERT INTO seat (organization, person, code) VALUES ($1, $2, $3)`, []any{organization, name, code}},
			{`UPDATE pool SET used = used + 1 WHERE organization = $1 AND code = $2`, []any{organization, code}},
			{`INSERT INTO event (organization, actor, kind, subject) VALUES ($1, 'administrator', 'allocation.set', $2)`, []any{organization, name}},
		} {
			if _, err := tx.Exec(ctx, statement.text, statement.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *naivePostgres) close() error {
	var errs []error
	for _, conn := range b.conns {
		errs = append(errs, conn.Close(context.Background()))
	}
	return errors.Join(errs...)
}

func checkNaivePostgres(ctx context.Context, url string, allocated int) error {
	return withPostgres(ctx, url, func(conn *pgx.Conn) error {
		var wrong, seats, events int
		if err := conn.QueryRow(ctx, naiveRecount).Scan(&wrong, &seats, &events); err != nil {
			return err
		}
		return checkNaive(wrong, seats, events, allocated)
	})
}

// withPostgres connects, does something and ends the connection.
func withPostgres(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(context.WithoutCancel(ctx)))
}
