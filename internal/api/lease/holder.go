package lease

import (
	"context"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// Holders is what the door needs to know of those who hold something, and done about what they hold through groups.
type Holders interface {
	GroupLeases(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID, q seatwright.HolderQuery) (seatwright.LeaseHolderPage, error)
	RevokeLeases(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID, users []seatwright.UserID) error
	ReleaseOwnLeases(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.UserID, error)
	AllocationPage(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.HolderQuery) (seatwright.DirectHolderPage, error)
	Allocation(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) (seatwright.DirectHolder, error)
	DirectCodes(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.ProductCode, error)
	Holdings(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) ([]licensing.Holding, error)
	AvailableBundles(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) (licensing.AvailableBundles, error)
	LicenseInheritance(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) (licensing.LicenseInheritance, error)
	Seats(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) ([]seatwright.Seat, error)
}

// ListGroupUsers is GET group/{groupId}/user.
func (h handlers) ListGroupUsers(ctx context.Context, request ListGroupUsersRequestObject) (ListGroupUsersResponseObject, error) {
	skip, top, err := api.PageOf(request.Params.Skip, request.Params.Top)
	if err != nil {
		return nil, err
	}
	page, err := h.groupUsers(ctx, request.GroupID, skip, top, request.Params.SortBy, request.Params.SortOrder)
	return ListGroupUsers200JSONResponse(page), err
}

// ListGroupUsersInBulk is GET group/{groupId}/bulk-users.
func (h handlers) ListGroupUsersInBulk(ctx context.Context, request ListGroupUsersInBulkRequestObject) (ListGroupUsersInBulkResponseObject, error) {
	skip, top, err := api.CappedPageOf(request.Params.Skip, request.Params.Top, cappedTop)
	if err != nil {
		return nil, err
	}
	page, err := h.groupUsers(ctx, request.GroupID, skip, top, request.Params.SortBy, request.Params.SortOrder)
	return ListGroupUsersInBulk200JSONResponse(page), err
}

func (h handlers) groupUsers(ctx context.Context, id string, skip, top int, sortBy, sortOrder string) (wire.GroupUserPage, error) {
	group, err := groupID(id)
	if err != nil {
		return wire.GroupUserPage{}, err
	}
	q, err := holderQuery(skip, top, sortBy, sortOrder, nil)
	if err != nil {
		return wire.GroupUserPage{}, err
	}
	page, err := h.licensing.GroupLeases(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group, q)
	answer := wire.GroupUserPage{TotalCount: page.Total, Results: make([]wire.GroupUser, len(page.Holders))}
	for i, holder := range page.Holders {
		p := holder.Person
		answer.Results[i] = wire.GroupUser{
			ID: string(p.ID), Email: api.OrNull(p.Email), Name: api.OrNull(p.FirstName), Surname: api.OrNull(p.LastName), DisplayName: api.OrNull(p.DisplayName),
			LastInUse: holder.LastInUse, UserBundleLicenses: api.Texts(holder.Codes), Orphan: holder.Orphan,
		}
	}
	return answer, err
}

// holderOrders are the fields of a holder on the wire by which they are sorted.
var holderOrders = map[string]seatwright.HolderSort{
	"":            seatwright.SortHoldersByID,
	"id":          seatwright.SortHoldersByID,
	"email":       seatwright.SortHoldersByEmail,
	"name":        seatwright.SortHoldersByFirstName,
	"surname":     seatwright.SortHoldersByLastName,
	"displayname": seatwright.SortHoldersByDisplayName,
	"lastinuse":   seatwright.SortHoldersByLastInUse,
}

func holderQuery(skip, top int, sortBy, sortOrder string, rawCodes []string) (q seatwright.HolderQuery, err error) {
	q.Skip, q.Top = int64(skip), int64(top)
	var known bool
	if q.Sort, known = holderOrders[strings.ToLower(sortBy)]; !known {
		return q, seatwright.Invalid(seatwright.ReasonInvalidValue, "sortBy is Id, Email, Name, Surname, DisplayName or LastInUse").In("sortBy")
	}
	if q.Descending, err = api.IsDescending(sortOrder); err != nil {
		return q, err
	}
	q.Codes, err = codesOfFilter(rawCodes)
	return q, err
}

// RevokeLeases is DELETE group/{groupId}/user.
func (h handlers) RevokeLeases(ctx context.Context, request RevokeLeasesRequestObject) (RevokeLeasesResponseObject, error) {
	group, err := groupID(request.GroupID)
	if err != nil {
		return nil, err
	}
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	return RevokeLeases200Response{}, h.licensing.RevokeLeases(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group, users)
}

// RevokeLease is DELETE group/{groupId}/user/{userId}.
func (h handlers) RevokeLease(ctx context.Context, request RevokeLeaseRequestObject) (RevokeLeaseResponseObject, error) {
	group, err := groupID(request.GroupID)
	if err != nil {
		return nil, err
	}
	user, err := api.UserID(request.UserID)
	if err != nil {
		return nil, err
	}
	return RevokeLease200Response{}, h.licensing.RevokeLeases(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group, []seatwright.UserID{user})
}

// ReleaseOwnLicenses is DELETE currentUser.
func (h handlers) ReleaseOwnLicenses(ctx context.Context, _ ReleaseOwnLicensesRequestObject) (ReleaseOwnLicensesResponseObject, error) {
	user, err := h.licensing.ReleaseOwnLeases(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ReleaseOwnLicenses200JSONResponse{SuccessfulUserIds: []string{string(user)}, FailedUserIds: []string{}}, err
}

// allocationsShown is how many direct allocations are listed at once.
const allocationsShown = seatwright.MaxUsersPerPage

// ListExplicitAllocations is GET users.
func (h handlers) ListExplicitAllocations(ctx context.Context, _ ListExplicitAllocationsRequestObject) (ListExplicitAllocationsResponseObject, error) {
	q := seatwright.HolderQuery{Sort: seatwright.SortHoldersByID, Top: allocationsShown}
	page, err := h.licensing.AllocationPage(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q)
	return ListExplicitAllocations200JSONResponse(explicitAllocations(page.Holders)), err
}

// ListExplicitAllocationPage is GET user/page.
func (h handlers) ListExplicitAllocationPage(ctx context.Context, request ListExplicitAllocationPageRequestObject) (ListExplicitAllocationPageResponseObject, error) {
	p := request.Params
	skip, top, err := api.PageOf(p.Skip, p.Top)
	if err != nil {
		return nil, err
	}
	q, err := holderQuery(skip, top, p.SortBy, p.SortOrder, p.UserBundleLicenseCodes)
	if err != nil {
		return nil, err
	}
	page, err := h.licensing.AllocationPage(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q)
	return ListExplicitAllocationPage200JSONResponse{TotalCount: page.Total, Results: explicitAllocations(page.Holders)}, err
}

func explicitAllocations(found []seatwright.DirectHolder) []wire.UserExplicitAllocation {
	answer := make([]wire.UserExplicitAllocation, len(found))
	for i, a := range found {
		answer[i] = explicitAllocation(a)
	}
	return answer
}

// GetExplicitAllocation is GET user/{userId}/allocation.
func (h handlers) GetExplicitAllocation(ctx context.Context, request GetExplicitAllocationRequestObject) (GetExplicitAllocationResponseObject, error) {
	user, err := api.UserID(request.UserID)
	if err != nil {
		return nil, err
	}
	found, err := h.licensing.Allocation(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user)
	return GetExplicitAllocation200JSONResponse(explicitAllocation(found)), err
}

// ListExplicitCodes is GET ublCodes/explicit.
func (h handlers) ListExplicitCodes(ctx context.Context, _ ListExplicitCodesRequestObject) (ListExplicitCodesResponseObject, error) {
	codes, err := h.licensing.DirectCodes(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ListExplicitCodes200JSONResponse(api.Texts(codes)), err
}

// ListGroupCodes is GET ublCodes/group.
func (h handlers) ListGroupCodes(ctx context.Context, _ ListGroupCodesRequestObject) (ListGroupCodesResponseObject, error) {
	codes, err := h.licensing.OfferedCodes(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ListGroupCodes200JSONResponse(api.Texts(codes)), err
}

// ListHeldLicenses is POST license/users.
func (h handlers) ListHeldLicenses(ctx context.Context, request ListHeldLicensesRequestObject) (ListHeldLicensesResponseObject, error) {
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	found, err := h.licensing.Holdings(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, users)
	answer := make(ListHeldLicenses200JSONResponse, len(found))
	for i, held := range found {
		answer[i] = wire.HeldUserLicense{
			UserID: string(held.User), UserBundleCodes: api.Texts(held.Codes), UseExternalLicense: held.External, InheritedFromGroup: held.Inherited,
		}
	}
	return answer, err
}

// GetAvailableUserBundles is GET {userGlobalId}/availableUserBundles.
func (h handlers) GetAvailableUserBundles(ctx context.Context, request GetAvailableUserBundlesRequestObject) (GetAvailableUserBundlesResponseObject, error) {
	user, err := api.UserID(request.UserGlobalID)
	if err != nil {
		return nil, err
	}
	found, err := h.licensing.AvailableBundles(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user)
	return GetAvailableUserBundles200JSONResponse{
		AvailableUserBundles: poolsOf(found.Pools), AllocatedUserBundles: api.Texts(found.Codes), ExplicitAllocation: found.Explicit,
		UseExternalLicense: found.External, GroupLicenseInheritance: inheritances(found.Offered),
	}, err
}

// GetLicenseInheritance is GET licenseInheritance/{userId}.
func (h handlers) GetLicenseInheritance(ctx context.Context, request GetLicenseInheritanceRequestObject) (GetLicenseInheritanceResponseObject, error) {
	user, err := api.UserID(request.UserID)
	if err != nil {
		return nil, err
	}
	found, err := h.licensing.LicenseInheritance(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user)
	return GetLicenseInheritance200JSONResponse{
		CurrentlyUsedLicense: inheritances(found.Used), AllGroupLicenseAllocationRules: inheritances(found.Rules),
	}, err
}

func inheritances(found []licensing.Inheritance) []wire.GroupInheritance {
	answer := make([]wire.GroupInheritance, len(found))
	for i, each := range found {
		answer[i] = wire.GroupInheritance{Group: each.Name, UseExternalLicense: each.External, UserBundleCodes: api.Texts(each.Codes)}
	}
	return answer
}

// ListUserBundleLeases is GET {userGlobalId}/userBundleLeases.
func (h handlers) ListUserBundleLeases(ctx context.Context, request ListUserBundleLeasesRequestObject) (ListUserBundleLeasesResponseObject, error) {
	user, err := api.UserID(request.UserGlobalID)
	if err != nil {
		return nil, err
	}
	seats, err := h.licensing.Seats(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user)
	answer := ListUserBundleLeases200JSONResponse{}
	for _, seat := range seats {
		source := wire.UserBundleLease{UserID: string(seat.User), OrganizationID: string(seat.Organization), UserBundleCode: string(seat.Code)}
		if seat.Direct {
			source.CreatedAt, source.UpdatedAt = seat.CreatedAt, seat.CreatedAt
			answer = append(answer, source)
		}
		if seat.Lease.Held() {
			source.CreatedAt, source.UpdatedAt, source.GroupID = seat.Lease.LeasedAt, seat.Lease.LastInUse, api.OrNull(string(seat.Lease.Group))
			answer = append(answer, source)
		}
	}
	return answer, err
}
