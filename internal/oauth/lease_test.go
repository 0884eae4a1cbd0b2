package oauth

import (
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// Promise: a sign-in with a browser takes what the groups of the person offer, one with a password alone does not, and nobody is kept
// out because there is nothing left.
func TestASignInWithABrowserLeases(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.withWeb()
	held := func() (codes []seatwright.ProductCode) {
		for _, seat := range must(w.store.Seats(t.Context(), w.acme.ID, []seatwright.UserID{w.boss.ID})) {
			codes = append(codes, seat.Code)
		}
		return codes
	}
	b := w.browser()
	b.code(b.signIn(nil)) // there is no rule, and no license
	now := w.clock.now()
	must(ledger.Submit(t.Context(), w.ledger, seatwright.Origin{}, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: w.acme.ID, ID: "lot", Code: "ATTUNU", Quantity: 1, Start: now, End: now.Add(24 * time.Hour),
	}}))
	must(ledger.Submit(t.Context(), w.ledger, seatwright.Origin{}, seatwright.SetGroupRule{
		Organization: w.acme.ID, Group: seatwright.Everyone.ID, Codes: []seatwright.ProductCode{"ATTUNU"},
	}))
	w.ask("/connect/token", "grant_type", "password", "username", "boss", "password", password)
	if got := held(); len(got) != 0 {
		t.Fatalf("a login with a password took %v", got)
	}
	b.code(b.signIn(nil))
	if got := held(); len(got) != 1 || got[0] != "ATTUNU" {
		t.Fatalf("the sign-in took %v", got)
	}
}
