package seatwright

// ChangePolicies changes what is listed of an organization's policies and leaves the rest. Leases that were begun under another
// policy go on. Errors: not_found/organization_not_found; invalid/invalid_value as [Policies.Check].
type ChangePolicies struct {
	Organization     OrganizationID
	UnknownUsers     *UnknownUsers // nil: stays
	ExternalLicenses *bool
	AllocationMode   *AllocationMode
	OnLeave          *OnLeave
	InactiveDays     *int64
	OnShrink         *OnShrink  `json:",omitempty"`
	UnitLeaseMinutes *int64     `json:",omitempty"`
	Overdraft        *Overdraft `json:",omitempty"`
	UserLicensing    *bool
}

func (c ChangePolicies) Operation() string { return "organization.change_policies" }

func (c ChangePolicies) Touches() []Touch { return []Touch{{Organization: c.Organization}} }

func (c ChangePolicies) Weight() int { return 1 }

// Decide answers the organization as it is now. A change of nothing writes nothing.
func (c ChangePolicies) Decide(s *Slice, origin Origin) (Organization, error) {
	o, err := s.organization(c.Organization)
	if err != nil {
		return Organization{}, err
	}
	changed := o.organization
	set(&changed.UnknownUsers, c.UnknownUsers)
	set(&changed.ExternalLicenses, c.ExternalLicenses)
	set(&changed.AllocationMode, c.AllocationMode)
	set(&changed.OnLeave, c.OnLeave)
	set(&changed.InactiveDays, c.InactiveDays)
	set(&changed.OnShrink, c.OnShrink)
	set(&changed.UnitLeaseMinutes, c.UnitLeaseMinutes)
	set(&changed.Overdraft, c.Overdraft)
	set(&changed.UserLicensing, c.UserLicensing)
	if err := changed.Check(); err != nil {
		return Organization{}, err
	}
	if changed == o.organization {
		return changed, nil
	}
	o.organization, o.changed = changed, true
	return changed, s.record(o, origin, EventOrganizationUpdated, string(c.Organization), changed.Policies)
}
