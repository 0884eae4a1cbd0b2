package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// The club: people who lease two bundles through the rule of their group, whose units and quotas are too few for all of them,
// while administrators edit the rule and the group, take leases back, and allocate the first bundle directly, and its purchase changes,
// ends and is renewed.
const (
	members   = 6
	clubGroup = "club"
	clubLot   = "club-lot" // of the first bundle
)

var (
	clubCodes = [2]string{"PMBU", "PMD"} // no bundle is stronger than the other
	clubUnits = [2]int{3, members}       // bought at first; those of the second stay
)

// club is what the club knows. It is comparable, as the checker wants it.
type club struct {
	offered [2]bool
	quota   [2]int // 0: none
	leased  [2]group
	direct  group // those to whom the first bundle is allocated, and who lease nothing
	left    group // those who are not in the group now
	lot     int   // units of the first bundle
	ended   bool  // and they are in force no more
}

// total is how many units of a bundle are in force.
func (c club) total(code int) int {
	switch {
	case code == 1:
		return clubUnits[1]
	case c.ended:
		return 0
	}
	return c.lot
}

// used is how many units of a bundle are drawn.
func (c club) used(code int) int {
	if code == 0 {
		return (c.leased[0] | c.direct).count()
	}
	return c.leased[1].count()
}

// without ends all leases of somebody.
func (c club) without(who group) club {
	c.leased[0] &^= who
	c.leased[1] &^= who
	return c
}

func (c club) String() string {
	return fmt.Sprintf("offers %t %d, leased %06b %06b, direct %06b, left %06b, %d units", c.offered, c.quota, c.leased[0], c.leased[1], c.direct, c.left, c.total(0))
}

// clubVerb is a kind of operation of the club.
type clubVerb int

const (
	signInTo   clubVerb = iota // a member opens a session
	giveBack                   // a member releases what they lease
	revoke                     // an administrator takes it back
	setRule                    // the rule becomes what the operation says
	removeRule                 // the rule goes, with all leases
	give                       // the first bundle is allocated directly
	takeAway                   // what was allocated is removed
	leave                      // a member leaves the group
	join                       // and is in it again
	gather                     // as all are
	changeLot                  // the purchase of the first bundle has so many units
	endLot                     // it ends early
	renewLot                   // it goes on
	readLeases
	readDirect
	readRule
	readUsed
)

func (v clubVerb) String() string {
	return [...]string{
		"sign in", "give back", "revoke", "set rule", "remove rule", "give", "take away", "leave", "join", "gather", "change lot", "end lot", "renew lot", "read leases", "read direct", "read rule", "read used",
	}[v]
}

// clubInput is an operation on the club: one of a member, or of the rule.
type clubInput struct {
	verb    clubVerb
	member  int
	offered [2]bool
	quota   [2]int
	units   int // of the lot
}

// clubOutput is the answer that the client got in the end; what it does not tell is zero.
type clubOutput struct {
	refused string  // the code of the problem
	short   [2]bool // the bundles that a refusal says are all taken
	holds   [2]bool // of a session
	seen    club    // what was read
	used    [2]int
	total   int // of the first bundle
}

func (in clubInput) reads() bool { return in.verb >= readLeases }

func (in clubInput) String() string {
	if in.verb == setRule {
		return fmt.Sprintf("%s %t %d", in.verb, in.offered, in.quota)
	}
	return fmt.Sprintf("%s %d", in.verb, in.member+in.units)
}

// stepClub is the whole specification: the only right answer, and the state after it.
func stepClub(c club, in clubInput) (want clubOutput, next club) {
	who := group(1) << in.member
	switch next = c; in.verb {
	case signInTo:
		return signInStep(c, who)
	case giveBack, revoke:
		next = c.without(who)
	case setRule:
		for code := range clubCodes {
			if in.offered[code] && in.quota[code] > 0 && c.leased[code].count() > in.quota[code] {
				return clubOutput{refused: "quota_below_use"}, c
			}
		}
		next.offered, next.quota = in.offered, in.quota
		for code := range clubCodes {
			if !in.offered[code] {
				next.leased[code], next.quota[code] = 0, 0
			}
		}
	case removeRule:
		next = club{direct: c.direct, left: c.left, lot: c.lot, ended: c.ended}
	case give:
		if (c.leased[0]|c.direct)&who == 0 && c.used(0) >= c.total(0) {
			return clubOutput{refused: "pool_exhausted", short: [2]bool{true, false}}, c
		}
		next = c.without(who)
		next.direct |= who
	case takeAway:
		next.direct &^= who
	case leave:
		next = c.without(who)
		next.left |= who
	case join:
		next.left &^= who
	case gather:
		next.left = 0
	case changeLot:
		next.lot = in.units
		want.total = next.total(0)
	case endLot, renewLot:
		next.ended = in.verb == endLot
		want.total = next.total(0)
	case readLeases:
		want.seen.leased = c.leased
	case readDirect:
		want.seen.direct = c.direct
	case readRule:
		want.seen.offered, want.seen.quota = c.offered, c.quota
		for code, quota := range c.quota {
			if quota > 0 {
				want.used[code] = c.leased[code].count()
			}
		}
	case readUsed:
		want.used, want.total = [2]int{c.used(0), c.used(1)}, c.total(0)
	}
	return want, next
}

func signInStep(c club, who group) (want clubOutput, next club) {
	if c.direct&who != 0 && c.total(0) > 0 {
		return clubOutput{holds: [2]bool{true, false}}, c
	}
	if c.offered == [2]bool{} || (c.direct|c.left)&who != 0 {
		return clubOutput{refused: "not_entitled"}, c
	}
	next, full := c, false
	for code, offered := range c.offered {
		switch {
		case !offered:
		case c.leased[code]&who != 0 && c.total(code) > 0:
			want.holds[code] = true
		case c.used(code) >= c.total(code):
			want.short[code] = true
		case c.quota[code] > 0 && c.leased[code].count() >= c.quota[code]:
			full = true
		default:
			want.holds[code] = true
			next.leased[code] |= who
		}
	}
	switch {
	case want.holds != [2]bool{}:
		want.short = [2]bool{}
	case want.short != [2]bool{}:
		want.refused = "pool_exhausted"
	case full:
		want.refused = "quota_reached"
	}
	return want, next
}

func clubModel(begin club) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(s, in, out any) (bool, any) {
			want, next := stepClub(s.(club), in.(clubInput))
			return want == out.(clubOutput), next
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%s: %+v", in, out) },
		DescribeState:     func(s any) string { return s.(club).String() },
	}
}

// Members are the ids of the people of the load who lease something through a group.
func Members() (ids []string) {
	for member := range members {
		ids = append(ids, memberID(member))
	}
	return ids
}

func memberID(member int) string { return "m-" + strconv.Itoa(member) }

func randomClubInput(random *rand.Rand) clubInput {
	in := clubInput{member: random.IntN(members)}
	in.verb = [...]clubVerb{
		signInTo, signInTo, signInTo, signInTo, signInTo, signInTo, signInTo, giveBack, revoke, setRule, setRule, give, takeAway, leave, join, join, changeLot, endLot, renewLot, renewLot, readLeases, readRule, readUsed,
	}[random.IntN(23)]
	switch in.verb {
	case changeLot:
		return clubInput{verb: in.verb, units: 1 + random.IntN(4)}
	case endLot, renewLot:
		return clubInput{verb: in.verb}
	case setRule:
		in.member = 0
	default:
		return in
	}
	if random.IntN(8) == 0 {
		in.verb = removeRule
		return in
	}
	in.offered = [...][2]bool{{true, true}, {true, true}, {true, false}, {false, true}}[random.IntN(4)]
	for code, offered := range in.offered {
		if offered && random.IntN(4) > 0 {
			in.quota[code] = 1 + random.IntN(2)
		}
	}
	return in
}

// nextOfClub does an operation of the club.
func (c *worker) nextOfClub(ctx context.Context) error {
	in := randomClubInput(c.random)
	between := clubInput{verb: giveBack, member: in.member}
	if in.units > 0 {
		between = clubInput{verb: changeLot, units: 5 - in.units}
	}
	return repeatLater(ctx, c, in, between, !in.reads(), c.recordClub, c.performClub)
}

// checkClub reads what is so now, and whether the history explains it.
func (l *Load) checkClub(ctx context.Context, reader *worker) error {
	var now club
	var drawn clubOutput
	for _, verb := range []clubVerb{gather, readLeases, readDirect, readRule, readUsed} {
		out, err := reader.recordClub(ctx, clubInput{verb: verb}, "")
		if err != nil {
			return err
		}
		switch verb {
		case readLeases:
			now.leased = out.seen.leased
		case readDirect:
			now.direct = out.seen.direct
		case readRule:
			now.offered, now.quota = out.seen.offered, out.seen.quota
		case readUsed:
			drawn = out
		}
	}
	for code := range clubCodes {
		if n := now.used(code); n != drawn.used[code] {
			return violated("club: %d units of %s are said to be drawn, %d people hold one", drawn.used[code], clubCodes[code], n)
		}
	}
	var lot struct {
		Quantity int    `json:"quantity"`
		State    string `json:"state"`
	}
	if err := l.readLot(ctx, &lot); err != nil {
		return err
	}
	if now.lot, now.ended = lot.Quantity, lot.State != "active"; now.total(0) != drawn.total {
		return violated("club: %d units of %s are said to be in force; the purchase is %+v", drawn.total, clubCodes[0], lot)
	}
	if err := checkHistory("club", clubModel(l.club), reader.window.history[clubHistory], l.picture("club")); err != nil {
		return err
	}
	l.club = now
	return nil
}

// readLot reads the purchase of the first bundle.
func (l *Load) readLot(ctx context.Context, into any) error {
	host := l.Host()
	defer host.Close()
	return host.want(ctx, http.MethodGet, "/api/v1/organizations/"+Organization+"/lots/"+clubLot, nil, into)
}

// recordClub does one operation of the club and writes it into the history.
func (c *worker) recordClub(ctx context.Context, in clubInput, key string) (clubOutput, error) {
	call := time.Since(c.begin)
	out, err := c.performClub(ctx, in, key)
	if err != nil {
		return out, err
	}
	switch in.verb {
	case signInTo:
		c.stats.Sessions.Add(1)
	case setRule, removeRule, leave, join:
		c.stats.Rules.Add(1)
	case changeLot, endLot, renewLot:
		c.stats.Lots.Add(1)
	}
	c.add(clubHistory, out.refused != "", porcupine.Operation{ClientId: c.id, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(c.begin))})
	return out, nil
}

// clubStart is when the purchase of the first bundle begins. The day after it is over as well.
var clubStart = time.Now().UTC().AddDate(0, 0, -2).Truncate(time.Second)

// prepareClub makes the group and its members, who sign in.
func (l *Load) prepareClub(ctx context.Context, host, maestro *Client, one string) error {
	var ignored map[string]any
	lot := map[string]any{
		"id": clubLot, "code": clubCodes[0], "quantity": clubUnits[0],
		"start": clubStart.Format(time.RFC3339), "end": clubStart.AddDate(100, 0, 0).Format(time.RFC3339),
	}
	if err := host.want(ctx, http.MethodPost, one+"/lots", lot, &ignored); err != nil {
		return err
	}
	l.club.lot = clubUnits[0]
	l.members = make([]string, members)
	errs := make([]error, members)
	var wg sync.WaitGroup
	for i, id := range Members() { // passwords are slow on purpose
		wg.Go(func() {
			client := NewClient(l.Front, l.host, &l.Stats)
			defer client.Close()
			var ignored map[string]any
			person := map[string]string{"id": id, "userName": id, "password": maestroPassword}
			errs[i] = client.want(ctx, http.MethodPost, one+"/users", person, &ignored)
			if client.Token = ""; errs[i] == nil {
				errs[i] = client.SignIn(ctx, "songs", id, maestroPassword)
			}
			l.members[i] = client.Token
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// Whoever believed a clock that is a day ahead would see leases end.
	if err := host.want(ctx, http.MethodPatch, one+"/policies", map[string]any{"inactiveDays": 1}, &ignored); err != nil {
		return err
	}
	group := map[string]any{"id": clubGroup, "name": clubGroup, "directoryUserMemberIDs": Members()}
	return maestro.want(ctx, http.MethodPost, "/identity_/api/Group", group, &ignored)
}
