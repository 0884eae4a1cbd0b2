package seatwright

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// Store keeps everything durable. Both implementations pass storetest; a third could be written from these comments.
//
// Errors: a missing row is not_found; a database that does not answer is unavailable/store_unavailable, and then nothing has
// changed; everything else is internal. Times come back in UTC, cut to microseconds. Ids are compared exactly, letter case
// included. All methods may be called at the same time.
type Store interface {
	Reader
	// Update runs one batch as one transaction: it takes the locks of the touched organizations, all writers in one order,
	// reads the clock, loads the slice, calls decide, writes the slice's changes and commits. Where several nodes share the
	// database it may find that it has to roll back and begin again, a few times at most: then decide is called again, on
	// a fresh slice.
	//
	// When decide returns an error, or panics, the transaction is rolled back and the error returned, or the panic passed
	// on. When nothing has changed no row is written, but what was read is as durable as what is. Cancelling ctx can end the call before COMMIT is sent, never after.
	// Where there is no room to store anything the error is store_unavailable and wraps ErrStorageFull, and there may still be
	// room for a request that only gives back.
	//
	// Where others hold organizations for too long the error is a *BusyError that names them.
	// An error whose reason is outcome_unknown means that COMMIT was sent and not confirmed; after every other error
	// nothing has changed. When Update returns nil the changes survive the loss of power, and every later read sees them.
	Update(ctx context.Context, request LoadRequest, decide func(*Slice) error) error
	// Writers is how many Updates at once are of use, at least 1. It never changes.
	Writers() int
	// Close waits for the running Update and releases the database. Later calls are unavailable.
	Close() error
}

// Feed is a store whose database other nodes change as well.
type Feed interface {
	// Follow calls heard for what any node, this one too, has told of its changes, until ctx ends: the organization, and the sequence of its
	// last event. An organization "" means that something may have been missed: the heads say what. A notice can be lost with whoever
	// sends it, and comes some milliseconds after COMMIT otherwise. Calls come one at a time.
	Follow(ctx context.Context, heard func(organization OrganizationID, sequence int64))
	// Sequences tells the sequences of the last events of those of organizations that exist, and names the server that told. Another name than
	// the last time means that another server has taken over, or that the same has begun anew: it may lack what was read before.
	Sequences(ctx context.Context, organizations []OrganizationID) (sequences map[OrganizationID]int64, server string, err error)
}

// LoadRequest is what the commands of one batch need, together.
type LoadRequest struct {
	Lane      int     // which of the Writers of the store is to do it; those of one lane take turns
	Touches   []Touch // an organization may be named more than once
	Keys      []KeyRef
	GivesBack bool // every command of the batch only gives back: it may have the room that a store keeps for that
}

// BusyError says that somebody else has held the locks of some organizations for too long. Nothing has changed; a batch without
// them may succeed at once.
type BusyError struct {
	Organizations []OrganizationID // at least one
	Err           *Error           // unavailable/store_unavailable
}

func (e *BusyError) Error() string { return e.Err.Error() }

// Unwrap returns what callers are told.
func (e *BusyError) Unwrap() error { return e.Err }

// ErrStorageFull is the cause of errors of a store that has no room. Nothing has changed.
var ErrStorageFull = errors.New("no room to store anything")

// StorageFull is the error of a store that has no room; cause may be nil.
func StorageFull(cause error) *Error {
	return Unavailable(ReasonStoreUnavailable, errors.Join(ErrStorageFull, cause),
		"there is no room to store anything; nothing has changed, and seats can still be taken back")
}

// ByOrganization joins the touches of each organization, in the order of their ids; users and codes are listed once. What it returns may
// be the request's own, and is only to be read.
func (r LoadRequest) ByOrganization() []*Touch {
	all := make([]*Touch, len(r.Touches))
	for i := range r.Touches {
		all[i] = &r.Touches[i]
	}
	slices.SortStableFunc(all, func(a, b *Touch) int { return cmp.Compare(a.Organization, b.Organization) })
	joined := all[:0]
	for len(all) > 0 {
		same := 1
		for same < len(all) && all[same].Organization == all[0].Organization {
			same++
		}
		of := all[0]
		if same > 1 || !of.isOfOne() {
			of = joinTouches(all[:same])
		}
		joined, all = append(joined, of), all[same:]
	}
	return joined
}

// isOfOne reports that a touch lists at most one of everything that may be listed twice: there is nothing to join.
func (t *Touch) isOfOne() bool {
	return max(len(t.Users), len(t.Codes), len(t.WholeUsers), len(t.SignIns), len(t.Denied), len(t.UnitLeases), len(t.PastUnits)) <= 1 && len(t.Services) == 0
}

// joinTouches makes one of several of the same organization.
func joinTouches(same []*Touch) *Touch {
	m := &Touch{Organization: same[0].Organization}
	for _, t := range same {
		m.Users = append(m.Users, t.Users...)
		m.WholeUsers = append(m.WholeUsers, t.WholeUsers...)
		m.Codes = append(m.Codes, t.Codes...)
		m.Lots = m.Lots || t.Lots
		m.AllLots = m.AllLots || t.AllLots
		m.Services = append(m.Services, t.Services...)
		m.Denied = append(m.Denied, t.Denied...)
		for _, scope := range t.Services {
			if scope.Service != "" {
				m.Denied = append(m.Denied, Denied{DeniedService, scope.String()})
			}
		}
		m.UnitLeases = append(m.UnitLeases, t.UnitLeases...)
		m.PastUnits = append(m.PastUnits, t.PastUnits...)
		m.Groups = append(m.Groups, t.Groups...)
		m.Robots = append(m.Robots, t.Robots...)
		m.Memberships = append(m.Memberships, t.Memberships...)
		m.Settings = append(m.Settings, t.Settings...)
		m.Notices = append(m.Notices, t.Notices...)
		m.LicenseFiles = append(m.LicenseFiles, t.LicenseFiles...)
		m.GroupNameKeys = append(m.GroupNameKeys, t.GroupNameKeys...)
		m.RobotNameKeys = append(m.RobotNameKeys, t.RobotNameKeys...)
		m.SignIns = append(m.SignIns, t.SignIns...)
		m.GroupsOf = append(m.GroupsOf, t.GroupsOf...)
		m.Rules = m.Rules || t.Rules
		m.Sessions = append(m.Sessions, t.Sessions...)
		m.SessionsOf = append(m.SessionsOf, t.SessionsOf...)
		m.UserNameKeys = append(m.UserNameKeys, t.UserNameKeys...)
		m.ExternalIDs = append(m.ExternalIDs, t.ExternalIDs...)
		m.TenantNameKeys = append(m.TenantNameKeys, t.TenantNameKeys...)
		m.Tenants = append(m.Tenants, t.Tenants...)
		m.LotIDs = append(m.LotIDs, t.LotIDs...)
		m.OrganizationNameKeys = append(m.OrganizationNameKeys, t.OrganizationNameKeys...)
		m.Applications = append(m.Applications, t.Applications...)
		m.Grants = append(m.Grants, t.Grants...)
		m.ApplicationIDs = append(m.ApplicationIDs, t.ApplicationIDs...)
	}
	slices.Sort(m.Users)
	slices.Sort(m.Codes)
	slices.Sort(m.WholeUsers)
	slices.Sort(m.SignIns)
	m.Users, m.Codes = slices.Compact(m.Users), slices.Compact(m.Codes)
	slices.SortFunc(m.Denied, func(a, b Denied) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	m.Denied = slices.Compact(m.Denied)
	m.WholeUsers, m.SignIns = slices.Compact(m.WholeUsers), slices.Compact(m.SignIns)
	slices.SortFunc(m.UnitLeases, compareUnitLeases)
	slices.Sort(m.PastUnits)
	m.UnitLeases, m.PastUnits = slices.Compact(m.UnitLeases), slices.Compact(m.PastUnits)
	return m
}

// Reader answers questions. It never decides anything: what it says may be out of date when the caller hears it.
type Reader interface {
	DirectoryReader
	GroupReader
	NameReader
	SettingReader
	GrantReader
	LicenseReader
	LeaseReader
	NoticeReader
	DenialReader
	UnitReader
	EventReader
}

// DirectoryReader finds organizations, people and programs.
type DirectoryReader interface {
	// Organization finds an organization, or the host, by its exact id.
	Organization(ctx context.Context, id OrganizationID) (Organization, error)
	// OrganizationByName finds an organization, or the host, by the key of its name.
	OrganizationByName(ctx context.Context, nameKey string) (Organization, error)
	// TenantsByName lists the tenants of that name in the whole installation, at most two, in the order of organization and id.
	TenantsByName(ctx context.Context, nameKey string) ([]Tenant, error)
	// User finds a person by exact id.
	User(ctx context.Context, organization OrganizationID, id UserID) (User, error)
	// UserByName finds a person by the key of their user name.
	UserByName(ctx context.Context, organization OrganizationID, nameKey string) (User, error)
	// Users lists a page of the people of an organization, with how many there are in all. An organization that does not exist
	// has none. It reads every person of the organization where a term or another order than that of ids is asked for.
	Users(ctx context.Context, organization OrganizationID, q UserQuery) (UserPage, error)
	// Application finds an application by exact client id.
	Application(ctx context.Context, id ApplicationID) (Application, error)
	// Applications lists those of an organization in the order of their ids, at most so many.
	Applications(ctx context.Context, organization OrganizationID, most int) ([]Application, error)
	// LastSignIns tells when each of users has last signed in; those who never have, or do not exist, are left out.
	LastSignIns(ctx context.Context, organization OrganizationID, users []UserID) (map[UserID]time.Time, error)
	// SigningKeys lists the signing keys, newest first. There may be none.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
}

// GrantReader finds grants.
type GrantReader interface {
	// Grant finds a grant by exact id, expired and revoked ones too. One that ended an hour ago or more may be missing.
	Grant(ctx context.Context, organization OrganizationID, id GrantID) (Grant, error)
	// PersonalTokens lists the personal tokens of a person, oldest first, expired ones included.
	PersonalTokens(ctx context.Context, organization OrganizationID, user UserID) ([]Grant, error)
}

// SettingReader reads settings.
type SettingReader interface {
	// Settings lists the settings of an organization, or of one of its people where user is not empty, in the order of their
	// keys: those of the given keys, or all where there are none, at most so many.
	Settings(ctx context.Context, organization OrganizationID, user UserID, keys []SettingKey, most int) ([]Setting, error)
}

// GroupReader finds groups and robot accounts. The built-in groups are not among them.
type GroupReader interface {
	// Groups lists the groups of an organization in the order of their names.
	Groups(ctx context.Context, organization OrganizationID) ([]Group, error)
	// Group finds a group by exact id.
	Group(ctx context.Context, organization OrganizationID, id GroupID) (Group, error)
	// Members lists who is in a group, in the order of their ids: top of them after skip, and how many there are.
	Members(ctx context.Context, organization OrganizationID, group GroupID, skip, top int) ([]GroupMember, int, error)
	// GroupsOf lists the groups in which each of some members is, in the order of their ids. Who is in none is not listed.
	GroupsOf(ctx context.Context, organization OrganizationID, members []string) (map[string][]GroupID, error)
	// RobotAccount finds a robot account by exact id.
	RobotAccount(ctx context.Context, organization OrganizationID, id RobotAccountID) (RobotAccount, error)
	// RobotAccounts lists all robot accounts of an organization in the order of their names.
	RobotAccounts(ctx context.Context, organization OrganizationID) ([]RobotAccount, error)
}

// GroupMember is a member of a group with what people call them.
type GroupMember struct {
	Member
	Name        string // user name, or name of the robot account
	DisplayName string
	Email       string // people only, and so are the next two
	FirstName   string
	LastName    string
}

// NameReader finds whoever is in a directory by what they are called. Nobody whom it answers has a password hash.
type NameReader interface {
	// SearchPeople lists the people of whom the user name, the mail address or one of the names is in a range of the search, each
	// once, in the order of their ids. Of each range of each of the five it takes the first Most in the order of that text (of
	// equal ones by id), so that it reads about as many rows as it answers, however large the organization is.
	SearchPeople(ctx context.Context, organization OrganizationID, s PeopleSearch) ([]User, error)
	// PeopleByName finds people by the keys of their user names, in the order of their ids.
	PeopleByName(ctx context.Context, organization OrganizationID, nameKeys []string) ([]User, error)
	// PeopleByMail finds those who have one of the mail addresses and share it with nobody, in the order of their ids. The
	// addresses are in the form of FoldText.
	PeopleByMail(ctx context.Context, organization OrganizationID, addresses []string) ([]User, error)
	// SearchGroups lists the groups whose name key is in a range, in the order of the keys: at most so many.
	SearchGroups(ctx context.Context, organization OrganizationID, nameKeys TextRange, most int) ([]Group, error)
	// FindGroups finds groups by one of the ids or by one of the keys of their names, in the order of their ids.
	FindGroups(ctx context.Context, organization OrganizationID, ids []GroupID, nameKeys []string) ([]Group, error)
}

// LicenseReader tells what was bought and who holds it.
type LicenseReader interface {
	DistributionReader
	// Pools lists the pools of an organization in the order of their codes, with totals as of now.
	Pools(ctx context.Context, organization OrganizationID) ([]Pool, error)
	// Lots lists the purchases of an organization with their states as of now, in the order of code and id: those of one code, or
	// all where code is empty.
	Lots(ctx context.Context, organization OrganizationID, code ProductCode) ([]Purchase, error)
	// LicenseFile finds a license file that was imported into an organization by its exact id.
	LicenseFile(ctx context.Context, organization OrganizationID, id LicenseFileID) (LicenseFile, error)
	// LicenseFiles lists the license files that were imported into an organization, in the order of their ids: those behind an id,
	// at most so many.
	LicenseFiles(ctx context.Context, organization OrganizationID, behind LicenseFileID, most int) ([]LicenseFile, error)
	// Lot finds a purchase by exact id.
	Lot(ctx context.Context, organization OrganizationID, id LotID) (Purchase, error)
	// Allocations lists the direct allocations of those of users that have a direct record, in the order of their ids;
	// codes are sorted.
	Allocations(ctx context.Context, organization OrganizationID, users []UserID) ([]UserAllocation, error)
	// SeatUnits sums the units of all seats of an organization by code. It reads every seat: for verification only.
	SeatUnits(ctx context.Context, organization OrganizationID) (map[ProductCode]int64, error)
}

// LeaseReader tells of rules, of what people hold through them, and of sessions. Leases that have ended with an offer are left out.
type LeaseReader interface {
	// GroupRule finds the rule of a group, which may be a built-in one.
	GroupRule(ctx context.Context, organization OrganizationID, group GroupID) (GroupRule, error)
	// GroupRules lists a page of the rules of an organization, with how many there are in all.
	GroupRules(ctx context.Context, organization OrganizationID, q RuleQuery) (RulePage, error)
	// GroupLeases lists a page of those who hold something through the rule of a group, with how many there are in all. It reads
	// every lease through the group.
	GroupLeases(ctx context.Context, organization OrganizationID, group GroupID, q HolderQuery) (LeaseHolderPage, error)
	// DirectHolders lists a page of those who have a direct record, with how many there are in all. It may read every person of the
	// organization.
	DirectHolders(ctx context.Context, organization OrganizationID, q HolderQuery) (DirectHolderPage, error)
	// SeatHolders lists a page of those who hold one of the codes of the query, or anything where there are none, from whatever source, with how
	// many there are in all. It may read every seat.
	SeatHolders(ctx context.Context, organization OrganizationID, q HolderQuery) (SeatHolderPage, error)
	// UnitsInUse counts by code the units that a session stands for, as of now: those of which at least one holder has a session that was told of
	// within SessionLife. What draws no unit is left out, and so are codes without any. It reads every session of the organization.
	UnitsInUse(ctx context.Context, organization OrganizationID) (map[ProductCode]int64, error)
	// DirectCodes lists the codes that somebody holds directly, in order. It may read every seat.
	DirectCodes(ctx context.Context, organization OrganizationID) ([]ProductCode, error)
	// OfferedCodes lists the codes that the rules of an organization offer, in order.
	OfferedCodes(ctx context.Context, organization OrganizationID) ([]ProductCode, error)
	// Seats lists what people hold, in the order of their ids and of the codes.
	Seats(ctx context.Context, organization OrganizationID, users []UserID) ([]Seat, error)
	// HeldCodes lists what people hold: the person of an id, or the next one, and those behind them in the order of their ids, at most so many.
	// Who holds nothing is listed as well.
	HeldCodes(ctx context.Context, organization OrganizationID, from UserID, most int) ([]HeldCodes, error)
	// Session finds a session by exact id. One that was not told of for SessionLife may be missing.
	Session(ctx context.Context, organization OrganizationID, id SessionID) (Session, error)
	// SweepableLeases lists people whose leases are to be swept: not used for as long as the policy says, orphans of rules that were set again, beside a direct
	// record that replaces them, or ended with an offer. At most so many in all, in no order. It may read every lease.
	SweepableLeases(ctx context.Context, most int) (map[OrganizationID][]UserID, error)
}

// NoticeReader tells what is due at the clock, and what was told.
type NoticeReader interface {
	// StalePools lists pools of any organization whose total has passed its instant, at most so many.
	StalePools(ctx context.Context, most int) ([]PoolRef, error)
	// DueNotices lists what is to be told or has ended as of now, in any organization, at most so many. It goes by the totals that
	// are stored: pools that are stale come first.
	DueNotices(ctx context.Context, most int) ([]DueNotice, error)
	// Notices lists the notices of an organization, newest first.
	Notices(ctx context.Context, organization OrganizationID, query NoticeQuery) ([]Notice, error)
}

// DenialReader tells who was refused what.
type DenialReader interface {
	// Denials lists denials of an organization, newest first.
	Denials(ctx context.Context, organization OrganizationID, q DenialQuery) ([]Denial, error)
	// CountDenials counts the denials that a query finds, by one of their sides: those of codes and people in the order of their number, the most
	// first, and equal ones by id; hours newest first. At most q.Top. It may read every denial between the bounds of the query.
	CountDenials(ctx context.Context, organization OrganizationID, by DenialSide, q DenialQuery) ([]DenialCount, error)
}

// PoolRef names a pool.
type PoolRef struct {
	Organization OrganizationID
	Code         ProductCode
}

// DistributionReader tells what the host distributes, and what organizations give to their tenants' services.
type DistributionReader interface {
	// AccountLicense tells what an organization, or the host, has been given, as of now: all its lots, also those that are over.
	AccountLicense(ctx context.Context, organization OrganizationID) (AccountLicense, error)
	// ServicePools lists what the services of all tenants of an organization have, in the order of tenant, service and code. What they use is as of
	// now, also where something has ended and was not swept; Drawn is as stored.
	ServicePools(ctx context.Context, organization OrganizationID) ([]ServicePool, error)
	// Tenant finds a tenant by exact id.
	Tenant(ctx context.Context, organization OrganizationID, id TenantID) (Tenant, error)
	// Tenants lists the tenants of an organization in the order of their ids.
	Tenants(ctx context.Context, organization OrganizationID) ([]Tenant, error)
	// Distributed lists the organizations to which the host distributes anything, in the order of their ids.
	Distributed(ctx context.Context) ([]OrganizationID, error)
}

// UserAllocation is a direct allocation together with the person it was made for.
type UserAllocation struct {
	Allocation
	Person User // without password hash
}

// EventReader reads the chains.
type EventReader interface {
	// Events lists events of an organization with a sequence greater than after, in order, at most limit (1 to 1,000).
	Events(ctx context.Context, organization OrganizationID, after int64, limit int) ([]Event, error)
	// SignIns lists the events of the sign-ins of a person, refused ones too, that are not older than since, newest first: at
	// most limit of them after the first offset. total is the number of all.
	SignIns(ctx context.Context, organization OrganizationID, user UserID, since time.Time, offset, limit int) (events []Event, total int64, err error)
	// SearchEvents answers a page of the events that a query finds, and their number. It is not one statement: events that are
	// written meanwhile may be missed, those that were there are not. Errors: not_found/organization_not_found; invalid/too_many
	// where more than MaxEventsSearched events would have to be looked at.
	SearchEvents(ctx context.Context, organization OrganizationID, query EventQuery) (EventPage, error)
	// People finds those of users who exist, in the order of their ids and without password hash, to tell who an event is about.
	People(ctx context.Context, organization OrganizationID, users []UserID) ([]User, error)
	// Head returns the end of the chain of an organization.
	Head(ctx context.Context, organization OrganizationID) (Head, error)
}

// Archive is a database as an operator sees it: all of it, past the ledger, beside the servers that use it. It holds nothing
// open between calls. Errors are those of Store, and plain ones that say what the operator has to do.
type Archive interface {
	// Schema compares the database with this program. It changes nothing. One that is not there is fs.ErrNotExist; what this
	// program knows is told all the same.
	Schema(ctx context.Context) (Schema, error)
	// Migrate brings the schema up to date, making the database where the store can, and returns the schema as it was before.
	// A database that is newer than the program and may be used by it stays as it is. It is refused where a server would be.
	Migrate(ctx context.Context) (Schema, error)
	// Dump visits every row, secrets included, as they are at one instant: what was acknowledged before the call is there, and
	// a transaction is there as a whole or not at all. Servers go on meanwhile. First come the rows of the installation, then
	// organization by organization in the order of their ids, each table by table in the order of Tables and of their keys. Rows
	// of an organization that does not exist are visited as well. The row is valid during the call only. An error of visit
	// ends the dump and is returned. The schema has to be exactly this program's.
	Dump(ctx context.Context, visit func(Row) error) error
	// Restore fills an empty database, migrating it first, in one transaction: with all rows or, on an error, with none. Rows
	// come in the order of Dump. It is refused with ErrNotEmpty where there is an organization or a signing key, and with
	// unavailable/store_unavailable while a server uses the database.
	Restore(ctx context.Context, rows iter.Seq2[Row, error]) error
}

// ErrNotEmpty is why a backup is not restored into a database that is in use.
var ErrNotEmpty = errors.New("the database is not empty: a backup goes into an empty one")
