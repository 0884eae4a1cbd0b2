package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/seatwright/seatwright"
)

// Whoever is in a directory, found by what they are called: what readers ask.

// nameColumns are the texts of a person that are searched, each with the index that has it; users_by_name is for keys.
var nameColumns = [...]string{"email", "first_name", "last_name", "display_name"}

// SearchPeople implements seatwright.NameReader. Each range of each text is a walk of its own through the index.
func (s *Store) SearchPeople(ctx context.Context, organization seatwright.OrganizationID, q seatwright.PeopleSearch) (found []seatwright.User, err error) {
	var walks []string
	args := []any{string(organization), int64(q.Most)}
	walk := func(text, known string, in seatwright.TextRange) {
		args = append(args, in.From, in.To)
		walks = append(walks, fmt.Sprintf(`(SELECT u.id FROM users u WHERE u.organization = `+numberOf+` AND %s AND %s >= $%d AND %s < $%d ORDER BY %s, u.id LIMIT $2)`,
			known, text, len(args)-1, text, len(args), text))
	}
	for _, in := range q.NameKeys {
		walk(`u.user_name_key`, `u.user_name_key IS NOT NULL`, in)
	}
	for _, in := range q.Texts {
		for _, column := range nameColumns {
			walk(`lower(u.`+column+` COLLATE "C")`, `u.`+column+` <> ''`, in)
		}
	}
	if len(walks) == 0 {
		return nil, nil
	}
	return s.people(ctx, organization, `SELECT `+userColumns+` FROM users u WHERE u.organization = `+numberOf+`
		AND u.id = ANY(ARRAY(`+strings.Join(walks, ` UNION `)+`)) ORDER BY u.id`, args...)
}

// people reads people without their password hashes.
func (s *Store) people(ctx context.Context, organization seatwright.OrganizationID, query string, args ...any) (found []seatwright.User, err error) {
	err = s.each(ctx, func(r row) {
		u := userOf(organization, r)
		u.PasswordHash = ""
		found = append(found, u)
	}, query, args...)
	return found, err
}

// PeopleByName implements seatwright.NameReader.
func (s *Store) PeopleByName(ctx context.Context, organization seatwright.OrganizationID, nameKeys []string) ([]seatwright.User, error) {
	return s.people(ctx, organization, `SELECT `+userColumns+` FROM (SELECT DISTINCT name_key FROM unnest($2::text[]) name_key) wanted
		JOIN users u ON u.organization = `+numberOf+` AND u.user_name_key = wanted.name_key ORDER BY u.id`, string(organization), storables(nameKeys))
}

// PeopleByMail implements seatwright.NameReader. Whoever is both the first and the last with an address is the only one.
func (s *Store) PeopleByMail(ctx context.Context, organization seatwright.OrganizationID, addresses []string) ([]seatwright.User, error) {
	const with = `(SELECT x.id FROM users x WHERE x.organization = ` + numberOf + ` AND x.email <> '' AND lower(x.email COLLATE "C") = wanted.address ORDER BY x.id `
	return s.people(ctx, organization, `SELECT `+userColumns+` FROM (SELECT DISTINCT address FROM unnest($2::text[]) address) wanted
		JOIN users u ON u.organization = `+numberOf+` AND u.id = `+with+`LIMIT 1)
		WHERE u.id = `+with+`DESC LIMIT 1) ORDER BY u.id`, string(organization), storables(addresses))
}

// SearchGroups implements seatwright.NameReader.
func (s *Store) SearchGroups(
	ctx context.Context, organization seatwright.OrganizationID, nameKeys seatwright.TextRange, most int,
) (groups []seatwright.Group, err error) {
	err = s.each(ctx, func(r row) { groups = append(groups, groupOf(organization, r)) }, `SELECT `+groupColumns+` FROM groups g
		WHERE g.organization = `+numberOf+` AND g.name_key >= $2 AND g.name_key < $3 ORDER BY g.name_key LIMIT $4`,
		string(organization), nameKeys.From, nameKeys.To, int64(most))
	return groups, err
}

// FindGroups implements seatwright.NameReader.
func (s *Store) FindGroups(
	ctx context.Context, organization seatwright.OrganizationID, ids []seatwright.GroupID, nameKeys []string,
) (groups []seatwright.Group, err error) {
	const one = `SELECT ` + groupColumns + ` FROM groups g WHERE g.organization = ` + numberOf + ` AND `
	err = s.each(ctx, func(r row) { groups = append(groups, groupOf(organization, r)) },
		one+`g.id = ANY($2::text[]) UNION `+one+`g.name_key = ANY($3::text[]) ORDER BY 1`, string(organization), storables(ids), storables(nameKeys))
	return groups, err
}
