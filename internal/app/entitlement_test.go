package app_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/client"
	"github.com/seatwright/seatwright/wire"
)

// Promise: a product that goes on without the server believes what the server has signed about the right organization and time, and nothing else; and
// what was signed for it opens no door.
func TestSignedEntitlements(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, err := client.New(w.Address(), client.WithClientCredentials(w.demo.Acme.ClientID, w.demo.Acme.ClientSecret, "PM.License.Read"))
	check(t, err)
	keys, err := c.SigningKeys(t.Context())
	check(t, err)
	made, err := c.EntitlementToken(t.Context(), "acme", "analyst-1")
	check(t, err)
	acme, now := w.demo.Acme.Organization, time.Now()
	says, err := client.ReadEntitlementToken(made.Token, keys, acme, "analyst-1", now)
	check(t, err)
	want(t, "what it says", []any{says.User, says.Organization, says.Has("PMBU"), says.Has("ATTR"), says.Expires}, []any{seatwright.UserID("analyst-1"), acme, true, false, made.ExpiresAt.Unix()})
	if life := made.ExpiresAt.Sub(now); life > time.Hour+time.Minute || life < 50*time.Minute {
		t.Errorf("it is good for %s", life)
	}

	parts := strings.Split(made.Token, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	check(t, err)
	richer := encode(strings.Replace(string(payload), `"PMBU"]`, `"PMBU","STDPRO"]`, 1))
	for name, refused := range map[string]struct {
		token        string
		keys         string
		organization seatwright.OrganizationID
		at           time.Time
		user         seatwright.UserID
	}{
		"another organization":    {made.Token, string(keys), w.demo.Globex.Organization, now, ""},
		"no organization":         {made.Token, string(keys), "", now, ""},
		"its end":                 {made.Token, string(keys), acme, made.ExpiresAt, ""},
		"before its beginning":    {made.Token, string(keys), acme, now.Add(-5 * time.Minute), ""},
		"what was added to it":    {parts[0] + "." + richer + "." + parts[2], string(keys), acme, now, ""},
		"no signature":            {encode(`{"alg":"none","typ":"entitlements+jwt"}`) + "." + parts[1] + ".", string(keys), acme, now, ""},
		"an access token":         {w.tokens["reader"], string(keys), acme, now, ""},
		"keys of somebody else":   {made.Token, `{"keys":[]}`, acme, now, ""},
		"keys that are none":      {made.Token, "", acme, now, ""},
		"another person":          {made.Token, string(keys), acme, now, "singer-77"},
		"nothing":                 {"", string(keys), acme, now, ""},
		"a signature of its half": {parts[0] + "." + parts[1] + "." + parts[2][:20], string(keys), acme, now, ""},
	} {
		if got, err := client.ReadEntitlementToken(refused.token, []byte(refused.keys), refused.organization, cmp.Or(refused.user, "analyst-1"), refused.at); !seatwright.IsReason(err, seatwright.ReasonInvalidToken) || got.User != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}

	w.tokens["signed"] = made.Token
	for _, path := range []string{"/api/v1/me", "/api/v1/organizations/acme/users/analyst-1/entitlements/PMBU"} {
		if got := w.do(t, call{as: "signed", method: "GET", path: path}); got.status != 401 {
			t.Errorf("%s is answered %d to a signed answer", path, got.status)
		}
	}
}

// Promise: what an administrator takes back is answered no from then on, through every door, also where it was just answered yes from memory; and the client
// says what the server says.
func TestEntitlementsFollowAllocations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, err := client.New(w.Address(), client.WithClientCredentials(w.demo.Acme.ClientID, w.demo.Acme.ClientSecret, "PM.License"))
	check(t, err)
	ask := func(held bool) {
		t.Helper()
		entitled, err := c.Entitled(t.Context(), "acme", "singer-77", "ATTR")
		check(t, err)
		results, err := c.CheckEntitlements(t.Context(), "acme", []seatwright.UserID{"singer-77", "nobody"}, []seatwright.EntitlementName{"ATTR", "ATTUNU"})
		check(t, err)
		published := w.do(t, call{as: "reader", method: "POST", path: "/la/api/entitlements/acme/entitled?userId=singer-77", body: `{"EntitlementNames":["ATTR"]}`})
		var named wire.NamedEntitlements
		check(t, json.Unmarshal([]byte(published.body), &named))
		want(t, "answers", []any{entitled, results[0].Entitled["ATTR"], results[0].Entitled["ATTUNU"], named.IsEntitled["ATTR"]}, []any{held, held, held, held})
		want(t, "nobody", []any{results[1].Known, results[1].Entitled["ATTR"]}, []any{false, false})
	}
	for range 3 {
		_, err := c.AllocateToUsers(t.Context(), "acme", []seatwright.UserID{"singer-77"}, []seatwright.ProductCode{"ATTUNU"}, false)
		check(t, err)
		ask(true)
		_, err = c.AllocateToUsers(t.Context(), "acme", []seatwright.UserID{"singer-77"}, nil, false)
		check(t, err)
		ask(false)
	}
	if _, err := c.Entitled(t.Context(), "acme", "nobody", "ATTR"); !seatwright.IsKind(err, seatwright.KindNotFound) {
		t.Errorf("nobody: %v", err)
	}
}
