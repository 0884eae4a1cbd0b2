package licensing

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

// maxGrace bounds what a typing error can do.
const maxGrace = 10 * 365 * 24 * time.Hour

// CreateLot enters a purchase for an organization. An empty id is replaced by a fresh one, a zero start by now. Instants are cut to
// microseconds, the grace to seconds.
func (l *Licensing) CreateLot(ctx context.Context, caller seatwright.Caller, lot seatwright.Lot) (seatwright.Lot, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return seatwright.Lot{}, err
	}
	if err := l.checkLot(&lot); err != nil {
		return seatwright.Lot{}, err
	}
	command := seatwright.CreateLot{Lot: lot, FreshID: seatwright.LotID(seatwright.NewID())}
	return ledger.Submit(ctx, l.ledger, caller.Origin(), command)
}

func (l *Licensing) checkLot(lot *seatwright.Lot) error {
	invalid := func(field, format string, args ...any) error {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, format, args...).In(field)
	}
	if lot.ID != "" {
		id, err := seatwright.CanonicalID(string(lot.ID))
		if err != nil {
			return seatwright.AsError(err).In("id")
		}
		lot.ID = seatwright.LotID(id)
	}
	if _, known := l.catalogue.Product(lot.Code); !known {
		return invalid("code", "there is no product %q", lot.Code)
	}
	if lot.Quantity < 1 || lot.Quantity > seatwright.MaxQuantity {
		return invalid("quantity", "a lot has 1 to %d units", seatwright.MaxQuantity)
	}
	lot.Start, lot.End = lot.Start.UTC().Truncate(time.Microsecond), lot.End.UTC().Truncate(time.Microsecond)
	for field, instant := range map[string]time.Time{"start": lot.Start, "end": lot.End} {
		if field == "start" && lot.Start.IsZero() {
			continue
		}
		if instant.Year() < 1970 || instant.Year() > 9999 {
			return invalid(field, "the year must be 1970 to 9999")
		}
	}
	if lot.Grace < 0 || lot.Grace > maxGrace || lot.Grace%time.Second != 0 {
		return invalid("graceSeconds", "the grace is 0 to %d whole seconds", int64(maxGrace/time.Second))
	}
	return seatwright.CheckText("order", lot.Order)
}
