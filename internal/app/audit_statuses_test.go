package app_test

import (
	"maps"
	"slices"
	"strings"
)

// auditRows are what every operation on the audit log has in common. path is without a prefix; found is in the answer to whoever
// reads acme's log, hosts in the one to the host about itself.
func auditRows(path string, found, hosts []string) []row {
	get := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	rows := whoMayNotOfPeople(get("", path), "member", "application", "reader", "writer", "people", "people reader")
	for _, as := range []string{"administrator", "auditor", "audit reader"} {
		rows = append(rows, row{name: as, call: get(as, path), status: 200, contains: found, lacks: []string{"globex-1", "{password}", "argon2", "{secret}"}})
	}
	for _, prefix := range []string{"/acme", "/ACME/DefaultTenant", "//{acme}/", "/acme/anything"} {
		rows = append(rows, row{name: "under " + prefix, call: get("audit reader", prefix+path), status: 200, contains: found})
	}
	rows = append(rows,
		row{name: "other letter case, a slash at the end", call: get("auditor", strings.ToUpper(path[:len("/audit_")])+strings.Replace(path[len("/audit_"):], "api", "API", 1)+"/?language=de&api-version=1"), status: 200, contains: found},
		row{name: "semicolon", call: get("auditor", path+"?userName=nobody;x"), status: 400, contains: []string{`"code":"invalid_value"`, "semicolon"}},
		row{name: "broken escape", call: get("auditor", path+"?userName=%zz"), status: 400, contains: []string{`"code":"invalid_value"`}},
		row{name: "HEAD", call: call{as: "auditor", method: "HEAD", path: path}, status: 200},
		row{name: "POST", call: call{as: "auditor", method: "POST", path: path, body: "{}"}, status: 405, allow: "GET, HEAD"},
		row{name: "with the headers of a write", call: call{
			as: "auditor", method: "GET", path: path, header: map[string]string{"Content-Type": "application/json", "Idempotency-Key": ""},
		}, status: 200, contains: found},
		row{name: "host about an organization", call: get("host", "/acme"+path), status: 404, contains: []string{"organization_not_found"}},
	)
	if strings.Contains(path, "{acme}") {
		ofGlobex, ofNobody, ofHost := strings.Replace(path, "{acme}", "globex", 1), strings.Replace(path, "{acme}", "nobody", 1), strings.Replace(path, "{acme}", "{host}", 1)
		for _, as := range []string{"administrator", "auditor", "host"} {
			rows = append(rows,
				row{name: as + " about another organization", call: get(as, ofGlobex), status: 404, contains: []string{"organization_not_found"}},
				row{name: as + " about nobody", call: get(as, ofNobody), status: 404, contains: []string{"organization_not_found"}},
			)
		}
		return append(rows,
			row{name: "organization about the host", call: get("administrator", ofHost), status: 404, contains: []string{"organization_not_found"}},
			row{name: "host about itself", call: get("host", ofHost), status: 200, contains: hosts},
			row{name: "host about acme", call: get("host", path), status: 404, contains: []string{"organization_not_found"}},
			row{name: "by name", call: get("auditor", strings.Replace(path, "{acme}", "Acme", 1)), status: 200, contains: found},
		)
	}
	return append(rows,
		row{name: "host about itself", call: get("host", path), status: 200, contains: hosts},
		row{name: "host under its own prefix", call: get("host", "/host"+path), status: 200, contains: hosts},
		row{name: "organization under the prefix of the host", call: get("administrator", "/host"+path), status: 404, contains: []string{"organization_not_found"}},
	)
}

// badQueries are queries that mean nothing, by the parameter that the answer has to name.
func badQueries(path string, queries map[string]string) []row {
	var rows []row
	for _, query := range slices.Sorted(maps.Keys(queries)) {
		rows = append(rows, row{
			name: query, call: call{as: "auditor", method: "GET", path: path + "?" + query}, status: 400, contains: []string{`"code":"invalid_value"`, `"errors":{"` + queries[query] + `":`},
		})
	}
	return rows
}

var badFilters = map[string]string{
	"startTime=yesterday": "startTime", "endTime=0001-01-01": "endTime", "startTime=2026-13-01": "startTime", "endTime=1767225600": "endTime", "endTime=2026-03-01T09:00:00+01:00": "endTime",
	"entityType=Robot": "entityType", "operationType=Erase": "operationType", "userName=%00": "userName", "userName=%ff": "userName", "userName=a&userName=b": "userName",
	"userName=" + strings.Repeat("n", 257): "userName",
}

func auditListRows(path string) []row {
	get := func(query string) call { return call{as: "auditor", method: "GET", path: path + "?" + query} }
	rows := auditRows(path, []string{`"totalCount":`, `"category":"`, `"detailsVersion":"auditEventV1"`, `"auditLogDetails":"{\"sequence\":`}, []string{"organization.created"})
	rows = append(rows, badQueries(path, badFilters)...)
	rows = append(rows, badQueries(path, map[string]string{
		"top=1001": "top", "top=-1": "top", "top=ten": "top", "top=2147483648": "top", "top=1.5": "top", "top=": "top", "skip=-1": "skip", "skip=x": "skip", "top=1&top=2": "top",
		"sortBy=message": "sortBy", "sortBy=userName": "sortBy", "sortBy=EMAIL": "sortBy", "sortOrder=up": "sortOrder",
	})...)
	return append(rows,
		row{name: "no entry", call: get("top=0"), status: 200, contains: []string{`"results":[]`}, lacks: []string{`"totalCount":0`}},
		row{name: "behind the end", call: get("skip=2147483647"), status: 200, contains: []string{`"results":[]`}},
		row{name: "the most", call: get("top=1000&skip=0&sortBy=CreatedOn&sortOrder=DESC"), status: 200, contains: []string{`"action":"Purchase"`}},
		row{name: "of one person", call: get("userName=ADMIN@acme.example"), status: 200, contains: []string{`"userName":"admin@acme.example"`}, lacks: []string{`"userName":"system"`}},
		row{name: "of the server", call: get("userName=system"), status: 200, contains: []string{`"userName":"system"`}},
		row{name: "of nobody", call: get("userName=nobody"), status: 200, contains: []string{`{"totalCount":0,"results":[]}`}},
		row{name: "of another organization's person", call: get("userName=globex-1"), status: 200, contains: []string{`{"totalCount":0,"results":[]}`}},
		row{name: "of one kind", call: get("entityType=license&operationType=PURCHASE&top=100"), status: 200, contains: []string{`"totalCount":13`, "entered the purchase"}, lacks: []string{"allocated"}},
		row{name: "of no kind", call: get("entityType=Tenant&operationType=Purchase"), status: 200, contains: []string{`{"totalCount":0,"results":[]}`}},
		row{name: "by category", call: get("sortBy=Category&sortOrder=desc&top=1"), status: 200, contains: []string{`"category":"User"`}},
		row{name: "by action", call: get("sortBy=action&top=1"), status: 200, contains: []string{`"action":"Acquire"`}},
		row{name: "in the future", call: get("startTime=2999-01-01"), status: 200, contains: []string{`{"totalCount":0,"results":[]}`}},
		row{name: "in the past", call: get("endTime=1999-12-31T23:59:59.9999999"), status: 200, contains: []string{`{"totalCount":0,"results":[]}`}},
		row{name: "until the future", call: get("startTime=2000-01-01T00:00:00Z&endTime=2999-01-01T00:00:00%2B01:00&top=1"), status: 200, contains: []string{`"results":[{`}},
		row{name: "what else is sent", call: get("$count=false&more=1&userName="), status: 200, contains: []string{`"results":[{`}},
	)
}

func auditFileRows(path string) []row {
	get := func(query string) call { return call{as: "auditor", method: "GET", path: path + "?" + query} }
	const head = "createdOn,category,action,userName,email,message,source,auditLogDetails\r\n"
	rows := auditRows(path, []string{head, ",License,Allocate,", "admin@acme.example"}, []string{head, ",SigningKey,Create,"})
	rows = append(rows, badQueries(path, badFilters)...)
	rows = append(rows, badQueries(path, map[string]string{"size=100001": "size", "size=-1": "size", "size=all": "size", "size=2147483648": "size"})...)
	return append(rows,
		row{name: "as the guide has it", call: call{as: "auditor", method: "GET", path: path + "/?language=en&size=13"}, status: 200, contains: []string{head}},
		row{name: "no entry", call: get("size=0"), status: 200, contains: []string{head}, lacks: []string{"License"}},
		row{name: "the most", call: get("size=100000"), status: 200, contains: []string{head, ",License,Purchase,"}},
		row{name: "of one kind", call: get("entityType=Tenant"), status: 200, contains: []string{",Tenant,Create,"}, lacks: []string{",License,"}},
	)
}

func auditEventRows(path string) []row {
	get := func(query string) call { return call{as: "auditor", method: "GET", path: path + "?" + query} }
	rows := auditRows(path, []string{`"auditEvents":[{"id":"`, `"organizationName":"acme"`, `"tenantId":null`, `"status":0`}, []string{`"organizationName":"host"`, `"eventType":"signing_key.created"`})
	rows = append(rows, badQueries(path, map[string]string{
		"maxCount=0": "maxCount", "maxCount=-1": "maxCount", "maxCount=x": "maxCount", "beforeId=0": "beforeId", "beforeId=-1": "beforeId", "beforeId=x": "beforeId",
		"beforeId=9223372036854775808": "beforeId", "to=now": "to", "before=1": "before",
	})...)
	return append(rows,
		row{name: "more than the most", call: get("maxCount=2147483647&to=2999-01-01T00:00:00Z"), status: 200, contains: []string{`"next":"/acme/orgaudit_/api/query/events?before=`, `"previous":null`}, lacks: []string{`"id":"1",`}},
		row{name: "one", call: get("maxCount=1"), status: 200, contains: []string{`"next":"/acme/orgaudit_/api/query/events?before=`, `"previous":null`}},
		row{name: "the first", call: get("beforeId=2&maxCount=1"), status: 200, contains: []string{`"id":"1"`, `"next":null,"previous":"/acme/orgaudit_/api/query/events?beforeId=3\u0026maxCount=1"`}},
		row{name: "before all", call: get("to=1999-01-01"), status: 200, contains: []string{`{"auditEvents":[],"next":null,"previous":null}`}},
		row{name: "with both bounds", call: get("beforeId=9223372036854775807&before=1999-01-01&to=2999-01-01"), status: 200, contains: []string{`{"auditEvents":[],"next":null,"previous":null}`}},
	)
}
