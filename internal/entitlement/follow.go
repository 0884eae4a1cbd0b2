package entitlement

import (
	"context"
	"sync"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// heartbeat is how often the heads of all remembered organizations are looked at. It has to come round, and its answer, within MaxAge.
const heartbeat = time.Second

// Run reads people ahead, and keeps the memory up to date with what other nodes do, until ctx ends.
func (m *Memory) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	if m.feed != nil {
		running.Go(func() { m.follow(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-m.begun:
			m.readAhead(ctx, o)
		}
	}
}

// ahead is how many people are read at once: so few that hardly anybody changes meanwhile.
const ahead = 250

// readAhead reads the people of an organization, as long as there is room.
func (m *Memory) readAhead(ctx context.Context, o *organization) {
	from := seatwright.UserID("")
	for m.lookup(o.id) == o && m.size.Load() < m.limit/4*3 {
		var noted [shards]uint64
		for i := range o.people {
			s := &o.people[i]
			s.mu.RLock()
			noted[i] = s.noted
			s.mu.RUnlock()
		}
		found, err := m.reader.HeldCodes(ctx, o.id, from, ahead)
		if err != nil {
			return // they are read one by one
		}
		for _, person := range found {
			m.remember(o, string(person.User), &Held{Exists: true, Codes: person.Codes}, noted[m.place(person.User)])
		}
		if len(found) < ahead {
			return
		}
		from = found[len(found)-1].User + "\x01" // before every other id
	}
}

// follow hears the notices of other nodes, and looks at the heads at every beat, because a notice can be lost with its sender or with
// the connection.
func (m *Memory) follow(ctx context.Context) {
	var listening sync.WaitGroup
	listening.Go(func() {
		m.feed.Follow(ctx, func(id seatwright.OrganizationID, sequence int64) {
			if id == "" {
				m.look(ctx)
				return
			}
			if o := m.lookup(id); o != nil {
				m.catchUp(ctx, o, sequence)
			}
		})
	})
	defer listening.Wait()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		m.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}

// look compares all that is remembered with the heads. Where it succeeds, all of it is as of its beginning at least.
func (m *Memory) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, MaxAge-heartbeat)
	defer cancel()
	began := m.age()
	if planted.Bug(planted.DeafEntitlements) {
		m.fresh.Store(max(1, began))
		return
	}
	m.mu.RLock()
	ids := make([]seatwright.OrganizationID, 0, len(m.organizations))
	for id := range m.organizations {
		ids = append(ids, id)
	}
	m.mu.RUnlock()
	sequences, server, err := m.feed.Sequences(ctx, ids)
	if err != nil {
		return // what is remembered is not used once it is too old
	}
	m.moveTo(server)
	for _, id := range ids {
		o := m.lookup(id)
		if o == nil {
			continue
		}
		sequence, exists := sequences[id]
		if !exists {
			m.drop(o)
			continue
		}
		m.catchUp(ctx, o, sequence)
	}
	if ctx.Err() == nil {
		m.fresh.Store(max(1, began))
	}
}

// moveTo forgets everything that was read from another server than this one. What the other showed last may be gone, as a commit is that was
// cancelled while it waited for the standby, and other events may have taken the numbers of those that told of it.
func (m *Memory) moveTo(server string) {
	var elsewhere map[seatwright.OrganizationID]*organization
	m.mu.Lock()
	if m.server != server { // all at once: another look at the same time must find none of them
		elsewhere, m.organizations = m.organizations, map[seatwright.OrganizationID]*organization{}
		m.size.Add(-costOfOrganization * int64(len(elsewhere)))
		m.server = server
	}
	m.mu.Unlock()
	for _, o := range elsewhere {
		m.forgetWhole(o)
	}
}

// How many events are looked at before an organization is rather forgotten as a whole, and how many at once.
const (
	maxEvents     = 10_000
	eventsPerRead = 1_000
)

// catchUp takes into account what was recorded up to a sequence. What it cannot find out makes it forget the organization.
func (m *Memory) catchUp(ctx context.Context, o *organization, sequence int64) {
	o.mu.Lock()
	covered := o.covered
	o.mu.Unlock()
	switch {
	case sequence == covered:
		return
	case sequence < covered: // a notice that came late, or news of a server that has lost something
		if head, err := m.reader.Head(ctx, o.id); err != nil || head.Sequence < covered {
			m.drop(o)
		}
		return
	}
	for range maxEvents / eventsPerRead {
		events, err := m.reader.Events(ctx, o.id, covered, eventsPerRead)
		if err != nil {
			break
		}
		m.forget(o, events)
		if n := len(events); n > 0 {
			o.cover(covered, events[n-1].Sequence)
			covered = events[n-1].Sequence
		}
		if covered >= sequence {
			return
		}
		if len(events) == 0 {
			break
		}
	}
	m.drop(o)
}

// drop forgets an organization as a whole; who asks for it next begins anew.
func (m *Memory) drop(o *organization) {
	m.mu.Lock()
	if m.organizations[o.id] == o {
		delete(m.organizations, o.id)
		m.size.Add(-costOfOrganization)
	}
	m.mu.Unlock()
	m.forgetWhole(o)
}
