package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/cli"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/licensefile"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// TestMain makes this test binary the real command line when it is called by that name: scripts in tests can then run
// "seatwright" without a build.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "seatwright" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := cli.Run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// program makes bin/seatwright in dir and returns its path.
func program(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "bin", "seatwright")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// world is a served demonstration and everybody who speaks to it. Tokens are kept by who asks: see setup.
type world struct {
	*app.App
	demo   app.Demo
	dir    string
	client *http.Client
	stop   func(*testing.T)

	mu     sync.Mutex
	files  func(licensefile.File) string // signs a license file, with an issuer whom the server knows
	tokens map[string]string
	robots map[string]string // ids by name
}

const memberPassword = "correct horse battery staple"

// setup serves a fresh demonstration and signs everybody in: administrator, member, changer (another member), application (PM.License), reader, writer,
// auditor (an application without any license scope), people (PM.User), people reader and people writer of acme, globex, initech,
// and host. It fails the test when the
// server had to log an error of its own.
func setup(t *testing.T) *world {
	t.Helper()
	w := serve(t, t.TempDir())
	system := seatwright.SystemCaller("test")
	acme := w.demo.Acme.Organization
	_, err := w.Directory.CreateUser(t.Context(), system, acme, directory.NewUser{ID: "member", UserName: "member", Password: memberPassword})
	check(t, err)
	_, secret, err := w.Applications.Create(t.Context(), system, acme, directory.NewApplication{ID: "auditor", Scopes: []seatwright.Scope{"PM.Audit"}})
	check(t, err)
	people := app.Credentials{ClientID: "people"}
	_, people.ClientSecret, err = w.Applications.Create(t.Context(), system, acme, directory.NewApplication{ID: people.ClientID, Scopes: []seatwright.Scope{"PM.User"}})
	check(t, err)
	w.tokens["administrator"] = w.login(t, "acme", w.demo.Administrator, w.demo.AdministratorPassword)
	_, err = w.Directory.CreateUser(t.Context(), system, acme, directory.NewUser{ID: "changer", UserName: "changer", Password: memberPassword})
	check(t, err)
	w.tokens["changer"] = w.login(t, "acme", "changer", memberPassword)
	w.tokens["member"] = w.login(t, "acme", "member", memberPassword)
	w.tokens["host"] = w.login(t, "host", w.demo.Host, w.demo.HostPassword)
	w.tokens["application"] = w.token(t, w.demo.Acme, "")
	w.tokens["reader"] = w.token(t, w.demo.Acme, "PM.License.Read")
	w.tokens["writer"] = w.token(t, w.demo.Acme, "PM.License.Write")
	w.tokens["auditor"] = w.token(t, app.Credentials{ClientID: "auditor", ClientSecret: secret}, "")
	w.tokens["people"] = w.token(t, people, "")
	w.tokens["people reader"] = w.token(t, people, "PM.User.Read")
	w.tokens["people writer"] = w.token(t, people, "PM.User.Write")
	for _, c := range []struct{ id, scope, called string }{{"groups", "PM.Group", "group"}, {"robots", "PM.RobotAccount", "robot"}, {"settings", "PM.Setting", "setting"}, {"templates", "PM.MessageTemplate", "template"}} {
		program := app.Credentials{ClientID: c.id}
		_, program.ClientSecret, err = w.Applications.Create(t.Context(), system, acme, directory.NewApplication{ID: c.id, Scopes: []seatwright.Scope{seatwright.Scope(c.scope)}})
		check(t, err)
		w.tokens[c.id] = w.token(t, program, "")
		w.tokens[c.called+" reader"] = w.token(t, program, c.scope+".Read")
		w.tokens[c.called+" writer"] = w.token(t, program, c.scope+".Write")
	}
	_, err = w.Directory.CreateUser(t.Context(), system, w.demo.Globex.Organization, directory.NewUser{
		ID: "globex-admin", UserName: "admin", Password: memberPassword, Role: seatwright.RoleOrganizationAdministrator,
	})
	check(t, err)
	w.tokens["globex administrator"] = w.login(t, "globex", "admin", memberPassword)
	w.tokens["audit reader"] = w.token(t, app.Credentials{ClientID: "auditor", ClientSecret: secret}, "PM.Audit.Read")
	w.tokens["globex"] = w.token(t, w.demo.Globex, "")
	w.tokens["initech"] = w.token(t, w.demo.Initech, "")
	w.tokens["browser"] = w.browserToken(t)
	w.keepCanaries(t)
	return w
}

// browserToken signs the administrator of acme in with a browser, through the demonstration's application for that.
func (w *world) browserToken(t *testing.T) string {
	t.Helper()
	request := url.Values{
		"response_type": {"code"}, "client_id": {"acme-web"}, "redirect_uri": {"http://127.0.0.1:9080/callback"}, "scope": {"openid profile"},
		"username": {w.demo.Administrator}, "password": {w.demo.AdministratorPassword},
	}
	a := w.do(t, call{method: "POST", path: "/acme/identity_/connect/authorize", header: formType, body: request.Encode()})
	back, err := url.Parse(a.header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("sign-in with a browser: %d to %q: %s", a.status, a.header.Get("Location"), a.body)
	}
	request = url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {"http://127.0.0.1:9080/callback"},
		"client_id": {"acme-web"}, "client_secret": {w.demo.WebSecret},
	}
	a = w.do(t, call{method: "POST", path: "/acme/identity_/connect/token", header: formType, body: request.Encode()})
	var token struct {
		AccessToken string `json:"access_token"`
	}
	check(t, json.Unmarshal([]byte(a.body), &token))
	return token.AccessToken
}

// serve serves the demonstration on a directory until the test ends or stop is called, and checks that it ends in order.
func serve(t *testing.T, dir string) *world {
	t.Helper()
	logs := &logBook{}
	key, issuers := vendor(t, "vendor")
	config := app.Config{LicenseIssuers: issuers, Listen: "127.0.0.1:0", Data: dir, LogLevel: "info", ClockInterval: 24 * time.Hour}
	if onPostgres {
		config.Data, config.DatabaseURL = "", databaseOf(t, dir)
	}
	opened, err := app.Open(t.Context(), config, logs, true)
	check(t, err)
	demo, err := opened.LoadDemo(t.Context(), dir)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- opened.Serve(ctx) }()
	client := noRedirects()
	w := &world{App: opened, files: key, demo: demo, dir: dir, client: client, tokens: map[string]string{}, robots: map[string]string{}}
	once := sync.OnceFunc(func() {
		client.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := opened.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		logs.check(t)
	})
	w.stop = func(*testing.T) { once() }
	t.Cleanup(once)
	w.do(t, call{method: http.MethodGet, path: "/livez"}) // is answered when what was due has been done
	return w
}

// vendor makes an issuer and returns what signs files and the file with its public key. What cannot be signed is an error.
func vendor(t *testing.T, name string) (sign func(licensefile.File) string, issuers string) {
	t.Helper()
	key, err := licensefile.NewKey(name)
	check(t, err)
	public, err := key.Public()
	check(t, err)
	issuers = filepath.Join(t.TempDir(), "issuers.json")
	check(t, os.WriteFile(issuers, public, 0o600))
	return func(f licensefile.File) string {
		text, err := key.Sign(f)
		if err != nil {
			t.Error(err)
		}
		return text
	}, issuers
}

func noRedirects() *http.Client {
	return &http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// The server gives one address 256 connections.
		Transport: &http.Transport{MaxConnsPerHost: 240, MaxIdleConnsPerHost: 240},
	}
}

// logBook keeps the log. No test here causes an internal error, so any is a bug, as is a password or token in it.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) check(t *testing.T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, `"status":5`) || strings.Contains(line, memberPassword) || strings.Contains(line, "eyJ") ||
			strings.Contains(line, "swp_") || strings.Contains(line, "swg_") || strings.Contains(line, canary) {
			t.Errorf("the log has %s", line)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// call is one request. The path may be anything that a URL may have; header values win over those that are made up.
type call struct {
	as      string // a key of world.tokens; empty: nobody
	method  string
	path    string
	header  map[string]string
	body    string
	chunked bool // the body is sent without its length
}

func (w *world) do(t *testing.T, c call) answer {
	t.Helper()
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	if c.chunked {
		body = io.MultiReader(body)
	}
	request, err := http.NewRequestWithContext(t.Context(), c.method, w.Address()+c.path, body)
	check(t, err)
	if c.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.as != "" {
		request.Header.Set("Authorization", "Bearer "+w.tokenOf(t, c.as))
	}
	for name, value := range c.header {
		request.Header.Set(name, value)
	}
	request.Host = c.header["Host"] // net/http sends this one and not that of the header; empty: the address
	response, err := w.client.Do(request)
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	if strings.Contains(string(text), canary) && !slices.Contains([]string{"globex", "globex administrator", "host"}, c.as) {
		t.Errorf("%s %s tells %q what belongs to globex: %s", c.method, c.path, c.as, text)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// canary is in everything that globex calls by a name, and in no answer to anybody else, in any test.
const canary = "canary-of-globex"

// keepCanaries makes one of everything in globex.
func (w *world) keepCanaries(t *testing.T) {
	t.Helper()
	system, globex := seatwright.SystemCaller("test"), w.demo.Globex.Organization
	in := seatwright.Organization{ID: globex}
	_, err := w.Directory.CreateUser(t.Context(), system, globex, directory.NewUser{
		ID: canary + "-user", UserName: canary, Email: canary + "@globex.example", FirstName: canary, LastName: canary, DisplayName: canary, ExternalID: canary,
	})
	check(t, err)
	_, err = w.Directory.CreateTenant(t.Context(), system, globex, directory.NewTenant{Name: canary})
	check(t, err)
	_, err = w.Groups.CreateGroup(t.Context(), system, in, directory.NewGroup{ID: canary, Name: canary, Members: []string{canary + "-user"}})
	check(t, err)
	_, err = w.Groups.CreateRobotAccount(t.Context(), system, in, directory.NewRobotAccount{ID: canary + "-robot", Name: canary, DisplayName: canary})
	check(t, err)
	_, _, err = w.Applications.Create(t.Context(), system, globex, directory.NewApplication{
		ID: canary, Name: canary, RedirectURIs: []string{"https://" + canary + ".example/"}, Scopes: []seatwright.Scope{"PM.License"},
	})
	check(t, err)
	value := canary
	_, err = w.Settings.ChangeSettings(t.Context(), system, in, "", []seatwright.NewSetting{{Key: "Canary.Of.Globex", Value: &value}})
	check(t, err)
	_, err = w.Licensing.CreateLot(t.Context(), system, seatwright.Lot{
		Organization: globex, ID: canary, Code: "IDU", Quantity: 5, End: time.Now().AddDate(1, 0, 0), Order: canary,
	})
	check(t, err)
	_, err = w.Licensing.Allocate(t.Context(), system, globex, []seatwright.UserID{canary + "-user"}, []seatwright.ProductCode{"IDU"}, false)
	check(t, err)
}

func (w *world) tokenOf(t *testing.T, as string) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	token := w.tokens[as]
	if token == "" {
		t.Fatalf("nobody is called %q", as)
	}
	return token
}

func (w *world) login(t *testing.T, tenancy, user, password string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"TenancyName": tenancy, "UsernameOrEmailAddress": user, "Password": password})
	check(t, err)
	got := w.do(t, call{method: http.MethodPost, path: "/api/account/authenticate", body: string(body)})
	var envelope struct{ Result string }
	if err := json.Unmarshal([]byte(got.body), &envelope); err != nil || envelope.Result == "" {
		t.Fatalf("authenticate: %d %s", got.status, got.body)
	}
	return envelope.Result
}

var formType = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}

func (w *world) token(t *testing.T, c app.Credentials, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "scope": {scope}}
	got := w.do(t, call{method: http.MethodPost, path: "/identity_/connect/token", header: formType, body: form.Encode()})
	var granted struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(got.body), &granted); err != nil || granted.Token == "" {
		t.Fatalf("token: %d %s", got.status, got.body)
	}
	return granted.Token
}

// organization makes an organization with users and units, and an application of the same name that may do everything with
// licenses. It returns the path of its licenses.
func (w *world) organization(t *testing.T, n directory.NewOrganization, users []string, units map[string]int64) (licenses string) {
	t.Helper()
	system := seatwright.SystemCaller("test")
	n.ID = n.Name + "-id"
	id := seatwright.OrganizationID(n.ID)
	_, err := w.Directory.CreateOrganization(t.Context(), system, n)
	check(t, err)
	var waiting sync.WaitGroup
	for _, user := range users {
		waiting.Go(func() { // together, so that they share commits
			if _, err := w.Directory.CreateUser(t.Context(), system, id, directory.NewUser{ID: user}); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	for code, quantity := range units {
		_, err := w.Licensing.CreateLot(t.Context(), system, seatwright.Lot{
			Organization: id, Code: seatwright.ProductCode(code), Quantity: quantity, End: farAway(),
		})
		check(t, err)
	}
	_, secret, err := w.Applications.Create(t.Context(), system, id, directory.NewApplication{ID: n.Name, Scopes: []seatwright.Scope{"PM.License"}})
	check(t, err)
	token := w.token(t, app.Credentials{ClientID: n.Name, ClientSecret: secret}, "")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[n.Name] = token
	return "/" + n.Name + "/lease_/api/account/" + n.ID + "/user-license"
}

// farAway is an end that no test lives to see.
func farAway() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

// events reads the whole chain of an organization.
func (w *world) events(t *testing.T, organization seatwright.OrganizationID, after int64) []seatwright.Event {
	t.Helper()
	return readEvents(t, w.Store(), organization, after)
}

func readEvents(t *testing.T, from seatwright.EventReader, organization seatwright.OrganizationID, after int64) (all []seatwright.Event) {
	t.Helper()
	for {
		page, err := from.Events(t.Context(), organization, after, 1000)
		check(t, err)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].Sequence
	}
}

// said lists events as "kind subject".
func said(events []seatwright.Event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = strings.TrimSpace(string(e.Kind) + " " + e.Subject)
	}
	return list
}

func (w *world) head(t *testing.T, organization seatwright.OrganizationID) int64 {
	t.Helper()
	head, err := w.Store().Head(t.Context(), organization)
	check(t, err)
	return head.Sequence
}

// state is what organizations have and hold, without their events.
func (w *world) state(t *testing.T, organizations ...seatwright.OrganizationID) string {
	t.Helper()
	var b strings.Builder
	for _, id := range organizations {
		pools, err := w.Store().Pools(t.Context(), id)
		check(t, err)
		for _, p := range pools {
			fmt.Fprintf(&b, "%s %s %d/%d\n", id, p.Code, p.Used, p.Total)
		}
		seats, err := w.Store().SeatUnits(t.Context(), id)
		check(t, err)
		fmt.Fprintln(&b, id, seats)
	}
	return b.String()
}

// onPostgres says that the servers of this run keep their data there; see TestEverythingOnPostgres.
var onPostgres = os.Getenv("SEATWRIGHT_TEST_ON_POSTGRES") != ""

var databases sync.Map // by the directory that they stand for

// databaseOf is the database that stands for a directory, for as long as the test runs that asked first.
func databaseOf(t *testing.T, dir string) app.DatabaseURL {
	t.Helper()
	if known, ok := databases.Load(dir); ok {
		return known.(app.DatabaseURL)
	}
	database := app.DatabaseURL(pgtest.Database(t))
	databases.Store(dir, database)
	return database
}

// storeOf opens what a server that was served on a directory has left.
func storeOf(t *testing.T, dir string) seatwright.Store {
	t.Helper()
	if onPostgres {
		store, err := postgres.Open(t.Context(), string(databaseOf(t, dir)), postgres.Options{})
		check(t, err)
		return store
	}
	store, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	check(t, err)
	return store
}

// Promise: whoever calls cannot tell which database is behind the server.
func TestEverythingOnPostgres(t *testing.T) {
	if onPostgres {
		return // this is the run that is started below
	}
	names := "Allocation|Idempotency|Who.*|Concurrent.*"
	if !testing.Short() { // with the race detector it would take half of the time of all tests, and answers have no races
		names += "|Statuses|TheGuidesOwnCall|ExternalLicenses|UnknownUsers.*|People.*|Pages.*|ForeignAndMissing.*|Credentials.*|Audit.*"
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.timeout=10m", "-test.run=^Test("+names+")$")
	command.Env = append(os.Environ(), "SEATWRIGHT_TEST_ON_POSTGRES=yes")
	output, err := command.CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(output)), "PASS") {
		t.Errorf("%v\n%s", err, output)
	}
}
