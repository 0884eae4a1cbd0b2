package seatwright

import (
	"slices"
	"time"
)

// Row is one stored row in the form that every store shares: what a backup is made of and what verification reads.
type Row struct {
	Table  *Table
	Values []any // one for each column, of the Go type that its kind says
}

// Table is what is stored of one noun. Stores may keep it under other types, and with columns of their own that follow from
// these.
type Table struct {
	Name    string
	Columns []Column
	Key     []string // columns by which the rows of one organization are ordered, byte by byte; together they tell rows apart
	Secret  bool     // not part of a backup
}

// Column is one of a [Table].
type Column struct {
	Name string
	Kind ColumnKind
}

// ColumnKind is what a column holds.
type ColumnKind int

// The kinds of column, with the Go type of a value.
const (
	Text         ColumnKind = iota // string
	OptionalText                   // string, or nil
	Number                         // int64; instants are microseconds since 1970
	Flag                           // bool
	Bytes                          // []byte
	JSONBytes                      // []byte that are JSON text, unless somebody damaged them
)

// tables is the one list of what is stored. A table of the schema that is missing here would be missing from backups, so
// tests compare the two. Events come before what they have to explain: verification then remembers only what they say.
var tables = []*Table{
	{Name: "signing_keys", Key: []string{"id"}, Secret: true, Columns: []Column{
		{"id", Text}, {"sealed", Bytes}, {"created_at", Number},
	}},
	{Name: "organizations", Key: []string{"id"}, Columns: []Column{
		{"id", Text}, {"name", Text}, {"name_key", Text}, {"display_name", Text}, {"unknown_users", Text}, {"external_licenses", Flag},
		{"created_at", Number}, {"allocation_mode", Text}, {"on_leave", Text}, {"inactive_days", Number}, {"user_licensing", Flag},
		{"on_shrink", Text}, {"unit_lease_minutes", Number}, {"overdraft", Text},
	}},
	{Name: "heads", Key: []string{"organization"}, Columns: []Column{
		{"organization", Text}, {"sequence", Number}, {"hash", Bytes}, {"at", Number},
	}},
	{Name: "events", Key: []string{"sequence"}, Columns: []Column{
		{"organization", Text}, {"sequence", Number}, {"at", Number}, {"kind", Text}, {"version", Number}, {"actor", Text}, {"via", Text},
		{"request_id", Text}, {"subject", Text}, {"data", JSONBytes}, {"prev", Bytes}, {"hash", Bytes},
	}},
	{Name: "tenants", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"name", Text}, {"name_key", Text}, {"created_at", Number},
	}},
	{Name: "users", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"user_name", Text}, {"user_name_key", OptionalText}, {"external_id", OptionalText},
		{"email", Text}, {"first_name", Text}, {"last_name", Text}, {"display_name", Text}, {"role", Text}, {"active", Flag},
		{"password_hash", Text}, {"created_at", Number}, {"modified_at", Number}, {"bypass_basic_auth", Flag}, {"invitation_accepted", Flag},
	}},
	{Name: "groups", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"name", Text}, {"name_key", Text}, {"created_at", Number}, {"modified_at", Number},
	}},
	{Name: "robot_accounts", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"name", Text}, {"name_key", Text}, {"display_name", Text}, {"created_at", Number},
		{"modified_at", Number},
	}},
	{Name: "memberships", Key: []string{"group_id", "member_id"}, Columns: []Column{
		{"organization", Text}, {"group_id", Text}, {"member_id", Text}, {"member_kind", Text},
	}},
	{Name: "group_rules", Key: []string{"group_id"}, Columns: []Column{
		{"organization", Text}, {"group_id", Text}, {"priority", Number}, {"external", Flag}, {"created_at", Number}, {"modified_at", Number},
		{"applied_at", Number},
	}},
	{Name: "group_offers", Key: []string{"group_id", "code"}, Columns: []Column{
		{"organization", Text}, {"group_id", Text}, {"code", Text}, {"term", Number}, {"quota", Number}, {"leases", Number}, {"units", Number},
	}},
	{Name: "shared_units", Key: []string{"number"}, Columns: []Column{
		{"organization", Text}, {"number", Number}, {"group_id", Text}, {"code", Text}, {"term", Number}, {"members", Number}, {"of_user", Text}, {"session", Text},
		{"held_until", Number},
	}},
	{Name: "sessions", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"global_id", Text}, {"of_user", Text}, {"client_type", Text}, {"started_at", Number},
		{"updated_at", Number},
	}},
	{Name: "sign_ins", Key: []string{"user_id"}, Columns: []Column{
		{"organization", Text}, {"user_id", Text}, {"last_at", Number}, {"failures", Number}, {"failed_at", Number}, {"window_at", Number},
		{"window_failures", Number},
	}},
	{Name: "settings", Key: []string{"of_user", "key"}, Columns: []Column{
		{"organization", Text}, {"of_user", Text}, {"key", Text}, {"number", Number}, {"value", Text}, {"modified_at", Number},
	}},
	{Name: "applications", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"name", Text}, {"confidential", Flag}, {"redirect_uris", Text}, {"scopes", Text},
		{"user_scopes", Text}, {"secrets", JSONBytes}, {"created_at", Number}, {"modified_at", Number},
	}},
	{Name: "grants", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"kind", Text}, {"of_user", Text}, {"application", Text}, {"scopes", Text}, {"description", Text},
		{"number", Number}, {"secret_hash", Bytes}, {"password_mark", Bytes}, {"revoked", Flag}, {"created_at", Number}, {"expires_at", Number},
		{"used_at", Number}, {"redirect_uri", Text}, {"nonce", Text}, {"challenge", Text}, {"authenticated_at", Number},
	}},
	{Name: "lots", Key: []string{"code", "id"}, Columns: []Column{
		{"organization", Text}, {"code", Text}, {"id", Text}, {"quantity", Number}, {"starts_at", Number}, {"ends_at", Number},
		{"grace_seconds", Number}, {"expires_at", Number}, {"order_text", Text}, {"created_at", Number}, {"origin", Text},
	}},
	{Name: "license_files", Key: []string{"id"}, Columns: []Column{
		{"organization", Text}, {"id", Text}, {"issuer", Text}, {"sha256", Bytes}, {"lots", Number}, {"imported_at", Number}, {"deactivated_at", Number},
	}},
	{Name: "notices", Key: []string{"sequence"}, Columns: []Column{
		{"organization", Text}, {"sequence", Number}, {"kind", Text}, {"subject", Text}, {"code", Text}, {"threshold", Number}, {"ends_at", Number},
		{"used", Number}, {"total", Number}, {"at", Number}, {"standing", Flag},
	}},
	{Name: "denials", Key: []string{"number"}, Columns: []Column{
		{"organization", Text}, {"number", Number}, {"kind", Text}, {"denied", Text}, {"code", Text}, {"reason", Text}, {"group_id", Text},
		{"requested", Number}, {"available", Number}, {"first_at", Number}, {"last_at", Number}, {"refusals", Number}, {"satisfied_at", Number},
		{"latest", Flag},
	}},
	{Name: "pools", Key: []string{"code"}, Columns: []Column{
		{"organization", Text}, {"code", Text}, {"total", Number}, {"total_until", Number}, {"used", Number}, {"ceiling", Number},
	}},
	{Name: "service_pools", Key: []string{"tenant_id", "service", "code"}, Columns: []Column{
		{"organization", Text}, {"tenant_id", Text}, {"service", Text}, {"code", Text}, {"quantity", Number}, {"used", Number},
		{"drawn", Number}, {"period_start", Number}, {"period_end", Number}, {"carried", Number},
	}},
	{Name: "unit_leases", Key: []string{"tenant_id", "service", "code", "id"}, Columns: []Column{
		{"organization", Text}, {"tenant_id", Text}, {"service", Text}, {"code", Text}, {"id", Text}, {"quantity", Number}, {"version", Number},
		{"owner", Text}, {"made_by", Text}, {"created_at", Number}, {"renewed_at", Number}, {"period_end", Number},
	}},
	{Name: "usage_days", Key: []string{"tenant_id", "service", "code", "day"}, Columns: []Column{
		{"organization", Text}, {"tenant_id", Text}, {"service", Text}, {"code", Text}, {"day", Number}, {"peak", Number}, {"last", Number},
		{"consumed", Number},
	}},
	{Name: "direct_records", Key: []string{"user_id"}, Columns: []Column{
		{"organization", Text}, {"user_id", Text}, {"external", Flag}, {"created_at", Number}, {"updated_at", Number},
	}},
	{Name: "seats", Key: []string{"user_id", "code"}, Columns: []Column{
		{"organization", Text}, {"user_id", Text}, {"code", Text}, {"units", Number}, {"direct", Flag}, {"created_at", Number},
		{"group_id", Text}, {"term", Number}, {"leased_at", Number}, {"last_in_use", Number}, {"orphan_at", Number}, {"unit", Number},
	}},
	{Name: "idempotency_keys", Key: []string{"principal", "key"}, Columns: []Column{
		{"organization", Text}, {"principal", Text}, {"key", Text}, {"created_at", Number}, {"fingerprint", Bytes}, {"answer", JSONBytes},
	}},
}

// Tables lists everything that is stored, in an order in which every foreign key holds. Rows with an "organization" belong
// to it, those of "organizations" to themselves, those of "signing_keys" to the installation.
func Tables() []*Table { return slices.Clone(tables) }

// LookupTable finds a table by name.
func LookupTable(name string) (*Table, bool) {
	i := slices.IndexFunc(tables, func(t *Table) bool { return t.Name == name })
	if i < 0 {
		return nil, false
	}
	return tables[i], true
}

// Owner is the column that names the organization of a row, or empty for rows of the installation.
func (t *Table) Owner() string {
	switch {
	case t.Name == "organizations":
		return "id"
	case t.Columns[0].Name == "organization":
		return "organization"
	}
	return ""
}

// Organization is the organization that the row belongs to, empty for a row of the installation.
func (r Row) Organization() OrganizationID {
	if r.Table.Owner() == "" {
		return ""
	}
	return OrganizationID(r.text(0))
}

func (r Row) text(i int) string { return r.Values[i].(string) }

func (r Row) number(i int) int64 { return r.Values[i].(int64) }

// instantOrNever reads 0 as the zero time.
func (r Row) instantOrNever(i int) time.Time {
	if r.number(i) == 0 {
		return time.Time{}
	}
	return instant(r.number(i))
}

// service reads the key of a row about a product of a tenant's service.
func (r Row) service() ServiceKey {
	return ServiceKey{PoolScope{TenantID(r.text(1)), ServiceType(r.text(2))}, ProductCode(r.text(3))}
}

func (r Row) flag(i int) bool { return r.Values[i].(bool) }

func (r Row) bytes(i int) []byte { return r.Values[i].([]byte) }
