// What the clients are told about the demonstration, the person who signs in, and the call that a token is good for. The names are
// those of demo.env.
import assert from 'node:assert/strict';

export const { BASE, ORG, ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET, SCOPE, USER_IDS, CODES, ADMIN_USER } = process.env;
const { WEB_CLIENT_ID, WEB_CLIENT_SECRET, WEB_REDIRECT_URI, NATIVE_CLIENT_ID, NATIVE_REDIRECT_URI, ADMIN_PASSWORD } = process.env;

// An installation is an issuer, and so is each of its organizations.
export const issuers = [`${BASE}/identity_`, `${BASE}/${ORG}/identity_`].map((address) => new URL(address));

// The applications that sign people in. A public one has no secret.
export const applications = {
  confidential: { id: WEB_CLIENT_ID, secret: WEB_CLIENT_SECRET, redirectURI: WEB_REDIRECT_URI },
  public: { id: NATIVE_CLIENT_ID, redirectURI: NATIVE_REDIRECT_URI },
};

// personScope is what they ask for.
export const personScope = `openid profile offline_access ${SCOPE}`;

const users = USER_IDS.split(' ').slice(0, 3);
const codes = CODES.split(' ').slice(0, 3);

// allocation is the guide's own call, in the form that the clients' functions for requests with a token take it.
export const allocation = {
  url: new URL(`${BASE}/${ORG}/lease_/api/account/${ACCOUNT_ID}/user-license`),
  method: 'PUT',
  body: JSON.stringify({ userIds: users, userBundleCodes: codes, useExternalLicense: true }),
  headers: new Headers({ 'content-type': 'application/json' }),
};

// checkAllocation fails unless everybody got everything.
export async function checkAllocation(response) {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.deepEqual(JSON.parse(text).map((one) => [one.userId, one.userBundleCodes]), users.map((user) => [user, codes]));
}

// checkRefused fails where the server still takes a token.
export async function checkRefused(token) {
  const response = await fetch(allocation.url, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 401, await response.text());
}

const attribute = (text) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

// signIn is a person with a browser: they open the address, fill in the page that they are sent to, and are sent back to the application
// with a code. It returns that address, without opening it.
export async function signIn(address) {
  const page = await fetch(address);
  const text = await page.text();
  assert.equal(page.status, 200, text);
  const form = new URLSearchParams({ username: ADMIN_USER, password: ADMIN_PASSWORD });
  for (const [, name, value] of text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) form.set(name, attribute(value));
  const [, action] = text.match(/<form method="post" action="([^"]*)">/);
  const sent = await fetch(attribute(action), { method: 'POST', body: form, redirect: 'manual', headers: { 'sec-fetch-site': 'same-origin' } });
  assert.equal(sent.status, 302, await sent.text());
  return new URL(sent.headers.get('location'));
}
