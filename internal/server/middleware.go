package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/strictjson"
)

type middleware func(http.Handler) http.Handler

// inOrder puts middleware around a handler, the first one outermost.
func inOrder(handler http.Handler, around ...middleware) http.Handler {
	for i := len(around) - 1; i >= 0; i-- {
		handler = around[i](handler)
	}
	return handler
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int // 0: nothing has been sent
	bytes  int64
}

func record(w http.ResponseWriter) *recorder {
	if rec, ok := w.(*recorder); ok {
		return rec
	}
	return &recorder{ResponseWriter: w}
}

// Unwrap is for http.ResponseController.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// WriteHeader remembers the status, unless it is an informational one.
func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && status >= http.StatusOK {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.bytes += int64(n)
	return n, err
}

// requestID gives the request an id of its own and tells it in X-Request-Id. An id that comes in is not looked at: ids in
// the log and in the chain of events must not be of a caller's making.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		exchange := &api.Exchange{RequestID: seatwright.NewID()}
		w.Header().Set("X-Request-Id", exchange.RequestID)
		next.ServeHTTP(w, r.WithContext(api.WithExchange(r.Context(), exchange)))
	})
}

// panicGuard answers a panic as an internal error. Where the answer has begun already it cuts the connection, so that
// nobody takes half an answer for a whole one.
func (s *server) panicGuard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record(w)
		defer func() {
			thrown := recover()
			if thrown == nil {
				return
			}
			if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(thrown)
			}
			cause := fmt.Errorf("panic: %v\n%s", thrown, debug.Stack())
			if rec.status != 0 {
				s.log.LogAttrs(r.Context(), slog.LevelError, "request failed after its answer had begun",
					slog.String("request_id", api.ExchangeOf(r.Context()).RequestID), slog.Any("error", cause))
				panic(http.ErrAbortHandler)
			}
			s.fail(rec, r, seatwright.Internal(cause))
		}()
		next.ServeHTTP(rec, r)
	})
}

// accessLog writes one line per request: what was asked and answered, and by whom, but nothing that may be a secret.
func (s *server) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, begin, completed := record(w), time.Now(), false
		defer func() {
			status := rec.status
			switch {
			case status == 0 && completed:
				status = http.StatusOK
			case status == 0:
				status = http.StatusInternalServerError // the panic guard is about to say so
			}
			if !s.log.Enabled(r.Context(), slog.LevelInfo) {
				return
			}
			exchange := api.ExchangeOf(r.Context())
			s.log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("method", r.Method), slog.String("route", exchange.Route), slog.Int("status", status),
				slog.Int64("bytes", rec.bytes), slog.Duration("duration", time.Since(begin)),
				slog.String("request_id", exchange.RequestID), slog.String("actor", exchange.Caller.Principal.ID),
				slog.String("organization", string(exchange.Organization.ID)))
		}()
		next.ServeHTTP(rec, r)
		completed = true
	})
}

// securityHeaders go on everything. A page that needs more sets its own. All answers share these lists of values: Set replaces
// a list and Add copies one, because none has room for another value.
func securityHeaders(next http.Handler) http.Handler {
	var (
		noStore    = []string{"no-store"}
		noSniff    = []string{"nosniff"}
		noReferrer = []string{"no-referrer"}
		policy     = []string{"default-src 'none'; frame-ancestors 'none'"}
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Cache-Control"] = noStore
		header["X-Content-Type-Options"] = noSniff
		header["Referrer-Policy"] = noReferrer
		header["Content-Security-Policy"] = policy
		next.ServeHTTP(w, r)
	})
}

// limitBody ends every body at the limit and has the connection closed behind one that is larger. Only the server's own
// writer knows how to do that.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(record(w).ResponseWriter, r.Body, strictjson.MaxBody)
		}
		next.ServeHTTP(w, r)
	})
}
