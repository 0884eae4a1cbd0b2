// What the clients are told about the demonstration, and the call that a token is good for. The names are those of demo.env.
import assert from 'node:assert/strict';

export const { BASE, ORG, ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET, SCOPE, USER_IDS, CODES } = process.env;

// An installation is an issuer, and so is each of its organizations.
export const issuers = [`${BASE}/identity_`, `${BASE}/${ORG}/identity_`].map((address) => new URL(address));

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
