package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seatwright/seatwright"
)

// What a store must not do: the transaction, and the schema behind the decisions.

func rollsBackOnError(f *fixture) {
	f.organization("a", 1, 10)
	before := len(f.events("a"))
	failure := errors.New("planted")
	c := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}, Codes: attended}
	err := f.store.Update(ctx, seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
		if _, err := seatwright.Decide(s, seatwright.Origin{}, c, nil); err != nil {
			f.Error(err)
		}
		return failure
	})
	if !errors.Is(err, failure) {
		f.Errorf("Update = %v, want the error of the decision", err)
	}
	f.wantPool("a", 0, 10)
	if len(f.events("a")) != before {
		f.Error("an event was kept")
	}
	f.must(nil, f.allocate("a", attended, "u-1"))
}

func rollsBackOnPanic(f *fixture) {
	f.organization("a", 1, 10)
	c := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}, Codes: attended}
	func() {
		defer func() {
			if recover() == nil {
				f.Error("the panic was swallowed")
			}
		}()
		_ = f.store.Update(ctx, seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
			_, _ = seatwright.Decide(s, seatwright.Origin{}, c, nil)
			panic("planted")
		})
	}()
	f.wantPool("a", 0, 10)
	f.must(nil, f.allocate("a", attended, "u-1"))
	f.wantPool("a", 1, 10)
}

func writesNothing(f *fixture) {
	f.organization("a", 1, 10)
	f.must(nil, f.allocate("a", attended, "u-1"))
	before := len(f.events("a"))
	f.must(nil, f.allocate("a", attended, "u-1"))
	if len(f.events("a")) != before {
		f.Error("repeating an allocation wrote an event")
	}
}

// Guards the backstop: a decision that would oversell fails the batch instead.
func refusesToOversell(f *fixture) {
	f.organization("a", 3, 2)
	c := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1", "u-2", "u-3"}, Codes: attended}
	lie := func(s *seatwright.Slice) error {
		// The decision is shown a pool that is larger than the one that is stored.
		s.LoadPool(seatwright.Pool{Organization: "a", Code: "ATTUNU", Total: 99, Ceiling: 2, TotalUntil: f.clock.Now().Add(time.Hour)}, nil)
		_, err := seatwright.Decide(s, seatwright.Origin{}, c, nil)
		return err
	}
	if err := f.store.Update(ctx, seatwright.LoadRequest{Touches: c.Touches()}, lie); !seatwright.IsKind(err, seatwright.KindInternal) {
		f.Errorf("three seats of two: Update = %v, want internal", err)
	}
	f.wantPool("a", 0, 2)
}

func refusesASeatOfNobody(f *fixture) {
	f.organization("a", 0, 2)
	c := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"ghost"}, Codes: attended}
	lie := func(s *seatwright.Slice) error {
		s.LoadUser(seatwright.User{Organization: "a", ID: "ghost", Active: true})
		_, err := seatwright.Decide(s, seatwright.Origin{}, c, nil)
		return err
	}
	if err := f.store.Update(ctx, seatwright.LoadRequest{Touches: c.Touches()}, lie); !seatwright.IsKind(err, seatwright.KindInternal) {
		f.Errorf("a seat of nobody: Update = %v, want internal", err)
	}
	f.wantPool("a", 0, 2)
}

// Guards against changes that hit no row: nobody is told that somebody was changed or removed whom the store does not have.
func refusesChangesOfNobody(f *fixture) {
	f.organization("a", 0, 0)
	ghost := seatwright.UserRow{User: seatwright.User{Organization: "a", ID: "ghost", Role: seatwright.RoleMember, Active: true}}
	lie := func(decide func(*seatwright.Slice) error) func(*seatwright.Slice) error {
		return func(s *seatwright.Slice) error {
			s.LoadPerson(ghost)
			return decide(s)
		}
	}
	update := seatwright.UpdateUser{Organization: "a", User: "ghost", FirstName: to("x")}
	remove := seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"ghost"}}
	for name, decide := range map[string]func(*seatwright.Slice) error{
		"a change":  func(s *seatwright.Slice) error { _, err := update.Decide(s, seatwright.Origin{}); return err },
		"a removal": func(s *seatwright.Slice) error { _, err := remove.Decide(s, seatwright.Origin{}); return err },
	} {
		err := f.store.Update(ctx, seatwright.LoadRequest{Touches: update.Touches()}, lie(decide))
		if !seatwright.IsKind(err, seatwright.KindInternal) {
			f.Errorf("%s of nobody: Update = %v, want internal", name, err)
		}
	}
}

// Guards the primary keys: a decision that was not shown a seat cannot make it twice, and the store goes on.
func refusesASecondSeat(f *fixture) {
	f.organization("a", 2, 5)
	f.must(nil, f.allocate("a", attended, "u-1"))
	c := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}, Codes: attended}
	blind := seatwright.LoadRequest{Touches: []seatwright.Touch{{Organization: "a", Codes: attended}}}
	lie := func(s *seatwright.Slice) error {
		s.LoadUser(seatwright.User{Organization: "a", ID: "u-1", Active: true})
		_, err := seatwright.Decide(s, seatwright.Origin{}, c, nil)
		return err
	}
	if err := f.store.Update(ctx, blind, lie); !seatwright.IsKind(err, seatwright.KindInternal) {
		f.Errorf("a second seat: Update = %v, want internal", err)
	}
	f.wantPool("a", 1, 5)
	f.must(nil, f.allocate("a", attended, "u-2"))
	f.wantPool("a", 2, 5)
	f.events("a")
}

func lastSeatHasOneWinner(f *fixture) {
	const people = 64
	f.organization("a", people, 1)
	var wg sync.WaitGroup
	results := make([]error, people)
	for i := range people {
		wg.Go(func() {
			results[i] = f.allocate("a", attended, seatwright.UserID(fmt.Sprintf("u-%d", i+1)))
		})
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
			f.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		f.Errorf("%d winners of one seat", won)
	}
	f.wantPool("a", 1, 1)
}

func refusedTenant(f *fixture) {
	f.organization("a", 0, 0)
	f.must(decide(f, seatwright.CreateTenant{Organization: "a", ID: "t-1", Name: "one"}))
	commands := []seatwright.CreateTenant{{Organization: "a", ID: "t-1", Name: "two"}, {Organization: "a", ID: "t-2", Name: "two"}}
	refusals := together(f, commands...)
	f.wantReason(refusals[0], seatwright.ReasonDuplicate)
	if refusals[1] != nil {
		f.Errorf("a free name behind a refused command: %v", refusals[1])
	}
}

func refusesWhenClosed(f *fixture) {
	f.must(nil, f.store.Close())
	if _, err := decide(f, seatwright.CreateHost{}); !seatwright.IsKind(err, seatwright.KindUnavailable) {
		f.Errorf("after Close: %v, want unavailable", err)
	}
	if _, err := f.store.Pools(ctx, seatwright.HostID); !seatwright.IsKind(err, seatwright.KindUnavailable) {
		f.Errorf("reading after Close: %v, want unavailable", err)
	}
	if err := f.store.Close(); err != nil {
		f.Errorf("closing again: %v", err)
	}
}

func cancelledCall(f *fixture) {
	f.organization("a", 1, 1)
	done, cancel := context.WithCancel(ctx)
	cancel()
	c := seatwright.AllocateToUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}, Codes: attended}
	err := f.store.Update(done, seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
		_, err := seatwright.Decide(s, seatwright.Origin{}, c, nil)
		return err
	})
	if !seatwright.IsKind(err, seatwright.KindUnavailable) {
		f.Errorf("Update = %v, want unavailable", err)
	}
	f.wantPool("a", 0, 1)
}
