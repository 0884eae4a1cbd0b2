package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// front is where the clients find the living server. While it is down they wait here.
type front struct {
	mu       sync.Mutex
	url      string
	up       chan struct{} // closed while the server is up
	answered chan struct{} // closed at the first answer of this life
	first    *sync.Once
}

func newFront() *front { return &front{up: make(chan struct{})} }

// open tells everybody where the server is now.
func (f *front) open(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.url, f.answered, f.first = url, make(chan struct{}), &sync.Once{}
	close(f.up)
}

// close makes everybody wait; it comes just before the kill.
func (f *front) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up = make(chan struct{})
}

// wait returns the address of the living server, and what to call when it has answered.
func (f *front) wait(ctx context.Context) (url string, answered func(), err error) {
	for {
		f.mu.Lock()
		up := f.up
		f.mu.Unlock()
		select {
		case <-up:
		case <-ctx.Done():
			return "", nil, context.Cause(ctx)
		}
		f.mu.Lock()
		url, first, done, down := f.url, f.first, f.answered, f.up != up
		f.mu.Unlock()
		if !down {
			return url, func() { first.Do(func() { close(done) }) }, nil
		}
	}
}

func (f *front) firstAnswer() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answered
}

// caller sends raw requests. Each has connections of its own.
type caller struct {
	front *front
	token string
	http  *http.Client
	stats *stats
}

func newCaller(f *front, token string, s *stats) *caller {
	return &caller{front: f, token: token, stats: s, http: &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}}
}

// patience is how many answers of the kind 5xx a request gets in a row before that is called a violation: the server is up
// and says again and again that it cannot.
const patience = 50

// send repeats a request, with the same key if it has one, until there is an answer that is not a 5xx. Connections that
// fail are the fault that the test makes, and prove nothing.
func (c *caller) send(ctx context.Context, method, path, key string, body any) (status int, answer []byte, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	for attempt, failures := 0, 0; ; attempt++ {
		base, answered, err := c.front.wait(ctx)
		if err != nil {
			return 0, nil, err
		}
		status, answer, err := c.once(ctx, method, base+path, key, encoded)
		switch {
		case ctx.Err() != nil:
			return 0, nil, context.Cause(ctx)
		case err != nil:
			c.stats.broken.Add(1)
		case status >= 500 || status == http.StatusTooManyRequests:
			c.stats.unable.Add(1)
			if failures++; failures == patience {
				return 0, nil, violated("%s %s is answered %d again and again: %s", method, path, status, answer)
			}
		default:
			answered()
			if attempt > 0 {
				c.stats.retried.Add(1)
			}
			return status, answer, nil
		}
	}
}

func (c *caller) once(ctx context.Context, method, url, key string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// want sends a request that must succeed, and decodes the answer.
func (c *caller) want(ctx context.Context, method, path string, body, into any) error {
	status, answer, err := c.send(ctx, method, path, "", body)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, status, answer)
	}
	return json.Unmarshal(answer, into)
}

// signIn gets a token the way the guide describes.
func (c *caller) signIn(ctx context.Context, tenancy, user, password string) error {
	var answer struct {
		Result string `json:"result"`
	}
	body := map[string]string{"TenancyName": tenancy, "UsernameOrEmailAddress": user, "Password": password}
	if err := c.want(ctx, http.MethodPost, "/api/account/authenticate", body, &answer); err != nil {
		return err
	}
	c.token = answer.Result
	return nil
}

const (
	organization = "song-one"
	licensePath  = "/lease_/api/account/" + organization + "/user-license"
)

func personID(pool, person int) string { return "u-" + strconv.Itoa(pool) + "-" + strconv.Itoa(person) }

func ids(pool int, who group) []string {
	list := []string{}
	for person := range who.all() {
		list = append(list, personID(pool, person))
	}
	return list
}

// perform does one operation on one pool and reads the answer strictly.
func (c *caller) perform(ctx context.Context, pool int, in input, key string) (output, error) {
	body := map[string]any{"userIds": ids(pool, in.who)}
	method := http.MethodPut
	switch in.verb {
	case allocate:
		body["userBundleCodes"] = []string{codes[pool]}
	case block:
		body["userBundleCodes"] = []string{}
	case deallocate:
		method = http.MethodDelete
	case read:
		method, key = http.MethodPost, ""
	}
	status, answer, err := c.send(ctx, method, licensePath, key, body)
	if err != nil {
		return output{}, err
	}
	var out output
	switch {
	case status == http.StatusOK && in.verb == deallocate:
		err = readRemoval(answer, pool, in)
	case status == http.StatusOK && in.verb == read:
		out.records, err = readRecords(answer, pool, in)
	case status == http.StatusOK:
		err = readAllocation(answer, pool, in)
	case status == http.StatusConflict && in.verb == allocate:
		out, err = readRefusal(answer, pool)
	default:
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return output{}, violated("pool %s, %s: wrong answer: %v: %s", codes[pool], in, err, answer)
	}
	return out, nil
}

func readAllocation(answer []byte, pool int, in input) error {
	var elements []struct {
		UserID          string   `json:"userId"`
		UserBundleCodes []string `json:"userBundleCodes"`
	}
	if err := json.Unmarshal(answer, &elements); err != nil {
		return err
	}
	want := ids(pool, in.who)
	if len(elements) != len(want) {
		return fmt.Errorf("%d elements, want %d", len(elements), len(want))
	}
	for i, e := range elements {
		wantCodes := ""
		if in.verb == allocate {
			wantCodes = codes[pool]
		}
		if e.UserID != want[i] || strings.Join(e.UserBundleCodes, " ") != wantCodes {
			return fmt.Errorf("element %d is %v", i, e)
		}
	}
	return nil
}

func readRemoval(answer []byte, pool int, in input) error {
	var removal struct {
		Successful []string `json:"successfulUserIds"`
		Failed     []string `json:"failedUserIds"`
	}
	if err := json.Unmarshal(answer, &removal); err != nil {
		return err
	}
	if strings.Join(removal.Successful, " ") != strings.Join(ids(pool, in.who), " ") || len(removal.Failed) > 0 {
		return fmt.Errorf("removed %v, failed %v", removal.Successful, removal.Failed)
	}
	return nil
}

func readRecords(answer []byte, pool int, in input) (state, error) {
	var elements []struct {
		ID    string   `json:"id"`
		Codes []string `json:"userBundleLicenses"`
	}
	if err := json.Unmarshal(answer, &elements); err != nil {
		return 0, err
	}
	found := map[string]record{}
	for _, e := range elements {
		switch {
		case len(e.Codes) == 0:
			found[e.ID] = blocked
		case len(e.Codes) == 1 && e.Codes[0] == codes[pool]:
			found[e.ID] = holding
		default:
			return 0, fmt.Errorf("%s has %v", e.ID, e.Codes)
		}
	}
	var s state
	for person := range in.who.all() {
		id := personID(pool, person)
		s = s.with(1<<person, found[id])
		delete(found, id)
	}
	if len(found) > 0 || len(elements) > in.who.count() {
		return 0, fmt.Errorf("answers that were not asked for")
	}
	return s, nil
}

func readRefusal(answer []byte, pool int) (output, error) {
	var problem struct {
		Code      string `json:"code"`
		Shortages []struct {
			Bundle    string `json:"bundle"`
			Requested int    `json:"requested"`
			Available int    `json:"available"`
		} `json:"shortages"`
	}
	if err := json.Unmarshal(answer, &problem); err != nil {
		return output{}, err
	}
	if problem.Code != "pool_exhausted" || len(problem.Shortages) != 1 || problem.Shortages[0].Bundle != codes[pool] {
		return output{}, fmt.Errorf("unexpected problem")
	}
	short := problem.Shortages[0]
	return output{refused: true, requested: short.Requested, available: short.Available}, nil
}

// prepare sets up the organization on a fresh server and returns a token of its administrator.
func prepare(ctx context.Context, host *caller, password string) (token string, err error) {
	if err := host.signIn(ctx, "host", "admin", password); err != nil {
		return "", err
	}
	var ignored map[string]any
	const all = "/api/v1/organizations"
	if err := host.want(ctx, http.MethodPost, all, map[string]string{"id": organization, "name": "songs"}, &ignored); err != nil {
		return "", err
	}
	one := all + "/" + url.PathEscape(organization)
	const secret = "correct horse battery staple"
	admin := map[string]string{"userName": "maestro", "password": secret, "role": "organization-administrator"}
	if err := host.want(ctx, http.MethodPost, one+"/users", admin, &ignored); err != nil {
		return "", err
	}
	for pool, code := range codes {
		lot := map[string]any{"code": code, "quantity": capacity, "end": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)}
		if err := host.want(ctx, http.MethodPost, one+"/lots", lot, &ignored); err != nil {
			return "", err
		}
		for person := range people {
			if err := host.want(ctx, http.MethodPost, one+"/users", map[string]string{"id": personID(pool, person)}, &ignored); err != nil {
				return "", err
			}
		}
	}
	maestro := newCaller(host.front, "", host.stats)
	defer maestro.http.CloseIdleConnections()
	err = maestro.signIn(ctx, "songs", "maestro", secret)
	return maestro.token, err
}
