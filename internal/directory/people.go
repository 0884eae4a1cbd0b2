package directory

import (
	"context"

	"github.com/seatwright/seatwright"
)

// People is the life of the people of an organization, as its administrators see it. It is safe for concurrent use.
type People struct {
	reader seatwright.DirectoryReader
}

// NewPeople makes the use cases over a reader of the store.
func NewPeople(reader seatwright.DirectoryReader) *People { return &People{reader: reader} }

// User finds a person. An id that nobody can have is not found either.
func (p *People) User(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string) (seatwright.User, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadUsers); err != nil {
		return seatwright.User{}, err
	}
	user, err := userID(id)
	if err != nil {
		return seatwright.User{}, err
	}
	u, err := p.reader.User(ctx, organization, user)
	u.PasswordHash = ""
	return u, err
}

// userID reads the id of a person in a path.
func userID(id string) (seatwright.UserID, error) {
	canonical, err := seatwright.CanonicalID(id)
	if err != nil {
		return "", seatwright.MissingUser()
	}
	return seatwright.UserID(canonical), nil
}
