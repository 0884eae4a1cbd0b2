package licensing

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/seatwright/seatwright"
)

// UsageQuestion asks what was used of one product.
type UsageQuestion struct {
	ServiceName // without a tenant: all services
	Product     string
	From, Until time.Time // both zero: now
}

// UsageAnswer is what was used, in millionths.
type UsageAnswer struct {
	Used           int64     // now; of a time: of a consumable what was recorded on its days, else the most at a time on any of them
	From, Until    time.Time // of the time that was asked for, or of the period of a consumable; zero: none
	AtOrganization int64     // of what is used now: beyond what the services were given
	WithoutLicense int64     // of what is used now: by services of the organization that were given nothing, such as where that was taken back
}

// Usage answers questions, in their order. Errors: forbidden/missing_permission, invalid/too_many, and those of names that cannot be, with
// the place of the question; a time has a beginning and a later end, at most a year apart. What was used over time is read once for all of them.
func (l *Licensing) Usage(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, questions []UsageQuestion,
) ([]UsageAnswer, error) {
	uses, err := l.UnitUses(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	if len(questions) > seatwright.MaxCodesPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d questions in one call, not %d", seatwright.MaxCodesPerCall, len(questions))
	}
	about := make([]seatwright.ServiceKey, len(questions))
	var from, until time.Time // of all questions about a time
	for i, q := range questions {
		if about[i], err = q.about(); err != nil {
			e := seatwright.AsError(err)
			return nil, e.In(fmt.Sprintf("[%d].%s", i, cmp.Or(e.Field, "serviceScopeId")))
		}
		if q.now() {
			continue
		}
		if from.IsZero() || q.From.Before(from) {
			from = q.From
		}
		if q.Until.After(until) {
			until = q.Until
		}
	}
	var days []seatwright.UsageDay
	if !from.IsZero() {
		if days, err = l.reader.UsageDays(ctx, organization, seatwright.DayOf(from), lastDay(until)); err != nil {
			return nil, err
		}
	}
	byService := slices.Collect(services(days))
	answers := make([]UsageAnswer, len(questions))
	for i, q := range questions {
		if answers[i] = usedNow(uses, about[i]); !q.now() {
			answers[i].From, answers[i].Until = q.From, q.Until
			answers[i].Used = l.usedIn(byService, about[i], seatwright.DayOf(q.From), lastDay(q.Until))
		}
	}
	return answers, nil
}

// now says that the question is about no time.
func (q UsageQuestion) now() bool { return q.From.IsZero() && q.Until.IsZero() }

// lastDay is the last day of a time that ends at an instant.
func lastDay(until time.Time) int64 { return seatwright.DayOf(until.Add(-time.Microsecond)) }

// about reads the names of the question: what is empty in the key is any.
func (q UsageQuestion) about() (key seatwright.ServiceKey, err error) {
	if q.Product == "" {
		return key, seatwright.Invalid(seatwright.ReasonInvalidValue, "the product is missing").In("productCode")
	}
	key.Code = seatwright.ProductCode(q.Product)
	switch {
	case q.Tenant != "":
		key, err = q.key(q.Product)
	case q.Service != "": // of all tenants
		key.Service, err = seatwright.ParseServiceType(q.Service)
	}
	if err == nil && !q.now() && (!q.From.Before(q.Until) || q.Until.Sub(q.From) > maxTimeline*24*time.Hour) {
		err = seatwright.Invalid(seatwright.ReasonInvalidValue, "a time has a start and a later end, at most %d days apart", maxTimeline).In("startDate")
	}
	return key, err
}

// isAbout says that a question is about a service's use of a product.
func isAbout(asked, of seatwright.ServiceKey) bool {
	return of.Code == asked.Code && (asked.Tenant == "" || of.Tenant == asked.Tenant) && (asked.Service == "" || of.Service == asked.Service)
}

func usedNow(uses UnitUses, asked seatwright.ServiceKey) (answer UsageAnswer) {
	for _, u := range uses.All {
		if u.Code == asked.Code && u.Quantity == 0 {
			answer.WithoutLicense += u.Used
		}
		if isAbout(asked, u.ServiceKey) {
			answer.Used += u.Used
			answer.AtOrganization += u.AtOrganization()
			answer.From, answer.Until = u.PeriodStart, u.PeriodEnd
		}
	}
	return answer
}

// usedIn is what the days of one year at most tell of a product: of a consumable what was recorded, of others the sum of the most that each
// service used at a time.
func (l *Licensing) usedIn(byService [][]seatwright.UsageDay, asked seatwright.ServiceKey, from, to int64) (used int64) {
	product, _ := l.catalogue.Product(asked.Code)
	consumable, begun := product.Kind == seatwright.KindConsumable, from <= seatwright.DayOf(l.now())
	for _, of := range byService {
		if !isAbout(asked, of[0].ServiceKey) {
			continue
		}
		most := int64(0)
		for _, d := range of {
			switch {
			case d.Day > to:
			case d.Day < from:
				most = d.Last // goes on until the next change
			case consumable:
				used += d.Consumed
			default:
				most = max(most, d.Peak)
			}
		}
		if !consumable && begun {
			used += most
		}
	}
	return used
}

// services cuts days, which are in the order of services and products, into those of each.
func services(days []seatwright.UsageDay) iter.Seq[[]seatwright.UsageDay] {
	return func(yield func([]seatwright.UsageDay) bool) {
		for begin, i := 0, 1; i <= len(days); i++ {
			if i < len(days) && days[i].ServiceKey == days[begin].ServiceKey {
				continue
			}
			if !yield(days[begin:i]) {
				return
			}
			begin = i
		}
	}
}

// maxTimeline is how many days one timeline has at most.
const maxTimeline = 366

// timelines tells what each service used on each of the days from one to another, in millionths.
func (l *Licensing) timelines(
	ctx context.Context, organization seatwright.OrganizationID, from, to int64,
) (map[seatwright.ServiceKey][]int64, error) {
	days, err := l.reader.UsageDays(ctx, organization, from, to)
	lines := map[seatwright.ServiceKey][]int64{}
	today := seatwright.DayOf(l.now())
	for of := range services(days) {
		key := of[0].ServiceKey
		product, _ := l.catalogue.Product(key.Code)
		consumable := product.Kind == seatwright.KindConsumable
		line, level, next := make([]int64, to-from+1), int64(0), from // what was used since the last change, until next
		for _, d := range of {
			for ; next < d.Day && !consumable; next++ {
				line[next-from] = level
			}
			if level = d.Last; d.Day < from {
				continue
			}
			if line[d.Day-from] = d.Peak; consumable {
				line[d.Day-from] = d.Consumed
			}
			next = d.Day + 1
		}
		for ; next <= min(to, today) && !consumable; next++ {
			line[next-from] = level
		}
		lines[key] = line
	}
	return lines, err
}

// TimelineOf is what was used of a product by the services of a tenant, or of the organization where it is empty, day by day.
type TimelineOf struct {
	Tenant seatwright.TenantID
	Code   seatwright.ProductCode
	Days   []DayUsed
}

// DayUsed is what was used on a day, in millionths: of a consumable what was recorded, of others the sum of the most that each
// service used at a time.
type DayUsed struct {
	Day  time.Time // its beginning, UTC
	Used int64
}

// Timelines tells what was used on the last days, today among them: by the services of each of some tenants, or of the whole
// organization where there are none. Errors: forbidden/missing_permission; invalid/invalid_value for a number of days below 1 or above
// 366; not_found/not_found for a tenant.
func (l *Licensing) Timelines(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenants []string, days int64,
) ([]TimelineOf, error) {
	if err := caller.Principal.Check(seatwright.PermissionReadLicenses); err != nil {
		return nil, err
	}
	if days < 1 || days > maxTimeline {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "a time period is 1 to %d days", maxTimeline).In("timePeriod")
	}
	wanted, err := l.tenants(ctx, organization, tenants)
	if err != nil {
		return nil, err
	}
	to := seatwright.DayOf(l.now())
	from := to - days + 1
	lines, err := l.timelines(ctx, organization, from, to)
	if err != nil {
		return nil, err
	}
	type name struct {
		tenant seatwright.TenantID
		code   seatwright.ProductCode
	}
	sums := map[name][]int64{}
	for key, line := range lines {
		at := name{"", key.Code}
		if len(tenants) > 0 {
			if at.tenant = key.Tenant; !slices.Contains(wanted, key.Tenant) {
				continue
			}
		}
		if sums[at] == nil {
			sums[at] = make([]int64, days)
		}
		for i, used := range line {
			sums[at][i] += used
		}
	}
	var answer []TimelineOf
	for _, at := range slices.SortedFunc(maps.Keys(sums), func(a, b name) int { return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.code, b.code)) }) {
		of := TimelineOf{Tenant: at.tenant, Code: at.code}
		for i, used := range sums[at] {
			of.Days = append(of.Days, DayUsed{time.Unix((from+int64(i))*86400, 0).UTC(), used})
		}
		answer = append(answer, of)
	}
	return answer, nil
}

// tenants finds tenants by their ids.
func (l *Licensing) tenants(ctx context.Context, organization seatwright.OrganizationID, raw []string) (ids []seatwright.TenantID, err error) {
	if len(raw) > seatwright.MaxCodesPerCall {
		return nil, seatwright.Invalid(seatwright.ReasonTooMany, "at most %d tenants in one call, not %d", seatwright.MaxCodesPerCall, len(raw)).In("clientIds")
	}
	for _, text := range raw {
		id, err := l.tenant(ctx, organization, text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// UnitsInUse lists what the services of each of some tenants use now, by product. Errors: as for Timelines.
func (l *Licensing) UnitsInUse(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, tenants []string,
) ([]UnitUse, error) {
	uses, err := l.UnitUses(ctx, caller, organization)
	if err != nil {
		return nil, err
	}
	wanted, err := l.tenants(ctx, organization, tenants)
	var all []UnitUse
	for _, u := range uses.All {
		if len(tenants) > 0 && !slices.Contains(wanted, u.Tenant) {
			continue
		}
		i := slices.IndexFunc(all, func(sum UnitUse) bool { return sum.Tenant == u.Tenant && sum.Code == u.Code })
		if i < 0 {
			u.Service = ""
			all = append(all, u)
			continue
		}
		all[i].Used, all[i].Drawn = all[i].Used+u.Used, all[i].Drawn+u.Drawn
	}
	return all, err
}
