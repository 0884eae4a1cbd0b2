// Package ledger is the only way to write. It queues commands, lets a writer turn whatever is waiting into one
// transaction, and answers each caller only after that transaction is committed.
//
// It decides nothing (package seatwright does) and stores nothing (a seatwright.Store does). Start at Submit.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// The bounds of one batch and of the queue.
const (
	MaxBatchCommands = 1024
	MaxBatchWeight   = 20_000 // user-code pairs; a single command may be heavier and then rides alone
	QueueLength      = 16_384 // commands that may wait in a lane; more are refused with unavailable/overloaded
)

// Ledger takes the commands of one node. It is safe for concurrent use. It has as many lanes as the store can use, and
// every organization has one of them, so that the order in which its commands come is the order in which they are decided.
type Ledger struct {
	lanes    []*lane
	closing  chan struct{}
	closeNow sync.Once
}

// lane is a queue and the one goroutine that drains it.
type lane struct {
	number    int
	store     seatwright.Store
	catalogue *seatwright.Catalogue
	log       *slog.Logger
	watch     Watch
	queue     chan *pending
	closing   <-chan struct{} // of the ledger
	stopped   chan struct{}

	// The writer's own.
	refusals *seatwright.RefusalMeter
	busy     map[seatwright.OrganizationID]busy
	counted  bool // the last refusals were counted, or were tried to be, after Close
	expected int  // how many commands would wait if every caller just answered came back at once
}

// patience is how often in a row the writer lets others run without a new command coming in. An idle server pays it as well,
// some microseconds.
const patience = 60

// Watch hears what a batch has recorded, after COMMIT and before its callers are answered; the events of one organization come in order.
// certain is false where the outcome of COMMIT is not known: then the events may be stored, now or later, or not. Batches of several lanes
// are told at the same time.
type Watch func(recorded []seatwright.Event, certain bool)

// New starts the writers of a ledger on store, whose commands know the products of a catalogue; watch may be nil. Call Close before closing
// the store.
func New(store seatwright.Store, catalogue *seatwright.Catalogue, watch Watch, log *slog.Logger) *Ledger {
	l := &Ledger{closing: make(chan struct{})}
	for number := range store.Writers() {
		lane := &lane{
			number: number, store: store, catalogue: catalogue, log: log, watch: watch, queue: make(chan *pending, QueueLength), closing: l.closing,
			stopped: make(chan struct{}), refusals: &seatwright.RefusalMeter{}, busy: map[seatwright.OrganizationID]busy{},
		}
		l.lanes = append(l.lanes, lane)
		go lane.write()
	}
	return l
}

// Close refuses new commands, commits those that wait, and returns when the writers have stopped: a second later where
// refusals are still to be counted.
func (l *Ledger) Close() {
	l.closeNow.Do(func() { close(l.closing) })
	for _, lane := range l.lanes {
		<-lane.stopped
	}
}

// Waiting is the number of commands in the queues: a measure of load, out of date when it is returned.
func (l *Ledger) Waiting() int {
	n := 0
	for _, lane := range l.lanes {
		n += len(lane.queue)
	}
	return n
}

// laneOf is the lane of an organization. A command that touches several rides in that of the first, and the store's locks
// keep it apart from the lanes of the others.
func (l *Ledger) laneOf(organization seatwright.OrganizationID) *lane {
	if len(l.lanes) == 1 {
		return l.lanes[0]
	}
	h := fnv.New32a()
	io.WriteString(h, string(organization))
	return l.lanes[h.Sum32()%uint32(len(l.lanes))]
}

// The life of a pending command: the caller gives up a waiting one, or the writer takes it, never both.
const (
	waiting int32 = iota
	taken
	abandoned
)

// pending is a command in the queue, with its types erased.
type pending struct {
	touches []seatwright.Touch
	key     *seatwright.Key // nil: none
	weight  int
	returns bool                          // it only gives back
	decide  func(*seatwright.Slice) error // the error is the command's own answer, except an internal one
	state   atomic.Int32
	done    chan error // one value: nil when what decide answered is committed
}

// Submit queues a command and waits until its outcome is durable. Refusals come back as errors and are durable as well.
//
// Errors besides those of the command: conflict/idempotency_key_reused; unavailable/overloaded and
// unavailable/store_unavailable, after which nothing has changed; unavailable/outcome_unknown, after which the change may
// or may not be stored, and sending the command again with the same idempotency key tells. When ctx ends before the writer
// has taken the command nothing has changed either; when it ends later the outcome is unknown to this caller.
func Submit[A any](ctx context.Context, l *Ledger, origin seatwright.Origin, command seatwright.Command[A]) (A, error) {
	if err := ctx.Err(); err != nil { // else it could be the writer's turn before this caller is seen to have left
		return *new(A), leftBefore(err)
	}
	var answer A
	var refusal error
	p, err := newPending(origin, command, func(s *seatwright.Slice, key *seatwright.Key) error {
		answer, refusal = seatwright.Decide(s, origin, command, key)
		return refusal
	})
	if err != nil {
		return *new(A), err
	}
	lane := l.laneOf(p.touches[0].Organization)
	if err := lane.enqueue(p); err != nil {
		return *new(A), err
	}
	select {
	case err := <-p.done:
		if err != nil {
			return *new(A), err
		}
		return answer, refusal
	case <-lane.stopped:
		// The writer has answered all that it took. What was queued behind its back is not among them.
		select {
		case err := <-p.done:
			if err != nil {
				return *new(A), err
			}
			return answer, refusal
		default:
			return *new(A), stopping()
		}
	case <-ctx.Done():
		if p.state.CompareAndSwap(waiting, abandoned) {
			return *new(A), leftBefore(ctx.Err())
		}
		return *new(A), seatwright.Unavailable(seatwright.ReasonOutcomeUnknown, ctx.Err(), "the request ended before its outcome was known")
	}
}

func leftBefore(cause error) error {
	return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, cause, "the request ended before it was its turn; nothing has changed")
}

func newPending[A any](origin seatwright.Origin, command seatwright.Command[A], decide func(*seatwright.Slice, *seatwright.Key) error) (*pending, error) {
	p := &pending{touches: command.Touches(), weight: command.Weight(), returns: seatwright.GivesBack(command), done: make(chan error, 1)}
	var err error
	if p.key, err = seatwright.KeyOf(command, origin); err != nil {
		return nil, seatwright.Internal(err)
	}
	p.decide = func(s *seatwright.Slice) error { return decide(s, p.key) }
	return p, nil
}

func (l *lane) enqueue(p *pending) error {
	select {
	case <-l.closing:
		return stopping()
	default:
	}
	select {
	case l.queue <- p:
		return nil
	default:
		return seatwright.Unavailable(seatwright.ReasonOverloaded, nil, "too many changes are waiting")
	}
}

func stopping() error {
	return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "the server is stopping")
}

// write is the writer: it commits batches until the ledger is closed and the queue is empty.
func (l *lane) write() {
	defer close(l.stopped)
	var carried *pending // taken from the queue, but too heavy for the batch before
	for {
		first := carried
		if first == nil {
			if first = l.next(); first == nil {
				return
			}
		}
		var batch []*pending
		batch, carried = l.fill(first)
		l.commit(batch)
	}
}

// next waits for a command; nil means that the ledger is closed and nothing waits. While refusals are still to be counted
// it waits no longer than a second.
func (l *lane) next() *pending {
	for {
		var tell <-chan time.Time
		if l.refusals.Counting() {
			tell = time.After(time.Second)
		}
		select {
		case p := <-l.queue:
			return p
		case <-tell:
			if p := l.countRefusals(); p != nil {
				return p
			}
		case <-l.closing:
			select {
			case p := <-l.queue:
				return p
			default:
			}
			if l.counted || !l.refusals.Counting() {
				return nil
			}
			l.counted = true          // once: neither a store that fails nor a clock that went back may keep the server from stopping
			<-time.After(time.Second) // a refusal can be counted when its second is over
			if p := l.countRefusals(); p != nil {
				return p
			}
		}
	}
}

func (l *lane) countRefusals() *pending {
	organizations := l.refusals.Untold(time.Now())
	if len(organizations) == 0 {
		return nil
	}
	origin := seatwright.SystemCaller("ledger").Origin()
	command := seatwright.CountRefusals{Organizations: organizations}
	p, err := newPending(origin, command, func(s *seatwright.Slice, _ *seatwright.Key) error {
		_, err := command.Decide(s, origin)
		return err
	})
	if err != nil {
		l.log.Error("count refusals", "error", err)
		return nil
	}
	return p
}

// fill adds to first whatever else waits, within the bounds of a batch. There is no timer: an idle server commits a single
// command at once, and under load batches form by themselves.
func (l *lane) fill(first *pending) (batch []*pending, carried *pending) {
	l.letCallersReturn()
	batch = append(make([]*pending, 0, 64), first)
	weight := first.weight
	for len(batch) < MaxBatchCommands {
		select {
		case p := <-l.queue:
			if weight += p.weight; weight > MaxBatchWeight {
				return batch, p
			}
			batch = append(batch, p)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// letCallersReturn lets the callers of the batch before run, who are about to queue their next command, as long as more of
// them come. The larger the batch, the less each command pays for the disk.
func (l *lane) letCallersReturn() {
	for seen, idle := len(l.queue), 0; 1+seen < l.expected && idle < patience; idle++ {
		runtime.Gosched()
		if now := len(l.queue); now > seen {
			seen, idle = now, 0
		}
	}
}

// commit decides and stores a batch and answers its callers. Callers who gave up while waiting are left out.
func (l *lane) commit(batch []*pending) {
	live := batch[:0]
	for _, p := range batch {
		if p.state.CompareAndSwap(waiting, taken) {
			live = append(live, p)
		}
	}
	if live = l.refuseBusy(live); len(live) > 0 {
		l.commitTaken(live, false)
	}
}

// busy is an organization that somebody else had locked a moment ago.
type busy struct {
	until time.Time
	err   error
}

// busyPause is how long commands for a locked organization are refused at once. In between each batch with one of them
// would make all its other commands wait until the store gives up.
const busyPause = 500 * time.Millisecond

// refuseBusy answers the commands that touch a busy organization and returns the others.
func (l *lane) refuseBusy(batch []*pending) []*pending {
	if len(l.busy) == 0 {
		return batch
	}
	now := time.Now()
	for id, b := range l.busy {
		if now.After(b.until) {
			delete(l.busy, id)
		}
	}
	return answerSome(batch, func(p *pending) error {
		for _, t := range p.touches {
			if b, is := l.busy[t.Organization]; is {
				return b.err
			}
		}
		return nil
	})
}

// answerSome answers the commands for which there is an error and returns the others.
func answerSome(batch []*pending, answer func(*pending) error) (others []*pending) {
	for _, p := range batch {
		if err := answer(p); err != nil {
			p.done <- err
		} else {
			others = append(others, p)
		}
	}
	return others
}

// commitTaken halves a batch that fails by our own fault, so that one poisoned command fails alone. Trouble of the
// database is not the fault of any command and is told to all at once; only what gives back is tried again, by itself, where
// the store has no room for more. giveBack says that the batch is of such commands.
func (l *lane) commitTaken(batch []*pending, giveBack bool) {
	if planted.Bug(planted.AnswerBeforeCommit) {
		l.answerEarly(batch)
		return
	}
	err := l.update(batch, giveBack)
	if err != nil && seatwright.AsError(err).Kind == seatwright.KindInternal && len(batch) > 1 {
		l.log.Error("a batch failed and is halved", "commands", len(batch), "error", err)
		half := len(batch) / 2
		l.commitTaken(batch[:half], giveBack)
		l.commitTaken(batch[half:], giveBack)
		return
	}
	var held *seatwright.BusyError
	if errors.As(err, &held) {
		for _, id := range held.Organizations {
			l.busy[id] = busy{until: time.Now().Add(busyPause), err: err}
		}
		if batch = l.refuseBusy(batch); len(batch) > 0 {
			l.commitTaken(batch, giveBack)
		}
		return
	}
	if errors.Is(err, seatwright.ErrStorageFull) && !giveBack {
		returning := answerSome(batch, func(p *pending) error {
			if p.returns {
				return nil
			}
			return err
		})
		if len(returning) > 0 {
			l.commitTaken(returning, true)
		}
		return
	}
	l.expected = len(l.queue) + len(batch)
	planted.Before(planted.StepAnswer)
	for _, p := range batch {
		p.done <- err
	}
	planted.After(planted.StepAnswer)
}

// answerEarly is the planted bug: callers are answered inside the transaction, while it can still be lost.
func (l *lane) answerEarly(batch []*pending) {
	request := l.loadRequest(batch)
	_ = l.store.Update(context.Background(), request, func(s *seatwright.Slice) error {
		for _, p := range batch {
			_ = p.decide(s)
			p.done <- nil
		}
		<-time.After(2 * time.Millisecond) // as long as a commit takes on a slow disk
		return nil
	})
}

func (l *lane) loadRequest(batch []*pending) seatwright.LoadRequest {
	request := seatwright.LoadRequest{Lane: l.number, Touches: make([]seatwright.Touch, 0, len(batch))}
	for _, p := range batch {
		request.Touches = append(request.Touches, p.touches...)
		if p.key != nil {
			request.Keys = append(request.Keys, p.key.KeyRef)
		}
	}
	return request
}

func (l *lane) update(batch []*pending, giveBack bool) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			stack := make([]byte, 4096)
			stack = stack[:runtime.Stack(stack, false)]
			err = seatwright.Internal(fmt.Errorf("panic while deciding: %v\n%s", cause, stack))
		}
	}()
	var refusals *seatwright.RefusalMeter
	var decided *seatwright.Slice
	// No caller may cancel what others wait for, so the batch runs under a context of its own.
	request := l.loadRequest(batch)
	request.GivesBack = giveBack
	err = l.store.Update(context.Background(), request, func(s *seatwright.Slice) error {
		s.UseCatalogue(l.catalogue)
		decided = s
		refusals = s.MeterRefusals(l.refusals)
		for _, p := range batch {
			// A refusal is an answer. A decision that failed may have left half a change: the whole batch is rolled back.
			if err := p.decide(s); err != nil && seatwright.AsError(err).Kind == seatwright.KindInternal {
				return err
			}
		}
		return nil
	})
	if err == nil {
		l.refusals = refusals
	}
	if unknown := seatwright.IsReason(err, seatwright.ReasonOutcomeUnknown); l.watch != nil && decided != nil && (err == nil || unknown) {
		l.watch(decided.Recorded(), !unknown)
	}
	return err
}
