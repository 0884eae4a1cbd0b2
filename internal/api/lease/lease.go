// Package lease is the compatible door of the license accountant: direct allocations (here), rules of groups, who holds what, sessions,
// and the units that tenants' services use. Each handler decodes, calls a use case and encodes. Routes and types are generated from api/automation-suite.yaml.
package lease

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// Licensing is what the door needs done. Answers are in the order of the users that were named.
type Licensing interface {
	Rules
	Holders
	Sessions
	Units
	Uses
	Allocate(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID, codes []seatwright.ProductCode, external bool) ([]seatwright.Allocation, error)
	Deallocate(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) (seatwright.Deallocation, error)
	Allocations(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.DirectHolder, error)
	Pools(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Pool, error)
}

// Register adds the routes of the door to mux. The handlers expect the caller and the organization in the context.
func Register(mux ServeMux, door api.Door, licensing Licensing, entitlements Entitlements) {
	HandlerWithOptions(NewStrictHandler(handlers{licensing, entitlements}, door.Decode, door.Fail), StdHTTPServerOptions{
		BaseRouter: mux, ErrorHandlerFunc: door.FailParameter, Middlewares: []MiddlewareFunc{
			door.OnlyParameters(map[string][]string{
				"POST /lease_/api/entitlements/{organizationId}/entitled":       {"userId"},
				"GET /lease_/api/lease/{organizationId}/{serviceScopeId}/usage": {"serviceTypes"},
			}), door.WholeQuery, // the last one comes first
		},
	})
}

type handlers struct {
	licensing    Licensing
	entitlements Entitlements
}

// ReplaceUserLicenses is PUT: it needs codes, and an empty list of them blocks the users.
func (h handlers) ReplaceUserLicenses(ctx context.Context, request ReplaceUserLicensesRequestObject) (ReplaceUserLicensesResponseObject, error) {
	codes := codesOf(request.Body)
	if codes == nil {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the codes are missing; an empty list blocks the users").In("userBundleCodes")
	}
	answer, err := h.allocate(ctx, request.Body, codes)
	if err != nil {
		return nil, err
	}
	return ReplaceUserLicenses200JSONResponse(answer), nil
}

// PostUserLicenses is POST: with codes the same as PUT, without them a question.
func (h handlers) PostUserLicenses(ctx context.Context, request PostUserLicensesRequestObject) (PostUserLicensesResponseObject, error) {
	if codes := codesOf(request.Body); codes != nil {
		answer, err := h.allocate(ctx, request.Body, codes)
		return posted(answer), err
	}
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	found, err := h.licensing.Allocations(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, users)
	if err != nil {
		return nil, err
	}
	return posted(explicitAllocations(found)), nil
}

// ListUserLicensePools is GET.
func (h handlers) ListUserLicensePools(ctx context.Context, _ ListUserLicensePoolsRequestObject) (ListUserLicensePoolsResponseObject, error) {
	pools, err := h.licensing.Pools(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ListUserLicensePools200JSONResponse(poolsOf(pools)), err
}

func poolsOf(pools []seatwright.Pool) []wire.UserLicensePool {
	answer := make([]wire.UserLicensePool, len(pools))
	for i, p := range pools {
		answer[i] = wire.UserLicensePool{Code: string(p.Code), Allocated: p.Used, Total: p.Total}
	}
	return answer
}

// RemoveUserLicenses is DELETE.
func (h handlers) RemoveUserLicenses(ctx context.Context, request RemoveUserLicensesRequestObject) (RemoveUserLicensesResponseObject, error) {
	users, err := seatwright.UserIDs(request.Body.UserIds)
	if err != nil {
		return nil, err
	}
	d, err := h.licensing.Deallocate(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, users)
	if err != nil {
		return nil, err
	}
	return RemoveUserLicenses200JSONResponse{SuccessfulUserIds: api.Texts(d.Removed), FailedUserIds: api.Texts(d.Unknown)}, nil
}

func (h handlers) allocate(ctx context.Context, body *wire.UserLicenseRequest, rawCodes []string) ([]wire.UserLicense, error) {
	users, err := seatwright.UserIDs(body.UserIds)
	if err != nil {
		return nil, err
	}
	codes, err := seatwright.BundleCodes(rawCodes)
	if err != nil {
		return nil, err
	}
	organization := api.OrganizationOf(ctx).ID
	allocations, err := h.licensing.Allocate(ctx, api.CallerOf(ctx), organization, users, codes, body.UseExternalLicense)
	if err != nil {
		return nil, err
	}
	answer := make([]wire.UserLicense, len(allocations))
	for i, a := range allocations {
		answer[i] = wire.UserLicense{
			UserID: string(a.User), OrganizationID: string(organization), UseExternalLicense: a.External, UserBundleCodes: api.Texts(a.Codes),
		}
	}
	return answer, nil
}

// codesOf returns the codes of a request under their name or their older name; nil: neither was sent.
func codesOf(body *wire.UserLicenseRequest) []string {
	if body.UserBundleCodes != nil {
		return body.UserBundleCodes
	}
	return body.LicenseCodes
}

func explicitAllocation(a seatwright.DirectHolder) wire.UserExplicitAllocation {
	return wire.UserExplicitAllocation{
		ID: string(a.User), Email: api.OrNull(a.Person.Email), Name: api.OrNull(a.Person.FirstName), Surname: api.OrNull(a.Person.LastName),
		LastInUse: api.OrNever(a.LastSignIn), UserBundleLicenses: api.Texts(a.Codes), UseExternalLicense: a.External,
	}
}

// posted makes one of the two answers of POST.
func posted[T any](items []T) PostUserLicenses200JSONResponse {
	answer := make(PostUserLicenses200JSONResponse, len(items))
	for i, item := range items {
		answer[i] = item
	}
	return answer
}
