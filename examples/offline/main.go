// Command offline shows how a product goes on when the license server does not answer: it reads an entitlement token that was fetched before and
// says whether its person may use something: status 0 for yes, 1 for no and for a token that is not to be believed. It asks nobody.
// docs/entitlements.md tells where the two files come from.
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
	entitled, err := tell(os.Args[1], os.Args[2], seatwright.OrganizationID(os.Args[3]), seatwright.UserID(os.Args[4]), seatwright.EntitlementName(os.Args[5]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "offline:", err)
	}
	if !entitled {
		os.Exit(1)
	}
}

// tell says yes or no. With an error a product takes it for "no".
func tell(keysFile, tokenFile string, organization seatwright.OrganizationID, user seatwright.UserID, name seatwright.EntitlementName) (bool, error) {
	keys, err := os.ReadFile(keysFile) //nolint:gosec // G304: who runs it names the files
	if err != nil {
		return false, err
	}
	token, err := os.ReadFile(tokenFile) //nolint:gosec // G304: as above
	if err != nil {
		return false, err
	}
	says, err := client.ReadEntitlementToken(strings.TrimSpace(string(token)), keys, organization, user, time.Now()) //nolint:forbidigo // a product has no other clock
	if err != nil {
		return false, err
	}
	answer := map[bool]string{true: "yes", false: "no"}[says.Has(name)]
	_, err = fmt.Printf("%s may use %s: %s, until %s at the latest\n", says.User, name, answer, time.Unix(says.Expires, 0).UTC().Format(time.RFC3339))
	return says.Has(name), err
}
