package licensing

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Policies tells what an organization has decided about its licenses. Errors: forbidden/missing_permission, not_found/organization_not_found.
func (l *Licensing) Policies(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.Policies, error) {
	if err := caller.Principal.Check(seatwright.PermissionManagePolicies); err != nil {
		return seatwright.Policies{}, err
	}
	found, err := l.reader.Organization(ctx, organization)
	return found.Policies, err
}

// ChangePolicies changes what the command lists and answers all of them. Whether an organization may have external licenses, and what a
// smaller purchase does, is for the host to say: others are refused with forbidden/missing_permission where the command has one of them. Other errors are those of
// seatwright.ChangePolicies and ledger.Submit.
func (l *Licensing) ChangePolicies(ctx context.Context, caller seatwright.Caller, command seatwright.ChangePolicies) (seatwright.Policies, error) {
	p := caller.Principal
	if err := p.Check(seatwright.PermissionManagePolicies); err != nil {
		return seatwright.Policies{}, err
	}
	if p.Kind != seatwright.PrincipalSystem && p.Role != seatwright.RoleHostAdministrator {
		only := func(field, what string) error {
			return seatwright.NewError(seatwright.KindForbidden, seatwright.ReasonMissingPermission, "only a host administrator %s", what).In(field)
		}
		switch {
		case command.ExternalLicenses != nil:
			return seatwright.Policies{}, only("externalLicenses", "allows or forbids external licenses")
		case command.OnShrink != nil:
			return seatwright.Policies{}, only("onShrink", "says what a smaller purchase does")
		}
	}
	changed, err := ledger.Submit(ctx, l.ledger, caller.Origin(), command)
	return changed.Policies, err
}

// SetUserLicensing turns the published switch of user licensing, and answers how it stands.
func (l *Licensing) SetUserLicensing(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, enabled bool) (bool, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteServices); err != nil {
		return false, err
	}
	changed, err := ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.ChangePolicies{Organization: organization, UserLicensing: &enabled})
	return changed.UserLicensing, err
}

// UserLicensing tells how the published switch of user licensing stands.
func (l *Licensing) UserLicensing(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (bool, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadAccounts); err != nil {
		return false, err
	}
	found, err := l.reader.Organization(ctx, organization)
	return found.UserLicensing, err
}
