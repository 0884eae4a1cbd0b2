package seatwright

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// staff is an organization with ann, who administers it, bob, who holds a seat, and eve, who is not active.
func staff() *Slice {
	s := NewSlice(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	s.LoadOrganization(Organization{ID: "o", Policies: Policies{UnknownUsers: RefuseUnknownUsers}}, Head{Organization: "o", Hash: NoHash()}, true)
	for _, u := range []User{
		{ID: "ann", Role: RoleOrganizationAdministrator, Active: true}, {ID: "bob", Role: RoleMember, Active: true, UserName: "bob", PasswordHash: "old"},
		{ID: "eve", Role: RoleOrganizationAdministrator},
	} {
		u.Organization, u.FirstName, u.Email = "o", "Secret", "secret@example"
		s.LoadPerson(UserRow{User: u})
	}
	s.LoadAdministrators("o", 1)
	s.LoadRecord(DirectRecord{Organization: "o", User: "bob"})
	s.LoadSeat(Seat{Organization: "o", User: "bob", Code: "ATTUNU", Units: 1, Direct: true})
	s.LoadPool(Pool{Organization: "o", Code: "ATTUNU", Total: 1, TotalUntil: never, Used: 1, Ceiling: 1}, nil)
	return s
}

// Promise: events about people say what changed by name, and never a value; what somebody holds ends before they do.
func TestEventsOfPeople(t *testing.T) {
	t.Parallel()
	yes, no, name, same := true, false, "Other", "Secret"
	for name, c := range map[string]struct {
		decide func(*Slice) error
		want   []string
		reason Reason
	}{
		"name": {func(s *Slice) error {
			_, err := UpdateUser{Organization: "o", User: "bob", FirstName: &name, LastName: &name, Email: &name, DisplayName: &name}.Decide(s, Origin{})
			return err
		}, []string{`user.updated bob {"changed":["firstName","lastName","displayName","email"],"role":"member","active":true}`}, ""},
		"nothing": {func(s *Slice) error {
			_, err := UpdateUser{Organization: "o", User: "bob", FirstName: &same, Active: &yes, BypassBasicAuth: &no}.Decide(s, Origin{})
			return err
		}, nil, ""},
		"flags and password": {func(s *Slice) error {
			_, err := UpdateUser{Organization: "o", User: "bob", BypassBasicAuth: &yes, InvitationAccepted: &yes, PasswordHash: "new"}.Decide(s, Origin{})
			return err
		}, []string{`user.updated bob {"changed":["bypassBasicAuth","invitationAccepted","password"],"role":"member","active":true,"bypassBasicAuth":true,"invitationAccepted":true}`}, ""},
		"a password without a name": {func(s *Slice) error {
			_, err := UpdateUser{Organization: "o", User: "ann", PasswordHash: "new"}.Decide(s, Origin{})
			return err
		}, nil, ReasonInvalidValue},
		"deactivated": {func(s *Slice) error {
			_, err := UpdateUser{Organization: "o", User: "bob", Active: &no}.Decide(s, Origin{})
			return err
		}, []string{
			`allocation.removed bob {"codes":[],"units":0,"external":false,"pools":[{"code":"ATTUNU","used":0,"total":1}]}`,
			`user.updated bob {"changed":["active"],"role":"member","active":false}`,
		}, ""},
		"activated": {func(s *Slice) error {
			_, err := UpdateUser{Organization: "o", User: "eve", Active: &yes}.Decide(s, Origin{})
			return err
		}, []string{`user.updated eve {"changed":["active"],"role":"organization-administrator","active":true}`}, ""},
		"the last administrator": {func(s *Slice) error {
			_, err := UpdateUser{Organization: "o", User: "ann", Active: &no}.Decide(s, Origin{})
			return err
		}, nil, ReasonLastAdministrator},
		"deleted": {func(s *Slice) error {
			_, err := DeleteUsers{Organization: "o", Users: []UserID{"eve", "bob"}}.Decide(s, Origin{})
			return err
		}, []string{
			`user.deleted eve {}`, `allocation.removed bob {"codes":[],"units":0,"external":false,"pools":[{"code":"ATTUNU","used":0,"total":1}]}`,
			`user.deleted bob {}`,
		}, ""},
		"all deleted": {func(s *Slice) error {
			_, err := DeleteUsers{Organization: "o", Users: []UserID{"eve", "bob", "ann"}}.Decide(s, Origin{})
			return err
		}, nil, ReasonLastAdministrator},
		"somebody unknown deleted": {func(s *Slice) error {
			_, err := DeleteUsers{Organization: "o", Users: []UserID{"bob", "who"}}.Decide(s, Origin{})
			return err
		}, nil, ReasonNotFound},
		"own password": {func(s *Slice) error {
			_, err := ChangePassword{Organization: "o", User: "bob", OldHash: "old", PasswordHash: "new"}.Decide(s, Origin{})
			return err
		}, []string{`user.password_changed bob {}`}, ""},
		"a password that was changed meanwhile": {func(s *Slice) error {
			_, err := ChangePassword{Organization: "o", User: "bob", OldHash: "older", PasswordHash: "new"}.Decide(s, Origin{})
			return err
		}, nil, ReasonWrongPassword},
		"a password of somebody who has none": {func(s *Slice) error {
			_, err := ChangePassword{Organization: "o", User: "ann", PasswordHash: "new"}.Decide(s, Origin{})
			return err
		}, nil, ReasonWrongPassword},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := staff()
			if err := c.decide(s); (err == nil) != (c.reason == "") || err != nil && !IsReason(err, c.reason) {
				t.Fatalf("decided %v, want %q", err, c.reason)
			}
			changes := s.Changes()
			if len(c.want) == 0 && !changes.Empty() {
				t.Errorf("changes %+v", changes)
			}
			var got []string
			for _, e := range changes.Events {
				got = append(got, string(e.Kind)+" "+e.Subject+" "+string(e.Data))
				if strings.Contains(strings.ToLower(string(e.Data)), "secret") {
					t.Errorf("an event names a person: %s", e.Data)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
