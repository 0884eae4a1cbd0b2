package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/backup"
)

// What operators do with a database, with or without a server on it.

// Verify compares everything that is stored with what the events say and tells report about each thing that differs. It
// returns how many differ, and what was looked at.
func Verify(ctx context.Context, c Config, report func(sentence string)) (differences int, summary string, err error) {
	archive, err := openArchive(c)
	if err != nil {
		return 0, "", err
	}
	v := seatwright.NewVerification(report)
	err = archive.Dump(ctx, func(r seatwright.Row) error {
		v.Row(r)
		return nil
	})
	if err != nil {
		return 0, "", err
	}
	return v.End(), v.Summary(), nil
}

// Schema compares the schema of the database with this program.
func Schema(ctx context.Context, c Config) (seatwright.Schema, error) {
	archive, err := openArchive(c)
	if err != nil {
		return seatwright.Schema{}, err
	}
	return archive.Schema(ctx)
}

// Migrate brings the schema up to date and returns it as it was before.
func Migrate(ctx context.Context, c Config) (seatwright.Schema, error) {
	archive, err := openArchive(c)
	if err != nil {
		return seatwright.Schema{}, err
	}
	return archive.Migrate(ctx)
}

// Backup writes everything but the signing keys to a stream, as it is at one instant after the call. program is the version
// of this one. It returns the number of rows.
func Backup(ctx context.Context, c Config, to io.Writer, program string) (rows int64, err error) {
	archive, err := openArchive(c)
	if err != nil {
		return 0, err
	}
	return backup.Write(ctx, to, archive, program, time.Now())
}

// BackupToFile is Backup to a file that only its owner can read. The file is there when the backup is whole and on the disk;
// until then, and after an error, what had the name before stays.
func BackupToFile(ctx context.Context, c Config, name, program string) (rows int64, err error) {
	// The name is given to a new file. That must not happen to /dev/null, or to a pipe that somebody reads.
	if there, err := os.Stat(name); err == nil && !there.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not an ordinary file: write to standard output, as in --output - > %s", name, name)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".backup-*") // mode 0600
	if err != nil {
		return 0, err
	}
	rows, err = Backup(ctx, c, file, program)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return rows, errors.Join(err, os.Remove(file.Name()))
	}
	return rows, syncDirectory(filepath.Dir(name))
}

// syncDirectory puts a name that was just made on the disk.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Restore fills an empty database from a backup, all of it or nothing, and returns what the backup says of itself.
func Restore(ctx context.Context, c Config, from io.Reader) (backup.Header, error) {
	archive, err := openArchive(c)
	if err != nil {
		return backup.Header{}, err
	}
	r, err := backup.NewReader(from)
	if err != nil {
		return backup.Header{}, err
	}
	schema, err := archive.Schema(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r.Header, err
	}
	if err := r.Check(schema.Known); err != nil {
		return r.Header, err
	}
	return r.Header, archive.Restore(ctx, r.Rows())
}

// VerifyBackup is Verify of a backup in place of a database.
func VerifyBackup(ctx context.Context, from io.Reader, report func(sentence string)) (differences int, summary string, err error) {
	r, err := backup.NewReader(from)
	if err != nil {
		return 0, "", err
	}
	v := seatwright.NewVerification(report)
	for row, err := range r.Rows() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, "", err
		}
		v.Row(row)
	}
	return v.End(), v.Summary(), nil
}
