package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/wire"
)

type answer struct {
	status int
	title  string
}

// answers says what each kind of error looks like from outside.
var answers = map[seatwright.Kind]answer{
	seatwright.KindInvalid:         {http.StatusBadRequest, "The request is not valid"},
	seatwright.KindUnauthenticated: {http.StatusUnauthorized, "A valid access token is needed"},
	seatwright.KindForbidden:       {http.StatusForbidden, "This is not allowed"},
	seatwright.KindNotFound:        {http.StatusNotFound, "There is no such thing"},
	seatwright.KindConflict:        {http.StatusConflict, "This contradicts what is stored"},
	seatwright.KindExhausted:       {http.StatusConflict, "Not enough units are free"},
	seatwright.KindRateLimited:     {http.StatusTooManyRequests, "Too many requests"},
	seatwright.KindUnavailable:     {http.StatusServiceUnavailable, "This cannot be done now"},
	seatwright.KindInternal:        {http.StatusInternalServerError, "Something is wrong with the server"},
}

// exceptions are the reasons for which HTTP has a status of their own.
var exceptions = map[seatwright.Reason]answer{
	seatwright.ReasonBodyTooLarge:     {http.StatusRequestEntityTooLarge, "The body is too large"},
	seatwright.ReasonMediaType:        {http.StatusUnsupportedMediaType, "The body is not of a type that is read here"},
	seatwright.ReasonMethodNotAllowed: {http.StatusMethodNotAllowed, "The path does not have this method"},
	seatwright.ReasonNoServiceLicense: {http.StatusGone, "There is no license for this service"},
	seatwright.ReasonUnitsExhausted:   {http.StatusForbidden, "Not enough units are free"},
	seatwright.ReasonStaleEtag:        {http.StatusPreconditionFailed, "The lease is not as it was"},
	seatwright.ReasonKeyReused:        {http.StatusUnprocessableEntity, "The Idempotency-Key belongs to another request"},
}

// unprocessable are the reasons for which the compatible doors have 422 where the kind alone would be another status: the published
// activation routes know no other for a license that is refused.
var unprocessable = map[seatwright.Reason]bool{
	seatwright.ReasonMalformedFile: true, seatwright.ReasonForgedFile: true, seatwright.ReasonUnknownIssuer: true, seatwright.ReasonForeignFile: true,
	seatwright.ReasonExpiredFile: true, seatwright.ReasonImpossibleFile: true, seatwright.ReasonAnotherFile: true,
	seatwright.ReasonDeactivatedFile: true, seatwright.ReasonNoActivation: true,
}

// Fail answers an error as a problem document. A foreign error is answered as internal: a fixed sentence and the id of the
// request, under which the log has the cause.
func (d Door) Fail(w http.ResponseWriter, r *http.Request, err error) {
	e := seatwright.AsError(err)
	id := ExchangeOf(r.Context()).RequestID
	d.logCause(r, e, id)
	if e.RequestID != "" {
		id = e.RequestID
	}
	how := d.answerTo(e)
	body, err := json.Marshal(d.problem(e, how, id))
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	if how.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", challenge(e.Reason))
	}
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(how.status)
	w.Write(body) // the client that does not read its answer loses it
}

func (d Door) answerTo(e *seatwright.Error) answer {
	if d.Compatible && unprocessable[e.Reason] {
		return answer{http.StatusUnprocessableEntity, "The license is refused"}
	}
	if how, ok := exceptions[e.Reason]; ok {
		return how
	}
	if how, ok := answers[e.Kind]; ok {
		return how
	}
	return answers[seatwright.KindInternal]
}

func (d Door) problem(e *seatwright.Error, how answer, id string) wire.Problem {
	p := wire.Problem{
		Type: "urn:seatwright:problem:" + string(e.Reason), Title: how.title, Status: how.status, Detail: e.Detail,
		Instance: "urn:uuid:" + id, Code: string(e.Reason), TraceID: id,
	}
	if d.Compatible {
		p.Message = e.Detail
	}
	if e.Field != "" {
		p.Errors = map[string][]string{e.Field: {e.Detail}}
	}
	for _, s := range e.Shortages {
		p.Shortages = append(p.Shortages, wire.Shortage{
			Bundle: string(s.Bundle), Requested: s.Requested, Available: s.Available, AvailableAtTenant: s.AtTenant, AvailableAtOrganization: s.AtOrganization,
		})
	}
	return p
}

// challenge is the WWW-Authenticate header of RFC 6750, section 3: it names an error only where a token was sent.
func challenge(reason seatwright.Reason) string {
	if reason == seatwright.ReasonInvalidToken {
		return `Bearer realm="seatwright", error="invalid_token"`
	}
	return `Bearer realm="seatwright"`
}

// logCause writes what the answer must not say. Other errors are told whole in the answer and need no line of their own.
func (d Door) logCause(r *http.Request, e *seatwright.Error, id string) {
	if e.Kind != seatwright.KindInternal && e.Unwrap() == nil {
		return
	}
	level := slog.LevelWarn
	if e.Kind == seatwright.KindInternal || e.Kind == seatwright.KindUnavailable {
		level = slog.LevelError
	}
	d.Log.LogAttrs(r.Context(), level, "request failed", slog.String("request_id", id), slog.Any("error", e))
}
