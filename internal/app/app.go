// Package app turns a configuration into a running server: it is the only package that knows every other one. Start at Open,
// which lists the parts with what each depends on.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/internal/oauth"
	"github.com/seatwright/seatwright/internal/server"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// App is a server that is put together. Serve it, then close it.
type App struct {
	Directory *directory.Directory
	Licensing *licensing.Licensing

	log      *slog.Logger
	listener net.Listener
	base     string // origin that clients use
	store    seatwright.Store
	ledger   *ledger.Ledger
	handler  http.Handler
}

// Open puts a server together and takes its address, so that the caller can say where it listens. Logs go to logs. An
// empty data directory gets a schema, the host's partition and a signing key. On an error nothing is left open.
func Open(ctx context.Context, c Config, logs io.Writer, issuerFromHost bool) (*App, error) {
	a := &App{}
	if err := a.open(ctx, c, logs, issuerFromHost); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, c Config, logs io.Writer, issuerFromHost bool) (err error) {
	sealKey, err := c.sealKey()
	if err != nil {
		return err
	}
	if a.log, err = c.logger(logs); err != nil {
		return err
	}
	quietLibraries(logs)
	if a.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	a.base = "http://" + a.listener.Addr().String()
	issuer := oauth.IssuerPolicy(oauth.HostIssuer)
	if !issuerFromHost {
		if c.PublicURL != "" {
			a.base = c.PublicURL
		}
		if issuer, err = oauth.FixedIssuer(a.base); err != nil {
			return err
		}
	}
	store, err := sqlite.Open(ctx, c.Data, sqlite.Options{})
	if err != nil {
		return err
	}
	a.store = store
	a.ledger = ledger.New(a.store, a.log)
	a.Directory = directory.New(a.store, a.ledger, directory.NewPasswords(0, 0))
	a.Licensing = licensing.New(a.store, a.ledger)
	if _, err := a.Directory.CreateHost(ctx); err != nil {
		return err
	}
	identity, err := oauth.New(ctx, oauth.Config{
		Directory: a.store, Keys: a.Directory, Login: a.Directory, Issuer: issuer, SealKey: sealKey, Now: time.Now, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.handler, err = server.New(server.Config{
		Log: a.log, Authenticator: identity, Directory: a.Directory, Licensing: a.Licensing, Identity: identity, Ready: a.ready,
	})
	return err
}

// quietLibraries makes the process's default logger, which the OpenID library cannot be kept from using, write warnings in
// our form. Everything of ours has a logger of its own.
func quietLibraries(logs io.Writer) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// ready asks the store for a row that is always there.
func (a *App) ready(ctx context.Context) error {
	_, err := a.store.Organization(ctx, seatwright.HostID)
	return err
}

// BaseURL is the origin under which the server answers.
func (a *App) BaseURL() string { return a.base }

// shutdownTime is how long requests that are under way may take when the server stops.
const shutdownTime = 10 * time.Second

// Serve answers requests until ctx ends, then lets those under way finish. It returns nil after an orderly stop.
func (a *App) Serve(ctx context.Context) error {
	httpServer := server.NewHTTPServer(a.handler, a.log)
	failed := make(chan error, 1)
	go func() { failed <- httpServer.Serve(server.LimitConnections(a.listener, server.DefaultConnections)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return httpServer.Shutdown(stop)
}

// Close commits what waits and releases everything. It may be called on a half-open App.
func (a *App) Close() error {
	var errs []error
	if a.listener != nil {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.ledger != nil {
		a.ledger.Close()
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// firstAdministrator is the user name of the person that an empty installation begins with.
const firstAdministrator = "admin"

// EnsureFirstAdministrator makes the first person of the host where there is none and returns their password, which cannot be
// shown again; it returns an empty password where the person exists.
func (a *App) EnsureFirstAdministrator(ctx context.Context) (userName, password string, err error) {
	password = directory.NewSecret()[:26]
	_, err = a.Directory.CreateUser(ctx, seatwright.SystemCaller("start"), seatwright.HostID, directory.NewUser{
		ID: "first-administrator", UserName: firstAdministrator, Password: password,
	})
	if seatwright.IsReason(err, seatwright.ReasonDuplicate) {
		return firstAdministrator, "", nil
	}
	return firstAdministrator, password, err
}
