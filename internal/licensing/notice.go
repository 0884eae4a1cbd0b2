package licensing

import (
	"context"

	"github.com/seatwright/seatwright"
)

// MaxNotices is how many notices are answered at once.
const MaxNotices = 1000

// Notices lists the notices of an organization, newest first: at most query.Top of them, which is 1 to MaxNotices. more reports that
// there are others before these.
func (l *Licensing) Notices(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, query seatwright.NoticeQuery,
) (notices []seatwright.Notice, more bool, err error) {
	if err := caller.Principal.Check(seatwright.PermissionReadPurchases); err != nil {
		return nil, false, err
	}
	if query.Top < 1 || query.Top > MaxNotices {
		return nil, false, seatwright.Invalid(seatwright.ReasonInvalidValue, "top is 1 to %d", MaxNotices).In("top")
	}
	if query.Before < 0 {
		return nil, false, seatwright.Invalid(seatwright.ReasonInvalidValue, "before is the sequence of a notice").In("before")
	}
	query.Top++
	notices, err = l.reader.Notices(ctx, organization, query)
	if len(notices) == query.Top {
		return notices[:query.Top-1], true, err
	}
	return notices, false, err
}
