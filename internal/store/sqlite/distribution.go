package sqlite

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
)

// Lots, and the pools of tenants' services: what a batch loads and writes of them, and what readers ask.

// columnsOfLot are what lotOf reads, in its order.
const columnsOfLot = `l.id, l.quantity, l.starts_at, l.ends_at, l.grace_seconds, l.order_text, l.created_at, l.origin`

func lotOf(organization seatwright.OrganizationID, code seatwright.ProductCode, r row) seatwright.Lot {
	return seatwright.Lot{
		Organization: organization, ID: seatwright.LotID(r.text(0)), Code: code, Quantity: r.int(1), Start: r.instant(2), End: r.instant(3),
		Grace: r.seconds(4), Order: r.text(5), CreatedAt: r.instant(6), Origin: seatwright.LotOrigin(r.text(7)),
	}
}

// columnsOfService are what serviceOf reads, in its order.
const columnsOfService = `s.tenant_id, s.service, s.code, s.quantity, s.used, s.drawn, s.period_start, s.period_end, s.carried`

// columnsInService are how many.
const columnsInService = 9

func serviceOf(organization seatwright.OrganizationID, r row) seatwright.ServicePool {
	return seatwright.ServicePool{
		Organization: organization, ServiceKey: seatwright.ServiceKey{
			PoolScope: seatwright.PoolScope{Tenant: seatwright.TenantID(r.text(0)), Service: seatwright.ServiceType(r.text(1))},
			Code:      seatwright.ProductCode(r.text(2)),
		}, Quantity: r.int(3), Used: r.int(4), Drawn: r.int(5), PeriodStart: r.instantOrNever(6), PeriodEnd: r.instantOrNever(7), Carried: r.int(8),
	}
}

// loadServices reads what the wanted services have. The pools of these codes are loaded behind it.
func (w *writer) loadServices(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		for _, scope := range t.Services {
			err := w.each(func(r row) { slice.LoadService(serviceOf(t.Organization, r)) }, `SELECT `+columnsOfService+`
				FROM service_pools s WHERE s.organization = ?1 AND s.tenant_id = ?2 AND (s.service = ?3 OR ?3 = '')`,
				known.number, string(scope.Tenant), string(scope.Service))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// allCodes lists the codes of all pools of an organization.
func (w *writer) allCodes(number int64) (codes []seatwright.ProductCode, err error) {
	err = w.each(func(r row) { codes = append(codes, seatwright.ProductCode(r.text(0))) }, `SELECT code FROM pools WHERE organization = ?`, number)
	return codes, err
}

// putLots writes what became of lots; those that are gone go first.
func (w *writer) putLots(c seatwright.Changes) error {
	for _, l := range c.RemovedLots {
		err := w.exec(`DELETE FROM lots WHERE organization = ? AND code = ? AND id = ?`, w.numberOf(l.Organization), string(l.Code), string(l.ID))
		if err != nil {
			return err
		}
	}
	for _, l := range c.ChangedLots {
		err := w.exec(`UPDATE lots SET quantity = ?4, starts_at = ?5, ends_at = ?6, grace_seconds = ?7, expires_at = ?8, order_text = ?9,
				created_at = ?10, origin = ?11 WHERE organization = ?1 AND code = ?2 AND id = ?3`,
			w.numberOf(l.Organization), string(l.Code), string(l.ID), l.Quantity, l.Start.UnixMicro(), l.End.UnixMicro(),
			int64(l.Grace/time.Second), l.Expiry().UnixMicro(), l.Order, l.CreatedAt.UnixMicro(), string(l.Origin))
		if err != nil {
			return err
		}
	}
	for _, l := range c.Lots {
		err := w.exec(`INSERT INTO lots (organization, code, id, quantity, starts_at, ends_at, grace_seconds, expires_at, order_text, created_at, origin)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.numberOf(l.Organization), string(l.Code), string(l.ID), l.Quantity, l.Start.UnixMicro(), l.End.UnixMicro(),
			int64(l.Grace/time.Second), l.Expiry().UnixMicro(), l.Order, l.CreatedAt.UnixMicro(), string(l.Origin))
		if err != nil {
			return err
		}
	}
	return nil
}

// putServices writes what services have.
func (w *writer) putServices(c seatwright.Changes) error {
	for _, p := range c.RemovedServicePools {
		err := w.exec(`DELETE FROM service_pools WHERE organization = ? AND tenant_id = ? AND service = ? AND code = ?`,
			w.numberOf(p.Organization), string(p.Tenant), string(p.Service), string(p.Code))
		if err != nil {
			return err
		}
	}
	for _, p := range c.ServicePools {
		err := w.put(`UPDATE service_pools SET quantity = ?5, used = ?6, drawn = ?7, period_start = ?8, period_end = ?9, carried = ?10
				WHERE organization = ?1 AND tenant_id = ?2 AND service = ?3 AND code = ?4`,
			`INSERT INTO service_pools (organization, tenant_id, service, code, quantity, used, drawn, period_start, period_end, carried)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.numberOf(p.Organization), string(p.Tenant), string(p.Service), string(p.Code), p.Quantity, p.Used, p.Drawn,
			microsOrNever(p.PeriodStart), microsOrNever(p.PeriodEnd), p.Carried)
		if err != nil {
			return err
		}
	}
	return nil
}

// AccountLicense implements seatwright.DistributionReader.
func (s *Store) AccountLicense(ctx context.Context, organization seatwright.OrganizationID) (seatwright.AccountLicense, error) {
	a := seatwright.AccountLicense{Organization: organization, At: s.clock().UTC().Truncate(time.Microsecond)}
	err := s.each(ctx, func(r row) {
		a.Lots = append(a.Lots, lotOf(organization, seatwright.ProductCode(r.text(8)), r))
	}, `SELECT `+columnsOfLot+`, l.code FROM organizations o CROSS JOIN lots l ON l.organization = o.number WHERE o.id = ? ORDER BY l.code, l.id`,
		string(organization))
	return a, err
}

// ServicePools implements seatwright.DistributionReader. What has ended by itself and was not swept yet is taken away from what is used. The
// term of the purchases is read where a period has ended alone.
func (s *Store) ServicePools(ctx context.Context, organization seatwright.OrganizationID) (pools []seatwright.ServicePool, err error) {
	now := s.clock()
	err = s.each(ctx, func(r row) {
		pool := serviceOf(organization, r)
		pool.Used -= r.int(columnsInService)
		var start, end time.Time
		if r = r[columnsInService+1:]; !r.null(0) {
			start, end = r.instant(0), r.instant(1)
		}
		pools = append(pools, pool.At(now, start, end))
	}, `SELECT `+columnsOfService+`, coalesce((SELECT sum(u.quantity) FROM unit_leases u INDEXED BY unit_leases_by_age
				WHERE u.organization = s.organization AND u.code = s.code AND u.period_end = 0 AND u.renewed_at <= ?2 - o.unit_lease_minutes * 60000000
				AND u.tenant_id = s.tenant_id AND u.service = s.service), 0),
			(SELECT min(l.starts_at) FROM lots l WHERE s.period_end BETWEEN 1 AND ?2 AND l.organization = s.organization AND l.code = s.code
				AND l.starts_at <= ?2 AND l.expires_at > ?2),
			(SELECT max(l.expires_at) FROM lots l WHERE s.period_end BETWEEN 1 AND ?2 AND l.organization = s.organization AND l.code = s.code
				AND l.starts_at <= ?2 AND l.expires_at > ?2)
		FROM organizations o CROSS JOIN service_pools s ON s.organization = o.number WHERE o.id = ?1
		ORDER BY s.tenant_id, s.service, s.code`, string(organization), now.UnixMicro())
	return pools, err
}

// Tenant implements seatwright.DistributionReader.
func (s *Store) Tenant(ctx context.Context, organization seatwright.OrganizationID, id seatwright.TenantID) (t seatwright.Tenant, err error) {
	err = s.one(ctx, seatwright.MissingTenant(), func(r row) {
		t = seatwright.Tenant{Organization: organization, ID: seatwright.TenantID(r.text(0)), Name: r.text(1), CreatedAt: r.instant(2)}
	}, `SELECT t.id, t.name, t.created_at FROM organizations o CROSS JOIN tenants t ON t.organization = o.number WHERE o.id = ? AND t.id = ?`,
		string(organization), string(id))
	return t, err
}

// Tenants implements seatwright.DistributionReader.
func (s *Store) Tenants(ctx context.Context, organization seatwright.OrganizationID) (tenants []seatwright.Tenant, err error) {
	err = s.each(ctx, func(r row) {
		tenants = append(tenants, seatwright.Tenant{Organization: organization, ID: seatwright.TenantID(r.text(0)), Name: r.text(1), CreatedAt: r.instant(2)})
	}, `SELECT t.id, t.name, t.created_at FROM organizations o CROSS JOIN tenants t ON t.organization = o.number WHERE o.id = ? ORDER BY t.id`,
		string(organization))
	return tenants, err
}

// Distributed implements seatwright.DistributionReader.
func (s *Store) Distributed(ctx context.Context) (ids []seatwright.OrganizationID, err error) {
	err = s.each(ctx, func(r row) { ids = append(ids, seatwright.OrganizationID(r.text(0))) }, `SELECT DISTINCT o.id
		FROM lots l CROSS JOIN organizations o ON o.number = l.organization WHERE l.origin = 'host' ORDER BY o.id`)
	return ids, err
}
