package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright"
)

// followPause is how long a node waits before it listens again after it has lost the connection.
const followPause = 250 * time.Millisecond

// Follow implements seatwright.Feed.
func (s *Store) Follow(ctx context.Context, heard func(organization seatwright.OrganizationID, sequence int64)) {
	for ctx.Err() == nil {
		_ = s.listen(ctx, heard) // whatever ended it: what is missed until the next time is told as such
		select {
		case <-ctx.Done():
		case <-time.After(followPause):
		}
	}
}

func (s *Store) listen(ctx context.Context, heard func(seatwright.OrganizationID, int64)) error {
	dial, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	conn, err := pgx.ConnectConfig(dial, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(background) //nolint:errcheck // it has listened, and nothing is to be kept
	if _, err := conn.Exec(dial, `LISTEN `+Channel); err != nil {
		return err
	}
	heard("", 0) // from here on nothing is missed
	for {
		notice, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		for word := range strings.FieldsSeq(notice.Payload) {
			id, number, told := strings.Cut(word, "=")
			sequence, err := strconv.ParseInt(number, 10, 64)
			if !told || err != nil {
				heard("", 0)
				break
			}
			heard(seatwright.OrganizationID(id), sequence)
		}
	}
}

// Sequences implements seatwright.Feed. The instant of a server's start is its name: no two servers that follow each other have the same.
func (s *Store) Sequences(ctx context.Context, organizations []seatwright.OrganizationID) (map[seatwright.OrganizationID]int64, string, error) {
	found, server := make(map[seatwright.OrganizationID]int64, len(organizations)), ""
	err := s.each(ctx, func(r row) {
		server = r.text(0)
		if id := r.text(1); id != "" {
			found[seatwright.OrganizationID(id)] = r.int(2)
		}
	}, `SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::int8::text, coalesce(o.id, ''), coalesce(h.sequence, 0)
		FROM (VALUES (0)) AS always LEFT JOIN (organizations o JOIN heads h ON h.organization = o.number) ON o.id = ANY($1::text[])`, texts(organizations))
	return found, server, err
}
