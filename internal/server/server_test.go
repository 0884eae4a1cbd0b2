package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	contract "github.com/seatwright/seatwright/api"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api/audit"
	"github.com/seatwright/seatwright/internal/api/identity"
	"github.com/seatwright/seatwright/internal/api/lease"
	"github.com/seatwright/seatwright/internal/api/native"
	"github.com/seatwright/seatwright/internal/directory"
)

// world is what stands behind the front doors in these tests: it remembers what reached it and answers plainly.
type world struct {
	native.Licensing // of which nothing but CreateLot is reached here

	identity.People // not asked here
	audit.Log       // nor these
	lease.Rules
	lease.Holders
	lease.Sessions
	lease.Units
	lease.Uses

	mu      sync.Mutex
	reached []string
	keys    []string
	err     error // answered by every use case
	panics  bool
	ready   error
	logged  bytes.Buffer
}

const (
	adminToken  = "admin"
	readerToken = "reader"
	otherToken  = "other"
	hostToken   = "host"
	memberToken = "member"
	downToken   = "down" // of an organization that the database cannot be asked about
	song        = seatwright.OrganizationID("song-one")
)

func (w *world) reach(caller seatwright.Caller, format string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reached = append(w.reached, caller.Via+" "+caller.Principal.ID+" "+fmt.Sprintf(format, args...))
	w.keys = append(w.keys, caller.Key)
	if w.panics {
		panic("a secret in a panic")
	}
	return w.err
}

func (w *world) Verify(_ context.Context, token string) (seatwright.Principal, error) {
	user := func(id string, org seatwright.OrganizationID, role seatwright.Role) (seatwright.Principal, error) {
		return seatwright.Principal{Kind: seatwright.PrincipalUser, ID: id, Organization: org, Role: role}, nil
	}
	switch token {
	case adminToken:
		return user("ada", song, seatwright.RoleOrganizationAdministrator)
	case memberToken:
		return user("mia", song, seatwright.RoleMember)
	case otherToken:
		return user("otto", "other", seatwright.RoleOrganizationAdministrator)
	case downToken:
		return user("dora", "down", seatwright.RoleOrganizationAdministrator)
	case hostToken:
		return user("hal", seatwright.HostID, seatwright.RoleHostAdministrator)
	case readerToken:
		return seatwright.Principal{
			Kind: seatwright.PrincipalApplication, ID: "app", Organization: song, Scopes: []seatwright.Scope{seatwright.ScopeLicenseRead},
		}, nil
	}
	return seatwright.Principal{}, seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidToken, "the token is not valid")
}

func (w *world) Organization(_ context.Context, ref string) (seatwright.Organization, error) {
	switch strings.ToLower(ref) {
	case "song-one", "songs":
		return seatwright.Organization{ID: song, Name: "songs"}, nil
	case "other":
		return seatwright.Organization{ID: "other", Name: "other"}, nil
	case "down":
		return seatwright.Organization{}, seatwright.Unavailable(seatwright.ReasonStoreUnavailable, errors.New("no route to database"), "later")
	}
	return seatwright.Organization{}, seatwright.MissingOrganization()
}

func (w *world) Allocate(
	_ context.Context, caller seatwright.Caller, org seatwright.OrganizationID, users []seatwright.UserID, codes []seatwright.ProductCode, external bool,
) ([]seatwright.Allocation, error) {
	var answer []seatwright.Allocation
	for _, u := range users {
		answer = append(answer, seatwright.Allocation{User: u, Codes: codes, External: external})
	}
	return answer, w.reach(caller, "allocate %s %v %v %v", org, users, codes, external)
}

func (w *world) Deallocate(_ context.Context, caller seatwright.Caller, org seatwright.OrganizationID, users []seatwright.UserID) (seatwright.Deallocation, error) {
	return seatwright.Deallocation{Removed: users[:1], Unknown: users[1:]}, w.reach(caller, "deallocate %s %v", org, users)
}

func (w *world) Allocations(_ context.Context, caller seatwright.Caller, org seatwright.OrganizationID, users []seatwright.UserID) ([]seatwright.DirectHolder, error) {
	var answer []seatwright.DirectHolder
	for _, u := range users {
		if u != "nobody" {
			var a seatwright.DirectHolder
			a.Person.FirstName = "Ella"
			a.User, a.Codes = u, []seatwright.ProductCode{"TSTNU"}
			answer = append(answer, a)
		}
	}
	return answer, w.reach(caller, "allocations %s %v", org, users)
}

func (w *world) Pools(_ context.Context, caller seatwright.Caller, org seatwright.OrganizationID) ([]seatwright.Pool, error) {
	return []seatwright.Pool{{Code: "TSTNU", Used: 3, Total: 10}}, w.reach(caller, "pools %s", org)
}

var created = time.Date(2025, 2, 24, 12, 0, 0, 0, time.UTC)

func (w *world) CreateLot(_ context.Context, caller seatwright.Caller, lot seatwright.Lot) (seatwright.Lot, error) {
	lot.CreatedAt = created
	return lot, w.reach(caller, "lot %s %s %d %v %v %v", lot.Organization, lot.Code, lot.Quantity, lot.Start.IsZero(), lot.End.UTC().Format(time.RFC3339), lot.Grace)
}

func (w *world) CreateOrganization(_ context.Context, caller seatwright.Caller, n directory.NewOrganization) (seatwright.Organization, error) {
	return seatwright.Organization{ID: "fresh", Name: n.Name, Policies: seatwright.Policies{UnknownUsers: n.UnknownUsers}, CreatedAt: created}, w.reach(caller, "organization %+v", n)
}

func (w *world) CreateTenant(_ context.Context, caller seatwright.Caller, org seatwright.OrganizationID, n directory.NewTenant) (seatwright.Tenant, error) {
	return seatwright.Tenant{ID: "fresh", Name: n.Name, CreatedAt: created}, w.reach(caller, "tenant %s %+v", org, n)
}

func (w *world) CreateUser(_ context.Context, caller seatwright.Caller, org seatwright.OrganizationID, n directory.NewUser) (seatwright.User, error) {
	return seatwright.User{ID: "fresh", UserName: n.UserName, Role: n.Role, CreatedAt: created}, w.reach(caller, "user %s %+v", org, n)
}

func (w *world) Serve(rw http.ResponseWriter, r *http.Request, prefix, rest string) bool {
	if !strings.HasPrefix(rest, "/connect/") && !strings.HasPrefix(rest, "/.well-known/") {
		return false
	}
	fmt.Fprintf(rw, `{"identity":"%s %s %s"}`, r.Method, prefix, rest)
	return true
}

func (w *world) Authenticate(rw http.ResponseWriter, r *http.Request, pathOrganization string) {
	fmt.Fprintf(rw, `{"authenticate":"%s %s"}`, r.Method, pathOrganization)
}

func setup(t *testing.T) (*world, http.Handler) {
	t.Helper()
	return limited(t, 0)
}

// limited is setup with a limit of requests per second.
func limited(t testing.TB, perSecond int) (*world, http.Handler) {
	t.Helper()
	w := &world{}
	handler, err := New(Config{
		Log: slog.New(slog.NewTextHandler(&w.logged, nil)), Authenticator: w, Directory: w, Identities: identity.UseCases{People: w}, Licensing: w, Audit: w, Identity: w,
		Ready: func(context.Context) error { return w.ready }, RequestsPerSecond: perSecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, handler
}

// call sends a JSON request with a token; header lines are "Name: value".
func call(handler http.Handler, method, path, token, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

const (
	license = "/lease_/api/account/song-one/user-license"
	seed    = `{"userIds":["singer-77","singer-88"],"userBundleCodes":["RPADEVNU","TSTNU"],"useExternalLicense":true}`
	seedRun = "lease ada allocate song-one [singer-77 singer-88] [RPADEVNU TSTNU] true"
)

// The published request, in every spelling of its path that clients and the guide use, reaches the same use case.
func TestEverySpellingOfThePathReachesTheUseCase(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		license,
		"/songs" + license, "/SONGS" + license, "/song-one" + license, "/songs/DefaultTenant" + license,
		"//songs" + license, "/songs//lease_///api/account/song-one/user-license/", license + "/", license + "?trace=1",
		"/la/api/account/song-one/user-license", "/songs/la/api/account/songs/user-license",
		"/LEASE_/API/Account/song-one/User-License", "/lease_/api/account/song%2Done/user-license",
	} {
		for _, method := range []string{"PUT", "POST"} {
			w, handler := setup(t)
			answer := call(handler, method, path, adminToken, seed)
			const want = `[{"userId":"singer-77","organizationId":"song-one","useExternalLicense":true,"userBundleCodes":["RPADEVNU","TSTNU"]},` +
				`{"userId":"singer-88","organizationId":"song-one","useExternalLicense":true,"userBundleCodes":["RPADEVNU","TSTNU"]}]` + "\n"
			if answer.Code != http.StatusOK || answer.Body.String() != want || answer.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
			}
			if !slices.Equal(w.reached, []string{seedRun}) {
				t.Errorf("%s %s reached %q", method, path, w.reached)
			}
		}
	}
}

func TestLeaseDoor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, body, token string
		status              int
		contains, reached   string
	}{
		"PutBlocks":                  {"PUT", `{"userIds":["a"],"userBundleCodes":[]}`, adminToken, 200, `"userBundleCodes":[]`, "lease ada allocate song-one [a] [] false"},
		"PutNeedsCodes":              {"PUT", `{"userIds":["a"]}`, adminToken, 400, `"errors":{"userBundleCodes":[`, ""},
		"PutNeedsCodesOtherThanNull": {"PUT", `{"userIds":["a"],"userBundleCodes":null,"licenseCodes":null}`, adminToken, 400, `"errors":{"userBundleCodes":[`, ""},
		"PutTakesTheOlderName":       {"PUT", `{"userIds":["a"],"licenseCodes":["X"]}`, adminToken, 200, `"userBundleCodes":["X"]`, "lease ada allocate song-one [a] [X] false"},
		"PutPrefersTheNewName":       {"PUT", `{"userIds":["a"],"userBundleCodes":["Y"],"licenseCodes":["X"]}`, adminToken, 200, `["Y"]`, "lease ada allocate song-one [a] [Y] false"},
		"PutDropsDuplicates":         {"PUT", `{"userIds":["b","a","b"],"userBundleCodes":["X","X"]}`, adminToken, 200, `"userId":"b"`, "lease ada allocate song-one [b a] [X] false"},
		"PutIgnoresUnknownFields":    {"PUT", `{"userIds":["a"],"userBundleCodes":["X"],"more":{"k":1}}`, adminToken, 200, `"X"`, "lease ada allocate song-one [a] [X] false"},
		"PutNeedsUsers":              {"PUT", `{"userIds":[],"userBundleCodes":["X"]}`, adminToken, 400, `"errors":{"userIds":[`, ""},
		"PutRefusesNullAmongUsers":   {"PUT", `{"userIds":["a",null],"userBundleCodes":["X"]}`, adminToken, 400, `"errors":{"userIds[1]":[`, ""},
		"PutRefusesOddIDs":           {"PUT", `{"userIds":["a/b"],"userBundleCodes":["X"]}`, adminToken, 400, `"code":"malformed_id"`, ""},
		"PutRefusesTooManyUsers":     {"PUT", `{"userIds":["` + strings.Join(numbered(1001), `","`) + `"],"userBundleCodes":["X"]}`, adminToken, 400, `"code":"too_many"`, ""},
		"PutRefusesTooManyCodes":     {"PUT", `{"userIds":["a"],"userBundleCodes":["` + strings.Join(numbered(101), `","`) + `"]}`, adminToken, 400, `"code":"too_many"`, ""},
		"PostReadsInTheOrderAsked":   {"POST", `{"userIds":["b","nobody","a","b"]}`, adminToken, 200, `"id":"b"`, "lease ada allocations song-one [b nobody a]"},
		"PostReadsForReaders":        {"POST", `{"userIds":["b"],"userBundleCodes":null}`, readerToken, 200, `[{"id":"b","email":null,"name":"Ella","surname":null,"lastInUse":null,"userBundleLicenses":["TSTNU"],"useExternalLicense":false,"orphan":false}]`, "lease app allocations song-one [b]"},
		"PutIsNotForReaders":         {"PUT", seed, readerToken, 403, `"code":"missing_permission"`, ""},
		"PutIsNotForMembers":         {"PUT", seed, memberToken, 403, `"code":"missing_permission"`, ""},
		"PutIsNotForTheHost":         {"PUT", seed, hostToken, 404, `"code":"organization_not_found"`, ""},
		"GetLists":                   {"GET", "", readerToken, 200, `[{"code":"TSTNU","allocated":3,"total":10}]`, "lease app pools song-one"},
		"DeleteRemoves":              {"DELETE", `{"userIds":["a","b"]}`, adminToken, 200, `{"successfulUserIds":["a"],"failedUserIds":["b"]}`, "lease ada deallocate song-one [a b]"},
		"DeleteWithoutFailures":      {"DELETE", `{"userIds":["a"]}`, adminToken, 200, `"failedUserIds":[]`, "lease ada deallocate song-one [a]"},
		"PermissionComesBeforeBody":  {"PUT", `{`, memberToken, 403, `"code":"missing_permission"`, ""},
		"TokenComesBeforeBody":       {"PUT", `{`, "", 401, `"code":"no_token"`, ""},
		"BrokenBody":                 {"PUT", "{\n\"userIds\": [\"singer-77\"]\n\"userBundleCodes\": []}", adminToken, 400, `line 3, column 1`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, handler := setup(t)
			answer := call(handler, c.method, license, c.token, c.body)
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.contains) {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			if got := strings.Join(w.reached, "; "); got != c.reached {
				t.Errorf("reached %q, want %q", got, c.reached)
			}
			checkProblem(t, answer)
		})
	}
}

func TestDirectoryThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	_, handler := setup(t)
	answer := call(handler, "PUT", license, downToken, `{"userIds":["a"],"userBundleCodes":[]}`)
	if answer.Code != 503 || !strings.Contains(answer.Body.String(), `"code":"store_unavailable"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestPostReadsInRequestOrder(t *testing.T) {
	t.Parallel()
	_, handler := setup(t)
	body := call(handler, "POST", license, adminToken, `{"userIds":["b","nobody","a"]}`).Body.String()
	if b, a := strings.Index(body, `"id":"b"`), strings.Index(body, `"id":"a"`); b < 0 || a < b || strings.Contains(body, "nobody") {
		t.Error(body)
	}
}

func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint("u", i)
	}
	return ids
}

// checkProblem holds every refusal to one shape, with the same id in the header and the body.
func checkProblem(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	for _, name := range []string{"Cache-Control", "X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "X-Request-Id"} {
		if len(answer.Header().Values(name)) != 1 {
			t.Errorf("header %s: %q", name, answer.Header().Values(name))
		}
	}
	if answer.Code < 300 {
		return
	}
	var problem struct {
		Type, Title, Detail, Instance, Code, TraceID string
		Status                                       int
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	id := answer.Header().Get("X-Request-Id")
	if problem.Status != answer.Code || problem.Code == "" || problem.Type != "urn:seatwright:problem:"+problem.Code || problem.Title == "" ||
		problem.Detail == "" || problem.TraceID != id || problem.Instance != "urn:uuid:"+id || answer.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%+v", problem)
	}
	if answer.Code == 401 != (answer.Header().Get("WWW-Authenticate") != "") {
		t.Errorf("%d with WWW-Authenticate %q", answer.Code, answer.Header().Get("WWW-Authenticate"))
	}
}

func TestNativeDoor(t *testing.T) {
	t.Parallel()
	const base = "/api/v1/organizations"
	for name, c := range map[string]struct {
		path, body, token string
		status            int
		contains, reached string
	}{
		"Organization":     {base, `{"name":"songs","unknownUsers":"provision"}`, hostToken, 201, `{"id":"fresh","name":"songs","displayName":"","unknownUsers":"provision","externalLicenses":false,"createdAt":"2025-02-24T12:00:00Z"}`, "native hal organization {ID: Name:songs DisplayName: UnknownUsers:provision ExternalLicenses:false}"},
		"Tenant":           {base + "/songs/tenants", `{"name":"default"}`, hostToken, 201, `{"id":"fresh","name":"default","createdAt":"2025-02-24T12:00:00Z"}`, "native hal tenant song-one {ID: Name:default}"},
		"User":             {base + "/song-one/users", `{"userName":"u","password":"p","role":"member"}`, hostToken, 201, `"role":"member"`, "native hal user song-one {ID: UserName:u Password:p Email: FirstName: LastName: DisplayName: ExternalID: Role:member BypassBasicAuth:false InvitationAccepted:false}"},
		"Lot":              {base + "/song-one/lots", `{"code":"TSTNU","quantity":5,"end":"2030-01-01T02:00:00+02:00","graceSeconds":60}`, hostToken, 201, `"graceSeconds":60`, "native hal lot song-one TSTNU 5 true 2030-01-01T00:00:00Z 1m0s"},
		"UnknownField":     {base, `{"name":"songs","nam":"x"}`, hostToken, 400, `"errors":{"nam":[`, ""},
		"BrokenTime":       {base + "/song-one/lots", `{"code":"TSTNU","quantity":5,"end":"tomorrow"}`, hostToken, 400, `"errors":{"end":[`, ""},
		"FractionOfUnits":  {base + "/song-one/lots", `{"code":"TSTNU","quantity":1.5,"end":"2030-01-01T00:00:00Z"}`, hostToken, 400, `"errors":{"quantity":[`, ""},
		"GraceOverflows":   {base + "/song-one/lots", `{"code":"TSTNU","quantity":1,"end":"2030-01-01T00:00:00Z","graceSeconds":9223372036854775807}`, hostToken, 400, `"errors":{"graceSeconds":[`, ""},
		"QuantityOverflow": {base + "/song-one/lots", `{"code":"TSTNU","quantity":9223372036854775808,"end":"2030-01-01T00:00:00Z"}`, hostToken, 400, `"errors":{"quantity":[`, ""},
		"MissingForHost":   {base + "/nowhere/lots", `{}`, hostToken, 404, `"code":"organization_not_found"`, ""},
		"OwnAdministrator": {base + "/song-one/lots", `{}`, adminToken, 403, `"code":"missing_permission"`, ""},
		"Foreigner":        {base + "/song-one/lots", `{}`, otherToken, 404, `"code":"organization_not_found"`, ""},
		"Administrator":    {base, `{}`, adminToken, 403, `"code":"missing_permission"`, ""},
		"Application":      {base, `{}`, readerToken, 403, `"code":"missing_permission"`, ""},
		"NoToken":          {base, `{}`, "", 401, `"code":"no_token"`, ""},
		"Prefixed":         {"/songs" + base, `{}`, hostToken, 404, `"code":"route_not_found"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, handler := setup(t)
			answer := call(handler, "POST", c.path, c.token, c.body)
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.contains) {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			if got := strings.Join(w.reached, "; "); got != c.reached {
				t.Errorf("reached %q, want %q", got, c.reached)
			}
			if answer.Code >= 400 && strings.Contains(answer.Body.String(), `"message"`) != (name == "Prefixed") {
				t.Errorf("message: %s", answer.Body)
			}
			checkProblem(t, answer)
		})
	}
	_, handler := setup(t)
	for _, method := range []string{"GET", "HEAD"} {
		if answer := call(handler, method, "/api/v1/openapi.json", "", ""); answer.Code != 200 || !json.Valid(answer.Body.Bytes()) {
			t.Errorf("%s: %d", method, answer.Code)
		}
	}
}

// Which organizations there are is nobody's business: the answer for a foreign one differs in nothing but the request's id.
func TestAForeignOrganizationLooksLikeAMissingOne(t *testing.T) {
	t.Parallel()
	_, handler := setup(t)
	same := ""
	for _, c := range []struct{ token, path string }{
		{otherToken, license},
		{otherToken, "/lease_/api/account/nowhere/user-license"},
		{otherToken, "/lease_/api/account/" + strings.Repeat("x", 500) + "/user-license"},
		{otherToken, "/other" + license},
		{otherToken, "/songs/lease_/api/account/other/user-license"},
		{otherToken, "/nowhere/lease_/api/account/other/user-license"},
		{hostToken, license},
	} {
		answer := call(handler, "PUT", c.path, c.token, seed)
		text := strings.ReplaceAll(answer.Body.String(), answer.Header().Get("X-Request-Id"), "ID")
		answer.Header().Del("X-Request-Id")
		text += fmt.Sprint(answer.Code, answer.Header())
		if same == "" {
			same = text
		}
		if answer.Code != http.StatusNotFound || text != same {
			t.Errorf("%s: %s\nelse: %s", c.path, text, same)
		}
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header []string
		status int
		detail string
	}{
		{[]string{"Authorization: bearer admin"}, 200, ""},
		{[]string{"Authorization: BEARER   admin"}, 200, ""},
		{nil, 401, `Bearer realm="seatwright"`},
		{[]string{"Authorization: "}, 401, `Bearer realm="seatwright"`},
		{[]string{"Authorization: Basic YTpi"}, 401, `Bearer realm="seatwright"`},
		{[]string{"Authorization: Bearer"}, 401, `Bearer realm="seatwright", error="invalid_token"`},
		{[]string{"Authorization: Bearer nonsense"}, 401, `Bearer realm="seatwright", error="invalid_token"`},
		{[]string{"Authorization: Bearer admin admin"}, 401, `Bearer realm="seatwright", error="invalid_token"`},
		{[]string{"Authorization: Bearer admin, Bearer admin"}, 401, `Bearer realm="seatwright", error="invalid_token"`},
		{[]string{"Authorization: Bearer admin", "Authorization: Bearer admin"}, 401, `Bearer realm="seatwright", error="invalid_token"`},
	} {
		_, handler := setup(t)
		answer := call(handler, "GET", license+"?access_token=admin", "", "", c.header...)
		if answer.Code != c.status || answer.Header().Get("WWW-Authenticate") != c.detail {
			t.Errorf("%q: %d %q", c.header, answer.Code, answer.Header().Get("WWW-Authenticate"))
		}
	}
}

func TestRequestsThatReachNoUseCase(t *testing.T) {
	t.Parallel()
	big := `{"userIds":["` + strings.Repeat("a", 1<<20) + `"],"userBundleCodes":[]}`
	for name, c := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		code               seatwright.Reason
	}{
		"EncodedSlash":       {"PUT", "/lease_/api/account/song%2fone/user-license", seed, nil, 400, seatwright.ReasonMalformedPath},
		"EncodedBackslash":   {"PUT", "/lease_/api/account/song%5Cone/user-license", seed, nil, 400, seatwright.ReasonMalformedPath},
		"Backslash":          {"PUT", `/lease_/api\account/song-one/user-license`, seed, nil, 400, seatwright.ReasonMalformedPath},
		"EncodedNul":         {"PUT", "/lease_/api/account/song-one%00/user-license", seed, nil, 400, seatwright.ReasonMalformedPath},
		"DotSegment":         {"PUT", "/lease_/api/x/../account/song-one/user-license", seed, nil, 400, seatwright.ReasonMalformedPath},
		"EncodedDotSegment":  {"PUT", "/other/%2e%2e" + license, seed, nil, 400, seatwright.ReasonMalformedPath},
		"EncodedPercent":     {"PUT", "/lease_/api/account/song%252Done/user-license", seed, nil, 400, seatwright.ReasonMalformedPath},
		"Large":              {"PUT", license, big, nil, 413, seatwright.ReasonBodyTooLarge},
		"NoBody":             {"PUT", license, "", nil, 415, seatwright.ReasonMediaType},
		"EmptyBody":          {"PUT", license, "", []string{"Content-Type: application/json"}, 400, seatwright.ReasonMalformedBody},
		"Form":               {"PUT", license, "", []string{"Content-Type: application/x-www-form-urlencoded"}, 415, seatwright.ReasonMediaType},
		"OtherMethod":        {"PATCH", license, seed, nil, 405, seatwright.ReasonMethodNotAllowed},
		"Options":            {"OPTIONS", license, "", nil, 405, seatwright.ReasonMethodNotAllowed},
		"OverriddenMethod":   {"PATCH", license, seed, []string{"X-HTTP-Method-Override: PUT"}, 405, seatwright.ReasonMethodNotAllowed},
		"UnknownPath":        {"GET", "/lease_/api/nothing", "", nil, 404, seatwright.ReasonRouteNotFound},
		"Root":               {"GET", "/", "", nil, 404, seatwright.ReasonRouteNotFound},
		"TooLongAPrefix":     {"PUT", "/songs/a/b" + license, seed, nil, 404, seatwright.ReasonRouteNotFound},
		"OddTenant":          {"PUT", "/songs/a%20b" + license, seed, nil, 404, seatwright.ReasonRouteNotFound},
		"DoorInsideDoor":     {"PUT", "/la" + license, seed, nil, 404, seatwright.ReasonRouteNotFound},
		"IdentityAPI":        {"GET", "/identity_/api/Nothing/song-one", "", nil, 404, seatwright.ReasonRouteNotFound},
		"LongerPath":         {"PUT", license + "/more/of/it", seed, nil, 404, seatwright.ReasonRouteNotFound},
		"EmptyKey":           {"PUT", license, seed, []string{"Idempotency-Key: "}, 400, seatwright.ReasonMalformedKey},
		"TwoKeys":            {"PUT", license, seed, []string{"Idempotency-Key: a", "Idempotency-Key: a"}, 400, seatwright.ReasonMalformedKey},
		"DuplicateInBody":    {"PUT", license, `{"userIds":["a"],"userIds":["b"],"userBundleCodes":[]}`, nil, 400, seatwright.ReasonMalformedBody},
		"CaseTwinInBody":     {"PUT", license, `{"userIds":["a"],"UserIds":["b"],"userBundleCodes":[]}`, nil, 400, seatwright.ReasonMalformedBody},
		"NullBody":           {"PUT", license, `null`, nil, 400, seatwright.ReasonMalformedBody},
		"InvalidUTF8":        {"PUT", license, "{\"userIds\":[\"\xff\"],\"userBundleCodes\":[]}", nil, 400, seatwright.ReasonMalformedBody},
		"TrailingText":       {"PUT", license, seed + "x", nil, 400, seatwright.ReasonMalformedBody},
		"DeepUnknownField":   {"PUT", license, `{"x":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, nil, 400, seatwright.ReasonMalformedBody},
		"MetadataOfNobody":   {"GET", "/.well-known/oauth-authorization-server/songs/lease_", "", nil, 404, seatwright.ReasonRouteNotFound},
		"MetadataOfTooMuch":  {"GET", "/.well-known/oauth-authorization-server/identity_/x", "", nil, 404, seatwright.ReasonRouteNotFound},
		"ControlCharInOrg":   {"PUT", "/so%1bngs" + license, seed, nil, 400, seatwright.ReasonMalformedPath},
		"HealthOfTheWrong":   {"GET", "/songs/health", "", nil, 404, seatwright.ReasonRouteNotFound},
		"WritingHealth":      {"POST", "/livez", "", nil, 405, seatwright.ReasonMethodNotAllowed},
		"KelvinSignIsNoK":    {"GET", "/to\u212aen", "", nil, 404, seatwright.ReasonRouteNotFound},
		"CompressedBody":     {"PUT", license, seed, []string{"Content-Encoding: gzip"}, 415, seatwright.ReasonMediaType},
		"TwoContentTypes":    {"PUT", license, seed, []string{"Content-Type: application/json"}, 415, seatwright.ReasonMediaType},
		"OtherCharacterSet":  {"DELETE", license, "", []string{"Content-Type: application/json; charset=utf-7"}, 415, seatwright.ReasonMediaType},
		"UserIDsOfOtherType": {"PUT", license, `{"userIds":{"a":1},"userBundleCodes":[]}`, nil, 400, seatwright.ReasonMalformedBody},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, handler := setup(t)
			answer := call(handler, c.method, c.path, adminToken, c.body, c.header...)
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), `"code":"`+string(c.code)+`"`) {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			if len(w.reached) > 0 {
				t.Errorf("reached %q", w.reached)
			}
			if answer.Code == 405 && answer.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if answer.Header().Get("Location") != "" {
				t.Error("a redirect")
			}
			checkProblem(t, answer)
		})
	}
}

func TestHarmlessOddities(t *testing.T) {
	t.Parallel()
	w, handler := setup(t)
	if answer := call(handler, "GET", license, adminToken, "", "Content-Type: application/json", "Idempotency-Key: "); answer.Code != 200 {
		t.Errorf("GET with the headers of a write: %d %s", answer.Code, answer.Body)
	}
	if answer := call(handler, "HEAD", license, adminToken, ""); answer.Code != 200 {
		t.Errorf("HEAD: %d", answer.Code)
	}
	const key = "!~,;=%zz%2F"
	if answer := call(handler, "PUT", license, adminToken, seed, "Idempotency-Key: "+key); answer.Code != 200 || w.keys[2] != key {
		t.Errorf("%d %s, key %q", answer.Code, answer.Body, w.keys)
	}
	if answer := call(handler, "OPTIONS", license, adminToken, ""); answer.Header().Get("Allow") != "DELETE, GET, HEAD, POST, PUT" {
		t.Errorf("Allow: %q", answer.Header().Get("Allow"))
	}
}

// A route without an operation of the documents has no permission, so it must not exist; and no operation may be forgotten.
func TestRoutesAreTheOperations(t *testing.T) {
	t.Parallel()
	_, handler := setup(t)
	operations, err := contract.Operations()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		path := strings.NewReplacer("{accountId}", "song-one", "{org}", "song-one").Replace(op.Path)
		answer := call(handler, op.Method, path, "", "")
		if reached := answer.Code == http.StatusOK; reached != op.Public || !reached && answer.Code != http.StatusUnauthorized {
			t.Errorf("%s %s without a token: %d %s", op.Method, op.Path, answer.Code, answer.Body)
		}
	}
	s := &server{}
	g := &gate{table: &table{}, operations: map[string]contract.Operation{"GET /b": {Method: "GET", Path: "/b", Tag: "lease"}}, registered: map[string]bool{}, doorOf: s.doorOf}
	g.HandleFunc("GET /a", nilHandler)
	if err := g.complete("identity"); err == nil || !strings.Contains(err.Error(), `"GET /a" is in none`) || !strings.Contains(err.Error(), `"GET /b" has no route`) {
		t.Error(err)
	}
}

func TestIdentityGetsItsPaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/identity_/connect/token", `{"identity":"POST /identity_ /connect/token"}`},
		{"POST", "//Songs/Default/Identity/Connect/Token/", `{"identity":"POST /Songs/Default/Identity /connect/token"}`},
		{"GET", "/songs/identity_/.well-known/openid-configuration", `{"identity":"GET /songs/identity_ /.well-known/openid-configuration"}`},
		{"GET", "/.well-known/oauth-authorization-server/songs/identity_", `{"identity":"GET /songs/identity_ /.well-known/openid-configuration"}`},
		{"POST", "/api/account/authenticate", `{"authenticate":"POST "}`},
		{"POST", "/songs/default/API/Account/Authenticate", `{"authenticate":"POST songs"}`},
		{"GET", "/songs/api/account/authenticate", `{"authenticate":"GET songs"}`},
	} {
		_, handler := setup(t)
		answer := call(handler, c.method, c.path, "", "")
		if answer.Code != 200 || answer.Body.String() != c.want {
			t.Errorf("%s: %d %s", c.path, answer.Code, answer.Body)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w, handler := setup(t)
	for _, path := range []string{"/livez", "/readyz", "/lease_/health", "/songs/la/health", "/songs/default/orchestrator_/Health", "/identity/health"} {
		if answer := call(handler, "GET", path, "", ""); answer.Code != 200 || !json.Valid(answer.Body.Bytes()) || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	w.ready = errors.New("disk full")
	if answer := call(handler, "GET", "/readyz", "", ""); answer.Code != 503 || strings.Contains(answer.Body.String(), "disk") || answer.Header().Get("Retry-After") == "" {
		t.Errorf("not ready: %d %s", answer.Code, answer.Body)
	}
	if answer := call(handler, "GET", "/livez", "", ""); answer.Code != 200 {
		t.Errorf("alive: %d", answer.Code)
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	w, handler := setup(t)
	w.panics = true
	answer := call(handler, "PUT", license, adminToken, seed)
	if answer.Code != 500 || strings.Contains(answer.Body.String(), "secret") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	checkProblem(t, answer)
	log := w.logged.String()
	if !strings.Contains(log, "a secret in a panic") || !strings.Contains(log, "status=500") {
		t.Error(log)
	}
}

// The access log is read by more people than may know a token or what was asked for.
func TestTheAccessLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w, handler := setup(t)
	answer := call(handler, "PUT", license+"?code=QUERYSECRET", adminToken, strings.Replace(seed, "singer-77", "BODYSECRET", 1), "X-Request-Id: FORGED", "Idempotency-Key: KEYSECRET")
	log := w.logged.String()
	for _, secret := range []string{"SECRET", "FORGED", "Bearer"} {
		if strings.Contains(log, secret) {
			t.Errorf("%s in %s", secret, log)
		}
	}
	for _, want := range []string{
		"method=PUT", `route="PUT /lease_/api/account/{accountId}/user-license"`, "status=200", fmt.Sprint("bytes=", answer.Body.Len()), "duration=",
		"request_id=" + answer.Header().Get("X-Request-Id"), "actor=ada", "organization=song-one",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in %s", want, log)
		}
	}
	if strings.Count(log, "\n") != 1 {
		t.Errorf("more than a line: %s", log)
	}
	if id := answer.Header().Get("X-Request-Id"); id == "FORGED" || len(id) != 36 {
		t.Errorf("request id %q", id)
	}
}

// What a use case refuses comes out as it is.
func TestRefusalsOfUseCasesAreAnswered(t *testing.T) {
	t.Parallel()
	full := seatwright.NewError(seatwright.KindExhausted, seatwright.ReasonPoolExhausted, "not enough")
	full.Shortages = []seatwright.Shortage{{Bundle: "TSTNU", Requested: 2}}
	for _, c := range []struct {
		err      error
		status   int
		contains string
	}{
		{full, 409, `"shortages":[{"bundle":"TSTNU","requested":2,"available":0}]`},
		{seatwright.NotFound(seatwright.ReasonNoLicense, "none"), 404, `"code":"no_license"`},
		{seatwright.NewError(seatwright.KindConflict, seatwright.ReasonKeyReused, "other"), 422, `"code":"idempotency_key_reused"`},
		{seatwright.Unavailable(seatwright.ReasonOverloaded, nil, "later"), 503, `"code":"overloaded"`},
		{io.ErrUnexpectedEOF, 500, `"code":"internal"`},
	} {
		w, handler := setup(t)
		w.err = c.err
		for _, method := range []string{"PUT", "POST"} {
			answer := call(handler, method, license, adminToken, seed)
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.contains) {
				t.Errorf("%s %v: %d %s", method, c.err, answer.Code, answer.Body)
			}
			checkProblem(t, answer)
		}
	}
}
