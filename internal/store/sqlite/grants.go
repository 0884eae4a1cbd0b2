package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seatwright/seatwright"
)

// Applications and grants: what a batch loads and writes of them, and what readers ask.

const (
	applicationColumns = `a.id, a.name, a.confidential, a.redirect_uris, a.scopes, a.user_scopes, a.secrets, a.created_at, a.modified_at`
	grantColumns       = `g.id, g.kind, g.of_user, g.application, g.scopes, g.description, g.number, g.secret_hash, g.password_mark, g.revoked,
	g.created_at, g.expires_at, g.used_at, g.redirect_uri, g.nonce, g.challenge, g.authenticated_at`
)

// columnsInApplication is how many columns an application has.
const columnsInApplication = 9

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

// loadGrants reads the wanted applications and grants.
func (w *writer) loadGrants(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		for _, id := range t.Applications {
			var damaged error
			err := w.each(func(r row) {
				var a seatwright.Application
				if a, damaged = applicationOf(t.Organization, r); damaged == nil {
					slice.LoadApplication(a)
				}
			}, `SELECT `+applicationColumns+` FROM applications a WHERE a.id = ? AND a.organization = ?`, string(id), known.number)
			if err != nil {
				return err
			}
			if damaged != nil {
				return damaged
			}
		}
		for _, id := range t.Grants {
			err := w.each(func(r row) { slice.LoadGrant(grantOf(t.Organization, r)) },
				`SELECT `+grantColumns+` FROM grants g WHERE g.organization = ? AND g.id = ?`, known.number, string(id))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// removeApplications takes away what is gone, before anything else has its ids.
func (w *writer) removeApplications(c seatwright.Changes) error {
	for _, a := range c.RemovedApplications {
		number := w.numberOf(a.Organization)
		if err := w.exec(`DELETE FROM grants WHERE organization = ? AND application = ?`, number, string(a.ID)); err != nil {
			return err
		}
		if err := w.exec(`DELETE FROM applications WHERE id = ? AND organization = ?`, string(a.ID), number); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) putApplications(c seatwright.Changes) error {
	if err := w.removeApplications(c); err != nil {
		return err
	}
	for _, a := range c.NewApplications {
		secrets, err := json.Marshal(append([]seatwright.ApplicationSecret{}, a.Secrets...))
		if err != nil {
			return seatwright.Internal(err)
		}
		err = w.exec(`INSERT INTO applications (id, organization, name, confidential, redirect_uris, scopes, user_scopes, secrets, created_at, modified_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(a.ID), w.numberOf(a.Organization), a.Name, a.Confidential,
			seatwright.JoinWords(a.RedirectURIs), seatwright.JoinWords(a.Scopes), seatwright.JoinWords(a.UserScopes), secrets,
			a.CreatedAt.UnixMicro(), a.ModifiedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	for _, a := range c.Applications {
		secrets, err := json.Marshal(append([]seatwright.ApplicationSecret{}, a.Secrets...))
		if err != nil {
			return seatwright.Internal(err)
		}
		err = w.exec(`UPDATE applications SET name = ?, confidential = ?, redirect_uris = ?, scopes = ?, user_scopes = ?, secrets = ?, modified_at = ?
			WHERE id = ? AND organization = ?`, a.Name, a.Confidential, seatwright.JoinWords(a.RedirectURIs), seatwright.JoinWords(a.Scopes),
			seatwright.JoinWords(a.UserScopes), secrets, a.ModifiedAt.UnixMicro(), string(a.ID), w.numberOf(a.Organization))
		if err != nil {
			return err
		}
	}
	return nil
}

// Grants that have ended are cleared once a grantSweepInterval, at most grantsPerSweep of them. They are kept for an hour, by
// when no access token of theirs is accepted any more. Personal tokens stay until their person removes them.
const (
	grantSweepInterval = time.Minute
	grantsPerSweep     = 4096
)

func (w *writer) putGrants(c seatwright.Changes) error {
	for _, g := range c.RemovedGrants {
		if err := w.exec(`DELETE FROM grants WHERE organization = ? AND id = ?`, w.numberOf(g.Organization), string(g.ID)); err != nil {
			return err
		}
	}
	for _, g := range c.Grants {
		err := w.exec(`INSERT OR REPLACE INTO grants (organization, id, kind, of_user, application, scopes, description, number, secret_hash,
				password_mark, revoked, created_at, expires_at, used_at, redirect_uri, nonce, challenge, authenticated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.numberOf(g.Organization), string(g.ID), string(g.Kind), string(g.User), string(g.Application), seatwright.JoinWords(g.Scopes),
			g.Description, g.Number, notNull(g.SecretHash), notNull(g.PasswordMark), g.Revoked, g.CreatedAt.UnixMicro(), g.ExpiresAt.UnixMicro(),
			microsOrNever(g.UsedAt), g.RedirectURI, g.Nonce, g.Challenge, microsOrNever(g.AuthenticatedAt))
		if err != nil {
			return err
		}
	}
	if len(c.Grants) == 0 {
		return nil
	}
	now := c.Now
	if now.Sub(w.grantsSweptAt) < grantSweepInterval {
		return nil
	}
	w.grantsSweptAt = now
	return w.exec(`DELETE FROM grants WHERE (organization, id) IN (SELECT organization, id FROM grants
		WHERE kind <> 'personal' AND expires_at < ? ORDER BY expires_at LIMIT ?)`, now.Add(-time.Hour).UnixMicro(), int64(grantsPerSweep))
}

// notNull is a value that is stored as empty, where the driver would store nil as null.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Application implements seatwright.DirectoryReader.
func (s *Store) Application(ctx context.Context, id seatwright.ApplicationID) (a seatwright.Application, err error) {
	var damaged error
	err = s.one(ctx, seatwright.MissingApplication(), func(r row) {
		a, damaged = applicationOf(seatwright.OrganizationID(r.text(columnsInApplication)), r)
	}, `SELECT `+applicationColumns+`, o.id FROM applications a CROSS JOIN organizations o ON o.number = a.organization WHERE a.id = ?`, string(id))
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
	}, `SELECT `+applicationColumns+` FROM organizations o CROSS JOIN applications a ON a.organization = o.number
		WHERE o.id = ? ORDER BY a.id LIMIT ?`, string(organization), most)
	if err == nil {
		err = damaged
	}
	return all, err
}

// Grant implements seatwright.GrantReader.
func (s *Store) Grant(ctx context.Context, organization seatwright.OrganizationID, id seatwright.GrantID) (g seatwright.Grant, err error) {
	err = s.one(ctx, seatwright.MissingGrant(), func(r row) { g = grantOf(organization, r) }, `SELECT `+grantColumns+`
		FROM organizations o CROSS JOIN grants g ON g.organization = o.number WHERE o.id = ? AND g.id = ?`, string(organization), string(id))
	return g, err
}

// PersonalTokens implements seatwright.GrantReader.
func (s *Store) PersonalTokens(ctx context.Context, organization seatwright.OrganizationID, user seatwright.UserID) (all []seatwright.Grant, err error) {
	err = s.each(ctx, func(r row) { all = append(all, grantOf(organization, r)) }, `SELECT `+grantColumns+`
		FROM organizations o CROSS JOIN grants g ON g.organization = o.number
		WHERE o.id = ? AND g.of_user = ? AND g.kind = 'personal' ORDER BY g.created_at, g.id`, string(organization), string(user))
	return all, err
}
