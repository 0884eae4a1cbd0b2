package server

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// DefaultConnections is how many connections one remote address may have open at a time unless configured otherwise.
const DefaultConnections = 256

// NewHTTPServer returns a server with the limits that keep slow and greedy clients from holding on to it. Its Addr is empty:
// it is meant for Serve with a listener of [LimitConnections].
func NewHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second, // header and body
		WriteTimeout:      60 * time.Second, // from the end of the header: longer than any queue in front of the store
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		// "OPTIONS *" would otherwise be answered without a handler, and so without its headers.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// LimitConnections returns a listener that closes new connections of a remote address that has most of them open already. An
// IPv6 client owns a whole /64 and counts as one. Zero or less means no limit: behind a proxy every client has its address.
func LimitConnections(l net.Listener, most int) net.Listener {
	if most <= 0 {
		return l
	}
	return &limitedListener{Listener: l, most: most, open: map[netip.Addr]int{}}
}

type limitedListener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[netip.Addr]int
}

// Accept waits for the next connection that is within the limit.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := origin(conn.RemoteAddr())
		if l.take(from) {
			return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { l.release(from) })}, nil
		}
		conn.Close()
	}
}

func (l *limitedListener) take(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] >= l.most {
		return false
	}
	l.open[from]++
	return true
}

func (l *limitedListener) release(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

type limitedConn struct {
	net.Conn
	release func()
}

// Close may be called more than once.
func (c *limitedConn) Close() error {
	c.release()
	return c.Conn.Close()
}

// origin is what connections are counted by; all addresses that are not of IP are one.
func origin(remote net.Addr) netip.Addr {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	from := tcp.AddrPort().Addr().Unmap()
	if from.Is4() {
		return from
	}
	prefix, err := from.WithZone("").Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}
