package sqlite

import (
	"database/sql"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// load reads the slice of a batch. The transaction has the write lock.
func (w *writer) load(request seatwright.LoadRequest, now time.Time) (*seatwright.Slice, error) {
	touches := merged(request.Touches)
	slice := seatwright.NewSlice(now)
	if err := w.loadOrganizations(slice, touches); err != nil {
		return nil, err
	}
	for _, t := range touches {
		if err := w.loadUsers(slice, t); err != nil {
			return nil, err
		}
		if err := w.loadPools(slice, t); err != nil {
			return nil, err
		}
		if err := w.loadTaken(slice, t); err != nil {
			return nil, err
		}
	}
	for _, ref := range request.Keys {
		if err := w.loadKey(slice, ref); err != nil {
			return nil, err
		}
	}
	return slice, nil
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
	}
	all := make([]found, 0, len(touches))
	now := slice.Now()
	for _, t := range touches {
		err := w.each(func(rows *sql.Rows) (err error) {
			var f found
			var at int64
			f.organization, err = scanOrganization(rows, &f.head.Sequence, &f.head.Hash, &at)
			f.head.Organization, f.head.At = t.Organization, instant(at)
			if f.head.At.After(now) {
				now = f.head.At
			}
			all = append(all, f)
			return err
		}, `SELECT o.id, o.name, o.display_name, o.unknown_users, o.external_licenses, o.created_at, h.sequence, h.hash, h.at
			FROM organizations o JOIN heads h ON h.organization = o.id WHERE o.id = ?1`, string(t.Organization))
		if err != nil {
			return err
		}
	}
	for _, f := range all {
		licensed := false
		err := w.each(func(rows *sql.Rows) error { return rows.Scan(&licensed) },
			`SELECT EXISTS (SELECT 1 FROM lots WHERE organization = ?1 AND starts_at <= ?2 AND expires_at > ?2)`,
			string(f.organization.ID), now.UnixMicro())
		if err != nil {
			return err
		}
		slice.LoadOrganization(f.organization, f.head, licensed)
	}
	return nil
}

// loadUsers reads each person with their record and seats in one statement: one row per seat, at least one per person.
func (w *writer) loadUsers(slice *seatwright.Slice, t seatwright.Touch) error {
	for _, id := range t.Users {
		first := true
		err := w.each(func(rows *sql.Rows) error {
			user := seatwright.User{Organization: t.Organization, ID: id}
			record := seatwright.DirectRecord{Organization: t.Organization, User: id}
			seat := seatwright.Seat{Organization: t.Organization, User: id}
			var external, recordCreated, recordUpdated, units, direct, seatCreated sql.NullInt64
			var code sql.NullString
			err := rows.Scan(&user.Role, &user.Active, &external, &recordCreated, &recordUpdated, &code, &units, &direct, &seatCreated)
			if err != nil {
				return err
			}
			if first {
				slice.LoadUser(user)
				if external.Valid {
					record.External = external.Int64 == 1
					record.CreatedAt, record.UpdatedAt = instant(recordCreated.Int64), instant(recordUpdated.Int64)
					slice.LoadRecord(record)
				}
			}
			first = false
			if code.Valid {
				seat.Code, seat.Units, seat.Direct, seat.CreatedAt = seatwright.BundleCode(code.String), units.Int64, direct.Int64 == 1, instant(seatCreated.Int64)
				slice.LoadSeat(seat)
			}
			return nil
		}, `SELECT u.role, u.active, d.external, d.created_at, d.updated_at, s.code, s.units, s.direct, s.created_at
			FROM users u
			LEFT JOIN direct_records d ON d.organization = u.organization AND d.user_id = u.id
			LEFT JOIN seats s ON s.organization = u.organization AND s.user_id = u.id
			WHERE u.organization = ?1 AND u.id = ?2`, string(t.Organization), string(id))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) loadPools(slice *seatwright.Slice, t seatwright.Touch) error {
	for _, code := range distinct(append(slice.HeldCodes(t.Organization), t.Codes...)) {
		pool, found := seatwright.Pool{}, false
		err := w.each(func(rows *sql.Rows) (err error) {
			found = true
			pool, err = scanPool(rows)
			return err
		}, selectPools+` WHERE organization = ?1 AND code = ?2`, string(t.Organization), string(code))
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		var lots []seatwright.Lot
		if t.Lots || pool.Stale(slice.Now()) {
			lots = []seatwright.Lot{}
			err := w.each(func(rows *sql.Rows) error {
				lot, err := scanLot(rows)
				lots = append(lots, lot)
				return err
			}, selectLots+` WHERE organization = ?1 AND code = ?2 ORDER BY id`, string(t.Organization), string(code))
			if err != nil {
				return err
			}
		}
		slice.LoadPool(pool, lots)
	}
	return nil
}

// loadTaken looks up the names and ids that a command wants to use.
func (w *writer) loadTaken(slice *seatwright.Slice, t seatwright.Touch) error {
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

func (w *writer) loadKey(slice *seatwright.Slice, ref seatwright.KeyRef) error {
	return w.each(func(rows *sql.Rows) error {
		k := seatwright.KeyRecord{KeyRef: ref}
		var createdAt int64
		if err := rows.Scan(&k.Fingerprint, &k.Answer, &createdAt); err != nil {
			return err
		}
		k.CreatedAt = instant(createdAt)
		slice.LoadKey(k)
		return nil
	}, `SELECT fingerprint, answer, created_at FROM idempotency_keys WHERE organization = ?1 AND principal = ?2 AND key = ?3`,
		string(ref.Organization), ref.Principal, ref.Key)
}

const (
	selectPools = `SELECT organization, code, total, total_until, used, ceiling FROM pools`
	selectLots  = `SELECT organization, id, code, quantity, starts_at, ends_at, grace_seconds, order_text, created_at FROM lots`
)

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
