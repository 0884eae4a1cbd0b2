package seatwright

import "slices"

// What happens to people after they were created. Nobody who is not active, or not there any more, holds anything: whatever a
// person holds ends in the transaction that makes them so. Source: docs/decisions/0019-the-life-of-a-person.md.

// CreateUsers makes several people, all or none, and puts them into groups. Errors: not_found/organization_not_found,
// not_found/not_found for a group that does not exist, conflict/duplicate for an id, user name or external id that is in use, or
// listed twice.
type CreateUsers struct {
	Organization OrganizationID
	Users        []CreateUser // 1 to MaxUsersPerCall, all of the organization
	Groups       []GroupID    // of all of them, beside those of each; without duplicates and built-in ones
}

func (c CreateUsers) Operation() string { return "users.create" }

func (c CreateUsers) Touches() []Touch {
	touches := make([]Touch, 0, len(c.Users))
	for _, u := range c.Users {
		touches = append(touches, u.Touches()...)
	}
	touches[0].Groups = slices.Concat(c.Groups, touches[0].Groups)
	return touches
}

func (c CreateUsers) Weight() int {
	weight := len(c.Users) * len(c.Groups)
	for _, u := range c.Users {
		weight += u.Weight()
	}
	return weight
}

// Decide answers the people as they were created, in the order of the command, without password hashes.
func (c CreateUsers) Decide(s *Slice, origin Origin) ([]User, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return nil, err
	}
	if err := o.existing(c.Groups); err != nil {
		return nil, err
	}
	rows, ids, names := make([]UserRow, len(c.Users)), map[UserID]bool{}, map[takenName]bool{}
	for i, each := range c.Users {
		if err := o.existing(each.Groups); err != nil {
			return nil, err
		}
		u := UserRow{User: each.User, UserNameKey: each.UserNameKey}
		u.ID, u.PasswordHash, u.Active = each.id(), each.PasswordHash, true
		if err := s.checkFresh(o, u); err != nil {
			return nil, err
		}
		twice := ids[u.ID]
		ids[u.ID] = true
		for space, name := range u.names() {
			twice = twice || names[takenName{space: space, name: name}]
			names[takenName{space: space, name: name}] = true
		}
		if twice {
			return nil, NewError(KindConflict, ReasonDuplicate, "two of the people have one id, user name or external id").In("users")
		}
		rows[i] = u
	}
	made := make([]User, len(rows))
	for i, u := range rows {
		if made[i], err = s.addUser(o, origin, u); err != nil {
			return nil, err
		}
		if err := s.changeGroups(o, origin, Member{MemberUser, string(u.ID)}, slices.Concat(c.Groups, c.Users[i].Groups), nil); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// UpdateUser changes what is listed of a person and leaves the rest. A person who is made inactive loses what they hold, and stays
// in their groups; another password ends a lock.
//
// Errors: not_found/organization_not_found; not_found/not_found for a person or a group that does not exist; invalid/invalid_value for a
// password of somebody without a user name; conflict/last_administrator where no active administrator would be left.
type UpdateUser struct {
	Organization       OrganizationID
	User               UserID
	FirstName          *string // nil: stays
	LastName           *string
	DisplayName        *string
	Email              *string
	Active             *bool
	BypassBasicAuth    *bool
	InvitationAccepted *bool
	Role               *Role
	Add, Remove        []GroupID // without duplicates and built-in ones
	PasswordHash       string    `json:"-"` // empty: stays; a new one for every attempt, so it tells no two commands apart
}

// UserUpdated is the data of an [EventUserUpdated]: what changed by name, and the state of the person since.
type UserUpdated struct {
	Changed []string `json:"changed"` // "email", "password" and so on, never a value
	UserState
}

func (c UpdateUser) Operation() string { return "user.update" }

func (c UpdateUser) Touches() []Touch {
	touches := touchPeople(c.Organization, c.User)
	if c.PasswordHash != "" {
		touches[0].SignIns = []UserID{c.User}
	}
	touches[0].touchMemberships(string(c.User), c.Add, c.Remove)
	return touches
}

func (c UpdateUser) Weight() int { return 1 + len(c.Add) + len(c.Remove) }

// Decide answers whether anything of the person changed, their groups aside. Where nothing did there is no event of theirs.
func (c UpdateUser) Decide(s *Slice, origin Origin) (bool, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return false, err
	}
	u, exists := o.people[c.User]
	if !exists {
		return false, MissingUser()
	}
	if c.PasswordHash != "" && u.UserName == "" {
		return false, Invalid(ReasonInvalidValue, "a password needs a user name").In("password")
	}
	if err := o.existing(c.Add); err != nil {
		return false, err
	}
	before := u.User
	changed := c.patch(&u.User)
	if before.administrators() > u.administrators() {
		if err := o.checkAdministrators(before); err != nil {
			return false, err
		}
	}
	if before.Active && !u.Active {
		if err := s.removeDirect(o, origin, c.User); err != nil {
			return false, err
		}
		if err := s.endLeases(o, origin, c.User, LeaseInactive); err != nil {
			return false, err
		}
	}
	if before.Role == RoleOrganizationAdministrator && u.Role != before.Role {
		if err := s.leaveGroup(o, origin, c.User, Administrators.ID); err != nil {
			return false, err
		}
	}
	if len(changed) > 0 {
		u.ModifiedAt = o.now
		o.putUser(u)
		if c.PasswordHash != "" {
			o.unlock(c.User)
		}
		data := UserUpdated{Changed: changed, UserState: stateOf(u.User)}
		if err := s.record(o, origin, EventUserUpdated, string(c.User), data); err != nil {
			return false, err
		}
	}
	return len(changed) > 0, s.changeGroups(o, origin, Member{MemberUser, string(c.User)}, c.Add, c.Remove)
}

// patch changes u and names what changed.
func (c UpdateUser) patch(u *User) (changed []string) {
	for _, text := range [...]struct {
		field    string
		to       *string
		property *string
	}{
		{"firstName", c.FirstName, &u.FirstName}, {"lastName", c.LastName, &u.LastName}, {"displayName", c.DisplayName, &u.DisplayName},
		{"email", c.Email, &u.Email},
	} {
		if text.to != nil && *text.to != *text.property {
			*text.property = *text.to
			changed = append(changed, text.field)
		}
	}
	for _, flag := range [...]struct {
		field    string
		to       *bool
		property *bool
	}{
		{"active", c.Active, &u.Active}, {"bypassBasicAuth", c.BypassBasicAuth, &u.BypassBasicAuth},
		{"invitationAccepted", c.InvitationAccepted, &u.InvitationAccepted},
	} {
		if flag.to != nil && *flag.to != *flag.property {
			*flag.property = *flag.to
			changed = append(changed, flag.field)
		}
	}
	if c.Role != nil && *c.Role != u.Role {
		u.Role = *c.Role
		changed = append(changed, "role")
	}
	if c.PasswordHash != "" {
		u.PasswordHash = c.PasswordHash
		changed = append(changed, "password")
	}
	return changed
}

// TakesAccess reports whether the command may take something away that the person may do.
func (c UpdateUser) TakesAccess() bool {
	return c.Active != nil && !*c.Active || c.Role != nil && *c.Role == RoleMember || c.PasswordHash != "" // grants end with the old one
}

// ChangePassword gives a person the password that they have chosen, after they have shown that they know the old one.
//
// Errors: not_found/organization_not_found; not_found/not_found for a person who does not exist; invalid/wrong_password where the old
// password was not the one that is stored now.
type ChangePassword struct {
	Organization OrganizationID
	User         UserID
	OldHash      string `json:"-"` // the stored hash that the old password fits; empty: it fits none
	PasswordHash string `json:"-"`
}

func (c ChangePassword) Operation() string { return "user.change_password" }

func (c ChangePassword) Touches() []Touch {
	touches := touchPeople(c.Organization, c.User)
	touches[0].SignIns = []UserID{c.User}
	return touches
}

func (c ChangePassword) Weight() int { return 1 }

// Decide changes the password; the answer holds nothing.
func (c ChangePassword) Decide(s *Slice, origin Origin) (struct{}, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return struct{}{}, err
	}
	u, exists := o.people[c.User]
	switch {
	case !exists:
		return struct{}{}, MissingUser()
	case c.OldHash == "" || c.OldHash != u.PasswordHash:
		return struct{}{}, Invalid(ReasonWrongPassword, "the old password is wrong").In("oldPassword")
	}
	u.PasswordHash, u.ModifiedAt = c.PasswordHash, o.now
	o.putUser(u)
	o.unlock(c.User)
	return struct{}{}, s.record(o, origin, EventUserPasswordChanged, string(c.User), struct{}{})
}

// DeleteUsers removes people and whatever they hold, all or none. Their events stay: they hold ids only.
//
// Errors: not_found/organization_not_found; not_found/not_found where one of them does not exist; conflict/last_administrator where
// no active administrator would be left.
type DeleteUsers struct {
	Organization OrganizationID
	Users        []UserID // 1 to MaxUsersPerCall, each once
}

func (c DeleteUsers) Operation() string { return "users.delete" }

func (c DeleteUsers) Touches() []Touch { return touchPeople(c.Organization, c.Users...) }

func (c DeleteUsers) Weight() int { return len(c.Users) }

// Decide removes them; the answer holds nothing.
func (c DeleteUsers) Decide(s *Slice, origin Origin) (struct{}, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return struct{}{}, err
	}
	people := make([]User, len(c.Users))
	for i, id := range c.Users {
		u, exists := o.people[id]
		if !exists {
			return struct{}{}, MissingUser()
		}
		people[i] = u.User
	}
	if err := o.checkAdministrators(people...); err != nil {
		return struct{}{}, err
	}
	for _, id := range c.Users {
		if err := s.removeDirect(o, origin, id); err != nil {
			return struct{}{}, err
		}
		if err := s.endLeases(o, origin, id, LeaseDeleted); err != nil {
			return struct{}{}, err
		}
		o.dropEnded(id)
		for space, name := range o.people[id].names() {
			s.free(c.Organization, space, name)
		}
		o.removeUser(id)
		if err := s.record(o, origin, EventUserDeleted, string(id), struct{}{}); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

// checkAdministrators refuses to do without people where nobody would be left who may administer the organization.
func (o *organizationSlice) checkAdministrators(without ...User) error {
	taken := int64(0)
	for _, u := range without {
		taken += u.administrators()
	}
	if taken > 0 && taken >= o.administrators {
		return NewError(KindConflict, ReasonLastAdministrator, "the organization needs an active administrator, and no other would be left")
	}
	return nil
}

func touchPeople(organization OrganizationID, users ...UserID) []Touch {
	return []Touch{{Organization: organization, Users: users, WholeUsers: users}}
}
