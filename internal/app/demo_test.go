package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/app"
)

// demonstration is the demo command as a process of its own.
type demonstration struct {
	command *exec.Cmd
	base    string
}

// demonstrate starts the command and returns when it says where it listens.
func demonstrate(t *testing.T, bin, dir string) *demonstration {
	t.Helper()
	command := exec.CommandContext(t.Context(), bin, "demo", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"), "--env-file", filepath.Join(dir, "demo.env"))
	command.Env = []string{"HOME=" + dir}
	command.Stderr = t.Output()
	out, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	lines := bufio.NewScanner(out)
	lines.Scan()
	base, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok {
		t.Fatalf("the demo says %q", lines.Text())
	}
	d := &demonstration{command, base}
	t.Cleanup(func() { d.end(t) })
	return d
}

// end stops the process as a person at a terminal would, and checks that it ends well.
func (d *demonstration) end(t *testing.T) {
	t.Helper()
	if d.command.ProcessState != nil {
		return
	}
	if err := d.command.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	if err := d.command.Wait(); err != nil && t.Context().Err() == nil {
		t.Errorf("the demo ended with %v", err)
	}
}

// environment reads demo.env as a shell reads it.
func environment(t *testing.T, dir string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for line := range strings.Lines(bash(t, dir, "set -a; env >before; . ./demo.env; env | grep -vxFf before")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		values[name] = value
	}
	return values
}

// Promise: a demonstration is there at once, from nothing; the second run on the same directory goes on with the first, with
// the same credentials; and while one runs no other process gets the directory.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bin := program(t, dir)
	begin := time.Now()
	first := demonstrate(t, bin, dir)
	response, err := http.Get(first.base + "/readyz")
	check(t, err)
	response.Body.Close()
	elapsed := time.Since(begin)
	t.Logf("the demo answered %s after its start", elapsed.Round(time.Millisecond))
	if response.StatusCode != 200 || elapsed > 10*time.Second {
		t.Errorf("status %d after %s", response.StatusCode, elapsed)
	}

	info, err := os.Stat(filepath.Join(dir, "demo.env"))
	check(t, err)
	want(t, "mode of the file with passwords", info.Mode().Perm(), os.FileMode(0o600))
	had := environment(t, dir)
	for _, name := range []string{
		"BASE", "ORG", "TENANT", "ACCOUNT_ID", "USER_IDS", "CODES", "FULL_CODE", "GROUP_ID", "GROUP_MEMBER_IDS", "MEMBER_USER", "MEMBER_PASSWORD",
		"TENANT_ID", "SERVICE_TYPE", "RUNTIME_CODE", "HOST_ID", "CLIENT_ID", "CLIENT_SECRET", "SCOPE", "ADMIN_USER", "ADMIN_PASSWORD",
		"HOST_USER", "HOST_PASSWORD", "OTHER_ORG", "OTHER_ACCOUNT_ID", "OTHER_USER_IDS", "OTHER_CLIENT_ID", "OTHER_CLIENT_SECRET", "BARE_ACCOUNT_ID",
		"BARE_CLIENT_ID", "BARE_CLIENT_SECRET",
	} {
		if had[name] == "" {
			t.Errorf("demo.env has no %s", name)
		}
	}
	want(t, "BASE", had["BASE"], first.base)
	users, codes := strings.Fields(had["USER_IDS"]), strings.Fields(had["CODES"])
	if !slices.Contains(users, "singer-77") || !slices.Contains(codes, "RPADEVNU") {
		t.Errorf("the guide's own ids are missing: %q, %q", users, codes)
	}
	body, err := json.Marshal(map[string]any{"userIds": users[:1], "userBundleCodes": codes[:1]})
	check(t, err)
	const give = `. ./demo.env
TOKEN=$(curl -s "$BASE/identity_/connect/token" -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -s -w '%{http_code}' -X METHOD "$BASE/lease_/api/account/$ACCOUNT_ID/user-license" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d 'BODY'`
	if output := bash(t, dir, strings.NewReplacer("METHOD", "PUT", "BODY", string(body)).Replace(give)); !strings.HasSuffix(output, "200") {
		t.Errorf("the first allocation: %s", output)
	}

	second := exec.CommandContext(t.Context(), bin, "demo", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
	said, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "another process has the data directory") {
		t.Errorf("a second process: %v, %s", err, said)
	}

	first.end(t)
	again := demonstrate(t, bin, dir)
	has := environment(t, dir)
	want(t, "BASE of the second run", has["BASE"], again.base)
	delete(had, "BASE")
	delete(has, "BASE")
	want(t, "names and credentials", has, had)
	output := bash(t, dir, strings.NewReplacer("METHOD", "POST", "BODY", `{"userIds":["`+users[0]+`"]}`).Replace(give))
	if !strings.HasSuffix(output, "200") || !strings.Contains(output, codes[0]) {
		t.Errorf("what was allocated in the first run: %s", output)
	}
}

// interrupted is a context that ends after its Done was asked for a number of times, so that work under it stops in the
// middle, at the same place every time.
type interrupted struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func (c *interrupted) Done() <-chan struct{} {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
	return c.Context.Done()
}

// Promise: a first run that is interrupted, wherever it is, is completed by the next one.
func TestAnInterruptedDemoIsCompleted(t *testing.T) {
	t.Parallel()
	const enough = 1 << 20
	dir := t.TempDir()
	steps := enough - loadInterrupted(t, dir, enough)
	whole := serve(t, dir)
	for _, left := range []int64{0, 1, steps / 3, steps / 2, steps - 2, steps - 1} {
		dir := t.TempDir()
		loadInterrupted(t, dir, left)
		w := serve(t, dir)
		for _, thing := range named(t, whole) {
			if !slices.Contains(named(t, w), thing) {
				t.Errorf("interrupted after %d of %d steps, the demonstration is never given %q", left, steps, thing)
			}
		}
		if t.Failed() {
			return
		}
		for _, c := range []app.Credentials{w.demo.Acme, w.demo.Globex, w.demo.Initech} {
			w.token(t, c, "")
		}
		w.login(t, "acme", w.demo.Administrator, w.demo.AdministratorPassword)
		w.login(t, "host", w.demo.Host, w.demo.HostPassword)
		w.stop(t)
	}
}

// loadInterrupted loads the demonstration with a context that ends after some steps and returns how many were left.
func loadInterrupted(t *testing.T, dir string, steps int64) (left int64) {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Listen: "127.0.0.1:0", Data: dir, LogLevel: "error"}, t.Output(), true)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cut := &interrupted{Context: ctx, cancel: cancel}
	cut.left.Store(steps)
	if _, err = a.LoadDemo(cut, dir); err == nil && cut.left.Load() < 0 {
		t.Logf("the interruption after %d steps came too late", steps)
	}
	check(t, a.Close())
	return cut.left.Load()
}

// named is what the demonstration has and holds, and who and what there is, without the ids that differ from run to run.
func named(t *testing.T, w *world) (things []string) {
	t.Helper()
	acme, globex, initech := w.demo.Acme.Organization, w.demo.Globex.Organization, w.demo.Initech.Organization
	hide := strings.NewReplacer(string(acme), "acme", string(globex), "globex", string(initech), "initech")
	for line := range strings.Lines(hide.Replace(w.state(t, acme, globex, initech))) {
		things = append(things, strings.TrimSpace(line))
	}
	for name, id := range map[string]seatwright.OrganizationID{"acme": acme, "globex": globex, "initech": initech} {
		for _, happened := range said(w.events(t, id, 0)) {
			things = append(things, name+": "+hide.Replace(happened))
		}
	}
	return things
}

// Promise: the data of a real server is never mixed with a demonstration's, which nothing could take out again.
func TestDemoRefusesTheDirectoryOfARealServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *app.App {
		a, err := app.Open(t.Context(), app.Config{Listen: "127.0.0.1:0", Data: dir, LogLevel: "error"}, t.Output(), true)
		check(t, err)
		return a
	}
	first := open()
	check(t, first.EnsureFirstAdministrator(t.Context(), func(string, string) error { return nil }))
	check(t, first.Close())
	a := open()
	defer func() { check(t, a.Close()) }()
	other := t.TempDir() // has the credentials of another demonstration
	serve(t, other).stop(t)
	for _, credentials := range []string{dir, other} {
		if _, err := a.LoadDemo(t.Context(), credentials); err == nil || !strings.Contains(err.Error(), "not this demonstration's") {
			t.Errorf("LoadDemo = %v, want a refusal", err)
		}
	}
	if _, err := a.Directory.Organization(t.Context(), "acme"); err == nil {
		t.Error("the demonstration was begun")
	}
}

func TestAnEmptyAddressIsRefused(t *testing.T) {
	t.Parallel()
	if a, err := app.Open(t.Context(), app.Config{Data: t.TempDir(), LogLevel: "error"}, t.Output(), true); err == nil {
		t.Errorf("a server without an address listens on %s", a.Address())
		check(t, a.Close())
	}
}

// Promise: a demonstration that somebody has worked on starts again as they have left it.
func TestADemoStaysAsItWasLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := serve(t, dir)
	w.tokens["script"] = w.token(t, w.demo.Acme, "")
	const path = "/acme/lease_/api/account/acme/user-license"
	for _, c := range []call{
		{as: "script", method: "DELETE", path: path, body: `{"userIds":["tester-1"]}`},
		{as: "script", method: "PUT", path: path, body: `{"userIds":["dancer-1"],"userBundleCodes":["ATTUNU"]}`},
		{as: "script", method: "DELETE", path: path + "/group/group-01"},
		{as: "script", method: "DELETE", path: "/lrm/api/account/acme/service-license/tenant-01/orchestrator"},
	} {
		if got := w.do(t, c); got.status != 200 {
			t.Fatalf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
	}
	left := w.state(t, w.demo.Acme.Organization, seatwright.HostID)
	w.stop(t)
	again := serve(t, dir)
	want(t, "what is left", again.state(t, again.demo.Acme.Organization, seatwright.HostID), left)
}

// Promise: a demonstration of a program that knew no rules, purchases that end or tenants' services is given them.
func TestAnOlderDemoIsCompleted(t *testing.T) {
	t.Parallel()
	whole := serve(t, t.TempDir())
	dir := t.TempDir()
	check(t, whole.demo.Save(dir)) // says that there are licenses already, so that none are made
	old := serve(t, dir)
	if left := old.state(t, seatwright.HostID); left == whole.state(t, seatwright.HostID) {
		t.Fatalf("the older demonstration has all of it: %s", left)
	}
	old.stop(t)
	older := old.demo
	older.MemberPassword, older.Licenses = "", false
	check(t, older.Save(dir))
	again := serve(t, dir)
	for _, thing := range named(t, whole) {
		if !slices.Contains(named(t, again), thing) {
			t.Errorf("the demonstration is never given %q", thing)
		}
	}
	again.login(t, "acme", "dancer-1", again.demo.MemberPassword)
}
