package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

// Purchases: how they change, and what is listed of them.

func (f *fixture) change(c seatwright.ChangeLot) seatwright.Purchase {
	f.Helper()
	c.Organization = "a"
	p, err := decide(f, c)
	f.must(nil, err)
	return p
}

func (f *fixture) wantLots(code seatwright.ProductCode, want ...string) {
	f.Helper()
	lots, err := f.store.Lots(ctx, "a", code)
	f.must(nil, err)
	var got []string
	for _, l := range lots {
		got = append(got, string(l.Code)+" "+string(l.ID)+" "+string(l.State))
		if one, err := f.store.Lot(ctx, "a", l.ID); err != nil || one != l {
			f.Fatalf("by its id the lot is %+v (%v), in the list %+v", one, err, l)
		}
	}
	if !slices.Equal(got, want) {
		f.Fatalf("the lots are %q, want %q", got, want)
	}
}

// Guards that a total, and whether there is a license at all, follow each change at once, also in what a store remembers.
func changesPurchases(f *fixture) {
	f.organization("a", 3, 2) // lot-1: a year
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	now := f.clock.Now()

	f.change(seatwright.ChangeLot{ID: "lot-1", Quantity: to(int64(3))})
	f.wantPool("a", 2, 3)
	f.must(nil, f.allocate("a", attended, "u-3"))
	f.change(seatwright.ChangeLot{ID: "lot-1", Quantity: to(int64(1))})
	f.wantPool("a", 3, 1) // nobody is evicted
	f.must(nil, f.allocate("a", attended, "u-3"))
	f.wantReason(f.allocate("a", []seatwright.ProductCode{"TSTNU"}, "u-3"), seatwright.ReasonPoolExhausted)

	f.clock.advance(time.Hour)
	ended := f.change(seatwright.ChangeLot{ID: "lot-1", End: to(f.clock.Now())}) // ends early
	if ended.State != seatwright.LotExpired || !ended.Start.Equal(now) {
		f.Fatalf("it ended, and is %+v", ended)
	}
	f.wantPool("a", 3, 0)
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonNoLicense)
	before := len(f.events("a"))
	f.change(seatwright.ChangeLot{ID: "lot-1", End: to(f.clock.Now()), Quantity: to(int64(1))})
	if n := len(f.events("a")); n != before {
		f.Fatalf("a change to what was there already left %d events", n-before)
	}
	if p := f.change(seatwright.ChangeLot{ID: "lot-1", Grace: to(time.Hour), Order: to("PO-2")}); p.State != seatwright.LotInGrace || p.Order != "PO-2" {
		f.Fatalf("it got a grace, and is %+v", p)
	}
	f.wantPool("a", 3, 1)
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.clock.advance(time.Hour)
	f.wantPool("a", 3, 0)
	f.change(seatwright.ChangeLot{ID: "lot-1", End: to(f.clock.Now().Add(time.Hour)), Quantity: to(int64(4))}) // renewed, too late
	f.wantPool("a", 3, 4)
	f.change(seatwright.ChangeLot{ID: "lot-1", Start: to(f.clock.Now().Add(time.Minute))})
	f.wantPool("a", 3, 0)
	f.clock.advance(time.Minute)
	f.wantPool("a", 3, 4)
	lots, err := f.store.Lots(ctx, "a", "")
	f.must(nil, err)
	want := seatwright.Lot{
		Organization: "a", ID: "lot-1", Code: "ATTUNU", Quantity: 4, Start: f.clock.Now(), End: f.clock.Now().Add(59 * time.Minute), Grace: time.Hour,
		Order: "PO-2", CreatedAt: now,
	}
	if len(lots) != 1 || lots[0].Lot != want {
		f.Fatalf("stored are %+v, want %+v", lots, want)
	}
	_, err = seatwright.Replay(f.events("a"))
	f.must(nil, err)
}

func refusesPurchases(f *fixture) {
	f.organization("a", 1, 2)
	f.organization("b", 1, 2)
	f.buy("a", "lot-2", seatwright.MaxQuantity-2, 0, time.Hour)
	before := len(f.events("a"))
	for name, refused := range map[string]struct {
		change seatwright.ChangeLot
		reason seatwright.Reason
	}{
		"an end that is the start":   {seatwright.ChangeLot{Organization: "a", ID: "lot-1", End: to(f.clock.Now())}, seatwright.ReasonInvalidValue},
		"a start behind the end":     {seatwright.ChangeLot{Organization: "a", ID: "lot-1", Start: to(f.clock.Now().AddDate(2, 0, 0))}, seatwright.ReasonInvalidValue},
		"more than can be":           {seatwright.ChangeLot{Organization: "a", ID: "lot-1", Quantity: to(int64(3))}, seatwright.ReasonInvalidValue},
		"a purchase that is not":     {seatwright.ChangeLot{Organization: "a", ID: "lot-9", Quantity: to(int64(3))}, seatwright.ReasonNotFound},
		"a purchase of another":      {seatwright.ChangeLot{Organization: "b", ID: "lot-2", Quantity: to(int64(3))}, seatwright.ReasonNotFound},
		"an organization that isn't": {seatwright.ChangeLot{Organization: "none", ID: "lot-1"}, seatwright.ReasonOrganizationNotFound},
	} {
		f.Run(name, func(t *testing.T) {
			if _, err := decide(f, refused.change); !seatwright.IsReason(err, refused.reason) {
				t.Errorf("got %v, want %s", err, refused.reason)
			}
		})
	}
	f.sells(seatwright.HostID, "IDU", 5)
	f.must(nil, f.distribute("b", "IDU", 2))
	_, err := decide(f, seatwright.ChangeLot{Organization: "b", ID: "host-IDU", Quantity: to(int64(3))})
	f.wantReason(err, seatwright.ReasonDistributed)
	_, err = decide(f, seatwright.RemoveLot{Organization: "b", ID: "host-IDU"})
	f.wantReason(err, seatwright.ReasonDistributed)
	_, err = decide(f, seatwright.RemoveLot{Organization: "b", ID: "lot-2"})
	f.wantReason(err, seatwright.ReasonNotFound)
	_, err = f.store.Lot(ctx, "b", "lot-2")
	f.wantReason(err, seatwright.ReasonNotFound)
	if n := len(f.events("a")); n != before {
		f.Fatalf("refusals left %d events", n-before)
	}
}

func removesPurchases(f *fixture) {
	f.organization("a", 2, 2)
	f.buy("a", "lot-2", 1, time.Hour, time.Hour)
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "a", ID: "lot-0", Code: "TSTNU", Quantity: 1, End: f.clock.Now().Add(time.Minute), Grace: time.Minute}}))
	f.wantLots("", "ATTUNU lot-1 active", "ATTUNU lot-2 scheduled", "TSTNU lot-0 active")
	f.wantLots("TSTNU", "TSTNU lot-0 active")
	f.wantLots("IDU")
	f.clock.advance(time.Minute)
	f.wantLots("TSTNU", "TSTNU lot-0 in_grace")
	f.clock.advance(time.Minute)
	f.wantLots("TSTNU", "TSTNU lot-0 expired")
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	f.must(decide(f, seatwright.RemoveLot{Organization: "a", ID: "lot-0"}))
	removed, err := decide(f, seatwright.RemoveLot{Organization: "a", ID: "lot-1"})
	f.must(nil, err)
	if removed.Quantity != 2 || removed.State != seatwright.LotActive {
		f.Fatalf("removed was %+v", removed)
	}
	f.wantLots("", "ATTUNU lot-2 scheduled")
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonNoLicense)
	f.clock.advance(time.Hour)
	f.must(nil, f.allocate("a", attended, "u-1", "u-2")) // what is held is kept
	_, err = decide(f, seatwright.RemoveLot{Organization: "a", ID: "lot-1"})
	f.wantReason(err, seatwright.ReasonNotFound)

	// What is removed and entered again in one batch is there afterwards, under another code too.
	again := seatwright.CreateLot{Lot: seatwright.Lot{Organization: "a", ID: "lot-2", Code: "IDU", Quantity: 7, End: f.clock.Now().Add(time.Hour)}}
	remove := seatwright.RemoveLot{Organization: "a", ID: "lot-2"}
	more := seatwright.ChangeLot{Organization: "a", ID: "lot-2", Quantity: to(int64(8))}
	request := seatwright.LoadRequest{Touches: slices.Concat(remove.Touches(), again.Touches(), more.Touches())}
	f.must(nil, f.store.Update(ctx, request, func(s *seatwright.Slice) error {
		if _, err := seatwright.Decide(s, seatwright.Origin{}, remove, nil); err != nil {
			return err
		}
		if _, err := seatwright.Decide(s, seatwright.Origin{}, again, nil); err != nil {
			return err
		}
		_, err := seatwright.Decide(s, seatwright.Origin{}, more, nil)
		return err
	}))
	f.wantLots("", "IDU lot-2 active")
	pools, err := f.store.Pools(ctx, "a")
	f.must(nil, err)
	if i := slices.IndexFunc(pools, func(p seatwright.Pool) bool { return p.Code == "IDU" }); i < 0 || pools[i].Total != 8 {
		f.Fatalf("the pools are %+v", pools)
	}
	_, err = seatwright.Replay(f.events("a"))
	f.must(nil, err)
}

// Guards the three things that a smaller purchase can do to those who hold more than is left.
func purchasesShrink(f *fixture) {
	f.organization("a", 3, 2)
	f.sells(seatwright.HostID, "IDU", 5)
	f.must(nil, f.distribute("a", "IDU", 1))
	f.rule("a", seatwright.Everyone.ID, nil, "TSTNU")
	f.sells("a", "TSTNU", 2)
	f.must(f.lease("a", "u-1"))
	f.must(nil, f.allocate("a", []seatwright.ProductCode{"ATTUNU", "IDU"}, "u-2"))
	f.must(nil, f.allocate("a", attended, "u-3"))
	shrink := func(to seatwright.OnShrink) {
		f.must(decide(f, seatwright.ChangePolicies{Organization: "a", OnShrink: &to}))
	}
	change := func(c seatwright.ChangeLot) error {
		c.Organization, c.ID = "a", "lot-1"
		_, err := decide(f, c)
		return err
	}
	shrink(seatwright.BlockShrink)
	before := len(f.events("a"))
	f.wantReason(change(seatwright.ChangeLot{Quantity: to(int64(1))}), seatwright.ReasonBelowUse)
	f.wantReason(change(seatwright.ChangeLot{Start: to(f.clock.Now().Add(time.Hour))}), seatwright.ReasonBelowUse)
	_, err := decide(f, seatwright.RemoveLot{Organization: "a", ID: "lot-1"})
	f.wantReason(err, seatwright.ReasonBelowUse)
	f.wantReason(f.distribute("a", "IDU", 0), seatwright.ReasonBelowUse)
	_, err = decide(f, seatwright.RemoveOrganizationLicense{Organization: "a"})
	f.wantReason(err, seatwright.ReasonBelowUse)
	if n := len(f.events("a")) - before; n != 0 {
		f.Fatalf("what was refused left %d events", n)
	}
	f.must(nil, change(seatwright.ChangeLot{Quantity: to(int64(5))}))
	f.must(nil, change(seatwright.ChangeLot{Quantity: to(int64(2)), End: to(f.clock.Now().Add(time.Hour))})) // no less than is held; the end is to come
	f.must(decide(f, f.licenseFile("file", 1)))
	f.must(nil, change(seatwright.ChangeLot{Quantity: to(int64(1))}))              // the file has others
	f.must(decide(f, seatwright.DeactivateLicense{Organization: "a", ID: "file"})) // which are its vendor's

	shrink(seatwright.AllowShrink)
	f.must(nil, f.distribute("a", "IDU", 0))
	f.clock.advance(time.Hour) // lot-1 ends
	if p := f.pool("a", "ATTUNU"); p.Total != 0 || p.Used != 2 {
		f.Fatalf("the pool is %+v", p)
	}
	codes := func(user seatwright.UserID, want ...seatwright.ProductCode) {
		f.Helper()
		got, err := f.lease("a", user)
		f.must(nil, err)
		if !slices.Equal(got, want) {
			f.Fatalf("%s may use %v, want %v", user, got, want)
		}
	}
	codes("u-1", "TSTNU")
	_, err = f.lease("a", "u-3")
	f.wantReason(err, seatwright.ReasonNotEntitled)
	shrink(seatwright.HoldShrink)
	codes("u-2", "ATTUNU", "IDU")
	codes("u-3", "ATTUNU")
	f.must(decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"u-3"}}))
	f.wantReason(f.allocate("a", attended, "u-3"), seatwright.ReasonPoolExhausted) // what is given back is gone
	f.must(decide(f, seatwright.RemoveLot{Organization: "a", ID: "bought-TSTNU"}))
	codes("u-1", "TSTNU") // without any license in force
	_, err = f.lease("a", "u-3")
	f.wantReason(err, seatwright.ReasonNoLicense)
	shrink(seatwright.AllowShrink)
	_, err = f.lease("a", "u-1")
	f.wantReason(err, seatwright.ReasonNoLicense)
	f.verifies()
}
