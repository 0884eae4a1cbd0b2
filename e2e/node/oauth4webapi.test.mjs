// oauth4webapi, the protocol as functions, for every JavaScript runtime. It checks each answer and nothing is done behind it.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as oauth from 'oauth4webapi';
import {
  ADMIN_USER, allocation, applications, CLIENT_ID, CLIENT_SECRET, checkAllocation, checkRefused, issuers, personScope, SCOPE, signIn,
} from './demo.mjs';

const plainHTTP = { [oauth.allowInsecureRequests]: true }; // on loopback
const client = { client_id: CLIENT_ID };
// refused is what is made of a 401: it has to have a challenge, and the client looks at that before the body, where "invalid_client" is.
const refused = { name: 'WWWAuthenticateChallengeError', code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 401 };

const ways = { Basic: oauth.ClientSecretBasic, post: oauth.ClientSecretPost };

// discover reads the metadata in the way of OpenID Connect, or of RFC 8414 (algorithm: oauth2).
async function discover(issuer, algorithm) {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...plainHTTP }));
}

async function clientCredentials(server, authentication) {
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, { scope: SCOPE }, plainHTTP);
  return oauth.processClientCredentialsResponse(server, client, response);
}

for (const issuer of issuers) {
  for (const [way, authenticate] of Object.entries(ways)) {
    test(`client credentials by ${way} at ${issuer.pathname}`, async () => {
      const token = await clientCredentials(await discover(issuer, 'oidc'), authenticate(CLIENT_SECRET));
      assert.equal(token.token_type, 'bearer');
      assert.equal(token.scope, SCOPE);
      const { url, method, body, headers } = allocation;
      await checkAllocation(await oauth.protectedResourceRequest(token.access_token, method, url, headers, body, plainHTTP));
    });

    test(`a wrong secret by ${way} at ${issuer.pathname}`, async () => {
      const server = await discover(issuer, 'oauth2');
      await assert.rejects(clientCredentials(server, authenticate(`${CLIENT_SECRET}x`)), refused);
    });
  }
}

const { confidential } = applications;
const people = {
  'a confidential application by Basic': { ...confidential, authentication: oauth.ClientSecretBasic(confidential.secret) },
  'a confidential application by post': { ...confidential, authentication: oauth.ClientSecretPost(confidential.secret) },
  'a public application': { ...applications.public, authentication: oauth.None() },
};

// authorize signs a person in and returns the tokens; the signature of the ID token is verified too.
async function authorize(server, application, { redirectURI, authentication }) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const address = new URL(server.authorization_endpoint);
  address.search = new URLSearchParams({
    response_type: 'code', client_id: application.client_id, redirect_uri: redirectURI, scope: personScope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const sent = oauth.validateAuthResponse(server, application, await signIn(address), state);
  const response = await oauth.authorizationCodeGrantRequest(server, application, authentication, sent, redirectURI, verifier, plainHTTP);
  const tokens = await oauth.processAuthorizationCodeResponse(server, application, response, { expectedNonce: nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(server, response, plainHTTP);
  return tokens;
}

for (const issuer of issuers) {
  for (const [name, person] of Object.entries(people)) {
    test(`a person signs in to ${name} at ${issuer.pathname}`, async () => {
      const server = await discover(issuer, 'oidc');
      const application = { client_id: person.id };
      const { authentication } = person;
      const refresh = async (token) => oauth.processRefreshTokenResponse(
        server, application, await oauth.refreshTokenGrantRequest(server, application, authentication, token, plainHTTP),
      );
      const introspect = async (token) => oauth.processIntrospectionResponse(
        server, application, await oauth.introspectionRequest(server, application, authentication, token, plainHTTP),
      );

      const first = await authorize(server, application, person);
      const { sub } = oauth.getValidatedIdTokenClaims(first);
      const who = await oauth.processUserInfoResponse(
        server, application, sub, await oauth.userInfoRequest(server, application, first.access_token, plainHTTP),
      );
      assert.equal(who.preferred_username, ADMIN_USER);

      const next = await refresh(first.refresh_token);
      assert.notEqual(next.refresh_token, first.refresh_token);
      const { url, method, body, headers } = allocation;
      await checkAllocation(await oauth.protectedResourceRequest(next.access_token, method, url, headers, body, plainHTTP));

      if (person.secret) assert.equal((await introspect(next.access_token)).sub, sub);
      await oauth.processRevocationResponse(await oauth.revocationRequest(server, application, authentication, next.access_token, plainHTTP));
      await checkRefused(next.access_token);
      if (person.secret) assert.deepEqual(await introspect(next.refresh_token), { active: false });
      await assert.rejects(refresh(next.refresh_token), { error: 'invalid_grant' });
    });
  }
}
