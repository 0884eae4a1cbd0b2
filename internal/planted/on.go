//go:build mutants

package planted

import "os"

// Bug reports whether a bug is planted.
func Bug(name string) bool { return os.Getenv("SEATWRIGHT_MUTANT") == name }
