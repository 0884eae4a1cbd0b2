// Command seatwright is the license allocation server and its command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/seatwright/seatwright/internal/cli"
	"github.com/seatwright/seatwright/internal/heap"
)

func main() {
	os.Exit(run())
}

func run() int {
	heap.Tune(os.Getenv("GOGC"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
}
