package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/seatwright/seatwright"
)

// The readers of seatwright.Store. Each is one statement, so each sees one state of the database.

// one runs a query that finds at most one row; none is the given error.
func (s *Store) one(ctx context.Context, missing *seatwright.Error, scan func(*sql.Rows) error, query string, args ...any) error {
	found := false
	err := s.each(ctx, func(rows *sql.Rows) error {
		found = true
		return scan(rows)
	}, query, args...)
	if err == nil && !found {
		return missing
	}
	return err
}

func (s *Store) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.reads.QueryContext(ctx, query, args...)
	if err != nil {
		return translate(err)
	}
	return scanAll(rows, scan)
}

// Organization implements seatwright.DirectoryReader.
func (s *Store) Organization(ctx context.Context, id seatwright.OrganizationID) (org seatwright.Organization, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(rows *sql.Rows) (err error) {
		org, err = scanOrganization(rows)
		return err
	}, selectOrganization+` WHERE id = ?1`, string(id))
	return org, err
}

// OrganizationByName implements seatwright.DirectoryReader.
func (s *Store) OrganizationByName(ctx context.Context, nameKey string) (org seatwright.Organization, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(rows *sql.Rows) (err error) {
		org, err = scanOrganization(rows)
		return err
	}, selectOrganization+` WHERE name_key = ?1`, nameKey)
	return org, err
}

// TenantsByName implements seatwright.DirectoryReader.
func (s *Store) TenantsByName(ctx context.Context, nameKey string) (tenants []seatwright.Tenant, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var t seatwright.Tenant
		var createdAt int64
		err := rows.Scan(&t.Organization, &t.ID, &t.Name, &createdAt)
		t.CreatedAt = instant(createdAt)
		tenants = append(tenants, t)
		return err
	}, `SELECT organization, id, name, created_at FROM tenants WHERE name_key = ?1 ORDER BY organization, id LIMIT 2`, nameKey)
	return tenants, err
}

const selectUsers = `SELECT organization, id, user_name, coalesce(external_id, ''), email, first_name, last_name, display_name, role, active,
	password_hash, created_at FROM users`

func scanUser(rows *sql.Rows) (u seatwright.User, err error) {
	var createdAt int64
	err = rows.Scan(&u.Organization, &u.ID, &u.UserName, &u.ExternalID, &u.Email, &u.FirstName, &u.LastName, &u.DisplayName, &u.Role,
		&u.Active, &u.PasswordHash, &createdAt)
	u.CreatedAt = instant(createdAt)
	return u, err
}

func missingUser() *seatwright.Error {
	return seatwright.NotFound(seatwright.ReasonNotFound, "there is no such user")
}

// User implements seatwright.DirectoryReader.
func (s *Store) User(ctx context.Context, organization seatwright.OrganizationID, id seatwright.UserID) (u seatwright.User, err error) {
	err = s.one(ctx, missingUser(), func(rows *sql.Rows) (err error) {
		u, err = scanUser(rows)
		return err
	}, selectUsers+` WHERE organization = ?1 AND id = ?2`, string(organization), string(id))
	return u, err
}

// UserByName implements seatwright.DirectoryReader.
func (s *Store) UserByName(ctx context.Context, organization seatwright.OrganizationID, nameKey string) (u seatwright.User, err error) {
	err = s.one(ctx, missingUser(), func(rows *sql.Rows) (err error) {
		u, err = scanUser(rows)
		return err
	}, selectUsers+` WHERE organization = ?1 AND user_name_key = ?2`, string(organization), nameKey)
	return u, err
}

// Application implements seatwright.DirectoryReader.
func (s *Store) Application(ctx context.Context, id seatwright.ApplicationID) (a seatwright.Application, err error) {
	missing := seatwright.NotFound(seatwright.ReasonNotFound, "there is no such application")
	err = s.one(ctx, missing, func(rows *sql.Rows) error {
		var scopes string
		var createdAt int64
		err := rows.Scan(&a.ID, &a.Organization, &a.Name, &a.SecretHash, &scopes, &createdAt)
		for _, scope := range strings.Fields(scopes) {
			a.Scopes = append(a.Scopes, seatwright.Scope(scope))
		}
		a.CreatedAt = instant(createdAt)
		return err
	}, `SELECT id, organization, name, secret_hash, scopes, created_at FROM applications WHERE id = ?1`, string(id))
	return a, err
}

// SigningKeys implements seatwright.DirectoryReader.
func (s *Store) SigningKeys(ctx context.Context) (keys []seatwright.SigningKey, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var k seatwright.SigningKey
		var createdAt int64
		err := rows.Scan(&k.ID, &k.Sealed, &createdAt)
		k.CreatedAt = instant(createdAt)
		keys = append(keys, k)
		return err
	}, `SELECT id, sealed, created_at FROM signing_keys ORDER BY created_at DESC, id`)
	return keys, err
}

// Pools implements seatwright.LicenseReader. The lots are joined to the pools whose total has passed its instant.
func (s *Store) Pools(ctx context.Context, organization seatwright.OrganizationID) (pools []seatwright.Pool, err error) {
	now := s.clock().UTC()
	lots := map[seatwright.BundleCode][]seatwright.Lot{}
	err = s.each(ctx, func(rows *sql.Rows) error {
		var p seatwright.Pool
		var until int64
		var quantity, start, end, grace sql.NullInt64
		if err := rows.Scan(&p.Organization, &p.Code, &p.Total, &until, &p.Used, &p.Ceiling, &quantity, &start, &end, &grace); err != nil {
			return err
		}
		p.TotalUntil = instant(until)
		if len(pools) == 0 || pools[len(pools)-1].Code != p.Code {
			pools = append(pools, p)
		}
		if quantity.Valid {
			lots[p.Code] = append(lots[p.Code], seatwright.Lot{Quantity: quantity.Int64, Start: instant(start.Int64), End: instant(end.Int64), Grace: seconds(grace.Int64)})
		}
		return nil
	}, `SELECT p.organization, p.code, p.total, p.total_until, p.used, p.ceiling, l.quantity, l.starts_at, l.ends_at, l.grace_seconds
		FROM pools p LEFT JOIN lots l ON l.organization = p.organization AND l.code = p.code AND p.total_until <= ?2
		WHERE p.organization = ?1 ORDER BY p.code`, string(organization), now.UnixMicro())
	for i, p := range pools {
		if p.Stale(now) {
			pools[i] = p.Refreshed(lots[p.Code], now)
		}
	}
	return pools, err
}

// Allocations implements seatwright.LicenseReader.
func (s *Store) Allocations(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) (found []seatwright.UserAllocation, err error) {
	ids, err := json.Marshal(users)
	if err != nil {
		return nil, seatwright.Internal(err)
	}
	err = s.each(ctx, func(rows *sql.Rows) error {
		a := seatwright.UserAllocation{Allocation: seatwright.Allocation{Codes: []seatwright.BundleCode{}}}
		var code sql.NullString
		u := &a.Person
		if err := rows.Scan(&u.ID, &u.UserName, &u.Email, &u.FirstName, &u.LastName, &u.DisplayName, &a.External, &code); err != nil {
			return err
		}
		u.Organization, a.User = organization, u.ID
		if len(found) == 0 || found[len(found)-1].User != a.User {
			found = append(found, a)
		}
		if code.Valid {
			last := &found[len(found)-1]
			last.Codes = append(last.Codes, seatwright.BundleCode(code.String))
		}
		return nil
	}, `SELECT u.id, u.user_name, u.email, u.first_name, u.last_name, u.display_name, d.external, s.code
		FROM json_each(?2) asked
		JOIN direct_records d ON d.organization = ?1 AND d.user_id = asked.value
		JOIN users u ON u.organization = d.organization AND u.id = d.user_id
		LEFT JOIN seats s ON s.organization = d.organization AND s.user_id = d.user_id AND s.direct = 1
		ORDER BY u.id, s.code`, string(organization), string(ids))
	return found, err
}

// SeatUnits implements seatwright.LicenseReader.
func (s *Store) SeatUnits(ctx context.Context, organization seatwright.OrganizationID) (map[seatwright.BundleCode]int64, error) {
	units := map[seatwright.BundleCode]int64{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var code seatwright.BundleCode
		var sum int64
		err := rows.Scan(&code, &sum)
		units[code] = sum
		return err
	}, `SELECT code, sum(units) FROM seats WHERE organization = ?1 GROUP BY code`, string(organization))
	return units, err
}

// Events implements seatwright.EventReader.
func (s *Store) Events(ctx context.Context, organization seatwright.OrganizationID, after int64, limit int) (events []seatwright.Event, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var e seatwright.Event
		var at int64
		err := rows.Scan(&e.Organization, &e.Sequence, &at, &e.Kind, &e.Version, &e.Actor, &e.Via, &e.RequestID, &e.Subject, &e.Data, &e.Prev, &e.Hash)
		e.At = instant(at)
		events = append(events, e)
		return err
	}, `SELECT organization, sequence, at, kind, version, actor, via, request_id, subject, data, prev, hash
		FROM events WHERE organization = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3`, string(organization), after, limit)
	return events, err
}

// Head implements seatwright.EventReader.
func (s *Store) Head(ctx context.Context, organization seatwright.OrganizationID) (h seatwright.Head, err error) {
	err = s.one(ctx, seatwright.MissingOrganization(), func(rows *sql.Rows) error {
		var at int64
		err := rows.Scan(&h.Organization, &h.Sequence, &h.Hash, &at)
		h.At = instant(at)
		return err
	}, `SELECT organization, sequence, hash, at FROM heads WHERE organization = ?1`, string(organization))
	return h, err
}
