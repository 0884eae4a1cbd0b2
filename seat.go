package seatwright

import "time"

// Seat is one bundle that a user holds now. There is at most one per organization, user and code; it has one or two sources, which
// draw one unit together, and ends with the last of them.
type Seat struct {
	Organization OrganizationID
	User         UserID
	Code         ProductCode
	Units        int64 // drawn from the pool: 1, or 0 where an external license stands behind the seat
	Direct       bool  // held because of the user's direct record
	Lease        Lease // held through a group rule; zero: not so
	CreatedAt    time.Time
}

// External reports that an external license stands behind the seat: it draws no unit, and shares none.
func (s Seat) External() bool { return s.Units == 0 && s.Lease.Unit == 0 }

// DirectRecord is an administrator's decision about one user. Three states: no record (the user inherits from groups), a
// record with codes (only those), a record without codes (blocked). The codes are the user's seats with Direct set.
type DirectRecord struct {
	Organization OrganizationID
	User         UserID
	External     bool // asked for with useExternalLicense
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Allocation is the direct allocation of one user as an answer: the record together with its codes.
type Allocation struct {
	User     UserID        `json:"user"`
	Codes    []ProductCode `json:"codes"`
	External bool          `json:"external"`
}

// HeldCodes is what one person holds, from whatever source.
type HeldCodes struct {
	User  UserID
	Codes []ProductCode // in order
}

// AddHeld adds a row to a list of what people hold, whose rows of one person follow each other; an empty code adds the person alone.
func AddHeld(list []HeldCodes, user UserID, code ProductCode) []HeldCodes {
	if n := len(list); n == 0 || list[n-1].User != user {
		list = append(list, HeldCodes{User: user})
	}
	if last := &list[len(list)-1]; code != "" {
		last.Codes = append(last.Codes, code)
	}
	return list
}
