package seatwright

import "time"

// RuleQuery asks for group rules of an organization.
type RuleQuery struct {
	Codes      []ProductCode // only rules that offer one of them; empty: all
	Groups     []GroupID     // only rules of these groups; empty: all
	Sort       RuleSort
	Descending bool
	Skip       int64 // zero or more
	Top        int64 // 0 to MaxUsersPerPage
}

// RuleSort is what rules are sorted by; equal ones are in the order of the ids of their groups.
type RuleSort string

// The orders of rules.
const (
	SortRulesByName RuleSort = "name" // of the group, without regard to letter case
	SortRulesByID   RuleSort = "id"   // of the group
)

// NamedRule is a rule with the name of its group.
type NamedRule struct {
	GroupRule
	Name string
}

// Exists reports that the group has a rule. One that has none is shown with an empty rule.
func (r NamedRule) Exists() bool { return !r.CreatedAt.IsZero() }

// Codes lists what the rule offers, in order.
func (r GroupRule) Codes() []ProductCode {
	codes := make([]ProductCode, len(r.Offers))
	for i, offer := range r.Offers {
		codes[i] = offer.Code
	}
	return codes
}

// RulePage is the answer to a [RuleQuery].
type RulePage struct {
	Total int64 // how many there are, on this page or not
	Rules []NamedRule
}

// HolderQuery asks for people who hold something.
type HolderQuery struct {
	Codes      []ProductCode // only those who hold one of them in the way that is asked for; empty: all
	Sort       HolderSort
	Descending bool
	Skip       int64 // zero or more
	Top        int64 // 0 to MaxUsersPerPage
}

// HolderSort is what holders are sorted by: texts without regard to the case of the letters A to Z, and people who are equal by id.
type HolderSort string

// The orders of holders.
const (
	SortHoldersByID          HolderSort = "id"
	SortHoldersByEmail       HolderSort = "email"
	SortHoldersByFirstName   HolderSort = "first_name"
	SortHoldersByLastName    HolderSort = "last_name"
	SortHoldersByDisplayName HolderSort = "display_name"
	SortHoldersByLastInUse   HolderSort = "last_in_use" // those who never used it come first
)

// LeaseHolder is a person who holds bundles through the rule of one group.
type LeaseHolder struct {
	Person    User          // without password hash
	Codes     []ProductCode // in order, at least one
	LastInUse time.Time     // of whichever was used last
	Orphan    bool          // they have left the group
}

// LeaseHolderPage is an answer to a [HolderQuery].
type LeaseHolderPage struct {
	Total   int64 // how many there are, on this page or not
	Holders []LeaseHolder
}

// DirectHolder is a person with a direct record, an empty one too.
type DirectHolder struct {
	UserAllocation
	LastSignIn time.Time // zero: never
}

// DirectHolderPage is an answer to a [HolderQuery].
type DirectHolderPage struct {
	Total   int64 // how many there are, on this page or not
	Holders []DirectHolder
}

// SeatHolder is a person who holds something of what was asked for.
type SeatHolder struct {
	Person   User          // without password hash
	Codes    []ProductCode // of those that were asked for, in order, at least one
	External bool          // an external license stands behind one of them
	LastUse  time.Time     // the last sign-in, or use of one of the leases where that is later; zero: never
}

// SeatHolderPage is an answer to a [HolderQuery].
type SeatHolderPage struct {
	Total   int64 // how many there are, on this page or not
	Holders []SeatHolder
}
