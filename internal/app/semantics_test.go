package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// licensee speaks to the licenses of one organization.
type licensee struct {
	*world
	as   string
	path string
}

// allocate sends a PUT and returns the answer; codes nil is the empty list.
func (l licensee) allocate(t *testing.T, users, codes []string) answer {
	t.Helper()
	return l.put(t, map[string]any{"userIds": users, "userBundleCodes": append([]string{}, codes...)}, nil)
}

func (l licensee) put(t *testing.T, body map[string]any, header map[string]string) answer {
	t.Helper()
	return l.send(t, http.MethodPut, body, header)
}

func (l licensee) send(t *testing.T, method string, body map[string]any, header map[string]string) answer {
	t.Helper()
	text, err := json.Marshal(body)
	check(t, err)
	return l.do(t, call{as: l.as, method: method, path: l.path, body: string(text), header: header})
}

func decoded[T any](t *testing.T, got answer, status int) (value T) {
	t.Helper()
	if got.status != status {
		t.Fatalf("status %d, want %d: %s", got.status, status, got.body)
	}
	check(t, json.Unmarshal([]byte(got.body), &value))
	return value
}

// holds returns what users hold, as "user: code code"; users without a direct record are left out.
func (l licensee) holds(t *testing.T, users ...string) []string {
	t.Helper()
	var list []string
	for _, a := range decoded[[]wire.UserExplicitAllocation](t, l.send(t, http.MethodPost, map[string]any{"userIds": users}, nil), 200) {
		list = append(list, a.ID+": "+strings.Join(a.UserBundleLicenses, " "))
	}
	return list
}

// used returns the units of a pool that are drawn.
func (l licensee) used(t *testing.T, code string) int64 {
	t.Helper()
	for _, p := range decoded[[]wire.UserLicensePool](t, l.do(t, call{as: l.as, method: http.MethodGet, path: l.path}), 200) {
		if p.Code == code {
			return p.Allocated
		}
	}
	return -1
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestAllocation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	users := []string{"ann", "bob", "cid", "dan"}
	units := map[string]int64{"ATTUNU": 3, "TSTNU": 2, "CTZDEVNU": 1}
	fresh := func(t *testing.T, name string) licensee {
		return licensee{w, name, w.organization(t, directory.NewOrganization{Name: name}, users, units)}
	}

	t.Run("ReplacesTheWholeSet", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "replaces")
		l.allocate(t, []string{"ann", "bob"}, []string{"ATTUNU", "TSTNU"})
		l.allocate(t, []string{"ann"}, []string{"CTZDEVNU"})
		want(t, "holdings", l.holds(t, "ann", "bob"), []string{"ann: CTZDEVNU", "bob: ATTUNU TSTNU"})
		want(t, "ATTUNU", l.used(t, "ATTUNU"), int64(1))
		want(t, "TSTNU", l.used(t, "TSTNU"), int64(1))
	})
	t.Run("RepeatedChangesNothing", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "repeats")
		first := l.allocate(t, []string{"ann"}, []string{"ATTUNU", "TSTNU"})
		events := len(w.events(t, "repeats-id", 0))
		again := l.allocate(t, []string{"ann"}, []string{"TSTNU", "ATTUNU"})
		want(t, "statuses", []int{first.status, again.status}, []int{200, 200})
		want(t, "events", len(w.events(t, "repeats-id", 0)), events)
		want(t, "ATTUNU", l.used(t, "ATTUNU"), int64(1))
	})
	t.Run("EmptySetBlocks", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "blocks")
		l.allocate(t, []string{"ann"}, []string{"ATTUNU"})
		answered := decoded[[]wire.UserLicense](t, l.allocate(t, []string{"ann", "bob"}, nil), 200)
		want(t, "answer", answered, []wire.UserLicense{
			{OrganizationID: "blocks-id", UserBundleCodes: []string{}, UserID: "ann"}, {OrganizationID: "blocks-id", UserBundleCodes: []string{}, UserID: "bob"},
		})
		// A blocked person has a record without codes; a person without a record is left out.
		want(t, "holdings", l.holds(t, "cid", "bob", "ann"), []string{"bob: ", "ann: "})
		want(t, "ATTUNU", l.used(t, "ATTUNU"), int64(0))
	})
	t.Run("OlderNameOfTheCodes", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "older")
		want(t, "older name", l.put(t, map[string]any{"userIds": []string{"ann"}, "licenseCodes": []string{"ATTUNU"}}, nil).status, 200)
		want(t, "beside null", l.put(t, map[string]any{"userIds": []string{"bob"}, "licenseCodes": []string{"ATTUNU"}, "userBundleCodes": nil}, nil).status, 200)
		want(t, "beside the name", l.put(t, map[string]any{"userIds": []string{"cid"}, "licenseCodes": []string{"ATTUNU"}, "userBundleCodes": []string{"TSTNU"}}, nil).status, 200)
		want(t, "posted", l.send(t, http.MethodPost, map[string]any{"userIds": []string{"dan"}, "licenseCodes": []string{"ATTUNU"}}, nil).status, 200)
		want(t, "holdings", l.holds(t, users...), []string{"ann: ATTUNU", "bob: ATTUNU", "cid: TSTNU", "dan: ATTUNU"})
	})
	t.Run("AnswersInTheOrderOfTheRequest", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "ordered")
		answered := decoded[[]wire.UserLicense](t, l.allocate(t, []string{"cid", "ann", "cid", "ann"}, []string{"TSTNU", "ATTUNU", "TSTNU"}), 200)
		want(t, "answer", answered, []wire.UserLicense{
			{OrganizationID: "ordered-id", UserBundleCodes: []string{"TSTNU", "ATTUNU"}, UserID: "cid"},
			{OrganizationID: "ordered-id", UserBundleCodes: []string{"TSTNU", "ATTUNU"}, UserID: "ann"},
		})
		want(t, "TSTNU", l.used(t, "TSTNU"), int64(2))
		read := decoded[[]wire.UserExplicitAllocation](t, l.send(t, http.MethodPost, map[string]any{"userIds": []string{"cid", "bob", "ann"}}, nil), 200)
		if len(read) != 2 || read[0].ID != "cid" || read[1].ID != "ann" {
			t.Errorf("read %+v, want cid before ann", read)
		}
	})
	t.Run("WhatIsKeptCostsNothing", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "kept")
		l.allocate(t, []string{"ann", "bob"}, []string{"TSTNU"})
		want(t, "one more unit", l.allocate(t, []string{"ann"}, []string{"TSTNU", "ATTUNU"}).status, 200)
		refused := decoded[wire.Problem](t, l.allocate(t, []string{"ann", "bob", "cid"}, []string{"TSTNU"}), 409)
		want(t, "shortages", refused.Shortages, []wire.Shortage{{Bundle: "TSTNU", Requested: 1, Available: 0}})
		want(t, "holdings", l.holds(t, users...), []string{"ann: ATTUNU TSTNU", "bob: TSTNU"})
	})
	t.Run("AllOrNothing", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "atomic")
		refused := decoded[wire.Problem](t, l.allocate(t, users, []string{"CTZDEVNU", "NOSUCH", "ATTUNU", "TSTNU"}), 409)
		want(t, "shortages", refused.Shortages, []wire.Shortage{
			{Bundle: "CTZDEVNU", Requested: 4, Available: 1}, {Bundle: "NOSUCH", Requested: 4, Available: 0},
			{Bundle: "ATTUNU", Requested: 4, Available: 3}, {Bundle: "TSTNU", Requested: 4, Available: 2},
		})
		want(t, "message", refused.Message, refused.Detail)
		want(t, "unknown among known", l.allocate(t, []string{"ann", "nobody"}, []string{"ATTUNU"}).status, 400)
		want(t, "holdings", l.holds(t, users...), []string(nil))
		want(t, "ATTUNU", l.used(t, "ATTUNU"), int64(0))
	})
	t.Run("WithoutALicense", func(t *testing.T) {
		t.Parallel()
		l := licensee{w, "bare", w.organization(t, directory.NewOrganization{Name: "bare"}, users, nil)}
		want(t, "allocating", decoded[wire.Problem](t, l.allocate(t, []string{"ann"}, []string{"ATTUNU"}), 404).Code, "no_license")
		want(t, "before the users are looked at", l.allocate(t, []string{"nobody"}, []string{"ATTUNU"}).status, 404)
		want(t, "blocking", l.allocate(t, []string{"ann"}, nil).status, 200)
		want(t, "reading", l.holds(t, "ann"), []string{"ann: "})
		want(t, "removing", l.send(t, http.MethodDelete, map[string]any{"userIds": []string{"ann"}}, nil).status, 200)
		want(t, "reading again", l.holds(t, "ann"), []string(nil))
		want(t, "pools", l.do(t, call{as: "bare", method: http.MethodGet, path: l.path}).body, "[]\n")
	})
	t.Run("Removal", func(t *testing.T) {
		t.Parallel()
		l := fresh(t, "removal")
		l.allocate(t, []string{"ann", "bob"}, []string{"ATTUNU"})
		removed := decoded[wire.UserLicenseRemoval](t, l.send(t, http.MethodDelete, map[string]any{"userIds": []string{"nobody", "cid", "ann", "ann", "globex-1"}}, nil), 200)
		want(t, "answer", removed, wire.UserLicenseRemoval{SuccessfulUserIds: []string{"cid", "ann"}, FailedUserIds: []string{"nobody", "globex-1"}})
		want(t, "holdings", l.holds(t, users...), []string{"bob: ATTUNU"})
		want(t, "ATTUNU", l.used(t, "ATTUNU"), int64(1))
	})
	t.Run("IDsAreComparedExactlyButForUUIDs", func(t *testing.T) {
		t.Parallel()
		const uuid = "aaaaaaaa-0000-4000-8000-00000000000b"
		l := licensee{w, "exact", w.organization(t, directory.NewOrganization{Name: "exact"}, []string{uuid, "Ann", "ann"}, units)}
		want(t, "UUID in upper case", decoded[[]wire.UserLicense](t, l.allocate(t, []string{strings.ToUpper(uuid), uuid}, []string{"ATTUNU"}), 200)[0].UserID, uuid)
		l.allocate(t, []string{"Ann"}, []string{"TSTNU"})
		want(t, "holdings", l.holds(t, "ann", "Ann"), []string{"Ann: TSTNU"})
	})
}

func TestExternalLicenses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	external := func(l licensee, user, code string) answer {
		return l.put(t, map[string]any{"userIds": []string{user}, "userBundleCodes": []string{code}, "useExternalLicense": true}, nil)
	}
	units := map[string]int64{"RPADEVPRONU": 1, "ATTUNU": 1}
	ordinary := licensee{w, "ordinary", w.organization(t, directory.NewOrganization{Name: "ordinary"}, []string{"ann", "bob"}, units)}
	enabled := licensee{w, "enabled", w.organization(t, directory.NewOrganization{Name: "enabled", ExternalLicenses: true}, []string{"ann", "bob", "cid"}, units)}

	want(t, "recorded and given back", decoded[[]wire.UserLicense](t, external(ordinary, "ann", "ATTUNU"), 200)[0].UseExternalLicense, true)
	want(t, "a unit is drawn all the same", ordinary.used(t, "ATTUNU"), int64(1))
	want(t, "and the pool is empty", external(ordinary, "bob", "ATTUNU").status, 409)
	read := decoded[[]wire.UserExplicitAllocation](t, ordinary.send(t, http.MethodPost, map[string]any{"userIds": []string{"ann"}}, nil), 200)
	want(t, "read", read[0].UseExternalLicense, true)

	for _, user := range []string{"ann", "bob", "cid"} {
		want(t, "more users than units", external(enabled, user, "RPADEVPRONU").status, 200)
	}
	want(t, "no unit is drawn", enabled.used(t, "RPADEVPRONU"), int64(0))
	want(t, "other bundles", decoded[wire.Problem](t, external(enabled, "ann", "ATTUNU"), 400).Code, "not_developer_bundle")
	want(t, "without the flag a unit is drawn", enabled.allocate(t, []string{"ann"}, []string{"RPADEVPRONU"}).status, 200)
	want(t, "one unit", enabled.used(t, "RPADEVPRONU"), int64(1))
	want(t, "a second is not there", enabled.allocate(t, []string{"bob"}, []string{"RPADEVPRONU"}).status, 409)
	want(t, "and back to the external license", external(enabled, "ann", "RPADEVPRONU").status, 200)
	want(t, "the unit is free", enabled.used(t, "RPADEVPRONU"), int64(0))
	w.audit(t, "ordinary-id")
	w.audit(t, "enabled-id")
}

func TestUnknownUsersAreProvisionedWhereTheOrganizationSaysSo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	l := licensee{w, "elsewhere", w.organization(t, directory.NewOrganization{Name: "elsewhere", UnknownUsers: seatwright.ProvisionUnknownUsers}, nil, map[string]int64{"ATTUNU": 2})}
	before := w.head(t, "elsewhere-id")
	want(t, "unknown people", l.allocate(t, []string{"ann", "bob"}, []string{"ATTUNU"}).status, 200)
	want(t, "events", said(w.events(t, "elsewhere-id", before)), []string{"user.created ann", "allocation.set ann", "user.created bob", "allocation.set bob"})
	before = w.head(t, "elsewhere-id")
	want(t, "one too many", l.allocate(t, []string{"cid"}, []string{"ATTUNU"}).status, 409)
	want(t, "nobody is made for a refusal", said(w.events(t, "elsewhere-id", before)), []string{"allocation.refused"})
	want(t, "nobody is made by a question", l.holds(t, "cid", "bob"), []string{"bob: ATTUNU"})
	removed := decoded[wire.UserLicenseRemoval](t, l.send(t, http.MethodDelete, map[string]any{"userIds": []string{"cid"}}, nil), 200)
	want(t, "nobody is made by a removal", removed.FailedUserIds, []string{"cid"})
	w.audit(t, "elsewhere-id")
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	w := setup(t)
	users := []string{"ann", "bob", "cid"}
	path := w.organization(t, directory.NewOrganization{Name: "keyed"}, users, map[string]int64{"ATTUNU": 2})
	l := licensee{w, "keyed", path}
	body := func(codes []string, users ...string) map[string]any {
		return map[string]any{"userIds": users, "userBundleCodes": codes}
	}
	attended, key := []string{"ATTUNU"}, func(k string) map[string]string { return map[string]string{"Idempotency-Key": k} }

	first := l.put(t, body(attended, "ann"), key("first"))
	want(t, "taken away", l.allocate(t, []string{"ann"}, nil).status, 200)
	again := l.put(t, body(attended, "ann"), key("first"))
	want(t, "first answer", []any{again.status, again.body}, []any{200, first.body})
	want(t, "nothing is done twice", l.holds(t, "ann"), []string{"ann: "})
	want(t, "POST means the same", l.send(t, http.MethodPost, body(attended, "ann"), key("first")).body, first.body)
	want(t, "another body", decoded[wire.Problem](t, l.put(t, body(attended, "bob"), key("first")), 422).Code, "idempotency_key_reused")
	want(t, "another operation", l.send(t, http.MethodDelete, map[string]any{"userIds": []string{"ann"}}, key("first")).status, 422)

	refused := l.put(t, body(attended, users...), key("refused"))
	events := w.head(t, "keyed-id")
	want(t, "refused", refused.status, 409)
	repeated := l.put(t, body(attended, users...), key("refused"))
	want(t, "a refusal is repeated to the byte", []any{repeated.status, repeated.body}, []any{409, refused.body})
	want(t, "and recorded once", w.head(t, "keyed-id"), events)

	broken := call{as: "keyed", method: http.MethodPut, path: path, body: "{", header: key("malformed")}
	want(t, "malformed", w.do(t, broken).status, 400)
	want(t, "a malformed request leaves the key free", l.put(t, body(attended, "bob"), key("malformed")).status, 200)

	removal := map[string]any{"userIds": []string{"bob"}}
	gone := l.send(t, http.MethodDelete, removal, key("removal"))
	l.allocate(t, []string{"bob"}, attended)
	want(t, "a removal is not done twice", l.send(t, http.MethodDelete, removal, key("removal")).body, gone.body)
	want(t, "bob", l.holds(t, "bob"), []string{"bob: ATTUNU"})

	// Keys of different people, and of different organizations, never meet.
	acme := w.replacer(t).Replace(licenses)
	mine := licensee{w, "application", acme}.put(t, body(attended, "singer-77"), key("shared"))
	theirs := licensee{w, "administrator", acme}.put(t, body([]string{"TSTNU"}, "singer-88"), key("shared"))
	want(t, "keys of two principals", []int{mine.status, theirs.status}, []int{200, 200})
	want(t, "keys of two organizations", l.put(t, body(nil, "cid"), key("shared")).status, 400)
	want(t, "keys of two organizations", l.put(t, body([]string{}, "cid"), key("shared")).status, 200)
	w.audit(t, "keyed-id")
	w.audit(t, w.demo.Acme.Organization)

	t.Run("TwinsGetOneAnswer", func(t *testing.T) {
		l.allocate(t, users, nil)
		before := w.head(t, "keyed-id")
		answers := make([]answer, 20)
		var twins sync.WaitGroup
		for i := range answers {
			twins.Go(func() { answers[i] = l.put(t, body(attended, "ann", "bob"), key("twins")) })
		}
		twins.Wait()
		for _, a := range answers {
			want(t, "twin", []any{a.status, a.body}, []any{200, answers[0].body})
		}
		want(t, "events", said(w.events(t, "keyed-id", before)), []string{"allocation.set ann", "denial.satisfied ann", "allocation.set bob"})
	})
}

// audit counts the units of an organization in three ways: the pools, the seats and the events, whose chain must be whole.
func (w *world) audit(t *testing.T, organization seatwright.OrganizationID) {
	t.Helper()
	auditStore(t, w.Store(), organization)
}

func auditStore(t *testing.T, from seatwright.Reader, organization seatwright.OrganizationID) {
	t.Helper()
	events := readEvents(t, from, organization, 0)
	end, err := seatwright.VerifyChain(seatwright.Head{Organization: organization, Hash: seatwright.NoHash()}, events)
	check(t, err)
	head, err := from.Head(t.Context(), organization)
	check(t, err)
	if end.Sequence != head.Sequence || !slices.Equal(end.Hash, head.Hash) {
		t.Errorf("the chain ends at %d, the head says %d", end.Sequence, head.Sequence)
	}
	replayed, err := seatwright.Replay(events)
	check(t, err)
	seats, err := from.SeatUnits(t.Context(), organization)
	check(t, err)
	services, err := from.ServicePools(t.Context(), organization)
	check(t, err)
	held := maps.Clone(seats) // by people and by tenants' services
	for _, p := range services {
		held[p.Code] += p.Drawn
	}
	pools, err := from.Pools(t.Context(), organization)
	check(t, err)
	shrunk := shrunkPools(t, events)
	for _, p := range pools {
		if p.Used != held[p.Code] || p.Used != replayed.Used()[p.Code] || p.Used > max(p.Total, shrunk[p.Code]) {
			t.Errorf("%s %s: the pool says %d of %d, seats and services %d, the events %d", organization, p.Code, p.Used, p.Total, held[p.Code], replayed.Used()[p.Code])
		}
		delete(held, p.Code)
	}
	for code, units := range held {
		if units != 0 {
			t.Errorf("%s: %d units of %s without a pool", organization, units, code)
		}
	}
}

// shrunkPools tells of each pool whose purchases were changed what was held of it then: so much may be held of it still, and no more.
func shrunkPools(t *testing.T, events []seatwright.Event) map[seatwright.ProductCode]int64 {
	t.Helper()
	held := map[seatwright.ProductCode]int64{}
	for _, e := range events {
		if e.Kind == seatwright.EventLotChanged {
			var changed seatwright.LotCreated
			check(t, json.Unmarshal(e.Data, &changed))
			held[changed.Code] = changed.Pool.Used
		}
	}
	return held
}

func numberedUsers(n int) []string {
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("user-%d", i)
	}
	return users
}

// Promise: an administrator reads in time that a pool runs low, without anybody having asked for it.
func TestNoticesAreListed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.organization(t, directory.NewOrganization{Name: "lowpool"}, []string{"u-1", "u-2", "u-3"}, map[string]int64{"ATTUNU": 4})
	got := w.do(t, call{as: "lowpool", method: "PUT", path: path, body: `{"userIds":["u-1","u-2","u-3"],"userBundleCodes":["ATTUNU"]}`})
	if got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	check(t, w.Clock.Sweep(t.Context()))
	got = w.do(t, call{as: "lowpool", method: "GET", path: "/api/v1/organizations/lowpool/notices?standing=true"})
	if want := `"kind":"pool_used","code":"ATTUNU","threshold":75,"used":3,"total":4,"at":"`; got.status != 200 || !strings.Contains(got.body, want) || !strings.Contains(got.body, `"standing":true}]}`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
