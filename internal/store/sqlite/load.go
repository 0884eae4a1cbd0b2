package sqlite

import (
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// load reads the slice of a batch in a handful of statements, whatever its size: the keys of the wanted rows travel as one
// JSON text each. The transaction has the write lock.
func (w *writer) load(request seatwright.LoadRequest, now time.Time) (*seatwright.Slice, error) {
	touches := merged(request.Touches)
	slice := seatwright.NewSlice(now)
	for _, step := range [...]func(*seatwright.Slice, []seatwright.Touch) error{
		w.loadOrganizations, w.loadUsers, w.loadPools, w.loadTaken,
	} {
		if err := step(slice, touches); err != nil {
			return nil, err
		}
	}
	return slice, w.loadKeys(slice, request.Keys)
}

// merged joins the touches of each organization, in the order of their ids, every id once.
func merged(touches []seatwright.Touch) []seatwright.Touch {
	byID := map[seatwright.OrganizationID]*seatwright.Touch{}
	for _, t := range touches {
		m := byID[t.Organization]
		if m == nil {
			m = &seatwright.Touch{Organization: t.Organization}
			byID[t.Organization] = m
		}
		m.Users = append(m.Users, t.Users...)
		m.Codes = append(m.Codes, t.Codes...)
		m.Lots = m.Lots || t.Lots
		m.UserNameKeys = append(m.UserNameKeys, t.UserNameKeys...)
		m.ExternalIDs = append(m.ExternalIDs, t.ExternalIDs...)
		m.TenantNameKeys = append(m.TenantNameKeys, t.TenantNameKeys...)
		m.Tenants = append(m.Tenants, t.Tenants...)
		m.LotIDs = append(m.LotIDs, t.LotIDs...)
		m.OrganizationNameKeys = append(m.OrganizationNameKeys, t.OrganizationNameKeys...)
		m.Applications = append(m.Applications, t.Applications...)
	}
	all := make([]seatwright.Touch, 0, len(byID))
	for _, m := range byID {
		m.Users, m.Codes = distinct(m.Users), distinct(m.Codes)
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b seatwright.Touch) int { return compare(a.Organization, b.Organization) })
	return all
}

func compare[S ~string](a, b S) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func distinct[S ~string](ids []S) []S {
	slices.Sort(ids)
	return slices.Compact(ids)
}

const selectOrganization = `SELECT id, name, display_name, unknown_users, external_licenses, created_at FROM organizations`

func scanOrganization(rows interface{ Scan(...any) error }, more ...any) (org seatwright.Organization, err error) {
	var createdAt int64
	into := append([]any{&org.ID, &org.Name, &org.DisplayName, &org.UnknownUsers, &org.ExternalLicenses, &createdAt}, more...)
	err = rows.Scan(into...)
	org.CreatedAt = instant(createdAt)
	return org, err
}

// loadOrganizations loads every head before anything that depends on the slice's instant, which the heads may move.
func (w *writer) loadOrganizations(slice *seatwright.Slice, touches []seatwright.Touch) error {
	type found struct {
		organization seatwright.Organization
		head         seatwright.Head
		licensed     bool
	}
	var all []found
	wanted := jsonRows(len(touches), func(row func(...string)) {
		for _, t := range touches {
			row(string(t.Organization))
		}
	})
	load := func(now time.Time) error {
		all = all[:0]
		return w.each(func(rows *sql.Rows) (err error) {
			var f found
			var at int64
			f.organization, err = scanOrganization(rows, &f.head.Sequence, &f.head.Hash, &at, &f.licensed)
			f.head.Organization, f.head.At = f.organization.ID, instant(at)
			all = append(all, f)
			return err
		}, `SELECT o.id, o.name, o.display_name, o.unknown_users, o.external_licenses, o.created_at, h.sequence, h.hash, h.at,
				EXISTS (SELECT 1 FROM lots l WHERE l.organization = o.id AND l.starts_at <= ?1 AND l.expires_at > ?1)
			FROM json_each(?2) wanted
			JOIN organizations o ON o.id = wanted.value ->> 0
			JOIN heads h ON h.organization = o.id`, now.UnixMicro(), wanted)
	}
	if err := load(slice.Now()); err != nil {
		return err
	}
	latest := slice.Now()
	for _, f := range all {
		if f.head.At.After(latest) {
			latest = f.head.At
		}
	}
	if latest.After(slice.Now()) { // the clock went back: what is in force is asked again for the slice's instant
		if err := load(latest); err != nil {
			return err
		}
	}
	for _, f := range all {
		slice.LoadOrganization(f.organization, f.head, f.licensed)
	}
	return nil
}

// jsonRows writes an array of arrays of strings, as the statements with json_each take it.
func jsonRows(size int, rows func(row func(...string))) string {
	text := append(make([]byte, 0, 2+64*size), '[')
	rows(func(values ...string) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		for i, value := range values {
			text = append(text, "[,"[min(i, 1)])
			text = appendJSONString(text, value)
		}
		text = append(text, ']')
	})
	return string(append(text, ']'))
}

// appendJSONString quotes a value. Most are ids, which need no escape.
func appendJSONString(text []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(value)
			if err != nil {
				panic(err) // a string always marshals
			}
			return append(text, quoted...)
		}
	}
	text = append(text, '"')
	text = append(text, value...)
	return append(text, '"')
}

// loadUsers reads each person with their record and seats: one row per seat, at least one per person.
func (w *writer) loadUsers(slice *seatwright.Slice, touches []seatwright.Touch) error {
	wanted := jsonRows(len(touches), func(row func(...string)) {
		for _, t := range touches {
			for _, id := range t.Users {
				row(string(t.Organization), string(id))
			}
		}
	})
	if wanted == "[]" {
		return nil
	}
	var last seatwright.User
	return w.each(func(rows *sql.Rows) error {
		var user seatwright.User
		var external, recordCreated, recordUpdated, units, direct, seatCreated sql.NullInt64
		var code sql.NullString
		err := rows.Scan(&user.Organization, &user.ID, &user.Role, &user.Active, &external, &recordCreated, &recordUpdated,
			&code, &units, &direct, &seatCreated)
		if err != nil {
			return err
		}
		if user != last {
			last = user
			slice.LoadUser(user)
			if external.Valid {
				slice.LoadRecord(seatwright.DirectRecord{
					Organization: user.Organization, User: user.ID, External: external.Int64 == 1,
					CreatedAt: instant(recordCreated.Int64), UpdatedAt: instant(recordUpdated.Int64),
				})
			}
		}
		if code.Valid {
			slice.LoadSeat(seatwright.Seat{
				Organization: user.Organization, User: user.ID, Code: seatwright.BundleCode(code.String), Units: units.Int64,
				Direct: direct.Int64 == 1, CreatedAt: instant(seatCreated.Int64),
			})
		}
		return nil
	}, `SELECT u.organization, u.id, u.role, u.active, d.external, d.created_at, d.updated_at, s.code, s.units, s.direct, s.created_at
		FROM json_each(?) wanted
		CROSS JOIN users u ON u.organization = wanted.value ->> 0 AND u.id = wanted.value ->> 1
		LEFT JOIN direct_records d ON d.organization = u.organization AND d.user_id = u.id
		LEFT JOIN seats s ON s.organization = u.organization AND s.user_id = u.id`, wanted)
}

// loadPools reads the pools of the wanted and of the held codes, with their lots where the total may have changed.
func (w *writer) loadPools(slice *seatwright.Slice, touches []seatwright.Touch) error {
	type key struct {
		organization seatwright.OrganizationID
		code         seatwright.BundleCode
	}
	withLots := map[key]bool{}
	wanted := jsonRows(len(touches), func(row func(...string)) {
		for _, t := range touches {
			for _, code := range distinct(append(slice.HeldCodes(t.Organization), t.Codes...)) {
				row(string(t.Organization), string(code))
				if t.Lots {
					withLots[key{t.Organization, code}] = true
				}
			}
		}
	})
	if wanted == "[]" {
		return nil
	}
	var pools []seatwright.Pool
	err := w.each(func(rows *sql.Rows) error {
		pool, err := scanPool(rows)
		pools = append(pools, pool)
		return err
	}, `SELECT p.organization, p.code, p.total, p.total_until, p.used, p.ceiling FROM json_each(?) wanted
		CROSS JOIN pools p ON p.organization = wanted.value ->> 0 AND p.code = wanted.value ->> 1`, wanted)
	if err != nil {
		return err
	}
	for _, pool := range pools {
		var lots []seatwright.Lot
		if withLots[key{pool.Organization, pool.Code}] || pool.Stale(slice.Now()) {
			lots = []seatwright.Lot{}
			err := w.each(func(rows *sql.Rows) error {
				lot, err := scanLot(rows)
				lots = append(lots, lot)
				return err
			}, `SELECT organization, id, code, quantity, starts_at, ends_at, grace_seconds, order_text, created_at
				FROM lots WHERE organization = ? AND code = ? ORDER BY id`, string(pool.Organization), string(pool.Code))
			if err != nil {
				return err
			}
		}
		slice.LoadPool(pool, lots)
	}
	return nil
}

// loadTaken looks up the names and ids that a command wants to use.
func (w *writer) loadTaken(slice *seatwright.Slice, touches []seatwright.Touch) error {
	for _, t := range touches {
		if err := w.loadTakenOf(slice, t); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) loadTakenOf(slice *seatwright.Slice, t seatwright.Touch) error {
	for _, space := range [...]struct {
		space        seatwright.NameSpace
		names        []string
		installation bool
		query        string
	}{
		{seatwright.NamesOfUsers, t.UserNameKeys, false, `SELECT 1 FROM users WHERE organization = ?1 AND user_name_key = ?2`},
		{seatwright.ExternalIDsOfUsers, t.ExternalIDs, false, `SELECT 1 FROM users WHERE organization = ?1 AND external_id = ?2`},
		{seatwright.NamesOfTenants, t.TenantNameKeys, false, `SELECT 1 FROM tenants WHERE organization = ?1 AND name_key = ?2`},
		{seatwright.IDsOfTenants, texts(t.Tenants), false, `SELECT 1 FROM tenants WHERE organization = ?1 AND id = ?2`},
		{seatwright.IDsOfLots, texts(t.LotIDs), false, `SELECT 1 FROM lots WHERE organization = ?1 AND id = ?2`},
		{seatwright.NamesOfOrganizations, t.OrganizationNameKeys, true, `SELECT 1 FROM organizations WHERE ?1 <> '' AND name_key = ?2`},
		{seatwright.IDsOfApplications, texts(t.Applications), true, `SELECT 1 FROM applications WHERE ?1 <> '' AND id = ?2`},
	} {
		organization := t.Organization
		if space.installation {
			organization = ""
		}
		for _, name := range space.names {
			err := w.each(func(*sql.Rows) error {
				slice.LoadTaken(organization, space.space, name)
				return nil
			}, space.query, string(t.Organization), name)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func texts[S ~string](ids []S) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

func (w *writer) loadKeys(slice *seatwright.Slice, refs []seatwright.KeyRef) error {
	if len(refs) == 0 {
		return nil
	}
	wanted := jsonRows(len(refs), func(row func(...string)) {
		for _, ref := range refs {
			row(string(ref.Organization), ref.Principal, ref.Key)
		}
	})
	return w.each(func(rows *sql.Rows) error {
		var k seatwright.KeyRecord
		var createdAt int64
		if err := rows.Scan(&k.Organization, &k.Principal, &k.Key, &k.Fingerprint, &k.Answer, &createdAt); err != nil {
			return err
		}
		k.CreatedAt = instant(createdAt)
		slice.LoadKey(k)
		return nil
	}, `SELECT k.organization, k.principal, k.key, k.fingerprint, k.answer, k.created_at FROM json_each(?) wanted
		CROSS JOIN idempotency_keys k
			ON k.organization = wanted.value ->> 0 AND k.principal = wanted.value ->> 1 AND k.key = wanted.value ->> 2`, wanted)
}

func scanPool(rows *sql.Rows) (p seatwright.Pool, err error) {
	var until int64
	err = rows.Scan(&p.Organization, &p.Code, &p.Total, &until, &p.Used, &p.Ceiling)
	p.TotalUntil = instant(until)
	return p, err
}

func scanLot(rows *sql.Rows) (l seatwright.Lot, err error) {
	var start, end, grace, createdAt int64
	err = rows.Scan(&l.Organization, &l.ID, &l.Code, &l.Quantity, &start, &end, &grace, &l.Order, &createdAt)
	l.Start, l.End, l.Grace, l.CreatedAt = instant(start), instant(end), seconds(grace), instant(createdAt)
	return l, err
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
