package sqlite

import (
	"context"

	"github.com/seatwright/seatwright"
)

// Notices: what a batch loads and writes of them, and what the clock asks.

// columnsOfNotice are what noticeOf reads, in its order.
const columnsOfNotice = `n.sequence, n.kind, n.subject, n.code, n.threshold, n.ends_at, n.used, n.total, n.at, n.standing`

func noticeOf(organization seatwright.OrganizationID, r row) seatwright.Notice {
	n := seatwright.Notice{
		Organization: organization, Sequence: r.int(0), NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticeKind(r.text(1)), Subject: r.text(2)},
		Code: seatwright.ProductCode(r.text(3)), Threshold: r.int(4), Used: r.int(6), Total: r.int(7), At: r.instant(8), Standing: r.flag(9),
	}
	if r.int(5) != 0 {
		n.EndsAt = r.instant(5)
	}
	return n
}

// endOf is 0 where a notice is about no purchase.
func endOf(n seatwright.Notice) int64 {
	if n.EndsAt.IsZero() {
		return 0
	}
	return n.EndsAt.UnixMicro()
}

// loadNotices reads the notices that stand about some things.
func (w *writer) loadNotices(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		for _, ref := range t.Notices {
			err := w.each(func(r row) { slice.LoadNotice(noticeOf(t.Organization, r)) }, `SELECT `+columnsOfNotice+`
				FROM notices n WHERE n.organization = ? AND n.kind = ? AND n.subject = ? AND n.standing = 1`, known.number, string(ref.Kind), ref.Subject)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) putNotices(c seatwright.Changes) error {
	for _, n := range c.EndedNotices {
		err := w.exec(`UPDATE notices SET standing = 0 WHERE organization = ? AND sequence = ?`, w.numberOf(n.Organization), n.Sequence)
		if err != nil {
			return err
		}
	}
	for _, n := range c.NewNotices {
		err := w.exec(`INSERT INTO notices (organization, sequence, kind, subject, code, threshold, ends_at, used, total, at, standing)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, w.numberOf(n.Organization), n.Sequence, string(n.Kind), n.Subject, string(n.Code), n.Threshold,
			endOf(n), n.Used, n.Total, n.At.UnixMicro(), n.Standing)
		if err != nil {
			return err
		}
	}
	return nil
}

// StalePools implements seatwright.NoticeReader.
func (s *Store) StalePools(ctx context.Context, most int) (stale []seatwright.PoolRef, err error) {
	err = s.each(ctx, func(r row) {
		stale = append(stale, seatwright.PoolRef{Organization: seatwright.OrganizationID(r.text(0)), Code: seatwright.ProductCode(r.text(1))})
	}, `SELECT o.id, p.code FROM pools p JOIN organizations o ON o.number = p.organization WHERE p.total_until <= ?1 LIMIT ?2`, s.clock().UnixMicro(), most)
	return stale, err
}

// DueNotices implements seatwright.NoticeReader. The thresholds are those of seatwright.LotThresholds and PoolThresholds.
func (s *Store) DueNotices(ctx context.Context, most int) (due []seatwright.DueNotice, err error) {
	err = s.each(ctx, func(r row) {
		due = append(due, seatwright.DueNotice{
			Organization: seatwright.OrganizationID(r.text(0)), NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticeKind(r.text(1)), Subject: r.text(2)},
			Code: seatwright.ProductCode(r.text(3)),
		})
	}, `SELECT o.id, 'pool_used', p.code, p.code
			FROM pools p JOIN organizations o ON o.number = p.organization
			LEFT JOIN notices n ON n.organization = p.organization AND n.kind = 'pool_used' AND n.subject = p.code AND n.standing = 1
			WHERE p.used > 0 AND p.used * 4 >= p.total * 3
				AND coalesce(n.threshold, 0) < CASE WHEN p.used >= p.total THEN 100 WHEN p.used * 10 >= p.total * 9 THEN 90 ELSE 75 END
		UNION ALL SELECT o.id, n.kind, n.subject, n.code
			FROM notices n JOIN organizations o ON o.number = n.organization
			JOIN pools p ON p.organization = n.organization AND p.code = n.subject
			WHERE n.standing = 1 AND n.kind = 'pool_used' AND (p.used = 0 OR p.used * 10 < p.total * 7)
		UNION ALL SELECT o.id, 'lot_ends', l.id, l.code
			FROM lots l JOIN organizations o ON o.number = l.organization
			LEFT JOIN notices n ON n.organization = l.organization AND n.kind = 'lot_ends' AND n.subject = l.id AND n.standing = 1
			WHERE l.ends_at > ?1 AND l.ends_at <= ?1 + 180 * 86400000000 AND l.starts_at <= ?1
				AND (n.subject IS NULL OR n.ends_at <> l.ends_at OR n.threshold > CASE WHEN l.ends_at - ?1 <= 86400000000 THEN 1
					WHEN l.ends_at - ?1 <= 7 * 86400000000 THEN 7 WHEN l.ends_at - ?1 <= 14 * 86400000000 THEN 14
					WHEN l.ends_at - ?1 <= 30 * 86400000000 THEN 30 WHEN l.ends_at - ?1 <= 90 * 86400000000 THEN 90 ELSE 180 END)
		UNION ALL SELECT o.id, n.kind, n.subject, n.code
			FROM notices n JOIN organizations o ON o.number = n.organization
			LEFT JOIN lots l ON l.organization = n.organization AND l.id = n.subject
			WHERE n.standing = 1 AND n.kind = 'lot_ends'
				AND (l.id IS NULL OR l.expires_at <= ?1 OR n.ends_at <> l.ends_at AND l.ends_at > ?1 + 180 * 86400000000)
		LIMIT ?2`, s.clock().UnixMicro(), most)
	return due, err
}

// Notices implements seatwright.NoticeReader.
func (s *Store) Notices(ctx context.Context, organization seatwright.OrganizationID, q seatwright.NoticeQuery) (notices []seatwright.Notice, err error) {
	err = s.each(ctx, func(r row) { notices = append(notices, noticeOf(organization, r)) }, `SELECT `+columnsOfNotice+`
		FROM organizations o CROSS JOIN notices n ON n.organization = o.number
		WHERE o.id = ?1 AND (?2 = 0 OR n.sequence < ?2) AND (?3 = 0 OR n.standing = 1) ORDER BY n.sequence DESC LIMIT ?4`,
		string(organization), q.Before, q.Standing, q.Top)
	return notices, err
}
