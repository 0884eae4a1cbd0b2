package seatwright

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Promise: at most ten passwords of a person are compared in a minute, at most a hundred in a row, and then one after each
// lock, which is twice as long every time and a day at most.
func TestSignInsAreAdmittedUpToTheLimits(t *testing.T) {
	limits := SignInLimits{PerMinute: 10, LockAfter: 100, LockFor: 5 * time.Minute}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var s SignIns
	attempt := func() time.Duration {
		after, err := s.Admit(limits, now)
		if s = after; err == nil {
			return 0
		}
		if !IsKind(err, KindRateLimited) || !IsReason(err, ReasonTooManyFailures) {
			t.Fatal(err)
		}
		return AsError(err).RetryAfter
	}
	for minute := range 10 {
		for i := range 10 {
			if wait := attempt(); wait != 0 {
				t.Fatalf("attempt %d of minute %d has to wait %s", i, minute, wait)
			}
			now = now.Add(time.Second)
		}
		wait := attempt()
		if want := 50 * time.Second; wait != want && minute < 9 {
			t.Fatalf("after ten failures in minute %d: wait %s, want %s", minute, wait, want)
		}
		if minute < 9 {
			now = now.Add(wait)
		}
	}
	for i, minutes := range []int{5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440} {
		want := time.Duration(minutes) * time.Minute
		if i == 0 {
			want -= time.Second // the clock went on after the last failure
		}
		if wait := attempt(); wait != want {
			t.Fatalf("lock %d lasts %s, want %s", i, wait, want)
		}
		now = now.Add(want)
		if wait := attempt(); wait != 0 {
			t.Fatalf("after lock %d: wait %s", i, wait)
		}
	}
	if s.Failures != 112 {
		t.Errorf("%d failures were counted; those that had to wait must not be", s.Failures)
	}
}

func TestSignInsWithoutLimitsAreAdmitted(t *testing.T) {
	s := SignIns{}
	for range 1000 {
		after, err := s.Admit(SignInLimits{}, time.Now())
		if s = after; err != nil {
			t.Fatal(err)
		}
	}
}

// Guards against a clock that goes back: a window of the future does not keep anybody out for longer than a minute.
func TestAWindowOfTheFutureIsForgotten(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := SignIns{WindowAt: now.Add(time.Hour), WindowFailures: 10, Failures: 10}
	if _, err := s.Admit(SignInLimits{PerMinute: 10}, now); err != nil {
		t.Error(err)
	}
}

// Guards the events and the log against what clients say that they are.
func TestCutAgent(t *testing.T) {
	for header, want := range map[string]string{
		"curl/8.5": "curl/8.5", "": "", "a\r\nb\x1b[31m\x00": "ab[31m", "\xff\xfeM\xc3": "M",
		strings.Repeat("x", 9000): strings.Repeat("x", 200), "x" + strings.Repeat("é", 150): "x" + strings.Repeat("é", 99),
	} {
		if got := CutAgent(header); got != want || !utf8.ValidString(got) {
			t.Errorf("CutAgent(%.20q) = %q, want %q", header, got, want)
		}
	}
}

// Promise: nobody fills the chain by guessing the secret of a program: ten refusals in a second have events, the others a count.
func TestRefusedProgramsAreCounted(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	meter := &RefusalMeter{}
	events := []Event{}
	run := func(decide func(*Slice) error) {
		s := NewSlice(now)
		s.LoadOrganization(Organization{ID: "a"}, Head{Organization: "a", Hash: NoHash()}, false)
		meter = s.MeterRefusals(meter)
		if err := decide(s); err != nil {
			t.Fatal(err)
		}
		events = append(events, s.Changes().Events...)
	}
	for _, application := range []ApplicationID{"app", ""} {
		run(func(s *Slice) error {
			for range 50 {
				if _, err := (SignInApplication{Organization: "a", Application: application, Result: SignInWrongPassword}).Decide(s, Origin{Actor: AnonymousActor}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	now = now.Add(time.Second)
	run(func(s *Slice) error {
		_, err := CountRefusals{Organizations: meter.Untold(now)}.Decide(s, Origin{})
		return err
	})
	if len(events) != 11 {
		t.Fatalf("%d events, want ten and a count", len(events))
	}
	last := events[10]
	if last.Kind != EventApplicationSignInRefused || last.Subject != "app" || last.Actor != AnonymousActor ||
		string(last.Data) != `{"result":"invalidPassword","suppressed":40}` {
		t.Errorf("the count is %+v with %s", last, last.Data)
	}
}
