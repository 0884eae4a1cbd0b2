package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

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

// Lots lists the purchases of an organization, given by id or name, in the order of code and id: those of one code, or all where
// code is empty. The purchases of the host itself are those of "host".
func (c *Client) Lots(ctx context.Context, organization, code string) ([]wire.Lot, error) {
	path := organizations + "/" + url.PathEscape(organization) + "/lots"
	if code != "" {
		path += "?code=" + url.QueryEscape(code)
	}
	var answer wire.Lots
	err := c.read(ctx, http.MethodGet, path, nil, &answer)
	return answer.Lots, err
}

// Notices lists what was told of purchases that end and of pools that run low, newest first, at most top of them (1 to 1,000).
// before is 0 for the first page and Next of the page before for each further one.
func (c *Client) Notices(ctx context.Context, organization string, before int64, top int) (wire.Notices, error) {
	query := url.Values{"top": {strconv.Itoa(top)}, "before": {strconv.FormatInt(before, 10)}}
	var answer wire.Notices
	err := c.read(ctx, http.MethodGet, organizations+"/"+url.PathEscape(organization)+"/notices?"+query.Encode(), nil, &answer)
	return answer, err
}

// ImportLicenseFile enters the purchases of a license file for the organization that it was made for. The same file once more
// changes nothing. Errors: invalid/malformed_license_file, invalid/forged_license_file, invalid/unknown_issuer, invalid/foreign_license_file,
// invalid/expired_license_file, conflict/deactivated_license_file, conflict/duplicate; see [Client].
func (c *Client) ImportLicenseFile(ctx context.Context, organization, text string) (wire.LicenseFile, error) {
	var answer wire.LicenseFile
	err := c.write(ctx, http.MethodPost, organizations+"/"+url.PathEscape(organization)+"/license-files", wire.LicenseFileText{File: text}, &answer)
	return answer, err
}

// LicenseFiles lists the license files that were imported into an organization, in the order of their ids: at most top of them (1 to
// 1,000) behind an id, which is empty for the first page.
func (c *Client) LicenseFiles(ctx context.Context, organization, behind string, top int) ([]wire.LicenseFile, error) {
	query := url.Values{"top": {strconv.Itoa(top)}, "behind": {behind}}
	var answer wire.LicenseFiles
	err := c.read(ctx, http.MethodGet, organizations+"/"+url.PathEscape(organization)+"/license-files?"+query.Encode(), nil, &answer)
	return answer.LicenseFiles, err
}

// ChangeLot changes what of a purchase is set in change. Host administrators only. Errors: not_found/not_found, invalid/invalid_value;
// see [Client].
func (c *Client) ChangeLot(ctx context.Context, organization, lot string, change wire.LotChange) (wire.Lot, error) {
	var answer wire.Lot
	err := c.write(ctx, http.MethodPatch, organizations+"/"+url.PathEscape(organization)+"/lots/"+url.PathEscape(lot), change, &answer)
	return answer, err
}

// RemoveLot takes a purchase back that was entered by mistake, and returns it as it was. Host administrators only. Errors:
// not_found/not_found; see [Client].
func (c *Client) RemoveLot(ctx context.Context, organization, lot string) (wire.Lot, error) {
	var answer wire.Lot
	err := c.write(ctx, http.MethodDelete, organizations+"/"+url.PathEscape(organization)+"/lots/"+url.PathEscape(lot), nil, &answer)
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
