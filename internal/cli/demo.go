package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// newDemoCommand runs a server with three organizations to try things on.
func newDemoCommand(std streams) *cobra.Command {
	c, environment := app.FromEnvironment(std.getenv)
	c.Data, c.DatabaseURL, c.LogLevel = "", "", "warn" // a demonstration never goes into the database of a server by accident
	var envFile string
	command := &cobra.Command{
		Use:   "demo",
		Short: "Run a server with demonstration data",
		Long: `Run a server with three organizations: acme, with people, free seats and one full pool; globex, with a purchase of its own;
and initech, without any license. It prints how to get a token and how to allocate, ready to paste.

A second run on the same directory goes on with its data. With --database-url only the credentials are in the directory. The demonstration names itself after the Host header of each
request and is not meant for an open network: use serve for that.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if environment != nil {
				return environment
			}
			if err := (app.Config{DatabaseURL: c.DatabaseURL}).CheckDatabase(); err != nil {
				return usageError("%v", err)
			}
			return demonstrate(command, std, c, envFile)
		},
	}
	command.Flags().StringVar(&c.Listen, "listen", c.Listen, "address and port to listen on")
	addDatabase(command, &c, demoData)
	command.Flags().StringVar(&envFile, "env-file", "", "write the demonstration's names and credentials to this file, as shell assignments")
	command.Flags().StringVar(&c.LogLevel, "log-level", c.LogLevel, "debug, info, warn or error")
	return command
}

// demoData is the directory of a demonstration.
const demoData = "demo-data"

func demonstrate(command *cobra.Command, std streams, c app.Config, envFile string) error {
	dir := cmp.Or(c.Data, demoData)
	if c.Data = dir; c.DatabaseURL != "" {
		c.Data = ""
	}
	server, err := app.Open(command.Context(), c, std.stderr, true)
	if err != nil {
		return err
	}
	defer server.Close() //nolint:errcheck // everything acknowledged is on disk already
	demo, err := server.LoadDemo(command.Context(), dir)
	if err != nil {
		return err
	}
	if envFile != "" {
		if err := demo.WriteEnvironment(envFile, server.Address()); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(std.stdout, "listening on %s\n%s", listening(server), demo.QuickStart(server.Address())); err != nil {
		return err
	}
	return server.Serve(command.Context())
}
