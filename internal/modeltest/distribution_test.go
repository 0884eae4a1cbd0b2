package modeltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/faults"
)

// hostModel is what the host and the organizations that it distributes to should be like.
type hostModel struct {
	lots map[seatwright.LotID]seatwright.Lot // of the host
	orgs map[seatwright.OrganizationID]*customer
}

// customer is an organization that buys nothing itself.
type customer struct {
	given    map[seatwright.ProductCode]int64
	services map[seatwright.ServiceKey]int64
	blocks   bool // the policy for fewer units than are held
}

func (m *hostModel) licensed(now time.Time) bool {
	for _, l := range m.lots {
		if l.InForce(now) {
			return true
		}
	}
	return false
}

// covered reports that the host's license has had no gap from an alignment, or from the next start, until now. All instants are whole hours.
func (m *hostModel) covered(aligned, now time.Time) bool {
	at := aligned
	for !m.licensed(at) && at.Before(now) {
		at = at.Add(time.Hour)
	}
	for m.licensed(at) && at.Before(now) {
		at = at.Add(time.Hour)
	}
	return at.Equal(now) && m.licensed(at)
}

func (m *hostModel) total(code seatwright.ProductCode, now time.Time) (sum int64) {
	for _, l := range m.lots {
		if l.Code == code && l.InForce(now) {
			sum += l.Quantity
		}
	}
	return sum
}

func (m *hostModel) used(code seatwright.ProductCode) (sum int64) {
	for _, c := range m.orgs {
		sum += c.given[code]
	}
	return sum
}

func (c *customer) used(code seatwright.ProductCode) (sum int64) {
	for key, units := range c.services {
		if key.Code == code {
			sum += units
		}
	}
	return sum
}

// decide returns the reason of a refusal, or "" after the change.
func (m *hostModel) decide(command any, now time.Time) seatwright.Reason {
	switch c := command.(type) {
	case seatwright.CreateLot:
		m.lots[c.Lot.ID] = c.Lot
	case seatwright.ChangeLot:
		lot := m.lots[c.ID]
		if c.End != nil {
			lot.End = *c.End
		}
		if c.Quantity != nil {
			lot.Quantity = *c.Quantity
		}
		if !lot.End.After(lot.Start) {
			return seatwright.ReasonInvalidValue
		}
		m.lots[c.ID] = lot
	case seatwright.RemoveLot:
		delete(m.lots, c.ID)
	case seatwright.DistributeToOrganization:
		return m.distribute(m.orgs[c.Organization], c.Products, now)
	case seatwright.RemoveOrganizationLicense:
		var nothing []seatwright.Quantity
		for code := range m.orgs[c.Organization].given {
			nothing = append(nothing, seatwright.Quantity{Code: code})
		}
		return m.distribute(m.orgs[c.Organization], nothing, now)
	case seatwright.AllocateToService:
		return m.give(c, now)
	}
	return ""
}

func (m *hostModel) distribute(c *customer, products []seatwright.Quantity, now time.Time) seatwright.Reason {
	for _, q := range products {
		if q.Units > 0 && !m.licensed(now) {
			return seatwright.ReasonNoLicense
		}
	}
	for _, q := range products {
		if more := q.Units - c.given[q.Code]; !slices.Contains(Products, q.Code) || more > 0 && m.used(q.Code)+more > m.total(q.Code, now) {
			return seatwright.ReasonPoolExhausted
		}
	}
	for _, q := range products {
		if c.blocks && m.licensed(now) && q.Units < c.given[q.Code] && q.Units < c.used(q.Code) {
			return seatwright.ReasonBelowUse
		}
	}
	for _, q := range products {
		c.given[q.Code] = q.Units
	}
	return ""
}

func (m *hostModel) give(c seatwright.AllocateToService, now time.Time) seatwright.Reason {
	o, scope := m.orgs[c.Organization], seatwright.PoolScope{Tenant: c.Tenant, Service: c.Service}
	licensed := m.licensed(now) && slices.ContainsFunc(Products, func(code seatwright.ProductCode) bool { return o.given[code] > 0 })
	for _, q := range c.Products {
		if q.Units > 0 && !licensed {
			return seatwright.ReasonNoLicense
		}
	}
	for _, q := range c.Products {
		total := o.given[q.Code]
		if !m.licensed(now) {
			total = 0
		}
		if more := q.Units - o.services[seatwright.ServiceKey{PoolScope: scope, Code: q.Code}]; more > 0 && o.used(q.Code)+more > total {
			return seatwright.ReasonPoolExhausted
		}
	}
	maps.DeleteFunc(o.services, func(key seatwright.ServiceKey, _ int64) bool { return key.PoolScope == scope })
	for _, q := range c.Products {
		if q.Units > 0 {
			o.services[seatwright.ServiceKey{PoolScope: scope, Code: q.Code}] = q.Units
		}
	}
	return ""
}

// draw makes the n-th command.
func (m *hostModel) draw(t *rapid.T, n string, now time.Time) Command {
	org := rapid.SampledFrom(slices.Sorted(maps.Keys(m.orgs))).Draw(t, "organization")
	hours := func(from, to int) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, "hours")) * time.Hour
	}
	kind := rapid.SampledFrom([]string{"distribute", "distribute", "distribute", "service", "service", "service", "remove", "buy", "change", "renew", "take back"}).Draw(t, "command")
	if len(m.lots) == 0 {
		kind = "buy"
	}
	id := seatwright.LotID("lot-" + n)
	if kind != "buy" {
		id = rapid.SampledFrom(slices.Sorted(maps.Keys(m.lots))).Draw(t, "purchase")
	}
	products := func(codes []seatwright.ProductCode) []seatwright.Quantity {
		var list []seatwright.Quantity
		for _, code := range rapid.SliceOfNDistinct(rapid.SampledFrom(codes), 1, 2, rapid.ID[seatwright.ProductCode]).Draw(t, "products") {
			list = append(list, seatwright.Quantity{Code: code, Units: rapid.Int64Range(0, 5).Draw(t, "units")})
		}
		return list
	}
	switch kind {
	case "distribute":
		return Of(seatwright.DistributeToOrganization{Organization: org, Products: products(append(slices.Repeat(Products, 5), "NOSUCH"))})
	case "service":
		return Of(seatwright.AllocateToService{
			Organization: org, Tenant: rapid.SampledFrom(Tenants).Draw(t, "tenant"), Service: "orchestrator", Products: products(Products),
		})
	case "remove":
		return Of(seatwright.RemoveOrganizationLicense{Organization: org})
	case "change":
		quantity := rapid.Int64Range(1, 9).Draw(t, "quantity")
		return Of(seatwright.ChangeLot{Organization: seatwright.HostID, ID: id, Quantity: &quantity})
	case "renew":
		end := now.Add(hours(-5, 40))
		return Of(seatwright.ChangeLot{Organization: seatwright.HostID, ID: id, End: &end})
	case "take back":
		return Of(seatwright.RemoveLot{Organization: seatwright.HostID, ID: id})
	}
	start := now.Add(hours(-5, 5))
	return Of(seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: seatwright.HostID, ID: id, Code: rapid.SampledFrom(Products).Draw(t, "code"), Quantity: rapid.Int64Range(3, 9).Draw(t, "quantity"),
		Start: start, End: start.Add(hours(1, 40)), Grace: hours(0, 3),
	}})
}

// align does what the clock does behind every change of the host's purchases and every end of its license.
func (m *hostModel) align() []Command {
	var commands []Command
	for _, org := range slices.Sorted(maps.Keys(m.orgs)) {
		commands = append(commands, Of(seatwright.AlignDistribution{Organization: org}))
	}
	return commands
}

// empty takes everything back, so that the next sequence finds a host that has nothing.
func (m *hostModel) empty() []Command {
	var commands []Command
	for _, org := range slices.Sorted(maps.Keys(m.orgs)) {
		for _, tenant := range Tenants {
			commands = append(commands, Of(seatwright.AllocateToService{Organization: org, Tenant: tenant, Service: "orchestrator"}))
		}
		commands = append(commands, Of(seatwright.RemoveOrganizationLicense{Organization: org}))
	}
	for _, id := range slices.Sorted(maps.Keys(m.lots)) {
		commands = append(commands, Of(seatwright.RemoveLot{Organization: seatwright.HostID, ID: id}))
	}
	return commands
}

// differsFromHost reads what an engine has stored and says where it is not what the model says. What is distributed counts where it is
// covered by the license of the host.
func (e *engine) differsFromHost(m *hostModel, covered bool) error {
	err := e.wantPools(seatwright.HostID, m.used, func(code seatwright.ProductCode) int64 { return m.total(code, e.now) })
	for id, c := range m.orgs {
		err = errors.Join(err, e.wantPools(id, c.used, func(code seatwright.ProductCode) int64 {
			if covered {
				return c.given[code]
			}
			return 0
		}))
		services, errRead := e.store.ServicePools(context.Background(), id)
		if err = errors.Join(err, errRead); len(services) != len(c.services) {
			err = errors.Join(err, fmt.Errorf("services of %s have %+v, the model says %v", id, services, c.services))
		}
		for _, s := range services {
			if c.services[s.ServiceKey] != s.Quantity {
				err = errors.Join(err, fmt.Errorf("service %+v of %s, the model says %d", s, id, c.services[s.ServiceKey]))
			}
		}
	}
	return err
}

func (e *engine) wantPools(id seatwright.OrganizationID, used, total func(seatwright.ProductCode) int64) error {
	pools, err := e.store.Pools(context.Background(), id)
	for _, code := range Products {
		i := slices.IndexFunc(pools, func(p seatwright.Pool) bool { return p.Code == code })
		var pool seatwright.Pool
		if i >= 0 {
			pool = pools[i]
		}
		if pool.Used != used(code) || pool.Total != total(code) {
			err = errors.Join(err, fmt.Errorf("the pool of %s in %s is %+v, the model says %d used of %d", code, id, pool, used(code), total(code)))
		}
	}
	return err
}

// follow takes random commands about the host and two organizations, in so many sequences on one store.
func follow(t *testing.T, e *engine, sequences int) {
	t.Helper()
	started := 0 // also those that are repeated to find a shorter one: every one has organizations of its own
	checks(t, sequences, func(t *rapid.T, _ int) {
		started++
		m := &hostModel{lots: map[seatwright.LotID]seatwright.Lot{}, orgs: map[seatwright.OrganizationID]*customer{}}
		for i := range 2 {
			id := seatwright.OrganizationID(fmt.Sprintf("customer-%d-%d", started, i))
			shrink := rapid.SampledFrom([]seatwright.OnShrink{seatwright.AllowShrink, seatwright.BlockShrink}).Draw(t, "on shrink")
			m.orgs[id] = &customer{given: map[seatwright.ProductCode]int64{}, services: map[seatwright.ServiceKey]int64{}, blocks: shrink == seatwright.BlockShrink}
			setUp(t, e, []Command{
				Of(seatwright.CreateOrganization{ID: id, Name: string(id), UnknownUsers: seatwright.RefuseUnknownUsers}), Of(seatwright.ChangePolicies{Organization: id, OnShrink: &shrink}),
				Of(seatwright.CreateTenant{Organization: id, ID: Tenants[0], Name: "one"}), Of(seatwright.CreateTenant{Organization: id, ID: Tenants[1], Name: "two"}),
			})
		}
		defer func() { setUp(t, e, m.empty()) }()
		for step := range 40 {
			c := m.draw(t, fmt.Sprintf("%d-%d", started, step), e.now)
			refusals, err := e.run(context.Background(), []Command{c}, []seatwright.Origin{{}})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := ReasonOf(refusals[0]), m.decide(c.command, e.now); got != want {
				t.Fatalf("%s: decided %q (%v), the model says %q", c, got, refusals[0], want)
			}
			setUp(t, e, m.align())
			if err := e.differsFromHost(m, m.licensed(e.now)); err != nil {
				t.Fatalf("after %s: %v", c, err)
			}
			aligned := e.now
			e.now = e.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "hours")) * time.Hour)
			if err := e.differsFromHost(m, m.covered(aligned, e.now)); err != nil {
				t.Fatalf("at %s, not aligned since %s: %v", e.now, aligned, err)
			}
			setUp(t, e, m.align())
			if err := e.differsFromHost(m, m.licensed(e.now)); err != nil {
				t.Fatalf("at %s: %v", e.now, err)
			}
		}
	})
	if err := e.check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Promise: whatever the host buys and distributes, and whatever organizations give on, no level has more than the one above, and units
// count exactly as long as the license of the host.
func TestP7DistributionFollowsTheModel(t *testing.T) {
	n := faults.Count(t, 30, 300, 10_000)
	follow(t, openSQLite(t), n)
	follow(t, openPostgres(t), max(2, n/10))
	faults.Report(t, "P7", "%d and %d sequences of 40 commands about the host, two organizations and their tenants' services: no difference", n, max(2, n/10))
}
