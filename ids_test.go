package seatwright

import (
	"regexp"
	"testing"
)

// Guards the request ids of the log and the ids that the server makes: clients take them for UUIDs.
func TestNewIDIsARandomUUID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("%q is no UUID of version 4, or not new", id)
		}
		seen[id] = true
	}
}
