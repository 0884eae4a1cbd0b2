package sqlite

import (
	"github.com/seatwright/seatwright"
)

// Rules, leases and sessions: what a batch loads and writes of them. What readers ask is in lease_read.go.

// columnsOfOffer are what offerOf reads, in its order.
const columnsOfOffer = `f.code, f.term, f.quota, f.leases, f.units`

func offerOf(r row) seatwright.Offer {
	return seatwright.Offer{Code: seatwright.ProductCode(r.text(0)), Term: r.int(1), Quota: r.int(2), Leases: r.int(3), Units: r.int(4)}
}

// loadLeases reads the sessions, the memberships of those who open one, and the rules that matter then.
func (w *writer) loadLeases(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		for _, id := range t.Sessions {
			err := w.each(func(r row) { slice.LoadSession(sessionOf(t.Organization, id, r)) }, `SELECT global_id, of_user, client_type, started_at, updated_at
				FROM sessions WHERE organization = ? AND id = ?`, known.number, string(id))
			if err != nil {
				return err
			}
		}
		for _, user := range t.SessionsOf {
			err := w.each(func(r row) { slice.LoadSession(sessionOf(t.Organization, seatwright.SessionID(r.text(5)), r)) }, `SELECT global_id, of_user, client_type,
				started_at, updated_at, id FROM sessions WHERE organization = ? AND of_user = ?`, known.number, string(user))
			if err != nil {
				return err
			}
		}
		if len(t.GroupsOf) > 0 {
			err := w.each(func(r row) {
				slice.LoadMembership(seatwright.Membership{
					Organization: t.Organization, Group: seatwright.GroupID(r.text(1)), Member: seatwright.Member{Kind: seatwright.MemberUser, ID: r.text(0)},
				})
			}, `SELECT m.member_id, m.group_id FROM json_each(?2) wanted
				CROSS JOIN memberships m ON m.organization = ?1 AND m.member_id = wanted.value AND m.member_kind = 'user'`,
				known.number, jsonArray(t.GroupsOf))
			if err != nil {
				return err
			}
		}
		if groups := slice.RuleGroups(t); len(groups) > 0 {
			if err := w.loadRules(slice, t.Organization, known.number, groups); err != nil {
				return err
			}
			if err := w.loadShared(slice, t, known.number, groups); err != nil {
				return err
			}
		}
	}
	return nil
}

func sessionOf(organization seatwright.OrganizationID, id seatwright.SessionID, r row) seatwright.Session {
	return seatwright.Session{
		Organization: organization, ID: id, GlobalID: r.text(0), User: seatwright.UserID(r.text(1)), ClientType: r.text(2),
		StartedAt: r.instant(3), UpdatedAt: r.instant(4),
	}
}

func (w *writer) loadRules(slice *seatwright.Slice, organization seatwright.OrganizationID, number int64, groups []seatwright.GroupID) error {
	offers := map[seatwright.GroupID][]seatwright.Offer{}
	err := w.each(func(r row) {
		group := seatwright.GroupID(r.text(5))
		offers[group] = append(offers[group], offerOf(r))
	}, `SELECT `+columnsOfOffer+`, f.group_id FROM json_each(?2) wanted
		CROSS JOIN group_offers f ON f.organization = ?1 AND f.group_id = wanted.value`, number, jsonArray(groups))
	if err != nil {
		return err
	}
	return w.each(func(r row) {
		rule := ruleOf(organization, r)
		rule.Offers = offers[rule.Group]
		slice.LoadGroupRule(rule)
	}, `SELECT `+columnsOfRule+` FROM json_each(?2) wanted
		CROSS JOIN group_rules g ON g.organization = ?1 AND g.group_id = wanted.value`, number, jsonArray(groups))
}

// loadShared reads the shared units of the seats that were loaded, and where sessions are opened the ones that have room, those that are
// not in use first.
func (w *writer) loadShared(slice *seatwright.Slice, t *seatwright.Touch, number int64, groups []seatwright.GroupID) error {
	const columns = `s.number, s.group_id, s.code, s.term, s.members, s.of_user, s.session, s.held_until`
	load := func(r row) {
		slice.LoadSharedUnit(seatwright.SharedUnit{
			Organization: t.Organization, Number: r.int(0), Group: seatwright.GroupID(r.text(1)), Code: seatwright.ProductCode(r.text(2)), Term: r.int(3),
			Members: r.int(4), User: seatwright.UserID(r.text(5)), Session: seatwright.SessionID(r.text(6)), HeldUntil: r.instantOrNever(7),
		})
	}
	for _, shared := range slice.SharedUnits(t.Organization) {
		if err := w.each(load, `SELECT `+columns+` FROM shared_units s WHERE s.organization = ? AND s.number = ?`, number, shared); err != nil {
			return err
		}
	}
	if len(t.GroupsOf) == 0 {
		return nil
	}
	return w.each(load, `SELECT `+columns+` FROM json_each(?2) wanted
		CROSS JOIN group_offers f ON f.organization = ?1 AND f.group_id = wanted.value
		CROSS JOIN shared_units s ON s.organization = ?1 AND s.number IN (SELECT x.number FROM shared_units x INDEXED BY shared_units_with_room
			WHERE x.organization = f.organization AND x.group_id = f.group_id AND x.code = f.code AND x.members < 3 ORDER BY x.held_until LIMIT ?3)`,
		number, jsonArray(groups), int64(unitsWithRoom+len(t.GroupsOf)))
}

// unitsWithRoom are how many shared units of an offer a session may choose from.
const unitsWithRoom = 32

// columnsOfRule are what ruleOf reads, in its order.
const columnsOfRule = `g.group_id, g.priority, g.external, g.created_at, g.modified_at, g.applied_at`

// columnsInRule are how many.
const columnsInRule = 6

func ruleOf(organization seatwright.OrganizationID, r row) seatwright.GroupRule {
	return seatwright.GroupRule{
		Organization: organization, Group: seatwright.GroupID(r.text(0)), Priority: r.int(1), External: r.flag(2), CreatedAt: r.instant(3),
		ModifiedAt: r.instant(4), AppliedAt: r.instant(5),
	}
}

// columnsOfLease are what leaseOf reads, in its order, of a table that is called h.
const columnsOfLease = `h.group_id, h.term, h.leased_at, h.last_in_use, h.orphan_at, h.unit`

func leaseOf(r row) seatwright.Lease {
	if r.null(0) {
		return seatwright.Lease{}
	}
	return seatwright.Lease{
		Group: seatwright.GroupID(r.text(0)), Term: r.int(1), LeasedAt: r.instant(2), LastInUse: r.instant(3), OrphanAt: r.instantOrNever(4),
		Unit: r.int(5),
	}
}

// leaseValues are the columns of a lease, null where there is none.
func leaseValues(l seatwright.Lease) (group, term, leasedAt, lastInUse, orphanAt, unit any) {
	if !l.Held() {
		return nil, nil, nil, nil, nil, nil
	}
	return string(l.Group), l.Term, l.LeasedAt.UnixMicro(), l.LastInUse.UnixMicro(), microsOrNever(l.OrphanAt), l.Unit
}

// sessionsPerSweep are how many sessions that were not told of for long are cleared once a sweepInterval.
const sessionsPerSweep = 1024

// putLeases writes rules, offers and sessions. Those of before are gone before those that come.
func (w *writer) putLeases(c seatwright.Changes) error {
	for _, f := range c.RemovedOffers {
		err := w.exec(`DELETE FROM group_offers WHERE organization = ? AND group_id = ? AND code = ?`, w.numberOf(f.Organization), string(f.Group), string(f.Code))
		if err != nil {
			return err
		}
	}
	for _, f := range c.EndedOffers {
		err := w.exec(`DELETE FROM shared_units WHERE organization = ? AND group_id = ? AND code = ?`, w.numberOf(f.Organization), string(f.Group), string(f.Code))
		if err != nil {
			return err
		}
	}
	for _, u := range c.RemovedSharedUnits {
		if err := w.exec(`DELETE FROM shared_units WHERE organization = ? AND number = ?`, w.numberOf(u.Organization), u.Number); err != nil {
			return err
		}
	}
	for _, u := range c.SharedUnits {
		err := w.exec(`INSERT INTO shared_units (organization, number, group_id, code, term, members, of_user, session, held_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (organization, number) DO UPDATE SET members = excluded.members, of_user = excluded.of_user, session = excluded.session, held_until = excluded.held_until`,
			w.numberOf(u.Organization), u.Number, string(u.Group), string(u.Code), u.Term, u.Members, string(u.User), string(u.Session), microsOrNever(u.HeldUntil))
		if err != nil {
			return err
		}
	}
	for _, r := range c.RemovedGroupRules {
		if err := w.exec(`DELETE FROM group_rules WHERE organization = ? AND group_id = ?`, w.numberOf(r.Organization), string(r.Group)); err != nil {
			return err
		}
	}
	for _, r := range c.GroupRules {
		err := w.exec(`INSERT INTO group_rules (organization, group_id, priority, external, created_at, modified_at, applied_at)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (organization, group_id) DO UPDATE SET priority = excluded.priority,
				external = excluded.external, created_at = excluded.created_at, modified_at = excluded.modified_at, applied_at = excluded.applied_at`,
			w.numberOf(r.Organization), string(r.Group), r.Priority, r.External, r.CreatedAt.UnixMicro(), r.ModifiedAt.UnixMicro(), r.AppliedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, f := range c.Offers {
		err := w.exec(`INSERT INTO group_offers (organization, group_id, code, term, quota, leases, units) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (organization, group_id, code) DO UPDATE SET term = excluded.term, quota = excluded.quota, leases = excluded.leases,
				units = excluded.units`,
			w.numberOf(f.Organization), string(f.Group), string(f.Code), f.Term, f.Quota, f.Leases, f.Units)
		if err != nil {
			return err
		}
	}
	for _, s := range c.RemovedSessions {
		if err := w.exec(`DELETE FROM sessions WHERE organization = ? AND id = ?`, w.numberOf(s.Organization), string(s.ID)); err != nil {
			return err
		}
	}
	for _, s := range c.Sessions {
		err := w.exec(`INSERT INTO sessions (organization, id, global_id, of_user, client_type, started_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (organization, id) DO UPDATE SET client_type = excluded.client_type, updated_at = excluded.updated_at`,
			w.numberOf(s.Organization), string(s.ID), s.GlobalID, string(s.User), s.ClientType, s.StartedAt.UnixMicro(), s.UpdatedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	if len(c.Sessions) == 0 || c.Now.Sub(w.sessionsSweptAt) < sweepInterval {
		return nil
	}
	w.sessionsSweptAt = c.Now
	return w.exec(`DELETE FROM sessions WHERE (organization, id) IN (
		SELECT organization, id FROM sessions INDEXED BY sessions_by_age WHERE updated_at < ? ORDER BY updated_at LIMIT ?)`,
		c.Now.Add(-seatwright.SessionLife).UnixMicro(), int64(sessionsPerSweep))
}
