package seatwright_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/modeltest"
)

// The model test drives random batches of commands through Decide and, beside it, through a model that is as plain as the
// rules are stated. After every batch it checks the invariants of the allocation engine: no oversell (I1), counters equal
// rows (I2), one seat per user and code (I3), no trace of a refusal but its record (I5), all or nothing (I7), one answer per
// idempotency key (I8), quantities in range (I19); and that the events replay to the same state.

// rows is a store made of maps: it loads slices and applies their changes, and checks the backstops of the schema.
type rows struct {
	now           time.Time
	organizations map[seatwright.OrganizationID]seatwright.Organization
	heads         map[seatwright.OrganizationID]seatwright.Head
	users         map[seatwright.OrganizationID]map[seatwright.UserID]seatwright.User
	records       map[seatwright.OrganizationID]map[seatwright.UserID]seatwright.DirectRecord
	seats         map[seatwright.OrganizationID]map[seatRef]seatwright.Seat
	pools         map[seatwright.OrganizationID]map[seatwright.ProductCode]seatwright.Pool
	lots          map[seatwright.OrganizationID][]seatwright.Lot
	tenants       map[seatwright.OrganizationID][]seatwright.TenantID
	services      map[seatwright.OrganizationID]map[seatwright.ServiceKey]seatwright.ServicePool
	units         map[seatwright.OrganizationID]map[seatwright.UnitLeaseRef]seatwright.UnitLease
	keys          map[seatwright.KeyRef]seatwright.KeyRecord
	groups        map[seatwright.GroupID]seatwright.Group // of the one organization, as the next three
	members       map[seatwright.MembershipRef]seatwright.Membership
	rules         map[seatwright.GroupID]seatwright.GroupRule
	offers        map[seatwright.GroupID]map[seatwright.ProductCode]seatwright.Offer
	shared        map[int64]seatwright.SharedUnit
	denials       map[int64]seatwright.Denial
	events        map[seatwright.OrganizationID][]seatwright.Event
}

func newRows() *rows {
	return &rows{
		now: modeltest.Begin, organizations: map[seatwright.OrganizationID]seatwright.Organization{}, heads: map[seatwright.OrganizationID]seatwright.Head{},
		users: map[seatwright.OrganizationID]map[seatwright.UserID]seatwright.User{}, records: map[seatwright.OrganizationID]map[seatwright.UserID]seatwright.DirectRecord{},
		seats: map[seatwright.OrganizationID]map[seatRef]seatwright.Seat{}, pools: map[seatwright.OrganizationID]map[seatwright.ProductCode]seatwright.Pool{}, lots: map[seatwright.OrganizationID][]seatwright.Lot{},
		groups: map[seatwright.GroupID]seatwright.Group{}, members: map[seatwright.MembershipRef]seatwright.Membership{},
		rules: map[seatwright.GroupID]seatwright.GroupRule{}, offers: map[seatwright.GroupID]map[seatwright.ProductCode]seatwright.Offer{},
		shared: map[int64]seatwright.SharedUnit{}, denials: map[int64]seatwright.Denial{},
		tenants: map[seatwright.OrganizationID][]seatwright.TenantID{}, services: map[seatwright.OrganizationID]map[seatwright.ServiceKey]seatwright.ServicePool{},
		units: map[seatwright.OrganizationID]map[seatwright.UnitLeaseRef]seatwright.UnitLease{},
		keys:  map[seatwright.KeyRef]seatwright.KeyRecord{}, events: map[seatwright.OrganizationID][]seatwright.Event{},
	}
}

func put[K1, K2 comparable, V any](m map[K1]map[K2]V, k1 K1, k2 K2, v V) {
	if m[k1] == nil {
		m[k1] = map[K2]V{}
	}
	m[k1][k2] = v
}

// load loads everything: more than the commands asked for must never matter.
func (r *rows) load() *seatwright.Slice {
	s := seatwright.NewSlice(r.now)
	for id, org := range r.organizations {
		licensed := slices.ContainsFunc(r.lots[id], func(l seatwright.Lot) bool { return l.InForce(r.now) })
		s.LoadOrganization(org, r.heads[id], licensed)
	}
	for id := range r.organizations {
		administrators := int64(0)
		for _, u := range r.users[id] {
			s.LoadPerson(seatwright.UserRow{User: u})
			if u.Active && u.Role == seatwright.RoleOrganizationAdministrator {
				administrators++
			}
		}
		s.LoadAdministrators(id, administrators)
		for _, record := range r.records[id] {
			s.LoadRecord(record)
		}
		for _, seat := range r.seats[id] {
			s.LoadSeat(seat)
		}
		for _, tenant := range r.tenants[id] {
			s.LoadTaken(id, seatwright.IDsOfTenants, string(tenant))
		}
		for _, service := range r.services[id] {
			s.LoadService(service)
		}
		for _, lease := range r.units[id] {
			s.LoadUnitLease(lease)
		}
		for code, pool := range r.pools[id] {
			lots := []seatwright.Lot{}
			for _, l := range r.lots[id] {
				if l.Code == code {
					lots = append(lots, l)
				}
			}
			s.LoadPool(pool, lots)
		}
		for _, l := range r.lots[id] {
			s.LoadTaken(id, seatwright.IDsOfLots, string(l.ID))
		}
	}
	for _, k := range r.keys {
		s.LoadKey(k)
	}
	for _, g := range r.groups {
		s.LoadGroup(g)
	}
	for _, m := range r.members {
		s.LoadMembership(m)
	}
	for group, rule := range r.rules {
		for _, offer := range r.offers[group] {
			rule.Offers = append(rule.Offers, offer)
		}
		s.LoadGroupRule(rule)
	}
	for _, u := range r.shared {
		s.LoadSharedUnit(u)
	}
	for _, d := range r.denials {
		if d.Latest {
			s.LoadDenial(d)
		}
	}
	return s
}

func (r *rows) apply(t *rapid.T, c seatwright.Changes) {
	for _, o := range c.Organizations {
		r.organizations[o.ID] = o
	}
	for _, h := range c.Heads {
		r.heads[h.Organization] = h
	}
	for _, u := range c.RemovedUsers {
		delete(r.users[u.Organization], u.ID)
	}
	for _, u := range append(c.Users, c.ChangedUsers...) {
		put(r.users, u.Organization, u.ID, u.User)
	}
	for _, l := range append(c.RemovedLots, c.ChangedLots...) {
		r.lots[l.Organization] = slices.DeleteFunc(r.lots[l.Organization], func(old seatwright.Lot) bool { return old.ID == l.ID })
	}
	for _, l := range append(c.Lots, c.ChangedLots...) {
		r.lots[l.Organization] = append(r.lots[l.Organization], l)
	}
	for _, tenant := range c.Tenants {
		r.tenants[tenant.Organization] = append(r.tenants[tenant.Organization], tenant.ID)
	}
	for _, p := range c.RemovedServicePools {
		delete(r.services[p.Organization], p.ServiceKey)
	}
	for _, p := range c.ServicePools {
		if p.Drawn < p.Quantity || p.PeriodEnd.IsZero() && p.Used > p.Drawn*seatwright.UnitParts || p.Carried < 0 || p.Carried > p.Used || p.PeriodEnd.IsZero() && p.Carried > 0 {
			t.Fatalf("the schema would refuse %+v", p)
		}
		put(r.services, p.Organization, p.ServiceKey, p)
	}
	for _, l := range c.RemovedUnitLeases {
		delete(r.units[l.Organization], l.UnitLeaseRef)
	}
	for _, l := range c.UnitLeases {
		put(r.units, l.Organization, l.UnitLeaseRef, l)
	}
	for _, p := range c.Pools {
		if p.Used < 0 || p.Used > p.Ceiling || p.Total < 0 || p.Total > seatwright.MaxQuantity {
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
	for _, o := range c.ChangedOrganizations {
		r.organizations[o.ID] = o
	}
	for _, g := range append(c.NewGroups, c.Groups...) {
		r.groups[g.ID] = g
	}
	for _, u := range c.RemovedUsers {
		maps.DeleteFunc(r.members, func(ref seatwright.MembershipRef, _ seatwright.Membership) bool { return ref.Member == string(u.ID) })
	}
	for _, m := range c.RemovedMembers {
		delete(r.members, seatwright.MembershipRef{Group: m.Group, Member: m.Member.ID})
	}
	for _, m := range c.NewMembers {
		r.members[seatwright.MembershipRef{Group: m.Group, Member: m.Member.ID}] = m
	}
	for _, f := range c.RemovedOffers {
		delete(r.offers[f.Group], f.Code)
	}
	for _, f := range c.EndedOffers {
		maps.DeleteFunc(r.shared, func(_ int64, u seatwright.SharedUnit) bool { return u.Group == f.Group && u.Code == f.Code })
	}
	for _, u := range c.RemovedSharedUnits {
		delete(r.shared, u.Number)
	}
	for _, u := range c.SharedUnits {
		if u.Members < 1 || u.Members > seatwright.MaxSharers {
			t.Fatalf("the schema would refuse %+v", u)
		}
		r.shared[u.Number] = u
	}
	for _, rule := range c.RemovedGroupRules {
		delete(r.rules, rule.Group)
		delete(r.offers, rule.Group)
	}
	for _, rule := range c.GroupRules {
		r.rules[rule.Group] = rule
	}
	for _, f := range c.Offers {
		if f.Units < 0 || f.Units > f.Leases || f.Quota > 0 && f.Leases > f.Quota {
			t.Fatalf("the schema would refuse %+v", f)
		}
		put(r.offers, f.Group, f.Code, f.Offer)
	}
	r.applyDenials(t, c)
	for _, e := range c.Events {
		r.events[e.Organization] = append(r.events[e.Organization], e)
	}
	for _, k := range c.Keys {
		r.keys[k.KeyRef] = k
	}
}

func (r *rows) applyDenials(t *rapid.T, c seatwright.Changes) {
	for _, satisfied := range c.SatisfiedDenials {
		for number, d := range r.denials {
			if d.Organization == satisfied.Organization && d.Denied == satisfied.Denied && d.Code == satisfied.Code && d.SatisfiedAt.IsZero() {
				d.SatisfiedAt, d.Latest = satisfied.SatisfiedAt, false
				r.denials[number] = d
			}
		}
	}
	for _, changed := range c.Denials {
		d, stored := r.denials[changed.Number]
		if !stored {
			t.Fatalf("%+v is changed and not stored", changed)
		}
		d.Refusals, d.LastAt, d.Latest = changed.Refusals, changed.LastAt, changed.Latest
		r.denials[d.Number] = d
	}
	for _, u := range c.ForgottenDenied {
		for number, d := range r.denials {
			if d.Organization == u.Organization && d.Kind == seatwright.DeniedUser && d.ID == string(u.ID) {
				d.ID, d.Latest = "", false
				r.denials[number] = d
			}
		}
	}
	for _, d := range c.NewDenials {
		if _, twice := r.denials[d.Number]; twice || d.Refusals < 1 || d.LastAt.Before(d.FirstAt) || d.Latest && !d.SatisfiedAt.IsZero() {
			t.Fatalf("the schema would refuse %+v", d)
		}
		r.denials[d.Number] = d
	}
	latest := map[string]bool{}
	for _, d := range r.denials {
		who := fmt.Sprint(d.Organization, d.Denied, d.Code)
		if d.Latest && latest[who] {
			t.Fatalf("two denials of %s are the latest", who)
		}
		latest[who] = latest[who] || d.Latest
	}
}

// seatRef names a seat of an organization.
type seatRef struct {
	user seatwright.UserID
	code seatwright.ProductCode
}

func TestDecideFollowsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const org seatwright.OrganizationID = "org"
		m := modeltest.NewModel(t, org)
		r := newRows()
		s := r.load()
		for _, c := range append([]modeltest.Command{modeltest.Of(seatwright.CreateHost{})}, m.Setup()...) {
			if err := c.Decide(s, seatwright.Origin{}); err != nil {
				t.Fatal(err)
			}
		}
		r.apply(t, s.Changes())
		commands := 0
		t.Repeat(map[string]func(*rapid.T){
			"batch": func(t *rapid.T) {
				s := r.load()
				for range rapid.IntRange(1, 4).Draw(t, "commands") {
					commands++
					c, origin := m.Draw(t, commands, s.Now())
					want := m.Decide(c, origin, s.Now())
					if got := modeltest.ReasonOf(c.Decide(s, origin)); got != want {
						t.Fatalf("%s: decided %q, the model says %q", c, got, want)
					}
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

func checkInvariants(t *rapid.T, r *rows, m *modeltest.Model, org seatwright.OrganizationID) {
	held := map[seatwright.UserID][]seatwright.ProductCode{}
	units := map[seatwright.ProductCode]int64{}
	for ref, seat := range r.seats[org] {
		if seat.Lease.Held() && r.offers[seat.Lease.Group][ref.code].Term != seat.Lease.Term {
			if seat.Lease = (seatwright.Lease{}); !seat.Direct {
				continue // ended with its offer
			}
		}
		units[ref.code] += seat.Units
		if seat.Direct {
			held[ref.user] = append(held[ref.user], ref.code)
		}
		if seat.Units != m.Units(ref.user, ref.code) || seat.Lease.Held() != slices.Contains(m.Leased(ref.user), ref.code) {
			t.Fatalf("seat %+v, the model says %d units, and leases of %v", seat, m.Units(ref.user, ref.code), m.Leased(ref.user))
		}
	}
	for _, u := range r.shared {
		units[u.Code]++
	}
	for _, user := range modeltest.Users {
		person, exists := r.users[org][user]
		if known, there := m.People[user]; exists != there || person.Active != known.Active {
			t.Fatalf("%s: %+v (%t), the model says %+v (%t)", user, person, exists, known, there)
		}
		record, recorded := r.records[org][user]
		want, decided := m.Holdings[user]
		if recorded != decided || record.External != want.External && decided {
			t.Fatalf("%s: record %+v (%t), the model says %+v (%t)", user, record, recorded, want, decided)
		}
		if !slices.Equal(slices.Sorted(slices.Values(held[user])), slices.Sorted(slices.Values(want.Codes))) {
			t.Fatalf("%s holds %v, the model says %v", user, held[user], want.Codes)
		}
	}
	for key, service := range r.services[org] {
		units[key.Code] += service.Drawn
		if service.Quantity != m.Services[key] || service.Used != m.UsedParts(key) || service.Drawn != m.Drawn(key) || !service.PeriodEnd.Equal(m.Periods[key]) || service.Carried != m.Carried[key] {
			t.Fatalf("service %+v, the model says %d of %d used, %d drawn, until %s, %d carried", service, m.UsedParts(key), m.Services[key], m.Drawn(key), m.Periods[key], m.Carried[key])
		}
	}
	if len(r.services[org]) != len(m.ServiceKeys()) {
		t.Fatalf("services have %v, the model says %v", r.services[org], m.ServiceKeys())
	}
	for _, code := range slices.Concat(modeltest.Codes, modeltest.Products) {
		pool := r.pools[org][code]
		if pool.Used != units[code] || pool.Used != m.Used(code) {
			t.Fatalf("%s: counter %d, seats and services %d, model %d", code, pool.Used, units[code], m.Used(code))
		}
		if !pool.Stale(r.now) && pool.Total != m.Total(code, r.now) {
			t.Fatalf("%s: total %d, the model says %d", code, pool.Total, m.Total(code, r.now))
		}
	}
	if _, err := seatwright.VerifyChain(seatwright.Head{Organization: org, Hash: seatwright.NoHash()}, r.events[org]); err != nil {
		t.Fatal(err)
	}
	replayed, err := seatwright.Replay(r.events[org])
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(replayed.Used(), nonZero(units)) {
		t.Fatalf("the events say %v, the seats %v", replayed.Used(), units)
	}
}

func nonZero(units map[seatwright.ProductCode]int64) map[seatwright.ProductCode]int64 {
	out := maps.Clone(units)
	maps.DeleteFunc(out, func(_ seatwright.ProductCode, n int64) bool { return n == 0 })
	return out
}
