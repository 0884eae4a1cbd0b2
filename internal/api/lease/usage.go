package lease

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// Uses is what the door needs told of what services use.
type Uses interface {
	UnitUses(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) (licensing.UnitUses, error)
	ServiceUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at licensing.ServiceName, product string) (licensing.UnitUse, error)
	TenantUses(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant string, services []string) ([]licensing.UnitUse, error)
	UnitsAvailable(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, service, product string) (int64, error)
	UnitStates(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, at licensing.ServiceName, products []string) ([]licensing.UnitState, error)
	ScopeUses(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, scopes []licensing.Scope) ([][]licensing.UnitUse, error)
	Usage(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, questions []licensing.UsageQuestion) ([]licensing.UsageAnswer, error)
	Timelines(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenants []string, days int64) ([]licensing.TimelineOf, error)
	UnitsInUse(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenants []string) ([]licensing.UnitUse, error)
}

func productUsage(u licensing.UnitUse) wire.ProductUsage {
	answer := wire.ProductUsage{
		ServiceScopeID: string(u.Tenant), ServiceType: string(u.Service), ProductCode: string(u.Code), Used: seatwright.Units(u.Used),
		Total: seatwright.Units(u.Total()), UsageModel: "Floating",
	}
	if u.Product.Kind == seatwright.KindConsumable {
		answer.UsageModel = "Consumption"
	}
	answer.StartDate, answer.EndDate = period(u.PeriodStart, u.PeriodEnd)
	return answer
}

func productUsages(uses []licensing.UnitUse) []wire.ProductUsage {
	all := make([]wire.ProductUsage, len(uses))
	for i, u := range uses {
		all[i] = productUsage(u)
	}
	return all
}

// CountAvailableUnits is GET …/available/count.
func (h handlers) CountAvailableUnits(ctx context.Context, request CountAvailableUnitsRequestObject) (CountAvailableUnitsResponseObject, error) {
	n, err := h.licensing.UnitsAvailable(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.ServiceType, request.ProductCode)
	return CountAvailableUnits200JSONResponse(n), err
}

// ListAvailableUnits is PUT …/available/services in the organization of the token.
func (h handlers) ListAvailableUnits(ctx context.Context, request ListAvailableUnitsRequestObject) (ListAvailableUnitsResponseObject, error) {
	answer, err := h.states(ctx, request.ServiceScopeID, request.ServiceType, request.Body)
	return ListAvailableUnits200JSONResponse(answer), err
}

// ListAvailableUnitsOfService is the same in that of the path.
func (h handlers) ListAvailableUnitsOfService(ctx context.Context, request ListAvailableUnitsOfServiceRequestObject) (ListAvailableUnitsOfServiceResponseObject, error) {
	answer, err := h.states(ctx, request.ServiceScopeID, request.ServiceType, request.Body)
	return ListAvailableUnitsOfService200JSONResponse(answer), err
}

func (h handlers) states(ctx context.Context, tenant, service string, body *wire.ProductCodesRequest) ([]wire.ProductCodeState, error) {
	states, err := h.licensing.UnitStates(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, licensing.ServiceName{Tenant: tenant, Service: service}, body.ProductCodes)
	answer := make([]wire.ProductCodeState, len(states))
	for i, s := range states {
		answer[i] = wire.ProductCodeState{ProductCode: body.ProductCodes[i], ProductCodeStatus: int32(s)}
	}
	return answer, err
}

// GetConsumed is GET …/consumed in the organization of the token.
func (h handlers) GetConsumed(ctx context.Context, request GetConsumedRequestObject) (GetConsumedResponseObject, error) {
	answer, err := h.serviceUnits(ctx, request.ServiceScopeID, request.ServiceType, request.ProductCode)
	return GetConsumed200JSONResponse(answer), err
}

// GetConsumedOfService is the same in that of the path.
func (h handlers) GetConsumedOfService(ctx context.Context, request GetConsumedOfServiceRequestObject) (GetConsumedOfServiceResponseObject, error) {
	answer, err := h.serviceUnits(ctx, request.ServiceScopeID, request.ServiceType, request.ProductCode)
	return GetConsumedOfService200JSONResponse(answer), err
}

// GetUsage is GET …/usage of a product of a service.
func (h handlers) GetUsage(ctx context.Context, request GetUsageRequestObject) (GetUsageResponseObject, error) {
	answer, err := h.serviceUnits(ctx, request.ScopeID, request.ScopeType, request.ProductCode)
	return GetUsage200JSONResponse(answer), err
}

func (h handlers) serviceUnits(ctx context.Context, tenant, service, product string) (wire.ProductUsage, error) {
	use, err := h.licensing.ServiceUnits(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, licensing.ServiceName{Tenant: tenant, Service: service}, product)
	return productUsage(use), err
}

// ListTenantUsage is GET …/usage of a tenant.
func (h handlers) ListTenantUsage(ctx context.Context, request ListTenantUsageRequestObject) (ListTenantUsageResponseObject, error) {
	uses, err := h.licensing.TenantUses(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.ServiceScopeID, words(request.Params.ServiceTypes))
	answer := ListTenantUsage200JSONResponse{}
	for _, u := range uses {
		if n := len(answer); n == 0 || answer[n-1].ClientType != string(u.Service) {
			answer = append(answer, wire.PartitionProductUsage{ClientID: string(u.Tenant), ClientType: string(u.Service)})
		}
		last := &answer[len(answer)-1]
		last.ProductsUsage = append(last.ProductsUsage, productUsage(u))
	}
	return answer, err
}

// QueryUsage is PUT …/usage.
func (h handlers) QueryUsage(ctx context.Context, request QueryUsageRequestObject) (QueryUsageResponseObject, error) {
	questions := make([]licensing.UsageQuestion, len(*request.Body))
	for i, q := range *request.Body {
		questions[i] = licensing.UsageQuestion{ServiceName: licensing.ServiceName{Tenant: q.ServiceScopeID, Service: q.ServiceType}, Product: q.ProductCode}
		if q.StartDate != 0 || q.EndDate != 0 {
			questions[i].From, questions[i].Until = time.Unix(q.StartDate, 0).UTC(), time.Unix(q.EndDate, 0).UTC()
		}
	}
	answers, err := h.licensing.Usage(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, questions)
	out := make(QueryUsage200JSONResponse, len(answers))
	for i, a := range answers {
		out[i] = wire.UsageAnswer{
			ServiceScopeID: questions[i].Tenant, ServiceType: questions[i].Service, ProductCode: questions[i].Product, Used: seatwright.Units(a.Used),
			ConsumedAtOrganizationLevel: seatwright.Units(a.AtOrganization), ConsumedAcrossDeletedServiceScopeIds: seatwright.Units(a.WithoutLicense),
		}
		if from, until := period(a.From, a.Until); from != nil {
			out[i].StartDate, out[i].EndDate = *from, *until
		}
	}
	return out, err
}

// ComputeUsage is PUT …/computeUsage.
func (h handlers) ComputeUsage(ctx context.Context, request ComputeUsageRequestObject) (ComputeUsageResponseObject, error) {
	scopes := make([]licensing.Scope, len(request.Body.Scopes))
	for i, s := range request.Body.Scopes {
		scopes[i] = licensing.Scope{ServiceName: licensing.ServiceName{Tenant: s.ScopeID, Service: s.ScopeType}, Product: s.ProductCode}
	}
	found, err := h.licensing.ScopeUses(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, scopes)
	answer := make(ComputeUsage200JSONResponse, len(found))
	for i, uses := range found {
		answer[i] = wire.ScopeUsage{ScopeID: scopes[i].Tenant, ScopeType: scopes[i].Service, ProductsUsage: productUsages(uses)}
	}
	return answer, err
}

// GetUsageTimeline is POST stats/timeline.
func (h handlers) GetUsageTimeline(ctx context.Context, request GetUsageTimelineRequestObject) (GetUsageTimelineResponseObject, error) {
	if len(request.Body.ClientIds) == 0 {
		return nil, missingTenants()
	}
	lines, err := h.licensing.Timelines(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.ClientIds, int64(request.Body.TimePeriod))
	answer := make(GetUsageTimeline200JSONResponse, len(lines))
	for i, line := range lines {
		answer[i] = wire.UsageTimeline{ClientID: string(line.Tenant), ProductCode: string(line.Code), ProductUsage: byDay(line)}
	}
	return answer, err
}

func missingTenants() error {
	return seatwright.Invalid(seatwright.ReasonInvalidValue, "at least one tenant is needed").In("clientIds")
}

// GetOrganizationTimeline is POST stats/organization/timeline.
func (h handlers) GetOrganizationTimeline(ctx context.Context, request GetOrganizationTimelineRequestObject) (GetOrganizationTimelineResponseObject, error) {
	organization := api.OrganizationOf(ctx).ID
	lines, err := h.licensing.Timelines(ctx, api.CallerOf(ctx), organization, nil, int64(request.Body.TimePeriod))
	answer := make(GetOrganizationTimeline200JSONResponse, len(lines))
	for i, line := range lines {
		answer[i] = wire.OrganizationTimeline{OrganizationID: string(organization), ProductCode: string(line.Code), ProductUsage: byDay(line)}
	}
	return answer, err
}

func byDay(line licensing.TimelineOf) map[string]float64 {
	days := map[string]float64{}
	for _, d := range line.Days {
		days[d.Day.Format(time.DateOnly)] = seatwright.Units(d.Used)
	}
	return days
}

// GetProductsInUse is POST stats/used.
func (h handlers) GetProductsInUse(ctx context.Context, request GetProductsInUseRequestObject) (GetProductsInUseResponseObject, error) {
	if len(request.Body.ClientIds) == 0 {
		return nil, missingTenants()
	}
	uses, err := h.licensing.UnitsInUse(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.ClientIds)
	answer := make(GetProductsInUse200JSONResponse, len(uses))
	for i, u := range uses {
		answer[i] = wire.ProductInUse{
			ClientID: string(u.Tenant), ProductCode: string(u.Code), Used: seatwright.Units(u.Used), Total: seatwright.Units(u.Total()),
		}
	}
	return answer, err
}
