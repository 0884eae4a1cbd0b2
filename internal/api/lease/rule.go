package lease

import (
	"context"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// Rules is what the door needs done with the rules of groups.
type Rules interface {
	SetGroupRule(ctx context.Context, caller seatwright.Caller, command seatwright.SetGroupRule) (seatwright.GroupRule, error)
	RemoveGroupRule(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID) error
	GroupRule(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID) (seatwright.NamedRule, error)
	GroupRules(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.RuleQuery) (seatwright.RulePage, error)
	RulesOfGroups(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, groups []seatwright.GroupID) ([]seatwright.NamedRule, error)
	OfferedCodes(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.ProductCode, error)
}

// SetGroupRule is PUT group/{groupId}.
func (h handlers) SetGroupRule(ctx context.Context, request SetGroupRuleRequestObject) (SetGroupRuleResponseObject, error) {
	rule, err := h.setRule(ctx, request.GroupID, *request.Body)
	return SetGroupRule200JSONResponse(rule), err
}

// PostGroupRule is POST group/{groupId}.
func (h handlers) PostGroupRule(ctx context.Context, request PostGroupRuleRequestObject) (PostGroupRuleResponseObject, error) {
	rule, err := h.setRule(ctx, request.GroupID, *request.Body)
	return PostGroupRule200JSONResponse(rule), err
}

func (h handlers) setRule(ctx context.Context, id string, body wire.GroupRuleRequest) (wire.GroupRule, error) {
	command, err := ruleCommand(ctx, id, body)
	if err != nil {
		return wire.GroupRule{}, err
	}
	command.KeepQuotas = true
	rule, err := h.licensing.SetGroupRule(ctx, api.CallerOf(ctx), command)
	return wire.GroupRule{
		GroupID: string(rule.Group), OrganizationID: string(rule.Organization), UseExternalLicense: rule.External, UserBundleCodes: api.Texts(rule.Codes()),
	}, err
}

// ruleCommand reads what both forms of a rule have in common.
func ruleCommand(ctx context.Context, id string, body wire.GroupRuleRequest) (seatwright.SetGroupRule, error) {
	group, err := groupID(id)
	if err != nil {
		return seatwright.SetGroupRule{}, err
	}
	raw := body.UserBundleCodes
	if raw == nil {
		raw = body.UserBundleLicenses
	}
	if raw == nil {
		return seatwright.SetGroupRule{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "the codes are missing; an empty list offers nothing").In("userBundleCodes")
	}
	codes, err := seatwright.BundleCodes(raw)
	return seatwright.SetGroupRule{
		Organization: api.OrganizationOf(ctx).ID, Group: group, Codes: codes, External: body.UseExternalLicense, Priority: body.Priority,
	}, err
}

// groupID reads an id in a path: one that no group can have is not found either.
func groupID(raw string) (seatwright.GroupID, error) {
	id, err := seatwright.CanonicalID(raw)
	if err != nil {
		return "", seatwright.MissingGroup()
	}
	return seatwright.GroupID(id), nil
}

// SetGroupRuleWithQuota is PUT group/{groupId}/with-quota.
func (h handlers) SetGroupRuleWithQuota(ctx context.Context, request SetGroupRuleWithQuotaRequestObject) (SetGroupRuleWithQuotaResponseObject, error) {
	b := request.Body
	command, err := ruleCommand(ctx, request.GroupID, wire.GroupRuleRequest{
		UserBundleCodes: b.UserBundleCodes, UserBundleLicenses: b.UserBundleLicenses, UseExternalLicense: b.UseExternalLicense, Priority: b.Priority,
	})
	if err != nil {
		return nil, err
	}
	for _, q := range b.Quotas {
		// Published answers show limits as decimals, so clients may send them back so.
		if q.Limit < 1 || q.Limit > seatwright.MaxQuantity || q.Limit != float64(int64(q.Limit)) {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "a limit is a whole number from 1 to %d, and a code without a quota is left out", seatwright.MaxQuantity).In("quotas")
		}
		command.Quotas = append(command.Quotas, seatwright.Quota{Code: seatwright.ProductCode(q.UserBundleCode), Limit: int64(q.Limit)})
	}
	rule, err := h.licensing.SetGroupRule(ctx, api.CallerOf(ctx), command)
	return SetGroupRuleWithQuota200JSONResponse(ruleWithQuota(rule)), err
}

// GetGroupRuleWithQuota is GET group/{groupId}/with-quota.
func (h handlers) GetGroupRuleWithQuota(ctx context.Context, request GetGroupRuleWithQuotaRequestObject) (GetGroupRuleWithQuotaResponseObject, error) {
	rule, err := h.rule(ctx, request.GroupID)
	return GetGroupRuleWithQuota200JSONResponse(ruleWithQuota(rule.GroupRule)), err
}

func (h handlers) rule(ctx context.Context, id string) (seatwright.NamedRule, error) {
	group, err := groupID(id)
	if err != nil {
		return seatwright.NamedRule{}, err
	}
	return h.licensing.GroupRule(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group)
}

func ruleWithQuota(rule seatwright.GroupRule) wire.GroupRuleWithQuota {
	return wire.GroupRuleWithQuota{
		GroupRule: wire.PrioritizedGroupRule{
			GroupID: string(rule.Group), OrganizationID: string(rule.Organization), UserBundleCodes: api.Texts(rule.Codes()), UseExternalLicense: rule.External,
			Priority: rule.Priority,
		},
		Quotas: quotasOf(rule),
	}
}

func quotasOf(rule seatwright.GroupRule) []wire.GroupQuota {
	quotas := []wire.GroupQuota{}
	for _, offer := range rule.Offers {
		if offer.Quota > 0 {
			quotas = append(quotas, wire.GroupQuota{UserBundleCode: string(offer.Code), Limit: offer.Quota, CurrentUsage: offer.Leases})
		}
	}
	return quotas
}

// GetGroupRule is GET group/{groupId}.
func (h handlers) GetGroupRule(ctx context.Context, request GetGroupRuleRequestObject) (GetGroupRuleResponseObject, error) {
	rule, err := h.rule(ctx, request.GroupID)
	if err != nil {
		return nil, err
	}
	pools, err := h.licensing.Pools(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	return GetGroupRule200JSONResponse{
		AvailableUserBundles: poolsOf(pools), AllocatedUserBundles: api.Texts(rule.Codes()), UseExternalLicense: rule.External,
	}, err
}

// GetRulesOverview is GET groups.
func (h handlers) GetRulesOverview(ctx context.Context, _ GetRulesOverviewRequestObject) (GetRulesOverviewResponseObject, error) {
	caller, organization := api.CallerOf(ctx), api.OrganizationOf(ctx).ID
	codes, err := h.licensing.OfferedCodes(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	pools, err := h.licensing.Pools(ctx, caller, organization)
	return GetRulesOverview200JSONResponse{AvailableUserBundles: poolsOf(pools), AllocatedUserBundles: api.Texts(codes)}, err
}

// RemoveGroupRule is DELETE group/{groupId}.
func (h handlers) RemoveGroupRule(ctx context.Context, request RemoveGroupRuleRequestObject) (RemoveGroupRuleResponseObject, error) {
	group, err := groupID(request.GroupID)
	if err != nil {
		return nil, err
	}
	return RemoveGroupRule200Response{}, h.licensing.RemoveGroupRule(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, group)
}

// ListGroupAllocations is POST group.
func (h handlers) ListGroupAllocations(ctx context.Context, request ListGroupAllocationsRequestObject) (ListGroupAllocationsResponseObject, error) {
	raw := request.Body.GroupIds
	if len(raw) == 0 || len(raw) > seatwright.MaxUsersPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "1 to %d ids are needed", seatwright.MaxUsersPerCall).In("groupIds")
	}
	groups, err := seatwright.DistinctIDs[seatwright.GroupID](raw, "groupIds")
	if err != nil {
		return nil, err
	}
	rules, err := h.licensing.RulesOfGroups(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, groups)
	return ListGroupAllocations200JSONResponse(groupAllocations(rules)), err
}

// ListGroupAllocationPage is GET group/page.
func (h handlers) ListGroupAllocationPage(ctx context.Context, request ListGroupAllocationPageRequestObject) (ListGroupAllocationPageResponseObject, error) {
	p := request.Params
	skip, top, err := api.PageOf(p.Skip, p.Top)
	if err != nil {
		return nil, err
	}
	page, err := h.rules(ctx, skip, top, p.SortBy, p.SortOrder, p.UserBundleLicenseCodes)
	return ListGroupAllocationPage200JSONResponse{TotalCount: page.Total, Results: groupAllocations(page.Rules)}, err
}

// cappedTop is the most that the newer lists have on a page, whatever is asked for.
const cappedTop = 50

// ListGroupRulesWithQuota is GET groups/with-quota.
func (h handlers) ListGroupRulesWithQuota(ctx context.Context, request ListGroupRulesWithQuotaRequestObject) (ListGroupRulesWithQuotaResponseObject, error) {
	p := request.Params
	skip, top, err := api.CappedPageOf(p.Skip, p.Top, cappedTop)
	if err != nil {
		return nil, err
	}
	page, err := h.rules(ctx, skip, top, p.SortBy, p.SortOrder, nil)
	if err != nil {
		return nil, err
	}
	pools, err := h.licensing.Pools(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	if err != nil {
		return nil, err
	}
	free := map[seatwright.ProductCode]int64{}
	for _, p := range pools {
		free[p.Code] = p.Available()
	}
	answer := ListGroupRulesWithQuota200JSONResponse{Results: make([]wire.GroupAllocationWithQuota, len(page.Rules)), TotalCount: page.Total}
	for i, rule := range page.Rules {
		a := groupAllocation(rule)
		answer.Results[i] = wire.GroupAllocationWithQuota{
			GroupRule: wire.GroupAllocationWithUnavailable{
				ID: a.ID, Name: a.Name, UserBundleLicenses: a.UserBundleLicenses, UserBundleLeases: a.UserBundleLeases,
				UseExternalLicense: a.UseExternalLicense, UserLicenseBundlesUnavailable: []string{},
			},
			Quotas: quotasOf(rule.GroupRule),
		}
		for _, code := range rule.Codes() {
			if to := &answer.Results[i].GroupRule.UserLicenseBundlesUnavailable; free[code] == 0 {
				*to = append(*to, string(code))
			}
		}
	}
	return answer, nil
}

// ruleOrders are the fields of a rule on the wire by which rules are sorted.
var ruleOrders = map[string]seatwright.RuleSort{"": seatwright.SortRulesByName, "name": seatwright.SortRulesByName, "id": seatwright.SortRulesByID}

func (h handlers) rules(ctx context.Context, skip, top int, sortBy, sortOrder string, rawCodes []string) (page seatwright.RulePage, err error) {
	q := seatwright.RuleQuery{Skip: int64(skip), Top: int64(top)}
	var known bool
	if q.Sort, known = ruleOrders[strings.ToLower(sortBy)]; !known {
		return page, seatwright.Invalid(seatwright.ReasonInvalidValue, "sortBy is Name or Id").In("sortBy")
	}
	if q.Descending, err = api.IsDescending(sortOrder); err != nil {
		return page, err
	}
	if q.Codes, err = codesOfFilter(rawCodes); err != nil {
		return page, err
	}
	return h.licensing.GroupRules(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q)
}

// codesOfFilter reads the codes by which a list is filtered.
func codesOfFilter(raw []string) ([]seatwright.ProductCode, error) {
	if len(raw) > seatwright.MaxCodesPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d codes in one call, not %d", seatwright.MaxCodesPerCall, len(raw)).In("userBundleLicenseCodes")
	}
	return seatwright.DistinctIDs[seatwright.ProductCode](raw, "userBundleLicenseCodes")
}

func groupAllocations(rules []seatwright.NamedRule) []wire.GroupAllocation {
	answer := make([]wire.GroupAllocation, len(rules))
	for i, rule := range rules {
		answer[i] = groupAllocation(rule)
	}
	return answer
}

func groupAllocation(rule seatwright.NamedRule) wire.GroupAllocation {
	leases := map[string]int64{}
	for _, offer := range rule.Offers {
		leases[string(offer.Code)] = offer.Leases
	}
	return wire.GroupAllocation{
		ID: string(rule.Group), Name: rule.Name, UserBundleLicenses: api.Texts(rule.Codes()), UserBundleLeases: leases, UseExternalLicense: rule.External,
	}
}

// GetGroupAllocation is GET group/{groupId}/allocation: the published form is that of a person.
func (h handlers) GetGroupAllocation(ctx context.Context, request GetGroupAllocationRequestObject) (GetGroupAllocationResponseObject, error) {
	rule, err := h.rule(ctx, request.GroupID)
	if err != nil {
		return nil, err
	}
	if !rule.Exists() {
		return nil, seatwright.MissingGroupRule()
	}
	return GetGroupAllocation200JSONResponse{
		ID: string(rule.Group), Name: api.OrNull(rule.Name), UserBundleLicenses: api.Texts(rule.Codes()), UseExternalLicense: rule.External,
	}, nil
}
