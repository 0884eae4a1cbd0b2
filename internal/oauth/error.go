package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
)

// The error codes of RFC 6749 that this door answers.
const (
	codeInvalidRequest          = "invalid_request"
	codeInvalidClient           = "invalid_client"
	codeInvalidGrant            = "invalid_grant"
	codeInvalidScope            = "invalid_scope"
	codeUnauthorizedClient      = "unauthorized_client"
	codeUnsupportedGrantType    = "unsupported_grant_type"
	codeUnsupportedResponseType = "unsupported_response_type"
	codeTemporarilyUnavailable  = "temporarily_unavailable"
	codeServerError             = "server_error"
)

// statuses maps the kinds of domain errors to RFC 6749. What a token request cannot cause is a server error.
var statuses = map[seatwright.Kind]struct {
	status int
	code   string
}{
	seatwright.KindInvalid:         {http.StatusBadRequest, codeInvalidRequest},
	seatwright.KindUnauthenticated: {http.StatusBadRequest, codeInvalidGrant},
	seatwright.KindForbidden:       {http.StatusBadRequest, codeInvalidGrant},
	seatwright.KindNotFound:        {http.StatusBadRequest, codeInvalidGrant},
	seatwright.KindConflict:        {http.StatusInternalServerError, codeServerError},
	seatwright.KindExhausted:       {http.StatusInternalServerError, codeServerError},
	seatwright.KindRateLimited:     {http.StatusTooManyRequests, codeTemporarilyUnavailable},
	seatwright.KindUnavailable:     {http.StatusServiceUnavailable, codeTemporarilyUnavailable},
	seatwright.KindInternal:        {http.StatusInternalServerError, codeServerError},
}

// refusal turns a domain error into one that the library writes, and sets the headers that belong to it.
func (p *Provider) refusal(ctx context.Context, err error) error {
	e := seatwright.AsError(err)
	p.logCause(ctx, e)
	setRetryAfter(responseHeader(ctx), e)
	m := statuses[e.Kind]
	return protocolError(m.status, m.code, e.Detail)
}

// logCause logs what the answer does not tell.
func (p *Provider) logCause(ctx context.Context, e *seatwright.Error) {
	if e.Kind == seatwright.KindInternal || e.Kind == seatwright.KindUnavailable {
		p.log.ErrorContext(ctx, "token request failed", "error", e)
	}
}

func setRetryAfter(h http.Header, e *seatwright.Error) {
	if e.RetryAfter > 0 {
		seconds := int((e.RetryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.Itoa(seconds))
	}
}

// protocolError is an error that the library writes with that status and as that JSON object.
func protocolError(status int, code, description string) error {
	e := &oidc.Error{Description: description}
	setCode(&e.ErrorType, code)
	return op.NewStatusError(e, status)
}

// setCode is generic because the library does not export the type of its codes.
func setCode[T ~string](to *T, code string) { *to = T(code) }

// invalidClient is the one answer to every failure of client authentication, the unknown client included.
func invalidClient(h http.Header) error {
	h.Set("WWW-Authenticate", challenge)
	return protocolError(http.StatusUnauthorized, codeInvalidClient, clientRefused)
}

const (
	challenge     = `Basic realm="seatwright"`
	clientRefused = "the client is unknown or its secret is wrong"
)

// writeError answers in the form of RFC 6749 5.2 where the library is not asked.
func writeError(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
}

// writeJSON answers with a value that always marshals. A client that has gone is not an error.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
