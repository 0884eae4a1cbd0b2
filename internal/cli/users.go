package cli

import (
	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/wire"
)

// newUsersCommand has what a host administrator does with people.
func newUsersCommand(std streams) *cobra.Command {
	users := &cobra.Command{Use: "users", Short: "People of an organization"}
	users.AddCommand(newUsersCreateCommand(std))
	return users
}

func newUsersCreateCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "create --org ORG",
		Short: "Create a user",
		Long: `Create a person of an organization, as a host administrator. Only a person with a user name and a password can sign
in; everybody can be given bundles.

Here --password-file is about the new person; the file with the password of --user is --login-password-file.` + connectionHelp,
		Example: `  seatwright users create --org songs --id singer-77 --first-name Ella
  seatwright users create --org songs --user-name admin --role organization-administrator --password-file secret.txt`,
		Args: cobra.NoArgs,
	}
	connection := addConnection(command, std, "login-password-file")
	var (
		n                         wire.NewUser
		organization, newPassword string
		asJSON                    bool
	)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "id or name of the organization")
	flags.StringVar(&n.ID, "id", "", "id of the user (default: a new UUID)")
	flags.StringVar(&n.UserName, "user-name", "", "what the user signs in with")
	flags.StringVar(&newPassword, "password-file", "", "`file` with the new user's password on its first line; - is standard input")
	flags.StringVar(&n.Email, "email", "", "mail address")
	flags.StringVar(&n.FirstName, "first-name", "", "first name")
	flags.StringVar(&n.LastName, "last-name", "", "last name")
	flags.StringVar(&n.DisplayName, "display-name", "", "name for people")
	flags.StringVar(&n.ExternalID, "external-id", "", "key in a directory that is kept elsewhere")
	flags.StringVar((*string)(&n.Role), "role", "", "member (default) or organization-administrator; host-administrator with --org host")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	requireFlags(command, "org")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if newPassword == "-" && connection.passwordFile == "-" {
			return usageError("both passwords cannot come from standard input")
		}
		c, err := connection.open()
		if err != nil {
			return err
		}
		if newPassword != "" {
			if n.Password, err = readSecret(newPassword, std.stdin); err != nil {
				return err
			}
		}
		user, err := c.CreateUser(command.Context(), organization, n)
		if err != nil {
			return err
		}
		return printResult(std.stdout, asJSON, user, []column{
			{"ID", user.ID}, {"USER NAME", user.UserName}, {"FIRST NAME", user.FirstName}, {"LAST NAME", user.LastName}, {"ROLE", string(user.Role)},
		})
	}
	return command
}
