//go:build !faultclock

package faultclock

import "time"

// Now is the time of the machine.
func Now() time.Time { return time.Now() } //nolint:forbidigo // this is the clock that everything else is given
