package ledger_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"syscall"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

func TestScratch(t *testing.T) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.New(store, slog.Default())
	defer store.Close()
	defer l.Close()
	o := seatwright.SystemCaller("test").Origin()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = ledger.Submit(ctx, l, o, seatwright.CreateHost{})
	must(err)
	const orgs, users = 10, 8000
	codes := seatwright.Catalogue()
	t0 := time.Now()
	for i := range orgs {
		id := seatwright.OrganizationID(fmt.Sprintf("org-%d", i))
		_, err = ledger.Submit(ctx, l, o, seatwright.CreateOrganization{ID: id, Name: fmt.Sprintf("org%d", i), UnknownUsers: "refuse"})
		must(err)
		for _, b := range codes {
			_, err = ledger.Submit(ctx, l, o, seatwright.CreateLot{Lot: seatwright.Lot{Organization: id, ID: seatwright.LotID("l" + b.Code), Code: b.Code, Quantity: 1000000, Start: t0.Add(-time.Hour), End: t0.Add(time.Hour * 1000)}})
			must(err)
		}
		var wg sync.WaitGroup
		for k := range 64 {
			wg.Go(func() {
				for u := k; u < users; u += 64 {
					_, err := ledger.Submit(ctx, l, o, seatwright.CreateUser{User: seatwright.User{Organization: id, ID: seatwright.UserID(fmt.Sprintf("user-%012d", u)), Role: "member"}})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	t.Log("setup", time.Since(t0))
	if p := os.Getenv("PROF"); p != "" {
		f, _ := os.Create(p)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	for _, keyed := range []bool{false, true} {
		var n atomic.Int64
		var wg sync.WaitGroup
		lat := make([][]float64, 64)
		t0 = time.Now(); var ru0 syscall.Rusage; syscall.Getrusage(0, &ru0)
		for c := range 64 {
			wg.Go(func() {
				for time.Since(t0) < 1500*time.Millisecond {
					i := n.Add(1)
					if i >= orgs*users {
						return
					}
					org := o
					org.RequestID = seatwright.NewID()
					if keyed {
						org.Key = seatwright.NewID()
					}
					s := time.Now()
					code := codes[(i+boolInt(keyed))%17].Code
					_, err := ledger.Submit(ctx, l, org, seatwright.AllocateToUsers{Organization: seatwright.OrganizationID(fmt.Sprintf("org-%d", i%orgs)),
						Users: []seatwright.UserID{seatwright.UserID(fmt.Sprintf("user-%012d", i/orgs))}, Codes: []seatwright.BundleCode{code}})
					if err != nil {
						t.Error(err)
						return
					}
					lat[c] = append(lat[c], float64(time.Since(s).Microseconds()))
				}
			})
		}
		wg.Wait()
		el := time.Since(t0)
		var all []float64
		for _, x := range lat {
			all = append(all, x...)
		}
		sort.Float64s(all)
		var ru1 syscall.Rusage; syscall.Getrusage(0, &ru1); cpu := float64(ru1.Utime.Nano()+ru1.Stime.Nano()-ru0.Utime.Nano()-ru0.Stime.Nano())/1000/float64(len(all)); fmt.Printf("cpu us per cmd %.1f  ", cpu); fmt.Printf("keyed %v: %.0f/s n=%d p50 %.0f p99 %.0f\n", keyed, float64(len(all))/el.Seconds(), len(all), all[len(all)/2], all[len(all)*99/100])
	}
}
func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
