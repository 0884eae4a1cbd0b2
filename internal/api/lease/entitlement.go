package lease

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/entitlement"
)

// Entitlements answers what people, organizations and services may use.
type Entitlements interface {
	Ask(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q entitlement.Question) ([]entitlement.Answer, error)
	ServiceHolds(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant seatwright.TenantID, service seatwright.ServiceType, name seatwright.EntitlementName) (bool, error)
}

// CheckEntitlementNames is POST entitled. A person who does not exist is not found: an answer would say that there is one.
func (h handlers) CheckEntitlementNames(ctx context.Context, request CheckEntitlementNamesRequestObject) (CheckEntitlementNamesResponseObject, error) {
	if request.Body.UserID != "" {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the person is a parameter of the query: ?userId=").In("userId")
	}
	raw := request.Body.Names
	if raw == nil {
		raw = request.Body.NamesInLowerCase
	}
	var q entitlement.Question
	var err error
	if q.Names, err = seatwright.EntitlementNames(raw, "EntitlementNames"); err != nil {
		return nil, err
	}
	if request.Params.UserID != "" {
		user, err := api.UserID(request.Params.UserID)
		if err != nil {
			return nil, err
		}
		q.Users = []seatwright.UserID{user}
	}
	answers, err := h.entitlements.Ask(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q)
	if err != nil {
		return nil, err
	}
	if !answers[0].Exists {
		return nil, seatwright.MissingUser()
	}
	answer := CheckEntitlementNames200JSONResponse{IsEntitled: make(map[string]bool, len(q.Names))}
	for i, name := range q.Names {
		answer.IsEntitled[string(name)] = answers[0].Entitled[i]
	}
	return answer, nil
}

// GetServiceEntitlement is GET entitlement/{entitlementName}.
func (h handlers) GetServiceEntitlement(ctx context.Context, request GetServiceEntitlementRequestObject) (GetServiceEntitlementResponseObject, error) {
	entitled, err := h.serviceHolds(ctx, request.TenantID, request.ServiceType, request.EntitlementName)
	return GetServiceEntitlement200JSONResponse{Name: request.EntitlementName, IsEntitled: entitled}, err
}

// PutServiceEntitlement is PUT entitlement/{entitlementName}.
func (h handlers) PutServiceEntitlement(ctx context.Context, request PutServiceEntitlementRequestObject) (PutServiceEntitlementResponseObject, error) {
	entitled, err := h.serviceHolds(ctx, request.TenantID, request.ServiceType, request.EntitlementName)
	return PutServiceEntitlement200JSONResponse{Name: request.EntitlementName, IsEntitled: entitled}, err
}

func (h handlers) serviceHolds(ctx context.Context, tenant, service, name string) (bool, error) {
	kind, err := seatwright.ParseServiceType(service)
	if err != nil {
		return false, err
	}
	id, err := seatwright.CanonicalID(tenant)
	if err != nil {
		return false, seatwright.MissingServiceLicense()
	}
	return h.entitlements.ServiceHolds(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.TenantID(id), kind, seatwright.EntitlementName(name))
}
