// Package licensefile makes, signs, verifies and reads license files: purchases that a vendor has signed, so that whoever installs
// the server can enter them without being trusted. It does not know what becomes of them. Start at File.
//
// A file is one line of text, a JWS in compact form (RFC 7515) with the algorithm EdDSA on Ed25519 (RFC 8037) and no other, the type
// license+jwt, and the name of the issuer as the id of the key.
package licensefile

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seatwright/seatwright"
)

// The limits of a file.
const (
	MaxText     = 512 << 10 // bytes
	MaxLots     = 500
	MaxIDLength = 100 // of a file, in bytes: the ids of its purchases are longer
)

const (
	algorithm = jose.EdDSA
	fileType  = "license+jwt"
)

// File is what a license file says. Times are whole seconds.
type File struct {
	ID        string // told apart by it are all files that were ever made for one account
	Issuer    string // the name of the key that signs it
	Audience  string // the account that may import it: the id of an organization, or of the host
	IssuedAt  time.Time
	ExpiresAt time.Time // the first instant at which it can no longer be imported; what was imported stays
	Lots      []Lot
}

// Lot is one purchase of a file.
type Lot struct {
	Code         string    `json:"code"`
	Quantity     int64     `json:"quantity"`
	Start        time.Time `json:"start"`
	End          time.Time `json:"end"`
	GraceSeconds int64     `json:"graceSeconds,omitzero"`
	Order        string    `json:"order,omitzero"`
}

// claims is the payload, in the names of RFC 7519.
type claims struct {
	ID        string `json:"jti"`
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
	Lots      []Lot  `json:"lots"`
}

// Check refuses a file that no server would take, whoever has signed it: invalid/malformed_license_file. Whether its purchases can be
// entered is for Purchases to say, and whether the products exist for whoever enters them.
func (f File) Check() error {
	if id, err := seatwright.CanonicalID(f.ID); err != nil || id != f.ID || len(f.ID) > MaxIDLength {
		return malformed("its id is not 1 to %d letters, digits and . _ @ | : -, UUIDs in lower case", MaxIDLength)
	}
	if id, err := seatwright.CanonicalID(f.Audience); err != nil || id != f.Audience {
		return malformed("the account that it is made for, %q, is not the id of one", f.Audience)
	}
	if err := checkName(f.Issuer); err != nil {
		return malformed("it has no issuer")
	}
	if len(f.Lots) == 0 || len(f.Lots) > MaxLots {
		return malformed("it has %d purchases; it may have 1 to %d", len(f.Lots), MaxLots)
	}
	for _, instant := range [...]time.Time{f.IssuedAt, f.ExpiresAt} {
		if instant.Year() < 1970 || instant.Year() > 9999 {
			return malformed("it says not when it was made or until when it may be imported")
		}
	}
	return nil
}

// Purchases are the lots as they are to be entered. The error is invalid/invalid_value for the first that no server would enter,
// whatever its products and whatever it has; it says which one.
func (f File) Purchases() ([]seatwright.Lot, error) {
	lots := make([]seatwright.Lot, len(f.Lots))
	for i, l := range f.Lots {
		lots[i] = seatwright.Lot{
			Code: seatwright.ProductCode(l.Code), Quantity: l.Quantity, Start: l.Start, End: l.End, Grace: time.Duration(l.GraceSeconds) * time.Second, Order: l.Order,
		}
		if err := l.check(lots[i]); err != nil {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "purchase %d: %s", i+1, seatwright.AsError(err).Detail)
		}
	}
	return lots, nil
}

func (l Lot) check(lot seatwright.Lot) error {
	if l.GraceSeconds < 0 || l.GraceSeconds > math.MaxInt64/int64(time.Second) { // the duration would be another one
		lot.Grace = -1
	}
	if err := seatwright.CheckLotFields(&lot.Quantity, &lot.Start, &lot.End, &lot.Grace); err != nil {
		return err
	}
	if err := lot.CheckTerm(); err != nil {
		return err
	}
	return seatwright.CheckText("order", lot.Order)
}

func checkName(name string) error {
	if id, err := seatwright.CanonicalID(name); err != nil || id != name {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "an issuer's name is 1 to %d letters, digits and . _ @ | : -", seatwright.MaxIDLength)
	}
	return nil
}

// Key is the private key of an issuer.
type Key struct{ jwk jose.JSONWebKey }

// NewKey makes a key for an issuer of that name. The error is invalid/invalid_value for a name that cannot be.
func NewKey(name string) (Key, error) {
	if err := checkName(name); err != nil {
		return Key{}, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, err
	}
	return Key{jose.JSONWebKey{Key: private, KeyID: name, Algorithm: string(algorithm), Use: "sig"}}, nil
}

// ReadKey reads what Private wrote.
func ReadKey(text []byte) (Key, error) {
	var k Key
	if err := k.jwk.UnmarshalJSON(text); err != nil {
		return k, fmt.Errorf("this is no private key in JWK form: %w", err)
	}
	if _, ok := k.jwk.Key.(ed25519.PrivateKey); !ok {
		return k, errors.New("this is no private Ed25519 key")
	}
	return k, checkName(k.jwk.KeyID)
}

// Name is the name of the issuer.
func (k Key) Name() string { return k.jwk.KeyID }

// Private is the key as a JWK (RFC 7517), the secret included.
func (k Key) Private() ([]byte, error) { return indented(k.jwk.MarshalJSON()) }

// Public is the half that servers need, as a JWK set.
func (k Key) Public() ([]byte, error) {
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.jwk.Public()}}, jsontext.WithIndent("  "))
	return append(set, '\n'), err
}

func indented(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(text)
	err = value.Indent(jsontext.WithIndent("  "))
	return append(value, '\n'), err
}

// Sign makes the text of a file. The issuer is that of the key. The error is that of Check.
func (k Key) Sign(f File) (string, error) {
	f.Issuer = k.Name()
	if err := f.Check(); err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims{f.ID, f.Issuer, f.Audience, f.IssuedAt.Unix(), f.ExpiresAt.Unix(), f.Lots})
	if err != nil {
		return "", fmt.Errorf("write the file: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: k.jwk}, (&jose.SignerOptions{}).WithType(fileType))
	if err != nil {
		return "", fmt.Errorf("sign the file: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign the file: %w", err)
	}
	return signed.CompactSerialize()
}

// Issuers are the public keys of those whose files are believed. The zero value believes nobody.
type Issuers struct{ keys map[string]ed25519.PublicKey }

// ReadIssuers reads a JWK set (RFC 7517): Ed25519 keys, each with the name of its issuer as its id. The error names the key that
// is none.
func ReadIssuers(text []byte) (*Issuers, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("this is no JWK set: %w", err)
	}
	i := &Issuers{keys: map[string]ed25519.PublicKey{}}
	for n, k := range set.Keys {
		key, public := k.Key.(ed25519.PublicKey)
		_, private := k.Key.(ed25519.PrivateKey)
		switch _, twice := i.keys[k.KeyID]; {
		case private:
			return nil, fmt.Errorf("keys[%d] is a private key, which a server must not have", n)
		case !public:
			return nil, fmt.Errorf("keys[%d] is no Ed25519 key", n)
		case checkName(k.KeyID) != nil:
			return nil, fmt.Errorf("keys[%d] has no name: set its kid", n)
		case twice:
			return nil, fmt.Errorf("keys[%d] has the name %s, as one before it", n, k.KeyID)
		}
		i.keys[k.KeyID] = key
	}
	if len(i.keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return i, nil
}

// Names lists the issuers in order.
func (i *Issuers) Names() []string {
	var names []string
	for name := range i.keys {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Read verifies the text of a file and returns what it says, with the SHA-256 of the text. White space around it is left out.
// Errors: invalid/malformed_license_file; invalid/unknown_issuer; invalid/forged_license_file for a text that is not the one that
// the issuer signed.
func (i *Issuers) Read(text string) (File, []byte, error) {
	text = strings.TrimSpace(text)
	f, signed, err := parse(text)
	if err != nil {
		return File{}, nil, err
	}
	key, known := i.keys[f.Issuer]
	if !known {
		return File{}, nil, seatwright.Invalid(seatwright.ReasonUnknownIssuer, "the license file is signed by %s, whom this server does not know", f.Issuer)
	}
	if _, err := signed.Verify(key); err != nil {
		return File{}, nil, forged("it is not what %s has signed", f.Issuer)
	}
	sum := sha256.Sum256([]byte(text))
	return f, sum[:], nil
}

// Show reads a file without verifying who has signed it, for somebody who looks at one. The error is that of Read.
func Show(text string) (File, error) {
	f, _, err := parse(strings.TrimSpace(text))
	return f, err
}

// parse reads a file that is to be verified.
func parse(text string) (File, *jose.JSONWebSignature, error) {
	if len(text) > MaxText {
		return File{}, nil, malformed("it is longer than %d bytes", MaxText)
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{algorithm})
	if err != nil || len(signed.Signatures) != 1 {
		return File{}, nil, malformed("it is no JWS in compact form that is signed with EdDSA")
	}
	// Base64 has bits at its ends that say nothing: another text would be the same file.
	for part := range strings.SplitSeq(text, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return File{}, nil, malformed("it is not written as its issuer has written it")
		}
	}
	header := signed.Signatures[0].Protected
	if kind, _ := header.ExtraHeaders[jose.HeaderType].(string); kind != fileType {
		return File{}, nil, malformed("its type is not %s", fileType)
	}
	var c claims
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &c); err != nil {
		return File{}, nil, malformed("what it says cannot be read")
	}
	f := File{
		ID: c.ID, Issuer: c.Issuer, Audience: c.Audience, IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(c.ExpiresAt, 0).UTC(), Lots: c.Lots,
	}
	if err := f.Check(); err != nil {
		return File{}, nil, err
	}
	if header.KeyID != f.Issuer {
		return File{}, nil, malformed("it is signed with the key %q in the name of %s", header.KeyID, f.Issuer)
	}
	return f, signed, nil
}

func malformed(format string, args ...any) *seatwright.Error {
	return seatwright.Invalid(seatwright.ReasonMalformedFile, "this is not a license file: "+format, args...).In("file")
}

func forged(format string, args ...any) *seatwright.Error {
	return seatwright.Invalid(seatwright.ReasonForgedFile, "the license file was changed after it was signed: "+format, args...).In("file")
}
