package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// cell is one row of the table.
type cell struct {
	name    string
	callers int
	bar     bar // zero: nothing is demanded
	// setup prepares a subject in a fresh directory. scratch is shared by all rounds: what is slow to make and the same each
	// time is made there once and copied.
	setup func(ctx context.Context, dir, scratch string, users int) (subject, error)
}

// bar is what a cell has to reach: a rate as a multiple of the first cell's, and a p99 as a part of the second cell's.
type bar struct{ must, aim, mustP99, aimP99 float64 }

// subject is what a cell measures.
type subject interface {
	// allocate durably gives one unit to the person with that number, counted from 0. It is called by all callers at once.
	allocate(ctx context.Context, person int) error
	// check compares what the pools say is used with the recounted seats and with allocated, the number of successful calls.
	check(ctx context.Context, allocated int) error
	close() error
}

// plan is how much is measured.
type plan struct {
	root     string
	rounds   int
	duration time.Duration
	users    int
}

// sample is one round of one cell.
type sample struct {
	rate     float64 // allocations per second
	p50, p99 time.Duration
}

// result is a cell with its samples, one for each round.
type result struct {
	cell
	samples []sample
	ratio   float64 // median over the rounds: rate against the first cell of the same round
	p99     float64 // median over the rounds: p99 against the second cell of the same round
}

func measureAll(ctx context.Context, cells []cell, p plan, progress io.Writer) ([]result, error) {
	results := make([]result, len(cells))
	for i, c := range cells {
		results[i].cell = c
	}
	for round := range p.rounds {
		for i, c := range cells {
			s, err := measureCell(ctx, c, p, filepath.Join(p.root, fmt.Sprintf("%d-%d", round, i)))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			results[i].samples = append(results[i].samples, s)
			fmt.Fprintf(progress, "round %d/%d  %-48s %9.0f/s\n", round+1, p.rounds, c.name, s.rate)
		}
	}
	for i := range results {
		rates, tails := make([]float64, p.rounds), make([]float64, p.rounds)
		for round, s := range results[i].samples {
			rates[round] = s.rate / results[0].samples[round].rate
			tails[round] = float64(s.p99) / float64(results[1].samples[round].p99)
		}
		results[i].ratio, results[i].p99 = median(rates), median(tails)
	}
	return results, nil
}

func measureCell(ctx context.Context, c cell, p plan, dir string) (s sample, err error) {
	if err := os.Mkdir(dir, 0o750); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	subject, err := c.setup(ctx, dir, p.root, p.users)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, subject.close()) }()

	next := &atomic.Int64{}
	warm, _, err := load(ctx, subject, c.callers, min(p.users/10, p.users), p.duration/4, next)
	if err != nil {
		return s, err
	}
	next.Store(int64(warm))
	begin := time.Now()
	done, latencies, err := load(ctx, subject, c.callers, p.users, p.duration, next)
	elapsed := time.Since(begin)
	if err != nil {
		return s, err
	}
	if err := subject.check(ctx, warm+done); err != nil {
		return s, fmt.Errorf("the books are wrong: %w", err)
	}
	slices.Sort(latencies)
	return sample{
		rate: float64(done) / elapsed.Seconds(), p50: latencies[len(latencies)/2], p99: latencies[len(latencies)*99/100],
	}, nil
}

// load lets callers allocate to one person after the other, as fast as they are answered, until time or people run out.
func load(ctx context.Context, s subject, callers, people int, d time.Duration, next *atomic.Int64) (done int, latencies []time.Duration, err error) {
	perCaller := make([][]time.Duration, callers)
	errs := make([]error, callers)
	var wait sync.WaitGroup
	deadline := time.Now().Add(d)
	for i := range callers {
		wait.Go(func() {
			for {
				begin := time.Now()
				if begin.After(deadline) {
					return
				}
				person := int(next.Add(1) - 1)
				if person >= people {
					return
				}
				if errs[i] = s.allocate(ctx, person); errs[i] != nil {
					return
				}
				perCaller[i] = append(perCaller[i], time.Since(begin))
			}
		})
	}
	wait.Wait()
	latencies = slices.Concat(perCaller...)
	if err := errors.Join(errs...); err != nil {
		return 0, nil, err
	}
	if len(latencies) == 0 {
		return 0, nil, errors.New("no allocation was finished in time")
	}
	return len(latencies), latencies, nil
}

func median[N ~float64 | ~int64](values []N) N {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
