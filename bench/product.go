package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// place is where the data of a product are: a directory for SQLite, a URL for PostgreSQL.
type place struct{ Dir, URL string }

func (p place) open(ctx context.Context) (seatwright.Store, error) {
	if p.URL != "" {
		return postgres.Open(ctx, p.URL, postgres.Options{})
	}
	return sqlite.Open(ctx, p.Dir, sqlite.Options{})
}

// product is the real ledger on the real store, without the doors in front of it.
type product struct {
	shape  shape
	store  seatwright.Store
	ledger *ledger.Ledger
}

func openProduct(ctx context.Context, at place, s shape) (*product, error) {
	store, err := at.open(ctx)
	if err != nil {
		return nil, err
	}
	return &product{shape: s, store: store, ledger: ledger.New(store, seatwright.PublishedCatalogue(), nil, slog.New(slog.DiscardHandler))}, nil
}

func (p *product) close() error {
	p.ledger.Close()
	return p.store.Close()
}

func (p *product) allocate(ctx context.Context, t task, keyed bool) error {
	origin := seatwright.Origin{Actor: "administrator", Via: "bench", RequestID: strconv.Itoa(t.number)}
	if keyed {
		origin.Key = "key-" + origin.RequestID
	}
	_, err := ledger.Submit(ctx, p.ledger, origin, seatwright.AllocateToUsers{
		Organization: p.shape.organization(t.organization), Users: []seatwright.UserID{t.user}, Codes: []seatwright.ProductCode{t.code},
	})
	return err
}

// The application of each organization, for the cells that go through the doors.
const applicationSecret = "a secret of the benchmark, which protects nothing"

func applicationID(organization seatwright.OrganizationID) seatwright.ApplicationID {
	return seatwright.ApplicationID(organization + "-client")
}

// fill makes organizations with an application, purchases and people, through the ledger as everything else. held people have
// what shape.first gives them, so many others wait.
func fill(ctx context.Context, at place, s shape, held, waiting int) (err error) {
	p, err := openProduct(ctx, at, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	origin := seatwright.SystemCaller("bench").Origin()
	if _, err := ledger.Submit(ctx, p.ledger, origin, seatwright.CreateHost{}); err != nil {
		return err
	}
	if err := each(s.Organizations, func(i int) error { return p.found(ctx, origin, i) }); err != nil {
		return err
	}
	person := s.first
	if held > 0 {
		person = func(i int) task {
			if i < held {
				return s.first(i)
			}
			return s.waiting(i - held)
		}
	}
	total := held + waiting
	err = each(total, func(i int) error {
		if held > 0 {
			i = i * stride % total // those who wait were added among the others, so that their rows lie among the others' as well
		}
		t := person(i)
		user := seatwright.User{Organization: s.organization(t.organization), ID: t.user, Role: seatwright.RoleMember}
		_, err := ledger.Submit(ctx, p.ledger, origin, seatwright.CreateUser{User: user})
		return err
	})
	if err != nil {
		return err
	}
	// As few commands as possible: all people of an organization who get the same code, a thousand at a time.
	groups := map[seatwright.OrganizationID]map[seatwright.ProductCode][]seatwright.UserID{}
	var commands []seatwright.AllocateToUsers
	for i := range held {
		t := s.first(i)
		organization := s.organization(t.organization)
		if groups[organization] == nil {
			groups[organization] = map[seatwright.ProductCode][]seatwright.UserID{}
		}
		users := append(groups[organization][t.code], t.user)
		if i >= held-s.Organizations*len(s.Codes) || len(users) == seatwright.MaxUsersPerCall {
			commands = append(commands, seatwright.AllocateToUsers{Organization: organization, Users: users, Codes: []seatwright.ProductCode{t.code}})
			users = nil
		}
		groups[organization][t.code] = users
	}
	return each(len(commands), func(i int) error {
		_, err := ledger.Submit(ctx, p.ledger, origin, commands[i])
		return err
	})
}

// found makes one organization.
func (p *product) found(ctx context.Context, origin seatwright.Origin, i int) error {
	id := p.shape.organization(i)
	create := seatwright.CreateOrganization{ID: id, Name: string(id), UnknownUsers: seatwright.RefuseUnknownUsers}
	if _, err := ledger.Submit(ctx, p.ledger, origin, create); err != nil {
		return err
	}
	application := seatwright.Application{
		Organization: id, ID: applicationID(id), Name: "bench", Confidential: true, Scopes: []seatwright.Scope{seatwright.ScopeLicense},
		Secrets: []seatwright.ApplicationSecret{{ID: "bench", Hash: seatwright.HashOf(applicationSecret)}},
	}
	if _, err := ledger.Submit(ctx, p.ledger, origin, seatwright.CreateApplication{Application: application}); err != nil {
		return err
	}
	now := time.Now()
	for _, code := range p.shape.Codes {
		lot := seatwright.Lot{Organization: id, Code: code, Quantity: seatwright.MaxQuantity, Start: now.Add(-time.Hour), End: now.AddDate(1, 0, 0)}
		if _, err := ledger.Submit(ctx, p.ledger, origin, seatwright.CreateLot{Lot: lot, FreshID: seatwright.LotID(seatwright.NewID())}); err != nil {
			return err
		}
	}
	return nil
}

// each calls do for all numbers below n, many at a time, so that the ledger makes large batches.
func each(n int, do func(i int) error) error {
	const callers = 512
	var (
		next atomic.Int64
		wait sync.WaitGroup
		errs = make([]error, callers)
	)
	for c := range callers {
		wait.Go(func() {
			for i := int(next.Add(1) - 1); i < n && errs[c] == nil; i = int(next.Add(1) - 1) {
				errs[c] = do(i)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// books are the sums of all organizations.
type books struct {
	seats  int64 // recounted; every pool was compared with its own
	events int64
}

// readBooks compares every pool with its seats and adds up.
func readBooks(ctx context.Context, at place, s shape) (b books, err error) {
	store, err := at.open(ctx)
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for i := range s.Organizations {
		id := s.organization(i)
		pools, err := store.Pools(ctx, id)
		if err != nil {
			return b, err
		}
		seats, err := store.SeatUnits(ctx, id)
		if err != nil {
			return b, err
		}
		for _, pool := range pools {
			if pool.Used != seats[pool.Code] {
				return b, fmt.Errorf("pool %s of %s says that %d units are used, its seats have %d", pool.Code, id, pool.Used, seats[pool.Code])
			}
			b.seats += pool.Used
		}
		head, err := store.Head(ctx, id)
		if err != nil {
			return b, err
		}
		// The server records the sign-ins of the callers of a cell as well.
		signIns, err := store.SearchEvents(ctx, id, seatwright.EventQuery{Kinds: []seatwright.EventKind{seatwright.EventApplicationSignedIn}})
		if err != nil {
			return b, err
		}
		b.events += head.Sequence - signIns.Total
	}
	return b, nil
}
