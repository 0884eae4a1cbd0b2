package lease

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// Sessions is what the door needs done when people use products.
type Sessions interface {
	OpenSession(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n licensing.NewSession) (seatwright.Opened, error)
	CloseSession(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string) (seatwright.Session, error)
	CloseSessionOf(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID, id string) (seatwright.Session, error)
	UserLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) (licensing.UserLicense, error)
}

// OpenUserSession is POST session.
func (h handlers) OpenUserSession(ctx context.Context, request OpenUserSessionRequestObject) (OpenUserSessionResponseObject, error) {
	n := licensing.NewSession{ID: request.Params.SessionID, ClientType: request.Params.ClientType}
	if request.Body != nil {
		n.Wanted = request.Body.LicenseUnits
	}
	opened, err := h.licensing.OpenSession(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, n)
	if err != nil {
		return nil, err
	}
	s := opened.Session
	return OpenUserSession200JSONResponse{
		UserID: string(s.User), AccountID: string(s.Organization), ExternalLicense: opened.External,
		LicenseToken: licenseToken(s.Organization, licensing.UserLicense{
			User: s.User, Codes: opened.Codes, Units: opened.Units, External: opened.External, At: s.UpdatedAt, Until: opened.Until,
		}),
		UserSession: wire.UserSessionSummary{GlobalID: s.GlobalID, Started: s.StartedAt, LastUpdated: s.UpdatedAt},
	}, nil
}

// CloseUserSession is DELETE session.
func (h handlers) CloseUserSession(ctx context.Context, request CloseUserSessionRequestObject) (CloseUserSessionResponseObject, error) {
	closed, err := h.licensing.CloseSession(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Params.SessionID)
	return CloseUserSession200JSONResponse(userSession(closed)), err
}

// CloseSessionOfUser is DELETE {userId}/session.
func (h handlers) CloseSessionOfUser(ctx context.Context, request CloseSessionOfUserRequestObject) (CloseSessionOfUserResponseObject, error) {
	user, err := api.UserID(request.UserID)
	if err != nil {
		return nil, err
	}
	closed, err := h.licensing.CloseSessionOf(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user, request.Params.SessionID)
	return CloseSessionOfUser200JSONResponse(userSession(closed)), err
}

func userSession(s seatwright.Session) wire.UserSession {
	return wire.UserSession{
		GlobalID: s.GlobalID, SessionID: string(s.ID), OrganizationID: string(s.Organization), UserID: string(s.User), ClientType: s.ClientType,
		Started: s.StartedAt, LastUpdated: s.UpdatedAt, UserBundleLeases: []wire.UserBundleLease{},
	}
}

// GetUserLicenseState is GET {userId}.
func (h handlers) GetUserLicenseState(ctx context.Context, request GetUserLicenseStateRequestObject) (GetUserLicenseStateResponseObject, error) {
	user, err := api.UserID(request.UserID)
	if err != nil {
		return nil, err
	}
	organization := api.OrganizationOf(ctx).ID
	license, err := h.licensing.UserLicense(ctx, api.CallerOf(ctx), organization, user)
	if err != nil {
		return nil, err
	}
	return GetUserLicenseState200JSONResponse{
		UserID: string(user), AccountID: string(organization), LicenseToken: licenseToken(organization, license),
	}, nil
}
