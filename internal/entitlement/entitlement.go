// Package entitlement answers whether somebody may use something, from memory: products ask it at every start. What the memory has is forgotten
// when what it was read from changes (memory.go, follow.go); what an answer is, is said by the root package (Terms, Catalogue.Giving).
//
// On SQLite an answer is exact: a seat that was taken back is never answered "yes" once that has been acknowledged. Where several nodes
// share a PostgreSQL, an answer can be MaxAge old on another node than the one that has made the change. Start at Entitlements.
package entitlement

import (
	"context"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// Entitlements are the use cases of the question. They are safe for concurrent use.
type Entitlements struct {
	memory    *Memory
	reader    ServiceReader
	catalogue *seatwright.Catalogue
	signer    Signer
}

// ServiceReader tells what services of tenants have been given.
type ServiceReader interface {
	ServicePools(ctx context.Context, organization seatwright.OrganizationID) ([]seatwright.ServicePool, error)
}

// Signer signs what is to be believed without asking.
type Signer interface {
	// SignEntitlements makes a token of claims, with the newest key that is published.
	SignEntitlements(claims any) (string, error)
}

// New makes the use cases.
func New(memory *Memory, reader ServiceReader, catalogue *seatwright.Catalogue, signer Signer) *Entitlements {
	return &Entitlements{memory: memory, reader: reader, catalogue: catalogue, signer: signer}
}

// Answer is what one person, or an organization, is entitled to.
type Answer struct {
	User     seatwright.UserID // empty: the organization as a whole
	Exists   bool              // there is such a person; where there is not, they are entitled to nothing
	Entitled []bool            // in the order of the names of the question
	Until    time.Time         // the first instant at which it is otherwise by itself: a purchase begins or ends. An administrator may change it before
}

// mayAsk checks that a caller may ask about a person, or about the organization where user is empty.
func mayAsk(caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID) error {
	p := caller.Principal
	own := user == "" || p.Kind == seatwright.PrincipalUser && p.Organization == organization && string(user) == p.ID
	if own {
		return p.Check(seatwright.PermissionAskEntitlements)
	}
	return p.Check(seatwright.PermissionReadLicenses)
}

// Holds tells whether a person is entitled to what a name stands for, and the first instant at which it is otherwise by itself. Strong asks the
// database. Errors: forbidden/missing_permission; not_found/not_found for a person who does not exist; those of the store.
func (e *Entitlements) Holds(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID, name seatwright.EntitlementName, strong bool,
) (entitled bool, until time.Time, err error) {
	if err := mayAsk(caller, organization, user); err != nil {
		return false, until, err
	}
	standing, err := e.memory.one(ctx, organization, user, strong)
	if err != nil {
		return false, until, err
	}
	if !standing.Exists {
		return false, until, seatwright.MissingUser()
	}
	return e.entitled(standing, name), standing.UntilOf(standing.Codes), nil
}

// entitled reports that a person holds something usable that gives what is called so.
func (e *Entitlements) entitled(s Standing, name seatwright.EntitlementName) bool {
	for _, code := range e.catalogue.Giving(name) {
		if slices.Contains(s.Codes, code) && s.Usable(code) {
			return true
		}
	}
	return false
}

// Question asks what people are entitled to.
type Question struct {
	Users  []seatwright.UserID // at most MaxUsersPerCall; empty: the organization as a whole
	Names  []seatwright.EntitlementName
	Strong bool // ask the database
}

// The bounds of one question: how many pairs of a person and a name it may have, and how many bytes of names the answers repeat.
const (
	MaxAnswers     = 100_000
	MaxAnswerBytes = 1 << 20
)

// Ask answers a question, person by person in its order; that of the organization alone where it names nobody. People who do not exist
// are entitled to nothing. Errors: forbidden/missing_permission; invalid/too_many; those of the store.
func (e *Entitlements) Ask(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q Question) ([]Answer, error) {
	if len(q.Users)*len(q.Names) > MaxAnswers {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d answers to one question, not %d people times %d names", MaxAnswers, len(q.Users), len(q.Names))
	}
	repeated := 0
	for _, name := range q.Names {
		repeated += len(name) * len(q.Users)
	}
	if repeated > MaxAnswerBytes {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "the names of one question times its people are %d bytes at most, not %d", MaxAnswerBytes, repeated)
	}
	if len(q.Users) == 0 {
		answer, err := e.ofOrganization(ctx, caller, organization, q)
		return []Answer{answer}, err
	}
	for _, user := range q.Users {
		if err := mayAsk(caller, organization, user); err != nil {
			return nil, err
		}
	}
	standings, err := e.memory.ask(ctx, organization, q.Users, q.Strong)
	if err != nil {
		return nil, err
	}
	answers := make([]Answer, len(q.Users))
	for i, standing := range standings {
		answers[i] = Answer{User: q.Users[i], Exists: standing.Exists, Entitled: make([]bool, len(q.Names)), Until: standing.UntilOf(standing.Codes)}
		for j, name := range q.Names {
			answers[i].Entitled[j] = e.entitled(standing, name)
		}
	}
	return answers, nil
}

// ofOrganization tells what an organization has units of in force, whoever holds them.
func (e *Entitlements) ofOrganization(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, q Question) (Answer, error) {
	if err := mayAsk(caller, organization, ""); err != nil {
		return Answer{}, err
	}
	inForce, err := e.memory.inForce(ctx, organization, q.Strong)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Exists: true, Entitled: make([]bool, len(q.Names))}
	var asked []seatwright.ProductCode
	for i, name := range q.Names {
		giving := e.catalogue.Giving(name)
		answer.Entitled[i] = slices.ContainsFunc(giving, inForce.Has)
		asked = append(asked, giving...)
	}
	answer.Until = inForce.UntilOf(asked)
	return answer, nil
}

// ServiceHolds tells whether a service of a tenant has been given units that give what is called so, and the organization has some of
// them in force. What the service was given is asked of the database. Errors: forbidden/missing_permission; not_found/no_service_license for
// a service that has nothing, whether there is such a tenant or not.
func (e *Entitlements) ServiceHolds(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenant seatwright.TenantID, service seatwright.ServiceType, name seatwright.EntitlementName,
) (bool, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return false, err
	}
	pools, err := e.reader.ServicePools(ctx, organization)
	if err != nil {
		return false, err
	}
	inForce, err := e.memory.inForce(ctx, organization, false)
	if err != nil {
		return false, err
	}
	found, entitled := false, false
	for _, pool := range pools {
		if pool.Tenant != tenant || pool.Service != service || pool.Quantity == 0 {
			continue // where it only uses units, it was given none
		}
		found = true
		entitled = entitled || slices.Contains(e.catalogue.Giving(name), pool.Code) && inForce.Has(pool.Code)
	}
	if !found {
		return false, seatwright.MissingServiceLicense()
	}
	return entitled, nil
}

// Holding is one seat of a person with what it gives them.
type Holding struct {
	seatwright.Seat
	Name   string // of the bundle
	Usable bool   // its purchase is in force, or the policy is to hold
	Gives  []seatwright.EntitlementName
}

// Report is all that a person holds.
type Report struct {
	User     seatwright.UserID
	Holdings []Holding                    // in the order of their codes
	Entitled []seatwright.EntitlementName // what the usable ones give, in order
	At       time.Time
	Until    time.Time // as in Answer
}

// Report tells what a person holds, by which source, and what it gives them. It asks the database. Errors: those of Holds.
func (e *Entitlements) Report(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID,
) (Report, error) {
	if err := mayAsk(caller, organization, user); err != nil {
		return Report{}, err
	}
	standing, err := e.memory.one(ctx, organization, user, true)
	if err != nil {
		return Report{}, err
	}
	if !standing.Exists {
		return Report{}, seatwright.MissingUser()
	}
	seats, err := e.memory.reader.Seats(ctx, organization, []seatwright.UserID{user})
	if err != nil {
		return Report{}, err
	}
	r := Report{User: user, Holdings: make([]Holding, len(seats)), Entitled: []seatwright.EntitlementName{}, At: standing.At, Until: standing.UntilOf(standing.Codes)}
	for i, seat := range seats {
		product, _ := e.catalogue.Product(seat.Code)
		product.Code = seat.Code // also where the catalogue has it no more
		r.Holdings[i] = Holding{Seat: seat, Name: product.Name, Usable: standing.Usable(seat.Code), Gives: product.Gives()}
		if r.Holdings[i].Usable {
			r.Entitled = append(r.Entitled, r.Holdings[i].Gives...)
		}
	}
	slices.Sort(r.Entitled)
	r.Entitled = slices.Compact(r.Entitled)
	return r, nil
}
