package seatwright

import "time"

// RobotAccountID names a robot account, unique within its organization.
type RobotAccountID string

// RobotAccount is an account for programs that work unattended: it is a member of groups like a person, and does not sign in.
type RobotAccount struct {
	Organization OrganizationID
	ID           RobotAccountID
	Name         string // unique in the organization, without regard to letter case; it never changes
	DisplayName  string
	CreatedAt    time.Time
	ModifiedAt   time.Time
}

// CreateRobotAccount makes a robot account in some groups. Errors: not_found/organization_not_found, not_found/not_found,
// conflict/duplicate for a name in use, or an id that another robot account or a person has; conflict/built_in.
type CreateRobotAccount struct {
	Organization OrganizationID
	ID           RobotAccountID // empty: FreshID is taken
	FreshID      RobotAccountID `json:"-"` // made up by the server before the queue
	Name         string
	DisplayName  string
	Groups       []GroupID // without duplicates
}

func (c CreateRobotAccount) id() RobotAccountID {
	if c.ID != "" {
		return c.ID
	}
	return c.FreshID
}

func (c CreateRobotAccount) Operation() string { return "robot_account.create" }

func (c CreateRobotAccount) Touches() []Touch {
	return []Touch{{
		Organization: c.Organization, Robots: []RobotAccountID{c.id()}, Users: []UserID{UserID(c.id())}, RobotNameKeys: []string{NameKey(c.Name)},
		Groups: c.Groups,
	}}
}

func (c CreateRobotAccount) Weight() int { return 1 + len(c.Groups) }

// Decide answers the robot account as it was created.
func (c CreateRobotAccount) Decide(s *Slice, origin Origin) (RobotAccount, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return RobotAccount{}, err
	}
	if err := o.existing(c.Groups); err != nil {
		return RobotAccount{}, err
	}
	// A member of a group is told by the id alone, so no person has it. An id that was given up in the same batch comes free with
	// the next.
	_, robot := o.robots[c.id()]
	_, user := o.users[UserID(c.id())]
	if robot || user || o.changedRobots[c.id()] {
		return RobotAccount{}, NewError(KindConflict, ReasonDuplicate, "there is a robot account or user with this id already").In("id")
	}
	if err := s.take(c.Organization, NamesOfRobots, NameKey(c.Name), "name"); err != nil {
		return RobotAccount{}, err
	}
	r := RobotAccount{
		Organization: c.Organization, ID: c.id(), Name: c.Name, DisplayName: c.DisplayName, CreatedAt: o.now, ModifiedAt: o.now,
	}
	o.putRobot(r)
	if err := s.record(o, origin, EventRobotCreated, string(r.ID), struct{}{}); err != nil {
		return RobotAccount{}, err
	}
	return r, s.changeGroups(o, origin, Member{MemberRobot, string(r.ID)}, c.Groups, nil)
}

// UpdateRobotAccount changes the display name of a robot account and the groups that it is in. Errors:
// not_found/not_found, and those of CreateRobotAccount for groups.
type UpdateRobotAccount struct {
	Organization OrganizationID
	ID           RobotAccountID
	DisplayName  *string // nil: as it is
	Add, Remove  []GroupID
}

func (c UpdateRobotAccount) Operation() string { return "robot_account.update" }

func (c UpdateRobotAccount) Touches() []Touch {
	t := Touch{Organization: c.Organization, Robots: []RobotAccountID{c.ID}}
	t.touchMemberships(string(c.ID), c.Add, c.Remove)
	return []Touch{t}
}

func (c UpdateRobotAccount) Weight() int { return 1 + len(c.Add) + len(c.Remove) }

// Decide answers the robot account as it is now.
func (c UpdateRobotAccount) Decide(s *Slice, origin Origin) (RobotAccount, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return RobotAccount{}, err
	}
	r, exists := o.robots[c.ID]
	if !exists {
		return RobotAccount{}, MissingRobotAccount()
	}
	if err := o.existing(c.Add); err != nil {
		return RobotAccount{}, err
	}
	if c.DisplayName != nil && *c.DisplayName != r.DisplayName {
		r.DisplayName, r.ModifiedAt = *c.DisplayName, o.now
		o.putRobot(r)
		if err := s.record(o, origin, EventRobotUpdated, string(r.ID), struct{}{}); err != nil {
			return RobotAccount{}, err
		}
	}
	return r, s.changeGroups(o, origin, Member{MemberRobot, string(r.ID)}, c.Add, c.Remove)
}

// MissingRobotAccount is the error of a robot account that does not exist.
func MissingRobotAccount() *Error {
	return NotFound(ReasonNotFound, "there is no such robot account")
}

// DeleteRobotAccounts deletes robot accounts with their memberships: all of them, or none where one does not exist. Errors:
// not_found/not_found.
type DeleteRobotAccounts struct {
	Organization OrganizationID
	IDs          []RobotAccountID // without duplicates
}

func (c DeleteRobotAccounts) Operation() string { return "robot_account.delete" }

func (c DeleteRobotAccounts) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Robots: c.IDs}}
}

func (c DeleteRobotAccounts) Weight() int { return 1 + len(c.IDs) }

// Decide answers how many were deleted.
func (c DeleteRobotAccounts) Decide(s *Slice, origin Origin) (int, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	for _, id := range c.IDs {
		if _, exists := o.robots[id]; !exists {
			return 0, MissingRobotAccount()
		}
	}
	for _, id := range c.IDs {
		o.removeRobot(id)
		if err := s.record(o, origin, EventRobotDeleted, string(id), struct{}{}); err != nil {
			return 0, err
		}
	}
	return len(c.IDs), nil
}
