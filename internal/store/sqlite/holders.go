package sqlite

import (
	"context"

	"github.com/seatwright/seatwright"
)

// SeatHolders implements seatwright.LeaseReader.
func (s *Store) SeatHolders(
	ctx context.Context, organization seatwright.OrganizationID, q seatwright.HolderQuery,
) (page seatwright.SeatHolderPage, err error) {
	const lastUse = `max(held.leased, coalesce((SELECT i.last_at FROM sign_ins i WHERE i.user_number = u.number), 0))`
	by, direction := holderOrder(q, lastUse)
	match := liveSeat
	if len(q.Codes) > 0 {
		match += ` AND h.code IN (SELECT value FROM json_each(?4))`
	}
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInHolder + 4)
		if !r.null(0) {
			page.Holders = append(page.Holders, seatwright.SeatHolder{
				Person: holderOf(organization, r), Codes: codesOf(r.text(columnsInHolder)), External: r.flag(columnsInHolder + 1),
				LastUse: r.instantOrNever(columnsInHolder + 2),
			})
		}
	}, `WITH held AS MATERIALIZED (
			SELECT h.user_number, group_concat(h.code, ' ') AS codes, max(h.units = 0 AND (f.term IS NULL OR h.unit = 0)) AS external,
				max(CASE WHEN f.term IS NULL THEN 0 ELSE h.last_in_use END) AS leased
			FROM organizations o CROSS JOIN users u ON u.organization = o.number CROSS JOIN holdings h ON h.user_number = u.number `+joinOffer+`
			WHERE o.id = ?1 AND `+match+` GROUP BY h.user_number)
		SELECT p.*, (SELECT count(*) FROM held) FROM (SELECT ?4) LEFT JOIN (
			SELECT `+columnsOfHolder+`, held.codes, held.external, `+lastUse+` AS last_use, `+by+` AS sorted
			FROM held CROSS JOIN users u ON u.number = held.user_number ORDER BY `+by+` `+direction+`, u.id LIMIT ?2 OFFSET ?3) p
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), q.Top, q.Skip, jsonArray(q.Codes))
	return page, err
}

// UnitsInUse implements seatwright.LeaseReader. A shared unit is told by its number, which is turned round so that it is no number of a person.
func (s *Store) UnitsInUse(ctx context.Context, organization seatwright.OrganizationID) (map[seatwright.ProductCode]int64, error) {
	units := map[seatwright.ProductCode]int64{}
	err := s.each(ctx, func(r row) { units[seatwright.ProductCode(r.text(0))] = r.int(1) }, `SELECT h.code,
			count(DISTINCT CASE WHEN h.units > 0 THEN h.user_number ELSE -h.unit END)
		FROM organizations o CROSS JOIN sessions x ON x.organization = o.number AND x.updated_at > ?2
		CROSS JOIN users u ON u.organization = o.number AND u.id = x.of_user
		CROSS JOIN holdings h ON h.user_number = u.number `+joinOffer+`
		WHERE o.id = ?1 AND `+liveSeat+` AND (h.units > 0 OR f.term IS NOT NULL AND h.unit > 0) GROUP BY h.code`,
		string(organization), s.clock().Add(-seatwright.SessionLife).UnixMicro())
	return units, err
}
