package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

// The operations on units that services use. The rows of the leases come first: what they leave in use the others read.

// units gives acme what the rows use. The tenants are those of the license resource manager.
func (w *world) units(t *testing.T) {
	t.Helper()
	system := seatwright.SystemCaller("test")
	for code, quantity := range map[seatwright.ProductCode]int64{"UNATT-HOSTING": 4, "HEAL": 3} {
		_, err := w.Licensing.CreateLot(t.Context(), system, seatwright.Lot{
			Organization: w.demo.Acme.Organization, ID: "units-" + seatwright.LotID(code), Code: code, Quantity: quantity,
			Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2990, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		check(t, err)
	}
}

const (
	leases    = "/lease_/api/lease"
	ofHall    = leases + "/{acme}/hall/testmanager/UNATT-HOSTING"
	statsPath = "/lease_/api/account/{acme}/stats"
)

func unitStatuses() []operationRows {
	return []operationRows{
		{"postLease", postLeaseRows()},
		{"putLease", putLeaseRows()},
		{"acquireLease", olderLeaseRows(leases, `"serviceScopeId":"hall","serviceType":"testmanager",`)},
		{"acquireAccountLease", olderLeaseRows(leases+"/{acme}", `"serviceScopeId":"hall","serviceType":"TestManager",`)},
		{"acquireOrganizationLease", olderLeaseRows(leases+"/{acme}/acquire", `"serviceScopeId":"hall","serviceType":"testmanager",`)},
		{"acquireServiceLease", olderLeaseRows(leases+"/hall/testmanager", `"serviceScopeId":"nowhere","serviceType":"shoes",`)},
		{"acquireLeaseOfService", olderLeaseRows(leases+"/{acme}/hall/testmanager", "")},
		{"getLease", append(unitReadRows(ofHall+"/lease/job-1", `{"leaseIdentifier":"job-1","productCode":"UNATT-HOSTING","quantity":1.5,"scopeId":"hall","scopeType":"testmanager","etag":"`, `"usage":{"total":4,"used":1.5,"startDate":null,"endDate":null}}`),
			row{name: "a consumption", call: call{as: "reader", method: "GET", path: leases + "/{acme}/hall/apps/HEAL/lease/run-1"}, status: 200, contains: []string{`"quantity":0.25`, `"usage":{"total":3,"used":0.25,"startDate":1767225600,"endDate":32188147200}}`}},
			row{name: "missing", call: call{as: "reader", method: "GET", path: ofHall + "/lease/job-99"}, status: 404, contains: []string{"there is no such lease"}})},
		{"countAvailableUnits", append(unitReadRows(leases+"/{acme}/testmanager/UNATT-HOSTING/available/count", "2"),
			row{name: "a bundle", call: call{as: "reader", method: "GET", path: leases + "/{acme}/testmanager/ATTUNU/available/count"}, status: 400, contains: []string{`"errors":{"productCode":`}},
			row{name: "unknown product", call: call{as: "reader", method: "GET", path: leases + "/{acme}/testmanager/SHOES/available/count"}, status: 404, contains: []string{"there is no such product"}},
			row{name: "unknown service", call: call{as: "reader", method: "GET", path: leases + "/{acme}/shoes/UNATT/available/count"}, status: 400, contains: []string{`"errors":{"serviceType":`}})},
		{"getConsumed", usageRows(leases + "/hall/testmanager/%/consumed")},
		{"getConsumedOfService", usageRows(leases + "/{acme}/hall/testmanager/%/consumed")},
		{"getUsage", usageRows(leases + "/{acme}/hall/testmanager/%/usage")},
		{"listTenantUsage", append(unitReadRows(leases+"/{acme}/hall/usage", `{"clientId":"hall","clientType":"apps","productsUsage":[{"serviceScopeId":"hall","serviceType":"apps","productCode":"HEAL","used":0.25,"total":3,"startDate":1767225600,"endDate":32188147200,"usageModel":"Consumption"}]}`, `"clientType":"testmanager"`),
			row{name: "some services", call: call{as: "reader", method: "GET", path: leases + "/{acme}/hall/usage?serviceTypes=apps,insights"}, status: 200, contains: []string{`"clientType":"apps"`}, lacks: []string{"testmanager"}},
			row{name: "a misspelt parameter", call: call{as: "reader", method: "GET", path: leases + "/{acme}/hall/usage?serviceType=apps"}, status: 400, contains: []string{`"errors":{"serviceType":`}},
			row{name: "unknown service", call: call{as: "reader", method: "GET", path: leases + "/{acme}/hall/usage?serviceTypes=shoes"}, status: 400, contains: []string{`"errors":{"serviceTypes":`}},
			row{name: "unknown tenant", call: call{as: "reader", method: "GET", path: leases + "/{acme}/nowhere/usage"}, status: 404, contains: []string{"there is no such tenant"}})},
		{"listAvailableUnits", stateRows(leases + "/hall/testmanager/available/services")},
		{"listAvailableUnitsOfService", stateRows(leases + "/{acme}/hall/testmanager/available/services")},
		{"queryUsage", queryUsageRows()},
		{"computeUsage", computeUsageRows()},
		{"getUsageTimeline", timelineRows("/timeline", `"clientIds":["hall"],"timePeriod":1`, `{"clientId":"hall","productCode":"HEAL","productUsage":{"`, `":0.25}},{"clientId":"hall","productCode":"UNATT-HOSTING","productUsage":{"`)},
		{"getOrganizationTimeline", timelineRows("/organization/timeline", `"timePeriod":1`, `{"organizationId":"{acme}","productCode":"HEAL","productUsage":{"`, `":0.25}}`)},
		{"getProductsInUse", timelineRows("/used", `"clientIds":["hall"],"timePeriod":1`, `{"clientId":"hall","productCode":"HEAL","used":0.25,"total":3}`, `{"clientId":"hall","productCode":"UNATT-HOSTING","used":1.5,"total":4}`)},
		{"releaseLease", releaseLeaseRows()},
		{"releaseLeases", releaseLeasesRows()},
		{"releaseAllLeases", releaseAllRows()},
	}
}

// notForWritingUnits may do nothing with units, notForReadingUnits not even look.
var (
	notForWritingUnits = []string{"member", "reader", "auditor", "groups"}
	notForReadingUnits = []string{"member", "writer", "auditor", "groups"}
)

func postLeaseRows() []row {
	post := func(as, rest, body string) call { return call{as: as, method: "POST", path: leases + rest, body: body} }
	const hall = "/{acme}/hall/testmanager/UNATT-HOSTING/lease/"
	works := post("application", hall+"job-1", `{"quantity":1.5,"owner":"robot 7","timestamp":"2026-03-01T09:00:00Z","consumptionType":"x","etag":"not looked at"}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWritingUnits...), bodyRows(works))
	rows = append(rows,
		row{name: "first", call: works, status: 200, contains: []string{`{"leaseIdentifier":"job-1","created":true}`}, events: []string{"units.acquired job-1"}},
		row{name: "again", call: works, status: 200, contains: []string{`"created":false`}},
		row{name: "nothing said", call: post("application", hall+"job-1", `{}`), status: 200, contains: []string{`"created":false`}},
		row{name: "of somebody else", call: post("administrator", hall+"job-1", `{"quantity":1.5}`), status: 403, contains: []string{`"code":"anothers_lease"`, `"errors":{"leaseIdentifier":`}},
		row{
			name: "more than there is", call: post("writer", hall+"job-2", `{"quantity":2.6}`), status: 403, events: []string{"allocation.refused"},
			contains: []string{`"code":"units_exhausted"`, `"shortages":[{"bundle":"UNATT-HOSTING","requested":3,"available":2,"availableAtTenant":0,"availableAtOrganization":2}]`},
		},
		row{name: "a consumption", call: post("application", "/{acme}/hall/apps/HEAL/lease/run-1", `{"quantity":0.25}`), status: 200, contains: []string{`"created":true`}, events: []string{"units.consumed run-1"}},
		row{name: "the same event", call: post("application", "/{acme}/hall/apps/HEAL/lease/run-1", `{"quantity":2}`), status: 200, contains: []string{`"created":false`}},
		row{name: "an overdraft", call: post("administrator", "/{acme}/hall/insights/HEAL/lease/run-2", `{"quantity":3}`), status: 403, contains: []string{`"code":"units_exhausted"`}, events: []string{"allocation.refused"}},
		row{name: "enforcement is not an application's", call: post("application", "/{acme}/hall/insights/HEAL/lease/run-2", `{"quantity":3,"disableEnforcement":true}`), status: 403, contains: []string{"missing_permission", `"errors":{"disableEnforcement":`}},
		row{name: "nothing of it was bought", call: post("application", "/{acme}/hall/apps/AGU/lease/x", `{}`), status: 403, contains: []string{`"availableAtOrganization":0`}, events: []string{"allocation.refused"}},
		row{name: "nothing of what was not bought", call: post("application", "/{acme}/hall/apps/APPTESTR/lease/x", `{"quantity":0}`), status: 403, contains: []string{"units_exhausted"}, events: []string{"allocation.refused"}},
		row{name: "unknown tenant", call: post("application", "/{acme}/nowhere/apps/HEAL/lease/x", `{}`), status: 404, contains: []string{"there is no such tenant"}},
		row{name: "a tenant of another organization", call: post("globex", "/globex/hall/apps/HEAL/lease/x", `{}`), status: 404, contains: []string{"there is no such tenant"}},
		row{name: "unknown product", call: post("application", "/{acme}/hall/apps/SHOES/lease/x", `{}`), status: 404, contains: []string{"there is no such product"}},
		row{name: "a bundle", call: post("application", "/{acme}/hall/apps/ATTUNU/lease/x", `{}`), status: 400, contains: []string{`"errors":{"productCode":`}},
		row{name: "unknown service", call: post("application", "/{acme}/hall/shoes/HEAL/lease/x", `{}`), status: 400, contains: []string{`"errors":{"serviceType":`}},
		row{name: "an id that cannot be", call: post("application", hall+"a%20b", `{}`), status: 400, contains: []string{`"errors":{"leaseIdentifier":`}},
		row{name: "less than nothing", call: post("application", hall+"x", `{"quantity":-0.000001}`), status: 400, contains: []string{`"errors":{"quantity":`}},
		row{name: "too many", call: post("application", hall+"x", `{"quantity":1000000001}`), status: 400, contains: []string{`"errors":{"quantity":`}},
		row{name: "a quantity in words", call: post("application", hall+"x", `{"quantity":"1"}`), status: 400, contains: []string{"malformed_body"}},
		row{name: "an owner with a line break", call: post("application", hall+"x", `{"owner":"a\u000ab"}`), status: 400, contains: []string{`"errors":{"owner":`}},
		row{name: "another organization", call: post("application", "/globex/hall/apps/HEAL/lease/x", `{}`), status: 404, contains: []string{"organization_not_found"}, lacks: []string{"tenant"}},
	)
	return append(rows, keyRows("key-of-post-lease", post("administrator", hall+"job-5", `{"quantity":0.5}`), post("administrator", hall+"job-5", `{"quantity":0.6}`), 200, "units.acquired job-5")...)
}

func putLeaseRows() []row {
	put := func(as, id, body string) call {
		return call{as: as, method: "PUT", path: ofHall + "/lease/" + id, body: body}
	}
	condition := func(etag, body string) call {
		c := put("administrator", "job-5", body)
		c.header = map[string]string{"If-Match": etag}
		return c
	}
	works := put("administrator", "job-5", `{"quantity":0}`)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWritingUnits...), bodyRows(works))
	rows = append(rows,
		row{name: "less", call: works, status: 200, contains: []string{`{"leaseIdentifier":"job-5","created":false}`}, events: []string{"units.changed job-5"}},
		row{name: "a stale etag", call: put("administrator", "job-5", `{"quantity":1,"etag":"1"}`), status: 412, contains: []string{`"code":"stale_etag"`, `"errors":{"etag":`}},
		row{name: "a stale If-Match", call: condition(`"1"`, `{"quantity":1}`), status: 412, contains: []string{`"code":"stale_etag"`, `"errors":{"etag":`}},
		row{name: "two conditions", call: condition(`"1"`, `{"quantity":1,"etag":"2"}`), status: 400, contains: []string{`"errors":{"etag":`}},
		row{name: "an empty condition", call: condition("", `{"quantity":0,"etag":""}`), status: 200, contains: []string{`"created":false`}},
		row{name: "an etag of nothing", call: put("administrator", "job-6", `{"quantity":1,"etag":"1"}`), status: 412, contains: []string{"stale_etag"}},
		row{name: "more than there is", call: put("administrator", "job-5", `{"quantity":3}`), status: 403, contains: []string{"units_exhausted"}}, // one of the same denial
		row{name: "of somebody else", call: put("application", "job-5", `{}`), status: 403, contains: []string{"anothers_lease"}},
	)
	return append(rows, keyRows("key-of-put-lease", put("administrator", "job-5", `{"quantity":0}`), put("administrator", "job-5", `{"quantity":0.5}`), 200)...)
}

// olderLeaseRows are those of a route with the lease in the body; service is what the body says of the service.
func olderLeaseRows(path, service string) []row {
	id := "older-" + strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.TrimPrefix(path, leases)), "-")
	put := func(as, rest string) call {
		return call{as: as, method: "PUT", path: path, body: `{` + service + `"productCode":"UNATT-HOSTING","leaseIdentifier":"` + id + `"` + rest + `}`}
	}
	works := put("application", `,"quantity":0.25`)
	missing, late := works, put("application", `,"quantity":3`)
	missing.body = strings.Replace(works.body, `"UNATT-HOSTING"`, `"SHOES"`, 1)
	rows := slices.Concat(whoMayNotOfPeople(works, notForWritingUnits...), bodyRows(works))
	rows = append(rows,
		row{name: "first", call: works, status: 200, contains: []string{`{"leaseIdentifier":"` + id + `","created":true}`}, events: []string{"units.acquired " + id}},
		row{name: "again", call: works, status: 200, contains: []string{`"created":false`}},
		row{name: "more than there is", call: late, status: 403, contains: []string{"units_exhausted"}},
		row{name: "unknown product", call: missing, status: 404, contains: []string{"there is no such product"}},
		row{name: "less than nothing", call: put("application", `,"quantity":-1`), status: 400, contains: []string{`"errors":{"quantity":`}},
		row{name: "no id", call: call{as: "application", method: "PUT", path: path, body: `{` + service + `"productCode":"UNATT-HOSTING"}`}, status: 400, contains: []string{"leaseIdentifier"}},
		row{name: "for nobody", call: put("application", `,"bypassUsageCheck":true`), status: 403, contains: []string{"missing_permission"}},
		row{name: "gone again", of: "releaseLease", call: call{as: "application", method: "DELETE", path: leases + "/" + id}, status: 200, events: []string{"units.released " + id}},
	)
	return append(rows, append(keyRows("key-of-"+id, works, put("application", `,"quantity":0.5`), 200, "units.acquired "+id),
		row{name: "gone for good", of: "releaseLease", call: call{as: "application", method: "DELETE", path: leases + "/" + id}, status: 200, events: []string{"units.released " + id}})...)
}

func unitReadRows(path string, contains ...string) []row {
	get := func(as string) call { return call{as: as, method: "GET", path: path} }
	rows := whoMayNotOfPeople(get(""), notForReadingUnits...)
	for _, as := range []string{"administrator", "application", "reader"} {
		rows = append(rows, row{name: as, call: get(as), status: 200, contains: contains})
	}
	return rows
}

// usageRows are those of what a service uses; % stands for the product.
func usageRows(path string) []row {
	of := func(product string) string { return strings.Replace(path, "%", product, 1) }
	get := func(path string) call { return call{as: "reader", method: "GET", path: path} }
	return append(unitReadRows(of("UNATT-HOSTING"), `{"serviceScopeId":"hall","serviceType":"testmanager","productCode":"UNATT-HOSTING","used":1.5,"total":4,"startDate":null,"endDate":null,"usageModel":"Floating"}`),
		row{name: "nothing", call: get(of("UNATT")), status: 200, contains: []string{`"used":0`}},
		row{name: "a bundle", call: get(of("ATTUNU")), status: 400, contains: []string{`"errors":{"productCode":`}},
		row{name: "unknown product", call: get(of("SHOES")), status: 404, contains: []string{"there is no such product"}},
		row{name: "unknown service", call: get(strings.Replace(of("UNATT"), "testmanager", "shoes", 1)), status: 400, contains: []string{`"errors":{"serviceType":`}},
		row{name: "unknown tenant", call: get(strings.Replace(of("UNATT"), "hall", "nowhere", 1)), status: 404, contains: []string{"there is no such tenant"}},
	)
}

func stateRows(path string) []row {
	put := func(as, body string) call { return call{as: as, method: "PUT", path: path, body: body} }
	works := put("reader", `{"productCodes":["UNATT-HOSTING","AGU","SHOES","ATTUNU"]}`)
	unknown := works
	unknown.path = strings.Replace(path, "hall", "nowhere", 1)
	return append(slices.Concat(whoMayNotOfPeople(works, notForReadingUnits...), bodyRows(works)),
		row{name: "reader", call: works, status: 200, contains: []string{`[{"productCode":"UNATT-HOSTING","productCodeStatus":0},{"productCode":"AGU","productCodeStatus":2},{"productCode":"SHOES","productCodeStatus":2},{"productCode":"ATTUNU","productCodeStatus":2}]`}},
		row{name: "none", call: put("reader", `{"productCodes":[]}`), status: 200, contains: []string{"[]"}},
		row{name: "a code that cannot be", call: put("reader", `{"productCodes":["a b"]}`), status: 400, contains: []string{`"errors":{"productCodes[0]":`}},
		row{name: "101 codes", call: put("reader", `{"productCodes":[`+numbered("CODE", 101)+`]}`), status: 400, contains: []string{"too_many"}},
		row{name: "unknown tenant", call: unknown, status: 404, contains: []string{"there is no such tenant"}},
	)
}

func queryUsageRows() []row {
	put := func(as, body string) call {
		return call{as: as, method: "PUT", path: leases + "/{acme}/usage", body: body}
	}
	works := put("reader", `[{"serviceScopeId":"hall","serviceType":"apps","productCode":"HEAL","startDate":0,"endDate":0},{"productCode":"UNATT-HOSTING"}]`)
	rows := append(whoMayNotOfPeople(works, notForReadingUnits...), questionBodyRows(works)...)
	return append(rows,
		row{name: "reader", call: works, status: 200, contains: []string{
			`{"serviceScopeId":"hall","serviceType":"apps","productCode":"HEAL","used":0.25,"startDate":1767225600,"endDate":32188147200,"consumedAtOrganizationLevel":0.25,"consumedAcrossDeletedServiceScopeIds":0.25}`,
			`{"serviceScopeId":"","serviceType":"","productCode":"UNATT-HOSTING","used":1.5,`,
		}},
		row{name: "long ago", call: put("reader", `[{"serviceScopeId":"hall","serviceType":"apps","productCode":"HEAL","startDate":86400,"endDate":172800}]`), status: 200, contains: []string{`"used":0,"startDate":86400,"endDate":172800`}},
		row{name: "a service of all tenants", call: put("reader", `[{"serviceType":"Apps","productCode":"HEAL"},{"serviceType":"insights","productCode":"HEAL"}]`), status: 200, contains: []string{
			`"serviceType":"Apps","productCode":"HEAL","used":0.25,`, `"serviceType":"insights","productCode":"HEAL","used":0,`,
		}},
		row{name: "unknown service of all tenants", call: put("reader", `[{"serviceType":"shoes","productCode":"HEAL"}]`), status: 400, contains: []string{`"errors":{"[0].serviceType":`}},
		row{name: "no product", call: put("reader", `[{"serviceType":"apps"}]`), status: 400, contains: []string{`"errors":{"[0].productCode":`}},
		row{name: "half a time", call: put("reader", `[{"productCode":"HEAL","startDate":86400}]`), status: 400, contains: []string{`"errors":{"[0].startDate":`}},
		row{name: "two years", call: put("reader", `[{"productCode":"HEAL","startDate":0,"endDate":63072000}]`), status: 400, contains: []string{`"errors":{"[0].startDate":`}},
		row{name: "unknown service", call: put("reader", `[{"serviceScopeId":"hall","serviceType":"shoes","productCode":"HEAL"}]`), status: 400, contains: []string{`"errors":{"[0].serviceType":`}},
	)
}

// questionBodyRows are bodyRows of a body that is a list.
func questionBodyRows(c call) []row {
	with := func(body string, header map[string]string) call {
		changed := c
		changed.body, changed.header = body, header
		return changed
	}
	return []row{
		{name: "malformed", call: with(c.body+"x", nil), status: 400, contains: []string{"malformed_body"}},
		{name: "no list", call: with(`{"x":1}`, nil), status: 400, contains: []string{"malformed_body"}},
		{name: "text", call: with(c.body, map[string]string{"Content-Type": "text/plain"}), status: 415},
		{name: "too large", call: with(`[{"x":"`+strings.Repeat("x", 1<<20)+`"},`+c.body[1:], nil), status: 413},
	}
}

func computeUsageRows() []row {
	put := func(as, body string) call {
		return call{as: as, method: "PUT", path: leases + "/{acme}/computeUsage", body: body}
	}
	works := put("reader", `{"scopes":[{"scopeId":"hall","scopeType":"testmanager","productCode":"UNATT-HOSTING"},{"scopeId":"attic","scopeType":"apps"}]}`)
	return append(slices.Concat(whoMayNotOfPeople(works, notForReadingUnits...), bodyRows(works)),
		row{name: "reader", call: works, status: 200, contains: []string{
			`[{"scopeId":"hall","scopeType":"testmanager","productsUsage":[{"serviceScopeId":"hall","serviceType":"testmanager","productCode":"UNATT-HOSTING","used":1.5,`,
			`{"scopeId":"attic","scopeType":"apps","productsUsage":[]}]`,
		}},
		row{name: "unknown service", call: put("reader", `{"scopes":[{"scopeId":"hall","scopeType":"shoes"}]}`), status: 400, contains: []string{`"errors":{"scopes[0]":`}},
		row{name: "unknown tenant", call: put("reader", `{"scopes":[{"scopeId":"nowhere","scopeType":"apps"}]}`), status: 404, contains: []string{"there is no such tenant"}},
	)
}

func timelineRows(rest, body string, contains ...string) []row {
	post := func(as, body string) call { return call{as: as, method: "POST", path: statsPath + rest, body: body} }
	works := post("reader", "{"+body+"}")
	rows := slices.Concat(whoMayNotOfPeople(works, notForReadingUnits...), bodyRows(works))
	rows = append(rows,
		row{name: "reader", call: works, status: 200, contains: contains},
		row{name: "nothing", call: post("reader", "{}"), status: 400},
		row{name: "a period in words", call: post("reader", strings.Replace(works.body, ":1", `:"1"`, 1)), status: 400, contains: []string{"malformed_body"}},
	)
	if strings.Contains(body, "clientIds") {
		rows = append(rows, row{name: "unknown tenant", call: post("reader", strings.Replace(works.body, "hall", "nowhere", 1)), status: 404, contains: []string{"there is no such tenant"}})
	}
	if rest != "/used" {
		rows = append(rows, row{name: "two years", call: post("reader", strings.Replace(works.body, ":1", ":731", 1)), status: 400, contains: []string{`"errors":{"timePeriod":`}})
	}
	return rows
}

func releaseLeaseRows() []row {
	remove := func(as, id string) call { return call{as: as, method: "DELETE", path: leases + "/" + id} }
	rows := whoMayNotOfPeople(remove("", "job-5"), notForWritingUnits...)
	rows = append(rows,
		row{name: "of somebody else", call: remove("application", "job-5"), status: 403, contains: []string{"anothers_lease"}},
		row{name: "an id that cannot be", call: remove("writer", "a%20b"), status: 400, contains: []string{"malformed_id"}},
		row{name: "a consumption", call: remove("application", "run-1"), status: 200},
		row{name: "nothing", call: remove("writer", "job-99"), status: 200},
	)
	return append(rows, keyRows("key-of-release-lease", remove("administrator", "job-5"), remove("administrator", "job-1"), 200, "units.released job-5")...)
}

func releaseLeasesRows() []row {
	remove := func(as, ids string) call {
		return call{as: as, method: "DELETE", path: leases, body: `{"leaseIdentifiers":[` + ids + `]}`}
	}
	post := func(as, id string) row {
		c := call{as: as, method: "POST", path: ofHall + "/lease/" + id, body: `{"quantity":0.5}`}
		return row{name: as + " takes " + id, of: "postLease", call: c, status: 200, events: []string{"units.acquired " + id}}
	}
	works := remove("writer", `"job-7","job-8","job-7"`)
	rows := append(slices.Concat(whoMayNotOfPeople(works, notForWritingUnits...), bodyRows(works)),
		post("administrator", "job-7"), post("writer", "job-9"),
		row{name: "one of somebody else", call: remove("writer", `"job-7","job-9"`), status: 403, contains: []string{"anothers_lease"}},
		row{name: "none", call: remove("writer", ""), status: 400, contains: []string{`"errors":{"leaseIdentifiers":`}},
		row{name: "too many", call: remove("writer", numbered("job", 1001)), status: 400, contains: []string{"too_many"}},
		row{name: "an id that cannot be", call: remove("writer", `"a b"`), status: 400, contains: []string{`"errors":{"leaseIdentifiers[0]":`}},
		row{name: "administrator", call: remove("administrator", `"job-9","job-7"`), status: 200, events: []string{"units.released job-7", "units.revoked job-9"}},
		post("writer", "job-8"),
	)
	return append(rows, keyRows("key-of-release-leases", works, remove("writer", `"job-7"`), 200, "units.released job-8")...)
}

func releaseAllRows() []row {
	remove := func(as, organization string) call {
		return call{as: as, method: "DELETE", path: leases + "/organization/" + organization + "/release"}
	}
	rows := append(whoMayNotOfPeople(remove("", "{acme}"), notForWritingUnits...),
		row{name: "administrator takes job-3", of: "postLease", call: call{as: "administrator", method: "POST", path: ofHall + "/lease/job-3", body: "{}"}, status: 200, events: []string{"units.acquired job-3"}},
		row{name: "its own", call: remove("application", "{acme}"), status: 200, events: []string{"units.released job-1"}},
		row{name: "still there", of: "getLease", call: call{as: "reader", method: "GET", path: ofHall + "/lease/job-3"}, status: 200},
		row{name: "writer takes job-1", of: "postLease", call: call{as: "writer", method: "POST", path: ofHall + "/lease/job-1", body: "{}"}, status: 200, events: []string{"units.acquired job-1"}},
		row{name: "another organization", call: remove("application", "globex"), status: 404, contains: []string{"organization_not_found"}},
		row{name: "everybody's", call: remove("administrator", "{acme}"), status: 200, events: []string{"units.revoked job-1", "units.released job-3"}},
		row{name: "gone", of: "getLease", call: call{as: "reader", method: "GET", path: ofHall + "/lease/job-1"}, status: 404},
	)
	one := call{as: "administrator", method: "DELETE", path: leases + "/job-1"}
	return append(rows, keyRows("key-of-release-all", remove("administrator", "acme"), one, 200)...)
}
