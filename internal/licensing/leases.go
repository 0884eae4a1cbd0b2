package licensing

import (
	"cmp"
	"context"
	"slices"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// GroupLeases lists a page of those who hold something through the rule of a group. Errors: forbidden/missing_permission, and
// not_found/not_found for a group that does not exist.
func (l *Licensing) GroupLeases(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID, q seatwright.HolderQuery,
) (seatwright.LeaseHolderPage, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return seatwright.LeaseHolderPage{}, err
	}
	found, err := l.group(ctx, organization, group)
	if err != nil {
		return seatwright.LeaseHolderPage{}, err
	}
	return l.reader.GroupLeases(ctx, organization, found.ID, q)
}

// RevokeLeases ends the leases that people have through a group. Errors: those of seatwright.RevokeLeases and ledger.Submit, and
// forbidden/missing_permission.
func (l *Licensing) RevokeLeases(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID, users []seatwright.UserID,
) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return err
	}
	_, err := ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.RevokeLeases{Organization: organization, Group: group, Users: users})
	return err
}

// ReleaseOwnLeases gives back what the caller holds through groups, and answers who they are. Applications are refused: they hold nothing.
func (l *Licensing) ReleaseOwnLeases(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID,
) (seatwright.UserID, error) {
	user, err := person(caller, organization)
	if err != nil {
		return "", err
	}
	_, err = ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.ReleaseLeases{Organization: organization, User: user})
	return user, err
}

// person is the caller, who has to be one of the people of the organization.
func person(caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.UserID, error) {
	if err := caller.Principal.Check(seatwright.PermissionOwnLicenses); err != nil {
		return "", err
	}
	if caller.Principal.Kind != seatwright.PrincipalUser {
		return "", seatwright.NewError(seatwright.KindForbidden, seatwright.ReasonMissingPermission, "this is for people, who use what they hold: an application holds nothing")
	}
	if caller.Principal.Organization != organization {
		return "", seatwright.MissingOrganization()
	}
	return seatwright.UserID(caller.Principal.ID), nil
}

// Seats lists what a person holds, in the order of the codes. Errors: forbidden/missing_permission, and not_found/not_found for a
// person who does not exist.
func (l *Licensing) Seats(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID,
) ([]seatwright.Seat, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	if _, err := l.reader.User(ctx, organization, user); err != nil {
		return nil, err
	}
	return l.reader.Seats(ctx, organization, []seatwright.UserID{user})
}

// Inheritance is what one group gives, or would give, to a person.
type Inheritance struct {
	Group    seatwright.GroupID
	Name     string // of the group
	External bool
	Codes    []seatwright.ProductCode // in order
}

// LicenseInheritance is what a person has and could have through groups, both in the order of the names of the groups.
type LicenseInheritance struct {
	Used  []Inheritance // the leases that they hold
	Rules []Inheritance // what the rules of their groups offer
}

// LicenseInheritance tells what a person has and could have through groups. Errors: forbidden/missing_permission, and not_found/not_found for
// a person who does not exist.
func (l *Licensing) LicenseInheritance(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID,
) (LicenseInheritance, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return LicenseInheritance{}, err
	}
	return l.inheritance(ctx, organization, user)
}

func (l *Licensing) inheritance(ctx context.Context, organization seatwright.OrganizationID, id seatwright.UserID) (LicenseInheritance, error) {
	user, err := l.reader.User(ctx, organization, id)
	if err != nil {
		return LicenseInheritance{}, err
	}
	seats, err := l.reader.Seats(ctx, organization, []seatwright.UserID{id})
	if err != nil {
		return LicenseInheritance{}, err
	}
	memberships, err := l.reader.GroupsOf(ctx, organization, []string{string(id)})
	if err != nil {
		return LicenseInheritance{}, err
	}
	member := append(memberships[string(id)], seatwright.Everyone.ID)
	if user.Role == seatwright.RoleOrganizationAdministrator {
		member = append(member, seatwright.Administrators.ID)
	}
	leased := map[seatwright.GroupID][]seatwright.ProductCode{}
	asked := slices.Clone(member)
	for _, seat := range seats {
		if seat.Lease.Held() {
			leased[seat.Lease.Group] = append(leased[seat.Lease.Group], seat.Code)
			asked = append(asked, seat.Lease.Group) // they may have left it
		}
	}
	rules, err := l.rulesOf(ctx, organization, asked)
	answer := LicenseInheritance{Used: []Inheritance{}, Rules: []Inheritance{}}
	for _, rule := range rules {
		from := Inheritance{Group: rule.Group, Name: rule.Name, External: rule.External, Codes: rule.Codes()}
		if slices.Contains(member, rule.Group) {
			answer.Rules = append(answer.Rules, from)
		}
		if from.Codes = leased[rule.Group]; len(from.Codes) > 0 {
			answer.Used = append(answer.Used, from)
		}
	}
	byName := func(a, b Inheritance) int {
		return cmp.Or(cmp.Compare(seatwright.NameKey(a.Name), seatwright.NameKey(b.Name)), cmp.Compare(a.Group, b.Group))
	}
	slices.SortFunc(answer.Used, byName)
	slices.SortFunc(answer.Rules, byName)
	return answer, err
}

// AvailableBundles is all that an administrator looks at before they allocate to a person.
type AvailableBundles struct {
	Pools    []seatwright.Pool
	Explicit bool                     // they have a direct record
	Codes    []seatwright.ProductCode // of it, in order
	External bool                     // of it
	Offered  []Inheritance            // by the rules of their groups
}

// AvailableBundles tells what there is for a person, and what they have. Errors: forbidden/missing_permission, and not_found/not_found for
// a person who does not exist.
func (l *Licensing) AvailableBundles(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID,
) (answer AvailableBundles, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return answer, err
	}
	inheritance, err := l.inheritance(ctx, organization, user)
	if err != nil {
		return answer, err
	}
	if answer.Pools, err = l.bundlePools(ctx, organization); err != nil {
		return answer, err
	}
	records, err := l.reader.Allocations(ctx, organization, []seatwright.UserID{user})
	answer.Offered = inheritance.Rules
	for _, record := range records {
		answer.Explicit, answer.Codes, answer.External = true, record.Codes, record.External
	}
	return answer, err
}

// Holding is what a person holds, from whatever source.
type Holding struct {
	User      seatwright.UserID
	Codes     []seatwright.ProductCode // in order
	External  bool                     // of their direct record
	Inherited bool                     // through groups alone
}

// Holdings tells what those of users who exist hold, in the order of the request.
func (l *Licensing) Holdings(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID,
) ([]Holding, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	people, err := l.reader.People(ctx, organization, users)
	if err != nil {
		return nil, err
	}
	records, err := l.reader.Allocations(ctx, organization, users)
	if err != nil {
		return nil, err
	}
	seats, err := l.reader.Seats(ctx, organization, users)
	if err != nil {
		return nil, err
	}
	byUser := make(map[seatwright.UserID]*Holding, len(people))
	for _, p := range people {
		byUser[p.ID] = &Holding{User: p.ID, Codes: []seatwright.ProductCode{}}
	}
	direct := map[seatwright.UserID]bool{}
	for _, seat := range seats {
		if h := byUser[seat.User]; h != nil {
			h.Codes = append(h.Codes, seat.Code)
			direct[seat.User] = direct[seat.User] || seat.Direct
			h.Inherited = !direct[seat.User]
		}
	}
	for _, record := range records {
		if h := byUser[record.User]; h != nil {
			h.External = record.External
		}
	}
	ordered := make([]Holding, 0, len(people))
	for _, user := range users {
		if h := byUser[user]; h != nil {
			ordered = append(ordered, *h)
		}
	}
	return ordered, nil
}

// AllocationPage lists a page of those who have a direct record.
func (l *Licensing) AllocationPage(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.HolderQuery,
) (seatwright.DirectHolderPage, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return seatwright.DirectHolderPage{}, err
	}
	return l.reader.DirectHolders(ctx, organization, q)
}

// Allocation finds the direct record of a person. Errors: forbidden/missing_permission, and not_found/not_found for a person who has none
// or does not exist.
func (l *Licensing) Allocation(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID,
) (seatwright.DirectHolder, error) {
	found, err := l.Allocations(ctx, caller, organization, []seatwright.UserID{user})
	if err != nil {
		return seatwright.DirectHolder{}, err
	}
	if len(found) > 0 {
		return found[0], nil
	}
	if _, err := l.reader.User(ctx, organization, user); err != nil {
		return seatwright.DirectHolder{}, err
	}
	return seatwright.DirectHolder{}, seatwright.NotFound(seatwright.ReasonNotFound, "nothing is allocated to this person directly")
}

// DirectCodes lists the codes that somebody holds directly, in order.
func (l *Licensing) DirectCodes(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.ProductCode, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	return l.reader.DirectCodes(ctx, organization)
}
