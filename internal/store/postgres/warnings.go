package postgres

import (
	"context"
	"errors"

	"github.com/seatwright/seatwright"
)

// Notices: what a batch loads and writes of them, and what the clock asks.

// noticeColumns are what noticeOf reads, in its order.
const noticeColumns = `n.sequence, n.kind, n.subject, n.code, n.threshold, n.ends_at, n.used, n.total, n.at, n.standing`

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

var (
	loadNotices = newStatement(`SELECT `+noticeColumns+`, w.n FROM unnest($1::int4[], $2::text[], $3::text[]) WITH ORDINALITY w (organization, kind, subject, n)
		JOIN notices n ON n.organization = w.organization AND n.kind = w.kind AND n.subject = w.subject AND n.standing`, oidInt4, oidText, oidText)
	endNotices = newStatement(`UPDATE notices n SET standing = false FROM unnest($1::int4[], $2::int8[]) w (organization, sequence)
		WHERE n.organization = w.organization AND n.sequence = w.sequence`, oidInt4, oidInt8)
	insertNotices = newStatement(`INSERT INTO notices (organization, sequence, kind, subject, code, threshold, ends_at, used, total, at, standing)
		SELECT * FROM unnest($1::int4[], $2::int8[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[],
			$11::bool[])`, oidInt4, oidInt8, oidText, oidText, oidText, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8, oidBool)
)

// loadNotices reads the notices that stand about some things, if any are wanted.
func (b *batch) loadNotices() error {
	var wanted []seatwright.Notice
	for i := range b.places {
		p := &b.places[i]
		for _, ref := range p.Notices {
			wanted = append(wanted, seatwright.Notice{Organization: p.Organization, NoticeRef: ref})
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	o.rows(loadNotices, len(wanted), func(i int, to []*array) {
		to[0].int4(o.number(wanted[i].Organization))
		to[1].text(string(wanted[i].Kind))
		to[2].text(wanted[i].Subject)
	})
	if err := o.flush(loadTime); err != nil {
		return err
	}
	err := o.each(func(r row) { b.slice.LoadNotice(noticeOf(wanted[r.int(10)-1].Organization, r)) })
	return errors.Join(err, o.end())
}

func (o *output) notices(c seatwright.Changes) {
	o.rows(endNotices, len(c.EndedNotices), func(i int, to []*array) {
		n := &c.EndedNotices[i]
		to[0].int4(o.number(n.Organization))
		to[1].int8(n.Sequence)
	})
	o.rows(insertNotices, len(c.NewNotices), func(i int, to []*array) {
		n := &c.NewNotices[i]
		to[0].int4(o.number(n.Organization))
		to[1].int8(n.Sequence)
		to[2].text(string(n.Kind))
		to[3].text(n.Subject)
		to[4].text(string(n.Code))
		to[5].int8(n.Threshold)
		to[6].int8(endOf(*n))
		to[7].int8(n.Used)
		to[8].int8(n.Total)
		to[9].instant(n.At)
		to[10].flag(n.Standing)
	})
}

// StalePools implements seatwright.NoticeReader.
func (s *Store) StalePools(ctx context.Context, most int) (stale []seatwright.PoolRef, err error) {
	err = s.each(ctx, func(r row) {
		stale = append(stale, seatwright.PoolRef{Organization: seatwright.OrganizationID(r.text(0)), Code: seatwright.ProductCode(r.text(1))})
	}, `WITH clock AS MATERIALIZED (SELECT coalesce($1::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) AS now)
		SELECT o.id, p.code FROM pools p JOIN organizations o ON o.number = p.organization WHERE p.total_until <= (SELECT now FROM clock) LIMIT $2`, microsOf(s.clock), int64(most))
	return stale, err
}

// DueNotices implements seatwright.NoticeReader. The thresholds are those of seatwright.LotThresholds and PoolThresholds.
func (s *Store) DueNotices(ctx context.Context, most int) (due []seatwright.DueNotice, err error) {
	err = s.each(ctx, func(r row) {
		due = append(due, seatwright.DueNotice{
			Organization: seatwright.OrganizationID(r.text(0)), NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticeKind(r.text(1)), Subject: r.text(2)},
			Code: seatwright.ProductCode(r.text(3)),
		})
	}, `WITH clock AS MATERIALIZED (SELECT coalesce($1::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) AS now)
		SELECT o.id, 'pool_used', p.code, p.code
			FROM pools p JOIN organizations o ON o.number = p.organization
			LEFT JOIN notices n ON n.organization = p.organization AND n.kind = 'pool_used' AND n.subject = p.code AND n.standing
			WHERE p.used > 0 AND p.used * 4 >= p.total * 3
				AND coalesce(n.threshold, 0) < CASE WHEN p.used >= p.total THEN 100 WHEN p.used * 10 >= p.total * 9 THEN 90 ELSE 75 END
		UNION ALL SELECT o.id, n.kind, n.subject, n.code
			FROM notices n JOIN organizations o ON o.number = n.organization
			JOIN pools p ON p.organization = n.organization AND p.code = n.subject
			WHERE n.standing AND n.kind = 'pool_used' AND (p.used = 0 OR p.used * 10 < p.total * 7)
		UNION ALL SELECT o.id, 'lot_ends', l.id, l.code
			FROM lots l JOIN organizations o ON o.number = l.organization
			LEFT JOIN notices n ON n.organization = l.organization AND n.kind = 'lot_ends' AND n.subject = l.id AND n.standing
			WHERE l.ends_at > (SELECT now FROM clock) AND l.ends_at <= (SELECT now FROM clock) + 180 * 86400000000::int8 AND l.starts_at <= (SELECT now FROM clock)
				AND (n.subject IS NULL OR n.ends_at <> l.ends_at OR n.threshold > CASE WHEN l.ends_at - (SELECT now FROM clock) <= 86400000000::int8 THEN 1
					WHEN l.ends_at - (SELECT now FROM clock) <= 7 * 86400000000::int8 THEN 7 WHEN l.ends_at - (SELECT now FROM clock) <= 14 * 86400000000::int8 THEN 14
					WHEN l.ends_at - (SELECT now FROM clock) <= 30 * 86400000000::int8 THEN 30 WHEN l.ends_at - (SELECT now FROM clock) <= 90 * 86400000000::int8 THEN 90 ELSE 180 END)
		UNION ALL SELECT o.id, n.kind, n.subject, n.code
			FROM notices n JOIN organizations o ON o.number = n.organization
			LEFT JOIN lots l ON l.organization = n.organization AND l.id = n.subject
			WHERE n.standing AND n.kind = 'lot_ends'
				AND (l.id IS NULL OR l.expires_at <= (SELECT now FROM clock) OR n.ends_at <> l.ends_at AND l.ends_at > (SELECT now FROM clock) + 180 * 86400000000::int8)
		LIMIT $2`, microsOf(s.clock), int64(most))
	return due, err
}

// Notices implements seatwright.NoticeReader.
func (s *Store) Notices(ctx context.Context, organization seatwright.OrganizationID, q seatwright.NoticeQuery) (notices []seatwright.Notice, err error) {
	err = s.each(ctx, func(r row) { notices = append(notices, noticeOf(organization, r)) }, `SELECT `+noticeColumns+` FROM notices n
		WHERE n.organization = `+numberOf+` AND ($2::int8 = 0 OR n.sequence < $2) AND (NOT $3::bool OR n.standing) ORDER BY n.sequence DESC LIMIT $4`,
		string(organization), q.Before, q.Standing, int64(q.Top))
	return notices, err
}
