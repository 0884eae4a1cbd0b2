// Package faults is what the tests of the fault programme share: how much of each is to be done, where its random choices
// come from, and the table of what was done. The tests themselves stand in the packages that they break, and their names
// begin with the number of the programme: TestR2…, TestP5…
package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Count is how often a test does its thing: short in make test, full in make faults, torture in make torture. The
// environment variable SEATWRIGHT_FAULTS says which.
func Count(t testing.TB, short, full, torture int) int {
	t.Helper()
	switch scale := os.Getenv("SEATWRIGHT_FAULTS"); scale {
	case "":
		return short
	case "full":
		return full
	case "torture":
		return torture
	default:
		t.Fatalf("SEATWRIGHT_FAULTS is %q: use full or torture, or leave it empty", scale)
		return 0
	}
}

// Seed returns the number that all random choices of a test come from, and prints it. SEATWRIGHT_SEED takes it back.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(rand.Uint32())
	if text := os.Getenv("SEATWRIGHT_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SEATWRIGHT_SEED: %v", err)
		}
	}
	t.Logf("seed %d (repeat its choices with SEATWRIGHT_SEED=%d)", seed, seed)
	return seed
}

// Random is a stream of random choices; streams of one seed with different numbers are independent.
func Random(seed uint64, stream int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(stream))) }

// Report writes one line of the table that make faults prints at its end: the number of the programme, and what was done
// and found.
func Report(t testing.TB, id, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf("%-4s %s", id, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
	t.Log(line)
	name := os.Getenv("SEATWRIGHT_FAULTS_REPORT")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(line + "\n")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// Missing skips a test for want of something that this machine does not have. In CI that is a failure.
func Missing(t testing.TB, id, what string) {
	t.Helper()
	Report(t, id, "NOT RUN: %s", what)
	if os.Getenv("CI") != "" {
		t.Fatalf("%s cannot run in CI: %s", id, what)
	}
	t.Skipf("1 test of %s not run: %s", id, what)
}
