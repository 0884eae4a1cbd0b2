package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// block is a piece of shell of the README, with what it shows as the output; empty: nothing is shown.
type block struct{ script, output string }

var fence = regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```\n")

// readmeBlocks reads the blocks that can be run: all of them but those that start a server.
func readmeBlocks(t *testing.T) []block {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	check(t, err)
	return blocksOf(string(text))
}

func blocksOf(text string) (blocks []block) {
	for _, found := range fence.FindAllStringSubmatch(text, -1) {
		switch kind, body := found[1], found[2]; {
		case kind == "text":
			blocks[len(blocks)-1].output = body
		case !strings.HasPrefix(body, "make ") && !strings.Contains(body, "seatwright serve"):
			blocks = append(blocks, block{script: body})
		}
	}
	return blocks
}

// Promise: every line of the README that can be pasted does what the README shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	demo, empty := serve(t, t.TempDir()), serve(t, t.TempDir())
	var password string
	err := empty.EnsureFirstAdministrator(t.Context(), func(_, fresh string) error { password = fresh; return nil })
	check(t, err)
	dir := t.TempDir()
	program(t, dir)
	check(t, demo.demo.WriteEnvironment(filepath.Join(dir, "demo.env"), demo.Address()))
	fill := strings.NewReplacer("http://127.0.0.1:8081", empty.Address(), "the password that serve printed", password)

	blocks := readmeBlocks(t)
	if len(blocks) < 8 {
		t.Fatalf("the README has only %d blocks that can be run", len(blocks))
	}
	runBlocks(t, dir, fill, blocks)
}

// runBlocks runs blocks one after the other in one shell, and compares what they print.
func runBlocks(t *testing.T, dir string, fill *strings.Replacer, blocks []block) {
	t.Helper()
	var script strings.Builder
	const mark = "=== end of block"
	for _, b := range blocks {
		fmt.Fprintf(&script, "%s\necho '%s'\n", fill.Replace(b.script), mark)
	}
	outputs := strings.Split(bash(t, dir, script.String()), mark+"\n")
	for i, b := range blocks {
		if !shows(b.output, outputs[i]) {
			t.Errorf("this block\n%sprints\n%sand the document shows\n%s", b.script, outputs[i], b.output)
		}
	}
}

// Promise: every command of docs/operations.md about backup, restore, verify and migrate does what the document shows.
func TestOperationsDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	check(t, err)
	_, part, found := strings.Cut(string(text), "\n## Backup\n")
	part, _, ends := strings.Cut(part, "\n## Limits\n")
	blocks := blocksOf(part)
	if !found || !ends || len(blocks) != 5 {
		t.Fatalf("%d blocks between Backup and Limits", len(blocks))
	}
	dir := t.TempDir()
	program(t, dir)
	served := serve(t, filepath.Join(dir, "served"))
	check(t, served.demo.WriteEnvironment(filepath.Join(dir, "demo.env"), served.Address()))
	database := pgtest.Database(t)
	onPostgres, err := app.Open(t.Context(), app.Config{Listen: "127.0.0.1:0", DatabaseURL: app.DatabaseURL(database), LogLevel: "error"}, t.Output(), true)
	check(t, err)
	defer func() { check(t, onPostgres.Close()) }()
	runBlocks(t, dir, strings.NewReplacer(
		"seatwright ", "bin/seatwright ", "/var/lib/seatwright", filepath.Join(dir, "served"),
		"postgres://seatwright@db.example.org/seatwright", "'"+database+"'", "postgres://seatwright@new.example.org/seatwright", "'"+pgtest.Database(t)+"'",
	), blocks)
}

// Promise: every command of docs/operations.md about the audit log does what the document shows.
func TestOperationsDocumentOnTheAuditLog(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	check(t, err)
	_, part, found := strings.Cut(string(text), "\n## The audit log\n")
	part, _, ends := strings.Cut(part, "\n## Backup\n")
	blocks := blocksOf(part)
	if !found || !ends || len(blocks) != 4 {
		t.Fatalf("%d blocks about the audit log", len(blocks))
	}
	w, dir := serve(t, t.TempDir()), t.TempDir()
	check(t, w.demo.WriteEnvironment(filepath.Join(dir, "demo.env"), w.Address()))
	runBlocks(t, dir, strings.NewReplacer(), blocks)
}

// Promise: every way to get a token works as docs/identity.md shows it, all but the one that needs another identity provider.
func TestIdentityDocument(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is missing: install the package openssl and try again")
	}
	text, err := os.ReadFile("../../docs/identity.md")
	check(t, err)
	blocks := blocksOf(string(text))
	if len(blocks) < 24 {
		t.Fatalf("the document has only %d blocks that can be run", len(blocks))
	}
	w, dir := serve(t, t.TempDir()), t.TempDir()
	check(t, w.demo.WriteEnvironment(filepath.Join(dir, "demo.env"), w.Address()))
	runBlocks(t, dir, strings.NewReplacer(), blocks)
}

// Promise: whoever follows docs/licensing.md from top to bottom sees what it shows.
func TestLicensingDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/licensing.md")
	check(t, err)
	blocks := blocksOf(string(text))
	if len(blocks) < 19 {
		t.Fatalf("the document has only %d blocks that can be run", len(blocks))
	}
	w, dir := serve(t, t.TempDir()), t.TempDir()
	program(t, dir)
	check(t, w.demo.WriteEnvironment(filepath.Join(dir, "demo.env"), w.Address()))
	runBlocks(t, dir, strings.NewReplacer(), blocks)
	w.audit(t, w.demo.Acme.Organization)
}

// Promise: docs/entitlements.md shows what the server answers, and its program for when there is no server works.
func TestEntitlementsDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/entitlements.md")
	check(t, err)
	blocks := blocksOf(string(text))
	if len(blocks) != 6 {
		t.Fatalf("the document has %d blocks that can be run", len(blocks))
	}
	w, dir := serve(t, t.TempDir()), t.TempDir()
	offline := filepath.Join(dir, "offline")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", offline, "../../examples/offline")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	check(t, w.demo.WriteEnvironment(filepath.Join(dir, "demo.env"), w.Address()))
	runBlocks(t, dir, strings.NewReplacer("go run ./examples/offline", offline), blocks)
}

// shows compares line by line; … stands for anything, and runs of blanks for one.
func shows(shown, printed string) bool {
	pattern := "^"
	for line := range strings.Lines(shown) {
		for i, part := range strings.Split(strings.Join(strings.Fields(line), " "), "…") {
			if i > 0 {
				pattern += ".*"
			}
			pattern += regexp.QuoteMeta(part)
		}
		pattern += "\n"
	}
	var squeezed strings.Builder
	for line := range strings.Lines(printed) {
		if fields := strings.Fields(line); len(fields) > 0 { // an answer ends with a line break of its own
			squeezed.WriteString(strings.Join(fields, " ") + "\n")
		}
	}
	return regexp.MustCompile(pattern + "$").MatchString(squeezed.String())
}

// Promise: the links of the README lead somewhere.
func TestReadmeLinks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	check(t, err)
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("../..", link[1])); err != nil {
			t.Error(err)
		}
	}
}

// Promise: a script for the portal can rely on what docs/compatibility.md shows.
func TestCompatibilityDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/compatibility.md")
	check(t, err)
	_, part, found := strings.Cut(string(text), "\n## Scripts for the portal\n")
	part, _, ends := strings.Cut(part, "\n## What is not there yet\n")
	blocks := blocksOf(part)
	if !found || !ends || len(blocks) != 8 {
		t.Fatalf("%d blocks about the portal", len(blocks))
	}
	w, dir := serve(t, t.TempDir()), t.TempDir()
	check(t, w.demo.WriteEnvironment(filepath.Join(dir, "demo.env"), w.Address()))
	runBlocks(t, dir, strings.NewReplacer(), blocks)
	w.audit(t, w.demo.Acme.Organization)
}
