package seatwright

import (
	"math"
	"time"
)

// DenialQuery asks for denials of an organization. Bounds and filters that are not set leave nothing out.
type DenialQuery struct {
	Code      ProductCode
	User      UserID    // of this person
	Since     time.Time // begun at this instant or later
	Until     time.Time // begun before this instant
	Satisfied *bool     // whether they have got it since
	Before    int64     // with a smaller number; of the lists alone
	Top       int       // at most so many
}

// DenialSide is what denials are counted by.
type DenialSide string

// The sides of denials.
const (
	DenialsByCode DenialSide = "bundle"
	DenialsByUser DenialSide = "person" // only those of people; the deleted ones count as one
	DenialsByHour DenialSide = "hour"   // in which they began, UTC
)

// DenialCount is how many denials there were of one code, to one person, or in one hour.
type DenialCount struct {
	ID        string    // of the code or the person; empty: people who were deleted since, or an hour
	Hour      time.Time // its beginning
	Denials   int64
	Refusals  int64 // requests that were refused: the sum over the denials
	Denied    int64 // different people, services and organizations
	Satisfied int64 // denials after which they got it
}

// Bounded reports that the query has bounds in time.
func (q DenialQuery) Bounded() bool { return !q.Since.IsZero() || !q.Until.IsZero() }

// Events is the query for the events that can have begun the denials.
func (q DenialQuery) Events() EventQuery { return EventQuery{From: q.Since, To: q.Until} }

// Numbers are the first and the last number that denials of the query can have. window has the events between its bounds in time, and is not looked
// at where there are none.
func (q DenialQuery) Numbers(window EventWindow) (first, last int64) {
	last = math.MaxInt64
	if q.Bounded() {
		first, last = window.First*MaxDenialsPerEvent, window.Last*MaxDenialsPerEvent+MaxDenialsPerEvent-1
	}
	if q.Before > 0 {
		last = min(last, q.Before-1)
	}
	return first, last
}
