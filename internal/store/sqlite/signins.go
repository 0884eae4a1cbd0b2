package sqlite

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/seatwright/seatwright"
)

// loadSignIns reads what is known of people's sign-ins, one row per person who exists.
func (w *writer) loadSignIns(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if len(t.SignIns) == 0 || known == nil {
			continue
		}
		err := w.each(func(r row) {
			user := t.SignIns[r.int(0)]
			w.people[person{t.Organization, user}] = r.int(1)
			signIns := seatwright.SignIns{Organization: t.Organization, User: user}
			if !r.null(2) {
				signIns.LastAt, signIns.Failures, signIns.FailedAt = r.instantOrNever(2), r.int(3), r.instantOrNever(4)
				signIns.WindowAt, signIns.WindowFailures = r.instantOrNever(5), r.int(6)
			}
			slice.LoadSignIns(signIns)
		}, `SELECT wanted.key, u.number, s.last_at, s.failures, s.failed_at, s.window_at, s.window_failures
			FROM json_each(?2) wanted
			CROSS JOIN users u ON u.organization = ?1 AND u.id = wanted.value
			LEFT JOIN sign_ins s ON s.user_number = u.number`, known.number, jsonArray(t.SignIns))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putSignIns(c seatwright.Changes) error {
	return w.insert(signIns, len(c.SignIns), func(i int, row []driver.Value) []driver.Value {
		s := &c.SignIns[i]
		return append(row, w.people[person{s.Organization, s.User}], w.numberOf(s.Organization), microsOrNever(s.LastAt), s.Failures,
			microsOrNever(s.FailedAt), microsOrNever(s.WindowAt), s.WindowFailures)
	})
}

var signIns = newInsertion(`sign_ins (user_number, organization, last_at, failures, failed_at, window_at, window_failures)`, 7,
	` ON CONFLICT (user_number) DO UPDATE SET last_at = excluded.last_at, failures = excluded.failures, failed_at = excluded.failed_at,
			window_at = excluded.window_at, window_failures = excluded.window_failures`)

// LastSignIns implements seatwright.DirectoryReader.
func (s *Store) LastSignIns(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) (map[seatwright.UserID]time.Time, error) {
	last := map[seatwright.UserID]time.Time{}
	err := s.each(ctx, func(r row) { last[seatwright.UserID(r.text(0))] = r.instant(1) }, `SELECT u.id, s.last_at
		FROM organizations o
		CROSS JOIN json_each(?2) wanted
		CROSS JOIN users u ON u.organization = o.number AND u.id = wanted.value
		CROSS JOIN sign_ins s ON s.user_number = u.number AND s.last_at > 0
		WHERE o.id = ?1`, string(organization), jsonArray(users))
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
	}, `WITH found AS MATERIALIZED (SELECT e.* FROM organizations o CROSS JOIN events e ON e.organization = o.number
			WHERE o.id = ?1 AND e.subject = ?2 AND e.kind IN ('user.signed_in', 'user.sign_in_refused') AND e.at >= ?3)
		SELECT counted.total, `+columnsOfEvent+` FROM (SELECT count(*) AS total FROM found) counted
		LEFT JOIN (SELECT * FROM found ORDER BY sequence DESC LIMIT ?5 OFFSET ?4) e ON true ORDER BY e.sequence DESC`,
		string(organization), string(user), since.UnixMicro(), offset, limit)
	return events, total, err
}
