package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
)

func distribute(organization seatwright.OrganizationID, units int64) seatwright.DistributeToOrganization {
	return seatwright.DistributeToOrganization{Organization: organization, Products: []seatwright.Quantity{{Code: "ATTUNU", Units: units}}}
}

// hosted makes a database with two organizations and a host that has units, and opens two nodes on it.
func hosted(t *testing.T, units int64) (url string, nodes [2]*postgres.Store) {
	t.Helper()
	url = pgtest.Database(t)
	for i := range nodes {
		nodes[i] = open(t, url, postgres.Options{})
	}
	must(t, do(t.Context(), nodes[0], seatwright.CreateHost{}))
	for _, id := range []string{"a", "b"} {
		must(t, do(t.Context(), nodes[0], organization(id)))
	}
	must(t, do(t.Context(), nodes[0], seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: seatwright.HostID, ID: "lot", Code: "ATTUNU", Quantity: units, End: time.Now().AddDate(1, 0, 0),
	}}))
	return url, nodes
}

// Promise: two nodes that distribute at once never distribute more than the host has, whatever each of them remembers.
func TestTwoNodesDistributeWhatThereIs(t *testing.T) {
	t.Parallel()
	const units = 10
	url, nodes := hosted(t, units)
	var wg sync.WaitGroup
	for i, id := range []seatwright.OrganizationID{"a", "b"} {
		wg.Go(func() {
			for n := range 40 {
				err := do(t.Context(), nodes[i], distribute(id, int64(n*7%(units+1))))
				if err != nil && !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	used := number(t, url, `SELECT p.used FROM pools p JOIN organizations o ON o.number = p.organization WHERE o.name = 'host'`)
	given := number(t, url, `SELECT coalesce(sum(quantity), 0)::int8 FROM lots WHERE origin = 'host'`)
	if used != given || given > units {
		t.Errorf("%d units are used at the host, %d are distributed, there are %d", used, given, units)
	}
	v := seatwright.NewVerification(func(sentence string) { t.Error(sentence) })
	must(t, postgres.NewArchive(url).Dump(t.Context(), func(r seatwright.Row) error { v.Row(r); return nil }))
	v.End()
}

// Guards what a node remembers of an organization: what another node has taken back, or given, counts at once.
func TestANodeForgetsWhatAnotherHasTakenBack(t *testing.T) {
	t.Parallel()
	_, nodes := hosted(t, 10)
	take := func(node, user int) error {
		return do(t.Context(), nodes[node], seatwright.AllocateToUsers{
			Organization: "a", Users: []seatwright.UserID{seatwright.UserID(fmt.Sprintf("u-%d", user))}, Codes: []seatwright.ProductCode{"ATTUNU"},
		})
	}
	want := func(err error, reason seatwright.Reason) {
		t.Helper()
		if !seatwright.IsReason(err, reason) {
			t.Errorf("got %v, want %s", err, reason)
		}
	}
	want(take(1, 1), seatwright.ReasonNoLicense)
	must(t, do(t.Context(), nodes[0], distribute("a", 1)))
	must(t, take(1, 1))
	want(take(1, 2), seatwright.ReasonPoolExhausted)
	must(t, do(t.Context(), nodes[0], distribute("a", 2)))
	must(t, take(1, 2))
	must(t, do(t.Context(), nodes[0], seatwright.RemoveOrganizationLicense{Organization: "a"}))
	want(take(1, 3), seatwright.ReasonNoLicense)
}

// Promise: services that take units through two nodes at once never use more than there are, whatever each node remembers; renewals, releases
// and smaller services come in between.
func TestTwoNodesLeaseWhatThereIs(t *testing.T) {
	t.Parallel()
	const units = 10
	url, nodes := hosted(t, units)
	must(t, do(t.Context(), nodes[0], seatwright.CreateTenant{Organization: "a", ID: "t", Name: "t"}))
	must(t, do(t.Context(), nodes[0], seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: "a", ID: "lot", Code: "UNATT", Quantity: units, End: time.Now().AddDate(1, 0, 0),
	}}))
	var wg sync.WaitGroup
	for i, service := range []seatwright.ServiceType{"apps", "orchestrator"} {
		scope := seatwright.PoolScope{Tenant: "t", Service: service}
		wg.Go(func() {
			for n := range 60 {
				lease := seatwright.UnitLeaseRef{ServiceKey: seatwright.ServiceKey{PoolScope: scope, Code: "UNATT"}, ID: seatwright.UnitLeaseID(fmt.Sprint("job-", n%5))}
				quantity := int64(n*7%5) * seatwright.UnitParts / 2
				err := do(t.Context(), nodes[i], seatwright.AcquireUnits{Organization: "a", Lease: lease, Quantity: &quantity})
				if err != nil && !seatwright.IsReason(err, seatwright.ReasonUnitsExhausted) {
					t.Error(err)
				}
				switch n % 6 {
				case 2:
					if err := do(t.Context(), nodes[1-i], seatwright.ReleaseUnits{Organization: "a", Leases: []seatwright.UnitLeaseRef{lease}}); err != nil {
						t.Error(err)
					}
				case 4:
					err := do(t.Context(), nodes[1-i], seatwright.AllocateToService{
						Organization: "a", Tenant: "t", Service: service, Products: []seatwright.Quantity{{Code: "UNATT", Units: int64(n % 4)}},
					})
					if err != nil && !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	used := number(t, url, `SELECT used FROM pools WHERE code = 'UNATT'`)
	drawn := number(t, url, `SELECT coalesce(sum(drawn), 0)::int8 FROM service_pools`)
	parts := number(t, url, `SELECT coalesce(sum(quantity), 0)::int8 FROM unit_leases`)
	if used != drawn || used > units || parts > units*seatwright.UnitParts {
		t.Errorf("%d units are used, services have drawn %d and use %g, there are %d", used, drawn, seatwright.Units(parts), units)
	}
	v := seatwright.NewVerification(func(sentence string) { t.Error(sentence) })
	must(t, postgres.NewArchive(url).Dump(t.Context(), func(r seatwright.Row) error { v.Row(r); return nil }))
	v.End()
}
