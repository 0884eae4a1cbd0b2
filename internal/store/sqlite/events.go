package sqlite

import (
	"context"
	"encoding/json"

	"github.com/seatwright/seatwright"
)

// SearchEvents implements seatwright.EventReader.
func (s *Store) SearchEvents(ctx context.Context, organization seatwright.OrganizationID, query seatwright.EventQuery) (page seatwright.EventPage, err error) {
	head, err := s.Head(ctx, organization)
	if err != nil {
		return page, err
	}
	window, err := query.Window(head.Sequence, func(micros int64) (int64, error) { return s.eventsUntil(ctx, organization, head.Sequence, micros) })
	if err != nil {
		return page, err
	}
	if !query.Searches() {
		cut := window.Page(query)
		page.Total = window.Size()
		err = s.each(ctx, func(r row) { page.Events = append(page.Events, eventOf(organization, r)) },
			`SELECT `+columnsOfEvent+eventsBetween+` ORDER BY `+eventOrder(query), string(organization), cut.First, cut.Last)
		return page, err
	}
	args := []any{
		string(organization), window.First, window.Last, listOrNull(query.Kinds), listOrNull(query.Actors), listOrNull(query.Subjects),
	}
	if !query.WithoutTotal {
		if err := s.each(ctx, func(r row) { page.Total = r.int(0) }, `SELECT count(*)`+eventsBetween+eventsListed, args...); err != nil || page.Total <= query.Skip {
			return page, err
		}
	}
	args = append(args, query.Top, query.Skip)
	if query.Ranks != nil {
		ranks, err := json.Marshal(query.Ranks)
		if err != nil {
			return page, seatwright.Internal(err)
		}
		args = append(args, string(ranks))
	}
	err = s.each(ctx, func(r row) { page.Events = append(page.Events, eventOf(organization, r)) },
		`SELECT `+columnsOfEvent+eventsBetween+eventsListed+` ORDER BY `+eventOrder(query)+` LIMIT ?7 OFFSET ?8`, args...)
	return page, err
}

const (
	eventsBetween = ` FROM organizations o CROSS JOIN events e ON e.organization = o.number WHERE o.id = ?1 AND e.sequence BETWEEN ?2 AND ?3`
	eventsListed  = ` AND (?4 IS NULL OR e.kind IN (SELECT value FROM json_each(?4)))
		AND (?5 IS NULL OR e.actor IN (SELECT value FROM json_each(?5)))
		AND (?6 IS NULL OR e.subject IN (SELECT value FROM json_each(?6)))`
)

// eventOrder is what a query sorts by. Without ranks it is the order of the index.
func eventOrder(query seatwright.EventQuery) string {
	order := `e.sequence`
	if query.Newest {
		order = `e.sequence DESC`
	}
	if query.Ranks != nil {
		order = `coalesce(json_extract(?9, '$."' || e.kind || '"'), 0), ` + order
	}
	return order
}

// listOrNull is an array for json_each, or NULL where there is no list.
func listOrNull[S ~string](list []S) any {
	if list == nil {
		return nil
	}
	return jsonArray(list)
}

// eventsUntil tells how many of the first last events are before an instant. Events never go back in time, so halving finds the
// place without an index on the instant.
func (s *Store) eventsUntil(ctx context.Context, organization seatwright.OrganizationID, last, micros int64) (count int64, err error) {
	err = s.each(ctx, func(r row) { count = r.int(0) }, `WITH RECURSIVE halves (low, high) AS (
			SELECT 0, ?2
			UNION ALL
			SELECT CASE WHEN e.at < ?3 THEN e.sequence ELSE h.low END, CASE WHEN e.at < ?3 THEN h.high ELSE e.sequence - 1 END
			FROM halves h CROSS JOIN organizations o CROSS JOIN events e
			WHERE h.low < h.high AND o.id = ?1 AND e.organization = o.number AND e.sequence = (h.low + h.high + 1) / 2
		)
		SELECT max(low) FROM halves`, string(organization), last, micros)
	return count, err
}

// People implements seatwright.EventReader.
func (s *Store) People(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) (found []seatwright.User, err error) {
	err = s.each(ctx, func(r row) {
		person := userOf(organization, r)
		person.PasswordHash = ""
		found = append(found, person)
	}, selectUsers+` WHERE o.id = ?1 AND u.id IN (SELECT value FROM json_each(?2)) ORDER BY u.id`, string(organization), jsonArray(users))
	return found, err
}
