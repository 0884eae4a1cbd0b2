package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// Demo is what a demonstration needs to know about its data: who can sign in, and what can be allocated to whom.
type Demo struct {
	Acme                  Credentials `json:"acme"`
	Globex                Credentials `json:"globex"`
	Initech               Credentials `json:"initech"`
	Administrator         string      `json:"administrator"` // user name at acme
	AdministratorPassword string      `json:"administratorPassword"`
	Host                  string      `json:"host"` // user name at the host
	HostPassword          string      `json:"hostPassword"`
	WebSecret             string      `json:"webSecret"`      // of the application that signs people in
	MemberPassword        string      `json:"memberPassword"` // of a member of the group that leases
	Licenses              bool        `json:"licenses"`       // what licenses go through was made

	tenant seatwright.TenantID // of acme
}

// Credentials are an organization of the demonstration and its application.
type Credentials struct {
	Organization seatwright.OrganizationID `json:"organization"`
	ClientID     string                    `json:"clientId"`
	ClientSecret string                    `json:"clientSecret"`
}

// The demonstration's fixed names.
const (
	demoOrganization  = "acme"
	demoTenant        = "DefaultTenant"
	demoTenantID      = "tenant-01" // in older demonstrations another one
	demoOther         = "globex"
	demoOtherTenant   = "Main" // not acme's, so that a login with the name of acme's tenant alone is not ambiguous
	demoOtherTenantID = "tenant-02"
	demoBare          = "initech"
	demoScope         = "PM.License"
	demoFullCode      = "PMBU"
	demoGroup         = "group-01"
	demoRobot         = "robot-01"
	demoWeb           = "acme-web" // a confidential application for people
	demoWebURI        = "http://127.0.0.1:9080/callback"
	demoNative        = "acme-native" // a public one
	demoNativeURI     = "http://127.0.0.1:9081/callback"
	demoUnits         = 10 // of every pool: one less than there are people to give to
)

func demoUsers() []string {
	users := []string{"singer-77", "singer-88", "singer-111"}
	for i := 1; i <= 9; i++ {
		users = append(users, fmt.Sprintf("singer-%d", 200+i))
	}
	return users
}

func demoCodes() []string { return []string{"RPADEVNU", "ATTUNU", "TSTNU", "RPADEVPRONU", "CTZDEVNU"} }

func demoOtherUsers() []string { return []string{"globex-1", "globex-2", "globex-3"} }

// demoFile keeps the generated credentials beside the database, readable for its owner only.
const demoFile = "demo.json"

// LoadDemo fills the store with the demonstration's data, where it is missing, and returns its credentials. It can be
// repeated and interrupted: the credentials are on disk before anything is made with them.
func (a *App) LoadDemo(ctx context.Context, dir string) (Demo, error) {
	demo, fresh, err := demoCredentials(filepath.Join(dir, demoFile))
	if err != nil {
		return demo, err
	}
	if err := a.checkDemo(ctx, demo); err != nil {
		return demo, err
	}
	if fresh {
		if err := demo.save(dir); err != nil {
			return demo, err
		}
	}
	s := seed{App: a, ctx: ctx, caller: seatwright.SystemCaller("demo")}
	if _, err := a.store.Application(ctx, seatwright.ApplicationID(demo.Initech.ClientID)); err == nil {
		s.groups(demo.Acme.Organization) // demonstrations of before have none, as of the next two
		s.applications(demo)
		s.completeLicenses(&demo, dir)
		return demo, s.err // made last, so everything else is there
	}
	acme := demo.Acme.Organization
	s.organization(demoOrganization, demo.Acme) // first: checkDemo knows a demonstration by it
	s.user(seatwright.HostID, directory.NewUser{ID: demo.Host, UserName: demo.Host, Password: demo.HostPassword, Role: seatwright.RoleHostAdministrator})
	s.tenant(acme, demoTenantID, demoTenant)
	s.user(acme, directory.NewUser{
		ID: "acme-admin", UserName: demo.Administrator, Password: demo.AdministratorPassword, Email: demo.Administrator,
		Role: seatwright.RoleOrganizationAdministrator,
	})
	for _, user := range demoUsers() {
		s.user(acme, directory.NewUser{ID: user, UserName: user})
	}
	for _, code := range append(demoCodes(), demoFullCode) {
		s.lot(acme, code, demoUnits)
	}
	var analysts []seatwright.UserID
	for i := 1; i <= demoUnits; i++ {
		analyst := fmt.Sprintf("analyst-%d", i)
		s.user(acme, directory.NewUser{ID: analyst, UserName: analyst})
		analysts = append(analysts, seatwright.UserID(analyst))
	}
	s.allocate(acme, analysts, demoFullCode)
	s.groups(acme)
	s.applications(demo)
	s.completeLicenses(&demo, dir)

	globex := demo.Globex.Organization
	s.organization(demoOther, demo.Globex)
	s.tenant(globex, demoOtherTenantID, demoOtherTenant)
	for _, user := range demoOtherUsers() {
		s.user(globex, directory.NewUser{ID: user, UserName: user})
	}
	s.lot(globex, "ATTUNU", demoUnits)

	if s.err == nil { // its application says to the next run that everything else is there
		s.organization(demoBare, demo.Initech)
	}
	return demo, s.err
}

// checkDemo refuses a database that a real server has been used on: nothing could take the demonstration out of it again.
func (a *App) checkDemo(ctx context.Context, demo Demo) error {
	head, err := a.store.Head(ctx, seatwright.HostID)
	if err != nil || head.Sequence <= newHostEvents {
		return err
	}
	if _, err = a.store.Organization(ctx, demo.Acme.Organization); seatwright.IsKind(err, seatwright.KindNotFound) {
		return errors.New("the database has data that is not this demonstration's: use another one")
	}
	return err
}

// newHostEvents is how long the host's chain is when a store has just been opened: the host and its signing key.
const newHostEvents = 2

// demoCredentials reads the credentials of a demonstration, or makes them up where there are none.
func demoCredentials(path string) (demo Demo, fresh bool, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(text, &demo); err != nil {
			return demo, false, fmt.Errorf("%s: %w", path, err)
		}
		if demo.WebSecret == "" { // written by an earlier program
			demo.WebSecret, fresh = directory.NewSecret(), true
		}
		if demo.MemberPassword == "" {
			demo.MemberPassword, fresh = directory.NewSecret()[:26], true
		}
		return demo, fresh, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return demo, false, err
	}
	of := func(name string) Credentials {
		return Credentials{
			Organization: seatwright.OrganizationID(seatwright.NewID()), ClientID: name + "-script", ClientSecret: directory.NewSecret(),
		}
	}
	demo = Demo{
		Acme: of(demoOrganization), Globex: of(demoOther), Initech: of(demoBare),
		Administrator: "admin@acme.example", AdministratorPassword: directory.NewSecret()[:26],
		Host: "host-admin", HostPassword: directory.NewSecret()[:26], WebSecret: directory.NewSecret(),
		MemberPassword: directory.NewSecret()[:26],
	}
	return demo, true, nil
}

// save writes the credentials into the directory, which is made where it is missing.
func (d Demo) save(dir string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return err
	}
	return writePrivate(filepath.Join(dir, demoFile), string(text)+"\n")
}

// writePrivate replaces a file by one that only its owner can read; a reader sees the old text or the new.
func writePrivate(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// seed makes things that may exist already and remembers the first error.
type seed struct {
	*App
	ctx    context.Context
	caller seatwright.Caller
	err    error
}

func (s *seed) note(err error) {
	if s.err == nil && err != nil && !seatwright.IsReason(err, seatwright.ReasonDuplicate) {
		s.err = err
	}
}

func (s *seed) organization(name string, c Credentials) {
	_, err := s.Directory.CreateOrganization(s.ctx, s.caller, directory.NewOrganization{ID: string(c.Organization), Name: name})
	s.note(err)
	_, _, err = s.Applications.Create(s.ctx, s.caller, c.Organization, directory.NewApplication{
		ID: c.ClientID, Name: "demo script", Scopes: []seatwright.Scope{demoScope}, UserScopes: []seatwright.Scope{demoScope}, Secret: c.ClientSecret,
	})
	s.note(err)
}

func (s *seed) tenant(organization seatwright.OrganizationID, id, name string) {
	_, err := s.Directory.CreateTenant(s.ctx, s.caller, organization, directory.NewTenant{ID: id, Name: name})
	s.note(err)
}

func (s *seed) user(organization seatwright.OrganizationID, n directory.NewUser) {
	_, err := s.Directory.CreateUser(s.ctx, s.caller, organization, n)
	s.note(err)
}

func (s *seed) lot(organization seatwright.OrganizationID, code string, quantity int64) {
	_, err := s.Licensing.CreateLot(s.ctx, s.caller, seatwright.Lot{
		Organization: organization, ID: seatwright.LotID("demo-" + code), Code: seatwright.ProductCode(code), Quantity: quantity,
		End: time.Now().AddDate(10, 0, 0), Order: "demo",
	})
	s.note(err)
}

func (s *seed) allocate(organization seatwright.OrganizationID, users []seatwright.UserID, code seatwright.ProductCode) {
	_, err := s.Licensing.Allocate(s.ctx, s.caller, organization, users, []seatwright.ProductCode{code}, false)
	s.note(err)
}

// groups makes a group of two people, whom licenses adds others to, and a robot account.
func (s *seed) groups(organization seatwright.OrganizationID) {
	in := seatwright.Organization{ID: organization}
	_, err := s.Groups.CreateGroup(s.ctx, s.caller, in, directory.NewGroup{ID: demoGroup, Name: "Group 01", Members: demoUsers()[:2]})
	s.note(err)
	_, err = s.Groups.CreateRobotAccount(s.ctx, s.caller, in, directory.NewRobotAccount{ID: demoRobot, Name: demoRobot})
	s.note(err)
}

// applications makes one of each kind that signs people in with a browser: one that can keep a secret and one that cannot.
func (s *seed) applications(demo Demo) {
	scopes := []seatwright.Scope{demoScope, seatwright.ScopeUserRead}
	for _, n := range []directory.NewApplication{
		{ID: demoWeb, Name: "demo web application", RedirectURIs: []string{demoWebURI}, UserScopes: scopes, Secret: demo.WebSecret},
		{ID: demoNative, Name: "demo native application", Public: true, RedirectURIs: []string{demoNativeURI}, UserScopes: scopes},
	} {
		_, _, err := s.Applications.Create(s.ctx, s.caller, demo.Acme.Organization, n)
		s.note(err)
	}
}

// Environment is the demonstration as shell assignments. Lists are separated by spaces.
func (d Demo) Environment(base string) string {
	var b strings.Builder
	for _, v := range [...]struct{ name, value string }{
		{"BASE", base},
		{"ORG", demoOrganization},
		{"TENANT", demoTenant},
		{"ACCOUNT_ID", string(d.Acme.Organization)},
		{"USER_IDS", strings.Join(demoUsers(), " ")},
		{"CODES", strings.Join(demoCodes(), " ")},
		{"FULL_CODE", demoFullCode},
		{"GROUP_ID", demoGroup},
		{"GROUP_MEMBER_IDS", strings.Join(demoMembers(), " ")},
		{"MEMBER_USER", demoMembers()[0]},
		{"MEMBER_PASSWORD", d.MemberPassword},
		{"TENANT_ID", string(d.tenant)},
		{"SERVICE_TYPE", demoService},
		{"RUNTIME_CODE", demoRuntime},
		{"HOST_ID", string(seatwright.HostID)},
		{"CLIENT_ID", d.Acme.ClientID},
		{"CLIENT_SECRET", d.Acme.ClientSecret},
		{"SCOPE", demoScope},
		{"WEB_CLIENT_ID", demoWeb},
		{"WEB_CLIENT_SECRET", d.WebSecret},
		{"WEB_REDIRECT_URI", demoWebURI},
		{"NATIVE_CLIENT_ID", demoNative},
		{"NATIVE_REDIRECT_URI", demoNativeURI},
		{"ADMIN_USER", d.Administrator},
		{"ADMIN_PASSWORD", d.AdministratorPassword},
		{"HOST_USER", d.Host},
		{"HOST_PASSWORD", d.HostPassword},
		{"OTHER_ORG", demoOther},
		{"OTHER_ACCOUNT_ID", string(d.Globex.Organization)},
		{"OTHER_USER_IDS", strings.Join(demoOtherUsers(), " ")},
		{"OTHER_CLIENT_ID", d.Globex.ClientID},
		{"OTHER_CLIENT_SECRET", d.Globex.ClientSecret},
		{"BARE_ACCOUNT_ID", string(d.Initech.Organization)},
		{"BARE_CLIENT_ID", d.Initech.ClientID},
		{"BARE_CLIENT_SECRET", d.Initech.ClientSecret},
	} {
		// None of the values has a quote: they are names of ours, ids and generated letters and digits.
		fmt.Fprintf(&b, "%s='%s'\n", v.name, v.value)
	}
	return b.String()
}

// WriteEnvironment writes Environment to a file that only its owner can read.
func (d Demo) WriteEnvironment(path, base string) error {
	return writePrivate(path, d.Environment(base))
}

// QuickStart is the first screen of the demonstration: lines that can be pasted into a shell.
func (d Demo) QuickStart(base string) string {
	return fmt.Sprintf(`
Get a token as the organization's administrator (ROPC):

  TOKEN=$(curl -s %[1]s/api/account/authenticate -H 'Content-Type: application/json' \
    -d '{"TenancyName":"%[2]s","UsernameOrEmailAddress":"%[3]s","Password":"%[4]s"}' | sed 's/.*"result":"\([^"]*\)".*/\1/')

or as an external application (client credentials):

  TOKEN=$(curl -s %[1]s/identity_/connect/token -d grant_type=client_credentials \
    -d client_id=%[5]s -d client_secret=%[6]s -d scope=%[7]s | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

Allocate three bundles to three people:

  curl -s -X PUT %[1]s/%[2]s/lease_/api/account/%[8]s/user-license \
    -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
    -d '{"userIds":["singer-77","singer-88","singer-111"],"userBundleCodes":["RPADEVNU","ATTUNU","TSTNU"],"useExternalLicense":true}'

See what is left:

  curl -s %[1]s/%[2]s/lease_/api/account/%[8]s/user-license -H "Authorization: Bearer $TOKEN"

`, base, demoOrganization, d.Administrator, d.AdministratorPassword, d.Acme.ClientID, d.Acme.ClientSecret, demoScope, d.Acme.Organization)
}
