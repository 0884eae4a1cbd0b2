package main

import (
	"strconv"

	"github.com/seatwright/seatwright"
)

// shape is how the allocations of a cell are spread over pools.
type shape struct {
	Name          string
	Organizations int
	Codes         []seatwright.ProductCode
}

var (
	spread   = shape{Name: "spread", Organizations: 10, Codes: catalogueCodes()}
	thousand = shape{Name: "thousand", Organizations: 1000, Codes: []seatwright.ProductCode{"ATTUNU"}}
	hot      = shape{Name: "hot", Organizations: 1, Codes: []seatwright.ProductCode{"ATTUNU"}}
)

func catalogueCodes() []seatwright.ProductCode {
	var codes []seatwright.ProductCode
	for _, bundle := range seatwright.PublishedCatalogue().Bundles() {
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
	code         seatwright.ProductCode
}

// first is the allocation to a person who holds nothing yet.
func (s shape) first(person int) task {
	return task{person, person % s.Organizations, personID(person), s.Codes[person/s.Organizations%len(s.Codes)]}
}

const stride = 7919 // a prime that divides no number of people that we use

// waiting is the allocation to the n-th of the people who hold nothing yet. Their ids and the order in which they were added lie
// all over the tables, so that nothing is gained by keys that follow each other.
func (s shape) waiting(n int) task {
	user := seatwright.UserID("person-" + strconv.Itoa(n*stride%1_000_000) + "." + strconv.Itoa(n))
	return task{n, n % s.Organizations, user, s.Codes[n/s.Organizations%len(s.Codes)]}
}

// somebody is what one of the people has been given, another one for each n, from all over the tables.
func (s shape) somebody(n, people int) task { return s.first(n % people * stride % people) }
