// Package pgtest starts private PostgreSQL clusters for tests and for the benchmark: on a free loopback port, in a directory
// of their own, with full durability, and with ways to break them. A cluster never outlives the process that started it,
// however that ends, and neither does its directory. What is kept in a cluster is not its business. Start at Database, which
// is all that an ordinary test needs, or at Start.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long any single step may take: a start, a promotion, the copy for a standby. Busy machines are slow.
const patience = 2 * time.Minute

// Options say how a cluster differs from the usual one.
type Options struct {
	// Dir is where the directory of the cluster is made; empty means the directory for temporary files. Another place is
	// taken if the user that the server runs as may not enter it: see Cluster.Dir.
	Dir string
	// Settings are lines for postgresql.conf; they win over those of this package.
	Settings []string
}

// settings keep everything that makes commits durable as it is by default: that is what is tested and measured.
var settings = []string{
	"listen_addresses = '127.0.0.1'",
	"unix_socket_directories = ''",
	"max_connections = 200",
	"shared_buffers = 128MB",
	"max_wal_size = 4GB",
	"wal_keep_size = 512MB",               // a standby that was paused finds what it missed
	"wal_retrieve_retry_interval = 100ms", // and asks again at once
	"dynamic_shared_memory_type = mmap",   // in the directory, so that a kill leaves nothing elsewhere
	"fsync = on",                          // these three are the defaults, written down because everything here rests on them
	"full_page_writes = on",               //
	"synchronous_commit = on",             //
	"log_line_prefix = '%m [%p] %a '",     //
	"timezone = 'UTC'",                    //
	"log_min_error_statement = panic",     // tests provoke errors; the statements would fill the log
	"restart_after_crash = off",           // a killed backend must not be papered over
	"wal_sender_timeout = 60s",            //
	"lc_messages = 'C'",                   // the log is searched for one text: see start
}

// Cluster is one PostgreSQL server and its directory. Its methods may be called from several goroutines.
type Cluster struct {
	name     string // of a standby: what the primary knows it by
	dir      string
	port     int
	password string
	programs programs
	account  account
	watchdog *watchdog

	mu     sync.Mutex
	server *exec.Cmd     // nil while it does not run
	gone   chan struct{} // closed when server has ended
	paused int           // process id of the WAL receiver while it is stopped, else 0
}

// Start makes a cluster and starts it. ErrMissing means that PostgreSQL is not installed.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := prepare(options.Dir)
	if err != nil {
		return nil, err
	}
	c.password = rand.Text()
	if err := c.initialize(ctx, options.Settings); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := c.startOnFreePort(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// prepare makes the directory, and sees to it that it goes away with this process.
func prepare(parent string) (*Cluster, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := account.makeDir(parent)
	if err != nil {
		return nil, err
	}
	watchdog, err := watch(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Cluster{dir: dir, programs: programs, account: account, watchdog: watchdog}, nil
}

func (c *Cluster) initialize(ctx context.Context, more []string) error {
	passwords := filepath.Join(c.dir, "password")
	if err := c.account.writeFile(passwords, c.password+"\n"); err != nil {
		return err
	}
	// Nothing is lost yet if the power fails now, so initdb need not wait for the disk.
	err := c.run(ctx, "initdb", "--pgdata="+c.data(), "--username=postgres", "--pwfile="+passwords, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	return appendFile(filepath.Join(c.data(), "postgresql.conf"), strings.Join(append(settings, more...), "\n")+"\n")
}

// run runs one of PostgreSQL's programs as the user of the server.
func (c *Cluster) run(ctx context.Context, program string, args ...string) error {
	command := exec.CommandContext(ctx, c.programs.path(program), args...)
	c.account.lead(command, c.dir)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// Dir is the directory of the cluster, to tell what disk was measured.
func (c *Cluster) Dir() string { return c.dir }

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// URL names a database of this cluster, for its superuser. The cluster's own database is "postgres".
func (c *Cluster) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", c.password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Path: database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// NewDatabase makes an empty database and returns its URL.
func (c *Cluster) NewDatabase(ctx context.Context) (string, error) {
	return createDatabase(ctx, c.URL("postgres"))
}

// errPort says that somebody else took the port between our look and the server's.
var errPort = errors.New("the port is taken")

// startOnFreePort tries other ports when another process was faster.
func (c *Cluster) startOnFreePort(ctx context.Context) (err error) {
	for range 10 {
		if c.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = c.start(ctx); !errors.Is(err, errPort) {
			return err
		}
	}
	return err
}

// StartAgain starts a cluster that was stopped or killed, on the same port, and returns when it takes connections.
func (c *Cluster) StartAgain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		err := c.start(ctx)
		if errors.Is(err, errPort) {
			return false, nil // whoever has it now is a client's connection, and will end
		}
		return true, err
	})
}

// start starts the server and returns when it takes connections. On error it does not run.
func (c *Cluster) start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		return errors.New("the cluster runs already")
	}
	logged := c.logSize()
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	server := exec.Command(c.programs.path("postgres"), "-D", c.data(), "-p", strconv.Itoa(c.port)) //nolint:noctx // it outlives the start
	c.account.lead(server, c.dir)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		server.Wait() //nolint:errcheck // how it ended is told by its log
		close(gone)
	}()
	c.server, c.gone = server, gone
	err = poll(ctx, func() (bool, error) {
		select {
		case <-gone:
			tail := c.logSince(logged)
			if strings.Contains(tail, "could not bind") {
				return true, errPort
			}
			return true, fmt.Errorf("PostgreSQL ended while it started:\n%s", tail)
		default:
		}
		return c.query(ctx, "SELECT 1") == nil, nil
	})
	if err != nil {
		if !errors.Is(err, errPort) && ctx.Err() != nil {
			err = fmt.Errorf("%w\n%s", err, c.logSince(logged))
		}
		c.end(syscall.SIGQUIT)
	}
	return err
}

// Stop ends the server in order: transactions are broken off, everything is flushed.
func (c *Cluster) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(syscall.SIGINT)
}

// Kill ends the server and every process of it at the same instant, as the death of a machine does, except that what was
// written stays written: nobody is told, nothing is flushed.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	pid := c.server.Process.Pid
	// Stopped first, so that it neither makes new processes nor looks after those that die.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := poll(ctx, func() (bool, error) { return stateOf(pid) != running, nil })
	children := childrenOf(pid)
	for _, child := range append(children, pid) {
		syscall.Kill(child, syscall.SIGKILL) //nolint:errcheck // it may have ended by itself
	}
	<-c.gone
	c.server, c.paused = nil, 0
	return errors.Join(err, poll(ctx, func() (bool, error) {
		for _, child := range children {
			if stateOf(child) != dead {
				return false, nil
			}
		}
		return true, nil
	}))
}

// end ends the server with a signal; the caller has locked mu.
func (c *Cluster) end(signal syscall.Signal) {
	if c.server == nil {
		return
	}
	c.resume()
	c.server.Process.Signal(signal) //nolint:errcheck // it may have ended by itself
	select {
	case <-c.gone:
	case <-time.After(patience):
		c.server.Process.Kill() //nolint:errcheck // as above; its processes see that it is gone and end
		<-c.gone
	}
	c.server = nil
}

// Close ends the server at once and removes the directory. The cluster cannot be used any more; closing it again does nothing.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(syscall.SIGQUIT)
	return c.watchdog.release()
}

// Processes lists the server's processes, the first one first, to find out what they use.
func (c *Cluster) Processes() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	pid := c.server.Process.Pid
	return append([]int{pid}, childrenOf(pid)...)
}

// query runs statements on the cluster's own database, for their effect.
func (c *Cluster) query(ctx context.Context, statements ...string) error {
	return with(ctx, c.URL("postgres"), func(conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// truth polls until a query that returns one boolean returns true.
func (c *Cluster) truth(ctx context.Context, query string, args ...any) error {
	err := poll(ctx, func() (done bool, err error) {
		err = with(ctx, c.URL("postgres"), func(conn *pgx.Conn) error { return conn.QueryRow(ctx, query, args...).Scan(&done) })
		return done, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}

// with connects, does something and ends the connection.
func with(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on how a connection ends
	return do(conn)
}

// poll asks again and again until it is told true or an error, or the context ends.
func poll(ctx context.Context, ask func() (bool, error)) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Cluster) log() string { return filepath.Join(c.dir, "log") }

func (c *Cluster) logSize() int64 {
	info, err := os.Stat(c.log())
	if err != nil {
		return 0
	}
	return info.Size()
}

// logSince returns what was logged after the first bytes: its end, if it is much.
func (c *Cluster) logSince(first int64) string {
	text, err := os.ReadFile(c.log())
	if err != nil {
		return err.Error()
	}
	const most = 8 << 10
	return string(text[max(min(int(first), len(text)), len(text)-most):])
}
