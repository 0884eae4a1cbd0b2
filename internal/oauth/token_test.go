package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/seatwright/seatwright"
)

// Guards issuer equality: a client refuses a document whose issuer is not the URL that it asked.
func TestDiscoveryNamesTheURLThatWasAsked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, prefix := range []string{"/identity_", "/acme/identity_", "/ACME/DefaultTenant/identity_", "/acme/identity"} {
		provider, err := oidc.NewProvider(t.Context(), w.url+prefix)
		if err != nil {
			t.Errorf("%s: %v", prefix, err)
			continue
		}
		if got, want := provider.Endpoint().TokenURL, w.url+prefix+"/connect/token"; got != want {
			t.Errorf("token endpoint = %s, want %s", got, want)
		}
		if document, metadata := w.get(prefix+pathDiscovery), w.get(pathMetadata+prefix); document.text != metadata.text {
			t.Errorf("RFC 8414 form differs: %s", metadata.text)
		}
	}
}

func TestDiscoveryListsWhatAnswers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.get("/identity_" + pathDiscovery)
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	for name, want := range map[string]string{
		"issuer":                                         w.url + "/identity_",
		"authorization_endpoint":                         w.url + "/identity_/connect/authorize",
		"token_endpoint":                                 w.url + "/identity_/connect/token",
		"jwks_uri":                                       w.url + "/identity_/.well-known/openid-configuration/jwks",
		"response_types_supported":                       "[code]",
		"grant_types_supported":                          "[authorization_code refresh_token client_credentials password urn:ietf:params:oauth:grant-type:jwt-bearer]",
		"subject_types_supported":                        "[public]",
		"id_token_signing_alg_values_supported":          "[RS256]",
		"token_endpoint_auth_methods_supported":          "[client_secret_basic client_secret_post none]",
		"userinfo_endpoint":                              w.url + "/identity_/connect/userinfo",
		"introspection_endpoint":                         w.url + "/identity_/connect/introspect",
		"introspection_endpoint_auth_methods_supported":  "[client_secret_basic client_secret_post]",
		"revocation_endpoint":                            w.url + "/identity_/connect/revocation",
		"revocation_endpoint_auth_methods_supported":     "[client_secret_basic client_secret_post none]",
		"end_session_endpoint":                           w.url + "/identity_/connect/endsession",
		"response_modes_supported":                       "[query]",
		"authorization_response_iss_parameter_supported": "true",
		"code_challenge_methods_supported":               "[S256]",
		"scopes_supported":                               fmt.Sprint(append(seatwright.OpenIDScopes(), seatwright.PublishedScopes()...)),
		"claims_supported":                               fmt.Sprint(a.body["claims_supported"]),
		"request_uri_parameter_supported":                "false",
	} {
		if got := fmt.Sprint(a.body[name]); got != want || got == "<nil>" {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
		delete(a.body, name)
	}
	if len(a.body) > 0 {
		t.Errorf("also lists %v", a.body)
	}
	if a.text = w.get("/identity_" + pathKeys).text; strings.Contains(a.text, `"d"`) {
		t.Errorf("private key published: %s", a.text)
	}
}

func TestClientCredentialsWithBothStylesGiveAVerifiableToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	provider, err := oidc.NewProvider(t.Context(), w.url+"/acme/identity_")
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: audience, Now: w.clock.now})
	for name, style := range map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams, "detected": oauth2.AuthStyleAutoDetect} {
		c := clientcredentials.Config{ClientID: "app:1", ClientSecret: clientSecret, TokenURL: provider.Endpoint().TokenURL, AuthStyle: style}
		token, err := c.Token(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if token.TokenType != "Bearer" || token.Extra("expires_in") != 3600.0 || token.Extra("scope") != "PM.License PM.User.Read" {
			t.Errorf("%s: answer = %s, %v, %v", name, token.TokenType, token.Extra("expires_in"), token.Extra("scope"))
		}
		signed, err := verifier.Verify(t.Context(), token.AccessToken)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var claims map[string]any
		_ = signed.Claims(&claims)
		delete(claims, "jti")
		now := w.clock.now().Unix()
		want := fmt.Sprint(map[string]any{
			"aud": "seatwright", "client_id": "app:1", "sub": "app:1", "sub_type": "application", "prt_id": w.acme.ID, "iss": w.url + "/acme/identity_",
			"iat": float64(now), "nbf": float64(now), "exp": float64(now + 3600), "scope": "PM.License PM.User.Read",
			"since": float64(w.app.CreatedAt.UnixMicro()), "client_since": float64(w.app.CreatedAt.UnixMicro()),
		})
		if fmt.Sprint(claims) != want {
			t.Errorf("%s: claims = %v, want %s", name, claims, want)
		}
		principal, err := w.Verify(t.Context(), token.AccessToken)
		if err != nil || principal.Kind != seatwright.PrincipalApplication || principal.ID != "app:1" || principal.Organization != w.acme.ID || len(principal.Scopes) != 2 {
			t.Errorf("%s: principal = %+v, %v", name, principal, err)
		}
	}
	c := clientcredentials.Config{ClientID: "app:1", ClientSecret: "wrong", TokenURL: provider.Endpoint().TokenURL}
	var refused *oauth2.RetrieveError
	if _, err := c.Token(t.Context()); !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized {
		t.Errorf("wrong secret: %v", err)
	}
}

func TestTokenAnswerIsExactAndNotStored(t *testing.T) {
	t.Parallel()
	w := setup(t)
	// As one published client sends it: sorted, with empty parameters, chunked.
	a := w.post("client_id=app%3A1&client_secret="+url.QueryEscape(clientSecret)+"&code=&code_verifier=&grant_type=client_credentials&redirect_uri=&refresh_token=&scope=",
		func(r *http.Request) {
			r.ContentLength = -1
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
		})
	if a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %s", a.StatusCode, a.Header, a.text)
	}
	if a.body["expires_in"] != 3600.0 || a.body["token_type"] != "Bearer" || a.body["scope"] != "PM.License PM.User.Read" || len(a.body) != 4 {
		t.Errorf("answer = %s", a.text)
	}
}

func TestTokenRequestsAreRefusedAsTheStandardSays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	good := []string{"client_id", "app:1", "client_secret", clientSecret}
	with := func(pairs ...string) string { return form(append(pairs, good...)...) }
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	query := func(raw string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = raw }
	}
	credentials := "grant_type=client_credentials"
	for name, c := range map[string]struct {
		body   string
		edit   func(*http.Request)
		status int
		code   string
	}{
		"no grant type":                   {with("scope", "PM.License"), nil, 400, "invalid_request"},
		"empty grant type":                {with("grant_type", ""), nil, 400, "invalid_request"},
		"unknown grant type":              {with("grant_type", "magic"), nil, 400, "unsupported_grant_type"},
		"code":                            {with("grant_type", "authorization_code", "code", "x", "redirect_uri", "y"), nil, 400, "invalid_grant"},
		"refresh":                         {with("grant_type", "refresh_token", "refresh_token", "x"), nil, 400, "invalid_grant"},
		"assertion grant":                 {with("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", "x"), nil, 400, "invalid_grant"},
		"repeated parameter":              {with("grant_type", "client_credentials", "scope", "PM.License", "scope", "PM.License"), nil, 400, "invalid_request"},
		"repeated unknown parameter":      {with("grant_type", "client_credentials", "x", "1", "x", "2"), nil, 400, "invalid_request"},
		"malformed form":                  {with("grant_type", "client_credentials") + "&x=%zz", nil, 400, "invalid_request"},
		"broken UTF-8":                    {with("grant_type", "client_credentials") + "&x=%ff", nil, 400, "invalid_request"},
		"JSON":                            {`{"grant_type":"client_credentials"}`, header("Content-Type", "application/json"), 400, "invalid_request"},
		"no content type":                 {with("grant_type", "client_credentials"), func(r *http.Request) { r.Header.Del("Content-Type") }, 400, "invalid_request"},
		"multipart":                       {"x", header("Content-Type", "multipart/form-data; boundary=x"), 400, "invalid_request"},
		"too large":                       {with("grant_type", "client_credentials", "x", strings.Repeat("x", maxBodyBytes)), nil, 413, "invalid_request"},
		"secret in the URL":               {credentials, query(form(good...)), 400, "invalid_request"},
		"password in the URL":             {with("grant_type", "password"), query("username=boss&PASSWORD=x"), 400, "invalid_request"},
		"malformed query":                 {with("grant_type", "client_credentials"), query("%zz"), 400, "invalid_request"},
		"no client":                       {credentials, nil, 401, "invalid_client"},
		"no secret":                       {form("grant_type", "client_credentials", "client_id", "app:1"), nil, 401, "invalid_client"},
		"empty secret":                    {credentials + "&client_id=app%3A1&client_secret=", nil, 401, "invalid_client"},
		"wrong secret in the body":        {form("grant_type", "client_credentials", "client_id", "app:1", "client_secret", "x"), nil, 401, "invalid_client"},
		"wrong secret in the header":      {credentials, basic("app:1", "x"), 401, "invalid_client"},
		"unknown client":                  {credentials, basic("app:2", clientSecret), 401, "invalid_client"},
		"impossible client":               {credentials, basic("app 1\x00", clientSecret), 401, "invalid_client"},
		"other letter case":               {credentials, basic("APP:1", clientSecret), 401, "invalid_client"},
		"header that is not base64":       {credentials, header("Authorization", "Basic !!!"), 401, "invalid_client"},
		"header with a bad escape":        {credentials, func(r *http.Request) { r.SetBasicAuth("app%zz", "x") }, 401, "invalid_client"},
		"header with a bad secret escape": {credentials, func(r *http.Request) { r.SetBasicAuth("app%3A1", "%zz") }, 401, "invalid_client"},
		"bearer instead of basic":         {credentials, header("Authorization", "Bearer x"), 401, "invalid_client"},
		"assertion":                       {form("grant_type", "client_credentials", "client_id", "app:1", "client_assertion", "x", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), nil, 401, "invalid_client"},
		"secret in header and body":       {with("grant_type", "client_credentials"), basic("app:1", clientSecret), 400, "invalid_request"},
		"two clients":                     {credentials + "&client_id=app%3A2", basic("app:1", clientSecret), 400, "invalid_request"},
		"scope that is not registered":    {with("grant_type", "client_credentials", "scope", "PM.License PM.Group"), nil, 400, "invalid_scope"},
		"umbrella of a registered part":   {with("grant_type", "client_credentials", "scope", "PM.User"), nil, 400, "invalid_scope"},
		"invented part":                   {with("grant_type", "client_credentials", "scope", "PM.License.Bogus"), nil, 400, "invalid_scope"},
		"scope in other letter case":      {with("grant_type", "client_credentials", "scope", "pm.license"), nil, 400, "invalid_scope"},
		"scope with a line break":         {with("grant_type", "client_credentials", "scope", "PM.License\nPM.User.Read"), nil, 400, "invalid_scope"},
		"openid":                          {with("grant_type", "client_credentials", "scope", "openid"), nil, 400, "invalid_scope"},
		"offline_access":                  {with("grant_type", "client_credentials", "scope", "PM.License offline_access"), nil, 400, "invalid_scope"},
		"profile and email":               {with("grant_type", "client_credentials", "scope", "profile email"), nil, 400, "invalid_scope"},
		"no password":                     {with("grant_type", "password", "username", "boss"), nil, 400, "invalid_request"},
		"no user name":                    {with("grant_type", "password", "password", password), nil, 400, "invalid_request"},
		"wrong password":                  {with("grant_type", "password", "username", "boss", "password", "x"), nil, 400, "invalid_grant"},
		"unknown user":                    {with("grant_type", "password", "username", "nobody", "password", password), nil, 400, "invalid_grant"},
		"user of another organization":    {with("grant_type", "password", "username", "stranger", "password", password), nil, 400, "invalid_grant"},
		"user of the host":                {with("grant_type", "password", "username", "admin", "password", password), nil, 400, "invalid_grant"},
		"password and wrong secret":       {form("grant_type", "password", "username", "boss", "password", password), basic("app:1", "x"), 401, "invalid_client"},
		"password and wrong scope":        {with("grant_type", "password", "username", "boss", "password", password, "scope", "PM.Group"), nil, 400, "invalid_scope"},
	} {
		a := w.post(c.body, c.edit)
		if a.StatusCode != c.status || a.body["error"] != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, a.StatusCode, a.text, c.status, c.code)
		}
		if got := a.Header.Get("WWW-Authenticate"); (got == `Basic realm="seatwright"`) != (c.status == 401) {
			t.Errorf("%s: challenge = %q", name, got)
		}
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", name, a.Header)
		}
		if strings.Contains(a.text, password) || strings.Contains(a.text, clientSecret) || strings.Contains(a.text, "parent") {
			t.Errorf("%s: the answer tells too much: %s", name, a.text)
		}
	}
}

// Guards against enumeration: the two answers are the same to the byte.
func TestUnknownClientAndWrongSecretLookAlike(t *testing.T) {
	t.Parallel()
	w := setup(t)
	unknown := w.post(form("grant_type", "client_credentials", "client_id", "nobody", "client_secret", "x"), nil)
	wrong := w.post(form("grant_type", "client_credentials", "client_id", "app:1", "client_secret", "x"), nil)
	for _, a := range []answer{unknown, wrong} {
		a.Header.Del("Date")
	}
	if unknown.text != wrong.text || fmt.Sprint(unknown.Header) != fmt.Sprint(wrong.Header) {
		t.Errorf("unknown %v %s, wrong %v %s", unknown.Header, unknown.text, wrong.Header, wrong.text)
	}
}

// Guards a promise to oauthlib, which raises when the scope of the answer is spelled differently.
func TestScopeIsEchoedAsAsked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for asked, granted := range map[string]int{
		"PM.License": 1, "PM.License.Read PM.License.Write": 2, "PM.User.Read PM.License": 2, "PM.License  PM.License ": 1,
	} {
		a := w.post(form("grant_type", "client_credentials", "client_id", "app:1", "client_secret", clientSecret, "scope", asked), nil)
		if a.StatusCode != 200 || a.body["scope"] != asked {
			t.Errorf("scope %q: %d %s", asked, a.StatusCode, a.text)
			continue
		}
		if principal, err := w.Verify(t.Context(), a.body["access_token"].(string)); err != nil || len(principal.Scopes) != granted {
			t.Errorf("scope %q: principal = %+v, %v", asked, principal, err)
		}
	}
}

func TestPasswordGrantIsLimitedByRoleAndScopes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a := w.post(form("grant_type", "password", "username", "BOSS", "password", password, "scope", "PM.License.Read"),
		func(r *http.Request) { r.SetBasicAuth("app%3A1", url.QueryEscape(clientSecret)) })
	if a.StatusCode != 200 || a.body["scope"] != "PM.License.Read" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	principal, err := w.Verify(t.Context(), a.body["access_token"].(string))
	if err != nil || principal.Kind != seatwright.PrincipalUser || principal.ID != string(w.boss.ID) || principal.Role != w.boss.Role || principal.Organization != w.acme.ID {
		t.Fatalf("principal = %+v, %v", principal, err)
	}
	if err := principal.Check(seatwright.PermissionReadLicenses); err != nil {
		t.Error(err)
	}
	if err := principal.Check(seatwright.PermissionWriteLicenses); err == nil {
		t.Error("a token for reading may write")
	}
}

// Guards against climbing: a token without any scope would be limited by the role alone.
func TestPasswordGrantNeedsAScope(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.view.application = func(a *seatwright.Application) { a.UserScopes = nil }
	a := w.post(form("grant_type", "password", "username", "boss", "password", password, "client_id", "app:1", "client_secret", clientSecret), nil)
	if a.StatusCode != 400 || a.body["error"] != "invalid_scope" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}

func TestInactivePersonCannotLogIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.view.user = func(u *seatwright.User) { u.Active = false }
	a := w.post(form("grant_type", "password", "username", "boss", "password", password, "client_id", "app:1", "client_secret", clientSecret), nil)
	if a.StatusCode != 400 || a.body["error"] != "invalid_grant" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}

func TestTroubleBehindTheTokenEndpointIsNotTheClientsFault(t *testing.T) {
	t.Parallel()
	w := setup(t)
	body := form("grant_type", "client_credentials", "client_id", "app:1", "client_secret", clientSecret)

	w.view.err = seatwright.Unavailable(seatwright.ReasonStoreUnavailable, errors.New("disk on fire"), "the database does not answer")
	if a := w.post(body, nil); a.StatusCode != 503 || a.body["error"] != "temporarily_unavailable" || a.Header.Get("Retry-After") != "1" || strings.Contains(a.text, "fire") {
		t.Errorf("unavailable: %d %v %s", a.StatusCode, a.Header, a.text)
	}
	w.view.err = errors.New("surprise")
	if a := w.post(body, nil); a.StatusCode != 500 || a.body["error"] != "server_error" || strings.Contains(a.text, "surprise") {
		t.Errorf("internal: %d %s", a.StatusCode, a.text)
	}
}
