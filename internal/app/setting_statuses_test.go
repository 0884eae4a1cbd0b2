package app_test

import "strings"

// The operations on settings and message templates. The rows follow each other: what one makes another one changes.

// notForSettings are they who may not read or change settings.
var notForSettings = []string{"member", "application", "people", "groups", "templates"}

func changeSettingsRows() []row {
	put := func(as, body string) call {
		return call{as: as, method: "PUT", path: "/acme/identity_/api/Setting", body: body}
	}
	works := put("administrator", `{"settings":[{"key":"Email.Smtp.Domain","value":"acme.example"}]}`)
	plain := works
	plain.path = "/identity_/api/Setting"
	rows := whoMayNotOfPeople(plain, append(notForSettings, "setting reader", "host")...)
	rows = append(rows, bodyRows(works)...)
	for name, refused := range map[string]struct{ body, reason string }{
		"no settings":          {`{}`, `"errors":{"settings":`},
		"none":                 {`{"settings":[]}`, `"errors":{"settings":`},
		"no key":               {`{"settings":[{"value":"x"}]}`, `"errors":{"settings":`},
		"an empty key":         {`{"settings":[{"key":" ","value":"x"}]}`, `"errors":{"settings":`},
		"a key that is a text": {`{"settings":[{"key":"mail@x.example is secret","value":"x"}]}`, `"errors":{"settings":`},
		"a key twice":          {`{"settings":[{"key":"A","value":"x"},{"key":"A","value":"y"}]}`, "is there twice"},
		"a NUL":                {`{"settings":[{"key":"A","value":"a\u0000"}]}`, `"errors":{"settings":`},
		"a value of too much":  {`{"settings":[{"key":"A","value":"` + strings.Repeat("x", 8<<10+1) + `"}]}`, `"errors":{"settings":`},
		"rules that are none":  {`{"settings":[{"key":"Auth.Password.PasswordComplexity","value":"long"}]}`, "hasSpecialCharacter"},
		"a number":             {`{"settings":[{"key":"A","value":7}]}`, "malformed_body"},
		"too many":             {`{"settings":[` + strings.TrimSuffix(strings.Repeat(`{"key":"A"},`, 101), ",") + `]}`, ""},
	} {
		rows = append(rows, row{name: name, call: put("administrator", refused.body), status: 400, contains: []string{refused.reason}})
	}
	return append(rows, append([]row{
		{name: "for another organization", call: put("administrator", `{"partitionGlobalId":"{globex}","settings":[{"key":"A"}]}`), status: 404, contains: []string{"organization_not_found"}},
		{name: "of nobody", call: put("administrator", `{"userId":"nobody","settings":[{"key":"A","value":"x"}]}`), status: 404, contains: []string{"there is no such user"}},
		{name: "of a foreign user", call: put("administrator", `{"userId":"globex-1","settings":[{"key":"A","value":"x"}]}`), status: 404, contains: []string{"there is no such user"}},
		{name: "administrator", call: works, status: 200, events: []string{"setting.changed Email.Smtp.Domain"}, contains: []string{`"key":"Email.Smtp.Domain","value":"acme.example","partitionGlobalId":"{acme}","userId":null`}},
		{name: "the same again", call: works, status: 200},
		{name: "setting writer", call: put("setting writer", `{"partitionGlobalId":"acme","userId":"singer-77","settings":[{"key":"Language","value":"de"}]}`), status: 200, events: []string{"setting.changed Language"}, contains: []string{`"userId":"singer-77"`}},
		{name: "a secret", call: put("settings", `{"settings":[{"key":"Email.Smtp.Password","value":"{secret}"}]}`), status: 200, events: []string{"setting.changed Email.Smtp.Password"}, contains: []string{`"key":"Email.Smtp.Password","value":null`}, lacks: []string{"{secret}"}},
		{name: "one is removed", call: put("settings", `{"settings":[{"key":"Email.Smtp.Domain","value":null},{"key":"Gone","value":null}]}`), status: 200, events: []string{"setting.changed Email.Smtp.Domain"}, contains: []string{`[]`}},
	}, keyRows("settings", put("settings", `{"settings":[{"key":"Auth.Password.PreviousUseLimit","value":"1"}]}`), put("settings", `{"settings":[{"key":"A","value":"1"}]}`), 200, "setting.changed Auth.Password.PreviousUseLimit")...)...)
}

func listSettingsRows() []row {
	get := func(as, query string) call {
		return call{as: as, method: "GET", path: "/identity_/api/Setting" + query}
	}
	rows := whoMayNotOfPeople(get("", ""), append(notForSettings, "setting writer")...)
	return append(rows,
		row{name: "setting reader", call: get("setting reader", ""), status: 200, contains: []string{`[{"id":`, `"key":"Auth.Password.PreviousUseLimit","value":"1"`, `"key":"Email.Smtp.Password","value":null`}, lacks: []string{"Language", "{secret}"}},
		row{name: "by keys", call: get("settings", "?key=Email.Smtp.Password&key=Nothing&partitionGlobalId={acme}"), status: 200, contains: []string{"Email.Smtp.Password"}, lacks: []string{"Auth."}},
		row{name: "of a person", call: get("administrator", "?userId=singer-77&partitionGlobalId=acme"), status: 200, contains: []string{`"key":"Language","value":"de"`}, lacks: []string{"Auth."}},
		row{name: "of nobody", call: get("administrator", "?userId=nobody"), status: 404, contains: []string{"there is no such user"}},
		row{name: "of a foreign user", call: get("administrator", "?userId=globex-1"), status: 404, contains: []string{"there is no such user"}},
		row{name: "of another organization", call: get("administrator", "?partitionGlobalId={globex}"), status: 404, contains: []string{"organization_not_found"}},
		row{name: "by another organization", call: get("globex administrator", ""), status: 200, contains: []string{`[{"id":`, `"key":"Canary.Of.Globex"`}, lacks: []string{`"},{`}},
		row{name: "an empty key", call: get("administrator", "?key="), status: 400, contains: []string{`"errors":{"key":`}},
	)
}

func deleteSettingsRows() []row {
	remove := func(as, body string) call {
		return call{as: as, method: "DELETE", path: "/identity_/api/Setting", body: body}
	}
	works := remove("administrator", `{"settings":["Email.Smtp.Password"]}`)
	rows := whoMayNotOfPeople(works, append(notForSettings, "setting reader", "host")...)
	rows = append(rows, bodyRows(works)...)
	return append(rows, append([]row{
		{name: "none", call: remove("administrator", `{"settings":[]}`), status: 400, contains: []string{`"errors":{"settings":`}},
		{name: "for another organization", call: remove("administrator", `{"partitionGlobalId":"globex","settings":["A"]}`), status: 404, contains: []string{"organization_not_found"}},
		{name: "of a person", call: remove("settings", `{"userId":"singer-77","settings":["Language"]}`), status: 204, events: []string{"setting.changed Language"}},
		{name: "what there is not", call: remove("settings", `{"settings":["Gone"]}`), status: 204},
	}, keyRows("settings-delete", works, remove("administrator", `{"settings":["Other"]}`), 204, "setting.changed Email.Smtp.Password")...)...)
}

// notForTemplates are they who may not read or change message templates.
var notForTemplates = []string{"member", "application", "people", "groups", "settings"}

func templateByNameRows() []row {
	get := func(as, query string) call {
		return call{as: as, method: "GET", path: "/identity_/api/MessageTemplate" + query}
	}
	rows := []row{
		{name: "anonymous", call: get("", "?name=UserInvitation"), status: 401, contains: []string{"no_token"}},
		{name: "template reader", call: get("template reader", "?name=userinvitation"), status: 200, contains: []string{`{"id":1,"name":"UserInvitation","value":"Hello`}},
		{name: "unknown", call: get("templates", "?name=Nothing"), status: 404, contains: []string{"there is no such message template"}},
		{name: "no name", call: get("templates", ""), status: 400},
		{name: "under the path of another organization", call: call{as: "administrator", method: "GET", path: "/globex/identity_/api/MessageTemplate?name=UserInvitation"}, status: 404, contains: []string{"organization_not_found"}},
	}
	for _, who := range append(notForTemplates, "template writer") {
		rows = append(rows, row{name: who, call: get(who, "?name=UserInvitation"), status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

func getTemplateRows() []row {
	get := func(as, id string) call {
		return call{as: as, method: "GET", path: "/identity_/api/MessageTemplate/" + id}
	}
	rows := whoMayNotOfPeople(get("", "2"), append(notForTemplates, "template writer")...)
	return append(rows,
		row{name: "administrator", call: get("administrator", "2"), status: 200, contains: []string{`{"id":2,"name":"PasswordReset","value":"Hello`}},
		row{name: "unknown", call: get("templates", "99"), status: 404, contains: []string{"there is no such message template"}},
		row{name: "no number", call: get("templates", "two"), status: 400},
	)
}

func updateTemplateRows() []row {
	put := func(as, id, body string) call {
		return call{as: as, method: "PUT", path: "/identity_/api/MessageTemplate/" + id, body: body}
	}
	works := put("administrator", "2", `{"id":2,"value":"Reset."}`)
	rows := whoMayNotOfPeople(works, append(notForTemplates, "template reader", "host")...)
	rows = append(rows, bodyRows(works)...)
	return append(rows, append([]row{
		{name: "another one in the body", call: put("administrator", "2", `{"id":3,"value":"x"}`), status: 400, contains: []string{`"errors":{"id":`}},
		{name: "no text", call: put("administrator", "2", `{"id":2,"text":"x"}`), status: 400, contains: []string{`"errors":{"value":`}},
		{name: "too long", call: put("administrator", "2", `{"value":"`+strings.Repeat("x", 8<<10+1)+`"}`), status: 400, contains: []string{`"errors":{"value":`}},
		{name: "unknown", call: put("administrator", "99", `{"value":"x"}`), status: 404, contains: []string{"there is no such message template"}},
		{name: "template writer", call: put("template writer", "2", `{"value":"Reset."}`), status: 200, events: []string{"setting.changed MessageTemplate.PasswordReset"}, contains: []string{`{"id":2,"name":"PasswordReset","value":"Reset."}`}},
		{name: "the first text comes back", call: put("templates", "2", `{"value":""}`), status: 200, events: []string{"setting.changed MessageTemplate.PasswordReset"}, contains: []string{`"value":"Hello`}},
	}, keyRows("template", works, put("administrator", "2", `{"value":"Other."}`), 200, "setting.changed MessageTemplate.PasswordReset")...)...)
}
