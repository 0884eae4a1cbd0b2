package server

import (
	"io"
	"net/http"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
)

// probe says whether a path asks after the health of the server, and whether readiness is meant: /livez and /readyz, and
// "health" behind any service name, with or without a prefix.
func probe(segments []string) (asked, readiness bool) {
	n := len(segments)
	if n == 1 {
		switch lower(segments[0]) {
		case "livez":
			return true, false
		case "readyz":
			return true, true
		}
	}
	if n < 2 || n > 4 || lower(segments[n-1]) != "health" {
		return false, false
	}
	service := lower(segments[n-2])
	_, door := doors[service]
	return strings.HasSuffix(service, "_") || door && service != "api" && service != ".well-known", true
}

// health answers a probe. Being alive is to answer at all; being ready is asked of whoever knows.
func (s *server) health(w http.ResponseWriter, r *http.Request, readiness bool) {
	api.ExchangeOf(r.Context()).Route = "health"
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.fail(w, r, methodNotAllowed(w, http.MethodGet, http.MethodHead))
		return
	}
	if readiness {
		if err := s.ready(r.Context()); err != nil {
			s.fail(w, r, seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the server is not ready"))
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"status":"ok"}`+"\n")
}
