package directory

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/seatwright/seatwright"
)

// addressCounts count the failed logins of each client address in a minute, in the memory of this node.
type addressCounts struct {
	limits seatwright.SignInLimits
	now    func() time.Time

	mu      sync.Mutex
	counts  map[netip.Addr]seatwright.SignIns
	running map[netip.Addr]int // logins that are under way
}

// maxAddresses bounds the memory: beyond it addresses are forgotten, those of the past first.
const maxAddresses = 50_000

func newAddressCounts(perMinute int64, now func() time.Time) *addressCounts {
	return &addressCounts{limits: seatwright.SignInLimits{PerMinute: perMinute}, now: now, counts: map[netip.Addr]seatwright.SignIns{}, running: map[netip.Addr]int{}}
}

// whose is what an address is counted under: an IPv6 client owns a whole /64. All that are no address of IP are one.
func whose(address string) netip.Addr {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}

// admit counts a failure before it has happened, so that logins at the same time cannot be too many. The error is
// rate_limited/too_many_failures.
func (c *addressCounts) admit(address string) error {
	if c.limits.PerMinute <= 0 {
		return nil
	}
	from, now := whose(address), c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	after, err := c.counts[from].Admit(c.limits, now)
	if err != nil {
		return err
	}
	if _, known := c.counts[from]; !known && len(c.counts) >= maxAddresses {
		c.makeRoom(now)
	}
	c.counts[from] = after
	return nil
}

// begin lets a login of an address begin, where fewer than most are under way; done has to be called when it is over. The error is
// rate_limited/overloaded.
func (c *addressCounts) begin(address string, most int) (done func(), err error) {
	from := whose(address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[from] >= most {
		return nil, tooManyLogins()
	}
	c.running[from]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.running[from]--; c.running[from] == 0 {
			delete(c.running, from)
		}
	}, nil
}

func (c *addressCounts) makeRoom(now time.Time) {
	for address, s := range c.counts {
		if now.Sub(s.WindowAt) >= time.Minute {
			delete(c.counts, address)
		}
	}
	if len(c.counts) >= maxAddresses {
		clear(c.counts)
	}
}

// giveBack takes one failure back that has not happened.
func (c *addressCounts) giveBack(address string) {
	from := whose(address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.counts[from]; s.WindowFailures > 0 {
		s.WindowFailures--
		c.counts[from] = s
	}
}

// nameCounts count the failed logins with names that nobody has, as the store counts those of people: who guesses must not be
// able to tell them apart. The names themselves are not kept.
type nameCounts struct {
	limits seatwright.SignInLimits
	now    func() time.Time
	seed   maphash.Seed

	mu     sync.Mutex
	counts map[nameKey]seatwright.SignIns
}

// nameKey stands for a name: a keyed hash, so short that the memory is bounded. Two names may share one count; that hurts
// nobody, because nobody has them.
type nameKey uint16

func newNameCounts(limits seatwright.SignInLimits, now func() time.Time) *nameCounts {
	return &nameCounts{limits: limits, now: now, seed: maphash.MakeSeed(), counts: map[nameKey]seatwright.SignIns{}}
}

func (c *nameCounts) key(organization seatwright.OrganizationID, name string) nameKey {
	return nameKey(maphash.Comparable(c.seed, [2]string{string(organization), name}))
}

// admit counts a failure, or refuses it as [seatwright.SignIns] does.
func (c *nameCounts) admit(key nameKey) error {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	after, err := c.counts[key].Admit(c.limits, now)
	if err == nil {
		c.counts[key] = after
	}
	return err
}

func (c *nameCounts) forget(key nameKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.counts, key)
}
