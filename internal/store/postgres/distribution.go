package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/seatwright/seatwright"
)

// Lots, and the pools of tenants' services: what a batch loads and writes of them, and what readers ask.

const (
	lotColumns     = `l.id, l.quantity, l.starts_at, l.ends_at, l.grace_seconds, l.order_text, l.created_at, l.origin`      // as lotOf reads them
	serviceColumns = `s.tenant_id, s.service, s.code, s.quantity, s.used, s.drawn, s.period_start, s.period_end, s.carried` // as serviceOf does
)

func lotOf(organization seatwright.OrganizationID, code seatwright.ProductCode, r row) seatwright.Lot {
	return seatwright.Lot{
		Organization: organization, ID: seatwright.LotID(r.text(0)), Code: code, Quantity: r.int(1), Start: r.instant(2), End: r.instant(3),
		Grace: r.seconds(4), Order: r.text(5), CreatedAt: r.instant(6), Origin: seatwright.LotOrigin(r.text(7)),
	}
}

func serviceOf(organization seatwright.OrganizationID, r row) seatwright.ServicePool {
	return seatwright.ServicePool{
		Organization: organization, ServiceKey: seatwright.ServiceKey{
			PoolScope: seatwright.PoolScope{Tenant: seatwright.TenantID(r.text(0)), Service: seatwright.ServiceType(r.text(1))},
			Code:      seatwright.ProductCode(r.text(2)),
		}, Quantity: r.int(3), Used: r.int(4), Drawn: r.int(5), PeriodStart: r.instantOrNever(6), PeriodEnd: r.instantOrNever(7), Carried: r.int(8),
	}
}

var (
	loadLots = newStatement(`SELECT `+lotColumns+`, w.n
		FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, code, n)
		JOIN lots l ON l.organization = w.organization AND l.code = w.code
		ORDER BY w.n, l.id`, oidInt4, oidText)
	insertLots = newStatement(`INSERT INTO lots (organization, code, id, quantity, starts_at, ends_at, grace_seconds, expires_at, order_text,
			created_at, origin)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::text[],
			$10::int8[], $11::text[])`, columnsOfLot...)
	updateLots = newStatement(`UPDATE lots l SET quantity = w.quantity, starts_at = w.starts_at, ends_at = w.ends_at,
			grace_seconds = w.grace_seconds, expires_at = w.expires_at, order_text = w.order_text, created_at = w.created_at, origin = w.origin
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::text[],
			$10::int8[], $11::text[]) w (organization, code, id, quantity, starts_at, ends_at, grace_seconds, expires_at, order_text, created_at, origin)
		WHERE l.organization = w.organization AND l.code = w.code AND l.id = w.id`, columnsOfLot...)
	deleteLots = newStatement(`DELETE FROM lots l USING unnest($1::int4[], $2::text[], $3::text[]) w (organization, code, id)
		WHERE l.organization = w.organization AND l.code = w.code AND l.id = w.id`, oidInt4, oidText, oidText)

	loadServices = newStatement(`SELECT `+serviceColumns+`, w.n
		FROM unnest($1::int4[], $2::text[], $3::text[]) WITH ORDINALITY w (organization, tenant_id, service, n)
		JOIN service_pools s ON s.organization = w.organization AND s.tenant_id = w.tenant_id AND (s.service = w.service OR w.service = '')`,
		oidInt4, oidText, oidText)
	putServices = newStatement(`INSERT INTO service_pools (organization, tenant_id, service, code, quantity, used, drawn, period_start, period_end, carried)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[])
		ON CONFLICT (organization, tenant_id, service, code) DO UPDATE SET quantity = excluded.quantity, used = excluded.used,
			drawn = excluded.drawn, period_start = excluded.period_start, period_end = excluded.period_end, carried = excluded.carried`,
		oidInt4, oidText, oidText, oidText, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8)
	deleteServices = newStatement(`DELETE FROM service_pools s USING unnest($1::int4[], $2::text[], $3::text[], $4::text[])
			w (organization, tenant_id, service, code)
		WHERE s.organization = w.organization AND s.tenant_id = w.tenant_id AND s.service = w.service AND s.code = w.code`,
		oidInt4, oidText, oidText, oidText)
)

var columnsOfLot = []uint32{oidInt4, oidText, oidText, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8, oidText, oidInt8, oidText}

// loadServices reads what the wanted services have, if there are any. The pools of these codes are put into the slice behind it.
func (b *batch) loadServices() error {
	type wanted struct {
		place *place
		scope seatwright.PoolScope
	}
	var all []wanted
	for i := range b.places {
		for _, scope := range b.places[i].Services {
			all = append(all, wanted{&b.places[i], scope})
		}
	}
	if len(all) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	o.rows(loadServices, len(all), func(i int, to []*array) {
		to[0].int4(all[i].place.number)
		to[1].text(string(all[i].scope.Tenant))
		to[2].text(string(all[i].scope.Service))
	})
	if err := o.flush(loadTime); err != nil {
		return err
	}
	err := o.each(func(r row) { b.slice.LoadService(serviceOf(all[r.int(columnsInService)-1].place.Organization, r)) })
	return errors.Join(err, o.end())
}

// lots sends what became of lots; those that are gone go first.
func (o *output) lots(c seatwright.Changes) {
	key := func(l *seatwright.Lot, to []*array) {
		to[0].int4(o.number(l.Organization))
		to[1].text(string(l.Code))
		to[2].text(string(l.ID))
	}
	whole := func(l *seatwright.Lot, to []*array) {
		key(l, to)
		to[3].int8(l.Quantity)
		to[4].instant(l.Start)
		to[5].instant(l.End)
		to[6].int8(int64(l.Grace.Seconds()))
		to[7].instant(l.Expiry())
		to[8].text(l.Order)
		to[9].instant(l.CreatedAt)
		to[10].text(string(l.Origin))
	}
	o.rows(deleteLots, len(c.RemovedLots), func(i int, to []*array) { key(&c.RemovedLots[i], to) })
	o.rows(updateLots, len(c.ChangedLots), func(i int, to []*array) { whole(&c.ChangedLots[i], to) })
	o.rows(insertLots, len(c.Lots), func(i int, to []*array) { whole(&c.Lots[i], to) })
}

// services sends what services have.
func (o *output) services(c seatwright.Changes) {
	key := func(p *seatwright.ServicePool, to []*array) {
		to[0].int4(o.number(p.Organization))
		to[1].text(string(p.Tenant))
		to[2].text(string(p.Service))
		to[3].text(string(p.Code))
	}
	o.rows(deleteServices, len(c.RemovedServicePools), func(i int, to []*array) { key(&c.RemovedServicePools[i], to) })
	o.rows(putServices, len(c.ServicePools), func(i int, to []*array) {
		key(&c.ServicePools[i], to)
		to[4].int8(c.ServicePools[i].Quantity)
		to[5].int8(c.ServicePools[i].Used)
		to[6].int8(c.ServicePools[i].Drawn)
		to[7].instantOrNever(c.ServicePools[i].PeriodStart)
		to[8].instantOrNever(c.ServicePools[i].PeriodEnd)
		to[9].int8(c.ServicePools[i].Carried)
	})
}

// AccountLicense implements seatwright.DistributionReader. The instant stands in every row, and in one without a lot where there
// is none.
func (s *Store) AccountLicense(ctx context.Context, organization seatwright.OrganizationID) (seatwright.AccountLicense, error) {
	a := seatwright.AccountLicense{Organization: organization}
	err := s.each(ctx, func(r row) {
		a.At = r.instant(9)
		if !r.null(0) {
			a.Lots = append(a.Lots, lotOf(organization, seatwright.ProductCode(r.text(8)), r))
		}
	}, `WITH clock AS MATERIALIZED (SELECT coalesce($2::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) AS now)
		SELECT `+lotColumns+`, l.code, clock.now FROM clock LEFT JOIN lots l ON l.organization = `+numberOf+` ORDER BY l.code, l.id`,
		string(organization), microsOf(s.clock))
	return a, err
}

// ServicePools implements seatwright.DistributionReader. What has ended by itself and was not swept yet is taken away from what is used. The
// term of the purchases is read where a period has ended alone.
func (s *Store) ServicePools(ctx context.Context, organization seatwright.OrganizationID) (pools []seatwright.ServicePool, err error) {
	err = s.each(ctx, func(r row) {
		pool := serviceOf(organization, r)
		pool.Used -= r.int(columnsInService)
		now := r.instant(columnsInService + 1)
		var start, end time.Time
		if r = r[columnsInService+2:]; !r.null(0) {
			start, end = r.instant(0), r.instant(1)
		}
		pools = append(pools, pool.At(now, start, end))
	}, `WITH clock AS MATERIALIZED (SELECT `+nowOf+` AS now)
		SELECT `+serviceColumns+`, coalesce((SELECT sum(u.quantity)::int8 FROM unit_leases u
				WHERE u.organization = s.organization AND u.code = s.code AND u.period_end = 0 AND u.renewed_at <= clock.now - o.unit_lease_minutes * 60000000
				AND u.tenant_id = s.tenant_id AND u.service = s.service), 0)::int8, clock.now, l.starts_at, l.expires_at
		FROM clock CROSS JOIN organizations o JOIN service_pools s ON s.organization = o.number
		LEFT JOIN LATERAL (SELECT min(l.starts_at) AS starts_at, max(l.expires_at) AS expires_at FROM lots l WHERE s.period_end BETWEEN 1 AND clock.now
			AND l.organization = s.organization AND l.code = s.code AND l.starts_at <= clock.now AND l.expires_at > clock.now) l ON true
		WHERE o.id = $2 ORDER BY s.tenant_id, s.service, s.code`, microsOf(s.clock), string(organization))
	return pools, err
}

// Tenant implements seatwright.DistributionReader.
func (s *Store) Tenant(ctx context.Context, organization seatwright.OrganizationID, id seatwright.TenantID) (t seatwright.Tenant, err error) {
	err = s.one(ctx, seatwright.MissingTenant(), func(r row) {
		t = seatwright.Tenant{Organization: organization, ID: seatwright.TenantID(r.text(0)), Name: r.text(1), CreatedAt: r.instant(2)}
	}, `SELECT id, name, created_at FROM tenants WHERE organization = `+numberOf+` AND id = $2`, string(organization), string(id))
	return t, err
}

// Tenants implements seatwright.DistributionReader.
func (s *Store) Tenants(ctx context.Context, organization seatwright.OrganizationID) (tenants []seatwright.Tenant, err error) {
	err = s.each(ctx, func(r row) {
		tenants = append(tenants, seatwright.Tenant{Organization: organization, ID: seatwright.TenantID(r.text(0)), Name: r.text(1), CreatedAt: r.instant(2)})
	}, `SELECT id, name, created_at FROM tenants WHERE organization = `+numberOf+` ORDER BY id`, string(organization))
	return tenants, err
}

// Distributed implements seatwright.DistributionReader.
func (s *Store) Distributed(ctx context.Context) (ids []seatwright.OrganizationID, err error) {
	err = s.each(ctx, func(r row) { ids = append(ids, seatwright.OrganizationID(r.text(0))) }, `SELECT DISTINCT o.id COLLATE "C" AS id
		FROM lots l JOIN organizations o ON o.number = l.organization WHERE l.origin = 'host' ORDER BY id`)
	return ids, err
}
