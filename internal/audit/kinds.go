package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
)

// The categories: what an event is about.
const (
	categoryOrganization = "Organization"
	categoryTenant       = "Tenant"
	categoryUser         = "User"
	categoryApplication  = "ExternalApplication"
	categoryToken        = "Token"
	categoryGroup        = "Group"
	categoryRobot        = "RobotAccount"
	categoryLicense      = "License"
	categorySigningKey   = "SigningKey"
	categorySetting      = "Setting"
	categoryOther        = "Other" // of a kind that this program does not know
)

// The actions: what was done.
const (
	actionCreate     = "Create"
	actionUpdate     = "Update"
	actionDelete     = "Delete"
	actionPurchase   = "Purchase"
	actionAllocate   = "Allocate"
	actionDeallocate = "Deallocate"
	actionRefuse     = "Refuse"
	actionAcquire    = "Acquire"
	actionRelease    = "Release"
	actionRevoke     = "Revoke"
	actionExpire     = "Expire"
	actionConsume    = "Consume"
	actionNotice     = "Notice"
	actionSignIn     = "SignIn"
	actionSignInFail = "SignInRefused"
)

// kind is how events of one kind are told.
type kind struct {
	category string
	action   string
	person   bool // the subject is a person
	refused  bool // nothing was done
	signIn   bool // the data tell where it came from
	// say is what the actor did, without the actor. subject is how the subject is shown; the data may be unreadable.
	say func(subject string, data []byte) string
}

// kinds has a row for every kind of event. A new kind needs one here; a test looks.
var kinds = map[seatwright.EventKind]kind{
	seatwright.EventOrganizationCreated: {category: categoryOrganization, action: actionCreate, say: plain("created the organization %s")},
	seatwright.EventTenantCreated:       {category: categoryTenant, action: actionCreate, say: plain("created the tenant %s")},
	seatwright.EventUserCreated:         {category: categoryUser, action: actionCreate, person: true, say: sayUserCreated},
	seatwright.EventUserUpdated:         {category: categoryUser, action: actionUpdate, person: true, say: sayUserUpdated},
	seatwright.EventUserPasswordChanged: {category: categoryUser, action: actionUpdate, person: true, say: plain("changed the password of the user %s")},
	seatwright.EventUserDeleted:         {category: categoryUser, action: actionDelete, person: true, say: plain("deleted the user %s")},
	seatwright.EventApplicationCreated:  {category: categoryApplication, action: actionCreate, say: sayApplicationCreated},
	seatwright.EventApplicationUpdated:  {category: categoryApplication, action: actionUpdate, say: plain("changed the external application %s")},
	seatwright.EventApplicationDeleted:  {category: categoryApplication, action: actionDelete, say: plain("deleted the external application %s, and what was granted to it")},
	seatwright.EventGrantCreated:        {category: categoryToken, action: actionCreate, say: sayGrant("made")},
	seatwright.EventGrantRenewed:        {category: categoryToken, action: actionUpdate, say: sayGrant("renewed")},
	seatwright.EventGrantDeleted:        {category: categoryToken, action: actionDelete, say: sayGrant("deleted")},
	seatwright.EventGrantRevoked:        {category: categoryToken, action: actionDelete, say: sayGrant("revoked")},
	seatwright.EventLotCreated:          {category: categoryLicense, action: actionPurchase, say: sayLot("entered")},
	seatwright.EventLotChanged:          {category: categoryLicense, action: actionUpdate, say: sayLot("changed")},
	seatwright.EventLotRemoved:          {category: categoryLicense, action: actionDelete, say: sayLotRemoved},
	seatwright.EventLicenseImported:     {category: categoryLicense, action: actionPurchase, say: sayImported},
	seatwright.EventLicenseDeactivated:  {category: categoryLicense, action: actionUpdate, say: plain("deactivated the license file %s")},
	seatwright.EventPoolTotalChanged:    {category: categoryLicense, action: actionUpdate, say: sayTotals},
	seatwright.EventNoticeTold:          {category: categoryLicense, action: actionNotice, say: sayNotice},
	seatwright.EventNoticeEnded:         {category: categoryLicense, action: actionNotice, say: sayNoticeEnded},
	seatwright.EventDistributionSet:     {category: categoryLicense, action: actionAllocate, say: sayDistributionSet},
	seatwright.EventDistributionAligned: {category: categoryLicense, action: actionUpdate, say: sayDistributionAligned},
	seatwright.EventDistributionRemoved: {category: categoryLicense, action: actionDeallocate, say: sayDistributionRemoved},
	seatwright.EventServiceLicenseSet:   {category: categoryLicense, action: actionAllocate, say: sayServiceLicenseSet},
	seatwright.EventSigningKeyCreated:   {category: categorySigningKey, action: actionCreate, say: plain("created the signing key %s")},
	seatwright.EventGroupCreated:        {category: categoryGroup, action: actionCreate, say: sayGroup("created")},
	seatwright.EventGroupUpdated:        {category: categoryGroup, action: actionUpdate, say: sayGroup("changed")},
	seatwright.EventGroupDeleted:        {category: categoryGroup, action: actionDelete, say: plain("deleted the group %s with all its memberships")},
	seatwright.EventRobotCreated:        {category: categoryRobot, action: actionCreate, say: plain("created the robot account %s")},
	seatwright.EventRobotUpdated:        {category: categoryRobot, action: actionUpdate, say: plain("changed the robot account %s")},
	seatwright.EventRobotDeleted:        {category: categoryRobot, action: actionDelete, say: plain("deleted the robot account %s with all its memberships")},
	seatwright.EventSettingChanged:      {category: categorySetting, action: actionUpdate, say: saySettingChanged},
	seatwright.EventAllocationSet:       {category: categoryLicense, action: actionAllocate, person: true, say: sayAllocationSet},
	seatwright.EventAllocationRemoved:   {category: categoryLicense, action: actionDeallocate, person: true, say: sayAllocationRemoved},
	seatwright.EventDenialSatisfied:     {category: categoryLicense, action: actionUpdate, person: true, say: sayDenialSatisfied},
	seatwright.EventAllocationRefused:   {category: categoryLicense, action: actionRefuse, refused: true, say: sayAllocationRefused},

	seatwright.EventOrganizationUpdated: {category: categoryOrganization, action: actionUpdate, say: sayPolicies},
	seatwright.EventGroupRuleSet:        {category: categoryLicense, action: actionUpdate, say: sayRuleSet},
	seatwright.EventGroupRuleRemoved:    {category: categoryLicense, action: actionDelete, say: sayRuleRemoved},
	seatwright.EventLeaseAcquired:       {category: categoryLicense, action: actionAcquire, person: true, say: sayLease("leased %[2]s to %[1]s through the group %[3]s")},
	seatwright.EventLeaseReleased:       {category: categoryLicense, action: actionRelease, person: true, say: sayLease("ended the lease of %[2]s that %[1]s had through the group %[3]s")},
	seatwright.EventLeaseRevoked:        {category: categoryLicense, action: actionRevoke, person: true, say: sayLease("revoked the lease of %[2]s that %[1]s had through the group %[3]s")},
	seatwright.EventLeaseExpired:        {category: categoryLicense, action: actionExpire, person: true, say: sayLease("let the lease of %[2]s expire that %[1]s had through the group %[3]s")},
	seatwright.EventLeaseOrphaned:       {category: categoryLicense, action: actionUpdate, person: true, say: sayLease("left %[1]s the lease of %[2]s, though they are not in the group %[3]s any more")},

	seatwright.EventUserSignedIn:             {category: categoryUser, action: actionSignIn, person: true, signIn: true, say: saySignedIn},
	seatwright.EventUserSignInRefused:        {category: categoryUser, action: actionSignInFail, person: true, refused: true, signIn: true, say: saySignInRefused},
	seatwright.EventApplicationSignedIn:      {category: categoryApplication, action: actionSignIn, signIn: true, say: saySignedIn},
	seatwright.EventServiceLicenseRemoved:    {category: categoryLicense, action: actionDeallocate, say: sayServiceLicenseRemoved},
	seatwright.EventApplicationSignInRefused: {category: categoryApplication, action: actionSignInFail, refused: true, signIn: true, say: saySignInRefused},

	seatwright.EventUnitsAcquired:    {category: categoryLicense, action: actionAcquire, say: sayUnits("took")},
	seatwright.EventUnitsChanged:     {category: categoryLicense, action: actionUpdate, say: sayUnits("changed")},
	seatwright.EventUnitsReleased:    {category: categoryLicense, action: actionRelease, say: sayUnits("gave back")},
	seatwright.EventUnitsRevoked:     {category: categoryLicense, action: actionRevoke, say: sayUnits("revoked")},
	seatwright.EventUnitsExpired:     {category: categoryLicense, action: actionExpire, say: sayUnits("ended, because it was not renewed,")},
	seatwright.EventUnitsConsumed:    {category: categoryLicense, action: actionConsume, say: sayConsumed},
	seatwright.EventUnitsPeriodEnded: {category: categoryLicense, action: actionUpdate, say: sayPeriodEnded},
}

// kindOf returns the row of a kind. An event that a newer program has written is told by its words alone.
func kindOf(k seatwright.EventKind) kind {
	if row, known := kinds[k]; known {
		return row
	}
	return kind{category: categoryOther, action: string(k), say: plain("caused " + strings.ReplaceAll(string(k), "%", "%%") + " of %s")}
}

// plain says nothing but the subject.
func plain(format string) func(string, []byte) string {
	return func(subject string, _ []byte) string { return fmt.Sprintf(format, subject) }
}

// read returns the data of an event, or as much of it as can be read: that something happened is told in any case.
func read[D any](data []byte) (d D) {
	_ = json.Unmarshal(data, &d)
	return d
}

func sayUserCreated(subject string, data []byte) string {
	user := read[struct {
		Role   seatwright.Role `json:"role"`
		Active bool            `json:"active"`
	}](data)
	text := "created the user " + subject
	if user.Role != "" {
		text += " as " + string(user.Role)
	}
	return text
}

func saySettingChanged(subject string, data []byte) string {
	change := read[seatwright.SettingChange](data)
	text := "changed the setting " + subject
	if change.Removed {
		text = "removed the setting " + subject
	}
	if change.User != "" {
		text += " of the user " + string(change.User)
	}
	return text
}

// sayUserUpdated names what changed, and of a changed state what it is since.
func sayUserUpdated(subject string, data []byte) string {
	updated := read[seatwright.UserUpdated](data)
	text := "changed the user " + subject
	if len(updated.Changed) > 0 {
		text += ": " + list(updated.Changed)
	}
	if slices.Contains(updated.Changed, "active") {
		text += map[bool]string{true: "; they are active", false: "; they are not active any more and hold nothing"}[updated.Active]
	}
	return text
}

func sayApplicationCreated(subject string, data []byte) string {
	application := read[struct {
		Scopes []string `json:"scopes"`
	}](data)
	if len(application.Scopes) == 0 {
		return "registered the external application " + subject + " without a scope"
	}
	return "registered the external application " + subject + " for " + list(application.Scopes)
}

// sayGrant names the kind of a token, whose it is and what it may do.
func sayGrant(done string) func(string, []byte) string {
	return func(subject string, data []byte) string {
		grant := read[seatwright.GrantState](data)
		text := done + " the token " + subject
		switch grant.Kind {
		case seatwright.GrantPersonal:
			text = done + " the personal token " + subject
		case seatwright.GrantAuthorization:
			text = done + " the tokens of the sign-in " + subject
		}
		if grant.User != "" {
			text += " of the user " + string(grant.User)
		}
		if grant.Application != "" {
			text += " for the application " + string(grant.Application)
		}
		if len(grant.Scopes) > 0 {
			words := make([]string, len(grant.Scopes))
			for i, scope := range grant.Scopes {
				words[i] = string(scope)
			}
			text += " with " + list(words)
		}
		if grant.Reused {
			text += ": a code or refresh token was shown a second time"
		}
		return text
	}
}

func sayGroup(done string) func(string, []byte) string {
	return func(subject string, data []byte) string {
		change := read[seatwright.GroupChange](data)
		text := done + " the group " + subject
		if change.Renamed {
			text += ", which has another name now"
		}
		if len(change.Added) > 0 {
			text += "; added " + members(change.Added)
		}
		if len(change.Removed) > 0 {
			text += "; removed " + members(change.Removed)
		}
		return text
	}
}

// members names some of the members of a group by their ids and counts the rest; the details of the record have all.
func members(all []seatwright.Member) string {
	const named = 10
	var ids []string
	for _, m := range all[:min(named, len(all))] {
		what := "user "
		if m.Kind == seatwright.MemberRobot {
			what = "robot account "
		}
		ids = append(ids, what+m.ID)
	}
	if len(all) > named {
		ids = append(ids, fmt.Sprintf("%d more", len(all)-named))
	}
	return list(ids)
}

func sayLot(done string) func(string, []byte) string {
	return func(subject string, data []byte) string {
		lot := read[seatwright.LotCreated](data)
		text := fmt.Sprintf("%s the purchase %s of %s of %s", done, subject, units(lot.Quantity), lot.Code)
		if !lot.End.IsZero() {
			text += fmt.Sprintf(", %s to %s", lot.Start.UTC().Format("2006-01-02"), lot.End.UTC().Format("2006-01-02"))
		}
		return text + poolsNow([]seatwright.PoolState{lot.Pool})
	}
}

func sayLotRemoved(subject string, data []byte) string {
	lot := read[seatwright.LotRemoved](data)
	return fmt.Sprintf("removed the purchase %s of %s", subject, lot.Code) + poolsNow([]seatwright.PoolState{lot.Pool})
}

func sayImported(subject string, data []byte) string {
	file := read[seatwright.LicenseImported](data)
	return fmt.Sprintf("imported the license file %s, %s signed by %s", subject, purchases(file.Lots), file.Issuer)
}

func purchases(n int64) string {
	if n == 1 {
		return "1 purchase"
	}
	return fmt.Sprintf("%d purchases", n)
}

func sayTotals(_ string, data []byte) string {
	changed := read[seatwright.PoolsChanged](data)
	codes := make([]seatwright.ProductCode, len(changed.Pools))
	for i, pool := range changed.Pools {
		codes[i] = pool.Code
	}
	return "counted " + list(codes) + " again, because a purchase has begun or ended" + poolsNow(changed.Pools)
}

func sayNotice(subject string, data []byte) string {
	told := read[seatwright.NoticeTold](data)
	if told.Kind == seatwright.NoticePoolUsed {
		return fmt.Sprintf("gave notice that %d %% of %s or more are used", told.Threshold, subject) +
			poolsNow([]seatwright.PoolState{{Code: told.Code, Used: told.Used, Total: told.Total}})
	}
	days := fmt.Sprintf("%d days", told.Threshold)
	if told.Threshold == 1 {
		days = "1 day"
	}
	return fmt.Sprintf("gave notice that the purchase %s of %s ends in %s or less, on %s", subject, told.Code, days, told.EndsAt.UTC().Format("2006-01-02"))
}

func sayNoticeEnded(subject string, data []byte) string {
	if ended := read[seatwright.NoticeEnded](data); ended.Kind == seatwright.NoticeLotEnds {
		return fmt.Sprintf("withdrew the notice about the purchase %s of %s", subject, ended.Code)
	}
	return "withdrew the notice about the use of " + subject
}

// sayDistributionSet tells all that an organization has from the host.
func sayDistributionSet(subject string, data []byte) string {
	set := read[seatwright.DistributionSet](data)
	products := make([]string, len(set.Products))
	for i, p := range set.Products {
		products[i] = units(p.Quantity) + " of " + string(p.Code)
	}
	return "distributed " + list(products) + " to the organization " + subject + poolsNow(set.Pools)
}

func sayDistributionRemoved(subject string, data []byte) string {
	return "took back all that was distributed to the organization " + subject + poolsNow(read[seatwright.DistributionSet](data).Pools)
}

func sayDistributionAligned(subject string, data []byte) string {
	set := read[seatwright.DistributionSet](data)
	text := "made what is distributed to the organization " + subject + " last as long as the license of the host"
	if len(set.Products) > 0 && !set.Products[0].End.IsZero() {
		text += ", until " + set.Products[0].End.UTC().Format(time.RFC3339)
	}
	return text + poolsNow(set.Pools)
}

// sayServiceLicenseSet tells all that a tenant's service has.
func sayServiceLicenseSet(subject string, data []byte) string {
	set := read[seatwright.ServiceLicenseSet](data)
	products := make([]string, len(set.Products))
	for i, p := range set.Products {
		products[i] = units(p.Units) + " of " + string(p.Code)
	}
	return "gave " + list(products) + " to the service " + subject + poolsNow(set.Pools)
}

func sayServiceLicenseRemoved(subject string, data []byte) string {
	return "took back all that the service " + subject + " had" + poolsNow(read[seatwright.ServiceLicenseSet](data).Pools)
}

// sayUnits tells what was done with a lease of units, and what the service uses then.
func sayUnits(verb string) func(subject string, data []byte) string {
	return func(subject string, data []byte) string {
		u := read[seatwright.UnitsState](data)
		text := verb + " the lease " + subject + " of " + string(u.Code) + " for the service " + serviceOf(u)
		if u.Quantity > 0 {
			text += ", which holds " + parts(u.Quantity)
		}
		return text + "; the service uses " + parts(u.Used) + " now" + poolsNow(u.Pools)
	}
}

func sayConsumed(subject string, data []byte) string {
	u := read[seatwright.UnitsState](data)
	return "recorded that the service " + serviceOf(u) + " consumed " + parts(u.Quantity) + " of " + string(u.Code) + " as " + subject + ", " + parts(u.Used) +
		" since " + u.Start.UTC().Format(time.DateOnly) + poolsNow(u.Pools)
}

func sayPeriodEnded(_ string, data []byte) string {
	u := read[seatwright.UnitsState](data)
	text := "began to count anew what the service " + serviceOf(u) + " consumes of " + string(u.Code) + ", because the purchase has ended"
	if u.Used > 0 {
		text += ", from the " + parts(u.Used) + " that were consumed of other purchases"
	}
	return text + poolsNow(u.Pools)
}

func serviceOf(u seatwright.UnitsState) string { return string(u.Tenant) + "/" + string(u.Service) }

// parts tells millionths as units.
func parts(n int64) string {
	if n == seatwright.UnitParts {
		return "1 unit"
	}
	return strconv.FormatFloat(seatwright.Units(n), 'f', -1, 64) + " units"
}

func sayAllocationSet(subject string, data []byte) string {
	set := read[seatwright.AllocationSet](data)
	text := "allocated " + list(set.Codes) + " to " + subject
	switch {
	case len(set.Codes) == 0:
		text = "blocked " + subject + ": no licenses, whatever their groups have"
	case set.External && set.Units == 0:
		text += " under an external license, which draws no unit"
	case set.External:
		text += ", who has an external license"
	}
	return text + poolsNow(set.Pools)
}

func sayAllocationRemoved(subject string, data []byte) string {
	return "removed the license allocation of " + subject + poolsNow(read[seatwright.AllocationSet](data).Pools)
}

func sayAllocationRefused(_ string, data []byte) string {
	refused := read[seatwright.AllocationRefused](data)
	if refused.Users == 0 && refused.To == "" {
		return fmt.Sprintf("was refused %s for want of units %s more", codes(refused.Shortages), times(refused.Suppressed))
	}
	var parts []string
	for _, short := range refused.Shortages {
		parts = append(parts, fmt.Sprintf("%s %d requested, %d available", short.Bundle, short.Requested, short.Available))
	}
	for _, d := range refused.Denials {
		if !slices.ContainsFunc(refused.Shortages, func(s seatwright.Shortage) bool { return s.Bundle == d.Code }) {
			parts = append(parts, fmt.Sprintf("%s %s", d.Code, sayDenialReason(d)))
		}
	}
	to := refused.To
	if to == "" {
		to = people(refused.Users)
	}
	text := fmt.Sprintf("was refused an allocation to %s for want of units: %s", to, strings.Join(parts, "; "))
	if refused.Suppressed > 0 {
		text += fmt.Sprintf(" (and %s more since the last record)", times(refused.Suppressed))
	}
	return text
}

// sayDenialReason tells why a lease was refused that is no matter of a pool, or that something else was given for.
func sayDenialReason(d seatwright.DenialTold) string {
	switch d.Reason {
	case seatwright.DeniedQuota:
		return fmt.Sprintf("quota of the group %s reached, %d available", d.Group, d.Available)
	case seatwright.DeniedInUse:
		return "in use by another member of the group " + string(d.Group)
	case seatwright.DeniedNotInForce:
		return "not in force"
	case seatwright.DeniedExhausted, seatwright.DeniedOverallocated:
	}
	return fmt.Sprintf("%d requested, %d available", d.Requested, d.Available)
}

func sayDenialSatisfied(subject string, data []byte) string {
	satisfied := read[seatwright.DenialSatisfied](data)
	return "ended the denials of " + list(satisfied.Codes) + " to " + subject + ", who has that now"
}

func sayPolicies(_ string, data []byte) string {
	policies := seatwright.DefaultPolicies() // an event of an earlier release tells fewer
	_ = json.Unmarshal(data, &policies)
	return "changed the policies of the organization: " + policies.String()
}

func sayRuleSet(subject string, data []byte) string {
	set := read[seatwright.GroupRuleSet](data)
	var offers []string
	for _, offer := range set.Offers {
		text := string(offer.Code)
		if offer.Quota > 0 {
			text += fmt.Sprintf(" (at most %d)", offer.Quota)
		}
		offers = append(offers, text)
	}
	return "set the rule of the group " + subject + ": its members may lease " + list(offers) + endedWith(set.Ended) + poolsNow(set.Pools)
}

func sayRuleRemoved(subject string, data []byte) string {
	removed := read[seatwright.GroupRuleRemoved](data)
	return "removed the rule of the group " + subject + endedWith(removed.Ended) + poolsNow(removed.Pools)
}

// endedWith counts the leases that ended with what a rule does not offer any more.
func endedWith(ended []seatwright.OfferEnd) string {
	var parts []string
	for _, end := range ended {
		parts = append(parts, fmt.Sprintf("%d of %s", end.Leases, end.Code))
	}
	if len(parts) == 0 {
		return ""
	}
	return "; leases that ended: " + list(parts)
}

// sayLease tells of one lease; the format takes who, what and through which group.
func sayLease(format string) func(string, []byte) string {
	return func(subject string, data []byte) string {
		lease := read[seatwright.LeaseState](data)
		text := fmt.Sprintf(format, subject, lease.Code, lease.Group)
		switch lease.Reason {
		case seatwright.LeaseReplaced:
			text += ": they took a stronger bundle"
		case seatwright.LeaseOverridden:
			text += ": a direct allocation stands in its place"
		case seatwright.LeaseLeft:
			text += ": they left the group"
		case seatwright.LeaseUnused:
			text += ": it was not used for long"
		case seatwright.LeaseReapplied:
			text += ": the rule was set again, and they are not in the group"
		case seatwright.LeaseInactive:
			text += ": they were made inactive"
		case seatwright.LeaseDeleted:
			text += ": they were deleted"
		case seatwright.LeaseReleased:
			text += ": they gave it back"
		case seatwright.LeaseRevoked: // said
		}
		return text + poolsNow(lease.Pools)
	}
}

// saySignedIn has no subject: it is the actor.
func saySignedIn(_ string, data []byte) string {
	signIn := read[seatwright.SignIn](data)
	text := "signed in" + origin(signIn)
	if signIn.Application != "" {
		text += " through the application " + string(signIn.Application)
	}
	return text
}

func saySignInRefused(subject string, data []byte) string {
	signIn := read[seatwright.SignIn](data)
	text := "was refused a sign-in as " + subject + origin(signIn)
	switch signIn.Result {
	case seatwright.SignInWrongPassword:
		text += ": wrong password or secret"
	case seatwright.SignInUserIsNotActive:
		text += ": the user is not active"
	case seatwright.SignInSucceeded: // never with this kind
	}
	if signIn.LockedUntil != nil {
		text += ", and the account is locked until " + signIn.LockedUntil.UTC().Format(time.RFC3339)
	}
	if signIn.Suppressed > 0 {
		text += fmt.Sprintf(" (and %s more since the last record)", times(signIn.Suppressed))
	}
	return text
}

func origin(signIn seatwright.SignIn) string {
	if signIn.Address == "" {
		return ""
	}
	return " from " + signIn.Address
}

// codes lists the bundles that were short; an empty one stands for codes that do not exist.
func codes(shortages []seatwright.Shortage) string {
	var names []string
	for _, short := range shortages {
		if short.Bundle == "" {
			names = append(names, "codes that do not exist")
			continue
		}
		names = append(names, string(short.Bundle))
	}
	return list(names)
}

// poolsNow tells the pools that a change has touched, as they were after it.
func poolsNow(pools []seatwright.PoolState) string {
	var parts []string
	for _, p := range pools {
		if p.Code != "" {
			parts = append(parts, fmt.Sprintf("%s %d of %d", p.Code, p.Used, p.Total))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (in use now: " + strings.Join(parts, ", ") + ")"
}

// list writes "a", "a and b", "a, b and c"; "nothing" for no word.
func list[S ~string](words []S) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	switch n := len(texts); n {
	case 0:
		return "nothing"
	case 1:
		return texts[0]
	default:
		return strings.Join(texts[:n-1], ", ") + " and " + texts[n-1]
	}
}

func units(n int64) string {
	if n == 1 {
		return "1 unit"
	}
	return fmt.Sprintf("%d units", n)
}

func people(n int) string {
	if n == 1 {
		return "1 user"
	}
	return fmt.Sprintf("%d users", n)
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
