package nodetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
)

// sweeper is a node that does nothing but what is due without anybody calling. It is in this process.
type sweeper struct {
	store  *postgres.Store
	ledger *ledger.Ledger
	clock  *licensing.Clock
}

// startSweeper starts one that takes its time from now.
func startSweeper(t *testing.T, database string, now func() time.Time) sweeper {
	t.Helper()
	store, err := postgres.Open(t.Context(), database, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	queue := ledger.New(store, seatwright.PublishedCatalogue(), nil, quiet)
	s := sweeper{store, queue, licensing.NewClock(store, queue, now, quiet)}
	t.Cleanup(func() {
		s.ledger.Close()
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sweep ends the leases that are due in one organization, and returns how many people were looked at and how many leases ended or were forgotten.
func (s sweeper) sweep(ctx context.Context, organization seatwright.OrganizationID) (found, ended int, err error) {
	due, err := s.store.SweepableLeases(ctx, seatwright.MaxSweep)
	if err != nil || len(due[organization]) == 0 {
		return 0, 0, err
	}
	command := seatwright.SweepLeases{Organization: organization, Users: due[organization]}
	ended, err = ledger.Submit(ctx, s.ledger, seatwright.SystemCaller("sweeper").Origin(), command)
	return len(due[organization]), ended, err
}

// sweepAnyway sweeps the leases of the load, as a node would that believes that nobody has used theirs for long.
func (s sweeper) sweepAnyway(ctx context.Context) error {
	command := seatwright.SweepLeases{Organization: crashtest.Organization}
	for _, id := range crashtest.Members() {
		command.Users = append(command.Users, seatwright.UserID(id))
	}
	_, err := ledger.Submit(ctx, s.ledger, seatwright.SystemCaller("sweeper").Origin(), command)
	return err
}

// The choir: singers who lease two bundles through their group, one with too few units and one with a quota.
const (
	choir      = "choir"
	singers    = 12
	choirUnits = 5 // of the first bundle
	choirQuota = 4 // of the second
)

var choirCodes = [2]string{"IDU", "PMD"}

type choirTest struct {
	*nodes
	admin   *crashtest.Client // over both nodes
	singers []string          // their tokens
	alone   [2]*crashtest.Front
}

func startChoir(n *nodes) *choirTest {
	n.Helper()
	c := &choirTest{nodes: n}
	for i := range c.alone {
		c.alone[i] = crashtest.NewFront(1)
		c.alone[i].Up(0, n.processes[i].URL)
	}
	host := n.load.Host()
	defer host.Close()
	const one = "/api/v1/organizations/" + choir
	start := time.Now().UTC().AddDate(0, 0, -1).Format(time.RFC3339)
	c.done(host, http.MethodPost, "/api/v1/organizations", map[string]any{"id": choir, "name": choir})
	c.done(host, http.MethodPatch, one+"/policies", map[string]any{"onLeave": "orphan", "inactiveDays": 1})
	for i, code := range choirCodes {
		c.done(host, http.MethodPost, one+"/lots", map[string]any{
			"id": code + "-lot", "code": code, "quantity": [...]int{choirUnits, singers}[i], "start": start, "end": choirEnd(time.Now()),
		})
	}
	c.done(host, http.MethodPost, one+"/users", map[string]any{"userName": "admin", "password": stormPassword, "role": "organization-administrator"})
	for i := range singers {
		id := singer(i)
		c.done(host, http.MethodPost, one+"/users", map[string]any{"id": id, "userName": id, "password": stormPassword})
		c.singers = append(c.singers, c.token(id))
	}
	c.admin = crashtest.NewClient(n.load.Front, c.token("admin"), &n.load.Stats)
	n.Cleanup(c.admin.Close)
	c.done(c.admin, http.MethodPost, "/identity_/api/Group", map[string]any{"id": choir, "name": choir, "directoryUserMemberIDs": everySinger()})
	return c
}

// choirEnd is a year later, in the form of requests.
func choirEnd(now time.Time) string { return now.UTC().AddDate(1, 0, 0).Format(time.RFC3339) }

func singer(i int) string { return fmt.Sprintf("singer-%d", i) }

func everySinger() (ids []string) {
	for i := range singers {
		ids = append(ids, singer(i))
	}
	return ids
}

func (c *choirTest) token(user string) string {
	c.Helper()
	client := crashtest.NewClient(c.load.Front, "", &c.load.Stats)
	defer client.Close()
	if err := client.SignIn(c.Context(), choir, user, stormPassword); err != nil {
		c.Fatal(err)
	}
	return client.Token
}

// done sends a request that has to succeed.
func (c *choirTest) done(client *crashtest.Client, method, path string, body any) []byte {
	c.Helper()
	status, answer, err := client.Send(c.Context(), method, path, seatwright.NewID(), body)
	if err != nil || status/100 != 2 {
		c.Fatalf("%s %s: %d %s (%v)", method, path, status, answer, err)
	}
	return answer
}

const choirPath = "/lease_/api/account/" + choir + "/user-license"

// offer makes the rule.
func (c *choirTest) offer(client *crashtest.Client, codes ...string) {
	c.Helper()
	quotas := []map[string]any{}
	for _, code := range codes {
		if code == choirCodes[1] {
			quotas = append(quotas, map[string]any{"userBundleCode": code, "limit": choirQuota})
		}
	}
	c.done(client, http.MethodPut, choirPath+"/group/"+choir+"/with-quota", map[string]any{"userBundleCodes": codes, "quotas": quotas})
}

// sing opens a session of each singer at once, each so many times, and counts who is told that they hold something or nothing.
func (c *choirTest) sing(front *crashtest.Front, times int) (holding, refused int64) {
	c.Helper()
	var told, none atomic.Int64
	var wg sync.WaitGroup
	for i, token := range c.singers {
		wg.Go(func() {
			client := crashtest.NewClient(front, token, &c.load.Stats)
			defer client.Close()
			for range times {
				path := choirPath + "/session?clientType=studio&sessionId=of-" + singer(i)
				switch status, answer, err := client.Send(c.Context(), http.MethodPost, path, seatwright.NewID(), nil); {
				case err == nil && status == http.StatusOK:
					told.Add(1)
				case err == nil && (status == http.StatusConflict || status == http.StatusForbidden):
					none.Add(1)
				default:
					c.Errorf("%s: %d %s (%v)", singer(i), status, answer, err)
				}
			}
		})
	}
	wg.Wait()
	return told.Load(), none.Load()
}

// held counts the leases of each bundle, and checks that as many units are drawn.
func (c *choirTest) held() (n [2]int) {
	c.Helper()
	var page struct {
		Results []struct {
			Codes []string `json:"userBundleLicenses"`
		} `json:"results"`
	}
	if err := json.Unmarshal(c.done(c.admin, http.MethodGet, choirPath+"/group/"+choir+"/user?top=100", nil), &page); err != nil {
		c.Fatal(err)
	}
	var pools []struct {
		Code      string `json:"code"`
		Allocated int    `json:"allocated"`
	}
	if err := json.Unmarshal(c.done(c.admin, http.MethodGet, choirPath, nil), &pools); err != nil {
		c.Fatal(err)
	}
	for i, code := range choirCodes {
		for _, holder := range page.Results {
			if strings.Contains(strings.Join(holder.Codes, " "), code) {
				n[i]++
			}
		}
		for _, p := range pools {
			if p.Code == code && p.Allocated != n[i] {
				c.Fatalf("%d units of %s are drawn, and %d singers lease one", p.Allocated, code, n[i])
			}
		}
	}
	return n
}

// events counts events of the choir that a condition is true of.
func (c *choirTest) events(database, condition string) (n int64) {
	c.Helper()
	err := administer(c.Context(), database, func(conn *pgx.Conn) error {
		return conn.QueryRow(c.Context(), `SELECT count(*) FROM (
			SELECT kind, convert_from(data, 'UTF8')::json AS data, lag(kind) OVER one AS last_kind, lag(convert_from(data, 'UTF8')::json) OVER one AS last_data
			FROM events WHERE organization = (SELECT number FROM organizations WHERE id = $1)
			WINDOW one AS (PARTITION BY kind LIKE 'notice.%', subject ORDER BY sequence)) e WHERE `+condition, choir).Scan(&n)
	})
	if err != nil {
		c.Fatal(err)
	}
	return n
}

// endLot has the purchase of the first bundle end while two nodes wait for that, and renews it.
func (c *choirTest) endLot(database string, nodes [2]sweeper) {
	c.Helper()
	host := c.load.Host()
	defer host.Close()
	const changed = "kind = 'pool.total_changed'"
	const lot = "/api/v1/organizations/" + choir + "/lots/IDU-lot"
	before := c.events(database, changed)
	c.done(host, http.MethodPatch, lot, map[string]any{"end": time.Now().UTC().Add(100 * time.Millisecond)})
	var wg sync.WaitGroup
	var over atomic.Bool
	for _, s := range nodes {
		wg.Go(func() {
			for !over.Load() {
				if err := s.clock.Sweep(c.Context()); err != nil {
					c.Error(err)
					return
				}
			}
		})
	}
	for deadline := time.Now().Add(30 * time.Second); c.events(database, changed) == before && time.Now().Before(deadline); {
		if err := pause(c.Context(), time.Millisecond); err != nil {
			break
		}
	}
	over.Store(true)
	wg.Wait()
	if n := c.events(database, changed) - before; n != 1 {
		c.Fatalf("the end of one purchase has changed the total %d times", n)
	}
	c.done(host, http.MethodPatch, lot, map[string]any{"end": choirEnd(time.Now())})
}

func (c *choirTest) want(what string, want [2]int) {
	c.Helper()
	if got := c.held(); got != want {
		c.Fatalf("%s: %d leases of the two bundles, want %d", what, got, want)
	}
}

// Promise: members of a group who sign in on two nodes at once get exactly the units and the quota that there are; a bundle that
// leaves a rule on one node while they sign in on the other leaves no lease; and what is due is done once by two nodes that do it at once: leases end, a purchase ends, notices are told.
func TestR10LeasesOverTwoNodesAreTakenAndEndOnce(t *testing.T) {
	seed := faults.Seed(t)
	database := pgtest.Database(t)
	n := startIdleNodes(t, program(t, ""), seed, database, database)
	c := startChoir(n)
	sweepers := [2]sweeper{startSweeper(t, database, time.Now), startSweeper(t, database, time.Now)}
	rounds := cycles(t, 3, 40, 1000)
	var taken, refused, swept, met int64
	full := [2]int{choirUnits, choirQuota}
	const reapplied = `kind = 'lease.released' AND data->>'reason' = 'reapplied'`
	for round := range rounds {
		c.offer(c.admin, choirCodes[:]...)
		some, none := c.sing(n.load.Front, 1)
		taken, refused = taken+some, refused+none
		c.want("everybody has signed in", full)
		c.endLot(database, sweepers)
		c.want("the purchase has ended and goes on", full)

		// The first bundle leaves the rule on one node while everybody signs in on the other, then the rule goes.
		there, here := c.alone[round%2], c.alone[1-round%2]
		edit := crashtest.NewClient(there, c.admin.Token, &n.load.Stats)
		for _, step := range []struct {
			edit func()
			want [2]int
		}{
			{func() { c.offer(edit, choirCodes[1]) }, [2]int{0, choirQuota}},
			{func() { c.done(edit, http.MethodDelete, choirPath+"/group/"+choir, nil) }, [2]int{}},
			{func() { c.offer(edit, choirCodes[:]...) }, full},
		} {
			var wg sync.WaitGroup
			wg.Go(func() { c.sing(here, 3) })
			step.edit()
			wg.Wait()
			if step.want == full {
				c.sing(here, 1)
			}
			c.want("the rule has changed", step.want)
		}
		edit.Close()

		// All leave, the rule is set again, and what they still hold is swept by two nodes at once. Some come back meanwhile: what they
		// use again stays.
		group := "/identity_/api/Group/" + choir
		c.done(c.admin, http.MethodPut, group, map[string]any{"directoryUserIDsToRemove": everySinger()})
		c.offer(c.admin, choirCodes[:]...)
		c.want("all have left", full)
		back := everySinger()[:round%2*singers/2]
		var wg sync.WaitGroup
		var ended [2]int
		var errs [2]error
		for i, s := range sweepers {
			wg.Go(func() {
				var found int
				found, ended[i], errs[i] = s.sweep(t.Context(), choir)
				if found > 0 && ended[i] == 0 { // the other one was first
					atomic.AddInt64(&met, 1)
				}
			})
		}
		if len(back) > 0 {
			wg.Go(func() {
				c.done(c.admin, http.MethodPut, group, map[string]any{"directoryUserIDsToAdd": back})
				c.sing(n.load.Front, 1)
			})
		}
		wg.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		ends := c.events(database, reapplied) - swept
		swept += ends
		if left := c.held(); len(back) == 0 && (ends != choirUnits+choirQuota || left != [2]int{}) {
			t.Fatalf("two nodes have swept %d leases, of which there were %d, and left %d", ends, full, left)
		}
		c.done(c.admin, http.MethodDelete, choirPath+"/group/"+choir, nil)
		c.done(c.admin, http.MethodPut, group, map[string]any{"directoryUserIDsToAdd": everySinger()})
	}
	told := c.events(database, `kind = 'notice.told'`)
	twice := c.events(database, `kind = 'notice.told' AND last_kind = 'notice.told' AND data->>'threshold' = last_data->>'threshold'
		AND data->>'endsAt' IS NOT DISTINCT FROM last_data->>'endsAt'`)
	if twice > 0 || told == 0 {
		t.Errorf("%d of %d notices were told a second time", twice, told)
	}
	n.verify(database)
	faults.Report(t, "R10", "%d rounds of %d members on two nodes: %d sessions got one of the last units, %d did not, %d rules changed under them, %d leases swept by two nodes at once (%d times one found what the other had ended), %d ends of a purchase and %d notices by two clocks at once; each once",
		rounds, singers, taken, refused, 3*rounds, swept, met, rounds, told)
}
