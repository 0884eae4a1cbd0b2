package main

import (
	"strconv"

	"github.com/seatwright/seatwright"
)

// shape is how the allocations of a cell are spread over pools.
type shape struct {
	Name          string
	Organizations int
	Codes         []seatwright.BundleCode
}

var (
	spread   = shape{Name: "spread", Organizations: 10, Codes: catalogueCodes()}
	thousand = shape{Name: "thousand", Organizations: 1000, Codes: []seatwright.BundleCode{"ATTUNU"}}
	hot      = shape{Name: "hot", Organizations: 1, Codes: []seatwright.BundleCode{"ATTUNU"}}
)

func catalogueCodes() []seatwright.BundleCode {
	var codes []seatwright.BundleCode
	for _, bundle := range seatwright.Catalogue() {
		codes = append(codes, bundle.Code)
	}
	return codes
}

func (s shape) organization(i int) seatwright.OrganizationID {
	return seatwright.OrganizationID("organization-" + strconv.Itoa(i))
}

func personID(person int) seatwright.UserID {
	return seatwright.UserID("person-" + strconv.Itoa(person))
}

// task is one allocation: who gets what.
type task struct {
	number       int // of the task: no two tasks of a cell have the same
	organization int
	user         seatwright.UserID
	code         seatwright.BundleCode
}

// first is the allocation to a person who holds nothing yet.
func (s shape) first(person int) task {
	return task{person, person % s.Organizations, personID(person), s.Codes[person/s.Organizations%len(s.Codes)]}
}

// next is the n-th allocation among people of whom each holds what first gave them: one after the other, from all over the
// table, gets the next code in place of the one before.
func (s shape) next(n, people int) task {
	const stride = 7919 // a prime that divides no number of people we use
	person, round := n%people*stride%people, n/people
	return task{n, person % s.Organizations, personID(person), s.Codes[(person/s.Organizations+1+round)%len(s.Codes)]}
}
