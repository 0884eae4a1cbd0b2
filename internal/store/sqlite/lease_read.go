package sqlite

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
	}, `SELECT `+columnsOfRule+`, `+columnsOfOffer+` FROM organizations o
		CROSS JOIN group_rules g ON g.organization = o.number AND g.group_id = ?2
		LEFT JOIN group_offers f ON f.organization = g.organization AND f.group_id = g.group_id
		WHERE o.id = ?1 ORDER BY f.code`, string(organization), string(group))
	if err == nil && !found {
		err = seatwright.MissingGroupRule()
	}
	return rule, err
}

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
	match := `g.organization = (SELECT number FROM organizations WHERE id = ?1)`
	if len(q.Groups) > 0 {
		match += ` AND g.group_id IN (SELECT value FROM json_each(?4))`
	}
	if len(q.Codes) > 0 {
		match += ` AND EXISTS (SELECT 1 FROM group_offers x WHERE x.organization = g.organization AND x.group_id = g.group_id
			AND x.code IN (SELECT value FROM json_each(?5)))`
	}
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInRule + 2)
		if !r.null(0) {
			addRule(&page, ruleOf(organization, r), r[columnsInRule], r[columnsInRule+3:])
		}
	}, `SELECT p.*, (SELECT count(*) FROM group_rules g WHERE `+match+`), `+columnsOfOffer+` FROM (SELECT ?4, ?5) LEFT JOIN (
			SELECT `+columnsOfRule+`, n.name, `+by+` AS sorted FROM group_rules g LEFT JOIN groups n ON n.organization = g.organization AND n.id = g.group_id
			WHERE `+match+` ORDER BY `+by+` `+direction+`, g.group_id LIMIT ?2 OFFSET ?3) p
		LEFT JOIN group_offers f ON f.organization = (SELECT number FROM organizations WHERE id = ?1) AND f.group_id = p.group_id
		ORDER BY p.sorted `+direction+`, p.group_id, f.code`, string(organization), q.Top, q.Skip, jsonArray(q.Groups), jsonArray(q.Codes))
	return page, err
}

// addRule adds the rule and the offer of a row to a page: rows of one rule follow each other. A built-in group has no stored name.
func addRule(page *seatwright.RulePage, rule seatwright.GroupRule, name any, offer row) {
	if n := len(page.Rules); n == 0 || page.Rules[n-1].Group != rule.Group {
		named := seatwright.NamedRule{GroupRule: rule}
		if builtIn, is := seatwright.LookupBuiltInGroup(rule.Group); is {
			named.Name = builtIn.Name
		} else if text, stored := name.(string); stored {
			named.Name = text
		}
		page.Rules = append(page.Rules, named)
	}
	last := &page.Rules[len(page.Rules)-1]
	last.GroupRule = withOffer(last.GroupRule, true, last.GroupRule, offer)
}

// columnsOfHolder are what holderOf reads, in its order; there are columnsInHolder of them.
const (
	columnsOfHolder = `u.id, u.user_name, u.email, u.first_name, u.last_name, u.display_name`
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
		seatwright.SortHoldersByID: `u.id`, seatwright.SortHoldersByEmail: `lower(u.email)`, seatwright.SortHoldersByFirstName: `lower(u.first_name)`,
		seatwright.SortHoldersByLastName: `lower(u.last_name)`, seatwright.SortHoldersByDisplayName: `lower(u.display_name)`,
		seatwright.SortHoldersByLastInUse: lastInUse,
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
	having := ``
	if len(q.Codes) > 0 {
		having = `HAVING max(h.code IN (SELECT value FROM json_each(?5))) = 1`
	}
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInHolder + 4)
		if !r.null(0) {
			page.Holders = append(page.Holders, seatwright.LeaseHolder{
				Person: holderOf(organization, r), Codes: codesOf(r.text(columnsInHolder)), LastInUse: r.instant(columnsInHolder + 1),
				Orphan: r.int(columnsInHolder+2) > 0,
			})
		}
	}, `WITH held AS MATERIALIZED (
			SELECT h.user_number, group_concat(h.code, ' ') AS codes, max(h.last_in_use) AS last_in_use, max(h.orphan_at) AS orphan_at
			FROM holdings h CROSS JOIN group_offers f ON f.organization = h.organization AND f.group_id = h.group_id AND f.code = h.code AND f.term = h.term
			WHERE h.organization = (SELECT number FROM organizations WHERE id = ?1) AND h.group_id = ?2 GROUP BY h.user_number `+having+`)
		SELECT p.*, (SELECT count(*) FROM held) FROM (SELECT ?5) LEFT JOIN (
			SELECT `+columnsOfHolder+`, held.codes, held.last_in_use, held.orphan_at, `+by+` AS sorted
			FROM held CROSS JOIN users u ON u.number = held.user_number ORDER BY `+by+` `+direction+`, u.id LIMIT ?3 OFFSET ?4) p
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), string(group), q.Top, q.Skip, jsonArray(q.Codes))
	return page, err
}

// DirectHolders implements seatwright.LeaseReader.
func (s *Store) DirectHolders(
	ctx context.Context, organization seatwright.OrganizationID, q seatwright.HolderQuery,
) (page seatwright.DirectHolderPage, err error) {
	const lastSignIn = `coalesce((SELECT i.last_at FROM sign_ins i WHERE i.user_number = u.number), 0)`
	by, direction := holderOrder(q, lastSignIn)
	match := `u.organization = (SELECT number FROM organizations WHERE id = ?1)`
	if len(q.Codes) > 0 {
		match += ` AND EXISTS (SELECT 1 FROM holdings h WHERE h.user_number = u.number AND h.direct = 1 AND h.code IN (SELECT value FROM json_each(?4)))`
	}
	const from = `FROM users u CROSS JOIN direct_records d ON d.user_number = u.number WHERE `
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
	}, `SELECT p.*, (SELECT count(*) `+from+match+`) FROM (SELECT ?4) LEFT JOIN (
			SELECT `+columnsOfHolder+`, d.external, coalesce((SELECT group_concat(h.code, ' ') FROM holdings h WHERE h.user_number = u.number AND h.code > ''
				AND h.direct = 1), '') AS codes, `+lastSignIn+` AS last_at, `+by+` AS sorted `+from+match+` ORDER BY `+by+` `+direction+`, u.id LIMIT ?2 OFFSET ?3) p
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), q.Top, q.Skip, jsonArray(q.Codes))
	return page, err
}

// DirectCodes implements seatwright.LeaseReader.
func (s *Store) DirectCodes(ctx context.Context, organization seatwright.OrganizationID) (codes []seatwright.ProductCode, err error) {
	err = s.each(ctx, func(r row) { codes = append(codes, seatwright.ProductCode(r.text(0))) }, `SELECT DISTINCT h.code FROM organizations o
		CROSS JOIN users u ON u.organization = o.number CROSS JOIN holdings h ON h.user_number = u.number
		WHERE o.id = ? AND h.code > '' AND h.direct = 1 ORDER BY h.code`, string(organization))
	return codes, err
}

// OfferedCodes implements seatwright.LeaseReader.
func (s *Store) OfferedCodes(ctx context.Context, organization seatwright.OrganizationID) (codes []seatwright.ProductCode, err error) {
	err = s.each(ctx, func(r row) { codes = append(codes, seatwright.ProductCode(r.text(0))) }, `SELECT DISTINCT f.code FROM organizations o
		CROSS JOIN group_offers f ON f.organization = o.number WHERE o.id = ? ORDER BY f.code`, string(organization))
	return codes, err
}

// liveSeat is the condition that a row h of holdings, of an organization o, is a seat that somebody holds; its lease is in force where offer f was found.
const liveSeat = `h.code > '' AND (h.direct = 1 OR f.term IS NOT NULL)`

// joinOffer finds the offer that the lease of a row h of holdings was taken from, and that has not ended since.
const joinOffer = `LEFT JOIN group_offers f ON f.organization = h.organization AND f.group_id = h.group_id AND f.code = h.code AND f.term = h.term`

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
	}, `SELECT u.id, h.code, h.units, h.direct, h.created_at, f.term IS NOT NULL, `+columnsOfLease+`
		FROM organizations o CROSS JOIN json_each(?2) wanted
		CROSS JOIN users u ON u.organization = o.number AND u.id = wanted.value
		CROSS JOIN holdings h ON h.user_number = u.number `+joinOffer+`
		WHERE o.id = ?1 AND `+liveSeat+` ORDER BY u.id, h.code`, string(organization), jsonArray(users))
	return seats, err
}

// HeldCodes implements seatwright.LeaseReader.
func (s *Store) HeldCodes(
	ctx context.Context, organization seatwright.OrganizationID, from seatwright.UserID, most int,
) (list []seatwright.HeldCodes, err error) {
	err = s.each(ctx, func(r row) {
		list = seatwright.AddHeld(list, seatwright.UserID(r.text(0)), seatwright.ProductCode(r.text(1)))
	},
		`SELECT u.id, CASE WHEN h.direct = 1 OR f.term IS NOT NULL THEN h.code ELSE '' END FROM (
			SELECT u.number, u.id FROM organizations o CROSS JOIN users u ON u.organization = o.number AND u.id >= ?2
			WHERE o.id = ?1 ORDER BY u.id LIMIT ?3) u
		LEFT JOIN holdings h ON h.user_number = u.number AND h.code > '' `+joinOffer+`
		ORDER BY u.id, h.code`, string(organization), string(from), most)
	return list, err
}

// Session implements seatwright.LeaseReader.
func (s *Store) Session(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.SessionID,
) (session seatwright.Session, err error) {
	err = s.one(ctx, seatwright.MissingSession(), func(r row) { session = sessionOf(organization, id, r) }, `SELECT x.global_id, x.of_user, x.client_type,
			x.started_at, x.updated_at
		FROM organizations o CROSS JOIN sessions x ON x.organization = o.number WHERE o.id = ? AND x.id = ?`, string(organization), string(id))
	return session, err
}

// SweepableLeases implements seatwright.LeaseReader.
func (s *Store) SweepableLeases(ctx context.Context, most int) (map[seatwright.OrganizationID][]seatwright.UserID, error) {
	found := map[seatwright.OrganizationID][]seatwright.UserID{}
	err := s.each(ctx, func(r row) {
		organization := seatwright.OrganizationID(r.text(0))
		found[organization] = append(found[organization], seatwright.UserID(r.text(1)))
	}, `SELECT DISTINCT o.id, u.id
		FROM organizations o CROSS JOIN holdings h INDEXED BY holdings_by_group ON h.organization = o.number AND h.group_id IS NOT NULL
		CROSS JOIN users u ON u.number = h.user_number
		LEFT JOIN group_rules g ON g.organization = h.organization AND g.group_id = h.group_id `+joinOffer+`
		WHERE f.term IS NULL OR h.last_in_use <= ? - o.inactive_days * 86400000000 OR h.orphan_at > 0 AND g.applied_at > h.orphan_at
			OR o.allocation_mode = 'replace' AND EXISTS (SELECT 1 FROM holdings d WHERE d.user_number = h.user_number AND d.code = '')
		LIMIT ?`, s.clock().UnixMicro(), most)
	return found, err
}
