package server

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

func person(id string) seatwright.Principal {
	return seatwright.Principal{Kind: seatwright.PrincipalUser, ID: id, Organization: "acme"}
}

// Promise: one principal makes a second's worth of requests at once and then as many as time brings; nobody else notices.
func TestRatesLimitEachPrincipal(t *testing.T) {
	t.Parallel()
	r := newRates(10)
	now := time.Hour
	r.now = func() time.Duration { return now }
	admitted := func(p seatwright.Principal) (n int) {
		for range 100 {
			err := r.admit(p)
			if err == nil {
				n++
				continue
			}
			if e := seatwright.AsError(err); e.Kind != seatwright.KindRateLimited || e.Reason != seatwright.ReasonTooManyRequests || e.RetryAfter <= 0 || e.RetryAfter > 100*time.Millisecond {
				t.Fatalf("refused with %+v", e)
			}
		}
		return n
	}
	if n := admitted(person("ann")); n != 10 {
		t.Errorf("%d at once, want 10", n)
	}
	application := seatwright.Principal{Kind: seatwright.PrincipalApplication, ID: "ann", Organization: "acme"}
	elsewhere := seatwright.Principal{Kind: seatwright.PrincipalUser, ID: "ann", Organization: "globex"}
	for _, other := range []seatwright.Principal{person("bob"), application, elsewhere} {
		if n := admitted(other); n != 10 {
			t.Errorf("%d of %+v, want 10", n, other)
		}
	}
	now += 300 * time.Millisecond
	if n := admitted(person("ann")); n != 3 {
		t.Errorf("%d after 300 ms, want 3", n)
	}
	now += time.Hour
	if n := admitted(person("ann")); n != 10 {
		t.Errorf("%d after an hour, want 10", n)
	}
}

func TestRatesAreOffWithZero(t *testing.T) {
	t.Parallel()
	r := newRates(0)
	for range 100_000 {
		if err := r.admit(person("ann")); err != nil {
			t.Fatal(err)
		}
	}
}

// Guards the memory: any number of principals takes no more than the shards hold, and whoever is over the limit stays there
// while others come and go.
func TestRatesForgetWhoIsIdle(t *testing.T) {
	t.Parallel()
	r := newRates(10)
	var now atomic.Int64
	r.now = func() time.Duration { return time.Duration(now.Load()) }
	for i := range 3 * rateShards * rateShare {
		now.Add(int64(time.Millisecond))
		for r.admit(person("busy")) == nil {
		}
		if err := r.admit(person(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range r.shards {
		if n := len(r.shards[i].full); n > rateShare {
			t.Errorf("shard %d remembers %d", i, n)
		}
	}
	if r.admit(person("busy")) == nil {
		t.Error("whoever is over the limit was forgotten")
	}
}

func TestRatesCountRequestsAtTheSameTime(t *testing.T) {
	t.Parallel()
	r := newRates(500)
	r.now = func() time.Duration { return time.Minute }
	var group sync.WaitGroup
	var admitted atomic.Int64
	for range 8 {
		group.Go(func() {
			for range 1000 {
				if r.admit(person("ann")) == nil {
					admitted.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := admitted.Load(); n != 500 {
		t.Errorf("%d were admitted, want 500", n)
	}
}

// Promise: whoever asks too often is told so as a problem, and when to come back; nobody else is, and probes never are.
func TestTooManyRequestsAreAProblem(t *testing.T) {
	t.Parallel()
	_, handler := limited(t, 1)
	if answer := call(handler, "GET", license, adminToken, ""); answer.Code != http.StatusOK {
		t.Fatalf("the first request: %d %s", answer.Code, answer.Body)
	}
	answer := call(handler, "GET", license, adminToken, "")
	if answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") != "1" {
		t.Errorf("the second: %d %v", answer.Code, answer.Header())
	}
	checkProblem(t, answer)
	for path, token := range map[string]string{license: readerToken, "/livez": "", "/readyz": ""} {
		if answer := call(handler, "GET", path, token, ""); answer.Code != http.StatusOK {
			t.Errorf("%s for somebody else: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// What the limit costs beside the rest of a request: off, for everybody at once from one principal, and from many.
func BenchmarkRates(b *testing.B) {
	principals := make([]seatwright.Principal, 1000)
	for i := range principals {
		principals[i] = person(seatwright.NewID())
	}
	for _, c := range []struct {
		name       string
		perSecond  int
		principals int
	}{{"Off", 0, 1}, {"OnePrincipal", 1_000_000_000, 1}, {"ManyPrincipals", 1_000_000_000, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRates(c.perSecond)
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					_ = r.admit(principals[i%c.principals])
				}
			})
		})
	}
}

// The same as a part of whole requests, without a network.
func BenchmarkRequestWithRates(b *testing.B) {
	for name, perSecond := range map[string]int{"Off": 0, "On": 1_000_000_000} {
		b.Run(name, func(b *testing.B) {
			_, handler := limited(b, perSecond)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call(handler, "GET", license, memberToken, "") // refused right behind: nothing else is in the number
				}
			})
		})
	}
}
