package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// Promise: who is not active any more, or not an administrator, or gone, can do nothing from the moment at which that is answered,
// whatever tokens they have; and what they held is free.
func TestWhoLosesAccessLosesItAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme := w.demo.Acme.Organization
	system := seatwright.SystemCaller("test")
	_, err := w.Directory.CreateUser(t.Context(), system, acme, directory.NewUser{
		ID: "second", UserName: "second", Password: memberPassword, Role: seatwright.RoleOrganizationAdministrator,
	})
	check(t, err)
	w.tokens["second"] = w.login(t, "acme", "second", memberPassword)
	reads := func(status int) {
		t.Helper()
		for range 2 { // the second time from what is remembered
			if got := w.do(t, call{as: "second", method: "GET", path: "/identity_/api/User/second"}); got.status != status {
				t.Fatalf("status %d, want %d: %s", got.status, status, got.body)
			}
		}
	}
	change := func(method, path, body string, status int) {
		t.Helper()
		if got := w.do(t, call{as: "administrator", method: method, path: path, body: body}); got.status != status {
			t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
		}
	}
	const person = "/identity_/api/User/second"
	change("PUT", "/acme/lease_/api/account/acme/user-license", `{"userIds":["second"],"userBundleCodes":["ATTUNU","TSTNU"]}`, 200)
	held := w.state(t, acme)
	reads(200)
	change("PUT", person, `{"groupIDsToRemove":["administrators"]}`, 200)
	reads(403)
	change("PUT", person, `{"groupIDsToAdd":["administrators"]}`, 200)
	w.tokens["second"] = w.login(t, "acme", "second", memberPassword)
	reads(200)
	change("PUT", person, `{"isActive":false}`, 200)
	reads(401)
	if now := w.state(t, acme); now == held || strings.Contains(now, "ATTUNU 1/") || strings.Contains(now, "TSTNU 1/") {
		t.Errorf("held was\n%s now it is\n%s", held, now)
	}
	if got := w.do(t, call{method: "POST", path: "/api/account/authenticate", body: `{"TenancyName":"acme","UsernameOrEmailAddress":"second","Password":"` + memberPassword + `"}`}); got.status != 401 {
		t.Errorf("an inactive person signs in: %d", got.status)
	}
	change("PUT", person, `{"isActive":true}`, 200)
	w.tokens["second"] = w.login(t, "acme", "second", memberPassword)
	reads(200)
	change("DELETE", person, "", 204)
	reads(401)
	change("POST", "/identity_/api/User", `{"id":"second","userName":"second"}`, 200)
	change("GET", person, "", 200)
}

// Promise: people join and leave groups where they are made and changed, and groups lose who is gone.
func TestPeopleAndGroups(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme := w.demo.Acme.Organization
	from := w.head(t, acme)
	for i, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "Group", `{"id":"g-1","name":"One"}`, 201},
		{"POST", "Group", `{"id":"g-2","name":"Two"}`, 201},
		{"POST", "User/BulkCreate", `{"users":[{"id":"a","userName":"a"},{"id":"b","userName":"b"}],"groupIDs":["g-1","everyone","g-2"]}`, 200},
		{"PUT", "User/a", `{"name":"A","groupIDsToRemove":["g-2"]}`, 200},
		{"PUT", "User/a", `{"groupIDsToAdd":["g-1"],"groupIDsToRemove":["g-2"]}`, 200},
		{"DELETE", "User/b", "", 204},
	} {
		if got := w.do(t, call{as: "administrator", method: c.method, path: "/identity_/api/" + c.path, body: c.body}); got.status != c.status {
			t.Fatalf("%d: %d %s", i, got.status, got.body)
		}
	}
	want := []string{
		"group.created g-1", "group.created g-2", "user.created a", "group.updated g-1", "group.updated g-2", "user.created b", "group.updated g-1",
		"group.updated g-2", "user.updated a", "group.updated g-2", "user.deleted b",
	}
	if got := said(w.events(t, acme, from)); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	for path, part := range map[string]string{
		"User/a": `"groupIDs":["everyone","g-1"]`, "Group/acme/g-1/Members": `{"totalCount":1,"results":[{"id":"a"`, "Group/acme/g-2/Members": `{"totalCount":0`,
	} {
		if got := w.do(t, call{as: "administrator", method: "GET", path: "/identity_/api/" + path}); !strings.Contains(got.body, part) {
			t.Errorf("%s: %s, want %s", path, got.body, part)
		}
	}
}

// Promise: a page of a thousand people is one answer, and all pages together are everybody.
func TestPagesOfPeople(t *testing.T) {
	t.Parallel()
	w := setup(t)
	users := make([]string, 1000)
	for i := range users {
		users[i] = fmt.Sprintf(`{"id":"p-%04d","userName":"p-%04d"}`, i, i)
	}
	made := w.do(t, call{as: "administrator", method: "POST", path: "/identity_/api/User/BulkCreate", body: `{"users":[` + strings.Join(users, ",") + `]}`})
	if made.status != 200 || strings.Count(made.body, `"userName":"p-`) != 1000 {
		t.Fatalf("%d %.300s", made.status, made.body)
	}
	for query, want := range map[string]int{"top=1000": 1000, "top=1000&skip=999": 1, "top=7": 7, "": 10} {
		got := w.do(t, call{as: "administrator", method: "GET", path: "/identity_/api/User/users/acme?searchTerm=p-&sortBy=UserName&" + query})
		if !strings.Contains(got.body, `{"totalCount":1000,`) || strings.Count(got.body, `"userName":"p-`) != want {
			t.Errorf("%s: %d %.200s", query, got.status, got.body)
		}
	}
}

// Promise: whoever is invited cannot sign in before an administrator gives them a password, and has accepted when they do. Their
// mail address is in no event.
func TestPeopleWhoAreInvited(t *testing.T) {
	t.Parallel()
	w := setup(t)
	acme := w.demo.Acme.Organization
	before := w.head(t, acme)
	got := w.do(t, call{as: "administrator", method: "POST", path: "/identity_/api/User/InviteUsers", body: `[{"email":"Guest@mail.example","name":"Guest"}]`})
	_, rest, _ := strings.Cut(got.body, `"users":[{"id":"`)
	id, _, ok := strings.Cut(rest, `"`)
	if got.status != 200 || !ok {
		t.Fatalf("%d %s", got.status, got.body)
	}
	person := call{as: "administrator", method: "GET", path: "/identity_/api/User/" + id}
	accepted := func(want string) {
		t.Helper()
		if got := w.do(t, person); !strings.Contains(got.body, `"invitationAccepted":`+want) {
			t.Errorf("accepted is not %s: %s", want, got.body)
		}
	}
	put := func(body string) {
		t.Helper()
		if got := w.do(t, call{as: "administrator", method: "PUT", path: person.path, body: body}); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	login := func(password string) answer {
		t.Helper()
		return w.do(t, call{method: "POST", path: "/api/account/authenticate", body: `{"TenancyName":"acme","UsernameOrEmailAddress":"guest@mail.example","Password":"` + password + `"}`})
	}
	for _, password := range []string{"", memberPassword} {
		if got := login(password); got.status < 400 || got.status > 401 {
			t.Errorf("without a password of their own: %d %s", got.status, got.body)
		}
	}
	accepted("false")
	put(`{"invitationAccepted":true}`)
	accepted("true")
	put(`{"invitationAccepted":false,"password":"` + memberPassword + `"}`)
	accepted("false")
	if got := login(memberPassword); got.status != 200 {
		t.Errorf("with a password: %d %s", got.status, got.body)
	}
	accepted("true")
	got = w.do(t, call{as: "administrator", method: "GET", path: "/identity_/api/User/users/acme?searchTerm=guest@&sortBy=invitationAccepted&sortOrder=desc"})
	if !strings.Contains(got.body, `"invitationAccepted":true`) {
		t.Errorf("in the list: %s", got.body)
	}
	for _, e := range w.events(t, acme, before) {
		if text := strings.ToLower(string(e.Data) + e.Subject + e.Actor); strings.Contains(text, "guest") || strings.Contains(text, "mail.example") {
			t.Errorf("an event names a person: %s", text)
		}
	}
}
