package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a running seatwright, or this program's bare server.
type server struct {
	command *exec.Cmd
	base    string
	start   time.Duration // from the start of the process to its first answer
}

// startServer starts a program that says where it listens, and returns when it has answered a question.
func startServer(ctx context.Context, environment []string, program string, args ...string) (*server, error) {
	command := exec.Command(program, args...) //nolint:noctx // it is told to end, not killed
	command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environment...)
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	s := &server{command: command}
	lines := bufio.NewScanner(stdout)
	for s.base == "" && lines.Scan() {
		s.base, _ = strings.CutPrefix(lines.Text(), "listening on ")
	}
	go io.Copy(io.Discard, stdout) //nolint:errcheck // it has nothing more to say
	if s.base == "" {
		return nil, errors.Join(errors.New("the server has not started"), command.Wait())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/readyz", http.NoBody)
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	response, err := http.DefaultClient.Do(request) // the listener is there already: the answer comes when the server is ready
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.start = time.Since(begin)
	return s, response.Body.Close()
}

// stop ends the server in order.
func (s *server) stop() error {
	http.DefaultClient.CloseIdleConnections()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.command.Wait()
}

func (s *server) pid() int { return s.command.Process.Pid }

// memory reads a line of /proc/PID/status, such as VmRSS or VmHWM, in bytes.
func memory(pid int, line string) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for row := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(row, line+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, line)
}

// usedCPU is how long each of some processes has run until now, by what they call themselves. Processes that have ended are
// forgotten with their time.
func usedCPU(pids []int) map[int]time.Duration {
	used := map[int]time.Duration{}
	for _, pid := range pids {
		threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "schedstat"))
		if err != nil {
			continue
		}
		for _, thread := range threads {
			text, err := os.ReadFile(thread)
			if err != nil {
				continue
			}
			first, _, _ := strings.Cut(string(text), " ")
			nanoseconds, err := strconv.ParseInt(first, 10, 64)
			if err == nil {
				used[pid] += time.Duration(nanoseconds)
			}
		}
	}
	return used
}

// sumCPU is what processes have used since before, which may lack some that have begun since.
func sumCPU(before, after map[int]time.Duration) (sum time.Duration) {
	for pid, used := range after {
		sum += used - before[pid]
	}
	return sum
}

// busy is how long all processors of the machine have worked until now, whoever for; 0 where the system does not tell.
func busy() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal, in hundredths of a second
	if len(fields) < 9 {
		return 0
	}
	var ticks int64
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		if i != 3 && i != 4 {
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// jobOf says what a process of PostgreSQL does: it writes that into its command line.
func jobOf(pid int) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return "gone"
	}
	title := strings.TrimRight(string(text), "\x00 ")
	title, ok := strings.CutPrefix(title, "postgres: ")
	if !ok {
		return "first process"
	}
	if strings.Contains(title, "127.0.0.1") {
		return "backends"
	}
	return title
}
