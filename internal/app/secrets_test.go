package app_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/directory"
)

// Promise: what people and programs sign in with is in no log, no event and no backup, whether it was right or wrong; neither is a
// name that was typed and that nobody has.
func TestCredentialsAreWrittenNowhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := &logBook{}
	config := app.Config{Listen: "127.0.0.1:0", Data: dir, LogLevel: "debug", LoginFailuresPerMinute: 3, LockAfterFailures: 100, LockSeconds: 300}
	if onPostgres {
		config.Data, config.DatabaseURL = "", databaseOf(t, dir)
	}
	opened, err := app.Open(t.Context(), config, logs, true)
	check(t, err)
	t.Cleanup(func() { check(t, opened.Close()) })
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- opened.Serve(ctx) }()
	w := &world{App: opened, dir: dir, client: noRedirects(), tokens: map[string]string{}}

	system := seatwright.SystemCaller("test")
	acme, err := opened.Directory.CreateOrganization(t.Context(), system, directory.NewOrganization{ID: "acme-id", Name: "acme"})
	check(t, err)
	secret := directory.NewSecret()
	_, _, err = opened.Applications.Create(t.Context(), system, acme.ID, directory.NewApplication{ID: "script", Secret: secret, Scopes: []seatwright.Scope{"PM.License"}, UserScopes: []seatwright.Scope{"PM.License"}})
	check(t, err)
	_, err = opened.Directory.CreateUser(t.Context(), system, acme.ID, directory.NewUser{
		ID: "boss", UserName: "boss", Password: "canary-right-password", Role: seatwright.RoleOrganizationAdministrator,
	})
	check(t, err)

	login := func(user, password string) answer {
		body, err := json.Marshal(map[string]string{"UsernameOrEmailAddress": user, "Password": password})
		check(t, err)
		return w.do(t, call{method: "POST", path: "/acme/api/account/authenticate", body: string(body)})
	}
	token := func(pairs ...string) answer {
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return w.do(t, call{method: "POST", path: "/identity_/connect/token", header: formType, body: form.Encode()})
	}
	canaries := []string{"canary", secret}
	for i, got := range []answer{
		0: login("boss", "canary-right-password"),
		1: token("grant_type", "client_credentials", "client_id", "script", "client_secret", secret),
		2: token("grant_type", "password", "client_id", "script", "client_secret", secret, "username", "boss", "password", "canary-right-password"),
		3: login("boss", "canary-wrong-password"),
		4: login("canary-name", "canary-wrong-password"),
		5: login("canary-name\x00", "canary-wrong-password"),
		6: token("grant_type", "client_credentials", "client_id", "script", "client_secret", "canary-wrong-secret"),
		7: token("grant_type", "client_credentials", "client_id", "canary-client", "client_secret", "canary-wrong-secret"),
		8: token("grant_type", "password", "client_id", "script", "client_secret", secret, "username", "canary-name", "password", "canary-wrong"),
		9: w.do(t, call{method: "POST", path: "/acme/api/account/authenticate?password=canary-query", body: `{"Password":"canary-broken`}),
	} {
		var said struct {
			Result      string
			AccessToken string `json:"access_token"`
		}
		check(t, json.Unmarshal([]byte(got.body), &said))
		made := said.Result + said.AccessToken
		if (made != "") != (i < 3) {
			t.Fatalf("login %d: %d %s", i, got.status, got.body)
		}
		if made == "" {
			if strings.Contains(got.body, "canary") {
				t.Errorf("answer %d repeats what was sent: %s", i, got.body)
			}
			continue
		}
		signature := made[strings.LastIndex(made, ".")+1:]
		canaries = append(canaries, made, signature)
		altered := w.do(t, call{method: "GET", path: "/lease_/api/account/acme/user-license", header: map[string]string{"Authorization": "Bearer canary" + made}})
		if altered.status != 401 {
			t.Errorf("an altered token: %d %s", altered.status, altered.body)
		}
	}
	for range 3 {
		login("boss", "canary-wrong-password")
	}
	if got := login("boss", "canary-right-password"); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("after too many failures: %d %v %s", got.status, got.header, got.body)
	}

	var places strings.Builder
	for _, organization := range []seatwright.OrganizationID{acme.ID, seatwright.HostID} {
		for _, e := range w.events(t, organization, 0) {
			fmt.Fprintf(&places, "event %+v %s\n", e, e.Data)
		}
	}
	var file bytes.Buffer
	_, err = app.Backup(t.Context(), config, &file, "test")
	check(t, err)
	packed, err := gzip.NewReader(&file)
	check(t, err)
	unpacked, err := io.ReadAll(packed)
	check(t, err)
	if !bytes.Contains(unpacked, []byte("sign_ins")) {
		t.Error("the backup has no sign-ins: nothing is shown by their absence")
	}
	places.Write(unpacked)
	cancel()
	check(t, <-served)
	logs.mu.Lock()
	places.Write(logs.text.Bytes())
	logs.mu.Unlock()
	text := places.String()
	for _, word := range []string{"user.sign_in_refused", "application.signed_in", `"msg":"request"`} {
		if !strings.Contains(text, word) {
			t.Errorf("%s is missing: nothing is shown by the absence of secrets", word)
		}
	}
	for _, canary := range canaries {
		for _, form := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary)), url.QueryEscape(canary)} {
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("%.12s… is in %s", canary, text[max(0, at-200):min(len(text), at+200)])
			}
		}
	}
}
