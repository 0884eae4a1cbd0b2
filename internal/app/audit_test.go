package app_test

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// auditor registers an application of an organization that may read its audit log, and returns who it asks as.
func (w *world) auditor(t *testing.T, organization seatwright.OrganizationID) string {
	t.Helper()
	name := "auditor-of-" + string(organization)
	_, secret, err := w.Applications.Create(t.Context(), seatwright.SystemCaller("test"), organization, directory.NewApplication{ID: name, Scopes: []seatwright.Scope{"PM.Audit"}})
	check(t, err)
	token := w.token(t, app.Credentials{ClientID: name, ClientSecret: secret}, "")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[name] = token
	return name
}

// read asks for JSON and fails the test where there is none.
func read[A any](t *testing.T, w *world, as, path string) (a A) {
	t.Helper()
	got := w.do(t, call{as: as, method: "GET", path: path})
	if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.status != 200 {
		t.Fatalf("GET %s: %d %s", path, got.status, got.body)
	}
	return a
}

// numbers are the sequences of records, which their details tell.
func numbers(t *testing.T, records []wire.AuditQueryRecordDto) []int64 {
	t.Helper()
	list := make([]int64, len(records))
	for i, r := range records {
		var event struct{ Sequence int64 }
		check(t, json.Unmarshal([]byte(r.AuditLogDetails), &event))
		list[i] = event.Sequence
	}
	return list
}

// Promise: whoever turns the pages reads each event once and in order, by every address, and what they read is what is stored.
func TestAuditPagesHoldEveryEventOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stored := w.events(t, w.demo.Acme.Organization, 0)
	for _, path := range []string{"/audit_/api/auditlogs", "/acme/portal_/api/auditLog/acme", "/identity_/api/AuditQuery/acme"} {
		for _, order := range []string{"", "asc", "DESC"} {
			var records []wire.AuditQueryRecordDto
			for {
				page := read[wire.AuditQueryRecordDtoPagedResult](t, w, "auditor", fmt.Sprintf("%s?top=7&skip=%d&sortOrder=%s", path, len(records), order))
				if page.TotalCount != int64(len(stored)) {
					t.Fatalf("totalCount is %d, there are %d events", page.TotalCount, len(stored))
				}
				records = append(records, page.Results...)
				if len(page.Results) < 7 {
					break
				}
			}
			if order != "asc" {
				slices.Reverse(records)
			}
			if len(records) != len(stored) {
				t.Fatalf("%s %s: %d records of %d events", path, order, len(records), len(stored))
			}
			for i, e := range stored {
				want := fmt.Sprintf(`"requestId":%q,"subject":%q,"data":%s,"prev":%q,"hash":%q}`, e.RequestID, e.Subject, e.Data, hex.EncodeToString(e.Prev), hex.EncodeToString(e.Hash))
				if r := records[i]; !strings.HasSuffix(r.AuditLogDetails, want) || !r.CreatedOn.Equal(e.At) || r.Source != e.Via {
					t.Errorf("record %d is %+v, want %s", i+1, r, want)
				}
			}
		}
	}
}

// Promise: filters and orders find what they say.
func TestAuditFilters(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if got := w.do(t, call{as: "administrator", method: "PUT", path: "/la/api/account/acme/user-license", body: take}); got.status != 200 {
		t.Fatalf("PUT: %d %s", got.status, got.body)
	}
	all := read[wire.AuditQueryRecordDtoPagedResult](t, w, "auditor", "/audit_/api/auditlogs?top=1000").Results
	newest := all[0]
	if newest.UserName != "admin@acme.example" || newest.Email == nil || *newest.Email != "admin@acme.example" || newest.Category != "License" ||
		newest.Action != "Allocate" || newest.Source != "lease" || newest.Message != "admin@acme.example allocated ATTUNU to singer-77 (in use now: ATTUNU 1 of 10)." {
		t.Errorf("the newest record is %+v", newest)
	}
	instant := url.QueryEscape(newest.CreatedOn.Format(time.RFC3339Nano))
	keep := func(fits func(wire.AuditQueryRecordDto) bool) []wire.AuditQueryRecordDto {
		return slices.DeleteFunc(slices.Clone(all), func(r wire.AuditQueryRecordDto) bool { return !fits(r) })
	}
	by := func(word func(wire.AuditQueryRecordDto) string, sign int) []wire.AuditQueryRecordDto {
		sorted := slices.Clone(all)
		slices.SortStableFunc(sorted, func(a, b wire.AuditQueryRecordDto) int { return sign * strings.Compare(word(a), word(b)) })
		return sorted
	}
	category := func(r wire.AuditQueryRecordDto) string { return r.Category }
	action := func(r wire.AuditQueryRecordDto) string { return r.Action }
	for query, want := range map[string][]wire.AuditQueryRecordDto{
		"userName=Admin%40acme.example":                keep(func(r wire.AuditQueryRecordDto) bool { return r.UserName == "admin@acme.example" }),
		"userName=system":                              keep(func(r wire.AuditQueryRecordDto) bool { return r.UserName == "system" }),
		"entityType=user":                              keep(func(r wire.AuditQueryRecordDto) bool { return r.Category == "User" }),
		"operationType=create":                         keep(func(r wire.AuditQueryRecordDto) bool { return r.Action == "Create" }),
		"entityType=User&operationType=Create":         keep(func(r wire.AuditQueryRecordDto) bool { return r.Category == "User" && r.Action == "Create" }),
		"startTime=" + instant:                         keep(func(r wire.AuditQueryRecordDto) bool { return !r.CreatedOn.Before(newest.CreatedOn) }),
		"endTime=" + instant:                           keep(func(r wire.AuditQueryRecordDto) bool { return r.CreatedOn.Before(newest.CreatedOn) }),
		"startTime=" + instant + "&endTime=" + instant: nil,
		"sortBy=category":                              by(category, 1),
		"sortBy=Category&sortOrder=desc":               by(category, -1),
		"sortBy=action&sortOrder=asc":                  by(action, 1),
		"sortBy=ACTION&sortOrder=desc":                 by(action, -1),
	} {
		got := read[wire.AuditQueryRecordDtoPagedResult](t, w, "auditor", "/audit_/api/auditlogs?top=1000&"+query)
		if !slices.Equal(numbers(t, got.Results), numbers(t, want)) || got.TotalCount != int64(len(want)) {
			t.Errorf("%s: %v, total %d; want %v", query, numbers(t, got.Results), got.TotalCount, numbers(t, want))
		}
	}
}

// Promise: following next reads back to the first event, following previous comes back, and no event is met twice or missed.
func TestAuditEventsAreReadBackAndForth(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stored := w.events(t, w.demo.Acme.Organization, 0)
	ids := func(p wire.AuditEventPage) (list []string) {
		for _, e := range p.AuditEvents {
			list = append(list, e.ID)
		}
		return list
	}
	var back []string
	var pages [][]string
	page := read[wire.AuditEventPage](t, w, "auditor", "/acme/orgaudit_/api/query/events?maxCount=7")
	for {
		back, pages = append(back, ids(page)...), append(pages, ids(page))
		if page.Next == nil {
			break
		}
		page = read[wire.AuditEventPage](t, w, "auditor", *page.Next)
	}
	for i, id := range back {
		if id != strconv.Itoa(len(stored)-i) {
			t.Fatalf("event %d is %s; all: %v", len(stored)-i, id, back)
		}
	}
	if len(back) != len(stored) {
		t.Errorf("%d of %d events", len(back), len(stored))
	}
	for i := len(pages) - 1; i > 0; i-- {
		if page.Previous == nil {
			t.Fatalf("page %d of %d has no previous one", i+1, len(pages))
		}
		page = read[wire.AuditEventPage](t, w, "auditor", *page.Previous)
		if !slices.Equal(ids(page), pages[i-1]) {
			t.Errorf("back on page %d: %v, it was %v", i, ids(page), pages[i-1])
		}
	}
	if page.Previous != nil {
		t.Errorf("before the newest event there is %s", *page.Previous)
	}
	// An instant alone is a bound as well, and an instant with an id stands between events of the same instant.
	at := url.QueryEscape(stored[9].At.Format(time.RFC3339Nano))
	for query, newest := range map[string]int64{
		"before=" + at: w.lastBefore(stored, stored[9].At), "to=" + at: w.lastBefore(stored, stored[9].At), "before=" + at + "&beforeId=10": 9, "beforeId=10": 9,
		"to=" + at + "&beforeId=3": min(2, w.lastBefore(stored, stored[9].At)),
	} {
		got := ids(read[wire.AuditEventPage](t, w, "auditor", "/orgaudit_/api/query/events?"+query))
		if len(got) != int(newest) || newest > 0 && got[0] != strconv.FormatInt(newest, 10) {
			t.Errorf("%s begins with %v, want %d", query, got, newest)
		}
	}
}

// lastBefore is the sequence of the last event before an instant.
func (w *world) lastBefore(events []seatwright.Event, at time.Time) int64 {
	return int64(len(slices.DeleteFunc(slices.Clone(events), func(e seatwright.Event) bool { return !e.At.Before(at) })))
}

// Promise: texts of one organization never appear in what another, or the host, reads of its own log, whatever they filter by; nor do
// the names of the host's people appear in an organization's. A secret appears in none.
func TestAuditLogsNeverMix(t *testing.T) {
	t.Parallel()
	w := setup(t)
	system := seatwright.SystemCaller("test")
	asHost := seatwright.Caller{
		Principal: seatwright.Principal{Kind: seatwright.PrincipalUser, ID: "operator-id", Organization: seatwright.HostID, Role: seatwright.RoleHostAdministrator},
		Via:       "native", RequestID: "canary-request",
	}
	_, err := w.Directory.CreateUser(t.Context(), system, seatwright.HostID, directory.NewUser{
		ID: "operator-id", UserName: "canary-host-name", Email: "canary-host@example.org", Role: seatwright.RoleHostAdministrator,
	})
	check(t, err)
	for _, name := range []string{"north", "south"} {
		w.organization(t, directory.NewOrganization{Name: name, DisplayName: "canary-" + name}, nil, map[string]int64{"ATTUNU": 3})
		id := seatwright.OrganizationID(name + "-id")
		// The same id in both: whoever looks people up without their organization finds the wrong one.
		_, err := w.Directory.CreateUser(t.Context(), asHost, id, directory.NewUser{
			ID: "twin", UserName: "canary-" + name + "-name", Email: "canary-" + name + "@example.org", Password: "canary-" + name + "-password",
		})
		check(t, err)
		for _, body := range []string{`{"userIds":["twin"],"userBundleCodes":["ATTUNU"]}`, `{"userIds":["twin"],"userBundleCodes":["PMBU"]}`} {
			w.do(t, call{as: name, method: "PUT", path: "/la/api/account/" + name + "/user-license", body: body})
		}
	}
	as := map[string]string{"north": w.auditor(t, "north-id"), "south": w.auditor(t, "south-id"), "host": "host"}
	foreign := map[string][]string{
		"north": {"canary-south", "south-id", "canary-host"}, "south": {"canary-north", "north-id", "canary-host"},
		"host": {"canary-north", "canary-south"},
	}
	for who, asking := range as {
		for _, path := range []string{
			"/audit_/api/auditlogs?top=1000", "/portal_/api/auditLog?top=1000", "/audit_/api/auditlogs/download", "/orgaudit_/api/query/events",
			"/audit_/api/auditlogs?userName=canary-north-name", "/audit_/api/auditlogs?userName=canary-south-name", "/audit_/api/auditlogs?userName=twin",
			"/audit_/api/auditlogs?userName=canary-host-name", "/audit_/api/auditlogs?userName=host/operator-id", "/audit_/api/auditlogs?userName=operator-id",
		} {
			got := w.do(t, call{as: asking, method: "GET", path: path})
			if got.status != 200 {
				t.Fatalf("%s by %s: %d %s", path, who, got.status, got.body)
			}
			for _, canary := range append(foreign[who], "-password", "argon2") {
				if strings.Contains(got.body, canary) {
					t.Errorf("%s by %s has %s: %s", path, who, canary, got.body)
				}
			}
			if own := "canary-" + who; who != "host" && path == "/audit_/api/auditlogs?top=1000" && (!strings.Contains(got.body, own+"-name") || !strings.Contains(got.body, own+"@example.org")) {
				t.Errorf("%s by %s lacks its own people: %s", path, who, got.body)
			}
		}
	}
	if page := read[wire.AuditQueryRecordDtoPagedResult](t, w, as["north"], "/audit_/api/auditlogs?userName=canary-host-name"); page.TotalCount != 0 {
		t.Errorf("an organization finds a person of the host by name: %+v", page)
	}
	if page := read[wire.AuditQueryRecordDtoPagedResult](t, w, as["north"], "/audit_/api/auditlogs?userName=host/operator-id"); page.TotalCount != 1 || page.Results[0].UserName != "host/operator-id" {
		t.Errorf("by the id of a person of the host: %+v", page)
	}
}

// Promise: another organization's log looks exactly like one that does not exist, to whoever asks and by whatever address.
func TestForeignAndMissingAuditLogsLookTheSame(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{
		"/audit_/api/auditlogs/%s", "/%s/audit_/api/auditlogs", "/portal_/api/auditLog/%s", "/identity_/api/AuditQuery/%s", "/identity_/api/AuditQuery/%s/download",
		"/%s/audit_/api/auditlogs/download", "/%s/orgaudit_/api/query/events",
	} {
		for _, as := range []string{"administrator", "auditor", "member", "host", "globex"} {
			answers := map[string][]string{}
			for _, named := range []string{"initech", string(w.demo.Initech.Organization), "00000000-0000-4000-8000-000000000000", "nobody"} {
				got := w.do(t, call{as: as, method: "GET", path: fmt.Sprintf(path, named)})
				id := got.header.Get("X-Request-Id")
				got.header.Del("Date")
				got.header.Del("X-Request-Id")
				text := fmt.Sprint(got.status, got.header, strings.ReplaceAll(got.body, id, "ID"))
				answers[text] = append(answers[text], named)
			}
			if len(answers) != 1 {
				t.Errorf("%s by %s: %q", path, as, answers)
			}
		}
	}
}

// Promise: no cell of a downloaded log is a formula to a spreadsheet program, whatever people are called, and nothing of it is lost.
func TestAuditFileIsNoSpreadsheetProgram(t *testing.T) {
	t.Parallel()
	w := setup(t)
	names := []string{"=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://x\")", "'=1", `"=1+1"`, ";=1", ",=1", "|=1", "plain"}
	w.organization(t, directory.NewOrganization{Name: "sheet"}, nil, map[string]int64{"ATTUNU": 3})
	for i, name := range names {
		_, err := w.Directory.CreateUser(t.Context(), seatwright.SystemCaller("test"), "sheet-id", directory.NewUser{
			ID: fmt.Sprintf("id-%d", i), UserName: name, Email: name + "@x", Password: memberPassword, Role: seatwright.RoleOrganizationAdministrator,
		})
		check(t, err)
		token := w.login(t, "sheet", name, memberPassword)
		got := w.do(t, call{
			method: "PUT", path: "/la/api/account/sheet/user-license", body: fmt.Sprintf(`{"userIds":["id-%d"],"userBundleCodes":[]}`, i),
			header: map[string]string{"Authorization": "Bearer " + token},
		})
		if got.status != 200 {
			t.Fatalf("%s: %d %s", name, got.status, got.body)
		}
	}
	got := w.do(t, call{as: w.auditor(t, "sheet-id"), method: "GET", path: "/audit_/api/auditlogs/download"})
	if kind := got.header.Get("Content-Type"); got.status != 200 || kind != "text/csv; charset=utf-8; header=present" || got.header.Get("Content-Disposition") != `attachment; filename="auditlogs.csv"` {
		t.Fatalf("%d %v", got.status, got.header)
	}
	if strings.Count(got.body, "\n") != strings.Count(got.body, "\r\n") {
		t.Error("a line does not end as RFC 4180 has it")
	}
	lines, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	check(t, err)
	stored := w.events(t, "sheet-id", 0)
	if len(lines) != len(stored)+1 || got.header.Get("X-Total-Count") != strconv.Itoa(len(stored)) {
		t.Errorf("%d lines and X-Total-Count %s for %d events", len(lines), got.header.Get("X-Total-Count"), len(stored))
	}
	for _, line := range lines {
		for _, cell := range line {
			// A program that takes something else for the separator begins a cell there as well.
			for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;|\t\r\n", r) }) {
				if bare := strings.TrimLeft(part, `" `); bare != "" && strings.ContainsAny(bare[:1], "=+-@") {
					t.Errorf("a spreadsheet would run %q of %q", part, cell)
				}
			}
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(lines, func(line []string) bool {
			return strings.ReplaceAll(line[3], "'", "") == strings.ReplaceAll(name, "'", "")
		}) {
			t.Errorf("no line names %s", name)
		}
	}
}

// Promise: a file of more than one page has each event once, the newest first, and size cuts it.
func TestAuditFileIsWholeOverManyPages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const people = 2100
	users := make([]string, people)
	for i := range users {
		users[i] = fmt.Sprintf("p-%d", i)
	}
	w.organization(t, directory.NewOrganization{Name: "large"}, users, nil)
	as := w.auditor(t, "large-id")
	total := w.head(t, "large-id")
	file := func(query string) [][]string {
		got := w.do(t, call{as: as, method: "GET", path: "/audit_/api/auditlogs/download?" + query})
		lines, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
		if err != nil || got.status != 200 || len(lines) == 0 {
			t.Fatalf("%s: %d %v", query, got.status, err)
		}
		return lines[1:]
	}
	var group sync.WaitGroup
	for query, want := range map[string]int64{"": total, "size=2000": 2000, "size=1": 1, "size=1000": 1000, "size=1001": 1001, "operationType=Create&entityType=user&size=2050": 2050, "entityType=User": people} {
		group.Go(func() {
			lines := file(query)
			if int64(len(lines)) != want {
				t.Errorf("%q has %d lines, want %d", query, len(lines), want)
				return
			}
			next := int64(1) << 62
			for _, line := range lines {
				var event struct{ Sequence int64 }
				if err := json.Unmarshal([]byte(line[7]), &event); err != nil || event.Sequence >= next {
					t.Errorf("%q has event %d behind %d, %v", query, event.Sequence, next, err)
					return
				}
				next = event.Sequence
			}
		})
	}
	group.Wait()
}
