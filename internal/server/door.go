package server

import (
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
)

// doors are the path segments that begin a door, each with its name in the documents.
var doors = map[string]string{
	".well-known":   ".well-known",
	"api":           "api",
	"audit_":        "audit_",
	"identity":      "identity_",
	"identity_":     "identity_",
	"la":            "lease_",
	"lease_":        "lease_",
	"license_":      "lrm",
	"lrm":           "lrm",
	"orchestrator_": orchestratorDoor,
	"orgaudit_":     "orgaudit_",
	"portal_":       portalDoor,
}

// The doors whose paths have a spelling of their own.
const (
	orchestratorDoor = "orchestrator_"
	portalDoor       = "portal_"
)

// place is where in a path its door is. The organization and the tenant of the prefix are as they are spelled, or empty.
type place struct {
	organization string
	tenant       string
	door         string   // as the documents name it; empty: there is no door
	prefix       []string // up to and including the door, as spelled
	spelled      []string // from the door on, as spelled
	rest         []string // after the door
}

// locate finds the door: the first of the first three segments that is the name of one. No organization or tenant can be
// called like a door, so there is nothing to guess. What stands before it must look like an organization and a tenant.
func locate(segments []string) place {
	for i, segment := range segments[:min(3, len(segments))] {
		door, known := doors[lower(segment)]
		if !known {
			if _, err := seatwright.CanonicalID(segment); err != nil {
				return place{}
			}
			continue
		}
		p := place{door: door, prefix: segments[:i+1], spelled: segments[i:], rest: segments[i+1:]}
		if i > 0 {
			p.organization = segments[0]
		}
		if i > 1 {
			p.tenant = segments[1]
		}
		return p.respelled()
	}
	return place{}
}

// respelled drops what clients add to a path of a door without meaning anything by it: a known one names the portal twice, and a function of
// OData that has no parameter may be called with parentheses.
func (p place) respelled() place {
	if p.door == portalDoor && len(p.rest) > 0 && lower(p.rest[0]) == portalDoor {
		p.spelled, p.rest = p.rest, p.rest[1:]
	}
	if last := len(p.rest) - 1; p.door == orchestratorDoor && last >= 0 && strings.HasSuffix(p.rest[last], "()") {
		p.rest = append(slices.Clone(p.rest[:last]), strings.TrimSuffix(p.rest[last], "()"))
		p.spelled = slices.Concat([]string{p.door}, p.rest)
	}
	return p
}

// path is the path that the documents have for the place.
func (p place) path() []string {
	if len(p.spelled) > 0 && p.spelled[0] == p.door { // no alias and no other letter case: most requests
		return p.spelled
	}
	return slices.Concat([]string{p.door}, p.rest)
}

// prefixed reports that something stands before the door.
func (p place) prefixed() bool { return len(p.prefix) > 1 }

// matches compares what follows the door with words in lower case.
func (p place) matches(words ...string) bool {
	return slices.EqualFunc(p.rest, words, func(segment, word string) bool { return lower(segment) == word })
}
