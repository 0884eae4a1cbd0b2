package portal

import (
	"context"
	"slices"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// People is what the door needs done with people.
type People interface {
	Users(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.UserQuery) (directory.PersonPage, error)
	DeleteMany(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ids []string) error
}

// Names is what the door needs to know of whoever is in a directory.
type Names interface {
	Resolve(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id, kind string) (directory.Entity, error)
}

// ListPortalPeople is GET identity/User/users/licenses.
func (h handlers) ListPortalPeople(ctx context.Context, request ListPortalPeopleRequestObject) (ListPortalPeopleResponseObject, error) {
	page, err := h.licensedUsers(ctx, request.Params)
	return ListPortalPeople200JSONResponse(page), err
}

// ListPortalPeopleOfPartition is GET identity/UserPartition/licenses.
func (h handlers) ListPortalPeopleOfPartition(
	ctx context.Context, request ListPortalPeopleOfPartitionRequestObject,
) (ListPortalPeopleOfPartitionResponseObject, error) {
	page, err := h.licensedUsers(ctx, wire.ListPortalPeopleParams(request.Params))
	return ListPortalPeopleOfPartition200JSONResponse(page), err
}

func (h handlers) licensedUsers(ctx context.Context, p wire.ListPortalPeopleParams) (answer wire.LicensedUserPage, err error) {
	if err := api.CheckOrganization(ctx, &p.PartitionGlobalID); err != nil {
		return answer, err
	}
	skip, top, err := api.PageOf(p.Skip, p.Top)
	if err != nil {
		return answer, err
	}
	caller, organization := api.CallerOf(ctx), api.OrganizationOf(ctx).ID
	page, err := h.people.Users(ctx, caller, organization, seatwright.UserQuery{Sort: seatwright.SortUsersByID, Skip: int64(skip), Top: int64(top)})
	if err != nil {
		return answer, err
	}
	ids := make([]seatwright.UserID, len(page.People))
	for i, person := range page.People {
		ids[i] = person.ID
	}
	holdings, err := h.licensing.Holdings(ctx, caller, organization, ids)
	held := map[seatwright.UserID]wire.LicensedUserDto{}
	for _, each := range holdings {
		held[each.User] = wire.LicensedUserDto{
			UserBundleCodes: api.Texts(each.Codes), UseExternalLicense: each.External, InheritedFromGroup: each.Inherited,
		}
	}
	answer = wire.LicensedUserPage{TotalCount: page.Total, Results: []wire.LicensedUserDto{}}
	for _, person := range page.People {
		if holds, exists := held[person.ID]; exists { // else they are gone since
			answer.Results = append(answer.Results, licensedUser(api.UserDto(person), holds))
		}
	}
	return answer, err
}

func licensedUser(u wire.UserDto, holds wire.LicensedUserDto) wire.LicensedUserDto {
	return wire.LicensedUserDto{
		ID: u.ID, UserName: u.UserName, Email: u.Email, EmailConfirmed: u.EmailConfirmed, Name: u.Name, Surname: u.Surname, DisplayName: u.DisplayName,
		CreationTime: u.CreationTime, LastModificationTime: u.LastModificationTime, LastLoginTime: u.LastLoginTime, GroupIDs: u.GroupIDs,
		LegacyID: u.LegacyID, IsActive: u.IsActive, BypassBasicAuthRestriction: u.BypassBasicAuthRestriction, Type: u.Type, Category: u.Category,
		InvitationAccepted: u.InvitationAccepted,
		UserBundleCodes:    holds.UserBundleCodes, UseExternalLicense: holds.UseExternalLicense, InheritedFromGroup: holds.InheritedFromGroup,
	}
}

// DeletePortalUsers is DELETE identity/User. Whoever asks is removed only if they say so, because the page lists them among the others.
func (h handlers) DeletePortalUsers(ctx context.Context, request DeletePortalUsersRequestObject) (DeletePortalUsersResponseObject, error) {
	b, caller := request.Body, api.CallerOf(ctx)
	if err := api.CheckOrganization(ctx, b.PartitionGlobalID); err != nil {
		return nil, err
	}
	if b.IsHostMode {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "people of the host are not removed here").In("isHostMode")
	}
	isCaller := func(raw string) bool {
		id, err := seatwright.CanonicalID(raw)
		return err == nil && caller.Principal.Kind == seatwright.PrincipalUser && id == caller.Principal.ID
	}
	if !b.DeleteCurrentUser && slices.ContainsFunc(b.UserIds, isCaller) {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "you are among them, and deleteCurrentUser is not true").In("userIds")
	}
	return DeletePortalUsers204Response{}, h.people.DeleteMany(ctx, caller, api.OrganizationOf(ctx).ID, b.UserIds)
}

// ListAccessPolicy is GET identity/PartitionAccessPolicy/{partitionGlobalId}.
func (h handlers) ListAccessPolicy(ctx context.Context, _ ListAccessPolicyRequestObject) (ListAccessPolicyResponseObject, error) {
	all, err := h.names.Resolve(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, string(seatwright.Everyone.ID), string(directory.EntityGroup))
	return ListAccessPolicy200JSONResponse{{
		ObjectType: "DirectoryGroup", Source: "local", Identifier: all.ID, Name: all.Name, DisplayName: all.Name,
	}}, err
}
