package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// workload makes a random history with everything that can happen in one.
type workload struct {
	f      *fixture
	random *rand.Rand
	made   int
}

var (
	workloadOrganizations = []seatwright.OrganizationID{"a", "b", "c"} // b provisions, c allows external licenses
	workloadProducts      = []seatwright.ProductCode{"UNATT", "AIU", "ATTUNU", "TSTNU"}
	workloadTenants       = []seatwright.TenantID{"main", "test"}
	workloadCodes         = []seatwright.ProductCode{"ATTUNU", "TSTNU", "RPADEVNU", "RPADEVPRONU", "ACCU"}
)

const workloadUsers = 6

func (w *workload) begin() {
	for _, id := range workloadOrganizations {
		c := seatwright.CreateOrganization{ID: id, Name: "name-" + string(id), UnknownUsers: seatwright.RefuseUnknownUsers, External: id == "c"}
		if id == "b" {
			c.UnknownUsers = seatwright.ProvisionUnknownUsers
		}
		w.f.must(decide(w.f, c))
		w.f.tenants(id, workloadTenants...)
		for i := range workloadUsers {
			w.f.must(decide(w.f, seatwright.CreateUser{
				User: seatwright.User{
					Organization: id, ID: seatwright.UserID(fmt.Sprintf("u-%d", i)), UserName: fmt.Sprintf("Ünïcode %d\u2028", i), Role: seatwright.RoleMember,
					ExternalID: fmt.Sprintf("x%d", i),
				}, UserNameKey: fmt.Sprintf("key %d", i), PasswordHash: "hash",
			}))
		}
	}
	w.f.must(decide(w.f, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "key-1", Sealed: []byte{0, 1, 255}}}))
}

// step does one thing. Refusals are part of it.
func (w *workload) step() {
	w.made++
	w.f.actor, w.f.key = fmt.Sprintf("user/%d", w.random.IntN(3)), ""
	if w.random.IntN(4) == 0 {
		w.f.key = fmt.Sprintf("key-%d", w.random.IntN(20))
	}
	org := workloadOrganizations[w.random.IntN(len(workloadOrganizations))]
	var err error
	if w.random.IntN(8) == 0 {
		value := fmt.Sprint(w.random.IntN(3))
		_, err = decide(w.f, seatwright.ChangeSettings{Organization: org, User: []seatwright.UserID{"", "u-1", "u-2"}[w.random.IntN(3)], Settings: []seatwright.NewSetting{
			{Key: seatwright.SettingKey(fmt.Sprintf("Key.%d", w.random.IntN(4))), Value: []*string{&value, nil}[w.random.IntN(2)]},
		}})
		w.expect(err)
	}
	switch w.random.IntN(43) {
	case 37, 38, 39, 40, 41, 42:
		err = w.units(org)
	case 30, 31, 32, 33, 34, 35, 36:
		err = w.lease(org)
	case 0:
		w.f.clock.advance(time.Duration(w.random.IntN(40)) * time.Minute)
	case 1:
		w.f.clock.advance(-time.Duration(w.random.IntN(20)) * time.Minute)
	case 2, 3:
		start := w.f.clock.Now().Add(time.Duration(w.random.IntN(120)-60) * time.Minute)
		_, err = decide(w.f, seatwright.CreateLot{Lot: seatwright.Lot{
			Organization: org, ID: seatwright.LotID(fmt.Sprintf("lot-%d", w.made)), Code: workloadCodes[w.random.IntN(len(workloadCodes))],
			Quantity: 1 + w.random.Int64N(4), Start: start, End: start.Add(time.Duration(1+w.random.IntN(300)) * time.Minute),
			Grace: time.Duration(w.random.IntN(60)) * time.Minute, Order: "PO",
		}})
	case 4:
		_, err = decide(w.f, seatwright.CreateTenant{Organization: org, ID: seatwright.TenantID(fmt.Sprintf("t-%d", w.made)), Name: fmt.Sprintf("Tenant-%d", w.made)})
	case 5:
		_, err = decide(w.f, seatwright.CreateApplication{Application: seatwright.Application{
			Organization: org, ID: seatwright.ApplicationID(fmt.Sprintf("app-%d", w.made)), Name: "n", Confidential: true, Secrets: []seatwright.ApplicationSecret{{ID: "s", Hash: make([]byte, 32)}},
			Scopes: []seatwright.Scope{"PM.License", "PM.User.Read"},
		}})
		if w.random.IntN(2) == 0 {
			err = errors.Join(err, w.changeApplications(org))
		}
	case 6:
		_, err = decide(w.f, seatwright.DeallocateUsers{Organization: org, Users: w.users(org)})
	case 12:
		// Some of them never end, as where the server is killed meanwhile.
		user := seatwright.UserID(fmt.Sprintf("u-%d", w.random.IntN(workloadUsers+1)))
		result := [...]seatwright.SignInResult{seatwright.SignInSucceeded, seatwright.SignInWrongPassword, seatwright.SignInUserIsNotActive}[w.random.IntN(3)]
		_, err = decide(w.f, seatwright.AdmitSignIn{Organization: org, User: user, Limits: signInLimits})
		if err == nil && w.random.IntN(4) > 0 {
			_, err = decide(w.f, seatwright.FinishSignIn{Organization: org, User: user, Result: result, Limits: signInLimits})
		}
	case 13:
		application := seatwright.ApplicationID(fmt.Sprintf("app-%d", w.random.IntN(w.made)))
		if known, missing := w.f.store.Application(ctx, application); missing == nil {
			result := [...]seatwright.SignInResult{seatwright.SignInSucceeded, seatwright.SignInWrongPassword}[w.random.IntN(2)]
			_, err = decide(w.f, seatwright.SignInApplication{Organization: known.Organization, Application: application, Result: result})
		}
	case 7:
		// One batch that gives, takes and gives again: only the last state is stored, every step is an event.
		users := w.users("b")
		for _, refusal := range together(w.f,
			seatwright.AllocateToUsers{Organization: "b", Users: users, Codes: w.codes()},
			seatwright.AllocateToUsers{Organization: "b", Users: users},
			seatwright.AllocateToUsers{Organization: "b", Users: users, Codes: w.codes()},
		) {
			w.expect(refusal)
		}
	case 8:
		_, err = decide(w.f, seatwright.CreateGroup{
			Organization: org, ID: w.group(), Name: fmt.Sprintf("Group %d", w.random.IntN(6)), Members: w.members(org),
		})
	case 9:
		_, err = decide(w.f, seatwright.UpdateGroup{
			Organization: org, ID: w.group(), Name: fmt.Sprintf("Group %d", w.random.IntN(6)), Add: w.members(org), Remove: w.members("b"),
		})
	case 10:
		robot := seatwright.RobotAccountID(fmt.Sprintf("r-%d", w.random.IntN(3)))
		if _, err = decide(w.f, seatwright.CreateRobotAccount{Organization: org, FreshID: robot, Name: string(robot), Groups: []seatwright.GroupID{w.group()}}); err != nil {
			w.expect(err)
			_, err = decide(w.f, seatwright.DeleteRobotAccounts{Organization: org, IDs: []seatwright.RobotAccountID{robot}})
		}
	case 11:
		if w.random.IntN(3) == 0 {
			_, err = decide(w.f, seatwright.DeleteGroups{Organization: org, IDs: []seatwright.GroupID{w.group()}})
		}
	case 21, 22, 23, 24, 25, 26, 27, 28, 29:
		err = w.distribute(org)
	case 14, 15:
		err = w.changePeople(org)
	default:
		_, err = decide(w.f, seatwright.AllocateToUsers{Organization: org, Users: w.users(org), Codes: w.codes(), External: w.random.IntN(3) == 0})
	}
	w.expect(err)
}

// lease sets and removes rules, signs people in, and ends what they hold through groups.
func (w *workload) lease(org seatwright.OrganizationID) (err error) {
	group := []seatwright.GroupID{"g-0", "g-1", "g-2", "everyone", "administrators"}[w.random.IntN(5)]
	user := seatwright.UserID(fmt.Sprintf("u-%d", w.random.IntN(workloadUsers)))
	session := seatwright.SessionID(fmt.Sprintf("s-%d", w.random.IntN(4)))
	switch w.random.IntN(12) {
	case 0, 1:
		c := seatwright.SetGroupRule{Organization: org, Group: group, Codes: w.codes(), KeepQuotas: w.random.IntN(2) == 0}
		if len(c.Codes) > 0 && !c.KeepQuotas {
			c.Quotas = []seatwright.Quota{{Code: c.Codes[0], Limit: 1 + w.random.Int64N(2)}}
		}
		_, err = decide(w.f, c)
	case 2:
		_, err = decide(w.f, seatwright.RemoveGroupRule{Organization: org, Group: group})
	case 3:
		_, err = decide(w.f, seatwright.RevokeLeases{Organization: org, Group: group, Users: w.users(org)})
	case 4:
		_, err = decide(w.f, seatwright.ReleaseLeases{Organization: org, User: user})
	case 5:
		c := seatwright.ChangePolicies{Organization: org, InactiveDays: to(1 + w.random.Int64N(3))}
		c.AllocationMode = to([]seatwright.AllocationMode{seatwright.ReplaceLeases, seatwright.AddToLeases}[w.random.IntN(2)])
		c.OnLeave = to([]seatwright.OnLeave{seatwright.ReleaseOnLeave, seatwright.OrphanOnLeave}[w.random.IntN(2)])
		_, err = decide(w.f, c)
	case 6:
		w.f.clock.advance(time.Duration(w.random.IntN(20)) * time.Hour)
		sweepable, readErr := w.f.store.SweepableLeases(ctx, 3)
		w.f.must(nil, readErr)
		for of, users := range sweepable {
			_, swept := decide(w.f, seatwright.SweepLeases{Organization: of, Users: users})
			err = errors.Join(err, swept)
		}
	case 7:
		_, err = decide(w.f, seatwright.CloseSession{Organization: org, Session: session, User: user})
	default:
		_, err = decide(w.f, seatwright.OpenSession{Organization: org, User: user, Session: session, GlobalID: fmt.Sprint(w.made), ClientType: "studio"})
	}
	return err
}

// units takes leases of units, renews, changes and gives them back, and consumes.
func (w *workload) units(org seatwright.OrganizationID) (err error) {
	service := []seatwright.ServiceType{"orchestrator", "aicenter"}[w.random.IntN(2)]
	key := seatwright.ServiceKey{PoolScope: seatwright.PoolScope{Tenant: workloadTenants[w.random.IntN(2)], Service: service}, Code: workloadProducts[w.random.IntN(2)]}
	ref := seatwright.UnitLeaseRef{ServiceKey: key, ID: seatwright.UnitLeaseID(fmt.Sprintf("l-%d", w.random.IntN(6)))}
	switch w.random.IntN(9) {
	case 0:
		_, err = decide(w.f, seatwright.ReleaseUnits{Organization: org, Leases: []seatwright.UnitLeaseRef{ref}, Anybodys: w.random.IntN(2) == 0})
	case 1:
		w.f.clock.advance(time.Duration(w.random.IntN(60)) * time.Minute)
		due, readErr := w.f.store.SweepableUnits(ctx, 3)
		w.f.must(nil, readErr)
		for _, d := range due {
			_, swept := decide(w.f, seatwright.SweepUnits{Organization: d.Organization, Codes: []seatwright.ProductCode{d.Code}})
			err = errors.Join(err, swept)
		}
	case 2:
		_, err = decide(w.f, seatwright.ChangePolicies{
			Organization: org, UnitLeaseMinutes: to(1 + w.random.Int64N(90)), Overdraft: to([]seatwright.Overdraft{seatwright.RefuseOverdraft, seatwright.AllowOverdraft}[w.random.IntN(2)]),
		})
	default:
		c := seatwright.AcquireUnits{Organization: org, Lease: ref, Overdraft: w.random.IntN(4) == 0}
		if w.random.IntN(3) > 0 {
			c.Quantity = to(w.random.Int64N(3 * seatwright.UnitParts))
		}
		_, err = decide(w.f, c)
	}
	return err
}

// distribute buys for the host and for organizations, distributes, gives to services, and takes back.
func (w *workload) distribute(org seatwright.OrganizationID) (err error) {
	tenant := workloadTenants[w.random.IntN(len(workloadTenants))]
	service := []seatwright.ServiceType{"orchestrator", "aicenter"}[w.random.IntN(2)]
	var products []seatwright.Quantity
	for _, code := range workloadProducts {
		if w.random.IntN(2) == 0 {
			products = append(products, seatwright.Quantity{Code: code, Units: w.random.Int64N(4)})
		}
	}
	switch w.random.IntN(13) {
	case 0, 1, 8, 9:
		start := w.f.clock.Now().Add(time.Duration(w.random.IntN(60)-50) * time.Minute)
		_, err = decide(w.f, seatwright.CreateLot{Lot: seatwright.Lot{
			Organization: []seatwright.OrganizationID{seatwright.HostID, seatwright.HostID, org}[w.random.IntN(3)], ID: seatwright.LotID(fmt.Sprintf("lot-%d", w.made)),
			Code: workloadProducts[w.random.IntN(len(workloadProducts))], Quantity: 1 + w.random.Int64N(8),
			Start: start, End: start.Add(time.Duration(60+w.random.IntN(900)) * time.Minute), Grace: time.Duration(w.random.IntN(60)) * time.Minute,
		}})
	case 2:
		_, err = decide(w.f, seatwright.AlignDistribution{Organization: org})
	case 3:
		_, err = decide(w.f, seatwright.RemoveOrganizationLicense{Organization: org})
	case 4:
		_, err = decide(w.f, seatwright.RemoveServices{Organization: org, Tenant: tenant, Service: []seatwright.ServiceType{"", service}[w.random.IntN(2)]})
	case 5, 6, 7:
		products = slices.DeleteFunc(products, func(q seatwright.Quantity) bool { return q.Code == "ATTUNU" || q.Code == "TSTNU" })
		_, err = decide(w.f, seatwright.AllocateToService{Organization: org, Tenant: tenant, Service: service, Products: products})
	default:
		_, err = decide(w.f, seatwright.DistributeToOrganization{Organization: org, Products: products})
	}
	return err
}

// changeApplications changes and removes applications, and makes, shows and ends grants.
func (w *workload) changeApplications(org seatwright.OrganizationID) (err error) {
	application := seatwright.ApplicationID(fmt.Sprintf("app-%d", w.random.IntN(w.made+1)))
	grant := seatwright.GrantID(fmt.Sprintf("grant-%d", w.random.IntN(6)))
	user := seatwright.UserID(fmt.Sprintf("u-%d", w.random.IntN(workloadUsers)))
	switch w.random.IntN(5) {
	case 0:
		scopes := []seatwright.Scope{"PM.Audit"}
		_, err = decide(w.f, seatwright.ChangeApplication{
			Organization: org, ID: application, UserScopes: &scopes, AddSecret: &seatwright.ApplicationSecret{ID: fmt.Sprint(w.made), Hash: make([]byte, 32)},
		})
	case 1:
		_, err = decide(w.f, seatwright.DeleteApplications{Organization: org, IDs: []seatwright.ApplicationID{application}})
	case 2:
		_, err = decide(w.f, seatwright.RevokeGrant{Grant: seatwright.Grant{Organization: org, ID: grant, Application: application, ExpiresAt: w.f.clock.Now()}})
	case 3:
		_, err = decide(w.f, seatwright.DeletePersonalTokens{Organization: org, IDs: []seatwright.GrantID{grant}})
	default:
		_, err = decide(w.f, seatwright.CreateGrant{Grant: seatwright.Grant{
			Organization: org, ID: seatwright.GrantID(fmt.Sprintf("grant-%d", w.made)), Kind: seatwright.GrantPersonal, User: user,
			Scopes: []seatwright.Scope{"PM.License", "PM.Audit"}, SecretHash: make([]byte, 32), ExpiresAt: w.f.clock.Now().Add(time.Hour),
		}})
	}
	return err
}

// changePeople changes, removes and makes people.
func (w *workload) changePeople(org seatwright.OrganizationID) (err error) {
	users := w.users(org)
	switch w.random.IntN(6) {
	case 0:
		_, err = decide(w.f, seatwright.DeleteUsers{Organization: org, Users: users[:1]})
	case 3:
		// One batch in which somebody goes and comes again, with other seats.
		first, origin := users[:1], seatwright.Origin{Actor: "user/0", Via: "test", RequestID: "request"}
		gone := seatwright.DeleteUsers{Organization: org, Users: first}
		again := seatwright.CreateUser{User: seatwright.User{Organization: org, ID: first[0], Role: seatwright.RoleMember}}
		seats := seatwright.AllocateToUsers{Organization: org, Users: first, Codes: w.codes()}
		touches := slices.Concat(gone.Touches(), again.Touches(), seats.Touches())
		err = w.f.store.Update(ctx, seatwright.LoadRequest{Touches: touches}, func(s *seatwright.Slice) error {
			_, goneErr := seatwright.Decide(s, origin, gone, nil)
			_, againErr := seatwright.Decide(s, origin, again, nil)
			_, seatsErr := seatwright.Decide(s, origin, seats, nil)
			w.expect(errors.Join(goneErr, againErr, seatsErr))
			return nil
		})
	case 1:
		_, err = decide(w.f, seatwright.ChangePassword{Organization: org, User: users[0], OldHash: "hash", PasswordHash: "hash"})
	case 2:
		_, err = decide(w.f, seatwright.CreateUsers{Organization: org, Users: []seatwright.CreateUser{{
			User:         seatwright.User{Organization: org, ID: users[0], Role: seatwright.RoleMember, InvitationAccepted: true, UserName: "n"},
			PasswordHash: "hash", UserNameKey: fmt.Sprint("made ", w.made),
		}}})
	default:
		active := w.random.IntN(3) > 0
		name := fmt.Sprint("Name ", w.random.IntN(2))
		_, err = decide(w.f, seatwright.UpdateUser{Organization: org, User: users[0], Active: &active, FirstName: &name, PasswordHash: [...]string{"", "another hash"}[w.random.IntN(2)]})
	}
	return err
}

// expect lets refusals pass.
func (w *workload) expect(err error) {
	if err != nil && (seatwright.IsKind(err, seatwright.KindInternal) || seatwright.IsKind(err, seatwright.KindUnavailable)) {
		w.f.Fatal(err)
	}
}

func (w *workload) group() seatwright.GroupID {
	return seatwright.GroupID(fmt.Sprintf("g-%d", w.random.IntN(3)))
}

func (w *workload) members(org seatwright.OrganizationID) (members []string) {
	for _, user := range w.users(org) {
		members = append(members, string(user))
	}
	return append(members, fmt.Sprintf("r-%d", w.random.IntN(3)))
}

func (w *workload) users(org seatwright.OrganizationID) (users []seatwright.UserID) {
	for i := range workloadUsers {
		if w.random.IntN(3) == 0 {
			users = append(users, seatwright.UserID(fmt.Sprintf("u-%d", i)))
		}
	}
	if len(users) == 0 || org == "b" {
		users = append(users, seatwright.UserID(fmt.Sprintf("u-%d", workloadUsers+w.random.IntN(3))))
	}
	return users
}

func (w *workload) codes() (codes []seatwright.ProductCode) {
	for _, i := range w.random.Perm(len(workloadCodes)) {
		if w.random.IntN(3) == 0 {
			codes = append(codes, workloadCodes[i])
		}
	}
	return codes
}
