package postgres

import (
	"errors"

	"github.com/seatwright/seatwright"
)

// nameSpaces say how to look up the names and ids that a command wants to use. $1 is the organization, $2 the names.
var nameSpaces = []struct {
	space        seatwright.NameSpace
	installation bool
	names        func(*seatwright.Touch) []string
	statement    *statement
}{
	{seatwright.NamesOfUsers, false, func(t *seatwright.Touch) []string { return t.UserNameKeys }, newStatement(
		`SELECT user_name_key FROM users WHERE organization = $2::int4 AND user_name_key = ANY($1::text[])`, oidText)},
	{seatwright.NamesOfGroups, false, func(t *seatwright.Touch) []string { return t.GroupNameKeys }, newStatement(
		`SELECT name_key FROM groups WHERE organization = $2::int4 AND name_key = ANY($1::text[])`, oidText)},
	{seatwright.NamesOfRobots, false, func(t *seatwright.Touch) []string { return t.RobotNameKeys }, newStatement(
		`SELECT name_key FROM robot_accounts WHERE organization = $2::int4 AND name_key = ANY($1::text[])`, oidText)},
	{seatwright.ExternalIDsOfUsers, false, func(t *seatwright.Touch) []string { return t.ExternalIDs }, newStatement(
		`SELECT external_id FROM users WHERE organization = $2::int4 AND external_id = ANY($1::text[])`, oidText)},
	{seatwright.NamesOfTenants, false, func(t *seatwright.Touch) []string { return t.TenantNameKeys }, newStatement(
		`SELECT name_key FROM tenants WHERE organization = $2::int4 AND name_key = ANY($1::text[])`, oidText)},
	{seatwright.IDsOfTenants, false, func(t *seatwright.Touch) []string { return texts(t.Tenants) }, newStatement(
		`SELECT id FROM tenants WHERE organization = $2::int4 AND id = ANY($1::text[])`, oidText)},
	{seatwright.IDsOfLots, false, func(t *seatwright.Touch) []string { return texts(t.LotIDs) }, newStatement(
		`SELECT id FROM lots WHERE organization = $2::int4 AND id = ANY($1::text[])`, oidText)},
	{seatwright.NamesOfOrganizations, true, func(t *seatwright.Touch) []string { return t.OrganizationNameKeys }, newStatement(
		`SELECT n FROM unnest($1::text[]) n WHERE $2::int4 IS NOT NULL AND EXISTS (SELECT FROM organizations WHERE name_key = n OR lower(id) = n)`, oidText)},
	{seatwright.IDsOfApplications, true, func(t *seatwright.Touch) []string { return texts(t.ApplicationIDs) }, newStatement(
		`SELECT id FROM applications WHERE $2::int4 IS NOT NULL AND id = ANY($1::text[])`, oidText)},
}

// loadTaken looks up the names and ids that commands want to use.
func (b *batch) loadTaken(touches []*seatwright.Touch) error {
	type question struct {
		organization seatwright.OrganizationID
		space        seatwright.NameSpace
	}
	var t *trip
	var asked []question
	for _, touch := range touches {
		for _, s := range nameSpaces {
			names := s.names(touch)
			if len(names) == 0 {
				continue
			}
			if t == nil {
				t = b.writer.trip()
			}
			columns := t.columns(s.statement)
			for _, name := range names {
				columns[0].text(name)
			}
			t.send(s.statement, columns, int4Value(b.writer.recent.numbers[touch.Organization]))
			q := question{touch.Organization, s.space}
			if s.installation {
				q.organization = ""
			}
			asked = append(asked, q)
		}
	}
	if t == nil {
		return nil
	}
	if err := t.flush(loadTime); err != nil {
		return err
	}
	for _, q := range asked {
		if err := t.each(func(r row) { b.slice.LoadTaken(q.organization, q.space, r.text(0)) }); err != nil {
			return errors.Join(err, t.end())
		}
	}
	return t.end()
}
