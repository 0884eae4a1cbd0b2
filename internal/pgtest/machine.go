package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// ErrMissing means that PostgreSQL's server programs are not installed.
var ErrMissing = errors.New("PostgreSQL's server programs were not found on the PATH, by pg_config or in /usr/lib/postgresql: install the package postgresql")

// programs is the directory of PostgreSQL's programs, all of one version.
type programs string

func (p programs) path(name string) string { return filepath.Join(string(p), name) }

func findPrograms() (programs, error) {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		// Some link only a few of the programs into the PATH; all of them are where the links point to.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil { //nolint:noctx // answers at once
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	// Debian keeps the versions side by side and off the PATH. The newest first.
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	version := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // no number is no version, and comes last
		return n
	}
	slices.SortFunc(debian, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range append(dirs, debian...) {
		complete := !slices.ContainsFunc([]string{"initdb", "postgres", "pg_basebackup"}, func(name string) bool {
			_, err := exec.LookPath(filepath.Join(dir, name))
			return err != nil
		})
		if complete {
			return programs(dir), nil
		}
	}
	return "", ErrMissing
}

// account is the user that the server runs as. PostgreSQL refuses to run as root, so for root it is another one.
type account struct {
	credential *syscall.Credential // nil: the user that we are
}

func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			return account{}, err
		}
		gid, err := strconv.ParseUint(found.Gid, 10, 32)
		if err != nil {
			return account{}, err
		}
		return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")
}

// lead makes a command run as this account, in a directory that it may enter, and without the environment of whoever calls:
// a PGDATA or a locale of theirs would change what is tested. The terminal's signals are not for it.
func (a account) lead(command *exec.Cmd, dir string) {
	command.Dir = dir
	command.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + dir}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential, Setsid: true}
}

// makeDir makes a directory of this account's in the preferred place, or in the first other one that the account may enter:
// a directory for temporary files, or the clone, can be inside one that is closed to all but root.
func (a account) makeDir(preferred string) (string, error) {
	var errs []error
	for _, parent := range []string{preferred, os.TempDir(), "/tmp", "/var/tmp", "/dev/shm"} {
		if parent == "" {
			continue
		}
		dir, err := a.makeDirIn(parent)
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("no place for a cluster: %w", errors.Join(errs...))
}

func (a account) makeDirIn(parent string) (string, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, "seatwright-postgres-")
	if err != nil || a.credential == nil {
		return dir, err
	}
	if err := os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid)); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	// Asked of the system and not worked out from modes: every parent counts, and so do mounts and access lists.
	try := exec.Command("test", "-w", dir) //nolint:noctx // answers at once
	a.lead(try, "/")
	if err := try.Run(); err != nil {
		return "", errors.Join(fmt.Errorf("user %d may not write in %s: %w", a.credential.Uid, dir, err), os.Remove(dir))
	}
	return dir, nil
}

// writeFile writes a file that this account can read.
func (a account) writeFile(name, content string) error {
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil || a.credential == nil {
		return err
	}
	return os.Chown(name, int(a.credential.Uid), int(a.credential.Gid))
}

func appendFile(name, content string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Close())
}

// freePort returns a port of the loopback interface that nobody listens on. It keeps out of the range from which the system
// gives ports to outgoing connections: while a server is down, one of its own clients could get its port there.
func freePort(ctx context.Context) (int, error) {
	const first, last = 15000, 32000
	var err error
	for range 200 {
		port := first + rand.IntN(last-first)
		var listener net.Listener
		listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, err
}

// watchScript waits until the process that started it closes the pipe or dies, however that happens. Then it ends the
// server that is in the directory, if one is left, and removes the directory with everything that a killed server leaves.
// It leaves alone a process that has got the number of a server that is gone.
const watchScript = `
trap '' HUP INT QUIT TERM
read -r _
dir=$1
file=$dir/data/postmaster.pid
ours() {
	{ tr '\0' '\n' <"/proc/$pid/cmdline" || ps -o args= -p "$pid" | tr ' ' '\n'; } 2>/dev/null | grep -qxF -- "$dir/data"
}
tries=0
while [ -e "$dir" ] && [ "$tries" -lt 100 ]; do
	tries=$((tries + 1))
	if [ -r "$file" ]; then
		pid=$(sed -n 1p "$file")
		segment=$(sed -n '7s/.* //p' "$file")
		waited=0
		while ours; do
			if [ "$waited" -eq 0 ]; then kill -QUIT "$pid"; fi
			if [ "$waited" -eq 200 ]; then kill -KILL "$pid"; fi
			waited=$((waited + 1))
			sleep 0.05
		done
		if [ -n "$segment" ]; then ipcrm -m "$segment"; fi
	fi
	rm -rf -- "$dir" || sleep 0.1
done 2>/dev/null
! [ -e "$dir" ]
`

// watchdog is a process that survives this one, to clean up behind it.
type watchdog struct {
	release func() error // lets the watchdog clean up, and returns when it has; later calls return the same
}

func watch(dir string) (*watchdog, error) {
	command := exec.Command("sh", "-c", watchScript, "watchdog", dir) //nolint:noctx // it must survive us
	command.Dir = "/"
	command.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what kills a test run kills its process group
	pipe, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &watchdog{release: sync.OnceValue(func() error {
		pipe.Close()
		if err := command.Wait(); err != nil {
			return fmt.Errorf("%s could not be removed: %w", dir, err)
		}
		return nil
	})}, nil
}

// state is what a process does.
type state int

const (
	running state = iota
	stopped
	dead // also while nobody has asked for its exit code
)

func stateOf(pid int) state {
	stat, err := readStat(pid)
	if err != nil {
		return dead
	}
	switch stat.state {
	case "T", "t":
		return stopped
	case "Z", "X":
		return dead
	}
	return running
}

type stat struct {
	state  string
	parent int
}

// readStat reads /proc/pid/stat: number, (name), state, parent and more; the name may contain anything.
func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 {
		return stat{}, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	parent, err := strconv.Atoi(fields[1])
	return stat{state: fields[0], parent: parent}, err
}

// childrenOf lists the processes that a process has started and that still run.
func childrenOf(parent int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var children []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil && s.parent == parent && s.state != "Z" {
			children = append(children, pid)
		}
	}
	return children
}
