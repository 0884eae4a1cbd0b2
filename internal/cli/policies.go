package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/wire"
)

// newOrgsPoliciesCommand shows and changes what an organization has decided about its licenses.
func newOrgsPoliciesCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "policies ORG",
		Short: "Show or change the policies of an organization",
		Long: `Show what an organization has decided about its licenses, or change what flags say and show all of it. ORG is an id or a name.

Administrators of the organization sign in there (--tenancy). Only a host administrator allows external licenses, and says
what a smaller purchase does. Leases that were begun under another policy go on.` + connectionHelp,
		Example: `  seatwright orgs policies songs
  seatwright orgs policies songs --tenancy songs --on-leave orphan --inactive-days 30`,
		Args: cobra.ExactArgs(1),
	}
	connection := addConnection(command, std, "password-file")
	var (
		unknownUsers, allocationMode, onLeave, onShrink, overdraft string
		externalLicenses, userLicensing, asJSON                    bool
		inactiveDays, unitLeaseMinutes                             int64
	)
	flags := command.Flags()
	flags.StringVar(&unknownUsers, "unknown-users", "", "what an allocation does with an unknown user id: refuse or provision")
	flags.BoolVar(&externalLicenses, "external-licenses", false, "whether allocations with an external license draw no unit")
	flags.StringVar(&allocationMode, "allocation-mode", "", "what a direct allocation does to what the person holds through groups: replace or additive")
	flags.StringVar(&onLeave, "on-leave", "", "what becomes of a lease when its holder leaves the group: release or orphan")
	flags.Int64Var(&inactiveDays, "inactive-days", 0, "after how many `days` without use a lease ends")
	flags.StringVar(&onShrink, "on-shrink", "", "what a purchase that ends or is made smaller does to those who hold more: allow, hold or block")
	flags.Int64Var(&unitLeaseMinutes, "unit-lease-minutes", 0, "after how many `minutes` without a renewal a lease of units ends")
	flags.StringVar(&overdraft, "overdraft", "", "whether services may consume more of a consumable than there is: refuse or allow")
	flags.BoolVar(&userLicensing, "user-licensing", false, "the published switch; it is told and changes nothing")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	command.RunE = func(command *cobra.Command, args []string) error {
		c, err := connection.open()
		if err != nil {
			return err
		}
		changes := wire.PolicyChanges{
			UnknownUsers: given(command, "unknown-users", (*wire.UnknownUsers)(&unknownUsers)), ExternalLicenses: given(command, "external-licenses", &externalLicenses),
			AllocationMode: given(command, "allocation-mode", (*wire.AllocationMode)(&allocationMode)), OnLeave: given(command, "on-leave", (*wire.OnLeave)(&onLeave)),
			InactiveDays: given(command, "inactive-days", &inactiveDays), OnShrink: given(command, "on-shrink", (*wire.OnShrink)(&onShrink)),
			UnitLeaseMinutes: given(command, "unit-lease-minutes", &unitLeaseMinutes), Overdraft: given(command, "overdraft", (*wire.Overdraft)(&overdraft)),
			UserLicensing: given(command, "user-licensing", &userLicensing),
		}
		var policies wire.Policies
		if changes == (wire.PolicyChanges{}) {
			policies, err = c.Policies(command.Context(), args[0])
		} else {
			policies, err = c.ChangePolicies(command.Context(), args[0], changes)
		}
		if err != nil {
			return err
		}
		return printResult(std.stdout, asJSON, policies, []column{
			{"UNKNOWN USERS", string(policies.UnknownUsers)}, {"EXTERNAL LICENSES", strconv.FormatBool(policies.ExternalLicenses)},
			{"ALLOCATION MODE", string(policies.AllocationMode)}, {"ON LEAVE", string(policies.OnLeave)},
			{"INACTIVE DAYS", strconv.FormatInt(policies.InactiveDays, 10)}, {"ON SHRINK", string(policies.OnShrink)},
			{"UNIT LEASE MINUTES", strconv.FormatInt(policies.UnitLeaseMinutes, 10)}, {"OVERDRAFT", string(policies.Overdraft)}, {"USER LICENSING", strconv.FormatBool(policies.UserLicensing)},
		})
	}
	return command
}

// given is the value of a flag, or nil where it is not on the command line.
func given[T any](command *cobra.Command, flag string, value *T) *T {
	if !command.Flags().Changed(flag) {
		return nil
	}
	return value
}
