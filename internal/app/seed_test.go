package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// The call of the guide's page "Allocate Licenses to a User", as it stands there: without the comma after the users. The
// page's line ends before the closing quote of the shell; that is mended here, because no server can see it.
const pageCall = `curl --silent --write-out '\n%{http_code}' --location --request METHOD 'BASE//songs/lease_/api/account/song-one/user-license' \
--header 'Authorization: Bearer TOKEN' \
--header 'Content-Type: application/json' \
--data-raw '{
"userIds": ["singer-77", "singer-88", "singer-111"]COMMA
"userBundleCodes": ["RPADEVNU", "ATTUNU", "TSTNU"],
"useExternalLicense": true
}'
`

// Promise: the call of the page works as it is described there, by both methods, at the page's own base URL with its double
// slash; and who copies the page's slip is told where it is.
func TestTheGuidesOwnCall(t *testing.T) {
	t.Parallel()
	w := setup(t)
	system := seatwright.SystemCaller("test")
	const password = "a password of the administrator"
	_, err := w.Directory.CreateOrganization(t.Context(), system, directory.NewOrganization{ID: "song-one", Name: "songs"})
	check(t, err)
	_, err = w.Directory.CreateUser(t.Context(), system, "song-one", directory.NewUser{
		UserName: "maestro", Password: password, Role: seatwright.RoleOrganizationAdministrator,
	})
	check(t, err)
	for _, user := range []string{"singer-77", "singer-88", "singer-111"} {
		_, err := w.Directory.CreateUser(t.Context(), system, "song-one", directory.NewUser{ID: user})
		check(t, err)
	}
	w.tokens["maestro"] = w.login(t, "songs", "maestro", password)
	send := func(method, comma string) (body, status string) {
		script := strings.NewReplacer("METHOD", method, "BASE", w.Address(), "TOKEN", w.tokens["maestro"], "COMMA", comma).Replace(pageCall)
		output := bash(t, t.TempDir(), script)
		end := strings.LastIndex(output, "\n")
		return strings.TrimSpace(output[:end]), output[end+1:]
	}
	lot := func(code string, quantity int64) {
		_, err := w.Licensing.CreateLot(t.Context(), system, seatwright.Lot{
			Organization: "song-one", Code: seatwright.ProductCode(code), Quantity: quantity, End: farAway(),
		})
		check(t, err)
	}

	for _, method := range []string{"PUT", "POST"} {
		if body, status := send(method, ","); status != "404" || !strings.Contains(body, "no account license is allocated") {
			t.Errorf("%s without a license: %s %s", method, status, body)
		}
	}
	lot("RPADEVNU", 3)
	lot("ATTUNU", 2)
	lot("TSTNU", 3)
	for _, method := range []string{"PUT", "POST"} {
		if body, status := send(method, ","); status != "409" || !strings.Contains(body, "exceeds the account license quantities (ATTUNU: 3 requested, 2 available)") {
			t.Errorf("%s beyond the quantities: %s %s", method, status, body)
		}
	}
	lot("ATTUNU", 1)
	element := func(user string) map[string]any {
		return map[string]any{"userId": user, "organizationId": "song-one", "useExternalLicense": true, "userBundleCodes": []any{"RPADEVNU", "ATTUNU", "TSTNU"}}
	}
	for _, method := range []string{"PUT", "POST"} {
		body, status := send(method, ",")
		var answered []any
		if err := json.Unmarshal([]byte(body), &answered); err != nil || status != "200" {
			t.Fatalf("%s: %s %s", method, status, body)
		}
		want(t, "answer to "+method, answered, []any{element("singer-77"), element("singer-88"), element("singer-111")})

		body, status = send(method, "")
		if status != "400" || !strings.Contains(body, "at line 3, column 1") {
			t.Errorf("%s as the page prints it: %s %s", method, status, body)
		}
	}
	want(t, "each user consumes a unit", w.state(t, "song-one"),
		"song-one ATTUNU 3/3\nsong-one RPADEVNU 3/3\nsong-one TSTNU 3/3\nsong-one map[ATTUNU:3 RPADEVNU:3 TSTNU:3]\n")
	w.audit(t, "song-one")
}
