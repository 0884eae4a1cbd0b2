package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// resources gives the host and acme what the rows of the license resource manager distribute.
func (w *world) resources(t *testing.T) {
	t.Helper()
	system := seatwright.SystemCaller("test")
	for _, id := range []string{"hall", "attic"} {
		_, err := w.Directory.CreateTenant(t.Context(), system, w.demo.Acme.Organization, directory.NewTenant{ID: id, Name: id})
		check(t, err)
	}
	for _, lot := range []seatwright.Lot{
		{Organization: seatwright.HostID, Code: "APPTESTR", Quantity: 10}, {Organization: seatwright.HostID, Code: "AIU", Quantity: 100},
		{Organization: w.demo.Acme.Organization, Code: "NONPR", Quantity: 8}, {Organization: w.demo.Acme.Organization, Code: "TAUNATT", Quantity: 3},
	} {
		lot.ID, lot.End, lot.Grace = seatwright.LotID("resource-"+string(lot.Code)), time.Date(2990, 1, 1, 0, 0, 0, 0, time.UTC), time.Hour
		_, err := w.Licensing.CreateLot(t.Context(), system, lot)
		check(t, err)
	}
}

const (
	hostLicense = "/lrm/api/host/{host}/organization/{acme}/license"
	lrmAccount  = "/lrm/api/account/{acme}"
	hallService = lrmAccount + "/service-license/hall/orchestrator"
)

// notOfHost may do nothing with what is the host's; notOfAccounts with what an organization has.
var (
	notOfHost      = []string{"administrator", "member", "application", "reader", "writer", "auditor"}
	notOfAccounts  = []string{"member", "auditor", "people", "writer"}
	notForServices = []string{"member", "auditor", "people", "reader"}
)

func resourceStatuses() []operationRows {
	return []operationRows{
		{"getOrganizationLicense", hostReadRows(hostLicense, `"accountId":"{acme}"`, `"licenseStatus":"Active"`, `{"code":"NONPR","quantity":8,"type":"robot","features":[],"consumptionDistributions":[]}`)},
		{"getOrganizationLicenseAvailable", hostReadRows(hostLicense+"/available", `"license":{"accountId":"{acme}"`, `{"code":"AIU","type":"consumable","availableQuantity":100,"consumedQuantity":0,"totalQuantity":100}`)},
		{"listHostProducts", hostProductsRows()},
		{"allocateOrganizationLicense", distributionRows("PUT")},
		{"postOrganizationLicense", distributionRows("POST")},
		{"removeOrganizationLicense", takeBackRows(hostLicense+"/remove", "/lrm/api/host/{host}/organization/globex/license/remove")},
		{"removeAccountLicense", takeBackRows(lrmAccount+"/license/remove", "/lrm/api/account/globex/license/remove")},
		{"allocateServiceLicense", serviceRows("PUT")},
		{"postServiceLicense", serviceRows("POST")},
		{"getServiceLicense", serviceReadRows(hallService, "service-license/hall/insights", `"serviceScopeId":"hall","serviceType":"orchestrator"`, `"products":[{"code":"NONPR","quantity":5,"allocated":5,"type":"robot","features":[],"distributionIntervals":[]}]`, `"endDate":32188147200`)},
		{"listServiceProducts", serviceReadRows(hallService+"/products", "service-license/hall/insights/products", `[{"code":"NONPR","quantity":5,"features":[]}]`)},
		{"getServiceLicenseStatus", serviceReadRows(hallService+"/status", "service-license/hall/insights/status", `"licenseStatus":"Active","expireDate":"2990-01-01T01:00:00Z"`)},
		{"getOwnServiceLicense", ownServiceRows()},
		{"listServiceLicenses", accountReadRows(lrmAccount+"/service-license", `[{"accountId":"{acme}","globalId":null,"serviceScopeId":"hall","serviceType":"orchestrator"`)},
		{"getTenantLicense", append(accountReadRows(lrmAccount+"/service-license/hall", `"serviceScopeId":"hall","serviceType":null`, `{"code":"NONPR","quantity":5`),
			row{name: "unknown tenant", call: call{as: "reader", method: "GET", path: lrmAccount + "/service-license/nowhere"}, status: 404, contains: []string{"there is no such tenant"}})},
		{"listTenantServices", tenantServicesRows()},
		{"listAccountAllocations", append(accountReadRows(lrmAccount+"/available-account-licenses", `{"code":"NONPR","total":8,"allocated":5}`, `{"code":"TAUNATT","total":3,"allocated":0}`), bareRow("/available-account-licenses"))},
		{"listTenantShare", append(accountReadRows(lrmAccount+"/available-service-licenses/hall", `{"code":"NONPR","total":8,"allocated":5}`),
			row{name: "of another tenant", call: call{as: "reader", method: "GET", path: lrmAccount + "/available-service-licenses/attic"}, status: 200, contains: []string{`{"code":"NONPR","total":3,"allocated":0}`}},
			row{name: "unknown tenant", call: call{as: "reader", method: "GET", path: lrmAccount + "/available-service-licenses/nowhere"}, status: 404})},
		{"listTenantAllocations", append(accountReadRows(lrmAccount+"/tenantAllocations", `{"code":"NONPR","total":8,"allocated":5}`),
			row{name: "nothing", call: call{as: "initech", method: "GET", path: "/lrm/api/account/initech/tenantAllocations"}, status: 200, contains: []string{"[]"}})},
		{"listAccountLicenses", append(accountReadRows(lrmAccount+"/account-license", `[{"accountId":"{acme}","bundleCode":null,"endDate":`, `{"code":"ATTUNU","quantity":10,"type":"user"`), bareRow("/account-license"), bareRow("/account-license?forceAllLicenses=true"))},
		{"listAvailableServices", append(accountReadRows(lrmAccount+"/account-license/available", `{"services":["actioncenter","aicenter",`),
			row{name: "nothing", call: call{as: "initech", method: "GET", path: "/lrm/api/account/initech/account-license/available"}, status: 200, contains: []string{`{"services":[]}`}})},
		{"getLicenseSummary", append(accountReadRows(lrmAccount+"/license-summary", `{"robots":[{"code":"APPTESTR","name":"App Test Robot","total":0,"allocated":0},{"code":"NONPR","name":"NonProduction Robot","total":8,"allocated":5}`, `"userLicenses":[{"code":"ACNU","name":"`, `{"code":"AXPNU","name":"Express - Named User","total":2,"used":3}`, `"consumables":[{"code":"AIU","name":"`, `"licensed":0,"allocated":0,"used":0}`),
			row{name: "at the other alias", call: call{as: "reader", method: "GET", path: "/acme/license_/api/account/{acme}/license-summary"}, status: 200})},
		{"getUserLicensingStatus", accountReadRows(lrmAccount+"/user-license/status", `{"enabled":true}`)},
		{"setUserLicensingStatus", switchRows()},
		{"removeServiceLicense", removeServiceRows(hallService, lrmAccount+"/service-license/attic/orchestrator")},
		{"removeTenantLicenses", removeServiceRows(lrmAccount+"/service-license/hall", lrmAccount+"/service-license/attic")},
		{"getDeploymentType", deploymentRows("/lrm/api/DeploymentType")},
		{"getLeaseDeploymentType", deploymentRows("/lease_/api/DeploymentType")},
	}
}

func bareRow(rest string) row {
	return row{
		name: "no license", call: call{as: "initech", method: "GET", path: "/lrm/api/account/initech" + rest}, status: 404, contains: []string{"no_license"},
	}
}

func deploymentRows(path string) []row {
	return []row{
		{name: "anonymous", call: call{method: "GET", path: path}, status: 401},
		{name: "under another organization", call: call{as: "member", method: "GET", path: "/globex" + path}, status: 404},
		{name: "member", call: call{as: "member", method: "GET", path: path}, status: 200, contains: []string{`{"deploymentType":"OnPremise"}`}},
		{name: "host", call: call{as: "host", method: "GET", path: path}, status: 200},
	}
}

// hostRows are the rows of every operation that only the host administrator may do.
func hostRows(c call) []row {
	rows := whoMayNotOfPeople(c, notOfHost...)
	elsewhere := c
	elsewhere.as, elsewhere.path = "host", "/lrm/api/host/{acme}"+c.path[len("/lrm/api/host/{host}"):]
	return append(rows, row{name: "of no host", call: elsewhere, status: 404, contains: []string{"no such host"}})
}

func hostReadRows(path string, contains ...string) []row {
	get := func(path string) call { return call{as: "host", method: "GET", path: path} }
	rows := append(hostRows(get(path)), row{name: "host", call: get(path), status: 200, contains: contains})
	return append(rows,
		row{name: "by name", call: get("/LRM/api/Host/{host}/organization/ACME" + path[len("/lrm/api/host/{host}/organization/{acme}"):]), status: 200, contains: contains},
		row{name: "unknown organization", call: get("/lrm/api/host/{host}/organization/nowhere" + path[len("/lrm/api/host/{host}/organization/{acme}"):]), status: 404, contains: []string{"organization_not_found"}},
	)
}

func hostProductsRows() []row {
	get := call{as: "host", method: "GET", path: "/lrm/api/host/{host}/available-products"}
	return append(hostRows(get), row{name: "host", call: get, status: 200, contains: []string{
		`"license":{"accountId":"{host}"`, `{"code":"APPTESTR","type":"robot","availableQuantity":10,"consumedQuantity":0,"totalQuantity":10}`,
	}})
}

// quantityRows are the bodies of which the quantities cannot be.
func quantityRows(c call, field string) (rows []row) {
	for name, list := range map[string]string{
		"minus one": `[{"code":"NONPR","quantity":-1}]`, "half a unit": `[{"code":"NONPR","quantity":0.5}]`, "too many": `[{"code":"NONPR","quantity":1000000001}]`,
		"no quantity": `[{"code":"NONPR"}]`, "null quantity": `[{"code":"NONPR","quantity":null}]`, "more than a number": `[{"code":"NONPR","quantity":99999999999999999999}]`, "a text": `[{"code":"NONPR","quantity":"1"}]`,
		"a code twice": `[{"code":"NONPR","quantity":1},{"code":"NONPR","quantity":2}]`, "a code that cannot be": `[{"code":"NON PR","quantity":1}]`,
		"no code": `[{"quantity":1}]`, "no list": `{"code":"NONPR"}`, "null": `null`,
	} {
		c.body = fmt.Sprintf(`{%q:%s}`, field, list)
		rows = append(rows, row{name: name, call: c, status: 400, contains: []string{`"errors":{"product`}})
	}
	c.body = `{}`
	return append(rows, row{name: "no products", call: c, status: 400, contains: []string{`"errors":{"`}})
}

func distributionRows(method string) []row {
	allocate := func(path, body string) call { return call{as: "host", method: method, path: path, body: body} }
	one := allocate(hostLicense, `{"productQuantities":[{"code":"APPTESTR","quantity":4},{"code":"AIU","quantity":7}]}`)
	none := allocate(hostLicense, `{"productQuantities":[{"code":"APPTESTR","quantity":0},{"code":"AIU","quantity":0}],"bypassUsageCheck":true}`)
	set := []string{"distribution.set {acme}"}
	rows := slices.Concat(hostRows(one), bodyRows(one), quantityRows(one, "productQuantities"))
	rows = append(rows,
		row{name: "unknown organization", call: allocate("/lrm/api/host/{host}/organization/nowhere/license", one.body), status: 404, contains: []string{"organization_not_found"}},
		row{name: "the host itself", call: allocate("/lrm/api/host/{host}/organization/{host}/license", one.body), status: 404, contains: []string{"organization_not_found"}},
		row{name: "more than there is", call: allocate(hostLicense, `{"productQuantities":[{"code":"APPTESTR","quantity":11}]}`), status: 409, chain: "host", events: firstOf(method, "allocation.refused"), contains: []string{`"shortages":[{"bundle":"APPTESTR","requested":11,"available":10}]`}},
		row{name: "unknown code", call: allocate(hostLicense, `{"productQuantities":[{"code":"SHOES","quantity":1}]}`), status: 409, chain: "host", events: []string{"allocation.refused"}, contains: []string{`{"bundle":"SHOES","requested":1,"available":0}`}},
		row{name: "host", call: one, status: 200, chain: "host", events: set, contains: []string{`"accountId":"{acme}"`, `{"code":"AIU","quantity":7,"type":"consumable"`, `{"code":"APPTESTR","quantity":4,"type":"robot"`}},
		row{name: "again", call: one, status: 200, contains: []string{`{"code":"APPTESTR","quantity":4`}},
		row{name: "what is left", of: "listHostProducts", call: call{as: "host", method: "GET", path: "/lrm/api/host/{host}/available-products"}, status: 200, contains: []string{`{"code":"APPTESTR","type":"robot","availableQuantity":6,"consumedQuantity":4,"totalQuantity":10}`}},
		row{name: "nothing", call: none, status: 200, chain: "host", events: set, lacks: []string{`"code":"APPTESTR"`}},
		row{name: "nothing again", call: none, status: 200},
		row{name: "nobody's units", call: allocate(hostLicense, `{"productQuantities":[]}`), status: 200},
	)
	keyed := keyRows("distribute-"+method, one, none, 200, set...)
	keyed[0].chain = "host"
	return append(append(rows, keyed...), row{name: "and back", call: none, status: 200, chain: "host", events: set})
}

func takeBackRows(path, other string) []row {
	remove := func(path string) call { return call{as: "host", method: "DELETE", path: path} }
	rows := whoMayNotOfPeople(remove(path), notOfHost...)
	give := call{as: "host", method: "PUT", path: hostLicense, body: `{"productQuantities":[{"code":"APPTESTR","quantity":4},{"code":"AIU","quantity":7}]}`}
	use := func(products string) row {
		c := call{as: "administrator", method: "PUT", path: hallService, body: `{"products":[` + products + `]}`}
		return row{name: "in use: " + products, of: "allocateServiceLicense", call: c, status: 200, events: []string{"service_license.set hall/orchestrator"}}
	}
	shrink := func(to string) row {
		c := call{as: "host", method: "PATCH", path: policies, body: `{"onShrink":"` + to + `"}`}
		return row{name: "policy " + to, of: "changePolicies", call: c, status: 200, events: []string{"organization.updated {acme}"}}
	}
	less := give
	less.body = `{"productQuantities":[{"code":"APPTESTR","quantity":0}]}`
	rows = append(rows,
		row{name: "given before", of: "allocateOrganizationLicense", call: give, status: 200, chain: "host", events: []string{"distribution.set {acme}"}},
		use(`{"code":"APPTESTR","quantity":1}`), shrink("block"),
		row{name: "less than is used", of: "allocateOrganizationLicense", call: less, status: 409, contains: []string{`"code":"below_use"`, "1 of APPTESTR are held, and 0 would be left"}},
		row{name: "all that is used", call: remove(path), status: 409, contains: []string{`"code":"below_use"`}},
		use(""), shrink("allow"),
		row{name: "host", call: remove(path), status: 200, chain: "host", events: []string{"distribution.removed {acme}"}, contains: []string{"{}"}},
		row{name: "again", call: remove(path), status: 200},
		row{name: "its purchases stay", of: "listAccountLicenses", call: call{as: "reader", method: "GET", path: lrmAccount + "/account-license"}, status: 200, contains: []string{`"code":"NONPR","quantity":8`}, lacks: []string{`"code":"APPTESTR"`}},
	)
	return append(rows, keyRows("take"+path, remove(path), remove(other), 200)...)
}

func switchRows() []row {
	path := lrmAccount + "/user-license/status"
	turn := func(as, query string) call { return call{as: as, method: "PUT", path: path + query} }
	rows := whoMayNotOfPeople(turn("", ""), notForServices...)
	rows = append(rows,
		row{name: "nothing said", call: turn("administrator", ""), status: 400},
		row{name: "neither", call: turn("administrator", "?enableUserLicensing=perhaps"), status: 400},
		row{name: "off", call: turn("writer", "?enableUserLicensing=false"), status: 200, events: []string{"organization.updated {acme}"}, contains: []string{`{"enabled":false}`}},
		row{name: "off again", call: turn("host", "?enableUserLicensing=false"), status: 200},
		row{name: "told", of: "getUserLicensingStatus", call: call{as: "reader", method: "GET", path: path}, status: 200, contains: []string{`{"enabled":false}`}},
		row{name: "on", call: turn("administrator", "?enableUserLicensing=true"), status: 200, events: []string{"organization.updated {acme}"}, contains: []string{`{"enabled":true}`}},
	)
	return append(rows, keyRows("switch", turn("administrator", "?enableUserLicensing=true"), turn("administrator", "?enableUserLicensing=false"), 200)...)
}

func serviceRows(method string) []row {
	give := func(as, path, body string) call { return call{as: as, method: method, path: path, body: body} }
	works := give("administrator", hallService, `{"tenantName":"hall","products":[{"code":"NONPR","quantity":5}]}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForServices...), bodyRows(works), quantityRows(works, "products"), quantityRows(works, "productQuantities"))
	set, own := []string{"service_license.set hall/orchestrator"}, []string{`"accountId":"{acme}"`, `"serviceScopeId":"hall","serviceType":"orchestrator"`, `"userLicensingEnabled":true`}
	rows = append(rows,
		row{name: "unknown tenant", call: give("administrator", lrmAccount+"/service-license/nowhere/orchestrator", works.body), status: 404, contains: []string{"there is no such tenant"}},
		row{name: "tenant that cannot be", call: give("administrator", lrmAccount+"/service-license/a%20b/orchestrator", works.body), status: 404, contains: []string{"there is no such tenant"}},
		row{name: "unknown service", call: give("administrator", lrmAccount+"/service-license/hall/shoes", works.body), status: 400, contains: []string{`"errors":{"serviceType":`}},
		row{name: "a bundle", call: give("administrator", hallService, `{"products":[{"code":"ATTUNU","quantity":1}]}`), status: 400, contains: []string{`"errors":{"products":`}},
		row{name: "unknown code", call: give("administrator", hallService, `{"products":[{"code":"SHOES","quantity":1}]}`), status: 409, events: []string{"allocation.refused"}, contains: []string{`{"bundle":"SHOES","requested":1,"available":0}`}},
		row{name: "more than there is", call: give("administrator", hallService, `{"products":[{"code":"NONPR","quantity":9}]}`), status: 409, events: firstOf(method, "allocation.refused"), contains: []string{`{"bundle":"NONPR","requested":`}},
		row{name: "no license", call: give("initech", "/lrm/api/account/initech/service-license/hall/orchestrator", works.body), status: 404, contains: []string{"no_license"}},
	)
	for i, as := range []string{"administrator", "application", "writer", "host"} {
		body := fmt.Sprintf(`{"productQuantities":[{"code":"NONPR","quantity":%d},{"code":"TAUNATT","quantity":1}]}`, i+1)
		rows = append(rows, row{name: as, call: give(as, hallService, body), status: 200, events: set, contains: append(own, fmt.Sprintf(`"products":[{"code":"NONPR","quantity":%d,"allocated":%[1]d,"type":"robot"`, i+1), `{"code":"TAUNATT","quantity":1`)})
	}
	rows = append(rows,
		row{name: "of the host for another organization", call: give("host", "/lrm/api/account/globex/service-license/nowhere/orchestrator", works.body), status: 404, contains: []string{"there is no such tenant"}},
		row{name: "what is left out goes", call: works, status: 200, events: set, contains: own, lacks: []string{"TAUNATT"}},
		row{name: "again, in other letters", call: give("administrator", "/acme/License_/api/account/ACME/Service-License/hall/Orchestrator", works.body), status: 200, contains: own},
		row{name: "the rest to another tenant", call: give("administrator", lrmAccount+"/service-license/attic/apps", `{"products":[{"code":"NONPR","quantity":4}]}`), status: 409, events: firstOf(method, "allocation.refused"), contains: []string{`{"bundle":"NONPR","requested":4,"available":3}`}},
		row{name: "nothing", call: give("administrator", hallService, `{"products":[]}`), status: 200, events: set, contains: []string{`"products":[]`}},
	)
	return append(rows, keyRows("service-"+method, works, give("administrator", hallService, `{"products":[]}`), 200, set...)...)
}

// accountReadRows are the rows of a read about an organization.
func accountReadRows(path string, contains ...string) []row {
	get := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	rows := whoMayNotOfPeople(get("", path), notOfAccounts...)
	for _, as := range []string{"administrator", "application", "reader", "host"} {
		rows = append(rows, row{name: as, call: get(as, path), status: 200, contains: contains, lacks: []string{"canary"}})
	}
	return append(rows,
		row{name: "unknown organization", call: get("host", "/lrm/api/account/nowhere"+path[len(lrmAccount):]), status: 404, contains: []string{"organization_not_found"}},
		row{name: "another organization", call: get("administrator", "/lrm/api/account/globex"+path[len(lrmAccount):]), status: 404, contains: []string{"organization_not_found"}},
	)
}

// serviceReadRows are the rows of a read about one service; missing is that of one that has nothing.
func serviceReadRows(path, missing string, contains ...string) []row {
	get := func(path string) call { return call{as: "reader", method: "GET", path: path} }
	return append(accountReadRows(path, contains...),
		row{name: "nothing", call: get(lrmAccount + "/" + missing), status: 410, contains: []string{"no_service_license"}},
		row{name: "unknown tenant", call: get(lrmAccount + "/service-license/nowhere/orchestrator" + path[len(hallService):]), status: 410},
		row{name: "unknown service", call: get(lrmAccount + "/service-license/hall/shoes" + path[len(hallService):]), status: 400, contains: []string{"serviceType"}},
	)
}

func ownServiceRows() []row {
	const path = "/lrm/api/service-license/hall/orchestrator"
	get := func(as, path string) call { return call{as: as, method: "GET", path: path} }
	rows := whoMayNotOfPeople(get("", path), append(notOfAccounts, "host")...)
	for _, as := range []string{"administrator", "application", "reader"} {
		rows = append(rows, row{name: as, call: get(as, path), status: 200, contains: []string{`"accountId":"{acme}"`, `"code":"NONPR","quantity":5`}})
	}
	return append(rows,
		row{name: "nothing", call: get("reader", "/lrm/api/service-license/hall/insights"), status: 410},
		row{name: "of another organization", call: get("globex", path), status: 410, lacks: []string{"NONPR"}},
	)
}

func tenantServicesRows() []row {
	const path = lrmAccount + "/service-licenses/hall"
	get := func(path string) call { return call{as: "reader", method: "GET", path: path} }
	product := `{"serviceType":"orchestrator","products":[{"code":"NONPR","type":"robot","quantity":5,"allocated":5,"reserved":0,"available":3,"used":0,"allocatedAcrossOtherTenants":0,` +
		`"consumedByDeletedTenants":0,"totalUnits":8,"consumedAtOrganizationLevel":0}]}`
	return append(accountReadRows(path, product+"]", `[{"serviceType":"apps","products":[{"code":"HEAL","type":"consumable","quantity":0,"allocated":0,"reserved":0,"available":2,"used":0.25,`, `"totalUnits":3,"consumedAtOrganizationLevel":0.25}]}`),
		row{name: "those that are asked for", call: get(path + "?services=insights,Orchestrator,insights"), status: 200, contains: []string{`[{"serviceType":"insights","products":[]},` + product + "]"}},
		row{name: "an unknown one", call: get(path + "?services=orchestrator,shoes"), status: 400, contains: []string{`"errors":{"services":`}},
		row{name: "of a tenant without any", call: get(lrmAccount + "/service-licenses/attic"), status: 200, contains: []string{"[]"}},
		row{name: "unknown tenant", call: get(lrmAccount + "/service-licenses/nowhere"), status: 404, contains: []string{"there is no such tenant"}},
	)
}

func removeServiceRows(path, other string) []row {
	remove := func(as, path string) call { return call{as: as, method: "DELETE", path: path} }
	give := call{as: "administrator", method: "PUT", path: hallService, body: `{"products":[{"code":"NONPR","quantity":2}]}`}
	set, removed := []string{"service_license.set hall/orchestrator"}, []string{"service_license.removed hall/orchestrator"}
	rows := whoMayNotOfPeople(remove("", path), notForServices...)
	for _, as := range []string{"administrator", "application", "writer", "host"} {
		rows = append(rows,
			row{name: as + ", given before", of: "allocateServiceLicense", call: give, status: 200, events: set},
			row{name: as, call: remove(as, path), status: 200, events: removed, contains: []string{"{}"}},
		)
	}
	rows = append(rows,
		row{name: "again", call: remove("administrator", path), status: 200},
		row{name: "given for a key", of: "allocateServiceLicense", call: give, status: 200, events: set},
	)
	return append(rows, keyRows("remove"+path, remove("administrator", path), remove("administrator", other), 200, removed...)...)
}

// Promise: what is distributed lasts as long as the license of the host, also after that was renewed.
func TestDistributionFollowsTheLicenseOfTheHost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	system, globex := seatwright.SystemCaller("test"), w.demo.Globex.Organization
	buy := func(id seatwright.LotID, year int) {
		t.Helper()
		_, err := w.Licensing.CreateLot(t.Context(), system, seatwright.Lot{
			Organization: seatwright.HostID, ID: id, Code: "UNATT", Quantity: 5, End: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		check(t, err)
	}
	buy("first", 2990)
	_, err := w.Licensing.Distribute(t.Context(), system, globex, []seatwright.Quantity{{Code: "UNATT", Units: 5}})
	check(t, err)
	buy("renewal", 2995)
	license, err := w.Licensing.AccountLicense(t.Context(), system, globex)
	check(t, err)
	for _, l := range license.Lots {
		if l.Origin == seatwright.OriginHost && l.End.Year() != 2995 {
			t.Errorf("the lot ends at %s", l.End)
		}
	}
	got := w.do(t, call{as: "globex administrator", method: "GET", path: "/globex/lrm/api/account/globex/account-license"})
	if got.status != 200 || !strings.Contains(got.body, `{"code":"UNATT","quantity":5,"type":"robot"`) || !strings.Contains(got.body, `"endDate":32345913600`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
