package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// allocate gives a file room of its own without writing it.
func allocate(file *os.File, size int64) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := raw.Control(func(fd uintptr) {
		for {
			if result = syscall.Fallocate(int(fd), 0, 0, size); !errors.Is(result, syscall.EINTR) {
				return
			}
		}
	}); err != nil {
		return err
	}
	if errors.Is(result, errors.ErrUnsupported) {
		return fill(file, size)
	}
	return result
}
