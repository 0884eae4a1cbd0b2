package portal

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// Accounts is what the door needs to know of what an organization and its tenants have.
type Accounts interface {
	Product(code seatwright.ProductCode) seatwright.Product
	Account(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (seatwright.AccountLicense, error)
	Inventory(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (licensing.Inventory, error)
	TenantUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]licensing.TenantUnits, error)
	Tenants(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Tenant, error)
}

// nothing is what we have of keys, templates and the like: an empty list, not null.
func nothing() []map[string]any { return []map[string]any{} }

// seconds since 1970; 0 where there is no instant.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// GetPortalInventory is GET license/management/account/available.
func (h handlers) GetPortalInventory(ctx context.Context, request GetPortalInventoryRequestObject) (GetPortalInventoryResponseObject, error) {
	if err := api.CheckOrganization(ctx, &request.Params.AccountGlobalID); err != nil {
		return nil, err
	}
	found, err := h.licensing.Inventory(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	answer := GetPortalInventory200JSONResponse{
		ProductAllocations: make([]wire.ProductInventory, len(found.Products)), UserLicensingBundles: poolsOf(found.Bundles), EntitlementUsages: nothing(),
		AvailableServices: make([]wire.InventoryService, len(found.Services)), MlKeys: nothing(),
	}
	for i, p := range found.Products {
		answer.ProductAllocations[i] = wire.ProductInventory{
			Code: string(p.Product.Code), Total: p.Total, Allocated: p.Allocated, IsConsumable: p.Product.Kind == seatwright.KindConsumable,
			StartDate: seconds(p.Start), EndDate: seconds(p.End),
		}
	}
	for i, service := range found.Services {
		answer.AvailableServices[i] = wire.InventoryService{
			ID: string(service), Name: string(service), ServiceLicenseStatus: string(found.Status), SupportedRegions: []string{}, IsVisible: true,
		}
	}
	return answer, err
}

// GetPortalAccount is GET license/management/account.
func (h handlers) GetPortalAccount(ctx context.Context, request GetPortalAccountRequestObject) (GetPortalAccountResponseObject, error) {
	if err := api.CheckOrganization(ctx, &request.Params.AccountGlobalID); err != nil {
		return nil, err
	}
	license, err := h.licensing.Account(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	start, end, grace := license.Term()
	answer := wire.PortalAccountLicense{
		AccountID: string(api.OrganizationOf(ctx).ID), LicenseStatus: string(license.Status()), Products: []wire.AccountProduct{}, Templates: nothing(),
		Entitlements: nothing(), EntitlementOverrides: nothing(), StartDate: seconds(start), EndDate: seconds(end), GracePeriod: int64(grace.Seconds()),
	}
	for _, q := range license.Products() {
		answer.Products = append(answer.Products, wire.AccountProduct{
			Code: string(q.Code), Quantity: q.Units, Type: string(h.licensing.Product(q.Code).Kind), Features: nothing(), ConsumptionDistributions: nothing(),
		})
	}
	return GetPortalAccount200JSONResponse{MlKeys: nothing(), AccountLicense: answer}, err
}

// ListPortalTenantAllocations is GET licensing/tenantAllocations.
func (h handlers) ListPortalTenantAllocations(
	ctx context.Context, request ListPortalTenantAllocationsRequestObject,
) (ListPortalTenantAllocationsResponseObject, error) {
	if err := api.CheckOrganization(ctx, &request.Params.AccountGlobalID); err != nil {
		return nil, err
	}
	list, err := h.licensing.TenantUnits(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	answer := make(ListPortalTenantAllocations200JSONResponse, len(list))
	for i, t := range list {
		has := t.Units
		answer[i] = wire.TenantAllocation{
			Tenant: wire.AllocatedTenant{
				ID: string(t.Tenant.ID), Name: t.Tenant.Name, TenantServiceInstances: nothing(), Status: "Enabled", CreatedOn: t.Tenant.CreatedAt,
			},
			Services:        api.Texts(t.Services),
			UnattendedRobot: has["UNATT"], UnattendedHostingRobot: has["UNATT-HOSTING"], NonProductionRobot: has["NONPR"], TestingRobot: has["TAUNATT"],
			AppTestRobot: has["APPTESTR"], DataServiceUnit: has["DSU"], RobotUnits: has["RU"], AiUnits: has["AIU"], AgentUnits: has["AGU"],
			PlatformUnits: has["PLTU"], PerformanceTesting: has["PERFTEST"], Heals: has["HEAL"], TestHeals: has["HEALTEST"],
			MedicalRecordSummarizationUnits: has["MRSU"], LendingUnits: has["LU"],
		}
	}
	return answer, err
}

// GetTenantsAndOrganization is GET filtering/leftnav/tenantsAndOrganizationInfo.
func (h handlers) GetTenantsAndOrganization(ctx context.Context, _ GetTenantsAndOrganizationRequestObject) (GetTenantsAndOrganizationResponseObject, error) {
	organization := api.OrganizationOf(ctx)
	tenants, err := h.licensing.Tenants(ctx, api.CallerOf(ctx), organization.ID)
	answer := GetTenantsAndOrganization200JSONResponse{
		Tenants: make([]wire.NamedThing, len(tenants)), Organization: wire.NamedThing{ID: string(organization.ID), Name: organization.Name},
	}
	for i, t := range tenants {
		answer.Tenants[i] = wire.NamedThing{ID: string(t.ID), Name: t.Name}
	}
	return answer, err
}
