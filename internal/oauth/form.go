package oauth

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBodyBytes is the most that a login of either form may send.
const maxBodyBytes = 16 << 10

// The grants that the token endpoint serves.
const (
	grantClientCredentials = "client_credentials"
	grantPassword          = "password"
	grantCode              = "authorization_code"
	grantRefresh           = "refresh_token"
	grantAssertion         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// tokenForm is the body of a token request: every parameter once, none of them empty.
type tokenForm struct {
	sent   url.Values // as the client sent it
	routed url.Values // the same, but some grants are sent the way of client credentials
}

// formError is a refusal of the form itself.
type formError struct {
	status            int
	code, description string
}

func (e *formError) write(w http.ResponseWriter) {
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	writeError(w, e.status, e.code, e.description)
}

func invalidRequest(description string) *formError {
	return &formError{http.StatusBadRequest, codeInvalidRequest, description}
}

// readTokenForm reads a token request.
func readTokenForm(w http.ResponseWriter, r *http.Request) (tokenForm, *formError) {
	form, refused := readClientForm(w, r)
	if refused != nil {
		return form, refused
	}
	switch form.sent.Get("grant_type") {
	case grantClientCredentials, grantCode, grantRefresh:
	case grantPassword, grantAssertion:
		// The library refuses the password grant, and takes assertions from anybody. What it does for client credentials, that is to
		// parse and verify the client and to ask the server for a token, is all that both need; the server looks at the form as sent.
		form.routed.Set("grant_type", grantClientCredentials)
	case "":
		return form, invalidRequest("grant_type is missing")
	default:
		return form, &formError{http.StatusBadRequest, codeUnsupportedGrantType, "the grant type is not supported"}
	}
	return form, checkClientCredentials(r, form.sent)
}

// readClientForm reads the body of a request that a client makes itself, more strictly than the library: RFC 6749 3.2 asks for each
// parameter at most once and for empty ones to count as absent, RFC 6749 2.3.1 forbids credentials in the URL.
func readClientForm(w http.ResponseWriter, r *http.Request) (tokenForm, *formError) {
	var form tokenForm
	if refused := checkTokenQuery(r.URL.RawQuery); refused != nil {
		return form, refused
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || mediaType != "application/x-www-form-urlencoded" {
		return form, invalidRequest("the body must be application/x-www-form-urlencoded")
	}
	body, err := readBody(w, r)
	if err != nil {
		if tooLarge(err) {
			return form, &formError{http.StatusRequestEntityTooLarge, codeInvalidRequest, "the body is larger than 16 KiB"}
		}
		return form, invalidRequest("the body could not be read")
	}
	if form.sent, err = url.ParseQuery(string(body)); err != nil {
		return form, invalidRequest("the body is not a form")
	}
	if refused := once(form.sent); refused != nil {
		return form, refused
	}
	form.routed = maps.Clone(form.sent)
	return form, nil
}

// once drops parameters without a value and refuses those that are repeated or not UTF-8.
func once(form url.Values) *formError {
	for name, values := range form {
		values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
		switch {
		case len(values) == 0:
			delete(form, name)
			continue
		case len(values) > 1:
			return invalidRequest("a parameter is repeated")
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			return invalidRequest("a parameter is not UTF-8")
		}
		form[name] = values
	}
	return nil
}

// readAuthorizeForm reads an authorization request, from the query or, for POST, from the body. What the login page sends is taken
// from a body alone: any site may lead a browser to a URL, and the session cookie goes with it.
func readAuthorizeForm(w http.ResponseWriter, r *http.Request) (form url.Values, refused *formError) {
	var err error
	if r.Method == http.MethodPost {
		sent, refused := readClientForm(w, r)
		return sent.sent, refused
	}
	if form, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, invalidRequest("the query is malformed")
	}
	for _, name := range [...]string{"client_secret", "client_assertion", "username", "password", "decision"} {
		if form.Has(name) {
			return nil, invalidRequest("no credentials and no decisions belong into the URL")
		}
	}
	return form, once(form)
}

// checkTokenQuery refuses parameters of a token request in the URL, where logs and proxies keep them.
func checkTokenQuery(raw string) *formError {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return invalidRequest("the query is malformed")
	}
	for name := range query {
		switch strings.ToLower(name) {
		case "client_id", "client_secret", "client_assertion", "username", "password", "grant_type", "scope", "code", "code_verifier",
			"refresh_token", "assertion", "token":
			return invalidRequest("the parameters belong into the body, not into the URL")
		}
	}
	return nil
}

// checkClientCredentials answers invalid_client where the library would take credentials that are missing or unreadable
// for a malformed request: RFC 6749 5.2 wants status 401 then.
func checkClientCredentials(r *http.Request, form url.Values) *formError {
	unreadable := &formError{http.StatusUnauthorized, codeInvalidClient, clientRefused}
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		if form.Get("client_id") == "" {
			return unreadable
		}
		return nil
	}
	id, secret, ok := r.BasicAuth()
	if !ok || len(r.Header.Values("Authorization")) > 1 {
		return unreadable
	}
	id, err := url.QueryUnescape(id)
	if err != nil {
		return unreadable
	}
	if _, err := url.QueryUnescape(secret); err != nil {
		return unreadable
	}
	if sent := form.Get("client_id"); sent != "" && sent != id {
		return invalidRequest("the body names another client than the Authorization header")
	}
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
}

func tooLarge(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}
