package seatwright

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model test drives random batches of commands through Decide and, beside it, through a model that is as plain as the
// rules are stated. After every batch it checks the invariants of the allocation engine: no oversell (I1), counters equal
// rows (I2), one seat per user and code (I3), no trace of a refusal but its record (I5), all or nothing (I7), one answer per
// idempotency key (I8), quantities in range (I19); and that the events replay to the same state.

// rows is a store made of maps: it loads slices and applies their changes, and checks the backstops of the schema.
type rows struct {
	now           time.Time
	organizations map[OrganizationID]Organization
	heads         map[OrganizationID]Head
	users         map[OrganizationID]map[UserID]User
	records       map[OrganizationID]map[UserID]DirectRecord
	seats         map[OrganizationID]map[seatRef]Seat
	pools         map[OrganizationID]map[BundleCode]Pool
	lots          map[OrganizationID][]Lot
	keys          map[KeyRef]KeyRecord
	events        map[OrganizationID][]Event
}

func newRows() *rows {
	return &rows{
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), organizations: map[OrganizationID]Organization{}, heads: map[OrganizationID]Head{},
		users: map[OrganizationID]map[UserID]User{}, records: map[OrganizationID]map[UserID]DirectRecord{},
		seats: map[OrganizationID]map[seatRef]Seat{}, pools: map[OrganizationID]map[BundleCode]Pool{}, lots: map[OrganizationID][]Lot{},
		keys: map[KeyRef]KeyRecord{}, events: map[OrganizationID][]Event{},
	}
}

func put[K1, K2 comparable, V any](m map[K1]map[K2]V, k1 K1, k2 K2, v V) {
	if m[k1] == nil {
		m[k1] = map[K2]V{}
	}
	m[k1][k2] = v
}

// load loads everything: more than the commands asked for must never matter.
func (r *rows) load() *Slice {
	s := NewSlice(r.now)
	for id, org := range r.organizations {
		licensed := slices.ContainsFunc(r.lots[id], func(l Lot) bool { return l.InForce(r.now) })
		s.LoadOrganization(org, r.heads[id], licensed)
	}
	for id := range r.organizations {
		for _, u := range r.users[id] {
			s.LoadUser(u)
		}
		for _, record := range r.records[id] {
			s.LoadRecord(record)
		}
		for _, seat := range r.seats[id] {
			s.LoadSeat(seat)
		}
		for code, pool := range r.pools[id] {
			lots := []Lot{}
			for _, l := range r.lots[id] {
				if l.Code == code {
					lots = append(lots, l)
				}
			}
			s.LoadPool(pool, lots)
		}
		for _, l := range r.lots[id] {
			s.LoadTaken(id, IDsOfLots, string(l.ID))
		}
	}
	for _, k := range r.keys {
		s.LoadKey(k)
	}
	return s
}

func (r *rows) apply(t *rapid.T, c Changes) {
	for _, o := range c.Organizations {
		r.organizations[o.ID] = o
	}
	for _, h := range c.Heads {
		r.heads[h.Organization] = h
	}
	for _, u := range c.Users {
		put(r.users, u.Organization, u.ID, u.User)
	}
	for _, l := range c.Lots {
		r.lots[l.Organization] = append(r.lots[l.Organization], l)
	}
	for _, p := range c.Pools {
		if p.Used < 0 || p.Used > p.Ceiling || p.Total < 0 || p.Total > MaxQuantity {
			t.Fatalf("the schema would refuse %+v", p)
		}
		put(r.pools, p.Organization, p.Code, p)
	}
	for _, d := range c.RemovedRecords {
		delete(r.records[d.Organization], d.User)
	}
	for _, d := range append(c.NewRecords, c.Records...) {
		put(r.records, d.Organization, d.User, d)
	}
	for _, s := range c.RemovedSeats {
		delete(r.seats[s.Organization], seatRef{s.User, s.Code})
	}
	for _, s := range append(c.NewSeats, c.Seats...) {
		put(r.seats, s.Organization, seatRef{s.User, s.Code}, s)
	}
	for _, e := range c.Events {
		r.events[e.Organization] = append(r.events[e.Organization], e)
	}
	for _, k := range c.Keys {
		r.keys[k.KeyRef] = k
	}
}

// holding is one user's direct decision in the model.
type holding struct {
	external bool
	units    int64
	codes    []BundleCode
}

// model states the rules of one organization as plainly as possible.
type model struct {
	licensedExternal bool
	provision        bool
	lots             []Lot
	people           map[UserID]bool
	holdings         map[UserID]holding
	answers          map[string]modelAnswer
}

type modelAnswer struct {
	at      time.Time
	command string
	reason  Reason
}

func (m *model) total(code BundleCode, now time.Time) (sum int64) {
	for _, l := range m.lots {
		if l.Code == code && l.InForce(now) {
			sum += l.Quantity
		}
	}
	return sum
}

func (m *model) used(code BundleCode) (sum int64) {
	for _, h := range m.holdings {
		if slices.Contains(h.codes, code) {
			sum += h.units
		}
	}
	return sum
}

// allocate returns the reason of a refusal, or "" after the change.
func (m *model) allocate(c AllocateToUsers, now time.Time) Reason {
	licensed := slices.ContainsFunc(m.lots, func(l Lot) bool { return l.InForce(now) })
	if len(c.Codes) > 0 && !licensed {
		return ReasonNoLicense
	}
	for _, u := range c.Users {
		if !m.people[u] && !m.provision {
			return ReasonUnknownUser
		}
	}
	units := int64(1)
	if c.External && m.licensedExternal {
		units = 0
		for _, code := range c.Codes {
			if b, known := LookupBundle(code); !known || !b.Developer {
				return ReasonNotDeveloperBundle
			}
		}
	}
	for _, code := range c.Codes {
		needed := int64(0)
		for _, u := range c.Users {
			held := int64(0)
			if slices.Contains(m.holdings[u].codes, code) {
				held = m.holdings[u].units
			}
			needed += max(0, units-held)
		}
		if _, known := LookupBundle(code); !known || needed > 0 && m.used(code)+needed > m.total(code, now) {
			return ReasonPoolExhausted
		}
	}
	for _, u := range c.Users {
		m.people[u] = true
		m.holdings[u] = holding{external: c.External, units: units, codes: c.Codes}
	}
	return ""
}

func TestDecideFollowsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const org OrganizationID = "org"
		m := &model{
			licensedExternal: rapid.Bool().Draw(t, "external licenses"), provision: rapid.IntRange(0, 3).Draw(t, "provision") == 0,
			people: map[UserID]bool{}, holdings: map[UserID]holding{}, answers: map[string]modelAnswer{},
		}
		r := newRows()
		prepare(t, r, m, org)
		commands := 0
		t.Repeat(map[string]func(*rapid.T){
			"batch": func(t *rapid.T) {
				s := r.load()
				for range rapid.IntRange(1, 4).Draw(t, "commands") {
					commands++
					step(t, s, m, org, commands)
				}
				r.apply(t, s.Changes())
			},
			"time": func(t *rapid.T) {
				r.now = r.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "hours")) * time.Hour)
			},
			"": func(t *rapid.T) { checkInvariants(t, r, m, org) },
		})
	})
}

var (
	modelUsers = []UserID{"u-1", "u-2", "u-3", "u-4", "u-5", "u-6"}
	modelCodes = []BundleCode{"ATTUNU", "RPADEVNU", "CTZDEVNU", "TSTNU"}
)

func prepare(t *rapid.T, r *rows, m *model, org OrganizationID) {
	s := r.load()
	commands := []func() error{
		func() error { _, err := Decide(s, Origin{}, CreateHost{}, nil); return err },
		func() error {
			unknown := RefuseUnknownUsers
			if m.provision {
				unknown = ProvisionUnknownUsers
			}
			_, err := Decide(s, Origin{}, CreateOrganization{ID: org, Name: "org", UnknownUsers: unknown, External: m.licensedExternal}, nil)
			return err
		},
	}
	for _, u := range modelUsers[:4] {
		m.people[u] = true
		commands = append(commands, func() error {
			_, err := Decide(s, Origin{}, CreateUser{User: User{Organization: org, ID: u, Role: RoleMember}}, nil)
			return err
		})
	}
	for _, run := range commands {
		if err := run(); err != nil {
			t.Fatal(err)
		}
	}
	r.apply(t, s.Changes())
}

// step decides one random command on the slice and in the model and compares the answers.
func step(t *rapid.T, s *Slice, m *model, org OrganizationID, n int) {
	origin := Origin{Actor: "ann", Via: "test", RequestID: fmt.Sprint("request-", n), Key: rapid.SampledFrom([]string{"", "", "k1", "k2", "k3"}).Draw(t, "key")}
	users := rapid.SliceOfNDistinct(rapid.SampledFrom(modelUsers), 1, 4, rapid.ID[UserID]).Draw(t, "users")
	switch rapid.SampledFrom([]string{"allocate", "allocate", "allocate", "remove", "buy"}).Draw(t, "command") {
	case "allocate":
		codes := rapid.SliceOfNDistinct(rapid.SampledFrom(append(modelCodes, "NOSUCH")), 0, 3, rapid.ID[BundleCode]).Draw(t, "codes")
		c := AllocateToUsers{Organization: org, Users: users, Codes: codes, External: rapid.Bool().Draw(t, "external")}
		compare(t, s, m, origin, c, func() Reason { return m.allocate(c, s.Now()) })
	case "remove":
		c := DeallocateUsers{Organization: org, Users: users}
		compare(t, s, m, origin, c, func() Reason {
			for _, u := range users {
				delete(m.holdings, u)
			}
			return ""
		})
	case "buy":
		start := s.Now().Add(time.Duration(rapid.IntRange(-10, 30).Draw(t, "start")) * time.Hour)
		c := CreateLot{Lot: Lot{
			Organization: org, ID: LotID(fmt.Sprint("lot-", n)), Code: rapid.SampledFrom(modelCodes).Draw(t, "code"), Start: start,
			Quantity: int64(rapid.IntRange(1, 4).Draw(t, "quantity")), End: start.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "life")) * time.Hour),
			Grace: time.Duration(rapid.IntRange(0, 5).Draw(t, "grace")) * time.Hour,
		}}
		compare(t, s, m, origin, c, func() Reason { m.lots = append(m.lots, c.Lot); return "" })
	}
}

// compare decides a command and lets the model decide it, keys included, and wants the same reason from both.
func compare[A any](t *rapid.T, s *Slice, m *model, origin Origin, c Command[A], decide func() Reason) {
	fingerprint, err := Fingerprint(c)
	if err != nil {
		t.Fatal(err)
	}
	want, known := m.answers[origin.Key]
	var reason Reason
	switch {
	case origin.Key == "" || !known || !s.Now().Before(want.at.Add(KeyLife)):
		reason = decide()
		m.answers[origin.Key] = modelAnswer{at: s.Now(), command: string(fingerprint), reason: reason}
	case want.command != string(fingerprint):
		reason = ReasonKeyReused
	default:
		reason = want.reason
	}
	_, err = Decide(s, origin, c, fingerprint)
	got := Reason("")
	if err != nil {
		got = AsError(err).Reason
	}
	if got != reason {
		t.Fatalf("%s %+v: decided %q (%v), the model says %q", c.Operation(), c, got, err, reason)
	}
}

func checkInvariants(t *rapid.T, r *rows, m *model, org OrganizationID) {
	held := map[UserID][]BundleCode{}
	units := map[BundleCode]int64{}
	for ref, seat := range r.seats[org] {
		held[ref.user] = append(held[ref.user], ref.code)
		units[ref.code] += seat.Units
		if want := m.holdings[ref.user]; seat.Units != want.units || !seat.Direct {
			t.Fatalf("seat %+v, the model says %+v", seat, want)
		}
	}
	for _, user := range modelUsers {
		record, recorded := r.records[org][user]
		want, decided := m.holdings[user]
		if recorded != decided || record.External != want.external && decided {
			t.Fatalf("%s: record %+v (%t), the model says %+v (%t)", user, record, recorded, want, decided)
		}
		if !slices.Equal(slices.Sorted(slices.Values(held[user])), slices.Sorted(slices.Values(want.codes))) {
			t.Fatalf("%s holds %v, the model says %v", user, held[user], want.codes)
		}
	}
	for _, code := range modelCodes {
		pool := r.pools[org][code]
		if pool.Used != units[code] || pool.Used != m.used(code) {
			t.Fatalf("%s: counter %d, seats %d, model %d", code, pool.Used, units[code], m.used(code))
		}
		if !pool.Stale(r.now) && pool.Total != m.total(code, r.now) {
			t.Fatalf("%s: total %d, the model says %d", code, pool.Total, m.total(code, r.now))
		}
	}
	if _, err := VerifyChain(Head{Organization: org, Hash: NoHash()}, r.events[org]); err != nil {
		t.Fatal(err)
	}
	replayed, err := Replay(r.events[org])
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(replayed.Used(), nonZero(units)) {
		t.Fatalf("the events say %v, the seats %v", replayed.Used(), units)
	}
}

func nonZero(units map[BundleCode]int64) map[BundleCode]int64 {
	out := maps.Clone(units)
	maps.DeleteFunc(out, func(_ BundleCode, n int64) bool { return n == 0 })
	return out
}
