"""The login attempts of the last tabs, kept in the browser that began them.

The cookie is sealed (nobody but us can read or make one), lives ten minutes
and is good for one answer each. Being in the browser, it binds the answers to it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from typing import Annotated

import msgspec
from itsdangerous import BadData, URLSafeTimedSerializer

from portal.crypto import Unreadable, Vault
from portal.identity.failures import Invalid
from portal.identity.profile import Door
from portal.settings import Settings

SECONDS = 600
TABS = 3  # so many fit a cookie of 4096 bytes, whatever pages they lead back to
CONTEXT = "login attempt"
RETURN_SECONDS = 3600
PLAIN_PATH = r"/(?![/\\])[A-Za-z0-9._~%/?=&+-]*"
# Where a login must not lead: a second login, or straight out again.
NOT_BACK = ("/log-ind", "/log-ud")

_Path = Annotated[str, msgspec.Meta(pattern=f"^{PLAIN_PATH}$", max_length=500)]


class Attempt(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What must be remembered between going to the provider and coming back."""

    door: Door
    state: str
    nonce: str
    verifier: str
    at: int
    return_to: str = ""
    expected: str = ""


class ReturnTo(msgspec.Struct, frozen=True):
    """A page of ours to come back to; `subject` is who must come back, when that matters."""

    path: str
    subject: str = ""


class ReturnKeys:
    """Signed return addresses: `?retur=<key>` leads only where the portal itself said."""

    def __init__(self, settings: Settings) -> None:
        oldest_first = list(reversed(settings.secret_keys))
        self._signer = URLSafeTimedSerializer(oldest_first, salt="return to")

    def key(self, path: str, subject: str = "") -> str:
        """A key for a path (with query) of ours, or "" when it is no plain path.

        With `subject` (Account.subject) it is a step-up: only that person can answer it.
        """
        key = str(self._signer.dumps([path, subject]))
        return key if self.read(key).path else ""

    def read(self, key: str) -> ReturnTo:
        """The address, or an empty one for whatever we did not sign."""
        try:
            found = self._signer.loads(key, max_age=RETURN_SECONDS)
            returned = msgspec.convert(found, tuple[_Path, str])
        except (BadData, msgspec.ValidationError):
            return ReturnTo("")
        return ReturnTo("") if returned[0].startswith(NOT_BACK) else ReturnTo(*returned)


def begin(door: Door, return_to: ReturnTo) -> Attempt:
    """A new attempt; every secret in it is 256 random bits."""
    return Attempt(
        door=door,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(32),
        at=int(time.time()),
        return_to=return_to.path,
        expected=return_to.subject,
    )


def with_another(cookie: str, attempt: Attempt, vault: Vault) -> str:
    """The cookie value with one more attempt in it, and the last ones of other tabs."""
    standing = [one for one in _attempts(cookie, vault) if _in_time(one)]
    return _sealed([*standing, attempt][-TABS:], vault)


def without(cookie: str, state: str, vault: Vault) -> str:
    """The cookie value when this attempt is over; empty when none is left."""
    left = [one for one in _attempts(cookie, vault) if one.state != state and _in_time(one)]
    return _sealed(left, vault) if left else ""


def from_cookie(cookie: str, state: str, vault: Vault) -> Attempt:
    """The attempt that this browser began and this answer belongs to. Raises Invalid."""
    begun = _attempts(cookie, vault)
    if not begun:
        raise Invalid("no login was begun in this browser")
    answered = state.encode(errors="replace")
    for attempt in begun:
        if hmac.compare_digest(attempt.state.encode(), answered):
            if not _in_time(attempt):
                raise Invalid("the login took too long")
            return attempt
    raise Invalid("state is not this browser's")


def _in_time(attempt: Attempt) -> bool:
    return 0 <= time.time() - attempt.at <= SECONDS


def _sealed(attempts: list[Attempt], vault: Vault) -> str:
    return base64.urlsafe_b64encode(vault.seal(msgspec.json.encode(attempts), CONTEXT)).decode()


def _attempts(cookie: str, vault: Vault) -> list[Attempt]:
    """What a cookie holds; nothing when it is not ours."""
    try:
        opened = vault.open(base64.urlsafe_b64decode(cookie), CONTEXT)
        return msgspec.json.decode(opened, type=list[Attempt])
    except (Unreadable, binascii.Error, ValueError, msgspec.DecodeError):
        return []
