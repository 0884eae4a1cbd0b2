package seatwright_test

import (
	"reflect"
	"testing"

	"github.com/seatwright/seatwright"
)

// Promise: a store gets each organization once, with everything that its commands touch, and the commands keep what they listed as they
// listed it: their answers have that order.
func TestTouchesAreJoinedAndLeftAlone(t *testing.T) {
	t.Parallel()
	touches := func() []seatwright.Touch {
		return []seatwright.Touch{
			{Organization: "b", Users: []seatwright.UserID{"z", "a", "z"}, Codes: []seatwright.ProductCode{"RPADEVPRONU"}},
			{Organization: "a", Users: []seatwright.UserID{"x"}, Groups: []seatwright.GroupID{"g2", "g1"}},
			{Organization: "b", Users: []seatwright.UserID{"m", "a"}, Rules: true},
			{Organization: "c", Services: []seatwright.PoolScope{{Tenant: "t", Service: "s"}}},
		}
	}
	request := seatwright.LoadRequest{Touches: touches()}
	var joined []seatwright.Touch
	for _, of := range request.ByOrganization() {
		joined = append(joined, *of)
	}
	want := []seatwright.Touch{
		{Organization: "a", Users: []seatwright.UserID{"x"}, Groups: []seatwright.GroupID{"g2", "g1"}},
		{Organization: "b", Users: []seatwright.UserID{"a", "m", "z"}, Codes: []seatwright.ProductCode{"RPADEVPRONU"}, Rules: true},
		{
			Organization: "c", Services: []seatwright.PoolScope{{Tenant: "t", Service: "s"}},
			Denied: []seatwright.Denied{{Kind: seatwright.DeniedService, ID: seatwright.PoolScope{Tenant: "t", Service: "s"}.String()}},
		},
	}
	if !reflect.DeepEqual(joined, want) {
		t.Errorf("joined\n%+v, want\n%+v", joined, want)
	}
	if !reflect.DeepEqual(request.Touches, touches()) {
		t.Errorf("the request has become\n%+v", request.Touches)
	}
}
