package seatwright

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// EventKind says what happened. Kinds are stable; a change of the data's shape is a new version of the kind.
type EventKind string

// The kinds of event. The subject is the id of the thing in the first word.
const (
	EventOrganizationCreated EventKind = "organization.created"
	EventOrganizationUpdated EventKind = "organization.updated" // data: Policies
	EventTenantCreated       EventKind = "tenant.created"
	EventUserCreated         EventKind = "user.created"
	EventUserUpdated         EventKind = "user.updated"          // data: UserUpdated
	EventUserPasswordChanged EventKind = "user.password_changed" // by themself
	EventUserDeleted         EventKind = "user.deleted"
	EventApplicationCreated  EventKind = "application.created" // data: ApplicationState, as for the next
	EventApplicationUpdated  EventKind = "application.updated" // its secrets included
	EventApplicationDeleted  EventKind = "application.deleted"
	EventGrantCreated        EventKind = "grant.created" // data: GrantState, as for the next three
	EventGrantRenewed        EventKind = "grant.renewed" // a personal token
	EventGrantDeleted        EventKind = "grant.deleted" // a personal token
	EventGrantRevoked        EventKind = "grant.revoked"
	EventLotCreated          EventKind = "lot.created" // data: LotCreated, as for the next
	EventLotChanged          EventKind = "lot.changed"
	EventLotRemoved          EventKind = "lot.removed"      // data: LotRemoved
	EventLicenseImported     EventKind = "license.imported" // subject: a license file; data: LicenseImported
	EventLicenseDeactivated  EventKind = "license.deactivated"
	EventPoolTotalChanged    EventKind = "pool.total_changed"   // by the clock; subject: empty; data: PoolsChanged
	EventNoticeTold          EventKind = "notice.told"          // subject: a lot or a code; data: NoticeTold
	EventNoticeEnded         EventKind = "notice.ended"         // what was told does not hold any more; data: NoticeEnded
	EventDistributionSet     EventKind = "distribution.set"     // subject: the organization, in its chain and in the host's; data: DistributionSet, as for the next two
	EventDistributionAligned EventKind = "distribution.aligned" // its windows follow those of the host's lots; in the organization's chain alone
	EventDistributionRemoved EventKind = "distribution.removed" // all of it
	EventServiceLicenseSet   EventKind = "service_license.set"  // subject: tenant and service, with a slash between; data: ServiceLicenseSet, as for the next
	EventSigningKeyCreated   EventKind = "signing_key.created"
	EventGroupCreated        EventKind = "group.created"         // data: GroupChange
	EventGroupUpdated        EventKind = "group.updated"         // data: GroupChange
	EventGroupDeleted        EventKind = "group.deleted"         // with all its memberships
	EventRobotCreated        EventKind = "robot_account.created" // who is in which group is told by the events of the groups
	EventRobotUpdated        EventKind = "robot_account.updated"
	EventRobotDeleted        EventKind = "robot_account.deleted" // with all its memberships
	EventSettingChanged      EventKind = "setting.changed"       // subject: the key; data: SettingChange
	EventAllocationSet       EventKind = "allocation.set"        // subject: the user; data: AllocationSet
	EventAllocationRemoved   EventKind = "allocation.removed"    // subject: the user; data: AllocationSet without codes
	EventAllocationRefused   EventKind = "allocation.refused"    // subject: empty; data: AllocationRefused
	EventDenialSatisfied     EventKind = "denial.satisfied"      // a person has now what they were refused; subject: the user; data: DenialSatisfied
	EventGroupRuleSet        EventKind = "group_rule.set"        // subject: the group; data: GroupRuleSet
	EventGroupRuleRemoved    EventKind = "group_rule.removed"    // subject: the group; data: GroupRuleRemoved
	EventLeaseAcquired       EventKind = "lease.acquired"        // subject: the user; data: LeaseState, as for the next four
	EventLeaseReleased       EventKind = "lease.released"        // by its holder, or because of what happened to them
	EventLeaseRevoked        EventKind = "lease.revoked"         // by an administrator
	EventLeaseExpired        EventKind = "lease.expired"         // by the clock
	EventLeaseOrphaned       EventKind = "lease.orphaned"        // its holder has left the group, and it stays
	EventUserSignedIn        EventKind = "user.signed_in"        // data: SignIn, as for the next three
	EventUserSignInRefused   EventKind = "user.sign_in_refused"  // of a person who exists; the actor is AnonymousActor
	EventApplicationSignedIn EventKind = "application.signed_in"

	EventServiceLicenseRemoved    EventKind = "service_license.removed"
	EventApplicationSignInRefused EventKind = "application.sign_in_refused"
	EventUnitsAcquired            EventKind = "units.acquired"     // subject: the lease; data: UnitsState, as for the next six
	EventUnitsChanged             EventKind = "units.changed"      // another quantity
	EventUnitsReleased            EventKind = "units.released"     // by whoever made the lease
	EventUnitsRevoked             EventKind = "units.revoked"      // by an administrator
	EventUnitsExpired             EventKind = "units.expired"      // by the clock: the lease was not renewed
	EventUnitsConsumed            EventKind = "units.consumed"     // of a consumable, once for each lease and period
	EventUnitsPeriodEnded         EventKind = "units.period_ended" // by the clock; subject: tenant and service; what was consumed counts no more, but for what is carried
)

// Event is one committed change of an organization, one sign-in, or one refusal for want of units or for a wrong password. The
// events of an organization are numbered without a gap and chained by hash; they are its audit log and history.
type Event struct {
	Organization OrganizationID
	Sequence     int64 // from 1
	At           time.Time
	Kind         EventKind
	Version      int    // of the shape of Data, from 1
	Actor        string // see Principal.Actor
	Via          string // the door that the command came through
	RequestID    string
	Subject      string // an id, never a name: people must be erasable
	Data         []byte // JSON: the state after the change
	Prev         []byte // hash of the event before; 32 zero bytes for the first
	Hash         []byte // SHA-256, see Digest
}

// Digest computes the hash of an event: SHA-256 over the previous hash and every stored field, each behind its length, so
// that no two different events have the same input.
func (e Event) Digest() []byte {
	texts := [...]string{string(e.Organization), string(e.Kind), e.Actor, e.Via, e.RequestID, e.Subject}
	size := len(e.Prev) + 3*8 + len(e.Data)
	for _, s := range texts {
		size += 4 + len(s)
	}
	buf := append(make([]byte, 0, size), e.Prev...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(e.Sequence))
	buf = binary.BigEndian.AppendUint64(buf, uint64(e.At.UnixMicro()))
	buf = binary.BigEndian.AppendUint64(buf, uint64(e.Version))
	for _, s := range texts {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	buf = append(buf, e.Data...)
	sum := sha256.Sum256(buf)
	return sum[:]
}

// Head is the end of an organization's chain of events. Its row is the lock of the organization.
type Head struct {
	Organization OrganizationID
	Sequence     int64 // of the last event; 0: none yet
	Hash         []byte
	At           time.Time // of the last event
}

// VerifyChain checks that events, in order from the one after head, are numbered without a gap, follow each other in time
// and carry the hash of what they say and of the event before. It returns the new end of the chain; the error names the
// first event that does not fit.
func VerifyChain(head Head, events []Event) (Head, error) {
	for _, e := range events {
		switch {
		case e.Organization != head.Organization:
			return head, fmt.Errorf("event %d: of organization %s, not %s", e.Sequence, e.Organization, head.Organization)
		case e.Sequence != head.Sequence+1:
			return head, fmt.Errorf("event %d: follows %d", e.Sequence, head.Sequence)
		case e.At.Before(head.At):
			return head, fmt.Errorf("event %d: at %s, before its predecessor at %s", e.Sequence, e.At, head.At)
		case !bytes.Equal(e.Prev, head.Hash):
			return head, fmt.Errorf("event %d: does not continue the hash of event %d", e.Sequence, head.Sequence)
		case !bytes.Equal(e.Hash, e.Digest()):
			return head, fmt.Errorf("event %d: was changed after it was written", e.Sequence)
		}
		head.Sequence, head.Hash, head.At = e.Sequence, e.Hash, e.At
	}
	return head, nil
}

// NoHash is the hash before the first event of a chain.
func NoHash() []byte { return make([]byte, sha256.Size) }
