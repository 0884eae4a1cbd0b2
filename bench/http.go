package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/seatwright/seatwright"
)

// httpEngine sends requests over one kept connection for each caller. It writes and reads HTTP by hand, because it shares
// the processors with what it measures: the client of the standard library would cost as much as the server.
type httpEngine struct {
	order order
	host  string
	conns []*httpConn
}

type httpConn struct {
	net.Conn
	read    *bufio.Reader
	request []byte
}

func openHTTP(ctx context.Context, o order) (*httpEngine, error) {
	base, err := url.Parse(o.Base)
	if err != nil {
		return nil, err
	}
	e := &httpEngine{order: o, host: base.Host}
	for range o.Callers {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", base.Host)
		if err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.conns = append(e.conns, &httpConn{Conn: conn, read: bufio.NewReader(conn)})
	}
	return e, nil
}

func (e *httpEngine) close() error {
	var errs []error
	for _, conn := range e.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

func (e *httpEngine) do(_ context.Context, caller, n int) error {
	t := e.order.task(n)
	organization := e.order.Shape.organization(t.organization)
	method, path := http.MethodPut, "/lease_/api/account/"+string(organization)+"/user-license"
	body, names := `{"userIds":["`+string(t.user)+`"],"userBundleCodes":["`+string(t.code)+`"]}`, string(t.user)
	switch e.order.Work {
	case askSomebody:
		method, body = http.MethodPost, `{"userIds":["`+string(t.user)+`"]}`
	case askWho:
		method, path, body, names = http.MethodGet, "/api/v1/me", "", string(applicationID(organization))
	case askMay:
		method, body, names = http.MethodGet, "", `"entitled":true`
		path = "/api/v1/organizations/" + string(organization) + "/users/" + string(t.user) + "/entitlements/" + string(t.code)
	case allocateFirst, allocateWaiting:
	}
	conn := e.conns[caller]
	b := append(conn.request[:0], method...)
	b = append(append(append(b, ' '), path...), " HTTP/1.1\r\nHost: "...)
	b = append(b, e.host...)
	if e.order.Engine != "bare" {
		b = append(append(b, "\r\nAuthorization: Bearer "...), e.order.Tokens[t.organization]...)
	}
	if e.order.Keys {
		b = strconv.AppendInt(append(b, "\r\nIdempotency-Key: key-"...), int64(n), 10)
	}
	if body != "" {
		b = strconv.AppendInt(append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...), int64(len(body)), 10)
	}
	b = append(append(b, "\r\n\r\n"...), body...)
	conn.request = b
	if _, err := conn.Write(b); err != nil {
		return err
	}
	status, answer, err := conn.answer()
	if err != nil {
		return err
	}
	if status != http.StatusOK || !strings.Contains(answer, names) && e.order.Engine != "bare" {
		return fmt.Errorf("%s %s %s: %d %s", method, path, body, status, answer)
	}
	return nil
}

// answer reads one answer that says how long it is.
func (c *httpConn) answer() (status int, body string, err error) {
	text := textproto.NewReader(c.read)
	line, err := text.ReadLine()
	if err != nil {
		return 0, "", err
	}
	_, rest, _ := strings.Cut(line, " ")
	if status, err = strconv.Atoi(rest[:min(3, len(rest))]); err != nil {
		return 0, "", fmt.Errorf("status line %q", line)
	}
	length := -1
	for {
		line, err := text.ReadLine()
		if err != nil {
			return 0, "", err
		}
		if line == "" {
			break
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return 0, "", err
			}
		}
	}
	if length < 0 {
		return 0, "", errors.New("an answer without Content-Length")
	}
	buf := make([]byte, length)
	_, err = io.ReadFull(c.read, buf)
	return status, string(buf), err
}

// readerEngine asks the store what one person was allocated, as the HTTP doors do.
type readerEngine struct {
	store seatwright.Store
	order order
}

func (r readerEngine) do(ctx context.Context, _, n int) error {
	t := r.order.task(n)
	found, err := r.store.Allocations(ctx, r.order.Shape.organization(t.organization), []seatwright.UserID{t.user})
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s has %d allocations, wants 1", t.user, len(found))
	}
	return err
}

func (r readerEngine) close() error { return r.store.Close() }

// tokens signs in as the application of each organization.
func tokens(ctx context.Context, base string, s shape) ([]string, error) {
	list := make([]string, s.Organizations)
	for i := range list {
		form := url.Values{
			"grant_type": {"client_credentials"}, "client_id": {string(applicationID(s.organization(i)))}, "client_secret": {applicationSecret},
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/identity_/connect/token", strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		var answer struct {
			Token string `json:"access_token"`
		}
		err = json.NewDecoder(response.Body).Decode(&answer)
		response.Body.Close()
		if err != nil || answer.Token == "" {
			return nil, fmt.Errorf("no token for %s: status %d, %w", s.organization(i), response.StatusCode, err)
		}
		list[i] = answer.Token
	}
	return list, nil
}

// The bare answers are as long as what the product answers to the same questions.
const (
	bareAllocations = `[{"id":"person-123456","name":"","email":"","lastInUse":null,"userBundleLicenses":["ATTUNU"],"useExternalLicense":false}]`
	bareMay         = `{"userId":"person-123456","name":"ATTUNU","entitled":true,"until":"2990-01-01T00:00:00Z"}`
	bareMe          = `{"kind":"application","id":"organization-0-client","organization":"organization-0","scopes":["PM.License"]}`
)

// runBare is a server that reads the request and answers a constant: what net/http itself costs.
func runBare(ctx context.Context, stdout io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
	handler := http.NewServeMux()
	for path, answer := range map[string]string{"/lease_/api/account/{organization}/user-license": bareAllocations, "/api/v1/me": bareMe,
		"/api/v1/organizations/{organization}/users/{user}/entitlements/{name}": bareMay} {
		handler.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) //nolint:errcheck // a request that ends early is answered as well
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, answer)
		})
	}
	server := &http.Server{Handler: handler}
	go func() {
		<-ctx.Done()
		server.Close() //nolint:errcheck // the process ends now
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
