package nodetest

import (
	"os"
	"os/exec"
	"testing"
)

// verify runs seatwright verify, as an operator would.
func verify(t *testing.T, bin, database string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), bin, "verify", "--database-url", database)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}
