"""One login attempt, kept in the browser that began it.

The cookie is sealed (nobody but us can read or make one), lives ten minutes
and is good for one answer. Being in the browser, it binds the answer to it.
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
CONTEXT = "login attempt"
RETURN_SECONDS = 3600
PLAIN_PATH = r"/(?![/\\])[A-Za-z0-9._~%/?=&+-]*"
# Where a login must not lead: a second login, or straight out again.
NOT_BACK = ("/log-ind", "/log-ud")

_Path = Annotated[str, msgspec.Meta(pattern=f"^{PLAIN_PATH}$", max_length=500)]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
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


def to_cookie(attempt: Attempt, vault: Vault) -> str:
    """The attempt as a cookie value."""
    return base64.urlsafe_b64encode(vault.seal(msgspec.json.encode(attempt), CONTEXT)).decode()


def from_cookie(cookie: str, state: str, vault: Vault) -> Attempt:
    """The attempt that this browser began and this answer belongs to. Raises Invalid."""
    if not cookie:
        raise Invalid("no login was begun in this browser")
    try:
        opened = vault.open(base64.urlsafe_b64decode(cookie), CONTEXT)
        attempt = msgspec.json.decode(opened, type=Attempt)
    except (Unreadable, binascii.Error, ValueError, msgspec.DecodeError):
        raise Invalid("the login cookie is not ours") from None
    if not hmac.compare_digest(attempt.state.encode(), state.encode(errors="replace")):
        raise Invalid("state is not this browser's")
    if not 0 <= time.time() - attempt.at <= SECONDS:
        raise Invalid("the login took too long")
    return attempt
