package licensing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Clock does what is due without anybody calling: it has totals follow their purchases and tells of ends and of pools that run low.
// Every node has one. What is due is asked of the store and decided again in the command, so that it is done once whoever
// comes first, also after a restart.
type Clock struct {
	reader ClockReader
	ledger *ledger.Ledger
	now    func() time.Time
	log    *slog.Logger

	aligned string // the purchases of the host, and where in their lives they were, when distributions were last aligned
}

// ClockReader tells what is due.
type ClockReader interface {
	seatwright.NoticeReader
	seatwright.LeaseReader
	seatwright.DistributionReader
	seatwright.UnitReader
}

// NewClock makes the clock over a reader and the ledger of the same store. now says when it is worth to look at what is distributed; the
// store's own clock decides.
func NewClock(reader ClockReader, ledger *ledger.Ledger, now func() time.Time, log *slog.Logger) *Clock {
	return &Clock{reader: reader, ledger: ledger, now: now, log: log}
}

// Run sweeps at every tick until ctx ends. What goes wrong is logged, and due again at the next tick.
func (c *Clock) Run(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			c.Tick(ctx)
		}
	}
}

// Tick sweeps once and logs what went wrong.
func (c *Clock) Tick(ctx context.Context) {
	if err := c.Sweep(ctx); err != nil && ctx.Err() == nil {
		c.log.WarnContext(ctx, "not everything that is due could be done", "error", err)
	}
}

// leasesPerRound are how many people's leases are looked up at once: the question may read all of them.
const leasesPerRound = 10_000

// roundsPerSweep bounds a sweep: what is left is due again at the next tick.
const roundsPerSweep = 100

// Sweep does everything that is due now. What cannot be done of one organization does not keep the others from it; the error joins
// what went wrong.
func (c *Clock) Sweep(ctx context.Context) error {
	return errors.Join(c.rounds(ctx, c.refreshPools), c.alignDistributions(ctx), c.rounds(ctx, c.sweepLeases), c.rounds(ctx, c.sweepUnits), c.rounds(ctx, c.tellNotices))
}

// alignDistributions has what the host distributes last as long as its licenses, where these have changed, begun or ended.
func (c *Clock) alignDistributions(ctx context.Context) error {
	license, err := c.reader.AccountLicense(ctx, seatwright.HostID)
	if err != nil {
		return err
	}
	seen, now := "", c.now()
	for _, lot := range license.Lots {
		seen += fmt.Sprintf("%s %s %s %s\n", lot.ID, lot.Start, lot.Expiry(), lot.State(now))
	}
	if seen == c.aligned {
		return nil
	}
	if err := align(ctx, c.reader, c.ledger); err != nil {
		return err
	}
	c.aligned = seen
	return nil
}

// sweepLeases ends leases that nobody uses, and forgets what ended with a rule.
func (c *Clock) sweepLeases(ctx context.Context) (found, done int, err error) {
	due, err := c.reader.SweepableLeases(ctx, leasesPerRound)
	if err != nil {
		return 0, 0, err
	}
	for id, users := range due {
		found += len(users)
		for some := range slices.Chunk(users, seatwright.MaxSweep) {
			n, refusal := ledger.Submit(ctx, c.ledger, seatwright.SystemCaller("clock").Origin(), seatwright.SweepLeases{Organization: id, Users: some})
			if refusal != nil {
				err = errors.Join(err, fmt.Errorf("organization %s: %w", id, refusal))
			}
			done += n
		}
	}
	if found < leasesPerRound {
		found = 0 // there is no more
	}
	return found, done, err
}

// sweepUnits ends leases of units that were not renewed, and periods of consumables that are over.
func (c *Clock) sweepUnits(ctx context.Context) (found, done int, err error) {
	due, err := c.reader.SweepableUnits(ctx, seatwright.MaxSweep)
	if err != nil {
		return 0, 0, err
	}
	for _, pool := range due { // one by one: each may end many
		n, refusal := ledger.Submit(ctx, c.ledger, seatwright.SystemCaller("clock").Origin(), seatwright.SweepUnits{
			Organization: pool.Organization, Codes: []seatwright.ProductCode{pool.Code},
		})
		if refusal != nil {
			err = errors.Join(err, fmt.Errorf("organization %s: %w", pool.Organization, refusal))
		}
		if done += n; n >= seatwright.MaxPastUnits {
			found = seatwright.MaxSweep // there is more
		}
	}
	return max(found, len(due)), done, err
}

// rounds repeats a step for as long as there is more to do than it could take at once, and it gets on.
func (c *Clock) rounds(ctx context.Context, step func(context.Context) (found, done int, err error)) error {
	for range roundsPerSweep {
		found, done, err := step(ctx)
		if err != nil || found < seatwright.MaxSweep || done == 0 {
			return err
		}
	}
	return nil
}

func (c *Clock) refreshPools(ctx context.Context) (found, done int, err error) {
	stale, err := c.reader.StalePools(ctx, seatwright.MaxSweep)
	if err != nil {
		return 0, 0, err
	}
	byOrganization := map[seatwright.OrganizationID][]seatwright.ProductCode{}
	for _, pool := range stale {
		byOrganization[pool.Organization] = append(byOrganization[pool.Organization], pool.Code)
	}
	done, err = submitEach(ctx, c, byOrganization, func(id seatwright.OrganizationID, codes []seatwright.ProductCode) seatwright.Command[int] {
		return seatwright.RefreshPools{Organization: id, Codes: codes}
	})
	return len(stale), done, err
}

func (c *Clock) tellNotices(ctx context.Context) (found, done int, err error) {
	due, err := c.reader.DueNotices(ctx, seatwright.MaxSweep)
	if err != nil {
		return 0, 0, err
	}
	byOrganization := map[seatwright.OrganizationID][]seatwright.DueNotice{}
	for _, d := range due {
		byOrganization[d.Organization] = append(byOrganization[d.Organization], d)
	}
	done, err = submitEach(ctx, c, byOrganization, func(id seatwright.OrganizationID, due []seatwright.DueNotice) seatwright.Command[int] {
		return seatwright.TellNotices{Organization: id, Due: due}
	})
	return len(due), done, err
}

// submitEach submits one command for each organization and sums what they have done.
func submitEach[D any](
	ctx context.Context, c *Clock, byOrganization map[seatwright.OrganizationID][]D, command func(seatwright.OrganizationID, []D) seatwright.Command[int],
) (done int, err error) {
	for id, due := range byOrganization {
		n, refusal := ledger.Submit(ctx, c.ledger, seatwright.SystemCaller("clock").Origin(), command(id, due))
		if refusal != nil {
			err = errors.Join(err, fmt.Errorf("organization %s: %w", id, refusal))
		}
		done += n
	}
	return done, err
}
