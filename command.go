package seatwright

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// Command is one durable change with an answer of type A. It is data: the ledger may decide it more than once, on a fresh
// slice each time, until a decision is committed.
type Command[A any] interface {
	// Operation names the command in fingerprints; stable across releases.
	Operation() string
	// Touches says what the decision reads and writes. The first entry is the organization that the command belongs to.
	Touches() []Touch
	// Weight is the number of user-code pairs that the command may write, at least 1.
	Weight() int
	// Decide is pure: it looks only at the slice, changes it through its methods, and answers. When it returns an error it
	// has changed nothing but the record of the refusal.
	Decide(s *Slice, o Origin) (A, error)
}

// GivesBack reports that a command can only take units from people, whatever it finds. Stores keep room for such commands, so
// that a full disk does not keep an administrator from it.
func GivesBack[A any](c Command[A]) bool {
	switch c := any(c).(type) {
	case DeallocateUsers, DeleteUsers, RevokeLeases, ReleaseLeases, SweepLeases, ReleaseUnits, SweepUnits, RemoveServices, RemoveOrganizationLicense:
		return true
	case AllocateToUsers:
		return len(c.Codes) == 0
	}
	return false
}

// Touch names the rows of one organization that a command needs. A store locks the head of the organization first.
type Touch struct {
	Organization OrganizationID
	Users        []UserID       // each with direct record and seats
	WholeUsers   []UserID       // those of Users of whom the decision needs everything; the active administrators are counted then
	Codes        []ProductCode  // their pools; the pools of codes that the users hold are loaded as well
	Lots         bool           // all lots of Codes, not only those of stale pools
	AllLots      bool           // all pools of the organization, each with all of its lots
	Services     []PoolScope    // what these services have, with what they were refused; an empty service stands for all of the tenant, without that
	Denied       []Denied       // what these were refused: the latest denials of each code that are not satisfied
	UnitLeases   []UnitLeaseRef // each with the pool of its service, with whether there is such a tenant, and with the term of the product as LoadTerm says
	PastUnits    []ProductCode  // the leases of these that have ended by themselves, MaxPastUnits of each at most, and the services' pools whose periods have, all with these pools, the latter with the term too
	Groups       []GroupID
	Robots       []RobotAccountID
	Memberships  []MembershipRef
	Settings     []SettingRef
	Notices      []NoticeRef
	LicenseFiles []LicenseFileID
	SignIns      []UserID // whose sign-ins
	GroupsOf     []UserID // all memberships of theirs
	Rules        bool     // the rules of Groups, of the groups in GroupsOf, and of the built-in ones
	Sessions     []SessionID
	SessionsOf   []UserID // all sessions of theirs, MaxSessions at most
	Applications []ApplicationID
	Grants       []GrantID

	// Names and ids that must be free. They are looked up in the organization, application ids and organization names in
	// the whole installation.
	UserNameKeys         []string
	GroupNameKeys        []string
	RobotNameKeys        []string
	ExternalIDs          []string
	TenantNameKeys       []string
	Tenants              []TenantID
	LotIDs               []LotID
	OrganizationNameKeys []string
	ApplicationIDs       []ApplicationID
}

// Origin says where a command comes from.
type Origin struct {
	Actor     string // see Principal.Actor
	Via       string // the door
	RequestID string
	Key       string // idempotency key; empty: none
}

// SystemActor is the actor of what the server does on its own.
const SystemActor = "system"

// KeyLife is how long the first answer to an idempotency key is repeated.
const KeyLife = 24 * time.Hour

// KeyRef is the whole name of an idempotency key: keys of different organizations or principals never meet.
type KeyRef struct {
	Organization OrganizationID
	Principal    string // an actor
	Key          string
}

// KeyRecord is a stored answer. Fingerprint is of the command that was answered.
type KeyRecord struct {
	KeyRef
	Fingerprint []byte
	Answer      []byte // a storedAnswer as JSON
	CreatedAt   time.Time
}

type storedAnswer[A any] struct {
	Error  *Error `json:"error,omitempty"`
	Answer A      `json:"answer"`
}

// Key is the idempotency key that a command is sent with, and what tells the command from others with the same key.
type Key struct {
	KeyRef
	Fingerprint []byte
}

// KeyOf returns the idempotency key that a command is sent with, nil where there is none. It fails where a command cannot be written
// as JSON.
func KeyOf[A any](c Command[A], o Origin) (*Key, error) {
	if o.Key == "" {
		return nil, nil
	}
	organization := c.Touches()[0].Organization
	sum, err := fingerprint(c, organization)
	if err != nil {
		return nil, err
	}
	key := &Key{KeyRef{Organization: organization, Principal: o.Actor, Key: o.Key}, sum}
	if planted.Bug(planted.KeyOfAnybody) {
		key.Principal = ""
	}
	return key, nil
}

// fingerprint tells commands apart that carry the same idempotency key: SHA-256 over operation, organization and command.
// Fields that are secret or made up by the server are left out of a command's JSON.
func fingerprint[A any](c Command[A], organization OrganizationID) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	for _, part := range [...]string{c.Operation(), string(organization)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	h.Write(body)
	return h.Sum(nil), nil
}

// Decide answers one command on the slice. A command whose idempotency key is known gets the first answer again, refusals
// included, or conflict/idempotency_key_reused if it is another command than the first. The key is that of KeyOf.
func Decide[A any](s *Slice, o Origin, c Command[A], key *Key) (A, error) {
	if key != nil {
		if known, ok := s.key(key.KeyRef); ok {
			return replay[A](known, key.Fingerprint)
		}
	}
	answer, err := c.Decide(s, o)
	if key == nil || planted.Bug(planted.NoKeyRecord) {
		return answer, err
	}
	stored := storedAnswer[A]{Answer: answer}
	if err != nil {
		refusal := *AsError(err)
		if refusal.Kind == KindInternal || refusal.Reason == ReasonOrganizationNotFound {
			return answer, err
		}
		refusal.RequestID = o.RequestID
		stored.Error = &refusal
	}
	body, marshalErr := json.Marshal(stored)
	if marshalErr != nil {
		return answer, Internal(marshalErr)
	}
	s.putKey(KeyRecord{KeyRef: key.KeyRef, Fingerprint: key.Fingerprint, Answer: body, CreatedAt: s.now})
	return answer, err
}

func replay[A any](known KeyRecord, fingerprint []byte) (A, error) {
	var stored storedAnswer[A]
	if string(known.Fingerprint) != string(fingerprint) && !planted.Bug(planted.KeyOfAnyCommand) {
		return stored.Answer, NewError(KindConflict, ReasonKeyReused, "this Idempotency-Key belongs to another request")
	}
	if err := json.Unmarshal(known.Answer, &stored); err != nil {
		return stored.Answer, Internal(err)
	}
	if stored.Error != nil {
		return stored.Answer, stored.Error
	}
	return stored.Answer, nil
}
