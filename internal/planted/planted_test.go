package planted_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright/internal/faults"
	"github.com/seatwright/seatwright/internal/planted"
)

// guard is a test that has to notice planted bugs.
type guard struct {
	dir   string // of its package, from here
	test  string
	flags []string
	slow  bool // needs servers: only where the whole programme runs
	bugs  []string
}

// guards lists a test for each bug. The bugs of the disk stand with the tests that need one: R2, R3 and R7 in crashtest.
func guards() []guard {
	model := []string{"-rapid.checks=300", "-rapid.nofailfile", "-rapid.shrinktime=10ms"} // nobody reads what failed
	return []guard{
		{dir: "../..", test: "TestDecideFollowsTheModel", flags: model, bugs: []string{
			planted.LimitOffByOne, planted.PartialBulk, planted.NoKeyRecord, planted.KeyOfAnybody, planted.KeyOfAnyCommand, planted.KeyForEver,
			planted.BrokenChain, planted.ExternalEverywhere, planted.ChangeWithoutEvent, planted.LostRelease, planted.DoubleRelease,
			planted.LeaseRevives, planted.QuotaOffByOne, planted.LeaverKeepsLease, planted.DirectKeepsLease,
			planted.RuleKeepsUnits, planted.SweepTwice, planted.SweepAnyway, planted.FreeService,
			planted.LoweredService, planted.RepeatedUnits, planted.UnitsNeverEnd, planted.ForgottenCarry,
		}},
		{dir: "../..", test: "TestNeverMoreIsConsumedThanWasBought", flags: model, bugs: []string{planted.ForgottenCarry}},
		{dir: "../entitlement", test: "TestP8AnswersAreLinearizable", bugs: []string{planted.StaleEntitlements}},
		{dir: "../entitlement", test: "TestP8AnswersOfOtherNodesAreBoundedlyOld", bugs: []string{planted.DeafEntitlements}},
		{dir: "../ledger", test: "TestSubmitAnswersOnlyAfterTheCommit", bugs: []string{planted.AnswerBeforeCommit}},
		{dir: "../store/sqlite", test: "TestStore", bugs: []string{planted.TimeRunsBack}},
		{dir: "../app", test: "TestConcurrentCallersNeverOversell", bugs: []string{planted.LimitOffByOne}},
		{dir: "../app", test: "TestIdempotency", bugs: []string{planted.NoKeyRecord}},
		{dir: "../app", test: "TestAllocation", bugs: []string{planted.PartialBulk}},
		{dir: "../app", test: "TestForeignAndMissingOrganizationsLookTheSame", bugs: []string{planted.AnyOrganization}},
		{dir: "../modeltest", test: "TestP4LotsCountFromTheirStartToTheirExpiry", bugs: []string{planted.ExpiryCounts}},
		{dir: "../modeltest", test: "TestP5TwoNodesBehaveAsOne", bugs: []string{planted.NoLock, planted.TrustedMemory}},
		{dir: "../nodetest", test: "TestR14CancelledCommitsAreNeverAcknowledged", slow: true, bugs: []string{
			planted.CancelledIsDone, planted.UnknownIsDone, planted.UnchangedIsNotCommitted,
		}},
		{dir: "../nodetest", test: "TestR9ClockJumpsOfOneNodeChangeNothing", slow: true, bugs: []string{planted.NodeClock, planted.SweepAnyway}},
		{dir: "../nodetest", test: "TestR10LeasesOverTwoNodesAreTakenAndEndOnce", slow: true, bugs: []string{planted.TrustedMemory, planted.SweepTwice}},
	}
}

// Promise: the tests that guard the promises can fail. Each bug is planted alone and has to be found by each of its guards;
// without a bug the same build passes.
func TestP6PlantedBugsAreFound(t *testing.T) {
	whole := faults.Count(t, 0, 1, 1) == 1
	built, bin := map[string]string{}, t.TempDir()
	found := map[string]bool{}
	for _, g := range guards() {
		if g.slow && !whole {
			continue
		}
		if built[g.dir] == "" {
			path := filepath.Join(bin, filepath.Base(g.dir)+".test")
			command := exec.CommandContext(t.Context(), "go", "test", "-c", "-buildvcs=false", "-tags", "mutants", "-o", path, ".")
			command.Dir, command.Env = g.dir, append(os.Environ(), "CGO_ENABLED=0")
			if output, err := command.CombinedOutput(); err != nil {
				t.Fatalf("build the tests of %s: %v\n%s", g.dir, err, output)
			}
			built[g.dir] = path
		}
		for _, bug := range append([]string{""}, g.bugs...) {
			name := g.test + "/" + bug
			if bug == "" {
				name += "without-a-bug"
			}
			t.Run(name, func(t *testing.T) {
				begin := time.Now()
				output, failed := g.run(t, built[g.dir], bug)
				switch {
				case bug == "" && (failed || !strings.Contains(output, "PASS")):
					t.Errorf("without a bug it fails:\n%s", output)
				case bug != "" && !failed:
					t.Errorf("the bug is not found:\n%s", output)
				case bug != "":
					found[bug] = true
					t.Logf("found after %s", time.Since(begin).Round(time.Millisecond))
				}
			})
		}
	}
	if whole && !t.Failed() {
		faults.Report(t, "P6", "%d planted bugs, each found by each of its guards; those of the disk are found by R2, R3 and R7", len(found))
	}
}

// run runs the guard with a bug and reports whether it failed as a test does. A guard that depends on chance, and on how busy the machine is, has six tries
// to find it.
func (g guard) run(t *testing.T, bin, bug string) (output string, failed bool) {
	t.Helper()
	tries := 1
	if bug != "" {
		tries = 6
	}
	for range tries {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		command := exec.CommandContext(ctx, bin, append([]string{"-test.run=^" + g.test + "$", "-test.timeout=150s"}, g.flags...)...)
		command.Dir, command.Env = g.dir, environment("SEATWRIGHT_MUTANT="+bug)
		out, err := command.CombinedOutput()
		cancel()
		if output = string(out); err != nil && (strings.Contains(output, "--- FAIL: "+g.test) || bug == "") {
			return output, true
		}
	}
	return output, false
}

// environment is ours without what makes a guard long, with one variable more.
func environment(more string) []string {
	var all []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "SEATWRIGHT_FAULTS") && !strings.HasPrefix(variable, "SEATWRIGHT_SEED=") {
			all = append(all, variable)
		}
	}
	return append(all, more)
}

// Promise: every bug that can be planted has a guard.
func TestEveryPlantedBugHasAGuard(t *testing.T) {
	t.Parallel()
	guarded := ""
	for _, g := range guards() {
		guarded += strings.Join(g.bugs, " ") + " "
	}
	for _, dir := range []string{"../crashtest", "../nodetest"} {
		tests, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range tests {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			guarded += string(text)
		}
	}
	source, err := os.ReadFile("planted.go")
	if err != nil {
		t.Fatal(err)
	}
	bugs := regexp.MustCompile(`(?m)^\t(\w+)\s+= "([a-z-]+)"\s+//`).FindAllStringSubmatch(string(source), -1)
	if len(bugs) < 20 {
		t.Errorf("%d bugs can be planted, want at least 20", len(bugs))
	}
	for _, bug := range bugs {
		if strings.HasPrefix(bug[1], "Step") {
			continue
		}
		if !strings.Contains(guarded, bug[2]) && !strings.Contains(guarded, "planted."+bug[1]) {
			t.Errorf("nothing guards against %s", bug[2])
		}
	}
}
