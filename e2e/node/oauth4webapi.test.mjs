// oauth4webapi, the protocol as functions, for every JavaScript runtime. It checks each answer and nothing is done behind it.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as oauth from 'oauth4webapi';
import { allocation, CLIENT_ID, CLIENT_SECRET, checkAllocation, issuers, SCOPE } from './demo.mjs';

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
