package seatwright

import (
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

// Promise: every kind of event says what of answers about people it may have changed. One that does not forgets all that is remembered of an
// organization, each time.
func TestEveryKindOfEventSaysWhatItMayHaveChanged(t *testing.T) {
	source, err := os.ReadFile("event.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m)^\tEvent\w+\s+EventKind = "([a-z_.]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(kinds) < 50 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	for _, kind := range kinds {
		if (Event{Kind: EventKind(kind[1]), Data: []byte(`{}`)}).Entitles() == (EntitlementChange{Everyone: true, Terms: true}) {
			t.Errorf("%s is not known", kind[1])
		}
	}
	if (Event{Kind: "something.new"}).Entitles() != (EntitlementChange{Everyone: true, Terms: true}) {
		t.Error("of a kind that is not known not everything is forgotten")
	}
	if change := (Event{Kind: EventGroupRuleSet, Data: []byte(`{"ended":[{"code":"ATTUNU","leases":3,"units":3}]}`)}).Entitles(); !change.Everyone {
		t.Error("a rule that ends leases changes nobody")
	}
}

// Promise: a name leads to every product that gives it, whatever kind of name it is, and a name that nobody gives to none.
func TestNamesLeadToProducts(t *testing.T) {
	extended, err := PublishedCatalogue().Extended([]byte(`{"products": [{"code": "DRAWNU", "kind": "user", "units": ["DRAW", "ATTR"], "entitlements": ["Draw.Export", "DRAW"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[EntitlementName][]ProductCode{
		"DRAWNU": {"DRAWNU"}, "DRAW": {"DRAWNU"}, "Draw.Export": {"DRAWNU"}, "draw.export": nil, "": nil, "AgenticPool": {"AGU", "PLTU"}, "STDPRO": {"RPADEVPROCU", "RPADEVPRONU"},
	} {
		if got := extended.Giving(name); !slices.Equal(got, want) {
			t.Errorf("%q leads to %v, want %v", name, got, want)
		}
	}
	if got := extended.Giving("ATTR"); !slices.Contains(got, "DRAWNU") || !slices.Contains(got, "ATTUNU") {
		t.Errorf("ATTR leads to %v", got)
	}
}

// Promise: what is in force is so from the start of a purchase until its grace is over, and the answer says until when it holds.
func TestTermsAreInForceUntilTheySay(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	lot := Lot{Code: "ATTUNU", Quantity: 2, Start: start, End: start.Add(24 * time.Hour), Grace: time.Hour}
	terms := Terms{Policies: DefaultPolicies(), Lots: []Lot{lot}}
	for _, c := range []struct {
		at     time.Time
		usable bool
		until  time.Time
	}{
		{start.Add(-time.Microsecond), false, start}, {start, true, lot.Expiry()}, {lot.Expiry().Add(-time.Microsecond), true, lot.Expiry()}, {lot.Expiry(), false, never},
	} {
		f := terms.At(c.at)
		if f.Usable("ATTUNU") != c.usable || f.Has("ATTUNU") != c.usable || !f.Until.Equal(c.until) || f.Usable("IDU") {
			t.Errorf("at %s: %+v", c.at, f)
		}
		if !f.Holds(c.at) || f.Holds(c.until) || f.Holds(c.at.Add(-time.Microsecond)) {
			t.Errorf("at %s it does not say right when it holds: %+v", c.at, f)
		}
	}
	terms.Policies.OnShrink = HoldShrink
	if f := terms.At(lot.Expiry()); !f.Usable("ATTUNU") || f.Has("ATTUNU") {
		t.Errorf("held: %+v", f)
	}
}
