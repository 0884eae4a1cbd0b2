package app_test

import "strings"

// readDenialRows are those of both questions; path ends with a query.
func readDenialRows(path, contains string) []row {
	ask := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	rows := []row{
		{name: "anonymous", call: ask("", path), status: 401, contains: []string{"no_token"}},
		{name: "unknown organization", call: ask("host", strings.Replace(path, "acme", "nobody", 1)), status: 404, contains: []string{"organization_not_found"}},
		{name: "of another", call: ask("globex administrator", path), status: 404, contains: []string{"organization_not_found"}, lacks: []string{contains}},
		{name: "of another application", call: ask("globex", path), status: 404, contains: []string{"organization_not_found"}, lacks: []string{contains}},
		{name: "host administrator", call: ask("host", path), status: 404, contains: []string{"organization_not_found"}, lacks: []string{contains}},
		{name: "of the host", call: ask("host", strings.Replace(path, "acme", "host", 1)), status: 200, contains: []string{contains}},
		{name: "all filters", call: ask("administrator", path+"&code=ATTUNU&person=singer-77&since=2026-01-01T00:00:00Z&until=2999-01-01T00:00:00%2B02:00&satisfied=false&top=1"), status: 200, contains: []string{contains}},
		{name: "a code that nobody sells", call: ask("administrator", path+"&code=NOTHING"), status: 200, contains: []string{contains + "]"}},
	}
	for _, as := range []string{"administrator", "application", "reader"} {
		rows = append(rows, row{name: as, call: ask(as, path), status: 200, contains: []string{contains}})
	}
	for _, as := range []string{"member", "writer", "people"} {
		rows = append(rows, row{name: as, call: ask(as, path), status: 403, contains: []string{"missing_permission"}, lacks: []string{contains}})
	}
	for name, query := range map[string]string{
		"none": "top=0", "too many": "top=1001", "no number": "top=many", "no time": "since=yesterday", "neither": "satisfied=maybe", "two codes": "code=A&code=B",
		"control character": "code=%07", "no code": "code=", "another spelling": "Code=ATTUNU", "another parameter": "reason=quota_reached",
	} {
		rows = append(rows, row{name: name, call: ask("administrator", path+"&"+query), status: 400, contains: []string{"invalid_value"}})
	}
	for name, instant := range map[string]string{"a day": "yesterday", "a plus sign": "2026-03-01T09:00:00+01:00"} {
		rows = append(rows, row{name: name, call: ask("administrator", path+"&since="+instant), status: 400, contains: []string{`"errors":{"since":["since is an instant such as `}})
	}
	return append(rows, row{name: "an id that cannot be", call: ask("administrator", path+"&person=%20"), status: 400, contains: []string{"malformed_id"}})
}

func listDenialsRows() []row {
	const path = "/api/v1/organizations/acme/denials?"
	return append(readDenialRows(path, `"denials":[`),
		row{name: "before the first", call: call{as: "administrator", method: "GET", path: path + "before=-1"}, status: 400, contains: []string{"invalid_value"}},
	)
}

func countDenialsRows() []row {
	const path = "/api/v1/organizations/acme/denials/counts"
	rows := readDenialRows(path+"?by=bundle", `"counts":[`)
	for _, by := range []string{"person", "hour"} {
		rows = append(rows, row{name: by, call: call{as: "administrator", method: "GET", path: path + "?by=" + by}, status: 200, contains: []string{`"counts":[`}})
	}
	for _, query := range []string{"", "?by=", "?by=weather"} {
		rows = append(rows, row{name: "by nothing: " + query, call: call{as: "administrator", method: "GET", path: path + query}, status: 400, contains: []string{"invalid_value"}})
	}
	return rows
}
