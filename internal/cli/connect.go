package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/client"
)

// connection is how a command reaches a server and who it signs in as.
type connection struct {
	std          streams
	server       string
	tenancy      string
	user         string
	passwordFlag string // name of the flag
	passwordFile string
}

// connectionHelp ends the help of every command that speaks to a server.
const connectionHelp = `

The server and the person who signs in come from flags or from the environment: SEATWRIGHT_SERVER, SEATWRIGHT_TENANCY,
SEATWRIGHT_USER and SEATWRIGHT_PASSWORD, or SEATWRIGHT_TOKEN instead of the last three. Passwords have no flag, because
other users of the machine can see flags: put them into a file, or pass them on standard input.`

// addConnection gives a command the flags of a connection. passwordFlag names the one for the file with the password.
func addConnection(command *cobra.Command, std streams, passwordFlag string) *connection {
	c := &connection{std: std, passwordFlag: passwordFlag}
	tenancy := std.getenv("SEATWRIGHT_TENANCY")
	if tenancy == "" {
		tenancy = "host"
	}
	flags := command.Flags()
	flags.StringVar(&c.server, "server", std.getenv("SEATWRIGHT_SERVER"), "`URL` of the server")
	flags.StringVar(&c.tenancy, "tenancy", tenancy, "where --user signs in: host, or an organization")
	flags.StringVar(&c.user, "user", std.getenv("SEATWRIGHT_USER"), "user `name` to sign in with")
	flags.StringVar(&c.passwordFile, passwordFlag, "", "`file` with the password of --user on its first line; - is standard input")
	return c
}

// open makes the client. It reads the password but sends nothing.
func (c *connection) open() (*client.Client, error) {
	if c.server == "" {
		return nil, usageError("no server: set --server or SEATWRIGHT_SERVER")
	}
	token := c.std.getenv("SEATWRIGHT_TOKEN")
	var option client.Option
	switch password := c.std.getenv("SEATWRIGHT_PASSWORD"); {
	case token != "" && c.passwordFile == "":
		option = client.WithToken(token)
	case c.user == "":
		return nil, usageError("nobody to sign in as: set --user or SEATWRIGHT_USER, or SEATWRIGHT_TOKEN")
	case c.passwordFile != "":
		var err error
		if password, err = readSecret(c.passwordFile, c.std.stdin); err != nil {
			return nil, err
		}
		fallthrough
	case password != "":
		option = client.WithPassword(c.tenancy, c.user, password)
	default:
		return nil, usageError("no password: set --%s or SEATWRIGHT_PASSWORD", c.passwordFlag)
	}
	opened, err := client.New(c.server, option)
	if err != nil {
		return nil, usageError("%v", err)
	}
	return opened, nil
}

// readSecret reads the first line of a file, or of stdin where name is "-".
func readSecret(name string, stdin io.Reader) (string, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", usageError("%v", err)
		}
		defer file.Close()
		from = file
	}
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read a password from %s: %w", name, err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", usageError("the first line of %s is empty: it should be a password", name)
	}
	return line, nil
}

// requireFlags makes cobra refuse a command line without them.
func requireFlags(command *cobra.Command, names ...string) {
	for _, name := range names {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err) // only for a flag that the command does not define
		}
	}
}
