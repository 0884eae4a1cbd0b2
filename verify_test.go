package seatwright

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// history chains events as a ledger would, whatever they say.
type history struct {
	head   Head
	events []Event
}

func newHistory() *history {
	h := &history{head: Head{Organization: "o", Hash: NoHash(), At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}}
	h.add(EventOrganizationCreated, "o", `{"unknownUsers":"refuse","externalLicenses":true}`)
	h.add(EventUserCreated, "ann", `{"role":"member","active":true}`)
	h.add(EventUserCreated, "bob", `{"role":"member","active":true}`)
	h.add(EventLotCreated, "lot", `{"code":"ATTUNU","quantity":1,"start":"2026-03-01T09:00:00Z","end":"2026-03-02T09:00:00Z","graceSeconds":0,"pool":{"code":"ATTUNU","used":0,"total":1}}`)
	return h
}

func (h *history) add(kind EventKind, subject, data string) {
	e := Event{
		Organization: h.head.Organization, Sequence: h.head.Sequence + 1, At: h.head.At.Add(time.Second), Kind: kind, Version: 1, Subject: subject,
		Data: []byte(data), Prev: h.head.Hash,
	}
	e.Hash = e.Digest()
	h.head.Sequence, h.head.Hash, h.head.At = e.Sequence, e.Hash, e.At
	h.events = append(h.events, e)
}

// Promise: a history that hangs together by its hashes and still breaks a rule is found, whoever wrote it: a bug in a decision,
// or somebody who can compute hashes.
func TestReplayFindsEventsThatDoNotFollow(t *testing.T) {
	t.Parallel()
	ann := event{EventAllocationSet, "ann", `{"codes":["ATTUNU"],"units":1,"pools":[{"code":"ATTUNU","used":1,"total":1}]}`}
	rule := event{EventGroupRuleSet, "everyone", `{"priority":100,"offers":[{"code":"ATTUNU","term":5}],"pools":[]}`}
	lease := event{EventLeaseAcquired, "ann", `{"code":"ATTUNU","group":"everyone","term":5,"units":1,"pools":[{"code":"ATTUNU","used":1,"total":1}]}`}
	// A unit is consumed of a purchase that ends with the sixth of these events; the next purchase is in force from the fourth on.
	renewed := []event{
		{EventTenantCreated, "t", `{}`},
		{EventLotCreated, "old", `{"code":"AIU","quantity":1,"start":"2026-03-01T09:00:00Z","end":"2026-03-01T09:00:10Z","graceSeconds":0,"pool":{"code":"AIU","used":0,"total":1}}`},
		metered(EventUnitsConsumed, "run-1", 1_000_000, 1_000_000, 0, 1, 1),
		{EventLotCreated, "new", `{"code":"AIU","quantity":1,"start":"2026-03-01T09:00:08Z","end":"2026-03-01T10:00:00Z","graceSeconds":0,"pool":{"code":"AIU","used":1,"total":2}}`},
	}
	for name, c := range map[string]struct {
		events []event
		want   string // part of the error; empty: there is none
	}{
		"sound": {[]event{ann,
			{EventAllocationRemoved, "ann", `{"codes":[],"pools":[{"code":"ATTUNU","used":0,"total":1}]}`},
			{EventAllocationSet, "bob", `{"codes":["ATTUNU"],"units":1,"pools":[{"code":"ATTUNU","used":1,"total":1}]}`},
			{EventAllocationSet, "ann", `{"codes":["RPADEVNU"],"units":0,"external":true,"pools":[]}`}}, ""},
		"oversold":              {[]event{ann, {EventAllocationSet, "bob", `{"codes":["ATTUNU"],"units":1,"pools":[{"code":"ATTUNU","used":2,"total":1}]}`}}, "event 6: draws on pool ATTUNU beyond what was bought: 2 of 1"},
		"oversold, and told so": {[]event{ann, {EventAllocationSet, "bob", `{"codes":["ATTUNU"],"units":1,"pools":[{"code":"ATTUNU","used":2,"total":2}]}`}}, "beyond what was bought"},
		"of what is not sold":   {[]event{{EventAllocationSet, "ann", `{"codes":["TSTNU"],"units":1,"pools":[{"code":"TSTNU","used":1,"total":0}]}`}}, "draws on pool TSTNU beyond"},
		"counted wrongly":       {[]event{{EventAllocationSet, "ann", `{"codes":["ATTUNU"],"units":1,"pools":[{"code":"ATTUNU","used":0,"total":1}]}`}}, "says that 0 of 1 units of ATTUNU are used"},
		"not counted":           {[]event{{EventAllocationSet, "ann", `{"codes":["ATTUNU"],"units":1,"pools":[]}`}}, "tells of the pools [], it changed [ATTUNU]"},
		"to nobody":             {[]event{{EventAllocationSet, "eve", ann.data}}, "allocates to eve, who was not created"},
		"external for free":     {[]event{{EventAllocationSet, "ann", `{"codes":["ATTUNU"],"units":0,"pools":[]}`}}, "gives 0 units"},
		"two units":             {[]event{{EventAllocationSet, "ann", `{"codes":["ATTUNU"],"units":2,"pools":[{"code":"ATTUNU","used":2,"total":1}]}`}}, "gives 2 units"},
		"a code twice":          {[]event{{EventAllocationSet, "ann", `{"codes":["ATTUNU","ATTUNU"],"units":1,"pools":[]}`}}, "out of order or twice"},
		"removed twice":         {[]event{{EventAllocationRemoved, "ann", `{"codes":[],"pools":[]}`}}, "removes the allocation of ann, who had none"},
		"created twice":         {[]event{{EventUserCreated, "ann", `{"role":"member","active":true}`}}, "creates ann a second time"},
		"a lot that adds more":  {[]event{{EventLotCreated, "l2", `{"code":"ATTUNU","quantity":1,"start":"2026-03-01T09:00:00Z","end":"2026-03-02T09:00:00Z","graceSeconds":0,"pool":{"code":"ATTUNU","used":0,"total":9}}`}}, "says that 0 of 9"},
		"updated and deleted": {[]event{
			ann, {EventAllocationRemoved, "ann", `{"codes":[],"pools":[{"code":"ATTUNU","used":0,"total":1}]}`},
			{EventUserUpdated, "ann", `{"changed":["active"],"role":"member","active":false}`}, {EventUserPasswordChanged, "bob", `{}`},
			{EventUserDeleted, "ann", `{}`}, {EventUserCreated, "ann", `{"role":"member","active":true}`}, ann,
		}, ""},
		"inactive with a seat":    {[]event{ann, {EventUserUpdated, "ann", `{"changed":["active"],"role":"member","active":false}`}}, "makes ann inactive, who still holds something"},
		"a seat for the inactive": {[]event{{EventUserUpdated, "ann", `{"changed":["active"],"role":"member","active":false}`}, ann}, "allocates to ann, who is not active"},
		"deleted with a seat":     {[]event{ann, {EventUserDeleted, "ann", `{}`}}, "deletes ann, who still holds something"},
		"deleted twice":           {[]event{{EventUserDeleted, "ann", `{}`}, {EventUserDeleted, "ann", `{}`}}, "deletes ann, who does not exist"},
		"updated after the end":   {[]event{{EventUserDeleted, "ann", `{}`}, {EventUserUpdated, "ann", `{"changed":["email"],"role":"member","active":true}`}}, "updates ann, who does not exist"},
		"a password of nobody":    {[]event{{EventUserPasswordChanged, "eve", `{}`}}, "changes the password of eve, who does not exist"},
		"an update of nothing":    {[]event{{EventUserUpdated, "ann", `{"changed":[],"role":"member","active":true}`}}, "changes nothing of ann"},
		"leased": {[]event{rule, lease, {EventLeaseReleased, "ann", `{"code":"ATTUNU","group":"everyone","term":5,"pools":[{"code":"ATTUNU","used":0,"total":1}]}`}, ann,
			{EventGroupRuleRemoved, "everyone", `{"ended":[{"code":"ATTUNU","leases":0,"units":0}],"pools":[]}`}}, ""},
		"leased, and the offer ends": {[]event{rule, lease, {EventGroupRuleSet, "everyone", `{"priority":100,"offers":[],"ended":[{"code":"ATTUNU","leases":1,"units":1}],"pools":[{"code":"ATTUNU","used":0,"total":1}]}`}, {EventUserDeleted, "ann", `{}`}}, ""},
		"leased beyond the pool":     {[]event{rule, lease, {EventLeaseAcquired, "bob", strings.Replace(lease.data, `"used":1`, `"used":2`, 1)}}, "draws on pool ATTUNU beyond"},
		"leased without a rule":      {[]event{lease}, "whose rule does not offer it"},
		"leased in another term":     {[]event{rule, {EventLeaseAcquired, "ann", strings.Replace(lease.data, `"term":5`, `"term":4`, 1)}}, "whose rule does not offer it"},
		"leased twice":               {[]event{rule, lease, lease}, "leases ATTUNU to ann a second time"},
		"leased over a quota":        {[]event{{EventGroupRuleSet, "everyone", strings.Replace(rule.data, `"term":5`, `"term":5,"quota":1`, 1)}, lease, {EventLeaseAcquired, "bob", lease.data}}, "beyond its quota of 1"},
		"a quota below use":          {[]event{{EventGroupRuleSet, "everyone", strings.Replace(rule.data, `"term":5`, `"term":5,"quota":1`, 1)}, {EventGroupRuleSet, "everyone", `{"priority":100,"offers":[{"code":"ATTUNU","term":6}],"pools":[]}`}}, "gives ATTUNU the term 6, which had 5"},
		"an offer that vanishes":     {[]event{rule, {EventGroupRuleSet, "everyone", `{"priority":100,"offers":[],"pools":[]}`}}, "does not tell what became of ATTUNU"},
		"ended for fewer":            {[]event{rule, lease, {EventGroupRuleRemoved, "everyone", `{"ended":[{"code":"ATTUNU","leases":0,"units":0}],"pools":[]}`}}, "by the events there are 1 with 1"},
		"a rule of no group":         {[]event{{EventGroupRuleSet, "g", rule.data}}, "sets a rule of the group g, which does not exist"},
		"released by nobody":         {[]event{rule, {EventLeaseReleased, "ann", `{"code":"ATTUNU","group":"everyone","term":5,"pools":[]}`}}, "that ann does not have"},
		"deleted with a lease":       {[]event{rule, lease, {EventUserDeleted, "ann", `{}`}}, "deletes ann, who still holds something"},
		"services and what the host distributes": {[]event{
			{EventTenantCreated, "t", `{}`},
			{EventServiceLicenseSet, "t/apps", `{"tenant":"t","service":"apps","products":[{"code":"ATTUNU","quantity":1}],"pools":[{"code":"ATTUNU","used":1,"total":1}]}`},
			{EventDistributionSet, "o", `{"products":[{"code":"ATTUNU","quantity":2,"start":"2026-03-01T09:00:00Z","end":"2026-03-02T09:00:00Z"}],"pools":[{"code":"ATTUNU","used":1,"total":3}]}`},
			{EventDistributionAligned, "o", `{"products":[{"code":"ATTUNU","quantity":2,"start":"2026-03-01T09:00:00Z","end":"2026-03-01T09:00:01Z"}],"pools":[{"code":"ATTUNU","used":1,"total":1}]}`},
			{EventDistributionRemoved, "o", `{"products":[],"pools":[{"code":"ATTUNU","used":1,"total":1}]}`},
			{EventServiceLicenseRemoved, "t/apps", `{"tenant":"t","service":"apps","products":[],"pools":[{"code":"ATTUNU","used":0,"total":1}]}`},
		}, ""},
		"a service that oversells": {[]event{ann, {EventTenantCreated, "t", `{}`},
			{EventServiceLicenseSet, "t/apps", `{"tenant":"t","service":"apps","products":[{"code":"ATTUNU","quantity":1}],"pools":[{"code":"ATTUNU","used":2,"total":1}]}`}}, "beyond what was bought"},
		"a service of no tenant": {[]event{{EventServiceLicenseSet, "t/apps", `{"tenant":"t","service":"apps","products":[],"pools":[]}`}}, "gives units to t/apps, of which no event tells"},
		"units in use": {[]event{
			{EventTenantCreated, "t", `{}`}, units(EventUnitsAcquired, "l", 500_000, 500_000, 1), units(EventUnitsChanged, "l", 1_000_000, 1_000_000, -1),
			units(EventUnitsReleased, "l", 0, 0, 0),
		}, ""},
		"units beyond what there is":              {[]event{{EventTenantCreated, "t", `{}`}, units(EventUnitsAcquired, "l", 1_000_001, 1_000_001, 1)}, "beyond the 1 units that there are"},
		"units taken twice":                       {[]event{{EventTenantCreated, "t", `{}`}, units(EventUnitsAcquired, "l", 500_000, 500_000, 1), units(EventUnitsAcquired, "l", 500_000, 1_000_000, -1)}, "a second time"},
		"units that are not there":                {[]event{{EventTenantCreated, "t", `{}`}, units(EventUnitsReleased, "l", 0, 0, -1)}, "which is not there"},
		"units of no tenant":                      {[]event{units(EventUnitsAcquired, "l", 500_000, 500_000, 1)}, "uses units for t, of which no event tells"},
		"units that are miscounted":               {[]event{{EventTenantCreated, "t", `{}`}, units(EventUnitsAcquired, "l", 500_000, 400_000, 1)}, "says that t/apps uses 400000 millionths"},
		"a period that goes on":                   {[]event{{EventTenantCreated, "t", `{}`}, units(EventUnitsPeriodEnded, "t/apps", 0, 0, -1)}, "ends a period of ATTUNU"},
		"consumed and carried":                    {slices.Concat(renewed, []event{metered(EventUnitsConsumed, "run-2", 1_000_000, 2_000_000, 1_000_000, 2, 2), metered(EventUnitsPeriodEnded, "t/apps", 0, 1_000_000, -1, 1, 1)}), ""},
		"carried as before there was such a rule": {slices.Concat(renewed, []event{metered(EventUnitsConsumed, "run-2", 1_000_000, 2_000_000, -1, 2, 2), metered(EventUnitsPeriodEnded, "t/apps", 0, 0, -1, 0, 1)}), ""},
		"not carried":                             {slices.Concat(renewed, []event{metered(EventUnitsConsumed, "run-2", 1_000_000, 2_000_000, 0, 2, 2)}), "says that t/apps carries 0 millionths of AIU into the next period; by the events it is 1000000"},
		"carried and forgotten":                   {slices.Concat(renewed, []event{metered(EventUnitsConsumed, "run-2", 1_000_000, 2_000_000, 1_000_000, 2, 2), metered(EventUnitsPeriodEnded, "t/apps", 0, 0, -1, 0, 1)}), "says that t/apps uses 0 millionths of AIU; by the events it is 1000000"},
		"nothing is distributed":                  {[]event{{EventDistributionRemoved, "o", `{"products":[],"pools":[]}`}}, "changes nothing of what the host distributes"},
		"distributed and not added":               {[]event{{EventDistributionSet, "o", `{"products":[{"code":"ATTUNU","quantity":2,"start":"2026-03-01T09:00:00Z","end":"2026-03-02T09:00:00Z"}],"pools":[{"code":"ATTUNU","used":0,"total":1}]}`}}, "says that 0 of 1"},
		"unreadable":                              {[]event{{EventAllocationSet, "ann", `{"codes":`}}, "has data that cannot be read"},
		"unknown":                                 {[]event{{"seat.stolen", "ann", `{}`}}, "which this program does not know"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory()
			for _, e := range c.events {
				h.add(e.kind, e.subject, e.data)
			}
			_, err := Replay(h.events)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Replay = %v, want %q", err, c.want)
			}
		})
	}
}

// event is an event of a history that is made up.
type event struct {
	kind          EventKind
	subject, data string
}

// units is an event about a lease of the code that the history has one unit of; pool is what is used of it then, -1: it does not change.
func units(kind EventKind, lease string, quantity, used, pool int64) event {
	pools := []PoolState{}
	if pool >= 0 {
		pools = append(pools, PoolState{Code: "ATTUNU", Used: pool, Total: 1})
	}
	data, err := json.Marshal(UnitsState{Tenant: "t", Service: "apps", Code: "ATTUNU", Quantity: quantity, Used: used, Pools: pools})
	if err != nil {
		panic(err)
	}
	return event{kind, lease, string(data)}
}

// metered is an event about what is consumed of AIU in the period that ends at 09:00:10, with how much of the pool is used then; carried -1: it does not
// tell that.
func metered(kind EventKind, subject string, quantity, used, carried, pool, total int64) event {
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	state := UnitsState{
		Tenant: "t", Service: "apps", Code: "AIU", Quantity: quantity, Used: used, Start: start, End: start.Add(10 * time.Second),
		Pools: []PoolState{{Code: "AIU", Used: pool, Total: total}},
	}
	if carried >= 0 {
		state.Carried = &carried
	}
	data, err := json.Marshal(state)
	if err != nil {
		panic(err)
	}
	return event{kind, subject, string(data)}
}

// Promise: two rows with one key are found even where the schema has lost the rule against them.
func TestVerificationFindsTwins(t *testing.T) {
	t.Parallel()
	seats, _ := LookupTable("seats")
	var found []string
	v := NewVerification(func(sentence string) { found = append(found, sentence) })
	for range 2 {
		v.Row(Row{Table: seats, Values: []any{"o", "ann", "ATTUNU", int64(1), true, int64(5), "", int64(0), int64(0), int64(0), int64(0), int64(0)}})
	}
	v.End()
	if !strings.Contains(fmt.Sprint(found), "there are two rows of seats ann ATTUNU") {
		t.Errorf("found %q", found)
	}
}
