//go:build !mutants

package planted

// Points says whether there are points at which a process can be made to stop.
const Points = false

// Bug reports whether a bug is planted: never, in this build.
func Bug(string) bool { return false }

// Before is a point before a step at which a process can be made to stop: never, in this build.
func Before(string) {}

// After is the point after a step.
func After(string) {}
