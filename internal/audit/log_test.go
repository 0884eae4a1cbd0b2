package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// decide carries out one command on a store.
func decide[A any](t *testing.T, store seatwright.Store, actor string, c seatwright.Command[A]) {
	t.Helper()
	var refusal error
	err := store.Update(t.Context(), seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
		_, refusal = seatwright.Decide(s, seatwright.Origin{Actor: actor, Via: "test", RequestID: "r"}, c, nil)
		return nil
	})
	if err := errors.Join(err, refusal); err != nil {
		t.Fatal(err)
	}
}

// byKey finds people by a user name that is its own key.
type byKey struct{ seatwright.Store }

func (p byKey) UserNamed(ctx context.Context, organization seatwright.OrganizationID, userName string) (seatwright.User, error) {
	return p.UserByName(ctx, organization, userName)
}

// Promise: whoever is erased from the directory is erased from the log: what they did and what was done to them is still there, under
// their id.
func TestErasedPeopleAreShownByTheirIDs(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ann := seatwright.User{Organization: "o", ID: "u-1", UserName: "ann", Email: "ann@example.org", Role: seatwright.RoleMember}
	decide(t, store, "system", seatwright.CreateHost{})
	decide(t, store, "system", seatwright.CreateOrganization{ID: "o", Name: "org", UnknownUsers: seatwright.RefuseUnknownUsers})
	decide(t, store, "system", seatwright.CreateUser{User: ann, UserNameKey: "ann"})
	decide(t, store, "user/u-1", seatwright.AllocateToUsers{Organization: "o", Users: []seatwright.UserID{"u-1"}})
	log := New(store, byKey{store})
	caller := seatwright.Caller{Principal: seatwright.Principal{Kind: seatwright.PrincipalApplication, Organization: "o", Scopes: []seatwright.Scope{seatwright.ScopeAudit}}}
	told := func(userName string) (records []Record, text string) {
		page, err := log.Search(t.Context(), caller, "", Query{UserName: userName, Top: 100})
		if err != nil {
			t.Fatal(err)
		}
		return page.Records, fmt.Sprintf("%+v", page)
	}
	const blocked = "ann (ann@example.org) blocked ann (ann@example.org): no licenses, whatever their groups have."
	if records, _ := told("ann"); len(records) != 1 || records[0].Message != blocked || records[0].Email != "ann@example.org" {
		t.Errorf("before: %+v", records)
	}
	if records, _ := told("u-1"); len(records) != 0 {
		t.Errorf("by the id of somebody who is shown by name: %+v", records)
	}
	decide(t, store, "system", seatwright.DeleteUsers{Organization: "o", Users: []seatwright.UserID{"u-1"}})
	records, _ := told("u-1")
	if len(records) != 1 || records[0].Message != "u-1 blocked u-1: no licenses, whatever their groups have." || records[0].UserName != "u-1" || records[0].Email != "" {
		t.Errorf("after: %+v", records)
	}
	if _, all := told(""); strings.Contains(all, "ann") {
		t.Errorf("the log still has her name: %s", all)
	}
	if records, _ := told("ann"); len(records) != 0 {
		t.Errorf("by the name that she had: %+v", records)
	}
	// Somebody else with the same id has not done what she did.
	decide(t, store, "system", seatwright.CreateUser{User: seatwright.User{Organization: "o", ID: "u-1", UserName: "bob", Role: seatwright.RoleMember}, UserNameKey: "bob"})
	if records, all := told(""); records[0].Message != "The server created the user bob as member." || strings.Count(all, "bob") != 1 {
		t.Errorf("with a new person of the same id: %s", all)
	}
}

// slow is a store whose searches take until they are let go.
type slow struct {
	Reader
	begun chan struct{}
	end   chan struct{}
}

func (s *slow) SearchEvents(_ context.Context, _ seatwright.OrganizationID, q seatwright.EventQuery) (seatwright.EventPage, error) {
	if q.Searches() {
		s.begun <- struct{}{}
		<-s.end
	}
	return seatwright.EventPage{}, nil
}

// Promise: searches of one auditor do not take all connections of the store, and questions that search nothing do not wait for them.
func TestFewSearchesAtOnce(t *testing.T) {
	t.Parallel()
	store := &slow{begun: make(chan struct{}), end: make(chan struct{})}
	log := New(store, nil)
	caller := seatwright.Caller{Principal: seatwright.Principal{Kind: seatwright.PrincipalApplication, Organization: "o", Scopes: []seatwright.Scope{seatwright.ScopeAudit}}}
	search := Query{Category: "License", Top: 1}
	var asked sync.WaitGroup
	for range maxSearches {
		asked.Go(func() {
			if _, err := log.Search(t.Context(), caller, "o", search); err != nil {
				t.Error(err)
			}
		})
		<-store.begun
	}
	if _, err := log.Search(t.Context(), caller, "o", Query{Top: 1}); err != nil {
		t.Errorf("a question that searches nothing: %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := log.Search(gone, caller, "o", search); !seatwright.IsReason(err, seatwright.ReasonOverloaded) {
		t.Errorf("one search more: %v", err)
	}
	close(store.end)
	asked.Wait()
	asked.Go(func() { <-store.begun })
	if _, err := log.Search(t.Context(), caller, "o", search); err != nil {
		t.Errorf("after the others: %v", err)
	}
	asked.Wait()
}
