package cli

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// demonstration serves demonstration data from a directory until the test ends.
func demonstration(t *testing.T, c app.Config) {
	t.Helper()
	c.Listen, c.LogLevel = "127.0.0.1:0", "error"
	server, err := app.Open(t.Context(), c, t.Output(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := server.LoadDemo(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
}

const sound = "nothing differs: 4 organizations, "

// Promise: an operator backs up while the server runs, restores elsewhere, also into the other kind of database and back, and
// verifies all of it; and hears of everything that is wrong.
func TestBackupRestoreVerifyMigrate(t *testing.T) {
	t.Parallel()
	served, dir := filepath.Join(t.TempDir(), "served"), t.TempDir()
	demonstration(t, app.Config{Data: served})
	backup, restored, again := filepath.Join(dir, "backup.gz"), filepath.Join(dir, "restored"), filepath.Join(dir, "again.gz")
	postgres, device := pgtest.Database(t), filepath.Join(dir, "device")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args   []string
		code   int
		stdout string // part of it
		stderr string
	}{
		{[]string{"verify", "--data", served}, exitDone, sound, ""},
		{[]string{"backup", "--data", served, "--output", backup}, exitDone, "rows to " + backup, ""},
		{[]string{"verify", "--input", backup}, exitDone, sound, ""},
		{[]string{"migrate", "--data", served, "--status"}, exitDone, "at least may use it", ""},
		{[]string{"migrate", "--data", served}, exitFailed, "", "another process has the data directory"},
		{[]string{"restore", "--data", served, "--input", backup}, exitFailed, "", "another process has the data directory"},

		{[]string{"restore", "--data", restored, "--input", backup}, exitDone, sound, ""},
		{[]string{"restore", "--data", restored, "--input", backup}, exitFailed, "", "the database is not empty"},
		{[]string{"migrate", "--data", restored}, exitDone, "nothing to do: the database has schema ", ""},
		{[]string{"restore", "--database-url", postgres, "--input", backup}, exitDone, sound, ""},
		{[]string{"verify", "--database-url", postgres}, exitDone, sound, ""},
		{[]string{"backup", "--database-url", postgres, "--output", again}, exitDone, "rows to " + again, ""},
		{[]string{"restore", "--data", filepath.Join(dir, "back"), "--input", again}, exitDone, sound, ""},

		{[]string{"migrate", "--data", filepath.Join(dir, "new")}, exitDone, "migrated from schema 0 to ", ""},
		{[]string{"verify", "--data", filepath.Join(dir, "missing")}, exitFailed, "", "there is no database in"},
		{[]string{"backup", "--data", filepath.Join(dir, "missing"), "--output", filepath.Join(dir, "none")}, exitFailed, "", "there is no database in"},
		{[]string{"backup", "--data", served, "--output", filepath.Join(dir, "no", "such", "place")}, exitFailed, "", "no such file"},
		{[]string{"backup", "--data", served, "--output", device}, exitFailed, "", "is not an ordinary file"},
		{[]string{"restore", "--data", filepath.Join(dir, "untouched"), "--input", filepath.Join(dir, "no-file")}, exitFailed, "", "no such file"},
		{[]string{"restore", "--data", filepath.Join(dir, "untouched"), "--input", filepath.Join(served, "seatwright.db")}, exitFailed, "", "this is not a backup"},
		{[]string{"verify", "--database-url", "postgres://nobody:opensesame@127.0.0.1:1/none"}, exitFailed, "", "refused 127.0.0.1:1"}, // the error has several lines
		{[]string{"backup"}, exitUsage, "", "output"},
		{[]string{"restore"}, exitUsage, "", "input"},
		{[]string{"verify", "--data", "x", "--database-url", "postgres://y"}, exitUsage, "", "both"},
		{[]string{"verify", "--data", "x", "--input", backup}, exitUsage, "", "both a backup and a database"},
		{[]string{"restore", "--database-url", "", "--input", backup}, exitUsage, "", "it is empty: an unset variable?"},
	} {
		got := runCommand(t, nil, "", step.args...)
		if got.code != step.code || !strings.Contains(got.stdout, step.stdout) || !strings.Contains(got.stderr, step.stderr) || strings.Contains(got.stderr, "opensesame") {
			t.Errorf("%v: code %d, stdout %q, stderr %q", step.args, got.code, got.stdout, got.stderr)
		}
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v (%v), want mode 0600", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".backup-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "untouched")); err == nil {
		t.Error("a refused restore made a directory")
	}

	piped := runCommand(t, nil, "", "backup", "--data", served, "--output", "-")
	through := runCommand(t, nil, piped.stdout, "restore", "--data", filepath.Join(dir, "piped"), "--input", "-")
	if piped.code != exitDone || through.code != exitDone || !strings.Contains(through.stdout, sound) {
		t.Errorf("through a pipe: %d, then %+v", piped.code, through)
	}
	cut := runCommand(t, nil, piped.stdout[:len(piped.stdout)/2], "restore", "--data", filepath.Join(dir, "cut"), "--input", "-")
	if cut.code != exitFailed || !strings.Contains(cut.stderr, "damaged or incomplete") {
		t.Errorf("half a backup: %+v", cut)
	}
	if whole := runCommand(t, nil, piped.stdout, "restore", "--data", filepath.Join(dir, "cut"), "--input", "-"); whole.code != exitDone {
		t.Errorf("a whole backup after half of one: %+v", whole)
	}
}

// Promise: verify and restore say what differs, in words, and scripts can tell by the exit code.
func TestVerifyTellsWhatDiffers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demonstration(t, app.Config{Data: dir})
	db, err := sql.Open("sqlite", filepath.Join(dir, "seatwright.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `DELETE FROM holdings WHERE code > '' AND user_number = (SELECT number FROM users WHERE id = 'analyst-3')`); err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?s)^organization \S+: seats of user analyst-3: stored are none, by the events \[PMBU\]\n` +
		`organization \S+: pool PMBU: its seats and services have 9 units, by the events 10 are used\n$`)
	got := runCommand(t, map[string]string{"SEATWRIGHT_DATA": dir}, "", "verify")
	if got.code != exitFailed || !said.MatchString(got.stdout) || !strings.Contains(got.stderr, "2 differences in 4 organizations") {
		t.Errorf("code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
	}
	backup, restored := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	if got := runCommand(t, nil, "", "backup", "--data", dir, "--output", backup); got.code != exitDone {
		t.Fatalf("backup: %+v", got)
	}
	got = runCommand(t, nil, "", "restore", "--data", restored, "--input", backup)
	if got.code != exitFailed || !strings.Contains(got.stdout, "restored the backup of 20") || !strings.Contains(got.stderr, "2 differences") {
		t.Errorf("restore: code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
	}
}
