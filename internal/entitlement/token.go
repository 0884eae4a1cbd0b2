package entitlement

import (
	"context"
	"time"

	"github.com/seatwright/seatwright"
)

// TokenLife is how long a token is good at most.
const TokenLife = time.Hour

// claims are what a token says, in the names of RFC 7519 and of access tokens.
type claims struct {
	ID           string                       `json:"jti"`
	Subject      seatwright.UserID            `json:"sub"`
	Organization seatwright.OrganizationID    `json:"prt_id"`
	IssuedAt     int64                        `json:"iat"` // seconds since 1970, as the next two
	NotBefore    int64                        `json:"nbf"`
	Expires      int64                        `json:"exp"`
	Bundles      []seatwright.ProductCode     `json:"bundles"`      // what the person holds and may use, in order
	Entitlements []seatwright.EntitlementName `json:"entitlements"` // what these give, in order
}

// Token signs what a person is entitled to, so that a product can go on when the server does not answer. It is good for TokenLife, and no
// longer than what it says holds by itself; what is taken back meanwhile is not taken out of it. A person who is entitled to nothing
// gets one that says so. It asks the database. Errors: those of Report.
func (e *Entitlements) Token(
	ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, user seatwright.UserID,
) (token string, expires time.Time, err error) {
	report, err := e.Report(ctx, caller, organization, user)
	if err != nil {
		return "", expires, err
	}
	expires = report.At.Add(TokenLife)
	if report.Until.Before(expires) {
		expires = report.Until
	}
	expires = expires.Truncate(time.Second)
	c := claims{
		ID: seatwright.NewID(), Subject: user, Organization: organization, IssuedAt: report.At.Unix(), NotBefore: report.At.Unix(), Expires: expires.Unix(),
		Bundles: []seatwright.ProductCode{}, Entitlements: report.Entitled,
	}
	for _, held := range report.Holdings {
		if held.Usable {
			c.Bundles = append(c.Bundles, held.Code)
		}
	}
	token, err = e.signer.SignEntitlements(c)
	return token, expires, err
}
