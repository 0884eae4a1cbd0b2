package seatwright

import (
	"fmt"
	"maps"
	"time"
)

// CreateOrganization makes an organization with its own chain of events. It belongs to the host; both chains record it.
// Errors: conflict/duplicate for a name or id in use.
type CreateOrganization struct {
	ID           OrganizationID // empty: FreshID is taken
	FreshID      OrganizationID `json:"-"` // made up by the server before the queue
	Name         string
	DisplayName  string
	UnknownUsers UnknownUsers
	External     bool // external licenses are allowed
}

func (c CreateOrganization) id() OrganizationID {
	if c.ID != "" {
		return c.ID
	}
	return c.FreshID
}

func (c CreateOrganization) Operation() string { return "organization.create" }

func (c CreateOrganization) Touches() []Touch {
	return []Touch{{Organization: HostID, OrganizationNameKeys: []string{NameKey(c.Name), NameKey(string(c.id()))}}, {Organization: c.id()}}
}

func (c CreateOrganization) Weight() int { return 1 }

// Decide answers the organization as it was created.
func (c CreateOrganization) Decide(s *Slice, origin Origin) (Organization, error) {
	host, err := s.organization(HostID)
	if err != nil {
		return Organization{}, err
	}
	o := s.at(c.id())
	if o.exists {
		return Organization{}, NewError(KindConflict, ReasonDuplicate, "there is an organization with this id already").In("id")
	}
	// A path may name an organization by either, so an id may not be another organization's name.
	if s.isTaken("", NamesOfOrganizations, NameKey(string(c.id()))) {
		return Organization{}, NewError(KindConflict, ReasonDuplicate, "there is an organization with this name already").In("id")
	}
	if err := s.take("", NamesOfOrganizations, NameKey(c.Name), "name"); err != nil {
		return Organization{}, err
	}
	s.mark("", NamesOfOrganizations, NameKey(string(c.id())))
	org := Organization{ID: c.id(), Name: c.Name, DisplayName: c.DisplayName, Policies: DefaultPolicies(), CreatedAt: s.now}
	org.UnknownUsers, org.ExternalLicenses = c.UnknownUsers, c.External
	o.exists, o.created, o.organization = true, true, org
	for _, chain := range []*organizationSlice{host, o} {
		if err := s.record(chain, origin, EventOrganizationCreated, string(org.ID), org.Policies); err != nil {
			return Organization{}, err
		}
	}
	return org, nil
}

// CreateHost makes the partition of the host itself, once per installation. Repeating it changes nothing.
type CreateHost struct{}

func (c CreateHost) Operation() string { return "host.create" }

func (c CreateHost) Touches() []Touch {
	return []Touch{{Organization: HostID, OrganizationNameKeys: []string{"host"}}}
}

func (c CreateHost) Weight() int { return 1 }

// Decide reports whether the host was made now.
func (c CreateHost) Decide(s *Slice, origin Origin) (bool, error) {
	o := s.at(HostID)
	if o.exists {
		return false, nil
	}
	o.exists, o.created = true, true
	o.organization = Organization{ID: HostID, Name: "host", DisplayName: "Host", Policies: DefaultPolicies(), CreatedAt: s.now}
	return true, s.record(o, origin, EventOrganizationCreated, string(HostID), o.organization.Policies)
}

// CreateTenant makes a tenant. Errors: not_found/organization_not_found, conflict/duplicate for a name or id in use.
type CreateTenant struct {
	Organization OrganizationID
	ID           TenantID // empty: FreshID is taken
	FreshID      TenantID `json:"-"`
	Name         string
}

func (c CreateTenant) id() TenantID {
	if c.ID != "" {
		return c.ID
	}
	return c.FreshID
}

func (c CreateTenant) Operation() string { return "tenant.create" }

func (c CreateTenant) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Tenants: []TenantID{c.id()}, TenantNameKeys: []string{NameKey(c.Name)}}}
}

func (c CreateTenant) Weight() int { return 1 }

// Decide answers the tenant as it was created.
func (c CreateTenant) Decide(s *Slice, origin Origin) (Tenant, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Tenant{}, err
	}
	// Both are looked at before either is taken: a refusal must leave no name behind for the rest of the batch.
	if s.isTaken(c.Organization, IDsOfTenants, string(c.id())) {
		return Tenant{}, NewError(KindConflict, ReasonDuplicate, "there is a tenant with this id already").In("id")
	}
	if err := s.take(c.Organization, NamesOfTenants, NameKey(c.Name), "name"); err != nil {
		return Tenant{}, err
	}
	s.mark(c.Organization, IDsOfTenants, string(c.id()))
	t := Tenant{Organization: c.Organization, ID: c.id(), Name: c.Name, CreatedAt: o.now}
	o.newTenants = append(o.newTenants, t)
	return t, s.record(o, origin, EventTenantCreated, string(t.ID), struct{}{})
}

// CreateUser makes a person of an organization or of the host. Errors: not_found/organization_not_found,
// not_found/not_found for a group that does not exist, conflict/duplicate for an id, user name or external id in use.
type CreateUser struct {
	User         User      // ID empty: FreshID is taken; the password hash and CreatedAt are not part of it
	UserNameKey  string    // the form in which user names are compared; empty: the person has none
	FreshID      UserID    `json:"-"`
	PasswordHash string    `json:"-"`          // a new one for every attempt, so it tells no two commands apart
	Groups       []GroupID `json:",omitempty"` // that they are put into; without duplicates and built-in ones
}

func (c CreateUser) id() UserID {
	if c.User.ID != "" {
		return c.User.ID
	}
	return c.FreshID
}

func (c CreateUser) Operation() string { return "user.create" }

func (c CreateUser) Touches() []Touch {
	t := Touch{Organization: c.User.Organization, Users: []UserID{c.id()}, Robots: []RobotAccountID{RobotAccountID(c.id())}, Groups: c.Groups}
	if c.UserNameKey != "" {
		t.UserNameKeys = []string{c.UserNameKey}
	}
	if c.User.ExternalID != "" {
		t.ExternalIDs = []string{c.User.ExternalID}
	}
	return []Touch{t}
}

func (c CreateUser) Weight() int { return 1 + len(c.Groups) }

// Decide answers the person as created, without the password hash.
func (c CreateUser) Decide(s *Slice, origin Origin) (User, error) {
	o, err := s.organization(c.User.Organization)
	if err != nil {
		return User{}, err
	}
	u := UserRow{User: c.User, UserNameKey: c.UserNameKey}
	u.ID, u.PasswordHash, u.Active = c.id(), c.PasswordHash, true
	if err := o.existing(c.Groups); err != nil {
		return User{}, err
	}
	if err := s.checkFresh(o, u); err != nil {
		return User{}, err
	}
	made, err := s.addUser(o, origin, u)
	if err != nil {
		return User{}, err
	}
	return made, s.changeGroups(o, origin, Member{MemberUser, string(u.ID)}, c.Groups, nil)
}

// checkFresh refuses a person whose id or one of whose names is in use.
func (s *Slice) checkFresh(o *organizationSlice, u UserRow) error {
	// A member of a group is told by the id alone, so no robot account has it.
	_, robot := o.robots[RobotAccountID(u.ID)]
	if _, exists := o.users[u.ID]; exists || robot {
		return NewError(KindConflict, ReasonDuplicate, "there is a user with this id already").In("id")
	}
	if s.isTaken(u.Organization, ExternalIDsOfUsers, u.ExternalID) {
		return NewError(KindConflict, ReasonDuplicate, "there is a user with this external id already").In("externalId")
	}
	if s.isTaken(u.Organization, NamesOfUsers, u.UserNameKey) {
		return NewError(KindConflict, ReasonDuplicate, "there is a user with this user name already").In("userName")
	}
	return nil
}

// provisioned is a person of whom only the id is known. They cannot sign in here until the directory says more.
func provisioned(organization OrganizationID, id UserID) UserRow {
	return UserRow{User: User{Organization: organization, ID: id, Role: RoleMember, Active: true}}
}

// UserState is the part of a person that is written into events.
type UserState struct {
	Role               Role `json:"role"`
	Active             bool `json:"active"`
	BypassBasicAuth    bool `json:"bypassBasicAuth,omitempty"`
	InvitationAccepted bool `json:"invitationAccepted,omitempty"`
}

func (s UserState) String() string {
	return fmt.Sprintf("%s, active %t, bypassing basic authentication %t, invitation accepted %t", s.Role, s.Active, s.BypassBasicAuth, s.InvitationAccepted)
}

func stateOf(u User) UserState {
	return UserState{Role: u.Role, Active: u.Active, BypassBasicAuth: u.BypassBasicAuth, InvitationAccepted: u.InvitationAccepted}
}

// addUser makes a person and returns them without the password hash.
func (s *Slice) addUser(o *organizationSlice, origin Origin, u UserRow) (User, error) {
	u.CreatedAt = o.now
	o.putUser(u)
	for space, name := range u.names() {
		s.mark(u.Organization, space, name)
	}
	made := u.User
	made.PasswordHash = ""
	return made, s.record(o, origin, EventUserCreated, string(u.ID), stateOf(u.User))
}

// names are those of a person that nobody else of the organization can have.
func (u UserRow) names() map[NameSpace]string {
	names := map[NameSpace]string{NamesOfUsers: u.UserNameKey, ExternalIDsOfUsers: u.ExternalID}
	maps.DeleteFunc(names, func(_ NameSpace, name string) bool { return name == "" })
	return names
}

// CreateSigningKey stores a key that signs access tokens from now on.
type CreateSigningKey struct {
	Key SigningKey // CreatedAt is not part of it
}

func (c CreateSigningKey) Operation() string { return "signing_key.create" }

func (c CreateSigningKey) Touches() []Touch { return []Touch{{Organization: HostID}} }

func (c CreateSigningKey) Weight() int { return 1 }

// Decide answers the instant from which the key signs.
func (c CreateSigningKey) Decide(s *Slice, origin Origin) (time.Time, error) {
	host, err := s.organization(HostID)
	if err != nil {
		return time.Time{}, err
	}
	key := c.Key
	key.CreatedAt = host.now
	s.newSigningKeys = append(s.newSigningKeys, key)
	return host.now, s.record(host, origin, EventSigningKeyCreated, key.ID, struct{}{})
}
