package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seatwright/seatwright"
)

// The stock: units of the host of which two organizations are given some, and that the first one gives on to two of its tenants.
const (
	stockCode  = "UNATT"
	stockUnits = 6 // of the host
	echo       = "echo-one"
)

var (
	stockOrganizations = [2]string{Organization, echo}
	stockTenants       = [2]string{"hall", "attic"}
)

// stock is what the organizations and the tenants have. Those of the tenants are out of what the first organization has; more where
// that was lowered.
type stock struct {
	organizations, tenants [2]int
}

// stockVerb is a kind of operation of the stock.
type stockVerb int

const (
	distribute  stockVerb = iota // an organization is to have so many units
	takeBack                     // or none
	provide                      // a tenant's service is to have so many
	withdraw                     // or none
	readHost                     // what is left there
	readAccount                  // what the first organization has
	readTenants
)

// stockInput is an operation on one organization or tenant.
type stockInput struct {
	verb      stockVerb
	at, units int
}

// stockOutput is the answer that the client got in the end; what it does not tell is zero.
type stockOutput struct {
	refused              bool
	requested, available int // of the shortage
	total, used          int
	tenants              [2]int
}

func (in stockInput) reads() bool { return in.verb >= readHost }

func (in stockInput) String() string {
	name := [...]string{"distribute", "take back", "provide", "withdraw", "read host", "read account", "read tenants"}[in.verb]
	return fmt.Sprintf("%s %d: %d", name, in.at, in.units)
}

// stepStock is the whole specification: the only right answer, and the state after it.
func stepStock(s stock, in stockInput) (want stockOutput, next stock) {
	distributed, provided := s.organizations[0]+s.organizations[1], s.tenants[0]+s.tenants[1]
	change := func(of *[2]int, free int) {
		if needed := in.units - of[in.at]; needed > max(0, free) {
			want = stockOutput{refused: true, requested: needed, available: max(0, free)}
			return
		}
		of[in.at] = in.units
	}
	switch next = s; in.verb {
	case distribute, takeBack:
		change(&next.organizations, stockUnits-distributed)
	case provide, withdraw:
		change(&next.tenants, s.organizations[0]-provided)
	case readHost:
		want.total, want.used = stockUnits, distributed
	case readAccount:
		want.total, want.used = s.organizations[0], provided
	case readTenants:
		want.tenants = s.tenants
	}
	return want, next
}

func stockModel(begin stock) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(s, in, out any) (bool, any) {
			want, next := stepStock(s.(stock), in.(stockInput))
			return want == out.(stockOutput), next
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%s: %+v", in, out) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
}

func randomStockInput(random *rand.Rand) stockInput {
	in := stockInput{verb: stockVerb(random.IntN(int(readTenants) + 1)), at: random.IntN(2)}
	switch in.verb {
	case distribute:
		in.units = random.IntN(stockUnits)
	case provide:
		in.units = random.IntN(stockUnits - 1)
	}
	return in
}

// nextOfStock does an operation of the stock.
func (c *worker) nextOfStock(ctx context.Context) error {
	in := randomStockInput(c.random)
	between := in
	between.units = (in.units + 1) % 3
	if in.verb == takeBack || in.verb == withdraw {
		between.verb--
	}
	return repeatLater(ctx, c, in, between, !in.reads(), c.recordStock, c.performStock)
}

// performStock does one operation of the stock and reads the answer strictly.
func (c *Client) performStock(ctx context.Context, in stockInput, key string) (out stockOutput, err error) {
	const account = "/lrm/api/account/" + Organization
	const host = "/lrm/api/host/" + string(seatwright.HostID)
	organization := host + "/organization/" + stockOrganizations[in.at] + "/license"
	service := account + "/service-license/" + stockTenants[in.at] + "/orchestrator"
	quantity := []map[string]any{{"code": stockCode, "quantity": in.units}}
	var status int
	var answer []byte
	switch in.verb {
	case distribute:
		status, answer, err = c.as(c.host).Send(ctx, http.MethodPut, organization, key, map[string]any{"productQuantities": quantity})
	case takeBack:
		status, answer, err = c.as(c.host).Send(ctx, http.MethodDelete, organization+"/remove", key, nil)
	case provide:
		body := map[string]any{"tenantName": stockTenants[in.at], "products": quantity}
		status, answer, err = c.Send(ctx, http.MethodPut, service, key, body)
	case withdraw:
		status, answer, err = c.Send(ctx, http.MethodDelete, service, key, nil)
	case readHost:
		status, answer, err = c.as(c.host).Send(ctx, http.MethodGet, host+"/available-products", "", nil)
	case readAccount:
		status, answer, err = c.Send(ctx, http.MethodGet, account+"/tenantAllocations", "", nil)
	case readTenants:
		status, answer, err = c.Send(ctx, http.MethodGet, account+"/service-license", "", nil)
	}
	if err != nil {
		return out, err
	}
	switch status {
	case http.StatusOK:
		out, err = readStock(in, answer)
	case http.StatusConflict:
		out.refused = true
		out.requested, out.available, err = shortageOf(answer, "pool_exhausted", stockCode)
	default:
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return out, violated("stock, %s: wrong answer: %v: %s", in, err, answer)
	}
	return out, nil
}

func readStock(in stockInput, answer []byte) (out stockOutput, err error) {
	type product struct {
		Code      string `json:"code"`
		Quantity  int    `json:"quantity"`
		Total     int    `json:"total"`
		Allocated int    `json:"allocated"`
		AllOfHost int    `json:"totalQuantity"`
		Consumed  int    `json:"consumedQuantity"`
	}
	switch in.verb {
	case readHost:
		var left struct {
			Products []product `json:"productsWithAvailability"`
		}
		err = json.Unmarshal(answer, &left)
		for _, p := range left.Products {
			if p.Code == stockCode {
				out.total, out.used = p.AllOfHost, p.Consumed
			}
		}
	case readAccount:
		var products []product
		err = json.Unmarshal(answer, &products)
		for _, p := range products {
			if p.Code == stockCode {
				out.total, out.used = p.Total, p.Allocated
			}
		}
	case readTenants:
		var services []struct {
			Tenant  string `json:"serviceScopeId"`
			License struct {
				Products []product `json:"products"`
			} `json:"license"`
		}
		err = json.Unmarshal(answer, &services)
		for _, s := range services {
			for i, tenant := range stockTenants {
				for _, p := range s.License.Products {
					if s.Tenant == tenant && p.Code == stockCode {
						out.tenants[i] += p.Quantity
					}
				}
			}
		}
	case distribute, provide:
		var license struct {
			License struct {
				Products []product `json:"products"`
			} `json:"license"`
			Products []product `json:"products"`
		}
		err = json.Unmarshal(answer, &license)
		units := 0
		for _, p := range append(license.Products, license.License.Products...) {
			if p.Code == stockCode {
				units = p.Quantity
			}
		}
		if units != in.units {
			err = errors.Join(err, fmt.Errorf("%d units", units))
		}
	}
	return out, err
}

// checkStock reads what is so now, and whether the history explains it.
func (l *Load) checkStock(ctx context.Context, reader *worker) error {
	tenants, err := reader.recordStock(ctx, stockInput{verb: readTenants}, "")
	if err != nil {
		return err
	}
	account, err := reader.recordStock(ctx, stockInput{verb: readAccount}, "")
	if err != nil {
		return err
	}
	host, err := reader.recordStock(ctx, stockInput{verb: readHost}, "")
	if err != nil {
		return err
	}
	now := stock{[2]int{account.total, host.used - account.total}, tenants.tenants}
	if err := checkHistory("stock", stockModel(l.stock), reader.window.history[stockHistory], l.picture("stock")); err != nil {
		return err
	}
	l.stock = now
	return nil
}

// recordStock does one operation of the stock and writes it into the history.
func (c *worker) recordStock(ctx context.Context, in stockInput, key string) (stockOutput, error) {
	call := time.Since(c.begin)
	out, err := c.performStock(ctx, in, key)
	if err != nil {
		return out, err
	}
	if !in.reads() {
		c.stats.Quantities.Add(1)
	}
	c.add(stockHistory, out.refused, porcupine.Operation{ClientId: c.id, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(c.begin))})
	return out, nil
}

// prepareStock makes what the stock needs: units of the host, another organization, two tenants.
func (l *Load) prepareStock(ctx context.Context, host *Client, one string) error {
	const all = "/api/v1/organizations"
	end := time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)
	type step struct {
		path string
		body map[string]any
	}
	steps := []step{
		{all + "/" + string(seatwright.HostID) + "/lots", map[string]any{"code": stockCode, "quantity": stockUnits, "end": end}},
		{all, map[string]any{"id": echo, "name": "echo"}},
	}
	for _, tenant := range stockTenants {
		steps = append(steps, step{one + "/tenants", map[string]any{"id": tenant, "name": tenant}})
	}
	var ignored map[string]any
	for _, s := range steps {
		if err := host.want(ctx, http.MethodPost, s.path, s.body, &ignored); err != nil {
			return err
		}
	}
	return nil
}
