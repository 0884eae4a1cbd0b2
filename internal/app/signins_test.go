package app_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/directory"
)

func loginAttemptRows() []row {
	get := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	const path = "/identity_/api/User/member/loginAttempts"
	signedIn := []string{`"partitionName":"acme"`, `"userId":"member"`, `"userNameOrEmailAddress":"member"`, `"clientIpAddress":"127.0.0.1"`, `"clientName":null`,
		`"browserInfo":"Go-http-client/1.1"`, `"result":"success"`, `"partitionGlobalId":"{acme}"`}
	rows := whoMayNotOfPeople(get("", path), "member", "host", "application", "people", "auditor")
	rows = append(rows,
		row{name: "administrator", call: get("administrator", path), status: 200, contains: signedIn, lacks: []string{memberPassword}},
		row{name: "in another case", call: get("administrator", "/acme/Identity_/api/user/member/LOGINATTEMPTS/?top=5&since=2020-01-01&sortBy=CreationTime&sortOrder=ASC"), status: 200, contains: signedIn},
		row{name: "of nobody yet", call: get("administrator", "/identity_/api/User/singer-88/loginAttempts"), status: 200, contains: []string{`"results":[]`}},
		row{name: "none of the page", call: get("administrator", path+"?top=0"), status: 200, contains: []string{`"results":[]`, `"totalCount":`}},
		row{name: "in the future", call: get("administrator", path+"?since=9999-01-01T00:00:00"), status: 200, contains: []string{`"totalCount":0`}},
		row{name: "beyond the end", call: get("administrator", path+"?skip=2147483647&sortOrder=asc"), status: 200, contains: []string{`"results":[]`}},
	)
	for name, query := range map[string]string{
		"a top of too many": "top=1001", "a negative skip": "skip=-1", "another order": "sortBy=result", "another direction": "sortOrder=up", "no instant": "since=yesterday",
	} {
		rows = append(rows, row{name: name, call: get("administrator", path+"?"+query), status: 400, contains: []string{"invalid_value"}})
	}
	for name, id := range map[string]string{"unknown": "nobody", "of another organization": "globex-1", "no id that can be": "a%20b"} {
		rows = append(rows, row{name: name, call: get("administrator", "/identity_/api/User/"+id+"/loginAttempts"), status: 404, contains: []string{"there is no such user"}})
	}
	return rows
}

// Promise: an administrator sees who came, from where and how it ended, the newest first, in pages.
func TestLoginAttemptsAreListed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := w.Directory.CreateUser(t.Context(), seatwright.SystemCaller("test"), w.demo.Acme.Organization, directory.NewUser{ID: "ann", UserName: "ann", Password: memberPassword})
	check(t, err)
	for _, password := range []string{memberPassword, "wrong 1", memberPassword, "wrong 2", "wrong 3"} {
		w.do(t, call{method: "POST", path: "/acme/api/account/authenticate", header: map[string]string{"User-Agent": "agent of " + password[:5]},
			body: `{"UsernameOrEmailAddress":"ann","Password":"` + password + `"}`})
	}
	_, secret, err := w.Applications.Create(t.Context(), seatwright.SystemCaller("test"), w.demo.Acme.Organization, directory.NewApplication{
		ID: "watcher", Scopes: []seatwright.Scope{"PM.UserLoginAttempt.Read"},
	})
	check(t, err)
	w.tokens["watcher"] = w.token(t, app.Credentials{ClientID: "watcher", ClientSecret: secret}, "")
	list := func(query string) (said string) {
		got := w.do(t, call{as: "watcher", method: "GET", path: "/identity_/api/User/ann/loginAttempts?" + query})
		var page struct {
			TotalCount int
			Results    []struct {
				ID                  int64
				Result, BrowserInfo string
			}
		}
		if err := json.Unmarshal([]byte(got.body), &page); err != nil || got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		for _, r := range page.Results {
			said += r.Result[:1]
		}
		return fmt.Sprint(page.TotalCount, " ", said)
	}
	for query, want := range map[string]string{
		"": "5 iisis", "sortOrder=asc": "5 sisii", "top=2": "5 ii", "top=2&skip=1": "5 is", "top=2&skip=1&sortOrder=asc": "5 is", "top=2&sortOrder=asc": "5 si",
		"top=10&skip=4&sortOrder=asc": "5 i", "skip=5": "5 ", "skip=7&sortOrder=asc": "5 ", "sortOrder=desc&skip=3": "5 is",
	} {
		if got := list(query); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}
