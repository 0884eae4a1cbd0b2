package oauth

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
)

//go:embed login.html
var loginHTML string

var loginPage = template.Must(template.New("login").Parse(loginHTML))

// loginView is what the login page shows.
type loginView struct {
	Title        string
	Application  string
	Organization string
	Person       string   // who has signed in with this browser; empty: nobody, or they are to sign in again
	Asks         []string // scopes of the API that the application asks for
	Again        string   // why the page is shown again, as a sentence
	Hint         string   // the user name that the client expects
	Action       string
	Fields       []loginField // what the client has sent
	Done         bool         // nothing is asked: somebody has signed out
}

type loginField struct{ Name, Value string }

// againSentences are what the words in the address mean.
var againSentences = map[string]string{
	againWrong: "The user name or the password is wrong.",
	againLater: "Too many logins have failed. Wait a few minutes before the next one.",
}

// serveLogin shows the login page. It decides nothing: its form goes to the authorization endpoint, which looks at everything again.
func (p *Provider) serveLogin(w http.ResponseWriter, r *http.Request, issuer string) {
	form, refused := readAuthorizeForm(w, r)
	if refused != nil {
		refused.write(w)
		return
	}
	application, err := p.applicationAt(r.Context(), form.Get("client_id"), form.Get("redirect_uri"))
	var organization seatwright.Organization
	if err == nil {
		organization, err = p.directory.Organization(r.Context(), application.Organization)
	}
	if err != nil {
		p.refuseLogin(w, r, err)
		return
	}
	view := loginView{
		Title: "Sign in", Application: application.Name, Organization: organization.DisplayName, Again: againSentences[form.Get("again")],
		Hint: form.Get("login_hint"), Action: issuer + pathAuthorize,
	}
	for _, scope := range askedOf(seatwright.Words[seatwright.Scope](form.Get("scope"))) {
		view.Asks = append(view.Asks, string(scope))
	}
	for _, name := range authorizeParameters {
		if form.Has(name) {
			view.Fields = append(view.Fields, loginField{name, form.Get(name)})
		}
	}
	prompts := strings.Fields(form.Get("prompt"))
	if !slices.Contains(prompts, "login") && !slices.Contains(prompts, "select_account") && !form.Has("max_age") && view.Again == "" {
		now, err := p.session(r.Context(), r.Header, application.Organization)
		if err != nil {
			p.refuseLogin(w, r, err)
			return
		}
		if view.Person = now.person.DisplayName; view.Person == "" {
			view.Person = now.person.UserName
		}
	}
	if view.Organization == "" {
		view.Organization = organization.Name
	}
	p.show(w, r, http.StatusOK, view)
}

// applicationAt finds the application with a client id that people may be sent back from to an address. The error is not_found where
// there is none, or the address is none of its own.
func (p *Provider) applicationAt(ctx context.Context, clientID, address string) (seatwright.Application, error) {
	id, err := seatwright.CanonicalID(clientID)
	if err != nil {
		return seatwright.Application{}, seatwright.MissingApplication()
	}
	application, err := p.directory.Application(ctx, seatwright.ApplicationID(id))
	if err == nil && !slices.Contains(application.RedirectURIs, address) {
		err = seatwright.MissingApplication()
	}
	return application, err
}

// refuseLogin answers in place of the page.
func (p *Provider) refuseLogin(w http.ResponseWriter, r *http.Request, err error) {
	e := seatwright.AsError(err)
	p.logCause(r.Context(), e)
	if e.Kind == seatwright.KindNotFound {
		writeError(w, http.StatusBadRequest, codeInvalidRequest, noApplication)
		return
	}
	setRetryAfter(w.Header(), e)
	writeError(w, statuses[e.Kind].status, statuses[e.Kind].code, e.Detail)
}

// show writes the page. Nothing of it may be shown within another page, and it loads nothing.
func (p *Provider) show(w http.ResponseWriter, r *http.Request, status int, view loginView) {
	var page bytes.Buffer
	if err := loginPage.Execute(&page, view); err != nil {
		p.refuseLogin(w, r, seatwright.Internal(err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a browser that has gone is no error
}

// foreign refuses the form of another site's page: whoever shows their password or decides shall do it on ours.
var foreign = http.NewCrossOriginProtection()

// checkOrigin reports whether a decision comes from our own page.
func checkOrigin(r *http.Request, form url.Values) *formError {
	if r.Method != http.MethodPost || !form.Has("username") && !form.Has("password") && !form.Has("decision") {
		return nil
	}
	if err := foreign.Check(r); err != nil {
		return &formError{http.StatusForbidden, codeAccessDenied, "the form is not of this server's login page"}
	}
	return nil
}

// idTokenHint is what is looked at of an ID token that a client gives back.
type idTokenHint struct {
	Audience     seatwright.ApplicationID  `json:"aud"`
	Organization seatwright.OrganizationID `json:"prt_id"`
}

// serveLogout makes the browser forget who has signed in, and sends it where the client wants it, if the application is registered
// for that address. Source: OpenID Connect RP-Initiated Logout 1.0. Refresh tokens stay: the client revokes its own.
func (p *Provider) serveLogout(w http.ResponseWriter, r *http.Request, issuer string) {
	form, refused := readAuthorizeForm(w, r)
	if refused != nil {
		refused.write(w)
		return
	}
	id := form.Get("client_id")
	if token := form.Get("id_token_hint"); token != "" {
		var hint idTokenHint
		known, err := p.read(r.Context(), token, idTokenType, &hint)
		if err != nil {
			p.refuseLogin(w, r, err)
			return
		}
		if !known || id != "" && id != string(hint.Audience) {
			writeError(w, http.StatusBadRequest, codeInvalidRequest, "id_token_hint is none of this server's, or of another client")
			return
		}
		id = string(hint.Audience)
	}
	back := form.Get("post_logout_redirect_uri")
	if back != "" {
		_, err := p.applicationAt(r.Context(), id, back)
		if seatwright.IsKind(err, seatwright.KindNotFound) {
			writeError(w, http.StatusBadRequest, codeInvalidRequest, "post_logout_redirect_uri is not registered for the client")
			return
		}
		if err != nil {
			p.refuseLogin(w, r, err)
			return
		}
	}
	p.endSession(w.Header(), issuer)
	target, err := url.Parse(back)
	if back == "" || err != nil {
		p.show(w, r, http.StatusOK, loginView{Title: "Signed out", Done: true})
		return
	}
	if state := form.Get("state"); state != "" {
		query := target.Query()
		query.Set("state", state)
		target.RawQuery = query.Encode()
	}
	quietRedirect(w.Header())
	http.Redirect(w, r, target.String(), http.StatusFound) //nolint:gosec // G710: the address is one that the application is registered for
}
