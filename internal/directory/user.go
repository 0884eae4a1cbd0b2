package directory

import (
	"context"

	"golang.org/x/text/secure/precis"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// NewUser is what is said about a person to be created. Empty fields are unknown.
type NewUser struct {
	ID          string // empty: a fresh UUID
	UserName    string // needed to sign in
	Password    string // empty: no local password
	Email       string
	FirstName   string
	LastName    string
	DisplayName string
	ExternalID  string
	Role        seatwright.Role // empty: member; people of the host need host-administrator said

	BypassBasicAuth    bool
	InvitationAccepted bool
}

// CreateUser makes a person of an organization, or of the host, where the role must be the host's. Host administrators only.
func (d *Directory) CreateUser(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n NewUser,
) (seatwright.User, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return seatwright.User{}, err
	}
	rules, err := passwordRules(ctx, d.reader, organization)
	if err != nil {
		return seatwright.User{}, err
	}
	command, err := n.command(ctx, organization, d.passwords, rules)
	if err != nil {
		return seatwright.User{}, err
	}
	return ledger.Submit(ctx, d.ledger, caller.Origin(), command)
}

// command reads what is said about a person, and hashes the password.
func (n NewUser) command(
	ctx context.Context, organization seatwright.OrganizationID, passwords *Passwords, rules seatwright.PasswordRules,
) (c seatwright.CreateUser, err error) {
	id, err := optionalID(n.ID)
	if err != nil {
		return c, err
	}
	if err := n.check(organization); err != nil {
		return c, err
	}
	key, err := userNameKey(n.UserName)
	if err != nil {
		return c, err
	}
	hash := ""
	if n.Password != "" {
		if err := rules.Check(n.Password, n.UserName, n.Email); err != nil {
			return c, err
		}
		if hash, err = passwords.Hash(ctx, n.Password); err != nil {
			return c, err
		}
	}
	return seatwright.CreateUser{
		User: seatwright.User{
			Organization: organization, ID: seatwright.UserID(id), UserName: n.UserName, ExternalID: n.ExternalID, Email: n.Email,
			FirstName: n.FirstName, LastName: n.LastName, DisplayName: n.DisplayName, Role: n.Role,
			BypassBasicAuth: n.BypassBasicAuth, InvitationAccepted: n.InvitationAccepted,
		},
		UserNameKey: key, FreshID: seatwright.UserID(seatwright.NewID()), PasswordHash: hash,
	}, nil
}

// check fills in the role and refuses what no person can have.
func (n *NewUser) check(organization seatwright.OrganizationID) error {
	invalid := func(field, text string) error {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "%s", text).In(field)
	}
	for field, text := range map[string]string{
		"userName": n.UserName, "email": n.Email, "firstName": n.FirstName, "lastName": n.LastName, "displayName": n.DisplayName, "externalId": n.ExternalID,
	} {
		if err := seatwright.CheckText(field, text); err != nil {
			return err
		}
	}
	host := organization == seatwright.HostID
	switch {
	case n.Role == "" && !host:
		n.Role = seatwright.RoleMember
	case host && n.Role != seatwright.RoleHostAdministrator:
		return invalid("role", "people of the host are host administrators: say so with the role host-administrator")
	case !host && n.Role != seatwright.RoleMember && n.Role != seatwright.RoleOrganizationAdministrator:
		return invalid("role", "role is member or organization-administrator")
	}
	if n.Password != "" && n.UserName == "" {
		return invalid("userName", "a password needs a user name")
	}
	return checkEmail(n.Email)
}

// userNameKey is the form in which user names are compared: RFC 8265's case-mapped user names, so that letter case, width
// and composition make no second person. It is empty for no name.
func userNameKey(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	key, err := precis.UsernameCaseMapped.CompareKey(name)
	if err != nil {
		return "", seatwright.Invalid(seatwright.ReasonInvalidValue, "a user name has letters, digits and marks, and no space").In("userName")
	}
	return key, nil
}

// UserNamed finds a person by user name, in any letter case. Nobody, also text that can be no user name, is not_found/not_found. It
// checks no permission: the caller has.
func (d *Directory) UserNamed(ctx context.Context, organization seatwright.OrganizationID, userName string) (seatwright.User, error) {
	key, err := userNameKey(userName)
	if err != nil || key == "" {
		return seatwright.User{}, seatwright.MissingUser()
	}
	user, err := d.reader.UserByName(ctx, organization, key)
	user.PasswordHash = ""
	return user, err
}

// Tenancy says which organization a login is meant for: the one of the path if there is one; else the organization with
// that name or id; else the organization of the tenant with that name, if the installation has only one; else, for "host",
// the host. Anything else is not_found/organization_not_found. Source: docs/decisions/0007-login-names-a-tenancy.md.
func (d *Directory) Tenancy(ctx context.Context, pathOrganization, tenancyName string) (seatwright.Organization, error) {
	if pathOrganization != "" {
		return d.Organization(ctx, pathOrganization)
	}
	org, err := d.Organization(ctx, tenancyName)
	if !seatwright.IsKind(err, seatwright.KindNotFound) {
		return org, err
	}
	tenants, err := d.reader.TenantsByName(ctx, seatwright.NameKey(tenancyName))
	if err != nil {
		return seatwright.Organization{}, err
	}
	if len(tenants) != 1 {
		return seatwright.Organization{}, seatwright.MissingOrganization()
	}
	return d.reader.Organization(ctx, tenants[0].Organization)
}
