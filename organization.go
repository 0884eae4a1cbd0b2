package seatwright

import (
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

// Organization is the customer that owns pools, people and applications. The host is one too, with the id [HostID].
type Organization struct {
	ID               OrganizationID
	Name             string // logical name, the first segment of its URLs; unique without regard to letter case
	DisplayName      string
	UnknownUsers     UnknownUsers
	ExternalLicenses bool // the host administrator has allowed external licenses: they draw no unit
	CreatedAt        time.Time
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
