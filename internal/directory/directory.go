// Package directory is the use cases of organizations, tenants, people and applications: each method checks the permission
// and the values, submits one command or asks one question, and answers. Passwords are hashed here, before the queue.
package directory

import (
	"context"
	"sync"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Directory knows who exists. It is safe for concurrent use.
type Directory struct {
	reader    Reader
	ledger    *ledger.Ledger
	passwords *Passwords

	// Organizations that were found, by id and by name key. Nothing renames or deletes an organization, so what was found
	// stays true; what was not found is asked again.
	known sync.Map
}

// Reader is what the use cases ask.
type Reader interface {
	seatwright.DirectoryReader
	seatwright.SettingReader
}

// New makes the use cases over a reader and the ledger of the same store.
func New(reader Reader, ledger *ledger.Ledger, passwords *Passwords) *Directory {
	return &Directory{reader: reader, ledger: ledger, passwords: passwords}
}

// Organization finds an organization, or the host, by its id or its name; names without regard to letter case. Everything
// else, also text that can be neither, is not_found/organization_not_found.
func (d *Directory) Organization(ctx context.Context, ref string) (seatwright.Organization, error) {
	if found, ok := d.known.Load(ref); ok {
		return found.(seatwright.Organization), nil
	}
	id, err := seatwright.CanonicalID(ref)
	if err != nil {
		return seatwright.Organization{}, seatwright.MissingOrganization()
	}
	org, err := d.reader.Organization(ctx, seatwright.OrganizationID(id))
	if seatwright.IsKind(err, seatwright.KindNotFound) {
		org, err = d.reader.OrganizationByName(ctx, seatwright.NameKey(ref))
	}
	org.Policies = seatwright.Policies{} // they change, and what is kept here does not
	if err == nil {
		// Only the two spellings that everybody uses are kept, so that callers cannot fill the memory with others.
		if ref == string(org.ID) || ref == org.Name {
			d.known.Store(ref, org)
		}
	}
	return org, err
}

// NewOrganization is what the host says about an organization to be created.
type NewOrganization struct {
	ID               string // empty: a fresh UUID
	Name             string
	DisplayName      string                  // empty: the name
	UnknownUsers     seatwright.UnknownUsers // empty: refuse
	ExternalLicenses bool
}

// CreateOrganization makes an organization. Host administrators only.
func (d *Directory) CreateOrganization(ctx context.Context, caller seatwright.Caller, n NewOrganization) (seatwright.Organization, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return seatwright.Organization{}, err
	}
	id, err := optionalID(n.ID)
	if err != nil {
		return seatwright.Organization{}, err
	}
	if seatwright.IsReservedName(id) {
		return seatwright.Organization{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "%q is reserved", id).In("id")
	}
	if err := seatwright.CheckName(n.Name); err != nil {
		return seatwright.Organization{}, err
	}
	if n.DisplayName == "" {
		n.DisplayName = n.Name
	}
	if err := seatwright.CheckText("displayName", n.DisplayName); err != nil {
		return seatwright.Organization{}, err
	}
	switch n.UnknownUsers {
	case "":
		n.UnknownUsers = seatwright.RefuseUnknownUsers
	case seatwright.RefuseUnknownUsers, seatwright.ProvisionUnknownUsers:
	default:
		return seatwright.Organization{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "unknownUsers is refuse or provision").In("unknownUsers")
	}
	return ledger.Submit(ctx, d.ledger, caller.Origin(), seatwright.CreateOrganization{
		ID: seatwright.OrganizationID(id), FreshID: seatwright.OrganizationID(seatwright.NewID()), Name: n.Name, DisplayName: n.DisplayName,
		UnknownUsers: n.UnknownUsers, External: n.ExternalLicenses,
	})
}

// optionalID is the canonical form of an id that a caller may choose.
func optionalID(id string) (string, error) {
	if id == "" {
		return "", nil
	}
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return "", seatwright.AsError(err).In("id")
	}
	return canonical, nil
}

// NewTenant is what the host says about a tenant to be created.
type NewTenant struct {
	ID   string // empty: a fresh UUID
	Name string
}

// CreateTenant makes a tenant of an organization. Host administrators only.
func (d *Directory) CreateTenant(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n NewTenant,
) (seatwright.Tenant, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return seatwright.Tenant{}, err
	}
	id, err := optionalID(n.ID)
	if err != nil {
		return seatwright.Tenant{}, err
	}
	if err := seatwright.CheckName(n.Name); err != nil {
		return seatwright.Tenant{}, err
	}
	return ledger.Submit(ctx, d.ledger, caller.Origin(), seatwright.CreateTenant{
		Organization: organization, ID: seatwright.TenantID(id), FreshID: seatwright.TenantID(seatwright.NewID()), Name: n.Name,
	})
}

// AddSigningKey stores a key that signs access tokens from now on.
func (d *Directory) AddSigningKey(ctx context.Context, key seatwright.SigningKey) error {
	_, err := ledger.Submit(ctx, d.ledger, seatwright.SystemCaller("identity").Origin(), seatwright.CreateSigningKey{Key: key})
	return err
}

// CreateHost makes the host's own partition, once per installation; fresh says that it was made now.
func (d *Directory) CreateHost(ctx context.Context) (fresh bool, err error) {
	return ledger.Submit(ctx, d.ledger, seatwright.SystemCaller("start").Origin(), seatwright.CreateHost{})
}
