// Package crashtest puts load on real servers while something breaks them, and proves from the answers that the clients
// got that nothing acknowledged was lost and no seat was sold twice. It knows nothing of stores: whoever uses it starts the
// servers, says through a [Front] which of them are up, and breaks them during a [Load.Window].
//
// Clients repeat every request with its idempotency key, through the faults, until it is answered. So every operation has an
// outcome, and porcupine can look for one order of all operations of a pool in which every answer is right. Start at Window;
// model.go and bank.go are the specification, client.go the clients' side of the protocol, process.go a server's life.
package crashtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/faults"
)

// Stats counts what the clients met.
type Stats struct {
	Operations, Refusals, Retried, Replayed atomic.Int64
	Broken                                  atomic.Int64 // connections
	Unable                                  atomic.Int64 // answers 503 and 429
	LeftOut                                 atomic.Int64 // of the operations: what was read of what is gone, see Load.Undone

	// Operations that open a session, change a group or its rule, a purchase, what is distributed, what services use.
	Sessions, Rules, Lots, Quantities, Units atomic.Int64
}

func (s *Stats) String() string {
	return fmt.Sprintf("%d operations (%d refused; %d sessions, %d changes of groups and rules, %d of purchases, %d of distributions, %d of leased and consumed units), %d of them repeated through a fault, %d replays of an answered key, %d broken connections, %d answers 503",
		s.Operations.Load(), s.Refusals.Load(), s.Sessions.Load(), s.Rules.Load(), s.Lots.Load(), s.Quantities.Load(), s.Units.Load(), s.Retried.Load(), s.Replayed.Load(), s.Broken.Load(), s.Unable.Load())
}

// Load is many clients and what is known of the pools that they share. Prepare it once, then run windows.
type Load struct {
	Front     *Front
	Stats     Stats
	Artifacts string               // directory for pictures of violations; empty: none are made
	Patience  time.Duration        // of the clients, see Client
	Astray    bool                 // of the clients, see Client
	Hurry     func() time.Duration // of the clients of a window, see Client
	Token     string               // of the organization's administrator, once prepared

	host     string   // token of the host's first administrator
	members  []string // tokens of the people of the club
	seed     uint64
	random   *rand.Rand
	clients  int // so far; numbers the random streams
	begin    time.Time
	states   [len(codes)]state // at the last moment without load
	deposits deposits
	club     club
	stock    stock
	windows  int // so far
	undone   span
	jobs     workshop
	runs     workshop
}

// NewLoad makes a load on what is up at front; the choices of its clients come from seed.
func NewLoad(front *Front, seed uint64) *Load {
	return &Load{Front: front, seed: seed, random: faults.Random(seed, 0), begin: time.Now(), deposits: initialDeposits}
}

// Window runs 8 to 16 clients for as long as disturb takes, lets them finish, reads the truth, and checks the history of each
// pool. The servers have to be up, all of them, when disturb returns. The error is a *Violation where a server has done wrong.
func (l *Load) Window(ctx context.Context, disturb func(context.Context) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	rest := make(chan struct{})
	l.undone = span{}
	l.windows++
	w := window{number: l.windows}
	var clients sync.WaitGroup
	for range 8 + l.random.IntN(9) {
		l.clients++
		client := l.Client()
		client.Hurry = l.Hurry
		c := &worker{Client: client, id: l.clients, random: faults.Random(l.seed, l.clients), window: &w, begin: l.begin}
		clients.Go(func() {
			defer c.Close()
			if err := c.work(ctx, rest); err != nil {
				fail(err)
			}
		})
	}
	disturbed := disturb(ctx)
	if disturbed != nil {
		fail(disturbed)
	}
	close(rest)
	clients.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return l.check(ctx, &w)
}

// span is a time of the load, from its beginning on.
type span struct{ begin, end time.Duration }

// Undone runs what makes visible on a server what is gone afterwards, for instance a commit whose wait for the standby is cancelled before the
// standby takes over. It is called once in a window, at most. What clients read meanwhile has no place in an order of what happened, and is
// left out of the histories; what they were told that they have done stays in.
func (l *Load) Undone(do func() error) error {
	begin := time.Since(l.begin)
	err := do()
	l.undone = span{begin, time.Since(l.begin)}
	return err
}

// leaveOut removes from the histories what was read of what is gone.
func (l *Load) leaveOut(w *window) {
	for i, history := range w.history {
		w.history[i] = slices.DeleteFunc(history, func(o porcupine.Operation) bool {
			return o.Input.(interface{ reads() bool }).reads() && o.Call < int64(l.undone.end) && o.Return > int64(l.undone.begin)
		})
		l.Stats.LeftOut.Add(int64(len(history) - len(w.history[i])))
	}
}

// Client makes a client of the organization's administrator.
func (l *Load) Client() *Client {
	c := NewClient(l.Front, l.Token, &l.Stats)
	c.Patience, c.Astray = l.Patience, l.Astray
	c.host, c.members = l.host, l.members
	return c
}

// check reads what is so now, and whether the history explains it.
func (l *Load) check(ctx context.Context, w *window) error {
	l.leaveOut(w)
	reader := &worker{Client: l.Client(), window: w, begin: l.begin}
	defer reader.Close()
	inUse, err := reader.inUse(ctx)
	if err != nil {
		return err
	}
	for pool, code := range codes {
		out, err := reader.record(ctx, pool, input{read, 1<<people - 1})
		if err != nil {
			return err
		}
		if n := out.records.holders(); n != inUse[code] || n > capacity {
			return violated("pool %s says that %d are allocated; %d people hold one, %d were bought", code, inUse[code], n, capacity)
		}
		if err := checkHistory(code, model(l.states[pool]), w.history[pool], l.picture(code)); err != nil {
			return err
		}
		l.states[pool] = out.records
	}
	deposits, err := reader.deposits(ctx)
	if err != nil {
		return err
	}
	for i, code := range bankCodes {
		if n := deposits.in(i); n != inUse[code] || n > bankCapacity {
			return violated("pool %s says that %d are allocated; %d people hold one, %d were bought", code, inUse[code], n, bankCapacity)
		}
	}
	// Where everybody is at the end, as moves that must change nothing: the order that is found has to end there.
	for person := range depositors {
		m := move{person: person, to: int(deposits >> person & 1)}
		at := int64(time.Since(l.begin))
		w.history[bank] = append(w.history[bank], porcupine.Operation{Input: m, Call: at, Output: moved{}, Return: at})
	}
	if err := checkHistory("bank", bankModel(l.deposits), w.history[bank], l.picture("bank")); err != nil {
		return err
	}
	l.deposits = deposits
	if err := l.checkClub(ctx, reader); err != nil {
		return err
	}
	if err := l.checkStock(ctx, reader); err != nil {
		return err
	}
	if err := l.checkJobs(ctx, reader); err != nil {
		return err
	}
	return l.checkRuns(ctx, reader)
}

func (l *Load) picture(pool string) string {
	if l.Artifacts == "" {
		return ""
	}
	return filepath.Join(l.Artifacts, "history-"+pool+".html")
}

// The indexes of the other histories, behind those of the pools.
const (
	bank = len(codes) + iota
	clubHistory
	stockHistory
	jobHistory
	runHistory
	histories
)

// window is what the clients of one window record.
type window struct {
	number  int
	mu      sync.Mutex
	history [histories][]porcupine.Operation
}

// full reports that a history is as long as can be checked.
func (w *window) full(pool int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.history[pool]) >= maxOperations-32 // what is under way still comes
}

// worker is one client of a window.
type worker struct {
	*Client
	id     int
	random *rand.Rand
	window *window
	begin  time.Time
}

// work does one operation after the other until it is told to rest.
func (c *worker) work(ctx context.Context, rest <-chan struct{}) error {
	for {
		select {
		case <-rest:
			return nil
		case <-ctx.Done():
			return nil
		default:
		}
		pool := c.random.IntN(histories)
		if c.window.full(pool) {
			pool = c.other(pool)
		}
		var err error
		switch pool {
		case -1: // keep the servers busy, so that the next life has a first answer
			_, err = c.inUse(ctx)
		case bank:
			_, err = c.recordMove(ctx, randomMove(c.random), seatwright.NewID())
		case clubHistory:
			err = c.nextOfClub(ctx)
		case stockHistory:
			err = c.nextOfStock(ctx)
		case jobHistory:
			err = c.nextOfJobs(ctx)
		case runHistory:
			err = c.nextOfRuns(ctx)
		default:
			err = c.next(ctx, pool)
		}
		if err != nil {
			return err
		}
	}
}

// other finds a pool whose history is not full, or -1.
func (c *worker) other(pool int) int {
	for range histories {
		if pool = (pool + 1) % histories; !c.window.full(pool) {
			return pool
		}
	}
	return -1
}

// next chooses an operation. Sometimes it plays a client that missed the answer, did something else, and then repeats the
// old request: that must change nothing and give the old answer.
func (c *worker) next(ctx context.Context, pool int) error {
	var who group
	for range 1 + c.random.IntN(3) {
		who |= 1 << c.random.IntN(people)
	}
	in := input{[...]verb{allocate, allocate, allocate, allocate, allocate, block, deallocate, deallocate, read, read}[c.random.IntN(10)], who}
	if in.verb == read || c.random.IntN(10) > 0 {
		_, err := c.record(ctx, pool, in)
		return err
	}
	key := seatwright.NewID()
	first, err := c.recordKey(ctx, pool, in, key)
	if err != nil {
		return err
	}
	opposite := input{deallocate, who}
	if in.verb == deallocate {
		opposite.verb = allocate
	}
	if _, err := c.record(ctx, pool, opposite); err != nil {
		return err
	}
	again, err := c.perform(ctx, pool, in, key)
	if err != nil {
		return err
	}
	c.stats.Replayed.Add(1)
	if again != first {
		return violated("pool %s, %s: the answer was %q, repeated with the same key it is %q", codes[pool], in, first, again)
	}
	return nil
}

// repeatLater does one operation under a fresh key. Like [worker.next] it sometimes does another one then, and repeats the old request.
func repeatLater[I fmt.Stringer, O comparable](
	ctx context.Context, c *worker, in, between I, writes bool,
	record func(context.Context, I, string) (O, error), perform func(context.Context, I, string) (O, error),
) error {
	key := seatwright.NewID()
	first, err := record(ctx, in, key)
	if err != nil || !writes || c.random.IntN(10) > 0 {
		return err
	}
	if _, err := record(ctx, between, seatwright.NewID()); err != nil {
		return err
	}
	again, err := perform(ctx, in, key)
	if err != nil {
		return err
	}
	c.stats.Replayed.Add(1)
	if again != first {
		return violated("%s: the answer was %v, repeated with the same key it is %v", in, first, again)
	}
	return nil
}

// record does one operation under a fresh key and writes it into the history.
func (c *worker) record(ctx context.Context, pool int, in input) (output, error) {
	return c.recordKey(ctx, pool, in, seatwright.NewID())
}

func (c *worker) recordKey(ctx context.Context, pool int, in input, key string) (output, error) {
	call := time.Since(c.begin)
	out, err := c.perform(ctx, pool, in, key)
	if err != nil {
		return out, err
	}
	c.add(pool, out.refused, porcupine.Operation{ClientId: c.id, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(c.begin))})
	return out, nil
}

func (c *worker) add(pool int, refused bool, operation porcupine.Operation) {
	c.stats.Operations.Add(1)
	if refused {
		c.stats.Refusals.Add(1)
	}
	c.window.mu.Lock()
	defer c.window.mu.Unlock()
	c.window.history[pool] = append(c.window.history[pool], operation)
}

// bought is how many units of each pool there are.
var bought = func() map[string]int {
	units := map[string]int{SpareCode: capacity}
	for _, code := range append(codes[:], bankCodes[:]...) {
		units[code] = capacity
	}
	units[clubCodes[1]] = clubUnits[1] // those of the first one change
	return units
}()

// units is what the list of pools says of one.
type units struct {
	Code      string `json:"code"`
	Allocated int    `json:"allocated"`
	Total     int    `json:"total"`
}

// pools lists how many units each pool has.
func (c *Client) pools(ctx context.Context) (map[string]units, error) {
	var list []units
	if err := c.want(ctx, http.MethodGet, LicensePath, nil, &list); err != nil {
		return nil, err
	}
	pools := map[string]units{}
	for _, p := range list {
		pools[p.Code] = p
		if n, known := bought[p.Code]; known && (p.Total != n || p.Allocated > n) {
			return nil, violated("pool %s says %d of %d are allocated; %d were bought", p.Code, p.Allocated, p.Total, n)
		}
	}
	return pools, nil
}

// inUse lists how many units of each pool are allocated.
func (c *Client) inUse(ctx context.Context) (map[string]int, error) {
	pools, err := c.pools(ctx)
	inUse := map[string]int{}
	for code, p := range pools {
		inUse[code] = p.Allocated
	}
	return inUse, err
}

const maestroPassword = "correct horse battery staple"

// SignIn returns a fresh token of the organization's administrator, on servers that Prepare has seen or that have its data.
func SignIn(ctx context.Context, front *Front) (token string, err error) {
	maestro := NewClient(front, "", &Stats{})
	defer maestro.Close()
	err = maestro.SignIn(ctx, "songs", "maestro", maestroPassword)
	return maestro.Token, err
}

// Host is a client of the host's first administrator, once prepared. Close it.
func (l *Load) Host() *Client { return NewClient(l.Front, l.host, &l.Stats) }

// Prepare sets up everything that windows need on fresh servers, with the password of the host's first administrator.
func (l *Load) Prepare(ctx context.Context, password string) error {
	if err := l.PrepareOrganization(ctx, password); err != nil {
		return err
	}
	host, maestro := l.Host(), l.Client()
	defer host.Close()
	defer maestro.Close()
	one := "/api/v1/organizations/" + url.PathEscape(Organization)
	if err := l.prepareClub(ctx, host, maestro, one); err != nil {
		return err
	}
	if err := l.prepareStock(ctx, host, one); err != nil {
		return err
	}
	return l.prepareWorkshop(ctx, host, one)
}

// PrepareOrganization sets up the organization alone, for those who bring a load of their own.
func (l *Load) PrepareOrganization(ctx context.Context, password string) (err error) {
	host := NewClient(l.Front, "", &l.Stats)
	defer host.Close()
	if err := host.SignIn(ctx, "host", "admin", password); err != nil {
		return err
	}
	l.host = host.Token
	var ignored map[string]any
	const all = "/api/v1/organizations"
	if err := host.want(ctx, http.MethodPost, all, map[string]string{"id": Organization, "name": "songs"}, &ignored); err != nil {
		return err
	}
	one := all + "/" + url.PathEscape(Organization)
	admin := map[string]string{"userName": "maestro", "password": maestroPassword, "role": "organization-administrator"}
	if err := host.want(ctx, http.MethodPost, one+"/users", admin, &ignored); err != nil {
		return err
	}
	for _, code := range slices.Sorted(maps.Keys(bought)) {
		lot := map[string]any{"code": code, "quantity": bought[code], "end": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)}
		if err := host.want(ctx, http.MethodPost, one+"/lots", lot, &ignored); err != nil {
			return err
		}
	}
	var everybody []string
	for pool := range codes {
		everybody = append(everybody, ids(pool, 1<<people-1)...)
	}
	for person := range depositors {
		everybody = append(everybody, depositorID(person))
	}
	everybody = append(everybody, SparePerson)
	for _, id := range everybody {
		if err := host.want(ctx, http.MethodPost, one+"/users", map[string]string{"id": id}, &ignored); err != nil {
			return err
		}
	}
	if l.Token, err = SignIn(ctx, l.Front); err != nil {
		return err
	}
	maestro := l.Client()
	defer maestro.Close()
	for person := range depositors {
		if _, err := maestro.performMove(ctx, move{person: person, to: int(initialDeposits >> person & 1)}, ""); err != nil {
			return err
		}
	}
	return nil
}
