package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/licensing"
)

// instants are what differs from run to run in an answer.
var instants = regexp.MustCompile(`"20\d\d-\d\d-\d\dT[0-9:.]+Z"`)

// portalTool speaks to the portal of one organization as the published tools do: the type of a body on every request, a body on DELETE, and for some calls
// the name of the portal twice.
type portalTool struct {
	club
	*testing.T
}

const toolType = "application/json; charset=utf-8"

// ask returns the answer, with TIME in the place of every instant.
func (p portalTool) ask(method, path, body string) string {
	p.Helper()
	got := p.do(p.T, call{as: p.as, method: method, path: "/" + p.as + path, body: body, header: map[string]string{"Content-Type": toolType}, chunked: body != "" && method == http.MethodDelete})
	if got.status != http.StatusOK && got.status != http.StatusNoContent {
		p.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
	}
	return instants.ReplaceAllString(strings.TrimSuffix(got.body, "\n"), `"TIME"`)
}

// wants compares a whole answer.
func (p portalTool) wants(method, path, body, want string) {
	p.Helper()
	if got := p.ask(method, path, body); got != want {
		p.Errorf("%s %s answers\n%s, want\n%s", method, path, got, want)
	}
}

// Promise: administrators' tools find the portal's license pages as they know them: paths, names of fields, pages, and what follows from what.
func TestPortal(t *testing.T) {
	t.Parallel()
	w := serve(t, t.TempDir())
	p := portalTool{newClub(t, w, "gallery", map[string]int64{"ATTUNU": 80, "TSTNU": 5, "AIU": 7, "UNATT": 9}, "ann", "bob", "cleo", "dan"), t}
	const (
		pages   = portalLicenses
		twice   = "/portal_" + pages
		ann     = `{"id":"ann","email":"ann@gallery.example","name":"ann","surname":null,"displayName":null,"lastInUse":"TIME","userBundleLicenses":[%s],"orphan":false}`
		nothing = `{"totalCount":0,"results":[]}`
	)
	row := func(codes string) string {
		return `{"totalCount":1,"results":[` + fmt.Sprintf(ann, codes) + `]}`
	}
	p.wants("GET", pages, "", `[{"code":"ATTUNU","allocated":0,"total":80,"inUse":0},{"code":"TSTNU","allocated":0,"total":5,"inUse":0}]`)

	// A tool puts a person on the list, reads the list, and gives them a bundle.
	p.wants("GET", twice+"/user/page?top=1000&skip=0", "", nothing)
	p.ask("POST", twice+"/users", `{"userIds":["ann"]}`)
	p.wants("GET", twice+"/user/page?top=1000&skip=0", "", row(""))
	p.ask("PUT", twice, `{"userIds":["ann"],"licenseCodes":["TSTNU","ATTUNU"],"useExternalLicense":false}`)
	p.ask("POST", twice+"/users", `{"userIds":["ann"]}`) // another tool has the same idea, and takes nothing away
	p.wants("GET", twice+"/user/page?top=1000&skip=0", "", row(`"ATTUNU","TSTNU"`))
	p.ask("PUT", twice, `{"userIds":["ann"],"licenseCodes":["ATTUNU"],"useExternalLicense":false}`)
	p.wants("GET", twice+"/user/page?top=1000&skip=0", "", row(`"ATTUNU"`))
	p.wants("GET", "/portal_/api/license/accountant/userlicense//user/page/?top=1000&skip=1", "", `{"totalCount":1,"results":[]}`)
	want(t, "what the license accountant tells", p.holds(t, "ann", "bob"), []string{"ann: ATTUNU"})

	// In use is what a product has told of, and not who signed in.
	p.wants("GET", pages, "", `[{"code":"ATTUNU","allocated":1,"total":80,"inUse":0},{"code":"TSTNU","allocated":0,"total":5,"inUse":0}]`)
	if got := p.open(t, "ann", ""); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	p.wants("GET", pages, "", `[{"code":"ATTUNU","allocated":1,"total":80,"inUse":1},{"code":"TSTNU","allocated":0,"total":5,"inUse":0}]`)

	// The rule of a group, and those who hold something through it.
	p.wants("PUT", pages+"/group", `{"ubls":["ATTUNU"],"id":"g","useExternalLicense":false}`, `{"groupId":"g","organizationId":"gallery-id","useExternalLicense":false,"userBundleCodes":["ATTUNU"]}`)
	p.wants("GET", pages+"/group/?id=g", "", `{"availableUserBundles":[{"code":"ATTUNU","allocated":1,"total":80,"inUse":1},{"code":"TSTNU","allocated":0,"total":5,"inUse":0}],"allocatedUserBundles":["ATTUNU"],"useExternalLicense":false}`)
	p.wants("GET", pages+"/group/page?top=1000&skip=0", "", `{"totalCount":1,"results":[{"id":"g","name":"Group","userBundleLicenses":["ATTUNU"],"useExternalLicense":false,"orphan":false}]}`)
	p.crowd(55)
	all := pages + "/group/g/allocations"
	for skip, rows := range map[int]int{0: 50, 50: 5, 55: 0} {
		got := p.ask("GET", fmt.Sprintf("%s?top=1000&skip=%d", all, skip), "")
		if n := strings.Count(got, `"userBundleLicenses":["ATTUNU"],"orphan":false}`); n != rows || !strings.HasPrefix(got, `{"totalCount":55,`) {
			t.Errorf("after %d there are %d rows: %s", skip, n, got)
		}
	}
	p.wants("GET", all+"?top=1&skip=0", "", `{"totalCount":55,"results":[{"id":"crowd-00","email":null,"name":"crowd-00","surname":null,"displayName":null,"lastInUse":"TIME","userBundleLicenses":["ATTUNU"],"orphan":false}]}`)
	p.wants("DELETE", pages+"/group/g/user/crowd-00", "", "")
	p.wants("GET", all+"?top=0", "", `{"totalCount":54,"results":[]}`)
	p.wants("DELETE", pages+"/group", `{"id":"g"}`, "")
	p.wants("GET", all+"?top=1000&skip=0", "", nothing)
	p.wants("GET", pages+"/group/page?top=1000&skip=0", "", nothing)

	p.wants("DELETE", twice, `{"userIds":["ann"]}`, `{"successfulUserIds":["ann"],"failedUserIds":[]}`)
	p.wants("GET", twice+"/user/page?top=1000&skip=0", "", nothing)
	p.wants("GET", pages, "", `[{"code":"ATTUNU","allocated":0,"total":80,"inUse":0},{"code":"TSTNU","allocated":0,"total":5,"inUse":0}]`)
	w.audit(t, p.id)
}

// crowd makes people who hold what the group g offers.
func (p portalTool) crowd(people int) {
	p.Helper()
	system, in := seatwright.SystemCaller("test"), seatwright.Organization{ID: p.id}
	members := make([]string, people)
	for i := range members {
		members[i] = fmt.Sprintf("crowd-%02d", i)
		_, err := p.Directory.CreateUser(p.Context(), system, p.id, directory.NewUser{ID: members[i]})
		check(p.T, err)
	}
	_, err := p.Groups.UpdateGroup(p.Context(), system, in, "g", directory.GroupPatch{Add: members})
	check(p.T, err)
	for _, member := range members {
		check(p.T, p.Licensing.SignedIn(p.Context(), system.Origin(), p.id, seatwright.UserID(member)))
	}
}

// Promise: the reads around the license pages tell the same as the license accountant and the resource manager, in the portal's forms.
func TestPortalAccount(t *testing.T) {
	t.Parallel()
	w := serve(t, t.TempDir())
	p := portalTool{newClub(t, w, "museum", map[string]int64{"ATTUNU": 4, "AIU": 7, "UNATT": 9}, "ann", "bob", "cleo"), t}
	system := seatwright.SystemCaller("test")
	for _, tenant := range []string{"east", "west"} {
		_, err := w.Directory.CreateTenant(t.Context(), system, p.id, directory.NewTenant{ID: tenant + "-id", Name: tenant})
		check(t, err)
	}
	at := licensing.ServiceName{Tenant: "east-id", Service: "orchestrator"}
	_, err := w.Licensing.AllocateToService(t.Context(), system, p.id, at, []seatwright.Quantity{{Code: "UNATT", Units: 2}, {Code: "AIU", Units: 3}})
	check(t, err)
	p.ask("PUT", "/portal_"+portalLicenses, `{"userIds":["ann"],"licenseCodes":["ATTUNU"],"useExternalLicense":false}`)
	const counters = `"unattendedRobot":%d,"unattendedHostingRobot":0,"nonProductionRobot":0,"testingRobot":0,"appTestRobot":0,"aiRobot":0,"gpus":0,"dataServiceUnit":0,"robotUnits":0,` +
		`"aiUnits":%d,"agentUnits":0,"platformUnits":0,"performanceTesting":0,"heals":0,"testHeals":0,"medicalRecordSummarizationUnits":0,"lendingUnits":0}`
	tenant := func(name, services string, robots, units int) string {
		return `{"tenant":{"name":"` + name + `","id":"` + name + `-id","color":null,"region":null,"tenantServiceInstances":[],"status":"Enabled","tenantUrl":null,"tenant_url":null,"createdBy":null,` +
			`"createdOn":"TIME","updatedBy":null,"updatedOn":null,"isCanaryTenant":false,"environment":null,"operationId":null},"services":[` + services + `],` + fmt.Sprintf(counters, robots, units)
	}
	p.wants("GET", "/portal_/api/licensing/tenantAllocations?accountGlobalId=museum-id", "", "["+tenant("east", `"orchestrator"`, 2, 3)+","+tenant("west", "", 0, 0)+"]")
	p.wants("GET", "/portal_/api/filtering/leftnav/tenantsAndOrganizationInfo", "", `{"tenants":[{"id":"east-id","name":"east"},{"id":"west-id","name":"west"}],"organization":{"id":"museum-id","name":"museum"}}`)

	inventory := p.ask("GET", "/portal_/api/license/management/account/available?accountUserId=ann&accountGlobalId=museum-id", "")
	end := farAway().Unix()
	for _, part := range []string{
		`{"productAllocations":[{"code":"AIU","total":7,"allocated":3,"isConsumable":true,"startDate":`, fmt.Sprintf(`"endDate":%d},{"code":"ATTUNU","total":4,"allocated":1,"isConsumable":false`, end),
		`{"code":"UNATT","total":9,"allocated":2,"isConsumable":false`, `"userLicensingBundles":[{"code":"ATTUNU","allocated":1,"total":4,"inUse":0}],"entitlementUsages":[],"availableServices":[{"id":"actioncenter",`,
		`{"id":"orchestrator","name":"orchestrator","serviceLicenseStatus":"Active","provisioningMode":null,"supportedRegions":[],"defaultRegion":null,"entitlement":null,"isVisible":true,"isAlwaysProvision":false}`,
		`"mlKeys":[]}`,
	} {
		if !strings.Contains(inventory, part) {
			t.Errorf("the inventory lacks %s: %s", part, inventory)
		}
	}
	account := p.ask("GET", "/portal_/api/license/management/account?accountUserId=ann&accountGlobalId=museum-id", "")
	for _, part := range []string{
		fmt.Sprintf(`{"mlKeys":[],"accountLicense":{"accountId":"museum-id","bundleCode":null,"endDate":%d,"gracePeriod":0,"licenseCode":null,"licenseStatus":"Active","products":[`, end),
		`{"code":"ATTUNU","quantity":4,"type":"user","features":[],"consumptionDistributions":[]}`, `"entitlementOverrides":[],"startDate":`, `"accountType":null}}`,
	} {
		if !strings.Contains(account, part) {
			t.Errorf("the account lacks %s: %s", part, account)
		}
	}
	if got := w.withLengthZero(t, p.as, "/museum/portal_/api/license/management/account"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("a type and a length of zero: %s", got)
	}
}

// withLengthZero sends a GET with a type and a Content-Length of 0, which net/http does not, and returns the first line of the answer.
func (w *world) withLengthZero(t *testing.T, as, path string) string {
	t.Helper()
	host := strings.TrimPrefix(w.Address(), "http://")
	var dialer net.Dialer
	connection, err := dialer.DialContext(t.Context(), "tcp", host)
	check(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nAuthorization: bearer "+w.tokenOf(t, as)+
		"\r\nContent-Type: "+toolType+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	check(t, err)
	line, err := bufio.NewReader(connection).ReadString('\n')
	check(t, err)
	return line
}

// Promise: who reads the directory together with licenses may read both; what people hold is what they hold from whatever source.
func TestPortalPeople(t *testing.T) {
	t.Parallel()
	w := serve(t, t.TempDir())
	p := portalTool{newClub(t, w, "library", map[string]int64{"ATTUNU": 4, "IDU": 4}, "ann", "bob", "cleo", "dan"), t}
	_, secret, err := w.Applications.Create(t.Context(), seatwright.SystemCaller("test"), p.id, directory.NewApplication{ID: "desk", Scopes: []seatwright.Scope{"PM.License", "PM.User"}})
	check(t, err)
	desk := p
	desk.club.as = "desk"
	w.tokens["desk"] = w.token(t, app.Credentials{ClientID: "desk", ClientSecret: secret}, "PM.License.Read PM.User")
	p.ask("PUT", portalLicenses, `{"userIds":["ann","bob"],"licenseCodes":["IDU"],"useExternalLicense":true}`)
	p.ask("PUT", portalLicenses+"/group", `{"ubls":["ATTUNU"],"id":"g"}`)
	if got := p.open(t, "cleo", ""); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	get := func(path string) answer {
		return w.do(t, call{as: "desk", method: "GET", path: "/library-id" + path, header: map[string]string{"Content-Type": toolType}})
	}
	const path = "/portal_/api/identity/User/users/licenses?top=1000&skip=0"
	got := get(path)
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for user, holds := range map[string]string{
		"ann": `"userBundleCodes":["IDU"],"useExternalLicense":true,"inheritedFromGroup":false}`, "cleo": `"userBundleCodes":["ATTUNU"],"useExternalLicense":false,"inheritedFromGroup":true}`,
		"dan": `"userBundleCodes":[],"useExternalLicense":false,"inheritedFromGroup":false}`,
	} {
		row := fmt.Sprintf(`{"id":%q,"userName":%q,"email":"%s@library.example","emailConfirmed":false,"name":%q,`, user, user, user, strings.ToUpper(user))
		_, after, found := strings.Cut(got.body, row)
		if end := strings.Index(after, "}"); !found || !strings.HasSuffix(after[:max(0, end+1)], holds) {
			t.Errorf("%s does not hold %s: %s", user, holds, got.body)
		}
	}
	want(t, "the older address", get("/portal_/api/identity/UserPartition/licenses?top=1000&skip=0&partitionGlobalId=library-id").body, got.body)
	if alone := p.do(t, call{as: p.as, method: "GET", path: "/library" + path}); alone.status != http.StatusForbidden {
		t.Errorf("licenses alone: %d %s", alone.status, alone.body)
	}
	removed := w.do(t, call{
		as: "desk", method: "DELETE", path: "/library/portal_/portal_/api/identity/User",
		body: `{"partitionGlobalId":"library-id","userIds":["bob"],"deleteCurrentUser":false,"isHostMode":false}`, header: map[string]string{"Content-Type": toolType},
	})
	if removed.status != http.StatusNoContent {
		t.Errorf("%d %s", removed.status, removed.body)
	}
	p.wants("GET", portalLicenses, "", `[{"code":"ATTUNU","allocated":1,"total":4,"inUse":1},{"code":"IDU","allocated":1,"total":4,"inUse":0}]`)
	w.audit(t, p.id)
}

// Promise: the Orchestrator's license reads tell of the tenant of the path, in the forms of OData, whichever way the function is spelled.
func TestOrchestratorReads(t *testing.T) {
	t.Parallel()
	w := serve(t, t.TempDir())
	p := portalTool{newClub(t, w, "factory", map[string]int64{"ATTUNU": 4, "RPADEVPRONU": 2, "UNATT": 9}, "ann", "bob", "cleo"), t}
	system := seatwright.SystemCaller("test")
	for _, tenant := range []string{"east", "west"} {
		_, err := w.Directory.CreateTenant(t.Context(), system, p.id, directory.NewTenant{ID: tenant + "-id", Name: tenant})
		check(t, err)
	}
	for service, units := range map[string]int64{"orchestrator": 2, "testmanager": 3} {
		_, err := w.Licensing.AllocateToService(t.Context(), system, p.id, licensing.ServiceName{Tenant: "east-id", Service: service}, []seatwright.Quantity{{Code: "UNATT", Units: units}})
		check(t, err)
	}
	p.ask("PUT", portalLicenses, `{"userIds":["ann","bob"],"licenseCodes":["ATTUNU"],"useExternalLicense":false}`)
	p.ask("PUT", portalLicenses+"/group", `{"ubls":["ATTUNU"],"id":"g"}`)
	if got := p.open(t, "cleo", ""); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	over, begun := time.Now().Add(-time.Hour), time.Now().Add(-2*time.Hour)
	_, err := w.Licensing.CreateLot(t.Context(), system, seatwright.Lot{Organization: p.id, ID: "kit", Code: "AKIT", Quantity: 1, Start: begun, End: farAway()})
	check(t, err)
	p.ask("PUT", portalLicenses, `{"userIds":["ann"],"licenseCodes":["ATTUNU","AKIT"],"useExternalLicense":false}`)
	_, err = w.Licensing.ChangeLot(t.Context(), system, seatwright.ChangeLot{Organization: p.id, ID: "kit", End: &over})
	check(t, err)
	named := func(user string) string {
		return `{"Key":"` + user + `","UserName":"` + user + `","LastLoginDate":"TIME","MachinesCount":0,"IsLicensed":true,"IsExternalLicensed":false,"ActiveRobotId":null,"MachineNames":[],"ActiveMachineNames":[]}`
	}
	const (
		users   = "/east" + odata + "LicensesNamedUser/" + function + "GetLicensesNamedUser"
		people  = `{"@odata.context":"$metadata#Collection(UiPath.Server.Configuration.OData.LicenseNamedUserDto)",`
		running = "/east" + odata + "LicensesRuntime/" + function + "GetLicensesRuntime"
		robots  = `{"@odata.context":"$metadata#Collection(UiPath.Server.Configuration.OData.LicenseRuntimeDto)",`
	)
	all := people + `"value":[` + named("ann") + "," + named("bob") + "," + named("cleo") + "]}"
	p.wants("GET", users+"(robotType='Attended')", "", all)
	p.wants("GET", users+"(robotType=%27Attended%27)?$top=1000", "", all)
	p.wants("GET", users+"(robotType='attended')/?%24top=1&%24skip=1&%24count=true&$select=Key", "", people+`"@odata.count":3,"value":[`+named("bob")+"]}")
	p.wants("GET", users+"(robotType='StudioPro')", "", people+`"value":[]}`)
	p.wants("GET", users+"(robotType='Serverless')?$count=true", "", people+`"@odata.count":0,"value":[]}`)
	p.wants("GET", users+"(robotType='AutomationKit')", "", people+`"value":[`+strings.Replace(named("ann"), `"IsLicensed":true`, `"IsLicensed":false`, 1)+"]}") // of which nothing is in force
	service := func(name string, units int) string {
		return fmt.Sprintf(`{"Key":%q,"MachineId":null,"MachineName":%q,"HostMachineName":null,"ServiceUserName":null,"MachineType":null,"Runtimes":%d,"RobotsCount":0,"ExecutingCount":0,"IsOnline":false,"IsLicensed":true,"Enabled":true,"MachineScope":null}`, name, name, units)
	}
	p.wants("GET", running+"(robotType=%27Unattended%27)?$count=true", "", robots+`"@odata.count":2,"value":[`+service("orchestrator", 2)+","+service("testmanager", 3)+"]}")
	p.wants("GET", running+"(robotType='Unattended')?$skip=1", "", robots+`"value":[`+service("testmanager", 3)+"]}")
	p.wants("GET", strings.Replace(running, "/east", "/west", 1)+"(robotType='Unattended')", "", robots+`"value":[]}`)
	p.wants("GET", running+"(robotType='Attended')", "", robots+`"value":[]}`)

	license := func(tenant string, runtimes int) string {
		got := p.ask("GET", "/"+tenant+odata+"Settings/"+function+"GetLicense", "")
		for _, part := range []string{
			`{"@odata.context":"$metadata#UiPath.Server.Configuration.OData.LicenseDto","Id":0,"HostLicenseId":null,"ExpireDate":` + fmt.Sprint(farAway().Unix()),
			fmt.Sprintf(`"Allowed":{"AppTest":0,"Attended":4,"AutomationKit":0,"CitizenDeveloper":0,"Hosting":0,"NonProduction":0,"PerformanceTest":0,"RpaDeveloper":0,"RpaDeveloperPro":2,"TestAutomation":0,"Unattended":%d}`, runtimes),
			`"Used":{"AppTest":0,"Attended":3,`, `"IsRegistered":true,`, `"IsExpired":false,"CreationTime":"TIME",`, `"UserLicensingEnabled":true}`,
		} {
			if !strings.Contains(got, part) {
				t.Errorf("the license of %s lacks %s: %s", tenant, part, got)
			}
		}
		return got
	}
	license("east", 5)
	want(t, "with parentheses", p.ask("GET", "/West"+odata+"Settings/"+function+"GetLicense()", ""), license("west", 0))

	settings := w.do(t, call{method: "GET", path: "/factory/east" + odata + "Settings/" + function + "GetAuthenticationSettings"})
	if settings.status != http.StatusOK || settings.header.Get("api-supported-versions") != "20.0" {
		t.Errorf("%d %v %s", settings.status, settings.header, settings.body)
	}
	for _, path := range []string{"/orchestrator_/api/status/version", "/factory/east/orchestrator_/api/Status/Version"} {
		if got := w.do(t, call{method: "GET", path: path}); got.body != `{"version":"25.10.0","deployment":"ServiceFabric"}`+"\n" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	me := w.do(t, call{as: p.token("ann"), method: "GET", path: "/factory/east" + odata + "Users/" + function + "GetCurrentUser"})
	want(t, "who asks", instants.ReplaceAllString(strings.TrimSpace(me.body), `"TIME"`), `{"@odata.context":"$metadata#Users/$entity","Key":"ann","Name":"ANN","Surname":null,"UserName":"ann","Domain":null,"FullName":"ANN","EmailAddress":"ann@factory.example",`+
		`"IsEmailConfirmed":false,"LastLoginTime":"TIME","IsActive":true,"CreationTime":"TIME","AuthenticationSource":null,"RolesList":[],"TenancyName":"east","TenantDisplayName":"east","TenantKey":"east-id","Type":"User","LicenseType":null}`)
}

// Promise: an organization without anything is shown as one, not as an error.
func TestOrchestratorOfAnUnlicensedTenant(t *testing.T) {
	t.Parallel()
	w := serve(t, t.TempDir())
	w.tokens["bare"] = w.token(t, w.demo.Initech, "")
	_, err := w.Directory.CreateTenant(t.Context(), seatwright.SystemCaller("test"), w.demo.Initech.Organization, directory.NewTenant{ID: "t", Name: "only"})
	check(t, err)
	got := w.do(t, call{as: "bare", method: "GET", path: "/initech/only" + odata + "Settings/" + function + "GetLicense"})
	for _, part := range []string{`"ExpireDate":0,"GracePeriodEndDate":0,"GracePeriod":0,`, `"IsRegistered":false,`, `"IsExpired":true,"CreationTime":null,`, `"Unattended":0}`} {
		if got.status != http.StatusOK || !strings.Contains(got.body, part) {
			t.Errorf("%d, lacks %s: %s", got.status, part, got.body)
		}
	}
}
