package seatwright

// Bundle is a named set of entitlements that is handed out as one seat.
type Bundle struct {
	Code      BundleCode
	Name      string
	Rank      int  // strength among the ranked bundles, 4 strongest to 1; 0: not ranked against others
	Multiuser bool // one unit is shared by several people, one at a time
	Developer bool // may be held by an external license
	Sold      bool // false: existing purchases count, new ones are no longer sold
}

// catalogue has every user bundle code of the published API guide and its clients. Names drift between editions, so
// nothing may compare them. Source: Automation Suite API guide, "License codes"; rank: admin guide, "User license management".
var catalogue = [...]Bundle{
	{Code: "ACCU", Name: "Action Center - Multiuser", Multiuser: true},
	{Code: "ACNU", Name: "Action Center - Named User", Rank: 1, Sold: true},
	{Code: "AKIT", Name: "Automation Express", Sold: true},
	{Code: "ATTUCU", Name: "Attended - Multiuser", Multiuser: true},
	{Code: "ATTUNU", Name: "Attended - Named User", Rank: 2, Sold: true},
	{Code: "AXPNU", Name: "Express - Named User", Sold: true},
	{Code: "CTZDEVCU", Name: "Citizen Developer - Multiuser", Multiuser: true, Developer: true},
	{Code: "CTZDEVNU", Name: "Citizen Developer - Named User", Rank: 3, Developer: true, Sold: true},
	{Code: "IDU", Name: "Insights Designer Users", Sold: true},
	{Code: "PMBU", Name: "Process Mining Business User", Sold: true},
	{Code: "PMD", Name: "Process Mining Developer", Sold: true},
	{Code: "RPADEVCU", Name: "RPA Developer - Multiuser", Multiuser: true, Developer: true},
	{Code: "RPADEVNU", Name: "RPA Developer - Named User", Developer: true},
	{Code: "RPADEVPROCU", Name: "Automation Developer - Multiuser", Multiuser: true, Developer: true},
	{Code: "RPADEVPRONU", Name: "Automation Developer - Named User", Rank: 4, Developer: true, Sold: true},
	{Code: "TSTDEVPRONU", Name: "Test Developer Pro - Named User", Developer: true},
	{Code: "TSTNU", Name: "Tester - Named User", Sold: true},
}

// Catalogue returns every bundle, in the order of the codes.
func Catalogue() []Bundle {
	c := catalogue
	return c[:]
}

// LookupBundle finds a bundle by its exact code.
func LookupBundle(code BundleCode) (Bundle, bool) {
	for i := range catalogue {
		if catalogue[i].Code == code {
			return catalogue[i], true
		}
	}
	return Bundle{}, false
}
