"""A client that plays its part by script, for tests of the provider and of whoever logs in by it."""

from __future__ import annotations

import hashlib
import json
import queue
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urljoin, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from mitid_stub.clients import ASSERTION_TYPE, Client
from mitid_stub.personas import personas
from mitid_stub.provider import Provider
from mitid_stub.server import serving

RETURN = "http://127.0.0.1:9/log-ind/retur"
HOME = "http://127.0.0.1:9/"
SECRET = "et & langt + kodeord"  # the private client's
Claims = dict[str, Any]


def answer_login(
    authorize_url: str,
    person: str,
    *,
    level: str = "",
    action: str = "approve",
    browser: requests.Session | None = None,
) -> str:
    """Do what a person does at the provider; the answer is the address they are sent back to.

    `authorize_url` is where the client sent the browser; `level` is the asked one unless given;
    `action` is approve or cancel. A refused request or a reused session is answered as it is.
    """
    http = browser or new_browser()
    arrived = http.get(authorize_url, allow_redirects=False).headers["Location"]
    page = urljoin(authorize_url, arrived)
    attempt = parse_qs(urlsplit(page).query).get("attempt")
    if attempt is None:
        return page
    form = {"attempt": attempt[0], "person": person, "level": level, "action": action}
    answer = http.post(page.partition("?")[0], form, allow_redirects=False)
    return urljoin(authorize_url, answer.headers["Location"])


def new_browser() -> requests.Session:
    """A browser with an empty cookie jar that never goes through a proxy."""
    http = requests.Session()
    http.trust_env = False
    return http


class Inbox:
    """The client's own web server: its public keys, and a box for logout tokens."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)]
        self.logout_tokens: queue.Queue[str] = queue.Queue()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(json.dumps(KeySet([*inbox.keys]).as_dict(private=False)).encode())

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                inbox.logout_tokens.put(form["logout_token"][0])
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def open_inbox() -> Iterator[Inbox]:
    """The client's server, running."""
    inbox = Inbox()
    thread = threading.Thread(target=inbox.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield inbox
    inbox.server.shutdown()
    inbox.server.server_close()


class Rehearsal:
    """A careful client of the provider and one browser, each step open to being done wrong."""

    def __init__(self, provider: Provider, inbox: Inbox) -> None:
        self.op, self.inbox = provider.issuer, inbox
        self.provider = provider
        self.http = new_browser()
        self.meta: Claims = self.http.get(f"{self.op}/.well-known/openid-configuration").json()
        self.verifier = secrets.token_urlsafe(48)
        self.state, self.nonce = secrets.token_urlsafe(8), secrets.token_urlsafe(8)

    def assertion(self, **changed: object) -> dict[str, str]:
        now, key = int(time.time()), self.inbox.keys[0]
        claims = {
            "iss": "familieoverblik",
            "sub": "familieoverblik",
            "aud": self.op,
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + 60,
            **changed,
        }
        signed = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
        return {"client_assertion": signed, "client_assertion_type": ASSERTION_TYPE}

    def parameters(self, **changed: str) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "client_id": "familieoverblik",
            "redirect_uri": RETURN,
            "response_type": "code",
            "scope": "openid mitid ssn",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "idp_values": "mitid",
            **changed,
        }

    def push(self, **changed: str) -> requests.Response:
        form = {**self.parameters(**changed), **self.assertion()}
        return self.http.post(self.meta["pushed_authorization_request_endpoint"], form)

    def authorize(self, **parameters: str) -> str:
        """Where the provider sends the browser for these parameters."""
        url = self.meta["authorization_endpoint"]
        answer = self.http.get(url, params=parameters, allow_redirects=False)
        assert answer.status_code == 302
        return answer.headers["Location"]

    def arrive(self, **changed: str) -> str:
        """The key of a new log-in attempt."""
        pushed = self.push(**{"prompt": "login", **changed}).json()["request_uri"]
        location = self.authorize(client_id="familieoverblik", request_uri=pushed)
        assert urlsplit(location).path == "/op/login", location
        return parse_qs(urlsplit(location).query)["attempt"][0]

    def decide(self, attempt: str, **form: str) -> dict[str, str]:
        """The parameters of the answer that reaches the client."""
        form = {"attempt": attempt, **form}
        answer = self.http.post(f"{self.op}/login", form, allow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(RETURN + "?")
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def code(self, person: str = "mette", level: str = "substantial", **changed: str) -> str:
        attempt = self.arrive(**changed)
        return self.decide(attempt, person=person, level=level, action="approve")["code"]

    def redeem(self, code: str, **changed: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": RETURN,
            "code_verifier": self.verifier,
            **self.assertion(),
            **changed,
        }
        return self.http.post(self.meta["token_endpoint"], form)

    def claims(self, token: str, algorithm: str = "RS256") -> Claims:
        keys = KeySet.import_key_set(self.http.get(self.meta["jwks_uri"]).json())
        return jwt.decode(token, keys, algorithms=[algorithm]).claims

    def userinfo(self, access_token: str) -> requests.Response:
        bearer = {"Authorization": f"Bearer {access_token}"}
        return self.http.get(self.meta["userinfo_endpoint"], headers=bearer)

    def log_in(self, person: str = "mette", **changed: str) -> tuple[Claims, Claims, str]:
        """ID token claims, userinfo and the raw ID token."""
        tokens = self.redeem(self.code(person, **changed)).json()
        info: Claims = self.userinfo(tokens["access_token"]).json()
        return self.claims(tokens["id_token"]), info, tokens["id_token"]

    def end(self, **parameters: str) -> requests.Response:
        url = self.meta["end_session_endpoint"]
        return self.http.get(url, params=parameters, allow_redirects=False)


@contextmanager
def open_stage(**options: Any) -> Iterator[Callable[[], Rehearsal]]:
    """A running provider with its clients; each call gives a fresh client with empty post."""
    with open_inbox() as inbox, serving(_clients(inbox), personas(), **options) as provider:

        def rehearsal() -> Rehearsal:
            inbox.logout_tokens = queue.Queue()
            return Rehearsal(provider, inbox)

        yield rehearsal


def _clients(inbox: Inbox) -> list[Client]:
    portal = Client(
        client_id="familieoverblik",
        redirect_uris=[RETURN],
        post_logout_uris=[HOME],
        backchannel_uri=f"{inbox.url}/log-ind/bagkanal",
        jwks_url=f"{inbox.url}/.well-known/jwks.json",
    )
    private = Client(
        client_id="privat",
        redirect_uris=[RETURN],
        secret=SECRET,
        organisation="12345678",
        public_authority=False,
    )
    return [portal, private]
