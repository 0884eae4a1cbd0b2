"""requests-oauthlib, the usual client of Python scripts."""

import json
import os
import unittest

import requests
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

# The names are those of demo.env.
BASE, ORG, ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET, SCOPE = (
    os.environ[name] for name in ("BASE", "ORG", "ACCOUNT_ID", "CLIENT_ID", "CLIENT_SECRET", "SCOPE")
)
USERS, CODES = os.environ["USER_IDS"].split()[:3], os.environ["CODES"].split()[:3]

# An installation is an issuer, and so is each of its organizations.
ISSUERS = (f"{BASE}/identity_", f"{BASE}/{ORG}/identity_")

# Each way to send a secret, as arguments of fetch_token.
WAYS = {
    "Basic": lambda secret: {"auth": HTTPBasicAuth(CLIENT_ID, secret)},
    "post": lambda secret: {"client_secret": secret, "include_client_id": True},
}


def discover(issuer):
    """The library has no discovery of its own."""
    metadata = requests.get(issuer + "/.well-known/openid-configuration", timeout=10).json()
    assert metadata["issuer"] == issuer, metadata
    return metadata


CASES = [(issuer, way) for issuer in ISSUERS for way in WAYS]


def session():
    return OAuth2Session(client=BackendApplicationClient(CLIENT_ID, scope=[SCOPE]))


class ClientCredentials(unittest.TestCase):
    def test_the_token_allocates(self):
        for issuer, way in CASES:
            with self.subTest(issuer=issuer, way=way), session() as client:
                token = client.fetch_token(discover(issuer)["token_endpoint"], **WAYS[way](CLIENT_SECRET))
                self.assertEqual(token["scope"], [SCOPE])
                answer = client.put(
                    f"{BASE}/{ORG}/lease_/api/account/{ACCOUNT_ID}/user-license",
                    headers={"Content-Type": "application/json"},
                    data=json.dumps({"userIds": USERS, "userBundleCodes": CODES, "useExternalLicense": True}),
                )
                self.assertEqual(answer.status_code, 200, answer.text)
                self.assertEqual([(one["userId"], one["userBundleCodes"]) for one in answer.json()], [(user, CODES) for user in USERS])

    def test_a_wrong_secret_is_an_invalid_client(self):
        for issuer, way in CASES:
            with self.subTest(issuer=issuer, way=way), session() as client:
                with self.assertRaises(InvalidClientError) as raised:
                    client.fetch_token(discover(issuer)["token_endpoint"], **WAYS[way](CLIENT_SECRET + "x"))
                self.assertEqual(raised.exception.status_code, 401)


if __name__ == "__main__":
    unittest.main(verbosity=2)
