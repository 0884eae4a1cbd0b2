package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/seatwright/seatwright"
)

// Applications and grants: what a batch loads and writes of them, and what readers ask.

const (
	applicationColumns = `a.id, a.name, a.confidential, a.redirect_uris, a.scopes, a.user_scopes, a.secrets, a.created_at, a.modified_at`
	grantColumns       = `g.id, g.kind, g.of_user, g.application, g.scopes, g.description, g.number, g.secret_hash, g.password_mark, g.revoked,
	g.created_at, g.expires_at, g.used_at, g.redirect_uri, g.nonce, g.challenge, g.authenticated_at`
)

// How many columns an application and a grant have.
const (
	columnsInApplication = 9
	columnsInGrant       = 17
)

func applicationOf(organization seatwright.OrganizationID, r row) (a seatwright.Application, err error) {
	a = seatwright.Application{
		Organization: organization, ID: seatwright.ApplicationID(r.text(0)), Name: r.text(1), Confidential: r.flag(2),
		RedirectURIs: seatwright.Words[string](r.text(3)), Scopes: seatwright.Words[seatwright.Scope](r.text(4)),
		UserScopes: seatwright.Words[seatwright.Scope](r.text(5)), CreatedAt: r.instant(7), ModifiedAt: r.instant(8),
	}
	if err := json.Unmarshal(r.bytes(6), &a.Secrets); err != nil {
		return a, seatwright.Internal(err)
	}
	return a, nil
}

func grantOf(organization seatwright.OrganizationID, r row) seatwright.Grant {
	return seatwright.Grant{
		Organization: organization, ID: seatwright.GrantID(r.text(0)), Kind: seatwright.GrantKind(r.text(1)), User: seatwright.UserID(r.text(2)),
		Application: seatwright.ApplicationID(r.text(3)), Scopes: seatwright.Words[seatwright.Scope](r.text(4)), Description: r.text(5),
		Number: r.int(6), SecretHash: r.bytes(7), PasswordMark: r.bytes(8), Revoked: r.flag(9), CreatedAt: r.instant(10), ExpiresAt: r.instant(11),
		UsedAt: r.instantOrNever(12), RedirectURI: r.text(13), Nonce: r.text(14), Challenge: r.text(15), AuthenticatedAt: r.instantOrNever(16),
	}
}

var (
	loadApplications = newStatement(`SELECT `+applicationColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN applications a ON a.id = w.id AND a.organization = w.organization`, oidInt4, oidText)
	loadGrants = newStatement(`SELECT `+grantColumns+`, w.n FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY w (organization, id, n)
		JOIN grants g ON g.organization = w.organization AND g.id = w.id`, oidInt4, oidText)

	insertApplications = newStatement(`INSERT INTO applications (organization, id, name, confidential, redirect_uris, scopes, user_scopes, secrets,
			created_at, modified_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::int8[], $10::int8[])`,
		columnsOfApplication...)
	updateApplications = newStatement(`UPDATE applications a SET name = w.name, confidential = w.confidential, redirect_uris = w.redirect_uris,
			scopes = w.scopes, user_scopes = w.user_scopes, secrets = w.secrets, modified_at = w.modified_at
		FROM unnest($1::int4[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::int8[], $10::int8[])
			w (organization, id, name, confidential, redirect_uris, scopes, user_scopes, secrets, created_at, modified_at)
		WHERE a.organization = w.organization AND a.id = w.id`, columnsOfApplication...)
	deleteApplications = newStatement(`DELETE FROM applications a USING unnest($1::int4[], $2::text[]) w (organization, id)
		WHERE a.organization = w.organization AND a.id = w.id`, oidInt4, oidText)

	putGrants = newStatement(`INSERT INTO grants (organization, id, kind, of_user, application, scopes, description, number, secret_hash,
			password_mark, revoked, created_at, expires_at, used_at, redirect_uri, nonce, challenge, authenticated_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::bytea[],
			$10::bytea[], $11::bool[], $12::int8[], $13::int8[], $14::int8[], $15::text[], $16::text[], $17::text[], $18::int8[])
		ON CONFLICT (organization, id) DO UPDATE SET kind = excluded.kind, of_user = excluded.of_user, application = excluded.application,
			scopes = excluded.scopes, description = excluded.description, number = excluded.number, secret_hash = excluded.secret_hash,
			password_mark = excluded.password_mark, revoked = excluded.revoked, created_at = excluded.created_at, expires_at = excluded.expires_at,
			used_at = excluded.used_at, redirect_uri = excluded.redirect_uri, nonce = excluded.nonce, challenge = excluded.challenge,
			authenticated_at = excluded.authenticated_at`,
		oidInt4, oidText, oidText, oidText, oidText, oidText, oidText, oidInt8, oidBytea, oidBytea, oidBool, oidInt8, oidInt8, oidInt8, oidText,
		oidText, oidText, oidInt8)
	deleteGrants = newStatement(`DELETE FROM grants g USING unnest($1::int4[], $2::text[]) w (organization, id)
		WHERE g.organization = w.organization AND g.id = w.id`, oidInt4, oidText)
	forgetGrantsOfUsers = newStatement(`DELETE FROM grants g USING unnest($1::int4[], $2::text[]) w (organization, of_user)
		WHERE g.organization = w.organization AND g.of_user = w.of_user`, oidInt4, oidText)
	forgetGrantsOfApplications = newStatement(`DELETE FROM grants g USING unnest($1::int4[], $2::text[]) w (organization, application)
		WHERE g.organization = w.organization AND g.application = w.application`, oidInt4, oidText)
	// Rows that another node is at are left to it.
	sweepGrants = newStatement(`DELETE FROM grants g USING (SELECT organization, id FROM grants
			WHERE kind <> 'personal' AND expires_at < $1 ORDER BY expires_at LIMIT 4096 FOR UPDATE SKIP LOCKED) old
		WHERE g.organization = old.organization AND g.id = old.id`)
)

var columnsOfApplication = []uint32{oidInt4, oidText, oidText, oidBool, oidText, oidText, oidText, oidBytea, oidInt8, oidInt8}

// loadGrants reads the wanted applications and grants, if there are any.
func (b *batch) loadGrants() error {
	var applications []seatwright.Application
	var grants []seatwright.Grant
	for i := range b.places {
		p := &b.places[i]
		for _, id := range p.Applications {
			applications = append(applications, seatwright.Application{Organization: p.Organization, ID: id})
		}
		for _, id := range p.Grants {
			grants = append(grants, seatwright.Grant{Organization: p.Organization, ID: id})
		}
	}
	if len(applications)+len(grants) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	o.rows(loadApplications, len(applications), func(i int, to []*array) { o.applicationKey(&applications[i], to) })
	o.rows(loadGrants, len(grants), func(i int, to []*array) { o.grantKey(&grants[i], to) })
	if err := o.flush(loadTime); err != nil {
		return err
	}
	var err, damaged error
	if len(applications) > 0 {
		err = o.each(func(r row) {
			a, wrong := applicationOf(applications[r.int(columnsInApplication)-1].Organization, r)
			if wrong != nil {
				damaged = wrong
				return
			}
			b.slice.LoadApplication(a)
		})
	}
	if err == nil && len(grants) > 0 {
		err = o.each(func(r row) { b.slice.LoadGrant(grantOf(grants[r.int(columnsInGrant)-1].Organization, r)) })
	}
	return errors.Join(err, o.end(), damaged)
}

func (o *output) applicationKey(a *seatwright.Application, to []*array) {
	to[0].int4(o.number(a.Organization))
	to[1].text(string(a.ID))
}

func (o *output) grantKey(g *seatwright.Grant, to []*array) {
	to[0].int4(o.number(g.Organization))
	to[1].text(string(g.ID))
}

func (o *output) application(a *seatwright.Application, to []*array) {
	secrets, err := json.Marshal(append([]seatwright.ApplicationSecret{}, a.Secrets...))
	if err != nil {
		o.err = seatwright.Internal(err)
	}
	o.applicationKey(a, to)
	to[2].text(a.Name)
	to[3].flag(a.Confidential)
	to[4].text(seatwright.JoinWords(a.RedirectURIs))
	to[5].text(seatwright.JoinWords(a.Scopes))
	to[6].text(seatwright.JoinWords(a.UserScopes))
	to[7].bytes(secrets)
	to[8].instant(a.CreatedAt)
	to[9].instant(a.ModifiedAt)
}

// applications writes what changed of applications and grants. What goes is gone before what comes.
func (o *output) applications(w *writer, c seatwright.Changes) {
	gone := func(i int, to []*array) { o.applicationKey(&c.RemovedApplications[i], to) }
	o.rows(forgetGrantsOfApplications, len(c.RemovedApplications), gone)
	o.rows(deleteApplications, len(c.RemovedApplications), gone)
	o.rows(insertApplications, len(c.NewApplications), func(i int, to []*array) { o.application(&c.NewApplications[i], to) })
	o.rows(updateApplications, len(c.Applications), func(i int, to []*array) { o.application(&c.Applications[i], to) })
	o.rows(deleteGrants, len(c.RemovedGrants), func(i int, to []*array) { o.grantKey(&c.RemovedGrants[i], to) })
	o.rows(putGrants, len(c.Grants), func(i int, to []*array) {
		g := &c.Grants[i]
		o.grantKey(g, to)
		to[2].text(string(g.Kind))
		to[3].text(string(g.User))
		to[4].text(string(g.Application))
		to[5].text(seatwright.JoinWords(g.Scopes))
		to[6].text(g.Description)
		to[7].int8(g.Number)
		to[8].bytes(g.SecretHash)
		to[9].bytes(g.PasswordMark)
		to[10].flag(g.Revoked)
		to[11].instant(g.CreatedAt)
		to[12].instant(g.ExpiresAt)
		to[13].instantOrNever(g.UsedAt)
		to[14].text(g.RedirectURI)
		to[15].text(g.Nonce)
		to[16].text(g.Challenge)
		to[17].instantOrNever(g.AuthenticatedAt)
	})
	if len(c.Grants) > 0 && c.Now.Sub(w.grantsSweptAt) >= grantSweepInterval {
		w.grantsSweptAt = c.Now
		o.send(sweepGrants, nil, int8Value(c.Now.Add(-time.Hour).UnixMicro()))
		o.sent++
	}
}

// Grants that have ended are cleared once a grantSweepInterval. They are kept for an hour, by when no access token of theirs is
// accepted any more. Personal tokens stay until their person removes them.
const grantSweepInterval = time.Minute

// Application implements seatwright.DirectoryReader.
func (s *Store) Application(ctx context.Context, id seatwright.ApplicationID) (a seatwright.Application, err error) {
	var damaged error
	err = s.one(ctx, seatwright.MissingApplication(), func(r row) {
		a, damaged = applicationOf(seatwright.OrganizationID(r.text(columnsInApplication)), r)
	}, `SELECT `+applicationColumns+`, o.id FROM applications a JOIN organizations o ON o.number = a.organization WHERE a.id = $1`, string(id))
	if err == nil {
		err = damaged
	}
	return a, err
}

// Applications implements seatwright.DirectoryReader.
func (s *Store) Applications(ctx context.Context, organization seatwright.OrganizationID, most int) (all []seatwright.Application, err error) {
	var damaged error
	err = s.each(ctx, func(r row) {
		a, wrong := applicationOf(organization, r)
		if wrong != nil {
			damaged = wrong
		}
		all = append(all, a)
	}, `SELECT `+applicationColumns+` FROM applications a WHERE a.organization = `+numberOf+` ORDER BY a.id LIMIT $2`, string(organization), int64(most))
	if err == nil {
		err = damaged
	}
	return all, err
}

// Grant implements seatwright.GrantReader.
func (s *Store) Grant(ctx context.Context, organization seatwright.OrganizationID, id seatwright.GrantID) (g seatwright.Grant, err error) {
	err = s.one(ctx, seatwright.MissingGrant(), func(r row) { g = grantOf(organization, r) }, `SELECT `+grantColumns+`
		FROM grants g WHERE g.organization = `+numberOf+` AND g.id = $2`, string(organization), string(id))
	return g, err
}

// PersonalTokens implements seatwright.GrantReader.
func (s *Store) PersonalTokens(ctx context.Context, organization seatwright.OrganizationID, user seatwright.UserID) (all []seatwright.Grant, err error) {
	err = s.each(ctx, func(r row) { all = append(all, grantOf(organization, r)) }, `SELECT `+grantColumns+`
		FROM grants g WHERE g.organization = `+numberOf+` AND g.of_user = $2 AND g.kind = 'personal' ORDER BY g.created_at, g.id`,
		string(organization), string(user))
	return all, err
}
