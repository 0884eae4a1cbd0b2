package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/seatwright/seatwright"
)

// source is where the bearer token comes from.
type source interface {
	// token returns a token that is thought to be good.
	token(ctx context.Context, c *Client) (string, error)
	// renew is told that token was refused; it reports whether asking for another one makes sense.
	renew(token string) bool
}

// WithToken uses one access token, or personal access token, for every call.
func WithToken(token string) Option { return func(c *Client) { c.source = fixed(token) } }

// WithPassword signs in as a person when a token is first needed, and again when the server no longer takes it. tenancy is
// the name or id of the organization, the name of a tenant, or "host".
func WithPassword(tenancy, user, password string) Option {
	body, err := json.Marshal(struct {
		Tenancy  string `json:"TenancyName"`
		User     string `json:"UsernameOrEmailAddress"`
		Password string `json:"Password"`
	}{tenancy, user, password})
	if err != nil {
		panic(err) // three strings always marshal
	}
	return func(c *Client) {
		c.source = &login{call: call{
			method: http.MethodPost, path: "/api/account/authenticate", contentType: "application/json", body: body, open: true, failure: loginProblem,
		}, field: "result"}
	}
}

// WithClientCredentials signs in as an external application (RFC 6749, section 4.4). No scopes ask for all that the
// application is registered for.
func WithClientCredentials(id, secret string, scopes ...seatwright.Scope) Option {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(scopes) > 0 {
		words := make([]string, len(scopes))
		for i, s := range scopes {
			words[i] = string(s)
		}
		form.Set("scope", strings.Join(words, " "))
	}
	return func(c *Client) {
		c.source = &login{call: call{
			method: http.MethodPost, path: "/identity_/connect/token", contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()),
			basic: [2]string{url.QueryEscape(id), url.QueryEscape(secret)}, // form-encoded first: RFC 6749, section 2.3.1
			open:  true, failure: tokenProblem,
		}, field: "access_token"}
	}
}

// nobody sends no token: the server will answer what it needs.
type nobody struct{}

func (nobody) token(context.Context, *Client) (string, error) { return "", nil }

func (nobody) renew(string) bool { return false }

type fixed string

func (f fixed) token(context.Context, *Client) (string, error) { return string(f), nil }

func (fixed) renew(string) bool { return false }

// login asks the server for a token and keeps it until the server refuses it. Waiting for the refusal instead of reading
// the expiry also covers new signing keys and a clock that is wrong on this side.
type login struct {
	call  call
	field string // of the answer, holds the token

	mu   sync.Mutex // held while signing in, so that many calls at once sign in once
	held string
}

func (l *login) token(ctx context.Context, c *Client) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != "" {
		return l.held, nil
	}
	got, err := c.do(ctx, l.call)
	if err != nil {
		return "", err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(got.body, &fields); err != nil {
		return "", l.call.lost(err)
	}
	var token string
	if err := json.Unmarshal(fields[l.field], &token); err != nil || token == "" {
		return "", l.call.lost(errNoToken)
	}
	l.held = token
	return token, nil
}

func (l *login) renew(token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == token { // another call may have renewed it already
		l.held = ""
	}
	return true
}
