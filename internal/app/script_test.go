package app_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// bash runs a script as a person would type it, in dir, and returns what it prints. Nothing of the surrounding environment
// reaches it but the search path.
func bash(t *testing.T, dir, script string) string {
	t.Helper()
	for _, needed := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Fatalf("%s is missing: install the package %s and try again", needed, needed)
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "-u", "-s")
	command.Dir, command.Stdin = dir, strings.NewReader(script)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "no_proxy=*"}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, output.String())
	}
	return output.String()
}
