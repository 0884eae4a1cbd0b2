package nodetest

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seatwright/seatwright/internal/pgtest"
)

// Promise: the steps of docs/operations.md for two nodes and a standby, fail-over included, do what the document shows, run
// as they stand by the user whom it says.
func TestOperationsDocumentTwoNodesAndAStandby(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n### Two nodes and a standby, step by step\n")
	part, _, ends := strings.Cut(part, "\n## ")
	if !found || !ends {
		t.Fatal("the section is not there")
	}
	blocks := regexp.MustCompile("(?s)```(sh|text)\n(.*?)```").FindAllStringSubmatch(part, -1)
	if len(blocks) < 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	dir, lead := pgtest.Operator(t)
	copyFile(t, filepath.Join(dir, "seatwright"), program(t, ""))
	// Where the numbers stand in the document, ours; everything else is as it is written. What was started ends with the shell.
	script := "set -euo pipefail\nexport PATH=" + dir + ":$PATH\n"
	end := "\nfor pid in $(jobs -p); do kill -9 $pid; done; wait || true\npg_ctl stop --mode immediate --pgdata standby > /dev/null\n"
	want := ""
	for _, b := range blocks {
		if b[1] == "text" {
			want += b[2]
		} else {
			script += b[2]
		}
	}
	for _, port := range []string{"5432", "5433", "8081", "8082"} {
		script = strings.ReplaceAll(script, "="+port, "="+strconv.Itoa(pgtest.FreePort(t)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-c", script+end)
	lead(command)
	var printed, said strings.Builder
	command.Stdout, command.Stderr = &printed, &said
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 10 * time.Second
	err = command.Run()
	syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, printed.String(), said.String())
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.Join(strings.Fields(want), " ")), "…", ".*")
	if got := strings.Join(strings.Fields(printed.String()), " "); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
		t.Errorf("it prints\n%s\nand the document shows\n%s\n%s", printed.String(), want, said.String())
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(target, source)
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
