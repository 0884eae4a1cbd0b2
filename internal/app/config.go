package app

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/licensefile"
)

// Config is everything that an operator can set. Each field is read from the environment; a flag of the same name wins.
type Config struct {
	Listen      string      `env:"SEATWRIGHT_LISTEN" envDefault:"127.0.0.1:8080"` // address and port; port 0 takes a free one
	Data        string      `env:"SEATWRIGHT_DATA"`                               // directory of the embedded store; empty: seatwright-data, unless DatabaseURL is set
	DatabaseURL DatabaseURL `env:"SEATWRIGHT_DATABASE_URL"`                       // PostgreSQL in place of the embedded store
	PublicURL   string      `env:"SEATWRIGHT_PUBLIC_URL"`                         // origin that clients use, and issuer of tokens; empty: http:// and the address
	SealKey     Secret      `env:"SEATWRIGHT_SEAL_KEY"`                           // 32 bytes in base64 that encrypt the signing keys in the store; empty: they are not
	LogLevel    string      `env:"SEATWRIGHT_LOG_LEVEL" envDefault:"info"`        // debug, info, warn or error
	Catalogue   string      `env:"SEATWRIGHT_CATALOGUE"`                          // file with products beside the published ones; empty: there are no others

	LicenseIssuers string `env:"SEATWRIGHT_LICENSE_ISSUERS"` // file with the public keys of those whose license files are believed; empty: nobody's are

	// At most so many connections from one address, 0: any number. Behind a proxy every client has the proxy's address.
	ConnectionsPerAddress int `env:"SEATWRIGHT_CONNECTIONS_PER_ADDRESS" envDefault:"256"`

	// How many wrong passwords are looked at; 0 in each: any number. Nodes on one database should be told the same.
	LoginFailuresPerMinute  int64 `env:"SEATWRIGHT_LOGIN_FAILURES_PER_MINUTE" envDefault:"10"`   // of one person
	LoginFailuresPerAddress int64 `env:"SEATWRIGHT_LOGIN_FAILURES_PER_ADDRESS" envDefault:"100"` // of one client address in a minute, for each node
	LockAfterFailures       int64 `env:"SEATWRIGHT_LOCK_AFTER_FAILURES" envDefault:"100"`        // consecutive ones of one person
	LockSeconds             int64 `env:"SEATWRIGHT_LOCK_SECONDS" envDefault:"300"`               // the first lock; each one is twice as long, up to a day

	// How often the server looks for what is due without anybody calling; zero: once a minute. Tests set it, operators do not.
	ClockInterval time.Duration

	// How much memory what people hold may take before it is forgotten, in megabytes, roughly; 0: 160.
	EntitlementMegabytes int64 `env:"SEATWRIGHT_ENTITLEMENT_MEGABYTES" envDefault:"160"`

	// At most so many requests of one principal in a second, 0: any number; each node counts for itself.
	RequestsPerSecond int `env:"SEATWRIGHT_REQUESTS_PER_SECOND" envDefault:"1000"`
}

// Secret is a text that no log and no listing shows.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// FromEnvironment reads the configuration from an environment.
func FromEnvironment(getenv func(string) string) (Config, error) {
	fields, err := env.GetFieldParams(&Config{})
	if err != nil {
		return Config{}, err
	}
	set := map[string]string{}
	for _, field := range fields {
		if value := getenv(field.Key); value != "" {
			set[field.Key] = value
		}
	}
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: set})
	if err != nil {
		return c, fmt.Errorf("environment: %w", err)
	}
	return c, nil
}

// Print writes the effective configuration, secrets masked, in the form of an environment file.
func (c Config) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, `SEATWRIGHT_LISTEN=%s
SEATWRIGHT_DATA=%s
SEATWRIGHT_DATABASE_URL=%s
SEATWRIGHT_PUBLIC_URL=%s
SEATWRIGHT_SEAL_KEY=%s
SEATWRIGHT_LOG_LEVEL=%s
SEATWRIGHT_CATALOGUE=%s
SEATWRIGHT_LICENSE_ISSUERS=%s
SEATWRIGHT_CONNECTIONS_PER_ADDRESS=%d
SEATWRIGHT_LOGIN_FAILURES_PER_MINUTE=%d
SEATWRIGHT_LOGIN_FAILURES_PER_ADDRESS=%d
SEATWRIGHT_LOCK_AFTER_FAILURES=%d
SEATWRIGHT_LOCK_SECONDS=%d
SEATWRIGHT_REQUESTS_PER_SECOND=%d
SEATWRIGHT_ENTITLEMENT_MEGABYTES=%d
`, c.Listen, c.dataDirectory(), c.DatabaseURL, c.PublicURL, c.SealKey, c.LogLevel, c.Catalogue, c.LicenseIssuers, c.ConnectionsPerAddress,
		c.LoginFailuresPerMinute, c.LoginFailuresPerAddress, c.LockAfterFailures, c.LockSeconds, c.RequestsPerSecond, c.EntitlementMegabytes)
	return err
}

// CheckLimits refuses limits that mean nothing.
func (c Config) CheckLimits() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"SEATWRIGHT_LOGIN_FAILURES_PER_MINUTE", c.LoginFailuresPerMinute},
		{"SEATWRIGHT_LOGIN_FAILURES_PER_ADDRESS", c.LoginFailuresPerAddress},
		{"SEATWRIGHT_LOCK_AFTER_FAILURES", c.LockAfterFailures},
		{"SEATWRIGHT_REQUESTS_PER_SECOND", int64(c.RequestsPerSecond)},
	} {
		if limit.value < 0 || limit.value > maxLimit {
			return fmt.Errorf("%s is %d: it is 0, for any number, to %d", limit.name, limit.value, maxLimit)
		}
	}
	if c.EntitlementMegabytes < 0 || c.EntitlementMegabytes > maxLimit {
		return fmt.Errorf("SEATWRIGHT_ENTITLEMENT_MEGABYTES is %d: it is 0, for 160, to %d", c.EntitlementMegabytes, maxLimit)
	}
	if c.LockAfterFailures > 0 && (c.LockSeconds < 1 || c.LockSeconds > longestLockSeconds) {
		return fmt.Errorf("SEATWRIGHT_LOCK_SECONDS is %d: a lock lasts 1 to %d seconds", c.LockSeconds, longestLockSeconds)
	}
	return nil
}

const (
	maxLimit           = 1_000_000
	longestLockSeconds = 86_400 // as long as a lock can become
)

func (c Config) loginLimits() directory.LoginLimits {
	return directory.LoginLimits{
		SignInLimits: seatwright.SignInLimits{
			PerMinute: c.LoginFailuresPerMinute, LockAfter: c.LockAfterFailures, LockFor: time.Duration(c.LockSeconds) * time.Second,
		},
		PerAddress: c.LoginFailuresPerAddress,
	}
}

// catalogue is the published one with the products of the operator's file.
func (c Config) catalogue() (*seatwright.Catalogue, error) {
	if c.Catalogue == "" {
		return seatwright.PublishedCatalogue(), nil
	}
	text, err := os.ReadFile(c.Catalogue)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	extended, err := seatwright.PublishedCatalogue().Extended(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Catalogue, err)
	}
	return extended, nil
}

// licenseIssuers reads a JWK set.
func (c Config) licenseIssuers() (*licensefile.Issuers, error) {
	if c.LicenseIssuers == "" {
		return &licensefile.Issuers{}, nil
	}
	text, err := os.ReadFile(c.LicenseIssuers)
	if err != nil {
		return nil, fmt.Errorf("license issuers: %w", err)
	}
	issuers, err := licensefile.ReadIssuers(text)
	if err != nil {
		return nil, fmt.Errorf("license issuers: %s: %w", c.LicenseIssuers, err)
	}
	return issuers, nil
}

func (c Config) clockInterval() time.Duration {
	if c.ClockInterval > 0 {
		return c.ClockInterval
	}
	return time.Minute
}

func (c Config) sealKey() ([]byte, error) {
	if c.SealKey == "" {
		return nil, nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(c.SealKey)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("SEATWRIGHT_SEAL_KEY is not 32 bytes in base64 (make one with: openssl rand -base64 32)")
	}
	return key, nil
}

func (c Config) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, fmt.Errorf("log level %q: use debug, info, warn or error", c.LogLevel)
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})), nil
}
