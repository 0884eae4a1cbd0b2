package oauth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seatwright/seatwright"
)

const (
	algorithm   = jose.RS256
	keyBits     = 2048
	keyLife     = 90 * 24 * time.Hour     // for how long a key signs
	keyGrace    = sessionLife + time.Hour // for how long its tokens are accepted after that
	keyInterval = 10 * time.Minute        // how often it is looked whether another node has made a new one
	reloadPause = time.Second
	reloadLimit = 5 * time.Second
)

// keyring holds the signing keys of the installation. Nodes share them through the store: a token of another node's new key
// makes this one look again.
type keyring struct {
	directory seatwright.DirectoryReader
	store     KeyStore
	seal      cipher.AEAD // nil: keys are stored as they are
	now       func() time.Time
	log       *slog.Logger
	current   atomic.Pointer[keySet]

	mu       sync.Mutex // guards the reload
	loadedAt time.Time
	loadErr  error
}

// keySet is an immutable set of keys.
type keySet struct {
	private   map[string]*rsa.PrivateKey // by kid
	signers   map[string]jose.Signer     // of the newest key, by the type of token
	since     time.Time                  // from when the newest key signs
	published jose.JSONWebKeySet         // public halves, newest first
}

// openKeyring loads the keys and makes one where there is none. Every stored key must be readable.
func openKeyring(ctx context.Context, c Config) (*keyring, error) {
	k := &keyring{directory: c.Directory, store: c.Keys, now: c.Now, log: c.Log}
	if c.SealKey != nil {
		if len(c.SealKey) != 32 {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the seal key must have 32 bytes, this one has %d", len(c.SealKey)).In(sealSetting)
		}
		block, err := aes.NewCipher(c.SealKey)
		if err != nil {
			return nil, seatwright.Internal(fmt.Errorf("prepare seal key: %w", err))
		}
		if k.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, seatwright.Internal(fmt.Errorf("prepare seal key: %w", err))
		}
	}
	found, err := k.load(ctx, true)
	if err != nil || found {
		return k, err
	}
	key, err := k.generate()
	if err != nil {
		return nil, err
	}
	if err := c.Keys.AddSigningKey(ctx, key); err != nil {
		return nil, fmt.Errorf("store signing key: %w", err)
	}
	// Read it back: another node may have stored one at the same moment, and all have to agree on the newest.
	if found, err = k.load(ctx, true); err == nil && !found {
		err = seatwright.Internal(errors.New("load signing keys: the key that was just stored is missing"))
	}
	return k, err
}

// public returns the public half of the key with that id, or nil. It looks into the store for an id that it does not know,
// at most once in reloadPause; in between such ids are unknown, or the last look's error is repeated.
func (k *keyring) public(ctx context.Context, id string) (*rsa.PublicKey, error) {
	if key, known := k.current.Load().private[id]; known {
		return &key.PublicKey, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if elapsed := k.now().Sub(k.loadedAt); elapsed < 0 || elapsed >= reloadPause {
		// The outcome is everyone's, so one caller who leaves may not spoil it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadLimit)
		defer cancel()
		_, k.loadErr = k.load(ctx, false)
	}
	if key, known := k.current.Load().private[id]; known {
		return &key.PublicKey, nil
	}
	return nil, k.loadErr
}

// Rotate makes a new key, which signs from now on; the old one's tokens stay good until they end. Other nodes sign with it when they
// meet one of its tokens, or after keyInterval. It returns the id of the new key.
func (p *Provider) Rotate(ctx context.Context) (string, error) { return p.keys.rotate(ctx) }

func (k *keyring) rotate(ctx context.Context) (string, error) {
	key, err := k.generate()
	if err != nil {
		return "", err
	}
	if err := k.store.AddSigningKey(ctx, key); err != nil {
		return "", fmt.Errorf("store signing key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err = k.load(ctx, false); err != nil {
		return "", err
	}
	return key.ID, nil
}

// Maintain looks for new keys of other nodes, and makes one when the newest has signed for long enough, until ctx ends.
func (p *Provider) Maintain(ctx context.Context) {
	ticker := time.NewTicker(keyInterval)
	defer ticker.Stop()
	for {
		if err := p.keys.renew(ctx); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "the signing keys could not be looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// renew looks at the stored keys again and makes a new one where it is time.
func (k *keyring) renew(ctx context.Context) error {
	k.mu.Lock()
	_, err := k.load(ctx, false)
	k.mu.Unlock()
	if err == nil && k.now().Sub(k.current.Load().since) >= keyLife {
		_, err = k.rotate(ctx)
	}
	return err
}

// load replaces the current set by what is stored and reports whether there is any key. A key that cannot be read is an
// error where strict, else it is logged and left out: the others still serve.
func (k *keyring) load(ctx context.Context, strict bool) (bool, error) {
	k.loadedAt = k.now()
	stored, err := k.directory.SigningKeys(ctx)
	if err != nil {
		return false, fmt.Errorf("load signing keys: %w", err)
	}
	var known map[string]*rsa.PrivateKey
	if set := k.current.Load(); set != nil {
		known = set.private
	}
	set := &keySet{private: make(map[string]*rsa.PrivateKey, len(stored))}
	for i, s := range stored {
		if i > 0 && k.now().Sub(stored[i-1].CreatedAt) > keyGrace {
			break // nothing that it and older ones have signed is in force any more
		}
		key, ok := known[s.ID]
		if !ok {
			if key, err = k.open(s); err != nil && strict {
				return false, err
			} else if err != nil {
				k.log.ErrorContext(ctx, "a signing key is left out", "kid", s.ID, "error", err)
				continue
			}
		}
		if set.signers == nil {
			if set.signers, err = newSigners(s.ID, key); err != nil {
				return false, err
			}
			set.since = s.CreatedAt
		}
		set.private[s.ID] = key
		set.published.Keys = append(set.published.Keys, jose.JSONWebKey{
			Key: &key.PublicKey, KeyID: s.ID, Algorithm: string(algorithm), Use: "sig",
		})
	}
	if set.signers == nil {
		return false, nil
	}
	k.current.Store(set)
	return true, nil
}

func newSigners(id string, key *rsa.PrivateKey) (map[string]jose.Signer, error) {
	signers := map[string]jose.Signer{}
	for _, kind := range [...]jose.ContentType{tokenType, idTokenType, sessionType, entitlementsType} {
		signer, err := jose.NewSigner(
			jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}},
			(&jose.SignerOptions{}).WithType(kind),
		)
		if err != nil {
			return nil, seatwright.Internal(fmt.Errorf("prepare signing key %s: %w", id, err))
		}
		signers[string(kind)] = signer
	}
	return signers, nil
}

// sealSetting is the setting that the operator has to change.
const sealSetting = "SEATWRIGHT_SEAL_KEY"

// The first byte of a stored key says how the rest is to be read.
const (
	formatPlain  byte = 0 // PKCS #8
	formatSealed byte = 1 // nonce and AES-256-GCM over PKCS #8, bound to the key's id
)

func (k *keyring) generate() (seatwright.SigningKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return seatwright.SigningKey{}, seatwright.Internal(fmt.Errorf("generate signing key: %w", err))
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return seatwright.SigningKey{}, seatwright.Internal(fmt.Errorf("encode signing key: %w", err))
	}
	key := seatwright.SigningKey{ID: seatwright.NewID()}
	if k.seal == nil {
		key.Sealed = append([]byte{formatPlain}, der...)
	} else {
		key.Sealed = k.seal.Seal([]byte{formatSealed}, nil, der, []byte(key.ID)) //nolint:gosec // G407: this AEAD makes its own nonce
	}
	return key, nil
}

// open reads a stored key. A key that was stored plain is readable with a seal key too.
func (k *keyring) open(s seatwright.SigningKey) (*rsa.PrivateKey, error) {
	damaged := func(cause error) error {
		return seatwright.Internal(fmt.Errorf("read signing key %s: %w", s.ID, cause))
	}
	if len(s.Sealed) == 0 {
		return nil, damaged(errors.New("empty"))
	}
	der := s.Sealed[1:]
	switch s.Sealed[0] {
	case formatPlain:
	case formatSealed:
		if k.seal == nil {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the signing keys are sealed; set %s", sealSetting).In(sealSetting)
		}
		var err error
		if der, err = k.seal.Open(nil, nil, der, []byte(s.ID)); err != nil {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the signing keys are sealed with another key; set %s to that one", sealSetting).In(sealSetting)
		}
	default:
		return nil, damaged(fmt.Errorf("unknown format %d", s.Sealed[0]))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, damaged(err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < keyBits {
		return nil, damaged(fmt.Errorf("not an RSA key of %d bits or more", keyBits))
	}
	return private, nil
}
