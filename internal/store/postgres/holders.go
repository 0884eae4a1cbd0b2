package postgres

import (
	"context"

	"github.com/seatwright/seatwright"
)

// SeatHolders implements seatwright.LeaseReader.
func (s *Store) SeatHolders(
	ctx context.Context, organization seatwright.OrganizationID, q seatwright.HolderQuery,
) (page seatwright.SeatHolderPage, err error) {
	const lastUse = `greatest(held.leased, coalesce((SELECT i.last_at FROM sign_ins i WHERE i.organization = u.organization AND i.user_id = u.id), 0))`
	by, direction := holderOrder(q, lastUse)
	err = s.each(ctx, func(r row) {
		page.Total = r.int(columnsInHolder + 4)
		if !r.null(0) {
			page.Holders = append(page.Holders, seatwright.SeatHolder{
				Person: holderOf(organization, r), Codes: codesOf(r.text(columnsInHolder)), External: r.flag(columnsInHolder + 1),
				LastUse: r.instantOrNever(columnsInHolder + 2),
			})
		}
	}, `WITH held AS MATERIALIZED (
			SELECT s.organization, s.user_id, string_agg(s.code, ' ') AS codes, bool_or(s.units = 0 AND (f.term IS NULL OR s.unit = 0)) AS external,
				max(CASE WHEN f.term IS NULL THEN 0 ELSE s.last_in_use END) AS leased
			FROM seats s `+joinOffer+`
			WHERE s.organization = `+numberOf+` AND (s.direct OR f.term IS NOT NULL) AND (cardinality($4::text[]) = 0 OR s.code = ANY($4::text[]))
			GROUP BY s.organization, s.user_id)
		SELECT p.*, (SELECT count(*) FROM held) FROM (SELECT 1) one LEFT JOIN (
			SELECT `+holderColumns+`, held.codes, held.external, `+lastUse+` AS last_use, `+by+` AS sorted
			FROM held JOIN users u ON u.organization = held.organization AND u.id = held.user_id ORDER BY `+by+` `+direction+`, u.id LIMIT $2 OFFSET $3) p ON true
		ORDER BY p.sorted `+direction+`, p.id`, string(organization), q.Top, q.Skip, texts(q.Codes))
	return page, err
}

// UnitsInUse implements seatwright.LeaseReader. A shared unit is told by its number.
func (s *Store) UnitsInUse(ctx context.Context, organization seatwright.OrganizationID) (map[seatwright.ProductCode]int64, error) {
	units := map[seatwright.ProductCode]int64{}
	err := s.each(ctx, func(r row) { units[seatwright.ProductCode(r.text(0))] = r.int(1) }, `SELECT s.code,
			count(DISTINCT CASE WHEN s.units > 0 THEN s.user_id END) + count(DISTINCT CASE WHEN s.units = 0 THEN s.unit END)
		FROM sessions x JOIN seats s ON s.organization = x.organization AND s.user_id = x.of_user `+joinOffer+`
		WHERE x.organization = `+numberOf+` AND x.updated_at > coalesce($2::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) - $3
			AND (s.direct OR f.term IS NOT NULL) AND (s.units > 0 OR f.term IS NOT NULL AND s.unit > 0) GROUP BY s.code`,
		string(organization), microsOf(s.clock), seatwright.SessionLife.Microseconds())
	return units, err
}
