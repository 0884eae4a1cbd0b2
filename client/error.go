package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/wire"
)

// problem makes the domain error again that the server had when it answered.
func problem(got answer) *seatwright.Error {
	var p wire.Problem
	if err := json.Unmarshal(got.body, &p); err != nil || p.Code == "" {
		return foreign(got)
	}
	reason := seatwright.Reason(p.Code)
	e := seatwright.NewError(kindOf(got.status, reason), reason, "%s", p.Detail)
	e.RequestID, e.RetryAfter = p.TraceID, got.retryAfter
	if len(p.Errors) > 0 {
		e.Field = slices.Min(slices.Collect(maps.Keys(p.Errors)))
	}
	for _, s := range p.Shortages {
		e.Shortages = append(e.Shortages, seatwright.Shortage{Bundle: seatwright.ProductCode(s.Bundle), Requested: s.Requested, Available: s.Available})
	}
	return e
}

// ours reports that a Seatwright server wrote the answer.
func ours(got answer) bool {
	var p wire.Problem
	return json.Unmarshal(got.body, &p) == nil && p.Code != ""
}

// kindOf turns a status back into the kind that it was made of. 409 stands for two kinds, which the reason tells apart.
func kindOf(status int, reason seatwright.Reason) seatwright.Kind {
	switch status {
	case http.StatusUnauthorized:
		return seatwright.KindUnauthenticated
	case http.StatusForbidden:
		return seatwright.KindForbidden
	case http.StatusNotFound:
		return seatwright.KindNotFound
	case http.StatusConflict, http.StatusUnprocessableEntity:
		if reason == seatwright.ReasonPoolExhausted {
			return seatwright.KindExhausted
		}
		return seatwright.KindConflict
	case http.StatusTooManyRequests:
		return seatwright.KindRateLimited
	case http.StatusServiceUnavailable:
		return seatwright.KindUnavailable
	}
	if status/100 == 4 {
		return seatwright.KindInvalid
	}
	return seatwright.KindInternal
}

// foreign is the error for an answer that is not from a Seatwright server: a proxy's page, a redirect.
func foreign(got answer) *seatwright.Error {
	reason := seatwright.ReasonInternal
	if got.status == http.StatusServiceUnavailable {
		reason = seatwright.ReasonStoreUnavailable
	}
	e := seatwright.NewError(kindOf(got.status, reason), reason, "%s", strings.TrimSpace(fmt.Sprintf(
		"the server answered %d %s without saying why; is this the right URL?", got.status, http.StatusText(got.status))))
	e.RetryAfter = got.retryAfter
	return e
}

// loginProblem reads the envelope of authenticate.
func loginProblem(got answer) *seatwright.Error {
	var envelope struct {
		Error *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(got.body, &envelope); err != nil || envelope.Error == nil {
		return problem(got)
	}
	if got.status == http.StatusUnauthorized {
		return seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidCredentials, "%s", envelope.Error.Message)
	}
	return refusedLogin(got, seatwright.ReasonMalformedBody, envelope.Error.Message)
}

// refusedLogin is a login that failed for another reason than who asks: the server is busy, or else what was sent is malformed.
func refusedLogin(got answer, malformed seatwright.Reason, detail string) *seatwright.Error {
	reason := malformed
	switch got.status {
	case http.StatusTooManyRequests:
		reason = seatwright.ReasonOverloaded
	case http.StatusServiceUnavailable:
		reason = seatwright.ReasonStoreUnavailable
	case http.StatusInternalServerError:
		reason = seatwright.ReasonInternal
	}
	e := seatwright.NewError(kindOf(got.status, reason), reason, "%s", detail)
	e.RetryAfter = got.retryAfter
	return e
}

// tokenProblem reads the errors of RFC 6749, section 5.2.
func tokenProblem(got answer) *seatwright.Error {
	var failure struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(got.body, &failure); err != nil || failure.Error == "" {
		return problem(got)
	}
	detail := failure.Error
	if failure.Description != "" {
		detail += ": " + failure.Description
	}
	switch failure.Error {
	case "invalid_client", "invalid_grant":
		return seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidCredentials, "%s", detail)
	case "unauthorized_client", "invalid_scope", "access_denied":
		return seatwright.NewError(seatwright.KindForbidden, seatwright.ReasonMissingPermission, "%s", detail)
	}
	return refusedLogin(got, seatwright.ReasonInvalidValue, detail)
}

var errNoToken = errors.New("the answer holds no token")
