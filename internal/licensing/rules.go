package licensing

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// SetGroupRule replaces the rule of a group. Errors: those of seatwright.SetGroupRule and ledger.Submit, forbidden/missing_permission, and
// invalid/invalid_value for two quotas of one code.
func (l *Licensing) SetGroupRule(ctx context.Context, caller seatwright.Caller, command seatwright.SetGroupRule) (seatwright.GroupRule, error) {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return seatwright.GroupRule{}, err
	}
	seen := map[seatwright.ProductCode]bool{}
	for _, q := range command.Quotas {
		if seen[q.Code] {
			return seatwright.GroupRule{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "there are two quotas for %s", q.Code).In("quotas")
		}
		seen[q.Code] = true
	}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), command)
}

// RemoveGroupRule takes the rule of a group away, with all leases through it. A group without one is as it should be.
func (l *Licensing) RemoveGroupRule(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID) error {
	if err := caller.Principal.Check(seatwright.PermissionWriteLicenses); err != nil {
		return err
	}
	_, err := ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.RemoveGroupRule{Organization: organization, Group: group})
	return err
}

// GroupRule finds the rule of a group; that of a group which has none is empty. Errors: forbidden/missing_permission, and
// not_found/not_found for a group that does not exist.
func (l *Licensing) GroupRule(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, group seatwright.GroupID,
) (seatwright.NamedRule, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return seatwright.NamedRule{}, err
	}
	found, err := l.group(ctx, organization, group)
	if err != nil {
		return seatwright.NamedRule{}, err
	}
	rule, err := l.reader.GroupRule(ctx, organization, found.ID)
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		rule, err = seatwright.GroupRule{Organization: organization, Group: found.ID, Priority: seatwright.DefaultPriority}, nil
	}
	return seatwright.NamedRule{GroupRule: rule, Name: found.Name}, err
}

// group finds a group, which may be a built-in one.
func (l *Licensing) group(ctx context.Context, organization seatwright.OrganizationID, id seatwright.GroupID) (seatwright.Group, error) {
	if b, is := seatwright.LookupBuiltInGroup(id); is {
		return seatwright.Group{Organization: organization, ID: b.ID, Name: b.Name}, nil
	}
	return l.reader.Group(ctx, organization, id)
}

// GroupRules lists a page of rules.
func (l *Licensing) GroupRules(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q seatwright.RuleQuery,
) (seatwright.RulePage, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return seatwright.RulePage{}, err
	}
	return l.reader.GroupRules(ctx, organization, q)
}

// RulesOfGroups lists the rules of those of groups that have one, in the order of the request.
func (l *Licensing) RulesOfGroups(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, groups []seatwright.GroupID,
) ([]seatwright.NamedRule, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	for i, id := range groups {
		if b, is := seatwright.LookupBuiltInGroup(id); is {
			groups[i] = b.ID
		}
	}
	byGroup, err := l.rulesOf(ctx, organization, groups)
	if err != nil {
		return nil, err
	}
	ordered := make([]seatwright.NamedRule, 0, len(byGroup))
	for _, id := range groups {
		if rule, has := byGroup[id]; has {
			ordered = append(ordered, rule)
			delete(byGroup, id)
		}
	}
	return ordered, nil
}

// rulesOf finds the rules of groups, of which there are MaxUsersPerPage at most.
func (l *Licensing) rulesOf(
	ctx context.Context, organization seatwright.OrganizationID, groups []seatwright.GroupID,
) (map[seatwright.GroupID]seatwright.NamedRule, error) {
	byGroup := map[seatwright.GroupID]seatwright.NamedRule{}
	if len(groups) == 0 {
		return byGroup, nil
	}
	page, err := l.reader.GroupRules(ctx, organization, seatwright.RuleQuery{
		Groups: groups, Sort: seatwright.SortRulesByID, Top: seatwright.MaxUsersPerPage,
	})
	for _, rule := range page.Rules {
		byGroup[rule.Group] = rule
	}
	return byGroup, err
}

// OfferedCodes lists the codes that the rules offer, in order.
func (l *Licensing) OfferedCodes(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.ProductCode, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	return l.reader.OfferedCodes(ctx, organization)
}
