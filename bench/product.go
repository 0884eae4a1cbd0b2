package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

// shape is how the allocations of a cell are spread over pools.
type shape struct {
	name          string
	organizations int
	codes         []seatwright.BundleCode
}

var (
	spread = shape{name: "spread", organizations: 10, codes: catalogueCodes()}
	hot    = shape{name: "hot", organizations: 1, codes: []seatwright.BundleCode{"ATTUNU"}}
)

func catalogueCodes() []seatwright.BundleCode {
	var codes []seatwright.BundleCode
	for _, bundle := range seatwright.Catalogue() {
		codes = append(codes, bundle.Code)
	}
	return codes
}

// where says which organization the person with that number is in, and which code they get.
func (s shape) where(person int) (seatwright.OrganizationID, seatwright.UserID, seatwright.BundleCode) {
	return s.organization(person % s.organizations), seatwright.UserID("person-" + strconv.Itoa(person)),
		s.codes[person/s.organizations%len(s.codes)]
}

func (s shape) organization(i int) seatwright.OrganizationID {
	return seatwright.OrganizationID("organization-" + strconv.Itoa(i))
}

// product allocates through the real ledger into the real store.
type product struct {
	shape
	keys   bool // every command has an idempotency key of its own
	store  *sqlite.Store
	ledger *ledger.Ledger
}

// productOf measures the product. What all rounds begin with (organizations, purchases, people) is made once and copied.
func productOf(s shape, keys bool) func(ctx context.Context, dir, scratch string, users int) (subject, error) {
	return func(ctx context.Context, dir, scratch string, users int) (subject, error) {
		template := filepath.Join(scratch, "template-"+s.name)
		if _, err := os.Stat(template); errors.Is(err, fs.ErrNotExist) {
			if err := s.fill(ctx, template, users); err != nil {
				return nil, fmt.Errorf("prepare: %w", err)
			}
		}
		data := filepath.Join(dir, "data")
		if err := copyDirectory(data, template); err != nil {
			return nil, err
		}
		return openProduct(ctx, s, keys, data)
	}
}

func openProduct(ctx context.Context, s shape, keys bool, dir string) (*product, error) {
	store, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	return &product{shape: s, keys: keys, store: store, ledger: ledger.New(store, slog.New(slog.DiscardHandler))}, nil
}

func (s shape) fill(ctx context.Context, dir string, users int) (err error) {
	p, err := openProduct(ctx, s, false, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	origin := seatwright.SystemCaller("bench").Origin()
	if _, err := ledger.Submit(ctx, p.ledger, origin, seatwright.CreateHost{}); err != nil {
		return err
	}
	begin := time.Now()
	for i := range s.organizations {
		id := s.organization(i)
		create := seatwright.CreateOrganization{ID: id, Name: string(id), UnknownUsers: seatwright.RefuseUnknownUsers}
		if _, err := ledger.Submit(ctx, p.ledger, origin, create); err != nil {
			return err
		}
		for _, code := range s.codes {
			lot := seatwright.Lot{Organization: id, Code: code, Quantity: seatwright.MaxQuantity, Start: begin.Add(-time.Hour), End: begin.AddDate(1, 0, 0)}
			if _, err := ledger.Submit(ctx, p.ledger, origin, seatwright.CreateLot{Lot: lot, FreshID: seatwright.LotID(seatwright.NewID())}); err != nil {
				return err
			}
		}
	}
	return p.hire(ctx, origin, users)
}

func (p *product) hire(ctx context.Context, origin seatwright.Origin, users int) error {
	const callers = 512
	var (
		next atomic.Int64
		wait sync.WaitGroup
		errs = make([]error, callers)
	)
	for i := range callers {
		wait.Go(func() {
			for person := int(next.Add(1) - 1); person < users && errs[i] == nil; person = int(next.Add(1) - 1) {
				organization, id, _ := p.where(person)
				user := seatwright.User{Organization: organization, ID: id, Role: seatwright.RoleMember}
				_, errs[i] = ledger.Submit(ctx, p.ledger, origin, seatwright.CreateUser{User: user})
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (p *product) allocate(ctx context.Context, person int) error {
	organization, user, code := p.where(person)
	request := strconv.Itoa(person)
	origin := seatwright.Origin{Actor: "administrator", Via: "bench", RequestID: request}
	if p.keys {
		origin.Key = "key-" + request
	}
	_, err := ledger.Submit(ctx, p.ledger, origin, seatwright.AllocateToUsers{
		Organization: organization, Users: []seatwright.UserID{user}, Codes: []seatwright.BundleCode{code},
	})
	return err
}

func (p *product) check(ctx context.Context, allocated int) error {
	used := int64(0)
	for i := range p.organizations {
		id := p.organization(i)
		pools, err := p.store.Pools(ctx, id)
		if err != nil {
			return err
		}
		seats, err := p.store.SeatUnits(ctx, id)
		if err != nil {
			return err
		}
		for _, pool := range pools {
			if pool.Used != seats[pool.Code] {
				return fmt.Errorf("pool %s of %s says that %d units are used, its seats have %d", pool.Code, id, pool.Used, seats[pool.Code])
			}
			used += pool.Used
		}
	}
	if used != int64(allocated) {
		return fmt.Errorf("%d allocations were answered, %d units are used", allocated, used)
	}
	return nil
}

func (p *product) close() error {
	p.ledger.Close()
	return p.store.Close()
}

// copyDirectory copies the files of a closed store and flushes them, so that writing them back is not measured later.
func copyDirectory(to, from string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := copyFile(filepath.Join(to, entry.Name()), filepath.Join(from, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}
