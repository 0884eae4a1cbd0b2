package storetest

import (
	"github.com/seatwright/seatwright"
)

// Idempotency keys.

func repeatsAnswers(f *fixture) {
	f.organization("a", 2, 1)
	f.key, f.actor = "key-1", "ann"
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.key = "key-2"
	first := f.allocate("a", attended, "u-2")
	f.wantReason(first, seatwright.ReasonPoolExhausted)
	f.key = ""
	f.must(nil, f.allocate("a", nil, "u-1"))
	f.key = "key-2"
	again := f.allocate("a", attended, "u-2")
	f.wantReason(again, seatwright.ReasonPoolExhausted)
	if a, b := seatwright.AsError(first), seatwright.AsError(again); a.Detail != b.Detail || len(b.Shortages) != 1 || b.RequestID != "request" {
		f.Errorf("first %+v, again %+v", a, b)
	}
	f.key = "key-1"
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.wantPool("a", 0, 1) // the first answer, not a second effect
	f.wantReason(f.allocate("a", attended, "u-2"), seatwright.ReasonKeyReused)
}

func forgetsKeys(f *fixture) {
	f.organization("a", 1, 1)
	f.key, f.actor = "key", "ann"
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.wantReason(f.allocate("a", nil, "u-1"), seatwright.ReasonKeyReused)
	f.clock.advance(seatwright.KeyLife)
	f.must(nil, f.allocate("a", nil, "u-1"))
	f.wantPool("a", 0, 1)
}

func keysNeverMeet(f *fixture) {
	f.organization("a", 1, 1)
	f.organization("b", 1, 1)
	f.key, f.actor = "key", "ann"
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.must(nil, f.allocate("b", attended, "u-1"))
	f.actor = "bob"
	f.must(nil, f.allocate("a", nil, "u-1"))
	f.wantPool("a", 0, 1)
	f.wantPool("b", 1, 1)
}
