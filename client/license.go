package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/wire"
)

// userLicense is the path of an organization's user licenses. organization is an id or a name.
func userLicense(organization string) string {
	return "/lease_/api/account/" + url.PathEscape(organization) + "/user-license"
}

// AllocateToUsers replaces the whole direct set of every listed user by codes: for all users or for none. No codes block the
// users. external asks for external licenses. The answer has one element for each user, in the order of users.
//
// Errors: not_found/no_license; exhausted/pool_exhausted with the shortages; invalid/unknown_user; see [Client].
func (c *Client) AllocateToUsers(
	ctx context.Context, organization string, users []seatwright.UserID, codes []seatwright.BundleCode, external bool,
) ([]wire.UserLicense, error) {
	// Not wire.UserLicenseRequest: it leaves out an empty list, and an empty list is what blocks a user.
	body := struct {
		Users    []seatwright.UserID     `json:"userIds"`
		Codes    []seatwright.BundleCode `json:"userBundleCodes"`
		External bool                    `json:"useExternalLicense"`
	}{users, codes, external}
	if codes == nil {
		body.Codes = []seatwright.BundleCode{}
	}
	var answer []wire.UserLicense
	err := c.write(ctx, http.MethodPut, userLicense(organization), body, &answer)
	return answer, err
}

// userList is the body of what concerns users and nothing else.
type userList struct {
	Users []seatwright.UserID `json:"userIds"`
}

// ExplicitAllocations lists the direct allocations of those of users who have one.
func (c *Client) ExplicitAllocations(ctx context.Context, organization string, users []seatwright.UserID) ([]wire.UserExplicitAllocation, error) {
	var answer []wire.UserExplicitAllocation
	err := c.read(ctx, http.MethodPost, userLicense(organization), userList{users}, &answer)
	return answer, err
}

// Pools lists what the organization can allocate, in the order of the codes.
func (c *Client) Pools(ctx context.Context, organization string) ([]wire.UserLicensePool, error) {
	var answer []wire.UserLicensePool
	err := c.read(ctx, http.MethodGet, userLicense(organization), nil, &answer)
	return answer, err
}

// Deallocate removes the direct allocation of every listed user, so that they inherit from their groups. Users whom the
// organization does not know are listed as failed.
func (c *Client) Deallocate(ctx context.Context, organization string, users []seatwright.UserID) (wire.UserLicenseRemoval, error) {
	var answer wire.UserLicenseRemoval
	err := c.write(ctx, http.MethodDelete, userLicense(organization), userList{users}, &answer)
	return answer, err
}
