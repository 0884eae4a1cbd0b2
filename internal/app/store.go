package app

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/faultclock"
	"github.com/seatwright/seatwright/internal/planted"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// DatabaseURL is where PostgreSQL is: postgres://user:password@host/database?options. Printed, it has no password.
type DatabaseURL string

func (u DatabaseURL) String() string {
	parsed, err := url.Parse(string(u))
	if err != nil {
		return "(not a URL)"
	}
	return parsed.Redacted()
}

// Set implements the value of a flag. It takes everything but nothing: an error of a flag repeats the text, and the password in
// it. An empty flag is a variable that was not set, and would mean the data directory.
func (u *DatabaseURL) Set(text string) error {
	if text == "" {
		return errors.New("it is empty: an unset variable?")
	}
	*u = DatabaseURL(text)
	return nil
}

// Type implements the value of a flag.
func (u *DatabaseURL) Type() string { return "URL" }

func (u DatabaseURL) check() error {
	parsed, err := url.Parse(string(u))
	_, authority, _ := strings.Cut(string(u), "://")
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	// For the driver a password ends at the first @, and an error tells what is behind it as the name of a host.
	if err != nil || parsed.Scheme != "postgres" && parsed.Scheme != "postgresql" || strings.Count(authority, "@") > 1 {
		return errors.New("a database URL looks like postgres://user:password@host/database; special characters of user and password are written as %40 and so on")
	}
	for name := range parsed.Query() {
		if strings.Contains(strings.ToLower(name), "password") {
			return errors.New("the password of a database URL stands before the @, or in the environment as PGPASSWORD, not behind the ?")
		}
	}
	return nil
}

// defaultData is the data directory where neither it nor a database is named.
const defaultData = "seatwright-data"

// CheckDatabase refuses a database URL that is none, and a configuration that names two databases: which of them is meant
// must not be guessed.
func (c Config) CheckDatabase() error {
	switch {
	case c.DatabaseURL == "":
		return nil
	case c.Data != "":
		return errors.New("both a data directory and a database URL are given, as flags or in the environment: leave one out")
	}
	return c.DatabaseURL.check()
}

// dataDirectory is the directory of the embedded store, empty where PostgreSQL is used.
func (c Config) dataDirectory() string {
	if c.Data == "" && c.DatabaseURL == "" {
		return defaultData
	}
	return c.Data
}

// openStore opens the store that the configuration names, as a server does.
func openStore(ctx context.Context, c Config) (seatwright.Store, error) {
	if err := c.CheckDatabase(); err != nil {
		return nil, err
	}
	if c.DatabaseURL != "" {
		var options postgres.Options
		if planted.Bug(planted.NodeClock) {
			options.Clock = faultclock.Now
		}
		return postgres.Open(ctx, string(c.DatabaseURL), options)
	}
	return sqlite.Open(ctx, c.dataDirectory(), sqlite.Options{})
}

// openArchive names the same database for an operator's command. Nothing is connected yet.
func openArchive(c Config) (seatwright.Archive, error) {
	if err := c.CheckDatabase(); err != nil {
		return nil, err
	}
	if c.DatabaseURL != "" {
		return postgres.NewArchive(string(c.DatabaseURL)), nil
	}
	return sqlite.NewArchive(c.dataDirectory()), nil
}
