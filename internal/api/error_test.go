package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
)

const testRequest = "2f1c39b4-0a51-4a3c-8a8f-4be9ad3f6f0e"

func fail(compatible bool, err error) (w *httptest.ResponseRecorder, log string) {
	var lines bytes.Buffer
	door := api.Door{Compatible: compatible, Log: slog.New(slog.NewTextHandler(&lines, nil))}
	r := httptest.NewRequest("PUT", "/", nil)
	r = r.WithContext(api.WithExchange(r.Context(), &api.Exchange{RequestID: testRequest}))
	w = httptest.NewRecorder()
	door.Fail(w, r, err)
	return w, lines.String()
}

func TestEveryKindHasItsStatus(t *testing.T) {
	t.Parallel()
	for kind, status := range map[seatwright.Kind]int{
		seatwright.KindInvalid: 400, seatwright.KindUnauthenticated: 401, seatwright.KindForbidden: 403, seatwright.KindNotFound: 404,
		seatwright.KindConflict: 409, seatwright.KindExhausted: 409, seatwright.KindRateLimited: 429, seatwright.KindUnavailable: 503,
		seatwright.KindInternal: 500, "a kind that nobody knows": 500,
	} {
		if w, _ := fail(true, seatwright.NewError(kind, "some_reason", "text")); w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v", kind, w.Code, w.Header())
		}
	}
	for reason, status := range map[seatwright.Reason]int{
		seatwright.ReasonBodyTooLarge: 413, seatwright.ReasonMediaType: 415, seatwright.ReasonMethodNotAllowed: 405, seatwright.ReasonKeyReused: 422,
	} {
		if w, _ := fail(true, seatwright.Invalid(reason, "text")); w.Code != status {
			t.Errorf("%s: %d", reason, w.Code)
		}
	}
}

// The whole document is contract, so it is compared byte for byte.
func TestProblemDocument(t *testing.T) {
	t.Parallel()
	e := seatwright.NewError(seatwright.KindExhausted, seatwright.ReasonPoolExhausted, "not enough")
	e.Shortages = []seatwright.Shortage{{Bundle: "TSTNU", Requested: 3, Available: 1}}
	w, log := fail(true, e)
	const begin = `{"type":"urn:seatwright:problem:pool_exhausted","title":"Not enough units are free","status":409,"code":"pool_exhausted","detail":"not enough",`
	const end = `"instance":"urn:uuid:` + testRequest + `","traceId":"` + testRequest + `","shortages":[{"bundle":"TSTNU","requested":3,"available":1}]}`
	if got, want := w.Body.String(), begin+`"message":"not enough",`+end; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if log != "" {
		t.Errorf("a refusal was logged: %s", log)
	}
	if w, _ := fail(false, e); w.Body.String() != begin+end {
		t.Errorf("on the native door: %s", w.Body)
	}
	w, _ = fail(false, seatwright.Invalid(seatwright.ReasonTooMany, "too many").In("userIds"))
	if !strings.Contains(w.Body.String(), `"errors":{"userIds":["too many"]}`) {
		t.Error(w.Body)
	}
}

// A replayed answer is the first one, to the byte.
func TestAReplayKeepsTheIdOfTheFirstRequest(t *testing.T) {
	t.Parallel()
	e := seatwright.NewError(seatwright.KindConflict, seatwright.ReasonDuplicate, "taken")
	e.RequestID = "11111111-0a51-4a3c-8a8f-4be9ad3f6f0e"
	w, _ := fail(true, e)
	if strings.Count(w.Body.String(), e.RequestID) != 2 || strings.Contains(w.Body.String(), testRequest) {
		t.Error(w.Body)
	}
}

func TestForeignErrorsAreNotShown(t *testing.T) {
	t.Parallel()
	w, log := fail(true, errors.New("password of db is hunter2"))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), testRequest) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "hunter2") || !strings.Contains(log, testRequest) {
		t.Errorf("log: %s", log)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Error("not JSON")
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{0: "", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60"} {
		e := seatwright.NewError(seatwright.KindUnavailable, seatwright.ReasonOverloaded, "later")
		e.RetryAfter = wait
		if w, _ := fail(true, e); w.Header().Get("Retry-After") != want {
			t.Errorf("%v: %q", wait, w.Header().Get("Retry-After"))
		}
	}
}

func TestIdempotencyKeySyntax(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []string
		usable bool
	}{
		{nil, true},
		{[]string{"a"}, true},
		{[]string{"!~,;=%zz%2F"}, true},
		{[]string{strings.Repeat("k", 255)}, true},
		{[]string{""}, false},
		{[]string{"a", "a"}, false},
		{[]string{"a b"}, false},
		{[]string{"é"}, false},
		{[]string{"a\x7f"}, false},
		{[]string{strings.Repeat("k", 256)}, false},
	} {
		r := httptest.NewRequest("PUT", "/", nil)
		r.Header["Idempotency-Key"] = c.values
		key, err := api.ReadIdempotencyKey(r)
		if c.usable != (err == nil) || err != nil && !seatwright.IsReason(err, seatwright.ReasonMalformedKey) {
			t.Errorf("%q: %q, %v", c.values, key, err)
		}
	}
}
