"""An OpenID provider over real HTTP that lies on demand, for the tests of the login.

Everything it says passes through a `Bend`: untouched it is a correct provider
(PAR, private_key_jwt, PKCE, RFC 9207); a test bends exactly one thing. Cases
are named after the OpenID Foundation's conformance modules where there is one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from joserfc.jws import JWSRegistry

CLIENT = "familieoverblik"
SUBSTANTIAL = "https://data.gov.dk/concept/core/nsis/Substantial"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
Json = dict[str, Any]
Change = Callable[[Any], Any]

RSA_ONE = RSAKey.generate_key(2048, {"kid": "one"})
EC_TWO = ECKey.generate_key("P-256", {"kid": "two"})
RSA_THREE = RSAKey.generate_key(2048, {"kid": "three"})


def same(value: Any) -> Any:
    return value


@dataclass
class Reply:
    """One raw HTTP answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0


@dataclass
class Bend:
    """What to change in each thing the provider says."""

    metadata: Change = same
    jwks: Change = same
    pushed: Change = same
    header: Change = same
    claims: Change = same
    payload: Change = same
    id_token: Change = same
    token: Change = same
    userinfo: Change = same
    callback: Change = same
    replies: dict[str, Reply] = field(default_factory=dict)
    """A whole raw answer instead, by path."""


class Provider:
    """A correct provider, unless bent."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.bend = Bend()
        self.keys: list[Key] = [RSA_ONE]
        self.key: Key = RSA_ONE
        self.algorithm = "RS256"
        self.person: Json = {}
        self.sid = "provider-session"
        self.pushed: dict[str, Json] = {}
        self.codes: dict[str, Json] = {}
        self.asked: list[tuple[str, Json]] = []

    # --- what it says ---

    def metadata(self) -> Any:
        at = self.issuer
        found = {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks",
            "userinfo_endpoint": f"{at}/userinfo",
            "end_session_endpoint": f"{at}/end",
            "pushed_authorization_request_endpoint": f"{at}/par",
            "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"],
        }
        return self.bend.metadata(found)

    def jwks(self) -> Any:
        keys = [{**key.as_dict(private=False), "use": "sig"} for key in self.keys]
        return self.bend.jwks({"keys": keys})

    def push(self, form: Json) -> Any:
        uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_hex(8)}"
        self.pushed[uri] = form
        return self.bend.pushed({"request_uri": uri, "expires_in": 60})

    def authorize(self, location: str) -> Json:
        """What the browser brings back to the client when the person has approved."""
        query = dict(parse_qsl(urlsplit(location).query))
        asked = self.pushed.pop(query["request_uri"]) if "request_uri" in query else query
        code = secrets.token_hex(8)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        found = self.bend.callback(answer)
        return dict(found)

    def tokens(self, form: Json) -> Any:
        asked = self.codes.pop(form["code"], None)
        challenge = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["code_challenge"] != challenge:
            return {"error": "invalid_grant"}
        access = secrets.token_hex(8)
        answer = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 60,
            "id_token": self.bend.id_token(self.id_token(asked["nonce"], access)),
        }
        return self.bend.token(answer)

    def id_token(self, nonce: str, access: str) -> str:
        now = int(time.time())
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self.issuer,
            "sub": self.person.get("sub", "sub-mette"),
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": nonce,
            "at_hash": _b64(half),
            "sid": self.sid,
            "acr": SUBSTANTIAL,
            **self.person.get("id_token", {}),
        }
        return self.sign(self.bend.header({"typ": "JWT"}), self.bend.claims(claims))

    def logout_token(self, **changes: Any) -> str:
        """A correct logout token; `header=` changes its header, None removes a claim."""
        now = int(time.time())
        header = {"typ": "logout+jwt", **changes.pop("header", {})}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
            "sub": "sub-mette",
            "sid": self.sid,
            **changes,
        }
        kept = {k: v for k, v in claims.items() if v is not None}
        return self.sign({k: v for k, v in header.items() if v is not None}, kept)

    def userinfo(self) -> Any:
        sub = self.person.get("sub", "sub-mette")
        return self.bend.userinfo({"sub": sub, **self.person.get("userinfo", {})})

    def sign(self, header: Json, claims: Any) -> str:
        """Any header over any claims, also those no library would sign."""
        full = {"alg": self.algorithm, "kid": self.key.kid, **header}
        full = {k: v for k, v in full.items() if v is not None}
        payload = self.bend.payload(json.dumps(claims))
        signing = f"{_b64(json.dumps(full).encode())}.{_b64(payload.encode())}"
        return f"{signing}.{_b64(self._signature(full.get('alg', ''), signing.encode()))}"

    def _signature(self, algorithm: str, signing: bytes) -> bytes:
        if algorithm in ("", "none"):
            return b""
        if algorithm == "HS256":
            secret = self.key
            raw = secret.raw_value if isinstance(secret, OctKey) else self.public_pem()
            return hmac.new(raw, signing, hashlib.sha256).digest()
        return JWSRegistry.algorithms[algorithm].sign(signing, self.key)

    def public_pem(self) -> bytes:
        assert isinstance(self.key, RSAKey | ECKey)
        return self.key.as_pem(private=False)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, *_: Any) -> None:
        return None

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        form = parse_qs(self.rfile.read(length).decode())
        if any(len(values) != 1 for values in form.values()):  # RFC 6749, 3.2
            return self._json({"error": "invalid_request"}, 400)
        return self._answer({name: values[0] for name, values in form.items()})

    def _answer(self, form: Json) -> None:
        path = urlsplit(self.path).path.removeprefix("/op")
        provider = self.provider
        provider.asked.append((path, form))
        if path in provider.bend.replies:
            return self._send(provider.bend.replies[path])
        if path == "/.well-known/openid-configuration":
            return self._json(provider.metadata())
        if path == "/jwks":
            return self._json(provider.jwks())
        if path == "/par":
            return self._json(provider.push(form), 201)
        if path == "/token":
            found = provider.tokens(form)
            return self._json(found, 400 if "error" in found else 200)
        if path == "/userinfo":
            return self._json(provider.userinfo())
        return self._send(Reply(404))

    def _json(self, found: Any, status: int = 200) -> None:
        self._send(Reply(status, json.dumps(found).encode(), {"Content-Type": "application/json"}))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if not reply.drip:
            self.wfile.write(reply.body)
            return
        stop = threading.Event()
        for byte in reply.body:
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return
            stop.wait(reply.drip)


@contextmanager
def serving() -> Iterator[Provider]:
    """A running provider on a free loopback port."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.provider = Provider(f"http://127.0.0.1:{server.server_address[1]}/op")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield handler.provider  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def assertion_claims(form: Json, key: Key) -> tuple[Json, Json]:
    """Header and claims of the client assertion in a form, verified with the client's key."""
    token = jwt.decode(form["client_assertion"], key, algorithms=["ES256"])
    return token.header, token.claims


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
