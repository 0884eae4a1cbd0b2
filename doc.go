// Package seatwright is the domain: the nouns of license allocation, their formulas, the commands that change them, and
// the pure functions that decide each command. It knows no SQL, no HTTP and no clock.
//
// Read command.go first (what a change is), then slice.go (what a decision sees), then allocate.go (the main decision).
// What the host and organizations give on is in distribution.go and service_license.go.
// The contract that a store has to keep is in store.go; who may do what is in principal.go.
//
// Times are UTC with microsecond precision. Quantities are whole units, 0 to [MaxQuantity].
package seatwright
