//go:build !mutants

package planted

// Bug reports whether a bug is planted: never, in this build.
func Bug(string) bool { return false }
