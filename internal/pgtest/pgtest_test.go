package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Promise: a test gets an empty database that sorts by bytes, and what it leaves is gone when it ends.
func TestDatabaseIsEmptyAndDropped(t *testing.T) {
	t.Parallel()
	var kept string
	t.Run("Use", func(t *testing.T) {
		kept = Database(t)
		if kept == Database(t) {
			t.Error("two calls got the same database")
		}
		var tables int
		var collation string
		execute(t, kept, "CREATE TABLE leftover (id int)")
		scan(t, kept, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", &tables)
		scan(t, kept, "SELECT datcollate FROM pg_database WHERE datname = current_database()", &collation)
		if tables != 1 || collation != "C" {
			t.Errorf("%d tables, collation %s; want only the one that was made, and C", tables, collation)
		}
		// A connection that is left open does not keep the database.
		conn, err := pgx.Connect(t.Context(), kept)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
	})
	if conn, err := pgx.Connect(t.Context(), kept); err == nil {
		conn.Close(t.Context())
		t.Error("the database is still there")
	}
}

// Promise: clusters measure and test durable commits.
func TestCommitsAreDurable(t *testing.T) {
	t.Parallel()
	cluster := StartForTest(t, Options{Settings: []string{"max_connections = 17"}})
	for setting, want := range map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "max_connections": "17"} {
		var got string
		if scan(t, cluster.URL("postgres"), "SELECT current_setting('"+setting+"')", &got); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
}

// Promise: what was committed survives a kill of all processes, at the same address, and a closed cluster leaves nothing.
func TestKilledClusterStartsAgainAndClosesWithoutRemains(t *testing.T) {
	t.Parallel()
	cluster := StartForTest(t, Options{})
	database, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	execute(t, database, "CREATE TABLE kept (id int)")
	execute(t, database, "INSERT INTO kept VALUES (1)")
	for range 2 {
		processes := cluster.Processes()
		if len(processes) < 4 {
			t.Errorf("only %d processes: where are the checkpointer and the others?", len(processes))
		}
		if err := cluster.Kill(); err != nil {
			t.Fatal(err)
		}
		for _, pid := range processes {
			if stateOf(pid) != dead {
				t.Errorf("process %d survived the kill", pid)
			}
		}
		if err := cluster.StartAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
		var kept int
		if scan(t, database, "SELECT count(*) FROM kept", &kept); kept != 1 {
			t.Errorf("%d rows after the kill, want 1", kept)
		}
	}
	cluster.Stop()
	if err := cluster.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	segment := sharedMemory(t, cluster)
	if err := cluster.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cluster.Dir()); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	if left, err := os.ReadFile("/proc/sysvipc/shm"); err == nil && strings.Contains(string(left), " "+segment+" ") {
		t.Errorf("shared memory %s is still there", segment)
	}
}

// sharedMemory returns the number of the segment that a killed server has left.
func sharedMemory(t *testing.T, cluster *Cluster) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cluster.data(), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(strings.Split(string(text), "\n")[6])
	return fields[1]
}

// Promise: a test run that is killed leaves neither a server nor its directory behind.
func TestClusterDiesWithItsProcess(t *testing.T) {
	const asChild = "SEATWRIGHT_PGTEST_CHILD"
	if os.Getenv(asChild) != "" {
		cluster := StartForTest(t, Options{})
		fmt.Printf("cluster %s %d\n", cluster.Dir(), cluster.Processes()[0])
		io.Copy(io.Discard, os.Stdin) // until killed
		return
	}
	t.Parallel()
	child := again(t, asChild)
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pid int
	lines := bufio.NewScanner(stdout)
	for dir == "" && lines.Scan() {
		fmt.Sscanf(lines.Text(), "cluster %s %d", &dir, &pid)
	}
	child.Process.Kill()
	child.Wait()
	if dir == "" {
		if _, err := findPrograms(); err != nil {
			Fail(t, err)
		}
		t.Fatal("the child has started no cluster")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = poll(ctx, func() (bool, error) {
		_, err := os.Stat(dir)
		return os.IsNotExist(err) && stateOf(pid) == dead, nil
	})
	if err != nil {
		t.Errorf("a minute after the kill: directory %s or process %d is still there", dir, pid)
	}
}

func again(t *testing.T, variable string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v=false")
	command.Env = append(os.Environ(), variable+"=1")
	return command
}

// Promise: a clone or a TMPDIR that only root may enter does not keep root's tests from running.
func TestClusterFindsAPlaceThatItsUserMayEnter(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	cluster := StartForTest(t, Options{Dir: closed})
	inside := strings.HasPrefix(cluster.Dir(), closed)
	if asRoot := os.Geteuid() == 0; inside == asRoot {
		t.Errorf("root: %v, and the cluster is in %s", asRoot, cluster.Dir())
	}
	entries, err := os.ReadDir(closed)
	if err != nil || !inside && len(entries) != 0 {
		t.Errorf("left in the place that was tried: %v, %v", entries, err)
	}
}

// Promise: the ways in which a primary and its standby are broken do what they say.
func TestStandbyReceivesHoldsUpCommitsAndIsPromoted(t *testing.T) {
	t.Parallel()
	primary := StartForTest(t, Options{})
	database, err := primary.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	execute(t, database, "CREATE TABLE kept (id int)")
	standby, err := primary.Standby(t.Context(), "second-node")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := standby.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := primary.SetSynchronousStandby(t.Context(), "second-node"); err != nil {
		t.Fatal(err)
	}
	execute(t, database, "INSERT INTO kept VALUES (1)")

	if err := standby.PauseReceiver(t.Context()); err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	go func() {
		committed <- with(context.Background(), database, func(conn *pgx.Conn) error {
			_, err := conn.Exec(context.Background(), "INSERT INTO kept VALUES (2)")
			return err
		})
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := primary.truth(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"); err != nil {
		t.Errorf("a commit did not wait for the paused standby: %v", err)
	}
	select {
	case err := <-committed:
		t.Errorf("the commit was answered while its standby was paused: %v", err)
	default:
	}
	standby.ResumeReceiver()
	if err := <-committed; err != nil {
		t.Errorf("the commit after the standby was resumed: %v", err)
	}

	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := database[strings.LastIndexByte(database, '/')+1 : strings.IndexByte(database, '?')]
	execute(t, standby.URL(name), "INSERT INTO kept VALUES (3)") // does not wait for a standby of its own
	var kept int
	if scan(t, standby.URL(name), "SELECT count(*) FROM kept", &kept); kept != 3 {
		t.Errorf("the promoted standby has %d rows, want 3", kept)
	}
}

// Promise: nothing waits for a standby any more when that is switched off, not even what waits already.
func TestStandbyIsNotWaitedForWhenSwitchedOff(t *testing.T) {
	t.Parallel()
	primary := StartForTest(t, Options{})
	standby, err := primary.Standby(t.Context(), "standby")
	if err != nil {
		t.Fatal(err)
	}
	if err := primary.SetSynchronousStandby(t.Context(), "standby"); err != nil {
		t.Fatal(err)
	}
	if err := standby.PauseReceiver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(standby.Processes()[0], 0); err != nil {
		t.Errorf("the standby's server: %v", err)
	}
	if err := standby.Close(); err != nil { // with its receiver paused
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	go func() { committed <- primary.query(context.Background(), "CREATE TABLE waits (id int)") }()
	if err := primary.truth(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"); err != nil {
		t.Fatal(err)
	}
	if err := primary.SetSynchronousStandby(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if err := <-committed; err != nil {
		t.Errorf("the commit that waited: %v", err)
	}
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	err := with(t.Context(), url, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), statement)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func scan(t *testing.T, url, query string, to any) {
	t.Helper()
	if err := with(t.Context(), url, func(conn *pgx.Conn) error { return conn.QueryRow(t.Context(), query).Scan(to) }); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
