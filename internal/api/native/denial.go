package native

import (
	"context"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// DenialLog tells who was refused what.
type DenialLog interface {
	Denials(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, query seatwright.DenialQuery) (denials []seatwright.Denial, more bool, err error)
	CountDenials(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, by seatwright.DenialSide, query seatwright.DenialQuery) ([]seatwright.DenialCount, error)
}

// ListDenials is GET /api/v1/organizations/{org}/denials.
func (h handlers) ListDenials(ctx context.Context, request ListDenialsRequestObject) (ListDenialsResponseObject, error) {
	p := request.Params
	query := seatwright.DenialQuery{
		Code: seatwright.ProductCode(p.Code), User: seatwright.UserID(p.Person), Since: p.Since, Until: p.Until, Satisfied: p.Satisfied,
		Before: p.Before, Top: topOf(p.Top),
	}
	found, more, err := h.licensing.Denials(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, query)
	if err != nil {
		return nil, err
	}
	answer := ListDenials200JSONResponse{Denials: make([]wire.Denial, len(found))}
	for i, d := range found {
		answer.Denials[i] = denialOf(d)
	}
	if more {
		answer.Next = &found[len(found)-1].Number
	}
	return answer, nil
}

// CountDenials is GET /api/v1/organizations/{org}/denials/counts.
func (h handlers) CountDenials(ctx context.Context, request CountDenialsRequestObject) (CountDenialsResponseObject, error) {
	p := request.Params
	query := seatwright.DenialQuery{
		Code: seatwright.ProductCode(p.Code), User: seatwright.UserID(p.Person), Since: p.Since, Until: p.Until, Satisfied: p.Satisfied, Top: topOf(p.Top),
	}
	by := seatwright.DenialSide(p.By)
	found, err := h.licensing.CountDenials(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, by, query)
	if err != nil {
		return nil, err
	}
	answer := CountDenials200JSONResponse{Counts: make([]wire.DenialCount, len(found))}
	for i, c := range found {
		out := wire.DenialCount{Denials: c.Denials, Refusals: c.Refusals, Denied: c.Denied, Satisfied: c.Satisfied}
		switch {
		case by == seatwright.DenialsByHour:
			out.Hour = &c.Hour
		case by == seatwright.DenialsByCode:
			out.Code = &c.ID
		case c.ID != "":
			out.Person = &c.ID
		}
		answer.Counts[i] = out
	}
	return answer, nil
}

// topOf is 100 where nobody says how many.
func topOf(asked *int32) int {
	if asked == nil {
		return 100
	}
	return int(*asked)
}

func denialOf(d seatwright.Denial) wire.Denial {
	out := wire.Denial{
		Number: d.Number, Kind: wire.DeniedKind(d.Kind), Code: string(d.Code), Reason: wire.DenialReason(d.Reason), Requested: d.Requested,
		Available: d.Available, Refusals: d.Refusals, FirstAt: d.FirstAt, LastAt: d.LastAt,
	}
	if d.ID != "" {
		out.Denied, out.AskedBy = &d.ID, &d.Actor
	}
	if group := string(d.Group); group != "" {
		out.Group = &group
	}
	if !d.SatisfiedAt.IsZero() {
		out.SatisfiedAt = &d.SatisfiedAt
	}
	return out
}
