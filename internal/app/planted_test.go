package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatwright/seatwright/internal/planted"
)

// guard is a test that has to notice planted bugs.
type guard struct {
	dir   string // of its package, from here
	test  string
	flags []string
	bugs  []string
}

func guards() []guard {
	return []guard{
		{"../..", "TestDecideFollowsTheModel", []string{"-rapid.checks=200", "-rapid.nofailfile"}, []string{planted.LimitOffByOne, planted.PartialBulk, planted.NoKeyRecord}},
		{"../ledger", "TestSubmitAnswersOnlyAfterTheCommit", nil, []string{planted.AnswerBeforeCommit}},
		{".", "TestConcurrentCallersNeverOversell", nil, []string{planted.LimitOffByOne}},
		{".", "TestIdempotency", nil, []string{planted.NoKeyRecord}},
		{".", "TestAllocation", nil, []string{planted.PartialBulk}},
	}
}

// Promise: the tests that guard the promises of the ledger can fail. Each bug is planted alone and has to be found by each
// of its guards; without a bug the same build passes.
func TestPlantedBugsAreFound(t *testing.T) {
	t.Parallel()
	built, bin := map[string]string{}, t.TempDir()
	for _, g := range guards() {
		if built[g.dir] != "" {
			continue
		}
		path := filepath.Join(bin, filepath.Base(g.dir)+".test")
		command := exec.CommandContext(t.Context(), "go", "test", "-c", "-buildvcs=false", "-tags", "mutants", "-o", path, ".")
		command.Dir, command.Env = g.dir, append(os.Environ(), "CGO_ENABLED=0")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("build the tests of %s: %v\n%s", g.dir, err, output)
		}
		built[g.dir] = path
	}
	for _, g := range guards() {
		for _, bug := range append([]string{""}, g.bugs...) {
			name := g.test + "/" + bug
			if bug == "" {
				name += "without-a-bug"
			}
			t.Run(name, func(t *testing.T) {
				command := exec.CommandContext(t.Context(), built[g.dir], append([]string{"-test.run=^" + g.test + "$", "-test.timeout=60s"}, g.flags...)...)
				command.Dir, command.Env = g.dir, append(os.Environ(), "SEATWRIGHT_MUTANT="+bug)
				output, err := command.CombinedOutput()
				found := err != nil && strings.Contains(string(output), "--- FAIL: "+g.test)
				if bug == "" && (err != nil || !strings.Contains(string(output), "PASS")) {
					t.Errorf("without a bug it fails: %v\n%s", err, output)
				}
				if bug != "" && !found {
					t.Errorf("the bug is not found: %v\n%s", err, output)
				}
			})
		}
	}
}

// Promise: every bug that can be planted has a guard.
func TestEveryPlantedBugHasAGuard(t *testing.T) {
	t.Parallel()
	guarded := map[string]bool{}
	for _, g := range guards() {
		for _, bug := range g.bugs {
			guarded[bug] = true
		}
	}
	for _, bug := range []string{planted.LimitOffByOne, planted.AnswerBeforeCommit, planted.PartialBulk, planted.NoKeyRecord} {
		if !guarded[bug] {
			t.Errorf("nothing guards against %s", bug)
		}
	}
}
