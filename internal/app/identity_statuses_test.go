package app_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/seatwright/seatwright"
)

const oddSecret = "a+secret with %signs: and/slashes & an = sign"

// forge adds tokens that must not be accepted. Those that only the holder of the signing key can make are made with it,
// read from the store.
func (w *world) forge(t *testing.T) {
	t.Helper()
	keys, err := w.Store().SigningKeys(t.Context())
	check(t, err)
	parsed, err := x509.ParsePKCS8PrivateKey(keys[0].Sealed[1:])
	check(t, err)
	own, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("the signing key is a %T", parsed)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	claims := func(from, until time.Duration) map[string]any {
		now := time.Now()
		return map[string]any{
			"iss": w.Address() + "/acme/identity_", "sub": "acme-admin", "sub_type": "user", "aud": "seatwright", "prt_id": w.demo.Acme.Organization,
			"iat": now.Add(from).Unix(), "nbf": now.Add(from).Unix(), "exp": now.Add(until).Unix(), "jti": seatwright.NewID(),
		}
	}
	good := claims(-time.Minute, time.Hour)
	elsewhere := claims(-time.Minute, time.Hour)
	elsewhere["aud"] = "another-service"
	public := x509.MarshalPKCS1PublicKey(&own.PublicKey)
	sign := func(algorithm jose.SignatureAlgorithm, key any, kind string, c map[string]any) string {
		options := (&jose.SignerOptions{}).WithHeader("kid", keys[0].ID).WithType(jose.ContentType(kind))
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
		check(t, err)
		token, err := jwt.Signed(signer).Claims(c).Serialize()
		check(t, err)
		return token
	}
	// Only where this one is accepted do the others show anything.
	w.tokens["self-made"] = sign(jose.RS256, own, "at+jwt", good)
	if got := w.do(t, call{as: "self-made", method: "GET", path: "/lease_/api/account/acme/user-license"}); got.status != 200 {
		t.Fatalf("a token like the server's own: %d %s", got.status, got.body)
	}
	parts := strings.Split(w.tokens["administrator"], ".")
	w.tokens["expired"] = sign(jose.RS256, own, "at+jwt", claims(-2*time.Hour, -2*time.Minute))
	w.tokens["early"] = sign(jose.RS256, own, "at+jwt", claims(10*time.Minute, time.Hour))
	w.tokens["foreign"] = sign(jose.RS256, own, "at+jwt", elsewhere)
	w.tokens["stranger"] = sign(jose.RS256, stranger, "at+jwt", good)
	w.tokens["untyped"] = sign(jose.RS256, own, "JWT", good)
	w.tokens["symmetric"] = sign(jose.HS256, public, "at+jwt", good)
	w.tokens["unsigned"] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
	w.tokens["truncated"] = parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-4]
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(w.tokens["member"], ".")[1])
	check(t, err)
	risen := strings.ReplaceAll(string(payload), `"sub":"member"`, `"sub":"acme-admin"`)
	if risen == string(payload) {
		t.Fatalf("the token of the member has %s", payload)
	}
	w.tokens["tampered"] = strings.Split(w.tokens["member"], ".")[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(risen)) + "." + strings.Split(w.tokens["member"], ".")[2]
}

func authenticateRows() []row {
	const right = `{"TenancyName":"acme","UsernameOrEmailAddress":"admin@acme.example","Password":"{password}"}`
	login := func(path, body string) call { return call{method: "POST", path: path, body: body} }
	const path = "/api/account/authenticate"
	yes := []string{`"result":"eyJ`, `"targetUrl":null`, `"success":true`, `"error":null`, `"unAuthorizedRequest":false`, `"__abp":true`}
	no := []string{`"result":null`, `"success":false`, `"unAuthorizedRequest":true`, `"__abp":true`, `"message":"Invalid credentials"`}
	rows := []row{
		{name: "administrator", call: login(path, right), events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "camel case", call: login("/api/Account/Authenticate", `{"tenancyName":"acme","usernameOrEmailAddress":"admin@acme.example","password":"{password}"}`), events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "organization in the path", call: login("/acme/api/account/authenticate", `{"UsernameOrEmailAddress":"ADMIN@acme.example","Password":"{password}"}`), events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "tenant in the path", call: login("/acme/DefaultTenant/api/account/authenticate/", `{"tenancyName":"nothing","UsernameOrEmailAddress":"admin@acme.example","Password":"{password}"}`), events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "organization by id", call: login(path, `{"TenancyName":"{acme}","UsernameOrEmailAddress":"admin@acme.example","Password":"{password}"}`), events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "member", call: login(path, `{"TenancyName":"ACME","UsernameOrEmailAddress":"member","Password":"`+memberPassword+`"}`), events: []string{"user.signed_in member"}, status: 200, contains: yes},
		{name: "host", call: login(path, `{"TenancyName":"host","UsernameOrEmailAddress":"host-admin","Password":"{host password}"}`), events: []string{"user.signed_in host-admin"}, chain: "host", status: 200, contains: yes},
		{name: "chunked", call: call{method: "POST", path: path, body: right, chunked: true}, events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "wrong password", call: login(path, `{"TenancyName":"acme","UsernameOrEmailAddress":"admin@acme.example","Password":"wrong"}`), events: []string{"user.sign_in_refused acme-admin"}, status: 401, contains: no},
		{name: "unknown user", call: login(path, `{"TenancyName":"acme","UsernameOrEmailAddress":"nobody","Password":"{password}"}`), status: 401, contains: no},
		{name: "unknown organization", call: login(path, `{"TenancyName":"nobody","UsernameOrEmailAddress":"admin@acme.example","Password":"{password}"}`), status: 401, contains: no},
		{name: "tenant of two organizations", call: login(path, `{"TenancyName":"Twin","UsernameOrEmailAddress":"admin@acme.example","Password":"{password}"}`), status: 401, contains: no},
		{name: "tenant of one organization", call: login(path, `{"TenancyName":"defaulttenant","UsernameOrEmailAddress":"admin@acme.example","Password":"{password}"}`), events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "foreign organization", call: login("/globex/api/account/authenticate", right), status: 401, contains: no},
		{name: "person without password", call: login(path, `{"TenancyName":"acme","UsernameOrEmailAddress":"singer-77","Password":" "}`), events: []string{"user.sign_in_refused singer-77"}, status: 401, contains: no},
		{name: "unknown name twice", call: login(path, `{"x":1,"X":2,"TenancyName":"acme","UsernameOrEmailAddress":"admin@acme.example","Password":"{password}"}`), status: 400, contains: []string{`"__abp":true`}},
		{name: "over 16 KiB", call: login(path, `{"Password":"`+strings.Repeat("x", 16<<10)+`"}`), status: 413, contains: []string{`"__abp":true`}},
		{name: "form", call: call{method: "POST", path: path, body: "Password=x", header: formType}, status: 415, contains: []string{`"__abp":true`}},
		{name: "wrong method", call: call{method: "GET", path: path}, status: 405, allow: "POST", contains: []string{`"__abp":true`}},
	}
	for name, body := range map[string]string{
		"no password": `{"TenancyName":"acme","UsernameOrEmailAddress":"x"}`, "wrong type": `{"TenancyName":7,"UsernameOrEmailAddress":"x","Password":"x"}`,
		"null": `null`, "broken": `{`, "duplicate": `{"Password":"x","password":"y","UsernameOrEmailAddress":"x"}`, "trailing": `{} {}`, "not UTF-8": "{\"Password\":\"\xff\"}",
	} {
		rows = append(rows, row{name: name, call: login(path, body), status: 400, contains: []string{`"success":false`, `"__abp":true`}})
	}
	return rows
}

func tokenRows() []row {
	const path = "/identity_/connect/token"
	with := func(form url.Values, header ...string) call {
		headers := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		for i := 0; i < len(header); i += 2 {
			headers[header[i]] = header[i+1]
		}
		// The placeholders must not be escaped; what they stand for needs no escape.
		body := strings.NewReplacer("%7B", "{", "%7D", "}", "%20", " ").Replace(strings.ReplaceAll(form.Encode(), "{host+password}", "{host password}"))
		return call{method: "POST", path: path, body: body, header: headers}
	}
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	}
	client := func(more ...string) url.Values {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme-script"}, "client_secret": {"{secret}"}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	person := func(user, password string) url.Values {
		return client("grant_type", "password", "username", user, "password", password, "scope", "PM.License")
	}
	yes := []string{`"access_token":"eyJ`, `"expires_in":3600`, `"token_type":"Bearer"`, `"scope":"PM.License"`}
	empty := client("code", "", "code_verifier", "", "redirect_uri", "", "refresh_token", "", "scope", "")
	twice := client()
	twice.Add("grant_type", "client_credentials")
	inOrganization, inTenant := with(client()), with(client())
	inOrganization.path, inTenant.path = "/acme"+path, "/acme/DefaultTenant/Identity_/Connect/Token"
	inQuery := with(url.Values{})
	inQuery.path += "?" + client("client_secret", "x").Encode()
	chunked := with(client())
	chunked.chunked = true
	return []row{
		{name: "client credentials", call: with(client("scope", "PM.License")), events: []string{"application.signed_in acme-script"}, status: 200, contains: yes},
		{name: "no scope is every scope", call: with(client()), events: []string{"application.signed_in acme-script"}, status: 200, contains: yes},
		{name: "empty fields", call: with(empty), events: []string{"application.signed_in acme-script"}, status: 200, contains: yes},
		{name: "chunked", call: chunked, events: []string{"application.signed_in acme-script"}, status: 200, contains: yes},
		{name: "under an organization", call: inOrganization, events: []string{"application.signed_in acme-script"}, status: 200, contains: yes},
		{name: "under a tenant", call: inTenant, events: []string{"application.signed_in acme-script"}, status: 200, contains: yes},
		{name: "part of a scope", call: with(client("scope", "PM.License.Read")), events: []string{"application.signed_in acme-script"}, status: 200, contains: []string{`"scope":"PM.License.Read"`}},
		{name: "Basic, form-encoded", call: with(url.Values{"grant_type": {"client_credentials"}}, "Authorization", basic("odd:id|x", oddSecret)), events: []string{"application.signed_in odd:id|x"}, status: 200, contains: yes},
		{name: "password", call: with(person("admin@acme.example", "{password}")), events: []string{"user.signed_in acme-admin"}, status: 200, contains: yes},
		{name: "password of a member", call: with(person("member", memberPassword)), events: []string{"user.signed_in member"}, status: 200, contains: yes},
		{name: "charset", call: with(client(), "Content-Type", "application/x-www-form-urlencoded;charset=UTF-8"), events: []string{"application.signed_in acme-script"}, status: 200, contains: yes},
		{name: "wrong password", call: with(person("admin@acme.example", "wrong")), events: []string{"user.sign_in_refused acme-admin"}, status: 400, contains: []string{`"error":"invalid_grant"`}},
		{name: "person of another partition", call: with(person("host-admin", "{host password}")), status: 400, contains: []string{`"error":"invalid_grant"`}},
		{name: "no user name", call: with(client("grant_type", "password")), status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "wrong secret", call: with(client("client_secret", "wrong")), events: []string{"application.sign_in_refused acme-script"}, status: 401, contains: []string{`"error":"invalid_client"`}},
		{name: "unknown client", call: with(client("client_id", "nobody")), status: 401, contains: []string{`"error":"invalid_client"`}},
		{name: "no client", call: with(url.Values{"grant_type": {"client_credentials"}}), status: 401, contains: []string{`"error":"invalid_client"`}},
		{name: "Basic, wrong", call: with(url.Values{"grant_type": {"client_credentials"}}, "Authorization", basic("acme-script", "wrong")), events: []string{"application.sign_in_refused acme-script"}, status: 401, contains: []string{`"error":"invalid_client"`}},
		{name: "scope that is not registered", call: with(client("scope", "PM.License PM.Audit")), status: 400, contains: []string{`"error":"invalid_scope"`}},
		{name: "scope that does not exist", call: with(client("scope", "PM.Nothing")), status: 400, contains: []string{`"error":"invalid_scope"`}},
		{name: "unknown grant", call: with(client("grant_type", "implicit")), status: 400, contains: []string{`"error":"unsupported_grant_type"`}},
		{name: "authorization code", call: with(client("grant_type", "authorization_code", "code", "x", "redirect_uri", "https://app.example/")), status: 400, contains: []string{`"error":"invalid_grant"`}},
		{name: "refresh token", call: with(client("grant_type", "refresh_token", "refresh_token", "x")), status: 400, contains: []string{`"error":"invalid_grant"`}},
		{name: "assertion without a trusted provider", call: with(client("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", "x")), status: 400, contains: []string{`"error":"invalid_grant"`}},
		{name: "no grant", call: with(client("grant_type", "")), status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "repeated parameter", call: with(twice), status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "credentials in the URL", call: inQuery, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "JSON", call: call{method: "POST", path: path, body: `{"grant_type":"client_credentials"}`}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "not a form", call: with(url.Values{}, "X", "y"), status: 400},
		{name: "over 16 KiB", call: with(client("scope", strings.Repeat("x", 16<<10))), status: 413, contains: []string{`"error":"invalid_request"`}},
		{name: "wrong method", call: call{method: "GET", path: path}, status: 405, allow: "POST", contains: []string{`"error":"invalid_request"`}},
	}
}

func authorizeRows() []row {
	const query = "?response_type=code&client_id=acme-script&redirect_uri=https%3A%2F%2Fexample.org%2F&state=s&code_challenge=c&code_challenge_method=S256"
	return []row{
		{name: "foreign address", call: call{method: "GET", path: "/identity_/connect/authorize" + query}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "to the login page", call: call{method: "GET", path: "/identity_/connect/authorize" + signIn}, status: 302},
		{name: "what the client is told", call: call{method: "GET", path: "/identity_/connect/authorize" + signIn + "&prompt=none"}, status: 302},
		{name: "no host", call: call{method: "GET", path: "/identity_/connect/authorize" + signIn, header: noHost}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "nothing", call: call{method: "GET", path: "/acme/identity_/connect/authorize"}, status: 400, contains: []string{`"error":`}},
		{name: "wrong method", call: call{method: "PUT", path: "/identity_/connect/authorize"}, status: 405, allow: "GET, POST"},
	}
}

// signIn is an authorization request of the demonstration's application for a browser.
const signIn = "?response_type=code&client_id=acme-web&redirect_uri=http%3A%2F%2F127.0.0.1%3A9080%2Fcallback&scope=openid&state=s"

func loginPageRows() []row {
	const path = "/identity_/connect/login"
	return []row{
		{name: "page", call: call{method: "GET", path: path + signIn}, page: true, status: 200, contains: []string{"<form", `name="password"`, "demo web application"}},
		{name: "foreign address", call: call{method: "GET", path: path + strings.Replace(signIn, "127.0.0.1", "evil.example", 1)}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "nothing", call: call{method: "GET", path: path}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "wrong method", call: call{method: "POST", path: path, body: "{}"}, status: 405, allow: "GET, HEAD"},
	}
}

func endSessionRows() []row {
	const path = "/identity_/connect/endsession"
	return []row{
		{name: "page", call: call{method: "GET", path: path}, page: true, status: 200, contains: []string{"You have signed out."}},
		{name: "back to the client", call: call{method: "GET", path: path + "?client_id=acme-web&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A9080%2Fcallback&state=s"}, status: 302},
		{name: "foreign address", call: call{method: "GET", path: path + "?client_id=acme-web&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F"}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "forged hint", call: call{method: "GET", path: path + "?id_token_hint=x.y.z"}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "wrong method", call: call{method: "DELETE", path: path}, status: 405, allow: "GET, POST"},
	}
}

func userInfoRows() []row {
	const path = "/identity_/connect/userinfo"
	as := func(token string) map[string]string {
		return map[string]string{"Authorization": "Bearer {token " + token + "}"}
	}
	return []row{
		{name: "signed in with a browser", call: call{method: "GET", path: path, header: as("browser")}, status: 200, contains: []string{`"sub":"acme-admin"`, `"prt_id":"{acme}"`, `"preferred_username":"admin@acme.example"`}},
		{name: "nobody", call: call{method: "GET", path: path}, status: 401, contains: []string{`"error":`}},
		{name: "garbage", call: call{method: "GET", path: path, header: map[string]string{"Authorization": "Bearer x.y.z"}}, status: 401, contains: []string{`"error":"invalid_token"`}},
		{name: "application", call: call{method: "GET", path: path, header: as("application")}, status: 403, contains: []string{`"error":"insufficient_scope"`}},
		{name: "no host", call: call{method: "GET", path: path, header: noHost}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "wrong method", call: call{method: "PUT", path: path, body: "{}"}, status: 405, allow: "GET, POST"},
	}
}

// tokenOfClientRows are those of introspection and revocation, which take the same.
func tokenOfClientRows(path string, found ...string) []row {
	with := func(body string) call {
		return call{method: "POST", path: path, body: body, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	}
	const client = "client_id=acme-script&client_secret={secret}"
	return []row{
		{name: "garbage", call: with(client + "&token=x"), status: 200, contains: found},
		{name: "foreign token", call: with(client + "&token={token globex}"), status: 200, contains: found},
		{name: "no token", call: with(client), status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "wrong secret", call: with("client_id=acme-script&client_secret=x&token=x"), events: []string{"application.sign_in_refused acme-script"}, status: 401, contains: []string{`"error":"invalid_client"`}},
		{name: "no client", call: with("token=x"), status: 401, contains: []string{`"error":"invalid_client"`}},
		{name: "over 16 KiB", call: with(client + "&token=" + strings.Repeat("x", 16<<10)), status: 413, contains: []string{`"error":"invalid_request"`}},
		{name: "in the URL", call: call{method: "POST", path: path + "?token=x", body: "", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "wrong method", call: call{method: "GET", path: path}, status: 405, allow: "POST"},
	}
}

// noHost is a Host header of which no issuer can be made.
var noHost = map[string]string{"Host": "a!b"}

func discoveryRows() []row {
	var rows []row
	for _, prefix := range []string{"/identity_", "/identity", "/acme/identity_", "/acme/DefaultTenant/identity_", "/{acme}/identity_"} {
		issuer := []string{prefix + `"`, prefix + `/connect/token"`, `"client_credentials"`, `"password"`, `"PM.License.Read"`}
		rows = append(rows,
			row{name: prefix, call: call{method: "GET", path: prefix + "/.well-known/openid-configuration"}, status: 200, contains: issuer},
			row{name: "RFC 8414 " + prefix, call: call{method: "GET", path: "/.well-known/oauth-authorization-server" + prefix}, status: 200, contains: issuer},
		)
	}
	const path = "/identity_/.well-known/openid-configuration"
	return append(rows,
		row{name: "no host", call: call{method: "GET", path: path, header: noHost}, status: 400, contains: []string{`"error":"invalid_request"`}},
		row{name: "wrong method", call: call{method: "POST", path: path, body: "{}"}, status: 405, allow: "GET, HEAD"},
	)
}

func keysRows() []row {
	const path = "/identity_/.well-known/openid-configuration/jwks"
	return []row{
		{name: "anonymous", call: call{method: "GET", path: path}, status: 200, contains: []string{`"RS256"`, `"kid":`, `"sig"`}, lacks: []string{`"d":`, `"p":`, `"q":`}},
		{name: "no host", call: call{method: "GET", path: path, header: noHost}, status: 400, contains: []string{`"error":"invalid_request"`}},
		{name: "under an organization", call: call{method: "GET", path: "/acme" + path}, status: 200, contains: []string{`"kid":`}},
		{name: "wrong method", call: call{method: "DELETE", path: path}, status: 405, allow: "GET, HEAD"},
	}
}
