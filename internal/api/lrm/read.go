package lrm

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// GetOrganizationLicense is GET by the host.
func (h handlers) GetOrganizationLicense(ctx context.Context, request GetOrganizationLicenseRequestObject) (GetOrganizationLicenseResponseObject, error) {
	if err := checkHost(request.HostAccountID); err != nil {
		return nil, err
	}
	license, err := h.licensing.AccountLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return GetOrganizationLicense200JSONResponse(h.accountLicense(license)), err
}

// GetOrganizationLicenseAvailable is GET …/available.
func (h handlers) GetOrganizationLicenseAvailable(
	ctx context.Context, request GetOrganizationLicenseAvailableRequestObject,
) (GetOrganizationLicenseAvailableResponseObject, error) {
	answer, err := h.hostProducts(ctx, request.HostAccountID, api.OrganizationOf(ctx).ID)
	return GetOrganizationLicenseAvailable200JSONResponse(answer), err
}

// ListHostProducts is GET available-products.
func (h handlers) ListHostProducts(ctx context.Context, request ListHostProductsRequestObject) (ListHostProductsResponseObject, error) {
	answer, err := h.hostProducts(ctx, request.HostAccountID, seatwright.HostID)
	return ListHostProducts200JSONResponse(answer), err
}

func (h handlers) hostProducts(ctx context.Context, host string, organization seatwright.OrganizationID) (answer wire.OrganizationLicenseWithProducts, err error) {
	if err := checkHost(host); err != nil {
		return answer, err
	}
	license, pools, err := h.licensing.HostProducts(ctx, api.CallerOf(ctx), organization)
	answer.License = h.accountLicense(license)
	answer.ProductsWithAvailability = make([]wire.ProductAvailability, len(pools))
	for i, p := range pools {
		answer.ProductsWithAvailability[i] = wire.ProductAvailability{
			Code: string(p.Code), Type: h.kind(p.Code), AvailableQuantity: p.Available(), ConsumedQuantity: p.Used, TotalQuantity: p.Total,
		}
	}
	return answer, err
}

// ListAccountLicenses is GET account-license.
func (h handlers) ListAccountLicenses(ctx context.Context, _ ListAccountLicensesRequestObject) (ListAccountLicensesResponseObject, error) {
	license, err := h.licensing.AccountLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ListAccountLicenses200JSONResponse{h.accountLicense(license)}, err
}

// ListAvailableServices is GET account-license/available.
func (h handlers) ListAvailableServices(ctx context.Context, _ ListAvailableServicesRequestObject) (ListAvailableServicesResponseObject, error) {
	services, err := h.licensing.ServicesWithUnits(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	answer := ListAvailableServices200JSONResponse{Services: make([]string, len(services))}
	for i, s := range services {
		answer.Services[i] = string(s)
	}
	return answer, err
}

// ListServiceLicenses is GET service-license.
func (h handlers) ListServiceLicenses(ctx context.Context, _ ListServiceLicensesRequestObject) (ListServiceLicensesResponseObject, error) {
	organization := api.OrganizationOf(ctx).ID
	licenses, err := h.licensing.ServiceLicenses(ctx, api.CallerOf(ctx), organization)
	answer := make(ListServiceLicenses200JSONResponse, len(licenses))
	for i, s := range licenses {
		answer[i] = h.serviceLicense(organization, s)
	}
	return answer, err
}

// GetTenantLicense is GET service-license/{tenant}.
func (h handlers) GetTenantLicense(ctx context.Context, request GetTenantLicenseRequestObject) (GetTenantLicenseResponseObject, error) {
	organization := api.OrganizationOf(ctx).ID
	license, err := h.licensing.TenantLicense(ctx, api.CallerOf(ctx), organization, request.ServiceScopeID)
	return GetTenantLicense200JSONResponse(h.serviceLicense(organization, license)), err
}

// GetServiceLicense is GET service-license/{tenant}/{type}.
func (h handlers) GetServiceLicense(ctx context.Context, request GetServiceLicenseRequestObject) (GetServiceLicenseResponseObject, error) {
	license, err := h.service(ctx, request.ServiceScopeID, request.ServiceType)
	return GetServiceLicense200JSONResponse(h.serviceLicense(api.OrganizationOf(ctx).ID, license)), err
}

// GetOwnServiceLicense is the same without the organization in its path.
func (h handlers) GetOwnServiceLicense(ctx context.Context, request GetOwnServiceLicenseRequestObject) (GetOwnServiceLicenseResponseObject, error) {
	license, err := h.service(ctx, request.ServiceScopeID, request.ServiceType)
	return GetOwnServiceLicense200JSONResponse(h.serviceLicense(api.OrganizationOf(ctx).ID, license)), err
}

func (h handlers) service(ctx context.Context, tenant, service string) (seatwright.ServiceLicense, error) {
	at := licensing.ServiceName{Tenant: tenant, Service: service}
	return h.licensing.ServiceLicense(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, at)
}

// ListServiceProducts is GET …/products.
func (h handlers) ListServiceProducts(ctx context.Context, request ListServiceProductsRequestObject) (ListServiceProductsResponseObject, error) {
	license, err := h.service(ctx, request.ServiceScopeID, request.ServiceType)
	answer := make(ListServiceProducts200JSONResponse, len(license.Products))
	for i, p := range license.Products {
		answer[i] = wire.ServiceProductQuantity{Code: string(p.Code), Quantity: p.Quantity, Features: nothing()}
	}
	return answer, err
}

// GetServiceLicenseStatus is GET …/status.
func (h handlers) GetServiceLicenseStatus(ctx context.Context, request GetServiceLicenseStatusRequestObject) (GetServiceLicenseStatusResponseObject, error) {
	license, err := h.service(ctx, request.ServiceScopeID, request.ServiceType)
	_, end, grace := license.Account.Term()
	return GetServiceLicenseStatus200JSONResponse{
		AccountID: string(api.OrganizationOf(ctx).ID), ServiceScopeID: string(license.Tenant), ServiceType: string(license.Service),
		LicenseStatus: string(license.Account.Status()), ExpireDate: end.Add(grace), UserLicensingEnabled: license.Account.UserLicensing,
	}, err
}

// ListTenantServices is GET service-licenses/{tenant}.
func (h handlers) ListTenantServices(ctx context.Context, request ListTenantServicesRequestObject) (ListTenantServicesResponseObject, error) {
	services, uses, err := h.licensing.TenantServices(
		ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.ServiceScopeID, words(request.Params.Services))
	answer := make(ListTenantServices200JSONResponse, len(services))
	for i, s := range services {
		answer[i] = wire.TenantServiceLicense{ServiceType: string(s), Products: []wire.TenantServiceProduct{}}
		for _, u := range uses[s] {
			answer[i].Products = append(answer[i].Products, wire.TenantServiceProduct{
				Code: string(u.Code), Type: h.kind(u.Code), Quantity: u.Quantity, Allocated: u.Quantity, Available: u.Pool.Available(), Used: seatwright.Units(u.Used),
				AllocatedAcrossOtherTenants: u.Elsewhere, TotalUnits: u.Pool.Total, ConsumedAtOrganizationLevel: seatwright.Units(u.AtOrganization()),
			})
		}
	}
	return answer, err
}

// ListAccountAllocations is GET available-account-licenses.
func (h handlers) ListAccountAllocations(ctx context.Context, _ ListAccountAllocationsRequestObject) (ListAccountAllocationsResponseObject, error) {
	list, err := h.licensing.AccountAllocations(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ListAccountAllocations200JSONResponse(allocations(list)), err
}

// ListTenantAllocations is GET tenantAllocations.
func (h handlers) ListTenantAllocations(ctx context.Context, _ ListTenantAllocationsRequestObject) (ListTenantAllocationsResponseObject, error) {
	list, err := h.licensing.TenantAllocations(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return ListTenantAllocations200JSONResponse(allocations(list)), err
}

// ListTenantShare is GET available-service-licenses/{tenant}.
func (h handlers) ListTenantShare(ctx context.Context, request ListTenantShareRequestObject) (ListTenantShareResponseObject, error) {
	list, err := h.licensing.TenantShare(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.ServiceScopeID)
	return ListTenantShare200JSONResponse(allocations(list)), err
}

func allocations(list []licensing.ProductAllocation) []wire.AccountProductAllocation {
	answer := make([]wire.AccountProductAllocation, len(list))
	for i, p := range list {
		answer[i] = wire.AccountProductAllocation{Code: string(p.Product.Code), Total: p.Total, Allocated: p.Allocated}
	}
	return answer
}

// GetLicenseSummary is GET license-summary.
func (h handlers) GetLicenseSummary(ctx context.Context, _ GetLicenseSummaryRequestObject) (GetLicenseSummaryResponseObject, error) {
	list, err := h.licensing.Summary(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	answer := GetLicenseSummary200JSONResponse{
		Robots: []wire.SummaryOfRobots{}, UserLicenses: []wire.SummaryOfUserLicenses{}, Consumables: []wire.SummaryOfConsumables{},
	}
	for _, p := range list {
		code, name := string(p.Product.Code), p.Product.Name
		switch p.Product.Kind {
		case seatwright.KindUser:
			answer.UserLicenses = append(answer.UserLicenses, wire.SummaryOfUserLicenses{Code: code, Name: name, Total: p.Total, Used: p.Allocated})
		case seatwright.KindConsumable:
			answer.Consumables = append(answer.Consumables, wire.SummaryOfConsumables{Code: code, Name: name, Licensed: p.Total, Allocated: p.Allocated})
		default: // a code that the catalogue does not have any more is among these
			answer.Robots = append(answer.Robots, wire.SummaryOfRobots{Code: code, Name: name, Total: p.Total, Allocated: p.Allocated})
		}
	}
	return answer, err
}

// deployment is what this program is: never a cloud service.
const deployment = "OnPremise"

// GetDeploymentType is GET DeploymentType.
func (h handlers) GetDeploymentType(context.Context, GetDeploymentTypeRequestObject) (GetDeploymentTypeResponseObject, error) {
	return GetDeploymentType200JSONResponse{DeploymentType: deployment}, nil
}

// GetLeaseDeploymentType is the same at the license accountant.
func (h handlers) GetLeaseDeploymentType(context.Context, GetLeaseDeploymentTypeRequestObject) (GetLeaseDeploymentTypeResponseObject, error) {
	return GetLeaseDeploymentType200JSONResponse{DeploymentType: deployment}, nil
}
