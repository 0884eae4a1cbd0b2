package postgres

import (
	"errors"

	"github.com/seatwright/seatwright"
)

// Rules, leases and sessions: what a batch loads and writes of them. What readers ask is in lease_read.go.

const (
	offerColumns   = `f.code, f.term, f.quota, f.leases, f.units`
	ruleColumns    = `g.group_id, g.priority, g.external, g.created_at, g.modified_at, g.applied_at`
	leaseColumns   = `s.group_id, s.term, s.leased_at, s.last_in_use, s.orphan_at, s.unit`
	sharedColumns  = `s.number, s.group_id, s.code, s.term, s.members, s.of_user, s.session, s.held_until`
	sessionColumns = `x.global_id, x.of_user, x.client_type, x.started_at, x.updated_at`
)

func offerOf(r row) seatwright.Offer {
	return seatwright.Offer{Code: seatwright.ProductCode(r.text(0)), Term: r.int(1), Quota: r.int(2), Leases: r.int(3), Units: r.int(4)}
}

func ruleOf(organization seatwright.OrganizationID, r row) seatwright.GroupRule {
	return seatwright.GroupRule{
		Organization: organization, Group: seatwright.GroupID(r.text(0)), Priority: r.int(1), External: r.flag(2), CreatedAt: r.instant(3),
		ModifiedAt: r.instant(4), AppliedAt: r.instant(5),
	}
}

func leaseOf(r row) seatwright.Lease {
	if len(r[0]) == 0 {
		return seatwright.Lease{}
	}
	return seatwright.Lease{
		Group: seatwright.GroupID(r.text(0)), Term: r.int(1), LeasedAt: r.instant(2), LastInUse: r.instant(3), OrphanAt: r.instantOrNever(4),
		Unit: r.int(5),
	}
}

func sessionOf(organization seatwright.OrganizationID, id seatwright.SessionID, r row) seatwright.Session {
	return seatwright.Session{
		Organization: organization, ID: id, GlobalID: r.text(0), User: seatwright.UserID(r.text(1)), ClientType: r.text(2),
		StartedAt: r.instant(3), UpdatedAt: r.instant(4),
	}
}

var (
	loadSessions = newStatement(`SELECT `+sessionColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN sessions x ON x.organization = w.organization AND x.id = w.id`, oidInt4, oidText)
	loadSessionsOf = newStatement(`SELECT `+sessionColumns+`, x.id, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, of_user, n)
		JOIN sessions x ON x.organization = w.organization AND x.of_user = w.of_user`, oidInt4, oidText)
	loadGroupsOf = newStatement(`SELECT m.group_id, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, member_id, n)
		JOIN memberships m ON m.organization = w.organization AND m.member_id = w.member_id AND m.member_kind = 'user'`, oidInt4, oidText)
	loadOffers = newStatement(`SELECT `+offerColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, group_id, n)
		JOIN group_offers f ON f.organization = w.organization AND f.group_id = w.group_id`, oidInt4, oidText)
	loadRules = newStatement(`SELECT `+ruleColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, group_id, n)
		JOIN group_rules g ON g.organization = w.organization AND g.group_id = w.group_id`, oidInt4, oidText)

	loadSharedByNumber = newStatement(`SELECT `+sharedColumns+`, w.n FROM unnest($1::int4[], $2::int8[]) WITH ORDINALITY w (organization, number, n)
		JOIN shared_units s ON s.organization = w.organization AND s.number = w.number`, oidInt4, oidInt8)
	loadSharedWithRoom = newStatement(`SELECT s.*, w.n FROM unnest($1::int4[], $2::text[], $3::int8[]) WITH ORDINALITY w (organization, group_id, most, n)
		JOIN group_offers f ON f.organization = w.organization AND f.group_id = w.group_id
		CROSS JOIN LATERAL (SELECT `+sharedColumns+` FROM shared_units s WHERE s.organization = f.organization AND s.group_id = f.group_id AND s.code = f.code AND s.members < 3
			ORDER BY s.held_until LIMIT w.most) s`, oidInt4, oidText, oidInt8)
	deleteSharedOfOffers = newStatement(`DELETE FROM shared_units s USING unnest($1::int4[], $2::text[], $3::text[]) w (organization, group_id, code)
		WHERE s.organization = w.organization AND s.group_id = w.group_id AND s.code = w.code`, oidInt4, oidText, oidText)
	deleteShared = newStatement(`DELETE FROM shared_units s USING unnest($1::int4[], $2::int8[]) w (organization, number)
		WHERE s.organization = w.organization AND s.number = w.number`, oidInt4, oidInt8)
	putShared = newStatement(`INSERT INTO shared_units (organization, number, group_id, code, term, members, of_user, session, held_until)
		SELECT * FROM unnest($1::int4[], $2::int8[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::text[], $8::text[], $9::int8[])
		ON CONFLICT (organization, number) DO UPDATE SET members = excluded.members, of_user = excluded.of_user, session = excluded.session, held_until = excluded.held_until`,
		oidInt4, oidInt8, oidText, oidText, oidInt8, oidInt8, oidText, oidText, oidInt8)

	deleteOffers = newStatement(`DELETE FROM group_offers f USING unnest($1::int4[], $2::text[], $3::text[]) w (organization, group_id, code)
		WHERE f.organization = w.organization AND f.group_id = w.group_id AND f.code = w.code`, oidInt4, oidText, oidText)
	deleteRules = newStatement(`DELETE FROM group_rules g USING unnest($1::int4[], $2::text[]) w (organization, group_id)
		WHERE g.organization = w.organization AND g.group_id = w.group_id`, oidInt4, oidText)
	putRules = newStatement(`INSERT INTO group_rules (organization, group_id, priority, external, created_at, modified_at, applied_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::int8[], $4::bool[], $5::int8[], $6::int8[], $7::int8[])
		ON CONFLICT (organization, group_id) DO UPDATE SET priority = excluded.priority, external = excluded.external,
			created_at = excluded.created_at, modified_at = excluded.modified_at, applied_at = excluded.applied_at`,
		oidInt4, oidText, oidInt8, oidBool, oidInt8, oidInt8, oidInt8)
	putOffers = newStatement(`INSERT INTO group_offers (organization, group_id, code, term, quota, leases, units)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[], $5::int8[], $6::int8[], $7::int8[])
		ON CONFLICT (organization, group_id, code) DO UPDATE SET term = excluded.term, quota = excluded.quota, leases = excluded.leases,
			units = excluded.units`, oidInt4, oidText, oidText, oidInt8, oidInt8, oidInt8, oidInt8)
	deleteSessions = newStatement(`DELETE FROM sessions x USING unnest($1::int4[], $2::text[]) w (organization, id)
		WHERE x.organization = w.organization AND x.id = w.id`, oidInt4, oidText)
	forgetSessionsOfUsers = newStatement(`DELETE FROM sessions x USING unnest($1::int4[], $2::text[]) w (organization, of_user)
		WHERE x.organization = w.organization AND x.of_user = w.of_user`, oidInt4, oidText)
	putSessions = newStatement(`INSERT INTO sessions (organization, id, global_id, of_user, client_type, started_at, updated_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[])
		ON CONFLICT (organization, id) DO UPDATE SET client_type = excluded.client_type, updated_at = excluded.updated_at`,
		oidInt4, oidText, oidText, oidText, oidText, oidInt8, oidInt8)
	insertLeases = newStatement(`INSERT INTO seats (organization, user_id, code, units, direct, created_at, group_id, term, leased_at, last_in_use, orphan_at, unit)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[], $5::bool[], $6::int8[], $7::text[], $8::int8[], $9::int8[], $10::int8[],
			$11::int8[], $12::int8[])`, oidInt4, oidText, oidText, oidInt8, oidBool, oidInt8, oidText, oidInt8, oidInt8, oidInt8, oidInt8, oidInt8)
	updateOrganizations = newStatement(`UPDATE organizations o SET unknown_users = w.unknown_users, external_licenses = w.external_licenses,
			allocation_mode = w.allocation_mode, on_leave = w.on_leave, inactive_days = w.inactive_days, user_licensing = w.user_licensing, on_shrink = w.on_shrink,
			unit_lease_minutes = w.unit_lease_minutes, overdraft = w.overdraft
		FROM unnest($1::int4[], $2::text[], $3::bool[], $4::text[], $5::text[], $6::int8[], $7::bool[], $8::text[], $9::int8[], $10::text[]) w (number, unknown_users,
			external_licenses, allocation_mode, on_leave, inactive_days, user_licensing, on_shrink, unit_lease_minutes, overdraft)
		WHERE o.number = w.number`, oidInt4, oidText, oidBool, oidText, oidText, oidInt8, oidBool, oidText, oidInt8, oidText)
)

// ofPlace is one row that is asked for, and where.
type ofPlace struct {
	*place
	id string
}

// loadLeases reads the sessions, the memberships of those who open one, and then the rules that matter: a round trip for each of the
// two where there is anything to read.
func (b *batch) loadLeases() error {
	var sessions, owners, members, groups []ofPlace
	for i := range b.places {
		p := &b.places[i]
		for _, id := range p.Sessions {
			sessions = append(sessions, ofPlace{p, string(id)})
		}
		for _, user := range p.SessionsOf {
			owners = append(owners, ofPlace{p, string(user)})
		}
		for _, user := range p.GroupsOf {
			members = append(members, ofPlace{p, string(user)})
		}
	}
	ask := func(o *output, s *statement, rows []ofPlace) {
		o.rows(s, len(rows), func(i int, to []*array) {
			to[0].int4(rows[i].number)
			to[1].text(rows[i].id)
		})
	}
	if len(sessions)+len(owners)+len(members) > 0 {
		o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
		ask(&o, loadSessions, sessions)
		ask(&o, loadSessionsOf, owners)
		ask(&o, loadGroupsOf, members)
		err := o.flush(loadTime)
		if err == nil && len(sessions) > 0 {
			err = o.each(func(r row) {
				asked := sessions[r.int(5)-1]
				b.slice.LoadSession(sessionOf(asked.Organization, seatwright.SessionID(asked.id), r))
			})
		}
		if err == nil && len(owners) > 0 {
			err = o.each(func(r row) {
				b.slice.LoadSession(sessionOf(owners[r.int(6)-1].Organization, seatwright.SessionID(r.text(5)), r))
			})
		}
		if err == nil && len(members) > 0 {
			err = o.each(func(r row) {
				asked := members[r.int(1)-1]
				b.slice.LoadMembership(seatwright.Membership{
					Organization: asked.Organization, Group: seatwright.GroupID(r.text(0)), Member: seatwright.Member{Kind: seatwright.MemberUser, ID: asked.id},
				})
			})
		}
		if err = errors.Join(err, o.end()); err != nil {
			return err
		}
	}
	for i := range b.places {
		p := &b.places[i]
		for _, group := range b.slice.RuleGroups(p.Touch) {
			groups = append(groups, ofPlace{p, string(group)})
		}
	}
	if len(groups) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	ask(&o, loadOffers, groups)
	ask(&o, loadRules, groups)
	offers := map[int64][]seatwright.Offer{}
	return errors.Join(o.flush(loadTime), o.each(func(r row) {
		offers[r.int(5)] = append(offers[r.int(5)], offerOf(r))
	}), o.each(func(r row) {
		rule := ruleOf(groups[r.int(6)-1].Organization, r)
		rule.Offers = offers[r.int(6)]
		b.slice.LoadGroupRule(rule)
	}), o.end(), b.loadShared(groups))
}

// unitsWithRoom are how many shared units of an offer a session may choose from.
const unitsWithRoom = 32

// loadShared reads the shared units of the seats that were loaded, and where sessions are opened the ones that have room, those that are
// not in use first.
func (b *batch) loadShared(groups []ofPlace) error {
	var numbers []seatwright.SharedUnit
	var open []ofPlace
	for i := range b.places {
		for _, number := range b.slice.SharedUnits(b.places[i].Organization) {
			numbers = append(numbers, seatwright.SharedUnit{Organization: b.places[i].Organization, Number: number})
		}
	}
	for _, g := range groups {
		if len(g.GroupsOf) > 0 {
			open = append(open, g)
		}
	}
	if len(numbers)+len(open) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	o.rows(loadSharedByNumber, len(numbers), func(i int, to []*array) {
		to[0].int4(o.number(numbers[i].Organization))
		to[1].int8(numbers[i].Number)
	})
	o.rows(loadSharedWithRoom, len(open), func(i int, to []*array) {
		to[0].int4(open[i].number)
		to[1].text(open[i].id)
		to[2].int8(int64(unitsWithRoom + len(open[i].GroupsOf)))
	})
	load := func(organization seatwright.OrganizationID, r row) {
		b.slice.LoadSharedUnit(seatwright.SharedUnit{
			Organization: organization, Number: r.int(0), Group: seatwright.GroupID(r.text(1)), Code: seatwright.ProductCode(r.text(2)), Term: r.int(3),
			Members: r.int(4), User: seatwright.UserID(r.text(5)), Session: seatwright.SessionID(r.text(6)), HeldUntil: r.instantOrNever(7),
		})
	}
	err := o.flush(loadTime)
	if err == nil && len(numbers) > 0 {
		err = o.each(func(r row) { load(numbers[r.int(8)-1].Organization, r) })
	}
	if err == nil && len(open) > 0 {
		err = o.each(func(r row) { load(open[r.int(8)-1].Organization, r) })
	}
	return errors.Join(err, o.end())
}

// leases sends what changed of rules, offers, sessions and leases. Those of before are gone before those that come.
func (o *output) leases(c seatwright.Changes) {
	o.rows(deleteOffers, len(c.RemovedOffers), func(i int, to []*array) {
		to[0].int4(o.number(c.RemovedOffers[i].Organization))
		to[1].text(string(c.RemovedOffers[i].Group))
		to[2].text(string(c.RemovedOffers[i].Code))
	})
	o.rows(deleteSharedOfOffers, len(c.EndedOffers), func(i int, to []*array) {
		to[0].int4(o.number(c.EndedOffers[i].Organization))
		to[1].text(string(c.EndedOffers[i].Group))
		to[2].text(string(c.EndedOffers[i].Code))
	})
	o.rows(deleteShared, len(c.RemovedSharedUnits), func(i int, to []*array) {
		to[0].int4(o.number(c.RemovedSharedUnits[i].Organization))
		to[1].int8(c.RemovedSharedUnits[i].Number)
	})
	o.rows(putShared, len(c.SharedUnits), func(i int, to []*array) {
		u := &c.SharedUnits[i]
		to[0].int4(o.number(u.Organization))
		to[1].int8(u.Number)
		to[2].text(string(u.Group))
		to[3].text(string(u.Code))
		to[4].int8(u.Term)
		to[5].int8(u.Members)
		to[6].text(string(u.User))
		to[7].text(string(u.Session))
		to[8].instantOrNever(u.HeldUntil)
	})
	o.rows(deleteRules, len(c.RemovedGroupRules), func(i int, to []*array) {
		to[0].int4(o.number(c.RemovedGroupRules[i].Organization))
		to[1].text(string(c.RemovedGroupRules[i].Group))
	})
	o.rows(putRules, len(c.GroupRules), func(i int, to []*array) {
		r := &c.GroupRules[i]
		to[0].int4(o.number(r.Organization))
		to[1].text(string(r.Group))
		to[2].int8(r.Priority)
		to[3].flag(r.External)
		to[4].instant(r.CreatedAt)
		to[5].instant(r.ModifiedAt)
		to[6].instant(r.AppliedAt)
	})
	o.rows(putOffers, len(c.Offers), func(i int, to []*array) {
		f := &c.Offers[i]
		to[0].int4(o.number(f.Organization))
		to[1].text(string(f.Group))
		to[2].text(string(f.Code))
		to[3].int8(f.Term)
		to[4].int8(f.Quota)
		to[5].int8(f.Leases)
		to[6].int8(f.Units)
	})
	o.rows(deleteSessions, len(c.RemovedSessions), func(i int, to []*array) {
		to[0].int4(o.number(c.RemovedSessions[i].Organization))
		to[1].text(string(c.RemovedSessions[i].ID))
	})
	o.rows(putSessions, len(c.Sessions), func(i int, to []*array) {
		s := &c.Sessions[i]
		to[0].int4(o.number(s.Organization))
		to[1].text(string(s.ID))
		to[2].text(s.GlobalID)
		to[3].text(string(s.User))
		to[4].text(s.ClientType)
		to[5].instant(s.StartedAt)
		to[6].instant(s.UpdatedAt)
	})
	leased, _ := split(c.NewSeats, isLeased)
	o.rows(insertLeases, len(leased), func(i int, to []*array) {
		s := &leased[i]
		o.seat(s, to)
		to[5].instant(s.CreatedAt)
		lease(s.Lease, to[6:])
	})
	o.rows(updateOrganizations, len(c.ChangedOrganizations), func(i int, to []*array) {
		p := &c.ChangedOrganizations[i]
		to[0].int4(o.number(p.ID))
		to[1].text(string(p.UnknownUsers))
		to[2].flag(p.ExternalLicenses)
		to[3].text(string(p.AllocationMode))
		to[4].text(string(p.OnLeave))
		to[5].int8(p.InactiveDays)
		to[6].flag(p.UserLicensing)
		to[7].text(string(p.OnShrink))
		to[8].int8(p.UnitLeaseMinutes)
		to[9].text(string(p.Overdraft))
	})
}

func isLeased(s seatwright.Seat) bool { return s.Lease.Held() }

func (o *output) seat(s *seatwright.Seat, to []*array) {
	to[0].int4(o.number(s.Organization))
	to[1].text(string(s.User))
	to[2].text(string(s.Code))
	to[3].int8(s.Units)
	to[4].flag(s.Direct)
}

// lease writes the six columns of a lease, empty and 0 where there is none.
func lease(l seatwright.Lease, to []*array) {
	to[0].text(string(l.Group))
	to[1].int8(l.Term)
	to[2].instantOrNever(l.LeasedAt)
	to[3].instantOrNever(l.LastInUse)
	to[4].instantOrNever(l.OrphanAt)
	to[5].int8(l.Unit)
}
