package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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
	d := dump{ctx: ctx, from: reader, visit: visit, strays: map[stray][][]any{}}
	return d.all()
}

type dump struct {
	ctx    context.Context
	from   *writer
	visit  func(seatwright.Row) error
	strays map[stray][][]any
}

// stray is where rows of people are who do not exist, or belong elsewhere. Only damage leaves any behind.
type stray struct {
	table *seatwright.Table
	owner int64
}

// owner is an organization of which there are rows.
type owner struct {
	number int64
	id     string
}

// all visits the rows of the installation, and then of every organization that any table knows.
func (d dump) all() error {
	for _, table := range seatwright.Tables() {
		if table.Owner() == "" {
			if err := d.rows(table, owner{}); err != nil {
				return err
			}
		}
	}
	if err := d.findStrays(); err != nil {
		return err
	}
	owners, err := d.owners()
	if err != nil {
		return err
	}
	for _, of := range owners {
		for _, table := range seatwright.Tables() {
			if table.Owner() != "" {
				if err := d.rows(table, of); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ofPerson says that the rows of a table name a person: by number, where other stores have an id.
func ofPerson(t *seatwright.Table) bool { return t.Columns[1].Name == "user_id" }

// selection reads one table, of one organization where its rows belong to any.
func selection(t *seatwright.Table) string {
	columns := make([]string, 0, len(t.Columns))
	for _, c := range t.Columns {
		switch c.Name {
		case "organization": // the number stays here
		case "user_id":
			columns = append(columns, "u.id AS user_id")
		default:
			columns = append(columns, "t."+c.Name)
		}
	}
	query := "SELECT " + strings.Join(columns, ", ")
	switch {
	case ofPerson(t):
		query += " FROM users u CROSS JOIN " + t.Name + " t ON t.user_number = u.number AND t.organization = u.organization WHERE u.organization = ?1"
	case t.Owner() == "organization":
		query += " FROM " + t.Name + " t WHERE t.organization = ?1"
	case t.Owner() == "id":
		query += " FROM " + t.Name + " t WHERE t.number = ?1"
	default:
		query += " FROM " + t.Name + " t"
	}
	if t.Name == "heads" { // its key is the organization alone
		return query
	}
	return query + " ORDER BY " + strings.Join(t.Key, ", ")
}

// findStrays looks once through all rows of people: they have no index by organization.
func (d dump) findStrays() error {
	for _, t := range seatwright.Tables() {
		if !ofPerson(t) {
			continue
		}
		columns := append([]seatwright.Column{{Name: "organization", Kind: seatwright.Number}}, t.Columns[1:]...)
		names := make([]string, len(columns))
		for i, c := range columns {
			if names[i] = "t." + c.Name; c.Name == "user_id" {
				names[i] = "'(number ' || t.user_number || ')'"
			}
		}
		err := d.answer(t, columns, func(values []any) error {
			at := stray{t, values[0].(int64)}
			d.strays[at] = append(d.strays[at], slices.Clone(values))
			return nil
		}, "SELECT "+strings.Join(names, ", ")+" FROM "+t.Name+
			" t WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.number = t.user_number AND u.organization = t.organization)")
		if err != nil {
			return err
		}
	}
	return nil
}

// owners lists every organization of which there is a row anywhere, so that rows of one that does not exist are seen too.
// Each step finds the next one in the index, which takes no time however many rows there are.
func (d dump) owners() (owners []owner, err error) {
	parts := []string{`SELECT number FROM organizations`, `SELECT value FROM json_each(?1)`}
	for _, table := range seatwright.Tables() {
		if table.Owner() == "organization" && !ofPerson(table) {
			parts = append(parts, fmt.Sprintf(`SELECT number FROM (WITH RECURSIVE owners (number) AS (SELECT min(organization) FROM %[1]s
				UNION ALL SELECT (SELECT min(organization) FROM %[1]s WHERE organization > owners.number) FROM owners WHERE owners.number IS NOT NULL)
				SELECT number FROM owners WHERE number IS NOT NULL)`, table.Name))
		}
	}
	strays := []int64{}
	for at := range d.strays {
		strays = append(strays, at.owner)
	}
	numbers, err := json.Marshal(strays)
	if err != nil {
		return nil, err
	}
	err = d.from.each(func(r row) { owners = append(owners, owner{r.int(0), r.text(1)}) },
		`SELECT known.number, coalesce(o.id, '(number ' || known.number || ')')
		FROM (`+strings.Join(parts, " UNION ")+`) known LEFT JOIN organizations o ON o.number = known.number ORDER BY 2`, string(numbers))
	return owners, err
}

// rows visits the rows of one table.
func (d dump) rows(table *seatwright.Table, of owner) error {
	out := seatwright.Row{Table: table, Values: make([]any, len(table.Columns))}
	var args []driver.Value
	values := out.Values
	switch table.Owner() {
	case "organization":
		out.Values[0], values = of.id, out.Values[1:]
		args = append(args, of.number)
	case "id":
		args = append(args, of.number)
	}
	err := d.answer(table, table.Columns[len(out.Values)-len(values):], func(found []any) error {
		copy(values, found)
		return d.visit(out)
	}, selection(table), args...)
	if err != nil {
		return err
	}
	for _, found := range d.strays[stray{table, of.number}] {
		copy(values, found[1:])
		if err := d.visit(out); err != nil {
			return err
		}
	}
	return nil
}

// answer visits the values of the rows that a query finds, which are valid only during the call.
func (d dump) answer(table *seatwright.Table, columns []seatwright.Column, visit func([]any) error, query string, args ...driver.Value) error {
	statement, err := d.from.prepared(query)
	if err != nil {
		return translate(err)
	}
	found, err := statement.QueryContext(background, d.from.named(args))
	if err != nil {
		return translate(err)
	}
	defer found.Close() //nolint:errcheck // it was read to its end, or what went wrong is told already
	stored, values := make(row, len(columns)), make([]any, len(columns))
	for {
		if err := found.Next(stored); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return translate(err)
		}
		if err := d.ctx.Err(); err != nil {
			return err
		}
		for i, column := range columns {
			if values[i], err = portable(column, stored[i]); err != nil {
				return fmt.Errorf("%s.%s: %w", table.Name, column.Name, err)
			}
		}
		if err := visit(values); err != nil {
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
		inserts[t.Name] = restoration(t)
	}
	for row, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = w.restoreRow(row, inserts[row.Table.Name])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restoration inserts a row of one table, the columns in the order of the list.
func restoration(t *seatwright.Table) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Name
		if c.Name == "user_id" {
			columns[i] = "user_number"
		}
	}
	into, values := t.Name, "?"+strings.Repeat(", ?", len(columns)-1)
	switch t.Name { // two views of one table
	case "direct_records":
		into, columns, values = "holdings", slices.Concat(columns, []string{"code"}), values+", '"+codeOfRecord+"'"
	case "seats":
		into = "holdings"
		values = "?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, '')" // and without a lease the rest of it is null
		for i := 8; i <= len(columns); i++ {
			values += fmt.Sprintf(", CASE WHEN ?7 <> '' THEN ?%d END", i)
		}
	}
	return "INSERT INTO " + into + " (" + strings.Join(columns, ", ") + ") VALUES (" + values + ")"
}

// restoreRow gives organizations and people new numbers, and names them by these in all other rows.
func (w *writer) restoreRow(r seatwright.Row, insert string) error {
	values, of := make([]driver.Value, len(r.Values)), r.Organization()
	for i, v := range r.Values {
		if b, ok := v.([]byte); ok {
			v = notNull(b)
		}
		values[i] = v
	}
	if r.Table.Owner() == "organization" {
		number, known := w.made[of]
		if !known {
			return fmt.Errorf("a row of %s belongs to the organization %s, which the backup does not have", r.Table.Name, of)
		}
		values[0] = number
	}
	if ofPerson(r.Table) {
		who := person{of, seatwright.UserID(r.Values[1].(string))}
		number, known := w.people[who]
		if !known {
			return fmt.Errorf("a row of %s belongs to the user %s of the organization %s, whom the backup does not have", r.Table.Name, who.user, of)
		}
		values[1] = number
	}
	number, err := w.add(insert, values...)
	if err != nil {
		return fmt.Errorf("restore a row of %s: %w", r.Table.Name, err)
	}
	switch r.Table.Name {
	case "organizations":
		w.made[of] = number
	case "users":
		w.people[person{of, seatwright.UserID(r.Values[1].(string))}] = number
	}
	return nil
}
