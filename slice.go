package seatwright

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// Slice is what one batch of commands may see and change: the rows that the commands named, at one instant, under the
// locks of their organizations. An organization whose last event is later has that instant instead. A store fills it with the Load methods, commands change it, and the store writes Changes.
// It is used by one goroutine at a time.
type Slice struct {
	now           time.Time
	organizations map[OrganizationID]*organizationSlice
	keys          map[KeyRef]KeyRecord
	taken         map[takenName]bool // names of the whole installation that are in use
	refusals      *RefusalMeter
	catalogue     *Catalogue

	newKeys        []KeyRecord
	newSigningKeys []SigningKey
}

// takenName is a name or id in use: organization is empty for what is unique in the whole installation.
type takenName struct {
	organization OrganizationID
	space        NameSpace
	name         string
}

// NameSpace is a set of names in which each may be used once.
type NameSpace string

// The name spaces.
const (
	NamesOfOrganizations NameSpace = "organization names" // and their ids: a path may name an organization by either
	NamesOfTenants       NameSpace = "tenant names"
	NamesOfUsers         NameSpace = "user names"
	NamesOfGroups        NameSpace = "group names"
	NamesOfRobots        NameSpace = "names of robot accounts"
	IDsOfTenants         NameSpace = "tenant ids"
	IDsOfLots            NameSpace = "lot ids"
	IDsOfApplications    NameSpace = "application ids"
	ExternalIDsOfUsers   NameSpace = "external ids"
)

type organizationSlice struct {
	exists         bool
	now            time.Time // of the batch, or of the head where that is later: no chain runs backwards
	head           Head
	organization   Organization
	licensed       bool
	users          map[UserID]bool          // who exists, and whether they are active: most decisions look at no more
	people         map[UserID]UserRow       // those who were loaded as a whole, or made here
	administrators int64                    // active ones; once there are more than can be taken away here, how many is not counted
	records        map[UserID]*DirectRecord // these three by pointers: a small map has room for eight values from the beginning
	seats          map[UserID]map[ProductCode]*Seat
	pools          map[ProductCode]*Pool
	lots           map[ProductCode][]Lot
	groupSlice
	settingSlice
	applicationSlice
	grantSlice
	leaseSlice
	noticeSlice
	denialSlice
	licenseFileSlice
	serviceSlice
	unitSlice
	lotSlice
	signIns map[UserID]SignIns // of everybody who was asked for and exists

	created        bool
	changed        bool // the organization itself
	events         []Event
	newTenants     []Tenant
	changedUsers   map[UserID]bool // true: there was a row when the slice was loaded
	goneUsers      map[UserID]bool // those whose row is to go; somebody else may have the id by now
	changedRecords map[UserID]bool // true: there was a row when the slice was loaded
	changedSeats   map[seatRef]bool
	changedPools   map[ProductCode]bool
	changedSignIns map[UserID]bool
	rewriteHead    bool // the head is written although it is as it was
}

type seatRef struct {
	user UserID
	code ProductCode
}

// NewSlice begins a slice at an instant, which is cut to whole microseconds.
func NewSlice(now time.Time) *Slice {
	return &Slice{
		now: now.UTC().Truncate(time.Microsecond), organizations: map[OrganizationID]*organizationSlice{}, keys: map[KeyRef]KeyRecord{},
		taken: map[takenName]bool{}, refusals: (&RefusalMeter{}).Fork(now), catalogue: publishedCatalogue,
	}
}

// UseCatalogue makes the slice know the products of a catalogue, in place of those that the program brings.
func (s *Slice) UseCatalogue(c *Catalogue) { s.catalogue = c }

// MeterRefusals makes the slice count refusals on from what the meter knows, and returns the copy that counts on.
func (s *Slice) MeterRefusals(m *RefusalMeter) *RefusalMeter {
	s.refusals = m.Fork(s.now)
	return s.refusals
}

// Now is the instant of the batch.
func (s *Slice) Now() time.Time { return s.now }

// NowIn is the instant of the batch for one organization: never before its last event. One whose clock was once wrong does
// not move the others of the batch.
func (s *Slice) NowIn(id OrganizationID) time.Time { return s.at(id).now }

func (s *Slice) at(id OrganizationID) *organizationSlice {
	o := s.organizations[id]
	if o == nil {
		o = &organizationSlice{
			now: s.now, head: Head{Organization: id, Hash: NoHash()}, users: map[UserID]bool{}, records: map[UserID]*DirectRecord{},
			seats: map[UserID]map[ProductCode]*Seat{}, pools: map[ProductCode]*Pool{}, changedRecords: map[UserID]bool{},
			changedSeats: map[seatRef]bool{}, changedPools: map[ProductCode]bool{},
		}
		s.organizations[id] = o
	}
	return o
}

// LoadOrganization adds an organization with the end of its chain; licensed says whether any of its lots is in force now.
// The organization's instant is the head's where that is later than the batch's; licensed is as of that instant.
func (s *Slice) LoadOrganization(org Organization, head Head, licensed bool) {
	o := s.at(org.ID)
	o.exists, o.organization, o.head, o.licensed = true, org, head, licensed
	if head.At.After(o.now) && !planted.Bug(planted.TimeRunsBack) {
		o.now = head.At
	}
}

// LoadUser adds a person, of whom nothing but organization, id and Active needs to be set.
func (s *Slice) LoadUser(u User) { s.at(u.Organization).users[u.ID] = u.Active }

// LoadPerson adds a person as a whole.
func (s *Slice) LoadPerson(u UserRow) {
	o := s.at(u.Organization)
	o.users[u.ID] = u.Active
	put(&o.people, u.ID, u)
}

// LoadAdministrators says how many active administrators an organization has. A store may stop counting at one more than
// the people whom it loads as a whole: the batch can take no others away.
func (s *Slice) LoadAdministrators(organization OrganizationID, active int64) {
	s.at(organization).administrators = active
}

// LoadRecord adds a direct record. Its instants may be left out: no decision looks at them.
func (s *Slice) LoadRecord(r DirectRecord) { s.at(r.Organization).records[r.User] = &r }

// LoadSeat adds a seat. Its instant may be left out.
func (s *Slice) LoadSeat(seat Seat) { s.at(seat.Organization).setSeat(seat) }

// LoadPool adds a pool. Its lots are needed only where the pool is stale or the command asked for them.
func (s *Slice) LoadPool(p Pool, lots []Lot) {
	o := s.at(p.Organization)
	o.pools[p.Code] = &p
	if lots != nil {
		put(&o.lots, p.Code, lots)
	}
}

// LoadKey adds the record of an idempotency key; one older than KeyLife counts as absent.
func (s *Slice) LoadKey(k KeyRecord) { s.keys[k.KeyRef] = k }

// LoadTaken marks a name as in use; organization is empty for the spaces that span the installation.
func (s *Slice) LoadTaken(organization OrganizationID, space NameSpace, name string) {
	s.mark(organization, space, name)
}

// HeldCodes lists the codes of every seat, service and offer of a rule loaded for an organization, in no order and some more than once, so
// that a store can load their pools. The list is the caller's own.
func (s *Slice) HeldCodes(organization OrganizationID) (codes []ProductCode) {
	for _, seats := range s.at(organization).seats {
		codes = slices.AppendSeq(codes, maps.Keys(seats))
	}
	for ref := range s.at(organization).offers {
		codes = append(codes, ref.code)
	}
	for key := range s.at(organization).services {
		codes = append(codes, key.Code)
	}
	return codes
}

func (o *organizationSlice) setSeat(seat Seat) {
	if o.seats[seat.User] == nil {
		o.seats[seat.User] = map[ProductCode]*Seat{}
	}
	o.seats[seat.User][seat.Code] = &seat
}

// organization returns what is loaded of an organization that exists.
func (s *Slice) organization(id OrganizationID) (*organizationSlice, error) {
	if o := s.organizations[id]; o != nil && o.exists {
		return o, nil
	}
	return nil, MissingOrganization()
}

func (s *Slice) mark(organization OrganizationID, space NameSpace, name string) {
	s.taken[takenName{organization, space, name}] = true
}

func (s *Slice) isTaken(organization OrganizationID, space NameSpace, name string) bool {
	return s.taken[takenName{organization, space, name}]
}

// free marks a name as not in use any more.
func (s *Slice) free(organization OrganizationID, space NameSpace, name string) {
	delete(s.taken, takenName{organization, space, name})
}

// take marks a name as in use, or answers conflict/duplicate. An empty name is no name.
func (s *Slice) take(organization OrganizationID, space NameSpace, name, field string) error {
	if name == "" {
		return nil
	}
	if s.isTaken(organization, space, name) {
		return NewError(KindConflict, ReasonDuplicate, "%q is already in use among the %s", name, space).In(field)
	}
	s.mark(organization, space, name)
	return nil
}

func (s *Slice) key(ref KeyRef) (KeyRecord, bool) {
	k, ok := s.keys[ref]
	return k, ok && (s.now.Before(k.CreatedAt.Add(KeyLife)) || planted.Bug(planted.KeyForEver))
}

func (s *Slice) putKey(k KeyRecord) {
	s.keys[k.KeyRef] = k
	s.newKeys = append(s.newKeys, k)
}

// pool returns a pool that is up to date at now; one of which nothing was ever bought is empty.
func (s *Slice) pool(o *organizationSlice, code ProductCode) Pool {
	if o.storedPool(code).Stale(o.now) {
		if _, err := s.refresh(o, Origin{Actor: SystemActor, Via: "clock"}, []ProductCode{code}); err != nil {
			panic(err) // states of pools always marshal
		}
	}
	return o.storedPool(code)
}

// storedPool is a pool as it is, up to date or not; one of which nothing was ever bought is empty.
func (o *organizationSlice) storedPool(code ProductCode) Pool {
	if p := o.pools[code]; p != nil {
		return *p
	}
	return Pool{}
}

func (o *organizationSlice) putPool(p Pool) {
	o.pools[p.Code] = &p
	o.changedPools[p.Code] = true
}

// putUser stores a person. Those who were there before are loaded as a whole.
func (o *organizationSlice) putUser(u UserRow) {
	o.noteUser(u.ID)
	o.users[u.ID] = u.Active
	put(&o.people, u.ID, u)
	o.administrators += u.administrators()
}

// removeUser takes a person out, and what is known of their memberships and sign-ins: the store deletes all there are.
func (o *organizationSlice) removeUser(id UserID) {
	o.noteUser(id)
	put(&o.goneUsers, id, o.changedUsers[id])
	delete(o.users, id)
	delete(o.people, id)
	delete(o.signIns, id)
	delete(o.changedSignIns, id)
	o.forgetMember(Member{MemberUser, string(id)})
	o.forgetSettings(id)
	o.forgetSessions(id)
	o.forgetDenied(id)
	o.forgetGrants(func(g Grant) bool { return g.User == id })
}

// noteUser takes the person as they were out of the count.
func (o *organizationSlice) noteUser(id UserID) {
	before, existed := o.people[id]
	if _, noted := o.changedUsers[id]; !noted {
		put(&o.changedUsers, id, existed)
	}
	o.administrators -= before.administrators()
}

func (o *organizationSlice) putRecord(r DirectRecord) {
	o.noteRecord(r.User)
	o.records[r.User] = &r
}

func (o *organizationSlice) removeRecord(user UserID) {
	o.noteRecord(user)
	delete(o.records, user)
}

func (o *organizationSlice) noteRecord(user UserID) {
	if _, noted := o.changedRecords[user]; !noted {
		_, o.changedRecords[user] = o.records[user]
	}
}

func (o *organizationSlice) putSeat(seat Seat) {
	o.noteSeat(seat.User, seat.Code)
	o.setSeat(seat)
}

func (o *organizationSlice) removeSeat(user UserID, code ProductCode) {
	o.noteSeat(user, code)
	delete(o.seats[user], code)
}

func (o *organizationSlice) noteSeat(user UserID, code ProductCode) {
	ref := seatRef{user, code}
	if _, noted := o.changedSeats[ref]; !noted {
		_, o.changedSeats[ref] = o.seats[user][code]
	}
}

// record appends an event to the chain of the organization. data must be a type that always marshals.
func (s *Slice) record(o *organizationSlice, origin Origin, kind EventKind, subject string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return Internal(err)
	}
	e := Event{
		Organization: o.head.Organization, Sequence: o.head.Sequence + 1, At: o.now, Kind: kind, Version: 1, Actor: origin.Actor,
		Via: origin.Via, RequestID: origin.RequestID, Subject: subject, Data: body, Prev: o.head.Hash,
	}
	if planted.Bug(planted.BrokenChain) {
		e.Prev = NoHash()
	}
	e.Hash = e.Digest()
	o.head.Sequence, o.head.Hash, o.head.At = e.Sequence, e.Hash, e.At
	o.events = append(o.events, e)
	return nil
}

// Changes is the difference that a batch made, in an order in which every foreign key holds. Only final states are listed:
// what came and went within the batch is not.
// What is removed goes before anything else is written: its ids and names may be those of something new.
type Changes struct {
	Now                  time.Time      // the instant of the batch
	Organizations        []Organization // new
	ChangedOrganizations []Organization // whose policies are to be stored in place of the old ones
	Tenants              []Tenant       // new
	Users                []UserRow      // new
	ChangedUsers         []UserRow      // to be stored in place of the old ones; user name, external id and CreatedAt stay
	RemovedUsers         []User         // only organization and id are set; their memberships, sign-ins, settings and grants go with them
	NewApplications      []Application
	Applications         []Application // to be stored in place of the old ones
	RemovedApplications  []Application // only organization and id are set; their grants go with them
	Grants               []Grant       // to be stored as they are
	RemovedGrants        []Grant       // only organization and id are set
	SigningKeys          []SigningKey  // new
	Lots                 []Lot         // new
	ChangedLots          []Lot         // to be stored in place of the old ones; code and id stay
	RemovedLots          []Lot         // only organization, code and id are set
	ServicePools         []ServicePool // to be stored as they are
	RemovedServicePools  []ServicePool // only organization and key are set
	UnitLeases           []UnitLease   // to be stored as they are
	RemovedUnitLeases    []UnitLease   // only organization and ref are set
	Usage                []UsageDay    // to be joined with what is stored of the day: the greater peak, the sum of what was consumed
	LicenseFiles         []LicenseFile // to be stored as they are
	NewNotices           []Notice
	EndedNotices         []Notice       // that do not stand any more; only organization and sequence are set. They go before the new ones
	ForgottenDenied      []User         // only organization and id are set; stored denials do not say any more that it was they
	SatisfiedDenials     []Denial       // of whom and of which code: all stored ones that are not satisfied are at SatisfiedAt. They go before the next two
	Denials              []Denial       // to be stored in place of the old ones: refusals, LastAt and Latest
	NewDenials           []Denial       // behind those of removed users, whose ids are dropped from what is stored
	Heads                []Head         // to be stored as they are
	Pools                []Pool         // to be stored as they are
	NewRecords           []DirectRecord // new
	Records              []DirectRecord // to be stored in place of the old ones, which keep their CreatedAt
	RemovedRecords       []DirectRecord // only organization and user are set
	NewSeats             []Seat         // new
	Seats                []Seat         // to be stored in place of the old ones, which keep their CreatedAt
	RemovedSeats         []Seat         // only organization, user and code are set
	NewGroups            []Group        // new
	Groups               []Group        // to be stored in place of the old ones
	RemovedGroups        []Group        // only organization and id are set; their memberships go with them
	NewRobots            []RobotAccount
	Robots               []RobotAccount // to be stored in place of the old ones
	RemovedRobots        []RobotAccount // only organization and id are set; their memberships go with them
	NewMembers           []Membership
	Settings             []Setting // to be stored as they are
	RemovedSettings      []Setting // only organization, user and key are set
	RemovedMembers       []Membership
	Events               []Event      // to be appended
	Keys                 []KeyRecord  // to be stored in place of an expired one
	SignIns              []SignIns    // to be stored as they are; only those that changed
	GroupRules           []GroupRule  // to be stored as they are, without their offers
	RemovedGroupRules    []GroupRule  // only organization and group are set; their offers are removed as well
	Offers               []GroupOffer // to be stored as they are
	RemovedOffers        []GroupOffer // only organization, group and code are set
	EndedOffers          []GroupOffer // only organization, group and code are set; all stored shared units of these go first
	SharedUnits          []SharedUnit // to be stored as they are
	RemovedSharedUnits   []SharedUnit // only organization and number are set
	Sessions             []Session    // to be stored as they are
	RemovedSessions      []Session    // only organization and id are set
}

// Empty reports that there is nothing to write.
func (c Changes) Empty() bool {
	return len(c.Heads)+len(c.Pools)+len(c.NewRecords)+len(c.Records)+len(c.RemovedRecords)+len(c.NewSeats)+len(c.Seats)+len(c.RemovedSeats)+len(c.Events)+len(c.Keys)+
		len(c.NewGroups)+len(c.Groups)+len(c.RemovedGroups)+len(c.NewRobots)+len(c.Robots)+len(c.RemovedRobots)+len(c.NewMembers)+len(c.RemovedMembers)+len(c.Settings)+len(c.RemovedSettings)+
		len(c.GroupRules)+len(c.RemovedGroupRules)+len(c.Offers)+len(c.RemovedOffers)+len(c.Sessions)+len(c.RemovedSessions)+len(c.EndedOffers)+len(c.SharedUnits)+len(c.RemovedSharedUnits)+len(c.ChangedOrganizations)+
		len(c.Organizations)+len(c.Tenants)+len(c.Users)+len(c.ChangedUsers)+len(c.RemovedUsers)+len(c.NewApplications)+len(c.Applications)+len(c.RemovedApplications)+len(c.Grants)+len(c.RemovedGrants)+len(c.SigningKeys)+len(c.Lots)+len(c.SignIns)+
		len(c.ChangedLots)+len(c.RemovedLots)+len(c.ServicePools)+len(c.RemovedServicePools)+len(c.UnitLeases)+len(c.RemovedUnitLeases)+len(c.Usage)+len(c.LicenseFiles)+len(c.NewNotices)+len(c.EndedNotices)+
		len(c.ForgottenDenied)+len(c.SatisfiedDenials)+len(c.Denials)+len(c.NewDenials) == 0
}

// Changes returns what the commands changed since the slice was loaded, ordered by organization and key.
func (s *Slice) Changes() Changes {
	c := Changes{Now: s.now, SigningKeys: s.newSigningKeys, Keys: s.newKeys}
	events, pools, records, seats := 0, 0, 0, 0
	for _, o := range s.organizations {
		events, pools, records, seats = events+len(o.events), pools+len(o.changedPools), records+len(o.changedRecords), seats+len(o.changedSeats)
	}
	c.Heads, c.Events, c.Pools = make([]Head, 0, len(s.organizations)), make([]Event, 0, events), make([]Pool, 0, pools)
	c.NewRecords, c.NewSeats = make([]DirectRecord, 0, records), make([]Seat, 0, seats) // most are new
	for _, id := range sortedKeys(s.organizations) {
		o := s.organizations[id]
		if o.created {
			c.Organizations = append(c.Organizations, o.organization)
		} else if o.changed {
			c.ChangedOrganizations = append(c.ChangedOrganizations, o.organization)
		}
		if len(o.events) > 0 || o.rewriteHead {
			c.Heads = append(c.Heads, o.head)
		}
		c.Tenants = append(c.Tenants, o.newTenants...)
		for _, user := range sortedKeys(o.changedUsers) {
			u, stays := o.people[user]
			existed, gone := o.changedUsers[user], o.goneUsers[user]
			if gone {
				c.RemovedUsers = append(c.RemovedUsers, User{Organization: id, ID: user})
			}
			if stays && existed && !gone {
				c.ChangedUsers = append(c.ChangedUsers, u)
			} else if stays {
				c.Users = append(c.Users, u)
			}
		}
		c.addNotices(id, o)
		c.addDenials(id, o)
		c.addLicenseFiles(o)
		if len(o.changedLots)+len(o.changedServices) > 0 {
			c.addLots(id, o)
			c.addServices(id, o)
		}
		if len(o.changedUnitLeases)+len(o.usage) > 0 {
			c.addUnits(id, o)
		}
		c.Events = append(c.Events, o.events...)
		// A pool that was only brought up to date is stored with the next event: without one nothing keeps the clock from going back
		// behind the boundary that was passed.
		if len(o.events) > 0 {
			for _, code := range sortedKeys(o.changedPools) {
				c.Pools = append(c.Pools, *o.pools[code])
			}
		}
		c.addGroups(id, o)
		c.addLeases(id, o)
		c.addSettings(id, o)
		c.addApplications(id, o)
		c.addGrants(id, o)
		for _, user := range sortedKeys(o.changedSignIns) {
			c.SignIns = append(c.SignIns, o.signIns[user])
		}
		for _, user := range sortedKeys(o.changedRecords) {
			r, stays := o.records[user]
			existed, gone := o.changedRecords[user], o.goneUsers[user]
			if existed && (gone || !stays) {
				c.RemovedRecords = append(c.RemovedRecords, DirectRecord{Organization: id, User: user})
			}
			if stays && existed && !gone {
				c.Records = append(c.Records, *r)
			} else if stays {
				c.NewRecords = append(c.NewRecords, *r)
			}
		}
		for _, ref := range sortedKeysFunc(o.changedSeats, compareSeatRefs) {
			seat, stays := o.seats[ref.user][ref.code]
			existed, gone := o.changedSeats[ref], o.goneUsers[ref.user]
			if existed && (gone || !stays) {
				c.RemovedSeats = append(c.RemovedSeats, Seat{Organization: id, User: ref.user, Code: ref.code})
			}
			if stays && existed && !gone {
				c.Seats = append(c.Seats, *seat)
			} else if stays {
				c.NewSeats = append(c.NewSeats, *seat)
			}
		}
	}
	return c
}

func compareSeatRefs(a, b seatRef) int {
	return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.code, b.code))
}
