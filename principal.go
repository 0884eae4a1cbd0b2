package seatwright

import (
	"slices"
	"strings"
)

// Role is what a person may be in their organization.
type Role string

// The roles, from the installation down.
const (
	RoleHostAdministrator         Role = "host-administrator"         // only people of the host
	RoleOrganizationAdministrator Role = "organization-administrator" // everything in their own organization
	RoleMember                    Role = "member"                     // sees what they hold
)

// Scope is an OAuth scope of the published API. "PM.License" implies "PM.License.Read" and "PM.License.Write", and so on.
type Scope string

// The published scopes that operations ask for.
const (
	ScopeLicense       Scope = "PM.License"
	ScopeLicenseRead   Scope = "PM.License.Read"
	ScopeLicenseWrite  Scope = "PM.License.Write"
	ScopeSetting       Scope = "PM.Setting"
	ScopeSettingRead   Scope = "PM.Setting.Read"
	ScopeSettingWrite  Scope = "PM.Setting.Write"
	ScopeTemplate      Scope = "PM.MessageTemplate"
	ScopeTemplateRead  Scope = "PM.MessageTemplate.Read"
	ScopeTemplateWrite Scope = "PM.MessageTemplate.Write"
	ScopeGroup         Scope = "PM.Group"
	ScopeGroupRead     Scope = "PM.Group.Read"
	ScopeGroupWrite    Scope = "PM.Group.Write"
	ScopeRobot         Scope = "PM.RobotAccount"
	ScopeRobotRead     Scope = "PM.RobotAccount.Read"
	ScopeRobotWrite    Scope = "PM.RobotAccount.Write"
	ScopeUser          Scope = "PM.User"
	ScopeUserRead      Scope = "PM.User.Read"
	ScopeUserWrite     Scope = "PM.User.Write"
	ScopeAudit         Scope = "PM.Audit"
	ScopeAuditRead     Scope = "PM.Audit.Read"
	ScopeSignIns       Scope = "PM.UserLoginAttempt"
	ScopeSignInsRead   Scope = "PM.UserLoginAttempt.Read"
)

// PublishedScopes lists every scope that an application can be registered for, umbrella before parts.
// Source: API guide, "Platform Management scopes".
func PublishedScopes() []Scope {
	return []Scope{
		ScopeAudit, ScopeAuditRead,
		"PM.AuthSetting",
		ScopeGroup, ScopeGroupRead, ScopeGroupWrite,
		ScopeLicense, ScopeLicenseRead, ScopeLicenseWrite,
		ScopeTemplate, ScopeTemplateRead, ScopeTemplateWrite,
		ScopeRobot, ScopeRobotRead, ScopeRobotWrite,
		ScopeSetting, ScopeSettingRead, ScopeSettingWrite,
		ScopeUser, ScopeUserRead, ScopeUserWrite,
		ScopeSignIns, ScopeSignInsRead,
	}
}

// The scopes of OpenID Connect. They open no operation of the published API.
const (
	ScopeOpenID        Scope = "openid"
	ScopeProfile       Scope = "profile"
	ScopeEmail         Scope = "email"
	ScopeOfflineAccess Scope = "offline_access" // asks for refresh tokens
)

// OpenIDScopes lists the scopes that every application may ask for in the name of people, registered for them or not.
func OpenIDScopes() []Scope {
	return []Scope{ScopeOpenID, ScopeProfile, ScopeEmail, ScopeOfflineAccess}
}

// Implies reports whether holding s is enough where want is asked for: s itself, or its two-part umbrella.
func (s Scope) Implies(want Scope) bool {
	return s == want || strings.Count(string(s), ".") == 1 && strings.HasPrefix(string(want), string(s)+".")
}

// PrincipalKind tells people from programs.
type PrincipalKind string

// The kinds of principal.
const (
	PrincipalUser        PrincipalKind = "user"
	PrincipalApplication PrincipalKind = "application" // client credentials: no person behind it
	PrincipalSystem      PrincipalKind = "system"      // the server itself; no token makes one
)

// Principal is who asks, as proven by their token.
type Principal struct {
	Kind         PrincipalKind
	ID           string         // UserID or ApplicationID
	Organization OrganizationID // HostID for people of the host
	Role         Role           // people only
	Scopes       []Scope        // what the token carries; a person's token without any is limited by the role alone
}

// Actor names the principal in the events and idempotency keys of an organization: "user/ID" or "application/ID" of its own,
// "host/ID" for people of the host, and SystemActor. Ids alone would not do: a person, a person of the host and an application
// may have the same.
func (p Principal) Actor() string {
	switch {
	case p.Kind == PrincipalSystem:
		return SystemActor
	case p.Kind == PrincipalApplication:
		return "application/" + p.ID
	case p.Organization == HostID:
		return "host/" + p.ID
	}
	return "user/" + p.ID
}

// Permission is what an operation asks for: a person needs one of the roles, a token that carries scopes needs one of the
// scopes (its own or an umbrella). Without a role that fits, a person is refused whatever their token carries; an
// application has no role and lives by scopes alone. The zero Permission allows nobody.
type Permission struct {
	Anybody bool // whoever has a token, whatever their role and scopes; then the others are empty
	Roles   []Role
	Scopes  []Scope
}

// The permissions that more than one operation shares. The OpenAPI documents carry the same, and a test compares them.
var (
	PermissionReadLicenses       = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeLicense, ScopeLicenseRead}}
	PermissionWriteLicenses      = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeLicense, ScopeLicenseWrite}}
	PermissionReadUsers          = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeUser, ScopeUserRead}}
	PermissionWriteUsers         = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeUser, ScopeUserWrite}}
	PermissionReadAudit          = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}, Scopes: []Scope{ScopeAudit, ScopeAuditRead}}
	PermissionReadSettings       = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeSetting, ScopeSettingRead}}
	PermissionWriteSettings      = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeSetting, ScopeSettingWrite}}
	PermissionReadTemplates      = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeTemplate, ScopeTemplateRead}}
	PermissionWriteTemplates     = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeTemplate, ScopeTemplateWrite}}
	PermissionReadGroups         = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeGroup, ScopeGroupRead}}
	PermissionWriteGroups        = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeGroup, ScopeGroupWrite}}
	PermissionReadRobots         = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeRobot, ScopeRobotRead}}
	PermissionWriteRobots        = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeRobot, ScopeRobotWrite}}
	PermissionOwnPassword        = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleMember}, Scopes: []Scope{ScopeUser, ScopeUserWrite}}
	PermissionReadAccounts       = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}, Scopes: []Scope{ScopeLicense, ScopeLicenseRead}}
	PermissionWriteServices      = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}, Scopes: []Scope{ScopeLicense, ScopeLicenseWrite}}
	PermissionOwnLicenses        = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleMember}, Scopes: []Scope{ScopeLicense, ScopeLicenseWrite}}
	PermissionAskEntitlements    = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleMember}, Scopes: []Scope{ScopeLicense, ScopeLicenseRead}}
	PermissionManagePolicies     = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}}
	PermissionManageHost         = Permission{Roles: []Role{RoleHostAdministrator}}
	PermissionReadPurchases      = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}, Scopes: []Scope{ScopeLicense, ScopeLicenseRead}}
	PermissionReadDenials        = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}, Scopes: []Scope{ScopeLicense, ScopeLicenseRead}}
	PermissionImportLicenses     = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}, Scopes: []Scope{ScopeLicense, ScopeLicenseWrite}}
	PermissionManageApplications = Permission{Roles: []Role{RoleOrganizationAdministrator, RoleHostAdministrator}}
	PermissionOwnTokens          = Permission{Roles: []Role{RoleMember, RoleOrganizationAdministrator, RoleHostAdministrator}}
	PermissionAnybody            = Permission{Anybody: true}
	PermissionReadDirectory      = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeUser, ScopeUserRead, ScopeGroup, ScopeGroupRead}}
	PermissionReadSignIns        = Permission{Roles: []Role{RoleOrganizationAdministrator}, Scopes: []Scope{ScopeSignIns, ScopeSignInsRead}}
)

// Check returns nil where p may do what asks for need, else forbidden/missing_permission. The system may do everything.
func (p Principal) Check(need Permission) error {
	if p.Kind == PrincipalSystem || need.Anybody {
		return nil
	}
	if p.Kind == PrincipalUser && !slices.Contains(need.Roles, p.Role) {
		return NewError(KindForbidden, ReasonMissingPermission, "this needs the role %s", joined(need.Roles, "or"))
	}
	if p.Kind == PrincipalUser && len(p.Scopes) == 0 {
		return nil
	}
	for _, held := range p.Scopes {
		for _, want := range need.Scopes {
			if held.Implies(want) {
				return nil
			}
		}
	}
	if len(need.Scopes) == 0 {
		return NewError(KindForbidden, ReasonMissingPermission, "this is for people, not for applications or tokens with scopes")
	}
	return NewError(KindForbidden, ReasonMissingPermission, "this needs the scope %s", joined(need.Scopes, "or"))
}

func joined[S ~string](words []S, last string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(" " + last + " ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// Caller is one request's who and where: the principal, and what the audit log has to know about how they came.
type Caller struct {
	Principal Principal
	Via       string // the door: "lease", "native", "console", …
	RequestID string
	Key       string // idempotency key as sent; empty: none
}

// Origin is what a command remembers of its caller.
func (c Caller) Origin() Origin {
	return Origin{Actor: c.Principal.Actor(), Via: c.Via, RequestID: c.RequestID, Key: c.Key}
}

// SystemCaller is the server itself at start-up or in a sweep: it may do everything and is named as the actor.
func SystemCaller(via string) Caller {
	return Caller{
		Principal: Principal{Kind: PrincipalSystem, ID: SystemActor, Organization: HostID},
		Via:       via, RequestID: NewID(),
	}
}
