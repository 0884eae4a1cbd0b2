package audit

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// Record is one event as an auditor reads it.
type Record struct {
	Sequence  int64 // of the event
	CreatedAt time.Time
	Kind      seatwright.EventKind
	Category  string // what it is about, such as "License"
	Action    string // what was done, such as "Allocate"
	Refused   bool   // it was not done, for want of units
	ActorID   string // the id of who did it, without what they are; empty: the server, or somebody unknown
	UserName  string // of who did it; their id where they have none or no longer exist; "host/" and an id for people of the host
	Email     string // of who did it; empty: none is known
	Subject   string // the id of what it is about; empty: nothing in particular
	Source    string // the door that it came through
	Address   string // of the client, of sign-ins alone; empty: not recorded
	Message   string // one English sentence
	Details   string // the whole event as JSON, its place in the chain included
}

// details is the text of Record.Details: every field of the event, under the names that the export of a chain uses.
type details struct {
	Sequence  int64           `json:"sequence"`
	Kind      string          `json:"kind"`
	Version   int             `json:"version"`
	Actor     string          `json:"actor"`
	Via       string          `json:"via"`
	RequestID string          `json:"requestId"`
	Subject   string          `json:"subject"`
	Data      json.RawMessage `json:"data"`
	Prev      string          `json:"prev"` // hexadecimal
	Hash      string          `json:"hash"`
}

// Describe tells an event. people are those of the organization whom Mentions names and who exist: the others are shown by
// their ids. So is somebody who was created after the event: then it was another person who had that id. It holds no secret,
// because events hold none.
func Describe(e seatwright.Event, people map[seatwright.UserID]seatwright.User) Record {
	row := kindOf(e.Kind)
	who := func(id seatwright.UserID) seatwright.User {
		if known, exists := people[id]; exists && !known.CreatedAt.After(e.At) {
			return known
		}
		return seatwright.User{ID: id}
	}
	subject := e.Subject
	if row.person {
		subject = nameOf(who(seatwright.UserID(e.Subject)))
	}
	r := Record{
		Sequence: e.Sequence, CreatedAt: e.At, Kind: e.Kind, Category: row.category, Action: row.action, Refused: row.refused,
		Subject: e.Subject, Source: e.Via, Details: detailsOf(e),
	}
	if row.signIn {
		r.Address = read[seatwright.SignIn](e.Data).Address
	}
	r.Message = describeActor(&r, e, who) + " " + row.say(subject, e.Data) + "."
	return r
}

// Mentions lists the people of the event's own organization whom it is by or about.
func Mentions(e seatwright.Event) []seatwright.UserID {
	var ids []seatwright.UserID
	if id, own := ownActor(e); own {
		ids = append(ids, id)
	}
	if kindOf(e.Kind).person && e.Subject != "" {
		ids = append(ids, seatwright.UserID(e.Subject))
	}
	return ids
}

// ownActor returns the person of the event's own organization who is its actor. The people of the host are its own only in its
// own chain: elsewhere their names are nobody's business.
func ownActor(e seatwright.Event) (seatwright.UserID, bool) {
	what, id, _ := strings.Cut(e.Actor, "/")
	return seatwright.UserID(id), what == "user" || what == "host" && e.Organization == seatwright.HostID
}

// describeActor fills in who it was and returns the beginning of the sentence.
func describeActor(r *Record, e seatwright.Event, who func(seatwright.UserID) seatwright.User) string {
	if e.Actor == seatwright.SystemActor || e.Actor == "" {
		r.UserName = seatwright.SystemActor
		return "The server"
	}
	if e.Actor == seatwright.AnonymousActor {
		r.UserName = seatwright.AnonymousActor
		return "Somebody"
	}
	what, id, _ := strings.Cut(e.Actor, "/")
	r.ActorID, r.UserName = id, id
	if person, own := ownActor(e); own {
		known := who(person)
		r.UserName, r.Email = cmp.Or(known.UserName, id), known.Email
		return nameOf(known)
	}
	switch what {
	case "application":
		return "The application " + id
	case "host":
		r.UserName = e.Actor
		return "The host administrator " + id
	}
	r.UserName = e.Actor
	return e.Actor
}

// nameOf is a person in a sentence: user name and address, or the id where there is no name.
func nameOf(u seatwright.User) string {
	name := cmp.Or(u.UserName, string(u.ID))
	if u.Email != "" && u.Email != name {
		name += " (" + u.Email + ")"
	}
	return name
}

func detailsOf(e seatwright.Event) string {
	d := details{
		Sequence: e.Sequence, Kind: string(e.Kind), Version: e.Version, Actor: e.Actor, Via: e.Via, RequestID: e.RequestID, Subject: e.Subject,
		Data: e.Data, Prev: hex.EncodeToString(e.Prev), Hash: hex.EncodeToString(e.Hash),
	}
	if !json.Valid(e.Data) { // damaged: shown as it is
		d.Data, _ = json.Marshal(string(e.Data))
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings, numbers and valid JSON always marshal
	}
	return string(text)
}
