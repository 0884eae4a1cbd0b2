package nodetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// Promise: a node whose clock jumps neither ends nor revives what others hold: what counts is the database's clock. It may
// refuse tokens, and make some that others refuse, but it never takes one whose time is over by its own clock.
func TestR9ClockJumpsOfOneNodeChangeNothing(t *testing.T) {
	seed := faults.Seed(t)
	random := faults.Random(seed, -1)
	database := pgtest.Database(t)
	offset := filepath.Join(t.TempDir(), "offset")
	jump := func(d time.Duration) {
		if err := os.WriteFile(offset+".new", []byte(d.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(offset+".new", offset); err != nil { // a node never reads half of it
			t.Fatal(err)
		}
	}
	jump(0)
	n := startNodes(t, program(t, "faultclock"), seed, database, database)
	n.load.Astray = true
	n.stop(1)
	n.env = append(n.env, "SEATWRIGHT_CLOCK_OFFSET_FILE="+offset)
	n.start(1, database)
	s := &storm{nodes: n, url: "/lease_/api/account/" + stormOrganization + "/user-license"}
	s.prepareShort(5, 2*time.Hour) // ends within a day: a node that believed its own clock would see it end
	jumps := cycles(t, 4, 20, 500)
	distances := []time.Duration{time.Minute, -time.Minute, time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour}
	alone := crashtest.NewFront(1) // the node with the wrong clock
	alone.Up(0, n.processes[1].URL)
	// What the server does at intervals, for a node with the wrong clock.
	var wrong atomic.Int64
	astray := startSweeper(t, database, func() time.Time { return time.Now().Add(time.Duration(wrong.Load())) })
	refused := 0
	for i := range jumps {
		d := distances[i%len(distances)]
		n.window(func(ctx context.Context) error {
			if err := pause(ctx, time.Duration(20+random.IntN(80))*time.Millisecond); err != nil {
				return err
			}
			jump(d)
			wrong.Store(int64(d))
			if err := s.askAstray(ctx, alone, d, &refused); err != nil {
				return fmt.Errorf("with a clock that is wrong by %s: %w", d, err)
			}
			if err := errors.Join(astray.clock.Sweep(ctx), astray.sweepAnyway(ctx)); err != nil {
				return fmt.Errorf("what is due by a clock that is wrong by %s: %w", d, err)
			}
			jump(0)
			return n.works(ctx)
		})
	}
	var ahead, expired int
	err := administer(t.Context(), database, func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), `SELECT count(*) FROM events WHERE at > extract(epoch FROM clock_timestamp()) * 1000000
			OR at < (SELECT min(created_at) FROM organizations)`).Scan(&ahead)
	})
	if err == nil {
		err = administer(t.Context(), database, func(conn *pgx.Conn) error {
			return conn.QueryRow(t.Context(), `SELECT count(*) FROM events WHERE kind = 'lease.expired'`).Scan(&expired)
		})
	}
	if err != nil || expired > 0 {
		t.Errorf("%d leases have ended as if they had not been used for a day (%v)", expired, err)
	}
	if err != nil || ahead > 0 {
		t.Errorf("%d events are from another time (%v)", ahead, err)
	}
	n.verify(database)
	faults.Report(t, "R9", "%d jumps of one node's clock of a minute, an hour, a day, both ways; %d tokens refused for it, as many sweeps by such a clock: %s; 0 lost, 0 oversold, nothing ended or revived",
		jumps, refused, &n.load.Stats)
}

// askAstray asks the node whose clock is wrong by d: an old token is refused where its time is over or has not come, a token
// of its own works, and the purchase that ends in two hours is in force, whatever the node believes.
func (s *storm) askAstray(ctx context.Context, alone *crashtest.Front, d time.Duration, refused *int) error {
	client := crashtest.NewClient(alone, s.token, &s.load.Stats)
	defer client.Close()
	status, answer, err := client.Send(ctx, http.MethodGet, s.url, "", nil)
	if err != nil {
		return err
	}
	// The token lasts an hour, and a minute of leeway on either side: an hour ahead it may be taken or not.
	over, early := d > time.Hour+time.Minute, d < -time.Minute
	if taken := status != http.StatusUnauthorized; taken == (over || early) && d != time.Hour {
		return fmt.Errorf("a token that lasts an hour: %d %s", status, answer)
	} else if !taken {
		*refused++
	}
	if err := client.SignIn(ctx, stormOrganization, "admin", stormPassword); err != nil {
		return err
	}
	body := map[string]any{"userIds": []string{"somebody"}, "userBundleCodes": []string{"ATTUNU"}}
	if status, answer, err := client.Send(ctx, http.MethodPut, s.url, "", body); err != nil || status != http.StatusOK {
		return fmt.Errorf("an allocation: %d %s (%w)", status, answer, err)
	}
	var pools []struct {
		Code  string `json:"code"`
		Total int    `json:"total"`
	}
	status, answer, err = client.Send(ctx, http.MethodGet, s.url, "", nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the pools: %d %s (%w)", status, answer, err)
	}
	if err := json.Unmarshal(answer, &pools); err != nil || len(pools) != 1 || pools[0].Total != 5 {
		return fmt.Errorf("the pools are %s", answer)
	}
	return nil
}
