package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// The statements that write. Each takes all rows of a batch at once.
var (
	insertOrganization = newStatement(`INSERT INTO organizations (id, name, name_key, display_name, unknown_users, external_licenses, created_at)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::int8[])
		RETURNING id, number`, oidText, oidText, oidText, oidText, oidText, oidBool, oidInt8)
	insertTenants = newStatement(`INSERT INTO tenants (organization, id, name, name_key, created_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[])`, oidInt4, oidText, oidText, oidText, oidInt8)
	insertUsers = newStatement(`INSERT INTO users (organization, id, user_name, user_name_key, external_id, email, first_name, last_name,
			display_name, role, active, password_hash, created_at, modified_at, bypass_basic_auth, invitation_accepted)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
			$10::text[], $11::bool[], $12::text[], $13::int8[], $14::int8[], $15::bool[], $16::bool[])`,
		oidInt4, oidText, oidText, oidText, oidText, oidText, oidText, oidText, oidText, oidText, oidBool, oidText, oidInt8, oidInt8, oidBool, oidBool)
	updateUsers = newStatement(`UPDATE users u SET email = w.email, first_name = w.first_name, last_name = w.last_name,
			display_name = w.display_name, role = w.role, active = w.active, password_hash = w.password_hash, modified_at = w.modified_at,
			bypass_basic_auth = w.bypass_basic_auth, invitation_accepted = w.invitation_accepted
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::text[], $10::int8[],
			$11::bool[], $12::bool[]) w (organization, id, email, first_name, last_name, display_name, role, active, password_hash,
			modified_at, bypass_basic_auth, invitation_accepted)
		WHERE u.organization = w.organization AND u.id = w.id`,
		oidInt4, oidText, oidText, oidText, oidText, oidText, oidText, oidBool, oidText, oidInt8, oidBool, oidBool)
	leaveGroupsAsUsers = newStatement(`DELETE FROM memberships m USING unnest($1::int4[], $2::text[]) w (organization, member_id)
		WHERE m.organization = w.organization AND m.member_id = w.member_id AND m.member_kind = 'user'`, oidInt4, oidText)
	deleteUsers = newStatement(`DELETE FROM users u USING unnest($1::int4[], $2::text[]) w (organization, id)
		WHERE u.organization = w.organization AND u.id = w.id`, oidInt4, oidText)
	insertSigningKeys = newStatement(`INSERT INTO signing_keys (id, sealed, created_at)
		SELECT * FROM unnest($1::text[], $2::bytea[], $3::int8[])`, oidText, oidBytea, oidInt8)

	insertHeads = newStatement(`INSERT INTO heads (organization, sequence, hash, at)
		SELECT * FROM unnest($1::int4[], $2::int8[], $3::bytea[], $4::int8[])`, columnsOfHead...)
	insertPools = newStatement(`INSERT INTO pools (organization, code, total, total_until, used, ceiling)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::int8[])`, columnsOfPool...)
	deleteRecords = newStatement(`DELETE FROM direct_records d USING unnest($1::int4[], $2::text[]) w (organization, user_id)
		WHERE d.organization = w.organization AND d.user_id = w.user_id`, oidInt4, oidText)
	updateRecords = newStatement(`UPDATE direct_records d SET external = w.external, updated_at = w.updated_at
		FROM unnest($1::int4[], $2::text[], $3::bool[], $4::int8[]) w (organization, user_id, external, updated_at)
		WHERE d.organization = w.organization AND d.user_id = w.user_id`, oidInt4, oidText, oidBool, oidInt8)
	deleteSeats = newStatement(`DELETE FROM seats s USING unnest($1::int4[], $2::text[], $3::text[]) w (organization, user_id, code)
		WHERE s.organization = w.organization AND s.user_id = w.user_id AND s.code = w.code`, oidInt4, oidText, oidText)
	updateSeats = newStatement(`UPDATE seats s SET units = w.units, direct = w.direct, group_id = w.group_id, term = w.term, leased_at = w.leased_at,
			last_in_use = w.last_in_use, orphan_at = w.orphan_at, unit = w.unit
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[], $5::bool[], $6::text[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::int8[])
			w (organization, user_id, code, units, direct, group_id, term, leased_at, last_in_use, orphan_at, unit)
		WHERE s.organization = w.organization AND s.user_id = w.user_id AND s.code = w.code`,
		oidInt4, oidText, oidText, oidInt8, oidBool, oidText, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8)
	// An expired answer gives way to the new one, if the sweep has not taken it yet.
	replaceKeys = newStatement(`INSERT INTO idempotency_keys (organization, digest, created_at, principal, key, fingerprint, answer)
		SELECT * FROM unnest($1::int4[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::bytea[], $7::bytea[])
		ON CONFLICT (organization, digest) DO UPDATE
		SET created_at = excluded.created_at, fingerprint = excluded.fingerprint, answer = excluded.answer`, columnsOfKey...)

	// What nearly every batch writes, as one statement: each statement costs as much as two or three rows. Nothing in it depends
	// on another part.
	writeUsual = newRowStatement(`WITH
		changed_heads AS (UPDATE heads h SET sequence = w.sequence, hash = w.hash, at = w.at
			FROM unnest($1::head_row[]) w WHERE h.organization = w.organization),
		changed_pools AS (UPDATE pools p SET total = w.total, total_until = w.total_until, used = w.used, ceiling = w.ceiling
			FROM unnest($2::pool_row[]) w WHERE p.organization = w.organization AND p.code = w.code),
		new_records AS (INSERT INTO direct_records (organization, user_id, external, created_at, updated_at) SELECT * FROM unnest($3::record_row[])),
		new_seats AS (INSERT INTO seats (organization, user_id, code, units, direct, created_at) SELECT * FROM unnest($4::seat_row[])),
		new_keys AS (INSERT INTO idempotency_keys (organization, digest, created_at, principal, key, fingerprint, answer)
			SELECT * FROM unnest($5::key_row[]))
		INSERT INTO events (organization, sequence, at, version, kind, actor, via, request_id, subject, data, prev, hash)
		SELECT * FROM unnest($6::event_row[])`,
		columnsOfHead, columnsOfPool, columnsOfRecord, columnsOfSeat, columnsOfKey, columnsOfEvent)
)

// The types of the columns that a statement writes of each thing.
var (
	columnsOfHead   = []uint32{oidInt4, oidInt8, oidBytea, oidInt8}
	columnsOfPool   = []uint32{oidInt4, oidText, oidInt8, oidInt8, oidInt8, oidInt8}
	columnsOfRecord = []uint32{oidInt4, oidText, oidBool, oidInt8, oidInt8}
	columnsOfSeat   = []uint32{oidInt4, oidText, oidText, oidInt8, oidBool, oidInt8}
	columnsOfKey    = []uint32{oidInt4, oidUUID, oidInt8, oidText, oidText, oidBytea, oidBytea}
	columnsOfEvent  = []uint32{oidInt4, oidInt8, oidInt8, oidInt8, oidText, oidText, oidText, oidText, oidText, oidBytea, oidBytea, oidBytea}
)

// checkPeople stands for the foreign keys of records and seats: each belongs to a person that this transaction has read under
// the lock of their organization, or makes. Who is changed or removed was read as well.
func (b *batch) checkPeople(c seatwright.Changes) error {
	for _, u := range c.RemovedUsers {
		if !b.people[person{u.Organization, u.ID}] {
			return seatwright.Internal(fmt.Errorf("the removal of %s in %s, who does not exist", u.ID, u.Organization))
		}
	}
	for _, u := range c.ChangedUsers {
		if !b.people[person{u.Organization, u.ID}] {
			return seatwright.Internal(fmt.Errorf("a change of %s in %s, who does not exist", u.ID, u.Organization))
		}
	}
	for _, u := range c.Users {
		b.people[person{u.Organization, u.ID}] = true
	}
	for _, r := range c.NewRecords {
		if !b.people[person{r.Organization, r.User}] {
			return seatwright.Internal(fmt.Errorf("a record of %s in %s, who does not exist", r.User, r.Organization))
		}
	}
	for _, s := range c.NewSeats {
		if !b.people[person{s.Organization, s.User}] {
			return seatwright.Internal(fmt.Errorf("a seat of %s in %s, who does not exist", s.User, s.Organization))
		}
	}
	return nil
}

// write sends the difference that a batch made, and COMMIT behind it, as one round trip. A batch that changed nothing is
// committed as well: its answers tell what others have stored, and COMMIT waits until the standby has that too.
func (w *writer) write(b *batch, c seatwright.Changes) error {
	planted.Before(planted.StepInsert)
	made, err := w.insertOrganizations(c)
	if err != nil {
		return err
	}
	o := output{trip: w.trip(), numbers: w.recent.numbers, made: made}
	o.directory(c)
	o.groups(c)
	o.leases(c)
	o.settings(c)
	o.notices(c)
	o.denials(c)
	o.licenseFiles(c)
	o.applications(w, c)
	o.rare(b, c)
	o.usual(b, c)
	if o.err != nil {
		return errors.Join(o.err, o.trip.end())
	}
	if err := w.finish(o.trip, o.sent); err != nil {
		return err
	}
	for id, number := range made {
		w.recent.numbers[id] = number
	}
	return nil
}

// insertOrganizations makes new organizations, which is rare enough for a round trip of its own, and returns their numbers.
func (w *writer) insertOrganizations(c seatwright.Changes) (map[seatwright.OrganizationID]int32, error) {
	if len(c.Organizations) == 0 {
		return nil, nil
	}
	made := make(map[seatwright.OrganizationID]int32, len(c.Organizations))
	t := w.trip()
	columns := t.columns(insertOrganization)
	for _, o := range c.Organizations {
		columns[0].text(string(o.ID))
		columns[1].text(o.Name)
		columns[2].text(seatwright.NameKey(o.Name))
		columns[3].text(o.DisplayName)
		columns[4].text(string(o.UnknownUsers))
		columns[5].flag(o.ExternalLicenses)
		columns[6].instant(o.CreatedAt)
	}
	t.send(insertOrganization, columns)
	return made, errors.Join(t.flush(loadTime), t.each(func(r row) { made[seatwright.OrganizationID(r.text(0))] = int32(r.int(1)) }), t.end())
}

// output is the trip that writes a batch.
type output struct {
	*trip
	numbers, made map[seatwright.OrganizationID]int32
	sent          int
	err           error
}

func (o *output) number(id seatwright.OrganizationID) int32 {
	if n, ok := o.numbers[id]; ok {
		return n
	}
	n, ok := o.made[id]
	if !ok {
		o.err = seatwright.Internal(fmt.Errorf("a change of organization %s, which is not stored", id))
	}
	return n
}

// rows sends a statement with n rows, if there are any; fill writes one of them into the columns.
func (o *output) rows(s *statement, n int, fill func(i int, columns []*array)) {
	if n == 0 {
		return
	}
	columns := o.columns(s)
	for i := range n {
		fill(i, columns)
	}
	o.send(s, columns)
	o.sent++
}

func (o *output) directory(c seatwright.Changes) {
	o.rows(insertTenants, len(c.Tenants), func(i int, to []*array) {
		t := &c.Tenants[i]
		to[0].int4(o.number(t.Organization))
		to[1].text(string(t.ID))
		to[2].text(t.Name)
		to[3].text(seatwright.NameKey(t.Name))
		to[4].instant(t.CreatedAt)
	})
	// Who goes, goes first: others may have their names at once.
	gone := func(i int, to []*array) {
		u := &c.RemovedUsers[i]
		to[0].int4(o.number(u.Organization))
		to[1].text(string(u.ID))
	}
	o.rows(leaveGroupsAsUsers, len(c.RemovedUsers), gone)
	o.rows(forgetSettings, len(c.RemovedUsers), gone)
	o.rows(forgetGrantsOfUsers, len(c.RemovedUsers), gone)
	o.rows(forgetSessionsOfUsers, len(c.RemovedUsers), gone)
	o.rows(deleteUsers, len(c.RemovedUsers), gone)
	o.rows(updateUsers, len(c.ChangedUsers), func(i int, to []*array) {
		u := &c.ChangedUsers[i]
		to[0].int4(o.number(u.Organization))
		to[1].text(string(u.ID))
		to[2].text(u.Email)
		to[3].text(u.FirstName)
		to[4].text(u.LastName)
		to[5].text(u.DisplayName)
		to[6].text(string(u.Role))
		to[7].flag(u.Active)
		to[8].text(u.PasswordHash)
		to[9].instantOrNever(u.ModifiedAt)
		to[10].flag(u.BypassBasicAuth)
		to[11].flag(u.InvitationAccepted)
	})
	o.rows(insertUsers, len(c.Users), func(i int, to []*array) {
		u := &c.Users[i]
		to[0].int4(o.number(u.Organization))
		to[1].text(string(u.ID))
		to[2].text(u.UserName)
		to[3].textOrNull(u.UserNameKey)
		to[4].textOrNull(u.ExternalID)
		to[5].text(u.Email)
		to[6].text(u.FirstName)
		to[7].text(u.LastName)
		to[8].text(u.DisplayName)
		to[9].text(string(u.Role))
		to[10].flag(u.Active)
		to[11].text(u.PasswordHash)
		to[12].instant(u.CreatedAt)
		to[13].instantOrNever(u.ModifiedAt)
		to[14].flag(u.BypassBasicAuth)
		to[15].flag(u.InvitationAccepted)
	})
	o.rows(insertSigningKeys, len(c.SigningKeys), func(i int, to []*array) {
		k := &c.SigningKeys[i]
		to[0].text(k.ID)
		to[1].bytes(k.Sealed)
		to[2].instant(k.CreatedAt)
	})
	o.lots(c)
	o.services(c)
	o.units(c)
}

// rare sends what most batches have none of.
func (o *output) rare(b *batch, c seatwright.Changes) {
	_, heads := b.heads(c)
	_, pools := b.storedPools(c)
	expired, _ := b.expiredKeys(c)
	o.rows(insertHeads, len(heads), func(i int, to []*array) { o.head(&heads[i], to) })
	o.rows(insertPools, len(pools), func(i int, to []*array) { o.pool(&pools[i], to) })
	o.rows(replaceKeys, len(expired), func(i int, to []*array) { o.key(&expired[i], to) })
	o.signIns(c)
	o.rows(deleteRecords, len(c.RemovedRecords), func(i int, to []*array) {
		r := &c.RemovedRecords[i]
		to[0].int4(o.number(r.Organization))
		to[1].text(string(r.User))
	})
	o.rows(updateRecords, len(c.Records), func(i int, to []*array) {
		r := &c.Records[i]
		to[0].int4(o.number(r.Organization))
		to[1].text(string(r.User))
		to[2].flag(r.External)
		to[3].instant(r.UpdatedAt)
	})
	o.rows(deleteSeats, len(c.RemovedSeats), func(i int, to []*array) {
		s := &c.RemovedSeats[i]
		to[0].int4(o.number(s.Organization))
		to[1].text(string(s.User))
		to[2].text(string(s.Code))
	})
	o.rows(updateSeats, len(c.Seats), func(i int, to []*array) {
		o.seat(&c.Seats[i], to)
		lease(c.Seats[i].Lease, to[5:])
	})
}

// usual sends the rest, if there is any.
func (o *output) usual(b *batch, c seatwright.Changes) {
	heads, _ := b.heads(c)
	pools, _ := b.storedPools(c)
	_, keys := b.expiredKeys(c)
	if len(heads)+len(pools)+len(c.NewRecords)+len(c.NewSeats)+len(keys)+len(c.Events) == 0 {
		return
	}
	columns := o.columns(writeUsual)
	rest := columns
	next := func(types []uint32) (to []*array) { // all columns of a row go into one array, in their order
		to = slices.Repeat(rest[:1], len(types))
		rest = rest[1:]
		return to
	}
	to := next(columnsOfHead)
	for i := range heads {
		o.head(&heads[i], to)
	}
	to = next(columnsOfPool)
	for i := range pools {
		o.pool(&pools[i], to)
	}
	to = next(columnsOfRecord)
	for i := range c.NewRecords {
		r := &c.NewRecords[i]
		to[0].int4(o.number(r.Organization))
		to[1].text(string(r.User))
		to[2].flag(r.External)
		to[3].instant(r.CreatedAt)
		to[4].instant(r.UpdatedAt)
	}
	to = next(columnsOfSeat)
	_, seats := split(c.NewSeats, isLeased)
	for i := range seats {
		o.seat(&seats[i], to)
		to[5].instant(seats[i].CreatedAt)
	}
	to = next(columnsOfKey)
	for i := range keys {
		o.key(&keys[i], to)
	}
	to = next(columnsOfEvent)
	for i := range c.Events {
		e := &c.Events[i]
		to[0].int4(o.number(e.Organization))
		to[1].int8(e.Sequence)
		to[2].instant(e.At)
		to[3].int8(int64(e.Version))
		to[4].text(string(e.Kind))
		to[5].text(e.Actor)
		to[6].text(e.Via)
		to[7].text(e.RequestID)
		to[8].text(e.Subject)
		to[9].bytes(e.Data)
		to[10].bytes(e.Prev)
		to[11].bytes(e.Hash)
	}
	o.send(writeUsual, columns)
	o.sent++
}

// heads parts the heads into those that are stored already and new ones.
func (b *batch) heads(c seatwright.Changes) (stored, fresh []seatwright.Head) {
	return split(c.Heads, func(h seatwright.Head) bool { return b.exists[h.Organization] })
}

func (b *batch) storedPools(c seatwright.Changes) (stored, fresh []seatwright.Pool) {
	return split(c.Pools, func(p seatwright.Pool) bool { return b.pools[poolRef{p.Organization, p.Code}] })
}

func (b *batch) expiredKeys(c seatwright.Changes) (expired, fresh []seatwright.KeyRecord) {
	return split(c.Keys, func(k seatwright.KeyRecord) bool { return b.keys[k.KeyRef] })
}

// split parts rows into those that are stored already and new ones. Usually all are of one sort, and nothing is copied.
func split[R any](rows []R, isStored func(R) bool) (stored, fresh []R) {
	n := 0
	for _, r := range rows {
		if isStored(r) {
			n++
		}
	}
	switch n {
	case 0:
		return nil, rows
	case len(rows):
		return rows, nil
	}
	for _, r := range rows {
		if isStored(r) {
			stored = append(stored, r)
		} else {
			fresh = append(fresh, r)
		}
	}
	return stored, fresh
}

func (o *output) head(h *seatwright.Head, to []*array) {
	to[0].int4(o.number(h.Organization))
	to[1].int8(h.Sequence)
	to[2].bytes(h.Hash)
	to[3].instant(h.At)
}

func (o *output) pool(p *seatwright.Pool, to []*array) {
	to[0].int4(o.number(p.Organization))
	to[1].text(string(p.Code))
	to[2].int8(p.Total)
	to[3].instant(p.TotalUntil)
	to[4].int8(p.Used)
	to[5].int8(p.Ceiling)
}

func (o *output) key(k *seatwright.KeyRecord, to []*array) {
	digest := digestOf(k.KeyRef)
	to[0].int4(o.number(k.Organization))
	to[1].bytes(digest[:])
	to[2].instant(k.CreatedAt)
	to[3].text(k.Principal)
	to[4].text(k.Key)
	to[5].bytes(k.Fingerprint)
	to[6].bytes(k.Answer)
}

func int8Value(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func int4Value(n int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
