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
	found := []string{`"id":"singer-77"`, `"groupIDs":["everyone"`, `"isActive":true`, `"type":0`, `"lastLoginTime":null`, `"lastModificationTime":null`}
	rows := whoMayNotOfPeople(get("", path), "member", "host", "application", "people writer", "auditor")
	for _, as := range []string{"administrator", "people", "people reader"} {
		rows = append(rows, row{name: as, call: get(as, path), status: 200, contains: found, lacks: []string{"assword", "argon2"}})
	}
	for _, spelled := range []string{"/acme" + path, "/{acme}/DefaultTenant" + path, "/ACME/Identity/API/user/singer-77", "/identity_//api/User/singer-77/"} {
		rows = append(rows, row{name: spelled, call: get("people reader", spelled), status: 200, contains: found})
	}
	rows = append(rows, row{name: "as it was changed", call: get("people", "/identity_/api/User/new-1"), status: 200, contains: []string{
		`"email":null,"emailConfirmed":false,"name":"Fifth","surname":"One","displayName":"X"`, `"lastModificationTime":"2`, `"bypassBasicAuthRestriction":false`,
	}})
	for name, id := range map[string]string{"unknown": "nobody", "of another organization": "globex-1", "other letter case": "SINGER-77", "no id that can be": "a%20b"} {
		rows = append(rows, row{name: name, call: get("administrator", "/identity_/api/User/"+id), status: 404, contains: []string{"not_found", "there is no such user"}})
	}
	return rows
}

// notForPeople are they who may not change people.
var notForPeople = []string{"member", "host", "application", "people reader", "groups", "auditor"}

func addUserRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: "/identity_/api/User", body: body}
	}
	works := post("administrator", `{"id":"new-1","userName":"new-1"}`)
	rows := append(whoMayNotOfPeople(works, notForPeople...), bodyRows(works)...)
	for name, refused := range map[string]struct{ body, code string }{
		"no user name":           {`{"id":"new-1"}`, "InvalidUserName"},
		"a name with a space":    {`{"userName":"a b"}`, "InvalidUserName"},
		"an id that cannot be":   {`{"id":"a b","userName":"x"}`, "InvalidUserId"},
		"no mail address":        {`{"userName":"x","email":"x"}`, "InvalidEmail"},
		"a short password":       {`{"userName":"x","password":"short"}`, "InvalidPassword"},
		"a control character":    {`{"userName":"x","displayName":"a\u0007"}`, "InvalidValue"},
		"a robot":                {`{"userName":"x","type":1}`, "InvalidType"},
		"a robot by name":        {`{"userName":"x","type":"robot"}`, "InvalidType"},
		"an id of somebody":      {`{"id":"singer-77","userName":"x"}`, "DuplicateUserId"},
		"a name of somebody":     {`{"userName":"MEMBER"}`, "DuplicateUserName"},
		"a group that cannot be": {`{"userName":"x","groupIDs":["a b"]}`, "InvalidValue"},
	} {
		rows = append(rows, row{
			name: name, call: post("administrator", refused.body), status: 400,
			contains: []string{`{"succeeded":false,"errors":[{"code":"` + refused.code + `","description":"`}, lacks: []string{"short", "traceId"},
		})
	}
	for name, body := range map[string]string{
		"a name is a number": `{"userName":7}`, "a flag is a text": `{"userName":"x","invitationAccepted":"yes"}`, "groups are a text": `{"userName":"x","groupIDs":"everyone"}`,
	} {
		rows = append(rows, row{name: name, call: post("administrator", body), status: 400, contains: []string{`"errors":{`, "malformed_body"}})
	}
	done := []string{`{"succeeded":true,"errors":[]}`}
	rows = append(rows,
		row{name: "for another organization", call: post("administrator", `{"partitionGlobalId":"{globex}","userName":"x"}`), status: 404, contains: []string{"organization_not_found"}},
		row{name: "into an unknown group", call: post("administrator", `{"userName":"x","groupIDs":["nothing"]}`), status: 404, contains: []string{"there is no such group"}},
		row{name: "an administrator by an application", call: post("people", `{"userName":"x","groupIDs":["administrators"]}`), status: 403, contains: []string{"missing_permission"}},
		row{
			name: "administrator", call: post("administrator", `{"partitionGlobalId":"{acme}","id":"new-1","userName":"new-1","email":"n@acme.example","name":"N","surname":"One","displayName":"N One",`+
				`"type":0,"bypassBasicAuthRestriction":true,"legacyId":null,"invitationAccepted":true,"password":"`+memberPassword+`","validatePassword":true,"groupIDs":["everyone"],"userLogins":[]}`),
			status: 200, contains: done, events: []string{"user.created new-1"},
		},
		row{name: "people", call: post("people", `{"id":"new-2","userName":"new-2","type":"user"}`), status: 200, contains: done, events: []string{"user.created new-2"}},
		row{name: "a second administrator", call: post("administrator", `{"id":"new-3","userName":"new-3","groupIDs":["administrators"]}`), status: 200, contains: done, events: []string{"user.created new-3"}},
		row{name: "without an id", call: post("people writer", `{"userName":"new-4"}`), status: 200, contains: done, events: []string{"user.created *"}},
		row{name: "again", call: works, status: 400, contains: []string{"DuplicateUserId"}},
	)
	return append(rows, keyRows("add", post("administrator", `{"id":"new-5","userName":"new-5"}`), post("administrator", `{"id":"new-6","userName":"new-6"}`), 200, "user.created new-5")...)
}

func addUsersRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: "/identity_/api/User/BulkCreate", body: body}
	}
	works := post("administrator", `{"users":[{"id":"bulk-1","userName":"bulk-1"}]}`)
	rows := append(whoMayNotOfPeople(works, notForPeople...), bodyRows(works)...)
	for name, refused := range map[string]struct{ body, code string }{
		"nobody":             {`{"users":[]}`, "InvalidValue"},
		"one too many":       {`{"users":[` + strings.TrimSuffix(strings.Repeat(`{"userName":"x"},`, 1001), ",") + `]}`, "InvalidValue"},
		"one without a name": {`{"users":[{"userName":"x"},{"id":"bulk-1"}]}`, `InvalidUserName","description":"users[1].userName: `},
		"one who is there":   {`{"users":[{"userName":"x"},{"userName":"member"}]}`, "DuplicateUserName"},
		"one twice":          {`{"users":[{"userName":"x"},{"userName":"X"}]}`, "DuplicateUserName"},
		"a robot among them": {`{"users":[{"userName":"x"},{"userName":"y","type":4}]}`, "InvalidType"},
	} {
		rows = append(rows, row{name: name, call: post("administrator", refused.body), status: 400, contains: []string{`"succeeded":false`, `"code":"` + refused.code, `"users":[]`, `"result":{"succeeded":false`}})
	}
	rows = append(rows,
		row{name: "for another organization", call: post("administrator", `{"partitionGlobalId":"globex","users":[{"userName":"x"}]}`), status: 404, contains: []string{"organization_not_found"}},
		row{name: "into an unknown group", call: post("administrator", `{"users":[{"userName":"x"}],"groupIDs":["nothing"]}`), status: 404},
		row{name: "administrators by an application", call: post("people writer", `{"users":[{"userName":"x"}],"groupIDs":["administrators"]}`), status: 403},
		row{
			name: "administrator", call: post("administrator", `{"partitionGlobalId":"acme","users":[{"id":"bulk-2","userName":"bulk-2","type":0},{"id":"bulk-1","userName":"bulk-1","email":null}],"groupIDs":[]}`),
			status: 200, events: []string{"user.created bulk-2", "user.created bulk-1"},
			contains: []string{`{"succeeded":true,"errors":[],"result":{"succeeded":true,"errors":[]},"users":[{"id":"bulk-2","userName":"bulk-2"`, `{"id":"bulk-1"`},
		},
		row{name: "people", call: post("people", `{"users":[{"id":"bulk-3","userName":"bulk-3"}]}`), status: 200, events: []string{"user.created bulk-3"}},
		row{name: "people writer", call: post("people writer", `{"users":[{"id":"bulk-4","userName":"bulk-4"}]}`), status: 200, events: []string{"user.created bulk-4"}},
	)
	one := func(id string) call {
		return post("administrator", `{"users":[{"id":"`+id+`","userName":"`+id+`"}]}`)
	}
	return append(rows, keyRows("bulk", one("bulk-5"), one("bulk-6"), 200, "user.created bulk-5")...)
}

func listUsersRows(path string) []row {
	get := func(as, rest string) call { return call{as: as, method: "GET", path: path + rest} }
	rows := whoMayNotOfPeople(get("", "{acme}"), "member", "application", "people writer", "groups", "auditor")
	found := []string{`{"totalCount":`, `"results":[{"id":"`, `"userName":"admin@acme.example"`}
	for _, as := range []string{"administrator", "people", "people reader"} {
		rows = append(rows, row{name: as, call: get(as, "{acme}?searchTerm=admin@"), status: 200, contains: found, lacks: []string{"assword", "globex"}})
	}
	for name, c := range map[string]struct {
		query    string
		contains []string
	}{
		"by name": {"acme?searchTerm=BULK-&sortBy=UserName&sortOrder=desc&top=2", []string{`{"totalCount":5,"results":[{"id":"bulk-5"`, `},{"id":"bulk-4"`}},
		"as they were made": {"acme?searchTerm=n@acme.example", []string{
			`"userName":"new-1","email":"n@acme.example","emailConfirmed":false,"name":"N","surname":"One","displayName":"N One"`, `"groupIDs":["everyone"]`,
			`"isActive":true,"bypassBasicAuthRestriction":true,"type":0,"category":0,"invitationAccepted":true`,
		}},
		"an administrator": {"acme?searchTerm=new-3", []string{`"groupIDs":["administrators","everyone"]`}},
		"a page":           {"acme?searchTerm=bulk-&sortBy=userName&skip=1&top=1", []string{`{"totalCount":5,"results":[{"id":"bulk-2"`}},
		"nobody of them":   {"{acme}?top=0", []string{`"results":[]`}},
		"of no such name":  {"{acme}?searchTerm=nobody", []string{`{"totalCount":0,"results":[]}`}},
		"behind the end":   {"{acme}?searchTerm=bulk-&skip=2147483647", []string{`{"totalCount":5,"results":[]}`}},
		"by what all have": {"{acme}?sortBy=Category&searchTerm=bulk-1", []string{`{"totalCount":1`}},
	} {
		rows = append(rows, row{name: name, call: get("people reader", c.query), status: 200, contains: c.contains})
	}
	for _, key := range []string{"Id", "UserName", "Email", "EmailConfirmed", "Name", "Surname", "DisplayName", "CreationTime", "LastModificationTime", "LastLoginTime", "IsActive", "Type", "Category", "InvitationAccepted"} {
		rows = append(rows, row{name: key, call: get("administrator", "{acme}?top=1&sortBy="+key), status: 200, contains: []string{`"results":[{"id":"`}})
	}
	for name, query := range map[string]string{
		"one too many": "top=1001", "fewer than none": "top=-1", "no number": "top=ten", "before the first": "skip=-1", "by something else": "sortBy=Shoes", "in no order": "sortOrder=up",
		"a control character": "searchTerm=a%07", "a NUL": "searchTerm=%00",
	} {
		rows = append(rows, row{name: name, call: get("administrator", "{acme}?"+query), status: 400, contains: []string{"invalid_value"}})
	}
	return append(rows,
		row{name: "of another organization", call: get("administrator", "{globex}"), status: 404, contains: []string{"organization_not_found"}},
		row{name: "by another organization", call: get("globex", "{acme}"), status: 404, contains: []string{"organization_not_found"}},
		row{name: "by the host", call: get("host", "{acme}"), status: 404, contains: []string{"organization_not_found"}},
	)
}

func updateUserRows() []row {
	put := func(as, id, body string) call {
		return call{as: as, method: "PUT", path: "/identity_/api/User/" + id, body: body}
	}
	works := put("administrator", "new-1", `{"name":"Other"}`)
	rows := append(whoMayNotOfPeople(works, notForPeople...), bodyRows(works)...)
	for name, refused := range map[string]struct{ body, code string }{
		"no mail address":     {`{"email":"x"}`, "InvalidEmail"},
		"a short password":    {`{"password":"short"}`, "InvalidPassword"},
		"a control character": {`{"surname":"a\u0007"}`, "InvalidValue"},
		"a long name":         {`{"name":"` + strings.Repeat("x", 257) + `"}`, "InvalidValue"},
		"in and out":          {`{"groupIDsToAdd":["administrators"],"groupIDsToRemove":["administrators"]}`, "InvalidValue"},
	} {
		rows = append(rows, row{name: name, call: put("administrator", "new-1", refused.body), status: 400, contains: []string{`{"succeeded":false,"errors":[{"code":"` + refused.code}})
	}
	for name, body := range map[string]string{"a flag is a text": `{"bypassBasicAuthRestriction":"h"}`, "a name is a list": `{"name":[]}`} {
		rows = append(rows, row{name: name, call: put("administrator", "new-1", body), status: 400, contains: []string{`"errors":{`, "malformed_body"}})
	}
	for name, id := range map[string]string{"unknown": "nobody", "of another organization": "globex-1", "no id that can be": "a%20b"} {
		rows = append(rows, row{name: name, call: put("administrator", id, `{"isActive":false}`), status: 404, contains: []string{"there is no such user"}})
	}
	done := []string{`{"succeeded":true,"errors":[]}`}
	updated := []string{"user.updated new-1"}
	rows = append(rows,
		row{name: "administrator", call: put("administrator", "new-1", `{"name":"Other","surname":null,"email":"","displayName":"X","bypassBasicAuthRestriction":false}`), status: 200, contains: done, events: updated},
		row{name: "the same again", call: put("people", "new-1", `{"name":"Other","email":"","displayName":"X"}`), status: 200, contains: done},
		row{name: "nothing", call: put("people writer", "new-1", `{}`), status: 200, contains: done},
		row{name: "a password", call: put("people writer", "new-2", `{"password":"`+memberPassword+`"}`), status: 200, contains: done, events: []string{"user.updated new-2"}},
		row{name: "into an unknown group", call: put("administrator", "new-1", `{"name":"Third","groupIDsToAdd":["nothing"]}`), status: 404, contains: []string{"there is no such group"}},
		row{name: "an administrator by an application", call: put("people", "new-1", `{"groupIDsToAdd":["administrators"]}`), status: 403, contains: []string{"missing_permission"}},
		row{name: "an administrator less by an application", call: put("people", "new-3", `{"groupIDsToRemove":["administrators"]}`), status: 403, contains: []string{"missing_permission"}},
		row{name: "an administrator", call: put("administrator", "new-1", `{"groupIDsToAdd":["administrators","everyone"]}`), status: 200, contains: done, events: updated},
		row{name: "no administrator any more", call: put("administrator", "new-1", `{"groupIDsToRemove":["administrators"]}`), status: 200, contains: done, events: updated},
		row{name: "out of everyone", call: put("administrator", "new-1", `{"groupIDsToRemove":["everyone"]}`), status: 409, contains: []string{"built_in"}},
		row{name: "inactive", call: put("administrator", "new-3", `{"isActive":false}`), status: 200, contains: done, events: []string{"user.updated new-3"}},
		row{name: "the last administrator", call: put("administrator", "acme-admin", `{"isActive":false}`), status: 409, contains: []string{"last_administrator"}},
		row{name: "the last administrator's role", call: put("administrator", "acme-admin", `{"groupIDsToRemove":["administrators"]}`), status: 409, contains: []string{"last_administrator"}},
		row{name: "a license for the inactive", call: call{as: "administrator", method: "PUT", path: licenses, body: `{"userIds":["new-3"],"userBundleCodes":["ATTUNU"]}`}, status: 400, contains: []string{"inactive_user"}},
	)
	return append(rows, keyRows("put", put("administrator", "new-1", `{"name":"Fifth"}`), put("administrator", "new-1", `{"name":"Sixth"}`), 200, "user.updated new-1")...)
}

func changePasswordRows() []row {
	post := func(as, id, body string) call {
		return call{as: as, method: "POST", path: "/identity_/api/User/" + id + "/changepassword", body: body}
	}
	const right = `{"oldPassword":"` + memberPassword + `","newPassword":"another horse battery"}`
	works := post("changer", "changer", right)
	rows := append(whoMayNotOfPeople(works, "host", "application", "people", "people reader", "people writer", "auditor", "administrator"), bodyRows(works)...)
	for name, refused := range map[string]struct{ body, code string }{
		"a wrong password":     {`{"oldPassword":"wrong","newPassword":"another horse battery"}`, "PasswordMismatch"},
		"no old password":      {`{"newPassword":"another horse battery"}`, "PasswordMismatch"},
		"a short new password": {`{"oldPassword":"` + memberPassword + `","newPassword":"short"}`, "InvalidPassword"},
		"no new password":      {`{"oldPassword":"` + memberPassword + `"}`, "InvalidPassword"},
	} {
		var recorded []string
		if refused.code == "PasswordMismatch" {
			recorded = []string{"user.sign_in_refused changer"}
		}
		rows = append(rows, row{name: name, call: post("changer", "changer", refused.body), events: recorded, status: 400, contains: []string{`{"succeeded":false,"errors":[{"code":"` + refused.code}, lacks: []string{"horse"}})
	}
	for name, id := range map[string]string{"of somebody else": "singer-77", "of nobody": "nobody", "of another organization": "globex-1"} {
		rows = append(rows, row{name: name, call: post("changer", id, right), status: 403, contains: []string{"missing_permission"}})
	}
	keyed := keyRows("password", works, post("changer", "changer", right), 200, "user.password_changed changer")
	cross := map[string]string{"Idempotency-Key": "cross"}
	change, update := post("administrator", "acme-admin", right), call{as: "administrator", method: "PUT", path: "/identity_/api/User/acme-admin", body: `{}`}
	change.header, update.header = cross, cross
	keyed[1].status, keyed[1].contains = 401, []string{"invalid_token"} // the token has ended with the password that it was given for
	return append(rows, keyed[0], keyed[1],
		row{name: "with the token of the old one", call: works, status: 401, contains: []string{"invalid_token"}},
		row{name: "a key for something else", call: update, status: 200},
		row{name: "and for this", call: change, status: 422, contains: []string{"idempotency_key_reused"}},
	)
}

func deleteUserRows() []row {
	remove := func(as, id string) call {
		return call{as: as, method: "DELETE", path: "/identity_/api/User/" + id}
	}
	rows := whoMayNotOfPeople(remove("", "bulk-1"), notForPeople...)
	for name, id := range map[string]string{"unknown": "nobody", "of another organization": "globex-1", "no id that can be": "a%20b"} {
		rows = append(rows, row{name: name, call: remove("administrator", id), status: 404, contains: []string{"there is no such user"}})
	}
	rows = append(rows,
		row{name: "administrator", call: remove("administrator", "bulk-1"), status: 204, events: []string{"user.deleted bulk-1"}},
		row{name: "again", call: remove("administrator", "bulk-1"), status: 404},
		row{name: "people", call: remove("people", "bulk-2"), status: 204, events: []string{"user.deleted bulk-2"}},
		row{name: "people writer", call: remove("people writer", "new-3"), status: 204, events: []string{"user.deleted new-3"}},
		row{name: "the last administrator", call: remove("people", "acme-admin"), status: 409, contains: []string{"last_administrator"}},
	)
	return append(rows, keyRows("remove", remove("administrator", "bulk-3"), remove("administrator", "bulk-4"), 204, "user.deleted bulk-3")...)
}

func deleteUsersRows() []row {
	remove := func(as, body string) call {
		return call{as: as, method: "DELETE", path: "/identity_/api/User", body: body}
	}
	works := remove("administrator", `{"userIds":["new-2"]}`)
	rows := append(whoMayNotOfPeople(works, notForPeople...), bodyRows(works)...)
	for name, body := range map[string]string{
		"nobody": `{"userIds":[]}`, "an id that cannot be": `{"userIds":["a b"]}`, "one too many": `{"userIds":[` + numbered("user", 1001) + `]}`, "a null": `{"userIds":["new-2",null]}`,
	} {
		rows = append(rows, row{name: name, call: remove("administrator", body), status: 400, contains: []string{`"errors":{"userIds`}})
	}
	rows = append(rows,
		row{name: "one unknown", call: remove("administrator", `{"userIds":["new-2","nobody"]}`), status: 404, contains: []string{"there is no such user"}},
		row{name: "one of another organization", call: remove("administrator", `{"userIds":["new-2","globex-1"]}`), status: 404, contains: []string{"there is no such user"}},
		row{name: "for another organization", call: remove("administrator", `{"partitionGlobalId":"{globex}","userIds":["new-2"]}`), status: 404, contains: []string{"organization_not_found"}},
		row{name: "the last administrator among them", call: remove("administrator", `{"userIds":["new-2","acme-admin"]}`), status: 409, contains: []string{"last_administrator"}},
		row{
			name: "administrator", call: remove("administrator", `{"partitionGlobalId":"{acme}","userIds":["new-5","new-2","new-5"]}`), status: 204,
			events: []string{"user.deleted new-5", "user.deleted new-2"},
		},
		row{name: "people", call: remove("people", `{"userIds":["bulk-4"]}`), status: 204, events: []string{"user.deleted bulk-4"}},
	)
	return append(rows, keyRows("remove-many", remove("people writer", `{"userIds":["new-1"]}`), remove("people writer", `{"userIds":["bulk-5"]}`), 204, "user.deleted new-1")...)
}

func inviteUsersRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: "/identity_/api/User/InviteUsers", body: body}
	}
	works := post("administrator", `[{"email":"i-1@acme.example"}]`)
	rows := append(whoMayNotOfPeople(works, notForPeople...), listBodyRows(works)...)
	for name, refused := range map[string]struct{ body, code string }{
		"nobody":                  {`[]`, "InvalidValue"},
		"one too many":            {`[` + strings.TrimSuffix(strings.Repeat(`{"email":"x@y"},`, 1001), ",") + `]`, "InvalidValue"},
		"no mail address":         {`[{"email":"x@y"},{"name":"Ann"}]`, `InvalidEmail","description":"[1].email: `},
		"without an @":            {`[{"email":"x"}]`, "InvalidEmail"},
		"with a space":            {`[{"email":"x y@z"}]`, "InvalidEmail"},
		"a control character":     {`[{"email":"x@y","surname":"a\u0007"}]`, "InvalidValue"},
		"somebody who is there":   {`[{"email":"x@y"},{"email":"Admin@Acme.example"}]`, "DuplicateUserName"},
		"one twice":               {`[{"email":"x@y"},{"email":"X@Y"}]`, "DuplicateUserName"},
		"a group that cannot be":  {`[{"email":"x@y","groupIDs":["a b"]}]`, "InvalidValue"},
		"more groups than can be": {`[{"email":"x@y","groupIDs":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 101), ",") + `]}]`, "InvalidValue"},
	} {
		rows = append(rows, row{name: name, call: post("administrator", refused.body), status: 400, contains: []string{`"succeeded":false`, `"code":"` + refused.code, `"users":[]`, `"result":{"succeeded":false`}})
	}
	rows = append(rows,
		row{name: "not somebody", call: post("administrator", `[7]`), status: 400, contains: []string{"malformed_body"}},
		row{name: "into an unknown group", call: post("administrator", `[{"email":"x@y"},{"email":"z@y","groupIDs":["nothing"]}]`), status: 404, contains: []string{"there is no such group"}},
		row{name: "an administrator by an application", call: post("people", `[{"email":"x@y","groupIDs":["administrators"]}]`), status: 403, contains: []string{"missing_permission"}},
		row{
			name: "administrator", call: post("administrator", `[{"groupIDs":["administrators"],"name":"I","surname":"Two","redirectUrl":"https://x","email":"i-2@acme.example","language":"en"},`+
				`{"groupIDs":["everyone","group-01"],"name":null,"email":"i-3@acme.example","redirectUrl":null}]`),
			status: 200, events: []string{"user.created *", "user.created *", "group.updated group-01"},
			contains: []string{
				`{"succeeded":true,"errors":[],"result":{"succeeded":true,"errors":[]},"users":[{"id":"`, `"userName":"i-2@acme.example","email":"i-2@acme.example"`,
				`"name":"I","surname":"Two"`, `"groupIDs":["administrators","everyone"]`, `"groupIDs":["everyone","group-01"]`, `"isActive":true`, `"invitationAccepted":false`,
			}, lacks: []string{`"invitationAccepted":true`, "assword"},
		},
		row{name: "people", call: post("people", `[{"email":"i-4@acme.example","groupIDs":null}]`), status: 200, events: []string{"user.created *"}},
		row{name: "people writer", call: post("people writer", `[{"email":"i-5@acme.example"}]`), status: 200, events: []string{"user.created *"}},
		row{name: "again", call: post("people writer", `[{"email":"i-5@acme.example"}]`), status: 400, contains: []string{"DuplicateUserName"}},
	)
	return append(rows, keyRows("invite", works, post("administrator", `[{"email":"i-6@acme.example"}]`), 200, "user.created *")...)
}
