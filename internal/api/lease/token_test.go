package lease

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/licensing"
)

func TestLicenseTokens(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	held := licensing.UserLicense{
		User: "u", Codes: []seatwright.ProductCode{"ATTUNU", "PMD"}, Units: []seatwright.LicenseUnit{"ATTR", "APPS"}, At: now, Until: now.AddDate(1, 0, 0),
	}
	with := func(change func(*licensing.UserLicense)) licensing.UserLicense {
		changed := held
		change(&changed)
		return changed
	}
	const begin = `{"lu":["ATTR","APPS"],"ubl":["ATTUNU","PMD"],"sub":"u","prt_id":"o","nbf":1772355600,`
	for name, c := range map[string]struct {
		license licensing.UserLicense
		want    string // the claims; empty: no token
	}{
		"good for an hour":          {held, begin + `"exp":1772359200,"plan":"Enterprise"}`},
		"or until a purchase ends":  {with(func(l *licensing.UserLicense) { l.Until = now.Add(90 * time.Second) }), begin + `"exp":1772355690,"plan":"Enterprise"}`},
		"lists are never null":      {with(func(l *licensing.UserLicense) { l.Units = nil }), strings.Replace(begin, `"ATTR","APPS"`, ``, 1) + `"exp":1772359200,"plan":"Enterprise"}`},
		"none where nothing is":     {with(func(l *licensing.UserLicense) { l.Codes = nil }), ""},
		"none for external license": {with(func(l *licensing.UserLicense) { l.External = true }), ""},
	} {
		token := licenseToken("o", c.license)
		if token == nil {
			if c.want != "" {
				t.Errorf("%s: there is no token", name)
			}
			continue
		}
		parts := strings.Split(*token, ".")
		if len(parts) != 3 || parts[0] != "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" || parts[2] != "" {
			t.Fatalf("%s: the token is %q", name, *token)
		}
		if claims, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || string(claims) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, claims, err, c.want)
		}
	}
}
