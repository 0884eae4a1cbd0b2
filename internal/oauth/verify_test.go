package oauth

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

// forge writes a token by hand, so that it can say what no library would.
func forge(header, payload string, sign func(input []byte) []byte) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return input + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(input)))
}

func withRSA(key *rsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		return must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]))
	}
}

func withPSS(key *rsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		return must(rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], nil))
	}
}

func withHMAC(key []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(input)
		return h.Sum(nil)
	}
}

func unsigned([]byte) []byte { return nil }

// Guards the border of the whole server: only our own unaltered access tokens of this moment are accepted.
func TestVerifyRefusesForgedTokens(t *testing.T) {
	t.Parallel()
	w := setup(t)
	kid := w.keys.current.Load().published.Keys[0].KeyID
	ours := w.keys.current.Load().private[kid]
	foreign := must(rsa.GenerateKey(rand.Reader, 2048))
	now := w.clock.now().Unix()
	fair := map[string]any{
		"iss": "http://issuer.example", "sub": "app:1", "sub_type": "application", "client_id": "app:1", "aud": "seatwright", "exp": now + 3600,
		"iat": now, "nbf": now, "jti": "1", "prt_id": w.acme.ID, "scope": "PM.License",
	}
	changed := func(name string, value any) string {
		c := maps.Clone(fair)
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return string(must(json.Marshal(c)))
	}
	claims := changed("jti", "2")
	header := fmt.Sprintf(`{"alg":"RS256","typ":"at+jwt","kid":%q}`, kid)
	public := must(x509.MarshalPKIXPublicKey(&ours.PublicKey))
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	jwk := func(k *rsa.PublicKey, id string) string {
		return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":"AQAB"}`, id, base64.RawURLEncoding.EncodeToString(k.N.Bytes()))
	}
	headerWith := func(more string) string { return strings.TrimSuffix(header, "}") + "," + more + "}" }

	good := forge(header, claims, withRSA(ours))
	if _, err := w.Verify(t.Context(), good); err != nil {
		t.Fatalf("the fair token: %v", err)
	}
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"none":                           forge(fmt.Sprintf(`{"alg":"none","typ":"at+jwt","kid":%q}`, kid), claims, unsigned),
		"None":                           forge(fmt.Sprintf(`{"alg":"None","typ":"at+jwt","kid":%q}`, kid), claims, unsigned),
		"no algorithm":                   forge(fmt.Sprintf(`{"typ":"at+jwt","kid":%q}`, kid), claims, withRSA(ours)),
		"signature cut off":              parts[0] + "." + parts[1] + ".",
		"no signature part":              parts[0] + "." + parts[1],
		"four parts":                     good + ".x",
		"HS256 with the public DER":      forge(fmt.Sprintf(`{"alg":"HS256","typ":"at+jwt","kid":%q}`, kid), claims, withHMAC(public)),
		"HS256 with the public PEM":      forge(fmt.Sprintf(`{"alg":"HS256","typ":"at+jwt","kid":%q}`, kid), claims, withHMAC(publicPEM)),
		"HS256 with the modulus":         forge(fmt.Sprintf(`{"alg":"HS256","typ":"at+jwt","kid":%q}`, kid), claims, withHMAC(ours.N.Bytes())),
		"PS256 with our key":             forge(fmt.Sprintf(`{"alg":"PS256","typ":"at+jwt","kid":%q}`, kid), claims, withPSS(ours)),
		"PSS under the name of RS256":    forge(header, claims, withPSS(ours)),
		"foreign key under our kid":      forge(header, claims, withRSA(foreign)),
		"foreign key embedded":           forge(headerWith(`"jwk":`+jwk(&foreign.PublicKey, kid)), claims, withRSA(foreign)),
		"foreign key behind jku":         forge(headerWith(`"jku":"https://evil.example/jwks"`), claims, withRSA(foreign)),
		"foreign key behind x5u":         forge(headerWith(`"x5u":"https://evil.example/cert"`), claims, withRSA(foreign)),
		"unknown kid":                    forge(`{"alg":"RS256","typ":"at+jwt","kid":"other"}`, claims, withRSA(ours)),
		"kid of a file":                  forge(`{"alg":"RS256","typ":"at+jwt","kid":"../../dev/null"}`, claims, withRSA(foreign)),
		"kid with a quote":               forge(`{"alg":"RS256","typ":"at+jwt","kid":"' or 1=1 --"}`, claims, withRSA(foreign)),
		"empty kid":                      forge(`{"alg":"RS256","typ":"at+jwt","kid":""}`, claims, withRSA(ours)),
		"no kid":                         forge(`{"alg":"RS256","typ":"at+jwt"}`, claims, withRSA(ours)),
		"kid that is no text":            forge(`{"alg":"RS256","typ":"at+jwt","kid":1}`, claims, withRSA(ours)),
		"kid twice":                      forge(headerWith(`"kid":"other"`), claims, withRSA(ours)),
		"algorithm twice":                forge(headerWith(`"alg":"none"`), claims, withRSA(ours)),
		"type JWT, as an ID token":       forge(fmt.Sprintf(`{"alg":"RS256","typ":"JWT","kid":%q}`, kid), claims, withRSA(ours)),
		"type in upper case":             forge(fmt.Sprintf(`{"alg":"RS256","typ":"AT+JWT","kid":%q}`, kid), claims, withRSA(ours)),
		"no type":                        forge(fmt.Sprintf(`{"alg":"RS256","kid":%q}`, kid), claims, withRSA(ours)),
		"critical extension":             forge(headerWith(`"crit":["exp"],"exp":1`), claims, withRSA(ours)),
		"wrong audience":                 forge(header, changed("aud", "other"), withRSA(ours)),
		"several audiences":              forge(header, changed("aud", []string{"seatwright", "other"}), withRSA(ours)),
		"no audience":                    forge(header, changed("aud", nil), withRSA(ours)),
		"no organization":                forge(header, changed("prt_id", nil), withRSA(ours)),
		"another organization":           forge(header, changed("prt_id", w.globex.ID), withRSA(ours)),
		"no issuer":                      forge(header, changed("iss", nil), withRSA(ours)),
		"no subject":                     forge(header, changed("sub", nil), withRSA(ours)),
		"no kind of subject":             forge(header, changed("sub_type", nil), withRSA(ours)),
		"unknown kind of subject":        forge(header, changed("sub_type", "operator"), withRSA(ours)),
		"a person with a client's id":    forge(header, changed("sub_type", "user"), withRSA(ours)),
		"subject that is not the client": forge(header, changed("sub", "app:2"), withRSA(ours)),
		"application without client":     forge(header, changed("client_id", nil), withRSA(ours)),
		"unknown application":            forge(header, changed("client_id", "app:2"), withRSA(ours)),
		"expired":                        forge(header, changed("exp", now-60), withRSA(ours)),
		"no expiry":                      forge(header, changed("exp", nil), withRSA(ours)),
		"expiry as a text":               forge(header, changed("exp", "9999999999"), withRSA(ours)),
		"not yet":                        forge(header, changed("nbf", now+61), withRSA(ours)),
		"no beginning":                   forge(header, changed("nbf", nil), withRSA(ours)),
		"issued in the future":           forge(header, changed("iat", now+61), withRSA(ours)),
		"never issued":                   forge(header, changed("iat", nil), withRSA(ours)),
		"claim twice":                    forge(header, strings.TrimSuffix(claims, "}")+`,"prt_id":"x"}`, withRSA(ours)),
		"not JSON":                       forge(header, "x", withRSA(ours)),
		"JSON of another kind":           forge(header, "[]", withRSA(ours)),
		"line break inside":              good[:20] + "\n" + good[20:],
		"line break behind":              good + "\n",
		"space before":                   " " + good,
		"padding":                        good + "==",
		"JSON serialization":             fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"no token at all":                "x",
		"dots":                           "..",
		"enormous":                       strings.Repeat("x", 1<<20),
	} {
		if principal, err := w.Verify(t.Context(), token); !isReason(err, seatwright.ReasonInvalidToken) || seatwright.AsError(err).Detail != "the token is not valid" {
			t.Errorf("%s: %+v, %v", name, principal, err)
		}
	}
	if _, err := w.Verify(t.Context(), ""); !isReason(err, seatwright.ReasonNoToken) {
		t.Errorf("no token: %v", err)
	}
	for name, token := range map[string]string{
		"just expired, within the leeway": forge(header, changed("exp", now-59), withRSA(ours)),
		"clock of another node ahead":     forge(header, changed("nbf", now+60), withRSA(ours)),
		"another issuer":                  forge(header, changed("iss", "https://other.example/x"), withRSA(ours)),
	} {
		if _, err := w.Verify(t.Context(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefusesEveryFlippedBitAndEveryTruncation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	good := w.appToken()
	if _, err := w.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	signature := strings.LastIndexByte(good, '.') + 1
	for i := range good {
		if i < signature && i%11 != 0 {
			continue
		}
		for bit := range 8 {
			altered := []byte(good)
			altered[i] ^= 1 << bit
			if _, err := w.Verify(t.Context(), string(altered)); !isReason(err, seatwright.ReasonInvalidToken) {
				t.Fatalf("bit %d of byte %d (%q for %q): %v", bit, i, altered[i], good[i], err)
			}
		}
	}
	for i := 1; i < len(good); i += 7 {
		if _, err := w.Verify(t.Context(), good[:i]); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Fatalf("first %d bytes: %v", i, err)
		}
	}
}

// Guards revocation: what the token says about role and scopes is what the directory says now.
func TestVerifyAsksTheDirectory(t *testing.T) {
	t.Parallel()
	w := setup(t)
	throughApp := personToken(w.boss)
	throughApp.Client, throughApp.ClientSince, throughApp.Scope = w.app.ID, w.app.CreatedAt.UnixMicro(), "PM.License"
	boss, app, both := w.bossToken(), w.appToken(), must(w.mint("http://issuer.example", throughApp))
	principal := func(token string) (seatwright.Principal, error) {
		w.Forget()
		return w.Verify(t.Context(), token)
	}
	if p, err := principal(boss); err != nil || p.Role != seatwright.RoleOrganizationAdministrator || len(p.Scopes) != 0 || p.ID != string(w.boss.ID) {
		t.Errorf("boss = %+v, %v", p, err)
	}
	w.view.user = func(u *seatwright.User) { u.Role = seatwright.RoleMember }
	if p, err := principal(boss); err != nil || p.Role != seatwright.RoleMember {
		t.Errorf("after losing the role: %+v, %v", p, err)
	}
	w.view.user = func(u *seatwright.User) { u.Active = false }
	for _, token := range []string{boss, both} {
		if p, err := principal(token); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Errorf("deactivated: %+v, %v", p, err)
		}
	}
	w.view.user = nil
	w.view.application = func(a *seatwright.Application) {
		a.Scopes = []seatwright.Scope{"PM.User.Read"}
		a.UserScopes = a.Scopes
	}
	if p, err := principal(app); err != nil || len(p.Scopes) != 1 || p.Scopes[0] != "PM.User.Read" {
		t.Errorf("after losing a scope: %+v, %v", p, err)
	}
	// Without this the person's role alone would decide, and losing a scope would win rights.
	if p, err := principal(both); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("person through an application without scopes: %+v, %v", p, err)
	}
	w.view.application = func(a *seatwright.Application) { a.Organization = w.globex.ID }
	for _, token := range []string{app, both} {
		if p, err := principal(token); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Errorf("application of another organization: %+v, %v", p, err)
		}
	}
	w.view.application = func(a *seatwright.Application) { a.CreatedAt = w.clock.now().Add(2 * time.Minute) }
	for _, token := range []string{app, both} {
		if p, err := principal(token); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Errorf("another application of that id: %+v, %v", p, err)
		}
	}
	w.view.application = nil
	w.view.user = func(u *seatwright.User) { u.CreatedAt = w.clock.now().Add(2 * time.Minute) }
	for _, token := range []string{boss, both} {
		if p, err := principal(token); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Errorf("somebody else of that id: %+v, %v", p, err)
		}
	}
	w.view.user = nil
	elsewhere := personToken(w.boss)
	elsewhere.Organization = w.globex.ID
	if p, err := principal(must(w.mint("http://issuer.example", elsewhere))); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("person of another organization: %+v, %v", p, err)
	}
	w.view.application = nil
	w.view.err = seatwright.Unavailable(seatwright.ReasonStoreUnavailable, errors.New("down"), "the database does not answer")
	if _, err := principal(boss); !isReason(err, seatwright.ReasonStoreUnavailable) {
		t.Errorf("without a database: %v", err)
	}
}

func TestVerifiedTokensAreRememberedForAMinuteUntilForget(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.bossToken()
	verify := func() (lookups int64) {
		before := w.view.lookups.Load()
		if _, err := w.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		return w.view.lookups.Load() - before
	}
	if verify() != 1 || verify() != 0 {
		t.Error("the second call looked again")
	}
	w.Forget()
	if verify() != 1 || verify() != 0 {
		t.Error("Forget did not make the next call look, once")
	}
	w.clock.advance(59 * time.Second)
	if verify() != 0 {
		t.Error("looked before the minute was over")
	}
	w.clock.advance(time.Second)
	if verify() != 1 {
		t.Error("did not look after a minute: a change on another node would stay unseen")
	}
	w.clock.advance(59*time.Minute + 30*time.Second)
	verify() // 30 seconds after expiry, within the leeway
	w.clock.advance(30 * time.Second)
	if _, err := w.Verify(t.Context(), token); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("remembered beyond its end: %v", err)
	}
}

// Guards against a race: what was read before a change must not be remembered after it.
func TestForgetDuringVerifyVoidsTheResult(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.bossToken()
	w.view.user = func(*seatwright.User) { w.Forget() }
	if _, err := w.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	w.view.user = func(u *seatwright.User) { u.Active = false }
	if _, err := w.Verify(t.Context(), token); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("the stale result was remembered: %v", err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newCache()
	for i := range 3 * cacheSize {
		key := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		c.put(&key, cacheEntry{until: 1})
		if _, known := c.get(&key, 0); !known {
			t.Fatal("the newest entry is missing")
		}
	}
	total := 0
	for i := range c.shards {
		total += len(c.shards[i].entries)
	}
	if total > cacheSize || total < cacheSize*9/10 {
		t.Errorf("%d entries", total)
	}
}

// Run with the race detector.
func TestProviderIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 20 {
				if _, err := w.Verify(t.Context(), w.bossToken()); err != nil {
					t.Error(err)
				}
				if i%5 == 0 {
					w.Forget()
					w.clock.advance(time.Second)
				}
				_, _ = w.Verify(t.Context(), forge(`{"alg":"RS256","typ":"at+jwt","kid":"x"}`, "{}", unsigned))
			}
		})
	}
	group.Wait()
}

func BenchmarkVerifyRemembered(b *testing.B) {
	w := setup(b)
	token := w.bossToken()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyUnknown(b *testing.B) {
	w := setup(b)
	token := w.bossToken()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		w.Forget()
		if _, err := w.Verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}
