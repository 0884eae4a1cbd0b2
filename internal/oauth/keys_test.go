package oauth

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

func TestNodesShareTheKeysOfTheStore(t *testing.T) {
	t.Parallel()
	w := setup(t)
	other := w.node(nil)
	if got := len(must(w.view.SigningKeys(t.Context()))); got != 1 {
		t.Fatalf("%d keys after two starts", got)
	}
	token := must(other.mint("http://other.example", personToken(w.boss)))
	if _, err := w.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestUnknownKeyIsLookedUpAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	w := setup(t)
	fresh := func() string {
		w.clock.advance(2 * time.Second)
		if err := w.directory.AddSigningKey(t.Context(), must(w.keys.generate())); err != nil {
			t.Fatal(err)
		}
		return must(w.node(nil).mint("http://other.example", personToken(w.boss)))
	}
	if _, err := w.Verify(t.Context(), fresh()); err != nil {
		t.Errorf("a new key of another node: %v", err)
	}

	second := fresh()
	before := w.view.keyLoads.Load()
	for range 20 {
		if _, err := w.Verify(t.Context(), forge(`{"alg":"RS256","typ":"at+jwt","kid":"bogus"}`, "{}", unsigned)); !isReason(err, seatwright.ReasonInvalidToken) {
			t.Fatal(err)
		}
	}
	if loads := w.view.keyLoads.Load() - before; loads != 1 {
		t.Errorf("%d loads within a second", loads)
	}
	if _, err := w.Verify(t.Context(), second); err != nil {
		t.Errorf("the look for the bogus key has found the other as well: %v", err)
	}
	// The newest key signs from now on, the older ones still verify and are published.
	if published := w.keys.current.Load().published.Keys; len(published) != 3 {
		t.Errorf("%d keys published", len(published))
	}
}

// Guards the difference between a bad token and a database that does not answer: the second is not the caller's fault.
func TestFailedKeyReloadIsNotAnInvalidToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.clock.advance(2 * time.Second)
	w.view.err = seatwright.Unavailable(seatwright.ReasonStoreUnavailable, errors.New("down"), "the database does not answer")
	before := w.view.keyLoads.Load()
	for range 3 {
		_, err := w.Verify(t.Context(), forge(`{"alg":"RS256","typ":"at+jwt","kid":"new"}`, "{}", unsigned))
		if !isReason(err, seatwright.ReasonStoreUnavailable) {
			t.Error(err)
		}
	}
	if loads := w.view.keyLoads.Load() - before; loads != 1 {
		t.Errorf("%d loads within a second", loads)
	}
}

func TestSealedKeysNeedTheirSealKey(t *testing.T) {
	t.Parallel()
	seal, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	w := setup(t)
	if _, err := w.start(seal); err != nil {
		t.Errorf("keys stored plain are readable with a seal key: %v", err)
	}
	ring := w.node(seal).keys
	key := must(ring.generate())
	w.clock.advance(2 * time.Second)
	if err := w.directory.AddSigningKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if private := must(ring.open(key)); bytes.Contains(key.Sealed, private.D.Bytes()[:16]) {
		t.Error("the stored key is not sealed")
	}
	sealed := w.node(seal)
	if sealed.keys.current.Load().published.Keys[0].KeyID != key.ID {
		t.Error("the sealed key does not sign")
	}
	for name, c := range map[string]struct {
		seal []byte
		want string
	}{
		"no seal key":       {nil, "the signing keys are sealed; set SEATWRIGHT_SEAL_KEY"},
		"another seal key":  {other, "the signing keys are sealed with another key; set SEATWRIGHT_SEAL_KEY to that one"},
		"a seal key of 16":  {seal[:16], "the seal key must have 32 bytes, this one has 16"},
		"an empty seal key": {[]byte{}, "the seal key must have 32 bytes, this one has 0"},
	} {
		if _, err := w.start(c.seal); err == nil || seatwright.AsError(err).Detail != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A running node without the seal key goes on with the keys that it can read.
	token := must(sealed.mint("http://other.example", personToken(w.boss)))
	if _, err := w.Verify(t.Context(), token); !isReason(err, seatwright.ReasonInvalidToken) {
		t.Errorf("a token of a key that cannot be read: %v", err)
	}
	if _, err := w.Verify(t.Context(), w.bossToken()); err != nil {
		t.Error(err)
	}
	// A sealed key is bound to its id.
	key.ID = seatwright.NewID()
	if _, err := ring.open(key); err == nil {
		t.Error("a sealed key opens under another id")
	}
}

func TestDamagedKeysAreReported(t *testing.T) {
	t.Parallel()
	w := setup(t)
	small := must(x509.MarshalPKCS8PrivateKey(must(rsa.GenerateKey(rand.Reader, 1024))))
	for name, sealed := range map[string][]byte{"empty": nil, "unknown format": {7}, "no key": {formatPlain, 1, 2}, "weak": append([]byte{formatPlain}, small...)} {
		_, err := w.keys.open(seatwright.SigningKey{ID: "k", Sealed: sealed})
		if !seatwright.IsKind(err, seatwright.KindInternal) || !strings.Contains(err.Error(), "signing key k") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
