package seatwright

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var distributionDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func days(n int) time.Time { return distributionDay.AddDate(0, 0, n) }

// distribution is a host and the organizations "a" and "b" with the tenants "t" and "u", and a history that can be replayed.
type distribution struct {
	*testing.T
	s *Slice
}

func newDistribution(t *testing.T) *distribution {
	t.Helper()
	d := &distribution{t, NewSlice(distributionDay)}
	d.must(CreateHost{}.Decide(d.s, Origin{}))
	for _, id := range []OrganizationID{"a", "b"} {
		d.must(CreateOrganization{ID: id, Name: "name-" + string(id)}.Decide(d.s, Origin{}))
		for _, tenant := range []TenantID{"t", "u"} {
			d.must(CreateTenant{Organization: id, ID: tenant, Name: string(tenant)}.Decide(d.s, Origin{}))
		}
		d.must(CreateUser{User: User{Organization: id, ID: "ann", Role: RoleMember}}.Decide(d.s, Origin{}))
	}
	return d
}

func (d *distribution) must(_ any, err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *distribution) buy(organization OrganizationID, code ProductCode, quantity int64, from, until int, grace time.Duration) {
	d.Helper()
	id := LotID(fmt.Sprintf("%s-%d-%d", code, from, until))
	d.must(CreateLot{Lot: Lot{
		Organization: organization, ID: id, Code: code, Quantity: quantity, Start: days(from), End: days(until), Grace: grace,
	}}.Decide(d.s, Origin{}))
}

// later goes on with the same rows at another instant.
func (d *distribution) later(n int) {
	d.s.now = days(n)
	for _, o := range d.s.organizations {
		o.now = days(n)
		o.licensed = slices.ContainsFunc(o.accountLicense().Lots, func(l Lot) bool { return l.InForce(o.now) })
	}
}

func (d *distribution) distribute(organization OrganizationID, products ...Quantity) error {
	_, err := DistributeToOrganization{Organization: organization, Products: products}.Decide(d.s, Origin{})
	return err
}

func (d *distribution) give(tenant TenantID, products ...Quantity) error {
	_, err := AllocateToService{Organization: "a", Tenant: tenant, Service: "orchestrator", Products: products}.Decide(d.s, Origin{})
	return err
}

func (d *distribution) wantPool(organization OrganizationID, code ProductCode, used, total int64) {
	d.Helper()
	if p := d.s.pool(d.s.at(organization), code); p.Used != used || p.Total != total {
		d.Errorf("pool %s of %s: %d of %d are used, want %d of %d", code, organization, p.Used, p.Total, used, total)
	}
}

func (d *distribution) wantReason(err error, reason Reason) {
	d.Helper()
	if !IsReason(err, reason) {
		d.Errorf("got %v, want %s", err, reason)
	}
}

// wantReplay checks that the events say what the slice does, and that each chain holds.
func (d *distribution) wantReplay() {
	d.Helper()
	for id, o := range d.s.organizations {
		if _, err := VerifyChain(Head{Organization: id, Hash: NoHash()}, o.events); err != nil {
			d.Error(err)
		}
		r, err := Replay(o.events)
		if err != nil {
			d.Errorf("%s: %v", id, err)
			continue
		}
		for code, p := range o.pools {
			if r.Used()[code] != p.Used {
				d.Errorf("pool %s of %s: %d are used, by the events %d", code, id, p.Used, r.Used()[code])
			}
		}
	}
}

// Promise: what an organization has is what the host gave it, and it counts as used there; quantities are absolute.
func TestTheHostDistributesWhatItHas(t *testing.T) {
	t.Parallel()
	d := newDistribution(t)
	d.wantReason(d.distribute("a", Quantity{"UNATT", 1}), ReasonNoLicense)
	d.must(nil, d.distribute("a", Quantity{"UNATT", 0})) // nothing needs no license
	d.buy(HostID, "UNATT", 10, 0, 30, 0)
	d.buy(HostID, "ATTUNU", 5, 0, 10, 0)
	d.must(nil, d.distribute("a", Quantity{"UNATT", 6}, Quantity{"ATTUNU", 5}))
	d.wantPool(HostID, "UNATT", 6, 10)
	d.wantPool("a", "UNATT", 0, 6)
	d.wantReason(d.distribute("b", Quantity{"UNATT", 5}), ReasonPoolExhausted)
	d.wantPool("b", "UNATT", 0, 0)
	d.must(nil, d.distribute("b", Quantity{"UNATT", 4}))

	events := len(d.s.at("a").events) + len(d.s.at(HostID).events)
	d.must(nil, d.distribute("a", Quantity{"UNATT", 6}))
	if now := len(d.s.at("a").events) + len(d.s.at(HostID).events); now != events {
		t.Errorf("a repeat wrote %d events", now-events)
	}
	d.must(nil, d.distribute("a", Quantity{"UNATT", 2})) // ATTUNU is not listed and stays
	d.wantPool(HostID, "UNATT", 6, 10)
	d.wantPool("a", "UNATT", 0, 2)
	d.wantPool("a", "ATTUNU", 0, 5)
	if end := d.s.at("a").hostLot("UNATT").End; !end.Equal(days(30)) {
		t.Errorf("the lot ends at %s, want the end of all lots of the host", end)
	}
	d.must(RemoveOrganizationLicense{Organization: "a"}.Decide(d.s, Origin{}))
	d.wantPool(HostID, "UNATT", 4, 10)
	d.wantPool(HostID, "ATTUNU", 0, 5)
	d.wantPool("a", "UNATT", 0, 0)
	if d.s.at("a").licensed {
		t.Error("an organization that has nothing any more is licensed")
	}
	d.wantReplay()
}

func TestWhatCannotBeDistributedIsRefused(t *testing.T) {
	t.Parallel()
	d := newDistribution(t)
	d.buy(HostID, "UNATT", 10, 0, 30, 0)
	d.buy("a", "UNATT", MaxQuantity-5, 0, 30, 0)
	d.wantReason(d.distribute(HostID, Quantity{"UNATT", 1}), ReasonOrganizationNotFound)
	d.wantReason(d.distribute("nowhere", Quantity{"UNATT", 1}), ReasonOrganizationNotFound)
	d.wantReason(d.distribute("a", Quantity{"SHOES", 1}), ReasonPoolExhausted)
	d.wantReason(d.distribute("a", Quantity{"UNATT", 6}), ReasonInvalidValue)
	d.must(nil, d.distribute("a", Quantity{"UNATT", 5}))
	_, err := CreateLot{Lot: Lot{Organization: "b", ID: "host-UNATT", Code: "UNATT", Quantity: 1, End: days(3)}}.Decide(d.s, Origin{})
	d.wantReason(err, ReasonInvalidValue)
	d.wantReplay()
}

// Promise: whoever holds something keeps it. The pool is overallocated, and grants nothing until it fits again.
func TestTakingALicenseBackEvictsNobody(t *testing.T) {
	t.Parallel()
	d := newDistribution(t)
	d.buy(HostID, "ATTUNU", 3, 0, 30, 0)
	d.buy(HostID, "UNATT", 3, 0, 30, 0)
	d.must(nil, d.distribute("a", Quantity{"ATTUNU", 1}, Quantity{"UNATT", 3}))
	d.must(AllocateToUsers{Organization: "a", Users: []UserID{"ann"}, Codes: []ProductCode{"ATTUNU"}}.Decide(d.s, Origin{}))
	d.must(nil, d.give("t", Quantity{"UNATT", 3}))
	d.must(nil, d.distribute("a", Quantity{"UNATT", 1}))
	d.wantPool("a", "UNATT", 3, 1)
	d.must(nil, d.give("t", Quantity{"UNATT", 2})) // lowering works, though it still does not fit
	d.wantPool("a", "UNATT", 2, 1)
	d.wantReason(d.give("t", Quantity{"UNATT", 3}), ReasonPoolExhausted)
	d.must(RemoveOrganizationLicense{Organization: "a"}.Decide(d.s, Origin{}))
	d.wantPool("a", "ATTUNU", 1, 0)
	d.wantPool("a", "UNATT", 2, 0)
	d.must(nil, d.give("t", Quantity{"UNATT", 0})) // without a license in force as well
	d.must(nil, d.give("t"))
	d.wantPool("a", "UNATT", 0, 0)
	d.wantReplay()
}

// Promise: units of seats and of services come from one pool, and a service has exactly what was listed last.
func TestServicesAndPeopleDrawOnOnePool(t *testing.T) {
	t.Parallel()
	d := newDistribution(t)
	d.wantReason(d.give("t", Quantity{"UNATT", 1}), ReasonNoLicense)
	d.buy("a", "UNATT", 10, 0, 30, 0)
	d.buy("a", "AIU", 5, 0, 30, 0)
	d.buy("a", "ATTUNU", 5, 0, 30, 0)
	d.wantReason(d.give("nothing", Quantity{"UNATT", 1}), ReasonNotFound)
	d.wantReason(d.give("t", Quantity{"ATTUNU", 1}), ReasonInvalidValue)
	d.wantReason(d.give("t", Quantity{"UNATT", 1}, Quantity{"SHOES", 1}), ReasonPoolExhausted)
	d.wantPool("a", "UNATT", 0, 10)
	d.must(nil, d.give("t", Quantity{"UNATT", 6}, Quantity{"AIU", 5}))
	d.wantReason(d.give("u", Quantity{"UNATT", 5}), ReasonPoolExhausted)
	d.must(nil, d.give("u", Quantity{"UNATT", 4}))
	d.must(nil, d.give("t", Quantity{"UNATT", 6})) // AIU is left out
	d.wantPool("a", "AIU", 0, 5)
	d.wantPool("a", "UNATT", 10, 10)
	events := len(d.s.at("a").events)
	d.must(nil, d.give("t", Quantity{"UNATT", 6}))
	if now := len(d.s.at("a").events); now != events {
		t.Error("a repeat wrote an event")
	}
	d.must(AllocateToService{Organization: "a", Tenant: "t", Service: "aicenter"}.Decide(d.s, Origin{}))
	if n, err := (RemoveServices{Organization: "a", Tenant: "t"}).Decide(d.s, Origin{}); n != 1 || err != nil {
		t.Errorf("removed %d services, %v", n, err)
	}
	_, err := RemoveServices{Organization: "a", Tenant: "nothing"}.Decide(d.s, Origin{})
	d.wantReason(err, ReasonNotFound)
	d.wantPool("a", "UNATT", 4, 10)
	d.wantReplay()
}

// Promise: what the host distributes is in force while the host has anything in force, and the windows follow its lots.
func TestDistributionEndsWithTheLicenseOfTheHost(t *testing.T) {
	t.Parallel()
	d := newDistribution(t)
	align := func(start, end int, changes bool) {
		t.Helper()
		before := len(d.s.at("a").events)
		d.must(AlignDistribution{Organization: "a"}.Decide(d.s, Origin{}))
		lot := d.s.at("a").hostLot("UNATT")
		if !lot.Start.Equal(days(start)) || !lot.End.Equal(days(end)) || (len(d.s.at("a").events) > before) != changes {
			t.Errorf("the lot lasts from %s to %s, want days %d to %d; %d events", lot.Start, lot.End, start, end, len(d.s.at("a").events)-before)
		}
	}
	d.buy(HostID, "UNATT", 10, 0, 5, 24*time.Hour) // counts until day 6
	d.must(nil, d.distribute("a", Quantity{"UNATT", 4}))
	align(0, 6, false)
	d.buy(HostID, "AIU", 1, 6, 9, 0) // another product, without a gap
	align(0, 9, true)
	d.buy(HostID, "AIU", 1, 20, 30, 0) // after a gap
	align(0, 9, false)
	d.later(9)
	d.wantPool("a", "UNATT", 0, 0)
	align(20, 30, true)
	d.wantReason(d.distribute("a", Quantity{"UNATT", 5}), ReasonNoLicense)
	d.buy(HostID, "UNATT", 10, 8, 12, 0)
	align(9, 12, true)
	d.wantPool("a", "UNATT", 0, 4)
	host := d.s.at(HostID)
	for code := range host.lots { // the purchases are ended early
		for _, l := range host.lots[code] {
			l.Start, l.End, l.Grace = days(0), days(2), 0
			host.putLot(l)
		}
	}
	d.later(10)
	align(9, 10, true)
	align(9, 10, false)
	if r, err := Replay(d.s.at("a").events); err != nil {
		t.Errorf("%+v: %v", r, err)
	}
}

func TestServiceTypesIgnoreLetterCase(t *testing.T) {
	t.Parallel()
	if got, err := ParseServiceType("AICenter"); got != "aicenter" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, text := range []string{"", "shoes", "orchestrator "} {
		if _, err := ParseServiceType(text); !IsReason(err, ReasonInvalidValue) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if !slices.IsSorted(serviceTypes) {
		t.Error("the types are not in order")
	}
}

func TestStatusOfALicense(t *testing.T) {
	t.Parallel()
	lot := func(from, until int, grace time.Duration) Lot {
		return Lot{Code: "UNATT", Quantity: 2, Start: days(from), End: days(until), Grace: grace}
	}
	for name, c := range map[string]struct {
		want LicenseStatus
		lots []Lot
	}{
		"nothing":             {LicenseNone, nil},
		"to come":             {LicenseNone, []Lot{lot(11, 20, 0)}},
		"begins now":          {LicenseActive, []Lot{lot(10, 20, 0)}},
		"ends now":            {LicenseExpired, []Lot{lot(0, 10, 0)}},
		"in grace":            {LicenseInGrace, []Lot{lot(0, 5, 0), lot(0, 10, time.Hour)}},
		"active beside grace": {LicenseActive, []Lot{lot(0, 10, time.Hour), lot(0, 11, 0)}},
		"over and to come":    {LicenseExpired, []Lot{lot(0, 5, 0), lot(11, 20, 0)}},
	} {
		if got := (AccountLicense{Lots: c.lots, At: days(10)}).Status(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	a := AccountLicense{Lots: []Lot{lot(0, 5, 0), lot(3, 9, 48*time.Hour), lot(4, 10, 0)}, At: days(8)}
	if start, end, grace := a.Term(); !start.Equal(days(3)) || !end.Equal(days(9)) || grace != 48*time.Hour {
		t.Errorf("the term is %s to %s and %s", start, end, grace)
	}
	if got := a.Products(); !slices.Equal(got, []Quantity{{"UNATT", 4}}) {
		t.Errorf("the products are %v", got)
	}
}
