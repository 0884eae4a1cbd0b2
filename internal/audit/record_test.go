package audit

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

// everyKind reads the kinds of event out of the source of the domain: a list of them could be forgotten as well.
func everyKind(t *testing.T) []seatwright.EventKind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []seatwright.EventKind
	ast.Inspect(file, func(n ast.Node) bool {
		spec, isSpec := n.(*ast.ValueSpec)
		if !isSpec {
			return true
		}
		if named, isNamed := spec.Type.(*ast.Ident); !isNamed || named.Name != "EventKind" {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, seatwright.EventKind(text))
		}
		return true
	})
	if len(found) < 9 {
		t.Fatalf("only %d kinds were found", len(found))
	}
	return found
}

// Promise: nothing happens that the log cannot tell. Every kind has a category, an action and a sentence, with data and without.
func TestEveryKindHasARow(t *testing.T) {
	t.Parallel()
	all := everyKind(t)
	for _, k := range all {
		row, known := kinds[k]
		if !known {
			t.Errorf("%s has no row in the table of kinds", k)
			continue
		}
		if row.category == "" || row.category == categoryOther || row.action == "" {
			t.Errorf("%s is %s/%s", k, row.category, row.action)
		}
		for _, data := range []string{"", "{}", "[]", "null", `{"codes":7}`} {
			record := Describe(seatwright.Event{Organization: "o", Kind: k, Actor: "user/ann", Subject: "thing-1", Data: []byte(data)}, nil)
			if strings.Contains(record.Message, "%!") || !strings.HasPrefix(record.Message, "ann ") || !strings.HasSuffix(record.Message, ".") {
				t.Errorf("%s with data %q: %q", k, data, record.Message)
			}
			if !json.Valid([]byte(record.Details)) {
				t.Errorf("%s with data %q has the details %s", k, data, record.Details)
			}
		}
	}
	if len(kinds) != len(all) {
		t.Errorf("the table has %d rows for %d kinds", len(kinds), len(all))
	}
}

func data(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Promise: the sentence names what happened with codes, counts and ids, and people as the directory knows them now.
func TestSentences(t *testing.T) {
	t.Parallel()
	people := map[seatwright.UserID]seatwright.User{
		"u-1": {ID: "u-1", UserName: "ann", Email: "ann@acme.example"}, "u-2": {ID: "u-2", UserName: "bob"}, "u-3": {ID: "u-3"},
	}
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	pools := []seatwright.PoolState{{Code: "ATTUNU", Used: 3, Total: 50}}
	for _, c := range []struct {
		kind                    seatwright.EventKind
		actor, subject          string
		data                    any
		userName, email, action string
		message                 string
	}{
		{"organization.created", "host/h", "acme", nil, "host/h", "", "Create", "The host administrator h created the organization acme."},
		{"tenant.created", "host/u-1", "t", nil, "host/u-1", "", "Create", "The host administrator u-1 created the tenant t."},
		{"user.created", "application/u-1", "u-2", map[string]any{"role": "member", "active": true}, "u-1", "", "Create", "The application u-1 created the user bob as member."},
		{"application.created", "system", "script", map[string]any{"scopes": []string{"PM.License", "PM.User", "PM.Audit"}}, "system", "", "Create", "The server registered the external application script for PM.License, PM.User and PM.Audit."},
		{"application.created", "user/u-2", "script", map[string]any{}, "bob", "", "Create", "bob registered the external application script without a scope."},
		{"lot.changed", "user/u-1", "lot", seatwright.LotCreated{Code: "ATTUNU", Quantity: 50, Start: day, End: day.AddDate(2, 0, 0), Pool: pools[0]}, "ann", "ann@acme.example", "Update", "ann (ann@acme.example) changed the purchase lot of 50 units of ATTUNU, 2026-03-01 to 2028-03-01 (in use now: ATTUNU 3 of 50)."},
		{"lot.removed", "user/u-1", "lot", seatwright.LotRemoved{Code: "ATTUNU", Pool: pools[0]}, "ann", "ann@acme.example", "Delete", "ann (ann@acme.example) removed the purchase lot of ATTUNU (in use now: ATTUNU 3 of 50)."},
		{"license.imported", "user/u-1", "file-1", seatwright.LicenseImported{Issuer: "vendor", SHA256: "00", Lots: 2}, "ann", "ann@acme.example", "Purchase", "ann (ann@acme.example) imported the license file file-1, 2 purchases signed by vendor."},
		{"license.deactivated", "user/u-1", "file-1", struct{}{}, "ann", "ann@acme.example", "Update", "ann (ann@acme.example) deactivated the license file file-1."},
		{"pool.total_changed", "system", "", seatwright.PoolsChanged{Pools: pools}, "system", "", "Update", "The server counted ATTUNU again, because a purchase has begun or ended (in use now: ATTUNU 3 of 50)."},
		{"notice.told", "system", "ATTUNU", seatwright.NoticeTold{Kind: "pool_used", Code: "ATTUNU", Threshold: 90, Used: 46, Total: 50}, "system", "", "Notice", "The server gave notice that 90 % of ATTUNU or more are used (in use now: ATTUNU 46 of 50)."},
		{"notice.told", "system", "lot", seatwright.NoticeTold{Kind: "lot_ends", Code: "ATTUNU", Threshold: 1, EndsAt: day}, "system", "", "Notice", "The server gave notice that the purchase lot of ATTUNU ends in 1 day or less, on 2026-03-01."},
		{"notice.ended", "system", "lot", seatwright.NoticeEnded{Kind: "lot_ends", Code: "ATTUNU"}, "system", "", "Notice", "The server withdrew the notice about the purchase lot of ATTUNU."},
		{"notice.ended", "system", "ATTUNU", seatwright.NoticeEnded{Kind: "pool_used", Code: "ATTUNU"}, "system", "", "Notice", "The server withdrew the notice about the use of ATTUNU."},
		{"lot.created", "user/u-1", "lot", seatwright.LotCreated{Code: "ATTUNU", Quantity: 50, Start: day, End: day.AddDate(1, 0, 0), Pool: pools[0]}, "ann", "ann@acme.example", "Purchase", "ann (ann@acme.example) entered the purchase lot of 50 units of ATTUNU, 2026-03-01 to 2027-03-01 (in use now: ATTUNU 3 of 50)."},
		{"signing_key.created", "system", "k", nil, "system", "", "Create", "The server created the signing key k."},
		{"group.created", "user/u-2", "g", seatwright.GroupChange{}, "bob", "", "Create", "bob created the group g."},
		{"group.updated", "user/u-2", "g", seatwright.GroupChange{Renamed: true, Added: []seatwright.Member{{Kind: "user", ID: "u-1"}, {Kind: "robot", ID: "r"}}, Removed: slices.Repeat([]seatwright.Member{{Kind: "user", ID: "u"}}, 12)}, "bob", "", "Update", "bob changed the group g, which has another name now; added user u-1 and robot account r; removed user u, user u, user u, user u, user u, user u, user u, user u, user u, user u and 2 more."},
		{"group.deleted", "user/u-2", "g", nil, "bob", "", "Delete", "bob deleted the group g with all its memberships."},
		{"robot_account.created", "user/u-2", "r", nil, "bob", "", "Create", "bob created the robot account r."},
		{"robot_account.updated", "user/u-2", "r", nil, "bob", "", "Update", "bob changed the robot account r."},
		{"robot_account.deleted", "user/u-2", "r", nil, "bob", "", "Delete", "bob deleted the robot account r with all its memberships."},
		{"setting.changed", "user/u-2", "Auth.Password.PreviousUseLimit", seatwright.SettingChange{}, "bob", "", "Update", "bob changed the setting Auth.Password.PreviousUseLimit."},
		{"setting.changed", "user/u-2", "Language", seatwright.SettingChange{User: "u-1", Removed: true}, "bob", "", "Update", "bob removed the setting Language of the user u-1."},
		{"allocation.set", "user/u-1", "u-2", seatwright.AllocationSet{Codes: []seatwright.ProductCode{"ATTUNU", "TSTNU"}, Units: 1, Pools: pools}, "ann", "ann@acme.example", "Allocate", "ann (ann@acme.example) allocated ATTUNU and TSTNU to bob (in use now: ATTUNU 3 of 50)."},
		{"allocation.set", "user/gone", "u-1", seatwright.AllocationSet{}, "gone", "", "Allocate", "gone blocked ann (ann@acme.example): no licenses, whatever their groups have."},
		{"allocation.set", "user/u-3", "gone", seatwright.AllocationSet{Codes: []seatwright.ProductCode{"RPADEVNU"}, External: true}, "u-3", "", "Allocate", "u-3 allocated RPADEVNU to gone under an external license, which draws no unit."},
		{"allocation.set", "user/u-3", "gone", seatwright.AllocationSet{Codes: []seatwright.ProductCode{"RPADEVNU"}, Units: 1, External: true}, "u-3", "", "Allocate", "u-3 allocated RPADEVNU to gone, who has an external license."},
		{"organization.updated", "user/u-2", "a", seatwright.DefaultPolicies(), "bob", "", "Update", "bob changed the policies of the organization: unknown users refuse, external licenses false, allocations replace leases, leases release on leaving, ended after 90 days, shrinking allow, leases of units ended after 60 minutes, overdraft refuse, user licensing true."},
		{"group_rule.set", "user/u-2", "g", seatwright.GroupRuleSet{Offers: []seatwright.OfferState{{Code: "ATTUNU", Quota: 5}, {Code: "IDU"}}, Ended: []seatwright.OfferEnd{{Code: "TSTNU", Leases: 3, Units: 3}}, Pools: pools}, "bob", "", "Update", "bob set the rule of the group g: its members may lease ATTUNU (at most 5) and IDU; leases that ended: 3 of TSTNU (in use now: ATTUNU 3 of 50)."},
		{"group_rule.removed", "user/u-2", "g", seatwright.GroupRuleRemoved{}, "bob", "", "Delete", "bob removed the rule of the group g."},
		{"lease.acquired", "user/u-2", "u-2", seatwright.LeaseState{Code: "ATTUNU", Group: "g", Units: 1, Pools: pools}, "bob", "", "Acquire", "bob leased ATTUNU to bob through the group g (in use now: ATTUNU 3 of 50)."},
		{"lease.released", "user/u-2", "u-1", seatwright.LeaseState{Code: "ATTUNU", Group: "g", Reason: seatwright.LeaseLeft}, "bob", "", "Release", "bob ended the lease of ATTUNU that ann (ann@acme.example) had through the group g: they left the group."},
		{"lease.revoked", "user/u-2", "u-1", seatwright.LeaseState{Code: "ATTUNU", Group: "g", Reason: seatwright.LeaseRevoked}, "bob", "", "Revoke", "bob revoked the lease of ATTUNU that ann (ann@acme.example) had through the group g."},
		{"lease.expired", "system", "u-1", seatwright.LeaseState{Code: "ATTUNU", Group: "g", Reason: seatwright.LeaseUnused}, "system", "", "Expire", "The server let the lease of ATTUNU expire that ann (ann@acme.example) had through the group g: it was not used for long."},
		{"lease.orphaned", "user/u-2", "u-1", seatwright.LeaseState{Code: "ATTUNU", Group: "g"}, "bob", "", "Update", "bob left ann (ann@acme.example) the lease of ATTUNU, though they are not in the group g any more."},
		{"allocation.removed", "user/u-2", "u-2", seatwright.AllocationSet{Pools: pools}, "bob", "", "Deallocate", "bob removed the license allocation of bob (in use now: ATTUNU 3 of 50)."},
		{"allocation.refused", "user/u-2", "", seatwright.AllocationRefused{Users: 1, Shortages: []seatwright.Shortage{{Bundle: "PMBU", Requested: 1}}}, "bob", "", "Refuse", "bob was refused an allocation to 1 user for want of units: PMBU 1 requested, 0 available."},
		{"allocation.refused", "user/u-2", "", seatwright.AllocationRefused{Users: 9, Shortages: []seatwright.Shortage{{Bundle: "A", Requested: 9, Available: 2}, {Bundle: "B", Requested: 9}}, Suppressed: 4}, "bob", "", "Refuse", "bob was refused an allocation to 9 users for want of units: A 9 requested, 2 available; B 9 requested, 0 available (and 4 times more since the last record)."},
		{"allocation.refused", "user/u-2", "", seatwright.AllocationRefused{Users: 1, Shortages: []seatwright.Shortage{{Bundle: "A", Requested: 1}}, Denials: []seatwright.DenialTold{
			{User: "u-2", Code: "A", Reason: "pool_exhausted"}, {User: "u-2", Code: "B", Reason: "quota_reached", Group: "g", Available: 3}, {User: "u-2", Code: "C", Reason: "not_in_force"},
			{User: "u-2", Code: "D", Reason: "unit_in_use", Group: "g"}, {User: "u-2", Code: "E", Reason: "pool_overallocated", Requested: 1},
		}}, "bob", "", "Refuse", "bob was refused an allocation to 1 user for want of units: A 1 requested, 0 available; B quota of the group g reached, 3 available; C not in force; D in use by another member of the group g; E 1 requested, 0 available."},
		{"denial.satisfied", "user/u-1", "u-2", seatwright.DenialSatisfied{Codes: []seatwright.ProductCode{"A", "B"}}, "ann", "ann@acme.example", "Update", "ann (ann@acme.example) ended the denials of A and B to bob, who has that now."},
		{"allocation.refused", "user/u-2", "", seatwright.AllocationRefused{Shortages: []seatwright.Shortage{{Bundle: ""}}, Suppressed: 1}, "bob", "", "Refuse", "bob was refused codes that do not exist for want of units once more."},
		{"allocation.refused", "user/u-2", "", seatwright.AllocationRefused{To: "t/orchestrator", Shortages: []seatwright.Shortage{{Bundle: "UNATT", Requested: 2, Available: 1}}}, "bob", "", "Refuse", "bob was refused an allocation to t/orchestrator for want of units: UNATT 2 requested, 1 available."},
		{"distribution.set", "host/h", "acme", seatwright.DistributionSet{Products: []seatwright.Distributed{{Code: "UNATT", Quantity: 1}, {Code: "AIU", Quantity: 7}}, Pools: pools}, "host/h", "", "Allocate", "The host administrator h distributed 1 unit of UNATT and 7 units of AIU to the organization acme (in use now: ATTUNU 3 of 50)."},
		{"distribution.aligned", "system", "acme", seatwright.DistributionSet{Products: []seatwright.Distributed{{Code: "UNATT", Quantity: 1, End: day}}, Pools: pools}, "system", "", "Update", "The server made what is distributed to the organization acme last as long as the license of the host, until 2026-03-01T00:00:00Z (in use now: ATTUNU 3 of 50)."},
		{"distribution.removed", "host/h", "acme", seatwright.DistributionSet{Pools: pools}, "host/h", "", "Deallocate", "The host administrator h took back all that was distributed to the organization acme (in use now: ATTUNU 3 of 50)."},
		{"service_license.set", "user/u-2", "t/orchestrator", seatwright.ServiceLicenseSet{Products: []seatwright.Quantity{{Code: "UNATT", Units: 2}}, Pools: pools}, "bob", "", "Allocate", "bob gave 2 units of UNATT to the service t/orchestrator (in use now: ATTUNU 3 of 50)."},
		{"units.acquired", "application/robots", "job-1", seatwright.UnitsState{Tenant: "t", Service: "orchestrator", Code: "UNATT", Quantity: 1_500_000, Used: 3_500_000, Pools: pools}, "robots", "", "Acquire", "The application robots took the lease job-1 of UNATT for the service t/orchestrator, which holds 1.5 units; the service uses 3.5 units now (in use now: ATTUNU 3 of 50)."},
		{"units.expired", "system", "job-1", seatwright.UnitsState{Tenant: "t", Service: "orchestrator", Code: "UNATT", Used: 1_000_000}, "system", "", "Expire", "The server ended, because it was not renewed, the lease job-1 of UNATT for the service t/orchestrator; the service uses 1 unit now."},
		{"units.consumed", "application/robots", "run-1", seatwright.UnitsState{Tenant: "t", Service: "apps", Code: "AIU", Quantity: 250_000, Used: 3_250_000, Start: day, End: day.AddDate(1, 0, 0)}, "robots", "", "Consume", "The application robots recorded that the service t/apps consumed 0.25 units of AIU as run-1, 3.25 units since 2026-03-01."},
		{"units.period_ended", "system", "t/apps", seatwright.UnitsState{Tenant: "t", Service: "apps", Code: "AIU", Start: day, End: day.AddDate(1, 0, 0)}, "system", "", "Update", "The server began to count anew what the service t/apps consumes of AIU, because the purchase has ended."},
		{"units.period_ended", "system", "t/apps", seatwright.UnitsState{Tenant: "t", Service: "apps", Code: "AIU", Used: 1_500_000, Start: day, End: day.AddDate(1, 0, 0), Pools: pools}, "system", "", "Update", "The server began to count anew what the service t/apps consumes of AIU, because the purchase has ended, from the 1.5 units that were consumed of other purchases (in use now: ATTUNU 3 of 50)."},
		{"service_license.removed", "user/u-2", "t/orchestrator", seatwright.ServiceLicenseSet{}, "bob", "", "Deallocate", "bob took back all that the service t/orchestrator had."},
		{"user.signed_in", "user/u-1", "u-1", seatwright.SignIn{Result: seatwright.SignInSucceeded, Address: "192.0.2.7", Application: "app"}, "ann", "ann@acme.example", "SignIn", "ann (ann@acme.example) signed in from 192.0.2.7 through the application app."},
		{"user.sign_in_refused", "anonymous", "u-2", seatwright.SignIn{Result: seatwright.SignInWrongPassword, LockedUntil: &day}, "anonymous", "", "SignInRefused", "Somebody was refused a sign-in as bob: wrong password or secret, and the account is locked until 2026-03-01T00:00:00Z."},
		{"user.sign_in_refused", "anonymous", "u-3", seatwright.SignIn{Result: seatwright.SignInUserIsNotActive}, "anonymous", "", "SignInRefused", "Somebody was refused a sign-in as u-3: the user is not active."},
		{"application.signed_in", "application/app", "app", seatwright.SignIn{Result: seatwright.SignInSucceeded}, "app", "", "SignIn", "The application app signed in."},
		{"application.sign_in_refused", "anonymous", "u-1", seatwright.SignIn{Result: seatwright.SignInWrongPassword, Suppressed: 3}, "anonymous", "", "SignInRefused", "Somebody was refused a sign-in as u-1: wrong password or secret (and 3 times more since the last record)."},
		{"invented.later", "somebody/else", "x", nil, "somebody/else", "", "invented.later", "somebody/else caused invented.later of x."},
	} {
		got := Describe(seatwright.Event{Organization: "acme", Kind: c.kind, Actor: c.actor, Subject: c.subject, Data: data(t, c.data)}, people)
		if got.Message != c.message || got.UserName != c.userName || got.Email != c.email || got.Action != c.action {
			t.Errorf("%s: %q by %q %q, action %q; want %q by %q %q, action %q", c.kind, got.Message, got.UserName, got.Email, got.Action, c.message, c.userName, c.email, c.action)
		}
	}
}

// Promise: the people of the host are called by their ids in every log but the host's own.
func TestPeopleOfTheHostAreNamedInItsOwnLogOnly(t *testing.T) {
	t.Parallel()
	people := map[seatwright.UserID]seatwright.User{"h": {ID: "h", UserName: "operator", Email: "operator@host.example"}}
	e := seatwright.Event{Organization: "acme", Kind: seatwright.EventTenantCreated, Actor: "host/h", Subject: "t"}
	if got := Describe(e, people); got.UserName != "host/h" || got.Email != "" || strings.Contains(got.Message, "operator") || len(Mentions(e)) > 0 {
		t.Errorf("in the log of acme: %+v", got)
	}
	e.Organization = seatwright.HostID
	if got := Describe(e, people); got.UserName != "operator" || got.Email != "operator@host.example" || len(Mentions(e)) != 1 {
		t.Errorf("in the log of the host: %+v", got)
	}
}

// Promise: whoever has the details of consecutive events can compare the hashes.
func TestDetailsHoldTheWholeEvent(t *testing.T) {
	t.Parallel()
	e := seatwright.Event{
		Organization: "acme", Sequence: 7, Kind: "user.created", Version: 1, Actor: "user/a", Via: "native", RequestID: "r", Subject: "u",
		Data: []byte(`{"role":"member","x":"\u003c"}`), Prev: []byte{1, 2}, Hash: []byte{0xfe},
	}
	const want = `{"sequence":7,"kind":"user.created","version":1,"actor":"user/a","via":"native","requestId":"r","subject":"u","data":{"role":"member","x":"\u003c"},"prev":"0102","hash":"fe"}`
	if got := Describe(e, nil).Details; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
