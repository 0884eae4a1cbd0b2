package app_test

import (
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/licensefile"
)

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
	return append(append(nativeRows(path, `{"id":"lot-1","code":"IDU","quantity":5,"end":"2990-01-01T00:00:00Z"}`, `{"code":"IDU","quantity":6,"end":"2990-01-01T00:00:00Z"}`, row{
		contains: []string{`"id":"lot-1"`, `"quantity":5`}, events: []string{"lot.created lot-1"},
	}), malformedValues(path, map[string]string{
		"no code": `{"quantity":5,"end":"2990-01-01T00:00:00Z"}`, "unknown code": `{"code":"NOTHING","quantity":5,"end":"2990-01-01T00:00:00Z"}`,
		"no unit": `{"code":"IDU","quantity":0,"end":"2990-01-01T00:00:00Z"}`, "minus one": `{"code":"IDU","quantity":-1,"end":"2990-01-01T00:00:00Z"}`,
		"too many": `{"code":"IDU","quantity":1000000001,"end":"2990-01-01T00:00:00Z"}`, "half a unit": `{"code":"IDU","quantity":0.5,"end":"2990-01-01T00:00:00Z"}`,
		"ends before it starts": `{"code":"IDU","quantity":1,"start":"2990-01-02T00:00:00Z","end":"2990-01-01T00:00:00Z"}`, "no end": `{"code":"IDU","quantity":1}`,
		"no time": `{"code":"IDU","quantity":1,"end":"tomorrow"}`, "grace": `{"code":"IDU","quantity":1,"end":"2990-01-01T00:00:00Z","graceSeconds":-1}`,
	})...), row{
		name: "of the host itself", call: call{as: "host", method: "POST", path: "/api/v1/organizations/host/lots", body: `{"id":"of-the-host","code":"IDU","quantity":9,"end":"2990-01-01T00:00:00Z"}`},
		status: 201, contains: []string{`"of-the-host"`, `"state":"active"`}, chain: "host", events: []string{"lot.created of-the-host"},
	})
}

// distributed are rows between which acme has units from the host that are no purchase.
func distributed(between row) []row {
	give := func(units string) row {
		return row{name: "the host gives " + units, of: "allocateOrganizationLicense", chain: "host", status: 200, events: []string{"distribution.set {acme}"}, call: call{
			as: "host", method: "PUT", path: "/lrm/api/host/{host}/organization/{acme}/license", body: `{"productQuantities":[{"code":"IDU","quantity":` + units + `}]}`,
		}}
	}
	between.name, between.status, between.contains = "what the host distributes", 409, []string{"distributed_by_host"}
	return []row{give("2"), between, give("0")}
}

// readPurchaseRows are who may read what belongs to purchases of acme, and where they are refused.
func readPurchaseRows(path string, contains ...string) []row {
	ask := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	rows := []row{
		{name: "anonymous", call: ask("", path), status: 401, contains: []string{"no_token"}},
		{name: "unknown organization", call: ask("host", strings.Replace(path, "acme", "nobody", 1)), status: 404, contains: []string{"organization_not_found"}},
		{name: "of another", call: ask("globex administrator", path), status: 404, contains: []string{"organization_not_found"}},
		{name: "of another application", call: ask("globex", path), status: 404, contains: []string{"organization_not_found"}},
	}
	for _, as := range []string{"host", "administrator", "application", "reader"} {
		rows = append(rows, row{name: as, call: ask(as, path), status: 200, contains: contains})
	}
	for _, as := range []string{"member", "writer", "people"} {
		rows = append(rows, row{name: as, call: ask(as, path), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

func listLotsRows() []row {
	const path = "/api/v1/organizations/acme/lots"
	return append(readPurchaseRows(path, `"lots":[{`, `"id":"lot-1","code":"IDU","quantity":5,`, `"state":"active"`),
		row{name: "of a code", call: call{as: "host", method: "GET", path: path + "?code=IDU"}, status: 200, contains: []string{`"lot-1"`}, lacks: []string{"ATTUNU"}},
		row{name: "of a code that nobody sells", call: call{as: "host", method: "GET", path: path + "?code=NOTHING"}, status: 200, contains: []string{`{"lots":[]}`}},
		row{name: "two codes", call: call{as: "host", method: "GET", path: path + "?code=IDU&code=ATTUNU"}, status: 400},
		row{name: "of the host", call: call{as: "host", method: "GET", path: "/api/v1/organizations/host/lots"}, status: 200, contains: []string{`{"lots":[`}},
		row{name: "of the host by its id", call: call{as: "host", method: "GET", path: "/api/v1/organizations/{host}/lots"}, status: 200, contains: []string{`{"lots":[`}},
	)
}

func getLotRows() []row {
	const path = "/api/v1/organizations/acme/lots/lot-1"
	return append(readPurchaseRows(path, `"id":"lot-1","code":"IDU","quantity":5,`, `"state":"active"`),
		row{name: "unknown", call: call{as: "host", method: "GET", path: path + "1"}, status: 404, contains: []string{`"code":"not_found"`}},
		row{name: "id that cannot be", call: call{as: "host", method: "GET", path: path + "%20"}, status: 400, contains: []string{"malformed_id"}},
		row{name: "of globex", call: call{as: "host", method: "GET", path: "/api/v1/organizations/acme/lots/" + canary}, status: 404, contains: []string{`"code":"not_found"`}},
	)
}

func changeLotRows() []row {
	const path = "/api/v1/organizations/acme/lots/lot-1"
	change := func(as, body string) call { return call{as: as, method: "PATCH", path: path, body: body} }
	typed, keyed := change("host", `{"quantity":6}`), change("host", `{"quantity":6}`)
	typed.header, keyed.header = map[string]string{"Content-Type": "text/plain"}, map[string]string{"Idempotency-Key": "key-of-a-change"}
	other := change("host", `{"quantity":8}`)
	other.header = keyed.header
	elsewhere := func(as, path string) call { return call{as: as, method: "PATCH", path: path, body: `{"quantity":7}`} }
	rows := []row{
		{name: "anonymous", call: change("", `{}`), status: 401, contains: []string{"no_token"}},
		{name: "renewal", call: change("host", `{"end":"2991-01-01T00:00:00Z","order":"PO-2"}`), status: 200, contains: []string{`"quantity":5`, `"end":"2991-01-01T00:00:00Z"`, `"order":"PO-2"`, `"state":"active"`}, events: []string{"lot.changed lot-1"}},
		{name: "the same again", call: change("host", `{"end":"2991-01-01T00:00:00Z","order":"PO-2"}`), status: 200, contains: []string{`"quantity":5`}},
		{name: "nothing", call: change("host", `{}`), status: 200, contains: []string{`"quantity":5`}},
		{name: "quantity", call: keyed, status: 200, contains: []string{`"quantity":6`}, events: []string{"lot.changed lot-1"}},
		{name: "key again", call: keyed, status: 200, contains: []string{`"quantity":6`}},
		{name: "other use of the key", call: other, status: 422, contains: []string{"idempotency_key_reused"}},
		{name: "early end", call: change("host", `{"end":"2026-06-01T00:00:00Z","start":"2026-05-01T00:00:00Z","graceSeconds":0}`), status: 200, contains: []string{`"state":"expired"`}, events: []string{"lot.changed lot-1"}},
		{name: "grace", call: change("host", `{"graceSeconds":315360000}`), status: 200, contains: []string{`"state":"in_grace"`}, events: []string{"lot.changed lot-1"}},
		{name: "type", call: typed, status: 415},
		{name: "over 1 MiB", call: change("host", `{"order":"`+strings.Repeat("x", 1<<20)+`"}`), status: 413},
		{name: "unknown purchase", call: elsewhere("host", path+"1"), status: 404, contains: []string{`"code":"not_found"`}},
		{name: "unknown organization", call: elsewhere("host", strings.Replace(path, "acme", "nobody", 1)), status: 404, contains: []string{"organization_not_found"}},
		{name: "of globex", call: elsewhere("host", "/api/v1/organizations/acme/lots/"+canary), status: 404, contains: []string{`"code":"not_found"`}},
	}
	for name, body := range map[string]string{
		"no unit": `{"quantity":0}`, "too many": `{"quantity":1000000001}`, "half a unit": `{"quantity":1.5}`, "ends before it starts": `{"end":"2026-04-01T00:00:00Z"}`,
		"no time": `{"end":"tomorrow"}`, "the year 1": `{"start":"0001-01-01T00:00:00Z"}`, "the year 10000 elsewhere": `{"end":"9999-12-31T23:59:59-01:00"}`, "a grace into the year 10000": `{"end":"9999-12-31T23:59:59Z","graceSeconds":1}`, "no grace": `{"graceSeconds":-1}`, "long grace": `{"graceSeconds":9223372036854775807}`,
		"another code": `{"code":"ATTUNU"}`, "another id": `{"id":"lot-2"}`, "control character": `{"order":"a\u0007"}`, "null": `null`, "list": `[]`,
	} {
		rows = append(rows, row{name: name, call: change("host", body), status: 400, contains: []string{`"code":"`}})
	}
	for _, as := range []string{"administrator", "member", "application", "writer"} {
		rows = append(rows, row{name: as, call: change(as, `{"quantity":7}`), status: 403, contains: []string{"missing_permission"}})
	}
	return append(rows, distributed(row{call: call{as: "host", method: "PATCH", path: "/api/v1/organizations/acme/lots/host-IDU", body: `{"quantity":7}`}})...)
}

func removeLotRows() []row {
	const path = "/api/v1/organizations/acme/lots/lot-1"
	remove := func(as, path string) call { return call{as: as, method: "DELETE", path: path} }
	keyed := remove("host", path)
	keyed.header = map[string]string{"Idempotency-Key": "key-of-a-removal"}
	other := remove("host", path+"1")
	other.header = keyed.header
	malformed := remove("host", path)
	malformed.header = map[string]string{"Idempotency-Key": ""}
	rows := []row{
		{name: "anonymous", call: remove("", path), status: 401, contains: []string{"no_token"}},
		{name: "empty key", call: malformed, status: 400, contains: []string{"malformed_idempotency_key"}},
		{name: "of globex", call: remove("host", "/api/v1/organizations/acme/lots/"+canary), status: 404, contains: []string{`"code":"not_found"`}},
		{name: "unknown organization", call: remove("host", strings.Replace(path, "acme", "nobody", 1)), status: 404, contains: []string{"organization_not_found"}},
	}
	for _, as := range []string{"administrator", "member", "application", "writer"} {
		rows = append(rows, row{name: as, call: remove(as, path), status: 403, contains: []string{"missing_permission"}})
	}
	rows = append(rows, distributed(row{call: remove("host", "/api/v1/organizations/acme/lots/host-IDU")})...)
	return append(rows,
		row{name: "host administrator", call: keyed, status: 200, contains: []string{`"id":"lot-1"`}, events: []string{"lot.removed lot-1"}},
		row{name: "key again", call: keyed, status: 200, contains: []string{`"id":"lot-1"`}},
		row{name: "other use of the key", call: other, status: 422, contains: []string{"idempotency_key_reused"}},
		row{name: "once more", call: remove("host", path), status: 404, contains: []string{`"code":"not_found"`}},
	)
}

func listNoticesRows() []row {
	const path = "/api/v1/organizations/acme/notices"
	rows := append(readPurchaseRows(path, `"notices":[`),
		row{name: "one, that stands", call: call{as: "host", method: "GET", path: path + "?top=1&standing=true&before=100000"}, status: 200, contains: []string{`"notices":[`}},
		row{name: "of the host", call: call{as: "host", method: "GET", path: "/api/v1/organizations/host/notices"}, status: 200, contains: []string{`{"notices":[]}`}},
	)
	for name, query := range map[string]string{"none": "top=0", "too many": "top=1001", "before the first": "before=-1", "no number": "top=many", "no flag": "standing=maybe"} {
		rows = append(rows, row{name: name, call: call{as: "host", method: "GET", path: path + "?" + query}, status: 400, contains: []string{"invalid_value"}})
	}
	return rows
}

// licenseFile is a file for acme, or what change makes of it.
func licenseFile(change func(*licensefile.File)) licensefile.File {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := licensefile.File{
		ID: "file-1", Audience: "{acme}", IssuedAt: start, ExpiresAt: farAway(), Lots: []licensefile.Lot{
			{Code: "IDU", Quantity: 2, Start: start, End: farAway()}, {Code: "PERFTEST", Quantity: 3, Start: start, End: farAway()},
		},
	}
	if change != nil {
		change(&f)
	}
	return f
}

func importLicenseFileRows(sign func(licensefile.File) string, acme seatwright.OrganizationID) []row {
	const path = "/api/v1/organizations/acme/license-files"
	send := func(as, text string) call {
		return call{as: as, method: "POST", path: path, body: `{"file":"` + text + `"}`}
	}
	signed := func(change func(*licensefile.File)) string {
		f := licenseFile(change)
		if f.Audience == "{acme}" {
			f.Audience = string(acme)
		}
		return sign(f)
	}
	good := signed(nil)
	typed, keyed := send("host", good), send("host", good)
	typed.header, keyed.header = map[string]string{"Content-Type": "text/plain"}, map[string]string{"Idempotency-Key": "key-of-an-import"}
	other := send("host", signed(func(f *licensefile.File) { f.ID = "file-2" }))
	other.header = keyed.header
	rows := []row{
		{name: "anonymous", call: send("", good), status: 401, contains: []string{"no_token"}},
		{name: "host administrator", call: keyed, status: 200, contains: []string{`"id":"file-1","issuer":"vendor","lots":["file-1:1","file-1:2"],`}, events: []string{"license.imported file-1", "lot.created file-1:1", "lot.created file-1:2"}},
		{name: "key again", call: keyed, status: 200, contains: []string{`"id":"file-1"`}},
		{name: "other use of the key", call: other, status: 422, contains: []string{"idempotency_key_reused"}},
		{name: "once more, by the organization", call: send("administrator", good), status: 200, contains: []string{`"lots":["file-1:1","file-1:2"]`}},
		{name: "once more, by an application", call: send("writer", good), status: 200, contains: []string{`"lots":["file-1:1","file-1:2"]`}},
		{name: "another file of the id", call: send("host", signed(func(f *licensefile.File) { f.Lots = f.Lots[:1] })), status: 409, contains: []string{"another_license_file"}},
		{name: "unknown organization", call: call{as: "host", method: "POST", path: strings.Replace(path, "acme", "nobody", 1), body: `{"file":"` + good + `"}`}, status: 404, contains: []string{"organization_not_found"}},
		{name: "of another organization", call: call{as: "host", method: "POST", path: strings.Replace(path, "acme", "globex", 1), body: `{"file":"` + good + `"}`}, status: 400, contains: []string{"foreign_license_file"}},
		{name: "type", call: typed, status: 415},
		{name: "over 1 MiB", call: send("host", strings.Repeat("x", 1<<20)), status: 413},
		{name: "unknown field", call: call{as: "host", method: "POST", path: path, body: `{"file":"` + good + `","force":true}`}, status: 400, contains: []string{"malformed_body"}},
		{name: "of the host", call: call{as: "host", method: "POST", path: "/api/v1/organizations/host/license-files", body: `{"file":"` + signed(func(f *licensefile.File) { f.Audience = string(seatwright.HostID) }) + `"}`}, status: 200, contains: []string{`"id":"file-1"`}, chain: "host", events: []string{"license.imported file-1", "lot.created file-1:1", "lot.created file-1:2"}},
	}
	flipped := []byte(good)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct{ text, code string }{
		"nothing":         {"", "malformed_license_file"},
		"flipped byte":    {string(flipped), "_license_file"},
		"cut":             {good[:len(good)-4], "_license_file"},
		"expired":         {signed(func(f *licensefile.File) { f.ID, f.ExpiresAt = "old", f.IssuedAt }), "expired_license_file"},
		"for globex":      {signed(func(f *licensefile.File) { f.ID, f.Audience = "new", "globex" }), "foreign_license_file"},
		"unknown product": {signed(func(f *licensefile.File) { f.ID, f.Lots[1].Code = "new", "NOTHING" }), "impossible_license_file"},
		"no unit":         {signed(func(f *licensefile.File) { f.ID, f.Lots[1].Quantity = "new", 0 }), "impossible_license_file"},
		"too many":        {signed(func(f *licensefile.File) { f.ID, f.Lots[1].Quantity = "new", 1_000_000_001 }), "impossible_license_file"},
		"no window":       {signed(func(f *licensefile.File) { f.ID, f.Lots[1].End = "new", f.Lots[1].Start }), "impossible_license_file"},
		"negative grace":  {signed(func(f *licensefile.File) { f.ID, f.Lots[1].GraceSeconds = "new", -1 }), "impossible_license_file"},
	} {
		rows = append(rows, row{name: name, call: send("host", c.text), status: 400, contains: []string{c.code}})
	}
	for _, as := range []string{"member", "reader", "people"} {
		rows = append(rows, row{name: as, call: send(as, good), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

func listLicenseFilesRows() []row {
	return append(readPurchaseRows("/api/v1/organizations/acme/license-files", `{"licenseFiles":[{"id":"file-1","issuer":"vendor",`),
		row{name: "behind the last", call: call{as: "host", method: "GET", path: "/api/v1/organizations/acme/license-files?behind=file-1&top=1"}, status: 200, contains: []string{`{"licenseFiles":[]}`}},
		row{name: "none", call: call{as: "host", method: "GET", path: "/api/v1/organizations/acme/license-files?top=0"}, status: 400, contains: []string{"invalid_value"}})
}

func deactivateLicenseFileRows() []row {
	const path = "/api/v1/organizations/acme/license-files/file-1"
	end := func(as, path string) call { return call{as: as, method: "DELETE", path: path} }
	keyed, other := end("host", path), end("host", path+"1")
	keyed.header = map[string]string{"Idempotency-Key": "key-of-a-deactivation"}
	other.header = keyed.header
	rows := []row{
		{name: "anonymous", call: end("", path), status: 401, contains: []string{"no_token"}},
		{name: "unknown", call: end("host", path+"1"), status: 404, contains: []string{`"code":"not_found"`}},
		{name: "id that cannot be", call: end("host", path+"%20"), status: 400, contains: []string{"malformed_id"}},
		{name: "unknown organization", call: end("host", strings.Replace(path, "acme", "nobody", 1)), status: 404, contains: []string{"organization_not_found"}},
		{name: "of another", call: end("globex administrator", path), status: 404, contains: []string{"organization_not_found"}},
	}
	for _, as := range []string{"member", "reader"} {
		rows = append(rows, row{name: as, call: end(as, path), status: 403, contains: []string{"missing_permission"}})
	}
	return append(rows,
		row{name: "host administrator", call: keyed, status: 200, contains: []string{`"deactivatedAt":"`}, events: []string{"license.deactivated file-1", "lot.changed file-1:1", "lot.changed file-1:2"}},
		row{name: "key again", call: keyed, status: 200, contains: []string{`"deactivatedAt":"`}},
		row{name: "other use of the key", call: other, status: 422, contains: []string{"idempotency_key_reused"}},
		row{name: "once more, by the organization", call: end("administrator", path), status: 200, contains: []string{`"deactivatedAt":"`}},
	)
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
			`{"unknownUsers":"refuse","externalLicenses":false,"allocationMode":"replace","onLeave":"release","inactiveDays":90,"onShrink":"allow","unitLeaseMinutes":60,"overdraft":"refuse","userLicensing":true}`,
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
			`{"unknownUsers":"provision","externalLicenses":false,"allocationMode":"additive","onLeave":"orphan","inactiveDays":30,"onShrink":"allow","unitLeaseMinutes":60,"overdraft":"refuse","userLicensing":false}`,
		}},
		row{name: "external licenses by the administrator", call: patch("administrator", `{"externalLicenses":true}`), status: 403, contains: []string{"missing_permission", `"errors":{"externalLicenses":`}},
		row{name: "external licenses by the host", call: patch("host", `{"externalLicenses":true}`), status: 200, events: changed, contains: []string{`"externalLicenses":true`, `"onLeave":"orphan"`}},
		row{name: "what a smaller purchase does, by the administrator", call: patch("administrator", `{"onShrink":"hold"}`), status: 403, contains: []string{"missing_permission", `"errors":{"onShrink":`}},
		row{name: "what a smaller purchase does, by the host", call: patch("host", `{"onShrink":"block"}`), status: 200, events: changed, contains: []string{`"onShrink":"block"`, `"onLeave":"orphan"`}},
		row{name: "back again", call: patch("host", `{"inactiveDays":90,"onLeave":"release","allocationMode":"replace","unknownUsers":"refuse","userLicensing":true,"externalLicenses":false,"onShrink":"allow"}`), status: 200, events: changed},
		row{name: "key", call: keyed(`{"inactiveDays":91}`), status: 200, events: changed},
		row{name: "the same again", call: keyed(`{"inactiveDays":91}`), status: 200, contains: []string{`"inactiveDays":91`}},
		row{name: "other use of the key", call: keyed(`{"inactiveDays":90}`), status: 422, contains: []string{"idempotency_key_reused"}},
		row{name: "type", call: typed, status: 415},
		row{name: "over 1 MiB", call: patch("host", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`), status: 413},
	)
	for name, body := range map[string]string{
		"no days": `{"inactiveDays":0}`, "too many days": `{"inactiveDays":3651}`, "half a day": `{"inactiveDays":1.5}`, "an unknown mode": `{"allocationMode":"both"}`,
		"an unknown end": `{"onLeave":""}`, "no way to shrink": `{"onShrink":"evict"}`, "no time for a lease": `{"unitLeaseMinutes":0}`, "no way to overdraw": `{"overdraft":"yes"}`, "unknown unknown users": `{"unknownUsers":"Refuse"}`, "an unknown field": `{"nothing":1}`, "null": `null`, "list": `[]`,
	} {
		rows = append(rows, row{name: name, call: patch("host", body), status: 400, contains: []string{`"code":"`}, lacks: []string{`"message"`}})
	}
	return rows
}
