package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ran is what one command line left behind.
type ran struct {
	code           int
	stdout, stderr string
}

func runCommand(t *testing.T, environment map[string]string, stdin string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), args, func(name string) string { return environment[name] }, strings.NewReader(stdin), &stdout, &stderr)
	return ran{code, stdout.String(), stderr.String()}
}

// farSide answers every request alike: what a server may say is not ours to limit.
func farSide(t *testing.T, status int, body string) (environment map[string]string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return map[string]string{"SEATWRIGHT_SERVER": server.URL, "SEATWRIGHT_TOKEN": "token"}
}

// Promise: scripts can tell by the exit code whose turn it is.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	const lot = `{"id":"l","code":"ATTUNU","quantity":5,"start":"2030-01-01T00:00:00Z","end":"2031-01-01T00:00:00Z","graceSeconds":0,"order":"","createdAt":"2030-01-01T00:00:00Z"}`
	lots := []string{"lots", "create", "--org", "songs", "--code", "ATTUNU", "--quantity", "5"}
	for _, c := range []struct {
		name        string
		args        []string
		environment map[string]string
		code        int
		stderr      string
	}{
		{"done", lots, farSide(t, 201, lot), exitDone, ""},
		{"refused", lots, farSide(t, 409, `{"code":"duplicate","detail":"there is one already","traceId":"r-1"}`), exitRefused, "there is one already (request r-1)"},
		{"wrong token", lots, farSide(t, 401, `{"code":"invalid_token","detail":"expired"}`), exitRefused, "expired"},
		{"server's fault", lots, farSide(t, 500, `{"code":"internal","detail":"an internal error occurred","traceId":"r-2"}`), exitFailed, "r-2"},
		{"no program", []string{"lot"}, nil, exitUsage, "unknown command"},
		{"no subcommand", []string{"lots"}, nil, exitUsage, "needs a subcommand: change, create"},
		{"unknown subcommand", []string{"lots", "make"}, nil, exitUsage, "make"},
		{"unknown flag", append(lots, "--color"), nil, exitUsage, "--color"},
		{"missing flag", []string{"lots", "create", "--org", "songs"}, nil, exitUsage, "code"},
		{"missing argument", []string{"orgs", "create"}, nil, exitUsage, "arg"},
		{"malformed time", append(lots, "--end", "tomorrow"), nil, exitUsage, "--end"},
		{"malformed grace", append(lots, "--grace", "1h0.5s"), nil, exitUsage, "--grace"},
		{"no server", lots, nil, exitUsage, "SEATWRIGHT_SERVER"},
		{"malformed server", append(lots, "--server", "licenses"), map[string]string{"SEATWRIGHT_TOKEN": "t"}, exitUsage, "URL"},
		{"two databases", []string{"serve", "--data", "d", "--print-config"}, map[string]string{"SEATWRIGHT_DATABASE_URL": "postgres://db"}, exitUsage, "both"},
		{"not a database URL", []string{"serve", "--database-url", "mysql://seatwright:opensesame@db"}, nil, exitUsage, "postgres://"},
		{"a limit below zero", []string{"serve", "--requests-per-second", "-1", "--print-config"}, nil, exitUsage, "SEATWRIGHT_REQUESTS_PER_SECOND"},
		{"a lock without a length", []string{"serve", "--print-config"}, map[string]string{"SEATWRIGHT_LOCK_SECONDS": "0"}, exitUsage, "a lock lasts"},
		{"a lock that never begins", []string{"serve", "--print-config", "--lock-seconds", "0", "--lock-after-failures", "0"}, nil, exitDone, ""},
		{"nobody", append(lots, "--server", "http://x"), nil, exitUsage, "SEATWRIGHT_USER"},
		{"no password", append(lots, "--server", "http://x", "--user", "admin"), nil, exitUsage, "--password-file"},
		{"no password file", append(lots, "--server", "http://x", "--user", "admin", "--password-file", "/does/not/exist"), nil, exitUsage, "/does/not/exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := runCommand(t, c.environment, "", c.args...)
			if got.code != c.code || !strings.Contains(got.stderr, c.stderr) || c.code != exitDone && got.stdout != "" {
				t.Errorf("code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
			}
		})
	}
}

// Promise: what a server says cannot act on the terminal of the person who asked.
func TestWhatTheServerSaysIsHarmless(t *testing.T) {
	t.Parallel()
	const hostile = `{"id":"u","userName":"a\u001b[2Jb\nc\u202ed\u009bx","email":"","firstName":"","lastName":"","displayName":"","externalId":"","role":"member","createdAt":"2030-01-01T00:00:00Z"}`
	environment := farSide(t, 201, hostile)
	table := runCommand(t, environment, "", "users", "create", "--org", "songs")
	if table.code != exitDone || !strings.Contains(table.stdout, "a[2Jb cdx") {
		t.Errorf("code %d, stdout %q", table.code, table.stdout)
	}
	asJSON := runCommand(t, environment, "", "users", "create", "--org", "songs", "--json")
	if strings.ContainsAny(asJSON.stdout, "\x1b\u202e\u009b") {
		t.Errorf("stdout %q", asJSON.stdout)
	}
	var user struct{ UserName string }
	if err := json.Unmarshal([]byte(asJSON.stdout), &user); err != nil || user.UserName != "a\x1b[2Jb\nc\u202ed\u009bx" {
		t.Errorf("a program reads %q (%v)", user.UserName, err)
	}
	refused := runCommand(t, farSide(t, 409, `{"code":"duplicate","detail":"x\u001b]0;y\u0007\nroot# "}`), "", "orgs", "create", "songs")
	if strings.ContainsAny(refused.stderr, "\x1b\x07") || strings.Count(refused.stderr, "\n") != 1 {
		t.Errorf("stderr %q", refused.stderr)
	}
}

// Promise: a host administrator can set up an organization from the command line, on the server as it is.
func TestSetsUpAnOrganization(t *testing.T) {
	t.Parallel()
	keyFile, issuers := vendor(t, "vendor")
	sign := runCommand(t, nil, `[{"code":"ATTUNU","quantity":5,"start":"2026-01-01T00:00:00Z","end":"2099-01-01T00:00:00Z"},{"code":"IDU","quantity":1,"start":"2026-01-01T00:00:00Z","end":"2099-01-01T00:00:00Z"}]`,
		"license-file", "make", "--key", keyFile, "--account", "song-one", "--id", "file-1", "--lots", "-")
	if sign.code != exitDone {
		t.Fatalf("license-file make: %+v", sign)
	}
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	stopped := make(chan int)
	data := t.TempDir()
	go func() {
		var logs bytes.Buffer
		code := Run(ctx, []string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--license-issuers", issuers}, func(string) string { return "" }, strings.NewReader(""), in, &logs)
		in.Close()
		stopped <- code
	}()
	lines := bufio.NewScanner(out)
	said := func(prefix string) string {
		if !lines.Scan() {
			t.Fatalf("the server did not say %q", prefix)
		}
		rest, ok := strings.CutPrefix(lines.Text(), prefix)
		if !ok {
			t.Fatalf("the server said %q, want %q", lines.Text(), prefix)
		}
		return rest
	}
	environment := map[string]string{"SEATWRIGHT_SERVER": said("listening on "), "SEATWRIGHT_USER": "admin"}
	password := said("first administrator: user admin, password ")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\r\nsecond line\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	org := runCommand(t, environment, "", "orgs", "create", "songs", "--id", "song-one", "--display-name", "Song One", "--tenant", "default", "--password-file", file)
	if org.code != exitDone || !strings.Contains(org.stdout, "song-one") || !strings.Contains(org.stdout, "default") {
		t.Fatalf("orgs create: %+v", org)
	}
	user := runCommand(t, environment, "correct horse battery staple\n", "users", "create", "--org", "songs", "--user-name", "maestro",
		"--role", "organization-administrator", "--password-file", "-", "--login-password-file", file, "--json")
	if user.code != exitDone || !strings.Contains(user.stdout, `"userName": "maestro"`) || strings.Contains(user.stdout, "battery") {
		t.Fatalf("users create: %+v", user)
	}
	environment["SEATWRIGHT_PASSWORD"] = password
	lot := runCommand(t, environment, "", "lots", "create", "--org", "song-one", "--code", "ATTUNU", "--quantity", "50",
		"--start", "2026-01-01", "--end", "2099-01-01T02:00:00+02:00", "--grace", "30d", "--order", "PO-4711")
	if lot.code != exitDone || !strings.Contains(lot.stdout, "2099-01-01T00:00:00Z") || !strings.Contains(lot.stdout, "720h0m0s") {
		t.Fatalf("lots create: %+v", lot)
	}
	for _, c := range []struct {
		args []string
		want string // in what is printed
	}{
		{nil, "refuse         false              replace          release   90             allow      60                  refuse     true"},
		{[]string{"--on-leave", "orphan", "--inactive-days", "30", "--on-shrink", "hold", "--external-licenses"}, "refuse         true               replace          orphan    30             hold       60                  refuse     true"},
		{[]string{"--external-licenses=false", "--json"}, `"externalLicenses": false`},
		{[]string{"--json"}, `"onLeave": "orphan"`},
	} {
		shown := runCommand(t, environment, "", append([]string{"orgs", "policies", "songs"}, c.args...)...)
		if shown.code != exitDone || !strings.Contains(shown.stdout, c.want) {
			t.Errorf("orgs policies %v: %+v", c.args, shown)
		}
	}
	never := runCommand(t, environment, "", "orgs", "policies", "songs", "--inactive-days", "0")
	if never.code != exitRefused || !strings.Contains(never.stderr, "1 to 3650 days") {
		t.Errorf("orgs policies: %+v", never)
	}
	environment["SEATWRIGHT_USER"], environment["SEATWRIGHT_TENANCY"], environment["SEATWRIGHT_PASSWORD"] = "maestro", "songs", "correct horse battery staple"
	forbidden := runCommand(t, environment, "", "orgs", "policies", "songs", "--external-licenses")
	if forbidden.code != exitRefused || !strings.Contains(forbidden.stderr, "host administrator") {
		t.Errorf("external licenses by an administrator: %+v", forbidden)
	}
	environment["SEATWRIGHT_USER"], environment["SEATWRIGHT_TENANCY"], environment["SEATWRIGHT_PASSWORD"] = "admin", "host", password
	id := strings.Fields(strings.Split(lot.stdout, "\n")[1])[0]
	license := filepath.Join(t.TempDir(), "license")
	if err := os.WriteFile(license, []byte(sign.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args     []string
		code     int
		contains string
	}{
		{[]string{"import", license, "--org", "songs"}, exitDone, "file-1:1 file-1:2"},
		{[]string{"import", license, "--org", "songs", "--json"}, exitDone, `"issuer": "vendor"`},
		{[]string{"import", license, "--org", "host"}, exitRefused, "foreign_license_file"},
		{[]string{"import", keyFile, "--org", "songs"}, exitRefused, "malformed_license_file"},
		{[]string{"import", "/does/not/exist", "--org", "songs"}, exitUsage, "/does/not/exist"},
		{[]string{"list", "--org", "songs", "--code", "IDU"}, exitDone, "file-1:2"},
		{[]string{"remove", "file-1:1", "--org", "songs"}, exitDone, ""},
		{[]string{"remove", "file-1:2", "--org", "songs"}, exitDone, ""},
		{[]string{"list", "--org", "songs"}, exitDone, "active"},
		{[]string{"list", "--org", "songs", "--code", "IDU", "--json"}, exitDone, "[]"},
		{[]string{"list", "--org", "host"}, exitDone, ""},
		{[]string{"change", id, "--org", "songs", "--quantity", "60", "--end", "2100-01-01", "--grace", "0d"}, exitDone, "60        2026-01-01T00:00:00Z  2100-01-01T00:00:00Z  0s     active"},
		{[]string{"change", id, "--org", "songs", "--end", "2026-01-02", "--json"}, exitDone, `"state": "expired"`},
		{[]string{"change", id, "--org", "songs"}, exitUsage, "at least one"},
		{[]string{"change", id, "--org", "songs", "--end", ""}, exitUsage, "--end is empty"},
		{[]string{"change", id, "--org", "songs", "--quantity", "0"}, exitRefused, "quantity"},
		{[]string{"remove", id, "--org", "songs"}, exitDone, "PO-4711"},
		{[]string{"remove", id, "--org", "songs"}, exitRefused, "not_found"},
	} {
		if got := runCommand(t, environment, "", append([]string{"lots"}, c.args...)...); got.code != c.code || !strings.Contains(got.stdout+got.stderr, c.contains) {
			t.Errorf("lots %q: %+v", c.args, got)
		}
	}
	twin := runCommand(t, environment, "", "orgs", "create", "SONGS")
	if twin.code != exitRefused || !strings.Contains(twin.stderr, "duplicate") {
		t.Errorf("a second organization of the name: %+v", twin)
	}
	environment["SEATWRIGHT_PASSWORD"] = "wrong"
	stranger := runCommand(t, environment, "", "orgs", "create", "other")
	if stranger.code != exitRefused || !strings.Contains(stranger.stderr, "invalid_credentials") {
		t.Errorf("wrong password: %+v", stranger)
	}

	stop()
	if code := <-stopped; code != exitDone {
		t.Errorf("the server ended with %d", code)
	}
}

// Promise: the password of a database is not shown, neither by --print-config nor by --help nor in an error.
func TestDatabasePasswordsAreNotShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url  string
		code int
		args []string
	}{
		{"postgres://seatwright:opensesame@db/licenses?sslmode=require", exitDone, []string{"serve", "--print-config"}},
		{"postgres://seatwright:opensesame@db/licenses", exitDone, []string{"serve", "--help"}},
		{"postgres://seatwright:opensesame@db:port/licenses", exitUsage, []string{"serve"}},
		{"postgres://seatwright@db/licenses?password=opensesame", exitUsage, []string{"serve"}},
		{"postgres://seatwright:open%sesame@db/licenses", exitUsage, []string{"serve"}},
		{"postgres://seatwright:open@sesame@127.0.0.1:1/licenses", exitUsage, []string{"serve"}},
		{"host=db password=opensesame", exitUsage, []string{"serve"}},
	} {
		got := runCommand(t, map[string]string{"SEATWRIGHT_DATABASE_URL": c.url}, "", c.args...)
		flag := runCommand(t, nil, "", append(c.args, "--database-url", c.url)...)
		for _, got := range []ran{got, flag} {
			if got.code != c.code || strings.Contains(got.stdout+got.stderr, "sesame") {
				t.Errorf("%s %v: code %d, stdout %q, stderr %q", c.url, c.args, got.code, got.stdout, got.stderr)
			}
		}
		if c.args[len(c.args)-1] == "--print-config" && !strings.Contains(got.stdout, "SEATWRIGHT_DATABASE_URL=postgres://seatwright:xxxxx@db/licenses") {
			t.Errorf("the database is not shown: %s", got.stdout)
		}
	}
}

// vendor makes a key and returns the files of both halves.
func vendor(t *testing.T, name string) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	private, public = filepath.Join(dir, "vendor.jwk"), filepath.Join(dir, "issuers.json")
	made := runCommand(t, nil, "", "license-file", "keygen", "--name", name, "--key", private)
	if made.code != exitDone || strings.Contains(made.stdout, `"d"`) {
		t.Fatalf("license-file keygen: %+v", made)
	}
	if err := os.WriteFile(public, []byte(made.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return private, public
}

// Promise: a vendor can make license files and look at them without a server.
func TestMakesLicenseFiles(t *testing.T) {
	t.Parallel()
	key, issuers := vendor(t, "vendor")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key is a file of %v (%v)", info, err)
	}
	stranger, _ := vendor(t, "vendor")
	making := []string{"license-file", "make", "--key", key, "--account", "song-one", "--code", "ATTUNU", "--quantity", "5", "--start", "2026-01-01", "--grace", "1d", "--id", "file-1"}
	good := runCommand(t, nil, "", making...)
	forged := runCommand(t, nil, "", append(making, "--key", stranger)...)
	for _, c := range []struct {
		name, stdin string
		args        []string
		code        int
		contains    string
	}{
		{"shown", good.stdout, []string{"show", "-"}, exitDone, "file-1  vendor  song-one"},
		{"verified", good.stdout, []string{"show", "-", "--license-issuers", issuers, "--json"}, exitDone, `"graceSeconds": 86400`},
		{"a namesake's, shown", forged.stdout, []string{"show", "-"}, exitDone, "file-1"},
		{"a namesake's, verified", forged.stdout, []string{"show", "-", "--license-issuers", issuers}, exitRefused, "forged_license_file"},
		{"no file", "nothing", []string{"show", "-"}, exitRefused, "malformed_license_file"},
		{"issuers that are none", good.stdout, []string{"show", "-", "--license-issuers", key}, exitUsage, key},
		{"the key once more", "", []string{"keygen", "--name", "vendor", "--key", key}, exitUsage, "never written over"},
		{"a name that cannot be", "", []string{"keygen", "--name", "a b", "--key", key + "2"}, exitUsage, "issuer's name"},
		{"nothing to sign", "", []string{"make", "--key", key, "--account", "a"}, exitUsage, "--lots"},
		{"both", "[]", []string{"make", "--key", key, "--account", "a", "--lots", "-", "--code", "IDU"}, exitUsage, "--lots"},
		{"an empty list", "[]", []string{"make", "--key", key, "--account", "a", "--lots", "-"}, exitUsage, "0 purchases"},
		{"an unknown field", `[{"color":1}]`, []string{"make", "--key", key, "--account", "a", "--lots", "-"}, exitUsage, "color"},
		{"a public key", "", []string{"make", "--key", issuers, "--account", "a", "--code", "IDU", "--quantity", "1"}, exitUsage, "private"},
		{"no unit", "", []string{"make", "--key", key, "--account", "a", "--code", "IDU", "--quantity", "0"}, exitUsage, "1 to 1000000000 units"},
		{"no account", "", []string{"make", "--key", key, "--account", "", "--code", "IDU", "--quantity", "1"}, exitUsage, `"", is not the id of one`},
		{"an end before the start", `[{"code":"IDU","quantity":1,"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}]`,
			[]string{"make", "--key", key, "--account", "a", "--lots", "-"}, exitUsage, "purchase 1: the end must come after the start"},
		{"a malformed term", "", []string{"make", "--key", key, "--account", "a", "--code", "IDU", "--quantity", "1", "--valid-for", "ever"}, exitUsage, "--valid-for"},
	} {
		if got := runCommand(t, nil, c.stdin, append([]string{"license-file"}, c.args...)...); got.code != c.code || !strings.Contains(got.stdout+got.stderr, c.contains) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// Promise: a server does not start with issuers that it could not read: nobody's files would be believed, and nobody would know why.
func TestRefusesIssuersThatAreNone(t *testing.T) {
	t.Parallel()
	key, _ := vendor(t, "vendor")
	for _, file := range []string{key, "/does/not/exist"} {
		got := runCommand(t, nil, "", "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--license-issuers", file)
		if got.code == exitDone || !strings.Contains(got.stderr, file) {
			t.Errorf("%s: %+v", file, got)
		}
	}
}
