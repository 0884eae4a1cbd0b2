package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/faults"
)

// Place is an empty database, as a server and as an operator would use it.
type Place struct {
	Archive seatwright.Archive
	// Open opens the store as a server does. It is closed when the test ends, at the latest.
	Open func(t *testing.T, clock func() time.Time) seatwright.Store
	// Alter runs a statement past the store, on tables without triggers and foreign keys, as damage would. In it {a} stands for what
	// the column organization has for the organization a. A person is told by user_id = '…', whatever the column is called.
	Alter func(t *testing.T, statement string)
}

// RunArchive runs the contract of seatwright.Archive, each test on fresh databases.
func RunArchive(t *testing.T, empty func(t *testing.T) Place) {
	for name, test := range map[string]func(*archiveFixture){
		"SoundDataHasNoDifference":            soundData,
		"EveryKindOfDamageIsFound":            damageIsFound,
		"ARestoredDatabaseHasTheSameRows":     restoresEverything,
		"ARestoredDatabaseGoesOn":             restoredGoesOn,
		"ARestoredDistributionGoesOn":         restoredDistribution,
		"RestoredUnitsGoOn":                   restoredUnits,
		"OverdrawnUnitsAreLeftAlone":          overdrawnIsLeftAlone,
		"RenewedConsumablesAreConsumedOnce":   renewedIsConsumedOnce,
		"ServicesCarryWhatTheyConsumed":       servicesCarry,
		"OnlyWhatIsBeyondIsCarried":           onlyBeyondIsCarried,
		"RestoreRefusesADatabaseInUse":        refusesInUse,
		"RestoreIsAllOrNothing":               restoresAllOrNothing,
		"ADumpIsOneMoment":                    dumpIsOneMoment,
		"ADumpEndsWhenItsReaderFails":         dumpEnds,
		"MigrateSaysWhatItFound":              migrates,
		"AMissingOrEmptyDatabaseIsNotAnError": emptyIsSound,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&archiveFixture{empty: empty, place: empty(t), fixture: &fixture{T: t, clock: &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}}})
		})
	}
}

type archiveFixture struct {
	*fixture
	empty func(t *testing.T) Place
	place Place
}

// open starts the server with its host.
func (f *archiveFixture) open() {
	f.Helper()
	f.store = f.place.Open(f.T, f.clock.Now)
	f.must(decide(f.fixture, seatwright.CreateHost{}))
}

// dump reads all rows, each with values of its own.
func dump(t *testing.T, a seatwright.Archive) (rows []seatwright.Row) {
	t.Helper()
	err := a.Dump(ctx, func(r seatwright.Row) error {
		r.Values = slices.Clone(r.Values)
		for i, v := range r.Values {
			if b, ok := v.([]byte); ok {
				r.Values[i] = bytes.Clone(b)
			}
		}
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// texts are rows as lines, without those that no backup has.
func texts(rows []seatwright.Row) (lines []string) {
	for _, r := range rows {
		if !r.Table.Secret {
			lines = append(lines, fmt.Sprintf("%s %q", r.Table.Name, r.Values))
		}
	}
	return lines
}

// sequence gives rows to a restore, as a backup does.
func sequence(rows []seatwright.Row) iter.Seq2[seatwright.Row, error] {
	return func(yield func(seatwright.Row, error) bool) {
		for _, r := range rows {
			if !r.Table.Secret && !yield(r, nil) {
				return
			}
		}
	}
}

// differences verifies a database.
func differences(t *testing.T, a seatwright.Archive) (found []string) {
	t.Helper()
	v := seatwright.NewVerification(func(sentence string) { found = append(found, sentence) })
	if err := a.Dump(ctx, func(r seatwright.Row) error { v.Row(r); return nil }); err != nil {
		t.Fatal(err)
	}
	if n := v.End(); n != len(found) {
		t.Errorf("%d differences counted, %d told", n, len(found))
	}
	return found
}

func wantSound(t *testing.T, a seatwright.Archive) {
	t.Helper()
	for _, sentence := range differences(t, a) {
		t.Error(sentence)
	}
}

// Guards that verification knows everything that commands do: a random history, in batches, has no difference.
func soundData(f *archiveFixture) {
	f.open()
	w := workload{f: f.fixture, random: faults.Random(faults.Seed(f.T), 0)}
	w.begin()
	for range 600 {
		w.step()
	}
	wantSound(f.T, f.place.Archive)
	if n := len(dump(f.T, f.place.Archive)); n < 300 {
		f.Errorf("the history left %d rows only", n)
	}
}

func restoresEverything(f *archiveFixture) {
	f.open()
	w := workload{f: f.fixture, random: faults.Random(faults.Seed(f.T), 0)}
	w.begin()
	for range 100 {
		w.step()
	}
	before := dump(f.T, f.place.Archive)
	target := f.empty(f.T).Archive
	f.must(nil, target.Restore(ctx, sequence(before)))
	after := dump(f.T, target)
	if !slices.Equal(texts(after), texts(before)) {
		f.Errorf("%d rows were dumped, %d other ones restored", len(before), len(after))
	}
	if slices.ContainsFunc(after, func(r seatwright.Row) bool { return r.Table.Secret }) {
		f.Error("the restored database has a signing key: old tokens would be accepted")
	}
	wantSound(f.T, target)
}

// Guards the numbering, the counters and the keys of a restored database: servers go on where the backup ends.
func restoredGoesOn(f *archiveFixture) {
	f.open()
	f.organization("a", 3, 2)
	f.key, f.actor = "key", "ann"
	f.must(nil, f.allocate("a", attended, "u-1"))
	events := len(f.events("a"))
	rows := dump(f.T, f.place.Archive)
	f.place = f.empty(f.T)
	f.must(nil, f.place.Archive.Restore(ctx, sequence(rows)))
	f.store = f.place.Open(f.T, f.clock.Now)

	f.must(nil, f.allocate("a", attended, "u-1")) // its key is known: the answer comes again
	f.wantReason(f.allocate("a", attended, "u-2"), seatwright.ReasonKeyReused)
	f.key = ""
	f.must(nil, f.allocate("a", attended, "u-2"))
	f.wantReason(f.allocate("a", attended, "u-3"), seatwright.ReasonPoolExhausted)
	if n := len(f.events("a")); n != events+2 {
		f.Errorf("%d events, want %d and two more", n, events)
	}
	f.organization("b", 1, 1)
	f.must(nil, f.allocate("b", attended, "u-1"))
	wantSound(f.T, f.place.Archive)
}

func refusesInUse(f *archiveFixture) {
	f.open()
	rows := dump(f.T, f.place.Archive)
	if err := f.place.Archive.Restore(ctx, sequence(rows)); !seatwright.IsReason(err, seatwright.ReasonStoreUnavailable) {
		f.Errorf("restoring under a server: %v, want store_unavailable", err)
	}
	f.must(nil, f.store.Close())
	if err := f.place.Archive.Restore(ctx, sequence(rows)); !errors.Is(err, seatwright.ErrNotEmpty) {
		f.Errorf("restoring over data: %v, want ErrNotEmpty", err)
	}
	if !slices.Equal(texts(dump(f.T, f.place.Archive)), texts(rows)) {
		f.Error("a refused restore changed something")
	}
}

func restoresAllOrNothing(f *archiveFixture) {
	f.open()
	f.organization("a", 3, 2)
	f.must(nil, f.allocate("a", attended, "u-1"))
	rows := dump(f.T, f.place.Archive)
	target := f.empty(f.T).Archive
	damaged := errors.New("planted")
	for at := 1; at < len(rows); at += 3 {
		cut := func(yield func(seatwright.Row, error) bool) {
			for r, err := range sequence(rows[:at]) {
				if !yield(r, err) {
					return
				}
			}
			if yield(seatwright.Row{}, damaged) {
				f.Error("the restore wants more after an error")
			}
		}
		if err := target.Restore(ctx, cut); !errors.Is(err, damaged) {
			f.Fatalf("a backup that ends after %d rows: %v, want the error of its reader", at, err)
		}
		if left := dump(f.T, target); len(left) > 0 {
			f.Fatalf("a backup that ends after %d rows left %d", at, len(left))
		}
	}
	f.must(nil, target.Restore(ctx, sequence(rows)))
	wantSound(f.T, target)
}

// Guards backups while serving: a batch is in a dump as a whole or not at all, and what was acknowledged before it is there.
func dumpIsOneMoment(f *archiveFixture) {
	f.open()
	f.organization("a", 8, 4)
	f.organization("b", 8, 4)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for _, org := range []string{"a", "b"} {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				user := seatwright.UserID(fmt.Sprintf("u-%d", i%8+1))
				codes := [][]seatwright.ProductCode{attended, nil}[i/8%2]
				if err := f.allocate(org, codes, user); err != nil && !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
					f.Error(err)
				}
			}
		})
	}
	for range 10 {
		acknowledged, err := f.store.Head(ctx, "a")
		f.must(nil, err)
		v := seatwright.NewVerification(func(sentence string) { f.Error(sentence) })
		last := int64(0)
		f.must(nil, f.place.Archive.Dump(ctx, func(r seatwright.Row) error {
			if r.Table.Name == "events" && r.Organization() == "a" {
				last = r.Values[1].(int64)
			}
			v.Row(r)
			return nil
		}))
		v.End()
		if last < acknowledged.Sequence {
			f.Errorf("the dump ends with event %d; %d was acknowledged before it began", last, acknowledged.Sequence)
		}
	}
	close(stop)
	writers.Wait()
}

func dumpEnds(f *archiveFixture) {
	f.open()
	full := errors.New("planted: the disk of the backup is full")
	if err := f.place.Archive.Dump(ctx, func(seatwright.Row) error { return full }); !errors.Is(err, full) {
		f.Errorf("Dump = %v, want the error of its reader", err)
	}
	f.must(decide(f.fixture, seatwright.CreateOrganization{ID: "a", Name: "a", UnknownUsers: seatwright.RefuseUnknownUsers}))
}

func migrates(f *archiveFixture) {
	before, err := f.place.Archive.Migrate(ctx)
	f.must(nil, err)
	if before.Version != 0 || before.Known == 0 {
		f.Errorf("an empty database has %+v", before)
	}
	again, err := f.place.Archive.Migrate(ctx)
	f.must(nil, err)
	if again.Version != before.Known || again.Usable() != nil || again.Exact() != nil {
		f.Errorf("a migrated database has %+v", again)
	}
	f.open() // is what was migrated
}

func emptyIsSound(f *archiveFixture) {
	f.must(f.place.Archive.Migrate(ctx))
	wantSound(f.T, f.place.Archive)
	if rows := dump(f.T, f.place.Archive); len(rows) > 0 {
		f.Errorf("an empty database has rows: %v", texts(rows))
	}
	f.place.Alter(f.T, `DROP TABLE schema_compatibility`)
	f.place.Alter(f.T, `DELETE FROM goose_db_version WHERE version_id > 1`)
	err := f.place.Archive.Dump(ctx, func(seatwright.Row) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "run migrate") {
		f.Errorf("dumping an older schema: %v, want a refusal", err)
	}
}
