package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// alter runs statements on the database of a directory, past the store, as damage or a newer program would.
func alter(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "seatwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Promise: nodes are upgraded one by one. A program goes on with a newer schema that allows it, and leaves it as it is; one
// that is too old for the schema does not start.
func TestANewerSchemaSaysWhoMayUseIt(t *testing.T) {
	for name, c := range map[string]struct {
		newer   int64 // than this program has to be whoever uses the schema
		refusal string
	}{
		"AllowsThisProgram": {0, ""},
		"IsTooNew":          {1, "the database has schema %d, which programs may use that know schema %d at least; this one knows %d"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			createHost(t, store)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			schema, err := sqlite.NewArchive(dir).Schema(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			known := schema.Known
			alter(t, dir,
				fmt.Sprintf(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, 1), (%d, 1)`, known+1, known+2),
				fmt.Sprintf(`UPDATE schema_compatibility SET oldest = %d`, known+c.newer),
				`ALTER TABLE lots ADD COLUMN colour TEXT`,
			)
			store, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
			if c.refusal != "" {
				if want := fmt.Sprintf(c.refusal, known+2, known+1, known); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Open = %v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			createHost(t, store)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Promise: a database of the first release, with rows in it, is brought up to date at the start.
func TestMigratesFromTheFirstSchema(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "seatwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"))
	if err == nil {
		_, err = first.UpTo(t.Context(), 1)
	}
	if err := errors.Join(err, db.Close(), os.Chmod(filepath.Join(dir, "seatwright.db"), 0o600)); err != nil {
		t.Fatal(err)
	}
	alter(t, dir, `INSERT INTO organizations (id, name, name_key, display_name, unknown_users, external_licenses, created_at)
		VALUES ('o', 'Name', 'name', '', 'refuse', 0, 5)`)
	store := open(t, dir, sqlite.Options{})
	createHost(t, store)
	org, err := store.Organization(t.Context(), "o")
	if err != nil || org.Name != "Name" {
		t.Errorf("the organization of before is %+v, %v", org, err)
	}
	schema, err := sqlite.NewArchive(dir).Schema(t.Context())
	if err != nil || schema.Exact() != nil || schema.Oldest < 1 {
		t.Errorf("the schema is %+v, %v", schema, err)
	}
}
