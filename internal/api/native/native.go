// Package native is the door of our own API: what a host administrator sets up, what an organization decides, and who a token belongs to. Each handler decodes, calls a use case and
// encodes; whether values make sense is decided behind it. Routes and types are generated from api/seatwright.yaml.
package native

import (
	"context"
	"net/http"

	contract "github.com/seatwright/seatwright/api"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// Directory creates organizations, tenants and people.
type Directory interface {
	CreateOrganization(ctx context.Context, caller seatwright.Caller, n directory.NewOrganization) (seatwright.Organization, error)
	CreateTenant(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n directory.NewTenant) (seatwright.Tenant, error)
	CreateUser(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n directory.NewUser) (seatwright.User, error)
}

// Licensing enters, changes and lists purchases. An empty id and a zero start are for it to fill in.
type Licensing interface {
	PolicyBook
	DenialLog
	CreateLot(ctx context.Context, caller seatwright.Caller, lot seatwright.Lot) (seatwright.Lot, error)
	ChangeLot(ctx context.Context, caller seatwright.Caller, change seatwright.ChangeLot) (seatwright.Purchase, error)
	RemoveLot(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LotID) (seatwright.Purchase, error)
	Lots(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, code seatwright.ProductCode) ([]seatwright.Purchase, error)
	Notices(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, query seatwright.NoticeQuery) (notices []seatwright.Notice, more bool, err error)
	Lot(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LotID) (seatwright.Purchase, error)
}

// Register adds the routes of the door to mux. The handlers expect the caller and the organization in the context. The error
// is of the embedded document and cannot come from outside.
func Register(mux ServeMux, door api.Door, directory Directory, licensing Licensing, files Files, entitlements Entitlements) error {
	document, err := contract.NativeJSON()
	if err != nil {
		return err
	}
	h := handlers{directory: directory, licensing: licensing, files: files, entitlements: entitlements, document: document}
	HandlerWithOptions(NewStrictHandler(h, door.Decode, door.Fail), StdHTTPServerOptions{
		BaseRouter: mux, ErrorHandlerFunc: door.FailParameter, Middlewares: []MiddlewareFunc{
			door.OnlyParameters(map[string][]string{
				"GET /api/v1/organizations/{org}/lots":                             {"code"},
				"GET /api/v1/organizations/{org}/license-files":                    {"top", "behind"},
				"GET /api/v1/organizations/{org}/notices":                          {"top", "before", "standing"},
				"GET /api/v1/organizations/{org}/denials":                          {"code", "person", "since", "until", "satisfied", "top", "before"},
				"GET /api/v1/organizations/{org}/denials/counts":                   {"by", "code", "person", "since", "until", "satisfied", "top"},
				"GET /api/v1/organizations/{org}/users/{user}/entitlements/{name}": {"consistency"},
				"POST /api/v1/organizations/{org}/entitlements/check":              {"consistency"},
			}), door.WholeQuery, // the last one comes first
		},
	})
	return nil
}

type handlers struct {
	directory    Directory
	licensing    Licensing
	files        Files
	entitlements Entitlements
	document     openAPI
}

// openAPI is the document as it is sent.
type openAPI []byte

// VisitGetOpenAPIResponse sends the document.
func (d openAPI) VisitGetOpenAPIResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(d) //nolint:gosec // G705: it is a JSON document that is part of the program
	return err
}

// GetOpenAPI answers this door's own document.
func (h handlers) GetOpenAPI(context.Context, GetOpenAPIRequestObject) (GetOpenAPIResponseObject, error) {
	return h.document, nil
}

// GetMe is GET /api/v1/me.
func (h handlers) GetMe(ctx context.Context, _ GetMeRequestObject) (GetMeResponseObject, error) {
	p := api.CallerOf(ctx).Principal
	scopes := make([]string, len(p.Scopes))
	for i, scope := range p.Scopes {
		scopes[i] = string(scope)
	}
	return GetMe200JSONResponse{
		Kind: wire.PrincipalKind(p.Kind), ID: p.ID, Organization: string(p.Organization), Role: wire.Role(p.Role), Scopes: scopes,
	}, nil
}

// CreateOrganization is POST /api/v1/organizations.
func (h handlers) CreateOrganization(ctx context.Context, request CreateOrganizationRequestObject) (CreateOrganizationResponseObject, error) {
	b := request.Body
	org, err := h.directory.CreateOrganization(ctx, api.CallerOf(ctx), directory.NewOrganization{
		ID: b.ID, Name: b.Name, DisplayName: b.DisplayName, UnknownUsers: seatwright.UnknownUsers(b.UnknownUsers), ExternalLicenses: b.ExternalLicenses,
	})
	if err != nil {
		return nil, err
	}
	return CreateOrganization201JSONResponse{
		ID: string(org.ID), Name: org.Name, DisplayName: org.DisplayName, UnknownUsers: wire.UnknownUsers(org.UnknownUsers),
		ExternalLicenses: org.ExternalLicenses, CreatedAt: org.CreatedAt,
	}, nil
}

// CreateTenant is POST /api/v1/organizations/{org}/tenants.
func (h handlers) CreateTenant(ctx context.Context, request CreateTenantRequestObject) (CreateTenantResponseObject, error) {
	n := directory.NewTenant{ID: request.Body.ID, Name: request.Body.Name}
	t, err := h.directory.CreateTenant(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, n)
	if err != nil {
		return nil, err
	}
	return CreateTenant201JSONResponse{ID: string(t.ID), Name: t.Name, CreatedAt: t.CreatedAt}, nil
}

// CreateUser is POST /api/v1/organizations/{org}/users.
func (h handlers) CreateUser(ctx context.Context, request CreateUserRequestObject) (CreateUserResponseObject, error) {
	b := request.Body
	u, err := h.directory.CreateUser(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, directory.NewUser{
		ID: b.ID, UserName: b.UserName, Password: b.Password, Email: b.Email, FirstName: b.FirstName, LastName: b.LastName,
		DisplayName: b.DisplayName, ExternalID: b.ExternalID, Role: seatwright.Role(b.Role),
	})
	if err != nil {
		return nil, err
	}
	return CreateUser201JSONResponse{
		ID: string(u.ID), UserName: u.UserName, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
		DisplayName: u.DisplayName, ExternalID: u.ExternalID, Role: wire.Role(u.Role), CreatedAt: u.CreatedAt,
	}, nil
}
