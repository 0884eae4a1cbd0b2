package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seatwright/seatwright"
)

// Units that tenants' services use: leases of floating units, and consumables.

// refOf names a lease as "tenant CODE id" of the orchestrator.
func refOf(text string) seatwright.UnitLeaseRef {
	parts := strings.Fields(text)
	return seatwright.UnitLeaseRef{ServiceKey: seatwright.ServiceKey{
		PoolScope: seatwright.PoolScope{Tenant: seatwright.TenantID(parts[0]), Service: "orchestrator"}, Code: seatwright.ProductCode(parts[1]),
	}, ID: seatwright.UnitLeaseID(parts[2])}
}

func acquireOf(org seatwright.OrganizationID, ref string, units float64) seatwright.AcquireUnits {
	parts, err := seatwright.PartsOf(units)
	if err != nil {
		panic(err)
	}
	return seatwright.AcquireUnits{Organization: org, Lease: refOf(ref), Quantity: &parts}
}

func (f *fixture) acquire(ref string, units float64) error {
	_, err := decide(f, acquireOf("a", ref, units))
	return err
}

func (f *fixture) release(ids ...seatwright.UnitLeaseID) error {
	f.Helper()
	leases, err := f.store.UnitLeases(ctx, "a", seatwright.UnitLeaseQuery{IDs: ids, Most: 100})
	f.must(nil, err)
	c := seatwright.ReleaseUnits{Organization: "a", IDs: ids}
	for _, l := range leases {
		c.Leases = append(c.Leases, l.UnitLeaseRef)
	}
	_, err = decide(f, c)
	return err
}

// wantUse compares what services have as "tenant CODE given used drawn".
func (f *fixture) wantUse(lines ...string) {
	f.Helper()
	pools, err := f.store.ServicePools(ctx, "a")
	f.must(nil, err)
	var got []string
	for _, p := range pools {
		got = append(got, fmt.Sprintf("%s %s %d %g %d", p.Tenant, p.Code, p.Quantity, seatwright.Units(p.Used), p.Drawn))
	}
	if !slices.Equal(got, lines) {
		f.Errorf("the services have %q, want %q", got, lines)
	}
}

// wantUsage compares what was used on a day, counted from the first, as "tenant CODE peak last consumed".
func (f *fixture) wantUsage(day int64, lines ...string) {
	f.Helper()
	day += seatwright.DayOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	days, err := f.store.UsageDays(ctx, "a", day, day)
	f.must(nil, err)
	var got []string
	for _, d := range days {
		if d.Day == day {
			got = append(got, fmt.Sprintf("%s %s %g %g %g", d.Tenant, d.Code, seatwright.Units(d.Peak), seatwright.Units(d.Last), seatwright.Units(d.Consumed)))
		}
	}
	if !slices.Equal(got, lines) {
		f.Errorf("on day %d there were %q, want %q", day, got, lines)
	}
}

func (f *fixture) withUnits(unattended int64) {
	f.organization("a", 0, 0)
	f.tenants("a", "t", "u")
	f.sells("a", "UNATT", unattended)
	f.actor = "application/robots"
}

// wantReplayed holds what is stored of pools against the events.
func (f *fixture) wantReplayed(org string) {
	f.Helper()
	replayed, err := seatwright.Replay(f.events(org))
	f.must(nil, err)
	for code, used := range replayed.Used() {
		if p := f.pool(seatwright.OrganizationID(org), code); p.Used != used {
			f.Errorf("pool %s: %d are used, by the events %d", code, p.Used, used)
		}
	}
}

func (f *fixture) sweepUnits() (ended int) {
	f.Helper()
	due, err := f.store.SweepableUnits(ctx, 10)
	f.must(nil, err)
	for _, d := range due {
		n, err := decide(f, seatwright.SweepUnits{Organization: d.Organization, Codes: []seatwright.ProductCode{d.Code}})
		f.must(n, err)
		ended += n
	}
	return ended
}

// Guards the life of a lease: what it draws and from where, that a repeat is the same, and that a renewal leaves no event.
func unitsAreLeased(f *fixture) {
	f.withUnits(10)
	f.must(nil, f.give("a", "t", "UNATT", 3))
	f.must(nil, f.acquire("t UNATT one", 2))
	f.wantUse("t UNATT 3 2 3")
	f.wantUsed("a", "UNATT", 3, 10)
	f.must(nil, f.acquire("t UNATT two", 2.5)) // beyond what the service has: two units of the organization
	f.wantUse("t UNATT 3 4.5 5")
	f.wantUsed("a", "UNATT", 5, 10)

	events := len(f.events("a"))
	f.clock.advance(time.Minute)
	again, err := decide(f, acquireOf("a", "t UNATT two", 2.5))
	f.must(again, err)
	if n := len(f.events("a")); again.Created || n != events {
		f.Errorf("a renewal answers created %t and has %d events", again.Created, n-events)
	}
	lease, err := f.store.UnitLease(ctx, "a", refOf("t UNATT two"))
	f.must(lease, err)
	if !lease.RenewedAt.Equal(f.clock.Now()) || !lease.CreatedAt.Equal(f.clock.Now().Add(-time.Minute)) || lease.MadeBy != "application/robots" || lease.Quantity != 2_500_000 {
		f.Errorf("the lease is %+v", lease)
	}
	kept, err := decide(f, seatwright.AcquireUnits{Organization: "a", Lease: refOf("t UNATT two"), Owner: to("robot 7"), Etag: lease.Etag()})
	f.must(kept, err)
	if kept.Lease.Quantity != 2_500_000 || kept.Lease.Owner != "robot 7" || kept.Lease.Etag() != lease.Etag() {
		f.Errorf("the lease is %+v", kept.Lease)
	}

	f.must(nil, f.acquire("t UNATT two", 0.5)) // quantities are absolute
	f.wantUse("t UNATT 3 2.5 3")
	f.wantUsed("a", "UNATT", 3, 10)
	_, err = decide(f, seatwright.AcquireUnits{Organization: "a", Lease: refOf("t UNATT two"), Quantity: to(int64(1)), Etag: lease.Etag()})
	f.wantReason(err, seatwright.ReasonStaleEtag)
	_, err = decide(f, seatwright.AcquireUnits{Organization: "a", Lease: refOf("t UNATT none"), Etag: "7"})
	f.wantReason(err, seatwright.ReasonStaleEtag)
	f.must(nil, f.acquire("t UNATT two", 0))
	f.must(nil, f.acquire("u UNATT one", 7)) // the same id at another service is another lease
	f.wantUse("t UNATT 3 2 3", "u UNATT 0 7 7")
	f.wantUsed("a", "UNATT", 10, 10)
	f.must(nil, f.release("two", "unheard-of"))
	f.must(nil, f.release("one"))
	f.must(nil, f.release("one"))
	f.wantUse("t UNATT 3 0 3")
	f.wantUsed("a", "UNATT", 3, 10)
	f.wantUsage(0, "t UNATT 4.5 0 0", "u UNATT 7 0 0")
	f.wantReplayed("a")
}

// Guards what is refused, and that a refusal changes nothing and says how many were free where.
func unitsRunOut(f *fixture) {
	f.withUnits(5)
	f.sells("a", "ATTUNU", 1)
	f.must(nil, f.give("a", "t", "UNATT", 2))
	f.must(nil, f.acquire("t UNATT one", 1.5))
	err := f.acquire("t UNATT two", 3.6)
	f.wantReason(err, seatwright.ReasonUnitsExhausted)
	if short := seatwright.AsError(err).Shortages[0]; short.Requested != 4 || short.Available != 3 || *short.AtTenant != 0 || *short.AtOrganization != 3 {
		f.Errorf("the shortage is %+v, %d and %d", short, *short.AtTenant, *short.AtOrganization)
	}
	f.wantReason(f.acquire("t UNATT one", 5.000001), seatwright.ReasonUnitsExhausted)
	f.must(nil, f.acquire("t UNATT two", 3.5))
	f.wantReason(f.acquire("u UNATT one", 0.000001), seatwright.ReasonUnitsExhausted)
	f.wantReason(f.acquire("u NONE one", 1), seatwright.ReasonNotFound)
	f.wantReason(f.acquire("none UNATT one", 1), seatwright.ReasonNotFound)
	f.wantReason(f.acquire("u ATTUNU one", 1), seatwright.ReasonInvalidValue)
	f.wantReason(f.acquire("u RU one", 1), seatwright.ReasonUnitsExhausted) // nothing of it was bought
	_, err = decide(f, acquireOf("nowhere", "t UNATT one", 1))
	f.wantReason(err, seatwright.ReasonOrganizationNotFound)
	f.actor = "application/other"
	f.wantReason(f.acquire("t UNATT one", 1.5), seatwright.ReasonAnothersLease)
	f.wantReason(f.release("one", "two"), seatwright.ReasonAnothersLease)
	f.wantUse("t UNATT 2 5 5")
	refusals := 0
	for _, e := range f.events("a") {
		if e.Kind == seatwright.EventAllocationRefused {
			refusals++
		}
	}
	if refusals != 3 { // of two services and two products; the second of one of them is counted
		f.Errorf("%d refusals are on record, want 3", refusals)
	}
	n, err := decide(f, seatwright.ReleaseUnits{Organization: "a", Leases: []seatwright.UnitLeaseRef{refOf("t UNATT one"), refOf("t UNATT two")}, Anybodys: true})
	if f.must(n, err); n != 2 {
		f.Errorf("%d leases were revoked", n)
	}
	f.wantUse("t UNATT 2 0 2")
	f.wantReplayed("a")
}

// Promise: units that services use are never given to anybody else, whatever becomes of what the services were given and of what was bought.
func usedUnitsStayUsed(f *fixture) {
	f.withUnits(6)
	f.must(nil, f.give("a", "t", "UNATT", 4))
	f.must(nil, f.acquire("t UNATT one", 3))
	f.must(nil, f.give("a", "t", "UNATT", 1)) // fewer than are in use
	f.wantUse("t UNATT 1 3 3")
	f.wantUsed("a", "UNATT", 3, 6)
	f.wantReason(f.give("a", "u", "UNATT", 4), seatwright.ReasonPoolExhausted)
	f.must(nil, f.give("a", "u", "UNATT", 3))
	f.wantReason(f.acquire("t UNATT two", 1), seatwright.ReasonUnitsExhausted)
	f.must(nil, f.give("a", "t", "UNATT", 3)) // what it uses it has drawn already
	f.must(decide(f, seatwright.RemoveServices{Organization: "a", Tenant: "t"}))
	f.wantUse("t UNATT 0 3 3", "u UNATT 3 0 3")
	f.wantUsed("a", "UNATT", 6, 6)

	f.must(decide(f, seatwright.ChangeLot{Organization: "a", ID: "bought-UNATT", Quantity: to(int64(4))}))
	f.wantReason(f.acquire("u UNATT one", 1), seatwright.ReasonUnitsExhausted) // the pool is overallocated
	f.must(nil, f.acquire("t UNATT one", 3))
	f.must(nil, f.acquire("t UNATT one", 1))
	f.must(nil, f.acquire("u UNATT one", 1))
	f.must(decide(f, seatwright.RemoveLot{Organization: "a", ID: "bought-UNATT"}))
	f.wantReason(f.acquire("u UNATT two", 1), seatwright.ReasonNoLicense)
	f.must(nil, f.acquire("u UNATT one", 1))
	f.sells("a", "AIU", 1) // so that there is a license, but none of this code
	f.wantReason(f.acquire("u UNATT two", 1), seatwright.ReasonUnitsExhausted)
	f.must(nil, f.release("one"))
	f.wantUse("u UNATT 3 0 3")
	f.wantReplayed("a")
}

// Promise: a lease that is not renewed ends at its instant, whether anybody sweeps or not, and its units are free then.
func abandonedUnitsComeFree(f *fixture) {
	f.withUnits(3)
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", UnitLeaseMinutes: to(int64(10))}))
	f.must(nil, f.acquire("t UNATT one", 1))
	f.must(nil, f.acquire("t UNATT two", 1))
	f.must(nil, f.acquire("u UNATT three", 1))
	f.clock.advance(9 * time.Minute)
	f.must(nil, f.acquire("t UNATT two", 1))
	f.clock.advance(time.Minute - time.Microsecond)
	f.wantReason(f.acquire("u UNATT four", 1), seatwright.ReasonUnitsExhausted)
	if due, err := f.store.SweepableUnits(ctx, 10); err != nil || len(due) > 0 {
		f.Errorf("%v are to be swept, %v", due, err)
	}
	f.clock.advance(time.Microsecond)
	_, err := f.store.UnitLease(ctx, "a", refOf("t UNATT one"))
	f.wantReason(err, seatwright.ReasonNotFound)
	f.wantUse("t UNATT 0 1 2", "u UNATT 0 0 1") // not swept yet
	f.must(nil, f.acquire("u UNATT four", 2))
	f.wantUse("t UNATT 0 1 1", "u UNATT 0 2 2")
	again, err := decide(f, acquireOf("a", "t UNATT one", 0))
	if f.must(again, err); !again.Created {
		f.Error("a lease that had ended was renewed")
	}
	f.clock.advance(10 * time.Minute)
	if n := f.sweepUnits(); n != 3 {
		f.Errorf("%d leases ended, want three", n)
	}
	if n := f.sweepUnits(); n != 0 {
		f.Errorf("%d leases ended again", n)
	}
	f.wantUse()
	f.wantUsed("a", "UNATT", 0, 3)
	f.wantReplayed("a")
}

// Promise: however many take the last units at once, no more are taken than there are; each wins once.
func lastUnitsAreUsedOnce(f *fixture) {
	const takers, units = 24, 7
	f.withUnits(units)
	f.must(nil, f.give("a", "t", "UNATT", 3))
	var wg sync.WaitGroup
	errs := make([]error, takers)
	for i := range takers {
		wg.Go(func() {
			_, errs[i] = decide(f, acquireOf("a", fmt.Sprintf("%s UNATT l-%d", []string{"t", "u"}[i%2], i/2), 1))
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !seatwright.IsReason(err, seatwright.ReasonUnitsExhausted) {
			f.Errorf("a loser got %v", err)
		}
	}
	var used int64
	pools, err := f.store.ServicePools(ctx, "a")
	f.must(nil, err)
	for _, p := range pools {
		used += p.Used
	}
	if int64(won)*seatwright.UnitParts != used || won > units || won < units-3 { // the service that has three may not use them all
		f.Errorf("%d won, %g are used, there are %d", won, seatwright.Units(used), units)
	}
	f.wantUsed("a", "UNATT", units, units)
	f.wantReplayed("a")
}

// Guards that several commands in one batch see each other, and that what came and went leaves no row.
func unitsInOneBatch(f *fixture) {
	f.withUnits(2)
	for i, refusal := range together(f, acquireOf("a", "t UNATT one", 1), acquireOf("a", "t UNATT one", 2), acquireOf("a", "u UNATT two", 1)) {
		if (refusal != nil) != (i == 2) {
			f.Errorf("command %d got %v", i, refusal)
		}
	}
	f.wantUse("t UNATT 0 2 2")
	for _, refusal := range together(f, seatwright.ReleaseUnits{Organization: "a", Leases: []seatwright.UnitLeaseRef{refOf("t UNATT one")}, Anybodys: true}) {
		f.must(nil, refusal)
	}
	f.must(nil, f.acquire("u UNATT two", 2))
	f.wantUse("u UNATT 0 2 2")
	f.wantReplayed("a")
}

// Promise: what is consumed counts once under its id, until its period ends, and is never given back.
func consumptionIsMetered(f *fixture) {
	f.withUnits(1)
	f.sells("a", "AIU", 10) // for a year
	f.must(nil, f.give("a", "t", "AIU", 4))
	first, err := decide(f, acquireOf("a", "t AIU event-1", 3))
	f.must(first, err)
	second, err := decide(f, acquireOf("a", "t AIU event-1", 5))
	f.must(second, err)
	if !first.Created || second.Created || second.Lease.Quantity != 3_000_000 || !first.Lease.PeriodEnd.Equal(f.clock.Now().AddDate(1, 0, 0)) {
		f.Errorf("the first answer is %+v, the second %+v", first, second)
	}
	f.must(nil, f.release("event-1"))
	f.must(nil, f.acquire("t AIU event-2", 3.25))
	f.wantUse("t AIU 4 6.25 7")
	f.wantReason(f.acquire("t AIU event-3", 3.750001), seatwright.ReasonUnitsExhausted)
	over := acquireOf("a", "t AIU event-3", 5)
	over.Overdraft = true
	f.must(decide(f, over))
	f.wantUse("t AIU 4 11.25 10") // more than there is
	f.wantUsed("a", "AIU", 10, 10)
	f.wantReason(f.acquire("u AIU event-1", 1), seatwright.ReasonUnitsExhausted)
	f.must(decide(f, seatwright.ChangePolicies{Organization: "a", Overdraft: to(seatwright.AllowOverdraft)}))
	f.must(nil, f.acquire("u AIU event-1", 1))
	f.wantUse("t AIU 4 11.25 10", "u AIU 0 1 0")
	f.must(decide(f, seatwright.ChangeLot{Organization: "a", ID: "bought-AIU", Quantity: to(int64(20))}))
	f.must(nil, f.acquire("t AIU event-4", 0.25))
	f.wantUse("t AIU 4 11.5 12", "u AIU 0 1 0")
	f.clock.advance(365*24*time.Hour - time.Microsecond)
	f.must(nil, f.acquire("t AIU event-4", 0.25))
	f.wantUse("t AIU 4 11.5 12", "u AIU 0 1 0")
	f.clock.advance(time.Microsecond)
	f.wantUse("t AIU 4 0 12", "u AIU 0 0 0") // not swept yet
	f.wantReason(f.acquire("t AIU event-5", 1), seatwright.ReasonNoLicense)
	f.sells2("a", "AIU", 20)
	again, err := decide(f, acquireOf("a", "t AIU event-1", 2)) // a retry: the id is known for a day
	if f.must(again, err); again.Created || again.Lease.Quantity != 3_000_000 {
		f.Errorf("a consumption of the period before was recorded again: %+v", again)
	}
	f.wantUse("t AIU 4 0 4")
	f.clock.advance(seatwright.KeepConsumptions - time.Microsecond)
	f.actor = "application/other"
	f.wantReason(f.acquire("t AIU event-1", 2), seatwright.ReasonAnothersLease)
	f.actor = "application/robots"
	if again, err = decide(f, acquireOf("a", "t AIU event-1", 2)); err != nil || again.Created {
		f.Errorf("a consumption of the period before was recorded again: %+v, %v", again, err)
	}
	f.clock.advance(time.Microsecond)
	again, err = decide(f, acquireOf("a", "t AIU event-1", 2))
	if f.must(again, err); !again.Created {
		f.Error("a consumption of long before was repeated")
	}
	f.wantUse("t AIU 4 2 4")
	f.wantUsage(0, "t AIU 11.5 11.5 11.5", "u AIU 1 1 1")
	f.sweepUnits()
	f.wantUsed("a", "AIU", 4, 20)
	f.wantReplayed("a")
}

// sells2 is a second purchase of a code.
func (f *fixture) sells2(org seatwright.OrganizationID, code seatwright.ProductCode, quantity int64) {
	f.Helper()
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: org, ID: seatwright.LotID("again-" + code), Code: code, Quantity: quantity, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
}

// buys is a purchase of AIU from some day on until another.
func (f *fixture) buys(id string, quantity, from, until int64) {
	f.Helper()
	day := func(n int64) time.Time { return f.clock.Now().AddDate(0, 0, int(n)) }
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: "a", ID: seatwright.LotID(id), Code: "AIU", Quantity: quantity, Start: day(from), End: day(until),
	}}))
}

// known reports that a consumption is taken for one that was recorded already.
func (f *fixture) known(ref string, units float64) bool {
	f.Helper()
	answer, err := decide(f, acquireOf("a", ref, units))
	f.must(answer, err)
	return !answer.Created
}

// Promise: what was bought is consumed once. Of a purchase that overlaps with the one before, what was consumed in the overlap counts until its own end.
func renewedIsConsumedOnce(f *archiveFixture) {
	f.open()
	f.withUnits(1)
	f.buys("first", 5, 0, 30)
	f.buys("second", 3, 20, 60)
	f.must(nil, f.acquire("t AIU event-1", 5))
	f.clock.advance(25 * 24 * time.Hour)
	f.must(nil, f.acquire("t AIU event-2", 3))
	f.wantReason(f.acquire("t AIU event-3", 0.000001), seatwright.ReasonUnitsExhausted)
	f.wantUse("t AIU 0 8 8")
	f.clock.advance(5*24*time.Hour - time.Microsecond)
	f.wantUse("t AIU 0 8 8")
	f.clock.advance(time.Microsecond)
	f.wantUse("t AIU 0 3 8") // not swept yet
	if pools, err := f.store.ServicePools(ctx, "a"); err != nil || !pools[0].PeriodEnd.Equal(f.clock.Now().AddDate(0, 0, 30)) || pools[0].Carried != 0 {
		f.Errorf("the service is told %+v, %v", pools, err)
	}
	if !f.known("t AIU event-2", 3) || !f.known("t AIU event-1", 5) {
		f.Error("a retry behind the end of the period was recorded a second time")
	}
	f.wantUse("t AIU 0 3 3")
	f.wantUsed("a", "AIU", 3, 3)
	f.wantReason(f.acquire("t AIU event-3", 0.000001), seatwright.ReasonUnitsExhausted)
	f.wantReason(f.acquire("u AIU event-3", 0.000001), seatwright.ReasonUnitsExhausted)
	wantSound(f.T, f.place.Archive)

	f.clock.advance(10 * 24 * time.Hour)
	f.buys("third", 4, 0, 40)
	f.wantReason(f.acquire("t AIU event-2", 4.5), seatwright.ReasonUnitsExhausted) // it is forgotten by now
	if f.known("t AIU event-2", 4) {
		f.Error("the id of a consumption is known for longer than a day")
	}
	f.wantUse("t AIU 0 7 7")
	f.clock.advance(20 * 24 * time.Hour)
	f.sweepUnits()
	f.wantUse("t AIU 0 4 4")
	f.wantUsed("a", "AIU", 4, 4)
	f.clock.advance(20 * 24 * time.Hour)
	f.wantUse("t AIU 0 0 4")
	f.sweepUnits()
	f.wantUse()
	f.wantReplayed("a")
	wantSound(f.T, f.place.Archive)
}

// Promise: the same of several services that consume of the same purchases, whatever comes first and whoever ends their periods.
func servicesCarry(f *archiveFixture) {
	f.open()
	f.withUnits(1)
	f.must(decide(f.fixture, seatwright.ChangePolicies{Organization: "a", Overdraft: to(seatwright.AllowOverdraft)}))
	f.buys("first", 5, 0, 30)
	f.buys("second", 3, 20, 60)
	f.must(nil, f.acquire("t AIU event-1", 2.5))
	f.must(nil, f.acquire("u AIU event-1", 1))
	f.clock.advance(25 * 24 * time.Hour)
	for i, refusal := range together(f.fixture, acquireOf("a", "t AIU event-2", 2), acquireOf("a", "u AIU event-2", 1.5)) { // four of the first, then three of the second
		if refusal != nil {
			f.Errorf("command %d got %v", i, refusal)
		}
	}
	f.wantUse("t AIU 0 4.5 5", "u AIU 0 2.5 3")
	f.must(nil, f.acquire("u AIU event-3", 4)) // an overdraft beyond everything
	f.wantUse("t AIU 0 4.5 5", "u AIU 0 6.5 3")
	f.clock.advance(5 * 24 * time.Hour)
	f.wantUse("t AIU 0 0.5 5", "u AIU 0 3 3")
	f.sweepUnits()
	f.wantUse("t AIU 0 0.5 1", "u AIU 0 3 3") // it had drawn them
	f.must(nil, f.acquire("t AIU event-4", 0))
	f.wantReplayed("a")
	wantSound(f.T, f.place.Archive)

	f.buys("third", 2, 0, 60)
	f.must(nil, f.acquire("u AIU event-5", 0.5))
	f.wantUse("t AIU 0 0.5 1", "u AIU 0 3.5 4")
	for _, id := range []seatwright.LotID{"second", "third"} { // the end that was told stands, and nothing is in force then
		f.must(decide(f.fixture, seatwright.RemoveLot{Organization: "a", ID: id}))
	}
	f.clock.advance(30 * 24 * time.Hour)
	f.wantUse("t AIU 0 0 1", "u AIU 0 0 4")
	f.sweepUnits()
	f.wantUse()
	wantSound(f.T, f.place.Archive)
}

// Promise: what is bought is not counted as used up before it is: of a consumption that begins in what ends and goes beyond, only what is beyond is carried.
func onlyBeyondIsCarried(f *archiveFixture) {
	f.open()
	f.withUnits(1)
	f.buys("first", 1000, 0, 30)
	f.buys("second", 1000, 20, 60)
	f.must(nil, f.acquire("t AIU event-1", 999))
	f.clock.advance(20 * 24 * time.Hour)
	f.must(nil, f.acquire("t AIU event-2", 0.75))
	f.must(nil, f.acquire("t AIU event-3", 1.5))
	f.must(decide(f.fixture, seatwright.RemoveLot{Organization: "a", ID: "first"})) // nothing ends at the end of the period, so no lots are loaded for it
	f.clock.advance(10 * 24 * time.Hour)
	f.wantUse("t AIU 0 1.25 1002")
	f.must(nil, f.acquire("t AIU event-4", 998.75)) // the next period begins and is consumed in one batch
	f.wantUse("t AIU 0 1000 1000")
	f.wantReason(f.acquire("t AIU event-5", 0.000001), seatwright.ReasonUnitsExhausted)
	f.wantUsage(30, "t AIU 1001.25 1000 998.75")
	wantSound(f.T, f.place.Archive)
}

// Guards the counters of a restored database: what is in use stays so, and can be given back.
func restoredUnits(f *archiveFixture) {
	f.open()
	f.withUnits(5)
	f.sells("a", "AIU", 3)
	f.must(nil, f.give("a", "t", "UNATT", 2))
	f.must(nil, f.acquire("t UNATT one", 3.5))
	f.must(nil, f.acquire("t AIU event", 2))
	rows := dump(f.T, f.place.Archive)
	f.place = f.empty(f.T)
	f.must(nil, f.place.Archive.Restore(ctx, sequence(rows)))
	f.store = f.place.Open(f.T, f.clock.Now)
	f.wantUse("t AIU 0 2 2", "t UNATT 2 3.5 4")
	f.wantReason(f.acquire("u UNATT two", 1.5), seatwright.ReasonUnitsExhausted)
	repeated, err := decide(f.fixture, acquireOf("a", "t AIU event", 2))
	if f.must(repeated, err); repeated.Created {
		f.Error("what was consumed before the backup was recorded again")
	}
	f.must(nil, f.release("one"))
	f.wantUsed("a", "UNATT", 2, 5)
	wantSound(f.T, f.place.Archive)
}

// Guards the events against what a service uses beyond what there was: it draws nothing for that until somebody changes what it has, or uses more.
func overdrawnIsLeftAlone(f *archiveFixture) {
	f.open()
	f.withUnits(5)
	f.sells("a", "AIU", 1)
	f.must(decide(f.fixture, seatwright.ChangePolicies{Organization: "a", Overdraft: to(seatwright.AllowOverdraft)}))
	f.must(nil, f.acquire("u AIU all there is", 1))
	f.must(nil, f.acquire("t AIU beyond it", 2))
	f.must(decide(f.fixture, seatwright.ChangeLot{Organization: "a", ID: "bought-AIU", Quantity: to(int64(6))}))
	f.must(nil, f.give("a", "t", "UNATT", 2))
	f.wantUse("t AIU 0 2 0", "t UNATT 2 0 2", "u AIU 0 1 1")
	wantSound(f.T, f.place.Archive)
}
