package app

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Config is everything that an operator can set. Each field is read from the environment; a flag of the same name wins.
type Config struct {
	Listen      string      `env:"SEATWRIGHT_LISTEN" envDefault:"127.0.0.1:8080"` // address and port; port 0 takes a free one
	Data        string      `env:"SEATWRIGHT_DATA"`                               // directory of the embedded store; empty: seatwright-data, unless DatabaseURL is set
	DatabaseURL DatabaseURL `env:"SEATWRIGHT_DATABASE_URL"`                       // PostgreSQL in place of the embedded store
	PublicURL   string      `env:"SEATWRIGHT_PUBLIC_URL"`                         // origin that clients use, and issuer of tokens; empty: http:// and the address
	SealKey     Secret      `env:"SEATWRIGHT_SEAL_KEY"`                           // 32 bytes in base64 that encrypt the signing keys in the store; empty: they are not
	LogLevel    string      `env:"SEATWRIGHT_LOG_LEVEL" envDefault:"info"`        // debug, info, warn or error

	// At most so many connections from one address, 0: any number. Behind a proxy every client has the proxy's address.
	ConnectionsPerAddress int `env:"SEATWRIGHT_CONNECTIONS_PER_ADDRESS" envDefault:"256"`
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
SEATWRIGHT_CONNECTIONS_PER_ADDRESS=%d
`, c.Listen, c.dataDirectory(), c.DatabaseURL, c.PublicURL, c.SealKey, c.LogLevel, c.ConnectionsPerAddress)
	return err
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
