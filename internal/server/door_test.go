package server

import (
	"strings"
	"testing"
)

// Guards where a door begins: prefixes, aliases, and what known clients add to a path without meaning anything by it.
func TestDoorsAreFound(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"portal_/api/x":                                "// portal_/api/x",
		"acme/portal_/api/x":                           "acme// portal_/api/x",
		"acme/portal_/portal_/api/x":                   "acme// portal_/api/x",
		"acme/PORTAL_/Portal_/api/x":                   "acme// portal_/api/x",
		"acme/t/portal_/portal_/api/x":                 "acme/t/ portal_/api/x",
		"portal_/portal_":                              "// portal_",
		"acme/portal_/portal_/portal_/x":               "acme// portal_/portal_/x", // twice, not more
		"acme/lease_/lease_/api":                       "acme// lease_/lease_/api", // and of no other door
		"acme/t/orchestrator_/odata/Users/Ns.Get()":    "acme/t/ orchestrator_/odata/Users/Ns.Get",
		"acme/t/Orchestrator_/odata/Users/Ns.Get(a=1)": "acme/t/ orchestrator_/odata/Users/Ns.Get(a=1)",
		"acme/t/orchestrator_/a()/b":                   "acme/t/ orchestrator_/a()/b",
		"acme/lease_/a()":                              "acme// lease_/a()",
		"acme/t/la/api":                                "acme/t/ lease_/api",
	} {
		at := locate(strings.Split(path, "/"))
		if got := at.organization + "/" + at.tenant + "/ " + strings.Join(at.path(), "/"); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
