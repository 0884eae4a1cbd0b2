package postgres

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

// Session implements seatwright.LeaseReader.
func (s *Store) Session(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.SessionID,
) (session seatwright.Session, err error) {
	err = s.one(ctx, seatwright.MissingSession(), func(r row) { session = sessionOf(organization, id, r) },
		`SELECT `+sessionColumns+` FROM sessions x WHERE x.organization = `+numberOf+` AND x.id = $2`, string(organization), string(id))
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
	}, `SELECT DISTINCT o.id, s.user_id
		FROM seats s JOIN organizations o ON o.number = s.organization
		LEFT JOIN group_rules g ON g.organization = s.organization AND g.group_id = s.group_id `+joinOffer+`
		WHERE s.group_id <> '' AND (f.term IS NULL OR s.last_in_use <= $1 - o.inactive_days * 86400000000 OR s.orphan_at > 0 AND g.applied_at > s.orphan_at)
		ORDER BY o.id, s.user_id`, now.UnixMicro())
	return found, err
}
