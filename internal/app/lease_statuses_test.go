package app_test

import (
	"slices"
	"strings"
)

// The operations on rules, leases and sessions. The rows follow each other: what one makes another one reads or ends. Everybody is in the
// group everyone; member and changer open sessions.

// leaseTable are the operations in the order in which their rows have to run.
func leaseTable() []operationRows {
	return []operationRows{
		{"setGroupRule", append(setRuleRows("PUT", "key-of-put-rule"), ruleOfEverybodyRows()...)},
		{"postGroupRule", setRuleRows("POST", "key-of-post-rule")},
		{"openUserSession", openSessionRows()},
		{"setGroupRuleWithQuota", setQuotaRows()},
		{"getGroupRule", getRuleRows()},
		{"getGroupRuleWithQuota", getQuotaRows()},
		{"listGroupAllocations", listGroupAllocationsRows()},
		{"listGroupAllocationPage", groupPageRows()},
		{"listGroupRulesWithQuota", rulesWithQuotaRows()},
		{"getRulesOverview", overviewRows("/groups", `{"availableUserBundles":[{"code":"ACNU","allocated":0,"total":10},{"code":"ATTUNU","allocated":2,"total":10}`, `"allocatedUserBundles":["ATTUNU","TSTNU"],"useExternalLicense":false}`)},
		{"listGroupUsersInBulk", groupUsersRows("/bulk-users")},
		{"listGroupUsers", append(groupUsersRows("/user"), row{name: "too many", call: leaseRead("reader", "/group/everyone/user?top=1001"), status: 400, contains: []string{`"errors":{"top":`}})},
		{"getGroupAllocation", groupAllocationRows()},
		{"listExplicitAllocations", overviewRows("/users", `"id":"analyst-1","email":null,"name":null,"surname":null,"lastInUse":null,"userBundleLicenses":["PMBU"]`)},
		{"listExplicitAllocationPage", explicitPageRows()},
		{"getExplicitAllocation", explicitAllocationRows()},
		{"listHeldLicenses", heldRows()},
		{"getAvailableUserBundles", ofPersonRows("/%s/availableUserBundles",
			`"allocatedUserBundles":[],"explicitAllocation":false,"useExternalLicense":false,"groupLicenseInheritance":[{"group":"Everyone","useExternalLicense":false,"userBundleCodes":["ATTUNU"]}]`)},
		{"listUserBundleLeases", ofPersonRows("/%s/userBundleLeases", `[{"userId":"member","organizationId":"{acme}","userBundleCode":"ATTUNU","createdAt":`, `"groupId":"everyone"}]`)},
		{"listExplicitCodes", overviewRows("/ublCodes/explicit", `["AXPNU","PMBU"]`)},
		{"listGroupCodes", overviewRows("/ublCodes/group", `["ATTUNU","TSTNU"]`)},
		{"getLicenseInheritance", ofPersonRows("/licenseInheritance/%s",
			`{"currentlyUsedLicense":[{"group":"Everyone","useExternalLicense":false,"userBundleCodes":["ATTUNU"]}],"allGroupLicenseAllocationRules":[{"group":"Everyone","useExternalLicense":false,"userBundleCodes":["ATTUNU"]}]}`)},
		{"getUserLicenseState", ofPersonRows("/%s", `{"userId":"member","accountId":"{acme}","license_token":"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.`)},
		{"closeUserSession", closeSessionRows()},
		{"closeSessionOfUser", closeSessionOfRows()},
		{"releaseOwnLicenses", releaseRows()},
		{"revokeLease", revokeOneRows()},
		{"revokeLeases", revokeManyRows()},
		{"removeGroupRule", removeRuleRows()},
	}
}

func leaseRead(as, rest string) call { return call{as: as, method: "GET", path: licenses + rest} }

// whoMayNotLease are the rows of everybody who may not use an operation, and of organizations that are not theirs.
func whoMayNotLease(c call, forbidden ...string) []row {
	as := func(who, path string) call {
		asked := c
		asked.as, asked.path = who, path
		return asked
	}
	rest := strings.TrimPrefix(c.path, licenses)
	rows := []row{
		{name: "anonymous", call: as("", c.path), status: 401, contains: []string{"no_token"}},
		{name: "tampered token", call: as("tampered", c.path), status: 401, contains: []string{"invalid_token"}},
		{name: "application of another organization", call: as("globex", c.path), status: 404, contains: []string{"organization_not_found"}, lacks: []string{"globex"}},
		{name: "administrator of another organization", call: as("globex administrator", c.path), status: 404, contains: []string{"organization_not_found"}, lacks: []string{"globex"}},
		{name: "host administrator", call: as("host", c.path), status: 404, contains: []string{"organization_not_found"}},
		{name: "foreign organization", call: as("administrator", "/lease_/api/account/{globex}/user-license"+rest), status: 404, contains: []string{"organization_not_found"}},
		{name: "missing organization", call: as("administrator", "/lease_/api/account/nobody/user-license"+rest), status: 404, contains: []string{"organization_not_found"}},
		{name: "NUL", call: as("administrator", "/lease_/api/account/{acme}/user-license%00"+rest), status: 400, contains: []string{"malformed_path"}},
	}
	for _, who := range forbidden {
		rows = append(rows, row{name: who, call: as(who, c.path), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

var (
	notForReading = []string{"member", "writer", "auditor", "groups"}
	notForWriting = []string{"member", "reader", "auditor", "groups"}
	notForOwn     = []string{"application", "writer", "reader", "auditor"} // applications are no people
)

func setRuleRows(method, key string) []row {
	set := func(as, group, body string) call {
		return call{as: as, method: method, path: licenses + "/group/" + group, body: body}
	}
	works := set("administrator", "group-01", `{"userBundleCodes":["TSTNU","ATTUNU","TSTNU"]}`)
	changed := []string{"group_rule.set group-01"}
	rows := slices.Concat(whoMayNotLease(works, notForWriting...), bodyRows(works))
	first := row{name: "administrator", call: works, status: 200, contains: []string{`{"groupId":"group-01","organizationId":"{acme}","useExternalLicense":false,"userBundleCodes":["ATTUNU","TSTNU"]}`}}
	if method == "PUT" {
		first.events = changed
	}
	rows = append(rows,
		first,
		row{name: "again", call: works, status: 200},
		row{name: "application", call: set("application", "group-01", `{"userBundleLicenses":["ATTUNU","TSTNU"],"useExternalLicense":true}`), status: 200, contains: []string{`"useExternalLicense":true`}, events: changed},
		row{name: "the flag stays", call: set("writer", "group-01", `{"userBundleCodes":["ATTUNU","TSTNU"],"useExternalLicense":null}`), status: 200, contains: []string{`"useExternalLicense":true`}},
		row{name: "a priority", call: set("writer", "group-01", `{"userBundleCodes":["ATTUNU","TSTNU"],"useExternalLicense":false,"priority":7}`), status: 200, events: changed},
		row{name: "another priority", call: set("writer", "group-01", `{"userBundleCodes":["ATTUNU","TSTNU"],"priority":100}`), status: 200, events: changed},
		row{name: "unknown group", call: set("administrator", "group-99", works.body), status: 404, contains: []string{"there is no such group"}},
		row{name: "a group of another organization", call: set("administrator", canary, works.body), status: 404, contains: []string{"there is no such group"}},
		row{name: "an id that cannot be", call: set("administrator", "a%20b", works.body), status: 404, contains: []string{"there is no such group"}},
		row{name: "no license", call: call{as: "initech", method: method, path: "/lease_/api/account/{initech}/user-license/group/everyone", body: works.body}, status: 404, contains: []string{"no_license"}},
	)
	for name, refused := range map[string]struct{ body, reason string }{
		"no codes":                 {`{}`, `"errors":{"userBundleCodes":`},
		"null codes":               {`{"userBundleCodes":null,"userBundleLicenses":null}`, `"errors":{"userBundleCodes":`},
		"a code that is no bundle": {`{"userBundleCodes":["UNATT"]}`, "invalid_value"},
		"a code that is not":       {`{"userBundleCodes":["attunu"]}`, "invalid_value"},
		"a code that cannot be":    {`{"userBundleCodes":["ATT UNU"]}`, "malformed_id"},
		"codes are a text":         {`{"userBundleCodes":"ATTUNU"}`, "malformed_body"},
		"101 codes":                {`{"userBundleCodes":[` + numbered("CODE", 101) + `]}`, "too_many"},
		"a negative priority":      {`{"userBundleCodes":["ATTUNU"],"priority":-1}`, `"errors":{"priority":`},
		"a high priority":          {`{"userBundleCodes":["ATTUNU"],"priority":1000001}`, `"errors":{"priority":`},
		"half a priority":          {`{"userBundleCodes":["ATTUNU"],"priority":1.5}`, "this number is too large, or has a fraction where none can be"},
		"the flag is a text":       {`{"userBundleCodes":["ATTUNU"],"useExternalLicense":"yes"}`, "malformed_body"},
	} {
		rows = append(rows, row{name: name, call: set("administrator", "group-01", refused.body), status: 400, contains: []string{refused.reason}})
	}
	return append(rows, keyRows(key, works, set("administrator", "group-01", `{"userBundleCodes":[]}`), 200)...)
}

// ruleOfEverybodyRows make the rule that the sessions live by.
func ruleOfEverybodyRows() []row {
	set := func(group, body string) call {
		return call{as: "administrator", method: "PUT", path: licenses + "/group/" + group, body: body}
	}
	return []row{
		{name: "everybody", call: set("Everyone", `{"userBundleCodes":["ATTUNU"]}`), status: 200, events: []string{"group_rule.set everyone"}, contains: []string{`"groupId":"everyone"`}},
		{name: "nothing", call: set("administrators", `{"userBundleCodes":[]}`), status: 200, events: []string{"group_rule.set administrators"}, contains: []string{`"userBundleCodes":[]`}},
	}
}

func openSessionRows() []row {
	open := func(as, query, body string) call {
		return call{as: as, method: "POST", path: licenses + "/session" + query, body: body}
	}
	const studio = "?sessionId=s-1&clientType=studio"
	works := open("member", studio, `{"licenseUnits":["ATTR"]}`)
	rows := slices.Concat(whoMayNotLease(works, notForOwn...), bodyRows(works))
	rows = append(rows,
		row{
			name: "first", call: works, status: 200, events: []string{"lease.acquired member"},
			contains: []string{`{"userId":"member","accountId":"{acme}","externalLicense":false,"license_token":"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.`, `"userSession":{"globalId":"`},
		},
		row{name: "without a body", call: open("member", studio, ""), status: 200, contains: []string{`"userId":"member"`}},
		row{name: "null", call: open("member", studio, "null"), status: 200},
		row{name: "units are null", call: open("member", studio, `{"licenseUnits":null}`), status: 200},
		row{name: "no units", call: open("member", studio, `{"licenseUnits":[]}`), status: 200},
		row{name: "of somebody else", call: open("changer", studio, ""), status: 409, contains: []string{"duplicate", `"errors":{"sessionId":`}},
		row{name: "what nothing gives", call: open("member", studio, `{"licenseUnits":["ATTR","STDPRO"]}`), status: 403, contains: []string{"not_entitled"}},
		row{name: "no session", call: open("member", "?clientType=studio", ""), status: 400},
		row{name: "an empty session", call: open("member", "?sessionId=&clientType=studio", ""), status: 400, contains: []string{`"errors":{"sessionId":`}},
		row{name: "no client", call: open("member", "?sessionId=s-1", ""), status: 400, contains: []string{"the parameter clientType is missing", `"errors":{"clientType":`}},
		row{name: "an empty client", call: open("member", "?sessionId=s-1&clientType=", ""), status: 400, contains: []string{`"errors":{"clientType":`}},
		row{name: "a long client", call: open("member", "?sessionId=s-1&clientType="+strings.Repeat("x", 65), ""), status: 400, contains: []string{`"errors":{"clientType":`}},
		row{name: "a client with a line break", call: open("member", "?sessionId=s-1&clientType=a%0Ab", ""), status: 400, contains: []string{`"errors":{"clientType":`}},
		row{name: "101 units", call: open("member", studio, `{"licenseUnits":[`+numbered("UNIT", 101)+`]}`), status: 400, contains: []string{"too_many"}},
		row{name: "a unit that cannot be", call: open("member", studio, `{"licenseUnits":[""]}`), status: 400, contains: []string{"malformed_id"}},
	)
	return append(rows, keyRows("key-of-open", open("changer", "?sessionId=s-2&clientType=robot", "{}"), open("changer", "?sessionId=s-3&clientType=robot", "{}"), 200, "lease.acquired changer")...)
}

func setQuotaRows() []row {
	set := func(as, group, body string) call {
		return call{as: as, method: "PUT", path: licenses + "/group/" + group + "/with-quota", body: body}
	}
	limit := func(limit string) string {
		return `{"userBundleCodes":["ATTUNU"],"quotas":[{"userBundleCode":"ATTUNU","limit":` + limit + `}]}`
	}
	works := set("administrator", "everyone", limit("2"))
	rows := slices.Concat(whoMayNotLease(works, notForWriting...), bodyRows(works))
	rows = append(rows,
		row{
			name: "administrator", call: works, status: 200, events: []string{"group_rule.set everyone"},
			contains: []string{`{"groupRule":{"groupId":"everyone","organizationId":"{acme}","userBundleCodes":["ATTUNU"],"useExternalLicense":false,"priority":100},"quotas":[{"userBundleCode":"ATTUNU","limit":2,"currentUsage":2}]}`},
		},
		row{name: "as a decimal", call: set("writer", "everyone", limit("2.0")), status: 200},
		row{name: "below use", call: set("administrator", "everyone", limit("1")), status: 409, contains: []string{"quota_below_use", `"errors":{"quotas":`}},
		row{name: "unknown group", call: set("administrator", "group-99", limit("2")), status: 404, contains: []string{"there is no such group"}},
		row{name: "no license", call: call{as: "initech", method: "PUT", path: "/lease_/api/account/{initech}/user-license/group/everyone/with-quota", body: limit("2")}, status: 404, contains: []string{"no_license"}},
	)
	for name, body := range map[string]string{
		"none is no limit":      limit("0"),
		"a negative limit":      limit("-1"),
		"half a limit":          limit("2.5"),
		"too high a limit":      limit("1000000001"),
		"no number at all":      limit("1e300"),
		"a limit as a text":     limit(`"2"`),
		"of what is not in it":  `{"userBundleCodes":["ATTUNU"],"quotas":[{"userBundleCode":"TSTNU","limit":2}]}`,
		"two of one code":       `{"userBundleCodes":["ATTUNU"],"quotas":[{"userBundleCode":"ATTUNU","limit":2},{"userBundleCode":"ATTUNU","limit":3}]}`,
		"a quota without limit": `{"userBundleCodes":["ATTUNU"],"quotas":[{"userBundleCode":"ATTUNU"}]}`,
		"no codes":              `{"quotas":[]}`,
	} {
		rows = append(rows, row{name: name, call: set("administrator", "everyone", body), status: 400, contains: []string{`"code":"`}})
	}
	return append(rows, keyRows("key-of-quota", works, set("administrator", "everyone", limit("3")), 200)...)
}

// overviewRows are those of a question that has no parameter.
func overviewRows(rest string, contains ...string) []row {
	rows := whoMayNotLease(leaseRead("", rest), notForReading...)
	for _, as := range []string{"administrator", "application", "reader"} {
		rows = append(rows, row{name: as, call: leaseRead(as, rest), status: 200, contains: contains, lacks: []string{"globex", "null,null"}})
	}
	return rows
}

// ofGroupRows are those of a question about a group; %s stands for it.
func ofGroupRows(rest, group string, contains ...string) []row {
	rows := overviewRows(strings.Replace(rest, "%s", group, 1), contains...)
	for _, unknown := range []string{"group-99", canary, "a%20b"} {
		rows = append(rows, row{name: "unknown " + unknown, call: leaseRead("reader", strings.Replace(rest, "%s", unknown, 1)), status: 404, contains: []string{"there is no such group"}})
	}
	return rows
}

// ofPersonRows are those of a question about a person; %s stands for them.
func ofPersonRows(rest string, contains ...string) []row {
	rows := overviewRows(strings.Replace(rest, "%s", "member", 1), contains...)
	for _, unknown := range []string{"nobody", "globex-1", "a%20b"} {
		rows = append(rows, row{name: "unknown " + unknown, call: leaseRead("reader", strings.Replace(rest, "%s", unknown, 1)), status: 404, contains: []string{"there is no such user"}})
	}
	return append(rows, row{name: "who holds nothing", call: leaseRead("reader", strings.Replace(rest, "%s", "singer-77", 1)), status: 200})
}

func getRuleRows() []row {
	return append(ofGroupRows("/group/%s", "group-01", `{"availableUserBundles":[{"code":"ACNU","allocated":0,"total":10},{"code":"ATTUNU","allocated":2,"total":10},`, `"allocatedUserBundles":["ATTUNU","TSTNU"],"useExternalLicense":false}`),
		row{name: "a built-in group", call: leaseRead("reader", "/group/EVERYONE"), status: 200, contains: []string{`"allocatedUserBundles":["ATTUNU"]`}})
}

func getQuotaRows() []row {
	return append(ofGroupRows("/group/%s/with-quota", "everyone", `"quotas":[{"userBundleCode":"ATTUNU","limit":2,"currentUsage":2}]}`),
		row{name: "none", call: leaseRead("reader", "/group/group-01/with-quota"), status: 200, contains: []string{`"userBundleCodes":["ATTUNU","TSTNU"]`, `"quotas":[]`}})
}

func listGroupAllocationsRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: licenses + "/group", body: body}
	}
	works := post("reader", `{"groupIds":["group-01","group-99","EVERYONE","`+canary+`","everyone"]}`)
	rows := slices.Concat(whoMayNotLease(works, notForReading...), bodyRows(works))
	return append(rows,
		row{name: "reader", call: works, status: 200, lacks: []string{canary}, contains: []string{
			`[{"id":"group-01","name":"Group 01","userBundleLicenses":["ATTUNU","TSTNU"],"userBundleLeases":{"ATTUNU":0,"TSTNU":0},"useExternalLicense":false,"orphan":false},` +
				`{"id":"everyone","name":"Everyone","userBundleLicenses":["ATTUNU"],"userBundleLeases":{"ATTUNU":2},"useExternalLicense":false,"orphan":false}]`,
		}},
		row{name: "none", call: post("reader", `{"groupIds":[]}`), status: 400, contains: []string{`"errors":{"groupIds":`}},
		row{name: "1,001", call: post("reader", `{"groupIds":[`+numbered("g", 1001)+`]}`), status: 400, contains: []string{`"errors":{"groupIds":`}},
		row{name: "an id that cannot be", call: post("reader", `{"groupIds":["a b"]}`), status: 400, contains: []string{"malformed_id"}},
	)
}

// pageRefusals are the questions for a page that cannot be answered.
func pageRefusals(path string) []row {
	var rows []row
	for query, field := range map[string]string{
		"?sortBy=age": "sortBy", "?sortOrder=up": "sortOrder", "?skip=-1": "skip", "?top=-1": "top", "?skip=2147483648": "skip",
	} {
		rows = append(rows, row{name: query, call: leaseRead("reader", path+query), status: 400, contains: []string{`"errors":{"` + field + `":`}})
	}
	return append(rows, row{name: "no number", call: leaseRead("reader", path+"?top=many"), status: 400})
}

func groupPageRows() []row {
	rows := slices.Concat(overviewRows("/group/page", `{"totalCount":3,"results":[{"id":"administrators","name":"Administrators","userBundleLicenses":[],"userBundleLeases":{}`, `"id":"group-01"`), pageRefusals("/group/page"))
	return append(rows,
		row{name: "the last", call: leaseRead("reader", "/group/page?top=1&sortBy=Name&sortOrder=DESC"), status: 200, contains: []string{`{"totalCount":3,"results":[{"id":"group-01"`}},
		row{name: "by id", call: leaseRead("reader", "/group/page?skip=1&top=1&sortBy=id&sortOrder=asc"), status: 200, contains: []string{`{"totalCount":3,"results":[{"id":"everyone"`}},
		row{name: "by code", call: leaseRead("reader", "/group/page?userBundleLicenseCodes=TSTNU&userBundleLicenseCodes=IDU"), status: 200, contains: []string{`{"totalCount":1,"results":[{"id":"group-01"`}},
		row{name: "none of them", call: leaseRead("reader", "/group/page?top=0"), status: 200, contains: []string{`{"totalCount":3,"results":[]}`}},
		row{name: "too many", call: leaseRead("reader", "/group/page?top=1001"), status: 400, contains: []string{`"errors":{"top":`}},
		row{name: "a code that cannot be", call: leaseRead("reader", "/group/page?userBundleLicenseCodes=a%20b"), status: 400, contains: []string{"malformed_id"}},
	)
}

func rulesWithQuotaRows() []row {
	rows := slices.Concat(overviewRows("/groups/with-quota", `{"results":[{"groupRule":{"id":"administrators"`,
		`{"groupRule":{"id":"everyone","name":"Everyone","userBundleLicenses":["ATTUNU"],"userBundleLeases":{"ATTUNU":2},"useExternalLicense":false,"orphan":false,"userLicenseBundlesUnavailable":[]},"quotas":[{"userBundleCode":"ATTUNU","limit":2,"currentUsage":2}]}`,
		`"totalCount":3}`), pageRefusals("/groups/with-quota"))
	return append(rows,
		row{name: "more than there can be", call: leaseRead("reader", "/groups/with-quota?top=2000000000&sortBy=Name&sortOrder=Desc"), status: 200, contains: []string{`{"results":[{"groupRule":{"id":"group-01"`}},
		row{name: "the second", call: leaseRead("reader", "/groups/with-quota?skip=1&top=1"), status: 200, contains: []string{`{"results":[{"groupRule":{"id":"everyone"`, `"totalCount":3}`}},
	)
}

func groupUsersRows(end string) []row {
	rows := slices.Concat(ofGroupRows("/group/%s"+end, "everyone",
		`{"totalCount":2,"results":[{"id":"changer","email":null,"name":null,"surname":null,"displayName":null,"lastInUse":"`, `"userBundleLicenses":["ATTUNU"],"orphan":false}`), pageRefusals("/group/everyone"+end))
	return append(rows,
		row{name: "the last", call: leaseRead("reader", "/group/everyone"+end+"?sortBy=Id&sortOrder=desc&top=1"), status: 200, contains: []string{`{"totalCount":2,"results":[{"id":"member"`}, lacks: []string{"changer"}},
		row{name: "by use", call: leaseRead("reader", "/group/everyone"+end+"?sortBy=LastInUse&top=1000"), status: 200, contains: []string{`"totalCount":2`}},
		row{name: "nobody", call: leaseRead("reader", "/group/group-01"+end), status: 200, contains: []string{`{"totalCount":0,"results":[]}`}},
	)
}

func groupAllocationRows() []row {
	return append(ofGroupRows("/group/%s/allocation", "group-01", `{"id":"group-01","email":null,"name":"Group 01","surname":null,"lastInUse":null,"userBundleLicenses":["ATTUNU","TSTNU"],"useExternalLicense":false,"orphan":false}`),
		row{name: "no rule", call: call{as: "globex", method: "GET", path: "/lease_/api/account/{globex}/user-license/group/everyone/allocation"}, status: 404, contains: []string{"the group has no rule"}})
}

func explicitPageRows() []row {
	rows := slices.Concat(overviewRows("/user/page", `{"totalCount":13,"results":[{"id":"analyst-1",`), pageRefusals("/user/page"))
	return append(rows,
		row{name: "the last", call: leaseRead("reader", "/user/page?sortBy=Id&sortOrder=desc&top=1"), status: 200, contains: []string{`{"totalCount":13,"results":[{"id":"tester-3"`}},
		row{name: "by code", call: leaseRead("reader", "/user/page?userBundleLicenseCodes=TSTNU"), status: 200, contains: []string{`{"totalCount":0,"results":[]}`}},
		row{name: "too many", call: leaseRead("reader", "/user/page?top=1001"), status: 400, contains: []string{`"errors":{"top":`}},
	)
}

func explicitAllocationRows() []row {
	rows := overviewRows("/user/analyst-1/allocation", `{"id":"analyst-1","email":null,"name":null,"surname":null,"lastInUse":null,"userBundleLicenses":["PMBU"],"useExternalLicense":false,"orphan":false}`)
	return append(rows,
		row{name: "nothing", call: leaseRead("reader", "/user/member/allocation"), status: 404, contains: []string{"nothing is allocated"}},
		row{name: "nobody", call: leaseRead("reader", "/user/globex-1/allocation"), status: 404, contains: []string{"there is no such user"}},
	)
}

func heldRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: licenses + "/license/users", body: body}
	}
	works := post("reader", `{"userIds":["member","analyst-1","nobody","globex-1","singer-77"]}`)
	rows := slices.Concat(whoMayNotLease(works, notForReading...), bodyRows(works))
	return append(rows,
		row{name: "reader", call: works, status: 200, contains: []string{
			`[{"userId":"member","userBundleCodes":["ATTUNU"],"useExternalLicense":false,"inheritedFromGroup":true},` +
				`{"userId":"analyst-1","userBundleCodes":["PMBU"],"useExternalLicense":false,"inheritedFromGroup":false},` +
				`{"userId":"singer-77","userBundleCodes":[],"useExternalLicense":false,"inheritedFromGroup":false}]`,
		}},
		row{name: "none", call: post("reader", `{"userIds":[]}`), status: 400, contains: []string{`"errors":{"userIds":`}},
		row{name: "1,001", call: post("reader", `{"userIds":[`+numbered("u", 1001)+`]}`), status: 400, contains: []string{"too_many"}},
	)
}

func closeSessionRows() []row {
	end := func(as, query string) call {
		return call{as: as, method: "DELETE", path: licenses + "/session" + query}
	}
	rows := whoMayNotLease(end("", "?sessionId=s-1"), notForOwn...)
	rows = append(rows,
		row{name: "of somebody else", call: end("changer", "?sessionId=s-1"), status: 404, contains: []string{"there is no such session"}},
		row{name: "unknown", call: end("member", "?sessionId=s-9"), status: 404, contains: []string{"there is no such session"}},
		row{name: "none", call: end("member", ""), status: 400},
		row{name: "an id that cannot be", call: end("member", "?sessionId=a%20b"), status: 400, contains: []string{`"errors":{"sessionId":`}},
	)
	rows = append(rows, keyRows("key-of-close", end("member", "?sessionId=s-1"), end("member", "?sessionId=s-2"), 200)...)
	return append(rows, row{name: "again", call: end("member", "?sessionId=s-1"), status: 404})
}

func closeSessionOfRows() []row {
	end := func(as, user, query string) call {
		return call{as: as, method: "DELETE", path: licenses + "/" + user + "/session" + query}
	}
	rows := whoMayNotLease(end("", "changer", "?sessionId=s-2"), notForWriting...)
	rows = append(rows,
		row{name: "of somebody else", call: end("writer", "member", "?sessionId=s-2"), status: 404, contains: []string{"there is no such session"}},
		row{name: "of nobody", call: end("writer", "a%20b", "?sessionId=s-2"), status: 404, contains: []string{"there is no such user"}},
		row{name: "none", call: end("writer", "changer", ""), status: 400},
	)
	rows = append(rows, keyRows("key-of-close-of", end("writer", "changer", "?sessionId=s-2"), end("writer", "changer", "?sessionId=s-3"), 200)...)
	return append(rows, row{name: "again", call: end("administrator", "changer", "?sessionId=s-2"), status: 404})
}

func releaseRows() []row {
	release := func(as string) call { return call{as: as, method: "DELETE", path: licenses + "/currentUser"} }
	other := release("member")
	other.method, other.path = "POST", licenses+"/session?sessionId=s-4&clientType=studio"
	rows := append(whoMayNotLease(release(""), notForOwn...),
		row{name: "administrator", call: release("administrator"), status: 200, contains: []string{`{"successfulUserIds":["acme-admin"],"failedUserIds":[]}`}},
	)
	rows = append(rows, keyRows("key-of-release", release("member"), other, 200, "lease.released member")...)
	return append(rows, row{name: "again", call: release("member"), status: 200, contains: []string{`{"successfulUserIds":["member"],"failedUserIds":[]}`}})
}

func revokeOneRows() []row {
	revoke := func(as, group, user string) call {
		return call{as: as, method: "DELETE", path: licenses + "/group/" + group + "/user/" + user}
	}
	rows := append(whoMayNotLease(revoke("", "everyone", "changer"), notForWriting...),
		row{name: "unknown group", call: revoke("writer", "group-99", "changer"), status: 404, contains: []string{"there is no such group"}},
		row{name: "unknown person", call: revoke("writer", "everyone", "nobody"), status: 404, contains: []string{"there is no such user"}},
		row{name: "no id", call: revoke("writer", "everyone", "a%20b"), status: 404, contains: []string{"there is no such user"}},
		row{name: "through another group", call: revoke("writer", "group-01", "changer"), status: 200},
	)
	rows = append(rows, keyRows("key-of-revoke", revoke("writer", "Everyone", "changer"), revoke("writer", "everyone", "member"), 200, "lease.revoked changer")...)
	return append(rows, row{name: "again", call: revoke("administrator", "everyone", "changer"), status: 200})
}

func revokeManyRows() []row {
	revoke := func(as, group, body string) call {
		return call{as: as, method: "DELETE", path: licenses + "/group/" + group + "/user", body: body}
	}
	works := revoke("writer", "everyone", `{"userIds":["member","changer","member"]}`)
	rows := slices.Concat(whoMayNotLease(works, notForWriting...), bodyRows(works))
	rows = append(rows,
		row{name: "unknown group", call: revoke("writer", "group-99", works.body), status: 404, contains: []string{"there is no such group"}},
		row{name: "one is unknown", call: revoke("writer", "everyone", `{"userIds":["member","nobody"]}`), status: 404, contains: []string{"there is no such user"}},
		row{name: "one is of another organization", call: revoke("writer", "everyone", `{"userIds":["member","globex-1"]}`), status: 404, contains: []string{"there is no such user"}},
		row{name: "none", call: revoke("writer", "everyone", `{"userIds":[]}`), status: 400, contains: []string{`"errors":{"userIds":`}},
		row{name: "1,001", call: revoke("writer", "everyone", `{"userIds":[`+numbered("u", 1001)+`]}`), status: 400, contains: []string{"too_many"}},
	)
	return append(rows, keyRows("key-of-revoke-many", works, revoke("writer", "everyone", `{"userIds":["member"]}`), 200)...)
}

func removeRuleRows() []row {
	remove := func(as, group string) call {
		return call{as: as, method: "DELETE", path: licenses + "/group/" + group}
	}
	rows := append(whoMayNotLease(remove("", "group-01"), notForWriting...),
		row{name: "unknown group", call: remove("writer", "group-99"), status: 404, contains: []string{"there is no such group"}},
		row{name: "everybody", call: remove("administrator", "everyone"), status: 200, events: []string{"group_rule.removed everyone"}},
		row{name: "administrators", call: remove("application", "administrators"), status: 200, events: []string{"group_rule.removed administrators"}},
	)
	rows = append(rows, keyRows("key-of-remove-rule", remove("writer", "group-01"), remove("writer", "everyone"), 200, "group_rule.removed group-01")...)
	return append(rows, row{name: "again", call: remove("administrator", "group-01"), status: 200})
}
