package sqlite

import (
	"context"

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

// loadSettings reads the wanted settings.
func (w *writer) loadSettings(slice *seatwright.Slice, touches []*seatwright.Touch) error {
	for _, t := range touches {
		known := w.recent[t.Organization]
		if known == nil {
			continue
		}
		for _, ref := range t.Settings {
			err := w.each(func(r row) { slice.LoadSetting(settingOf(t.Organization, r)) },
				`SELECT `+settingColumns+` FROM settings s WHERE s.organization = ? AND s.of_user = ? AND s.key = ?`,
				known.number, string(ref.User), string(ref.Key))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) putSettings(c seatwright.Changes) error {
	for _, s := range c.RemovedSettings {
		err := w.exec(`DELETE FROM settings WHERE organization = ? AND of_user = ? AND key = ?`,
			w.numberOf(s.Organization), string(s.User), string(s.Key))
		if err != nil {
			return err
		}
	}
	for _, s := range c.Settings {
		err := w.exec(`INSERT INTO settings (organization, of_user, key, number, value, modified_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (organization, of_user, key) DO UPDATE SET number = excluded.number, value = excluded.value, modified_at = excluded.modified_at`,
			w.numberOf(s.Organization), string(s.User), string(s.Key), s.Number, s.Value, s.ModifiedAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

// Settings implements seatwright.SettingReader.
func (s *Store) Settings(
	ctx context.Context, organization seatwright.OrganizationID, user seatwright.UserID, keys []seatwright.SettingKey, most int,
) (settings []seatwright.Setting, err error) {
	err = s.each(ctx, func(r row) { settings = append(settings, settingOf(organization, r)) }, `SELECT `+settingColumns+`
		FROM organizations o CROSS JOIN settings s ON s.organization = o.number
		WHERE o.id = ?1 AND s.of_user = ?2 AND (json_array_length(?3) = 0 OR s.key IN (SELECT value FROM json_each(?3)))
		ORDER BY s.key LIMIT ?4`, string(organization), string(user), jsonArray(keys), most)
	return settings, err
}
