package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

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
	for name, c := range map[string]struct{ oldest, refusal string }{
		"AllowsThisProgram": {"2", ""},
		"IsTooNew":          {"3", "the database has schema 4, which programs may use that know schema 3 at least; this one knows 2"},
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
			alter(t, dir,
				`INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 1), (4, 1)`,
				`UPDATE schema_compatibility SET oldest = `+c.oldest,
				`ALTER TABLE lots ADD COLUMN colour TEXT`,
			)
			store, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
			if c.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), c.refusal) {
					t.Errorf("Open = %v, want %q", err, c.refusal)
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
	store, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	createHost(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	alter(t, dir, `DROP TABLE schema_compatibility`, `DROP INDEX applications_by_organization`, `DELETE FROM goose_db_version WHERE version_id > 1`)
	createHost(t, open(t, dir, sqlite.Options{}))
	alter(t, dir, `UPDATE schema_compatibility SET oldest = 1`)
}
