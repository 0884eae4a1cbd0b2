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
	lots.AddCommand(newLotsCreateCommand(std))
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
		return printResult(std.stdout, asJSON, lot, []column{
			{"ID", lot.ID}, {"CODE", lot.Code}, {"QUANTITY", strconv.FormatInt(lot.Quantity, 10)}, {"START", lot.Start.Format(time.RFC3339)},
			{"END", lot.End.Format(time.RFC3339)}, {"GRACE", (time.Duration(lot.GraceSeconds) * time.Second).String()}, {"ORDER", lot.Order},
		})
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
func parseGrace(text string) (seconds int64, err error) {
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
	return 0, usageError("--grace is neither whole days like 30d nor whole seconds like 12h: %q", text)
}
