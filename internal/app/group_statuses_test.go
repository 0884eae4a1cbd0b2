package app_test

import "strings"

// The operations on groups and robot accounts. The rows follow each other: what one makes another one changes.

// bodyRows are the rows that every operation with a body has for bodies that it cannot take. c is a call that would work.
func bodyRows(c call) []row {
	with := func(body string, header map[string]string) call {
		changed := c
		changed.body, changed.header = body, header
		return changed
	}
	return []row{
		{name: "malformed", call: with(c.body+"x", nil), status: 400, contains: []string{"malformed_body"}},
		{name: "a list", call: with("["+c.body+"]", nil), status: 400, contains: []string{"malformed_body"}},
		{name: "duplicate field", call: with(`{"partitionGlobalId":"{acme}","partitionGlobalId":"{globex}",`+c.body[1:], nil), status: 400, contains: []string{"malformed_body"}},
		{name: "text", call: with(c.body, map[string]string{"Content-Type": "text/plain"}), status: 415},
		{name: "too large", call: with(`{"x":"`+strings.Repeat("x", 1<<20)+`",`+c.body[1:], nil), status: 413},
	}
}

// keyRows use one idempotency key for two requests: first is answered with its status, other is refused.
func keyRows(key string, first, other call, status int, events ...string) []row {
	with := func(c call) call {
		c.header = map[string]string{"Idempotency-Key": key}
		return c
	}
	return []row{
		{name: "with a key", call: with(first), status: status, events: events},
		{name: "the same again", call: with(first), status: status},
		{name: "another request with the key", call: with(other), status: 422, contains: []string{"idempotency_key_reused"}},
	}
}

// notForGroups are they who may not read or change groups.
var notForGroups = []string{"member", "application", "people", "auditor", "robots"}

func createGroupRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: "/identity_/api/Group", body: body}
	}
	works := post("administrator", `{"id":"g-1","name":"Group 1"}`)
	rows := whoMayNotOfPeople(works, append(notForGroups, "group reader", "host")...)
	rows = append(rows, bodyRows(works)...)
	for name, refused := range map[string]struct{ body, reason string }{
		"no name":              {`{"id":"g-1"}`, `"errors":{"name":`},
		"an empty name":        {`{"name":" "}`, `"errors":{"name":`},
		"a control character":  {`{"name":"a\u0007b"}`, `"errors":{"name":`},
		"an id that cannot be": {`{"id":"a b","name":"x"}`, "malformed_id"},
		"a built-in id":        {`{"id":"everyone","name":"x"}`, `"errors":{"id":`},
		"an unknown member":    {`{"name":"x","directoryUserMemberIDs":["nobody"]}`, "unknown_member"},
		"a foreign member":     {`{"name":"x","directoryUserMemberIDs":["globex-1"]}`, "unknown_member"},
		"a group in a group":   {`{"name":"x","directoryUserMemberIDs":["everyone"]}`, "nested_group"},
		"too many members":     {`{"name":"x","directoryUserMemberIDs":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 1001), ",") + `]}`, "too_many"},
	} {
		rows = append(rows, row{name: name, call: post("administrator", refused.body), status: 400, contains: []string{refused.reason}})
	}
	rows = append(rows,
		row{name: "for another organization", call: post("administrator", `{"partitionGlobalId":"{globex}","name":"x"}`), status: 404, contains: []string{"organization_not_found"}},
		row{name: "for nobody", call: post("administrator", `{"partitionGlobalId":"nobody","name":"x"}`), status: 404, contains: []string{"organization_not_found"}},
		row{
			name: "administrator", call: post("administrator", `{"partitionGlobalId":"{acme}","id":"g-1","name":"Group 1","directoryUserMemberIDs":["singer-88","singer-77","singer-77"]}`),
			status: 201, events: []string{"group.created g-1"},
			contains: []string{`"id":"g-1","name":"Group 1","displayName":"Group 1","type":1`, `"lastModificationTime":null`, `"objectType":"DirectoryUser","source":"local","identifier":"singer-77"`},
		},
		row{name: "group writer", call: post("group writer", `{"id":"g-2","name":"Group 2"}`), status: 201, events: []string{"group.created g-2"}, contains: []string{`"members":[]`}},
		row{name: "the same id", call: post("administrator", `{"id":"g-1","name":"Other"}`), status: 409, contains: []string{"duplicate", `"errors":{"id":`}},
		row{name: "the same name", call: post("administrator", `{"id":"g-3","name":"GROUP 1"}`), status: 409, contains: []string{"duplicate", `"errors":{"name":`}},
		row{name: "a built-in name", call: post("administrator", `{"id":"g-3","name":"Everyone"}`), status: 409, contains: []string{"duplicate"}},
	)
	return append(rows, keyRows("make-3", post("administrator", `{"id":"g-3","name":"Group 3"}`), post("administrator", `{"id":"g-4","name":"Group 4"}`), 201, "group.created g-3")...)
}

func listGroupsRows() []row {
	get := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	const path = "/identity_/api/Group/{acme}"
	rows := whoMayNotOfPeople(get("", path), append(notForGroups, "group writer")...)
	all := []string{`[{"id":"administrators","name":"Administrators","displayName":"Administrators","type":0`, `"id":"everyone"`, `"id":"g-1"`, `"identifier":"singer-88"`}
	for _, as := range []string{"administrator", "groups", "group reader"} {
		rows = append(rows, row{name: as, call: get(as, path), status: 200, contains: all, lacks: []string{"globex"}})
	}
	return append(rows,
		row{name: "by name", call: get("administrator", "/acme/identity/api/GROUP/acme/"), status: 200, contains: all},
		row{name: "of another organization", call: get("administrator", "/identity_/api/Group/{globex}"), status: 404, contains: []string{"organization_not_found"}},
		row{name: "by another organization", call: get("globex", path), status: 404, contains: []string{"organization_not_found"}},
	)
}

func getGroupRows() []row {
	get := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	const path = "/identity_/api/Group/{acme}/g-1"
	rows := whoMayNotOfPeople(get("", path), append(notForGroups, "group writer")...)
	for _, as := range []string{"administrator", "groups", "group reader"} {
		rows = append(rows, row{name: as, call: get(as, path), status: 200, contains: []string{`"id":"g-1"`, `"identifier":"singer-77"`}})
	}
	return append(rows,
		row{name: "a built-in group", call: get("administrator", "/identity_/api/Group/{acme}/everyone"), status: 200, contains: []string{`"type":0`, `"members":[]`}},
		row{name: "unknown", call: get("administrator", "/identity_/api/Group/{acme}/g-9"), status: 404, contains: []string{"not_found"}},
		row{name: "an id that cannot be", call: get("administrator", "/identity_/api/Group/{acme}/a%20b"), status: 404, contains: []string{"not_found"}},
	)
}

func updateGroupRows() []row {
	put := func(as, id, body string) call {
		return call{as: as, method: "PUT", path: "/identity_/api/Group/" + id, body: body}
	}
	works := put("administrator", "g-1", `{"name":"Group 1"}`)
	rows := whoMayNotOfPeople(works, append(notForGroups, "group reader", "host")...)
	rows = append(rows, bodyRows(works)...)
	return append(rows, append([]row{
		{name: "changes nothing", call: works, status: 200, contains: []string{`"lastModificationTime":null`}},
		{name: "who comes and goes", call: put("group writer", "g-1", `{"directoryUserIDsToAdd":["singer-111","singer-77"],"directoryUserIDsToRemove":["singer-88","nobody"]}`), status: 200, events: []string{"group.updated g-1"}, contains: []string{`"name":"Group 1"`, "singer-111"}, lacks: []string{"singer-88", `"lastModificationTime":null`}},
		{name: "another name", call: put("administrator", "g-2", `{"partitionGlobalId":"acme","name":"Renamed"}`), status: 200, events: []string{"group.updated g-2"}, contains: []string{`"name":"Renamed"`}},
		{name: "the name of another group", call: put("administrator", "g-2", `{"name":"Group 1"}`), status: 409, contains: []string{"duplicate"}},
		{name: "a built-in group", call: put("administrator", "administrators", `{"directoryUserIDsToAdd":["singer-77"]}`), status: 409, contains: []string{"built_in"}},
		{name: "added and removed", call: put("administrator", "g-1", `{"directoryUserIDsToAdd":["singer-88"],"directoryUserIDsToRemove":["singer-88"]}`), status: 400, contains: []string{"invalid_value"}},
		{name: "a group in a group", call: put("administrator", "g-1", `{"directoryUserIDsToAdd":["g-2"]}`), status: 400, contains: []string{"nested_group"}},
		{name: "an unknown member", call: put("administrator", "g-1", `{"directoryUserIDsToAdd":["nobody"]}`), status: 400, contains: []string{"unknown_member"}},
		{name: "unknown", call: put("administrator", "g-9", `{"name":"x"}`), status: 404, contains: []string{"not_found"}},
		{name: "for another organization", call: put("administrator", "g-1", `{"partitionGlobalId":"globex","name":"x"}`), status: 404, contains: []string{"organization_not_found"}},
		{name: "by another organization", call: put("globex administrator", "g-1", `{"name":"x"}`), status: 404, contains: []string{"there is no such group"}},
	}, keyRows("rename-3", put("administrator", "g-3", `{"name":"Third"}`), put("administrator", "g-3", `{"name":"Fourth"}`), 200, "group.updated g-3")...)...)
}

func listMembersRows() []row {
	get := func(as, query string) call {
		return call{as: as, method: "GET", path: "/identity_/api/Group/{acme}/g-1/Members" + query}
	}
	rows := whoMayNotOfPeople(get("", ""), append(notForGroups, "group writer")...)
	return append(rows,
		row{name: "administrator", call: get("administrator", ""), status: 200, contains: []string{`{"totalCount":2,"results":[{"id":"singer-111","type":0},{"id":"singer-77","type":0}]}`}},
		row{name: "the second", call: get("group reader", "?skip=1&top=1"), status: 200, contains: []string{`{"totalCount":2,"results":[{"id":"singer-77","type":0}]}`}},
		row{name: "none", call: get("groups", "?top=0"), status: 200, contains: []string{`{"totalCount":2,"results":[]}`}},
		row{name: "beyond the end", call: get("groups", "?skip=2147483647"), status: 200, contains: []string{`"results":[]`}},
		row{name: "too many", call: get("administrator", "?top=1001"), status: 400, contains: []string{`"errors":{"top":`}},
		row{name: "a negative number", call: get("administrator", "?skip=-1"), status: 400, contains: []string{`"errors":{"skip":`}},
		row{name: "no number", call: get("administrator", "?top=many"), status: 400},
		row{name: "unknown", call: call{as: "administrator", method: "GET", path: "/identity_/api/Group/{acme}/g-9/Members"}, status: 404, contains: []string{"not_found"}},
	)
}

func deleteGroupRows() []row {
	remove := func(as, id string) call {
		return call{as: as, method: "DELETE", path: "/identity_/api/Group/{acme}/" + id}
	}
	rows := whoMayNotOfPeople(remove("", "g-2"), append(notForGroups, "group reader")...)
	return append(rows, append([]row{
		{name: "a built-in group", call: remove("administrator", "everyone"), status: 409, contains: []string{"built_in"}},
		{name: "unknown", call: remove("administrator", "g-9"), status: 404, contains: []string{"not_found"}},
		{name: "group writer", call: remove("group writer", "g-2"), status: 204, events: []string{"group.deleted g-2"}},
		{name: "again", call: remove("group writer", "g-2"), status: 404, contains: []string{"not_found"}},
	}, keyRows("delete-3", remove("administrator", "g-3"), remove("administrator", "g-1"), 204, "group.deleted g-3")...)...)
}

func deleteGroupsRows() []row {
	remove := func(as, body string) call {
		return call{as: as, method: "DELETE", path: "/identity_/api/Group/{acme}", body: body}
	}
	works := remove("administrator", `{"groupIDs":["g-1"]}`)
	rows := whoMayNotOfPeople(works, append(notForGroups, "group reader")...)
	rows = append(rows, bodyRows(works)...)
	return append(rows, append([]row{
		{name: "none", call: remove("administrator", `{"groupIDs":[]}`), status: 400, contains: []string{`"errors":{"groupIDs":`}},
		{name: "one of them is unknown", call: remove("administrator", `{"groupIDs":["g-1","g-9"]}`), status: 404, contains: []string{"not_found"}},
		{name: "one of them is built in", call: remove("administrator", `{"groupIDs":["g-1","everyone"]}`), status: 409, contains: []string{"built_in"}},
	}, keyRows("delete-all", works, remove("administrator", `{"groupIDs":["g-4"]}`), 204, "group.deleted g-1")...)...)
}

// notForRobots are they who may not read or change robot accounts.
var notForRobots = []string{"member", "application", "people", "auditor", "groups"}

func createRobotAccountRows() []row {
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: "/identity_/api/RobotAccount", body: body}
	}
	works := post("administrator", `{"name":"Robot"}`)
	rows := whoMayNotOfPeople(works, append(notForRobots, "robot reader", "host")...)
	rows = append(rows, bodyRows(works)...)
	return append(rows, append([]row{
		{name: "no name", call: post("administrator", `{}`), status: 400},
		{name: "an empty name", call: post("administrator", `{"name":""}`), status: 400, contains: []string{`"errors":{"name":`}},
		{name: "an unknown group", call: post("administrator", `{"name":"x","groupIDsToAdd":["g-9"]}`), status: 404, contains: []string{"not_found"}},
		{name: "a built-in group", call: post("administrator", `{"name":"x","groupIDsToAdd":["everyone"]}`), status: 409, contains: []string{"built_in"}},
		{name: "for another organization", call: post("administrator", `{"partitionGlobalId":"globex","name":"x"}`), status: 404, contains: []string{"organization_not_found"}},
		{name: "robot writer", call: post("robot writer", `{"name":"Dawn","displayName":null,"partitionGlobalId":"{acme}"}`), status: 201, events: []string{"robot_account.created *"}, contains: []string{`"name":"Dawn","displayName":"Dawn"`, `"lastLoginTime":null,"groupIds":[]`}},
		{name: "the id of a person", call: post("administrator", `{"id":"singer-77","name":"Dusk"}`), status: 409, contains: []string{"duplicate", `"errors":{"id":`}},
		{name: "an id that cannot be", call: post("administrator", `{"id":"a b","name":"Dusk"}`), status: 400, contains: []string{"malformed_id"}},
		{name: "the same name", call: post("administrator", `{"name":"DAWN"}`), status: 409, contains: []string{"duplicate"}},
	}, keyRows("robot", post("administrator", `{"name":"Noon","displayName":"Zenith"}`), post("administrator", `{"name":"Dusk"}`), 201, "robot_account.created *")...)...)
}

func listRobotAccountsRows() []row {
	get := func(as, query string) call {
		return call{as: as, method: "GET", path: "/identity_/api/RobotAccount/{acme}" + query}
	}
	rows := whoMayNotOfPeople(get("", ""), append(notForRobots, "robot writer")...)
	for _, as := range []string{"administrator", "robots", "robot reader"} {
		rows = append(rows, row{name: as, call: get(as, ""), status: 200, contains: []string{`"totalCount":3`, `"name":"Day"`, `"name":"Night"`, `"name":"robot-01"`}})
	}
	return append(rows,
		row{name: "the last by display name", call: get("robots", "?sortBy=DisplayName&sortOrder=DESC&top=1"), status: 200, contains: []string{`"totalCount":3`, `"name":"Day"`}, lacks: []string{"Night"}},
		row{name: "by part of a name", call: get("robots", "?searchTerm=IGH"), status: 200, contains: []string{`"totalCount":1`, `"name":"Night"`}},
		row{name: "by nothing that there is", call: get("robots", "?searchTerm=%25"), status: 200, contains: []string{`"totalCount":0,"results":[]`}},
		row{name: "beyond the end", call: get("robots", "?skip=7"), status: 200, contains: []string{`"totalCount":3,"results":[]`}},
		row{name: "by what it does not have", call: get("robots", "?sortBy=age"), status: 400, contains: []string{`"errors":{"sortBy":`}},
		row{name: "in no order", call: get("robots", "?sortOrder=up"), status: 400, contains: []string{`"errors":{"sortOrder":`}},
		row{name: "of another organization", call: call{as: "robots", method: "GET", path: "/identity_/api/RobotAccount/{globex}"}, status: 404, contains: []string{"organization_not_found"}},
	)
}

// night and day stand for the ids of the robot accounts that there are before the rows begin.
const night, day = "{night}", "{day}"

func getRobotAccountRows() []row {
	get := func(as, id string) call {
		return call{as: as, method: "GET", path: "/identity_/api/RobotAccount/{acme}/" + id}
	}
	rows := whoMayNotOfPeople(get("", night), append(notForRobots, "robot writer")...)
	return append(rows,
		row{name: "robot reader", call: get("robot reader", night), status: 200, contains: []string{`"name":"Night"`, night}},
		row{name: "unknown", call: get("robots", "nobody"), status: 404, contains: []string{"there is no such robot account"}},
		row{name: "a person", call: get("robots", "singer-77"), status: 404, contains: []string{"there is no such robot account"}},
	)
}

func updateRobotAccountRows() []row {
	put := func(as, id, body string) call {
		return call{as: as, method: "PUT", path: "/identity_/api/RobotAccount/" + id, body: body}
	}
	works := put("administrator", night, `{"displayName":"Late"}`)
	rows := whoMayNotOfPeople(works, append(notForRobots, "robot reader", "host")...)
	rows = append(rows, bodyRows(works)...)
	return append(rows, append([]row{
		{name: "robot writer", call: put("robot writer", night, `{"displayName":"Late","name":"Ignored"}`), status: 200, events: []string{"robot_account.updated " + night}, contains: []string{`"name":"Night","displayName":"Late"`}},
		{name: "nothing new", call: works, status: 200},
		{name: "an unknown group", call: put("administrator", night, `{"groupIDsToAdd":["g-9"]}`), status: 404, contains: []string{"not_found"}},
		{name: "a built-in group", call: put("administrator", night, `{"groupIDsToAdd":["everyone"]}`), status: 409, contains: []string{"built_in"}},
		{name: "a control character", call: put("administrator", night, `{"displayName":"a\u0000"}`), status: 400, contains: []string{`"errors":{"displayName":`}},
		{name: "unknown", call: put("administrator", "nobody", `{"displayName":"x"}`), status: 404, contains: []string{"there is no such robot account"}},
		{name: "by another organization", call: put("globex administrator", night, `{"displayName":"x"}`), status: 404, contains: []string{"there is no such robot account"}},
	}, keyRows("robot-update", put("administrator", night, `{"displayName":"Early"}`), works, 200, "robot_account.updated "+night)...)...)
}

func deleteRobotAccountRows() []row {
	remove := func(as, id string) call {
		return call{as: as, method: "DELETE", path: "/identity_/api/RobotAccount/{acme}/" + id}
	}
	rows := whoMayNotOfPeople(remove("", night), append(notForRobots, "robot reader")...)
	return append(rows, append([]row{
		{name: "unknown", call: remove("administrator", "nobody"), status: 404, contains: []string{"there is no such robot account"}},
	}, keyRows("robot-delete", remove("robot writer", night), remove("robot writer", "other"), 204, "robot_account.deleted "+night)...)...)
}

func deleteRobotAccountsRows() []row {
	remove := func(as, body string) call {
		return call{as: as, method: "DELETE", path: "/identity_/api/RobotAccount/{acme}", body: body}
	}
	works := remove("administrator", `{"robotAccountIDs":["`+day+`"]}`)
	rows := whoMayNotOfPeople(works, append(notForRobots, "robot reader")...)
	rows = append(rows, bodyRows(works)...)
	return append(rows, append([]row{
		{name: "none", call: remove("administrator", `{"robotAccountIDs":[]}`), status: 400, contains: []string{`"errors":{"robotAccountIDs":`}},
		{name: "one of them is unknown", call: remove("administrator", `{"robotAccountIDs":["`+day+`","nobody"]}`), status: 404, contains: []string{"there is no such robot account"}},
	}, keyRows("robots-delete", works, remove("administrator", `{"robotAccountIDs":["other"]}`), 204, "robot_account.deleted "+day)...)...)
}
