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
	reloadPause = time.Second
	reloadLimit = 5 * time.Second
)

// keyring holds the signing keys of the installation. Nodes share them through the store: a token of another node's new key
// makes this one look again.
type keyring struct {
	directory seatwright.DirectoryReader
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
	signer    jose.Signer                // of the newest key
	published jose.JSONWebKeySet         // public halves, newest first
}

// openKeyring loads the keys and makes one where there is none. Every stored key must be readable.
func openKeyring(ctx context.Context, c Config) (*keyring, error) {
	k := &keyring{directory: c.Directory, now: c.Now, log: c.Log}
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
	for _, s := range stored {
		key, ok := known[s.ID]
		if !ok {
			if key, err = k.open(s); err != nil && strict {
				return false, err
			} else if err != nil {
				k.log.ErrorContext(ctx, "a signing key is left out", "kid", s.ID, "error", err)
				continue
			}
		}
		if set.signer == nil {
			if set.signer, err = newSigner(s.ID, key); err != nil {
				return false, err
			}
		}
		set.private[s.ID] = key
		set.published.Keys = append(set.published.Keys, jose.JSONWebKey{
			Key: &key.PublicKey, KeyID: s.ID, Algorithm: string(algorithm), Use: "sig",
		})
	}
	if set.signer == nil {
		return false, nil
	}
	k.current.Store(set)
	return true, nil
}

func newSigner(id string, key *rsa.PrivateKey) (jose.Signer, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}},
		(&jose.SignerOptions{}).WithType(tokenType),
	)
	if err != nil {
		return nil, seatwright.Internal(fmt.Errorf("prepare signing key %s: %w", id, err))
	}
	return signer, nil
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
