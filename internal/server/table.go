package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
)

// table finds the handler of a path. A literal segment goes before a parameter, and where the literal leads nowhere the
// parameters are tried, so that "user-license/group/{group}" and "user-license/{user}/allocation" live side by side, which the
// standard mux refuses. A parameter is a whole segment, or the argument of a function of OData in one, as in "Robots(type='{type}')". Literals are compared without regard to letter case; parameters keep theirs. It is filled before it
// serves and never changed afterwards.
type table struct {
	root node
	fail func(http.ResponseWriter, *http.Request, error)
}

type node struct {
	literals   map[string]*node  // by lower-case text
	parameters []parameter       // those with text around them first
	routes     map[string]*route // by method
}

// parameter is a segment of which a part is free: what stands before and behind it is in lower case, and empty where all of it is.
type parameter struct {
	before, behind string
	next           *node
}

// read returns the free part of a segment.
func (p parameter) read(segment string) (value string, fits bool) {
	if len(segment) < len(p.before)+len(p.behind) {
		return "", false
	}
	end := len(segment) - len(p.behind)
	return segment[len(p.before):end], lower(segment[:len(p.before)]) == p.before && lower(segment[end:]) == p.behind
}

type route struct {
	pattern    string
	parameters []string // names, in the order of the path
	handler    http.HandlerFunc
}

// add enters a route. The pattern is a method, a space and a path with parameters in braces.
func (t *table) add(pattern string, handler http.HandlerFunc) error {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || method == "" || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("route %q is not a method and a path", pattern)
	}
	added := &route{pattern: pattern, handler: handler}
	at := &t.root
	for segment := range strings.SplitSeq(path[1:], "/") {
		if before, rest, free := strings.Cut(segment, "{"); free && (before == "" || strings.Contains(before, "(")) {
			name, behind, ok := strings.Cut(rest, "}")
			if !ok || name == "" || slices.Contains(added.parameters, name) {
				return fmt.Errorf("route %q has a parameter without a name of its own", pattern)
			}
			if strings.HasSuffix(behind, ")") != (before != "") || behind != "" && before == "" || strings.ContainsAny(behind, "{}") {
				return fmt.Errorf("route %q has a parameter that is neither a segment nor the argument of a function", pattern)
			}
			added.parameters = append(added.parameters, name)
			at = at.parameter(lower(before), lower(behind))
			continue
		}
		if segment == "" || strings.ContainsAny(segment, "{}") {
			return fmt.Errorf("route %q has a segment that is neither text nor a parameter", pattern)
		}
		at = at.literal(lower(segment))
	}
	if at.routes == nil {
		at.routes = map[string]*route{}
	}
	if other := at.routes[method]; other != nil {
		return fmt.Errorf("route %q is already there as %q", pattern, other.pattern)
	}
	at.routes[method] = added
	return nil
}

func (n *node) literal(text string) *node {
	if n.literals == nil {
		n.literals = map[string]*node{}
	}
	next := n.literals[text]
	if next == nil {
		next = &node{}
		n.literals[text] = next
	}
	return next
}

func (n *node) parameter(before, behind string) *node {
	for _, p := range n.parameters {
		if p.before == before && p.behind == behind {
			return p.next
		}
	}
	p := parameter{before, behind, &node{}}
	if before == "" {
		n.parameters = append(n.parameters, p)
	} else {
		n.parameters = append([]parameter{p}, n.parameters...)
	}
	return p.next
}

// search is one look into the table.
type search struct {
	method  string
	values  []string            // of the parameters on the way
	allowed map[string]struct{} // methods of the paths that fit; nil: no path fits
}

// find returns the route of a method and a path, or nil and the methods that the path has: none, and the path is unknown.
// HEAD finds the route of GET.
func (t *table) find(method string, segments []string) (found *route, values []string, allow []string) {
	s := search{method: method}
	if found := s.walk(&t.root, segments); found != nil {
		return found, s.values, nil
	}
	if _, readable := s.allowed[http.MethodGet]; readable {
		s.allowed[http.MethodHead] = struct{}{}
	}
	return nil, nil, slices.Sorted(maps.Keys(s.allowed))
}

func (s *search) walk(at *node, rest []string) *route {
	if len(rest) == 0 {
		return s.arrive(at)
	}
	if next := at.literals[lower(rest[0])]; next != nil {
		if found := s.walk(next, rest[1:]); found != nil {
			return found
		}
	}
	for _, p := range at.parameters {
		value, fits := p.read(rest[0])
		if !fits {
			continue
		}
		s.values = append(s.values, value)
		if found := s.walk(p.next, rest[1:]); found != nil {
			return found
		}
		s.values = s.values[:len(s.values)-1]
	}
	return nil
}

func (s *search) arrive(at *node) *route {
	if found := at.routes[s.method]; found != nil {
		return found
	}
	if found := at.routes[http.MethodGet]; found != nil && s.method == http.MethodHead {
		return found
	}
	for method := range at.routes {
		if s.allowed == nil {
			s.allowed = map[string]struct{}{}
		}
		s.allowed[method] = struct{}{}
	}
	return nil
}

// serve answers a request whose path, without prefix and alias, is segments.
func (t *table) serve(w http.ResponseWriter, r *http.Request, segments []string) {
	found, values, allow := t.find(r.Method, segments)
	switch {
	case found != nil:
		for i, name := range found.parameters {
			r.SetPathValue(name, values[i])
		}
		r.Pattern = found.pattern
		found.handler(w, r)
	case len(allow) > 0:
		t.fail(w, r, methodNotAllowed(w, allow...))
	default:
		t.fail(w, r, seatwright.NotFound(seatwright.ReasonRouteNotFound, "no operation has this path"))
	}
}

// methodNotAllowed sets the Allow header and returns the error that goes with it.
func methodNotAllowed(w http.ResponseWriter, allow ...string) error {
	methods := strings.Join(allow, ", ")
	w.Header().Set("Allow", methods)
	return seatwright.Invalid(seatwright.ReasonMethodNotAllowed, "this path has %s", methods)
}
