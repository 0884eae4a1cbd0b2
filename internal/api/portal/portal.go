// Package portal is the compatible door of the portal's pages: licenses of people and groups here, what the organization has in
// account.go, people and tenants in people.go. Each handler decodes, calls a use case and encodes. The names of fields are the portal's own; the use cases are
// those of the license accountant. Routes and types are generated from api/automation-suite.yaml.
package portal

import (
	"context"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// Licensing is what the door needs done. Answers are in the order of the users that were named.
type Licensing interface {
	Accounts

	Allocate(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID, codes []seatwright.ProductCode, external bool) ([]seatwright.Allocation, error)
	AddToUsers(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.Allocation, error)
	Deallocate(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) (seatwright.Deallocation, error)
	PoolsInUse(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]licensing.PoolUse, error)
	AllocationPage(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.HolderQuery) (seatwright.DirectHolderPage, error)
	GroupLeases(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID, q seatwright.HolderQuery) (seatwright.LeaseHolderPage, error)
	RevokeLeases(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID, users []seatwright.UserID) error
	SetGroupRule(ctx context.Context, caller seatwright.Caller, command seatwright.SetGroupRule) (seatwright.GroupRule, error)
	RemoveGroupRule(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID) error
	GroupRule(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID) (seatwright.NamedRule, error)
	GroupRules(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.RuleQuery) (seatwright.RulePage, error)
	Holdings(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) ([]licensing.Holding, error)
}

// Register adds the routes of the door to mux. The handlers expect the caller and the organization in the context.
func Register(mux ServeMux, door api.Door, licensing Licensing, people People, names Names) {
	HandlerWithOptions(NewStrictHandler(handlers{licensing, people, names}, door.Decode, door.Fail), StdHTTPServerOptions{
		BaseRouter: mux, Middlewares: []MiddlewareFunc{door.WholeQuery}, ErrorHandlerFunc: door.FailParameter,
	})
}

type handlers struct {
	licensing Licensing
	people    People
	names     Names
}

// ListPortalPools is GET UserLicense.
func (h handlers) ListPortalPools(ctx context.Context, _ ListPortalPoolsRequestObject) (ListPortalPoolsResponseObject, error) {
	pools, err := h.licensing.PoolsInUse(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ListPortalPools200JSONResponse(poolsOf(pools)), err
}

func poolsOf(pools []licensing.PoolUse) []wire.PortalPool {
	answer := make([]wire.PortalPool, len(pools))
	for i, p := range pools {
		answer[i] = wire.PortalPool{Code: string(p.Code), Allocated: p.Used, Total: p.Total, InUse: p.InUse}
	}
	return answer
}

// ReplacePortalUserLicenses is PUT UserLicense.
func (h handlers) ReplacePortalUserLicenses(
	ctx context.Context, request ReplacePortalUserLicensesRequestObject,
) (ReplacePortalUserLicensesResponseObject, error) {
	if request.Body.LicenseCodes == nil {
		return nil, missingCodes("licenseCodes", "blocks the users")
	}
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	codes, err := codesOf(request.Body.LicenseCodes, "licenseCodes")
	if err != nil {
		return nil, err
	}
	found, err := h.licensing.Allocate(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, users, codes, request.Body.UseExternalLicense)
	return ReplacePortalUserLicenses200JSONResponse(allocations(ctx, found)), naming("licenseCodes", err)
}

func missingCodes(field, empty string) error {
	return seatwright.Invalid(seatwright.ReasonInvalidValue, "the codes are missing; an empty list %s", empty).In(field)
}

// codesOf reads codes, whose field has a name of its own at this door.
func codesOf(raw []string, field string) ([]seatwright.ProductCode, error) {
	codes, err := seatwright.BundleCodes(raw)
	return codes, naming(field, err)
}

// naming calls the codes of an error as the request has called them.
func naming(field string, err error) error {
	if err == nil {
		return nil
	}
	e := seatwright.AsError(err)
	if place, ofCodes := strings.CutPrefix(e.Field, "userBundleCodes"); ofCodes {
		return e.In(field + place)
	}
	return err
}

func allocations(ctx context.Context, found []seatwright.Allocation) []wire.UserLicense {
	answer := make([]wire.UserLicense, len(found))
	for i, a := range found {
		answer[i] = wire.UserLicense{
			UserID: string(a.User), OrganizationID: string(api.OrganizationOf(ctx).ID), UseExternalLicense: a.External, UserBundleCodes: api.Texts(a.Codes),
		}
	}
	return answer
}

// AddPortalUsers is POST UserLicense/users.
func (h handlers) AddPortalUsers(ctx context.Context, request AddPortalUsersRequestObject) (AddPortalUsersResponseObject, error) {
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	found, err := h.licensing.AddToUsers(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, users)
	return AddPortalUsers200JSONResponse(allocations(ctx, found)), err
}

// RemovePortalUserLicenses is DELETE UserLicense.
func (h handlers) RemovePortalUserLicenses(
	ctx context.Context, request RemovePortalUserLicensesRequestObject,
) (RemovePortalUserLicensesResponseObject, error) {
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	d, err := h.licensing.Deallocate(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, users)
	return RemovePortalUserLicenses200JSONResponse{SuccessfulUserIds: api.Texts(d.Removed), FailedUserIds: api.Texts(d.Unknown)}, err
}

// ListPortalUsers is GET UserLicense/user/page.
func (h handlers) ListPortalUsers(ctx context.Context, request ListPortalUsersRequestObject) (ListPortalUsersResponseObject, error) {
	skip, top, err := api.PageOf(request.Params.Skip, request.Params.Top)
	if err != nil {
		return nil, err
	}
	page, err := h.licensing.AllocationPage(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, byID(skip, top))
	answer := ListPortalUsers200JSONResponse{TotalCount: page.Total, Results: make([]wire.PortalUser, len(page.Holders))}
	for i, holder := range page.Holders {
		answer.Results[i] = userOf(holder.Person, holder.Codes)
		answer.Results[i].LastInUse = api.OrNever(holder.LastSignIn)
	}
	return answer, err
}

func byID(skip, top int) seatwright.HolderQuery {
	return seatwright.HolderQuery{Sort: seatwright.SortHoldersByID, Skip: int64(skip), Top: int64(top)}
}

func userOf(p seatwright.User, codes []seatwright.ProductCode) wire.PortalUser {
	return wire.PortalUser{
		ID: string(p.ID), Email: api.OrNull(p.Email), Name: p.CalledBy(), Surname: api.OrNull(p.LastName), DisplayName: api.OrNull(p.DisplayName),
		UserBundleLicenses: api.Texts(codes),
	}
}

// ListPortalGroups is GET UserLicense/group/page.
func (h handlers) ListPortalGroups(ctx context.Context, request ListPortalGroupsRequestObject) (ListPortalGroupsResponseObject, error) {
	skip, top, err := api.PageOf(request.Params.Skip, request.Params.Top)
	if err != nil {
		return nil, err
	}
	q := seatwright.RuleQuery{Sort: seatwright.SortRulesByName, Skip: int64(skip), Top: int64(top)}
	page, err := h.licensing.GroupRules(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q)
	answer := ListPortalGroups200JSONResponse{TotalCount: page.Total, Results: make([]wire.PortalGroup, len(page.Rules))}
	for i, rule := range page.Rules {
		answer.Results[i] = wire.PortalGroup{
			ID: string(rule.Group), Name: rule.Name, UserBundleLicenses: api.Texts(rule.Codes()), UseExternalLicense: rule.External,
		}
	}
	return answer, err
}

// groupID reads the id of a group: one that no group can have is not found either.
func groupID(raw string) (seatwright.GroupID, error) {
	id, err := seatwright.CanonicalID(raw)
	if err != nil {
		return "", seatwright.MissingGroup()
	}
	return seatwright.GroupID(id), nil
}

// GetPortalGroup is GET UserLicense/group/?id=.
func (h handlers) GetPortalGroup(ctx context.Context, request GetPortalGroupRequestObject) (GetPortalGroupResponseObject, error) {
	group, err := groupID(request.Params.ID)
	if err != nil {
		return nil, err
	}
	caller, organization := api.CallerOf(ctx), api.OrganizationOf(ctx).ID
	rule, err := h.licensing.GroupRule(ctx, caller, organization, group)
	if err != nil {
		return nil, err
	}
	pools, err := h.licensing.PoolsInUse(ctx, caller, organization)
	return GetPortalGroup200JSONResponse{
		AvailableUserBundles: poolsOf(pools), AllocatedUserBundles: api.Texts(rule.Codes()), UseExternalLicense: rule.External,
	}, err
}

// SetPortalGroup is PUT UserLicense/group. Quotas of codes that stay are kept.
func (h handlers) SetPortalGroup(ctx context.Context, request SetPortalGroupRequestObject) (SetPortalGroupResponseObject, error) {
	if request.Body.ID == "" {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the group is missing").In("id")
	}
	group, err := groupID(request.Body.ID)
	if err != nil {
		return nil, err
	}
	if request.Body.Ubls == nil {
		return nil, missingCodes("ubls", "offers nothing")
	}
	codes, err := codesOf(request.Body.Ubls, "ubls")
	if err != nil {
		return nil, err
	}
	organization := api.OrganizationOf(ctx).ID
	rule, err := h.licensing.SetGroupRule(ctx, api.CallerOf(ctx), seatwright.SetGroupRule{
		Organization: organization, Group: group, Codes: codes, External: request.Body.UseExternalLicense, KeepQuotas: true,
	})
	return SetPortalGroup200JSONResponse{
		GroupID: string(rule.Group), OrganizationID: string(organization), UseExternalLicense: rule.External, UserBundleCodes: api.Texts(rule.Codes()),
	}, naming("ubls", err)
}

// RemovePortalGroup is DELETE UserLicense/group.
func (h handlers) RemovePortalGroup(ctx context.Context, request RemovePortalGroupRequestObject) (RemovePortalGroupResponseObject, error) {
	group, err := groupID(request.Body.ID)
	if err != nil {
		return nil, err
	}
	return RemovePortalGroup200Response{}, h.licensing.RemoveGroupRule(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group)
}

// allocationsShown is the most that a page of those who hold something through a group has, whatever is asked for.
const allocationsShown = 50

// ListPortalGroupAllocations is GET UserLicense/group/{groupId}/allocations.
func (h handlers) ListPortalGroupAllocations(
	ctx context.Context, request ListPortalGroupAllocationsRequestObject,
) (ListPortalGroupAllocationsResponseObject, error) {
	group, err := groupID(request.GroupID)
	if err != nil {
		return nil, err
	}
	skip, top, err := api.CappedPageOf(request.Params.Skip, request.Params.Top, allocationsShown)
	if err != nil {
		return nil, err
	}
	page, err := h.licensing.GroupLeases(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group, byID(skip, top))
	answer := ListPortalGroupAllocations200JSONResponse{TotalCount: page.Total, Results: make([]wire.PortalUser, len(page.Holders))}
	for i, holder := range page.Holders {
		answer.Results[i] = userOf(holder.Person, holder.Codes)
		answer.Results[i].LastInUse, answer.Results[i].Orphan = api.OrNever(holder.LastInUse), holder.Orphan
	}
	return answer, err
}

// RevokePortalLease is DELETE UserLicense/group/{groupId}/user/{userId}.
func (h handlers) RevokePortalLease(ctx context.Context, request RevokePortalLeaseRequestObject) (RevokePortalLeaseResponseObject, error) {
	group, err := groupID(request.GroupID)
	if err != nil {
		return nil, err
	}
	user, err := seatwright.CanonicalID(request.UserID)
	if err != nil {
		return nil, seatwright.MissingUser()
	}
	users := []seatwright.UserID{seatwright.UserID(user)}
	return RevokePortalLease200Response{}, h.licensing.RevokeLeases(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group, users)
}
