package app_test

import (
	"strings"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// The operations that find whoever is in a directory. None of them changes anything, so no row has an event.

// notForDirectory are they who may not search.
var notForDirectory = []string{"member", "application", "auditor", "robots", "people writer", "group writer"}

// mayDirectory are they who may.
var mayDirectory = []string{"administrator", "people", "people reader", "groups", "group reader"}

// elsewhere are the rows of a path that names the organization, for those who are of another one. path ends before the name.
func elsewhere(c call, path string) []row {
	as := func(who, organization string) call {
		asked := c
		asked.as, asked.path = who, path+organization
		return asked
	}
	missing := []string{"organization_not_found"}
	return []row{
		{name: "of another organization", call: as("administrator", "{globex}"), status: 404, contains: missing},
		{name: "of nobody", call: as("administrator", "nobody"), status: 404, contains: missing},
		{name: "by another organization", call: as("globex administrator", "{acme}"), status: 404, contains: missing},
		{name: "by the host", call: as("host", "{acme}"), status: 404, contains: missing},
	}
}

// listBodyRows are those of bodyRows for an operation whose body is a list.
func listBodyRows(c call) []row {
	with := func(body string, header map[string]string) call {
		changed := c
		changed.body, changed.header = body, header
		return changed
	}
	return []row{
		{name: "malformed", call: with(c.body+"x", nil), status: 400, contains: []string{"malformed_body"}},
		{name: "an object", call: with(`{"x":`+c.body+`}`, nil), status: 400, contains: []string{"malformed_body"}},
		{name: "null", call: with("null", nil), status: 400, contains: []string{"malformed_body"}},
		{name: "nothing", call: with(" ", nil), status: 400, contains: []string{"malformed_body"}},
		{name: "text", call: with(c.body, map[string]string{"Content-Type": "text/plain"}), status: 415},
		{name: "too large", call: with(`["`+strings.Repeat("x", 1<<20)+`"]`, nil), status: 413},
	}
}

func searchDirectoryRows() []row {
	const path = "/identity_/api/Directory/Search/"
	get := func(as, query string) call {
		return call{as: as, method: "GET", path: path + query}
	}
	rows := append(whoMayNotOfPeople(get("", "{acme}"), notForDirectory...), elsewhere(get("", ""), path)...)
	for _, as := range mayDirectory {
		rows = append(rows, row{name: as, call: get(as, "{acme}?startsWith=SINGER-7&sourceFilter=localUsers&sourceFilter=directoryUsers&$count=false"), status: 200, contains: []string{
			`[{"source":"local","identifier":"singer-77","identityName":"singer-77","displayName":null,"email":null,"domain":null,"type":0,"objectType":"DirectoryUser"}]`,
		}})
	}
	for name, c := range map[string]struct{ query, want string }{
		"by name":                  {"acme?startsWith=admin@", `[{"source":"local","identifier":"acme-admin","identityName":"admin@acme.example","displayName":null,"email":"admin@acme.example"`},
		"a built-in group":         {"{acme}?startsWith=every", `[{"source":"local","identifier":"everyone","identityName":"Everyone","displayName":"Everyone","email":null,"domain":null,"type":1,"objectType":"DirectoryGroup"}]`},
		"a group":                  {"{acme}?startsWith=group 1&sourceFilter=localGroups", `"identifier":"g-1"`},
		"a robot account":          {"{acme}?startsWith=ni&entityType=robot", `"identifier":"{night}","identityName":"Night","displayName":"Night","email":null,"domain":null,"type":3,"objectType":"DirectoryRobotUser"}]`},
		"a robot by what it shows": {"{acme}?startsWith=zen&sourceFilter=ROBOTACCOUNTS", `"identifier":"{day}"`},
		"an application":           {"{acme}?sourceFilter=applications&startsWith=", `"type":4,"objectType":"DirectoryApplication"}`},
		"another directory":        {"{acme}?sourceFilter=directoryUsers&sourceFilter=directoryGroups", `[]`},
		"a user among groups":      {"{acme}?startsWith=singer&sourceFilter=localGroups", `[]`},
		"of another kind":          {"{acme}?startsWith=singer&entityType=Group", `[]`},
		"of two minds":             {"{acme}?startsWith=singer&entityType=group&sourceFilter=localUsers", `[]`},
		"nobody":                   {"{acme}?startsWith=nobody", `[]`},
		"not in the middle":        {"{acme}?startsWith=inger", `[]`},
		"no pattern":               {"{acme}?startsWith=%25", `[]`},
		"with a space":             {"{acme}?startsWith=singer+7", `[]`},
	} {
		c.query = strings.ReplaceAll(c.query, "group 1", "group%201")
		rows = append(rows, row{name: name, call: get("people reader", c.query), status: 200, contains: []string{c.want}, lacks: []string{"globex"}})
	}
	for name, query := range map[string]string{
		"an unknown source": "sourceFilter=localUsers&sourceFilter=aad", "an empty source": "sourceFilter=", "an unknown kind": "entityType=machine",
		"a control character": "startsWith=a%07", "a NUL": "startsWith=%00", "too long": "startsWith=" + strings.Repeat("x", 257),
	} {
		rows = append(rows, row{name: name, call: get("administrator", "{acme}?"+query), status: 400, contains: []string{"invalid_value", `"errors":{`}})
	}
	return append(rows, row{name: "says what there is", call: get("administrator", "{acme}?sourceFilter=aad"), status: 400, contains: []string{
		"localUsers, directoryUsers, localGroups, directoryGroups, robotAccounts or applications", `"errors":{"sourceFilter":`,
	}})
}

func resolveNamesRows() []row {
	const path = "/identity_/api/Directory/BulkResolveByName/"
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: path + "{acme}", body: body}
	}
	works := post("administrator", `{"entityNames":["singer-77"],"entityType":"user"}`)
	rows := append(whoMayNotOfPeople(works, notForDirectory...), elsewhere(works, path)...)
	rows = append(rows, bodyRows(works)...)
	for _, as := range mayDirectory {
		rows = append(rows, row{name: as, call: post(as, works.body), status: 200, contains: []string{
			`{"singer-77":{"objectType":"DirectoryUser","source":"local","identifier":"singer-77","name":"singer-77","displayName":null,"email":null,"firstName":null,"lastName":null}}`,
		}})
	}
	for name, c := range map[string]struct{ body, want string }{
		"as it was asked":      {`{"entityNames":["SINGER-88","singer-88","Admin@Acme.example","nobody","","a\u0000"],"entityType":"User"}`, `{"Admin@Acme.example":{"objectType":"DirectoryUser","source":"local","identifier":"acme-admin"`},
		"a robot among people": {`{"entityNames":["night"]}`, `{"night":{"objectType":"DirectoryRobotUser","source":"local","identifier":"{night}","name":"Night"`},
		"a robot account":      {`{"entityNames":["NIGHT","singer-77"],"entityType":"robotAccount"}`, `{"NIGHT":{"objectType":"DirectoryRobotUser"`},
		"groups":               {`{"entityNames":["GROUP 1","administrators","Nothing"],"entityType":"group"}`, `{"GROUP 1":{"objectType":"DirectoryGroup","source":"local","identifier":"g-1","name":"Group 1","displayName":"Group 1","email":null,"firstName":null,"lastName":null},"administrators":{`},
		"no application":       {`{"entityNames":["singer-77"],"entityType":"application"}`, `{}`},
		"of another one":       {`{"entityNames":["globex-1","admin"],"entityType":"user"}`, `{}`},
		"no names":             {`{"entityNames":[],"entityType":null}`, `{}`},
		"a thousand":           {`{"entityNames":[` + strings.Repeat(`"a@b",`, 999) + `"a"]}`, `{}`},
	} {
		rows = append(rows, row{name: name, call: post("people", c.body), status: 200, contains: []string{c.want}, lacks: []string{"nobody", "Nothing", `"":`}})
	}
	for name, c := range map[string]struct{ body, reason string }{
		"one too many":    {`{"entityNames":[` + strings.Repeat(`"a",`, 1000) + `"a"]}`, `"errors":{"entityNames":`},
		"no list":         {`{"entityType":"user"}`, `"errors":{"entityNames":`},
		"null":            {`{"entityNames":null}`, `"errors":{"entityNames":`},
		"an unknown kind": {`{"entityNames":["a"],"entityType":"aad"}`, `"errors":{"entityType":`},
		"a number":        {`{"entityNames":[7]}`, "malformed_body"},
	} {
		rows = append(rows, row{name: name, call: post("administrator", c.body), status: 400, contains: []string{c.reason}})
	}
	return rows
}

func resolveEntityRows() []row {
	const path = "/identity_/api/Directory/Resolve/"
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: path + "{acme}", body: body}
	}
	works := post("administrator", `{"entityId":"acme-admin","entityType":"User"}`)
	rows := append(whoMayNotOfPeople(works, notForDirectory...), elsewhere(works, path)...)
	rows = append(rows, bodyRows(works)...)
	for _, as := range mayDirectory {
		rows = append(rows, row{name: as, call: post(as, works.body), status: 200, contains: []string{
			`{"objectType":"DirectoryUser","source":"local","identifier":"acme-admin","name":"admin@acme.example","displayName":null,"email":"admin@acme.example"`,
		}, lacks: []string{"applicationId"}})
	}
	for name, c := range map[string]struct{ body, want string }{
		"a robot among people": {`{"entityId":"{night}"}`, `{"objectType":"DirectoryRobotUser","source":"local","identifier":"{night}","name":"Night"`},
		"a robot account":      {`{"entityId":"{night}","entityType":"robotAccount"}`, `"identifier":"{night}"`},
		"a group":              {`{"entityId":"g-1","entityType":"Group"}`, `{"objectType":"DirectoryGroup","source":"local","identifier":"g-1","name":"Group 1"`},
		"a built-in group":     {`{"entityId":"Everyone","entityType":"group"}`, `"identifier":"everyone","name":"Everyone"`},
		"an application":       {`{"entityId":"people","entityType":"application"}`, `{"objectType":"DirectoryApplication","source":"local","identifier":"people"`},
		"its client id":        {`{"entityId":"people","entityType":"application"}`, `"applicationId":"people"}`},
	} {
		rows = append(rows, row{name: name, call: post("people", c.body), status: 200, contains: []string{c.want}})
	}
	for name, body := range map[string]string{
		"nobody": `{"entityId":"nobody"}`, "of another organization": `{"entityId":"globex-1","entityType":"user"}`, "an id that cannot be": `{"entityId":"a b"}`,
		"a group as a user": `{"entityId":"g-1","entityType":"user"}`, "a user as a group": `{"entityId":"singer-77","entityType":"group"}`,
		"a user as a robot": `{"entityId":"singer-77","entityType":"robot"}`, "no application": `{"entityId":"nobody","entityType":"application"}`,
	} {
		rows = append(rows, row{name: name, call: post("administrator", body), status: 404, contains: []string{`"code":"not_found"`, "there is no such"}})
	}
	for name, body := range map[string]string{"no id": `{"entityType":"user"}`, "an empty id": `{"entityId":""}`, "an unknown kind": `{"entityId":"singer-77","entityType":"aad"}`} {
		rows = append(rows, row{name: name, call: post("administrator", body), status: 400, contains: []string{"invalid_value"}})
	}
	return rows
}

func membershipRows() []row {
	const path = "/identity_/api/Directory/GroupMembership/"
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: path + "{acme}", body: body}
	}
	works := post("administrator", `{"userId":"singer-77","groupIds":["g-2","g-1","everyone","administrators","g-9"]}`)
	rows := append(whoMayNotOfPeople(works, notForDirectory...), elsewhere(works, path)...)
	rows = append(rows, bodyRows(works)...)
	for _, as := range mayDirectory {
		rows = append(rows, row{name: as, call: post(as, works.body), status: 200, contains: []string{`[{"id":"everyone","name":"Everyone","displayName":"Everyone","type":0`, `{"id":"g-1","name":"Group 1","displayName":"Group 1","type":1`}, lacks: []string{"g-2", `"id":"administrators"`, "g-9", "DirectoryUser"}})
	}
	for name, c := range map[string]struct{ body, want string }{
		"an administrator": {`{"userId":"acme-admin","groupIds":["ADMINISTRATORS","administrators","g-1"]}`, `[{"id":"administrators"`},
		"only those asked": {`{"userId":"singer-77","groupIds":["g-2"]}`, `[]`},
		"none":             {`{"userId":"singer-77","groupIds":[]}`, `[]`},
		"a robot account":  {`{"userId":"{night}","groupIds":["g-1","everyone","administrators"]}`, `[]`},
	} {
		rows = append(rows, row{name: name, call: post("group reader", c.body), status: 200, contains: []string{c.want}})
	}
	for name, id := range map[string]string{"nobody": "nobody", "of another organization": "globex-1", "an id that cannot be": "a b"} {
		rows = append(rows, row{name: name, call: post("administrator", `{"userId":"`+id+`","groupIds":["everyone"]}`), status: 404, contains: []string{"there is no such user"}})
	}
	for name, c := range map[string]struct{ body, reason string }{
		"no list":                {`{"userId":"singer-77"}`, `"errors":{"groupIds":`},
		"one too many":           {`{"userId":"singer-77","groupIds":[` + strings.Repeat(`"a",`, 1000) + `"a"]}`, "too_many"},
		"a group that cannot be": {`{"userId":"singer-77","groupIds":["a b"]}`, "malformed_id"},
	} {
		rows = append(rows, row{name: name, call: post("administrator", c.body), status: 400, contains: []string{c.reason}})
	}
	return rows
}

func directoryScopesRows() []row {
	const path = "/identity_/api/Directory/Scopes/"
	get := func(as string) call { return call{as: as, method: "GET", path: path + "{acme}"} }
	rows := append(whoMayNotOfPeople(get(""), notForDirectory...), elsewhere(get(""), path)...)
	for _, as := range mayDirectory {
		rows = append(rows, row{name: as, call: get(as), status: 200, contains: []string{`[{"name":"local","isDefault":true}]`}})
	}
	return rows
}

func loadGroupsRows() []row {
	const path = "/identity_/api/Group/BulkLoadByIds/"
	post := func(as, body string) call {
		return call{as: as, method: "POST", path: path + "{acme}", body: body}
	}
	works := post("administrator", `["g-1","everyone","g-9","g-1"]`)
	rows := append(whoMayNotOfPeople(works, append(notForGroups, "group reader")...), elsewhere(works, path)...)
	rows = append(rows, listBodyRows(works)...)
	for _, as := range []string{"administrator", "groups", "group writer"} {
		rows = append(rows, row{name: as, call: post(as, works.body), status: 200, contains: []string{`[{"id":"g-1","name":"Group 1"`, `"identifier":"singer-77"`, `},{"id":"everyone"`}, lacks: []string{"g-9"}})
	}
	return append(rows,
		row{name: "none", call: post("groups", `[]`), status: 200, contains: []string{`[]`}},
		row{name: "one too many", call: post("groups", `[`+strings.Repeat(`"a",`, 100)+`"a"]`), status: 400, contains: []string{"too_many"}},
		row{name: "an id that cannot be", call: post("groups", `["a b"]`), status: 400, contains: []string{"malformed_id"}},
		row{name: "a number", call: post("groups", `[7]`), status: 400, contains: []string{"malformed_body"}},
	)
}

func checkMembersRows() []row {
	post := func(as, group, body string) call {
		return call{as: as, method: "POST", path: "/identity_/api/Group/{acme}/" + group + "/CheckMembers", body: body}
	}
	works := post("administrator", "g-1", `["singer-77","nobody","singer-88","singer-111","singer-77"]`)
	rows := append(whoMayNotOfPeople(works, append(notForGroups, "group reader")...), listBodyRows(works)...)
	for _, as := range []string{"administrator", "groups", "group writer"} {
		rows = append(rows, row{name: as, call: post(as, "g-1", works.body), status: 200, contains: []string{`["singer-77","singer-111"]`}})
	}
	for name, c := range map[string]struct{ group, body, want string }{
		"everyone":       {"everyone", `["globex-1","singer-88","{night}","nobody"]`, `["singer-88"]`},
		"administrators": {"Administrators", `["singer-88","acme-admin"]`, `["acme-admin"]`},
		"none":           {"g-1", `[]`, `[]`},
	} {
		rows = append(rows, row{name: name, call: post("groups", c.group, c.body), status: 200, contains: []string{c.want}})
	}
	return append(rows,
		row{name: "an unknown group", call: post("groups", "g-9", `["singer-77"]`), status: 404, contains: []string{"there is no such group"}},
		row{name: "a group that cannot be", call: post("groups", "a%20b", `["singer-77"]`), status: 404, contains: []string{"there is no such group"}},
		row{name: "of another organization", call: call{as: "groups", method: "POST", path: "/identity_/api/Group/{globex}/g-1/CheckMembers", body: `[]`}, status: 404, contains: []string{"organization_not_found"}},
		row{name: "one too many", call: post("groups", "g-1", `[`+strings.Repeat(`"a",`, 1000)+`"a"]`), status: 400, contains: []string{"too_many"}},
		row{name: "an id that cannot be", call: post("groups", "g-1", `["a b"]`), status: 400, contains: []string{"malformed_id"}},
	)
}

// Promise: somebody is found by what their names begin with, in whatever letter case, and only in their own organization; of too
// many the same hundred are answered.
func TestPeopleAreFoundByTheirNames(t *testing.T) {
	t.Parallel()
	w := setup(t)
	system := seatwright.SystemCaller("test")
	for _, organization := range []seatwright.OrganizationID{w.demo.Acme.Organization, w.demo.Globex.Organization} {
		for _, n := range []directory.NewUser{
			{ID: "f-1", UserName: "Özlem", Email: "Oe@Mail.example", FirstName: "Özlem", LastName: "ÇELİK", DisplayName: "Dr. Özlem Çelik"},
			{ID: "f-2", UserName: "adele", Email: "shared@mail.example", FirstName: "Adele", LastName: "Öz", DisplayName: "öz"},
			{ID: "f-3", UserName: "bert", Email: "SHARED@mail.example", DisplayName: "<Bert>"},
		} {
			_, err := w.Directory.CreateUser(t.Context(), system, organization, n)
			check(t, err)
		}
		for _, id := range []string{"first", "second"} {
			_, _, err := w.Applications.Create(t.Context(), system, organization, directory.NewApplication{
				ID: string(organization) + id, Name: "Twin", Scopes: []seatwright.Scope{"PM.User"},
			})
			check(t, err)
		}
	}
	_, _, err := w.Applications.Create(t.Context(), system, w.demo.Acme.Organization, directory.NewApplication{ID: "alone", Name: "Alone", Scopes: []seatwright.Scope{"PM.User"}})
	check(t, err)
	_, err = w.Directory.CreateUser(t.Context(), system, w.demo.Globex.Organization, directory.NewUser{ID: "elsewhere", UserName: "elsewhere", Email: "elsewhere@mail.example"})
	check(t, err)

	search := func(as, query string) string {
		t.Helper()
		got := w.do(t, call{as: as, method: "GET", path: "/identity_/api/Directory/Search/" + map[string]string{"people": "acme", "globex administrator": "globex"}[as] + "?" + query})
		if got.status != 200 {
			t.Fatalf("%s: %d %s", query, got.status, got.body)
		}
		var ids []string
		for _, part := range strings.Split(got.body, `"identifier":"`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			ids = append(ids, id)
		}
		return strings.Join(ids, " ")
	}
	for query, want := range map[string]string{
		"startsWith=%C3%96ZL": "f-1", "startsWith=%C3%B6zlem": "f-1", "startsWith=%C3%B6z": "f-2 f-1", "startsWith=dr.+%C3%96": "f-1", "startsWith=OE@mail": "f-1",
		"startsWith=%C3%A7elik": "", "startsWith=%C3%87EL": "f-1", "startsWith=shared@": "f-2 f-3", "startsWith=%3Cbert": "f-3", "startsWith=elsewhere": "",
		"startsWith=twin": string(w.demo.Acme.Organization) + "first " + string(w.demo.Acme.Organization) + "second",
	} {
		if got := search("people", query); got != want {
			t.Errorf("%s finds %s, want %s", query, got, want)
		}
	}
	if got := search("globex administrator", "startsWith=elsewhere"); got != "elsewhere" {
		t.Errorf("globex finds %s", got)
	}

	resolve := func(body string) string {
		t.Helper()
		got := w.do(t, call{as: "people", method: "POST", path: "/identity_/api/Directory/BulkResolveByName/acme", body: body})
		if got.status != 200 {
			t.Fatalf("%s: %d %s", body, got.status, got.body)
		}
		return got.body
	}
	if got := resolve(`{"entityNames":["ÖZLEM","oe@mail.example","shared@mail.example","elsewhere","elsewhere@mail.example"],"entityType":"user"}`); strings.Count(got, `"f-1"`) != 2 ||
		!strings.Contains(got, `"ÖZLEM":{`) || !strings.Contains(got, `"oe@mail.example":{`) || strings.Contains(got, "shared@") || strings.Contains(got, "elsewhere") {
		t.Errorf("resolved: %s", got)
	}
	if got := resolve(`{"entityNames":["Twin","ALONE"],"entityType":"application"}`); !strings.HasPrefix(got, `{"ALONE":{`) || !strings.Contains(got, `"applicationId":"alone"`) || strings.Contains(got, "Twin") {
		t.Errorf("resolved: %s", got)
	}
	for id, status := range map[string]int{string(w.demo.Globex.Organization) + "first": 404, string(w.demo.Acme.Organization) + "first": 200} {
		got := w.do(t, call{as: "people", method: "POST", path: "/identity_/api/Directory/Resolve/acme", body: `{"entityId":"` + id + `","entityType":"application"}`})
		if got.status != status {
			t.Errorf("application %s: %d %s", id, got.status, got.body)
		}
	}

	var crowd []directory.NewUser
	for i := range 250 {
		crowd = append(crowd, directory.NewUser{UserName: "crowd-" + seatwright.NewID(), FirstName: []string{"Crowded", "Ann"}[i%2]})
	}
	_, err = w.People.Create(t.Context(), system, w.demo.Acme.Organization, crowd, nil)
	check(t, err)
	all := search("people", "startsWith=crowd")
	if n := len(strings.Fields(all)); n != 100 || search("people", "startsWith=CROWD") != all {
		t.Errorf("of 250 there are %d: %s", n, all)
	}
}

// Promise: robot accounts are members of the groups that they are in, and of no built-in one.
func TestPeopleAndRobotAccountsKnowTheirGroups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme := seatwright.Organization{ID: w.demo.Acme.Organization}
	_, err := w.Groups.CreateGroup(t.Context(), seatwright.SystemCaller("test"), acme, directory.NewGroup{ID: "mixed", Name: "Mixed", Members: []string{"robot-01", "singer-77"}})
	check(t, err)
	_, err = w.Groups.CreateGroup(t.Context(), seatwright.SystemCaller("test"), seatwright.Organization{ID: w.demo.Globex.Organization}, directory.NewGroup{
		ID: "mixed", Name: "Mixed", Members: []string{"globex-1"},
	})
	check(t, err)
	for path, c := range map[string]struct{ body, want string }{
		"Directory/GroupMembership/acme":         {`{"userId":"robot-01","groupIds":["mixed","everyone","group-01"]}`, `[{"id":"mixed"`},
		"Directory/GroupMembership/acme/":        {`{"userId":"singer-77","groupIds":["mixed","everyone","group-01"]}`, `[{"id":"everyone","name":"Everyone","displayName":"Everyone","type":0,"creationTime":`},
		"Group/acme/mixed/CheckMembers":          {`["robot-01","globex-1","singer-88","singer-77"]`, `["robot-01","singer-77"]`},
		"Group/acme/everyone/CheckMembers":       {`["robot-01","singer-77"]`, `["singer-77"]`},
		"Group/acme/administrators/CheckMembers": {`["robot-01","singer-77"]`, `[]`},
	} {
		got := w.do(t, call{as: "administrator", method: "POST", path: "/identity_/api/" + path, body: c.body})
		if got.status != 200 || !strings.HasPrefix(got.body, c.want) {
			t.Errorf("%s %s: %d %s", path, c.body, got.status, got.body)
		}
	}
}
