package oauth

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/seatwright/seatwright"
)

// A browser in which somebody has signed in remembers it by a cookie: a token that only this door takes.
const (
	sessionCookie = "seatwright_session"
	sessionType   = "session+jwt"
	sessionLife   = 8 * time.Hour
)

// sessionClaims is the content of the cookie.
type sessionClaims struct {
	Subject       string                    `json:"sub"`
	Organization  seatwright.OrganizationID `json:"prt_id"`
	Authenticated int64                     `json:"auth_time"` // seconds since 1970
	Expires       int64                     `json:"exp"`
	Mark          string                    `json:"mark"` // of the password
}

// session is who has signed in with a browser; the zero session is nobody.
type session struct {
	person        seatwright.User
	authenticated time.Time
}

// setSession makes the browser remember a person. The cookie lasts as long as the browser runs, at most sessionLife.
func (p *Provider) setSession(h http.Header, issuer string, s session) error {
	token, err := p.sign(sessionType, sessionClaims{
		Subject: string(s.person.ID), Organization: s.person.Organization, Authenticated: s.authenticated.Unix(),
		Expires: s.authenticated.Add(sessionLife).Unix(), Mark: markOf(s.person),
	})
	if err != nil {
		return err
	}
	h.Add("Set-Cookie", p.cookie(issuer, token, 0).String())
	return nil
}

// endSession makes the browser forget.
func (p *Provider) endSession(h http.Header, issuer string) {
	h.Add("Set-Cookie", p.cookie(issuer, "", -1).String())
}

func (p *Provider) cookie(issuer, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: without https a browser would not send a Secure cookie back
		Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(issuer, "https://"),
	}
}

// session is who the browser says that it remembers, if they are still active, have the same password, and belong to the organization.
func (p *Provider) session(ctx context.Context, header http.Header, organization seatwright.OrganizationID) (session, error) {
	cookie, err := (&http.Request{Header: header}).Cookie(sessionCookie)
	if err != nil {
		return session{}, nil //nolint:nilerr // there is none
	}
	var c sessionClaims
	known, err := p.read(ctx, cookie.Value, sessionType, &c)
	if err != nil || !known || c.Organization != organization || c.Expires <= p.now().Unix() {
		return session{}, err
	}
	person, err := p.directory.User(ctx, organization, seatwright.UserID(c.Subject))
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		return session{}, nil
	}
	mark := markOf(person)
	if err != nil || !person.Active || subtle.ConstantTimeCompare([]byte(mark), []byte(c.Mark)) != 1 {
		return session{}, err
	}
	return session{person: person, authenticated: time.Unix(c.Authenticated, 0).UTC()}, nil
}

// read checks form, signature and type of a token of ours and puts its claims into c. Whether it is in force is the caller's matter.
func (p *Provider) read(ctx context.Context, token, kind string, c any) (known bool, err error) {
	if len(token) > maxTokenBytes || !canonical(token) {
		return false, nil
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{algorithm})
	if err != nil || len(parsed.Headers) != 1 {
		return false, nil //nolint:nilerr // it is none of ours
	}
	header := parsed.Headers[0]
	if header.KeyID == "" || header.ExtraHeaders[jose.HeaderType] != kind {
		return false, nil
	}
	key, err := p.keys.public(ctx, header.KeyID)
	if err != nil {
		return false, err
	}
	return key != nil && parsed.Claims(key, c) == nil, nil
}
