package crashtest

import (
	"context"

	"github.com/seatwright/seatwright"
)

// Verify compares everything that is stored with what the events say. The error is a *Violation where anything differs.
func Verify(ctx context.Context, a seatwright.Archive) error {
	first := ""
	v := seatwright.NewVerification(func(sentence string) {
		if first == "" {
			first = sentence
		}
	})
	err := a.Dump(ctx, func(r seatwright.Row) error {
		v.Row(r)
		return nil
	})
	if err != nil {
		return err
	}
	if n := v.End(); n > 0 {
		return violated("%d things differ from what the events say, first: %s", n, first)
	}
	return nil
}
