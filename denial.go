package seatwright

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Denial is that somebody was refused units of one product for want of them, and how often within [DenialSpan]. What is told of the
// circumstances is of the first time.
type Denial struct {
	Organization OrganizationID // whose units they are; the host's where an organization was to have them
	Number       int64          // MaxDenialsPerEvent times the sequence of the event that began it, and its place in that: later ones are greater
	Denied
	Code        ProductCode
	Reason      DenialReason
	Group       GroupID // whose rule offers the product; empty: it was not asked for through a group
	Requested   int64   // units beyond those that they had
	Available   int64   // units that were free
	FirstAt     time.Time
	LastAt      time.Time
	Refusals    int64     // 1 or more
	SatisfiedAt time.Time // of people: when they got it after all; zero: they never did
	Latest      bool      // of all that are not satisfied the last one of the same and the same code
	Actor       string    // who asked the first time: that of the event that began it; empty with the id, because it may be the same person. Readers alone fill it
}

// Denied is who was to have the units. The id is empty where that was a person who was deleted since.
type Denied struct {
	Kind DeniedKind
	ID   string // of a person or an organization; of a service as in [PoolScope.String]
}

// DeniedKind is what somebody is.
type DeniedKind string

// The kinds of those who can be refused.
const (
	DeniedUser         DeniedKind = "user"
	DeniedService      DeniedKind = "service"
	DeniedOrganization DeniedKind = "organization"
)

// deniedUser is a person.
func deniedUser(id UserID) Denied { return Denied{DeniedUser, string(id)} }

// deniedUsers are people.
func deniedUsers(ids []UserID) []Denied {
	all := make([]Denied, len(ids))
	for i, id := range ids {
		all[i] = deniedUser(id)
	}
	return all
}

// DenialReason says why there was no unit.
type DenialReason string

// The reasons of denials.
const (
	DeniedExhausted     DenialReason = "pool_exhausted"     // all units of the pool are used
	DeniedOverallocated DenialReason = "pool_overallocated" // more are used than there are: purchases have ended or were made smaller
	DeniedNotInForce    DenialReason = "not_in_force"       // nothing that was bought of it is in force
	DeniedQuota         DenialReason = "quota_reached"      // there are units, and the group holds as many as it may
	DeniedInUse         DenialReason = "unit_in_use"        // the shared unit is in use by another member, and no other is free
)

// denialReason is why the pool has nothing to give.
func (p Pool) denialReason() DenialReason {
	switch {
	case p.Total == 0:
		return DeniedNotInForce
	case p.Overallocated():
		return DeniedOverallocated
	}
	return DeniedExhausted
}

// DenialSpan is how long refusals of the same code to the same are one denial, from the first one on.
const DenialSpan = time.Hour

// MaxDenialsPerEvent is how many denials one refused request makes at most: of more people and codes only the first have theirs.
const MaxDenialsPerEvent = 1000

// DenialTold is what an [EventAllocationRefused] tells of one denial.
type DenialTold struct {
	Number    int64        `json:"number,omitempty"` // of one that an earlier event has begun; 0: this event begins it
	User      UserID       `json:"user,omitempty"`   // empty: who the event says that the units were for
	Code      ProductCode  `json:"code"`
	Reason    DenialReason `json:"reason"`
	Group     GroupID      `json:"group,omitempty"`
	Requested int64        `json:"requested"`
	Available int64        `json:"available"`
	Refusals  int64        `json:"refusals"` // so far: 1, 10, 100 and so on
}

// DenialSatisfied is the data of an [EventDenialSatisfied].
type DenialSatisfied struct {
	Codes []ProductCode `json:"codes"` // that had been refused and are had now, or what contains them; in order
}

// isTold reports that an event has to tell the number of refusals: so there are few events, and the last of them tells more than a tenth
// of the refusals that there have been.
func isTold(refusals int64) bool { return refusals == lastTold(refusals) }

// lastTold is the greatest power of ten that is not above the number of refusals.
func lastTold(refusals int64) int64 {
	told := int64(1)
	for told <= refusals/10 {
		told *= 10
	}
	return told
}

// denialRef names what is refused, and to whom.
type denialRef struct {
	Denied
	code ProductCode
}

func (d Denial) ref() denialRef { return denialRef{d.Denied, d.Code} }

func compareDenialRefs(a, b denialRef) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.code, b.code))
}

// denialSlice is what a slice knows of denials.
type denialSlice struct {
	denials        map[denialRef]Denial // the latest ones, not satisfied
	storedDenials  map[denialRef]bool   // there were some when the slice was loaded that nobody has satisfied since
	newDenials     []Denial
	newOf          map[denialRef][]int // the places of these
	changedDenials map[int64]Denial    // stored ones, by number
	satisfied      map[denialRef]time.Time
	forgotten      map[UserID]bool // who was deleted, whether they were there before the batch or not: somebody who was not yet there can have been refused
}

func (o *denialSlice) prepareDenials() *denialSlice {
	if o.denials == nil {
		*o = denialSlice{
			denials: map[denialRef]Denial{}, storedDenials: map[denialRef]bool{}, newOf: map[denialRef][]int{},
			changedDenials: map[int64]Denial{}, satisfied: map[denialRef]time.Time{}, forgotten: map[UserID]bool{},
		}
	}
	return o
}

// LoadDenial adds the latest denial of somebody and a code that is not satisfied.
func (s *Slice) LoadDenial(d Denial) {
	o := s.at(d.Organization).prepareDenials()
	o.denials[d.ref()], o.storedDenials[d.ref()] = d, true
}

// putDenial stores a denial, in place of the one with its number.
func (o *denialSlice) putDenial(d Denial) {
	o.prepareDenials()
	if d.Latest {
		o.denials[d.ref()] = d
	}
	for _, i := range o.newOf[d.ref()] {
		if o.newDenials[i].Number == d.Number {
			o.newDenials[i] = d
			return
		}
	}
	o.changedDenials[d.Number] = d
}

// addDenial begins a denial.
func (o *denialSlice) addDenial(d Denial) {
	o.prepareDenials()
	if before, exists := o.denials[d.ref()]; exists {
		before.Latest = false
		o.putDenial(before)
	}
	d.Latest = true
	o.newOf[d.ref()] = append(o.newOf[d.ref()], len(o.newDenials))
	o.newDenials = append(o.newDenials, d)
	o.denials[d.ref()] = d
}

// deny records that somebody was refused what they lack, and nothing where that is known well enough. It is the denial log: refusals within
// DenialSpan of the first are counted in its row, and told by an event where their number is a power of ten. Of what begins a
// denial no more is recorded than the meter admits. Source: docs/decisions/0033-denials.md.
func (s *Slice) deny(o *organizationSlice, origin Origin, data AllocationRefused, lacking []Denial) error {
	if len(lacking)+len(data.Shortages) == 0 {
		return nil
	}
	meter := refusalsOf{s: s, o: o, actor: origin.Actor}
	var begun, told []Denial
	listed := map[ProductCode]bool{}
	for _, d := range lacking[:min(len(lacking), MaxDenialsPerEvent)] {
		listed[d.Code] = true
		if before, known := o.denials[d.ref()]; known && o.now.Before(before.FirstAt.Add(DenialSpan)) {
			before.Refusals++
			if o.now.After(before.LastAt) {
				before.LastAt = o.now
			}
			o.putDenial(before)
			if isTold(before.Refusals) {
				told = append(told, before)
			}
			continue
		}
		if meter.admits(d.Code) {
			d.Organization, d.FirstAt, d.LastAt, d.Refusals = o.organization.ID, o.now, o.now, 1
			begun = append(begun, d)
		}
	}
	for _, short := range data.Shortages {
		if !listed[short.Bundle] {
			meter.admits(short.Bundle)
		}
	}
	if len(told) == 0 && !meter.admitted {
		return nil
	}
	for i, d := range begun {
		d.Number = (o.head.Sequence+1)*MaxDenialsPerEvent + int64(i)
		o.addDenial(d)
		data.Denials = append(data.Denials, d.told(0))
	}
	for _, d := range told {
		data.Denials = append(data.Denials, d.told(d.Number))
	}
	data.Suppressed = meter.untold
	return s.record(o, origin, EventAllocationRefused, "", data)
}

func (d Denial) told(number int64) DenialTold {
	told := DenialTold{
		Number: number, Code: d.Code, Reason: d.Reason, Group: d.Group, Requested: d.Requested, Available: d.Available, Refusals: d.Refusals,
	}
	if d.Kind == DeniedUser {
		told.User = UserID(d.ID)
	}
	return told
}

// satisfy ends the denials of what a person can use now, and records that: of the bundle that was refused, or one that gives all that it gives.
func (s *Slice) satisfy(o *organizationSlice, origin Origin, user UserID) error {
	var refused []ProductCode
	for ref := range o.denials {
		if ref.Denied == deniedUser(user) {
			refused = append(refused, ref.code)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	usable := s.usable(o, user)
	codes := slices.DeleteFunc(refused, func(code ProductCode) bool {
		b, known := s.catalogue.Bundle(code)
		return !slices.ContainsFunc(usable, func(has ProductCode) bool { return has == code || known && len(b.Units) > 0 && s.gives(has, b.Units) })
	})
	if len(codes) == 0 {
		return nil
	}
	slices.Sort(codes)
	for _, code := range codes {
		o.endDenials(denialRef{deniedUser(user), code}, o.now)
	}
	return s.record(o, origin, EventDenialSatisfied, string(user), DenialSatisfied{Codes: codes})
}

// usable lists what a person holds, is in force and is not in use by another member, in order.
func (s *Slice) usable(o *organizationSlice, user UserID) []ProductCode {
	var codes []ProductCode
	for _, code := range sortedKeys(o.seats[user]) { // a pool that is looked at may leave an event
		seat, held := o.seat(user, code)
		if u, shared := o.shared[seat.Lease.Unit]; shared && !seat.Direct && u.busy(user, o.now) {
			continue
		}
		if held && o.organization.Usable(s.pool(o, code)) {
			codes = append(codes, code)
		}
	}
	return codes
}

// endDenials satisfies all denials of somebody and a code, whether they are stored or new.
func (o *denialSlice) endDenials(ref denialRef, now time.Time) {
	if o.storedDenials[ref] {
		o.satisfied[ref] = now
		delete(o.storedDenials, ref)
	}
	for _, i := range o.newOf[ref] {
		if d := &o.newDenials[i]; d.SatisfiedAt.IsZero() {
			d.SatisfiedAt, d.Latest = now, false
		}
	}
	if d, changed := o.changedDenials[o.denials[ref].Number]; changed {
		d.Latest = false
		o.changedDenials[d.Number] = d
	}
	delete(o.denials, ref)
}

// forgetDenied drops the id of a person who is deleted from what they were refused: the store does so with all there is.
func (o *denialSlice) forgetDenied(user UserID) {
	o.prepareDenials().forgotten[user] = true
	who := deniedUser(user)
	for ref, d := range o.denials {
		if ref.Denied == who {
			delete(o.denials, ref)
			delete(o.storedDenials, ref)
			if changed, noted := o.changedDenials[d.Number]; noted {
				changed.Latest = false
				o.changedDenials[d.Number] = changed
			}
		}
	}
	for ref, places := range o.newOf {
		if ref.Denied != who {
			continue
		}
		for _, i := range places {
			o.newDenials[i].ID, o.newDenials[i].Latest = "", false
		}
		delete(o.newOf, ref)
	}
}

func (c *Changes) addDenials(id OrganizationID, o *organizationSlice) {
	for _, ref := range sortedKeysFunc(o.satisfied, compareDenialRefs) {
		c.SatisfiedDenials = append(c.SatisfiedDenials, Denial{Organization: id, Denied: ref.Denied, Code: ref.code, SatisfiedAt: o.satisfied[ref]})
	}
	for _, number := range sortedKeys(o.changedDenials) {
		c.Denials = append(c.Denials, o.changedDenials[number])
	}
	for _, user := range sortedKeys(o.forgotten) {
		c.ForgottenDenied = append(c.ForgottenDenied, User{Organization: id, ID: user})
	}
	c.NewDenials = append(c.NewDenials, o.newDenials...)
}

// denialHistory is what the events say of denials.
type denialHistory struct {
	told map[int64]Denial      // by number; Refusals and LastAt as of the last event about it
	open map[denialRef][]int64 // those that are not satisfied, oldest first
}

func newDenialHistory() *denialHistory {
	return &denialHistory{told: map[int64]Denial{}, open: map[denialRef][]int64{}}
}

func (h *denialHistory) refuse(e Event, refused AllocationRefused, differs func(format string, args ...any)) {
	for i, told := range refused.Denials {
		d := Denial{
			Number: e.Sequence*MaxDenialsPerEvent + int64(i), Denied: refused.denied(e.Organization), Code: told.Code, Reason: told.Reason, Group: told.Group,
			Requested: told.Requested, Available: told.Available, FirstAt: e.At, LastAt: e.At, Refusals: told.Refusals, Latest: true,
		}
		if told.User != "" {
			d.Denied = deniedUser(told.User)
		}
		if told.Number != 0 {
			h.repeat(e, d, told.Number, differs)
			continue
		}
		open := h.open[d.ref()]
		if len(open) > 0 {
			before := h.told[open[len(open)-1]]
			if e.At.Before(before.FirstAt.Add(DenialSpan)) {
				differs("begins a denial of %s to %s, while another one goes on", d.Code, d.ID)
			}
			before.Latest = false
			h.told[before.Number] = before
		}
		if d.Refusals != 1 || i >= MaxDenialsPerEvent {
			differs("begins a denial of %s to %s with %d refusals, as number %d", d.Code, d.ID, d.Refusals, i)
		}
		h.told[d.Number], h.open[d.ref()] = d, append(open, d.Number)
	}
}

// repeat takes the number of refusals of a denial that goes on.
func (h *denialHistory) repeat(e Event, d Denial, number int64, differs func(format string, args ...any)) {
	before, known := h.told[number]
	if !known || !before.Latest || before.ref() != d.ref() || !e.At.Before(before.FirstAt.Add(DenialSpan)) {
		differs("goes on with denial %d of %s to %s, which has not begun or is over", number, d.Code, d.ID)
		return
	}
	if d.Refusals != 10*before.Refusals {
		differs("tells of %d refusals of denial %d, after %d", d.Refusals, number, before.Refusals)
	}
	before.Refusals, before.LastAt = d.Refusals, e.At
	h.told[number] = before
}

func (h *denialHistory) satisfy(e Event, satisfied DenialSatisfied, differs func(format string, args ...any)) {
	for _, code := range satisfied.Codes {
		ref := denialRef{deniedUser(UserID(e.Subject)), code}
		if len(h.open[ref]) == 0 {
			differs("ends denials of %s to %s, of which there are none", code, e.Subject)
		}
		for _, number := range h.open[ref] {
			d := h.told[number]
			d.SatisfiedAt, d.Latest = e.At, false
			h.told[number] = d
		}
		delete(h.open, ref)
	}
}

// forget takes the id of a person who is deleted out of what they were refused.
func (h *denialHistory) forget(user UserID) {
	who := deniedUser(user)
	for number, d := range h.told {
		if d.Denied == who {
			d.ID, d.Latest = "", false
			h.told[number] = d
		}
	}
	maps.DeleteFunc(h.open, func(ref denialRef, _ []int64) bool { return ref.Denied == who })
}

// takeDenial compares a stored denial with the events and takes it away from what they tell, so that the rest is missing. Refusals after the
// last that was told are counted in the row alone.
func (c *organizationCheck) takeDenial(r Row) {
	stored := Denial{
		Number: r.number(1), Denied: Denied{DeniedKind(r.text(2)), r.text(3)}, Code: ProductCode(r.text(4)), Reason: DenialReason(r.text(5)),
		Group: GroupID(r.text(6)), Requested: r.number(7), Available: r.number(8), FirstAt: instant(r.number(9)), LastAt: instant(r.number(10)),
		Refusals: r.number(11), Latest: r.flag(13),
	}
	if at := r.number(12); at != 0 {
		stored.SatisfiedAt = instant(at)
	}
	told, known := c.replayed.denials.told[stored.Number]
	delete(c.replayed.denials.told, stored.Number)
	if !known {
		c.differ("denial %d: no event began it", stored.Number)
		return
	}
	if got, want := stored.text(), told.text(); got != want {
		c.differ("denial %d: stored as %s; by the events %s", stored.Number, got, want)
	}
	if lastTold(stored.Refusals) != told.Refusals || stored.LastAt.Before(told.LastAt) || !stored.LastAt.Before(stored.FirstAt.Add(DenialSpan)) {
		c.differ("denial %d: stored are %d refusals until %s; by the events there were %d at %s, and fewer than ten times as many since", stored.Number,
			stored.Refusals, moment(stored.LastAt), told.Refusals, moment(told.LastAt))
	}
}

// text tells what verification compares.
func (d Denial) text() string {
	satisfied := "never"
	if !d.SatisfiedAt.IsZero() {
		satisfied = moment(d.SatisfiedAt)
	}
	return fmt.Sprintf("%s to the %s %q, %s in group %q, %d requested and %d available at %s, satisfied %s, latest %t", d.Code, d.Kind, d.ID, d.Reason, d.Group,
		d.Requested, d.Available, moment(d.FirstAt), satisfied, d.Latest)
}
