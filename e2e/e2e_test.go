// Package e2e lets real OAuth and OpenID clients, installed by the names of their packages, sign in to a demonstration, as programs and
// as people with a browser, and allocate with the token that they get. It is a module of its own, so that what it needs is no dependency of the product. Start
// at TestClients: each client has one file. make e2e runs it.
package e2e

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Promise: clients that are in use get a token, for themselves and for people who sign in, and it is good for the guide's own call; a wrong secret is an error that they know.
func TestClients(t *testing.T) {
	d := serve(t)
	t.Run("go-oidc", func(t *testing.T) { goOIDC(t, d); goOIDCPeople(t, d) })
	for _, name := range []string{"openid-client", "oauth4webapi"} {
		t.Run(name, func(t *testing.T) {
			run(t, d, "node", "node", "--test", "--test-reporter=spec", name+".test.mjs")
		})
	}
	t.Run("requests-oauthlib", func(t *testing.T) {
		run(t, d, "python", "/usr/bin/python3", "-B", "requests_oauthlib_test.py", "-v") // the one that Debian's packages are for
	})
}

// Promise: whoever clones this gets the packages from their own registry.
func TestTheLockNamesNoRegistry(t *testing.T) {
	text, err := os.ReadFile("node/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"resolved"`) {
		t.Error(`package-lock.json says where a package was downloaded: write it in e2e/node, where .npmrc keeps npm from that`)
	}
}

// demo is a running demonstration: the names of its environment file with their values.
type demo map[string]string

// issuers are the addresses under which clients discover the server: an installation is an issuer, and so is each organization.
func (d demo) issuers() []string {
	return []string{d["BASE"] + "/identity_", d["BASE"] + "/" + d["ORG"] + "/identity_"}
}

// serve runs a fresh demonstration until the test ends.
func serve(t *testing.T) demo {
	t.Helper()
	program, err := filepath.Abs("../bin/seatwright")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "demo.env")
	command := exec.Command(program, "demo", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"), "--env-file", file)
	command.Env = []string{"HOME=" + dir}
	command.Stderr = t.Output()
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err, "(make e2e builds it)")
	}
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("the demonstration ended with %v", err)
		}
	})
	if line := bufio.NewScanner(out); !line.Scan() || !strings.HasPrefix(line.Text(), "listening on ") {
		t.Fatalf("the demonstration says %q", line.Text())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := demo{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		d[name] = strings.Trim(value, "'")
	}
	return d
}

// run runs a client of another language in its directory, with the names of the demonstration in its environment. What it prints
// is shown: the whole of it where it fails.
func run(t *testing.T, d demo, dir, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "OAUTHLIB_INSECURE_TRANSPORT=1") // on loopback
	for name, value := range d {
		command.Env = append(command.Env, name+"="+value)
	}
	output, err := command.CombinedOutput()
	t.Logf("%s", output)
	if err != nil {
		t.Error(err)
	}
}
