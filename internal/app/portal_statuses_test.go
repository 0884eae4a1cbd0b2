package app_test

import "slices"

// The operations of the portal and of the Orchestrator. The rows make what they need of rules.

const (
	portalLicenses = "/portal_/api/license/accountant/UserLicense"
	odata          = "/orchestrator_/odata/"
	function       = "UiPath.Server.Configuration.OData."
)

func portalStatuses() []operationRows {
	return []operationRows{
		{"listPortalPools", portalReadRows(portalLicenses, `{"code":"ATTUNU","allocated":`, `"inUse":`)},
		{"replacePortalUserLicenses", replacePortalRows()},
		{"addPortalUsers", addPortalRows()},
		{"listPortalUsers", portalUsersRows()},
		{"removePortalUserLicenses", removePortalRows()},
		{"setPortalGroup", setPortalGroupRows()},
		{"getPortalGroup", getPortalGroupRows()},
		{"listPortalGroups", portalGroupsRows()},
		{"listPortalGroupAllocations", portalAllocationsRows()},
		{"revokePortalLease", revokePortalRows()},
		{"removePortalGroup", removePortalGroupRows()},
		{"getPortalInventory", append(portalReadRows("/portal_/api/license/management/account/available", `{"productAllocations":[`, `"isConsumable":false`, `"entitlementUsages":[]`),
			accountRows("/portal_/api/license/management/account/available")...)},
		{"getPortalAccount", append(portalReadRows("/portal_/api/license/management/account", `{"mlKeys":[],"accountLicense":{"accountId":"{acme}"`, `"licenseStatus":"Active"`),
			append(accountRows("/portal_/api/license/management/account"), row{
				name: "nothing", call: call{as: "initech", method: "GET", path: "/portal_/api/license/management/account"}, status: 200,
				contains: []string{`"licenseStatus":"None","products":[]`, `"startDate":0`},
			})...)},
		{"listPortalTenantAllocations", append(portalReadRows("/portal_/api/licensing/tenantAllocations", `"services":[`, `"unattendedRobot":`),
			accountRows("/portal_/api/licensing/tenantAllocations")...)},
		{"listPortalPeople", portalPeopleRows("/portal_/api/identity/User/users/licenses")},
		{"listPortalPeopleOfPartition", portalPeopleRows("/portal_/api/identity/UserPartition/licenses")},
		{"deletePortalUsers", deletePortalRows()},
		{"listAccessPolicy", accessPolicyRows()},
		{"getTenantsAndOrganization", leftNavRows()},
		{"getOrchestratorLicense", orchestratorRows("Settings/"+function+"GetLicense", `{"@odata.context":"$metadata#`, `"Unattended":`)},
		{"listNamedUserLicenses", append(orchestratorRows("LicensesNamedUser/"+function+"GetLicensesNamedUser(robotType='Attended')", `"value":[`),
			odataRows("LicensesNamedUser/"+function+"GetLicensesNamedUser(robotType='Attended')")...)},
		{"listRuntimeLicenses", append(orchestratorRows("LicensesRuntime/"+function+"GetLicensesRuntime(robotType='Unattended')", `"value":[`),
			odataRows("LicensesRuntime/"+function+"GetLicensesRuntime(robotType='Unattended')")...)},
		{"getCurrentUser", currentUserRows()},
		{"getAuthenticationSettings", []row{
			{name: "anybody", call: call{method: "GET", path: "/acme/DefaultTenant" + odata + "Settings/" + function + "GetAuthenticationSettings"}, status: 200, contains: []string{`"Keys":[],"Values":[]`}},
			{name: "a query that cannot be read", call: call{method: "GET", path: odata + "Settings/" + function + "GetAuthenticationSettings?a;b"}, status: 400, contains: []string{"the query cannot be read"}},
			{name: "without a tenant", call: call{method: "GET", path: odata + "Settings/" + function + "GetAuthenticationSettings()"}, status: 200},
		}},
		{"getOrchestratorVersion", []row{
			{name: "anybody", call: call{method: "GET", path: "/orchestrator_/api/status/version"}, status: 200, contains: []string{`{"version":"25.10.0","deployment":"ServiceFabric"}`}},
			{name: "a query that cannot be read", call: call{method: "GET", path: "/orchestrator_/api/status/version?%zz"}, status: 400, contains: []string{"the query cannot be read"}},
			{name: "another spelling", call: call{method: "GET", path: "/acme/DefaultTenant/orchestrator_/api/Status/Version"}, status: 200},
		}},
		{"", portalElsewhereRows()},
	}
}

// portalReadRows are the rows of a GET that needs nothing but its path.
func portalReadRows(path string, contains ...string) []row {
	get := func(as, prefix string) call { return call{as: as, method: "GET", path: prefix + path} }
	rows := append(whoMayNotOfPeople(get("", ""), notForReading...), row{name: "host administrator", call: get("host", "/acme"), status: 404, contains: []string{"organization_not_found"}})
	for name, c := range map[string]call{
		"reader": get("reader", ""), "administrator": get("administrator", "/{acme}"), "doubled": get("application", "/acme/portal_"),
		"with a type and no body": {as: "reader", method: "GET", path: "/acme" + path, header: map[string]string{"Content-Type": "application/json; charset=utf-8"}},
	} {
		rows = append(rows, row{name: name, call: c, status: 200, contains: contains})
	}
	return rows
}

// accountRows name the organization in the query.
func accountRows(path string) []row {
	get := func(query string) call { return call{as: "reader", method: "GET", path: path + query} }
	return []row{
		{name: "the own account", call: get("?accountUserId=anybody&accountGlobalId={acme}"), status: 200},
		{name: "its name", call: get("?accountGlobalId=Acme"), status: 200},
		{name: "another account", call: get("?accountGlobalId={globex}"), status: 404, contains: []string{"organization_not_found"}},
		{name: "no account that can be", call: get("?accountGlobalId=a%20b"), status: 404, contains: []string{"organization_not_found"}},
	}
}

// portalPageRows are the questions for a page that cannot be answered.
func portalPageRows(path string) (rows []row) {
	for query, field := range map[string]string{"?skip=-1": "skip", "?top=-1": "top", "?skip=2147483648": "skip", "?top=many": "top"} {
		rows = append(rows, row{name: query, call: call{as: "administrator", method: "GET", path: path + query}, status: 400, contains: []string{`"errors":{"` + field + `":`}})
	}
	return append(rows, row{name: "a part that would be dropped", call: call{as: "administrator", method: "GET", path: path + "?skip=1;top=1"}, status: 400, contains: []string{"the query cannot be read"}})
}

func tooManyRow(path string) row {
	return row{name: "too many", call: call{as: "administrator", method: "GET", path: path + "?top=1001"}, status: 400, contains: []string{`"errors":{"top":`}}
}

func replacePortalRows() []row {
	put := func(as, body string) call { return call{as: as, method: "PUT", path: portalLicenses, body: body} }
	works := put("administrator", `{"userIds":["singer-77","singer-77"],"licenseCodes":["TSTNU"],"useExternalLicense":false}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWriting...), bodyRows(works))
	rows = append(rows,
		row{name: "administrator", call: works, status: 200, events: []string{"allocation.set singer-77"}, contains: []string{
			`[{"userId":"singer-77","organizationId":"{acme}","useExternalLicense":false,"userBundleCodes":["TSTNU"]}]`,
		}},
		row{name: "application", call: put("application", `{"userIds":["singer-77"],"licenseCodes":[],"useExternalLicense":null}`), status: 200, events: []string{"allocation.set singer-77"}},
		row{name: "without codes", call: put("writer", `{"userIds":["singer-77"],"userBundleCodes":["TSTNU"]}`), status: 400, contains: []string{`"errors":{"licenseCodes":`}},
		row{name: "a code that cannot be", call: put("writer", `{"userIds":["singer-77"],"licenseCodes":["T S"]}`), status: 400, contains: []string{`"errors":{"licenseCodes[0]":`}},
		row{name: "nobody", call: put("writer", `{"userIds":[],"licenseCodes":["TSTNU"]}`), status: 400, contains: []string{`"errors":{"userIds":`}},
		row{name: "unknown", call: put("writer", `{"userIds":["globex-1"],"licenseCodes":["TSTNU"]}`), status: 400, contains: []string{"unknown_user"}},
		row{name: "no such bundle", call: put("writer", `{"userIds":["singer-77"],"licenseCodes":["NOSUCH"]}`), status: 409, events: []string{"allocation.refused"}, contains: []string{`"shortages":[{"bundle":"NOSUCH"`}},
		row{name: "no license", call: put("initech", works.body), status: 404, contains: []string{"no_license"}},
	)
	return append(rows, keyRows("portal-put", put("writer", `{"userIds":["analyst-1"],"licenseCodes":["PMBU"],"useExternalLicense":false}`), put("writer", works.body), 200)...)
}

func addPortalRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: portalLicenses + "/users", body: body}
	}
	works := post("administrator", `{"userIds":["analyst-1","singer-77"]}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWriting...), bodyRows(works))
	rows = append(rows,
		row{name: "one who has codes, and one who has nothing", call: works, status: 200, events: []string{"allocation.set singer-77"}, contains: []string{
			`[{"userId":"analyst-1","organizationId":"{acme}","useExternalLicense":false,"userBundleCodes":["PMBU"]},{"userId":"singer-77","organizationId":"{acme}","useExternalLicense":false,"userBundleCodes":[]}]`,
		}},
		row{name: "nobody", call: post("writer", `{"userIds":[]}`), status: 400, contains: []string{`"errors":{"userIds":`}},
		row{name: "one is unknown", call: post("writer", `{"userIds":["singer-88","globex-1"]}`), status: 400, contains: []string{"unknown_user"}},
	)
	return append(rows, keyRows("portal-add", post("writer", `{"userIds":["analyst-2"]}`), post("writer", works.body), 200)...)
}

func portalUsersRows() []row {
	path := portalLicenses + "/user/page"
	return slices.Concat(portalReadRows(path, `"totalCount":`, `{"id":"analyst-1","email":null,"name":"analyst-1","surname":null,"displayName":null,"lastInUse":null,"userBundleLicenses":["PMBU"],"orphan":false}`),
		portalPageRows(path), []row{tooManyRow(path)})
}

func removePortalRows() []row {
	remove := func(as, body string) call { return call{as: as, method: "DELETE", path: portalLicenses, body: body} }
	works := remove("administrator", `{"userIds":["singer-88","nobody"]}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWriting...), bodyRows(works))
	rows = append(rows,
		row{name: "nothing to remove", call: works, status: 200, contains: []string{`{"successfulUserIds":["singer-88"],"failedUserIds":["nobody"]}`}},
		row{name: "nobody", call: remove("writer", `{"userIds":[]}`), status: 400, contains: []string{`"errors":{"userIds":`}},
	)
	return append(rows, keyRows("portal-remove", remove("writer", `{"userIds":["singer-88"]}`), remove("writer", works.body), 200)...)
}

func setPortalGroupRows() []row {
	put := func(as, body string) call {
		return call{as: as, method: "PUT", path: portalLicenses + "/group", body: body}
	}
	works := put("administrator", `{"ubls":["TSTNU","ATTUNU"],"id":"group-01","useExternalLicense":false}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWriting...), bodyRows(works))
	rows = append(rows,
		row{name: "administrator", call: works, status: 200, events: []string{"group_rule.set group-01"}, contains: []string{
			`{"groupId":"group-01","organizationId":"{acme}","useExternalLicense":false,"userBundleCodes":["ATTUNU","TSTNU"]}`,
		}},
		row{name: "again", call: works, status: 200},
		row{name: "the flag stays", call: put("writer", `{"ubls":["ATTUNU","TSTNU"],"id":"group-01"}`), status: 200, contains: []string{`"useExternalLicense":false`}},
		row{name: "without codes", call: put("writer", `{"userBundleCodes":["ATTUNU"],"id":"group-01"}`), status: 400, contains: []string{`"errors":{"ubls":`}},
		row{name: "a code that cannot be", call: put("writer", `{"ubls":["A U"],"id":"group-01"}`), status: 400, contains: []string{`"errors":{"ubls[0]":`}},
		row{name: "a code that there is none of", call: put("writer", `{"ubls":["NONE"],"id":"group-01"}`), status: 400, contains: []string{`"errors":{"ubls":`}},
		row{name: "no group", call: put("writer", `{"ubls":["ATTUNU"]}`), status: 400, contains: []string{`"errors":{"id":`}},
		row{name: "unknown group", call: put("writer", `{"ubls":["ATTUNU"],"id":"`+canary+`"}`), status: 404, contains: []string{"there is no such group"}},
	)
	return append(rows, keyRows("portal-rule", works, put("administrator", `{"ubls":[],"id":"group-01"}`), 200)...)
}

func getPortalGroupRows() []row {
	path := portalLicenses + "/group"
	get := func(as, query string) call { return call{as: as, method: "GET", path: path + query} }
	return append(whoMayNotOfPeople(get("", ""), notForReading...),
		row{name: "reader", call: get("reader", "?id=group-01"), status: 200, contains: []string{`{"availableUserBundles":[{"code":"`, `"inUse":`, `"allocatedUserBundles":["ATTUNU","TSTNU"],"useExternalLicense":false}`}},
		row{name: "with a slash before the question mark", call: get("reader", "/?id=group-01"), status: 200},
		row{name: "no rule", call: get("reader", "?id=administrators"), status: 200, contains: []string{`"allocatedUserBundles":[]`}},
		row{name: "no id", call: get("reader", ""), status: 400, contains: []string{`"errors":{"id":`}},
		row{name: "unknown", call: get("reader", "?id=group-99"), status: 404, contains: []string{"there is no such group"}},
		row{name: "no id that can be", call: get("reader", "?id=a%20b"), status: 404, contains: []string{"there is no such group"}},
	)
}

func portalGroupsRows() []row {
	path := portalLicenses + "/group/page"
	return slices.Concat(portalReadRows(path, `{"id":"group-01","name":"Group 01","userBundleLicenses":["ATTUNU","TSTNU"],"useExternalLicense":false,"orphan":false}`),
		portalPageRows(path), []row{tooManyRow(path)})
}

func portalAllocationsRows() []row {
	path := portalLicenses + "/group/group-01/allocations"
	rows := slices.Concat(portalReadRows(path, `{"totalCount":0,"results":[]}`), portalPageRows(path))
	return append(rows,
		row{name: "more than there can be", call: call{as: "reader", method: "GET", path: path + "?top=1000&skip=0"}, status: 200},
		row{name: "unknown", call: call{as: "reader", method: "GET", path: portalLicenses + "/group/group-99/allocations"}, status: 404, contains: []string{"there is no such group"}},
	)
}

func revokePortalRows() []row {
	revoke := func(as, group, user string) call {
		return call{as: as, method: "DELETE", path: portalLicenses + "/group/" + group + "/user/" + user}
	}
	rows := append(whoMayNotOfPeople(revoke("", "group-01", "singer-77"), notForWriting...),
		row{name: "who holds nothing", call: revoke("administrator", "group-01", "singer-77"), status: 200},
		row{name: "unknown group", call: revoke("writer", "group-99", "singer-77"), status: 404, contains: []string{"there is no such group"}},
		row{name: "unknown person", call: revoke("writer", "group-01", "globex-1"), status: 404, contains: []string{"there is no such user"}},
		row{name: "no id that can be", call: revoke("writer", "group-01", "a%20b"), status: 404, contains: []string{"there is no such user"}},
	)
	return append(rows, keyRows("portal-revoke", revoke("writer", "group-01", "singer-88"), revoke("writer", "group-01", "singer-77"), 200)...)
}

func removePortalGroupRows() []row {
	remove := func(as, body string) call {
		return call{as: as, method: "DELETE", path: portalLicenses + "/group", body: body}
	}
	works := remove("administrator", `{"id":"group-01"}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWriting...), bodyRows(works))
	rows = append(rows,
		row{name: "administrator", call: works, status: 200, events: []string{"group_rule.removed group-01"}},
		row{name: "again", call: works, status: 200},
		row{name: "no group", call: remove("writer", `{}`), status: 404, contains: []string{"there is no such group"}},
		row{name: "unknown", call: remove("writer", `{"id":"group-99"}`), status: 404, contains: []string{"there is no such group"}},
	)
	return append(rows, keyRows("portal-unrule", works, remove("administrator", `{"id":"everyone"}`), 200)...)
}

func portalPeopleRows(path string) []row {
	get := func(as, query string) call { return call{as: as, method: "GET", path: path + query} }
	rows := slices.Concat(whoMayNotOfPeople(get("", ""), append(notForReading, "reader", "people")...), portalPageRows(path))
	return append(rows, tooManyRow(path),
		row{name: "host administrator", call: call{as: "host", method: "GET", path: "/acme" + path}, status: 404, contains: []string{"organization_not_found"}},
		row{name: "administrator", call: get("administrator", "?top=1000&skip=0&partitionGlobalId={acme}"), status: 200, lacks: []string{canary}, contains: []string{
			`"totalCount":`, `"userName":"analyst-1"`, `"userBundleCodes":["PMBU"],"useExternalLicense":false,"inheritedFromGroup":false}`, `"id":"acme-admin"`,
		}},
		row{name: "the first", call: get("administrator", "?top=1"), status: 200, contains: []string{`"results":[{`}, lacks: []string{"analyst-1"}},
		row{name: "the number alone", call: get("administrator", "?top=0"), status: 200, contains: []string{`"results":[]}`}},
		row{name: "another organization", call: get("administrator", "?partitionGlobalId={globex}"), status: 404, contains: []string{"organization_not_found"}},
	)
}

func deletePortalRows() []row {
	remove := func(as, body string) call {
		return call{as: as, method: "DELETE", path: "/portal_/api/identity/User", body: body}
	}
	works := remove("administrator", `{"partitionGlobalId":"{acme}","userIds":["singer-209"],"deleteCurrentUser":false,"isHostMode":false}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForPeople...), bodyRows(works))
	rows = append(rows,
		row{name: "administrator", call: works, status: 204, events: []string{"user.deleted singer-209"}},
		row{name: "they are gone", call: works, status: 404, contains: []string{"there is no such user"}},
		row{name: "nobody", call: remove("administrator", `{"userIds":[]}`), status: 400, contains: []string{`"errors":{"userIds":`}},
		row{name: "oneself", call: remove("administrator", `{"userIds":["acme-admin"],"deleteCurrentUser":null}`), status: 400, contains: []string{`"errors":{"userIds":`, "you are among them"}},
		row{name: "oneself, and said so", call: remove("administrator", `{"userIds":["acme-admin"],"deleteCurrentUser":true}`), status: 409, contains: []string{"last_administrator"}},
		row{name: "of the host", call: remove("administrator", `{"userIds":["singer-208"],"isHostMode":true}`), status: 400, contains: []string{`"errors":{"isHostMode":`}},
		row{name: "another organization", call: remove("people writer", `{"partitionGlobalId":"{globex}","userIds":["singer-208"]}`), status: 404, contains: []string{"organization_not_found"}},
	)
	return append(rows, keyRows("portal-delete", remove("people writer", `{"userIds":["singer-208"]}`), remove("people writer", works.body), 204, "user.deleted singer-208")...)
}

func accessPolicyRows() []row {
	get := func(as, organization string) call {
		return call{as: as, method: "GET", path: "/portal_/api/identity/PartitionAccessPolicy/" + organization}
	}
	return append(whoMayNotOfPeople(get("", "{acme}"), "member", "application", "auditor"),
		row{name: "people", call: get("people", "acme"), status: 200, contains: []string{
			`[{"objectType":"DirectoryGroup","externalId":null,"source":"local","identifier":"everyone","name":"Everyone","email":null,"displayName":"Everyone"}]`,
		}},
		row{name: "groups", call: get("groups", "{acme}"), status: 200},
		row{name: "administrator", call: get("administrator", "{acme}"), status: 200},
		row{name: "another organization", call: get("administrator", "{globex}"), status: 404, contains: []string{"organization_not_found"}},
	)
}

func leftNavRows() []row {
	const path = "/portal_/api/filtering/leftnav/tenantsAndOrganizationInfo"
	get := func(as, prefix string) call { return call{as: as, method: "GET", path: prefix + path} }
	return []row{
		{name: "anonymous", call: get("", "/acme"), status: 401, contains: []string{"no_token"}},
		{name: "another organization", call: get("member", "/globex"), status: 404, contains: []string{"organization_not_found"}},
		{name: "a query that cannot be read", call: call{as: "member", method: "GET", path: path + "?a;b"}, status: 400, contains: []string{"the query cannot be read"}},
		{name: "member", call: get("member", "/{acme}"), status: 200, contains: []string{`"tenants":[`, `{"id":"tenant-01","name":"DefaultTenant"}`, `"organization":{"id":"{acme}","name":"acme"}}`}, lacks: []string{"Main"}},
		{name: "application", call: get("auditor", ""), status: 200},
		{name: "somebody else", call: get("globex", ""), status: 200, contains: []string{`"name":"globex"`}, lacks: []string{"DefaultTenant"}},
	}
}

// orchestratorRows are the rows of a GET about licenses behind a tenant.
func orchestratorRows(rest string, contains ...string) []row {
	get := func(as, prefix string) call {
		return call{as: as, method: "GET", path: prefix + odata + rest}
	}
	rows := []row{
		{name: "anonymous", call: get("", "/acme/DefaultTenant"), status: 401, contains: []string{"no_token"}},
		{name: "tampered token", call: get("tampered", "/acme/DefaultTenant"), status: 401, contains: []string{"invalid_token"}},
		{name: "another organization", call: get("administrator", "/globex/Main"), status: 404, contains: []string{"organization_not_found"}},
		{name: "host administrator", call: get("host", "/acme/DefaultTenant"), status: 404, contains: []string{"organization_not_found"}},
		{name: "a tenant of another organization", call: get("administrator", "/acme/Main"), status: 404, contains: []string{"there is no such tenant"}},
		{name: "its id", call: get("administrator", "/acme/tenant-02"), status: 404, contains: []string{"there is no such tenant"}},
		{name: "no tenant", call: get("administrator", "/acme"), status: 404, contains: []string{"the path names no tenant"}},
		{name: "encoded slash", call: get("administrator", "/acme%2F/DefaultTenant"), status: 400, contains: []string{"malformed_path"}},
		{name: "by name", call: get("reader", "/acme/defaulttenant"), status: 200, contains: contains},
		{name: "by id", call: get("administrator", "/{acme}/tenant-01"), status: 200, contains: contains},
	}
	for _, who := range notForReading {
		rows = append(rows, row{name: who, call: get(who, "/acme/DefaultTenant"), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

// odataRows are the options of a list.
func odataRows(rest string) []row {
	get := func(query string) call {
		return call{as: "reader", method: "GET", path: "/acme/DefaultTenant" + odata + rest + query}
	}
	return []row{
		{name: "the number of all", call: get("?$count=true&$top=0"), status: 200, contains: []string{`"@odata.count":`, `"value":[]`}},
		{name: "behind the last", call: get("?%24skip=1000&%24top=1000&$orderby=Key&$select=Key"), status: 200, contains: []string{`"value":[]`}, lacks: []string{"@odata.count"}},
		{name: "too many", call: get("?$top=1001"), status: 400, contains: []string{`"errors":{"$top":`}},
		{name: "a negative number", call: get("?$skip=-1"), status: 400, contains: []string{`"errors":{"$skip":`}},
		{name: "no number", call: get("?$top=all"), status: 400, contains: []string{`"errors":{"$top":`}},
		{name: "a part that would be dropped", call: get("?$top=1&$filter=Key%20eq%20'a;b'"), status: 400, contains: []string{"the query cannot be read"}},
		{name: "a filter", call: get("?$filter=(IsLicensed%20eq%20true)"), status: 400, contains: []string{`"errors":{"$filter":`}},
	}
}

func currentUserRows() []row {
	get := func(as, prefix string) call {
		return call{as: as, method: "GET", path: prefix + odata + "Users/" + function + "GetCurrentUser"}
	}
	return []row{
		{name: "anonymous", call: get("", "/acme/DefaultTenant"), status: 401, contains: []string{"no_token"}},
		{name: "no tenant", call: get("member", ""), status: 404, contains: []string{"the path names no tenant"}},
		{name: "a query that cannot be read", call: call{as: "member", method: "GET", path: "/acme/DefaultTenant" + odata + "Users/" + function + "GetCurrentUser?a;b"}, status: 400, contains: []string{"the query cannot be read"}},
		{name: "member", call: get("member", "/acme/DefaultTenant"), status: 200, contains: []string{`"Key":"member"`, `"UserName":"member"`, `"TenancyName":"DefaultTenant"`, `"TenantKey":"tenant-01","Type":"User"`}},
		{name: "application", call: get("auditor", "/acme/DefaultTenant"), status: 200, contains: []string{`"Key":"auditor"`, `"Type":"DirectoryExternalApplication"`, `"CreationTime":null`}},
	}
}

// portalElsewhereRows are paths of the two doors that nothing answers.
func portalElsewhereRows() (rows []row) {
	for _, path := range []string{
		"/acme/portal_/api/nothing", "/acme/portal_/portal_/portal_" + portalLicenses[len("/portal_"):], "/acme/portal_", "/portal_/portal_",
		"/acme/DefaultTenant/orchestrator_/odata/Robots", "/acme/DefaultTenant/orchestrator_", "/acme/DefaultTenant" + odata + "LicensesRuntime('x')/" + function + "ToggleEnabled",
		"/acme/DefaultTenant" + odata + "LicensesRuntime/" + function + "GetLicensesRuntime", "/acme/DefaultTenant/orchestrator_/api/Stats/GetLicenseStats",
	} {
		rows = append(rows, row{name: path, call: call{as: "administrator", method: "GET", path: path}, status: 404, contains: []string{"route_not_found"}})
	}
	return append(rows, row{
		name: "another method", call: call{as: "administrator", method: "PATCH", path: "/acme" + portalLicenses}, status: 405, allow: "DELETE, GET, HEAD, PUT",
	})
}
