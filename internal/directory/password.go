package directory

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/seatwright/seatwright"
)

// maxPasswordBytes is the most that is hashed. Passwords that are set have less, see seatwright.PasswordRules.
const maxPasswordBytes = 1024

// Passwords hashes and verifies passwords with argon2id. A hash takes 19 MiB and some 30 ms of a core, so only a few run
// at the same time and only some callers may wait; the others are sent away. It may be used from many goroutines.
type Passwords struct {
	slots   chan struct{}
	queue   int64
	waiting atomic.Int64
	hashes  atomic.Int64
}

// Defaults of [NewPasswords].
const (
	defaultWorkers = 2
	defaultQueue   = 32
)

// NewPasswords lets at most workers hashes run at once while at most queue callers wait. Zero or less means the default: 2
// and 32.
func NewPasswords(workers, queue int) *Passwords {
	if workers <= 0 {
		workers = defaultWorkers
	}
	if queue <= 0 {
		queue = defaultQueue
	}
	return &Passwords{slots: make(chan struct{}, workers), queue: int64(queue)}
}

// Hashes is how many hashes were computed since the start: what logins have cost.
func (p *Passwords) Hashes() int64 { return p.hashes.Load() }

// Hash returns a PHC string for a password. Errors: invalid/invalid_value for more than 1,024 bytes;
// rate_limited/overloaded where too many callers wait; unavailable/overloaded where ctx ends while waiting.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > maxPasswordBytes {
		return "", seatwright.Invalid(seatwright.ReasonInvalidValue, "a password has at most %d bytes", maxPasswordBytes).In("password")
	}
	h := phc{memory: 19 * 1024, time: 2, threads: 1, salt: make([]byte, 16), sum: make([]byte, 32)}
	rand.Read(h.salt) // never fails: crypto/rand ends the program instead
	if err := p.acquire(ctx); err != nil {
		return "", err
	}
	defer p.release()
	h.sum = p.compute(h, password)
	return h.String(), nil
}

// Verify reports whether hash was made from password. An empty hash (no such person, or none with a local password) and a
// password of more than 1,024 bytes cost the same work and are false. Errors are those of waiting, as for Hash, and
// internal where a stored hash is damaged.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	return p.verify(ctx, hash, password, func() error { return nil })
}

// verify is Verify, with a last question before the work begins. Where that has an error nothing is computed.
func (p *Passwords) verify(ctx context.Context, hash, password string, admit func() error) (bool, error) {
	possible := hash != "" && len(password) <= maxPasswordBytes
	if !possible {
		hash, password = dummyHash, ""
	}
	h, err := parsePHC(hash)
	if err != nil {
		return false, seatwright.Internal(err)
	}
	if err := p.acquire(ctx); err != nil {
		return false, err
	}
	defer p.release()
	if err := admit(); err != nil {
		return false, err
	}
	same := subtle.ConstantTimeCompare(p.compute(h, password), h.sum) == 1
	return same && possible, nil
}

func (p *Passwords) compute(h phc, password string) []byte {
	p.hashes.Add(1)
	return h.compute(password)
}

func (p *Passwords) acquire(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > p.queue {
		return tooManyLogins()
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return seatwright.Unavailable(seatwright.ReasonOverloaded, ctx.Err(), "the request ended before the password could be checked")
	}
}

func tooManyLogins() error {
	e := seatwright.NewError(seatwright.KindRateLimited, seatwright.ReasonOverloaded, "too many logins at the same time")
	e.RetryAfter = time.Second
	return e
}

// share is how many of the logins at the same time may be of one client address: half, so that nobody keeps all others out.
func (p *Passwords) share() int { return max(1, (cap(p.slots)+int(p.queue))/2) }

func (p *Passwords) release() { <-p.slots }

// dummyHash has today's parameters. Its salt and sum are zero bytes: what it is compared with does not matter.
const dummyHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// phc is a parsed argon2id PHC string. Source: the PHC string format, and RFC 9106 for the meaning of the parameters.
type phc struct {
	memory  uint32 // KiB
	time    uint32 // passes
	threads uint8
	salt    []byte
	sum     []byte
}

func (h phc) compute(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.sum)))
}

func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.sum))
}

// parsePHC reads the parameters back. They are bounded, so that an imported hash can neither take all memory nor all time.
func parsePHC(s string) (phc, error) {
	var h phc
	var version int
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errors.New("read password hash: not an argon2id PHC string")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, errors.New("read password hash: not version 19")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, fmt.Errorf("read password hash: parameters: %w", err)
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return h, fmt.Errorf("read password hash: salt: %w", err)
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return h, fmt.Errorf("read password hash: sum: %w", err)
	}
	const mostMemory, mostTime, mostThreads = 256 * 1024, 16, 16
	if h.memory < 8 || h.memory > mostMemory || h.time < 1 || h.time > mostTime || h.threads < 1 || h.threads > mostThreads ||
		len(h.salt) < 8 || len(h.salt) > 64 || len(h.sum) < 16 || len(h.sum) > 64 {
		return h, errors.New("read password hash: a parameter is out of range")
	}
	if h.String() != s {
		return h, errors.New("read password hash: not the canonical spelling")
	}
	return h, nil
}
