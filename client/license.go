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
	ctx context.Context, organization string, users []seatwright.UserID, codes []seatwright.ProductCode, external bool,
) ([]wire.UserLicense, error) {
	body := wire.UserLicenseRequest{UserIds: texts(users), UserBundleCodes: texts(codes), UseExternalLicense: external}
	var answer []wire.UserLicense
	err := c.write(ctx, http.MethodPut, userLicense(organization), body, &answer)
	return answer, err
}

// ExplicitAllocations lists the direct allocations of those of users who have one.
func (c *Client) ExplicitAllocations(ctx context.Context, organization string, users []seatwright.UserID) ([]wire.UserExplicitAllocation, error) {
	var answer []wire.UserExplicitAllocation
	err := c.read(ctx, http.MethodPost, userLicense(organization), wire.UserLicenseRequest{UserIds: texts(users)}, &answer)
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
	err := c.write(ctx, http.MethodDelete, userLicense(organization), wire.UserLicenseRemovalRequest{UserIds: texts(users)}, &answer)
	return answer, err
}

// texts never returns nil: an empty list of codes blocks a user, an absent one asks a question.
func texts[ID ~string](ids []ID) []string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = string(id)
	}
	return s
}
