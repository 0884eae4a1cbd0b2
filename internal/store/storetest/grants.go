package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seatwright/seatwright"
)

// program is an application with everything that one can have.
func program(org seatwright.OrganizationID, id seatwright.ApplicationID) seatwright.Application {
	return seatwright.Application{
		Organization: org, ID: id, Name: "Ünïcode \"name\"", Confidential: true, RedirectURIs: []string{"https://a.example/x?y=1", "http://127.0.0.1:9/"},
		Scopes: []seatwright.Scope{"PM.License.Read"}, UserScopes: []seatwright.Scope{"PM.User", "PM.Audit"},
		Secrets: []seatwright.ApplicationSecret{{ID: "one", Description: "the \"first\"", Hash: seatwright.HashOf("1")}},
	}
}

// Guards that an application is read as it was stored, changes and goes, and that nobody else's is touched.
func changesApplications(f *fixture) {
	for _, org := range []string{"a", "b"} {
		f.organization(org, 1, 0)
		f.must(decide(f, seatwright.CreateApplication{Application: program(seatwright.OrganizationID(org), seatwright.ApplicationID("of-"+org))}))
	}
	want := program("a", "of-a")
	want.CreatedAt, want.ModifiedAt = f.clock.Now(), f.clock.Now()
	want.Secrets[0].CreatedAt = f.clock.Now()
	f.wantApplication(want)

	f.clock.advance(time.Second)
	ends := f.clock.Now().Add(time.Hour)
	name, addresses, scopes := "other", []string{"app.example:/back"}, []seatwright.Scope{}
	answer, err := decide(f, seatwright.ChangeApplication{
		Organization: "a", ID: "of-a", Name: &name, RedirectURIs: &addresses, Scopes: &scopes, RemoveSecret: "one",
		AddSecret: &seatwright.ApplicationSecret{ID: "two", Hash: seatwright.HashOf("2"), ExpiresAt: ends},
	})
	f.must(nil, err)
	want.Name, want.RedirectURIs, want.Scopes, want.ModifiedAt = name, addresses, nil, f.clock.Now()
	want.Secrets = []seatwright.ApplicationSecret{{ID: "two", Hash: seatwright.HashOf("2"), CreatedAt: f.clock.Now(), ExpiresAt: ends}}
	f.wantApplication(want)
	if len(answer.Secrets) != 1 || answer.Secrets[0].ID != "two" {
		f.Errorf("the answer is %+v", answer)
	}
	for what, refused := range map[string]error{
		"a foreign one":     f.refusal(decide(f, seatwright.ChangeApplication{Organization: "b", ID: "of-a", Name: &name})),
		"deletion":          f.refusal(decide(f, seatwright.DeleteApplications{Organization: "b", IDs: []seatwright.ApplicationID{"of-b", "of-a"}})),
		"an unknown secret": f.refusal(decide(f, seatwright.ChangeApplication{Organization: "a", ID: "of-a", RemoveSecret: "one"})),
	} {
		if !seatwright.IsKind(refused, seatwright.KindNotFound) {
			f.Errorf("%s: %v", what, refused)
		}
	}
	f.wantApplication(want)
	f.must(decide(f, seatwright.DeleteApplications{Organization: "a", IDs: []seatwright.ApplicationID{"of-a"}}))
	if _, err := f.store.Application(ctx, "of-a"); !seatwright.IsKind(err, seatwright.KindNotFound) {
		f.Errorf("the deleted application is still there: %v", err)
	}
	all, err := f.store.Applications(ctx, "b", 10)
	if err != nil || len(all) != 1 || all[0].ID != "of-b" {
		f.Errorf("the other organization has %+v, %v", all, err)
	}
}

func (f *fixture) refusal(_ any, err error) error { return err }

func (f *fixture) wantApplication(want seatwright.Application) {
	f.Helper()
	got, err := f.store.Application(ctx, want.ID)
	f.must(nil, err)
	if !reflect.DeepEqual(got, want) {
		f.Errorf("stored is\n%+v\nwant\n%+v", got, want)
	}
	all, err := f.store.Applications(ctx, want.Organization, 10)
	f.must(nil, err)
	if len(all) != 1 || !reflect.DeepEqual(all[0], want) {
		f.Errorf("listed is\n%+v\nwant\n%+v", all, want)
	}
}

// Guards that an application which goes and comes again in one batch has nothing of the one before.
func applicationsInOneBatch(f *fixture) {
	f.organization("a", 1, 0)
	f.must(decide(f, seatwright.CreateApplication{Application: program("a", "app")}))
	f.grant("a", "g", "u-1", "app")
	f.clock.advance(time.Second)
	origin := seatwright.Origin{Via: "test"}
	deletion := seatwright.DeleteApplications{Organization: "a", IDs: []seatwright.ApplicationID{"app"}}
	creation := seatwright.CreateApplication{Application: seatwright.Application{Organization: "a", ID: "app", Scopes: []seatwright.Scope{"PM.User"}}}
	err := f.store.Update(ctx, seatwright.LoadRequest{Touches: append(deletion.Touches(), creation.Touches()...)}, func(s *seatwright.Slice) error {
		_, first := deletion.Decide(s, origin)
		_, second := creation.Decide(s, origin)
		return errors.Join(first, second)
	})
	f.must(nil, err)
	a, err := f.store.Application(ctx, "app")
	f.must(nil, err)
	if a.Name != "" || len(a.Secrets) != 0 || !a.CreatedAt.Equal(f.clock.Now()) {
		f.Errorf("the new application is %+v", a)
	}
	if _, err := f.store.Grant(ctx, "a", "g"); !seatwright.IsKind(err, seatwright.KindNotFound) {
		f.Errorf("a grant of the old application is still there: %v", err)
	}
}

// grant makes an authorization whose code has the secret "0".
func (f *fixture) grant(org seatwright.OrganizationID, id seatwright.GrantID, user seatwright.UserID, app seatwright.ApplicationID) seatwright.Grant {
	f.Helper()
	g, err := decide(f, seatwright.CreateGrant{Grant: seatwright.Grant{
		Organization: org, ID: id, Kind: seatwright.GrantAuthorization, User: user, Application: app, Scopes: []seatwright.Scope{"openid", "PM.User"},
		SecretHash: seatwright.HashOf("0"), ExpiresAt: f.clock.Now().Add(seatwright.CodeLife), RedirectURI: "https://a.example/", Nonce: "n", Challenge: "c",
		AuthenticatedAt: f.clock.Now(),
	}})
	f.must(nil, err)
	stored, err := f.store.Grant(ctx, org, id)
	f.must(nil, err)
	if !reflect.DeepEqual(stored, g) {
		f.Fatalf("stored is\n%+v\nanswered was\n%+v", stored, g)
	}
	return g
}

// show shows text n of the authorization "g" of the organization "a".
func (f *fixture) show(n int64, secret string) (seatwright.Exchange, error) {
	return decide(f, seatwright.ExchangeGrant{
		Organization: "a", ID: "g", User: "u-1", Application: "app", Number: n, SecretHash: seatwright.HashOf(secret),
		NextHash: seatwright.HashOf(fmt.Sprint(n + 1)), AccessUntil: f.clock.Now().Add(time.Hour),
	})
}

// Guards that a code or refresh token is taken once, whoever else shows it at the same moment, and that the second time ends the
// whole family.
func grantsAreShownOnce(f *fixture) {
	f.organization("a", 2, 0)
	f.grant("a", "g", "u-1", "app")
	for what, c := range map[string]seatwright.ExchangeGrant{
		"a wrong secret":  {Organization: "a", ID: "g", User: "u-1", Application: "app", SecretHash: seatwright.HashOf("1")},
		"no secret":       {Organization: "a", ID: "g", User: "u-1", Application: "app"},
		"another client":  {Organization: "a", ID: "g", User: "u-1", Application: "other", SecretHash: seatwright.HashOf("0")},
		"another person":  {Organization: "a", ID: "g", User: "u-2", Application: "app", SecretHash: seatwright.HashOf("0")},
		"a later text":    {Organization: "a", ID: "g", User: "u-1", Application: "app", Number: 1, SecretHash: seatwright.HashOf("0")},
		"an unknown one":  {Organization: "a", ID: "h", User: "u-1", Application: "app", SecretHash: seatwright.HashOf("0")},
		"a negative text": {Organization: "a", ID: "g", User: "u-1", Application: "app", Number: -1, SecretHash: seatwright.HashOf("0")},
	} {
		if _, err := decide(f, c); !seatwright.IsReason(err, seatwright.ReasonInvalidGrant) {
			f.Errorf("%s: %v", what, err)
		}
	}
	var taken, reused atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			switch e, err := f.show(0, "0"); {
			case err == nil && e.Reused:
				reused.Add(1)
			case err == nil:
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if taken.Load() != 1 || reused.Load() != 1 {
		f.Errorf("the code was taken %d times and its reuse told %d times, want once each", taken.Load(), reused.Load())
	}
	if _, err := f.show(1, "1"); !seatwright.IsReason(err, seatwright.ReasonInvalidGrant) {
		f.Errorf("the refresh token of a family that has ended: %v", err)
	}
	g, err := f.store.Grant(ctx, "a", "g")
	f.must(nil, err)
	if !g.Revoked || g.InForce(f.clock.Now()) {
		f.Errorf("after a reuse the grant is %+v", g)
	}
	events := f.events("a")
	if last := events[len(events)-1]; last.Kind != seatwright.EventGrantRevoked {
		f.Errorf("the last event is %s", last.Kind)
	}
}

// Guards that a grant ends with its time, its person, their password, their being active, and its application.
func grantsEnd(f *fixture) {
	f.organization("a", 0, 0)
	f.must(decide(f, seatwright.CreateUser{
		User: seatwright.User{Organization: "a", ID: "u-1", UserName: "ann", Role: seatwright.RoleMember}, UserNameKey: "ann", PasswordHash: "old",
	}))
	f.must(decide(f, seatwright.CreateApplication{Application: program("a", "app")}))
	for what, end := range map[string]func(){
		"its time":     func() { f.clock.advance(seatwright.CodeLife) },
		"its password": func() { f.must(decide(f, seatwright.UpdateUser{Organization: "a", User: "u-1", PasswordHash: "new"})) },
		"a revocation": func() { f.must(decide(f, seatwright.RevokeGrant{Grant: seatwright.Grant{Organization: "a", ID: "g"}})) },
		"its application": func() {
			f.must(decide(f, seatwright.DeleteApplications{Organization: "a", IDs: []seatwright.ApplicationID{"app"}}))
		},
	} {
		f.grant("a", "g", "u-1", "app")
		end()
		if _, err := f.show(0, "0"); !seatwright.IsReason(err, seatwright.ReasonInvalidGrant) {
			f.Errorf("%s: %v", what, err)
		}
	}
	// With refresh tokens it lasts, from one to the next.
	f.grant("a", "g", "u-1", "app")
	for n := range int64(3) {
		e, err := f.show(n, fmt.Sprint(n))
		f.must(nil, err)
		if e.Reused || e.Person.ID != "u-1" || e.Grant.Number != n+1 {
			f.Fatalf("exchange %d answered %+v", n, e)
		}
		f.clock.advance(seatwright.RefreshLife - time.Second)
	}
	f.must(decide(f, seatwright.DeleteUsers{Organization: "a", Users: []seatwright.UserID{"u-1"}}))
	if _, err := f.store.Grant(ctx, "a", "g"); !seatwright.IsKind(err, seatwright.KindNotFound) {
		f.Errorf("the grant of somebody deleted: %v", err)
	}
	if _, err := decide(f, seatwright.CreateGrant{Grant: seatwright.Grant{Organization: "a", ID: "h", Kind: seatwright.GrantPersonal, User: "u-1"}}); !seatwright.IsKind(err, seatwright.KindNotFound) {
		f.Errorf("a grant for somebody deleted: %v", err)
	}
}

// Guards that a person finds, renews and removes their own tokens and no others.
func personalTokens(f *fixture) {
	for _, org := range []string{"a", "b"} {
		f.organization(org, 2, 0)
		for _, user := range []seatwright.UserID{"u-1", "u-2"} {
			f.must(decide(f, seatwright.CreateGrant{Grant: seatwright.Grant{
				Organization: seatwright.OrganizationID(org), ID: seatwright.GrantID("of-" + user), Kind: seatwright.GrantPersonal, User: user, Description: org,
				Scopes: []seatwright.Scope{"PM.License"}, SecretHash: seatwright.HashOf("0"), ExpiresAt: f.clock.Now().Add(time.Hour),
			}}))
		}
	}
	f.grant("a", "g", "u-1", "app")
	tokens, err := f.store.PersonalTokens(ctx, "a", "u-1")
	if err != nil || len(tokens) != 1 || tokens[0].ID != "of-u-1" || tokens[0].Description != "a" {
		f.Fatalf("u-1 has %+v, %v", tokens, err)
	}
	for what, err := range map[string]error{
		"renewing a foreign token": f.refusal(decide(f, seatwright.RenewPersonalToken{Organization: "a", User: "u-2", ID: "of-u-1"})),
		"renewing a code":          f.refusal(decide(f, seatwright.RenewPersonalToken{Organization: "a", User: "u-1", ID: "g"})),
		"deleting a foreign one":   f.refusal(decide(f, seatwright.DeletePersonalTokens{Organization: "a", User: "u-2", IDs: []seatwright.GrantID{"of-u-1"}})),
		"deleting a code":          f.refusal(decide(f, seatwright.DeletePersonalTokens{Organization: "a", IDs: []seatwright.GrantID{"of-u-1", "g"}})),
	} {
		if !seatwright.IsKind(err, seatwright.KindNotFound) {
			f.Errorf("%s: %v", what, err)
		}
	}
	f.clock.advance(time.Minute)
	f.must(decide(f, seatwright.UseGrant{Organization: "a", ID: "of-u-1"}))
	renewed, err := decide(f, seatwright.RenewPersonalToken{Organization: "a", User: "u-1", ID: "of-u-1", ExpiresAt: f.clock.Now().Add(time.Hour), SecretHash: seatwright.HashOf("1")})
	f.must(nil, err)
	stored, err := f.store.Grant(ctx, "a", "of-u-1")
	f.must(nil, err)
	if !reflect.DeepEqual(stored, renewed) || !stored.UsedAt.Equal(f.clock.Now()) || string(stored.SecretHash) != string(seatwright.HashOf("1")) {
		f.Errorf("stored is %+v, answered was %+v", stored, renewed)
	}
	f.must(decide(f, seatwright.DeletePersonalTokens{Organization: "a", User: "u-1", IDs: []seatwright.GrantID{"of-u-1"}}))
	for org, want := range map[seatwright.OrganizationID]int{"a": 0, "b": 1} {
		if tokens, err := f.store.PersonalTokens(ctx, org, "u-1"); err != nil || len(tokens) != want {
			f.Errorf("u-1 of %s has %+v, %v", org, tokens, err)
		}
	}
}

// Guards that the table of grants stays as large as what is in force: what has ended goes, personal tokens stay until somebody removes them.
func endedGrantsAreCleared(f *fixture) {
	f.organization("a", 1, 0)
	f.grant("a", "old", "u-1", "app")
	f.must(decide(f, seatwright.CreateGrant{Grant: seatwright.Grant{
		Organization: "a", ID: "mine", Kind: seatwright.GrantPersonal, User: "u-1", ExpiresAt: f.clock.Now().Add(time.Minute),
	}}))
	f.clock.advance(seatwright.CodeLife + 2*time.Hour)
	f.grant("a", "new", "u-1", "app")
	for id, want := range map[seatwright.GrantID]bool{"old": false, "new": true, "mine": true} {
		if _, err := f.store.Grant(ctx, "a", id); (err == nil) != want {
			f.Errorf("grant %s: %v", id, err)
		}
	}
}
