package cli

import (
	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// addDatabase gives a command the flags that say where the database is. directory is the default of --data, for the help.
func addDatabase(command *cobra.Command, c *app.Config, directory string) {
	command.Flags().StringVar(&c.Data, "data", c.Data, "`DIR` of the embedded database (default \""+directory+"\")")
	command.Flags().Var(&c.DatabaseURL, "database-url", "PostgreSQL in its place, such as postgres://seatwright@db.example.org/seatwright")
	// pflag prints the default of a flag, and that may be a URL with a password from the environment.
	command.Flags().Lookup("database-url").DefValue = ""
}

// checkDatabase makes two databases at once a usage error.
func checkDatabase(c app.Config) error {
	if err := c.CheckDatabase(); err != nil {
		return usageError("%v", err)
	}
	return nil
}
