package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/planted"
)

// patient returns a copy of a configuration for work that takes as long as it takes: migrations, dumps, restores.
func patient(config *pgx.ConnConfig) *pgx.ConnConfig {
	c := config.Copy()
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(c.RuntimeParams, limit)
	}
	return c
}

// migrate brings the schema up to date, or leaves it alone where it is newer and this program may use it. It returns the
// schema as it was before.
func migrate(ctx context.Context, config *pgx.ConnConfig) (before seatwright.Schema, err error) {
	db, provider, err := openSchema(ctx, config)
	if err != nil {
		return before, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	before, err = schemaOf(ctx, db, provider)
	if err != nil || before.Version >= before.Known {
		return before, errors.Join(err, before.Usable())
	}
	if _, err := provider.Up(ctx); err != nil {
		return before, fmt.Errorf("migrate the database: %w", err)
	}
	after, err := schemaOf(ctx, db, provider) // a newer node may have been faster
	return before, errors.Join(err, after.Usable())
}

func openSchema(ctx context.Context, config *pgx.ConnConfig) (*sql.DB, *goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	db := stdlib.OpenDB(*patient(config))
	if err := db.PingContext(ctx); err != nil {
		unreachable := seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database does not answer")
		return nil, nil, errors.Join(unreachable, db.Close())
	}
	alone, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // nodes that start at once take turns, and look each second
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(alone),
		goose.WithVerbose(planted.Points), goose.WithLogger(statementsOfMigrations{}))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read the migrations: %w", err), db.Close())
	}
	return db, provider, nil
}

// statementsOfMigrations is told by the provider of each statement before it is executed, in builds that have points to stop at.
type statementsOfMigrations struct{}

// Printf implements goose.Logger.
func (statementsOfMigrations) Printf(string, ...any) { planted.Before(planted.StepMigration) }

// Fatalf implements goose.Logger; the provider does not call it.
func (statementsOfMigrations) Fatalf(string, ...any) {}

// schemaOf asks the tables themselves and not the provider, which would make its own where they are missing.
func schemaOf(ctx context.Context, db *sql.DB, provider *goose.Provider) (seatwright.Schema, error) {
	sources := provider.ListSources()
	schema := seatwright.Schema{Known: sources[len(sources)-1].Version}
	for _, read := range [...]struct {
		table, query string
		into         *int64
	}{
		{"goose_db_version", `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`, &schema.Version},
		{"schema_compatibility", `SELECT max(oldest) FROM schema_compatibility`, &schema.Oldest},
	} {
		var there bool
		err := db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, read.table).Scan(&there)
		if err == nil && there {
			err = db.QueryRowContext(ctx, read.query).Scan(read.into)
		}
		if err != nil {
			return schema, fmt.Errorf("read the version of the schema: %w", translate(err))
		}
	}
	return schema, nil
}
