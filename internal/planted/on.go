//go:build mutants

package planted

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Points says whether there are points at which a process can be made to stop.
const Points = true

// Bug reports whether a bug is planted.
func Bug(name string) bool { return os.Getenv("SEATWRIGHT_MUTANT") == name }

// Before is a point before a step at which the process can be killed or held up.
func Before(step string) { point("before-" + step) }

// After is the point after a step.
func After(step string) { point("after-" + step) }

var passed atomic.Int64 // how often the chosen point was reached

// point does what SEATWRIGHT_FAILPOINT says, as in "kill after-commit 3" or "sleep before-audit 1": at the third or the first
// time that the point is reached.
func point(name string) {
	var deed, at string
	var turn int64
	if _, err := fmt.Sscan(os.Getenv("SEATWRIGHT_FAILPOINT"), &deed, &at, &turn); err != nil || at != name || passed.Add(1) != turn {
		return
	}
	fmt.Fprintln(os.Stderr, "failpoint: "+strings.Join([]string{deed, at}, " "))
	switch deed {
	case "kill":
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Kill()
		}
		select {} // nothing may happen between the kill and the end
	case "sleep":
		<-time.After(time.Second)
	}
}
