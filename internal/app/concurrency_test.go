package app_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// Promise: no unit is given out twice, however many ask at once, and whoever was told that they have one has it: after a
// restart, in the seats and in the events.
func TestConcurrentCallersNeverOversell(t *testing.T) {
	t.Parallel()
	const callers, units = 256, 100
	w := setup(t)
	users := numberedUsers(callers)
	path := w.organization(t, directory.NewOrganization{Name: "crowd"}, users, map[string]int64{"ATTUNU": units})
	answers := make([]answer, callers)
	start := make(chan struct{})
	var asking sync.WaitGroup
	for i, user := range users {
		asking.Go(func() {
			<-start
			answers[i] = w.do(t, call{as: "crowd", method: http.MethodPut, path: path, body: `{"userIds":["` + user + `"],"userBundleCodes":["ATTUNU"]}`})
		})
	}
	close(start)
	asking.Wait()

	var told []string
	for i, a := range answers {
		switch a.status {
		case 200:
			told = append(told, users[i])
		case 409:
			problem := decoded[wire.Problem](t, a, 409)
			want(t, "shortages", problem.Shortages, []wire.Shortage{{Bundle: "ATTUNU", Requested: 1, Available: 0}})
		default:
			t.Errorf("%s: %d %s", users[i], a.status, a.body)
		}
	}
	want(t, "users who were given a seat", len(told), units)

	w.stop(t)
	store := storeOf(t, w.dir)
	defer store.Close()
	auditStore(t, store, "crowd-id")
	auditStore(t, store, w.demo.Acme.Organization)
	seats, err := store.SeatUnits(t.Context(), "crowd-id")
	check(t, err)
	want(t, "units of all seats", seats["ATTUNU"], int64(units))
	ids, err := seatwright.UserIDs(users)
	check(t, err)
	allocations, err := store.Allocations(t.Context(), "crowd-id", ids)
	check(t, err)
	var holding []string
	for _, a := range allocations {
		holding = append(holding, string(a.User))
	}
	slices.Sort(told)
	slices.Sort(holding)
	want(t, "holders are those who were told so", holding, told)
	var given, refused int
	for _, e := range readEvents(t, store, "crowd-id", 0) {
		switch e.Kind {
		case seatwright.EventAllocationSet:
			given++
		case seatwright.EventAllocationRefused:
			refused++
		}
	}
	want(t, "events of seats", given, units)
	if refused == 0 || refused > callers-units {
		t.Errorf("%d refusals are recorded", refused)
	}
}

// Promise: calls that give to several users, or take back, do not get in each other's way: everything adds up in the end.
func TestConcurrentChangesAddUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	users := numberedUsers(16)
	l := licensee{w, "busy", w.organization(t, directory.NewOrganization{Name: "busy"}, users, map[string]int64{"ATTUNU": 5, "TSTNU": 7})}
	var changing sync.WaitGroup
	for i := range 8 {
		changing.Go(func() {
			for round := range 12 {
				some := []string{users[(i+round)%16], users[(i*3+round*5)%16], users[(i*7+round)%16]}
				var got answer
				switch (i + round) % 4 {
				case 0:
					got = l.send(t, http.MethodDelete, map[string]any{"userIds": some}, nil)
				case 1:
					got = l.allocate(t, some, []string{"TSTNU", "ATTUNU"})
				case 2:
					got = l.allocate(t, some[:2], []string{"ATTUNU"})
				case 3:
					got = l.allocate(t, some, nil)
				}
				if got.status != 200 && (got.status != 409 || !strings.Contains(got.body, "pool_exhausted")) {
					t.Errorf("%d %s", got.status, got.body)
				}
			}
		})
	}
	changing.Wait()
	w.audit(t, "busy-id")
}
