package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

const (
	back     = "https://app.example/back?x=1"
	verifier = "a-verifier-of-at-least-forty-three-characters-1234"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// browser is a person's browser, which does not leave this server: where it is sent elsewhere it stays.
type browser struct {
	*world
	client *http.Client
}

func (w *world) browser() *browser {
	return &browser{w, &http.Client{
		Jar: must(cookiejar.New(nil)), CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(r.URL.String(), w.url) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	return b.answer(b.client.Do(r))
}

// open asks for a code; edit may change what the client asks for.
func (b *browser) open(edit func(url.Values)) answer {
	b.t.Helper()
	return b.do(must(http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+"/identity_/connect/authorize?"+b.request(edit).Encode(), nil)))
}

func (b *browser) request(edit func(url.Values)) url.Values {
	query := url.Values{
		"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {back}, "scope": {"openid profile PM.License.Read offline_access"}, "state": {"s t"},
		"nonce": {"n"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	if edit != nil {
		edit(query)
	}
	return query
}

// send sends the form of the login page.
func (b *browser) send(edit func(url.Values), headers ...string) answer {
	b.t.Helper()
	r := must(http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/identity_/connect/authorize", strings.NewReader(b.request(edit).Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

// signIn sends the login page with a name and a password.
func (b *browser) signIn(edit func(url.Values)) answer {
	b.t.Helper()
	return b.send(func(v url.Values) {
		v.Set("username", "boss")
		v.Set("password", password)
		if edit != nil {
			edit(v)
		}
	}, "Sec-Fetch-Site", "same-origin")
}

// code is what the browser was sent back with.
func (b *browser) code(a answer) string {
	b.t.Helper()
	location, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusFound || !strings.HasPrefix(location.String(), "https://app.example/back?") || location.Query().Get("x") != "1" ||
		location.Query().Get("state") != "s t" || location.Query().Get("iss") != b.url+"/identity_" || location.Query().Get("code") == "" {
		b.t.Fatalf("%d to %s: %s", a.StatusCode, a.Header.Get("Location"), a.text)
	}
	return location.Query().Get("code")
}

// withWeb registers the confidential application web and the public one native.
func (w *world) withWeb() {
	w.t.Helper()
	for _, n := range []directory.NewApplication{
		{ID: "web", Name: "Web <b>App</b>", RedirectURIs: []string{back}, UserScopes: []seatwright.Scope{"PM.License", "PM.User.Read"}, Secret: clientSecret},
		{ID: "native", Name: "Native", Public: true, RedirectURIs: []string{"http://127.0.0.1:8085/", "com.example.app:/back"}, UserScopes: []seatwright.Scope{"PM.License"}},
	} {
		if _, _, err := w.applications.Create(w.t.Context(), seatwright.SystemCaller("test"), w.acme.ID, n); err != nil {
			w.t.Fatal(err)
		}
	}
}

// exchange shows a code; edit may change the request.
func (w *world) exchange(code string, edit func(url.Values)) answer {
	w.t.Helper()
	v := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "client_id": {"web"}, "client_secret": {clientSecret},
		"code_verifier": {verifier},
	}
	if edit != nil {
		edit(v)
	}
	return w.post(v.Encode(), nil)
}

func (w *world) refresh(token string, edit func(url.Values)) answer {
	w.t.Helper()
	v := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"web"}, "client_secret": {clientSecret}}
	if edit != nil {
		edit(v)
	}
	return w.post(v.Encode(), nil)
}

// ask sends a form of the client to an endpoint.
func (w *world) ask(path string, pairs ...string) answer {
	w.t.Helper()
	r := must(http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/identity_"+path, strings.NewReader(
		form(append([]string{"client_id", "web", "client_secret", clientSecret}, pairs...)...))))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(r)
}

// Promise: a person signs in with a browser, allows what the application asks for, and the application gets tokens that say so; the
// second time the browser remembers who they are, and the third, without anything to allow, nothing is shown.
func TestSignsInWithABrowser(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.withWeb()
	b := w.browser()
	page := b.open(nil)
	if page.StatusCode != 200 || !strings.Contains(page.text, "Web &lt;b&gt;App&lt;/b&gt;") || !strings.Contains(page.text, "<code>PM.License.Read</code>") ||
		!strings.Contains(page.text, `name="password"`) || !strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Fatalf("the page is %d %v\n%s", page.StatusCode, page.Header, page.text)
	}
	answer := w.exchange(b.code(b.signIn(nil)), nil)
	if answer.StatusCode != 200 || answer.body["scope"] != "openid profile PM.License.Read offline_access" || answer.body["refresh_token"] == "" {
		t.Fatalf("%d %s", answer.StatusCode, answer.text)
	}
	principal, err := w.Verify(t.Context(), answer.body["access_token"].(string))
	if err != nil || principal.ID != string(w.boss.ID) || !slices.Contains(principal.Scopes, seatwright.ScopeLicenseRead) {
		t.Errorf("the access token is %+v, %v", principal, err)
	}
	id := answer.body["id_token"].(string)
	if p, err := w.Verify(t.Context(), id); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("the ID token is taken as an access token: %+v, %v", p, err)
	}
	var claims idClaims
	if known, err := w.read(t.Context(), id, idTokenType, &claims); err != nil || !known || claims.Nonce != "n" || claims.Audience != "web" ||
		claims.Subject != w.boss.ID || claims.Issuer != w.url+"/identity_" || claims.Organization != w.acme.ID || claims.UserName != "boss" || claims.Email != "" {
		t.Errorf("the ID token says %+v, %v", claims, err)
	}
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/identity_/connect/userinfo", nil))
	r.Header.Set("Authorization", "bearer "+answer.body["access_token"].(string))
	if info := w.do(r); info.StatusCode != 200 || info.body["sub"] != string(w.boss.ID) || info.body["preferred_username"] != "boss" {
		t.Errorf("userinfo is %d %s", info.StatusCode, info.text)
	}
	again := b.open(nil)
	if !strings.Contains(again.text, "You are signed in as <strong>The Boss</strong>") || strings.Contains(again.text, `name="password"`) {
		t.Errorf("the second time it shows\n%s", again.text)
	}
	b.code(b.send(func(v url.Values) { v.Set("decision", "allow") }, "Sec-Fetch-Site", "same-origin"))
	b.code(b.open(func(v url.Values) { v.Set("scope", "openid") }))
	if fresh := b.open(func(v url.Values) { v.Set("scope", "openid"); v.Set("prompt", "login") }); !strings.Contains(fresh.text, `name="password"`) {
		t.Errorf("prompt=login shows\n%s", fresh.text)
	}
	w.clock.advance(time.Minute)
	if fresh := b.open(func(v url.Values) { v.Set("scope", "openid"); v.Set("max_age", "30") }); !strings.Contains(fresh.text, `name="password"`) {
		t.Errorf("max_age=30 after a minute shows\n%s", fresh.text)
	}
	if wrong := b.signIn(func(v url.Values) { v.Set("password", "wrong") }); wrong.StatusCode != 200 || !strings.Contains(wrong.text, "The user name or the password is wrong.") {
		t.Errorf("after a wrong password it shows %d\n%s", wrong.StatusCode, wrong.text)
	}
	out := b.do(must(http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/identity_/connect/endsession?id_token_hint="+id, nil)))
	if out.StatusCode != 200 || !strings.Contains(out.text, "You have signed out.") {
		t.Errorf("signing out is %d\n%s", out.StatusCode, out.text)
	}
	if page := b.open(func(v url.Values) { v.Set("scope", "openid") }); !strings.Contains(page.text, `name="password"`) {
		t.Errorf("after signing out it shows\n%s", page.text)
	}
}

// Promise: what is wrong with a request is told to whom it is safe to tell: to the person where the address is not the application's,
// to the application else; and never is a code given.
func TestAuthorizationsAreRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.withWeb()
	for name, c := range map[string]struct {
		edit func(url.Values)
		code string // that the application gets; empty: it gets nothing
	}{
		"no client":                 {func(v url.Values) { v.Del("client_id") }, ""},
		"unknown client":            {func(v url.Values) { v.Set("client_id", "nobody") }, ""},
		"no address":                {func(v url.Values) { v.Del("redirect_uri") }, ""},
		"foreign address":           {func(v url.Values) { v.Set("redirect_uri", "https://evil.example/") }, ""},
		"address with a suffix":     {func(v url.Values) { v.Set("redirect_uri", back+"&y=2") }, ""},
		"address without the query": {func(v url.Values) { v.Set("redirect_uri", "https://app.example/back") }, ""},
		"address of another client": {func(v url.Values) { v.Set("redirect_uri", "http://127.0.0.1:8085/") }, ""},
		"address twice":             {func(v url.Values) { v.Add("redirect_uri", back) }, ""},
		"another port":              {func(v url.Values) { v.Set("client_id", "native"); v.Set("redirect_uri", "http://127.0.0.1:8086/") }, ""},
		"port of another scheme":    {func(v url.Values) { v.Set("client_id", "native"); v.Set("redirect_uri", "HTTP://127.0.0.1:8086/") }, ""},
		"user in the address":       {func(v url.Values) { v.Set("client_id", "native"); v.Set("redirect_uri", "HTTP://u@127.0.0.1:8085/") }, ""},
		"scheme in capitals":        {func(v url.Values) { v.Set("redirect_uri", "HTTPS"+strings.TrimPrefix(back, "https")) }, ""},
		"decision in the address":   {func(v url.Values) { v.Set("decision", "allow") }, ""},
		"password in the address":   {func(v url.Values) { v.Set("username", "boss"); v.Set("password", password) }, ""},
		"no response type":          {func(v url.Values) { v.Del("response_type") }, "invalid_request"},
		"token":                     {func(v url.Values) { v.Set("response_type", "token") }, "unauthorized_client"},
		"hybrid":                    {func(v url.Values) { v.Set("response_type", "code id_token") }, "unauthorized_client"},
		"no scope":                  {func(v url.Values) { v.Del("scope") }, "invalid_request"},
		"foreign scope":             {func(v url.Values) { v.Set("scope", "openid PM.Audit") }, "invalid_scope"},
		"invented scope":            {func(v url.Values) { v.Set("scope", "PM.License.Bogus") }, "invalid_scope"},
		"plain challenge":           {func(v url.Values) { v.Set("code_challenge_method", "plain") }, "invalid_request"},
		"challenge without method":  {func(v url.Values) { v.Del("code_challenge_method") }, "invalid_request"},
		"short challenge":           {func(v url.Values) { v.Set("code_challenge", "x") }, "invalid_request"},
		"request object":            {func(v url.Values) { v.Set("request", "x") }, "request_not_supported"},
		"fragment":                  {func(v url.Values) { v.Set("response_mode", "fragment") }, "invalid_request"},
		"another organization":      {func(v url.Values) { v.Set("acr_values", "tenantName:globex") }, "access_denied"},
		"no organization":           {func(v url.Values) { v.Set("acr_values", "tenant:nothing") }, "access_denied"},
		"nobody signed in":          {func(v url.Values) { v.Set("prompt", "none") }, "login_required"},
	} {
		a := w.browser().open(c.edit)
		location, _ := url.Parse(a.Header.Get("Location"))
		switch {
		case c.code == "" && (a.StatusCode != 400 || a.Header.Get("Location") != "" || a.Header.Get("Content-Type") != "application/json"):
			t.Errorf("%s: %d to %q: %s", name, a.StatusCode, a.Header.Get("Location"), a.text)
		case c.code != "" && (a.StatusCode != 302 || !strings.Contains(location.String(), "error="+c.code) || strings.Contains(location.String(), "code=") || !strings.Contains(location.String(), "state=s") ||
			location.Query().Get("iss") != w.url+"/identity_"):
			t.Errorf("%s: %d to %q, want %s", name, a.StatusCode, a.Header.Get("Location"), c.code)
		}
	}
	public := func(v url.Values) {
		v.Set("client_id", "native")
		v.Set("redirect_uri", "http://127.0.0.1:8085/")
		v.Set("scope", "openid")
		v.Del("code_challenge")
		v.Del("code_challenge_method")
	}
	if a := w.browser().open(public); !strings.Contains(a.Header.Get("Location"), "error=invalid_request") {
		t.Errorf("a public client without a challenge: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	b := w.browser()
	if a := b.signIn(func(v url.Values) { v.Set("decision", "deny") }); !strings.Contains(a.Header.Get("Location"), "error=access_denied") {
		t.Errorf("denied: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	for _, acr := range []string{"tenant:" + string(w.acme.ID), "tenantName:ACME"} {
		b.code(b.signIn(func(v url.Values) { v.Set("acr_values", acr) }))
	}
	if a := b.open(func(v url.Values) { v.Set("prompt", "none") }); !strings.Contains(a.Header.Get("Location"), "error=consent_required") {
		t.Errorf("prompt=none with something to allow: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	// Another site sends the form in the name of whoever is signed in.
	for _, origin := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		if a := b.send(func(v url.Values) { v.Set("decision", "allow") }, origin...); a.StatusCode != 403 || a.Header.Get("Location") != "" {
			t.Errorf("a form from another site (%v): %d to %q", origin, a.StatusCode, a.Header.Get("Location"))
		}
	}
	// Another site leads the browser to an address that decides: the cookie goes with it.
	if a := b.open(func(v url.Values) { v.Set("decision", "allow") }); a.StatusCode != 400 || a.Header.Get("Location") != "" {
		t.Errorf("allowed by an address: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	// A button is no password, where the application wants one.
	for name, edit := range map[string]func(url.Values){
		"login": func(v url.Values) { v.Set("prompt", "login") }, "select_account": func(v url.Values) { v.Set("prompt", "select_account") },
		"max_age": func(v url.Values) { v.Set("max_age", "0") },
	} {
		w.clock.advance(time.Second)
		a := b.send(func(v url.Values) { edit(v); v.Set("decision", "allow") }, "Sec-Fetch-Site", "same-origin")
		if a.StatusCode != 200 || !strings.Contains(a.text, `name="password"`) {
			t.Errorf("%s: %d to %q", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	unknown := w.browser().open(func(v url.Values) { v.Set("client_id", "nobody") })
	if a := w.browser().open(func(v url.Values) { v.Set("redirect_uri", "https://evil.example/") }); a.text != unknown.text {
		t.Errorf("an address tells which applications there are: %s, %s", a.text, unknown.text)
	}
	if a := w.browser().send(func(v url.Values) { v.Set("decision", "allow") }); a.StatusCode != 200 || !strings.Contains(a.text, `name="password"`) {
		t.Errorf("allowed by nobody: %d %s", a.StatusCode, a.text)
	}
	if a := w.browser().signIn(func(v url.Values) { v.Set("username", "stranger") }); !strings.Contains(a.text, "wrong") {
		t.Errorf("a person of another organization: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
}

// Promise: a code is worth something once, to the client that asked, with the address and the verifier of the request, for five
// minutes; a refresh token once; and whoever shows one again ends everything that came of the sign-in.
func TestCodesAndRefreshTokensCountOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.withWeb()
	b := w.browser()
	fresh := func() string { t.Helper(); return b.code(b.signIn(nil)) }
	for name, edit := range map[string]func(url.Values){
		"another address":  func(v url.Values) { v.Set("redirect_uri", "https://app.example/back") },
		"another verifier": func(v url.Values) { v.Set("code_verifier", verifier+"x") },
		"no verifier":      func(v url.Values) { v.Del("code_verifier") },
		"another client":   func(v url.Values) { v.Set("client_id", "app:1") },
		"a changed code":   func(v url.Values) { v.Set("code", v.Get("code")+"x") },
	} {
		code := fresh()
		if a := w.exchange(code, edit); a.StatusCode != 400 || a.body["error"] != "invalid_grant" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
		if a := w.exchange(code, nil); a.StatusCode != 200 {
			t.Errorf("the code after %s: %d %s", name, a.StatusCode, a.text)
		}
	}
	if a := w.exchange(fresh(), func(v url.Values) { v.Set("client_secret", "x") }); a.StatusCode != 401 {
		t.Errorf("a wrong secret: %d %s", a.StatusCode, a.text)
	}
	old := fresh()
	w.clock.advance(seatwright.CodeLife)
	if a := w.exchange(old, nil); a.body["error"] != "invalid_grant" {
		t.Errorf("a code of five minutes ago: %d %s", a.StatusCode, a.text)
	}

	first := w.exchange(fresh(), nil)
	if a := w.refresh(first.body["refresh_token"].(string), func(v url.Values) { v.Set("scope", "PM.License") }); a.body["error"] != "invalid_scope" {
		t.Errorf("a refresh for more than was given: %d %s", a.StatusCode, a.text)
	}
	second := w.refresh(first.body["refresh_token"].(string), func(v url.Values) { v.Set("scope", "openid") })
	if second.StatusCode != 200 || second.body["scope"] != "openid" || second.body["refresh_token"] == first.body["refresh_token"] {
		t.Fatalf("the refresh is %d %s", second.StatusCode, second.text)
	}
	third := w.refresh(second.body["refresh_token"].(string), nil)
	if third.StatusCode != 200 || third.body["scope"] != "openid profile PM.License.Read offline_access" {
		t.Fatalf("the second refresh is %d %s", third.StatusCode, third.text)
	}
	access := third.body["access_token"].(string)
	if _, err := w.Verify(t.Context(), access); err != nil {
		t.Fatal(err)
	}
	if a := w.refresh(first.body["refresh_token"].(string), nil); a.body["error"] != "invalid_grant" {
		t.Errorf("a refresh token the second time: %d %s", a.StatusCode, a.text)
	}
	if a := w.refresh(third.body["refresh_token"].(string), nil); a.body["error"] != "invalid_grant" {
		t.Errorf("the newest refresh token after that: %d %s", a.StatusCode, a.text)
	}
	if p, err := w.Verify(t.Context(), access); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("an access token of the family after that: %+v, %v", p, err)
	}

	// Without offline_access there is no refresh token, and the access token lives as long as others.
	without := w.exchange(b.code(b.signIn(func(v url.Values) { v.Set("scope", "PM.License.Read") })), nil)
	if without.body["refresh_token"] != nil || without.body["id_token"] != nil {
		t.Errorf("without offline_access and openid: %s", without.text)
	}
	w.clock.advance(time.Hour)
	if _, err := w.Verify(t.Context(), without.body["access_token"].(string)); err != nil {
		t.Errorf("after an hour: %v", err)
	}
}

// Promise: a public client needs no secret, sends an empty one at will, and proves itself by its verifier.
func TestAPublicClientSignsPeopleIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.withWeb()
	for _, address := range []string{"http://127.0.0.1:8085/", "com.example.app:/back"} {
		b := w.browser()
		native := func(v url.Values) {
			v.Set("client_id", "native")
			v.Set("redirect_uri", address)
		}
		a := b.signIn(native)
		location := must(url.Parse(a.Header.Get("Location")))
		if !strings.HasPrefix(location.String(), address) || location.Query().Get("code") == "" {
			t.Fatalf("%s: %d to %s", address, a.StatusCode, location)
		}
		code := location.Query().Get("code")
		tokens := w.exchange(code, func(v url.Values) { native(v); v.Set("client_secret", "") })
		if tokens.StatusCode != 200 {
			t.Fatalf("%s: %d %s", address, tokens.StatusCode, tokens.text)
		}
		next := w.refresh(tokens.body["refresh_token"].(string), func(v url.Values) { v.Set("client_id", "native"); v.Del("client_secret") })
		if next.StatusCode != 200 {
			t.Errorf("%s: the refresh is %d %s", address, next.StatusCode, next.text)
		}
	}
	if a := w.post(form("grant_type", "client_credentials", "client_id", "native"), nil); a.body["error"] != "invalid_client" {
		t.Errorf("a public client asks for itself: %d %s", a.StatusCode, a.text)
	}
	if a := w.post(form("grant_type", "password", "client_id", "native", "username", "boss", "password", password), nil); a.body["error"] != "invalid_client" {
		t.Errorf("a public client has a password: %d %s", a.StatusCode, a.text)
	}
}

// Promise: a client learns what a token of its organization is good for, and can end its own; others' are to it as if they were none.
func TestTokensAreLookedAtAndTakenBack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.withWeb()
	b := w.browser()
	tokens := w.exchange(b.code(b.signIn(nil)), nil)
	access, refresh := tokens.body["access_token"].(string), tokens.body["refresh_token"].(string)
	active := func(token string) bool {
		t.Helper()
		a := w.ask("/connect/introspect", "token", token)
		if a.StatusCode != 200 || a.body["active"] == false && len(a.body) != 1 {
			t.Errorf("introspection is %d %s", a.StatusCode, a.text)
		}
		return a.body["active"] == true
	}
	if a := w.ask("/connect/introspect", "token", access); a.body["sub"] != string(w.boss.ID) || a.body["username"] != "boss" || a.body["client_id"] != "web" {
		t.Errorf("the access token is %s", a.text)
	}
	stranger := must(w.mint("http://issuer.example", claims{Subject: "x", SubjectType: seatwright.PrincipalUser, Organization: w.globex.ID}))
	for token, want := range map[string]bool{access: true, refresh: true, stranger: false, "x": false, tokens.body["id_token"].(string): false, w.appToken(): true} {
		if active(token) != want {
			t.Errorf("%.40s is active: %v", token, !want)
		}
	}
	if a := w.ask("/connect/introspect", "token", access, "client_id", "native"); a.StatusCode < 400 {
		t.Errorf("two clients look at a token: %d %s", a.StatusCode, a.text)
	}
	if a := w.post(form("token", access, "client_id", "web"), func(r *http.Request) { r.URL.Path = "/identity_/connect/introspect" }); a.body["error"] != "invalid_client" {
		t.Errorf("without a secret: %d %s", a.StatusCode, a.text)
	}
	other := w.appToken()
	if a := w.ask("/connect/revocation", "token", other); a.StatusCode != 400 || !active(other) {
		t.Errorf("another client's token is taken back: %d %s", a.StatusCode, a.text)
	}
	for _, nothing := range []string{"x", stranger, "swg_x.y.0.z"} {
		if a := w.ask("/connect/revocation", "token", nothing); a.StatusCode != 200 {
			t.Errorf("taking back nothing: %d %s", a.StatusCode, a.text)
		}
	}
	if a := w.ask("/connect/revocation", "token", refresh, "token_type_hint", "refresh_token"); a.StatusCode != 200 || active(access) || active(refresh) {
		t.Errorf("after %d: the access token is active: %v, the refresh token: %v", a.StatusCode, active(access), active(refresh))
	}
	if p, err := w.Verify(t.Context(), access); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("the access token after that: %+v, %v", p, err)
	}
	// One access token of a client's own ends alone.
	own := must(w.mint("http://issuer.example", claims{
		Subject: "app:1", SubjectType: seatwright.PrincipalApplication, Client: "app:1", Scope: "PM.License", Organization: w.acme.ID,
	}))
	twin := w.appToken()
	if a := w.post(form("token", own, "client_id", "app:1", "client_secret", clientSecret), func(r *http.Request) { r.URL.Path = "/identity_/connect/revocation" }); a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if p, err := w.Verify(t.Context(), own); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("the token that was taken back: %+v, %v", p, err)
	}
	if _, err := w.Verify(t.Context(), twin); err != nil {
		t.Errorf("its twin: %v", err)
	}
}

// Promise: another password ends browsers' memory and refresh tokens.
func TestAnotherPasswordEndsSignIns(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.withWeb()
	b := w.browser()
	tokens := w.exchange(b.code(b.signIn(nil)), nil)
	w.view.user = func(u *seatwright.User) { u.PasswordHash = "another" }
	if page := b.open(func(v url.Values) { v.Set("scope", "openid") }); !strings.Contains(page.text, `name="password"`) {
		t.Errorf("the browser still knows them: %d %s", page.StatusCode, page.Header.Get("Location"))
	}
	w.view.user = nil
	personal := directory.NewPersonalTokens(w.store, w.ledger, w, time.Now)
	owner := seatwright.Caller{Principal: must(w.Verify(t.Context(), w.bossToken()))}
	_, script, err := personal.Create(t.Context(), owner, w.acme.ID, "", time.Now().Add(time.Hour), []seatwright.Scope{"PM.License"})
	if err != nil {
		t.Fatal(err)
	}
	login := w.authenticate("/acme/api/account/authenticate", "application/json", `{"UsernameOrEmailAddress":"boss","Password":"`+password+`"}`)
	byPassword := w.post(form("grant_type", "password", "username", "boss", "password", password, "client_id", "app:1", "client_secret", clientSecret), nil)
	ropc, byGrant := login.body["result"].(string), byPassword.body["access_token"].(string)
	access, refresh := tokens.body["access_token"].(string), tokens.body["refresh_token"].(string)
	for _, token := range []string{access, script, ropc, byGrant} {
		if _, err := w.Verify(t.Context(), token); err != nil {
			t.Errorf("%.10s before: %v", token, err)
		}
	}
	people := directory.NewPeople(w.store, w.ledger, w.passwords, w.logins(w.directory), w)
	other := "another correct horse"
	err = people.Update(t.Context(), seatwright.SystemCaller("test"), w.acme.ID, string(w.boss.ID), directory.UserChange{Password: &other})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{access, script, ropc, byGrant} {
		if p, err := w.Verify(t.Context(), token); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Errorf("%.10s with another password: %+v, %v", token, p, err)
		}
	}
	for _, token := range []string{access, script, ropc, byGrant, refresh} {
		if a := w.ask("/connect/introspect", "token", token); a.body["active"] != false {
			t.Errorf("%.10s is told to be good: %s", token, a.text)
		}
	}
	if a := w.refresh(refresh, nil); a.body["error"] != "invalid_grant" {
		t.Errorf("the refresh token: %d %s", a.StatusCode, a.text)
	}
}

// Promise: after a new key old tokens are good until they end, new ones are signed by it, and two nodes find each other's.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	w := setup(t)
	other := w.node(nil)
	before := w.appToken()
	w.clock.advance(time.Second)
	id, err := w.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := w.appToken()
	for _, node := range []*Provider{w.Provider, other} {
		for _, token := range []string{before, after} {
			if _, err := node.Verify(t.Context(), token); err != nil {
				t.Errorf("after the change: %v", err)
			}
		}
	}
	if keys := w.get("/identity_" + pathKeys); strings.Count(keys.text, `"kid"`) != 2 || strings.Index(keys.text, id) > strings.LastIndex(keys.text, `"kid"`) {
		t.Errorf("published are %s", keys.text)
	}
	w.clock.advance(keyGrace + time.Minute)
	if err := w.keys.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys := w.get("/identity_" + pathKeys); strings.Count(keys.text, `"kid"`) != 1 || !strings.Contains(keys.text, id) {
		t.Errorf("later published are %s", keys.text)
	}
	w.clock.advance(keyLife)
	if err := w.keys.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys := w.get("/identity_" + pathKeys); strings.Contains(keys.text, id) && strings.Count(keys.text, `"kid"`) != 2 {
		t.Errorf("after three months published are %s", keys.text)
	}
}
