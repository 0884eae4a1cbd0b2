package directory

import (
	"context"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// SignInReader is what the record of sign-ins is read from.
type SignInReader interface {
	seatwright.DirectoryReader
	seatwright.EventReader
}

// SignIns shows administrators who has signed in. It is safe for concurrent use.
type SignIns struct{ reader SignInReader }

// NewSignIns makes the use case over a reader of the store.
func NewSignIns(reader SignInReader) *SignIns { return &SignIns{reader} }

// SignInQuery is which sign-ins are wanted.
type SignInQuery struct {
	Since       time.Time // zero: all
	OldestFirst bool
	Skip, Top   int
}

// SignInPage is a part of the sign-ins of one person.
type SignInPage struct {
	Person seatwright.User // without password hash
	Total  int
	Events []seatwright.Event // with a seatwright.SignIn each
}

// Of lists the sign-ins of a person. An id that nobody can have is not found either.
func (s *SignIns) Of(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string, q SignInQuery,
) (page SignInPage, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadSignIns); err != nil {
		return page, err
	}
	user, err := userID(id)
	if err != nil {
		return page, err
	}
	if page.Person, err = s.reader.User(ctx, organization, user); err != nil {
		return page, err
	}
	page.Person.PasswordHash = ""
	from, most := q.Skip, q.Top
	if q.OldestFirst { // the same, counted from the other end
		_, total, err := s.reader.SignIns(ctx, organization, user, q.Since, 0, 0)
		if err != nil {
			return page, err
		}
		most = max(0, min(q.Top, int(total)-q.Skip))
		from = max(0, int(total)-q.Skip-most)
	}
	events, total, err := s.reader.SignIns(ctx, organization, user, q.Since, from, most)
	if q.OldestFirst {
		slices.Reverse(events)
	}
	page.Total, page.Events = int(total), events
	return page, err
}
