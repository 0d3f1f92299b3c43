"""Every check on a signed token from the provider.

OpenID Connect Core 1.0, 3.1.3.7, with what FAPI 2.0 and RFC 8725 add; and
OpenID Connect Back-Channel Logout 1.0, 2.6. A check that fails raises Invalid
with a reason of ours; values of the token are never put into it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import Key, RSAKey

from portal.identity.failures import Invalid
from portal.identity.wire import strict_json

CLOCK = 10  # seconds a clock may be off, both ways (FAPI 2.0, 5.3.2.1)
ID_TOKEN_AGE = 300
LOGOUT_TOKEN_AGE = 120
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
RSA_BITS = 2048
HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
KEY_TYPE = {"ES": "EC", "PS": "RSA", "RS": "RSA", "Ed": "OKP"}
CURVE = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

Claims = dict[str, Any]
Keys = Callable[[bool], Iterable[Key]]
"""The provider's keys; called again with True when those at hand do not fit a token."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a token from one provider to one client must say."""

    issuer: str
    client_id: str
    algorithms: Collection[str]
    keys: Keys


class LogoutNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Whose sessions the provider has ended."""

    issuer: str
    subject: str
    provider_session: str
    jti: str


class _Registry(jws.JWSRegistry):
    max_header_length = 8192  # an `x5c` in the header is legal, and ignored


def id_token(
    token: str, expected: Expected, *, nonce: str, access_token: str, max_age: int
) -> Claims:
    """The claims of an ID token that passed every check. Raises Invalid."""
    header, claims = _verified(token, expected)
    _need(_type(header) in ("", "jwt"), "ID token: typ is another kind of token's")
    _addressed(claims, expected)
    now = time.time()
    _fresh(claims, now, ID_TOKEN_AGE)
    _need(_text(claims.get("nonce")) and _same(claims["nonce"], nonce), "nonce is not ours")
    _need(_text(claims.get("sub")), "sub is missing or no text")
    if "at_hash" in claims:
        ours = _half_hash(access_token, str(header["alg"]))
        _need(_text(claims["at_hash"]) and _same(claims["at_hash"], ours), "at_hash is wrong")
    logged_in = moment(claims.get("auth_time"))
    if logged_in is None:
        raise Invalid("auth_time is missing")
    _need(now - max_age - CLOCK <= logged_in <= now + CLOCK, "auth_time is not fresh")
    return claims


def logout_token(token: str, expected: Expected) -> LogoutNotice:
    """What a back-channel logout token says, when it passed every check. Raises Invalid."""
    header, claims = _verified(token, expected)
    # ASVS v5.0.0-10.5.5: typed, so that no other token can pass for one.
    _need(_type(header) == "logout+jwt", "logout token: typ")
    _addressed(claims, expected)
    _fresh(claims, time.time(), LOGOUT_TOKEN_AGE)
    events: Any = claims.get("events")
    _need(isinstance(events, dict), "logout token: events")
    _need(isinstance(events.get(LOGOUT_EVENT), dict), "logout token: no logout event")
    _need("nonce" not in claims, "logout token: nonce")
    _need(_text(claims.get("jti")), "logout token: jti")
    for name in ("sub", "sid"):
        _need(name not in claims or _text(claims[name]), f"logout token: {name} is no text")
    _need("sub" in claims or "sid" in claims, "logout token: neither sub nor sid")
    return LogoutNotice(
        issuer=expected.issuer,
        subject=claims.get("sub", ""),
        provider_session=claims.get("sid", ""),
        jti=claims["jti"],
    )


def moment(value: object) -> float | None:
    """Seconds since 1970 from a JSON number or, as some brokers send it, a string of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _verified(token: str, expected: Expected) -> tuple[Claims, Claims]:
    """Header and claims of a token whose signature is right."""
    registry = _Registry(algorithms=sorted(expected.algorithms), strict_check_header=False)
    try:
        header = dict(jws.extract_compact(token.encode(), registry=registry).protected)
        _need(header.get("alg") in expected.algorithms, "alg is not one of ours")
        _need("crit" not in header and "b64" not in header, "crit is not understood")
        payload = _signed(token, header, expected, registry)
        return header, strict_json(payload)
    except (JoseError, ValueError, TypeError, RecursionError) as e:
        raise Invalid(f"token: {type(e).__name__}") from None


def _signed(token: str, header: Claims, expected: Expected, registry: _Registry) -> bytes:
    """The payload, signed with a key of the provider's, which may be a new one of an old name."""
    algorithms = sorted(expected.algorithms)
    for again in (False, True):
        key = _key(header, expected.keys(again))
        if key is None:
            continue
        try:
            return jws.deserialize_compact(token, key, algorithms, registry).payload or b""
        except BadSignatureError:
            if again:
                raise
    raise Invalid("no such key at the provider")


def _key(header: Claims, keys: Iterable[Key]) -> Key | None:
    """The one key that the header means; `jwk`, `jku` and `x5c` in it are never looked at."""
    kid, algorithm = header.get("kid"), str(header["alg"])
    fitting = [key for key in keys if _fits(key, algorithm)]
    if kid is not None:
        fitting = [key for key in fitting if key.kid == kid]
    _need(len(fitting) <= 1, "more than one key could be meant")
    return fitting[0] if fitting else None


def _fits(key: Key, algorithm: str) -> bool:
    if key.key_type != KEY_TYPE[algorithm[:2]] or key.get("alg", algorithm) != algorithm:
        return False
    if algorithm in CURVE and key.get("crv") != CURVE[algorithm]:
        return False
    operations = key.get("key_ops")
    if operations is not None and (not isinstance(operations, list) or "verify" not in operations):
        return False
    return not isinstance(key, RSAKey) or key.raw_value.key_size >= RSA_BITS


def _addressed(claims: Claims, expected: Expected) -> None:
    _need(claims.get("iss") == expected.issuer, "iss is not the configured issuer")
    # Nobody but us: a second audience could use the token against us (FAPI 2.0).
    _need(claims.get("aud") in (expected.client_id, [expected.client_id]), "aud is not us alone")
    _need(claims.get("azp", expected.client_id) == expected.client_id, "azp is not us")


def _fresh(claims: Claims, now: float, age: int) -> None:
    issued, expires = moment(claims.get("iat")), moment(claims.get("exp"))
    if issued is None or expires is None:
        raise Invalid("iat or exp is missing")
    _need(now < expires + CLOCK, "exp is past")
    _need(now - age - CLOCK <= issued <= now + CLOCK, "iat is too old or in the future")
    if "nbf" in claims:
        begins = moment(claims["nbf"])
        _need(begins is not None and begins <= now + CLOCK, "nbf is in the future")


def _type(header: Claims) -> str:
    kind = header.get("typ", "")
    return kind.lower().removeprefix("application/") if isinstance(kind, str) else "no text"


def _half_hash(value: str, algorithm: str) -> str:
    """OpenID Connect Core 3.1.3.6: the left half of the hash that belongs to the algorithm."""
    digest = HASHES.get(algorithm[-3:], hashlib.sha512)(value.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _need(holds: object, otherwise: str) -> None:
    if not holds:
        raise Invalid(otherwise)
