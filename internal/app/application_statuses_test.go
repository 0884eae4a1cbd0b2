package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// programs makes what the rows of applications and personal tokens are about.
func (w *world) programs(t *testing.T) {
	t.Helper()
	system, acme := seatwright.SystemCaller("test"), w.demo.Acme.Organization
	for _, id := range []string{"doomed", "doomed-too", "doomed-three", "twosecrets"} {
		_, _, err := w.Applications.Create(t.Context(), system, acme, directory.NewApplication{ID: id, Scopes: []seatwright.Scope{"PM.License"}})
		check(t, err)
	}
	added, _, err := w.Applications.AddSecret(t.Context(), system, acme, "twosecrets", "second", time.Time{})
	check(t, err)
	w.robots["secret id"] = added.ID
	member := seatwright.Caller{Principal: seatwright.Principal{Kind: seatwright.PrincipalUser, ID: "member", Organization: acme, Role: seatwright.RoleMember}, Via: "test", RequestID: "x"}
	for _, name := range []string{"token one", "token two"} {
		g, text, err := w.PersonalTokens.Create(t.Context(), member, acme, name, time.Now().Add(time.Hour), []seatwright.Scope{"PM.License"})
		check(t, err)
		w.robots[name], w.tokens[name] = string(g.ID), text
	}
	g, text, err := w.PersonalTokens.Create(t.Context(), seatwright.Caller{
		Principal: seatwright.Principal{Kind: seatwright.PrincipalUser, ID: "acme-admin", Organization: acme, Role: seatwright.RoleOrganizationAdministrator}, Via: "test", RequestID: "x",
	}, acme, "admin", time.Now().Add(time.Hour), []seatwright.Scope{"PM.License.Read"})
	check(t, err)
	w.robots["admin token"], w.tokens["personal"] = string(g.ID), text
}

// adminOnly are the rows of an operation that only people who administer may call, with tokens that have no scopes.
func adminOnly(c call) []row {
	as := func(who string) call { c := c; c.as = who; return c }
	return []row{
		{name: "nobody", call: as(""), status: 401},
		{name: "member", call: as("member"), status: 403},
		{name: "application", call: as("application"), status: 403},
		{name: "administrator with a scoped token", call: as("personal"), status: 403},
		{name: "another organization", call: as("globex administrator"), status: 404},
	}
}

func jsonRows(c call) []row {
	broken, form, large := c, c, c
	broken.body = "{"
	form.body, form.header = "a=b", formType
	large.body = `{"x":"` + strings.Repeat("x", 1<<20) + `"}`
	return []row{
		{name: "broken", call: broken, status: 400},
		{name: "form", call: form, status: 415},
		{name: "over 1 MiB", call: large, status: 413},
	}
}

func joined(rows ...[]row) (all []row) {
	for _, r := range rows {
		all = append(all, r...)
	}
	return all
}

func applicationStatuses() []operationRows {
	post := func(path, body string) call { return call{as: "administrator", method: "POST", path: path, body: body} }
	const base = "/acme/identity_/api/ExternalClient"
	create := post(base, `{"name":"New","id":"made-here","isConfidential":true,"redirectUri":"https://a.example/x, http://localhost:1/","scopes":[{"name":"PM.License","type":"Application"},{"name":"PM.User","type":"user"}]}`)
	update := call{as: "administrator", method: "PUT", path: base + "/made-here", body: `{"name":"Renamed","redirectUri":"com.example:/x"}`}
	deleteMany := call{as: "administrator", method: "DELETE", path: base + "/{acme}", body: `{"clientIds":["doomed","doomed-too"]}`}
	one := call{as: "administrator", method: "GET", path: base + "/{acme}/made-here"}
	deleteOne := call{as: "administrator", method: "DELETE", path: base + "/{acme}/doomed-three"}
	list := call{as: "administrator", method: "GET", path: base + "/{acme}"}
	secret := post(base+"/GenerateSecret", `{"clientId":"made-here","description":"next","expiryTime":"2099-01-01T00:00:00Z"}`)
	deleteSecret := call{as: "administrator", method: "DELETE", path: base + "/{acme}/secrets/{secret id}"}
	resources := call{as: "administrator", method: "GET", path: "/acme/identity_/api/ExternalApiResource"}
	with := func(c call, body string) call { c.body = body; return c }
	at := func(c call, path string) call { c.path = path; return c }
	badKey := func(c call) call { c.header = map[string]string{"Idempotency-Key": "no key"}; return c }
	keyed := func(c call, key string) call { c.header = map[string]string{"Idempotency-Key": key}; return c }
	return []operationRows{
		{"createExternalClient", joined(adminOnly(create), jsonRows(create), []row{
			{name: "confidential", call: create, status: 201, events: []string{"application.created made-here"}, contains: []string{`"id":"made-here"`, `"secret":"`, `"redirectUri":"https://a.example/x,http://localhost:1/"`, `"type":"application"`, `"type":"user"`}},
			{name: "the same id", call: create, status: 409},
			{name: "public", call: with(create, `{"name":"Public","isConfidential":false,"redirectUri":"http://127.0.0.1:1/","scopes":[{"name":"PM.License"}]}`), status: 201, events: []string{"application.created *"}, contains: []string{`"secret":null`, `"isConfidential":false`, `"secrets":[]`}},
			{name: "plain http", call: with(create, `{"name":"x","isConfidential":true,"redirectUri":"http://a.example/","scopes":[{"name":"PM.License"}]}`), status: 400, contains: []string{`redirectUri`}},
			{name: "fragment", call: with(create, `{"name":"x","isConfidential":true,"redirectUri":"https://a.example/#x","scopes":[{"name":"PM.License"}]}`), status: 400},
			{name: "script", call: with(create, `{"name":"x","isConfidential":true,"redirectUri":"javascript:alert(1)","scopes":[{"name":"PM.License"}]}`), status: 400},
			{name: "invented scope", call: with(create, `{"name":"x","isConfidential":true,"scopes":[{"name":"PM.Nothing"}]}`), status: 400},
			{name: "type of scope", call: with(create, `{"name":"x","isConfidential":true,"scopes":[{"name":"PM.License","type":"robot"}]}`), status: 400},
			{name: "public with a scope for itself", call: with(create, `{"name":"x","isConfidential":false,"scopes":[{"name":"PM.License","type":"application"}]}`), status: 400},
			{name: "no scope", call: with(create, `{"name":"x","isConfidential":true,"scopes":[]}`), status: 400},
			{name: "body of another organization", call: with(create, `{"partitionGlobalId":"{globex}","name":"x","isConfidential":true,"scopes":[{"name":"PM.License"}]}`), status: 404},
		})},
		{"listExternalClients", joined(adminOnly(list), []row{{name: "malformed path", call: at(list, list.path+"%2f"), status: 400}, {name: "all", call: list, status: 200, contains: []string{`"acme-script"`, `"acme-web"`}, lacks: []string{"globex-script", `"secret":"`}}})},
		{"getExternalClient", joined(adminOnly(one), []row{
			{name: "one", call: one, status: 200, contains: []string{`"made-here"`, `"secret":null`}},
			{name: "a foreign one", call: at(one, base+"/{acme}/globex-script"), status: 404},
			{name: "impossible", call: at(one, base+"/{acme}/!"), status: 404},
			{name: "malformed path", call: at(one, one.path+"%2f"), status: 400},
		})},
		{"updateExternalClient", joined(adminOnly(update), jsonRows(update), []row{
			{name: "changed", call: update, status: 200, events: []string{"application.updated made-here"}, contains: []string{`"name":"Renamed"`, `"redirectUri":"com.example:/x"`, `"PM.User"`}},
			{name: "scopes", call: with(update, `{"scopes":[{"name":"PM.License"}]}`), status: 200, events: []string{"application.updated made-here"}, contains: []string{`"userAndApplication"`}, lacks: []string{"PM.User"}},
			{name: "a key", call: keyed(update, "update-client"), status: 200, events: []string{"application.updated made-here"}},
			{name: "the key again", call: keyed(with(update, `{"name":"Other"}`), "update-client"), status: 422},
			{name: "a foreign one", call: at(update, base+"/globex-script"), status: 404},
			{name: "bad key", call: badKey(update), status: 400},
		})},
		{"generateSecret", joined(adminOnly(secret), jsonRows(secret), []row{
			{name: "made", call: secret, status: 200, events: []string{"application.updated made-here"}, contains: []string{`"secret":"`, `"expiryTime":"2099`}},
			{name: "in the past", call: with(secret, `{"clientId":"made-here","expiryTime":"2020-01-01T00:00:00Z"}`), status: 400},
			{name: "public", call: with(secret, `{"clientId":"acme-native"}`), status: 400},
			{name: "a foreign one", call: with(secret, `{"clientId":"globex-script"}`), status: 404},
		})},
		{"deleteSecret", joined(adminOnly(deleteSecret), []row{
			{name: "bad key", call: badKey(deleteSecret), status: 400},
			{name: "deleted", call: keyed(deleteSecret, "delete-secret"), status: 204, events: []string{"application.updated twosecrets"}},
			{name: "deleted already", call: deleteSecret, status: 404},
			{name: "the key again", call: keyed(at(deleteOne, base+"/{acme}/doomed-three"), "delete-secret"), status: 422},
		})},
		{"deleteExternalClients", joined(adminOnly(deleteMany), jsonRows(deleteMany), []row{
			{name: "one does not exist", call: with(deleteMany, `{"clientIds":["doomed","globex-script"]}`), status: 404},
			{name: "both", call: keyed(deleteMany, "delete-clients"), status: 204, events: []string{"application.deleted doomed", "application.deleted doomed-too"}},
			{name: "the key again", call: keyed(with(deleteMany, `{"clientIds":["doomed"]}`), "delete-clients"), status: 422},
		})},
		{"deleteExternalClient", joined(adminOnly(deleteOne), []row{
			{name: "bad key", call: badKey(deleteOne), status: 400},
			{name: "deleted", call: keyed(deleteOne, "delete-client"), status: 204, events: []string{"application.deleted doomed-three"}},
			{name: "deleted already", call: deleteOne, status: 404},
			{name: "the key again", call: keyed(at(deleteOne, base+"/{acme}/other"), "delete-client"), status: 422},
		})},
		{"listExternalApiResources", joined(adminOnly(resources)[:4], []row{
			{name: "malformed path", call: at(resources, resources.path+"%2f"), status: 400},
			{name: "all", call: resources, status: 200, contains: []string{`"name":"License"`, `"PM.License.Read"`}},
			{name: "another organization", call: at(resources, "/globex/identity_/api/ExternalApiResource"), status: 404},
		})},
	}
}

func tokenStatuses() []operationRows {
	const base = "/acme/identity_/api/ReferenceToken"
	create := call{as: "member", method: "POST", path: base, body: `{"description":"mine","expiration":"{soon}","scopes":["PM.License.Read"]}`}
	list := call{as: "member", method: "GET", path: base}
	one := call{as: "member", method: "GET", path: base + "/{token one}"}
	renew := call{as: "member", method: "PUT", path: base + "/{token one}", body: `{"expiration":"{soon}"}`}
	deleteOne := call{as: "member", method: "DELETE", path: base + "/{token two}"}
	deleteMany := call{as: "administrator", method: "DELETE", path: base, body: `{"userIds":["member","nobody"]}`}
	with := func(c call, body string) call { c.body = body; return c }
	by := func(c call, who string) call { c.as = who; return c }
	at := func(c call, path string) call { c.path = path; return c }
	keyed := func(c call, key string) call { c.header = map[string]string{"Idempotency-Key": key}; return c }
	own := func(c call) []row {
		elsewhere := c
		elsewhere.path = "/globex" + c.path[len("/acme"):]
		return []row{
			{name: "nobody", call: by(c, ""), status: 401},
			{name: "application", call: by(c, "application"), status: 403},
			{name: "token with scopes", call: by(c, "personal"), status: 403},
			{name: "elsewhere", call: elsewhere, status: 404},
			{name: "the host elsewhere", call: by(c, "host"), status: 404},
		}
	}
	return []operationRows{
		{"createReferenceToken", joined(own(create), jsonRows(create), []row{
			{name: "made", call: create, status: 201, events: []string{"grant.created *"}, contains: []string{`"swp_`}},
			{name: "in the past", call: with(create, `{"expiration":"2020-01-01T00:00:00Z","scopes":["PM.License"]}`), status: 400},
			{name: "in a hundred years", call: with(create, `{"expiration":"2120-01-01T00:00:00Z","scopes":["PM.License"]}`), status: 400},
			{name: "no scope", call: with(create, `{"expiration":"{soon}","scopes":[]}`), status: 400},
			{name: "invented scope", call: with(create, `{"expiration":"{soon}","scopes":["openid"]}`), status: 400},
		})},
		{"listReferenceTokens", joined(own(list), []row{{name: "malformed path", call: at(list, base+"%2f"), status: 400}, {name: "own", call: list, status: 200, contains: []string{`"token one"`, `"lastUsed":null`}, lacks: []string{`"admin"`, "swp_"}}})},
		{"getReferenceToken", joined(own(one), []row{
			{name: "own", call: one, status: 200, contains: []string{`"userId":"member"`}},
			{name: "somebody else's", call: at(one, base+"/{admin token}"), status: 404},
			{name: "impossible", call: at(one, base+"/!"), status: 404},
			{name: "malformed path", call: at(one, one.path+"%2f"), status: 400},
		})},
		{"renewReferenceToken", joined(own(renew), jsonRows(renew), []row{
			{name: "renewed", call: renew, status: 201, events: []string{"grant.renewed *"}, contains: []string{`"swp_`}},
			{name: "somebody else's", call: at(renew, base+"/{admin token}"), status: 404},
			{name: "in the past", call: with(renew, `{"expiration":"2020-01-01T00:00:00Z"}`), status: 400},
		})},
		{"deleteReferenceToken", joined(own(deleteOne), []row{
			{name: "somebody else's", call: at(deleteOne, base+"/{admin token}"), status: 404},
			{name: "bad key", call: keyed(deleteOne, "no key"), status: 400},
			{name: "deleted", call: keyed(deleteOne, "delete-token"), status: 204, events: []string{"grant.deleted *"}},
			{name: "the key again", call: keyed(at(deleteOne, base+"/{token one}"), "delete-token"), status: 422},
		})},
		{"deleteReferenceTokensOfUsers", joined(jsonRows(deleteMany), []row{
			{name: "nobody", call: by(deleteMany, ""), status: 401},
			{name: "member", call: by(deleteMany, "member"), status: 403},
			{name: "another organization", call: by(deleteMany, "globex administrator"), status: 404},
			{name: "deleted", call: keyed(deleteMany, "delete-tokens"), status: 204, events: []string{"grant.deleted *", "grant.deleted *"}},
			{name: "the key again", call: keyed(with(deleteMany, `{"userIds":["acme-admin"]}`), "delete-tokens"), status: 422},
		})},
	}
}
