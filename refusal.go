package seatwright

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// RefusalsPerSecond is how many refusals for want of units that begin a denial are recorded for one principal and code in one second, and
// how many refused sign-ins of one program. Further ones are only counted; a later event of the same carries the count.
const RefusalsPerSecond = 10

// AllocationRefused is the data of an [EventAllocationRefused].
type AllocationRefused struct {
	Users      int        `json:"users,omitempty"`      // how many the refused command listed; 1 of a lease
	To         string     `json:"to,omitempty"`         // who else was to have the units: an organization, or a tenant and its service
	Shortages  []Shortage `json:"shortages,omitempty"`  // of pools; where only Suppressed is told, an empty bundle stands for codes that do not exist
	Suppressed int64      `json:"suppressed,omitempty"` // refusals of the same principal and codes since, without an event of their own

	Denials []DenialTold `json:"denials,omitempty"` // that begin, or whose number of refusals is a power of ten now
}

// denied is who else than people was to have the units. At the host that is an organization.
func (r AllocationRefused) denied(of OrganizationID) Denied {
	if of == HostID {
		return Denied{DeniedOrganization, r.To}
	}
	return Denied{DeniedService, r.To}
}

// describe says in one sentence what is missing.
func (r AllocationRefused) describe() string {
	parts := make([]string, len(r.Shortages))
	for i, short := range r.Shortages {
		parts[i] = fmt.Sprintf("%s: %d requested, %d available", short.Bundle, short.Requested, short.Available)
	}
	of := "the account license quantities"
	if r.To != "" {
		of = "what is left for " + r.To
	}
	return "the allocation exceeds " + of + " (" + strings.Join(parts, "; ") + ")"
}

type refusalKey struct {
	organization OrganizationID
	actor        string
	code         ProductCode   // empty: all codes that do not exist
	signIn       bool          // a program was not let in; actor and code are empty
	application  ApplicationID // the program; empty: all that do not exist
}

type refusalWindow struct {
	second   int64 // Unix time
	recorded int
	untold   int64 // refusals that no event has counted yet
}

// RefusalMeter remembers across batches how many refusals each principal had. It belongs to the writer of one ledger;
// several nodes count each for themselves.
type RefusalMeter struct {
	windows map[refusalKey]refusalWindow
}

// Fork returns a copy for one batch, without what no longer matters. The writer keeps the copy if the batch commits.
func (m *RefusalMeter) Fork(now time.Time) *RefusalMeter {
	fork := &RefusalMeter{windows: map[refusalKey]refusalWindow{}}
	for key, w := range m.windows {
		if w.untold > 0 || w.second >= now.Unix() {
			fork.windows[key] = w
		}
	}
	return fork
}

// Untold lists the organizations of which refusals before now's second are still to be counted in an event.
func (m *RefusalMeter) Untold(now time.Time) []OrganizationID {
	found := map[OrganizationID]bool{}
	for key, w := range m.windows {
		if w.untold > 0 && w.second < now.Unix() {
			found[key.organization] = true
		}
	}
	return sortedKeys(found)
}

// Counting reports whether there are refusals that no event has counted yet.
func (m *RefusalMeter) Counting() bool {
	for _, w := range m.windows {
		if w.untold > 0 {
			return true
		}
	}
	return false
}

// admit says whether a refusal at now is to be recorded, and how many untold ones before it the record has to count.
func (m *RefusalMeter) admit(key refusalKey, now time.Time) (record bool, untold int64) {
	w := m.windows[key]
	if second := now.Unix(); w.second != second {
		w.second, w.recorded = second, 0
	}
	if record = w.recorded < RefusalsPerSecond; record {
		untold, w.untold = w.untold, 0
		w.recorded++
	} else {
		w.untold++
	}
	m.windows[key] = w
	return record, untold
}

// refusalsOf asks the meter for one refused request: for each code once.
type refusalsOf struct {
	s        *Slice
	o        *organizationSlice
	actor    string
	asked    map[ProductCode]bool // with the answer
	admitted bool                 // something is to be recorded
	untold   int64                // what the record has to count
}

// admits reports whether the refusal of a code is to be recorded. All codes that do not exist share one window: callers can invent any number of
// them.
func (r *refusalsOf) admits(code ProductCode) bool {
	if _, exists := r.s.catalogue.Product(code); !exists {
		code = ""
	}
	if answer, asked := r.asked[code]; asked {
		return answer
	}
	record, untold := r.s.refusals.admit(refusalKey{organization: r.o.organization.ID, actor: r.actor, code: code}, r.s.now)
	put(&r.asked, code, record)
	r.admitted, r.untold = r.admitted || record, r.untold+untold
	return record
}

// refuseAll records that whoever data names was refused its shortages, and returns the answer. Nothing else changes. Codes that do not exist make no
// denial.
func (s *Slice) refuseAll(o *organizationSlice, origin Origin, data AllocationRefused) error {
	var lacking []Denial
	for _, short := range data.Shortages {
		if _, exists := s.catalogue.Product(short.Bundle); exists {
			lacking = append(lacking, Denial{
				Denied: data.denied(o.organization.ID), Code: short.Bundle, Reason: s.pool(o, short.Bundle).denialReason(), Requested: short.Requested,
				Available: short.Available,
			})
		}
	}
	return s.refuse(o, origin, data, lacking)
}

// refuse records a refusal for want of units with the denials that it is, and returns the answer. Nothing else changes.
func (s *Slice) refuse(o *organizationSlice, origin Origin, data AllocationRefused, lacking []Denial) error {
	if err := s.deny(o, origin, data, lacking); err != nil {
		return err
	}
	e := NewError(KindExhausted, ReasonPoolExhausted, "%s", data.describe())
	e.Shortages = data.Shortages
	return e
}

// CountRefusals writes the refusals that were only counted into events, so that a storm that has ended is on record.
type CountRefusals struct {
	Organizations []OrganizationID // at least one
}

func (c CountRefusals) Operation() string { return "refusals.count" }

func (c CountRefusals) Touches() []Touch {
	touches := make([]Touch, len(c.Organizations))
	for i, id := range c.Organizations {
		touches[i].Organization = id
	}
	return touches
}

func (c CountRefusals) Weight() int { return len(c.Organizations) }

// Decide writes one event per principal and code; the answer is their number.
func (c CountRefusals) Decide(s *Slice, _ Origin) (int, error) {
	told := 0
	byKey := func(a, b refusalKey) int {
		return cmp.Or(cmp.Compare(a.organization, b.organization), cmp.Compare(a.actor, b.actor), cmp.Compare(a.code, b.code),
			cmp.Compare(a.application, b.application))
	}
	for _, key := range sortedKeysFunc(s.refusals.windows, byKey) {
		w := s.refusals.windows[key]
		o, err := s.organization(key.organization)
		if err != nil || w.untold == 0 || w.second >= s.now.Unix() {
			continue
		}
		if err := s.tellUntold(o, key, w.untold); err != nil {
			return told, err
		}
		w.untold = 0
		s.refusals.windows[key] = w
		told++
	}
	return told, nil
}

func (s *Slice) tellUntold(o *organizationSlice, key refusalKey, untold int64) error {
	switch {
	case !key.signIn:
		data := AllocationRefused{Shortages: []Shortage{{Bundle: key.code}}, Suppressed: untold}
		return s.record(o, Origin{Actor: key.actor, Via: "ledger"}, EventAllocationRefused, "", data)
	case key.application == "":
		return nil // programs that do not exist have no events
	}
	data := SignIn{Result: SignInWrongPassword, Suppressed: untold}
	return s.record(o, Origin{Actor: AnonymousActor, Via: "ledger"}, EventApplicationSignInRefused, string(key.application), data)
}
