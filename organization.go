package seatwright

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// UnknownUsers says what an allocation does with a user id that the organization does not know.
type UnknownUsers string

// The values of the setting directory.unknown_users.
const (
	RefuseUnknownUsers    UnknownUsers = "refuse"    // the default: 400
	ProvisionUnknownUsers UnknownUsers = "provision" // the person is created, for directories that are kept elsewhere
)

// AllocationMode says what a direct allocation does to the leases of the person.
type AllocationMode string

// The values of the policy allocation.mode.
const (
	ReplaceLeases AllocationMode = "replace"  // the default: a person with a direct record holds nothing through groups
	AddToLeases   AllocationMode = "additive" // they hold both
)

// OnLeave says what becomes of a lease when its holder leaves the group.
type OnLeave string

// The values of the policy group.on_leave.
const (
	ReleaseOnLeave OnLeave = "release" // the default: it ends
	OrphanOnLeave  OnLeave = "orphan"  // it stays until the rule is applied again, an administrator revokes it or it is not used
)

// OnShrink says what a purchase that ends or is made smaller does to those who hold more than is left.
type OnShrink string

// The values of the policy allocation.on_shrink. Source: docs/decisions/0030-on-shrink.md.
const (
	AllowShrink OnShrink = "allow" // the default: nobody loses anything while any purchase of the code is in force
	HoldShrink  OnShrink = "hold"  // nobody loses anything, whether a purchase is in force or not
	BlockShrink OnShrink = "block" // as allow, and a change by hand that would leave fewer units than are held is refused
)

// Overdraft says whether services may consume more of a consumable than there is.
type Overdraft string

// The values of the policy consumption.overdraft. Source: docs/decisions/0031-consumption-leases.md.
const (
	RefuseOverdraft Overdraft = "refuse" // the default
	AllowOverdraft  Overdraft = "allow"  // what is consumed is recorded whatever is left, and shown
)

// Policies are what an organization has decided about its licenses.
type Policies struct {
	UnknownUsers     UnknownUsers   `json:"unknownUsers"`
	ExternalLicenses bool           `json:"externalLicenses"` // the host administrator has allowed external licenses: they draw no unit
	AllocationMode   AllocationMode `json:"allocationMode"`
	OnLeave          OnLeave        `json:"onLeave"`
	InactiveDays     int64          `json:"inactiveDays"`     // leases that were not used for so long end; 1 to MaxInactiveDays
	OnShrink         OnShrink       `json:"onShrink"`         // for the host administrator to say
	UnitLeaseMinutes int64          `json:"unitLeaseMinutes"` // leases of units that were not renewed for so long end; 1 to MaxUnitLeaseMinutes
	Overdraft        Overdraft      `json:"overdraft"`
	UserLicensing    bool           `json:"userLicensing"` // people get licenses by name: the published switch, which is told and changes nothing here
}

// MaxInactiveDays is the longest time without use that can be asked for.
const MaxInactiveDays = 3650

// MaxUnitLeaseMinutes is the longest time without a renewal that can be asked for: a year.
const MaxUnitLeaseMinutes = 366 * 24 * 60

// DefaultPolicies are those of an organization that has decided nothing.
func DefaultPolicies() Policies {
	return Policies{
		UnknownUsers: RefuseUnknownUsers, AllocationMode: ReplaceLeases, OnLeave: ReleaseOnLeave, InactiveDays: 90, OnShrink: AllowShrink,
		UnitLeaseMinutes: 60, Overdraft: RefuseOverdraft, UserLicensing: true,
	}
}

// Usable reports that what is held of a pool may be used: a purchase is in force, or was and the policy is to hold.
func (p Policies) Usable(pool Pool) bool { return pool.Total > 0 || p.OnShrink == HoldShrink }

// Check refuses values that mean nothing.
func (p Policies) Check() error {
	switch {
	case p.UnknownUsers != RefuseUnknownUsers && p.UnknownUsers != ProvisionUnknownUsers:
		return Invalid(ReasonInvalidValue, "%s or %s", RefuseUnknownUsers, ProvisionUnknownUsers).In("unknownUsers")
	case p.AllocationMode != ReplaceLeases && p.AllocationMode != AddToLeases:
		return Invalid(ReasonInvalidValue, "%s or %s", ReplaceLeases, AddToLeases).In("allocationMode")
	case p.OnLeave != ReleaseOnLeave && p.OnLeave != OrphanOnLeave:
		return Invalid(ReasonInvalidValue, "%s or %s", ReleaseOnLeave, OrphanOnLeave).In("onLeave")
	case p.OnShrink != AllowShrink && p.OnShrink != HoldShrink && p.OnShrink != BlockShrink:
		return Invalid(ReasonInvalidValue, "%s, %s or %s", AllowShrink, HoldShrink, BlockShrink).In("onShrink")
	case p.InactiveDays < 1 || p.InactiveDays > MaxInactiveDays:
		return Invalid(ReasonInvalidValue, "1 to %d days", MaxInactiveDays).In("inactiveDays")
	case p.UnitLeaseMinutes < 1 || p.UnitLeaseMinutes > MaxUnitLeaseMinutes:
		return Invalid(ReasonInvalidValue, "1 to %d minutes", MaxUnitLeaseMinutes).In("unitLeaseMinutes")
	case p.Overdraft != RefuseOverdraft && p.Overdraft != AllowOverdraft:
		return Invalid(ReasonInvalidValue, "%s or %s", RefuseOverdraft, AllowOverdraft).In("overdraft")
	}
	return nil
}

// Organization is the customer that owns pools, people and applications. The host is one too, with the id [HostID].
type Organization struct {
	ID          OrganizationID
	Name        string // logical name, the first segment of its URLs; unique without regard to letter case
	DisplayName string
	Policies
	CreatedAt time.Time
}

// IsCalled reports whether ref is the id or the name of the organization, as a path may spell them.
func (o Organization) IsCalled(ref string) bool {
	id, err := CanonicalID(ref)
	return err == nil && (OrganizationID(id) == o.ID || NameKey(ref) == NameKey(o.Name))
}

// Tenant is a partition of an organization that is given quantities.
type Tenant struct {
	Organization OrganizationID
	ID           TenantID
	Name         string // logical name, the second segment of its URLs; unique in the organization without regard to letter case
	CreatedAt    time.Time
}

// IsCalled reports whether ref is the id or the name of the tenant, as a path may spell them.
func (t Tenant) IsCalled(ref string) bool {
	id, err := CanonicalID(ref)
	return err == nil && (TenantID(id) == t.ID || NameKey(ref) == NameKey(t.Name))
}

// reservedNames are the first path segments that mean a door: an organization or tenant of that name could not be reached.
var reservedNames = []string{
	"api", "audit_", "connect", "console", "docs", "health", "host", "identity", "identity_", "la", "lease_", "license_",
	"livez", "lrm", "metrics", "orchestrator_", "orgaudit_", "portal_", "readyz", "tenantaudit_",
}

// IsReservedName reports whether a first path segment of that name means a door. No organization may have it as name or id.
func IsReservedName(name string) bool { return slices.Contains(reservedNames, NameKey(name)) }

// NameKey is the form in which names of organizations and tenants are compared.
func NameKey(name string) string { return strings.ToLower(name) }

// CheckName refuses a logical name that cannot be a path segment of its own: 1 to 63 letters, digits and ". _ -",
// beginning with a letter or digit, and not a reserved word. The error is invalid/invalid_value.
func CheckName(name string) error {
	if name == "" || len(name) > 63 {
		return Invalid(ReasonInvalidValue, "a name has 1 to 63 characters").In("name")
	}
	for i := range len(name) {
		if c := name[i]; !idByte(c) || strings.IndexByte("@|:", c) >= 0 || i == 0 && strings.IndexByte("._-", c) >= 0 {
			return Invalid(ReasonInvalidValue, "a name has letters, digits and . _ - and begins with a letter or digit").In("name")
		}
	}
	if IsReservedName(name) || isUUID(name) {
		return Invalid(ReasonInvalidValue, "%q is reserved", name).In("name")
	}
	return nil
}

func (p Policies) String() string {
	return fmt.Sprintf("unknown users %s, external licenses %t, allocations %s leases, leases %s on leaving, ended after %d days, shrinking %s, leases of units ended after %d minutes, overdraft %s, user licensing %t",
		p.UnknownUsers, p.ExternalLicenses, p.AllocationMode, p.OnLeave, p.InactiveDays, p.OnShrink, p.UnitLeaseMinutes, p.Overdraft, p.UserLicensing)
}
