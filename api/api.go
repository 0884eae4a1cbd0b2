// Package api carries the contracts of the HTTP doors: two OpenAPI 3.1 documents, embedded, and the table of operations that
// they list. Routes, models and the permission of every operation come from here; see codegen/ for how the code is made.
package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seatwright/seatwright"
)

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/wire-automation-suite.yaml automation-suite.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/wire-seatwright.yaml seatwright.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/lease.yaml automation-suite.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/lrm.yaml automation-suite.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/identity.yaml automation-suite.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/audit.yaml automation-suite.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/portal.yaml automation-suite.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/orchestrator.yaml automation-suite.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config codegen/native.yaml seatwright.yaml

//go:embed automation-suite.yaml
var automationSuite []byte

//go:embed seatwright.yaml
var native []byte

// The names of the documents, as [Operation] tells them.
const (
	AutomationSuite = "automation-suite"
	Native          = "seatwright"
)

// Operation is one method of one path, as its document describes it.
type Operation struct {
	ID         string
	Document   string // AutomationSuite or Native
	Method     string // upper case
	Path       string // without any prefix, parameters in braces
	Tag        string // the door
	Public     bool   // answered without a token
	Permission seatwright.Permission
	// OrganizationParameter is the parameter of the path that names the organization where its name does not say so: the same
	// place in a path can mean something else for another method. Empty: none.
	OrganizationParameter string
}

// Pattern is the operation in the form of the standard library's routes: method, space, path.
func (o Operation) Pattern() string { return o.Method + " " + o.Path }

type document struct {
	Paths map[string]map[string]yaml.Node `yaml:"paths"`
}

type operation struct {
	OperationID string                 `yaml:"operationId"`
	Tags        []string               `yaml:"tags"`
	Security    *[]map[string][]string `yaml:"security"`
	Roles       []seatwright.Role      `yaml:"x-roles"`
	Anybody     bool                   `yaml:"x-anybody"`

	OrganizationParameter string `yaml:"x-organization"`
}

// Operations lists every operation of both documents in the order of the paths, then methods. An operation that does not
// say who may use it is an error: nothing is public by omission.
func Operations() ([]Operation, error) {
	var all []Operation
	for _, source := range []struct {
		name string
		text []byte
	}{{AutomationSuite, automationSuite}, {Native, native}} {
		var doc document
		if err := yaml.Unmarshal(source.text, &doc); err != nil {
			return nil, fmt.Errorf("read %s: %w", source.name, err)
		}
		for path, methods := range doc.Paths {
			for method, node := range methods {
				if method == "parameters" {
					continue
				}
				var described operation
				if err := node.Decode(&described); err != nil {
					return nil, fmt.Errorf("read %s: %s %s: %w", source.name, method, path, err)
				}
				op, err := described.operation()
				if err != nil {
					return nil, fmt.Errorf("read %s: %s %s: %w", source.name, method, path, err)
				}
				op.Document, op.Method, op.Path = source.name, strings.ToUpper(method), path
				all = append(all, op)
			}
		}
	}
	slices.SortFunc(all, func(a, b Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return all, nil
}

func (o operation) operation() (Operation, error) {
	if o.OperationID == "" || len(o.Tags) != 1 {
		return Operation{}, fmt.Errorf("needs an operationId and one tag")
	}
	if o.Security == nil {
		return Operation{}, fmt.Errorf("needs a security list; an empty one makes it public")
	}
	op := Operation{
		ID: o.OperationID, Tag: o.Tags[0], Public: len(*o.Security) == 0, Permission: seatwright.Permission{Anybody: o.Anybody, Roles: o.Roles},
		OrganizationParameter: o.OrganizationParameter,
	}
	for _, alternative := range *o.Security {
		for _, scopes := range alternative {
			// A Permission knows only "one of", so a document that asks for two things at once must not be read as either.
			if len(alternative) > 1 || len(scopes) > 1 {
				return Operation{}, fmt.Errorf("needs one scheme and at most one scope in each alternative of its security")
			}
			for _, scope := range scopes {
				op.Permission.Scopes = append(op.Permission.Scopes, seatwright.Scope(scope))
			}
		}
	}
	if !op.Public && len(o.Roles) == 0 && !o.Anybody {
		return Operation{}, fmt.Errorf("needs x-roles, or x-anybody")
	}
	if o.Anybody && (op.Public || len(o.Roles)+len(op.Permission.Scopes) > 0) {
		return Operation{}, fmt.Errorf("is for anybody with a token and says something else as well")
	}
	return op, nil
}

// NativeJSON returns the native document as JSON.
func NativeJSON() ([]byte, error) {
	var doc any
	if err := yaml.Unmarshal(native, &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", Native, err)
	}
	return json.Marshal(doc)
}
