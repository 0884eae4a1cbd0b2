package identity

import (
	"context"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// People is what the door needs done with the people of an organization.
type People interface {
	User(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string) (directory.Person, error)
	Users(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.UserQuery) (directory.PersonPage, error)
	Create(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, people []directory.NewUser, groups []string) ([]directory.Person, error)
	Invite(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, invitations []directory.Invitation) ([]directory.Person, error)
	Update(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string, change directory.UserChange) error
	ChangePassword(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id, oldPassword, newPassword string) error
	Delete(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string) error
	DeleteMany(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ids []string) error
}

// GetUser is GET User/{userId}.
func (h handlers) GetUser(ctx context.Context, request GetUserRequestObject) (GetUserResponseObject, error) {
	u, err := h.People.User(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.UserID)
	if err != nil {
		return nil, err
	}
	return GetUser200JSONResponse(api.UserDto(u)), nil
}

// ListUsers is GET User/users/{partitionGlobalId}.
func (h handlers) ListUsers(ctx context.Context, request ListUsersRequestObject) (ListUsersResponseObject, error) {
	page, err := h.listUsers(ctx, request.Params)
	return ListUsers200JSONResponse(page), err
}

// ListUsersOfPartition is GET UserPartition/users/{partitionGlobalId}.
func (h handlers) ListUsersOfPartition(ctx context.Context, request ListUsersOfPartitionRequestObject) (ListUsersOfPartitionResponseObject, error) {
	page, err := h.listUsers(ctx, wire.ListUsersParams(request.Params))
	return ListUsersOfPartition200JSONResponse(page), err
}

// orders are the fields of a person on the wire by which people are sorted. Those that are the same for everybody sort nobody.
var orders = map[string]seatwright.UserSort{
	"":                     seatwright.SortUsersByID,
	"id":                   seatwright.SortUsersByID,
	"username":             seatwright.SortUsersByUserName,
	"email":                seatwright.SortUsersByEmail,
	"emailconfirmed":       seatwright.SortUsersByID,
	"name":                 seatwright.SortUsersByFirstName,
	"surname":              seatwright.SortUsersByLastName,
	"displayname":          seatwright.SortUsersByDisplayName,
	"creationtime":         seatwright.SortUsersByCreatedAt,
	"lastmodificationtime": seatwright.SortUsersByModifiedAt,
	"lastlogintime":        seatwright.SortUsersByLastSignIn,
	"isactive":             seatwright.SortUsersByActive,
	"type":                 seatwright.SortUsersByID,
	"category":             seatwright.SortUsersByID,
	"invitationaccepted":   seatwright.SortUsersByInvitationAccepted,
}

func (h handlers) listUsers(ctx context.Context, params wire.ListUsersParams) (wire.UserPage, error) {
	skip, top, err := api.PageOf(params.Skip, params.Top)
	if err != nil {
		return wire.UserPage{}, err
	}
	descending, err := api.IsDescending(params.SortOrder)
	if err != nil {
		return wire.UserPage{}, err
	}
	order, known := orders[strings.ToLower(params.SortBy)]
	if !known {
		return wire.UserPage{}, seatwright.Invalid(seatwright.ReasonInvalidValue,
			"sortBy is a field of a user, such as UserName, Email, Name, Surname, DisplayName or CreationTime").In("sortBy")
	}
	page, err := h.People.Users(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.UserQuery{
		Term: params.SearchTerm, Sort: order, Descending: descending, Skip: int64(skip), Top: int64(top),
	})
	return wire.UserPage{TotalCount: page.Total, Results: usersOf(page.People)}, err
}

// AddUser is POST User.
func (h handlers) AddUser(ctx context.Context, request AddUserRequestObject) (AddUserResponseObject, error) {
	b := request.Body
	_, err := h.create(ctx, b.PartitionGlobalID, b.GroupIDs, []wire.NewUserDto{{
		ID: b.ID, UserName: b.UserName, Email: b.Email, Name: b.Name, Surname: b.Surname, DisplayName: b.DisplayName, Type: b.Type,
		BypassBasicAuthRestriction: b.BypassBasicAuthRestriction, InvitationAccepted: b.InvitationAccepted,
	}}, orEmpty(b.Password))
	if result, refused := refusal(err); refused {
		return AddUser400JSONResponse{IdentityRefusedJSONResponse(result)}, nil
	}
	return AddUser200JSONResponse(succeeded()), err
}

// AddUsers is POST User/BulkCreate.
func (h handlers) AddUsers(ctx context.Context, request AddUsersRequestObject) (AddUsersResponseObject, error) {
	made, err := h.create(ctx, request.Body.PartitionGlobalID, request.Body.GroupIDs, request.Body.Users, "")
	if result, refused := refusal(err); refused {
		return AddUsers400JSONResponse{UsersRefusedJSONResponse{Errors: result.Errors, Result: result, Users: []wire.UserDto{}}}, nil
	}
	return AddUsers200JSONResponse{Succeeded: true, Errors: []wire.IdentityError{}, Result: succeeded(), Users: usersOf(made)}, err
}

// InviteUsers is POST User/InviteUsers.
func (h handlers) InviteUsers(ctx context.Context, request InviteUsersRequestObject) (InviteUsersResponseObject, error) {
	invitations := make([]directory.Invitation, len(*request.Body))
	for i, each := range *request.Body {
		invitations[i] = directory.Invitation{Email: orEmpty(each.Email), FirstName: orEmpty(each.Name), LastName: orEmpty(each.Surname), Groups: each.GroupIDs}
	}
	made, err := h.People.Invite(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, invitations)
	if result, refused := refusal(err); refused {
		return InviteUsers400JSONResponse{UsersRefusedJSONResponse{Errors: result.Errors, Result: result, Users: []wire.UserDto{}}}, nil
	}
	return InviteUsers200JSONResponse{Succeeded: true, Errors: []wire.IdentityError{}, Result: succeeded(), Users: usersOf(made)}, err
}

// create makes people; the password is for the only one.
func (h handlers) create(ctx context.Context, partition *string, groups []string, users []wire.NewUserDto, password string) ([]directory.Person, error) {
	if err := api.CheckOrganization(ctx, partition); err != nil {
		return nil, err
	}
	people := make([]directory.NewUser, len(users))
	for i, u := range users {
		if u.Type != nil && u.Type != float64(api.TypeOfUser) && u.Type != "user" {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "only people are made here: type is %d", api.TypeOfUser).In("type")
		}
		people[i] = directory.NewUser{
			ID: orEmpty(u.ID), UserName: orEmpty(u.UserName), Password: password, Email: orEmpty(u.Email), FirstName: orEmpty(u.Name),
			LastName: orEmpty(u.Surname), DisplayName: orEmpty(u.DisplayName), BypassBasicAuth: orFalse(u.BypassBasicAuthRestriction),
			InvitationAccepted: orFalse(u.InvitationAccepted),
		}
	}
	return h.People.Create(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, people, groups)
}

// UpdateUser is PUT User/{userId}.
func (h handlers) UpdateUser(ctx context.Context, request UpdateUserRequestObject) (UpdateUserResponseObject, error) {
	b := request.Body
	change := directory.UserChange{
		FirstName: b.Name, LastName: b.Surname, DisplayName: b.DisplayName, Email: b.Email, Active: b.IsActive, Password: b.Password,
		BypassBasicAuth: b.BypassBasicAuthRestriction, InvitationAccepted: b.InvitationAccepted, Add: b.GroupIDsToAdd, Remove: b.GroupIDsToRemove,
	}
	if orEmpty(b.Password) == "" {
		change.Password = nil
	}
	err := h.People.Update(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.UserID, change)
	if result, refused := refusal(err); refused {
		return UpdateUser400JSONResponse{IdentityRefusedJSONResponse(result)}, nil
	}
	return UpdateUser200JSONResponse(succeeded()), err
}

// ChangePassword is POST User/{userId}/changepassword.
func (h handlers) ChangePassword(ctx context.Context, request ChangePasswordRequestObject) (ChangePasswordResponseObject, error) {
	err := h.People.ChangePassword(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.UserID,
		orEmpty(request.Body.OldPassword), orEmpty(request.Body.NewPassword))
	if result, refused := refusal(err); refused {
		return ChangePassword400JSONResponse{IdentityRefusedJSONResponse(result)}, nil
	}
	return ChangePassword200JSONResponse(succeeded()), err
}

// DeleteUser is DELETE User/{userId}.
func (h handlers) DeleteUser(ctx context.Context, request DeleteUserRequestObject) (DeleteUserResponseObject, error) {
	return DeleteUser204Response{}, h.People.Delete(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.UserID)
}

// DeleteUsers is DELETE User.
func (h handlers) DeleteUsers(ctx context.Context, request DeleteUsersRequestObject) (DeleteUsersResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	return DeleteUsers204Response{}, h.People.DeleteMany(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.UserIds)
}

func succeeded() wire.IdentityResult {
	return wire.IdentityResult{Succeeded: true, Errors: []wire.IdentityError{}}
}

// identityCodes are the codes of refused values, by the field at fault. The first ones are those of the library that the published
// API is made with.
var identityCodes = map[string]string{
	"userName":    "InvalidUserName",
	"email":       "InvalidEmail",
	"id":          "InvalidUserId",
	"password":    "InvalidPassword",
	"newPassword": "InvalidPassword",
	"type":        "InvalidType",
}

// refusal is a refused value as an IdentityResult, where the error is one. Everything else stays a problem document.
func refusal(err error) (wire.IdentityResult, bool) {
	if !seatwright.IsKind(err, seatwright.KindInvalid) && !seatwright.IsReason(err, seatwright.ReasonDuplicate) {
		return wire.IdentityResult{}, false
	}
	e := seatwright.AsError(err)
	field := e.Field[strings.LastIndexByte(e.Field, '.')+1:]
	code := "InvalidValue"
	switch known := identityCodes[field]; {
	case e.Reason == seatwright.ReasonWrongPassword:
		code = "PasswordMismatch"
	case e.Reason == seatwright.ReasonDuplicate && field == "id":
		code = "DuplicateUserId"
	case e.Reason == seatwright.ReasonDuplicate:
		code = "DuplicateUserName"
	case known != "":
		code = known
	}
	text := e.Detail
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	return wire.IdentityResult{Errors: []wire.IdentityError{{Code: code, Description: text}}}, true
}

func usersOf(people []directory.Person) []wire.UserDto {
	users := make([]wire.UserDto, len(people))
	for i, p := range people {
		users[i] = api.UserDto(p)
	}
	return users
}

func orFalse(b *bool) bool { return b != nil && *b }
