package seatwright

import "time"

// MaxEventsSearched is how many events one [EventQuery] may have to look at. Only queries that name kinds, actors or subjects, or
// an order by kind, look at each event between their bounds; the others count and skip by the numbers of the events.
const MaxEventsSearched = 1_000_000

// EventQuery says which events of an organization are wanted, in which order, and which page of them. The zero value finds
// nothing, because its page is empty.
type EventQuery struct {
	Kinds    []EventKind // nil: all, also those that this program does not know; empty: none
	Actors   []string    // as in Event.Actor; nil: all; empty: none
	Subjects []string    // nil: all; empty: none
	From     time.Time   // events at this instant or later; zero: from the first on
	To       time.Time   // events before this instant; zero: up to the last
	Before   int64       // events with a smaller sequence; 0: up to the last

	Ranks  map[EventKind]int // kinds with a smaller number come first, those that are not in it are 0; nil: the order is by sequence alone
	Newest bool              // the greatest sequence comes first, else the smallest; within a rank where there are ranks
	Skip   int64             // events before the page
	Top    int               // events of the page, 0 to 1,000

	WithoutTotal bool // nobody wants EventPage.Total, which may be 0 then: where the query searches it costs a look at everything
}

// Searches reports that the query has to look at each event between its bounds.
func (q EventQuery) Searches() bool {
	return q.Kinds != nil || q.Actors != nil || q.Subjects != nil || q.Ranks != nil
}

// EventPage is one page of the events that a query found, and how many it found on all pages.
type EventPage struct {
	Events []Event
	Total  int64
}

// EventWindow is a part of a chain: the sequences from First to Last, none where Last is smaller.
type EventWindow struct{ First, Last int64 }

// Size is the number of events in the window.
func (w EventWindow) Size() int64 { return max(0, w.Last-w.First+1) }

// Page cuts the page of a query that does not search out of its window.
func (w EventWindow) Page(q EventQuery) EventWindow {
	if q.Newest {
		w.Last -= q.Skip
		w.First = max(w.First, w.Last-int64(q.Top)+1)
		return w
	}
	w.First += q.Skip
	w.Last = min(w.Last, w.First+int64(q.Top)-1)
	return w
}

// Window turns the bounds of the query into sequences. last is the end of the chain; until tells how many events are before an
// instant in whole microseconds since 1970. The error is invalid/too_many where the query would search more than MaxEventsSearched events.
func (q EventQuery) Window(last int64, until func(micros int64) (int64, error)) (w EventWindow, err error) {
	w = EventWindow{First: 1, Last: last}
	if !q.From.IsZero() {
		before, err := until(ceilMicros(q.From))
		if err != nil {
			return EventWindow{}, err
		}
		w.First = before + 1
	}
	if !q.To.IsZero() {
		if w.Last, err = until(ceilMicros(q.To)); err != nil {
			return EventWindow{}, err
		}
	}
	if q.Before > 0 {
		w.Last = min(w.Last, q.Before-1)
	}
	if q.Searches() && w.Size() > MaxEventsSearched {
		return EventWindow{}, Invalid(ReasonTooMany, "more than %d events would have to be searched, narrow the time", MaxEventsSearched).In("startTime")
	}
	return w, nil
}

// ceilMicros counts microseconds since 1970, rounded up: an event is before an instant if its whole microseconds are before these.
func ceilMicros(t time.Time) int64 { return t.Add(time.Microsecond - 1).UnixMicro() }
