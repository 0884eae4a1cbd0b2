package server

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
)

// rates limit how many requests one principal makes in a second, on this node. Each has a second's worth at once and gets more
// as time goes by (a token bucket, kept as the one instant at which it is full again). It may be used from many goroutines;
// those of different principals hardly ever wait for each other.
type rates struct {
	interval time.Duration // between two requests, in the long run; 0: no limit
	now      func() time.Duration
	seed     maphash.Seed
	shards   [rateShards]rateShard
}

const (
	rateShards = 64
	rateShare  = 1024 // principals that a shard remembers
)

type rateShard struct {
	mu   sync.RWMutex
	full map[rateKey]*atomic.Int64 // nanoseconds: when the bucket of the principal is full again
}

type rateKey struct {
	kind         seatwright.PrincipalKind
	id           string
	organization seatwright.OrganizationID
}

// newRates makes the limit of a number of requests per second; 0 is none.
func newRates(perSecond int) *rates {
	begin := time.Now()
	r := &rates{seed: maphash.MakeSeed(), now: func() time.Duration { return time.Since(begin) }}
	if perSecond > 0 {
		r.interval = time.Second / time.Duration(perSecond)
	}
	for i := range r.shards {
		r.shards[i].full = map[rateKey]*atomic.Int64{}
	}
	return r
}

// admit takes one request out of the principal's bucket. The error is rate_limited/too_many_requests.
func (r *rates) admit(p seatwright.Principal) error {
	if r.interval == 0 {
		return nil
	}
	key := rateKey{p.Kind, p.ID, p.Organization}
	now := r.now()
	full := r.shards[maphash.String(r.seed, p.ID)%rateShards].of(key, now)
	for {
		before := full.Load()
		after := max(time.Duration(before), now) + r.interval
		if wait := after - now - time.Second; wait > 0 {
			e := seatwright.NewError(seatwright.KindRateLimited, seatwright.ReasonTooManyRequests, "too many requests in one second")
			e.RetryAfter = wait
			return e
		}
		if full.CompareAndSwap(before, int64(after)) {
			return nil
		}
	}
}

func (s *rateShard) of(key rateKey, now time.Duration) *atomic.Int64 {
	s.mu.RLock()
	full := s.full[key]
	s.mu.RUnlock()
	if full != nil {
		return full
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if full = s.full[key]; full != nil {
		return full
	}
	if len(s.full) >= rateShare {
		s.makeRoom(now)
	}
	full = &atomic.Int64{}
	s.full[key] = full
	return full
}

// makeRoom forgets whose bucket is full, which changes nothing for them, and everybody if that are none.
func (s *rateShard) makeRoom(now time.Duration) {
	for key, full := range s.full {
		if time.Duration(full.Load()) <= now {
			delete(s.full, key)
		}
	}
	if len(s.full) >= rateShare {
		clear(s.full)
	}
}
