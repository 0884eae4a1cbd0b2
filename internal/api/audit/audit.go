// Package audit is the compatible door of the audit log, under all the addresses that it has had: as pages, as a file, and as the
// newer service reads it. Each handler decodes, calls a use case and encodes. Routes and types are generated from
// api/automation-suite.yaml.
package audit

import (
	"context"
	"errors"
	"iter"
	"net/http"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/audit"
	"github.com/seatwright/seatwright/wire"
)

// Log is what the door needs done. An empty organization means the caller's own.
type Log interface {
	Search(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q audit.Query) (audit.Page, error)
	Download(
		ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q audit.Query, size int,
	) (total int64, pages iter.Seq2[[]audit.Record, error], err error)
}

// Register adds the routes of the door to mux. The handlers expect the caller and the organization in the context.
func Register(mux ServeMux, door api.Door, log Log) {
	HandlerWithOptions(NewStrictHandler(handlers{log}, door.Decode, door.Fail), StdHTTPServerOptions{
		BaseRouter: mux, Middlewares: []MiddlewareFunc{door.WholeQuery},
		ErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) { door.Fail(w, r, unreadable(err)) },
	})
}

// unreadable names the parameter that the generated code could not read.
func unreadable(err error) error {
	var bad *InvalidParamFormatError
	if !errors.As(err, &bad) {
		return seatwright.Invalid(seatwright.ReasonInvalidValue, "a parameter of the path or the query cannot be read")
	}
	return seatwright.Invalid(seatwright.ReasonInvalidValue, "%s cannot be read: a number of that kind has digits only and is not larger than 2147483647, "+
		"and nothing is named twice", bad.ParamName).In(bad.ParamName)
}

type handlers struct {
	log Log
}

// ListAuditLogs is the address of 2021.10 to 2024.10.
func (h handlers) ListAuditLogs(ctx context.Context, request ListAuditLogsRequestObject) (ListAuditLogsResponseObject, error) {
	page, err := h.list(ctx, request.Params)
	return ListAuditLogs200JSONResponse{page}, err
}

// ListAuditLogsOfPartition is the address of 2.2510.
func (h handlers) ListAuditLogsOfPartition(ctx context.Context, request ListAuditLogsOfPartitionRequestObject) (ListAuditLogsOfPartitionResponseObject, error) {
	page, err := h.list(ctx, wire.ListAuditLogsParams(request.Params))
	return ListAuditLogsOfPartition200JSONResponse{page}, err
}

// ListPortalAuditLog is what pages of the portal ask without an organization.
func (h handlers) ListPortalAuditLog(ctx context.Context, request ListPortalAuditLogRequestObject) (ListPortalAuditLogResponseObject, error) {
	page, err := h.list(ctx, wire.ListAuditLogsParams(request.Params))
	return ListPortalAuditLog200JSONResponse{page}, err
}

// ListPortalAuditLogOfPartition is the later address of 2.2510.
func (h handlers) ListPortalAuditLogOfPartition(ctx context.Context, request ListPortalAuditLogOfPartitionRequestObject) (ListPortalAuditLogOfPartitionResponseObject, error) {
	page, err := h.list(ctx, wire.ListAuditLogsParams(request.Params))
	return ListPortalAuditLogOfPartition200JSONResponse{page}, err
}

// ListIdentityAuditQuery is the address before all of these.
func (h handlers) ListIdentityAuditQuery(ctx context.Context, request ListIdentityAuditQueryRequestObject) (ListIdentityAuditQueryResponseObject, error) {
	page, err := h.list(ctx, wire.ListAuditLogsParams(request.Params))
	return ListIdentityAuditQuery200JSONResponse{page}, err
}

// DownloadAuditLogs answers a file.
func (h handlers) DownloadAuditLogs(ctx context.Context, request DownloadAuditLogsRequestObject) (DownloadAuditLogsResponseObject, error) {
	return h.download(ctx, request.Params)
}

// DownloadIdentityAuditQuery is the address before that.
func (h handlers) DownloadIdentityAuditQuery(ctx context.Context, request DownloadIdentityAuditQueryRequestObject) (DownloadIdentityAuditQueryResponseObject, error) {
	return h.download(ctx, wire.DownloadAuditLogsParams(request.Params))
}

// filters are the parameters that lists and files share.
type filters struct {
	userName, entityType, operationType, startTime, endTime string
}

func (f filters) query() (q audit.Query, err error) {
	q = audit.Query{UserName: f.userName, Category: f.entityType, Action: f.operationType}
	if q.From, err = instant("startTime", f.startTime); err != nil {
		return q, err
	}
	q.To, err = instant("endTime", f.endTime)
	return q, err
}

func (h handlers) list(ctx context.Context, p wire.ListAuditLogsParams) (AuditPageJSONResponse, error) {
	q, err := filters{p.UserName, p.EntityType, p.OperationType, p.StartTime, p.EndTime}.query()
	if err != nil {
		return AuditPageJSONResponse{}, err
	}
	q.Sort, q.Order, q.Skip = p.SortBy, p.SortOrder, int64(p.Skip)
	if q.Top, err = within("top", p.Top, 10, audit.MaxPage); err != nil {
		return AuditPageJSONResponse{}, err
	}
	if q.Skip < 0 {
		return AuditPageJSONResponse{}, seatwright.Invalid(seatwright.ReasonInvalidValue, "skip is not negative").In("skip")
	}
	page, err := h.log.Search(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q)
	if err != nil {
		return AuditPageJSONResponse{}, err
	}
	answer := AuditPageJSONResponse{TotalCount: page.Total, Results: make([]wire.AuditQueryRecordDto, len(page.Records))}
	for i, r := range page.Records {
		answer.Results[i] = wire.AuditQueryRecordDto{
			CreatedOn: r.CreatedAt, Category: r.Category, Action: r.Action, AuditLogDetails: r.Details, UserName: r.UserName, Email: api.OrNull(r.Email),
			Message: r.Message, DetailsVersion: wire.AuditEventV1, Source: r.Source,
		}
	}
	return answer, nil
}

func (h handlers) download(ctx context.Context, p wire.DownloadAuditLogsParams) (file, error) {
	q, err := filters{p.UserName, p.EntityType, p.OperationType, p.StartTime, p.EndTime}.query()
	if err != nil {
		return file{}, err
	}
	size, err := within("size", p.Size, audit.MaxDownload, audit.MaxDownload)
	if err != nil {
		return file{}, err
	}
	total, pages, err := h.log.Download(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, q, size)
	return file{total, pages}, err
}
