package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// newMigrateCommand brings the schema up to date without a server.
func newMigrateCommand(std streams) *cobra.Command {
	c, environment := app.FromEnvironment(std.getenv)
	var status bool
	command := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema of the database up to date",
		Long: `Bring the schema of the database up to date without starting a server, which would do the same at its start. A data directory
that is not there is made; a PostgreSQL database has to exist.

With PostgreSQL, nodes of the release before go on meanwhile where the new schema allows it. A data directory must have no
server.

Exit codes: 0 the schema is up to date, or newer and usable; 1 it could not be migrated, or it is too new for this program;
2 the command line is wrong.`,
		Example: `  seatwright migrate --data /var/lib/seatwright
  seatwright migrate --database-url postgres://seatwright@db/seatwright --status`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if environment != nil {
				return environment
			}
			if err := checkDatabase(c); err != nil {
				return err
			}
			if status {
				return schemaStatus(command, std, c)
			}
			return migrate(command, std, c)
		},
	}
	addDatabase(command, &c, "seatwright-data")
	command.Flags().BoolVar(&status, "status", false, "only say which schema the database has")
	return command
}

func migrate(command *cobra.Command, std streams, c app.Config) error {
	before, err := app.Migrate(command.Context(), c)
	if err != nil {
		return err
	}
	switch {
	case before.Version < before.Known:
		fmt.Fprintf(std.stdout, "migrated from schema %d to %d\n", before.Version, before.Known)
	case before.Version == before.Known:
		fmt.Fprintf(std.stdout, "nothing to do: the database has schema %d\n", before.Version)
	default:
		fmt.Fprintf(std.stdout, "nothing to do: the database has schema %d, which is newer than this program's %d and may be used by it\n", before.Version, before.Known)
	}
	return nil
}

func schemaStatus(command *cobra.Command, std streams, c app.Config) error {
	schema, err := app.Schema(command.Context(), c)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.stdout, "the database has schema %d, this program brings %d; programs that know schema %d at least may use it\n",
		schema.Version, schema.Known, schema.Oldest)
	return schema.Usable()
}
