package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seatwright/seatwright/wire"
)

// DenialFilter says which denials are wanted. What is not set leaves nothing out.
type DenialFilter struct {
	Code      string    // of a product
	Person    string    // id
	Since     time.Time // begun at this instant or later
	Until     time.Time // begun before this instant
	Satisfied *bool     // whether the person got it after all
}

func (f DenialFilter) query(top int) url.Values {
	query := url.Values{"top": {strconv.Itoa(top)}}
	for name, value := range map[string]string{"code": f.Code, "person": f.Person} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !at.IsZero() {
			query.Set(name, at.Format(time.RFC3339Nano))
		}
	}
	if f.Satisfied != nil {
		query.Set("satisfied", strconv.FormatBool(*f.Satisfied))
	}
	return query
}

func denials(organization string) string {
	return organizations + "/" + url.PathEscape(organization) + "/denials"
}

// Denials lists who was refused units in an organization, given by id or name, newest first: at most top of them (1 to 1,000). before is 0 for the
// first page and Next of the page before for each further one.
func (c *Client) Denials(ctx context.Context, organization string, filter DenialFilter, before int64, top int) (wire.Denials, error) {
	query := filter.query(top)
	query.Set("before", strconv.FormatInt(before, 10))
	var answer wire.Denials
	err := c.read(ctx, http.MethodGet, denials(organization)+"?"+query.Encode(), nil, &answer)
	return answer, err
}

// CountDenials counts who was refused units in an organization, by "bundle" or "person", the most first, or by "hour", the newest first: at most top
// counts (1 to 1,000).
func (c *Client) CountDenials(
	ctx context.Context, organization string, by wire.CountDenialsParamsBy, filter DenialFilter, top int,
) ([]wire.DenialCount, error) {
	query := filter.query(top)
	query.Set("by", string(by))
	var answer wire.DenialCounts
	err := c.read(ctx, http.MethodGet, denials(organization)+"/counts?"+query.Encode(), nil, &answer)
	return answer.Counts, err
}
