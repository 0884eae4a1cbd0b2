package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// newVerifyCommand says whether what is stored is what the events say.
func newVerifyCommand(std streams) *cobra.Command {
	c, environment := app.FromEnvironment(std.getenv)
	var input string
	command := &cobra.Command{
		Use:   "verify",
		Short: "Recompute everything from the events and print what differs",
		Long: `Recompute everything from the events and print what differs from what is stored: the chains of hashes, the counters and
totals of the pools, purchases, people, direct records, seats and signing keys.

It reads one moment of the database and changes nothing. Servers may run meanwhile. It needs some hundred bytes of memory for
each user of the largest organization. With --input it reads a backup in place of the database, which also shows
that the file is whole.

Exit codes: 0 nothing differs; 1 something does, a line on standard output for each thing, or the database cannot be
read; 2 the command line is wrong.`,
		Example: `  seatwright verify --data /var/lib/seatwright
  seatwright verify --input backup.gz`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if environment != nil {
				return environment
			}
			if input != "" {
				if command.Flags().Changed("data") || command.Flags().Changed("database-url") {
					return usageError("both a backup and a database are given: which of them shall be verified?")
				}
				from, err := openInput(input, std)
				if err != nil {
					return err
				}
				defer from.Close()
				return verify(std, func(report func(string)) (int, string, error) {
					return app.VerifyBackup(command.Context(), from, report)
				})
			}
			if err := checkDatabase(c); err != nil {
				return err
			}
			return verify(std, func(report func(string)) (int, string, error) { return app.Verify(command.Context(), c, report) })
		},
	}
	addDatabase(command, &c, "seatwright-data")
	command.Flags().StringVar(&input, "input", "", "`FILE` with a backup to verify in place of a database; - is standard input")
	return command
}

// verify prints what a verification finds.
func verify(std streams, check func(report func(string)) (int, string, error)) error {
	// What main sets is for a server, whose heap is small; this one holds what the events say of an organization.
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	differences, summary, err := check(func(sentence string) { fmt.Fprintln(std.stdout, clean(sentence)) })
	switch {
	case err != nil:
		return err
	case differences > 0:
		return fmt.Errorf("%d differences in %s", differences, summary)
	}
	fmt.Fprintf(std.stdout, "nothing differs: %s\n", summary)
	return nil
}
