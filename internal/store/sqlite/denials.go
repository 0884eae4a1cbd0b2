package sqlite

import (
	"context"
	"fmt"

	"github.com/seatwright/seatwright"
)

// Denials: what a batch loads and writes of them, and what readers ask.

// columnsOfDenial are what denialOf reads, in its order.
const columnsOfDenial = `d.number, d.kind, d.denied, d.code, d.reason, d.group_id, d.requested, d.available, d.first_at, d.last_at, d.refusals,
	d.satisfied_at, d.latest`

func denialOf(organization seatwright.OrganizationID, r row) seatwright.Denial {
	return seatwright.Denial{
		Organization: organization, Number: r.int(0), Denied: seatwright.Denied{Kind: seatwright.DeniedKind(r.text(1)), ID: r.text(2)},
		Code: seatwright.ProductCode(r.text(3)), Reason: seatwright.DenialReason(r.text(4)), Group: seatwright.GroupID(r.text(5)), Requested: r.int(6),
		Available: r.int(7), FirstAt: r.instant(8), LastAt: r.instant(9), Refusals: r.int(10), SatisfiedAt: r.instantOrNever(11), Latest: r.flag(12),
	}
}

// loadDenials reads the latest denials of those who may be refused or given something now. Where nobody was refused, which is remembered, it costs
// nothing.
func (w *writer) loadDenials(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil || !known.denied {
			continue
		}
		for _, who := range t.Denied {
			err := w.each(func(r row) { slice.LoadDenial(denialOf(t.Organization, r)) }, `SELECT `+columnsOfDenial+`
				FROM denials d INDEXED BY denials_latest WHERE d.organization = ? AND d.kind = ? AND d.denied = ? AND d.latest = 1`,
				known.number, string(who.Kind), who.ID)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// putDenials writes what changed of denials. Those that go on or end give way to new ones.
func (w *writer) putDenials(c seatwright.Changes) error {
	for _, d := range c.SatisfiedDenials {
		err := w.exec(`UPDATE denials INDEXED BY denials_of_somebody SET satisfied_at = ?, latest = 0
			WHERE organization = ? AND denied = ? AND kind = ? AND code = ? AND satisfied_at = 0`,
			d.SatisfiedAt.UnixMicro(), w.numberOf(d.Organization), d.ID, string(d.Kind), string(d.Code))
		if err != nil {
			return err
		}
	}
	for _, d := range c.Denials {
		err := w.exec(`UPDATE denials SET refusals = ?, last_at = ?, latest = ? WHERE organization = ? AND number = ?`,
			d.Refusals, d.LastAt.UnixMicro(), d.Latest, w.numberOf(d.Organization), d.Number)
		if err != nil {
			return err
		}
	}
	for _, u := range c.ForgottenDenied {
		err := w.exec(`UPDATE denials SET denied = '', latest = 0 WHERE organization = ? AND denied = ? AND kind = 'user'`, w.numberOf(u.Organization), string(u.ID))
		if err != nil {
			return err
		}
	}
	for _, d := range c.NewDenials {
		err := w.exec(`INSERT INTO denials (organization, number, kind, denied, code, reason, group_id, requested, available, first_at, last_at,
				refusals, satisfied_at, latest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.numberOf(d.Organization), d.Number, string(d.Kind), d.ID, string(d.Code), string(d.Reason), string(d.Group), d.Requested, d.Available,
			d.FirstAt.UnixMicro(), d.LastAt.UnixMicro(), d.Refusals, microsOrNever(d.SatisfiedAt), d.Latest)
		if err != nil {
			return err
		}
	}
	return nil
}

// denialsAsked is where the denials that a query finds are, with its arguments. SQLite goes by an index only for a comparison that stands by itself, and
// without statistics it would take any.
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
	from, args = ` NOT INDEXED`, []any{string(organization), first, last}
	where := ` WHERE d.organization = (SELECT number FROM organizations WHERE id = ?) AND d.number BETWEEN ? AND ?`
	if q.Code != "" {
		from, where, args = ` INDEXED BY denials_of_code`, where+` AND d.code = ?`, append(args, string(q.Code))
	}
	if q.User != "" {
		from, where, args = ` INDEXED BY denials_of_somebody`, where+` AND d.denied = ? AND d.kind = 'user'`, append(args, string(q.User))
	}
	if q.Satisfied != nil {
		where, args = where+` AND (d.satisfied_at <> 0) = ?`, append(args, *q.Satisfied)
	}
	return ` FROM denials d` + from + where, args, nil
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
		ORDER BY d.number DESC LIMIT ?`, columnsOfDenial, seatwright.MaxDenialsPerEvent, from), append(args, q.Top)...)
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
	side, order := `d.code, 0`, `3 DESC, 1`
	switch by {
	case seatwright.DenialsByUser:
		side, from = `d.denied, 0`, from+` AND d.kind = 'user'`
	case seatwright.DenialsByHour:
		side, order = `'', d.first_at / 3600000000 * 3600000000`, `2 DESC`
	case seatwright.DenialsByCode:
	}
	err = s.each(ctx, func(r row) {
		counts = append(counts, seatwright.DenialCount{
			ID: r.text(0), Hour: r.instantOrNever(1), Denials: r.int(2), Refusals: r.int(3), Denied: r.int(4), Satisfied: r.int(5),
		})
	}, `SELECT `+side+`, count(*), sum(d.refusals), count(DISTINCT d.kind || ' ' || d.denied), sum(d.satisfied_at <> 0)`+from+`
		GROUP BY 1, 2 ORDER BY `+order+` LIMIT ?`, append(args, q.Top)...)
	return counts, err
}
