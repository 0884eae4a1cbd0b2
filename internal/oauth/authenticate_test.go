package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

func (w *world) authenticate(path, contentType, body string) answer {
	w.t.Helper()
	r := must(http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(body)))
	r.Header.Set("Content-Type", contentType)
	return w.do(r)
}

const loginBody = `{"TenancyName":"acme","UsernameOrEmailAddress":"boss","Password":"` + password + `"}`

func TestAuthenticateTakesEverySpellingOfPublishedClients(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, c := range map[string]struct{ path, contentType, body string }{
		"as documented":        {"/api/account/authenticate", "application/json", loginBody},
		"camel case":           {"/api/Account/Authenticate", "application/json; charset=utf-8", `{"tenancyName":"acme","usernameOrEmailAddress":"boss","password":"` + password + `"}`},
		"organization in path": {"/acme/DefaultTenant/api/account/authenticate", "text/json", `{"usernameOrEmailAddress":"boss","password":"` + password + `"}`},
		"null tenancy":         {"/ACME/api/Account/Authenticate", "application/json-patch+json", `{"TENANCYNAME":null,"USERNAMEOREMAILADDRESS":"BOSS","PASSWORD":"` + password + `","rememberMe":true}`},
		"tenant name":          {"/api/account/authenticate", "application/vnd.x+json", strings.Replace(loginBody, "acme", "defaulttenant", 1)},
		"organization id":      {"/api/account/authenticate", "application/json", strings.Replace(loginBody, "acme", string(w.acme.ID), 1)},
	} {
		a := w.authenticate(c.path, c.contentType, c.body)
		if a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
			continue
		}
		token, _ := a.body["result"].(string)
		if want := `{"result":"` + token + `","targetUrl":null,"success":true,"error":null,"unAuthorizedRequest":false,"__abp":true}`; strings.TrimSpace(a.text) != want {
			t.Errorf("%s: %s", name, a.text)
		}
		principal, err := w.Verify(t.Context(), token)
		if err != nil || principal.ID != string(w.boss.ID) || principal.Organization != w.acme.ID || principal.Role != w.boss.Role || len(principal.Scopes) != 0 {
			t.Errorf("%s: %+v, %v", name, principal, err)
		}
	}
	a := w.authenticate("/api/account/authenticate", "application/json", strings.Replace(strings.Replace(loginBody, "acme", "host", 1), "boss", "admin", 1))
	token, _ := a.body["result"].(string)
	if principal, err := w.Verify(t.Context(), token); err != nil || principal.Role != seatwright.RoleHostAdministrator || principal.Organization != seatwright.HostID {
		t.Errorf("host: %+v, %v", principal, err)
	}
}

// Guards against enumeration: the answers are the same to the byte.
func TestAuthenticateTellsNobodyWhatWasWrong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const want = `{"result":null,"targetUrl":null,"success":false,"error":{"code":0,"message":"Invalid credentials","details":null,"validationErrors":null},"unAuthorizedRequest":true,"__abp":true}`
	check := func(name, body string) {
		t.Helper()
		a := w.authenticate("/api/account/authenticate", "application/json", body)
		if a.StatusCode != http.StatusUnauthorized || strings.TrimSpace(a.text) != want || a.Header.Get("Cache-Control") != "no-store" ||
			a.Header.Get("WWW-Authenticate") != `Bearer realm="seatwright"` {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	check("wrong password", strings.Replace(loginBody, password, "wrong", 1))
	check("unknown user", strings.Replace(loginBody, "boss", "nobody", 1))
	check("impossible user", strings.Replace(loginBody, "boss", `no\u0000body`, 1))
	check("unknown organization", strings.Replace(loginBody, "acme", "nowhere", 1))
	check("user of another organization", strings.Replace(loginBody, "boss", "stranger", 1))
	check("password over 1 KiB", strings.Replace(loginBody, password, strings.Repeat("x", 1025), 1))
	w.view.user = func(u *seatwright.User) { u.Active = false }
	check("inactive", loginBody)
}

func TestAuthenticateRefusesMalformedBodies(t *testing.T) {
	t.Parallel()
	w := setup(t)
	deep := strings.TrimSuffix(loginBody, "}") + `,"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}"
	for name, c := range map[string]struct {
		contentType, body string
		status            int
		members           string
	}{
		"empty":                         {"application/json", "", 400, "[]"},
		"not JSON":                      {"application/json", "TenancyName=acme", 400, "[]"},
		"array":                         {"application/json", "[]", 400, "[]"},
		"trailing text":                 {"application/json", loginBody + "x", 400, "[]"},
		"second value":                  {"application/json", loginBody + "{}", 400, "[]"},
		"name twice":                    {"application/json", strings.TrimSuffix(loginBody, "}") + `,"Password":"x"}`, 400, "[]"},
		"name twice in other case":      {"application/json", strings.TrimSuffix(loginBody, "}") + `,"password":"x"}`, 400, "[]"},
		"unknown name twice":            {"application/json", strings.TrimSuffix(loginBody, "}") + `,"x":1,"x":2}`, 400, "[]"},
		"broken UTF-8":                  {"application/json", strings.Replace(loginBody, "boss", "bo\xffss", 1), 400, "[]"},
		"lone surrogate":                {"application/json", strings.Replace(loginBody, "boss", `\ud800`, 1), 400, "[]"},
		"too deep":                      {"application/json", deep, 400, "[]"},
		"number for a name":             {"application/json", strings.Replace(loginBody, `"boss"`, "1", 1), 400, "[UsernameOrEmailAddress]"},
		"object for a password":         {"application/json", `{"usernameOrEmailAddress":"boss","password":{}}`, 400, "[password]"},
		"no members":                    {"application/json", `{}`, 400, "[UsernameOrEmailAddress Password]"},
		"null password":                 {"application/json", strings.Replace(loginBody, `"`+password+`"`, "null", 1), 400, "[Password]"},
		"form":                          {"application/x-www-form-urlencoded", loginBody, 415, "[]"},
		"text":                          {"text/plain", loginBody, 415, "[]"},
		"no type":                       {"", loginBody, 415, "[]"},
		"too large":                     {"application/json", strings.Replace(loginBody, "boss", strings.Repeat("x", maxBodyBytes), 1), 413, "[]"},
		"too large behind a full value": {"application/json", loginBody + strings.Repeat(" ", maxBodyBytes), 413, "[]"},
	} {
		a := w.authenticate("/api/account/authenticate", c.contentType, c.body)
		refusal, _ := a.body["error"].(map[string]any)
		listed, _ := refusal["validationErrors"].([]any)
		members := []any{}
		for _, e := range listed {
			members = append(members, e.(map[string]any)["members"].([]any)...)
		}
		if a.StatusCode != c.status || fmt.Sprint(members) != c.members || a.body["unAuthorizedRequest"] != false || a.body["success"] != false || refusal["message"] == "" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
		if strings.Contains(a.text, password) {
			t.Errorf("%s: the password is told: %s", name, a.text)
		}
	}
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/api/account/authenticate", nil))
	if a := w.do(r); a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
		t.Errorf("GET = %d %v", a.StatusCode, a.Header)
	}
}

func TestAuthenticateDuringTroubleIsNotUnauthorized(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.view.err = seatwright.Unavailable(seatwright.ReasonStoreUnavailable, errors.New("disk on fire"), "the database does not answer")
	a := w.authenticate("/acme/api/account/authenticate", "application/json", loginBody)
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "1" || a.body["unAuthorizedRequest"] != false || strings.Contains(a.text, "fire") {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.text)
	}
}

// Guards the memory of the server: where too many logins wait both doors say so, and when to come back.
func TestLoginsBeyondTheQueueAreSentAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Provider.login = w.logins(directory.New(w.view, w.ledger, directory.NewPasswords(1, 1)))
	const crowd = 12
	var group, arrived sync.WaitGroup
	arrived.Add(crowd)
	var came atomic.Int64
	w.view.user = func(*seatwright.User) { // all of them stand before the hash workers at the same time
		if came.Add(1) > crowd {
			return // whoever was let in is looked up again
		}
		arrived.Done()
		arrived.Wait()
	}
	answers := make([]answer, crowd)
	for i := range crowd {
		group.Go(func() {
			if i%2 == 0 {
				answers[i] = w.authenticate("/api/account/authenticate", "application/json", loginBody)
			} else {
				answers[i] = w.post(form("grant_type", "password", "username", "boss", "password", password, "client_id", "app:1", "client_secret", clientSecret), nil)
			}
		})
	}
	group.Wait()
	var served, sentAway int
	for i, a := range answers {
		switch {
		case a.StatusCode == http.StatusOK:
			served++
		case a.StatusCode == http.StatusTooManyRequests && a.Header.Get("Retry-After") == "1":
			sentAway++
			if i%2 == 1 && a.body["error"] != "temporarily_unavailable" {
				t.Errorf("%s", a.text)
			}
		default:
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
	}
	if served == 0 || sentAway == 0 {
		t.Errorf("%d served, %d sent away", served, sentAway)
	}
}

// Promise: whoever failed too often hears it from both doors in their own form, somebody and nobody alike, and the right password is
// not taken; programs with their own credentials are let in all the same.
func TestTooManyFailuresAreToldByBothDoors(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.limits.PerMinute = 2
	w.Provider = w.node(nil)
	grant := func(user, typed string) answer {
		return w.post(form("grant_type", "password", "username", user, "password", typed, "client_id", "app:1", "client_secret", clientSecret), nil)
	}
	login := func(user, typed string) answer {
		return w.authenticate("/acme/api/account/authenticate", "application/json", fmt.Sprintf(`{"usernameOrEmailAddress":%q,"password":%q}`, user, typed))
	}
	for _, user := range []string{"boss", "nobody"} {
		if a := grant(user, "wrong"); a.StatusCode != http.StatusBadRequest || a.body["error"] != "invalid_grant" {
			t.Errorf("%s: %d %s", user, a.StatusCode, a.text)
		}
		if a := login(user, "wrong"); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", user, a.StatusCode, a.text)
		}
		before := w.passwords.Hashes()
		if a := grant(user, password); a.StatusCode != http.StatusTooManyRequests || a.body["error"] != "temporarily_unavailable" || a.Header.Get("Retry-After") != "60" {
			t.Errorf("%s: %d %v %s", user, a.StatusCode, a.Header, a.text)
		}
		if a := login(user, password); a.StatusCode != http.StatusTooManyRequests || a.body["unAuthorizedRequest"] != false || a.body["success"] != false || a.Header.Get("Retry-After") != "60" {
			t.Errorf("%s: %d %v %s", user, a.StatusCode, a.Header, a.text)
		}
		if n := w.passwords.Hashes() - before; n != 0 {
			t.Errorf("%s: %d passwords were looked at", user, n)
		}
	}
	if a := w.post(form("grant_type", "client_credentials", "client_id", "app:1", "client_secret", clientSecret), nil); a.StatusCode != http.StatusOK {
		t.Errorf("a program: %d %s", a.StatusCode, a.text)
	}
	w.clock.advance(time.Minute)
	if a := login("boss", password); a.StatusCode != http.StatusOK {
		t.Errorf("a minute later: %d %s", a.StatusCode, a.text)
	}
}
