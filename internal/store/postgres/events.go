package postgres

import (
	"context"
	"encoding/json"
	"slices"

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
			`SELECT `+eventColumns+eventsBetween+` ORDER BY `+eventOrder(query), string(organization), cut.First, cut.Last)
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
	args = append(args, int64(query.Top), query.Skip)
	if query.Ranks != nil {
		ranks, err := json.Marshal(query.Ranks)
		if err != nil {
			return page, seatwright.Internal(err)
		}
		args = append(args, string(ranks))
	}
	err = s.each(ctx, func(r row) { page.Events = append(page.Events, eventOf(organization, r)) },
		`SELECT `+eventColumns+eventsBetween+eventsListed+` ORDER BY `+eventOrder(query)+` LIMIT $7 OFFSET $8`, args...)
	return page, err
}

const (
	eventsBetween = ` FROM events WHERE organization = ` + numberOf + ` AND sequence BETWEEN $2 AND $3`
	eventsListed  = ` AND ($4::text[] IS NULL OR kind = ANY($4)) AND ($5::text[] IS NULL OR actor = ANY($5)) AND ($6::text[] IS NULL OR subject = ANY($6))`
)

// eventOrder is what a query sorts by. Without ranks it is the order of the primary key.
func eventOrder(query seatwright.EventQuery) string {
	order := `sequence`
	if query.Newest {
		order = `sequence DESC`
	}
	if query.Ranks != nil {
		order = `coalesce(($9::text::jsonb ->> kind)::int8, 0), ` + order
	}
	return order
}

// listOrNull is an array, or NULL where there is no list.
func listOrNull[S ~string](list []S) []string {
	if list == nil {
		return nil
	}
	return storables(list)
}

// storables leaves out what the database could not even compare with: nothing is stored under such a text.
func storables[S ~string](list []S) []string {
	return slices.DeleteFunc(texts(list), func(text string) bool { return !storable(text) })
}

// eventsUntil tells how many of the first last events are before an instant. Events never go back in time, so halving finds the
// place without an index on the instant.
func (s *Store) eventsUntil(ctx context.Context, organization seatwright.OrganizationID, last, micros int64) (count int64, err error) {
	err = s.each(ctx, func(r row) { count = r.int(0) }, `WITH RECURSIVE halves (low, high) AS (
			SELECT 0::int8, $2::int8
			UNION ALL
			SELECT CASE WHEN e.at < $3 THEN e.sequence ELSE h.low END, CASE WHEN e.at < $3 THEN h.high ELSE e.sequence - 1 END
			FROM halves h JOIN events e ON e.organization = `+numberOf+` AND e.sequence = (h.low + h.high + 1) / 2
			WHERE h.low < h.high
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
	}, `SELECT `+userColumns+` FROM users u WHERE u.organization = `+numberOf+` AND u.id = ANY($2::text[]) ORDER BY u.id`,
		string(organization), storables(users))
	return found, err
}
