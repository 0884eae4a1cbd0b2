package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/internal/app"
)

// newServeCommand is the real thing: a server on a data directory that lasts.
func newServeCommand(std streams) *cobra.Command {
	c, environment := app.FromEnvironment(std.getenv)
	var printConfig bool
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until it is told to stop (SIGINT or SIGTERM).

The database is in a directory (--data) or in PostgreSQL (--database-url), on which several servers can run at once.

An empty database is filled: schema, signing key, and a first host administrator whose password is printed once,
on standard output. Logs go to standard error, one JSON object a line. Every flag can be set in the environment
(SEATWRIGHT_LISTEN and so on); SEATWRIGHT_SEAL_KEY has no flag, because other users of the machine can see flags: set
SEATWRIGHT_DATABASE_URL rather than --database-url where there is a password in it.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if environment != nil {
				return environment
			}
			if err := checkDatabase(c); err != nil {
				return err
			}
			if err := c.CheckLimits(); err != nil {
				return usageError("%v", err)
			}
			if printConfig {
				return c.Print(std.stdout)
			}
			return serve(command, std, c)
		},
	}
	command.Flags().StringVar(&c.Listen, "listen", c.Listen, "address and port to listen on")
	addDatabase(command, &c, "seatwright-data")
	command.Flags().StringVar(&c.PublicURL, "public-url", c.PublicURL, "origin that clients use, such as https://licenses.example.org")
	command.Flags().StringVar(&c.LogLevel, "log-level", c.LogLevel, "debug, info, warn or error")
	command.Flags().StringVar(&c.Catalogue, "catalogue", c.Catalogue, "`file` with products beside the published ones, the same for every node")
	command.Flags().StringVar(&c.LicenseIssuers, "license-issuers", c.LicenseIssuers, "`file` with the public keys (a JWK set) of those whose license files are believed")
	command.Flags().IntVar(&c.ConnectionsPerAddress, "connections-per-address", c.ConnectionsPerAddress, "most connections from one address, 0 for any number")
	command.Flags().Int64Var(&c.LoginFailuresPerMinute, "login-failures-per-minute", c.LoginFailuresPerMinute, "most wrong passwords of one person in a minute, 0 for any number")
	command.Flags().Int64Var(&c.LoginFailuresPerAddress, "login-failures-per-address", c.LoginFailuresPerAddress, "most failed logins of one address in a minute, 0 for any number")
	command.Flags().Int64Var(&c.LockAfterFailures, "lock-after-failures", c.LockAfterFailures, "wrong passwords in a row that lock an account, 0 for never")
	command.Flags().Int64Var(&c.LockSeconds, "lock-seconds", c.LockSeconds, "how long the first lock lasts; each further one lasts twice as long, up to a day")
	command.Flags().IntVar(&c.RequestsPerSecond, "requests-per-second", c.RequestsPerSecond, "most requests of one user or application in a second, 0 for any number")
	command.Flags().Int64Var(&c.EntitlementMegabytes, "entitlement-megabytes", c.EntitlementMegabytes, "memory for answers about what people hold, roughly, 0 for 160")
	command.Flags().BoolVar(&printConfig, "print-config", false, "print the configuration, secrets masked, and stop")
	return command
}

func serve(command *cobra.Command, std streams, c app.Config) error {
	server, err := app.Open(command.Context(), c, std.stderr, false)
	if err != nil {
		return err
	}
	defer server.Close() //nolint:errcheck // everything acknowledged is on disk already
	if _, err := fmt.Fprintf(std.stdout, "listening on %s\n", listening(server)); err != nil {
		return err
	}
	err = server.EnsureFirstAdministrator(command.Context(), func(user, password string) error {
		if password == "" {
			_, err := fmt.Fprintf(std.stdout, "another node has made user %s in the same moment: its password counts, not this one\n", user)
			return err
		}
		_, err := fmt.Fprintf(std.stdout, "first administrator: user %s, password %s\n", user, password)
		return err
	})
	if err != nil {
		return err
	}
	return server.Serve(command.Context())
}

// listening says where a server can be reached.
func listening(server *app.App) string {
	if server.EveryInterface() {
		return server.Address() + " and every other address of this machine"
	}
	return server.Address()
}
