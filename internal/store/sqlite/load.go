package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// load reads the slice of a batch in a handful of statements: the keys of most wanted rows travel as one JSON text for each organization.
// The transaction has the write lock.
func (w *writer) load(request seatwright.LoadRequest, now time.Time) (*seatwright.Slice, error) {
	touches := request.ByOrganization()
	slice := seatwright.NewSlice(now)
	for _, step := range [...]func(*seatwright.Slice, []*seatwright.Touch) error{
		w.loadOrganizations, w.loadUsers, w.loadPeople, w.loadGroups, w.loadLeases, w.loadSettings, w.loadServices, w.loadUnits, w.loadPools, w.loadNotices, w.loadDenials, w.loadLicenseFiles, w.loadTaken, w.loadSignIns, w.loadGrants,
	} {
		if err := step(slice, touches); err != nil {
			return nil, err
		}
	}
	return slice, w.loadKeys(slice, request.Keys)
}

func distinct[S ~string](ids []S) []S {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// columnsOfOrganization are what organizationOf reads, in its order.
const columnsOfOrganization = `o.id, o.name, o.display_name, o.unknown_users, o.external_licenses, o.created_at, o.allocation_mode, o.on_leave,
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

// loadOrganizations loads every head before anything that depends on the organization's instant, which the head may move.
func (w *writer) loadOrganizations(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	all, err := w.organizationsAt(slice.Now(), touches)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.head.At.After(slice.Now()) { // the clock went back: what is in force is asked again for the organization's instant
			again, err := w.organizationsAt(o.head.At, []*seatwright.Touch{{Organization: o.organization.ID}})
			if err != nil {
				return err
			}
			o = again[0]
		}
		slice.LoadOrganization(o.organization, o.head, o.licensed)
	}
	return nil
}

// organizationsAt returns those of the touched organizations that exist, as they are at now.
func (w *writer) organizationsAt(now time.Time, touches []*seatwright.Touch) ([]*recentOrganization, error) {
	all := make([]*recentOrganization, 0, len(touches))
	var wanted []seatwright.OrganizationID
	for _, t := range touches {
		if o := w.recent.at(t.Organization, now); o != nil {
			all = append(all, o)
		} else {
			wanted = append(wanted, t.Organization)
		}
	}
	if len(wanted) == 0 {
		return all, nil
	}
	err := w.each(func(r row) {
		org, rest := organizationOf(r), r[columnsInOrganization:]
		all = append(all, w.recent.remember(recentOrganization{
			organization: org, head: seatwright.Head{Organization: org.ID, Sequence: rest.int(0), Hash: rest.bytes(1), At: rest.instant(2)},
			licensed: rest.flag(3), from: now, until: rest.instant(4), number: rest.int(5), denied: rest.flag(6),
		}))
	}, `SELECT `+columnsOfOrganization+`, h.sequence, h.hash, h.at,
			EXISTS (SELECT 1 FROM lots l WHERE l.organization = o.number AND l.starts_at <= ?1 AND l.expires_at > ?1),
			coalesce((SELECT min(CASE WHEN l.starts_at > ?1 THEN l.starts_at ELSE l.expires_at END)
				FROM lots l WHERE l.organization = o.number AND l.expires_at > ?1), ?3), o.number,
			EXISTS (SELECT 1 FROM denials d INDEXED BY denials_latest WHERE d.organization = o.number AND d.latest = 1)
		FROM json_each(?2) wanted
		CROSS JOIN organizations o ON o.id = wanted.value
		CROSS JOIN heads h ON h.organization = o.number`, now.UnixMicro(), jsonArray(wanted), now.Add(unlicensedFor).UnixMicro())
	return all, err
}

// unlicensedFor is how long an organization without any lot to come is remembered as unlicensed. A purchase ends it at once.
const unlicensedFor = time.Hour

// jsonArray writes ids as an array of strings, as the statements with json_each take it.
func jsonArray[S ~string](ids []S) string {
	text := append(make([]byte, 0, 2+40*len(ids)), '[')
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendJSONString(text, string(id))
	}
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

// loadUsers reads each person with what they hold: one row for the record and one per seat, at least one per person. Of the
// person nothing but the id, the number and whether they are active is read, and no instants: most decisions look at no more. Two
// indexes have all of that, so that the rows of people, each on a page of its own in a large database, need not be read.
func (w *writer) loadUsers(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	var wanted []person
	var args []driver.Value
	for _, t := range touches {
		if known := w.recent[t.Organization]; known != nil {
			for _, user := range t.Users {
				wanted = append(wanted, person{t.Organization, user})
				args = append(args, known.number, string(user))
			}
		}
	}
	done := 0
	for i, rows := range usersAtOnce {
		for ; len(wanted)-done >= rows; done += rows {
			if err := w.loadHolders(slice, questionsForUsers[i], wanted[done:done+rows], args[2*done:2*(done+rows)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// usersAtOnce are for how many people one question is, the most first.
var usersAtOnce = [...]int{128, 16, 4, 1}

// questionsForUsers are the questions, one for each of usersAtOnce.
var questionsForUsers = func() (all [len(usersAtOnce)]string) {
	for i, rows := range usersAtOnce {
		values := make([]string, rows)
		for n := range rows {
			values[n] = fmt.Sprintf("(%d, ?, ?)", n)
		}
		all[i] = `SELECT wanted.column1, u.number,
				NOT EXISTS (SELECT 1 FROM users i INDEXED BY users_who_are_inactive WHERE i.active = 0 AND i.number = u.number),
				h.code, h.external, h.units, h.direct, ` + columnsOfLease + `
			FROM (VALUES ` + strings.Join(values, ", ") + `) wanted
			CROSS JOIN users u ON u.organization = wanted.column2 AND u.id = wanted.column3
			LEFT JOIN holdings h ON h.user_number = u.number`
	}
	return all
}()

// loadHolders asks one question and gives the slice the people whom it is for, with what they hold.
func (w *writer) loadHolders(slice *seatwright.Slice, question string, wanted []person, args []driver.Value) error {
	last := int64(-1)
	return w.each(func(r row) {
		p := wanted[r.int(0)]
		if r.int(0) != last {
			last = r.int(0)
			w.people[p] = r.int(1)
			slice.LoadUser(seatwright.User{Organization: p.organization, ID: p.user, Active: r.flag(2)})
		}
		switch {
		case r.null(3): // they hold nothing
		case r.text(3) == codeOfRecord:
			slice.LoadRecord(seatwright.DirectRecord{Organization: p.organization, User: p.user, External: r.flag(4)})
		default:
			slice.LoadSeat(seatwright.Seat{
				Organization: p.organization, User: p.user, Code: seatwright.ProductCode(r.text(3)), Units: r.int(5), Direct: r.flag(6),
				Lease: leaseOf(r[7:]),
			})
		}
	}, question, args...)
}

// loadPeople reads those whom a decision has to know as a whole, and counts the active administrators as far as it matters.
func (w *writer) loadPeople(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if len(t.WholeUsers) == 0 || known == nil {
			continue
		}
		err := w.each(func(r row) {
			slice.LoadPerson(seatwright.UserRow{User: userOf(t.Organization, r), UserNameKey: r.text(columnsInUser)})
		}, `SELECT `+columnsOfUser+`, coalesce(u.user_name_key, '')
			FROM json_each(?2) wanted CROSS JOIN users u ON u.organization = ?1 AND u.id = wanted.value`, known.number, jsonArray(t.WholeUsers))
		if err != nil {
			return err
		}
		err = w.each(func(r row) { slice.LoadAdministrators(t.Organization, r.int(0)) }, `SELECT count(*) FROM (
			SELECT 1 FROM users INDEXED BY users_who_administer WHERE organization = ? AND active = 1 AND role <> 'member' LIMIT ?)`,
			known.number, int64(len(t.WholeUsers)+1))
		if err != nil {
			return err
		}
	}
	return nil
}

// loadPools reads the pools of the wanted and of the held codes, with their lots where the total may have changed.
func (w *writer) loadPools(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		var pools []seatwright.Pool
		var wanted []seatwright.ProductCode
		codes := append(slice.HeldCodes(t.Organization), t.Codes...)
		if t.AllLots && known != nil {
			all, err := w.allCodes(known.number)
			if err != nil {
				return err
			}
			codes = append(codes, all...)
		}
		for _, code := range distinct(codes) {
			if known == nil {
				break // the organization does not exist
			}
			if pool, ok := known.pools[code]; ok {
				pools = append(pools, pool)
			} else {
				wanted = append(wanted, code)
			}
		}
		if len(wanted) > 0 {
			err := w.each(func(r row) {
				pool := poolOf(t.Organization, r)
				known.pools[pool.Code] = pool
				pools = append(pools, pool)
			}, `SELECT `+columnsOfPool+` FROM json_each(?2) wanted CROSS JOIN pools p ON p.organization = ?1 AND p.code = wanted.value`,
				known.number, jsonArray(wanted))
			if err != nil {
				return err
			}
		}
		for _, pool := range pools {
			var lots []seatwright.Lot
			if t.Lots || t.AllLots || pool.Stale(slice.NowIn(t.Organization)) {
				lots = []seatwright.Lot{}
				err := w.each(func(r row) { lots = append(lots, lotOf(t.Organization, pool.Code, r)) }, `SELECT `+columnsOfLot+`
					FROM lots l WHERE l.organization = ? AND l.code = ? ORDER BY l.id`, known.number, string(pool.Code))
				if err != nil {
					return err
				}
			}
			slice.LoadPool(pool, lots)
		}
	}
	return nil
}

// loadTaken looks up the names and ids that a command wants to use.
func (w *writer) loadTaken(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		if err := w.loadTakenOf(slice, t); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) loadTakenOf(slice *seatwright.Slice, t *seatwright.Touch) error {
	number := int64(0) // of no organization
	if known := w.recent[t.Organization]; known != nil {
		number = known.number
	}
	for _, space := range [...]struct {
		space        seatwright.NameSpace
		names        []string
		installation bool
		query        string
	}{
		{seatwright.NamesOfUsers, t.UserNameKeys, false, `SELECT 1 FROM users WHERE organization = ?1 AND user_name_key = ?2`},
		{seatwright.ExternalIDsOfUsers, t.ExternalIDs, false, `SELECT 1 FROM users WHERE organization = ?1 AND external_id = ?2`},
		{seatwright.NamesOfGroups, t.GroupNameKeys, false, `SELECT 1 FROM groups WHERE organization = ?1 AND name_key = ?2`},
		{seatwright.NamesOfRobots, t.RobotNameKeys, false, `SELECT 1 FROM robot_accounts WHERE organization = ?1 AND name_key = ?2`},
		{seatwright.NamesOfTenants, t.TenantNameKeys, false, `SELECT 1 FROM tenants WHERE organization = ?1 AND name_key = ?2`},
		{seatwright.IDsOfTenants, texts(t.Tenants), false, `SELECT 1 FROM tenants WHERE organization = ?1 AND id = ?2`},
		{seatwright.IDsOfLots, texts(t.LotIDs), false, `SELECT 1 FROM lots WHERE organization = ?1 AND id = ?2`},
		{seatwright.NamesOfOrganizations, t.OrganizationNameKeys, true, `SELECT 1 FROM organizations WHERE ?1 >= 0 AND (name_key = ?2 OR lower(id) = ?2)`},
		{seatwright.IDsOfApplications, texts(t.ApplicationIDs), true, `SELECT 1 FROM applications WHERE ?1 >= 0 AND id = ?2`},
	} {
		organization := t.Organization
		if space.installation {
			organization = ""
		}
		for _, name := range space.names {
			err := w.each(func(row) { slice.LoadTaken(organization, space.space, name) }, space.query, number, name)
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
	for _, ref := range refs {
		err := w.each(func(r row) {
			slice.LoadKey(seatwright.KeyRecord{KeyRef: ref, Fingerprint: r.bytes(0), Answer: r.bytes(1), CreatedAt: r.instant(2)})
		}, `SELECT fingerprint, answer, created_at FROM idempotency_keys
			WHERE organization = (SELECT number FROM organizations WHERE id = ?) AND principal = ? AND key = ?`,
			string(ref.Organization), ref.Principal, ref.Key)
		if err != nil {
			return err
		}
	}
	return nil
}

// columnsOfPool are what poolOf reads, in its order.
const columnsOfPool = `p.code, p.total, p.total_until, p.used, p.ceiling`

func poolOf(organization seatwright.OrganizationID, r row) seatwright.Pool {
	return seatwright.Pool{
		Organization: organization, Code: seatwright.ProductCode(r.text(0)), Total: r.int(1), TotalUntil: r.instant(2), Used: r.int(3), Ceiling: r.int(4),
	}
}
