package sqlite

import (
	"database/sql/driver"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// apply writes the difference that a batch made. The order keeps every foreign key.
func (w *writer) apply(c seatwright.Changes) error {
	for _, step := range [...]struct {
		name  string
		write func(seatwright.Changes) error
	}{
		{"", w.insertDirectory},
		{"", w.insertLots},
		{planted.StepHead, w.putHeads},
		{planted.StepCounter, w.putPools},
		{"", w.putRecords},
		{planted.StepInsert, w.putSeats},
		{planted.StepAudit, w.appendEvents},
		{planted.StepKey, w.putKeys},
	} {
		planted.Before(step.name)
		if err := step.write(c); err != nil {
			return err
		}
		planted.After(step.name)
	}
	return nil
}

func (w *writer) insertDirectory(c seatwright.Changes) error {
	for _, o := range c.Organizations {
		err := w.exec(`INSERT INTO organizations (id, name, name_key, display_name, unknown_users, external_licenses, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`,
			string(o.ID), o.Name, seatwright.NameKey(o.Name), o.DisplayName, string(o.UnknownUsers), o.ExternalLicenses, o.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, t := range c.Tenants {
		err := w.exec(`INSERT INTO tenants (organization, id, name, name_key, created_at) VALUES (?, ?, ?, ?, ?)`,
			string(t.Organization), string(t.ID), t.Name, seatwright.NameKey(t.Name), t.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, u := range c.Users {
		err := w.exec(`INSERT INTO users (organization, id, user_name, user_name_key, external_id, email, first_name, last_name,
				display_name, role, active, password_hash, created_at)
			VALUES (?, ?, ?, nullif(?, ''), nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?)`,
			string(u.Organization), string(u.ID), u.UserName, u.UserNameKey, u.ExternalID, u.Email, u.FirstName, u.LastName,
			u.DisplayName, string(u.Role), u.Active, u.PasswordHash, u.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, a := range c.Applications {
		err := w.exec(`INSERT INTO applications (id, organization, name, secret_hash, scopes, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
			string(a.ID), string(a.Organization), a.Name, a.SecretHash, joinScopes(a.Scopes), a.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, k := range c.SigningKeys {
		if err := w.exec(`INSERT INTO signing_keys (id, sealed, created_at) VALUES (?, ?, ?)`, k.ID, k.Sealed, k.CreatedAt.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

func joinScopes(scopes []seatwright.Scope) string { return strings.Join(texts(scopes), " ") }

func (w *writer) insertLots(c seatwright.Changes) error {
	for _, l := range c.Lots {
		err := w.exec(`INSERT INTO lots (organization, code, id, quantity, starts_at, ends_at, grace_seconds, expires_at, order_text, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			string(l.Organization), string(l.Code), string(l.ID), l.Quantity, l.Start.UnixMicro(), l.End.UnixMicro(),
			int64(l.Grace.Seconds()), l.Expiry().UnixMicro(), l.Order, l.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putHeads(c seatwright.Changes) error {
	for _, h := range c.Heads {
		err := w.put(`UPDATE heads SET sequence = ?2, hash = ?3, at = ?4 WHERE organization = ?1`,
			`INSERT INTO heads (organization, sequence, hash, at) VALUES (?, ?, ?, ?)`,
			string(h.Organization), h.Sequence, h.Hash, h.At.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putPools(c seatwright.Changes) error {
	for _, p := range c.Pools {
		err := w.put(`UPDATE pools SET total = ?3, total_until = ?4, used = ?5, ceiling = ?6 WHERE organization = ?1 AND code = ?2`,
			`INSERT INTO pools (organization, code, total, total_until, used, ceiling) VALUES (?, ?, ?, ?, ?, ?)`,
			string(p.Organization), string(p.Code), p.Total, p.TotalUntil.UnixMicro(), p.Used, p.Ceiling)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putRecords(c seatwright.Changes) error {
	for _, r := range c.RemovedRecords {
		if err := w.exec(`DELETE FROM direct_records WHERE organization = ? AND user_id = ?`, string(r.Organization), string(r.User)); err != nil {
			return err
		}
	}
	for _, r := range c.Records {
		err := w.exec(`UPDATE direct_records SET external = ?, updated_at = ? WHERE organization = ? AND user_id = ?`,
			r.External, r.UpdatedAt.UnixMicro(), string(r.Organization), string(r.User))
		if err != nil {
			return err
		}
	}
	return w.insert(&newRecords, len(c.NewRecords), func(i int, row []driver.Value) []driver.Value {
		r := &c.NewRecords[i]
		return append(row, string(r.Organization), string(r.User), r.External, r.CreatedAt.UnixMicro(), r.UpdatedAt.UnixMicro())
	})
}

func (w *writer) putSeats(c seatwright.Changes) error {
	for _, s := range c.RemovedSeats {
		err := w.exec(`DELETE FROM seats WHERE organization = ? AND user_id = ? AND code = ?`, string(s.Organization), string(s.User), string(s.Code))
		if err != nil {
			return err
		}
	}
	for _, s := range c.Seats {
		err := w.exec(`UPDATE seats SET units = ?, direct = ? WHERE organization = ? AND user_id = ? AND code = ?`,
			s.Units, s.Direct, string(s.Organization), string(s.User), string(s.Code))
		if err != nil {
			return err
		}
	}
	return w.insert(&newSeats, len(c.NewSeats), func(i int, row []driver.Value) []driver.Value {
		s := &c.NewSeats[i]
		return append(row, string(s.Organization), string(s.User), string(s.Code), s.Units, s.Direct, s.CreatedAt.UnixMicro())
	})
}

func (w *writer) appendEvents(c seatwright.Changes) error {
	return w.insert(&newEvents, len(c.Events), func(i int, row []driver.Value) []driver.Value {
		e := &c.Events[i]
		return append(row, string(e.Organization), e.Sequence, e.At.UnixMicro(), string(e.Kind), int64(e.Version), e.Actor, e.Via,
			e.RequestID, e.Subject, e.Data, e.Prev, e.Hash)
	})
}

// The statements that add rows of which a batch has many.
var (
	newRecords = newInsertion(`direct_records (organization, user_id, external, created_at, updated_at)`, 5)
	newSeats   = newInsertion(`seats (organization, user_id, code, units, direct, created_at)`, 6)
	newEvents  = newInsertion(`events (organization, sequence, at, kind, version, actor, via, request_id, subject, data, prev, hash)`, 12)
)

// rowsAtOnce is how many rows one statement adds where there are as many.
const rowsAtOnce = 8

// insertion is a statement that adds one row, and one that adds rowsAtOnce. A row that is there already is a bug, and
// OR ROLLBACK ends the whole transaction then: without it SQLite would keep a journal of each statement with several rows,
// which eats what fewer statements save. The foreign keys of these tables are checked at COMMIT for the same reason.
type insertion struct{ one, many string }

func newInsertion(table string, columns int) insertion {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	one := "INSERT OR ROLLBACK INTO " + table + " VALUES " + row
	return insertion{one: one, many: one + strings.Repeat(", "+row, rowsAtOnce-1)}
}

// insert adds n rows; values appends the columns of one of them.
func (w *writer) insert(into *insertion, n int, values func(i int, row []driver.Value) []driver.Value) error {
	var args []driver.Value
	for i := 0; i < n; {
		text, rows := into.one, 1
		if n-i >= rowsAtOnce {
			text, rows = into.many, rowsAtOnce
		}
		args = args[:0]
		for range rows {
			args = values(i, args)
			i++
		}
		if err := w.exec(text, args...); err != nil {
			return err
		}
	}
	return nil
}

// Expired answers are cleared once a sweepInterval, at most keysPerSweep of them, so that the table stays as large as a day
// and no batch pays for many.
const (
	sweepInterval = time.Second
	keysPerSweep  = 4096
)

func (w *writer) putKeys(c seatwright.Changes) error {
	if len(c.Keys) == 0 {
		return nil
	}
	for _, k := range c.Keys {
		err := w.exec(`INSERT OR REPLACE INTO idempotency_keys (organization, principal, key, fingerprint, answer, created_at)
			VALUES (?, ?, ?, ?, ?, ?)`,
			string(k.Organization), k.Principal, k.Key, k.Fingerprint, k.Answer, k.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	now := c.Keys[0].CreatedAt
	if now.Sub(w.sweptAt) < sweepInterval {
		return nil
	}
	w.sweptAt = now
	// Rows are numbered as they come, so the oldest are at the front.
	return w.exec(`DELETE FROM idempotency_keys
		WHERE rowid IN (SELECT rowid FROM idempotency_keys ORDER BY rowid LIMIT ?) AND created_at < ?`,
		int64(keysPerSweep), now.Add(-seatwright.KeyLife).UnixMicro())
}
