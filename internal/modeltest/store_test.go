package modeltest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/entitlement"
	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// engine is a store under test that can be closed and opened again.
type engine struct {
	store  seatwright.Store
	reopen func() seatwright.Store
	check  func(ctx context.Context) error // everything stored agrees with the events
	now    time.Time
	latest time.Time // up to where the clock has been in this sequence: the organization stays there when it goes back
	memory *entitlement.Memory
	looked int // how often it was compared, or could have been
}

// Clock is the engine's clock, which the test moves.
func (e *engine) Clock() time.Time { return e.now }

var begin = Begin

// memory is a directory that needs no disk, where there is one: what is decided does not depend on it, only how long it takes.
func memory() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return ""
}

func openSQLite(t *testing.T) *engine {
	t.Helper()
	dir, err := os.MkdirTemp(memory(), "seatwright-model-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := &engine{now: begin, check: func(ctx context.Context) error { return verify(ctx, sqlite.NewArchive(dir)) }}
	return e.open(t, func() (seatwright.Store, error) { return sqlite.Open(t.Context(), dir, sqlite.Options{Clock: e.Clock}) })
}

func openPostgres(t *testing.T) *engine {
	t.Helper()
	url, err := pgtest.StartForTest(t, pgtest.Options{Dir: memory()}).NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{now: begin, check: func(ctx context.Context) error { return verify(ctx, postgres.NewArchive(url)) }}
	return e.open(t, func() (seatwright.Store, error) {
		return postgres.Open(t.Context(), url, postgres.Options{Clock: e.Clock})
	})
}

func (e *engine) open(t *testing.T, open func() (seatwright.Store, error)) *engine {
	t.Helper()
	e.reopen = func() seatwright.Store {
		store, err := open()
		if err != nil {
			t.Fatal(err)
		}
		e.memory = entitlement.NewMemory(store, nil, e.Clock, 0)
		return store
	}
	e.store = e.reopen()
	t.Cleanup(func() {
		if err := e.store.Close(); err != nil {
			t.Error(err)
		}
	})
	if errs, err := e.run(t.Context(), []Command{Of(seatwright.CreateHost{})}, []seatwright.Origin{{}}); err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	return e
}

// verify is what the operator's command does.
func verify(ctx context.Context, archive seatwright.Archive) error {
	var wrong []string
	v := seatwright.NewVerification(func(sentence string) { wrong = append(wrong, sentence) })
	err := archive.Dump(ctx, func(r seatwright.Row) error {
		v.Row(r)
		return nil
	})
	if n := v.End(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d differences: %s", n, strings.Join(wrong, "; ")))
	}
	return err
}

// run decides commands as one batch and returns their refusals.
func (e *engine) run(ctx context.Context, commands []Command, origins []seatwright.Origin) ([]error, error) {
	var request seatwright.LoadRequest
	for i, c := range commands {
		request.Touches = append(request.Touches, c.Touches...)
		if key := c.Key(origins[i]); key != nil {
			request.Keys = append(request.Keys, key.KeyRef)
		}
	}
	refusals := make([]error, len(commands))
	var decided *seatwright.Slice
	err := e.store.Update(ctx, request, func(s *seatwright.Slice) error {
		decided = s
		for i, c := range commands {
			refusals[i] = c.Decide(s, origins[i])
		}
		return nil
	})
	if err == nil && e.memory != nil {
		e.memory.Committed(decided.Recorded(), true)
	}
	return refusals, err
}

// step is one action of a script, as it was drawn.
type step struct {
	kind     string
	forward  time.Duration
	commands []Command
	origins  []seatwright.Origin
}

// script drives a store and a model side by side. Every sequence has an organization of its own in the same store, so that
// thousands of them need one store.
type script struct {
	model    *Model
	commands int
	last     seatwright.Origin // of a command with a key, to be sent again
	repeat   *Command
}

// draw makes the next step.
func (s *script) draw(t *rapid.T, e *engine, now time.Time) step {
	// Once the clock has gone back, nothing is promised of a key whose time was over, and of a consumption likewise: a store may have removed it.
	keyless := e.now.Before(e.latest)
	switch kind := rapid.SampledFrom([]string{
		"batch", "batch", "batch", "batch", "batch", "batch", "repeat", "repeat", "hours", "moment", "day", "back", "rarely restart",
	}).Draw(t, "step"); kind {
	case "hours":
		return step{kind: kind, forward: time.Duration(rapid.IntRange(0, 40).Draw(t, "hours")) * time.Hour}
	case "moment": // onto the next boundary of a lot, just before it, or just behind it
		return step{kind: kind, forward: s.toBoundary(t, now)}
	case "day":
		return step{kind: kind, forward: seatwright.KeyLife + time.Duration(rapid.IntRange(-1, 1).Draw(t, "microseconds"))*time.Microsecond}
	case "back":
		return step{kind: kind, forward: -time.Duration(rapid.IntRange(1, 20).Draw(t, "hours back")) * time.Hour}
	case "rarely restart":
		if rapid.IntRange(0, 5).Draw(t, "restart") == 0 {
			return step{kind: "restart"}
		}
	case "repeat":
		if s.repeat != nil && !keyless {
			return step{kind: kind, commands: []Command{*s.repeat}, origins: []seatwright.Origin{s.last}}
		}
	}
	st := step{kind: "batch"}
	for range rapid.IntRange(1, 4).Draw(t, "commands") {
		s.commands++
		c, origin := s.model.Draw(t, s.commands, now)
		if keyless {
			origin.Key = ""
			if s.model.mayBeCleared(c, e.latest) {
				c = Of(seatwright.SweepUnits{Organization: s.model.Organization, Codes: Products})
			}
		}
		st.commands, st.origins = append(st.commands, c), append(st.origins, origin)
		if origin.Key != "" {
			s.repeat, s.last = &c, origin
		}
	}
	return st
}

func (s *script) toBoundary(t *rapid.T, now time.Time) time.Duration {
	var boundaries []time.Time
	for _, l := range s.model.Lots {
		for _, at := range []time.Time{l.Start, l.Expiry()} {
			if at.After(now) {
				boundaries = append(boundaries, at)
			}
		}
	}
	if len(boundaries) == 0 {
		return 0
	}
	at := slices.MinFunc(boundaries, time.Time.Compare)
	return at.Sub(now) + time.Duration(rapid.IntRange(-1, 1).Draw(t, "microseconds"))*time.Microsecond
}

// instant is the organization's: never before its last event.
func instant(t *rapid.T, e *engine, organization seatwright.OrganizationID) time.Time {
	head, err := e.store.Head(context.Background(), organization)
	if err != nil {
		t.Fatal(err)
	}
	if head.At.After(e.now) {
		return head.At
	}
	return e.now
}

// take does a step on an engine.
func (st step) take(t *rapid.T, e *engine) []seatwright.Reason {
	switch st.kind {
	case "restart":
		if err := e.store.Close(); err != nil {
			t.Fatal(err)
		}
		e.store = e.reopen()
	case "batch", "repeat":
		refusals, err := e.run(context.Background(), st.commands, st.origins)
		if err != nil {
			t.Fatal(err)
		}
		reasons := make([]seatwright.Reason, len(refusals))
		for i, refusal := range refusals {
			reasons[i] = ReasonOf(refusal)
		}
		return reasons
	default:
		e.now = e.now.Add(st.forward)
		if e.now.After(e.latest) {
			e.latest = e.now
		}
	}
	return nil
}

// compare fails the test where what an engine has stored is not what the model says.
func compare(t *rapid.T, e *engine, m *Model) {
	if err := e.differs(m); err != nil {
		t.Fatal(err)
	}
}

// differs reads what an engine has stored and says where it is not what the model says.
func (e *engine) differs(m *Model) error {
	ctx := context.Background()
	pools, err := e.store.Pools(ctx, m.Organization)
	if err != nil {
		return err
	}
	units, err := e.store.SeatUnits(ctx, m.Organization)
	if err != nil {
		return err
	}
	services, err := e.store.ServicePools(ctx, m.Organization)
	if err != nil {
		return err
	}
	for _, s := range services {
		units[s.Code] += s.Drawn
		if used := m.UsedPartsAt(s.ServiceKey, e.now); m.Services[s.ServiceKey] != s.Quantity || m.Drawn(s.ServiceKey) != s.Drawn || used != s.Used {
			return fmt.Errorf("service %s at %s has %d of %s, %d used, %d drawn; the model says %d of %d used, %d drawn", s.PoolScope, e.now, s.Quantity, s.Code, s.Used, s.Drawn, used, m.Services[s.ServiceKey], m.Drawn(s.ServiceKey))
		}
		until := m.Periods[s.ServiceKey]
		over := !until.IsZero() && !e.now.Before(until) // then what was carried is what is used
		if !over && (s.Carried != m.Carried[s.ServiceKey] || !s.PeriodEnd.Equal(until)) {
			return fmt.Errorf("service %s carries %d of %s, in a period until %s; the model says %d, until %s", s.PoolScope, s.Carried, s.Code, s.PeriodEnd, m.Carried[s.ServiceKey], until)
		}
	}
	if len(services) != len(m.ServiceKeys()) {
		return fmt.Errorf("services have %+v, the model says %v", services, m.ServiceKeys())
	}
	if err := e.differsInUse(ctx, m); err != nil {
		return err
	}
	for _, p := range pools {
		if p.Used != m.Used(p.Code) || p.Used != units[p.Code] || p.Used > p.Ceiling {
			return fmt.Errorf("pool %+v; its seats and services have %d units, the model says %d", p, units[p.Code], m.Used(p.Code))
		}
		if !e.now.Before(e.latest) && p.Total != m.Total(p.Code, e.now) {
			return fmt.Errorf("pool %+v at %s; the model says a total of %d", p, e.now, m.Total(p.Code, e.now))
		}
	}
	for _, code := range slices.Concat(Codes, Products) {
		if m.Total(code, e.now) > 0 && !slices.ContainsFunc(pools, func(p seatwright.Pool) bool { return p.Code == code }) {
			return fmt.Errorf("there is no pool of %s", code)
		}
	}
	found, err := e.store.Allocations(ctx, m.Organization, slices.Clone(Users))
	if err != nil {
		return err
	}
	if len(found) != len(m.Holdings) {
		return fmt.Errorf("%d people have a record, the model says %d", len(found), len(m.Holdings))
	}
	for _, a := range found {
		want, decided := m.Holdings[a.User]
		if !decided || a.External != want.External || !slices.Equal(a.Codes, slices.Sorted(slices.Values(want.Codes))) {
			return fmt.Errorf("%s has %+v, the model says %+v (%t)", a.User, a.Allocation, want, decided)
		}
	}
	return errors.Join(e.differsInDirectory(m), e.differsInLeases(m), e.differsInMemory(m))
}

// differsInMemory asks what everybody may use, as products do: what was remembered before the last change has to be forgotten.
func (e *engine) differsInMemory(m *Model) error {
	// Not after each change: what is wrongly remembered stays so, and asking costs most of it.
	if e.looked++; e.memory == nil || e.now.Before(e.latest) || e.looked%3 != 0 {
		return nil
	}
	questions := entitlement.New(e.memory, e.store, seatwright.PublishedCatalogue(), nil)
	q := entitlement.Question{Users: Users}
	for _, code := range Codes {
		q.Names = append(q.Names, seatwright.EntitlementName(code))
	}
	answers, err := questions.Ask(context.Background(), seatwright.SystemCaller("test"), m.Organization, q)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if _, exists := m.People[a.User]; exists != a.Exists {
			return fmt.Errorf("%s is remembered as %t, the model says %t", a.User, a.Exists, exists)
		}
		for i, code := range Codes {
			_, leased := m.Leases[leaseOf{a.User, code}]
			want := (leased || slices.Contains(m.Holdings[a.User].Codes, code)) && (m.Total(code, e.now) > 0 || m.Shrink == seatwright.HoldShrink)
			if a.Entitled[i] != want {
				return fmt.Errorf("%s is remembered to be entitled to %s: %t, the model says %t", a.User, code, a.Entitled[i], want)
			}
		}
	}
	return nil
}

// differsInDirectory compares the policies of the organization, its people, and who is in which group.
func (e *engine) differsInDirectory(m *Model) error {
	ctx := context.Background()
	o, err := e.store.Organization(ctx, m.Organization)
	if err != nil {
		return err
	}
	if got := o.Policies; (got.UnknownUsers == seatwright.ProvisionUnknownUsers) != m.Provision || got.ExternalLicenses != m.ExternalLicenses ||
		(got.AllocationMode == seatwright.AddToLeases) != m.Additive || (got.OnLeave == seatwright.OrphanOnLeave) != m.Orphans || got.InactiveDays != m.InactiveDays || got.OnShrink != m.Shrink {
		return fmt.Errorf("the policies are %s, the model says %t, %t, %t, %t, %d, %s", got, m.Provision, m.ExternalLicenses, m.Additive, m.Orphans, m.InactiveDays, m.Shrink)
	}
	page, err := e.store.Users(ctx, m.Organization, seatwright.UserQuery{Sort: seatwright.SortUsersByID, Top: int64(len(Users)) + 1})
	if err != nil {
		return err
	}
	if len(page.Users) != len(m.People) {
		return fmt.Errorf("there are %d people, the model says %v", len(page.Users), m.People)
	}
	var ids []string
	for _, u := range page.Users {
		ids = append(ids, string(u.ID))
	}
	groups, err := e.store.GroupsOf(ctx, m.Organization, ids)
	if err != nil {
		return err
	}
	for _, u := range page.Users {
		want, exists := m.People[u.ID]
		if !exists || u.Active != want.Active || (u.Role == seatwright.RoleOrganizationAdministrator) != want.Administrator {
			return fmt.Errorf("%s is %+v, the model says %+v (%t)", u.ID, u, want, exists)
		}
		for _, group := range Groups[:2] {
			if in := slices.Contains(groups[string(u.ID)], group); in != m.Members[group][u.ID] {
				return fmt.Errorf("%s is in %v, which for %s the model says is %t", u.ID, groups[string(u.ID)], group, !in)
			}
		}
	}
	return nil
}

// differsInLeases compares what people hold through groups, and the counts of the offers.
func (e *engine) differsInLeases(m *Model) error {
	ctx := context.Background()
	seats, err := e.store.Seats(ctx, m.Organization, slices.Clone(Users))
	if err != nil {
		return err
	}
	leases, stored := 0, map[int]int64{} // the number of each shared unit
	for _, s := range seats {
		want, leased := m.Leases[leaseOf{s.User, s.Code}]
		if s.Lease.Held() {
			leases++
		}
		if leased != s.Lease.Held() || leased && (want.Group != s.Lease.Group || !want.Used.Equal(s.Lease.LastInUse) || !want.LeftGroup.Equal(s.Lease.OrphanAt)) {
			return fmt.Errorf("%s holds %+v, the model says %+v (%t)", s.User, s, want, leased)
		}
		if leased && (want.Unit != 0) != (s.Lease.Unit != 0) || leased && want.Unit != 0 && stored[want.Unit] != 0 && stored[want.Unit] != s.Lease.Unit {
			return fmt.Errorf("%s shares the unit %d, others of the unit %d of the model share %d", s.User, s.Lease.Unit, want.Unit, stored[want.Unit])
		}
		stored[want.Unit] = s.Lease.Unit
		if s.Units != m.Units(s.User, s.Code) || s.Direct != slices.Contains(m.Holdings[s.User].Codes, s.Code) {
			return fmt.Errorf("%s holds %+v, the model says %d units and %v direct", s.User, s, m.Units(s.User, s.Code), m.Holdings[s.User].Codes)
		}
	}
	if leases != len(m.Leases) {
		return fmt.Errorf("there are %d leases, the model says %v", leases, m.Leases)
	}
	for _, group := range Groups {
		rule, err := e.store.GroupRule(ctx, m.Organization, group)
		want, exists := m.Rules[group]
		if seatwright.IsKind(err, seatwright.KindNotFound) && !exists {
			continue
		}
		if err != nil {
			return err
		}
		if !exists || rule.Priority != want.Priority || !rule.AppliedAt.Equal(want.Applied) || len(rule.Offers) != len(want.Quotas) {
			return fmt.Errorf("the rule of %s is %+v, the model says %+v (%t)", group, rule, want, exists)
		}
		for _, offer := range rule.Offers {
			if quota, offered := want.Quotas[offer.Code]; !offered || offer.Quota != quota || offer.Leases != m.taken(group, offer.Code) {
				return fmt.Errorf("the rule of %s offers %+v, the model says a quota of %d (%t) and %d leases", group, offer, quota, offered, m.taken(group, offer.Code))
			}
		}
	}
	return nil
}

// checks runs a property so many times, each with a number of its own.
func checks(t *testing.T, n int, property func(t *rapid.T, number int)) {
	t.Helper()
	seed := faults.Seed(t)
	for name, value := range map[string]string{
		"rapid.checks": strconv.Itoa(n), "rapid.seed": strconv.FormatUint(max(seed, 1), 10), "rapid.nofailfile": "true", "rapid.shrinktime": "20s",
	} {
		old := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		defer flag.Set(name, old)
	}
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		number++
		property(t, number)
	})
}

// stepsPerSequence is how long a sequence is: each step compares all that is stored.
const stepsPerSequence = 80

// sequences follows the model in so many sequences on one store.
func sequences(t *testing.T, e *engine, n, steps int) (taken int) {
	t.Helper()
	checks(t, n, func(t *rapid.T, number int) {
		e.now, e.latest = begin, begin
		s := &script{model: NewModel(t, seatwright.OrganizationID(fmt.Sprintf("org-%d", number)))}
		setUp(t, e, s.model.Setup())
		for range steps {
			now := instant(t, e, s.model.Organization)
			st := s.draw(t, e, now)
			got := st.take(t, e)
			taken++
			for i, c := range st.commands {
				if want := s.model.Decide(c, st.origins[i], now); got[i] != want {
					t.Fatalf("%s by %+v: decided %q, the model says %q", c, st.origins[i], got[i], want)
				}
			}
			compare(t, e, s.model)
		}
	})
	if err := e.check(t.Context()); err != nil {
		t.Error(err)
	}
	return taken
}

func setUp(t *rapid.T, e *engine, commands []Command) {
	for _, c := range commands {
		refusals, err := e.run(context.Background(), []Command{c}, []seatwright.Origin{{}})
		if err := errors.Join(append(refusals, err)...); err != nil {
			t.Fatal(err)
		}
	}
}

// Promise: whatever is done to the embedded store in whatever order, restarts and clocks included, it decides and holds what
// the rules say.
func TestP1SQLiteFollowsTheModel(t *testing.T) {
	n := faults.Count(t, 60, 2000, 100_000)
	taken := sequences(t, openSQLite(t), n, stepsPerSequence)
	faults.Report(t, "P1", "%d sequences of %d steps on SQLite (%d steps): no difference", n, stepsPerSequence, taken)
}

// Promise: the same on PostgreSQL.
func TestP2PostgresFollowsTheModel(t *testing.T) {
	n := faults.Count(t, 10, 300, 10_000)
	taken := sequences(t, openPostgres(t), n, stepsPerSequence)
	faults.Report(t, "P2", "%d sequences of %d steps on PostgreSQL (%d steps): no difference", n, stepsPerSequence, taken)
}

// Promise: the same script has the same answers, the same events and the same state on both stores, to the byte.
func TestP3BothStoresAnswerAlike(t *testing.T) {
	n := faults.Count(t, 12, 500, 10_000)
	a, b := openSQLite(t), openPostgres(t)
	checks(t, n, func(t *rapid.T, number int) {
		a.now, b.now, a.latest, b.latest = begin, begin, begin, begin
		s := &script{model: NewModel(t, seatwright.OrganizationID(fmt.Sprintf("org-%d", number)))}
		setup := s.model.Setup()
		setUp(t, a, setup)
		setUp(t, b, setup)
		for range 40 {
			now := instant(t, a, s.model.Organization)
			st := s.draw(t, a, now)
			if left, right := st.take(t, a), st.take(t, b); !slices.Equal(left, right) {
				t.Fatalf("%v: SQLite decided %q, PostgreSQL %q", st.commands, left, right)
			}
			for i, c := range st.commands {
				s.model.Decide(c, st.origins[i], now) // what is drawn next depends on it
			}
			if left, right := stateOf(t, a, s.model.Organization), stateOf(t, b, s.model.Organization); left != right {
				t.Fatalf("after %v: SQLite has\n%s\nPostgreSQL has\n%s", st.commands, left, right)
			}
		}
	})
	for _, e := range []*engine{a, b} {
		if err := e.check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	faults.Report(t, "P3", "%d scripts of 40 steps on both stores: the same answers, heads, pools and allocations", n)
}

// stateOf is all that can be asked of an organization. The head's hash stands for all events, byte by byte.
func stateOf(t *rapid.T, e *engine, organization seatwright.OrganizationID) string {
	ctx := context.Background()
	head, errHead := e.store.Head(ctx, organization)
	pools, errPools := e.store.Pools(ctx, organization)
	allocations, errAllocations := e.store.Allocations(ctx, organization, slices.Clone(Users))
	seats, errSeats := e.store.Seats(ctx, organization, slices.Clone(Users))
	services, errServices := e.store.ServicePools(ctx, organization)
	leases, errLeases := e.store.UnitLeases(ctx, organization, seatwright.UnitLeaseQuery{Most: 1000})
	if err := errors.Join(errHead, errPools, errAllocations, errSeats, errServices, errLeases); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v\n%+v\n%+v\n%+v\n%+v\n%+v", head, pools, allocations, seats, services, leases)
}

// differsInUse compares the leases of units with those of the model.
func (e *engine) differsInUse(ctx context.Context, m *Model) error {
	leases, err := e.store.UnitLeases(ctx, m.Organization, seatwright.UnitLeaseQuery{Most: 1000})
	if err != nil {
		return err
	}
	for _, l := range leases {
		if want := m.InUse[l.UnitLeaseRef]; want.parts != l.Quantity || want.by != l.MadeBy || !want.renewed.Equal(l.RenewedAt) {
			return fmt.Errorf("lease %+v, the model says %+v", l, want)
		}
	}
	held := 0
	for _, l := range m.InUse {
		if l.until.IsZero() && l.goesOn(e.now) {
			held++
		}
	}
	if len(leases) != held {
		return fmt.Errorf("leases are %+v, the model says %+v", leases, m.InUse)
	}
	return nil
}

// Promise: what the clock does is what the terms of a purchase say, to the microsecond, on strange days as well.
func TestP4LotsCountFromTheirStartToTheirExpiry(t *testing.T) {
	positions := 0
	for name, open := range map[string]func(*testing.T) *engine{"SQLite": openSQLite, "PostgreSQL": openPostgres} {
		t.Run(name, func(t *testing.T) {
			e := open(t)
			for i, day := range strangeDays {
				positions += checkDay(t, e, i, day)
			}
			if err := e.check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	faults.Report(t, "P4", "%d positions of the clock around starts, ends and expiries on %d strange days: each as the terms say", positions, len(strangeDays))
}

var strangeDays = []time.Time{
	time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),            // leap day
	time.Date(2027, 2, 28, 23, 59, 59, 999999000, time.UTC), // the end of a short February
	time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),            // daylight saving begins in Europe
	time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),           // and ends
	time.Date(2016, 12, 31, 23, 59, 59, 0, time.UTC),        // before the last leap second
	time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC),           // beyond 32 bits
	time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	time.Date(2100, 2, 28, 23, 59, 59, 0, time.UTC),  // no leap year
	time.Date(9999, 12, 29, 23, 59, 58, 0, time.UTC), // no instant is later than that year
}

// checkDay makes an organization with one purchase that starts at an instant, and looks at every edge of its life.
func checkDay(t *testing.T, e *engine, number int, start time.Time) (positions int) {
	t.Helper()
	ctx := t.Context()
	org := seatwright.OrganizationID("day-" + strconv.Itoa(number))
	const term, grace = 36 * time.Hour, 90 * time.Second
	lot := seatwright.Lot{Organization: org, ID: "lot", Code: "ATTUNU", Quantity: 1, Start: start, End: start.Add(term), Grace: grace}
	e.now = start.Add(-365 * 24 * time.Hour)
	for _, c := range []Command{
		Of(seatwright.CreateOrganization{ID: org, Name: string(org), UnknownUsers: seatwright.ProvisionUnknownUsers}), Of(seatwright.CreateLot{Lot: lot}),
	} {
		if refusals, err := e.run(ctx, []Command{c}, []seatwright.Origin{{}}); err != nil || refusals[0] != nil {
			t.Fatal(err, refusals)
		}
	}
	take := Of(seatwright.AllocateToUsers{Organization: org, Users: []seatwright.UserID{"u"}, Codes: []seatwright.ProductCode{"ATTUNU"}})
	give := Of(seatwright.DeallocateUsers{Organization: org, Users: []seatwright.UserID{"u"}})
	for _, edge := range []time.Time{start, lot.End, lot.Expiry()} {
		for _, off := range []time.Duration{-5 * time.Minute, -time.Microsecond, 0, time.Microsecond} {
			if edge != start && off == -5*time.Minute {
				continue // the grace is shorter, and no chain runs backwards
			}
			e.now = edge.Add(off)
			positions++
			inForce := lot.InForce(e.now)
			refusals, err := e.run(ctx, []Command{take, give}, []seatwright.Origin{{}, {}})
			if err != nil {
				t.Fatal(err)
			}
			if got := ReasonOf(refusals[0]); inForce && got != "" || !inForce && got != seatwright.ReasonNoLicense {
				t.Errorf("at %s: an allocation is refused with %q, in force %t", e.now, got, inForce)
			}
			pools, err := e.store.Pools(ctx, org)
			if err != nil || len(pools) != 1 || (pools[0].Total == 1) != inForce {
				t.Errorf("at %s: pools are %+v (%v), in force %t", e.now, pools, err, inForce)
			}
		}
	}
	return positions
}
