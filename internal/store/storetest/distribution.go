package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seatwright/seatwright"
)

// What the host distributes to organizations, and what organizations give to their tenants' services.

// sells buys units for an organization or the host, for a year.
func (f *fixture) sells(org seatwright.OrganizationID, code seatwright.ProductCode, quantity int64) {
	f.Helper()
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: org, ID: seatwright.LotID("bought-" + code), Code: code, Quantity: quantity, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
}

func (f *fixture) tenants(org seatwright.OrganizationID, ids ...seatwright.TenantID) {
	f.Helper()
	for _, id := range ids {
		f.must(decide(f, seatwright.CreateTenant{Organization: org, ID: id, Name: string(id)}))
	}
}

// quantities are codes, each with a number of units behind it.
func quantities(of ...any) (products []seatwright.Quantity) {
	for _, v := range of {
		switch v := v.(type) {
		case string:
			products = append(products, seatwright.Quantity{Code: seatwright.ProductCode(v)})
		case int:
			products[len(products)-1].Units = int64(v)
		}
	}
	return products
}

func (f *fixture) distribute(org seatwright.OrganizationID, products ...any) error {
	_, err := decide(f, seatwright.DistributeToOrganization{Organization: org, Products: quantities(products...)})
	return err
}

func (f *fixture) give(org seatwright.OrganizationID, tenant seatwright.TenantID, products ...any) error {
	_, err := decide(f, seatwright.AllocateToService{Organization: org, Tenant: tenant, Service: "orchestrator", Products: quantities(products...)})
	return err
}

// pool is the pool of a code as it is now.
func (f *fixture) pool(org seatwright.OrganizationID, code seatwright.ProductCode) seatwright.Pool {
	f.Helper()
	pools, err := f.store.Pools(ctx, org)
	f.must(nil, err)
	for _, p := range pools {
		if p.Code == code {
			return p
		}
	}
	return seatwright.Pool{}
}

func (f *fixture) wantUsed(org seatwright.OrganizationID, code seatwright.ProductCode, used, total int64) {
	f.Helper()
	if p := f.pool(org, code); p.Used != used || p.Total != total {
		f.Errorf("pool %s of %s: %d of %d are used, want %d of %d", code, org, p.Used, p.Total, used, total)
	}
}

// lots of an organization as "id quantity origin".
func (f *fixture) lotsOf(org seatwright.OrganizationID) (lines []string) {
	f.Helper()
	license, err := f.store.AccountLicense(ctx, org)
	f.must(nil, err)
	if !license.At.Equal(f.clock.Now().Truncate(time.Microsecond)) {
		f.Errorf("the license is as of %s, it is %s", license.At, f.clock.Now())
	}
	for _, l := range license.Lots {
		lines = append(lines, fmt.Sprintf("%s %s %d %s", l.ID, l.Code, l.Quantity, l.Origin))
	}
	return lines
}

func keepsDistribution(f *fixture) {
	f.organization("a", 1, 0)
	f.organization("b", 1, 0)
	f.sells(seatwright.HostID, "ATTUNU", 5)
	f.sells(seatwright.HostID, "UNATT", 9)
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonNoLicense) // and this is remembered
	f.must(nil, f.distribute("a", "UNATT", 4, "ATTUNU", 1))
	f.must(nil, f.distribute("b", "UNATT", 2))
	if got := f.lotsOf("a"); !slices.Equal(got, []string{"host-ATTUNU ATTUNU 1 host", "host-UNATT UNATT 4 host"}) {
		f.Errorf("the lots are %q", got)
	}
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.must(nil, f.distribute("a", "UNATT", 3))
	f.wantUsed(seatwright.HostID, "UNATT", 5, 9)
	f.wantUsed("a", "UNATT", 0, 3)
	ids, err := f.store.Distributed(ctx)
	if err != nil || !slices.Equal(ids, []seatwright.OrganizationID{"a", "b"}) {
		f.Errorf("the host distributes to %v, %v", ids, err)
	}
	f.must(decide(f, seatwright.RemoveOrganizationLicense{Organization: "a"}))
	f.wantUsed(seatwright.HostID, "UNATT", 2, 9)
	f.wantPoolOf("a", 1, 0)
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonNoLicense)
	if got := f.lotsOf("a"); len(got) > 0 {
		f.Errorf("the lots are %q", got)
	}
	if ids, err = f.store.Distributed(ctx); err != nil || !slices.Equal(ids, []seatwright.OrganizationID{"b"}) {
		f.Errorf("the host distributes to %v, %v", ids, err)
	}
	f.events("a")
	f.events(string(seatwright.HostID))
}

// wantPoolOf is wantPool where there are other pools.
func (f *fixture) wantPoolOf(org seatwright.OrganizationID, used, total int64) {
	f.Helper()
	f.wantUsed(org, "ATTUNU", used, total)
	units, err := f.store.SeatUnits(ctx, org)
	f.must(nil, err)
	if units["ATTUNU"] != used {
		f.Errorf("the seats have %d units, want %d", units["ATTUNU"], used)
	}
}

// Guards that a window which was changed ends what is remembered of an organization at once, and that the clock ends it by itself.
func distributionEnds(f *fixture) {
	f.organization("a", 2, 0)
	f.buy(string(seatwright.HostID), "first", 5, 0, time.Hour)
	f.must(nil, f.distribute("a", "ATTUNU", 2))
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.clock.advance(time.Hour)
	f.wantReason(f.allocate("a", attended, "u-1", "u-2"), seatwright.ReasonNoLicense)
	f.wantPoolOf("a", 1, 0)
	f.buy(string(seatwright.HostID), "second", 5, 0, time.Hour)
	f.wantReason(f.allocate("a", attended, "u-2"), seatwright.ReasonNoLicense)
	f.must(decide(f, seatwright.AlignDistribution{Organization: "a"}))
	f.must(nil, f.allocate("a", attended, "u-2"))
	events := len(f.events("a"))
	f.must(decide(f, seatwright.AlignDistribution{Organization: "a"}))
	if n := len(f.events("a")); n != events {
		f.Error("nothing differed, and there is an event")
	}
	f.wantPoolOf("a", 2, 2)
}

func keepsServices(f *fixture) {
	f.organization("a", 1, 0)
	f.organization("b", 1, 0)
	for _, org := range []seatwright.OrganizationID{"a", "b"} {
		f.tenants(org, "t", "u")
		f.sells(org, "UNATT", 10)
		f.sells(org, "AIU", 3)
	}
	f.must(nil, f.give("a", "t", "UNATT", 4, "AIU", 3))
	f.must(nil, f.give("a", "u", "UNATT", 6))
	f.must(nil, f.give("b", "t", "UNATT", 1))
	f.must(decide(f, seatwright.AllocateToService{Organization: "a", Tenant: "t", Service: "aicenter", Products: quantities("UNATT", 0)}))
	f.must(nil, f.give("a", "t", "UNATT", 3))
	want := func(lines ...string) {
		f.Helper()
		pools, err := f.store.ServicePools(ctx, "a")
		f.must(nil, err)
		var got []string
		for _, p := range pools {
			got = append(got, fmt.Sprintf("%s %s %s %d", p.Organization, p.PoolScope, p.Code, p.Quantity))
		}
		if !slices.Equal(got, lines) {
			f.Errorf("the services have %q, want %q", got, lines)
		}
	}
	want("a t/orchestrator UNATT 3", "a u/orchestrator UNATT 6")
	f.wantUsed("a", "UNATT", 9, 10)
	f.wantUsed("a", "AIU", 0, 3)
	for _, refusal := range together(f, // in one batch: what is left goes to whoever comes first
		seatwright.AllocateToService{Organization: "a", Tenant: "t", Service: "apps", Products: quantities("UNATT", 1, "AIU", 1)},
		seatwright.AllocateToService{Organization: "a", Tenant: "t", Service: "apps", Products: quantities("AIU", 1)},
		seatwright.AllocateToService{Organization: "a", Tenant: "u", Service: "apps", Products: quantities("UNATT", 1)},
		seatwright.AllocateToService{Organization: "a", Tenant: "t", Service: "apps"},
	) {
		f.must(nil, refusal)
	}
	want("a t/orchestrator UNATT 3", "a u/apps UNATT 1", "a u/orchestrator UNATT 6")
	f.wantUsed("a", "AIU", 0, 3)
	f.must(decide(f, seatwright.RemoveServices{Organization: "a", Tenant: "u", Service: "apps"}))
	want("a t/orchestrator UNATT 3", "a u/orchestrator UNATT 6")
	f.must(decide(f, seatwright.RemoveServices{Organization: "a", Tenant: "u"}))
	want("a t/orchestrator UNATT 3")
	f.wantUsed("b", "UNATT", 1, 10)
	_, err := f.store.Tenant(ctx, "a", "t")
	f.must(nil, err)
	tenants, err := f.store.Tenants(ctx, "a")
	f.must(nil, err)
	if len(tenants) != 2 || tenants[0].ID != "t" || tenants[1].Name != "u" || tenants[1].Organization != "a" || tenants[1].CreatedAt.IsZero() {
		f.Errorf("the tenants are %+v", tenants)
	}
	if tenants, err := f.store.Tenants(ctx, "nowhere"); err != nil || len(tenants) != 0 {
		f.Errorf("of no organization: %+v, %v", tenants, err)
	}
	if _, err := f.store.Tenant(ctx, "a", "T"); !seatwright.IsReason(err, seatwright.ReasonNotFound) {
		f.Errorf("ids are compared exactly: %v", err)
	}
	f.wantReason(f.give("a", "T", "UNATT", 1), seatwright.ReasonNotFound)
	f.events("a")
}

// Promise: however many give the last units away at once, no more are given than there are.
func lastUnitsGoOnce(f *fixture) {
	const givers, units = 24, 7
	f.organization("a", 0, 0)
	f.organization("b", 0, 0)
	f.tenants("a", "t", "u")
	f.sells("a", "UNATT", units)
	f.sells(seatwright.HostID, "AIU", units)
	services := seatwright.ServiceTypes()
	var wg sync.WaitGroup
	given, distributed := make([]error, givers), make([]error, givers)
	for i := range givers {
		tenant := []seatwright.TenantID{"t", "u"}[i%2]
		org := []seatwright.OrganizationID{"a", "b"}[i%2]
		wg.Go(func() {
			_, given[i] = decide(f, seatwright.AllocateToService{
				Organization: "a", Tenant: tenant, Service: services[i/2], Products: quantities("UNATT", 1),
			})
		})
		wg.Go(func() { distributed[i] = f.distribute(org, "AIU", 4) })
	}
	wg.Wait()
	count := func(errs []error) (n int) {
		for _, err := range errs {
			if err == nil {
				n++
			} else if !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
				f.Errorf("a loser got %v", err)
			}
		}
		return n
	}
	if n := count(given); n != units {
		f.Errorf("%d units were given away, there are %d", n, units)
	}
	if n := count(distributed); n != givers/2 { // repeats of whoever was first change nothing
		f.Errorf("%d calls were let through, want those of one organization", n)
	}
	f.wantUsed("a", "UNATT", units, units)
	f.wantUsed(seatwright.HostID, "AIU", 4, units)
	if a, b := f.pool("a", "AIU").Total, f.pool("b", "AIU").Total; a+b != 4 {
		f.Errorf("the organizations have %d and %d units, want four together", a, b)
	}
}

func distributionRollsBack(f *fixture) {
	f.organization("a", 0, 0)
	f.tenants("a", "t")
	f.sells(seatwright.HostID, "UNATT", 5)
	f.must(nil, f.distribute("a", "UNATT", 3))
	failure := errors.New("planted")
	more := seatwright.DistributeToOrganization{Organization: "a", Products: quantities("UNATT", 5)}
	service := seatwright.AllocateToService{Organization: "a", Tenant: "t", Service: "orchestrator", Products: quantities("UNATT", 5)}
	err := f.store.Update(ctx, seatwright.LoadRequest{Touches: slices.Concat(more.Touches(), service.Touches())}, func(s *seatwright.Slice) error {
		_, err := seatwright.Decide(s, seatwright.Origin{}, more, nil)
		f.must(nil, err)
		_, err = seatwright.Decide(s, seatwright.Origin{}, service, nil)
		f.must(nil, err)
		return failure
	})
	if !errors.Is(err, failure) {
		f.Errorf("Update = %v, want the error of the decision", err)
	}
	f.wantUsed(seatwright.HostID, "UNATT", 3, 5)
	f.wantUsed("a", "UNATT", 0, 3)
	f.wantReason(f.give("a", "t", "UNATT", 4), seatwright.ReasonPoolExhausted)
	f.must(nil, f.give("a", "t", "UNATT", 3))
}

// Guards the counters of a restored database: what was distributed and given stays so, and can be taken back.
func restoredDistribution(f *archiveFixture) {
	f.open()
	f.organization("a", 0, 0)
	f.tenants("a", "t")
	f.sells(seatwright.HostID, "UNATT", 5)
	f.must(nil, f.distribute("a", "UNATT", 3))
	f.must(nil, f.give("a", "t", "UNATT", 2))
	rows := dump(f.T, f.place.Archive)
	f.place = f.empty(f.T)
	f.must(nil, f.place.Archive.Restore(ctx, sequence(rows)))
	f.store = f.place.Open(f.T, f.clock.Now)
	f.wantReason(f.give("a", "t", "UNATT", 4), seatwright.ReasonPoolExhausted)
	f.wantReason(f.distribute("a", "UNATT", 6), seatwright.ReasonPoolExhausted)
	f.must(nil, f.distribute("a", "UNATT", 5))
	f.must(nil, f.give("a", "t", "UNATT", 5))
	f.wantUsed("a", "UNATT", 5, 5)
	f.must(decide(f.fixture, seatwright.RemoveServices{Organization: "a", Tenant: "t"}))
	f.must(decide(f.fixture, seatwright.RemoveOrganizationLicense{Organization: "a"}))
	f.wantUsed(seatwright.HostID, "UNATT", 0, 5)
	wantSound(f.T, f.place.Archive)
}
