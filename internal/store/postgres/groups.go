package postgres

import (
	"context"
	"errors"

	"github.com/seatwright/seatwright"
)

// Groups, robot accounts and memberships: what a batch loads and writes of them, and what readers ask.

const (
	groupColumns = `g.id, g.name, g.created_at, g.modified_at`
	robotColumns = `r.id, r.name, r.display_name, r.created_at, r.modified_at`
)

func groupOf(organization seatwright.OrganizationID, r row) seatwright.Group {
	return seatwright.Group{
		Organization: organization, ID: seatwright.GroupID(r.text(0)), Name: r.text(1), CreatedAt: r.instant(2), ModifiedAt: r.instant(3),
	}
}

func robotOf(organization seatwright.OrganizationID, r row) seatwright.RobotAccount {
	return seatwright.RobotAccount{
		Organization: organization, ID: seatwright.RobotAccountID(r.text(0)), Name: r.text(1), DisplayName: r.text(2),
		CreatedAt: r.instant(3), ModifiedAt: r.instant(4),
	}
}

var (
	loadGroups = newStatement(`SELECT `+groupColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN groups g ON g.organization = w.organization AND g.id = w.id`, oidInt4, oidText)
	loadRobots = newStatement(`SELECT `+robotColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN robot_accounts r ON r.organization = w.organization AND r.id = w.id`, oidInt4, oidText)
	loadMemberships = newStatement(`SELECT m.member_kind, w.n
		FROM unnest($1::int4[], $2::text[], $3::text[]) WITH ORDINALITY w (organization, group_id, member_id, n)
		JOIN memberships m ON m.organization = w.organization AND m.group_id = w.group_id AND m.member_id = w.member_id`, oidInt4, oidText, oidText)

	deleteMemberships = newStatement(`DELETE FROM memberships m USING unnest($1::int4[], $2::text[], $3::text[]) w (organization, group_id, member_id)
		WHERE m.organization = w.organization AND m.group_id = w.group_id AND m.member_id = w.member_id`, oidInt4, oidText, oidText)
	emptyGroups = newStatement(`DELETE FROM memberships m USING unnest($1::int4[], $2::text[]) w (organization, group_id)
		WHERE m.organization = w.organization AND m.group_id = w.group_id`, oidInt4, oidText)
	leaveGroups = newStatement(`DELETE FROM memberships m USING unnest($1::int4[], $2::text[]) w (organization, member_id)
		WHERE m.organization = w.organization AND m.member_id = w.member_id AND m.member_kind = 'robot'`, oidInt4, oidText)
	deleteGroups = newStatement(`DELETE FROM groups g USING unnest($1::int4[], $2::text[]) w (organization, id)
		WHERE g.organization = w.organization AND g.id = w.id`, oidInt4, oidText)
	deleteRobots = newStatement(`DELETE FROM robot_accounts r USING unnest($1::int4[], $2::text[]) w (organization, id)
		WHERE r.organization = w.organization AND r.id = w.id`, oidInt4, oidText)
	updateGroups = newStatement(`UPDATE groups g SET name = w.name, name_key = w.name_key, modified_at = w.modified_at
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[]) w (organization, id, name, name_key, modified_at)
		WHERE g.organization = w.organization AND g.id = w.id`, oidInt4, oidText, oidText, oidText, oidInt8)
	insertGroups = newStatement(`INSERT INTO groups (organization, id, name, name_key, created_at, modified_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[])`,
		oidInt4, oidText, oidText, oidText, oidInt8, oidInt8)
	updateRobots = newStatement(`UPDATE robot_accounts r SET display_name = w.display_name, modified_at = w.modified_at
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[]) w (organization, id, display_name, modified_at)
		WHERE r.organization = w.organization AND r.id = w.id`, oidInt4, oidText, oidText, oidInt8)
	insertRobots = newStatement(`INSERT INTO robot_accounts (organization, id, name, name_key, display_name, created_at, modified_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[])`,
		oidInt4, oidText, oidText, oidText, oidText, oidInt8, oidInt8)
	insertMemberships = newStatement(`INSERT INTO memberships (organization, group_id, member_id, member_kind)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[])`, oidInt4, oidText, oidText, oidText)
)

// loadGroups reads the wanted groups, robot accounts and memberships, if there are any, in one round trip.
func (b *batch) loadGroups() error {
	var groups []seatwright.Group
	var robots []seatwright.RobotAccount
	var memberships []seatwright.Membership
	for i := range b.places {
		p := &b.places[i]
		for _, id := range p.Groups {
			groups = append(groups, seatwright.Group{Organization: p.Organization, ID: id})
		}
		for _, id := range p.Robots {
			robots = append(robots, seatwright.RobotAccount{Organization: p.Organization, ID: id})
		}
		for _, ref := range p.Memberships {
			memberships = append(memberships, seatwright.Membership{
				Organization: p.Organization, Group: ref.Group, Member: seatwright.Member{ID: ref.Member},
			})
		}
	}
	if len(groups)+len(robots)+len(memberships) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	o.rows(loadGroups, len(groups), func(i int, to []*array) {
		to[0].int4(o.number(groups[i].Organization))
		to[1].text(string(groups[i].ID))
	})
	o.rows(loadRobots, len(robots), func(i int, to []*array) {
		to[0].int4(o.number(robots[i].Organization))
		to[1].text(string(robots[i].ID))
	})
	o.rows(loadMemberships, len(memberships), func(i int, to []*array) { o.membership(&memberships[i], to) })
	if err := o.flush(loadTime); err != nil {
		return err
	}
	var err error
	if len(groups) > 0 {
		err = o.each(func(r row) { b.slice.LoadGroup(groupOf(groups[r.int(4)-1].Organization, r)) })
	}
	if err == nil && len(robots) > 0 {
		err = o.each(func(r row) { b.slice.LoadRobotAccount(robotOf(robots[r.int(5)-1].Organization, r)) })
	}
	if err == nil && len(memberships) > 0 {
		err = o.each(func(r row) {
			m := memberships[r.int(1)-1]
			m.Member.Kind = seatwright.MemberKind(r.text(0))
			b.slice.LoadMembership(m)
		})
	}
	return errors.Join(err, o.end())
}

func (o *output) membership(m *seatwright.Membership, to []*array) {
	to[0].int4(o.number(m.Organization))
	to[1].text(string(m.Group))
	to[2].text(m.Member.ID)
}

// groups sends what changed. What goes is gone before what comes, so that names are free.
func (o *output) groups(c seatwright.Changes) {
	group := func(i int, to []*array) {
		to[0].int4(o.number(c.RemovedGroups[i].Organization))
		to[1].text(string(c.RemovedGroups[i].ID))
	}
	robot := func(i int, to []*array) {
		to[0].int4(o.number(c.RemovedRobots[i].Organization))
		to[1].text(string(c.RemovedRobots[i].ID))
	}
	o.rows(deleteMemberships, len(c.RemovedMembers), func(i int, to []*array) { o.membership(&c.RemovedMembers[i], to) })
	o.rows(emptyGroups, len(c.RemovedGroups), group)
	o.rows(deleteGroups, len(c.RemovedGroups), group)
	o.rows(leaveGroups, len(c.RemovedRobots), robot)
	o.rows(deleteRobots, len(c.RemovedRobots), robot)
	o.rows(updateGroups, len(c.Groups), func(i int, to []*array) {
		g := &c.Groups[i]
		to[0].int4(o.number(g.Organization))
		to[1].text(string(g.ID))
		to[2].text(g.Name)
		to[3].text(seatwright.NameKey(g.Name))
		to[4].instant(g.ModifiedAt)
	})
	o.rows(insertGroups, len(c.NewGroups), func(i int, to []*array) {
		g := &c.NewGroups[i]
		to[0].int4(o.number(g.Organization))
		to[1].text(string(g.ID))
		to[2].text(g.Name)
		to[3].text(seatwright.NameKey(g.Name))
		to[4].instant(g.CreatedAt)
		to[5].instant(g.ModifiedAt)
	})
	o.rows(updateRobots, len(c.Robots), func(i int, to []*array) {
		r := &c.Robots[i]
		to[0].int4(o.number(r.Organization))
		to[1].text(string(r.ID))
		to[2].text(r.DisplayName)
		to[3].instant(r.ModifiedAt)
	})
	o.rows(insertRobots, len(c.NewRobots), func(i int, to []*array) {
		r := &c.NewRobots[i]
		to[0].int4(o.number(r.Organization))
		to[1].text(string(r.ID))
		to[2].text(r.Name)
		to[3].text(seatwright.NameKey(r.Name))
		to[4].text(r.DisplayName)
		to[5].instant(r.CreatedAt)
		to[6].instant(r.ModifiedAt)
	})
	o.rows(insertMemberships, len(c.NewMembers), func(i int, to []*array) {
		o.membership(&c.NewMembers[i], to)
		to[3].text(string(c.NewMembers[i].Member.Kind))
	})
}

// Groups implements seatwright.GroupReader.
func (s *Store) Groups(ctx context.Context, organization seatwright.OrganizationID) (groups []seatwright.Group, err error) {
	err = s.each(ctx, func(r row) { groups = append(groups, groupOf(organization, r)) },
		`SELECT `+groupColumns+` FROM groups g WHERE g.organization = `+numberOf+` ORDER BY g.name_key`, string(organization))
	return groups, err
}

// Group implements seatwright.GroupReader.
func (s *Store) Group(ctx context.Context, organization seatwright.OrganizationID, id seatwright.GroupID) (g seatwright.Group, err error) {
	err = s.one(ctx, seatwright.MissingGroup(), func(r row) { g = groupOf(organization, r) },
		`SELECT `+groupColumns+` FROM groups g WHERE g.organization = `+numberOf+` AND g.id = $2`, string(organization), string(id))
	return g, err
}

// Members implements seatwright.GroupReader.
func (s *Store) Members(
	ctx context.Context, organization seatwright.OrganizationID, group seatwright.GroupID, skip, top int,
) (members []seatwright.GroupMember, total int, err error) {
	err = s.each(ctx, func(r row) { total = int(r.int(0)) },
		`SELECT count(*) FROM memberships m WHERE m.organization = `+numberOf+` AND m.group_id = $2`, string(organization), string(group))
	if err != nil {
		return nil, 0, err
	}
	err = s.each(ctx, func(r row) {
		m := seatwright.GroupMember{Member: seatwright.Member{Kind: seatwright.MemberKind(r.text(0)), ID: r.text(1)}}
		m.Name, m.DisplayName, m.Email, m.FirstName, m.LastName = r.text(2), r.text(3), r.text(4), r.text(5), r.text(6)
		members = append(members, m)
	}, `SELECT m.member_kind, m.member_id, coalesce(u.user_name, r.name, ''), coalesce(u.display_name, r.display_name, ''),
			coalesce(u.email, ''), coalesce(u.first_name, ''), coalesce(u.last_name, '')
		FROM memberships m
		LEFT JOIN users u ON m.member_kind = 'user' AND u.organization = m.organization AND u.id = m.member_id
		LEFT JOIN robot_accounts r ON m.member_kind = 'robot' AND r.organization = m.organization AND r.id = m.member_id
		WHERE m.organization = `+numberOf+` AND m.group_id = $2 ORDER BY m.member_id LIMIT $3 OFFSET $4`,
		string(organization), string(group), int64(top), int64(skip))
	return members, total, err
}

// GroupsOf implements seatwright.GroupReader.
func (s *Store) GroupsOf(ctx context.Context, organization seatwright.OrganizationID, members []string) (map[string][]seatwright.GroupID, error) {
	groups := map[string][]seatwright.GroupID{}
	err := s.each(ctx, func(r row) { groups[r.text(0)] = append(groups[r.text(0)], seatwright.GroupID(r.text(1))) },
		`SELECT m.member_id, m.group_id FROM memberships m WHERE m.organization = `+numberOf+` AND m.member_id = ANY($2::text[])
		ORDER BY m.member_id, m.group_id`, string(organization), members)
	return groups, err
}

// RobotAccount implements seatwright.GroupReader.
func (s *Store) RobotAccount(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.RobotAccountID,
) (robot seatwright.RobotAccount, err error) {
	err = s.one(ctx, seatwright.MissingRobotAccount(), func(r row) { robot = robotOf(organization, r) },
		`SELECT `+robotColumns+` FROM robot_accounts r WHERE r.organization = `+numberOf+` AND r.id = $2`, string(organization), string(id))
	return robot, err
}

// RobotAccounts implements seatwright.GroupReader.
func (s *Store) RobotAccounts(ctx context.Context, organization seatwright.OrganizationID) (robots []seatwright.RobotAccount, err error) {
	err = s.each(ctx, func(r row) { robots = append(robots, robotOf(organization, r)) },
		`SELECT `+robotColumns+` FROM robot_accounts r WHERE r.organization = `+numberOf+` ORDER BY r.name_key`, string(organization))
	return robots, err
}
