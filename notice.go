package seatwright

import (
	"slices"
	"time"
)

// Notice is something that an administrator should know in time. Each is told once, by an event, and stands until it does not
// hold any more or the next one about the same thing takes its place.
type Notice struct {
	Organization OrganizationID
	Sequence     int64 // of the event that told it
	NoticeRef
	Code      ProductCode
	Threshold int64     // days before the end of a lot; percent of a pool
	EndsAt    time.Time // of the lot; zero for a pool
	Used      int64     // of the pool, as the next
	Total     int64
	At        time.Time
	Standing  bool
}

// NoticeRef says what a notice is about. At most one about the same thing stands.
type NoticeRef struct {
	Kind    NoticeKind
	Subject string // a LotID or a ProductCode
}

// NoticeKind says what is told.
type NoticeKind string

// The kinds of notice.
const (
	NoticeLotEnds  NoticeKind = "lot_ends"  // a purchase ends in so many days or less; stands until its units count no longer
	NoticePoolUsed NoticeKind = "pool_used" // so many percent of a pool or more are used; stands until less than PoolRelief percent are
)

// DueNotice is a thing about which something has to be told, or does not have to be told any longer.
type DueNotice struct {
	Organization OrganizationID
	NoticeRef
	Code ProductCode
}

// NoticeQuery says which notices are wanted.
type NoticeQuery struct {
	Before   int64 // notices with a smaller sequence; 0: from the newest on
	Top      int   // at most so many
	Standing bool  // only those that stand
}

// LotThresholds are how many days before the end of a purchase it is told, the most first.
var LotThresholds = []int64{180, 90, 30, 14, 7, 1}

// PoolThresholds are from how many percent of use on it is told, the least first.
var PoolThresholds = []int64{75, 90, 100}

// PoolRelief is the percentage below which the use of a pool has to fall before anything is told of it again: a pool whose use goes
// up and down around a threshold is told once.
const PoolRelief = 70

const day = 24 * time.Hour

// NoticeTold is the data of an [EventNoticeTold].
type NoticeTold struct {
	Kind      NoticeKind  `json:"kind"`
	Code      ProductCode `json:"code"`
	Threshold int64       `json:"threshold"`
	EndsAt    time.Time   `json:"endsAt,omitzero"`
	Used      int64       `json:"used,omitempty"`
	Total     int64       `json:"total,omitempty"`
}

// NoticeEnded is the data of an [EventNoticeEnded].
type NoticeEnded struct {
	Kind NoticeKind  `json:"kind"`
	Code ProductCode `json:"code"`
}

// reached is the nearest threshold that the end of the lot has come to, in days; 0: none, or the lot does not run.
func (l Lot) reached(now time.Time) (days int64) {
	if now.Before(l.Start) || !now.Before(l.End) {
		return 0
	}
	for _, threshold := range LotThresholds {
		if l.End.Sub(now) <= time.Duration(threshold)*day {
			days = threshold
		}
	}
	return days
}

// reached is the highest threshold that the use of the pool has come to, in percent; 0: none.
func (p Pool) reached() (percent int64) {
	for _, threshold := range PoolThresholds {
		if p.Used > 0 && p.Used*100 >= p.Total*threshold {
			percent = threshold
		}
	}
	return percent
}

func (p Pool) relieved() bool { return p.Used == 0 || p.Used*100 < p.Total*PoolRelief }

type noticeSlice struct {
	notices      map[NoticeRef]Notice // that stand
	newNotices   []Notice
	endedNotices []int64 // that were there when the slice was loaded
}

// LoadNotice adds a notice that stands.
func (s *Slice) LoadNotice(n Notice) { put(&s.at(n.Organization).notices, n.NoticeRef, n) }

// TellNotices tells what is due of some things, and ends what does not hold any more. Of several thresholds that were passed the
// nearest is told. Errors: not_found/organization_not_found.
type TellNotices struct {
	Organization OrganizationID
	Due          []DueNotice // at most MaxSweep, all of the organization
}

func (c TellNotices) Operation() string { return "notices.tell" }

func (c TellNotices) Touches() []Touch {
	t := Touch{Organization: c.Organization}
	for _, due := range c.Due {
		t.Codes = append(t.Codes, due.Code)
		t.Notices = append(t.Notices, due.NoticeRef)
		t.Lots = t.Lots || due.Kind == NoticeLotEnds
	}
	return []Touch{t}
}

func (c TellNotices) Weight() int { return max(1, len(c.Due)) }

// Decide answers how many notices were told or ended.
func (c TellNotices) Decide(s *Slice, origin Origin) (done int, err error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return 0, err
	}
	before := o.head.Sequence
	for _, due := range c.Due {
		if due.Kind == NoticePoolUsed {
			err = s.lookAtPool(o, origin, due)
		} else {
			err = s.lookAtLot(o, origin, due)
		}
		if err != nil {
			return 0, err
		}
	}
	return int(o.head.Sequence - before), nil
}

func (s *Slice) lookAtPool(o *organizationSlice, origin Origin, due DueNotice) error {
	pool := s.pool(o, due.Code)
	last, stands := o.notices[due.NoticeRef]
	switch percent := pool.reached(); {
	case percent > last.Threshold:
		return s.tell(o, origin, Notice{NoticeRef: due.NoticeRef, Code: due.Code, Threshold: percent, Used: pool.Used, Total: pool.Total})
	case stands && pool.relieved():
		return s.endNotice(o, origin, last)
	}
	return nil
}

func (s *Slice) lookAtLot(o *organizationSlice, origin Origin, due DueNotice) error {
	i := slices.IndexFunc(o.lots[due.Code], func(l Lot) bool { return string(l.ID) == due.Subject })
	last, stands := o.notices[due.NoticeRef]
	if i < 0 || !o.now.Before(o.lots[due.Code][i].Expiry()) {
		if stands {
			return s.endNotice(o, origin, last)
		}
		return nil
	}
	lot := o.lots[due.Code][i]
	moved := stands && !last.EndsAt.Equal(lot.End) // it was renewed, or ends earlier
	switch days := lot.reached(o.now); {
	case days > 0 && (!stands || moved || days < last.Threshold):
		return s.tell(o, origin, Notice{NoticeRef: due.NoticeRef, Code: due.Code, Threshold: days, EndsAt: lot.End})
	case moved && lot.End.Sub(o.now) > time.Duration(LotThresholds[0])*day:
		return s.endNotice(o, origin, last)
	}
	return nil
}

// tell records a notice, which takes the place of the one about the same thing.
func (s *Slice) tell(o *organizationSlice, origin Origin, n Notice) error {
	o.forgetNotice(n.NoticeRef)
	err := s.record(o, origin, EventNoticeTold, n.Subject, NoticeTold{
		Kind: n.Kind, Code: n.Code, Threshold: n.Threshold, EndsAt: n.EndsAt, Used: n.Used, Total: n.Total,
	})
	n.Organization, n.Sequence, n.At, n.Standing = o.organization.ID, o.head.Sequence, o.now, true
	put(&o.notices, n.NoticeRef, n)
	o.newNotices = append(o.newNotices, n)
	return err
}

func (s *Slice) endNotice(o *organizationSlice, origin Origin, n Notice) error {
	o.forgetNotice(n.NoticeRef)
	return s.record(o, origin, EventNoticeEnded, n.Subject, NoticeEnded{Kind: n.Kind, Code: n.Code})
}

// forgetNotice makes the notice about a thing, if there is one, stand no longer.
func (o *organizationSlice) forgetNotice(ref NoticeRef) {
	last, stands := o.notices[ref]
	if !stands {
		return
	}
	delete(o.notices, ref)
	if i := slices.IndexFunc(o.newNotices, func(n Notice) bool { return n.Sequence == last.Sequence }); i >= 0 {
		o.newNotices[i].Standing = false
	} else {
		o.endedNotices = append(o.endedNotices, last.Sequence)
	}
}

func (c *Changes) addNotices(id OrganizationID, o *organizationSlice) {
	c.NewNotices = append(c.NewNotices, o.newNotices...)
	for _, sequence := range o.endedNotices {
		c.EndedNotices = append(c.EndedNotices, Notice{Organization: id, Sequence: sequence})
	}
}

// noticeHistory is what the events say of notices.
type noticeHistory struct {
	told     map[int64]Notice    // by the sequence of the event
	standing map[NoticeRef]int64 // the last one about each thing, if it stands
}

func newNoticeHistory() *noticeHistory {
	return &noticeHistory{told: map[int64]Notice{}, standing: map[NoticeRef]int64{}}
}

// end takes the standing notice about a thing and reports whether there was one.
func (h *noticeHistory) end(ref NoticeRef) (last Notice, stood bool) {
	sequence, stood := h.standing[ref]
	if stood {
		last = h.told[sequence]
		last.Standing = false
		h.told[sequence] = last
		delete(h.standing, ref)
	}
	return last, stood
}

func (h *noticeHistory) tell(e Event, told NoticeTold, differs func(format string, args ...any)) {
	n := Notice{
		Sequence: e.Sequence, NoticeRef: NoticeRef{told.Kind, e.Subject}, Code: told.Code, Threshold: told.Threshold, EndsAt: told.EndsAt,
		Used: told.Used, Total: told.Total, At: e.At, Standing: true,
	}
	last, stood := h.end(n.NoticeRef)
	switch {
	case n.Kind == NoticePoolUsed && last.Threshold >= n.Threshold, n.Kind == NoticeLotEnds && stood && last.EndsAt.Equal(n.EndsAt) && last.Threshold <= n.Threshold:
		differs("tells of %s what was told already", e.Subject)
	case n.Kind != NoticePoolUsed && n.Kind != NoticeLotEnds:
		differs("tells of a %q, which this program does not know", n.Kind)
	}
	h.told[n.Sequence], h.standing[n.NoticeRef] = n, n.Sequence
}

// takeNotice compares a stored notice with the events and takes it away from what they tell, so that the rest is missing.
func (c *organizationCheck) takeNotice(r Row) {
	stored := Notice{
		Sequence: r.number(1), NoticeRef: NoticeRef{NoticeKind(r.text(2)), r.text(3)}, Code: ProductCode(r.text(4)), Threshold: r.number(5),
		Used: r.number(7), Total: r.number(8), At: instant(r.number(9)), Standing: r.flag(10),
	}
	if ends := r.number(6); ends != 0 {
		stored.EndsAt = instant(ends)
	}
	told, known := c.replayed.notices.told[stored.Sequence]
	delete(c.replayed.notices.told, stored.Sequence)
	if !known {
		c.differ("notice %d: no event told it", stored.Sequence)
		return
	}
	same := told.EndsAt.Equal(stored.EndsAt) && told.At.Equal(stored.At)
	told.EndsAt, told.At = stored.EndsAt, stored.At
	if !same || told != stored {
		c.differ("notice %d: stored as %s of %s at %d, %d of %d, standing %t; by the events %s of %s at %d, %d of %d, standing %t", stored.Sequence,
			stored.Kind, stored.Subject, stored.Threshold, stored.Used, stored.Total, stored.Standing, told.Kind, told.Subject, told.Threshold, told.Used,
			told.Total, told.Standing)
	}
}
