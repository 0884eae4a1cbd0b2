package app_test

import "strings"

// whoMayNotOfPeople are the rows that every operation on people has for those who may not use it. c is a call that would work;
// forbidden are refused with 403.
func whoMayNotOfPeople(c call, forbidden ...string) []row {
	as := func(who string) call {
		asked := c
		asked.as = who
		return asked
	}
	under := func(prefix string) call {
		asked := as("administrator")
		asked.path = prefix + c.path
		return asked
	}
	rows := []row{
		{name: "anonymous", call: as(""), status: 401, contains: []string{"no_token"}},
		{name: "tampered token", call: as("tampered"), status: 401, contains: []string{"invalid_token"}},
		{name: "expired token", call: as("expired"), status: 401, contains: []string{"invalid_token"}},
		{name: "under the path of another organization", call: under("/globex"), status: 404, contains: []string{"organization_not_found"}},
		{name: "under the path of nobody", call: under("/nobody"), status: 404, contains: []string{"organization_not_found"}},
		{name: "encoded slash", call: call{as: "administrator", method: c.method, path: strings.TrimSuffix(c.path, "/") + "%2F", body: c.body}, status: 400, contains: []string{"malformed_path"}},
	}
	for _, who := range forbidden {
		rows = append(rows, row{name: who, call: as(who), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

func getUserRows() []row {
	get := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	const path = "/identity_/api/User/singer-77"
	found := []string{`"id":"singer-77"`, `"groupIDs":[]`, `"isActive":true`, `"type":0`, `"lastLoginTime":null`, `"lastModificationTime":null`}
	rows := whoMayNotOfPeople(get("", path), "member", "host", "application", "people writer", "auditor")
	for _, as := range []string{"administrator", "people", "people reader"} {
		rows = append(rows, row{name: as, call: get(as, path), status: 200, contains: found, lacks: []string{"assword", "argon2"}})
	}
	for _, spelled := range []string{"/acme" + path, "/{acme}/DefaultTenant" + path, "/ACME/Identity/API/user/singer-77", "/identity_//api/User/singer-77/"} {
		rows = append(rows, row{name: spelled, call: get("people reader", spelled), status: 200, contains: found})
	}
	for name, id := range map[string]string{"unknown": "nobody", "of another organization": "globex-1", "other letter case": "SINGER-77", "no id that can be": "a%20b"} {
		rows = append(rows, row{name: name, call: get("administrator", "/identity_/api/User/"+id), status: 404, contains: []string{"not_found", "there is no such user"}})
	}
	return rows
}
