package lease

import (
	"context"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
	"github.com/seatwright/seatwright/wire"
)

// Units is what the door needs done when services use units. What was used over time is in usage.go.
type Units interface {
	AcquireUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, w licensing.UnitsWanted) (seatwright.AcquiredUnits, error)
	ReleaseUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ids []string) error
	ReleaseAllUnits(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) error
	UnitLease(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n licensing.LeaseName) (seatwright.UnitLease, licensing.UnitUse, error)
}

func (h handlers) acquire(ctx context.Context, w licensing.UnitsWanted) (wire.AcquiredLease, error) {
	acquired, err := h.licensing.AcquireUnits(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, w)
	return wire.AcquiredLease{LeaseIdentifier: string(acquired.Lease.ID), Created: acquired.Created}, err
}

// leaseIn is a lease with its service in the body.
func leaseIn(body *wire.LeaseRequest) licensing.UnitsWanted {
	return licensing.UnitsWanted{
		LeaseName: licensing.LeaseName{
			ServiceName: licensing.ServiceName{Tenant: body.ServiceScopeID, Service: body.ServiceType}, Product: body.ProductCode, ID: body.LeaseIdentifier,
		},
		Quantity: body.Quantity, Overdraft: body.BypassUsageCheck,
	}
}

// leaseOf is a lease with its service in the path.
func leaseOf(body *wire.LeaseRequest, tenant, service string) licensing.UnitsWanted {
	w := leaseIn(body)
	w.ServiceName = licensing.ServiceName{Tenant: tenant, Service: service}
	return w
}

// AcquireLease is PUT lease.
func (h handlers) AcquireLease(ctx context.Context, request AcquireLeaseRequestObject) (AcquireLeaseResponseObject, error) {
	answer, err := h.acquire(ctx, leaseIn(request.Body))
	return AcquireLease200JSONResponse(answer), err
}

// AcquireAccountLease is PUT lease/{organization}.
func (h handlers) AcquireAccountLease(ctx context.Context, request AcquireAccountLeaseRequestObject) (AcquireAccountLeaseResponseObject, error) {
	answer, err := h.acquire(ctx, leaseIn(request.Body))
	return AcquireAccountLease200JSONResponse(answer), err
}

// AcquireOrganizationLease is PUT lease/{organization}/acquire.
func (h handlers) AcquireOrganizationLease(ctx context.Context, request AcquireOrganizationLeaseRequestObject) (AcquireOrganizationLeaseResponseObject, error) {
	answer, err := h.acquire(ctx, leaseIn(request.Body))
	return AcquireOrganizationLease200JSONResponse(answer), err
}

// AcquireServiceLease is PUT lease/{tenant}/{service}.
func (h handlers) AcquireServiceLease(ctx context.Context, request AcquireServiceLeaseRequestObject) (AcquireServiceLeaseResponseObject, error) {
	answer, err := h.acquire(ctx, leaseOf(request.Body, request.ServiceScopeID, request.ServiceType))
	return AcquireServiceLease200JSONResponse(answer), err
}

// AcquireLeaseOfService is PUT lease/{organization}/{tenant}/{service}.
func (h handlers) AcquireLeaseOfService(ctx context.Context, request AcquireLeaseOfServiceRequestObject) (AcquireLeaseOfServiceResponseObject, error) {
	answer, err := h.acquire(ctx, leaseOf(request.Body, request.ServiceScopeID, request.ServiceType))
	return AcquireLeaseOfService200JSONResponse(answer), err
}

// PostLease is POST …/lease/{id}: it does not look at an etag.
func (h handlers) PostLease(ctx context.Context, request PostLeaseRequestObject) (PostLeaseResponseObject, error) {
	answer, err := h.acquire(ctx, licensing.UnitsWanted{
		LeaseName: leaseName(request.ScopeID, request.ScopeType, request.ProductCode, request.LeaseIdentifier),
		Quantity:  request.Body.Quantity, Owner: request.Body.Owner, Overdraft: request.Body.DisableEnforcement,
	})
	return PostLease200JSONResponse(answer), err
}

// PutLease is PUT …/lease/{id}.
func (h handlers) PutLease(ctx context.Context, request PutLeaseRequestObject) (PutLeaseResponseObject, error) {
	etag := request.Body.Etag
	if condition := strings.Trim(request.Params.IfMatch, `"`); condition != "" {
		if etag != "" && etag != condition {
			return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the etag of the body is not that of If-Match").In("etag")
		}
		etag = condition
	}
	answer, err := h.acquire(ctx, licensing.UnitsWanted{
		LeaseName: leaseName(request.ScopeID, request.ScopeType, request.ProductCode, request.LeaseIdentifier),
		Quantity:  request.Body.Quantity, Owner: request.Body.Owner, Overdraft: request.Body.DisableEnforcement, Etag: etag,
	})
	return PutLease200JSONResponse(answer), err
}

func leaseName(tenant, service, product, id string) licensing.LeaseName {
	return licensing.LeaseName{ServiceName: licensing.ServiceName{Tenant: tenant, Service: service}, Product: product, ID: id}
}

// GetLease is GET …/lease/{id}.
func (h handlers) GetLease(ctx context.Context, request GetLeaseRequestObject) (GetLeaseResponseObject, error) {
	lease, use, err := h.licensing.UnitLease(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID,
		leaseName(request.ScopeID, request.ScopeType, request.ProductCode, request.LeaseIdentifier))
	if err != nil {
		return nil, err
	}
	answer := GetLease200JSONResponse{
		LeaseIdentifier: string(lease.ID), ProductCode: string(lease.Code), Quantity: seatwright.Units(lease.Quantity), ScopeID: string(lease.Tenant),
		ScopeType: string(lease.Service), Etag: lease.Etag(),
		Usage: wire.LeaseUsage{Total: seatwright.Units(use.Total()), Used: seatwright.Units(use.Used)},
	}
	answer.Usage.StartDate, answer.Usage.EndDate = period(use.PeriodStart, use.PeriodEnd)
	return answer, nil
}

// period is in seconds, null where there is none.
func period(start, end time.Time) (from, until *int64) {
	if end.IsZero() {
		return nil, nil
	}
	a, b := start.Unix(), end.Unix()
	return &a, &b
}

// ReleaseLease is DELETE lease/{id}.
func (h handlers) ReleaseLease(ctx context.Context, request ReleaseLeaseRequestObject) (ReleaseLeaseResponseObject, error) {
	return ReleaseLease200Response{}, h.licensing.ReleaseUnits(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, []string{request.ID})
}

// ReleaseLeases is DELETE lease.
func (h handlers) ReleaseLeases(ctx context.Context, request ReleaseLeasesRequestObject) (ReleaseLeasesResponseObject, error) {
	return ReleaseLeases200Response{}, h.licensing.ReleaseUnits(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.Body.LeaseIdentifiers)
}

// ReleaseAllLeases is DELETE lease/organization/{organization}/release.
func (h handlers) ReleaseAllLeases(ctx context.Context, _ ReleaseAllLeasesRequestObject) (ReleaseAllLeasesResponseObject, error) {
	return ReleaseAllLeases200Response{}, h.licensing.ReleaseAllUnits(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
}

// words reads a list with commas.
func words(list string) (found []string) {
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word != "" {
			found = append(found, word)
		}
	}
	return found
}
