// Package orchestrator is the compatible door of what the Orchestrator tells about licenses, read-only: what a tenant has, who holds
// what, and what clients ask before they begin. Each handler decodes, calls a use case and encodes, in the forms of OData. The tenant is that
// of the path. Routes and types are generated from api/automation-suite.yaml; the types of robots are in robots.go.
package orchestrator

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// Licensing is what the door needs to know.
type Licensing interface {
	TenantCalled(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ref string) (seatwright.Tenant, error)
	TenantLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string) (seatwright.ServiceLicense, error)
	ServiceLicenses(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.ServiceLicense, error)
	Pools(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Pool, error)
	Holders(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.HolderQuery) (seatwright.SeatHolderPage, error)
}

// People finds who asks.
type People interface {
	Self(ctx context.Context, caller seatwright.Caller) (directory.Person, error)
}

// Register adds the routes of the door to mux. The handlers expect the caller, the organization and the tenant of the path in the context.
func Register(mux ServeMux, door api.Door, licensing Licensing, people People) {
	HandlerWithOptions(NewStrictHandler(handlers{licensing, people}, door.Decode, door.Fail), StdHTTPServerOptions{
		BaseRouter: mux, Middlewares: []MiddlewareFunc{door.WholeQuery}, ErrorHandlerFunc: door.FailParameter,
	})
}

type handlers struct {
	licensing Licensing
	people    People
}

// The Orchestrator whose answers these look like.
const (
	version    = "25.10.0"
	apiVersion = "20.0"
	deployment = "ServiceFabric" // by which clients know Automation Suite
)

// contextOf is the annotation with which an answer of OData says what it is. The address is relative, as OData allows.
func contextOf(what string) string { return "$metadata#" + what }

// ofType is a kind of thing in such an annotation.
func ofType(name string) string { return "UiPath.Server.Configuration.OData." + name }

func inForce(a seatwright.AccountLicense) bool {
	return a.Status() == seatwright.LicenseActive || a.Status() == seatwright.LicenseInGrace
}

func (h handlers) tenant(ctx context.Context) (seatwright.Tenant, error) {
	if api.ExchangeOf(ctx).PathTenant == "" {
		return seatwright.Tenant{}, seatwright.NotFound(seatwright.ReasonNotFound, "the path names no tenant: /{organization}/{tenant}/orchestrator_/…")
	}
	return h.licensing.TenantCalled(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, api.ExchangeOf(ctx).PathTenant)
}

// GetOrchestratorLicense is GET Settings/…GetLicense.
func (h handlers) GetOrchestratorLicense(ctx context.Context, _ GetOrchestratorLicenseRequestObject) (GetOrchestratorLicenseResponseObject, error) {
	tenant, err := h.tenant(ctx)
	if err != nil {
		return nil, err
	}
	caller, organization := api.CallerOf(ctx), api.OrganizationOf(ctx).ID
	license, err := h.licensing.TenantLicense(ctx, caller, organization, string(tenant.ID))
	if err != nil {
		return nil, err
	}
	pools, err := h.licensing.Pools(ctx, caller, organization)
	answer := wire.ODataLicense{
		Context: contextOf(ofType("LicenseDto")), Allowed: map[string]int64{}, Used: map[string]int64{}, LicensedFeatures: []string{}, IsProOrEnterprise: true,
		IsRegistered: len(license.Account.Lots) > 0, UserLicensingEnabled: license.Account.UserLicensing,
		IsExpired: !inForce(license.Account),
	}
	if answer.IsRegistered {
		start, end, grace := license.Account.Term()
		answer.ExpireDate, answer.GracePeriodEndDate, answer.GracePeriod = end.Unix(), end.Add(grace).Unix(), int64(grace.Seconds())
		answer.CreationTime = &start
	}
	for _, t := range types {
		answer.Allowed[t.name], answer.Used[t.name] = 0, 0
		for _, p := range pools {
			if t.has(p.Code) {
				answer.Allowed[t.name] += p.Total
				answer.Used[t.name] += p.Used
			}
		}
		for _, p := range license.Products {
			if t.has(p.Code) {
				answer.Allowed[t.name] += p.Quantity
				answer.Used[t.name] += p.InUse()
			}
		}
	}
	for _, p := range pools {
		if p.Total > 0 {
			answer.AttendedConcurrent = answer.AttendedConcurrent || p.Code == "ATTUCU"
			answer.DevelopmentConcurrent = answer.DevelopmentConcurrent || p.Code == "RPADEVCU"
			answer.StudioXConcurrent = answer.StudioXConcurrent || p.Code == "CTZDEVCU"
			answer.StudioProConcurrent = answer.StudioProConcurrent || p.Code == "RPADEVPROCU"
		}
	}
	return GetOrchestratorLicense200JSONResponse(answer), err
}

// page reads the options of a list: the first 1,000 where nothing is said. A filter is refused, because an answer without it would be another one.
func page(skip int, top *int, filter string) (from, most int, err error) {
	if filter != "" {
		return 0, 0, seatwright.Invalid(seatwright.ReasonInvalidValue, "there are no filters here").In("$filter")
	}
	if top == nil {
		all := seatwright.MaxUsersPerPage
		top = &all
	}
	from, most, err = api.PageOf(skip, top)
	if err != nil {
		e := seatwright.AsError(err)
		return 0, 0, e.In("$" + e.Field)
	}
	return from, most, nil
}

// counted is the number of all, where it was asked for.
func counted(asked bool, number int64) *int64 {
	if !asked {
		return nil
	}
	return &number
}

// ListNamedUserLicenses is GET LicensesNamedUser/…GetLicensesNamedUser.
func (h handlers) ListNamedUserLicenses(ctx context.Context, request ListNamedUserLicensesRequestObject) (ListNamedUserLicensesResponseObject, error) {
	if _, err := h.tenant(ctx); err != nil {
		return nil, err
	}
	p := request.Params
	skip, top, err := page(p.Skip, p.Top, p.Filter)
	if err != nil {
		return nil, err
	}
	answer := ListNamedUserLicenses200JSONResponse{
		Context: contextOf("Collection(" + ofType("LicenseNamedUserDto") + ")"), Value: []wire.NamedUserLicense{}, Count: counted(p.Count, 0),
	}
	codes := bundlesOf(request.RobotType)
	if len(codes) == 0 {
		return answer, nil
	}
	caller, organization := api.CallerOf(ctx), api.OrganizationOf(ctx)
	pools, err := h.licensing.Pools(ctx, caller, organization.ID)
	if err != nil {
		return nil, err
	}
	usable := func(code seatwright.ProductCode) bool {
		return slices.ContainsFunc(pools, func(p seatwright.Pool) bool { return p.Code == code && organization.Usable(p) })
	}
	q := seatwright.HolderQuery{Codes: codes, Sort: seatwright.SortHoldersByID, Skip: int64(skip), Top: int64(top)}
	found, err := h.licensing.Holders(ctx, caller, organization.ID, q)
	answer.Count = counted(p.Count, found.Total)
	for _, holder := range found.Holders {
		answer.Value = append(answer.Value, wire.NamedUserLicense{
			Key: string(holder.Person.ID), UserName: holder.Person.CalledBy(), LastLoginDate: api.OrNever(holder.LastUse),
			IsLicensed: slices.ContainsFunc(holder.Codes, usable), IsExternalLicensed: holder.External, MachineNames: []string{}, ActiveMachineNames: []string{},
		})
	}
	return answer, err
}

// ListRuntimeLicenses is GET LicensesRuntime/…GetLicensesRuntime. Machines are not known here: who has runtimes are the services of the tenant.
func (h handlers) ListRuntimeLicenses(ctx context.Context, request ListRuntimeLicensesRequestObject) (ListRuntimeLicensesResponseObject, error) {
	tenant, err := h.tenant(ctx)
	if err != nil {
		return nil, err
	}
	p := request.Params
	skip, top, err := page(p.Skip, p.Top, p.Filter)
	if err != nil {
		return nil, err
	}
	services, err := h.licensing.ServiceLicenses(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	all := []wire.RuntimeLicense{}
	for _, s := range services {
		if s.Tenant != tenant.ID {
			continue
		}
		row := wire.RuntimeLicense{
			Key: string(s.Service), MachineName: string(s.Service), Enabled: true,
			IsLicensed: inForce(s.Account),
		}
		has := false
		for _, product := range s.Products {
			if isRuntime(request.RobotType, product.Code) {
				has = true
				row.Runtimes += product.Quantity
				row.ExecutingCount += product.InUse()
			}
		}
		if row.IsOnline = row.ExecutingCount > 0; has {
			all = append(all, row)
		}
	}
	from := min(skip, len(all))
	return ListRuntimeLicenses200JSONResponse{
		Context: contextOf("Collection(" + ofType("LicenseRuntimeDto") + ")"), Count: counted(p.Count, int64(len(all))),
		Value: all[from:min(from+top, len(all))],
	}, err
}

// GetCurrentUser is GET Users/…GetCurrentUser.
func (h handlers) GetCurrentUser(ctx context.Context, _ GetCurrentUserRequestObject) (GetCurrentUserResponseObject, error) {
	tenant, err := h.tenant(ctx)
	if err != nil {
		return nil, err
	}
	answer := GetCurrentUser200JSONResponse{
		Context: contextOf("Users/$entity"), IsActive: true, RolesList: []string{}, TenancyName: tenant.Name, TenantDisplayName: tenant.Name,
		TenantKey: string(tenant.ID),
	}
	caller := api.CallerOf(ctx)
	if caller.Principal.Kind != seatwright.PrincipalUser {
		answer.Key, answer.UserName, answer.Type = caller.Principal.ID, caller.Principal.ID, "DirectoryExternalApplication"
		return answer, nil
	}
	u, err := h.people.Self(ctx, caller)
	answer.Key, answer.UserName, answer.Type = string(u.ID), u.CalledBy(), "User"
	answer.Name, answer.Surname, answer.EmailAddress = api.OrNull(u.FirstName), api.OrNull(u.LastName), api.OrNull(u.Email)
	answer.FullName = api.OrNull(cmp.Or(u.DisplayName, strings.TrimSpace(u.FirstName+" "+u.LastName)))
	answer.LastLoginTime, answer.CreationTime = api.OrNever(u.LastSignIn), api.OrNever(u.CreatedAt)
	return answer, err
}

// GetAuthenticationSettings is GET Settings/…GetAuthenticationSettings. What organizations decide about passwords is not told to anybody.
func (h handlers) GetAuthenticationSettings(context.Context, GetAuthenticationSettingsRequestObject) (GetAuthenticationSettingsResponseObject, error) {
	return GetAuthenticationSettings200JSONResponse{
		Body:    wire.ResponseDictionary{Context: contextOf(ofType("ResponseDictionaryDto")), Keys: []string{}, Values: []string{}},
		Headers: GetAuthenticationSettings200ResponseHeaders{APISupportedVersions: apiVersion},
	}, nil
}

// GetOrchestratorVersion is GET api/status/version.
func (h handlers) GetOrchestratorVersion(context.Context, GetOrchestratorVersionRequestObject) (GetOrchestratorVersionResponseObject, error) {
	return GetOrchestratorVersion200JSONResponse{Version: version, Deployment: deployment}, nil
}
