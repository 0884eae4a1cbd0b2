// openid-client, the certified client for Node.js.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as client from 'openid-client';
import {
  ADMIN_USER, allocation, applications, CLIENT_ID, CLIENT_SECRET, checkAllocation, checkRefused, issuers, personScope, SCOPE, signIn,
} from './demo.mjs';

const plainHTTP = { execute: [client.allowInsecureRequests] }; // on loopback
const strict = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] }; // it verifies signatures of ID tokens too

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

// authorize signs a person in and returns the tokens. The client checks state, nonce, iss and the ID token.
async function authorize(config, redirectURI) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const back = await signIn(client.buildAuthorizationUrl(config, {
    redirect_uri: redirectURI, scope: personScope, state, nonce, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  }));
  assert.ok(back.searchParams.has('iss'));
  return client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true });
}

const { confidential } = applications;
const people = {
  'a confidential application by Basic': { ...confidential, authentication: client.ClientSecretBasic(confidential.secret) },
  'a confidential application by post': { ...confidential, authentication: client.ClientSecretPost(confidential.secret) },
  'a public application': { ...applications.public, authentication: client.None() },
};

for (const issuer of issuers) {
  for (const [name, { id, secret, redirectURI, authentication }] of Object.entries(people)) {
    test(`a person signs in to ${name} at ${issuer.pathname}`, async () => {
      const config = await client.discovery(issuer, id, undefined, authentication, strict);
      const first = await authorize(config, redirectURI);
      const who = await client.fetchUserInfo(config, first.access_token, first.claims().sub);
      assert.equal(who.preferred_username, ADMIN_USER);

      const next = await client.refreshTokenGrant(config, first.refresh_token);
      assert.notEqual(next.refresh_token, first.refresh_token);
      assert.equal(next.claims().sub, first.claims().sub);
      const { url, method, body, headers } = allocation;
      await checkAllocation(await client.fetchProtectedResource(config, next.access_token, url, method, body, headers));

      if (secret) {
        const found = await client.tokenIntrospection(config, next.access_token);
        assert.equal(found.active, true);
        assert.equal(found.sub, who.sub);
      }
      await client.tokenRevocation(config, next.refresh_token);
      for (const token of [first.access_token, next.access_token]) {
        await checkRefused(token);
        if (secret) assert.deepEqual(await client.tokenIntrospection(config, token), { active: false });
      }
      await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' });
    });
  }
}

test('a refresh token that is shown a second time ends the sign-in', async () => {
  const { id, redirectURI, authentication } = people['a public application'];
  const config = await client.discovery(issuers[0], id, undefined, authentication, strict);
  const first = await authorize(config, redirectURI);
  const next = await client.refreshTokenGrant(config, first.refresh_token);
  await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant', status: 400 });
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant', status: 400 });
  await checkRefused(next.access_token);
});
