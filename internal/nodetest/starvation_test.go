package nodetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// starved is one node in this process, whose database somebody keeps from it.
type starved struct {
	*storm
	database string // for the node
	admin    string // for whoever starves it
}

// Promise: a node that its database starves refuses soon and says when to come back, keeps no goroutines behind, and works
// again by itself: 50 clients on one connection, no connection to be had, a lock that somebody else holds, transactions that
// are broken off, a database that is gone.
func TestR13StarvedNodesRefuseSoonAndRecover(t *testing.T) {
	seed := faults.Seed(t)
	long := cycles(t, 0, 1, 5) == 0
	duration := 8 * time.Second
	if long {
		duration = 1500 * time.Millisecond
	}
	cluster := pgtest.StartForTest(t, pgtest.Options{Settings: []string{"max_connections = 30", "superuser_reserved_connections = 3"}})
	var worst time.Duration
	var tried, refused int
	for _, c := range []struct {
		name   string
		option string
		starve func(ctx context.Context, s *starved) error // lasts until ctx ends, and leaves nothing behind
	}{
		{"one connection for 50 clients", "pool_max_conns=1", func(ctx context.Context, _ *starved) error { <-ctx.Done(); return nil }},
		{"no connection to be had", "", takeAllConnections},
		{"a lock that somebody else holds", "", holdLocks},
		{"transactions that are broken off", "", breakTransactions},
		{"a database that is gone", "", func(ctx context.Context, _ *starved) error {
			if err := cluster.Kill(); err != nil {
				return err
			}
			<-ctx.Done()
			return cluster.StartAgain(context.WithoutCancel(ctx))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startStarved(t, cluster, seed, c.option)
			before := runtime.NumGoroutine()
			ctx, cancel := context.WithTimeout(t.Context(), duration)
			defer cancel()
			starving := make(chan error, 1)
			go func() { starving <- c.starve(ctx, s) }()
			latencies, done := s.hammer(ctx, 50)
			if err := <-starving; err != nil {
				t.Fatal(err)
			}
			relieved := time.Now()
			if err := s.works(t.Context()); err != nil {
				t.Fatal(err)
			}
			again := time.Since(relieved)
			slices.Sort(latencies)
			p99 := time.Duration(0)
			if len(latencies) > 0 {
				p99 = latencies[len(latencies)*99/100]
			}
			worst = max(worst, p99)
			tried, refused = tried+done+len(latencies), refused+len(latencies)
			t.Logf("%d answered, %d refused, p99 of refusals %s, works again after %s", done, len(latencies), p99.Round(time.Millisecond), again.Round(time.Millisecond))
			if p99 > 5*time.Second { // the aim is two; a busy machine may be slower
				t.Errorf("the p99 of refusals is %s", p99)
			}
			s.checkGoroutines(before)
		})
	}
	faults.Report(t, "R13", "five kinds of starvation of %s, %d of %d requests refused, p99 of refusals %s at most; no goroutine left, no deadlock",
		duration, refused, tried, worst.Round(time.Millisecond))
}

// startStarved starts a node in this process, so that its goroutines can be counted.
func startStarved(t *testing.T, cluster *pgtest.Cluster, seed uint64, option string) *starved {
	t.Helper()
	database, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The node is not a superuser, for whom connections are reserved.
	err = administer(t.Context(), database, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), `DO $$ BEGIN CREATE ROLE node LOGIN PASSWORD 'node'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
			GRANT ALL ON SCHEMA public TO node`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("node", "node")
	if option != "" {
		u.RawQuery += "&" + option
	}
	server, err := app.Open(t.Context(), app.Config{Listen: "127.0.0.1:0", DatabaseURL: app.DatabaseURL(u.String()), LogLevel: "error"}, io.Discard, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, server.Close()); err != nil {
			t.Error(err)
		}
	})
	n := &nodes{T: t, load: crashtest.NewLoad(crashtest.NewFront(1), seed)}
	n.load.Front.Up(0, server.Address())
	err = server.EnsureFirstAdministrator(t.Context(), func(_, password string) error {
		n.password = password
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.load.PrepareOrganization(t.Context(), n.password); err != nil {
		t.Fatal(err)
	}
	s := &starved{storm: &storm{nodes: n, url: "/lease_/api/account/" + stormOrganization + "/user-license"}, database: u.String(), admin: database}
	s.prepare(1_000_000)
	return s
}

// hammer lets clients write and read until ctx ends. It returns how long each refusal took, and how many were answered.
func (s *starved) hammer(ctx context.Context, clients int) (refusals []time.Duration, answered int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	base := s.load.Front.URL(0)
	for c := range clients {
		wg.Go(func() {
			client := crashtest.NewClient(s.load.Front, s.token, &s.load.Stats)
			defer client.Close()
			for i := 0; ctx.Err() == nil; i++ {
				method, body := http.MethodPut, []byte(fmt.Sprintf(`{"userIds":["p-%d-%d"],"userBundleCodes":["ATTUNU"]}`, c, i))
				if i%3 == 0 {
					method, body = http.MethodPost, []byte(fmt.Sprintf(`{"userIds":["p-%d-%d"]}`, c, i))
				}
				begin := time.Now()
				status, answer, err := client.Once(context.WithoutCancel(ctx), method, base+s.url, "", body)
				took := time.Since(begin)
				if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
					s.Errorf("%d %s (%v)", status, answer, err)
					return
				}
				mu.Lock()
				if status == http.StatusOK {
					answered++
				} else {
					refusals = append(refusals, took)
				}
				mu.Unlock()
				if status != http.StatusOK {
					pause(ctx, 20*time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	return refusals, answered
}

// checkGoroutines waits until there are no more goroutines than before, but for a few that come and go.
func (s *starved) checkGoroutines(before int) {
	s.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for runtime.NumGoroutine() > before+20 {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			s.Fatalf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
		pause(s.Context(), 50*time.Millisecond)
	}
}

// takeAllConnections ends the node's connections and takes all that the server gives.
func takeAllConnections(ctx context.Context, s *starved) error {
	var taken []*pgx.Conn
	defer func() {
		for _, conn := range taken {
			conn.Close(context.WithoutCancel(ctx))
		}
	}()
	return administer(context.WithoutCancel(ctx), s.admin, func(conn *pgx.Conn) error {
		for ctx.Err() == nil {
			_, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'node' AND application_name = 'seatwright'`)
			if err != nil && ctx.Err() == nil {
				return err
			}
			for {
				one, err := pgx.Connect(ctx, strings.Replace(s.database, "sslmode=disable", "sslmode=disable&application_name=greedy", 1))
				if err != nil {
					break // there are no more
				}
				taken = append(taken, one)
			}
			pause(ctx, 20*time.Millisecond)
		}
		return nil
	})
}

// holdLocks holds the heads of all organizations.
func holdLocks(ctx context.Context, s *starved) error {
	return administer(context.WithoutCancel(ctx), s.admin, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `BEGIN; SELECT FROM heads FOR UPDATE`); err != nil {
			return err
		}
		<-ctx.Done()
		_, err := conn.Exec(context.WithoutCancel(ctx), `ROLLBACK`)
		return err
	})
}

// breakTransactions ends every session of the node that is in a transaction, again and again.
func breakTransactions(ctx context.Context, s *starved) error {
	return administer(context.WithoutCancel(ctx), s.admin, func(conn *pgx.Conn) error {
		for ctx.Err() == nil {
			_, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'node' AND xact_start IS NOT NULL`)
			if err != nil {
				return err
			}
			pause(ctx, 5*time.Millisecond)
		}
		return nil
	})
}
