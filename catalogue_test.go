package seatwright

import (
	"strings"
	"testing"
)

// Promise: an operator's products are there beside the published ones, a code that is there gets the new description, and the
// published catalogue stays as it is.
func TestCatalogueIsExtended(t *testing.T) {
	extended, err := PublishedCatalogue().Extended([]byte(`{"products": [
		{"code": "DRAWNU", "name": "Drawing", "kind": "user", "rank": 5, "sold": true, "units": ["DRAW"]},
		{"code": "ATTUNU", "name": "Attended", "kind": "user", "sold": true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if p, known := extended.Bundle("DRAWNU"); !known || p.Rank != 5 || len(extended.Bundles()) != len(PublishedCatalogue().Bundles())+1 {
		t.Errorf("DRAWNU is %+v (%t) among %d bundles", p, known, len(extended.Bundles()))
	}
	if p, _ := extended.Product("ATTUNU"); p.Rank != 0 {
		t.Errorf("ATTUNU still has rank %d", p.Rank)
	}
	if p, _ := PublishedCatalogue().Product("ATTUNU"); p.Rank != 2 {
		t.Errorf("the published ATTUNU has rank %d", p.Rank)
	}
	if _, known := PublishedCatalogue().Bundle("UNATT"); known {
		t.Error("a robot is a bundle")
	}
}

// Promise: a catalogue that does not make sense is refused, and the error says which product is at fault.
func TestCatalogueRefusesNonsense(t *testing.T) {
	for text, want := range map[string]string{
		`{"products": [{"code": "A B", "kind": "user"}]}`:                "cannot be a code",
		`{"products": [{"code": "X", "kind": "thing"}]}`:                 "the kind is",
		`{"products": [{"code": "X", "kind": "robot", "rank": 1}]}`:      "only products of the kind user",
		`{"products": [{"code": "X", "kind": "user", "rank": -1}]}`:      "the rank is -1",
		`{"products": [{"code": "X", "kind": "user", "colour": "red"}]}`: "colour",
		`{"products": []} more`:                                          "after the end",
		`[]`:                                                             "catalogue",
	} {
		if _, err := PublishedCatalogue().Extended([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}
