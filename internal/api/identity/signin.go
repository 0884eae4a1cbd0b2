package identity

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// SignIns is what the door needs done to show who has signed in.
type SignIns interface {
	Of(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id string, q directory.SignInQuery) (directory.SignInPage, error)
}

// ListLoginAttempts is GET User/{userId}/loginAttempts.
func (h handlers) ListLoginAttempts(ctx context.Context, request ListLoginAttemptsRequestObject) (ListLoginAttemptsResponseObject, error) {
	q, err := signInQuery(request.Params)
	if err != nil {
		return nil, err
	}
	organization := api.OrganizationOf(ctx)
	page, err := h.SignIns.Of(ctx, api.CallerOf(ctx), organization.ID, request.UserID, q)
	if err != nil {
		return nil, err
	}
	answer := ListLoginAttempts200JSONResponse{TotalCount: int64(page.Total), Results: make([]wire.UserLoginAttemptDto, len(page.Events))}
	for i, e := range page.Events {
		var signIn seatwright.SignIn
		if err := json.Unmarshal(e.Data, &signIn); err != nil {
			return nil, seatwright.Internal(err)
		}
		answer.Results[i] = wire.UserLoginAttemptDto{
			ID: e.Sequence, PartitionName: organization.Name, PartitionGlobalID: string(organization.ID), UserID: e.Subject,
			UserNameOrEmailAddress: api.OrNull(page.Person.UserName), ClientIPAddress: api.OrNull(signIn.Address),
			ClientName: api.OrNull(string(signIn.Application)), BrowserInfo: api.OrNull(signIn.Agent), Result: string(signIn.Result), CreationTime: e.At,
		}
	}
	return answer, nil
}

func signInQuery(sent wire.ListLoginAttemptsParams) (q directory.SignInQuery, err error) {
	if q.Skip, q.Top, err = api.PageOf(sent.Skip, sent.Top); err != nil {
		return q, err
	}
	if sent.SortBy != "" && !strings.EqualFold(sent.SortBy, "creationTime") {
		return q, seatwright.Invalid(seatwright.ReasonInvalidValue, "sortBy is creationTime").In("sortBy")
	}
	if sent.SortOrder != "" {
		descending, err := api.IsDescending(sent.SortOrder)
		if err != nil {
			return q, err
		}
		q.OldestFirst = !descending
	}
	q.Since, err = since(sent.Since)
	return q, err
}

// since reads an instant: RFC 3339, the same without a zone for UTC, or a date. Nothing is the zero instant.
func since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, seatwright.Invalid(seatwright.ReasonInvalidValue,
		"since is an instant such as 2026-03-01T09:00:00Z, or a date; a plus sign in it is written as %%2B").In("since")
}
