package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/wire"
)

// request is what the far side saw.
type request struct{ method, path, key, authorization, body string }

// fixture is a client whose far side answers by script: the network and its faults, which are not ours to run for real.
type fixture struct {
	client *Client
	url    string
	pauses []time.Duration

	mu   sync.Mutex
	seen []request
}

// setup makes a client of which the n-th request is answered by the n-th step; the last step repeats.
func setup(t *testing.T, steps []http.HandlerFunc, options ...Option) *fixture {
	t.Helper()
	f := &fixture{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		f.mu.Lock()
		step := steps[min(len(f.seen), len(steps)-1)]
		f.seen = append(f.seen, request{r.Method, r.URL.EscapedPath(), r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)})
		f.mu.Unlock()
		step(w, r)
	}))
	t.Cleanup(server.Close)
	client, err := New(server.URL+"/", options...)
	if err != nil {
		t.Fatal(err)
	}
	client.pause = func(_ context.Context, d time.Duration) error {
		f.pauses = append(f.pauses, d)
		return nil
	}
	f.client, f.url = client, server.URL
	return f
}

// requests is what the far side has seen so far.
func (f *fixture) requests() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func later(status int, seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", seconds)
		answers(status, `{"code":"overloaded","detail":"too many changes are waiting"}`)(w, nil)
	}
}

func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

const allocated = `[{"userId":"singer-77","organizationId":"song-one","useExternalLicense":false,"userBundleCodes":["ATTUNU"]}]`

func (f *fixture) allocate() ([]wire.UserLicense, error) {
	return f.client.AllocateToUsers(context.Background(), "song-one", []seatwright.UserID{"singer-77"}, []seatwright.ProductCode{"ATTUNU"}, false)
}

// Promise: a change that is repeated through faults is made once, because every attempt carries the first one's key.
func TestRepeatsThroughFaultsWithTheSameKey(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{hangsUp, later(503, "3"), later(429, "1"), answers(200, allocated)}, WithToken("t"))
	got, err := f.allocate()
	if err != nil || len(got) != 1 || got[0].UserID != "singer-77" {
		t.Fatalf("got %v, %v", got, err)
	}
	if len(f.requests()) != 4 {
		t.Fatalf("%d requests, want 4", len(f.requests()))
	}
	for _, r := range f.requests() {
		if r != f.requests()[0] || r.key == "" || r.authorization != "Bearer t" {
			t.Errorf("request %+v differs from the first %+v", r, f.requests()[0])
		}
	}
	if len(f.pauses) != 3 || f.pauses[1] != 3*time.Second || f.pauses[2] < time.Second {
		t.Errorf("pauses %v do not honor Retry-After", f.pauses)
	}
	if _, err := f.allocate(); err != nil {
		t.Fatal(err)
	}
	if f.requests()[4].key == f.requests()[0].key {
		t.Error("two calls share a key")
	}
}

func TestGivesUpAfterTheLastAttempt(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{hangsUp}, WithRetries(Retries{Attempts: 3, Pause: time.Millisecond, Longest: time.Second, Timeout: time.Minute}))
	_, err := f.allocate()
	if !seatwright.IsReason(err, seatwright.ReasonOutcomeUnknown) || len(f.requests()) != 3 {
		t.Errorf("%d requests, error %v", len(f.requests()), err)
	}
}

func TestDoesNotWaitLongerThanItMay(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{later(503, "3600")})
	_, err := f.allocate()
	if e := seatwright.AsError(err); e.Kind != seatwright.KindUnavailable || e.RetryAfter != time.Hour || len(f.requests()) != 1 {
		t.Errorf("%d requests, error %+v", len(f.requests()), e)
	}
}

func TestAllocationCarriesTheKeyOfTheContext(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{answers(200, "[]")})
	if _, err := f.client.AllocateToUsers(WithKey(context.Background(), "order-1"), "song-one", []seatwright.UserID{"u"}, nil, false); err != nil {
		t.Fatal(err)
	}
	if f.requests()[0].key != "order-1" {
		t.Errorf("key %q", f.requests()[0].key)
	}
	// Promise: blocking a user is an empty list, which must not get lost: without the list the call would only read.
	if !strings.Contains(f.requests()[0].body, `"userBundleCodes":[]`) {
		t.Errorf("body %s", f.requests()[0].body)
	}
}

func TestReadsCarryNoKey(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{answers(200, "[]")})
	if _, err := f.client.Pools(context.Background(), "song one/2"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.client.ExplicitAllocations(context.Background(), "song-one", []seatwright.UserID{"u"}); err != nil {
		t.Fatal(err)
	}
	want := []request{
		{"GET", "/lease_/api/account/song%20one%2F2/user-license", "", "", ""},
		{"POST", "/lease_/api/account/song-one/user-license", "", "", `{"userIds":["u"]}`},
	}
	if !slices.Equal(f.requests(), want) {
		t.Errorf("saw %+v", f.requests())
	}
}

// Promise: the caller meets the error that the server had.
func TestRebuildsTheServersError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   seatwright.Error
	}{
		{409, `{"code":"pool_exhausted","detail":"d","traceId":"r","shortages":[{"bundle":"TSTNU","requested":3,"available":1}]}`, seatwright.Error{
			Kind: seatwright.KindExhausted, Reason: seatwright.ReasonPoolExhausted, Detail: "d", RequestID: "r",
			Shortages: []seatwright.Shortage{{Bundle: "TSTNU", Requested: 3, Available: 1}},
		}},
		{409, `{"code":"duplicate","detail":"d","errors":{"name":["d"]}}`, seatwright.Error{
			Kind: seatwright.KindConflict, Reason: seatwright.ReasonDuplicate, Detail: "d", Field: "name",
		}},
		{422, `{"code":"idempotency_key_reused","detail":"d"}`, seatwright.Error{Kind: seatwright.KindConflict, Reason: seatwright.ReasonKeyReused, Detail: "d"}},
		{400, `{"code":"unknown_user","detail":"d"}`, seatwright.Error{Kind: seatwright.KindInvalid, Reason: seatwright.ReasonUnknownUser, Detail: "d"}},
		{413, `{"code":"body_too_large","detail":"d"}`, seatwright.Error{Kind: seatwright.KindInvalid, Reason: seatwright.ReasonBodyTooLarge, Detail: "d"}},
		{401, `{"code":"invalid_token","detail":"d"}`, seatwright.Error{Kind: seatwright.KindUnauthenticated, Reason: seatwright.ReasonInvalidToken, Detail: "d"}},
		{403, `{"code":"missing_permission","detail":"d"}`, seatwright.Error{Kind: seatwright.KindForbidden, Reason: seatwright.ReasonMissingPermission, Detail: "d"}},
		{404, `{"code":"no_license","detail":"d"}`, seatwright.Error{Kind: seatwright.KindNotFound, Reason: seatwright.ReasonNoLicense, Detail: "d"}},
		{500, `{"code":"internal","detail":"d"}`, seatwright.Error{Kind: seatwright.KindInternal, Reason: seatwright.ReasonInternal, Detail: "d"}},
		{502, `<html>bad gateway</html>`, seatwright.Error{
			Kind: seatwright.KindUnavailable, Reason: seatwright.ReasonOutcomeUnknown,
			Detail: "the server answered 502 Bad Gateway without saying why; is this the right URL? The change may or may not have been made",
		}},
	} {
		f := setup(t, []http.HandlerFunc{answers(c.status, c.body)})
		_, err := f.allocate()
		got, err1 := json.Marshal(seatwright.AsError(err))
		want, err2 := json.Marshal(c.want)
		if errors.Join(err1, err2) != nil || string(got) != string(want) {
			t.Errorf("%d: got %s, want %s", c.status, got, want)
		}
	}
}

// Promise: the token goes to no other address than the one that was given.
func TestFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}}, WithToken("t"))
	_, err := f.allocate()
	if e := seatwright.AsError(err); e.Kind != seatwright.KindInternal || len(f.requests()) != 1 {
		t.Errorf("%d requests, error %v", len(f.requests()), e)
	}
}

func TestSignsInWhenATokenIsNeededAndAgainWhenItIsRefused(t *testing.T) {
	t.Parallel()
	refused := answers(401, `{"code":"invalid_token","detail":"d"}`)
	f := setup(t, []http.HandlerFunc{
		answers(200, `{"result":"first","success":true}`), answers(200, "[]"), refused, answers(200, `{"result":"second"}`), answers(200, "[]"),
		refused, answers(200, `{"result":"third"}`), refused,
	}, WithPassword("host", "admin", "p"))
	for range 2 {
		if _, err := f.client.Pools(context.Background(), "o"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.client.Pools(context.Background(), "o")
	if e := seatwright.AsError(err); e.Reason != seatwright.ReasonInvalidToken {
		t.Errorf("error %v", e)
	}
	var tokens []string
	for _, r := range f.requests() {
		tokens = append(tokens, r.authorization)
	}
	if want := []string{"", "Bearer first", "Bearer first", "", "Bearer second", "Bearer second", "", "Bearer third"}; !slices.Equal(tokens, want) {
		t.Errorf("tokens %q, want %q", tokens, want)
	}
	if want := `{"TenancyName":"host","UsernameOrEmailAddress":"admin","Password":"p"}`; f.requests()[0].body != want || f.requests()[0].path != "/api/account/authenticate" {
		t.Errorf("signed in with %+v", f.requests()[0])
	}
}

func TestWrongCredentialsAreToldApart(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{answers(401, `{"result":null,"error":{"code":0,"message":"wrong","details":null}}`)}, WithPassword("host", "admin", "p"))
	_, err := f.allocate()
	if !seatwright.IsReason(err, seatwright.ReasonInvalidCredentials) || len(f.requests()) != 1 {
		t.Errorf("%d requests, error %v", len(f.requests()), err)
	}
	f = setup(t, []http.HandlerFunc{answers(401, `{"error":"invalid_client"}`)}, WithClientCredentials("a", "b"))
	_, err = f.allocate()
	if !seatwright.IsReason(err, seatwright.ReasonInvalidCredentials) || len(f.requests()) != 1 {
		t.Errorf("%d requests, error %v", len(f.requests()), err)
	}
}

func TestClientCredentialsAreFormEncodedInTheHeader(t *testing.T) {
	t.Parallel()
	f := setup(t, []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "app" || password != "cs%3Aec+ret" {
				t.Errorf("credentials %q %q", user, password)
			}
			answers(200, `{"access_token":"x","token_type":"Bearer","expires_in":3600,"scope":"PM.License"}`)(w, r)
		}, answers(200, "[]"),
	}, WithClientCredentials("app", "cs:ec ret", seatwright.ScopeLicenseRead, seatwright.ScopeLicenseWrite))
	if _, err := f.client.Pools(context.Background(), "o"); err != nil {
		t.Fatal(err)
	}
	if want := "grant_type=client_credentials&scope=PM.License.Read+PM.License.Write"; f.requests()[0].body != want || f.requests()[1].authorization != "Bearer x" {
		t.Errorf("saw %+v", f.requests())
	}
}

func TestRefusesWhatIsNoServerURL(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "licenses.example.com", "ftp://x", "http://", "http://x?y=1", "http://x#y"} {
		if _, err := New(bad); !seatwright.IsReason(err, seatwright.ReasonInvalidValue) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
