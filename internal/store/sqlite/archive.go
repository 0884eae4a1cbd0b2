package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/seatwright/seatwright"
)

// Archive is a seatwright.Archive on a data directory. It reads beside a server, on a connection that cannot write, and
// writes only with the lock of the directory.
type Archive struct{ dir string }

// NewArchive names a data directory; nothing is opened.
func NewArchive(dir string) Archive { return Archive{dir} }

// Schema implements seatwright.Archive.
func (a Archive) Schema(ctx context.Context) (schema seatwright.Schema, err error) {
	db, err := sql.Open("sqlite", source(filepath.Join(a.dir, fileName), readSettings)) // connects when it is asked something
	if err != nil {
		return schema, translate(err)
	}
	defer db.Close()
	provider, err := newProvider(db)
	if err != nil {
		return schema, err
	}
	if _, err := a.database(); err != nil {
		return seatwright.Schema{Known: known(provider)}, err
	}
	return schemaOf(ctx, db, provider)
}

// database is the path of the database, which has to be there: a reader must not make one.
func (a Archive) database() (string, error) {
	path := filepath.Join(a.dir, fileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no database in %s: %w", a.dir, fs.ErrNotExist)
	} else if err != nil {
		return "", fmt.Errorf("database file: %w", err)
	}
	return path, nil
}

// Migrate implements seatwright.Archive.
func (a Archive) Migrate(ctx context.Context) (seatwright.Schema, error) {
	before, err := a.Schema(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return before, err
	}
	store, err := Open(ctx, a.dir, Options{})
	if err != nil {
		return before, err
	}
	if err := store.Close(); err != nil {
		return before, err
	}
	return before, nil
}

// dumpSettings are those of a long read that no other reader waits for.
var dumpSettings = url.Values{"mode": readSettings["mode"], "_pragma": append([]string{"temp_store(MEMORY)"}, readSettings["_pragma"]...)}

// Dump implements seatwright.Archive. The transaction of a reader sees one state of the database for as long as it lasts;
// meanwhile the log of changes grows by what is written.
func (a Archive) Dump(ctx context.Context, visit func(seatwright.Row) error) (err error) {
	path, err := a.database()
	if err != nil {
		return err
	}
	schema, err := a.Schema(ctx)
	if err == nil {
		err = schema.Exact()
	}
	if err != nil {
		return err
	}
	reader, err := newWriter(source(path, dumpSettings))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.close()) }()
	if err := reader.exec(`BEGIN`); err != nil { // ends with the connection
		return err
	}
	d := dump{ctx: ctx, from: reader, visit: visit}
	return d.all()
}

type dump struct {
	ctx   context.Context
	from  *writer
	visit func(seatwright.Row) error
}

// all visits the rows of the installation, and then of every organization that any table knows.
func (d dump) all() error {
	for _, table := range seatwright.Tables() {
		if table.Owner() == "" {
			if err := d.rows(table, selection(table)); err != nil {
				return err
			}
		}
	}
	owners, err := d.owners()
	if err != nil {
		return err
	}
	for _, owner := range owners {
		for _, table := range seatwright.Tables() {
			if table.Owner() != "" {
				if err := d.rows(table, selection(table), owner); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// selection reads one table, of one organization where its rows belong to any.
func selection(t *seatwright.Table) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Name
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + t.Name
	if owner := t.Owner(); owner != "" {
		query += " WHERE " + owner + " = ?"
	}
	return query + " ORDER BY " + strings.Join(t.Key, ", ")
}

// owners lists every organization of which there is a row anywhere, so that rows of one that does not exist are seen too.
// Each step finds the next one in the index, which takes no time however many rows there are.
func (d dump) owners() ([]driver.Value, error) {
	var parts []string
	for _, table := range seatwright.Tables() {
		if owner := table.Owner(); owner != "" {
			parts = append(parts, fmt.Sprintf(`SELECT id FROM (WITH RECURSIVE owners (id) AS (SELECT min(%[1]s) FROM %[2]s
				UNION ALL SELECT (SELECT min(%[1]s) FROM %[2]s WHERE %[1]s > owners.id) FROM owners WHERE owners.id IS NOT NULL)
				SELECT id FROM owners WHERE id IS NOT NULL)`, owner, table.Name))
		}
	}
	var owners []driver.Value
	err := d.from.each(func(r row) { owners = append(owners, r[0]) }, strings.Join(parts, " UNION ")+" ORDER BY 1")
	return owners, err
}

// rows visits the rows of one table.
func (d dump) rows(table *seatwright.Table, query string, args ...driver.Value) error {
	statement, err := d.from.prepared(query)
	if err != nil {
		return translate(err)
	}
	found, err := statement.QueryContext(background, d.from.named(args))
	if err != nil {
		return translate(err)
	}
	defer found.Close() //nolint:errcheck // it was read to its end, or what went wrong is told already
	values := make(row, len(table.Columns))
	out := seatwright.Row{Table: table, Values: make([]any, len(values))}
	for {
		if err := found.Next(values); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return translate(err)
		}
		if err := d.ctx.Err(); err != nil {
			return err
		}
		for i, column := range table.Columns {
			if out.Values[i], err = portable(column, values[i]); err != nil {
				return fmt.Errorf("%s.%s: %w", table.Name, column.Name, err)
			}
		}
		if err := d.visit(out); err != nil {
			return err
		}
	}
}

// portable makes of a stored value what the kind of its column says. SQLite keeps whatever somebody puts into a column.
func portable(c seatwright.Column, value driver.Value) (any, error) {
	switch v := value.(type) {
	case string:
		if c.Kind == seatwright.Text || c.Kind == seatwright.OptionalText {
			return v, nil
		}
	case nil:
		if c.Kind == seatwright.OptionalText {
			return nil, nil
		}
	case int64:
		switch {
		case c.Kind == seatwright.Number:
			return v, nil
		case c.Kind == seatwright.Flag && (v == 0 || v == 1):
			return v == 1, nil
		}
	case []byte:
		if c.Kind == seatwright.Bytes || c.Kind == seatwright.JSONBytes {
			return v, nil
		}
	}
	return nil, fmt.Errorf("the stored value %.40v is not of the kind of its column", value)
}

// Restore implements seatwright.Archive.
func (a Archive) Restore(ctx context.Context, rows iter.Seq2[seatwright.Row, error]) (err error) {
	store, err := Open(ctx, a.dir, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if schema, err := a.Schema(ctx); err != nil {
		return err
	} else if err := schema.Exact(); err != nil {
		return err
	}
	err = store.writer.restore(ctx, rows)
	if isSyncFailure(err) {
		store.fail(err) // so that closing copies nothing
	}
	return err
}

// restore writes rows in one transaction.
func (w *writer) restore(ctx context.Context, rows iter.Seq2[seatwright.Row, error]) error {
	if err := w.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := w.restoreRows(ctx, rows)
	if err == nil {
		err = w.exec(`COMMIT`)
	}
	if err != nil {
		w.rollback()
	}
	return err
}

func (w *writer) restoreRows(ctx context.Context, rows iter.Seq2[seatwright.Row, error]) error {
	used := false
	err := w.each(func(r row) { used = r.flag(0) }, `SELECT EXISTS (SELECT 1 FROM organizations) OR EXISTS (SELECT 1 FROM signing_keys)`)
	if err == nil && used {
		err = seatwright.ErrNotEmpty
	}
	if err != nil {
		return err
	}
	inserts := map[string]string{}
	for _, t := range seatwright.Tables() {
		columns := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			columns[i] = c.Name
		}
		inserts[t.Name] = "INSERT INTO " + t.Name + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
	}
	var values []driver.Value
	for r, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		values = values[:0]
		for _, v := range r.Values {
			values = append(values, v)
		}
		if err := w.exec(inserts[r.Table.Name], values...); err != nil {
			return fmt.Errorf("restore a row of %s: %w", r.Table.Name, err)
		}
	}
	return nil
}
