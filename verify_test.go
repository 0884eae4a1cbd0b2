package seatwright

import (
	"fmt"
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
	type event struct {
		kind          EventKind
		subject, data string
	}
	ann := event{EventAllocationSet, "ann", `{"codes":["ATTUNU"],"units":1,"pools":[{"code":"ATTUNU","used":1,"total":1}]}`}
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
		"a service of no tenant":    {[]event{{EventServiceLicenseSet, "t/apps", `{"tenant":"t","service":"apps","products":[],"pools":[]}`}}, "gives units to t/apps, of which no event tells"},
		"nothing is distributed":    {[]event{{EventDistributionRemoved, "o", `{"products":[],"pools":[]}`}}, "changes nothing of what the host distributes"},
		"distributed and not added": {[]event{{EventDistributionSet, "o", `{"products":[{"code":"ATTUNU","quantity":2,"start":"2026-03-01T09:00:00Z","end":"2026-03-02T09:00:00Z"}],"pools":[{"code":"ATTUNU","used":0,"total":1}]}`}}, "says that 0 of 1"},
		"unreadable":                {[]event{{EventAllocationSet, "ann", `{"codes":`}}, "has data that cannot be read"},
		"unknown":                   {[]event{{"seat.stolen", "ann", `{}`}}, "which this program does not know"},
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

// Promise: two rows with one key are found even where the schema has lost the rule against them.
func TestVerificationFindsTwins(t *testing.T) {
	t.Parallel()
	seats, _ := LookupTable("seats")
	var found []string
	v := NewVerification(func(sentence string) { found = append(found, sentence) })
	for range 2 {
		v.Row(Row{Table: seats, Values: []any{"o", "ann", "ATTUNU", int64(1), true, int64(5)}})
	}
	v.End()
	if !strings.Contains(fmt.Sprint(found), "there are two rows of seats ann ATTUNU") {
		t.Errorf("found %q", found)
	}
}
