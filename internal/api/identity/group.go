package identity

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// Groups is what the door needs done with groups and robot accounts.
type Groups interface {
	Groups(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization) ([]directory.GroupWithMembers, error)
	Group(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string) (directory.GroupWithMembers, error)
	Members(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string, skip, top int) ([]seatwright.GroupMember, int, error)
	CreateGroup(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, n directory.NewGroup) (directory.GroupWithMembers, error)
	UpdateGroup(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string, patch directory.GroupPatch) (directory.GroupWithMembers, error)
	DeleteGroups(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, ids []string) error
	RobotAccounts(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, q directory.RobotQuery) ([]directory.RobotAccountInGroups, int, error)
	RobotAccount(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string) (directory.RobotAccountInGroups, error)
	CreateRobotAccount(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, n directory.NewRobotAccount) (directory.RobotAccountInGroups, error)
	UpdateRobotAccount(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, id string, patch directory.RobotAccountPatch) (directory.RobotAccountInGroups, error)
	DeleteRobotAccounts(ctx context.Context, caller seatwright.Caller, organization seatwright.Organization, ids []string) error
}

// ListGroups is GET Group/{id}.
func (h handlers) ListGroups(ctx context.Context, _ ListGroupsRequestObject) (ListGroupsResponseObject, error) {
	groups, err := h.Groups.Groups(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx))
	if err != nil {
		return nil, err
	}
	return ListGroups200JSONResponse(groupDtos(groups)), nil
}

// GetGroup is GET Group/{partitionGlobalId}/{groupId}.
func (h handlers) GetGroup(ctx context.Context, request GetGroupRequestObject) (GetGroupResponseObject, error) {
	g, err := h.Groups.Group(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.GroupID)
	if err != nil {
		return nil, err
	}
	return GetGroup200JSONResponse(groupOf(g)), nil
}

// ListGroupMembers is GET Group/{partitionGlobalId}/{groupId}/Members.
func (h handlers) ListGroupMembers(ctx context.Context, request ListGroupMembersRequestObject) (ListGroupMembersResponseObject, error) {
	skip, top, err := api.PageOf(request.Params.Skip, request.Params.Top)
	if err != nil {
		return nil, err
	}
	members, total, err := h.Groups.Members(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.GroupID, skip, top)
	if err != nil {
		return nil, err
	}
	answer := ListGroupMembers200JSONResponse{TotalCount: int64(total), Results: make([]wire.GroupMemberDto, len(members))}
	for i, m := range members {
		answer.Results[i] = wire.GroupMemberDto{ID: m.ID, Type: api.TypeOfUser}
		if m.Kind == seatwright.MemberRobot {
			answer.Results[i].Type = typeOfRobotAccount
		}
	}
	return answer, nil
}

// CreateGroup is POST Group.
func (h handlers) CreateGroup(ctx context.Context, request CreateGroupRequestObject) (CreateGroupResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	g, err := h.Groups.CreateGroup(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), directory.NewGroup{
		ID: orEmpty(request.Body.ID), Name: request.Body.Name, Members: request.Body.DirectoryUserMemberIDs,
	})
	if err != nil {
		return nil, err
	}
	return CreateGroup201JSONResponse(groupOf(g)), nil
}

// UpdateGroup is PUT Group/{id}.
func (h handlers) UpdateGroup(ctx context.Context, request UpdateGroupRequestObject) (UpdateGroupResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	g, err := h.Groups.UpdateGroup(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.ID, directory.GroupPatch{
		Name: orEmpty(request.Body.Name), Add: request.Body.DirectoryUserIDsToAdd, Remove: request.Body.DirectoryUserIDsToRemove,
	})
	if err != nil {
		return nil, err
	}
	return UpdateGroup200JSONResponse(groupOf(g)), nil
}

// DeleteGroup is DELETE Group/{partitionGlobalId}/{groupId}.
func (h handlers) DeleteGroup(ctx context.Context, request DeleteGroupRequestObject) (DeleteGroupResponseObject, error) {
	if _, err := seatwright.CanonicalID(request.GroupID); err != nil {
		return nil, seatwright.MissingGroup()
	}
	return DeleteGroup204Response{}, h.Groups.DeleteGroups(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), []string{request.GroupID})
}

// DeleteGroups is DELETE Group/{id}.
func (h handlers) DeleteGroups(ctx context.Context, request DeleteGroupsRequestObject) (DeleteGroupsResponseObject, error) {
	return DeleteGroups204Response{}, h.Groups.DeleteGroups(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.Body.GroupIDs)
}

// The numbers that stand for kinds on the wire.
const (
	typeOfRobotAccount = 4
	typeOfBuiltIn      = 0
	typeOfLocal        = 1
)

// groupOf is a group as the door shows it.
func groupOf(g directory.GroupWithMembers) wire.GroupDto {
	answer := wire.GroupDto{
		ID: string(g.ID), Name: g.Name, DisplayName: g.Name, Type: typeOfLocal, CreationTime: g.CreatedAt,
		LastModificationTime: changedAt(g.CreatedAt, g.ModifiedAt), Members: make([]wire.DirectoryMember, len(g.Members)),
	}
	if g.BuiltIn {
		answer.Type = typeOfBuiltIn
	}
	for i, m := range g.Members {
		member := wire.DirectoryMember{
			ObjectType: kinds[directory.EntityUser].objectType, Source: sourceOfLocal, Identifier: m.ID, Name: m.Name, DisplayName: api.OrNull(m.DisplayName),
			Email: api.OrNull(m.Email), FirstName: api.OrNull(m.FirstName), LastName: api.OrNull(m.LastName),
		}
		if m.Kind == seatwright.MemberRobot {
			member.ObjectType = kinds[directory.EntityRobot].objectType
		}
		answer.Members[i] = member
	}
	return answer
}

// changedAt is null until something changed.
func changedAt(created, modified time.Time) *time.Time {
	if modified.Equal(created) {
		return nil
	}
	return &modified
}
