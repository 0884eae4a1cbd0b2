package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/wire"
)

// newLotsCommand has what a host administrator does with purchases.
func newLotsCommand(std streams) *cobra.Command {
	lots := &cobra.Command{Use: "lots", Short: "Purchases of an organization"}
	lots.AddCommand(newLotsCreateCommand(std), newLotsListCommand(std), newLotsChangeCommand(std), newLotsRemoveCommand(std), newLotsImportCommand(std))
	return lots
}

func newLotsCreateCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "create --org ORG --code CODE --quantity N",
		Short: "Enter a purchase",
		Long: `Enter a purchase of units of one bundle, as a host administrator. The units count from --start until --end and the grace
period after it.

Times are dates (2030-01-31, midnight UTC) or RFC 3339 (2030-01-31T12:00:00+01:00).` + connectionHelp,
		Example: `  seatwright lots create --org songs --code ATTUNU --quantity 50 --end 2030-01-01 --grace 30d --order PO-4711`,
		Args:    cobra.NoArgs,
	}
	connection := addConnection(command, std, "password-file")
	var (
		n                               wire.NewLot
		organization, start, end, grace string
		asJSON                          bool
	)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "id or name of the organization")
	flags.StringVar(&n.Code, "code", "", "code of the bundle, such as ATTUNU")
	flags.Int64Var(&n.Quantity, "quantity", 0, "number of units")
	flags.StringVar(&n.ID, "id", "", "id of the purchase (default: a new UUID)")
	flags.StringVar(&start, "start", "", "first `time` at which the units count (default: now)")
	flags.StringVar(&end, "end", "", "`time` at which the term ends (default: one year after the start)")
	flags.StringVar(&grace, "grace", "", "how long the units count after the end, such as 30d or 12h (default: not at all)")
	flags.StringVar(&n.Order, "order", "", "reference of the buyer or seller")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	requireFlags(command, "org", "code", "quantity")
	command.RunE = func(command *cobra.Command, _ []string) (err error) {
		if n.Start, err = parseTime("start", start); err != nil {
			return err
		}
		if n.End, err = parseTime("end", end); err != nil {
			return err
		}
		if n.End.IsZero() {
			begin := n.Start
			if begin.IsZero() {
				begin = time.Now().UTC().Truncate(time.Second) //nolint:forbidigo // a default for a person at a keyboard
			}
			n.End = begin.AddDate(1, 0, 0)
		}
		if n.GraceSeconds, err = parseGrace(grace); err != nil {
			return err
		}
		c, err := connection.open()
		if err != nil {
			return err
		}
		lot, err := c.CreateLot(command.Context(), organization, n)
		if err != nil {
			return err
		}
		return printResult(std.stdout, asJSON, lot, lotRow(lot))
	}
	return command
}

func lotRow(lot wire.Lot) []column {
	return []column{
		{"ID", lot.ID}, {"CODE", lot.Code}, {"QUANTITY", strconv.FormatInt(lot.Quantity, 10)}, {"START", lot.Start.Format(time.RFC3339)},
		{"END", lot.End.Format(time.RFC3339)}, {"GRACE", (time.Duration(lot.GraceSeconds) * time.Second).String()}, {"STATE", string(lot.State)},
		{"ORDER", lot.Order},
	}
}

func newLotsListCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "list --org ORG",
		Short: "List purchases",
		Long: `List the purchases of an organization in the order of code and id, also those that have ended. Those of the host itself are
those of the organization "host".` + connectionHelp,
		Example: `  seatwright lots list --org songs --code ATTUNU`,
		Args:    cobra.NoArgs,
	}
	connection := addConnection(command, std, "password-file")
	var organization, code string
	var asJSON bool
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "id or name of the organization")
	flags.StringVar(&code, "code", "", "only purchases of this product")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	requireFlags(command, "org")
	command.RunE = func(command *cobra.Command, _ []string) error {
		c, err := connection.open()
		if err != nil {
			return err
		}
		lots, err := c.Lots(command.Context(), organization, code)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(std.stdout, lots)
		}
		rows := make([][]column, len(lots))
		for i, lot := range lots {
			rows[i] = lotRow(lot)
		}
		return printTable(std.stdout, rows)
	}
	return command
}

func newLotsChangeCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "change LOT --org ORG",
		Short: "Renew a purchase, end it early, or correct it",
		Long: `Change a purchase, as a host administrator. What has no flag stays as it is. A later --end renews it, an earlier one ends it
early; totals follow at once, and people who hold more than is left keep it.` + connectionHelp,
		Example: `  seatwright lots change 8d4ff0f2-3e9c-4c7f-9a59-0d4c1f3c1f52 --org songs --end 2031-01-01 --order PO-4712`,
		Args:    cobra.ExactArgs(1),
	}
	connection := addConnection(command, std, "password-file")
	var (
		quantity                               int64
		organization, start, end, grace, order string
		asJSON                                 bool
	)
	flags := command.Flags()
	flags.StringVar(&organization, "org", "", "id or name of the organization")
	flags.Int64Var(&quantity, "quantity", 0, "number of units")
	flags.StringVar(&start, "start", "", "first `time` at which the units count")
	flags.StringVar(&end, "end", "", "`time` at which the term ends")
	flags.StringVar(&grace, "grace", "", "how long the units count after the end, such as 30d or 12h; 0d for not at all")
	flags.StringVar(&order, "order", "", "reference of the buyer or seller")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	requireFlags(command, "org")
	command.MarkFlagsOneRequired("quantity", "start", "end", "grace", "order")
	command.RunE = func(command *cobra.Command, args []string) error {
		var change wire.LotChange
		if flags.Changed("quantity") {
			change.Quantity = &quantity
		}
		if flags.Changed("order") {
			change.Order = &order
		}
		for flag, text := range map[string]string{"start": start, "end": end} {
			if !flags.Changed(flag) {
				continue
			}
			at, err := parseTime(flag, text)
			if err == nil && at.IsZero() {
				err = usageError("--%s is empty", flag)
			}
			if err != nil {
				return err
			}
			if flag == "start" {
				change.Start = &at
			} else {
				change.End = &at
			}
		}
		if flags.Changed("grace") {
			seconds, err := parseGrace(grace)
			if err != nil {
				return err
			}
			change.GraceSeconds = &seconds
		}
		c, err := connection.open()
		if err != nil {
			return err
		}
		lot, err := c.ChangeLot(command.Context(), organization, args[0], change)
		if err != nil {
			return err
		}
		return printResult(std.stdout, asJSON, lot, lotRow(lot))
	}
	return command
}

func newLotsRemoveCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "remove LOT --org ORG",
		Short: "Take back a purchase that was entered by mistake",
		Long: `Take back a purchase, as a host administrator, as if it had never been. To end one change its end instead: then it stays
listed.` + connectionHelp,
		Example: `  seatwright lots remove 8d4ff0f2-3e9c-4c7f-9a59-0d4c1f3c1f52 --org songs`,
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
		c, err := connection.open()
		if err != nil {
			return err
		}
		lot, err := c.RemoveLot(command.Context(), organization, args[0])
		if err != nil {
			return err
		}
		return printResult(std.stdout, asJSON, lot, lotRow(lot))
	}
	return command
}

// parseTime reads a date or an RFC 3339 time; nothing is the zero time.
func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError("--%s is neither a date like 2030-01-31 nor a time like 2030-01-31T12:00:00Z: %q", flag, text)
}

// parseGrace reads whole days ("30d") or a Go duration of whole seconds; nothing is none.
func parseGrace(text string) (seconds int64, err error) { return parseDays("grace", text) }

// parseDays is parseGrace for any flag.
func parseDays(flag, text string) (seconds int64, err error) {
	if text == "" {
		return 0, nil
	}
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		if n, err := strconv.ParseInt(days, 10, 32); err == nil && n >= 0 {
			return n * 24 * 60 * 60, nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d >= 0 && d%time.Second == 0 {
		return int64(d / time.Second), nil
	}
	return 0, usageError("--%s is neither whole days like 30d nor whole seconds like 12h: %q", flag, text)
}
