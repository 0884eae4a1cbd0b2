// Package oauth is the door for identity: it logs people and programs in, issues access tokens, and tells every other door
// who a token belongs to.
//
// The library zitadel/oidc routes and parses the OpenID provider's requests (server.go); a stricter parser stands in front
// (form.go), which also adds the password grant. A sign-in with a browser goes through authorize.go and the page of login.go to
// the exchange of its code (exchange.go). The login that the published API calls ROPC is a JSON call of its own (authenticate.go).
// Tokens are made in token.go and checked in verify.go, with keys from keys.go.
//
// It leaves passwords, tenancy and user names to the directory, and permissions to the domain.
package oauth

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// KeyStore stores new signing keys.
type KeyStore interface {
	// AddSigningKey makes key durable. CreatedAt is set by the store.
	AddSigningKey(ctx context.Context, key seatwright.SigningKey) error
}

// Reader is what a [Provider] asks the store.
type Reader interface {
	seatwright.DirectoryReader
	seatwright.GrantReader
	seatwright.SettingReader
}

// Grants stores what people and applications get in with.
type Grants interface {
	// Authorize stores an authorization with its code. Errors: unauthenticated/invalid_grant for a person who is not active or has
	// another password by now, not_found/not_found.
	Authorize(ctx context.Context, origin seatwright.Origin, grant seatwright.Grant) (seatwright.Grant, error)
	// Exchange takes a code or refresh token in. Errors: unauthenticated/invalid_grant.
	Exchange(ctx context.Context, origin seatwright.Origin, c seatwright.ExchangeGrant) (seatwright.Exchange, error)
	// Revoke ends a grant, or a single access token.
	Revoke(ctx context.Context, origin seatwright.Origin, grant seatwright.Grant) error
	// Use notes that a personal token was used.
	Use(ctx context.Context, organization seatwright.OrganizationID, id seatwright.GrantID) error
}

// Leases are what people hold through their groups.
type Leases interface {
	// SignedIn takes what there is for a person who has signed in with a browser. Nothing is no error.
	SignedIn(ctx context.Context, origin seatwright.Origin, organization seatwright.OrganizationID, user seatwright.UserID) error
}

// Login checks user names and passwords, and records who signed in and who was refused.
type Login interface {
	// Login returns the active person of an organization with that user name and password. Unknown organization, unknown or
	// inactive person and wrong password are all unauthenticated/invalid_credentials after the same work. Other errors:
	// rate_limited/too_many_failures, rate_limited/overloaded, unavailable and internal.
	Login(ctx context.Context, a directory.Attempt) (seatwright.User, error)
	// External lets in whom another identity provider vouches for. Errors: unauthenticated/invalid_credentials, unavailable and internal.
	External(ctx context.Context, a directory.Attempt, e directory.ExternalPerson) (seatwright.User, error)
	// Application records that a program was let in or refused; one without an id stands for a client id that nobody has. Of the
	// attempt, only where it came from is looked at. The error is unavailable or internal.
	Application(ctx context.Context, a directory.Attempt, application seatwright.Application, result seatwright.SignInResult) error
	// Tenancy returns the organization in which a login is meant. pathOrganization is the organization that the path names,
	// by name or id, and tenancyName what the body says; both may be empty. The error is not_found where they name nothing.
	Tenancy(ctx context.Context, pathOrganization, tenancyName string) (seatwright.Organization, error)
}

// Config is what a [Provider] is built from. Only SealKey and External may be zero.
type Config struct {
	Directory Reader
	Grants    Grants
	Keys      KeyStore
	Login     Login
	Leases    Leases
	Issuer    IssuerPolicy
	SealKey   []byte       // 32 bytes that encrypt the signing keys in the store; nil: they are stored as they are
	External  *http.Client // asks other identity providers; nil: one of its own
	Now       func() time.Time
	Log       *slog.Logger
}

// Provider answers the OpenID endpoints and the authenticate login, and verifies access tokens. It may be used from many
// goroutines.
type Provider struct {
	directory Reader
	grants    Grants
	login     Login
	leases    Leases
	issuer    IssuerPolicy
	now       func() time.Time
	log       *slog.Logger
	keys      *keyring
	cache     *cache
	external  *external
	library   http.Handler
}

// New loads the signing keys, or makes the first one. The errors are invalid/invalid_value for a seal key that does not
// fit, and those of the store.
func New(ctx context.Context, c Config) (*Provider, error) {
	keys, err := openKeyring(ctx, c)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		directory: c.Directory, grants: c.Grants, login: c.Login, leases: c.Leases, issuer: c.Issuer, now: c.Now, log: c.Log, keys: keys, cache: newCache(),
		external: newExternal(c.External, c.Now),
	}
	p.library = newLibrary(p)
	return p, nil
}

// The paths of the OpenID provider, relative to the identity prefix.
const (
	pathDiscovery  = "/.well-known/openid-configuration"
	pathKeys       = "/.well-known/openid-configuration/jwks"
	pathMetadata   = "/.well-known/oauth-authorization-server" // RFC 8414; comes before the prefix in the URL
	pathAuthorize  = "/connect/authorize"
	pathToken      = "/connect/token"
	pathLogin      = "/connect/login"
	pathLogout     = "/connect/endsession"
	pathUserInfo   = "/connect/userinfo"
	pathIntrospect = "/connect/introspect"
	pathRevoke     = "/connect/revocation"
)

// Serve answers the request if rest is a path of the OpenID provider, else it does nothing and returns false.
//
// prefix is the path as the client spelled it up to and including the identity segment, such as
// "/acme/DefaultTenant/identity_"; it becomes part of the issuer. rest is what follows, in lower case. The metadata
// document of RFC 8414 has its well-known part in front of the prefix; it is asked for with that part as rest.
func (p *Provider) Serve(w http.ResponseWriter, r *http.Request, prefix, rest string) bool {
	var methods []string
	switch rest {
	case pathDiscovery, pathMetadata, pathKeys:
		methods = []string{http.MethodGet, http.MethodHead}
	case pathAuthorize, pathUserInfo, pathLogout:
		methods = []string{http.MethodGet, http.MethodPost}
	case pathLogin:
		methods = []string{http.MethodGet, http.MethodHead}
	case pathToken, pathIntrospect, pathRevoke:
		methods = []string{http.MethodPost}
	default:
		return false
	}
	noStore(w.Header())
	if !allowMethod(w.Header(), r, methods) {
		writeError(w, http.StatusMethodNotAllowed, codeInvalidRequest, "the method is not allowed here")
		return true
	}
	issuer := p.issuer(r, prefix)
	if issuer == "" {
		writeError(w, http.StatusBadRequest, codeInvalidRequest, "the Host header is not a host name")
		return true
	}
	form, refused := tokenForm{routed: url.Values{}, sent: url.Values{}}, (*formError)(nil)
	switch rest {
	case pathLogin:
		p.serveLogin(w, r, issuer)
		return true
	case pathLogout:
		p.serveLogout(w, r, issuer)
		return true
	case pathMetadata:
		rest = pathDiscovery
	case pathToken:
		form, refused = readTokenForm(w, r)
	case pathIntrospect, pathRevoke:
		if form, refused = readClientForm(w, r); refused == nil {
			refused = checkClientCredentials(r, form.sent)
		}
	case pathUserInfo:
		if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="seatwright"`)
			writeError(w, http.StatusUnauthorized, codeInvalidRequest, "an access token is needed, as Authorization: Bearer")
			return true
		}
	case pathAuthorize:
		if form.routed, refused = readAuthorizeForm(w, r); refused == nil {
			form.sent, refused = form.routed, checkOrigin(r, form.routed)
		}
	}
	if refused != nil {
		refused.write(w)
		return true
	}
	if rest == pathAuthorize {
		quietRedirect(w.Header())
		w = issued{w, issuer}
	}
	p.library.ServeHTTP(w, relative(r, w.Header(), issuer, rest, form))
	return true
}

// relative is the request as the library shall see it: the path is rest, the form is parsed, everything else unread.
func relative(r *http.Request, header http.Header, issuer, rest string, form tokenForm) *http.Request {
	ctx := context.WithValue(r.Context(), headerKey{}, header)
	ctx = op.ContextWithIssuer(context.WithValue(ctx, attemptKey{}, attemptOf(r, header, doorToken)), issuer)
	inner := r.WithContext(ctx)
	inner.URL = &url.URL{Path: rest}
	inner.Form, inner.PostForm = form.routed, form.sent
	return inner
}

// headerKey finds the header of the response in a context: the library hands out no writer to the code that knows which
// header an error needs.
type headerKey struct{}

func responseHeader(ctx context.Context) http.Header {
	h, _ := ctx.Value(headerKey{}).(http.Header)
	return h
}

// attemptKey finds in a context where a token request came from: the library hands out neither address nor request id.
type attemptKey struct{}

// The doors that sign-ins are recorded under.
const (
	doorToken        = "token"
	doorAuthenticate = "authenticate"
)

// attemptOf tells where a login came from. header is that of the response, which has the id of the request.
func attemptOf(r *http.Request, header http.Header, door string) directory.Attempt {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = "" // not of a network
	}
	return directory.Attempt{
		From: seatwright.SignInFrom{Address: address, Agent: seatwright.CutAgent(r.UserAgent())},
		Door: door, RequestID: header.Get("X-Request-Id"),
	}
}

// tokenAttempt is where the token request of a context came from.
func tokenAttempt(ctx context.Context) directory.Attempt {
	a, _ := ctx.Value(attemptKey{}).(directory.Attempt)
	return a
}

// quietRedirect keeps http.Redirect from writing a page where an answer leads elsewhere.
func quietRedirect(h http.Header) { h["Content-Type"] = nil }

func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache") // RFC 6749 5.1 asks for both
}

// allowMethod reports whether the method is one of methods; if not it names them in the header.
func allowMethod(h http.Header, r *http.Request, methods []string) bool {
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	for _, m := range methods {
		h.Add("Allow", m)
	}
	return false
}
