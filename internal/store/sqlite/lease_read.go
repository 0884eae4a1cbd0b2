package sqlite

import (
	"context"
	"time"

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

// Session implements seatwright.LeaseReader.
func (s *Store) Session(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.SessionID,
) (session seatwright.Session, err error) {
	err = s.one(ctx, seatwright.MissingSession(), func(r row) { session = sessionOf(organization, id, r) }, `SELECT x.global_id, x.of_user, x.client_type,
			x.started_at, x.updated_at
		FROM organizations o CROSS JOIN sessions x ON x.organization = o.number WHERE o.id = ? AND x.id = ?`, string(organization), string(id))
	return session, err
}

// SweepableLeases implements seatwright.LeaseReader. It reads every lease.
func (s *Store) SweepableLeases(ctx context.Context, now time.Time, most int) (map[seatwright.OrganizationID][]seatwright.UserID, error) {
	found := map[seatwright.OrganizationID][]seatwright.UserID{}
	err := s.each(ctx, func(r row) {
		organization := seatwright.OrganizationID(r.text(0))
		if len(found[organization]) < most {
			found[organization] = append(found[organization], seatwright.UserID(r.text(1)))
		}
	}, `SELECT DISTINCT o.id, u.id
		FROM organizations o CROSS JOIN holdings h INDEXED BY holdings_by_group ON h.organization = o.number AND h.group_id IS NOT NULL
		CROSS JOIN users u ON u.number = h.user_number
		LEFT JOIN group_rules g ON g.organization = h.organization AND g.group_id = h.group_id `+joinOffer+`
		WHERE f.term IS NULL OR h.last_in_use <= ? - o.inactive_days * 86400000000 OR h.orphan_at > 0 AND g.applied_at > h.orphan_at
		ORDER BY o.id, u.id`, now.UnixMicro())
	return found, err
}
