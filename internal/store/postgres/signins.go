package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/seatwright/seatwright"
)

// Each person who exists, with what is known of their sign-ins.
var loadSignIns = newStatement(`SELECT w.n, s.last_at, s.failures, s.failed_at, s.window_at, s.window_failures
	FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
	JOIN users u ON u.organization = w.organization AND u.id = w.id
	LEFT JOIN sign_ins s ON s.organization = w.organization AND s.user_id = w.id`, oidInt4, oidText)

// loadSignIns reads what is known of people's sign-ins, in a round trip of its own: few batches have any.
func (b *batch) loadSignIns() error {
	var t *trip
	var columns []*array
	var asked []seatwright.SignIns
	for i := range b.places {
		p := &b.places[i]
		for _, user := range p.SignIns {
			if t == nil {
				t = b.writer.trip()
				columns = t.columns(loadSignIns)
			}
			columns[0].int4(p.number)
			columns[1].text(string(user))
			asked = append(asked, seatwright.SignIns{Organization: p.Organization, User: user})
		}
	}
	if t == nil {
		return nil
	}
	t.send(loadSignIns, columns)
	return errors.Join(t.flush(loadTime), t.each(func(r row) {
		s := asked[r.int(0)-1]
		if !r.null(1) {
			s.LastAt, s.Failures, s.FailedAt = r.instantOrNever(1), r.int(2), r.instantOrNever(3)
			s.WindowAt, s.WindowFailures = r.instantOrNever(4), r.int(5)
		}
		b.slice.LoadSignIns(s)
	}), t.end())
}

var putSignIns = newStatement(`INSERT INTO sign_ins (organization, user_id, last_at, failures, failed_at, window_at, window_failures)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[])
		ON CONFLICT (organization, user_id) DO UPDATE SET last_at = excluded.last_at, failures = excluded.failures,
			failed_at = excluded.failed_at, window_at = excluded.window_at, window_failures = excluded.window_failures`,
	oidInt4, oidText, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8)

func (o *output) signIns(c seatwright.Changes) {
	o.rows(putSignIns, len(c.SignIns), func(i int, to []*array) {
		s := &c.SignIns[i]
		to[0].int4(o.number(s.Organization))
		to[1].text(string(s.User))
		to[2].instantOrNever(s.LastAt)
		to[3].int8(s.Failures)
		to[4].instantOrNever(s.FailedAt)
		to[5].instantOrNever(s.WindowAt)
		to[6].int8(s.WindowFailures)
	})
}

// LastSignIns implements seatwright.DirectoryReader.
func (s *Store) LastSignIns(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) (map[seatwright.UserID]time.Time, error) {
	last := map[seatwright.UserID]time.Time{}
	err := s.each(ctx, func(r row) { last[seatwright.UserID(r.text(0))] = r.instant(1) }, `SELECT user_id, last_at FROM sign_ins
		WHERE organization = `+numberOf+` AND user_id = ANY($2::text[]) AND last_at > 0`, string(organization), texts(users))
	return last, err
}

// SignIns implements seatwright.EventReader.
func (s *Store) SignIns(
	ctx context.Context, organization seatwright.OrganizationID, user seatwright.UserID, since time.Time, offset, limit int,
) (events []seatwright.Event, total int64, err error) {
	err = s.each(ctx, func(r row) {
		if total = r.int(0); !r.null(1) {
			events = append(events, eventOf(organization, r[1:]))
		}
	}, `WITH found AS MATERIALIZED (SELECT * FROM events WHERE organization = `+numberOf+` AND subject = $2
			AND kind IN ('user.signed_in', 'user.sign_in_refused') AND at >= $3)
		SELECT counted.total, `+eventColumns+` FROM (SELECT count(*) AS total FROM found) counted
		LEFT JOIN (SELECT * FROM found ORDER BY sequence DESC LIMIT $5 OFFSET $4) e ON true ORDER BY sequence DESC`,
		string(organization), string(user), since.UnixMicro(), int64(offset), int64(limit))
	return events, total, err
}
