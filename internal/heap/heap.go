// Package heap says how often the memory that is not used any more is collected.
package heap

import (
	"math"
	"runtime/debug"
)

// A busy writer makes hundreds of megabytes a second of a heap of two. With percents alone it would be collected every few
// milliseconds, and callers would wait for it. The ballast is memory that nobody writes to, so that it takes none: with it the heap
// grows to three times what lives in it and 48 megabytes more.
const (
	percent = 200
	ballast = 24 << 20
	alone   = 400 // percent without the ballast, which a limit of the memory (GOMEMLIMIT) would count
)

var held []byte //nolint:unused // it is there to be counted by the collector

// Tune sets it for this process, unless the environment does: gogc is what that says.
func Tune(gogc string) {
	switch {
	case gogc != "":
	case debug.SetMemoryLimit(-1) != math.MaxInt64:
		debug.SetGCPercent(alone)
	default:
		held = make([]byte, ballast)
		debug.SetGCPercent(percent)
	}
}
