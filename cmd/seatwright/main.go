// Command seatwright is the license allocation server and its command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/seatwright/seatwright/internal/cli"
)

func main() {
	os.Exit(run())
}

// gcPercent lets the heap, which is small, grow to five times what lives in it before it is collected: a tenth of the time of
// a busy writer for some tens of megabytes.
const gcPercent = 400

func run() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
}
