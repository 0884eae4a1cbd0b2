package identity

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// People is what the door needs done with the people of an organization.
type People interface {
	User(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string) (seatwright.User, error)
}

// GetUser is GET User/{userId}.
func (h handlers) GetUser(ctx context.Context, request GetUserRequestObject) (GetUserResponseObject, error) {
	u, err := h.people.User(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.UserID)
	if err != nil {
		return nil, err
	}
	return GetUser200JSONResponse(userOf(u)), nil
}

// The numbers that stand for a person on the wire.
const (
	typeOfUser      = 0
	categoryOfLocal = 0
)

// userOf is a person as the door shows them.
func userOf(u seatwright.User) wire.UserDto {
	return wire.UserDto{
		ID: string(u.ID), UserName: orNull(u.UserName), Email: orNull(u.Email), Name: orNull(u.FirstName), Surname: orNull(u.LastName),
		DisplayName: orNull(u.DisplayName), CreationTime: u.CreatedAt, GroupIDs: []string{}, IsActive: u.Active, Type: typeOfUser,
		Category: categoryOfLocal,
	}
}
