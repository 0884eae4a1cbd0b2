package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// Promise: nothing that is stored is missing from backups. A table or column that a migration adds goes into row.go, unless it
// follows from the others.
func TestEveryColumnIsInTheListOfTables(t *testing.T) {
	dir := t.TempDir()
	if _, err := sqlite.NewArchive(dir).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "seatwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c
		WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite_%' AND s.name NOT IN ('goose_db_version', 'schema_compatibility')`)
	if err != nil {
		t.Fatal(err)
	}
	var stored, held, seen []string // held is what the table holdings has, seen what the two views of it show
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		switch table {
		case "holdings":
			held = append(held, column)
			continue
		case "direct_records", "seats":
			seen = append(seen, column)
		}
		stored = append(stored, table+"."+column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(held)
	slices.Sort(seen)
	if seen = slices.Compact(seen); !slices.Equal(held, seen) {
		t.Errorf("the table holdings has\n%v\nits views\n%v", held, seen)
	}
	listed := []string{"organizations.number", "users.number"}
	for _, table := range seatwright.Tables() {
		for _, column := range table.Columns {
			name := column.Name
			if name == "user_id" {
				name = "user_number"
			}
			listed = append(listed, table.Name+"."+name)
		}
	}
	slices.Sort(stored)
	slices.Sort(listed)
	if !slices.Equal(stored, listed) {
		t.Errorf("the schema has\n%v\nthe list\n%v", stored, listed)
	}
}
