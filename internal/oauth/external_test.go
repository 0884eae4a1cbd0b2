package oauth

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/ledger"
)

// identityProvider is another one, which people have an account with.
type identityProvider struct {
	*httptest.Server
	t      testing.TB
	key    *rsa.PrivateKey
	issuer string // that it says in its metadata
}

func newIdentityProvider(t testing.TB) *identityProvider {
	t.Helper()
	p := &identityProvider{t: t, key: must(rsa.GenerateKey(rand.Reader, 2048))}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.issuer, "jwks_uri": p.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/moved/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, p.URL+"/.well-known/openid-configuration", http.StatusFound)
	})
	p.Server = httptest.NewTLSServer(mux)
	p.issuer = p.URL
	t.Cleanup(p.Close)
	return p
}

// assertion is a token of the provider; edit may change what it says.
func (p *identityProvider) assertion(key any, algorithm jose.SignatureAlgorithm, now time.Time, edit func(map[string]any)) string {
	p.t.Helper()
	says := map[string]any{
		"iss": p.URL, "aud": "seatwright-at-idp", "sub": "idp|1", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(),
		"preferred_username": "Boss", "email": "boss@idp.example", "name": "The Boss",
	}
	if edit != nil {
		edit(says)
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil))
	return must(jwt.Signed(signer).Claims(says).Serialize())
}

// setting sets a setting of acme.
func (w *world) setting(key seatwright.SettingKey, value string) {
	w.t.Helper()
	_, err := ledger.Submit(w.t.Context(), w.ledger, seatwright.Origin{Actor: "test"}, seatwright.ChangeSettings{
		Organization: w.acme.ID, Settings: []seatwright.NewSetting{{Key: key, Value: &value}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Promise: whoever the trusted provider says somebody is gets in, and nobody else; who is not known is created only where the
// organization wants it.
func TestAnotherProviderVouchesForPeople(t *testing.T) {
	t.Parallel()
	w := setup(t)
	idp := newIdentityProvider(t)
	w.Provider.external = newExternal(idp.Client(), time.Now)
	now := time.Now()
	ask := func(assertion string) answer {
		t.Helper()
		return w.post(form("grant_type", grantAssertion, "assertion", assertion, "client_id", "app:1", "client_secret", clientSecret), nil)
	}
	good := idp.assertion(idp.key, jose.RS256, now, nil)
	if a := ask(good); a.body["error"] != "invalid_grant" {
		t.Errorf("an organization that trusts nobody: %d %s", a.StatusCode, a.text)
	}
	w.setting(seatwright.SettingExternalIssuer, idp.URL)
	w.setting(seatwright.SettingExternalAudience, "seatwright-at-idp")
	a := ask(good)
	if a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if principal, err := w.Verify(t.Context(), a.body["access_token"].(string)); err != nil || principal.ID != string(w.boss.ID) {
		t.Errorf("the token is of %+v, %v", principal, err)
	}
	stranger := must(rsa.GenerateKey(rand.Reader, 2048))
	for name, assertion := range map[string]string{
		"another key":       idp.assertion(stranger, jose.RS256, now, nil),
		"the key as secret": idp.assertion([]byte(strings.Repeat("k", 64)), jose.HS256, now, nil),
		"another audience":  idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["aud"] = "somebody" }),
		"another issuer":    idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["iss"] = "https://idp.example" }),
		"ended":             idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["exp"] = now.Add(-2 * time.Minute).Unix() }),
		"not yet":           idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["nbf"] = now.Add(2 * time.Minute).Unix() }),
		"no end":            idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { delete(m, "exp") }),
		"no subject":        idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { delete(m, "sub") }),
		"no user name":      idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { delete(m, "preferred_username") }),
		"unknown":           idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["preferred_username"] = "new" }),
		"of globex":         idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["preferred_username"] = "stranger" }),
		"garbage":           "x.y.z",
		"our own token":     w.bossToken(),
		"unsigned":          "eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".",
	} {
		if a := ask(assertion); a.StatusCode != 400 || a.body["error"] != "invalid_grant" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	w.setting(seatwright.SettingExternalCreateUsers, "true")
	newcomer := idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) {
		m["preferred_username"], m["sub"], m["email"] = "new", "idp|2", "new@idp.example"
	})
	for range 2 {
		if a := ask(newcomer); a.StatusCode != 200 {
			t.Errorf("a newcomer: %d %s", a.StatusCode, a.text)
		}
	}
	person, err := w.store.UserByName(t.Context(), w.acme.ID, "new")
	if err != nil || person.ExternalID != "idp|2" || person.Email != "new@idp.example" || person.Role != seatwright.RoleMember {
		t.Errorf("the newcomer is %+v, %v", person, err)
	}
	// Somebody else who took over the name at the provider is somebody else here.
	if a := ask(idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["preferred_username"], m["sub"] = "new", "idp|3" })); a.body["error"] != "invalid_grant" {
		t.Errorf("another person of that name: %d %s", a.StatusCode, a.text)
	}
	for name, issuer := range map[string]string{
		"plain http": strings.Replace(idp.URL, "https://", "http://", 1), "one that redirects": idp.URL + "/moved", "nothing there": "https://127.0.0.1:1",
	} {
		w.setting(seatwright.SettingExternalIssuer, issuer)
		if a := ask(idp.assertion(idp.key, jose.RS256, now, func(m map[string]any) { m["iss"] = issuer })); a.StatusCode != 400 || a.body["error"] != "invalid_grant" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
}

// Promise: an organization can switch the logins with a password off, each for itself.
func TestPasswordLoginsAreSwitchedOff(t *testing.T) {
	t.Parallel()
	w := setup(t)
	grant := func() answer {
		return w.post(form("grant_type", "password", "username", "boss", "password", password, "client_id", "app:1", "client_secret", clientSecret), nil)
	}
	login := func() answer {
		return w.authenticate("/acme/api/account/authenticate", "application/json", `{"UsernameOrEmailAddress":"boss","Password":"`+password+`"}`)
	}
	if a, b := grant(), login(); a.StatusCode != 200 || b.StatusCode != 200 {
		t.Fatalf("%d %s, %d %s", a.StatusCode, a.text, b.StatusCode, b.text)
	}
	w.setting(seatwright.SettingPasswordGrant, "False")
	if a, b := grant(), login(); a.StatusCode != 400 || a.body["error"] != "unauthorized_client" || b.StatusCode != 200 {
		t.Errorf("without the grant: %d %s, %d %s", a.StatusCode, a.text, b.StatusCode, b.text)
	}
	w.setting(seatwright.SettingPasswordGrant, "true")
	w.setting(seatwright.SettingROPC, "false")
	if a, b := grant(), login(); a.StatusCode != 200 || b.StatusCode != 401 {
		t.Errorf("without the login: %d %s, %d %s", a.StatusCode, a.text, b.StatusCode, b.text)
	}
}

// Promise: a personal token does what its scopes and its person may, until it ends, is renewed or deleted; its last use is known to
// the minute.
func TestPersonalTokens(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tokens := directory.NewPersonalTokens(w.store, w.ledger, w, time.Now)
	boss := seatwright.Caller{Principal: seatwright.Principal{
		Kind: seatwright.PrincipalUser, ID: string(w.boss.ID), Organization: w.acme.ID, Role: w.boss.Role,
	}, Via: "test", RequestID: "r"}
	ends := time.Now().Add(time.Hour)
	w.clock.offset.Store(int64(time.Until(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) * -1)) // the provider's clock is now
	made, text, err := tokens.Create(t.Context(), boss, w.acme.ID, "mine", ends, []seatwright.Scope{"PM.License.Read"})
	if err != nil {
		t.Fatal(err)
	}
	principal, err := w.Verify(t.Context(), text)
	if err != nil || principal.ID != string(w.boss.ID) || principal.Check(seatwright.PermissionReadLicenses) != nil || principal.Check(seatwright.PermissionWriteLicenses) == nil {
		t.Fatalf("%+v, %v", principal, err)
	}
	if g, err := tokens.Get(t.Context(), boss, w.acme.ID, made.ID); err != nil || g.UsedAt.IsZero() {
		t.Errorf("the last use is %s, %v", g.UsedAt, err)
	}
	scoped := boss
	scoped.Principal.Scopes = principal.Scopes
	if _, _, err := tokens.Create(t.Context(), scoped, w.acme.ID, "", ends, []seatwright.Scope{"PM.License"}); !seatwright.IsKind(err, seatwright.KindForbidden) {
		t.Errorf("a token makes a token: %v", err)
	}
	for name, wrong := range map[string]string{
		"another secret": text[:len(text)-1] + "x", "a longer one": text + "x", "as a code": "swg_" + text[4:], "another number": strings.Replace(text, ".0.", ".1.", 1),
		"prefix alone": "swp_", "no secret": text[:strings.LastIndex(text, ".")+1],
	} {
		if p, err := w.Verify(t.Context(), wrong); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	_, renewed, err := tokens.Renew(t.Context(), boss, w.acme.ID, made.ID, ends)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := w.Verify(t.Context(), text); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("the text of before: %+v, %v", p, err)
	}
	if _, err := w.Verify(t.Context(), renewed); err != nil {
		t.Errorf("the new text: %v", err)
	}
	w.view.user = func(u *seatwright.User) { u.Role = seatwright.RoleMember }
	w.Forget()
	if p, err := w.Verify(t.Context(), renewed); err != nil || p.Check(seatwright.PermissionReadLicenses) == nil {
		t.Errorf("after losing the role: %+v, %v", p, err)
	}
	w.view.user = func(u *seatwright.User) { u.Active = false }
	w.Forget()
	if p, err := w.Verify(t.Context(), renewed); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("of somebody inactive: %+v, %v", p, err)
	}
	w.view.user = nil
	w.clock.advance(2 * time.Hour)
	w.Forget()
	if p, err := w.Verify(t.Context(), renewed); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("after its end: %+v, %v", p, err)
	}
	w.clock.advance(-2 * time.Hour)
	if err := tokens.Delete(t.Context(), boss, w.acme.ID, made.ID); err != nil {
		t.Fatal(err)
	}
	if p, err := w.Verify(t.Context(), renewed); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("after deletion: %+v, %v", p, err)
	}
}
