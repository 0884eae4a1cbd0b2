package sqlite

import (
	"context"

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

// loadGroups reads the wanted groups, robot accounts and memberships.
func (w *writer) loadGroups(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		if len(t.Groups) > 0 {
			err := w.each(func(r row) { slice.LoadGroup(groupOf(t.Organization, r)) }, `SELECT `+groupColumns+`
				FROM json_each(?2) wanted CROSS JOIN groups g ON g.organization = ?1 AND g.id = wanted.value`, known.number, jsonArray(t.Groups))
			if err != nil {
				return err
			}
		}
		if len(t.Robots) > 0 {
			err := w.each(func(r row) { slice.LoadRobotAccount(robotOf(t.Organization, r)) }, `SELECT `+robotColumns+`
				FROM json_each(?2) wanted CROSS JOIN robot_accounts r ON r.organization = ?1 AND r.id = wanted.value`, known.number, jsonArray(t.Robots))
			if err != nil {
				return err
			}
		}
		for _, ref := range t.Memberships {
			err := w.each(func(r row) {
				slice.LoadMembership(seatwright.Membership{
					Organization: t.Organization, Group: ref.Group, Member: seatwright.Member{Kind: seatwright.MemberKind(r.text(0)), ID: ref.Member},
				})
			}, `SELECT member_kind FROM memberships WHERE organization = ? AND group_id = ? AND member_id = ?`,
				known.number, string(ref.Group), ref.Member)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// putGroups writes what changed. What goes is gone before what comes, so that names are free.
func (w *writer) putGroups(c seatwright.Changes) error {
	for _, step := range [...]func(seatwright.Changes) error{w.removeGroups, w.storeGroups, w.storeMemberships} {
		if err := step(c); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) removeGroups(c seatwright.Changes) error {
	for _, m := range c.RemovedMembers {
		err := w.exec(`DELETE FROM memberships WHERE organization = ? AND group_id = ? AND member_id = ?`,
			w.numberOf(m.Organization), string(m.Group), m.Member.ID)
		if err != nil {
			return err
		}
	}
	for _, g := range c.RemovedGroups {
		number := w.numberOf(g.Organization)
		if err := w.exec(`DELETE FROM memberships WHERE organization = ? AND group_id = ?`, number, string(g.ID)); err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM groups WHERE organization = ? AND id = ?`, number, string(g.ID)); err != nil {
			return err
		}
	}
	for _, r := range c.RemovedRobots {
		number := w.numberOf(r.Organization)
		if err := w.exec(`DELETE FROM memberships WHERE organization = ? AND member_id = ? AND member_kind = 'robot'`, number, string(r.ID)); err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM robot_accounts WHERE organization = ? AND id = ?`, number, string(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) storeGroups(c seatwright.Changes) error {
	for _, g := range c.Groups {
		err := w.exec(`UPDATE groups SET name = ?, name_key = ?, modified_at = ? WHERE organization = ? AND id = ?`,
			g.Name, seatwright.NameKey(g.Name), g.ModifiedAt.UnixMicro(), w.numberOf(g.Organization), string(g.ID))
		if err != nil {
			return err
		}
	}
	for _, g := range c.NewGroups {
		err := w.exec(`INSERT INTO groups (organization, id, name, name_key, created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?)`,
			w.numberOf(g.Organization), string(g.ID), g.Name, seatwright.NameKey(g.Name), g.CreatedAt.UnixMicro(), g.ModifiedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, r := range c.Robots {
		err := w.exec(`UPDATE robot_accounts SET display_name = ?, modified_at = ? WHERE organization = ? AND id = ?`,
			r.DisplayName, r.ModifiedAt.UnixMicro(), w.numberOf(r.Organization), string(r.ID))
		if err != nil {
			return err
		}
	}
	for _, r := range c.NewRobots {
		err := w.exec(`INSERT INTO robot_accounts (organization, id, name, name_key, display_name, created_at, modified_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`,
			w.numberOf(r.Organization), string(r.ID), r.Name, seatwright.NameKey(r.Name), r.DisplayName, r.CreatedAt.UnixMicro(), r.ModifiedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) storeMemberships(c seatwright.Changes) error {
	for _, m := range c.NewMembers {
		err := w.exec(`INSERT INTO memberships (organization, group_id, member_id, member_kind) VALUES (?, ?, ?, ?)`,
			w.numberOf(m.Organization), string(m.Group), m.Member.ID, string(m.Member.Kind))
		if err != nil {
			return err
		}
	}
	return nil
}

// Groups implements seatwright.GroupReader.
func (s *Store) Groups(ctx context.Context, organization seatwright.OrganizationID) (groups []seatwright.Group, err error) {
	err = s.each(ctx, func(r row) { groups = append(groups, groupOf(organization, r)) }, `SELECT `+groupColumns+`
		FROM organizations o CROSS JOIN groups g ON g.organization = o.number WHERE o.id = ? ORDER BY g.name_key`, string(organization))
	return groups, err
}

// Group implements seatwright.GroupReader.
func (s *Store) Group(ctx context.Context, organization seatwright.OrganizationID, id seatwright.GroupID) (g seatwright.Group, err error) {
	err = s.one(ctx, seatwright.MissingGroup(), func(r row) { g = groupOf(organization, r) }, `SELECT `+groupColumns+`
		FROM organizations o CROSS JOIN groups g ON g.organization = o.number WHERE o.id = ? AND g.id = ?`, string(organization), string(id))
	return g, err
}

// Members implements seatwright.GroupReader.
func (s *Store) Members(
	ctx context.Context, organization seatwright.OrganizationID, group seatwright.GroupID, skip, top int,
) (members []seatwright.GroupMember, total int, err error) {
	err = s.each(ctx, func(r row) { total = int(r.int(0)) }, `SELECT count(*) FROM organizations o
		CROSS JOIN memberships m ON m.organization = o.number WHERE o.id = ? AND m.group_id = ?`, string(organization), string(group))
	if err != nil {
		return nil, 0, err
	}
	err = s.each(ctx, func(r row) {
		m := seatwright.GroupMember{Member: seatwright.Member{Kind: seatwright.MemberKind(r.text(0)), ID: r.text(1)}}
		m.Name, m.DisplayName, m.Email, m.FirstName, m.LastName = r.text(2), r.text(3), r.text(4), r.text(5), r.text(6)
		members = append(members, m)
	}, `SELECT m.member_kind, m.member_id, coalesce(u.user_name, r.name, ''), coalesce(u.display_name, r.display_name, ''),
			coalesce(u.email, ''), coalesce(u.first_name, ''), coalesce(u.last_name, '')
		FROM organizations o CROSS JOIN memberships m ON m.organization = o.number
		LEFT JOIN users u ON m.member_kind = 'user' AND u.organization = o.number AND u.id = m.member_id
		LEFT JOIN robot_accounts r ON m.member_kind = 'robot' AND r.organization = o.number AND r.id = m.member_id
		WHERE o.id = ? AND m.group_id = ? ORDER BY m.member_id LIMIT ? OFFSET ?`, string(organization), string(group), top, skip)
	return members, total, err
}

// GroupsOf implements seatwright.GroupReader.
func (s *Store) GroupsOf(ctx context.Context, organization seatwright.OrganizationID, members []string) (map[string][]seatwright.GroupID, error) {
	groups := map[string][]seatwright.GroupID{}
	err := s.each(ctx, func(r row) { groups[r.text(0)] = append(groups[r.text(0)], seatwright.GroupID(r.text(1))) }, `SELECT m.member_id, m.group_id
		FROM organizations o CROSS JOIN json_each(?2) wanted
		CROSS JOIN memberships m ON m.organization = o.number AND m.member_id = wanted.value
		WHERE o.id = ?1 ORDER BY m.member_id, m.group_id`, string(organization), jsonArray(members))
	return groups, err
}

// RobotAccount implements seatwright.GroupReader.
func (s *Store) RobotAccount(
	ctx context.Context, organization seatwright.OrganizationID, id seatwright.RobotAccountID,
) (robot seatwright.RobotAccount, err error) {
	err = s.one(ctx, seatwright.MissingRobotAccount(), func(r row) { robot = robotOf(organization, r) }, `SELECT `+robotColumns+`
		FROM organizations o CROSS JOIN robot_accounts r ON r.organization = o.number WHERE o.id = ? AND r.id = ?`, string(organization), string(id))
	return robot, err
}

// RobotAccounts implements seatwright.GroupReader.
func (s *Store) RobotAccounts(ctx context.Context, organization seatwright.OrganizationID) (robots []seatwright.RobotAccount, err error) {
	err = s.each(ctx, func(r row) { robots = append(robots, robotOf(organization, r)) }, `SELECT `+robotColumns+`
		FROM organizations o CROSS JOIN robot_accounts r ON r.organization = o.number WHERE o.id = ? ORDER BY r.name_key`, string(organization))
	return robots, err
}
