package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// newVerifyCommand says whether what is stored is what the events say.
func newVerifyCommand(std streams) *cobra.Command {
	c, environment := app.FromEnvironment(std.getenv)
	command := &cobra.Command{
		Use:   "verify",
		Short: "Recompute everything from the events and print what differs",
		Long: `Recompute everything from the events and print what differs from what is stored: the chains of hashes, the counters and
totals of the pools, purchases, people, direct records, seats and signing keys.

It reads one moment of the database and changes nothing. Servers may run meanwhile. It needs about 300 bytes of memory for each
user of the largest organization.

Exit codes: 0 nothing differs; 1 something does, a line on standard output for each thing, or the database cannot be
read; 2 the command line is wrong.`,
		Example: `  seatwright verify --data /var/lib/seatwright
  SEATWRIGHT_DATABASE_URL=postgres://seatwright:secret@db/seatwright seatwright verify`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if environment != nil {
				return environment
			}
			if err := checkDatabase(c); err != nil {
				return err
			}
			return verify(command, std, c)
		},
	}
	addDatabase(command, &c, "seatwright-data")
	return command
}

func verify(command *cobra.Command, std streams, c app.Config) error {
	differences, summary, err := app.Verify(command.Context(), c, func(sentence string) {
		fmt.Fprintln(std.stdout, clean(sentence))
	})
	switch {
	case err != nil:
		return err
	case differences > 0:
		return fmt.Errorf("%d differences in %s", differences, summary)
	}
	fmt.Fprintf(std.stdout, "nothing differs: %s\n", summary)
	return nil
}
