package audit

import (
	"context"
	"sync"
	"testing"

	"github.com/seatwright/seatwright"
)

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
