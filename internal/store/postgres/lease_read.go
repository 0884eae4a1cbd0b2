package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
)

// GroupRule implements seatwright.LeaseReader.
func (s *Store) GroupRule(
	ctx context.Context, organization seatwright.OrganizationID, group seatwright.GroupID,
) (rule seatwright.GroupRule, err error) {
	found := false
	err = s.each(ctx, func(r row) {
		rule = withOffer(rule, found, ruleOf(organization, r), r[columnsInRule:])
		found = true
	}, `SELECT `+ruleColumns+`, `+offerColumns+` FROM group_rules g
		LEFT JOIN group_offers f ON f.organization = g.organization AND f.group_id = g.group_id
		WHERE g.organization = `+numberOf+` AND g.group_id = $2 ORDER BY f.code`, string(organization), string(group))
	if err == nil && !found {
		err = seatwright.MissingGroupRule()
	}
	return rule, err
}

// columnsInRule are how many ruleColumns has.
const columnsInRule = 6

// withOffer adds the offer of a row to the rule of the rows before it, or begins the rule.
func withOffer(before seatwright.GroupRule, begun bool, rule seatwright.GroupRule, offer row) seatwright.GroupRule {
	if begun {
		rule.Offers = before.Offers
	}
	if !offer.null(0) {
		rule.Offers = append(rule.Offers, offerOf(offer))
	}
	return rule
}

// ruleOrders are what rules can be sorted by. The ids of built-in groups are the keys of their names.
var ruleOrders = map[seatwright.RuleSort]string{
	seatwright.SortRulesByName: `coalesce(n.name_key, g.group_id)`,
	seatwright.SortRulesByID:   `g.group_id`,
}

// GroupRules implements seatwright.LeaseReader. The count stands in every row, and in one without a rule where the page is empty.
func (s *Store) GroupRules(ctx context.Context, organization seatwright.OrganizationID, q seatwright.RuleQuery) (page seatwright.RulePage, err error) {
	by, direction := ruleOrders[q.Sort], "ASC"
	if q.Descending {
		direction = "DESC"
	}
	const match = `g.organization = ` + numberOf + ` AND (cardinality($4::text[]) = 0 OR g.group_id = ANY($4::text[])) AND (cardinality($5::text[]) = 0
		OR EXISTS (SELECT FROM group_offers x WHERE x.organization = g.organization AND x.group_id = g.group_id AND x.code = ANY($5::text[])))`
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInRule + 2)
		if !r.null(0) {
			addRule(&page, ruleOf(organization, r), string(r[columnsInRule]), r[columnsInRule+3:])
		}
	}, `SELECT p.*, (SELECT count(*) FROM group_rules g WHERE `+match+`), `+offerColumns+` FROM (SELECT 1) one LEFT JOIN (
			SELECT `+ruleColumns+`, n.name, `+by+` AS sorted FROM group_rules g LEFT JOIN groups n ON n.organization = g.organization AND n.id = g.group_id
			WHERE `+match+` ORDER BY `+by+` `+direction+`, g.group_id LIMIT $2 OFFSET $3) p ON true
		LEFT JOIN group_offers f ON f.organization = `+numberOf+` AND f.group_id = p.group_id
		ORDER BY p.sorted `+direction+`, p.group_id, f.code`, string(organization), q.Top, q.Skip, texts(q.Groups), texts(q.Codes))
	return page, err
}

// addRule adds the rule and the offer of a row to a page: rows of one rule follow each other. A built-in group has no stored name.
func addRule(page *seatwright.RulePage, rule seatwright.GroupRule, name string, offer row) {
	if n := len(page.Rules); n == 0 || page.Rules[n-1].Group != rule.Group {
		named := seatwright.NamedRule{GroupRule: rule, Name: name}
		if builtIn, is := seatwright.LookupBuiltInGroup(rule.Group); is {
			named.Name = builtIn.Name
		}
		page.Rules = append(page.Rules, named)
	}
	last := &page.Rules[len(page.Rules)-1]
	last.GroupRule = withOffer(last.GroupRule, true, last.GroupRule, offer)
}

// holderColumns are what holderOf reads, in its order; there are columnsInHolder of them.
const (
	holderColumns   = `u.id, u.user_name, u.email, u.first_name, u.last_name, u.display_name`
	columnsInHolder = 6
)

func holderOf(organization seatwright.OrganizationID, r row) seatwright.User {
	return seatwright.User{
		Organization: organization, ID: seatwright.UserID(r.text(0)), UserName: r.text(1), Email: r.text(2), FirstName: r.text(3), LastName: r.text(4),
		DisplayName: r.text(5),
	}
}

// codesOf reads codes that the database has put into one text, in order.
func codesOf(text string) []seatwright.ProductCode {
	codes := []seatwright.ProductCode{}
	for code := range strings.FieldsSeq(text) {
		codes = append(codes, seatwright.ProductCode(code))
	}
	slices.Sort(codes)
	return codes
}

// holderOrder is what holders are sorted by, and the direction; lastInUse is the column of that order.
func holderOrder(q seatwright.HolderQuery, lastInUse string) (by, direction string) {
	by = map[seatwright.HolderSort]string{
		seatwright.SortHoldersByID: `u.id`, seatwright.SortHoldersByEmail: `lower(u.email COLLATE "C")`,
		seatwright.SortHoldersByFirstName: `lower(u.first_name COLLATE "C")`, seatwright.SortHoldersByLastName: `lower(u.last_name COLLATE "C")`,
		seatwright.SortHoldersByDisplayName: `lower(u.display_name COLLATE "C")`, seatwright.SortHoldersByLastInUse: lastInUse,
	}[q.Sort]
	if q.Descending {
		return by, "DESC"
	}
	return by, "ASC"
}

// GroupLeases implements seatwright.LeaseReader.
func (s *Store) GroupLeases(
	ctx context.Context, organization seatwright.OrganizationID, group seatwright.GroupID, q seatwright.HolderQuery,
) (page seatwright.LeaseHolderPage, err error) {
	by, direction := holderOrder(q, `held.last_in_use`)
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInHolder + 4)
		if !r.null(0) {
			page.Holders = append(page.Holders, seatwright.LeaseHolder{
				Person: holderOf(organization, r), Codes: codesOf(r.text(columnsInHolder)), LastInUse: r.instant(columnsInHolder + 1),
				Orphan: r.int(columnsInHolder+2) > 0,
			})
		}
	}, `WITH held AS MATERIALIZED (
			SELECT s.organization, s.user_id, string_agg(s.code, ' ') AS codes, max(s.last_in_use) AS last_in_use, max(s.orphan_at) AS orphan_at
			FROM seats s JOIN group_offers f ON f.organization = s.organization AND f.group_id = s.group_id AND f.code = s.code AND f.term = s.term
			WHERE s.organization = `+numberOf+` AND s.group_id = $2 AND s.group_id <> '' GROUP BY s.organization, s.user_id
			HAVING cardinality($5::text[]) = 0 OR bool_or(s.code = ANY($5::text[])))
		SELECT p.*, (SELECT count(*) FROM held) FROM (SELECT 1) one LEFT JOIN (
			SELECT `+holderColumns+`, held.codes, held.last_in_use, held.orphan_at, `+by+` AS sorted
			FROM held JOIN users u ON u.organization = held.organization AND u.id = held.user_id ORDER BY `+by+` `+direction+`, u.id LIMIT $3 OFFSET $4) p ON true
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), string(group), q.Top, q.Skip, texts(q.Codes))
	return page, err
}

// DirectHolders implements seatwright.LeaseReader.
func (s *Store) DirectHolders(
	ctx context.Context, organization seatwright.OrganizationID, q seatwright.HolderQuery,
) (page seatwright.DirectHolderPage, err error) {
	const lastSignIn = `coalesce((SELECT i.last_at FROM sign_ins i WHERE i.organization = u.organization AND i.user_id = u.id), 0)`
	by, direction := holderOrder(q, lastSignIn)
	const from = `FROM direct_records d JOIN users u ON u.organization = d.organization AND u.id = d.user_id
		WHERE d.organization = ` + numberOf + ` AND (cardinality($4::text[]) = 0 OR EXISTS (SELECT FROM seats s
			WHERE s.organization = d.organization AND s.user_id = d.user_id AND s.direct AND s.code = ANY($4::text[])))`
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInHolder + 4)
		if !r.null(0) {
			person := holderOf(organization, r)
			page.Holders = append(page.Holders, seatwright.DirectHolder{
				UserAllocation: seatwright.UserAllocation{
					Allocation: seatwright.Allocation{User: person.ID, External: r.flag(columnsInHolder), Codes: codesOf(r.text(columnsInHolder + 1))},
					Person:     person,
				},
				LastSignIn: r.instantOrNever(columnsInHolder + 2),
			})
		}
	}, `SELECT p.*, (SELECT count(*) `+from+`) FROM (SELECT 1) one LEFT JOIN (
			SELECT `+holderColumns+`, d.external, coalesce((SELECT string_agg(s.code, ' ') FROM seats s WHERE s.organization = d.organization
				AND s.user_id = d.user_id AND s.direct), '') AS codes, `+lastSignIn+` AS last_at, `+by+` AS sorted `+from+`
			ORDER BY `+by+` `+direction+`, u.id LIMIT $2 OFFSET $3) p ON true
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), q.Top, q.Skip, texts(q.Codes))
	return page, err
}

// DirectCodes implements seatwright.LeaseReader.
func (s *Store) DirectCodes(ctx context.Context, organization seatwright.OrganizationID) (codes []seatwright.ProductCode, err error) {
	err = s.each(ctx, func(r row) { codes = append(codes, seatwright.ProductCode(r.text(0))) },
		`SELECT DISTINCT s.code FROM seats s WHERE s.organization = `+numberOf+` AND s.direct ORDER BY s.code`, string(organization))
	return codes, err
}

// OfferedCodes implements seatwright.LeaseReader.
func (s *Store) OfferedCodes(ctx context.Context, organization seatwright.OrganizationID) (codes []seatwright.ProductCode, err error) {
	err = s.each(ctx, func(r row) { codes = append(codes, seatwright.ProductCode(r.text(0))) },
		`SELECT DISTINCT f.code FROM group_offers f WHERE f.organization = `+numberOf+` ORDER BY f.code`, string(organization))
	return codes, err
}

// joinOffer finds the offer that the lease of a seat s was taken from, and that has not ended since. Where it finds none, s is a seat only if
// it is direct.
const joinOffer = `LEFT JOIN group_offers f ON f.organization = s.organization AND f.group_id = s.group_id AND f.code = s.code AND f.term = s.term`

// Seats implements seatwright.LeaseReader.
func (s *Store) Seats(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) (seats []seatwright.Seat, err error) {
	err = s.each(ctx, func(r row) {
		seat := seatwright.Seat{
			Organization: organization, User: seatwright.UserID(r.text(0)), Code: seatwright.ProductCode(r.text(1)), Units: r.int(2), Direct: r.flag(3),
			CreatedAt: r.instant(4),
		}
		if r.flag(5) {
			seat.Lease = leaseOf(r[6:])
		}
		seats = append(seats, seat)
	}, `SELECT s.user_id, s.code, s.units, s.direct, s.created_at, f.term IS NOT NULL, `+leaseColumns+` FROM seats s `+joinOffer+`
		WHERE s.organization = `+numberOf+` AND s.user_id = ANY($2::text[]) AND (s.direct OR f.term IS NOT NULL)
		ORDER BY s.user_id, s.code`, string(organization), texts(users))
	return seats, err
}

// HeldCodes implements seatwright.LeaseReader.
func (s *Store) HeldCodes(
	ctx context.Context, organization seatwright.OrganizationID, from seatwright.UserID, most int,
) (list []seatwright.HeldCodes, err error) {
	err = s.each(ctx, func(r row) {
		list = seatwright.AddHeld(list, seatwright.UserID(r.text(0)), seatwright.ProductCode(r.text(1)))
	},
		`SELECT u.id, CASE WHEN s.direct OR f.term IS NOT NULL THEN s.code ELSE '' END FROM (
			SELECT organization, id FROM users WHERE organization = `+numberOf+` AND id >= $2 ORDER BY id LIMIT $3) u
		LEFT JOIN seats s ON s.organization = u.organization AND s.user_id = u.id `+joinOffer+`
		ORDER BY u.id, s.code`, string(organization), string(from), int64(most))
	return list, err
}

// Session implements seatwright.LeaseReader.
func (s *Store) Session(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.SessionID,
) (session seatwright.Session, err error) {
	err = s.one(ctx, seatwright.MissingSession(), func(r row) { session = sessionOf(organization, id, r) },
		`SELECT `+sessionColumns+` FROM sessions x WHERE x.organization = `+numberOf+` AND x.id = $2`, string(organization), string(id))
	return session, err
}

// SweepableLeases implements seatwright.LeaseReader.
func (s *Store) SweepableLeases(ctx context.Context, most int) (map[seatwright.OrganizationID][]seatwright.UserID, error) {
	found := map[seatwright.OrganizationID][]seatwright.UserID{}
	err := s.each(ctx, func(r row) {
		organization := seatwright.OrganizationID(r.text(0))
		found[organization] = append(found[organization], seatwright.UserID(r.text(1)))
	}, `SELECT DISTINCT o.id, s.user_id
		FROM seats s JOIN organizations o ON o.number = s.organization
		LEFT JOIN group_rules g ON g.organization = s.organization AND g.group_id = s.group_id `+joinOffer+`
		WHERE s.group_id <> '' AND (f.term IS NULL OR s.last_in_use <= coalesce($1::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) - o.inactive_days * 86400000000 OR s.orphan_at > 0 AND g.applied_at > s.orphan_at
			OR o.allocation_mode = 'replace' AND EXISTS (SELECT FROM direct_records d WHERE d.organization = s.organization AND d.user_id = s.user_id))
		LIMIT $2`, microsOf(s.clock), int64(most))
	return found, err
}
