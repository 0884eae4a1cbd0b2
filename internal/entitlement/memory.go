package entitlement

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// Reader is what the memory asks the store.
type Reader interface {
	Organization(ctx context.Context, id seatwright.OrganizationID) (seatwright.Organization, error)
	AccountLicense(ctx context.Context, organization seatwright.OrganizationID) (seatwright.AccountLicense, error)
	HeldCodes(ctx context.Context, organization seatwright.OrganizationID, from seatwright.UserID, most int) ([]seatwright.HeldCodes, error)
	Seats(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.Seat, error)
	People(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.User, error)
	Events(ctx context.Context, organization seatwright.OrganizationID, after int64, limit int) ([]seatwright.Event, error)
	Head(ctx context.Context, organization seatwright.OrganizationID) (seatwright.Head, error)
}

// MaxAge is how old an answer from memory can be where several nodes share a database: what another node has acknowledged before that is
// in it, whatever became of its notice. Where it cannot be kept, the database is asked instead.
const MaxAge = 3 * time.Second

// DefaultMemory is how many bytes the memory may take, roughly, where nobody says otherwise.
const DefaultMemory = 160 << 20

// What one person takes beside their id, and one organization, in bytes: roughly.
const (
	costOfPerson       = 80
	costOfOrganization = 4 << 10
)

// Memory remembers what people hold and what of their organizations decides whether they may use it. A person is read when they are first asked
// for, or ahead of that once anybody of their organization was, with a count that was noted before: where anything has changed in between, what was
// read is not kept. It is safe for concurrent use.
type Memory struct {
	reader Reader
	feed   seatwright.Feed // nil: nobody but this process changes the database
	now    func() time.Time
	limit  int64
	seed   maphash.Seed
	age    func() int64 // nanoseconds since it was made, by the machine's own clock: no clock that is set goes back in it

	begun chan *organization // those whose people are to be read ahead

	mu            sync.RWMutex
	organizations map[seatwright.OrganizationID]*organization
	server        string       // that told of them, see moveTo
	size          atomic.Int64 // of all people and organizations in bytes, roughly
	fresh         atomic.Int64 // as of when all organizations are known to be up to date, in the time of age; 0: never
}

// NewMemory makes a memory of a database, which has to hear of what this process changes by Committed. feed is nil where nobody else changes
// the database, else Run has to: without it every question asks the database. It takes so many bytes, roughly; 0: DefaultMemory.
func NewMemory(reader Reader, feed seatwright.Feed, now func() time.Time, bytes int64) *Memory {
	if bytes == 0 {
		bytes = DefaultMemory
	}
	made := time.Now() //nolint:forbidigo // see age
	return &Memory{
		reader: reader, feed: feed, now: now, limit: bytes, seed: maphash.MakeSeed(), organizations: map[seatwright.OrganizationID]*organization{},
		begun: make(chan *organization, 1024),
		age:   func() int64 { return int64(time.Since(made)) },
	}
}

// Size is how many bytes are remembered, roughly.
func (m *Memory) Size() int64 { return m.size.Load() }

const shards = 64

// organization is what is remembered of one.
type organization struct {
	id      seatwright.OrganizationID
	asked   atomic.Int64 // when it was last asked for, in the time of age
	terms   atomic.Pointer[terms]
	noted   atomic.Uint64 // grows whenever terms are forgotten
	people  [shards]people
	mu      sync.Mutex
	sets    map[string]*Held // what people hold, each combination once
	setSize int64
	covered int64 // whatever was recorded up to this sequence has been taken into account; used with a feed alone
}

type people struct {
	mu    sync.RWMutex
	noted uint64 // grows whenever somebody is forgotten
	held  map[seatwright.UserID]*Held
	size  int64
}

// terms are the terms of an organization with what they come to at some instant.
type terms struct {
	seatwright.Terms
	asOf    time.Time // the database's clock when they were read
	readAt  int64     // the same in the time of age
	inForce atomic.Pointer[seatwright.InForce]
}

func (t *terms) at(now time.Time) *seatwright.InForce {
	f := t.inForce.Load()
	if f == nil || !f.Holds(now) {
		fresh := t.At(now)
		f = &fresh
		t.inForce.Store(f)
	}
	return f
}

// Held is what a person holds. It is shared and never changed.
type Held struct {
	Exists bool // there is such a person
	Codes  []seatwright.ProductCode
	shared bool // with all who hold the same
}

// nobody is a person who does not exist.
var nobody = &Held{}

// known finds what is remembered of an organization, or begins to remember.
func (m *Memory) known(ctx context.Context, id seatwright.OrganizationID) (*organization, error) {
	for {
		m.mu.RLock()
		o, server := m.organizations[id], m.server
		m.mu.RUnlock()
		if o == nil {
			fresh := &organization{id: id, sets: map[string]*Held{}}
			if m.feed != nil { // read before anything else is: what is recorded after it will be heard of
				head, err := m.reader.Head(ctx, id)
				if err != nil {
					return nil, err
				}
				fresh.covered = head.Sequence
			}
			if o = m.begin(fresh, server); o == nil {
				continue
			}
		}
		o.asked.Store(m.age())
		return o, nil
	}
}

// begin remembers an organization from now on, unless it is remembered already. nil: it was read from another server than the one that tells now.
func (m *Memory) begin(fresh *organization, server string) *organization {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server != server {
		return nil
	}
	if o := m.organizations[fresh.id]; o != nil {
		return o
	}
	m.organizations[fresh.id] = fresh
	m.size.Add(costOfOrganization)
	select {
	case m.begun <- fresh:
	default: // its people are read one by one
	}
	return fresh
}

// lookup finds what is remembered of an organization; nil: nothing is.
func (m *Memory) lookup(id seatwright.OrganizationID) *organization {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.organizations[id]
}

// ask tells what people hold, in their order, and what was in force at the same instant for each. Strong asks the database, and so does an age
// that cannot be vouched for.
func (m *Memory) ask(ctx context.Context, id seatwright.OrganizationID, users []seatwright.UserID, strong bool) ([]Standing, error) {
	asOf := m.fresh.Load()
	if strong || !m.vouches(asOf) {
		return m.read(ctx, id, users)
	}
	o, err := m.known(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := m.readUnknown(ctx, o, users); err != nil {
		return nil, err
	}
	all := make([]Standing, len(users))
	for i, user := range users {
		if all[i], err = m.standing(ctx, o, user); err != nil {
			return nil, err
		}
	}
	if !m.vouches(asOf) { // it took long: who was looked at first is older than who came last
		return m.read(ctx, id, users)
	}
	return all, nil
}

// readUnknown reads those of users who are not remembered with one question, so that the others are not old when the last of these is there.
func (m *Memory) readUnknown(ctx context.Context, o *organization, users []seatwright.UserID) error {
	const worthIt = 4
	var unknown []seatwright.UserID
	noted := map[seatwright.UserID]uint64{}
	for _, user := range users {
		s := m.shard(o, user)
		s.mu.RLock()
		_, known := s.held[user]
		if !known {
			unknown = append(unknown, user)
			noted[user] = s.noted
		}
		s.mu.RUnlock()
	}
	if len(unknown) < worthIt {
		return nil
	}
	standings, err := m.read(ctx, o.id, unknown)
	if err != nil {
		return err
	}
	for i, user := range unknown {
		if held := standings[i].Held; held != nobody {
			m.remember(o, string(user), held, noted[user])
		}
	}
	return nil
}

// one is ask for one person.
func (m *Memory) one(ctx context.Context, id seatwright.OrganizationID, user seatwright.UserID, strong bool) (Standing, error) {
	asOf := m.fresh.Load()
	if strong || !m.vouches(asOf) {
		return m.readOne(ctx, id, user)
	}
	o, err := m.known(ctx, id)
	if err != nil {
		return Standing{}, err
	}
	standing, err := m.standing(ctx, o, user)
	if err == nil && !m.vouches(asOf) { // it took long
		return m.readOne(ctx, id, user)
	}
	return standing, err
}

// Standing is what a person holds and what was in force then.
type Standing struct {
	*Held
	*seatwright.InForce
	At time.Time
}

func (m *Memory) standing(ctx context.Context, o *organization, user seatwright.UserID) (Standing, error) {
	const tries = 3 // more often purchases do not change while one person is read
	for range tries {
		t, err := m.terms(ctx, o)
		if err != nil {
			return Standing{}, err
		}
		held, err := m.person(ctx, o, user)
		if err != nil {
			return Standing{}, err
		}
		if o.terms.Load() == t { // so both were right at the instant in between
			now := m.instant(t)
			return Standing{held, t.at(now), now}, nil
		}
	}
	return m.readOne(ctx, o.id, user)
}

func (m *Memory) readOne(ctx context.Context, id seatwright.OrganizationID, user seatwright.UserID) (Standing, error) {
	all, err := m.read(ctx, id, []seatwright.UserID{user})
	if err != nil {
		return Standing{}, err
	}
	return all[0], nil
}

// read asks the database.
func (m *Memory) read(ctx context.Context, id seatwright.OrganizationID, users []seatwright.UserID) ([]Standing, error) {
	t, err := m.readTerms(ctx, id)
	if err != nil {
		return nil, err
	}
	people, err := m.reader.People(ctx, id, users)
	if err != nil {
		return nil, err
	}
	seats, err := m.reader.Seats(ctx, id, users)
	if err != nil {
		return nil, err
	}
	held := make(map[seatwright.UserID]*Held, len(people))
	for _, person := range people {
		held[person.ID] = &Held{Exists: true}
	}
	for _, seat := range seats {
		if h := held[seat.User]; h != nil {
			h.Codes = append(h.Codes, seat.Code)
		}
	}
	now := m.instant(t)
	all, inForce := make([]Standing, len(users)), t.at(now)
	for i, user := range users {
		if all[i] = (Standing{held[user], inForce, now}); all[i].Held == nil {
			all[i].Held = nobody
		}
	}
	return all, nil
}

// inForce tells what is in force in an organization.
func (m *Memory) inForce(ctx context.Context, id seatwright.OrganizationID, strong bool) (f *seatwright.InForce, err error) {
	var t *terms
	if strong || !m.vouches(m.fresh.Load()) {
		t, err = m.readTerms(ctx, id)
	} else {
		var o *organization
		if o, err = m.known(ctx, id); err == nil {
			t, err = m.terms(ctx, o)
		}
	}
	if err != nil {
		return nil, err
	}
	return t.at(m.instant(t)), nil
}

// vouches reports that what is remembered as of an instant of fresh is not older than MaxAge now.
func (m *Memory) vouches(asOf int64) bool {
	return m.feed == nil || asOf != 0 && m.age()-asOf < int64(MaxAge)
}

func (m *Memory) terms(ctx context.Context, o *organization) (*terms, error) {
	if t := o.terms.Load(); t != nil && (m.feed == nil || m.age()-t.readAt < int64(clockAge)) {
		return t, nil
	}
	noted := o.noted.Load()
	t, err := m.readTerms(ctx, o.id)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.noted.Load() == noted {
		o.terms.Store(t)
	}
	return t, nil
}

func (m *Memory) readTerms(ctx context.Context, id seatwright.OrganizationID) (*terms, error) {
	organization, err := m.reader.Organization(ctx, id)
	if err != nil {
		return nil, err
	}
	readAt := m.age()
	license, err := m.reader.AccountLicense(ctx, id)
	return &terms{Terms: seatwright.Terms{Policies: organization.Policies, Lots: license.Lots}, asOf: license.At, readAt: readAt}, err
}

// clockAge is how long the clock of the database is reckoned from when it was last read.
const clockAge = time.Minute

// instant is what the clock of the database says now. Where others use the database it is told by how much time has passed since it was read: the
// clock of this machine may be another.
func (m *Memory) instant(t *terms) time.Time {
	if m.feed == nil {
		return m.now()
	}
	return t.asOf.Add(time.Duration(m.age() - t.readAt))
}

func (m *Memory) person(ctx context.Context, o *organization, user seatwright.UserID) (*Held, error) {
	s := m.shard(o, user)
	s.mu.RLock()
	held, known := s.held[user]
	noted := s.noted
	s.mu.RUnlock()
	if known {
		return held, nil
	}
	held, err := m.readPerson(ctx, o.id, user)
	if err != nil {
		return nil, err
	}
	if held == nobody {
		return held, nil // whoever asks for people who do not exist shall not push out those who do
	}
	m.remember(o, string(user), held, noted)
	return held, nil
}

// remember keeps what was read of a person after noted, and makes room where there is none.
func (m *Memory) remember(o *organization, user string, held *Held, noted uint64) {
	held, fresh := o.once(held)
	if fresh {
		m.size.Add(held.cost())
	}
	id := seatwright.UserID(strings.Clone(user)) // it may be a part of a longer text
	if m.shard(o, id).keep(id, held, noted) && m.size.Add(costOf(id, held)) > m.limit {
		m.makeRoom()
	}
}

// shard is where somebody is remembered, and place its number.
func (m *Memory) shard(o *organization, user seatwright.UserID) *people {
	return &o.people[m.place(user)]
}

func (m *Memory) place(user seatwright.UserID) uint64 {
	return maphash.String(m.seed, string(user)) % shards
}

// keep remembers somebody who was read after noted, unless somebody was forgotten since.
func (s *people) keep(user seatwright.UserID, held *Held, noted uint64) (kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noted != noted {
		return false
	}
	if _, twice := s.held[user]; twice {
		return false
	}
	if s.held == nil {
		s.held = map[seatwright.UserID]*Held{}
	}
	s.held[user] = held
	s.size += costOf(user, held)
	return true
}

// costOf is what a person takes, with what they hold where nobody shares it.
func costOf(user seatwright.UserID, held *Held) int64 {
	cost := costOfPerson + int64(len(user))
	if !held.shared {
		cost += held.cost()
	}
	return cost
}

// cost is what it takes itself.
func (h *Held) cost() int64 {
	const header = 64
	return header + 16*int64(cap(h.Codes)) + 16*int64(len(h.Codes)) // the texts, too
}

func (m *Memory) readPerson(ctx context.Context, id seatwright.OrganizationID, user seatwright.UserID) (*Held, error) {
	found, err := m.reader.HeldCodes(ctx, id, user, 1)
	if err != nil || len(found) == 0 || found[0].User != user {
		return nobody, err
	}
	return &Held{Exists: true, Codes: found[0].Codes}, nil
}

// maxSets is how many combinations of what people hold are kept once; beyond them everybody has a copy.
const maxSets = 4096

// once returns the one copy of what many hold; fresh says that it is a new one that others will share.
func (o *organization) once(held *Held) (shared *Held, fresh bool) {
	var b strings.Builder
	for _, code := range held.Codes {
		b.WriteString(string(code))
		b.WriteByte(' ')
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if shared := o.sets[b.String()]; shared != nil {
		return shared, false
	}
	if len(o.sets) >= maxSets {
		return held, false
	}
	held.shared = true
	o.sets[b.String()] = held
	o.setSize += held.cost()
	return held, true
}

// Committed takes what this process has recorded into account; see ledger.Watch.
func (m *Memory) Committed(recorded []seatwright.Event, certain bool) {
	if planted.Bug(planted.StaleEntitlements) {
		return
	}
	for len(recorded) > 0 {
		id, n := recorded[0].Organization, 1
		for n < len(recorded) && recorded[n].Organization == id {
			n++
		}
		if o := m.lookup(id); o != nil {
			m.forget(o, recorded[:n])
			if m.feed != nil && certain {
				o.cover(recorded[0].Sequence-1, recorded[n-1].Sequence)
			}
		}
		recorded = recorded[n:]
	}
}

// cover notes that all that was recorded behind one sequence up to another has been taken into account.
func (o *organization) cover(from, to int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.covered >= from && o.covered < to {
		o.covered = to
	}
}

// forget drops what events may have changed. What is being read at this moment is not kept.
func (m *Memory) forget(o *organization, events []seatwright.Event) {
	for _, e := range events {
		change := e.Entitles()
		if change.Terms {
			o.forgetTerms()
		}
		if change.Everyone {
			m.forgetEveryone(o)
			continue
		}
		if change.User == "" {
			continue
		}
		s := m.shard(o, change.User)
		s.mu.Lock()
		s.noted++
		if held, known := s.held[change.User]; known {
			delete(s.held, change.User)
			s.size -= costOf(change.User, held)
			m.size.Add(-costOf(change.User, held))
		}
		s.mu.Unlock()
	}
}

func (o *organization) forgetTerms() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.noted.Add(1)
	o.terms.Store(nil)
}

// forgetWhole empties an organization that is not remembered any more, for the questions that are under way.
func (m *Memory) forgetWhole(o *organization) {
	o.forgetTerms()
	m.forgetEveryone(o)
}

func (m *Memory) forgetEveryone(o *organization) {
	for i := range o.people {
		s := &o.people[i]
		s.mu.Lock()
		s.noted++
		m.size.Add(-s.size)
		s.held, s.size = nil, 0
		s.mu.Unlock()
	}
	o.mu.Lock()
	m.size.Add(-o.setSize)
	clear(o.sets)
	o.setSize = 0
	o.mu.Unlock()
}

// makeRoom forgets whole organizations, those that were asked for longest ago first, until a quarter of the memory is free.
func (m *Memory) makeRoom() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size.Load() <= m.limit {
		return
	}
	all := make([]*organization, 0, len(m.organizations))
	size := int64(0) // counted anew: somebody may have been added to an organization that was forgotten meanwhile
	for _, o := range m.organizations {
		all = append(all, o)
		size += o.size()
	}
	m.size.Store(size)
	slices.SortFunc(all, func(a, b *organization) int { return cmp.Compare(a.asked.Load(), b.asked.Load()) })
	for _, o := range all {
		if m.size.Load() <= m.limit/4*3 {
			return
		}
		delete(m.organizations, o.id)
		m.size.Add(-costOfOrganization)
		m.forgetWhole(o)
	}
}

func (o *organization) size() int64 {
	size := int64(costOfOrganization)
	for i := range o.people {
		s := &o.people[i]
		s.mu.RLock()
		size += s.size
		s.mu.RUnlock()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return size + o.setSize
}
