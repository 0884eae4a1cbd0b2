package directory_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

const right = "correct horse battery"

// node is one server on a store, as far as logins go.
type node struct {
	*directory.Logins
	directory *directory.Directory
	people    *directory.People
	passwords *directory.Passwords
	store     seatwright.Store
}

// noTokens stands for tokens that nobody has.
type noTokens struct{}

func (noTokens) Forget() {}

// world is an installation with the organization acme, and ann and the inactive-to-be bob in it.
type world struct {
	*testing.T
	nodes []*node
	acme  seatwright.OrganizationID
	clock atomic.Int64 // nanoseconds since the beginning
}

func (w *world) now() time.Time {
	return time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC).Add(time.Duration(w.clock.Load()))
}

// setup makes an installation with a clock of its own. Nodes are on SQLite if there is one, else on one PostgreSQL.
func setup(t *testing.T, nodes int, limits directory.LoginLimits) *world {
	t.Helper()
	w := &world{T: t}
	url := ""
	if nodes > 1 {
		url = pgtest.Database(t)
	}
	for range nodes {
		store, err := open(t, url, w.now)
		if err != nil {
			t.Fatal(err)
		}
		quiet := slog.New(slog.DiscardHandler)
		queue := ledger.New(store, seatwright.PublishedCatalogue(), nil, quiet)
		t.Cleanup(func() {
			queue.Close()
			_ = store.Close()
		})
		n := &node{passwords: directory.NewPasswords(2, 128), store: store}
		n.directory = directory.New(store, queue, n.passwords)
		n.Logins = directory.NewLogins(n.directory, limits, w.now, quiet)
		n.people = directory.NewPeople(store, queue, n.passwords, n.Logins, noTokens{})
		w.nodes = append(w.nodes, n)
	}
	d, who := w.nodes[0].directory, seatwright.SystemCaller("test")
	if _, err := d.CreateHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	acme, err := d.CreateOrganization(t.Context(), who, directory.NewOrganization{Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	w.acme = acme.ID
	for _, name := range []string{"ann", "bob"} {
		if _, err := d.CreateUser(t.Context(), who, w.acme, directory.NewUser{ID: name, UserName: name, Password: right}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func open(t *testing.T, url string, clock func() time.Time) (seatwright.Store, error) {
	if url == "" {
		return sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Clock: clock})
	}
	return postgres.Open(t.Context(), url, postgres.Options{Clock: clock})
}

func (w *world) login(n int, userName, password string) error {
	_, err := w.nodes[n].Login(w.Context(), directory.Attempt{
		Organization: w.acme, UserName: userName, Password: password, Door: "test", From: seatwright.SignInFrom{Address: "192.0.2.1"},
	})
	return err
}

// hashes is how many passwords were looked at, on all nodes.
func (w *world) hashes() (n int64) {
	for _, node := range w.nodes {
		n += node.passwords.Hashes()
	}
	return n
}

// signIns lists the events of the sign-ins of a person.
func (w *world) signIns(user seatwright.UserID) (refused, succeeded int) {
	w.Helper()
	events, _, err := w.nodes[0].store.SignIns(w.Context(), w.acme, user, time.Time{}, 0, 10_000)
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == seatwright.EventUserSignedIn {
			succeeded++
		} else {
			refused++
		}
	}
	return refused, succeeded
}

// Promise (S6): of 10,000 wrong passwords from 50 connections at most a hundred reach the hash, on however many nodes; then the
// right one does not either, until the lock has passed. The chain holds no more events than passwords were looked at.
func TestAHundredWrongPasswordsReachTheHash(t *testing.T) {
	t.Parallel()
	limits := directory.LoginLimits{SignInLimits: seatwright.SignInLimits{LockAfter: 100, LockFor: 5 * time.Minute}}
	for name, nodes := range map[string]int{"OneNode": 1, "TwoNodes": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, nodes, limits)
			before := w.hashes()
			var group sync.WaitGroup
			var wrong, sentAway atomic.Int64
			for connection := range 50 {
				group.Go(func() {
					for i := range 200 {
						switch err := w.login((connection+i)%nodes, "ann", "wrong"); {
						case seatwright.IsReason(err, seatwright.ReasonInvalidCredentials):
							wrong.Add(1)
						case seatwright.IsReason(err, seatwright.ReasonTooManyFailures):
							sentAway.Add(1)
						default:
							t.Errorf("a wrong password: %v", err)
							return
						}
					}
				})
			}
			group.Wait()
			if n := w.hashes() - before; n != 100 || wrong.Load() != 100 || sentAway.Load() != 9900 {
				t.Fatalf("%d passwords were looked at, %d were wrong, %d attempts sent away; want 100, 100, 9900", n, wrong.Load(), sentAway.Load())
			}
			for n := range w.nodes {
				if err := w.login(n, "ann", right); !seatwright.IsReason(err, seatwright.ReasonTooManyFailures) || seatwright.AsError(err).RetryAfter != 5*time.Minute {
					t.Errorf("the right password, locked, at node %d: %v", n, err)
				}
				if err := w.login(n, "bob", right); err != nil {
					t.Errorf("somebody else at node %d: %v", n, err)
				}
			}
			if refused, _ := w.signIns("ann"); refused != 100 {
				t.Errorf("%d events of refused sign-ins, want 100", refused)
			}
			w.clock.Add(int64(5 * time.Minute))
			if err := w.login(0, "ann", right); err != nil {
				t.Errorf("after the lock: %v", err)
			}
			if err := w.login(0, "ann", "wrong"); !seatwright.IsReason(err, seatwright.ReasonInvalidCredentials) {
				t.Errorf("counted from the beginning: %v", err)
			}
		})
	}
}

// Promise: whoever guesses learns the same about somebody as about nobody, after the same work, for as long as they guess.
func TestNobodyIsRefusedAsSomebodyIs(t *testing.T) {
	t.Parallel()
	limits := directory.LoginLimits{SignInLimits: seatwright.SignInLimits{PerMinute: 3, LockAfter: 7, LockFor: time.Minute}}
	w := setup(t, 1, limits)
	course := func(organization seatwright.OrganizationID, userName string) (said []string) {
		w.clock.Store(0)
		for i := range 40 {
			before := w.hashes()
			_, err := w.nodes[0].Login(t.Context(), directory.Attempt{Organization: organization, UserName: userName, Password: fmt.Sprint("guess ", i)})
			e := seatwright.AsError(err)
			if e == nil {
				t.Fatalf("%s was let in", userName)
			}
			said = append(said, fmt.Sprintf("%v, wait %s, %d hashes", err, e.RetryAfter, w.hashes()-before))
			w.clock.Add(int64(4 * time.Second))
		}
		return said
	}
	want := course(w.acme, "ann")
	for _, nobody := range []struct {
		organization seatwright.OrganizationID
		userName     string
	}{{w.acme, "nobody"}, {w.acme, "no such name\x00"}, {"", "ann"}, {seatwright.HostID, "ann"}} {
		said := course(nobody.organization, nobody.userName)
		for i := range want {
			if said[i] != want[i] {
				t.Errorf("%q of %q, attempt %d: %s; for somebody: %s", nobody.userName, nobody.organization, i, said[i], want[i])
				break
			}
		}
	}
	if head, err := w.nodes[0].store.Head(t.Context(), seatwright.HostID); err != nil || head.Sequence != 2 {
		t.Errorf("the chain of the host has %d events, %v; nobody's sign-ins must have none", head.Sequence, err)
	}
}

// Promise: one address has a hundred failures in a minute, whomever they are for; success costs nothing.
func TestFailuresOfAnAddressAreLimited(t *testing.T) {
	t.Parallel()
	w := setup(t, 1, directory.LoginLimits{PerAddress: 3})
	from := func(address, user, password string) error {
		_, err := w.nodes[0].Login(t.Context(), directory.Attempt{
			Organization: w.acme, UserName: user, Password: password, From: seatwright.SignInFrom{Address: address},
		})
		return err
	}
	for range 5 {
		if err := from("2001:db8::1", "ann", right); err != nil {
			t.Fatal(err)
		}
	}
	for i, user := range []string{"ann", "bob", "nobody"} {
		if err := from(fmt.Sprintf("2001:db8::%d", i), user, "wrong"); !seatwright.IsReason(err, seatwright.ReasonInvalidCredentials) {
			t.Fatal(err)
		}
	}
	before := w.hashes()
	err := from("2001:db8::9%eth0", "ann", right)
	if e := seatwright.AsError(err); e == nil || e.Reason != seatwright.ReasonTooManyFailures || e.RetryAfter != time.Minute || w.hashes() != before {
		t.Errorf("the fourth of one network: %v", err)
	}
	for _, other := range []string{"2001:db8:0:1::1", "192.0.2.1", ""} {
		if err := from(other, "ann", right); err != nil {
			t.Errorf("from %q: %v", other, err)
		}
	}
	w.clock.Add(int64(time.Minute))
	if err := from("2001:db8::1", "ann", right); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

// Guards against one address that keeps everybody else out of the queue, with right passwords and many connections.
func TestOneAddressLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	w := setup(t, 1, directory.LoginLimits{})
	answers := make(chan error, 200)
	for range cap(answers) {
		go func() { answers <- w.login(0, "ann", right) }()
	}
	refused := 0
	for answered := range cap(answers) {
		if err := <-answers; seatwright.IsReason(err, seatwright.ReasonOverloaded) {
			if refused++; refused == 1 { // the address has its share now
				_, err := w.nodes[0].Login(t.Context(), directory.Attempt{
					Organization: w.acme, UserName: "bob", Password: right, From: seatwright.SignInFrom{Address: "192.0.2.2"},
				})
				if err != nil {
					t.Errorf("after %d answers to one address another one is refused: %v", answered+1, err)
				}
			}
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the test needs more connections")
	}
}

// Guards the count against clients that hang up before they hear that the password was wrong.
func TestAnAttemptOfAClientThatLeavesIsRecorded(t *testing.T) {
	t.Parallel()
	w := setup(t, 1, directory.LoginLimits{SignInLimits: seatwright.SignInLimits{LockAfter: 2, LockFor: time.Minute}})
	for range 2 {
		ctx, leave := context.WithCancel(t.Context())
		counted := make(chan struct{})
		go func() {
			defer close(counted)
			_, _ = w.nodes[0].Login(ctx, directory.Attempt{Organization: w.acme, UserName: "ann", Password: "wrong"})
		}()
		for before := w.hashes(); w.hashes() == before; { // the password is being looked at
			runtime.Gosched()
		}
		leave()
		<-counted
	}
	if refused, _ := w.signIns("ann"); refused != 2 {
		t.Errorf("%d events, want 2", refused)
	}
	if err := w.login(0, "ann", right); !seatwright.IsReason(err, seatwright.ReasonTooManyFailures) {
		t.Errorf("after two failures: %v", err)
	}
}

// Promise: the record says who came, from where, through what and with which result, and not what was typed.
func TestTheRecordOfASignIn(t *testing.T) {
	t.Parallel()
	w := setup(t, 1, directory.LoginLimits{SignInLimits: seatwright.SignInLimits{LockAfter: 1, LockFor: time.Minute}})
	attempt := directory.Attempt{
		Organization: w.acme, UserName: "ANN", Password: right, Application: "app", Door: "token", RequestID: "request",
		From: seatwright.SignInFrom{Address: "192.0.2.1", Agent: "curl/8"},
	}
	if _, err := w.nodes[0].Login(t.Context(), attempt); err != nil {
		t.Fatal(err)
	}
	attempt.Password = "my secret guess"
	if _, err := w.nodes[0].Login(t.Context(), attempt); err == nil {
		t.Fatal("a wrong password is taken")
	}
	events, total, err := w.nodes[0].store.SignIns(t.Context(), w.acme, "ann", time.Time{}, 0, 10)
	if err != nil || total != 2 {
		t.Fatalf("%d events, %v", total, err)
	}
	for i, want := range []string{
		`user.sign_in_refused anonymous token request ann {"result":"invalidPassword","address":"192.0.2.1","agent":"curl/8","application":"app","failures":1,"lockedUntil":"2026-01-02T03:01:00Z"}`,
		`user.signed_in user/ann token request ann {"result":"success","address":"192.0.2.1","agent":"curl/8","application":"app"}`,
	} {
		e := events[i]
		if got := fmt.Sprintln(e.Kind, e.Actor, e.Via, e.RequestID, e.Subject, string(e.Data)); got != want+"\n" {
			t.Errorf("event %s want %s", got, want)
		}
	}
	last, err := w.nodes[0].store.LastSignIns(t.Context(), w.acme, []seatwright.UserID{"ann", "bob"})
	if err != nil || len(last) != 1 || !last["ann"].Equal(w.now()) {
		t.Errorf("last sign-ins %v, %v", last, err)
	}
}

// Promise: whoever has somebody's token guesses their password no faster than at a login, and it shows.
func TestGuessesAtOnesOwnPasswordAreCounted(t *testing.T) {
	t.Parallel()
	w := setup(t, 1, directory.LoginLimits{SignInLimits: seatwright.SignInLimits{PerMinute: 3}})
	ann := seatwright.Caller{Principal: seatwright.Principal{Kind: seatwright.PrincipalUser, ID: "ann", Organization: w.acme, Role: seatwright.RoleMember}, Via: "test"}
	change := func(old string) error {
		return w.nodes[0].people.ChangePassword(t.Context(), ann, w.acme, "ann", old, "another good one")
	}
	for range 2 {
		if err := change("a guess"); !seatwright.IsReason(err, seatwright.ReasonWrongPassword) {
			t.Fatalf("a guess: %v", err)
		}
	}
	if err := w.login(0, "ann", "a guess"); !seatwright.IsReason(err, seatwright.ReasonInvalidCredentials) {
		t.Fatalf("one at the login: %v", err)
	}
	before := w.hashes()
	if err := change(right); !seatwright.IsReason(err, seatwright.ReasonTooManyFailures) || w.hashes() != before {
		t.Errorf("the right one after three guesses: %v", err)
	}
	if refused, _ := w.signIns("ann"); refused != 3 {
		t.Errorf("%d events of refusals, want 3", refused)
	}
	w.clock.Add(int64(time.Minute))
	if err := change(right); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	if err := w.login(0, "ann", "another good one"); err != nil {
		t.Errorf("with the new one: %v", err)
	}
}
