package native

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/entitlement"
	"github.com/seatwright/seatwright/wire"
)

// Entitlements answers what people may use.
type Entitlements interface {
	Holds(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID, name seatwright.EntitlementName, strong bool) (bool, time.Time, error)
	Ask(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q entitlement.Question) ([]entitlement.Answer, error)
	Report(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) (entitlement.Report, error)
	Token(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) (string, time.Time, error)
}

// GetEntitlement is GET /api/v1/organizations/{org}/users/{user}/entitlements/{name}.
func (h handlers) GetEntitlement(ctx context.Context, request GetEntitlementRequestObject) (GetEntitlementResponseObject, error) {
	user, err := api.UserID(request.User)
	if err != nil {
		return nil, err
	}
	strong, err := isStrong(string(request.Params.Consistency))
	if err != nil {
		return nil, err
	}
	entitled, until, err := h.entitlements.Holds(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user, seatwright.EntitlementName(request.Name), strong)
	return GetEntitlement200JSONResponse{UserID: string(user), Name: request.Name, Entitled: entitled, Until: end(until)}, err
}

// CheckEntitlements is POST /api/v1/organizations/{org}/entitlements/check.
func (h handlers) CheckEntitlements(ctx context.Context, request CheckEntitlementsRequestObject) (CheckEntitlementsResponseObject, error) {
	strong, err := isStrong(string(request.Params.Consistency))
	if err != nil {
		return nil, err
	}
	q := entitlement.Question{Strong: strong}
	if q.Names, err = seatwright.EntitlementNames(request.Body.Names, "names"); err != nil {
		return nil, err
	}
	if request.Body.Users != nil { // an empty list is no question about the organization
		if q.Users, err = seatwright.UserIDs(request.Body.Users); err != nil {
			return nil, seatwright.AsError(err).In("users")
		}
	}
	answers, err := h.entitlements.Ask(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q)
	if err != nil {
		return nil, err
	}
	results := make([]wire.EntitlementResult, len(answers))
	for i, a := range answers {
		results[i] = wire.EntitlementResult{Known: a.Exists, Entitled: make(map[string]bool, len(q.Names)), Until: end(a.Until)}
		if a.User != "" {
			results[i].UserID = new(string(a.User))
		}
		for j, name := range q.Names {
			results[i].Entitled[string(name)] = a.Entitled[j]
		}
	}
	return CheckEntitlements200JSONResponse{Results: results}, nil
}

// ListEntitlements is GET /api/v1/organizations/{org}/users/{user}/entitlements.
func (h handlers) ListEntitlements(ctx context.Context, request ListEntitlementsRequestObject) (ListEntitlementsResponseObject, error) {
	user, err := api.UserID(request.User)
	if err != nil {
		return nil, err
	}
	report, err := h.entitlements.Report(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user)
	if err != nil {
		return nil, err
	}
	answer := ListEntitlements200JSONResponse{
		UserID: string(user), Holdings: make([]wire.EntitlementHolding, len(report.Holdings)), Entitlements: api.Texts(report.Entitled), Until: end(report.Until),
	}
	for i, held := range report.Holdings {
		answer.Holdings[i] = wire.EntitlementHolding{
			Code: string(held.Code), Name: held.Name, Usable: held.Usable, Direct: held.Direct, External: held.External(), Orphan: held.Lease.Orphan(), Gives: api.Texts(held.Gives),
		}
		if held.Lease.Held() {
			answer.Holdings[i].GroupID = new(string(held.Lease.Group))
			answer.Holdings[i].LeasedAt, answer.Holdings[i].LastInUse = &report.Holdings[i].Lease.LeasedAt, &report.Holdings[i].Lease.LastInUse
		}
	}
	return answer, nil
}

// IssueEntitlementToken is POST /api/v1/organizations/{org}/users/{user}/entitlement-token.
func (h handlers) IssueEntitlementToken(ctx context.Context, request IssueEntitlementTokenRequestObject) (IssueEntitlementTokenResponseObject, error) {
	user, err := api.UserID(request.User)
	if err != nil {
		return nil, err
	}
	token, expires, err := h.entitlements.Token(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, user)
	return IssueEntitlementToken200JSONResponse{Token: token, ExpiresAt: expires}, err
}

func isStrong(consistency string) (bool, error) {
	if consistency != "" && consistency != "strong" {
		return false, seatwright.Invalid(seatwright.ReasonInvalidValue, "consistency is strong, or left out").In("consistency")
	}
	return consistency != "", nil
}

// end is an instant as answers tell it: none where it does not come.
func end(until time.Time) *time.Time {
	if until.Year() > 9999 {
		return nil
	}
	return &until
}
