//go:build faultclock

package faultclock

import (
	"os"
	"strings"
	"time"
)

// Now is the time of the machine and the duration that stands in the file named by SEATWRIGHT_CLOCK_OFFSET_FILE.
func Now() time.Time {
	text, err := os.ReadFile(os.Getenv("SEATWRIGHT_CLOCK_OFFSET_FILE"))
	if err != nil {
		return time.Now() //nolint:forbidigo // as without the tag
	}
	offset, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		panic(err)
	}
	return time.Now().Add(offset) //nolint:forbidigo // as without the tag
}
