package lease

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/licensing"
)

// licenseTokenLife is how long a license token is good, where what it tells does not end before.
const licenseTokenLife = time.Hour

// planOfTokens is the value of the claim "plan". There is only one plan here.
const planOfTokens = "Enterprise"

// licenseToken tells a product what a person may use: a JWT without a signature (RFC 7519, section 6), so it proves nothing, and whoever needs
// a proof asks the server. It is nil where the person holds nothing, or an external license. Its end is rounded down to a second.
func licenseToken(organization seatwright.OrganizationID, l licensing.UserLicense) *string {
	if l.External || len(l.Codes) == 0 {
		return nil
	}
	end := l.At.Add(licenseTokenLife)
	if l.Until.Before(end) {
		end = l.Until
	}
	claims, err := json.Marshal(struct {
		Units   []string `json:"lu"`
		Codes   []string `json:"ubl"`
		Subject string   `json:"sub"`
		Account string   `json:"prt_id"`
		From    int64    `json:"nbf"`
		End     int64    `json:"exp"`
		Plan    string   `json:"plan"`
	}{api.Texts(l.Units), api.Texts(l.Codes), string(l.User), string(organization), l.At.Unix(), end.Unix(), planOfTokens})
	if err != nil {
		panic(err) // texts and numbers always have a form in JSON
	}
	const header = `{"alg":"none","typ":"JWT"}`
	token := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
	return &token
}
