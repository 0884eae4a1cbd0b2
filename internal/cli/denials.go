package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seatwright/seatwright/client"
	"github.com/seatwright/seatwright/wire"
)

// newDenialsCommand tells who was refused units.
func newDenialsCommand(std streams) *cobra.Command {
	denials := &cobra.Command{Use: "denials", Short: "Who was refused licenses, and how often"}
	denials.AddCommand(newDenialsListCommand(std), newDenialsCountsCommand(std))
	return denials
}

// denialFlags are those of both commands.
type denialFlags struct {
	organization, code, person, since, until string
	satisfied, asJSON                        bool
	top                                      int
}

func (f *denialFlags) add(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.organization, "org", "", "id or name of the organization")
	flags.StringVar(&f.code, "code", "", "only of this product")
	flags.StringVar(&f.person, "person", "", "only to the person with this `id`")
	flags.StringVar(&f.since, "since", "", "only those that began at this `time` or later")
	flags.StringVar(&f.until, "until", "", "only those that began before this `time`")
	flags.BoolVar(&f.satisfied, "satisfied", false, "only those after which the person got it; --satisfied=false for the others")
	flags.IntVar(&f.top, "top", 100, "at most so many, up to 1000")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	requireFlags(command, "org")
}

func (f *denialFlags) filter(command *cobra.Command) (filter client.DenialFilter, err error) {
	filter = client.DenialFilter{Code: f.code, Person: f.person, Satisfied: given(command, "satisfied", &f.satisfied)}
	if filter.Since, err = parseTime("since", f.since); err != nil {
		return filter, err
	}
	filter.Until, err = parseTime("until", f.until)
	return filter, err
}

func newDenialsListCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "list --org ORG",
		Short: "List who was refused",
		Long: `List who was refused units, newest first, as an administrator of the organization (--tenancy). Refusals of the same product to the same
person within an hour are one line with a count. Those of the host, which are about organizations, are those of the organization "host".

Times are dates (2030-01-31, midnight UTC) or RFC 3339 (2030-01-31T12:00:00+01:00).` + connectionHelp,
		Example: `  seatwright denials list --org songs --tenancy songs --code ATTUNU --satisfied=false`,
		Args:    cobra.NoArgs,
	}
	connection := addConnection(command, std, "password-file")
	var asked denialFlags
	var before int64
	asked.add(command)
	command.Flags().Int64Var(&before, "before", 0, "only those with a smaller `number`, for the next page")
	command.RunE = func(command *cobra.Command, _ []string) error {
		filter, err := asked.filter(command)
		if err != nil {
			return err
		}
		c, err := connection.open()
		if err != nil {
			return err
		}
		page, err := c.Denials(command.Context(), asked.organization, filter, before, asked.top)
		if err != nil {
			return err
		}
		if asked.asJSON {
			return printJSON(std.stdout, page)
		}
		rows := make([][]column, len(page.Denials))
		for i, d := range page.Denials {
			rows[i] = denialRow(d)
		}
		if page.Next != nil {
			fmt.Fprintf(std.stderr, "There are more: --before %d\n", *page.Next)
		}
		return printTable(std.stdout, rows)
	}
	return command
}

func denialRow(d wire.Denial) []column {
	return []column{
		{"DENIED", textOf(d.Denied)}, {"CODE", d.Code}, {"REASON", string(d.Reason)}, {"GROUP", textOf(d.Group)},
		{"REQUESTED", strconv.FormatInt(d.Requested, 10)}, {"AVAILABLE", strconv.FormatInt(d.Available, 10)},
		{"REFUSALS", strconv.FormatInt(d.Refusals, 10)}, {"FIRST", d.FirstAt.Format(time.RFC3339)}, {"LAST", d.LastAt.Format(time.RFC3339)},
		{"SATISFIED", timeOf(d.SatisfiedAt)}, {"ASKED BY", textOf(d.AskedBy)},
	}
}

func newDenialsCountsCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "counts --org ORG --by bundle|person|hour",
		Short: "Count who was refused",
		Long: `Count who was refused units, as an administrator of the organization (--tenancy): by bundle or person, the most first, or by the hour
(UTC) in which it began, the newest first.

DENIALS counts what "list" lists, REFUSALS the requests that were refused, DENIED different people, SATISFIED the denials after which the
person got it.` + connectionHelp,
		Example: `  seatwright denials counts --org songs --tenancy songs --by bundle --since 2030-01-01`,
		Args:    cobra.NoArgs,
	}
	connection := addConnection(command, std, "password-file")
	var asked denialFlags
	var by string
	asked.add(command)
	command.Flags().StringVar(&by, "by", "bundle", "what to count by: bundle, person or hour")
	command.RunE = func(command *cobra.Command, _ []string) error {
		filter, err := asked.filter(command)
		if err != nil {
			return err
		}
		c, err := connection.open()
		if err != nil {
			return err
		}
		counts, err := c.CountDenials(command.Context(), asked.organization, wire.CountDenialsParamsBy(by), filter, asked.top)
		if err != nil {
			return err
		}
		if asked.asJSON {
			return printJSON(std.stdout, counts)
		}
		rows := make([][]column, len(counts))
		for i, n := range counts {
			side := column{"BUNDLE", textOf(n.Code)}
			switch by {
			case "person":
				side = column{"PERSON", cmp.Or(textOf(n.Person), "(deleted)")}
			case "hour":
				side = column{"HOUR", timeOf(n.Hour)}
			}
			rows[i] = []column{
				side, {"DENIALS", strconv.FormatInt(n.Denials, 10)}, {"REFUSALS", strconv.FormatInt(n.Refusals, 10)},
				{"DENIED", strconv.FormatInt(n.Denied, 10)}, {"SATISFIED", strconv.FormatInt(n.Satisfied, 10)},
			}
		}
		return printTable(std.stdout, rows)
	}
	return command
}

// textOf is empty for what is not there.
func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func timeOf(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.RFC3339)
}
