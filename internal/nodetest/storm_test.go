package nodetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// Promise: a request that is sent many times at once, to two nodes, by clients that miss many of the answers, has one effect
// and one answer; the same key with another body is refused.
func TestR10RetryStormHasOneEffectForEachRequest(t *testing.T) {
	seed := faults.Seed(t)
	requests := cycles(t, 400, 20_000, 1_000_000)
	database := pgtest.Database(t)
	n := startIdleNodes(t, program(t, ""), seed, database, database)
	s := &storm{nodes: n, url: "/lease_/api/account/" + stormOrganization + "/user-license"}
	s.prepare(requests)
	var sent, dropped atomic.Int64
	work := make(chan int)
	var wg sync.WaitGroup
	for worker := range 16 {
		random := faults.Random(seed, worker)
		client := crashtest.NewClient(n.load.Front, s.token, &n.load.Stats)
		wg.Go(func() {
			defer client.Close()
			for i := range work {
				s.request(client, random, i, &sent, &dropped)
			}
		})
	}
	for i := range requests {
		if t.Failed() {
			break
		}
		work <- i
	}
	close(work)
	wg.Wait()
	if t.Failed() {
		return
	}
	// Every request has given one person one seat, and has left one event.
	var seats, events, used int
	err := administer(t.Context(), database, func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM seats s WHERE s.organization = o.number),
			(SELECT count(*) FROM events e WHERE e.organization = o.number AND kind = 'allocation.set'),
			(SELECT sum(used) FROM pools p WHERE p.organization = o.number) FROM organizations o WHERE o.id = $1`, stormOrganization).Scan(&seats, &events, &used)
	})
	if err != nil || seats != requests || events != requests || used != requests {
		t.Fatalf("%d requests have made %d seats, %d events and %d used units (%v)", requests, seats, events, used, err)
	}
	n.verify(database)
	faults.Report(t, "R10", "%d requests sent %d times over two nodes, %d answers dropped: exactly %d effects", requests, sent.Load(), dropped.Load(), seats)
}

const stormOrganization = "storm"

type storm struct {
	*nodes
	url   string
	token string
}

// prepare makes an organization in which every request finds a person and a unit of its own: people are made by their first
// allocation.
func (s *storm) prepare(units int) {
	s.Helper()
	s.prepareShort(units, 365*24*time.Hour)
}

// prepareShort is prepare with a purchase that does not last for long.
func (s *storm) prepareShort(units int, term time.Duration) {
	s.Helper()
	host := s.load.Host()
	defer host.Close()
	all := "/api/v1/organizations"
	for _, step := range []struct {
		path string
		body map[string]any
	}{
		{all, map[string]any{"id": stormOrganization, "name": stormOrganization, "unknownUsers": "provision"}},
		{all + "/" + stormOrganization + "/lots", map[string]any{
			"code": "ATTUNU", "quantity": units, "end": time.Now().Add(term).UTC().Format(time.RFC3339),
		}},
		{all + "/" + stormOrganization + "/users", map[string]any{"userName": "admin", "password": stormPassword, "role": "organization-administrator"}},
	} {
		status, answer, err := host.Send(s.Context(), http.MethodPost, step.path, "", step.body)
		if err != nil || status/100 != 2 {
			s.Fatalf("%s: %d %s %v", step.path, status, answer, err)
		}
	}
	admin := crashtest.NewClient(s.load.Front, "", &s.load.Stats)
	defer admin.Close()
	if err := admin.SignIn(s.Context(), stormOrganization, "admin", stormPassword); err != nil {
		s.Fatal(err)
	}
	s.token = admin.Token
}

const stormPassword = "correct horse battery staple"

// request is one logical request: 1 to 20 times at once, of which a third does not wait for the answer, and once more to
// hear it; and sometimes another one under the same key.
func (s *storm) request(client *crashtest.Client, random *rand.Rand, i int, sent, dropped *atomic.Int64) {
	key := fmt.Sprintf("request-%d", i)
	body := map[string]any{"userIds": []string{fmt.Sprintf("person-%d", i)}, "userBundleCodes": []string{"ATTUNU"}}
	copies := 1 + random.IntN(20)
	answers := make([]string, copies+1)
	var wg sync.WaitGroup
	for c := range copies {
		patience := time.Duration(0)
		if random.IntN(10) < 3 {
			patience = time.Duration(random.IntN(10_000)) * time.Microsecond
		}
		wg.Go(func() {
			sent.Add(1)
			if patience > 0 {
				ctx, cancel := context.WithTimeout(s.Context(), patience)
				defer cancel()
				if _, _, err := client.Send(ctx, http.MethodPut, s.url, key, body); err != nil {
					dropped.Add(1)
				}
				return
			}
			answers[c] = s.answer(client, key, body, http.StatusOK)
		})
	}
	wg.Wait()
	sent.Add(1)
	answers[copies] = s.answer(client, key, body, http.StatusOK)
	for _, a := range answers {
		if a != "" && a != answers[copies] {
			s.Errorf("%s: one was told %s, another %s", key, a, answers[copies])
		}
	}
	if random.IntN(20) == 0 {
		sent.Add(1)
		body["userBundleCodes"] = []string{}
		s.answer(client, key, body, http.StatusUnprocessableEntity)
	}
}

func (s *storm) answer(client *crashtest.Client, key string, body map[string]any, want int) string {
	status, answer, err := client.Send(s.Context(), http.MethodPut, s.url, key, body)
	if err != nil || status != want {
		s.Errorf("%s: %d %s (%v), want %d", key, status, answer, err, want)
		return ""
	}
	var compact any
	if err := json.Unmarshal(answer, &compact); err != nil {
		s.Error(err)
	}
	return string(answer)
}

// Promise: of 10,000 clients who want one of 1,000 seats exactly 1,000 get one and everybody is answered, on two nodes.
func TestL2TenThousandClientsForAThousandSeats(t *testing.T) {
	seed := faults.Seed(t)
	seats := cycles(t, 50, 1000, 1000)
	clients := 10 * seats
	database := pgtest.Database(t)
	n := startIdleNodes(t, program(t, ""), seed, database, database)
	s := &storm{nodes: n, url: "/lease_/api/account/" + stormOrganization + "/user-license"}
	s.prepare(seats)
	var given, refused atomic.Int64
	begin := time.Now()
	// All at once, over as many connections as the nodes let in from one address.
	connections := make([]*crashtest.Client, 256)
	for i := range connections {
		connections[i] = crashtest.NewClient(n.load.Front, s.token, &n.load.Stats)
		connections[i].OneConnection()
		defer connections[i].Close()
	}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			body := map[string]any{"userIds": []string{fmt.Sprintf("person-%d", i)}, "userBundleCodes": []string{"ATTUNU"}}
			status, answer, err := connections[i%len(connections)].Send(t.Context(), http.MethodPut, s.url, "", body)
			switch {
			case err == nil && status == http.StatusOK:
				given.Add(1)
			case err == nil && status == http.StatusConflict:
				refused.Add(1)
			default:
				t.Errorf("client %d: %d %s (%v)", i, status, answer, err)
			}
		})
	}
	wg.Wait()
	if given.Load() != int64(seats) || refused.Load() != int64(clients-seats) {
		t.Errorf("%d got one of %d seats, %d were refused", given.Load(), seats, refused.Load())
	}
	n.verify(database)
	faults.Report(t, "L2", "%d clients for %d seats on two nodes: %d × 200, %d × 409 in %s", clients, seats, given.Load(), refused.Load(),
		time.Since(begin).Round(time.Millisecond))
}
