package app

import (
	"fmt"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/internal/licensing"
)

// What the demonstration has of groups that lease, of purchases and of tenants.
const (
	demoLeaseCode   = "ACNU" // what the members of the group lease
	demoQuota       = 5
	demoGraceCode   = "PMD"   // a purchase that is in its grace
	demoOverCode    = "AXPNU" // a pool that shrank below what is held
	demoRuntime     = "UNATT" // what the host distributes, and a tenant has
	demoHostUnits   = 30
	demoGiven       = 12 // to acme
	demoTenantUnits = 4  // of these, to its tenant
	demoService     = "orchestrator"
)

// demoMembers lease through the group, the first one with a password.
func demoMembers() []string { return []string{"dancer-1", "dancer-2", "dancer-3"} }

// demoTesters hold what there is not enough of any more.
func demoTesters() []seatwright.UserID {
	return []seatwright.UserID{"tester-1", "tester-2", "tester-3"}
}

// completeLicenses makes what licenses go through, once: whoever tries the demonstration changes it then. It also finds the tenant.
func (s *seed) completeLicenses(demo *Demo, dir string) {
	if s.err == nil && !demo.Licenses {
		s.licenses(*demo)
		if demo.Licenses = s.err == nil; demo.Licenses {
			s.note(demo.save(dir))
		}
	}
	demo.tenant = s.tenantID(demo.Acme.Organization)
}

// licenses shows what licenses go through: a rule whose members lease, a purchase in its grace, a pool that shrank below what is held, somebody who
// was refused, and runtimes that come from the host and are given to a tenant.
func (s *seed) licenses(demo Demo) {
	acme, now := demo.Acme.Organization, time.Now()
	for i, id := range demoMembers() {
		n := directory.NewUser{ID: id, UserName: id}
		if i == 0 {
			n.Password = demo.MemberPassword
		}
		s.user(acme, n)
	}
	in := seatwright.Organization{ID: acme}
	_, err := s.Groups.UpdateGroup(s.ctx, s.caller, in, demoGroup, directory.GroupPatch{Add: demoMembers()})
	s.note(err)
	s.lot(acme, demoLeaseCode, demoUnits)
	_, err = s.Licensing.SetGroupRule(s.ctx, s.caller, seatwright.SetGroupRule{
		Organization: acme, Group: demoGroup, Codes: []seatwright.ProductCode{demoLeaseCode}, Quotas: []seatwright.Quota{{Code: demoLeaseCode, Limit: demoQuota}},
	})
	s.note(err)
	for _, id := range demoMembers()[:2] {
		s.note(s.Licensing.SignedIn(s.ctx, s.caller.Origin(), acme, seatwright.UserID(id)))
	}

	_, err = s.Licensing.CreateLot(s.ctx, s.caller, seatwright.Lot{
		Organization: acme, ID: "demo-" + demoGraceCode, Code: demoGraceCode, Quantity: demoUnits, Start: now.AddDate(-1, 0, 0), End: now.AddDate(0, 0, -1),
		Grace: 30 * 24 * time.Hour, Order: "demo",
	})
	s.note(err)

	enough, few := int64(len(demoTesters())), int64(len(demoTesters())-1)
	s.lot(acme, demoOverCode, enough)
	for _, id := range demoTesters() {
		s.user(acme, directory.NewUser{ID: string(id), UserName: string(id)})
	}
	s.allocate(acme, demoTesters(), demoOverCode)
	_, err = s.Licensing.ChangeLot(s.ctx, s.caller, seatwright.ChangeLot{Organization: acme, ID: "demo-" + demoOverCode, Quantity: &few})
	s.note(err)
	s.refused(acme, seatwright.UserID(demoMembers()[2]), demoFullCode)

	s.lot(seatwright.HostID, demoRuntime, demoHostUnits)
	_, err = s.Licensing.Distribute(s.ctx, s.caller, acme, []seatwright.Quantity{{Code: demoRuntime, Units: demoGiven}})
	s.note(err)
	at := licensing.ServiceName{Tenant: string(s.tenantID(acme)), Service: demoService}
	_, err = s.Licensing.AllocateToService(s.ctx, s.caller, acme, at, []seatwright.Quantity{{Code: demoRuntime, Units: demoTenantUnits}})
	s.note(err)
}

// refused shows somebody for whom there is nothing left.
func (s *seed) refused(organization seatwright.OrganizationID, user seatwright.UserID, code seatwright.ProductCode) {
	if s.err != nil {
		return
	}
	_, err := s.Licensing.Allocate(s.ctx, s.caller, organization, []seatwright.UserID{user}, []seatwright.ProductCode{code}, false)
	if !seatwright.IsReason(err, seatwright.ReasonPoolExhausted) {
		s.note(fmt.Errorf("an allocation of %s, of which there is none left: %w", code, err))
	}
}

// tenantID finds the tenant of the demonstration.
func (s *seed) tenantID(organization seatwright.OrganizationID) seatwright.TenantID {
	tenants, err := s.store.TenantsByName(s.ctx, seatwright.NameKey(demoTenant))
	s.note(err)
	for _, t := range tenants {
		if t.Organization == organization {
			return t.ID
		}
	}
	return ""
}
