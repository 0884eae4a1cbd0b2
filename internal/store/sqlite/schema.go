package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// migrate brings the schema up to date, or leaves it alone where it is newer and this program may use it. It returns the
// schema as it was before.
func migrate(ctx context.Context, db *sql.DB) (seatwright.Schema, error) {
	provider, err := newProvider(db)
	if err != nil {
		return seatwright.Schema{}, err
	}
	schema, err := schemaOf(ctx, db, provider)
	if err == nil {
		err = schema.Usable()
	}
	if err != nil || schema.Version >= schema.Known {
		return schema, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return schema, fmt.Errorf("migrate the database: %w", err)
	}
	return schema, nil
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithVerbose(planted.Points), goose.WithLogger(statements{}))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return provider, nil
}

// statements is told by the provider of each statement before it is executed, in builds that have points to stop at.
type statements struct{}

// Printf implements goose.Logger.
func (statements) Printf(string, ...any) { planted.Before(planted.StepMigration) }

// Fatalf implements goose.Logger; the provider does not call it.
func (statements) Fatalf(string, ...any) {}

// schemaOf asks the tables themselves and not the provider, which would make its own where they are missing.
func schemaOf(ctx context.Context, db *sql.DB, provider *goose.Provider) (seatwright.Schema, error) {
	schema := seatwright.Schema{Known: known(provider)}
	for _, read := range [...]struct {
		table, query string
		into         *int64
	}{
		{"goose_db_version", `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`, &schema.Version},
		{"schema_compatibility", `SELECT max(oldest) FROM schema_compatibility`, &schema.Oldest},
	} {
		var there bool
		err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)`, read.table).Scan(&there)
		if err == nil && there {
			err = db.QueryRowContext(ctx, read.query).Scan(read.into)
		}
		if err != nil {
			return schema, fmt.Errorf("read the version of the schema: %w", translate(err))
		}
	}
	return schema, nil
}

// known is the last migration of this program.
func known(provider *goose.Provider) int64 {
	sources := provider.ListSources() // in order
	return sources[len(sources)-1].Version
}
