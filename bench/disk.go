package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// syncTime is how long the disk takes to keep a page of 4 KiB that is written over another one, as the log of a database is: the median of 200. It is what
// a transaction of its own pays for each call, and the ledger for each batch.
func syncTime(dir string) (median time.Duration, err error) {
	const page, times = 4096, 200
	file, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	text := make([]byte, page)
	taken := make([]time.Duration, times)
	for i := range taken {
		text[0] = byte(i)
		if _, err := file.WriteAt(text, 0); err != nil {
			return 0, err
		}
		begin := time.Now()
		if err := file.Sync(); err != nil {
			return 0, err
		}
		taken[i] = time.Since(begin)
	}
	slices.Sort(taken)
	return taken[times/2], nil
}
