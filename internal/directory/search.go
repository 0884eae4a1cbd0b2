package directory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
)

// NamesReader is what the use cases of names ask.
type NamesReader interface {
	seatwright.DirectoryReader
	seatwright.GroupReader
	seatwright.NameReader
	People(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.User, error)
}

// Names finds whoever is in the directory of an organization: people, groups, robot accounts and applications. It changes
// nothing and is safe for concurrent use. Source: docs/decisions/0025-directory-search.md.
type Names struct {
	reader NamesReader
}

// NewNames makes the use cases over a reader.
func NewNames(reader NamesReader) *Names { return &Names{reader: reader} }

// EntityKind is what is found in a directory.
type EntityKind string

// The kinds of entity, in the words of the published API.
const (
	EntityUser        EntityKind = "user"
	EntityGroup       EntityKind = "group"
	EntityRobot       EntityKind = "robotAccount"
	EntityApplication EntityKind = "application"
)

// Entity is somebody or something in a directory.
type Entity struct {
	Kind        EntityKind
	ID          string
	Name        string // of a person the user name; empty where there is none
	DisplayName string // of groups and applications the name
	Email       string // people only, and so are the next two
	FirstName   string
	LastName    string
}

func userEntity(u seatwright.User) Entity {
	return Entity{
		Kind: EntityUser, ID: string(u.ID), Name: u.UserName, DisplayName: u.DisplayName, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
	}
}

func groupEntity(g seatwright.Group) Entity {
	return Entity{Kind: EntityGroup, ID: string(g.ID), Name: g.Name, DisplayName: g.Name}
}

func builtInEntity(b seatwright.BuiltInGroup) Entity {
	return Entity{Kind: EntityGroup, ID: string(b.ID), Name: b.Name, DisplayName: b.Name}
}

func robotEntity(r seatwright.RobotAccount) Entity {
	return Entity{Kind: EntityRobot, ID: string(r.ID), Name: r.Name, DisplayName: r.DisplayName}
}

func applicationEntity(a seatwright.Application) Entity {
	return Entity{Kind: EntityApplication, ID: string(a.ID), Name: a.Name, DisplayName: a.Name}
}

// entityKind reads a kind in any letter case; empty is that of people.
func entityKind(text string) (EntityKind, error) {
	switch strings.ToLower(text) {
	case "", "user":
		return EntityUser, nil
	case "group":
		return EntityGroup, nil
	case "robot", "robotaccount":
		return EntityRobot, nil
	case "application":
		return EntityApplication, nil
	}
	return "", seatwright.Invalid(seatwright.ReasonInvalidValue, "entityType is user, group, robotAccount or application").In("entityType")
}

// SearchQuery asks for whoever is called so.
type SearchQuery struct {
	StartsWith string
	Sources    []string // see sources; none: all
	Type       string   // see entityKind; empty: all
}

// sources are what can be searched, in lower case. Two have nothing in them: there is no directory but the organization's own.
var sources = map[string]EntityKind{
	"localusers": EntityUser, "directoryusers": "", "localgroups": EntityGroup, "directorygroups": "",
	"robotaccounts": EntityRobot, "applications": EntityApplication,
}

func (q SearchQuery) kinds() ([]EntityKind, error) {
	kinds := []EntityKind{EntityUser, EntityGroup, EntityRobot, EntityApplication}
	var from []EntityKind
	for _, source := range q.Sources {
		kind, known := sources[strings.ToLower(source)]
		if !known {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue,
				"sourceFilter is localUsers, directoryUsers, localGroups, directoryGroups, robotAccounts or applications").In("sourceFilter")
		}
		from = append(from, kind)
	}
	only, err := entityKind(q.Type)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(kinds, func(kind EntityKind) bool {
		return q.Type != "" && kind != only || len(q.Sources) > 0 && !slices.Contains(from, kind)
	}), nil
}

// MostFound is how many a search answers at most.
const MostFound = 100

// Search lists whoever has a name that begins so, in the order of their names and ids. It is made for the first letters of somebody:
// of more than MostFound it answers some, always the same.
func (n *Names) Search(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q SearchQuery) ([]Entity, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadDirectory); err != nil {
		return nil, err
	}
	if err := seatwright.CheckText("startsWith", q.StartsWith); err != nil {
		return nil, err
	}
	kinds, err := q.kinds()
	if err != nil {
		return nil, err
	}
	var found []Entity
	for _, kind := range kinds {
		some, err := n.search(ctx, organization, kind, q.StartsWith)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b Entity) int {
		return cmp.Or(cmp.Compare(seatwright.NameKey(a.Name), seatwright.NameKey(b.Name)), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind))
	})
	return found[:min(len(found), MostFound)], nil
}

func (n *Names) search(ctx context.Context, organization seatwright.OrganizationID, kind EntityKind, prefix string) (found []Entity, err error) {
	key := seatwright.NameKey(prefix)
	begins := func(name string) bool { return strings.HasPrefix(seatwright.NameKey(name), key) }
	switch kind {
	case EntityUser:
		q := seatwright.PeopleSearch{Most: MostFound}
		if nameKey, err := userNameKey(prefix); err == nil { // else no user name can begin so
			q.NameKeys = []seatwright.TextRange{seatwright.StartingWith(nameKey)}
		}
		for _, spelled := range seatwright.Spellings(prefix) {
			q.Texts = append(q.Texts, seatwright.StartingWith(spelled))
		}
		people, err := n.reader.SearchPeople(ctx, organization, q)
		return entities(people, userEntity), err
	case EntityGroup:
		for _, b := range seatwright.BuiltInGroups() {
			if begins(b.Name) {
				found = append(found, builtInEntity(b))
			}
		}
		groups, err := n.reader.SearchGroups(ctx, organization, seatwright.StartingWith(key), MostFound)
		return append(found, entities(groups, groupEntity)...), err
	case EntityRobot:
		robots, err := n.reader.RobotAccounts(ctx, organization)
		robots = slices.DeleteFunc(robots, func(r seatwright.RobotAccount) bool { return !begins(r.Name) && !begins(r.DisplayName) })
		return entities(robots, robotEntity), err
	case EntityApplication:
		applications, err := n.reader.Applications(ctx, organization, maxApplications)
		applications = slices.DeleteFunc(applications, func(a seatwright.Application) bool { return !begins(a.Name) })
		return entities(applications, applicationEntity), err
	}
	return nil, nil
}

func entities[T any](list []T, entity func(T) Entity) []Entity {
	all := make([]Entity, len(list))
	for i, each := range list {
		all[i] = entity(each)
	}
	return all
}

// MaxNamesPerCall is how many names, and how many ids of groups or members, one call may ask about.
const MaxNamesPerCall = 1000

// checkMany refuses a list that is missing or too long.
func checkMany(list []string, most int, field string) error {
	if list == nil {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "a list is needed; it may be empty").In(field)
	}
	if len(list) > most {
		return seatwright.Invalid(seatwright.ReasonTooMany, "at most %d in one call, not %d", most, len(list)).In(field)
	}
	return nil
}

// ResolveNames tells for each name who has it; names that nobody has, and those that more than one has, are left out. Where the kind
// is that of people a name is a user name, or else a mail address, or else the name of a robot account: whoever works.
func (n *Names) ResolveNames(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, names []string, kind string,
) (map[string]Entity, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadDirectory); err != nil {
		return nil, err
	}
	if err := checkMany(names, MaxNamesPerCall, "entityNames"); err != nil {
		return nil, err
	}
	wanted, err := entityKind(kind)
	if err != nil {
		return nil, err
	}
	resolved := map[string]Entity{}
	steps := map[EntityKind][]resolveStep{
		EntityUser:  {n.byUserName, n.byMail, n.byRobotName},
		EntityGroup: {n.byGroupName}, EntityRobot: {n.byRobotName}, EntityApplication: {n.byApplicationName},
	}
	for _, step := range steps[wanted] {
		// What nobody can be called is not asked for.
		left := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			_, done := resolved[name]
			return done || name == "" || seatwright.CheckText("entityNames", name) != nil
		})
		if len(left) == 0 {
			break
		}
		if err := step(ctx, organization, left, resolved); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// resolveStep finds whoever has one of the names.
type resolveStep func(ctx context.Context, organization seatwright.OrganizationID, names []string, into map[string]Entity) error

func (n *Names) byUserName(ctx context.Context, organization seatwright.OrganizationID, names []string, into map[string]Entity) error {
	var keys []string
	keyOf := map[string]string{}
	for _, name := range names {
		if key, err := userNameKey(name); err == nil {
			keys, keyOf[name] = append(keys, key), key
		}
	}
	people, err := n.reader.PeopleByName(ctx, organization, keys)
	byKey := map[string]Entity{}
	for _, u := range people {
		if key, err := userNameKey(u.UserName); err == nil {
			byKey[key] = userEntity(u)
		}
	}
	for name, key := range keyOf {
		if found, ok := byKey[key]; ok {
			into[name] = found
		}
	}
	return err
}

func (n *Names) byMail(ctx context.Context, organization seatwright.OrganizationID, names []string, into map[string]Entity) error {
	var addresses []string
	for _, name := range names {
		if strings.Contains(name, "@") {
			addresses = append(addresses, seatwright.FoldText(name))
		}
	}
	people, err := n.reader.PeopleByMail(ctx, organization, addresses)
	unique(names, seatwright.FoldText, people, func(u seatwright.User) string { return u.Email }, userEntity, into)
	return err
}

func (n *Names) byGroupName(ctx context.Context, organization seatwright.OrganizationID, names []string, into map[string]Entity) error {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = seatwright.NameKey(name)
	}
	groups, err := n.reader.FindGroups(ctx, organization, nil, keys)
	unique(names, seatwright.NameKey, seatwright.BuiltInGroups(), func(b seatwright.BuiltInGroup) string { return b.Name }, builtInEntity, into)
	unique(names, seatwright.NameKey, groups, func(g seatwright.Group) string { return g.Name }, groupEntity, into)
	return err
}

func (n *Names) byRobotName(ctx context.Context, organization seatwright.OrganizationID, names []string, into map[string]Entity) error {
	robots, err := n.reader.RobotAccounts(ctx, organization)
	unique(names, seatwright.NameKey, robots, func(r seatwright.RobotAccount) string { return r.Name }, robotEntity, into)
	return err
}

func (n *Names) byApplicationName(ctx context.Context, organization seatwright.OrganizationID, names []string, into map[string]Entity) error {
	applications, err := n.reader.Applications(ctx, organization, maxApplications)
	unique(names, seatwright.NameKey, applications, func(a seatwright.Application) string { return a.Name }, applicationEntity, into)
	return err
}

// unique tells for each of names which of list is called so, where one alone is; fold is how names are compared.
func unique[T any](names []string, fold func(string) string, list []T, nameOf func(T) string, entity func(T) Entity, into map[string]Entity) {
	byName, ambiguous := map[string]Entity{}, map[string]bool{}
	for _, each := range list {
		key := fold(nameOf(each))
		_, ambiguous[key] = byName[key]
		byName[key] = entity(each)
	}
	for _, name := range names {
		if found, ok := byName[fold(name)]; ok && !ambiguous[fold(name)] {
			into[name] = found
		}
	}
}

// Resolve finds whoever has an id. Where the kind is that of people it may be a robot account's. An id that nobody has, or can
// have, is not_found/not_found.
func (n *Names) Resolve(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id, kind string,
) (Entity, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadDirectory); err != nil {
		return Entity{}, err
	}
	wanted, err := entityKind(kind)
	if err != nil {
		return Entity{}, err
	}
	if id == "" {
		return Entity{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "an id is needed").In("entityId")
	}
	missing := map[EntityKind]*seatwright.Error{
		EntityUser: seatwright.MissingUser(), EntityGroup: seatwright.MissingGroup(), EntityRobot: seatwright.MissingRobotAccount(),
		EntityApplication: seatwright.NotFound(seatwright.ReasonNotFound, "there is no such application"),
	}[wanted]
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return Entity{}, missing
	}
	found, err := n.entity(ctx, organization, canonical, wanted)
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		return Entity{}, missing
	}
	return found, err
}

func (n *Names) entity(ctx context.Context, organization seatwright.OrganizationID, id string, kind EntityKind) (Entity, error) {
	switch kind {
	case EntityUser:
		u, err := n.reader.User(ctx, organization, seatwright.UserID(id))
		if seatwright.IsKind(err, seatwright.KindNotFound) {
			return n.entity(ctx, organization, id, EntityRobot)
		}
		return userEntity(u), err
	case EntityGroup:
		if b, is := seatwright.LookupBuiltInGroup(seatwright.GroupID(id)); is {
			return builtInEntity(b), nil
		}
		g, err := n.reader.Group(ctx, organization, seatwright.GroupID(id))
		return groupEntity(g), err
	case EntityApplication:
		a, err := n.reader.Application(ctx, seatwright.ApplicationID(id))
		if err == nil && a.Organization != organization { // ids of applications are those of the installation
			return Entity{}, seatwright.NotFound(seatwright.ReasonNotFound, "there is no such application")
		}
		return applicationEntity(a), err
	default:
		r, err := n.reader.RobotAccount(ctx, organization, seatwright.RobotAccountID(id))
		return robotEntity(r), err
	}
}
