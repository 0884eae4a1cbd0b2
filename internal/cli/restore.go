package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// newRestoreCommand fills an empty database from a backup.
func newRestoreCommand(std streams) *cobra.Command {
	c, environment := app.FromEnvironment(std.getenv)
	var input string
	command := &cobra.Command{
		Use:   "restore",
		Short: "Fill an empty database from a backup, and verify it",
		Long: `Fill an empty database from a backup, all of it or, when anything is wrong with the backup, nothing. A data directory
that is not there is made; a PostgreSQL database has to exist. No server may run on it. What was restored is
verified then, as by "seatwright verify".

A backup has no signing keys: the server makes a new one when it starts, and nobody's token of before is accepted. What was
answered after the backup was made is not in it.

Exit codes: 0 restored and verified; 1 nothing is restored, or what is restored has differences, a line on standard output
for each; 2 the command line is wrong.`,
		Example: `  seatwright restore --data /var/lib/seatwright --input backup.gz
  seatwright restore --database-url postgres://seatwright@db/seatwright --input backup.gz`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if environment != nil {
				return environment
			}
			if err := checkDatabase(c); err != nil {
				return err
			}
			from, err := openInput(input, std)
			if err != nil {
				return err
			}
			defer from.Close()
			header, err := app.Restore(command.Context(), c, from)
			if err != nil {
				return err
			}
			fmt.Fprintf(std.stdout, "restored the backup of %s, written by seatwright %s\n", header.Begun.Format(time.RFC3339), clean(header.Program))
			return verify(std, func(report func(string)) (int, string, error) { return app.Verify(command.Context(), c, report) })
		},
	}
	addDatabase(command, &c, "seatwright-data")
	command.Flags().StringVar(&input, "input", "", "`FILE` with a backup; - is standard input")
	requireFlags(command, "input")
	return command
}

// openInput opens a file, or standard input for "-".
func openInput(name string, std streams) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(std.stdin), nil
	}
	return os.Open(name)
}
