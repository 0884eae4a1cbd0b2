package crashtest

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// buildServer builds the real program, with build tags if any, and returns its path.
func buildServer(t *testing.T, tags string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "seatwright")
	command := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-tags", tags, "-o", bin, "../../cmd/seatwright")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// startTime is how long a server may take until it says where it listens.
const startTime = 30 * time.Second

// process is one life of the server.
type process struct {
	url      string      // where it listens
	password chan string // gets the password of the first administrator; only in the first life
	command  *exec.Cmd
	stderr   *tail
	output   sync.WaitGroup // the reading of standard output
}

// startServer starts the program on a data directory and returns when it listens. The caller kills it.
func startServer(t *testing.T, bin, data string, environment ...string) *process {
	t.Helper()
	p := &process{password: make(chan string, 1), stderr: &tail{}}
	p.command = exec.Command(bin, "serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "warn")
	p.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + data}, environment...)
	p.command.Stderr = p.stderr
	// A pipe of our own, which Wait does not close under the reader.
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.command.Stdout = writer
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	listening := make(chan struct{})
	gone := make(chan struct{})
	p.output.Go(func() {
		defer close(gone)
		p.read(reader, listening)
	})
	select {
	case <-listening:
	case <-gone:
		p.kill()
		t.Fatalf("the server ended while it started:\n%s", p.stderr)
	case <-time.After(startTime):
		p.kill()
		t.Fatalf("the server does not listen after %s:\n%s", startTime, p.stderr)
	}
	return p
}

// read follows standard output to its end; listening is closed after the lines that a start has to print.
func (p *process) read(from io.ReadCloser, listening chan<- struct{}) {
	defer from.Close()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			p.url = url
			close(listening)
			break
		}
	}
	for lines.Scan() {
		if password, ok := strings.CutPrefix(lines.Text(), "first administrator: user admin, password "); ok {
			p.password <- password
		}
	}
}

// kill ends the server as a power cut of the process would: nothing is flushed, nobody is told.
func (p *process) kill() {
	p.command.Process.Kill() // it may be dead already, which is all that is wanted
	p.command.Wait()         // says that it was killed
	p.output.Wait()
}

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
