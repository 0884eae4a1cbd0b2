package licensing

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/ledger"
)

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
	made, err := ledger.Submit(ctx, l.ledger, caller.Origin(), command)
	return aligned(ctx, l.reader, l.ledger, lot.Organization, made, err)
}

// ChangeLot changes what of a purchase is set in the command; see seatwright.ChangeLot.
func (l *Licensing) ChangeLot(ctx context.Context, caller seatwright.Caller, change seatwright.ChangeLot) (seatwright.Purchase, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return seatwright.Purchase{}, err
	}
	var err error
	if change.ID, err = lotID(change.ID); err != nil {
		return seatwright.Purchase{}, err
	}
	err = seatwright.CheckLotFields(change.Quantity, change.Start, change.End, change.Grace)
	if err == nil && change.Order != nil {
		err = seatwright.CheckText("order", *change.Order)
	}
	if err != nil {
		return seatwright.Purchase{}, err
	}
	changed, err := ledger.Submit(ctx, l.ledger, caller.Origin(), change)
	return aligned(ctx, l.reader, l.ledger, change.Organization, changed, err)
}

// RemoveLot takes a purchase back; see seatwright.RemoveLot.
func (l *Licensing) RemoveLot(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LotID,
) (seatwright.Purchase, error) {
	if err := caller.Principal.Check(seatwright.PermissionManageHost); err != nil {
		return seatwright.Purchase{}, err
	}
	id, err := lotID(id)
	if err != nil {
		return seatwright.Purchase{}, err
	}
	removed, err := ledger.Submit(ctx, l.ledger, caller.Origin(), seatwright.RemoveLot{Organization: organization, ID: id})
	return aligned(ctx, l.reader, l.ledger, organization, removed, err)
}

// Lots lists the purchases of an organization: those of one code, or all where code is empty.
func (l *Licensing) Lots(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, code seatwright.ProductCode,
) ([]seatwright.Purchase, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadPurchases); err != nil {
		return nil, err
	}
	return l.reader.Lots(ctx, organization, code)
}

// Lot finds a purchase of an organization.
func (l *Licensing) Lot(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.LotID,
) (seatwright.Purchase, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadPurchases); err != nil {
		return seatwright.Purchase{}, err
	}
	id, err := lotID(id)
	if err != nil {
		return seatwright.Purchase{}, err
	}
	return l.reader.Lot(ctx, organization, id)
}

func lotID(text seatwright.LotID) (seatwright.LotID, error) {
	id, err := seatwright.CanonicalID(string(text))
	return seatwright.LotID(id), err
}

func (l *Licensing) checkLot(lot *seatwright.Lot) error {
	if lot.ID != "" {
		var err error
		if lot.ID, err = lotID(lot.ID); err != nil {
			return seatwright.AsError(err).In("id")
		}
	}
	if _, known := l.catalogue.Product(lot.Code); !known {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "there is no product %q", lot.Code).In("code")
	}
	lot.Start, lot.End = lot.Start.UTC().Truncate(time.Microsecond), lot.End.UTC().Truncate(time.Microsecond)
	start := &lot.Start
	if start.IsZero() {
		start = nil
	}
	if err := seatwright.CheckLotFields(&lot.Quantity, start, &lot.End, &lot.Grace); err != nil {
		return err
	}
	return seatwright.CheckText("order", lot.Order)
}
