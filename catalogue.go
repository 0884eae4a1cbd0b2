package seatwright

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Product is what can be bought, in units.
type Product struct {
	Code      ProductCode   `json:"code"`
	Name      string        `json:"name"` // names drift between editions, so nothing may compare them
	Kind      ProductKind   `json:"kind"`
	Rank      int           `json:"rank"`      // of a bundle: strength among the ranked ones, the higher the stronger; 0: not ranked against others
	Multiuser bool          `json:"multiuser"` // of a bundle: one unit is shared by several people, one at a time
	Developer bool          `json:"developer"` // of a bundle: may be held by an external license
	Sold      bool          `json:"sold"`      // false: existing purchases count, new ones are no longer sold
	Units     []LicenseUnit `json:"units"`     // of a bundle: what its holder may use, strongest first

	Entitlements []EntitlementName `json:"entitlements"` // what products ask for by name, beside the code and the units
}

// ProductKind says who draws the units of a product.
type ProductKind string

// The kinds of product.
const (
	KindUser       ProductKind = "user"       // a bundle: people hold its units as seats
	KindRobot      ProductKind = "robot"      // a runtime, which a tenant's service is given
	KindService    ProductKind = "service"    // likewise
	KindConsumable ProductKind = "consumable" // units that are used up
)

// LicenseUnit is the code of one thing that a bundle gives its holder, such as "ATTR" for an attended robot.
type LicenseUnit string

// Catalogue is every product that there is. It never changes.
type Catalogue struct {
	products []Product // in the order of their codes
	byCode   map[ProductCode]int
	giving   map[EntitlementName][]ProductCode // the products that give what is called so, in order
}

// catalogueText has every product code of the published API guide and of its clients. Source: Automation Suite API guide, "License
// codes"; rank: admin guide, "User license management".
//
//go:embed catalogue.json
var catalogueText []byte

var publishedCatalogue = func() *Catalogue {
	c, err := (&Catalogue{}).Extended(catalogueText)
	if err != nil {
		panic(err) // the text is part of the program
	}
	return c
}()

// PublishedCatalogue has the products that the program brings.
func PublishedCatalogue() *Catalogue { return publishedCatalogue }

// Extended reads {"products": […]} and returns a catalogue that has these products as well; a code that is there already gets the
// new description. The error names the product that does not make sense.
func (c *Catalogue) Extended(text []byte) (*Catalogue, error) {
	var more struct {
		Products []Product `json:"products"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&more); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("catalogue: there is text after the end of the JSON value, at byte %d", decoder.InputOffset())
	}
	byCode := map[ProductCode]Product{}
	for _, p := range c.products {
		byCode[p.Code] = p
	}
	for i, p := range more.Products {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("catalogue: products[%d]: %w", i, err)
		}
		byCode[p.Code] = p
	}
	extended := &Catalogue{byCode: make(map[ProductCode]int, len(byCode))}
	for _, p := range byCode {
		extended.products = append(extended.products, p)
	}
	slices.SortFunc(extended.products, func(a, b Product) int { return strings.Compare(string(a.Code), string(b.Code)) })
	extended.giving = map[EntitlementName][]ProductCode{}
	for i, p := range extended.products {
		extended.byCode[p.Code] = i
		for _, name := range p.Gives() {
			extended.giving[name] = append(extended.giving[name], p.Code)
		}
	}
	return extended, nil
}

func (p Product) check() error {
	if id, err := CanonicalID(string(p.Code)); err != nil || id != string(p.Code) {
		return fmt.Errorf("%q cannot be a code", p.Code)
	}
	for _, name := range p.Entitlements {
		if id, err := CanonicalID(string(name)); err != nil || id != string(name) {
			return fmt.Errorf("%s: %q cannot be the name of an entitlement", p.Code, name)
		}
	}
	switch p.Kind {
	case KindUser:
		if p.Rank < 0 {
			return fmt.Errorf("%s: the rank is %d; it is 0, for none, or more", p.Code, p.Rank)
		}
		return nil
	case KindRobot, KindService, KindConsumable:
		if p.Rank != 0 || p.Multiuser || p.Developer || p.Units != nil {
			return fmt.Errorf("%s: only products of the kind user have rank, multiuser, developer and units", p.Code)
		}
		return nil
	}
	return fmt.Errorf("%s: the kind is %q; it is user, robot, service or consumable", p.Code, p.Kind)
}

// Products returns all products, in the order of their codes.
func (c *Catalogue) Products() []Product { return slices.Clone(c.products) }

// Bundles returns the products of the kind user, in the order of their codes.
func (c *Catalogue) Bundles() []Product {
	return slices.DeleteFunc(c.Products(), func(p Product) bool { return p.Kind != KindUser })
}

// Product finds a product by its exact code.
func (c *Catalogue) Product(code ProductCode) (Product, bool) {
	i, known := c.byCode[code]
	if !known {
		return Product{}, false
	}
	return c.products[i], true
}

// Bundle finds a product of the kind user by its exact code.
func (c *Catalogue) Bundle(code ProductCode) (Product, bool) {
	p, known := c.Product(code)
	return p, known && p.Kind == KindUser
}

// ServiceProduct finds a product whose units services use. The errors are not_found/not_found, and invalid/invalid_value for a bundle: people
// hold it.
func (c *Catalogue) ServiceProduct(code ProductCode) (Product, error) {
	product, known := c.Product(code)
	switch {
	case !known:
		return Product{}, NotFound(ReasonNotFound, "there is no such product")
	case product.Kind == KindUser:
		return Product{}, Invalid(ReasonInvalidValue, "%s is a bundle that people hold: no service uses its units", code).In("productCode")
	}
	return product, nil
}

// UnitsOf lists what the holder of some bundles may use, each once, in the order of the bundles.
func (c *Catalogue) UnitsOf(codes []ProductCode) []LicenseUnit {
	units := []LicenseUnit{}
	for _, code := range codes {
		b, _ := c.Bundle(code)
		for _, unit := range b.Units {
			if !slices.Contains(units, unit) {
				units = append(units, unit)
			}
		}
	}
	return units
}
