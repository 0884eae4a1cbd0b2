package directory

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatwright/seatwright"
)

func TestPasswordHashVerifiesOnlyItsPassword(t *testing.T) {
	t.Parallel()
	p := NewPasswords(0, 0)
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash = %q", hash)
	}
	again, err := p.Hash(t.Context(), "correct horse")
	if err != nil || again == hash {
		t.Errorf("second hash = %q, %v; want another salt", again, err)
	}
	for password, want := range map[string]bool{
		"correct horse": true, "Correct horse": false, "correct horse ": false, "": false,
		strings.Repeat("x", maxPasswordBytes): false, strings.Repeat("x", maxPasswordBytes+1): false,
	} {
		if got, err := p.Verify(t.Context(), hash, password); got != want || err != nil {
			t.Errorf("Verify(%.20q) = %t, %v", password, got, err)
		}
	}
}

func TestPasswordParametersAreReadBackFromTheHash(t *testing.T) {
	t.Parallel()
	h := phc{memory: 64, time: 1, threads: 2, salt: []byte("01234567"), sum: make([]byte, 16)}
	h.sum = h.compute("weak parameters")
	p := NewPasswords(1, 1)
	if ok, err := p.Verify(t.Context(), h.String(), "weak parameters"); !ok || err != nil {
		t.Errorf("Verify = %t, %v", ok, err)
	}
}

// Guards against enumeration: without a hash the same work is done, and nothing fits, not even the empty password.
func TestPasswordOfNobodyCostsTheSameWorkAndIsFalse(t *testing.T) {
	t.Parallel()
	dummy, err := parsePHC(dummyHash)
	if err != nil {
		t.Fatal(err)
	}
	made, err := NewPasswords(1, 1).Hash(t.Context(), "whatever")
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := parsePHC(made)
	if err != nil {
		t.Fatal(err)
	}
	if dummy.memory != fresh.memory || dummy.time != fresh.time || dummy.threads != fresh.threads ||
		len(dummy.salt) != len(fresh.salt) || len(dummy.sum) != len(fresh.sum) {
		t.Errorf("dummy %+v differs from fresh %+v", dummy, fresh)
	}
	for _, password := range []string{"", "secret"} {
		if ok, err := NewPasswords(1, 1).Verify(t.Context(), "", password); ok || err != nil {
			t.Errorf("Verify(no hash, %q) = %t, %v", password, ok, err)
		}
	}
}

func TestPasswordHashRefusesWhatIsTooLong(t *testing.T) {
	t.Parallel()
	_, err := NewPasswords(1, 1).Hash(t.Context(), strings.Repeat("x", maxPasswordBytes+1))
	if e := seatwright.AsError(err); e == nil || e.Reason != seatwright.ReasonInvalidValue || e.Field != "password" {
		t.Errorf("err = %v", err)
	}
}

func TestPasswordVerifyReportsDamagedHashes(t *testing.T) {
	t.Parallel()
	p := NewPasswords(1, 1)
	for _, hash := range []string{
		"plain", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=16$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=1x$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=019456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=1$A$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$!",
	} {
		if ok, err := p.Verify(t.Context(), hash, "secret"); ok || !seatwright.IsKind(err, seatwright.KindInternal) {
			t.Errorf("Verify(%q) = %t, %v", hash, ok, err)
		}
	}
}

// Guards the memory of the server: beyond workers and queue callers are sent away at once, and those who wait can leave.
func TestPasswordQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPasswords(1, 1)
		if err := p.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := p.Verify(ctx, "", "secret")
			left <- err
		}()
		synctest.Wait()

		_, err := p.Hash(t.Context(), "secret")
		e := seatwright.AsError(err)
		if e == nil || e.Kind != seatwright.KindRateLimited || e.Reason != seatwright.ReasonOverloaded || e.RetryAfter != time.Second {
			t.Errorf("third caller got %v", err)
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiting caller got %v, want the end of its context", err)
		}
		p.release()
		if ok, err := p.Verify(t.Context(), "", "secret"); ok || err != nil {
			t.Errorf("after the rush: %t, %v", ok, err)
		}
	})
}
