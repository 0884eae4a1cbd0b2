package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seatwright/seatwright/internal/heap"
)

// A node is a process of this program that does the work of one cell, or one of the two that share it, so that no cell pays
// for the garbage of another. It reads an order, prepares itself, says how many calls it has already made, waits for a line,
// works for the time given, and tells the result.

// order is what a node is to do.
type order struct {
	Engine   string // sqlite-naive, postgres-naive, ledger, reader, http or bare
	At       place
	Shape    shape
	Keys     bool
	Work     work
	Base     string   // http: where the server is
	Tokens   []string // http: of each organization
	Callers  int
	People   int
	First    int           // number of the first task
	Step     int           // number of nodes: each takes every Step-th task
	Duration time.Duration // of the measured time, and of as much work before it
	Profile  string        // file for a CPU profile of the measured time
}

// work is what the calls are about.
type work string

const (
	allocateFirst   work = ""        // shape.first
	allocateWaiting work = "waiting" // shape.waiting
	askSomebody     work = "ask"     // shape.somebody; http asks instead of allocating
	askWho          work = "who"     // http asks whose token it is
	askMay          work = "may"     // http asks whether shape.somebody may use what they have
)

// asks says that the work changes nothing, so that there is always more of it.
func (w work) asks() bool { return w == askSomebody || w == askWho || w == askMay }

// prepared is a node's first answer, done its second.
type prepared struct{ Calls int }

type done struct {
	Calls     int
	Elapsed   time.Duration
	Latencies []time.Duration
	CPU       time.Duration // of this process
}

// engine does single calls. It is called by all callers at once, but never twice at once with the same caller.
type engine interface {
	do(ctx context.Context, caller, n int) error
	close() error
}

// runNode is the node's side.
func runNode(ctx context.Context, stdin io.Reader, stdout io.Writer) (err error) {
	heap.Tune(os.Getenv("GOGC")) // as cmd/seatwright does; for the baselines as well
	in, out := gob.NewDecoder(stdin), gob.NewEncoder(stdout)
	var o order
	if err := in.Decode(&o); err != nil {
		return err
	}
	e, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	next := &atomic.Int64{}
	next.Store(int64(o.First))
	warm, _, err := o.load(ctx, e, next, o.Duration)
	if err != nil {
		return err
	}
	if err := out.Encode(prepared{warm}); err != nil {
		return err
	}
	var begin bool
	if err := in.Decode(&begin); err != nil {
		return err
	}
	if o.Profile != "" {
		file, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
	}
	before, start := ownCPU(), time.Now()
	calls, latencies, err := o.load(ctx, e, next, o.Duration)
	result := done{Calls: calls, Elapsed: time.Since(start), CPU: ownCPU() - before, Latencies: latencies}
	if o.Profile != "" {
		pprof.StopCPUProfile()
	}
	if err != nil {
		return err
	}
	if calls == 0 {
		return errors.New("no call was finished in time")
	}
	if err := out.Encode(result); err != nil {
		return err
	}
	// Connections stay open until everybody has looked at what they cost.
	if err := in.Decode(&begin); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the end of the orders was expected: %w", err)
	}
	return nil
}

func (o order) open(ctx context.Context) (engine, error) {
	switch o.Engine {
	case "sqlite-naive":
		b, err := openNaiveSQLite(ctx, o.At.Dir, o.Shape)
		if err != nil {
			return nil, err
		}
		return b, b.prepare(ctx)
	case "postgres-naive":
		return openNaivePostgres(ctx, o.At.URL, o.Shape, o.Callers)
	case "ledger":
		p, err := openProduct(ctx, o.At, o.Shape)
		return ledgerEngine{p, o}, err
	case "reader":
		store, err := o.At.open(ctx)
		return readerEngine{store, o}, err
	case "http", "bare":
		return openHTTP(ctx, o)
	}
	return nil, fmt.Errorf("no engine %q", o.Engine)
}

// task is what a caller with that number is to do.
func (o order) task(n int) task {
	switch o.Work {
	case allocateWaiting:
		return o.Shape.waiting(n)
	case askSomebody, askMay:
		return o.Shape.somebody(n, o.People)
	case allocateFirst, askWho:
	}
	return o.Shape.first(n)
}

type ledgerEngine struct {
	*product
	order order
}

func (l ledgerEngine) do(ctx context.Context, _, n int) error {
	return l.allocate(ctx, l.order.task(n), l.order.Keys)
}

// load lets callers do one call after the other, as fast as they are answered, until the time or the people are used up.
func (o order) load(ctx context.Context, e engine, next *atomic.Int64, d time.Duration) (calls int, latencies []time.Duration, err error) {
	perCaller := make([][]time.Duration, o.Callers)
	errs := make([]error, o.Callers)
	var wait sync.WaitGroup
	deadline := time.Now().Add(d)
	for i := range o.Callers {
		wait.Go(func() {
			for {
				begin := time.Now()
				if begin.After(deadline) {
					return
				}
				n := int(next.Add(int64(o.Step))) - o.Step
				if n >= o.People && !o.Work.asks() {
					return
				}
				if errs[i] = e.do(ctx, i, n); errs[i] != nil {
					return
				}
				perCaller[i] = append(perCaller[i], time.Since(begin))
			}
		})
	}
	wait.Wait()
	latencies = slices.Concat(perCaller...)
	return len(latencies), latencies, errors.Join(errs...)
}

func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// node is the other side of a node.
type node struct {
	command *exec.Cmd
	in      *gob.Encoder
	stdin   io.Closer
	out     *gob.Decoder
}

func startNode(o order) (*node, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self, "-node") //nolint:noctx // it ends when its standard input does, so also with this process
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	n := &node{command: command, in: gob.NewEncoder(stdin), stdin: stdin, out: gob.NewDecoder(stdout)}
	return n, n.in.Encode(o)
}

// ready waits until the node has prepared itself.
func (n *node) ready() (calls int, err error) {
	var p prepared
	if err := n.out.Decode(&p); err != nil {
		return 0, errors.New("a node has failed: its message is above")
	}
	return p.Calls, nil
}

func (n *node) begin() error { return n.in.Encode(true) }

func (n *node) result() (d done, err error) {
	if err := n.out.Decode(&d); err != nil {
		return d, errors.New("a node has failed: its message is above")
	}
	return d, nil
}

// end waits until the node has closed what it had open.
func (n *node) end() error {
	n.stdin.Close()
	return n.command.Wait()
}
