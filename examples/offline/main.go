// Command offline shows how a product goes on when the license server does not answer: it reads an entitlement token that was fetched before and
// says whether its person may use something. It asks nobody. docs/entitlements.md tells where the two files come from.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/client"
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: offline KEYS-FILE TOKEN-FILE ORGANIZATION-ID USER-ID NAME")
		os.Exit(2)
	}
	keys, err := os.ReadFile(os.Args[1]) //nolint:gosec // G703: who runs it names the files
	if err == nil {
		var token []byte
		if token, err = os.ReadFile(os.Args[2]); err == nil { //nolint:gosec // G703: as above
			err = tell(keys, strings.TrimSpace(string(token)), seatwright.OrganizationID(os.Args[3]), seatwright.UserID(os.Args[4]), seatwright.EntitlementName(os.Args[5]))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "offline:", err)
		os.Exit(1)
	}
}

func tell(keys []byte, token string, organization seatwright.OrganizationID, user seatwright.UserID, name seatwright.EntitlementName) error {
	says, err := client.ReadEntitlementToken(token, keys, organization, user, time.Now()) //nolint:forbidigo // a product has no other clock
	if err != nil {
		return err // which a product takes for "no"
	}
	answer := "no"
	if says.Has(name) {
		answer = "yes"
	}
	_, err = fmt.Printf("%s may use %s: %s, until %s at the latest\n", says.User, name, answer, time.Unix(says.Expires, 0).UTC().Format(time.RFC3339))
	return err
}
