package directory

import (
	"context"
	"fmt"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Invitation is what is said about somebody to be invited.
type Invitation struct {
	Email     string // their user name as well; needed
	FirstName string
	LastName  string
	Groups    []string
}

// Invite makes people who have no password yet, all or none. Nothing is sent to them, and nothing in the answer is a secret: they
// can sign in when an administrator has given them a password, and have accepted then.
//
// Errors: those of Create. A mail address that can be no user name is invalid/invalid_value.
func (p *People) Invite(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, invitations []Invitation,
) ([]Person, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteUsers); err != nil {
		return nil, err
	}
	if len(invitations) == 0 || len(invitations) > seatwright.MaxUsersPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "1 to %d people in one call, not %d", seatwright.MaxUsersPerCall, len(invitations))
	}
	command := seatwright.CreateUsers{Organization: organization, Users: make([]seatwright.CreateUser, len(invitations))}
	for i, each := range invitations {
		var err error
		if command.Users[i], err = p.invited(ctx, caller, organization, each); err != nil {
			if e := seatwright.AsError(err); e.Field != "" {
				err = e.In(fmt.Sprintf("[%d].%s", i, e.Field))
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

// invited reads one invitation.
func (p *People) invited(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, i Invitation,
) (c seatwright.CreateUser, err error) {
	if i.Email == "" {
		return c, seatwright.Invalid(seatwright.ReasonInvalidValue, "a mail address is needed").In("email")
	}
	if _, err := userNameKey(i.Email); err != nil {
		return c, seatwright.Invalid(seatwright.ReasonInvalidValue, "the mail address is the user name, which has letters, digits and marks, and no space").In("email")
	}
	joins, err := readGroups(caller, i.Groups, "groupIDs")
	if err != nil {
		return c, err
	}
	n := NewUser{UserName: i.Email, Email: i.Email, FirstName: i.FirstName, LastName: i.LastName, Role: seatwright.RoleMember}
	if joins.administrators {
		n.Role = seatwright.RoleOrganizationAdministrator
	}
	c, err = n.command(ctx, organization, p.passwords, seatwright.PasswordRules{}) // there is no password for which rules are needed
	c.Groups = joins.ids
	return c, err
}
