package server

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// listen serves the front doors on a port of its own; tune may change the server before it starts.
func listen(t *testing.T, connections int, tune func(*http.Server)) (*world, string) {
	t.Helper()
	w, handler := setup(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewHTTPServer(handler, slog.New(slog.DiscardHandler))
	if tune != nil {
		tune(server)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(LimitConnections(l, connections)) }()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return w, l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// converse sends raw text and returns the first answer, nil if the server closed the connection without one.
func converse(t *testing.T, conn net.Conn, text string) *http.Response {
	t.Helper()
	io.WriteString(conn, text) // the server may have closed it already; the answer tells
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(strings.NewReader(string(body)))
	return answer
}

func TestTheLimitsOfTheServer(t *testing.T) {
	t.Parallel()
	s := NewHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 30*time.Second || s.WriteTimeout != time.Minute || s.IdleTimeout != time.Minute || s.MaxHeaderBytes != 16<<10 {
		t.Errorf("%+v", s)
	}
}

func TestASlowHeaderIsCut(t *testing.T) {
	t.Parallel()
	_, address := listen(t, 0, func(s *http.Server) { s.ReadHeaderTimeout = 50 * time.Millisecond })
	conn := dial(t, address)
	io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	// It ends when the server closes, with a reset where that comes between two bytes.
	if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestALargeHeaderIsRefused(t *testing.T) {
	t.Parallel()
	w, address := listen(t, 0, nil)
	answer := converse(t, dial(t, address), "GET "+license+" HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("a", 32<<10)+"\r\n\r\n")
	if answer != nil && answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge || len(w.reached) > 0 {
		t.Errorf("%+v", answer)
	}
}

// Some clients send every body in chunks and no length.
func TestChunkedBodies(t *testing.T) {
	t.Parallel()
	const head = "PUT " + license + " HTTP/1.1\r\nHost: x\r\nAuthorization: bearer admin\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	w, address := listen(t, 0, nil)
	answer := converse(t, dial(t, address), head+"5\r\n"+seed[:5]+"\r\n"+hex(len(seed)-5)+"\r\n"+seed[5:]+"\r\n0\r\n\r\n")
	if answer == nil || answer.StatusCode != http.StatusOK || len(w.reached) != 1 {
		t.Fatalf("%+v", answer)
	}
	chunk := strings.Repeat("a", 64<<10)
	large := head + "d\r\n{\"userIds\":[\"\r\n" + strings.Repeat(hex(len(chunk))+"\r\n"+chunk+"\r\n", 17) + "0\r\n\r\n"
	conn := dial(t, address)
	go io.WriteString(conn, large) // the server answers before it has read all
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge || !answer.Close {
		t.Errorf("%+v, %v", answer, err)
	}
}

func hex(n int) string {
	const digits = "0123456789abcdef"
	s := ""
	for ; n > 0; n /= 16 {
		s = string(digits[n%16]) + s
	}
	return s
}

// What can only be sent by hand must be refused, and never reach a use case.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	const auth = "Host: x\r\nAuthorization: Bearer admin\r\nContent-Type: application/json\r\n"
	for name, text := range map[string]string{
		"length and chunks":        "PUT " + license + " HTTP/1.1\r\n" + auth + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":              "PUT " + license + " HTTP/1.1\r\n" + auth + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nnull",
		"a negative length":        "PUT " + license + " HTTP/1.1\r\n" + auth + "Content-Length: -1\r\n\r\n",
		"an unknown coding":        "PUT " + license + " HTTP/1.1\r\n" + auth + "Transfer-Encoding: gzip\r\n\r\n",
		"no host":                  "GET " + license + " HTTP/1.1\r\n\r\n",
		"two hosts":                "GET " + license + " HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a folded header":          "GET " + license + " HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
		"a space before the colon": "GET " + license + " HTTP/1.1\r\nHost : x\r\n\r\n",
		"a NUL in a header":        "GET " + license + " HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
		"a raw control character":  "GET /lease_/\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
		"the whole server":         "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"another authority":        "CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n",
		"an unknown method":        "FROB " + license + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"a broken escape":          "GET /lease_/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"HTTP/0.9":                 "GET /\r\n\r\n",
		"HTTP/3.0":                 "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
		"a TLS hello":              "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n",
		"a body that breaks off":   "PUT " + license + " HTTP/1.1\r\n" + auth + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, address := listen(t, 0, nil)
			answer := converse(t, dial(t, address), text)
			if answer != nil && (answer.StatusCode < 400 || answer.StatusCode == 500 || answer.StatusCode > 501 && answer.StatusCode != 505) {
				t.Errorf("%d", answer.StatusCode)
			}
			if len(w.reached) > 0 {
				t.Errorf("reached %q", w.reached)
			}
		})
	}
}

func TestConnectionsOfOneAddressAreLimited(t *testing.T) {
	t.Parallel()
	_, address := listen(t, 2, nil)
	const ask = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
	first, second := dial(t, address), dial(t, address)
	for _, conn := range []net.Conn{first, second} {
		if answer := converse(t, conn, ask); answer == nil || answer.StatusCode != 200 {
			t.Fatalf("%+v", answer)
		}
	}
	if answer := converse(t, dial(t, address), ask); answer != nil {
		t.Fatalf("a third connection was served: %d", answer.StatusCode)
	}
	// The place of one that is closed is free again as soon as the server has seen it.
	converse(t, first, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if _, err := io.ReadAll(first); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for answer := (*http.Response)(nil); answer == nil; answer = converse(t, dial(t, address), ask) {
		if time.Now().After(deadline) {
			t.Fatal("the place was not given back")
		}
	}
}

func TestAddressesAreCountedByWhoOwnsThem(t *testing.T) {
	t.Parallel()
	at := func(s string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(s), Port: 1} }
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if same := origin(at(c.a)) == origin(at(c.b)); same != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, same)
		}
	}
}
