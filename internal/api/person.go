package api

import (
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// The numbers that stand for a person on the wire.
const (
	TypeOfUser      = 0
	categoryOfLocal = 0
)

// UserDto is a person as the compatible doors show them.
func UserDto(p directory.Person) wire.UserDto {
	return wire.UserDto{
		ID: string(p.ID), UserName: OrNull(p.UserName), Email: OrNull(p.Email), Name: OrNull(p.FirstName), Surname: OrNull(p.LastName),
		DisplayName: OrNull(p.DisplayName), CreationTime: p.CreatedAt, LastModificationTime: OrNever(p.ModifiedAt), LastLoginTime: OrNever(p.LastSignIn),
		GroupIDs: Texts(p.Groups), IsActive: p.Active, BypassBasicAuthRestriction: p.BypassBasicAuth, Type: TypeOfUser,
		Category: categoryOfLocal, InvitationAccepted: p.InvitationAccepted,
	}
}

// OrNull is a text of which nothing is told where it is empty.
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// OrNever is an instant of which nothing is told where there is none.
func OrNever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Texts are ids as they are written, never nil: an empty list is [] and not null in JSON.
func Texts[ID ~string](ids []ID) []string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = string(id)
	}
	return s
}

// UserID reads the id of a person in a path: one that nobody can have is not found either.
func UserID(raw string) (seatwright.UserID, error) {
	id, err := seatwright.CanonicalID(raw)
	if err != nil {
		return "", seatwright.MissingUser()
	}
	return seatwright.UserID(id), nil
}
