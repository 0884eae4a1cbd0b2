package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

// The bank: people who always hold exactly one of two bundles and move between them, one call for a move. Whoever lists
// the pools must find each of them once, at every moment.
const (
	depositors   = 8
	bankCapacity = capacity // of each of the two, so that many moves are refused
)

var bankCodes = [2]string{"RPADEVPRONU", "ACNU"}

// deposits are the people who hold the second bundle, one bit each; the others hold the first.
type deposits uint8

func (d deposits) in(code int) int {
	second := bits.OnesCount8(uint8(d))
	return [2]int{depositors - second, second}[code]
}

// initialDeposits is how prepare leaves the bank.
const initialDeposits = deposits(0xF0)

// move is an operation of the bank: a person to a bundle; without a person the pools are listed.
type move struct {
	list       bool
	person, to int
}

type moved struct {
	refused bool
	inUse   [2]int // listed
}

func (m move) reads() bool { return m.list }

func (m move) String() string {
	if m.list {
		return "list"
	}
	return fmt.Sprintf("move %d to %s", m.person, bankCodes[m.to])
}

func stepBank(d deposits, m move, out moved) (bool, deposits) {
	if m.list {
		return out.inUse == [2]int{d.in(0), d.in(1)}, d
	}
	next := d &^ (1 << m.person)
	if m.to == 1 {
		next |= 1 << m.person
	}
	if next != d && d.in(m.to) == bankCapacity {
		return out.refused, d
	}
	return !out.refused, next
}

func bankModel(begin deposits) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(s, in, out any) (bool, any) {
			ok, next := stepBank(s.(deposits), in.(move), out.(moved))
			return ok, next
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%s: %+v", in, out) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%08b", s) },
	}
}

func depositorID(person int) string { return "b-" + strconv.Itoa(person) }

// performMove does one operation of the bank and reads the answer strictly.
func (c *Client) performMove(ctx context.Context, m move, key string) (moved, error) {
	var out moved
	if m.list {
		inUse, err := c.inUse(ctx)
		if err != nil {
			return out, err
		}
		out.inUse = [2]int{inUse[bankCodes[0]], inUse[bankCodes[1]]}
		if sum := out.inUse[0] + out.inUse[1]; sum != depositors {
			return out, violated("bank: %d people each hold one of two bundles, and the pools say %d", depositors, sum)
		}
		return out, nil
	}
	body := map[string]any{"userIds": []string{depositorID(m.person)}, "userBundleCodes": []string{bankCodes[m.to]}}
	status, answer, err := c.Send(ctx, http.MethodPut, LicensePath, key, body)
	if err != nil {
		return out, err
	}
	switch status {
	case http.StatusOK:
	case http.StatusConflict:
		var p problem
		if err = json.Unmarshal(answer, &p); err == nil && p.Code != "pool_exhausted" {
			err = errors.New("unexpected problem")
		}
		out.refused = true
	default:
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return out, violated("bank, %s: wrong answer: %v: %s", m, err, answer)
	}
	return out, nil
}

// deposits reads where everybody is.
func (c *Client) deposits(ctx context.Context) (deposits, error) {
	people := make([]string, depositors)
	for i := range people {
		people[i] = depositorID(i)
	}
	var elements []struct {
		ID    string   `json:"id"`
		Codes []string `json:"userBundleLicenses"`
	}
	if err := c.want(ctx, http.MethodPost, LicensePath, map[string]any{"userIds": people}, &elements); err != nil {
		return 0, err
	}
	where := map[string]string{}
	for _, e := range elements {
		if len(e.Codes) == 1 {
			where[e.ID] = e.Codes[0]
		}
	}
	var d deposits
	for i, id := range people {
		switch where[id] {
		case bankCodes[0]:
		case bankCodes[1]:
			d |= 1 << i
		default:
			return 0, violated("bank: %s does not hold exactly one of the two bundles: %+v", id, elements)
		}
	}
	return d, nil
}

func randomMove(random *rand.Rand) move {
	return move{list: random.IntN(4) == 0, person: random.IntN(depositors), to: random.IntN(2)}
}

// recordMove does one operation of the bank and writes it into the history.
func (c *worker) recordMove(ctx context.Context, m move, key string) (moved, error) {
	call := time.Since(c.begin)
	out, err := c.performMove(ctx, m, key)
	if err != nil {
		return out, err
	}
	c.add(bank, out.refused, porcupine.Operation{ClientId: c.id, Input: m, Call: int64(call), Output: out, Return: int64(time.Since(c.begin))})
	return out, nil
}
