package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
)

// do decides one command in a batch of its own.
func do[A any](ctx context.Context, store seatwright.Store, c seatwright.Command[A]) error {
	return store.Update(ctx, seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
		_, err := c.Decide(s, seatwright.Origin{Actor: "test"})
		return err
	})
}

func organization(id string) seatwright.CreateOrganization {
	return seatwright.CreateOrganization{ID: seatwright.OrganizationID(id), Name: id, UnknownUsers: seatwright.ProvisionUnknownUsers}
}

func block(id string) seatwright.AllocateToUsers {
	return seatwright.AllocateToUsers{Organization: seatwright.OrganizationID(id), Users: []seatwright.UserID{"ann"}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// number asks for one number, past the store.
func number(t *testing.T, url, query string) (n int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer conn.Close(t.Context())
	must(t, conn.QueryRow(t.Context(), query).Scan(&n))
	return n
}

// Promise: a statement that does not fit the schema any more is prepared anew, without a restart.
func TestAStaleStatementIsPreparedAnew(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	store := open(t, url, postgres.Options{})
	must(t, do(t.Context(), store, seatwright.CreateHost{}))
	alter(t, url, `ALTER TABLE heads ALTER COLUMN sequence TYPE int4`)
	must(t, do(t.Context(), store, organization("a")))
}

// Promise: the same holds for the types of rows, which are others after a restore beneath the node.
func TestATypeThatWasMadeAnewIsLearned(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	store := open(t, url, postgres.Options{})
	must(t, do(t.Context(), store, seatwright.CreateHost{}))
	alter(t, url, `DROP TYPE head_row`, `CREATE TYPE head_row AS (organization integer, sequence bigint, hash bytea, at bigint)`)
	must(t, do(t.Context(), store, organization("a")))
	must(t, do(t.Context(), store, block("a")))
}

// Promise: a node does not stay with a server that takes no writes any more: another of the URL may be the primary now.
func TestAServerThatTakesNoWritesIsLeft(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartForTest(t, pgtest.Options{})
	url, err := cluster.NewDatabase(t.Context())
	must(t, err)
	store := open(t, url, postgres.Options{})
	must(t, do(t.Context(), store, seatwright.CreateHost{}))
	alter(t, url, `ALTER SYSTEM SET default_transaction_read_only = on`, `SELECT pg_reload_conf()`)
	for end := time.Now().Add(time.Minute); do(t.Context(), store, seatwright.CreateHost{}) == nil; {
		if time.Now().After(end) {
			t.Fatal("the server still takes writes")
		}
	}
	const writers = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seatwright' AND query LIKE '%ROLLBACK%'`
	// The server sees the end of a connection a moment later.
	for end := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		n := number(t, url, writers)
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections that failed to write are kept", n)
		}
	}
}

// waiting is a database on a cluster whose standby never comes, with a host and some organizations, and says that nobody waits for
// that standby.
func waiting(t *testing.T, organizations int) (url string) {
	t.Helper()
	cluster := pgtest.StartForTest(t, pgtest.Options{Settings: []string{"synchronous_standby_names = 'nobody'", "synchronous_commit = local"}})
	url, err := cluster.NewDatabase(t.Context())
	must(t, err)
	store := open(t, url+"&synchronous_commit=local", postgres.Options{})
	must(t, do(t.Context(), store, seatwright.CreateHost{}))
	for i := range organizations {
		must(t, do(t.Context(), store, organization(fmt.Sprintf("o%d", i))))
	}
	return url
}

// Promise: what is acknowledged is on the standby, whatever the settings of the database say. Nor can they hide that somebody
// has ended the wait for it.
func TestSettingsOfTheDatabaseDoNotWeakenCommit(t *testing.T) {
	t.Parallel()
	url := waiting(t, 1)
	alter(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET client_min_messages = error', current_database()); END $$`)
	store := open(t, url, postgres.Options{})
	answer := make(chan error, 1)
	go func() { answer <- do(context.Background(), store, block("o0")) }()
	for {
		select {
		case err := <-answer:
			if !seatwright.IsReason(err, seatwright.ReasonOutcomeUnknown) {
				t.Errorf("Update = %v, though no standby has it", err)
			}
			return
		case <-time.After(20 * time.Millisecond):
			alter(t, url, `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'`)
		}
	}
}

// Promise: a standby that is away for long does not use up the connections of the server, and nobody waits in vain for it but
// the first; when it is back, or not waited for any more, writing goes on.
func TestAStandbyThatIsAwayDoesNotUseUpTheConnections(t *testing.T) {
	t.Parallel()
	url := waiting(t, 3)
	store := open(t, url, postgres.Options{})
	if err := do(t.Context(), store, block("o0")); !seatwright.IsReason(err, seatwright.ReasonOutcomeUnknown) {
		t.Fatalf("Update = %v, though no standby has it", err)
	}
	for _, id := range []string{"o1", "o2"} {
		if err := do(t.Context(), store, block(id)); !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
			t.Errorf("Update = %v while the database waits for its standby", err)
		}
	}
	again := open(t, url, postgres.Options{}) // as a service that is started again and again
	if err := do(t.Context(), again, seatwright.CreateHost{}); !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
		t.Errorf("Update = %v, of a node that starts while the database waits for its standby", err)
	}
	if n := number(t, url, `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`); n != 1 {
		t.Errorf("%d connections wait for the standby, want 1", n)
	}
	alter(t, url, `ALTER SYSTEM SET synchronous_standby_names = ''`, `SELECT pg_reload_conf()`)
	for end := time.Now().Add(time.Minute); ; {
		err := do(t.Context(), store, block("o1"))
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// Promise: a node that stops has told the others what it wrote before.
func TestANodeThatStopsHasToldTheOthers(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	store, err := postgres.Open(t.Context(), url, postgres.Options{})
	must(t, err)
	must(t, do(t.Context(), store, seatwright.CreateHost{}))
	listener, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer listener.Close(context.WithoutCancel(t.Context()))
	_, err = listener.Exec(t.Context(), `LISTEN `+postgres.Channel)
	must(t, err)
	for i := range 20 { // the first is told at once, the others after a pause
		must(t, do(t.Context(), store, organization(fmt.Sprintf("o%d", i))))
	}
	must(t, store.Close())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for told := ""; !strings.Contains(told, "o19=1"); {
		notice, err := listener.WaitForNotification(ctx)
		if err != nil {
			t.Fatalf("the last change is not told: %v", err)
		}
		told = notice.Payload
	}
}
