"""The services that may ask for logins, and how each proves that it is itself."""

from __future__ import annotations

import binascii
import hmac
import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from mitid_stub.memory import Clock, Expiring
from mitid_stub.wire import fetch_json

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "ES512"]
_LONGEST_ASSERTION = 600  # seconds
_KEYS_FRESH = 60  # seconds a client's fetched keys are believed


@dataclass(frozen=True, kw_only=True)
class Client:
    """One registered service; `jwks` or `jwks_url` for private_key_jwt, `secret` otherwise."""

    client_id: str
    redirect_uris: Sequence[str]
    post_logout_uris: Sequence[str] = ()
    backchannel_uri: str = ""
    secret: str = ""
    jwks: Mapping[str, Any] | None = None
    jwks_url: str = ""
    name: str = "Familieoverblik"
    organisation: str = "29189420"  # its services see the same `sub` for a person
    public_authority: bool = True  # private ones get neither CPR nor a protected person's name


class Authenticator:
    """Tells which client a request to the machine endpoints comes from."""

    def __init__(self, issuer: str, clients: Sequence[Client], clock: Clock) -> None:
        self._issuer, self._clock = issuer, clock
        self._clients = {client.client_id: client for client in clients}
        self._seen: Expiring[bool] = Expiring(clock, _LONGEST_ASSERTION)
        self._fetched: Expiring[KeySet] = Expiring(clock, _KEYS_FRESH)

    def who(self, form: Mapping[str, str], authorization: str) -> Client | None:
        """The client that proved itself, by assertion, form secret or basic; else None."""
        if "client_assertion" in form:
            return self._by_assertion(form)
        client_id, secret = _basic(authorization) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        client = self._clients.get(client_id)
        if client is None or not client.secret:
            return None
        return client if hmac.compare_digest(client.secret.encode(), secret.encode()) else None

    def _by_assertion(self, form: Mapping[str, str]) -> Client | None:
        assertion = form["client_assertion"]
        client = self._clients.get(_issuer_of(assertion))
        if client is None or form.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        if form.get("client_id", client.client_id) != client.client_id:
            return None
        claims = self._verified(client, assertion)
        return client if claims and self._acceptable(client, claims) else None

    def _verified(self, client: Client, assertion: str) -> dict[str, Any] | None:
        """Verified with the keys we know; with freshly fetched ones if that fails (rotation)."""
        for again in (False, True):
            try:
                keys = self._keys(client, again)
                return jwt.decode(assertion, keys, algorithms=ASSERTION_ALGORITHMS).claims
            except (JoseError, OSError, ValueError, TypeError, KeyError):
                continue
        return None

    def _keys(self, client: Client, again: bool) -> KeySet:
        known = None if again else self._fetched.get(client.client_id)
        if known is not None:
            return known
        raw = fetch_json(client.jwks_url) if client.jwks_url else client.jwks
        keys = KeySet.import_key_set(cast(KeySetSerialization, raw or {"keys": []}))
        self._fetched.put(keys, client.client_id)
        return keys

    def _acceptable(self, client: Client, claims: dict[str, Any]) -> bool:
        now, aud, exp, jti = self._clock(), claims.get("aud"), claims.get("exp"), claims.get("jti")
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            return False
        if self._issuer not in (aud if isinstance(aud, list) else [aud]):
            return False
        if not isinstance(exp, int) or not now < exp <= now + _LONGEST_ASSERTION:
            return False
        if not isinstance(jti, str) or not jti:
            return False
        return self._seen.claim(f"{client.client_id} {jti}", True, exp - now)


def _issuer_of(assertion: str) -> str:
    """Who the assertion says it is from, unverified: only to find the keys to verify with."""
    try:
        middle = assertion.split(".")[1]
        claims = json.loads(b64decode(middle + "=" * (-len(middle) % 4), altchars=b"-_"))
        return str(claims.get("iss", ""))
    except (IndexError, ValueError, AttributeError):
        return ""


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(user), unquote_plus(password)
