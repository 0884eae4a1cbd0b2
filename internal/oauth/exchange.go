package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/directory"
)

// CodeExchange takes an authorization code in.
func (s *server) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	g, text, err := s.shown(ctx, r.Client, r.Data.Code)
	if err != nil {
		return nil, err
	}
	// One that was taken in before has no address and no challenge any more: to show it again ends the family.
	if g.Number == 0 && (text.Number != 0 || g.RedirectURI != r.Data.RedirectURI || !fits(g.Challenge, r.Data.CodeVerifier)) {
		return nil, invalidGrant("the code, its redirect_uri or its code_verifier is wrong")
	}
	return s.exchange(ctx, g, text, g.Scopes, "")
}

// fits reports whether a verifier is the one of a challenge. Without a challenge there must be none: else somebody could take the
// challenge out of a request on its way. Source: RFC 7636 section 4.6, RFC 9700 section 2.1.1.
func fits(challenge, verifier string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// RefreshToken takes a refresh token in and gives the next one. The access token may be asked to have fewer scopes.
func (s *server) RefreshToken(ctx context.Context, r *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	g, text, err := s.shown(ctx, r.Client, r.Data.RefreshToken)
	if err != nil {
		return nil, err
	}
	if text.Number == 0 {
		return nil, invalidGrant("this is no refresh token")
	}
	scopes, asked := g.Scopes, r.PostForm.Get("scope")
	if strings.Trim(asked, " ") != "" {
		scopes = nil
		for word := range strings.FieldsSeq(asked) {
			scope := seatwright.Scope(word)
			if !implied(g.Scopes, scope) {
				return nil, protocolError(http.StatusBadRequest, codeInvalidScope, "the sign-in did not give one of the scopes")
			}
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	return s.exchange(ctx, g, text, scopes, asked)
}

// shown finds the grant of a code or refresh token. Whose it is is looked at again when it is taken in.
func (s *server) shown(ctx context.Context, by op.Client, shown string) (g seatwright.Grant, text seatwright.GrantText, err error) {
	c, ok := by.(*client)
	if !ok {
		return g, text, s.refusal(ctx, errors.New("a client that VerifyClient has not returned"))
	}
	text, personal, ok := seatwright.ParseGrantText(shown)
	if !ok || personal || text.Organization != c.application.Organization {
		return g, text, invalidGrant("the code or refresh token is none of this client")
	}
	g, err = s.directory.Grant(ctx, text.Organization, text.ID)
	if seatwright.IsKind(err, seatwright.KindNotFound) || err == nil && g.Application != c.application.ID {
		return g, text, invalidGrant("the code or refresh token is none of this client")
	}
	if err != nil {
		return g, text, s.refusal(ctx, err)
	}
	return g, text, nil
}

func invalidGrant(description string) error {
	return protocolError(http.StatusBadRequest, codeInvalidGrant, description)
}

// signInAnswer is the answer to a code or refresh token.
type signInAnswer struct {
	tokenAnswer
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// exchange takes a text in and answers tokens with some of the scopes of the grant.
func (s *server) exchange(ctx context.Context, g seatwright.Grant, text seatwright.GrantText, scopes []seatwright.Scope, asked string) (*op.Response, error) {
	nonce := g.Nonce
	if text.Number > 0 {
		nonce = ""
	}
	next := seatwright.GrantText{Organization: g.Organization, ID: g.ID, Number: text.Number + 1}
	command := seatwright.ExchangeGrant{
		Organization: g.Organization, ID: g.ID, User: g.User, Application: g.Application, Number: text.Number,
		SecretHash: seatwright.HashOf(text.Secret), AccessUntil: s.now().Add(tokenLife + leeway),
	}
	if slices.Contains(g.Scopes, seatwright.ScopeOfflineAccess) {
		next.Secret = directory.NewSecret()
		command.NextHash = seatwright.HashOf(next.Secret)
	}
	origin := tokenAttempt(ctx).Origin(seatwright.Principal{Kind: seatwright.PrincipalUser, ID: string(g.User), Organization: g.Organization}.Actor())
	exchange, err := s.grants.Exchange(ctx, origin, command)
	if err == nil && exchange.Reused {
		s.Forget()
		err = invalidGrant("the code or refresh token was shown before: all tokens of the sign-in have ended")
		return nil, err
	}
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	claims := personToken(exchange.Person)
	claims.Client, claims.Scope, claims.Grant = g.Application, seatwright.JoinWords(scopes), g.ID
	access, err := s.mint(op.IssuerFromContext(ctx), claims)
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	answer := signInAnswer{tokenAnswer: tokenAnswer{
		AccessToken: access, ExpiresIn: int(tokenLife.Seconds()), TokenType: oidc.BearerToken, Scope: seatwright.JoinWords(scopes),
	}}
	if strings.Trim(asked, " ") != "" {
		answer.Scope = asked
	}
	if next.Secret != "" {
		answer.RefreshToken = next.String()
	}
	if slices.Contains(scopes, seatwright.ScopeOpenID) {
		if answer.IDToken, err = s.idToken(op.IssuerFromContext(ctx), exchange.Person, exchange.Grant, nonce); err != nil {
			return nil, s.refusal(ctx, err)
		}
	}
	return op.NewResponse(answer), nil
}
