package app

import (
	"context"

	"github.com/seatwright/seatwright"
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
