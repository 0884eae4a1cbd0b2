// Package storetest is the contract of seatwright.Store as tests. A store's own test file calls Run and nothing else; there
// are no switches for what one store cannot do.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatwright/seatwright"
)

// Opener opens an empty store that reads the given clock and is closed when the test ends.
type Opener func(t *testing.T, clock func() time.Time) seatwright.Store

// Run runs the whole contract, each test on a fresh store.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(*fixture){
		"KeepsWhatWasWritten":                     keepsWhatWasWritten,
		"FindsByNameWithoutLetterCase":            findsByName,
		"ComparesIDsExactly":                      comparesIDsExactly,
		"MissingThingsAreNotFound":                missingThings,
		"RollsBackWhenTheDecisionFails":           rollsBackOnError,
		"RollsBackWhenTheDecisionPanics":          rollsBackOnPanic,
		"WritesNothingWhereNothingChanged":        writesNothing,
		"RefusesToOversell":                       refusesToOversell,
		"RefusesASeatOfNobody":                    refusesASeatOfNobody,
		"RefusesASecondSeat":                      refusesASecondSeat,
		"LastSeatHasOneWinner":                    lastSeatHasOneWinner,
		"TimeNeverRunsBackwards":                  timeNeverRunsBackwards,
		"CutsInstantsToMicroseconds":              cutsInstants,
		"LotsStartAndEndByThemselves":             lotsStartAndEnd,
		"ChangesPurchases":                        changesPurchases,
		"RefusesPurchasesThatCannotBe":            refusesPurchases,
		"RemovesPurchases":                        removesPurchases,
		"PurchasesShrinkAsThePolicySays":          purchasesShrink,
		"ImportsLicenseFilesOnce":                 importsLicenseFiles,
		"RefusesLicenseFilesAsAWhole":             refusesLicenseFiles,
		"DeactivatesLicenseFilesOnce":             deactivatesLicenseFiles,
		"TotalsChangeByThemselves":                totalsChangeByThemselves,
		"TellsOfPurchasesThatEnd":                 tellsOfEnds,
		"TellsOfPoolsThatRunLow":                  tellsOfUse,
		"TellsOnce":                               tellsOnce,
		"ReleasesWhatADecisionTakesAway":          releases,
		"RepeatsTheFirstAnswerToAKey":             repeatsAnswers,
		"ForgetsAKeyAfterADay":                    forgetsKeys,
		"KeysOfOthersNeverMeet":                   keysNeverMeet,
		"NamesAndIDsAreTakenOnce":                 namesAreTakenOnce,
		"EventsComeInOrderAndInPages":             eventsInPages,
		"CountsFailedSignIns":                     countsFailedSignIns,
		"AnotherPasswordUnlocks":                  anotherPasswordUnlocks,
		"ListsTheSignInsOfAPerson":                listsSignIns,
		"ASignInOfNobodyLeavesTheChainAsItIs":     signInOfNobody,
		"SearchesEvents":                          searchesEvents,
		"FindsPeopleByID":                         findsPeople,
		"RefusesWorkWhenClosed":                   refusesWhenClosed,
		"ACancelledCallChangesNothing":            cancelledCall,
		"ManyOrganizationsInOneBatch":             manyOrganizations,
		"OneFutureHeadMovesNoOther":               oneFutureHead,
		"ARefusedCommandLeavesNoName":             refusedTenant,
		"ManyOrganizationsAreKeptApart":           tenThousandOrganizations,
		"ProvisionsUnknownUsersWhereThatIsWanted": provisions,
		"KeepsWhatTheHostDistributes":             keepsDistribution,
		"DistributionEndsWithTheHost":             distributionEnds,
		"KeepsWhatServicesHave":                   keepsServices,
		"TheLastUnitsGoOnce":                      lastUnitsGoOnce,
		"ADistributionIsRolledBackAsAWhole":       distributionRollsBack,
		"KeepsSettings":                           keepsSettings,
		"KeepsGroupsAndRobotAccounts":             keepsGroups,
		"RefusesGroupsThatCannotBe":               refusesGroups,
		"ARobotAccountLeavesItsTwinAlone":         twinsOfRobots,
		"AGroupDoesNotComeBackInOneBatch":         groupsInOneBatch,
		"GroupsFollowTheModel":                    groupsFollowTheModel,
		"RefusesChangesOfNobody":                  refusesChangesOfNobody,
		"ChangesPeople":                           changesPeople,
		"WhoIsGoneHoldsNothing":                   goneHoldNothing,
		"NamesOfTheGoneAreFree":                   namesOfTheGoneAreFree,
		"TheLastAdministratorStays":               lastAdministratorStays,
		"MakesManyPeopleOrNone":                   makesManyOrNone,
		"ListsPeople":                             listsPeople,
		"ChangesApplications":                     changesApplications,
		"AnApplicationDoesNotComeBackInOneBatch":  applicationsInOneBatch,
		"AGrantIsShownOnce":                       grantsAreShownOnce,
		"AGrantEndsWithWhatItIsOf":                grantsEnd,
		"PersonalTokensAreTheirPersonsOwn":        personalTokens,
		"EndedGrantsAreCleared":                   endedGrantsAreCleared,
		"SearchesPeople":                          searchesPeople,
		"AStormIsFewRowsAndEvents":                stormOfRefusals,
		"ListsDenials":                            listsDenials,
		"CountsDenials":                           countsDenials,
		"DenialsEndWithTheGrant":                  denialsEnd,
		"TheDeletedLeaveTheirDenials":             deletedLeaveTheirDenials,
		"LeasesAreTakenAndEnd":                    leasesLive,
		"PeopleAreListedWithWhatTheyHold":         heldCodesOfEverybody,
		"LeasesEndWithTheirOffer":                 offersEnd,
		"QuotasHold":                              quotasHold,
		"LeaversLoseTheirLeases":                  leaversLeases,
		"DirectBeatsInherited":                    directBeatsInherited,
		"TheStrongestFreeBundleIsTaken":           strongestIsTaken,
		"SessionsGoOnAndEnd":                      sessions,
		"UnitsAreShared":                          unitsAreShared,
		"SharedUnitsComeFree":                     unitsComeFree,
		"OnlyLeasesInForceCount":                  onlyWhatIsInForceCounts,
		"ReplacedLeasesAreSwept":                  replacedLeasesAreSwept,
		"SessionsOfAPersonAreBounded":             sessionsAreBounded,
		"LeasesRaceForTheLastUnit":                leasesRace,
		"FindsPeopleByNameAndMail":                findsPeopleByName,
		"ListsRules":                              listsRules,
		"ListsWhoLeases":                          listsLeaseHolders,
		"ListsWhoHoldsDirectly":                   listsDirectHolders,
		"ListsWhoHoldsACode":                      listsSeatHolders,
		"CountsTheUnitsInUse":                     countsUnitsInUse,
		"AddsToTheListOfDirectAllocations":        addsToUsers,
		"FindsGroupsAndApplications":              findsGroupsAndApplications,
		"UnitsAreLeased":                          unitsAreLeased,
		"UnitsRunOut":                             unitsRunOut,
		"UsedUnitsStayUsed":                       usedUnitsStayUsed,
		"AbandonedUnitsComeFree":                  abandonedUnitsComeFree,
		"TheLastUnitsAreUsedOnce":                 lastUnitsAreUsedOnce,
		"UnitsInOneBatch":                         unitsInOneBatch,
		"ConsumptionIsMetered":                    consumptionIsMetered,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fixture{T: t, clock: &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}}
			f.store = open(t, f.clock.Now)
			f.must(decide(f, seatwright.CreateHost{}))
			test(f)
		})
	}
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type fixture struct {
	*testing.T
	clock *clock
	store seatwright.Store
	key   string
	actor string
}

var ctx = context.Background()

// decide runs one command as a batch of its own.
func decide[A any](f *fixture, c seatwright.Command[A]) (answer A, err error) {
	origin := seatwright.Origin{Actor: f.actor, Via: "test", RequestID: "request", Key: f.key}
	request := seatwright.LoadRequest{Touches: c.Touches()}
	key, err := seatwright.KeyOf(c, origin)
	if err != nil {
		return answer, err
	}
	if key != nil {
		request.Keys = append(request.Keys, key.KeyRef)
	}
	var refusal error
	err = f.store.Update(ctx, request, func(s *seatwright.Slice) error {
		answer, refusal = seatwright.Decide(s, origin, c, key)
		return nil
	})
	return answer, errors.Join(err, refusal)
}

func (f *fixture) must(_ any, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) wantReason(err error, reason seatwright.Reason) {
	f.Helper()
	if !seatwright.IsReason(err, reason) {
		f.Fatalf("got %v, want %s", err, reason)
	}
}

// organization makes an organization with people u-1 … u-n and a lot of quantity units of code ATTUNU that lasts a year.
func (f *fixture) organization(id string, people int, quantity int64) {
	f.Helper()
	org := seatwright.OrganizationID(id)
	f.must(decide(f, seatwright.CreateOrganization{ID: org, Name: "name-" + id, UnknownUsers: seatwright.RefuseUnknownUsers}))
	for i := range people {
		user := seatwright.UserID(fmt.Sprintf("u-%d", i+1))
		f.must(decide(f, seatwright.CreateUser{User: seatwright.User{Organization: org, ID: user, Role: seatwright.RoleMember}}))
	}
	if quantity > 0 {
		f.buy(id, "lot-1", quantity, 0, 365*24*time.Hour)
	}
}

func (f *fixture) buy(org, lot string, quantity int64, startIn, life time.Duration) {
	f.Helper()
	start := f.clock.Now().Add(startIn)
	f.must(decide(f, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: seatwright.OrganizationID(org), ID: seatwright.LotID(lot), Code: "ATTUNU", Quantity: quantity, Start: start, End: start.Add(life),
	}}))
}

func (f *fixture) allocate(org string, codes []seatwright.ProductCode, users ...seatwright.UserID) error {
	_, err := decide(f, seatwright.AllocateToUsers{Organization: seatwright.OrganizationID(org), Users: users, Codes: codes})
	return err
}

var attended = []seatwright.ProductCode{"ATTUNU"}

func (f *fixture) wantPool(org string, used, total int64) {
	f.Helper()
	pools, err := f.store.Pools(ctx, seatwright.OrganizationID(org))
	f.must(nil, err)
	if len(pools) != 1 || pools[0].Used != used || pools[0].Total != total {
		f.Fatalf("pools are %+v, want one with %d of %d used", pools, used, total)
	}
	units, err := f.store.SeatUnits(ctx, seatwright.OrganizationID(org))
	f.must(nil, err)
	if units["ATTUNU"] != used {
		f.Fatalf("the seats have %d units, the pool says %d", units["ATTUNU"], used)
	}
}

func (f *fixture) events(org string) []seatwright.Event {
	f.Helper()
	events, err := f.store.Events(ctx, seatwright.OrganizationID(org), 0, 1000)
	f.must(nil, err)
	head, err := f.store.Head(ctx, seatwright.OrganizationID(org))
	f.must(nil, err)
	end, err := seatwright.VerifyChain(seatwright.Head{Organization: head.Organization, Hash: seatwright.NoHash()}, events)
	f.must(nil, err)
	if end.Sequence != head.Sequence || !bytes.Equal(end.Hash, head.Hash) || !end.At.Equal(head.At) {
		f.Fatalf("the chain ends with %+v, the head says %+v", end, head)
	}
	return events
}

func keepsWhatWasWritten(f *fixture) {
	f.organization("a", 2, 10)
	f.must(decide(f, seatwright.CreateTenant{Organization: "a", ID: "t", Name: "Default"}))
	f.must(decide(f, seatwright.CreateApplication{Application: seatwright.Application{
		Organization: "a", ID: "client", Name: "script", Confidential: true, Secrets: []seatwright.ApplicationSecret{{ID: "s", Hash: make([]byte, 32)}}, Scopes: []seatwright.Scope{"PM.License", "PM.User"},
	}}))
	f.must(decide(f, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "k1", Sealed: []byte{1}}}))
	f.clock.advance(time.Second)
	f.must(decide(f, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "k2", Sealed: []byte{2}}}))
	f.must(decide(f, seatwright.CreateUser{
		User: seatwright.User{
			Organization: "a", ID: "u-9", UserName: "Ann", ExternalID: "x", Email: "ann@example.org", FirstName: "Ann", LastName: "Lee",
			DisplayName: "Ann Lee", Role: seatwright.RoleOrganizationAdministrator,
		}, UserNameKey: "ann", PasswordHash: "hash",
	}))
	f.must(nil, f.allocate("a", attended, "u-1"))

	user, err := f.store.User(ctx, "a", "u-9")
	f.must(nil, err)
	want := seatwright.User{
		Organization: "a", ID: "u-9", UserName: "Ann", ExternalID: "x", Email: "ann@example.org", FirstName: "Ann", LastName: "Lee",
		DisplayName: "Ann Lee", Role: seatwright.RoleOrganizationAdministrator, Active: true, PasswordHash: "hash", CreatedAt: f.clock.Now(),
	}
	if user != want {
		f.Errorf("user is %+v, want %+v", user, want)
	}
	app, err := f.store.Application(ctx, "client")
	f.must(nil, err)
	if app.Organization != "a" || app.Name != "script" || len(app.Secrets) != 1 || len(app.Secrets[0].Hash) != 32 || len(app.Scopes) != 2 {
		f.Errorf("application is %+v", app)
	}
	keys, err := f.store.SigningKeys(ctx)
	f.must(nil, err)
	if len(keys) != 2 || keys[0].ID != "k2" || keys[1].ID != "k1" || !bytes.Equal(keys[0].Sealed, []byte{2}) {
		f.Errorf("signing keys are %+v, want k2 before k1", keys)
	}
	found, err := f.store.Allocations(ctx, "a", []seatwright.UserID{"u-2", "u-1", "nobody"})
	f.must(nil, err)
	if len(found) != 1 || found[0].User != "u-1" || !slices.Equal(found[0].Codes, attended) || found[0].Person.ID != "u-1" {
		f.Errorf("allocations are %+v, want that of u-1", found)
	}
	f.wantPool("a", 1, 10)
	if n := len(f.events("a")); n != 8 {
		f.Errorf("%d events, want 8", n)
	}
}

func findsByName(f *fixture) {
	f.organization("a", 0, 0)
	f.must(decide(f, seatwright.CreateTenant{Organization: "a", ID: "t", Name: "Default"}))
	org, err := f.store.OrganizationByName(ctx, seatwright.NameKey("NAME-A"))
	f.must(nil, err)
	tenants, err := f.store.TenantsByName(ctx, seatwright.NameKey("DEFAULT"))
	f.must(nil, err)
	if org.ID != "a" || len(tenants) != 1 || tenants[0].Name != "Default" {
		f.Errorf("found %+v and %+v", org, tenants)
	}
}

// Guards against collations that fold: twins in letter case are two people and two codes.
func comparesIDsExactly(f *fixture) {
	f.organization("a", 1, 10)
	f.must(decide(f, seatwright.CreateUser{User: seatwright.User{Organization: "a", ID: "U-1", Role: seatwright.RoleMember}}))
	f.must(nil, f.allocate("a", attended, "U-1"))
	found, err := f.store.Allocations(ctx, "a", []seatwright.UserID{"u-1"})
	f.must(nil, err)
	if len(found) != 0 {
		f.Errorf("u-1 has the allocation of U-1: %+v", found)
	}
	f.wantReason(f.allocate("a", []seatwright.ProductCode{"attunu"}, "u-1"), seatwright.ReasonPoolExhausted)
	_, err = f.store.Organization(ctx, "A")
	f.wantReason(err, seatwright.ReasonOrganizationNotFound)
}

func missingThings(f *fixture) {
	f.organization("a", 0, 0)
	_, errOrganization := f.store.Organization(ctx, "nowhere")
	_, errName := f.store.OrganizationByName(ctx, "nowhere")
	_, errUser := f.store.User(ctx, "a", "nobody")
	_, errUserName := f.store.UserByName(ctx, "a", "nobody")
	_, errApplication := f.store.Application(ctx, "nothing")
	_, errHead := f.store.Head(ctx, "nowhere")
	for i, err := range []error{errOrganization, errName, errUser, errUserName, errApplication, errHead} {
		if !seatwright.IsKind(err, seatwright.KindNotFound) {
			f.Errorf("%d: got %v, want not found", i, err)
		}
	}
	if err := f.allocate("nowhere", attended, "u-1"); !seatwright.IsReason(err, seatwright.ReasonOrganizationNotFound) {
		f.Errorf("allocating in no organization: %v", err)
	}
	pools, err := f.store.Pools(ctx, "nowhere")
	if err != nil || len(pools) != 0 {
		f.Errorf("pools of no organization: %v, %v", pools, err)
	}
}

func releases(f *fixture) {
	f.organization("a", 2, 2)
	f.must(nil, f.allocate("a", attended, "u-1", "u-2"))
	f.must(nil, f.allocate("a", nil, "u-1"))
	f.wantPool("a", 1, 2)
	answer, err := decide(f, seatwright.DeallocateUsers{Organization: "a", Users: []seatwright.UserID{"u-2", "u-1", "nobody"}})
	f.must(nil, err)
	if !slices.Equal(answer.Removed, []seatwright.UserID{"u-2", "u-1"}) || !slices.Equal(answer.Unknown, []seatwright.UserID{"nobody"}) {
		f.Errorf("answer is %+v", answer)
	}
	f.wantPool("a", 0, 2)
	found, err := f.store.Allocations(ctx, "a", []seatwright.UserID{"u-1", "u-2"})
	f.must(nil, err)
	if len(found) != 0 {
		f.Errorf("records were left: %+v", found)
	}
}

func namesAreTakenOnce(f *fixture) {
	f.organization("a", 1, 1)
	user := seatwright.CreateUser{User: seatwright.User{Organization: "a", ID: "u-2", UserName: "Ann", ExternalID: "x", Role: seatwright.RoleMember}, UserNameKey: "ann"}
	tenant := seatwright.CreateTenant{Organization: "a", ID: "t", Name: "Default"}
	app := seatwright.CreateApplication{Application: seatwright.Application{Organization: "a", ID: "c", Confidential: true, Secrets: []seatwright.ApplicationSecret{{ID: "s", Hash: make([]byte, 32)}}}}
	f.must(decide(f, user))
	f.must(decide(f, tenant))
	f.must(decide(f, app))
	f.organization("b", 0, 0)

	sameID, sameName, sameExternal := user, user, user
	sameID.User.ExternalID, sameID.UserNameKey = "", ""
	sameName.User.ID, sameName.User.ExternalID = "u-3", ""
	sameExternal.User.ID, sameExternal.UserNameKey = "u-3", ""
	for name, c := range map[string]seatwright.CreateUser{"id": sameID, "user name": sameName, "external id": sameExternal} {
		if _, err := decide(f, c); !seatwright.IsReason(err, seatwright.ReasonDuplicate) {
			f.Errorf("a user with the same %s: %v", name, err)
		}
	}
	app.Application.Organization = "b"
	tenantID, tenantName := tenant, tenant
	tenantID.Name, tenantName.ID, tenantName.Name = "Other", "t2", "DEFAULT"
	_, errApp := decide(f, app)
	_, errTenantID := decide(f, tenantID)
	_, errTenantName := decide(f, tenantName)
	_, errName := decide(f, seatwright.CreateOrganization{ID: "c", Name: strings.ToUpper("name-a")})
	_, errID := decide(f, seatwright.CreateOrganization{ID: "a", Name: "other"})
	_, errIDIsAName := decide(f, seatwright.CreateOrganization{ID: "Name-A", Name: "other"})
	_, errNameIsAnID := decide(f, seatwright.CreateOrganization{ID: "c", Name: "A"})
	_, errLot := decide(f, seatwright.CreateLot{Lot: seatwright.Lot{Organization: "a", ID: "lot-1", Code: "TSTNU", Quantity: 1, End: f.clock.Now().Add(time.Hour)}})
	for i, err := range []error{errApp, errTenantID, errTenantName, errName, errID, errIDIsAName, errNameIsAnID, errLot} {
		if !seatwright.IsReason(err, seatwright.ReasonDuplicate) {
			f.Errorf("%d: %v, want duplicate", i, err)
		}
	}
	user.User.Organization, tenant.Organization = "b", "b"
	f.must(decide(f, user))
	f.must(decide(f, tenant))
}

func eventsInPages(f *fixture) {
	f.organization("a", 5, 1)
	all := f.events("a")
	var paged []seatwright.Event
	for after := int64(0); ; {
		page, err := f.store.Events(ctx, "a", after, 2)
		f.must(nil, err)
		if len(page) == 0 {
			break
		}
		paged, after = append(paged, page...), page[len(page)-1].Sequence
	}
	if len(paged) != len(all) {
		f.Errorf("%d events in pages, %d at once", len(paged), len(all))
	}
}

// Guards that one batch may touch several organizations, each with a chain and a pool of its own.
func manyOrganizations(f *fixture) {
	f.organization("a", 1, 1)
	f.organization("b", 1, 1)
	commands := []seatwright.AllocateToUsers{
		{Organization: "b", Users: []seatwright.UserID{"u-1"}, Codes: attended},
		{Organization: "a", Users: []seatwright.UserID{"u-1"}, Codes: attended},
		{Organization: "b", Users: []seatwright.UserID{"u-1"}, Codes: nil},
	}
	for i, err := range together(f, commands...) {
		if err != nil {
			f.Errorf("command %d: %v", i, err)
		}
	}
	f.wantPool("a", 1, 1)
	f.wantPool("b", 0, 1)
	if len(f.events("b")) != len(f.events("a"))+1 {
		f.Error("the chain of b should have one event more")
	}
}

func provisions(f *fixture) {
	f.must(decide(f, seatwright.CreateOrganization{ID: "p", Name: "p", UnknownUsers: seatwright.ProvisionUnknownUsers}))
	f.buy("p", "lot", 5, 0, time.Hour)
	f.must(nil, f.allocate("p", attended, "from-elsewhere"))
	f.wantPool("p", 1, 5)
	user, err := f.store.User(ctx, "p", "from-elsewhere")
	f.must(nil, err)
	if !user.Active || user.Role != seatwright.RoleMember || user.UserName != "" {
		f.Errorf("the person is %+v", user)
	}
}

// together runs commands of one kind as one batch and returns their refusals.
func together[C seatwright.Command[A], A any](f *fixture, commands ...C) []error {
	f.Helper()
	var request seatwright.LoadRequest
	for _, c := range commands {
		request.Touches = append(request.Touches, c.Touches()...)
	}
	refusals := make([]error, len(commands))
	f.must(nil, f.store.Update(ctx, request, func(s *seatwright.Slice) error {
		for i, c := range commands {
			_, refusals[i] = seatwright.Decide(s, seatwright.Origin{}, c, nil)
		}
		return nil
	}))
	return refusals
}

// Guards what a store remembers between batches: more organizations than it keeps must not make it forget in the middle of one.
func tenThousandOrganizations(f *fixture) {
	const organizations, batch = 10_100, 2020
	name := func(i int) seatwright.OrganizationID { return seatwright.OrganizationID(fmt.Sprintf("o-%d", i)) }
	for from := 0; from < organizations; from += batch {
		var create []seatwright.CreateOrganization
		for i := from; i < from+batch; i++ {
			create = append(create, seatwright.CreateOrganization{ID: name(i), Name: "name-" + string(name(i)), UnknownUsers: seatwright.ProvisionUnknownUsers})
		}
		together(f, create...)
	}
	f.buy("o-0", "first", 10, 0, time.Hour)
	used := int64(0)
	for from := 0; from < organizations; from += batch {
		var use []seatwright.AllocateToUsers
		for i := from; i < from+batch; i++ {
			use = append(use, seatwright.AllocateToUsers{Organization: name(i), Users: []seatwright.UserID{"x"}})
		}
		used++
		seat := seatwright.AllocateToUsers{Organization: "o-0", Users: []seatwright.UserID{seatwright.UserID(fmt.Sprintf("u-%d", used))}, Codes: attended}
		if refusals := together(f, append(use, seat)...); refusals[batch] != nil {
			f.Fatalf("seat %d of ten: %v", used, refusals[batch])
		}
		f.wantPool("o-0", used, 10)
	}
}
