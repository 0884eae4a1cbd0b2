package app_test

import (
	"flag"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seatwright/seatwright"
	contract "github.com/seatwright/seatwright/api"
	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/directory"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

const accessFile = "testdata/access.tsv"

// accessHead begins the file; what the columns mean has to be there, because it is the file that is reviewed.
const accessHead = `# Who is let in where: the statuses of every operation of the documents, for nine callers. Written by
#   go test ./internal/app -run TestAccess -update
# and read line by line when it changes. Requests are refused right behind the check of the permission where they would change
# something, by an Idempotency-Key that is none: 400 means "let in", as 200 does. All callers but the last are of the organization
# that is called own here; nobody is of the one that is called other. named: where the request says which organization is meant.
# reader and writer have the scope of the operation with .Read and .Write (audit and sign-ins have no .Write: there the writer has
# the umbrella), or that of licenses where an operation asks for none; unrelated has a scope that no operation asks for.
`

var accessColumns = []string{
	"operation", "named", "organization", "nobody", "garbage", "member", "administrator", "host", "reader", "writer", "unrelated", "elsewhere",
}

// Promise: nobody gets in anywhere unless a reviewer has seen it. Every operation of the documents has its rows, and an organization
// that is not theirs looks to everybody but the host administrators like one that does not exist.
func TestAccess(t *testing.T) {
	t.Parallel()
	w := setup(t)
	scoped := w.scopedTokens(t)
	_, err := w.Licensing.CreateLot(t.Context(), seatwright.SystemCaller("test"), seatwright.Lot{
		Organization: w.demo.Acme.Organization, ID: "lot-of-acme", Code: "IDU", Quantity: 1, End: farAway(),
	})
	check(t, err)
	_, err = w.Directory.CreateTenant(t.Context(), seatwright.SystemCaller("test"), w.demo.Acme.Organization, directory.NewTenant{ID: "access", Name: "access"})
	check(t, err)
	_, err = w.Licensing.CreateLot(t.Context(), seatwright.SystemCaller("test"), seatwright.Lot{Organization: seatwright.HostID, Code: "UNATT", Quantity: 1, End: time.Now().AddDate(1, 0, 0)})
	check(t, err)
	operations, err := contract.Operations()
	check(t, err)
	documented := loadContract(t)
	everybody := []seatwright.OrganizationID{w.demo.Acme.Organization, w.demo.Globex.Organization, w.demo.Initech.Organization, seatwright.HostID}
	heads := w.heads(t, everybody, "")

	got := map[string]string{} // statuses, by what stands before them in the file
	for _, op := range operations {
		callers := callersOf(op, scoped)
		for _, place := range placesOf(op, documented[op.ID]) {
			answers := map[string][]string{}
			for _, organization := range organizationsOf(place) {
				request := w.accessCall(t, op, documented[op.ID], place, organization)
				statuses := make([]string, len(callers))
				for i, as := range callers {
					request.as = as
					answer := w.do(t, request)
					statuses[i] = strconv.Itoa(answer.status)
					told := statuses[i]
					if !op.Public { // what is public may repeat the address that it was asked at
						told += " " + strings.ReplaceAll(answer.body, answer.header.Get("X-Request-Id"), "ID")
					}
					answers[organization] = append(answers[organization], told)
				}
				got[strings.Join([]string{op.Pattern(), place, organization}, "\t")] = strings.Join(statuses, "\t")
			}
			for i := range answers["other"] {
				if other, missing := answers["other"][i], answers["missing"][i]; other != missing && accessColumns[3+i] != "host" {
					t.Errorf("%s, organization in the %s, %s: a foreign one is answered %s, a missing one %s", op.Pattern(), place, accessColumns[3+i], other, missing)
				}
			}
		}
	}
	if now := w.heads(t, everybody, ""); now != heads {
		t.Errorf("the requests were to change nothing, the chains went from %s to %s", heads, now)
	}
	compareAccess(t, got)
}

// compareAccess compares what was answered with the reviewed file, or writes it.
func compareAccess(t *testing.T, got map[string]string) {
	t.Helper()
	if *update {
		var text strings.Builder
		text.WriteString(accessHead + strings.Join(accessColumns, "\t") + "\n")
		for _, key := range slices.Sorted(maps.Keys(got)) {
			text.WriteString(key + "\t" + got[key] + "\n")
		}
		check(t, os.WriteFile(accessFile, []byte(text.String()), 0o600))
		return
	}
	text, err := os.ReadFile(accessFile)
	check(t, err)
	rows, ok := strings.CutPrefix(string(text), accessHead+strings.Join(accessColumns, "\t")+"\n")
	if !ok {
		t.Fatalf("%s does not begin as it should", accessFile)
	}
	if lines := strings.Split(strings.TrimSuffix(rows, "\n"), "\n"); !slices.IsSorted(lines) || len(slices.Compact(lines)) != len(got) {
		t.Errorf("%s is not sorted, or has another number of rows than the %d of the documents", accessFile, len(got))
	}
	reviewed := map[string]string{}
	for row := range strings.Lines(rows) {
		fields := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		key, statuses := strings.Join(fields[:min(3, len(fields))], "\t"), fields[min(3, len(fields)):]
		reviewed[key] = strings.Join(statuses, "\t")
		if _, known := got[key]; !known {
			t.Errorf("no operation has the row %q", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		want, known := reviewed[key]
		if !known {
			t.Errorf("%q has no row: nobody has looked at who may do it", key)
			continue
		}
		answered, wanted := strings.Split(got[key], "\t"), strings.Split(want, "\t")
		for i, status := range answered {
			if i >= len(wanted) || status != wanted[i] {
				t.Errorf("%s by %s: %s; the row has %q", key, accessColumns[3+i], status, want)
			}
		}
	}
}

// scopedTokens gets a token for every published scope, from an application that may have them all. The names are of world.tokens.
func (w *world) scopedTokens(t *testing.T) map[seatwright.Scope]string {
	t.Helper()
	id, published := "everything", seatwright.PublishedScopes()
	_, secret, err := w.Applications.Create(t.Context(), seatwright.SystemCaller("test"), w.demo.Acme.Organization, directory.NewApplication{ID: id, Scopes: published})
	check(t, err)
	names := map[seatwright.Scope]string{}
	for _, scope := range published {
		token := w.token(t, app.Credentials{ClientID: id, ClientSecret: secret}, string(scope))
		names[scope] = "scope " + string(scope)
		w.tokens[names[scope]] = token
	}
	w.tokens["garbage"] = "garbage"
	return names
}

// callersOf are the nine, in the order of the columns, as keys of world.tokens.
func callersOf(op contract.Operation, scoped map[seatwright.Scope]string) []string {
	umbrella := seatwright.ScopeLicense
	if scopes := op.Permission.Scopes; len(scopes) > 0 {
		umbrella = scopes[0]
	}
	writer, writes := scoped[umbrella+".Write"]
	if !writes {
		writer = scoped[umbrella]
	}
	return []string{"", "garbage", "member", "administrator", "host", scoped[umbrella+".Read"], writer, scoped["PM.AuthSetting"], "globex administrator"}
}

// placesOf are the places in which a request can name the organization: a prefix of the compatible doors, the path, the query, and
// nowhere where the path does not have it. That a body names another one is in the tables of statuses.
func placesOf(op contract.Operation, documented *openapi3.Operation) []string {
	var places []string
	if op.Document == contract.AutomationSuite {
		places = append(places, "prefix")
	}
	if len(organizationParameters(op)) > 0 {
		places = append(places, "path")
	} else {
		places = append(places, "nowhere")
	}
	if documented.Parameters.GetByInAndName("query", "partitionGlobalId") != nil {
		places = append(places, "query")
	}
	if documented.Parameters.GetByInAndName("query", "accountGlobalId") != nil {
		places = append(places, "account query")
	}
	return places
}

// organizationsOf are the organizations that are named in a place.
func organizationsOf(place string) []string {
	if place == "nowhere" {
		return []string{"-"}
	}
	return []string{"own", "other", "missing"}
}

// organizationParameters are the parameters of the path that name the organization.
func organizationParameters(op contract.Operation) (names []string) {
	for _, name := range []string{"accountId", "partitionGlobalId", "org", op.OrganizationParameter} {
		if name != "" && strings.Contains(op.Path, "{"+name+"}") {
			names = append(names, name)
		}
	}
	return names
}

// accessCall is the request of a row: about things that there are in acme, and refused behind the check of the permission if it
// would change any.
func (w *world) accessCall(t *testing.T, op contract.Operation, documented *openapi3.Operation, place, organization string) call {
	t.Helper()
	ids := map[string]string{
		"own": string(w.demo.Acme.Organization), "other": string(w.demo.Initech.Organization), "missing": "00000000-0000-4000-8000-000000000000",
	}
	names := map[string]string{"own": "acme", "other": "initech", "missing": "nowhere"}
	id := ids["own"]
	if place == "path" {
		id = ids[organization]
	}
	path := op.Path
	for _, name := range organizationParameters(op) {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	path = strings.NewReplacer(
		"Group/{id}", "Group/group-01", "RobotAccount/{id}", "RobotAccount/robot-01", "{groupId}", "group-01", "{robotAccountId}", "robot-01",
		"{userId}", "singer-77", "{user}", "singer-77", "{name}", "ATTR", "{entitlementName}", "ATTR", "{tenantId}", "access", "{userGlobalId}", "singer-77", "{templateId}", "1", "ExternalClient/{id}", "ExternalClient/acme-script", "{clientId}", "acme-script", "{secretId}", "none", "{tokenId}", "none",
		"{lot}", "lot-of-acme", "{file}", "none", "{licenseCode}", "none",
		"{hostAccountId}", string(seatwright.HostID), "{serviceScopeId}", "access", "{serviceType}", "orchestrator", "{robotType}", "Unattended",
		"{scopeId}", "access", "{scopeType}", "orchestrator", "{productCode}", "UNATT", "{leaseIdentifier}", "none", "lease/{id}", "lease/none",
	).Replace(path)
	if strings.Contains(path, "{") {
		t.Fatalf("%s has a parameter that this test knows nothing for", op.Pattern())
	}
	query := url.Values{}
	for _, p := range documented.Parameters {
		if p.Value.In != "query" || !p.Value.Required {
			continue
		}
		known := map[string]string{"by": "hour", "enableUserLicensing": "true", "licenseCode": "none", "name": "UserInvitation", "response_type": "code", "client_id": "acme-script", "redirect_uri": "https://acme.example/", "scope": "openid", "id": "group-01", "sessionId": "s-1", "clientType": "studio"}
		if known[p.Value.Name] == "" {
			t.Fatalf("%s needs %s, which this test knows nothing for", op.Pattern(), p.Value.Name)
		}
		query.Set(p.Value.Name, known[p.Value.Name])
	}
	switch place {
	case "prefix":
		path = "/" + names[organization] + tenantOf(op) + path
	case "query":
		query.Set("partitionGlobalId", ids[organization])
	case "account query":
		query.Set("accountGlobalId", ids[organization])
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	c := call{method: op.Method, path: path, header: map[string]string{}}
	if op.Method != "GET" {
		c.header["Idempotency-Key"] = "not a key"
	}
	if documented.RequestBody != nil {
		c.body = "{}"
		if documented.RequestBody.Value.Content["application/x-www-form-urlencoded"] != nil {
			c.body, c.header["Content-Type"] = "grant_type=nothing", "application/x-www-form-urlencoded"
		}
	}
	return c
}

// tenantOf is what stands behind the organization of a prefix where the operation looks the tenant up.
func tenantOf(op contract.Operation) string {
	if op.Tag == "orchestrator" {
		return "/access"
	}
	return ""
}
