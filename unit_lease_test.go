package seatwright_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/modeltest"
)

// consumed is what was recorded of a consumable at an instant.
type consumed struct {
	at    time.Time
	parts int64
}

// bought reports that everything that was consumed can be of some purchase that was in force at the time, and of none more than it has. Taking of
// the one that ends first leaves most for what comes later.
func bought(lots []seatwright.Lot, all []consumed) bool {
	left := make([]int64, len(lots))
	order := make([]int, len(lots))
	for i, l := range lots {
		left[i], order[i] = l.Quantity*seatwright.UnitParts, i
	}
	slices.SortFunc(order, func(a, b int) int { return lots[a].Expiry().Compare(lots[b].Expiry()) })
	for _, c := range all {
		for _, i := range order {
			if lots[i].InForce(c.at) {
				taken := min(c.parts, left[i])
				left[i], c.parts = left[i]-taken, c.parts-taken
			}
		}
		if c.parts > 0 {
			return false
		}
	}
	return true
}

// Promise: never more is consumed than was bought, however purchases overlap, whichever services consume and whenever their periods are swept.
func TestNeverMoreIsConsumedThanWasBought(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const org, code = seatwright.OrganizationID("org"), seatwright.ProductCode("AIU")
		r, hour := newRows(), func(n int) time.Time { return modeltest.Begin.Add(time.Duration(n) * time.Hour) }
		do := func(decide func(s *seatwright.Slice) error) error {
			s := r.load()
			err := decide(s)
			r.apply(t, s.Changes())
			return err
		}
		setup := []modeltest.Command{
			modeltest.Of(seatwright.CreateHost{}), modeltest.Of(seatwright.CreateOrganization{ID: org, Name: "org", UnknownUsers: seatwright.RefuseUnknownUsers}),
		}
		tenants := []seatwright.TenantID{"t-1", "t-2", "t-3"}[:rapid.IntRange(1, 3).Draw(t, "services")]
		for _, tenant := range tenants {
			setup = append(setup, modeltest.Of(seatwright.CreateTenant{Organization: org, ID: tenant, Name: string(tenant)}))
		}
		var lots []seatwright.Lot
		for i := range rapid.IntRange(2, 5).Draw(t, "purchases") {
			start := hour(i * rapid.IntRange(0, 20).Draw(t, "start"))
			lots = append(lots, seatwright.Lot{
				Organization: org, ID: seatwright.LotID(fmt.Sprint("lot-", i)), Code: code, Quantity: rapid.Int64Range(1, 6).Draw(t, "quantity"),
				Start: start, End: start.Add(time.Duration(rapid.SampledFrom([]int{10, 20, 30, 40}).Draw(t, "life")) * time.Hour), Grace: time.Hour,
			})
			setup = append(setup, modeltest.Of(seatwright.CreateLot{Lot: lots[i]}))
		}
		for _, c := range setup {
			if err := do(func(s *seatwright.Slice) error { return c.Decide(s, seatwright.Origin{}) }); err != nil {
				t.Fatal(err)
			}
		}
		var all []consumed
		t.Repeat(map[string]func(*rapid.T){
			"consume": func(t *rapid.T) {
				parts := rapid.SampledFrom([]int64{250_000, 1_000_000, 2_500_000, 4_000_000}).Draw(t, "millionths")
				key := seatwright.ServiceKey{PoolScope: seatwright.PoolScope{Tenant: rapid.SampledFrom(tenants).Draw(t, "tenant"), Service: "apps"}, Code: code}
				c := seatwright.AcquireUnits{
					Organization: org, Quantity: &parts, Lease: seatwright.UnitLeaseRef{ServiceKey: key, ID: seatwright.UnitLeaseID(fmt.Sprint("event-", rapid.IntRange(0, 99).Draw(t, "event")))},
				}
				err := do(func(s *seatwright.Slice) error {
					answer, err := c.Decide(s, seatwright.Origin{Actor: "application/apps"})
					if answer.Created {
						all = append(all, consumed{r.now, parts})
					}
					return err
				})
				if err != nil && !seatwright.IsReason(err, seatwright.ReasonUnitsExhausted) && !seatwright.IsReason(err, seatwright.ReasonNoLicense) {
					t.Fatal(err)
				}
			},
			"time": func(t *rapid.T) {
				r.now = r.now.Add(time.Duration(rapid.SampledFrom([]int{1, 4, 12}).Draw(t, "hours")) * time.Hour)
			},
			"sweep": func(t *rapid.T) {
				err := do(func(s *seatwright.Slice) error {
					_, err := seatwright.SweepUnits{Organization: org, Codes: []seatwright.ProductCode{code}}.Decide(s, seatwright.Origin{})
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				if !bought(lots, all) {
					t.Fatalf("of %v were consumed %v", lots, all)
				}
			},
		})
	})
}
