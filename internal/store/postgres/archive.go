package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright"
)

// Archive is a seatwright.Archive on a database.
type Archive struct{ url string }

// NewArchive names a database; nothing is connected.
func NewArchive(url string) Archive { return Archive{url} }

// archiveName tells an operator's connection from those of nodes.
const archiveName = "seatwright archive"

// config is for one connection of an operator.
func (a Archive) config() (*pgx.ConnConfig, error) {
	config, err := parse(a.url)
	if err != nil {
		return nil, err
	}
	c := patient(config.ConnConfig)
	c.RuntimeParams["application_name"] = archiveName
	c.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // the same few questions of each organization are planned once
	return c, nil
}

// connect opens one connection. The caller closes it.
func (a Archive) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := a.config()
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database does not answer")
	}
	return conn, nil
}

// Schema implements seatwright.Archive.
func (a Archive) Schema(ctx context.Context) (schema seatwright.Schema, err error) {
	config, err := a.config()
	if err != nil {
		return schema, err
	}
	db, provider, err := openSchema(ctx, config)
	if err != nil {
		return schema, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return schemaOf(ctx, db, provider)
}

// Migrate implements seatwright.Archive. The database itself has to be there.
func (a Archive) Migrate(ctx context.Context) (seatwright.Schema, error) {
	config, err := a.config()
	if err != nil {
		return seatwright.Schema{}, err
	}
	return migrate(ctx, config)
}

// exact refuses a schema that this program does not know, or that it would have to migrate.
func (a Archive) exact(ctx context.Context) error {
	schema, err := a.Schema(ctx)
	if err != nil {
		return err
	}
	return schema.Exact()
}

// Dump implements seatwright.Archive: one transaction with one snapshot.
func (a Archive) Dump(ctx context.Context, visit func(seatwright.Row) error) error {
	if err := a.exact(ctx); err != nil {
		return err
	}
	conn, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(background) //nolint:errcheck // there is nothing to keep
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return translate(err)
	}
	d := dump{ctx: ctx, tx: tx, visit: visit}
	return d.all()
}

type dump struct {
	ctx   context.Context
	tx    pgx.Tx
	visit func(seatwright.Row) error
}

// owner is an organization of which there are rows.
type owner struct {
	number int64
	id     string
}

// all visits the rows of the installation, and then of every organization that any table knows.
func (d dump) all() error {
	var shared, owned []*seatwright.Table
	for _, table := range seatwright.Tables() {
		if table.Owner() == "" {
			shared = append(shared, table)
		} else {
			owned = append(owned, table)
		}
	}
	if err := d.trip(shared, []owner{{}}); err != nil {
		return err
	}
	owners, err := d.owners()
	if err != nil {
		return err
	}
	for some := range slices.Chunk(owners, ownersAtOnce) {
		if err := d.trip(owned, some); err != nil {
			return err
		}
	}
	return nil
}

// ownersAtOnce is how many organizations are asked for in one round trip: there may be many small ones, and a network.
const ownersAtOnce = 64

// trip visits the rows of some tables of some organizations. The server sends them as fast as they are visited.
func (d dump) trip(tables []*seatwright.Table, owners []owner) (err error) {
	var questions pgx.Batch
	for _, of := range owners {
		for _, table := range tables {
			query, args := selection(table, of)
			questions.Queue(query, args...)
		}
	}
	answers := d.tx.SendBatch(d.ctx, &questions)
	defer func() { err = errors.Join(err, translate(answers.Close())) }()
	for _, of := range owners {
		for _, table := range tables {
			rows, err := answers.Query()
			if err != nil {
				return translate(err)
			}
			if err := d.rows(table, of, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// owners lists every organization of which there is a row anywhere, so that rows of one that does not exist are seen too.
// Each step finds the next one in the index, which takes no time however many rows there are.
func (d dump) owners() (owners []owner, err error) {
	var parts []string
	for _, table := range seatwright.Tables() {
		if table.Owner() == "organization" {
			parts = append(parts, fmt.Sprintf(`(WITH RECURSIVE owners (number) AS (SELECT min(organization) FROM %[1]s
				UNION ALL SELECT (SELECT min(organization) FROM %[1]s WHERE organization > owners.number) FROM owners WHERE owners.number IS NOT NULL)
				SELECT number FROM owners WHERE number IS NOT NULL)`, table.Name))
		}
	}
	rows, err := d.tx.Query(d.ctx, `SELECT number::int8, coalesce(o.id, '(number ' || number || ')') COLLATE "C"
		FROM (SELECT number FROM organizations UNION `+strings.Join(parts, " UNION ")+`) AS known LEFT JOIN organizations o USING (number)
		ORDER BY 2`)
	if err != nil {
		return nil, translate(err)
	}
	owners, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (o owner, err error) { return o, r.Scan(&o.number, &o.id) })
	return owners, translate(err)
}

// selection reads one table, of one organization where its rows belong to any.
func selection(table *seatwright.Table, of owner) (query string, args []any) {
	columns := make([]string, 0, len(table.Columns))
	for _, c := range table.Columns {
		columns = append(columns, c.Name)
	}
	switch table.Owner() {
	case "organization":
		columns = columns[1:] // the number stays here
		query, args = ` WHERE organization = $1`, []any{of.number}
	case "id":
		query, args = ` WHERE number = $1`, []any{of.number}
	}
	keys := make([]string, len(table.Key))
	for i, name := range table.Key {
		if keys[i] = name; isText(table, name) {
			keys[i] += ` COLLATE "C"`
		}
	}
	query = "SELECT " + strings.Join(columns, ", ") + " FROM " + table.Name + query
	if table.Name != "heads" { // its key is the organization alone
		query += " ORDER BY " + strings.Join(keys, ", ")
	}
	return query, args
}

// rows visits the answer to one selection.
func (d dump) rows(table *seatwright.Table, of owner, rows pgx.Rows) error {
	defer rows.Close()
	out, first := seatwright.Row{Table: table, Values: make([]any, len(table.Columns))}, 0
	if table.Owner() == "organization" {
		out.Values[0], first = of.id, 1
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return translate(err)
		}
		copy(out.Values[first:], values)
		if err := d.visit(out); err != nil {
			return err
		}
	}
	return translate(rows.Err())
}

func isText(table *seatwright.Table, column string) bool {
	for _, c := range table.Columns {
		if c.Name == column {
			return c.Kind == seatwright.Text
		}
	}
	return false
}

// Restore implements seatwright.Archive.
func (a Archive) Restore(ctx context.Context, rows iter.Seq2[seatwright.Row, error]) error {
	if _, err := a.Migrate(ctx); err != nil {
		return err
	}
	if err := a.exact(ctx); err != nil {
		return err
	}
	conn, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(background) //nolint:errcheck // what was committed is; the rest is to go
	if err := waitForNodes(ctx, conn); err != nil {
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return translate(err)
	}
	r := restore{ctx: ctx, tx: tx, numbers: map[string]int64{}, waiting: map[string][][]any{}}
	if err := r.all(rows); err != nil {
		return errors.Join(err, tx.Rollback(background))
	}
	return translate(tx.Commit(ctx))
}

// nodeTime is how long the sessions of nodes that were just stopped may take to end.
const nodeTime = 5 * time.Second

// waitForNodes refuses a database that nodes are connected to.
func waitForNodes(ctx context.Context, conn *pgx.Conn) error {
	for end := time.Now().Add(nodeTime); ; {
		var nodes int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = $1`, sessionSettings["application_name"]).Scan(&nodes)
		if err != nil || nodes == 0 {
			return translate(err)
		}
		if time.Now().After(end) {
			return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, nil, "a server has %d connections to the database: stop it first", nodes)
		}
		if _, err := conn.Exec(ctx, `SELECT pg_sleep(0.05)`); err != nil {
			return translate(err)
		}
	}
}

// restore copies rows in portions, table by table in the order that keeps the foreign keys.
type restore struct {
	ctx     context.Context
	tx      pgx.Tx
	numbers map[string]int64 // of the organizations so far
	waiting map[string][][]any
	rows    int
	bytes   int
}

// A portion ends when it has so many rows or bytes.
const (
	rowsAtOnce  = 10_000
	bytesAtOnce = 8 << 20
)

func (r *restore) all(rows iter.Seq2[seatwright.Row, error]) error {
	// A node that starts now waits here and finds the database full; one that was faster has made its host.
	if _, err := r.tx.Exec(r.ctx, `LOCK TABLE organizations, signing_keys IN ACCESS EXCLUSIVE MODE`); err != nil {
		return translate(err)
	}
	var used bool
	err := r.tx.QueryRow(r.ctx, `SELECT EXISTS (SELECT FROM organizations) OR EXISTS (SELECT FROM signing_keys)`).Scan(&used)
	if err == nil && used {
		return seatwright.ErrNotEmpty
	} else if err != nil {
		return translate(err)
	}
	for row, err := range rows {
		if err == nil {
			err = r.add(row)
		}
		if err != nil {
			return err
		}
	}
	if err := r.flush(); err != nil {
		return err
	}
	_, err = r.tx.Exec(r.ctx, `SELECT setval(pg_get_serial_sequence('organizations', 'number'), greatest(1, $1::int8), $1::int8 > 0)`, len(r.numbers))
	return translate(err)
}

// add keeps a copy of a row until its portion is full.
func (r *restore) add(row seatwright.Row) error {
	values := make([]any, len(row.Values), len(row.Values)+1)
	for i, v := range row.Values {
		switch v := v.(type) {
		case []byte:
			r.bytes += len(v)
			values[i] = append([]byte{}, v...)
		case string:
			r.bytes += len(v)
			values[i] = v
		default:
			values[i] = v
		}
	}
	switch row.Table.Owner() {
	case "id":
		id := string(row.Organization())
		r.numbers[id] = int64(len(r.numbers) + 1)
		values = append(values, r.numbers[id])
	case "organization":
		number, known := r.numbers[string(row.Organization())]
		if !known {
			return fmt.Errorf("a row of %s belongs to the organization %s, which the backup does not have", row.Table.Name, row.Organization())
		}
		values[0] = number
	}
	if row.Table.Name == "idempotency_keys" {
		principal, key := row.Values[1].(string), row.Values[2].(string)
		values = append(values, digestOf(seatwright.KeyRef{Principal: principal, Key: key}))
	}
	r.waiting[row.Table.Name] = append(r.waiting[row.Table.Name], values)
	if r.rows++; r.rows < rowsAtOnce && r.bytes < bytesAtOnce {
		return nil
	}
	return r.flush()
}

// extraColumns are those that only this store has, behind the others.
var extraColumns = map[string]string{"organizations": "number", "idempotency_keys": "digest"}

func (r *restore) flush() error {
	for _, table := range seatwright.Tables() {
		rows := r.waiting[table.Name]
		if len(rows) == 0 {
			continue
		}
		var columns []string
		for _, c := range table.Columns {
			columns = append(columns, c.Name)
		}
		if extra, ok := extraColumns[table.Name]; ok {
			columns = append(columns, extra)
		}
		if _, err := r.tx.CopyFrom(r.ctx, pgx.Identifier{table.Name}, columns, pgx.CopyFromRows(rows)); err != nil {
			return fmt.Errorf("restore rows of %s: %w", table.Name, translate(err))
		}
	}
	maps.DeleteFunc(r.waiting, func(string, [][]any) bool { return true })
	r.rows, r.bytes = 0, 0
	return nil
}
