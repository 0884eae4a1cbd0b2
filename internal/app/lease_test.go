package app_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// club is an organization with a group whose members sign in with a password.
type club struct {
	licensee
	id seatwright.OrganizationID
}

// newClub makes an organization with people of whom the first three are in the group g.
func newClub(t *testing.T, w *world, name string, units map[string]int64, people ...string) club {
	t.Helper()
	c := club{licensee{w, name, w.organization(t, directory.NewOrganization{Name: name}, nil, units)}, seatwright.OrganizationID(name + "-id")}
	system := seatwright.SystemCaller("test")
	for _, id := range people {
		_, err := w.Directory.CreateUser(t.Context(), system, c.id, directory.NewUser{
			ID: id, UserName: id, Password: memberPassword, Email: id + "@" + name + ".example", FirstName: strings.ToUpper(id),
		})
		check(t, err)
		w.tokens[c.token(id)] = w.login(t, name, id, memberPassword)
	}
	_, err := w.Groups.CreateGroup(t.Context(), system, seatwright.Organization{ID: c.id}, directory.NewGroup{ID: "g", Name: "Group", Members: people[:3]})
	check(t, err)
	return c
}

// token is the key of somebody's token.
func (c club) token(user string) string { return c.as + " " + user }

// ask sends a request about the licenses of the club; body may be empty.
func (c club) ask(t *testing.T, method, path, body string) answer {
	t.Helper()
	return c.do(t, call{as: c.as, method: method, path: c.path + path, body: body})
}

// done sends a request that has to succeed.
func (c club) done(t *testing.T, method, path, body string) string {
	t.Helper()
	got := c.ask(t, method, path, body)
	if got.status != 200 {
		t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
	}
	return got.body
}

func (c club) open(t *testing.T, user, body string) answer {
	t.Helper()
	return c.do(t, call{as: c.token(user), method: http.MethodPost, path: c.path + "/session?clientType=studio&sessionId=of-" + user, body: body})
}

// opened opens a session, or goes on with it, and returns the codes of the token.
func (c club) opened(t *testing.T, user string) string {
	t.Helper()
	answered := decoded[wire.UserLicenseResponse](t, c.open(t, user, ""), 200)
	if answered.UserID != user || answered.AccountID != string(c.id) || answered.UserSession.GlobalID == "" || answered.ExternalLicense != (answered.LicenseToken == nil) {
		t.Errorf("%s opened %+v", user, answered)
	}
	return codesOfToken(t, answered.LicenseToken)
}

// may is the codes that a person may use, by the question for their state.
func (c club) may(t *testing.T, user string) string {
	t.Helper()
	return codesOfToken(t, decoded[wire.UserLicenseState](t, c.ask(t, "GET", "/"+user, ""), 200).LicenseToken)
}

type licenseClaims struct {
	Units    []string `json:"lu"`
	Codes    []string `json:"ubl"`
	Sub      string   `json:"sub"`
	PrtID    string   `json:"prt_id"`
	Nbf, Exp int64
	Plan     string
}

func claimsOf(t *testing.T, token *string) (claims licenseClaims) {
	t.Helper()
	if token == nil {
		return claims
	}
	parts := strings.Split(*token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	check(t, err)
	check(t, json.Unmarshal(text, &claims))
	return claims
}

func codesOfToken(t *testing.T, token *string) string {
	t.Helper()
	return strings.Join(claimsOf(t, token).Codes, " ")
}

// sources lists what somebody holds, as "code from group".
func (c club) sources(t *testing.T, user string) string {
	t.Helper()
	var list []string
	for _, l := range decoded[[]wire.UserBundleLease](t, c.ask(t, "GET", "/"+user+"/userBundleLeases", ""), 200) {
		from := "direct"
		if l.GroupID != nil {
			from = *l.GroupID
		}
		if l.UserID != user || l.OrganizationID != string(c.id) || l.CreatedAt.IsZero() || l.UpdatedAt.Before(l.CreatedAt) {
			t.Errorf("%+v", l)
		}
		list = append(list, l.UserBundleCode+" from "+from)
	}
	return strings.Join(list, ", ")
}

// holders lists who holds something through the group, as "user: code code".
func (c club) holders(t *testing.T, query string) (list []string, total int64) {
	t.Helper()
	page := decoded[wire.GroupUserPage](t, c.ask(t, "GET", "/group/g/user"+query, ""), 200)
	for _, u := range page.Results {
		orphan := ""
		if u.Orphan {
			orphan = " (orphan)"
		}
		list = append(list, u.ID+": "+strings.Join(u.UserBundleLicenses, " ")+orphan)
	}
	return list, page.TotalCount
}

// Promise: members of a group hold what its rule offers, from their first session until it ends in one of its ways; what is told of them is
// the same by whatever question.
func TestWhoLeasesThroughAGroup(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := newClub(t, w, "club", map[string]int64{"CTZDEVNU": 1, "ATTUNU": 2, "IDU": 5}, "ann", "bob", "cid", "dan")
	c.done(t, "PUT", "/group/g", `{"userBundleCodes":["ATTUNU","CTZDEVNU","IDU"]}`)
	want(t, "a rule draws nothing", []int64{c.used(t, "ATTUNU"), c.used(t, "CTZDEVNU"), c.used(t, "IDU")}, []int64{0, 0, 0})
	want(t, "what ann may use before", c.may(t, "ann"), "")

	// The strongest free one of the ranked bundles, and each of the others.
	first := decoded[wire.UserLicenseResponse](t, c.open(t, "ann", `{"licenseUnits":["STDX"]}`), 200)
	claims := claimsOf(t, first.LicenseToken)
	want(t, "seconds of the token", claims.Exp-claims.Nbf, int64(3600))
	claims.Nbf, claims.Exp = 0, 0
	want(t, "the token of ann", claims, licenseClaims{Units: []string{"STDX", "ATTR", "APPS"}, Codes: []string{"CTZDEVNU"}, Sub: "ann", PrtID: "club-id", Plan: "Enterprise"})
	want(t, "without units ann takes all", c.opened(t, "ann"), "CTZDEVNU IDU")
	again := decoded[wire.UserLicenseResponse](t, c.open(t, "ann", "null"), 200)
	want(t, "the session goes on", []any{again.UserSession.GlobalID, again.UserSession.Started}, []any{first.UserSession.GlobalID, first.UserSession.Started})
	want(t, "the next strongest", []string{c.opened(t, "bob"), c.opened(t, "cid")}, []string{"ATTUNU IDU", "ATTUNU IDU"})
	want(t, "units", []int64{c.used(t, "ATTUNU"), c.used(t, "CTZDEVNU"), c.used(t, "IDU")}, []int64{2, 1, 3})
	if got := c.open(t, "dan", ""); got.status != 403 || !strings.Contains(got.body, "not_entitled") {
		t.Errorf("dan is in no group: %d %s", got.status, got.body)
	}

	// Whoever comes late gets what is left, and what they need not at all.
	_, err := w.Groups.UpdateGroup(t.Context(), seatwright.SystemCaller("test"), seatwright.Organization{ID: c.id}, "g", directory.GroupPatch{Add: []string{"dan"}})
	check(t, err)
	if got := c.open(t, "dan", `{"licenseUnits":["ATTR"]}`); got.status != 409 || !strings.Contains(got.body, `"shortages":[{"bundle":"CTZDEVNU","requested":1,"available":0},{"bundle":"ATTUNU","requested":1,"available":0}]`) {
		t.Errorf("dan needs what is taken: %d %s", got.status, got.body)
	}
	want(t, "dan takes what is left", c.opened(t, "dan"), "IDU")
	list, total := c.holders(t, "?sortBy=Email&sortOrder=DESC&top=3")
	want(t, "a page of holders", []any{list, total}, []any{[]string{"dan: IDU", "cid: ATTUNU IDU", "bob: ATTUNU IDU"}, int64(4)})

	// Quotas bound the group, and are kept by those who know nothing of them.
	const limit = `{"userBundleCodes":["ATTUNU","CTZDEVNU","IDU"],"quotas":[{"userBundleCode":"IDU","limit":%d}]}`
	if got := c.ask(t, "PUT", "/group/g/with-quota", fmt.Sprintf(limit, 3)); got.status != 409 || !strings.Contains(got.body, "quota_below_use") {
		t.Errorf("a quota below use: %d %s", got.status, got.body)
	}
	c.done(t, "PUT", "/group/g/with-quota", fmt.Sprintf(limit, 4))
	c.done(t, "POST", "/group/g", `{"userBundleLicenses":["IDU","ATTUNU","CTZDEVNU"]}`)
	rule := decoded[wire.GroupRuleWithQuota](t, c.ask(t, "GET", "/group/g/with-quota", ""), 200)
	want(t, "quotas", rule.Quotas, []wire.GroupQuota{{UserBundleCode: "IDU", Limit: 4, CurrentUsage: 4}})
	page := decoded[wire.GroupAllocationWithQuotaPage](t, c.ask(t, "GET", "/groups/with-quota", ""), 200)
	want(t, "what is all taken", page.Results[0].GroupRule.UserLicenseBundlesUnavailable, []string{"ATTUNU", "CTZDEVNU"})
	want(t, "leases", page.Results[0].GroupRule.UserBundleLeases, map[string]int64{"ATTUNU": 2, "CTZDEVNU": 1, "IDU": 4})

	// An administrator takes back; the person may take again. Who leaves loses.
	c.done(t, "DELETE", "/group/g/user/ann", "")
	want(t, "ann after that", []string{c.sources(t, "ann"), c.may(t, "ann")}, []string{"", ""})
	want(t, "ann again", c.opened(t, "ann"), "CTZDEVNU IDU")
	_, err = w.Groups.UpdateGroup(t.Context(), seatwright.SystemCaller("test"), seatwright.Organization{ID: c.id}, "g", directory.GroupPatch{Remove: []string{"bob"}})
	check(t, err)
	want(t, "bob has left", []string{c.sources(t, "bob"), c.may(t, "bob")}, []string{"", ""})
	want(t, "dan moves up", c.opened(t, "dan"), "ATTUNU IDU")

	// What is allocated beats what is inherited; nothing is a decision too.
	c.allocate(t, []string{"cid"}, nil)
	want(t, "cid is blocked", []string{c.sources(t, "cid"), c.may(t, "cid")}, []string{"", ""})
	if got := c.open(t, "cid", ""); got.status != 403 || !strings.Contains(got.body, "not_entitled") {
		t.Errorf("cid is blocked: %d %s", got.status, got.body)
	}
	c.allocate(t, []string{"cid"}, []string{"ATTUNU"})
	want(t, "cid has something", []string{c.opened(t, "cid"), c.sources(t, "cid")}, []string{"ATTUNU", "ATTUNU from direct"})
	bundles := decoded[wire.EditableUserBundle](t, c.ask(t, "GET", "/cid/availableUserBundles", ""), 200)
	bundles.AvailableUserBundles = nil
	want(t, "what is shown of cid", bundles, wire.EditableUserBundle{
		AllocatedUserBundles: []string{"ATTUNU"}, ExplicitAllocation: true,
		GroupLicenseInheritance: []wire.GroupInheritance{{Group: "Group", UserBundleCodes: []string{"ATTUNU", "CTZDEVNU", "IDU"}}},
	})
	held := decoded[[]wire.HeldUserLicense](t, c.ask(t, "POST", "/license/users", `{"userIds":["cid","ann","bob"]}`), 200)
	want(t, "what is held", held, []wire.HeldUserLicense{
		{UserID: "cid", UserBundleCodes: []string{"ATTUNU"}}, {UserID: "ann", UserBundleCodes: []string{"CTZDEVNU", "IDU"}, InheritedFromGroup: true},
		{UserID: "bob", UserBundleCodes: []string{}},
	})

	// Its holder gives back, and the session knows nothing of it.
	released := c.do(t, call{as: c.token("ann"), method: http.MethodDelete, path: c.path + "/currentUser"})
	want(t, "released", decoded[wire.UserLicenseRemoval](t, released, 200), wire.UserLicenseRemoval{SuccessfulUserIds: []string{"ann"}, FailedUserIds: []string{}})
	want(t, "ann has given back", c.sources(t, "ann"), "")
	ended := c.do(t, call{as: c.token("ann"), method: http.MethodDelete, path: c.path + "/session?sessionId=of-ann"})
	want(t, "the session of ann", decoded[wire.UserSession](t, ended, 200).GlobalID, first.UserSession.GlobalID)

	// The rule goes, and everything through it.
	c.done(t, "DELETE", "/group/g", "")
	list, total = c.holders(t, "")
	want(t, "nobody", []any{len(list), total}, []any{0, int64(0)})
	want(t, "units at the end", []int64{c.used(t, "ATTUNU"), c.used(t, "CTZDEVNU"), c.used(t, "IDU")}, []int64{1, 0, 0})
	want(t, "offered", c.done(t, "GET", "/ublCodes/group", ""), "[]\n")
}

// Promise: what an organization decides about leases holds over HTTP: both modes of allocation, what becomes of leavers, and external licenses.
func TestWhoDecidesHowLeasesEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := newClub(t, w, "house", map[string]int64{"CTZDEVNU": 1, "ATTUNU": 2, "IDU": 5}, "ann", "bob", "cid")
	decide := func(body string) {
		t.Helper()
		if got := w.do(t, call{as: "host", method: http.MethodPatch, path: "/api/v1/organizations/house/policies", body: body}); got.status != 200 {
			t.Fatalf("%s: %d %s", body, got.status, got.body)
		}
	}
	c.done(t, "PUT", "/group/g", `{"userBundleCodes":["ATTUNU","IDU"]}`)

	decide(`{"allocationMode":"additive"}`)
	want(t, "ann", c.opened(t, "ann"), "ATTUNU IDU")
	c.allocate(t, []string{"ann"}, []string{"IDU"})
	want(t, "two sources", []string{c.sources(t, "ann"), c.may(t, "ann")}, []string{"ATTUNU from g, IDU from direct, IDU from g", "ATTUNU IDU"})
	want(t, "and one unit", c.used(t, "IDU"), int64(1))
	inheritance := decoded[wire.LicenseInheritance](t, c.ask(t, "GET", "/licenseInheritance/ann", ""), 200)
	both := []wire.GroupInheritance{{Group: "Group", UserBundleCodes: []string{"ATTUNU", "IDU"}}}
	want(t, "inherited", inheritance, wire.LicenseInheritance{CurrentlyUsedLicense: both, AllGroupLicenseAllocationRules: both})

	decide(`{"onLeave":"orphan"}`)
	want(t, "bob", c.opened(t, "bob"), "ATTUNU IDU")
	_, err := w.Groups.UpdateGroup(t.Context(), seatwright.SystemCaller("test"), seatwright.Organization{ID: c.id}, "g", directory.GroupPatch{Remove: []string{"bob"}})
	check(t, err)
	list, _ := c.holders(t, "")
	want(t, "an orphan", list, []string{"ann: ATTUNU IDU", "bob: ATTUNU IDU (orphan)"})
	inheritance = decoded[wire.LicenseInheritance](t, c.ask(t, "GET", "/licenseInheritance/bob", ""), 200)
	want(t, "of an orphan", inheritance, wire.LicenseInheritance{CurrentlyUsedLicense: both, AllGroupLicenseAllocationRules: []wire.GroupInheritance{}})
	c.done(t, "DELETE", "/group/g/user", `{"userIds":["bob"]}`)
	want(t, "is revoked", c.sources(t, "bob"), "")

	decide(`{"externalLicenses":true}`)
	body := map[string]any{"userIds": []string{"cid"}, "userBundleCodes": []string{"CTZDEVNU"}, "useExternalLicense": true}
	if got := c.put(t, body, nil); got.status != 200 {
		t.Fatalf("external: %d %s", got.status, got.body)
	}
	want(t, "units of an external license", c.used(t, "CTZDEVNU"), int64(0))
	answered := decoded[wire.UserLicenseResponse](t, c.open(t, "cid", `{"licenseUnits":["STDX"]}`), 200)
	want(t, "an external license has no token", []any{answered.ExternalLicense, answered.LicenseToken}, []any{true, (*string)(nil)})
	want(t, "nor in the state", c.may(t, "cid"), "")
	page := decoded[wire.UserExplicitAllocationPage](t, c.ask(t, "GET", "/user/page?userBundleLicenseCodes=CTZDEVNU", ""), 200)
	if page.TotalCount != 1 || page.Results[0].ID != "cid" || !page.Results[0].UseExternalLicense || page.Results[0].LastInUse == nil || *page.Results[0].Email != "cid@house.example" {
		t.Errorf("%+v", page)
	}
}
