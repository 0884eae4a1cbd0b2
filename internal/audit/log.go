// Package audit lets auditors read the events of their organization: which they may see, how each is told in words, and who was
// meant. Start with [Log.Search]; the table of all kinds of event is in kinds.go. It writes nothing.
package audit

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// The limits of one question.
const (
	MaxPage     = 1000    // records of one page
	MaxDownload = 100_000 // records of one download
)

// maxSearches is how many questions may look at each event at once, whoever asks. Each takes a connection of the store for as long
// as seconds, and there must be some left for those who ask who holds what.
const maxSearches = 2

// Reader is where the events are.
type Reader interface {
	SearchEvents(ctx context.Context, organization seatwright.OrganizationID, query seatwright.EventQuery) (seatwright.EventPage, error)
	People(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.User, error)
}

// Directory finds a person by user name, in any letter case; nobody is not_found.
type Directory interface {
	UserNamed(ctx context.Context, organization seatwright.OrganizationID, userName string) (seatwright.User, error)
}

// Log is the audit logs of all organizations. It is safe for concurrent use.
type Log struct {
	reader    Reader
	directory Directory
	searches  chan struct{} // holds one for each search that is under way
}

// New makes the logs over a store and the directory of the same store.
func New(reader Reader, directory Directory) *Log {
	return &Log{reader: reader, directory: directory, searches: make(chan struct{}, maxSearches)}
}

// Query is what an auditor asks for. Words are compared without regard to letter case, ids exactly; an empty text asks for everything.
type Query struct {
	UserName string // of who did it, as Record.UserName shows it
	Category string
	Action   string
	From, To time.Time // From included, To not; zero: no bound
	Before   int64     // records with a smaller sequence; 0: no bound
	Sort     string    // createdOn, category or action; empty: createdOn
	Order    string    // asc or desc; empty: the newest first, and words in the order of the alphabet
	Skip     int64
	Top      int // records of the page, 0 to MaxPage

	WithoutTotal bool // Page.Total is not needed
}

// Page is a part of what was found.
type Page struct {
	Records []Record
	Total   int64 // on all pages
}

// Search answers a page of the log of an organization; an empty one means the caller's own. Errors: forbidden/missing_permission;
// not_found/organization_not_found, also for a host administrator who asks for a log other than the host's; invalid/invalid_value
// for a word that means nothing, with the field of the published API; invalid/too_many where too many events would have to be searched;
// unavailable/overloaded where ctx ends while others search.
func (l *Log) Search(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q Query) (Page, error) {
	organization, err := l.admit(caller, organization)
	if err != nil {
		return Page{}, err
	}
	query, err := l.query(ctx, organization, q)
	if err != nil {
		return Page{}, err
	}
	return l.page(ctx, organization, query)
}

// Download answers the newest size records of what a query finds, page by page, and how many there are to be found. Order and page
// of the query are not looked at. Errors of the first page are returned, those of a later one are yielded and end the download. The
// errors are those of Search.
func (l *Log) Download(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q Query, size int,
) (total int64, pages iter.Seq2[[]Record, error], err error) {
	if organization, err = l.admit(caller, organization); err != nil {
		return 0, nil, err
	}
	query, err := l.query(ctx, organization, q)
	if err != nil {
		return 0, nil, err
	}
	query.Ranks, query.Newest, query.Skip, query.Top = nil, true, 0, min(size, MaxPage)
	first, err := l.page(ctx, organization, query)
	if err != nil {
		return 0, nil, err
	}
	size = int(min(int64(size), first.Total))
	return first.Total, func(yield func([]Record, error) bool) {
		page := first.Records
		for done := 0; len(page) > 0 && yield(page, nil); {
			if done += len(page); done >= size {
				return
			}
			query.Before, query.Top, query.WithoutTotal = page[len(page)-1].Sequence, min(size-done, MaxPage), true
			next, err := l.page(ctx, organization, query)
			if err != nil {
				yield(nil, err)
				return
			}
			page = next.Records
		}
	}, nil
}

// admit checks who asks. Host administrators read the log of the host; what happens in an organization is that organization's.
func (l *Log) admit(caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.OrganizationID, error) {
	p := caller.Principal
	if err := p.Check(seatwright.PermissionReadAudit); err != nil {
		return "", err
	}
	if organization == "" {
		organization = p.Organization
	}
	if organization != p.Organization {
		return "", seatwright.MissingOrganization()
	}
	return organization, nil
}

func (l *Log) page(ctx context.Context, organization seatwright.OrganizationID, query seatwright.EventQuery) (Page, error) {
	found, err := l.search(ctx, organization, query)
	if err != nil {
		return Page{}, err
	}
	mentioned := map[seatwright.UserID]bool{}
	for _, e := range found.Events {
		for _, id := range Mentions(e) {
			mentioned[id] = true
		}
	}
	people := make(map[seatwright.UserID]seatwright.User, len(mentioned))
	if len(mentioned) > 0 {
		known, err := l.reader.People(ctx, organization, slices.Sorted(maps.Keys(mentioned)))
		if err != nil {
			return Page{}, err
		}
		for _, u := range known {
			people[u.ID] = u
		}
	}
	page := Page{Total: found.Total, Records: make([]Record, len(found.Events))}
	for i, e := range found.Events {
		page.Records[i] = Describe(e, people)
	}
	return page, nil
}

// search asks the store, after waiting for a turn where the question looks at each event.
func (l *Log) search(ctx context.Context, organization seatwright.OrganizationID, query seatwright.EventQuery) (seatwright.EventPage, error) {
	if query.Searches() {
		select {
		case l.searches <- struct{}{}:
			defer func() { <-l.searches }()
		case <-ctx.Done():
			return seatwright.EventPage{}, seatwright.Unavailable(seatwright.ReasonOverloaded, ctx.Err(), "too many searches of audit logs are under way")
		}
	}
	return l.reader.SearchEvents(ctx, organization, query)
}

func (l *Log) query(ctx context.Context, organization seatwright.OrganizationID, q Query) (seatwright.EventQuery, error) {
	query := seatwright.EventQuery{From: q.From, To: q.To, Before: q.Before, Skip: q.Skip, Top: q.Top, WithoutTotal: q.WithoutTotal}
	var err error
	if query.Kinds, err = kindsOf(q.Category, q.Action); err != nil {
		return query, err
	}
	if query.Ranks, query.Newest, err = order(q.Sort, q.Order); err != nil {
		return query, err
	}
	if q.UserName != "" {
		query.Actors, err = l.actors(ctx, organization, q.UserName)
	}
	return query, err
}

// actors lists the actors whom Record.UserName shows as name: the person who has that user name, and what is shown by its id because
// it has no other name here. Of an id that has belonged to two people one after the other, the events of both are found.
func (l *Log) actors(ctx context.Context, organization seatwright.OrganizationID, name string) ([]string, error) {
	if err := seatwright.CheckText("userName", name); err != nil {
		return nil, err
	}
	own := "user/"
	if organization == seatwright.HostID {
		own = "host/"
	}
	actors := []string{"application/" + name, name}
	person, err := l.directory.UserNamed(ctx, organization, name)
	switch {
	case err == nil:
		actors = append(actors, own+string(person.ID))
	case !seatwright.IsKind(err, seatwright.KindNotFound):
		return nil, err
	}
	known, err := l.reader.People(ctx, organization, []seatwright.UserID{seatwright.UserID(name)})
	if err != nil {
		return nil, err
	}
	if len(known) == 0 || known[0].UserName == "" {
		actors = append(actors, own+name)
	}
	return actors, nil
}

// kindsOf lists the kinds of a category and an action; nil where neither is named.
func kindsOf(category, action string) ([]seatwright.EventKind, error) {
	if category == "" && action == "" {
		return nil, nil
	}
	found := []seatwright.EventKind{}
	categories, actions := words()
	for k, row := range kinds {
		if (category == "" || strings.EqualFold(row.category, category)) && (action == "" || strings.EqualFold(row.action, action)) {
			found = append(found, k)
		}
	}
	for _, c := range []struct {
		field, word string
		all         []string
	}{{"entityType", category, categories}, {"operationType", action, actions}} {
		if c.word != "" && !slices.ContainsFunc(c.all, func(known string) bool { return strings.EqualFold(known, c.word) }) {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "%s is one of %s", c.field, strings.Join(c.all, ", ")).In(c.field)
		}
	}
	slices.Sort(found)
	return found, nil
}

// words lists all categories and all actions, each once and sorted.
func words() (categories, actions []string) {
	for _, row := range kinds {
		categories, actions = append(categories, row.category), append(actions, row.action)
	}
	slices.Sort(categories)
	slices.Sort(actions)
	return slices.Compact(categories), slices.Compact(actions)
}

// order reads sortBy and sortOrder. The order by a word is one of kinds, each with the place of its word.
func order(sortBy, sortOrder string) (ranks map[seatwright.EventKind]int, newest bool, err error) {
	descending := strings.EqualFold(sortOrder, "desc")
	if !descending && sortOrder != "" && !strings.EqualFold(sortOrder, "asc") {
		return nil, false, seatwright.Invalid(seatwright.ReasonInvalidValue, "sortOrder is asc or desc").In("sortOrder")
	}
	categories, actions := words()
	switch strings.ToLower(sortBy) {
	case "", "createdon":
		return nil, descending || sortOrder == "", nil
	case "category":
		return ranked(categories, func(row kind) string { return row.category }, descending), true, nil
	case "action":
		return ranked(actions, func(row kind) string { return row.action }, descending), true, nil
	case "username", "email":
		return nil, false, seatwright.Invalid(seatwright.ReasonInvalidValue,
			"the log is not sorted by names or addresses, which are looked up when it is read: use the filter userName").In("sortBy")
	}
	return nil, false, seatwright.Invalid(seatwright.ReasonInvalidValue, "sortBy is createdOn, category or action").In("sortBy")
}

func ranked(sorted []string, word func(kind) string, descending bool) map[seatwright.EventKind]int {
	ranks := make(map[seatwright.EventKind]int, len(kinds))
	for k, row := range kinds {
		place, _ := slices.BinarySearch(sorted, word(row))
		if descending {
			place = -place
		}
		ranks[k] = place
	}
	return ranks
}
