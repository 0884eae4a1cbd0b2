package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Standby makes a second cluster that follows this one, known to it by a name, and returns when it receives. It follows
// without being waited for until SetSynchronousStandby says so.
func (c *Cluster) Standby(ctx context.Context, name string) (*Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	standby, err := prepare(filepath.Dir(c.dir))
	if err != nil {
		return nil, err
	}
	standby.name, standby.password = name, c.password
	if err := standby.follow(ctx, c); err != nil {
		return nil, errors.Join(err, standby.Close())
	}
	return standby, nil
}

// Also adds the server of c to the URL of a database that another one has: whoever connects looks for the one that takes writes.
func (c *Cluster) Also(database string) string {
	before, after, _ := strings.Cut(database, "@")
	host, rest, _ := strings.Cut(after, "/")
	return fmt.Sprintf("%s@%s,127.0.0.1:%d/%s", before, host, c.port, rest)
}

func (c *Cluster) follow(ctx context.Context, primary *Cluster) error {
	err := c.run(ctx, "pg_basebackup", "--pgdata="+c.data(), "--dbname="+primary.URL("")+"&application_name="+url.QueryEscape(c.name),
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	if err != nil {
		return err
	}
	// Once promoted it is alone: it must not wait for the standby that its primary had.
	if err := appendFile(filepath.Join(c.data(), "postgresql.auto.conf"), "synchronous_standby_names = ''\n"); err != nil {
		return err
	}
	if err := c.startOnFreePort(ctx); err != nil {
		return err
	}
	return primary.truth(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming')", c.name)
}

// SetSynchronousStandby makes every commit wait until the named standby has flushed it; the empty name ends that, also for
// commits that wait already. It returns when the setting is in force.
func (c *Cluster) SetSynchronousStandby(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	quoted := ""
	if name != "" {
		quoted = pgx.Identifier{name}.Sanitize()
	}
	if err := c.query(ctx, "ALTER SYSTEM SET synchronous_standby_names = '"+quoted+"'", "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	if err := c.truth(ctx, "SELECT current_setting('synchronous_standby_names') = $1", quoted); err != nil {
		return err
	}
	// Committing processes ask shared memory, which the checkpointer writes when it reads the settings: a new session shows
	// that it was told to, and a checkpoint that it did.
	if err := c.query(ctx, "CHECKPOINT"); err != nil || name == "" {
		return err
	}
	return c.truth(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = $1 AND sync_state = 'sync')", name)
}

// Promote makes a standby a primary and returns when it takes writes.
func (c *Cluster) Promote(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.query(ctx, "SELECT pg_promote()"); err != nil {
		return err
	}
	return c.truth(ctx, "SELECT NOT pg_is_in_recovery()")
}

// PauseReceiver stops the process of a standby that receives what the primary writes: the connection stays, nothing is
// answered. A primary that waits for this standby commits nothing until ResumeReceiver.
func (c *Cluster) PauseReceiver(ctx context.Context) error { return c.pause(ctx, "walreceiver") }

// PauseSender stops the process of a primary that sends to its standby, until the primary is killed: what is written from
// then on, no standby has.
func (c *Cluster) PauseSender(ctx context.Context) error { return c.pause(ctx, "walsender") }

func (c *Cluster) pause(ctx context.Context, process string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil || c.paused != 0 {
		return errors.New("there is no process to pause")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		for _, child := range childrenOf(c.server.Process.Pid) {
			title, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(child), "cmdline"))
			if err != nil || !strings.Contains(string(title), process) {
				continue
			}
			if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
				return false, fmt.Errorf("pause the %s: %w", process, err)
			}
			c.paused = child
			return true, poll(ctx, func() (bool, error) { return stateOf(child) != running, nil })
		}
		return false, nil // it may be about to start
	})
}

// ResumeReceiver lets a paused receiver go on. It is no error if none is paused.
func (c *Cluster) ResumeReceiver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resume()
}

func (c *Cluster) resume() {
	if c.paused != 0 {
		syscall.Kill(c.paused, syscall.SIGCONT) //nolint:errcheck // it may have ended
		c.paused = 0
	}
}
