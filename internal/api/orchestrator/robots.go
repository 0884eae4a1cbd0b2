package orchestrator

import (
	"slices"
	"strings"

	"github.com/seatwright/seatwright"
)

// robotType is what the Orchestrator calls a kind of use, with the codes of the products that give it. Source: the published names of
// robot types, and the catalogue's names of products.
type robotType struct {
	name     string
	older    []string // names that clients of before send
	bundles  []seatwright.ProductCode
	runtimes []seatwright.ProductCode
}

// types lists them in the order in which they were published. Those that no product gives are left out.
var types = []robotType{
	{name: "NonProduction", runtimes: []seatwright.ProductCode{"NONPR"}},
	{name: "Attended", bundles: []seatwright.ProductCode{"ATTUNU", "ATTUCU"}},
	{name: "Unattended", runtimes: []seatwright.ProductCode{"UNATT"}},
	{name: "RpaDeveloper", older: []string{"Development", "Studio"}, bundles: []seatwright.ProductCode{"RPADEVNU", "RPADEVCU"}},
	{name: "CitizenDeveloper", older: []string{"StudioX"}, bundles: []seatwright.ProductCode{"CTZDEVNU", "CTZDEVCU"}},
	{name: "RpaDeveloperPro", older: []string{"StudioPro"}, bundles: []seatwright.ProductCode{"RPADEVPRONU", "RPADEVPROCU"}},
	{name: "TestAutomation", runtimes: []seatwright.ProductCode{"TAUNATT"}},
	{name: "AutomationKit", bundles: []seatwright.ProductCode{"AKIT"}},
	{name: "Hosting", runtimes: []seatwright.ProductCode{"UNATT-HOSTING"}},
	{name: "AppTest", runtimes: []seatwright.ProductCode{"APPTESTR"}},
	{name: "PerformanceTest", runtimes: []seatwright.ProductCode{"PERFTEST-RUNTIME"}},
}

func (t robotType) has(code seatwright.ProductCode) bool {
	return slices.Contains(t.bundles, code) || slices.Contains(t.runtimes, code)
}

// typeCalled finds a type by a name in any letter case; one that is not known has no codes.
func typeCalled(name string) robotType {
	for _, t := range types {
		if strings.EqualFold(t.name, name) || slices.ContainsFunc(t.older, func(older string) bool { return strings.EqualFold(older, name) }) {
			return t
		}
	}
	return robotType{}
}

// bundlesOf lists the bundles that give a type.
func bundlesOf(name string) []seatwright.ProductCode { return typeCalled(name).bundles }

// isRuntime reports that a product is a runtime of a type.
func isRuntime(name string, code seatwright.ProductCode) bool {
	return slices.Contains(typeCalled(name).runtimes, code)
}
