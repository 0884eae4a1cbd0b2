package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/licensefile"
)

// newLicenseFileCommand has what a vendor does: no server is asked.
func newLicenseFileCommand(std streams) *cobra.Command {
	file := &cobra.Command{
		Use:   "license-file",
		Short: "Make, sign and show license files, as a vendor",
		Long: `Make, sign and show license files. A license file has purchases that a vendor has signed for one account; servers that know the
vendor's public key (seatwright serve --license-issuers) import it with "seatwright lots import". No server is asked here.`,
	}
	file.AddCommand(newLicenseFileKeygenCommand(std), newLicenseFileMakeCommand(std), newLicenseFileShowCommand(std))
	return file
}

func newLicenseFileKeygenCommand(std streams) *cobra.Command {
	var name, private string
	command := &cobra.Command{
		Use:   "keygen --name NAME --key FILE",
		Short: "Make a key that signs license files",
		Long: `Make an Ed25519 key. The private half is written into a new file, which only you may read: whoever has it can make licenses. The
public half is printed as a JWK set, for --license-issuers of servers; keys of several issuers go into one list. The name of the
key is the name of the issuer: a new key has a new name.`,
		Example: `  seatwright license-file keygen --name vendor-2026 --key vendor.jwk > issuers.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			key, err := licensefile.NewKey(name)
			if err != nil {
				return usageError("%v", seatwright.AsError(err).Detail)
			}
			secret, err := key.Private()
			if err != nil {
				return err
			}
			public, err := key.Public()
			if err != nil {
				return err
			}
			if err := writeNew(private, secret); err != nil {
				return err
			}
			_, err = std.stdout.Write(public)
			return err
		},
	}
	command.Flags().StringVar(&name, "name", "", "name of the key and of the issuer")
	command.Flags().StringVar(&private, "key", "", "new `file` for the private key")
	requireFlags(command, "name", "key")
	return command
}

// writeNew writes a secret into a file that was not there.
func writeNew(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usageError("%s is there already: a key is never written over", name)
	} else if err != nil {
		return usageError("%v", err)
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

func newLicenseFileMakeCommand(std streams) *cobra.Command {
	var (
		key, id, account, valid, lots  string
		code, start, end, grace, order string
		quantity                       int64
		now                            = time.Now().UTC().Truncate(time.Second) //nolint:forbidigo // when a person at a keyboard made it
		f                              = licensefile.File{IssuedAt: now}
	)
	command := &cobra.Command{
		Use:   "make --key FILE --account ID (--code CODE --quantity N | --lots FILE)",
		Short: "Sign purchases for an account",
		Long: `Make a license file and print it. It has one purchase, from the flags, or those of a file with a JSON list:

  [{"code": "ATTUNU", "quantity": 50, "start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z", "graceSeconds": 2592000, "order": "PO-4711"}]

--account is the id, not the name, of the organization that may import it; for the license of a whole installation it is that of the host,
` + string(seatwright.HostID) + `. Times are as those of "seatwright lots create".`,
		Example: `  seatwright license-file make --key vendor.jwk --account song-one --code ATTUNU --quantity 50 --end 2030-01-01 > songs.license`,
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) (err error) {
			flags := command.Flags()
			if lots != "" && (flags.Changed("code") || flags.Changed("quantity")) || lots == "" && !(flags.Changed("code") && flags.Changed("quantity")) {
				return usageError("either --lots, or --code with --quantity")
			}
			if lots != "" {
				f.Lots, err = readLots(lots, std.stdin)
			} else {
				f.Lots, err = oneLot(code, quantity, start, end, grace, order, now)
			}
			if err != nil {
				return err
			}
			seconds, err := parseDays("valid-for", valid)
			if err != nil {
				return err
			}
			if f.ID, f.Audience, f.ExpiresAt = id, account, now.Add(time.Duration(seconds)*time.Second); id == "" {
				f.ID = seatwright.NewID()
			}
			secret, err := os.ReadFile(key)
			if err != nil {
				return usageError("%v", err)
			}
			signer, err := licensefile.ReadKey(secret)
			if err != nil {
				return usageError("%s: %v", key, err)
			}
			if _, err := f.Purchases(); err != nil {
				return usageError("%s", seatwright.AsError(err).Detail)
			}
			text, err := signer.Sign(f)
			if err != nil {
				return usageError("%s", seatwright.AsError(err).Detail)
			}
			_, err = fmt.Fprintln(std.stdout, text)
			return err
		},
	}
	flags := command.Flags()
	flags.StringVar(&key, "key", "", "`file` with the private key, as keygen made it")
	flags.StringVar(&account, "account", "", "id of the organization that may import the file")
	flags.StringVar(&id, "id", "", "id of the file (default: a new UUID)")
	flags.StringVar(&valid, "valid-for", "90d", "how long the file may be imported")
	flags.StringVar(&lots, "lots", "", "`file` with a JSON list of purchases; - is standard input")
	flags.StringVar(&code, "code", "", "code of the product, such as ATTUNU")
	flags.Int64Var(&quantity, "quantity", 0, "number of units")
	flags.StringVar(&start, "start", "", "first `time` at which the units count (default: now)")
	flags.StringVar(&end, "end", "", "`time` at which the term ends (default: one year after the start)")
	flags.StringVar(&grace, "grace", "", "how long the units count after the end, such as 30d or 12h (default: not at all)")
	flags.StringVar(&order, "order", "", "reference of the buyer or seller")
	requireFlags(command, "key", "account")
	return command
}

func oneLot(code string, quantity int64, start, end, grace, order string, now time.Time) ([]licensefile.Lot, error) {
	lot := licensefile.Lot{Code: code, Quantity: quantity, Order: order}
	var err error
	if lot.Start, err = parseTime("start", start); err != nil {
		return nil, err
	}
	if lot.Start.IsZero() {
		lot.Start = now
	}
	if lot.End, err = parseTime("end", end); err != nil {
		return nil, err
	}
	if lot.End.IsZero() {
		lot.End = lot.Start.AddDate(1, 0, 0)
	}
	lot.GraceSeconds, err = parseGrace(grace)
	return []licensefile.Lot{lot}, err
}

// readLots reads a JSON list without unknown fields.
func readLots(name string, stdin io.Reader) (lots []licensefile.Lot, err error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usageError("%v", err)
		}
		defer file.Close()
		from = file
	}
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&lots); err != nil {
		return nil, usageError("%s is no list of purchases: %v", name, err)
	}
	return lots, nil
}

func newLicenseFileShowCommand(std streams) *cobra.Command {
	var issuers string
	var asJSON bool
	command := &cobra.Command{
		Use:     "show FILE",
		Short:   "Print what a license file says",
		Long:    `Print what a license file says; - is standard input. Who has signed it is verified only where --license-issuers has the keys.`,
		Example: `  seatwright license-file show songs.license --license-issuers issuers.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := readAll(args[0], std.stdin)
			if err != nil {
				return err
			}
			var f licensefile.File
			if issuers == "" {
				f, err = licensefile.Show(text)
			} else {
				var keys []byte
				if keys, err = os.ReadFile(issuers); err != nil {
					return usageError("%v", err)
				}
				var known *licensefile.Issuers
				if known, err = licensefile.ReadIssuers(keys); err != nil {
					return usageError("%s: %v", issuers, err)
				}
				f, _, err = known.Read(text)
			}
			if err != nil {
				return err
			}
			return printLicenseFile(std.stdout, asJSON, f)
		},
	}
	command.Flags().StringVar(&issuers, "license-issuers", "", "`file` with the public keys (a JWK set) to verify it with")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

func printLicenseFile(w io.Writer, asJSON bool, f licensefile.File) error {
	if asJSON {
		return printJSON(w, struct {
			ID        string            `json:"id"`
			Issuer    string            `json:"issuer"`
			Account   string            `json:"account"`
			IssuedAt  time.Time         `json:"issuedAt"`
			ExpiresAt time.Time         `json:"expiresAt"`
			Lots      []licensefile.Lot `json:"lots"`
		}{f.ID, f.Issuer, f.Audience, f.IssuedAt, f.ExpiresAt, f.Lots})
	}
	rows := make([][]column, len(f.Lots))
	for i, lot := range f.Lots {
		rows[i] = []column{
			{"FILE", f.ID}, {"ISSUER", f.Issuer}, {"ACCOUNT", f.Audience}, {"IMPORT UNTIL", f.ExpiresAt.Format(time.RFC3339)}, {"CODE", lot.Code},
			{"QUANTITY", strconv.FormatInt(lot.Quantity, 10)}, {"START", lot.Start.Format(time.RFC3339)}, {"END", lot.End.Format(time.RFC3339)},
			{"GRACE", (time.Duration(lot.GraceSeconds) * time.Second).String()}, {"ORDER", lot.Order},
		}
	}
	return printTable(w, rows)
}

// readAll reads a license file, or stdin where name is "-".
func readAll(name string, stdin io.Reader) (string, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", usageError("%v", err)
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, licensefile.MaxText+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}

func newLotsImportCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "import FILE --org ORG",
		Short: "Import a signed license file",
		Long: `Enter the purchases of a license file; - is standard input. The file has to be made for this organization and signed by somebody
whom the server knows (serve --license-issuers). The same file once more changes nothing.` + connectionHelp,
		Example: `  seatwright lots import songs.license --org songs`,
		Args:    cobra.ExactArgs(1),
	}
	connection := addConnection(command, std, "password-file")
	var organization string
	var asJSON bool
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "id or name of the organization")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	requireFlags(command, "org")
	command.RunE = func(command *cobra.Command, args []string) error {
		text, err := readAll(args[0], std.stdin)
		if err != nil {
			return err
		}
		c, err := connection.open()
		if err != nil {
			return err
		}
		file, err := c.ImportLicenseFile(command.Context(), organization, text)
		if err != nil {
			return err
		}
		return printResult(std.stdout, asJSON, file, []column{
			{"ID", file.ID}, {"ISSUER", file.Issuer}, {"IMPORTED", file.ImportedAt.Format(time.RFC3339)}, {"LOTS", strings.Join(file.Lots, " ")},
		})
	}
	return command
}
