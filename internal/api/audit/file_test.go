package audit

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright/internal/audit"
)

// Promise: no spreadsheet program takes a cell, or a part that it may take for one, for a formula; other cells stay as they are.
func TestCellsAreHarmless(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"":                          "",
		"ann":                       "ann",
		"ann@acme.example":          "ann@acme.example",
		"a-b+c=d":                   "a-b+c=d",
		"=1+1":                      "'=1+1",
		"+1":                        "'+1",
		"-1":                        "'-1",
		"@SUM(A1)":                  "'@SUM(A1)",
		"\tx":                       "'\tx",
		"\rx":                       "'\rx",
		"\nx":                       "'\nx",
		"\t=1":                      "'\t'=1",
		" =1":                       "' =1",
		"  \u00a0=1":                "'  \u00a0=1",
		"\ufeff=1":                  "'\ufeff=1",
		"\u200b=1":                  "'\u200b=1",
		`"=1`:                       `'"=1`,
		`" "=1`:                     `'" "=1`,
		"'=1":                       "''=1",
		"＝1":                        "'＝1",
		"x;=1":                      "x;'=1",
		"x; =1; y":                  "x;' =1; y",
		"x,\"=1":                    "x,'\"=1",
		"x\r\n=1":                   "x\r\n'=1",
		"=1;=2":                     "'=1;'=2",
		`{"sequence":1,"kind":"a"}`: `{"sequence":1,"kind":"a"}`,
		"ädam=":                     "ädam=",
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}

var formula = regexp.MustCompile(`(^|[,;|\t\r\n])[\s"\p{Cf}]*[=+\-@＝＋－＠]`)

// Promise: the same for any text, and the text can still be read: nothing but apostrophes has been added.
func FuzzCellsAreHarmless(f *testing.F) {
	for _, cell := range []string{"=1", "a;=1", "\t\t=", "\"' =", ",\"=", "\u200b+", "\xff=", "a\xff;-"} {
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got := harmless(cell)
		if formula.MatchString(got) || strings.HasPrefix(got, "\t") || strings.HasPrefix(got, "\r") || strings.HasPrefix(got, "\n") {
			t.Errorf("%q becomes %q", cell, got)
		}
		if strings.ReplaceAll(got, "'", "") != strings.ReplaceAll(cell, "'", "") {
			t.Errorf("%q becomes %q, and something else is lost", cell, got)
		}
	})
}

// Promise: nobody takes a part of a file for the whole: where the rest cannot be read the connection is cut.
func TestAFileThatBreaksOffIsCut(t *testing.T) {
	t.Parallel()
	broken := errors.New("the database has gone")
	f := file{total: 2000, pages: func(yield func([]audit.Record, error) bool) {
		_ = yield([]audit.Record{{Message: "first"}}, nil) && yield(nil, broken)
	}}
	w := httptest.NewRecorder()
	thrown := func() (thrown any) {
		defer func() { thrown = recover() }()
		_ = f.write(w)
		return nil
	}()
	if err, isError := thrown.(error); !isError || !errors.Is(err, broken) || !strings.Contains(w.Body.String(), "first") {
		t.Errorf("threw %v after %q", thrown, w.Body)
	}
}

type gone struct{ http.ResponseWriter }

func (gone) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Promise: a client that has gone ends the work for it.
func TestAFileForNobodyEnds(t *testing.T) {
	t.Parallel()
	pages := 0
	f := file{pages: func(yield func([]audit.Record, error) bool) {
		for yield([]audit.Record{{Message: strings.Repeat("m", 1<<16)}}, nil) {
			pages++
		}
	}}
	thrown := func() (thrown any) {
		defer func() { thrown = recover() }()
		_ = f.write(gone{httptest.NewRecorder()})
		return nil
	}()
	if thrown != http.ErrAbortHandler || pages > 1 { //nolint:errorlint // the very value that the server looks for
		t.Errorf("threw %v after %d pages", thrown, pages)
	}
}

func TestInstants(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"":                              {},
		"2026-03-01":                    time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		"2026-03-01T09:00:00Z":          time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC),
		"2026-03-01T09:00:00+02:00":     time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC),
		"2026-03-01T09:00:00.1234567":   time.Date(2026, 3, 1, 9, 0, 0, 123456700, time.UTC),
		"2026-03-01T09:00:00.000000Z":   time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59.999999999": time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		if got, err := instant("startTime", text); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"now", "2026", "2026-3-1", "2026-02-30", "2026-03-01T09:00:00 02:00", "2026-03-01 09:00:00", "10000-01-01"} {
		if got, err := instant("startTime", text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
