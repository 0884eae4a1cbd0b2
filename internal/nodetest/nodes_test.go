// Package nodetest runs several nodes on one PostgreSQL and breaks what they share: the primary, its standby, the network in
// between, the clock of one node, the room for connections. It proves from what clients were told that nothing acknowledged
// is lost and no seat is sold twice; package crashtest has the clients and the proof. Start at failover_test.go.
package nodetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	_ "github.com/seatwright/seatwright/internal/cli" // what is built and run: a change of it makes the cached results of these tests stale
	"github.com/seatwright/seatwright/internal/crashtest"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// mutant is the bug that the nodes have, where the tests are to show that they find it.
var mutant = os.Getenv("SEATWRIGHT_MUTANT")

// program is the path of the server, built with tags, once for all tests.
func program(t *testing.T, tags string) string {
	t.Helper()
	if mutant != "" {
		tags = strings.TrimPrefix(tags+",mutants", ",")
	}
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "seatwright-nodes-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.bins = dir, map[string]string{}
	}
	if built.bins[tags] == "" {
		bin := filepath.Join(built.dir, "seatwright-"+tags)
		if err := os.Rename(crashtest.Build(t, tags), bin); err != nil {
			t.Fatal(err)
		}
		built.bins[tags] = bin
	}
	return built.bins[tags]
}

var built struct {
	mu   sync.Mutex
	dir  string
	bins map[string]string
}

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxiproxy tells everything
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// nodes are servers on one database, and the clients that they have.
type nodes struct {
	*testing.T
	bin       string
	env       []string
	load      *crashtest.Load
	processes []*crashtest.Process
	password  string // of the first administrator, where the node is in this process
}

// startNodes starts n nodes on databases (one URL each, or one for all) and prepares the load.
func startNodes(t *testing.T, bin string, seed uint64, databases ...string) *nodes {
	t.Helper()
	return startNodesWith(t, (*crashtest.Load).Prepare, bin, seed, databases...)
}

// startIdleNodes is startNodes for those who bring a load of their own.
func startIdleNodes(t *testing.T, bin string, seed uint64, databases ...string) *nodes {
	t.Helper()
	return startNodesWith(t, (*crashtest.Load).PrepareOrganization, bin, seed, databases...)
}

func startNodesWith(
	t *testing.T, prepare func(*crashtest.Load, context.Context, string) error, bin string, seed uint64, databases ...string,
) *nodes {
	t.Helper()
	n := &nodes{T: t, bin: bin, load: crashtest.NewLoad(crashtest.NewFront(len(databases)), seed), processes: make([]*crashtest.Process, len(databases))}
	if mutant != "" {
		n.env = []string{"SEATWRIGHT_MUTANT=" + mutant}
	}
	n.load.Patience = time.Minute
	n.load.Artifacts = t.ArtifactDir()
	t.Cleanup(func() {
		for i := range n.processes {
			n.stop(i)
		}
	})
	n.start(0, databases[0])
	select {
	case password := <-n.processes[0].Password:
		if err := prepare(n.load, t.Context(), password); err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the first node printed no password:\n%s", n.processes[0].Log())
	}
	for i, database := range databases[1:] {
		n.start(i+1, database)
	}
	return n
}

func (n *nodes) start(i int, database string) {
	n.Helper()
	process, err := crashtest.Program{Bin: n.bin, Args: []string{"--database-url", database}, Env: n.env}.Start()
	if err != nil {
		n.Fatal(err)
	}
	n.processes[i] = process
	n.load.Front.Up(i, process.URL)
}

func (n *nodes) stop(i int) {
	if n.processes[i] != nil {
		n.load.Front.Down(i)
		n.processes[i].Kill()
		n.processes[i] = nil
	}
}

// window puts load on the nodes while disturb does its work, and fails the test where an answer was wrong.
func (n *nodes) window(disturb func(context.Context) error) {
	n.Helper()
	if err := n.load.Window(n.Context(), disturb); err != nil {
		for i, p := range n.processes {
			if p != nil {
				n.Logf("end of the log of node %d:\n%s", i, p.Log())
			}
		}
		n.Fatalf("%v\nafter %s", err, &n.load.Stats)
	}
}

// works returns when an operation that was sent after the call has been answered.
func (n *nodes) works(ctx context.Context) error {
	client := crashtest.NewClient(n.load.Front, n.load.Token, &n.load.Stats)
	defer client.Close()
	body := map[string]any{"userIds": []string{"nobody"}}
	status, answer, err := client.Send(ctx, "DELETE", "/lease_/api/account/"+crashtest.Organization+"/user-license", "", body)
	if err == nil && status != 200 {
		err = fmt.Errorf("removing nothing: %d %s", status, answer)
	}
	return err
}

// verify runs the program's own check of the whole database.
func (n *nodes) verify(database string) {
	n.Helper()
	verify(n.T, n.bin, database)
}

// pause waits, as what is measured needs time to happen: a life under load, a network that is bad for a while.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pair is a primary with a standby, and the database on them.
type pair struct {
	*testing.T
	primary, standby *pgtest.Cluster
	database         string // its name
	generation       int
	synchronous      bool
}

func startPair(t *testing.T, synchronous bool) *pair {
	t.Helper()
	p := &pair{T: t, primary: pgtest.StartForTest(t, pgtest.Options{}), synchronous: synchronous}
	database, err := p.primary.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	p.database = strings.TrimPrefix(u.Path, "/")
	p.follow()
	return p
}

// follow gives the primary a standby.
func (p *pair) follow() {
	p.Helper()
	p.generation++
	name := fmt.Sprintf("standby%d", p.generation)
	standby, err := p.primary.Standby(p.Context(), name)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if err := standby.Close(); err != nil {
			p.Error(err)
		}
	})
	if p.synchronous {
		if err := p.primary.SetSynchronousStandby(p.Context(), name); err != nil {
			p.Fatal(err)
		}
	}
	p.standby = standby
}

// url names both servers: nodes look for the one that takes writes.
func (p *pair) url() string { return p.standby.Also(p.primary.URL(p.database)) }

// failover kills the primary as a machine dies and promotes the standby.
func (p *pair) failover(ctx context.Context) error {
	err := errors.Join(p.primary.Kill())
	p.standby.ResumeReceiver()
	if err := errors.Join(err, p.standby.Promote(ctx)); err != nil {
		return err
	}
	if err := p.primary.Close(); err != nil {
		return err
	}
	p.primary, p.standby = p.standby, nil
	return nil
}

// administer runs statements on a database as somebody else than a node.
func administer(ctx context.Context, database string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(context.WithoutCancel(ctx)))
}

// cycles is how often a test does its thing.
func cycles(t *testing.T, short, full, torture int) int { return faults.Count(t, short, full, torture) }
