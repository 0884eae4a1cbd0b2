package audit

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/audit"
	"github.com/seatwright/seatwright/wire"
)

// maxCount is the most events that the newer service answers at once, whatever is asked.
const maxCount = 200

// QueryAuditEvents is the newer service. The id of an event is its number, which is also the position to read back from.
func (h handlers) QueryAuditEvents(ctx context.Context, request QueryAuditEventsRequestObject) (QueryAuditEventsResponseObject, error) {
	bound, q, err := position(request.Params)
	if err != nil {
		return nil, err
	}
	caller, organization := api.CallerOf(ctx), api.OrganizationOf(ctx)
	if organization.ID == "" { // a person of the host who named no organization
		organization.ID, organization.Name = seatwright.HostID, "host"
	}
	page, err := h.log.Search(ctx, caller, organization.ID, q)
	if err != nil {
		return nil, err
	}
	// Numbers have no gaps, so the count of all events within the bound is the number of the newest of them.
	newest, err := h.log.Search(ctx, caller, organization.ID, audit.Query{To: bound})
	if err != nil {
		return nil, err
	}
	answer := QueryAuditEvents200JSONResponse{AuditEvents: make([]wire.AuditEvent, len(page.Records))}
	for i, r := range page.Records {
		answer.AuditEvents[i] = eventOf(organization, r)
	}
	if n := len(page.Records); n > 0 {
		first, last := page.Records[0], page.Records[n-1]
		if last.Sequence > 1 {
			answer.Next = neighbour(organization, request.Params, last.Sequence, last.CreatedAt, q.Top)
		}
		if first.Sequence < newest.Total {
			answer.Previous = neighbour(organization, request.Params, first.Sequence+int64(q.Top)+1, time.Time{}, q.Top)
		}
	}
	return answer, nil
}

// position reads where to read back from. bound is the end of everything that is asked for, whatever the page.
func position(p wire.QueryAuditEventsParams) (bound time.Time, q audit.Query, err error) {
	if bound, err = instant("to", p.To); err != nil {
		return bound, q, err
	}
	before, err := instant("before", p.Before)
	if err != nil {
		return bound, q, err
	}
	if p.BeforeID != "" {
		if q.Before, err = strconv.ParseInt(p.BeforeID, 10, 64); err != nil || q.Before < 1 {
			return bound, q, seatwright.Invalid(seatwright.ReasonInvalidValue, "beforeId is the id of an event").In("beforeId")
		}
		if !before.IsZero() {
			before = before.Add(time.Microsecond) // several events may have one instant, and the id tells which come before
		}
	}
	q.To = bound
	if bound.IsZero() || !before.IsZero() && before.Before(bound) {
		q.To = before
	}
	if p.MaxCount != nil && *p.MaxCount < 1 {
		return bound, q, seatwright.Invalid(seatwright.ReasonInvalidValue, "maxCount is at least 1").In("maxCount")
	}
	q.Top = maxCount
	if p.MaxCount != nil {
		q.Top = min(maxCount, int(*p.MaxCount))
	}
	return bound, q, nil
}

// neighbour is the address of another page. The instant is told for clients that read it out of the address; it may be zero.
func neighbour(organization seatwright.Organization, p wire.QueryAuditEventsParams, beforeID int64, before time.Time, count int) *string {
	query := url.Values{"beforeId": {strconv.FormatInt(beforeID, 10)}, "maxCount": {strconv.Itoa(count)}}
	if !before.IsZero() {
		query.Set("before", before.Format(time.RFC3339Nano))
	}
	if p.To != "" {
		query.Set("to", p.To)
	}
	address := "/" + url.PathEscape(cmp.Or(organization.Name, string(organization.ID))) + "/orgaudit_/api/query/events?" + query.Encode()
	return &address
}

func eventOf(organization seatwright.Organization, r audit.Record) wire.AuditEvent {
	status := 0
	if r.Refused {
		status = 1
	}
	return wire.AuditEvent{
		ID: strconv.FormatInt(r.Sequence, 10), CreatedOn: r.CreatedAt, OrganizationID: string(organization.ID), OrganizationName: organization.Name,
		ActorID: api.OrNull(r.ActorID), ActorName: r.UserName, ActorEmail: api.OrNull(r.Email), EventType: string(r.Kind), EventSource: r.Source,
		EventTarget: api.OrNull(r.Subject), EventDetails: r.Details, EventSummary: r.Message, Status: status,
		ClientInfo: wire.AuditClientInfo{IPAddress: api.OrNull(r.Address)},
	}
}
