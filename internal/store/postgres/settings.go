package postgres

import (
	"context"
	"errors"

	"github.com/seatwright/seatwright"
)

// Settings: what a batch loads and writes of them, and what readers ask.

const settingColumns = `s.of_user, s.key, s.number, s.value, s.modified_at`

func settingOf(organization seatwright.OrganizationID, r row) seatwright.Setting {
	return seatwright.Setting{
		Organization: organization, User: seatwright.UserID(r.text(0)), Key: seatwright.SettingKey(r.text(1)), Number: r.int(2), Value: r.text(3),
		ModifiedAt: r.instant(4),
	}
}

var (
	loadSettings = newStatement(`SELECT `+settingColumns+`, w.n FROM unnest($1::int4[], $2::text[], $3::text[]) WITH ORDINALITY w (organization, of_user, key, n)
		JOIN settings s ON s.organization = w.organization AND s.of_user = w.of_user AND s.key = w.key`, oidInt4, oidText, oidText)
	deleteSettings = newStatement(`DELETE FROM settings s USING unnest($1::int4[], $2::text[], $3::text[]) w (organization, of_user, key)
		WHERE s.organization = w.organization AND s.of_user = w.of_user AND s.key = w.key`, oidInt4, oidText, oidText)
	forgetSettings = newStatement(`DELETE FROM settings s USING unnest($1::int4[], $2::text[]) w (organization, of_user)
		WHERE s.organization = w.organization AND s.of_user = w.of_user`, oidInt4, oidText)
	putSettings = newStatement(`INSERT INTO settings (organization, of_user, key, number, value, modified_at)
		SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::int8[])
		ON CONFLICT (organization, of_user, key) DO UPDATE SET number = excluded.number, value = excluded.value, modified_at = excluded.modified_at`,
		oidInt4, oidText, oidText, oidInt8, oidText, oidInt8)
)

// loadSettings reads the wanted settings, if there are any.
func (b *batch) loadSettings() error {
	var wanted []seatwright.Setting
	for i := range b.places {
		p := &b.places[i]
		for _, ref := range p.Settings {
			wanted = append(wanted, seatwright.Setting{Organization: p.Organization, User: ref.User, Key: ref.Key})
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	o := output{trip: b.writer.trip(), numbers: b.writer.recent.numbers}
	o.rows(loadSettings, len(wanted), func(i int, to []*array) { o.settingKey(&wanted[i], to) })
	if err := o.flush(loadTime); err != nil {
		return err
	}
	err := o.each(func(r row) { b.slice.LoadSetting(settingOf(wanted[r.int(5)-1].Organization, r)) })
	return errors.Join(err, o.end())
}

func (o *output) settingKey(s *seatwright.Setting, to []*array) {
	to[0].int4(o.number(s.Organization))
	to[1].text(string(s.User))
	to[2].text(string(s.Key))
}

func (o *output) settings(c seatwright.Changes) {
	o.rows(deleteSettings, len(c.RemovedSettings), func(i int, to []*array) { o.settingKey(&c.RemovedSettings[i], to) })
	o.rows(putSettings, len(c.Settings), func(i int, to []*array) {
		s := &c.Settings[i]
		o.settingKey(s, to)
		to[3].int8(s.Number)
		to[4].text(s.Value)
		to[5].instant(s.ModifiedAt)
	})
}

// Settings implements seatwright.SettingReader.
func (s *Store) Settings(
	ctx context.Context, organization seatwright.OrganizationID, user seatwright.UserID, keys []seatwright.SettingKey, most int,
) (settings []seatwright.Setting, err error) {
	err = s.each(ctx, func(r row) { settings = append(settings, settingOf(organization, r)) }, `SELECT `+settingColumns+` FROM settings s
		WHERE s.organization = `+numberOf+` AND s.of_user = $2 AND (cardinality($3::text[]) = 0 OR s.key = ANY($3::text[]))
		ORDER BY s.key LIMIT $4`, string(organization), string(user), texts(keys), int64(most))
	return settings, err
}
