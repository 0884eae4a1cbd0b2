// Package internal_test guards the shape of the code: who may import whom, and one package comment for each package.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seatwright/seatwright"

// rule says what one package may import. Test files are free: tests of a rule run on a real store.
type rule struct {
	pkg  string   // path in the module; "*" at the end matches every package below, the root is "."
	ours []string // the packages of this module that it may import, in the same form
	why  string   // the reason why every other package of ours is forbidden
	lock []edge   // packages of others that it leaves alone
}

// edge is a forbidden import: an exact path, or with "/" at the end everything below it.
type edge struct{ to, why string }

var (
	noHTTP  = edge{"net/http", "rules are the same whatever door a request comes through"}
	noSQL   = edge{"database/sql", "there are two databases and must be only one copy of a rule"}
	noCobra = edge{"github.com/spf13/", "the command line is a door, and only internal/cli stands in it"}
	noLog   = edge{"log/slog", "pure functions answer, their callers log"}
)

// rules is the table "who may import whom". A package that matches no row fails the test: add a row with its reason.
var rules = []rule{
	{
		pkg: ".", ours: []string{"internal/planted"}, why: "the domain is at the bottom: everything may depend on it because it depends on nothing",
		lock: []edge{noHTTP, noSQL, noCobra, noLog, {"os", "the domain is pure: it touches no machine"}},
	},
	{
		pkg: "internal/planted", why: "the switches of planted bugs are used by the domain itself, so they depend on nothing",
		lock: []edge{noHTTP, noSQL, noCobra, noLog},
	},
	{
		pkg: "api", ours: []string{"."}, why: "the contract says what the doors do and does not know who does it",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "wire", why: "the JSON shapes are a published contract: a change of the domain must not change them unseen",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "client", ours: []string{".", "wire"}, why: "the client is public: what it imports cannot be renamed freely",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/ledger", ours: []string{".", "internal/planted"}, why: "the queue neither decides nor stores: it must serve every command and every store",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/licensefile", ours: []string{"."}, why: "vendors make files with it and servers read them: it knows neither",
		lock: []edge{noHTTP, noSQL, noCobra, noLog, {"os", "files are read and written by whoever has them"}},
	},
	{
		pkg: "internal/licensing", ours: []string{".", "internal/ledger", "internal/licensefile"}, why: "rules know no door and no database, and write through the ledger only",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/directory", ours: []string{".", "internal/ledger"}, why: "rules know no door and no database, and write through the ledger only",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/entitlement", ours: []string{".", "internal/planted"}, why: "what is remembered is forgotten by what the store and the ledger tell, whichever they are",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/audit", ours: []string{"."}, why: "what an event means and who may read it depends neither on the store nor on the door, and reading writes nothing",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/store/storetest", ours: []string{".", "internal/faults"}, why: "the contract must not know who keeps it, or it would describe one store instead of both",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/faultclock", why: "everything may be given the clock, so it depends on nothing",
		lock: []edge{noHTTP, noSQL, noCobra, noLog},
	},
	{
		pkg: "internal/faults", why: "every package that is broken on purpose uses it, so it knows none of them",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/crashtest", ours: []string{".", "internal/faults"}, why: "it judges servers by their answers alone, whatever they are made of",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/faultdisk", why: "a disk does not know what is kept on it",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/modeltest", ours: []string{"."}, why: "it states the rules a second time, and must not get them from where they are carried out",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/pgtest", ours: []string{"internal/faults"}, why: "it starts databases for tests and the benchmark and does not know what is kept in them",
		lock: []edge{noHTTP, noCobra},
	},
	{
		pkg: "internal/store/*", ours: []string{".", "internal/planted"}, why: "a store writes what was decided: a rule, a queue or another store in here would be a second copy",
		lock: []edge{noHTTP, noCobra},
	},
	{
		pkg: "internal/api*", ours: []string{".", "api", "wire", "internal/audit", "internal/entitlement", "internal/licensing", "internal/directory", "internal/api*", "internal/strictjson"},
		why:  "a door decodes, calls and encodes: a store behind its back would pass by the permissions",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/console*", ours: []string{".", "internal/licensing", "internal/directory", "internal/console*"},
		why:  "pages are a door like the API, and call the same rules instead of each other",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/strictjson", ours: []string{"."}, why: "every door reads bodies with it, so it knows none of them",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/oauth", ours: []string{".", "internal/directory", "internal/strictjson"}, why: "who somebody is does not depend on what they may hold or on which door asks",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/server", ours: []string{".", "api", "wire", "internal/api*", "internal/strictjson", "internal/oauth", "internal/console*", "internal/planted"},
		why:  "the front doors are put in order here; a store would let a request go around them",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/backup", ours: []string{"."}, why: "a backup has the same form whatever store it comes from or goes to",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "internal/app",
		ours: []string{
			".", "internal/audit", "internal/backup", "internal/entitlement", "internal/faultclock", "internal/ledger", "internal/licensefile", "internal/licensing", "internal/directory", "internal/store/*", "internal/api*",
			"internal/console*", "internal/oauth", "internal/server", "internal/planted",
		},
		why:  "the wiring connects the parts below it; the command line and the client stand outside the server",
		lock: []edge{noSQL, noCobra},
	},
	{
		pkg: "internal/cli", ours: []string{".", "wire", "client", "internal/app", "internal/licensefile"},
		why:  "administrators' commands use the public client, operators' commands the wiring: the rest would be a back door",
		lock: []edge{noSQL},
	},
	{
		pkg: "examples/*", ours: []string{".", "client", "wire"}, why: "an example can be copied into another program",
		lock: []edge{noSQL},
	},
	{
		pkg: "internal/heap", why: "the server and what is measured beside it are collected alike, and neither is in the other",
	},
	{
		pkg: "cmd/seatwright", ours: []string{"internal/cli", "internal/heap"}, why: "main is a setting of the process, one call and an exit code, so that tests can run everything else",
		lock: []edge{noHTTP, noSQL, noCobra},
	},
	{
		pkg: "bench", ours: []string{".", "internal/heap", "internal/ledger", "internal/store/*", "internal/pgtest"},
		why:  "the benchmark measures the ledger and the stores without what stands around them, and everything else in the program that is shipped",
		lock: []edge{noCobra},
	},
}

// Promise: a newcomer can trust the picture in docs/architecture.md, and nothing passes by a rule through an import.
func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, pkg := range packages(t) {
		if len(pkg.files) == 0 {
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.pkg, pkg.path) })
		if i < 0 {
			t.Errorf("%s is in no row of the table of imports", pkg.path)
			continue
		}
		for _, file := range pkg.files {
			for _, spec := range file.syntax.Imports {
				to := strings.Trim(spec.Path.Value, `"`)
				if why := rules[i].forbids(to); why != "" {
					t.Errorf("%s imports %s: %s", file.name, to, why)
				}
			}
		}
	}
}

// forbids returns the reason why the package may not import to, or nothing.
func (r rule) forbids(to string) string {
	if to == module || strings.HasPrefix(to, module+"/") {
		own := strings.TrimPrefix(strings.TrimPrefix(to, module), "/")
		if own == "" {
			own = "."
		}
		if slices.ContainsFunc(r.ours, func(pattern string) bool { return matches(pattern, own) }) {
			return ""
		}
		return r.why
	}
	for _, e := range r.lock {
		if to == e.to || strings.HasSuffix(e.to, "/") && strings.HasPrefix(to, e.to) {
			return e.why
		}
	}
	return ""
}

// matches compares a package path with an exact one, with "dir/*" (all below dir) or with "dir*" (dir and all below it).
func matches(pattern, pkg string) bool {
	dir, wild := strings.CutSuffix(pattern, "*")
	if !wild {
		return pattern == pkg
	}
	return strings.HasPrefix(pkg, dir) && (strings.HasSuffix(dir, "/") || pkg == dir || pkg[len(dir)] == '/')
}

// Promise: every package says once what it is for.
func TestEveryPackageHasExactlyOnePackageComment(t *testing.T) {
	for _, pkg := range packages(t) {
		files := pkg.files
		if len(files) == 0 {
			files = pkg.tests // a package of tests only explains itself there
		}
		var documented []string
		for _, file := range files {
			if file.syntax.Doc != nil && strings.TrimSpace(file.syntax.Doc.Text()) != "" {
				documented = append(documented, file.name)
			}
		}
		if len(documented) != 1 {
			t.Errorf("%s has %d package comments, wants exactly one: %v", pkg.path, len(documented), documented)
		}
	}
}

type goPackage struct {
	path         string // in the module
	files, tests []goFile
}

type goFile struct {
	name   string
	syntax *ast.File
}

// packages reads the package and import clauses of the whole module, whatever the build tags.
func packages(t *testing.T) []goPackage {
	t.Helper()
	found := map[string]*goPackage{}
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != ".." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "tools" || base == "node_modules" || base == "demo-data") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(filepath.ToSlash(name), "../")
		dir := path.Dir(name)
		if found[dir] == nil {
			found[dir] = &goPackage{path: dir}
		}
		if strings.HasSuffix(base, "_test.go") {
			found[dir].tests = append(found[dir].tests, goFile{name, syntax})
		} else {
			found[dir].files = append(found[dir].files, goFile{name, syntax})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no packages found")
	}
	sorted := make([]goPackage, 0, len(found))
	for _, pkg := range found {
		sorted = append(sorted, *pkg)
	}
	slices.SortFunc(sorted, func(a, b goPackage) int { return strings.Compare(a.path, b.path) })
	return sorted
}
