package oauth

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

const (
	clientSecret = "c s/ec+ret:with%signs&that=must be encoded"
	password     = "correct horse battery"
)

// world is an installation with the organizations acme and globex behind a server that does no more than find the identity
// segment.
type world struct {
	*Provider
	t            testing.TB
	clock        *clock
	directory    *directory.Directory
	applications *directory.Applications
	view         *view
	acme         seatwright.Organization
	globex       seatwright.Organization
	boss         seatwright.User        // organization administrator of acme
	app          seatwright.Application // of acme: PM.License and PM.User.Read
	passwords    *directory.Passwords
	store        seatwright.Store
	ledger       *ledger.Ledger
	limits       directory.LoginLimits // of providers that are started from now on
	url          string
}

type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(c.offset.Load()))
}

func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// view shows the store with changes that no command makes yet, and with a database that does not answer.
type view struct {
	seatwright.DirectoryReader
	seatwright.SettingReader
	seatwright.GrantReader
	user        func(*seatwright.User)
	application func(*seatwright.Application)
	err         error
	lookups     atomic.Int64
	keyLoads    atomic.Int64
}

func (v *view) User(ctx context.Context, o seatwright.OrganizationID, id seatwright.UserID) (seatwright.User, error) {
	v.lookups.Add(1)
	u, err := v.DirectoryReader.User(ctx, o, id)
	if v.user != nil {
		v.user(&u)
	}
	return u, orElse(err, v.err)
}

func (v *view) UserByName(ctx context.Context, o seatwright.OrganizationID, key string) (seatwright.User, error) {
	u, err := v.DirectoryReader.UserByName(ctx, o, key)
	if v.user != nil {
		v.user(&u)
	}
	return u, orElse(err, v.err)
}

func (v *view) Application(ctx context.Context, id seatwright.ApplicationID) (seatwright.Application, error) {
	v.lookups.Add(1)
	a, err := v.DirectoryReader.Application(ctx, id)
	if v.application != nil {
		v.application(&a)
	}
	return a, orElse(err, v.err)
}

func (v *view) SigningKeys(ctx context.Context) ([]seatwright.SigningKey, error) {
	v.keyLoads.Add(1)
	keys, err := v.DirectoryReader.SigningKeys(ctx)
	return keys, orElse(err, v.err)
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func setup(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, passwords: directory.NewPasswords(2, 64)}
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Clock: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	queue := ledger.New(store, seatwright.PublishedCatalogue(), nil, quiet)
	t.Cleanup(func() {
		queue.Close()
		_ = store.Close()
	})
	w.store, w.ledger = store, queue
	w.view = &view{DirectoryReader: store, SettingReader: store, GrantReader: store}
	w.directory = directory.New(w.view, queue, w.passwords)
	w.applications = directory.NewApplications(w.view, queue, w, w.clock.now)
	who := seatwright.SystemCaller("test")
	ctx := t.Context()
	if _, err := w.directory.CreateHost(ctx); err != nil {
		t.Fatal(err)
	}
	w.acme = must(w.directory.CreateOrganization(ctx, who, directory.NewOrganization{Name: "acme"}))
	w.globex = must(w.directory.CreateOrganization(ctx, who, directory.NewOrganization{Name: "globex"}))
	must(w.directory.CreateTenant(ctx, who, w.acme.ID, directory.NewTenant{Name: "DefaultTenant"}))
	w.boss = must(w.directory.CreateUser(ctx, who, w.acme.ID, directory.NewUser{
		UserName: "boss", Password: password, DisplayName: "The Boss", Role: seatwright.RoleOrganizationAdministrator,
	}))
	must(w.directory.CreateUser(ctx, who, w.globex.ID, directory.NewUser{UserName: "stranger", Password: password}))
	must(w.directory.CreateUser(ctx, who, seatwright.HostID, directory.NewUser{UserName: "admin", Password: password, Role: seatwright.RoleHostAdministrator}))
	w.app, _, err = w.applications.Create(ctx, who, w.acme.ID, directory.NewApplication{
		ID: "app:1", Name: "robot", Scopes: []seatwright.Scope{"PM.License", "PM.User.Read"},
		UserScopes: []seatwright.Scope{"PM.License", "PM.User.Read"}, Secret: clientSecret,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Provider = w.node(nil)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// node starts one more provider over the same store.
func (w *world) node(sealKey []byte) *Provider {
	return must(w.start(sealKey))
}

func (w *world) start(sealKey []byte) (*Provider, error) {
	return New(w.t.Context(), Config{
		Directory: w.view, Grants: directory.NewGrants(w.ledger), Keys: w.directory, Login: w.logins(w.directory),
		Leases: licensing.New(w.store, w.ledger, seatwright.PublishedCatalogue(), w.clock.now), Issuer: HostIssuer, SealKey: sealKey,
		Now: w.clock.now, Log: slog.New(slog.DiscardHandler),
	})
}

func (w *world) logins(d *directory.Directory) *directory.Logins {
	return directory.NewLogins(d, w.limits, w.clock.now, slog.New(slog.DiscardHandler))
}

// Forget stands for the provider, which is made later.
func (w *world) Forget() {
	if w.Provider != nil {
		w.Provider.Forget()
	}
}

// ServeHTTP stands for the outer server.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, pathMetadata); ok && w.Serve(rw, r, rest, pathMetadata) {
		return
	}
	if lower := strings.ToLower(path); strings.HasSuffix(lower, "/api/account/authenticate") {
		organization, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if strings.HasPrefix(lower, "/api/") {
			organization = ""
		}
		w.Authenticate(rw, r, organization)
		return
	}
	for _, segment := range []string{"/identity_", "/identity"} {
		before, rest, found := strings.Cut(path, segment)
		if found && w.Serve(rw, r, before+segment, rest) {
			return
		}
	}
	http.Error(rw, "not served", http.StatusTeapot)
}

// answer is what came back.
type answer struct {
	*http.Response
	text string
	body map[string]any
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	return w.answer(http.DefaultTransport.RoundTrip(r))
}

// answer reads what came back: JSON, unless it says that it is a page or leads elsewhere.
func (w *world) answer(res *http.Response, err error) answer {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{Response: res, text: string(must(io.ReadAll(res.Body)))}
	page := strings.HasPrefix(res.Header.Get("Content-Type"), "text/html")
	if len(a.text) > 0 && !page && json.Unmarshal([]byte(a.text), &a.body) != nil {
		w.t.Errorf("%s %s: not JSON: %q", res.Request.Method, res.Request.URL.Path, a.text)
	}
	return a
}

func (w *world) get(path string) answer {
	w.t.Helper()
	return w.do(must(http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)))
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// post sends a token request; edit may change the request before.
func (w *world) post(body string, edit func(*http.Request)) answer {
	w.t.Helper()
	r := must(http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/identity_/connect/token", strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if edit != nil {
		edit(r)
	}
	return w.do(r)
}

// appToken returns a token of the application.
func (w *world) appToken() string {
	return must(w.mint("http://issuer.example/identity_", applicationToken(w.app, w.app.Scopes)))
}

// bossToken returns a token of the administrator as the authenticate login makes it.
func (w *world) bossToken() string {
	return must(w.mint("http://issuer.example/identity_", personToken(w.boss)))
}

func isReason(err error, reason seatwright.Reason) bool {
	e := seatwright.AsError(err)
	return e != nil && e.Reason == reason
}

func TestServeLeavesOtherPathsAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, rest := range []string{"", "/", "/healthz", "/ready", "/connect", "/connect/token/", "/oauth/token", "/connect/deviceauthorization", "/keys"} {
		recorder := httptest.NewRecorder()
		if w.Serve(recorder, httptest.NewRequest(http.MethodGet, "/", nil), "/identity_", rest) || recorder.Body.Len() > 0 || len(recorder.Header()) > 0 {
			t.Errorf("Serve(%q) answered %q", rest, recorder.Body)
		}
	}
}

func TestServeRefusesOtherMethodsAsJSON(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for path, methods := range map[string][]string{
		pathToken:     {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"},
		pathDiscovery: {"POST", "PUT", "OPTIONS"},
		pathKeys:      {"POST", "OPTIONS"},
		pathAuthorize: {"PUT", "OPTIONS"},
	} {
		for _, method := range methods {
			r := must(http.NewRequestWithContext(t.Context(), method, w.url+"/identity_"+path, nil))
			r.Header.Set("Origin", "https://evil.example")
			a := w.do(r)
			if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") == "" || a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s = %d, %v", method, path, a.StatusCode, a.Header)
			}
		}
	}
}

func TestIssuerComesFromThePolicy(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Forwarded-Proto", "https")
	for host, want := range map[string]string{
		"localhost":              "http://localhost/acme/identity_",
		"localhost:8080":         "http://localhost:8080/acme/identity_",
		"Seat-1.example.":        "http://Seat-1.example./acme/identity_",
		"127.0.0.1:1":            "http://127.0.0.1:1/acme/identity_",
		"[::1]:8080":             "http://[::1]:8080/acme/identity_",
		"[::1]":                  "http://[::1]/acme/identity_",
		"":                       "",
		"a b":                    "",
		"a/b":                    "",
		"a@b":                    "",
		"a:b":                    "",
		"a:":                     "",
		"a:0":                    "",
		"a:65536":                "",
		":80":                    "",
		"[::1":                   "",
		"[::1%25lo]:80":          "",
		"[a.example]:80":         "",
		"::1":                    "",
		"a\r\nb":                 "",
		"a\"b":                   "",
		strings.Repeat("a", 254): "",
	} {
		r.Host = host
		if got := HostIssuer(r, "/acme/identity_"); got != want {
			t.Errorf("HostIssuer(%q) = %q, want %q", host, got, want)
		}
	}
	for public, want := range map[string]string{
		"https://seats.example":        "https://seats.example/identity_",
		"https://seats.example/":       "https://seats.example/identity_",
		"http://seats.example:81/base": "http://seats.example:81/base/identity_",
		"":                             "", "seats.example": "", "ftp://seats.example": "", "https://": "", "https://u:p@seats.example": "",
		"https://seats.example?x=1": "", "https://seats.example#x": "", "https://seats.example?": "",
	} {
		policy, err := FixedIssuer(public)
		if (err == nil) != (want != "") {
			t.Errorf("FixedIssuer(%q) = %v", public, err)
		} else if err == nil && policy(r, "/identity_") != want {
			t.Errorf("FixedIssuer(%q) makes %q", public, policy(r, "/identity_"))
		}
	}
}

func TestServeRefusesAnIssuerFromABadHost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "evil.example\"></script>"
	recorder := httptest.NewRecorder()
	if !w.Serve(recorder, r, "/identity_", pathDiscovery) || recorder.Code != http.StatusBadRequest || strings.Contains(recorder.Body.String(), "evil") {
		t.Errorf("answer = %d %s", recorder.Code, recorder.Body)
	}
}
