package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seatwright/seatwright"
)

// How long a node waits for its database. They are chosen so that a caller hears within two seconds that it does not answer.
const (
	connectTime = 2 * time.Second  // until a connection is there
	loadTime    = 4 * time.Second  // until a batch is loaded: lockTime, and some for a busy server
	lockTime    = "700ms"          // until the lock of an organization is there, once another node or session has it
	commitTime  = 10 * time.Second // until COMMIT is confirmed, by the standby as well; after that the outcome is unknown
	readTime    = 5 * time.Second  // until a question is answered
)

// sessionSettings are those of every connection, unless the URL says otherwise.
var sessionSettings = map[string]string{
	"application_name":                    "seatwright",
	"timezone":                            "UTC",
	"jit":                                 "off",    // compiles for longer than our statements run
	"lock_timeout":                        lockTime, //
	"statement_timeout":                   "10s",
	"synchronous_commit":                  "on",  // whatever role, database or server say: what is acknowledged is stored
	"idle_in_transaction_session_timeout": "10s", // a node that hangs does not hold its locks for ever
	"tcp_keepalives_idle":                 "5",   // nor does one that has vanished from the network
	"tcp_keepalives_interval":             "2",
	"tcp_keepalives_count":                "3",
	"tcp_user_timeout":                    "10000",
}

// writerSettings leave the planner nothing but lookups by key: a batch must never turn into a scan, whatever the statistics say.
var writerSettings = map[string]string{
	"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
	"enable_memoize": "off", "enable_material": "off",
	"client_min_messages": "warning", // a cancelled wait for the standby is told by nothing else
}

// parse reads a URL. Errors never repeat it: it may hold a password.
func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		var bad *pgconn.ParseConfigError
		if errors.As(err, &bad) && !strings.Contains(bad.Error(), "://") {
			return nil, fmt.Errorf("the database URL cannot be read: %s", reasonOf(bad))
		}
		return nil, errors.New("the database URL cannot be read: use postgres://user:password@host:5432/database?sslmode=verify-full")
	}
	c := config.ConnConfig
	for name, value := range sessionSettings {
		if _, said := c.RuntimeParams[name]; !said {
			c.RuntimeParams[name] = value
		}
	}
	if c.ConnectTimeout == 0 || c.ConnectTimeout > connectTime {
		c.ConnectTimeout = connectTime
	}
	if c.ValidateConnect == nil { // a standby would answer from the past
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // survives a change of the schema by another node
	return config, nil
}

// reasonOf is what is wrong with a URL, without the URL.
func reasonOf(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}

// dialWriter opens the connection of a writer. Such a connection never sends a cancel request: one that met a COMMIT which
// waits for the standby would make it count as done.
func dialWriter(ctx context.Context, template *pgx.ConnConfig, onWarning func(*pgconn.Notice)) (*pgconn.PgConn, error) {
	config := template.Config.Copy()
	config.RuntimeParams = maps.Clone(config.RuntimeParams)
	maps.Copy(config.RuntimeParams, writerSettings)
	var connected atomic.Bool
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return nil, errors.New("a writer does not cancel")
		}
		return dial(ctx, network, address)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { onWarning(n) }
	ctx, cancel := context.WithTimeout(ctx, 2*connectTime) // several hosts may be named
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, seatwright.Unavailable(seatwright.ReasonStoreUnavailable, err, "the database does not answer")
	}
	connected.Store(true)
	return conn, nil
}
