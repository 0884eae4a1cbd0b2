package audit

import (
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
)

// instant reads an instant of the query: RFC 3339, the same without a zone, which means UTC, or a date, which means its begin in
// UTC. Nothing is the zero instant.
func instant(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		// Nothing was recorded in the first years, and the very first instant stands for none.
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 1 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, api.NoInstant(name)
}

// within reads a number from 0 to most; nothing is the given default.
func within(name string, sent *int32, otherwise, most int) (int, error) {
	if sent == nil {
		return otherwise, nil
	}
	if *sent < 0 || int(*sent) > most {
		return 0, seatwright.Invalid(seatwright.ReasonInvalidValue, "%s is 0 to %d", name, most).In(name)
	}
	return int(*sent), nil
}
