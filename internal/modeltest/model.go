// Package modeltest states the rules of one organization as plainly as possible, makes random commands, and compares what was
// decided with what the rules say: for the pure decisions, for each store, for the two stores against each other, and for two
// nodes on one database. Start at Model.
package modeltest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/seatwright/seatwright"
)

// Holding is one user's direct decision.
type Holding struct {
	External bool
	Units    int64
	Codes    []seatwright.ProductCode
}

// Person is somebody in the directory.
type Person struct {
	Active        bool
	Administrator bool
}

// Model is what one organization should be like.
type Model struct {
	Organization     seatwright.OrganizationID
	ExternalLicenses bool
	Provision        bool
	Lots             []seatwright.Lot
	People           map[seatwright.UserID]Person
	Holdings         map[seatwright.UserID]Holding
	Members          map[seatwright.GroupID]map[seatwright.UserID]bool
	Rules            map[seatwright.GroupID]Rule
	Leases           map[leaseOf]Lease
	Additive         bool // direct allocations leave leases alone
	Orphans          bool // leases stay with those who leave
	InactiveDays     int64
	Shrink           seatwright.OnShrink
	Services         map[seatwright.ServiceKey]int64 // what tenants' services have
	InUse            map[seatwright.UnitLeaseRef]unitLease
	Periods          map[seatwright.ServiceKey]time.Time // when what was consumed counts no more
	Brought          map[seatwright.ServiceKey]int64     // millionths that were consumed before the period and count in it
	Carried          map[seatwright.ServiceKey]int64     // millionths that will count in the next period

	furnished bool
	units     int // shared units that were ever drawn
	answers   map[seatwright.KeyRef]answer
}

type answer struct {
	at          time.Time
	fingerprint string
	reason      seatwright.Reason
}

// Users and Codes are what random commands are about. Half of the people exist at the beginning.
var (
	Users = []seatwright.UserID{"u-1", "u-2", "u-3", "u-4", "u-5", "u-6", "u-7", "u-8"}
	Codes = []seatwright.ProductCode{"ATTUNU", "RPADEVNU", "CTZDEVNU", "ACCU"} // the last one is shared
	// Products are what services are given, by the tenants that there are.
	Products = []seatwright.ProductCode{"UNATT", "AIU"}
	Tenants  = []seatwright.TenantID{"t-1", "t-2"}
)

// NewModel draws the settings of an organization.
func NewModel(t *rapid.T, organization seatwright.OrganizationID) *Model {
	return &Model{
		Organization:     organization,
		ExternalLicenses: rapid.Bool().Draw(t, "external licenses"), Provision: rapid.IntRange(0, 3).Draw(t, "provision") == 0,
		People: map[seatwright.UserID]Person{}, Holdings: map[seatwright.UserID]Holding{}, answers: map[seatwright.KeyRef]answer{},
		Members: map[seatwright.GroupID]map[seatwright.UserID]bool{}, Rules: map[seatwright.GroupID]Rule{}, Leases: map[leaseOf]Lease{}, InactiveDays: 90, Shrink: seatwright.AllowShrink,
		Services: map[seatwright.ServiceKey]int64{}, InUse: map[seatwright.UnitLeaseRef]unitLease{}, Periods: map[seatwright.ServiceKey]time.Time{},
		Brought: map[seatwright.ServiceKey]int64{}, Carried: map[seatwright.ServiceKey]int64{}, furnished: rapid.IntRange(0, 3).Draw(t, "furnished") > 0,
	}
}

// Begin is the instant at which organizations are set up.
var Begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// furniture makes an organization that has something to lease and to use from the beginning: without it most sequences get no further.
func (m *Model) furniture() []Command {
	var commands []Command
	do := func(c Command) {
		if reason := m.apply(c.command, "", Begin); reason != "" {
			panic("modeltest: an organization cannot be furnished: " + string(reason))
		}
		commands = append(commands, c)
	}
	for i, code := range slices.Concat(Codes, Products) {
		end := Begin.AddDate(0, 0, 40)
		if code == Products[1] {
			end = Begin.Add(24 * time.Hour)
		}
		do(Of(seatwright.CreateLot{Lot: seatwright.Lot{
			Organization: m.Organization, ID: seatwright.LotID("furniture-" + string(code)), Code: code, Quantity: int64(i%2 + 2), Start: Begin, End: end,
		}}))
	}
	// Most of it was consumed when it is bought anew: the period ends long before the purchase of which the next is consumed.
	most := int64(2_500_000)
	do(Of(seatwright.AcquireUnits{Organization: m.Organization, Lease: seatwright.UnitLeaseRef{
		ServiceKey: seatwright.ServiceKey{PoolScope: seatwright.PoolScope{Tenant: Tenants[0], Service: "orchestrator"}, Code: Products[1]}, ID: "furniture",
	}, Quantity: &most}))
	do(Of(seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: m.Organization, ID: "furniture-next", Code: Products[1], Quantity: 3, Start: Begin, End: Begin.AddDate(0, 0, 40),
	}}))
	do(Of(seatwright.AllocateToService{Organization: m.Organization, Tenant: Tenants[0], Service: "orchestrator", Products: []seatwright.Quantity{{Code: Products[0], Units: 2}}}))
	do(Of(seatwright.UpdateGroup{Organization: m.Organization, ID: Groups[0], Add: []string{string(Users[0]), string(Users[1]), string(Users[2])}}))
	do(Of(seatwright.UpdateGroup{Organization: m.Organization, ID: Groups[1], Add: []string{string(Users[2]), string(Users[3])}}))
	do(Of(seatwright.SetGroupRule{Organization: m.Organization, Group: Groups[0], Codes: Codes, Quotas: []seatwright.Quota{{Code: Codes[0], Limit: 1}}}))
	do(Of(seatwright.SetGroupRule{Organization: m.Organization, Group: Groups[1], Codes: Codes[:2]}))
	for _, user := range Users[:3] {
		do(Of(seatwright.OpenSession{Organization: m.Organization, User: user}))
	}
	return commands
}

// Setup is what makes the organization of the model: run each on the subject.
func (m *Model) Setup() []Command {
	unknown := seatwright.RefuseUnknownUsers
	if m.Provision {
		unknown = seatwright.ProvisionUnknownUsers
	}
	commands := []Command{
		Of(seatwright.CreateOrganization{ID: m.Organization, Name: "name-" + string(m.Organization), UnknownUsers: unknown, External: m.ExternalLicenses}),
	}
	minutes := int64(unitLeaseMinutes)
	commands = append(commands, Of(seatwright.ChangePolicies{Organization: m.Organization, UnitLeaseMinutes: &minutes}))
	for _, tenant := range Tenants {
		commands = append(commands, Of(seatwright.CreateTenant{Organization: m.Organization, ID: tenant, Name: string(tenant)}))
	}
	for i, u := range Users[:len(Users)/2] {
		m.People[u] = Person{Active: true, Administrator: i < 2}
		commands = append(commands, m.hire(u, i < 2))
	}
	for _, group := range Groups[:len(Groups)-1] {
		m.Members[group] = map[seatwright.UserID]bool{}
		commands = append(commands, Of(seatwright.CreateGroup{Organization: m.Organization, ID: group, Name: string(group)}))
	}
	if m.furnished {
		commands = append(commands, m.furniture()...)
	}
	return commands
}

func (m *Model) hire(u seatwright.UserID, administrator bool) Command {
	role := seatwright.RoleMember
	if administrator {
		role = seatwright.RoleOrganizationAdministrator
	}
	return Of(seatwright.CreateUser{User: seatwright.User{Organization: m.Organization, ID: u, Role: role}})
}

// Clone returns a model that can go another way.
func (m *Model) Clone() *Model {
	c := *m
	c.Lots = slices.Clone(m.Lots)
	c.People, c.Holdings, c.Services, c.answers = maps.Clone(m.People), maps.Clone(m.Holdings), maps.Clone(m.Services), maps.Clone(m.answers)
	c.InUse, c.Periods, c.Brought, c.Carried = maps.Clone(m.InUse), maps.Clone(m.Periods), maps.Clone(m.Brought), maps.Clone(m.Carried)
	c.Members, c.Rules, c.Leases = map[seatwright.GroupID]map[seatwright.UserID]bool{}, maps.Clone(m.Rules), maps.Clone(m.Leases)
	for group, members := range m.Members {
		c.Members[group] = maps.Clone(members)
	}
	return &c
}

// Total is the number of units of a code that are in force.
func (m *Model) Total(code seatwright.ProductCode, now time.Time) (sum int64) {
	for _, l := range m.Lots {
		if l.Code == code && l.InForce(now) {
			sum += l.Quantity
		}
	}
	return sum
}

// Used is the number of units of a code that are drawn.
func (m *Model) Used(code seatwright.ProductCode) (sum int64) {
	for _, u := range Users {
		sum += m.Units(u, code)
	}
	sum += int64(len(m.sharers(code)))
	for _, key := range m.ServiceKeys() {
		if key.Code == code {
			sum += m.Drawn(key)
		}
	}
	return sum
}

// blocks reports that the policy is to refuse that the lots are these.
func (m *Model) blocks(lots []seatwright.Lot, code seatwright.ProductCode, now time.Time) bool {
	after := Model{Lots: lots}
	total := after.Total(code, now)
	return m.Shrink == seatwright.BlockShrink && total < m.Total(code, now) && total < m.Used(code)
}

func (m *Model) licensed(now time.Time) bool {
	return slices.ContainsFunc(m.Lots, func(l seatwright.Lot) bool { return l.InForce(now) })
}

// Give returns the reason of a refusal, or "" after the change.
func (m *Model) Give(c seatwright.AllocateToService, now time.Time) seatwright.Reason {
	scope := seatwright.PoolScope{Tenant: c.Tenant, Service: c.Service}
	if slices.ContainsFunc(c.Products, func(q seatwright.Quantity) bool { return q.Units > 0 }) && !m.licensed(now) {
		return seatwright.ReasonNoLicense
	}
	if !slices.Contains(Tenants, c.Tenant) {
		return seatwright.ReasonNotFound
	}
	if slices.ContainsFunc(c.Products, func(q seatwright.Quantity) bool { return slices.Contains(Codes, q.Code) }) {
		return seatwright.ReasonInvalidValue
	}
	refused := false
	for _, q := range c.Products {
		short := func() bool {
			more := q.Units - m.Drawn(seatwright.ServiceKey{PoolScope: scope, Code: q.Code})
			return !slices.Contains(Products, q.Code) || more > 0 && m.Used(q.Code)+more > m.Total(q.Code, now)
		}
		if short() {
			m.sweepUnits(q.Code, now, true)
		}
		refused = refused || short()
	}
	if refused {
		return seatwright.ReasonPoolExhausted
	}
	m.takeBack(scope)
	for _, q := range c.Products {
		if q.Units > 0 {
			m.Services[seatwright.ServiceKey{PoolScope: scope, Code: q.Code}] = q.Units
		}
	}
	return ""
}

// takeBack empties a service, or all of a tenant.
func (m *Model) takeBack(scope seatwright.PoolScope) {
	for key := range m.Services {
		if key.Tenant == scope.Tenant && (scope.Service == "" || key.Service == scope.Service) {
			delete(m.Services, key)
		}
	}
}

// Allocate returns the reason of a refusal, or "" after the change.
func (m *Model) Allocate(c seatwright.AllocateToUsers, now time.Time) seatwright.Reason {
	if len(c.Codes) > 0 && !m.licensed(now) {
		return seatwright.ReasonNoLicense
	}
	for _, u := range c.Users {
		if _, known := m.People[u]; !known && !m.Provision {
			return seatwright.ReasonUnknownUser
		}
	}
	for _, u := range c.Users {
		if p, known := m.People[u]; known && !p.Active {
			return seatwright.ReasonInactiveUser
		}
	}
	units := int64(1)
	if c.External && m.ExternalLicenses {
		units = 0
		for _, code := range c.Codes {
			if b, known := seatwright.PublishedCatalogue().Bundle(code); !known || !b.Developer {
				return seatwright.ReasonNotDeveloperBundle
			}
		}
	}
	for _, code := range c.Codes {
		needed := int64(0)
		for _, u := range c.Users {
			needed += max(0, units-m.Units(u, code))
		}
		if _, known := seatwright.PublishedCatalogue().Bundle(code); !known || needed > 0 && m.Used(code)+needed > m.Total(code, now) {
			return seatwright.ReasonPoolExhausted
		}
	}
	for _, u := range c.Users {
		if _, known := m.People[u]; !known {
			m.People[u] = Person{Active: true}
		}
		m.Holdings[u] = Holding{External: c.External, Units: units, Codes: c.Codes}
		m.endLeases(func(of leaseOf, l Lease) bool {
			return of.user == u && (!m.Additive || slices.Contains(c.Codes, of.code) && (units == 0 || l.Unit != 0))
		})
	}
	return ""
}

// apply carries a command out, its key aside.
func (m *Model) apply(command any, actor string, now time.Time) seatwright.Reason {
	if reason, ok := m.applyLeases(command, now); ok {
		return reason
	}
	if reason, ok := m.applyUnits(command, actor, now); ok {
		return reason
	}
	switch c := command.(type) {
	case seatwright.AllocateToUsers:
		return m.Allocate(c, now)
	case seatwright.AddToUsers:
		empty := seatwright.AllocateToUsers{Organization: c.Organization}
		for _, u := range c.Users {
			if _, recorded := m.Holdings[u]; !recorded {
				empty.Users = append(empty.Users, u)
			}
		}
		return m.Allocate(empty, now)
	case seatwright.DeallocateUsers:
		for _, u := range c.Users {
			delete(m.Holdings, u)
		}
	case seatwright.AllocateToService:
		return m.Give(c, now)
	case seatwright.RemoveServices:
		if !slices.Contains(Tenants, c.Tenant) {
			return seatwright.ReasonNotFound
		}
		m.takeBack(seatwright.PoolScope{Tenant: c.Tenant, Service: c.Service})
	case seatwright.CreateLot:
		switch sum := m.sold(c.Lot.Code) + c.Lot.Quantity; {
		case !c.Lot.End.After(c.Lot.Start), sum > seatwright.MaxQuantity:
			return seatwright.ReasonInvalidValue
		case slices.ContainsFunc(m.Lots, func(l seatwright.Lot) bool { return l.ID == c.Lot.ID }):
			return seatwright.ReasonDuplicate
		}
		m.Lots = append(m.Lots, c.Lot)
	case seatwright.ChangeLot:
		i := slices.IndexFunc(m.Lots, func(l seatwright.Lot) bool { return l.ID == c.ID })
		if i < 0 {
			return seatwright.ReasonNotFound
		}
		lot := m.Lots[i]
		if c.Quantity != nil {
			lot.Quantity = *c.Quantity
		}
		if c.End != nil {
			lot.End = *c.End
		}
		if c.Grace != nil {
			lot.Grace = *c.Grace
		}
		if !lot.End.After(lot.Start) || m.sold(lot.Code)-m.Lots[i].Quantity+lot.Quantity > seatwright.MaxQuantity {
			return seatwright.ReasonInvalidValue
		}
		after := slices.Clone(m.Lots)
		after[i] = lot
		if m.blocks(after, lot.Code, now) {
			return seatwright.ReasonBelowUse
		}
		m.Lots = after
	case seatwright.RemoveLot:
		i := slices.IndexFunc(m.Lots, func(l seatwright.Lot) bool { return l.ID == c.ID })
		if i < 0 {
			return seatwright.ReasonNotFound
		}
		after := slices.Delete(slices.Clone(m.Lots), i, i+1)
		if m.blocks(after, m.Lots[i].Code, now) {
			return seatwright.ReasonBelowUse
		}
		m.Lots = after
	case seatwright.CreateUser:
		if _, known := m.People[c.User.ID]; known {
			return seatwright.ReasonDuplicate
		}
		m.People[c.User.ID] = Person{Active: true, Administrator: c.User.Role == seatwright.RoleOrganizationAdministrator}
	case seatwright.UpdateUser:
		p, known := m.People[c.User]
		switch {
		case !known:
			return seatwright.ReasonNotFound
		case c.Active == nil || *c.Active == p.Active:
			return ""
		case p.Active && m.lastOf(c.User):
			return seatwright.ReasonLastAdministrator
		}
		p.Active = *c.Active
		m.People[c.User] = p
		delete(m.Holdings, c.User) // nobody who was not active held anything
		m.endAllOf(c.User)
	case seatwright.DeleteUsers:
		for _, u := range c.Users {
			if _, known := m.People[u]; !known {
				return seatwright.ReasonNotFound
			}
		}
		if m.lastOf(c.Users...) {
			return seatwright.ReasonLastAdministrator
		}
		for _, u := range c.Users {
			delete(m.People, u)
			delete(m.Holdings, u)
			m.endAllOf(u)
			for _, members := range m.Members {
				delete(members, u)
			}
		}
	default:
		panic(fmt.Sprintf("modeltest: the model has no rule for %T", command))
	}
	return ""
}

// lastOf reports that the active administrators are all among users, and that there is one.
func (m *Model) lastOf(users ...seatwright.UserID) bool {
	among := 0
	for u, p := range m.People {
		switch listed := slices.Contains(users, u); {
		case !p.Active || !p.Administrator:
		case listed:
			among++
		default:
			return false
		}
	}
	return among > 0
}

func (m *Model) sold(code seatwright.ProductCode) (sum int64) {
	for _, l := range m.Lots {
		if l.Code == code {
			sum += l.Quantity
		}
	}
	return sum
}

// Decide returns the reason that a command should be refused for, or "", its idempotency key included, and changes the model.
func (m *Model) Decide(c Command, origin seatwright.Origin, now time.Time) seatwright.Reason {
	if origin.Key == "" {
		return m.apply(c.command, origin.Actor, now)
	}
	ref := seatwright.KeyRef{Organization: m.Organization, Principal: origin.Actor, Key: origin.Key}
	first, known := m.answers[ref]
	switch {
	case !known || !now.Before(first.at.Add(seatwright.KeyLife)):
		reason := m.apply(c.command, origin.Actor, now)
		m.answers[ref] = answer{at: now, fingerprint: string(c.Fingerprint), reason: reason}
		return reason
	case first.fingerprint != string(c.Fingerprint):
		return seatwright.ReasonKeyReused
	}
	return first.reason
}

// Command is a command whose answer nobody looks at, only whether and why it is refused.
type Command struct {
	command     any
	Touches     []seatwright.Touch
	Fingerprint []byte
	Key         func(seatwright.Origin) *seatwright.Key // nil: none
	Decide      func(*seatwright.Slice, seatwright.Origin) error
}

// Of erases the type of a command's answer.
func Of[A any](c seatwright.Command[A]) Command {
	key := func(o seatwright.Origin) *seatwright.Key {
		key, err := seatwright.KeyOf(c, o)
		if err != nil {
			panic(err) // every command marshals
		}
		return key
	}
	return Command{
		command: c, Touches: c.Touches(), Fingerprint: key(seatwright.Origin{Key: "any"}).Fingerprint, Key: key,
		Decide: func(s *seatwright.Slice, o seatwright.Origin) error {
			_, err := seatwright.Decide(s, o, c, key(o))
			return err
		},
	}
}

func (c Command) String() string { return fmt.Sprintf("%T%+v", c.command, c.command) }

// Draw makes a random command and who sends it, the n-th of a test: allocations of one or many to some or none of the codes,
// known and unknown people and codes, removals, purchases of the past, present and future, people who come, stop and go, units for
// services, which these use and give back, rules of groups, sign-ins that lease and whatever ends a lease, repeated keys.
func (m *Model) Draw(t *rapid.T, n int, now time.Time) (Command, seatwright.Origin) {
	origin := seatwright.Origin{
		Actor: rapid.SampledFrom([]string{"user/ann", "user/ann", "application/script"}).Draw(t, "actor"), Via: "test",
		RequestID: fmt.Sprint("request-", n), Key: rapid.SampledFrom([]string{"", "", "k1", "k2", "k3"}).Draw(t, "key"),
	}
	users := rapid.SliceOfNDistinct(rapid.SampledFrom(Users), 1, 4, rapid.ID[seatwright.UserID]).Draw(t, "users")
	kind := rapid.SampledFrom(append([]string{
		"allocate", "allocate", "allocate", "allocate", "remove", "remove", "add", "buy", "buy", "change", "renew", "unbuy", "hire", "update", "dismiss",
		"service", "service", "service",
	}, slices.Concat(leaseCommands, unitCommands)...)).Draw(t, "command")
	if slices.Contains(unitCommands, kind) {
		return m.drawUnits(t, kind), origin
	}
	if slices.Contains(leaseCommands, kind) {
		return m.drawLeases(t, kind, users), origin
	}
	switch kind {
	case "allocate":
		codes := rapid.SliceOfNDistinct(rapid.SampledFrom(append(Codes, "NOSUCH", Products[0])), 0, 3, rapid.ID[seatwright.ProductCode]).Draw(t, "codes")
		return Of(seatwright.AllocateToUsers{Organization: m.Organization, Users: users, Codes: codes, External: rapid.Bool().Draw(t, "external")}), origin
	case "service":
		return m.drawService(t), origin
	case "add":
		return Of(seatwright.AddToUsers{Organization: m.Organization, Users: users}), origin
	case "remove":
		return Of(seatwright.DeallocateUsers{Organization: m.Organization, Users: users}), origin
	case "hire":
		return m.hire(users[0], rapid.IntRange(0, 3).Draw(t, "administrator") == 0), origin
	case "change", "renew", "unbuy":
		return m.drawPurchase(t, kind, n, now), origin
	case "update":
		active := rapid.Bool().Draw(t, "active")
		return Of(seatwright.UpdateUser{Organization: m.Organization, User: users[0], Active: &active}), origin
	case "dismiss":
		return Of(seatwright.DeleteUsers{Organization: m.Organization, Users: users[:min(2, len(users))]}), origin
	}
	start := now.Add(time.Duration(rapid.IntRange(-10, 30).Draw(t, "start")) * time.Hour)
	return Of(seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: m.Organization, ID: seatwright.LotID(fmt.Sprint("lot-", n)), Code: rapid.SampledFrom(slices.Concat(Codes, Products)).Draw(t, "code"), Start: start,
		Quantity: rapid.SampledFrom([]int64{1, 2, 3, 4, seatwright.MaxQuantity}).Draw(t, "quantity"),
		End:      start.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "life")) * time.Hour),
		Grace:    time.Duration(rapid.IntRange(0, 5).Draw(t, "grace")) * time.Hour,
	}}), origin
}

// drawPurchase changes a purchase that was entered, or one that was not.
func (m *Model) drawPurchase(t *rapid.T, kind string, n int, now time.Time) Command {
	id := seatwright.LotID(fmt.Sprint("lot-", rapid.IntRange(1, n).Draw(t, "lot")))
	if len(m.Lots) > 0 && rapid.IntRange(0, 3).Draw(t, "of those that are there") > 0 {
		id = rapid.SampledFrom(m.Lots).Draw(t, "purchase").ID
	}
	switch kind {
	case "change":
		quantity := rapid.SampledFrom([]int64{1, 2, 3, 4, seatwright.MaxQuantity}).Draw(t, "quantity")
		grace := time.Duration(rapid.IntRange(0, 5).Draw(t, "grace")) * time.Hour
		return Of(seatwright.ChangeLot{Organization: m.Organization, ID: id, Quantity: &quantity, Grace: &grace})
	case "renew":
		end := now.Add(time.Duration(rapid.IntRange(-10, 60).Draw(t, "life")) * time.Hour)
		return Of(seatwright.ChangeLot{Organization: m.Organization, ID: id, End: &end})
	}
	return Of(seatwright.RemoveLot{Organization: m.Organization, ID: id})
}

// drawService gives units to services of known and unknown tenants, of products, bundles and unknown codes, or takes them back.
func (m *Model) drawService(t *rapid.T) Command {
	tenant := rapid.SampledFrom(append(slices.Repeat(Tenants, 3), "nowhere")).Draw(t, "tenant")
	service := rapid.SampledFrom([]seatwright.ServiceType{"orchestrator", "aicenter"}).Draw(t, "service")
	if rapid.IntRange(0, 3).Draw(t, "take back") == 0 {
		return Of(seatwright.RemoveServices{
			Organization: m.Organization, Tenant: tenant, Service: rapid.SampledFrom([]seatwright.ServiceType{"", service}).Draw(t, "which"),
		})
	}
	codes := rapid.SliceOfNDistinct(rapid.SampledFrom(append(slices.Repeat(Products, 4), "ATTUNU", "NOSUCH")), 0, 2, rapid.ID[seatwright.ProductCode]).Draw(t, "products")
	products := make([]seatwright.Quantity, len(codes))
	for i, code := range codes {
		products[i] = seatwright.Quantity{Code: code, Units: rapid.Int64Range(0, 4).Draw(t, "units")}
	}
	return Of(seatwright.AllocateToService{Organization: m.Organization, Tenant: tenant, Service: service, Products: products})
}

// ReasonOf is the reason of a refusal, "" for none.
func ReasonOf(err error) seatwright.Reason {
	if err == nil {
		return ""
	}
	return seatwright.AsError(err).Reason
}
