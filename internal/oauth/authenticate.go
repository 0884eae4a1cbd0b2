package oauth

import (
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/strictjson"
)

// credentials is the body of the authenticate login. Names are matched without regard to letter case: published clients
// spell them in two ways.
type credentials struct {
	TenancyName            string
	UsernameOrEmailAddress string
	Password               string
}

// envelope is the answer of the authenticate login, successful or not. Source: API guide, "ROPC authentication".
type envelope struct {
	Result              *string        `json:"result"`
	TargetURL           *string        `json:"targetUrl"` // always null
	Success             bool           `json:"success"`
	Error               *envelopeError `json:"error"`
	UnauthorizedRequest bool           `json:"unAuthorizedRequest"`
	ABP                 bool           `json:"__abp"` // always true
}

type envelopeError struct {
	Code             int               `json:"code"` // always 0
	Message          string            `json:"message"`
	Details          *string           `json:"details"` // always null
	ValidationErrors []validationError `json:"validationErrors"`
}

type validationError struct {
	Message string   `json:"message"`
	Members []string `json:"members"`
}

// authenticateStatuses maps the kinds of domain errors to statuses; the answer is always an envelope.
var authenticateStatuses = map[seatwright.Kind]int{
	seatwright.KindInvalid:         http.StatusBadRequest,
	seatwright.KindUnauthenticated: http.StatusUnauthorized,
	seatwright.KindForbidden:       http.StatusUnauthorized,
	seatwright.KindNotFound:        http.StatusUnauthorized,
	seatwright.KindConflict:        http.StatusInternalServerError,
	seatwright.KindExhausted:       http.StatusInternalServerError,
	seatwright.KindRateLimited:     http.StatusTooManyRequests,
	seatwright.KindUnavailable:     http.StatusServiceUnavailable,
	seatwright.KindInternal:        http.StatusInternalServerError,
}

// Authenticate answers the login that the published API calls ROPC: user name and password in, a token without scopes out,
// limited by the role of the person. pathOrganization is the organization that the path names, as it is spelled there, or
// empty. Organization, user and password that do not fit are one and the same answer.
func (p *Provider) Authenticate(w http.ResponseWriter, r *http.Request, pathOrganization string) {
	noStore(w.Header())
	if !allowMethod(w.Header(), r, []string{http.MethodPost}) {
		refuse(w, http.StatusMethodNotAllowed, envelopeError{Message: "The method is not allowed here"})
		return
	}
	if err := strictjson.CheckMediaType(r.Header); err != nil {
		refuse(w, http.StatusUnsupportedMediaType, envelopeError{Message: "The body must be application/json"})
		return
	}
	body, err := readBody(w, r)
	if tooLarge(err) {
		refuse(w, http.StatusRequestEntityTooLarge, envelopeError{Message: "The body is larger than 16 KiB"})
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, envelopeError{Message: "The body could not be read"})
		return
	}
	sent, wrong := readCredentials(body)
	if wrong != nil {
		refuse(w, http.StatusBadRequest, *wrong)
		return
	}
	token, err := p.authenticate(r, attemptOf(r, w.Header(), doorAuthenticate), pathOrganization, sent)
	if err != nil {
		e := seatwright.AsError(err)
		p.logCause(r.Context(), e)
		setRetryAfter(w.Header(), e)
		status := authenticateStatuses[e.Kind]
		message := e.Detail
		if status == http.StatusUnauthorized {
			message = "Invalid credentials"
		}
		refuse(w, status, envelopeError{Message: message})
		return
	}
	writeJSON(w, http.StatusOK, envelope{Result: &token, Success: true, ABP: true})
}

func (p *Provider) authenticate(r *http.Request, attempt directory.Attempt, pathOrganization string, sent credentials) (string, error) {
	organization, err := p.login.Tenancy(r.Context(), pathOrganization, sent.TenancyName)
	if err != nil && !seatwright.IsKind(err, seatwright.KindNotFound) {
		return "", err
	}
	off, err := p.switchedOff(r.Context(), organization.ID, seatwright.SettingROPC)
	if err != nil {
		return "", err
	}
	if off {
		organization = seatwright.Organization{} // as if there were none: the guide has one answer for all of it
	}
	// Where there is no such organization its id is empty, and Login does the work that it does for an unknown person.
	attempt.Organization, attempt.UserName, attempt.Password = organization.ID, sent.UsernameOrEmailAddress, sent.Password
	person, err := p.login.Login(r.Context(), attempt)
	if err != nil {
		return "", err
	}
	prefix := "/identity_"
	if organization.ID != seatwright.HostID {
		prefix = "/" + organization.Name + prefix
	}
	issuer := p.issuer(r, prefix)
	if issuer == "" {
		return "", seatwright.Invalid(seatwright.ReasonInvalidValue, "the Host header is not a host name")
	}
	token, err := p.passwordToken(r.Context(), person)
	if err != nil {
		return "", err
	}
	return p.mint(issuer, token)
}

func refuse(w http.ResponseWriter, status int, e envelopeError) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="seatwright"`) // RFC 9110, section 15.5.2: no 401 goes without
	}
	writeJSON(w, status, envelope{Error: &e, UnauthorizedRequest: status == http.StatusUnauthorized, ABP: true})
}

// readCredentials decodes the body strictly: duplicate names (also by letter case), broken UTF-8, trailing text and deep
// nesting are refused. Unknown members are ignored, as published clients need it; null is absent.
func readCredentials(body []byte) (credentials, *envelopeError) {
	var sent credentials
	malformed := &envelopeError{Message: "The body is not valid JSON", ValidationErrors: []validationError{}}
	if err := strictjson.Check(body); err != nil {
		return sent, malformed
	}
	if err := json.Unmarshal(body, &sent, json.MatchCaseInsensitiveNames(true)); err != nil {
		if wrong := new(json.SemanticError); errors.As(err, &wrong) && wrong.JSONPointer != "" {
			malformed.Message = "The request is not valid"
			malformed.ValidationErrors = []validationError{{
				Message: "A text is needed", Members: []string{wrong.JSONPointer.LastToken()},
			}}
		}
		return sent, malformed
	}
	missing := []validationError{}
	for _, field := range [...]struct{ name, value string }{
		{"UsernameOrEmailAddress", sent.UsernameOrEmailAddress}, {"Password", sent.Password},
	} {
		if field.value == "" {
			missing = append(missing, validationError{Message: "The field is required", Members: []string{field.name}})
		}
	}
	if len(missing) > 0 {
		return sent, &envelopeError{Message: "The request is not valid", ValidationErrors: missing}
	}
	return sent, nil
}
