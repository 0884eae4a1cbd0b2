package postgres

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// batch is what one attempt at a batch knows: the slice, and the rows that it has seen under the locks.
type batch struct {
	writer *writer
	slice  *seatwright.Slice
	places []place // the organizations that exist, in the order of their numbers
	clock  *int64  // a clock that is not the database's, for tests; nil: the database's
	now    time.Time

	// What the database has of what was asked for.
	exists map[seatwright.OrganizationID]bool
	people map[person]bool
	pools  map[poolRef]bool
	keys   map[seatwright.KeyRef]bool
}

// place is one touched organization. Its number is the order in which all writers take the locks.
type place struct {
	*seatwright.Touch
	number int32
	head   seatwright.Head
	loaded *recentOrganization
}

type person struct {
	organization seatwright.OrganizationID
	id           seatwright.UserID
}

type poolRef struct {
	organization seatwright.OrganizationID
	code         seatwright.ProductCode
}

// load takes the locks and reads the slice: one round trip where the organizations are remembered and nobody else has
// changed them, or are known to be shared; one more where not, and for what is rare.
func (w *writer) load(request seatwright.LoadRequest, clock func() time.Time, lookUpKeys bool) (*batch, error) {
	touches := request.ByOrganization()
	b := &batch{writer: w, exists: map[seatwright.OrganizationID]bool{}, people: map[person]bool{}, pools: map[poolRef]bool{}, keys: map[seatwright.KeyRef]bool{}}
	b.clock = microsOf(clock)
	if err := b.find(touches); err != nil {
		return nil, err
	}
	if !lookUpKeys {
		request.Keys = nil
	}
	answers, err := b.firstTrip(request.Keys)
	if err != nil {
		return nil, err
	}
	planted.After(planted.StepLock)
	b.slice = seatwright.NewSlice(b.now)
	if err := b.organizations(); err != nil {
		return nil, err
	}
	answers.fill(b)
	for _, step := range [...]func() error{b.loadPeople, b.loadGroups, b.loadLeases, b.loadSettings, b.loadServices, b.loadPools, b.loadNotices, b.loadLicenseFiles, b.loadSignIns, b.loadGrants, func() error { return b.loadTaken(touches) }} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

var findOrganizations = newStatement(`SELECT id, number FROM organizations WHERE id = ANY($1::text[])`, oidText)

// find learns the numbers of the organizations. They never change, so this is before the transaction.
func (b *batch) find(touches []*seatwright.Touch) error {
	numbers := b.writer.recent.numbers
	t, missing := (*trip)(nil), []*array(nil)
	for i := range touches {
		if _, known := numbers[touches[i].Organization]; !known {
			if t == nil {
				t = b.writer.trip()
				missing = t.columns(findOrganizations)
			}
			missing[0].text(string(touches[i].Organization))
		}
	}
	if t != nil {
		t.send(findOrganizations, missing)
		err := errors.Join(t.flush(loadTime), t.each(func(r row) {
			numbers[seatwright.OrganizationID(r.text(0))] = int32(r.int(1))
		}), t.end())
		if err != nil {
			return err
		}
	}
	b.places = make([]place, 0, len(touches))
	for i := range touches {
		if number, known := numbers[touches[i].Organization]; known {
			b.places = append(b.places, place{Touch: touches[i], number: number})
			b.exists[touches[i].Organization] = true
		}
	}
	slices.SortFunc(b.places, func(a, b place) int { return cmp.Compare(a.number, b.number) })
	return nil
}

var (
	// The locks, in one order for all writers. READ COMMITTED gives every later statement a snapshot of its own, so all that is
	// read from here on is what the last holder of the locks committed.
	lockHeads = newStatement(`SELECT organization, sequence, hash, at FROM heads WHERE organization = ANY($1::int4[])
		ORDER BY organization FOR UPDATE`, oidInt4)
	readHeads = newStatement(`SELECT organization, sequence, hash, at FROM heads WHERE organization = ANY($1::int4[]) ORDER BY organization`, oidInt4) // a planted bug

	readClock = newStatement(`SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8`)

	// Each person with their record and seats: one row per seat, at least one per person. Of the person nothing but the id and
	// whether they are active is read, and no instants: most decisions look at no more.
	loadUsers = newStatement(`SELECT w.n, u.active, d.external, s.code, s.units, s.direct, `+leaseColumns+`
		FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN users u ON u.organization = w.organization AND u.id = w.id
		LEFT JOIN direct_records d ON d.organization = w.organization AND d.user_id = w.id
		LEFT JOIN seats s ON s.organization = w.organization AND s.user_id = w.id`, oidInt4, oidText)

	// LATERAL … LIMIT 1 leaves the planner only the lookup by key.
	loadKeys = newStatement(`SELECT w.n, k.fingerprint, k.answer, k.created_at
		FROM unnest($1::int4[], $2::uuid[]) WITH ORDINALITY w (organization, digest, n)
		CROSS JOIN LATERAL (SELECT fingerprint, answer, created_at FROM idempotency_keys
			WHERE organization = w.organization AND digest = w.digest LIMIT 1) k`, oidInt4, oidUUID)
)

// answers are the rows of the first round trip that the slice gets once its organizations are in it.
type answers struct {
	users []person
	rows  []userRow
	keys  []seatwright.KeyRecord

	denied  []seatwright.OrganizationID // whose they are, for each who was asked for
	denials []seatwright.Denial
	units   *unitsAsked
}

type userRow struct {
	user             int // its place in users
	active           bool
	recorded, seated bool
	record           seatwright.DirectRecord
	seat             seatwright.Seat
}

func (b *batch) firstTrip(keys []seatwright.KeyRef) (*answers, error) {
	w, found := b.writer, &answers{}
	t := w.trip()
	t.send(beginTransaction, nil)
	heads, users, keyColumns := t.columns(lockHeads), t.columns(loadUsers), t.columns(loadKeys)
	var unsure []*place
	for i := range b.places {
		p := &b.places[i]
		heads[0].int4(p.number)
		if known := w.recent.organizations[p.number]; known == nil || known.shared {
			unsure = append(unsure, p)
		}
		for _, user := range p.Users {
			users[0].int4(p.number)
			users[1].text(string(user))
			found.users = append(found.users, person{p.Organization, user})
		}
	}
	denied := t.columns(loadDenials)
	for i := range b.places {
		for _, who := range b.places[i].Denied {
			denied[0].int4(b.places[i].number)
			denied[1].text(string(who.Kind))
			denied[2].text(who.ID)
			found.denied = append(found.denied, b.places[i].Organization)
		}
	}
	var refs []seatwright.KeyRef
	for _, ref := range keys {
		if number, known := w.recent.numbers[ref.Organization]; known {
			digest := digestOf(ref)
			keyColumns[0].int4(number)
			keyColumns[1].bytes(digest[:])
			refs = append(refs, ref)
		}
	}
	if planted.Bug(planted.NoLock) {
		t.send(readHeads, heads)
	} else {
		t.send(lockHeads, heads)
	}
	if len(unsure) > 0 {
		b.sendOrganizations(t, unsure, b.clock)
	}
	if len(found.users) > 0 {
		t.send(loadUsers, users)
	}
	if len(found.denied) > 0 {
		t.send(loadDenials, denied)
	}
	if len(refs) > 0 {
		t.send(loadKeys, keyColumns)
	}
	found.units = b.sendUnits(t)
	t.send(readClock, nil) // last: everything that was read is at most that old
	if err := t.flush(loadTime); err != nil {
		return nil, err
	}
	return found, errors.Join(b.readFirstTrip(t, found, refs, len(unsure) > 0), t.end())
}

func (b *batch) readFirstTrip(t *trip, found *answers, refs []seatwright.KeyRef, organizations bool) error {
	if err := t.done(); err != nil { // BEGIN
		return err
	}
	locked := 0
	err := t.each(func(r row) {
		p := &b.places[locked]
		locked++
		p.head = seatwright.Head{Organization: p.Organization, Sequence: r.int(1), Hash: r.bytes(2), At: r.instant(3)}
	})
	if err == nil && locked != len(b.places) {
		err = seatwright.Internal(fmt.Errorf("%d organizations have %d heads", len(b.places), locked))
	}
	if err == nil && organizations {
		err = b.readOrganizations(t)
	}
	if err == nil && len(found.users) > 0 {
		err = t.each(func(r row) { found.addUser(r) })
	}
	if err == nil && len(found.denied) > 0 {
		err = t.each(func(r row) { found.denials = append(found.denials, denialOf(found.denied[r.int(13)-1], r)) })
	}
	if err == nil && len(refs) > 0 {
		err = t.each(func(r row) {
			found.keys = append(found.keys, seatwright.KeyRecord{
				KeyRef: refs[r.int(0)-1], Fingerprint: r.bytes(1), Answer: r.bytes(2), CreatedAt: r.instant(3),
			})
		})
	}
	if err == nil {
		err = found.units.readUnits(t)
	}
	if err != nil {
		return err
	}
	return t.each(func(r row) {
		if b.now = r.instant(0); b.clock != nil {
			b.now = time.UnixMicro(*b.clock).UTC()
		}
	})
}

func (a *answers) addUser(r row) {
	u := userRow{user: int(r.int(0)) - 1, active: r.flag(1)}
	user := a.users[u.user]
	if u.recorded = !r.null(2); u.recorded {
		u.record = seatwright.DirectRecord{Organization: user.organization, User: user.id, External: r.flag(2)}
	}
	if u.seated = !r.null(3); u.seated {
		u.seat = seatwright.Seat{
			Organization: user.organization, User: user.id, Code: seatwright.ProductCode(r.text(3)), Units: r.int(4), Direct: r.flag(5),
			Lease: leaseOf(r[6:]),
		}
	}
	a.rows = append(a.rows, u)
}

func (a *answers) fill(b *batch) {
	last := -1
	for i := range a.rows {
		u := &a.rows[i]
		if u.user != last {
			last = u.user
			user := a.users[last]
			b.people[user] = true
			b.slice.LoadUser(seatwright.User{Organization: user.organization, ID: user.id, Active: u.active})
			if u.recorded {
				b.slice.LoadRecord(u.record)
			}
		}
		if u.seated {
			b.slice.LoadSeat(u.seat)
		}
	}
	for _, k := range a.keys {
		b.keys[k.KeyRef] = true
		b.slice.LoadKey(k)
	}
	for _, d := range a.denials {
		b.slice.LoadDenial(d)
	}
	for _, load := range a.units.load {
		load(b.slice)
	}
}

// digestOf is the name of a key in the database: half a SHA-256 over principal and key.
func digestOf(ref seatwright.KeyRef) (digest [16]byte) {
	text := make([]byte, 0, 256)
	text = binary.BigEndian.AppendUint32(text, uint32(len(ref.Principal)))
	text = append(append(text, ref.Principal...), ref.Key...)
	sum := sha256.Sum256(text)
	copy(digest[:], sum[:])
	return digest
}

// organizationColumns are what organizationOf reads, in its order.
const organizationColumns = `o.id, o.name, o.display_name, o.unknown_users, o.external_licenses, o.created_at, o.allocation_mode, o.on_leave,
	o.inactive_days, o.user_licensing, o.on_shrink, o.unit_lease_minutes, o.overdraft`

// columnsInOrganization are how many.
const columnsInOrganization = 13

func organizationOf(r row) seatwright.Organization {
	return seatwright.Organization{
		ID: seatwright.OrganizationID(r.text(0)), Name: r.text(1), DisplayName: r.text(2), CreatedAt: r.instant(5),
		Policies: seatwright.Policies{
			UnknownUsers: seatwright.UnknownUsers(r.text(3)), ExternalLicenses: r.flag(4), AllocationMode: seatwright.AllocationMode(r.text(6)),
			OnLeave: seatwright.OnLeave(r.text(7)), InactiveDays: r.int(8), UserLicensing: r.flag(9), OnShrink: seatwright.OnShrink(r.text(10)),
			UnitLeaseMinutes: r.int(11), Overdraft: seatwright.Overdraft(r.text(12)),
		},
	}
}

// poolColumns are what poolOf reads, in its order.
const poolColumns = `p.code, p.total, p.total_until, p.used, p.ceiling`

func poolOf(organization seatwright.OrganizationID, r row) seatwright.Pool {
	return seatwright.Pool{
		Organization: organization, Code: seatwright.ProductCode(r.text(0)), Total: r.int(1), TotalUntil: r.instant(2), Used: r.int(3), Ceiling: r.int(4),
	}
}

var (
	// The instant is the organization's own: that of its last event where the clock is behind it.
	loadOrganizations = newStatement(`SELECT `+organizationColumns+`, o.number, i.instant,
			EXISTS (SELECT FROM lots l WHERE l.organization = o.number AND l.starts_at <= i.instant AND l.expires_at > i.instant),
			(SELECT min(CASE WHEN l.starts_at > i.instant THEN l.starts_at ELSE l.expires_at END)
				FROM lots l WHERE l.organization = o.number AND l.expires_at > i.instant)
		FROM organizations o
		JOIN heads h ON h.organization = o.number
		CROSS JOIN LATERAL (SELECT greatest(h.at, coalesce($2::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8)) AS instant) i
		WHERE o.number = ANY($1::int4[])`, oidInt4)

	loadAllPools = newStatement(`SELECT `+poolColumns+`, p.organization FROM pools p WHERE p.organization = ANY($1::int4[])`, oidInt4)
)

// sendOrganizations asks for organizations and all their pools, as they are at an instant, or now where that is nil.
func (b *batch) sendOrganizations(t *trip, places []*place, instant *int64) {
	columns := t.columns(loadOrganizations)
	for _, p := range places {
		columns[0].int4(p.number)
	}
	var at []byte
	if instant != nil {
		at = int8Value(*instant)
	}
	t.send(loadOrganizations, columns, at)
	t.send(loadAllPools, columns)
}

// unlicensedFor is how long an organization without any lot to come is remembered as unlicensed. A purchase ends it at once.
const unlicensedFor = time.Hour

// readOrganizations remembers what the organizations are, under their locks.
func (b *batch) readOrganizations(t *trip) error {
	byNumber := map[int32]*recentOrganization{}
	err := t.each(func(r row) {
		rest := r[columnsInOrganization:]
		o := &recentOrganization{
			organization: organizationOf(r), from: rest.instant(1), licensed: rest.flag(2), pools: map[seatwright.ProductCode]seatwright.Pool{},
		}
		o.until = o.from.Add(unlicensedFor)
		if !rest.null(3) {
			o.until = rest.instant(3)
		}
		byNumber[int32(rest.int(0))] = o
	})
	if err != nil {
		return err
	}
	if err := t.each(func(r row) {
		if o := byNumber[int32(r.int(5))]; o != nil {
			pool := poolOf(o.organization.ID, r)
			o.pools[pool.Code] = pool
		}
	}); err != nil {
		return err
	}
	for i := range b.places {
		p := &b.places[i]
		o := byNumber[p.number]
		if o == nil {
			continue
		}
		before := b.writer.recent.organizations[p.number]
		o.shared = before != nil && (before.head.Sequence != p.head.Sequence || !slices.Equal(before.head.Hash, p.head.Hash))
		o.head = p.head
		b.writer.recent.organizations[p.number] = o
	}
	return nil
}

// organizations puts the organizations into the slice. Those whose memory does not fit what was locked are loaded again.
func (b *batch) organizations() error {
	var wrong []*place
	for i := range b.places {
		p := &b.places[i]
		if p.loaded = b.writer.recent.organizations[p.number]; !p.loaded.fits(p.head, later(b.now, p.head.At)) {
			wrong = append(wrong, p)
		}
	}
	if len(wrong) > 0 {
		now := b.now.UnixMicro()
		t := b.writer.trip()
		b.sendOrganizations(t, wrong, &now)
		if err := t.flush(loadTime); err != nil {
			return err
		}
		if err := errors.Join(b.readOrganizations(t), t.end()); err != nil {
			return err
		}
	}
	for i := range b.places {
		p := &b.places[i]
		if p.loaded = b.writer.recent.organizations[p.number]; p.loaded == nil {
			return seatwright.Internal(fmt.Errorf("organization %s has a head and no row", p.Organization))
		}
		b.slice.LoadOrganization(p.loaded.organization, p.head, p.loaded.licensed)
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

var (
	loadPeople = newStatement(`SELECT `+userColumns+`, coalesce(u.user_name_key, ''), w.n
		FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN users u ON u.organization = w.organization AND u.id = w.id`, oidInt4, oidText)

	// As far as it matters: the index has those who administer alone.
	countAdministrators = newStatement(`SELECT w.n, (SELECT count(*) FROM (
			SELECT FROM users u WHERE u.organization = w.organization AND u.active AND u.role <> 'member' LIMIT w.enough) them)
		FROM unnest($1::int4[], $2::int8[]) WITH ORDINALITY w (organization, enough, n)`, oidInt4, oidInt8)
)

// loadPeople reads those whom a decision has to know as a whole, and counts the active administrators.
func (b *batch) loadPeople() error {
	var t *trip
	var people, counts []*array
	var of, counted []seatwright.OrganizationID
	for i := range b.places {
		p := &b.places[i]
		if len(p.WholeUsers) == 0 {
			continue
		}
		if t == nil {
			t = b.writer.trip()
			people, counts = t.columns(loadPeople), t.columns(countAdministrators)
		}
		counts[0].int4(p.number)
		counts[1].int8(int64(len(p.WholeUsers) + 1))
		counted = append(counted, p.Organization)
		for _, user := range p.WholeUsers {
			people[0].int4(p.number)
			people[1].text(string(user))
			of = append(of, p.Organization)
		}
	}
	if t == nil {
		return nil
	}
	t.send(loadPeople, people)
	t.send(countAdministrators, counts)
	return errors.Join(t.flush(loadTime), t.each(func(r row) {
		organization := of[r.int(columnsInUser+1)-1]
		b.slice.LoadPerson(seatwright.UserRow{User: userOf(organization, r), UserNameKey: r.text(columnsInUser)})
	}), t.each(func(r row) {
		b.slice.LoadAdministrators(counted[r.int(0)-1], r.int(1))
	}), t.end())
}

// loadPools puts the pools of the wanted and of the held codes into the slice, with their lots where the total may have changed.
func (b *batch) loadPools() error {
	type stale struct {
		pool seatwright.Pool
		lots []seatwright.Lot
	}
	var old []*stale
	var t *trip
	var columns []*array
	for i := range b.places {
		p := &b.places[i]
		codes := append(b.slice.HeldCodes(p.Organization), p.Codes...)
		if p.AllLots {
			codes = slices.AppendSeq(codes, maps.Keys(p.loaded.pools))
		}
		for _, code := range distinct(codes) {
			pool, known := p.loaded.pools[code]
			if !known {
				continue
			}
			b.pools[poolRef{p.Organization, code}] = true
			if !p.Lots && !p.AllLots && !pool.Stale(b.slice.NowIn(p.Organization)) {
				b.slice.LoadPool(pool, nil)
				continue
			}
			if t == nil {
				t = b.writer.trip()
				columns = t.columns(loadLots)
			}
			columns[0].int4(p.number)
			columns[1].text(string(code))
			old = append(old, &stale{pool: pool, lots: []seatwright.Lot{}})
		}
	}
	if t == nil {
		return nil
	}
	t.send(loadLots, columns)
	err := errors.Join(t.flush(loadTime), t.each(func(r row) {
		s := old[r.int(8)-1]
		s.lots = append(s.lots, lotOf(s.pool.Organization, s.pool.Code, r))
	}), t.end())
	for _, s := range old {
		b.slice.LoadPool(s.pool, s.lots)
	}
	return err
}

func distinct[S ~string](ids []S) []S {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func texts[S ~string](ids []S) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}
