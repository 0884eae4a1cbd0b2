package postgres

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

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
	if s.closed.Load() {
		return closed()
	}
	for _, arg := range args {
		if text, ok := arg.(string); ok && !storable(text) {
			return nil // nothing is stored under such a text, and the database would not even take the question
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return translate(err)
	}
	defer rows.Close()
	for rows.Next() {
		scan(rows.RawValues())
	}
	return translate(rows.Err())
}

// storable reports whether PostgreSQL can hold a text.
func storable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

// Organization implements seatwright.DirectoryReader.
func (s *Store) Organization(ctx context.Context, id seatwright.OrganizationID) (org seatwright.Organization, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(r row) { org = organizationOf(r) },
		`SELECT `+organizationColumns+` FROM organizations o WHERE o.id = $1`, string(id))
	return org, err
}

// OrganizationByName implements seatwright.DirectoryReader.
func (s *Store) OrganizationByName(ctx context.Context, nameKey string) (org seatwright.Organization, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(r row) { org = organizationOf(r) },
		`SELECT `+organizationColumns+` FROM organizations o WHERE o.name_key = $1`, nameKey)
	return org, err
}

// TenantsByName implements seatwright.DirectoryReader.
func (s *Store) TenantsByName(ctx context.Context, nameKey string) (tenants []seatwright.Tenant, err error) {
	err = s.each(ctx, func(r row) {
		tenants = append(tenants, seatwright.Tenant{
			Organization: seatwright.OrganizationID(r.text(0)), ID: seatwright.TenantID(r.text(1)), Name: r.text(2), CreatedAt: r.instant(3),
		})
	}, `SELECT o.id, t.id, t.name, t.created_at FROM tenants t JOIN organizations o ON o.number = t.organization
		WHERE t.name_key = $1 ORDER BY o.id, t.id LIMIT 2`, nameKey)
	return tenants, err
}

// userColumns are what userOf reads, in its order; there are columnsInUser of them.
const (
	userColumns = `u.id, u.user_name, coalesce(u.external_id, ''), u.email, u.first_name, u.last_name, u.display_name, u.role, u.active,
	u.password_hash, u.created_at, u.modified_at, u.bypass_basic_auth, u.invitation_accepted`
	columnsInUser = 14
)

func userOf(organization seatwright.OrganizationID, r row) seatwright.User {
	return seatwright.User{
		Organization: organization, ID: seatwright.UserID(r.text(0)), UserName: r.text(1), ExternalID: r.text(2), Email: r.text(3),
		FirstName: r.text(4), LastName: r.text(5), DisplayName: r.text(6), Role: seatwright.Role(r.text(7)), Active: r.flag(8),
		PasswordHash: r.text(9), CreatedAt: r.instant(10), ModifiedAt: r.instantOrNever(11), BypassBasicAuth: r.flag(12),
		InvitationAccepted: r.flag(13),
	}
}

const numberOf = `(SELECT number FROM organizations WHERE id = $1)`

// User implements seatwright.DirectoryReader.
func (s *Store) User(ctx context.Context, organization seatwright.OrganizationID, id seatwright.UserID) (u seatwright.User, err error) {
	err = s.one(ctx, seatwright.MissingUser(), func(r row) { u = userOf(organization, r) },
		`SELECT `+userColumns+` FROM users u WHERE u.organization = `+numberOf+` AND u.id = $2`, string(organization), string(id))
	return u, err
}

// UserByName implements seatwright.DirectoryReader.
func (s *Store) UserByName(ctx context.Context, organization seatwright.OrganizationID, nameKey string) (u seatwright.User, err error) {
	err = s.one(ctx, seatwright.MissingUser(), func(r row) { u = userOf(organization, r) },
		`SELECT `+userColumns+` FROM users u WHERE u.organization = `+numberOf+` AND u.user_name_key = $2`, string(organization), nameKey)
	return u, err
}

// userOrders are what people can be sorted by. The collation C folds the letters A to Z alone and compares byte by byte.
var userOrders = map[seatwright.UserSort]string{
	seatwright.SortUsersByID:                 `u.id`,
	seatwright.SortUsersByUserName:           `lower(u.user_name COLLATE "C")`,
	seatwright.SortUsersByEmail:              `lower(u.email COLLATE "C")`,
	seatwright.SortUsersByFirstName:          `lower(u.first_name COLLATE "C")`,
	seatwright.SortUsersByLastName:           `lower(u.last_name COLLATE "C")`,
	seatwright.SortUsersByDisplayName:        `lower(u.display_name COLLATE "C")`,
	seatwright.SortUsersByCreatedAt:          `u.created_at`,
	seatwright.SortUsersByModifiedAt:         `u.modified_at`,
	seatwright.SortUsersByLastSignIn:         `coalesce((SELECT s.last_at FROM sign_ins s WHERE s.organization = u.organization AND s.user_id = u.id), 0)`,
	seatwright.SortUsersByActive:             `u.active`,
	seatwright.SortUsersByInvitationAccepted: `(u.invitation_accepted OR EXISTS (SELECT FROM sign_ins s WHERE s.organization = u.organization AND s.user_id = u.id AND s.last_at > 0))`,
}

// Users implements seatwright.DirectoryReader. The count stands in every row, and in one without a person where the page is empty.
func (s *Store) Users(ctx context.Context, organization seatwright.OrganizationID, q seatwright.UserQuery) (page seatwright.UserPage, err error) {
	by, direction := userOrders[q.Sort], "ASC"
	if q.Descending {
		direction = "DESC"
	}
	match := `u.organization = ` + numberOf + ` AND ($2::text[] IS NULL OR EXISTS (SELECT FROM unnest($2::text[]) term WHERE
		strpos(lower(concat_ws(E'\n', u.user_name, u.email, u.first_name, u.last_name, u.display_name) COLLATE "C"), term) > 0))`
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInUser + 1) // behind what they are sorted by
		if !r.null(0) {
			u := userOf(organization, r)
			u.PasswordHash = ""
			page.Users = append(page.Users, u)
		}
	}, `SELECT p.*, (SELECT count(*) FROM users u WHERE `+match+`) FROM (SELECT 1) one LEFT JOIN (
			SELECT `+userColumns+`, `+by+` AS sorted FROM users u WHERE `+match+` ORDER BY `+by+` `+direction+`, u.id LIMIT $3 OFFSET $4) p ON true
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), q.Spellings(), q.Top, q.Skip)
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
	lots := map[seatwright.ProductCode][]seatwright.Lot{}
	var now time.Time
	err = s.each(ctx, func(r row) {
		p := poolOf(organization, r)
		if len(pools) == 0 || pools[len(pools)-1].Code != p.Code {
			pools = append(pools, p)
		}
		now = r.instant(5)
		if !r.null(6) {
			lots[p.Code] = append(lots[p.Code], seatwright.Lot{Quantity: r.int(6), Start: r.instant(7), End: r.instant(8), Grace: r.seconds(9)})
		}
	}, `WITH clock AS MATERIALIZED (SELECT coalesce($2::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) AS now)
		SELECT `+poolColumns+`, clock.now, l.quantity, l.starts_at, l.ends_at, l.grace_seconds
		FROM clock CROSS JOIN pools p
		LEFT JOIN lots l ON l.organization = p.organization AND l.code = p.code AND p.total_until <= clock.now
		WHERE p.organization = `+numberOf+` ORDER BY p.code`, string(organization), microsOf(s.clock))
	for i, p := range pools {
		if p.Stale(now) {
			pools[i] = p.Refreshed(lots[p.Code], now)
		}
	}
	return pools, err
}

// clockNow is one row with the instant of a question, which is $2 where a test has a clock of its own.
const clockNow = `(SELECT coalesce($2::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) AS now OFFSET 0) clock`

func purchaseOf(organization seatwright.OrganizationID, r row) seatwright.Purchase {
	lot := lotOf(organization, seatwright.ProductCode(r.text(8)), r)
	return seatwright.Purchase{Lot: lot, State: lot.State(r.instant(9))}
}

// Lots implements seatwright.LicenseReader.
func (s *Store) Lots(ctx context.Context, organization seatwright.OrganizationID, code seatwright.ProductCode) (lots []seatwright.Purchase, err error) {
	err = s.each(ctx, func(r row) { lots = append(lots, purchaseOf(organization, r)) }, `SELECT `+lotColumns+`, l.code, clock.now
		FROM `+clockNow+` CROSS JOIN lots l
		WHERE l.organization = `+numberOf+` AND ($3 = '' OR l.code = $3) ORDER BY l.code, l.id`, string(organization), microsOf(s.clock), string(code))
	return lots, err
}

// Lot implements seatwright.LicenseReader.
func (s *Store) Lot(ctx context.Context, organization seatwright.OrganizationID, id seatwright.LotID) (lot seatwright.Purchase, err error) {
	err = s.one(ctx, seatwright.MissingPurchase(), func(r row) { lot = purchaseOf(organization, r) }, `SELECT `+lotColumns+`, l.code, clock.now
		FROM `+clockNow+` CROSS JOIN lots l WHERE l.organization = `+numberOf+` AND l.id = $3`, string(organization), microsOf(s.clock), string(id))
	return lot, err
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
		FROM direct_records d
		JOIN users u ON u.organization = d.organization AND u.id = d.user_id
		LEFT JOIN seats s ON s.organization = d.organization AND s.user_id = d.user_id AND s.direct
		WHERE d.organization = `+numberOf+` AND d.user_id = ANY($2::text[])
		ORDER BY u.id, s.code`, string(organization), texts(users))
	return found, err
}

// SeatUnits implements seatwright.LicenseReader.
func (s *Store) SeatUnits(ctx context.Context, organization seatwright.OrganizationID) (map[seatwright.ProductCode]int64, error) {
	units := map[seatwright.ProductCode]int64{}
	err := s.each(ctx, func(r row) { units[seatwright.ProductCode(r.text(0))] = r.int(1) },
		`SELECT code, sum(units)::int8 FROM (SELECT s.code, s.units FROM seats s
		LEFT JOIN group_offers f ON f.organization = s.organization AND f.group_id = s.group_id AND f.code = s.code AND f.term = s.term
		WHERE s.organization = `+numberOf+` AND (s.direct OR f.term IS NOT NULL)
		UNION ALL SELECT code, 1 FROM shared_units WHERE organization = `+numberOf+`) drawn GROUP BY code`, string(organization))
	return units, err
}

// eventColumns are what eventOf reads, in its order.
const eventColumns = `sequence, at, kind, version, actor, via, request_id, subject, data, prev, hash`

func eventOf(organization seatwright.OrganizationID, r row) seatwright.Event {
	return seatwright.Event{
		Organization: organization, Sequence: r.int(0), At: r.instant(1), Kind: seatwright.EventKind(r.text(2)), Version: int(r.int(3)),
		Actor: r.text(4), Via: r.text(5), RequestID: r.text(6), Subject: r.text(7), Data: r.bytes(8), Prev: r.bytes(9), Hash: r.bytes(10),
	}
}

// Events implements seatwright.EventReader.
func (s *Store) Events(ctx context.Context, organization seatwright.OrganizationID, after int64, limit int) (events []seatwright.Event, err error) {
	err = s.each(ctx, func(r row) { events = append(events, eventOf(organization, r)) }, `SELECT `+eventColumns+`
		FROM events WHERE organization = `+numberOf+` AND sequence > $2 ORDER BY sequence LIMIT $3`, string(organization), after, int64(limit))
	return events, err
}

// Head implements seatwright.EventReader.
func (s *Store) Head(ctx context.Context, organization seatwright.OrganizationID) (h seatwright.Head, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(r row) {
		h = seatwright.Head{Organization: organization, Sequence: r.int(0), Hash: r.bytes(1), At: r.instant(2)}
	}, `SELECT sequence, hash, at FROM heads WHERE organization = `+numberOf, string(organization))
	return h, err
}
