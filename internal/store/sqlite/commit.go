package sqlite

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"slices"
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
		{"", w.checkKnown},
		{"", w.remove},
		{"", w.changeUsers},
		{"", w.insertDirectory},
		{"", w.putLots},
		{"", w.putServices},
		{"", w.putUnits},
		{"", w.checkPeople},
		{"", w.putGroups},
		{"", w.putLeases},
		{"", w.putSettings},
		{"", w.putNotices},
		{"", w.putDenials},
		{"", w.putLicenseFiles},
		{"", w.putApplications},
		{"", w.putGrants},
		{planted.StepHead, w.putHeads},
		{planted.StepCounter, w.putPools},
		{planted.StepInsert, w.putHoldings},
		{"", w.putSignIns},
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

// numberOf is the number of an organization that the batch has loaded or made.
func (w *writer) numberOf(id seatwright.OrganizationID) int64 {
	if known := w.recent[id]; known != nil {
		return known.number
	}
	return w.made[id]
}

// checkKnown stands for looking at the number of rows that statements change: who is changed or removed was read by this transaction.
func (w *writer) checkKnown(c seatwright.Changes) error {
	for _, u := range c.RemovedUsers {
		if w.people[person{u.Organization, u.ID}] == 0 {
			return seatwright.Internal(fmt.Errorf("the removal of %s in %s, who does not exist", u.ID, u.Organization))
		}
	}
	for _, u := range c.ChangedUsers {
		if w.people[person{u.Organization, u.ID}] == 0 {
			return seatwright.Internal(fmt.Errorf("a change of %s in %s, who does not exist", u.ID, u.Organization))
		}
	}
	return nil
}

// remove takes away what is gone, people last: their numbers may be given to others at once.
func (w *writer) remove(c seatwright.Changes) error {
	for _, r := range c.RemovedRecords {
		if err := w.exec(deleteHolding, w.people[person{r.Organization, r.User}], codeOfRecord); err != nil {
			return err
		}
	}
	for _, s := range c.RemovedSeats {
		if err := w.exec(deleteHolding, w.people[person{s.Organization, s.User}], string(s.Code)); err != nil {
			return err
		}
	}
	for _, u := range c.RemovedUsers {
		err := w.exec(`DELETE FROM memberships WHERE organization = ? AND member_id = ? AND member_kind = 'user'`, w.numberOf(u.Organization), string(u.ID))
		if err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM settings WHERE organization = ? AND of_user = ?`, w.numberOf(u.Organization), string(u.ID)); err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM grants WHERE organization = ? AND of_user = ?`, w.numberOf(u.Organization), string(u.ID)); err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM sessions WHERE organization = ? AND of_user = ?`, w.numberOf(u.Organization), string(u.ID)); err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM users WHERE number = ?`, w.people[person{u.Organization, u.ID}]); err != nil {
			return err
		}
		delete(w.people, person{u.Organization, u.ID})
	}
	return nil
}

func (w *writer) changeUsers(c seatwright.Changes) error {
	for _, u := range c.ChangedUsers {
		err := w.exec(`UPDATE users SET email = ?, first_name = ?, last_name = ?, display_name = ?, role = ?, active = ?, password_hash = ?,
				modified_at = ?, bypass_basic_auth = ?, invitation_accepted = ? WHERE number = ?`,
			u.Email, u.FirstName, u.LastName, u.DisplayName, string(u.Role), u.Active, u.PasswordHash, microsOrNever(u.ModifiedAt), u.BypassBasicAuth,
			u.InvitationAccepted, w.people[person{u.Organization, u.ID}])
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertDirectory(c seatwright.Changes) error {
	for _, o := range c.Organizations {
		number, err := w.add(`INSERT INTO organizations (id, name, name_key, display_name, unknown_users, external_licenses, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`,
			string(o.ID), o.Name, seatwright.NameKey(o.Name), o.DisplayName, string(o.UnknownUsers), o.ExternalLicenses, o.CreatedAt.UnixMicro()) // the other policies are the defaults of the columns
		if err != nil {
			return err
		}
		w.made[o.ID] = number
	}
	for _, o := range c.ChangedOrganizations {
		err := w.exec(`UPDATE organizations SET unknown_users = ?, external_licenses = ?, allocation_mode = ?, on_leave = ?, inactive_days = ?,
				user_licensing = ?, on_shrink = ?, unit_lease_minutes = ?, overdraft = ? WHERE number = ?`, string(o.UnknownUsers), o.ExternalLicenses, string(o.AllocationMode), string(o.OnLeave),
			o.InactiveDays, o.UserLicensing, string(o.OnShrink), o.UnitLeaseMinutes, string(o.Overdraft), w.numberOf(o.ID))
		if err != nil {
			return err
		}
	}
	for _, t := range c.Tenants {
		err := w.exec(`INSERT INTO tenants (organization, id, name, name_key, created_at) VALUES (?, ?, ?, ?, ?)`,
			w.numberOf(t.Organization), string(t.ID), t.Name, seatwright.NameKey(t.Name), t.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, u := range c.Users {
		number, err := w.add(`INSERT INTO users (organization, id, user_name, user_name_key, external_id, email, first_name, last_name,
				display_name, role, active, password_hash, created_at, modified_at, bypass_basic_auth, invitation_accepted)
			VALUES (?, ?, ?, nullif(?, ''), nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.numberOf(u.Organization), string(u.ID), u.UserName, u.UserNameKey, u.ExternalID, u.Email, u.FirstName, u.LastName,
			u.DisplayName, string(u.Role), u.Active, u.PasswordHash, u.CreatedAt.UnixMicro(), microsOrNever(u.ModifiedAt), u.BypassBasicAuth,
			u.InvitationAccepted)
		if err != nil {
			return err
		}
		w.people[person{u.Organization, u.ID}] = number
	}
	for _, k := range c.SigningKeys {
		if err := w.exec(`INSERT INTO signing_keys (id, sealed, created_at) VALUES (?, ?, ?)`, k.ID, k.Sealed, k.CreatedAt.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

// checkPeople stands for the foreign keys of records and seats: each belongs to a person whom this transaction has read or made.
func (w *writer) checkPeople(c seatwright.Changes) error {
	for _, r := range c.NewRecords {
		if w.people[person{r.Organization, r.User}] == 0 {
			return seatwright.Internal(fmt.Errorf("a record of %s in %s, who does not exist", r.User, r.Organization))
		}
	}
	for _, s := range c.NewSeats {
		if w.people[person{s.Organization, s.User}] == 0 {
			return seatwright.Internal(fmt.Errorf("a seat of %s in %s, who does not exist", s.User, s.Organization))
		}
	}
	return nil
}

func (w *writer) putHeads(c seatwright.Changes) error {
	return w.insert(heads, len(c.Heads), func(i int, row []driver.Value) []driver.Value {
		h := &c.Heads[i]
		return append(row, w.numberOf(h.Organization), h.Sequence, h.Hash, h.At.UnixMicro())
	})
}

func (w *writer) putPools(c seatwright.Changes) error {
	return w.insert(pools, len(c.Pools), func(i int, row []driver.Value) []driver.Value {
		p := &c.Pools[i]
		return append(row, w.numberOf(p.Organization), string(p.Code), p.Total, p.TotalUntil.UnixMicro(), p.Used, p.Ceiling)
	})
}

// codeOfRecord stands in the row of the direct record, where those of seats have the code of a bundle: it lies before them.
const codeOfRecord = ""

const deleteHolding = `DELETE FROM holdings WHERE user_number = ? AND code = ?`

// putHoldings writes the records and the seats.
func (w *writer) putHoldings(c seatwright.Changes) error {
	for _, r := range c.Records {
		err := w.exec(`UPDATE holdings SET external = ?, updated_at = ? WHERE user_number = ? AND code = ?`,
			r.External, r.UpdatedAt.UnixMicro(), w.people[person{r.Organization, r.User}], codeOfRecord)
		if err != nil {
			return err
		}
	}
	for _, s := range c.Seats {
		group, term, leasedAt, lastInUse, orphanAt, unit := leaseValues(s.Lease)
		err := w.exec(`UPDATE holdings SET units = ?, direct = ?, group_id = ?, term = ?, leased_at = ?, last_in_use = ?, orphan_at = ?, unit = ?
				WHERE user_number = ? AND code = ?`, s.Units, s.Direct, group, term, leasedAt, lastInUse, orphanAt, unit,
			w.people[person{s.Organization, s.User}], string(s.Code))
		if err != nil {
			return err
		}
	}
	return w.insertHoldings(c)
}

// insertHoldings writes what is new in the order of its keys, so that a page which gets several rows gets them together.
func (w *writer) insertHoldings(c seatwright.Changes) error {
	type holding struct {
		user   int64
		record *seatwright.DirectRecord // or
		seat   *seatwright.Seat
	}
	all := make([]holding, 0, len(c.NewRecords)+len(c.NewSeats))
	for i := range c.NewRecords {
		r := &c.NewRecords[i]
		all = append(all, holding{user: w.people[person{r.Organization, r.User}], record: r})
	}
	for i := range c.NewSeats {
		s := &c.NewSeats[i]
		if s.Lease.Held() { // those who open a session take one or two
			group, term, leasedAt, lastInUse, orphanAt, unit := leaseValues(s.Lease)
			err := w.exec(`INSERT OR ROLLBACK INTO holdings (user_number, code, organization, units, direct, created_at, group_id, term, leased_at,
					last_in_use, orphan_at, unit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				w.people[person{s.Organization, s.User}], string(s.Code), w.numberOf(s.Organization), s.Units, s.Direct, s.CreatedAt.UnixMicro(),
				group, term, leasedAt, lastInUse, orphanAt, unit)
			if err != nil {
				return err
			}
			continue
		}
		all = append(all, holding{user: w.people[person{s.Organization, s.User}], seat: s})
	}
	slices.SortStableFunc(all, func(a, b holding) int { return cmp.Compare(a.user, b.user) }) // seats have the order of their codes
	return w.insert(newHoldings, len(all), func(i int, row []driver.Value) []driver.Value {
		if r := all[i].record; r != nil {
			return append(row, all[i].user, codeOfRecord, w.numberOf(r.Organization), r.External, nil, nil, r.CreatedAt.UnixMicro(), r.UpdatedAt.UnixMicro())
		}
		s := all[i].seat
		return append(row, all[i].user, string(s.Code), w.numberOf(s.Organization), nil, s.Units, s.Direct, s.CreatedAt.UnixMicro(), nil)
	})
}

func (w *writer) appendEvents(c seatwright.Changes) error {
	return w.insert(newEvents, len(c.Events), func(i int, row []driver.Value) []driver.Value {
		e := &c.Events[i]
		return append(row, w.numberOf(e.Organization), e.Sequence, e.At.UnixMicro(), string(e.Kind), int64(e.Version), e.Actor, e.Via,
			e.RequestID, e.Subject, e.Data, e.Prev, e.Hash)
	})
}

// The statements that store rows of which a batch has many.
var (
	heads = newInsertion(`heads (organization, sequence, hash, at)`, 4, ` ON CONFLICT (organization)
		DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, at = excluded.at`)
	pools = newInsertion(`pools (organization, code, total, total_until, used, ceiling)`, 6, ` ON CONFLICT (organization, code)
		DO UPDATE SET total = excluded.total, total_until = excluded.total_until, used = excluded.used, ceiling = excluded.ceiling`)
	newHoldings = newInsertion(`holdings (user_number, code, organization, external, units, direct, created_at, updated_at)`, 8, "")
	newEvents   = newInsertion(`events (organization, sequence, at, kind, version, actor, via, request_id, subject, data, prev, hash)`, 12, "")
)

// rowsAtOnce are how many rows one statement stores, the most first.
var rowsAtOnce = [...]int{16, 4, 1}

// insertion are the statements that store rows of one table, one for each of rowsAtOnce. A row that is there already is a
// bug unless conflict says what comes of it, and OR ROLLBACK ends the whole transaction then: without it SQLite would keep a
// journal of each statement with several rows, which eats what fewer statements save.
type insertion [len(rowsAtOnce)]string

func newInsertion(table string, columns int, conflict string) *insertion {
	var all insertion
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	for i, rows := range rowsAtOnce {
		all[i] = "INSERT OR ROLLBACK INTO " + table + " VALUES " + row + strings.Repeat(", "+row, rows-1) + conflict
	}
	return &all
}

// insert stores n rows; values appends the columns of one of them.
func (w *writer) insert(into *insertion, n int, values func(i int, row []driver.Value) []driver.Value) error {
	var args []driver.Value
	done := 0
	for i, rows := range rowsAtOnce {
		for ; n-done >= rows; done += rows {
			args = args[:0]
			for row := range rows {
				args = values(done+row, args)
			}
			if err := w.exec(into[i], args...); err != nil {
				return err
			}
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
			VALUES ((SELECT number FROM organizations WHERE id = ?), ?, ?, ?, ?, ?)`,
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
