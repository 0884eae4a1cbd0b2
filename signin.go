package seatwright

import (
	"strings"
	"time"
	"unicode"
)

// SignInResult says how a sign-in ended. The values are published.
// Source: API guide, enumeration LoginAttemptResult; those that cannot happen here are left out.
type SignInResult string

// The results of sign-ins.
const (
	SignInSucceeded       SignInResult = "success"
	SignInWrongPassword   SignInResult = "invalidPassword" // of a program: the wrong secret; also a person without a password
	SignInUserIsNotActive SignInResult = "userIsNotActive" // whatever the password was
)

// SignInFrom is where a sign-in came from.
type SignInFrom struct {
	Address string // of the client, or of the proxy before the server; empty: not known
	Agent   string // see CutAgent
}

// maxAgentBytes is how much is kept of what a client says that it is.
const maxAgentBytes = 200

// CutAgent makes of a User-Agent header what an event may hold: at most 200 bytes of printable text.
func CutAgent(header string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, header[:min(len(header), 4*maxAgentBytes)])
	if len(printable) <= maxAgentBytes {
		return printable
	}
	return strings.ToValidUTF8(printable[:maxAgentBytes], "")
}

// SignIn is the data of the events of sign-ins.
type SignIn struct {
	Result      SignInResult  `json:"result"`
	Address     string        `json:"address,omitempty"`
	Agent       string        `json:"agent,omitempty"`
	Application ApplicationID `json:"application,omitempty"` // through which a person came
	Failures    int64         `json:"failures,omitempty"`    // of the person, consecutive, those included that are under way
	LockedUntil *time.Time    `json:"lockedUntil,omitempty"` // the account is locked from now on
	Suppressed  int64         `json:"suppressed,omitempty"`  // refusals of the same program before, without an event of their own
}

// SignInLimits say how many wrong passwords one person may have. In all of them 0 means any number.
type SignInLimits struct {
	PerMinute int64         // in the minute that begins with a failure
	LockAfter int64         // consecutive: the account is locked then
	LockFor   time.Duration // the first time, at least a second; twice as long after every further failure, up to longestLock
}

// longestLock bounds the doubling: whoever keeps an account locked from outside must not be able to close it for ever.
const longestLock = 24 * time.Hour

// SignIns is what is known of the sign-ins of one person, so that no event has to be searched for.
type SignIns struct {
	Organization   OrganizationID
	User           UserID
	LastAt         time.Time // of the last one that succeeded; zero: none has
	Failures       int64     // consecutive ones, those included that are under way
	FailedAt       time.Time // of the last of them; zero: there is none
	WindowAt       time.Time // the minute that begins here
	WindowFailures int64     // has seen so many failures
}

// lockedUntil is the end of the lock; it may have passed.
func (s SignIns) lockedUntil(l SignInLimits) (end time.Time, locked bool) {
	if l.LockAfter <= 0 || s.Failures < l.LockAfter {
		return time.Time{}, false
	}
	lock := l.LockFor
	for doubled := l.LockAfter; doubled < s.Failures && lock < longestLock; doubled++ {
		lock *= 2
	}
	return s.FailedAt.Add(min(lock, longestLock)), true
}

// Admit counts an attempt as a failure before its password is looked at: so no number of attempts at the same time gets more
// passwords compared than the limits allow. One that succeeds gives everything back. The error, rate_limited/too_many_failures,
// says how long to wait; then nothing is counted.
func (s SignIns) Admit(l SignInLimits, now time.Time) (SignIns, error) {
	if end, locked := s.lockedUntil(l); locked && now.Before(end) {
		return s, tooManyFailures(end.Sub(now))
	}
	if now.Sub(s.WindowAt) >= time.Minute || s.WindowAt.After(now) {
		s.WindowAt, s.WindowFailures = now, 0
	}
	if l.PerMinute > 0 && s.WindowFailures >= l.PerMinute {
		return s, tooManyFailures(s.WindowAt.Add(time.Minute).Sub(now))
	}
	s.Failures, s.FailedAt, s.WindowFailures = s.Failures+1, now, s.WindowFailures+1
	return s, nil
}

// tooManyFailures is one answer for whoever has failed too often, whether they exist or not.
func tooManyFailures(wait time.Duration) *Error {
	e := NewError(KindRateLimited, ReasonTooManyFailures, "too many logins have failed: wait before the next one")
	e.RetryAfter = wait
	return e
}

// AdmitSignIn asks whether the password of a person may be looked at, and counts the attempt as a failure if so. Bookkeeping:
// it has no event. Errors: not_found/organization_not_found, rate_limited/too_many_failures.
type AdmitSignIn struct {
	Organization OrganizationID // that of the host where none was found
	User         UserID         // empty: nobody has that name
	Limits       SignInLimits
	Idle         bool // nobody, and refused by a count that is kept elsewhere: takes as long as refusing somebody
}

func (c AdmitSignIn) Operation() string { return "sign_in.admit" }

func (c AdmitSignIn) Touches() []Touch { return touchSignIns(c.Organization, c.User) }

func (c AdmitSignIn) Weight() int { return 1 }

// Decide answers nothing: whoever gets no error may look at the password.
func (c AdmitSignIn) Decide(s *Slice, _ Origin) (struct{}, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return struct{}{}, err
	}
	before, exists := o.signIns[c.User]
	if !exists {
		o.rewriteHead = o.rewriteHead || !c.Idle
		return struct{}{}, nil
	}
	after, err := before.Admit(c.Limits, o.now)
	if err == nil {
		o.putSignIns(after)
	}
	return struct{}{}, err
}

func touchSignIns(organization OrganizationID, user UserID) []Touch {
	return []Touch{{Organization: organization, SignIns: []UserID{user}}} // nobody is looked up as well, which takes as long
}

// FinishSignIn records how a sign-in of a person ended that AdmitSignIn has let in. Success ends the count of failures.
// Errors: not_found/organization_not_found.
type FinishSignIn struct {
	Organization OrganizationID // that of the host where none was found
	User         UserID         // empty: nobody has that name; there is no event then
	Result       SignInResult
	From         SignInFrom
	Application  ApplicationID // through which the person came; empty: none
	Limits       SignInLimits
}

func (c FinishSignIn) Operation() string { return "sign_in.finish" }

func (c FinishSignIn) Touches() []Touch { return touchSignIns(c.Organization, c.User) }

func (c FinishSignIn) Weight() int { return 1 }

// Decide answers nothing.
func (c FinishSignIn) Decide(s *Slice, origin Origin) (struct{}, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return struct{}{}, err
	}
	signIns, exists := o.signIns[c.User]
	if !exists {
		// Writing the end of the chain as it is takes as long as an event: how long a login takes must not tell who exists.
		o.rewriteHead = true
		return struct{}{}, nil
	}
	data := SignIn{Result: c.Result, Address: c.From.Address, Agent: c.From.Agent, Application: c.Application}
	if c.Result == SignInSucceeded {
		signIns = SignIns{Organization: c.Organization, User: c.User, LastAt: o.now}
		o.putSignIns(signIns)
		return struct{}{}, s.record(o, origin, EventUserSignedIn, string(c.User), data)
	}
	data.Failures = signIns.Failures
	if end, locked := signIns.lockedUntil(c.Limits); locked && o.now.Before(end) {
		data.LockedUntil = &end
	}
	return struct{}{}, s.record(o, origin, EventUserSignInRefused, string(c.User), data)
}

// unlock ends the count of failures of a person who has got another password: the guesses were at the old one.
func (o *organizationSlice) unlock(user UserID) {
	if s := o.signIns[user]; s.Failures > 0 {
		o.putSignIns(SignIns{Organization: s.Organization, User: s.User, LastAt: s.LastAt})
	}
}

// SignInApplication records a sign-in of a program with its client id and secret. Of those that are refused at most
// RefusalsPerSecond have an event of their own. Errors: not_found/organization_not_found.
type SignInApplication struct {
	Organization OrganizationID // that of the host where no program was found
	Application  ApplicationID  // empty: there is none with that id; there is no event then
	Result       SignInResult
	From         SignInFrom
}

func (c SignInApplication) Operation() string { return "sign_in.application" }

func (c SignInApplication) Touches() []Touch { return []Touch{{Organization: c.Organization}} }

func (c SignInApplication) Weight() int { return 1 }

// Decide answers nothing.
func (c SignInApplication) Decide(s *Slice, origin Origin) (struct{}, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return struct{}{}, err
	}
	data := SignIn{Result: c.Result, Address: c.From.Address, Agent: c.From.Agent}
	if c.Result == SignInSucceeded {
		return struct{}{}, s.record(o, origin, EventApplicationSignedIn, string(c.Application), data)
	}
	record, untold := s.refusals.admit(refusalKey{organization: c.Organization, application: c.Application, signIn: true}, s.now)
	switch {
	case !record:
		return struct{}{}, nil
	case c.Application == "":
		o.rewriteHead = true
		return struct{}{}, nil
	}
	data.Suppressed = untold
	return struct{}{}, s.record(o, origin, EventApplicationSignInRefused, string(c.Application), data)
}

// AnonymousActor is the actor of a sign-in that was refused: nobody has proven who they are.
const AnonymousActor = "anonymous"

// LoadSignIns adds what is known of the sign-ins of a person, nothing but who they are where there was none. One that is not
// added does not exist.
func (s *Slice) LoadSignIns(signIns SignIns) {
	put(&s.at(signIns.Organization).signIns, signIns.User, signIns)
}

func (o *organizationSlice) putSignIns(signIns SignIns) {
	put(&o.signIns, signIns.User, signIns)
	put(&o.changedSignIns, signIns.User, true)
}

func (r Replayed) signIn(e Event, signIn SignIn, differs func(format string, args ...any)) {
	user, known := r.users[UserID(e.Subject)]
	switch {
	case !known:
		differs("tells of a sign-in of %s, who was not created", e.Subject)
	case (signIn.Result == SignInSucceeded) != (e.Kind == EventUserSignedIn):
		differs("is %s, with the result %s", e.Kind, signIn.Result)
	case e.Kind == EventUserSignedIn:
		user.signedIn, user.failures = e.At, 0
	default:
		user.failures = signIn.Failures
	}
}

// takeSignIns compares the last sign-in and the failures since. Attempts that never ended are counted and have no event.
func (c *organizationCheck) takeSignIns(id UserID, last time.Time, failures int64) {
	u := c.person("sign-ins", id)
	u.counted = true
	told := u.signedIn
	if told.IsZero() {
		told = instant(0)
	}
	if !told.Equal(last) || failures < u.failures {
		c.differ("sign-ins of user %s: stored as the last at %s and %d failures since; by the events at %s, and at least %d",
			id, moment(last), failures, moment(told), u.failures)
	}
}

// missesSignIns reports that the events know of sign-ins, and the store does not.
func (u *replayedUser) missesSignIns() bool {
	return !u.counted && (!u.signedIn.IsZero() || u.failures > 0)
}
