package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/wire"
)

// Entitled tells whether a person may use what is called so: the code of a product, a license unit, or a name of the server's catalogue. It is
// answered from the server's memory. Whoever cannot ask should take an error for "no", or look at a token that was fetched before
// ([Client.EntitlementToken]). Errors: not_found/not_found for a person who does not exist; see [Client].
func (c *Client) Entitled(ctx context.Context, organization string, user seatwright.UserID, name seatwright.EntitlementName) (bool, error) {
	var answer wire.EntitlementAnswer
	path := organizations + "/" + url.PathEscape(organization) + "/users/" + url.PathEscape(string(user)) + "/entitlements/" + url.PathEscape(string(name))
	err := c.read(ctx, http.MethodGet, path, nil, &answer)
	return answer.Entitled, err
}

// CheckEntitlements tells what people may use, in the order of users; without users, what the organization has units of in force.
func (c *Client) CheckEntitlements(
	ctx context.Context, organization string, users []seatwright.UserID, names []seatwright.EntitlementName,
) ([]wire.EntitlementResult, error) {
	var answer wire.EntitlementAnswers
	err := c.read(ctx, http.MethodPost, organizations+"/"+url.PathEscape(organization)+"/entitlements/check", wire.EntitlementQuestion{Users: texts(users), Names: texts(names)}, &answer)
	return answer.Results, err
}

// EntitlementToken fetches a signed answer about a person, for [ReadEntitlementToken].
func (c *Client) EntitlementToken(ctx context.Context, organization string, user seatwright.UserID) (wire.EntitlementToken, error) {
	var answer wire.EntitlementToken
	err := c.read(ctx, http.MethodPost, organizations+"/"+url.PathEscape(organization)+"/users/"+url.PathEscape(string(user))+"/entitlement-token", nil, &answer)
	return answer, err
}

// SigningKeys fetches the public keys of the server, a JWK set (RFC 7517). Keep it beside the tokens: a token is signed by one of the keys
// of the time when it was made.
func (c *Client) SigningKeys(ctx context.Context) ([]byte, error) {
	got, err := c.do(ctx, call{method: http.MethodGet, path: "/identity_/.well-known/openid-configuration/jwks", open: true, failure: problem})
	return got.body, err
}

// SignedEntitlements is what a token says that a person may use.
type SignedEntitlements struct {
	User         seatwright.UserID            `json:"sub"`
	Organization seatwright.OrganizationID    `json:"prt_id"`
	IssuedAt     int64                        `json:"iat"` // seconds since 1970, as the next two
	NotBefore    int64                        `json:"nbf"`
	Expires      int64                        `json:"exp"`
	Bundles      []seatwright.ProductCode     `json:"bundles"`
	Entitlements []seatwright.EntitlementName `json:"entitlements"`
}

// Has reports that the token says yes to a name.
func (s SignedEntitlements) Has(name seatwright.EntitlementName) bool {
	return slices.Contains(s.Entitlements, name)
}

// clockLeeway is how far the clock of the server may be ahead of ours.
const clockLeeway = time.Minute

// ReadEntitlementToken reads a token without asking anybody: keys are what [Client.SigningKeys] answered, organization is the id of the one that the
// caller is for, user that of the person who is to use the product, now is the caller's clock. The error is unauthenticated/invalid_token for everything that is
// not to be believed: another algorithm, type, signature, organization or person, and a token that is over or not begun.
func ReadEntitlementToken(
	token string, keys []byte, organization seatwright.OrganizationID, user seatwright.UserID, now time.Time,
) (SignedEntitlements, error) {
	refused := func(why string) (SignedEntitlements, error) {
		return SignedEntitlements{}, seatwright.NewError(seatwright.KindUnauthenticated, seatwright.ReasonInvalidToken, "the entitlement token is not valid: %s", why)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keys, &set); err != nil {
		return refused("the keys are no JWK set")
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(signed.Signatures) != 1 {
		return refused("it is not a JWS that is signed with RS256")
	}
	header := signed.Signatures[0].Protected
	if kind, _ := header.ExtraHeaders[jose.HeaderType].(string); kind != "entitlements+jwt" {
		return refused("it is of another type")
	}
	found := set.Key(header.KeyID)
	if len(found) != 1 || !found[0].Valid() || !found[0].IsPublic() {
		return refused("its key is not among those that are known")
	}
	payload, err := signed.Verify(found[0])
	if err != nil {
		return refused("the signature is wrong")
	}
	var says SignedEntitlements
	if err := json.Unmarshal(payload, &says); err != nil {
		return refused("what it says cannot be read")
	}
	switch {
	case says.Organization == "" || says.Organization != organization:
		return refused("it is for another organization")
	case says.User == "" || says.User != user:
		return refused("it is about another person")
	case now.Unix() >= says.Expires:
		return refused("it is over")
	case says.NotBefore > now.Add(clockLeeway).Unix():
		return refused("it has not begun")
	}
	return says, nil
}
