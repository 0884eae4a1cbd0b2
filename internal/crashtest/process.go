package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is where Build keeps programs, for as long as Main runs.
var built struct {
	mu  sync.Mutex
	dir string // empty: each test builds its own
}

// Main runs the tests of a package that starts servers, as its TestMain, and builds each program once. It returns the exit code.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "seatwright-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	built.dir = dir
	return m.Run()
}

// Build builds the real program, with build tags if any, and returns its path.
func Build(t testing.TB, tags string) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	dir := built.dir
	if dir == "" {
		dir = t.TempDir()
	}
	bin := filepath.Join(dir, "seatwright-"+tags)
	if _, err := os.Stat(bin); err == nil {
		return bin
	}
	command := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-tags", tags, "-o", bin, "github.com/seatwright/seatwright/cmd/seatwright")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// startTime is how long a server may take until it says where it listens.
const startTime = 30 * time.Second

// Program is a server that can be started again and again.
type Program struct {
	Bin  string
	Args []string // of the store: --data DIR, or --database-url URL; the rest is added
	Env  []string // more than PATH and HOME, which it gets anyway
}

// Process is one life of a server.
type Process struct {
	URL      string      // where it listens
	Password chan string // gets the password of the first administrator, where this life made one
	command  *exec.Cmd
	stderr   *tail
	output   sync.WaitGroup // the reading of standard output
	done     chan struct{}  // closed when the process has ended
	end      error          // how it ended, once done is closed
}

// Start starts the program and returns when it listens; or when it has ended before that, with what it said. The caller
// kills it.
func (p Program) Start() (*Process, error) {
	life := &Process{Password: make(chan string, 1), stderr: &tail{}, done: make(chan struct{})}
	life.command = exec.CommandContext(context.Background(), p.Bin, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "warn"}, p.Args...)...)
	// The whole load is one administrator's: no limit may slow it down.
	life.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "SEATWRIGHT_REQUESTS_PER_SECOND=0"}, p.Env...)
	life.command.Stderr = life.stderr
	life.command.SysProcAttr = endWithUs()
	// A pipe of our own, which Wait does not close under the reader.
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	life.command.Stdout = writer
	if err := life.command.Start(); err != nil {
		reader.Close()
		return nil, err
	}
	listening := make(chan struct{})
	life.output.Go(func() { life.read(reader, listening) })
	go func() {
		life.end = life.command.Wait()
		close(life.done)
	}()
	select {
	case <-listening:
		return life, nil
	case <-life.done:
		return nil, &StartError{Log: life.Log(), cause: life.end}
	case <-time.After(startTime):
		life.Kill()
		return nil, fmt.Errorf("the server does not listen after %s:\n%s", startTime, life.stderr)
	}
}

// StartError says that a server ended by itself before it listened, and what it wrote to its log.
type StartError struct {
	Log   string
	cause error
}

func (e *StartError) Error() string {
	return fmt.Sprintf("the server ended while it started (%v):\n%s", e.cause, e.Log)
}

func (e *StartError) Unwrap() error { return e.cause }

// read follows standard output to its end; listening is closed after the line that a start has to print.
func (p *Process) read(from io.ReadCloser, listening chan<- struct{}) {
	defer from.Close()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			p.URL = url
			close(listening)
			break
		}
	}
	for lines.Scan() {
		if password, ok := strings.CutPrefix(lines.Text(), "first administrator: user admin, password "); ok {
			p.Password <- password
		}
	}
}

// Kill ends the server as a power cut of the process would: nothing is flushed, nobody is told. It may have ended already.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // it may be dead already, which is all that is wanted
	<-p.done
	p.output.Wait()
}

// Stop ends the server in good order.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(startTime):
		p.Kill()
		return fmt.Errorf("the server does not stop within %s:\n%s", startTime, p.Log())
	}
	p.output.Wait()
	if code := p.ExitCode(); code != 0 {
		return fmt.Errorf("the server stopped with exit code %d:\n%s", code, p.Log())
	}
	return nil
}

// Signal sends a signal to the server.
func (p *Process) Signal(s os.Signal) error { return p.command.Process.Signal(s) }

// PID is the number of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Done is closed when the process has ended, by a kill or by itself.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode is the exit code of a process that has ended, -1 where a signal ended it.
func (p *Process) ExitCode() int {
	<-p.done
	return p.command.ProcessState.ExitCode()
}

// Log is the end of what the server wrote to standard error.
func (p *Process) Log() string { return p.stderr.String() }

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (b *tail) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const most = 8 << 10
	b.end = append(b.end, p...)
	if len(b.end) > most {
		b.end = bytes.Clone(b.end[len(b.end)-most:])
	}
	return len(p), nil
}

func (b *tail) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.end)
}
