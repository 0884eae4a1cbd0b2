package seatwright

import (
	"cmp"
	"slices"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// GroupRule says which bundles the members of a group may lease. It draws nothing by itself: a unit is drawn when a member takes
// one, first come first served.
type GroupRule struct {
	Organization OrganizationID
	Group        GroupID // a stored or a built-in group
	Priority     int64   // of several rules that offer a bundle the one with the lowest is charged, then the oldest
	External     bool    // recorded and echoed
	Offers       []Offer // in the order of their codes
	CreatedAt    time.Time
	ModifiedAt   time.Time // of the last change
	AppliedAt    time.Time // when it was last set, changed or not: orphans of before end
}

// Offer is one bundle of a rule.
type Offer struct {
	Code   ProductCode
	Term   int64 // sequence of the event since which the rule has offered the bundle without a break; leases of another term have ended
	Quota  int64 // the most leases at once; 0: any number
	Leases int64 // taken now
	Units  int64 // how many come free if all of them end
}

// Full reports that the quota is reached.
func (o Offer) Full() bool {
	if planted.Bug(planted.QuotaOffByOne) {
		return o.Quota > 0 && o.Leases > o.Quota
	}
	return o.Quota > 0 && o.Leases >= o.Quota
}

// GroupOffer is an offer with the rule that it belongs to.
type GroupOffer struct {
	Organization OrganizationID
	Group        GroupID
	Offer
}

// Quota bounds the leases of one bundle through one rule. It is no reservation, and does not count direct allocations.
type Quota struct {
	Code  ProductCode `json:"code"`
	Limit int64       `json:"limit"` // 1 to MaxQuantity
}

// MaxPriority is the highest number that the priority of a rule can have; the lowest is 0.
const MaxPriority = 1_000_000

// DefaultPriority is that of a rule of which nobody has said another one.
const DefaultPriority = 100

// SetGroupRule replaces the whole rule of a group. Leases of bundles that it does not offer any more have ended with it, however
// many there are; those of others go on. Setting it as it is changes nothing but ends orphans.
//
// Errors, in this order: not_found/organization_not_found; not_found/not_found for a group that does not exist; not_found/no_license (only where
// codes are listed); invalid/invalid_value for a code that is no bundle, and for a quota outside its range or of a code that is not
// in the rule; conflict/quota_below_use.
type SetGroupRule struct {
	Organization OrganizationID
	Group        GroupID
	Codes        []ProductCode // 0 to MaxCodesPerCall, each once
	Quotas       []Quota       // no code twice; of codes that are not listed there is none
	KeepQuotas   bool          // Quotas is empty, and bundles that the rule offers already keep theirs
	External     *bool         // nil: as it is
	Priority     *int64        // nil: as it is
}

// GroupRuleSet is the data of an [EventGroupRuleSet]: the rule as it is now, and what has ended with what it does not offer any more.
type GroupRuleSet struct {
	Priority int64        `json:"priority"`
	External bool         `json:"external"`
	Offers   []OfferState `json:"offers"` // in the order of the codes
	Ended    []OfferEnd   `json:"ended,omitempty"`
	Pools    []PoolState  `json:"pools"`
}

// OfferState is an offer as events tell it.
type OfferState struct {
	Code  ProductCode `json:"code"`
	Term  int64       `json:"term"`
	Quota int64       `json:"quota,omitempty"`
}

// OfferEnd tells how many leases ended with an offer, and how many units came free.
type OfferEnd struct {
	Code   ProductCode `json:"code"`
	Leases int64       `json:"leases"`
	Units  int64       `json:"units"`
}

func (c SetGroupRule) Operation() string { return "group_rule.set" }

func (c SetGroupRule) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Groups: []GroupID{c.Group}, Rules: true, Codes: c.Codes}}
}

func (c SetGroupRule) Weight() int { return 1 + len(c.Codes) }

// Decide answers the rule as it is now.
func (c SetGroupRule) Decide(s *Slice, origin Origin) (GroupRule, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return GroupRule{}, err
	}
	group, err := o.anyGroup(c.Group)
	if err != nil {
		return GroupRule{}, err
	}
	if len(c.Codes) > 0 && !o.licensed {
		return GroupRule{}, missingLicense()
	}
	if err := c.check(s, o, group); err != nil {
		return GroupRule{}, err
	}
	before, existed := o.rules[group]
	after := before
	if !existed {
		after = GroupRule{Organization: c.Organization, Group: group, Priority: DefaultPriority, CreatedAt: o.now}
	}
	set(&after.External, c.External)
	set(&after.Priority, c.Priority)
	changed := !existed || after.External != before.External || after.Priority != before.Priority
	data := GroupRuleSet{Priority: after.Priority, External: after.External, Offers: []OfferState{}}
	ended, pools := s.endOffers(o, group, func(code ProductCode) bool { return !slices.Contains(c.Codes, code) })
	data.Ended, data.Pools = ended, pools
	changed = changed || len(ended) > 0
	o.prepareLeases()
	for _, code := range slices.Sorted(slices.Values(c.Codes)) {
		offer, offered := o.offers[offerRef{group, code}]
		wanted := c.offer(offer, code)
		if !offered {
			wanted.Term = o.head.Sequence + 1
		}
		if !offered || wanted != offer {
			changed = true
			o.putOffer(group, wanted)
		}
		data.Offers = append(data.Offers, OfferState{wanted.Code, wanted.Term, wanted.Quota})
	}
	after.AppliedAt = o.now
	if changed {
		after.ModifiedAt = o.now
	}
	o.putRule(after)
	if changed {
		if err := s.record(o, origin, EventGroupRuleSet, string(group), data); err != nil {
			return GroupRule{}, err
		}
	}
	after.Offers = o.offersOf(group)
	return after, nil
}

func (c SetGroupRule) check(s *Slice, o *organizationSlice, group GroupID) error {
	for _, code := range c.Codes {
		if _, known := s.catalogue.Bundle(code); !known {
			return Invalid(ReasonInvalidValue, "there is no bundle %q", code).In("userBundleCodes")
		}
	}
	if c.Priority != nil && (*c.Priority < 0 || *c.Priority > MaxPriority) {
		return Invalid(ReasonInvalidValue, "the priority is 0 to %d", MaxPriority).In("priority")
	}
	for _, q := range c.Quotas {
		if !slices.Contains(c.Codes, q.Code) {
			return Invalid(ReasonInvalidValue, "there is a quota for %s, which is not among the codes of the rule", q.Code).In("quotas")
		}
		if q.Limit < 1 || q.Limit > MaxQuantity {
			return Invalid(ReasonInvalidValue, "the quota for %s is %d; it is 1 to %d, and a code without a quota is left out", q.Code, q.Limit, MaxQuantity).In("quotas")
		}
	}
	for _, q := range c.Quotas {
		if used := o.offers[offerRef{group, q.Code}].Leases; q.Limit < used {
			return NewError(KindConflict, ReasonQuotaBelowUse, "the quota for %s is %d, and %d members of the group hold one", q.Code, q.Limit, used).In("quotas")
		}
	}
	return nil
}

// offer is what the rule shall say of a code; present is the zero value where it says nothing of it yet.
func (c SetGroupRule) offer(present Offer, code ProductCode) Offer {
	wanted := present
	wanted.Code = code
	if !c.KeepQuotas {
		wanted.Quota = 0
	}
	for _, q := range c.Quotas {
		if q.Code == code {
			wanted.Quota = q.Limit
		}
	}
	return wanted
}

// endOffers takes bundles out of a rule. All leases of them have ended with that, and their units are given back at once; their rows
// are forgotten later.
func (s *Slice) endOffers(o *organizationSlice, group GroupID, which func(ProductCode) bool) ([]OfferEnd, []PoolState) {
	var ended []OfferEnd
	var moved unitMoves
	for _, offer := range o.offersOf(group) {
		if which(offer.Code) {
			ended = append(ended, OfferEnd{offer.Code, offer.Leases, offer.Units})
			if !planted.Bug(planted.RuleKeepsUnits) {
				moved.add(offer.Code, -offer.Units)
			}
			o.removeOffer(offerRef{group, offer.Code})
		}
	}
	return ended, s.moveUnits(o, moved)
}

// anyGroup returns the id of a group that exists, built-in ones included, in the form in which rules have it.
func (o *organizationSlice) anyGroup(id GroupID) (GroupID, error) {
	if b, builtIn := LookupBuiltInGroup(id); builtIn {
		return b.ID, nil
	}
	g, err := o.group(id)
	return g.ID, err
}

// RemoveGroupRule takes the rule of a group away, with all leases through it. A group without one is as it should be. Errors:
// not_found/organization_not_found; not_found/not_found for a group that does not exist.
type RemoveGroupRule struct {
	Organization OrganizationID
	Group        GroupID
}

// GroupRuleRemoved is the data of an [EventGroupRuleRemoved].
type GroupRuleRemoved struct {
	Ended []OfferEnd  `json:"ended,omitempty"`
	Pools []PoolState `json:"pools"`
}

func (c RemoveGroupRule) Operation() string { return "group_rule.remove" }

func (c RemoveGroupRule) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Groups: []GroupID{c.Group}, Rules: true}}
}

func (c RemoveGroupRule) Weight() int { return 1 }

// Decide answers whether there was a rule.
func (c RemoveGroupRule) Decide(s *Slice, origin Origin) (bool, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return false, err
	}
	group, err := o.anyGroup(c.Group)
	if err != nil {
		return false, err
	}
	return s.removeRule(o, origin, group)
}

// removeRule takes a rule away where there is one.
func (s *Slice) removeRule(o *organizationSlice, origin Origin, group GroupID) (bool, error) {
	if _, exists := o.rules[group]; !exists {
		return false, nil
	}
	ended, pools := s.endOffers(o, group, func(ProductCode) bool { return true })
	o.removeRule(group)
	return true, s.record(o, origin, EventGroupRuleRemoved, string(group), GroupRuleRemoved{Ended: ended, Pools: pools})
}

// MissingGroupRule is the error of a group that has no rule.
func MissingGroupRule() *Error {
	return NotFound(ReasonNotFound, "the group has no rule")
}

// byCharge orders rules as they are charged: by priority, then the older one.
func byCharge(a, b GroupRule) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Group, b.Group))
}
