package app_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seatwright/seatwright"
	contract "github.com/seatwright/seatwright/api"
	"github.com/seatwright/seatwright/internal/licensefile"
)

// publishedOperation is a row of testdata/license_operations.tsv.
type publishedOperation struct {
	method, path string
	named        string // the words that say why it is not served; empty: it is
}

func (o publishedOperation) pattern() string {
	return o.method + " " + parameter.ReplaceAllString(o.path, "{}")
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// publishedOperations reads the file. Each operation is in it once, and there are as many as are published.
func publishedOperations(t *testing.T) (list []publishedOperation) {
	t.Helper()
	text, err := os.ReadFile("testdata/license_operations.tsv")
	check(t, err)
	count, seen := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 {
			t.Fatalf("%q does not have three fields", line)
		}
		o := publishedOperation{method: fields[0], path: fields[1]}
		var named bool
		if o.named, named = strings.CutPrefix(fields[2], "named: "); !named && fields[2] != "served" || named && o.named == "" {
			t.Errorf("%q is neither served nor named", line)
		} else if !named {
			o.named = ""
		}
		if key := o.method + " " + o.path; seen[key] {
			t.Errorf("%s is listed twice", key)
		} else {
			seen[key] = true
		}
		count[strings.Split(o.path, "/")[1]]++
		list = append(list, o)
	}
	want(t, "listed operations of each door", count, map[string]int{"lease_": 56 + 4, "lrm": 45 + 2})
	return list
}

// Promise: every published operation on licenses is served as its document says, or the documentation says why it is not.
func TestLicenseOperations(t *testing.T) {
	t.Parallel()
	w := serve(t, t.TempDir())
	w.tokens["administrator"] = w.login(t, "acme", w.demo.Administrator, w.demo.AdministratorPassword)
	w.tokens["host"] = w.login(t, "host", w.demo.Host, w.demo.HostPassword)
	w.tokens["member"] = w.login(t, "acme", "dancer-1", w.demo.MemberPassword)
	documented := documentedLicenseOperations(t)
	text, err := os.ReadFile("../../docs/compatibility.md")
	check(t, err)
	words := strings.Join(strings.Fields(string(text)), " ")

	list := publishedOperations(t)
	slices.SortStableFunc(list, func(a, b publishedOperation) int { // so that nothing is gone that a later one asks for
		order := []string{"GET", "POST", "PUT", "DELETE"}
		return cmp.Or(slices.Index(order, a.method)-slices.Index(order, b.method), len(b.path)-len(a.path))
	})
	prepare := w.licenseThings(t)
	for _, o := range list {
		t.Run(o.method+" "+o.path, func(t *testing.T) {
			c := prepare(o)
			if o.named != "" {
				if !strings.Contains(words, strings.Join(strings.Fields(o.named), " ")) {
					t.Errorf("docs/compatibility.md does not say %q", o.named)
				}
				w.checkAbsent(t, o, c)
				return
			}
			operation := documented[o.pattern()]
			if operation == nil && o.path != "/lrm/health" { // which no document has
				t.Fatal("no document has it")
			}
			paths := []string{c.path}
			if o.method == http.MethodGet {
				paths = append(paths, strings.NewReplacer("/lease_/", "/la/", "/lrm/", "/license_/").Replace(c.path), "/acme/DefaultTenant"+c.path)
			}
			for _, path := range paths {
				c.path = path
				got := w.do(t, c)
				if got.status != http.StatusOK {
					t.Errorf("%s: %d %s", path, got.status, got.body)
				}
				checkContract(t, operation, c.method, got)
			}
		})
	}
	w.audit(t, w.demo.Acme.Organization)
}

// checkAbsent checks that nothing answers, or nothing by this method.
func (w *world) checkAbsent(t *testing.T, o publishedOperation, c call) {
	t.Helper()
	got := w.do(t, c)
	if got.status == http.StatusMethodNotAllowed && !slices.Contains(strings.Split(got.header.Get("Allow"), ", "), o.method) {
		return
	}
	// Where another operation has parameters in these places, what it asks for is not there.
	if got.status != http.StatusNotFound || !strings.Contains(got.body, `"code":"route_not_found"`) && !strings.Contains(got.body, `"code":"organization_not_found"`) {
		t.Errorf("it is said not to be served, and answered %d %s", got.status, got.body)
	}
}

// documentedLicenseOperations are the operations of the compatible document, by method and path without the names of parameters.
func documentedLicenseOperations(t *testing.T) map[string]*openapi3.Operation {
	t.Helper()
	operations, err := contract.Operations()
	check(t, err)
	byID, found := loadContract(t), map[string]*openapi3.Operation{}
	for _, o := range operations {
		if o.Document == contract.AutomationSuite {
			found[parameter.ReplaceAllString(o.Pattern(), "{}")] = byID[o.ID]
		}
	}
	return found
}

// licenseThings makes what the operations are about, and returns how each of them is called so that it succeeds.
func (w *world) licenseThings(t *testing.T) func(publishedOperation) call {
	t.Helper()
	acme := string(w.demo.Acme.Organization)
	file := func(audience, id string) string {
		return activationData(w.files(licenseFile(func(f *licensefile.File) { f.ID, f.Audience = id, audience })))
	}
	hosts, accounts := "/lrm/api/host/"+string(seatwright.HostID), "/lrm/api/account-license/"+acme
	for _, c := range []call{
		{as: "host", method: "PUT", path: hosts + "/license", body: file(string(seatwright.HostID), "second")},
		{as: "administrator", method: "PUT", path: accounts + "/license", body: file(acme, "second")},
		{as: "member", method: "POST", path: "/lease_/api/account/acme/user-license/session?sessionId=second&clientType=studio"},
		{as: "administrator", method: "POST", path: "/lease_/api/lease/acme/tenant-01/orchestrator/UNATT/lease/some-id", body: "{}"},
	} {
		if got := w.do(t, c); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", c.path, got.status, got.body)
		}
	}
	const people, units, stats = "/lease_/api/account/{}/user-license", "/lease_/api/lease", "/lease_/api/account/{}/stats"
	const lease = `{"serviceScopeId":"tenant-01","serviceType":"orchestrator","productCode":"UNATT","quantity":1,"leaseIdentifier":"some-id"}`
	bodies := map[string]string{
		"POST " + people:                                `{"userIds":["analyst-1"]}`,
		"PUT " + people:                                 `{"userIds":["singer-77"],"userBundleCodes":["TSTNU"],"useExternalLicense":true}`,
		"DELETE " + people:                              `{"userIds":["singer-77"]}`,
		"PUT " + people + "/group/{}":                   `{"userBundleCodes":["ACNU"],"useExternalLicense":false}`,
		"PUT " + people + "/group/{}/with-quota":        `{"userBundleCodes":["ACNU"],"quotas":[{"userBundleCode":"ACNU","limit":4}]}`,
		"DELETE " + people + "/group/{}/user":           `{"userIds":["dancer-1"]}`,
		"POST " + people + "/license/users":             `{"userIds":["analyst-1","dancer-1"]}`,
		"POST " + people + "/group":                     `{"groupIds":["group-01"]}`,
		"POST " + people + "/session":                   `{"licenseUnits":["APPS"]}`,
		"PUT " + units:                                  lease,
		"PUT " + units + "/{}":                          lease,
		"PUT " + units + "/{}/acquire":                  lease,
		"PUT " + units + "/{}/{}":                       lease,
		"PUT " + units + "/{}/{}/{}":                    lease,
		"POST " + units + "/{}/{}/{}/{}/lease/{}":       `{"quantity":2}`,
		"PUT " + units + "/{}/{}/{}/{}/lease/{}":        `{"quantity":1.5,"owner":"robot 7"}`,
		"DELETE " + units:                               `{"leaseIdentifiers":["some-id"]}`,
		"PUT " + units + "/{}/{}/available/services":    `{"productCodes":["UNATT"]}`,
		"PUT " + units + "/{}/{}/{}/available/services": `{"productCodes":["UNATT"]}`,
		"PUT " + units + "/{}/usage":                    `[{"serviceScopeId":"tenant-01","serviceType":"orchestrator","productCode":"UNATT","startDate":0,"endDate":0}]`,
		"PUT " + units + "/{}/computeUsage":             `{"scopes":[{"scopeId":"tenant-01","scopeType":"orchestrator","productCode":"UNATT"}]}`,
		"POST " + stats + "/timeline":                   `{"clientIds":["tenant-01"],"timePeriod":30}`,
		"POST " + stats + "/organization/timeline":      `{"timePeriod":30}`,
		"POST " + stats + "/used":                       `{"clientIds":["tenant-01"],"timePeriod":30}`,
		"PUT /lrm/api/host/{}/license":                  file(string(seatwright.HostID), "first"),
		"PUT /lrm/api/account-license/{}/license":       file(acme, "first"),
		"PUT /lrm/api/account-license/validate/offline": file(acme, "third"),
		"PUT /lrm/api/host/{}/organization/{}/license":  `{"productQuantities":[{"code":"UNATT","quantity":13}]}`,
		"POST /lrm/api/host/{}/organization/{}/license": `{"productQuantities":[{"code":"UNATT","quantity":14}]}`,
		"PUT /lrm/api/account/{}/service-license/{}/{}": `{"tenantName":"DefaultTenant","products":[{"code":"UNATT","quantity":5}]}`,
	}
	queries := map[string]string{
		people + "/session":                              "?sessionId=first&clientType=studio",
		people + "/{}/session":                           "?sessionId=second",
		people + "/user/page":                            "?top=5&skip=1&sortBy=id&sortOrder=desc&userBundleLicenseCodes=PMBU",
		people + "/group/page":                           "?top=5&userBundleLicenseCodes=ACNU",
		people + "/groups/with-quota":                    "?top=50&sortBy=Name",
		people + "/group/{}/user":                        "?top=5&skip=0",
		people + "/group/{}/bulk-users":                  "?top=5&skip=0",
		"/lrm/api/host/{}/activation-request":            "?licenseCode=first",
		"/lrm/api/account-license/{}/activation-request": "?licenseCode=first",
		"/lrm/api/account/{}/service-licenses/{}":        "?services=orchestrator",
		"/lrm/api/account/{}/user-license/status":        "?enableUserLicensing=true",
		"/lrm/api/account/{}/account-license":            "?forceAllLicenses=true",
	}
	return func(o publishedOperation) call {
		_, place, _ := strings.Cut(o.pattern(), " ")
		holder, code := "dancer-1", "first"
		switch {
		case strings.HasSuffix(place, "/user/{}/allocation"):
			holder = "analyst-1" // has a direct one
		case strings.HasSuffix(place, "/group/{}/user/{}"):
			holder = "dancer-2"
		case strings.HasSuffix(place, "/license/{}/offline"), o.method == http.MethodPut:
			code = "second"
		}
		c := call{as: "administrator", method: o.method, body: bodies[o.pattern()], path: strings.NewReplacer(
			"{accountId}", acme, "{organizationId}", acme, "{hostAccountId}", string(seatwright.HostID), "{hostAccountID}", string(seatwright.HostID),
			"{groupId}", "group-01", "{userId}", holder, "{userGlobalId}", holder, "{serviceScopeId}", "tenant-01", "{tenantId}", "tenant-01",
			"{serviceType}", "orchestrator", "{scopeId}", "tenant-01", "{scopeType}", "orchestrator", "{licenseCode}", code, "{productCode}", "UNATT",
		).Replace(o.path) + queries[place]}
		c.path = parameter.ReplaceAllString(c.path, "some-id")
		switch {
		case strings.HasPrefix(place, "/lrm/api/host/"), place == "/lrm/api/account/{}/license/remove":
			c.as = "host"
		case place == people+"/session", place == people+"/currentUser":
			c.as = "member"
		}
		if c.body != "" && !json.Valid([]byte(c.body)) {
			t.Errorf("%s has a body that is none: %s", o.pattern(), c.body)
		}
		return c
	}
}
