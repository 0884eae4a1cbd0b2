package postgres

import (
	"context"
	"fmt"

	"github.com/seatwright/seatwright"
)

// Denials: what a batch loads and writes of them, and what readers ask.

// denialColumns are what denialOf reads, in its order.
const denialColumns = `d.number, d.kind, d.denied, d.code, d.reason, d.group_id, d.requested, d.available, d.first_at, d.last_at, d.refusals,
	d.satisfied_at, d.latest`

func denialOf(organization seatwright.OrganizationID, r row) seatwright.Denial {
	return seatwright.Denial{
		Organization: organization, Number: r.int(0), Denied: seatwright.Denied{Kind: seatwright.DeniedKind(r.text(1)), ID: r.text(2)},
		Code: seatwright.ProductCode(r.text(3)), Reason: seatwright.DenialReason(r.text(4)), Group: seatwright.GroupID(r.text(5)), Requested: r.int(6),
		Available: r.int(7), FirstAt: r.instant(8), LastAt: r.instant(9), Refusals: r.int(10), SatisfiedAt: r.instantOrNever(11), Latest: r.flag(12),
	}
}

var (
	// With the heads and the people: the locks are taken by then.
	loadDenials = newStatement(`SELECT `+denialColumns+`, w.n FROM unnest($1::int4[], $2::text[], $3::text[]) WITH ORDINALITY w (organization, kind, denied, n)
		JOIN denials d ON d.organization = w.organization AND d.kind = w.kind AND d.denied = w.denied AND d.latest`, oidInt4, oidText, oidText)
	// Not by the index of codes, of which there may be many denials: an expression keeps the planner from it.
	satisfyDenials = newStatement(`UPDATE denials d SET satisfied_at = w.satisfied_at, latest = false
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[]) w (organization, kind, denied, code, satisfied_at)
		WHERE d.organization = w.organization AND d.denied = w.denied AND d.kind = w.kind AND d.code || '' = w.code AND d.satisfied_at = 0`,
		oidInt4, oidText, oidText, oidText, oidInt8)
	updateDenials = newStatement(`UPDATE denials d SET refusals = w.refusals, last_at = w.last_at, latest = w.latest
		FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::int8[], $5::bool[]) w (organization, number, refusals, last_at, latest)
		WHERE d.organization = w.organization AND d.number = w.number`, oidInt4, oidInt8, oidInt8, oidInt8, oidBool)
	forgetDenied = newStatement(`UPDATE denials d SET denied = '', latest = false FROM unnest($1::int4[], $2::text[]) w (organization, user_id)
		WHERE d.organization = w.organization AND d.denied = w.user_id AND d.kind = 'user'`, oidInt4, oidText)
	insertDenials = newStatement(`INSERT INTO denials (organization, number, kind, denied, code, reason, group_id, requested, available, first_at,
			last_at, refusals, satisfied_at, latest)
		SELECT * FROM unnest($1::int4[], $2::int8[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::int8[], $10::int8[],
			$11::int8[], $12::int8[], $13::int8[], $14::bool[])`,
		oidInt4, oidInt8, oidText, oidText, oidText, oidText, oidText, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8, oidBool)
)

// denials sends what changed of denials. Those that go on or end give way to new ones.
func (o *output) denials(c seatwright.Changes) {
	o.rows(satisfyDenials, len(c.SatisfiedDenials), func(i int, to []*array) {
		d := &c.SatisfiedDenials[i]
		to[0].int4(o.number(d.Organization))
		to[1].text(string(d.Kind))
		to[2].text(d.ID)
		to[3].text(string(d.Code))
		to[4].instant(d.SatisfiedAt)
	})
	o.rows(updateDenials, len(c.Denials), func(i int, to []*array) {
		d := &c.Denials[i]
		to[0].int4(o.number(d.Organization))
		to[1].int8(d.Number)
		to[2].int8(d.Refusals)
		to[3].instant(d.LastAt)
		to[4].flag(d.Latest)
	})
	o.rows(forgetDenied, len(c.ForgottenDenied), func(i int, to []*array) {
		to[0].int4(o.number(c.ForgottenDenied[i].Organization))
		to[1].text(string(c.ForgottenDenied[i].ID))
	})
	o.rows(insertDenials, len(c.NewDenials), func(i int, to []*array) {
		d := &c.NewDenials[i]
		to[0].int4(o.number(d.Organization))
		to[1].int8(d.Number)
		to[2].text(string(d.Kind))
		to[3].text(d.ID)
		to[4].text(string(d.Code))
		to[5].text(string(d.Reason))
		to[6].text(string(d.Group))
		to[7].int8(d.Requested)
		to[8].int8(d.Available)
		to[9].instant(d.FirstAt)
		to[10].instant(d.LastAt)
		to[11].int8(d.Refusals)
		to[12].instantOrNever(d.SatisfiedAt)
		to[13].flag(d.Latest)
	})
}

// denialsAsked is where the denials that a query finds are, with its arguments $1 to $6.
func (s *Store) denialsAsked(ctx context.Context, organization seatwright.OrganizationID, q seatwright.DenialQuery) (from string, args []any, err error) {
	var window seatwright.EventWindow
	if q.Bounded() {
		head, err := s.Head(ctx, organization)
		if err != nil {
			return "", nil, err
		}
		window, err = q.Events().Window(head.Sequence, func(micros int64) (int64, error) { return s.eventsUntil(ctx, organization, head.Sequence, micros) })
		if err != nil {
			return "", nil, err
		}
	}
	first, last := q.Numbers(window)
	return ` FROM denials d WHERE d.organization = ` + numberOf + ` AND d.number BETWEEN $2 AND $3 AND ($4::text = '' OR d.code = $4)
		AND ($5::text = '' OR d.denied = $5 AND d.kind = 'user') AND ($6::bool IS NULL OR (d.satisfied_at <> 0) = $6)`,
		[]any{string(organization), first, last, string(q.Code), string(q.User), q.Satisfied}, nil
}

// Denials implements seatwright.DenialReader.
func (s *Store) Denials(ctx context.Context, organization seatwright.OrganizationID, q seatwright.DenialQuery) (denials []seatwright.Denial, err error) {
	from, args, err := s.denialsAsked(ctx, organization, q)
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, func(r row) {
		d := denialOf(organization, r)
		d.Actor = r.text(13)
		denials = append(denials, d)
	}, fmt.Sprintf(`SELECT %s, coalesce((SELECT e.actor FROM events e WHERE d.denied <> '' AND e.organization = d.organization AND e.sequence = d.number / %d), '') %s
		ORDER BY d.number DESC LIMIT $7`, denialColumns, seatwright.MaxDenialsPerEvent, from), append(args, int64(q.Top))...)
	return denials, err
}

// CountDenials implements seatwright.DenialReader.
func (s *Store) CountDenials(
	ctx context.Context, organization seatwright.OrganizationID, by seatwright.DenialSide, q seatwright.DenialQuery,
) (counts []seatwright.DenialCount, err error) {
	from, args, err := s.denialsAsked(ctx, organization, q)
	if err != nil {
		return nil, err
	}
	side, order := `d.code, 0::int8`, `3 DESC, 1`
	switch by {
	case seatwright.DenialsByUser:
		side, from = `d.denied, 0::int8`, from+` AND d.kind = 'user'`
	case seatwright.DenialsByHour:
		side, order = `'', d.first_at / 3600000000 * 3600000000`, `2 DESC`
	case seatwright.DenialsByCode:
	}
	err = s.each(ctx, func(r row) {
		counts = append(counts, seatwright.DenialCount{
			ID: r.text(0), Hour: r.instantOrNever(1), Denials: r.int(2), Refusals: r.int(3), Denied: r.int(4), Satisfied: r.int(5),
		})
	}, `SELECT `+side+`, count(*), sum(d.refusals)::int8, count(DISTINCT d.kind || ' ' || d.denied), count(*) FILTER (WHERE d.satisfied_at <> 0)`+from+`
		GROUP BY 1, 2 ORDER BY `+order+` LIMIT $7`, append(args, int64(q.Top))...)
	return counts, err
}
