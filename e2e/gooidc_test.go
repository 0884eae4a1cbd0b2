package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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

// Promise: a person signs in to each kind of application, and what the client gets is verified, refreshed and good for the guide's call.
func goOIDCPeople(t *testing.T, d demo) {
	for _, issuer := range d.issuers() {
		provider, err := oidc.NewProvider(t.Context(), issuer)
		if err != nil {
			t.Fatal(err)
		}
		at := func(style oauth2.AuthStyle) oauth2.Endpoint {
			endpoint := provider.Endpoint()
			endpoint.AuthStyle = style
			return endpoint
		}
		web := oauth2.Config{ClientID: d["WEB_CLIENT_ID"], ClientSecret: d["WEB_CLIENT_SECRET"], RedirectURL: d["WEB_REDIRECT_URI"]}
		native := oauth2.Config{ClientID: d["NATIVE_CLIENT_ID"], RedirectURL: d["NATIVE_REDIRECT_URI"], Endpoint: at(oauth2.AuthStyleInParams)}
		byBasic, byPost := web, web
		byBasic.Endpoint, byPost.Endpoint = at(oauth2.AuthStyleInHeader), at(oauth2.AuthStyleInParams)
		for name, config := range map[string]oauth2.Config{
			"a confidential application by Basic": byBasic, "a confidential application by post": byPost, "a public application": native,
		} {
			config.Scopes = []string{oidc.ScopeOpenID, "profile", oidc.ScopeOfflineAccess, d["SCOPE"]}
			t.Run("a person signs in to "+name+" at "+strings.TrimPrefix(issuer, d["BASE"]), func(t *testing.T) { person(t, d, provider, config) })
		}
	}
}

// person signs somebody in. The library compares neither state nor iss, so the test does; it has nothing for introspection and revocation.
func person(t *testing.T, d demo, provider *oidc.Provider, config oauth2.Config) {
	verifier, state, nonce := oauth2.GenerateVerifier(), rand.Text(), rand.Text()
	sent := signIn(t, d, config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)))
	var claims struct {
		Issuer string `json:"issuer"`
	}
	if err := provider.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if sent.Get("state") != state || sent.Get("iss") != claims.Issuer {
		t.Errorf("the application is told %q", sent)
	}
	token, err := config.Exchange(t.Context(), sent.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := token.Extra("id_token").(string)
	idToken, err := provider.VerifierContext(t.Context(), &oidc.Config{ClientID: config.ClientID}).Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if idToken.Nonce != nonce {
		t.Errorf("the nonce is %q", idToken.Nonce)
	}
	who, err := provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	var profile struct {
		UserName string `json:"preferred_username"`
	}
	if err := who.Claims(&profile); err != nil || who.Subject != idToken.Subject || profile.UserName != d["ADMIN_USER"] {
		t.Errorf("user info is of %s, %q, %v", who.Subject, profile.UserName, err)
	}
	ended := *token
	ended.Expiry = time.Now().Add(-time.Second)
	source := config.TokenSource(t.Context(), &ended) // refreshes
	next, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	if next.RefreshToken == token.RefreshToken || next.AccessToken == token.AccessToken {
		t.Error("the tokens are the same as before")
	}
	allocate(t, d, oauth2.NewClient(t.Context(), source))

	_, err = config.TokenSource(t.Context(), &ended).Token() // shows the first refresh token again
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" || refused.Response.StatusCode != http.StatusBadRequest {
		t.Errorf("a refresh token shown a second time is %v", err)
	}
	if _, err := provider.UserInfo(t.Context(), oauth2.StaticTokenSource(next)); err == nil {
		t.Error("the access token is good after that")
	}
}

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	action = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
)

// signIn is a person with a browser: they open the address, fill in the page that they are sent to, and are sent back to the
// application. It returns what the application is told.
func signIn(t *testing.T, d demo, address string) url.Values {
	t.Helper()
	open, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := http.DefaultClient.Do(open)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	target := action.FindSubmatch(text)
	if page.StatusCode != http.StatusOK || target == nil {
		t.Fatalf("the login page is %s: %s", page.Status, text)
	}
	form := url.Values{"username": {d["ADMIN_USER"]}, "password": {d["ADMIN_PASSWORD"]}}
	for _, field := range hidden.FindAllSubmatch(text, -1) {
		form.Set(string(field[1]), html.UnescapeString(string(field[2])))
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, html.UnescapeString(string(target[1])), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	back, err := http.DefaultTransport.RoundTrip(request) // does not follow the way back
	if err != nil {
		t.Fatal(err)
	}
	defer back.Body.Close()
	location, err := back.Location()
	if err != nil {
		t.Fatal(back.Status, err)
	}
	return location.Query()
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
