"""requests-oauthlib, the usual client of Python scripts. It knows no ID tokens."""

import html.parser
import json
import os
import unittest

import requests
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

# The names are those of demo.env.
BASE, ORG, ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET, SCOPE = (
    os.environ[name] for name in ("BASE", "ORG", "ACCOUNT_ID", "CLIENT_ID", "CLIENT_SECRET", "SCOPE")
)
ADMIN_USER, ADMIN_PASSWORD = os.environ["ADMIN_USER"], os.environ["ADMIN_PASSWORD"]
WEB = {name: os.environ["WEB_" + name] for name in ("CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI")}
NATIVE = {name: os.environ["NATIVE_" + name] for name in ("CLIENT_ID", "REDIRECT_URI")}
USERS, CODES = os.environ["USER_IDS"].split()[:3], os.environ["CODES"].split()[:3]

LICENSES = f"{BASE}/{ORG}/lease_/api/account/{ACCOUNT_ID}/user-license"

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


class Page(html.parser.HTMLParser):
    """The form of the login page."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.action = attrs["action"]
        if tag == "input" and attrs.get("type") == "hidden":
            self.fields[attrs["name"]] = attrs["value"]


def sign_in(address):
    """A person with a browser: they open the address, fill in the page that they are sent to, and are sent back to the application."""
    with requests.Session() as browser:
        answer = browser.get(address, timeout=10)
        answer.raise_for_status()
        page = Page(answer.text)
        form = page.fields | {"username": ADMIN_USER, "password": ADMIN_PASSWORD}
        sent = browser.post(page.action, data=form, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False, timeout=10)
        assert sent.status_code == 302, sent.text
        return sent.headers["Location"]


# Each kind of application, with what refresh_token has to be told to name it and prove it.
PEOPLE = {
    "confidential by Basic": (WEB, {"auth": HTTPBasicAuth(WEB["CLIENT_ID"], WEB["CLIENT_SECRET"])}),
    "confidential by post": (WEB, {"client_id": WEB["CLIENT_ID"], "client_secret": WEB["CLIENT_SECRET"]}),
    "public": (NATIVE, {"client_id": NATIVE["CLIENT_ID"]}),
}


class AuthorizationCode(unittest.TestCase):
    def test_a_person_signs_in(self):
        for issuer in ISSUERS:
            for name, (application, secret) in PEOPLE.items():
                with self.subTest(issuer=issuer, application=name):
                    self.person(discover(issuer), application, secret)

    def person(self, metadata, application, secret):
        scope = ["openid", "profile", "offline_access", SCOPE]
        with OAuth2Session(application["CLIENT_ID"], redirect_uri=application["REDIRECT_URI"], scope=scope) as client:
            protocol = WebApplicationClient(application["CLIENT_ID"])
            verifier = protocol.create_code_verifier(64)
            challenge = protocol.create_code_challenge(verifier, "S256")
            address, _ = client.authorization_url(
                metadata["authorization_endpoint"], code_challenge=challenge, code_challenge_method="S256"
            )
            in_body = {name: value for name, value in secret.items() if name != "auth"}
            first = client.fetch_token(  # it compares state
                metadata["token_endpoint"],
                authorization_response=sign_in(address),
                code_verifier=verifier,
                auth=secret.get("auth"),
                client_secret=secret.get("client_secret"),
                include_client_id="auth" not in secret,
            )
            who = client.get(metadata["userinfo_endpoint"]).json()
            self.assertEqual(who["preferred_username"], ADMIN_USER)

            following = client.refresh_token(metadata["token_endpoint"], **secret)
            self.assertNotEqual(following["refresh_token"], first["refresh_token"])
            answer = client.put(
                LICENSES,
                headers={"Content-Type": "application/json"},
                data=json.dumps({"userIds": USERS, "userBundleCodes": CODES, "useExternalLicense": True}),
            )
            self.assertEqual(answer.status_code, 200, answer.text)

            # oauthlib prepares a revocation and has nothing for introspection.
            url, headers, body = protocol.prepare_token_revocation_request(metadata["revocation_endpoint"], following["refresh_token"], **in_body)
            requests.post(url, headers=headers, data=body, auth=secret.get("auth"), timeout=10).raise_for_status()
            self.assertEqual(client.get(LICENSES).status_code, 401)
            with self.assertRaises(InvalidGrantError):
                client.refresh_token(metadata["token_endpoint"], **secret)


class ClientCredentials(unittest.TestCase):
    def test_the_token_allocates(self):
        for issuer, way in CASES:
            with self.subTest(issuer=issuer, way=way), session() as client:
                token = client.fetch_token(discover(issuer)["token_endpoint"], **WAYS[way](CLIENT_SECRET))
                self.assertEqual(token["scope"], [SCOPE])
                answer = client.put(
                    LICENSES,
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
