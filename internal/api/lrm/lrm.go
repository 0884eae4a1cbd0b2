// Package lrm is the compatible door of the license resource manager: what the host distributes to organizations, what these give to
// the services of their tenants, and what is left. Each handler decodes, calls a use case and encodes. Routes and types are generated
// from api/automation-suite.yaml. What a write answers is in this file, the reads are in read.go, license files in
// activation.go.
package lrm

import (
	"context"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// Licensing is what the door needs done.
type Licensing interface {
	Product(code seatwright.ProductCode) seatwright.Product

	Distribute(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, products []seatwright.Quantity) (seatwright.AccountLicense, error)
	TakeBack(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) error
	AllocateToService(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at licensing.ServiceName, products []seatwright.Quantity) (seatwright.ServiceLicense, error)
	RemoveServices(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at licensing.ServiceName) error

	AccountLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.AccountLicense, error)
	HostProducts(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.AccountLicense, []seatwright.Pool, error)
	ServiceLicenses(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.ServiceLicense, error)
	ServiceLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at licensing.ServiceName) (seatwright.ServiceLicense, error)
	TenantLicense(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string) (seatwright.ServiceLicense, error)
	TenantServices(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string, names []string) ([]seatwright.ServiceType, map[seatwright.ServiceType][]licensing.ServiceUse, error)
	AccountAllocations(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]licensing.ProductAllocation, error)
	TenantAllocations(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]licensing.ProductAllocation, error)
	TenantShare(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string) ([]licensing.ProductAllocation, error)
	ServicesWithUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.ServiceType, error)
	UserLicensing(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (bool, error)
	SetUserLicensing(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, enabled bool) (bool, error)
	Summary(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]licensing.ProductAllocation, error)
}

// Register adds the routes of the door to mux. The handlers expect the caller and the organization in the context.
func Register(mux ServeMux, door api.Door, licensing Licensing, activation Activation) {
	HandlerWithOptions(NewStrictHandler(handlers{licensing, activation}, door.Decode, door.Fail), StdHTTPServerOptions{
		BaseRouter: mux, ErrorHandlerFunc: door.FailParameter,
	})
}

type handlers struct {
	licensing  Licensing
	activation Activation
}

// checkHost refuses a path that does not name the host.
func checkHost(id string) error {
	if canonical, err := seatwright.CanonicalID(id); err != nil || seatwright.OrganizationID(canonical) != seatwright.HostID {
		return seatwright.NotFound(seatwright.ReasonNotFound, "there is no such host: its id is always %s", seatwright.HostID)
	}
	return nil
}

// AllocateOrganizationLicense is PUT.
func (h handlers) AllocateOrganizationLicense(
	ctx context.Context, request AllocateOrganizationLicenseRequestObject,
) (AllocateOrganizationLicenseResponseObject, error) {
	answer, err := h.distribute(ctx, request.HostAccountID, request.Body)
	return AllocateOrganizationLicense200JSONResponse(answer), err
}

// PostOrganizationLicense is POST, the same.
func (h handlers) PostOrganizationLicense(ctx context.Context, request PostOrganizationLicenseRequestObject) (PostOrganizationLicenseResponseObject, error) {
	answer, err := h.distribute(ctx, request.HostAccountID, request.Body)
	return PostOrganizationLicense200JSONResponse(answer), err
}

func (h handlers) distribute(ctx context.Context, host string, body *wire.OrganizationLicenseRequest) (wire.AccountLicense, error) {
	if err := checkHost(host); err != nil {
		return wire.AccountLicense{}, err
	}
	products, err := quantities(body.ProductQuantities, "productQuantities")
	if err != nil {
		return wire.AccountLicense{}, err
	}
	license, err := h.licensing.Distribute(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, products)
	return h.accountLicense(license), err
}

// quantities reads a list that has to be there.
func quantities(raw []wire.ProductQuantity, field string) ([]seatwright.Quantity, error) {
	if raw == nil {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the products are missing").In(field)
	}
	products := make([]seatwright.Quantity, len(raw))
	for i, q := range raw {
		if q.Quantity == nil { // what is forgotten takes nothing away
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the quantity of %q is missing", q.Code).In(field)
		}
		products[i] = seatwright.Quantity{Code: seatwright.ProductCode(q.Code), Units: *q.Quantity}
	}
	return seatwright.Quantities(products, field)
}

// RemoveOrganizationLicense is DELETE by the host.
func (h handlers) RemoveOrganizationLicense(
	ctx context.Context, request RemoveOrganizationLicenseRequestObject,
) (RemoveOrganizationLicenseResponseObject, error) {
	if err := checkHost(request.HostAccountID); err != nil {
		return nil, err
	}
	return RemoveOrganizationLicense200JSONResponse{}, h.licensing.TakeBack(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
}

// RemoveAccountLicense is the same under the path of the organization.
func (h handlers) RemoveAccountLicense(ctx context.Context, _ RemoveAccountLicenseRequestObject) (RemoveAccountLicenseResponseObject, error) {
	return RemoveAccountLicense200JSONResponse{}, h.licensing.TakeBack(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
}

// AllocateServiceLicense is PUT.
func (h handlers) AllocateServiceLicense(ctx context.Context, request AllocateServiceLicenseRequestObject) (AllocateServiceLicenseResponseObject, error) {
	answer, err := h.give(ctx, request.ServiceScopeID, request.ServiceType, request.Body)
	return AllocateServiceLicense200JSONResponse(answer), err
}

// PostServiceLicense is POST, the same.
func (h handlers) PostServiceLicense(ctx context.Context, request PostServiceLicenseRequestObject) (PostServiceLicenseResponseObject, error) {
	answer, err := h.give(ctx, request.ServiceScopeID, request.ServiceType, request.Body)
	return PostServiceLicense200JSONResponse(answer), err
}

func (h handlers) give(ctx context.Context, tenant, service string, body *wire.ServiceLicenseRequest) (wire.ServiceLicense, error) {
	raw, field := body.Products, "products"
	if raw == nil && body.ProductQuantities != nil {
		raw, field = body.ProductQuantities, "productQuantities"
	}
	products, err := quantities(raw, field)
	if err != nil {
		return wire.ServiceLicense{}, err
	}
	organization := api.OrganizationOf(ctx).ID
	license, err := h.licensing.AllocateToService(ctx, api.CallerOf(ctx), organization, licensing.ServiceName{Tenant: tenant, Service: service}, products)
	return h.serviceLicense(organization, license), err
}

// RemoveServiceLicense is DELETE of one service.
func (h handlers) RemoveServiceLicense(ctx context.Context, request RemoveServiceLicenseRequestObject) (RemoveServiceLicenseResponseObject, error) {
	at := licensing.ServiceName{Tenant: request.ServiceScopeID, Service: request.ServiceType}
	return RemoveServiceLicense200JSONResponse{}, h.licensing.RemoveServices(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, at)
}

// RemoveTenantLicenses is DELETE of all services of a tenant.
func (h handlers) RemoveTenantLicenses(ctx context.Context, request RemoveTenantLicensesRequestObject) (RemoveTenantLicensesResponseObject, error) {
	at := licensing.ServiceName{Tenant: request.ServiceScopeID}
	return RemoveTenantLicenses200JSONResponse{}, h.licensing.RemoveServices(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, at)
}

// nothing is what we have of templates, policies and the like: an empty list, not null.
func nothing() []map[string]any { return []map[string]any{} }

func (h handlers) kind(code seatwright.ProductCode) string {
	return string(h.licensing.Product(code).Kind)
}

// accountLicense has the products that are in force; where nothing is, all that ever were, with no units.
func (h handlers) accountLicense(a seatwright.AccountLicense) wire.AccountLicense {
	answer := wire.AccountLicense{
		AccountID: string(a.Organization), LicenseStatus: string(a.Status()), Products: []wire.AccountProduct{},
		Templates: nothing(), Policies: nothing(), Entitlements: nothing(),
	}
	answer.StartDate, answer.EndDate, answer.GracePeriod = term(a)
	for _, q := range a.Products() {
		answer.Products = append(answer.Products, wire.AccountProduct{
			Code: string(q.Code), Quantity: q.Units, Type: h.kind(q.Code), Features: nothing(), ConsumptionDistributions: nothing(),
		})
	}
	return answer
}

// term is in seconds.
func term(a seatwright.AccountLicense) (start, end, grace int64) {
	if len(a.Lots) == 0 {
		return 0, 0, 0
	}
	from, until, more := a.Term()
	return from.Unix(), until.Unix(), int64(more.Seconds())
}

func (h handlers) serviceLicense(organization seatwright.OrganizationID, s seatwright.ServiceLicense) wire.ServiceLicense {
	answer := wire.ServiceLicense{
		AccountID: string(organization), ServiceScopeID: string(s.Tenant), UserLicensingEnabled: s.Account.UserLicensing, License: wire.LicenseData{
			LicenseStatus: string(s.Account.Status()), Products: []wire.ServiceProduct{}, Templates: nothing(), Policies: nothing(), Entitlements: nothing(),
		},
	}
	if s.Service != "" {
		service := string(s.Service)
		answer.ServiceType = &service
	}
	answer.License.StartDate, answer.License.EndDate, answer.License.GracePeriod = term(s.Account)
	for _, p := range s.Products {
		answer.License.Products = append(answer.License.Products, wire.ServiceProduct{
			Code: string(p.Code), Quantity: p.Quantity, Allocated: p.Quantity, Type: h.kind(p.Code), Features: nothing(), DistributionIntervals: nothing(),
		})
	}
	return answer
}

// words reads a list with commas.
func words(list string) (found []string) {
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word != "" {
			found = append(found, word)
		}
	}
	return found
}
