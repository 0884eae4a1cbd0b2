package seatwright

import "context"

// UnitLeaseQuery asks for leases of units that are held; consumptions are not among them.
type UnitLeaseQuery struct {
	MadeBy string        // an actor; empty: whoever
	IDs    []UnitLeaseID // empty: all
	Most   int
}

// UnitReader tells what services use. What has ended by itself does not count, swept or not.
type UnitReader interface {
	// UnitLease finds a lease or a consumption that counts now.
	UnitLease(ctx context.Context, organization OrganizationID, ref UnitLeaseRef) (UnitLease, error)
	// UnitLeases lists leases in the order of tenant, service, code and id. It may read every lease of the organization.
	UnitLeases(ctx context.Context, organization OrganizationID, q UnitLeaseQuery) ([]UnitLease, error)
	// SweepableUnits lists products of which leases or periods have ended and are still stored, at most so many.
	SweepableUnits(ctx context.Context, most int) ([]PoolRef, error)
	// UsageDays lists what was used on the days from one to another, in the order of tenant, service, code and day, and of each product of
	// each service the last day before these on which anything changed. A day on which nothing changed is left out.
	UsageDays(ctx context.Context, organization OrganizationID, from, to int64) ([]UsageDay, error)
}
