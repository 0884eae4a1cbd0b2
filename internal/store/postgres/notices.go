package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seatwright/seatwright"
)

// Channel is where a node tells the others, by NOTIFY, whose chains have grown: organization ids with the sequence of their
// last event, "id=sequence", separated by spaces; or "*" where there were too many to say. A listener that loses its
// connection has to assume the latter. A node that dies between COMMIT and its notice tells nobody: whoever keeps a copy because
// of these notices has to look at the heads now and then as well.
const Channel = "seatwright_changes"

// maxPayload is what PostgreSQL lets a notice carry, in bytes.
const maxPayload = 7999

// notices sends what batches have changed, after COMMIT and on a connection of its own: inside the transaction NOTIFY would
// hold a lock of the whole server until the standby has confirmed. What batches change while one is under way, and for a
// moment after it, is told by the next one.
type notices struct {
	pool    *pgxpool.Pool
	clock   func() time.Time                         // nil: the database's
	changed chan map[seatwright.OrganizationID]int64 // has the heads that are still to be told, if any
	wake    chan struct{}
	cancel  context.CancelFunc
	stopped chan struct{}
}

func startNotices(pool *pgxpool.Pool, clock func() time.Time) *notices {
	ctx, cancel := context.WithCancel(background)
	n := &notices{
		pool: pool, clock: clock, changed: make(chan map[seatwright.OrganizationID]int64, 1), wake: make(chan struct{}, 1), cancel: cancel,
		stopped: make(chan struct{}),
	}
	n.changed <- map[seatwright.OrganizationID]int64{}
	go n.run(ctx)
	return n
}

func (n *notices) add(c seatwright.Changes) {
	if len(c.Heads) == 0 {
		return
	}
	changed := <-n.changed
	for _, h := range c.Heads {
		changed[h.Organization] = max(changed[h.Organization], h.Sequence)
	}
	n.changed <- changed
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// noticePause bounds what notices cost a busy database: one costs as much as writing three commands.
const noticePause = 5 * time.Millisecond

// sweepInterval is how often answers to idempotency keys that nobody may ask for any more are removed, and old sessions.
const sweepInterval = 10 * time.Second

func (n *notices) run(ctx context.Context) {
	defer close(n.stopped)
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			n.tell() // nothing is added any more
			return
		case <-n.wake:
			n.tell()
			select {
			case <-time.After(noticePause):
			case <-ctx.Done():
			}
		case <-sweep.C:
			n.sweep(ctx)
		}
	}
}

// tell tells the others what has changed. One that cannot be told loses its connection as well, and knows.
func (n *notices) tell() {
	changed := <-n.changed
	n.changed <- map[seatwright.OrganizationID]int64{}
	if len(changed) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(background, readTime) // not the end of this node: what it has written is to be told
	defer cancel()
	n.pool.Exec(ctx, `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`, Channel, payload(changed)) //nolint:errcheck // see above
}

func payload(changed map[seatwright.OrganizationID]int64) string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(changed)) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%d", id, changed[id])
		if b.Len() > maxPayload {
			return "*"
		}
	}
	return b.String()
}

// sweep removes expired answers, sessions that were not told of for long, and consumptions that count no more, skipping those that a batch is replacing.
func (n *notices) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	_, _ = n.pool.Exec(ctx, `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY (
		SELECT ctid FROM idempotency_keys WHERE created_at < coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) - $1
		LIMIT 100000 FOR UPDATE SKIP LOCKED))`, seatwright.KeyLife.Microseconds(), microsOf(n.clock)) // comes again
	_, _ = n.pool.Exec(ctx, `DELETE FROM sessions WHERE ctid = ANY (ARRAY (
		SELECT ctid FROM sessions WHERE updated_at < coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) - $1
		LIMIT 10000 FOR UPDATE SKIP LOCKED))`, seatwright.SessionLife.Microseconds(), microsOf(n.clock))
	_, _ = n.pool.Exec(ctx, `DELETE FROM unit_leases WHERE ctid = ANY (ARRAY (
		SELECT u.ctid FROM unit_leases u WHERE u.period_end > 0 AND u.period_end < coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) - $1
			AND NOT EXISTS (SELECT FROM service_pools s WHERE s.organization = u.organization AND s.tenant_id = u.tenant_id AND s.service = u.service
				AND s.code = u.code AND s.period_end = u.period_end)
		LIMIT 10000 FOR UPDATE SKIP LOCKED))`, seatwright.KeepConsumptions.Microseconds(), microsOf(n.clock))
}

// microsOf is the time of a clock that is not the database's, nil for the database's.
func microsOf(clock func() time.Time) *int64 {
	if clock == nil {
		return nil
	}
	micros := clock().UnixMicro()
	return &micros
}

func (n *notices) stop() {
	n.cancel()
	<-n.stopped
}
