package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// goOIDC is golang.org/x/oauth2 with github.com/coreos/go-oidc, which finds the server and verifies what it signs.
func goOIDC(t *testing.T, d demo) {
	for _, issuer := range d.issuers() {
		provider, err := oidc.NewProvider(t.Context(), issuer)
		if err != nil {
			t.Fatal(err)
		}
		for way, style := range map[string]oauth2.AuthStyle{"Basic": oauth2.AuthStyleInHeader, "post": oauth2.AuthStyleInParams} {
			config := clientcredentials.Config{
				ClientID: d["CLIENT_ID"], ClientSecret: d["CLIENT_SECRET"], TokenURL: provider.Endpoint().TokenURL, Scopes: []string{d["SCOPE"]}, AuthStyle: style,
			}
			at := strings.TrimPrefix(issuer, d["BASE"])
			t.Run("client credentials by "+way+" at "+at, func(t *testing.T) { clientCredentials(t, d, provider, config) })
			t.Run("a wrong secret by "+way+" at "+at, func(t *testing.T) {
				config.ClientSecret += "x"
				_, err := config.Token(t.Context())
				var refused *oauth2.RetrieveError
				if !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized {
					t.Errorf("a wrong secret is %v", err)
				}
			})
		}
	}
}

// clientCredentials gets a token, verifies it with the published keys, and allocates with it.
func clientCredentials(t *testing.T, d demo, provider *oidc.Provider, config clientcredentials.Config) {
	token, err := config.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.VerifierContext(t.Context(), &oidc.Config{ClientID: "seatwright"}) // the audience of access tokens
	verified, err := verifier.Verify(t.Context(), token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if verified.Subject != d["CLIENT_ID"] {
		t.Errorf("the token is of %s", verified.Subject)
	}
	header, rest, _ := strings.Cut(token.AccessToken, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if _, err := verifier.Verify(t.Context(), header+"."+payload+"."+strings.ToUpper(signature)); err == nil {
		t.Error("a token with another signature is verified")
	}
	allocate(t, d, config.Client(t.Context()))
}

// allocate makes the guide's own call: three people get three bundles.
func allocate(t *testing.T, d demo, client *http.Client) {
	t.Helper()
	users, codes := strings.Fields(d["USER_IDS"])[:3], strings.Fields(d["CODES"])[:3]
	body, err := json.Marshal(map[string]any{"userIds": users, "userBundleCodes": codes, "useExternalLicense": true})
	if err != nil {
		t.Fatal(err)
	}
	url := d["BASE"] + "/" + d["ORG"] + "/lease_/api/account/" + d["ACCOUNT_ID"] + "/user-license"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer []struct {
		UserID          string   `json:"userId"`
		UserBundleCodes []string `json:"userBundleCodes"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || response.StatusCode != http.StatusOK || len(answer) != len(users) {
		t.Fatalf("%s: %s", response.Status, text)
	}
	for i, one := range answer {
		if one.UserID != users[i] || !slices.Equal(one.UserBundleCodes, codes) {
			t.Errorf("%s got %q", one.UserID, one.UserBundleCodes)
		}
	}
}
