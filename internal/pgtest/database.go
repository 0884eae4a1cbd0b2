package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright/internal/faults"
)

// shared is the cluster of all tests of one test binary that need no more than a database. Nobody closes it: its watchdog
// does when the binary ends.
var shared = sync.OnceValues(func() (*Cluster, error) { return Start(context.Background(), Options{}) })

// Database returns the URL of a new, empty database that is dropped at the end of the test. It is on the server that
// SEATWRIGHT_TEST_POSTGRES names (a URL whose user may create databases), else on a private cluster.
func Database(t testing.TB) string {
	t.Helper()
	server := os.Getenv("SEATWRIGHT_TEST_POSTGRES")
	if server == "" {
		cluster, err := shared()
		if err != nil {
			Fail(t, err)
		}
		server = cluster.URL("postgres")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	database, err := createDatabase(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := dropDatabase(ctx, server, database); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return database
}

// StartForTest is Start for tests; the cluster is closed at the end of the test.
func StartForTest(t testing.TB, options Options) *Cluster {
	t.Helper()
	cluster, err := Start(t.Context(), options)
	if err != nil {
		Fail(t, err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// Fail ends a test that could not have its cluster. Where PostgreSQL is not installed the test is skipped, except in CI.
func Fail(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrMissing) {
		faults.Missing(t, "PG", err.Error())
	}
	t.Fatal(err)
}

func createDatabase(ctx context.Context, server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("the PostgreSQL server must be given as postgres://user:password@host:port/database: %w", err)
	}
	u.Path = "/seatwright_test_" + strings.ToLower(rand.Text()[:16])
	return u.String(), with(ctx, server, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name(u)+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
		return err
	})
}

// dropDatabase drops a database, whoever is still connected to it.
func dropDatabase(ctx context.Context, server, database string) error {
	u, err := url.Parse(database)
	if err != nil {
		return err
	}
	return with(ctx, server, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name(u)+" WITH (FORCE)")
		return err
	})
}

func name(u *url.URL) string { return pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize() }

// Operator returns a directory of the user that servers run as, and what makes a command run as that user in it: for tests of
// what an operator types. The directory is removed at the end of the test.
func Operator(t testing.TB) (dir string, lead func(*exec.Cmd)) {
	t.Helper()
	operator, err := serverAccount()
	if err == nil {
		dir, err = operator.makeDir(t.TempDir())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir, func(command *exec.Cmd) { operator.lead(command, dir) }
}

// FreePort is a port of the loopback interface that nobody has at the moment.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
