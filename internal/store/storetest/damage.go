package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// damages are the ways in which an organization can be damaged, each with what verification has to say about it. In
// a statement {o} stands for what the column organization has, and [o] for the id of the organization; … in a sentence for
// what a store calls the one whom it does not know.
var damages = []struct{ statement, sentence string }{
	{`UPDATE pools SET used = used - 1 WHERE organization = {o} AND code = 'ATTUNU'`, "pool ATTUNU: 1 units are stored as used, by the events 2 are"},
	{`UPDATE pools SET used = used + 1 WHERE organization = {o} AND code = 'ATTUNU'`, "pool ATTUNU: 3 units are stored as used, by the events 2 are"},
	{`UPDATE pools SET total = total + 1, ceiling = ceiling + 1 WHERE organization = {o} AND code = 'ATTUNU'`, "pool ATTUNU: its total is stored as 5"},
	{`UPDATE pools SET total_until = total_until + 1 WHERE organization = {o} AND code = 'ATTUNU'`, "pool ATTUNU: its total is stored as 4"},
	{`UPDATE pools SET total_until = 1 WHERE organization = {o} AND code = 'ATTUNU'`, "pool ATTUNU: its total is stored as 4"},
	{`UPDATE pools SET ceiling = ceiling + 1 WHERE organization = {o} AND code = 'ATTUNU'`, "pool ATTUNU: its ceiling is 5, with a total of 4 and 2 used"},
	{`DELETE FROM pools WHERE organization = {o} AND code = 'TSTNU'`, "pool TSTNU: by the events it exists, and it is missing"},
	{`INSERT INTO pools (organization, code, total, total_until, used, ceiling) VALUES ({o}, 'IDU', 0, 4611686018427387903, 0, 0)`, "pool IDU: nothing of it was bought"},

	{`DELETE FROM seats WHERE organization = {o} AND user_id = 'u-1' AND code = 'TSTNU'`, "seats of user u-1: stored are [ATTUNU], by the events [ATTUNU TSTNU]"},
	{`DELETE FROM seats WHERE organization = {o} AND user_id = 'u-2'`, "seats of user u-2: stored are none, by the events [ATTUNU]"},
	{`DELETE FROM seats WHERE organization = {o} AND user_id = 'u-2'`, "pool ATTUNU: its seats and services have 1 units, by the events 2 are used"},
	{`UPDATE seats SET code = 'TSTNU' WHERE organization = {o} AND user_id = 'u-2'`, "seats of user u-2: stored are [TSTNU], by the events [ATTUNU]"},
	{`UPDATE seats SET user_id = 'u-3' WHERE organization = {o} AND user_id = 'u-2'`, "seats of user u-3: stored are [ATTUNU], by the events []"},
	{`UPDATE seats SET units = 0 WHERE organization = {o} AND user_id = 'u-2'`, "seat ATTUNU of user u-2: it draws 0 units, by the events 1"},
	{`UPDATE seats SET direct = NOT direct WHERE organization = {o} AND user_id = 'u-2'`, "seat ATTUNU of user u-2: it has no source"},
	{`UPDATE seats SET created_at = created_at + 1 WHERE organization = {o} AND user_id = 'u-2'`, "seat ATTUNU of user u-2: made at"},
	{`UPDATE seats SET user_id = 'ghost' WHERE organization = {o} AND user_id = 'u-2'`, "seats of user …: there is no such person"},

	{`DELETE FROM direct_records WHERE organization = {o} AND user_id = 'u-3'`, "direct record of user u-3: by the events it exists, and it is missing"},
	{`UPDATE direct_records SET user_id = 'u-4' WHERE organization = {o} AND user_id = 'u-3'`, "direct record of user u-4: no event explains it"},
	{`UPDATE direct_records SET user_id = 'ghost' WHERE organization = {o} AND user_id = 'u-3'`, "direct record of user …: there is no such person"},
	{`UPDATE direct_records SET external = NOT external WHERE organization = {o} AND user_id = 'u-1'`, "direct record of user u-1: stored as external true"},
	{`UPDATE direct_records SET updated_at = updated_at + 1 WHERE organization = {o} AND user_id = 'u-1'`, "direct record of user u-1: stored as external false"},

	{`DELETE FROM users WHERE organization = {o} AND id = 'u-4'`, "user u-4: by the events they exist, and they are missing"},
	{`DELETE FROM users WHERE organization = {o} AND id = 'u-1'`, "seats of user …: there is no such person"},
	{`UPDATE users SET id = 'u-9' WHERE organization = {o} AND id = 'u-4'`, "user u-9: no event created them"},
	{`UPDATE users SET role = 'organization-administrator' WHERE organization = {o} AND id = 'u-4'`, "user u-4: stored as organization-administrator"},
	{`UPDATE users SET active = NOT active WHERE organization = {o} AND id = 'u-4'`, "user u-4: stored as member, active false"},

	{`UPDATE sign_ins SET last_at = last_at + 1 WHERE organization = {o} AND user_id = 'u-1'`, "sign-ins of user u-1: stored as the last at"},
	{`UPDATE sign_ins SET failures = 1, window_failures = 0 WHERE organization = {o} AND user_id = 'u-2'`, "sign-ins of user u-2: stored as the last at 1970-01-01T00:00:00Z and 1 failures since"},
	{`DELETE FROM sign_ins WHERE organization = {o} AND user_id = 'u-1'`, "sign-ins of user u-1: by the events there were some, and they are missing"},
	{`DELETE FROM sign_ins WHERE organization = {o} AND user_id = 'u-2'`, "sign-ins of user u-2: by the events there were some, and they are missing"},
	{`UPDATE sign_ins SET user_id = 'ghost' WHERE organization = {o} AND user_id = 'u-1'`, "sign-ins of user …: there is no such person"},
	{`UPDATE users SET active = NOT active WHERE organization = {o} AND id = 'left'`, "user left: stored as member, active true"},
	{`UPDATE users SET bypass_basic_auth = NOT bypass_basic_auth WHERE organization = {o} AND id = 'left'`, "user left: stored as member, active false, bypassing basic authentication true"},
	{`UPDATE users SET invitation_accepted = NOT invitation_accepted WHERE organization = {o} AND id = 'left'`, "user left: stored as member, active false, bypassing basic authentication false, invitation accepted false"},
	{`UPDATE users SET modified_at = modified_at + 1 WHERE organization = {o} AND id = 'left'`, "user left: stored as changed at"},
	{`UPDATE users SET modified_at = 0 WHERE organization = {o} AND id = 'left'`, "user left: stored as changed at 1970-01-01T00:00:00Z, by the events at 2026"},
	{`UPDATE users SET id = 'gone' WHERE organization = {o} AND id = 'left'`, "user gone: no event created them"},
	{`UPDATE direct_records SET user_id = 'left' WHERE organization = {o} AND user_id = 'u-3'`, "direct record of user left: no event explains it"},
	{`UPDATE seats SET user_id = 'left' WHERE organization = {o} AND user_id = 'u-2'`, "seats of user left: stored are [ATTUNU], by the events []"},

	{`DELETE FROM shared_units WHERE organization = {o}`, "by the events it exists, and it is missing"},
	{`UPDATE shared_units SET members = 2 WHERE organization = {o}`, "stored for 2 members of group everyone"},
	{`UPDATE shared_units SET number = number + 1 WHERE organization = {o}`, "no event explains it"},
	{`DELETE FROM group_offers WHERE organization = {o} AND group_id = 'g' OR organization = {o} AND code = 'TSTNU'`, "offer of TSTNU to group g: by the events it exists, and it is missing"},
	{`UPDATE group_offers SET leases = leases + 1 WHERE organization = {o} AND group_id = 'g'`, "offer of TSTNU to group g: stored with term"},
	{`UPDATE group_offers SET quota = 5 WHERE organization = {o} AND group_id = 'g'`, "offer of TSTNU to group g: stored with term"},
	{`UPDATE group_offers SET code = 'IDU' WHERE organization = {o} AND group_id = 'g'`, "offer of IDU to group g: no event explains it"},
	{`UPDATE group_rules SET priority = 1 WHERE organization = {o} AND group_id = 'g'`, "rule of group g: stored with priority 1"},
	{`UPDATE group_rules SET external = NOT external WHERE organization = {o} AND group_id = 'g'`, "rule of group g: stored with priority 100, external true"},
	{`UPDATE seats SET group_id = '' , term = 0 WHERE organization = {o} AND user_id = 'leasing'`, "seat TSTNU of user leasing: it has no source"},
	{`UPDATE seats SET leased_at = leased_at - 1 WHERE organization = {o} AND user_id = 'leasing'`, "seat TSTNU of user leasing: stored as leased at"},
	{`UPDATE seats SET last_in_use = 1 WHERE organization = {o} AND user_id = 'leasing'`, "seat TSTNU of user leasing: stored as leased at"},
	{`UPDATE seats SET term = term + 1 WHERE organization = {o} AND user_id = 'leasing'`, "seats of user leasing: stored are none, by the events [TSTNU]"},
	{`UPDATE sessions SET of_user = 'ghost' WHERE organization = {o}`, "session of user ghost: there is no such person"},
	{`UPDATE organizations SET on_leave = 'orphan' WHERE id = [o]`, "leases orphan on leaving"},

	{`UPDATE lots SET quantity = quantity + 1 WHERE organization = {o} AND id = 'lot-2'`, "lot lot-2: stored as 3 of TSTNU"},
	{`UPDATE lots SET ends_at = ends_at + 1, expires_at = expires_at + 1 WHERE organization = {o} AND id = 'lot-2'`, "lot lot-2: stored as 2 of TSTNU"},
	{`UPDATE lots SET id = 'lot-9' WHERE organization = {o} AND id = 'lot-2'`, "lot lot-9: no event created it"},
	{`UPDATE lots SET quantity = 1 WHERE organization = {o} AND id = 'lot-3'`, "lot lot-3: stored as 1 of TSTNU"},
	{`UPDATE lots SET id = 'lot-4' WHERE organization = {o} AND id = 'lot-3'`, "lot lot-4: no event created it"},
	{`DELETE FROM lots WHERE organization = {o} AND id = 'lot-2'`, "lot lot-2: by the events it exists, and it is missing"},

	{`UPDATE license_files SET issuer = 'nobody' WHERE organization = {o} AND id = 'file'`, "license file file: stored as 1 purchases of nobody"},
	{`UPDATE license_files SET sha256 = (SELECT hash FROM events WHERE organization = {o} AND sequence = 1) WHERE organization = {o} AND id = 'file'`, "license file file: stored as 1 purchases of vendor"},
	{`UPDATE license_files SET deactivated_at = 0 WHERE organization = {o} AND id = 'ended'`, "license file ended: stored as 1 purchases of vendor"},
	{`UPDATE license_files SET id = 'planted' WHERE organization = {o} AND id = 'file'`, "license file planted: no event imported it"},
	{`DELETE FROM license_files WHERE organization = {o} AND id = 'file'`, "license file file: by the events it was imported, and it is missing"},

	{`UPDATE notices SET threshold = 75 WHERE organization = {o} AND kind = 'pool_used'`, "stored as pool_used of ATTUNU at 75, 4 of 4, standing true; by the events pool_used of ATTUNU at 100, 4 of 4, standing true"},
	{`UPDATE notices SET standing = NOT standing WHERE organization = {o} AND kind = 'pool_used'`, "stored as pool_used of ATTUNU at 100, 4 of 4, standing false"},
	{`UPDATE notices SET ends_at = ends_at + 1 WHERE organization = {o} AND kind = 'lot_ends'`, "stored as lot_ends of lot-5 at 1"},
	{`UPDATE notices SET sequence = 1000 WHERE organization = {o} AND kind = 'lot_ends'`, "notice 1000: no event told it"},
	{`DELETE FROM notices WHERE organization = {o} AND kind = 'lot_ends'`, "by the events it was told, and it is missing"},
	{`UPDATE denials SET refusals = refusals + 8 WHERE organization = {o}`, "stored are 10 refusals until"},
	{`UPDATE denials SET last_at = first_at + 3600000000 WHERE organization = {o}`, "stored are 2 refusals until"},
	{`UPDATE denials SET denied = 'u-3' WHERE organization = {o}`, `stored as IDU to the user "u-3"`},
	{`UPDATE denials SET reason = 'quota_reached' WHERE organization = {o}`, `stored as IDU to the user "u-4", quota_reached`},
	{`UPDATE denials SET latest = NOT latest WHERE organization = {o}`, "satisfied never, latest false; by the events"},
	{`UPDATE denials SET satisfied_at = 1, latest = NOT latest WHERE organization = {o}`, "satisfied 1970-01-01T00:00:00.000001Z, latest false"},
	{`UPDATE denials SET number = 1 WHERE organization = {o}`, "denial 1: no event began it"},
	{`DELETE FROM denials WHERE organization = {o}`, "by the events somebody was refused, and it is missing"},
	{`UPDATE lots SET origin = 'host' WHERE organization = {o} AND id = 'lot-2'`, `lot lot-2: its origin is stored as "host", by the events it is ""`},
	{`UPDATE lots SET origin = '' WHERE organization = {o} AND id = 'host-AIU'`, `lot host-AIU: its origin is stored as "", by the events it is "host"`},
	{`UPDATE lots SET quantity = 6 WHERE organization = {o} AND id = 'host-AIU'`, "lot host-AIU: stored as 6 of AIU"},
	{`UPDATE lots SET quantity = 6 WHERE organization = {o} AND id = 'host-AIU'`, "it has 6 units of AIU from the host, which by its events distributes 5"},
	{`UPDATE lots SET created_at = 1 WHERE organization = {o} AND id = 'host-AIU'`, "lot host-AIU: stored as 5 of AIU"},
	{`DELETE FROM lots WHERE organization = {o} AND id = 'host-AIU'`, "lot host-AIU: by the events it exists, and it is missing"},
	{`DELETE FROM lots WHERE organization = {o} AND id = 'host-AIU'`, "it has 0 units of AIU from the host, which by its events distributes 5"},
	{`UPDATE service_pools SET quantity = 1 WHERE organization = {o} AND code = 'AIU'`, "service t/orchestrator: stored are 1 of AIU, 2 drawn, 1000000 millionths in use until 2027-03-01T09:00:00Z, 0 of them carried; by the events 2, 2 drawn, 1000000 in use"},
	{`UPDATE service_pools SET drawn = 3 WHERE organization = {o} AND code = 'AIU'`, "service t/orchestrator: stored are 2 of AIU, 3 drawn, 1000000 millionths in use"},
	{`UPDATE service_pools SET drawn = 3 WHERE organization = {o} AND code = 'AIU'`, "pool AIU: its seats and services have 3 units, by the events 2 are used"},
	{`UPDATE service_pools SET used = used - 1 WHERE organization = {o} AND code = 'NONPR'`, "service t/orchestrator: stored are 0 of NONPR, 2 drawn, 1499999 millionths in use until 0001"},
	{`UPDATE service_pools SET period_start = 1 WHERE organization = {o} AND code = 'AIU'`, "service t/orchestrator: stored are 2 of AIU"},
	{`UPDATE service_pools SET carried = 1 WHERE organization = {o} AND code = 'AIU'`, "service t/orchestrator: stored are 2 of AIU, 2 drawn, 1000000 millionths in use until 2027-03-01T09:00:00Z, 1 of them carried; by the events 2, 2 drawn, 1000000 in use until 2027-03-01T09:00:00Z, 0 carried"},
	{`UPDATE service_pools SET tenant_id = 'u' WHERE organization = {o} AND code = 'AIU'`, "service u/orchestrator: no event gave it 2 of AIU"},
	{`DELETE FROM service_pools WHERE organization = {o} AND code = 'AIU'`, "service t/orchestrator: by the events it has 2 of AIU, and they are missing"},
	{`UPDATE unit_leases SET quantity = quantity - 1 WHERE organization = {o} AND id = 'held'`, "lease held of NONPR for t/orchestrator: stored with 1499999 millionths"},
	{`UPDATE unit_leases SET version = version - 1 WHERE organization = {o} AND id = 'held'`, "lease held of NONPR for t/orchestrator: stored with 1500000 millionths, number"},
	{`UPDATE unit_leases SET made_by = 'ben' WHERE organization = {o} AND id = 'held'`, "of ben, made at"},
	{`UPDATE unit_leases SET created_at = created_at - 1 WHERE organization = {o} AND id = 'held'`, "lease held of NONPR for t/orchestrator: stored with"},
	{`UPDATE unit_leases SET period_end = 4102444800000000 WHERE organization = {o} AND id = 'held'`, "lease held of NONPR for t/orchestrator: stored with"},
	{`UPDATE unit_leases SET id = 'other' WHERE organization = {o} AND id = 'held'`, "lease other of NONPR for t/orchestrator: no event tells of it"},
	{`UPDATE unit_leases SET id = 'other' WHERE organization = {o} AND id = 'event'`, "lease other of AIU for t/orchestrator: no event tells of it"},
	{`DELETE FROM unit_leases WHERE organization = {o} AND id = 'held'`, "lease held of NONPR for t/orchestrator: by the events it exists, and it is missing"},
	{`DELETE FROM unit_leases WHERE organization = {o} AND id = 'event'`, "lease event of AIU for t/orchestrator: by the events it exists, and it is missing"},
	{`UPDATE usage_days SET peak = peak + 1 WHERE organization = {o} AND code = 'NONPR'`, "use of NONPR by t/orchestrator on day 20513: stored are peak 1500001, last 1500000, consumed 0; by the events 1500000, 1500000, 0"},
	{`UPDATE usage_days SET last = 0 WHERE organization = {o} AND code = 'NONPR'`, "use of NONPR by t/orchestrator on day 20513: stored are peak 1500000, last 0"},
	{`UPDATE usage_days SET consumed = 0 WHERE organization = {o} AND code = 'AIU'`, "use of AIU by t/orchestrator on day 20513: stored are peak 1000000, last 1000000, consumed 0"},
	{`DELETE FROM usage_days WHERE organization = {o} AND code = 'AIU'`, "use of AIU by t/orchestrator on day 20513: by the events there was some, and it is missing"},
	{`DELETE FROM pools WHERE organization = {o} AND code = 'AIU'`, "pool AIU: by the events it exists, and it is missing"},

	{`DELETE FROM tenants WHERE organization = {o}`, "tenant t: by the events it exists, and it is missing"},
	{`UPDATE tenants SET id = 't-9' WHERE organization = {o}`, "tenant t-9: no event created it"},
	{`DELETE FROM memberships WHERE organization = {o} AND member_id = 'u-1'`, "group g: by the events u-1 is in it, and is missing"},
	{`UPDATE memberships SET member_id = 'u-3' WHERE organization = {o} AND member_id = 'u-1'`, "group g: the user u-3 is in it, and no event explains it"},
	{`UPDATE memberships SET member_kind = 'user' WHERE organization = {o} AND member_kind = 'robot'`, "is in it, and no event explains it"},
	{`DELETE FROM groups WHERE organization = {o}`, "group g: by the events it exists, and it is missing"},
	{`UPDATE groups SET modified_at = modified_at + 1 WHERE organization = {o}`, "group g: stored as created at"},
	{`UPDATE groups SET name_key = 'else' WHERE organization = {o}`, "group g: its name Group is looked up as else"},
	{`DELETE FROM robot_accounts WHERE organization = {o}`, "robot account r: by the events it exists, and it is missing"},
	{`UPDATE robot_accounts SET id = 'r-9' WHERE organization = {o}`, "robot account r-9: no event created it"},
	{`DELETE FROM settings WHERE organization = {o} AND key = 'A'`, "setting A: by the events it exists, and it is missing"},
	{`UPDATE settings SET key = 'C' WHERE organization = {o} AND key = 'A'`, "setting C: no event explains it"},
	{`UPDATE settings SET number = number + 1 WHERE organization = {o} AND key = 'A'`, "setting A: stored as number"},
	{`UPDATE settings SET modified_at = 1 WHERE organization = {o} AND key = 'B'`, "setting B of user u-1: stored as number"},
	{`UPDATE tenants SET name_key = 'else' WHERE organization = {o}`, "tenant t: its name Main is looked up as else"},
	{`UPDATE applications SET scopes = 'PM.License PM.User' WHERE organization = {o}`, "stored as {[PM.License PM.User] [PM.License] false 0 [s]}"},
	{`UPDATE applications SET user_scopes = '' WHERE organization = {o}`, "stored as {[PM.License] [] false 0 [s]}"},
	{`UPDATE applications SET confidential = NOT confidential WHERE organization = {o}`, "stored as {[PM.License] [PM.License] true 0 [s]}"},
	{`UPDATE applications SET redirect_uris = 'https://evil.example/' WHERE organization = {o}`, "stored as {[PM.License] [PM.License] false 1 [s]}"},
	{`UPDATE applications SET modified_at = modified_at + 1 WHERE organization = {o}`, "stored as created at"},
	{`UPDATE grants SET of_user = 'ghost' WHERE organization = {o}`, "grant grant: there is no such person: ghost"},
	{`UPDATE applications SET id = 'planted' || id WHERE organization = {o}`, "no event created it"},
	{`DELETE FROM applications WHERE organization = {o}`, "by the events it exists, and it is missing"},

	{`UPDATE events SET actor = 'nobody' WHERE organization = {o} AND sequence = 3`, "event 3: was changed after it was written"},
	{`UPDATE events SET at = at - 1 WHERE organization = {o} AND sequence = 3`, "event 3: at"},
	{`UPDATE events SET kind = 'made.up' WHERE organization = {o} AND sequence = 3`, `event 3: is of the kind "made.up"`},
	{`UPDATE events SET version = 2 WHERE organization = {o} AND sequence = 3`, "event 3: has version 2"},
	{`UPDATE events SET prev = hash WHERE organization = {o} AND sequence = 3`, "event 3: does not continue the hash of event 2"},
	{`UPDATE events SET hash = prev WHERE organization = {o} AND sequence = 3`, "event 3: was changed after it was written"},
	{`DELETE FROM events WHERE organization = {o} AND sequence = 3`, "events 3 to 3 are missing"},
	{`DELETE FROM events WHERE organization = {o} AND sequence = 1`, "events 1 to 1 are missing"},
	{`DELETE FROM events WHERE organization = {o} AND sequence = (SELECT max(sequence) FROM events WHERE organization = {o})`, "the head says that the chain ends with event"},
	{`UPDATE heads SET sequence = sequence + 1 WHERE organization = {o}`, "the head says that the chain ends with event"},
	{`UPDATE heads SET at = at + 1 WHERE organization = {o}`, "the head says that the chain ends with event"},
	{`UPDATE heads SET hash = (SELECT prev FROM events WHERE organization = {o} AND sequence = 1) WHERE organization = {o}`, "the head says that the chain ends with event"},
	{`DELETE FROM heads WHERE organization = {o}`, "the end of its chain is not stored"},

	{`UPDATE organizations SET external_licenses = NOT external_licenses WHERE id = [o]`, "stored with unknown users refuse, external licenses true"},
	{`UPDATE organizations SET name_key = 'else-' || name_key WHERE id = [o]`, "is looked up as else-"},
	{`UPDATE idempotency_keys SET answer = fingerprint WHERE organization = {o}`, `the answer to idempotency key "key" of ann cannot be read`},
}

// Guards that verification can fail: each of these alone, in an organization of its own, is told of that organization.
func damageIsFound(f *archiveFixture) {
	f.open()
	f.sells(seatwright.HostID, "AIU", 10_000)
	f.sells(seatwright.HostID, "UNATT", 1)
	names := []string{"sound", "lost", "foreign"}
	for i := range damages {
		names = append(names, fmt.Sprintf("o-%d", i))
	}
	for _, name := range names {
		f.damageable(name)
	}
	f.must(decide(f.fixture, seatwright.CreateSigningKey{Key: seatwright.SigningKey{ID: "genuine", Sealed: []byte{1}}}))
	wantSound(f.T, f.place.Archive)

	hit := func(statement, name string) {
		f.place.Alter(f.T, strings.NewReplacer("{o}", "{"+name+"}", "[o]", "'"+name+"'").Replace(statement))
	}
	for i, d := range damages {
		hit(d.statement, fmt.Sprintf("o-%d", i))
	}
	hit(`UPDATE organizations SET id = 'moved', name_key = 'moved' WHERE id = [o]`, "foreign")
	hit(`DELETE FROM organizations WHERE id = [o]`, "lost")
	hit(`UPDATE signing_keys SET id = 'planted' WHERE id = 'genuine'`, "sound")
	found := differences(f.T, f.place.Archive)

	want := func(parts ...string) {
		for _, sentence := range found {
			all := true
			for _, part := range parts {
				all = all && strings.Contains(sentence, part)
			}
			if all {
				return
			}
		}
		f.Errorf("not found: %s", strings.Join(parts, " … "))
	}
	for i, d := range damages {
		want(append(strings.Split(d.sentence, "…"), fmt.Sprintf("organization o-%d: ", i))...)
	}
	want("there are rows of it, but it does not exist")
	want("organization lost: the host created it, and it is missing")
	want("organization moved: no event of the host created it")
	want("signing key planted: no event of the host created it")
	for _, sentence := range found {
		if strings.Contains(sentence, "organization sound:") {
			f.Errorf("of what was not touched: %s", sentence)
		}
	}
}

// damageable is an organization that has one of everything.
func (f *archiveFixture) damageable(name string) {
	org := seatwright.OrganizationID(name)
	f.organization(name, 4, 4)
	f.must(decide(f.fixture, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: org, ID: "lot-2", Code: "TSTNU", Quantity: 2, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
	for _, id := range []string{"lot-3", "lot-4"} {
		f.must(decide(f.fixture, seatwright.CreateLot{Lot: seatwright.Lot{
			Organization: org, ID: seatwright.LotID(id), Code: "TSTNU", Quantity: 1, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
		}}))
	}
	f.must(decide(f.fixture, seatwright.ChangeLot{Organization: org, ID: "lot-3", Quantity: to(int64(5)), Grace: to(time.Hour)}))
	f.must(decide(f.fixture, seatwright.RemoveLot{Organization: org, ID: "lot-4"}))
	for _, id := range []seatwright.LicenseFileID{"file", "ended"} {
		f.must(decide(f.fixture, seatwright.ImportLicense{
			Organization: org, ID: id, Issuer: "vendor", Hash: make([]byte, 32), ExpiresAt: f.clock.Now().AddDate(1, 0, 0), Lots: []seatwright.Lot{
				{Code: "TSTNU", Quantity: 1, Start: f.clock.Now().Add(-time.Hour), End: f.clock.Now().AddDate(1, 0, 0)},
			},
		}))
	}
	f.must(decide(f.fixture, seatwright.DeactivateLicense{Organization: org, ID: "ended"}))
	f.buy(name, "lot-5", 1, 0, time.Hour)
	f.must(decide(f.fixture, seatwright.TellNotices{Organization: org, Due: []seatwright.DueNotice{
		{Organization: org, NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticeLotEnds, Subject: "lot-5"}, Code: "ATTUNU"},
	}}))
	f.must(decide(f.fixture, seatwright.RemoveLot{Organization: org, ID: "lot-5"}))
	f.must(decide(f.fixture, seatwright.CreateTenant{Organization: org, ID: "t", Name: "Main"}))
	f.must(nil, f.distribute(org, "AIU", 5, "UNATT", 1))
	f.must(nil, f.distribute(org, "UNATT", 0))
	f.must(nil, f.give(org, "t", "AIU", 2))
	f.sells(org, "NONPR", 3)
	f.actor = "ann"
	f.must(decide(f.fixture, acquireOf(org, "t NONPR held", 1.5)))
	f.must(decide(f.fixture, acquireOf(org, "t AIU event", 1)))
	f.actor = ""
	f.must(decide(f.fixture, seatwright.CreateApplication{Application: seatwright.Application{
		Organization: org, ID: seatwright.ApplicationID("app-" + name), Confidential: true, Secrets: []seatwright.ApplicationSecret{{ID: "s", Hash: make([]byte, 32)}}, Scopes: []seatwright.Scope{"PM.License"},
		UserScopes: []seatwright.Scope{"PM.License"},
	}}))
	f.must(decide(f.fixture, seatwright.CreateGrant{Grant: seatwright.Grant{
		Organization: org, ID: "grant", Kind: seatwright.GrantPersonal, User: "u-1", ExpiresAt: f.clock.Now().AddDate(1, 0, 0),
	}}))
	f.must(decide(f.fixture, seatwright.CreateRobotAccount{Organization: org, FreshID: "r", Name: "Robot"}))
	f.must(decide(f.fixture, seatwright.CreateGroup{Organization: org, ID: "g", Name: "Group", Members: []string{"u-1", "r"}}))
	f.person(name, "leasing")
	f.must(decide(f.fixture, seatwright.UpdateGroup{Organization: org, ID: "g", Add: []string{"leasing"}}))
	f.must(decide(f.fixture, seatwright.SetGroupRule{Organization: org, Group: "g", Codes: []seatwright.ProductCode{"TSTNU"}}))
	f.must(decide(f.fixture, seatwright.OpenSession{Organization: org, User: "leasing", Session: "session", GlobalID: "global"}))
	f.must(decide(f.fixture, seatwright.CreateLot{Lot: seatwright.Lot{
		Organization: org, ID: "lot-of-many", Code: "ACCU", Quantity: 2, Start: f.clock.Now(), End: f.clock.Now().AddDate(1, 0, 0),
	}}))
	f.must(decide(f.fixture, seatwright.SetGroupRule{Organization: org, Group: seatwright.Everyone.ID, Codes: []seatwright.ProductCode{"ACCU"}}))
	f.person(name, "sharing")
	f.must(decide(f.fixture, seatwright.OpenSession{Organization: org, User: "sharing"}))
	value := "value"
	f.must(decide(f.fixture, seatwright.ChangeSettings{Organization: org, Settings: []seatwright.NewSetting{{Key: "A", Value: &value}}}))
	f.must(decide(f.fixture, seatwright.ChangeSettings{Organization: org, User: "u-1", Settings: []seatwright.NewSetting{{Key: "B", Value: &value}}}))
	f.key, f.actor = "key", "ann"
	f.must(nil, f.allocate(name, []seatwright.ProductCode{"TSTNU", "ATTUNU"}, "u-1"))
	f.key, f.actor = "", ""
	f.must(nil, f.allocate(name, attended, "u-2"))
	f.must(nil, f.allocate(name, nil, "u-3"))
	for range 2 {
		f.wantReason(f.allocate(name, []seatwright.ProductCode{"IDU"}, "u-4"), seatwright.ReasonPoolExhausted)
	}
	for _, c := range []seatwright.FinishSignIn{
		{Organization: org, User: "u-1", Result: seatwright.SignInSucceeded},
		{Organization: org, User: "u-2", Result: seatwright.SignInWrongPassword},
		{Organization: org, User: "u-2", Result: seatwright.SignInWrongPassword},
	} {
		f.must(decide(f.fixture, seatwright.AdmitSignIn{Organization: org, User: c.User}))
		f.must(decide(f.fixture, c))
	}
	for _, id := range []string{"left", "gone"} { // both held something
		f.person(name, id)
		f.must(nil, f.allocate(name, attended, seatwright.UserID(id)))
	}
	f.must(decide(f.fixture, seatwright.TellNotices{Organization: org, Due: []seatwright.DueNotice{
		{Organization: org, NoticeRef: seatwright.NoticeRef{Kind: seatwright.NoticePoolUsed, Subject: "ATTUNU"}, Code: "ATTUNU"},
	}}))
	f.must(decide(f.fixture, seatwright.UpdateUser{
		Organization: org, User: "left", Active: to(false), BypassBasicAuth: to(false), InvitationAccepted: to(true),
	}))
	f.must(decide(f.fixture, seatwright.DeleteUsers{Organization: org, Users: []seatwright.UserID{"gone"}}))
}
