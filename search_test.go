package seatwright

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// Promise: a range has every text that begins with the prefix, and no other.
func TestStartingWith(t *testing.T) {
	t.Parallel()
	for prefix, end := range map[string]string{"an": "ao", "z": "{", "\ud7ff": "\ue000", "a\U0010ffff": "b", "ö": "÷", "": "\U0010ffff"} {
		if got := StartingWith(prefix); got.From != prefix || got.To != end {
			t.Errorf("%q: %q", prefix, got)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	letters := []rune("aAzöß\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010fffe")
	text := func() string {
		var b strings.Builder
		for range random.IntN(4) {
			b.WriteRune(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	for range 20_000 {
		prefix, name := text(), text()
		in := StartingWith(prefix)
		if inside := in.From <= name && name < in.To; inside != strings.HasPrefix(name, prefix) || !utf8.ValidString(in.To) {
			t.Fatalf("%q in the range of %q: %t", name, prefix, inside)
		}
	}
}
