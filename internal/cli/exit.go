package cli

import (
	"errors"
	"fmt"

	"github.com/seatwright/seatwright"
)

// The exit codes, stable for scripts.
const (
	exitDone    = 0
	exitFailed  = 1 // the server failed, is busy or cannot be reached: trying again later may help
	exitUsage   = 2 // the command line is wrong; nothing was sent
	exitRefused = 3 // the server understood and refused (4xx)
)

// failure is an error of a command that ran, as opposed to one that cobra found on the command line.
type failure struct{ cause error }

func (f *failure) Error() string { return f.cause.Error() }

func (f *failure) Unwrap() error { return f.cause }

// usage is a mistake on the command line that only the command itself could find.
type usage struct{ text string }

func (u *usage) Error() string { return u.text }

func usageError(format string, args ...any) error {
	return &usage{fmt.Sprintf(format, args...)}
}

// exit tells the user about err, if any, in one line, and returns the exit code.
func exit(std streams, err error) int {
	code := exitCode(err)
	switch code {
	case exitDone:
	case exitUsage:
		fmt.Fprintf(std.stderr, "seatwright: %s\nTry --help.\n", clean(err.Error()))
	default:
		fmt.Fprintf(std.stderr, "seatwright: %s\n", describe(err))
	}
	return code
}

// exitCode is the error table of this door.
func exitCode(err error) int {
	var (
		ran      *failure
		mistake  *usage
		answered *seatwright.Error
	)
	switch {
	case err == nil:
		return exitDone
	case !errors.As(err, &ran), errors.As(err, &mistake):
		return exitUsage
	case !errors.As(err, &answered):
		return exitFailed
	}
	//exhaustive:enforce
	switch answered.Kind {
	case seatwright.KindInvalid, seatwright.KindUnauthenticated, seatwright.KindForbidden, seatwright.KindNotFound,
		seatwright.KindConflict, seatwright.KindExhausted, seatwright.KindRateLimited:
		return exitRefused
	case seatwright.KindUnavailable, seatwright.KindInternal:
		return exitFailed
	}
	return exitFailed
}

// describe puts an error into one printable line.
func describe(err error) string {
	var answered *seatwright.Error
	if !errors.As(err, &answered) {
		return clean(err.Error())
	}
	text := err.Error()
	if answered.Field != "" {
		text += " (field " + answered.Field + ")"
	}
	if answered.RequestID != "" {
		text += " (request " + answered.RequestID + ")"
	}
	return clean(text)
}
