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
	"sync"
	"time"

	"github.com/seatwright/seatwright"
	door "github.com/seatwright/seatwright/internal/api/identity"
	"github.com/seatwright/seatwright/internal/audit"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/entitlement"
	"github.com/seatwright/seatwright/internal/faultclock"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/internal/oauth"
	"github.com/seatwright/seatwright/internal/server"
)

// App is a server that is put together. Serve it, then close it.
type App struct {
	Directory      *directory.Directory
	People         *directory.People
	Groups         *directory.Groups
	Applications   *directory.Applications
	PersonalTokens *directory.PersonalTokens
	Settings       *directory.Settings
	Licensing      *licensing.Licensing
	LicenseFiles   *licensing.Files
	Clock          *licensing.Clock

	log      *slog.Logger
	config   Config
	listener net.Listener
	store    seatwright.Store
	memory   *entitlement.Memory
	ledger   *ledger.Ledger
	identity *oauth.Provider
	handler  http.Handler
}

// Open puts a server together and takes its address, so that the caller can say where it listens. Logs go to logs. An
// empty data directory gets a schema, the host's partition and a signing key. On an error nothing is left open.
func Open(ctx context.Context, c Config, logs io.Writer, issuerFromHost bool) (*App, error) {
	a := &App{config: c}
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
	if err := c.CheckLimits(); err != nil {
		return err
	}
	catalogue, err := c.catalogue()
	if err != nil {
		return err
	}
	issuers, err := c.licenseIssuers()
	if err != nil {
		return err
	}
	quietLibraries(logs)
	if c.Listen == "" {
		return errors.New("the address to listen on is empty, which would mean every interface and any port")
	}
	var network net.ListenConfig
	if a.listener, err = network.Listen(ctx, "tcp", c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	issuer := oauth.IssuerPolicy(oauth.HostIssuer)
	if !issuerFromHost {
		public := c.PublicURL
		if public == "" {
			public = a.Address()
		}
		if issuer, err = oauth.FixedIssuer(public); err != nil {
			return fmt.Errorf("public URL %q: %v", public, err) //nolint:errorlint // nobody was refused: the configuration is wrong
		}
	}
	store, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	a.store = store
	feed, _ := a.store.(seatwright.Feed) // nil where nobody else can change the database
	a.memory = entitlement.NewMemory(a.store, feed, faultclock.Now, c.EntitlementMegabytes<<20)
	a.ledger = ledger.New(a.store, catalogue, a.memory.Committed, a.log)
	passwords := directory.NewPasswords(0, 0)
	a.Directory = directory.New(a.store, a.ledger, passwords)
	a.Licensing = licensing.New(a.store, a.ledger, catalogue, faultclock.Now)
	a.LicenseFiles = licensing.NewFiles(a.store, a.ledger, issuers, faultclock.Now)
	a.Clock = licensing.NewClock(a.store, a.ledger, faultclock.Now, a.log)
	if _, err := a.Directory.CreateHost(ctx); err != nil {
		return err
	}
	logins := directory.NewLogins(a.Directory, c.loginLimits(), faultclock.Now, a.log)
	identity, err := oauth.New(ctx, oauth.Config{
		Directory: a.store, Grants: directory.NewGrants(a.ledger), Keys: a.Directory, Login: logins, Leases: a.Licensing, Issuer: issuer, SealKey: sealKey, Now: faultclock.Now, Log: a.log,
	})
	if err != nil {
		return fmt.Errorf("signing keys: %v", err) //nolint:errorlint // nobody was refused: the configuration is wrong
	}
	a.identity = identity
	a.People = directory.NewPeople(a.store, a.ledger, passwords, logins, identity)
	a.Groups = directory.NewGroups(a.store, a.ledger)
	a.Applications = directory.NewApplications(a.store, a.ledger, identity, faultclock.Now)
	a.PersonalTokens = directory.NewPersonalTokens(a.store, a.ledger, identity, faultclock.Now)
	a.Settings = directory.NewSettings(a.store, a.ledger)
	a.handler, err = server.New(server.Config{
		Log: a.log, Authenticator: identity, Directory: a.Directory, Licensing: a.Licensing, LicenseFiles: a.LicenseFiles,
		Distribution: a.Licensing, Entitlements: entitlement.New(a.memory, a.store, catalogue, identity),
		Portal: a.Licensing, Orchestrator: a.Licensing, Self: a.People,
		Identities: door.UseCases{
			People: a.People, Groups: a.Groups, Names: directory.NewNames(a.store), Settings: a.Settings, SignIns: directory.NewSignIns(a.store),
			Applications: a.Applications, PersonalTokens: a.PersonalTokens,
		},
		Audit: audit.New(a.store, a.Directory), Identity: identity, Ready: a.ready, RequestsPerSecond: c.RequestsPerSecond,
	})
	return err
}

// quietLibraries makes the process's default logger, which the OpenID library cannot be kept from using, write warnings in
// our form. Everything of ours has a logger of its own.
func quietLibraries(logs io.Writer) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// readyTime is how long the store may take to answer a probe: whoever asks gives up soon, and wants an answer before.
const readyTime = 2 * time.Second

// ready asks the store for a row that is always there.
func (a *App) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	_, err := a.store.Organization(ctx, seatwright.HostID)
	return err
}

// EveryInterface reports whether the listener takes connections from every interface of the machine.
func (a *App) EveryInterface() bool {
	tcp, ok := a.listener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsUnspecified()
}

// Address is a URL under which the listener can be reached from this machine, with the port that was taken.
func (a *App) Address() string {
	address := a.listener.Addr().String()
	if a.EveryInterface() {
		_, port, _ := net.SplitHostPort(address) // always in this form
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return "http://" + address
}

// shutdownTime is how long requests that are under way may take when the server stops.
const shutdownTime = 10 * time.Second

// Serve answers requests until ctx ends, then lets those under way finish. It returns nil after an orderly stop.
func (a *App) Serve(ctx context.Context) error {
	httpServer := server.NewHTTPServer(a.handler, a.log)
	a.firstSweep(ctx)
	keep, done := context.WithCancel(ctx)
	var maintained sync.WaitGroup
	maintained.Go(func() { a.identity.Maintain(keep) })
	maintained.Go(func() { a.memory.Run(keep) })
	maintained.Go(func() {
		ticker := time.NewTicker(a.config.clockInterval())
		defer ticker.Stop()
		a.Clock.Run(keep, ticker.C)
	})
	defer func() {
		done()
		maintained.Wait()
	}()
	failed := make(chan error, 1)
	go func() {
		failed <- httpServer.Serve(server.LimitConnections(a.listener, a.config.ConnectionsPerAddress))
	}()
	var broken <-chan error // never ready where the store has no failure that must end the process
	if store, ok := a.store.(interface{ Failed() <-chan error }); ok {
		broken = store.Failed()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case err := <-broken:
		// Those who wait get their answers; nobody gets time to finish, because nothing can be stored.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = httpServer.Shutdown(stop) // what it may say is less than why it was called
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := httpServer.Shutdown(stop); errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("requests that took longer than %s to end were cut off", shutdownTime)
	} else if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// firstSweepTime is how long a start waits for what became due while no server ran. The next tick does the rest.
const firstSweepTime = 5 * time.Second

// firstSweep catches up before anybody is answered.
func (a *App) firstSweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstSweepTime)
	defer cancel()
	a.Clock.Tick(ctx)
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

// EnsureFirstAdministrator makes the first person of the host where there is none. Their password is told to announce before
// it is stored: a stop in between costs nothing but another password at the next start, and no password is ever lost unseen.
// When another node has stored its own in the same moment, announce is called again without a password: the first one is void.
func (a *App) EnsureFirstAdministrator(ctx context.Context, announce func(userName, password string) error) error {
	const id = "first-administrator"
	if _, err := a.store.User(ctx, seatwright.HostID, id); !seatwright.IsKind(err, seatwright.KindNotFound) {
		return err
	}
	password := directory.NewSecret()[:26]
	if err := announce(firstAdministrator, password); err != nil {
		return err
	}
	_, err := a.Directory.CreateUser(ctx, seatwright.SystemCaller("start"), seatwright.HostID, directory.NewUser{
		ID: id, UserName: firstAdministrator, Password: password, Role: seatwright.RoleHostAdministrator,
	})
	if seatwright.IsReason(err, seatwright.ReasonDuplicate) {
		return announce(firstAdministrator, "")
	}
	return err
}
