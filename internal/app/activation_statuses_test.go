package app_test

import (
	"encoding/base64"
	"strings"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/licensefile"
)

// activationStatuses are the routes that take and end license files, for the host and for acme. Files are called active-1 here.
func activationStatuses(sign func(licensefile.File) string, acme seatwright.OrganizationID) []operationRows {
	signed := func(audience seatwright.OrganizationID, change func(*licensefile.File)) string {
		f := licenseFile(change)
		if f.Audience == "{acme}" {
			f.Audience = string(audience)
		}
		return sign(f)
	}
	table := []operationRows{{"validateLicenseOffline", validationRows(signed, acme)}}
	for _, at := range []activationPlace{
		{"Host", "/lrm/api/host/{host}", "host", seatwright.HostID, []string{"host"}, []string{"administrator", "member", "application", "writer"}},
		{"Account", "/lrm/api/account-license/{acme}", "", acme, []string{"host", "administrator", "application", "writer"}, []string{"member", "auditor", "reader"}},
	} {
		table = append(table,
			operationRows{"get" + at.name + "ActivationRequest", at.requestRows()},
			operationRows{"activate" + at.name + "LicenseOffline", at.offlineRows(signed)},
			operationRows{"activate" + at.name + "License", at.onlineRows()},
			operationRows{"deactivate" + at.name + "License", at.endRows("active-1", "", `{"operationStatus":0}`)},
			operationRows{"deactivate" + at.name + "LicenseOffline", at.endRows("active-2", "/offline", `"operationStatus":0,"activationRequest":"`)},
		)
	}
	return table
}

type activationPlace struct {
	name, path, chain string
	id                seatwright.OrganizationID
	may, mayNot       []string
}

// refusedRows are who is let in nowhere, and paths that name nobody.
func (p activationPlace) refusedRows(method, path, body string) []row {
	rows := []row{
		{name: "anonymous", call: call{method: method, path: p.path + path, body: body}, status: 401, contains: []string{"no_token"}},
		{name: "unknown account", call: call{as: "host", method: method, path: strings.NewReplacer("{host}", "nobody", "{acme}", "nobody").Replace(p.path) + path, body: body}, status: 404},
	}
	for _, as := range p.mayNot {
		rows = append(rows, row{name: as, call: call{as: as, method: method, path: p.path + path, body: body}, status: 403, contains: []string{"missing_permission"}})
	}
	return rows
}

func (p activationPlace) requestRows() []row {
	want := base64.StdEncoding.EncodeToString([]byte(`{"accountId":"` + string(p.id) + `","licenseCode":"code-1"}`))
	rows := p.refusedRows("GET", "/activation-request?licenseCode=code-1", "")
	for _, as := range p.may {
		rows = append(rows, row{name: as, call: call{as: as, method: "GET", path: p.path + "/activation-request?licenseCode=code-1"}, status: 200, contains: []string{`{"operationStatus":0,"activationRequest":"` + want + `"}`}})
	}
	return append(rows,
		row{name: "no code", call: call{as: "host", method: "GET", path: p.path + "/activation-request"}, status: 400},
		row{name: "a code that cannot be", call: call{as: "host", method: "GET", path: p.path + "/activation-request?licenseCode=a%20b"}, status: 400, contains: []string{"malformed_id"}},
	)
}

func activationData(text string) string { return `{"activationData":"` + text + `"}` }

// refusedFiles are files that nobody can enter for an account, with the reason.
func refusedFiles(signed func(seatwright.OrganizationID, func(*licensefile.File)) string, id seatwright.OrganizationID) map[string][2]string {
	good := signed(id, func(f *licensefile.File) { f.ID = "never" })
	flipped := []byte(good)
	flipped[len(flipped)/2] ^= 1
	return map[string][2]string{
		"nothing":      {"", "malformed_license_file"},
		"flipped byte": {string(flipped), "_license_file"},
		"expired":      {signed(id, func(f *licensefile.File) { f.ID, f.ExpiresAt = "never", f.IssuedAt }), "expired_license_file"},
	}
}

func (p activationPlace) offlineRows(signed func(seatwright.OrganizationID, func(*licensefile.File)) string) []row {
	put := func(as, text string) call {
		return call{as: as, method: "PUT", path: p.path + "/license", body: activationData(text)}
	}
	file := func(id string) string { return signed(p.id, func(f *licensefile.File) { f.ID = id }) }
	first := []string{"license.imported active-1", "lot.created active-1:1", "lot.created active-1:2"}
	second := []string{"license.imported active-2", "lot.created active-2:1", "lot.created active-2:2"}
	typed := put("host", file("active-1"))
	typed.header = map[string]string{"Content-Type": "text/plain"}
	rows := append(p.refusedRows("PUT", "/license", activationData("x")),
		row{name: "a file", call: put("host", file("active-1")), status: 200, contains: []string{`{"operationStatus":0}`}, chain: p.chain, events: first},
		row{name: "another", call: put(p.may[len(p.may)-1], file("active-2")), status: 200, contains: []string{`{"operationStatus":0}`}, chain: p.chain, events: second},
		row{name: "other content under the id", call: put("host", signed(p.id, func(f *licensefile.File) { f.ID, f.Lots = "active-1", f.Lots[:1] })), status: 422, contains: []string{"another_license_file"}},
		row{name: "foreign", call: put("host", signed("globex", func(f *licensefile.File) { f.ID = "never" })), status: 422, contains: []string{"foreign_license_file"}},
		row{name: "unknown product", call: put("host", signed(p.id, func(f *licensefile.File) { f.ID, f.Lots[0].Code = "never", "NOTHING" })), status: 422, contains: []string{"impossible_license_file"}},
		row{name: "type", call: typed, status: 415},
		row{name: "over 1 MiB", call: put("host", strings.Repeat("x", 1<<20)), status: 413},
		row{name: "broken", call: call{as: "host", method: "PUT", path: p.path + "/license", body: "{"}, status: 400, contains: []string{"malformed_body"}},
	)
	for name, refused := range refusedFiles(signed, p.id) {
		rows = append(rows, row{name: name, call: put("host", refused[0]), status: 422, contains: []string{refused[1]}})
	}
	for _, as := range p.may {
		rows = append(rows, row{name: "the same by " + as, call: put(as, file("active-1")), status: 200, contains: []string{`{"operationStatus":0}`}})
	}
	return rows
}

func (p activationPlace) onlineRows() []row {
	put := func(as, code string) call { return call{as: as, method: "PUT", path: p.path + "/license/" + code} }
	rows := append(p.refusedRows("PUT", "/license/active-1", ""),
		row{name: "not entered", call: put("host", "active-9"), status: 422, contains: []string{"no_online_activation", "activation request"}},
		row{name: "a code that cannot be", call: put("host", "a%20b"), status: 400, contains: []string{"malformed_id"}},
	)
	for _, as := range p.may {
		rows = append(rows, row{name: "entered, by " + as, call: put(as, "active-1"), status: 200, contains: []string{`{"operationStatus":0}`}})
	}
	return rows
}

func (p activationPlace) endRows(code, rest, answer string) []row {
	end := func(as, code string) call {
		return call{as: as, method: "DELETE", path: p.path + "/license/" + code + rest}
	}
	keyed, other := end("host", code), end("host", "active-9")
	keyed.header = map[string]string{"Idempotency-Key": "end-of-" + code + "-" + p.name}
	other.header = keyed.header
	events := []string{"license.deactivated " + code, "lot.changed " + code + ":1", "lot.changed " + code + ":2"}
	rows := append(p.refusedRows("DELETE", "/license/"+code+rest, ""),
		row{name: "not entered", call: end("host", "active-9"), status: 404, contains: []string{`"code":"not_found"`}},
		row{name: "a code that cannot be", call: end("host", "a%20b"), status: 400, contains: []string{"malformed_id"}},
		row{name: "it ends", call: keyed, status: 200, contains: []string{answer}, chain: p.chain, events: events},
		row{name: "key again", call: keyed, status: 200, contains: []string{answer}},
		row{name: "other use of the key", call: other, status: 422, contains: []string{"idempotency_key_reused"}},
		row{name: "PUT of its code", call: call{as: "host", method: "PUT", path: p.path + "/license/" + code}, status: 422, contains: []string{"deactivated_license_file"}},
	)
	for _, as := range p.may {
		rows = append(rows, row{name: "once more by " + as, call: end(as, code), status: 200, contains: []string{answer}})
	}
	return rows
}

func validationRows(signed func(seatwright.OrganizationID, func(*licensefile.File)) string, acme seatwright.OrganizationID) []row {
	const path = "/lrm/api/account-license/validate/offline"
	put := func(as, text string) call { return call{as: as, method: "PUT", path: path, body: activationData(text)} }
	good := signed(acme, func(f *licensefile.File) { f.ID = "never" })
	typed := put("host", good)
	typed.header = map[string]string{"Content-Type": "text/plain"}
	rows := []row{
		{name: "anonymous", call: put("", good), status: 401, contains: []string{"no_token"}},
		{name: "of another", call: put("globex administrator", good), status: 422, contains: []string{"foreign_license_file"}},
		{name: "under the path of another", call: call{as: "administrator", method: "PUT", path: "/globex" + path, body: activationData(good)}, status: 404, contains: []string{"organization_not_found"}},
		{name: "type", call: typed, status: 415},
		{name: "over 1 MiB", call: put("host", strings.Repeat("x", 1<<20)), status: 413},
		{name: "broken", call: call{as: "host", method: "PUT", path: path, body: "{"}, status: 400, contains: []string{"malformed_body"}},
	}
	for _, as := range []string{"host", "administrator", "application", "writer"} {
		rows = append(rows, row{name: as, call: put(as, good), status: 200, contains: []string{`{"operationStatus":0}`}})
	}
	for _, as := range []string{"member", "auditor", "reader"} {
		rows = append(rows, row{name: as, call: put(as, good), status: 403, contains: []string{"missing_permission"}})
	}
	for name, refused := range refusedFiles(signed, acme) {
		rows = append(rows, row{name: name, call: put("host", refused[0]), status: 422, contains: []string{refused[1]}})
	}
	return rows
}
