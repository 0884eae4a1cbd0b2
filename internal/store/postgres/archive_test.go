package postgres_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/storetest"
)

func TestArchive(t *testing.T) {
	storetest.RunArchive(t, func(t *testing.T) storetest.Place {
		url := pgtest.Database(t)
		organization := regexp.MustCompile(`\{([^}]+)\}`)
		return storetest.Place{
			Archive: postgres.NewArchive(url),
			Open: func(t *testing.T, clock func() time.Time) seatwright.Store {
				return open(t, url, postgres.Options{Clock: clock})
			},
			Alter: func(t *testing.T, statement string) {
				// Replicas fire no triggers, and foreign keys are triggers.
				alter(t, url, `SET session_replication_role = replica`,
					organization.ReplaceAllString(statement, "(SELECT number FROM organizations WHERE id = '$1')"))
			},
		}
	})
}

// alter runs statements on one connection, past the store.
func alter(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
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
			t.Parallel()
			url := pgtest.Database(t)
			empty, err := postgres.NewArchive(url).Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			known := empty.Known
			alter(t, url,
				fmt.Sprintf(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, true), (%d, true)`, known+1, known+2),
				fmt.Sprintf(`UPDATE schema_compatibility SET oldest = %d`, known+c.newer),
				`ALTER TABLE lots ADD COLUMN colour text`,
			)
			store, err := postgres.Open(t.Context(), url, postgres.Options{})
			if c.refusal == "" && err != nil {
				t.Error(err)
			}
			if want := fmt.Sprintf(c.refusal, known+2, known+1, known); c.refusal != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("Open = %v, want %q", err, want)
			}
			if store != nil {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Promise: nothing that is stored is missing from backups. A table or column that a migration adds goes into row.go, unless it
// follows from the others.
func TestEveryColumnIsInTheListOfTables(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	if _, err := postgres.NewArchive(url).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name NOT IN ('goose_db_version', 'schema_compatibility')`)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	listed := []string{"organizations.number", "idempotency_keys.digest"}
	for _, table := range seatwright.Tables() {
		for _, column := range table.Columns {
			listed = append(listed, table.Name+"."+column.Name)
		}
	}
	slices.Sort(stored)
	slices.Sort(listed)
	if !slices.Equal(stored, listed) {
		t.Errorf("the schema has\n%v\nthe list\n%v", stored, listed)
	}
}
