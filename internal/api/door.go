package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/strictjson"
)

// Door is how one front door speaks.
type Door struct {
	// Compatible doors ignore unknown fields of a body, which real clients send, and repeat the detail of an error as
	// "message", where every known client looks for it.
	Compatible bool
	Log        *slog.Logger
}

// Decode reads the JSON body of a request into the value that into points to, as strictjson.DecodeBody does.
func (d Door) Decode(r *http.Request, into any) error {
	policy := strictjson.RefuseUnknownFields
	if d.Compatible {
		policy = strictjson.IgnoreUnknownFields
	}
	return strictjson.DecodeBody(r, into, policy)
}

// FailParameter answers a parameter of the path, query or header that is missing or that the generated code could not read. Of what
// that says only the name of the parameter is told: the rest is for programmers, so the log does not get it either.
func (d Door) FailParameter(w http.ResponseWriter, r *http.Request, err error) {
	name := parameterOf(err)
	if name == "" {
		d.Fail(w, r, seatwright.Invalid(seatwright.ReasonInvalidValue, "a parameter of the path, the query or a header cannot be read"))
		return
	}
	if instant := (*time.ParseError)(nil); errors.As(err, &instant) {
		d.Fail(w, r, NoInstant(name))
		return
	}
	d.Fail(w, r, seatwright.Invalid(seatwright.ReasonInvalidValue, "the parameter %s is missing, given twice, or cannot be read", name).In(name))
}

// NoInstant is the error of a parameter that is no instant.
func NoInstant(name string) error {
	return seatwright.Invalid(seatwright.ReasonInvalidValue, "%s is an instant such as 2026-03-01T09:00:00Z, or a date; a plus sign in it is written as %%2B", name).In(name)
}

// WholeQuery refuses a query of which a part cannot be read: the standard library drops that part, and with it a filter or a page, so that
// the answer would be another one than was asked for.
func (d Door) WholeQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			d.Fail(w, r, seatwright.Invalid(seatwright.ReasonInvalidValue, "the query cannot be read: it has a semicolon, or a percent sign without two hexadecimal digits after it"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// OnlyParameters refuses, of the routes whose pattern is said, a query with a parameter that is none of theirs, spelled in other letter case, given twice or
// empty: whoever misspells it would be answered another question.
func (d Door) OnlyParameters(routes map[string][]string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			known, checked := routes[ExchangeOf(r.Context()).Route]
			if !checked || r.URL.RawQuery == "" {
				next.ServeHTTP(w, r)
				return
			}
			for name, values := range r.URL.Query() {
				switch {
				case !slices.Contains(known, name):
					d.Fail(w, r, seatwright.Invalid(seatwright.ReasonInvalidValue, "there is no parameter %q here; there is %s", name, strings.Join(known, ", ")).In(name))
					return
				case len(values) > 1 || values[0] == "":
					d.Fail(w, r, seatwright.Invalid(seatwright.ReasonInvalidValue, "the parameter %s is empty, or given twice", name).In(name))
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// parameterOf is the name in an error of the generated code, whose types every door has for itself.
func parameterOf(err error) string {
	value := reflect.Indirect(reflect.ValueOf(err))
	if value.Kind() != reflect.Struct {
		return ""
	}
	if name := value.FieldByName("ParamName"); name.IsValid() {
		return name.String()
	}
	return ""
}

// ReadIdempotencyKey returns the Idempotency-Key of a request, empty where none was sent. The error is
// invalid/malformed_idempotency_key for one that is empty, sent twice, longer than 255 bytes or not visible ASCII.
func ReadIdempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", malformedKey("it was sent more than once")
	case values[0] == "":
		return "", malformedKey("it is empty")
	case len(values[0]) > 255:
		return "", malformedKey("it is longer than 255 characters")
	}
	for i := range len(values[0]) {
		if c := values[0][i]; c < '!' || c > '~' {
			return "", malformedKey("it has a character that is not visible ASCII")
		}
	}
	return values[0], nil
}

func malformedKey(why string) error {
	return seatwright.Invalid(seatwright.ReasonMalformedKey, "the Idempotency-Key is not usable: %s", why)
}
