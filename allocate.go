package seatwright

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seatwright/seatwright/internal/planted"
)

// The limits of one call.
const (
	MaxUsersPerCall = 1000
	MaxCodesPerCall = 100
)

// AllocateToUsers replaces the whole direct set of every listed user by the listed codes, for all users or for none.
// No codes at all is a decision too: the users are blocked. Units that a user already holds are kept and cost nothing.
//
// Errors, in this order: not_found/organization_not_found; not_found/no_license (only where codes are listed);
// invalid/unknown_user; invalid/inactive_user; invalid/not_developer_bundle; exhausted/pool_exhausted, also for a code that does not exist. On an
// error nothing has changed except the record of the refusal.
// Source: docs/decisions/0003-user-allocation-replaces.md.
type AllocateToUsers struct {
	Organization OrganizationID
	Users        []UserID      // 1 to MaxUsersPerCall, each once
	Codes        []ProductCode // 0 to MaxCodesPerCall, each once
	External     bool          // recorded and echoed; draws no unit where the host has allowed external licenses
}

// AllocationSet is the data of the events about a user's direct record: its state after the change.
type AllocationSet struct {
	Codes    []ProductCode `json:"codes"`    // the whole direct set, sorted
	Units    int64         `json:"units"`    // drawn by each of the codes: 1, or 0 for an external license
	External bool          `json:"external"` // as it was asked for
	Pools    []PoolState   `json:"pools"`    // the pools that the change drew from or gave back to, as they are now
}

// PoolState is the part of a pool that is written into events.
type PoolState struct {
	Code  ProductCode `json:"code"`
	Used  int64       `json:"used"`
	Total int64       `json:"total"`
}

func (c AllocateToUsers) Operation() string { return "allocation.set" }

func (c AllocateToUsers) Touches() []Touch {
	t := Touch{Organization: c.Organization, Users: c.Users, Codes: c.Codes}
	if len(c.Codes) > 0 {
		t.Denied = deniedUsers(c.Users)
	}
	return []Touch{t}
}

func (c AllocateToUsers) Weight() int { return len(c.Users) * max(1, len(c.Codes)) }

// Decide answers one allocation per user, in the order of the command.
func (c AllocateToUsers) Decide(s *Slice, origin Origin) ([]Allocation, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return nil, err
	}
	if len(c.Codes) > 0 && !o.licensed {
		return nil, missingLicense()
	}
	if err := c.checkUsers(o); err != nil {
		return nil, err
	}
	units, err := c.unitsPerSeat(s, o)
	if err != nil {
		return nil, err
	}
	if shortages := c.shortages(s, o, units); len(shortages) > 0 {
		if planted.Bug(planted.PartialBulk) && len(c.Users) > 1 {
			first := AllocateToUsers{Organization: c.Organization, Users: c.Users[:1], Codes: c.Codes, External: c.External}
			_, _ = first.Decide(s, origin)
		}
		return nil, s.refuse(o, origin, AllocationRefused{Users: len(c.Users), Shortages: shortages}, c.lacking(s, o, units, shortages))
	}
	answers := make([]Allocation, len(c.Users))
	for i, user := range c.Users {
		if _, known := o.users[user]; !known {
			if _, err := s.addUser(o, origin, provisioned(o.organization.ID, user)); err != nil {
				return nil, err
			}
		}
		if err := s.setDirect(o, origin, user, c.Codes, units, c.External); err != nil {
			return nil, err
		}
		if err := s.satisfy(o, origin, user); err != nil {
			return nil, err
		}
		answers[i] = Allocation{User: user, Codes: c.Codes, External: c.External}
	}
	return answers, nil
}

func (c AllocateToUsers) checkUsers(o *organizationSlice) error {
	var unknown, inactive []UserID
	for _, user := range c.Users {
		switch active, known := o.users[user]; {
		case !known:
			unknown = append(unknown, user)
		case !active:
			inactive = append(inactive, user)
		}
	}
	if len(unknown) > 0 && o.organization.UnknownUsers != ProvisionUnknownUsers {
		return Invalid(ReasonUnknownUser, "not in this organization: %s", enumerate(unknown)).In("userIds")
	}
	if len(inactive) > 0 {
		return Invalid(ReasonInactiveUser, "not active: %s", enumerate(inactive)).In("userIds")
	}
	return nil
}

// enumerate names the first ten.
func enumerate[S ~string](ids []S) string {
	const named = 10
	names := make([]string, 0, named)
	for _, id := range ids[:min(named, len(ids))] {
		names = append(names, string(id))
	}
	text := strings.Join(names, ", ")
	if len(ids) > named {
		text += fmt.Sprintf(" and %d more", len(ids)-named)
	}
	return text
}

// unitsPerSeat is 0 where an external license stands behind the seats, else 1.
func (c AllocateToUsers) unitsPerSeat(s *Slice, o *organizationSlice) (int64, error) {
	if !c.External || !o.organization.ExternalLicenses && !planted.Bug(planted.ExternalEverywhere) {
		return 1, nil
	}
	for _, code := range c.Codes {
		if b, known := s.catalogue.Bundle(code); !known || !b.Developer {
			return 0, Invalid(ReasonNotDeveloperBundle, "an external license covers developer bundles only, not %s", code).In("userBundleCodes")
		}
	}
	return 0, nil
}

// shortages lists the codes of which fewer units are free than the users need beyond what they hold.
func (c AllocateToUsers) shortages(s *Slice, o *organizationSlice, units int64) []Shortage {
	var short []Shortage
	for _, code := range c.Codes {
		needed := int64(0)
		for _, user := range c.Users {
			seat, _ := o.seat(user, code)
			needed += max(0, units-seat.Units)
		}
		available := s.pool(o, code).Available()
		if _, exists := s.catalogue.Bundle(code); !exists { // nobody holds what services use
			needed, available = int64(len(c.Users)), 0
		}
		if needed > available {
			short = append(short, Shortage{Bundle: code, Requested: needed, Available: available})
		}
	}
	return short
}

// lacking tells who of the users lacks which of the codes that are short, in the order of the command.
func (c AllocateToUsers) lacking(s *Slice, o *organizationSlice, units int64, shortages []Shortage) []Denial {
	var all []Denial
	for _, user := range c.Users {
		for _, short := range shortages {
			_, exists := s.catalogue.Bundle(short.Bundle)
			if seat, _ := o.seat(user, short.Bundle); !exists || seat.Units >= units {
				continue
			}
			if all = append(all, Denial{
				Denied: deniedUser(user), Code: short.Bundle, Reason: o.storedPool(short.Bundle).denialReason(), Requested: units, Available: short.Available,
			}); len(all) == MaxDenialsPerEvent {
				return all
			}
		}
	}
	return all
}

// setDirect makes codes the whole direct set of user, records the change, and does nothing at all where nothing differs.
// The units must have been found free. The leases of the person end, unless the policy adds to them.
func (s *Slice) setDirect(o *organizationSlice, origin Origin, user UserID, codes []ProductCode, units int64, external bool) error {
	stored := o.records[user]
	changed := stored == nil || stored.External != external
	var moved unitMoves
	for _, code := range codes {
		seat, held := o.seat(user, code)
		draws := units
		if seat.Lease.Held() {
			draws = max(units, seat.Units) // until the lease ends
		}
		if held && seat.Direct && seat.Units == draws {
			continue
		}
		changed = true
		if !held {
			seat = Seat{Organization: o.organization.ID, User: user, Code: code, CreatedAt: o.now}
		}
		seat.Direct, seat.Units = true, draws
		moved.add(code, o.changeSeat(seat))
	}
	for code := range o.seats[user] {
		if seat, held := o.seat(user, code); held && seat.Direct && !slices.Contains(codes, code) {
			changed = true
			seat.Direct = false
			moved.add(code, o.changeSeat(seat))
		}
	}
	if !changed {
		return s.override(o, origin, user, codes, units)
	}
	record := DirectRecord{Organization: o.organization.ID, User: user, CreatedAt: o.now}
	if stored != nil {
		record = *stored
	}
	record.External, record.UpdatedAt = external, o.now
	o.putRecord(record)
	sorted := slices.Clone(codes)
	slices.Sort(sorted)
	data := AllocationSet{Codes: sorted, Units: units, External: external, Pools: s.moveUnits(o, moved)}
	if planted.Bug(planted.ChangeWithoutEvent) && len(codes) == 0 {
		return nil
	}
	if err := s.record(o, origin, EventAllocationSet, string(user), data); err != nil {
		return err
	}
	return s.override(o, origin, user, codes, units)
}

// override ends the leases that a direct allocation stands in place of: all, or where the policy adds to them those of the same codes that
// draw a unit which the allocation does without, or a shared one.
func (s *Slice) override(o *organizationSlice, origin Origin, user UserID, codes []ProductCode, units int64) error {
	for _, code := range o.leases(user) {
		seat, _ := o.seat(user, code)
		same := slices.Contains(codes, code) && (units == 0 || seat.Lease.Unit != 0)
		if planted.Bug(planted.DirectKeepsLease) || o.organization.AllocationMode == AddToLeases && !same {
			continue
		}
		if err := s.endLeaseOf(o, origin, seat, units, LeaseOverridden); err != nil {
			return err
		}
	}
	return nil
}

// unitMoves are the units that a change draws from pools, negative where it gives them back.
type unitMoves []unitMove

type unitMove struct {
	code  ProductCode
	units int64
}

func (m *unitMoves) add(code ProductCode, units int64) {
	if units != 0 {
		*m = append(*m, unitMove{code, units})
	}
}

// moveUnits makes the moves, each of another pool, and returns the pools as they are then, in the order of the codes.
func (s *Slice) moveUnits(o *organizationSlice, moves unitMoves) []PoolState {
	slices.SortFunc(moves, func(a, b unitMove) int { return cmp.Compare(a.code, b.code) })
	states := make([]PoolState, 0, len(moves))
	for _, move := range moves {
		pool := s.pool(o, move.code).drawn(move.units)
		o.putPool(pool)
		states = append(states, PoolState{Code: move.code, Used: pool.Used, Total: pool.Total})
	}
	return states
}

// AddToUsers gives every listed user who has no direct record one without codes, which blocks them; whoever has one keeps it as it is. Administrators
// put people on the list of direct allocations with it before they decide what these get.
//
// Errors, in this order: not_found/organization_not_found; invalid/unknown_user; invalid/inactive_user. On an error nothing has changed.
// Source: docs/decisions/0032-the-portal.md.
type AddToUsers struct {
	Organization OrganizationID
	Users        []UserID // 1 to MaxUsersPerCall, each once
}

func (c AddToUsers) Operation() string { return "allocation.add" }

func (c AddToUsers) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: c.Users}}
}

func (c AddToUsers) Weight() int { return len(c.Users) }

// Decide answers what is allocated to each user now, in the order of the command.
func (c AddToUsers) Decide(s *Slice, origin Origin) ([]Allocation, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return nil, err
	}
	empty := AllocateToUsers{Organization: c.Organization, Codes: []ProductCode{}}
	for _, user := range c.Users {
		if _, recorded := o.records[user]; !recorded {
			empty.Users = append(empty.Users, user)
		}
	}
	if _, err := empty.Decide(s, origin); err != nil {
		return nil, err
	}
	answers := make([]Allocation, len(c.Users))
	for i, user := range c.Users {
		record, recorded := o.records[user]
		answers[i] = Allocation{User: user, Codes: []ProductCode{}, External: recorded && record.External}
		for code := range o.seats[user] {
			if seat, held := o.seat(user, code); held && seat.Direct {
				answers[i].Codes = append(answers[i].Codes, code)
			}
		}
		slices.Sort(answers[i].Codes)
	}
	return answers, nil
}

// DeallocateUsers removes the direct record of every listed user and gives their units back. Users without a record are
// removed already; users whom the organization does not know are listed as failed.
type DeallocateUsers struct {
	Organization OrganizationID
	Users        []UserID // 1 to MaxUsersPerCall, each once
}

// Deallocation is the answer of [DeallocateUsers]: every user is in one of the lists, in the order of the command.
type Deallocation struct {
	Removed []UserID `json:"removed"`
	Unknown []UserID `json:"unknown"`
}

func (c DeallocateUsers) Operation() string { return "allocation.remove" }

func (c DeallocateUsers) Touches() []Touch {
	return []Touch{{Organization: c.Organization, Users: c.Users}}
}

func (c DeallocateUsers) Weight() int { return len(c.Users) }

// Decide removes what it finds; the only error is not_found/organization_not_found.
func (c DeallocateUsers) Decide(s *Slice, origin Origin) (Deallocation, error) {
	answer := Deallocation{Removed: []UserID{}, Unknown: []UserID{}}
	o, err := s.organization(c.Organization)
	if err != nil {
		return answer, err
	}
	for _, user := range c.Users {
		if _, known := o.users[user]; !known {
			answer.Unknown = append(answer.Unknown, user)
			continue
		}
		answer.Removed = append(answer.Removed, user)
		if err := s.removeDirect(o, origin, user); err != nil {
			return answer, err
		}
	}
	return answer, nil
}

// removeDirect removes the direct record of a person with its seats and records that, where there is one.
func (s *Slice) removeDirect(o *organizationSlice, origin Origin, user UserID) error {
	if _, recorded := o.records[user]; !recorded {
		return nil
	}
	var moved unitMoves
	for code := range o.seats[user] {
		if seat, held := o.seat(user, code); held && seat.Direct {
			seat.Direct = false
			switch units := o.changeSeat(seat); {
			case planted.Bug(planted.LostRelease):
			case planted.Bug(planted.DoubleRelease):
				moved.add(code, 2*units)
			default:
				moved.add(code, units)
			}
		}
	}
	o.removeRecord(user)
	data := AllocationSet{Codes: []ProductCode{}, Pools: s.moveUnits(o, moved)}
	return s.record(o, origin, EventAllocationRemoved, string(user), data)
}
