package app_test

import "strings"

// nativeRows are what the four operations of our own door have in common. good is a body that makes something; another is
// a different one.
func nativeRows(path, good, another string, created row) []row {
	create := func(as, body string) call { return call{as: as, method: "POST", path: path, body: body} }
	created.name, created.call, created.status = "host administrator", create("host", good), 201
	again := created
	again.name, again.call, again.status, again.contains, again.events, again.chain = "twice", create("host", good), 409, []string{`"code":"duplicate"`}, nil, ""
	keyed := func(body string) call {
		c := create("host", body)
		c.header = map[string]string{"Idempotency-Key": "key-of-" + strings.ReplaceAll(path, "/", "-")}
		return c
	}
	typed := create("host", good)
	typed.header = map[string]string{"Content-Type": "text/plain"}
	rows := []row{
		{name: "anonymous", call: create("", good), status: 401, contains: []string{"no_token"}, lacks: []string{`"message"`}},
		{name: "tampered token", call: create("tampered", good), status: 401, contains: []string{"invalid_token"}},
		{name: "expired token", call: create("expired", good), status: 401, contains: []string{"invalid_token"}},
		created, again,
		{name: "refused with a key", call: keyed(good), status: 409, contains: []string{`"code":"duplicate"`}},
		{name: "other use of the key", call: keyed(another), status: 422, contains: []string{"idempotency_key_reused"}},
		{name: "type", call: typed, status: 415},
		{name: "over 1 MiB", call: create("host", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`), status: 413},
	}
	for _, as := range []string{"administrator", "member", "application", "reader", "writer"} {
		rows = append(rows, row{name: as, call: create(as, good), status: 403, contains: []string{"missing_permission"}})
	}
	for name, body := range map[string]string{
		"unknown field": strings.TrimSuffix(another, "}") + `,"nothing":1}`, "broken": `{`, "null": `null`, "list": `[]`, "wrong type": `{"id":7}`,
		"duplicate name": strings.TrimSuffix(another, "}") + `,"ID":"a","id":"b"}`, "id that cannot be": `{"id":"a b",` + strings.TrimPrefix(another, "{"),
	} {
		rows = append(rows, row{name: name, call: create("host", body), status: 400, contains: []string{`"code":"`}, lacks: []string{`"message"`}})
	}
	if strings.Contains(path, "/acme/") {
		rows = append(rows,
			row{name: "unknown organization", call: call{as: "host", method: "POST", path: strings.Replace(path, "acme", "nobody", 1), body: good}, status: 404, contains: []string{"organization_not_found"}},
			row{name: "organization of another", call: call{as: "globex", method: "POST", path: path, body: good}, status: 404, contains: []string{"organization_not_found"}},
			row{name: "unknown to the administrator", call: call{as: "administrator", method: "POST", path: strings.Replace(path, "acme", "globex", 1), body: good}, status: 404, contains: []string{"organization_not_found"}},
		)
	}
	return rows
}

// malformedValues are bodies of the right form with a value that makes no sense.
func malformedValues(path string, bodies map[string]string) []row {
	var rows []row
	for name, body := range bodies {
		rows = append(rows, row{name: name, call: call{as: "host", method: "POST", path: path, body: body}, status: 400, contains: []string{`"errors":{`}})
	}
	return rows
}

// meRows are everybody who has a token, and those who have none that counts.
func meRows() []row {
	const path = "/api/v1/me"
	ask := func(as string) call { return call{as: as, method: "GET", path: path} }
	rows := []row{
		{name: "anonymous", call: ask(""), status: 401, contains: []string{"no_token"}, lacks: []string{`"message"`}},
		{name: "only the head", call: call{as: "member", method: "HEAD", path: path}, status: 200},
		{name: "wrong method", call: call{as: "host", method: "POST", path: path, body: "{}"}, status: 405, allow: "GET, HEAD"},
		{name: "with a query and a body that nobody asked for", call: call{as: "member", method: "GET", path: path + "?id=host-admin", body: `{"id":"host-admin"}`}, status: 200, contains: []string{`"id":"member"`}},
	}
	for as, answer := range map[string]string{
		"host":                 `{"kind":"user","id":"host-admin","organization":"{host}","role":"host-administrator","scopes":[]}`,
		"administrator":        `{"kind":"user","id":"acme-admin","organization":"{acme}","role":"organization-administrator","scopes":[]}`,
		"member":               `{"kind":"user","id":"member","organization":"{acme}","role":"member","scopes":[]}`,
		"application":          `{"kind":"application","id":"acme-script","organization":"{acme}","scopes":["PM.License"]}`,
		"reader":               `{"kind":"application","id":"acme-script","organization":"{acme}","scopes":["PM.License.Read"]}`,
		"auditor":              `{"kind":"application","id":"auditor","organization":"{acme}","scopes":["PM.Audit"]}`,
		"globex administrator": `{"kind":"user","id":"globex-admin","organization":"{globex}","role":"organization-administrator","scopes":[]}`,
		"initech":              `{"kind":"application","id":"initech-script","organization":"{initech}","scopes":["PM.License"]}`,
	} {
		rows = append(rows, row{name: as, call: ask(as), status: 200, contains: []string{answer}})
	}
	for _, as := range []string{"expired", "early", "tampered", "truncated", "foreign", "unsigned", "symmetric", "stranger", "untyped"} {
		rows = append(rows, row{name: as + " token", call: ask(as), status: 401, contains: []string{"invalid_token"}})
	}
	return rows
}

func organizationRows() []row {
	const path = "/api/v1/organizations"
	rows := nativeRows(path, `{"id":"umbrella-id","name":"umbrella","displayName":"Umbrella"}`, `{"name":"other"}`, row{
		contains: []string{`"id":"umbrella-id"`, `"unknownUsers":"refuse"`, `"externalLicenses":false`}, chain: "host", events: []string{"organization.created umbrella-id"},
	})
	rows = append(rows, malformedValues(path, map[string]string{
		"no name": `{}`, "reserved": `{"name":"Lease_"}`, "name with a slash": `{"name":"a/b"}`, "name like an id": `{"name":"00000000-0000-4000-8000-000000000000"}`,
		"unknown policy": `{"name":"x","unknownUsers":"invite"}`, "control character": `{"name":"x","displayName":"a\u0007"}`,
	})...)
	return append(rows,
		row{name: "name in other letter case", call: call{as: "host", method: "POST", path: path, body: `{"name":"ACME"}`}, status: 409, contains: []string{"duplicate"}},
		row{name: "under an organization", call: call{as: "host", method: "POST", path: "/acme" + path, body: `{"name":"x"}`}, status: 404, contains: []string{"route_not_found"}},
	)
}

func tenantRows() []row {
	const path = "/api/v1/organizations/acme/tenants"
	return append(nativeRows(path, `{"id":"second-id","name":"Second"}`, `{"name":"third"}`, row{
		contains: []string{`"id":"second-id"`, `"name":"Second"`}, events: []string{"tenant.created second-id"},
	}), malformedValues(path, map[string]string{"no name": `{}`, "reserved": `{"name":"api"}`})...)
}

func userRows() []row {
	const path = "/api/v1/organizations/acme/users"
	return append(nativeRows(path, `{"id":"ella","userName":"ella","password":"correct horse battery","email":"ella@acme.example"}`, `{"userName":"other"}`, row{
		contains: []string{`"id":"ella"`, `"role":"member"`}, lacks: []string{"horse", "assword", "argon2"}, events: []string{"user.created ella"},
	}), malformedValues(path, map[string]string{
		"short password": `{"userName":"x","password":"short"}`, "password without a name": `{"password":"correct horse battery"}`,
		"role of the host": `{"role":"host-administrator"}`, "no role": `{"role":"king"}`, "mail address": `{"email":"ella"}`, "user name": `{"userName":"a b"}`,
	})...)
}

func lotRows() []row {
	const path = "/api/v1/organizations/acme/lots"
	return append(nativeRows(path, `{"id":"lot-1","code":"IDU","quantity":5,"end":"2990-01-01T00:00:00Z"}`, `{"code":"IDU","quantity":6,"end":"2990-01-01T00:00:00Z"}`, row{
		contains: []string{`"id":"lot-1"`, `"quantity":5`}, events: []string{"lot.created lot-1"},
	}), malformedValues(path, map[string]string{
		"no code": `{"quantity":5,"end":"2990-01-01T00:00:00Z"}`, "unknown code": `{"code":"NOTHING","quantity":5,"end":"2990-01-01T00:00:00Z"}`,
		"no unit": `{"code":"IDU","quantity":0,"end":"2990-01-01T00:00:00Z"}`, "minus one": `{"code":"IDU","quantity":-1,"end":"2990-01-01T00:00:00Z"}`,
		"too many": `{"code":"IDU","quantity":1000000001,"end":"2990-01-01T00:00:00Z"}`, "half a unit": `{"code":"IDU","quantity":0.5,"end":"2990-01-01T00:00:00Z"}`,
		"ends before it starts": `{"code":"IDU","quantity":1,"start":"2990-01-02T00:00:00Z","end":"2990-01-01T00:00:00Z"}`, "no end": `{"code":"IDU","quantity":1}`,
		"no time": `{"code":"IDU","quantity":1,"end":"tomorrow"}`, "grace": `{"code":"IDU","quantity":1,"end":"2990-01-01T00:00:00Z","graceSeconds":-1}`,
	})...)
}

const policies = "/api/v1/organizations/acme/policies"

// whoMayNotManage are they who are no administrators, and organizations that are not theirs.
func whoMayNotManage(c call) []row {
	as := func(who, path string) call {
		asked := c
		asked.as, asked.path = who, path
		return asked
	}
	rows := []row{
		{name: "anonymous", call: as("", c.path), status: 401, contains: []string{"no_token"}},
		{name: "tampered token", call: as("tampered", c.path), status: 401, contains: []string{"invalid_token"}},
		{name: "unknown organization", call: as("host", "/api/v1/organizations/nobody/policies"), status: 404, contains: []string{"organization_not_found"}},
		{name: "unknown to the administrator", call: as("administrator", "/api/v1/organizations/globex/policies"), status: 404, contains: []string{"organization_not_found"}},
		{name: "of another organization", call: as("globex administrator", c.path), status: 404, contains: []string{"organization_not_found"}},
		{name: "NUL", call: as("host", c.path+"%00"), status: 400, contains: []string{"malformed_path"}},
	}
	for _, who := range []string{"member", "application", "reader", "writer", "browser"} {
		rows = append(rows, row{name: who, call: as(who, c.path), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

func getPoliciesRows() []row {
	rows := whoMayNotManage(call{method: "GET", path: policies})
	for _, as := range []string{"administrator", "host"} {
		rows = append(rows, row{name: as, call: call{as: as, method: "GET", path: policies}, status: 200, contains: []string{
			`{"unknownUsers":"refuse","externalLicenses":false,"allocationMode":"replace","onLeave":"release","inactiveDays":90,"userLicensing":true}`,
		}})
	}
	return rows
}

func changePoliciesRows() []row {
	patch := func(as, body string) call { return call{as: as, method: "PATCH", path: policies, body: body} }
	keyed := func(body string) call {
		c := patch("administrator", body)
		c.header = map[string]string{"Idempotency-Key": "key-of-policies"}
		return c
	}
	typed := patch("host", `{}`)
	typed.header = map[string]string{"Content-Type": "text/plain"}
	changed := []string{"organization.updated {acme}"}
	rows := append(whoMayNotManage(patch("", `{"inactiveDays":30}`)),
		row{name: "nothing", call: patch("administrator", `{}`), status: 200, contains: []string{`"inactiveDays":90`}},
		row{name: "as it is", call: patch("administrator", `{"inactiveDays":90,"onLeave":null}`), status: 200},
		row{name: "administrator", call: patch("administrator", `{"inactiveDays":30,"onLeave":"orphan","allocationMode":"additive","unknownUsers":"provision","userLicensing":false}`), status: 200, events: changed, contains: []string{
			`{"unknownUsers":"provision","externalLicenses":false,"allocationMode":"additive","onLeave":"orphan","inactiveDays":30,"userLicensing":false}`,
		}},
		row{name: "external licenses by the administrator", call: patch("administrator", `{"externalLicenses":true}`), status: 403, contains: []string{"missing_permission", `"errors":{"externalLicenses":`}},
		row{name: "external licenses by the host", call: patch("host", `{"externalLicenses":true}`), status: 200, events: changed, contains: []string{`"externalLicenses":true`, `"onLeave":"orphan"`}},
		row{name: "back again", call: patch("host", `{"inactiveDays":90,"onLeave":"release","allocationMode":"replace","unknownUsers":"refuse","userLicensing":true,"externalLicenses":false}`), status: 200, events: changed},
		row{name: "key", call: keyed(`{"inactiveDays":91}`), status: 200, events: changed},
		row{name: "the same again", call: keyed(`{"inactiveDays":91}`), status: 200, contains: []string{`"inactiveDays":91`}},
		row{name: "other use of the key", call: keyed(`{"inactiveDays":90}`), status: 422, contains: []string{"idempotency_key_reused"}},
		row{name: "type", call: typed, status: 415},
		row{name: "over 1 MiB", call: patch("host", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`), status: 413},
	)
	for name, body := range map[string]string{
		"no days": `{"inactiveDays":0}`, "too many days": `{"inactiveDays":3651}`, "half a day": `{"inactiveDays":1.5}`, "an unknown mode": `{"allocationMode":"both"}`,
		"an unknown end": `{"onLeave":""}`, "unknown unknown users": `{"unknownUsers":"Refuse"}`, "an unknown field": `{"nothing":1}`, "null": `null`, "list": `[]`,
	} {
		rows = append(rows, row{name: name, call: patch("host", body), status: 400, contains: []string{`"code":"`}, lacks: []string{`"message"`}})
	}
	return rows
}
