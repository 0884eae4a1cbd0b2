package native

import (
	"context"
	"math"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/wire"
)

// ListLots is GET /api/v1/organizations/{org}/lots.
func (h handlers) ListLots(ctx context.Context, request ListLotsRequestObject) (ListLotsResponseObject, error) {
	found, err := h.licensing.Lots(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.ProductCode(request.Params.Code))
	if err != nil {
		return nil, err
	}
	answer := ListLots200JSONResponse{Lots: make([]wire.Lot, len(found))}
	for i, p := range found {
		answer.Lots[i] = lotOf(p)
	}
	return answer, nil
}

// GetLot is GET /api/v1/organizations/{org}/lots/{lot}.
func (h handlers) GetLot(ctx context.Context, request GetLotRequestObject) (GetLotResponseObject, error) {
	p, err := h.licensing.Lot(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.LotID(request.Lot))
	if err != nil {
		return nil, err
	}
	return GetLot200JSONResponse(lotOf(p)), nil
}

// CreateLot is POST /api/v1/organizations/{org}/lots.
func (h handlers) CreateLot(ctx context.Context, request CreateLotRequestObject) (CreateLotResponseObject, error) {
	b := request.Body
	grace, err := graceOf(b.GraceSeconds)
	if err != nil {
		return nil, err
	}
	lot, err := h.licensing.CreateLot(ctx, api.CallerOf(ctx), seatwright.Lot{
		Organization: api.OrganizationOf(ctx).ID, ID: seatwright.LotID(b.ID), Code: seatwright.ProductCode(b.Code), Quantity: b.Quantity,
		Start: b.Start, End: b.End, Grace: grace, Order: b.Order,
	})
	if err != nil {
		return nil, err
	}
	return CreateLot201JSONResponse(lotOf(seatwright.Purchase{Lot: lot, State: lot.State(lot.CreatedAt)})), nil
}

// ChangeLot is PATCH /api/v1/organizations/{org}/lots/{lot}.
func (h handlers) ChangeLot(ctx context.Context, request ChangeLotRequestObject) (ChangeLotResponseObject, error) {
	b := request.Body
	change := seatwright.ChangeLot{
		Organization: api.OrganizationOf(ctx).ID, ID: seatwright.LotID(request.Lot), Quantity: b.Quantity, Start: b.Start, End: b.End, Order: b.Order,
	}
	if b.GraceSeconds != nil {
		grace, err := graceOf(*b.GraceSeconds)
		if err != nil {
			return nil, err
		}
		change.Grace = &grace
	}
	p, err := h.licensing.ChangeLot(ctx, api.CallerOf(ctx), change)
	if err != nil {
		return nil, err
	}
	return ChangeLot200JSONResponse(lotOf(p)), nil
}

// RemoveLot is DELETE /api/v1/organizations/{org}/lots/{lot}.
func (h handlers) RemoveLot(ctx context.Context, request RemoveLotRequestObject) (RemoveLotResponseObject, error) {
	p, err := h.licensing.RemoveLot(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, seatwright.LotID(request.Lot))
	if err != nil {
		return nil, err
	}
	return RemoveLot200JSONResponse(lotOf(p)), nil
}

func graceOf(seconds int64) (time.Duration, error) {
	if limit := int64(math.MaxInt64 / time.Second); seconds > limit || seconds < -limit {
		return 0, seatwright.Invalid(seatwright.ReasonInvalidValue, "no grace is that long").In("graceSeconds")
	}
	return time.Duration(seconds) * time.Second, nil
}

func lotOf(p seatwright.Purchase) wire.Lot {
	return wire.Lot{
		ID: string(p.ID), Code: string(p.Code), Quantity: p.Quantity, Start: p.Start, End: p.End, GraceSeconds: int64(p.Grace / time.Second),
		Order: p.Order, CreatedAt: p.CreatedAt, State: wire.LotState(p.State),
	}
}
