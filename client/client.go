// Package client speaks to a Seatwright server. It sends what package wire describes, gives back the server's errors as
// *seatwright.Error, and makes every call safe to repeat, so that a lost connection loses no change and makes none twice.
//
// Start at New. The operations are in license.go and host.go, the ways to sign in are in token.go.
package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// Client calls one server as one principal. It is safe for concurrent use.
//
// Every method answers an *seatwright.Error. After unavailable/outcome_unknown a change may or may not have been made: the
// same call with the same key (see [WithKey]) tells. After every other error nothing has changed.
type Client struct {
	base    string // without a slash at the end
	http    *http.Client
	source  source
	retries Retries
	pause   func(ctx context.Context, d time.Duration) error
}

// Option changes how a client works.
type Option func(*Client)

// Retries bounds how often and how long a call is repeated. Repeated are connections that failed, 429 and 503, and always
// with the first attempt's idempotency key.
type Retries struct {
	Attempts int           // in all, at least 1
	Pause    time.Duration // before the second attempt; doubled before each further one. A longer Retry-After is honored instead
	Longest  time.Duration // no single pause is longer; where Retry-After asks for more the call ends at once
	Timeout  time.Duration // of one attempt
}

// defaultRetries bridge the restart of a server.
var defaultRetries = Retries{Attempts: 5, Pause: 200 * time.Millisecond, Longest: 10 * time.Second, Timeout: 30 * time.Second}

// WithRetries replaces the default: 5 attempts, 200 ms, 400 ms … between them and at most 10 s, 30 s for each.
func WithRetries(r Retries) Option { return func(c *Client) { c.retries = r } }

// WithTransport sends requests through t instead of [http.DefaultTransport], for instance to trust a private authority.
func WithTransport(t http.RoundTripper) Option { return func(c *Client) { c.http.Transport = t } }

// New makes a client for the server at baseURL, such as "https://licenses.example.com". It sends nothing yet. The error is
// invalid/invalid_value where baseURL is not an absolute http or https URL.
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the server's URL must look like https://licenses.example.com").In("server")
	}
	c := &Client{
		base: strings.TrimRight(baseURL, "/"),
		http: &http.Client{
			// A redirected POST loses its body and could carry the token elsewhere. The server never redirects.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		source: nobody{}, retries: defaultRetries, pause: pause,
	}
	for _, option := range options {
		option(c)
	}
	c.retries.Attempts = max(1, c.retries.Attempts)
	return c, nil
}

type keyOfContext struct{}

// WithKey makes the writing call that is made with the context use this idempotency key instead of a fresh one: 1 to 255
// visible ASCII characters. A program that stores the key before it calls can find out after a crash of its own what
// became of the call, by repeating it within 24 hours. The context is good for one call.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOfContext{}, key)
}

func keyOf(ctx context.Context) string {
	if key, ok := ctx.Value(keyOfContext{}).(string); ok {
		return key
	}
	return seatwright.NewID()
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
