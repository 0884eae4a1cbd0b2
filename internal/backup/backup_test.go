package backup_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/backup"
	"github.com/seatwright/seatwright/internal/store/sqlite"
)

const secret = "a private key that must not get into a backup"

// filled is a database with some of everything, texts that JSON has to escape included.
func filled(t *testing.T) seatwright.Archive {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().AddDate(1, 0, 0)
	do(t, store, seatwright.CreateHost{})
	do(t, store, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "key", Sealed: []byte(secret)}})
	do(t, store, seatwright.CreateOrganization{ID: "o", Name: "o", DisplayName: "a \"name\"\\ with <&>\u2028 ünïcode\x7f", UnknownUsers: seatwright.RefuseUnknownUsers})
	do(t, store, seatwright.CreateUser{User: seatwright.User{Organization: "o", ID: "ann", UserName: "Ann", Role: seatwright.RoleMember}, UserNameKey: "ann"})
	do(t, store, seatwright.CreateUser{User: seatwright.User{Organization: "o", ID: "bob", FirstName: "broken \xff UTF-8", ExternalID: "b", Role: seatwright.RoleMember}})
	do(t, store, seatwright.CreateTenant{Organization: "o", ID: "t", Name: "Main"})
	value := "value"
	do(t, store, seatwright.ChangeSettings{Organization: "o", Settings: []seatwright.NewSetting{{Key: "Key", Value: &value}}})
	do(t, store, seatwright.CreateRobotAccount{Organization: "o", FreshID: "r", Name: "Robot"})
	do(t, store, seatwright.CreateGroup{Organization: "o", ID: "g", Name: "Group", Members: []string{"ann", "r"}})
	do(t, store, seatwright.CreateApplication{Application: seatwright.Application{Organization: "o", ID: "app", Confidential: true, Secrets: []seatwright.ApplicationSecret{{ID: "s", Hash: bytes.Repeat([]byte{0xfe}, 32)}}}})
	do(t, store, seatwright.CreateGrant{Grant: seatwright.Grant{
		Organization: "o", ID: "grant", Kind: seatwright.GrantPersonal, User: "ann", Description: "a \"token\"", SecretHash: bytes.Repeat([]byte{0xfe}, 32), ExpiresAt: end,
	}})
	do(t, store, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "o", ID: "lot", Code: "ATTUNU", Quantity: 5, End: end}})
	do(t, store, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "o", ID: "short", Code: "TSTNU", Quantity: 5, End: time.Now().AddDate(0, 0, 1)}})
	do(t, store, seatwright.ImportLicense{Organization: "o", ID: "file", Issuer: "vendor", Hash: make([]byte, 32), ExpiresAt: end, Lots: []seatwright.Lot{{Code: "IDU", Quantity: 1, End: end}}})
	do(t, store, seatwright.TellNotices{Organization: "o", Due: []seatwright.DueNotice{{NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticeLotEnds, Subject: "short"}, Code: "TSTNU"}}})
	do(t, store, seatwright.CreateLot{Lot: seatwright.Lot{Organization: seatwright.HostID, ID: "lot", Code: "UNATT", Quantity: 5, End: end}})
	do(t, store, seatwright.DistributeToOrganization{Organization: "o", Products: []seatwright.Quantity{{Code: "UNATT", Units: 2}}})
	do(t, store, seatwright.AllocateToService{Organization: "o", Tenant: "t", Service: "orchestrator", Products: []seatwright.Quantity{{Code: "UNATT", Units: 1}}})
	do(t, store, seatwright.AcquireUnits{Organization: "o", Lease: seatwright.UnitLeaseRef{ID: "job", ServiceKey: seatwright.ServiceKey{
		PoolScope: seatwright.PoolScope{Tenant: "t", Service: "orchestrator"}, Code: "UNATT",
	}}})
	do(t, store, seatwright.AdmitSignIn{Organization: "o", User: "ann"})
	do(t, store, seatwright.AllocateToUsers{Organization: "o", Users: []seatwright.UserID{"ann", "bob"}, Codes: []seatwright.ProductCode{"ATTUNU"}})
	do(t, store, seatwright.SetGroupRule{Organization: "o", Group: "g", Codes: []seatwright.ProductCode{"ATTUNU"}})
	do(t, store, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "o", ID: "shared", Code: "ACCU", Quantity: 1, End: end}})
	do(t, store, seatwright.CreateUser{User: seatwright.User{Organization: "o", ID: "cid", Role: seatwright.RoleMember}})
	do(t, store, seatwright.SetGroupRule{Organization: "o", Group: seatwright.Everyone.ID, Codes: []seatwright.ProductCode{"ACCU", "RPADEVNU"}}) // of the second there is none
	do(t, store, seatwright.OpenSession{Organization: "o", User: "cid"})
	do(t, store, seatwright.OpenSession{Organization: "o", User: "ann", Session: "session", GlobalID: "global", ClientType: "a \"product\""})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return sqlite.NewArchive(dir)
}

func do[A any](t *testing.T, store seatwright.Store, c seatwright.Command[A]) {
	t.Helper()
	origin := seatwright.Origin{Actor: "test", Key: seatwright.NewID()}
	key, err := seatwright.KeyOf(c, origin)
	if err != nil {
		t.Fatal(err)
	}
	err = store.Update(t.Context(), seatwright.LoadRequest{Touches: c.Touches(), Keys: []seatwright.KeyRef{key.KeyRef}}, func(s *seatwright.Slice) error {
		_, err := seatwright.Decide(s, origin, c, key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, from seatwright.Archive) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := backup.Write(t.Context(), &file, from, "v-test", time.Now()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// read returns all rows of a backup, or why it is not believed.
func read(file []byte) (rows []seatwright.Row, err error) {
	r, err := backup.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if err := r.Check(r.Header.Schema); err != nil {
		return nil, err
	}
	for row, err := range r.Rows() {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Promise: what is read from a backup is what was stored, to the byte and type, without the signing keys.
func TestABackupHasEveryRowAndNoSigningKey(t *testing.T) {
	t.Parallel()
	from := filled(t)
	var want []seatwright.Row
	secrets, kinds := 0, map[string]bool{}
	err := from.Dump(t.Context(), func(r seatwright.Row) error {
		if r.Table.Secret {
			secrets++
			return nil
		}
		r.Values = append([]any{}, r.Values...)
		want = append(want, r)
		kinds[r.Table.Name] = true
		return nil
	})
	if err != nil || secrets != 1 || len(kinds) != len(seatwright.Tables())-1 {
		t.Fatalf("%d secrets, rows of %d tables (%v): the test needs some of each", secrets, len(kinds), err)
	}
	file := write(t, from)
	got, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%v\nwritten\n%v", got, want)
	}
	if text := string(unpack(t, file)); strings.Contains(text, secret) || strings.Contains(text, "sealed") || strings.Contains(text, `["signing_keys"`) {
		t.Error("the backup has a signing key")
	}
}

func unpack(t *testing.T, file []byte) []byte {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func pack(text []byte) []byte {
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	w.Write(text)
	w.Close()
	return file.Bytes()
}

// Promise: a backup that was cut, anywhere, or altered, in any byte, is refused.
func TestACutOrAlteredBackupIsRefused(t *testing.T) {
	t.Parallel()
	file := write(t, filled(t))
	whole, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(file); n++ {
		if n > 64 && n < len(file)-64 { // in between, some will do
			n += 6
		}
		if _, err := read(file[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes pass for a backup", n, len(file))
		}
		altered := bytes.Clone(file)
		altered[n] ^= 1 << (n % 8)
		// Some bytes of gzip's own header mean nothing.
		if rows, err := read(altered); err == nil && !reflect.DeepEqual(rows, whole) {
			t.Fatalf("byte %d of %d was altered, and nobody notices", n, len(file))
		}
	}
	if _, err := read(append(bytes.Clone(file), file...)); err == nil {
		t.Error("two backups one behind the other pass for one")
	}

	// The same below gzip, as by somebody who packs what he has altered.
	text := unpack(t, file)
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines = lines[:len(lines)-1]
	for n := range lines {
		without := bytes.Join(append(append([][]byte{}, lines[:n]...), lines[n+1:]...), nil)
		twice := bytes.Join(append(append([][]byte{}, lines[:n+1]...), lines[n:]...), nil)
		for what, altered := range map[string][]byte{"left out": without, "twice": twice, "cut": bytes.Join(lines[:n], nil)} {
			if _, err := read(pack(altered)); err == nil {
				t.Errorf("line %d of %d is %s, and nobody notices", n+1, len(lines), what)
			}
		}
	}
	for old, changed := range map[string]string{
		`"seatwright backup 1"`: `"seatwright backup 2"`, `"name_key"`: `"name_kee"`, `["heads"`: `["tails"`, `["seats"`: `["signing_keys"`,
		`"ann"`: `"eve"`, `,1,`: `,"1",`, `,true,`: `,1,`, `{"base64":"`: `{"base64":"!`, `null`: `"nil"`,
	} {
		altered := strings.Replace(string(text), old, changed, 1)
		if altered == string(text) {
			t.Errorf("%s is not in the backup", old)
		}
		if _, err := read(pack([]byte(altered))); err == nil {
			t.Errorf("%s is now %s, and nobody notices", old, changed)
		}
	}
	for _, other := range []string{"", "\n", "{}\n", "not a backup", `{"format":"x"}` + "\n"} {
		if _, err := read(pack([]byte(other))); err == nil {
			t.Errorf("%q passes for a backup", other)
		}
		if _, err := read([]byte(other)); err == nil {
			t.Errorf("%q, not packed, passes for a backup", other)
		}
	}
}

// Promise: a backup of another schema is refused in words that say what to do.
func TestABackupOfAnotherSchemaIsRefused(t *testing.T) {
	t.Parallel()
	r, err := backup.NewReader(bytes.NewReader(write(t, filled(t))))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(r.Header.Schema + 1); err == nil || !strings.Contains(err.Error(), "v-test") || !strings.Contains(err.Error(), "then migrate") {
		t.Errorf("Check = %v", err)
	}
}

// Promise: a full disk is told, and what was written does not pass for a backup.
func TestAFullDiskIsTold(t *testing.T) {
	t.Parallel()
	from := filled(t)
	size := len(write(t, from))
	for room := 0; room < size; room += 1 + size/20 {
		disk := &small{room: room}
		if _, err := backup.Write(t.Context(), disk, from, "v-test", time.Now()); !errors.Is(err, errFull) {
			t.Fatalf("room for %d of %d bytes: %v", room, size, err)
		}
		if _, err := read(disk.Bytes()); err == nil {
			t.Fatalf("%d of %d bytes pass for a backup", room, size)
		}
	}
}

var errFull = errors.New("planted: no room")

type small struct {
	bytes.Buffer
	room int
}

func (s *small) Write(p []byte) (int, error) {
	if len(p) > s.room {
		n, _ := s.Buffer.Write(p[:s.room])
		s.room = 0
		return n, errFull
	}
	s.room -= len(p)
	return s.Buffer.Write(p)
}

// Promise: no file, whatever is in it, makes the reader panic or return a row that is not of its table's kinds.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`["heads","o",1,{"base64":"AA=="},5]`))
	f.Add([]byte(`["users","o","u","n",null,null,"","","","","member",true,"",5]`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`["idempotency_keys","o","p","k",1,{"base64":"x"},"{}"]`))
	header := fmt.Sprintf(`{"format":"seatwright backup 1","schema":2,"tables":{}}%s`, "\n")
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := backup.NewReader(bytes.NewReader(pack(append([]byte(header), line...))))
		if err != nil {
			t.Fatal(err)
		}
		next, stop := iter.Pull2(r.Rows())
		defer stop()
		for {
			row, err, more := next()
			if err != nil || !more {
				return
			}
			v := seatwright.NewVerification(func(string) {})
			v.Row(row)
			v.End()
		}
	})
}
