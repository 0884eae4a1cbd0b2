package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Tokens is told when somebody may have lost what their tokens say.
type Tokens interface {
	// Forget makes every token be looked at anew from now on.
	Forget()
}

// PeopleReader is what the use cases of people ask.
type PeopleReader interface {
	seatwright.DirectoryReader
	seatwright.GroupReader
	seatwright.SettingReader
}

// People is the life of the people of an organization, as its administrators see it. It is safe for concurrent use.
type People struct {
	reader    PeopleReader
	ledger    *ledger.Ledger
	passwords *Passwords
	logins    *Logins
	tokens    Tokens
}

// NewPeople makes the use cases over a reader and the ledger of the same store.
func NewPeople(reader PeopleReader, ledger *ledger.Ledger, passwords *Passwords, logins *Logins, tokens Tokens) *People {
	return &People{reader: reader, ledger: ledger, passwords: passwords, logins: logins, tokens: tokens}
}

// Person is somebody with what is known of them elsewhere than in the directory's own row.
type Person struct {
	seatwright.User                      // without password hash
	Groups          []seatwright.GroupID // built-in ones first
	LastSignIn      time.Time            // zero: never
}

// PersonPage is a part of a list of people, and how many there are in all.
type PersonPage struct {
	Total  int64
	People []Person
}

// User finds a person. An id that nobody can have is not found either.
func (p *People) User(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string) (Person, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadUsers); err != nil {
		return Person{}, err
	}
	user, err := userID(id)
	if err != nil {
		return Person{}, err
	}
	u, err := p.reader.User(ctx, organization, user)
	if err != nil {
		return Person{}, err
	}
	u.PasswordHash = ""
	found, err := p.known(ctx, organization, []seatwright.User{u})
	if err != nil {
		return Person{}, err
	}
	return found[0], nil
}

// Self finds the caller, who has to be a person.
func (p *People) Self(ctx context.Context, caller seatwright.Caller) (Person, error) {
	if caller.Principal.Kind != seatwright.PrincipalUser {
		return Person{}, seatwright.MissingUser()
	}
	u, err := p.reader.User(ctx, caller.Principal.Organization, seatwright.UserID(caller.Principal.ID))
	if err != nil {
		return Person{}, err
	}
	u.PasswordHash = ""
	found, err := p.known(ctx, caller.Principal.Organization, []seatwright.User{u})
	if err != nil {
		return Person{}, err
	}
	return found[0], nil
}

// Users lists a page of people.
func (p *People) Users(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.UserQuery,
) (PersonPage, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadUsers); err != nil {
		return PersonPage{}, err
	}
	if err := seatwright.CheckText("searchTerm", q.Term); err != nil {
		return PersonPage{}, err
	}
	page, err := p.reader.Users(ctx, organization, q)
	if err != nil {
		return PersonPage{}, err
	}
	people, err := p.known(ctx, organization, page.Users)
	return PersonPage{Total: page.Total, People: people}, err
}

// known adds to people what is known of them elsewhere.
func (p *People) known(ctx context.Context, organization seatwright.OrganizationID, users []seatwright.User) ([]Person, error) {
	if len(users) == 0 {
		return nil, nil
	}
	ids, members := make([]seatwright.UserID, len(users)), make([]string, len(users))
	for i, u := range users {
		ids[i], members[i] = u.ID, string(u.ID)
	}
	groups, err := p.reader.GroupsOf(ctx, organization, members)
	if err != nil {
		return nil, err
	}
	signIns, err := p.reader.LastSignIns(ctx, organization, ids)
	if err != nil {
		return nil, err
	}
	people := make([]Person, len(users))
	for i, u := range users {
		var builtIn []seatwright.GroupID
		if u.Role == seatwright.RoleOrganizationAdministrator {
			builtIn = append(builtIn, seatwright.Administrators.ID)
		}
		builtIn = append(builtIn, seatwright.Everyone.ID)
		u.InvitationAccepted = u.InvitationAccepted || !signIns[u.ID].IsZero()
		people[i] = Person{User: u, Groups: append(builtIn, groups[string(u.ID)]...), LastSignIn: signIns[u.ID]}
	}
	return people, nil
}

// Create makes people, all or none, and puts all of them into groups. Everybody needs a user name.
//
// Errors: those of seatwright.CreateUsers; invalid/invalid_value, invalid/malformed_id and invalid/too_many with the field at fault;
// forbidden/missing_permission where an application wants to make administrators.
func (p *People) Create(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, people []NewUser, groups []string,
) ([]Person, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteUsers); err != nil {
		return nil, err
	}
	if len(people) == 0 || len(people) > seatwright.MaxUsersPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "1 to %d people in one call, not %d", seatwright.MaxUsersPerCall, len(people)).In("users")
	}
	joins, err := readGroups(caller, groups, "groupIDs")
	if err != nil {
		return nil, err
	}
	rules, err := passwordRules(ctx, p.reader, organization)
	if err != nil {
		return nil, err
	}
	command := seatwright.CreateUsers{Organization: organization, Users: make([]seatwright.CreateUser, len(people)), Groups: joins.ids}
	for i, n := range people {
		if n.Role = seatwright.RoleMember; joins.administrators {
			n.Role = seatwright.RoleOrganizationAdministrator
		}
		if command.Users[i], err = p.fresh(ctx, organization, n, rules); err != nil {
			if len(people) > 1 && seatwright.AsError(err).Field != "" {
				err = seatwright.AsError(err).In(fmt.Sprintf("users[%d].%s", i, seatwright.AsError(err).Field))
			}
			return nil, err
		}
	}
	made, err := ledger.Submit(ctx, p.ledger, caller.Origin(), command)
	if err != nil {
		return nil, err
	}
	return p.known(ctx, organization, made)
}

// fresh reads what is said about a person to be made.
func (p *People) fresh(
	ctx context.Context, organization seatwright.OrganizationID, n NewUser, rules seatwright.PasswordRules,
) (c seatwright.CreateUser, err error) {
	if n.UserName == "" {
		return c, seatwright.Invalid(seatwright.ReasonInvalidValue, "a user name is needed").In("userName")
	}
	return n.command(ctx, organization, p.passwords, rules)
}

// membership is what a caller says about groups: the stored ones, and which built-in ones are among them.
type membership struct {
	ids            []seatwright.GroupID
	administrators bool
	everyone       bool
}

// readGroups reads a list of groups as it comes in a request. The group of the administrators is a role, which people may
// give and no application: a program that may make people shall not make its own masters.
func readGroups(caller seatwright.Caller, raw []string, field string) (m membership, err error) {
	const most = 100
	if len(raw) > most {
		return m, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d groups in one call, not %d", most, len(raw)).In(field)
	}
	if m.ids, err = groupIDs(raw, field); err != nil {
		return m, err
	}
	m.administrators, m.everyone = slices.Contains(m.ids, seatwright.Administrators.ID), slices.Contains(m.ids, seatwright.Everyone.ID)
	m.ids = slices.DeleteFunc(m.ids, func(id seatwright.GroupID) bool {
		_, builtIn := seatwright.LookupBuiltInGroup(id)
		return builtIn
	})
	if m.administrators && caller.Principal.Kind == seatwright.PrincipalApplication {
		return m, seatwright.NewError(seatwright.KindForbidden, seatwright.ReasonMissingPermission, "only people decide who administers the organization").In(field)
	}
	return m, nil
}

// UserChange is what is to change of a person. What is nil or empty stays.
type UserChange struct {
	FirstName, LastName, DisplayName, Email, Password *string
	Active, BypassBasicAuth, InvitationAccepted       *bool
	Add, Remove                                       []string // groups
}

// Update changes a person. Errors: those of seatwright.UpdateUser; invalid/invalid_value and so on with the field at fault;
// forbidden/missing_permission where an application wants to make or unmake administrators; conflict/built_in for leaving everyone.
func (p *People) Update(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string, change UserChange,
) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteUsers); err != nil {
		return err
	}
	user, err := userID(id)
	if err != nil {
		return err
	}
	command, err := change.command(caller)
	if err != nil {
		return err
	}
	command.Organization, command.User = organization, user
	if change.Password != nil {
		u, err := p.reader.User(ctx, organization, user)
		if err != nil && !seatwright.IsKind(err, seatwright.KindNotFound) { // the decision says whether there is somebody
			return err
		}
		if command.PasswordHash, err = p.hash(ctx, u, *change.Password); err != nil {
			return err
		}
	}
	if !command.TakesAccess() {
		_, err = ledger.Submit(ctx, p.ledger, caller.Origin(), command)
		return err
	}
	_, err = takeAccess(ctx, p.ledger, p.tokens, caller, command)
	return err
}

// command reads a change, all but the password.
func (c UserChange) command(caller seatwright.Caller) (command seatwright.UpdateUser, err error) {
	for _, text := range [...]struct {
		field string
		value *string
	}{{"name", c.FirstName}, {"surname", c.LastName}, {"displayName", c.DisplayName}, {"email", c.Email}} {
		if text.value != nil {
			if err := seatwright.CheckText(text.field, *text.value); err != nil {
				return command, err
			}
		}
	}
	if c.Email != nil {
		if err := checkEmail(*c.Email); err != nil {
			return command, err
		}
	}
	add, err := readGroups(caller, c.Add, "groupIDsToAdd")
	if err != nil {
		return command, err
	}
	remove, err := readGroups(caller, c.Remove, "groupIDsToRemove")
	if err != nil {
		return command, err
	}
	both := add.administrators && remove.administrators || slices.ContainsFunc(add.ids, func(id seatwright.GroupID) bool { return slices.Contains(remove.ids, id) })
	if both {
		return command, seatwright.Invalid(seatwright.ReasonInvalidValue, "a group is to be joined and to be left").In("groupIDsToRemove")
	}
	if remove.everyone {
		return command, seatwright.NewError(seatwright.KindConflict, seatwright.ReasonBuiltIn, "everybody is in the group %s", seatwright.Everyone.Name).In("groupIDsToRemove")
	}
	command = seatwright.UpdateUser{
		FirstName: c.FirstName, LastName: c.LastName, DisplayName: c.DisplayName, Email: c.Email, Active: c.Active,
		BypassBasicAuth: c.BypassBasicAuth, InvitationAccepted: c.InvitationAccepted, Add: add.ids, Remove: remove.ids,
	}
	role := seatwright.RoleMember
	if add.administrators {
		role = seatwright.RoleOrganizationAdministrator
	}
	if add.administrators || remove.administrators {
		command.Role = &role
	}
	return command, nil
}

// hash makes the stored form of a new password of a person.
func (p *People) hash(ctx context.Context, u seatwright.User, password string) (string, error) {
	rules, err := passwordRules(ctx, p.reader, u.Organization)
	if err == nil {
		err = rules.Check(password, u.UserName, u.Email)
	}
	if err != nil {
		return "", err
	}
	return p.passwords.Hash(ctx, password)
}

// ChangePassword gives the caller the password that they have chosen. It is for nobody else, whatever they may do: the old password
// is asked for because the token may be in other hands, and guesses at it count as failed logins. Errors: forbidden/missing_permission for everybody else,
// invalid/wrong_password, invalid/invalid_value, rate_limited/too_many_failures, and those of Passwords.
func (p *People) ChangePassword(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id, oldPassword, newPassword string,
) error {
	if err := caller.Principal.Check(seatwright.PermissionOwnPassword); err != nil {
		return err
	}
	user, err := userID(id)
	if caller.Principal.Kind != seatwright.PrincipalUser || err != nil || string(user) != caller.Principal.ID {
		return seatwright.NewError(seatwright.KindForbidden, seatwright.ReasonMissingPermission,
			"people change their own password only; an administrator sets another one with PUT")
	}
	u, err := p.reader.User(ctx, organization, user)
	if err != nil {
		return err
	}
	rules, err := passwordRules(ctx, p.reader, organization)
	if err != nil {
		return err
	}
	if err := rules.Check(newPassword, u.UserName, u.Email); err != nil {
		return seatwright.AsError(err).In("newPassword")
	}
	right, err := p.logins.ownPassword(ctx, caller, u, oldPassword)
	if err != nil {
		return err
	}
	// A wrong password goes to the ledger as well: under an idempotency key the answer may be there already, because the password
	// was the old one when the first request came.
	command := seatwright.ChangePassword{Organization: organization, User: user}
	if right {
		command.OldHash = u.PasswordHash
		if command.PasswordHash, err = p.passwords.Hash(ctx, newPassword); err != nil {
			return err
		}
	}
	_, err = takeAccess(ctx, p.ledger, p.tokens, caller, command)
	if seatwright.IsReason(err, seatwright.ReasonWrongPassword) {
		if unrecorded := p.logins.ownPasswordRefused(ctx, caller, u); unrecorded != nil {
			return unrecorded
		}
	}
	return err
}

// Delete removes a person.
func (p *People) Delete(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteUsers); err != nil {
		return err
	}
	user, err := userID(id)
	if err != nil {
		return err
	}
	_, err = takeAccess(ctx, p.ledger, p.tokens, caller, seatwright.DeleteUsers{Organization: organization, Users: []seatwright.UserID{user}})
	return err
}

// DeleteMany removes people, all or none. The ids are 1 to seatwright.MaxUsersPerCall.
func (p *People) DeleteMany(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ids []string) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteUsers); err != nil {
		return err
	}
	users, err := seatwright.UserIDs(ids)
	if err != nil {
		return err
	}
	_, err = takeAccess(ctx, p.ledger, p.tokens, caller, seatwright.DeleteUsers{Organization: organization, Users: users})
	return err
}

// takeAccess submits a command that may end what somebody's tokens are good for, and sees to it that they end here as soon as
// it is stored. A caller who leaves does not keep us from that: the outcome is waited for in any case.
func takeAccess[A any](ctx context.Context, l *ledger.Ledger, tokens Tokens, caller seatwright.Caller, command seatwright.Command[A]) (A, error) {
	answer, err := ledger.Submit(context.WithoutCancel(ctx), l, caller.Origin(), command)
	if err == nil || seatwright.IsReason(err, seatwright.ReasonOutcomeUnknown) {
		tokens.Forget()
	}
	return answer, err
}

// userID reads the id of a person in a path.
func userID(id string) (seatwright.UserID, error) {
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return "", seatwright.MissingUser()
	}
	return seatwright.UserID(canonical), nil
}

func checkEmail(address string) error {
	if address != "" && !strings.Contains(address, "@") {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "an e-mail address has an @").In("email")
	}
	return nil
}
