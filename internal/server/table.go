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
// parameter is tried, so that "user-license/group/{group}" and "user-license/{user}/allocation" live side by side, which the
// standard mux refuses. Literals are compared without regard to letter case; parameters keep theirs. It is filled before it
// serves and never changed afterwards.
type table struct {
	root node
	fail func(http.ResponseWriter, *http.Request, error)
}

type node struct {
	literals  map[string]*node // by lower-case text
	parameter *node
	routes    map[string]*route // by method
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
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name, ok = strings.CutSuffix(name, "}")
			if !ok || name == "" || slices.Contains(added.parameters, name) {
				return fmt.Errorf("route %q has a parameter without a name of its own", pattern)
			}
			added.parameters = append(added.parameters, name)
			if at.parameter == nil {
				at.parameter = &node{}
			}
			at = at.parameter
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
	if at.parameter == nil {
		return nil
	}
	s.values = append(s.values, rest[0])
	if found := s.walk(at.parameter, rest[1:]); found != nil {
		return found
	}
	s.values = s.values[:len(s.values)-1]
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
