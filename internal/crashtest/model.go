package crashtest

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// The pools of the load: so small that nearly every allocation meets a full one. Every person belongs to one pool, so that
// no operation touches two and a history can be checked pool by pool.
const (
	people   = 12
	capacity = 5
)

var codes = [...]string{"ATTUNU", "RPADEVNU", "TSTNU", "CTZDEVNU"}

// record is what a pool knows about one of its people.
type record uint64

const (
	absent  record = iota // no direct record
	blocked               // a record without codes
	holding               // a record with the code of the pool
)

// state is the records of all people of a pool, two bits each. It is comparable, as the checker wants it.
type state uint64

func (s state) of(person int) record { return record(s >> (2 * person) & 3) }

func (s state) with(set group, r record) state {
	for person := range set.all() {
		s = s&^(3<<(2*person)) | state(r)<<(2*person)
	}
	return s
}

// holders is how many units are drawn.
func (s state) holders() int {
	n := 0
	for person := range people {
		if s.of(person) == holding {
			n++
		}
	}
	return n
}

func (s state) String() string {
	return fmt.Sprintf("%d held [%s]", s.holders(), s.letters())
}

func (s state) letters() string {
	text := make([]byte, people)
	for person := range people {
		text[person] = "-bH"[s.of(person)]
	}
	return string(text)
}

// group is a set of people of one pool, one bit each.
type group uint16

func (p group) count() int { return bits.OnesCount16(uint16(p)) }

func (p group) all() func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for person := range people {
			if p>>person&1 == 1 && !yield(person) {
				return
			}
		}
	}
}

// verb is a kind of operation.
type verb int

const (
	allocate   verb = iota // PUT with the code of the pool
	block                  // PUT without codes
	deallocate             // DELETE
	read                   // POST without codes
)

func (v verb) String() string {
	return [...]string{"allocate", "block", "deallocate", "read"}[v]
}

// input is an operation on one pool.
type input struct {
	verb verb
	who  group
}

// output is the answer that the client got in the end.
type output struct {
	refused              bool // 409
	requested, available int  // of the shortage, when refused
	records              state
}

func (in input) reads() bool { return in.verb == read }

func (in input) String() string { return fmt.Sprintf("%s %012b", in.verb, in.who) }

func (out output) String() string {
	if out.refused {
		return fmt.Sprintf("refused, %d requested, %d available", out.requested, out.available)
	}
	return "done " + out.records.letters()
}

// step is the whole specification: it reports whether the answer is right for the state, and the state after it.
func step(s state, in input, out output) (bool, state) {
	switch in.verb {
	case allocate:
		needed := 0
		for person := range in.who.all() {
			if s.of(person) != holding {
				needed++
			}
		}
		if free := capacity - s.holders(); needed > free { // all or nobody
			return out.refused && out.requested == needed && out.available == free, s
		}
		return !out.refused, s.with(in.who, holding)
	case block:
		return !out.refused, s.with(in.who, blocked)
	case deallocate:
		return !out.refused, s.with(in.who, absent)
	case read:
		for person := range in.who.all() {
			if s.of(person) != out.records.of(person) {
				return false, s
			}
		}
		return !out.refused, s
	}
	return false, s
}

// model is the specification in the form of the checker, for a history that begins with a known state.
func model(begin state) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(s, in, out any) (bool, any) {
			ok, next := step(s.(state), in.(input), out.(output))
			return ok, next
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%s: %s", in, out) },
		DescribeState:     func(s any) string { return s.(state).String() },
	}
}

// checkTime is the most that the check of one history may take. Histories are kept short enough to need far less.
const checkTime = time.Minute

// maxOperations bounds a history: the effort of a check can grow exponentially.
const maxOperations = 1000

// Violation is something that the server must never do.
type Violation struct{ text string }

func (v *Violation) Error() string { return v.text }

func violated(format string, args ...any) error { return &Violation{fmt.Sprintf(format, args...)} }

// checkHistory looks for an order of the operations of one pool in which every answer is right. file, if any, gets a page
// that shows where there is none.
func checkHistory(pool string, m porcupine.Model, history []porcupine.Operation, file string) error {
	result, info := porcupine.CheckOperationsVerbose(m, history, checkTime)
	switch result {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return violated("pool %s: %d operations could not be checked within %s", pool, len(history), checkTime)
	}
	note := ""
	if file != "" {
		if err := porcupine.VisualizePath(m, info, file); err == nil {
			note = "; see " + file
		}
	}
	return violated("pool %s: %d operations have no order in which every answer is right%s%s", pool, len(history), note, listing(m, history))
}

// listing is what the log of a test tells of a history whose page may be gone: its operations by the time they were called at, if they
// are few enough to be read.
func listing(m porcupine.Model, history []porcupine.Operation) string {
	const few = 100
	if len(history) > few {
		return ""
	}
	var text strings.Builder
	for _, o := range slices.SortedFunc(slices.Values(history), func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) }) {
		call, end := time.Duration(o.Call).Round(time.Microsecond), time.Duration(o.Return).Round(time.Microsecond)
		fmt.Fprintf(&text, "\n%12s to %12s, client %d: %s", call, end, o.ClientId, m.DescribeOperation(o.Input, o.Output))
	}
	return text.String()
}
