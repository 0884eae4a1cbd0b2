package strictjson_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/strictjson"
	"github.com/seatwright/seatwright/wire"
)

func decode(t *testing.T, body string, into any, policy strictjson.UnknownFields) error {
	t.Helper()
	r := httptest.NewRequest("PUT", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return strictjson.DecodeBody(r, into, policy)
}

// Everything that Go's own decoder would let pass has to be refused, by both doors, with the place.
func TestMalformedBodiesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for name, c := range map[string]struct{ body, want string }{
		"the guide's example lacks a comma": {"{\n\"userIds\": [\"singer-77\", \"singer-88\", \"singer-111\"]\n\"userBundleCodes\": [\"RPADEVNU\"]\n}", "line 3, column 1"},
		"empty":                             {"", "the body is empty"},
		"blank":                             {" \n", "the body is empty"},
		"cut off":                           {`{"userIds":["a"`, "it breaks off at line 1, column 16"},
		"null":                              {" null ", "must be a JSON object"},
		"a list":                            {`["a"]`, "this list"},
		"a string":                          {`"a"`, "this string"},
		"a duplicate":                       {`{"userIds":["a"],"userIds":["b"]}`, `a name occurs twice at line 1, column 18, in "/userIds"`},
		"a duplicate in other letter case":  {`{"userIds":["a"],"UserIds":["b"]}`, "in different letter case"},
		"a duplicate with a long s":         {"{\"userIds\":[\"a\"],\"u\u017ferIds\":[\"b\"]}", "in different letter case"},
		"a nested duplicate":                {`{"userIds":["a"],"x":{"k":1,"k":2}}`, "a name occurs twice"},
		"a nested duplicate in other case":  {`{"userIds":["a"],"x":[{"k":1},{"k":1,"K":2}]}`, `in "/x/1/K"`},
		"invalid UTF-8":                     {"{\"userIds\":[\"\xff\"]}", "invalid UTF-8"},
		"half a surrogate pair":             {`{"userIds":["\ud800"]}`, "line 1"},
		"text after the object":             {`{"userIds":["a"]} x`, "line 1, column 19"},
		"two objects":                       {`{"userIds":["a"]}{}`, "line 1, column 18"},
		"a comma too many":                  {`{"userIds":["a",]}`, "line 1, column 16"},
		"single quotes":                     {`{'userIds':[]}`, "line 1, column 2"},
		"a comment":                         {`{/**/"userIds":[]}`, "line 1, column 2"},
		"a byte order mark":                 {"\ufeff{}", "line 1, column 1"},
		"a wrong type":                      {`{"userIds":"a"}`, `this string does not belong here at line 1, column 12, in "/userIds"`},
		"a wrong type in a list":            {`{"userIds":["a",7]}`, `in "/userIds/1"`},
		"a string for a boolean":            {`{"userIds":["a"],"useExternalLicense":"true"}`, `in "/useExternalLicense"`},
		"deep below an unknown field":       {`{"userIds":["a"],"x":` + deep + `}`, "nested more than 32 levels"},
		"deep below a known field":          {`{"userIds":` + deep + `}`, `in "/userIds`},
		"a column counts characters":        {"{\"é\":1 \"x\":2}", "line 1, column 8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, policy := range []strictjson.UnknownFields{strictjson.IgnoreUnknownFields, strictjson.RefuseUnknownFields} {
				var into wire.UserLicenseRequest
				err := decode(t, c.body, &into, policy)
				if !seatwright.IsReason(err, seatwright.ReasonMalformedBody) {
					t.Fatalf("%v: %v", policy, err)
				}
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v: %v, want %s", policy, err, c.want)
				}
			}
		})
	}
}

func TestUnknownFieldsAreForOneDoorToIgnore(t *testing.T) {
	t.Parallel()
	body := `{"userIds":["a"],"UserBundleCodes":["X"],"more":{"a":[1,{"b":null}]}}`
	var into wire.UserLicenseRequest
	if err := decode(t, body, &into, strictjson.IgnoreUnknownFields); err != nil {
		t.Fatal(err)
	}
	// Names are exact: a field in other letter case is not the field.
	if want := (wire.UserLicenseRequest{UserIds: []string{"a"}}); !reflect.DeepEqual(into, want) {
		t.Errorf("%+v", into)
	}
	err := decode(t, body, &into, strictjson.RefuseUnknownFields)
	if e := seatwright.AsError(err); err == nil || e.Field != "UserBundleCodes" || !strings.Contains(e.Detail, "no such field") {
		t.Errorf("%+v", err)
	}
}

func TestNullIsAbsent(t *testing.T) {
	t.Parallel()
	var into wire.UserLicenseRequest
	if err := decode(t, `{"userIds":["a",null],"userBundleCodes":null,"licenseCodes":[],"useExternalLicense":null}`, &into, strictjson.RefuseUnknownFields); err != nil {
		t.Fatal(err)
	}
	// A null among ids becomes an empty id, which is refused as such later. An empty list is not an absent one.
	if want := (wire.UserLicenseRequest{UserIds: []string{"a", ""}, LicenseCodes: []string{}}); !reflect.DeepEqual(into, want) {
		t.Errorf("%+v", into)
	}
	if _, err := seatwright.UserIDs(into.UserIds); err == nil {
		t.Error("an empty id passed")
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header http.Header
		taken  bool
	}{
		{http.Header{"Content-Type": {"application/json"}}, true},
		{http.Header{"Content-Type": {"Application/JSON; charset=UTF-8"}}, true},
		{http.Header{"Content-Type": {`text/json;charset="utf-8"`}}, true},
		{http.Header{"Content-Type": {"application/json-patch+json"}}, true},
		{http.Header{"Content-Type": {"application/vnd.api+json"}}, true},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"identity"}}, true},
		{http.Header{}, false},
		{http.Header{"Content-Type": {""}}, false},
		{http.Header{"Content-Type": {"application/json", "application/json"}}, false},
		{http.Header{"Content-Type": {"application/json; charset=utf-16"}}, false},
		{http.Header{"Content-Type": {"application/json; charset=iso-8859-1"}}, false},
		{http.Header{"Content-Type": {"text/plain"}}, false},
		{http.Header{"Content-Type": {"image/svg+json"}}, false},
		{http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, false},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, false},
	} {
		r := httptest.NewRequest("PUT", "/", strings.NewReader(`{"userIds":["a"]}`))
		r.Header = c.header
		var into wire.UserLicenseRequest
		err := strictjson.DecodeBody(r, &into, strictjson.RefuseUnknownFields)
		refused := seatwright.IsReason(err, seatwright.ReasonMediaType)
		if c.taken && err != nil || !c.taken && !refused {
			t.Errorf("%v: %v", c.header, err)
		}
	}
}

// A body that may be left out may be null, and nothing else than null or an object.
func TestNullIsTakenForAPointer(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{" null ": true, "null": true, "{}": true, `{"userIds":["a"]}`: true, "nul": false, "null null": false, "[]": false, `""`: false, "": false} {
		var into *wire.UserLicenseRequest
		err := decode(t, body, &into, strictjson.RefuseUnknownFields)
		if (err == nil) != want || err != nil && !seatwright.IsReason(err, seatwright.ReasonMalformedBody) {
			t.Errorf("%q: %v", body, err)
		}
		if err == nil && (into == nil) != strings.Contains(body, "null") {
			t.Errorf("%q is read as %v", body, into)
		}
	}
}

func TestABodyOfExactlyTheLimitIsRead(t *testing.T) {
	t.Parallel()
	frame := `{"userIds":[""]}`
	for extra, reason := range map[int]seatwright.Reason{0: "", 1: seatwright.ReasonBodyTooLarge} {
		body := `{"userIds":["` + strings.Repeat("a", strictjson.MaxBody-len(frame)+extra) + `"]}`
		var into wire.UserLicenseRequest
		err := decode(t, body, &into, strictjson.RefuseUnknownFields)
		if reason == "" && err != nil || reason != "" && !seatwright.IsReason(err, reason) {
			t.Errorf("%d bytes over: %v", extra, err)
		}
	}
}

// A place in the answer must not carry what a caller chose to write into a log or a terminal, nor grow with it.
func TestPlacesAreSafeToShow(t *testing.T) {
	t.Parallel()
	name := "\u001b[31m" + strings.Repeat("x", 5000)
	quoted, _ := json.Marshal(name)
	var into wire.UserLicenseRequest
	e := seatwright.AsError(decode(t, `{`+string(quoted)+`:1}`, &into, strictjson.RefuseUnknownFields))
	if strings.Contains(e.Detail, "\u001b") || len(e.Detail) > 400 || len(e.Field) > seatwright.MaxIDLength {
		t.Errorf("%q in %q", e.Detail, e.Field)
	}
}

// FuzzBody: what is accepted means the same when it is written again, and has no two names that differ in letter case only.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"userIds":["singer-77"],"userBundleCodes":["TSTNU"],"useExternalLicense":true}`, `{"userIds":[],"UserIds":[]}`, `{"x":{"a":[{}]}}`, `null`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var once, twice wire.UserLicenseRequest
		if decode(t, string(body), &once, strictjson.IgnoreUnknownFields) != nil {
			return
		}
		again, err := json.Marshal(once)
		if err != nil {
			t.Fatal(err)
		}
		if err := decode(t, string(again), &twice, strictjson.RefuseUnknownFields); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if third, _ := json.Marshal(twice); !bytes.Equal(again, third) {
			t.Fatalf("%s and %s", again, third)
		}
		var names map[string]any
		if err := json.Unmarshal(body, &names); err != nil {
			t.Fatalf("the standard library refuses %q: %v", body, err)
		}
		for a := range names {
			for b := range names {
				if a != b && strings.EqualFold(a, b) {
					t.Fatalf("%q and %q are both in %q", a, b, body)
				}
			}
		}
	})
}
