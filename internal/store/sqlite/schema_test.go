package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/seatwright/seatwright"
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

// Promise: a database of the first release, with rows in it, is brought up to date at the start, and holds what it held.
func TestMigratesFromTheFirstSchema(t *testing.T) {
	dir := databaseOf(t, 1)
	// Two organizations have a person and a tenant of the same id.
	alter(t, dir, `PRAGMA foreign_keys = 1`,
		`INSERT INTO organizations VALUES ('o', 'Name', 'name', '', 'refuse', 0, 5), ('a', 'Other', 'other', 'O', 'provision', 1, 6)`,
		`INSERT INTO heads VALUES ('a', 1, zeroblob(32), 7), ('o', 2, zeroblob(32), 8)`,
		`INSERT INTO tenants VALUES ('a', 't', 'T', 't', 9), ('o', 't', 'T', 't', 10)`,
		`INSERT INTO users VALUES ('a', 'u', 'ann', 'ann', 'x', 'a@x', 'A', 'B', 'AB', 'member', 1, 'secret', 11),
			('o', 'u', '', NULL, NULL, '', '', '', '', 'member', 0, '', 12), ('o', 'v', 'ben', 'ben', NULL, '', '', '', '', 'member', 1, '', 11)`,
		`INSERT INTO applications VALUES ('app', 'o', 'App', zeroblob(32), 'PM.License', 13)`,
		`INSERT INTO signing_keys VALUES ('key', x'01', 14)`,
		`INSERT INTO lots VALUES ('o', 'ATTUNU', 'l', 5, 1, 2, 3, 3000002, 'order', 15)`,
		`INSERT INTO pools VALUES ('o', 'ATTUNU', 5, 16, 1, 5)`,
		`INSERT INTO direct_records VALUES ('o', 'u', 1, 17, 18), ('a', 'u', 0, 19, 20)`,
		`INSERT INTO seats VALUES ('o', 'u', 'ATTUNU', 1, 1, 21)`,
		`INSERT INTO events VALUES ('o', 1, 22, 'k', 1, 'act', 'via', 'req', 'sub', x'7b7d', x'02', x'03'), ('a', 1, 23, 'k', 1, '', '', '', '', x'7b7d', x'04', x'05'),
			('o', 2, 24, 'k', 1, '', '', '', '', x'7b7d', x'03', x'06')`,
		`INSERT INTO idempotency_keys VALUES ('o', 'p', 'k', 25, x'07', x'7b7d')`,
	)
	store := open(t, dir, sqlite.Options{})
	org, err := store.Organization(t.Context(), "o")
	if err != nil || org.Name != "Name" {
		t.Errorf("the organization of before is %+v, %v", org, err)
	}
	archive := sqlite.NewArchive(dir)
	schema, err := archive.Schema(t.Context())
	if err != nil || schema.Exact() != nil {
		t.Errorf("the schema is %+v, %v", schema, err)
	}
	none := "[" + strings.TrimSuffix(strings.Repeat("0 ", 32), " ") + "]"
	wantRows(t, archive, []string{
		"signing_keys [key [1] 14]",
		"organizations [a Other other O provision true 6 replace release 90 true allow 60 refuse]",
		"heads [a 1 " + none + " 7]",
		"events [a 1 23 k 1     [123 125] [4] [5]]",
		"tenants [a t T t 9]",
		"users [a u ann ann x a@x A B AB member true secret 11 0 false false]",
		"direct_records [a u false 19 20]",
		"organizations [o Name name  refuse false 5 replace release 90 true allow 60 refuse]",
		"heads [o 2 " + none + " 8]",
		"events [o 1 22 k 1 act via req sub [123 125] [2] [3]]",
		"events [o 2 24 k 1     [123 125] [3] [6]]",
		"tenants [o t T t 10]",
		"users [o u  <nil> <nil>     member false  12 0 false false]",
		"users [o v ben ben <nil>     member true  11 0 false false]",
		fmt.Sprintf("applications [o app App true  PM.License PM.License %v 13 13]", []byte(`[{"id":"first","hash":"`+strings.Repeat("00", 32)+
			`","createdAt":"1970-01-01T00:00:00.000013Z"}]`)),
		"lots [o ATTUNU l 5 1 2 3 3000002 order 15 ]",
		"pools [o ATTUNU 5 16 1 5]",
		"direct_records [o u true 17 18]",
		"seats [o u ATTUNU 1 true 21  0 0 0 0 0]",
		"idempotency_keys [o p k 25 [7] [123 125]]",
	})
}

// Promise: people keep what they held when it gets into one table, whatever of record and seats there is, and rows of
// somebody who does not exist stay for verification to find.
func TestMigratesHoldings(t *testing.T) {
	dir := databaseOf(t, 8)
	alter(t, dir, `PRAGMA foreign_keys = 1`,
		`INSERT INTO organizations VALUES (1, 'o', 'Name', 'name', '', 'refuse', 0, 5)`,
		`INSERT INTO users (number, organization, id, user_name, email, first_name, last_name, display_name, role, active, password_hash, created_at)
			SELECT column1, 1, column2, '', '', '', '', '', 'member', 1, '', 6 FROM
			(VALUES (7, 'blocked'), (3, 'external'), (5, 'inherits'), (4, 'nothing'), (9, 'several'), (2, 'single'))`,
		`INSERT INTO direct_records VALUES (7, 1, 0, 11, 12), (3, 1, 1, 13, 14), (9, 1, 0, 15, 16), (2, 1, 1, 17, 18), (40, 1, 0, 19, 20), (41, 6, 1, 21, 22)`,
		`INSERT INTO seats VALUES (5, 'ATTUNU', 1, 1, 0, 23), (9, 'TSTNU', 1, 0, 1, 24), (9, 'ATTUNU', 1, 1, 1, 25), (9, 'IDU', 1, 1, 0, 26),
			(2, 'IDU', 1, 1, 1, 27), (40, 'IDU', 1, 1, 1, 28), (42, 'IDU', 6, 0, 0, 29)`,
	)
	open(t, dir, sqlite.Options{})
	wantRows(t, sqlite.NewArchive(dir), []string{
		"direct_records [(number 6) (number 41) true 21 22]",
		"seats [(number 6) (number 42) IDU 0 false 29  0 0 0 0 0]",
		"organizations [o Name name  refuse false 5 replace release 90 true allow 60 refuse]",
		"users [o blocked  <nil> <nil>     member true  6 0 false false]",
		"users [o external  <nil> <nil>     member true  6 0 false false]",
		"users [o inherits  <nil> <nil>     member true  6 0 false false]",
		"users [o nothing  <nil> <nil>     member true  6 0 false false]",
		"users [o several  <nil> <nil>     member true  6 0 false false]",
		"users [o single  <nil> <nil>     member true  6 0 false false]",
		"direct_records [o blocked false 11 12]",
		"direct_records [o external true 13 14]",
		"direct_records [o several false 15 16]",
		"direct_records [o single true 17 18]",
		"direct_records [o (number 40) false 19 20]",
		"seats [o inherits ATTUNU 1 false 23  0 0 0 0 0]",
		"seats [o several ATTUNU 1 true 25  0 0 0 0 0]",
		"seats [o several IDU 1 false 26  0 0 0 0 0]",
		"seats [o several TSTNU 0 true 24  0 0 0 0 0]",
		"seats [o single IDU 1 true 27  0 0 0 0 0]",
		"seats [o (number 40) IDU 1 true 28  0 0 0 0 0]",
	})
}

// Guards that a row of holdings is either a whole record or a whole seat, whatever a bug would write.
func TestHoldingsAreRecordsOrSeats(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, sqlite.Options{})
	db, err := sql.Open("sqlite", filepath.Join(dir, "seatwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for values, allowed := range map[string]bool{ // code, external, units, direct, updated_at
		`'', 0, NULL, NULL, 5`:       true,
		`'', NULL, NULL, NULL, 5`:    false,
		`'', 2, NULL, NULL, 5`:       false,
		`'', 0, 1, NULL, 5`:          false,
		`'', 0, NULL, 1, 5`:          false,
		`'', 0, NULL, NULL, NULL`:    false,
		`'', NULL, 1, 1, NULL`:       false,
		`'IDU', NULL, 1, 1, NULL`:    true,
		`'IDU', 0, 1, 1, NULL`:       false,
		`'IDU', NULL, NULL, 1, NULL`: false,
		`'IDU', NULL, 1, NULL, NULL`: false,
		`'IDU', NULL, 2, 1, NULL`:    false,
		`'IDU', NULL, 1, 2, NULL`:    false,
		`'IDU', NULL, 1, 1, 5`:       false,
		`'IDU', 0, NULL, NULL, 5`:    false,
		`NULL, 0, NULL, NULL, 5`:     false,
	} {
		_, err := db.ExecContext(t.Context(), `INSERT INTO holdings (user_number, organization, created_at, code, external, units, direct, updated_at)
			VALUES (1, 1, 4, `+values+`)`)
		if (err == nil) != allowed {
			t.Errorf("a row with %s: %v, want it allowed: %t", values, err, allowed)
		}
	}
}

// databaseOf makes a directory with an empty database of an earlier schema.
func databaseOf(t *testing.T, schema int64) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "seatwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"))
	if err == nil {
		_, err = provider.UpTo(t.Context(), schema)
	}
	if err := errors.Join(err, db.Close(), os.Chmod(filepath.Join(dir, "seatwright.db"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wantRows compares all rows with the wanted.
func wantRows(t *testing.T, archive seatwright.Archive, want []string) {
	t.Helper()
	var got []string
	err := archive.Dump(t.Context(), func(r seatwright.Row) error {
		got = append(got, fmt.Sprintf("%s %v", r.Table.Name, r.Values))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the database has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
