package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/seatwright/seatwright"
)

// The readers of seatwright.Store. Each is one statement, so each sees one state of the database.

// one runs a query that finds at most one row; none is the given error.
func (s *Store) one(ctx context.Context, missing *seatwright.Error, scan func(row), query string, args ...any) error {
	found := false
	err := s.each(ctx, func(r row) {
		found = true
		scan(r)
	}, query, args...)
	if err == nil && !found {
		return missing
	}
	return err
}

// each runs a query and calls scan on every row, which is valid only during the call.
func (s *Store) each(ctx context.Context, scan func(row), query string, args ...any) error {
	question, err := s.question(ctx, query)
	if err != nil {
		return err
	}
	rows, err := question.QueryContext(ctx, args...)
	if err != nil {
		if s.closed.Load() { // database/sql does not export its error for that
			return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database is closed")
		}
		return translate(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return translate(err)
	}
	r := make(row, len(columns))
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return translate(err)
		}
		for i, value := range values {
			r[i] = value
		}
		scan(r)
	}
	return translate(rows.Err())
}

// question returns a prepared query. It ends with the database.
func (s *Store) question(ctx context.Context, query string) (*sql.Stmt, error) {
	if known, ok := s.questions.Load(query); ok {
		return known.(*sql.Stmt), nil
	}
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if known, ok := s.questions.Load(query); ok {
		return known.(*sql.Stmt), nil
	}
	fresh, err := s.reads.PrepareContext(ctx, query)
	if err != nil {
		if s.closed.Load() {
			return nil, seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database is closed")
		}
		return nil, translate(err)
	}
	s.questions.Store(query, fresh)
	return fresh, nil
}

// Organization implements seatwright.DirectoryReader.
func (s *Store) Organization(ctx context.Context, id seatwright.OrganizationID) (org seatwright.Organization, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(r row) { org = organizationOf(r) },
		`SELECT `+columnsOfOrganization+` FROM organizations o WHERE o.id = ?`, string(id))
	return org, err
}

// OrganizationByName implements seatwright.DirectoryReader.
func (s *Store) OrganizationByName(ctx context.Context, nameKey string) (org seatwright.Organization, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(r row) { org = organizationOf(r) },
		`SELECT `+columnsOfOrganization+` FROM organizations o WHERE o.name_key = ?`, nameKey)
	return org, err
}

// TenantsByName implements seatwright.DirectoryReader.
func (s *Store) TenantsByName(ctx context.Context, nameKey string) (tenants []seatwright.Tenant, err error) {
	err = s.each(ctx, func(r row) {
		tenants = append(tenants, seatwright.Tenant{
			Organization: seatwright.OrganizationID(r.text(0)), ID: seatwright.TenantID(r.text(1)), Name: r.text(2), CreatedAt: r.instant(3),
		})
	}, `SELECT o.id, t.id, t.name, t.created_at FROM tenants t CROSS JOIN organizations o ON o.number = t.organization
		WHERE t.name_key = ? ORDER BY o.id, t.id LIMIT 2`, nameKey)
	return tenants, err
}

// columnsOfUser are what userOf reads, in its order; there are columnsInUser of them.
const (
	columnsOfUser = `u.id, u.user_name, coalesce(u.external_id, ''), u.email, u.first_name, u.last_name, u.display_name, u.role,
		u.active, u.password_hash, u.created_at, u.modified_at, u.bypass_basic_auth, u.invitation_accepted`
	columnsInUser = 14
	selectUsers   = `SELECT ` + columnsOfUser + ` FROM organizations o CROSS JOIN users u ON u.organization = o.number`
)

func userOf(organization seatwright.OrganizationID, r row) seatwright.User {
	return seatwright.User{
		Organization: organization, ID: seatwright.UserID(r.text(0)), UserName: r.text(1), ExternalID: r.text(2), Email: r.text(3),
		FirstName: r.text(4), LastName: r.text(5), DisplayName: r.text(6), Role: seatwright.Role(r.text(7)), Active: r.flag(8),
		PasswordHash: r.text(9), CreatedAt: r.instant(10), ModifiedAt: r.instantOrNever(11), BypassBasicAuth: r.flag(12),
		InvitationAccepted: r.flag(13),
	}
}

// User implements seatwright.DirectoryReader.
func (s *Store) User(ctx context.Context, organization seatwright.OrganizationID, id seatwright.UserID) (u seatwright.User, err error) {
	err = s.one(ctx, seatwright.MissingUser(), func(r row) { u = userOf(organization, r) }, selectUsers+` WHERE o.id = ? AND u.id = ?`, string(organization), string(id))
	return u, err
}

// UserByName implements seatwright.DirectoryReader.
func (s *Store) UserByName(ctx context.Context, organization seatwright.OrganizationID, nameKey string) (u seatwright.User, err error) {
	err = s.one(ctx, seatwright.MissingUser(), func(r row) { u = userOf(organization, r) },
		selectUsers+` WHERE o.id = ? AND u.user_name_key = ?`, string(organization), nameKey)
	return u, err
}

// userOrders are what people can be sorted by.
var userOrders = map[seatwright.UserSort]string{
	seatwright.SortUsersByID:                 `u.id`,
	seatwright.SortUsersByUserName:           `lower(u.user_name)`,
	seatwright.SortUsersByEmail:              `lower(u.email)`,
	seatwright.SortUsersByFirstName:          `lower(u.first_name)`,
	seatwright.SortUsersByLastName:           `lower(u.last_name)`,
	seatwright.SortUsersByDisplayName:        `lower(u.display_name)`,
	seatwright.SortUsersByCreatedAt:          `u.created_at`,
	seatwright.SortUsersByModifiedAt:         `u.modified_at`,
	seatwright.SortUsersByLastSignIn:         `coalesce((SELECT s.last_at FROM sign_ins s WHERE s.user_number = u.number), 0)`,
	seatwright.SortUsersByActive:             `u.active`,
	seatwright.SortUsersByInvitationAccepted: `(u.invitation_accepted OR EXISTS (SELECT 1 FROM sign_ins s WHERE s.user_number = u.number AND s.last_at > 0))`,
}

// Users implements seatwright.DirectoryReader. The count stands in every row, and in one without a person where the page is empty.
func (s *Store) Users(ctx context.Context, organization seatwright.OrganizationID, q seatwright.UserQuery) (page seatwright.UserPage, err error) {
	by, direction := userOrders[q.Sort], "ASC"
	if q.Descending {
		direction = "DESC"
	}
	match := `u.organization = (SELECT number FROM organizations WHERE id = ?1)`
	if q.Term != "" {
		match += ` AND EXISTS (SELECT 1 FROM json_each(?2) term WHERE instr(lower(u.user_name || char(10) || u.email || char(10) || u.first_name
			|| char(10) || u.last_name || char(10) || u.display_name), term.value))`
	}
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInUser + 1) // behind what they are sorted by
		if !r.null(0) {
			u := userOf(organization, r)
			u.PasswordHash = ""
			page.Users = append(page.Users, u)
		}
	}, `SELECT p.*, (SELECT count(*) FROM users u WHERE `+match+`) FROM (SELECT 1) LEFT JOIN (
			SELECT `+columnsOfUser+`, `+by+` AS sorted FROM users u WHERE `+match+` ORDER BY `+by+` `+direction+`, u.id LIMIT ?3 OFFSET ?4) p
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), jsonArray(q.Spellings()), q.Top, q.Skip)
	return page, err
}

// SigningKeys implements seatwright.DirectoryReader.
func (s *Store) SigningKeys(ctx context.Context) (keys []seatwright.SigningKey, err error) {
	err = s.each(ctx, func(r row) {
		keys = append(keys, seatwright.SigningKey{ID: r.text(0), Sealed: r.bytes(1), CreatedAt: r.instant(2)})
	}, `SELECT id, sealed, created_at FROM signing_keys ORDER BY created_at DESC, id`)
	return keys, err
}

// Pools implements seatwright.LicenseReader. The lots are joined to the pools whose total has passed its instant.
func (s *Store) Pools(ctx context.Context, organization seatwright.OrganizationID) (pools []seatwright.Pool, err error) {
	now := s.clock().UTC()
	lots := map[seatwright.ProductCode][]seatwright.Lot{}
	err = s.each(ctx, func(r row) {
		p := poolOf(organization, r)
		if len(pools) == 0 || pools[len(pools)-1].Code != p.Code {
			pools = append(pools, p)
		}
		if !r.null(5) {
			lots[p.Code] = append(lots[p.Code], seatwright.Lot{Quantity: r.int(5), Start: r.instant(6), End: r.instant(7), Grace: r.seconds(8)})
		}
	}, `SELECT `+columnsOfPool+`, l.quantity, l.starts_at, l.ends_at, l.grace_seconds
		FROM organizations o CROSS JOIN pools p ON p.organization = o.number
		LEFT JOIN lots l ON l.organization = p.organization AND l.code = p.code AND p.total_until <= ?2
		WHERE o.id = ?1 ORDER BY p.code`, string(organization), now.UnixMicro())
	for i, p := range pools {
		if p.Stale(now) {
			pools[i] = p.Refreshed(lots[p.Code], now)
		}
	}
	return pools, err
}

// Lots implements seatwright.LicenseReader.
func (s *Store) Lots(ctx context.Context, organization seatwright.OrganizationID, code seatwright.ProductCode) (lots []seatwright.Purchase, err error) {
	now := s.clock().UTC()
	err = s.each(ctx, func(r row) { lots = append(lots, purchaseOf(organization, now, r)) }, `SELECT `+columnsOfLot+`, l.code
		FROM organizations o CROSS JOIN lots l ON l.organization = o.number
		WHERE o.id = ?1 AND (?2 = '' OR l.code = ?2) ORDER BY l.code, l.id`, string(organization), string(code))
	return lots, err
}

// Lot implements seatwright.LicenseReader.
func (s *Store) Lot(ctx context.Context, organization seatwright.OrganizationID, id seatwright.LotID) (lot seatwright.Purchase, err error) {
	now := s.clock().UTC()
	err = s.one(ctx, seatwright.MissingPurchase(), func(r row) { lot = purchaseOf(organization, now, r) }, `SELECT `+columnsOfLot+`, l.code
		FROM organizations o CROSS JOIN lots l ON l.organization = o.number AND l.id = ?2 WHERE o.id = ?1`, string(organization), string(id))
	return lot, err
}

// purchaseOf reads the columns of a lot and its code.
func purchaseOf(organization seatwright.OrganizationID, now time.Time, r row) seatwright.Purchase {
	lot := lotOf(organization, seatwright.ProductCode(r.text(8)), r)
	return seatwright.Purchase{Lot: lot, State: lot.State(now)}
}

// Allocations implements seatwright.LicenseReader.
func (s *Store) Allocations(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) (found []seatwright.UserAllocation, err error) {
	err = s.each(ctx, func(r row) {
		person := seatwright.User{
			Organization: organization, ID: seatwright.UserID(r.text(0)), UserName: r.text(1), Email: r.text(2), FirstName: r.text(3),
			LastName: r.text(4), DisplayName: r.text(5),
		}
		if len(found) == 0 || found[len(found)-1].User != person.ID {
			found = append(found, seatwright.UserAllocation{
				Allocation: seatwright.Allocation{User: person.ID, External: r.flag(6), Codes: []seatwright.ProductCode{}}, Person: person,
			})
		}
		if !r.null(7) {
			last := &found[len(found)-1]
			last.Codes = append(last.Codes, seatwright.ProductCode(r.text(7)))
		}
	}, `SELECT u.id, u.user_name, u.email, u.first_name, u.last_name, u.display_name, d.external, s.code
		FROM organizations o
		CROSS JOIN json_each(?2) wanted
		CROSS JOIN users u ON u.organization = o.number AND u.id = wanted.value
		CROSS JOIN direct_records d ON d.user_number = u.number
		LEFT JOIN seats s ON s.user_number = u.number AND s.direct = 1
		WHERE o.id = ?1
		ORDER BY u.id, s.code`, string(organization), jsonArray(users))
	return found, err
}

// SeatUnits implements seatwright.LicenseReader.
func (s *Store) SeatUnits(ctx context.Context, organization seatwright.OrganizationID) (map[seatwright.ProductCode]int64, error) {
	units := map[seatwright.ProductCode]int64{}
	err := s.each(ctx, func(r row) { units[seatwright.ProductCode(r.text(0))] = r.int(1) },
		`SELECT code, sum(units) FROM (SELECT s.code AS code, s.units AS units FROM organizations o CROSS JOIN users u ON u.organization = o.number
			CROSS JOIN holdings s ON s.user_number = u.number AND s.code > ''
			WHERE o.id = ?1 AND (s.direct = 1 OR EXISTS (SELECT 1 FROM group_offers f WHERE f.organization = o.number AND f.group_id = s.group_id
				AND f.code = s.code AND f.term = s.term))
			UNION ALL SELECT x.code, 1 FROM organizations o CROSS JOIN shared_units x ON x.organization = o.number WHERE o.id = ?1) GROUP BY code`, string(organization))
	return units, err
}

// columnsOfEvent are what eventOf reads, in its order.
const columnsOfEvent = `e.sequence, e.at, e.kind, e.version, e.actor, e.via, e.request_id, e.subject, e.data, e.prev, e.hash`

func eventOf(organization seatwright.OrganizationID, r row) seatwright.Event {
	return seatwright.Event{
		Organization: organization, Sequence: r.int(0), At: r.instant(1), Kind: seatwright.EventKind(r.text(2)), Version: int(r.int(3)),
		Actor: r.text(4), Via: r.text(5), RequestID: r.text(6), Subject: r.text(7), Data: r.bytes(8), Prev: r.bytes(9), Hash: r.bytes(10),
	}
}

// Events implements seatwright.EventReader.
func (s *Store) Events(ctx context.Context, organization seatwright.OrganizationID, after int64, limit int) (events []seatwright.Event, err error) {
	err = s.each(ctx, func(r row) { events = append(events, eventOf(organization, r)) }, `SELECT `+columnsOfEvent+`
		FROM organizations o CROSS JOIN events e ON e.organization = o.number
		WHERE o.id = ? AND e.sequence > ? ORDER BY e.sequence LIMIT ?`, string(organization), after, limit)
	return events, err
}

// Head implements seatwright.EventReader.
func (s *Store) Head(ctx context.Context, organization seatwright.OrganizationID) (h seatwright.Head, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(r row) {
		h = seatwright.Head{Organization: organization, Sequence: r.int(0), Hash: r.bytes(1), At: r.instant(2)}
	}, `SELECT h.sequence, h.hash, h.at FROM organizations o CROSS JOIN heads h ON h.organization = o.number WHERE o.id = ?`, string(organization))
	return h, err
}
