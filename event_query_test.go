package seatwright

import (
	"testing"
	"time"
)

// Promise: a search through more events than it may look at is refused, whatever the organization has; one that needs no look goes on.
func TestEventQueryBoundsWhatIsSearched(t *testing.T) {
	t.Parallel()
	until := func(micros int64) (int64, error) { return micros, nil } // one event in each microsecond
	at := func(micros int64) time.Time { return time.UnixMicro(micros) }
	search := EventQuery{Actors: []string{"user/u"}}
	for name, c := range map[string]struct {
		query EventQuery
		last  int64
		want  EventWindow
		fails bool
	}{
		"AllOfAMillion":     {search, MaxEventsSearched, EventWindow{1, MaxEventsSearched}, false},
		"OneMore":           {search, MaxEventsSearched + 1, EventWindow{}, true},
		"WithoutSearch":     {EventQuery{}, MaxEventsSearched + 1, EventWindow{1, MaxEventsSearched + 1}, false},
		"NarrowedFromBelow": {EventQuery{Actors: search.Actors, From: at(10)}, MaxEventsSearched + 10, EventWindow{11, MaxEventsSearched + 10}, false},
		"NarrowedFromAbove": {EventQuery{Actors: search.Actors, To: at(5)}, MaxEventsSearched + 10, EventWindow{1, 5}, false},
		"Position":          {EventQuery{Kinds: []EventKind{}, Before: 8}, MaxEventsSearched + 10, EventWindow{1, 7}, false},
		"RoundsUp":          {EventQuery{From: at(3).Add(time.Nanosecond), To: at(5).Add(time.Nanosecond)}, 10, EventWindow{5, 6}, false},
		"NothingLeft":       {EventQuery{From: at(8), To: at(2), Ranks: map[EventKind]int{}}, 10, EventWindow{9, 2}, false},
	} {
		got, err := c.query.Window(c.last, until)
		if got != c.want || IsReason(err, ReasonTooMany) != c.fails || (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
