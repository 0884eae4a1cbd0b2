package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver of the product
)

// baseline allocates as a plain server would: one durable transaction for each request. It does less than the product (no
// rules, no keys, no chain of events), so that a ratio to it is not flattering.
type baseline struct {
	turn sync.Mutex // one writer at a time, so that callers wait here and never see a busy database
	db   *sql.DB
	conn *sql.Conn // the only one

	// All prepared, begin and commit included: the baseline shall lose by its commits, not by its parsing.
	begin, commit, rollback, pool, seat, use, log *sql.Stmt
}

const (
	baselineOrganizations = 10
	baselineCodes         = 100
	baselineTotal         = 1_000_000_000
)

const baselineSchema = `
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

func openBaseline(ctx context.Context, dir, _ string, _ int) (subject, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "baseline.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b := &baseline{db: db, conn: conn}
	if err := b.fill(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *baseline) fill(ctx context.Context) error {
	if _, err := b.conn.ExecContext(ctx, baselineSchema); err != nil {
		return err
	}
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
	return b.transact(ctx, func() error {
		for organization := range baselineOrganizations {
			for code := range baselineCodes {
				const insert = `INSERT INTO pool (organization, code, total) VALUES (?, ?, ?)`
				if _, err := b.conn.ExecContext(ctx, insert, organization, code, baselineTotal); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (b *baseline) transact(ctx context.Context, work func() error) error {
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

func (b *baseline) allocate(ctx context.Context, person int) error {
	organization, code, name := person/baselineCodes%baselineOrganizations, person%baselineCodes, fmt.Sprintf("person-%012d", person)
	b.turn.Lock()
	defer b.turn.Unlock()
	return b.transact(ctx, func() error {
		var total, used int64
		if err := b.pool.QueryRowContext(ctx, organization, code).Scan(&total, &used); err != nil {
			return err
		}
		if used >= total {
			return errors.New("the pool is exhausted")
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

func (b *baseline) check(ctx context.Context, allocated int) error {
	const recount = `SELECT
		(SELECT count(*) FROM pool p WHERE used <> (SELECT count(*) FROM seat s WHERE s.organization = p.organization AND s.code = p.code)),
		(SELECT count(*) FROM seat), (SELECT count(*) FROM event)`
	var wrong, seats, events int
	if err := b.conn.QueryRowContext(ctx, recount).Scan(&wrong, &seats, &events); err != nil {
		return err
	}
	if wrong != 0 || seats != allocated || events != allocated {
		return fmt.Errorf("%d pools differ from their seats; %d allocations were answered, there are %d seats and %d events", wrong, allocated, seats, events)
	}
	return nil
}

func (b *baseline) close() error { return errors.Join(b.conn.Close(), b.db.Close()) }
