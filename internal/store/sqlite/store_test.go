package sqlite_test

import (
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/store/sqlite"
	"github.com/seatwright/seatwright/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock func() time.Time) seatwright.Store {
		return open(t, t.TempDir(), sqlite.Options{Clock: clock})
	})
}

func TestArchive(t *testing.T) {
	storetest.RunArchive(t, func(t *testing.T) storetest.Place {
		dir := t.TempDir()
		organization, user := regexp.MustCompile(`\{([^}]+)\}`), regexp.MustCompile(`user_id = '([^']+)'`)
		records, seats := regexp.MustCompile(`direct_records (.*)WHERE`), regexp.MustCompile(`seats (.*)WHERE`) // one table here
		return storetest.Place{
			Archive: sqlite.NewArchive(dir),
			Open: func(t *testing.T, clock func() time.Time) seatwright.Store {
				return open(t, dir, sqlite.Options{Clock: clock})
			},
			Alter: func(t *testing.T, statement string) {
				statement = records.ReplaceAllString(seats.ReplaceAllString(statement, "holdings ${1}WHERE code > '' AND"), "holdings ${1}WHERE code = '' AND")
				alter(t, dir, `DROP TRIGGER IF EXISTS events_are_never_changed`, `DROP TRIGGER IF EXISTS events_are_never_deleted`,
					organization.ReplaceAllString(user.ReplaceAllString(statement,
						"user_number = coalesce((SELECT u.number FROM users u WHERE u.organization = "+organization.FindString(statement)+
							" AND u.id = '$1'), 1000000)"),
						"(SELECT o.number FROM organizations o WHERE o.id = '$1')"))
			},
		}
	})
}

func open(t *testing.T, dir string, options sqlite.Options) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), dir, options)
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

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, sqlite.Options{})
	if _, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
		t.Errorf("Open = %v, want store_unavailable", err)
	}
}

// Guards against a database that others on the machine can read.
func TestFilesAreForTheOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	store := open(t, dir, sqlite.Options{})
	createHost(t, store)
	for _, name := range []string{".", "lock", "seatwright.db", "seatwright.db-wal", "seatwright.db-shm", "reserve"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
}

func createHost(t *testing.T, store *sqlite.Store) {
	t.Helper()
	if err := write(t, store, seatwright.CreateHost{}); err != nil {
		t.Fatal(err)
	}
}

func write[A any](t *testing.T, store *sqlite.Store, c seatwright.Command[A]) error {
	t.Helper()
	return store.Update(t.Context(), seatwright.LoadRequest{Touches: c.Touches()}, func(s *seatwright.Slice) error {
		_, err := seatwright.Decide(s, seatwright.Origin{Actor: "test"}, c, nil)
		return err
	})
}

// Guards that a full disk is told as such, that reads go on, and that writing goes on when there is room again.
func TestAFullDiskIsSurvived(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, sqlite.Options{})
	createHost(t, store)
	full := limitFileSize(t, 0)
	err := write(t, store, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "k1", Sealed: make([]byte, 1<<16)}})
	if !seatwright.IsKind(err, seatwright.KindUnavailable) {
		t.Errorf("writing to a full disk: %v, want unavailable", err)
	}
	if _, err := store.Organization(t.Context(), seatwright.HostID); err != nil {
		t.Errorf("reading from a full disk: %v", err)
	}
	full()
	if err := write(t, store, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "k2", Sealed: []byte{2}}}); err != nil {
		t.Errorf("writing after the disk has room again: %v", err)
	}
	keys, err := store.SigningKeys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].ID != "k2" {
		t.Errorf("keys are %+v, %v: want only k2", keys, err)
	}
}

// limitFileSize makes every write of this process beyond n bytes of a file fail, until the returned function is called. It
// stands for a full disk. No test of this package may run beside it.
func limitFileSize(t *testing.T, n uint64) (lift func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
}
