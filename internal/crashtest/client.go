package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client sends raw requests. Each has connections of its own.
type Client struct {
	Token    string
	Patience time.Duration        // how long a request may be answered "not now" before that is called a violation; zero: half a minute
	Astray   bool                 // a node may refuse tokens, because its clock is wrong: another one is asked then
	Hurry    func() time.Duration // if set: how long each attempt is waited for; then the client leaves and repeats it
	front    *Front
	http     *http.Client
	stats    *Stats
	host     string   // token of the host's first administrator, for what only they may do
	members  []string // tokens of the people of the club
}

// NewClient makes a client of what is up at front. Close it.
func NewClient(front *Front, token string, stats *Stats) *Client {
	return &Client{Token: token, front: front, stats: stats, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 20 * time.Second}}
}

// as is the client with another token.
func (c *Client) as(token string) *Client {
	other := *c
	other.Token = token
	return &other
}

// OneConnection makes the client's requests take turns on one connection to each node.
func (c *Client) OneConnection() {
	c.http.Transport = &http.Transport{MaxConnsPerHost: 1}
	c.http.Timeout = 0 // whoever waits for their turn is not late
}

// Close closes the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// patience is how long a server that is up may say again and again that it cannot.
const patience = 30 * time.Second

// pause is how long a client waits that was told "not now". The second that the answer asks for would make every test slow.
const pause = 10 * time.Millisecond

// Send repeats a request, with the same key if it has one, until there is an answer that is neither 503 nor 429. Connections
// that fail are the fault that the test makes, and prove nothing.
func (c *Client) Send(ctx context.Context, method, path, key string, body any) (status int, answer []byte, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	var unableSince time.Time
	for attempt := 0; ; attempt++ {
		base, answered, err := c.front.wait(ctx)
		if err != nil {
			return 0, nil, err
		}
		status, answer, err := c.attempt(ctx, method, base+path, key, encoded)
		var wrong *Violation
		switch {
		case errors.As(err, &wrong):
			return 0, nil, err
		case ctx.Err() != nil:
			return 0, nil, context.Cause(ctx)
		case err != nil:
			c.stats.Broken.Add(1)
			if err := wait(ctx, time.Millisecond); err != nil {
				return 0, nil, err
			}
		case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests || c.Astray && status == http.StatusUnauthorized:
			c.stats.Unable.Add(1)
			if unableSince.IsZero() {
				unableSince = time.Now()
			}
			if since := time.Since(unableSince); since > max(c.Patience, patience) {
				return 0, nil, violated("%s %s is answered %d for %s: %s", method, path, status, since, answer)
			}
			if err := wait(ctx, pause); err != nil {
				return 0, nil, err
			}
			continue
		default:
			answered()
			if attempt > 0 {
				c.stats.Retried.Add(1)
			}
			return status, answer, nil
		}
		unableSince = time.Time{}
	}
}

func (c *Client) attempt(ctx context.Context, method, url, key string, body []byte) (status int, answer []byte, err error) {
	if c.Hurry != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Hurry())
		defer cancel()
	}
	return c.Once(ctx, method, url, key, body)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Once sends a request once. A *Violation says that the answer is one that no fault excuses: any 5xx but a 503, and a 503 or
// 429 that is no problem document or does not say when to come back.
func (c *Client) Once(ctx context.Context, method, url, key string, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return 0, nil, err
	}
	status = response.StatusCode
	if status < 500 && status != http.StatusTooManyRequests || strings.HasSuffix(url, loginPath) { // the login has answers of its own

		return status, answer, nil
	}
	media := response.Header.Get("Content-Type")
	var p problem
	switch {
	case status >= 500 && status != http.StatusServiceUnavailable:
		err = violated("%s %s: %d %s", method, url, status, answer)
	case media != "application/problem+json" || json.Unmarshal(answer, &p) != nil || p.Code == "":
		err = violated("%s %s: %d is not a problem document but %s: %s", method, url, status, media, answer)
	case response.Header.Get("Retry-After") == "":
		err = violated("%s %s: %d without Retry-After: %s", method, url, status, answer)
	}
	return status, answer, err
}

// problem is the part of a problem document that clients look at.
type problem struct {
	Code      string `json:"code"`
	Shortages []struct {
		Bundle    string `json:"bundle"`
		Requested int    `json:"requested"`
		Available int    `json:"available"`
	} `json:"shortages"`
}

// want sends a request that must succeed, and decodes the answer.
func (c *Client) want(ctx context.Context, method, path string, body, into any) error {
	status, answer, err := c.Send(ctx, method, path, "", body)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, status, answer)
	}
	return json.Unmarshal(answer, into)
}

// SignIn gets a token the way the guide describes.
func (c *Client) SignIn(ctx context.Context, tenancy, user, password string) error {
	var answer struct {
		Result string `json:"result"`
	}
	body := map[string]string{"TenancyName": tenancy, "UsernameOrEmailAddress": user, "Password": password}
	if err := c.want(ctx, http.MethodPost, loginPath, body, &answer); err != nil {
		return err
	}
	c.Token = answer.Result
	return nil
}

// The organization of the load, and where its allocations are.
const (
	Organization = "song-one" // the id of the load's organization, whose name is songs
	loginPath    = "/api/account/authenticate"
	LicensePath  = "/lease_/api/account/" + Organization + "/user-license"
)

// The load leaves this bundle, of which some were bought, and this person alone.
const (
	SpareCode   = "IDU"
	SparePerson = "spare"
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
func (c *Client) perform(ctx context.Context, pool int, in input, key string) (output, error) {
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
	status, answer, err := c.Send(ctx, method, LicensePath, key, body)
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
	requested, available, err := shortageOf(answer, "pool_exhausted", codes[pool])
	return output{refused: true, requested: requested, available: available}, err
}

// shortageOf reads a refusal, which has to be for this reason and tell of this product alone.
func shortageOf(answer []byte, reason, product string) (requested, available int, err error) {
	var p problem
	if err := json.Unmarshal(answer, &p); err != nil {
		return 0, 0, err
	}
	if p.Code != reason || len(p.Shortages) != 1 || p.Shortages[0].Bundle != product {
		return 0, 0, errors.New("unexpected problem")
	}
	return p.Shortages[0].Requested, p.Shortages[0].Available, nil
}
