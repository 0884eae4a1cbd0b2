package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seatwright/seatwright/internal/planted"
)

// makeDirectory makes dir where it is missing, and sees to it that it is still there after a loss of power.
func makeDirectory(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	made := []string{dir} // an earlier start may have been cut off before it could sync the entry of dir
	for parent := filepath.Dir(dir); !exists(parent); parent = filepath.Dir(parent) {
		made = append(made, parent)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range made {
		if err := syncDirectory(filepath.Dir(name)); err != nil {
			return err
		}
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// syncDirectory asks for the entries of a directory to be kept. Where the system does not offer that, or not to us, there is
// nothing to ask.
func syncDirectory(name string) error {
	dir, err := os.Open(name)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	err = dir.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// settle puts on the disk what a process that was cut off has left behind, before anything of it is trusted. Its log may
// hold transactions whose sync failed: they are then in the system's memory only, marked as if they were written, and would
// be read, answered as done, and gone after the next loss of power. Syncing again is no help, because there is nothing left
// to sync; writing the log over itself makes it all to be written. What of the database itself was lost in the same way is
// in the log as well, which is copied into the database again from its beginning.
//
// Nobody else has the files open: closing a file drops all locks of this process on it.
func settle(path string) error {
	if planted.Bug(planted.TrustTheLog) {
		return nil
	}
	log, err := os.OpenFile(path+"-wal", os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the log of changes: %w", err)
	}
	defer log.Close()
	chunk := make([]byte, 1<<20)
	for at := int64(0); ; {
		n, err := log.ReadAt(chunk, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the log of changes: %w", err)
		}
		if n == 0 {
			break
		}
		if _, err := log.WriteAt(chunk[:n], at); err != nil {
			return fmt.Errorf("write the log of changes again: %w", err)
		}
		at += int64(n)
	}
	if err := log.Sync(); err != nil {
		return fmt.Errorf("sync the log of changes: %w", err)
	}
	return nil
}

// code is the extended code of SQLite's error, or 0.
func code(err error) int {
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		return failure.Code()
	}
	return 0
}

// isSyncFailure reports that the system could not put on the disk what was written before.
func isSyncFailure(err error) bool {
	if planted.Bug(planted.GoOnAfterSync) {
		return false
	}
	c := code(err)
	return c == sqlite3.SQLITE_IOERR_FSYNC || c == sqlite3.SQLITE_IOERR_DIR_FSYNC || errors.Is(err, errNotSynced)
}

// isFull reports that the disk is full. SQLite says so before the last byte of a transaction is written: it is not stored.
func isFull(err error) bool { return code(err)&0xff == sqlite3.SQLITE_FULL }

// mayBeFull reports errors that a full disk has as well: a quota or a limit of the size of files is a failed write.
func mayBeFull(err error) bool {
	c := code(err)
	return isFull(err) || c == sqlite3.SQLITE_IOERR_WRITE || c == sqlite3.SQLITE_IOERR_SHMSIZE
}
