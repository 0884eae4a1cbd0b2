package app_test

import "strings"

// The question who may use what. analyst-1 holds PMBU directly, which gives nothing but itself.

// entitlementStatuses are the operations of both doors.
func entitlementStatuses() []operationRows {
	const people, service = "/api/v1/organizations/acme/users/", "/lease_/api/entitlements/acme/attic/automationops/entitlement/"
	get := func(path string) call { return call{as: "reader", method: "GET", path: path} }
	serviceRows := func(method string) []row {
		ask := func(as, path string) call { return call{as: as, method: method, path: path} }
		rows := askRows(ask("", service+"NONPR"), "/acme/", "member", "writer", "people")
		return append(rows,
			row{name: "given", call: ask("reader", service+"NONPR"), status: 200, contains: []string{`{"name":"NONPR","isEntitled":true}`}},
			row{name: "not given", call: ask("administrator", service+"UNATT"), status: 200, contains: []string{`{"name":"UNATT","isEntitled":false}`}},
			row{name: "what means nothing", call: ask("application", service+"nothing"), status: 200, contains: []string{`"isEntitled":false`}},
			row{name: "a service without a license", call: ask("reader", "/lease_/api/entitlements/acme/hall/apps/entitlement/NONPR"), status: 410, contains: []string{"no_service_license"}},
			row{name: "no tenant", call: ask("reader", "/lease_/api/entitlements/acme/nowhere/orchestrator/entitlement/NONPR"), status: 410},
			row{name: "no type of service", call: ask("reader", "/lease_/api/entitlements/acme/hall/shoes/entitlement/NONPR"), status: 400, contains: []string{"serviceType"}},
		)
	}
	const license = "/lrm/api/account/{acme}/service-license/attic/automationops"
	given := row{of: "allocateServiceLicense", name: "the service gets units", call: call{as: "administrator", method: "PUT", path: license, body: `{"products":[{"code":"NONPR","quantity":5}]}`},
		status: 200, events: []string{"service_license.set attic/automationops"}}
	back := row{of: "removeServiceLicense", name: "and gives them back", call: call{as: "administrator", method: "DELETE", path: license}, status: 200, events: []string{"service_license.removed attic/automationops"}}
	one := people + "analyst-1/entitlements/PMBU"
	return []operationRows{
		{"getEntitlement", append(aboutPersonRows(get(one), "analyst-1", `{"userId":"analyst-1","name":"PMBU","entitled":true,"until":"`),
			row{name: "from the database", call: get(one + "?consistency=strong"), status: 200, contains: []string{`"entitled":true`}},
			row{name: "another consistency", call: get(one + "?consistency=weak"), status: 400, contains: []string{`"errors":{"consistency":`}},
			row{name: "a parameter in other letter case", call: get(one + "?Consistency=strong"), status: 400, contains: []string{`"errors":{"Consistency":`}},
			row{name: "in other letter case", call: get(people + "analyst-1/entitlements/pmbu"), status: 200, contains: []string{`"entitled":false`}},
			row{name: "what means nothing", call: get(people + "analyst-1/entitlements/nothing"), status: 200, contains: []string{`"entitled":false`}},
		)},
		{"listEntitlements", append(aboutPersonRows(get(people+"analyst-1/entitlements"), "analyst-1",
			`{"userId":"analyst-1","holdings":[{"code":"PMBU","name":"Process Mining Business User","usable":true,"direct":true,"external":false,"groupId":null,"leasedAt":null,"lastInUse":null,"orphan":false,"gives":["PMBU"]}],"entitlements":["PMBU"],"until":"`),
			row{name: "a path that cannot be", call: get(people + "analyst-1%00/entitlements"), status: 400, contains: []string{"malformed_path"}},
		)},
		{"issueEntitlementToken", append(aboutPersonRows(call{as: "reader", method: "POST", path: people + "analyst-1/entitlement-token"}, "analyst-1", `{"token":"ey`, `"expiresAt":"`),
			row{name: "a path that cannot be", call: call{as: "reader", method: "POST", path: people + "analyst-1%00/entitlement-token"}, status: 400, contains: []string{"malformed_path"}},
		)},
		{"checkEntitlements", checkEntitlementsRows()},
		{"checkEntitlementNames", checkNamesRows()},
		{"getServiceEntitlement", append([]row{given}, serviceRows("GET")...)},
		{"putServiceEntitlement", append(serviceRows("PUT"), back)},
	}
}

// askRows are those of everybody who may not ask, and of organizations that are not theirs.
func askRows(c call, organization string, forbidden ...string) []row {
	as := func(who, path string) call {
		asked := c
		asked.as, asked.path = who, path
		return asked
	}
	elsewhere := func(name string) string { return strings.Replace(c.path, organization, "/"+name+"/", 1) }
	rows := []row{
		{name: "anonymous", call: as("", c.path), status: 401, contains: []string{"no_token"}},
		{name: "tampered token", call: as("tampered", c.path), status: 401, contains: []string{"invalid_token"}},
		{name: "another organization's application", call: as("globex", c.path), status: 404, contains: []string{"organization_not_found"}},
		{name: "host administrator", call: as("host", c.path), status: 404, contains: []string{"organization_not_found"}},
		{name: "foreign organization", call: as("administrator", elsewhere("globex")), status: 404, contains: []string{"organization_not_found"}},
		{name: "missing organization", call: as("administrator", elsewhere("nobody")), status: 404, contains: []string{"organization_not_found"}},
	}
	for _, who := range forbidden {
		rows = append(rows, row{name: who, call: as(who, c.path), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

// aboutPersonRows are those of a question about one person.
func aboutPersonRows(c call, person string, contains ...string) []row {
	as := func(who, path string) call {
		asked := c
		asked.as, asked.path = who, path
		return asked
	}
	rows := askRows(c, "/acme/", "writer", "people", "member")
	for _, who := range []string{"administrator", "application", "reader"} {
		rows = append(rows, row{name: who, call: as(who, c.path), status: 200, contains: contains, lacks: []string{canary}})
	}
	return append(rows,
		row{name: "about themself", call: as("member", strings.Replace(c.path, person, "member", 1)), status: 200},
		row{name: "nobody", call: as("reader", strings.Replace(c.path, person, "nobody", 1)), status: 404, contains: []string{`"code":"not_found"`}},
		row{name: "somebody of another organization", call: as("reader", strings.Replace(c.path, person, canary, 1)), status: 404, contains: []string{`"code":"not_found"`}},
		row{name: "an id that cannot be", call: as("reader", strings.Replace(c.path, person, "a%20b", 1)), status: 404, contains: []string{`"code":"not_found"`}},
	)
}

func checkEntitlementsRows() []row {
	const path = "/api/v1/organizations/acme/entitlements/check"
	ask := func(as, body string) call { return call{as: as, method: "POST", path: path, body: body} }
	works := ask("reader", `{"users":["analyst-1","nobody","analyst-1"],"names":["PMBU","ATTR","PMBU"]}`)
	rows := append(askRows(works, "/acme/", "writer", "people", "member"), bodyRows(works)...)
	return append(rows,
		row{name: "people", call: works, status: 200, contains: []string{
			`{"results":[{"userId":"analyst-1","known":true,"entitled":{"ATTR":false,"PMBU":true},"until":"`, `},{"userId":"nobody","known":false,"entitled":{"ATTR":false,"PMBU":false},"until":`,
		}},
		row{name: "the organization", call: ask("member", `{"names":["PMBU","UNATT","nothing"]}`), status: 200, contains: []string{`{"results":[{"userId":null,"known":true,"entitled":{"PMBU":true,"UNATT":`, `"nothing":false}`}},
		row{name: "themself", call: ask("member", `{"users":["member"],"names":["PMBU"]}`), status: 200, contains: []string{`"known":true,"entitled":{"PMBU":false}`}},
		row{name: "themself and another", call: ask("member", `{"users":["member","analyst-1"],"names":["PMBU"]}`), status: 403, contains: []string{"missing_permission"}},
		row{name: "nobody is not the organization", call: ask("reader", `{"users":[],"names":["PMBU"]}`), status: 400, contains: []string{`"errors":{"users":`}},
		row{name: "no name", call: ask("reader", `{"users":["analyst-1"],"names":[]}`), status: 400, contains: []string{`"errors":{"names":`}},
		row{name: "an empty name", call: ask("reader", `{"names":[""]}`), status: 400, contains: []string{`"errors":{"names":`}},
		row{name: "10,000 names", call: ask("reader", `{"names":[`+numbered("NAME", 10_000)+`]}`), status: 400, contains: []string{"too_many", `"errors":{"names":`}},
		row{name: "too many answers", call: ask("reader", `{"users":[`+numbered("u", 1000)+`],"names":[`+numbered("NAME", 101)+`]}`), status: 400, contains: []string{"too_many"}},
		row{name: "too many bytes", call: ask("reader", `{"users":[`+numbered("u", 1000)+`],"names":[`+numbered(strings.Repeat("N", 110), 20)+`]}`), status: 400, contains: []string{"too_many"}},
		row{name: "an id that cannot be", call: ask("reader", `{"users":["a b"],"names":["PMBU"]}`), status: 400, contains: []string{`"errors":{"users":`}},
		row{name: "an unknown field", call: ask("reader", `{"names":["PMBU"],"user":"analyst-1"}`), status: 400, contains: []string{"malformed_body"}},
	)
}

func checkNamesRows() []row {
	const path = "/lease_/api/entitlements/acme/entitled"
	ask := func(as, query, body string) call { return call{as: as, method: "POST", path: path + query, body: body} }
	works := ask("reader", "?userId=analyst-1", `{"EntitlementNames":["PMBU","AiTrustLayerByoLlm"]}`)
	rows := append(askRows(works, "/acme/", "writer", "people", "member"), bodyRows(works)...)
	return append(rows,
		row{name: "about a person", call: works, status: 200, contains: []string{`{"isEntitled":{"AiTrustLayerByoLlm":false,"PMBU":true}}`}},
		row{name: "about the organization", call: ask("member", "", `{"EntitlementNames":["PMBU"]}`), status: 200, contains: []string{`{"isEntitled":{"PMBU":true}}`}},
		row{name: "about themself", call: ask("member", "?userId=member", `{"EntitlementNames":["PMBU"]}`), status: 200, contains: []string{`{"isEntitled":{"PMBU":false}}`}},
		row{name: "the other spelling", call: ask("application", "?userId=analyst-1", `{"entitlementNames":["PMBU"],"more":1}`), status: 200, contains: []string{`{"isEntitled":{"PMBU":true}}`}},
		row{name: "both spellings", call: ask("reader", "", `{"entitlementNames":["PMBU"],"EntitlementNames":[]}`), status: 400, contains: []string{`"errors":{"EntitlementNames":`}},
		row{name: "the parameter in other letter case", call: ask("member", "?UserId=analyst-1", `{"EntitlementNames":["PMBU"]}`), status: 400, contains: []string{`"errors":{"UserId":`}},
		row{name: "another parameter", call: ask("reader", "?user=nobody", `{"EntitlementNames":["PMBU"]}`), status: 400, contains: []string{`"errors":{"user":`}},
		row{name: "an empty parameter", call: ask("reader", "?userId=", `{"EntitlementNames":["PMBU"]}`), status: 400, contains: []string{`"errors":{"userId":`}},
		row{name: "half a query", call: ask("reader", "?userId=nobody;x=1", `{"EntitlementNames":["PMBU"]}`), status: 400, contains: []string{"the query cannot be read"}},
		row{name: "the person in the body", call: ask("reader", "", `{"userId":"nobody","EntitlementNames":["PMBU"]}`), status: 400, contains: []string{`"errors":{"userId":`}},
		row{name: "no names", call: ask("reader", "", `{}`), status: 400, contains: []string{`"errors":{"EntitlementNames":`}},
		row{name: "nobody", call: ask("reader", "?userId=nobody", `{"EntitlementNames":["PMBU"]}`), status: 404, contains: []string{`"code":"not_found"`}},
		row{name: "somebody of another organization", call: ask("reader", "?userId="+canary, `{"EntitlementNames":["PMBU"]}`), status: 404, contains: []string{`"code":"not_found"`}},
	)
}
