package nodetest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// link is a connection between two hosts that can be made bad: between a node and its database, or clients and a node.
type link struct {
	*testing.T
	listen, upstream string
	proxy            *toxiproxy.Proxy
	bad              bool
}

// newLink listens on a free port and passes everything to upstream.
func newLink(t *testing.T, upstream string) *link {
	t.Helper()
	// Not a port of those that the system gives to outgoing connections: one of them could have it when the link opens again.
	l := &link{T: t, listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(pgtest.FreePort(t))), upstream: upstream}
	l.open()
	t.Cleanup(func() { l.proxy.Stop() })
	return l
}

func (l *link) open() {
	for deadline := time.Now().Add(time.Minute); ; {
		l.proxy = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "link", l.listen, l.upstream)
		err := l.proxy.Start()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			l.Fatal(err)
		}
		<-time.After(20 * time.Millisecond) // whoever has the port now may be gone by then
	}
}

// spoil makes the link bad in one way, in some directions, for the connections that it has and for new ones.
func (l *link) spoil(f fault, random *rand.Rand, streams ...string) error {
	l.mend()
	l.bad = true
	for _, stream := range streams {
		toxic, err := json.Marshal(map[string]any{"type": f.name, "stream": stream, "attributes": f.attributes(random)})
		if err != nil {
			return err
		}
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(string(toxic))); err != nil {
			return err
		}
	}
	return nil
}

// mend makes the link good again. What was under way is cut off: taking a toxic out of a connection is something that the
// library can hang in.
func (l *link) mend() {
	if l.bad {
		l.proxy.Stop()
		l.open()
		l.bad = false
	}
}

// through is a database URL that leads through the link.
func (l *link) through(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = l.listen
	return u.String()
}

// fault is a way in which a link can be bad.
type fault struct {
	name       string
	attributes func(*rand.Rand) map[string]int
}

// allFaults are: slow, slow and uneven, thin, in small pieces, reset, and a black hole. In one direction only the last is a
// half-open connection, or a partition in which one side still hears the other.
var allFaults = []fault{
	{"latency", func(r *rand.Rand) map[string]int { return map[string]int{"latency": 50 + r.IntN(1950)} }},
	{"latency", func(r *rand.Rand) map[string]int {
		return map[string]int{"latency": 50 + r.IntN(300), "jitter": 50 + r.IntN(250)}
	}},
	{"bandwidth", func(*rand.Rand) map[string]int { return map[string]int{"rate": 1} }},
	{"slicer", func(r *rand.Rand) map[string]int {
		return map[string]int{"average_size": 16 + r.IntN(64), "size_variation": 8, "delay": 200}
	}},
	{"reset_peer", func(r *rand.Rand) map[string]int { return map[string]int{"timeout": r.IntN(300)} }},
	{"timeout", func(*rand.Rand) map[string]int { return map[string]int{"timeout": 0} }},
}

// Promise: a bad network between nodes and database, or clients and nodes, loses nothing and sells nothing twice, and all is
// well again by itself when the network is.
func TestR8BadNetworksLoseNothing(t *testing.T) {
	seed := faults.Seed(t)
	random := faults.Random(seed, -1)
	cluster := pgtest.StartForTest(t, pgtest.Options{})
	database, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	toDatabase := []*link{newLink(t, host.Host), newLink(t, host.Host)}
	n := startNodes(t, program(t, ""), seed, toDatabase[0].through(t, database), toDatabase[1].through(t, database))
	var toNode []*link
	for i, process := range n.processes {
		l := newLink(t, strings.TrimPrefix(process.URL, "http://"))
		toNode = append(toNode, l)
		n.load.Front.Down(i)
		n.load.Front.Up(i, "http://"+l.listen)
	}
	links := append(toDatabase, toNode...)
	schedules := cycles(t, 2, 30, 300)
	length := 3 * time.Second
	if schedules < 10 {
		length = time.Second
	}
	n.load.Hurry = func() time.Duration { return 15 * time.Second }
	seen := map[string]int{}
	var slowest time.Duration
	for range schedules {
		n.window(func(ctx context.Context) error {
			// Links turn bad one after the other, and are mended in another order: what one fault hides the next may show.
			end := time.Now().Add(length)
			for time.Now().Before(end) {
				l, f := links[random.IntN(len(links))], allFaults[random.IntN(len(allFaults))]
				streams := [][]string{{"upstream"}, {"downstream"}, {"upstream", "downstream"}}[random.IntN(3)]
				if err := l.spoil(f, random, streams...); err != nil {
					return err
				}
				seen[f.name]++
				if err := pause(ctx, time.Duration(100+random.IntN(900))*time.Millisecond); err != nil {
					return err
				}
				if random.IntN(3) > 0 {
					links[random.IntN(len(links))].mend()
				}
			}
			for _, i := range random.Perm(len(links)) {
				links[i].mend()
			}
			begin := time.Now()
			if err := n.works(ctx); err != nil {
				return err
			}
			slowest = max(slowest, time.Since(begin))
			return nil
		})
	}
	n.verify(database)
	faults.Report(t, "R8", "%d schedules of %s of bad networks (%v), answers again within %s: %s; 0 lost, 0 oversold",
		schedules, length, seen, slowest.Round(time.Millisecond), &n.load.Stats)
}
