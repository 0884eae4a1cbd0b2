package postgres

import (
	"context"

	"github.com/seatwright/seatwright"
)

// Leases of units: what a batch loads and writes of them, and what readers ask. The pools of services are in distribution.go.

const (
	unitLeaseColumns = `u.id, u.quantity, u.version, u.owner, u.made_by, u.created_at, u.renewed_at, u.period_end` // as unitLeaseOf reads them

	// columnsInService and columnsInUnitLease are how many there are.
	columnsInService   = 9
	columnsInUnitLease = 8
)

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

var (
	// One row for each wanted lease whose tenant exists. LATERAL … LIMIT 1 leaves the planner only the lookup by key.
	loadUnitLeases = newStatement(`SELECT w.n, `+serviceColumns+`, `+unitLeaseColumns+`, l.starts_at, l.expires_at, l.lasting
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY w (organization, tenant_id, service, code, id, n)
		JOIN heads h ON h.organization = w.organization
		JOIN tenants t ON t.organization = w.organization AND t.id = w.tenant_id
		CROSS JOIN LATERAL (SELECT greatest(h.at, coalesce($6::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8)) AS now) i
		LEFT JOIN LATERAL (SELECT * FROM service_pools s WHERE s.organization = w.organization AND s.tenant_id = w.tenant_id AND s.service = w.service
			AND s.code = w.code LIMIT 1) s ON true
		LEFT JOIN LATERAL (SELECT * FROM unit_leases u WHERE u.organization = w.organization AND u.tenant_id = w.tenant_id AND u.service = w.service
			AND u.code = w.code AND u.id = w.id LIMIT 1) u ON true
		LEFT JOIN LATERAL (SELECT min(l.starts_at) AS starts_at, max(l.expires_at) AS expires_at,
				coalesce(sum(l.quantity) FILTER (WHERE s.period_end > 0 AND l.expires_at > s.period_end), 0)::int8 AS lasting
			FROM lots l WHERE l.organization = w.organization AND l.code = w.code AND l.starts_at <= i.now AND l.expires_at > i.now) l ON true`,
		oidInt4, oidText, oidText, oidText, oidText)
	// The clock of the batch is read behind this, so a second more is read: decisions look again. The purchases are read as they are now: where one
	// begins or ends before that clock, the pool is stale and its lots are loaded.
	loadPastUnits = newStatement(`SELECT w.n, u.tenant_id, u.service, u.code, `+unitLeaseColumns+`, `+serviceColumns+`
		FROM unnest($1::int4[], $2::text[], $3::int8[]) WITH ORDINALITY w (organization, code, most, n)
		JOIN heads h ON h.organization = w.organization
		JOIN organizations o ON o.number = w.organization
		CROSS JOIN LATERAL (SELECT greatest(h.at, coalesce($4::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8)) + 1000000 AS now) i
		CROSS JOIN LATERAL (SELECT * FROM unit_leases u WHERE u.organization = w.organization AND u.code = w.code AND u.period_end = 0
			AND u.renewed_at <= i.now - o.unit_lease_minutes * 60000000 ORDER BY u.renewed_at LIMIT w.most) u
		LEFT JOIN service_pools s ON s.organization = u.organization AND s.tenant_id = u.tenant_id AND s.service = u.service AND s.code = u.code`,
		oidInt4, oidText, oidInt8)
	loadPastPeriods = newStatement(`SELECT w.n, `+serviceColumns+`, l.starts_at, l.expires_at, l.lasting
		FROM unnest($1::int4[], $2::text[], $3::int8[]) WITH ORDINALITY w (organization, code, most, n)
		JOIN heads h ON h.organization = w.organization
		CROSS JOIN LATERAL (SELECT greatest(h.at, coalesce($4::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8)) + 1000000 AS now) i
		CROSS JOIN LATERAL (SELECT * FROM service_pools s WHERE s.organization = w.organization AND s.code = w.code AND s.period_end > 0
			AND s.period_end <= i.now LIMIT w.most) s
		LEFT JOIN LATERAL (SELECT min(l.starts_at) AS starts_at, max(l.expires_at) AS expires_at,
				coalesce(sum(l.quantity) FILTER (WHERE l.expires_at > s.period_end), 0)::int8 AS lasting
			FROM lots l WHERE l.organization = w.organization AND l.code = w.code AND l.starts_at <= i.now - 1000000 AND l.expires_at > i.now - 1000000) l ON true`,
		oidInt4, oidText, oidInt8)

	deleteUnitLeases = newStatement(`DELETE FROM unit_leases u USING unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[])
			w (organization, tenant_id, service, code, id)
		WHERE u.organization = w.organization AND u.tenant_id = w.tenant_id AND u.service = w.service AND u.code = w.code AND u.id = w.id`,
		oidInt4, oidText, oidText, oidText, oidText)
	putUnitLeases = newStatement(`INSERT INTO unit_leases (organization, tenant_id, service, code, id, quantity, version, owner, made_by, created_at,
			renewed_at, period_end)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::text[], $9::text[], $10::int8[],
			$11::int8[], $12::int8[])
		ON CONFLICT (organization, tenant_id, service, code, id) DO UPDATE SET quantity = excluded.quantity, version = excluded.version,
			owner = excluded.owner, made_by = excluded.made_by, created_at = excluded.created_at, renewed_at = excluded.renewed_at,
			period_end = excluded.period_end`,
		oidInt4, oidText, oidText, oidText, oidText, oidInt8, oidInt8, oidText, oidText, oidInt8, oidInt8, oidInt8)
	putUsage = newStatement(`INSERT INTO usage_days AS d (organization, tenant_id, service, code, day, peak, last, consumed)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[])
		ON CONFLICT (organization, tenant_id, service, code, day) DO UPDATE SET peak = greatest(d.peak, excluded.peak), last = excluded.last,
			consumed = d.consumed + excluded.consumed`,
		oidInt4, oidText, oidText, oidText, oidInt8, oidInt8, oidInt8, oidInt8)
)

// unitsAsked is what the first round trip asks of units, and what it found.
type unitsAsked struct {
	leases []seatwright.UnitLease // only organization and ref are set
	past   []seatwright.PoolRef
	load   []func(*seatwright.Slice)
}

// sendUnits asks for the wanted leases with the pools of their services, and for what has ended by itself of the wanted products.
func (b *batch) sendUnits(t *trip) *unitsAsked {
	asked := &unitsAsked{}
	var clock []byte
	if b.clock != nil {
		clock = int8Value(*b.clock)
	}
	o := output{trip: t, numbers: b.writer.recent.numbers}
	for i := range b.places {
		p := &b.places[i]
		for _, ref := range p.UnitLeases {
			asked.leases = append(asked.leases, seatwright.UnitLease{Organization: p.Organization, UnitLeaseRef: ref})
		}
		for _, code := range p.PastUnits {
			asked.past = append(asked.past, seatwright.PoolRef{Organization: p.Organization, Code: code})
		}
	}
	if len(asked.leases) > 0 {
		columns := t.columns(loadUnitLeases)
		for i := range asked.leases {
			o.unitLease(&asked.leases[i], columns)
		}
		t.send(loadUnitLeases, columns, clock)
	}
	if len(asked.past) == 0 {
		return asked
	}
	for _, s := range [...]*statement{loadPastUnits, loadPastPeriods} {
		columns := t.columns(s)
		for _, ref := range asked.past {
			columns[0].int4(o.number(ref.Organization))
			columns[1].text(string(ref.Code))
			columns[2].int8(seatwright.MaxPastUnits)
		}
		t.send(s, columns, clock)
	}
	return asked
}

// readUnits reads the answers to sendUnits.
func (a *unitsAsked) readUnits(t *trip) error {
	if len(a.leases) > 0 {
		err := t.each(func(r row) {
			l := a.leases[r.int(0)-1]
			a.load = append(a.load, func(s *seatwright.Slice) { s.LoadTaken(l.Organization, seatwright.IDsOfTenants, string(l.Tenant)) })
			if r = r[1:]; !r.null(0) {
				a.service(serviceOf(l.Organization, r))
			}
			if r = r[columnsInService:]; !r.null(0) {
				a.lease(unitLeaseOf(l.Organization, l.ServiceKey, r))
			}
			if r = r[columnsInUnitLease:]; !r.null(0) {
				a.term(l.Organization, l.ServiceKey, r)
			}
		})
		if err != nil {
			return err
		}
	}
	if len(a.past) == 0 {
		return nil
	}
	err := t.each(func(r row) {
		organization := a.past[r.int(0)-1].Organization
		a.lease(unitLeaseOf(organization, keyOf(r[1:]), r[4:]))
		if r = r[4+columnsInUnitLease:]; !r.null(0) {
			a.service(serviceOf(organization, r))
		}
	})
	if err != nil {
		return err
	}
	return t.each(func(r row) {
		p := serviceOf(a.past[r.int(0)-1].Organization, r[1:])
		a.service(p)
		if r = r[1+columnsInService:]; !r.null(0) {
			a.term(p.Organization, p.ServiceKey, r)
		}
	})
}

// term reads the term of the purchases in force, and how many units last beyond the period of a service.
func (a *unitsAsked) term(organization seatwright.OrganizationID, key seatwright.ServiceKey, r row) {
	start, end, lasting := r.instant(0), r.instant(1), r.int(2)
	a.load = append(a.load, func(s *seatwright.Slice) { s.LoadTerm(organization, key, start, end, lasting) })
}

func (a *unitsAsked) service(p seatwright.ServicePool) {
	a.load = append(a.load, func(s *seatwright.Slice) { s.LoadService(p) })
}

func (a *unitsAsked) lease(l seatwright.UnitLease) {
	a.load = append(a.load, func(s *seatwright.Slice) { s.LoadUnitLease(l) })
}

// unitLease writes the key of a lease.
func (o *output) unitLease(u *seatwright.UnitLease, to []*array) {
	to[0].int4(o.number(u.Organization))
	to[1].text(string(u.Tenant))
	to[2].text(string(u.Service))
	to[3].text(string(u.Code))
	to[4].text(string(u.ID))
}

// units sends what became of leases of units, and what was used on the day.
func (o *output) units(c seatwright.Changes) {
	o.rows(deleteUnitLeases, len(c.RemovedUnitLeases), func(i int, to []*array) { o.unitLease(&c.RemovedUnitLeases[i], to) })
	o.rows(putUnitLeases, len(c.UnitLeases), func(i int, to []*array) {
		u := &c.UnitLeases[i]
		o.unitLease(u, to)
		to[5].int8(u.Quantity)
		to[6].int8(u.Version)
		to[7].text(u.Owner)
		to[8].text(u.MadeBy)
		to[9].instant(u.CreatedAt)
		to[10].instant(u.RenewedAt)
		to[11].instantOrNever(u.PeriodEnd)
	})
	o.rows(putUsage, len(c.Usage), func(i int, to []*array) {
		d := &c.Usage[i]
		to[0].int4(o.number(d.Organization))
		to[1].text(string(d.Tenant))
		to[2].text(string(d.Service))
		to[3].text(string(d.Code))
		to[4].int8(d.Day)
		to[5].int8(d.Peak)
		to[6].int8(d.Last)
		to[7].int8(d.Consumed)
	})
}

const (
	nowOf = `coalesce($1::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8)`
	// holding is the condition that a lease u of an organization o counts now.
	holding = `(u.period_end > ` + nowOf + ` OR u.period_end = 0 AND u.renewed_at > ` + nowOf + ` - o.unit_lease_minutes * 60000000)`
)

// UnitLease implements seatwright.UnitReader.
func (s *Store) UnitLease(
	ctx context.Context, organization seatwright.OrganizationID, ref seatwright.UnitLeaseRef,
) (lease seatwright.UnitLease, err error) {
	err = s.one(ctx, seatwright.MissingUnitLease(), func(r row) { lease = unitLeaseOf(organization, ref.ServiceKey, r) },
		`SELECT `+unitLeaseColumns+` FROM organizations o JOIN unit_leases u ON u.organization = o.number
		WHERE o.id = $2 AND u.tenant_id = $3 AND u.service = $4 AND u.code = $5 AND u.id = $6 AND `+holding,
		microsOf(s.clock), string(organization), string(ref.Tenant), string(ref.Service), string(ref.Code), string(ref.ID))
	return lease, err
}

// UnitLeases implements seatwright.UnitReader.
func (s *Store) UnitLeases(
	ctx context.Context, organization seatwright.OrganizationID, q seatwright.UnitLeaseQuery,
) (leases []seatwright.UnitLease, err error) {
	err = s.each(ctx, func(r row) { leases = append(leases, unitLeaseOf(organization, keyOf(r), r[3:])) },
		`SELECT u.tenant_id, u.service, u.code, `+unitLeaseColumns+` FROM organizations o JOIN unit_leases u ON u.organization = o.number
		WHERE o.id = $2 AND `+holding+` AND u.period_end = 0 AND ($3 = '' OR u.made_by = $3)
			AND (cardinality($4::text[]) = 0 OR u.id = ANY($4::text[]))
		ORDER BY u.tenant_id, u.service, u.code, u.id LIMIT $5`,
		microsOf(s.clock), string(organization), q.MadeBy, texts(q.IDs), int64(q.Most))
	return leases, err
}

// SweepableUnits implements seatwright.UnitReader.
func (s *Store) SweepableUnits(ctx context.Context, most int) ([]seatwright.PoolRef, error) {
	var found []seatwright.PoolRef
	err := s.each(ctx, func(r row) {
		found = append(found, seatwright.PoolRef{Organization: seatwright.OrganizationID(r.text(0)), Code: seatwright.ProductCode(r.text(1))})
	}, `SELECT o.id, p.code FROM organizations o JOIN pools p ON p.organization = o.number
		WHERE EXISTS (SELECT FROM unit_leases u WHERE u.organization = o.number AND u.code = p.code AND u.period_end = 0
				AND u.renewed_at <= `+nowOf+` - o.unit_lease_minutes * 60000000)
			OR EXISTS (SELECT FROM service_pools s WHERE s.organization = o.number AND s.code = p.code AND s.period_end > 0
				AND s.period_end <= `+nowOf+`)
		ORDER BY o.id, p.code LIMIT $2`, microsOf(s.clock), int64(most))
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
	}, `SELECT d.tenant_id, d.service, d.code, d.day, d.peak, d.last, d.consumed FROM organizations o JOIN usage_days d ON d.organization = o.number
		WHERE o.id = $1 AND d.day BETWEEN $2 AND $3
		UNION ALL (
		SELECT DISTINCT ON (d.tenant_id, d.service, d.code) d.tenant_id, d.service, d.code, d.day, d.peak, d.last, d.consumed
		FROM organizations o JOIN usage_days d ON d.organization = o.number
		WHERE o.id = $1 AND d.day < $2 ORDER BY d.tenant_id, d.service, d.code, d.day DESC)
		ORDER BY 1, 2, 3, 4`, string(organization), from, to)
	return days, err
}
