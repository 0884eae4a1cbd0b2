package app_test

import (
	"strings"
	"testing"
)

// Promise: an organization's rules are those of its new passwords, whoever sets them, and of nobody else's.
func TestPasswordRulesOfAnOrganization(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ask := func(as, method, path, body string) answer {
		return w.do(t, call{as: as, method: method, path: "/identity_/api/" + path, body: body})
	}
	const rules = `{"settings":[{"key":"Auth.Password.PasswordComplexity","value":"{\"hasDigit\":true,\"Length\":\"12\"}"}]}`
	want(t, "status of the setting", ask("administrator", "PUT", "Setting", rules).status, 200)
	for _, c := range []struct {
		as, method, path, body string
		status                 int
		says                   string
	}{
		{"administrator", "POST", "User", `{"userName":"new","password":"no digits in here"}`, 400, "a digit"},
		{"administrator", "POST", "User", `{"userName":"new","password":"short 7"}`, 400, "12 characters"},
		{"administrator", "POST", "User", `{"id":"new","userName":"new","password":"7 horses and a battery"}`, 200, "true"},
		{"administrator", "PUT", "User/new", `{"password":"no digits in here"}`, 400, "a digit"},
		{"member", "POST", "User/member/changepassword", `{"oldPassword":"` + memberPassword + `","newPassword":"no digits in here"}`, 400, "a digit"},
		{"member", "POST", "User/member/changepassword", `{"oldPassword":"` + memberPassword + `","newPassword":"8 horses and a battery"}`, 200, "true"},
		{"globex administrator", "POST", "User", `{"userName":"new","password":"no digits in here"}`, 200, "true"},
	} {
		if got := ask(c.as, c.method, c.path, c.body); got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s %s %s %s: %d %s, want %d with %q", c.as, c.method, c.path, c.body, got.status, got.body, c.status, c.says)
		}
	}
}
