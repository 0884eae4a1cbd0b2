package native

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// PolicyBook reads and changes what an organization has decided about its licenses.
type PolicyBook interface {
	Policies(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.Policies, error)
	ChangePolicies(ctx context.Context, caller seatwright.Caller, command seatwright.ChangePolicies) (seatwright.Policies, error)
}

// GetPolicies is GET /api/v1/organizations/{org}/policies.
func (h handlers) GetPolicies(ctx context.Context, _ GetPoliciesRequestObject) (GetPoliciesResponseObject, error) {
	policies, err := h.licensing.Policies(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return GetPolicies200JSONResponse(policiesOf(policies)), err
}

// ChangePolicies is PATCH /api/v1/organizations/{org}/policies.
func (h handlers) ChangePolicies(ctx context.Context, request ChangePoliciesRequestObject) (ChangePoliciesResponseObject, error) {
	b := request.Body
	policies, err := h.licensing.ChangePolicies(ctx, api.CallerOf(ctx), seatwright.ChangePolicies{
		Organization: api.OrganizationOf(ctx).ID, UnknownUsers: (*seatwright.UnknownUsers)(b.UnknownUsers), ExternalLicenses: b.ExternalLicenses,
		AllocationMode: (*seatwright.AllocationMode)(b.AllocationMode), OnLeave: (*seatwright.OnLeave)(b.OnLeave), InactiveDays: b.InactiveDays,
		OnShrink: (*seatwright.OnShrink)(b.OnShrink), UnitLeaseMinutes: b.UnitLeaseMinutes, Overdraft: (*seatwright.Overdraft)(b.Overdraft),
		UserLicensing: b.UserLicensing,
	})
	return ChangePolicies200JSONResponse(policiesOf(policies)), err
}

func policiesOf(p seatwright.Policies) wire.Policies {
	return wire.Policies{
		UnknownUsers: wire.UnknownUsers(p.UnknownUsers), ExternalLicenses: p.ExternalLicenses, AllocationMode: wire.AllocationMode(p.AllocationMode),
		OnLeave: wire.OnLeave(p.OnLeave), InactiveDays: p.InactiveDays, OnShrink: wire.OnShrink(p.OnShrink), UnitLeaseMinutes: p.UnitLeaseMinutes,
		Overdraft: wire.Overdraft(p.Overdraft), UserLicensing: p.UserLicensing,
	}
}
