package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/seatwright/seatwright"
)

// maxAnswer is the most that is read of one answer, in bytes.
const maxAnswer = 16 << 20

// call is one operation, whatever the number of attempts.
type call struct {
	method, path string
	contentType  string // of body; empty: there is none
	body         []byte
	key          string                         // idempotency key; empty: the call changes nothing
	basic        [2]string                      // client id and secret; empty: none
	open         bool                           // needs no token
	failure      func(answer) *seatwright.Error // reads an error out of an answer
}

type answer struct {
	status     int
	retryAfter time.Duration
	body       []byte
}

// write sends a JSON body that changes something and decodes the answer into out.
func (c *Client) write(ctx context.Context, method, path string, body, out any) error {
	return c.json(ctx, call{method: method, path: path, key: keyOf(ctx)}, body, out)
}

// read asks a question, with a JSON body where body is not nil.
func (c *Client) read(ctx context.Context, method, path string, body, out any) error {
	return c.json(ctx, call{method: method, path: path}, body, out)
}

func (c *Client) json(ctx context.Context, op call, body, out any) error {
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return seatwright.Internal(err)
		}
		op.body, op.contentType = encoded, "application/json"
	}
	op.failure = problem
	got, err := c.do(ctx, op)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		return op.lost(err)
	}
	return nil
}

// do repeats an operation until it has an answer that is worth giving back, and turns everything but a 2xx into an error.
func (c *Client) do(ctx context.Context, op call) (answer, error) {
	var token string
	renewed := false
	pause := c.retries.Pause
	for attempt := 1; ; attempt++ {
		if !op.open && token == "" {
			var err error
			if token, err = c.source.token(ctx, c); err != nil {
				return answer{}, err
			}
		}
		got, err := c.attempt(ctx, op, token)
		switch {
		case err != nil && ctx.Err() != nil:
			return answer{}, op.lost(err)
		case err == nil && got.status/100 == 2:
			return got, nil
		case err == nil && got.status == http.StatusUnauthorized && token != "" && !renewed && c.source.renew(token):
			token, renewed = "", true // it has expired, or the server's keys are new
			continue
		case err == nil && got.status != http.StatusTooManyRequests && got.status != http.StatusServiceUnavailable:
			return answer{}, op.refused(got)
		}
		var failure *seatwright.Error
		if err == nil {
			failure = op.refused(got)
		} else {
			failure = op.lost(err)
		}
		wait := max(got.retryAfter, jitter(min(pause, c.retries.Longest)))
		if attempt >= c.retries.Attempts || wait > c.retries.Longest {
			return answer{}, failure
		}
		if c.pause(ctx, wait) != nil {
			return answer{}, failure
		}
		pause *= 2
	}
}

// jitter spreads the second attempts of many clients that failed together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1) //nolint:gosec // G404: nothing is protected by a pause
}

func (c *Client) attempt(ctx context.Context, op call, token string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.retries.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, op.method, c.base+op.path, bytes.NewReader(op.body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Accept", "application/json, application/problem+json")
	if op.contentType != "" {
		request.Header.Set("Content-Type", op.contentType)
	}
	if op.key != "" {
		request.Header.Set("Idempotency-Key", op.key)
	}
	if op.basic != [2]string{} {
		request.SetBasicAuth(op.basic[0], op.basic[1])
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return answer{}, err
	}
	if len(body) > maxAnswer {
		return answer{}, errors.New("the answer is too long")
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // absent or a date: our own pause is good enough
	return answer{status: response.StatusCode, retryAfter: time.Duration(seconds) * time.Second, body: body}, nil
}

// refused is the error of an answer that is not a success. A 5xx that the server did not write comes from something in
// between, which does not know what the server did.
func (op call) refused(got answer) *seatwright.Error {
	e := op.failure(got)
	if op.key != "" && got.status >= http.StatusInternalServerError && !ours(got) {
		unknown := seatwright.Unavailable(seatwright.ReasonOutcomeUnknown, e, "%s The change may or may not have been made", e.Detail)
		unknown.RetryAfter = got.retryAfter
		return unknown
	}
	return e
}

// lost is the error of an operation to which no answer came, or one that cannot be read.
func (op call) lost(cause error) *seatwright.Error {
	if op.key != "" {
		return seatwright.Unavailable(seatwright.ReasonOutcomeUnknown, cause, "no answer came from the server; the change may or may not have been made")
	}
	return seatwright.Unavailable(seatwright.ReasonStoreUnavailable, cause, "no answer came from the server")
}
