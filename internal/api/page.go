package api

import (
	"math"
	"strings"

	"github.com/seatwright/seatwright"
)

// maxTop is the most that one page has.
const maxTop = 1000

// PageOf reads what part of a list is asked for: the first ten where nothing is said, 1,000 at most.
func PageOf(skip int, top *int) (from, most int, err error) {
	from, most, err = CappedPageOf(skip, top, math.MaxInt)
	if err == nil && most > maxTop {
		err = seatwright.Invalid(seatwright.ReasonInvalidValue, "top is 0 to %d", maxTop).In("top")
	}
	return from, most, err
}

// CappedPageOf is [PageOf] for lists that take a greater number for limit instead of refusing it.
func CappedPageOf(skip int, top *int, limit int) (from, most int, err error) {
	most = 10
	if top != nil {
		most = *top
	}
	if skip < 0 || skip > math.MaxInt32 {
		return 0, 0, seatwright.Invalid(seatwright.ReasonInvalidValue, "skip is 0 to %d", math.MaxInt32).In("skip")
	}
	if most < 0 {
		return 0, 0, seatwright.Invalid(seatwright.ReasonInvalidValue, "top is 0 or more").In("top")
	}
	return skip, min(most, limit), nil
}

// IsDescending reads the direction in which a list is asked for.
func IsDescending(order string) (bool, error) {
	switch strings.ToLower(order) {
	case "", "asc":
		return false, nil
	case "desc":
		return true, nil
	}
	return false, seatwright.Invalid(seatwright.ReasonInvalidValue, "sortOrder is asc or desc").In("sortOrder")
}
