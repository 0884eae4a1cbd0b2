package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// cell is one thing that is measured.
type cell struct {
	id      string // short: other cells and bars refer to it
	name    string
	engine  string // of its nodes: see order
	on      database
	shape   shape
	keys    bool
	nodes   int // 0 means 1
	callers int // of each node
	work    work
	held    int  // people who have what shape.first gives them already
	behind  bool // a server is in front of the data
}

// database is what the data of a cell are in.
type database string

const (
	onSQLite   database = "SQLite"
	onPostgres database = "PostgreSQL"
	onNothing  database = ""
)

// sample is one round of one cell.
type sample struct {
	rate       float64 // calls per second
	p50, p99   time.Duration
	calls      int
	nodeCPU    time.Duration // all per call: of the nodes,
	serverCPU  time.Duration // of the server in front of the data,
	storageCPU time.Duration // and of PostgreSQL
	batch      float64       // calls per transaction; 0: not known
	others     float64       // how much of the machine's processors worked for somebody else
	start      time.Duration // of the server
	idle, peak int64         // bytes of the server: after its start, and at most
}

// result is a cell with its samples, one for each round.
type result struct {
	cell
	samples []sample
}

// site is where the data of a cell are while it is measured.
type site interface {
	// place is what the nodes or the server open.
	place() place
	// check compares what the pools say is used with the recounted seats, and both with the number of successful calls.
	check(ctx context.Context, calls int) error
	close(ctx context.Context) error
}

// measureAll measures all cells, round by round, so that whatever else happens on the machine happens to all.
func (b *bench) measureAll(ctx context.Context, cells []cell) ([]result, error) {
	results := make([]result, len(cells))
	for i, c := range cells {
		results[i].cell = c
	}
	for round := range b.rounds {
		for i, c := range cells {
			s, err := b.measure(ctx, c, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			results[i].samples = append(results[i].samples, s)
			fmt.Fprintf(b.progress, "round %d/%d  %-14s %9.0f/s  p50 %8s  p99 %8s  %s\n", round+1, b.rounds, c.id, s.rate,
				s.p50.Round(time.Microsecond), s.p99.Round(time.Microsecond), s.costs())
		}
	}
	return results, nil
}

// costs is what one call costs the processors.
func (s sample) costs() string {
	text := fmt.Sprintf("others %2.0f%%  CPU/call: node %s", 100*s.others, micros(s.nodeCPU))
	if s.serverCPU > 0 {
		text += ", server " + micros(s.serverCPU)
	}
	if s.storageCPU > 0 {
		text += ", PostgreSQL " + micros(s.storageCPU)
	}
	if s.batch > 0 {
		text += fmt.Sprintf("; %.1f calls/transaction", s.batch)
	}
	return text
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.1fµs", float64(d.Nanoseconds())/1e3)
}

func (b *bench) measure(ctx context.Context, c cell, round int) (s sample, err error) {
	site, err := b.open(ctx, c)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, site.close(ctx)) }()
	o := order{
		Engine: c.engine, At: site.place(), Shape: c.shape, Keys: c.keys, Work: c.work, Callers: c.callers,
		People: b.people(c), Step: max(1, c.nodes), Duration: b.duration,
	}
	var calls int
	if c.behind {
		calls, err = b.driveBehind(ctx, c, o, &s, round)
	} else {
		calls, err = b.drive(ctx, c, o, nil, &s, round)
	}
	if err != nil {
		return s, err
	}
	return s, b.audit(ctx, site, calls)
}

// driveBehind puts a server in front of the data while the nodes work.
func (b *bench) driveBehind(ctx context.Context, c cell, o order, s *sample, round int) (calls int, err error) {
	front, err := b.front(ctx, c, o.At)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, front.stop()) }()
	o.Base, s.start = front.base, front.start
	if s.idle, err = memory(front.pid(), "VmRSS"); err != nil {
		return 0, err
	}
	if c.engine == "http" {
		if o.Tokens, err = tokens(ctx, front.base, c.shape); err != nil {
			return 0, err
		}
	}
	if c.work == askMay && c.engine == "http" {
		if err := remember(ctx, front, o); err != nil {
			return 0, err
		}
	}
	if calls, err = b.drive(ctx, c, o, front, s, round); err != nil {
		return 0, err
	}
	s.peak, err = memory(front.pid(), "VmHWM")
	return calls, err
}

// remember asks about one person of each organization, and waits until the server has read the others ahead: until it does nothing any more.
func remember(ctx context.Context, front *server, o order) error {
	for i, token := range o.Tokens {
		t := o.Shape.first(i)
		path := "/api/v1/organizations/" + string(o.Shape.organization(t.organization)) + "/users/" + string(t.user) + "/entitlements/" + string(t.code)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, front.base+path, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", path, response.Status)
		}
	}
	const look, idle = 300 * time.Millisecond, 30 * time.Millisecond
	for pids, used := []int{front.pid()}, look; used > idle; {
		before := usedCPU(pids)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		used = sumCPU(before, usedCPU(pids))
	}
	return nil
}

// audit checks the books after a cell.
func (b *bench) audit(ctx context.Context, site site, calls int) error {
	if err := site.check(ctx, calls); err != nil {
		return fmt.Errorf("the books are wrong: %w", err)
	}
	b.audited++
	return nil
}

// drive lets the nodes of a cell work and fills in the sample. It returns the number of all calls, those before the measured
// time included, when all nodes have ended.
func (b *bench) drive(ctx context.Context, c cell, o order, front *server, s *sample, round int) (calls int, err error) {
	nodes := make([]*node, max(1, c.nodes))
	defer func() {
		for _, n := range nodes {
			if n != nil {
				err = errors.Join(err, n.end())
			}
		}
	}()
	for i := range nodes {
		mine := o
		mine.First += i
		if b.profiles != "" {
			mine.Profile = filepath.Join(b.profiles, fmt.Sprintf("%s-%d-%d.pprof", c.id, round+1, i+1))
		}
		if nodes[i], err = startNode(mine); err != nil {
			return 0, err
		}
	}
	for _, n := range nodes {
		warm, err := n.ready()
		if err != nil {
			return 0, err
		}
		calls += warm
	}
	var serverPIDs, storagePIDs []int
	if front != nil {
		serverPIDs = []int{front.pid()}
	}
	if c.on == onPostgres {
		storagePIDs = b.cluster.Processes()
	}
	watch, err := b.watchPostgres(ctx, c, o.At)
	if err != nil {
		return 0, err
	}
	serverBefore, storageBefore := usedCPU(serverPIDs), usedCPU(storagePIDs)
	start, busyBefore := time.Now(), busy()
	for _, n := range nodes {
		if err := n.begin(); err != nil {
			return 0, err
		}
	}
	var latencies []time.Duration
	var nodeCPU time.Duration
	for _, n := range nodes {
		d, err := n.result()
		if err != nil {
			return 0, err
		}
		calls += d.Calls
		s.calls += d.Calls
		s.rate += float64(d.Calls) / d.Elapsed.Seconds()
		nodeCPU += d.CPU
		latencies = append(latencies, d.Latencies...)
	}
	worked, lasted := busy()-busyBefore, time.Since(start)
	n := time.Duration(s.calls)
	if c.on == onPostgres {
		storagePIDs = b.cluster.Processes() // some may be new
	}
	storageAfter := usedCPU(storagePIDs)
	s.nodeCPU, s.serverCPU = nodeCPU/n, sumCPU(serverBefore, usedCPU(serverPIDs))/n
	s.storageCPU = sumCPU(storageBefore, storageAfter) / n
	ours := (s.nodeCPU + s.serverCPU + s.storageCPU).Seconds() * float64(s.calls)
	s.others = max(0, (worked.Seconds()-ours)/lasted.Seconds()/float64(runtime.NumCPU()))
	slices.Sort(latencies)
	s.p50, s.p99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	jobs := map[string]time.Duration{}
	for pid, used := range storageAfter {
		jobs[jobOf(pid)] += used - storageBefore[pid]
	}
	return calls, watch(s, jobs)
}

// ratio is the median over the rounds of one cell's figure divided by another's in the same round.
func ratio(of, against *result, figure func(sample) float64) float64 {
	ratios := make([]float64, len(of.samples))
	for i := range ratios {
		ratios[i] = figure(of.samples[i]) / figure(against.samples[i])
	}
	return median(ratios)
}

// value is the median over the rounds of one figure.
func (r *result) value(figure func(sample) float64) float64 {
	values := make([]float64, len(r.samples))
	for i, s := range r.samples {
		values[i] = figure(s)
	}
	return median(values)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func rate(s sample) float64 { return s.rate }
func p50(s sample) float64  { return float64(s.p50) }
func p99(s sample) float64  { return float64(s.p99) }

// discard is a site of cells that keep nothing.
type discard struct{}

func (discard) place() place                     { return place{} }
func (discard) check(context.Context, int) error { return nil }
func (discard) close(context.Context) error      { return nil }
