package identity

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// ListRobotAccounts is GET RobotAccount/{id}.
func (h handlers) ListRobotAccounts(ctx context.Context, request ListRobotAccountsRequestObject) (ListRobotAccountsResponseObject, error) {
	skip, top, err := api.PageOf(request.Params.Skip, request.Params.Top)
	if err != nil {
		return nil, err
	}
	descending, err := api.IsDescending(request.Params.SortOrder)
	if err != nil {
		return nil, err
	}
	robots, total, err := h.Groups.RobotAccounts(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), directory.RobotQuery{
		Search: request.Params.SearchTerm, SortBy: request.Params.SortBy, Descending: descending, Skip: skip, Top: top,
	})
	if err != nil {
		return nil, err
	}
	answer := ListRobotAccounts200JSONResponse{TotalCount: int64(total), Results: make([]wire.RobotAccountDto, len(robots))}
	for i, r := range robots {
		answer.Results[i] = robotOf(r)
	}
	return answer, nil
}

// GetRobotAccount is GET RobotAccount/{partitionGlobalId}/{robotAccountId}.
func (h handlers) GetRobotAccount(ctx context.Context, request GetRobotAccountRequestObject) (GetRobotAccountResponseObject, error) {
	r, err := h.Groups.RobotAccount(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.RobotAccountID)
	if err != nil {
		return nil, err
	}
	return GetRobotAccount200JSONResponse(robotOf(r)), nil
}

// CreateRobotAccount is POST RobotAccount.
func (h handlers) CreateRobotAccount(ctx context.Context, request CreateRobotAccountRequestObject) (CreateRobotAccountResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	r, err := h.Groups.CreateRobotAccount(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), directory.NewRobotAccount{
		ID: orEmpty(request.Body.ID), Name: request.Body.Name, DisplayName: orEmpty(request.Body.DisplayName), Groups: request.Body.GroupIDsToAdd,
	})
	if err != nil {
		return nil, err
	}
	return CreateRobotAccount201JSONResponse(robotOf(r)), nil
}

// UpdateRobotAccount is PUT RobotAccount/{id}.
func (h handlers) UpdateRobotAccount(ctx context.Context, request UpdateRobotAccountRequestObject) (UpdateRobotAccountResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	r, err := h.Groups.UpdateRobotAccount(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.ID, directory.RobotAccountPatch{
		DisplayName: request.Body.DisplayName, Add: request.Body.GroupIDsToAdd, Remove: request.Body.GroupIDsToRemove,
	})
	if err != nil {
		return nil, err
	}
	return UpdateRobotAccount200JSONResponse(robotOf(r)), nil
}

// DeleteRobotAccount is DELETE RobotAccount/{partitionGlobalId}/{robotAccountId}.
func (h handlers) DeleteRobotAccount(ctx context.Context, request DeleteRobotAccountRequestObject) (DeleteRobotAccountResponseObject, error) {
	if _, err := seatwright.CanonicalID(request.RobotAccountID); err != nil {
		return nil, seatwright.MissingRobotAccount()
	}
	err := h.Groups.DeleteRobotAccounts(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), []string{request.RobotAccountID})
	return DeleteRobotAccount204Response{}, err
}

// DeleteRobotAccounts is DELETE RobotAccount/{id}.
func (h handlers) DeleteRobotAccounts(ctx context.Context, request DeleteRobotAccountsRequestObject) (DeleteRobotAccountsResponseObject, error) {
	err := h.Groups.DeleteRobotAccounts(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx), request.Body.RobotAccountIDs)
	return DeleteRobotAccounts204Response{}, err
}

func robotOf(r directory.RobotAccountInGroups) wire.RobotAccountDto {
	answer := wire.RobotAccountDto{
		ID: string(r.ID), Name: r.Name, DisplayName: r.DisplayName, CreationTime: r.CreatedAt, GroupIds: make([]string, len(r.Groups)),
	}
	for i, id := range r.Groups {
		answer.GroupIds[i] = string(id)
	}
	return answer
}
