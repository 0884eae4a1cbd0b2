package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/pgtest"
	"github.com/seatwright/seatwright/internal/store/postgres"
	"github.com/seatwright/seatwright/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock func() time.Time) seatwright.Store {
		return open(t, pgtest.Database(t), postgres.Options{Clock: clock})
	})
}

func open(t *testing.T, url string, options postgres.Options) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), url, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// Guards organizations against each other's locks: the error of a batch names whom somebody else holds, and nobody else.
func TestABatchNamesTheOrganizationsThatAreHeld(t *testing.T) {
	url := pgtest.Database(t)
	store := open(t, url, postgres.Options{})
	write(t, store, seatwright.CreateHost{})
	for _, id := range []seatwright.OrganizationID{"a", "b", "c"} {
		write(t, store, seatwright.CreateOrganization{ID: id, Name: "name-" + string(id), UnknownUsers: seatwright.ProvisionUnknownUsers})
	}
	other, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.WithoutCancel(t.Context()))
	if _, err := other.Exec(t.Context(), `BEGIN; SELECT FROM heads JOIN organizations ON number = organization WHERE id = 'b' FOR UPDATE OF heads`); err != nil {
		t.Fatal(err)
	}
	update := func() error {
		request := seatwright.LoadRequest{Touches: []seatwright.Touch{{Organization: "a"}, {Organization: "b"}, {Organization: "c"}}}
		return store.Update(t.Context(), request, func(*seatwright.Slice) error { return nil })
	}
	var held *seatwright.BusyError
	if err := update(); !errors.As(err, &held) || !slices.Equal(held.Organizations, []seatwright.OrganizationID{"b"}) ||
		!seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
		t.Errorf("Update = %v, want that b is held", err)
	}
	write(t, store, seatwright.CreateTenant{Organization: "a", ID: "t", Name: "free"})
	if _, err := other.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := update(); err != nil {
		t.Errorf("Update = %v after the lock is gone", err)
	}
}

// write runs one command as a batch of its own.
func write[A any](t *testing.T, store *postgres.Store, c seatwright.Command[A]) {
	t.Helper()
	err := store.Update(t.Context(), seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
		_, err := seatwright.Decide(s, seatwright.Origin{Actor: "test"}, c, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
