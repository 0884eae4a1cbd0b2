package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// watchPostgres counts transactions until the function that it returns is called. With the flag -statements that also prints
// what each statement and each of the server's processes have cost, and what the sessions were waiting for.
func (b *bench) watchPostgres(ctx context.Context, c cell, at place) (func(s *sample, jobs map[string]time.Duration) error, error) {
	if c.on != onPostgres {
		return func(*sample, map[string]time.Duration) error { return nil }, nil
	}
	var waits func() error
	if b.statements {
		if err := b.administer(ctx, `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`, `SELECT pg_stat_statements_reset()`); err != nil {
			return nil, err
		}
		waits = b.sampleWaits(ctx, at)
	}
	before, err := b.transactions(ctx)
	if err != nil {
		return nil, err
	}
	return func(s *sample, jobs map[string]time.Duration) error {
		after, err := b.transactions(ctx)
		if err != nil {
			return err
		}
		s.batch = float64(s.calls) / max(1, float64(after-before))
		if !b.statements {
			return nil
		}
		for _, job := range slices.Sorted(maps.Keys(jobs)) {
			if perCall := jobs[job] / time.Duration(s.calls); perCall >= 100*time.Nanosecond {
				fmt.Fprintf(b.progress, "    %10s/call  %s\n", micros(perCall), job)
			}
		}
		return errors.Join(waits(), b.printStatements(ctx, at))
	}, nil
}

// transactions is the number of the next transaction. Only those that write have one; a notice is one as well.
func (b *bench) transactions(ctx context.Context) (n int64, err error) {
	err = withPostgres(ctx, b.cluster.URL("postgres"), func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint`).Scan(&n)
	})
	return n, err
}

// sampleWaits looks again and again at what the sessions do, until the function that it returns is called, which prints how
// often each thing was seen.
func (b *bench) sampleWaits(ctx context.Context, at place) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	seen, samples := map[string]int{}, 0
	ended := make(chan error, 1)
	go func() {
		ended <- withPostgres(ctx, b.cluster.URL("postgres"), func(conn *pgx.Conn) error {
			ticker := time.NewTicker(5 * time.Millisecond)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-ticker.C:
				}
				const query = `SELECT format('%s, %s: %s', state, coalesce(wait_event_type || '/' || wait_event, 'on a processor'),
					regexp_replace(left(query, 60), '\s+', ' ', 'g'))
					FROM pg_stat_activity WHERE datname = $1 AND state <> 'idle'`
				rows, err := conn.Query(ctx, query, databaseOf(at))
				if err != nil {
					return err
				}
				var what string
				_, err = pgx.ForEachRow(rows, []any{&what}, func() error { seen[what]++; return nil })
				if err != nil {
					return err
				}
				samples++
			}
		})
	}()
	return func() error {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		whats := slices.SortedFunc(maps.Keys(seen), func(a, b string) int { return seen[b] - seen[a] })
		for _, what := range whats[:min(len(whats), 20)] {
			fmt.Fprintf(b.progress, "    %6.3f sessions  %s\n", float64(seen[what])/float64(max(1, samples)), what)
		}
		return nil
	}
}

func (b *bench) printStatements(ctx context.Context, at place) error {
	const query = `SELECT calls, total_exec_time, mean_exec_time, rows, wal_bytes::bigint, wal_fpi, regexp_replace(left(query, 150), '\s+', ' ', 'g')
		FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE datname = $1 ORDER BY total_exec_time DESC LIMIT 15`
	return withPostgres(ctx, b.cluster.URL("postgres"), func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, query, databaseOf(at))
		if err != nil {
			return err
		}
		var calls, affected, wal, pages int64
		var total, mean float64
		var text string
		_, err = pgx.ForEachRow(rows, []any{&calls, &total, &mean, &affected, &wal, &pages, &text}, func() error {
			fmt.Fprintf(b.progress, "    %7d calls  %8.1f ms  %7.3f ms each  %8d rows  %6d KB WAL with %4d whole pages  %s\n", calls, total, mean, affected, wal>>10, pages, text)
			return nil
		})
		return err
	})
}
