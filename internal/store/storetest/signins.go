package storetest

import (
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

var signInLimits = seatwright.SignInLimits{PerMinute: 3, LockAfter: 5, LockFor: time.Minute}

// signIn is one whole attempt.
func (f *fixture) signIn(user seatwright.UserID, result seatwright.SignInResult) error {
	f.Helper()
	if _, err := decide(f, seatwright.AdmitSignIn{Organization: "a", User: user, Limits: signInLimits}); err != nil {
		return err
	}
	_, err := decide(f, seatwright.FinishSignIn{Organization: "a", User: user, Result: result, Limits: signInLimits})
	return err
}

// Promise: what is counted of a person's sign-ins is the same for whoever asks next.
func countsFailedSignIns(f *fixture) {
	f.organization("a", 2, 0)
	fail := func() error { return f.signIn("u-1", seatwright.SignInWrongPassword) }
	for range 3 {
		f.must(nil, fail())
	}
	f.clock.advance(59 * time.Second)
	f.wantReason(fail(), seatwright.ReasonTooManyFailures)
	f.must(nil, f.signIn("u-2", seatwright.SignInSucceeded)) // somebody else
	f.clock.advance(time.Second)
	f.must(nil, fail())
	f.must(nil, fail())
	f.wantReason(fail(), seatwright.ReasonTooManyFailures) // locked, by the fifth
	f.clock.advance(time.Minute)
	f.must(nil, fail())
	f.clock.advance(time.Minute)
	err := fail() // the second lock is twice as long
	if e := seatwright.AsError(err); e == nil || e.RetryAfter != time.Minute {
		f.Errorf("after the sixth failure: %v, want to wait another minute", err)
	}
	f.clock.advance(time.Minute)
	f.must(nil, f.signIn("u-1", seatwright.SignInSucceeded))
	for range 3 {
		f.must(nil, fail()) // counted from the beginning
	}
	last, err := f.store.LastSignIns(ctx, "a", []seatwright.UserID{"u-1", "u-2", "nobody"})
	f.must(nil, err)
	begin := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	if len(last) != 2 || !last["u-1"].Equal(begin.Add(4*time.Minute)) || !last["u-2"].Equal(begin.Add(59*time.Second)) {
		f.Errorf("the last sign-ins are %v", last)
	}
}

// Promise: another password ends a lock, and nothing else that is changed of a person does.
func anotherPasswordUnlocks(f *fixture) {
	f.organization("a", 0, 0)
	f.must(decide(f, seatwright.CreateUser{User: seatwright.User{Organization: "a", ID: "u-1", UserName: "ann", Role: seatwright.RoleMember}, UserNameKey: "ann", PasswordHash: "old"}))
	lock := func() {
		f.Helper()
		for range 3 {
			f.must(nil, f.signIn("u-1", seatwright.SignInWrongPassword))
		}
		f.wantReason(f.signIn("u-1", seatwright.SignInSucceeded), seatwright.ReasonTooManyFailures)
	}
	lock()
	name := "Lee"
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-1", LastName: &name}))
	f.wantReason(f.signIn("u-1", seatwright.SignInSucceeded), seatwright.ReasonTooManyFailures)
	f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-1", PasswordHash: "new"}))
	lock()
	f.must(decide(f, seatwright.ChangePassword{Organization: "a", User: "u-1", OldHash: "new", PasswordHash: "newer"}))
	f.must(nil, f.signIn("u-1", seatwright.SignInSucceeded))
}

func listsSignIns(f *fixture) {
	f.organization("a", 3, 1)
	f.organization("b", 1, 0)
	f.must(nil, f.signIn("u-1", seatwright.SignInWrongPassword))
	f.clock.advance(time.Hour)
	since := f.clock.Now()
	f.must(nil, f.signIn("u-1", seatwright.SignInUserIsNotActive))
	f.must(nil, f.signIn("u-2", seatwright.SignInSucceeded))
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.must(nil, f.signIn("u-1", seatwright.SignInSucceeded))

	all := f.events("a")
	for _, c := range []struct {
		organization  seatwright.OrganizationID
		user          seatwright.UserID
		since         time.Time
		offset, limit int
		total         int64
		sequences     []int64
	}{
		{"a", "u-1", time.Time{}, 0, 10, 3, []int64{10, 7, 6}},
		{"a", "u-1", time.Time{}, 1, 1, 3, []int64{7}},
		{"a", "u-1", time.Time{}, 3, 10, 3, nil},
		{"a", "u-1", time.Time{}, 0, 0, 3, nil},
		{"a", "u-1", since, 0, 10, 2, []int64{10, 7}},
		{"a", "u-2", time.Time{}, 0, 10, 1, []int64{8}},
		{"a", "u-3", time.Time{}, 0, 10, 0, nil},
		{"b", "u-1", time.Time{}, 0, 10, 0, nil},
		{"none", "u-1", time.Time{}, 0, 10, 0, nil},
	} {
		events, total, err := f.store.SignIns(ctx, c.organization, c.user, c.since, c.offset, c.limit)
		f.must(nil, err)
		var sequences []int64
		for _, e := range events {
			sequences = append(sequences, e.Sequence)
			if want := all[e.Sequence-1]; !slices.Equal(e.Hash, want.Hash) || !slices.Equal(e.Hash, e.Digest()) {
				f.Errorf("event %d is listed as %+v", e.Sequence, e)
			}
		}
		if total != c.total || !slices.Equal(sequences, c.sequences) {
			f.Errorf("%+v: events %v of %d", c, sequences, total)
		}
	}
}

// Guards against telling people from nobody by the time that a login takes: the end of the chain is written for nobody as well.
func signInOfNobody(f *fixture) {
	f.organization("a", 1, 0)
	before := f.events("a")
	written := 0
	for _, c := range []seatwright.AdmitSignIn{
		{Organization: "a"}, {Organization: "a", User: "gone"}, {Organization: "a", Idle: true},
	} {
		f.must(decide(f, c))
		f.must(nil, f.store.Update(ctx, seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
			_, err := c.Decide(s, seatwright.Origin{})
			written += len(s.Changes().Heads)
			return err
		}))
	}
	f.must(decide(f, seatwright.FinishSignIn{Organization: "a", Result: seatwright.SignInWrongPassword}))
	if after := f.events("a"); written != 2 || len(after) != len(before) {
		f.Errorf("%d heads were written and %d events; want 2 and none", written, len(after)-len(before))
	}
	f.must(nil, f.signIn("u-1", seatwright.SignInSucceeded))
}
