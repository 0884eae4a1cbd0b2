package native

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// ListNotices is GET /api/v1/organizations/{org}/notices.
func (h handlers) ListNotices(ctx context.Context, request ListNoticesRequestObject) (ListNoticesResponseObject, error) {
	query := seatwright.NoticeQuery{Before: request.Params.Before, Top: topOf(request.Params.Top), Standing: request.Params.Standing}
	found, more, err := h.licensing.Notices(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, query)
	if err != nil {
		return nil, err
	}
	answer := ListNotices200JSONResponse{Notices: make([]wire.Notice, len(found))}
	for i, n := range found {
		answer.Notices[i] = noticeOf(n)
	}
	if more {
		answer.Next = &found[len(found)-1].Sequence
	}
	return answer, nil
}

func noticeOf(n seatwright.Notice) wire.Notice {
	out := wire.Notice{
		Sequence: n.Sequence, Kind: wire.NoticeKind(n.Kind), Code: string(n.Code), Threshold: n.Threshold, At: n.At, Standing: n.Standing,
	}
	if n.Kind == seatwright.NoticeLotEnds {
		out.Lot, out.EndsAt = &n.Subject, &n.EndsAt
	} else {
		out.Used, out.Total = &n.Used, &n.Total
	}
	return out
}
