package licensing_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/licensing"
)

// using is a bench with an organization that has ten thousand UNATT, ten AIU and the tenants t and u.
func using(t *testing.T) *bench {
	t.Helper()
	b := setup(t)
	end := b.clock().AddDate(1, 0, 0)
	b.organization("a", seatwright.Lot{Code: "UNATT", Quantity: 10_000, End: end}, seatwright.Lot{Code: "AIU", Quantity: 10, End: end})
	for _, id := range []seatwright.TenantID{"t", "u"} {
		submit(b, seatwright.CreateTenant{Organization: "a", ID: id, Name: string(id)})
	}
	return b
}

func wanted(tenant, service, product, id string, units float64) licensing.UnitsWanted {
	return licensing.UnitsWanted{LeaseName: licensing.LeaseName{
		ServiceName: licensing.ServiceName{Tenant: tenant, Service: service}, Product: product, ID: id,
	}, Quantity: &units}
}

func (b *bench) use(tenant, service, product, id string, units float64) {
	b.Helper()
	_, err := b.AcquireUnits(b.Context(), system, "a", wanted(tenant, service, product, id, units))
	b.must(err)
}

// Promise: leases that nobody renews end, each once, however many there are and however many clocks.
func TestAbandonedUnitsAreSwept(t *testing.T) {
	t.Parallel()
	b := using(t)
	const leases = seatwright.MaxPastUnits + 50
	var waiting sync.WaitGroup
	for i := range leases {
		waiting.Go(func() {
			if _, err := b.AcquireUnits(t.Context(), system, "a", wanted("t", "orchestrator", "UNATT", fmt.Sprint("job-", i), 1)); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	b.advance(59 * time.Minute)
	b.use("t", "orchestrator", "UNATT", "job-0", 1)
	b.use("t", "apps", "AIU", "run-1", 3)
	b.advance(time.Minute)
	for range 3 {
		waiting.Go(func() {
			if err := licensing.NewClock(b.store, b.Ledger, b.clock, b.log).Sweep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	if n := b.count("a", seatwright.EventUnitsExpired); n != leases-1 {
		t.Errorf("%d leases ended, want %d", n, leases-1)
	}
	b.advance(365 * 24 * time.Hour)
	b.must(licensing.NewClock(b.store, b.Ledger, b.clock, b.log).Sweep(t.Context()))
	if n, periods := b.count("a", seatwright.EventUnitsExpired), b.count("a", seatwright.EventUnitsPeriodEnded); n != leases || periods != 1 {
		t.Errorf("%d leases and %d periods ended", n, periods)
	}
	pools, err := b.store.ServicePools(t.Context(), "a")
	if err != nil || len(pools) > 0 {
		t.Errorf("services have %+v (%v)", pools, err)
	}
}

// Promise: days on which nothing changed have what was in use before, of a consumable nothing; those to come have nothing.
func TestTimelinesFillTheDays(t *testing.T) {
	t.Parallel()
	b := using(t)
	year := int64(seatwright.MaxUnitLeaseMinutes)
	submit(b, seatwright.ChangePolicies{Organization: "a", UnitLeaseMinutes: &year})
	b.use("t", "orchestrator", "UNATT", "one", 5)
	b.use("t", "orchestrator", "UNATT", "one", 2)
	b.use("t", "apps", "UNATT", "two", 1.5)
	b.use("t", "apps", "AIU", "run-1", 0.5)
	b.use("u", "apps", "AIU", "run-1", 4)
	b.advance(48 * time.Hour)
	b.use("t", "apps", "AIU", "run-2", 0.25)
	b.use("t", "apps", "UNATT", "two", 1)
	b.advance(24 * time.Hour)

	want := func(tenants []string, days int64, code seatwright.ProductCode, used ...float64) {
		t.Helper()
		lines, err := b.Timelines(t.Context(), system, "a", tenants, days)
		b.must(err)
		i := slices.IndexFunc(lines, func(l licensing.TimelineOf) bool { return l.Code == code })
		if i < 0 {
			t.Fatalf("no %s in %+v", code, lines)
		}
		var got []float64
		for _, d := range lines[i].Days {
			got = append(got, seatwright.Units(d.Used))
		}
		if !slices.Equal(got, used) {
			t.Errorf("%v, %d days of %s: %v, want %v", tenants, days, code, got, used)
		}
	}
	want([]string{"t"}, 5, "UNATT", 0, 6.5, 3.5, 3.5, 3)
	want([]string{"t"}, 2, "UNATT", 3.5, 3)
	want([]string{"t"}, 1, "UNATT", 3) // nothing changed today
	want([]string{"t"}, 5, "AIU", 0, 0.5, 0, 0.25, 0)
	want(nil, 4, "AIU", 4.5, 0, 0.25, 0)

	day := b.clock().Truncate(24 * time.Hour)
	answers, err := b.Usage(t.Context(), system, "a", []licensing.UsageQuestion{
		{Product: "AIU", From: day.AddDate(0, 0, -3), Until: day},
		{Product: "UNATT", ServiceName: licensing.ServiceName{Tenant: "t", Service: "apps"}, From: day.AddDate(0, 0, -2), Until: day.AddDate(0, 0, 1)},
		{Product: "AIU"},
		{Product: "UNATT", From: day, Until: day.AddDate(0, 0, 1)}, // nothing changed
		{Product: "UNATT", ServiceName: licensing.ServiceName{Service: "Apps"}, From: day, Until: day.AddDate(0, 0, 1)},
		{Product: "UNATT", From: day.AddDate(0, 0, 1), Until: day.AddDate(0, 0, 2)}, // is to come
		{Product: "AIU", ServiceName: licensing.ServiceName{Service: "apps"}, From: day.AddDate(0, 0, -1), Until: day},
	})
	b.must(err)
	for i, want := range []float64{4.75, 1.5, 4.75, 3, 1, 0, 0.25} {
		if got := seatwright.Units(answers[i].Used); got != want {
			t.Errorf("answer %d is %+v, want %g", i, answers[i], want)
		}
	}
}

// Promise: what is told of use is what the next lease finds: the free units, and nothing where more is used than there is.
func TestUseIsToldAsLeasesFindIt(t *testing.T) {
	t.Parallel()
	b := using(t)
	submit(b, seatwright.AllocateToService{Organization: "a", Tenant: "t", Service: "apps", Products: []seatwright.Quantity{{Code: "AIU", Units: 4}}})
	b.use("t", "apps", "AIU", "run-1", 1.5)
	b.use("u", "apps", "AIU", "run-1", 2.25)
	told := func(tenant string) licensing.UnitUse {
		t.Helper()
		use, err := b.ServiceUnits(t.Context(), system, "a", licensing.ServiceName{Tenant: tenant, Service: "apps"}, "AIU")
		b.must(err)
		return use
	}
	if use := told("t"); seatwright.Units(use.Free()) != 5.5 || seatwright.Units(use.Total()) != 7 || use.AtOrganization() != 0 {
		t.Errorf("t is told %g free of %g", seatwright.Units(use.Free()), seatwright.Units(use.Total()))
	}
	if use := told("u"); seatwright.Units(use.Free()) != 3.75 || seatwright.Units(use.Total()) != 6 || seatwright.Units(use.AtOrganization()) != 2.25 {
		t.Errorf("u is told %g free of %g", seatwright.Units(use.Free()), seatwright.Units(use.Total()))
	}
	if n, err := b.UnitsAvailable(t.Context(), system, "a", "apps", "AIU"); err != nil || n != 5 { // three of the organization, two of t
		t.Errorf("%d units are available (%v)", n, err)
	}
	more := wanted("u", "apps", "AIU", "run-2", 3.750001)
	if _, err := b.AcquireUnits(t.Context(), system, "a", more); !seatwright.IsReason(err, seatwright.ReasonUnitsExhausted) {
		t.Errorf("more than was told to be free: %v", err)
	}
	over := 20.0
	more.Quantity, more.Overdraft = &over, true
	_, err := b.AcquireUnits(t.Context(), system, "a", more)
	b.must(err)
	if use := told("u"); use.Free() != 0 || seatwright.Units(use.Total()) != 6 || seatwright.Units(use.Used) != 22.25 {
		t.Errorf("u is told %g free of %g, and %g used", seatwright.Units(use.Free()), seatwright.Units(use.Total()), seatwright.Units(use.Used))
	}
	submit(b, seatwright.RemoveServices{Organization: "a", Tenant: "t"})
	answers, err := b.Usage(t.Context(), system, "a", []licensing.UsageQuestion{{Product: "AIU"}})
	b.must(err)
	if a := answers[0]; seatwright.Units(a.Used) != 23.75 || seatwright.Units(a.AtOrganization) != 23.75 || seatwright.Units(a.WithoutLicense) != 23.75 {
		t.Errorf("the organization is told %+v", a)
	}
	b.advance(365 * 24 * time.Hour) // the purchase ends
	if use := told("t"); use.Total() != 0 || use.Used != 0 || use.Free() != 0 {
		t.Errorf("t is told %g free of %g, and %g used", seatwright.Units(use.Free()), seatwright.Units(use.Total()), seatwright.Units(use.Used))
	}
}

// Promise: right after a period has ended, before anything is swept, every answer says what whoever takes units then finds.
func TestWhatHasEndedIsToldAsFree(t *testing.T) {
	t.Parallel()
	b := using(t)
	start := b.clock().AddDate(0, 11, 0)
	_, err := b.CreateLot(t.Context(), system, seatwright.Lot{Organization: "a", ID: "renewal", Code: "AIU", Quantity: 6, Start: start, End: start.AddDate(1, 0, 0)})
	b.must(err)
	submit(b, seatwright.AllocateToService{Organization: "a", Tenant: "u", Service: "apps", Products: []seatwright.Quantity{{Code: "AIU", Units: 1}}})
	b.use("t", "apps", "AIU", "run-1", 9)
	b.advance(start.Sub(b.clock()))
	b.use("t", "apps", "AIU", "run-2", 2.5) // with the unit of u it is two and a half beyond what ends
	b.use("t", "apps", "UNATT", "job-1", 3)
	b.advance(60 * 24 * time.Hour)

	told := func() string {
		t.Helper()
		var text string
		free, err := b.UnitsAvailable(t.Context(), system, "a", "apps", "AIU")
		b.must(err)
		unattended, err := b.UnitsAvailable(t.Context(), system, "a", "apps", "UNATT")
		b.must(err)
		text += fmt.Sprintln("free", free, unattended)
		for _, tenant := range []string{"t", "u"} {
			at := licensing.ServiceName{Tenant: tenant, Service: "apps"}
			use, err := b.ServiceUnits(t.Context(), system, "a", at, "AIU")
			b.must(err)
			states, err := b.UnitStates(t.Context(), system, "a", at, []string{"AIU"})
			b.must(err)
			text += fmt.Sprintln(tenant, seatwright.Units(use.Used), seatwright.Units(use.Free()), seatwright.Units(use.Total()), states)
		}
		all, err := b.Summary(t.Context(), system, "a")
		b.must(err)
		for _, p := range all {
			text += fmt.Sprintln(p.Product.Code, p.Allocated, p.Total)
		}
		_, services, err := b.TenantServices(t.Context(), system, "a", "u", nil)
		b.must(err)
		return text + fmt.Sprintln("u", services["apps"][0].Pool.Available())
	}
	const want = "free 3 0\nt 2.5 2.5 5 [0]\nu 0 3 3 [0]\nAIU 4 6\nUNATT 0 0\nu 2\n"
	if got := told(); got != want {
		t.Errorf("before the sweep it is told\n%s, want\n%s", got, want)
	}
	b.must(licensing.NewClock(b.store, b.Ledger, b.clock, b.log).Sweep(t.Context()))
	if got := told(); got != want {
		t.Errorf("behind the sweep it is told\n%s, want\n%s", got, want)
	}
}
