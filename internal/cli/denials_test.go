package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Promise: flags ask for what they say, and who was refused is shown as a person can read it, the deleted included.
func TestShowsDenials(t *testing.T) {
	t.Parallel()
	const (
		listed = `{"denials":[
			{"number":7002,"kind":"user","denied":"ann","code":"ATTUNU","reason":"quota_reached","group":"g","requested":1,"available":3,"refusals":12,"askedBy":"user/ann",
				"firstAt":"2030-01-01T10:00:00Z","lastAt":"2030-01-01T10:30:00Z","satisfiedAt":"2030-01-02T08:00:00Z"},
			{"number":7001,"kind":"user","code":"TSTNU","reason":"pool_exhausted","requested":1,"available":0,"refusals":1,
				"firstAt":"2030-01-01T10:00:00Z","lastAt":"2030-01-01T10:00:00Z"}],"next":7001}`
		counted = `{"counts":[{"person":"ann","denials":2,"refusals":9,"denied":1,"satisfied":1},{"denials":1,"refusals":1,"denied":1,"satisfied":0}]}`
		hours   = `{"counts":[{"hour":"2030-01-01T10:00:00Z","denials":2,"refusals":9,"denied":2,"satisfied":1}]}`
		bundles = `{"counts":[{"code":"ATTUNU","denials":2,"refusals":9,"denied":2,"satisfied":1}]}`
	)
	for name, c := range map[string]struct {
		args           []string
		query, answer  string
		code           int
		stdout, stderr string
	}{
		"list": {
			[]string{"list", "--org", "songs", "--code", "ATTUNU", "--person", "ann", "--since", "2030-01-01", "--until", "2030-01-02T00:00:00+02:00", "--satisfied", "--top", "2", "--before", "9000"},
			"/denials?before=9000&code=ATTUNU&person=ann&satisfied=true&since=2030-01-01T00%3A00%3A00Z&top=2&until=2030-01-02T00%3A00%3A00%2B02%3A00", listed, exitDone,
			"DENIED CODE REASON GROUP REQUESTED AVAILABLE REFUSALS FIRST LAST SATISFIED ASKED BY " +
				"ann ATTUNU quota_reached g 1 3 12 2030-01-01T10:00:00Z 2030-01-01T10:30:00Z 2030-01-02T08:00:00Z user/ann " +
				"- TSTNU pool_exhausted - 1 0 1 2030-01-01T10:00:00Z 2030-01-01T10:00:00Z - -",
			"There are more: --before 7001\n",
		},
		"list as JSON": {
			[]string{"list", "--org", "songs", "--satisfied=false", "--json"}, "/denials?before=0&satisfied=false&top=100", `{"denials":[]}`, exitDone, `{ "denials": [] }`, "",
		},
		"bundles": {[]string{"counts", "--org", "songs"}, "/denials/counts?by=bundle&top=100", bundles, exitDone, "BUNDLE DENIALS REFUSALS DENIED SATISFIED ATTUNU 2 9 2 1", ""},
		"people": {
			[]string{"counts", "--org", "songs", "--by", "person"}, "/denials/counts?by=person&top=100", counted, exitDone,
			"PERSON DENIALS REFUSALS DENIED SATISFIED ann 2 9 1 1 (deleted) 1 1 1 0", "",
		},
		"hours":           {[]string{"counts", "--org", "songs", "--by", "hour"}, "/denials/counts?by=hour&top=100", hours, exitDone, "HOUR DENIALS REFUSALS DENIED SATISFIED 2030-01-01T10:00:00Z 2 9 2 1", ""},
		"no time":         {[]string{"list", "--org", "songs", "--since", "yesterday"}, "", "", exitUsage, "", "--since is neither a date"},
		"no organization": {[]string{"counts"}, "", "", exitUsage, "", `"org"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.String()
				io.WriteString(w, c.answer)
			}))
			defer server.Close()
			got := runCommand(t, map[string]string{"SEATWRIGHT_SERVER": server.URL, "SEATWRIGHT_TOKEN": "token"}, "", append([]string{"denials"}, c.args...)...)
			if strings.TrimPrefix(asked, "/api/v1/organizations/songs") != c.query {
				t.Errorf("asked %s, want %s", asked, c.query)
			}
			if printed := strings.Join(strings.Fields(got.stdout), " "); got.code != c.code || printed != c.stdout || !strings.Contains(got.stderr, c.stderr) {
				t.Errorf("%+v, want code %d, %q, %q", got, c.code, c.stdout, c.stderr)
			}
		})
	}
}
