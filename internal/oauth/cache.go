package oauth

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
)

const (
	cacheLife   = time.Minute
	cacheSize   = 10_000
	cacheShards = 16
)

// cache remembers verified tokens by their SHA-256, so that neither the memory of the process nor the timing of a look-up
// holds a token. It is bounded roughly: each shard by its share.
type cache struct {
	generation atomic.Uint64
	shards     [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.RWMutex
	entries map[[sha256.Size]byte]cacheEntry
}

type cacheEntry struct {
	principal  seatwright.Principal
	from       int64 // nanoseconds since 1970; earlier than that the clock has gone back, and the token is looked at anew
	until      int64
	generation uint64 // entries of an older one are void
}

func newCache() *cache {
	c := &cache{}
	for i := range c.shards {
		c.shards[i].entries = make(map[[sha256.Size]byte]cacheEntry)
	}
	return c
}

func (c *cache) get(key *[sha256.Size]byte, now int64) (seatwright.Principal, bool) {
	s := &c.shards[key[0]%cacheShards]
	s.mu.RLock()
	e, known := s.entries[*key]
	s.mu.RUnlock()
	if !known || now < e.from || now >= e.until || e.generation != c.generation.Load() {
		return seatwright.Principal{}, false
	}
	return e.principal, true
}

// put stores an entry; in a full shard another one, whichever comes first, makes room.
func (c *cache) put(key *[sha256.Size]byte, e cacheEntry) {
	s := &c.shards[key[0]%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.entries[*key]; !known && len(s.entries) >= cacheSize/cacheShards {
		for other := range s.entries {
			delete(s.entries, other)
			break
		}
	}
	s.entries[*key] = e
}
