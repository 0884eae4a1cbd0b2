package seatwright

import "testing"

// Guards idempotency keys and the audit: principals with the same id are not the same actor.
func TestActorsOfOneIDAreToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range []Principal{
		{Kind: PrincipalUser, ID: "twin", Organization: "a"}, {Kind: PrincipalUser, ID: "twin", Organization: HostID},
		{Kind: PrincipalApplication, ID: "twin", Organization: "a"}, {Kind: PrincipalUser, ID: SystemActor, Organization: "a"},
		SystemCaller("test").Principal,
	} {
		if seen[p.Actor()] {
			t.Errorf("%+v is called %s, as another one is", p, p.Actor())
		}
		seen[p.Actor()] = true
	}
}

func TestCheckNeedsTheRoleAndWhereTheTokenHasScopesOneOfThem(t *testing.T) {
	user := func(role Role, scopes ...Scope) Principal {
		return Principal{Kind: PrincipalUser, Role: role, Scopes: scopes}
	}
	application := func(scopes ...Scope) Principal { return Principal{Kind: PrincipalApplication, Scopes: scopes} }
	for name, c := range map[string]struct {
		who     Principal
		need    Permission
		allowed bool
	}{
		"administrator without scopes":            {user(RoleOrganizationAdministrator), PermissionWriteLicenses, true},
		"administrator with a fitting scope":      {user(RoleOrganizationAdministrator, ScopeLicenseWrite), PermissionWriteLicenses, true},
		"administrator whose token may only read": {user(RoleOrganizationAdministrator, ScopeLicenseRead), PermissionWriteLicenses, false},
		"member":                                      {user(RoleMember), PermissionReadLicenses, false},
		"member with a scope":                         {user(RoleMember, ScopeLicense), PermissionWriteLicenses, false},
		"host administrator in an organization":       {user(RoleHostAdministrator), PermissionWriteLicenses, false},
		"application with the umbrella":               {application(ScopeLicense), PermissionWriteLicenses, true},
		"application with the read scope, reading":    {application(ScopeLicenseRead), PermissionReadLicenses, true},
		"application with the read scope, writing":    {application(ScopeLicenseRead), PermissionWriteLicenses, false},
		"application without scopes":                  {application(), PermissionReadLicenses, false},
		"application on a host operation":             {application(ScopeLicense), PermissionManageHost, false},
		"host administrator on a host operation":      {user(RoleHostAdministrator), PermissionManageHost, true},
		"host administrator with a token for scopes":  {user(RoleHostAdministrator, ScopeLicense), PermissionManageHost, false},
		"anybody where nobody is allowed":             {user(RoleHostAdministrator), Permission{}, false},
		"member where anybody is allowed":             {user(RoleMember), PermissionAnybody, true},
		"token for scopes where anybody is":           {user(RoleMember, ScopeAuditRead), PermissionAnybody, true},
		"application without scopes where anybody is": {application(), PermissionAnybody, true},
	} {
		if err := c.who.Check(c.need); (err == nil) != c.allowed {
			t.Errorf("%s: Check = %v, want allowed = %t", name, err, c.allowed)
		}
	}
}
