// openid-client, the certified client for Node.js.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as client from 'openid-client';
import { allocation, CLIENT_ID, CLIENT_SECRET, checkAllocation, issuers, SCOPE } from './demo.mjs';

const plainHTTP = { execute: [client.allowInsecureRequests] }; // on loopback

// refused is what is made of a 401: it has to have a challenge, and the client looks at that before the body, where "invalid_client" is.
const refused = { name: 'WWWAuthenticateChallengeError', code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 401 };

const ways = { Basic: client.ClientSecretBasic, post: client.ClientSecretPost };

for (const issuer of issuers) {
  for (const [way, authenticate] of Object.entries(ways)) {
    test(`client credentials by ${way} at ${issuer.pathname}`, async () => {
      const config = await client.discovery(issuer, CLIENT_ID, undefined, authenticate(CLIENT_SECRET), plainHTTP);
      const token = await client.clientCredentialsGrant(config, { scope: SCOPE });
      assert.equal(token.scope, SCOPE);
      assert.ok(token.expiresIn() > 0);
      const { url, method, body, headers } = allocation;
      await checkAllocation(await client.fetchProtectedResource(config, token.access_token, url, method, body, headers));
    });

    test(`a wrong secret by ${way} at ${issuer.pathname}`, async () => {
      const config = await client.discovery(issuer, CLIENT_ID, undefined, authenticate(`${CLIENT_SECRET}x`), plainHTTP);
      await assert.rejects(client.clientCredentialsGrant(config, { scope: SCOPE }), refused);
    });
  }
}
