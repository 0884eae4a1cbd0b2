package storetest

import (
	"bytes"
	"reflect"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// License files: their purchases are entered once, all or none, and ended once.

// licenseFile is a file with three units of ATTUNU in two purchases, and ten of a runtime.
func (f *fixture) licenseFile(id seatwright.LicenseFileID, content byte) seatwright.ImportLicense {
	start, end := f.clock.Now(), f.clock.Now().AddDate(1, 0, 0)
	return seatwright.ImportLicense{
		Organization: "a", ID: id, Issuer: "vendor", Hash: bytes.Repeat([]byte{content}, 32), ExpiresAt: f.clock.Now().Add(time.Hour), Lots: []seatwright.Lot{
			{Code: "ATTUNU", Quantity: 2, Start: start, End: end, Grace: time.Hour, Order: "PO-1"}, {Code: "ATTUNU", Quantity: 1, Start: start.Add(24 * time.Hour), End: end},
			{Code: "UNATT", Quantity: 10, Start: start, End: end},
		},
	}
}

func importsLicenseFiles(f *fixture) {
	f.organization("a", 3, 0)
	f.organization("b", 0, 0)
	c := f.licenseFile("file", 1)
	first, err := decide(f, c)
	f.must(nil, err)
	f.wantLots("", "ATTUNU file:1 active", "ATTUNU file:2 scheduled", "UNATT file:3 active")
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	f.wantReason(f.allocate("a", attended, "u-3"), seatwright.ReasonPoolExhausted)
	before := len(f.events("a"))
	f.clock.advance(2 * time.Hour) // too late for a file that is new
	again, err := decide(f, c)
	f.must(nil, err)
	if !reflect.DeepEqual(again, first) || len(f.events("a")) != before {
		f.Fatalf("imported again it is %+v and was %+v, with %d events more", again, first, len(f.events("a"))-before)
	}
	elsewhere := f.licenseFile("file", 1)
	elsewhere.Organization = "b"
	f.must(decide(f, elsewhere))
	files, err := f.store.LicenseFiles(ctx, "a", "", 10)
	f.must(nil, err)
	if want := []seatwright.LicenseFile{first}; !reflect.DeepEqual(files, want) || !files[0].ImportedAt.Equal(f.clock.Now().Add(-2*time.Hour)) || files[0].Lots != 3 {
		f.Fatalf("stored are %+v, want %+v", files, want)
	}
	for _, err := range together(f, f.licenseFile("twin", 2), f.licenseFile("twin", 2)) {
		f.must(nil, err)
	}
	if one, err := f.store.LicenseFile(ctx, "a", "file"); err != nil || !reflect.DeepEqual(one, first) {
		f.Fatalf("by its id it is %+v (%v)", one, err)
	}
	_, err = f.store.LicenseFile(ctx, "b", "twin")
	f.wantReason(err, seatwright.ReasonNotFound)
	for i, c := range []struct {
		behind seatwright.LicenseFileID
		most   int
		want   []seatwright.LicenseFileID
	}{{"", 2, []seatwright.LicenseFileID{"file", "twin"}}, {"", 1, []seatwright.LicenseFileID{"file"}}, {"file", 2, []seatwright.LicenseFileID{"twin"}}, {"twin", 2, nil}} {
		files, err := f.store.LicenseFiles(ctx, "a", c.behind, c.most)
		f.must(nil, err)
		var got []seatwright.LicenseFileID
		for _, file := range files {
			got = append(got, file.ID)
		}
		if !slices.Equal(got, c.want) {
			f.Fatalf("page %d has %q, want %q", i, got, c.want)
		}
	}
	if lots, err := f.store.Lots(ctx, "a", ""); err != nil || len(lots) != 6 {
		f.Fatalf("one batch with a file twice made %d purchases (%v)", len(lots), err)
	}
	_, err = seatwright.Replay(f.events("a"))
	f.must(nil, err)
}

func refusesLicenseFiles(f *fixture) {
	f.organization("a", 1, 0)
	f.must(decide(f, f.licenseFile("file", 1)))
	_, err := decide(f, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "a", ID: "taken:2", Code: "IDU", Quantity: 1, End: f.clock.Now().Add(time.Hour)}})
	f.wantReason(err, seatwright.ReasonInvalidValue) // the ids of a file's purchases are for files only
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "a", ID: "taken:b", Code: "IDU", Quantity: 1, End: f.clock.Now().Add(time.Hour)}}))
	before := f.events("a")
	for name, change := range map[string]struct {
		id     seatwright.LicenseFileID
		change func(*seatwright.ImportLicense)
		reason seatwright.Reason
	}{
		"another file of the id": {"file", func(c *seatwright.ImportLicense) { c.Hash = make([]byte, 32) }, seatwright.ReasonAnotherFile},
		"an id of the host's":    {"host-1", func(*seatwright.ImportLicense) {}, seatwright.ReasonImpossibleFile},
		"too late":               {"new", func(c *seatwright.ImportLicense) { c.ExpiresAt = f.clock.Now() }, seatwright.ReasonExpiredFile},
		"unknown product":        {"new", func(c *seatwright.ImportLicense) { c.Lots[2].Code = "NOTHING" }, seatwright.ReasonImpossibleFile},
		"window":                 {"new", func(c *seatwright.ImportLicense) { c.Lots[2].End = c.Lots[2].Start }, seatwright.ReasonImpossibleFile},
		"too many together": {"new", func(c *seatwright.ImportLicense) {
			c.Lots[0].Quantity, c.Lots[1].Quantity = seatwright.MaxQuantity/2, seatwright.MaxQuantity/2
		}, seatwright.ReasonImpossibleFile},
		"no organization": {"new", func(c *seatwright.ImportLicense) { c.Organization = "none" }, seatwright.ReasonOrganizationNotFound},
	} {
		c := f.licenseFile(change.id, 1)
		change.change(&c)
		if _, err := decide(f, c); !seatwright.IsReason(err, change.reason) {
			f.Errorf("%s: got %v, want %s", name, err, change.reason)
		}
	}
	if !slices.EqualFunc(f.events("a"), before, func(a, b seatwright.Event) bool { return a.Sequence == b.Sequence }) {
		f.Error("a refused file left events")
	}
	f.wantLots("", "ATTUNU file:1 active", "ATTUNU file:2 scheduled", "IDU taken:b active", "UNATT file:3 active")
	f.must(decide(f, f.licenseFile("new", 1)))
}

func deactivatesLicenseFiles(f *fixture) {
	f.organization("a", 1, 0)
	c := f.licenseFile("file", 1)
	f.must(decide(f, c))
	f.must(decide(f, f.licenseFile("other", 2)))
	f.must(decide(f, seatwright.RemoveLot{Organization: "a", ID: "file:3"}))
	f.clock.advance(time.Hour)
	ended, err := decide(f, seatwright.DeactivateLicense{Organization: "a", ID: "file"})
	f.must(nil, err)
	f.wantLots("", "ATTUNU file:1 expired", "ATTUNU other:1 active", "ATTUNU other:2 scheduled", "UNATT other:3 active")
	f.clock.advance(time.Hour)
	before := len(f.events("a"))
	again, err := decide(f, seatwright.DeactivateLicense{Organization: "a", ID: "file"})
	f.must(nil, err)
	if !reflect.DeepEqual(again, ended) || len(f.events("a")) != before || !again.DeactivatedAt.Equal(f.clock.Now().Add(-time.Hour)) {
		f.Fatalf("deactivated again it is %+v and was %+v", again, ended)
	}
	_, err = decide(f, c)
	f.wantReason(err, seatwright.ReasonDeactivatedFile)
	_, err = decide(f, seatwright.DeactivateLicense{Organization: "a", ID: "none"})
	f.wantReason(err, seatwright.ReasonNotFound)
	f.must(decide(f, seatwright.DeactivateLicense{Organization: "a", ID: "other"}))
	f.wantReason(f.allocate("a", attended, "u-1"), seatwright.ReasonNoLicense)
	_, err = seatwright.Replay(f.events("a"))
	f.must(nil, err)
}
