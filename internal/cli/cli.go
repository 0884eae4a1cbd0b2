// Package cli is the command line: one file per subcommand, help text first.
//
// Commands for administrators (orgs, users, lots, denials) speak to a running server through package client. Commands for operators
// (serve, demo, verify, backup, restore, migrate) go to the database through package app. Those of vendors (license-file) need
// neither. Start at Run; exit.go has the exit codes.
package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// version is set when the binary is built (see the Makefile).
var version = "unknown"

// streams is what a command has of the world outside: the environment and the three standard streams.
type streams struct {
	getenv func(string) string // as os.Getenv
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// Run executes one command line, without the program's name, and returns the exit code. It ends early when ctx does.
func Run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	std := streams{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	root := newRootCommand(std)
	root.SetArgs(args)
	return exit(std, root.ExecuteContext(ctx))
}

func newRootCommand(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "seatwright",
		Short: "A license allocation server and its command line",
		Long: `Seatwright allocates license bundles to people and never sells a seat twice.

Exit codes: 0 done; 1 the server failed or cannot be reached; 2 the command line is wrong; 3 the server refused.`,
		Version:       version,
		SilenceErrors: true, // exit prints them, cleaned
		SilenceUsage:  true,
	}
	root.SetIn(std.stdin)
	root.SetOut(std.stdout)
	root.SetErr(std.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newServeCommand(std),
		newDemoCommand(std),
		newVerifyCommand(std),
		newBackupCommand(std),
		newRestoreCommand(std),
		newMigrateCommand(std),
		newOrgsCommand(std),
		newUsersCommand(std),
		newLotsCommand(std),
		newDenialsCommand(std),
		newLicenseFileCommand(std),
	)
	demandSubcommands(root)
	markFailures(root)
	return root
}

// demandSubcommands makes a group of commands that is called by itself, or with a word that it does not know, a usage
// error: cobra would print help and succeed, and a script would not notice its misspelling.
func demandSubcommands(c *cobra.Command) {
	for _, sub := range c.Commands() {
		demandSubcommands(sub)
	}
	if c.Runnable() {
		return
	}
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		return usageError("%s needs a subcommand: %s", c.CommandPath(), strings.Join(names, ", "))
	}
}

// markFailures wraps the errors of running commands, so that what is left unwrapped comes from cobra and is a usage error.
func markFailures(c *cobra.Command) {
	for _, sub := range c.Commands() {
		markFailures(sub)
	}
	run := c.RunE
	if run == nil {
		return
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := run(c, args); err != nil {
			return &failure{err}
		}
		return nil
	}
}
