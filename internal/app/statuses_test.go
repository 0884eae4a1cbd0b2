package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/directory"
)

// row is one request and everything that is promised about its answer. In path, header and body {acme}, {globex} and
// {initech} stand for the ids of the organizations, and {token NAME} for a token.
type row struct {
	name string
	call
	status   int
	contains []string
	lacks    []string
	of       string   // the operation, where it is another than that of the other rows
	page     bool     // the answer is for a person to look at
	allow    string   // the Allow header
	chain    string   // whose events are looked at: acme where it is empty
	events   []string // all new events of that chain, as "kind subject"; "kind *" where the subject is made up by the server
}

// operationRows are the rows of one operation of the documents; an empty operation is none of them.
type operationRows struct {
	operation string
	rows      []row
}

const licenses = "/acme/lease_/api/account/{acme}/user-license"

// take is the body of the allocation that most rows make.
const take = `{"userIds":["singer-77"],"userBundleCodes":["ATTUNU"]}`

// replacer fills in what a row can only name.
func (w *world) replacer(t *testing.T) *strings.Replacer {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	pairs := []string{
		"{acme}", string(w.demo.Acme.Organization), "{globex}", string(w.demo.Globex.Organization), "{initech}", string(w.demo.Initech.Organization),
		"{host}", string(seatwright.HostID), "{secret}", w.demo.Acme.ClientSecret, "{password}", w.demo.AdministratorPassword,
		"{host password}", w.demo.HostPassword, "{soon}", time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339),
	}
	for name, token := range w.tokens {
		pairs = append(pairs, "{token "+name+"}", token)
	}
	for name, id := range w.robots {
		pairs = append(pairs, "{"+name+"}", id)
	}
	return strings.NewReplacer(pairs...)
}

// Promise: every status of every operation, for everybody who may ask, and the events that belong to it and no others. A
// refused request changes nothing.
func TestStatuses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.forge(t)
	_, _, err := w.Applications.Create(t.Context(), seatwright.SystemCaller("test"), w.demo.Acme.Organization, directory.NewApplication{
		ID: "odd:id|x", Scopes: []seatwright.Scope{"PM.License"}, Secret: oddSecret,
	})
	check(t, err)
	for _, organization := range []seatwright.OrganizationID{w.demo.Acme.Organization, w.demo.Globex.Organization} {
		_, err := w.Directory.CreateTenant(t.Context(), seatwright.SystemCaller("test"), organization, directory.NewTenant{Name: "Twin"})
		check(t, err)
	}
	for name, display := range map[string]string{"night": "Night", "day": "Zenith"} {
		robot, err := w.Groups.CreateRobotAccount(t.Context(), seatwright.SystemCaller("test"), seatwright.Organization{ID: w.demo.Acme.Organization}, directory.NewRobotAccount{
			Name: strings.ToUpper(name[:1]) + name[1:], DisplayName: display,
		})
		check(t, err)
		w.robots[name] = string(robot.ID)
	}
	table := []operationRows{
		{"replaceUserLicenses", slices.Concat(allocationRows("PUT"), putRows(), malformedRows("PUT"))},
		{"postUserLicenses", slices.Concat(allocationRows("POST"), postRows(), malformedRows("POST"))},
		{"listUserLicensePools", getRows()},
		{"removeUserLicenses", slices.Concat(deleteRows(), malformedRows("DELETE"))},
		{"changeSettings", changeSettingsRows()},
		{"listSettings", listSettingsRows()},
		{"deleteSettings", deleteSettingsRows()},
		{"getMessageTemplateByName", templateByNameRows()},
		{"getMessageTemplate", getTemplateRows()},
		{"updateMessageTemplate", updateTemplateRows()},
		{"createGroup", createGroupRows()},
		{"listGroups", listGroupsRows()},
		{"getGroup", getGroupRows()},
		{"updateGroup", updateGroupRows()},
		{"listGroupMembers", listMembersRows()},
		{"searchDirectory", searchDirectoryRows()},
		{"resolveNames", resolveNamesRows()},
		{"resolveEntity", resolveEntityRows()},
		{"listMemberships", membershipRows()},
		{"listDirectoryScopes", directoryScopesRows()},
		{"loadGroups", loadGroupsRows()},
		{"checkMembers", checkMembersRows()},
		{"deleteGroup", deleteGroupRows()},
		{"deleteGroups", deleteGroupsRows()},
		{"listRobotAccounts", listRobotAccountsRows()},
		{"createRobotAccount", createRobotAccountRows()},
		{"getRobotAccount", getRobotAccountRows()},
		{"updateRobotAccount", updateRobotAccountRows()},
		{"deleteRobotAccount", deleteRobotAccountRows()},
		{"deleteRobotAccounts", deleteRobotAccountsRows()},
		{"listLoginAttempts", loginAttemptRows()},
		{"listAuditLogs", auditListRows("/audit_/api/auditlogs")},
		{"listAuditLogsOfPartition", auditListRows("/audit_/api/auditlogs/{acme}")},
		{"listPortalAuditLog", auditListRows("/portal_/api/auditLog")},
		{"listPortalAuditLogOfPartition", auditListRows("/portal_/api/auditLog/{acme}")},
		{"listIdentityAuditQuery", auditListRows("/identity_/api/AuditQuery/{acme}")},
		{"downloadAuditLogs", auditFileRows("/audit_/api/auditlogs/download")},
		{"downloadIdentityAuditQuery", auditFileRows("/identity_/api/AuditQuery/{acme}/download")},
		{"queryAuditEvents", auditEventRows("/orgaudit_/api/query/events")},
		{"addUser", addUserRows()},
		{"addUsers", addUsersRows()},
		{"listUsers", listUsersRows("/identity_/api/User/users/")},
		{"listUsersOfPartition", listUsersRows("/identity_/api/UserPartition/users/")},
		{"updateUser", updateUserRows()},
		{"getUser", getUserRows()},
		{"changePassword", changePasswordRows()},
		{"deleteUser", deleteUserRows()},
		{"deleteUsers", deleteUsersRows()},
		{"inviteUsers", inviteUsersRows()},
		{"authenticate", authenticateRows()},
		{"token", tokenRows()},
		{"authorize", authorizeRows()},
		{"showLogin", loginPageRows()},
		{"endSession", endSessionRows()},
		{"userInfo", userInfoRows()},
		{"introspect", tokenOfClientRows("/identity_/connect/introspect", `{"active":false}`)},
		{"revokeToken", tokenOfClientRows("/identity_/connect/revocation")},
		{"discovery", discoveryRows()},
		{"keys", keysRows()},
		{"getOpenAPI", []row{{name: "anonymous", call: call{method: "GET", path: "/api/v1/openapi.json"}, status: 200, contains: []string{`"openapi":`, "createLot"}}}},
		{"getMe", meRows()},
		{"createOrganization", organizationRows()},
		{"createTenant", tenantRows()},
		{"createUser", userRows()},
		{"createLot", lotRows()},
		{"getPolicies", getPoliciesRows()},
		{"changePolicies", changePoliciesRows()},
		{"listLots", listLotsRows()},
		{"getLot", getLotRows()},
		{"changeLot", changeLotRows()},
		{"removeLot", removeLotRows()},
		{"listNotices", listNoticesRows()},
		{"listDenials", listDenialsRows()},
		{"countDenials", countDenialsRows()},
		{"importLicenseFile", importLicenseFileRows(w.files, w.demo.Acme.Organization)},
		{"listLicenseFiles", listLicenseFilesRows()},
		{"deactivateLicenseFile", deactivateLicenseFileRows()},
		{"", elsewhereRows()},
	}
	w.programs(t)
	w.resources(t)
	w.units(t)
	table = slices.Concat(leaseTable(), portalStatuses(), unitStatuses(), table, applicationStatuses(), tokenStatuses(), entitlementStatuses(), resourceStatuses(), activationStatuses(w.files, w.demo.Acme.Organization))
	fill, contract := w.replacer(t), loadContract(t)
	seen := map[string]map[int]bool{}
	for _, group := range table {
		seen[group.operation] = map[int]bool{}
		for _, r := range group.rows {
			operation := r.of
			if operation == "" {
				operation = group.operation
				seen[operation][r.status] = true
			}
			t.Run(fmt.Sprintf("%s %s %s %d", group.operation, r.method, r.name, r.status), func(t *testing.T) {
				checkContract(t, contract[operation], r.method, w.checkRow(t, r, fill))
			})
		}
	}
	t.Run("EveryDocumentedStatusIsInTheTable", func(t *testing.T) { compareWithDocuments(t, contract, seen) })
}

// firstOf are the events of a row of PUT, which comes before the same of POST: what was refused a moment ago is only counted then.
func firstOf(method string, events ...string) []string {
	if method == "PUT" {
		return events
	}
	return nil
}

// checkRow sends the request of a row, gives back what it allocated, and returns the answer.
func (w *world) checkRow(t *testing.T, r row, fill *strings.Replacer) answer {
	t.Helper()
	chain := map[string]seatwright.OrganizationID{"": w.demo.Acme.Organization, "host": seatwright.HostID}[r.chain]
	everybody := []seatwright.OrganizationID{w.demo.Acme.Organization, w.demo.Globex.Organization, w.demo.Initech.Organization, seatwright.HostID}
	before, heads, had := w.head(t, chain), w.heads(t, everybody, chain), w.state(t, everybody...)

	r.path, r.body = fill.Replace(r.path), fill.Replace(r.body)
	header := map[string]string{}
	for name, value := range r.header {
		header[name] = fill.Replace(value)
	}
	r.header = header
	got := w.do(t, r.call)

	if got.status != r.status {
		t.Fatalf("status %d, want %d: %s", got.status, r.status, got.body)
	}
	for _, text := range r.contains {
		if !strings.Contains(got.body, fill.Replace(text)) {
			t.Errorf("the answer lacks %s: %s", text, got.body)
		}
	}
	for _, text := range r.lacks {
		if strings.Contains(got.body, fill.Replace(text)) {
			t.Errorf("the answer has %s: %s", text, got.body)
		}
	}
	checkForm(t, r, got)
	changed := w.events(t, chain, before)
	said := said(changed)
	for i, event := range said {
		if kind, _, _ := strings.Cut(event, " "); i < len(r.events) && r.events[i] == kind+" *" {
			said[i] = r.events[i]
		}
	}
	if list := said; strings.Join(list, "\n") != fill.Replace(strings.Join(r.events, "\n")) {
		t.Errorf("events %q, want %q", list, r.events)
	}
	if now := w.heads(t, everybody, chain); r.chain == "" && now != heads {
		t.Errorf("other chains went from %s to %s", heads, now)
	}
	if now := w.state(t, everybody...); r.status >= 400 && now != had {
		t.Errorf("a refused request changed\n%s to\n%s", had, now)
	}
	for _, e := range changed {
		if strings.Contains(string(e.Data)+e.Subject, "admin@acme.example") {
			t.Errorf("an event names a person: %s", e.Data)
		}
		if e.RequestID != got.header.Get("X-Request-Id") || e.Actor == "" || e.Via == "" {
			t.Errorf("event %q of request %q by %q via %q", e.Kind, e.RequestID, e.Actor, e.Via)
		}
	}
	w.giveBack(t, changed)
	return got
}

// heads is how far the chains other than one have come.
func (w *world) heads(t *testing.T, all []seatwright.OrganizationID, but seatwright.OrganizationID) string {
	t.Helper()
	var b strings.Builder
	for _, id := range all {
		if id != but {
			fmt.Fprintf(&b, "%s:%d ", id, w.head(t, id))
		}
	}
	return b.String()
}

// checkForm checks what is promised about every answer.
func checkForm(t *testing.T, r row, got answer) {
	t.Helper()
	if (got.header.Get("Location") != "") != (got.status == http.StatusFound) || got.header.Get("X-Request-Id") == "" || !strings.Contains(got.header.Get("Cache-Control"), "no-store") {
		t.Errorf("headers %v", got.header)
	}
	if allow := strings.Join(got.header.Values("Allow"), ", "); allow != r.allow {
		t.Errorf("Allow: %q, want %q", allow, r.allow)
	}
	if got.status == 401 && got.header.Get("WWW-Authenticate") == "" {
		t.Error("401 without a challenge")
	}
	if r.method == http.MethodHead {
		return
	}
	if got.status == http.StatusNoContent || got.status == http.StatusFound {
		return
	}
	kind := got.header.Get("Content-Type")
	if got.status == 200 && kind == "" && got.body == "" { // as some operations are published; the comparison with the documents says which
		return
	}
	if got.status == 200 && (strings.HasPrefix(kind, "text/csv") || r.page && strings.HasPrefix(kind, "text/html")) {
		return
	}
	if !json.Valid([]byte(got.body)) || !strings.HasPrefix(kind, "application/json") && kind != "application/problem+json" {
		t.Errorf("the answer is %s: %s", kind, got.body)
	}
	if kind != "application/problem+json" {
		return
	}
	var problem struct {
		Type, Title, Detail, Instance, Code, TraceID, Message string
		Status                                                int
	}
	if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
		t.Error(err)
	}
	native := strings.HasPrefix(r.path, "/api/v1")
	if problem.Status != got.status || problem.Type != "urn:seatwright:problem:"+problem.Code || problem.Title == "" || problem.Detail == "" ||
		problem.Instance != "urn:uuid:"+problem.TraceID || problem.TraceID != got.header.Get("X-Request-Id") || (problem.Message == problem.Detail) == native {
		t.Errorf("the problem document is not whole: %s", got.body)
	}
}

// giveBack undoes the allocations among events, so that rows do not depend on each other.
func (w *world) giveBack(t *testing.T, events []seatwright.Event) {
	t.Helper()
	var users []seatwright.UserID
	for _, e := range events {
		if e.Kind == seatwright.EventAllocationSet {
			users = append(users, seatwright.UserID(e.Subject))
		}
	}
	if len(users) == 0 {
		return
	}
	caller := seatwright.SystemCaller("test")
	caller.Principal.Organization, caller.Principal.Role = w.demo.Acme.Organization, seatwright.RoleOrganizationAdministrator
	_, err := w.Licensing.Deallocate(t.Context(), caller, w.demo.Acme.Organization, users)
	check(t, err)
}

// compareWithDocuments checks that the table has every status that the documents promise, and no other. Trouble behind the
// server (429, 500, 503) cannot be made here; a wrong method (405) belongs to no operation.
func compareWithDocuments(t *testing.T, contract map[string]*openapi3.Operation, seen map[string]map[int]bool) {
	t.Helper()
	documented := map[string]map[int]bool{}
	for id, operation := range contract {
		documented[id] = map[int]bool{}
		for text := range operation.Responses.Map() {
			status, err := strconv.Atoi(text)
			check(t, err)
			documented[id][status] = true
		}
	}
	for operation, statuses := range documented {
		for status := range statuses {
			if trouble := status == 429 || status == 500 || status == 503; !trouble && !seen[operation][status] {
				t.Errorf("no row shows that %s can answer %d", operation, status)
			}
		}
	}
	for operation, statuses := range seen {
		for status := range statuses {
			if operation != "" && status != 405 && !documented[operation][status] {
				t.Errorf("%s answers %d, which its document does not have", operation, status)
			}
		}
	}
}

// whoMayNot are the rows that every operation on licenses has for those who may not use it; forbidden are refused with 403.
func whoMayNot(method, body string, forbidden ...string) []row {
	to := func(as string) call { return call{as: as, method: method, path: licenses, body: body} }
	rows := []row{
		{name: "anonymous", call: to(""), status: 401, contains: []string{"no_token"}},
		{name: "application of another organization", call: to("globex"), status: 404, contains: []string{"organization_not_found"}, lacks: []string{"globex"}},
		{name: "host administrator", call: to("host"), status: 404, contains: []string{"organization_not_found"}},
	}
	for _, as := range []string{"expired", "early", "tampered", "truncated", "foreign", "unsigned", "symmetric", "stranger", "untyped"} {
		rows = append(rows, row{name: as + " token", call: to(as), status: 401, contains: []string{"invalid_token"}})
	}
	for _, as := range forbidden {
		rows = append(rows, row{name: as, call: to(as), status: 403, contains: []string{"missing_permission"}})
	}
	for name, value := range map[string]string{"Basic": "Basic YWNtZTphY21l", "two tokens": "Bearer {token administrator}, Bearer {token administrator}", "no token": "Bearer"} {
		c := to("")
		c.header = map[string]string{"Authorization": value}
		rows = append(rows, row{name: name, call: c, status: 401})
	}
	for name, path := range map[string]string{
		"unknown organization":        "/acme/lease_/api/account/00000000-0000-4000-8000-000000000000/user-license",
		"foreign organization":        "/lease_/api/account/{globex}/user-license",
		"two organizations":           "/globex/lease_/api/account/{acme}/user-license",
		"foreign in an own prefix":    "/acme/lease_/api/account/globex/user-license",
		"unknown prefix":              "/nobody/lease_/api/account/{acme}/user-license",
		"no id that can be":           "/lease_/api/account/a%20b/user-license",
		"the host is foreign as well": "/lease_/api/account/{host}/user-license",
	} {
		c := to("administrator")
		c.path = path
		rows = append(rows, row{name: name, call: c, status: 404, contains: []string{"organization_not_found"}})
	}
	for name, path := range map[string]string{
		"encoded slash": "/acme%2flease_/api/account/{acme}/user-license", "encoded slash in an id": "/lease_/api/account/{acme}%2F/user-license",
		"NUL": "/lease_/api/account/{acme}%00/user-license", "dot segment": "/lease_/api/account/%2e%2e/user-license", "percent": "/lease_/api/account/{acme}%25/user-license",
		"not UTF-8": "/lease_/api/account/%ff/user-license", "line break": "/lease_/api/account/{acme}%0a/user-license", "backslash": "/lease_/api/account/%5c/user-license",
	} {
		c := to("administrator")
		c.path = path
		rows = append(rows, row{name: name, call: c, status: 400, contains: []string{"malformed_path"}})
	}
	return rows
}

// allocationRows are those of an allocation, whichever of its two methods carries it.
func allocationRows(method string) []row {
	allocate := func(as, body string) call { return call{as: as, method: method, path: licenses, body: body} }
	keyed := func(key, body string) call {
		c := allocate("administrator", body)
		c.header = map[string]string{"Idempotency-Key": key}
		return c
	}
	typed := func(mediaType string) call {
		c := allocate("administrator", take)
		c.header = map[string]string{"Content-Type": mediaType}
		return c
	}
	taken, own := []string{"allocation.set singer-77"}, []string{`"userId":"singer-77"`, `"organizationId":"{acme}"`, `"useExternalLicense":false`, `"userBundleCodes":["ATTUNU"]`}
	rows := whoMayNot(method, take, "member", "reader", "auditor")
	rows = append(rows,
		row{name: "administrator", call: allocate("administrator", take), status: 200, contains: own, events: taken},
		row{name: "application", call: allocate("application", take), status: 200, contains: own, events: taken},
		row{name: "application that may write", call: allocate("writer", take), status: 200, contains: own, events: taken},
		row{name: "scheme in lower case", call: call{
			method: method, path: licenses, body: take, header: map[string]string{"Authorization": "bearer {token administrator}"},
		}, status: 200, contains: own, events: taken},
		row{name: "chunked", call: call{as: "administrator", method: method, path: licenses, body: take, chunked: true}, status: 200, contains: own, events: taken},
		row{name: "JSON patch type", call: typed("application/json-patch+json"), status: 200, contains: own, events: taken},
		row{name: "text/json in UTF-8", call: typed("text/json; charset=UTF-8"), status: 200, contains: own, events: taken},
		row{name: "unknown field", call: allocate("administrator", `{"quantity":3,"userIds":["singer-77"],"userBundleCodes":["ATTUNU"]}`), status: 200, contains: own, events: taken},
		row{name: "blocked", call: allocate("administrator", `{"userIds":["singer-77"],"userBundleCodes":[]}`), status: 200, contains: []string{`"userBundleCodes":[]`}, events: taken},
		row{name: "no license", call: call{
			as: "initech", method: method, path: "/lease_/api/account/{initech}/user-license", body: take,
		}, status: 404, contains: []string{"no_license", "no account license"}},
		row{
			name: "exhausted", call: allocate("administrator", `{"userIds":["singer-77"],"userBundleCodes":["ATTUNU","PMBU"]}`), status: 409,
			contains: []string{"pool_exhausted", `"shortages":[{"bundle":"PMBU","requested":1,"available":0}]`}, events: firstOf(method, "allocation.refused"),
		},
		row{
			name: "unknown code", call: allocate("administrator", `{"userIds":["singer-77"],"userBundleCodes":["ATTUNU","attunu"]}`), status: 409,
			contains: []string{`"shortages":[{"bundle":"attunu","requested":1,"available":0}]`}, events: []string{"allocation.refused"},
		},
		row{name: "form", call: typed("application/x-www-form-urlencoded"), status: 415, contains: []string{"unsupported_media_type"}},
		row{name: "other charset", call: typed("application/json; charset=latin1"), status: 415},
		row{name: "over 1 MiB", call: allocate("administrator", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`), status: 413, contains: []string{"body_too_large"}},
		row{name: "over 1 MiB, chunked", call: call{
			as: "administrator", method: method, path: licenses, body: strings.Repeat(" ", 1<<20) + take, chunked: true,
		}, status: 413},
		row{name: "key with a blank", call: keyed("key of "+method, take), status: 400, contains: []string{"malformed_idempotency_key"}},
		row{name: "first use of a key", call: keyed("key-of-"+method, take), status: 200, contains: own, events: taken},
		row{name: "other use of the key", call: keyed("key-of-"+method, `{"userIds":["singer-88"],"userBundleCodes":["ATTUNU"]}`), status: 422, contains: []string{"idempotency_key_reused"}},
		row{name: "long key", call: keyed(strings.Repeat("k", 256), take), status: 400, contains: []string{"malformed_idempotency_key"}},
		row{name: "empty key", call: keyed("", take), status: 400, contains: []string{"malformed_idempotency_key"}},
	)
	for name, body := range map[string]string{
		"no users":                 `{"userIds":[],"userBundleCodes":["ATTUNU"]}`,
		"users are missing":        `{"userBundleCodes":["ATTUNU"]}`,
		"users are null":           `{"userIds":null,"userBundleCodes":["ATTUNU"]}`,
		"names are exact":          `{"UserIds":["singer-77"],"userBundleCodes":["ATTUNU"]}`,
		"a user is empty":          `{"userIds":[""],"userBundleCodes":["ATTUNU"]}`,
		"a user is null":           `{"userIds":["singer-77",null],"userBundleCodes":["ATTUNU"]}`,
		"a code is null":           `{"userIds":["singer-77"],"userBundleCodes":["ATTUNU",null]}`,
		"a code is no code":        `{"userIds":["singer-77"],"userBundleCodes":["ATT UNU"]}`,
		"a user is no id":          `{"userIds":["singer 77"],"userBundleCodes":["ATTUNU"]}`,
		"a user is too long":       `{"userIds":["` + strings.Repeat("s", 129) + `"],"userBundleCodes":["ATTUNU"]}`,
		"a user is unknown":        `{"userIds":["singer-77","nobody"],"userBundleCodes":["ATTUNU"]}`,
		"a user is in upper case":  `{"userIds":["SINGER-77"],"userBundleCodes":["ATTUNU"]}`,
		"a user is of another":     `{"userIds":["globex-1"],"userBundleCodes":["ATTUNU"]}`,
		"1,001 users":              `{"userIds":[` + numbered("user", 1001) + `],"userBundleCodes":["ATTUNU"]}`,
		"101 codes":                `{"userIds":["singer-77"],"userBundleCodes":[` + numbered("CODE", 101) + `]}`,
		"codes are a text":         `{"userIds":["singer-77"],"userBundleCodes":"ATTUNU"}`,
		"codes are numbers":        `{"userIds":["singer-77"],"userBundleCodes":[1]}`,
		"the flag is a text":       `{"userIds":["singer-77"],"userBundleCodes":["ATTUNU"],"useExternalLicense":"true"}`,
		"the flag is a number":     `{"userIds":["singer-77"],"userBundleCodes":["ATTUNU"],"useExternalLicense":1}`,
		"the older codes are text": `{"userIds":["singer-77"],"licenseCodes":"ATTUNU"}`,
	} {
		rows = append(rows, row{name: name, call: allocate("administrator", body), status: 400, contains: []string{`"code":"`}})
	}
	return rows
}

func numbered(prefix string, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%q", fmt.Sprintf("%s-%d", prefix, i))
	}
	return strings.Join(list, ",")
}

// malformedRows are bodies that are no single strict JSON object, with the place where that shows.
func malformedRows(method string) []row {
	var rows []row
	for name, body := range map[string]string{
		"the guide's own example":  "{\n\"userIds\": [\"singer-77\", \"singer-88\", \"singer-111\"]\n\"userBundleCodes\": [\"RPADEVNU\", \"ATTUNU\", \"TSTNU\"],\n\"useExternalLicense\": true\n}",
		"duplicate":                `{"userIds":["singer-77"],"userIds":["singer-88"],"userBundleCodes":["ATTUNU"]}`,
		"duplicate by letter case": `{"userIds":["singer-77"],"UserIds":["singer-88"],"userBundleCodes":["ATTUNU"]}`,
		"duplicate that is nested": `{"x":{"a":1,"A":2},"userIds":["singer-77"],"userBundleCodes":["ATTUNU"]}`,
		"duplicate by escape":      `{"userIds":["singer-77"],"user\u0049ds":["singer-88"],"userBundleCodes":["ATTUNU"]}`,
		"invalid UTF-8":            "{\"userIds\":[\"singer-\xff\"],\"userBundleCodes\":[\"ATTUNU\"]}",
		"half a surrogate":         `{"userIds":["singer-\ud800"],"userBundleCodes":["ATTUNU"]}`,
		"trailing text":            take + "x",
		"two objects":              take + take,
		"breaks off":               take[:len(take)-2],
		"users are a text":         `{"userIds":"singer-77","userBundleCodes":["ATTUNU"]}`,
		"users are numbers":        `{"userIds":[77],"userBundleCodes":["ATTUNU"]}`,
		"users are an object":      `{"userIds":{"0":"singer-77"},"userBundleCodes":["ATTUNU"]}`,
		"null":                     `null`,
		"list":                     `[` + take + `]`,
		"text":                     `"singer-77"`,
		"number":                   `77`,
		"white space":              " \r\n\t ",
		"byte order mark":          "\ufeff" + take,
		"comment":                  "{/**/" + take[1:],
		"single quotes":            strings.ReplaceAll(take, `"`, `'`),
		"33 levels":                `{"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `,"userIds":["singer-77"],"userBundleCodes":["ATTUNU"]}`,
	} {
		rows = append(rows, row{name: name, call: call{as: "administrator", method: method, path: licenses, body: body}, status: 400, contains: []string{"malformed_body", "the body"}})
	}
	empty := call{as: "administrator", method: method, path: licenses, header: map[string]string{"Content-Type": "application/json"}}
	return append(rows,
		row{name: "empty", call: empty, status: 400, contains: []string{"malformed_body"}},
		row{name: "no type", call: call{as: "administrator", method: method, path: licenses}, status: 415},
	)
}

func putRows() []row {
	put := func(body string) call { return call{as: "administrator", method: "PUT", path: licenses, body: body} }
	return []row{
		{name: "codes are missing", call: put(`{"userIds":["singer-77"]}`), status: 400, contains: []string{`"errors":{"userBundleCodes":`}},
		{name: "codes are null", call: put(`{"userIds":["singer-77"],"userBundleCodes":null,"licenseCodes":null}`), status: 400},
		{name: "32 levels", call: put(`{"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `,` + take[1:]), status: 200, events: []string{"allocation.set singer-77"}},
		{name: "three users", call: put(`{"userIds":["singer-88","singer-77","singer-88","singer-111"],"userBundleCodes":["TSTNU","ATTUNU","TSTNU"]}`), status: 200, events: []string{
			"allocation.set singer-88", "allocation.set singer-77", "allocation.set singer-111",
		}},
	}
}

func postRows() []row {
	const question = `{"userIds":["singer-77","analyst-1"]}`
	ask := func(as, body string) call { return call{as: as, method: "POST", path: licenses, body: body} }
	found := []string{`"id":"analyst-1"`, `"userBundleLicenses":["PMBU"]`, `"lastInUse":null`, `"orphan":false`}
	return []row{
		{name: "administrator reads", call: ask("administrator", question), status: 200, contains: found, lacks: []string{"singer-77"}},
		{name: "application reads", call: ask("application", question), status: 200, contains: found},
		{name: "reader reads", call: ask("reader", question), status: 200, contains: found},
		{name: "writer does not read", call: ask("writer", question), status: 403, contains: []string{"missing_permission"}},
		{name: "member does not read", call: ask("member", question), status: 403},
		{name: "auditor does not read", call: ask("auditor", question), status: 403},
		{name: "null codes are none", call: ask("reader", `{"userIds":["analyst-1"],"userBundleCodes":null}`), status: 200, contains: found},
		{name: "unknown users are left out", call: ask("reader", `{"userIds":["nobody","globex-1"]}`), status: 200, lacks: []string{"globex-1"}},
		{name: "nobody is asked for", call: ask("reader", `{"userIds":[]}`), status: 400},
		{name: "1,001 users are asked for", call: ask("reader", `{"userIds":[`+numbered("user", 1001)+`]}`), status: 400, contains: []string{"too_many"}},
		{name: "without a license it reads", call: call{as: "initech", method: "POST", path: "/lease_/api/account/{initech}/user-license", body: question}, status: 200, contains: []string{"[]"}},
	}
}

func getRows() []row {
	rows := whoMayNot("GET", "", "member", "writer", "auditor")
	pools := []string{`{"code":"ATTUNU","allocated":0,"total":10}`, `{"code":"PMBU","allocated":10,"total":10}`}
	for _, as := range []string{"administrator", "application", "reader"} {
		rows = append(rows, row{name: as, call: call{as: as, method: "GET", path: licenses}, status: 200, contains: pools})
	}
	for _, path := range []string{
		"/lease_/api/account/{acme}/user-license", "/la/api/account/{acme}/user-license", "/acme/la/api/account/acme/user-license",
		"/{acme}/lease_/api/account/{acme}/user-license", "/acme/DefaultTenant/lease_/api/account/{acme}/user-license", "/lease_/api/account/acme/user-license",
		"/ACME/Lease_/API/Account/ACME/User-License", "//acme/lease_/api/account/{acme}/user-license", "///acme//lease_//api//account//{acme}//user-license//",
		"/acme/lease_/api/account/{acme}/user-license/", "/acme/lease_/api/account/{acme}/user%2Dlicense", "/acme/lease_/api/account/{acme}/user-license?api-version=1",
	} {
		rows = append(rows, row{name: path, call: call{as: "administrator", method: "GET", path: path}, status: 200, contains: pools})
	}
	return append(rows,
		row{name: "with a JSON content type", call: call{
			as: "reader", method: "GET", path: licenses, header: map[string]string{"Content-Type": "application/json"},
		}, status: 200, contains: pools},
		row{name: "only the head", call: call{as: "reader", method: "HEAD", path: licenses}, status: 200},
		row{name: "no license", call: call{as: "initech", method: "GET", path: "/lease_/api/account/{initech}/user-license"}, status: 200, contains: []string{"[]"}},
		row{name: "wrong method", call: call{as: "reader", method: "PATCH", path: licenses}, status: 405, contains: []string{"method_not_allowed"}, allow: "DELETE, GET, HEAD, POST, PUT"},
	)
}

func deleteRows() []row {
	remove := func(as, body string) call { return call{as: as, method: "DELETE", path: licenses, body: body} }
	keyed := func(body string) call {
		c := remove("administrator", body)
		c.header = map[string]string{"Idempotency-Key": "key-of-DELETE"}
		return c
	}
	const nothing = `{"userIds":["singer-77","nobody"]}`
	done := []string{`"successfulUserIds":["singer-77"]`, `"failedUserIds":["nobody"]`}
	rows := whoMayNot("DELETE", nothing, "member", "reader", "auditor")
	for _, as := range []string{"administrator", "application", "writer"} {
		rows = append(rows, row{name: as, call: remove(as, nothing), status: 200, contains: done})
	}
	return append(rows,
		row{name: "without a license", call: call{
			as: "initech", method: "DELETE", path: "/lease_/api/account/{initech}/user-license", body: nothing,
		}, status: 200, contains: []string{`"successfulUserIds":[]`}},
		row{name: "key", call: keyed(nothing), status: 200, contains: done},
		row{name: "other use of a key", call: keyed(`{"userIds":["singer-88"]}`), status: 422, contains: []string{"idempotency_key_reused"}},
		row{name: "nobody", call: remove("administrator", `{"userIds":[]}`), status: 400, contains: []string{`"errors":{"userIds":`}},
		row{name: "no id", call: remove("administrator", `{"userIds":["a b"]}`), status: 400, contains: []string{"malformed_id"}},
		row{name: "null", call: remove("administrator", `{"userIds":[null]}`), status: 400},
		row{name: "1,001 users", call: remove("administrator", `{"userIds":[`+numbered("user", 1001)+`]}`), status: 400, contains: []string{"too_many"}},
		row{name: "over 1 MiB", call: remove("administrator", strings.Repeat(" ", 1<<20)+nothing), status: 413},
	)
}

func elsewhereRows() []row {
	rows := []row{
		{name: "alive", call: call{method: "GET", path: "/livez"}, status: 200, contains: []string{`"status":"ok"`}},
		{name: "ready", call: call{method: "GET", path: "/readyz"}, status: 200, contains: []string{`"status":"ok"`}},
		{name: "service", call: call{method: "GET", path: "/acme/DefaultTenant/lease_/health"}, status: 200},
		{name: "wrong method", call: call{method: "POST", path: "/livez"}, status: 405, contains: []string{"method_not_allowed"}, allow: "GET, HEAD"},
		{name: "wrong method of our own", call: call{as: "host", method: "GET", path: "/api/v1/organizations"}, status: 405, contains: []string{"method_not_allowed"}, allow: "POST"},
		{name: "options of everything", call: call{method: "OPTIONS", path: licenses}, status: 405, allow: "DELETE, GET, HEAD, POST, PUT"},
	}
	for _, path := range []string{"/", "/nothing", "/api", "/api/v1", "/api/v1/nothing", "/acme/lease_/api/nothing", "/lease_/api/account//user-license", "/acme/DefaultTenant/more/lease_/api/account/{acme}/user-license", "/favicon.ico", "/acme/api/v1/organizations"} {
		rows = append(rows,
			row{name: "unknown " + path, call: call{method: "GET", path: path}, status: 404, contains: []string{"route_not_found"}},
			row{name: "unknown " + path, call: call{as: "host", method: "POST", path: path, body: "{}"}, status: 404, contains: []string{"route_not_found"}},
		)
	}
	return rows
}

// Promise: nobody can tell a foreign organization from one that does not exist.
func TestForeignAndMissingOrganizationsLookTheSame(t *testing.T) {
	t.Parallel()
	w := setup(t)
	fill := w.replacer(t)
	for _, c := range []call{{method: "PUT", body: take}, {method: "POST", body: `{"userIds":["globex-1"]}`}, {method: "GET"}, {method: "DELETE", body: `{"userIds":["globex-1"]}`}} {
		for _, as := range []string{"administrator", "member", "application", "auditor", "host"} {
			answers := map[string][]string{}
			for _, named := range []string{"{globex}", "globex", "GLOBEX", "{initech}", "00000000-0000-4000-8000-000000000000", "nobody", "a%20b", "*"} {
				for _, path := range []string{"/lease_/api/account/%s/user-license", "/%s/lease_/api/account/{acme}/user-license"} {
					c.as, c.path = as, fill.Replace(fmt.Sprintf(path, named))
					got := w.do(t, c)
					if path[1] == '%' && (named == "a%20b" || named == "*") {
						continue // no organization can be called so: there is no such route
					}
					id := got.header.Get("X-Request-Id")
					got.header.Del("Date")
					got.header.Del("X-Request-Id")
					text := fmt.Sprint(got.status, got.header, strings.ReplaceAll(got.body, id, "ID"))
					answers[text] = append(answers[text], c.path)
				}
			}
			if len(answers) != 1 {
				t.Errorf("%s by %s: %q", c.method, as, answers)
			}
		}
	}
}

// Promise: a demonstration's credentials belong to one organization only.
func TestCredentialsDoNotReachOtherOrganizations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	fill := w.replacer(t)
	before := w.state(t, w.demo.Acme.Organization, w.demo.Globex.Organization)
	for as, foreign := range map[string]app.Credentials{"application": w.demo.Globex, "administrator": w.demo.Globex, "globex": w.demo.Acme, "initech": w.demo.Acme} {
		for _, c := range []call{{method: "PUT", body: take}, {method: "POST", body: take}, {method: "GET"}, {method: "DELETE", body: `{"userIds":["analyst-1"]}`}} {
			c.as, c.path = as, fill.Replace("/lease_/api/account/"+string(foreign.Organization)+"/user-license")
			if got := w.do(t, c); got.status != 404 || strings.Contains(got.body, "PMBU") {
				t.Errorf("%s %s by %s: %d %s", c.method, c.path, as, got.status, got.body)
			}
		}
	}
	if after := w.state(t, w.demo.Acme.Organization, w.demo.Globex.Organization); after != before {
		t.Errorf("from\n%s to\n%s", before, after)
	}
}
