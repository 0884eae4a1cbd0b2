package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/seatwright/seatwright/wire"
)

const organizations = "/api/v1/organizations"

// CreateOrganization makes an organization. Host administrators only. Errors: conflict/duplicate; see [Client].
func (c *Client) CreateOrganization(ctx context.Context, n wire.NewOrganization) (wire.Organization, error) {
	var answer wire.Organization
	err := c.write(ctx, http.MethodPost, organizations, n, &answer)
	return answer, err
}

// CreateTenant makes a tenant of an organization, given by id or name. Host administrators only. Errors:
// not_found/organization_not_found, conflict/duplicate; see [Client].
func (c *Client) CreateTenant(ctx context.Context, organization string, n wire.NewTenant) (wire.Tenant, error) {
	var answer wire.Tenant
	err := c.write(ctx, http.MethodPost, organizations+"/"+url.PathEscape(organization)+"/tenants", n, &answer)
	return answer, err
}

// CreateUser makes a person of an organization, given by id or name. Host administrators only. Errors:
// not_found/organization_not_found, conflict/duplicate; see [Client].
func (c *Client) CreateUser(ctx context.Context, organization string, n wire.NewUser) (wire.User, error) {
	var answer wire.User
	err := c.write(ctx, http.MethodPost, organizations+"/"+url.PathEscape(organization)+"/users", n, &answer)
	return answer, err
}

// CreateLot enters a purchase of an organization, given by id or name. Host administrators only. Errors:
// not_found/organization_not_found, conflict/duplicate; see [Client].
func (c *Client) CreateLot(ctx context.Context, organization string, n wire.NewLot) (wire.Lot, error) {
	var answer wire.Lot
	err := c.write(ctx, http.MethodPost, organizations+"/"+url.PathEscape(organization)+"/lots", n, &answer)
	return answer, err
}

// Policies tells what an organization, given by id or name, has decided about its licenses. Administrators of the organization and of the
// host only. Errors: not_found/organization_not_found; see [Client].
func (c *Client) Policies(ctx context.Context, organization string) (wire.Policies, error) {
	var answer wire.Policies
	err := c.read(ctx, http.MethodGet, organizations+"/"+url.PathEscape(organization)+"/policies", nil, &answer)
	return answer, err
}

// ChangePolicies changes those policies of an organization, given by id or name, that are not nil, and answers all of them.
// Administrators of the organization and of the host only; ExternalLicenses is for those of the host. Errors:
// not_found/organization_not_found, invalid/invalid_value, forbidden/missing_permission; see [Client].
func (c *Client) ChangePolicies(ctx context.Context, organization string, changes wire.PolicyChanges) (wire.Policies, error) {
	var answer wire.Policies
	err := c.write(ctx, http.MethodPatch, organizations+"/"+url.PathEscape(organization)+"/policies", changes, &answer)
	return answer, err
}
