package identity

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// Names is what the door needs to find whoever is in a directory.
type Names interface {
	Search(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q directory.SearchQuery) ([]directory.Entity, error)
	ResolveNames(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, names []string, kind string) (map[string]directory.Entity, error)
	Resolve(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id, kind string) (directory.Entity, error)
	Memberships(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, member string, groups []string) ([]directory.GroupWithMembers, error)
	LoadGroups(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, groups []string) ([]directory.GroupWithMembers, error)
	CheckMembers(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group string, members []string) ([]string, error)
}

// sourceOfLocal is the only directory that there is.
const sourceOfLocal = "local"

// kinds are the numbers and words that stand for a kind on the wire.
var kinds = map[directory.EntityKind]struct {
	number     int // of the search; 2, a machine, does not happen
	objectType string
}{
	directory.EntityUser:        {0, "DirectoryUser"},
	directory.EntityGroup:       {1, "DirectoryGroup"},
	directory.EntityRobot:       {3, "DirectoryRobotUser"},
	directory.EntityApplication: {4, "DirectoryApplication"},
}

// SearchDirectory is GET Directory/Search/{partitionGlobalId}.
func (h handlers) SearchDirectory(ctx context.Context, request SearchDirectoryRequestObject) (SearchDirectoryResponseObject, error) {
	found, err := h.Names.Search(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, directory.SearchQuery{
		StartsWith: request.Params.StartsWith, Sources: request.Params.SourceFilter, Type: request.Params.EntityType,
	})
	if err != nil {
		return nil, err
	}
	answer := make(SearchDirectory200JSONResponse, len(found))
	for i, e := range found {
		answer[i] = wire.DirectorySearchDto{
			Source: sourceOfLocal, Identifier: e.ID, IdentityName: e.Name, DisplayName: api.OrNull(e.DisplayName), Email: api.OrNull(e.Email),
			Type: kinds[e.Kind].number, ObjectType: kinds[e.Kind].objectType,
		}
	}
	return answer, nil
}

// ResolveNames is POST Directory/BulkResolveByName/{partitionGlobalId}.
func (h handlers) ResolveNames(ctx context.Context, request ResolveNamesRequestObject) (ResolveNamesResponseObject, error) {
	found, err := h.Names.ResolveNames(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.EntityNames, orEmpty(request.Body.EntityType))
	if err != nil {
		return nil, err
	}
	answer := ResolveNames200JSONResponse{}
	for name, e := range found {
		answer[name] = memberOf(e)
	}
	return answer, nil
}

// ResolveEntity is POST Directory/Resolve/{partitionGlobalId}.
func (h handlers) ResolveEntity(ctx context.Context, request ResolveEntityRequestObject) (ResolveEntityResponseObject, error) {
	e, err := h.Names.Resolve(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.EntityID, orEmpty(request.Body.EntityType))
	if err != nil {
		return nil, err
	}
	return ResolveEntity200JSONResponse(memberOf(e)), nil
}

// ListMemberships is POST Directory/GroupMembership/{partitionGlobalId}.
func (h handlers) ListMemberships(ctx context.Context, request ListMembershipsRequestObject) (ListMembershipsResponseObject, error) {
	groups, err := h.Names.Memberships(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.Body.UserID, request.Body.GroupIds)
	if err != nil {
		return nil, err
	}
	return ListMemberships200JSONResponse(groupDtos(groups)), nil
}

// ListDirectoryScopes is GET Directory/Scopes/{partitionGlobalId}.
func (h handlers) ListDirectoryScopes(context.Context, ListDirectoryScopesRequestObject) (ListDirectoryScopesResponseObject, error) {
	return ListDirectoryScopes200JSONResponse{{Name: sourceOfLocal, IsDefault: true}}, nil
}

// LoadGroups is POST Group/BulkLoadByIds/{partitionGlobalId}.
func (h handlers) LoadGroups(ctx context.Context, request LoadGroupsRequestObject) (LoadGroupsResponseObject, error) {
	groups, err := h.Names.LoadGroups(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), *request.Body)
	if err != nil {
		return nil, err
	}
	return LoadGroups200JSONResponse(groupDtos(groups)), nil
}

// CheckMembers is POST Group/{partitionGlobalId}/{groupId}/CheckMembers.
func (h handlers) CheckMembers(ctx context.Context, request CheckMembersRequestObject) (CheckMembersResponseObject, error) {
	members, err := h.Names.CheckMembers(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.GroupID, *request.Body)
	if err != nil {
		return nil, err
	}
	return CheckMembers200JSONResponse(members), nil
}

// memberOf is an entity as the door shows it beside the members of groups.
func memberOf(e directory.Entity) wire.DirectoryMember {
	member := wire.DirectoryMember{
		ObjectType: kinds[e.Kind].objectType, Source: sourceOfLocal, Identifier: e.ID, Name: e.Name, DisplayName: api.OrNull(e.DisplayName),
		Email: api.OrNull(e.Email), FirstName: api.OrNull(e.FirstName), LastName: api.OrNull(e.LastName),
	}
	if e.Kind == directory.EntityApplication {
		member.ApplicationID = e.ID
	}
	return member
}

func groupDtos(groups []directory.GroupWithMembers) []wire.GroupDto {
	all := make([]wire.GroupDto, len(groups))
	for i, g := range groups {
		all[i] = groupOf(g)
	}
	return all
}
