package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// newBackupCommand writes a backup while servers run.
func newBackupCommand(std streams) *cobra.Command {
	c, environment := app.FromEnvironment(std.getenv)
	var output string
	command := &cobra.Command{
		Use:   "backup",
		Short: "Write a backup, while servers run",
		Long: `Write everything but the signing keys to one file, as it is at one instant: what was acknowledged before is in it, and no
request is in it by half. Servers go on meanwhile. The file has the same form for both kinds of database, so that one can
be restored into the other.

The file is readable for its owner only, and appears under its name when it is whole and on the disk; until then the one before
stays. It holds names, mail addresses and hashes of passwords: keep it accordingly.

Exit codes: 0 the backup is whole; 1 there is none; 2 the command line is wrong.`,
		Example: `  seatwright backup --data /var/lib/seatwright --output backup.gz
  seatwright backup --data /var/lib/seatwright --output - | ssh vault 'cat > backup.gz'`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if environment != nil {
				return environment
			}
			if err := checkDatabase(c); err != nil {
				return err
			}
			if output == "-" {
				_, err := app.Backup(command.Context(), c, std.stdout, version)
				return err
			}
			rows, err := app.BackupToFile(command.Context(), c, output, version)
			if err == nil {
				fmt.Fprintf(std.stdout, "wrote %d rows to %s\n", rows, output)
			}
			return err
		},
	}
	addDatabase(command, &c, "seatwright-data")
	command.Flags().StringVar(&output, "output", "", "`FILE` to write; - is standard output")
	requireFlags(command, "output")
	return command
}
