package directory

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// LoginLimits say how many wrong passwords are looked at. In all of them 0 means any number.
type LoginLimits struct {
	seatwright.SignInLimits
	PerAddress int64 // failures of one client address in a minute; each node counts for itself
}

// Logins lets people and programs in and records it. It is safe for concurrent use.
type Logins struct {
	directory *Directory
	limits    LoginLimits
	log       *slog.Logger
	addresses *addressCounts
	names     *nameCounts
}

// NewLogins makes the use cases of signing in over a directory.
func NewLogins(directory *Directory, limits LoginLimits, now func() time.Time, log *slog.Logger) *Logins {
	return &Logins{
		directory: directory, limits: limits, log: log,
		addresses: newAddressCounts(limits.PerAddress, now), names: newNameCounts(limits.SignInLimits, now),
	}
}

// Attempt is one login as it came in.
type Attempt struct {
	Organization seatwright.OrganizationID // empty: none was found
	UserName     string
	Password     string
	Application  seatwright.ApplicationID // through which the person comes; empty: none
	From         seatwright.SignInFrom
	Door         string
	RequestID    string
}

// Origin says where a command comes from that follows from the attempt.
func (a Attempt) Origin(actor string) seatwright.Origin {
	return seatwright.Origin{Actor: actor, Via: a.Door, RequestID: a.RequestID}
}

// candidate is whom an attempt is for: perhaps nobody.
type candidate struct {
	seatwright.User                           // without an id: nobody
	chain           seatwright.OrganizationID // where it is recorded: that of the host where no organization was found
	name            nameKey
}

// Tenancy says which organization a login is meant for, see Directory.Tenancy.
func (l *Logins) Tenancy(ctx context.Context, pathOrganization, tenancyName string) (seatwright.Organization, error) {
	return l.directory.Tenancy(ctx, pathOrganization, tenancyName)
}

// Login finds the person with that name and password. An unknown name, an inactive person, a person without a local
// password and a wrong password are all unauthenticated/invalid_credentials, after the same work. Where too many were wrong
// before it is rate_limited/too_many_failures, for nobody as for somebody, and the password is not looked at. The errors of
// Passwords.Verify and of the store come through.
//
// The answer is given when the sign-in is recorded. Only where there is no room to record anything is it given all the same:
// whoever has to make room must be able to sign in.
func (l *Logins) Login(ctx context.Context, a Attempt) (seatwright.User, error) {
	if err := l.addresses.admit(a.From.Address); err != nil {
		return seatwright.User{}, err
	}
	user, err := l.login(ctx, a)
	if err == nil || !seatwright.IsKind(err, seatwright.KindUnauthenticated) && !seatwright.IsReason(err, seatwright.ReasonTooManyFailures) {
		l.addresses.giveBack(a.From.Address)
	}
	return user, err
}

func (l *Logins) login(ctx context.Context, a Attempt) (seatwright.User, error) {
	c, err := l.candidate(ctx, a)
	if err != nil {
		return seatwright.User{}, err
	}
	done, err := l.addresses.begin(a.From.Address, l.directory.passwords.share())
	if err != nil {
		return seatwright.User{}, err
	}
	defer done()
	right, err := l.directory.passwords.verify(ctx, c.PasswordHash, a.Password, func() error { return l.admit(ctx, a, c) })
	if err != nil {
		return seatwright.User{}, err
	}
	result := seatwright.SignInSucceeded
	switch {
	case c.ID != "" && !c.Active:
		result = seatwright.SignInUserIsNotActive
	case !right:
		result = seatwright.SignInWrongPassword
	}
	// What was counted is to be taken back or recorded, also for a client that has left meanwhile.
	if err := l.finish(context.WithoutCancel(ctx), a, c, result); err != nil {
		return seatwright.User{}, err
	}
	if result != seatwright.SignInSucceeded {
		return seatwright.User{}, seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidCredentials, "the user name or the password is wrong")
	}
	c.PasswordHash = ""
	return c.User, nil
}

// ownPassword reports whether somebody who is signed in knows their own password. It counts as a login does, so that nobody
// guesses here what they may not guess there; the change that follows a right one ends the count. The errors are those of Login,
// but for the wrong password.
func (l *Logins) ownPassword(ctx context.Context, caller seatwright.Caller, user seatwright.User, password string) (bool, error) {
	a, c := l.own(caller, user)
	return l.directory.passwords.verify(ctx, user.PasswordHash, password, func() error { return l.admit(ctx, a, c) })
}

// ownPasswordRefused records that the password was wrong.
func (l *Logins) ownPasswordRefused(ctx context.Context, caller seatwright.Caller, user seatwright.User) error {
	a, c := l.own(caller, user)
	return l.finish(context.WithoutCancel(ctx), a, c, seatwright.SignInWrongPassword)
}

func (l *Logins) own(caller seatwright.Caller, user seatwright.User) (Attempt, candidate) {
	return Attempt{Organization: user.Organization, Door: caller.Via, RequestID: caller.RequestID},
		candidate{User: user, chain: user.Organization, name: l.names.key(user.Organization, string(user.ID))}
}

func (l *Logins) candidate(ctx context.Context, a Attempt) (candidate, error) {
	c := candidate{chain: a.Organization}
	if c.chain == "" {
		c.chain = seatwright.HostID
	}
	if key, err := userNameKey(a.UserName); err == nil && key != "" {
		c.name = l.names.key(a.Organization, key)
		c.User, err = l.directory.reader.UserByName(ctx, a.Organization, key)
		if seatwright.IsKind(err, seatwright.KindNotFound) {
			c.User, err = seatwright.User{}, nil
		}
		return c, err
	}
	c.name = l.names.key(a.Organization, a.UserName) // nobody can have such a name
	return c, nil
}

// admit counts the attempt as a failure, or refuses it. For nobody the store does the same work and counts nothing.
func (l *Logins) admit(ctx context.Context, a Attempt, c candidate) error {
	var refused error
	if c.ID == "" {
		refused = l.names.admit(c.name)
	}
	_, err := ledger.Submit(ctx, l.directory.ledger, a.Origin(seatwright.AnonymousActor), seatwright.AdmitSignIn{
		Organization: c.chain, User: c.ID, Limits: l.limits.SignInLimits, Idle: refused != nil,
	})
	if errors.Is(err, seatwright.ErrStorageFull) {
		if err = nil; c.ID != "" {
			err = l.names.admit(c.name)
		}
	}
	if err != nil {
		return err
	}
	return refused
}

func (l *Logins) finish(ctx context.Context, a Attempt, c candidate, result seatwright.SignInResult) error {
	actor := seatwright.AnonymousActor
	if result == seatwright.SignInSucceeded {
		actor = seatwright.Principal{Kind: seatwright.PrincipalUser, ID: string(c.ID), Organization: c.Organization}.Actor()
	}
	_, err := ledger.Submit(ctx, l.directory.ledger, a.Origin(actor), seatwright.FinishSignIn{
		Organization: c.chain, User: c.ID, Result: result, From: a.From, Application: a.Application, Limits: l.limits.SignInLimits,
	})
	if errors.Is(err, seatwright.ErrStorageFull) {
		if result == seatwright.SignInSucceeded {
			l.names.forget(c.name)
		}
		return l.unrecorded(ctx, err, "user", string(c.ID), result)
	}
	return err
}

// Application records the sign-in of a program with its client id and secret, or that it was refused; one without an id stands
// for a client id that nobody has.
func (l *Logins) Application(ctx context.Context, a Attempt, application seatwright.Application, result seatwright.SignInResult) error {
	command := seatwright.SignInApplication{Organization: application.Organization, Application: application.ID, Result: result, From: a.From}
	if command.Application == "" {
		command.Organization = seatwright.HostID
	}
	actor := seatwright.AnonymousActor
	if result == seatwright.SignInSucceeded {
		actor = seatwright.Principal{Kind: seatwright.PrincipalApplication, ID: string(application.ID)}.Actor()
	}
	_, err := ledger.Submit(context.WithoutCancel(ctx), l.directory.ledger, a.Origin(actor), command)
	if errors.Is(err, seatwright.ErrStorageFull) {
		return l.unrecorded(ctx, err, "application", string(application.ID), result)
	}
	return err
}

// unrecorded logs what the store has no room for.
func (l *Logins) unrecorded(ctx context.Context, cause error, what, id string, result seatwright.SignInResult) error {
	l.log.WarnContext(ctx, "a sign-in is not recorded", what, id, "result", string(result), "error", cause)
	return nil
}

// ExternalPerson is what an identity provider that the organization trusts says about somebody, besides their user name.
type ExternalPerson struct {
	ExternalID  string // their key there
	Email       string // for whoever is created, as is the next
	DisplayName string
	Create      bool // make them a member where nobody has the user name
}

// External lets in whom another provider vouches for, and records it. They are found by their user name; somebody who has another
// key there is somebody else. Errors: unauthenticated/invalid_credentials for nobody, somebody else and an inactive person; those of
// the store.
func (l *Logins) External(ctx context.Context, a Attempt, e ExternalPerson) (seatwright.User, error) {
	refused := seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidCredentials, "nobody here is the person of the assertion")
	c, err := l.candidate(ctx, a)
	if err != nil {
		return seatwright.User{}, err
	}
	if c.ID == "" && e.Create && a.UserName != "" {
		created, err := l.directory.CreateUser(ctx, seatwright.SystemCaller("external"), a.Organization, NewUser{
			UserName: a.UserName, Email: e.Email, DisplayName: e.DisplayName, ExternalID: e.ExternalID, InvitationAccepted: true,
		})
		switch {
		case err == nil:
			c.User = created
		case !seatwright.IsReason(err, seatwright.ReasonDuplicate): // somebody may have been faster
			if seatwright.IsKind(err, seatwright.KindInvalid) {
				return seatwright.User{}, refused
			}
			return seatwright.User{}, err
		}
		if c.ID == "" {
			if c, err = l.candidate(ctx, a); err != nil {
				return seatwright.User{}, err
			}
		}
	}
	if c.ID == "" || c.ExternalID != "" && c.ExternalID != e.ExternalID {
		return seatwright.User{}, refused
	}
	result := seatwright.SignInSucceeded
	if !c.Active {
		result = seatwright.SignInUserIsNotActive
	}
	if err := l.finish(context.WithoutCancel(ctx), a, c, result); err != nil {
		return seatwright.User{}, err
	}
	if result != seatwright.SignInSucceeded {
		return seatwright.User{}, refused
	}
	c.PasswordHash = ""
	return c.User, nil
}
