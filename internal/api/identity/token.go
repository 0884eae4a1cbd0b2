package identity

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// PersonalTokens is what the door asks about the tokens that people make for themselves.
type PersonalTokens interface {
	Create(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, description string, expires time.Time, scopes []seatwright.Scope) (seatwright.Grant, string, error)
	List(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Grant, error)
	Get(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.GrantID) (seatwright.Grant, error)
	Renew(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.GrantID, expires time.Time) (seatwright.Grant, string, error)
	Delete(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.GrantID) error
	DeleteOf(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) error
}

// CreateReferenceToken is POST ReferenceToken.
func (h handlers) CreateReferenceToken(ctx context.Context, request CreateReferenceTokenRequestObject) (CreateReferenceTokenResponseObject, error) {
	scopes := make([]seatwright.Scope, len(request.Body.Scopes))
	for i, scope := range request.Body.Scopes {
		scopes[i] = seatwright.Scope(scope)
	}
	_, text, err := h.PersonalTokens.Create(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, orEmpty(request.Body.Description), request.Body.Expiration, scopes)
	return CreateReferenceToken201JSONResponse(text), err
}

// ListReferenceTokens is GET ReferenceToken.
func (h handlers) ListReferenceTokens(ctx context.Context, _ ListReferenceTokensRequestObject) (ListReferenceTokensResponseObject, error) {
	all, err := h.PersonalTokens.List(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	if err != nil {
		return nil, err
	}
	answer := make(ListReferenceTokens200JSONResponse, len(all))
	for i, g := range all {
		answer[i] = tokenOf(g)
	}
	return answer, nil
}

// GetReferenceToken is GET ReferenceToken/{tokenId}.
func (h handlers) GetReferenceToken(ctx context.Context, request GetReferenceTokenRequestObject) (GetReferenceTokenResponseObject, error) {
	id, err := grantID(request.TokenID)
	if err != nil {
		return nil, err
	}
	g, err := h.PersonalTokens.Get(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, id)
	return GetReferenceToken200JSONResponse(tokenOf(g)), err
}

// RenewReferenceToken is PUT ReferenceToken/{tokenId}.
func (h handlers) RenewReferenceToken(ctx context.Context, request RenewReferenceTokenRequestObject) (RenewReferenceTokenResponseObject, error) {
	id, err := grantID(request.TokenID)
	if err != nil {
		return nil, err
	}
	_, text, err := h.PersonalTokens.Renew(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, id, request.Body.Expiration)
	return RenewReferenceToken201JSONResponse(text), err
}

// DeleteReferenceToken is DELETE ReferenceToken/{tokenId}.
func (h handlers) DeleteReferenceToken(ctx context.Context, request DeleteReferenceTokenRequestObject) (DeleteReferenceTokenResponseObject, error) {
	id, err := grantID(request.TokenID)
	if err != nil {
		return nil, err
	}
	return DeleteReferenceToken204Response{}, h.PersonalTokens.Delete(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, id)
}

// DeleteReferenceTokensOfUsers is DELETE ReferenceToken.
func (h handlers) DeleteReferenceTokensOfUsers(ctx context.Context, request DeleteReferenceTokensOfUsersRequestObject) (DeleteReferenceTokensOfUsersResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	return DeleteReferenceTokensOfUsers204Response{}, h.PersonalTokens.DeleteOf(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, users)
}

// grantID reads the id of a token; one that none can have is of none.
func grantID(text string) (seatwright.GrantID, error) {
	id, err := seatwright.CanonicalID(text)
	if err != nil {
		return "", seatwright.MissingGrant()
	}
	return seatwright.GrantID(id), nil
}

func tokenOf(g seatwright.Grant) wire.ReferenceTokenDto {
	answer := wire.ReferenceTokenDto{
		ID: string(g.ID), UserID: string(g.User), Description: g.Description, CreationTime: g.CreatedAt, Expiration: g.ExpiresAt,
		Scopes: make([]string, len(g.Scopes)),
	}
	for i, scope := range g.Scopes {
		answer.Scopes[i] = string(scope)
	}
	if !g.UsedAt.IsZero() {
		answer.LastUsed = &g.UsedAt
	}
	return answer
}
