package licensefile_test

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/licensefile"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

var file = licensefile.File{
	ID: "file-1", Issuer: "vendor", Audience: "acme-id", IssuedAt: day, ExpiresAt: day.AddDate(0, 1, 0), Lots: []licensefile.Lot{
		{Code: "ATTUNU", Quantity: 5, Start: day, End: day.AddDate(1, 0, 0), GraceSeconds: 60, Order: "PO-1"},
		{Code: "UNATT", Quantity: 1, Start: day, End: day.AddDate(1, 0, 0)},
	},
}

func newKey(t *testing.T, name string) (licensefile.Key, *licensefile.Issuers) {
	t.Helper()
	key, err := licensefile.NewKey(name)
	check(t, err)
	public, err := key.Public()
	check(t, err)
	issuers, err := licensefile.ReadIssuers(public)
	check(t, err)
	return key, issuers
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadsWhatWasSigned(t *testing.T) {
	t.Parallel()
	key, issuers := newKey(t, "vendor")
	private, err := key.Private()
	check(t, err)
	again, err := licensefile.ReadKey(private)
	check(t, err)
	text, err := again.Sign(file)
	check(t, err)
	got, sum, err := issuers.Read("\n " + text + "\r\n")
	check(t, err)
	if !reflect.DeepEqual(got, file) || len(sum) != 32 {
		t.Errorf("read %+v, signed %+v", got, file)
	}
	shown, err := licensefile.Show(text)
	check(t, err)
	if !reflect.DeepEqual(shown, file) {
		t.Errorf("shown is %+v", shown)
	}
}

// Promise: a file in which anything at all differs from what was signed is refused.
func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	key, issuers := newKey(t, "vendor")
	text, err := key.Sign(file)
	check(t, err)
	for i := range len(text) {
		for bit := range 8 {
			damaged := []byte(text)
			damaged[i] ^= 1 << bit
			if strings.TrimSpace(string(damaged)) == text {
				continue
			}
			if _, _, err := issuers.Read(string(damaged)); !seatwright.IsKind(err, seatwright.KindInvalid) {
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			}
		}
	}
	for i := range len(text) {
		if _, _, err := issuers.Read(text[:i]); !seatwright.IsKind(err, seatwright.KindInvalid) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
}

func TestRefusesWhatNobodySigned(t *testing.T) {
	t.Parallel()
	key, issuers := newKey(t, "vendor")
	stranger, _ := newKey(t, "stranger")
	namesake, _ := newKey(t, "vendor")
	good, err := key.Sign(file)
	check(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(good, ".")
	sign := func(k licensefile.Key, f licensefile.File) string {
		text, err := k.Sign(f)
		check(t, err)
		return text
	}
	symmetric := func() string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: make([]byte, 32)}, (&jose.SignerOptions{}).WithType("license+jwt").WithHeader("kid", "vendor"))
		check(t, err)
		signed, err := signer.Sign([]byte(`{}`))
		check(t, err)
		text, err := signed.CompactSerialize()
		check(t, err)
		return text
	}()
	for name, c := range map[string]struct {
		text   string
		reason seatwright.Reason
	}{
		"nothing":             {"", seatwright.ReasonMalformedFile},
		"words":               {"a license", seatwright.ReasonMalformedFile},
		"a stranger":          {sign(stranger, file), seatwright.ReasonUnknownIssuer},
		"a namesake":          {sign(namesake, file), seatwright.ReasonForgedFile},
		"alg none":            {encode([]byte(`{"alg":"none","typ":"license+jwt","kid":"vendor"}`)) + "." + parts[1] + ".", seatwright.ReasonMalformedFile},
		"no signature":        {parts[0] + "." + parts[1] + ".", seatwright.ReasonForgedFile},
		"another payload":     {parts[0] + "." + strings.Split(sign(stranger, licensefile.File{ID: "x", Audience: "acme-id", IssuedAt: day, ExpiresAt: day, Lots: file.Lots}), ".")[1] + "." + parts[2], seatwright.ReasonMalformedFile},
		"symmetric":           {symmetric, seatwright.ReasonMalformedFile},
		"four parts":          {good + ".x", seatwright.ReasonMalformedFile},
		"JSON":                {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, seatwright.ReasonMalformedFile},
		"a token of the type": {encode([]byte(`{"alg":"EdDSA","typ":"at+jwt","kid":"vendor"}`)) + "." + parts[1] + "." + parts[2], seatwright.ReasonMalformedFile},
		"too long":            {strings.Repeat("a", licensefile.MaxText+1), seatwright.ReasonMalformedFile},
	} {
		if _, _, err := issuers.Read(c.text); !seatwright.IsReason(err, c.reason) {
			t.Errorf("%s: got %v, want %s", name, err, c.reason)
		}
	}
	if _, _, err := (&licensefile.Issuers{}).Read(good); !seatwright.IsReason(err, seatwright.ReasonUnknownIssuer) {
		t.Errorf("a server that knows no issuer: %v", err)
	}
}

func TestFilesThatCannotBeAreNotSigned(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "vendor")
	for name, change := range map[string]func(*licensefile.File){
		"no id":          func(f *licensefile.File) { f.ID = "" },
		"a long id":      func(f *licensefile.File) { f.ID = strings.Repeat("x", licensefile.MaxIDLength+1) },
		"no audience":    func(f *licensefile.File) { f.Audience = "" },
		"no purchase":    func(f *licensefile.File) { f.Lots = nil },
		"many purchases": func(f *licensefile.File) { f.Lots = make([]licensefile.Lot, licensefile.MaxLots+1) },
		"no end":         func(f *licensefile.File) { f.ExpiresAt = time.Time{} },
	} {
		f := file
		change(&f)
		if _, err := key.Sign(f); !seatwright.IsReason(err, seatwright.ReasonMalformedFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := licensefile.NewKey("a b"); err == nil {
		t.Error("an issuer is called a b")
	}
}

func TestIssuersAreRefusedWhereTheyMakeNoSense(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "vendor")
	private, err := key.Private()
	check(t, err)
	public, err := key.Public()
	check(t, err)
	one := strings.TrimSuffix(strings.TrimPrefix(strings.Join(strings.Fields(string(public)), ""), `{"keys":[`), `]}`)
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":     {"vendor", "no JWK set"},
		"no keys":     {`{"keys":[]}`, "no key"},
		"private":     {`{"keys":[` + string(private) + `]}`, "private"},
		"twice":       {`{"keys":[` + one + `,` + one + `]}`, "as one before"},
		"no name":     {`{"keys":[` + strings.Replace(one, `"kid":"vendor",`, "", 1) + `]}`, "no name"},
		"another key": {`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`, "no Ed25519"},
	} {
		if _, err := licensefile.ReadIssuers([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	issuers, err := licensefile.ReadIssuers([]byte(`{"keys":[` + one + `,` + strings.Replace(one, `"vendor"`, `"again"`, 1) + `]}`))
	check(t, err)
	if got := strings.Join(issuers.Names(), " "); got != "again vendor" {
		t.Errorf("the issuers are %s", got)
	}
	if _, err := licensefile.ReadKey(public); err == nil {
		t.Error("a public key signs")
	}
}
