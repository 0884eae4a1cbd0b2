//go:build !linux

package sqlite

import "os"

// allocate gives a file room of its own.
func allocate(file *os.File, size int64) error { return fill(file, size) }
