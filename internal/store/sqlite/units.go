package sqlite

import (
	"context"

	"github.com/seatwright/seatwright"
)

// Leases of units: what a batch loads and writes of them, and what readers ask. The pools of services are in distribution.go.

// columnsOfUnitLease are what unitLeaseOf reads, in its order, behind the key of the service.
const columnsOfUnitLease = `u.id, u.quantity, u.version, u.owner, u.made_by, u.created_at, u.renewed_at, u.period_end`

func unitLeaseOf(organization seatwright.OrganizationID, key seatwright.ServiceKey, r row) seatwright.UnitLease {
	return seatwright.UnitLease{
		Organization: organization, UnitLeaseRef: seatwright.UnitLeaseRef{ServiceKey: key, ID: seatwright.UnitLeaseID(r.text(0))}, Quantity: r.int(1),
		Version: r.int(2), Owner: r.text(3), MadeBy: r.text(4), CreatedAt: r.instant(5), RenewedAt: r.instant(6), PeriodEnd: r.instantOrNever(7),
	}
}

func keyOf(r row) seatwright.ServiceKey {
	return seatwright.ServiceKey{
		PoolScope: seatwright.PoolScope{Tenant: seatwright.TenantID(r.text(0)), Service: seatwright.ServiceType(r.text(1))}, Code: seatwright.ProductCode(r.text(2)),
	}
}

// loadUnits reads the wanted leases with the pools of their services, and what has ended by itself of the wanted products. The pools
// of these codes are loaded behind it.
func (w *writer) loadUnits(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		now := slice.NowIn(t.Organization).UnixMicro()
		for _, ref := range t.UnitLeases {
			err := w.each(func(r row) {
				slice.LoadTaken(t.Organization, seatwright.IDsOfTenants, string(ref.Tenant))
				if !r.null(0) {
					slice.LoadService(serviceOf(t.Organization, r))
				}
				if r = r[columnsInService:]; !r.null(0) {
					slice.LoadUnitLease(unitLeaseOf(t.Organization, ref.ServiceKey, r))
				}
				if r = r[columnsInUnitLease:]; !r.null(0) {
					slice.LoadTerm(t.Organization, ref.ServiceKey, r.instant(0), r.instant(1), r.int(2))
				}
			}, `SELECT `+columnsOfService+`, `+columnsOfUnitLease+`, `+columnsOfTerm+`
				FROM tenants t
				LEFT JOIN service_pools s ON s.organization = ?1 AND s.tenant_id = ?4 AND s.service = ?5 AND s.code = ?2
				LEFT JOIN unit_leases u ON u.organization = ?1 AND u.tenant_id = ?4 AND u.service = ?5 AND u.code = ?2 AND u.id = ?6
				WHERE t.organization = ?1 AND t.id = ?4`,
				known.number, string(ref.Code), now, string(ref.Tenant), string(ref.Service), string(ref.ID))
			if err != nil {
				return err
			}
		}
		for _, code := range t.PastUnits {
			if err := w.loadPast(slice, t.Organization, known, code, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// columnsInUnitLease are how many.
const columnsInUnitLease = 8

// columnsOfTerm are what LoadTerm takes of an organization ?1, a code ?2, the instant ?3 and a service s; the first is null where no purchase
// is in force.
const columnsOfTerm = `(SELECT min(l.starts_at) FROM lots l WHERE l.organization = ?1 AND l.code = ?2 AND l.starts_at <= ?3 AND l.expires_at > ?3),
	(SELECT max(l.expires_at) FROM lots l WHERE l.organization = ?1 AND l.code = ?2 AND l.starts_at <= ?3 AND l.expires_at > ?3),
	coalesce((SELECT sum(l.quantity) FROM lots l WHERE s.period_end > 0 AND l.organization = ?1 AND l.code = ?2 AND l.starts_at <= ?3 AND l.expires_at > ?3
		AND l.expires_at > s.period_end), 0)`

// loadPast reads what has ended by itself of a product.
func (w *writer) loadPast(
	slice *seatwright.Slice, organization seatwright.OrganizationID, known *recentOrganization, code seatwright.ProductCode, now int64,
) error {
	err := w.each(func(r row) {
		key := keyOf(r)
		slice.LoadUnitLease(unitLeaseOf(organization, key, r[3:]))
		if r = r[3+columnsInUnitLease:]; !r.null(0) {
			slice.LoadService(serviceOf(organization, r))
		}
	}, `SELECT u.tenant_id, u.service, u.code, `+columnsOfUnitLease+`, `+columnsOfService+`
		FROM unit_leases u INDEXED BY unit_leases_by_age
		LEFT JOIN service_pools s ON s.organization = u.organization AND s.tenant_id = u.tenant_id AND s.service = u.service AND s.code = u.code
		WHERE u.organization = ? AND u.code = ? AND u.period_end = 0 AND u.renewed_at <= ? ORDER BY u.renewed_at LIMIT ?`,
		known.number, string(code), now-known.organization.UnitLeaseMinutes*60_000_000, int64(seatwright.MaxPastUnits))
	if err != nil {
		return err
	}
	return w.each(func(r row) {
		p := serviceOf(organization, r)
		slice.LoadService(p)
		if r = r[columnsInService:]; !r.null(0) {
			slice.LoadTerm(organization, p.ServiceKey, r.instant(0), r.instant(1), r.int(2))
		}
	}, `SELECT `+columnsOfService+`, `+columnsOfTerm+`
		FROM service_pools s INDEXED BY service_pools_by_period
		WHERE s.organization = ?1 AND s.code = ?2 AND s.period_end > 0 AND s.period_end <= ?3 LIMIT ?4`,
		known.number, string(code), now, int64(seatwright.MaxPastUnits))
}

// consumptionsPerSweep are how many consumptions whose period has ended, at the service as well, are cleared once a sweepInterval.
const consumptionsPerSweep = 1024

// putUnits writes what became of leases of units, and what was used on the day.
func (w *writer) putUnits(c seatwright.Changes) error {
	for _, u := range c.RemovedUnitLeases {
		err := w.exec(`DELETE FROM unit_leases WHERE organization = ? AND tenant_id = ? AND service = ? AND code = ? AND id = ?`,
			w.numberOf(u.Organization), string(u.Tenant), string(u.Service), string(u.Code), string(u.ID))
		if err != nil {
			return err
		}
	}
	for _, u := range c.UnitLeases {
		err := w.exec(`INSERT INTO unit_leases (organization, tenant_id, service, code, id, quantity, version, owner, made_by, created_at, renewed_at, period_end)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (organization, tenant_id, service, code, id) DO UPDATE SET quantity = excluded.quantity,
				version = excluded.version, owner = excluded.owner, made_by = excluded.made_by, created_at = excluded.created_at,
				renewed_at = excluded.renewed_at, period_end = excluded.period_end`,
			w.numberOf(u.Organization), string(u.Tenant), string(u.Service), string(u.Code), string(u.ID), u.Quantity, u.Version, u.Owner, u.MadeBy,
			u.CreatedAt.UnixMicro(), u.RenewedAt.UnixMicro(), microsOrNever(u.PeriodEnd))
		if err != nil {
			return err
		}
	}
	for _, d := range c.Usage {
		err := w.exec(`INSERT INTO usage_days (organization, tenant_id, service, code, day, peak, last, consumed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (organization, tenant_id, service, code, day) DO UPDATE SET peak = max(peak, excluded.peak), last = excluded.last,
				consumed = consumed + excluded.consumed`,
			w.numberOf(d.Organization), string(d.Tenant), string(d.Service), string(d.Code), d.Day, d.Peak, d.Last, d.Consumed)
		if err != nil {
			return err
		}
	}
	if len(c.UnitLeases) == 0 || c.Now.Sub(w.unitsSweptAt) < sweepInterval {
		return nil
	}
	w.unitsSweptAt = c.Now
	return w.exec(`DELETE FROM unit_leases WHERE (organization, tenant_id, service, code, id) IN (
		SELECT u.organization, u.tenant_id, u.service, u.code, u.id FROM unit_leases u INDEXED BY unit_leases_by_period
		WHERE u.period_end > 0 AND u.period_end <= ? AND NOT EXISTS (SELECT 1 FROM service_pools s WHERE s.organization = u.organization
			AND s.tenant_id = u.tenant_id AND s.service = u.service AND s.code = u.code AND s.period_end = u.period_end) LIMIT ?)`, c.Now.Add(-seatwright.KeepConsumptions).UnixMicro(), int64(consumptionsPerSweep))
}

// holding is the condition that a lease u of an organization o counts at ?1.
const holding = `(u.period_end > ?1 OR u.period_end = 0 AND u.renewed_at > ?1 - o.unit_lease_minutes * 60000000)`

// UnitLease implements seatwright.UnitReader.
func (s *Store) UnitLease(
	ctx context.Context, organization seatwright.OrganizationID, ref seatwright.UnitLeaseRef,
) (lease seatwright.UnitLease, err error) {
	err = s.one(ctx, seatwright.MissingUnitLease(), func(r row) { lease = unitLeaseOf(organization, ref.ServiceKey, r) },
		`SELECT `+columnsOfUnitLease+` FROM organizations o CROSS JOIN unit_leases u ON u.organization = o.number
		WHERE o.id = ?2 AND u.tenant_id = ?3 AND u.service = ?4 AND u.code = ?5 AND u.id = ?6 AND `+holding,
		s.clock().UnixMicro(), string(organization), string(ref.Tenant), string(ref.Service), string(ref.Code), string(ref.ID))
	return lease, err
}

// UnitLeases implements seatwright.UnitReader.
func (s *Store) UnitLeases(
	ctx context.Context, organization seatwright.OrganizationID, q seatwright.UnitLeaseQuery,
) (leases []seatwright.UnitLease, err error) {
	from := `organizations o CROSS JOIN json_each(?4) wanted CROSS JOIN unit_leases u INDEXED BY unit_leases_by_id ON u.organization = o.number AND u.id = wanted.value`
	if len(q.IDs) == 0 {
		from = `organizations o CROSS JOIN unit_leases u ON u.organization = o.number AND ?4 = '[]'`
	}
	err = s.each(ctx, func(r row) { leases = append(leases, unitLeaseOf(organization, keyOf(r), r[3:])) },
		`SELECT u.tenant_id, u.service, u.code, `+columnsOfUnitLease+` FROM `+from+`
		WHERE o.id = ?2 AND `+holding+` AND u.period_end = 0 AND (?3 = '' OR u.made_by = ?3)
		ORDER BY u.tenant_id, u.service, u.code, u.id LIMIT ?5`,
		s.clock().UnixMicro(), string(organization), q.MadeBy, jsonArray(q.IDs), int64(q.Most))
	return leases, err
}

// SweepableUnits implements seatwright.UnitReader.
func (s *Store) SweepableUnits(ctx context.Context, most int) ([]seatwright.PoolRef, error) {
	var found []seatwright.PoolRef
	err := s.each(ctx, func(r row) {
		found = append(found, seatwright.PoolRef{Organization: seatwright.OrganizationID(r.text(0)), Code: seatwright.ProductCode(r.text(1))})
	}, `SELECT o.id, p.code FROM organizations o CROSS JOIN pools p ON p.organization = o.number
		WHERE EXISTS (SELECT 1 FROM unit_leases u INDEXED BY unit_leases_by_age WHERE u.organization = o.number AND u.code = p.code AND u.period_end = 0
				AND u.renewed_at <= ?1 - o.unit_lease_minutes * 60000000)
			OR EXISTS (SELECT 1 FROM service_pools s INDEXED BY service_pools_by_period WHERE s.organization = o.number AND s.code = p.code AND s.period_end > 0
				AND s.period_end <= ?1)
		ORDER BY o.id, p.code LIMIT ?2`, s.clock().UnixMicro(), int64(most))
	return found, err
}

// UsageDays implements seatwright.UnitReader.
func (s *Store) UsageDays(
	ctx context.Context, organization seatwright.OrganizationID, from, to int64,
) (days []seatwright.UsageDay, err error) {
	err = s.each(ctx, func(r row) {
		days = append(days, seatwright.UsageDay{
			Organization: organization, ServiceKey: keyOf(r), Day: r.int(3), Peak: r.int(4), Last: r.int(5), Consumed: r.int(6),
		})
	}, `SELECT d.tenant_id, d.service, d.code, d.day, d.peak, d.last, d.consumed FROM organizations o CROSS JOIN usage_days d ON d.organization = o.number
		WHERE o.id = ?1 AND d.day BETWEEN ?2 AND ?3
		UNION ALL
		SELECT d.tenant_id, d.service, d.code, max(d.day), d.peak, d.last, d.consumed FROM organizations o CROSS JOIN usage_days d ON d.organization = o.number
		WHERE o.id = ?1 AND d.day < ?2 GROUP BY d.tenant_id, d.service, d.code
		ORDER BY 1, 2, 3, 4`, string(organization), from, to) // the columns beside max are of its row
	return days, err
}
