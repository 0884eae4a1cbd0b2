package seatwright

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// EntitlementName is what a product asks for: the code of a product, a license unit such as "ATTR", or a name that the catalogue gives to
// products. It is compared exactly.
type EntitlementName string

// MaxNamesPerQuestion bounds how many names one question may have.
const MaxNamesPerQuestion = 1000

// EntitlementNames checks the names of a question and drops duplicates; the order stays. Names that mean nothing are no error: nobody is
// entitled to them. Errors: invalid/too_many, and invalid/invalid_value for an empty list or a name that is empty or longer than MaxIDLength bytes.
func EntitlementNames(raw []string, field string) ([]EntitlementName, error) {
	if len(raw) == 0 {
		return nil, Invalid(ReasonInvalidValue, "there is no name to ask for").In(field)
	}
	if len(raw) > MaxNamesPerQuestion {
		return nil, Invalid(ReasonTooMany, "at most %d names in one question, not %d", MaxNamesPerQuestion, len(raw)).In(field)
	}
	names := make([]EntitlementName, 0, len(raw))
	seen := make(map[string]bool, len(raw))
	for _, name := range raw {
		if name == "" || len(name) > MaxIDLength {
			return nil, Invalid(ReasonInvalidValue, "a name has 1 to %d bytes", MaxIDLength).In(field)
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, EntitlementName(name))
		}
	}
	return names, nil
}

// Gives lists what whoever has the product is entitled to, each once: its code, its units, and the names of the catalogue.
func (p Product) Gives() []EntitlementName {
	names := []EntitlementName{EntitlementName(p.Code)}
	add := func(name EntitlementName) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, unit := range p.Units {
		add(EntitlementName(unit))
	}
	for _, name := range p.Entitlements {
		add(name)
	}
	return names
}

// Giving lists the codes of the products that give what is called so, in order; none where nothing is. The answer is shared and must not be
// changed.
func (c *Catalogue) Giving(name EntitlementName) []ProductCode { return c.giving[name] }

// Terms are what of an organization decides whether that which is held may be used.
type Terms struct {
	Policies Policies
	Lots     []Lot // all of them, whatever their state
}

// InForce is which codes have units in force at an instant.
type InForce struct {
	From  time.Time // the instant
	Until time.Time // the first instant after it at which it may be otherwise
	held  Policies
	codes map[ProductCode]codeInForce // those that were ever bought
}

type codeInForce struct {
	units int64
	until time.Time // the first instant at which they may be others
}

// At tells what is in force at now.
func (t Terms) At(now time.Time) InForce {
	f := InForce{From: now, Until: never, held: t.Policies, codes: map[ProductCode]codeInForce{}}
	byCode := map[ProductCode][]Lot{}
	for _, l := range t.Lots {
		byCode[l.Code] = append(byCode[l.Code], l)
	}
	for code, lots := range byCode {
		total, until := totalOf(lots, now)
		f.codes[code] = codeInForce{total, until}
		if until.Before(f.Until) {
			f.Until = until
		}
	}
	return f
}

// Holds reports that it is still so at now.
func (f *InForce) Holds(now time.Time) bool { return !now.Before(f.From) && now.Before(f.Until) }

// Usable reports that a person who holds a code may use it: see [Policies.Usable].
func (f *InForce) Usable(code ProductCode) bool {
	return f.held.Usable(Pool{Total: f.codes[code].units})
}

// UntilOf is the first instant at which it may be otherwise of some codes.
func (f *InForce) UntilOf(codes []ProductCode) time.Time {
	until := never
	for _, code := range codes {
		if c, bought := f.codes[code]; bought && c.until.Before(until) {
			until = c.until
		}
	}
	return until
}

// Has reports that the organization has units of a code in force.
func (f *InForce) Has(code ProductCode) bool { return f.codes[code].units > 0 }

// EntitlementChange is what an event may have changed about the answers to "is this person entitled to that?".
type EntitlementChange struct {
	User     UserID // whose; empty: nobody's in particular
	Everyone bool   // of all people of the organization
	Terms    bool   // purchases or policies
}

// Entitles tells what of answers about an organization an event may have changed. It is generous: a kind that it does not know may have
// changed everything. Renewals of leases and sweeps of what had ended already write no event, and change no answer.
func (e Event) Entitles() EntitlementChange {
	switch e.Kind {
	case EventAllocationSet, EventAllocationRemoved, EventUserCreated, EventUserUpdated, EventUserDeleted,
		EventLeaseAcquired, EventLeaseReleased, EventLeaseRevoked, EventLeaseExpired, EventLeaseOrphaned:
		return EntitlementChange{User: UserID(e.Subject)}
	case EventLotCreated, EventLotChanged, EventLotRemoved, EventLicenseImported, EventLicenseDeactivated, EventPoolTotalChanged,
		EventDistributionSet, EventDistributionAligned, EventDistributionRemoved, EventOrganizationCreated, EventOrganizationUpdated:
		return EntitlementChange{Terms: true}
	case EventGroupRuleSet, EventGroupRuleRemoved:
		// Leases of what a rule does not offer any more have ended with one event, however many there were.
		var data struct {
			Ended []OfferEnd `json:"ended"`
		}
		err := json.Unmarshal(e.Data, &data)
		return EntitlementChange{Everyone: err != nil || len(data.Ended) > 0}
	case EventGroupDeleted: // with its rule, and all leases through it
		return EntitlementChange{Everyone: true}
	case EventUserPasswordChanged, EventTenantCreated, EventNoticeTold, EventNoticeEnded, EventServiceLicenseSet, EventServiceLicenseRemoved,
		EventSigningKeyCreated, EventGroupCreated, EventGroupUpdated, EventSettingChanged, EventAllocationRefused, EventDenialSatisfied,
		EventUserSignedIn, EventUserSignInRefused:
		return EntitlementChange{}
	}
	for _, harmless := range [...]string{"application.", "grant.", "robot_account.", "units."} {
		if strings.HasPrefix(string(e.Kind), harmless) {
			return EntitlementChange{}
		}
	}
	return EntitlementChange{Everyone: true, Terms: true}
}

// Recorded lists the events that the commands of a batch have caused so far, those of one organization in order.
func (s *Slice) Recorded() []Event {
	n := 0
	for _, o := range s.organizations {
		n += len(o.events)
	}
	events := make([]Event, 0, n)
	for _, o := range s.organizations {
		events = append(events, o.events...)
	}
	return events
}
