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
)

// The workshop: the services of two tenants use units under ids of their own, too few for all of them. Jobs lease those of one product, change
// how many, and give them back; runs consume those of another, each once.
const (
	jobCode  = "TAUNATT"
	jobUnits = 4 // bought
	jobs     = 6
	runCode  = "AIU"
	runUnits = 16 // not consumed when a window begins
	runs     = 24
)

// workshop is what the services use of one product, in halves of a unit. It is comparable, as the checker wants it. Even jobs and runs are
// those of the first tenant's service, odd ones of the second's.
type workshop struct {
	bought  int       // whole units
	earlier [2]int    // consumed before the window
	leases  [runs]int // of each job or run; 0: there is none
}

// used is how much each of the services uses.
func (w workshop) used() [2]int {
	used := w.earlier
	for i, quantity := range w.leases {
		used[i%2] += quantity
	}
	return used
}

// free is how many units are left. One of which a half is used is used.
func (w workshop) free() int {
	used := w.used()
	return w.bought - (used[0]+1)/2 - (used[1]+1)/2
}

// workVerb is a kind of operation of the workshop.
type workVerb int

const (
	acquire  workVerb = iota // a job is to have so much; a run consumes it
	release                  // a job gives it back; what was consumed stays so
	buy                      // so many units are bought
	readOne                  // what a job or run has
	readUses                 // what the services use
)

// workInput is an operation of a job or, in a window, of a run.
type workInput struct {
	verb     workVerb
	window   int // 0: of a job
	number   int
	quantity int // in halves
	units    int // bought
}

func (in workInput) id() string {
	if in.window > 0 {
		return fmt.Sprintf("run-%d-%d", in.window, in.number)
	}
	return fmt.Sprintf("job-%d", in.number)
}

func (in workInput) code() string {
	if in.window > 0 {
		return runCode
	}
	return jobCode
}

func (in workInput) reads() bool { return in.verb >= readOne }

func (in workInput) String() string {
	name := [...]string{"acquire", "release", "buy", "read", "read uses"}[in.verb]
	return fmt.Sprintf("%s %s: %d", name, in.id(), in.quantity+in.units)
}

// workOutput is the answer that the client got in the end; what it does not tell is zero.
type workOutput struct {
	refused              bool
	requested, available int // of the shortage
	created              bool
	quantity             int
	used                 [2]int
}

// stepWorkshop is the whole specification: it reports whether the answer is right, and the state after it.
func stepWorkshop(w workshop, in workInput, out workOutput) (bool, workshop) {
	var want workOutput
	had, next := w.leases[in.number], w
	switch in.verb {
	case acquire:
		if in.window > 0 && had > 0 {
			break // a repeat
		}
		next.leases[in.number] = in.quantity
		if more := in.quantity - had; more > 0 && next.free() < 0 {
			return out == workOutput{refused: true, requested: (more + 1) / 2, available: w.free()}, w
		}
		want.created = had == 0
		if in.window > 0 { // without a key nobody knows which of the requests was the first
			want.created = out.created
		}
	case release:
		if in.window == 0 {
			next.leases[in.number] = 0
		}
	case buy:
		next.bought = in.units
	case readOne:
		want.quantity = had
	case readUses:
		want.used = w.used()
	}
	return out == want, next
}

func workshopModel(begin workshop) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(s, in, out any) (bool, any) {
			ok, next := stepWorkshop(s.(workshop), in.(workInput), out.(workOutput))
			return ok, next
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%s: %+v", in, out) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
}

// run is what a run consumes: always as much, however often it says so.
func run(window, number int) workInput {
	return workInput{window: window, number: number, quantity: 1 + number/2%4}
}

func randomRun(random *rand.Rand, window int) workInput {
	in := run(window, random.IntN(runs))
	in.verb = [...]workVerb{acquire, acquire, acquire, acquire, acquire, acquire, acquire, release, readOne, readUses}[random.IntN(10)]
	return in
}

func randomJob(random *rand.Rand) workInput {
	verb := [...]workVerb{acquire, acquire, acquire, acquire, acquire, release, release, release, readOne, readUses}[random.IntN(10)]
	return workInput{verb: verb, number: random.IntN(jobs), quantity: 1 + random.IntN(4)}
}

// nextOfJobs does an operation of a job.
func (c *worker) nextOfJobs(ctx context.Context) error {
	in := randomJob(c.random)
	between := in
	if between.verb = release; in.verb == release {
		between.verb = acquire
	}
	return repeatLater(ctx, c, in, between, !in.reads(), c.recordWork, c.performWork)
}

// nextOfRuns does an operation of a run. It has no key: the id has to do.
func (c *worker) nextOfRuns(ctx context.Context) error {
	_, err := c.recordWork(ctx, randomRun(c.random, c.window.number), "")
	return err
}

// performWork does one operation of the workshop and reads the answer strictly.
func (c *Client) performWork(ctx context.Context, in workInput, key string) (out workOutput, err error) {
	const leases = "/lease_/api/lease/"
	const service = "orchestrator"
	const lots = "/api/v1/organizations/" + Organization + "/lots/"
	lease := leases + Organization + "/" + stockTenants[in.number%2] + "/" + service + "/" + in.code() + "/lease/" + in.id()
	var status int
	var answer []byte
	switch in.verb {
	case acquire:
		method := [2]string{http.MethodPost, http.MethodPut}[in.quantity%2] // the same without an etag
		status, answer, err = c.Send(ctx, method, lease, key, map[string]any{"quantity": float64(in.quantity) / 2})
	case release:
		status, answer, err = c.Send(ctx, http.MethodDelete, leases+in.id(), key, nil)
	case buy:
		status, answer, err = c.as(c.host).Send(ctx, http.MethodPatch, lots+in.code(), key, map[string]any{"quantity": in.units})
	case readOne:
		status, answer, err = c.Send(ctx, http.MethodGet, lease, "", nil)
	case readUses:
		var scopes []map[string]string
		for _, tenant := range stockTenants {
			scopes = append(scopes, map[string]string{"scopeId": tenant, "scopeType": service, "productCode": in.code()})
		}
		status, answer, err = c.Send(ctx, http.MethodPut, leases+Organization+"/computeUsage", "", map[string]any{"scopes": scopes})
	}
	if err != nil {
		return out, err
	}
	switch {
	case status == http.StatusOK:
		out, err = readWorkshop(in, answer)
	case status == http.StatusNotFound && in.verb == readOne:
	case status == http.StatusForbidden:
		out.refused = true
		out.requested, out.available, err = shortageOf(answer, "units_exhausted", in.code())
	default:
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return out, violated("workshop, %s: wrong answer: %v: %s", in, err, answer)
	}
	return out, nil
}

func readWorkshop(in workInput, answer []byte) (out workOutput, err error) {
	switch in.verb {
	case acquire, readOne:
		var lease struct {
			ID       string  `json:"leaseIdentifier"`
			Created  bool    `json:"created"`
			Quantity float64 `json:"quantity"`
		}
		err = json.Unmarshal(answer, &lease)
		if lease.ID != in.id() {
			err = errors.Join(err, errors.New("another lease"))
		}
		out.created, out.quantity = lease.Created, inHalves(lease.Quantity)
	case buy:
		var lot struct {
			Quantity int `json:"quantity"`
		}
		if err = json.Unmarshal(answer, &lot); lot.Quantity != in.units {
			err = errors.Join(err, fmt.Errorf("%d units", lot.Quantity))
		}
	case readUses:
		var services []struct {
			Tenant   string `json:"scopeId"`
			Products []struct {
				Used float64 `json:"used"`
			} `json:"productsUsage"`
		}
		err = json.Unmarshal(answer, &services)
		for i, tenant := range stockTenants {
			if len(services) != len(stockTenants) || services[i].Tenant != tenant || len(services[i].Products) != 1 {
				return out, errors.Join(err, errors.New("not the services that were asked for"))
			}
			out.used[i] = inHalves(services[i].Products[0].Used)
		}
	}
	return out, err
}

// inHalves is a quantity in halves, or one that nobody uses where a quarter of a unit is left over.
func inHalves(units float64) int {
	if n := int(2 * units); float64(n) == 2*units {
		return n
	}
	return -1
}

// checkJobs reads what jobs have now, and whether the history explains it.
func (l *Load) checkJobs(ctx context.Context, reader *worker) error {
	now := l.jobs
	for number := range jobs {
		out, err := reader.recordWork(ctx, workInput{verb: readOne, number: number}, "")
		if err != nil {
			return err
		}
		now.leases[number] = out.quantity
	}
	if _, err := reader.recordWork(ctx, workInput{verb: readUses}, ""); err != nil {
		return err
	}
	if err := checkHistory("jobs", workshopModel(l.jobs), reader.window.history[jobHistory], l.picture("jobs")); err != nil {
		return err
	}
	l.jobs = now
	return nil
}

// checkRuns reads what was consumed, and whether the history explains it. Then it buys what the next window needs, and repeats the runs that
// were refused: a request of theirs that is late still must not find them missing, and units free.
func (l *Load) checkRuns(ctx context.Context, reader *worker) error {
	var refused [runs]bool
	for _, operation := range reader.window.history[runHistory] {
		in := operation.Input.(workInput)
		refused[in.number] = refused[in.number] || operation.Output.(workOutput).refused
	}
	uses := workInput{verb: readUses, window: reader.window.number}
	out, err := reader.recordWork(ctx, uses, "")
	if err != nil {
		return err
	}
	now := workshop{earlier: out.used}
	for number, again := range refused {
		if again {
			now.earlier[number%2] += run(reader.window.number, number).quantity
		}
	}
	now.bought = runUnits - now.free() // nothing is bought yet: less is free than nothing
	then := []workInput{{verb: buy, window: reader.window.number, units: now.bought}}
	for number, again := range refused {
		if again {
			then = append(then, run(reader.window.number, number))
		}
	}
	for _, in := range append(then, uses) {
		if _, err := reader.recordWork(ctx, in, ""); err != nil {
			return err
		}
	}
	if err := checkHistory("runs", workshopModel(l.runs), reader.window.history[runHistory], l.picture("runs")); err != nil {
		return err
	}
	l.runs = now
	return nil
}

// recordWork does one operation of the workshop and writes it into the history.
func (c *worker) recordWork(ctx context.Context, in workInput, key string) (workOutput, error) {
	call := time.Since(c.begin)
	out, err := c.performWork(ctx, in, key)
	if err != nil {
		return out, err
	}
	history := jobHistory
	if in.window > 0 {
		history = runHistory
	}
	if in.verb < buy {
		c.stats.Units.Add(1)
	}
	c.add(history, out.refused, porcupine.Operation{ClientId: c.id, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(c.begin))})
	return out, nil
}

// prepareWorkshop buys what the services use.
func (l *Load) prepareWorkshop(ctx context.Context, host *Client, one string) error {
	l.jobs.bought, l.runs.bought = jobUnits, runUnits
	end := time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)
	var ignored map[string]any
	jobLot := map[string]any{"id": jobCode, "code": jobCode, "quantity": jobUnits, "end": end}
	if err := host.want(ctx, http.MethodPost, one+"/lots", jobLot, &ignored); err != nil {
		return err
	}
	runLot := map[string]any{"id": runCode, "code": runCode, "quantity": runUnits, "end": end}
	return host.want(ctx, http.MethodPost, one+"/lots", runLot, &ignored)
}
