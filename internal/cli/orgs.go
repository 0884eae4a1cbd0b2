package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/wire"
)

// newOrgsCommand has what administrators do with organizations.
func newOrgsCommand(std streams) *cobra.Command {
	orgs := &cobra.Command{Use: "orgs", Short: "Organizations of the installation"}
	orgs.AddCommand(newOrgsCreateCommand(std), newOrgsPoliciesCommand(std))
	return orgs
}

// createdOrganization is the JSON of orgs create.
type createdOrganization struct {
	wire.Organization
	Tenant *wire.Tenant `json:"tenant,omitempty"`
}

func newOrgsCreateCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:     "create NAME",
		Short:   "Create an organization",
		Long:    `Create an organization, as a host administrator. NAME is the first segment of its URLs.` + connectionHelp,
		Example: `  seatwright orgs create songs --id song-one --display-name "Song One" --tenant default`,
		Args:    cobra.ExactArgs(1),
	}
	connection := addConnection(command, std, "password-file")
	var (
		n      wire.NewOrganization
		tenant string
		asJSON bool
	)
	flags := command.Flags()
	flags.StringVar(&n.ID, "id", "", "id of the organization (default: a new UUID)")
	flags.StringVar(&n.DisplayName, "display-name", "", "name for people")
	flags.StringVar(&tenant, "tenant", "", "create a tenant of this `name` as well")
	flags.StringVar((*string)(&n.UnknownUsers), "unknown-users", "", "what an allocation does with an unknown user id: refuse (default) or provision")
	flags.BoolVar(&n.ExternalLicenses, "external-licenses", false, "let allocations with an external license draw no unit")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	command.RunE = func(command *cobra.Command, args []string) error {
		n.Name = args[0]
		if tenant != "" { // before anything is made
			if err := seatwright.CheckName(tenant); err != nil {
				return usageError("--tenant: %s", seatwright.AsError(err).Detail)
			}
		}
		c, err := connection.open()
		if err != nil {
			return err
		}
		created := createdOrganization{}
		if created.Organization, err = c.CreateOrganization(command.Context(), n); err != nil {
			return err
		}
		if tenant != "" {
			t, err := c.CreateTenant(command.Context(), created.ID, wire.NewTenant{Name: tenant})
			if err != nil {
				return fmt.Errorf("organization %s (%s) was created, its tenant was not: %w", created.Name, created.ID, err)
			}
			created.Tenant = &t
		}
		row := []column{{"ID", created.ID}, {"NAME", created.Name}, {"DISPLAY NAME", created.DisplayName}, {"UNKNOWN USERS", string(created.UnknownUsers)}}
		if created.Tenant != nil {
			row = append(row, column{"TENANT", created.Tenant.Name}, column{"TENANT ID", created.Tenant.ID})
		}
		return printResult(std.stdout, asJSON, created, row)
	}
	return command
}
