"""Logging in with OpenID Connect: going to the provider, and believing what comes back.

Authorization code flow with PAR, PKCE, nonce and RFC 9207, as FAPI 2.0 asks of
a client. What Authlib does not check is checked in checks.py and below.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from portal.crypto import Vault
from portal.db import Store
from portal.identity import arrival, checks
from portal.identity.answer import code, single
from portal.identity.arrival import Arrival, Words
from portal.identity.attempt import (
    SECONDS,
    Attempt,
    ReturnKeys,
    ReturnTo,
    begin,
    from_cookie,
    with_another,
    without,
)
from portal.identity.checks import Claims, Expected, LogoutNotice
from portal.identity.failures import Cancelled, Invalid, ProviderDown
from portal.identity.fresh import FRESH_SECONDS
from portal.identity.once import spend
from portal.identity.profile import Door, Profile, profile
from portal.identity.provider import Metadata, ProviderClient
from portal.identity.wire import strict_json
from portal.settings import CPR_SYSTEM, Provider, Settings

MOMENTS = frozenset({"iat", "exp", "nbf", "auth_time", "updated_at"})
LIKE_CPR = re.compile(r"(?<![0-9A-Za-z])\d{2}(?:0[1-9]|1[0-2])\d{2}-?\d{4}(?![0-9A-Za-z])")
"""Replacement numbers begin with no day (+ 60)."""


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the browser, and the cookie it must bring back."""

    url: str
    cookie: str


class _DoorWay(msgspec.Struct, frozen=True, kw_only=True):
    settings: Provider
    profile: Profile
    provider: ProviderClient

    def max_age(self, attempt: Attempt) -> int:
        """How old the login at the provider may be, in seconds; a step-up wants a fresh one."""
        configured = self.settings.max_age
        return min(configured, FRESH_SECONDS) if attempt.expected else configured

    def expected(self, metadata: Metadata, *, anybody: bool = False) -> Expected:
        """Our own list of algorithms; the provider's can only narrow it.

        `anybody` may have brought the token: the back channel has no door of its own.
        """
        named = frozenset(metadata.id_token_signing_alg_values_supported)
        pinned = self.profile.algorithms
        return Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            algorithms=pinned & named if named else pinned,
            keys=partial(self.provider.verification_keys, anybody=anybody),
        )


class Oidc:
    """The OpenID client of both doors."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._store, self._vault = store, vault
        self._actors = settings.actor
        self._opening_role = settings.before_consent.role if settings.before_consent else ""
        self._after_logout = f"{settings.base_url}/"
        self.returns = ReturnKeys(settings)
        self._doors: dict[Door, _DoorWay] = {"citizen": _door(settings, "citizen")}
        if settings.identity.staff:
            self._doors["staff"] = _door(settings, "staff")

    @property
    def doors(self) -> tuple[Door, ...]:
        """The doors that are configured."""
        return tuple(self._doors)

    def begin(self, door: Door, return_to: ReturnTo, language: str, cookie: str = "") -> Departure:
        """Start a login beside those of other tabs, which `cookie` holds.

        Raises ProviderDown; KeyError when the door is not configured.
        """
        way = self._doors[door]
        metadata = way.provider.metadata()
        attempt = begin(door, return_to)
        parameters = _parameters(way, attempt, language)
        if metadata.pushed_authorization_request_endpoint:
            pushed = way.provider.push(parameters)
            parameters = {"client_id": way.settings.client_id, "request_uri": pushed}
        return Departure(
            url=_with_query(metadata.authorization_endpoint, parameters),
            cookie=with_another(cookie, attempt, self._vault),
        )

    def over(self, cookie: str, state: str) -> str:
        """What the browser is to keep when this attempt is over: those of other tabs."""
        return without(cookie, state, self._vault)

    def finish(self, cookie: str, answer: Mapping[str, Sequence[str]]) -> Arrival:
        """Judge the provider's answer. Raises a LoginFailed, StoreDown."""
        one = single(answer)
        attempt = from_cookie(cookie, one.state, self._vault)
        way = self._doors[attempt.door]
        with self._store.write() as connection:
            if not spend(connection, "login", attempt.state, SECONDS):
                raise Invalid("this login has been answered already")
        metadata = way.provider.metadata()
        promised = metadata.authorization_response_iss_parameter_supported
        try:
            granted = code(one, metadata.issuer, iss_promised=promised)
        except Cancelled as e:
            e.back = attempt.return_to if attempt.expected else ""
            raise
        return self._arrived(way, attempt, granted)

    def logout(self, token: str) -> LogoutNotice:
        """Judge a back-channel logout token. Raises Invalid, ProviderDown."""
        issuer = _claimed_issuer(token)
        failure = Invalid("logout token of an unknown issuer")
        # Both doors may be one client at one provider.
        clients = {
            way.settings.client_id: way
            for way in self._doors.values()
            if way.settings.issuer == issuer
        }
        for way in clients.values():
            try:
                expected = way.expected(way.provider.metadata(), anybody=True)
                return checks.logout_token(token, expected)
            except Invalid as e:
                failure = e
        raise failure

    def end_session_url(self, door: Door, id_token: str) -> str:
        """Where the browser ends its session at the provider; our front page when nowhere."""
        try:
            way = self._doors[door]
            endpoint = way.provider.metadata(however_old=True).end_session_endpoint
        except (KeyError, ProviderDown):
            endpoint = ""
        if not endpoint:
            return self._after_logout
        hint = {"id_token_hint": id_token} if id_token else {}
        return _with_query(
            endpoint,
            {
                **hint,
                "client_id": way.settings.client_id,
                "post_logout_redirect_uri": self._after_logout,
            },
        )

    def public_keys(self) -> dict[str, list[dict[str, Any]]]:
        """Our client keys as a JWK set; each once."""
        ours = [way.provider.keys for way in self._doors.values()]
        by_kid = {key["kid"]: key for keys in ours if keys for key in keys.public()}
        return {"keys": list(by_kid.values())}

    def _arrived(self, way: _DoorWay, attempt: Attempt, code: str) -> Arrival:
        tokens = way.provider.tokens(code, attempt.verifier)
        claims = checks.id_token(
            tokens.id_token,
            way.expected(way.provider.metadata()),
            nonce=attempt.nonce,
            access_token=tokens.access_token,
            max_age=way.max_age(attempt),
        )
        userinfo = way.provider.userinfo(tokens.access_token)
        if userinfo is not None and userinfo.get("sub") != claims["sub"]:
            raise Invalid("userinfo is about somebody else")
        words = Words(claims, userinfo or {})
        arrival.check_door(words, way.profile)
        arrival.check_level(words, way.profile)
        return self._arrival(way, attempt, words, claims, tokens.id_token)

    def _arrival(
        self, way: _DoorWay, attempt: Attempt, words: Words, claims: Claims, id_token: str
    ) -> Arrival:
        kind, staff = way.profile, attempt.door == "staff"
        person = arrival.person(words, kind)
        return Arrival(
            door=attempt.door,
            issuer=way.settings.issuer,
            subject=claims["sub"],
            provider_session=Words(claims, {}).text(("sid",)),
            auth_time=int(checks.moment(claims["auth_time"]) or 0),
            person_system=kind.person_system,
            person=person,
            name=arrival.shown(words.text(kind.name_claim)),
            birth_date=words.text(kind.birth_date_claim),
            actors=arrival.actors(words, kind, self._actors) if staff else (),
            role=arrival.role(words, kind, self._opening_role) if staff else "",
            id_token="" if _tells_cpr(claims, kind, person) else id_token,
            return_to=attempt.return_to,
            expected=attempt.expected,
        )


def _door(settings: Settings, door: Door) -> _DoorWay:
    chosen = settings.identity.citizen if door == "citizen" else settings.identity.staff
    assert chosen is not None
    return _DoorWay(
        settings=chosen,
        profile=profile(chosen, door),
        provider=ProviderClient(settings, chosen, door),
    )


def _parameters(way: _DoorWay, attempt: Attempt, language: str) -> dict[str, str]:
    return {
        **way.profile.extra_parameters(language),
        "response_type": "code",
        "client_id": way.settings.client_id,
        "redirect_uri": way.provider.redirect_uri,
        "scope": way.profile.scope,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": str(create_s256_code_challenge(attempt.verifier)),  # type: ignore[no-untyped-call]
        "code_challenge_method": "S256",
        "prompt": "login",
        "max_age": str(way.max_age(attempt)),
    }


def _with_query(url: str, parameters: dict[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(parameters)}"


def _tells_cpr(claims: Claims, kind: Profile, person: str) -> bool:
    """Whether the ID token is unfit as a hint at logout, for it holds a CPR number.

    Hints travel in addresses, and those stay in a browser that may be the library's.
    An employee's number is not ours to know: whatever looks like one counts, but in the
    claims that hold a moment or a unit, whose numbers look the same.
    """
    ours = kind.door == "citizen" and kind.person_system == CPR_SYSTEM
    if ours and person in _plain(claims).replace("-", ""):
        return True
    others = {k: v for k, v in claims.items() if k not in MOMENTS and k not in kind.unit_claim}
    return bool(LIKE_CPR.search(_plain(others)))


def _plain(claims: Claims) -> str:
    return msgspec.json.encode(claims).decode()


def _claimed_issuer(token: str) -> str:
    """Unverified, to choose whose keys to verify with."""
    try:
        middle = token.split(".")[1]
        claims = strict_json(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        raise Invalid("not a token") from None
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else ""
