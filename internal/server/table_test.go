package server

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

func newTable(t *testing.T, patterns ...string) *table {
	t.Helper()
	routes := &table{fail: func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, err.Error(), http.StatusTeapot) }}
	for _, pattern := range patterns {
		if err := routes.add(pattern, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Route", r.Pattern) }); err != nil {
			t.Fatal(err)
		}
	}
	return routes
}

func publishedRoutes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/published-routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// The published API has routes that the standard mux refuses to hold together. Each of them must be reachable, so that the
// doors that are still to come find their place.
func TestEveryPublishedRouteIsReachable(t *testing.T) {
	t.Parallel()
	patterns := publishedRoutes(t)
	if len(patterns) != 56+45+33 {
		t.Fatalf("%d published routes", len(patterns))
	}
	routes := newTable(t, patterns...)
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		segments := strings.Split(path[1:], "/")
		var want []string
		for i, s := range segments {
			if strings.HasPrefix(s, "{") {
				segments[i] = "Value-" + s[1:len(s)-1]
				want = append(want, segments[i])
			} else {
				segments[i] = strings.ToUpper(s)
			}
		}
		found, values, _ := routes.find(method, segments)
		if found == nil || found.pattern != pattern || !slices.Equal(values, want) {
			t.Errorf("%s %s finds %v with %q, want %s", method, segments, found, values, pattern)
		}
	}
}

func TestTheFourPairsThatTheStandardMuxRefuses(t *testing.T) {
	t.Parallel()
	const base = "/lease_/api/account/{accountId}/user-license/"
	for _, pair := range [][2]string{
		{"GET " + base + "{userGlobalId}/availableUserBundles", "GET " + base + "group/{groupId}"},
		{"GET " + base + "{userGlobalId}/userBundleLeases", "GET " + base + "group/{groupId}"},
		{"DELETE " + base + "{userId}/session", "DELETE " + base + "group/{groupId}"},
		{"GET /identity_/api/User/{userId}/loginAttempts", "GET /identity_/api/User/users/{partitionGlobalId}"},
	} {
		if !refusedByStandardMux(pair) {
			t.Errorf("%v: the standard mux takes both", pair)
		}
		newTable(t, pair[0], pair[1])
	}
}

func refusedByStandardMux(pair [2]string) (refused bool) {
	defer func() { refused = recover() != nil }()
	mux := http.NewServeMux()
	mux.HandleFunc(pair[0], nilHandler)
	mux.HandleFunc(pair[1], nilHandler)
	return false
}

func nilHandler(http.ResponseWriter, *http.Request) {}

func TestTableFindsLiteralsBeforeParameters(t *testing.T) {
	t.Parallel()
	routes := newTable(t, "GET /u/{id}", "GET /u/me", "GET /u/{id}/x", "GET /u/me/y", "POST /u/bulk", "DELETE /u/{id}")
	for _, c := range []struct{ method, path, pattern, values, allow string }{
		{"GET", "u/me", "GET /u/me", "", ""},
		{"GET", "U/ME", "GET /u/me", "", ""},
		{"GET", "u/Me/x", "GET /u/{id}/x", "Me", ""},
		{"GET", "u/me/y", "GET /u/me/y", "", ""},
		{"GET", "u/bulk", "GET /u/{id}", "bulk", ""},
		{"HEAD", "u/1", "GET /u/{id}", "1", ""},
		{"PUT", "u/bulk", "", "", "DELETE GET HEAD POST"},
		{"OPTIONS", "u/me/y", "", "", "GET HEAD"},
		{"GET", "u", "", "", ""},
		{"GET", "u/1/x/y", "", "", ""},
		{"GET", "", "", "", ""},
	} {
		found, values, allow := routes.find(c.method, strings.FieldsFunc(c.path, func(r rune) bool { return r == '/' }))
		pattern := ""
		if found != nil {
			pattern = found.pattern
		}
		if pattern != c.pattern || strings.Join(values, " ") != c.values || strings.Join(allow, " ") != c.allow {
			t.Errorf("%s %s: %q %q %q, want %+v", c.method, c.path, pattern, values, allow, c)
		}
	}
}

func TestTableRefusesWhatIsNoRoute(t *testing.T) {
	t.Parallel()
	routes := newTable(t, "GET /a/{x}", "GET /G(A='{x}')")
	for _, pattern := range []string{"GET", "GET a", " /a", "GET /a/{y}", "GET /a//b", "GET /{x}/{x}", "GET /{}", "GET /a{x}", "GET /{x", "GET /A/{x}",
		"GET /f(a={x}", "GET /{x})", "GET /f({x})({y})", "GET /f(a={})", "GET /g(a='{z}')"} {
		if routes.add(pattern, nilHandler) == nil {
			t.Errorf("%q was added", pattern)
		}
	}
}

func TestTableHandsOverParametersAsSpelled(t *testing.T) {
	t.Parallel()
	routes := newTable(t)
	routes.add("GET /a/{first}/b/{second}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Values", r.PathValue("first")+","+r.PathValue("second"))
	})
	w := httptest.NewRecorder()
	routes.serve(w, httptest.NewRequest("GET", "/", nil), []string{"A", "One", "B", "b"})
	if got := w.Header().Get("Values"); got != "One,b" {
		t.Error(got)
	}
}

// A function of OData has its argument in the segment; what is around it is compared without regard to letter case.
func TestTableReadsTheArgumentOfAFunction(t *testing.T) {
	t.Parallel()
	routes := newTable(t, "GET /odata/{set}", "GET /odata/Ns.Get(type='{type}')", "GET /odata/Ns.Get(type='{type}')/Count", "GET /odata/Ns.Get", "GET /odata/Ns.Get(id={id})")
	for path, want := range map[string]string{
		"odata/Ns.Get(type='Unattended')":     "GET /odata/Ns.Get(type='{type}') Unattended",
		"OData/ns.get(TYPE='unattended')":     "GET /odata/Ns.Get(type='{type}') unattended",
		"odata/Ns.Get(type='')":               "GET /odata/Ns.Get(type='{type}') ",
		"odata/Ns.Get(type='it''s')":          "GET /odata/Ns.Get(type='{type}') it''s",
		"odata/Ns.Get(id=7)":                  "GET /odata/Ns.Get(id={id}) 7",
		"odata/Ns.Get":                        "GET /odata/Ns.Get",
		"odata/Ns.Get(type='Unattended')/cou": "",
		"odata/Ns.Get(type='x')/Count":        "GET /odata/Ns.Get(type='{type}')/Count x",
		"odata/Ns.Get(type=')":                "GET /odata/{set} Ns.Get(type=')", // begin and end do not share the quote
		"odata/Ns.Get(other='x')":             "GET /odata/{set} Ns.Get(other='x')",
	} {
		found, values, _ := routes.find("GET", strings.Split(path, "/"))
		got := ""
		if found != nil {
			got = strings.Join(append([]string{found.pattern}, values...), " ")
		}
		if got != want {
			t.Errorf("%s finds %q, want %q", path, got, want)
		}
	}
}
